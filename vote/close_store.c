/* What the close of an epoch reads and writes. Callers hold the transaction. */
#include "vote/close_store.h"

#include <string.h>

#include "core/campaign.h"
#include "sql_vote.h"

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

/* Runs a statement whose rows are not wanted. */
static bool run(struct db *db, const struct sql_statement *statement, const struct db_args *args, const char *doing, struct wn_error *err)
{
	return db_query(db, statement, args, NULL, err) || wn_while(err, "%s", doing);
}

bool close_store_epochs(struct db *db, struct wn_arena *arena, struct epoch_row out[2], size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_EPOCH_OLDEST, &args, &result, err))
		return wn_while(err, "read the epochs");
	*count = db_rows(result);
	for (size_t i = 0; i < *count; i++) {
		out[i] = (struct epoch_row){ .epoch = db_int64(result, i, 0), .state = db_int32(result, i, 1), .opened_ms = db_int64(result, i, 2) };
		out[i].ended_ms = db_is_null(result, i, 3) ? 0 : db_int64(result, i, 3);
		out[i].has_beacon = !db_is_null(result, i, 4);
		if (out[i].has_beacon)
			db_copy_id(result, i, 4, out[i].beacon.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}

bool close_store_open_epoch(struct db *db, struct wn_arena *arena, int64_t *epoch, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!run(db, &SQL_VOTE_EPOCH_SHARE, &args, "share the epoch", err))
		return false;
	if (!db_query(db, &SQL_VOTE_EPOCH_OPEN, &args, &result, err))
		return wn_while(err, "read the open epoch");
	bool found = db_rows(result) == 1;
	if (found)
		*epoch = db_int64(result, 0, 0);
	db_done(result);
	return found || wn_fail(err, WN_DOWN, "epoch_missing", "no epoch is open: start the node with `winnow up`, which makes its genesis");
}

bool close_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	return run(db, &SQL_VOTE_EPOCH_EXCLUDE, &args, "wait for running tallies", err);
}

bool close_store_end(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	return run(db, &SQL_VOTE_EPOCH_END, &args, "end the epoch", err);
}

bool close_store_begin(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, const struct sha256 *onion, const struct sha256 *beacon,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	db_arg_bytes(&args, onion->bytes, ID_BYTES);
	db_arg_bytes(&args, beacon->bytes, ID_BYTES);
	return run(db, &SQL_VOTE_EPOCH_BEGIN, &args, "begin the next epoch", err);
}

bool close_store_reveals(struct db *db, struct wn_arena *arena, int64_t epoch, struct vote_row **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_EPOCH_REVEALS, &args, &result, err))
		return wn_while(err, "read the epoch's opened votes");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].key.item.bytes, ID_BYTES);
		(*out)[i].key.round = db_int32(result, i, 1);
		db_copy_id(result, i, 2, (*out)[i].voter.bytes, ID_BYTES);
		db_copy_id(result, i, 3, (*out)[i].salt.bytes, ID_BYTES);
	}
	db_done(result);
	return *out || no_room(err, "the epoch's opened votes");
}

bool close_store_items(struct db *db, struct wn_arena *arena, const char *campaign, int64_t epoch, struct close_item **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_CLOSE_ITEMS, &args, &result, err))
		return wn_while(err, "read the items to settle");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		db_copy_id(result, i, 1, (*out)[i].contributor.bytes, ID_BYTES);
		(*out)[i].stratum = db_int32(result, i, 2);
		(*out)[i].class = db_int32(result, i, 3);
		(*out)[i].round = db_int32(result, i, 4);
	}
	db_done(result);
	return *out || no_room(err, "the items to settle");
}

bool close_store_campaigns(struct db *db, struct wn_arena *arena, const char ***out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_CLOSE_CAMPAIGNS, &args, &result, err))
		return wn_while(err, "read the campaigns to close");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct wn_slice name = db_slice(result, i, 0);
		(*out)[i] = wn_arena_copy(arena, name.data, name.bytes);
		if (!(*out)[i])
			*out = NULL;
	}
	db_done(result);
	return *out || no_room(err, "campaigns");
}

bool close_store_gold(struct db *db, struct wn_arena *arena, int64_t epoch, struct gold_row **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_GOLD_OF, &args, &result, err))
		return wn_while(err, "read known-answer items");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].round = db_int32(result, i, 1);
		(*out)[i].class = db_is_null(result, i, 2) ? GOLD_UNKNOWN : db_int32(result, i, 2);
	}
	db_done(result);
	return *out || no_room(err, "known-answer items");
}

bool close_store_gold_insert(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count, int64_t epoch, struct wn_error *err)
{
	if (count == 0)
		return true;
	int32_t *rounds = wn_arena_array(arena, count, sizeof *rounds);
	if (!rounds)
		return no_room(err, "known-answer items");
	for (size_t i = 0; i < count; i++)
		rounds[i] = keys[i].round;
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, keys[0].item.bytes, sizeof *keys, ID_BYTES, count);
	db_arg_int32s(&args, rounds, count);
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_GOLD_INSERT, &args, "store known-answer items", err);
}

bool close_store_gold_had(struct db *db, struct wn_arena *arena, const struct close_item *items, size_t count, bool *had, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].item.bytes, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_GOLD_HAD, &args, &result, err))
		return wn_while(err, "read earlier known-answer items");
	for (size_t r = 0; r < db_rows(result); r++) {
		struct wn_slice id = db_slice(result, r, 0);
		for (size_t i = 0; i < count; i++)
			if (memcmp(items[i].item.bytes, id.data, ID_BYTES) == 0)
				had[i] = true;
	}
	db_done(result);
	return true;
}

bool close_store_curators(struct db *db, struct wn_arena *arena, int64_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_CURATORS, &args, &result, err))
		return wn_while(err, "count the curators");
	*count = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

bool close_store_validators(struct db *db, struct wn_arena *arena, const char *campaign, int classes, struct validator_row **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_VALIDATORS, &args, &result, err))
		return wn_while(err, "read the validators' record");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "the validators' record");
	for (size_t i = 0; ok && i < *count; i++) {
		struct validator_row *row = &(*out)[i];
		size_t cells;
		db_copy_id(result, i, 0, row->voter.bytes, ID_BYTES);
		ok = db_int64s(result, i, 1, arena, &row->counts, &cells, err);
		if (ok)
			wn_assert(cells == (size_t)(classes * classes));
		row->gold_votes = db_int64(result, i, 2);
		row->carried_points = db_int64(result, i, 3);
		row->carried_scored = db_int64(result, i, 4);
		row->carried_since = db_int64(result, i, 5);
	}
	db_done(result);
	return ok;
}

bool close_store_prior(struct db *db, struct wn_arena *arena, const char *campaign, int classes, int64_t *prior, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	int64_t *stored;
	size_t cells;
	memset(prior, 0, (size_t)classes * sizeof *prior);
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_PRIOR, &args, &result, err))
		return wn_while(err, "read the campaign's state");
	bool ok = true;
	if (db_rows(result) == 1) {
		ok = db_int64s(result, 0, 0, arena, &stored, &cells, err);
		if (ok) {
			wn_assert(cells == (size_t)classes);
			memcpy(prior, stored, cells * sizeof *prior);
		}
	}
	db_done(result);
	return ok;
}

bool close_store_validator_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes, const struct validator_row *row,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_bytes(&args, row->voter.bytes, ID_BYTES);
	db_arg_int64s(&args, row->counts, (size_t)(classes * classes));
	db_arg_int64(&args, row->gold_votes);
	db_arg_int64(&args, row->carried_points);
	db_arg_int64(&args, row->carried_scored);
	db_arg_int64(&args, row->carried_since);
	return run(db, &SQL_VOTE_VALIDATOR_SAVE, &args, "store a validator's record", err);
}

bool close_store_prior_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes, const int64_t *prior, int64_t epoch,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_int64s(&args, prior, (size_t)classes);
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_PRIOR_SAVE, &args, "store the campaign's state", err);
}

bool close_store_verdict(struct db *db, struct wn_arena *arena, const struct verdict_row *row, int classes, int64_t epoch, int64_t now_ms,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes(&args, row->item.bytes, ID_BYTES);
	db_arg_int32(&args, row->class);
	db_arg_int32(&args, row->p_good);
	db_arg_int64(&args, row->margin);
	db_arg_int64s(&args, row->scores, row->scores ? (size_t)classes : 0);
	db_arg_int32(&args, row->votes);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	return run(db, &SQL_VOTE_VERDICT_INSERT, &args, "store a verdict", err);
}

bool close_store_settle(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch, int64_t final_ms,
	struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, final_ms);
	return run(db, &SQL_VOTE_ITEM_SETTLE, &args, "settle items", err);
}

bool close_store_counted(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_ROUND_COUNTED, &args, "mark rounds counted", err);
}

bool close_store_bonds(struct db *db, struct wn_arena *arena, const char *campaign, const struct account_key *voters, size_t voter_count,
	struct held_bond **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*count = 0;
	*out = NULL;
	if (voter_count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, voters[0].bytes, sizeof *voters, ID_BYTES, voter_count);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_HELD_BONDS, &args, &result, err))
		return wn_while(err, "read the bonds held");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].voter.bytes, ID_BYTES);
		db_copy_id(result, i, 1, (*out)[i].key.item.bytes, ID_BYTES);
		(*out)[i].key.round = db_int32(result, i, 2);
		db_copy_id(result, i, 3, (*out)[i].bond, 32);
		(*out)[i].amount = db_int64(result, i, 4);
	}
	db_done(result);
	return *out || no_room(err, "the bonds held");
}

bool close_store_bonds_end(struct db *db, struct wn_arena *arena, const struct held_bond *bonds, size_t count, struct wn_error *err)
{
	if (count == 0)
		return true;
	int32_t *rounds = wn_arena_array(arena, count, sizeof *rounds);
	if (!rounds)
		return no_room(err, "bonds");
	for (size_t i = 0; i < count; i++)
		rounds[i] = bonds[i].key.round;
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, bonds[0].key.item.bytes, sizeof *bonds, ID_BYTES, count);
	db_arg_int32s(&args, rounds, count);
	db_arg_ids(&args, bonds[0].voter.bytes, sizeof *bonds, ID_BYTES, count);
	return run(db, &SQL_VOTE_BONDS_END, &args, "end seat bonds", err);
}

bool close_store_novelty(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, struct novelty_row **out, size_t *found,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*found = 0;
	*out = NULL;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_NOVELTY, &args, &result, err))
		return wn_while(err, "read novelty");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].numerator = db_int32(result, i, 1);
		(*out)[i].denominator = db_int32(result, i, 2);
	}
	db_done(result);
	return *out || no_room(err, "novelty");
}

bool close_store_audits(struct db *db, struct wn_arena *arena, int64_t epoch, struct audit_row **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_AUDIT_VOTES, &args, &result, err))
		return wn_while(err, "count audit votes");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].voter.bytes, ID_BYTES);
		(*out)[i].votes = db_int64(result, i, 1);
	}
	db_done(result);
	return *out || no_room(err, "audit votes");
}

bool close_store_close(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, int64_t minted, const struct sha256 *claims_root,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	db_arg_int64(&args, minted);
	db_arg_bytes(&args, claims_root->bytes, ID_BYTES);
	return run(db, &SQL_VOTE_EPOCH_CLOSE, &args, "close the epoch", err);
}

bool close_store_final_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct final_row **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_FINAL_DUE, &args, &result, err))
		return wn_while(err, "find items whose challenge window is over");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "final items");
	struct wn_slice last = { 0 };
	struct campaign campaign;
	for (size_t i = 0; ok && i < *count; i++) {
		struct wn_slice document = db_slice(result, i, 2);
		const struct json *json;
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].class = db_int32(result, i, 1);
		if (!last.data || !wn_slice_equal(last, document))
			ok = json_parse(arena, document.data, document.bytes, &json, err) && campaign_parse(json, &campaign, err);
		last = document;
		if (ok && (*out)[i].class >= 0)
			(*out)[i].keeps = campaign.choices[(*out)[i].class].verdict == CHOICE_KEEP;
	}
	db_done(result);
	return ok;
}
