/* The cumulative claims tree (mechanism.md 6): what every account was ever paid, so that a contract elsewhere can pay
 * the rest. Pure. */
#ifndef REWARD_CLAIMS_H
#define REWARD_CLAIMS_H

#include "core/error.h"
#include "core/id.h"
#include "core/tree.h"

struct claim {
	struct account_key account; /* an Ed25519 key, or a chain address left-padded with zeros */
	int64_t cumulative;	    /* units; 0 has no leaf */
};

/* SHA-256(00 | account | cumulative u64 big-endian). */
void claims_leaf(const struct claim *claim, struct sha256 *out);

/* Root over claims that come in ascending account order, each account once: add them all, then take the root. */
struct claims_tree {
	struct tree_frontier frontier;
	struct account_key last;
	bool any;
};
void claims_begin(struct claims_tree *tree);
void claims_add(struct claims_tree *tree, const struct claim *claim);
void claims_root(const struct claims_tree *tree, struct sha256 *root);

/*
 * Proof of claims[which], whose cumulative is not 0; *index is its place among the leaves and *size their number.
 * tree_inclusion_holds() checks it.
 */
bool claims_proof(struct wn_arena *arena, const struct claim *claims, size_t count, size_t which, uint64_t *index,
	uint64_t *size, struct tree_proof *proof, struct wn_error *err);

#endif
