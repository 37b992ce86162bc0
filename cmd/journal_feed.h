/* A journal's entries one after the other, from a node or from a file that `winnow replay --save` wrote. */
#ifndef CMD_JOURNAL_FEED_H
#define CMD_JOURNAL_FEED_H

#include <stdio.h>

#include "core/fetch.h"

/* `left` is how many entries follow, as far as known. */
typedef bool feed_entry(void *context, struct wn_slice body, uint64_t left, struct wn_error *err);

/* The node's newest signed note, unchecked, in the arena. */
bool journal_fetch_note(struct fetch *fetch, struct wn_arena *arena, struct wn_slice *out, struct wn_error *err);
/* Entries 0 to size - 1, page by page; a node that skips or repeats one is refused: journal_page. */
bool journal_fetch(struct fetch *fetch, uint64_t size, feed_entry *entry, void *context, struct wn_error *err);

/*
 * One entry a line, then, where it was saved, {"checkpoint": note} in the last. *note is in the arena; no bytes: none.
 * WN_INPUT journal_file for a file that cannot be read, journal_line for a line that is too long or follows the note.
 */
bool journal_file_read(const char *path, struct wn_arena *arena, feed_entry *entry, void *context,
	struct wn_slice *note, struct wn_error *err);
/* Lines of such a file; WN_DOWN journal_file when the disk is full. */
bool journal_file_entry(FILE *file, struct wn_slice body, struct wn_error *err);
bool journal_file_note(FILE *file, struct wn_arena *arena, struct wn_slice note, struct wn_error *err);

#endif
