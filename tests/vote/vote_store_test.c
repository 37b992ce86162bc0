/* Ballots in the database: what repeats, what is refused, who waits for whom; the tables that closes read. */
#include "vote/ballot_store.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "tests/vote/village.h"
#include "vote/close_store.h"
#include "vote/snapshot_store.h"

SUITE("vote store")

#define BIRDS                                                                                                          \
	"{\"name\":\"birds\",\"question\":\"Is there a "                                                               \
	"bird?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                             \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":8,\"escalate\":0},\"probation\":" \
	"false}"

enum { RACERS = 8 };

static struct village village;

TEST(a_sealed_vote_may_be_replaced_by_a_higher_number_and_the_last_one_counts)
{
	CHECK_OR_RETURN(village_open(&village, BIRDS, 8, 0));
	village_item(&village, 0);
	village_settle(&village);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 0), BALLOT_SEAT_MISSING);
	CHECK(village_seat(&village, 0, 0, 1));
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 0), BALLOT_OK);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 0), BALLOT_REPEATED);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 1), BALLOT_SEQUENCE_TAKEN);
	CHECK_INT(village_commit(&village, 0, 0, 1, 5, 1), BALLOT_OK);
	CHECK_INT(village_commit(&village, 0, 0, 1, 4, 1), BALLOT_SEQUENCE_OLD);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 0), BALLOT_REPEATED);
	CHECK_INT(village_number(&village, "SELECT committed FROM round"), 1);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM vote_commit"), 2);
	for (int voter = 1; voter < 8; voter++) {
		CHECK(village_seat(&village, voter, 0, 1));
		CHECK_INT(village_commit(&village, voter, 0, 1, 1, 1), BALLOT_OK);
	}
	village_settle(&village);
	/* The first sealed vote no longer opens anything. */
	CHECK_INT(village_reveal(&village, 0, 0, 1, 1, 0), BALLOT_COMMITMENT_DIFFERS);
	CHECK_INT(village_reveal(&village, 0, 0, 1, 5, 7), BALLOT_CHOICE_UNKNOWN);
	CHECK_INT(village_reveal(&village, 0, 0, 1, 5, 1), BALLOT_OK);
	CHECK_INT(village_reveal(&village, 0, 0, 1, 5, 1), BALLOT_REPEATED);
	CHECK_INT(village_reveal(&village, 0, 0, 1, 1, 0), BALLOT_REVEALED_OTHERWISE);
	CHECK_INT(village_number(&village, "SELECT revealed FROM round"), 1);
	/* Repeating stays harmless when all is over. */
	for (int voter = 1; voter < 8; voter++)
		CHECK_INT(village_reveal(&village, voter, 0, 1, 1, 1), BALLOT_OK);
	village_settle(&village);
	CHECK_INT(village_reveal(&village, 3, 0, 1, 1, 1), BALLOT_REPEATED);
	CHECK_INT(village_commit(&village, 3, 0, 1, 1, 1), BALLOT_REPEATED);
	village_close(&village);
}

TEST(one_bad_vote_never_fails_its_neighbours)
{
	struct ballot ballot = {.reveal = false, .count = 64};
	enum ballot_result results[BALLOT_VOTES_MAX];
	CHECK_OR_RETURN(village_open(&village, BIRDS, 2, 0));
	for (int n = 0; n < 64; n++)
		village_item(&village, n);
	village_settle(&village);
	for (int n = 0; n < 64; n++) {
		if (n % 8 != 3)
			CHECK(village_seat(&village, 0, n, 1));
		village_vote(&village, 0, n, n % 8 == 5 ? 9 : 1, 1, 1, &ballot.votes[63 - n]);
	}
	CHECK(village_ballot(&village, 0, &ballot, results));
	for (int n = 0; n < 64; n++)
		CHECK_INT(results[63 - n], n % 8 == 3	? BALLOT_SEAT_MISSING
					   : n % 8 == 5 ? BALLOT_ROUND_UNKNOWN
							: BALLOT_OK);
	CHECK_INT(village_number(&village, "SELECT sum(committed) FROM round"), 48);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM ballot"), 1);
	/* A ballot of which nothing counts leaves no evidence. */
	ballot.count = 1;
	village_vote(&village, 1, 0, 1, 1, 1, &ballot.votes[0]);
	CHECK(village_ballot(&village, 1, &ballot, results));
	CHECK_INT(results[0], BALLOT_SEAT_MISSING);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM ballot"), 1);
	village_close(&village);
}

/* One voter of many who seal votes on the same rounds at the same time, each in another order. */
struct racer {
	int voter;
	struct db *db;
	pthread_t thread;
	int failures;
};

static void *race(void *context)
{
	struct racer *racer = context;
	struct wn_arena arena;
	static struct ballot_request all[RACERS];
	struct ballot_request *request = &all[racer->voter];
	struct ballot_voter voter = {.network = village.node.network, .key = village.voters[racer->voter].public_key};
	struct wn_error err = {0};
	wn_arena_init(&arena, 1 << 24);
	request->ballot = (struct ballot){.reveal = false, .count = 16};
	request->evidence =
		(struct ballot_evidence){.voter = voter.key, .base = WN_SLICE("base"), .body = WN_SLICE("{}")};
	memset(request->evidence.id.bytes, racer->voter + 1, ID_BYTES);
	for (int i = 0; i < 16; i++)
		village_vote(&village, racer->voter, (i + racer->voter * 5) % 16, 1, 1, 1, &request->ballot.votes[i]);
	bool ok = db_begin(racer->db, &err) && ballot_store_lock(racer->db, &arena, &request, 1, &err);
	for (int i = 0; ok && i < 16; i++)
		request->results[i] = ballot_check(
			false, &request->ballot.votes[i], &request->found[i].place, &voter, VILLAGE_START_MS);
	ok = ok && ballot_store_keep(racer->db, &arena, &request, 1, &err) && db_commit(racer->db, &err);
	for (int i = 0; ok && i < 16; i++)
		racer->failures += request->results[i] != BALLOT_OK;
	racer->failures += !ok;
	wn_arena_free(&arena);
	return NULL;
}

TEST(ballots_on_the_same_rounds_wait_for_one_another_and_lose_no_vote)
{
	struct racer racers[RACERS];
	struct wn_error err = {0};
	CHECK_OR_RETURN(village_open(&village, BIRDS, RACERS, 0));
	for (int n = 0; n < 16; n++)
		village_item(&village, n);
	village_settle(&village);
	for (int voter = 0; voter < RACERS; voter++)
		for (int n = 0; n < 16; n++)
			CHECK(village_seat(&village, voter, n, 1));
	for (int i = 0; i < RACERS; i++) {
		racers[i] = (struct racer){.voter = i};
		CHECK_OK(node_connect(&village.node, "winnow_serve", &racers[i].db, &err), err);
	}
	for (int i = 0; i < RACERS; i++)
		CHECK_INT(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	for (int i = 0; i < RACERS; i++) {
		CHECK_INT(pthread_join(racers[i].thread, NULL), 0);
		CHECK_INT(racers[i].failures, 0);
		db_close(racers[i].db);
	}
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE committed = 8"), 16);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM vote_commit"), 16 * RACERS);
	village_close(&village);
}

TEST(only_a_vote_that_fills_its_round_wakes_the_tally)
{
	struct wn_error err = {0};
	bool woken = true;
	CHECK_OR_RETURN(village_open(&village, BIRDS, 8, 0));
	village_item(&village, 0);
	village_settle(&village);
	CHECK_OK(db_command(village.tally.db, "LISTEN winnow_embedded", &err), err);
	for (int voter = 0; voter < 8; voter++) {
		CHECK(village_seat(&village, voter, 0, 1));
		CHECK_INT(village_commit(&village, voter, 0, 1, 1, 1), BALLOT_OK);
		CHECK_OK(db_wait(village.tally.db, -1, voter < 7 ? 20 : 2000, &woken, &err), err);
		CHECK_INT(woken, voter == 7);
	}
	village_close(&village);
}

TEST(a_campaigns_state_and_its_validators_records_come_back_as_they_were_stored)
{
	struct wn_error err = {0};
	struct campaign_state state = {.prior = {5, 7}, .crowd = {1, 2, 3, 4}, .proven = 3, .epoch = 9}, read;
	int64_t tables[3][4] = {{64, 0, 1, 63}, {10, 20, 30, 40}, {0, 0, 0, 0}};
	struct validator_row rows[3], *stored;
	size_t count;
	CHECK_OR_RETURN(village_open(&village, BIRDS, 4, 0));
	for (int i = 0; i < 3; i++)
		rows[i] = (struct validator_row){.voter = village.voters[i].public_key,
			.counts = tables[i],
			.gold_votes = 30 + i,
			.gold_right = i == 0 ? 30 : i,
			.carried_points = -7 * i,
			.carried_scored = i,
			.carried_since = 100 + i};
	struct db *db = village.reward.db;
	CHECK_OK(close_store_state(db, &village.arena, "birds", 2, &read, &err), err);
	CHECK_INT(read.epoch, -1);
	CHECK_OK(db_begin(db, &err) && close_store_validators_save(db, &village.arena, "birds", 2, rows, 3, &err) &&
			 close_store_validators_save(db, &village.arena, "birds", 2, rows + 1, 1, &err) &&
			 close_store_state_save(db, &village.arena, "birds", 2, &state, &err) && db_commit(db, &err),
		err);
	CHECK_OK(close_store_state(db, &village.arena, "birds", 2, &read, &err), err);
	CHECK_BYTES(&read, sizeof read, &state, sizeof state);
	CHECK_OK(close_store_validators(db, &village.arena, "birds", 2, &stored, &count, &err), err);
	CHECK_INT(count, 3);
	for (size_t s = 0; s < count; s++)
		for (int i = 0; i < 3; i++) {
			if (s > 0)
				CHECK(id_compare(&stored[s - 1].voter, &stored[s].voter) < 0);
			if (id_compare(&stored[s].voter, &rows[i].voter) != 0)
				continue;
			CHECK_BYTES(stored[s].counts, sizeof tables[i], tables[i], sizeof tables[i]);
			CHECK_INT(stored[s].gold_right, rows[i].gold_right);
			CHECK_INT(stored[s].carried_points, rows[i].carried_points);
			CHECK_INT(stored[s].carried_since, rows[i].carried_since);
		}
	/* A tally that meets only two of them, one of them new, has the whole crowd's prior all the same. */
	struct account_key met[3] = {
		village.voters[3].public_key, village.voters[1].public_key, village.voters[1].public_key};
	struct snapshot snapshot;
	int64_t pooled[TALLY_CELLS_MAX];
	village.document.probation = true;
	CHECK_OK(
		snapshot_store_load(village.tally.db, &village.arena, &village.document, met, 3, &snapshot, &err), err);
	tally_prior(2, state.crowd, pooled);
	CHECK_BYTES(snapshot.tally.pooled, 4 * sizeof *pooled, pooled, 4 * sizeof *pooled);
	CHECK_INT(snapshot.epoch, 9);
	CHECK_INT(snapshot.tally.validator_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct tally_validator *validator = &snapshot.tally.validators[i];
		bool fresh = id_compare(&validator->voter, &met[0]) == 0;
		CHECK_INT(validator->counts == NULL, fresh);
		CHECK(validator->probation);
	}
	village_close(&village);
}

static void *snapshot_thread(void *context)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	wn_arena_init(&arena, 1 << 20);
	bool ok = snapshot_store_load(
		village.tally.db, &arena, &village.document, &village.voters[0].public_key, 1, context, &err);
	CHECK_OK(ok, err);
	/* What the test looks at outlives the arena as a sum. */
	struct tally_validator *validator =
		(struct tally_validator *)&((struct snapshot *)context)->tally.validators[0];
	static int64_t kept[TALLY_CELLS_MAX];
	memcpy(kept, validator->counts, 4 * sizeof *kept);
	((struct snapshot *)context)->tally.validators = NULL;
	wn_arena_free(&arena);
	return kept;
}

TEST(a_tally_never_mixes_what_a_close_leaves_with_what_it_found)
{
	struct wn_error err = {0};
	struct campaign_state state = {.prior = {5, 7}, .crowd = {1, 2, 3, 4}, .epoch = 9};
	int64_t table[4] = {64, 0, 1, 63}, *counts;
	struct snapshot snapshot = {0};
	pthread_t thread;
	CHECK_OR_RETURN(village_open(&village, BIRDS, 1, 0));
	struct validator_row row = {.voter = village.voters[0].public_key, .counts = table};
	struct db *db = village.reward.db;
	CHECK_OK(db_begin(db, &err) && close_store_validators_save(db, &village.arena, "birds", 2, &row, 1, &err) &&
			 close_store_state_save(db, &village.arena, "birds", 2, &state, &err) && db_commit(db, &err),
		err);
	/* A close commits while the tally waits for the second of the two tables. */
	CHECK_OK(db_begin(village.owner, &err), err);
	village_sql(&village, "LOCK TABLE campaign_validator IN ACCESS EXCLUSIVE MODE");
	CHECK_INT(pthread_create(&thread, NULL, snapshot_thread, &snapshot), 0);
	int64_t waits = 0;
	for (int tries = 0; tries < 2000 && waits == 0; tries++) {
		poll(NULL, 0, 5);
		waits = village_number(&village, "SELECT count(*) FROM pg_locks WHERE NOT granted");
	}
	CHECK_INT(waits, 1);
	village_sql(&village, "UPDATE campaign_validator SET counts = '{1000,0,0,0}'");
	village_sql(&village, "UPDATE campaign_state SET epoch = 10");
	CHECK_OK(db_commit(village.owner, &err), err);
	CHECK_INT(pthread_join(thread, (void **)&counts), 0);
	CHECK_INT(counts[0], snapshot.epoch == 10 ? 1000 : 64);
	village_close(&village);
}

TEST(requests_of_one_voter_for_tasks_come_one_after_the_other)
{
	struct wn_error err = {0};
	CHECK_OR_RETURN(village_open(&village, BIRDS, 2, 0));
	struct db *first = village.serve, *second = village.tally.db;
	CHECK_OK(
		db_begin(first, &err) && seat_store_exclude(first, &village.arena, &village.voters[0].public_key, &err),
		err);
	CHECK_OK(db_command(second, "SET lock_timeout = 50", &err) && db_begin(second, &err) &&
			 seat_store_exclude(second, &village.arena, &village.voters[1].public_key, &err),
		err);
	CHECK(!seat_store_exclude(second, &village.arena, &village.voters[0].public_key, &err));
	CHECK_TEXT(err.code, "db_busy");
	db_rollback(second);
	db_rollback(first);
	village_close(&village);
}
