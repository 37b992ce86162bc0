/* Where a key leads: a table of 64-byte lines, in memory while it grows, in a file once it does not. */
#ifndef GPU_EMBED_INDEX_KEYS_H
#define GPU_EMBED_INDEX_KEYS_H

#include <stdint.h>

#include "core/error.h"
#include "gpu_embed/embed_spec.h"
#include "gpu_embed/index_file.h"

/*
 * A leader has a key for each band, and one for its normalised hash. A key's hash gives the line where it begins and 16
 * bits that stand in it beside the leader's number; lines that are full go on in the next one. An entry is a hint: who
 * finds it compares with the leader itself, so nothing follows from two keys that share a line and 16 bits.
 *
 * Entries stand in the order of leaders along a key's lines, and nothing is ever taken out. How long a way may get is
 * bounded by INDEX_WAY_MAX: a table that would exceed it is made anew with another salt or more lines. Nobody can
 * prepare posts whose keys meet in one line: the salt of a table in memory is this process's secret, that of a file
 * follows from all leaders that the file leads to.
 */
enum {
	INDEX_NORMAL = EMBED_BANDS, /* the key of the normalised hash stands behind those of the bands */
	INDEX_KEYS_EACH = EMBED_BANDS + 1,
	INDEX_LINE_ENTRIES = 10,
	INDEX_WAY_MAX = 64, /* lines */
	INDEX_FILL = 6,	    /* of INDEX_LINE_ENTRIES in the mean, at most */
	INDEX_LINES_LEAST = 1024,
	INDEX_FILTER_KEYS = 48, /* of a block of the filter, in the mean */
	INDEX_FILTER_BITS = 5,	/* set for a key */
};

struct index_line {
	uint32_t leaders[INDEX_LINE_ENTRIES];
	uint16_t prints[INDEX_LINE_ENTRIES];
	uint8_t count, zero[3];
};
_Static_assert(sizeof(struct index_line) == 64, "a line is a line of the cache");
_Static_assert(INDEX_BLOCK % sizeof(struct index_line) == 0, "a line lies in one block");

/*
 * A file's lines lie anywhere on the disk or in memory, and most keys of most posts lead nowhere: a filter before the
 * lines, small enough to be kept in memory, says so of 98 in 100 keys that are not there. A block of 512 bits a key, of
 * which five are set (Putze, Sanders, Singler 2007).
 */
struct index_filter_block {
	uint64_t words[8];
};

struct index_keys {
	const struct index_line *lines;
	uint64_t line_count, salt, entries;
	struct index_filter_block *filter; /* NULL: all lines are in memory */
	uint64_t filter_blocks;
	struct index_line *owned; /* in memory; NULL when in a file */
	struct index_file *file;  /* NULL when in memory */
};

/* Of a key, without the salt. Campaigns share a table. */
static inline uint64_t index_key_hash(uint64_t campaign, uint64_t key, uint64_t salt)
{
	return embed_mix64(key ^ embed_mix64(campaign + salt));
}
static inline uint64_t index_key_line(uint64_t hash, uint64_t line_count)
{
	return (uint64_t)((unsigned __int128)hash * line_count >> 64);
}
static inline uint16_t index_key_print(uint64_t hash)
{
	return (uint16_t)hash;
}

/* Lines for so many entries. */
uint64_t index_keys_lines(uint64_t entries);
/* A table in memory. WN_FULL memory. */
bool index_keys_open(struct index_keys *keys, uint64_t entries, uint64_t salt, struct wn_error *err);
/* The table of a file whose header was checked: its filter is read into memory. `file` is the table's from then on.
 * WN_INPUT index_damaged, WN_FULL memory: then it is still the caller's. */
bool index_keys_map(struct index_keys *keys, struct index_file *file, struct wn_error *err);
void index_keys_close(struct index_keys *keys);
/* Puts a leader behind all that are there; false when the way would get too long. */
bool index_keys_put(struct index_line *lines, uint64_t line_count, uint64_t hash, uint32_t leader);

/* Blocks for so many entries. */
uint64_t index_filter_blocks(uint64_t entries);
/* The five bits follow from the lower half of the hash, the block from the upper one. */
static inline void index_filter_put(struct index_filter_block *filter, uint64_t blocks, uint64_t hash)
{
	uint64_t *words = filter[index_key_line(hash, blocks)].words, bits = hash * 0x9e3779b97f4a7c15u;
	for (unsigned i = 0; i < INDEX_FILTER_BITS; i++, bits <<= 9)
		words[bits >> 61] |= (uint64_t)1 << (bits >> 55 & 63);
}
static inline bool index_filter_has(const struct index_filter_block *filter, uint64_t blocks, uint64_t hash)
{
	const uint64_t *words = filter[index_key_line(hash, blocks)].words;
	uint64_t bits = hash * 0x9e3779b97f4a7c15u, all = 1;
	for (unsigned i = 0; i < INDEX_FILTER_BITS; i++, bits <<= 9)
		all &= words[bits >> 61] >> (bits >> 55 & 63);
	return all;
}

static inline void index_keys_prefetch(const struct index_keys *keys, uint64_t hash)
{
	if (keys->filter)
		__builtin_prefetch(&keys->filter[index_key_line(hash, keys->filter_blocks)]);
	else
		__builtin_prefetch(&keys->lines[index_key_line(hash, keys->line_count)]);
	/* gcc 12 takes a function that only prefetches for one without effect, and leaves out its calls. */
	__asm__ volatile("");
}

/* A walk over the entries whose print is that of a hash, in the order in which they were put. */
struct index_walk {
	uint64_t line;
	unsigned lines_walked;
	uint32_t hits; /* bits of this line's entries that are left */
	bool last;     /* no line behind this one */
	uint16_t print;
};
/* WN_INPUT index_damaged: a block with another sum, a line that no table has. */
bool index_keys_walk(const struct index_keys *keys, uint64_t hash, struct index_walk *walk, struct wn_error *err);
/* *found false: there is no further one. */
bool index_keys_next(
	const struct index_keys *keys, struct index_walk *walk, uint32_t *leader, bool *found, struct wn_error *err);

#endif
