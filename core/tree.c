/* RFC 9162, section 2.1: trees over SHA-256 whose every prefix can be proved. */
#include "core/tree.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"

enum { TREE_LEVELS_MAX = 64 };

void tree_leaf(const void *data, size_t bytes, struct sha256 *out)
{
	static const uint8_t prefix = 0;
	struct sha256_stream *stream = sha256_open();
	sha256_add(stream, &prefix, 1);
	sha256_add(stream, data, bytes);
	sha256_close(stream, out);
}

void tree_node(const struct sha256 *left, const struct sha256 *right, struct sha256 *out)
{
	uint8_t bytes[1 + 2 * ID_BYTES] = {1};
	memcpy(bytes + 1, left->bytes, ID_BYTES);
	memcpy(bytes + 1 + ID_BYTES, right->bytes, ID_BYTES);
	sha256_of(bytes, sizeof bytes, out);
}

/* The largest power of two smaller than n; n >= 2. */
static uint64_t tree_split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

void tree_root(const struct sha256 *leaves, size_t count, struct sha256 *out)
{
	/* A frontier gives the same root as the recursive definition (a test compares them) in constant memory. */
	struct tree_frontier frontier = {0};
	for (size_t i = 0; i < count; i++)
		tree_append(&frontier, &leaves[i], NULL, NULL);
	tree_frontier_root(&frontier, out);
}

static void proof_add(struct tree_proof *proof, const struct sha256 *hash)
{
	wn_assert(proof->count < TREE_PROOF_MAX);
	proof->hashes[proof->count++] = *hash;
}

/* Turns a proof that was collected from the root downward. */
static void proof_turn(struct tree_proof *proof)
{
	for (size_t i = 0, j = proof->count; i + 1 < j; i++) {
		j--;
		struct sha256 kept = proof->hashes[i];
		proof->hashes[i] = proof->hashes[j];
		proof->hashes[j] = kept;
	}
}

void tree_inclusion(const struct sha256 *leaves, size_t count, size_t index, struct tree_proof *proof)
{
	wn_assert(index < count);
	proof->count = 0;
	while (count > 1) {
		size_t left = (size_t)tree_split(count);
		struct sha256 sibling;
		if (index < left) {
			tree_root(leaves + left, count - left, &sibling);
			count = left;
		} else {
			tree_root(leaves, left, &sibling);
			leaves += left;
			count -= left;
			index -= left;
		}
		proof_add(proof, &sibling);
	}
	proof_turn(proof);
}

bool tree_inclusion_holds(const struct sha256 *leaf, uint64_t index, uint64_t size, const struct tree_proof *proof,
	const struct sha256 *root)
{
	/* RFC 9162, 2.1.3.2. */
	if (index >= size || proof->count > TREE_PROOF_MAX)
		return false;
	uint64_t fn = index, sn = size - 1;
	struct sha256 hash = *leaf;
	for (size_t i = 0; i < proof->count; i++) {
		if (sn == 0)
			return false;
		if ((fn & 1) || fn == sn) {
			tree_node(&proof->hashes[i], &hash, &hash);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			tree_node(&hash, &proof->hashes[i], &hash);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && id_compare(&hash, root) == 0;
}

void tree_consistency(const struct sha256 *leaves, size_t count, size_t first, struct tree_proof *proof)
{
	wn_assert(first >= 1);
	wn_assert(first <= count);
	proof->count = 0;
	/* SUBPROOF of 2.1.4.1: `whole` says that the first tree is complete here, so that its root is known already. */
	bool whole = true;
	while (first != count) {
		size_t left = (size_t)tree_split(count);
		struct sha256 sibling;
		if (first <= left) {
			tree_root(leaves + left, count - left, &sibling);
			count = left;
		} else {
			tree_root(leaves, left, &sibling);
			leaves += left;
			count -= left;
			first -= left;
			whole = false;
		}
		proof_add(proof, &sibling);
	}
	if (!whole) {
		struct sha256 rest;
		tree_root(leaves, count, &rest);
		proof_add(proof, &rest);
	}
	proof_turn(proof);
}

bool tree_consistency_holds(uint64_t first, const struct sha256 *first_root, uint64_t second,
	const struct sha256 *second_root, const struct tree_proof *proof)
{
	/* RFC 9162, 2.1.4.2. An empty first tree is a prefix of everything, but proves nothing about its root. */
	if (first == 0 || first > second || proof->count > TREE_PROOF_MAX)
		return false;
	if (first == second)
		return proof->count == 0 && id_compare(first_root, second_root) == 0;
	if (proof->count == 0)
		return false;
	bool power_of_two = (first & (first - 1)) == 0;
	size_t next = 0;
	struct sha256 first_hash = power_of_two ? *first_root : proof->hashes[next++];
	struct sha256 second_hash = first_hash;
	uint64_t fn = first - 1, sn = second - 1;
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (; next < proof->count; next++) {
		if (sn == 0)
			return false;
		const struct sha256 *hash = &proof->hashes[next];
		if ((fn & 1) || fn == sn) {
			tree_node(hash, &first_hash, &first_hash);
			tree_node(hash, &second_hash, &second_hash);
			while (!(fn & 1) && fn != 0) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			tree_node(&second_hash, hash, &second_hash);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && id_compare(&first_hash, first_root) == 0 && id_compare(&second_hash, second_root) == 0;
}

bool tree_append(struct tree_frontier *frontier, const struct sha256 *leaf, tree_node_written *written, void *context)
{
	wn_assert(frontier->size < UINT64_MAX);
	wn_assert(frontier->count == (size_t)__builtin_popcountll(frontier->size));
	struct sha256 hash = *leaf;
	uint64_t index = frontier->size;
	size_t count = frontier->count;
	if (written && !written(context, 0, index, &hash))
		return false;
	/* Every set bit at the low end is a complete subtree to the left that this leaf makes whole. */
	for (int level = 1; index & 1; level++) {
		index >>= 1;
		tree_node(&frontier->hashes[--count], &hash, &hash);
		if (written && !written(context, level, index, &hash))
			return false;
	}
	wn_assert(count < TREE_LEVELS_MAX);
	frontier->hashes[count++] = hash;
	frontier->count = count;
	frontier->size++;
	return true;
}

void tree_frontier_root(const struct tree_frontier *frontier, struct sha256 *out)
{
	if (frontier->count == 0) {
		sha256_of(NULL, 0, out);
		return;
	}
	struct sha256 root = frontier->hashes[frontier->count - 1];
	for (size_t i = frontier->count - 1; i-- > 0;)
		tree_node(&frontier->hashes[i], &root, &root);
	*out = root;
}
