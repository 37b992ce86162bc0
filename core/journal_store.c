/* One function a statement; what is read is checked for its shape only. */
#include "core/journal_store.h"

#include <string.h>

#include "sql_core.h"

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

bool journal_store_append(struct db *db, struct wn_arena *arena, const struct wn_slice *bodies,
	const struct sha256 *leaves, size_t count, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes_array(&args, bodies, count);
	db_arg_ids(&args, leaves, sizeof *leaves, ID_BYTES, count);
	return db_query(db, &SQL_CORE_JOURNAL_APPEND, &args, NULL, err);
}

/* ---- the mark ---- */

bool journal_store_mark(struct db *db, struct journal_mark *out, struct wn_error *err)
{
	struct db_result *result;
	if (!db_query(db, &SQL_CORE_JOURNAL_MARK, NULL, &result, err))
		return wn_while(err, "read the sequencer's mark");
	bool there = db_rows(result) == 1;
	if (there)
		*out = (struct journal_mark){
			.marked_id = db_int64(result, 0, 0),
			.done_id = db_int64(result, 0, 1),
			.known = db_bool(result, 0, 2),
			.settled = db_bool(result, 0, 3),
			.drawn_id = db_int64(result, 0, 4),
		};
	db_done(result);
	return there || wn_fail(err, WN_DOWN, "journal_broken", "the sequencer's mark is gone");
}

bool journal_store_mark_move(struct db *db, struct wn_arena *arena, const struct journal_mark *from, int64_t done_id,
	int64_t marked_id, bool renew, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, from->done_id);
	db_arg_int64(&args, done_id);
	db_arg_int64(&args, marked_id);
	db_arg_bool(&args, renew);
	if (!db_query(db, &SQL_CORE_JOURNAL_MARK_MOVE, &args, &result, err))
		return wn_while(err, "move the sequencer's mark");
	bool moved = db_affected(result) == 1;
	db_done(result);
	return moved || wn_fail(err, WN_BUSY, "journal_second", "another sequencer numbered entries meanwhile");
}

/* ---- entries and positions ---- */

bool journal_store_waiting(struct db *db, struct wn_arena *arena, int64_t after, int64_t until,
	struct journal_waiting **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int64(&args, until);
	if (!db_query(db, &SQL_CORE_JOURNAL_WAITING, &args, &result, err))
		return wn_while(err, "find entries to number");
	*count = db_rows(result);
	wn_assert(*count <= JOURNAL_BATCH_MAX);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		(*out)[i].entry_id = db_int64(result, i, 0);
		db_copy_id(result, i, 1, (*out)[i].leaf.bytes, ID_BYTES);
	}
	db_done(result);
	return *out || no_room(err, "entries to number");
}

bool journal_store_genesis(struct db *db, struct wn_arena *arena, int64_t entry_id, bool *same, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, entry_id);
	if (!db_query(db, &SQL_CORE_JOURNAL_GENESIS, &args, &result, err))
		return wn_while(err, "compare the first entry with genesis");
	*same = db_rows(result) == 0 || db_bool(result, 0, 0);
	db_done(result);
	return true;
}

bool journal_store_number(struct db *db, struct wn_arena *arena, uint64_t position, const int64_t *entries,
	size_t count, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, (int64_t)position);
	db_arg_int64s(&args, entries, count);
	return db_query(db, &SQL_CORE_JOURNAL_LEAF_INSERT, &args, NULL, err) || wn_while(err, "number entries");
}

bool journal_store_size(struct db *db, uint64_t *size, struct wn_error *err)
{
	struct db_result *result;
	if (!db_query(db, &SQL_CORE_JOURNAL_SIZE, NULL, &result, err))
		return wn_while(err, "read the journal's size");
	*size = (uint64_t)db_int64(result, 0, 0);
	db_done(result);
	return true;
}

bool journal_store_bodies(struct db *db, struct wn_arena *arena, uint64_t from, uint64_t until, size_t bytes_max,
	journal_body_read *read, void *context, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	bool done = true;
	*found = 0;
	wn_assert(from <= INT64_MAX);
	wn_assert(until <= INT64_MAX);
	wn_assert(bytes_max > 0);
	db_args_init(&args, arena);
	db_arg_int64(&args, (int64_t)from);
	db_arg_int64(&args, (int64_t)until);
	db_arg_int64(&args, (int64_t)bytes_max);
	if (!db_query(db, &SQL_CORE_JOURNAL_BODIES, &args, &result, err))
		return wn_while(err, "read entries");
	size_t count = db_rows(result);
	for (size_t i = 0; done && i < count; i++) {
		struct sha256 node;
		bool has_node = !db_is_null(result, i, 2);
		if (has_node)
			db_copy_id(result, i, 2, node.bytes, ID_BYTES);
		done = read(context, (uint64_t)db_int64(result, i, 0), db_slice(result, i, 1), has_node ? &node : NULL,
			err);
		*found += done;
	}
	db_done(result);
	return done;
}

bool journal_store_find(
	struct db *db, struct wn_arena *arena, const struct sha256 *leaf, uint64_t *position, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, leaf->bytes, ID_BYTES);
	if (!db_query(db, &SQL_CORE_JOURNAL_FIND, &args, &result, err))
		return wn_while(err, "look for a leaf");
	bool there = db_rows(result) == 1;
	if (there)
		*position = db_is_null(result, 0, 0) ? UINT64_MAX : (uint64_t)db_int64(result, 0, 0);
	db_done(result);
	return there || wn_fail(err, WN_INPUT, "journal_unknown", "no entry has this leaf hash");
}

bool journal_store_passed_over(struct db *db, int64_t *entry_id, struct wn_error *err)
{
	struct db_result *result;
	if (!db_query(db, &SQL_CORE_JOURNAL_PASSED_OVER, NULL, &result, err))
		return wn_while(err, "look for entries that were passed over");
	*entry_id = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

/* ---- nodes ---- */

/* The columns level and index, as array parameters. */
static bool arg_places(struct db_args *args, const struct journal_node *nodes, size_t count, struct wn_error *err)
{
	int32_t *levels = wn_arena_array(args->arena, count, sizeof *levels);
	int64_t *indexes = wn_arena_array(args->arena, count, sizeof *indexes);
	if (!levels || !indexes)
		return no_room(err, "tree nodes");
	for (size_t i = 0; i < count; i++) {
		levels[i] = nodes[i].level;
		indexes[i] = nodes[i].index;
	}
	db_arg_int32s(args, levels, count);
	db_arg_int64s(args, indexes, count);
	return true;
}

bool journal_store_nodes_insert(
	struct db *db, struct wn_arena *arena, const struct journal_node *nodes, size_t count, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_places(&args, nodes, count, err))
		return false;
	db_arg_ids(&args, nodes[0].hash.bytes, sizeof *nodes, ID_BYTES, count);
	return db_query(db, &SQL_CORE_JOURNAL_NODE_INSERT, &args, NULL, err) || wn_while(err, "write tree nodes");
}

bool journal_store_nodes(struct db *db, struct wn_arena *arena, struct journal_node *nodes, bool *found, size_t count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!arg_places(&args, nodes, count, err))
		return false;
	if (!db_query(db, &SQL_CORE_JOURNAL_NODES, &args, &result, err))
		return wn_while(err, "read tree nodes");
	wn_assert(db_rows(result) == count);
	for (size_t i = 0; i < count; i++) {
		found[i] = !db_is_null(result, i, 0);
		if (found[i])
			db_copy_id(result, i, 0, nodes[i].hash.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}

bool journal_store_frontier(
	struct db *db, struct wn_arena *arena, uint64_t size, struct tree_frontier *out, struct wn_error *err)
{
	struct tree_plan plan;
	struct journal_node nodes[TREE_PARTS_MAX];
	bool found[TREE_PARTS_MAX];
	wn_assert(size <= INT64_MAX);
	tree_plan_frontier(&plan, size);
	for (size_t i = 0; i < plan.part_count; i++)
		nodes[i] = (struct journal_node){.level = plan.parts[i].level, .index = (int64_t)plan.parts[i].index};
	if (!journal_store_nodes(db, arena, nodes, found, plan.part_count, err))
		return false;
	*out = (struct tree_frontier){.size = size, .count = plan.part_count};
	for (size_t i = 0; i < plan.part_count; i++) {
		if (!found[i])
			return wn_fail(err, WN_DOWN, "journal_broken", "the tree's node %d/%lld is missing",
				nodes[i].level, (long long)nodes[i].index);
		out->hashes[i] = nodes[i].hash;
	}
	return true;
}

/* ---- checkpoints ---- */

static bool read_checkpoint(
	struct db_result *result, struct wn_arena *arena, struct checkpoint *out, struct wn_error *err)
{
	*out = (struct checkpoint){0};
	bool there = db_rows(result) == 1;
	if (there) {
		struct wn_slice note = db_slice(result, 0, 2);
		out->size = (uint64_t)db_int64(result, 0, 0);
		db_copy_id(result, 0, 1, out->root.bytes, ID_BYTES);
		out->note = (struct wn_slice){wn_arena_copy(arena, note.data, note.bytes), note.bytes};
		out->time_ms = db_int64(result, 0, 3);
	}
	db_done(result);
	return !there || out->note.data || no_room(err, "a checkpoint");
}

bool checkpoint_store_latest(struct db *db, struct wn_arena *arena, struct checkpoint *out, struct wn_error *err)
{
	struct db_result *result;
	return (db_query(db, &SQL_CORE_CHECKPOINT_LATEST, NULL, &result, err) &&
		       read_checkpoint(result, arena, out, err)) ||
	       wn_while(err, "read the newest checkpoint");
}

bool checkpoint_store_after(
	struct db *db, struct wn_arena *arena, uint64_t after, struct checkpoint *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, (int64_t)after);
	return (db_query(db, &SQL_CORE_CHECKPOINT_AFTER, &args, &result, err) &&
		       read_checkpoint(result, arena, out, err)) ||
	       wn_while(err, "read a checkpoint");
}

bool checkpoint_store_insert(
	struct db *db, struct wn_arena *arena, const struct checkpoint *checkpoint, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, (int64_t)checkpoint->size);
	db_arg_bytes(&args, checkpoint->root.bytes, ID_BYTES);
	db_arg_slice(&args, checkpoint->note);
	db_arg_int64(&args, checkpoint->time_ms);
	return db_query(db, &SQL_CORE_CHECKPOINT_INSERT, &args, NULL, err) || wn_while(err, "store a checkpoint");
}
