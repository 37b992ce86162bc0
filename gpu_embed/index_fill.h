/* Leaders into tables of keys: in memory, and into the file that an index makes of them in the background. */
#ifndef GPU_EMBED_INDEX_FILL_H
#define GPU_EMBED_INDEX_FILL_H

#include "gpu_embed/index_keys.h"
#include "gpu_embed/index_leaders.h"

/* While a table is filled it lies in big pages of memory, in which a place is found several times as fast as in a file:
 * as long as it takes no more than this. */
#define INDEX_FILL_MEMORY ((uint64_t)2 << 30)

/* Lines that are being filled, and the filter before them, or NULL. */
struct keys_target {
	struct index_line *lines;
	uint64_t line_count, salt;
	struct index_filter_block *filter;
	uint64_t filter_blocks;
};
/* The key of the normalised hash. */
uint64_t index_normal_key(const struct sha256 *normal);
/* Puts what the mask names of a checked segment's leader, whose number is `leader`; false when a way got too long. */
bool index_fill_leader(
	const struct keys_target *target, const struct leader_segment *segment, uint32_t at, uint32_t leader);
/* Puts a whole segment, whose first leader is `first`. */
bool index_fill_segment(const struct keys_target *target, const struct leader_segment *segment, uint32_t first);
uint64_t index_fill_entries(const struct leader_segment *segment);

void index_keys_name(uint32_t segments, char out[INDEX_NAME_MAX]);
/* How many segments the keys file is to know when there are so many. */
uint32_t index_keys_due(uint32_t segments);
/* Writes the keys of the first segments, all mapped and checked; every node makes the same file of them. *stop, set by
 * another thread, ends it early: false, without a failure. WN_FULL index_keys. */
bool index_keys_write(
	struct leader_segment *const segments[], uint32_t count, int folder, const bool *stop, struct wn_error *err);
/* Opens the keys of the first `count` segments. As index_file_open(), and index_damaged where they are those of others.
 */
bool index_keys_read(struct index_keys *out, struct leader_segment *const segments[], uint32_t count, int folder,
	struct wn_error *err);

#endif
