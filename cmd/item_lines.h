/* Lines of a file of submissions, or of the standard input, one at a time and never longer than an item may be. */
#ifndef CMD_ITEM_LINES_H
#define CMD_ITEM_LINES_H

#include "core/arena.h"
#include "core/error.h"

struct item_lines;

/* path "-" is the standard input. */
bool item_lines_open(struct item_lines **out, const char *path, struct wn_error *err);
void item_lines_close(struct item_lines *lines);
/*
 * The next line that is not blank, without its newline; *number counts from 1. data NULL at the end. `too_long` lines
 * come back cut and must be refused. The text is valid until the next call.
 */
bool item_lines_next(
	struct item_lines *lines, struct wn_slice *line, int64_t *number, bool *too_long, struct wn_error *err);
/* Bytes read so far, and of how many: -1 when nobody knows. */
void item_lines_where(const struct item_lines *lines, int64_t *read_bytes, int64_t *all_bytes);

#endif
