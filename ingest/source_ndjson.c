/* Items from a file of NDJSON, or from all *.ndjson files of a folder in the order of their names; grows with the
 * files. */
#include "ingest/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/utf8.h"
#include "ingest/item.h"

/* One read: more than the longest line, so that a line either ends in it or is too long. */
enum { NDJSON_CHUNK = 2 * ITEM_LINE_MAX, NDJSON_PATH_MAX = 1024, NDJSON_NAME_MAX = 256, NDJSON_QUIET_MS = 3000 };

struct ndjson {
	char path[NDJSON_PATH_MAX];
	char chunk[NDJSON_CHUNK];
};

/* "<byte offset>[+] <file name>": the plus says that the offset lies inside a line that is too long. The name is "" for
 * a single file. */
struct ndjson_cursor {
	int64_t offset;
	bool skipping;
	char name[NDJSON_NAME_MAX];
};

static bool ndjson_wanted(const struct source_setup *setup)
{
	const struct options *options = setup->options;
	const char *path = option_text(options, "ingest.ndjson");
	return path && *path;
}

static bool ndjson_open(void **state, const struct source_setup *setup, struct wn_error *err)
{
	struct ndjson *ndjson = calloc(1, sizeof *ndjson);
	if (!ndjson)
		return wn_fail(err, WN_FULL, "memory", "no room to read files");
	const char *path = option_text(setup->options, "ingest.ndjson");
	if (snprintf(ndjson->path, sizeof ndjson->path, "%s", path) >= NDJSON_PATH_MAX) {
		free(ndjson);
		return wn_fail(
			err, WN_INPUT, "ndjson_path", "ingest.ndjson is longer than %d bytes", NDJSON_PATH_MAX - 1);
	}
	*state = ndjson;
	return true;
}

static void ndjson_close(void *state)
{
	free(state);
}

static bool cursor_read(const char *text, struct ndjson_cursor *out, struct wn_error *err)
{
	char *end;
	memset(out, 0, sizeof *out);
	if (*text == '\0')
		return true;
	errno = 0;
	out->offset = strtoll(text, &end, 10);
	out->skipping = *end == '+';
	end += out->skipping;
	if (errno || out->offset < 0 || *end != ' ' || strlen(end + 1) >= NDJSON_NAME_MAX)
		return wn_fail(err, WN_INPUT, "ndjson_cursor", "the cursor of ndjson is damaged: %.60s", text);
	snprintf(out->name, sizeof out->name, "%s", end + 1);
	return true;
}

/* The cursor holds the name, and the database holds no text that is not UTF-8. */
static bool is_ndjson(const char *name)
{
	size_t bytes = strlen(name);
	return utf8_valid(name, bytes, NULL) && bytes > 7 && bytes < NDJSON_NAME_MAX && name[0] != '.' &&
	       strcmp(name + bytes - 7, ".ndjson") == 0;
}

/* The first file of the folder whose name comes after `after`; "" when there is none. */
static bool folder_next(const char *path, const char *after, char out[NDJSON_NAME_MAX], struct wn_error *err)
{
	DIR *dir = opendir(path);
	*out = '\0';
	if (!dir)
		return wn_fail(err, WN_DOWN, "ndjson_folder", "%s: %s", path, strerror(errno));
	for (struct dirent *entry; (entry = readdir(dir));)
		if (is_ndjson(entry->d_name) && strcmp(entry->d_name, after) > 0 &&
			(!*out || strcmp(entry->d_name, out) < 0))
			snprintf(out, NDJSON_NAME_MAX, "%.*s", NDJSON_NAME_MAX - 1, entry->d_name);
	closedir(dir);
	return true;
}

/* What the file looked like when it was read. */
struct ndjson_look {
	bool quiet;  /* nobody has written to it of late, so that a last line without newline is whole */
	bool shrunk; /* it ends before the cursor: somebody emptied it or put another one in its place */
};

static bool chunk_read(struct ndjson *ndjson, const struct ndjson_cursor *cursor, size_t *bytes,
	struct ndjson_look *look, struct wn_error *err)
{
	char path[NDJSON_PATH_MAX + NDJSON_NAME_MAX];
	struct stat about;
	snprintf(path, sizeof path, "%s%s%s", ndjson->path, *cursor->name ? "/" : "", cursor->name);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &about) != 0) {
		int why = errno;
		if (file >= 0)
			close(file);
		return wn_fail(err, WN_DOWN, "ndjson_file", "%s: %s", path, strerror(why));
	}
	int64_t changed_ms = 1000LL * about.st_mtim.tv_sec + about.st_mtim.tv_nsec / 1000000;
	look->quiet = clock_wall_ms() - changed_ms > NDJSON_QUIET_MS;
	look->shrunk = about.st_size < cursor->offset;
	*bytes = 0;
	bool ok = S_ISREG(about.st_mode);
	if (!ok)
		wn_fail(err, WN_INPUT, "ndjson_file", "%s is no regular file", path);
	while (ok && *bytes < NDJSON_CHUNK) {
		ssize_t got =
			pread(file, ndjson->chunk + *bytes, NDJSON_CHUNK - *bytes, cursor->offset + (int64_t)*bytes);
		if (got == 0)
			break;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			ok = wn_fail(err, WN_DOWN, "ndjson_file", "%s: %s", path, strerror(errno));
		else
			*bytes += (size_t)got;
	}
	close(file);
	return ok;
}

static bool is_blank(const char *line, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

/* Takes the chunk's lines and moves the cursor behind them. `last`: what has no newline yet is a whole line too. */
static bool chunk_lines(const struct ndjson *ndjson, size_t bytes, bool last, struct wn_arena *arena,
	struct ndjson_cursor *cursor, struct source_batch *out, struct wn_error *err)
{
	size_t at = 0;
	while (at < bytes && out->count < SOURCE_BATCH_MAX) {
		const char *line = ndjson->chunk + at, *end = memchr(line, '\n', bytes - at);
		size_t length = end ? (size_t)(end - line) : bytes - at;
		if (!end && bytes == NDJSON_CHUNK && at == 0) {
			out->errors += !cursor->skipping;
			cursor->skipping = true;
			at = bytes;
			break;
		}
		if (!end && (bytes == NDJSON_CHUNK || !last))
			break;
		if (!cursor->skipping && !is_blank(line, length)) {
			struct wn_slice *item = &out->items[out->count++];
			*item = (struct wn_slice){wn_arena_copy(arena, line, length), length};
			if (!item->data)
				return wn_fail(err, WN_FULL, "memory", "no room for a batch of lines");
		}
		cursor->skipping = false;
		at += length + (end != NULL);
	}
	cursor->offset += (int64_t)at;
	out->more = at > 0;
	return true;
}

static bool ndjson_next(
	void *state, struct wn_arena *arena, const char *cursor_text, struct source_batch *out, struct wn_error *err)
{
	struct ndjson *ndjson = state;
	struct ndjson_cursor cursor;
	struct stat about;
	char following[NDJSON_NAME_MAX] = "";
	size_t bytes = 0;
	struct ndjson_look look = {0};
	*out = (struct source_batch){0};
	if (stat(ndjson->path, &about) != 0)
		return wn_fail(err, WN_DOWN, "ndjson_file", "ingest.ndjson: %s: %s", ndjson->path, strerror(errno));
	bool folder = S_ISDIR(about.st_mode);
	if (!cursor_read(cursor_text, &cursor, err))
		return false;
	if (folder && !folder_next(ndjson->path, cursor.name, following, err))
		return false;
	if (folder && !*cursor.name) {
		snprintf(cursor.name, sizeof cursor.name, "%s", following);
		if (!*cursor.name) {
			out->cursor = cursor_text;
			return true;
		}
		if (!folder_next(ndjson->path, cursor.name, following, err))
			return false;
	}
	if (!folder)
		*cursor.name = '\0';
	if (!chunk_read(ndjson, &cursor, &bytes, &look, err))
		return wn_while(err, "read ndjson");
	/* Waiting in silence for it to grow that long again would lose what it holds now; a file that another one
	 * follows is over. */
	if (look.shrunk && !*following)
		return wn_fail(err, WN_INPUT, "ndjson_shrunk",
			"%s is shorter than what was read of it: give the new file another name",
			*cursor.name ? cursor.name : ndjson->path);
	if (!chunk_lines(ndjson, bytes, look.quiet || *following, arena, &cursor, out, err))
		return wn_while(err, "read ndjson");
	/* At the end of a file the next one begins, once there is one. */
	if (bytes == 0 && *following) {
		cursor = (struct ndjson_cursor){0};
		snprintf(cursor.name, sizeof cursor.name, "%s", following);
		out->more = true;
	}
	out->cursor =
		wn_arena_printf(arena, "%" PRId64 "%s %s", cursor.offset, cursor.skipping ? "+" : "", cursor.name);
	return out->cursor || wn_fail(err, WN_FULL, "memory", "no room for a cursor");
}

const struct source source_ndjson = {
	.name = "ndjson",
	.campaign = "ingest.ndjson_campaign",
	.wanted = ndjson_wanted,
	.open = ndjson_open,
	.next = ndjson_next,
	.close = ndjson_close,
};
