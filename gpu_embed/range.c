/* Chooses the way to search, as dispatch.c chooses the way to sign, checks what goes in and orders what comes out. */
#include "gpu_embed/range.h"

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/backend.h"

const struct range_kind *const range_kinds[] = {
	&range_cuda,
	&range_avx512,
	&range_avx2,
	&range_ref,
	NULL,
};

/* Beside a device stands the processor with the same vectors. */
struct range {
	const struct range_kind *kind, *spare_kind; /* the one in use; NULL: it is of the processor itself */
	void *state, *spare;
	unsigned dimensions;
	size_t count;
	struct wn_error fault;
};

static const struct range_kind *range_processor(void)
{
	size_t i = 0;
	while (range_kinds[i]->device || !range_kinds[i]->usable())
		i++;
	return range_kinds[i];
}

static const struct range_kind *range_named(const char *name)
{
	for (size_t i = 0; range_kinds[i]; i++)
		if (strcmp(range_kinds[i]->name, name) == 0)
			return range_kinds[i];
	return NULL;
}

/* From a device that failed, perhaps before it was open, to the processor, which has all that was added before. */
static void range_replace(struct range *range, struct wn_error *err)
{
	range->fault = *err;
	wn_error_reset(err);
	if (range->state)
		range->kind->close(range->state);
	range->kind = range->spare_kind;
	range->state = range->spare;
	range->spare_kind = NULL;
	range->spare = NULL;
}

static bool range_open_states(struct range *range, struct wn_error *err)
{
	if (!range->kind->device)
		return range->kind->open(&range->state, range->dimensions, err);
	range->spare_kind = range_processor();
	if (!range->spare_kind->open(&range->spare, range->dimensions, err))
		return false;
	if (!range->kind->open(&range->state, range->dimensions, err)) {
		wn_while(err, "open the range search %s", range->kind->name);
		range_replace(range, err);
	}
	return true;
}

bool range_open(struct range **out, const char *name, unsigned dimensions, struct wn_error *err)
{
	wn_assert(dimensions > 0);
	wn_assert(dimensions <= RANGE_DIMENSIONS_MAX);
	wn_assert(dimensions % RANGE_DIMENSIONS_STEP == 0);
	if (!name)
		name = getenv(BACKEND_VARIABLE);
	const struct range_kind *kind = name && *name ? range_named(name) : range_processor();
	if (!kind)
		return wn_fail(err, WN_INPUT, "backend_unknown", "there is no range search \"%s\"", name);
	if (!kind->usable())
		return wn_fail(
			err, WN_DOWN, "backend_unusable", "this machine cannot run the range search %s", kind->name);
	struct range *range = calloc(1, sizeof *range);
	if (!range)
		return wn_fail(err, WN_FULL, "memory", "no room for a range search");
	range->kind = kind;
	range->dimensions = dimensions;
	if (!range_open_states(range, err)) {
		range_close(range);
		return wn_while(err, "open the range search %s", kind->name);
	}
	*out = range;
	return true;
}

void range_close(struct range *range)
{
	if (!range)
		return;
	if (range->state)
		range->kind->close(range->state);
	if (range->spare)
		range->spare_kind->close(range->spare);
	free(range);
}

const char *range_name(const struct range *range)
{
	return range->kind->name;
}

const struct wn_error *range_fault(const struct range *range)
{
	return range->fault.blame == WN_NONE ? NULL : &range->fault;
}

bool range_add(struct range *range, const int8_t *vectors, size_t count, struct wn_error *err)
{
	if (count > RANGE_VECTORS_MAX - range->count)
		return wn_fail(err, WN_FULL, "range_vectors", "more than %d vectors", RANGE_VECTORS_MAX);
	/* The spare first: when the device then fails, nothing is missing. */
	if (range->spare && !range->spare_kind->add(range->spare, vectors, count, err))
		return wn_while(err, "add %zu vectors", count);
	if (!range->kind->add(range->state, vectors, count, err)) {
		if (!range->spare)
			return wn_while(err, "add %zu vectors", count);
		range_replace(range, err);
	}
	range->count += count;
	return true;
}

static int hit_order(const void *a, const void *b)
{
	const struct range_hit *x = a, *y = b;
	if (x->query != y->query)
		return x->query < y->query ? -1 : 1;
	return (x->vector > y->vector) - (x->vector < y->vector);
}

bool range_search(struct range *range, const struct range_query *query, struct range_hits *hits, struct wn_error *err)
{
	wn_assert(query->count <= RANGE_QUERIES_MAX);
	wn_assert(query->numerator >= 1);
	wn_assert(query->numerator <= query->denominator);
	wn_assert(query->denominator <= RANGE_FRACTION_MAX);
	hits->count = 0;
	if (query->count == 0 || range->count == 0)
		return true;
	if (!range->kind->search(range->state, query, hits, err)) {
		if (!range->spare)
			return wn_while(err, "search %zu queries", query->count);
		range_replace(range, err);
		hits->count = 0;
		if (!range->kind->search(range->state, query, hits, err))
			return wn_while(err, "search %zu queries", query->count);
	}
	if (hits->count > hits->room)
		return wn_fail(
			err, WN_FULL, "range_hits", "more than %zu hits of %zu queries", hits->room, query->count);
	qsort(hits->hits, hits->count, sizeof *hits->hits, hit_order);
	return true;
}
