/* Bodies in, leaf hashes and nodes out, piece by piece: memory does not depend on how long the journal is. */
#include "core/journal_recount.h"

#include "core/hash.h"

enum { RECOUNT_BYTES = 4 * 1024 * 1024, RECOUNT_ARENA = 2 * 1024 * 1024 };
enum { RECOUNT_NODES_MAX = 2 * JOURNAL_BATCH_MAX + TREE_PROOF_MAX };

struct recount_piece {
	struct journal_recount *recount;
	struct journal_node *nodes; /* as computed; NULL when they are not wanted */
	size_t node_count;
};

static bool recount_node(void *context, int level, uint64_t index, const struct sha256 *hash)
{
	struct recount_piece *piece = context;
	if (piece->nodes) {
		wn_assert(piece->node_count < RECOUNT_NODES_MAX);
		piece->nodes[piece->node_count++] = (struct journal_node){level, (int64_t)index, *hash};
	}
	return true;
}

static bool missing(struct wn_error *err, uint64_t position)
{
	return wn_fail(
		err, WN_DOWN, "journal_broken", "the entry at position %llu is missing", (unsigned long long)position);
}

static bool recount_body(
	void *context, uint64_t position, struct wn_slice body, const struct sha256 *node, struct wn_error *err)
{
	struct recount_piece *piece = context;
	struct journal_recount *recount = piece->recount;
	struct sha256 leaf;
	if (position != recount->frontier.size || !body.data)
		return missing(err, recount->frontier.size);
	tree_leaf(body.data, body.bytes, &leaf);
	if (!node || id_compare(node, &leaf) != 0)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"the entry at position %llu is not the one that was numbered", (unsigned long long)position);
	if (position == 0 && recount->network) {
		struct sha256 genesis;
		sha256_of(body.data, body.bytes, &genesis);
		if (id_compare(&genesis, recount->network) != 0)
			return wn_fail(err, WN_DOWN, "journal_broken", "entry 0 is not the genesis of this network");
	}
	tree_append(&recount->frontier, &leaf, recount_node, piece);
	return true;
}

static bool recount_compare(
	struct db *db, struct wn_arena *arena, const struct recount_piece *piece, struct wn_error *err)
{
	struct journal_node *stored = wn_arena_array(arena, piece->node_count, sizeof *stored);
	bool *found = wn_arena_array(arena, piece->node_count, sizeof *found);
	if (!stored || !found)
		return wn_fail(err, WN_FULL, "memory", "no room for tree nodes");
	for (size_t i = 0; i < piece->node_count; i++)
		stored[i] = piece->nodes[i];
	if (!journal_store_nodes(db, arena, stored, found, piece->node_count, err))
		return false;
	for (size_t i = 0; i < piece->node_count; i++)
		if (!found[i] || id_compare(&stored[i].hash, &piece->nodes[i].hash) != 0)
			return wn_fail(err, WN_DOWN, "journal_broken", "the tree's node %d/%lld is %s",
				piece->nodes[i].level, (long long)piece->nodes[i].index,
				found[i] ? "not that of its entries" : "missing");
	return true;
}

static bool recount_some(
	struct db *db, struct wn_arena *arena, struct journal_recount *recount, uint64_t size, struct wn_error *err)
{
	struct recount_piece piece = {.recount = recount};
	size_t found;
	if (recount->nodes && !(piece.nodes = wn_arena_array(arena, RECOUNT_NODES_MAX, sizeof *piece.nodes)))
		return wn_fail(err, WN_FULL, "memory", "no room for tree nodes");
	if (!journal_store_bodies(
		    db, arena, recount->frontier.size, size, RECOUNT_BYTES, recount_body, &piece, &found, err))
		return false;
	if (found == 0)
		return missing(err, recount->frontier.size);
	return !piece.nodes || recount_compare(db, arena, &piece, err);
}

bool journal_recount_to(struct db *db, struct journal_recount *recount, uint64_t size, struct wn_error *err)
{
	struct wn_arena arena;
	bool done = true;
	wn_arena_init(&arena, RECOUNT_ARENA);
	/* Each piece takes at least one entry. */
	while (done && recount->frontier.size < size) {
		wn_arena_reset(&arena);
		done = recount_some(db, &arena, recount, size, err);
	}
	wn_arena_free(&arena);
	return done || wn_while(err, "read the journal again");
}
