/* Epochs of the simulated node: their ends, beacons and audits, and how their closes judge. */
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "reward/vesting.h"
#include "tests/sim/model.h"
#include "tests/sim/node_settle.h"
#include "tests/sim/oracle.h"
#include "vote/panel.h"

/* ---- the end ---- */

bool beacons_open(struct beacons *beacons)
{
	static const uint8_t seed[32] = {1};
	struct wn_error err;
	beacons->onion = beacon_onion_open(seed);
	if (!beacons->onion ||
		!beacon_onion_layer(beacons->onion, SIM_LAYERS - 1, &beacons->layers[SIM_LAYERS - 1], &err))
		return false;
	for (int e = SIM_LAYERS - 1; e > 0; e--)
		sha256_of(beacons->layers[e].bytes, ID_BYTES, &beacons->layers[e - 1]);
	return true;
}

static void beacon_next(struct node *node)
{
	struct world *world = &node->world;
	struct world_head *head = world->head;
	const struct plan *plan = node->plan;
	uint32_t most = 0, count = 0;
	wn_assert(head->epoch + 1 < SIM_LAYERS);
	const struct sha256 *layer = &node->beacons->layers[head->epoch + 1];
	struct sha256 beacon, wanted, revealed;
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
	bool ok = vote_root(&node->arena, leaves, count, &revealed, &err);
	wn_assert(ok);
	beacon_of_epoch(&plan->network, (uint64_t)head->epoch + 1, layer, &revealed, &beacon);
	if (node->checks) {
		model_root(leaves, count, &wanted);
		oracle_model(id_compare(&wanted, &revealed) == 0 ? NULL : "root of the opened votes");
		model_beacon(&plan->network, (uint64_t)head->epoch + 1, layer, &revealed, &wanted);
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
	if (now_ms - head->opened_ms < node->plan->policy.epoch_ms)
		node_saw(node, SIGHT_EPOCH_BY_VOTES);
	if (now_ms - end_ms >= node->plan->policy.epoch_ms)
		node_saw(node, SIGHT_EPOCH_LATE);
	beacon_next(node);
	WORLD_SET(world, head->ended, head->epoch);
	WORLD_SET(world, head->ended_ms, end_ms);
	world_touch(world, head->left, sizeof head->left);
	memcpy(head->left, head->out, sizeof head->left);
	WORLD_SET(world, head->epoch, head->epoch + 1);
	WORLD_SET(world, head->opened_ms, end_ms);
	WORLD_SET(world, head->votes, 0);
	for (int c = 0; c < SIM_CAMPAIGNS && now_ms - end_ms < node->plan->policy.epoch_ms; c++)
		audits_open(node, c, end_ms, now_ms);
	return true;
}

/* ---- the close of one campaign ---- */

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
		bool proven = panel_proven(row->gold_votes, row->gold_right);
		ORACLE(ORACLE_MODEL, proven == model_proven(row->gold_votes, row->gold_right),
			"%lld right of %lld audited votes", (long long)row->gold_right, (long long)row->gold_votes);
		memcpy(counts + a * tally_cells(classes), row->counts, (size_t)tally_cells(classes) * sizeof *counts);
		gold[a] = row->gold_votes;
		probation[a] = panel_probation(settle->campaign, state->proven) && !proven;
		ORACLE(ORACLE_MODEL, probation[a] == (settle->campaign->probation && state->proven >= 3 && !proven),
			"probation of actor %d where %lld are proven", a, (long long)state->proven);
		if (probation[a])
			node_saw(node, SIGHT_PROBATION);
		if (proven)
			node_saw(node, SIGHT_PROVEN);
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
		ORACLE(ORACLE_MODEL, more == model_escalates(settle->campaign, settle->output.margin[place], panels),
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
			node_saw(node, SIGHT_SECOND_AT_CLOSE);
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

static void settle_score(struct settle *settle, struct world_validator *row, int a)
{
	settle->points[a] = row->carried_points;
	settle->scored[a] = row->carried_scored;
	row->carried_points = row->carried_scored = row->carried_since = 0;
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
	ORACLE(ORACLE_MODEL, settle->due[a] == model_settles(row->carried_scored, row->carried_since, epoch),
		"%lld scored votes since epoch %lld at %lld", (long long)row->carried_scored,
		(long long)row->carried_since, (long long)epoch);
	if (row->carried_scored > 0)
		node_saw(node, settle->due[a] ? SIGHT_SETTLED : SIGHT_CARRIED);
	if (settle->due[a])
		settle_score(settle, row, a);
}

/* Who unbonded everything: gains at once, losses only where somebody earns. */
static void settle_left(struct node *node, struct settle *settle)
{
	struct world *world = &node->world;
	bool earned = false;
	for (int pass = 0; pass < 2; pass++)
		for (int a = 0; a < node->plan->actors; a++) {
			struct world_validator *row = &world->head->campaigns[settle->number].validators[a];
			if (world->head->left[a] && !settle->due[a]) {
				bool may = pass == 1 && earned, now = panel_unbonded_settles(settle->campaign,
									row->carried_scored, row->carried_points, may);
				ORACLE(ORACLE_MODEL,
					now == model_unbonded_settles(
						       settle->campaign, row->carried_scored, row->carried_points, may),
					"%lld points of %lld scored votes of who unbonded everything",
					(long long)row->carried_points, (long long)row->carried_scored);
				if (now) {
					node_saw(node, row->carried_points < 0 ? SIGHT_LEFT_LOSS : SIGHT_LEFT);
					world_touch(world, row, sizeof *row);
					settle->due[a] = true;
					settle_score(settle, row, a);
				}
			}
			earned = earned || (settle->due[a] && settle->points[a] > 0);
		}
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
	settle_left(node, settle);
	WORLD_SET(world, state->proven, proven);
	if (settle->input.item_count == 0)
		return;
	world_touch(world, state->prior, sizeof state->prior);
	memcpy(state->prior, settle->output.prior, (size_t)settle->campaign->class_count * sizeof *state->prior);
	WORLD_SET(world, state->epoch, world->head->ended + 1);
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
	if (waits)
		node_saw(node, SIGHT_CLOSE_WAITED);
	struct settle settles[SIM_CAMPAIGNS];
	for (int c = 0; c < SIM_CAMPAIGNS; c++) {
		settles[c] = (struct settle){.number = c, .campaign = &node->plan->campaigns[c]};
		settle_campaign(node, &settles[c], now_ms);
	}
	node_close_money(node, settles, now_ms);
	WORLD_SET(world, head->ended, SIM_NONE);
	return true;
}
