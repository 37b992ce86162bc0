/* The byte layouts of DESIGN.md 13: salts, commitments, and the sorted leaves under a root. */
#include "vote/commitment.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/tree.h"

enum { LEAF_BYTES = 3 * ID_BYTES + 4 };

void vote_salt(const uint8_t vote_seed[32], const struct network_id *network, const struct item_id *item,
	uint32_t round, uint64_t sequence, const struct account_key *voter, struct salt *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/salt/v1");
	hash_field(&layout, network->bytes, ID_BYTES);
	hash_field(&layout, item->bytes, ID_BYTES);
	hash_u32(&layout, round);
	hash_u64(&layout, sequence);
	hash_field(&layout, voter->bytes, ID_BYTES);
	struct sha256 mac;
	hmac_sha256(vote_seed, 32, layout.bytes, layout.count, &mac);
	memcpy(out->bytes, mac.bytes, ID_BYTES);
}

void vote_commitment(const struct network_id *network, const struct item_id *item, uint32_t round,
	const struct account_key *voter, uint8_t choice, const struct salt *salt, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/vote/v1");
	hash_field(&layout, network->bytes, ID_BYTES);
	hash_field(&layout, item->bytes, ID_BYTES);
	hash_u32(&layout, round);
	hash_field(&layout, voter->bytes, ID_BYTES);
	hash_u8(&layout, choice);
	hash_field(&layout, salt->bytes, ID_BYTES);
	hash_done(&layout, out);
}

static int leaf_compare(const struct commitment_leaf *a, const struct commitment_leaf *b)
{
	int order = id_compare(&a->item, &b->item);
	if (order == 0)
		order = (a->round > b->round) - (a->round < b->round);
	if (order == 0)
		order = id_compare(&a->voter, &b->voter);
	/* A seat has one leaf; where a stranger's list has two, the root must still not depend on their order. */
	return order ? order : id_compare(&a->value, &b->value);
}

static int leaf_compare_indices(const void *a, const void *b, void *leaves)
{
	const struct commitment_leaf *list = leaves;
	return leaf_compare(&list[*(const uint32_t *)a], &list[*(const uint32_t *)b]);
}

static bool leaves_ascend(const struct commitment_leaf *leaves, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (leaf_compare(&leaves[i - 1], &leaves[i]) > 0)
			return false;
	return true;
}

static void leaf_hash(const struct commitment_leaf *leaf, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_u8(&layout, 0); /* RFC 9162: a leaf begins with 00 */
	hash_field(&layout, leaf->item.bytes, ID_BYTES);
	hash_u32(&layout, leaf->round);
	hash_field(&layout, leaf->voter.bytes, ID_BYTES);
	hash_field(&layout, leaf->value.bytes, ID_BYTES);
	wn_assert(layout.count == 1 + LEAF_BYTES);
	hash_done(&layout, out);
}

bool vote_root(struct wn_arena *arena, const struct commitment_leaf *leaves, size_t count, struct sha256 *out,
	struct wn_error *err)
{
	uint32_t *order = NULL;
	if (!leaves_ascend(leaves, count)) {
		wn_assert(count <= UINT32_MAX);
		order = wn_arena_array(arena, count, sizeof *order);
		if (!order)
			return wn_fail(err, WN_FULL, "memory", "no room to sort %zu sealed votes", count);
		for (size_t i = 0; i < count; i++)
			order[i] = (uint32_t)i;
		qsort_r(order, count, sizeof *order, leaf_compare_indices, (void *)(uintptr_t)leaves);
	}
	struct tree_frontier frontier = {0};
	for (size_t i = 0; i < count; i++) {
		struct sha256 hash;
		leaf_hash(&leaves[order ? order[i] : i], &hash);
		tree_append(&frontier, &hash, NULL, NULL);
	}
	tree_frontier_root(&frontier, out);
	return true;
}
