/* Pages of entries by HTTP, lines of a file. */
#include "cmd/journal_feed.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/journal.h"

enum { FEED_PAGE_ENTRIES = 1000, FEED_LINE_MAX = JOURNAL_ENTRY_MAX + 2, FEED_TIMEOUT_MS = 120000 };
#define FEED_PAGE_ARENA ((size_t)512 << 20)

static const char note_begins[] = "{\"checkpoint\":";

bool journal_fetch_note(struct fetch *fetch, struct wn_arena *arena, struct wn_slice *out, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = "/v1/checkpoint"};
	struct fetch_answer answer;
	if (!fetch_send(fetch, arena, &request, &answer, err))
		return false;
	if (answer.status == 404)
		return wn_fail(err, WN_BUSY, "checkpoint_none",
			"the node has signed no checkpoint yet: ask again in a minute");
	*out = answer.body;
	return answer.status == 200 || wn_fail(err, WN_DOWN, "checkpoint_answer",
					       "the node answered %d when asked for its checkpoint", answer.status);
}

static bool page_take(const struct json *page, uint64_t size, uint64_t *at, struct wn_arena *arena, feed_entry *entry,
	void *context, struct wn_error *err)
{
	const struct json *entries = json_get(page, "entries");
	uint64_t before = *at;
	for (size_t i = 0; entries && entries->type == JSON_ARRAY && i < entries->count && *at < size; i++) {
		int64_t position;
		struct wn_slice body;
		const struct json *value = json_get(entries->elements[i], "entry");
		if (!value || !json_integer(json_get(entries->elements[i], "position"), &position) ||
			position != (int64_t)*at)
			break;
		if (!jcs_write(arena, value, &body, err) || !entry(context, body, size - *at - 1, err))
			return false;
		++*at;
	}
	return *at > before ||
	       wn_fail(err, WN_INPUT, "journal_page", "the node gives no entry %" PRIu64 " of %" PRIu64, *at, size);
}

bool journal_fetch(struct fetch *fetch, uint64_t size, feed_entry *entry, void *context, struct wn_error *err)
{
	struct wn_arena arena;
	uint64_t at = 0;
	bool ok = true;
	wn_arena_init(&arena, FEED_PAGE_ARENA);
	while (ok && at < size) {
		char target[96];
		const struct json *page;
		struct fetch_request request = {.method = "GET", .target = target, .timeout_ms = FEED_TIMEOUT_MS};
		wn_arena_reset(&arena);
		snprintf(target, sizeof target, "/v1/journal/entries?from=%" PRIu64 "&count=%d", at, FEED_PAGE_ENTRIES);
		ok = fetch_json(fetch, &arena, &request, &page, err) &&
		     page_take(page, size, &at, &arena, entry, context, err);
	}
	wn_arena_free(&arena);
	return ok;
}

/* ---- files ---- */

static bool note_read(struct wn_arena *arena, struct wn_slice line, struct wn_slice *out, struct wn_error *err)
{
	const struct json *value;
	if (!json_parse(arena, line.data, line.bytes, &value, err))
		return false;
	const char *text = json_member_string(value, "checkpoint", NULL);
	if (!text)
		return wn_fail(err, WN_INPUT, "journal_line", "the last line holds no checkpoint");
	*out = wn_slice_of(text);
	return true;
}

bool journal_file_read(const char *path, struct wn_arena *arena, feed_entry *entry, void *context,
	struct wn_slice *note, struct wn_error *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	uint64_t number = 0;
	ssize_t bytes;
	bool ok = true;
	*note = (struct wn_slice){NULL, 0};
	if (!file)
		return wn_fail(err, WN_INPUT, "journal_file", "%s: %s", path, strerror(errno));
	while (ok && (bytes = getline(&line, &room, file)) > 0) {
		struct wn_slice body = {line, (size_t)bytes - (line[bytes - 1] == '\n')};
		number++;
		if (body.bytes > FEED_LINE_MAX || note->bytes > 0)
			ok = wn_fail(err, WN_INPUT, "journal_line", "%s line %" PRIu64 " %s", path, number,
				note->bytes > 0 ? "follows the checkpoint" : "is longer than any entry");
		else if (body.bytes >= sizeof note_begins - 1 &&
			 memcmp(body.data, note_begins, sizeof note_begins - 1) == 0)
			ok = note_read(arena, body, note, err);
		else
			ok = entry(context, body, 0, err);
	}
	if (ok && ferror(file))
		ok = wn_fail(err, WN_DOWN, "journal_file", "read %s: %s", path, strerror(errno));
	free(line);
	if (file != stdin)
		fclose(file);
	return ok;
}

static bool line_write(FILE *file, struct wn_slice text, struct wn_error *err)
{
	return (fwrite(text.data, 1, text.bytes, file) == text.bytes && fputc('\n', file) != EOF) ||
	       wn_fail(err, WN_DOWN, "journal_file", "save the journal: %s", strerror(errno));
}

bool journal_file_entry(FILE *file, struct wn_slice body, struct wn_error *err)
{
	return line_write(file, body, err);
}

bool journal_file_note(FILE *file, struct wn_arena *arena, struct wn_slice note, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_slice(&writer, "checkpoint", note);
	json_close_object(&writer);
	return json_end(&writer, &text, err) && line_write(file, text, err) &&
	       (fflush(file) == 0 || wn_fail(err, WN_DOWN, "journal_file", "save the journal: %s", strerror(errno)));
}
