/* The RFC 9162 Merkle tree over SHA-256: roots, inclusion and consistency proofs, and a growing frontier. */
#ifndef CORE_TREE_H
#define CORE_TREE_H

#include "core/arena.h"
#include "core/id.h"

enum { TREE_PROOF_MAX = 64 };

struct tree_proof {
	size_t count;
	struct sha256 hashes[TREE_PROOF_MAX]; /* from the leaf upward */
};

void tree_leaf(const void *data, size_t bytes, struct sha256 *out);			   /* SHA-256(00 | data) */
void tree_node(const struct sha256 *left, const struct sha256 *right, struct sha256 *out); /* SHA-256(01 | l | r) */
/* Root over `count` leaf hashes; of nothing it is SHA-256 of the empty string. */
void tree_root(const struct sha256 *leaves, size_t count, struct sha256 *out);
void tree_inclusion(const struct sha256 *leaves, size_t count, size_t index, struct tree_proof *proof);
bool tree_inclusion_holds(const struct sha256 *leaf, uint64_t index, uint64_t size, const struct tree_proof *proof,
	const struct sha256 *root);
void tree_consistency(const struct sha256 *leaves, size_t count, size_t first, struct tree_proof *proof);
bool tree_consistency_holds(uint64_t first, const struct sha256 *first_root, uint64_t second,
	const struct sha256 *second_root, const struct tree_proof *proof);

/* The roots of the complete subtrees of a tree of `size` leaves, largest first: what is needed to append. */
struct tree_frontier {
	uint64_t size;
	size_t count;
	struct sha256 hashes[64];
};
/* Calls back once for the leaf and for every subtree that it completes: level 0 is the leaf, `index` counts within a
 * level. */
typedef bool tree_node_written(void *context, int level, uint64_t index, const struct sha256 *hash);
bool tree_append(struct tree_frontier *frontier, const struct sha256 *leaf, tree_node_written *written, void *context);
void tree_frontier_root(const struct tree_frontier *frontier, struct sha256 *out);

#endif
