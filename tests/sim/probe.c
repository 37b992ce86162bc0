/* One probe is one call with drawn arguments; every family draws small, usual and extreme ones alike. */
#include "tests/sim/probe.h"

#include <string.h>

#include "core/error.h"
#include "reward/shares.h"
#include "reward/vesting.h"
#include "tests/sim/model.h"
#include "tests/sim/oracle.h"
#include "tests/sim/node.h"
#include "vote/seat_bond.h"

enum { LINES_MOST = 24, ITEMS_MOST = 40, VOTES_MOST = 8, KEYS = 12, CLASSES_MOST = 8 };

/* The next number below `most` of a stream. */
static int64_t next(uint64_t *word, int64_t most)
{
	*word = plan_word(*word, 1);
	return (int64_t)(*word % (uint64_t)most);
}

/* Of any size up to int64's end, small ones and ends often. */
static int64_t amount(uint64_t *word)
{
	switch (next(word, 8)) {
	case 0:
		return 0;
	case 1:
		return INT64_MAX - next(word, 3);
	case 2:
		return next(word, 8);
	default:
		return (int64_t)(plan_word(*word, 2) >> 1 >> next(word, 62));
	}
}

static void key_of(uint8_t key[32], int64_t number)
{
	memset(key, 0, 32);
	key[0] = (uint8_t)(number * 37);
	key[31] = (uint8_t)number;
}

/* ---- money ---- */

static void probe_transfer(uint64_t word)
{
	static const char *const causes[3] = {"stake", "seat", "reward/validator"};
	struct transfer transfer = {.step = (enum transfer_step)next(&word, TRANSFER_STEPS),
		.debit.kind = (enum ledger_kind)next(&word, LEDGER_KINDS),
		.credit.kind = (enum ledger_kind)next(&word, LEDGER_KINDS),
		.amount = next(&word, 16) ? amount(&word) : -next(&word, 4),
		.cause = causes[next(&word, 3)],
		.epoch = next(&word, 3) - 1};
	key_of(transfer.debit.owner, next(&word, 3));
	key_of(transfer.credit.owner, next(&word, 3));
	key_of(transfer.id.bytes, 1);
	key_of(transfer.pending_id.bytes, 2);
	key_of(transfer.subject, next(&word, 2));
	/* What was there before is nearly the same, so that each member alone may make the difference. */
	struct transfer near = transfer;
	switch (next(&word, 10)) {
	case 0:
		near.step = (enum transfer_step)next(&word, TRANSFER_STEPS);
		break;
	case 1:
		near.amount = next(&word, 2) && near.amount > 0 ? near.amount - 1 : amount(&word);
		break;
	case 2:
		near.debit.kind = (enum ledger_kind)next(&word, LEDGER_KINDS);
		break;
	case 3:
		near.credit.kind = (enum ledger_kind)next(&word, LEDGER_KINDS);
		break;
	case 4:
		key_of(next(&word, 2) ? near.debit.owner : near.credit.owner, next(&word, 3));
		break;
	case 5:
		near.cause = causes[next(&word, 3)];
		break;
	case 6:
		near.epoch = next(&word, 3) - 1;
		break;
	case 7:
		key_of(near.subject, next(&word, 2));
		break;
	case 8:
		key_of(near.pending_id.bytes, next(&word, 4));
		break;
	default:
		break;
	}
	struct transfer pending = near;
	if (next(&word, 8))
		pending.step = TRANSFER_PENDING;
	int64_t had = amount(&word) / 2, open = pending.amount > 0 ? pending.amount : 0;
	struct ledger_balance debit = {.debits_pending = open, .credits_posted = had},
			      credit = {
				      .credits_pending = open, .debits_posted = next(&word, 2) ? amount(&word) / 2 : 0};
	/* Not below zero, unless an account is the mint's. */
	if (transfer.debit.kind != LEDGER_MINT && had < open)
		debit.credits_posted = open + (INT64_MAX - open) / (1 + next(&word, 9));
	else if (transfer.debit.kind == LEDGER_MINT && next(&word, 2))
		debit.debits_posted = INT64_MAX - open - amount(&word) % (INT64_MAX - open + (open == 0 ? 0 : 1));
	credit.credits_posted = credit.debits_posted > INT64_MAX - open ? INT64_MAX - open : credit.debits_posted;
	struct ledger_balance model_debit = debit, model_credit = credit;
	struct ledger_past past = {.same = next(&word, 4) ? NULL : &near,
		.pending = next(&word, 8) ? &pending : NULL,
		.pending_ended = next(&word, 4) == 0};
	if (past.pending && past.pending->amount < 0)
		past.pending = NULL;
	enum transfer_result result = ledger_apply(&transfer, &past, &debit, &credit);
	enum transfer_result wanted = model_transfer(&transfer, &past, &model_debit, &model_credit);
	oracle_report->transfers[wanted]++;
	ORACLE(ORACLE_MODEL, result == wanted, "a drawn transfer is %s, the rules say %s", transfer_result_name(result),
		transfer_result_name(wanted));
	ORACLE(ORACLE_MODEL,
		memcmp(&debit, &model_debit, sizeof debit) == 0 && memcmp(&credit, &model_credit, sizeof credit) == 0,
		"a drawn transfer leaves other balances than the rules say");
}

static void probe_pay(struct wn_arena *arena, uint64_t word)
{
	struct pay_line lines[LINES_MOST];
	struct pay_total total;
	struct wn_error err;
	size_t count = (size_t)next(&word, LINES_MOST);
	int64_t least = next(&word, 2) ? INT64_C(1000000) << next(&word, 40) : INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		int64_t score = amount(&word) % least;
		lines[i] = (struct pay_line){.score = next(&word, 2) ? score : -score, .locked = amount(&word)};
		lines[i].account.bytes[0] = (uint8_t)(i + 1);
	}
	int64_t pool = amount(&word), seats = next(&word, 3) ? next(&word, 1000) : amount(&word);
	/* All slashes together are a sum of tokens like any other. */
	for (size_t i = 0; i < count; i++)
		lines[i].locked /= LINES_MOST;
	bool ok = pay_compute(arena, lines, count, pool, seats, &total, &err);
	wn_assert(ok);
	oracle_model(model_pay_differs(lines, count, pool, seats, &total));
}

static void probe_shares(struct wn_arena *arena, uint64_t word)
{
	int64_t weights[LINES_MOST], shares[LINES_MOST], same = amount(&word);
	struct wn_error err;
	size_t count = (size_t)next(&word, LINES_MOST);
	bool equal = next(&word, 4) == 0;
	for (size_t i = 0; i < count; i++)
		weights[i] = equal ? same : amount(&word);
	int64_t total = amount(&word);
	bool ok = shares_split(arena, total, weights, count, shares, &err);
	wn_assert(ok);
	oracle_model(model_shares_differ(total, weights, count, shares));
}

static void probe_schedule(uint64_t word)
{
	struct emission_work work[4];
	int64_t slashed = amount(&word), burned, reserve;
	int64_t unminted = amount(&word), rate = amount(&word) % ((INT64_C(1) << 40) + 1);
	for (int i = 0; i < 4; i++)
		work[i] = (struct emission_work){amount(&word), amount(&word)};
	size_t count = (size_t)next(&word, 5);
	int64_t offer = emission_offer(unminted, rate), ceiling = emission_ceiling(work, count);
	oracle_model(offer == model_offer(unminted, rate) ? NULL : "the schedule's offer");
	oracle_model(ceiling == model_ceiling(work, count) ? NULL : "the ceiling of the work");
	oracle_model(emission_minted(offer, ceiling) == (ceiling < offer ? ceiling : offer) ? NULL : "what is minted");
	pay_slash_split(slashed, &burned, &reserve);
	oracle_model(burned == slashed / 2 && reserve == slashed - slashed / 2 ? NULL : "burned and kept of a slash");
	int64_t total = amount(&word), period_ms = amount(&word);
	int64_t elapsed_ms = next(&word, 4) ? amount(&word) : period_ms - next(&word, 2);
	elapsed_ms = next(&word, 8) ? elapsed_ms : -elapsed_ms;
	oracle_model(vesting_vested(total, elapsed_ms, period_ms) == model_vested(total, elapsed_ms, period_ms)
			     ? NULL
			     : "what vested");
}

/* ---- votes ---- */

static void probe_thresholds(uint64_t word)
{
	struct campaign campaign = {.seats = (int)next(&word, 24),
		.escalate = (int)next(&word, 3),
		.probation = next(&word, 2),
		.seat_pay = amount(&word),
		.seat_bond = amount(&word),
		.dedup_numerator = 1 + (int)next(&word, 10)};
	struct policy policy = {.seat_bond_floor = amount(&word)};
	campaign.dedup_denominator = campaign.dedup_numerator + (int)next(&word, 10);
	int64_t votes = next(&word, 60), right = next(&word, votes + 1), epoch = next(&word, 60),
		proven = next(&word, 6);
	int64_t scored = next(&word, 4) ? next(&word, 60) : 0, since = next(&word, epoch + 1);
	int64_t skipped = next(&word, 12), taken = next(&word, 120), margin = 5 * 65536 - 3 + next(&word, 6);
	int64_t denominator = 1 + next(&word, 200), numerator = next(&word, denominator + 1);
	int panels = 1 + (int)next(&word, 3);
	struct panel_past past = {(int)next(&word, 3), (int)next(&word, 3)};
	enum round_kind kind = next(&word, 3) ? ROUND_PANEL : ROUND_AUDIT;
	int seats = 1 + (int)next(&word, 9), came = (int)next(&word, 10);
	size_t items = (size_t)next(&word, 1 << 20);
	int64_t ppm = next(&word, 1000001);
	uint32_t counts[SIM_CLASSES_MAX];
	for (int a = 0; a < SIM_CLASSES_MAX; a++)
		counts[a] = (uint32_t)next(&word, 4);
	int classes = 2 + (int)next(&word, SIM_CLASSES_MAX - 1);
	oracle_model(panel_proven(votes, right) == model_proven(votes, right) ? NULL : "who is proven");
	oracle_model(panel_probation(&campaign, proven) == (campaign.probation && proven > 2) ? NULL : "probation");
	oracle_model(panel_scores_settle(scored, since, epoch) == model_settles(scored, since, epoch)
			     ? NULL
			     : "which scores settle");
	oracle_model(panel_skip_allowed(skipped, taken) == model_skip_allowed(skipped, taken) ? NULL
											      : "what may be skipped");
	oracle_model(panel_escalates(&campaign, margin, panels) == model_escalates(&campaign, margin, panels)
			     ? NULL
			     : "which margin asks for a second panel");
	oracle_model(
		panel_novelty(&campaign, numerator, denominator) == model_novelty(&campaign, numerator, denominator)
			? NULL
			: "novelty");
	oracle_model(seat_bond_units(&campaign, &policy) == model_bond(&campaign, &policy) ? NULL : "a seat's bond");
	oracle_model(panel_commit_over(kind, seats, came, &past) == model_phase_over(false, kind, seats, came, &past)
			     ? NULL
			     : "the step behind a commit phase");
	oracle_model(panel_reveal_over(kind, seats, came, &past) == model_phase_over(true, kind, seats, came, &past)
			     ? NULL
			     : "the step behind a reveal phase");
	oracle_model(gold_count(items, ppm) == model_gold_count(items, ppm) ? NULL : "number of known answers");
	oracle_model(
		gold_audit_class(classes, counts) == model_audit_class(classes, counts) ? NULL : "an audit's class");
}

static void probe_ballot(uint64_t word)
{
	int64_t now_ms = 1000 + next(&word, 3);
	struct ballot_vote vote = {.key.round = 1, .sequence = 1 + next(&word, 8), .choice = (int32_t)next(&word, 4)};
	struct ballot_voter voter = {.jailed = next(&word, 6) == 0};
	struct ballot_place place = {.round_found = next(&word, 16) > 0,
		.round_state = (enum round_state)next(&word, ROUND_TALLIED + 1),
		.commit_until_ms = 1000 + next(&word, 3),
		.reveal_until_ms = 1000 + next(&word, 3),
		.classes = 2 + (int)next(&word, 2),
		.seat_found = next(&word, 16) > 0,
		.own_item = next(&word, 16) == 0,
		.seat_state = (enum seat_state)next(&word, SEAT_LAPSED + 1),
		.lease_until_ms = 1000 + next(&word, 3),
		.last_sequence = next(&word, 9),
		.sequence_used = next(&word, 2),
		.revealed = next(&word, 3) == 0,
		.choice = (int32_t)next(&word, 4)};
	bool reveal = next(&word, 2);
	vote.commitment.bytes[31] = (uint8_t)next(&word, 2);
	vote.salt.bytes[31] = (uint8_t)next(&word, 2);
	place.salt.bytes[31] = (uint8_t)next(&word, 2);
	place.sequence_commitment.bytes[31] = (uint8_t)next(&word, 2);
	/* A number that is used is not above the last one, and only a seat that sealed has numbers. */
	if (place.last_sequence < vote.sequence)
		place.sequence_used = false;
	if (place.last_sequence == vote.sequence)
		place.sequence_used = true;
	if (next(&word, 4))
		model_commitment(&voter.network, &vote.key.item, 1, &voter.key, (uint8_t)vote.choice, &vote.salt,
			&place.last_commitment);
	enum ballot_result wanted = model_ballot(reveal, &vote, &place, &voter, now_ms);
	enum ballot_result result = ballot_check(reveal, &vote, &place, &voter, now_ms);
	oracle_report->ballots[wanted]++;
	ORACLE(ORACLE_MODEL, result == wanted, "a drawn vote is %s, the rules say %s", ballot_answer(result)->word,
		ballot_answer(wanted)->word);
}

static void probe_draw(struct wn_arena *arena, uint64_t word)
{
	struct sortition_entry entries[KEYS];
	struct account_key excluded[KEYS];
	struct sortition *sortition;
	struct sortition_draw draw, again;
	struct wn_error err;
	struct sha256 beacon = {{0}};
	struct item_id item = {{0}};
	bool huge = next(&word, 3) == 0;
	size_t count = (size_t)next(&word, KEYS + 1), out = (size_t)next(&word, 5);
	size_t seats = (size_t)next(&word, KEYS);
	beacon.bytes[0] = (uint8_t)next(&word, 256);
	item.bytes[0] = (uint8_t)next(&word, 256);
	for (size_t i = 0; i < count; i++) {
		key_of(entries[i].validator.bytes, (int64_t)i);
		entries[i].tickets = huge ? UINT64_MAX / KEYS - (uint64_t)next(&word, 9) : (uint64_t)next(&word, 9);
	}
	for (size_t i = 0; i < out; i++)
		key_of(excluded[i].bytes, next(&word, KEYS + 2));
	uint32_t round = (uint32_t)next(&word, 4);
	bool opened = sortition_open(arena, entries, count, &sortition, &err);
	wn_assert(opened);
	sortition_draw(sortition, &beacon, &item, round, seats, excluded, out, &draw);
	oracle_model(model_draw_differs(entries, count, &beacon, &item, round, seats, excluded, out, &draw));
	/* A draw leaves the tree as it found it. */
	sortition_draw(sortition, &beacon, &item, round, seats, excluded, out, &again);
	oracle_model(again.count == draw.count && memcmp(again.validators, draw.validators,
							  draw.count * sizeof draw.validators[0]) == 0
			     ? NULL
			     : "a draw that is drawn again");
}

/* An epoch that no campaign ever sees: any table, labels, strata, known answers. */
static void probe_close(struct wn_arena *arena, uint64_t word)
{
	int classes = 2 + (int)next(&word, CLASSES_MOST - 1);
	int64_t counts[KEYS * CLASSES_MOST * CLASSES_MOST], prior[CLASSES_MOST], gold_before[KEYS];
	bool probation[KEYS], settles[ITEMS_MOST];
	uint64_t nobody = plan_word(word, 4) & plan_word(word, 5); /* cells that nobody ever filled */
	struct epoch_item items[ITEMS_MOST];
	struct epoch_vote votes[ITEMS_MOST * VOTES_MOST];
	struct close_output output;
	struct wn_error err;
	uint32_t used = 0;
	int64_t most = INT64_C(1) << next(&word, 40), few = next(&word, 2) ? 1 : CLOSE_STRATA_MAX;
	for (int v = 0; v < KEYS; v++) {
		for (int i = 0; i < tally_cells(classes); i++)
			counts[v * tally_cells(classes) + i] =
				next(&word, 3) && !(nobody >> i % 64 & 1) ? next(&word, most) : 0;
		gold_before[v] = next(&word, 24);
		probation[v] = next(&word, 5) == 0;
	}
	for (int a = 0; a < classes; a++)
		prior[a] = next(&word, most);
	struct close_input input = {.classes = classes,
		.keep = (uint32_t)next(&word, 1 << classes),
		.validator_count = KEYS,
		.item_count = (uint32_t)next(&word, ITEMS_MOST + 1),
		.counts = counts,
		.gold_before = gold_before,
		.probation = next(&word, 4) ? probation : NULL,
		.prior = prior,
		.items = items,
		.votes = votes};
	for (uint32_t i = 0; i < input.item_count; i++) {
		uint32_t voted = (uint32_t)next(&word, VOTES_MOST);
		items[i] = (struct epoch_item){.vote_first = used,
			.vote_count = voted,
			.stratum = (int32_t)next(&word, few),
			.gold = next(&word, 4) ? CLOSE_NO_GOLD : (int32_t)next(&word, classes),
			.back = next(&word, 6) == 0};
		settles[i] = next(&word, 5) > 0;
		for (uint32_t n = 0; n < voted; n++)
			votes[used++] = (struct epoch_vote){.validator = (uint32_t)next(&word, KEYS),
				.label = (uint8_t)(next(&word, 3) ? i % (uint32_t)classes : next(&word, classes)),
				.fresh = next(&word, 4) > 0};
	}
	input.vote_count = used;
	const bool *which = next(&word, 4) ? settles : NULL;
	bool ok = epoch_close(arena, &input, which, &output, &err);
	wn_assert(ok);
	oracle_model(model_close_differs(&input, which, &output));
}

static void probe_online(uint64_t word)
{
	int classes = 2 + (int)next(&word, CLASSES_MOST - 1);
	int64_t counts[KEYS][CLASSES_MOST * CLASSES_MOST], prior[CLASSES_MOST];
	int64_t most = INT64_C(1) << next(&word, 40);
	struct tally_validator validators[KEYS];
	struct tally_vote votes[VOTES_MOST];
	struct tally_snapshot snapshot;
	struct tally_result result;
	size_t known = 0, count = (size_t)next(&word, VOTES_MOST + 1);
	for (int v = 0; v < KEYS; v++) {
		for (int i = 0; i < tally_cells(classes); i++)
			counts[v][i] = next(&word, 3) ? next(&word, most) : 0;
		if (next(&word, 4) == 0)
			continue;
		validators[known] = (struct tally_validator){
			.counts = next(&word, 4) ? counts[v] : NULL, .probation = next(&word, 3) == 0};
		key_of(validators[known++].voter.bytes, v);
	}
	/* The list ascends by key, which is not the order of the numbers. */
	for (size_t i = 1; i < known; i++)
		for (size_t j = i; j > 0 && id_compare(&validators[j - 1].voter, &validators[j].voter) > 0; j--) {
			struct tally_validator kept = validators[j];
			validators[j] = validators[j - 1];
			validators[j - 1] = kept;
		}
	for (int a = 0; a < classes; a++)
		prior[a] = next(&word, most);
	for (size_t i = 0; i < count; i++) {
		votes[i].label = (int32_t)next(&word, classes);
		key_of(votes[i].voter.bytes, next(&word, KEYS));
	}
	tally_snapshot_init(&snapshot, classes, next(&word, 4) ? prior : NULL, validators, known);
	tally_online(&snapshot, votes, count, &result);
	oracle_model(model_online_differs(&snapshot, votes, count, &result));
}

void probe(struct wn_arena *arena, uint64_t word)
{
	wn_arena_reset(arena);
	switch (plan_word(word, 3) % 24) {
	case 0:
		probe_close(arena, word);
		break;
	case 1:
		probe_draw(arena, word);
		break;
	case 16:
		probe_online(word);
		break;
	case 2:
	case 3:
		probe_shares(arena, word);
		break;
	case 4:
	case 5:
	case 6:
		probe_pay(arena, word);
		break;
	case 7:
	case 8:
	case 9:
		probe_schedule(word);
		break;
	case 10:
	case 11:
		probe_thresholds(word);
		break;
	case 12:
	case 13:
		probe_ballot(word);
		break;
	default:
		probe_transfer(word);
		break;
	}
}
