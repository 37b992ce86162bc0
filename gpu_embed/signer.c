/* Normalises on this thread, hands the code points to the backend in one batch, and deals out the results. */
#include "gpu_embed/signer.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/log.h"
#include "gpu_embed/norm.h"

enum { SIGNER_POINTS_MAX = SIGNER_BATCH_MAX * EMBED_POINTS_MAX, SIGNER_POINTS_LEAST = 1 << 16 };

struct signer {
	struct backend *backend;
	bool fault_told;
	struct norm norm;
	uint32_t starts[SIGNER_BATCH_MAX + 1];
	uint32_t *points; /* grows to the biggest batch so far */
	size_t points_room;
};

bool signer_open(struct signer **out, const char *backend, struct wn_error *err)
{
	if (!norm_start(err))
		return false;
	struct signer *signer = calloc(1, sizeof *signer);
	if (signer)
		signer->points = malloc(SIGNER_POINTS_LEAST * sizeof *signer->points);
	if (!signer || !signer->points) {
		signer_close(signer);
		return wn_fail(err, WN_FULL, "memory", "no room for a signer");
	}
	signer->points_room = SIGNER_POINTS_LEAST;
	if (!backend_open(&signer->backend, backend, err)) {
		signer_close(signer);
		return false;
	}
	*out = signer;
	return true;
}

void signer_close(struct signer *signer)
{
	if (!signer)
		return;
	backend_close(signer->backend);
	free(signer->points);
	free(signer);
}

const char *signer_backend(const struct signer *signer)
{
	return backend_name(signer->backend);
}

static bool points_add(struct signer *signer, size_t text, struct wn_error *err)
{
	size_t start = signer->starts[text], needed = start + signer->norm.count;
	wn_assert(needed <= SIGNER_POINTS_MAX);
	if (needed > signer->points_room) {
		size_t room = signer->points_room;
		while (room < needed)
			room *= 2;
		uint32_t *points = realloc(signer->points, room * sizeof *points);
		if (!points)
			return wn_fail(err, WN_FULL, "memory", "no room for %zu code points", room);
		signer->points = points;
		signer->points_room = room;
	}
	memcpy(signer->points + start, signer->norm.points, signer->norm.count * sizeof *signer->points);
	signer->starts[text + 1] = (uint32_t)needed;
	return true;
}

/* The hashes of one content, and its code points behind those of the ones before. */
static bool content_read(struct signer *signer, struct signed_content *content, size_t text, struct wn_error *err)
{
	sha256_of(content->content.data, content->content.bytes, &content->raw);
	content->normal = content->raw;
	content->digits = 0;
	signer->starts[text + 1] = signer->starts[text];
	if (content->kind != ITEM_TEXT || content->content.bytes > NORM_BYTES_MAX)
		return true;
	if (!norm_text(&signer->norm, content->content.data, content->content.bytes, err))
		return false;
	content->normal = signer->norm.sha256;
	content->digits = signer->norm.digits;
	return signer->norm.count > EMBED_POINTS_MAX || points_add(signer, text, err);
}

bool signer_sign(struct signer *signer, struct wn_arena *arena, struct signed_content *contents, size_t count,
	struct wn_error *err)
{
	wn_assert(count <= SIGNER_BATCH_MAX);
	signer->starts[0] = 0;
	for (size_t i = 0; i < count; i++)
		if (!content_read(signer, &contents[i], i, err))
			return wn_while(err, "normalise");
	struct embed_texts texts = {.count = count, .points = signer->points, .starts = signer->starts};
	struct embed_signatures out = {
		.lanes = wn_arena_array(arena, count * EMBED_LANES, sizeof *out.lanes),
		.keys = wn_arena_array(arena, count * EMBED_BANDS, sizeof *out.keys),
		.shingles = wn_arena_array(arena, signer->starts[count], sizeof *out.shingles),
		.sizes = wn_arena_array(arena, count, sizeof *out.sizes),
	};
	if (!out.lanes || !out.keys || !out.shingles || !out.sizes)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu signatures", count);
	if (!backend_sign(signer->backend, &texts, &out, err))
		return false;
	if (backend_fault(signer->backend) && !signer->fault_told) {
		log_failure("signing_device_lost", backend_fault(signer->backend));
		signer->fault_told = true;
	}
	for (size_t i = 0; i < count; i++) {
		struct signed_content *content = &contents[i];
		content->lanes = out.lanes + i * EMBED_LANES;
		content->keys = out.keys + i;
		content->key_stride = count;
		content->shingles = out.shingles + signer->starts[i];
		content->size = out.sizes[i];
		content->near = content->size >= EMBED_SHINGLES_LEAST;
	}
	return true;
}
