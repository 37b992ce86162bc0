/* The SQL of submissions: natural keys make a repeated one harmless, one statement carries a whole batch. */
#include "ingest/ingest_store.h"

#include <string.h>

#include "core/item_id.h"
#include "core/journal.h"
#include "sql_ingest.h"

/* Where each item's columns lie, as the arrays that a statement takes. */
struct item_columns {
	struct wn_slice *sources, *source_ids, *canonicals, *contents;
};

static bool item_columns_make(struct wn_arena *arena, const struct ingest_item *items, size_t count,
	struct item_columns *out, struct wn_error *err)
{
	out->sources = wn_arena_array(arena, count, sizeof *out->sources);
	out->source_ids = wn_arena_array(arena, count, sizeof *out->source_ids);
	out->canonicals = wn_arena_array(arena, count, sizeof *out->canonicals);
	out->contents = wn_arena_array(arena, count, sizeof *out->contents);
	if (!out->sources || !out->source_ids || !out->canonicals || !out->contents)
		return wn_fail(err, WN_FULL, "memory", "no room for a batch of %zu items", count);
	for (size_t i = 0; i < count; i++) {
		out->sources[i] = wn_slice_of(items[i].item.source);
		out->source_ids[i] = wn_slice_of(items[i].item.source_id);
		out->canonicals[i] = items[i].item.canonical;
		out->contents[i] = items[i].item.content;
	}
	return true;
}

static bool contributor_lock(
	struct db *db, struct wn_arena *arena, const struct ingest_batch *batch, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes(&args, batch->contributor.bytes, ID_BYTES);
	db_arg_text(&args, batch->campaign->name);
	return db_query(db, &SQL_INGEST_CONTRIBUTOR_LOCK, &args, NULL, err);
}

static bool evidence_insert(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	const struct sha256 *id, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes(&args, id->bytes, ID_BYTES);
	db_arg_bytes(&args, batch->evidence->key.bytes, ID_BYTES);
	db_arg_bytes(&args, batch->evidence->base.data, batch->evidence->base.bytes);
	db_arg_bytes(&args, batch->evidence->signature.bytes, SIGNATURE_BYTES);
	db_arg_int64(&args, batch->now_ms);
	return db_query(db, &SQL_INGEST_EVIDENCE_INSERT, &args, NULL, err);
}

/* New rows come back in the order of insertion, which is the batch's own: one walk over both marks them. */
static bool items_insert(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	const struct sha256 *evidence, const struct item_columns *columns, struct ingest_item *items, size_t count,
	size_t *accepted, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, batch->campaign->name);
	db_arg_bytes(&args, batch->contributor.bytes, ID_BYTES);
	db_arg_int32(&args, batch->campaign->kind);
	db_arg_bytes(&args, evidence->bytes, ID_BYTES);
	db_arg_int64(&args, batch->now_ms);
	db_arg_ids(&args, items[0].id.bytes, sizeof *items, ID_BYTES, count);
	db_arg_slices(&args, columns->sources, count);
	db_arg_slices(&args, columns->source_ids, count);
	db_arg_bytes_array(&args, columns->canonicals, count);
	db_arg_ids(&args, items[0].salt.bytes, sizeof *items, ID_BYTES, count);
	db_arg_slices(&args, columns->contents, count);
	if (!db_query(db, &SQL_INGEST_ITEMS_INSERT, &args, &result, err))
		return wn_while(err, "store %zu items", count);
	*accepted = db_rows(result);
	size_t at = 0;
	for (size_t row = 0; row < *accepted; row++) {
		struct item_id id;
		db_copy_id(result, row, 0, id.bytes, ID_BYTES);
		while (at < count && memcmp(items[at].id.bytes, id.bytes, ID_BYTES) != 0)
			items[at++].repeated = true;
		wn_assert(at < count);
		items[at++].state = ITEM_RECEIVED;
	}
	while (at < count)
		items[at++].repeated = true;
	db_done(result);
	return true;
}

/* Nothing was new: a campaign that takes no more items refuses the repeated ones too, as it does before it looks. */
static bool items_refuse(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	struct ingest_item *items, size_t count, bool *closed, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, batch->campaign->name);
	if (!db_query(db, &SQL_INGEST_CAMPAIGN_OPEN, &args, &result, err))
		return wn_while(err, "look whether the campaign is open");
	wn_assert(db_rows(result) == 1);
	*closed = !db_bool(result, 0, 0);
	db_done(result);
	for (size_t i = 0; *closed && i < count; i++)
		items[i].result = ITEM_CAMPAIGN_CLOSED;
	return true;
}

/* What stands where a place was taken: the same bytes are the same submission, other bytes are refused. */
static bool items_standing(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	const struct item_columns *columns, struct ingest_item *items, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t *places = wn_arena_array(arena, count, sizeof *places), wanted = 0;
	if (!places)
		return wn_fail(err, WN_FULL, "memory", "no room for a batch of %zu items", count);
	for (size_t i = 0; i < count; i++)
		if (items[i].repeated) {
			columns->sources[wanted] = columns->sources[i];
			columns->source_ids[wanted] = columns->source_ids[i];
			places[wanted++] = i;
		}
	db_args_init(&args, arena);
	db_arg_text(&args, batch->campaign->name);
	db_arg_bytes(&args, batch->contributor.bytes, ID_BYTES);
	db_arg_slices(&args, columns->sources, wanted);
	db_arg_slices(&args, columns->source_ids, wanted);
	if (!db_query(db, &SQL_INGEST_ITEMS_STANDING, &args, &result, err))
		return wn_while(err, "find the items that stand already");
	/* An item that was in the way a statement ago can only be gone when it was erased meanwhile: the sender may try
	 * again. */
	if (db_rows(result) != wanted) {
		db_done(result);
		return wn_fail(err, WN_BUSY, "items_moved", "items of this batch are being erased; send it again");
	}
	for (size_t row = 0; row < wanted; row++) {
		struct ingest_item *item = &items[places[row]];
		struct wn_slice standing = db_slice(result, row, 4);
		wn_assert(db_int32(result, row, 0) == (int32_t)row + 1);
		if (!wn_slice_equal(standing, item->item.canonical)) {
			item->result = ITEM_SOURCE_ID_TAKEN;
			continue;
		}
		db_copy_id(result, row, 1, item->id.bytes, ID_BYTES);
		db_copy_id(result, row, 2, item->salt.bytes, ID_BYTES);
		item->state = db_int32(result, row, 3);
	}
	db_done(result);
	return true;
}

bool ingest_store_items(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	struct ingest_item *items, size_t count, size_t *accepted, struct wn_error *err)
{
	struct item_columns columns;
	struct sha256 evidence;
	bool closed = false;
	wn_assert(db_in_transaction(db));
	wn_assert(count <= INGEST_BATCH_MAX);
	*accepted = 0;
	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		items[i].result = ITEM_DONE;
		items[i].repeated = false;
		if (items[i].item.has_salt)
			items[i].salt = items[i].item.salt;
		else
			random_bytes(items[i].salt.bytes, ID_BYTES);
		item_id_of(batch->network, &items[i].salt, &items[i].item.canonical_sha256, &items[i].id);
	}
	sha256_of(batch->evidence->base.data, batch->evidence->base.bytes, &evidence);
	if (!item_columns_make(arena, items, count, &columns, err) || !contributor_lock(db, arena, batch, err) ||
		!items_insert(db, arena, batch, &evidence, &columns, items, count, accepted, err))
		return false;
	/* A replayed request adds nothing, so it leaves no evidence either. */
	if (*accepted > 0 && !evidence_insert(db, arena, batch, &evidence, err))
		return wn_while(err, "store the evidence");
	if (*accepted == 0 && !items_refuse(db, arena, batch, items, count, &closed, err))
		return false;
	return closed || *accepted == count || items_standing(db, arena, batch, &columns, items, count, err);
}

bool ingest_store_journal(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	const struct ingest_item *items, size_t count, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	struct db_args args;
	struct sha256 root, *leaves = wn_arena_array(arena, count, sizeof *leaves);
	size_t used = 0;
	if (!leaves)
		return wn_fail(err, WN_FULL, "memory", "no room for the journal entry");
	journal_entry_begin(&entry, arena, "items", batch->now_ms);
	json_put_string(&entry, "campaign", batch->campaign->name);
	json_put_hex(&entry, "contributor", batch->commitment.bytes, ID_BYTES);
	json_open_array(&entry, "items");
	for (size_t i = 0; i < count; i++)
		if (items[i].result == ITEM_DONE && !items[i].repeated) {
			json_put_hex(&entry, NULL, items[i].id.bytes, ID_BYTES);
			tree_leaf(items[i].id.bytes, ID_BYTES, &leaves[used++]);
		}
	json_close_array(&entry);
	tree_root(leaves, used, &root);
	json_put_hex(&entry, "root", root.bytes, ID_BYTES);
	json_close_object(&entry);
	wn_assert(used > 0);
	db_args_init(&args, arena);
	return json_end(&entry, &body, err) && db_query(db, &SQL_INGEST_NOTIFY, &args, NULL, err) &&
	       journal_append(db, arena, body, leaf, err);
}

bool ingest_store_campaign(struct db *db, struct wn_arena *arena, const char *name, struct campaign *out, bool *open,
	bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	const struct json *document;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_INGEST_CAMPAIGN, &args, &result, err))
		return wn_while(err, "read the campaign %s", name);
	*found = db_rows(result) == 1;
	bool ok = true;
	if (*found) {
		struct wn_slice text = db_slice(result, 0, 0);
		*open = db_bool(result, 0, 1);
		ok = json_parse(arena, text.data, text.bytes, &document, err) && campaign_parse(document, out, err);
	}
	db_done(result);
	return ok || wn_while(err, "read the campaign %s", name);
}

bool ingest_store_cursor(struct db *db, struct wn_arena *arena, const char *source, const char *campaign,
	const char **cursor, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, source);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_INGEST_CURSOR_GET, &args, &result, err))
		return wn_while(err, "read the cursor of %s", source);
	struct wn_slice text = db_rows(result) == 1 ? db_slice(result, 0, 0) : (struct wn_slice){"", 0};
	*cursor = wn_arena_copy(arena, text.data, text.bytes);
	db_done(result);
	return *cursor || wn_fail(err, WN_FULL, "memory", "no room for a cursor");
}

bool ingest_store_cursor_move(struct db *db, struct wn_arena *arena, const char *source, const char *campaign,
	const char *cursor, int64_t items, int64_t errors, int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, source);
	db_arg_text(&args, campaign);
	db_arg_text(&args, cursor);
	db_arg_int64(&args, items);
	db_arg_int64(&args, errors);
	db_arg_int64(&args, now_ms);
	return db_query(db, &SQL_INGEST_CURSOR_MOVE, &args, NULL, err) ||
	       wn_while(err, "move the cursor of %s", source);
}
