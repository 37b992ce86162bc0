/* Signing on a GPU, by winnow_cuda.so. */
#include "gpu_embed/backend.h"

#include <stdio.h>

#include "gpu_embed/cuda_loader.h"

static bool backend_cuda_usable(void)
{
	return cuda_loader(NULL) != NULL;
}

static void backend_cuda_about(char out[BACKEND_ABOUT_MAX])
{
	const char *why;
	cuda_loader(&why);
	snprintf(out, BACKEND_ABOUT_MAX, "%s", why);
}

static bool backend_cuda_open(void **state, struct wn_error *err)
{
	struct device *device;
	char text[DEVICE_TEXT_MAX];
	enum device_outcome outcome = cuda_loader(NULL)->open(&device, text);
	if (outcome != DEVICE_DONE)
		return cuda_loader_fail(err, outcome, text);
	*state = device;
	return true;
}

static void backend_cuda_close(void *state)
{
	cuda_loader(NULL)->close(state);
}

static bool backend_cuda_sign(
	void *state, const struct embed_texts *texts, const struct embed_signatures *out, struct wn_error *err)
{
	char text[DEVICE_TEXT_MAX];
	enum device_outcome outcome = cuda_loader(NULL)->sign(state, texts, out, text);
	return outcome == DEVICE_DONE || cuda_loader_fail(err, outcome, text);
}

const struct backend_kind backend_cuda = {
	.name = "cuda",
	.device = true,
	.usable = backend_cuda_usable,
	.about = backend_cuda_about,
	.open = backend_cuda_open,
	.close = backend_cuda_close,
	.sign = backend_cuda_sign,
	/* Features come from the host with four bytes a sign of work each: the way there costs more than the work. */
	.project = NULL,
};
