/* Immutable files of the duplicate index: a header, a body in blocks with a checksum each, mapped into memory. */
#ifndef GPU_EMBED_INDEX_FILE_H
#define GPU_EMBED_INDEX_FILE_H

#include <stdint.h>

#include "core/error.h"

/*
 *   header    INDEX_HEADER bytes: struct index_header, then zeros
 *   body      `body_bytes` of sections, each at a multiple of 64
 *   sums      XXH3-64 (seed 0) of every INDEX_BLOCK bytes of the body, the last block as long as it is
 *
 * All numbers are little-endian; nothing in a file depends on the machine, the time or the process that wrote it, so
 * two nodes that were fed the same have the same bytes. A file is written beside its name, synced, and renamed: under
 * its name it is whole, or was damaged later.
 */
enum { INDEX_FORMAT = 1, INDEX_HEADER = 4096, INDEX_BLOCK = 65536, INDEX_SECTIONS = 9, INDEX_NAME_MAX = 32 };
#define INDEX_MAGIC "WNINDEX"
#define INDEX_UNFINISHED ".new" /* the end of the name of a file that is being written */

enum index_kind { INDEX_LEADERS = 1, INDEX_KEYS = 2 };

struct index_header {
	char magic[8];
	uint32_t format, kind, spec_version, section_count;
	uint64_t seed;	       /* EMBED_SEED: signatures of another one are not comparable */
	uint64_t first, count; /* leaders that it holds or leads to, by their numbers */
	uint64_t watermark;    /* the linker's number of the last of them */
	uint8_t last[32];      /* and its item */
	uint64_t salt;	       /* INDEX_KEYS: enters the place of every key */
	uint64_t lines;	       /* INDEX_KEYS */
	uint64_t body_bytes;
	uint64_t section_at[INDEX_SECTIONS], section_bytes[INDEX_SECTIONS]; /* within the body */
	uint64_t sums_sum;						    /* XXH3-64 of the sums */
	uint64_t header_sum;						    /* XXH3-64 of everything before it */
};

/* ---- reading ---- */

struct index_file {
	const struct index_header *header;
	const uint8_t *body;
	const uint64_t *sums;
	uint8_t *checked; /* of each block whether its sum was found right; set once, by any thread */
	size_t blocks, mapped_bytes;
	char name[INDEX_NAME_MAX];
};
/*
 * Maps a file and checks all but the blocks. WN_INPUT index_foreign: another magic, format, specification or seed, not
 * the `kind` that was asked for; index_damaged: cut, too long, or sums that do not agree. WN_DOWN index_read,
 * index_none where there is no such file.
 */
bool index_file_open(struct index_file **out, int folder, const char *name, enum index_kind kind, struct wn_error *err);
void index_file_close(struct index_file *file); /* NULL is fine */
/* Nothing of a block may be read before it was checked; once is enough. WN_INPUT index_damaged. Any thread. */
bool index_file_check_block(struct index_file *file, size_t block, struct wn_error *err);
bool index_file_check_all(struct index_file *file, struct wn_error *err);

/* ---- writing ---- */

/* WN_DOWN index_write on every failure; WN_FULL index_full when the disk is. */
struct index_writer {
	int folder, file;
	char name[INDEX_NAME_MAX];
	struct index_header header; /* the caller fills what describes the content */
	uint8_t *body;		    /* mapped for writing; `header.body_bytes` of it */
	size_t mapped_bytes;
};
/* The sections' bytes are set in `header`; makes room on the disk for all of them. The body is zeros. */
bool index_writer_open(struct index_writer *writer, int folder, const char *name, const struct index_header *header,
	struct wn_error *err);
void *index_writer_section(const struct index_writer *writer, size_t section);
/* Sums, syncs, renames; whatever comes of it, the writer is closed. */
bool index_writer_done(struct index_writer *writer, struct wn_error *err);
void index_writer_abandon(struct index_writer *writer);

/* XXH3-64, seed 0: of what is stored. */
uint64_t index_sum(const void *bytes, size_t count);

#endif
