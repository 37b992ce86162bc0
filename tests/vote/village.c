/* A small network in a real database for tests of vote/: keys from a seed, a manual clock, roles as in production. */
#include "tests/vote/village.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/account.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/journal.h"
#include "core/network_store.h"
#include "reward/ledger_store.h"
#include "reward/vesting_store.h"
#include "tests/check.h"
#include "vote/ballot_store.h"
#include "vote/beacon.h"
#include "vote/campaign_store.h"
#include "vote/close_store.h"
#include "vote/close_worker.h"
#include "vote/commitment.h"
#include "vote/seat_bond.h"
#include "vote/vote_worker.h"

enum { VILLAGE_TURNS_MAX = 10000, VILLAGE_SQL_MAX = 4096, VILLAGE_STATEMENTS_MAX = 900 };
#define VILLAGE_ARENA ((size_t)512 << 20)

/* ---- making it ---- */

static void key_of(const char *kind, int n, struct sign_key *out)
{
	char text[64];
	struct sha256 seed;
	int bytes = snprintf(text, sizeof text, "village/%s/%d", kind, n);
	sha256_of(text, (size_t)bytes, &seed);
	sign_from_seed(out, seed.bytes);
}

static bool village_connect(struct village *village, struct wn_error *err)
{
	return node_connect(&village->node, "winnow_owner", &village->owner, err) &&
	       node_connect(&village->node, "winnow_serve", &village->serve, err) &&
	       node_connect(&village->node, "winnow_tally", &village->tally.db, err) &&
	       node_connect(&village->node, "winnow_reward", &village->reward.db, err);
}

static bool account_make(struct village *village, const struct account_key *key, int roles, struct wn_error *err)
{
	struct account account;
	bool changed;
	return account_insert(village->owner, &village->arena, &village->node.network, key, roles, false, NULL, NULL,
		VILLAGE_START_MS, &account, &changed, err);
}

static bool accounts_make(struct village *village, int curators, struct wn_error *err)
{
	for (int i = 0; i < VILLAGE_CONTRIBUTORS; i++) {
		key_of("contributor", i, &village->contributors[i]);
		if (!account_make(village, &village->contributors[i].public_key, ACCOUNT_CONTRIBUTOR, err))
			return false;
	}
	for (int i = 0; i < village->voter_count; i++) {
		bool curator = i >= village->voter_count - curators;
		struct transfer stake = {.step = TRANSFER_SINGLE,
			.credit.kind = LEDGER_STAKE,
			.amount = VILLAGE_STAKE,
			.cause = "genesis",
			.epoch = -1};
		enum transfer_result result;
		key_of("voter", i, &village->voters[i]);
		memcpy(stake.credit.owner, village->voters[i].public_key.bytes, ID_BYTES);
		transfer_id_of(&stake.id, "genesis", stake.credit.owner, NULL, 0);
		if (!account_make(village, &village->voters[i].public_key,
			    ACCOUNT_VALIDATOR | (curator ? ACCOUNT_CURATOR : 0), err) ||
			!ledger_store_post(village->owner, &village->arena, &stake, 1, VILLAGE_START_MS, &result, err))
			return false;
		CHECK_INT(result, TRANSFER_DONE);
	}
	return true;
}

/* What `winnow up` writes at genesis, as far as these parts look at it. */
static bool genesis_make(struct village *village, struct wn_error *err)
{
	struct sha256 hash, silent, layer, beacon;
	struct wn_slice genesis = WN_SLICE("{\"time_ms\":0,\"type\":\"genesis\"}");
	uint8_t seed[SIGN_SEED_BYTES] = "a seed for tests, 32 bytes long";
	char path[NODE_PATH_MAX];
	sha256_of(genesis.data, genesis.bytes, &hash);
	memcpy(village->node.network.bytes, hash.bytes, ID_BYTES);
	char hex[ID_HEX_ROOM];
	snprintf(village->node.network_tag, sizeof village->node.network_tag, "winnow-%.16s",
		hex_write(hex, hash.bytes, ID_BYTES));
	mkdir(node_path(&village->node, path, "keys"), 0700);
	mkdir(node_path(&village->node, path, "run"), 0700);
	node_path(&village->node, path, "keys/beacon.seed");
	remove(path);
	if (!seed_file_store(path, seed, err))
		return false;
	struct beacon_onion *onion = beacon_onion_open(seed);
	bool ok =
		onion && beacon_onion_layer(onion, 0, &layer, err) && vote_root(&village->arena, NULL, 0, &silent, err);
	beacon_onion_close(onion);
	if (!ok)
		return false;
	beacon_of_epoch(&village->node.network, 0, &layer, &silent, &beacon);
	return network_store_insert(village->owner, &village->arena, &village->node.network, genesis,
		       &village->node.checkpoint_key.public_key, true, VILLAGE_START_MS, err) &&
	       close_store_begin(village->owner, &village->arena, 0, VILLAGE_START_MS, &layer, &beacon, err) &&
	       journal_append(village->owner, &village->arena, genesis, NULL, err);
}

static bool campaign_make(struct village *village, const char *document, struct wn_error *err)
{
	const struct json *json;
	struct wn_slice canonical;
	bool created;
	if (!json_parse(&village->arena, document, strlen(document), &json, err) ||
		!campaign_parse(json, &village->document, err) || !jcs_write(&village->arena, json, &canonical, err))
		return false;
	village->campaign = village->document.name;
	return campaign_store_insert(
		village->owner, &village->arena, village->campaign, canonical, VILLAGE_START_MS, &created, err);
}

bool village_campaign(struct village *village, const char *document)
{
	struct wn_error err = {0};
	bool ok = campaign_make(village, document, &err);
	return check_true(ok, err.text, __FILE__, __LINE__);
}

bool village_open(struct village *village, const char *campaign, int voters, int curators)
{
	static int64_t fence;
	struct wn_error err = {0};
	const char *base = test_database(), *folder = test_folder();
	memset(village, 0, sizeof *village);
	if (!base || !folder)
		return false;
	sign_start();
	snprintf(village->node.database, sizeof village->node.database, "%.500s", base);
	snprintf(village->node.state_dir, sizeof village->node.state_dir, "%.400s", folder);
	policy_default(&village->node.policy);
	village->node.policy.epoch_ms = VILLAGE_EPOCH_MS;
	village->node.clock_manual = true;
	key_of("checkpoint", 0, &village->node.checkpoint_key);
	village->node.has_checkpoint_key = true;
	village->voter_count = voters;
	village->tally.node = village->reward.node = &village->node;
	village->tally.fence = ++fence;
	village->reward.fence = ++fence;
	wn_arena_init(&village->arena, VILLAGE_ARENA);
	wn_arena_init(&village->tally.arena, vote_plan->arena_bytes);
	wn_arena_init(&village->reward.arena, close_plan->arena_bytes);
	bool ok = village_connect(village, &err) && db_begin(village->owner, &err) && genesis_make(village, &err) &&
		  accounts_make(village, curators, &err) && campaign_make(village, campaign, &err) &&
		  db_commit(village->owner, &err);
	return check_true(ok, err.text, __FILE__, __LINE__);
}

void village_close(struct village *village)
{
	db_close(village->owner);
	db_close(village->serve);
	db_close(village->tally.db);
	db_close(village->reward.db);
	wn_arena_free(&village->arena);
	wn_arena_free(&village->tally.arena);
	wn_arena_free(&village->reward.arena);
}

/* ---- items ---- */

void village_item_id(int n, struct item_id *out)
{
	struct sha256 hash;
	char text[32];
	int bytes = snprintf(text, sizeof text, "village/item/%d", n);
	sha256_of(text, (size_t)bytes, &hash);
	memcpy(out->bytes, hash.bytes, ID_BYTES);
}

void village_item(struct village *village, int n)
{
	struct item_id item;
	char hex[ID_HEX_ROOM], owner[ID_HEX_ROOM];
	village_item_id(n, &item);
	hex_write(hex, item.bytes, ID_BYTES);
	hex_write(owner, village->contributors[n % VILLAGE_CONTRIBUTORS].public_key.bytes, ID_BYTES);
	village_sql(village,
		"INSERT INTO item (item_id, campaign, contributor, state, kind, source, source_id, canonical, salt, "
		"content, "
		"arrived_ms, stratum) VALUES ('\\x%s', '%s', '\\x%s', 1, 0, 'test', '%d', '\\x00', '\\x%s', 'post %d', "
		"%lld, %d)",
		hex, village->campaign, owner, n, hex, n, (long long)village_now(village), n % 2);
}

void village_novelty(struct village *village, int n, int numerator, int denominator)
{
	struct item_id item;
	char hex[ID_HEX_ROOM];
	village_item_id(n, &item);
	hex_write(hex, item.bytes, ID_BYTES);
	village_sql(village,
		"INSERT INTO dedup_verdict (item_id, origin, cluster, method, numerator, denominator, spec_version, "
		"nearest_numerator, nearest_denominator, decided_ms) VALUES ('\\x%s', '\\x%s', '\\x%s', 0, 0, 1, 1, "
		"%d, %d, 0)",
		hex, hex, hex, numerator, denominator);
}

/* ---- time and workers ---- */

int64_t village_now(struct village *village)
{
	int64_t now_ms = 0;
	struct wn_error err = {0};
	CHECK_OK(clock_now(village->serve, &now_ms, &err), err);
	return now_ms;
}

void village_advance(struct village *village, int64_t by_ms)
{
	village_sql(village, "UPDATE network SET clock_ms = clock_ms + %lld", (long long)by_ms);
}

static int64_t batch(struct worker *worker, const struct worker_plan *plan)
{
	struct wn_error err = {0};
	size_t done = 0;
	wn_arena_reset(&worker->arena);
	if (!plan->batch(worker, &done, &err)) {
		db_rollback(worker->db);
		check_text(err.text, "", plan->name, __FILE__, __LINE__);
		return -1;
	}
	CHECK(!db_in_transaction(worker->db));
	return (int64_t)done;
}

int64_t village_turn(struct village *village)
{
	int64_t tally = batch(&village->tally, vote_plan);
	if (tally < 0 || village->close_rests)
		return tally;
	int64_t reward = batch(&village->reward, close_plan);
	return reward < 0 ? -1 : tally + reward;
}

void village_settle(struct village *village)
{
	int64_t done = 1;
	for (int turn = 0; done > 0 && turn < VILLAGE_TURNS_MAX; turn++)
		done = village_turn(village);
	CHECK_INT(done, 0);
}

void village_settle_tally(struct village *village)
{
	bool rests = village->close_rests;
	village->close_rests = true;
	village_settle(village);
	village->close_rests = rests;
}

/* ---- voting ---- */

static bool seat_take(
	struct village *village, int voter, const struct round_key *key, bool *taken, struct wn_error *err)
{
	const struct account_key *account = &village->voters[voter].public_key;
	int64_t units = seat_bond_units(&village->document, &village->node.policy);
	struct seat_offer *offers;
	size_t found;
	struct transfer bond;
	enum transfer_result result = TRANSFER_DONE;
	*taken = false;
	if (!seat_store_pick(
		    village->serve, &village->arena, village->campaign, &key->item, 1, account, &offers, &found, err))
		return false;
	for (size_t i = 0; i < found; i++)
		if (offers[i].key.round == key->round && !offers[i].sat && offers[i].taken < offers[i].seats)
			*taken = true;
	if (!*taken)
		return true;
	seat_bond_transfer(&bond, key, account, units);
	if (units > 0 &&
		!ledger_store_post(village->serve, &village->arena, &bond, 1, village_now(village), &result, err))
		return false;
	CHECK_INT(result, TRANSFER_DONE);
	uint8_t bonds[1][32];
	memcpy(bonds[0], bond.id.bytes, 32);
	return seat_store_take(village->serve, &village->arena, key, 1, account,
		village_now(village) + village->document.lease_ms, units > 0 ? (const uint8_t(*)[32])bonds : NULL, err);
}

bool village_seat(struct village *village, int voter, int item, int round)
{
	struct wn_error err = {0};
	struct round_key key = {.round = round};
	bool taken = false;
	village_item_id(item, &key.item);
	if (!db_begin(village->serve, &err) || !seat_take(village, voter, &key, &taken, &err) ||
		!db_commit(village->serve, &err)) {
		db_rollback(village->serve);
		check_text(err.text, "", "take a seat", __FILE__, __LINE__);
		return false;
	}
	return taken;
}

void village_vote(
	struct village *village, int voter, int item, int round, int sequence, int choice, struct ballot_vote *out)
{
	const struct account_key *account = &village->voters[voter].public_key;
	uint8_t seed[32];
	memset(seed, voter + 1, sizeof seed);
	memset(out, 0, sizeof *out);
	village_item_id(item, &out->key.item);
	out->key.round = round;
	out->sequence = sequence;
	out->choice = choice;
	vote_salt(
		seed, &village->node.network, &out->key.item, (uint32_t)round, (uint64_t)sequence, account, &out->salt);
	vote_commitment(&village->node.network, &out->key.item, (uint32_t)round, account, (uint8_t)choice, &out->salt,
		&out->commitment);
}

static bool ballot_run(struct village *village, int voter, const struct ballot *ballot, enum ballot_result *results,
	struct wn_error *err)
{
	struct ballot_voter who = {.network = village->node.network, .key = village->voters[voter].public_key};
	static int64_t serial;
	struct ballot_request *request = wn_arena_alloc(&village->arena, sizeof *request);
	char *base = wn_arena_printf(&village->arena, "base %lld", (long long)++serial);
	wn_assert(request != NULL && base != NULL);
	request->ballot = *ballot;
	request->evidence = (struct ballot_evidence){.voter = who.key,
		.base = wn_slice_of(base),
		.body = WN_SLICE("{}"),
		.received_ms = village_now(village)};
	sha256_of(base, strlen(base), &request->evidence.id);
	sign_bytes(&village->voters[voter], base, strlen(base), &request->evidence.signature);
	if (!ballot_store_lock(village->serve, &village->arena, &request, 1, err))
		return false;
	for (size_t i = 0; i < ballot->count; i++) {
		request->found[i].place.classes = village->document.class_count;
		results[i] = request->results[i] = ballot_check(
			ballot->reveal, &ballot->votes[i], &request->found[i].place, &who, village_now(village));
	}
	return ballot_store_keep(village->serve, &village->arena, &request, 1, err);
}

bool village_ballot(struct village *village, int voter, const struct ballot *ballot, enum ballot_result *results)
{
	struct wn_error err = {0};
	if (db_begin(village->serve, &err) && ballot_run(village, voter, ballot, results, &err) &&
		db_commit(village->serve, &err))
		return true;
	db_rollback(village->serve);
	check_text(err.text, "", "ballot", __FILE__, __LINE__);
	return false;
}

static enum ballot_result one_vote(
	struct village *village, bool reveal, int voter, int item, int round, int sequence, int choice)
{
	struct ballot *ballot = wn_arena_alloc(&village->arena, sizeof *ballot);
	enum ballot_result result = BALLOT_RESULTS;
	ballot->reveal = reveal;
	ballot->count = 1;
	village_vote(village, voter, item, round, sequence, choice, &ballot->votes[0]);
	village_ballot(village, voter, ballot, &result);
	return result;
}

enum ballot_result village_commit(struct village *village, int voter, int item, int round, int sequence, int choice)
{
	return one_vote(village, false, voter, item, round, sequence, choice);
}

enum ballot_result village_reveal(struct village *village, int voter, int item, int round, int sequence, int choice)
{
	return one_vote(village, true, voter, item, round, sequence, choice);
}

void village_panel(struct village *village, int item, int round, int first, const int *choices, int count)
{
	for (int i = 0; i < count; i++) {
		CHECK(village_seat(village, first + i, item, round));
		CHECK_INT(village_commit(village, first + i, item, round, 1, choices[i]), BALLOT_OK);
	}
	village_turn(village);
	for (int i = 0; i < count; i++)
		CHECK_INT(village_reveal(village, first + i, item, round, 1, choices[i]), BALLOT_OK);
	village_turn(village);
}

/* ---- looking ---- */

/* Statements of a test's own are prepared under names of their own; they live as long as the process. */
static const struct sql_statement *statement_of(const char *sql)
{
	static struct {
		struct sql_statement statement;
		char name[32];
		char text[VILLAGE_SQL_MAX];
	} * statements[VILLAGE_STATEMENTS_MAX];
	static int count;
	for (int i = 0; i < count; i++)
		if (strcmp(statements[i]->text, sql) == 0)
			return &statements[i]->statement;
	wn_assert(count < VILLAGE_STATEMENTS_MAX);
	statements[count] = calloc(1, sizeof **statements);
	snprintf(statements[count]->name, sizeof statements[count]->name, "village_%d", count);
	snprintf(statements[count]->text, sizeof statements[count]->text, "%s", sql);
	statements[count]->statement = (struct sql_statement){statements[count]->name, statements[count]->text, 0};
	return &statements[count++]->statement;
}

static struct db_result *ask(struct village *village, const char *sql)
{
	struct wn_error err = {0};
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, &village->arena);
	CHECK_OK(db_query(village->owner, statement_of(sql), &args, &result, &err), err);
	return result;
}

int64_t village_number(struct village *village, const char *format, ...)
{
	char sql[VILLAGE_SQL_MAX], whole[VILLAGE_SQL_MAX + 64];
	va_list list;
	va_start(list, format);
	vsnprintf(sql, sizeof sql, format, list);
	va_end(list);
	snprintf(whole, sizeof whole, "SELECT ((%s))::bigint", sql);
	struct db_result *result = ask(village, whole);
	int64_t number =
		result && db_rows(result) == 1 && !db_is_null(result, 0, 0) ? db_int64(result, 0, 0) : INT64_MIN;
	db_done(result);
	return number;
}

const char *village_text(struct village *village, const char *sql)
{
	static char text[VILLAGE_SQL_MAX];
	struct db_result *result = ask(village, sql);
	bool one = result && db_rows(result) == 1;
	snprintf(text, sizeof text, "%s", one ? db_text(result, 0, 0) : "");
	db_done(result);
	return text;
}

const char *village_digest(struct village *village, const char *sql)
{
	char whole[VILLAGE_SQL_MAX];
	snprintf(whole, sizeof whole,
		"SELECT encode(sha256(convert_to(coalesce(string_agg(t::text, '|' ORDER BY t::text), ''), 'UTF8')), "
		"'hex') FROM (%s) t",
		sql);
	return village_text(village, whole);
}

void village_sql(struct village *village, const char *format, ...)
{
	char sql[VILLAGE_SQL_MAX];
	struct wn_error err = {0};
	va_list list;
	va_start(list, format);
	vsnprintf(sql, sizeof sql, format, list);
	va_end(list);
	CHECK_OK(db_command(village->owner, sql, &err), err);
}

void village_check_ledger(struct village *village, bool nothing_pending)
{
	CHECK_INT(village_number(village, "SELECT sum(debits_posted) - sum(credits_posted) FROM ledger_account"), 0);
	CHECK_INT(village_number(village, "SELECT sum(debits_pending) - sum(credits_pending) FROM ledger_account"), 0);
	CHECK_INT(village_number(village, "SELECT count(*) FROM ledger_account WHERE kind <> 0 AND credits_posted - "
					  "debits_posted - debits_pending < 0"),
		0);
	CHECK_INT(village_number(village,
			  "SELECT count(*) FROM slash s WHERE NOT EXISTS (SELECT FROM journal_entry j WHERE "
			  "j.leaf_hash = s.evidence)"),
		0);
	if (!nothing_pending)
		return;
	CHECK_INT(village_number(village, "SELECT sum(debits_pending) FROM ledger_account"), 0);
	CHECK_INT(village_number(village, "SELECT count(*) FROM seat WHERE bond IS NOT NULL AND NOT bond_ended"), 0);
	/* Slashed units leave the bond accounts at once. */
	CHECK_INT(village_number(village,
			  "SELECT coalesce(sum(credits_posted - debits_posted), 0) FROM ledger_account WHERE kind = 3"),
		0);
}

int64_t village_balance(struct village *village, const struct account_key *owner, int kind)
{
	char hex[ID_HEX_ROOM];
	static const struct account_key nobody;
	hex_write(hex, (owner ? owner : &nobody)->bytes, ID_BYTES);
	return village_number(village,
		"SELECT coalesce((SELECT credits_posted - debits_posted - debits_pending FROM ledger_account WHERE "
		"owner = '\\x%s' AND kind = %d), 0)",
		hex, kind);
}

/* ---- deposits ---- */

static void stake_move(struct village *village, int voter, int64_t units, bool out)
{
	static uint64_t number;
	const struct account_key *key = &village->voters[voter].public_key;
	struct transfer move = {.amount = units, .cause = out ? "unstake" : "stake", .epoch = -1};
	struct wn_error err = {0};
	enum transfer_result result = TRANSFER_DIFFERS;
	struct ledger_balance left;
	int64_t now_ms = village_now(village);
	memcpy(move.debit.owner, key->bytes, ID_BYTES);
	memcpy(move.credit.owner, key->bytes, ID_BYTES);
	move.debit.kind = out ? LEDGER_STAKE : LEDGER_FREE;
	move.credit.kind = out ? LEDGER_UNBONDING : LEDGER_STAKE;
	transfer_id_of(&move.id, move.cause, key->bytes, NULL, ++number);
	CHECK_OK(db_begin(village->serve, &err) && unbonded_share(village->serve, &village->arena, &err) &&
			 ledger_store_post(village->serve, &village->arena, &move, 1, now_ms, &result, &err) &&
			 ledger_store_balance(
				 village->serve, &village->arena, out ? &move.debit : &move.credit, &left, &err) &&
			 (!out || unbonding_add(village->serve, &village->arena, &move.id, key->bytes, units,
					  now_ms + village->node.policy.unbonding_ms, &err)) &&
			 ((out && ledger_available(&left) > 0) ||
				 unbonded_note(village->serve, &village->arena, key->bytes, out, &err)) &&
			 db_commit(village->serve, &err),
		err);
	CHECK_INT(result, TRANSFER_DONE);
}

void village_unstake(struct village *village, int voter)
{
	struct ledger_ref ref = {.kind = LEDGER_STAKE};
	struct ledger_balance balance;
	struct wn_error err = {0};
	memcpy(ref.owner, village->voters[voter].public_key.bytes, ID_BYTES);
	CHECK_OK(ledger_store_balance(village->serve, &village->arena, &ref, &balance, &err), err);
	stake_move(village, voter, ledger_available(&balance), true);
}

void village_stake(struct village *village, int voter, int64_t units)
{
	stake_move(village, voter, units, false);
}
