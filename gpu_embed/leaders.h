/* The leaders in memory: posts that repeat nothing, found again by normalised hash and by band key. */
#ifndef GPU_EMBED_LEADERS_H
#define GPU_EMBED_LEADERS_H

#include "gpu_embed/linker.h"

enum { LEADERS_CANDIDATES_MAX = EMBED_BANDS * LINKER_KEY_LEADERS_MAX };

struct leader {
	struct item_id item;
	struct sha256 raw, normal;
	uint64_t campaign, digits;
	const uint32_t *shingles;
	uint32_t size;
	bool near;
	uint16_t lanes[EMBED_LANES];
};

/* A leader's number counts from 0 in the order of coming. */
struct leaders;
bool leaders_open(struct leaders **out, struct wn_error *err);
void leaders_close(struct leaders *leaders); /* NULL is fine */
size_t leaders_count(const struct leaders *leaders);
const struct leader *leaders_at(const struct leaders *leaders, uint32_t number);
/* Takes all or nothing. WN_FULL linker_full, memory. */
bool leaders_add(struct leaders *leaders, const struct linker_post *post, struct wn_error *err);
/* The post's campaign's leader with the same normalised hash; NULL when there is none. */
const struct leader *leaders_same(const struct leaders *leaders, const struct linker_post *post);
/* Numbers of the leaders of its campaign that share a band key with it: rising, none twice. */
size_t leaders_candidates(
	const struct leaders *leaders, const struct linker_post *post, uint32_t out[LEADERS_CANDIDATES_MAX]);

#endif
