/* The tally's loop on a real database: panels, leases, phases, redraws, outages. */
#include "vote/vote_worker.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/tree.h"
#include "tests/check.h"
#include "tests/vote/village.h"
#include "vote/commitment.h"
#include "vote/round_store.h"

SUITE("vote worker")

#define PANEL_OF_FIVE                                                                                                  \
	"{\"name\":\"cats\",\"question\":\"Is there a "                                                                \
	"cat?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                              \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":5,\"escalate\":3,\"commit_ms\":"  \
	"60000,"                                                                                                       \
	"\"reveal_ms\":60000,\"lease_ms\":20000,\"audit\":\"open\",\"audit_seats\":3},\"budget\":{\"seat_pay\":"       \
	"\"1000000\"},"                                                                                                \
	"\"probation\":false}"

static struct village village;

static int64_t round_state(int item, int round)
{
	struct item_id id;
	char hex[ID_HEX_ROOM];
	village_item_id(item, &id);
	return village_number(&village, "SELECT state FROM round WHERE item_id = '\\x%s' AND round = %d",
		hex_write(hex, id.bytes, ID_BYTES), round);
}

static int64_t item_state(int item)
{
	struct item_id id;
	char hex[ID_HEX_ROOM];
	village_item_id(item, &id);
	return village_number(
		&village, "SELECT state FROM item WHERE item_id = '\\x%s'", hex_write(hex, id.bytes, ID_BYTES));
}

static int64_t entries(const char *type)
{
	return village_number(&village,
		"SELECT count(*) FROM journal_entry WHERE convert_from(body, 'UTF8')::json->>'type' = '%s'", type);
}

TEST(items_get_a_panel_once_their_duplicate_check_is_done)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	for (int i = 0; i < 300; i++)
		village_item(&village, i);
	village_settle(&village);
	CHECK_INT(village_number(&village,
			  "SELECT count(*) FROM round WHERE state = 0 AND round = 1 AND seats = 5 AND kind = 0"),
		300);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM item WHERE state = 3"), 300);
	CHECK_INT(entries("rounds"), 2);
	CHECK_INT(village_number(&village, "SELECT min(commit_until_ms) FROM round"), VILLAGE_START_MS + 60000);
	village_close(&village);
}

TEST(a_seat_whose_lease_is_over_becomes_free_and_its_bond_goes_back)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	CHECK(village_seat(&village, 0, 0, 1));
	CHECK(village_seat(&village, 1, 0, 1));
	CHECK_INT(village_commit(&village, 1, 0, 1, 1, 1), BALLOT_OK);
	int64_t before = village_balance(&village, &village.voters[0].public_key, 2);
	CHECK(before < VILLAGE_STAKE);
	village_advance(&village, 20000);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 1), BALLOT_LEASE_OVER);
	village_settle(&village);
	CHECK_INT(village_balance(&village, &village.voters[0].public_key, 2), VILLAGE_STAKE);
	/* Who sealed a vote keeps seat and bond. */
	CHECK(village_balance(&village, &village.voters[1].public_key, 2) < VILLAGE_STAKE);
	CHECK_INT(village_number(&village, "SELECT taken FROM round"), 1);
	CHECK_INT(entries("seat_left"), 1);
	CHECK_INT(village_commit(&village, 0, 0, 1, 1, 1), BALLOT_LEASE_OVER);
	CHECK(village_seat(&village, 2, 0, 1));
	/* Nobody is served an item twice. */
	CHECK(!village_seat(&village, 0, 0, 1));
	village_check_ledger(&village, false);
	village_close(&village);
}

/* The root that anybody computes from the commitments shown. */
static void expected_root(int item, int voters, int choice, struct sha256 *out)
{
	struct commitment_leaf leaves[8];
	struct wn_error err = {0};
	for (int i = 0; i < voters; i++) {
		struct ballot_vote vote;
		village_vote(&village, i, item, 1, 1, choice, &vote);
		leaves[i] = (struct commitment_leaf){.item = vote.key.item,
			.round = 1,
			.voter = village.voters[i].public_key,
			.value = vote.commitment};
	}
	CHECK_OK(vote_root(&village.arena, leaves, (size_t)voters, out, &err), err);
}

TEST(a_full_round_closes_its_commit_phase_at_once_with_the_commitments_root)
{
	struct sha256 root;
	char hex[ID_HEX_ROOM];
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	for (int i = 0; i < 5; i++) {
		CHECK(village_seat(&village, i, 0, 1));
		CHECK_INT(round_state(0, 1), ROUND_COMMIT);
		CHECK_INT(village_commit(&village, i, 0, 1, 1, 1), BALLOT_OK);
	}
	CHECK(!village_seat(&village, 5, 0, 1));
	CHECK_INT(village_reveal(&village, 0, 0, 1, 1, 1), BALLOT_REVEAL_EARLY);
	village_turn(&village);
	CHECK_INT(round_state(0, 1), ROUND_REVEAL);
	expected_root(0, 5, 1, &root);
	hex_write(hex, root.bytes, ID_BYTES);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE commitments_root = '\\x%s'", hex), 1);
	/* The leaf that is stored is that of the entry, and the entry names the root. */
	CHECK_INT(village_number(&village,
			  "SELECT count(*) FROM round r JOIN journal_entry j ON j.leaf_hash = r.closed_leaf WHERE "
			  "convert_from(j.body, 'UTF8')::json->'rounds'->0->>'root' = '%s'",
			  hex),
		1);
	CHECK_INT(village_commit(&village, 0, 0, 1, 2, 1), BALLOT_COMMIT_CLOSED);
	village_close(&village);
}

TEST(opened_votes_are_tallied_and_neither_they_nor_their_verdict_are_told_before_the_item_is_settled)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	village_panel(&village, 0, 1, 0, yes, 5);
	CHECK_INT(round_state(0, 1), ROUND_TALLIED);
	CHECK_INT(item_state(0), ITEM_PROVISIONAL);
	CHECK_INT(village_number(&village, "SELECT class FROM provisional"), 1);
	CHECK_INT(village_number(&village, "SELECT votes FROM epoch"), 5);
	CHECK_INT(entries("tally"), 1);
	CHECK_INT(village_number(&village,
			  "SELECT count(*) FROM journal_entry j, vote_reveal v WHERE position(encode(v.salt, 'hex') in "
			  "convert_from(j.body, 'UTF8')) > 0"),
		0);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM journal_entry WHERE convert_from(body, 'UTF8') ~ "
					   "'\"(class|margin|choice)\"'"),
		0);
	village_close(&village);
}

TEST(a_split_panel_gets_a_second_one_of_others_and_all_votes_decide)
{
	static const int split[] = {0, 1, 0, 1, 1}, yes[] = {1, 1, 1};
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 8, 0));
	village_item(&village, 0);
	village_settle(&village);
	village_panel(&village, 0, 1, 0, split, 5);
	CHECK_INT(item_state(0), ITEM_JUDGING);
	CHECK_INT(round_state(0, 2), ROUND_COMMIT);
	CHECK_INT(village_number(&village, "SELECT seats FROM round WHERE round = 2"), 3);
	CHECK(!village_seat(&village, 0, 0, 2));
	village_panel(&village, 0, 2, 5, yes, 3);
	CHECK_INT(item_state(0), ITEM_PROVISIONAL);
	CHECK_INT(village_number(&village, "SELECT class FROM provisional WHERE round = 2"), 1);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round"), 2);
	village_close(&village);
}

TEST(a_panel_that_does_not_come_about_is_drawn_again_and_then_the_item_is_void)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 8, 0));
	village_item(&village, 0);
	village_settle(&village);
	for (int i = 0; i < 2; i++) {
		CHECK(village_seat(&village, i, 0, 1));
		CHECK_INT(village_commit(&village, i, 0, 1, 1, 1), BALLOT_OK);
	}
	village_advance(&village, 60000);
	village_settle(&village);
	CHECK_INT(round_state(0, 1), ROUND_VOID);
	CHECK_INT(round_state(0, 2), ROUND_COMMIT);
	CHECK_INT(item_state(0), ITEM_JUDGING);
	/* Three seal, two open: too few again. */
	for (int i = 2; i < 5; i++) {
		CHECK(village_seat(&village, i, 0, 2));
		CHECK_INT(village_commit(&village, i, 0, 2, 1, 1), BALLOT_OK);
	}
	village_advance(&village, 60000);
	village_settle(&village);
	CHECK_INT(round_state(0, 2), ROUND_REVEAL);
	for (int i = 2; i < 4; i++)
		CHECK_INT(village_reveal(&village, i, 0, 2, 1, 1), BALLOT_OK);
	village_advance(&village, 60000);
	CHECK_INT(village_reveal(&village, 4, 0, 2, 1, 1), BALLOT_REVEAL_CLOSED);
	village_settle(&village);
	CHECK_INT(round_state(0, 2), ROUND_VOID);
	CHECK_INT(item_state(0), ITEM_PROVISIONAL);
	CHECK_INT(village_number(&village, "SELECT class FROM provisional"), -1);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round"), 2);
	village_close(&village);
}

TEST(a_panel_takes_those_there_are_and_is_marked_small)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 8, 0));
	for (int n = 0; n < 2; n++) {
		village_item(&village, n);
		village_settle(&village);
		for (int i = 0; i < 3 + 2 * n; i++) {
			CHECK(village_seat(&village, i, n, 1));
			CHECK_INT(village_commit(&village, i, n, 1, 1, 1), BALLOT_OK);
		}
		village_advance(&village, 600000);
		village_settle(&village);
		CHECK_INT(round_state(n, 1), ROUND_REVEAL);
	}
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE small AND committed = 3"), 1);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE NOT small AND committed = 5"), 1);
	village_close(&village);
}

TEST(a_second_panel_that_does_not_come_about_leaves_the_first_ones_verdict)
{
	static const int split[] = {0, 1, 0, 1, 1};
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 8, 0));
	village_item(&village, 0);
	village_settle(&village);
	village_panel(&village, 0, 1, 0, split, 5);
	for (int again = 0; again < 2; again++) {
		village_advance(&village, 60000);
		village_settle(&village);
	}
	CHECK_INT(round_state(0, 2), ROUND_VOID);
	CHECK_INT(round_state(0, 3), ROUND_VOID);
	CHECK_INT(item_state(0), ITEM_PROVISIONAL);
	CHECK_INT(village_number(&village, "SELECT class FROM provisional ORDER BY round DESC LIMIT 1"), 1);
	village_close(&village);
}

TEST(an_erased_item_stays_erased_when_its_panel_is_counted)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	village_item(&village, 0);
	village_settle(&village);
	for (int i = 0; i < 5; i++) {
		CHECK(village_seat(&village, i, 0, 1));
		CHECK_INT(village_commit(&village, i, 0, 1, 1, yes[i]), BALLOT_OK);
	}
	village_sql(&village, "UPDATE item SET state = 9");
	village_turn(&village);
	for (int i = 0; i < 5; i++)
		CHECK_INT(village_reveal(&village, i, 0, 1, 1, 1), BALLOT_OK);
	village_settle(&village);
	CHECK_INT(round_state(0, 1), ROUND_TALLIED);
	CHECK_INT(item_state(0), ITEM_ERASED);
	/* Its seats' bonds come back with the next close. */
	village_advance(&village, VILLAGE_EPOCH_MS);
	village_settle(&village);
	village_check_ledger(&village, true);
	village_close(&village);
}

TEST(deadlines_stop_while_nobody_looks)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	/* An outage is told by the wall clock only: a manual one moves by the operator's will. */
	village_sql(&village, "UPDATE network SET clock_manual = false");
	village.node.clock_manual = false;
	village_sql(&village, "UPDATE epoch SET opened_ms = (extract(epoch FROM now()) * 1000)::bigint");
	village_item(&village, 0);
	village_settle(&village);
	int64_t until = village_number(&village, "SELECT commit_until_ms FROM round");
	CHECK(village_seat(&village, 0, 0, 1));
	int64_t lease = village_number(&village, "SELECT lease_until_ms FROM seat");
	village_sql(&village, "UPDATE vote_turn SET turn_ms = turn_ms - 3600000");
	village_turn(&village);
	int64_t moved = village_number(&village, "SELECT commit_until_ms FROM round") - until;
	CHECK(moved >= 3600000 && moved < 3660000);
	CHECK_INT(village_number(&village, "SELECT lease_until_ms FROM seat") - lease, moved);
	CHECK_INT(entries("outage"), 1);
	/* Two workers that saw the same outage move the deadlines once: the second finds the note changed. */
	bool noted[2];
	struct wn_error err = {0};
	int64_t turn_ms = village_number(&village, "SELECT turn_ms FROM vote_turn");
	for (int i = 0; i < 2; i++)
		CHECK_OK(round_store_turn_set(
				 village.tally.db, &village.arena, turn_ms + 1 + i, turn_ms, &noted[i], &err),
			err);
	CHECK(noted[0]);
	CHECK(!noted[1]);
	CHECK_INT(village_number(&village, "SELECT turn_ms FROM vote_turn"), turn_ms + 1);
	/* A short pause is none. */
	village_sql(&village, "UPDATE vote_turn SET turn_ms = turn_ms - 30000");
	village_turn(&village);
	CHECK_INT(entries("outage"), 1);
	village_close(&village);
}

TEST(a_deadline_behind_the_end_of_the_epoch_waits_for_the_next_one)
{
	CHECK_OR_RETURN(village_open(&village, PANEL_OF_FIVE, 6, 0));
	village_advance(&village, VILLAGE_EPOCH_MS - 30000);
	village_item(&village, 0);
	village_settle(&village);
	/* The clock jumps by two epochs: the round was due in the second one and is closed there. */
	for (int i = 0; i < 3; i++) {
		CHECK(village_seat(&village, i, 0, 1));
		CHECK_INT(village_commit(&village, i, 0, 1, 1, 1), BALLOT_OK);
	}
	village_advance(&village, 2 * VILLAGE_EPOCH_MS);
	CHECK_INT(round_state(0, 1), ROUND_COMMIT);
	village_settle(&village);
	CHECK_INT(round_state(0, 1), ROUND_REVEAL);
	for (int i = 0; i < 3; i++)
		CHECK_INT(village_reveal(&village, i, 0, 1, 1, 1), BALLOT_OK);
	village_advance(&village, 3 * VILLAGE_EPOCH_MS);
	village_settle(&village);
	CHECK_INT(village_number(&village, "SELECT epoch FROM round WHERE round = 1"), 2);
	village_close(&village);
}
