/* NDJSON files of texts or pairs of texts, plain or gzipped, line by line: what learning and judging embedders read. */
#ifndef CMD_TEXT_LINES_H
#define CMD_TEXT_LINES_H

#include "core/arena.h"
#include "core/error.h"

enum { TEXT_LINE_MAX = 1 << 20, TEXT_FILES_MAX = 64 };

/* Strings live until the next line is read. */
struct text_line {
	int64_t number;	      /* counts from 1 */
	const char *language; /* "lang" or "language"; NULL: not told */
	struct wn_slice a, b; /* "a" and "b", or "text" or "content" as a; data NULL: there is none */
	bool graded, binary;  /* "score" is a number, or "label" is 0 or 1 */
	double grade;
};

struct text_lines;
/* WN_INPUT text_file. */
bool text_lines_open(struct text_lines **out, const char *path, struct wn_error *err);
void text_lines_close(struct text_lines *lines); /* NULL is fine */
/* The next line that is not blank; *end: there is none. WN_INPUT text_line, text_file, with its place. */
bool text_lines_next(struct text_lines *lines, struct text_line *out, bool *end, struct wn_error *err);
/* Thousandths of the file, as it lies on the disk, that were read. */
int text_lines_permille(const struct text_lines *lines);

/* "I/N": only lines whose number leaves I when divided by N. NULL: all. WN_INPUT text_part. */
struct text_part {
	int64_t index, count;
};
bool text_part_read(const char *text, struct text_part *out, struct wn_error *err);
bool text_part_has(const struct text_part *part, int64_t number);

/* On a terminal: what is done, how fast, how long it takes yet; nothing in a pipe. `done` >= 0 counts what is told. */
struct text_progress {
	int64_t started_ms, shown_ms, done;
	const char *what; /* "texts" */
};
void text_progress_start(struct text_progress *progress, const char *what);
void text_progress_step(struct text_progress *progress, const char *path, const struct text_lines *lines);
void text_progress_end(const struct text_progress *progress);

#endif
