/* Range search with AVX-512 VNNI: six queries by 64 vectors at a time, in 24 registers. */
#include "gpu_embed/range.h"

#include <immintrin.h>

#include "gpu_embed/range_tiles.h"

/* vpdpbusd multiplies unsigned by signed: queries go in as q + 128, and 128 times the vector's sum comes off. */
enum { QUERIES = 6, PARTS = TILE_VECTORS / 16, OFFSET = 128 };

static bool range_avx512_usable(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni");
}

/* As an instruction of its own: for the intrinsic gcc 12 copies every sum through the stack, at half the speed. */
static inline __attribute__((always_inline)) void dot_add(__m512i *sum, __m512i query, __m512i vectors)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(query), "v"(vectors));
}

/* The dots of six queries with a tile; whether any of a query's reaches its bound, as a bit a query. */
static unsigned tile_dots(const int8_t *tile, const int32_t *sums, unsigned dimensions, const uint8_t *queries,
	const int32_t bounds[QUERIES], int32_t dots[QUERIES][TILE_VECTORS])
{
	__m512i sum[QUERIES][PARTS];
	unsigned reached = 0;
#pragma GCC unroll 4
	for (unsigned part = 0; part < PARTS; part++) {
		__m512i off = _mm512_slli_epi32(_mm512_load_si512(sums + 16 * part), 7);
		__m512i start = _mm512_sub_epi32(_mm512_setzero_si512(), off);
#pragma GCC unroll 6
		for (unsigned q = 0; q < QUERIES; q++)
			sum[q][part] = start;
	}
	for (unsigned k = 0; k < dimensions; k += TILE_STEP) {
		__m512i vectors[PARTS];
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++)
			vectors[part] = _mm512_load_si512(tile + k * TILE_VECTORS + 64 * part);
#pragma GCC unroll 6
		for (unsigned q = 0; q < QUERIES; q++) {
			int32_t four;
			memcpy(&four, queries + q * dimensions + k, sizeof four);
			__m512i query = _mm512_set1_epi32(four);
#pragma GCC unroll 4
			for (unsigned part = 0; part < PARTS; part++)
				dot_add(&sum[q][part], query, vectors[part]);
		}
	}
#pragma GCC unroll 6
	for (unsigned q = 0; q < QUERIES; q++) {
		__m512i most = _mm512_max_epi32(
			_mm512_max_epi32(sum[q][0], sum[q][1]), _mm512_max_epi32(sum[q][2], sum[q][3]));
		if (!_mm512_cmpge_epi32_mask(most, _mm512_set1_epi32(bounds[q])))
			continue;
		reached |= 1u << q;
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++)
			_mm512_storeu_si512(dots[q] + 16 * part, sum[q][part]);
	}
	return reached;
}

static void search_tile(const struct range_tiles *tiles, size_t tile, const struct range_query *query,
	const uint8_t *queries, const struct tiles_query *with, struct range_hits *hits)
{
	const int8_t *values = tiles->values + tile * TILE_VECTORS * tiles->dimensions;
	int32_t bounds[QUERIES], dots[QUERIES][TILE_VECTORS];
	for (size_t first = 0; first < query->count; first += QUERIES) {
		for (unsigned q = 0; q < QUERIES; q++)
			bounds[q] = range_bound(with[first + q].scale, tiles->roots[tile]);
		unsigned reached = tile_dots(values, tiles->sums + tile * TILE_VECTORS, tiles->dimensions,
			queries + first * tiles->dimensions, bounds, dots);
		for (; reached; reached &= reached - 1) {
			unsigned q = (unsigned)__builtin_ctz(reached);
			tiles_look(tiles, query, &with[first + q], first + q, tile * TILE_VECTORS, dots[q],
				TILE_VECTORS, hits);
		}
	}
}

static bool range_avx512_search(
	void *state, const struct range_query *query, struct range_hits *hits, struct wn_error *err)
{
	const struct range_tiles *tiles = state;
	size_t rounded = (query->count + QUERIES - 1) / QUERIES * QUERIES, values = query->count * tiles->dimensions;
	uint8_t *queries = malloc(rounded * tiles->dimensions);
	struct tiles_query *with = calloc(rounded, sizeof *with);
	if (!queries || !with) {
		free(queries);
		free(with);
		return wn_fail(err, WN_FULL, "memory", "no room for %zu queries", query->count);
	}
	/* What fills the last six is a query of zeros. */
	memset(queries, OFFSET, rounded * tiles->dimensions);
	for (size_t i = 0; i < values; i++)
		queries[i] = (uint8_t)(query->vectors[i] + OFFSET);
	for (size_t i = 0; i < query->count; i++)
		with[i] = tiles_query_of(query, i, tiles->dimensions);
	for (size_t tile = 0; tile * TILE_VECTORS < tiles->count && hits->count <= hits->room; tile++)
		search_tile(tiles, tile, query, queries, with, hits);
	free(queries);
	free(with);
	return true;
}

const struct range_kind range_avx512 = {
	.name = "avx512",
	.usable = range_avx512_usable,
	.open = range_tiles_open,
	.close = range_tiles_close,
	.add = range_tiles_add,
	.search = range_avx512_search,
};
