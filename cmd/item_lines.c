/* Reads lines through one buffer; what does not fit is skipped up to its newline. */
#include "cmd/item_lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ingest/item.h"

struct item_lines {
	FILE *file;
	bool owned;
	int64_t number, read_bytes, all_bytes;
	char line[ITEM_LINE_MAX + 1];
};

bool item_lines_open(struct item_lines **out, const char *path, struct wn_error *err)
{
	struct stat about;
	struct item_lines *lines = calloc(1, sizeof *lines);
	if (!lines)
		return wn_fail(err, WN_FULL, "memory", "no room to read lines");
	lines->owned = strcmp(path, "-") != 0;
	lines->file = lines->owned ? fopen(path, "re") : stdin;
	if (!lines->file || fstat(fileno(lines->file), &about) != 0 || S_ISDIR(about.st_mode)) {
		int why = lines->file ? EISDIR : errno;
		item_lines_close(lines);
		return wn_fail(err, WN_INPUT, "file_open", "%s: %s", path, strerror(why));
	}
	lines->all_bytes = S_ISREG(about.st_mode) ? about.st_size : -1;
	*out = lines;
	return true;
}

void item_lines_close(struct item_lines *lines)
{
	if (lines && lines->owned && lines->file)
		fclose(lines->file);
	free(lines);
}

/* One line into the buffer; false at the end of the file. */
static bool line_read(struct item_lines *lines, size_t *bytes, bool *too_long)
{
	int c;
	*bytes = 0;
	*too_long = false;
	while ((c = getc_unlocked(lines->file)) != EOF && c != '\n') {
		if (*bytes < ITEM_LINE_MAX)
			lines->line[(*bytes)++] = (char)c;
		else
			*too_long = true;
		lines->read_bytes++;
	}
	lines->read_bytes += c == '\n';
	lines->number += c == '\n' || *bytes > 0;
	return c == '\n' || *bytes > 0;
}

bool item_lines_next(
	struct item_lines *lines, struct wn_slice *line, int64_t *number, bool *too_long, struct wn_error *err)
{
	size_t bytes;
	*line = (struct wn_slice){NULL, 0};
	while (line_read(lines, &bytes, too_long)) {
		size_t blank = 0;
		while (blank < bytes &&
			(lines->line[blank] == ' ' || lines->line[blank] == '\t' || lines->line[blank] == '\r'))
			blank++;
		if (blank == bytes && !*too_long)
			continue;
		*line = (struct wn_slice){lines->line, bytes};
		*number = lines->number;
		return true;
	}
	return !ferror(lines->file) ||
	       wn_fail(err, WN_DOWN, "file_read", "line %lld: %s", (long long)lines->number + 1, strerror(errno));
}

void item_lines_where(const struct item_lines *lines, int64_t *read_bytes, int64_t *all_bytes)
{
	*read_bytes = lines->read_bytes;
	*all_bytes = lines->all_bytes;
}
