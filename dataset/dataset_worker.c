/* Turns wanted dataset versions into signed folders. */
/*
 * The rows of a version are the items whose `final` entry lies in its checkpoint: one snapshot of the accepted items,
 * without those that became final behind the checkpoint. The folder gets its name before the database knows of it; a
 * worker that was killed in between finds it, checks it like anybody else, and goes on.
 */
#include "dataset/dataset_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/journal_store.h"
#include "core/log.h"
#include "dataset/dataset_store.h"
#include "dataset/version_folder.h"
#include "dataset/version_write.h"

enum {
	DATASET_POLL_MS = 200, /* a wanted version mostly waits for the next checkpoint */
	DATASET_ARENA = 64 * 1024 * 1024,
	DATASET_PAGE_ARENA = 512 * 1024 * 1024, /* a page of the largest items */
	DATASET_FINALS_PAGE = 64,
	DATASET_FINALS_MAX = 1 << 20, /* items that may become final between checkpoint and snapshot */
};
#define DATASET_LOCK 0x77696e6461746173LL /* "windatas" */

/* One version in the making. */
struct making {
	struct worker *worker;
	const struct wanted_version *wanted;
	struct recipe recipe;
	struct campaign campaign;
	struct version_setup setup;
	struct key_file manifest_key;
	char parent[NODE_PATH_MAX], place[NODE_PATH_MAX + 16];
	struct wn_arena page;
	/* items that became final behind the checkpoint, sorted */
	struct item_id *later;
	size_t later_count, later_room;
};

/* ---- what became final later ------------------------------------------------------------------------------------- */

static bool later_add(struct making *making, const char *hex, struct wn_error *err)
{
	struct item_id item;
	if (!hex || !hex_read(item.bytes, ID_BYTES, hex, strlen(hex)))
		return wn_fail(
			err, WN_DOWN, "final_entry", "a final entry of the journal names something that is no item");
	if (making->later_count == DATASET_FINALS_MAX)
		return wn_fail(err, WN_INPUT, "dataset_behind",
			"more than %d items became final since: ask for the version again", DATASET_FINALS_MAX);
	if (making->later_count == making->later_room) {
		size_t room = making->later_room ? 2 * making->later_room : 1024;
		struct item_id *later = realloc(making->later, room * sizeof *later);
		if (!later)
			return wn_fail(err, WN_FULL, "memory", "no room for %zu items", room);
		making->later = later;
		making->later_room = room;
	}
	making->later[making->later_count++] = item;
	return true;
}

/* {"type": "final", "items": [{"item": hex, ...}, ...]} */
static bool later_entry(struct making *making, struct wn_slice body, struct wn_error *err)
{
	const struct json *entry;
	if (!json_parse(&making->page, body.data, body.bytes, &entry, err))
		return wn_while(err, "read a final entry");
	const char *type = json_member_string(entry, "type", NULL);
	const struct json *items = json_get(entry, "items");
	/* The text was looked for anywhere in the entry; only the member counts. */
	if (!type || strcmp(type, "final") != 0)
		return true;
	if (!items || items->type != JSON_ARRAY)
		return wn_fail(err, WN_DOWN, "final_entry", "a final entry of the journal lists no items");
	for (size_t i = 0; i < items->count; i++)
		if (!later_add(making, json_member_string(items->elements[i], "item", NULL), err))
			return false;
	return true;
}

static bool later_read(struct making *making, struct wn_error *err)
{
	struct db *db = making->worker->db;
	struct wn_slice *bodies;
	int64_t after;
	size_t count;
	if (!dataset_store_entry_at(db, &making->page, (int64_t)making->setup.checkpoint.size - 1, &after, err))
		return false;
	do {
		wn_arena_reset(&making->page);
		if (!dataset_store_finals(db, &making->page, after, DATASET_FINALS_PAGE, &bodies, &count, &after, err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!later_entry(making, bodies[i], err))
				return false;
	} while (count > 0);
	if (making->later_count > 0)
		qsort(making->later, making->later_count, sizeof *making->later, id_compare);
	return true;
}

static bool later_has(const struct making *making, const struct item_id *item)
{
	return making->later_count > 0 &&
	       bsearch(item, making->later, making->later_count, sizeof *making->later, id_compare) != NULL;
}

/* ---- the version before, walked along with the new rows ------------------------------------------------------------
 */

struct before {
	int32_t version; /* 0: none */
	struct wn_arena arena;
	struct item_id *items;
	size_t count, next;
	int64_t row; /* of the next page */
	int64_t added, removed;
};

/* *item is the next one of the version before; NULL at its end. */
static bool before_peek(struct making *making, struct before *before, const struct item_id **item, struct wn_error *err)
{
	*item = NULL;
	if (before->version == 0)
		return true;
	if (before->next == before->count) {
		wn_arena_reset(&before->arena);
		before->next = 0;
		if (!dataset_store_rows(making->worker->db, &before->arena, making->wanted->name, before->version,
			    before->row, &before->items, &before->count, err))
			return false;
		before->row += (int64_t)before->count;
	}
	if (before->next < before->count)
		*item = &before->items[before->next];
	return true;
}

/* Counts up to a new row; NULL: whatever is left was removed. */
static bool before_pass(struct making *making, struct before *before, const struct item_id *row, struct wn_error *err)
{
	for (;;) {
		const struct item_id *item;
		if (!before_peek(making, before, &item, err))
			return false;
		int order = !item ? 1 : !row ? -1 : id_compare(item, row);
		if (order > 0) {
			before->added += row != NULL;
			return true;
		}
		before->next++;
		if (order == 0)
			return true;
		before->removed++;
	}
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 */

static bool row_wanted(struct making *making, const struct row_facts *facts, bool *wanted, struct wn_error *err)
{
	const struct json *item;
	const char *licence = "";
	/* The item is read for its licence only where the recipe asks for one. */
	if (making->recipe.licence_count > 0) {
		if (!json_parse(&making->page, facts->canonical.data, facts->canonical.bytes, &item, err))
			return wn_while(err, "read an accepted item");
		licence = json_member_string(item, "licence", NULL);
		if (!licence)
			return wn_fail(err, WN_INPUT, "row_member", "an accepted item has no licence");
	}
	*wanted = recipe_takes(&making->recipe, facts->label, facts->p_good, licence);
	return true;
}

static bool rows_write(
	struct making *making, struct version_writer *writer, struct before *before, struct wn_error *err)
{
	struct item_id after;
	bool any = false;
	for (;;) {
		struct accepted_item *items;
		size_t count;
		wn_arena_reset(&making->page);
		if (!dataset_store_accepted(making->worker->db, &making->page, making->recipe.campaign,
			    any ? &after : NULL, &items, &count, err))
			return false;
		if (count == 0)
			return before_pass(making, before, NULL, err);
		any = true;
		after = items[count - 1].facts.item;
		for (size_t i = 0; i < count; i++) {
			struct row_facts *facts = &items[i].facts;
			bool wanted = false;
			if (later_has(making, &facts->item))
				continue;
			wn_assert(items[i].class >= 0);
			wn_assert(items[i].class < making->campaign.class_count);
			facts->label = making->campaign.choices[items[i].class].name;
			if (!row_wanted(making, facts, &wanted, err))
				return false;
			if (!wanted)
				continue;
			if (!before_pass(making, before, &facts->item, err) || !version_writer_row(writer, facts, err))
				return false;
		}
	}
}

static bool version_unchanged(
	const struct making *making, const struct version_writer *writer, const struct before *before)
{
	struct sha256 root;
	int64_t rows;
	version_writer_so_far(writer, &rows, &root);
	return making->setup.has_previous && before->added == 0 && before->removed == 0 &&
	       id_compare(&root, &making->setup.previous_row_root) == 0;
}

/* The folder under its final name, or *unchanged. */
static bool version_write(struct making *making, bool *unchanged, struct wn_error *err)
{
	struct db *db = making->worker->db;
	struct before before = {.version = making->setup.has_previous ? (int32_t)making->setup.previous_version : 0};
	struct version_writer *writer;
	struct dataset_report report;
	struct sha256 root;
	int64_t rows;
	*unchanged = false;
	if (!version_writer_open(&writer, &making->setup, err))
		return false;
	wn_arena_init(&before.arena, DATASET_ARENA);
	/* One snapshot for items and journal. It reads only, has no transaction number and so never holds up the
	 * sequencer. */
	bool ok = db_begin(db, err) &&
		  db_command(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) &&
		  later_read(making, err) && rows_write(making, writer, &before, err);
	if (db_in_transaction(db))
		db_rollback(db);
	wn_arena_free(&before.arena);
	if (ok) {
		version_writer_so_far(writer, &rows, &root);
		*unchanged = version_unchanged(making, writer, &before);
		if (rows == 0 && !making->setup.has_previous)
			ok = wn_fail(err, WN_INPUT, "dataset_empty", "no accepted item of %s meets the recipe yet",
				making->recipe.campaign);
		else if (!*unchanged)
			ok = version_writer_publish(writer, before.added, before.removed, &report, err);
	}
	version_writer_close(writer);
	return ok;
}

/* ---- publishing ---- */

struct rows_put {
	struct making *making;
	struct item_id items[DATASET_PAGE_ROWS];
	size_t count;
	int64_t row;
};

static bool rows_put_flush(struct rows_put *put, struct wn_error *err)
{
	struct making *making = put->making;
	if (put->count == 0)
		return true;
	wn_arena_reset(&making->page);
	if (!dataset_store_rows_put(making->worker->db, &making->page, making->wanted->name, making->wanted->version,
		    put->row, put->items, put->count, err))
		return false;
	put->row += (int64_t)put->count;
	put->count = 0;
	return true;
}

static bool rows_put_seen(void *context, const struct item_id *item, struct wn_error *err)
{
	struct rows_put *put = context;
	put->items[put->count++] = *item;
	return put->count < DATASET_PAGE_ROWS || rows_put_flush(put, err);
}

static bool version_entry(
	struct making *making, const struct dataset_report *report, int64_t now_ms, struct wn_error *err)
{
	const struct manifest *manifest = &report->manifest;
	struct json_writer entry;
	struct wn_slice body;
	journal_entry_begin(&entry, &making->page, "dataset", now_ms);
	json_put_string(&entry, "name", manifest->dataset);
	json_put_integer(&entry, "version", manifest->version);
	json_put_hex(&entry, "manifest_sha256", report->manifest_sha256.bytes, ID_BYTES);
	json_put_hex(&entry, "row_root", manifest->row_root.bytes, ID_BYTES);
	json_put_integer(&entry, "row_count", manifest->row_count);
	json_put_integer(&entry, "checkpoint_size", manifest->checkpoint_size);
	json_put_hex(&entry, "checkpoint_root", manifest->checkpoint_root.bytes, ID_BYTES);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(making->worker->db, &making->page, body, NULL, err);
}

/* The listed files, and the two that no manifest can list. */
static bool version_files(struct making *making, const struct dataset_report *report, struct manifest_file **out,
	size_t *count, struct wn_error *err)
{
	static const char *const unlisted[] = {MANIFEST_NAME, MANIFEST_SIGNATURE_NAME};
	const struct manifest *manifest = &report->manifest;
	struct manifest_file *files = wn_arena_array(&making->page, manifest->file_count + 2, sizeof *files);
	int folder;
	bool ok = true;
	if (!files)
		return wn_fail(err, WN_FULL, "memory", "no room for the list of files");
	if (!folder_open(making->place, &folder, err))
		return false;
	memcpy(files, manifest->files, manifest->file_count * sizeof *files);
	for (size_t i = 0; ok && i < 2; i++) {
		struct wn_slice text;
		struct manifest_file *file = &files[manifest->file_count + i];
		ok = folder_file_read(&making->page, folder, unlisted[i], MANIFEST_BYTES_MAX, &text, err);
		file->path = unlisted[i];
		file->bytes = (int64_t)text.bytes;
		sha256_of(text.data, text.bytes, &file->sha256);
	}
	folder_close(folder);
	*out = files;
	*count = manifest->file_count + 2;
	return ok;
}

/* Checks the folder in its place and makes the database say what it holds. */
static bool version_finish(struct making *making, struct wn_error *err)
{
	struct db *db = making->worker->db;
	struct wn_arena *arena = &making->worker->arena;
	struct dataset_report report;
	struct minisign_public key;
	struct manifest_file *files = NULL;
	size_t count = 0;
	int64_t now_ms;
	bool done;
	struct rows_put *put = wn_arena_alloc(arena, sizeof *put);
	if (!put)
		return wn_fail(err, WN_FULL, "memory", "no room for rows");
	*put = (struct rows_put){.making = making};
	struct verify_watch watch = {.row = rows_put_seen, .context = put};
	minisign_public_of(&making->manifest_key.key.public_key, &key);
	/* Rows go in by short transactions of their own: a long one would keep the journal's sequencer waiting. */
	if (!dataset_verify(arena, making->place, &key, &watch, &report, err) || !rows_put_flush(put, err))
		return wn_while(err, "check %s", making->place);
	if (strcmp(report.manifest.dataset, making->wanted->name) != 0 ||
		report.manifest.version != making->wanted->version ||
		memcmp(report.manifest.network.bytes, making->setup.network.bytes, ID_BYTES) != 0)
		return wn_fail(
			err, WN_INPUT, "dataset_folder", "%s holds another version: move it away", making->place);
	wn_arena_reset(&making->page);
	if (!dataset_store_rows_cut(
		    db, &making->page, making->wanted->name, making->wanted->version, report.rows, err) ||
		!version_files(making, &report, &files, &count, err) || !clock_now(db, &now_ms, err))
		return false;
	if (!db_begin(db, err) || !dataset_store_publish(db, &making->page, &report.manifest, &report.manifest_sha256,
					  now_ms, &done, err))
		return false;
	wn_assert(done); /* only the holder of the worker's lock ends a version */
	if (!dataset_store_files_put(
		    db, &making->page, making->wanted->name, making->wanted->version, files, count, err) ||
		!version_entry(making, &report, now_ms, err) || !db_commit(db, err))
		return wn_while(err, "publish version %d of %s", making->wanted->version, making->wanted->name);
	log_event(LOG_INFO, "dataset_published", log_text("dataset", making->wanted->name),
		log_integer("version", making->wanted->version), log_integer("rows", report.rows),
		log_integer("files", (int64_t)count));
	return true;
}

/* ---- one wanted version ---- */

static bool making_paths(struct making *making, struct wn_error *err)
{
	char datasets[NODE_PATH_MAX], below[NODE_PATH_MAX];
	const struct node *node = making->worker->node;
	snprintf(below, sizeof below, "datasets/%s", making->wanted->name);
	node_path(node, datasets, "datasets");
	node_path(node, making->parent, below);
	snprintf(making->place, sizeof making->place, "%s/%d", making->parent, making->wanted->version);
	return folder_make(datasets, err) && folder_make(making->parent, err) && folder_sync(datasets, err);
}

static bool making_setup(struct making *making, const struct checkpoint *checkpoint, struct wn_error *err)
{
	struct worker *worker = making->worker;
	struct wn_arena *arena = &worker->arena;
	struct version_setup *setup = &making->setup;
	const struct json *recipe, *document;
	struct version_before before;
	char path[NODE_PATH_MAX];
	bool found;
	setup->parent = making->parent;
	setup->recipe = &making->recipe;
	setup->version = making->wanted->version;
	setup->network = worker->node->network;
	setup->manifest_key = &making->manifest_key.key;
	setup->checkpoint = *checkpoint;
	if (!json_parse(arena, making->wanted->recipe.data, making->wanted->recipe.bytes, &recipe, err) ||
		!recipe_parse(recipe, &making->recipe, err) ||
		!dataset_store_campaign(worker->db, arena, making->recipe.campaign, &setup->campaign, &found, err))
		return false;
	if (!found)
		return wn_fail(err, WN_INPUT, "recipe_campaign", "there is no campaign %s", making->recipe.campaign);
	if (!json_parse(arena, setup->campaign.data, setup->campaign.bytes, &document, err) ||
		!campaign_parse(document, &making->campaign, err) ||
		!recipe_fits(&making->recipe, &making->campaign, err) ||
		!dataset_store_network(worker->db, arena, &setup->genesis, &setup->checkpoint_key, err) ||
		!dataset_store_before(worker->db, arena, making->wanted->name, making->wanted->version, &before, err))
		return false;
	setup->has_previous = before.version > 0;
	setup->previous_version = before.version;
	setup->previous_manifest_sha256 = before.manifest_sha256;
	setup->previous_row_root = before.row_root;
	if (!key_file_read(node_path(worker->node, path, "keys/manifest.key"), &making->manifest_key, err))
		return wn_while(err, "read the key that signs manifests");
	if (id_compare(&making->manifest_key.key.public_key, &worker->node->manifest_key) != 0)
		return wn_fail(
			err, WN_INPUT, "dataset_key", "%s is not the key that the network's genesis names", path);
	return making_paths(making, err);
}

static bool version_make(struct making *making, const struct checkpoint *checkpoint, struct wn_error *err)
{
	struct worker *worker = making->worker;
	bool unchanged = false;
	if (!making_setup(making, checkpoint, err))
		return false;
	/* Under its final name already: written whole and checked, then something ended us before the commit. */
	if (!folder_exists(making->place) && !version_write(making, &unchanged, err))
		return false;
	if (!unchanged)
		return version_finish(making, err);
	char *why = wn_arena_printf(
		&worker->arena, "nothing changed since version %lld", (long long)making->setup.previous_version);
	if (!why)
		return wn_fail(err, WN_FULL, "memory", "no room for a line");
	log_event(LOG_INFO, "dataset_unchanged", log_text("dataset", making->wanted->name),
		log_integer("version", making->setup.previous_version));
	return dataset_store_end(
		worker->db, &worker->arena, making->wanted->name, making->wanted->version, VERSION_UNCHANGED, why, err);
}

/* The smallest checkpoint that holds the entry which asked: whatever was acknowledged before is in it. */
static bool wanted_checkpoint(
	struct worker *worker, const struct wanted_version *wanted, struct checkpoint *out, struct wn_error *err)
{
	uint64_t position;
	out->size = 0;
	if (!journal_find(worker->db, &worker->arena, &wanted->leaf, &position, err))
		return false;
	return position == UINT64_MAX || checkpoint_store_after(worker->db, &worker->arena, position, out, err);
}

static bool version_try(struct worker *worker, const struct wanted_version *wanted, size_t *done, struct wn_error *err)
{
	struct checkpoint checkpoint;
	if (!wanted_checkpoint(worker, wanted, &checkpoint, err))
		return wn_while(err, "find the checkpoint for version %d of %s", wanted->version, wanted->name);
	if (checkpoint.size == 0)
		return true;
	struct making *making = calloc(1, sizeof *making);
	if (!making)
		return wn_fail(err, WN_FULL, "memory", "no room to make a version");
	making->worker = worker;
	making->wanted = wanted;
	wn_arena_init(&making->page, DATASET_PAGE_ARENA);
	bool ok = version_make(making, &checkpoint, err);
	sign_forget(&making->manifest_key.key);
	wn_arena_free(&making->page);
	free(making->later);
	free(making);
	/* What stays wrong ends the version and is told to whoever asked; everything else is tried again. */
	if (!ok && err->blame == WN_INPUT) {
		struct wn_error failure = *err;
		if (db_in_transaction(worker->db))
			db_rollback(worker->db);
		log_failure("dataset_failed", &failure);
		wn_error_reset(err);
		ok = dataset_store_end(
			worker->db, &worker->arena, wanted->name, wanted->version, VERSION_FAILED, failure.text, err);
	}
	*done += ok;
	return ok;
}

static bool dataset_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	struct wanted_version *wanted;
	size_t count;
	*done = 0;
	if (!dataset_store_wanted(worker->db, &worker->arena, &wanted, &count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!version_try(worker, &wanted[i], done, err))
			return false;
	return true;
}

static const struct worker_plan plan = {
	.name = "dataset",
	.role = "winnow_seal",
	.channel = "winnow_dataset",
	.lock_key = DATASET_LOCK,
	.poll_ms = DATASET_POLL_MS,
	.arena_bytes = DATASET_ARENA,
	.batch = dataset_worker_batch,
};
const struct worker_plan *const dataset_plan = &plan;
