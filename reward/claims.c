/* Leaves, root and proofs of the claims tree. */
#include "reward/claims.h"

#include <string.h>

enum { CLAIM_AMOUNT_BYTES = 8, CLAIM_BYTES = ID_BYTES + CLAIM_AMOUNT_BYTES };

void claims_leaf(const struct claim *claim, struct sha256 *out)
{
	uint8_t data[CLAIM_BYTES];
	wn_assert(claim->cumulative > 0);
	memcpy(data, claim->account.bytes, ID_BYTES);
	for (int i = 0; i < CLAIM_AMOUNT_BYTES; i++)
		data[ID_BYTES + i] = (uint8_t)((uint64_t)claim->cumulative >> (8 * (CLAIM_AMOUNT_BYTES - 1 - i)));
	tree_leaf(data, sizeof data, out);
}

void claims_begin(struct claims_tree *tree)
{
	memset(tree, 0, sizeof *tree);
}

void claims_add(struct claims_tree *tree, const struct claim *claim)
{
	struct sha256 leaf;
	wn_assert(claim->cumulative >= 0);
	wn_assert(!tree->any || id_compare(&tree->last, &claim->account) < 0);
	tree->last = claim->account;
	tree->any = true;
	if (claim->cumulative == 0)
		return;
	claims_leaf(claim, &leaf);
	tree_append(&tree->frontier, &leaf, NULL, NULL);
}

void claims_root(const struct claims_tree *tree, struct sha256 *root)
{
	tree_frontier_root(&tree->frontier, root);
}

bool claims_proof(struct wn_arena *arena, const struct claim *claims, size_t count, size_t which, uint64_t *index,
	uint64_t *size, struct tree_proof *proof, struct wn_error *err)
{
	struct sha256 *leaves = wn_arena_array(arena, count, sizeof *leaves);
	if (!leaves)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu claims", count);
	size_t used = 0;
	wn_assert(which < count);
	wn_assert(claims[which].cumulative > 0);
	for (size_t i = 0; i < count; i++) {
		wn_assert(i == 0 || id_compare(&claims[i - 1].account, &claims[i].account) < 0);
		if (i == which)
			*index = used;
		if (claims[i].cumulative > 0)
			claims_leaf(&claims[i], &leaves[used++]);
	}
	*size = used;
	tree_inclusion(leaves, used, (size_t)*index, proof);
	return true;
}
