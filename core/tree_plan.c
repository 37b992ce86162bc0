/* RFC 9162, 2.1.3.1 and 2.1.4.1, walked from the root downward over sizes alone. */
#include "core/tree_plan.h"

#include "core/error.h"

/* The largest power of two smaller than n; n >= 2. */
static uint64_t plan_split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

/* The leaves [start, start + count) as one hash: complete subtrees, the largest first. start is a multiple of each. */
static void plan_range(struct tree_plan *plan, uint64_t start, uint64_t count)
{
	wn_assert(count > 0);
	while (count > 0) {
		int level = 63 - __builtin_clzll(count);
		wn_assert(plan->part_count < TREE_PARTS_MAX);
		plan->parts[plan->part_count++] = (struct tree_part){level, start >> level, (int)plan->hash_count};
		start += (uint64_t)1 << level;
		count -= (uint64_t)1 << level;
	}
	plan->hash_count++;
}

void tree_plan_inclusion(struct tree_plan *plan, uint64_t index, uint64_t size)
{
	wn_assert(index < size);
	uint64_t start = 0;
	plan->part_count = plan->hash_count = 0;
	while (size > 1) {
		uint64_t left = plan_split(size);
		if (index - start < left) {
			plan_range(plan, start + left, size - left);
			size = left;
		} else {
			plan_range(plan, start, left);
			start += left;
			size -= left;
		}
	}
}

void tree_plan_consistency(struct tree_plan *plan, uint64_t first, uint64_t second)
{
	wn_assert(first >= 1);
	wn_assert(first <= second);
	uint64_t start = 0;
	bool whole = true;
	plan->part_count = plan->hash_count = 0;
	while (first != second) {
		uint64_t left = plan_split(second);
		if (first <= left) {
			plan_range(plan, start + left, second - left);
			second = left;
		} else {
			plan_range(plan, start, left);
			start += left;
			first -= left;
			second -= left;
			whole = false;
		}
	}
	if (!whole)
		plan_range(plan, start, second);
}

void tree_plan_frontier(struct tree_plan *plan, uint64_t size)
{
	plan->part_count = plan->hash_count = 0;
	if (size > 0)
		plan_range(plan, 0, size);
}

void tree_plan_fold(const struct tree_plan *plan, const struct sha256 *nodes, struct tree_proof *out)
{
	wn_assert(plan->hash_count <= TREE_PROOF_MAX);
	out->count = plan->hash_count;
	/* Planned from the root downward, proved from the leaf upward; a ragged range folds from its right end. */
	for (size_t i = plan->part_count; i-- > 0;) {
		struct sha256 *hash = &out->hashes[plan->hash_count - 1 - (size_t)plan->parts[i].hash];
		bool last = i + 1 == plan->part_count || plan->parts[i + 1].hash != plan->parts[i].hash;
		if (last)
			*hash = nodes[i];
		else
			tree_node(&nodes[i], hash, hash);
	}
}
