/* Chooses the backend that signs: by name, or the first that this machine can run; and another where it is lost. */
#include "gpu_embed/backend.h"

#include <stdlib.h>
#include <string.h>

const struct backend_kind *const backend_kinds[] = {
	&backend_cuda,
	&backend_avx512,
	&backend_avx2,
	&backend_ref,
	NULL,
};

struct backend {
	const struct backend_kind *kind; /* the one in use */
	void *state;
	struct wn_error fault; /* WN_NONE: nothing happened */
	/* Who projects beside a device that does not; NULL: the kind itself. */
	const struct backend_kind *projector;
	void *projector_state;
};

/* The first of the processor that runs here, which is the reference at the latest. */
static const struct backend_kind *dispatch_processor(void)
{
	size_t i = 0;
	while (backend_kinds[i]->device || !backend_kinds[i]->usable())
		i++;
	return backend_kinds[i];
}

static const struct backend_kind *dispatch_named(const char *name)
{
	for (size_t i = 0; backend_kinds[i]; i++)
		if (strcmp(backend_kinds[i]->name, name) == 0)
			return backend_kinds[i];
	return NULL;
}

/* From a device that failed, perhaps before it was open, to the processor. */
static bool dispatch_replace(struct backend *backend, struct wn_error *err)
{
	const struct backend_kind *kind = dispatch_processor();
	void *state;
	backend->fault = *err;
	wn_error_reset(err);
	if (!kind->open(&state, err))
		return wn_while(err, "open the backend %s", kind->name);
	if (backend->state)
		backend->kind->close(backend->state);
	backend->kind = kind;
	backend->state = state;
	return true;
}

/* After this, backend_project() cannot fail. */
static bool dispatch_projector(struct backend *backend, struct wn_error *err)
{
	if (backend->kind->project)
		return true;
	backend->projector = dispatch_processor();
	if (backend->projector->open(&backend->projector_state, err))
		return true;
	backend->projector = NULL;
	return wn_while(err, "open a backend beside the device");
}

bool backend_open(struct backend **out, const char *name, struct wn_error *err)
{
	char about[BACKEND_ABOUT_MAX];
	if (!name)
		name = getenv(BACKEND_VARIABLE);
	const struct backend_kind *kind = name && *name ? dispatch_named(name) : dispatch_processor();
	if (!kind)
		return wn_fail(err, WN_INPUT, "backend_unknown", "there is no backend \"%s\"", name);
	if (!kind->usable()) {
		kind->about(about);
		return wn_fail(err, WN_DOWN, "backend_unusable", "this machine cannot run the backend %s: %s",
			kind->name, about);
	}
	struct backend *backend = calloc(1, sizeof *backend);
	if (!backend)
		return wn_fail(err, WN_FULL, "memory", "no room for a backend");
	backend->kind = kind;
	if (!kind->open(&backend->state, err)) {
		wn_while(err, "open the backend %s", kind->name);
		if (!kind->device || !dispatch_replace(backend, err)) {
			free(backend);
			return false;
		}
	}
	if (!dispatch_projector(backend, err)) {
		backend_close(backend);
		return false;
	}
	*out = backend;
	return true;
}

void backend_close(struct backend *backend)
{
	if (!backend)
		return;
	backend->kind->close(backend->state);
	if (backend->projector)
		backend->projector->close(backend->projector_state);
	free(backend);
}

const char *backend_name(const struct backend *backend)
{
	return backend->kind->name;
}

const struct wn_error *backend_fault(const struct backend *backend)
{
	return backend->fault.blame == WN_NONE ? NULL : &backend->fault;
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
	if (backend->kind->sign(backend->state, texts, out, err))
		return true;
	wn_while(err, "sign with the backend %s", backend->kind->name);
	return backend->kind->device && dispatch_replace(backend, err) &&
	       (backend->kind->sign(backend->state, texts, out, err) ||
		       wn_while(err, "sign with the backend %s", backend->kind->name));
}

void backend_project(struct backend *backend, const struct embed_features *features, int8_t *vectors)
{
	wn_assert(features->count <= BACKEND_BATCH_MAX);
	if (features->count == 0)
		return;
	wn_assert(features->starts[0] == 0);
	for (size_t i = 0; i < features->count; i++) {
		wn_assert(features->starts[i] <= features->starts[i + 1]);
		wn_assert(features->starts[i + 1] - features->starts[i] <= EMBED_FEATURES_MAX);
	}
	if (backend->projector)
		backend->projector->project(backend->projector_state, features, vectors);
	else
		backend->kind->project(backend->state, features, vectors);
}
