/* What device.c starts on the GPU; pointers lead into its memory. */
#ifndef GPU_EMBED_CUDA_KERNELS_H
#define GPU_EMBED_CUDA_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* a[k], and c[k] - a[k] in the upper half: lane k of x is the upper half of a * x + difference * (x >> 16). */
struct sign_factor {
	uint32_t a, difference;
};

/* A chunk of texts as backend.h has them; points and shingles begin with the chunk's first text, starts do not. */
struct sign_chunk {
	uint32_t count;
	const uint32_t *points, *starts;
	const struct sign_factor *factors; /* EMBED_LANES */
	uint16_t *lanes;
	uint64_t *keys; /* [EMBED_BANDS][count] */
	uint32_t *shingles, *sizes;
	uint32_t *longer;   /* count: texts that are left to whole blocks of threads */
	uint32_t *counters; /* 2: how many of those there are, and were taken */
};
cudaError_t sign_launch(const struct sign_chunk *chunk, int multiprocessors, cudaStream_t stream);

/*
 * Vectors stand in tiles, as the tensor cores read them: of 128 dimensions (filled up with zeros) all rows of a tile,
 * 128 bytes each, then of the next 128 dimensions; 16-byte pieces of row r at the place of their number xor r % 8.
 */
enum {
	RANGE_TILE_VECTORS = 128,
	RANGE_TILE_QUERIES = 256,
	RANGE_SLAB = 128, /* dimensions in a row */
};

/* Rows as they come, one after the other, into tiles of `tile_rows` from number `first` on. */
struct range_pack {
	const int8_t *rows;
	uint32_t count, first, dimensions, padded, tile_rows;
	int8_t *tiles;
	uint32_t *squares;
	uint32_t *roots; /* of each tile's shortest row that is not zero, UINT32_MAX before; NULL: not asked */
};
cudaError_t range_pack_launch(const struct range_pack *pack, cudaStream_t stream);

struct range_device_hit {
	uint32_t query, vector;
	int32_t dot;
};

struct range_look {
	const int8_t *vectors, *queries; /* tiles */
	uint32_t vector_count, query_count, padded;
	const uint32_t *vector_squares, *query_squares, *roots;
	const uint32_t *scales; /* of the queries, zeros up to a whole tile */
	uint32_t numerator, denominator;
	struct range_device_hit *hits;
	unsigned long long room, *count; /* counts on where there is no more room */
};
/* `tensor`: by wgmma, where range_tensor() says so; else by dp4a, which every GPU has. */
cudaError_t range_launch(const struct range_look *look, bool tensor, int multiprocessors, cudaStream_t stream);
bool range_tensor(uint32_t padded, int major, int minor);

#ifdef __cplusplus
}
#endif
#endif
