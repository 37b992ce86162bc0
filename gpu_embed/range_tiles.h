/* Vectors as the vector units want them: in tiles of 64, four bytes of one beside four bytes of the next. */
#ifndef GPU_EMBED_RANGE_TILES_H
#define GPU_EMBED_RANGE_TILES_H

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/range.h"

/* All static, compiled once for each instruction set. Rows 4k to 4k + 3 of a tile's 64 vectors are 256 bytes in a row.
 */
enum { TILE_VECTORS = 64, TILE_STEP = 4, TILES_LEAST = 16 };

struct range_tiles {
	unsigned dimensions;
	size_t count, room; /* vectors; tiles */
	int8_t *values;
	uint32_t *squares; /* of each vector; 0 behind the last */
	int32_t *sums;	   /* of the elements of each vector */
	uint32_t *roots;   /* of the shortest vector of each tile, zeros left out: they are near nothing */
};

/* Room for more, in memory that starts with a cache line; what was there stays, the rest is zero. */
static void *tiles_grown(void *old, size_t old_bytes, size_t bytes)
{
	char *memory = aligned_alloc(64, bytes);
	if (!memory)
		return NULL;
	if (old_bytes > 0)
		memcpy(memory, old, old_bytes);
	memset(memory + old_bytes, 0, bytes - old_bytes);
	return memory;
}

#define TILES_GROW(tiles, field, each, tiles_room)                                                                     \
	do {                                                                                                           \
		void *grown = tiles_grown((tiles)->field, (tiles)->room * (each), (tiles_room) * (each));              \
		if (!grown)                                                                                            \
			return wn_fail(err, WN_FULL, "memory", "no room for %zu tiles of vectors", (tiles_room));      \
		free((tiles)->field);                                                                                  \
		(tiles)->field = grown;                                                                                \
	} while (0)

static bool tiles_reserve(struct range_tiles *tiles, size_t vectors, struct wn_error *err)
{
	size_t needed = (vectors + TILE_VECTORS - 1) / TILE_VECTORS, room = tiles->room ? tiles->room : TILES_LEAST;
	while (room < needed)
		room *= 2;
	if (room == tiles->room)
		return true;
	TILES_GROW(tiles, values, (size_t)TILE_VECTORS * tiles->dimensions, room);
	TILES_GROW(tiles, squares, TILE_VECTORS * sizeof(uint32_t), room);
	TILES_GROW(tiles, sums, TILE_VECTORS * sizeof(int32_t), room);
	TILES_GROW(tiles, roots, sizeof(uint32_t), room);
	tiles->room = room;
	return true;
}

static bool range_tiles_open(void **state, unsigned dimensions, struct wn_error *err)
{
	struct range_tiles *tiles = calloc(1, sizeof *tiles);
	if (!tiles)
		return wn_fail(err, WN_FULL, "memory", "no room for tiles of vectors");
	tiles->dimensions = dimensions;
	*state = tiles;
	return true;
}

static void range_tiles_close(void *state)
{
	struct range_tiles *tiles = state;
	free(tiles->values);
	free(tiles->squares);
	free(tiles->sums);
	free(tiles->roots);
	free(tiles);
}

static bool range_tiles_add(void *state, const int8_t *vectors, size_t count, struct wn_error *err)
{
	struct range_tiles *tiles = state;
	unsigned dimensions = tiles->dimensions;
	if (!tiles_reserve(tiles, tiles->count + count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		size_t number = tiles->count + i, tile = number / TILE_VECTORS, at = number % TILE_VECTORS;
		int8_t *values = tiles->values + tile * TILE_VECTORS * dimensions + at * TILE_STEP;
		const int8_t *vector = vectors + i * dimensions;
		int32_t sum = 0;
		for (unsigned k = 0; k < dimensions; k += TILE_STEP)
			memcpy(values + (size_t)k * TILE_VECTORS, vector + k, TILE_STEP);
		for (unsigned k = 0; k < dimensions; k++)
			sum += vector[k];
		tiles->sums[number] = sum;
		tiles->squares[number] = range_square(vector, dimensions);
		uint32_t root = range_root(tiles->squares[number]), *least = &tiles->roots[tile];
		if (root > 0 && (*least == 0 || root < *least))
			*least = root;
	}
	tiles->count += count;
	return true;
}

/* What a query brings: its square, and its part of every bound. */
struct tiles_query {
	uint32_t square, scale;
};

static inline struct tiles_query tiles_query_of(const struct range_query *query, size_t number, unsigned dimensions)
{
	struct tiles_query out;
	out.square = range_square(query->vectors + number * dimensions, dimensions);
	out.scale = range_scale(out.square, query->numerator, query->denominator);
	return out;
}

/* `count` vectors from number `first` on, whose dots with query `number` are known; most of a tile is not near. */
static void tiles_look(const struct range_tiles *tiles, const struct range_query *query, const struct tiles_query *with,
	size_t number, size_t first, const int32_t *dots, unsigned count, struct range_hits *hits)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t vector_square = tiles->squares[first + i];
		if (!range_near(dots[i], with->square, vector_square, query->numerator, query->denominator))
			continue;
		if (hits->count < hits->room)
			hits->hits[hits->count] = (struct range_hit){(uint32_t)number, (uint32_t)(first + i), dots[i]};
		hits->count++;
	}
}

#endif
