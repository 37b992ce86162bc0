/* Shards of rows, one canonical row a line, gzip with nothing in the header that changes from run to run. */
#ifndef DATASET_SHARD_H
#define DATASET_SHARD_H

#include "dataset/manifest.h"

enum {
	SHARD_BYTES_MAX = 8 * 1024 * 1024,	  /* compressed: the unit that a reader fetches anew after a deletion */
	SHARD_OPEN_BYTES_MAX = 256 * 1024 * 1024, /* uncompressed */
	SHARD_LEVEL = 6,
};

/* "zlib 1.2.13 level 6": what the bytes depend on besides the rows. */
const char *shard_codec(void);

/* Writes data/part-00000.jsonl.gz and on below an open version folder; memory stays the same however many rows come. */
struct shard_writer;
bool shard_writer_open(struct shard_writer **out, int folder, struct wn_error *err);
bool shard_writer_add(struct shard_writer *writer, struct wn_slice row, struct wn_error *err);
/* Ends the last shard and syncs. The list lives until shard_writer_close(). */
bool shard_writer_finish(
	struct shard_writer *writer, const struct manifest_file **files, size_t *count, struct wn_error *err);
void shard_writer_close(struct shard_writer *writer); /* NULL is fine */

/*
 * Calls back for each line (without its newline) of one shard in memory. WN_INPUT: shard_gzip (damaged or cut),
 * shard_trailing (something behind the one gzip member), shard_line (no newline at the end, or a line above ROW_MAX),
 * shard_large.
 */
typedef bool shard_line(void *context, struct wn_slice line, struct wn_error *err);
bool shard_read(const void *gzip, size_t bytes, shard_line *line, void *context, struct wn_error *err);

#endif
