/* The SQL of datasets. */
#include "dataset/dataset_store.h"

#include <string.h>

#include "sql_dataset.h"

const char *version_state_name(enum version_state state)
{
	static const char *const names[VERSION_STATES] = {"wanted", "published", "failed", "unchanged"};
	wn_assert(state < VERSION_STATES);
	return names[state];
}

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

/* A statement whose result does not matter. */
static bool run(struct db *db, const struct sql_statement *statement, const struct db_args *args, const char *doing,
	struct wn_error *err)
{
	return db_query(db, statement, args, NULL, err) || wn_while(err, "%s", doing);
}

static bool copy(struct wn_arena *arena, const struct db_result *result, size_t row, int column, struct wn_slice *out,
	struct wn_error *err)
{
	struct wn_slice from = db_slice(result, row, column);
	out->data = wn_arena_copy(arena, from.data ? from.data : "", from.bytes);
	out->bytes = from.bytes;
	return out->data || no_room(err, "a value");
}

static bool copy_text(struct wn_arena *arena, const struct db_result *result, size_t row, int column, const char **out,
	struct wn_error *err)
{
	struct wn_slice text;
	if (!copy(arena, result, row, column, &text, err))
		return false;
	*out = text.data;
	return true;
}

bool dataset_store_lock(struct db *db, struct wn_arena *arena, const char *name, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	return run(db, &SQL_DATASET_LOCK, &args, "lock the dataset", err);
}

bool dataset_store_find(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice *recipe, bool *found,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_DATASET_FIND, &args, &result, err))
		return wn_while(err, "find dataset %s", name);
	*found = db_rows(result) == 1;
	bool ok = !*found || copy(arena, result, 0, 0, recipe, err);
	db_done(result);
	return ok;
}

bool dataset_store_insert(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice recipe,
	int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_bytes(&args, recipe.data, recipe.bytes);
	db_arg_int64(&args, now_ms);
	return run(db, &SQL_DATASET_INSERT, &args, "store the dataset", err);
}

bool dataset_store_campaign(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice *document,
	bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_DATASET_CAMPAIGN, &args, &result, err))
		return wn_while(err, "find campaign %s", name);
	*found = db_rows(result) == 1;
	bool ok = !*found || copy(arena, result, 0, 0, document, err);
	db_done(result);
	return ok;
}

bool dataset_store_newest(struct db *db, struct wn_arena *arena, const char *name, int32_t *version,
	enum version_state *state, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_DATASET_VERSION_NEWEST, &args, &result, err))
		return wn_while(err, "find the newest version of %s", name);
	*version = db_rows(result) == 1 ? db_int32(result, 0, 0) : 0;
	*state = db_rows(result) == 1 ? (enum version_state)db_int32(result, 0, 1) : VERSION_PUBLISHED;
	db_done(result);
	return true;
}

bool dataset_store_want(struct db *db, struct wn_arena *arena, const char *name, int32_t version, bool again,
	int64_t now_ms, const struct sha256 *leaf, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_int64(&args, now_ms);
	db_arg_bytes(&args, leaf->bytes, ID_BYTES);
	if (!db_query(db, again ? &SQL_DATASET_VERSION_AGAIN : &SQL_DATASET_VERSION_INSERT, &args, &result, err))
		return wn_while(err, "ask for version %d of %s", version, name);
	wn_assert(db_affected(result) == 1);
	db_done(result);
	db_args_init(&args, arena);
	return run(db, &SQL_DATASET_NOTIFY, &args, "wake the worker", err);
}

bool dataset_store_wanted(
	struct db *db, struct wn_arena *arena, struct wanted_version **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int32(&args, DATASET_WANTED_MAX);
	if (!db_query(db, &SQL_DATASET_WANTED, &args, &result, err))
		return wn_while(err, "find wanted versions");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "wanted versions");
	for (size_t i = 0; ok && i < *count; i++) {
		struct wanted_version *wanted = &(*out)[i];
		ok = copy_text(arena, result, i, 0, &wanted->name, err) &&
		     copy(arena, result, i, 3, &wanted->recipe, err);
		wanted->version = db_int32(result, i, 1);
		db_copy_id(result, i, 2, wanted->leaf.bytes, ID_BYTES);
	}
	db_done(result);
	return ok;
}

bool dataset_store_network(struct db *db, struct wn_arena *arena, struct wn_slice *genesis,
	struct account_key *checkpoint_key, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_DATASET_NETWORK, &args, &result, err))
		return wn_while(err, "read the network");
	bool ok = db_rows(result) == 1 || wn_fail(err, WN_DOWN, "network_missing", "there is no network yet");
	ok = ok && copy(arena, result, 0, 0, genesis, err);
	if (ok)
		db_copy_id(result, 0, 1, checkpoint_key->bytes, ID_BYTES);
	db_done(result);
	return ok;
}

bool dataset_store_before(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct version_before *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	if (!db_query(db, &SQL_DATASET_VERSION_BEFORE, &args, &result, err))
		return wn_while(err, "find the version before %d of %s", version, name);
	memset(out, 0, sizeof *out);
	if (db_rows(result) == 1) {
		out->version = db_int32(result, 0, 0);
		db_copy_id(result, 0, 1, out->manifest_sha256.bytes, ID_BYTES);
		db_copy_id(result, 0, 2, out->row_root.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}

bool dataset_store_accepted(struct db *db, struct wn_arena *arena, const char *campaign, const struct item_id *after,
	struct accepted_item **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_bytes(&args, after ? (const void *)after->bytes : "", after ? ID_BYTES : 0);
	db_arg_int32(&args, DATASET_PAGE_ROWS);
	if (!db_query(db, &SQL_DATASET_ACCEPTED, &args, &result, err))
		return wn_while(err, "read accepted items");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "accepted items");
	for (size_t i = 0; ok && i < *count; i++) {
		struct accepted_item *item = &(*out)[i];
		db_copy_id(result, i, 0, item->facts.item.bytes, ID_BYTES);
		db_copy_id(result, i, 1, item->facts.salt.bytes, ID_BYTES);
		ok = copy(arena, result, i, 2, &item->facts.canonical, err);
		item->class = db_int32(result, i, 3);
		item->facts.p_good = db_int32(result, i, 4);
		item->facts.votes = db_int32(result, i, 5);
		db_copy_id(result, i, 6, item->facts.cluster.bytes, ID_BYTES);
		db_copy_id(result, i, 7, item->facts.contributor.bytes, ID_BYTES);
	}
	db_done(result);
	return ok;
}

bool dataset_store_entry_at(
	struct db *db, struct wn_arena *arena, int64_t position, int64_t *entry_id, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, position);
	if (!db_query(db, &SQL_DATASET_ENTRY_AT, &args, &result, err))
		return wn_while(err, "find an entry of the journal");
	bool ok = db_rows(result) == 1 ||
		  wn_fail(err, WN_DOWN, "journal_position", "the journal has no entry %lld", (long long)position);
	if (ok)
		*entry_id = db_int64(result, 0, 0);
	db_done(result);
	return ok;
}

bool dataset_store_finals(struct db *db, struct wn_arena *arena, int64_t after, int most, struct wn_slice **bodies,
	size_t *count, int64_t *last, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_DATASET_FINALS_AFTER, &args, &result, err))
		return wn_while(err, "read what became final later");
	*count = db_rows(result);
	*last = after;
	*bodies = wn_arena_array(arena, *count, sizeof **bodies);
	bool ok = *bodies != NULL || no_room(err, "journal entries");
	for (size_t i = 0; ok && i < *count; i++) {
		*last = db_int64(result, i, 0);
		ok = copy(arena, result, i, 1, &(*bodies)[i], err);
	}
	db_done(result);
	return ok;
}

bool dataset_store_rows(struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row,
	struct item_id **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_int64(&args, row);
	db_arg_int32(&args, DATASET_PAGE_ROWS);
	if (!db_query(db, &SQL_DATASET_ROWS_BEFORE, &args, &result, err))
		return wn_while(err, "read the rows of version %d of %s", version, name);
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "rows");
	for (size_t i = 0; ok && i < *count; i++)
		db_copy_id(result, i, 0, (*out)[i].bytes, ID_BYTES);
	db_done(result);
	return ok;
}

bool dataset_store_rows_put(struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row,
	const struct item_id *items, size_t count, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_int64(&args, row);
	db_arg_ids(&args, items, sizeof *items, ID_BYTES, count);
	return run(db, &SQL_DATASET_ROWS_PUT, &args, "store rows", err);
}

bool dataset_store_rows_cut(
	struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_int64(&args, row);
	return run(db, &SQL_DATASET_ROWS_CUT, &args, "remove what an earlier try left", err);
}

bool dataset_store_files_put(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	const struct manifest_file *files, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct wn_slice *paths = wn_arena_array(arena, count, sizeof *paths);
	int64_t *bytes = wn_arena_array(arena, count, sizeof *bytes);
	if (!paths || !bytes)
		return no_room(err, "the list of files");
	for (size_t i = 0; i < count; i++) {
		paths[i] = wn_slice_of(files[i].path);
		bytes[i] = files[i].bytes;
	}
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_ids(&args, files[0].sha256.bytes, sizeof *files, ID_BYTES, count);
	db_arg_slices(&args, paths, count);
	db_arg_int64s(&args, bytes, count);
	return run(db, &SQL_DATASET_FILES_INSERT, &args, "store the list of files", err);
}

bool dataset_store_publish(struct db *db, struct wn_arena *arena, const struct manifest *manifest,
	const struct sha256 *manifest_sha256, int64_t now_ms, bool *done, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, manifest->dataset);
	db_arg_int32(&args, (int32_t)manifest->version);
	db_arg_int64(&args, manifest->checkpoint_size);
	db_arg_int64(&args, manifest->row_count);
	db_arg_bytes(&args, manifest->row_root.bytes, ID_BYTES);
	db_arg_bytes(&args, manifest_sha256->bytes, ID_BYTES);
	db_arg_int64(&args, now_ms);
	if (!db_query(db, &SQL_DATASET_VERSION_PUBLISH, &args, &result, err))
		return wn_while(err, "publish version %lld of %s", (long long)manifest->version, manifest->dataset);
	*done = db_affected(result) == 1;
	db_done(result);
	return true;
}

bool dataset_store_end(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	enum version_state state, const char *why, struct wn_error *err)
{
	struct db_args args;
	wn_assert(state == VERSION_FAILED || state == VERSION_UNCHANGED);
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_int32(&args, (int32_t)state);
	db_arg_text(&args, why);
	return run(db, &SQL_DATASET_VERSION_END, &args, "note how a version ended", err);
}

/* Columns as the statements versions and version_find give them. */
static bool version_read(struct wn_arena *arena, const struct db_result *result, size_t row,
	struct dataset_version *out, struct wn_error *err)
{
	memset(out, 0, sizeof *out);
	out->version = db_int32(result, row, 0);
	out->state = (enum version_state)db_int32(result, row, 1);
	out->wanted_ms = db_int64(result, row, 2);
	if (out->state == VERSION_PUBLISHED) {
		out->published_ms = db_int64(result, row, 3);
		out->checkpoint_size = db_int64(result, row, 4);
		out->row_count = db_int64(result, row, 5);
		db_copy_id(result, row, 6, out->row_root.bytes, ID_BYTES);
		db_copy_id(result, row, 7, out->manifest_sha256.bytes, ID_BYTES);
	}
	return db_is_null(result, row, 8) || copy_text(arena, result, row, 8, &out->failure, err);
}

bool dataset_store_list(struct db *db, struct wn_arena *arena, const char *after, struct dataset_listed **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, after);
	db_arg_int32(&args, DATASET_LIST_MAX);
	if (!db_query(db, &SQL_DATASET_LIST, &args, &result, err))
		return wn_while(err, "list datasets");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "datasets");
	for (size_t i = 0; ok && i < *count; i++) {
		struct dataset_listed *listed = &(*out)[i];
		ok = copy_text(arena, result, i, 0, &listed->name, err) &&
		     copy(arena, result, i, 1, &listed->recipe, err) &&
		     (db_is_null(result, i, 2) || copy(arena, result, i, 2, &listed->campaign, err));
		if (ok && !db_is_null(result, i, 3)) {
			listed->newest.state = VERSION_PUBLISHED;
			listed->newest.version = db_int32(result, i, 3);
			listed->newest.row_count = db_int64(result, i, 4);
			db_copy_id(result, i, 5, listed->newest.row_root.bytes, ID_BYTES);
			listed->newest.published_ms = db_int64(result, i, 6);
			db_copy_id(result, i, 7, listed->newest.manifest_sha256.bytes, ID_BYTES);
		}
	}
	db_done(result);
	return ok;
}

bool dataset_store_versions(struct db *db, struct wn_arena *arena, const char *name, int32_t before,
	struct dataset_version **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, before);
	db_arg_int32(&args, DATASET_LIST_MAX);
	if (!db_query(db, &SQL_DATASET_VERSIONS, &args, &result, err))
		return wn_while(err, "list the versions of %s", name);
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "versions");
	for (size_t i = 0; ok && i < *count; i++)
		ok = version_read(arena, result, i, &(*out)[i], err);
	db_done(result);
	return ok;
}

bool dataset_store_version(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct dataset_version *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	if (!db_query(db, &SQL_DATASET_VERSION_FIND, &args, &result, err))
		return wn_while(err, "find version %d of %s", version, name);
	*found = db_rows(result) == 1;
	bool ok = !*found || version_read(arena, result, 0, out, err);
	db_done(result);
	return ok;
}

bool dataset_store_files(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct manifest_file **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	if (!db_query(db, &SQL_DATASET_FILES, &args, &result, err))
		return wn_while(err, "list the files of version %d of %s", version, name);
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "files");
	for (size_t i = 0; ok && i < *count; i++) {
		ok = copy_text(arena, result, i, 0, &(*out)[i].path, err);
		(*out)[i].bytes = db_int64(result, i, 1);
		db_copy_id(result, i, 2, (*out)[i].sha256.bytes, ID_BYTES);
	}
	db_done(result);
	return ok;
}

bool dataset_store_file(struct db *db, struct wn_arena *arena, const char *name, int32_t version, const char *path,
	struct sha256 *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	db_arg_text(&args, path);
	if (!db_query(db, &SQL_DATASET_FILE_FIND, &args, &result, err))
		return wn_while(err, "find a file of version %d of %s", version, name);
	*found = db_rows(result) == 1;
	if (*found)
		db_copy_id(result, 0, 0, out->bytes, ID_BYTES);
	db_done(result);
	return true;
}

bool dataset_store_file_by_hash(struct db *db, struct wn_arena *arena, const struct sha256 *sha256, const char **name,
	int32_t *version, const char **path, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, sha256->bytes, ID_BYTES);
	if (!db_query(db, &SQL_DATASET_FILE_BY_HASH, &args, &result, err))
		return wn_while(err, "find a file by its hash");
	*found = db_rows(result) == 1;
	bool ok = !*found || (copy_text(arena, result, 0, 0, name, err) && copy_text(arena, result, 0, 2, path, err));
	if (ok && *found)
		*version = db_int32(result, 0, 1);
	db_done(result);
	return ok;
}
