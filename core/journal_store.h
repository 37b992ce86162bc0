/* The journal's rows: entries, positions, tree nodes, the sequencer's mark, checkpoints. */
#ifndef CORE_JOURNAL_STORE_H
#define CORE_JOURNAL_STORE_H

#include "core/journal.h"
#include "core/tree_plan.h"

bool journal_store_append(struct db *db, struct wn_arena *arena, const struct wn_slice *bodies,
	const struct sha256 *leaves, size_t count, struct wn_error *err);

struct journal_mark {
	int64_t marked_id, done_id, drawn_id;
	bool known, settled; /* the columns of that name in sql/queries/core.sql */
};
bool journal_store_mark(struct db *db, struct journal_mark *out, struct wn_error *err);
/* From `from` to done_id and marked_id; `renew` draws the mark's transaction number anew. WN_BUSY journal_second when
 * another sequencer moved it meanwhile. */
bool journal_store_mark_move(struct db *db, struct wn_arena *arena, const struct journal_mark *from, int64_t done_id,
	int64_t marked_id, bool renew, struct wn_error *err);

struct journal_waiting {
	int64_t entry_id;
	struct sha256 leaf;
};
/* Entries in (after, until], at most JOURNAL_BATCH_MAX, in the arena. */
bool journal_store_waiting(struct db *db, struct wn_arena *arena, int64_t after, int64_t until,
	struct journal_waiting **out, size_t *count, struct wn_error *err);
/* *same is true while there is no network. */
bool journal_store_genesis(struct db *db, struct wn_arena *arena, int64_t entry_id, bool *same, struct wn_error *err);
bool journal_store_number(struct db *db, struct wn_arena *arena, uint64_t position, const int64_t *entries,
	size_t count, struct wn_error *err);

struct journal_node {
	int32_t level;
	int64_t index;
	struct sha256 hash;
};
bool journal_store_nodes_insert(
	struct db *db, struct wn_arena *arena, const struct journal_node *nodes, size_t count, struct wn_error *err);
/* Fills in the hashes; found[i] tells whether the node is there. */
bool journal_store_nodes(struct db *db, struct wn_arena *arena, struct journal_node *nodes, bool *found, size_t count,
	struct wn_error *err);
/* What appending to a tree of `size` leaves needs, from the nodes. */
bool journal_store_frontier(
	struct db *db, struct wn_arena *arena, uint64_t size, struct tree_frontier *out, struct wn_error *err);
bool journal_store_size(struct db *db, uint64_t *size, struct wn_error *err);

/* `body` and `node` live until the call returns; node, the stored leaf of the tree, is NULL when there is none. */
typedef bool journal_body_read(
	void *context, uint64_t position, struct wn_slice body, const struct sha256 *node, struct wn_error *err);
/* Bodies at [from, until) in order: at most JOURNAL_BATCH_MAX, and at most bytes_max and one entry more, at least one.
 */
bool journal_store_bodies(struct db *db, struct wn_arena *arena, uint64_t from, uint64_t until, size_t bytes_max,
	journal_body_read *read, void *context, size_t *found, struct wn_error *err);
/* As journal_find(). */
bool journal_store_find(
	struct db *db, struct wn_arena *arena, const struct sha256 *leaf, uint64_t *position, struct wn_error *err);

/* The lowest entry that was passed over: its id is behind the sequencer, yet it has no position; -1 when there is none.
 */
bool journal_store_passed_over(struct db *db, int64_t *entry_id, struct wn_error *err);

/* The newest one, or the smallest that is larger than `after`; size 0 when there is none. The note is in the arena. */
bool checkpoint_store_latest(struct db *db, struct wn_arena *arena, struct checkpoint *out, struct wn_error *err);
bool checkpoint_store_after(
	struct db *db, struct wn_arena *arena, uint64_t after, struct checkpoint *out, struct wn_error *err);
bool checkpoint_store_insert(
	struct db *db, struct wn_arena *arena, const struct checkpoint *checkpoint, struct wn_error *err);

#endif
