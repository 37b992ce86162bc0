/* What the vector backends share, from code points to signatures; the file that includes this brings the vectors. */
#ifndef GPU_EMBED_BACKEND_VECTOR_H
#define GPU_EMBED_BACKEND_VECTOR_H

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/backend.h"
#include "gpu_embed/radix.h"

/*
 * Everything here is static and is compiled once for each instruction set, with its flags. Before the include stand:
 *
 *   vector_t, VECTOR_WIDTH        a vector, and how many u32 it holds
 *   vector_load, vector_store     unaligned
 *   vector_all(x)                 x everywhere
 *   vector_least, vector_most     element-wise, unsigned
 *   vector_across(v, bits)        element i becomes element i ^ bits
 *   vector_upper(low, high, bit)  high where i & bit, else low
 *   vector_zip(&a, &b)            a0 b0 a1 b1 ...: the first half into a, the second into b
 *
 * and behind it vector_width(), vector_hash(), vector_lanes(), vector_keys(), vector_signs() and vector_sums(),
 * declared below. `bits`, `bit` and the
 * rows of a block are constants once everything is inlined.
 */
#define VECTOR_INLINE static inline __attribute__((always_inline))

enum {
	BLOCK_MAX = 256, /* sorted by a network; a post has 137 shingles on average */
	BLOCK_MEAN = 96, /* what a bucket of a longer text should hold: far enough below BLOCK_MAX */
	BUCKETS_MAX = 128,
	ROWS_MAX = BLOCK_MAX / VECTOR_WIDTH,
	FEATURES_BLOCK = 64, /* features whose weights add up below 2^16 whatever they are */
};

/* Room for the longest text, and a block behind it, so that whole vectors may be read and written. */
struct backend_vector_state {
	uint16_t a[EMBED_LANES], c[EMBED_LANES];
	uint32_t set[EMBED_POINTS_MAX + BLOCK_MAX];
	uint32_t room[EMBED_POINTS_MAX + BLOCK_MAX];
	uint32_t high[EMBED_POINTS_MAX + BLOCK_MAX]; /* upper 16 bits of each shingle's hash, twice */
	uint32_t low[EMBED_POINTS_MAX + BLOCK_MAX];  /* lower 16 bits, twice */
	uint64_t signs[FEATURES_BLOCK * EMBED_SIGN_WORDS];
	int32_t sums[EMBED_DIMENSIONS];
};

/* Han, Kana and Hangul as embed_point_wide() has them, first and last, the frequent ones in front: most vectors need no
 * more. A test walks all code points through both. */
static const struct {
	uint32_t first, last;
} vector_wide[] = {{0x4e00, 0x9fff}, {0xac00, 0xd7ff}, {0x3041, 0x30ff}, {0x3400, 0x4dbf}, {0x1100, 0x11ff},
	{0x2e80, 0x2fdf}, {0x3005, 0x3007}, {0x3021, 0x3029}, {0x3038, 0x303b}, {0x3131, 0x318e}, {0x31f0, 0x31ff},
	{0xa960, 0xa97f}, {0xf900, 0xfaff}, {0xff66, 0xffdc}, {0x1aff0, 0x1b16f}, {0x20000, 0x3ffff}};
enum { WIDE_RANGES = sizeof vector_wide / sizeof *vector_wide, WIDE_LEAST = 0x1100 };

/* embed_width() */
static unsigned vector_width(const uint32_t *points, size_t count);
/* embed_shingle() of all; writes whole vectors, reads no point behind the last. */
static void vector_hash(const uint32_t *points, size_t shingles, unsigned width, uint32_t *out);
/* The least of each lane over `size` hashes, given as halves in the state. */
static void vector_lanes(const struct backend_vector_state *state, size_t size, uint16_t lanes[EMBED_LANES]);
/* The keys of all bands, `stride` apart. */
static void vector_keys(const uint16_t lanes[EMBED_LANES], uint64_t *keys, size_t stride);

/* embed_signs() of all; writes whole vectors: there is room for FEATURES_BLOCK. */
static void vector_signs(const uint32_t *hashes, size_t count, uint64_t *signs);
/* Adds twice the weights of the features whose sign k is 1 to sum k; count <= FEATURES_BLOCK. */
static void vector_sums(const uint64_t *signs, const uint16_t *weights, size_t count, int32_t *sums);

/* ---- sorting: a block is read as columns, so that most comparisons are between registers, not within them ---- */

VECTOR_INLINE void vector_exchange(vector_t *a, vector_t *b)
{
	vector_t least = vector_least(*a, *b);
	*b = vector_most(*a, *b);
	*a = least;
}

/* Each row with its mirror image in its group of `size` rows. */
VECTOR_INLINE void rows_mirror(vector_t *v, unsigned rows, unsigned size)
{
#pragma GCC unroll 16
	for (unsigned i = 0; i < rows / 2; i++) {
		unsigned group = i / (size / 2) * size, at = i % (size / 2);
		vector_exchange(&v[group + at], &v[group + size - 1 - at]);
	}
}

/* Each row with the one `stride` further on, then with half the stride, down to 1. */
VECTOR_INLINE void rows_clean(vector_t *v, unsigned rows, unsigned first)
{
#pragma GCC unroll 5
	for (unsigned shift = 0; shift < 5; shift++) {
		unsigned stride = first >> shift;
		if (stride == 0)
			break;
#pragma GCC unroll 16
		for (unsigned i = 0; i < rows / 2; i++) {
			unsigned at = i / stride * 2 * stride + i % stride;
			vector_exchange(&v[at], &v[at + stride]);
		}
	}
}

VECTOR_INLINE vector_t lane_exchange(vector_t mine, vector_t other, unsigned bit)
{
	return vector_upper(vector_least(mine, other), vector_most(mine, other), bit);
}

/* Columns are sorted; merges each two neighbours of `size / 2` columns into one, which runs down column by column. */
VECTOR_INLINE void columns_merge(vector_t *v, unsigned rows, unsigned size)
{
#pragma GCC unroll 16
	for (unsigned r = 0; r < rows / 2; r++) {
		vector_t upper = vector_across(v[rows - 1 - r], size - 1), lower = vector_across(v[r], size - 1);
		v[r] = lane_exchange(v[r], upper, size / 2);
		v[rows - 1 - r] = lane_exchange(v[rows - 1 - r], lower, size / 2);
	}
#pragma GCC unroll 4
	for (unsigned shift = 2; shift < 6; shift++) {
		unsigned stride = size >> shift;
		if (stride == 0)
			break;
#pragma GCC unroll 32
		for (unsigned r = 0; r < rows; r++)
			v[r] = lane_exchange(v[r], vector_across(v[r], stride), stride);
	}
	rows_clean(v, rows, rows / 2);
}

/* From columns to memory order: each perfect shuffle moves one bit of the row's number below the column's. */
VECTOR_INLINE void columns_unfold(vector_t *v, unsigned rows)
{
#pragma GCC unroll 5
	for (unsigned step = 1; step < rows; step *= 2) {
		vector_t half[ROWS_MAX / 2];
#pragma GCC unroll 16
		for (unsigned r = 0; r < rows / 2; r++)
			half[r] = v[r + rows / 2];
#pragma GCC unroll 16
		for (unsigned i = 0; i < rows / 2; i++) {
			unsigned r = rows / 2 - 1 - i;
			vector_t even = v[r], odd = half[r];
			vector_zip(&even, &odd);
			v[2 * r] = even;
			v[2 * r + 1] = odd;
		}
	}
}

VECTOR_INLINE void block_sort(const uint32_t *source, uint32_t *target, unsigned rows)
{
	vector_t v[ROWS_MAX];
#pragma GCC unroll 32
	for (unsigned r = 0; r < rows; r++)
		v[r] = vector_load(source + r * VECTOR_WIDTH);
	rows_mirror(v, rows, 2);
	rows_mirror(v, rows, 4);
	rows_clean(v, rows, 1);
	if (rows >= 8) {
		rows_mirror(v, rows, 8);
		rows_clean(v, rows, 2);
	}
	if (rows >= 16) {
		rows_mirror(v, rows, 16);
		rows_clean(v, rows, 4);
	}
	if (rows >= 32) {
		rows_mirror(v, rows, 32);
		rows_clean(v, rows, 8);
	}
	columns_merge(v, rows, 2);
	columns_merge(v, rows, 4);
	columns_merge(v, rows, 8);
	if (VECTOR_WIDTH >= 16)
		columns_merge(v, rows, 16);
	columns_unfold(v, rows);
#pragma GCC unroll 32
	for (unsigned r = 0; r < rows; r++)
		vector_store(target + r * VECTOR_WIDTH, v[r]);
}

/* One function each, so that the compiler lays out registers for one network at a time. */
static __attribute__((noinline)) void block_sort_64(const uint32_t *source, uint32_t *target)
{
	block_sort(source, target, 64 / VECTOR_WIDTH);
}

static __attribute__((noinline)) void block_sort_128(const uint32_t *source, uint32_t *target)
{
	block_sort(source, target, 128 / VECTOR_WIDTH);
}

static __attribute__((noinline)) void block_sort_256(const uint32_t *source, uint32_t *target)
{
	block_sort(source, target, 256 / VECTOR_WIDTH);
}

/* `count` <= BLOCK_MAX values; a block's room behind both, what stands there is lost. */
static void block_rising(uint32_t *source, uint32_t *target, size_t count)
{
	size_t rounded = count <= 64 ? 64 : count <= 128 ? 128 : 256;
	for (size_t i = count; i < rounded; i++)
		source[i] = UINT32_MAX;
	if (rounded == 64)
		block_sort_64(source, target);
	else if (rounded == 128)
		block_sort_128(source, target);
	else
		block_sort_256(source, target);
}

/* Sorts set[0..count) with the help of room. A long text is dealt out by the hashes' first bits, which are even. */
static void set_rising(struct backend_vector_state *state, size_t count)
{
	uint32_t starts[BUCKETS_MAX + 1] = {0}, ends[BUCKETS_MAX], block[BLOCK_MAX];
	unsigned shift = 31;
	if (count <= BLOCK_MAX) {
		block_rising(state->set, state->set, count);
		return;
	}
	while (shift > 25 && count >> (32 - shift) > BLOCK_MEAN)
		shift--;
	unsigned buckets = 1u << (32 - shift);
	for (size_t i = 0; i < count; i++)
		starts[(state->set[i] >> shift) + 1]++;
	for (unsigned bucket = 0; bucket < buckets; bucket++) {
		starts[bucket + 1] += starts[bucket];
		ends[bucket] = starts[bucket];
	}
	for (size_t i = 0; i < count; i++)
		state->room[ends[state->set[i] >> shift]++] = state->set[i];
	for (unsigned bucket = 0; bucket < buckets; bucket++) {
		uint32_t start = starts[bucket], size = ends[bucket] - start;
		if (size > BLOCK_MAX) {
			/* A bucket that a hostile text filled. */
			radix_rising(state->room + start, state->set + start, size);
			memcpy(state->set + start, state->room + start, size * sizeof *block);
		} else {
			memcpy(block, state->room + start, size * sizeof *block);
			block_rising(block, block, size);
			memcpy(state->set + start, block, size * sizeof *block);
		}
	}
}

/* Of a rising sequence one of each; returns how many. Most texts say nothing twice. */
static size_t set_distinct(uint32_t *set, size_t count)
{
	uint32_t twice = 0;
	for (size_t i = 1; i < count; i++)
		twice |= set[i] == set[i - 1];
	if (!twice)
		return count;
	size_t distinct = 1;
	for (size_t i = 1; i < count; i++)
		if (set[i] != set[distinct - 1])
			set[distinct++] = set[i];
	return distinct;
}

/* ---- signing ---- */

static size_t text_shingles(struct backend_vector_state *state, const uint32_t *points, size_t count)
{
	unsigned width = vector_width(points, count);
	if (count < width)
		return 0;
	size_t all = count - width + 1;
	vector_hash(points, all, width, state->set);
	set_rising(state, all);
	return set_distinct(state->set, all);
}

static bool backend_vector_sign(
	void *opened, const struct embed_texts *texts, const struct embed_signatures *out, struct wn_error *err)
{
	struct backend_vector_state *state = opened;
	(void)err; /* nothing outside of us can fail here */
	for (size_t i = 0; i < texts->count; i++) {
		uint32_t start = texts->starts[i];
		size_t size = text_shingles(state, texts->points + start, texts->starts[i + 1] - start);
		uint16_t *lanes = out->lanes + i * EMBED_LANES;
		memcpy(out->shingles + start, state->set, size * sizeof *state->set);
		out->sizes[i] = (uint32_t)size;
		for (size_t j = 0; j < size; j++) {
			uint32_t x = state->set[j];
			state->high[j] = (x & 0xffff0000) | x >> 16;
			state->low[j] = x << 16 | (x & 0xffff);
		}
		vector_lanes(state, size, lanes);
		vector_keys(lanes, out->keys + i, texts->count);
	}
	return true;
}

/* ---- projecting ---- */

/* The sum over all signs is twice the sum over those that are 1, less all weights. */
static void text_vector(struct backend_vector_state *state, const uint32_t *hashes, const uint16_t *weights,
	size_t count, int8_t *vector)
{
	int32_t all = 0;
	uint64_t squares = 0;
	for (size_t i = 0; i < count; i++)
		all += weights[i];
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		state->sums[k] = -all;
	for (size_t i = 0, part; i < count; i += part) {
		part = count - i < FEATURES_BLOCK ? count - i : FEATURES_BLOCK;
		vector_signs(hashes + i, part, state->signs);
		vector_sums(state->signs, weights + i, part, state->sums);
	}
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		squares += (uint64_t)((int64_t)state->sums[k] * state->sums[k]);
	uint64_t reciprocal = embed_reciprocal(embed_length(squares));
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		vector[k] = embed_element(state->sums[k], reciprocal);
}

static void backend_vector_project(void *opened, const struct embed_features *features, int8_t *vectors)
{
	_Static_assert((int)FEATURES_BLOCK * (int)EMBED_WEIGHT_MAX <= UINT16_MAX, "sums of a block fit 16 bits");
	for (size_t i = 0; i < features->count; i++) {
		uint32_t start = features->starts[i];
		text_vector(opened, features->hashes + start, features->weights + start,
			features->starts[i + 1] - start, vectors + i * EMBED_DIMENSIONS);
	}
}

static bool backend_vector_open(void **opened, struct wn_error *err)
{
	size_t bytes = (sizeof(struct backend_vector_state) + 63) / 64 * 64;
	struct backend_vector_state *state = aligned_alloc(64, bytes);
	if (!state)
		return wn_fail(err, WN_FULL, "memory", "no room for a vector backend");
	memset(state, 0, bytes);
	for (unsigned lane = 0; lane < EMBED_LANES; lane++)
		embed_lane_factors(lane, &state->a[lane], &state->c[lane]);
	*opened = state;
	return true;
}

static void backend_vector_close(void *opened)
{
	free(opened);
}

#endif
