/* Appending, the sequencer's turn, reading and proving; the rows are journal_store.c's. */
#include "core/journal.h"

#include "core/checkpoint.h"
#include "core/journal_recount.h"
#include "core/journal_store.h"

enum { JOURNAL_READ_BYTES = 8 * 1024 * 1024 };

void journal_entry_begin(struct json_writer *writer, struct wn_arena *arena, const char *type, int64_t time_ms)
{
	json_begin(writer, arena);
	json_open_object(writer, NULL);
	json_put_string(writer, "type", type);
	json_put_integer(writer, "time_ms", time_ms);
}

static bool journal_canonical(struct wn_arena *arena, struct wn_slice body, struct wn_slice *canonical,
	struct sha256 *leaf, struct wn_error *err)
{
	const struct json *entry;
	int64_t time_ms;
	if (body.bytes > JOURNAL_ENTRY_MAX)
		return wn_fail(err, WN_FULL, "journal_entry_large", "a journal entry of %zu bytes; at most %d",
			body.bytes, JOURNAL_ENTRY_MAX);
	if (!json_parse(arena, body.data, body.bytes, &entry, err) || !jcs_write(arena, entry, canonical, err))
		return false;
	if (!json_member_string(entry, "type", NULL) || !json_integer(json_get(entry, "time_ms"), &time_ms))
		return wn_fail(err, WN_INPUT, "journal_entry", "a journal entry needs a type and a time_ms");
	tree_leaf(canonical->data, canonical->bytes, leaf);
	return true;
}

#undef journal_append
#undef journal_append_many
bool journal_append_many(struct db *db, struct wn_arena *arena, const struct wn_slice *bodies, size_t count,
	struct sha256 *leaves, struct wn_error *err)
{
	/* Alone it would record nothing, and what it records could be lost without it. */
	wn_assert(db_in_transaction(db));
	struct wn_slice *canonical = wn_arena_array(arena, count, sizeof *canonical);
	if (!canonical)
		return wn_fail(err, WN_FULL, "memory", "no room for journal entries");
	for (size_t i = 0; i < count; i++)
		if (!journal_canonical(arena, bodies[i], &canonical[i], &leaves[i], err))
			return wn_while(err, "append to the journal");
	return journal_store_append(db, arena, canonical, leaves, count, err) || wn_while(err, "append to the journal");
}

bool journal_append(
	struct db *db, struct wn_arena *arena, struct wn_slice body, struct sha256 *leaf, struct wn_error *err)
{
	struct sha256 hash;
	return journal_append_many(db, arena, &body, 1, leaf ? leaf : &hash, err);
}

/* ---- the sequencer ---- */

struct sequence_nodes {
	struct journal_node *nodes;
	size_t count, room;
};

static bool sequence_node(void *context, int level, uint64_t index, const struct sha256 *hash)
{
	struct sequence_nodes *written = context;
	wn_assert(written->count < written->room);
	written->nodes[written->count++] = (struct journal_node){level, (int64_t)index, *hash};
	return true;
}

/* Gives the entries the next positions and writes every subtree that they complete. */
static bool sequence_entries(struct db *db, struct wn_arena *arena, const struct journal_waiting *waiting, size_t count,
	struct wn_error *err)
{
	struct tree_frontier frontier;
	uint64_t size;
	/* At each level the new nodes are at most half of those below and one more. */
	struct sequence_nodes written = {.room = 2 * count + TREE_PROOF_MAX};
	int64_t *entries = wn_arena_array(arena, count, sizeof *entries);
	written.nodes = wn_arena_array(arena, written.room, sizeof *written.nodes);
	if (!entries || !written.nodes)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu entries", count);
	if (!journal_store_size(db, &size, err) || !journal_store_frontier(db, arena, size, &frontier, err))
		return false;
	if (size == 0) {
		bool genesis;
		if (!journal_store_genesis(db, arena, waiting[0].entry_id, &genesis, err))
			return false;
		if (!genesis)
			return wn_fail(err, WN_DOWN, "journal_broken", "the first entry is not the network's genesis");
	}
	for (size_t i = 0; i < count; i++) {
		entries[i] = waiting[i].entry_id;
		tree_append(&frontier, &waiting[i].leaf, sequence_node, &written);
	}
	return journal_store_number(db, arena, size, entries, count, err) &&
	       journal_store_nodes_insert(db, arena, written.nodes, written.count, err);
}

/* Numbers what lies between done_id and the mark; when nothing is left there, the mark moves on in the same commit. */
static bool sequence_turn(
	struct db *db, struct wn_arena *arena, const struct journal_mark *mark, size_t *numbered, struct wn_error *err)
{
	struct journal_waiting *waiting;
	size_t count;
	if (!journal_store_waiting(db, arena, mark->done_id, mark->marked_id, &waiting, &count, err))
		return false;
	if (count > 0 && !sequence_entries(db, arena, waiting, count, err))
		return false;
	int64_t done_id = count < JOURNAL_BATCH_MAX ? mark->marked_id : waiting[count - 1].entry_id;
	bool renew = done_id == mark->marked_id && mark->drawn_id > mark->marked_id;
	if (!journal_store_mark_move(db, arena, mark, done_id, renew ? mark->drawn_id : mark->marked_id, renew, err))
		return false;
	*numbered = count;
	return true;
}

/*
 * Positions follow entry ids, and that order is the one that counts: an entry is inserted under all the locks of what
 * it records, so of two transactions that exclude each other the later has the higher id, whichever has the lower
 * transaction number. Ids are drawn before their transactions commit, and some never do, so a gap may be an entry yet
 * to come. Numbering must not pass it, and must not wait for ever for what was rolled back.
 *
 * The mark (id M, transaction number X) closes that question. drawn_id is read from the sequence first, then X is drawn
 * by a transaction that had no number before, and M = drawn_id. Claim: a transaction that drew an id <= M has a number
 * below X. It drew its number before its id (the table's default sees to that), the id before we read the sequence, and
 * we drew X after; transaction numbers only rise. So once a snapshot's xmin is at least X, all of them have committed
 * or rolled back: every entry <= M that will ever be there is visible to the next statement, and ids drawn later are
 * above M. All visible ones in (done_id, M] are numbered in order, at most JOURNAL_BATCH_MAX a turn, and nothing is
 * looked for below done_id again. Hence none is lost, none is numbered twice, and positions rise with ids.
 *
 * Nothing of this lives in memory: mark, sequence and transaction numbers are one server's history, so after a crash or
 * a failover they still fit together. A dump that is read into another server brings a mark from a foreign history; its
 * X is not below xmax then (`known` is false), or it is below and all entries <= M came with the dump. The first case
 * is answered by a new mark.
 *
 * Cost: an idle turn is one statement that reads three single rows. The range scan starts where the last one ended, so
 * it does not grow with the journal.
 */
bool journal_sequence(struct db *db, struct wn_arena *arena, size_t *numbered, struct wn_error *err)
{
	struct journal_mark mark;
	*numbered = 0;
	if (!journal_store_mark(db, &mark, err))
		return wn_while(err, "sequence the journal");
	if (mark.drawn_id < mark.done_id)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"entry ids are drawn at %lld, but %lld is numbered already: set the sequence journal_entry_id "
			"forward",
			(long long)mark.drawn_id, (long long)mark.done_id);
	if (!mark.known || (mark.done_id == mark.marked_id && mark.drawn_id > mark.marked_id)) {
		if (!journal_store_mark_move(db, arena, &mark, mark.done_id, mark.drawn_id, true, err) ||
			!journal_store_mark(db, &mark, err))
			return wn_while(err, "sequence the journal");
	}
	if (mark.done_id == mark.marked_id || !mark.known || !mark.settled)
		return true;
	if (!db_begin(db, err))
		return wn_while(err, "sequence the journal");
	if (!sequence_turn(db, arena, &mark, numbered, err) || !db_commit(db, err)) {
		*numbered = 0;
		db_rollback(db);
		return wn_while(err, "sequence the journal");
	}
	return true;
}

/* ---- reading ---- */

struct read_entries {
	struct wn_arena *arena;
	struct journal_entry *entries;
	uint64_t position;
	size_t count;
};

static bool read_entry(
	void *context, uint64_t position, struct wn_slice body, const struct sha256 *node, struct wn_error *err)
{
	struct read_entries *reading = context;
	(void)node;
	if (position != reading->position + reading->count || !body.data)
		return wn_fail(err, WN_DOWN, "journal_broken", "the entry at position %llu is missing",
			(unsigned long long)(reading->position + reading->count));
	struct journal_entry *entry = &reading->entries[reading->count++];
	entry->position = position;
	entry->body = (struct wn_slice){wn_arena_copy(reading->arena, body.data, body.bytes), body.bytes};
	return entry->body.data || wn_fail(err, WN_FULL, "memory", "no room for journal entries");
}

bool journal_read(struct db *db, struct wn_arena *arena, uint64_t position, size_t count, struct journal_entry **out,
	size_t *found, struct wn_error *err)
{
	*found = 0;
	if (count > JOURNAL_BATCH_MAX)
		count = JOURNAL_BATCH_MAX;
	struct read_entries reading = {.arena = arena, .position = position};
	*out = reading.entries = wn_arena_array(arena, count, sizeof **out);
	if (!reading.entries)
		return wn_fail(err, WN_FULL, "memory", "no room for journal entries");
	if (count == 0 || position > (uint64_t)INT64_MAX - count)
		return true;
	return journal_store_bodies(
		       db, arena, position, position + count, JOURNAL_READ_BYTES, read_entry, &reading, found, err) ||
	       wn_while(err, "read the journal");
}

bool journal_find(
	struct db *db, struct wn_arena *arena, const struct sha256 *leaf, uint64_t *position, struct wn_error *err)
{
	return journal_store_find(db, arena, leaf, position, err);
}

/* ---- checkpoints ---- */

/* What the last checkpoint says, as a tree to go on from: its signature is ours, its nodes fold to the root we signed.
 */
static bool checkpoint_resume(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, const struct checkpoint *last, struct tree_frontier *frontier,
	struct wn_error *err)
{
	struct sha256 root;
	if (!journal_store_frontier(db, arena, last->size, frontier, err))
		return false;
	if (last->size == 0)
		return true;
	struct checkpoint signed_last;
	if (!checkpoint_parse(last->note.data, last->note.bytes, network, key, &signed_last, err))
		return wn_while(err, "read the last checkpoint");
	tree_frontier_root(frontier, &root);
	if (signed_last.size != last->size || id_compare(&signed_last.root, &root) != 0)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"the tree is not the one that the checkpoint of %llu entries signed",
			(unsigned long long)last->size);
	return true;
}

/*
 * The root is found twice. One path folds the stored nodes. The other starts from the last checkpoint, whose frontier
 * is proved by our own signature on its root, and adds the leaves that came since, hashed anew from the bodies that
 * journal_read() hands out. A wrong bit in a body, a position, a node or this process's memory makes them differ, and
 * then nothing is signed. The cost is that of the new entries and of one path: older ones stay bound by the root that
 * was signed for them, and journal_audit() reads them all again.
 */
static bool checkpoint_next(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct sign_key *key, const struct checkpoint *last, struct checkpoint *next, struct wn_error *err)
{
	struct journal_recount recount = {0};
	struct tree_frontier stored;
	struct sha256 root;
	struct checkpoint check;
	if (next->size < last->size)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"a checkpoint of %llu entries was signed, but only %llu are numbered",
			(unsigned long long)last->size, (unsigned long long)next->size);
	if (!checkpoint_resume(db, arena, network, &key->public_key, last, &recount.frontier, err) ||
		!journal_recount_to(db, &recount, next->size, err) ||
		!journal_store_frontier(db, arena, next->size, &stored, err))
		return false;
	tree_frontier_root(&stored, &next->root);
	tree_frontier_root(&recount.frontier, &root);
	if (id_compare(&root, &next->root) != 0)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"the root over %llu entries differs from that of the nodes", (unsigned long long)next->size);
	if (!checkpoint_sign(arena, network, key, next, err))
		return false;
	/* What will be published is read as its readers will read it. */
	if (!checkpoint_parse(next->note.data, next->note.bytes, network, &key->public_key, &check, err))
		return wn_while(err, "read back what was signed");
	wn_assert(check.size == next->size);
	wn_assert(check.time_ms == next->time_ms);
	wn_assert(id_compare(&check.root, &root) == 0);
	return checkpoint_store_insert(db, arena, next, err);
}

bool journal_checkpoint(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct sign_key *key, int64_t now_ms, bool *written, struct wn_error *err)
{
	struct checkpoint last, next = {0};
	*written = false;
	if (!checkpoint_store_latest(db, arena, &last, err) || !journal_store_size(db, &next.size, err))
		return wn_while(err, "write a checkpoint");
	if (next.size == last.size)
		return true;
	/* A wall clock may be set back; the journal's time does not go with it. */
	next.time_ms = now_ms > last.time_ms ? now_ms : last.time_ms;
	if (!checkpoint_next(db, arena, network, key, &last, &next, err))
		return wn_while(err, "write a checkpoint");
	*written = true;
	return true;
}

bool journal_latest_checkpoint(struct db *db, struct wn_arena *arena, struct checkpoint *out, struct wn_error *err)
{
	return checkpoint_store_latest(db, arena, out, err);
}

/* ---- proofs ---- */

/* The nodes of the plan and, to know that the tree has that many leaves, its last leaf: one query. */
static bool prove(struct db *db, struct wn_arena *arena, const struct tree_plan *plan, uint64_t size,
	struct tree_proof *out, struct wn_error *err)
{
	struct journal_node nodes[TREE_PARTS_MAX + 1];
	struct sha256 hashes[TREE_PARTS_MAX];
	bool found[TREE_PARTS_MAX + 1];
	for (size_t i = 0; i < plan->part_count; i++)
		nodes[i] = (struct journal_node){.level = plan->parts[i].level, .index = (int64_t)plan->parts[i].index};
	nodes[plan->part_count] = (struct journal_node){.level = 0, .index = (int64_t)(size - 1)};
	if (!journal_store_nodes(db, arena, nodes, found, plan->part_count + 1, err))
		return false;
	if (!found[plan->part_count])
		return wn_fail(err, WN_INPUT, "journal_position", "the journal does not have %llu entries yet",
			(unsigned long long)size);
	for (size_t i = 0; i < plan->part_count; i++) {
		if (!found[i])
			return wn_fail(err, WN_DOWN, "journal_broken", "the tree's node %d/%lld is missing",
				nodes[i].level, (long long)nodes[i].index);
		hashes[i] = nodes[i].hash;
	}
	tree_plan_fold(plan, hashes, out);
	return true;
}

bool journal_inclusion(struct db *db, struct wn_arena *arena, uint64_t position, uint64_t size, struct tree_proof *out,
	struct wn_error *err)
{
	struct tree_plan plan;
	if (position >= size || size > INT64_MAX)
		return wn_fail(err, WN_INPUT, "journal_position", "position %llu is not in a tree of %llu entries",
			(unsigned long long)position, (unsigned long long)size);
	tree_plan_inclusion(&plan, position, size);
	return prove(db, arena, &plan, size, out, err) || wn_while(err, "prove that an entry is in the journal");
}

bool journal_consistency(struct db *db, struct wn_arena *arena, uint64_t first, uint64_t second, struct tree_proof *out,
	struct wn_error *err)
{
	struct tree_plan plan;
	if (first == 0 || first > second || second > INT64_MAX)
		return wn_fail(err, WN_INPUT, "journal_position",
			"a tree of %llu entries is no beginning of one of %llu", (unsigned long long)first,
			(unsigned long long)second);
	tree_plan_consistency(&plan, first, second);
	return prove(db, arena, &plan, second, out, err) || wn_while(err, "prove that the journal only grew");
}
