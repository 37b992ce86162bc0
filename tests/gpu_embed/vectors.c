/* Vectors from a seed. */
#include "tests/gpu_embed/vectors.h"

#include <string.h>

#include "gpu_embed/embed_spec.h"

enum { CENTRES = 20 };

static uint64_t next(uint64_t *random)
{
	return embed_mix64(*random += 0x9e3779b97f4a7c15u);
}

static int8_t clamp(int value)
{
	return (int8_t)(value > 127 ? 127 : value < -128 ? -128 : value);
}

void vectors_fill(int8_t *vectors, size_t count, unsigned dimensions, uint64_t *random)
{
	for (size_t i = 0; i < count; i++) {
		int8_t *vector = vectors + i * dimensions;
		uint64_t kind = next(random) % 32, centre = next(random) % CENTRES;
		int noise = 1 + (int)(next(random) % 60);
		memset(vector, 0, dimensions);
		if (kind == 0)
			continue;
		if (kind == 1) {
			vector[next(random) % dimensions] = clamp((int)(next(random) % 256) - 128);
			continue;
		}
		for (unsigned k = 0; k < dimensions; k++) {
			int base = (int)(embed_mix64(centre << 32 | k) % 121) - 60;
			int off = (int)(next(random) % (unsigned)(2 * noise + 1)) - noise;
			vector[k] = kind == 2	? (base > 0 ? 127 : -128)
				    : kind == 3 ? -128
				    : kind == 4 ? (next(random) % 8 == 0 ? 127 : -128)
						: clamp(base + off);
		}
	}
}

void vectors_fill_even(int8_t *vectors, size_t count, unsigned dimensions, uint64_t *random)
{
	size_t bytes = count * dimensions;
	for (size_t i = 0; i < bytes; i += 8) {
		uint64_t drawn = next(random);
		/* -8 to 7: of 256 dimensions a length of about 74. */
		for (size_t j = 0; j < 8 && i + j < bytes; j++)
			vectors[i + j] = (int8_t)((int)(drawn >> (8 * j) & 15) - 8);
	}
}
