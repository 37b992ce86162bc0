/* Reads lines through zlib, which takes plain files as they are. */
#include "cmd/text_lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/json.h"

enum { TEXT_ARENA_MAX = 64 << 20, TEXT_PART_MAX = 1000, TEXT_PROGRESS_MS = 200, TEXT_STEP = 64 };

struct text_lines {
	gzFile file;
	const char *path;
	int64_t bytes, number;
	struct wn_arena arena;
	char line[TEXT_LINE_MAX];
};

bool text_lines_open(struct text_lines **out, const char *path, struct wn_error *err)
{
	struct text_lines *lines = calloc(1, sizeof *lines);
	struct stat about;
	if (!lines)
		return wn_fail(err, WN_FULL, "memory", "no room to read %s", path);
	if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) || !(lines->file = gzopen(path, "re"))) {
		free(lines);
		return wn_fail(err, WN_INPUT, "text_file", "%s cannot be opened as a file", path);
	}
	lines->path = path;
	lines->bytes = about.st_size;
	wn_arena_init(&lines->arena, TEXT_ARENA_MAX);
	*out = lines;
	return true;
}

void text_lines_close(struct text_lines *lines)
{
	if (!lines)
		return;
	gzclose_r(lines->file);
	wn_arena_free(&lines->arena);
	free(lines);
}

int text_lines_permille(const struct text_lines *lines)
{
	int64_t at = gzoffset(lines->file);
	return lines->bytes > 0 && at > 0 ? (int)(at < lines->bytes ? 1000 * at / lines->bytes : 1000) : 0;
}

static bool line_fail(const struct text_lines *lines, struct wn_error *err, const char *why)
{
	return wn_fail(err, WN_INPUT, "text_line", "%s line %" PRId64 " %s", lines->path, lines->number, why);
}

static struct wn_slice string_of(const struct json *line, const char *name)
{
	const struct json *value = json_get(line, name);
	return value && value->type == JSON_STRING ? value->text : (struct wn_slice){NULL, 0};
}

static bool line_read(struct text_lines *lines, const struct json *json, struct text_line *out, struct wn_error *err)
{
	const struct json *score = json_get(json, "score"), *label = json_get(json, "label");
	*out = (struct text_line){.number = lines->number, .a = string_of(json, "a"), .b = string_of(json, "b")};
	if (!out->a.data)
		out->a = string_of(json, "text");
	if (!out->a.data)
		out->a = string_of(json, "content");
	if (json->type != JSON_OBJECT || !out->a.data)
		return line_fail(lines, err, "is no object with \"a\" and \"b\", \"text\" or \"content\"");
	out->language = json_member_string(json, "lang", json_member_string(json, "language", NULL));
	if (score && score->type == JSON_NUMBER) {
		out->graded = true;
		out->grade = strtod(score->text.data, NULL);
	} else if (label && label->type == JSON_NUMBER && label->text.bytes == 1 &&
		   (label->text.data[0] == '0' || label->text.data[0] == '1')) {
		out->binary = true;
		out->grade = label->text.data[0] - '0';
	}
	return true;
}

bool text_lines_next(struct text_lines *lines, struct text_line *out, bool *end, struct wn_error *err)
{
	const struct json *json;
	size_t bytes;
	int why;
	*end = false;
	do {
		lines->number++;
		if (!gzgets(lines->file, lines->line, TEXT_LINE_MAX)) {
			gzerror(lines->file, &why);
			*end = why == Z_OK;
			return *end || line_fail(lines, err, "cannot be read: the file is damaged or cut");
		}
		bytes = strlen(lines->line);
		/* A line with a NUL within looks short, one that is too long has no end: both are wrong. */
		if ((bytes == 0 || lines->line[bytes - 1] != '\n') &&
			(bytes == TEXT_LINE_MAX - 1 || !gzeof(lines->file)))
			return line_fail(lines, err, "is longer than a mebibyte or holds a zero byte");
	} while (strspn(lines->line, " \t\r\n") == bytes);
	wn_arena_reset(&lines->arena);
	if (!json_parse(&lines->arena, lines->line, bytes, &json, err))
		return wn_while(err, "%s line %" PRId64, lines->path, lines->number);
	return line_read(lines, json, out, err);
}

bool text_part_read(const char *text, struct text_part *out, struct wn_error *err)
{
	char end;
	*out = (struct text_part){0, 1};
	if (text && (sscanf(text, "%" SCNd64 "/%" SCNd64 "%c", &out->index, &out->count, &end) != 2 || out->count < 1 ||
			    out->count > TEXT_PART_MAX || out->index < 0 || out->index >= out->count))
		return wn_fail(
			err, WN_INPUT, "text_part", "a part is I/N, as 0/2 and 1/2; N is at most %d", TEXT_PART_MAX);
	return true;
}

bool text_part_has(const struct text_part *part, int64_t number)
{
	return number % part->count == part->index;
}

void text_progress_start(struct text_progress *progress, const char *what)
{
	*progress = (struct text_progress){.started_ms = clock_monotonic_ms(), .what = what};
}

void text_progress_step(struct text_progress *progress, const char *path, const struct text_lines *lines)
{
	if (++progress->done % TEXT_STEP || !isatty(STDERR_FILENO))
		return;
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - progress->started_ms + 1;
	int permille = lines ? text_lines_permille(lines) : 0;
	if (now_ms - progress->shown_ms < TEXT_PROGRESS_MS)
		return;
	progress->shown_ms = now_ms;
	const char *name = strrchr(path, '/');
	fprintf(stderr, "\r%s: %d %%, %" PRId64 " %s, %" PRId64 "/s   ", name ? name + 1 : path, permille / 10,
		progress->done, progress->what, progress->done * 1000 / spent_ms);
}

void text_progress_end(const struct text_progress *progress)
{
	if (progress->shown_ms)
		fprintf(stderr, "\r%60s\r", "");
}
