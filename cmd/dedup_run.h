/* Duplicates of a file of lines, without a database: read, sign side by side, link in order, write a line for a line.
 */
#ifndef CMD_DEDUP_RUN_H
#define CMD_DEDUP_RUN_H

#include <stdint.h>
#include <stdio.h>

#include "core/error.h"

enum { DEDUP_CHUNK_LINES = 4096, DEDUP_FIELD_MAX = 128 };

struct dedup_plan {
	const char *path;	    /* "-": the standard input */
	const char *field, *id;	    /* members of each line's object; a dot leads into an object within */
	int numerator, denominator; /* Jaccard from which a text repeats another */
	unsigned threads;	    /* that read and sign; one more links and writes */
	size_t chunk_lines;	    /* at a time; the result is the same for any number of them */
	FILE *out;
	void (*progress)(void *context, int64_t lines, int thousandths); /* may be NULL; thousandths -1: unknown */
	void *context;
};

/*
 * Every line of the input has a line in the output, in order:
 *   {"line":N,"id":...,"origin":N,"cluster":N,"method":"none|exact|norm|minhash","numerator":N,"denominator":N}
 *   {"line":N,"id":...,"code":"...","detail":"..."}
 * origin and cluster are numbers of lines. Codes: json_*, dedup_blank, dedup_long, dedup_no_text.
 */
struct dedup_summary {
	int64_t lines, texts, bad, origins, exact, normalised, near;
	int64_t text_bytes;
};
/* WN_DOWN file_read; WN_INPUT file_open, dedup_gzip; WN_FULL dedup_write, memory, linker_full. What could be decided
 * before a failure was written. */
bool dedup_run(const struct dedup_plan *plan, struct dedup_summary *out, struct wn_error *err);

#endif
