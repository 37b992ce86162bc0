/* gzip shards by zlib: written as rows come, cut before they can grow too large, read back with every limit named. */
#include "dataset/shard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/hash.h"
#include "dataset/row.h"
#include "dataset/version_folder.h"

enum {
	SHARD_WINDOW = 15 + 16, /* the largest window, gzip framing */
	SHARD_MEMORY = 8,	/* zlib's default: what the bytes depend on, so it is spelled out */
	SHARD_PIECE_BYTES = 65536,
	/* What zlib may hold back: 16,384 symbols of at most 6 bytes each, and 64 KiB that it has not looked at. */
	SHARD_HELD_BACK = 256 * 1024,
	SHARD_OS_UNKNOWN = 255,
};

const char *shard_codec(void)
{
	static char codec[MANIFEST_CODEC_MAX];
	/* The library that runs, not the header that it was built with. Always the same bytes: a race writes them
	 * twice. */
	snprintf(codec, sizeof codec, "zlib %s level %d", zlibVersion(), SHARD_LEVEL);
	return codec;
}

struct shard_writer {
	int folder, file; /* file -1: no shard is open */
	z_stream zip;
	gz_header header;
	struct sha256_stream *hash;
	int64_t bytes, open_bytes; /* of the open shard */
	struct manifest_file *files;
	size_t count, room;
	struct wn_arena names;
	/* Rows wait here for each other: to call the compressor for each costs a twentieth of what it does. */
	char waiting[SHARD_PIECE_BYTES];
	size_t waiting_bytes;
	unsigned char piece[SHARD_PIECE_BYTES];
};

bool shard_writer_open(struct shard_writer **out, int folder, struct wn_error *err)
{
	struct shard_writer *writer = calloc(1, sizeof *writer);
	*out = writer;
	if (!writer)
		return wn_fail(err, WN_FULL, "memory", "no room to write shards");
	writer->folder = folder;
	writer->file = -1;
	wn_arena_init(&writer->names, (size_t)MANIFEST_FILES_MAX * 64);
	return true;
}

static bool shard_begin(struct shard_writer *writer, struct wn_error *err)
{
	if (writer->count == MANIFEST_FILES_MAX)
		return wn_fail(err, WN_INPUT, "dataset_large", "a version has at most %d files", MANIFEST_FILES_MAX);
	if (writer->count == writer->room) {
		size_t room = writer->room ? writer->room * 2 : 16;
		struct manifest_file *files = realloc(writer->files, room * sizeof *files);
		if (!files)
			return wn_fail(err, WN_FULL, "memory", "no room for the list of shards");
		writer->files = files;
		writer->room = room;
	}
	char *path = wn_arena_printf(&writer->names, "data/part-%05zu.jsonl.gz", writer->count);
	if (!path)
		return wn_fail(err, WN_FULL, "memory", "no room for the list of shards");
	if (!folder_file_create(writer->folder, path, &writer->file, err))
		return false;
	writer->files[writer->count++] = (struct manifest_file){.path = path};
	writer->bytes = writer->open_bytes = 0;
	writer->waiting_bytes = 0;
	memset(&writer->zip, 0, sizeof writer->zip);
	memset(&writer->header, 0, sizeof writer->header);
	/* No time, no name, no operating system: the same rows give the same bytes anywhere. */
	writer->header.os = SHARD_OS_UNKNOWN;
	if (deflateInit2(&writer->zip, SHARD_LEVEL, Z_DEFLATED, SHARD_WINDOW, SHARD_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return wn_fail(err, WN_FULL, "memory", "no room to compress");
	wn_assert(deflateSetHeader(&writer->zip, &writer->header) == Z_OK);
	writer->hash = sha256_open();
	return true;
}

/* Feeds the bytes and writes what comes out. */
static bool shard_feed(struct shard_writer *writer, const char *data, size_t bytes, int flush, struct wn_error *err)
{
	writer->zip.next_in = (unsigned char *)(uintptr_t)data;
	writer->zip.avail_in = (unsigned)bytes;
	for (int result = Z_OK;;) {
		writer->zip.next_out = writer->piece;
		writer->zip.avail_out = sizeof writer->piece;
		result = deflate(&writer->zip, flush);
		wn_assert(result != Z_STREAM_ERROR);
		size_t made = sizeof writer->piece - writer->zip.avail_out;
		sha256_add(writer->hash, writer->piece, made);
		writer->bytes += (int64_t)made;
		if (!folder_file_append(writer->file, writer->piece, made, err))
			return false;
		if (flush == Z_FINISH ? result == Z_STREAM_END : writer->zip.avail_out != 0)
			return true;
	}
}

/* Gives everything back that an open shard holds; the file may be unfinished. */
static void shard_drop(struct shard_writer *writer)
{
	if (writer->file >= 0)
		close(writer->file);
	writer->file = -1;
	deflateEnd(&writer->zip);
	if (writer->hash)
		sha256_close(writer->hash, NULL);
	writer->hash = NULL;
}

static bool shard_end(struct shard_writer *writer, struct wn_error *err)
{
	struct manifest_file *file = &writer->files[writer->count - 1];
	if (!shard_feed(writer, writer->waiting, writer->waiting_bytes, Z_FINISH, err))
		return false;
	wn_assert(writer->bytes <= SHARD_BYTES_MAX);
	file->bytes = writer->bytes;
	sha256_close(writer->hash, &file->sha256);
	writer->hash = NULL;
	int done = writer->file;
	writer->file = -1;
	deflateEnd(&writer->zip);
	return folder_file_done(done, err);
}

/* Bytes that wait until there are enough of them; what is larger than the room goes through in pieces. */
static bool shard_put(struct shard_writer *writer, const char *data, size_t bytes, struct wn_error *err)
{
	while (bytes > 0) {
		size_t room = sizeof writer->waiting - writer->waiting_bytes, step = bytes < room ? bytes : room;
		memcpy(writer->waiting + writer->waiting_bytes, data, step);
		writer->waiting_bytes += step;
		data += step;
		bytes -= step;
		if (writer->waiting_bytes < sizeof writer->waiting)
			return true;
		writer->waiting_bytes = 0;
		if (!shard_feed(writer, writer->waiting, sizeof writer->waiting, Z_NO_FLUSH, err))
			return false;
	}
	return true;
}

bool shard_writer_add(struct shard_writer *writer, struct wn_slice row, struct wn_error *err)
{
	wn_assert(row.bytes <= ROW_MAX);
	/* Cut where even incompressible rows could not take the shard above its limit: rows alone decide where. */
	int64_t unseen = (int64_t)(writer->waiting_bytes + row.bytes);
	int64_t most = writer->bytes + SHARD_HELD_BACK + unseen + unseen / 1000 + 64;
	if (writer->file >= 0 &&
		(most > SHARD_BYTES_MAX || writer->open_bytes + (int64_t)row.bytes + 1 > SHARD_OPEN_BYTES_MAX) &&
		!shard_end(writer, err))
		return false;
	if (writer->file < 0 && !shard_begin(writer, err))
		return false;
	writer->open_bytes += (int64_t)row.bytes + 1;
	return shard_put(writer, row.data, row.bytes, err) && shard_put(writer, "\n", 1, err);
}

bool shard_writer_finish(
	struct shard_writer *writer, const struct manifest_file **files, size_t *count, struct wn_error *err)
{
	if (writer->file >= 0 && !shard_end(writer, err))
		return false;
	*files = writer->files;
	*count = writer->count;
	return true;
}

void shard_writer_close(struct shard_writer *writer)
{
	if (!writer)
		return;
	if (writer->file >= 0)
		shard_drop(writer);
	wn_arena_free(&writer->names);
	free(writer->files);
	free(writer);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

struct shard_lines {
	shard_line *line;
	void *context;
	size_t held;   /* bytes of a line that has not ended */
	int64_t bytes; /* uncompressed so far */
	char buffer[ROW_MAX + SHARD_PIECE_BYTES];
};

/* Hands over every line that ended in the new piece; what is left moves to the front. */
static bool shard_lines_take(struct shard_lines *lines, size_t fresh, struct wn_error *err)
{
	size_t all = lines->held + fresh, start = 0, look = lines->held;
	lines->bytes += (int64_t)fresh;
	if (lines->bytes > SHARD_OPEN_BYTES_MAX)
		return wn_fail(
			err, WN_INPUT, "shard_large", "a shard opens to more than %d bytes", SHARD_OPEN_BYTES_MAX);
	for (const char *end; (end = memchr(lines->buffer + look, '\n', all - look)) != NULL;) {
		size_t stop = (size_t)(end - lines->buffer);
		if (stop - start > ROW_MAX)
			return wn_fail(err, WN_INPUT, "shard_line", "a line has more than %d bytes", ROW_MAX);
		if (!lines->line(lines->context, (struct wn_slice){lines->buffer + start, stop - start}, err))
			return false;
		start = look = stop + 1;
	}
	lines->held = all - start;
	if (lines->held > ROW_MAX)
		return wn_fail(err, WN_INPUT, "shard_line", "a line has more than %d bytes", ROW_MAX);
	memmove(lines->buffer, lines->buffer + start, lines->held);
	return true;
}

bool shard_read(const void *gzip, size_t bytes, shard_line *line, void *context, struct wn_error *err)
{
	z_stream zip = {.next_in = (unsigned char *)(uintptr_t)gzip, .avail_in = (unsigned)bytes};
	wn_assert(bytes <= SHARD_BYTES_MAX);
	struct shard_lines *lines = malloc(sizeof *lines);
	if (!lines || inflateInit2(&zip, SHARD_WINDOW) != Z_OK) {
		free(lines);
		return wn_fail(err, WN_FULL, "memory", "no room to decompress");
	}
	lines->line = line;
	lines->context = context;
	lines->held = 0;
	lines->bytes = 0;
	bool ok = true;
	int result = Z_OK;
	while (ok && result == Z_OK) {
		zip.next_out = (unsigned char *)lines->buffer + lines->held;
		zip.avail_out = SHARD_PIECE_BYTES;
		result = inflate(&zip, Z_NO_FLUSH);
		size_t fresh = SHARD_PIECE_BYTES - zip.avail_out;
		/* A cut file ends in Z_BUF_ERROR; what came out of a damaged one is not shown to anybody. */
		if (result != Z_OK && result != Z_STREAM_END)
			ok = wn_fail(err, WN_INPUT, "shard_gzip", "the gzip stream is damaged or cut");
		else
			ok = shard_lines_take(lines, fresh, err);
	}
	if (ok && zip.avail_in != 0)
		ok = wn_fail(err, WN_INPUT, "shard_trailing", "%u bytes follow the gzip stream", zip.avail_in);
	if (ok && lines->held != 0)
		ok = wn_fail(err, WN_INPUT, "shard_line", "the last line has no newline");
	inflateEnd(&zip);
	free(lines);
	return ok;
}
