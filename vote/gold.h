/* Which items of an epoch are audited, and what an audit found: known-answer items picked after reveal by a later
 * beacon. Pure. */
#ifndef VOTE_GOLD_H
#define VOTE_GOLD_H

#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"

struct gold_candidate {
	struct item_id item;
	int32_t class; /* the provisional verdict, 0 .. classes - 1; void items are no candidates */
};

/* ceil(items * ppm / 10^6), where `items` counts all items tallied in the epoch, candidates or not. */
size_t gold_count(size_t items, int64_t ppm);

/*
 * The classes in turn give their next candidate, by hash under the beacon, until `wanted` are picked or none is left;
 * an empty class is passed over. *picked holds indices into `candidates`, in the order picked, in the arena. The
 * candidates' order does not matter.
 */
bool gold_pick(struct wn_arena *arena, const struct sha256 *beacon, int classes,
	const struct gold_candidate *candidates, size_t count, size_t wanted, uint32_t **picked, size_t *picked_count,
	struct wn_error *err);

/* The class with most of an audit's votes; -1 on a tie or without votes: then the item is no gold. votes[a] counts
 * class a. */
int gold_audit_class(int classes, const uint32_t *votes);

#endif
