/* Epochs of the simulated node: their ends, beacons and audits, their closes, and the money that moves then. */
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "reward/claims.h"
#include "reward/emission.h"
#include "reward/ledger_store.h"
#include "reward/pay.h"
#include "reward/shares.h"
#include "reward/vesting.h"
#include "tests/sim/model.h"
#include "tests/sim/node.h"
#include "tests/sim/oracle.h"
#include "vote/close.h"
#include "vote/panel.h"

/* ---- the end ---- */

static void beacon_next(struct node *node)
{
	struct world *world = &node->world;
	struct world_head *head = world->head;
	const struct plan *plan = node->plan;
	uint32_t most = 0, count = 0;
	struct sha256 layer, before, beacon, wanted, revealed;
	struct wn_error err;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++)
		most += (uint32_t)world_item(world, world_list(world, TABLE_OPEN, i))->round_count * CAMPAIGN_SEATS_MAX;
	struct commitment_leaf *leaves = wn_arena_array(&node->arena, most, sizeof *leaves);
	wn_assert(leaves != NULL);
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		for (int r = 0; r < item->round_count; r++) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			for (uint32_t s = round->epoch == head->epoch ? round->seat_head : 0; s;
				s = world_seat(world, s - 1)->next) {
				const struct world_seat *seat = world_seat(world, s - 1);
				if (!seat->revealed)
					continue;
				leaves[count] = (struct commitment_leaf){.item = item->id,
					.round = (uint32_t)round->number,
					.voter = plan->actor[seat->voter].key};
				memcpy(leaves[count++].value.bytes, seat->salt.bytes, ID_BYTES);
			}
		}
	}
	bool ok = vote_root(&node->arena, leaves, count, &revealed, &err) &&
		  beacon_onion_layer(node->onion, (uint64_t)head->epoch + 1, &layer, &err) &&
		  beacon_onion_layer(node->onion, (uint64_t)head->epoch, &before, &err);
	wn_assert(ok);
	beacon_of_epoch(&plan->network, (uint64_t)head->epoch + 1, &layer, &revealed, &beacon);
	if (node->checks) {
		model_root(leaves, count, &wanted);
		oracle_model(id_compare(&wanted, &revealed) == 0 ? NULL : "root of the opened votes");
		sha256_of(layer.bytes, ID_BYTES, &wanted);
		oracle_model(id_compare(&wanted, &before) == 0 && beacon_onion_follows(&before, &layer) &&
					     !beacon_onion_follows(&layer, &before)
				     ? NULL
				     : "the beacon's chain");
		model_beacon(&plan->network, (uint64_t)head->epoch + 1, &layer, &revealed, &wanted);
		oracle_model(id_compare(&wanted, &beacon) == 0 ? NULL : "beacon");
	}
	WORLD_SET(world, head->beacon, beacon);
	WORLD_SET(world, head->revealed_root, revealed);
}

static void audits_open(struct node *node, int campaign_number, int64_t end_ms, int64_t now_ms)
{
	struct world *world = &node->world;
	const struct campaign *campaign = &node->plan->campaigns[campaign_number];
	uint32_t open = world_count(world, TABLE_OPEN), *picked;
	struct gold_candidate *candidates = wn_arena_array(&node->arena, open, sizeof *candidates);
	uint32_t *numbers = wn_arena_array(&node->arena, open, sizeof *numbers);
	size_t tallied = 0, count = 0, picked_count;
	struct wn_error err;
	wn_assert(candidates && numbers);
	for (uint32_t i = 0; i < open; i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		if (item->campaign != campaign_number || item->state != ITEM_PROVISIONAL ||
			item->shown_epoch > world->head->ended)
			continue;
		tallied++;
		if (item->shown < 0 || item->gold != SIM_GOLD_NEVER)
			continue;
		numbers[count] = world_list(world, TABLE_OPEN, i);
		candidates[count++] = (struct gold_candidate){item->id, item->shown};
	}
	size_t wanted = gold_count(tallied, node->plan->policy.gold_ppm);
	ORACLE(ORACLE_MODEL, wanted == model_gold_count(tallied, node->plan->policy.gold_ppm),
		"%zu known-answer items of %zu", wanted, tallied);
	bool ok = gold_pick(&node->arena, &world->head->beacon, campaign->class_count, candidates, count, wanted,
		&picked, &picked_count, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_gold_differs(
			&world->head->beacon, campaign->class_count, candidates, count, wanted, picked, picked_count));
	for (size_t i = 0; i < picked_count; i++) {
		uint32_t number = numbers[picked[i]];
		WORLD_SET(world, world_item(world, number)->gold, SIM_GOLD_WAITS);
		node_round_open(node, number, ROUND_AUDIT, campaign->audit_seats, end_ms,
			now_ms + (end_ms + node->plan->policy.epoch_ms - now_ms) / 2);
	}
}

static bool epoch_over(const struct node *node, int64_t now_ms)
{
	const struct world_head *head = node->world.head;
	return now_ms - head->opened_ms >= node->plan->policy.epoch_ms ||
	       head->votes >= node->plan->policy.epoch_votes_max;
}

static int64_t epoch_end_ms(const struct node *node, int64_t now_ms)
{
	int64_t end_ms = node->world.head->opened_ms + node->plan->policy.epoch_ms;
	return now_ms < end_ms ? now_ms : end_ms;
}

bool node_epoch_end(struct node *node, int64_t now_ms)
{
	struct world *world = &node->world;
	struct world_head *head = world->head;
	int64_t end_ms = epoch_end_ms(node, now_ms);
	if (head->ended != SIM_NONE || !epoch_over(node, now_ms) || node_rounds_late(node, end_ms))
		return false;
	beacon_next(node);
	WORLD_SET(world, head->ended, head->epoch);
	WORLD_SET(world, head->ended_ms, end_ms);
	WORLD_SET(world, head->epoch, head->epoch + 1);
	WORLD_SET(world, head->opened_ms, end_ms);
	WORLD_SET(world, head->votes, 0);
	for (int c = 0; c < SIM_CAMPAIGNS && now_ms - end_ms < node->plan->policy.epoch_ms; c++)
		audits_open(node, c, end_ms, now_ms);
	return true;
}

/* ---- the close of one campaign ---- */

struct settle {
	int number;
	const struct campaign *campaign;
	uint32_t *items; /* that are in this close */
	uint32_t item_count;
	int32_t *place;	 /* among the judged; -1: void */
	uint32_t *seats; /* by vote */
	struct epoch_item *judged;
	struct epoch_vote *votes;
	bool *settles;
	struct close_input input;
	struct close_output output;
	int64_t accepted, fresh, weight[SIM_ACTORS_MAX];
	bool due[SIM_ACTORS_MAX]; /* whose scores enter pay and slash */
	int64_t points[SIM_ACTORS_MAX], scored[SIM_ACTORS_MAX];
};

static void settle_load(struct node *node, struct settle *settle)
{
	struct world *world = &node->world;
	uint32_t open = world_count(world, TABLE_OPEN), judged = 0, votes = 0, most = 0;
	settle->items = wn_arena_array(&node->arena, open, sizeof *settle->items);
	settle->place = wn_arena_array(&node->arena, open, sizeof *settle->place);
	settle->judged = wn_arena_array(&node->arena, open, sizeof *settle->judged);
	wn_assert(settle->items && settle->place && settle->judged);
	for (uint32_t i = 0; i < open; i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		if (item->campaign != settle->number || item->state != ITEM_PROVISIONAL ||
			item->shown_epoch > world->head->ended)
			continue;
		settle->items[settle->item_count++] = world_list(world, TABLE_OPEN, i);
		for (int r = 0; r < item->round_count; r++)
			most += (uint32_t)world_round(world, item->rounds[r])->revealed;
	}
	settle->votes = wn_arena_array(&node->arena, most, sizeof *settle->votes);
	settle->seats = wn_arena_array(&node->arena, most, sizeof *settle->seats);
	wn_assert(settle->votes && settle->seats);
	for (uint32_t i = 0; i < settle->item_count; i++) {
		const struct world_item *item = world_item(world, settle->items[i]);
		settle->place[i] = -1;
		if (item->shown < 0)
			continue;
		struct epoch_item *into = &settle->judged[judged];
		settle->place[i] = (int32_t)judged++;
		*into = (struct epoch_item){.vote_first = votes,
			.stratum = item->stratum,
			.gold = item->gold >= 0 ? item->gold : CLOSE_NO_GOLD};
		for (int r = 0; r < item->round_count; r++) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			bool counts = round->kind == ROUND_PANEL && round->state == ROUND_TALLIED;
			for (uint32_t s = counts ? round->seat_head : 0; s; s = world_seat(world, s - 1)->next) {
				const struct world_seat *seat = world_seat(world, s - 1);
				if (!seat->revealed)
					continue;
				settle->seats[votes] = s - 1;
				settle->votes[votes++] = (struct epoch_vote){.validator = (uint32_t)seat->voter,
					.label = (uint8_t)seat->choice,
					.fresh = seat->counted == 0};
				into->back = into->back || seat->counted != 0;
			}
		}
		into->vote_count = votes - into->vote_first;
	}
	settle->input.item_count = judged;
	settle->input.vote_count = votes;
}

/* Everybody has a place by number; who has no record has zeros. */
static void settle_input(struct node *node, struct settle *settle)
{
	const struct world_campaign *state = &node->world.head->campaigns[settle->number];
	int classes = settle->campaign->class_count, actors = node->plan->actors;
	int64_t *counts = wn_arena_array(&node->arena, (size_t)actors * (size_t)tally_cells(classes), sizeof *counts);
	int64_t *gold = wn_arena_array(&node->arena, (size_t)actors, sizeof *gold);
	bool *probation = wn_arena_array(&node->arena, (size_t)actors, sizeof *probation);
	settle->settles = wn_arena_array(&node->arena, settle->input.item_count, sizeof *settle->settles);
	wn_assert(counts && gold && probation && settle->settles);
	for (int a = 0; a < actors; a++) {
		const struct world_validator *row = &state->validators[a];
		bool proven = row->gold_votes >= 24 && row->gold_right * 5 >= row->gold_votes * 3;
		ORACLE(ORACLE_MODEL, panel_proven(row->gold_votes, row->gold_right) == proven,
			"%lld right of %lld audited votes", (long long)row->gold_right, (long long)row->gold_votes);
		memcpy(counts + a * tally_cells(classes), row->counts, (size_t)tally_cells(classes) * sizeof *counts);
		gold[a] = row->gold_votes;
		probation[a] = panel_probation(settle->campaign, state->proven) && !proven;
		ORACLE(ORACLE_MODEL, probation[a] == (settle->campaign->probation && state->proven >= 3 && !proven),
			"probation of actor %d where %lld are proven", a, (long long)state->proven);
	}
	settle->input.classes = classes;
	for (int a = 0; a < classes; a++)
		if (settle->campaign->choices[a].verdict == CHOICE_KEEP)
			settle->input.keep |= (uint32_t)1 << a;
	settle->input.validator_count = (uint32_t)actors;
	settle->input.counts = counts;
	settle->input.gold_before = gold;
	settle->input.probation = probation;
	settle->input.prior = state->prior;
	settle->input.items = settle->judged;
	settle->input.votes = settle->votes;
}

static void settle_judge(struct node *node, struct settle *settle)
{
	struct wn_error err;
	bool ok = close_sweep(&node->arena, &settle->input, &settle->output, &err);
	wn_assert(ok);
	for (uint32_t i = 0; i < settle->item_count; i++) {
		int32_t place = settle->place[i];
		if (place < 0)
			continue;
		int panels = node_panels(node, world_item(&node->world, settle->items[i]));
		bool more = panel_escalates(settle->campaign, settle->output.margin[place], panels);
		ORACLE(ORACLE_MODEL,
			more == (settle->campaign->escalate > 0 && panels == 1 &&
					settle->output.margin[place] < 5 * 65536),
			"a settled margin of %lld after %d panels %s", (long long)settle->output.margin[place], panels,
			more ? "asks for another" : "settles");
		settle->settles[place] = !more;
	}
	ok = close_score(&node->arena, &settle->input, settle->settles, &settle->output, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_close_differs(&settle->input, settle->settles, &settle->output));
}

static void settle_items(struct node *node, struct settle *settle, int64_t now_ms)
{
	struct world *world = &node->world;
	for (uint32_t i = 0; i < settle->item_count; i++) {
		struct world_item *item = world_item(world, settle->items[i]);
		int32_t place = settle->place[i];
		if (place >= 0 && !settle->settles[place]) {
			WORLD_SET(world, item->state, ITEM_JUDGING);
			node_round_open(node, settle->items[i], ROUND_PANEL, settle->campaign->escalate, now_ms,
				now_ms + settle->campaign->commit_ms);
			continue;
		}
		WORLD_SET(world, item->state, ITEM_SETTLED);
		WORLD_SET(world, item->final_ms, now_ms + settle->campaign->challenge_ms);
		if (place < 0)
			continue;
		WORLD_SET(world, item->class, settle->output.class[place]);
		WORLD_SET(world, item->p_good, settle->output.p_good[place]);
		WORLD_SET(world, item->margin, settle->output.margin[place]);
		if (!(settle->input.keep >> item->class & 1))
			continue;
		int64_t novelty = panel_novelty(settle->campaign, item->numerator, item->denominator);
		ORACLE(ORACLE_MODEL, novelty == model_novelty(settle->campaign, item->numerator, item->denominator),
			"a novelty of %lld at %d/%d", (long long)novelty, item->numerator, item->denominator);
		settle->weight[item->contributor] += novelty;
		settle->accepted++;
	}
	for (uint32_t v = 0; v < settle->input.vote_count; v++) {
		struct world_seat *seat = world_seat(world, settle->seats[v]);
		if (seat->counted == 0)
			WORLD_SET(world, seat->counted, world->head->ended + 1);
	}
}

static void settle_record(struct node *node, struct settle *settle, int a)
{
	struct world *world = &node->world;
	struct world_validator *row = &world->head->campaigns[settle->number].validators[a];
	const struct close_output *output = &settle->output;
	int64_t epoch = world->head->ended;
	bool voted = settle->input.item_count > 0 && (output->fresh[a] > 0 || output->scored[a] > 0);
	if (!row->known && !voted)
		return;
	world_touch(world, row, sizeof *row);
	row->known = 1;
	if (settle->input.item_count > 0) {
		memcpy(row->counts, output->counts + a * tally_cells(settle->campaign->class_count),
			(size_t)tally_cells(settle->campaign->class_count) * sizeof *row->counts);
		row->gold_votes += output->gold_new[a];
		row->gold_right += output->gold_right[a];
		if (row->carried_scored == 0 && output->scored[a] > 0)
			row->carried_since = epoch;
		row->carried_points += output->sum[a];
		row->carried_scored += output->scored[a];
		settle->fresh += output->fresh[a];
	}
	settle->due[a] = panel_scores_settle(row->carried_scored, row->carried_since, epoch);
	ORACLE(ORACLE_MODEL,
		settle->due[a] ==
			(row->carried_scored >= 50 || (row->carried_scored > 0 && epoch - row->carried_since >= 24)),
		"%lld scored votes since epoch %lld at %lld", (long long)row->carried_scored,
		(long long)row->carried_since, (long long)epoch);
	if (!settle->due[a])
		return;
	settle->points[a] = row->carried_points;
	settle->scored[a] = row->carried_scored;
	row->carried_points = row->carried_scored = row->carried_since = 0;
}

static void settle_campaign(struct node *node, struct settle *settle, int64_t now_ms)
{
	struct world *world = &node->world;
	struct world_campaign *state = &world->head->campaigns[settle->number];
	settle_load(node, settle);
	settle_input(node, settle);
	settle_judge(node, settle);
	settle_items(node, settle, now_ms);
	int64_t proven = 0;
	for (int a = 0; a < node->plan->actors; a++) {
		settle_record(node, settle, a);
		proven += panel_proven(state->validators[a].gold_votes, state->validators[a].gold_right);
	}
	WORLD_SET(world, state->proven, proven);
	if (settle->input.item_count == 0)
		return;
	world_touch(world, state->prior, sizeof state->prior);
	memcpy(state->prior, settle->output.prior, (size_t)settle->campaign->class_count * sizeof *state->prior);
	WORLD_SET(world, state->epoch, world->head->ended + 1);
}

/* ---- the money of a close ---- */

static void give(struct node *node, const char *cause, enum ledger_kind from, enum ledger_kind kind, int owner,
	int campaign, int64_t units, bool pending, uint32_t *number)
{
	const uint8_t *subject = campaign < 0 ? NULL : node_owner(node, OWNER_CAMPAIGN + campaign);
	struct node_move move = {.cause = cause,
		.step = pending ? TRANSFER_PENDING : TRANSFER_SINGLE,
		.debit_owner = from == LEDGER_BUDGET ? OWNER_CAMPAIGN + campaign : OWNER_NETWORK,
		.credit_owner = owner,
		.debit_kind = from,
		.credit_kind = kind,
		.amount = units,
		.epoch = node->world.head->ended,
		.subject = subject};
	if (units == 0)
		return;
	transfer_id_of(&move.id, cause, node_owner(node, owner), subject, (uint64_t)move.epoch);
	enum transfer_result result = node_post(node, &move, number);
	wn_assert(result == TRANSFER_DONE);
}

static void slash_leave(
	struct node *node, const char *burned_cause, const char *reserve_cause, int voter, int campaign, int64_t units)
{
	int64_t burned, reserve;
	if (units == 0)
		return;
	pay_slash_split(units, &burned, &reserve);
	ORACLE(ORACLE_MODEL, burned == units / 2 && burned + reserve == units, "%lld slashed: %lld burned, %lld kept",
		(long long)units, (long long)burned, (long long)reserve);
	for (int side = 0; side < 2; side++) {
		struct node_move move = {.cause = side == 0 ? burned_cause : reserve_cause,
			.debit_owner = voter,
			.credit_owner = OWNER_NETWORK,
			.debit_kind = LEDGER_BOND,
			.credit_kind = side == 0 ? LEDGER_MINT : LEDGER_RESERVE,
			.amount = side == 0 ? burned : reserve,
			.epoch = node->world.head->ended,
			.subject = node_owner(node, OWNER_CAMPAIGN + campaign)};
		transfer_id_of(&move.id, move.cause, node_owner(node, voter), move.subject, (uint64_t)move.epoch);
		enum transfer_result result = move.amount > 0 ? node_post(node, &move, NULL) : TRANSFER_DONE;
		wn_assert(result == TRANSFER_DONE);
	}
}

enum bond_fate { BOND_STAYS, BOND_BACK, BOND_LOST };

/* A bond ends when its item is settled: unopened votes lose it; others wait until no score of the voter is carried. */
static enum bond_fate bond_fate(const struct node *node, const struct world_seat *seat, int campaign)
{
	const struct world_round *round = world_round(&node->world, seat->round);
	const struct world_item *item = world_item(&node->world, round->item);
	bool over = item->state >= ITEM_SETTLED && (round->state == ROUND_TALLIED || round->state == ROUND_VOID);
	if (item->campaign != campaign || !over)
		return BOND_STAYS;
	bool closed = round->reveal_until_ms > 0;
	if (seat->state == SEAT_COMMITTED && closed)
		return BOND_LOST;
	return node->world.head->campaigns[campaign].validators[seat->voter].carried_scored > 0 ? BOND_STAYS
												: BOND_BACK;
}

static int64_t bonds_locked(const struct node *node, int voter, int campaign)
{
	int64_t locked = 0;
	for (uint32_t i = 0; i < world_count(&node->world, TABLE_BONDED); i++) {
		const struct world_seat *seat = world_seat(&node->world, world_list(&node->world, TABLE_BONDED, i));
		if (seat->voter == voter && bond_fate(node, seat, campaign) == BOND_BACK)
			locked += world_transfer(&node->world, seat->bond - 1)->amount;
	}
	return locked;
}

/* Ends a voter's bonds of a campaign: the slash is taken from them in turn, what is left of it comes back. */
static int64_t bonds_slash(struct node *node, int voter, int campaign, int64_t slash)
{
	for (uint32_t i = world_count(&node->world, TABLE_BONDED); i-- > 0;) {
		uint32_t number = world_list(&node->world, TABLE_BONDED, i);
		const struct world_seat *seat = world_seat(&node->world, number);
		if (seat->voter != voter || bond_fate(node, seat, campaign) != BOND_BACK)
			continue;
		int64_t amount = world_transfer(&node->world, seat->bond - 1)->amount;
		int64_t taken = slash < amount ? slash : amount;
		node_bond_end(node, number, taken > 0 ? "seat/slashed" : "seat/released", taken);
		slash -= taken;
	}
	return slash;
}

static void bonds_lost(struct node *node, int campaign)
{
	int64_t lost[SIM_ACTORS_MAX] = {0};
	for (uint32_t i = world_count(&node->world, TABLE_BONDED); i-- > 0;) {
		uint32_t number = world_list(&node->world, TABLE_BONDED, i);
		const struct world_seat *seat = world_seat(&node->world, number);
		if (bond_fate(node, seat, campaign) != BOND_LOST)
			continue;
		int64_t amount = world_transfer(&node->world, seat->bond - 1)->amount;
		lost[seat->voter] += amount;
		node_bond_end(node, number, "seat/slashed", amount);
	}
	for (int a = 0; a < node->plan->actors; a++)
		slash_leave(node, "slash/unopened/burned", "slash/unopened/reserve", a, campaign, lost[a]);
}

static void pay_give(
	struct node *node, const struct pay_line *line, int owner, enum ledger_kind from, int campaign, int64_t due_ms)
{
	uint32_t transfer, number;
	if (line->pay == 0)
		return;
	give(node, "reward/validator", from, LEDGER_FREE, owner, campaign, line->pay, true, &transfer);
	struct world_pay *pay = world_add(&node->world, TABLE_PAYS, &number);
	pay->transfer = transfer;
	pay->due_ms = due_ms;
	world_list_add(&node->world, TABLE_UNPAID, number);
}

static void campaign_pay(struct node *node, const struct settle *settle, int64_t pool, int64_t seats,
	enum ledger_kind from, int64_t now_ms, int64_t *paid)
{
	struct pay_line lines[SIM_ACTORS_MAX];
	int owners[SIM_ACTORS_MAX];
	struct pay_total total;
	struct wn_error err;
	size_t count = 0;
	for (int a = 0; a < node->plan->actors; a++)
		if (settle->due[a]) {
			owners[count] = a;
			lines[count++] = (struct pay_line){.account = node->plan->actor[a].key,
				.score = settle->points[a],
				.locked = bonds_locked(node, a, settle->number)};
		}
	bool ok = pay_compute(&node->arena, lines, count, pool, seats, &total, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_pay_differs(lines, count, pool, seats, &total));
	*paid = total.paid;
	for (size_t i = 0; i < count; i++) {
		pay_give(node, &lines[i], owners[i], from,
			from == LEDGER_BUDGET || settle->number == 0 ? settle->number : -1,
			now_ms + settle->campaign->challenge_ms);
		int64_t left = bonds_slash(node, owners[i], settle->number, lines[i].slash);
		wn_assert(left == 0);
		slash_leave(node, "slash/burned", "slash/reserve", owners[i], settle->number, lines[i].slash);
	}
}

/* Everything of the open campaign comes from its declared budget, everything of the drawn one from the emission. */
static void validators_pay(
	struct node *node, const struct settle *settles, const int64_t *shares, int64_t spare, int64_t now_ms)
{
	const struct settle *open = &settles[0], *drawn = &settles[1];
	int64_t seats = 0, paid;
	for (int a = 0; a < node->plan->actors; a++)
		seats += open->scored[a];
	int64_t wanted = open->campaign->seat_pay * seats;
	int64_t budget = open->campaign->prepaid
				 ? ledger_available(&node->world.head->balances[OWNER_CAMPAIGN][LEDGER_BUDGET])
				 : spare;
	campaign_pay(node, open, wanted < budget ? wanted : budget, seats,
		open->campaign->prepaid ? LEDGER_BUDGET : LEDGER_MINT, now_ms, &paid);
	campaign_pay(node, drawn, shares[SHARE_VALIDATORS], drawn->fresh, LEDGER_MINT, now_ms, &paid);
	ORACLE(ORACLE_MODEL, paid <= shares[SHARE_VALIDATORS], "%lld paid of a pool of %lld", (long long)paid,
		(long long)shares[SHARE_VALIDATORS]);
	/* Bonds behind which nothing stands any more. */
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		for (int a = 0; a < node->plan->actors; a++)
			bonds_slash(node, a, c, 0);
}

static void contributors_pay(struct node *node, const struct settle *settles, int64_t share, int64_t now_ms)
{
	int64_t weights[SIM_ACTORS_MAX * SIM_CAMPAIGNS], units[SIM_ACTORS_MAX * SIM_CAMPAIGNS];
	size_t count = 0;
	struct wn_error err;
	for (int a = 0; a < node->plan->actors; a++)
		for (int c = 0; c < SIM_CAMPAIGNS; c++)
			weights[count++] = settles[c].weight[a];
	bool ok = shares_split(&node->arena, share, weights, count, units, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_shares_differ(share, weights, count, units));
	for (size_t i = 0; i < count; i++) {
		const struct campaign *campaign = settles[i % SIM_CAMPAIGNS].campaign;
		enum ledger_kind kind = vesting_kind(campaign->vesting_ms);
		uint32_t transfer, number;
		ORACLE(ORACLE_MODEL, (kind == LEDGER_VESTING) == (campaign->vesting_ms > 0), "vesting over %lld ms",
			(long long)campaign->vesting_ms);
		if (units[i] == 0)
			continue;
		int owner = (int)(i / SIM_CAMPAIGNS);
		give(node, "reward/contributor", LEDGER_MINT, kind, owner, (int)(i % SIM_CAMPAIGNS), units[i], false,
			&transfer);
		if (kind != LEDGER_VESTING)
			continue;
		struct world_grant *grant = world_add(&node->world, TABLE_GRANTS, &number);
		grant->transfer = transfer;
		grant->owner = owner;
		grant->revocable = campaign->challenge_ms > 0;
		grant->amount = units[i];
		grant->start_ms = now_ms;
		grant->period_ms = campaign->vesting_ms;
		world_list_add(&node->world, TABLE_VESTING, number);
	}
}

static void curators_pay(struct node *node, int64_t share)
{
	struct world *world = &node->world;
	int64_t weights[SIM_ACTORS_MAX] = {0}, units[SIM_ACTORS_MAX];
	struct wn_error err;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		for (int r = 0; r < item->round_count; r++) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			if (round->kind != ROUND_AUDIT || round->gold_epoch != world->head->ended || item->gold < 0)
				continue;
			for (uint32_t s = round->seat_head; s; s = world_seat(world, s - 1)->next)
				weights[world_seat(world, s - 1)->voter] += world_seat(world, s - 1)->revealed;
		}
	}
	bool ok = shares_split(&node->arena, share, weights, (size_t)node->plan->actors, units, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_shares_differ(share, weights, (size_t)node->plan->actors, units));
	for (int a = 0; a < node->plan->actors; a++)
		give(node, "reward/curator", LEDGER_MINT, LEDGER_FREE, a, -1, units[a], false, NULL);
}

static void claims_publish(struct node *node)
{
	struct claims_tree tree;
	struct claim claims[SIM_ACTORS_MAX];
	struct sha256 root, leaf;
	struct tree_proof proof;
	struct wn_error err;
	uint64_t index, size;
	size_t count = (size_t)node->plan->actors;
	claims_begin(&tree);
	for (size_t a = 0; a < count; a++) {
		claims[a] = (struct claim){node->plan->actor[a].key, node->world.head->earned[a]};
		claims_add(&tree, &claims[a]);
	}
	claims_root(&tree, &root);
	WORLD_SET(&node->world, node->world.head->claims_root, root);
	if (!node->checks)
		return;
	oracle_model(model_claims_differ(claims, count, &root));
	size_t which = (size_t)node->world.head->ended % count;
	if (claims[which].cumulative == 0)
		return;
	bool ok = claims_proof(&node->arena, claims, count, which, &index, &size, &proof, &err);
	wn_assert(ok);
	claims_leaf(&claims[which], &leaf);
	oracle_model(tree_inclusion_holds(&leaf, index, size, &proof, &root) ? NULL : "proof of a claim");
	claims[which].cumulative++;
	claims_leaf(&claims[which], &leaf);
	oracle_model(
		tree_inclusion_holds(&leaf, index, size, &proof, &root) ? "proof of a claim that is too high" : NULL);
}

static void close_money(struct node *node, struct settle *settles, int64_t now_ms)
{
	const struct policy *policy = &node->plan->policy;
	struct emission_work work[SIM_CAMPAIGNS];
	int64_t shares[SHARE_COUNT], unminted = node_unminted(node), minted_before = node->world.head->minted;
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		work[c] = (struct emission_work){settles[c].accepted, settles[c].campaign->per_item_ceiling};
	int64_t offer = emission_offer(unminted, policy->rate);
	int64_t ceiling = emission_ceiling(work, SIM_CAMPAIGNS);
	int64_t mintable = emission_minted(offer, ceiling);
	int64_t allowed =
		settles[0].accepted * work[0].per_item_ceiling + settles[1].accepted * work[1].per_item_ceiling;
	ORACLE(ORACLE_MODEL, offer == model_offer(unminted, policy->rate), "the schedule offers %lld of %lld",
		(long long)offer, (long long)unminted);
	ORACLE(ORACLE_MODEL, ceiling == allowed && mintable == (offer < allowed ? offer : allowed),
		"%lld may be minted of an offer of %lld and a ceiling of %lld", (long long)mintable, (long long)offer,
		(long long)allowed);
	emission_shares(mintable, policy->shares_ppm, shares);
	oracle_model(model_shares_differ(mintable, policy->shares_ppm, SHARE_COUNT, shares));
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		bonds_lost(node, c);
	validators_pay(node, settles, shares, unminted - mintable, now_ms);
	contributors_pay(node, settles, shares[SHARE_CONTRIBUTORS], now_ms);
	curators_pay(node, shares[SHARE_CURATORS]);
	give(node, "mint/reserve", LEDGER_MINT, LEDGER_RESERVE, OWNER_NETWORK, -1, shares[SHARE_RESERVE], false, NULL);
	give(node, "mint/treasury", LEDGER_MINT, LEDGER_TREASURY, OWNER_NETWORK, -1, shares[SHARE_TREASURY], false,
		NULL);
	ORACLE(ORACLE_RANGE, node->world.head->minted - minted_before <= mintable,
		"%lld minted where %lld were allowed", (long long)(node->world.head->minted - minted_before),
		(long long)mintable);
	claims_publish(node);
}

bool node_epoch_close(struct node *node, int64_t now_ms)
{
	struct world *world = &node->world;
	struct world_head *head = world->head;
	bool waits = false;
	if (head->ended == SIM_NONE)
		return false;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN) && !waits; i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		for (int r = 0; r < item->round_count && item->gold == SIM_GOLD_WAITS; r++)
			waits |= world_round(world, item->rounds[r])->gold_epoch == head->ended;
	}
	if (waits && (!epoch_over(node, now_ms) || node_rounds_late(node, epoch_end_ms(node, now_ms))))
		return false;
	/* What vested by the beginning of the open epoch is released before anything else of it. */
	for (uint32_t i = 0; i < world_count(world, TABLE_VESTING); i++) {
		const struct world_grant *grant = world_grant(world, world_list(world, TABLE_VESTING, i));
		if (vesting_vested(grant->amount, head->opened_ms - grant->start_ms, grant->period_ms) >
			grant->released)
			return false;
	}
	struct settle settles[SIM_CAMPAIGNS];
	for (int c = 0; c < SIM_CAMPAIGNS; c++) {
		settles[c] = (struct settle){.number = c, .campaign = &node->plan->campaigns[c]};
		settle_campaign(node, &settles[c], now_ms);
	}
	close_money(node, settles, now_ms);
	WORLD_SET(world, head->ended, SIM_NONE);
	return true;
}

/* ---- vesting and finality ---- */

static void grant_end(struct node *node, uint32_t place)
{
	WORLD_SET(&node->world, world_grant(&node->world, world_list(&node->world, TABLE_VESTING, place))->ended, 1);
	world_list_drop(&node->world, TABLE_VESTING, place);
}

bool node_vest(struct node *node)
{
	struct world *world = &node->world;
	int64_t at_ms = world->head->opened_ms, due[SIM_ACTORS_MAX] = {0};
	bool any = false;
	for (uint32_t i = world_count(world, TABLE_VESTING); i-- > 0;) {
		struct world_grant *grant = world_grant(world, world_list(world, TABLE_VESTING, i));
		int64_t vested = vesting_vested(grant->amount, at_ms - grant->start_ms, grant->period_ms);
		ORACLE(ORACLE_MODEL, vested == model_vested(grant->amount, at_ms - grant->start_ms, grant->period_ms),
			"%lld vested of %lld after %lld of %lld ms", (long long)vested, (long long)grant->amount,
			(long long)(at_ms - grant->start_ms), (long long)grant->period_ms);
		if (vested <= grant->released)
			continue;
		due[grant->owner] += vested - grant->released;
		WORLD_SET(world, grant->released, vested);
		if (vested == grant->amount)
			grant_end(node, i);
	}
	for (int a = 0; a < node->plan->actors; a++) {
		struct node_move move = {.cause = "reward/vested",
			.debit_owner = a,
			.credit_owner = a,
			.debit_kind = LEDGER_VESTING,
			.credit_kind = LEDGER_FREE,
			.amount = due[a],
			.epoch = world->head->epoch};
		if (due[a] == 0)
			continue;
		transfer_id_of(&move.id, "reward/vested", node_owner(node, a), NULL, (uint64_t)move.epoch);
		enum transfer_result result = node_post(node, &move, NULL);
		wn_assert(result == TRANSFER_DONE);
		any = true;
	}
	return any;
}

bool node_overturn(struct node *node, uint32_t pick, int64_t now_ms)
{
	struct world *world = &node->world;
	(void)now_ms;
	if (world_count(world, TABLE_VESTING) == 0)
		return false;
	uint32_t place = pick % world_count(world, TABLE_VESTING);
	const struct world_grant *grant = world_grant(world, world_list(world, TABLE_VESTING, place));
	struct node_move move = {.cause = "overturned",
		.debit_owner = grant->owner,
		.credit_owner = OWNER_NETWORK,
		.debit_kind = LEDGER_VESTING,
		.credit_kind = LEDGER_MINT,
		.amount = grant->amount - grant->released,
		.epoch = world->head->epoch};
	if (!grant->revocable || move.amount == 0)
		return false;
	transfer_id_of(&move.id, "overturned", world_transfer(world, grant->transfer)->id.bytes, NULL, 0);
	enum transfer_result result = node_post(node, &move, NULL);
	wn_assert(result == TRANSFER_DONE);
	grant_end(node, place);
	return true;
}

bool node_item_rests(const struct node *node, const struct world_item *item)
{
	for (int r = 0; r < item->round_count; r++)
		if (world_round(&node->world, item->rounds[r])->state < ROUND_TALLIED)
			return false;
	return true;
}

bool node_finish(struct node *node, int64_t now_ms)
{
	struct world *world = &node->world;
	bool any = false;
	for (uint32_t i = world_count(world, TABLE_OPEN); i-- > 0;) {
		struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		if (item->state != ITEM_SETTLED || item->final_ms > now_ms || !node_item_rests(node, item))
			continue;
		const struct campaign *campaign = &node->plan->campaigns[item->campaign];
		bool kept = item->class >= 0 && campaign->choices[item->class].verdict == CHOICE_KEEP;
		WORLD_SET(world, item->state, item->class < 0 ? ITEM_VOID : kept ? ITEM_ACCEPTED : ITEM_REJECTED);
		world_list_drop(world, TABLE_OPEN, i);
		any = true;
	}
	for (uint32_t i = world_count(world, TABLE_UNPAID); i-- > 0;) {
		struct world_pay *pay = world_pay(world, world_list(world, TABLE_UNPAID, i));
		const struct world_transfer *row = world_transfer(world, pay->transfer);
		if (pay->due_ms > now_ms)
			continue;
		struct node_move move = {.cause = "reward/validator/final",
			.step = TRANSFER_POST,
			.debit_owner = row->debit_owner,
			.credit_owner = row->credit_owner,
			.debit_kind = (enum ledger_kind)row->debit_kind,
			.credit_kind = (enum ledger_kind)row->credit_kind,
			.amount = row->amount,
			.epoch = row->epoch,
			.pending_id = row->id,
			.subject = row->subject};
		transfer_id_of(&move.id, move.cause, row->id.bytes, NULL, 0);
		enum transfer_result result = node_post(node, &move, NULL);
		wn_assert(result == TRANSFER_DONE);
		WORLD_SET(world, pay->posted, 1);
		world_list_drop(world, TABLE_UNPAID, i);
		any = true;
	}
	return any;
}
