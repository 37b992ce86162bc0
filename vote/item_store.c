/* Items as their contributors and the public see them: state, what they repeat, verdict. */
#include "vote/item_store.h"

#include <string.h>

#include "sql_vote.h"

static struct wn_slice copy(struct wn_arena *arena, const struct db_result *result, size_t row, int column)
{
	struct wn_slice text = db_slice(result, row, column);
	return (struct wn_slice){wn_arena_copy(arena, text.data, text.bytes), text.bytes};
}

bool item_store_get(struct db *db, struct wn_arena *arena, const struct item_id *item, struct item_view *out,
	bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, item->bytes, ID_BYTES);
	if (!db_query(db, &SQL_VOTE_ITEM_GET, &args, &result, err))
		return wn_while(err, "read the item");
	*found = db_rows(result) == 1;
	memset(out, 0, sizeof *out);
	out->item = *item;
	if (*found) {
		out->campaign = copy(arena, result, 0, 0).data;
		db_copy_id(result, 0, 1, out->contributor.bytes, ID_BYTES);
		out->state = db_int32(result, 0, 2);
		out->kind = db_int32(result, 0, 3);
		out->source = copy(arena, result, 0, 4).data;
		out->source_id = copy(arena, result, 0, 5).data;
		out->content = copy(arena, result, 0, 6);
		out->arrived_ms = db_int64(result, 0, 7);
		out->final_ms = db_is_null(result, 0, 8) ? 0 : db_int64(result, 0, 8);
		out->checked = !db_is_null(result, 0, 9);
		if (out->checked) {
			db_copy_id(result, 0, 9, out->origin.bytes, ID_BYTES);
			db_copy_id(result, 0, 10, out->cluster.bytes, ID_BYTES);
			out->method = db_int32(result, 0, 11);
			out->numerator = db_int32(result, 0, 12);
			out->denominator = db_int32(result, 0, 13);
			out->spec_version = db_int32(result, 0, 14);
		}
		out->settled = !db_is_null(result, 0, 15);
		if (out->settled) {
			out->class = db_int32(result, 0, 15);
			out->p_good = db_int32(result, 0, 16);
			out->margin = db_int64(result, 0, 17);
			out->votes = db_int32(result, 0, 18);
			out->epoch = db_int64(result, 0, 19);
		}
		out->has_nearest = !db_is_null(result, 0, 20);
		if (out->has_nearest) {
			db_copy_id(result, 0, 20, out->nearest.bytes, ID_BYTES);
			out->nearest_numerator = db_int32(result, 0, 21);
			out->nearest_denominator = db_int32(result, 0, 22);
		}
	}
	db_done(result);
	return true;
}

bool item_store_content(struct db *db, struct wn_arena *arena, const struct item_id *item, struct wn_slice *content,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, item->bytes, ID_BYTES);
	if (!db_query(db, &SQL_VOTE_ITEM_CONTENT, &args, &result, err))
		return wn_while(err, "read the text of an item");
	*content = db_rows(result) == 1 ? copy(arena, result, 0, 0) : (struct wn_slice){NULL, 0};
	bool room = db_rows(result) == 0 || content->data;
	db_done(result);
	return room || wn_fail(err, WN_FULL, "memory", "no room for the text of an item");
}

bool item_store_of(struct db *db, struct wn_arena *arena, const struct account_key *contributor, int64_t before,
	int most, struct item_view **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, contributor->bytes, ID_BYTES);
	db_arg_int64(&args, before);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_ITEMS_OF, &args, &result, err))
		return wn_while(err, "list items");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct item_view *item = &(*out)[i];
		db_copy_id(result, i, 0, item->item.bytes, ID_BYTES);
		item->seq = db_int64(result, i, 1);
		item->campaign = copy(arena, result, i, 2).data;
		item->contributor = *contributor;
		item->state = db_int32(result, i, 3);
		item->source = copy(arena, result, i, 4).data;
		item->source_id = copy(arena, result, i, 5).data;
		item->arrived_ms = db_int64(result, i, 6);
		item->content = copy(arena, result, i, 7);
		item->checked = !db_is_null(result, i, 8);
		if (item->checked) {
			db_copy_id(result, i, 8, item->origin.bytes, ID_BYTES);
			item->method = db_int32(result, i, 9);
			item->numerator = db_int32(result, i, 10);
			item->denominator = db_int32(result, i, 11);
		}
		item->settled = !db_is_null(result, i, 12);
		if (item->settled) {
			item->class = db_int32(result, i, 12);
			item->p_good = db_int32(result, i, 13);
		}
	}
	db_done(result);
	return *out || wn_fail(err, WN_FULL, "memory", "no room for %zu items", *count);
}
