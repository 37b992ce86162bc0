/* Chooses the backend that signs: by name, or the first that this machine can run. */
#include "gpu_embed/backend.h"

#include <stdlib.h>
#include <string.h>

const struct backend_kind *const backend_kinds[] = {
	&backend_avx512,
	&backend_avx2,
	&backend_ref,
	NULL,
};

struct backend {
	const struct backend_kind *kind;
	void *state;
};

bool backend_open(struct backend **out, const char *name, struct wn_error *err)
{
	const struct backend_kind *kind = NULL;
	for (size_t i = 0; !kind && backend_kinds[i]; i++)
		if (name ? strcmp(backend_kinds[i]->name, name) == 0 : backend_kinds[i]->usable())
			kind = backend_kinds[i];
	if (!kind)
		return wn_fail(err, WN_INPUT, "backend_unknown", "there is no backend \"%s\"", name ? name : "");
	if (!kind->usable())
		return wn_fail(err, WN_DOWN, "backend_unusable", "this machine cannot run the backend %s", kind->name);
	struct backend *backend = calloc(1, sizeof *backend);
	if (!backend)
		return wn_fail(err, WN_FULL, "memory", "no room for a backend");
	backend->kind = kind;
	if (!kind->open(&backend->state, err)) {
		free(backend);
		return wn_while(err, "open the backend %s", kind->name);
	}
	*out = backend;
	return true;
}

void backend_close(struct backend *backend)
{
	if (!backend)
		return;
	backend->kind->close(backend->state);
	free(backend);
}

const char *backend_name(const struct backend *backend)
{
	return backend->kind->name;
}

bool backend_sign(struct backend *backend, const struct embed_texts *texts, const struct embed_signatures *out,
	struct wn_error *err)
{
	wn_assert(texts->count <= BACKEND_BATCH_MAX);
	if (texts->count == 0)
		return true;
	wn_assert(texts->starts[0] == 0);
	for (size_t i = 0; i < texts->count; i++) {
		wn_assert(texts->starts[i] <= texts->starts[i + 1]);
		wn_assert(texts->starts[i + 1] - texts->starts[i] <= EMBED_POINTS_MAX);
	}
	return backend->kind->sign(backend->state, texts, out, err) ||
	       wn_while(err, "sign with the backend %s", backend->kind->name);
}
