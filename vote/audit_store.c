/* Reads for an audit; nothing is written. */
#include "vote/audit_store.h"

#include <string.h>

#include "core/states.h"
#include "sql_vote.h"

/* Entries have up to a megabyte each. */
enum { AUDIT_ENTRIES_PAGE = 64 };

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for a page of the audit");
}

bool audit_store_snapshot(struct db *db, struct wn_error *err)
{
	wn_assert(db_in_transaction(db));
	return db_command(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err) ||
	       wn_while(err, "take a snapshot");
}

/* Copies what must outlive the result. */
static bool slice_copy(
	struct wn_arena *arena, const struct db_result *result, size_t row, int column, struct wn_slice *out)
{
	struct wn_slice slice = db_slice(result, row, column);
	*out = (struct wn_slice){wn_arena_copy(arena, slice.data, slice.bytes), slice.bytes};
	return out->data != NULL;
}

bool audit_store_entries(struct db *db, struct wn_arena *arena, int64_t after, struct audit_entry **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int32(&args, AUDIT_ENTRIES_PAGE);
	if (!db_query(db, &SQL_VOTE_AUDIT_ENTRIES, &args, &result, err))
		return wn_while(err, "read the journal");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL;
	for (size_t i = 0; ok && i < *count; i++) {
		(*out)[i].entry_id = db_int64(result, i, 0);
		ok = slice_copy(arena, result, i, 1, &(*out)[i].body);
	}
	db_done(result);
	return ok || no_room(err);
}

bool audit_store_balances(struct db *db, struct wn_arena *arena, int64_t after, struct audit_balance **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int32(&args, AUDIT_PAGE);
	if (!db_query(db, &SQL_VOTE_AUDIT_BALANCES, &args, &result, err))
		return wn_while(err, "read ledger accounts");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct audit_balance *row = &(*out)[i];
		row->account_id = db_int64(result, i, 0);
		db_copy_id(result, i, 1, row->ref.owner, ID_BYTES);
		row->ref.kind = (enum ledger_kind)db_int32(result, i, 2);
		row->balance = (struct ledger_balance){
			db_int64(result, i, 3), db_int64(result, i, 4), db_int64(result, i, 5), db_int64(result, i, 6)};
	}
	db_done(result);
	return *out || no_room(err);
}

bool audit_store_claims(struct db *db, struct wn_arena *arena, const struct account_key *after,
	struct audit_claim **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, after->bytes, ID_BYTES);
	db_arg_int32(&args, AUDIT_PAGE);
	if (!db_query(db, &SQL_VOTE_AUDIT_CLAIMS, &args, &result, err))
		return wn_while(err, "read claims");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].account.bytes, ID_BYTES);
		(*out)[i].cumulative = db_int64(result, i, 1);
	}
	db_done(result);
	return *out || no_room(err);
}

bool audit_store_grants(struct db *db, struct wn_arena *arena, const struct transfer_id *after,
	struct audit_grant **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, after->bytes, ID_BYTES);
	db_arg_int32(&args, AUDIT_PAGE);
	if (!db_query(db, &SQL_VOTE_AUDIT_GRANTS, &args, &result, err))
		return wn_while(err, "read grants");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct audit_grant *row = &(*out)[i];
		db_copy_id(result, i, 0, row->id.bytes, ID_BYTES);
		db_copy_id(result, i, 1, row->owner.bytes, ID_BYTES);
		row->grant = (struct replay_granted){.amount = db_int64(result, i, 2),
			.start_ms = db_int64(result, i, 3),
			.period_ms = db_int64(result, i, 4),
			.revocable = db_bool(result, i, 5),
			.final_ms = db_int64(result, i, 6)};
	}
	db_done(result);
	return *out || no_room(err);
}

bool audit_store_validators(struct db *db, struct wn_arena *arena, const char *campaign,
	const struct account_key *voter, struct audit_validator **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	db_arg_int32(&args, AUDIT_PAGE);
	if (!db_query(db, &SQL_VOTE_AUDIT_VALIDATORS, &args, &result, err))
		return wn_while(err, "read the validators' records");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err);
	for (size_t i = 0; ok && i < *count; i++) {
		struct audit_validator *row = &(*out)[i];
		struct wn_slice name;
		ok = slice_copy(arena, result, i, 0, &name) || no_room(err);
		row->campaign = name.data;
		db_copy_id(result, i, 1, row->voter.bytes, ID_BYTES);
		ok = ok && db_int64s(result, i, 2, arena, &row->counts, &row->cells, err);
		row->gold_votes = db_int64(result, i, 3);
		row->gold_right = db_int64(result, i, 4);
		row->carried_points = db_int64(result, i, 5);
		row->carried_scored = db_int64(result, i, 6);
		row->carried_since = db_int64(result, i, 7);
	}
	db_done(result);
	return ok;
}

/* Rows come in no order: which of `count` ids, `stride` bytes apart, the first column of this one names. */
static size_t place_of(
	const struct db_result *result, size_t row, const void *first, size_t stride, size_t count, size_t guess)
{
	uint8_t id[ID_BYTES];
	db_copy_id(result, row, 0, id, ID_BYTES);
	for (size_t tried = 0; tried < count; tried++) {
		size_t i = (guess + tried) % count;
		if (memcmp((const char *)first + i * stride, id, ID_BYTES) == 0)
			return i;
	}
	return count;
}

bool audit_store_verdicts(struct db *db, struct wn_arena *arena, const struct replay_verdict *verdicts, size_t count,
	struct replay_verdict *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t at = 0;
	memset(found, 0, count * sizeof *found);
	db_args_init(&args, arena);
	db_arg_ids(&args, verdicts[0].item.bytes, sizeof *verdicts, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_AUDIT_VERDICTS, &args, &result, err))
		return wn_while(err, "read verdicts");
	for (size_t i = 0; i < db_rows(result); i++) {
		at = place_of(result, i, verdicts, sizeof *verdicts, count, at + 1);
		wn_assert(at < count);
		found[at] = true;
		out[at] = (struct replay_verdict){.item = verdicts[at].item,
			.class = db_int32(result, i, 1),
			.p_good = db_int32(result, i, 2),
			.margin = db_int64(result, i, 3),
			.votes = db_int32(result, i, 4),
			.epoch = db_int64(result, i, 5)};
	}
	db_done(result);
	return true;
}

bool audit_store_verdict_count(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_AUDIT_VERDICT_COUNT, &args, &result, err))
		return wn_while(err, "count verdicts");
	*out = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

bool audit_store_votes(
	struct db *db, struct wn_arena *arena, int64_t *votes, int64_t *alone, const char **item, struct wn_error *err)
{
	struct db_result *result;
	if (!db_query(db, &SQL_VOTE_AUDIT_VOTES_ALONE, NULL, &result, err))
		return wn_while(err, "look for votes without seat or ballot");
	*votes = db_int64(result, 0, 0);
	*alone = db_int64(result, 0, 1);
	struct wn_slice hex = db_slice(result, 0, 2);
	*item = *alone > 0 ? wn_arena_copy(arena, hex.data, hex.bytes) : "";
	db_done(result);
	return *item || wn_fail(err, WN_FULL, "memory", "no room for an item's id");
}

bool audit_store_states(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int32_t *out,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t at = 0;
	for (size_t i = 0; i < count; i++)
		out[i] = -1;
	db_args_init(&args, arena);
	db_arg_ids(&args, items, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_AUDIT_STATES, &args, &result, err))
		return wn_while(err, "read items");
	for (size_t i = 0; i < db_rows(result); i++) {
		at = place_of(result, i, items, sizeof *items, count, at + 1);
		wn_assert(at < count);
		out[at] = db_int32(result, i, 1);
	}
	db_done(result);
	return true;
}

bool audit_store_ballots(struct db *db, struct wn_arena *arena, const struct replay_ballot *ballots, size_t count,
	struct audit_evidence *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t at = 0;
	bool ok = true;
	memset(out, 0, count * sizeof *out);
	db_args_init(&args, arena);
	db_arg_ids(&args, ballots[0].base.bytes, sizeof *ballots, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_AUDIT_BALLOTS, &args, &result, err))
		return wn_while(err, "read ballots");
	for (size_t i = 0; ok && i < db_rows(result); i++) {
		at = place_of(result, i, &ballots[0].base, sizeof *ballots, count, at + 1);
		wn_assert(at < count);
		out[at].found = true;
		db_copy_id(result, i, 1, out[at].voter.bytes, ID_BYTES);
		ok = slice_copy(arena, result, i, 2, &out[at].base) &&
		     slice_copy(arena, result, i, 3, &out[at].signature) &&
		     slice_copy(arena, result, i, 4, &out[at].body);
	}
	db_done(result);
	return ok || no_room(err);
}

bool audit_store_epoch(struct db *db, struct wn_arena *arena, int64_t epoch, struct replay_epoch_close *out,
	bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_AUDIT_EPOCH, &args, &result, err))
		return wn_while(err, "read an epoch");
	*found = db_rows(result) == 1 && db_int32(result, 0, 0) == EPOCH_CLOSED && !db_is_null(result, 0, 4) &&
		 !db_is_null(result, 0, 5);
	if (*found) {
		*out = (struct replay_epoch_close){.epoch = epoch,
			.opened_ms = db_int64(result, 0, 1),
			.ended_ms = db_int64(result, 0, 2),
			.minted = db_int64(result, 0, 3)};
		db_copy_id(result, 0, 4, out->claims_root.bytes, ID_BYTES);
		db_copy_id(result, 0, 5, out->beacon.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}
