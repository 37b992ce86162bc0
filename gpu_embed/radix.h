/* Rising order of 32-bit hashes by their bytes, whatever a hostile text has chosen them to be. Pure. */
#ifndef GPU_EMBED_RADIX_H
#define GPU_EMBED_RADIX_H

#include <stddef.h>
#include <stdint.h>

/* Through `room` (as many) and back, the lowest byte first: four passes leave the result in `values`. */
static inline void radix_rising(uint32_t *values, uint32_t *room, size_t count)
{
	for (unsigned shift = 0; shift < 32; shift += 8) {
		uint32_t starts[257] = {0};
		for (size_t i = 0; i < count; i++)
			starts[(values[i] >> shift & 0xff) + 1]++;
		for (unsigned digit = 0; digit < 256; digit++)
			starts[digit + 1] += starts[digit];
		for (size_t i = 0; i < count; i++)
			room[starts[values[i] >> shift & 0xff]++] = values[i];
		uint32_t *swap = values;
		values = room;
		room = swap;
	}
}

#endif
