/* Journal entries of vote/: sealed to canonical bytes and leaf hash first, because rows point at the leaf. */
#ifndef VOTE_VOTE_ENTRY_H
#define VOTE_VOTE_ENTRY_H

#include "core/db.h"
#include "core/journal.h"
#include "core/json.h"
#include "vote/round_store.h"

struct vote_entry {
	struct wn_slice body; /* canonical */
	struct sha256 leaf;
};
/* Closes the object that journal_entry_begin() opened. */
bool vote_entry_seal(struct json_writer *writer, struct wn_arena *arena, struct vote_entry *out, struct wn_error *err);
bool vote_entry_append(struct db *db, struct wn_arena *arena, const struct vote_entry *entry, struct wn_error *err);

/* Members "item" and "round" of an open object. */
void vote_entry_put_round(struct json_writer *writer, const struct round_key *key);
/* `rounds` entries: rounds that open. One entry tells VOTE_ENTRY_ROUNDS_MAX of them, which stay below
 * JOURNAL_ENTRY_MAX. */
enum { VOTE_ENTRY_ROUNDS_MAX = 3000 };
bool vote_entry_rounds_seal(struct wn_arena *arena, const struct round_opening *openings, size_t count, int64_t now_ms,
	struct vote_entry *out, struct wn_error *err);
/* All of them, in as many entries as it takes. */
bool vote_entry_rounds(struct db *db, struct wn_arena *arena, const struct round_opening *openings, size_t count,
	int64_t now_ms, struct wn_error *err);
/* The whole `seat_left` entry: seats given up without a vote, whose bonds went back. */
bool vote_entry_seats_left(struct db *db, struct wn_arena *arena, const char *cause, const struct seat_left *left,
	size_t count, int64_t now_ms, struct sha256 *leaf, struct wn_error *err);

#endif
