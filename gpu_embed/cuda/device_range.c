/* Vectors in the GPU's memory, in tiles, and searches over them. */
#include "gpu_embed/cuda/device_range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/cuda/kernels.h"

enum {
	RANGE_TILES_LEAST = 64,
	RANGE_STAGING = 64 << 20, /* bytes of rows that are packed at a time */
	RANGE_HITS_LEAST = 1 << 16,
};

_Static_assert(sizeof(struct range_hit) == sizeof(struct range_device_hit), "hits are copied as they are");

struct device_range {
	unsigned dimensions;
	uint32_t padded;
	int multiprocessors;
	bool tensor;
	cudaStream_t stream;
	size_t count, tiles; /* vectors; tiles for which there is room */
	int8_t *vectors, *staging;
	uint32_t *squares, *roots;
	int8_t *queries; /* in tiles */
	uint32_t *query_squares, *scales;
	struct range_device_hit *hits;
	size_t hits_room;
	unsigned long long *hit_count;
};

#define RANGE_TRY(call) CUDA_TRY(call, text, "search on the GPU")

static enum device_outcome range_take(struct device_range *range, char *text)
{
	RANGE_TRY(cudaStreamCreateWithFlags(&range->stream, cudaStreamNonBlocking));
	RANGE_TRY(cudaMalloc((void **)&range->staging, RANGE_STAGING));
	RANGE_TRY(cudaMalloc((void **)&range->queries, (size_t)RANGE_QUERIES_MAX * range->padded));
	RANGE_TRY(cudaMalloc((void **)&range->query_squares, RANGE_QUERIES_MAX * sizeof(uint32_t)));
	RANGE_TRY(cudaMalloc((void **)&range->scales, RANGE_QUERIES_MAX * sizeof(uint32_t)));
	RANGE_TRY(cudaMalloc((void **)&range->hit_count, sizeof *range->hit_count));
	return DEVICE_DONE;
}

enum device_outcome device_range_open(struct device_range **out, unsigned dimensions, char *text)
{
	struct device_about about;
	enum device_outcome outcome = device_look(&about, text);
	if (outcome != DEVICE_DONE)
		return outcome;
	RANGE_TRY(cudaSetDevice(0));
	struct device_range *range = calloc(1, sizeof *range);
	if (!range) {
		snprintf(text, DEVICE_TEXT_MAX, "no memory");
		return DEVICE_FULL;
	}
	range->dimensions = dimensions;
	range->padded = (dimensions + RANGE_SLAB - 1) / RANGE_SLAB * RANGE_SLAB;
	range->multiprocessors = about.multiprocessors;
	range->tensor = range_tensor(range->padded, about.major, about.minor);
	outcome = range_take(range, text);
	if (outcome != DEVICE_DONE) {
		device_range_close(range);
		return outcome;
	}
	*out = range;
	return DEVICE_DONE;
}

void device_range_close(struct device_range *range)
{
	if (!range)
		return;
	cudaSetDevice(0);
	cudaFree(range->vectors);
	cudaFree(range->staging);
	cudaFree(range->squares);
	cudaFree(range->roots);
	cudaFree(range->queries);
	cudaFree(range->query_squares);
	cudaFree(range->scales);
	cudaFree(range->hits);
	cudaFree(range->hit_count);
	if (range->stream)
		cudaStreamDestroy(range->stream);
	free(range);
}

/* A bigger piece of memory with the old content at its start and `rest` in every byte behind; the old one goes. */
static enum device_outcome range_grow(
	struct device_range *range, void **memory, size_t old_bytes, size_t bytes, int rest, char *text)
{
	void *grown;
	RANGE_TRY(cudaMalloc(&grown, bytes));
	cudaError_t error = cudaMemsetAsync((char *)grown + old_bytes, rest, bytes - old_bytes, range->stream);
	if (error == cudaSuccess && old_bytes > 0)
		error = cudaMemcpyAsync(grown, *memory, old_bytes, cudaMemcpyDeviceToDevice, range->stream);
	if (error == cudaSuccess)
		error = cudaStreamSynchronize(range->stream);
	if (error != cudaSuccess) {
		cudaFree(grown);
		return device_failed(text, error, "move vectors on the GPU");
	}
	cudaFree(*memory);
	*memory = grown;
	return DEVICE_DONE;
}

static enum device_outcome range_reserve(struct device_range *range, size_t vectors, char *text)
{
	size_t needed = (vectors + RANGE_TILE_VECTORS - 1) / RANGE_TILE_VECTORS, tiles = RANGE_TILES_LEAST;
	size_t tile_bytes = (size_t)RANGE_TILE_VECTORS * range->padded, squares = RANGE_TILE_VECTORS * sizeof(uint32_t);
	while (tiles < needed)
		tiles *= 2;
	if (needed <= range->tiles)
		return DEVICE_DONE;
	enum device_outcome outcome =
		range_grow(range, (void **)&range->vectors, range->tiles * tile_bytes, tiles * tile_bytes, 0, text);
	if (outcome == DEVICE_DONE)
		outcome = range_grow(range, (void **)&range->squares, range->tiles * squares, tiles * squares, 0, text);
	if (outcome == DEVICE_DONE)
		outcome = range_grow(range, (void **)&range->roots, range->tiles * sizeof(uint32_t),
			tiles * sizeof(uint32_t), 0xff, text);
	if (outcome == DEVICE_DONE)
		range->tiles = tiles;
	return outcome;
}

enum device_outcome device_range_add(struct device_range *range, const int8_t *vectors, size_t count, char *text)
{
	size_t piece_rows = RANGE_STAGING / range->dimensions;
	RANGE_TRY(cudaSetDevice(0));
	enum device_outcome outcome = range_reserve(range, range->count + count, text);
	if (outcome != DEVICE_DONE)
		return outcome;
	for (size_t done = 0, rows; done < count; done += rows) {
		rows = count - done > piece_rows ? piece_rows : count - done;
		RANGE_TRY(cudaMemcpyAsync(range->staging, vectors + done * range->dimensions, rows * range->dimensions,
			cudaMemcpyHostToDevice, range->stream));
		struct range_pack pack = {
			.rows = range->staging,
			.count = (uint32_t)rows,
			.first = (uint32_t)(range->count + done),
			.dimensions = range->dimensions,
			.padded = range->padded,
			.tile_rows = RANGE_TILE_VECTORS,
			.tiles = range->vectors,
			.squares = range->squares,
			.roots = range->roots,
		};
		RANGE_TRY(range_pack_launch(&pack, range->stream));
	}
	/* Only now the rows may change, and only now they count. */
	RANGE_TRY(cudaStreamSynchronize(range->stream));
	range->count += count;
	return DEVICE_DONE;
}

/* Packs the queries, and fills their last tile up with zeros, which are near nothing. */
static enum device_outcome range_ask(struct device_range *range, const struct range_query *query, char *text)
{
	static const size_t word = sizeof(uint32_t);
	size_t rows = (query->count + RANGE_TILE_QUERIES - 1) / RANGE_TILE_QUERIES * RANGE_TILE_QUERIES;
	uint32_t scales[RANGE_QUERIES_MAX] = {0};
	for (size_t i = 0; i < query->count; i++)
		scales[i] = range_scale(range_square(query->vectors + i * range->dimensions, range->dimensions),
			query->numerator, query->denominator);
	RANGE_TRY(cudaMemsetAsync(range->queries, 0, rows * range->padded, range->stream));
	RANGE_TRY(cudaMemsetAsync(range->query_squares, 0, rows * word, range->stream));
	RANGE_TRY(cudaMemcpyAsync(range->scales, scales, rows * word, cudaMemcpyHostToDevice, range->stream));
	RANGE_TRY(cudaMemcpyAsync(range->staging, query->vectors, query->count * range->dimensions,
		cudaMemcpyHostToDevice, range->stream));
	struct range_pack pack = {
		.rows = range->staging,
		.count = (uint32_t)query->count,
		.dimensions = range->dimensions,
		.padded = range->padded,
		.tile_rows = RANGE_TILE_QUERIES,
		.tiles = range->queries,
		.squares = range->query_squares,
	};
	RANGE_TRY(range_pack_launch(&pack, range->stream));
	/* `scales` is ours alone until here. */
	RANGE_TRY(cudaStreamSynchronize(range->stream));
	return DEVICE_DONE;
}

static enum device_outcome range_hits_reserve(struct device_range *range, size_t room, char *text)
{
	size_t grown = RANGE_HITS_LEAST;
	while (grown < room)
		grown *= 2;
	if (room <= range->hits_room)
		return DEVICE_DONE;
	cudaFree(range->hits);
	range->hits = NULL;
	range->hits_room = 0;
	RANGE_TRY(cudaMalloc((void **)&range->hits, grown * sizeof *range->hits));
	range->hits_room = grown;
	return DEVICE_DONE;
}

enum device_outcome device_range_search(
	struct device_range *range, const struct range_query *query, struct range_hits *hits, char *text)
{
	unsigned long long count = 0;
	RANGE_TRY(cudaSetDevice(0));
	enum device_outcome outcome = range_hits_reserve(range, hits->room, text);
	if (outcome == DEVICE_DONE)
		outcome = range_ask(range, query, text);
	if (outcome != DEVICE_DONE)
		return outcome;
	struct range_look look = {
		.vectors = range->vectors,
		.queries = range->queries,
		.vector_count = (uint32_t)range->count,
		.query_count = (uint32_t)query->count,
		.padded = range->padded,
		.vector_squares = range->squares,
		.query_squares = range->query_squares,
		.roots = range->roots,
		.scales = range->scales,
		.numerator = query->numerator,
		.denominator = query->denominator,
		.hits = range->hits,
		.room = hits->room,
		.count = range->hit_count,
	};
	RANGE_TRY(cudaMemsetAsync(range->hit_count, 0, sizeof *range->hit_count, range->stream));
	RANGE_TRY(range_launch(&look, range->tensor, range->multiprocessors, range->stream));
	RANGE_TRY(cudaMemcpyAsync(&count, range->hit_count, sizeof count, cudaMemcpyDeviceToHost, range->stream));
	RANGE_TRY(cudaStreamSynchronize(range->stream));
	hits->count = (size_t)count;
	if (count <= hits->room && count > 0)
		RANGE_TRY(cudaMemcpy(
			hits->hits, range->hits, (size_t)count * sizeof *hits->hits, cudaMemcpyDeviceToHost));
	return DEVICE_DONE;
}
