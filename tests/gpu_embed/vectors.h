/* Random int8 vectors with neighbours at every distance, for range searches; links with nothing. */
#ifndef TESTS_GPU_EMBED_VECTORS_H
#define TESTS_GPU_EMBED_VECTORS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Every vector is one of a few centres with more or less noise, so that cosines of all sizes occur; some are of
 * extremes only (-128, 127), some of zeros but for one element, some of zeros.
 */
void vectors_fill(int8_t *vectors, size_t count, unsigned dimensions, uint64_t *random);
/* Normalised and random: next to no two of them are near. */
void vectors_fill_even(int8_t *vectors, size_t count, unsigned dimensions, uint64_t *random);

#endif
