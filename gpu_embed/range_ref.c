/* The scalar reference of the range search: every query with every vector, nothing left out. */
#include "gpu_embed/range.h"

#include <stdlib.h>
#include <string.h>

enum { REF_LEAST = 1024 };

struct range_ref_state {
	unsigned dimensions;
	size_t count, room;
	int8_t *vectors;
	uint32_t *squares;
};

static bool range_ref_usable(void)
{
	return true;
}

static bool range_ref_open(void **state, unsigned dimensions, struct wn_error *err)
{
	struct range_ref_state *ref = calloc(1, sizeof *ref);
	if (!ref)
		return wn_fail(err, WN_FULL, "memory", "no room for the reference");
	ref->dimensions = dimensions;
	*state = ref;
	return true;
}

static void range_ref_close(void *state)
{
	struct range_ref_state *ref = state;
	free(ref->vectors);
	free(ref->squares);
	free(ref);
}

static bool ref_reserve(struct range_ref_state *ref, size_t needed, struct wn_error *err)
{
	size_t room = ref->room ? ref->room : REF_LEAST;
	while (room < needed)
		room *= 2;
	if (room == ref->room)
		return true;
	int8_t *vectors = realloc(ref->vectors, room * ref->dimensions);
	if (vectors)
		ref->vectors = vectors;
	uint32_t *squares = realloc(ref->squares, room * sizeof *squares);
	if (squares)
		ref->squares = squares;
	if (!vectors || !squares)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu vectors", room);
	ref->room = room;
	return true;
}

static bool range_ref_add(void *state, const int8_t *vectors, size_t count, struct wn_error *err)
{
	struct range_ref_state *ref = state;
	if (!ref_reserve(ref, ref->count + count, err))
		return false;
	memcpy(ref->vectors + ref->count * ref->dimensions, vectors, count * ref->dimensions);
	for (size_t i = 0; i < count; i++)
		ref->squares[ref->count + i] = range_square(vectors + i * ref->dimensions, ref->dimensions);
	ref->count += count;
	return true;
}

static bool range_ref_search(
	void *state, const struct range_query *query, struct range_hits *hits, struct wn_error *err)
{
	const struct range_ref_state *ref = state;
	(void)err; /* nothing outside of us can fail here */
	for (size_t i = 0; i < query->count; i++) {
		const int8_t *q = query->vectors + i * ref->dimensions;
		uint32_t square = range_square(q, ref->dimensions);
		for (size_t j = 0; j < ref->count && hits->count <= hits->room; j++) {
			const int8_t *v = ref->vectors + j * ref->dimensions;
			int32_t dot = 0;
			for (unsigned k = 0; k < ref->dimensions; k++)
				dot += q[k] * v[k];
			if (!range_near(dot, square, ref->squares[j], query->numerator, query->denominator))
				continue;
			if (hits->count < hits->room)
				hits->hits[hits->count] = (struct range_hit){(uint32_t)i, (uint32_t)j, dot};
			hits->count++;
		}
	}
	return true;
}

const struct range_kind range_ref = {
	.name = "ref",
	.usable = range_ref_usable,
	.open = range_ref_open,
	.close = range_ref_close,
	.add = range_ref_add,
	.search = range_ref_search,
};
