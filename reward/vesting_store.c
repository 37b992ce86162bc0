/* Vesting and unbonding in PostgreSQL. What a grant has released is not stored: its owner's last release tells it. */
#include "reward/vesting_store.h"

#include <string.h>

#include "core/id.h"
#include "reward/ledger_store.h"
#include "reward/tokens.h"
#include "reward/vesting.h"
#include "sql_reward.h"

/* An owner whose grants are looked at, and what becomes free now. */
struct owner_step {
	uint8_t owner[ID_BYTES];
	int64_t stepped_ms, due;
};

/* A grant as its release sees it. */
struct grant_row {
	struct transfer_id id;
	uint8_t owner[ID_BYTES];
	int64_t amount, start_ms, period_ms;
	bool joined; /* was in a release of its owner before */
};

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

/* Posts what the accounts hold. */
static bool moves_post(
	struct db *db, struct wn_arena *arena, const struct vesting_moves *moves, int64_t now_ms, struct wn_error *err)
{
	enum transfer_result *results = wn_arena_array(arena, moves->count, sizeof *results);
	if (!results)
		return no_room(err, "the results of transfers");
	if (!ledger_store_post(db, arena, moves->transfers, moves->count, now_ms, results, err))
		return false;
	for (size_t i = 0; i < moves->count; i++) {
		/* A slash may come between reading a balance and locking it. */
		if (results[i] == TRANSFER_OVERDRAWN)
			return wn_fail(err, WN_BUSY, "ledger_moved", "an account has less than it had a moment ago");
		wn_assert(results[i] == TRANSFER_DONE);
	}
	return true;
}

static bool vesting_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	db_args_init(&args, arena);
	return db_query(db, &SQL_REWARD_VESTING_EXCLUDE, &args, NULL, err) || wn_while(err, "hold the grants");
}

/* ---- grants ---- */

static bool grants_insert(
	struct db *db, struct wn_arena *arena, const struct vesting_grant *grants, size_t count, struct wn_error *err)
{
	int64_t *amounts = wn_arena_array(arena, count, sizeof *amounts),
		*starts = wn_arena_array(arena, count, sizeof *starts);
	int64_t *periods = wn_arena_array(arena, count, sizeof *periods);
	int64_t *finals = wn_arena_array(arena, count, sizeof *finals);
	bool *revocable = wn_arena_array(arena, count, sizeof *revocable);
	struct db_args args;
	if (!amounts || !starts || !periods || !finals || !revocable)
		return no_room(err, "grants");
	for (size_t i = 0; i < count; i++) {
		wn_assert(grants[i].amount > 0);
		wn_assert(grants[i].period_ms >= 0);
		amounts[i] = grants[i].amount;
		starts[i] = grants[i].start_ms;
		periods[i] = grants[i].period_ms;
		revocable[i] = grants[i].revocable;
		finals[i] = grants[i].final_ms;
	}
	db_args_init(&args, arena);
	db_arg_ids(&args, grants[0].id.bytes, sizeof *grants, ID_BYTES, count);
	db_arg_ids(&args, grants[0].owner, sizeof *grants, ID_BYTES, count);
	db_arg_int64s(&args, amounts, count);
	db_arg_int64s(&args, starts, count);
	db_arg_int64s(&args, periods, count);
	db_arg_bools(&args, revocable, count);
	db_arg_int64s(&args, finals, count);
	if (!db_query(db, &SQL_REWARD_GRANTS_ADD, &args, NULL, err))
		return false;
	db_args_init(&args, arena);
	db_arg_ids(&args, grants[0].owner, sizeof *grants, ID_BYTES, count);
	return db_query(db, &SQL_REWARD_OWNERS_ADD, &args, NULL, err);
}

bool vesting_grant_add(
	struct db *db, struct wn_arena *arena, const struct vesting_grant *grants, size_t count, struct wn_error *err)
{
	wn_assert(db_in_transaction(db));
	return count == 0 || grants_insert(db, arena, grants, count, err) || wn_while(err, "add %zu grants", count);
}

/* What its owner's last release, at stepped_ms, has released of it. */
static int64_t grant_released(const struct grant_row *grant, int64_t stepped_ms)
{
	return grant->joined ? vesting_vested(grant->amount, stepped_ms - grant->start_ms, grant->period_ms) : 0;
}

static void grant_read(const struct db_result *result, size_t row, struct grant_row *out)
{
	db_copy_id(result, row, 0, out->id.bytes, sizeof out->id.bytes);
	db_copy_id(result, row, 1, out->owner, sizeof out->owner);
	out->amount = db_int64(result, row, 2);
	out->start_ms = db_int64(result, row, 3);
	out->period_ms = db_int64(result, row, 4);
	out->joined = db_bool(result, row, 5);
}

/* Grants that joined a release or ended by it. */
struct grant_steps {
	struct transfer_id *ids;
	bool *ended;
	size_t count;
};

static bool grant_steps_room(struct grant_steps *steps, struct wn_arena *arena, size_t count)
{
	steps->ids = wn_arena_array(arena, count, sizeof *steps->ids);
	steps->ended = wn_arena_array(arena, count, sizeof *steps->ended);
	steps->count = 0;
	return steps->ids && steps->ended;
}

static void grant_steps_put(struct grant_steps *steps, const struct transfer_id *id, bool ended)
{
	steps->ids[steps->count] = *id;
	steps->ended[steps->count++] = ended;
}

static bool grants_step(struct db *db, struct wn_arena *arena, const struct grant_steps *steps, struct wn_error *err)
{
	struct db_args args;
	if (steps->count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, steps->ids[0].bytes, sizeof *steps->ids, ID_BYTES, steps->count);
	db_arg_bools(&args, steps->ended, steps->count);
	return db_query(db, &SQL_REWARD_GRANTS_STEP, &args, NULL, err) || wn_while(err, "note the grants' releases");
}

/* ---- releasing ---- */

static bool owners_due(struct db *db, struct wn_arena *arena, int64_t epoch, int most, struct owner_step **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_REWARD_OWNERS_DUE, &args, &result, err))
		return wn_while(err, "find owners of grants");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].owner, ID_BYTES);
		(*out)[i].stepped_ms = db_int64(result, i, 1);
	}
	db_done(result);
	return *out || no_room(err, "owners of grants");
}

static void arg_owners(struct db_args *args, const struct owner_step *steps, size_t count)
{
	db_arg_ids(args, steps[0].owner, sizeof *steps, ID_BYTES, count);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Adds up what each owner's grants have vested since its last release. */
static bool grants_due(struct db *db, struct wn_arena *arena, int64_t now_ms, struct owner_step *owners,
	size_t owner_count, struct grant_steps *steps, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	arg_owners(&args, owners, owner_count);
	if (!db_query(db, &SQL_REWARD_GRANTS_DUE, &args, &result, err))
		return wn_while(err, "read grants");
	size_t rows = db_rows(result), at = 0;
	bool ok = grant_steps_room(steps, arena, rows);
	/* Rows come owner by owner, but not in the order of `owners`. */
	for (size_t i = 0; ok && i < rows; i++) {
		struct grant_row grant;
		grant_read(result, i, &grant);
		for (size_t tried = 0; memcmp(owners[at].owner, grant.owner, ID_BYTES) != 0; tried++) {
			wn_assert(tried < owner_count);
			at = (at + 1) % owner_count;
		}
		/* A clock that was set back takes nothing: all grants of an owner stand at one time, the latest there
		 * was. */
		int64_t until_ms = later(now_ms, owners[at].stepped_ms);
		int64_t vested = vesting_vested(grant.amount, until_ms - grant.start_ms, grant.period_ms);
		int64_t released = grant_released(&grant, owners[at].stepped_ms);
		wn_assert(vested >= released);
		bool fits = tokens_add(owners[at].due, vested - released, &owners[at].due);
		wn_assert(fits);
		if (!grant.joined || vested == grant.amount)
			grant_steps_put(steps, &grant.id, vested == grant.amount);
	}
	db_done(result);
	return ok || no_room(err, "grants");
}

static bool owners_step(struct db *db, struct wn_arena *arena, const struct owner_step *owners, size_t count,
	int64_t epoch, int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	arg_owners(&args, owners, count);
	if (!db_query(db, &SQL_REWARD_OWNERS_LOCK, &args, NULL, err))
		return wn_while(err, "lock owners of grants");
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	return db_query(db, &SQL_REWARD_OWNERS_STEP, &args, NULL, err) || wn_while(err, "note releases");
}

static void move_put(struct vesting_moves *moves, const uint8_t owner[ID_BYTES], enum ledger_kind from, int64_t amount,
	const char *cause, int64_t epoch)
{
	struct transfer *transfer = &moves->transfers[moves->count++];
	memset(transfer, 0, sizeof *transfer);
	memcpy(transfer->debit.owner, owner, ID_BYTES);
	memcpy(transfer->credit.owner, owner, ID_BYTES);
	transfer->debit.kind = from;
	transfer->credit.kind = LEDGER_FREE;
	transfer->amount = amount;
	transfer->cause = cause;
	transfer->epoch = epoch;
}

bool vesting_release_due(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, int most, size_t *count,
	struct vesting_moves *moves, struct wn_error *err)
{
	struct owner_step *owners;
	struct grant_steps steps;
	moves->count = 0;
	if (!vesting_exclude(db, arena, err) || !owners_due(db, arena, epoch, most, &owners, count, err))
		return false;
	if (*count == 0)
		return true;
	moves->transfers = wn_arena_array(arena, *count, sizeof *moves->transfers);
	if (!moves->transfers)
		return no_room(err, "releases");
	if (!grants_due(db, arena, now_ms, owners, *count, &steps, err))
		return false;
	for (size_t i = 0; i < *count; i++) {
		if (owners[i].due == 0)
			continue;
		move_put(moves, owners[i].owner, LEDGER_VESTING, owners[i].due, "reward/vested", epoch);
		transfer_id_of(&moves->transfers[moves->count - 1].id, "reward/vested", owners[i].owner, NULL,
			(uint64_t)epoch);
	}
	return moves_post(db, arena, moves, now_ms, err) && grants_step(db, arena, &steps, err) &&
	       owners_step(db, arena, owners, *count, epoch, now_ms, err);
}

bool vesting_revoke(struct db *db, struct wn_arena *arena, const struct transfer_id *grants, size_t grant_count,
	const uint8_t subject[ID_BYTES], int64_t epoch, int64_t now_ms, struct vesting_moves *moves,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	moves->count = 0;
	if (grant_count == 0)
		return true;
	if (!vesting_exclude(db, arena, err))
		return false;
	db_args_init(&args, arena);
	db_arg_ids(&args, grants[0].bytes, sizeof *grants, ID_BYTES, grant_count);
	if (!db_query(db, &SQL_REWARD_GRANTS_REVOCABLE, &args, &result, err))
		return wn_while(err, "find grants to take back");
	size_t rows = db_rows(result);
	struct grant_steps steps;
	moves->transfers = wn_arena_array(arena, rows, sizeof *moves->transfers);
	bool ok = grant_steps_room(&steps, arena, rows) && moves->transfers;
	for (size_t i = 0; ok && i < rows; i++) {
		struct grant_row grant;
		grant_read(result, i, &grant);
		grant_steps_put(&steps, &grant.id, true);
		int64_t rest = grant.amount - grant_released(&grant, db_int64(result, i, 6));
		if (rest == 0)
			continue;
		move_put(moves, grant.owner, LEDGER_VESTING, rest, "overturned", epoch);
		struct transfer *transfer = &moves->transfers[moves->count - 1];
		memset(&transfer->credit, 0, sizeof transfer->credit);
		transfer->credit.kind = LEDGER_MINT;
		memcpy(transfer->subject, subject, ID_BYTES);
		transfer_id_of(&transfer->id, "overturned", grant.id.bytes, NULL, 0);
	}
	db_done(result);
	if (!ok)
		return no_room(err, "grants to take back");
	return moves_post(db, arena, moves, now_ms, err) && grants_step(db, arena, &steps, err);
}

/* ---- unbonding ---- */

bool unbonding_add(struct db *db, struct wn_arena *arena, const struct transfer_id *id, const uint8_t owner[ID_BYTES],
	int64_t amount, int64_t due_ms, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	wn_assert(amount > 0);
	db_args_init(&args, arena);
	db_arg_bytes(&args, id->bytes, ID_BYTES);
	db_arg_bytes(&args, owner, ID_BYTES);
	db_arg_int64(&args, amount);
	db_arg_int64(&args, due_ms);
	return db_query(db, &SQL_REWARD_UNBONDING_ADD, &args, NULL, err) || wn_while(err, "note stake that unbonds");
}

bool unbonded_share(struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	db_args_init(&args, arena);
	return db_query(db, &SQL_REWARD_UNBONDED_SHARE, &args, NULL, err) || wn_while(err, "share the epoch");
}

bool unbonded_note(struct db *db, struct wn_arena *arena, const uint8_t owner[ID_BYTES], bool out, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	db_args_init(&args, arena);
	db_arg_bytes(&args, owner, ID_BYTES);
	return db_query(db, out ? &SQL_REWARD_UNBONDED_BEGIN : &SQL_REWARD_UNBONDED_END, &args, NULL, err) ||
	       wn_while(err, "note who unbonded everything");
}

/* Rows due, oldest first: their transfers, owners' unbonding accounts and amounts. */
struct unbonding_rows {
	struct transfer_id *ids;
	struct ledger_ref *refs;
	int64_t *amounts;
	size_t count;
};

static bool unbonding_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct unbonding_rows *out,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_REWARD_UNBONDING_DUE, &args, &result, err))
		return wn_while(err, "find stake that is unbonded");
	out->count = db_rows(result);
	out->ids = wn_arena_array(arena, out->count, sizeof *out->ids);
	out->refs = wn_arena_array(arena, out->count, sizeof *out->refs);
	out->amounts = wn_arena_array(arena, out->count, sizeof *out->amounts);
	bool ok = out->ids && out->refs && out->amounts;
	for (size_t i = 0; ok && i < out->count; i++) {
		db_copy_id(result, i, 0, out->ids[i].bytes, ID_BYTES);
		db_copy_id(result, i, 1, out->refs[i].owner, ID_BYTES);
		out->refs[i].kind = LEDGER_UNBONDING;
		out->amounts[i] = db_int64(result, i, 2);
	}
	db_done(result);
	return ok || no_room(err, "stake that is unbonded");
}

/* What was slashed while it unbonded is missing at the end: earlier rows are paid first. */
static int64_t unbonding_left(
	const struct unbonding_rows *rows, const struct ledger_balance *balances, size_t at, const int64_t *moved)
{
	int64_t left = ledger_available(&balances[at]);
	for (size_t i = 0; i < at; i++)
		if (memcmp(rows->refs[i].owner, rows->refs[at].owner, ID_BYTES) == 0)
			left -= moved[i];
	wn_assert(left >= 0);
	return left;
}

bool unbonding_release_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, size_t *count,
	struct vesting_moves *moves, struct wn_error *err)
{
	struct unbonding_rows rows = {0};
	struct db_args args;
	moves->count = 0;
	wn_assert(db_in_transaction(db));
	if (!unbonding_due(db, arena, now_ms, most, &rows, err))
		return false;
	*count = rows.count;
	if (rows.count == 0)
		return true;
	struct ledger_balance *balances = wn_arena_array(arena, rows.count, sizeof *balances);
	int64_t *moved = wn_arena_array(arena, rows.count, sizeof *moved);
	moves->transfers = wn_arena_array(arena, rows.count, sizeof *moves->transfers);
	if (!balances || !moved || !moves->transfers)
		return no_room(err, "stake that is unbonded");
	if (!ledger_store_balances(db, arena, rows.refs, rows.count, balances, err))
		return false;
	for (size_t i = 0; i < rows.count; i++) {
		int64_t left = unbonding_left(&rows, balances, i, moved);
		moved[i] = rows.amounts[i] < left ? rows.amounts[i] : left;
		if (moved[i] == 0)
			continue;
		move_put(moves, rows.refs[i].owner, LEDGER_UNBONDING, moved[i], "unbonded", -1);
		transfer_id_of(&moves->transfers[moves->count - 1].id, "unbonded", rows.ids[i].bytes, NULL, 0);
	}
	if (!moves_post(db, arena, moves, now_ms, err))
		return false;
	db_args_init(&args, arena);
	db_arg_ids(&args, rows.ids[0].bytes, sizeof *rows.ids, ID_BYTES, rows.count);
	return db_query(db, &SQL_REWARD_UNBONDING_END, &args, NULL, err) || wn_while(err, "end unbonding");
}
