/* Finds winnow_cuda.so beside the program, once; a machine without it, a driver or a GPU lacks nothing else. */
#ifndef GPU_EMBED_CUDA_LOADER_H
#define GPU_EMBED_CUDA_LOADER_H

#include "gpu_embed/cuda/device.h"

/* NULL: it cannot be used here. `why` (may be NULL) gets a phrase either way, valid for ever. Any thread. */
const struct device_interface *cuda_loader(const char **why);

/* A failure of the table's functions as one of ours; returns false. */
bool cuda_loader_fail(struct wn_error *err, enum device_outcome outcome, const char *text);

#endif
