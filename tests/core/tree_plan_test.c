/* Planned proofs: folded from stored nodes they are those of the whole array, at every size and at absurd ones. */
#include "tests/check.h"

#include <string.h>

#include "core/tree_plan.h"

SUITE("tree_plan")

enum { LEVELS = 8, SIZES = 130, HUGE_ROUNDS = 20000 };

/* Complete subtrees, as journal_node stores them. */
struct stored_nodes {
	struct sha256 hash[LEVELS][SIZES];
	bool there[LEVELS][SIZES];
};

static bool store_node(void *context, int level, uint64_t index, const struct sha256 *hash)
{
	struct stored_nodes *stored = context;
	CHECK(!stored->there[level][index]);
	stored->there[level][index] = true;
	stored->hash[level][index] = *hash;
	return true;
}

static bool fold(const struct stored_nodes *stored, const struct tree_plan *plan, struct tree_proof *proof)
{
	struct sha256 nodes[TREE_PARTS_MAX];
	for (size_t i = 0; i < plan->part_count; i++) {
		if (!CHECK(stored->there[plan->parts[i].level][plan->parts[i].index]))
			return false;
		nodes[i] = stored->hash[plan->parts[i].level][plan->parts[i].index];
	}
	tree_plan_fold(plan, nodes, proof);
	return true;
}

static bool same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
	return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * sizeof a->hashes[0]) == 0;
}

TEST(planned_proofs_are_those_of_the_whole_array_at_every_size)
{
	static struct stored_nodes stored;
	static struct sha256 leaves[SIZES];
	struct tree_frontier frontier = {0};
	memset(&stored, 0, sizeof stored);
	for (size_t size = 1; size <= SIZES; size++) {
		struct tree_plan plan;
		struct tree_proof planned, defined;
		tree_leaf(&size, sizeof size, &leaves[size - 1]);
		CHECK(tree_append(&frontier, &leaves[size - 1], store_node, &stored));
		for (size_t i = 0; i < size; i++) {
			tree_plan_inclusion(&plan, i, size);
			CHECK_OR_RETURN(fold(&stored, &plan, &planned));
			tree_inclusion(leaves, size, i, &defined);
			CHECK_OR_RETURN(same_proof(&planned, &defined));
			tree_plan_consistency(&plan, i + 1, size);
			CHECK_OR_RETURN(fold(&stored, &plan, &planned));
			tree_consistency(leaves, size, i + 1, &defined);
			CHECK_OR_RETURN(same_proof(&planned, &defined));
		}
		tree_plan_frontier(&plan, size);
		CHECK_INT(plan.part_count, frontier.count);
		for (size_t i = 0; i < plan.part_count; i++)
			CHECK_BYTES(stored.hash[plan.parts[i].level][plan.parts[i].index].bytes, ID_BYTES,
				frontier.hashes[i].bytes, ID_BYTES);
	}
	struct tree_plan empty;
	tree_plan_frontier(&empty, 0);
	CHECK_INT(empty.part_count, 0);
}

/* What the parts cover, and that each lies in the tree. */
static bool plan_fits(const struct tree_plan *plan, uint64_t size, uint64_t *covered)
{
	*covered = 0;
	for (size_t i = 0; i < plan->part_count; i++) {
		uint64_t width = (uint64_t)1 << plan->parts[i].level;
		if (plan->parts[i].index >= size / width)
			return false;
		*covered += width;
	}
	return plan->part_count <= TREE_PARTS_MAX && plan->hash_count <= TREE_PROOF_MAX;
}

TEST(plans_of_trees_up_to_two_to_the_63_stay_within_their_limits)
{
	uint64_t seed = test_seed(), covered;
	for (int i = 0; i < HUGE_ROUNDS; i++) {
		struct tree_plan plan;
		uint64_t size = (test_random(&seed) >> (1 + test_random(&seed) % 63)) | 1;
		if (i % 4 == 0)
			size = INT64_MAX - test_random(&seed) % 3;
		uint64_t index = i % 3 == 0 ? test_random(&seed) % 2 : test_random(&seed) % size;
		if (index >= size)
			index = 0;
		tree_plan_inclusion(&plan, index, size);
		CHECK_OR_RETURN(plan_fits(&plan, size, &covered));
		/* A path and its leaf are the whole tree. */
		CHECK_OR_RETURN(covered == size - 1);
		tree_plan_consistency(&plan, index + 1, size);
		CHECK_OR_RETURN(plan_fits(&plan, size, &covered));
		tree_plan_frontier(&plan, size);
		CHECK_OR_RETURN(plan_fits(&plan, size, &covered));
		CHECK_OR_RETURN(covered == size);
	}
}
