/* Which stored nodes of a tree make a proof: planned first, read in one query, then folded. Pure. */
#ifndef CORE_TREE_PLAN_H
#define CORE_TREE_PLAN_H

#include "core/tree.h"

/* A path has at most 63 siblings; one of them is ragged and falls into at most 63 complete subtrees. */
enum { TREE_PARTS_MAX = 128 };

struct tree_part {
	int level; /* a complete subtree of 2^level leaves */
	uint64_t index;
	int hash; /* which hash of the plan it goes into, counted from the root downward */
};
struct tree_plan {
	size_t part_count, hash_count;
	struct tree_part parts[TREE_PARTS_MAX];
};

/* The proof of tree_inclusion(): index < size. */
void tree_plan_inclusion(struct tree_plan *plan, uint64_t index, uint64_t size);
/* The proof of tree_consistency(): 1 <= first <= second. */
void tree_plan_consistency(struct tree_plan *plan, uint64_t first, uint64_t second);
/* The nodes of the frontier of a tree of `size` leaves, in its order; a plan of them alone folds into no proof. */
void tree_plan_frontier(struct tree_plan *plan, uint64_t size);
/* nodes[i] is the hash of plan->parts[i]. */
void tree_plan_fold(const struct tree_plan *plan, const struct sha256 *nodes, struct tree_proof *out);

#endif
