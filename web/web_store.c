/* The statements of sql/queries/web.sql. */
#include "web/web_store.h"

#include <string.h>

#include "sql_web.h"

static bool store_memory(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the answer");
}

static bool store_slice(const struct db_result *result, size_t row, int column, struct wn_arena *arena,
	struct wn_slice *out, struct wn_error *err)
{
	struct wn_slice value = db_slice(result, row, column);
	char *copy = wn_arena_copy(arena, value.data ? value.data : "", value.bytes);
	if (!copy)
		return store_memory(err);
	*out = (struct wn_slice){copy, value.bytes};
	return true;
}

bool web_store_answer_find(struct db *db, struct wn_arena *arena, const struct account_key *key,
	struct wn_slice idempotency, struct stored_answer *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	db_arg_bytes(&args, key->bytes, ID_BYTES);
	db_arg_slice(&args, idempotency);
	if (!db_query(db, &SQL_WEB_IDEMPOTENCY_FIND, &args, &result, err))
		return wn_while(err, "look for a stored answer");
	*found = db_rows(result) == 1;
	bool done = true;
	if (*found) {
		db_copy_id(result, 0, 0, out->fingerprint.bytes, ID_BYTES);
		out->status = db_int32(result, 0, 1);
		done = store_slice(result, 0, 2, arena, &out->body, err);
	}
	db_done(result);
	return done;
}

bool web_store_checkpoint_known(struct db *db, struct wn_arena *arena, int64_t size, const struct sha256 *root,
	bool *known, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	db_arg_int64(&args, size);
	db_arg_bytes(&args, root->bytes, ID_BYTES);
	if (!db_query(db, &SQL_WEB_CHECKPOINT_KNOWN, &args, &result, err))
		return wn_while(err, "look for a checkpoint");
	*known = db_rows(result) == 1 && db_bool(result, 0, 0);
	db_done(result);
	return true;
}

bool web_store_answer_insert(struct db *db, struct wn_arena *arena, const struct account_key *key,
	struct wn_slice idempotency, const struct stored_answer *answer, int64_t now_ms, bool *stored,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	db_arg_bytes(&args, key->bytes, ID_BYTES);
	db_arg_slice(&args, idempotency);
	db_arg_bytes(&args, answer->fingerprint.bytes, ID_BYTES);
	db_arg_int32(&args, answer->status);
	db_arg_bytes(&args, answer->body.data, answer->body.bytes);
	db_arg_int64(&args, now_ms);
	if (!db_query(db, &SQL_WEB_IDEMPOTENCY_INSERT, &args, &result, err))
		return wn_while(err, "keep the answer");
	*stored = db_affected(result) == 1;
	db_done(result);
	return true;
}

bool web_store_clock_lock(struct db *db, struct wn_arena *arena, bool *manual, int64_t *clock_ms, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_WEB_CLOCK_LOCK, &args, &result, err))
		return wn_while(err, "lock the clock");
	*manual = db_rows(result) == 1 && db_bool(result, 0, 0);
	*clock_ms = *manual ? db_int64(result, 0, 1) : 0;
	db_done(result);
	return true;
}

bool web_store_clock_set(struct db *db, struct wn_arena *arena, int64_t clock_ms, bool *moved, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	db_arg_int64(&args, clock_ms);
	if (!db_query(db, &SQL_WEB_CLOCK_SET, &args, &result, err))
		return wn_while(err, "move the clock");
	*moved = db_affected(result) == 1;
	db_done(result);
	return true;
}

/* Rows of (number, count) into an array; numbers that this version does not know are a broken promise of the schema. */
static bool store_counts(struct db *db, struct wn_arena *arena, const struct sql_statement *statement, int64_t *counts,
	int states, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	if (!db_query(db, statement, &args, &result, err))
		return false;
	memset(counts, 0, (size_t)states * sizeof *counts);
	for (size_t i = 0; i < db_rows(result); i++) {
		int32_t state = db_int32(result, i, 0);
		wn_assert(state >= 0 && state < states);
		counts[state] = db_int64(result, i, 1);
	}
	db_done(result);
	return true;
}

bool web_store_items(
	struct db *db, struct wn_arena *arena, bool whole, int64_t counts[ITEM_STATES], struct wn_error *err)
{
	return store_counts(
		       db, arena, whole ? &SQL_WEB_ITEMS_BY_STATE : &SQL_WEB_ITEMS_WAITING, counts, ITEM_STATES, err) ||
	       wn_while(err, "count items");
}

bool web_store_work(struct db *db, struct wn_arena *arena, struct web_work *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	*out = (struct web_work){0};
	if (!store_counts(db, arena, &SQL_WEB_ROUNDS_BY_STATE, out->rounds, WEB_ROUNDS_OPEN, err) ||
		!store_counts(db, arena, &SQL_WEB_SEATS_BY_STATE, out->seats, SEAT_STATES, err))
		return wn_while(err, "count rounds and seats");
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_WEB_EPOCH_LATEST, &args, &result, err))
		return wn_while(err, "read the epoch");
	out->has_epoch = db_rows(result) == 1;
	if (out->has_epoch) {
		out->epoch = db_int64(result, 0, 0);
		out->epoch_state = db_int32(result, 0, 1);
		out->epoch_opened_ms = db_int64(result, 0, 2);
		out->epoch_unclosed = db_is_null(result, 0, 3) ? out->epoch + 1 : db_int64(result, 0, 3);
	}
	db_done(result);
	return true;
}

bool web_store_journal(struct db *db, struct wn_arena *arena, struct web_journal *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_WEB_JOURNAL_COUNTS, &args, &result, err))
		return wn_while(err, "count the journal");
	*out = (struct web_journal){
		.size = db_int64(result, 0, 0),
		.unsequenced = db_int64(result, 0, 1),
		.checkpoint_size = db_int64(result, 0, 2),
		.checkpoint_ms = db_int64(result, 0, 3),
	};
	db_done(result);
	return true;
}

bool web_store_journal_sizes(struct db *db, struct wn_arena *arena, int64_t position, int64_t max, int64_t **sizes,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	db_arg_int64(&args, position);
	db_arg_int64(&args, max);
	if (!db_query(db, &SQL_WEB_JOURNAL_SIZES, &args, &result, err))
		return wn_while(err, "measure entries");
	*count = db_rows(result);
	*sizes = wn_arena_array(arena, *count, sizeof **sizes);
	for (size_t i = 0; *sizes && i < *count; i++)
		(*sizes)[i] = db_int64(result, i, 0);
	db_done(result);
	return *sizes || store_memory(err);
}

bool web_store_sessions(struct db *db, struct wn_arena *arena, int64_t *sessions, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_WEB_SESSIONS, &args, &result, err))
		return wn_while(err, "ask for the database's settings");
	*sessions = db_int64(result, 0, 0);
	db_done(result);
	return true;
}
