/* Vesting and unbonding in a real database: line by line against the formula, taken back, slashed, and by the worker
 * itself. */
#include "tests/check.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "core/node.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/vesting.h"
#include "reward/vesting_store.h"
#include "reward/unbonding_worker.h"
#include "reward/vesting_release.h"
#include "tests/reward/bank.h"

SUITE("vesting")

static struct vesting_grant grant_of(int number, int owner, int64_t amount, int64_t start_ms, int64_t period_ms)
{
	struct transfer mint =
		bank_transfer("reward/contributor", number, bank_mint(), bank_ref(owner, LEDGER_VESTING), amount);
	struct vesting_grant grant = {
		.id = mint.id, .amount = amount, .start_ms = start_ms, .period_ms = period_ms, .revocable = true};
	memcpy(grant.owner, mint.credit.owner, sizeof grant.owner);
	return grant;
}

/* Mints and grants in one transaction, as a close does. */
static void grant_post(struct bank *bank, int number, int owner, int64_t amount, int64_t start_ms, int64_t period_ms)
{
	struct transfer mint =
		bank_transfer("reward/contributor", number, bank_mint(), bank_ref(owner, LEDGER_VESTING), amount);
	struct vesting_grant grant = grant_of(number, owner, amount, start_ms, period_ms);
	enum transfer_result result;
	CHECK_OK(db_begin(bank->reward, &bank->err), bank->err);
	CHECK_OK(ledger_store_post(bank->reward, &bank->arena, &mint, 1, start_ms, &result, &bank->err), bank->err);
	CHECK_INT(result, TRANSFER_DONE);
	CHECK_OK(vesting_grant_add(bank->reward, &bank->arena, &grant, 1, &bank->err), bank->err);
	CHECK_OK(db_commit(bank->reward, &bank->err), bank->err);
}

static size_t release(struct bank *bank, int64_t epoch, int64_t now_ms, int most, size_t *owners)
{
	struct vesting_moves moves = {0};
	*owners = 0;
	CHECK_OK(db_begin(bank->reward, &bank->err), bank->err);
	CHECK_OK(vesting_release_due(bank->reward, &bank->arena, epoch, now_ms, most, owners, &moves, &bank->err),
		bank->err);
	CHECK_OK(db_commit(bank->reward, &bank->err), bank->err);
	return moves.count;
}

TEST(a_grant_is_released_once_an_epoch_along_its_line)
{
	struct bank bank;
	size_t owners;
	CHECK_OR_RETURN(bank_open(&bank));
	grant_post(&bank, 1, 1, 1000, 0, 100);
	CHECK_INT(release(&bank, 0, 10, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 100);
	/* Later in the same epoch nothing more is due. */
	CHECK_INT(release(&bank, 0, 50, 50, &owners), 0);
	CHECK_INT(owners, 0);
	CHECK_INT(release(&bank, 1, 50, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 500);
	CHECK_INT(bank_available(&bank, 1, LEDGER_VESTING), 500);
	CHECK_INT(release(&bank, 2, 1000, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 1000);
	CHECK_INT(bank_available(&bank, 1, LEDGER_VESTING), 0);
	/* Nothing is left: the owner is not looked at again, until the next grant. */
	CHECK_INT(release(&bank, 3, 2000, 50, &owners), 0);
	CHECK_INT(owners, 0);
	grant_post(&bank, 2, 1, 10, 2000, 10);
	CHECK_INT(release(&bank, 3, 2005, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 1005);
	/* What was released is claimable, what vests is not yet. */
	CHECK_INT(bank_number(&bank, "SELECT cumulative FROM claims_total"), 1005);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(a_clock_that_goes_back_releases_nothing_twice)
{
	struct bank bank;
	size_t owners;
	CHECK_OR_RETURN(bank_open(&bank));
	grant_post(&bank, 1, 1, 1000, 0, 100);
	CHECK_INT(release(&bank, 0, 60, 50, &owners), 1);
	CHECK_INT(release(&bank, 1, 20, 50, &owners), 0);
	CHECK_INT(owners, 1);
	grant_post(&bank, 2, 1, 1000, 0, 100);
	/* The second grant joins where the first stands. */
	CHECK_INT(release(&bank, 2, 30, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 1200);
	CHECK_INT(release(&bank, 3, 70, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 1400);
	CHECK_INT(release(&bank, 4, 100, 50, &owners), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 2000);
	bank_check(&bank);
	bank_close(&bank);
}

/* Owners with many grants that come at any time, released with gaps, in batches of few: each unit exactly once. */
TEST(any_mixture_of_grants_is_released_to_the_unit)
{
	enum { OWNERS = 9, GRANTS = 60, EPOCHS = 30, PERIOD_MOST = 900 };
	struct bank bank;
	uint64_t state = test_seed();
	struct vesting_grant grants[GRANTS];
	size_t count = 0, owners;
	CHECK_OR_RETURN(bank_open(&bank));
	for (int epoch = 0; epoch < EPOCHS; epoch++) {
		int64_t now_ms = epoch * 100 + (int64_t)(test_random(&state) % 100);
		for (int i = 0; i < 4 && count < GRANTS; i++) {
			int owner = 1 + (int)(test_random(&state) % OWNERS);
			int64_t start_ms = now_ms - (int64_t)(test_random(&state) % 150);
			grants[count] = grant_of((int)count, owner, 1 + (int64_t)(test_random(&state) % 100000),
				start_ms < 0 ? 0 : start_ms, (int64_t)(test_random(&state) % PERIOD_MOST));
			grant_post(&bank, (int)count, owner, grants[count].amount, grants[count].start_ms,
				grants[count].period_ms);
			count++;
		}
		if (test_random(&state) % 3 == 0)
			continue;
		int turns = 0;
		do
			release(&bank, epoch, now_ms, 2, &owners);
		while (owners > 0 && turns++ < OWNERS);
		CHECK(turns <= OWNERS);
		for (int owner = 1; owner <= OWNERS; owner++) {
			int64_t due = 0;
			for (size_t i = 0; i < count; i++)
				if (grants[i].owner[0] == owner)
					due += vesting_vested(
						grants[i].amount, now_ms - grants[i].start_ms, grants[i].period_ms);
			CHECK_INT(bank_available(&bank, owner, LEDGER_FREE), due);
		}
		/* One transfer an owner and epoch at most. */
		CHECK_INT(bank_number(&bank, "SELECT count(*) FROM (SELECT credit_account, epoch FROM ledger_transfer "
					     "WHERE cause = 'reward/vested' GROUP BY 1, 2 HAVING count(*) > 1) t"),
			0);
	}
	release(&bank, EPOCHS, EPOCHS * 100 + PERIOD_MOST, OWNERS, &owners);
	CHECK_INT(
		bank_number(&bank, "SELECT sum(credits_posted - debits_posted) FROM ledger_account WHERE kind = 4"), 0);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM vesting_grant WHERE NOT ended"), 0);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM vesting_owner WHERE live"), 0);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(an_overturned_grant_returns_what_was_not_released_to_the_mint)
{
	struct bank bank;
	size_t owners;
	struct vesting_moves moves;
	int64_t unminted;
	uint8_t subject[32] = {5};
	CHECK_OR_RETURN(bank_open(&bank));
	grant_post(&bank, 1, 1, 1000, 0, 100);
	grant_post(&bank, 2, 1, 500, 0, 100);
	grant_post(&bank, 3, 2, 300, 0, 100);
	CHECK_OK(db_command(bank.owner, "UPDATE vesting_grant SET revocable = false WHERE amount = 300", &bank.err),
		bank.err);
	CHECK_INT(release(&bank, 0, 30, 50, &owners), 2);
	grant_post(&bank, 4, 1, 70, 30, 100); /* never released so far */
	struct transfer_id ids[4] = {
		grant_of(1, 1, 1, 0, 0).id, grant_of(3, 2, 1, 0, 0).id, grant_of(4, 1, 1, 0, 0).id, {{9}}};
	for (int turn = 0; turn < 2; turn++) {
		CHECK_OK(db_begin(bank.reward, &bank.err), bank.err);
		CHECK_OK(vesting_revoke(bank.reward, &bank.arena, ids, 4, subject, 0, 40, &moves, &bank.err), bank.err);
		CHECK_OK(db_commit(bank.reward, &bank.err), bank.err);
		CHECK_INT(moves.count, turn ? 0 : 2);
	}
	CHECK_OK(ledger_store_unminted(bank.owner, &bank.arena, 10000, &unminted, &bank.err), bank.err);
	CHECK_INT(unminted, 10000 - 1870 + 700 + 70);
	CHECK_INT(
		bank_number(&bank,
			"SELECT count(*) FROM ledger_transfer WHERE cause = 'overturned' AND get_byte(subject, 0) = 5"),
		2);
	CHECK_INT(release(&bank, 1, 1000, 50, &owners), 2);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 300 + 500);
	CHECK_INT(bank_available(&bank, 1, LEDGER_VESTING), 0);
	CHECK_INT(bank_available(&bank, 2, LEDGER_FREE), 300);
	bank_check(&bank);
	bank_close(&bank);
}

struct granter {
	struct bank *bank;
	struct db *db;
	struct wn_arena arena;
	struct wn_error err;
	bool (*act)(struct granter *granter);
	bool done;
};

static bool granter_grants(struct granter *granter)
{
	struct vesting_grant grant = grant_of(2, 1, 50, 20, 10);
	return vesting_grant_add(granter->db, &granter->arena, &grant, 1, &granter->err);
}

static bool granter_releases(struct granter *granter)
{
	struct vesting_moves moves;
	size_t owners;
	return vesting_release_due(granter->db, &granter->arena, 0, 20, 10, &owners, &moves, &granter->err);
}

static void *granter_run(void *argument)
{
	struct granter *granter = argument;
	granter->done =
		db_begin(granter->db, &granter->err) && granter->act(granter) && db_commit(granter->db, &granter->err);
	return NULL;
}

/* One acts and stays open until the other one waits for it. */
static void meet(struct bank *bank, bool (*first)(struct granter *), bool (*second)(struct granter *))
{
	enum { TURNS_MOST = 2000, TURN_US = 5000 };
	struct granter one = {.bank = bank, .db = bank->reward, .act = first}, other = {.bank = bank, .act = second};
	pthread_t thread;
	int turns = 0;
	wn_arena_init(&one.arena, 1 << 22);
	wn_arena_init(&other.arena, 1 << 22);
	other.db = bank_connect(bank, "winnow_reward");
	CHECK_OK(db_begin(one.db, &one.err), one.err);
	CHECK_OK(first(&one), one.err);
	CHECK_INT(pthread_create(&thread, NULL, granter_run, &other), 0);
	while (bank_number(bank, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
				 "wait_event_type = 'Lock'") == 0 &&
		turns++ < TURNS_MOST)
		usleep(TURN_US);
	CHECK(turns < TURNS_MOST);
	CHECK_OK(db_commit(one.db, &one.err), one.err);
	pthread_join(thread, NULL);
	CHECK_OK(other.done, other.err);
	db_close(other.db);
	wn_arena_free(&one.arena);
	wn_arena_free(&other.arena);
}

/* A grant that comes while its owner's last one ends must find the owner alive, whoever is first. */
TEST(a_grant_that_meets_the_release_of_its_owners_last_one_is_not_forgotten)
{
	for (int turn = 0; turn < 2; turn++) {
		struct bank bank;
		size_t owners;
		CHECK_OR_RETURN(bank_open(&bank));
		grant_post(&bank, 1, 1, 100, 0, 10);
		struct transfer mint =
			bank_transfer("reward/contributor", 2, bank_mint(), bank_ref(1, LEDGER_VESTING), 50);
		CHECK_INT(bank_post_one(&bank, bank.reward, &mint), TRANSFER_DONE);
		meet(&bank, turn ? granter_grants : granter_releases, turn ? granter_releases : granter_grants);
		CHECK_INT(bank_number(&bank, "SELECT count(*) FROM vesting_owner WHERE live"), 1);
		CHECK_INT(release(&bank, 1, 30, 10, &owners), 1);
		CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 150);
		CHECK_INT(bank_number(&bank, "SELECT count(*) FROM vesting_owner WHERE live"), 0);
		bank_check(&bank);
		bank_close(&bank);
	}
}

/* ---- unbonding ---- */

static void unbond(struct bank *bank, int number, int owner, int64_t amount, int64_t due_ms)
{
	struct transfer transfer = bank_transfer(
		"unstake", number, bank_ref(owner, LEDGER_STAKE), bank_ref(owner, LEDGER_UNBONDING), amount);
	enum transfer_result result;
	CHECK_OK(db_begin(bank->serve, &bank->err), bank->err);
	CHECK_OK(ledger_store_post(bank->serve, &bank->arena, &transfer, 1, 0, &result, &bank->err), bank->err);
	CHECK_INT(result, TRANSFER_DONE);
	CHECK_OK(unbonding_add(
			 bank->serve, &bank->arena, &transfer.id, transfer.credit.owner, amount, due_ms, &bank->err),
		bank->err);
	CHECK_OK(db_commit(bank->serve, &bank->err), bank->err);
}

static size_t unbonded(struct bank *bank, int64_t now_ms, int most, size_t *rows)
{
	struct vesting_moves moves;
	CHECK_OK(db_begin(bank->reward, &bank->err), bank->err);
	CHECK_OK(unbonding_release_due(bank->reward, &bank->arena, now_ms, most, rows, &moves, &bank->err), bank->err);
	CHECK_OK(db_commit(bank->reward, &bank->err), bank->err);
	return moves.count;
}

TEST(stake_is_free_when_its_unbonding_is_over_and_not_a_moment_before)
{
	struct bank bank;
	size_t rows;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer fund = bank_transfer("fund", 1, bank_mint(), bank_ref(1, LEDGER_STAKE), 100);
	CHECK_INT(bank_post_one(&bank, bank.serve, &fund), TRANSFER_DONE);
	unbond(&bank, 1, 1, 30, 1000);
	unbond(&bank, 2, 1, 20, 2000);
	CHECK_INT(unbonded(&bank, 999, 10, &rows), 0);
	CHECK_INT(rows, 0);
	CHECK_INT(unbonded(&bank, 1000, 10, &rows), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 30);
	CHECK_INT(unbonded(&bank, 1999, 10, &rows), 0);
	CHECK_INT(unbonded(&bank, 5000, 10, &rows), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 50);
	CHECK_INT(bank_available(&bank, 1, LEDGER_UNBONDING), 0);
	CHECK_INT(bank_available(&bank, 1, LEDGER_STAKE), 50);
	CHECK_INT(unbonded(&bank, 9000, 10, &rows), 0);
	bank_check(&bank);
	bank_close(&bank);
}

TEST(what_was_slashed_while_unbonding_does_not_come_back)
{
	struct bank bank;
	size_t rows;
	CHECK_OR_RETURN(bank_open(&bank));
	struct transfer fund = bank_transfer("fund", 1, bank_mint(), bank_ref(1, LEDGER_STAKE), 100);
	struct transfer other = bank_transfer("fund", 2, bank_mint(), bank_ref(2, LEDGER_STAKE), 100);
	struct transfer slash =
		bank_transfer("slash", 1, bank_ref(1, LEDGER_UNBONDING), bank_ref(0, LEDGER_RESERVE), 45);
	CHECK_INT(bank_post_one(&bank, bank.serve, &fund), TRANSFER_DONE);
	CHECK_INT(bank_post_one(&bank, bank.serve, &other), TRANSFER_DONE);
	unbond(&bank, 1, 1, 30, 1000);
	unbond(&bank, 2, 2, 25, 1000);
	unbond(&bank, 3, 1, 20, 1001);
	unbond(&bank, 4, 1, 10, 1002);
	CHECK_INT(bank_post_one(&bank, bank.reward, &slash), TRANSFER_DONE);
	/* 60 unbonded, 45 are gone: 15 are left, for the first row. */
	CHECK_INT(unbonded(&bank, 2000, 10, &rows), 2);
	CHECK_INT(rows, 4);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 15);
	CHECK_INT(bank_available(&bank, 2, LEDGER_FREE), 25);
	CHECK_INT(unbonded(&bank, 2000, 10, &rows), 0);
	CHECK_INT(rows, 0);
	bank_check(&bank);
	bank_close(&bank);
}

/* ---- steps and turns as the loops take them ---- */

static size_t step(struct bank *bank, struct worker *worker, int64_t epoch, int64_t at_ms)
{
	size_t owners = 0;
	wn_arena_reset(&worker->arena);
	CHECK_OK(vesting_step(worker->db, &worker->arena, epoch, at_ms, &owners, &bank->err), bank->err);
	CHECK(!db_in_transaction(worker->db));
	return owners;
}

static size_t turn(struct bank *bank, struct worker *worker)
{
	size_t done = 0;
	wn_arena_reset(&worker->arena);
	CHECK_OK(unbonding_plan->batch(worker, &done, &bank->err), bank->err);
	CHECK(!db_in_transaction(worker->db));
	return done;
}

TEST(an_epoch_that_begins_releases_what_vested_by_then_and_tells_the_journal)
{
	struct bank bank;
	struct node node = {.clock_manual = true};
	CHECK_OR_RETURN(bank_open(&bank));
	struct worker worker = {.node = &node, .db = bank.reward};
	wn_arena_init(&worker.arena, unbonding_plan->arena_bytes);
	grant_post(&bank, 1, 1, 1000, 0, 100);
	CHECK_INT(step(&bank, &worker, 0, 50), 1);
	CHECK_INT(step(&bank, &worker, 0, 50), 0);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 500);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM journal_entry"), 1);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM journal_entry WHERE convert_from(body, 'UTF8')::jsonb ->> "
				     "'type' = 'transfers' "
				     "AND convert_from(body, 'UTF8')::jsonb -> 'transfers' -> 0 ->> 'amount' = '500'"),
		1);
	bank_check(&bank);
	wn_arena_free(&worker.arena);
	bank_close(&bank);
}

TEST(the_worker_frees_unbonded_stake_by_the_nodes_clock)
{
	struct bank bank;
	struct node node = {.clock_manual = true};
	CHECK_OR_RETURN(bank_open(&bank));
	struct worker worker = {.node = &node, .db = bank.reward};
	wn_arena_init(&worker.arena, unbonding_plan->arena_bytes);
	CHECK_TEXT(unbonding_plan->role, "winnow_reward");
	CHECK_OK(db_command(bank.owner,
			 "INSERT INTO network (network_id, genesis, checkpoint_key, clock_manual, clock_ms) "
			 "VALUES (sha256('n'), '{}', sha256('k'), true, 50)",
			 &bank.err),
		bank.err);
	struct transfer fund = bank_transfer("fund", 1, bank_mint(), bank_ref(1, LEDGER_STAKE), 100);
	CHECK_INT(bank_post_one(&bank, bank.serve, &fund), TRANSFER_DONE);
	unbond(&bank, 1, 1, 30, 60);
	CHECK_INT(turn(&bank, &worker), 0);
	CHECK_OK(db_command(bank.owner, "UPDATE network SET clock_ms = 60", &bank.err), bank.err);
	CHECK_INT(turn(&bank, &worker), 1);
	CHECK_INT(bank_available(&bank, 1, LEDGER_FREE), 30);
	CHECK_INT(bank_number(&bank, "SELECT count(*) FROM journal_entry"), 1);
	bank_check(&bank);
	wn_arena_free(&worker.arena);
	bank_close(&bank);
}
