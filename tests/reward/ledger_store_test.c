/* The ledger in a real database: batches, repeats, endings, claims, and writers that meet. */
#include "tests/check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "core/journal.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "sql_reward.h"
#include "tests/reward/bank.h"

SUITE("ledger in the database")

TEST(every_statement_of_reward_prepares_against_the_migrated_database)
{
	struct bank bank;
	CHECK_OR_RETURN(bank_open(&bank));
	for (size_t i = 0; sql_reward_all[i]; i++) {
		char *text = wn_arena_printf(&bank.arena, "PREPARE p%zu AS %s", i, sql_reward_all[i]->text);
		CHECK_OK(db_command(bank.owner, text, &bank.err), bank.err);
	}
	bank_close(&bank);
}

TEST(a_batch_posts_in_order_and_a_refused_transfer_stops_no_other)
{
	enum { COUNT = 8 };
	struct bank bank;
	enum transfer_result results[COUNT];
	CHECK_OR_RETURN(bank_open(&bank));
	struct ledger_ref a = bank_ref(1, LEDGER_FREE), b = bank_ref(2, LEDGER_FREE), stake = bank_ref(1, LEDGER_STAKE),
			  bond = bank_ref(1, LEDGER_BOND);
	struct transfer transfers[COUNT] = {
		bank_transfer("early", 0, a, b, 1), /* nothing is there yet */
		bank_transfer("genesis", 1, bank_mint(), a, 100), bank_transfer("stake", 2, a, stake, 60),
		bank_transfer("greedy", 3, a, b, 41), bank_transfer("seat", 4, stake, bond, 50),
		bank_transfer("twice", 5, stake, bond, 11), /* 10 are left beside the pending bond */
	};
	transfers[4].step = TRANSFER_PENDING;
	transfers[6] = bank_ending(&transfers[4], TRANSFER_POST, 20, 6);
	transfers[7] = bank_ending(&transfers[4], TRANSFER_VOID, 0, 7);
	CHECK_OK(bank_post(&bank, bank.serve, transfers, COUNT, results), bank.err);
	static const enum transfer_result wanted[COUNT] = {TRANSFER_OVERDRAWN, TRANSFER_DONE, TRANSFER_DONE,
		TRANSFER_OVERDRAWN, TRANSFER_DONE, TRANSFER_OVERDRAWN, TRANSFER_DONE, TRANSFER_ENDED};
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], wanted[i]);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 40);
	CHECK_INT(bank_available(&bank, 1, LEDGER_STAKE), 40);
	CHECK_INT(bank_available(&bank, 1, LEDGER_BOND), 20);
	CHECK_INT(bank_available(&bank, 2, LEDGER_FREE), 0);
	CHECK_INT(bank_available(&bank, 77, LEDGER_FREE), 0);
	/* What was refused left no row; what was done is numbered in the batch's order. */
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_transfer"), 4);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM (SELECT step, lag(step) OVER (ORDER BY seq) AS before FROM "
				     "ledger_transfer) t "
				     "WHERE (before, step) IN ((0, 0), (0, 1), (1, 2))"),
		3);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(the_whole_batch_again_changes_nothing_and_other_content_is_refused)
{
	enum { COUNT = 4 };
	struct bank bank;
	enum transfer_result results[COUNT];
	CHECK_OR_RETURN(bank_open(&bank));
	struct ledger_ref a = bank_ref(1, LEDGER_FREE), b = bank_ref(2, LEDGER_FREE);
	struct transfer transfers[COUNT] = {
		bank_transfer("genesis", 1, bank_mint(), a, 100),
		bank_transfer("hold", 2, a, b, 30),
	};
	transfers[1].step = TRANSFER_PENDING;
	memset(transfers[1].subject, 7, sizeof transfers[1].subject);
	transfers[1].epoch = 5;
	transfers[2] = bank_ending(&transfers[1], TRANSFER_EXPIRE, 999, 1);
	transfers[3] = transfers[0]; /* told twice in one batch */
	CHECK_OK(bank_post(&bank, bank.serve, transfers, COUNT, results), bank.err);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], i < 3 ? TRANSFER_DONE : TRANSFER_REPEATED);
	CHECK_OK(bank_post(&bank, bank.serve, transfers, COUNT, results), bank.err);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], TRANSFER_REPEATED);
	transfers[0].amount++;
	transfers[1].epoch = -1;
	transfers[2].cause = "other";
	transfers[3].credit = b;
	CHECK_OK(bank_post(&bank, bank.serve, transfers, COUNT, results), bank.err);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], TRANSFER_DIFFERS);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 100);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_transfer"), 3);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(a_transaction_that_is_rolled_back_leaves_no_trace)
{
	struct bank bank;
	enum transfer_result result;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer grant = bank_transfer("reward/grant", 1, bank_mint(), bank_ref(1, LEDGER_FREE), 100);
	CHECK_OK(db_begin(bank.reward, &bank.err), bank.err);
	CHECK_OK(ledger_store_post(bank.reward, &bank.arena, &grant, 1, 1000, &result, &bank.err), bank.err);
	CHECK_INT(result, TRANSFER_DONE);
	db_rollback(bank.reward);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_account"), 0);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_transfer"), 0);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM claims_total"), 0);
	CHECK_INT(bank_post_one(&bank, bank.reward, &grant), TRANSFER_DONE);
	bank_close(&bank);
}

TEST(history_is_for_adding_only_and_the_database_itself_refuses_an_overdraft)
{
	struct bank bank;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer grant = bank_transfer("genesis", 1, bank_mint(), bank_ref(1, LEDGER_FREE), 100);
	CHECK_INT(bank_post_one(&bank, bank.serve, &grant), TRANSFER_DONE);
	CHECK(!db_command(bank.serve, "UPDATE ledger_transfer SET amount = 1", &bank.err));
	CHECK_TEXT(bank.err.code, "db_denied");
	CHECK(!db_command(bank.reward, "DELETE FROM ledger_transfer", &bank.err));
	CHECK_TEXT(bank.err.code, "db_denied");
	CHECK(!db_command(bank.serve, "UPDATE claims_total SET cumulative = 1", &bank.err));
	CHECK_TEXT(bank.err.code, "db_denied");
	CHECK(!db_command(bank.reward, "UPDATE ledger_account SET debits_posted = debits_posted + 101 WHERE kind = 1",
		&bank.err));
	CHECK_TEXT(bank.err.code, "db_check");
	bank_close(&bank);
}

TEST(what_was_never_minted_is_the_cap_less_supply_and_promises)
{
	struct bank bank;
	int64_t unminted;
	CHECK_OR_RETURN(bank_open(&bank));
	CHECK_OK(ledger_store_unminted(bank.owner, &bank.arena, 1000, &unminted, &bank.err), bank.err);
	CHECK_INT(unminted, 1000);
	struct transfer grant = bank_transfer("genesis", 1, bank_mint(), bank_ref(1, LEDGER_FREE), 300);
	struct transfer promise = bank_transfer("reward/validator", 2, bank_mint(), bank_ref(2, LEDGER_FREE), 200);
	struct transfer burn = bank_transfer("slash/burned", 3, bank_ref(1, LEDGER_FREE), bank_mint(), 50);
	promise.step = TRANSFER_PENDING;
	struct transfer withdraw = bank_ending(&promise, TRANSFER_POST, 120, 4);
	CHECK_INT(bank_post_one(&bank, bank.reward, &grant), TRANSFER_DONE);
	CHECK_INT(bank_post_one(&bank, bank.reward, &promise), TRANSFER_DONE);
	CHECK_INT(bank_post_one(&bank, bank.reward, &burn), TRANSFER_DONE);
	CHECK_OK(ledger_store_unminted(bank.owner, &bank.arena, 1000, &unminted, &bank.err), bank.err);
	CHECK_INT(unminted, 550);
	CHECK_INT(bank_post_one(&bank, bank.reward, &withdraw), TRANSFER_DONE);
	CHECK_OK(ledger_store_unminted(bank.owner, &bank.arena, 1000, &unminted, &bank.err), bank.err);
	CHECK_INT(unminted, 630);
	CHECK(!ledger_store_unminted(bank.owner, &bank.arena, 369, &unminted, &bank.err));
	CHECK_TEXT(bank.err.code, "supply_above_cap");
	bank_check(&bank);
	bank_close(&bank);
}

TEST(thousands_of_transfers_are_one_batch)
{
	enum { COUNT = 6000 };
	struct bank bank;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer *transfers = wn_arena_array(&bank.arena, COUNT, sizeof *transfers);
	enum transfer_result *results = wn_arena_array(&bank.arena, COUNT, sizeof *results);
	CHECK_OR_RETURN(transfers && results);
	for (int i = 0; i < COUNT; i++) {
		struct ledger_ref to = bank_ref(0, LEDGER_FREE);
		memcpy(to.owner, &(uint32_t){(uint32_t)(i * 2654435761u)}, 4);
		to.owner[31] = 1;
		transfers[i] = bank_transfer("reward/contributor", i, bank_mint(), to, i);
	}
	CHECK_OK(bank_post(&bank, bank.reward, transfers, COUNT, results), bank.err);
	size_t done = 0;
	for (int i = 0; i < COUNT; i++)
		done += results[i] == TRANSFER_DONE;
	CHECK_INT(done, COUNT);
	CHECK_INT(bank_number(&bank, "SELECT sum(amount) FROM ledger_transfer"), (int64_t)COUNT * (COUNT - 1) / 2);
	CHECK_INT(bank_number(&bank, "SELECT sum(cumulative) FROM claims_total"), (int64_t)COUNT * (COUNT - 1) / 2);
	CHECK_OK(bank_post(&bank, bank.reward, transfers, COUNT, results), bank.err);
	for (int i = 0; i < COUNT; i++)
		if (results[i] != TRANSFER_REPEATED)
			CHECK_INT(results[i], TRANSFER_REPEATED);
	CHECK_INT(bank_number(&bank, "SELECT sum(cumulative) FROM claims_total"), (int64_t)COUNT * (COUNT - 1) / 2);
	bank_check(&bank);
	bank_close(&bank);
}

/* ---- the database against the rules in memory ---- */

enum { TWIN_ACCOUNTS = 9, TWIN_BATCHES = 60, TWIN_BATCH = 40, TWIN_ROWS = TWIN_BATCHES * TWIN_BATCH };

struct twin {
	struct ledger_ref refs[TWIN_ACCOUNTS];
	struct ledger_balance balances[TWIN_ACCOUNTS];
	struct transfer rows[TWIN_ROWS];
	bool ended[TWIN_ROWS];
	size_t row_count;
	uint64_t state;
};

static int twin_find(const struct twin *twin, const struct transfer_id *id)
{
	for (size_t i = 0; i < twin->row_count; i++)
		if (memcmp(twin->rows[i].id.bytes, id->bytes, sizeof id->bytes) == 0)
			return (int)i;
	return -1;
}

static int twin_account(const struct twin *twin, const struct ledger_ref *ref)
{
	for (int i = 0; i < TWIN_ACCOUNTS; i++)
		if (twin->refs[i].kind == ref->kind && memcmp(twin->refs[i].owner, ref->owner, sizeof ref->owner) == 0)
			return i;
	wn_assert(!"an account of the twin");
	return 0;
}

static struct transfer twin_draw(struct twin *twin, int number)
{
	uint64_t what = test_random(&twin->state);
	if (twin->row_count > 0 && what % 12 == 0) {
		struct transfer again = twin->rows[what / 12 % twin->row_count];
		if (what / 7 % 2)
			again.amount ^= 1;
		return again;
	}
	size_t debit = what / 16 % 3 ? test_random(&twin->state) % TWIN_ACCOUNTS : 0;
	struct transfer transfer = bank_transfer("twin", number, twin->refs[debit],
		twin->refs[test_random(&twin->state) % TWIN_ACCOUNTS], (int64_t)(test_random(&twin->state) % 200) - 2);
	transfer.step = (enum transfer_step)(what / 64 % TRANSFER_STEPS);
	transfer.epoch = (int64_t)(what / 512 % 4) - 1;
	if (what / 4096 % 2)
		transfer.subject[what / 8192 % 32] = 1;
	if (transfer.step >= TRANSFER_POST && twin->row_count > 0) {
		const struct transfer *pending = &twin->rows[test_random(&twin->state) % twin->row_count];
		transfer.pending_id = pending->id;
		if (what / 16384 % 8) {
			transfer.debit = pending->debit;
			transfer.credit = pending->credit;
		}
	}
	return transfer;
}

static enum transfer_result twin_apply(struct twin *twin, const struct transfer *transfer)
{
	int same = twin_find(twin, &transfer->id), pending = -1;
	struct ledger_past past = {.same = same < 0 ? NULL : &twin->rows[same]};
	if (transfer->step >= TRANSFER_POST) {
		pending = twin_find(twin, &transfer->pending_id);
		past.pending = pending < 0 ? NULL : &twin->rows[pending];
		past.pending_ended = pending >= 0 && twin->ended[pending];
	}
	enum transfer_result result =
		ledger_apply(transfer, &past, &twin->balances[twin_account(twin, &transfer->debit)],
			&twin->balances[twin_account(twin, &transfer->credit)]);
	if (result != TRANSFER_DONE)
		return result;
	if (transfer->step >= TRANSFER_POST)
		twin->ended[pending] = true;
	twin->rows[twin->row_count++] = *transfer;
	return result;
}

TEST(the_database_decides_every_transfer_as_the_rules_in_memory_do)
{
	static struct twin twin;
	struct bank bank;
	CHECK_OR_RETURN(bank_open(&bank));
	memset(&twin, 0, sizeof twin);
	twin.state = test_seed();
	static const enum ledger_kind kinds[] = {LEDGER_FREE, LEDGER_STAKE, LEDGER_BOND, LEDGER_VESTING};
	twin.refs[0] = bank_mint();
	for (int i = 1; i < TWIN_ACCOUNTS; i++)
		twin.refs[i] = bank_ref(1 + i / 5, kinds[i % 4]);
	int seen[TRANSFER_RESULTS] = {0};
	for (int batch = 0; batch < TWIN_BATCHES; batch++) {
		struct transfer transfers[TWIN_BATCH];
		enum transfer_result results[TWIN_BATCH], wanted[TWIN_BATCH];
		for (int i = 0; i < TWIN_BATCH; i++) {
			transfers[i] = twin_draw(&twin, batch * TWIN_BATCH + i);
			wanted[i] = twin_apply(&twin, &transfers[i]);
			seen[wanted[i]]++;
		}
		CHECK_OK(bank_post(&bank, bank.serve, transfers, TWIN_BATCH, results), bank.err);
		for (int i = 0; i < TWIN_BATCH; i++)
			if (results[i] != wanted[i])
				CHECK_TEXT(transfer_result_name(results[i]), transfer_result_name(wanted[i]));
	}
	struct ledger_balance balances[TWIN_ACCOUNTS];
	CHECK_OK(ledger_store_balances(bank.owner, &bank.arena, twin.refs, TWIN_ACCOUNTS, balances, &bank.err),
		bank.err);
	CHECK_BYTES(balances, sizeof balances, twin.balances, sizeof twin.balances);
	for (int i = 0; i < TRANSFER_OVERFLOW; i++)
		CHECK(seen[i] > 0);
	bank_check(&bank);
	bank_close(&bank);
}

/* ---- writers that meet ---- */

enum { CROWD = 4, CROWD_BATCHES = 60, CROWD_BATCH = 12, CROWD_OWNERS = 5 };

struct member {
	struct bank *bank;
	struct db *db;
	struct wn_arena arena;
	struct wn_error err;
	pthread_t thread;
	int number;
	uint64_t state;
	int64_t done, busy; /* transfers; batches that the database ended */
	bool failed;
};

static void crowd_run(struct bank *bank, struct member members[CROWD], void *(*run)(void *))
{
	for (int i = 0; i < CROWD; i++) {
		members[i] = (struct member){.bank = bank, .number = i, .state = test_seed() + (uint64_t)i};
		members[i].db = bank_connect(bank, i % 2 ? "winnow_reward" : "winnow_serve");
		wn_arena_init(&members[i].arena, 64 << 20);
	}
	for (int i = 0; i < CROWD; i++)
		CHECK_INT(pthread_create(&members[i].thread, NULL, run, &members[i]), 0);
	for (int i = 0; i < CROWD; i++) {
		pthread_join(members[i].thread, NULL);
		db_close(members[i].db);
		wn_arena_free(&members[i].arena);
		if (members[i].failed)
			CHECK_TEXT(members[i].err.text, "");
	}
}

static bool member_post(struct member *member, const struct transfer *transfers, size_t count)
{
	enum transfer_result results[CROWD_BATCH];
	wn_arena_reset(&member->arena);
	if (!db_begin(member->db, &member->err) ||
		!ledger_store_post(member->db, &member->arena, transfers, count, 1000, results, &member->err) ||
		!db_commit(member->db, &member->err)) {
		db_rollback(member->db);
		member->busy += member->err.blame == WN_BUSY;
		member->failed = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		member->done += results[i] == TRANSFER_DONE;
	return true;
}

static void *member_random(void *argument)
{
	static const enum ledger_kind kinds[] = {LEDGER_FREE, LEDGER_STAKE, LEDGER_BOND};
	struct member *member = argument;
	for (int batch = 0; batch < CROWD_BATCHES; batch++) {
		struct transfer transfers[CROWD_BATCH];
		for (int i = 0; i < CROWD_BATCH; i++) {
			/* Accounts appear on the way: two batches may make the same ones at once. */
			int owner = 1 + (int)(test_random(&member->state) % CROWD_OWNERS) + batch / 10 * 10;
			struct ledger_ref from = bank_ref(owner, kinds[test_random(&member->state) % 3]);
			struct ledger_ref to =
				bank_ref(1 + (int)(test_random(&member->state) % CROWD_OWNERS) + batch / 10 * 10,
					kinds[test_random(&member->state) % 3]);
			if (i % 3 == 0)
				from = bank_mint();
			transfers[i] =
				bank_transfer("crowd", (member->number * CROWD_BATCHES + batch) * CROWD_BATCH + i, from,
					to, (int64_t)(test_random(&member->state) % 50));
			if (i % 4 == 1)
				transfers[i].step = TRANSFER_PENDING;
			if (i % 4 == 2)
				transfers[i] =
					bank_ending(&transfers[i - 1], TRANSFER_POST, transfers[i - 1].amount / 2, 0);
		}
		if (!member_post(member, transfers, CROWD_BATCH))
			return NULL;
	}
	return NULL;
}

TEST(four_writers_at_once_keep_every_sum_and_never_wait_for_each_other_both_ways)
{
	struct bank bank;
	struct member members[CROWD];
	int64_t done = 0;
	CHECK_OR_RETURN(bank_open(&bank));
	crowd_run(&bank, members, member_random);
	for (int i = 0; i < CROWD; i++) {
		CHECK_INT(members[i].busy, 0);
		done += members[i].done;
	}
	CHECK(done > CROWD * CROWD_BATCHES * 4);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_transfer"), done);
	bank_check(&bank);
	bank_close(&bank);
}

enum { PAYOUTS = 1000, PAYOUT_FUNDS = 600 };

static void *member_payout(void *argument)
{
	struct member *member = argument;
	for (int i = 0; i < PAYOUTS / CROWD; i++) {
		struct transfer one = bank_transfer(
			"payout", member->number * PAYOUTS + i, bank_ref(1, LEDGER_FREE), bank_ref(2, LEDGER_FREE), 1);
		if (!member_post(member, &one, 1))
			return NULL;
	}
	return NULL;
}

TEST(a_thousand_payouts_at_once_never_overdraw_an_account)
{
	struct bank bank;
	struct member members[CROWD];
	int64_t done = 0;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer grant = bank_transfer("genesis", 1, bank_mint(), bank_ref(1, LEDGER_FREE), PAYOUT_FUNDS);
	CHECK_INT(bank_post_one(&bank, bank.serve, &grant), TRANSFER_DONE);
	crowd_run(&bank, members, member_payout);
	for (int i = 0; i < CROWD; i++)
		done += members[i].done;
	CHECK_INT(done, PAYOUT_FUNDS);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 0);
	CHECK_INT(bank_available(&bank, 2, LEDGER_FREE), PAYOUT_FUNDS);
	bank_check(&bank);
	bank_close(&bank);
}

enum { ENDINGS = 120 };
static struct transfer crowd_pending[ENDINGS];

/* Everyone tries to end every pending transfer in a way of its own, and repeats the pending one itself. */
static void *member_end(void *argument)
{
	struct member *member = argument;
	static const enum transfer_step steps[CROWD] = {TRANSFER_POST, TRANSFER_VOID, TRANSFER_EXPIRE, TRANSFER_POST};
	for (int i = 0; i < ENDINGS; i++) {
		int which = member->number % 2 ? i : ENDINGS - 1 - i;
		struct transfer both[2] = {crowd_pending[which],
			bank_ending(&crowd_pending[which], steps[member->number], member->number, member->number)};
		if (!member_post(member, both, 2))
			return NULL;
	}
	return NULL;
}

TEST(whoever_comes_first_ends_a_pending_transfer_and_nobody_else)
{
	struct bank bank;
	struct member members[CROWD];
	int64_t done = 0;
	enum transfer_result results[ENDINGS];
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer grant = bank_transfer("genesis", 1, bank_mint(), bank_ref(1, LEDGER_STAKE), ENDINGS * 10);
	CHECK_INT(bank_post_one(&bank, bank.serve, &grant), TRANSFER_DONE);
	for (int i = 0; i < ENDINGS; i++) {
		crowd_pending[i] = bank_transfer("seat", i, bank_ref(1, LEDGER_STAKE), bank_ref(1, LEDGER_BOND), 10);
		crowd_pending[i].step = TRANSFER_PENDING;
	}
	CHECK_OK(bank_post(&bank, bank.serve, crowd_pending, ENDINGS, results), bank.err);
	crowd_run(&bank, members, member_end);
	for (int i = 0; i < CROWD; i++)
		done += members[i].done;
	CHECK_INT(done, ENDINGS);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM ledger_transfer WHERE step >= 2"), ENDINGS);
	CHECK_INT(bank_number(&bank, "SELECT sum(debits_pending + credits_pending) FROM ledger_account"), 0);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(the_same_id_between_other_accounts_at_once_is_told_to_try_again)
{
	struct bank bank;
	enum transfer_result result;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer one = bank_transfer("same", 1, bank_mint(), bank_ref(1, LEDGER_FREE), 5);
	struct transfer other = one;
	one.debit = bank_ref(3, LEDGER_BUDGET);
	struct transfer fund = bank_transfer("fund", 1, bank_mint(), one.debit, 5);
	CHECK_INT(bank_post_one(&bank, bank.serve, &fund), TRANSFER_DONE);
	other.credit = bank_ref(2, LEDGER_FREE);
	/* The first is not committed, so the second cannot see it; the row's key decides. */
	CHECK_OK(db_begin(bank.serve, &bank.err), bank.err);
	CHECK_OK(ledger_store_post(bank.serve, &bank.arena, &one, 1, 1000, &result, &bank.err), bank.err);
	struct member member = {.bank = &bank, .db = bank.reward};
	wn_arena_init(&member.arena, 1 << 20);
	CHECK_OK(db_command(bank.reward, "SET lock_timeout = '200ms'", &bank.err), bank.err);
	CHECK(!member_post(&member, &other, 1));
	CHECK_INT(member.err.blame, WN_BUSY);
	CHECK_OK(db_commit(bank.serve, &bank.err), bank.err);
	CHECK_INT(bank_post_one(&bank, bank.reward, &other), TRANSFER_DIFFERS);
	wn_arena_free(&member.arena);
	bank_check(&bank);
	bank_close(&bank);
}

/* ---- claims ---- */

TEST(claims_count_what_reached_a_free_account_as_reward_and_nothing_else)
{
	enum { COUNT = 8 };
	struct bank bank;
	enum transfer_result results[COUNT];
	struct sha256 root, wanted;
	CHECK_OR_RETURN(bank_open(&bank));
	struct ledger_ref a = bank_ref(1, LEDGER_FREE), b = bank_ref(2, LEDGER_FREE),
			  vesting = bank_ref(2, LEDGER_VESTING);
	struct transfer transfers[COUNT] = {
		bank_transfer("reward/validator", 1, bank_mint(), a, 100),
		bank_transfer("reward/validator", 2, bank_mint(), b, 50),
		bank_transfer("reward/contributor", 3, bank_mint(), vesting, 1000),
		bank_transfer("genesis", 4, bank_mint(), a, 7),
		bank_transfer("reward/vested", 5, vesting, b, 10),
		bank_transfer("reward/treasury", 6, bank_mint(), bank_ref(0, LEDGER_FREE), 5),
		bank_transfer("reward/validator", 7, bank_mint(), a, 0),
	};
	transfers[1].step = TRANSFER_PENDING;
	transfers[7] = bank_ending(&transfers[1], TRANSFER_POST, 30, 1);
	CHECK_OK(bank_post(&bank, bank.reward, transfers, COUNT, results), bank.err);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], TRANSFER_DONE);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM claims_total"), 2);
	CHECK_INT(bank_number(&bank, "SELECT cumulative FROM claims_total WHERE get_byte(account, 0) = 1"), 100);
	CHECK_INT(bank_number(&bank, "SELECT cumulative FROM claims_total WHERE get_byte(account, 0) = 2"), 40);

	struct claim claims[2] = {{.cumulative = 100}, {.cumulative = 40}}, claim;
	struct claims_tree tree;
	memset(claims[0].account.bytes, 1, ID_BYTES);
	memset(claims[1].account.bytes, 2, ID_BYTES);
	claims_begin(&tree);
	claims_add(&tree, &claims[0]);
	claims_add(&tree, &claims[1]);
	claims_root(&tree, &wanted);
	CHECK_OK(db_begin(bank.reward, &bank.err), bank.err);
	CHECK_OK(claims_store_root(bank.reward, &bank.arena, &root, &bank.err), bank.err);
	CHECK_OK(db_commit(bank.reward, &bank.err), bank.err);
	CHECK_BYTES(root.bytes, ID_BYTES, wanted.bytes, ID_BYTES);

	/* What is paid later waits for the next root; the proof still fits the last one. */
	struct transfer more = bank_transfer("reward/validator", 9, bank_mint(), b, 1);
	CHECK_INT(bank_post_one(&bank, bank.reward, &more), TRANSFER_DONE);
	uint64_t index, size;
	struct tree_proof proof;
	bool found;
	CHECK_OK(claims_store_proof(
			 bank.serve, &bank.arena, &claims[1].account, &claim, &index, &size, &proof, &found, &bank.err),
		bank.err);
	CHECK_OR_RETURN(found);
	CHECK_INT(claim.cumulative, 40);
	struct sha256 leaf;
	claims_leaf(&claim, &leaf);
	CHECK(tree_inclusion_holds(&leaf, index, size, &proof, &root));
	struct account_key stranger = {{9}};
	CHECK_OK(claims_store_proof(
			 bank.serve, &bank.arena, &stranger, &claim, &index, &size, &proof, &found, &bank.err),
		bank.err);
	CHECK(!found);
	bank_close(&bank);
}

TEST(the_claims_root_over_many_pages_is_the_root_over_all)
{
	enum { ACCOUNTS = 12001, BATCH = 4000 };
	struct bank bank;
	struct sha256 root, wanted;
	CHECK_OR_RETURN(bank_open(&bank));
	CHECK_OK(db_command(bank.owner,
			 "INSERT INTO claims_total (account, cumulative) "
			 "SELECT sha256(n::text::bytea), n FROM generate_series(0, 12000) AS n",
			 &bank.err),
		bank.err);
	CHECK_OK(db_begin(bank.reward, &bank.err), bank.err);
	CHECK_OK(claims_store_root(bank.reward, &bank.arena, &root, &bank.err), bank.err);
	CHECK_OK(db_commit(bank.reward, &bank.err), bank.err);
	static const struct sql_statement all = {
		"test_claims", "SELECT account, cumulative FROM claims_total ORDER BY account", 0};
	struct db_result *result;
	struct db_args args;
	struct sha256 *leaves = wn_arena_array(&bank.arena, ACCOUNTS, sizeof *leaves);
	size_t used = 0;
	db_args_init(&args, &bank.arena);
	CHECK_OK(db_query(bank.owner, &all, &args, &result, &bank.err), bank.err);
	CHECK_INT(db_rows(result), ACCOUNTS);
	for (size_t i = 0; i < db_rows(result); i++) {
		struct claim claim;
		db_copy_id(result, i, 0, claim.account.bytes, ID_BYTES);
		claim.cumulative = db_int64(result, i, 1);
		if (claim.cumulative > 0)
			claims_leaf(&claim, &leaves[used++]);
	}
	db_done(result);
	tree_root(leaves, used, &wanted);
	CHECK_INT(used, ACCOUNTS - 1);
	CHECK_BYTES(root.bytes, ID_BYTES, wanted.bytes, ID_BYTES);
	bank_close(&bank);
}

/* ---- the journal's entry ---- */

TEST(a_journal_entry_tells_everything_that_a_replay_needs)
{
	struct bank bank;
	struct wn_slice text, canonical;
	const struct json *entry;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer transfers[2] = {
		bank_transfer("seat", 1, bank_ref(1, LEDGER_STAKE), bank_ref(1, LEDGER_BOND), 1000000000000000000LL)};
	transfers[0].step = TRANSFER_PENDING;
	memset(transfers[0].subject, 0xab, 32);
	transfers[0].epoch = 3;
	transfers[1] = bank_ending(&transfers[0], TRANSFER_VOID, 5, 1);
	memset(transfers[1].subject, 0, 32);
	transfers[1].epoch = -1;
	CHECK_OK(ledger_entry(&bank.arena, transfers, 2, 77, &text, &bank.err), bank.err);
	CHECK_OK(json_parse(&bank.arena, text.data, text.bytes, &entry, &bank.err), bank.err);
	CHECK_TEXT(json_member_string(entry, "type", NULL), "transfers");
	const struct json *list = json_get(entry, "transfers");
	CHECK_OR_RETURN(list && list->count == 2);
	const struct json *first = list->elements[0], *second = list->elements[1];
	CHECK_TEXT(json_member_string(first, "step", NULL), "pending");
	CHECK_TEXT(json_member_string(first, "amount", NULL), "1000000000000000000");
	CHECK_TEXT(json_member_string(first, "cause", NULL), "seat");
	CHECK_TEXT(json_member_string(json_get(first, "debit"), "kind", NULL), "stake");
	CHECK_TEXT(json_member_string(json_get(first, "credit"), "owner", NULL),
		"0101010101010101010101010101010101010101010101010101010101010101");
	CHECK_TEXT(json_member_string(first, "subject", NULL),
		"abababababababababababababababababababababababababababababababab");
	CHECK(json_get(first, "pending") == NULL);
	CHECK_TEXT(json_member_string(second, "step", NULL), "void");
	CHECK_TEXT(json_member_string(second, "amount", NULL), "0");
	CHECK_TEXT(json_member_string(second, "pending", NULL), json_member_string(first, "id", ""));
	CHECK(json_get(second, "subject") == NULL);
	CHECK(json_get(second, "epoch") == NULL);

	/* The fullest entry fits into the journal. */
	struct transfer *most = wn_arena_array(&bank.arena, LEDGER_ENTRY_TRANSFERS_MAX + 1, sizeof *most);
	for (int i = 0; i <= LEDGER_ENTRY_TRANSFERS_MAX; i++) {
		most[i] = transfers[1];
		most[i].debit.kind = most[i].credit.kind = LEDGER_UNBONDING;
		most[i].step = TRANSFER_POST;
		most[i].amount = INT64_MAX;
		most[i].epoch = 9007199254740991LL;
		most[i].cause = "reward/a-cause-that-is-longer-than-any-we-have-so-far";
		most[i].subject[0] = 1;
	}
	CHECK(!ledger_entry(&bank.arena, most, LEDGER_ENTRY_TRANSFERS_MAX + 1, 77, &text, &bank.err));
	CHECK_TEXT(bank.err.code, "ledger_entry_large");
	CHECK_OK(ledger_entry(&bank.arena, most, LEDGER_ENTRY_TRANSFERS_MAX, 77, &text, &bank.err), bank.err);
	CHECK_OK(jcs_canonical(&bank.arena, text.data, text.bytes, &canonical, &bank.err), bank.err);
	CHECK(canonical.bytes <= JOURNAL_ENTRY_MAX);
	bank_close(&bank);
}
