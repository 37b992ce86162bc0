/* The scalar reference of signing: short, and right; what the others are compared with. */
#include "gpu_embed/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/radix.h"

/* What one state needs: the factors of all lanes, and room to sort the shingles of the longest text. */
struct backend_ref_state {
	uint16_t a[EMBED_LANES], c[EMBED_LANES];
	uint32_t room[EMBED_POINTS_MAX];
};

static bool backend_ref_usable(void)
{
	return true;
}

static void backend_ref_about(char out[BACKEND_ABOUT_MAX])
{
	snprintf(out, BACKEND_ABOUT_MAX, "any processor runs it");
}

static bool backend_ref_open(void **state, struct wn_error *err)
{
	struct backend_ref_state *ref = calloc(1, sizeof *ref);
	if (!ref)
		return wn_fail(err, WN_FULL, "memory", "no room for the reference backend");
	for (unsigned lane = 0; lane < EMBED_LANES; lane++)
		embed_lane_factors(lane, &ref->a[lane], &ref->c[lane]);
	*state = ref;
	return true;
}

static void backend_ref_close(void *state)
{
	free(state);
}

/* The set of a text, rising; returns its size. */
static uint32_t text_shingles(struct backend_ref_state *ref, const uint32_t *points, size_t count, uint32_t *out)
{
	unsigned width = embed_width(points, count);
	if (count < width)
		return 0;
	size_t all = count - width + 1;
	for (size_t i = 0; i < all; i++)
		out[i] = embed_shingle(points + i, width);
	radix_rising(out, ref->room, all);
	uint32_t distinct = 1;
	for (size_t i = 1; i < all; i++)
		if (out[i] != out[distinct - 1])
			out[distinct++] = out[i];
	return distinct;
}

static void set_lanes(const struct backend_ref_state *ref, const uint32_t *set, uint32_t size, uint16_t *lanes)
{
	memset(lanes, 0xff, EMBED_LANES * sizeof *lanes);
	for (uint32_t i = 0; i < size; i++)
		for (unsigned lane = 0; lane < EMBED_LANES; lane++) {
			uint16_t value = embed_lane(ref->a[lane], ref->c[lane], set[i]);
			lanes[lane] = value < lanes[lane] ? value : lanes[lane];
		}
}

static bool backend_ref_sign(
	void *state, const struct embed_texts *texts, const struct embed_signatures *out, struct wn_error *err)
{
	struct backend_ref_state *ref = state;
	(void)err; /* nothing outside of us can fail here */
	for (size_t i = 0; i < texts->count; i++) {
		uint32_t start = texts->starts[i];
		uint16_t *lanes = out->lanes + i * EMBED_LANES;
		out->sizes[i] =
			text_shingles(ref, texts->points + start, texts->starts[i + 1] - start, out->shingles + start);
		set_lanes(ref, out->shingles + start, out->sizes[i], lanes);
		for (unsigned band = 0; band < EMBED_BANDS; band++)
			out->keys[band * texts->count + i] = embed_band_key(lanes + band * EMBED_ROWS, band);
	}
	return true;
}

static void text_vector(const uint32_t *hashes, const uint16_t *weights, size_t count, int8_t *vector)
{
	int32_t sums[EMBED_DIMENSIONS] = {0};
	uint64_t squares = 0;
	for (size_t i = 0; i < count; i++)
		for (unsigned word = 0; word < EMBED_SIGN_WORDS; word++) {
			uint64_t signs = embed_signs(hashes[i], word);
			for (unsigned bit = 0; bit < 64; bit++)
				sums[64 * word + bit] += signs >> bit & 1 ? weights[i] : -weights[i];
		}
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		squares += (uint64_t)((int64_t)sums[k] * sums[k]);
	uint64_t reciprocal = embed_reciprocal(embed_length(squares));
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		vector[k] = embed_element(sums[k], reciprocal);
}

static void backend_ref_project(void *state, const struct embed_features *features, int8_t *vectors)
{
	(void)state;
	for (size_t i = 0; i < features->count; i++) {
		uint32_t start = features->starts[i];
		text_vector(features->hashes + start, features->weights + start, features->starts[i + 1] - start,
			vectors + i * EMBED_DIMENSIONS);
	}
}

const struct backend_kind backend_ref = {
	.name = "ref",
	.usable = backend_ref_usable,
	.about = backend_ref_about,
	.open = backend_ref_open,
	.close = backend_ref_close,
	.sign = backend_ref_sign,
	.project = backend_ref_project,
};
