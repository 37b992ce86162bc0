/* Largest remainder: quotients first, then one unit each to the largest remainders. */
#include "reward/shares.h"

#include <stdlib.h>

/* Larger remainders first, then lower indices: a total order, so any sort gives the same. */
static int rest_compare(const void *a, const void *b)
{
	const struct share_rest *x = a, *y = b;
	if (x->rest != y->rest)
		return x->rest > y->rest ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

void shares_split_in(int64_t total, const int64_t *weights, size_t count, int64_t *shares, struct share_rest *rests)
{
	unsigned __int128 sum = 0;
	wn_assert(total >= 0);
	for (size_t i = 0; i < count; i++) {
		wn_assert(weights[i] >= 0);
		sum += (unsigned __int128)weights[i];
		shares[i] = 0;
	}
	if (sum == 0)
		return;
	/* total and a weight are below 2^63, so products stay below 2^126. */
	int64_t given = 0;
	for (size_t i = 0; i < count; i++) {
		unsigned __int128 product = (unsigned __int128)total * (unsigned __int128)weights[i];
		shares[i] = (int64_t)(product / sum);
		rests[i] = (struct share_rest){product % sum, i};
		given += shares[i];
	}
	int64_t left = total - given;
	wn_assert(left >= 0);
	wn_assert((uint64_t)left <= count);
	if (left == 0)
		return;
	qsort(rests, count, sizeof *rests, rest_compare);
	for (int64_t i = 0; i < left; i++) {
		/* The units left are the remainders' sum over W, so there are more remainders than units. */
		wn_assert(rests[i].rest > 0);
		shares[rests[i].index]++;
	}
}

bool shares_split(struct wn_arena *arena, int64_t total, const int64_t *weights, size_t count, int64_t *shares,
	struct wn_error *err)
{
	struct share_rest *rests = wn_arena_array(arena, count, sizeof *rests);
	if (!rests)
		return wn_fail(err, WN_FULL, "memory", "no room to split over %zu shares", count);
	shares_split_in(total, weights, count, shares, rests);
	return true;
}
