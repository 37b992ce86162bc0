/* The shared part of reward's database tests. */
#include "tests/reward/bank.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "reward/ledger_store.h"
#include "tests/check.h"

enum { BANK_ARENA_BYTES = 256 << 20 };

struct db *bank_connect(const struct bank *bank, const char *role)
{
	char conninfo[BANK_CONNINFO_MAX + 64];
	struct wn_error err = {0};
	struct db *db = NULL;
	snprintf(conninfo, sizeof conninfo, "%s user=%s", bank->conninfo, role);
	CHECK_OK(db_open(&db, conninfo, &err), err);
	return db;
}

bool bank_open(struct bank *bank)
{
	*bank = (struct bank){0};
	wn_arena_init(&bank->arena, BANK_ARENA_BYTES);
	const char *conninfo = test_database();
	if (!conninfo)
		return false;
	snprintf(bank->conninfo, sizeof bank->conninfo, "%s", conninfo);
	bank->owner = bank_connect(bank, "winnow_owner");
	bank->serve = bank_connect(bank, "winnow_serve");
	bank->reward = bank_connect(bank, "winnow_reward");
	return bank->owner && bank->serve && bank->reward;
}

void bank_close(struct bank *bank)
{
	db_close(bank->owner);
	db_close(bank->serve);
	db_close(bank->reward);
	wn_arena_free(&bank->arena);
}

struct ledger_ref bank_ref(int owner, enum ledger_kind kind)
{
	struct ledger_ref ref = {.kind = kind};
	memset(ref.owner, owner, sizeof ref.owner);
	return ref;
}

struct ledger_ref bank_mint(void)
{
	return bank_ref(0, LEDGER_MINT);
}

struct transfer bank_transfer(
	const char *cause, int number, struct ledger_ref debit, struct ledger_ref credit, int64_t amount)
{
	struct transfer transfer = {.debit = debit, .credit = credit, .amount = amount, .cause = cause, .epoch = -1};
	transfer_id_of(&transfer.id, cause, NULL, NULL, (uint64_t)number);
	return transfer;
}

struct transfer bank_ending(const struct transfer *pending, enum transfer_step step, int64_t amount, int number)
{
	struct transfer transfer = *pending;
	transfer.step = step;
	transfer.amount = amount;
	transfer.pending_id = pending->id;
	transfer_id_of(&transfer.id, "ending", pending->id.bytes, NULL, (uint64_t)number);
	return transfer;
}

bool bank_post(
	struct bank *bank, struct db *db, const struct transfer *transfers, size_t count, enum transfer_result *results)
{
	bool done = db_begin(db, &bank->err) &&
		    ledger_store_post(db, &bank->arena, transfers, count, 1000, results, &bank->err) &&
		    db_commit(db, &bank->err);
	if (!done)
		db_rollback(db);
	return done;
}

enum transfer_result bank_post_one(struct bank *bank, struct db *db, const struct transfer *transfer)
{
	enum transfer_result result = TRANSFER_OVERFLOW;
	CHECK_OK(bank_post(bank, db, transfer, 1, &result), bank->err);
	return result;
}

int64_t bank_available(struct bank *bank, int owner, enum ledger_kind kind)
{
	struct ledger_ref ref = bank_ref(owner, kind);
	struct ledger_balance balance = {0};
	CHECK_OK(ledger_store_balance(bank->owner, &bank->arena, &ref, &balance, &bank->err), bank->err);
	return ledger_available(&balance);
}

int64_t bank_number(struct bank *bank, const char *sql)
{
	/* The connection remembers statements by their address and name: both live as long as the bank. */
	struct sql_statement *statement = wn_arena_alloc(&bank->arena, sizeof *statement);
	statement->text = wn_arena_printf(&bank->arena, "SELECT (%s)::bigint", sql);
	statement->name =
		wn_arena_printf(&bank->arena, "bank_%016llx", (unsigned long long)memory_hash(sql, strlen(sql)));
	struct db_result *result;
	struct db_args args;
	db_args_init(&args, &bank->arena);
	if (!db_query(bank->owner, statement, &args, &result, &bank->err)) {
		CHECK_TEXT(bank->err.text, "");
		return INT64_MIN;
	}
	int64_t number = db_is_null(result, 0, 0) ? INT64_MIN : db_int64(result, 0, 0);
	db_done(result);
	return number;
}

void bank_check(struct bank *bank)
{
	CHECK_INT(bank_number(bank, "SELECT sum(debits_posted) - sum(credits_posted) FROM ledger_account"), 0);
	CHECK_INT(bank_number(bank, "SELECT sum(debits_pending) - sum(credits_pending) FROM ledger_account"), 0);
	CHECK_INT(bank_number(bank, "SELECT count(*) FROM ledger_account WHERE kind <> 0 AND credits_posted < "
				    "debits_posted + debits_pending"),
		0);
	CHECK_INT(bank_number(bank, "SELECT count(*) FROM (SELECT pending_id FROM ledger_transfer WHERE step >= 2 "
				    "GROUP BY pending_id HAVING count(*) > 1) t"),
		0);
	CHECK_INT(
		bank_number(bank,
			"SELECT count(*) FROM ledger_transfer e JOIN ledger_transfer p ON p.transfer_id = e.pending_id "
			"WHERE e.step >= 2 AND (p.step <> 1 OR e.amount > p.amount OR e.debit_account <> "
			"p.debit_account "
			"OR e.credit_account <> p.credit_account)"),
		0);
	/* Every balance is what its rows say. */
	CHECK_INT(bank_number(bank, "SELECT count(*) FROM ledger_account a WHERE "
				    "(debits_posted, credits_posted, debits_pending, credits_pending) IS DISTINCT FROM "
				    "((SELECT coalesce(sum(amount), 0) FROM ledger_transfer t WHERE t.debit_account = "
				    "a.account_id AND step IN (0, 2)), "
				    "(SELECT coalesce(sum(amount), 0) FROM ledger_transfer t WHERE t.credit_account = "
				    "a.account_id AND step IN (0, 2)), "
				    "(SELECT coalesce(sum(amount), 0) FROM ledger_transfer t WHERE t.debit_account = "
				    "a.account_id AND step = 1 AND "
				    "NOT EXISTS (SELECT FROM ledger_transfer e WHERE e.pending_id = t.transfer_id AND "
				    "e.step >= 2)), "
				    "(SELECT coalesce(sum(amount), 0) FROM ledger_transfer t WHERE t.credit_account = "
				    "a.account_id AND step = 1 AND "
				    "NOT EXISTS (SELECT FROM ledger_transfer e WHERE e.pending_id = t.transfer_id AND "
				    "e.step >= 2)))"),
		0);
}
