/* The integers of a range search: which vectors are near, and bounds below which nobody needs to look. */
#ifndef GPU_EMBED_RANGE_SPEC_H
#define GPU_EMBED_RANGE_SPEC_H

#include "gpu_embed/embed_spec.h"

/*
 * Vectors are int8, -128 included. A vector v is near a query q when their cosine is at least the root of
 * numerator / denominator:
 *
 *     dot > 0  and  dot * dot * denominator >= numerator * |q|^2 * |v|^2
 *
 * in integers of 128 bits, so that a tie is a hit everywhere. Nothing is near a vector of zeros.
 */
enum {
	RANGE_DIMENSIONS_STEP = 64,
	RANGE_DIMENSIONS_MAX = 1024,
	RANGE_FRACTION_MAX = 1 << 24, /* of numerator and denominator */
};

EMBED_FUNCTION int range_near(
	int32_t dot, uint32_t query_square, uint32_t vector_square, uint32_t numerator, uint32_t denominator)
{
	if (dot <= 0)
		return 0;
	/* dot^2 <= 2^48, a square <= 2^24: the left side has at most 72 bits, the right one too. */
	return (unsigned __int128)((uint64_t)dot * (uint64_t)dot) * denominator >=
	       (unsigned __int128)((uint64_t)query_square * vector_square) * numerator;
}

EMBED_FUNCTION uint32_t range_square(const int8_t *vector, unsigned dimensions)
{
	uint32_t sum = 0;
	for (unsigned i = 0; i < dimensions; i++)
		sum += (uint32_t)(vector[i] * vector[i]);
	return sum;
}

/* The largest integer whose square is not above. */
EMBED_FUNCTION uint32_t range_root(uint64_t square)
{
	uint64_t root = 0;
	for (uint64_t bit = (uint64_t)1 << 31; bit > 0; bit >>= 1)
		if ((root + bit) * (root + bit) <= square)
			root += bit;
	return (uint32_t)root;
}

/*
 * A hit has dot >= range_bound(range_scale(query), root of a square not above the vector's): both are rounded down,
 * and of a hit dot >= sqrt(numerator / denominator) |q| |v|. So a whole tile of vectors needs one comparison a query
 * and dot with the bound of its shortest vector, and what is left is asked range_near().
 */
enum { RANGE_SCALE_BITS = 7 };
EMBED_FUNCTION uint32_t range_scale(uint32_t query_square, uint32_t numerator, uint32_t denominator)
{
	uint64_t product = (uint64_t)query_square * numerator; /* at most 2^48 */
	return range_root((product / denominator) << (2 * RANGE_SCALE_BITS));
}

/* At least 1: a dot of 0 is no hit. scale <= 2^19 for numerator <= denominator, root <= 2^12. */
EMBED_FUNCTION int32_t range_bound(uint32_t scale, uint32_t root)
{
	uint32_t bound = (uint32_t)(((uint64_t)scale * root) >> RANGE_SCALE_BITS);
	return bound > 0 ? (int32_t)bound : 1;
}

#endif
