/* Signed posts without texts, made by number and fast: sets of shingles, some of which resemble earlier ones. */
#ifndef TESTS_GPU_EMBED_MADE_POSTS_H
#define TESTS_GPU_EMBED_MADE_POSTS_H

#include "gpu_embed/linker.h"

enum { MADE_SHINGLES_MAX = 160 };

/* `post` leads into the rest. */
struct made_post {
	struct linker_post post;
	uint16_t lanes[EMBED_LANES];
	uint64_t keys[EMBED_BANDS];
	uint32_t shingles[MADE_SHINGLES_MAX];
};

/*
 * Post `number` of the stream that `seed` names is always the same one. Of ten, six are new, two repeat an earlier one
 * with some shingles changed, one has the normalised text of an earlier one, and one belongs to a crowd that shares a
 * part of its shingles. `shingles` in the mean: 16 to MADE_SHINGLES_MAX * 2 / 3. Campaigns 1 and 2.
 */
void made_post(struct made_post *out, uint64_t seed, uint64_t number, unsigned shingles);

#endif
