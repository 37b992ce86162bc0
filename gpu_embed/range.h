/* All vectors near some queries, exactly: a range search over int8, with the threshold in it and no list of the best.
 */
#ifndef GPU_EMBED_RANGE_H
#define GPU_EMBED_RANGE_H

#include <stdbool.h>

#include "core/error.h"
#include "gpu_embed/range_spec.h"

enum { RANGE_QUERIES_MAX = 4096, RANGE_VECTORS_MAX = 1 << 30 };

struct range_query {
	const int8_t *vectors; /* [count][dimensions] */
	size_t count;	       /* at most RANGE_QUERIES_MAX */
	/* cosine^2 >= numerator / denominator; 1 <= numerator <= denominator <= RANGE_FRACTION_MAX */
	uint32_t numerator, denominator;
};

struct range_hit {
	uint32_t query, vector; /* numbers; vectors are numbered as they were added, from 0 */
	int32_t dot;
};

/* Room of the caller; a search fills count, and puts hits in order of query, then vector. */
struct range_hits {
	struct range_hit *hits;
	size_t room, count;
};

/*
 * One way to compute, as backend_kind is for signatures: all give the same hits. `add` may be called between searches;
 * a state is used by one thread at a time. `search` puts hits in any order and counts on where there is no more room;
 * it may stop once count is above room.
 */
struct range_kind {
	const char *name;
	bool device; /* as backend_kind.device */
	bool (*usable)(void);
	bool (*open)(void **state, unsigned dimensions, struct wn_error *err);
	void (*close)(void *state);
	bool (*add)(void *state, const int8_t *vectors, size_t count, struct wn_error *err);
	bool (*search)(void *state, const struct range_query *query, struct range_hits *hits, struct wn_error *err);
};
extern const struct range_kind range_ref;
extern const struct range_kind range_avx512, range_avx2;
extern const struct range_kind range_cuda;
extern const struct range_kind *const range_kinds[]; /* the preferred one first; ends with NULL */

struct range;
/*
 * name as backend_open() takes it. dimensions: a multiple of RANGE_DIMENSIONS_STEP up to RANGE_DIMENSIONS_MAX. WN_INPUT
 * backend_unknown, WN_DOWN backend_unusable.
 */
bool range_open(struct range **out, const char *name, unsigned dimensions, struct wn_error *err);
void range_close(struct range *range); /* NULL is fine */
const char *range_name(const struct range *range);
/* [count][dimensions]; WN_FULL range_vectors above RANGE_VECTORS_MAX. After a failure the state is as it was. */
bool range_add(struct range *range, const int8_t *vectors, size_t count, struct wn_error *err);
/*
 * All or nothing. WN_FULL range_hits where room is too small: then fewer queries at a time are asked. When a device
 * fails, here or before, the processor, which holds the same vectors, answers this search and all that follow, and
 * range_fault() says what happened.
 */
bool range_search(struct range *range, const struct range_query *query, struct range_hits *hits, struct wn_error *err);
const struct wn_error *range_fault(const struct range *range); /* NULL: nothing */

#endif
