/* A ballot's text, the order of its refusals, and the decisions on panels. */
#include "vote/ballot.h"
#include "vote/seat_bond.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/check.h"
#include "vote/commitment.h"
#include "vote/panel.h"
#include "vote/tally.h"

SUITE("ballot")

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define COMMIT_A "{\"item_id\":\"" ID_A "\",\"round\":1,\"sequence\":1,\"commitment\":\"" ID_B "\"}"
#define COMMIT_B "{\"item_id\":\"" ID_B "\",\"round\":1,\"sequence\":8,\"commitment\":\"" ID_B "\"}"

enum { NOW = 1000 };

/* The code with which a text is refused; "" when it is taken. */
static const char *parse(const char *text, struct ballot *out)
{
	static struct wn_arena arena;
	static struct wn_error err;
	const struct json *json;
	if (arena.ceiling_bytes == 0)
		wn_arena_init(&arena, 1 << 22);
	wn_arena_reset(&arena);
	wn_error_reset(&err);
	CHECK_OK(json_parse(&arena, text, strlen(text), &json, &err), err);
	return ballot_parse(json, out, &err) ? "" : err.code;
}

TEST(a_ballot_of_sealed_votes_is_read)
{
	struct ballot ballot;
	CHECK_TEXT(parse("{\"phase\":\"commit\",\"votes\":[" COMMIT_A "," COMMIT_B "]}", &ballot), "");
	CHECK(!ballot.reveal);
	CHECK_INT(ballot.count, 2);
	CHECK_HEX(ballot.votes[0].key.item.bytes, ID_BYTES, ID_A);
	CHECK_INT(ballot.votes[1].sequence, 8);
	CHECK_HEX(ballot.votes[1].commitment.bytes, ID_BYTES, ID_B);
}

TEST(a_ballot_of_opened_votes_is_read)
{
	struct ballot ballot;
	CHECK_TEXT(parse("{\"phase\":\"reveal\",\"votes\":[{\"item_id\":\"" ID_A
			 "\",\"round\":3,\"choice\":2,\"salt\":\"" ID_B "\"}]}",
			   &ballot),
		"");
	CHECK(ballot.reveal);
	CHECK_INT(ballot.votes[0].key.round, 3);
	CHECK_INT(ballot.votes[0].choice, 2);
	CHECK_HEX(ballot.votes[0].salt.bytes, ID_BYTES, ID_B);
}

TEST(a_text_that_is_no_ballot_is_refused_whole)
{
	static const struct {
		const char *text, *code;
	} cases[] = {
		{"[]", "ballot_member"},
		{"{\"phase\":\"commit\",\"votes\":[" COMMIT_A "],\"more\":1}", "ballot_member"},
		{"{\"votes\":[" COMMIT_A "]}", "ballot_phase"},
		{"{\"phase\":\"peek\",\"votes\":[" COMMIT_A "]}", "ballot_phase"},
		{"{\"phase\":\"commit\"}", "ballot_votes"},
		{"{\"phase\":\"commit\",\"votes\":[]}", "ballot_votes"},
		{"{\"phase\":\"commit\",\"votes\":{}}", "ballot_votes"},
		{"{\"phase\":\"reveal\",\"votes\":[" COMMIT_A "]}", "ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[1]}", "ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"" ID_A
		 "\",\"round\":0,\"sequence\":1,\"commitment\":\"" ID_B "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"" ID_A
		 "\",\"round\":1,\"sequence\":9,\"commitment\":\"" ID_B "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"" ID_A
		 "\",\"round\":1,\"sequence\":0,\"commitment\":\"" ID_B "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"aa\",\"round\":1,\"sequence\":1,\"commitment\":"
		 "\"" ID_B "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"" ID_A "\",\"round\":1,\"sequence\":1}]}",
			"ballot_vote"},
		{"{\"phase\":\"reveal\",\"votes\":[{\"item_id\":\"" ID_A
		 "\",\"round\":1,\"choice\":256,\"salt\":\"" ID_B "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"reveal\",\"votes\":[{\"item_id\":\"" ID_A "\",\"round\":1,\"choice\":-1,\"salt\":\"" ID_B
		 "\"}]}",
			"ballot_vote"},
		{"{\"phase\":\"commit\",\"votes\":[" COMMIT_A "," COMMIT_A "]}", "ballot_twice"},
	};
	struct ballot ballot;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_TEXT(parse(cases[i].text, &ballot), cases[i].code);
}

TEST(sixty_four_votes_are_taken_and_sixty_five_are_not)
{
	static char text[65 * 256];
	struct ballot ballot;
	for (int count = 64; count <= 65; count++) {
		int at = snprintf(text, sizeof text, "{\"phase\":\"commit\",\"votes\":[");
		for (int i = 0; i < count; i++)
			at += snprintf(text + at, sizeof text - (size_t)at,
				"%s{\"item_id\":\"" ID_A "\",\"round\":%d,\"sequence\":1,\"commitment\":\"" ID_B "\"}",
				i ? "," : "", i + 1);
		snprintf(text + at, sizeof text - (size_t)at, "]}");
		CHECK_TEXT(parse(text, &ballot), count == 64 ? "" : "ballot_votes");
	}
}

TEST(every_answer_has_a_word_a_status_and_a_sentence)
{
	for (int result = 0; result < BALLOT_RESULTS; result++) {
		const struct ballot_answer *answer = ballot_answer(result);
		CHECK_OR_RETURN(answer->word && answer->detail);
		CHECK(answer->status == 200 ? result <= BALLOT_REPEATED
					    : result > BALLOT_REPEATED && answer->status >= 400);
		for (const char *c = answer->word; *c; c++)
			CHECK(islower((unsigned char)*c) || *c == '_');
		for (int other = 0; other < result; other++)
			CHECK(strcmp(answer->word, ballot_answer(other)->word) != 0);
	}
}

/* A seat in a round that takes sealed votes. */
static struct ballot_place commit_place(void)
{
	return (struct ballot_place){.round_found = true,
		.round_state = ROUND_COMMIT,
		.commit_until_ms = NOW + 1,
		.classes = 2,
		.seat_found = true,
		.seat_state = SEAT_LEASED,
		.lease_until_ms = NOW + 1};
}

/* Each defect is put on top of those before it: from the last of the list to the first, the answer must change to the
 * earlier one. */
TEST(the_first_reason_in_the_list_is_the_one_that_is_told_for_a_sealed_vote)
{
	struct ballot_vote vote = {.key.round = 1, .sequence = 2};
	struct ballot_voter voter = {.jailed = false};
	struct ballot_place place = commit_place();
	memset(vote.commitment.bytes, 7, ID_BYTES);
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_OK);
	place.last_sequence = 3;
	place.seat_state = SEAT_COMMITTED;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_SEQUENCE_OLD);
	place.sequence_used = true;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_SEQUENCE_TAKEN);
	place.commit_until_ms = NOW;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_COMMIT_CLOSED);
	place.seat_state = SEAT_LAPSED;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_LEASE_OVER);
	place.seat_state = SEAT_LEASED;
	place.lease_until_ms = NOW;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_LEASE_OVER);
	voter.jailed = true;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_JAILED);
	place.sequence_commitment = vote.commitment;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_REPEATED);
	place.own_item = true;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_OWN_ITEM);
	place.seat_state = SEAT_SKIPPED;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_SEAT_MISSING);
	place.round_found = false;
	CHECK_INT(ballot_check(false, &vote, &place, &voter, NOW), BALLOT_ROUND_UNKNOWN);
}

TEST(the_first_reason_in_the_list_is_the_one_that_is_told_for_an_opened_vote)
{
	struct ballot_vote vote = {.key.round = 1, .choice = 1};
	struct ballot_voter voter = {.jailed = true};
	struct ballot_place place = commit_place();
	memset(vote.salt.bytes, 9, ID_BYTES);
	place.round_state = ROUND_REVEAL;
	place.reveal_until_ms = NOW + 1;
	place.seat_state = SEAT_COMMITTED;
	place.last_sequence = 1;
	vote_commitment(&voter.network, &vote.key.item, 1, &voter.key, 1, &vote.salt, &place.last_commitment);
	/* Who was jailed meanwhile may still open what was sealed before. */
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_OK);
	place.last_commitment.bytes[0] ^= 1;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_COMMITMENT_DIFFERS);
	place.classes = 1;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_CHOICE_UNKNOWN);
	place.reveal_until_ms = NOW;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_REVEAL_CLOSED);
	place.round_state = ROUND_TALLIED;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_REVEAL_CLOSED);
	place.revealed = true;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_REVEALED_OTHERWISE);
	place.round_state = ROUND_COMMIT;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_REVEAL_EARLY);
	place.last_sequence = 0;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_COMMIT_MISSING);
	place.choice = 1;
	place.salt = vote.salt;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_REPEATED);
	place.seat_found = false;
	CHECK_INT(ballot_check(true, &vote, &place, &voter, NOW), BALLOT_SEAT_MISSING);
}

TEST(a_panel_with_too_few_is_drawn_once_more_and_then_is_void)
{
	struct panel_past first = {0}, again = {.voided = 1}, second = {.tallied = 1}, second_again = {1, 1};
	CHECK_INT(panel_commit_over(ROUND_PANEL, 5, 3, &first), PANEL_REVEAL);
	CHECK_INT(panel_commit_over(ROUND_PANEL, 5, 2, &first), PANEL_REDRAW);
	CHECK_INT(panel_commit_over(ROUND_PANEL, 5, 2, &again), PANEL_VOID);
	CHECK_INT(panel_commit_over(ROUND_PANEL, 6, 0, &second), PANEL_REDRAW);
	CHECK_INT(panel_commit_over(ROUND_PANEL, 6, 0, &second_again), PANEL_KEEP);
	CHECK_INT(panel_reveal_over(ROUND_PANEL, 5, 3, &first), PANEL_TALLY);
	CHECK_INT(panel_reveal_over(ROUND_PANEL, 5, 2, &again), PANEL_VOID);
	CHECK_INT(panel_reveal_over(ROUND_PANEL, 6, 1, &second_again), PANEL_KEEP);
	/* A panel of two is complete with two. */
	CHECK_INT(panel_commit_over(ROUND_PANEL, 2, 2, &first), PANEL_REVEAL);
	/* An audit takes whoever came; nobody: no known answer. */
	CHECK_INT(panel_commit_over(ROUND_AUDIT, 3, 1, &first), PANEL_REVEAL);
	CHECK_INT(panel_commit_over(ROUND_AUDIT, 3, 0, &first), PANEL_VOID);
	CHECK_INT(panel_reveal_over(ROUND_AUDIT, 3, 1, &first), PANEL_TALLY);
	CHECK_INT(panel_reveal_over(ROUND_AUDIT, 3, 0, &first), PANEL_VOID);
}

TEST(a_tenth_of_the_tasks_may_be_skipped_and_two_of_the_first_twenty)
{
	CHECK(panel_skip_allowed(1, 1));
	CHECK(panel_skip_allowed(2, 2));
	CHECK(!panel_skip_allowed(3, 5));
	CHECK(panel_skip_allowed(2, 20));
	CHECK(!panel_skip_allowed(3, 29));
	CHECK(panel_skip_allowed(3, 30));
}

TEST(a_seat_costs_the_highest_of_floor_figure_and_twelve_times_its_pay)
{
	struct policy policy = {.seat_bond_floor = 100};
	CHECK_INT(seat_bond_units(&(struct campaign){.seat_bond = 0}, &policy), 100);
	CHECK_INT(seat_bond_units(&(struct campaign){.seat_bond = 101}, &policy), 101);
	CHECK_INT(seat_bond_units(&(struct campaign){.seat_bond = 101, .seat_pay = 9}, &policy), 108);
	CHECK_INT(seat_bond_units(&(struct campaign){.seat_pay = INT64_MAX}, &policy), INT64_MAX);
}

TEST(a_margin_under_five_bits_asks_for_one_second_panel)
{
	struct campaign campaign = {.escalate = 6};
	CHECK(panel_escalates(&campaign, TALLY_ESCALATE - 1, 1));
	CHECK(!panel_escalates(&campaign, TALLY_ESCALATE, 1));
	CHECK(!panel_escalates(&campaign, 0, 2));
	campaign.escalate = 0;
	CHECK(!panel_escalates(&campaign, 0, 1));
}

TEST(probation_ends_after_twenty_four_audited_votes_of_which_sixty_percent_are_right)
{
	struct campaign campaign = {.probation = true};
	CHECK(!panel_proven(23, 23));
	CHECK(panel_proven(24, 15));
	CHECK(!panel_proven(24, 14));
	CHECK(panel_proven(30, 18)); /* exactly 60 % */
	CHECK(!panel_probation(&campaign, PANEL_PROVEN_LEAST - 1));
	CHECK(panel_probation(&campaign, PANEL_PROVEN_LEAST));
	campaign.probation = false;
	CHECK(!panel_probation(&campaign, 100));
}

TEST(who_unbonds_everything_takes_gains_along_and_leaves_no_loss_behind)
{
	struct campaign open = {.panel_mode = PANEL_OPEN}, drawn = {.panel_mode = PANEL_DRAWN};
	CHECK(panel_unbonded_settles(&open, 1, 5, false));
	CHECK(panel_unbonded_settles(&open, 1, 0, false));
	CHECK(!panel_unbonded_settles(&open, 1, -5, false));
	CHECK(panel_unbonded_settles(&open, 1, -5, true));
	CHECK(!panel_unbonded_settles(&open, 0, 0, true));
	CHECK(!panel_unbonded_settles(&drawn, 1, 5, true));
}

TEST(scores_are_carried_until_fifty_votes_or_twenty_four_epochs)
{
	CHECK(panel_scores_settle(50, 7, 7));
	CHECK(!panel_scores_settle(49, 7, 30));
	CHECK(panel_scores_settle(49, 7, 31));
	CHECK(!panel_scores_settle(0, 0, 1000));
}

TEST(novelty_falls_from_one_at_half_the_threshold_to_a_quarter_at_it)
{
	struct campaign campaign = {.dedup_numerator = 7, .dedup_denominator = 10};
	CHECK_INT(panel_novelty(&campaign, 0, 1), 1000000);
	CHECK_INT(panel_novelty(&campaign, 35, 100), 1000000);
	CHECK_INT(panel_novelty(&campaign, 525, 1000), 625000);
	CHECK_INT(panel_novelty(&campaign, 7, 10), 250000);
	CHECK_INT(panel_novelty(&campaign, 1, 1), 250000);
	CHECK(panel_novelty(&campaign, 36, 100) < 1000000);
	CHECK_INT(panel_novelty(&campaign, INT32_MAX, INT32_MAX), 250000);
}
