/* What winnow_cuda.so offers: one table of functions, found by name, so that winnow itself needs no CUDA library. */
#ifndef GPU_EMBED_CUDA_DEVICE_H
#define GPU_EMBED_CUDA_DEVICE_H

#include "gpu_embed/backend.h"
#include "gpu_embed/range.h"

enum { DEVICE_VERSION = 1, DEVICE_TEXT_MAX = 256 };

enum device_outcome {
	DEVICE_DONE,
	DEVICE_ABSENT, /* no driver, or no GPU that can run this */
	DEVICE_FULL,   /* no memory on the GPU or for copies to it; what was there is still good */
	DEVICE_LOST,   /* anything else: nothing more can be done with the GPU in this process */
};

/* One opened GPU, used by one thread at a time. `text` of DEVICE_TEXT_MAX gets what CUDA said of a failure. */
struct device;
struct device_range; /* vectors on it */

struct device_about {
	char name[DEVICE_TEXT_MAX];
	size_t memory_bytes;
	int multiprocessors, major, minor;
};

struct device_interface {
	int version, spec_version; /* DEVICE_VERSION, EMBED_SPEC_VERSION: another one is not used */
	enum device_outcome (*look)(struct device_about *out, char *text);
	enum device_outcome (*open)(struct device **out, char *text);
	void (*close)(struct device *device); /* NULL is fine */
	/*
	 * As backend_kind.sign(), but for as many texts as the memory of the machine holds: they pass through the GPU
	 * in chunks, of which one is computed while others are copied. Memory of take() is copied without a detour.
	 */
	enum device_outcome (*sign)(
		struct device *device, const struct embed_texts *texts, const struct embed_signatures *out, char *text);
	void *(*take)(size_t bytes); /* NULL: no memory */
	void (*give)(void *memory);
	/* As range_kind's. */
	enum device_outcome (*range_open)(struct device_range **out, unsigned dimensions, char *text);
	void (*range_close)(struct device_range *range); /* NULL is fine */
	enum device_outcome (*range_add)(struct device_range *range, const int8_t *vectors, size_t count, char *text);
	enum device_outcome (*range_search)(
		struct device_range *range, const struct range_query *query, struct range_hits *hits, char *text);
};
/* The one name in winnow_cuda.so. */
#define DEVICE_SYMBOL "winnow_cuda"
typedef const struct device_interface *device_function(void);

#endif
