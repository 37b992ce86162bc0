/* Shingles are drawn from a stream that starts at the number of the post that is repeated. */
#include "tests/gpu_embed/made_posts.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/gpu_embed/corpus.h"

static int shingle_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

static void sign_made(struct made_post *out)
{
	static uint16_t a[EMBED_LANES], c[EMBED_LANES];
	if (c[0] == 0)
		for (unsigned lane = 0; lane < EMBED_LANES; lane++)
			embed_lane_factors(lane, &a[lane], &c[lane]);
	memset(out->lanes, 0xff, sizeof out->lanes);
	for (uint32_t i = 0; i < out->post.size; i++) {
		uint16_t high = (uint16_t)(out->shingles[i] >> 16), low = (uint16_t)out->shingles[i];
		for (unsigned lane = 0; lane < EMBED_LANES; lane++) {
			uint16_t value = (uint16_t)((uint32_t)c[lane] * high + ((uint32_t)a[lane] * low >> 16));
			out->lanes[lane] = value < out->lanes[lane] ? value : out->lanes[lane];
		}
	}
	for (unsigned band = 0; band < EMBED_BANDS; band++)
		out->keys[band] = embed_band_key(out->lanes + band * EMBED_ROWS, band);
}

void made_post(struct made_post *out, uint64_t seed, uint64_t number, unsigned shingles)
{
	uint64_t random = seed ^ embed_mix64(number + 1), kind = test_random(&random) % 10;
	uint64_t like = number > 0 && kind >= 6 && kind < 9 ? test_random(&random) % number : number;
	uint64_t stream = seed ^ embed_mix64(like + 0x10000001), changed = kind < 8 ? test_random(&random) % 6 : 0;
	uint64_t crowd = seed;
	unsigned size = shingles / 2 + (unsigned)(test_random(&stream) % shingles), kept = 0;
	wn_assert(size <= MADE_SHINGLES_MAX);
	for (unsigned i = 0; i < size; i++) {
		out->shingles[i] = (uint32_t)test_random(&stream);
		uint32_t shared = (uint32_t)test_random(&crowd);
		if (kind == 9 && i < size / 2)
			out->shingles[i] = shared;
	}
	for (uint64_t i = 0; like != number && i < changed * shingles / 40; i++)
		out->shingles[i] = (uint32_t)test_random(&random);
	qsort(out->shingles, size, sizeof *out->shingles, shingle_compare);
	for (unsigned i = 0; i < size; i++)
		if (kept == 0 || out->shingles[kept - 1] != out->shingles[i])
			out->shingles[kept++] = out->shingles[i];
	out->post = (struct linker_post){.seq = (int64_t)number + 1,
		.campaign = 1 + like % 2,
		.numerator = 7,
		.denominator = 10,
		.near = kept >= EMBED_SHINGLES_LEAST,
		.digits = kept % 3 == 0,
		.lanes = out->lanes,
		.keys = out->keys,
		.key_stride = 1,
		.shingles = out->shingles,
		.size = kept};
	corpus_id(seed ^ number << 20, &out->post.item);
	corpus_id(seed ^ (kind == 8 ? like : number) << 21, (struct item_id *)(void *)&out->post.normal);
	corpus_id(seed ^ (kind == 8 && changed % 2 ? like : number) << 22, (struct item_id *)(void *)&out->post.raw);
	sign_made(out);
}
