/* Both texts are normalised and cut into shingles by the specification alone; what is shared is led back to its bytes.
 */
#include "gpu_embed/dup_spans.h"

#include <stdlib.h>

#include "gpu_embed/linker.h"
#include "gpu_embed/norm.h"

struct spans_work {
	struct norm norm;
	struct norm_places places;
	uint32_t shingles[EMBED_POINTS_MAX]; /* of the text, in its order */
	uint32_t ours[EMBED_POINTS_MAX], theirs[EMBED_POINTS_MAX];
};

static int shingle_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

static uint32_t shingles_distinct(uint32_t *shingles, uint32_t count)
{
	uint32_t kept = 0;
	qsort(shingles, count, sizeof *shingles, shingle_compare);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || shingles[kept - 1] != shingles[i])
			shingles[kept++] = shingles[i];
	return kept;
}

/* Shingles of a normalised text, in order; longer texts than the specification compares have none. */
static uint32_t shingles_cut(const struct norm *norm, uint32_t out[EMBED_POINTS_MAX], unsigned *width)
{
	*width = embed_width(norm->points, norm->count);
	if (norm->count < *width || norm->count > EMBED_POINTS_MAX)
		return 0;
	uint32_t count = (uint32_t)norm->count - *width + 1;
	for (uint32_t i = 0; i < count; i++)
		out[i] = embed_shingle(norm->points + i, *width);
	return count;
}

static void span_add(struct dup_evidence *out, uint32_t from, uint32_t to)
{
	struct dup_span *last = out->count ? &out->spans[out->count - 1] : NULL;
	if (last && from <= last->start + last->bytes) {
		if (to > last->start + last->bytes)
			last->bytes = to - last->start;
	} else if (out->count < DUP_SPANS_MAX) {
		out->spans[out->count++] = (struct dup_span){from, to - from};
	}
}

bool dup_spans(struct dup_evidence *out, struct wn_slice text, struct wn_slice other, struct wn_error *err)
{
	struct spans_work *work = malloc(sizeof *work);
	unsigned width, other_width;
	*out = (struct dup_evidence){0};
	if (!work)
		return wn_fail(err, WN_FULL, "memory", "no room to compare two texts");
	if (!norm_text(&work->norm, other.data, other.bytes, err)) {
		free(work);
		return false;
	}
	uint32_t their_count = shingles_cut(&work->norm, work->theirs, &other_width);
	their_count = shingles_distinct(work->theirs, their_count);
	if (!norm_text_places(&work->norm, &work->places, text.data, text.bytes, err)) {
		free(work);
		return false;
	}
	uint32_t count = shingles_cut(&work->norm, work->shingles, &width);
	for (uint32_t i = 0; i < count; i++)
		work->ours[i] = work->shingles[i];
	uint32_t our_count = shingles_distinct(work->ours, count);
	linker_jaccard(work->ours, our_count, work->theirs, their_count, &out->common, &out->either);
	for (uint32_t i = 0; i < count; i++) {
		if (!bsearch(&work->shingles[i], work->theirs, their_count, sizeof *work->theirs, shingle_compare))
			continue;
		uint32_t from = work->places.from[i], to = work->places.to[i];
		for (uint32_t point = i + 1; point < i + width; point++) {
			from = work->places.from[point] < from ? work->places.from[point] : from;
			to = work->places.to[point] > to ? work->places.to[point] : to;
		}
		span_add(out, from, to);
	}
	free(work);
	return true;
}
