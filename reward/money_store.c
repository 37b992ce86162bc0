/* An account's figures and statement, read from the ledger. */
#include "reward/money_store.h"

#include <string.h>

#include "sql_reward.h"

bool money_store_figures(struct db *db, struct wn_arena *arena, const struct account_key *account,
	struct money_figures *out, struct wn_error *err)
{
	struct ledger_balance balances[LEDGER_KINDS] = {0};
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, account->bytes, ID_BYTES);
	if (!db_query(db, &SQL_REWARD_ACCOUNT_BALANCES, &args, &result, err))
		return wn_while(err, "read an account's balances");
	for (size_t i = 0; i < db_rows(result); i++) {
		int32_t kind = db_int32(result, i, 0);
		wn_assert(kind >= 0 && kind < LEDGER_KINDS);
		balances[kind] = (struct ledger_balance){.debits_posted = db_int64(result, i, 1),
			.credits_posted = db_int64(result, i, 2),
			.debits_pending = db_int64(result, i, 3),
			.credits_pending = db_int64(result, i, 4)};
	}
	db_done(result);
	*out = (struct money_figures){
		.free = ledger_available(&balances[LEDGER_FREE]),
		.stake = ledger_available(&balances[LEDGER_STAKE]),
		.seat_bonds = balances[LEDGER_STAKE].debits_pending + ledger_available(&balances[LEDGER_BOND]),
		.unbonding = ledger_available(&balances[LEDGER_UNBONDING]),
		.vesting = ledger_available(&balances[LEDGER_VESTING]),
		.arriving = balances[LEDGER_FREE].credits_pending,
		.slashed = balances[LEDGER_BOND].debits_posted,
	};
	return true;
}

static bool money_row_read(const struct db_result *result, size_t row, struct wn_arena *arena, struct money_row *out)
{
	struct transfer *transfer = &out->transfer;
	out->seq = db_int64(result, row, 0);
	db_copy_id(result, row, 1, transfer->id.bytes, ID_BYTES);
	out->time_ms = db_int64(result, row, 2);
	struct wn_slice cause = db_slice(result, row, 3);
	transfer->cause = wn_arena_copy(arena, cause.data, cause.bytes);
	transfer->amount = db_int64(result, row, 4);
	transfer->step = (enum transfer_step)db_int32(result, row, 5);
	if (!db_is_null(result, row, 6))
		db_copy_id(result, row, 6, transfer->subject, ID_BYTES);
	transfer->epoch = db_is_null(result, row, 7) ? -1 : db_int64(result, row, 7);
	db_copy_id(result, row, 8, transfer->debit.owner, ID_BYTES);
	transfer->debit.kind = (enum ledger_kind)db_int32(result, row, 9);
	db_copy_id(result, row, 10, transfer->credit.owner, ID_BYTES);
	transfer->credit.kind = (enum ledger_kind)db_int32(result, row, 11);
	return transfer->cause != NULL;
}

bool money_store_statement(struct db *db, struct wn_arena *arena, const struct account_key *account, int64_t before,
	int most, struct money_row **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, account->bytes, ID_BYTES);
	db_arg_int64(&args, before);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_REWARD_STATEMENT, &args, &result, err))
		return wn_while(err, "read a statement");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL;
	for (size_t i = 0; ok && i < *count; i++)
		ok = money_row_read(result, i, arena, &(*out)[i]);
	db_done(result);
	return ok || wn_fail(err, WN_FULL, "memory", "no room for a statement");
}

bool money_store_supply(struct db *db, struct wn_arena *arena, struct money_supply *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*out = (struct money_supply){0};
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_REWARD_SUPPLY, &args, &result, err))
		return wn_while(err, "add up the ledger");
	for (size_t i = 0; i < db_rows(result); i++) {
		int32_t kind = db_int32(result, i, 0);
		wn_assert(kind >= 0 && kind < LEDGER_KINDS);
		out->posted[kind] = db_int64(result, i, 1);
		out->sum += out->posted[kind];
		out->debits_pending += db_int64(result, i, 2);
		out->credits_pending += db_int64(result, i, 3);
	}
	db_done(result);
	return true;
}
