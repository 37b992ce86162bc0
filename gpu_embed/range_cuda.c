/* Range search on a GPU, by winnow_cuda.so. */
#include "gpu_embed/range.h"

#include "gpu_embed/cuda_loader.h"

static bool range_cuda_usable(void)
{
	return cuda_loader(NULL) != NULL;
}

static bool range_cuda_open(void **state, unsigned dimensions, struct wn_error *err)
{
	struct device_range *range;
	char text[DEVICE_TEXT_MAX];
	enum device_outcome outcome = cuda_loader(NULL)->range_open(&range, dimensions, text);
	if (outcome != DEVICE_DONE)
		return cuda_loader_fail(err, outcome, text);
	*state = range;
	return true;
}

static void range_cuda_close(void *state)
{
	cuda_loader(NULL)->range_close(state);
}

static bool range_cuda_add(void *state, const int8_t *vectors, size_t count, struct wn_error *err)
{
	char text[DEVICE_TEXT_MAX];
	enum device_outcome outcome = cuda_loader(NULL)->range_add(state, vectors, count, text);
	return outcome == DEVICE_DONE || cuda_loader_fail(err, outcome, text);
}

static bool range_cuda_search(
	void *state, const struct range_query *query, struct range_hits *hits, struct wn_error *err)
{
	char text[DEVICE_TEXT_MAX];
	enum device_outcome outcome = cuda_loader(NULL)->range_search(state, query, hits, text);
	return outcome == DEVICE_DONE || cuda_loader_fail(err, outcome, text);
}

const struct range_kind range_cuda = {
	.name = "cuda",
	.device = true,
	.usable = range_cuda_usable,
	.open = range_cuda_open,
	.close = range_cuda_close,
	.add = range_cuda_add,
	.search = range_cuda_search,
};
