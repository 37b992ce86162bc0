/* Campaigns in the database: stored as canonical documents, read back parsed. */
#include "vote/campaign_store.h"

#include <string.h>

#include "sql_vote.h"

bool campaign_store_insert(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice document,
	int64_t now_ms, bool *created, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_bytes(&args, document.data, document.bytes);
	db_arg_int64(&args, now_ms);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_INSERT, &args, &result, err))
		return wn_while(err, "store the campaign");
	*created = db_affected(result) == 1;
	db_done(result);
	return true;
}

bool campaign_store_close(struct db *db, struct wn_arena *arena, const char *name, bool *changed, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_EXCLUDE, &args, NULL, err) ||
		!db_query(db, &SQL_VOTE_CAMPAIGN_CLOSE, &args, &result, err))
		return wn_while(err, "close the campaign");
	*changed = db_affected(result) == 1;
	db_done(result);
	return true;
}

static bool campaign_row_read(
	struct wn_arena *arena, struct wn_slice document, bool open, struct campaign_row *out, struct wn_error *err)
{
	const struct json *json;
	out->open = open;
	out->document.data = wn_arena_copy(arena, document.data, document.bytes);
	out->document.bytes = document.bytes;
	if (!out->document.data)
		return wn_fail(err, WN_FULL, "memory", "no room for the campaign's document");
	return json_parse(arena, out->document.data, out->document.bytes, &json, err) &&
	       campaign_parse(json, &out->campaign, err);
}

bool campaign_store_get(struct db *db, struct wn_arena *arena, const char *name, struct campaign_row *out, bool *found,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_GET, &args, &result, err))
		return wn_while(err, "find campaign %s", name);
	*found = db_rows(result) == 1;
	bool ok = !*found || campaign_row_read(arena, db_slice(result, 0, 0), db_bool(result, 0, 2), out, err);
	db_done(result);
	return ok || wn_while(err, "read campaign %s", name);
}

bool campaign_store_list(struct db *db, struct wn_arena *arena, const char *after, int count, struct campaign_row **out,
	size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, after);
	db_arg_int32(&args, count);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_LIST, &args, &result, err))
		return wn_while(err, "list campaigns");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	bool ok = *out != NULL;
	if (!ok)
		wn_fail(err, WN_FULL, "memory", "no room for %zu campaigns", *found);
	for (size_t i = 0; ok && i < *found; i++)
		ok = campaign_row_read(arena, db_slice(result, i, 1), db_bool(result, i, 2), &(*out)[i], err);
	db_done(result);
	return ok;
}

bool campaign_cache_get(struct campaign_cache *cache, struct db *db, struct wn_arena *arena, const char *name,
	const struct campaign **out, struct wn_error *err)
{
	bool found;
	for (size_t i = 0; i < cache->count; i++)
		if (strcmp(cache->rows[i]->campaign.name, name) == 0) {
			*out = &cache->rows[i]->campaign;
			return true;
		}
	if (cache->count == CAMPAIGN_CACHE_MAX)
		return wn_fail(
			err, WN_FULL, "campaigns_many", "one batch met more than %d campaigns", CAMPAIGN_CACHE_MAX);
	struct campaign_row *row = wn_arena_alloc(arena, sizeof *row);
	if (!row)
		return wn_fail(err, WN_FULL, "memory", "no room for campaign %s", name);
	if (!campaign_store_get(db, arena, name, row, &found, err))
		return false;
	wn_assert(found);
	cache->rows[cache->count++] = row;
	*out = &row->campaign;
	return true;
}
