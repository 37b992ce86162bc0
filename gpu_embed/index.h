/* All leaders of the duplicate check: found again by normalised hash and by band key, in memory and in files. */
#ifndef GPU_EMBED_INDEX_H
#define GPU_EMBED_INDEX_H

#include "gpu_embed/index_leaders.h"

/*
 * A cache: whatever is wrong with it, the folder is given up in part or whole, told in the log, and its leaders are
 * taken in again by whoever keeps the truth. Leaders are numbered from 0 in the order of coming.
 *
 *   leaders-000000 ...   INDEX_SEGMENT_LEADERS each, written when that many are there and decided for good
 *   keys-000090          where the keys of the leaders of the first 90 segments lead; made in the background whenever
 *                        there is half as much again as the last one knew, so that a leader's keys are written three
 *                        times in the mean, however many there are, and a search asks two tables: this one, and the
 *                        one in memory for all that came later
 *
 * Which files there are once the background work is done, and every byte of them, follows from the sequence of leaders
 * alone.
 */
enum {
	INDEX_SEGMENTS_MAX = 4096,
	INDEX_CANDIDATES_MAX = EMBED_BANDS * LINKER_KEY_LEADERS_MAX,
};

struct dup_index;
/* segment_leaders: a power of two, INDEX_SEGMENT_LEADERS but in tests. folder NULL: all in memory. A folder that cannot
 * be made or read is told in the log, and all is in memory. One thread uses an index. WN_FULL memory. */
bool index_open(struct dup_index **out, const char *folder, uint32_t segment_leaders, struct wn_error *err);
void index_close(struct dup_index *index); /* NULL is fine */
/* The last leaders of the segments that were found, so that they can be compared with the truth. */
size_t index_marks(const struct dup_index *index, const struct linker_mark **out);
/*
 * Comes before everything below, once: the first `segments` of them are believed, the files of others are removed.
 * WN_INPUT index_damaged, here and below: what is wrong was removed and logged; close, open again, and more is asked of
 * the truth. WN_FULL memory.
 */
bool index_start(struct dup_index *index, size_t segments, struct wn_error *err);

/* Removes all files of an index that nobody has open. */
void index_forget(const char *folder);

uint32_t index_count(const struct dup_index *index);
int64_t index_watermark(const struct dup_index *index); /* the linker's number of the last leader; 0: there is none */

/* A leader, as long as nothing is added or kept. */
struct index_leader {
	const struct item_id *item;
	const struct sha256 *raw, *normal;
	uint64_t campaign, digits;
	const uint16_t *lanes;
	const uint32_t *shingles;
	uint32_t size; /* 0: it is compared by its hashes only */
};
bool index_leader(struct dup_index *index, uint32_t number, struct index_leader *out, struct wn_error *err);

/* Hint that the post is looked for soon. */
void index_prefetch(const struct dup_index *index, const struct linker_post *post);
/* Of the post's campaign, the leader with the same normalised hash. */
bool index_same(
	struct dup_index *index, const struct linker_post *post, bool *found, uint32_t *number, struct wn_error *err);
/* Those of its campaign that share a band with it, of each band the LINKER_KEY_LEADERS_MAX earliest: rising, none
 * twice. */
struct index_found {
	size_t count;
	uint32_t mask; /* the keys that lead to fewer: they will lead to this post when it is added */
	uint32_t numbers[INDEX_CANDIDATES_MAX];
};
bool index_find(struct dup_index *index, const struct linker_post *post, struct index_found *out, struct wn_error *err);
/* Takes a post in as a leader; `mask` as index_find() gave it. WN_FULL linker_full, memory. */
bool index_add(struct dup_index *index, const struct linker_post *post, uint32_t mask, struct wn_error *err);

/* All leaders so far were decided for good: full segments go to the folder. Trouble with the disk is logged and ends
 * nothing: leaders stay in memory, and the next call tries again. */
void index_keep(struct dup_index *index);
/* As index_keep(), and waits until the background work is done. */
void index_settle(struct dup_index *index);

#endif
