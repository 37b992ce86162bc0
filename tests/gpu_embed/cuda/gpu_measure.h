/* The check's own hand on the GPU: times of kernels and copies, and what takes a GPU away from a program that uses it.
 */
#ifndef TESTS_GPU_EMBED_CUDA_GPU_MEASURE_H
#define TESTS_GPU_EMBED_CUDA_GPU_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpu_embed/backend.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MEASURE_TURNS = 9 };

/* Seconds of each turn, by events on the GPU, after one that is not counted. */
struct measure {
	double seconds[MEASURE_TURNS];
	unsigned long long hits; /* of a range search */
};

/* All return false and print what CUDA said. */
bool measure_copy(size_t bytes, struct measure *out); /* from the GPU's memory to the GPU's memory */
bool measure_link(size_t bytes, bool to_device, struct measure *out);
bool measure_sign(const struct embed_texts *texts, struct measure *out); /* kernels only, everything on the GPU */
/* Random vectors, the first of which are the queries. */
bool measure_range(size_t vectors, size_t queries, unsigned dimensions, bool tensor, struct measure *out);

/* Takes all memory that the GPU has; give it back before the end. */
bool measure_hog(void);
void measure_release(void);
/* After so many microseconds an instruction kills whatever this process has on the GPU. Returns at once. */
bool measure_trap(unsigned after_us);

#ifdef __cplusplus
}
#endif
#endif
