/* Range search with AVX2: widened to 16 bits and multiplied in pairs, which no value overflows. */
#include "gpu_embed/range.h"

#include <immintrin.h>

#include "gpu_embed/range_tiles.h"

/* vpmaddubsw would need no widening, and saturates. Three queries by 16 vectors keep twelve sums in registers. */
enum { QUERIES = 3, GROUP = 16, PARTS = GROUP / 4, PART_WORDS = 16 };

static bool range_avx2_usable(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2");
}

/* 16 vectors of a tile: of each step of four dimensions 64 words, four of one vector beside four of the next. */
static void group_widen(const int8_t *values, unsigned dimensions, int16_t *wide)
{
	for (unsigned k = 0; k < dimensions; k += TILE_STEP)
		for (unsigned part = 0; part < PARTS; part++) {
			const int8_t *from = values + k * TILE_VECTORS + 16 * part;
			__m256i words = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)from));
			_mm256_store_si256(
				(__m256i *)(wide + k / TILE_STEP * PARTS * PART_WORDS + part * PART_WORDS), words);
		}
}

/* Both instructions as one: left to itself gcc 12 does all of the products first, and has no registers for the sums. */
static inline __attribute__((always_inline)) void dot_add(__m256i *sum, __m256i query, const int16_t *vectors)
{
	__m256i product;
	__asm__("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
		: "+x"(*sum), "=&x"(product)
		: "x"(query), "m"(*(const __m256i *)vectors));
}

/* The dots of three queries with 16 vectors; whether any of a query's reaches its bound, as a bit a query. */
static unsigned group_dots(const int16_t *wide, unsigned dimensions, const int16_t *queries,
	const int32_t bounds[QUERIES], int32_t dots[QUERIES][GROUP])
{
	__m256i sum[QUERIES][PARTS];
	unsigned reached = 0;
#pragma GCC unroll 3
	for (unsigned q = 0; q < QUERIES; q++)
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++)
			sum[q][part] = _mm256_setzero_si256();
	for (unsigned k = 0; k < dimensions; k += TILE_STEP, wide += PARTS * PART_WORDS) {
#pragma GCC unroll 3
		for (unsigned q = 0; q < QUERIES; q++) {
			long long four;
			memcpy(&four, queries + q * dimensions + k, sizeof four);
			__m256i query = _mm256_set1_epi64x(four);
#pragma GCC unroll 4
			for (unsigned part = 0; part < PARTS; part++)
				dot_add(&sum[q][part], query, wide + part * PART_WORDS);
		}
	}
#pragma GCC unroll 3
	for (unsigned q = 0; q < QUERIES; q++) {
		/* Each vector has two sums side by side. */
		__m256i low = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[q][0], sum[q][1]), 0xd8);
		__m256i high = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sum[q][2], sum[q][3]), 0xd8);
		__m256i below = _mm256_set1_epi32(bounds[q] - 1);
		if (_mm256_movemask_epi8(_mm256_cmpgt_epi32(_mm256_max_epi32(low, high), below)) == 0)
			continue;
		reached |= 1u << q;
		_mm256_storeu_si256((__m256i *)dots[q], low);
		_mm256_storeu_si256((__m256i *)(dots[q] + 8), high);
	}
	return reached;
}

static void search_group(const struct range_tiles *tiles, size_t vector, const struct range_query *query,
	const int16_t *queries, const struct tiles_query *with, struct range_hits *hits)
{
	_Alignas(32) int16_t wide[GROUP * RANGE_DIMENSIONS_MAX];
	size_t tile = vector / TILE_VECTORS, within = vector % TILE_VECTORS;
	int32_t bounds[QUERIES], dots[QUERIES][GROUP];
	group_widen(
		tiles->values + tile * TILE_VECTORS * tiles->dimensions + within * TILE_STEP, tiles->dimensions, wide);
	for (size_t first = 0; first < query->count; first += QUERIES) {
		for (unsigned q = 0; q < QUERIES; q++)
			bounds[q] = range_bound(with[first + q].scale, tiles->roots[tile]);
		unsigned reached =
			group_dots(wide, tiles->dimensions, queries + first * tiles->dimensions, bounds, dots);
		for (; reached; reached &= reached - 1) {
			unsigned q = (unsigned)__builtin_ctz(reached);
			tiles_look(tiles, query, &with[first + q], first + q, vector, dots[q], GROUP, hits);
		}
	}
}

static bool range_avx2_search(
	void *state, const struct range_query *query, struct range_hits *hits, struct wn_error *err)
{
	const struct range_tiles *tiles = state;
	size_t rounded = (query->count + QUERIES - 1) / QUERIES * QUERIES, values = query->count * tiles->dimensions;
	int16_t *queries = calloc(rounded * tiles->dimensions, sizeof *queries);
	struct tiles_query *with = calloc(rounded, sizeof *with);
	if (!queries || !with) {
		free(queries);
		free(with);
		return wn_fail(err, WN_FULL, "memory", "no room for %zu queries", query->count);
	}
	for (size_t i = 0; i < values; i++)
		queries[i] = query->vectors[i];
	for (size_t i = 0; i < query->count; i++)
		with[i] = tiles_query_of(query, i, tiles->dimensions);
	for (size_t vector = 0; vector < tiles->count && hits->count <= hits->room; vector += GROUP)
		search_group(tiles, vector, query, queries, with, hits);
	free(queries);
	free(with);
	return true;
}

const struct range_kind range_avx2 = {
	.name = "avx2",
	.usable = range_avx2_usable,
	.open = range_tiles_open,
	.close = range_tiles_close,
	.add = range_tiles_add,
	.search = range_avx2_search,
};
