/* Lines of a file, plain or gzip, in chunks that stay in memory until the chunk is filled again. */
#ifndef CMD_DEDUP_LINES_H
#define CMD_DEDUP_LINES_H

#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"

enum { DEDUP_LINE_MAX = 1 << 20, DEDUP_CHUNK_BYTES = 4 << 20 };

struct dedup_lines;
/* path "-" is the standard input. WN_INPUT file_open. */
bool dedup_lines_open(struct dedup_lines **out, const char *path, struct wn_error *err);
void dedup_lines_close(struct dedup_lines *lines); /* NULL is fine */

struct dedup_chunk {
	size_t count;
	int64_t first;		/* number of the first line, counted from 1 */
	struct wn_slice *lines; /* without newline; of one above DEDUP_LINE_MAX its first DEDUP_LINE_MAX + 1 bytes */
	size_t lines_room;
	char *bytes;
	size_t bytes_room;
};
void dedup_chunk_free(struct dedup_chunk *chunk);
/*
 * Up to `most` lines; count 0 at the end. WN_INPUT dedup_gzip: damaged, or cut in its middle, told behind the last line
 * that could be read. WN_DOWN file_read; WN_FULL memory.
 */
bool dedup_lines_read(struct dedup_lines *lines, struct dedup_chunk *chunk, size_t most, struct wn_error *err);
/* How much of the file was read, in thousandths; -1 when nobody knows. */
int dedup_lines_where(const struct dedup_lines *lines);

#endif
