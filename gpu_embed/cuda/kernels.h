/* What device.c starts on the GPU; pointers lead into its memory. */
#ifndef GPU_EMBED_CUDA_KERNELS_H
#define GPU_EMBED_CUDA_KERNELS_H

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

#ifdef __cplusplus
}
#endif
#endif
