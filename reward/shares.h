/* Splitting an amount over weights by largest remainder (mechanism.md 4): exact, 128-bit, no unit lost. Pure. */
#ifndef REWARD_SHARES_H
#define REWARD_SHARES_H

#include "core/arena.h"
#include "core/error.h"

/*
 * shares[i] = floor(total * weights[i] / W) where W is the sum of weights, and one unit more for those with the largest
 * remainders until all of `total` is given; ties go to the lower index, so callers put accounts in ascending order.
 * W = 0: all shares are 0 and the total stays where it is. total and weights are not negative.
 */
bool shares_split(struct wn_arena *arena, int64_t total, const int64_t *weights, size_t count, int64_t *shares,
	struct wn_error *err);

/* The same in the caller's memory: `rests` has room for `count`. */
struct share_rest {
	unsigned __int128 rest;
	size_t index;
};
void shares_split_in(int64_t total, const int64_t *weights, size_t count, int64_t *shares, struct share_rest *rests);

#endif
