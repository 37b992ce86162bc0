/* What the files of winnow_cuda.so share: how a failure of CUDA is told, and the range search's part of the table. */
#ifndef GPU_EMBED_CUDA_DEVICE_RANGE_H
#define GPU_EMBED_CUDA_DEVICE_RANGE_H

#include <cuda_runtime_api.h>

#include "gpu_embed/cuda/device.h"

#define CUDA_TRY(call, text, doing)                                                                                    \
	do {                                                                                                           \
		cudaError_t cuda_error = (call);                                                                       \
		if (cuda_error != cudaSuccess)                                                                         \
			return device_failed((text), cuda_error, (doing));                                             \
	} while (0)
enum device_outcome device_failed(char *text, cudaError_t error, const char *doing);

enum device_outcome device_look(struct device_about *out, char *text);
enum device_outcome device_open(struct device **out, char *text);
void device_close(struct device *device);

enum device_outcome device_range_open(struct device_range **out, unsigned dimensions, char *text);
void device_range_close(struct device_range *range);
enum device_outcome device_range_add(struct device_range *range, const int8_t *vectors, size_t count, char *text);
enum device_outcome device_range_search(
	struct device_range *range, const struct range_query *query, struct range_hits *hits, char *text);

/* The symbol that winnow looks for. */
const struct device_interface *winnow_cuda(void);

#endif
