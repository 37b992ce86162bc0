/* A small journal written by hand, entry for entry: one campaign, five voters, two closes, for tests of the replay. */
#ifndef TESTS_VOTE_SCRIBE_H
#define TESTS_VOTE_SCRIBE_H

#include "core/arena.h"
#include "core/error.h"

enum { SCRIBE_ENTRIES_MAX = 128 };

struct scribe_journal {
	struct wn_slice entries[SCRIBE_ENTRIES_MAX]; /* canonical */
	size_t count;
};
/*
 * Four posts of one contributor (a fifth repeats the first), five voters who agree but for one vote that stays sealed;
 * the close of epoch 0 settles and mints, silent epochs pass, that of epoch 24 pays what was carried. Everything lives
 * in the arena. False after a failed check.
 */
bool scribe_write(struct wn_arena *arena, struct scribe_journal *out);
/* The same, but the first voter unbonds everything before the first epoch ends: that close pays what it carries. */
bool scribe_write_leaver(struct wn_arena *arena, struct scribe_journal *out);
/*
 * The same again and again, 25 epochs a time, told entry for entry: `take` keeps nothing of an entry when it returns
 * (the arena's memory is used again), and false ends the writing.
 */
typedef bool scribe_take(void *context, struct wn_slice entry);
bool scribe_write_days(struct wn_arena *arena, int days, scribe_take *take, void *context);
/* Where the n-th entry of a type stands, from 0; SIZE_MAX: there are fewer. */
size_t scribe_find(const struct scribe_journal *journal, const char *type, int n);
/* One text in an entry for another; the result is canonical again. False when the first one is not there. */
bool scribe_replace(struct wn_arena *arena, struct wn_slice *entry, const char *was, const char *is);

#endif
