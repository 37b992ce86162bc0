/* zlib reads both kinds; lines are cut out of what it gives, and those that are too long are skipped up to their end.
 */
#include "cmd/dedup_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { READ_BYTES = 1 << 18, LINES_LEAST = 1024 };

struct dedup_lines {
	gzFile file;
	int64_t all_bytes, number;
	bool ended;
	struct wn_error fault; /* told once the lines before it are */
	size_t at, bytes;
	char read[READ_BYTES];
};

bool dedup_lines_open(struct dedup_lines **out, const char *path, struct wn_error *err)
{
	struct stat about;
	struct dedup_lines *lines = calloc(1, sizeof *lines);
	if (!lines)
		return wn_fail(err, WN_FULL, "memory", "no room to read lines");
	int file = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &about) != 0 || S_ISDIR(about.st_mode)) {
		int why = file < 0 ? errno : EISDIR;
		if (file >= 0)
			close(file);
		free(lines);
		return wn_fail(err, WN_INPUT, "file_open", "%s: %s", path, strerror(why));
	}
	lines->all_bytes = S_ISREG(about.st_mode) ? about.st_size : -1;
	lines->file = gzdopen(file, "r");
	if (!lines->file) {
		close(file);
		free(lines);
		return wn_fail(err, WN_FULL, "memory", "no room to read %s", path);
	}
	gzbuffer(lines->file, READ_BYTES);
	*out = lines;
	return true;
}

void dedup_lines_close(struct dedup_lines *lines)
{
	if (!lines)
		return;
	gzclose_r(lines->file);
	free(lines);
}

void dedup_chunk_free(struct dedup_chunk *chunk)
{
	free(chunk->lines);
	free(chunk->bytes);
}

/* More bytes, or the end, or a fault, which is an end too. */
static void lines_fill(struct dedup_lines *lines)
{
	int got = gzread(lines->file, lines->read, READ_BYTES), code;
	const char *why = gzerror(lines->file, &code);
	lines->at = 0;
	lines->bytes = got > 0 ? (size_t)got : 0;
	lines->ended = got <= 0;
	if (got < 0 || code == Z_BUF_ERROR || code == Z_DATA_ERROR) {
		if (code == Z_ERRNO)
			wn_fail(&lines->fault, WN_DOWN, "file_read", "%s", strerror(errno));
		else
			wn_fail(&lines->fault, WN_INPUT, "dedup_gzip",
				code == Z_BUF_ERROR ? "the gzip stream is cut" : "the gzip stream is damaged: %s", why);
	}
}

static bool chunk_reserve(struct dedup_chunk *chunk, size_t bytes)
{
	if (chunk->count == chunk->lines_room) {
		size_t room = chunk->lines_room ? 2 * chunk->lines_room : LINES_LEAST;
		struct wn_slice *grown = realloc(chunk->lines, room * sizeof *grown);
		if (!grown)
			return false;
		chunk->lines = grown;
		chunk->lines_room = room;
	}
	if (bytes > chunk->bytes_room) {
		size_t room = chunk->bytes_room ? chunk->bytes_room : DEDUP_CHUNK_BYTES + DEDUP_LINE_MAX;
		while (room < bytes)
			room *= 2;
		char *grown = realloc(chunk->bytes, room);
		if (!grown)
			return false;
		chunk->bytes = grown;
		chunk->bytes_room = room;
	}
	return true;
}

/* One line behind the `used` bytes of the chunk; *line_bytes of it are kept. False in *got at the end of the file. */
static bool line_read(struct dedup_lines *lines, struct dedup_chunk *chunk, size_t used, size_t *line_bytes, bool *got)
{
	*line_bytes = 0;
	*got = false;
	for (;;) {
		if (lines->at == lines->bytes && !lines->ended)
			lines_fill(lines);
		if (lines->at == lines->bytes)
			return true;
		const char *start = lines->read + lines->at;
		size_t left = lines->bytes - lines->at;
		const char *end = memchr(start, '\n', left);
		size_t bytes = end ? (size_t)(end - start) : left, kept = bytes;
		if (*line_bytes + kept > DEDUP_LINE_MAX + 1)
			kept = DEDUP_LINE_MAX + 1 - *line_bytes;
		if (!chunk_reserve(chunk, used + *line_bytes + kept))
			return false;
		memcpy(chunk->bytes + used + *line_bytes, start, kept);
		*line_bytes += kept;
		*got = true;
		lines->at += bytes + (end != NULL);
		if (end)
			return true;
	}
}

bool dedup_lines_read(struct dedup_lines *lines, struct dedup_chunk *chunk, size_t most, struct wn_error *err)
{
	size_t used = 0;
	chunk->count = 0;
	chunk->first = lines->number + 1;
	while (chunk->count < most && used < DEDUP_CHUNK_BYTES) {
		size_t bytes;
		bool got;
		if (!line_read(lines, chunk, used, &bytes, &got))
			return wn_fail(err, WN_FULL, "memory", "no room for the lines of a chunk");
		if (!got)
			break;
		/* Bytes may move while the chunk grows: places now, addresses at the end. */
		chunk->lines[chunk->count++] = (struct wn_slice){NULL, bytes};
		used += bytes;
		lines->number++;
	}
	used = 0;
	for (size_t i = 0; i < chunk->count; i++) {
		chunk->lines[i].data = chunk->bytes + used;
		used += chunk->lines[i].bytes;
	}
	if (chunk->count == 0 && lines->fault.blame != WN_NONE) {
		*err = lines->fault;
		return false;
	}
	return true;
}

int dedup_lines_where(const struct dedup_lines *lines)
{
	if (lines->all_bytes <= 0)
		return -1;
	int64_t at = gzoffset(lines->file), thousandths = at * 1000 / lines->all_bytes;
	return thousandths > 1000 ? 1000 : (int)thousandths;
}
