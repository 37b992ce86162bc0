/* The RFC 9162 tree: known answers, every size against the recursive definition, and altered proofs. */
#include "tests/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/tree.h"

SUITE("tree")

enum { PROOF_SIZES = 40, FRONTIER_SIZES = 300 };

enum { LEAVES = 7 };
static const char *const tree_leaves[] = {
	"",
	"00",
	"10",
	"2021",
	"3031",
	"40414243",
	"5051525354555657",
};
static const char *const tree_leaf_hashes[] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
	"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
	"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
	"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
	"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
	"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
};
static const char *const tree_roots[] = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
};
static const struct {
	int index;
	const char *proof[5];
} tree_inclusions[] = {
	{0, {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
		    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		    "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{1, {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
		    "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{2, {"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
		    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		    "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{3, {"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
		    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		    "837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{4, {"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
		    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
		    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL}},
	{5, {"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
		    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
		    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL}},
	{6, {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
		    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL}},
};
static const struct {
	int first, second;
	const char *proof[5];
} tree_consistencies[] = {
	{1, 7,
		{"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{2, 7,
		{"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{3, 7,
		{"0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
			"07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
			"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
			"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{4, 7, {"837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e", NULL}},
	{5, 7,
		{"bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			"4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
			"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL}},
	{6, 7,
		{"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
			"b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
			"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL}},
	{7, 7, {NULL}},
};

static void read_hash(struct sha256 *out, const char *hex)
{
	CHECK(hex_read(out->bytes, sizeof out->bytes, hex, strlen(hex)));
}

static void read_proof(struct tree_proof *out, const char *const hex[])
{
	out->count = 0;
	while (hex[out->count]) {
		read_hash(&out->hashes[out->count], hex[out->count]);
		out->count++;
	}
}

static void known_leaves(struct sha256 leaves[LEAVES])
{
	for (int i = 0; i < LEAVES; i++) {
		uint8_t data[8];
		size_t bytes = strlen(tree_leaves[i]) / 2;
		CHECK(hex_read(data, bytes, tree_leaves[i], 2 * bytes));
		tree_leaf(data, bytes, &leaves[i]);
	}
}

/* The definition of RFC 9162, 2.1.1, word by word. */
static void defined_root(const struct sha256 *leaves, size_t count, struct sha256 *out)
{
	if (count == 0) {
		sha256_of("", 0, out);
	} else if (count == 1) {
		*out = leaves[0];
	} else {
		size_t split = 1;
		while (split * 2 < count)
			split *= 2;
		struct sha256 left, right;
		defined_root(leaves, split, &left);
		defined_root(leaves + split, count - split, &right);
		tree_node(&left, &right, out);
	}
}

static void numbered_leaves(struct sha256 *leaves, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tree_leaf(&i, sizeof i, &leaves[i]);
}

static bool same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
	return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * sizeof a->hashes[0]) == 0;
}

TEST(known_leaves_and_roots)
{
	struct sha256 leaves[LEAVES], root;
	known_leaves(leaves);
	for (int i = 0; i < LEAVES; i++)
		CHECK_HEX(leaves[i].bytes, ID_BYTES, tree_leaf_hashes[i]);
	for (int i = 0; i <= LEAVES; i++) {
		tree_root(leaves, (size_t)i, &root);
		CHECK_HEX(root.bytes, ID_BYTES, tree_roots[i]);
	}
}

TEST(known_inclusion_proofs_are_built_and_accepted)
{
	struct sha256 leaves[LEAVES], root;
	known_leaves(leaves);
	tree_root(leaves, LEAVES, &root);
	for (size_t i = 0; i < sizeof tree_inclusions / sizeof tree_inclusions[0]; i++) {
		struct tree_proof wanted, built;
		size_t index = (size_t)tree_inclusions[i].index;
		read_proof(&wanted, tree_inclusions[i].proof);
		tree_inclusion(leaves, LEAVES, index, &built);
		CHECK(same_proof(&built, &wanted));
		CHECK(tree_inclusion_holds(&leaves[index], index, LEAVES, &wanted, &root));
	}
}

TEST(known_consistency_proofs_are_built_and_accepted)
{
	struct sha256 leaves[LEAVES], first_root, second_root;
	known_leaves(leaves);
	for (size_t i = 0; i < sizeof tree_consistencies / sizeof tree_consistencies[0]; i++) {
		struct tree_proof wanted, built;
		size_t first = (size_t)tree_consistencies[i].first, second = (size_t)tree_consistencies[i].second;
		read_proof(&wanted, tree_consistencies[i].proof);
		tree_consistency(leaves, second, first, &built);
		CHECK(same_proof(&built, &wanted));
		tree_root(leaves, first, &first_root);
		tree_root(leaves, second, &second_root);
		CHECK(tree_consistency_holds(first, &first_root, second, &second_root, &wanted));
	}
}

TEST(inclusion_holds_for_every_leaf_of_every_size_and_for_no_other)
{
	struct sha256 leaves[PROOF_SIZES];
	numbered_leaves(leaves, PROOF_SIZES);
	for (size_t size = 1; size <= PROOF_SIZES; size++) {
		struct sha256 root;
		tree_root(leaves, size, &root);
		for (size_t index = 0; index < size; index++) {
			struct tree_proof proof;
			tree_inclusion(leaves, size, index, &proof);
			CHECK(tree_inclusion_holds(&leaves[index], index, size, &proof, &root));
			for (size_t other = 0; other < size; other++)
				if (other != index)
					CHECK(!tree_inclusion_holds(&leaves[index], other, size, &proof, &root) &&
						!tree_inclusion_holds(&leaves[other], index, size, &proof, &root));
			CHECK(!tree_inclusion_holds(&leaves[index], size, size, &proof, &root));
		}
	}
}

TEST(consistency_holds_for_every_pair_of_sizes)
{
	struct sha256 leaves[PROOF_SIZES];
	numbered_leaves(leaves, PROOF_SIZES);
	for (size_t second = 1; second <= PROOF_SIZES; second++)
		for (size_t first = 1; first <= second; first++) {
			struct sha256 first_root, second_root;
			struct tree_proof proof;
			tree_root(leaves, first, &first_root);
			tree_root(leaves, second, &second_root);
			tree_consistency(leaves, second, first, &proof);
			CHECK(tree_consistency_holds(first, &first_root, second, &second_root, &proof));
			/* The two trees change places, or a root of another size stands in. */
			if (first != second) {
				CHECK(!tree_consistency_holds(second, &second_root, first, &first_root, &proof));
				CHECK(!tree_consistency_holds(first, &second_root, second, &first_root, &proof));
				CHECK(!tree_consistency_holds(first + 1, &first_root, second, &second_root, &proof));
			}
		}
}

TEST(altered_proofs_are_refused)
{
	enum { SIZE = 23, FIRST = 13, INDEX = 9 };
	struct sha256 leaves[SIZE], first_root, root;
	struct tree_proof inclusion, consistency;
	numbered_leaves(leaves, SIZE);
	tree_root(leaves, FIRST, &first_root);
	tree_root(leaves, SIZE, &root);
	tree_inclusion(leaves, SIZE, INDEX, &inclusion);
	tree_consistency(leaves, SIZE, FIRST, &consistency);
	for (size_t i = 0; i < inclusion.count; i++)
		for (int bit = 0; bit < 256; bit++) {
			inclusion.hashes[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CHECK(!tree_inclusion_holds(&leaves[INDEX], INDEX, SIZE, &inclusion, &root));
			inclusion.hashes[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	for (size_t i = 0; i < consistency.count; i++)
		for (int bit = 0; bit < 256; bit++) {
			consistency.hashes[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			CHECK(!tree_consistency_holds(FIRST, &first_root, SIZE, &root, &consistency));
			consistency.hashes[i].bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	inclusion.count--;
	CHECK(!tree_inclusion_holds(&leaves[INDEX], INDEX, SIZE, &inclusion, &root));
	inclusion.count += 2;
	inclusion.hashes[inclusion.count - 1] = root;
	CHECK(!tree_inclusion_holds(&leaves[INDEX], INDEX, SIZE, &inclusion, &root));
	consistency.count--;
	CHECK(!tree_consistency_holds(FIRST, &first_root, SIZE, &root, &consistency));
	consistency.count += 2;
	consistency.hashes[consistency.count - 1] = root;
	CHECK(!tree_consistency_holds(FIRST, &first_root, SIZE, &root, &consistency));
	consistency.count = 0;
	CHECK(!tree_consistency_holds(FIRST, &first_root, SIZE, &root, &consistency));
	CHECK(!tree_consistency_holds(0, &first_root, SIZE, &root, &consistency));
	CHECK(!tree_consistency_holds(SIZE, &first_root, SIZE, &root, &consistency));
	CHECK(tree_consistency_holds(SIZE, &root, SIZE, &root, &consistency));
	inclusion.count = TREE_PROOF_MAX + 1;
	CHECK(!tree_inclusion_holds(&leaves[INDEX], INDEX, UINT64_MAX, &inclusion, &root));
}

TEST(the_frontier_has_the_root_of_the_definition_at_every_size)
{
	struct sha256 leaves[FRONTIER_SIZES];
	struct tree_frontier frontier = {0};
	numbered_leaves(leaves, FRONTIER_SIZES);
	for (size_t size = 0; size <= FRONTIER_SIZES; size++) {
		struct sha256 defined, built, root;
		defined_root(leaves, size, &defined);
		tree_root(leaves, size, &built);
		tree_frontier_root(&frontier, &root);
		CHECK_BYTES(built.bytes, ID_BYTES, defined.bytes, ID_BYTES);
		CHECK_BYTES(root.bytes, ID_BYTES, defined.bytes, ID_BYTES);
		CHECK_INT(frontier.size, size);
		CHECK_INT(frontier.count, __builtin_popcountll(size));
		if (size < FRONTIER_SIZES)
			CHECK(tree_append(&frontier, &leaves[size], NULL, NULL));
	}
}

struct written_nodes {
	const struct sha256 *leaves;
	size_t count, refuse_at;
};

/* Every node that is written must be the root of its own leaves. */
static bool node_written(void *context, int level, uint64_t index, const struct sha256 *hash)
{
	struct written_nodes *written = context;
	size_t width = (size_t)1 << level;
	struct sha256 root;
	if (written->count == written->refuse_at)
		return false;
	written->count++;
	defined_root(written->leaves + index * width, width, &root);
	CHECK_BYTES(hash->bytes, ID_BYTES, root.bytes, ID_BYTES);
	return true;
}

TEST(appending_writes_each_complete_subtree_once)
{
	enum { SIZE = 64 };
	struct sha256 leaves[SIZE];
	struct tree_frontier frontier = {0};
	struct written_nodes written = {.leaves = leaves, .refuse_at = SIZE_MAX};
	numbered_leaves(leaves, SIZE);
	for (int i = 0; i < SIZE; i++)
		CHECK(tree_append(&frontier, &leaves[i], node_written, &written));
	CHECK_INT(written.count, 2 * SIZE - 1);
}

TEST(a_refused_write_leaves_the_frontier_as_it_was)
{
	struct sha256 leaves[8], before, after;
	struct tree_frontier frontier = {0};
	numbered_leaves(leaves, 8);
	for (int i = 0; i < 7; i++)
		CHECK(tree_append(&frontier, &leaves[i], NULL, NULL));
	tree_frontier_root(&frontier, &before);
	struct written_nodes written = {.leaves = leaves, .refuse_at = 2};
	CHECK(!tree_append(&frontier, &leaves[7], node_written, &written));
	tree_frontier_root(&frontier, &after);
	CHECK_INT(frontier.size, 7);
	CHECK_BYTES(after.bytes, ID_BYTES, before.bytes, ID_BYTES);
}
