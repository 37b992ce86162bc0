/* Epochs on a real database: whole campaigns with gold, second panels, pay, slashes, silence, and death at any
 * statement. */
#include "vote/close_worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "reward/ledger_store.h"
#include "tests/check.h"
#include "tests/vote/village.h"
#include "vote/commitment.h"

SUITE("close worker")

#define CATS(budget, panel, more)                                                                                      \
	"{\"name\":\"cats\",\"question\":\"Is there a "                                                                \
	"cat?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                              \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":5,\"commit_ms\":600000,"          \
	"\"reveal_ms\":600000,\"lease_ms\":600000" panel "},\"budget\":{" budget "}" more "}"
#define PLAIN                                                                                                          \
	CATS("\"seat_pay\":\"1000000\"", ",\"escalate\":3,\"audit\":\"open\",\"audit_seats\":3", ",\"probation\":false")

enum { ITEMS = 40, VOTERS = 24 };

static struct village village;

static int64_t number_of(const char *sql)
{
	return village_number(&village, "%s", sql);
}

/* What voter v says of item i: the truth is i % 3 != 0; one in `care` votes is wrong, by a draw that depends on both
 * alone. */
static int says(int voter, int item)
{
	uint64_t state = (uint64_t)voter * 1000003 + (uint64_t)item * 7919 + 1;
	int truth = item % 3 != 0;
	int care = voter % 4 == 3 ? 2 : 12;
	return test_random(&state) % (uint64_t)care == 0 ? !truth : truth;
}

static int item_of(const struct item_id *id)
{
	for (int n = 0; n < ITEMS; n++) {
		struct item_id other;
		village_item_id(n, &other);
		if (memcmp(other.bytes, id->bytes, ID_BYTES) == 0)
			return n;
	}
	return -1;
}

/* Rounds that take sealed votes, as (item, round, free places) by item id. */
struct open_round {
	int item, round, places;
};
static int open_rounds(struct open_round out[ITEMS])
{
	static const struct sql_statement statement = {"test_open_rounds",
		"SELECT item_id, round, seats - taken FROM round WHERE state = 0 ORDER BY item_id", 0};
	struct wn_error err = {0};
	struct db_args args;
	struct db_result *result = NULL;
	struct item_id id;
	db_args_init(&args, &village.arena);
	CHECK_OK(db_query(village.owner, &statement, &args, &result, &err), err);
	int count = (int)db_rows(result);
	for (int i = 0; i < count; i++) {
		db_copy_id(result, (size_t)i, 0, id.bytes, ID_BYTES);
		out[i] = (struct open_round){
			item_of(&id), db_int32(result, (size_t)i, 1), db_int32(result, (size_t)i, 2)};
	}
	db_done(result);
	return count;
}

/* Everybody who may votes on what is open, until nothing is; `busy` lets the workers run after every vote. */
static void vote_all(bool busy)
{
	struct open_round rounds[ITEMS];
	int count;
	static bool sealed[ITEMS][VOTERS];
	while ((count = open_rounds(rounds)) > 0) {
		memset(sealed, 0, sizeof sealed);
		bool any = false;
		for (int r = 0; r < count; r++)
			for (int v = 0; v < VOTERS && rounds[r].places > 0; v++) {
				int voter = (v + rounds[r].item) % VOTERS;
				if (!village_seat(&village, voter, rounds[r].item, rounds[r].round))
					continue;
				rounds[r].places--;
				sealed[rounds[r].item][voter] = any = true;
				CHECK_INT(village_commit(&village, voter, rounds[r].item, rounds[r].round, 1,
						  says(voter, rounds[r].item)),
					BALLOT_OK);
				if (busy)
					village_turn(&village);
			}
		village_settle(&village);
		for (int r = 0; r < count; r++)
			for (int voter = 0; voter < VOTERS; voter++) {
				if (!sealed[rounds[r].item][voter])
					continue;
				CHECK_INT(village_reveal(&village, voter, rounds[r].item, rounds[r].round, 1,
						  says(voter, rounds[r].item)),
					BALLOT_OK);
				if (busy)
					village_turn(&village);
			}
		village_settle(&village);
		if (!any)
			return;
	}
}

/* A whole campaign: items in two epochs, audits, second panels, carried scores settled, everything final. */
static void campaign_run(bool busy)
{
	for (int half = 0; half < 2; half++) {
		for (int n = half * ITEMS / 2; n < (half + 1) * ITEMS / 2; n++) {
			village_item(&village, n);
			village_novelty(&village, n, n % 7, 10);
		}
		village_settle(&village);
		vote_all(busy);
		village_advance(&village, VILLAGE_EPOCH_MS);
		village_settle(&village);
		vote_all(busy);
	}
	for (int epoch = 0; epoch < 4; epoch++) {
		village_advance(&village, VILLAGE_EPOCH_MS);
		village_settle(&village);
		vote_all(busy);
	}
	/* Carried scores settle in silent epochs; what they earn is final a challenge window later. */
	village_advance(&village, 30 * VILLAGE_EPOCH_MS);
	village_settle(&village);
	village_advance(&village, village.document.challenge_ms);
	village_settle(&village);
}

TEST(a_whole_campaign_is_judged_audited_paid_and_final)
{
	CHECK_OR_RETURN(village_open(&village, PLAIN, VOTERS, 0));
	campaign_run(false);
	CHECK_INT(number_of("SELECT count(*) FROM item WHERE state IN (6, 7)"), ITEMS);
	CHECK(number_of("SELECT count(*) FROM item WHERE state = 6 AND source_id::integer % 3 <> 0") >= 25);
	CHECK(number_of("SELECT count(*) FROM item WHERE state = 7 AND source_id::integer % 3 = 0") >= 12);
	/* 8 % of each epoch's items, rounded up, were audited after their votes were in, and the answers counted. */
	CHECK(number_of("SELECT count(*) FROM gold WHERE class >= 0") >= 3);
	CHECK_INT(number_of("SELECT count(*) FROM gold WHERE class IS NULL"), 0);
	CHECK(number_of("SELECT sum(gold_votes) FROM campaign_validator") >= 15);
	CHECK(number_of("SELECT sum(gold_right) FROM campaign_validator") > 0);
	/* Money: validators, contributors, auditors, reserve and treasury; the careless lost some of their bonds. */
	CHECK_INT(number_of("SELECT count(*) FROM validator_pay WHERE NOT posted"), 0);
	CHECK(number_of("SELECT count(*) FROM validator_pay") > 10);
	CHECK(number_of("SELECT count(*) FROM slash WHERE points < 0") > 0);
	CHECK_INT(number_of("SELECT count(*) FROM campaign_validator WHERE carried_scored > 0"), 0);
	CHECK_INT(number_of("SELECT (SELECT sum(minted) FROM epoch) - (SELECT sum(amount) FROM ledger_transfer t JOIN "
			    "ledger_account d ON "
			    "d.account_id = t.debit_account WHERE d.kind = 0 AND t.cause <> 'genesis' AND t.step < 2)"),
		0);
	/* All that contributor 0 sent deserved to be rejected. */
	CHECK_INT(number_of("SELECT count(DISTINCT credit_account) FROM ledger_transfer WHERE cause = "
			    "'reward/contributor'"),
		2);
	CHECK(number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'reward/curator'") > 0);
	CHECK_INT(number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'mint/reserve'"),
		number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'mint/treasury'"));
	village_check_ledger(&village, true);
	/* Every epoch but the open one is closed, in a row. */
	CHECK_INT(number_of("SELECT count(*) FROM epoch WHERE state = 2"), number_of("SELECT max(epoch) FROM epoch"));
	CHECK_INT(number_of("SELECT count(*) FROM epoch a JOIN epoch b ON b.epoch = a.epoch + 1 WHERE b.opened_ms <> "
			    "a.ended_ms"),
		0);
	CHECK_INT(number_of("SELECT count(*) FROM epoch WHERE ended_ms - opened_ms <> 3600000"), 0);
	village_close(&village);
}

/* What two runs must share: money, claims, records, verdicts. */
static void outcome(char out[4][ID_HEX_ROOM])
{
	static const char *const queries[] = {
		"SELECT owner, kind, debits_posted, credits_posted FROM ledger_account",
		"SELECT epoch, minted, claims_root FROM epoch",
		"SELECT voter, counts, gold_votes, gold_right, carried_points FROM campaign_validator",
		"SELECT item_id, class, p_good, margin, scores, votes, epoch FROM verdict",
	};
	for (int i = 0; i < 4; i++)
		snprintf(out[i], ID_HEX_ROOM, "%s", village_digest(&village, queries[i]));
}

TEST(the_same_votes_give_the_same_money_and_verdicts_whatever_the_workers_timing)
{
	char first[4][ID_HEX_ROOM], second[4][ID_HEX_ROOM];
	CHECK_OR_RETURN(village_open(&village, PLAIN, VOTERS, 0));
	campaign_run(false);
	outcome(first);
	village_close(&village);
	CHECK_OR_RETURN(village_open(&village, PLAIN, VOTERS, 0));
	campaign_run(true);
	outcome(second);
	village_close(&village);
	for (int i = 0; i < 4; i++)
		CHECK_TEXT(second[i], first[i]);
}

/* Closes whose entry holds both texts. */
static int64_t closes_that_tell(const char *one, const char *other)
{
	return village_number(&village,
		"SELECT count(*) FROM (SELECT convert_from(body, 'UTF8') AS text FROM journal_entry) j WHERE text LIKE "
		"'%%\"epoch_close\"%%' AND position('%s' in text) > 0 AND position('%s' in text) > 0",
		one, other);
}

/* The digest of the campaign's state as anybody computes it who knows the tables, and the salts of item 0's first
 * `sealed` voters, whose votes stay sealed. */
static const char *counts_told(int sealed)
{
	static char hex[ID_HEX_ROOM];
	struct commitment_leaf leaves[VOTERS];
	struct sha256 root;
	struct wn_error err = {0};
	char root_hex[ID_HEX_ROOM];
	for (int v = 0; v < sealed; v++) {
		struct ballot_vote vote;
		village_vote(&village, v, 0, 1, 1, 0, &vote);
		leaves[v] = (struct commitment_leaf){
			.item = vote.key.item, .round = 1, .voter = village.voters[v].public_key};
		memcpy(leaves[v].value.bytes, vote.salt.bytes, ID_BYTES);
	}
	CHECK_OK(vote_root(&village.arena, leaves, (size_t)sealed, &root, &err), err);
	hex_write(root_hex, root.bytes, ID_BYTES);
	/* Each number as eight bytes, the least first. */
#define NUMBERS(array)                                                                                                 \
	"(SELECT string_agg(substring(int8send(c) from 8 - b for 1), ''::bytea ORDER BY n, b) FROM unnest(" array      \
	") WITH ORDINALITY AS u (c, n), generate_series(0, 7) AS b)"
	village_sql(&village,
		"CREATE OR REPLACE VIEW counts_told AS SELECT encode(sha256('winnow/counts/v1'::bytea || '\\x00' || "
		"'\\x%s' || (SELECT " NUMBERS("prior") " FROM campaign_state) || (SELECT string_agg(voter || " NUMBERS(
			"counts") ", ''::bytea ORDER BY voter) FROM campaign_validator)), 'hex') AS digest",
		root_hex);
#undef NUMBERS
	snprintf(hex, sizeof hex, "%s", village_text(&village, "SELECT digest FROM counts_told"));
	return hex;
}

TEST(an_item_that_the_sweeps_leave_in_doubt_gets_a_second_panel_and_settles_at_the_next_close)
{
	static const int split[] = {0, 1, 0, 1, 1}, yes[] = {1, 1, 1}, all_yes[] = {1, 1, 1, 1, 1};
	/* Escalation before the close is spent by telling the tally of a campaign that has none until the vote is over.
	 */
	CHECK_OR_RETURN(village_open(
		&village, CATS("\"seat_pay\":\"0\"", ",\"escalate\":0", ",\"probation\":false"), VOTERS, 0));
	for (int n = 0; n < 3; n++)
		village_item(&village, n);
	village_settle(&village);
	village_panel(&village, 0, 1, 0, split, 5);
	village_panel(&village, 1, 1, 0, all_yes, 5);
	village_panel(&village, 2, 1, 5, all_yes, 5);
	CHECK_INT(number_of("SELECT count(*) FROM item WHERE state = 4"), 3);
	village_sql(&village,
		"UPDATE campaign SET document = convert_to(replace(convert_from(document, 'UTF8'), '\"escalate\":0', "
		"'\"escalate\":3'), 'UTF8')");
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	CHECK_INT(number_of("SELECT count(*) FROM item WHERE state = 3"), 1);
	CHECK_INT(number_of("SELECT count(*) FROM verdict"), 2);
	CHECK_INT(number_of("SELECT count(*) FROM round WHERE round = 2 AND seats = 3 AND state = 0"), 1);
	/* Its votes are counted, yet nobody is told what they said. */
	CHECK_INT(number_of("SELECT count(*) FROM round WHERE counted_epoch = 0"), 3);
	CHECK_INT(number_of("SELECT count(*) FROM journal_entry j, vote_reveal v JOIN item i USING (item_id) WHERE "
			    "i.state = 3 AND "
			    "position(encode(v.salt, 'hex') in convert_from(j.body, 'UTF8')) > 0"),
		0);
	CHECK_INT(number_of("SELECT count(DISTINCT v.salt) FROM journal_entry j, vote_reveal v JOIN item i USING "
			    "(item_id) WHERE i.state = 5 "
			    "AND position(encode(v.salt, 'hex') in convert_from(j.body, 'UTF8')) > 0"),
		10);
	CHECK_INT(closes_that_tell("\"second\":1", "\"prior\""), 0);
	CHECK_INT(closes_that_tell("\"second\":1", counts_told(5)), 1);
	CHECK_INT(closes_that_tell("\"second\":1", counts_told(0)), 0);
	village_panel(&village, 0, 2, 10, yes, 3);
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	CHECK_INT(closes_that_tell("\"second\":0", "\"prior\""), 1);
	CHECK_INT(closes_that_tell("\"second\":0", counts_told(0)), 1);
	CHECK_INT(number_of("SELECT class FROM verdict WHERE votes = 8"), 1);
	CHECK_INT(number_of("SELECT count(*) FROM round WHERE counted_epoch = 1 AND round = 2"), 1);
	CHECK_INT(number_of("SELECT epoch FROM verdict WHERE votes = 8"), 1);
	village_close(&village);
}

TEST(a_void_item_settles_as_void_and_pays_nobody)
{
	CHECK_OR_RETURN(village_open(&village, PLAIN, 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	for (int again = 0; again < 2; again++) {
		CHECK(village_seat(&village, again, 0, again + 1));
		CHECK_INT(village_commit(&village, again, 0, again + 1, 1, 1), BALLOT_OK);
		village_advance(&village, 600000);
		village_settle(&village);
	}
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	CHECK_INT(number_of("SELECT class FROM verdict"), -1);
	CHECK_INT(number_of("SELECT cardinality(scores) FROM verdict"), 0);
	CHECK_INT(number_of("SELECT sum(minted) FROM epoch"), 0);
	CHECK_INT(number_of("SELECT count(*) FROM gold"), 0);
	village_advance(&village, village.document.challenge_ms);
	village_settle(&village);
	CHECK_INT(number_of("SELECT state FROM item"), ITEM_VOID);
	/* Who sealed a vote that nobody could open gets the bond back. */
	village_check_ledger(&village, true);
	CHECK_INT(number_of("SELECT count(*) FROM slash"), 0);
	village_close(&village);
}

TEST(a_sealed_vote_that_is_never_opened_costs_its_whole_bond_and_the_slash_points_at_evidence)
{
	static const int yes[] = {1, 1, 1, 1};
	CHECK_OR_RETURN(
		village_open(&village, CATS("\"seat_pay\":\"0\"", ",\"escalate\":0", ",\"probation\":false"), 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	for (int i = 0; i < 5; i++) {
		CHECK(village_seat(&village, i, 0, 1));
		CHECK_INT(village_commit(&village, i, 0, 1, 1, 1), BALLOT_OK);
	}
	village_settle(&village);
	for (int i = 0; i < 4; i++)
		CHECK_INT(village_reveal(&village, i, 0, 1, 1, yes[i]), BALLOT_OK);
	village_advance(&village, 600000);
	village_settle(&village);
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	int64_t bond = village.node.policy.seat_bond_floor;
	CHECK_INT(village_balance(&village, &village.voters[4].public_key, LEDGER_STAKE), VILLAGE_STAKE - bond);
	CHECK_INT(number_of("SELECT count(*) FROM slash WHERE points = 0"), 1);
	CHECK_INT(village_number(&village, "SELECT amount FROM ledger_transfer WHERE cause = 'slash/unopened/reserve'"),
		bond - bond / 2);
	CHECK_INT(village_number(&village, "SELECT amount FROM ledger_transfer WHERE cause = 'slash/unopened/burned'"),
		bond / 2);
	village_check_ledger(&village, false);
	village_close(&village);
}

TEST(a_prepaid_campaign_pays_from_its_deposit_and_no_further)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	struct sha256 owner;
	struct transfer deposit = {.credit.kind = LEDGER_BUDGET, .amount = 7000000, .cause = "genesis", .epoch = -1};
	enum transfer_result result;
	struct wn_error err = {0};
	CHECK_OR_RETURN(village_open(&village,
		CATS("\"seat_pay\":\"1000000\",\"source\":\"prepaid\"", ",\"escalate\":0", ",\"probation\":false"), 15,
		0));
	sha256_of("cats", 4, &owner);
	memcpy(deposit.credit.owner, owner.bytes, 32);
	transfer_id_of(&deposit.id, "genesis", owner.bytes, NULL, 0);
	CHECK_OK(db_begin(village.owner, &err) &&
			 ledger_store_post(village.owner, &village.arena, &deposit, 1, 0, &result, &err) &&
			 db_commit(village.owner, &err),
		err);
	for (int n = 0; n < 6; n++)
		village_item(&village, n);
	village_settle(&village);
	for (int n = 0; n < 6; n++)
		village_panel(&village, n, 1, n % 3 * 5, yes, 5);
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	for (int epoch = 0; epoch < 25; epoch++) {
		village_advance(&village, VILLAGE_EPOCH_MS);
		village_settle(&village);
	}
	village_advance(&village, village.document.challenge_ms);
	village_settle(&village);
	CHECK_INT(number_of("SELECT count(*) FROM campaign_validator WHERE carried_scored > 0"), 0);
	CHECK(number_of("SELECT coalesce(sum(amount), 0) FROM validator_pay") <= 7000000);
	CHECK_INT(number_of("SELECT coalesce(sum(amount), 0) FROM validator_pay"),
		7000000 - village_number(&village,
				  "SELECT credits_posted - debits_posted FROM ledger_account WHERE kind = 5"));
	CHECK_INT(number_of("SELECT count(*) FROM ledger_transfer t JOIN ledger_account d ON d.account_id = "
			    "t.debit_account WHERE "
			    "cause = 'reward/validator' AND d.kind = 0"),
		0);
	village_check_ledger(&village, true);
	village_close(&village);
}

TEST(silent_epochs_pass_in_no_time_and_leave_a_row_each)
{
	CHECK_OR_RETURN(village_open(&village, PLAIN, 3, 0));
	village_settle(&village);
	village_advance(&village, 5000 * VILLAGE_EPOCH_MS + 17);
	int64_t begun_ms = clock_monotonic_ms();
	village_settle(&village);
	CHECK(clock_monotonic_ms() - begun_ms < 5000);
	CHECK_INT(number_of("SELECT count(*) FROM epoch WHERE state = 2"), 5000);
	CHECK_INT(number_of("SELECT epoch FROM epoch WHERE state = 0"), 5000);
	CHECK_INT(number_of("SELECT opened_ms FROM epoch WHERE state = 0"), VILLAGE_START_MS + 5000 * VILLAGE_EPOCH_MS);
	CHECK_INT(number_of("SELECT count(*) FROM epoch WHERE beacon IS NULL OR onion IS NULL"), 0);
	CHECK_INT(number_of("SELECT count(*) FROM epoch a JOIN epoch b ON b.epoch = a.epoch + 1 WHERE sha256(b.onion) "
			    "<> a.onion"),
		0);
	CHECK(number_of("SELECT count(*) FROM journal_entry") <= 10);
	village_close(&village);
}

TEST(audits_are_opened_only_where_somebody_may_audit)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	for (int curators = 0; curators < 2; curators++) {
		CHECK_OR_RETURN(village_open(&village,
			CATS("\"seat_pay\":\"0\"", ",\"escalate\":0", ",\"probation\":false"), 9, 3 * curators));
		village_item(&village, 0);
		village_settle(&village);
		village_panel(&village, 0, 1, 0, yes, 5);
		village_advance(&village, VILLAGE_EPOCH_MS);
		village_settle(&village);
		CHECK_INT(number_of("SELECT count(*) FROM gold"), curators);
		CHECK_INT(number_of("SELECT count(*) FROM verdict"), 1 - curators);
		if (curators) {
			CHECK_INT(number_of("SELECT commit_until_ms FROM round WHERE kind = 1"),
				VILLAGE_START_MS + VILLAGE_EPOCH_MS + VILLAGE_EPOCH_MS / 2);
			for (int v = 6; v < 9; v++) {
				CHECK(village_seat(&village, v, 0, 2));
				CHECK_INT(village_commit(&village, v, 0, 2, 1, 1), BALLOT_OK);
			}
			village_settle(&village);
			CHECK_INT(number_of("SELECT reveal_until_ms FROM round WHERE kind = 1"),
				VILLAGE_START_MS + 2 * VILLAGE_EPOCH_MS);
			for (int v = 6; v < 9; v++)
				CHECK_INT(village_reveal(&village, v, 0, 2, 1, 1), BALLOT_OK);
			/* The close does not wait for the end of the epoch once the answer is known. */
			village_settle(&village);
			CHECK_INT(number_of("SELECT class FROM gold"), 1);
			CHECK_INT(number_of("SELECT count(*) FROM verdict"), 1);
			CHECK_INT(number_of("SELECT votes FROM verdict"), 5);
			CHECK_INT(number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'reward/curator'"), 3);
		}
		village_close(&village);
	}
}

TEST(an_audit_that_nobody_takes_holds_the_close_up_to_the_end_of_the_next_epoch)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	CHECK_OR_RETURN(village_open(&village, PLAIN, 9, 0));
	village_item(&village, 0);
	village_settle(&village);
	village_panel(&village, 0, 1, 0, yes, 5);
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	CHECK_INT(number_of("SELECT count(*) FROM round WHERE kind = 1 AND state = 0"), 1);
	/* One seals and never opens. */
	CHECK(village_seat(&village, 6, 0, 2));
	CHECK_INT(village_commit(&village, 6, 0, 2, 1, 1), BALLOT_OK);
	village_advance(&village, VILLAGE_EPOCH_MS / 2);
	village_settle(&village);
	CHECK_INT(number_of("SELECT count(*) FROM verdict"), 0);
	village_advance(&village, VILLAGE_EPOCH_MS / 2);
	village_settle(&village);
	CHECK_INT(number_of("SELECT count(*) FROM verdict"), 1);
	CHECK_INT(number_of("SELECT class FROM gold"), -1);
	CHECK_INT(number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'reward/curator'"), 0);
	CHECK_INT(number_of("SELECT count(*) FROM slash"), 1);
	village_close(&village);
}

/* ---- death ---- */

/* Tables in an order in which one close meets as many of them as it can: those that it always writes first. */
static const char *const watched[] = {"epoch", "journal_entry", "round", "item", "verdict", "campaign_validator",
	"campaign_state", "ledger_account", "ledger_transfer", "seat", "vesting_grant", "validator_pay", "slash",
	"gold", NULL};

static void everything(char out[ID_HEX_ROOM])
{
	char all[32 * ID_HEX_ROOM] = "";
	struct sha256 hash;
	for (int i = 0; watched[i]; i++) {
		char sql[128];
		snprintf(sql, sizeof sql, "SELECT * FROM %s", watched[i]);
		strcat(all, village_digest(&village, sql));
	}
	sha256_of(all, strlen(all), &hash);
	hex_write(out, hash.bytes, ID_BYTES);
}

/* Kills the connection of a role's backend when it writes `table`: the statement before it is the last that happened.
 */
static void trap_set(const char *table, const char *role)
{
	village_sql(&village,
		"CREATE OR REPLACE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF current_user = '%s' "
		"THEN PERFORM "
		"pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$; "
		"ALTER FUNCTION trap() OWNER TO winnow_owner; GRANT EXECUTE ON FUNCTION trap() TO %s; "
		"GRANT EXECUTE ON FUNCTION pg_terminate_backend(integer, bigint) TO %s; "
		"CREATE TRIGGER trap AFTER INSERT OR UPDATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION trap()",
		role, role, role, table);
}

/* The close's next batches until one dies, which must leave nothing behind; false when none did. */
static bool close_dies(void)
{
	char before[ID_HEX_ROOM], after[ID_HEX_ROOM];
	struct wn_error err = {0};
	size_t done = 1;
	while (done > 0) {
		everything(before);
		wn_arena_reset(&village.reward.arena);
		if (close_plan->batch(&village.reward, &done, &err))
			continue;
		CHECK_TEXT(err.code, "db_down");
		db_rollback(village.reward.db);
		everything(after);
		CHECK_TEXT(after, before);
		wn_error_reset(&err);
		CHECK_OK(db_reconnect(village.reward.db, &err), err);
		return true;
	}
	return false;
}

/* Voting goes on while the close stands still; with every epoch it comes back, and dies at one table after the other.
 */
static int campaign_of_deaths(bool disturb)
{
	int deaths = 0;
	for (int n = 0; n < ITEMS; n++)
		village_item(&village, n);
	for (int epoch = 0; epoch < 30; epoch++) {
		village.close_rests = true;
		village_settle(&village);
		vote_all(false);
		village.close_rests = false;
		village_advance(&village, VILLAGE_EPOCH_MS);
		village_settle_tally(&village);
		for (int t = 0; disturb && watched[t]; t++) {
			trap_set(watched[t], "winnow_reward");
			deaths += close_dies();
			village_sql(&village, "DROP TRIGGER trap ON %s", watched[t]);
			village_check_ledger(&village, false);
		}
		village_settle(&village);
	}
	village_advance(&village, village.document.challenge_ms);
	village_settle(&village);
	return deaths;
}

TEST(a_close_that_dies_at_any_statement_leaves_nothing_and_simply_goes_on)
{
	char clean[4][ID_HEX_ROOM], disturbed[4][ID_HEX_ROOM];
	CHECK_OR_RETURN(village_open(&village, PLAIN, VOTERS, 0));
	CHECK_INT(campaign_of_deaths(false), 0);
	outcome(clean);
	village_check_ledger(&village, true);
	village_close(&village);
	CHECK_OR_RETURN(village_open(&village, PLAIN, VOTERS, 0));
	int deaths = campaign_of_deaths(true);
	if (!CHECK(deaths >= 30))
		printf("  it died %d times\n", deaths);
	outcome(disturbed);
	village_check_ledger(&village, true);
	village_close(&village);
	for (int i = 0; i < 4; i++)
		CHECK_TEXT(disturbed[i], clean[i]);
}
