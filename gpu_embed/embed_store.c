/* The SQL of the duplicate check: a batch is read with one statement and written with three. */
#include "gpu_embed/embed_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/journal.h"
#include "sql_gpu_embed.h"

enum { MINHASH_BYTES = 2 * EMBED_LANES };

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

static struct wn_slice copy_slice(struct wn_arena *arena, const struct db_result *result, size_t row, int column)
{
	struct wn_slice slice = db_slice(result, row, column);
	return (struct wn_slice){wn_arena_copy(arena, slice.data, slice.bytes), slice.bytes};
}

bool embed_store_claim(struct db *db, struct wn_arena *arena, size_t most, struct embed_item **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int32(&args, (int32_t)most);
	if (!db_query(db, &SQL_GPU_EMBED_CLAIM, &args, &result, err))
		return wn_while(err, "claim received items");
	bool room = true;
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && room && i < *count; i++) {
		struct embed_item *item = &(*out)[i];
		db_copy_id(result, i, 0, item->item.bytes, ID_BYTES);
		item->seq = db_int64(result, i, 1);
		item->campaign = copy_slice(arena, result, i, 2).data;
		item->content.kind = (enum item_kind)db_int32(result, i, 3);
		item->content.content = copy_slice(arena, result, i, 4);
		room = item->campaign && item->content.content.data;
	}
	db_done(result);
	return (*out && room) || no_room(err, "the items of a batch");
}

static bool threshold_read(
	struct wn_arena *arena, struct wn_slice document, int *numerator, int *denominator, struct wn_error *err)
{
	struct campaign campaign;
	const struct json *parsed;
	if (!json_parse(arena, document.data, document.bytes, &parsed, err) || !campaign_parse(parsed, &campaign, err))
		return false;
	*numerator = campaign.dedup_numerator;
	*denominator = campaign.dedup_denominator;
	return true;
}

bool embed_store_thresholds(
	struct db *db, struct wn_arena *arena, struct embed_item *items, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	struct wn_slice *names = wn_arena_array(arena, count, sizeof *names);
	size_t name_count = 0;
	if (!names)
		return no_room(err, "the campaigns of a batch");
	/* Neighbours mostly belong to one campaign; a name that comes twice does no harm. */
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(items[i].campaign, items[i - 1].campaign) != 0)
			names[name_count++] = wn_slice_of(items[i].campaign);
	db_args_init(&args, arena);
	db_arg_slices(&args, names, name_count);
	if (!db_query(db, &SQL_GPU_EMBED_CAMPAIGNS, &args, &result, err))
		return wn_while(err, "read the campaigns of a batch");
	bool ok = true;
	for (size_t row = 0; ok && row < db_rows(result); row++) {
		int numerator = 0, denominator = 0;
		ok = threshold_read(arena, db_slice(result, row, 1), &numerator, &denominator, err) ||
		     wn_while(err, "read the campaign %s", db_text(result, row, 0));
		for (size_t i = 0; ok && i < count; i++)
			if (strcmp(items[i].campaign, db_text(result, row, 0)) == 0) {
				items[i].numerator = numerator;
				items[i].denominator = denominator;
			}
	}
	db_done(result);
	/* A foreign key holds every item's campaign. */
	for (size_t i = 0; ok && i < count; i++)
		wn_assert(items[i].denominator > 0);
	return ok;
}

bool embed_store_last(struct db *db, struct wn_arena *arena, int64_t *link_seq, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_GPU_EMBED_LAST_LINKED, &args, &result, err))
		return wn_while(err, "find where the linker stands");
	*link_seq = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

bool embed_store_leaders(struct db *db, struct wn_arena *arena, int64_t after, int64_t upto, size_t most,
	struct embed_leader **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int64(&args, upto);
	db_arg_int32(&args, (int32_t)most);
	if (!db_query(db, &SQL_GPU_EMBED_LEADERS, &args, &result, err))
		return wn_while(err, "read leaders");
	bool room = true;
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && room && i < *count; i++) {
		struct embed_leader *leader = &(*out)[i];
		uint8_t minhash[MINHASH_BYTES];
		leader->link_seq = db_int64(result, i, 0);
		db_copy_id(result, i, 1, leader->item.bytes, ID_BYTES);
		leader->campaign = copy_slice(arena, result, i, 2).data;
		db_copy_id(result, i, 3, leader->raw.bytes, ID_BYTES);
		db_copy_id(result, i, 4, leader->normal.bytes, ID_BYTES);
		db_copy_id(result, i, 5, minhash, sizeof minhash);
		for (size_t lane = 0; lane < EMBED_LANES; lane++)
			leader->lanes[lane] = (uint16_t)(minhash[2 * lane] | minhash[2 * lane + 1] << 8);
		leader->content.kind = (enum item_kind)db_int32(result, i, 6);
		leader->content.content = copy_slice(arena, result, i, 7);
		room = leader->campaign && leader->content.content.data;
	}
	db_done(result);
	return (*out && room) || no_room(err, "a page of leaders");
}

bool embed_store_marks(struct db *db, struct wn_arena *arena, const struct linker_mark *marks, size_t count,
	size_t *believed, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	int64_t *seqs = wn_arena_array(arena, count + 1, sizeof *seqs);
	*believed = 0;
	if (!seqs)
		return no_room(err, "the marks of the index");
	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		seqs[i] = marks[i].seq;
	db_args_init(&args, arena);
	db_arg_int64s(&args, seqs, count);
	if (!db_query(db, &SQL_GPU_EMBED_MARKS, &args, &result, err))
		return wn_while(err, "compare the index with the database");
	for (size_t row = 0; row < db_rows(result) && *believed == row; row++) {
		struct wn_slice item = db_slice(result, row, 1);
		*believed += db_int64(result, row, 0) == marks[row].seq &&
			     memcmp(item.data, marks[row].item.bytes, ID_BYTES) == 0;
	}
	db_done(result);
	return true;
}

/* One leader that a verdict names, and what the verdict says of it. */
struct named {
	struct item_id item;
	const struct embed_item *by;
	enum dup_method method; /* of the origin; DUP_MINHASH for the nearest, DUP_NONE for a cluster's least id */
	int32_t common, either;
};

static size_t named_list(const struct embed_item *items, size_t count, struct named *out)
{
	size_t all = 0;
	for (size_t i = 0; i < count; i++) {
		const struct linker_verdict *verdict = &items[i].verdict;
		if (verdict->method != DUP_NONE)
			out[all++] = (struct named){
				verdict->origin, &items[i], verdict->method, verdict->numerator, verdict->denominator};
		if (verdict->method != DUP_NONE && id_compare(&verdict->cluster, &verdict->origin) != 0)
			out[all++] = (struct named){verdict->cluster, &items[i], DUP_NONE, 0, 0};
		if (verdict->has_nearest)
			out[all++] = (struct named){verdict->nearest, &items[i], DUP_MINHASH,
				verdict->nearest_numerator, verdict->nearest_denominator};
	}
	/* By item, as the answer comes; the id stands at the front. */
	qsort(out, all, sizeof *out, id_compare);
	return all;
}

/* Columns: item_id, leader, raw_sha256, norm_sha256, shingles. */
static bool named_agrees(const struct db_result *result, size_t row, const struct named *named)
{
	const struct signed_content *content = &named->by->content;
	if (!db_bool(result, row, 1))
		return false;
	switch (named->method) {
	case DUP_EXACT:
		return memcmp(db_slice(result, row, 2).data, content->raw.bytes, ID_BYTES) == 0;
	case DUP_NORMALISED:
		return memcmp(db_slice(result, row, 3).data, content->normal.bytes, ID_BYTES) == 0;
	case DUP_MINHASH:
		return (int64_t)db_int32(result, row, 4) + content->size == (int64_t)named->common + named->either;
	default:
		return true;
	}
}

/* Leaders of the batch itself are not in the database yet: the index has them from here. */
static bool named_of_batch(const struct embed_item *items, size_t count, const struct item_id *item)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(items[i].item.bytes, item->bytes, ID_BYTES) == 0)
			return true;
	return false;
}

bool embed_store_confirm(
	struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	struct named *named = wn_arena_array(arena, 2 * count, sizeof *named);
	if (!named)
		return no_room(err, "what the verdicts of a batch name");
	size_t all = named_list(items, count, named), row = 0;
	if (all == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, named[0].item.bytes, sizeof *named, ID_BYTES, all);
	if (!db_query(db, &SQL_GPU_EMBED_NAMED, &args, &result, err))
		return wn_while(err, "look up the origins of a batch");
	bool good = true;
	for (size_t i = 0; good && i < all; i++) {
		while (row < db_rows(result) &&
			memcmp(db_slice(result, row, 0).data, named[i].item.bytes, ID_BYTES) < 0)
			row++;
		bool there = row < db_rows(result) &&
			     memcmp(db_slice(result, row, 0).data, named[i].item.bytes, ID_BYTES) == 0;
		good = there ? named_agrees(result, row, &named[i]) : named_of_batch(items, count, &named[i].item);
	}
	db_done(result);
	return good ||
	       wn_fail(err, WN_INPUT, "index_stale", "the index names a leader that the database does not have so");
}

static bool signatures_insert(
	struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count, struct wn_error *err)
{
	int64_t *link_seqs = wn_arena_array(arena, count, sizeof *link_seqs),
		*seqs = wn_arena_array(arena, count, sizeof *seqs);
	int32_t *sizes = wn_arena_array(arena, count, sizeof *sizes);
	bool *leaders = wn_arena_array(arena, count, sizeof *leaders);
	struct wn_slice *campaigns = wn_arena_array(arena, count, sizeof *campaigns);
	uint8_t(*minhashes)[MINHASH_BYTES] = wn_arena_array(arena, count, sizeof *minhashes);
	if (!link_seqs || !seqs || !sizes || !leaders || !campaigns || !minhashes)
		return no_room(err, "the signatures of a batch");
	for (size_t i = 0; i < count; i++) {
		link_seqs[i] = items[i].link_seq;
		seqs[i] = items[i].seq;
		sizes[i] = (int32_t)items[i].content.size;
		leaders[i] = items[i].verdict.method == DUP_NONE;
		campaigns[i] = wn_slice_of(items[i].campaign);
		for (size_t lane = 0; lane < EMBED_LANES; lane++) {
			minhashes[i][2 * lane] = (uint8_t)items[i].content.lanes[lane];
			minhashes[i][2 * lane + 1] = (uint8_t)(items[i].content.lanes[lane] >> 8);
		}
	}
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].item.bytes, sizeof *items, ID_BYTES, count);
	db_arg_int64s(&args, link_seqs, count);
	db_arg_int64s(&args, seqs, count);
	db_arg_slices(&args, campaigns, count);
	db_arg_ids(&args, items[0].content.raw.bytes, sizeof *items, ID_BYTES, count);
	db_arg_ids(&args, items[0].content.normal.bytes, sizeof *items, ID_BYTES, count);
	db_arg_int32s(&args, sizes, count);
	db_arg_ids(&args, minhashes, sizeof *minhashes, sizeof *minhashes, count);
	db_arg_bools(&args, leaders, count);
	return db_query(db, &SQL_GPU_EMBED_SIGNATURES_INSERT, &args, NULL, err) || wn_while(err, "store signatures");
}

static bool verdicts_insert(struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count,
	int64_t now_ms, struct wn_error *err)
{
	int32_t *numbers = wn_arena_array(arena, 5 * count, sizeof *numbers);
	struct wn_slice *nearest = wn_arena_array(arena, count, sizeof *nearest);
	if (!numbers || !nearest)
		return no_room(err, "the verdicts of a batch");
	for (size_t i = 0; i < count; i++) {
		const struct linker_verdict *verdict = &items[i].verdict;
		numbers[i] = verdict->method;
		numbers[count + i] = verdict->numerator;
		numbers[2 * count + i] = verdict->denominator;
		numbers[3 * count + i] = verdict->nearest_numerator;
		numbers[4 * count + i] = verdict->nearest_denominator;
		if (verdict->has_nearest)
			nearest[i] = (struct wn_slice){(const char *)verdict->nearest.bytes, ID_BYTES};
	}
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].item.bytes, sizeof *items, ID_BYTES, count);
	db_arg_ids(&args, items[0].verdict.origin.bytes, sizeof *items, ID_BYTES, count);
	db_arg_ids(&args, items[0].verdict.cluster.bytes, sizeof *items, ID_BYTES, count);
	db_arg_int32s(&args, numbers, count);
	db_arg_int32s(&args, numbers + count, count);
	db_arg_int32s(&args, numbers + 2 * count, count);
	db_arg_int32(&args, EMBED_SPEC_VERSION);
	db_arg_bytes_array(&args, nearest, count);
	db_arg_int32s(&args, numbers + 3 * count, count);
	db_arg_int32s(&args, numbers + 4 * count, count);
	db_arg_int64(&args, now_ms);
	return db_query(db, &SQL_GPU_EMBED_VERDICTS_INSERT, &args, NULL, err) || wn_while(err, "store verdicts");
}

static bool states_set(
	struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	int32_t *states = wn_arena_array(arena, count, sizeof *states);
	if (!states)
		return no_room(err, "item states");
	for (size_t i = 0; i < count; i++)
		states[i] = items[i].verdict.method == DUP_NONE ? ITEM_EMBEDDED : ITEM_DUPLICATE;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].item.bytes, sizeof *items, ID_BYTES, count);
	db_arg_int32s(&args, states, count);
	if (!db_query(db, &SQL_GPU_EMBED_STATES_SET, &args, &result, err))
		return wn_while(err, "set item states");
	/* They are locked since they were claimed. */
	wn_assert(db_affected(result) == count);
	db_done(result);
	return true;
}

bool embed_store_write(struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count,
	int64_t now_ms, struct wn_error *err)
{
	wn_assert(db_in_transaction(db));
	wn_assert(count > 0);
	return signatures_insert(db, arena, items, count, err) &&
	       verdicts_insert(db, arena, items, count, now_ms, err) && states_set(db, arena, items, count, err);
}

bool embed_store_journal(struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count,
	int64_t now_ms, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	struct db_args args;
	journal_entry_begin(&entry, arena, "duplicates", now_ms);
	json_open_array(&entry, "items");
	for (size_t i = 0; i < count; i++) {
		const struct linker_verdict *verdict = &items[i].verdict;
		json_open_object(&entry, NULL);
		json_put_hex(&entry, "item", items[i].item.bytes, ID_BYTES);
		json_put_hex(&entry, "origin", verdict->origin.bytes, ID_BYTES);
		json_put_hex(&entry, "cluster", verdict->cluster.bytes, ID_BYTES);
		json_put_string(&entry, "method", dup_method_name(verdict->method));
		json_put_integer(&entry, "numerator", verdict->numerator);
		json_put_integer(&entry, "denominator", verdict->denominator);
		json_put_integer(&entry, "spec_version", EMBED_SPEC_VERSION);
		if (verdict->has_nearest) {
			json_put_hex(&entry, "nearest", verdict->nearest.bytes, ID_BYTES);
			json_put_integer(&entry, "nearest_numerator", verdict->nearest_numerator);
			json_put_integer(&entry, "nearest_denominator", verdict->nearest_denominator);
		}
		json_close_object(&entry);
	}
	json_close_array(&entry);
	json_close_object(&entry);
	db_args_init(&args, arena);
	return json_end(&entry, &body, err) && db_query(db, &SQL_GPU_EMBED_NOTIFY, &args, NULL, err) &&
	       journal_append(db, arena, body, NULL, err);
}
