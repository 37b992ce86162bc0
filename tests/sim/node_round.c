/* Seats and rounds of the simulated node: drawn, taken, left, closed and counted. */
#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "tests/sim/model.h"
#include "tests/sim/node.h"
#include "tests/sim/oracle.h"
#include "vote/panel.h"
#include "vote/seat_bond.h"

/* ---- seats ---- */

/* The bond first: a seat without cover is none. */
static bool seat_add(struct node *node, uint32_t round_number, int voter, int64_t lease_until_ms, uint32_t *out)
{
	struct world *world = &node->world;
	struct world_round *round = world_round(world, round_number);
	const struct world_item *item = world_item(world, round->item);
	struct round_key key = {item->id, round->number};
	struct transfer bond;
	int64_t units = seat_bond_units(&node->plan->campaigns[item->campaign], &node->plan->policy);
	ORACLE(ORACLE_MODEL, units == model_bond(&node->plan->campaigns[item->campaign], &node->plan->policy),
		"a seat's bond is %lld", (long long)units);
	seat_bond_transfer(&bond, &key, &node->plan->actor[voter].key, units);
	struct node_move move = {.cause = bond.cause,
		.step = bond.step,
		.debit_owner = voter,
		.credit_owner = voter,
		.debit_kind = bond.debit.kind,
		.credit_kind = bond.credit.kind,
		.amount = bond.amount,
		.epoch = bond.epoch,
		.id = bond.id,
		.subject = bond.subject};
	uint32_t transfer, number;
	if (node_post(node, &move, &transfer) != TRANSFER_DONE)
		return false;
	struct world_seat *seat = world_add(world, TABLE_SEATS, &number);
	seat->round = round_number;
	seat->voter = voter;
	seat->state = SEAT_LEASED;
	seat->lease_until_ms = lease_until_ms;
	seat->bond = transfer + 1;
	seat->next = round->seat_head;
	seat->bond_place = world_count(world, TABLE_BONDED);
	world_list_add(world, TABLE_BONDED, number);
	WORLD_SET(world, round->seat_head, number + 1);
	WORLD_SET(world, round->taken, round->taken + 1);
	struct world_validator *row = &world->head->campaigns[item->campaign].validators[voter];
	WORLD_SET(world, row->taken, row->taken + 1);
	if (out)
		*out = number;
	return true;
}

static bool sat_before(const struct node *node, const struct world_item *item, int voter)
{
	for (int r = 0; r < item->round_count; r++)
		for (uint32_t s = world_round(&node->world, item->rounds[r])->seat_head; s;
			s = world_seat(&node->world, s - 1)->next)
			if (world_seat(&node->world, s - 1)->voter == voter)
				return true;
	return false;
}

/* Drawn panels: seats by tickets under the open epoch's beacon; nobody who sat before, nor the contributor. */
static void seats_draw(struct node *node, uint32_t round_number)
{
	struct world_round *round = world_round(&node->world, round_number);
	const struct world_item *item = world_item(&node->world, round->item);
	const struct plan *plan = node->plan;
	struct sortition_entry entries[SIM_ACTORS_MAX];
	struct account_key excluded[SIM_ACTORS_MAX + 1];
	struct sortition *sortition;
	struct sortition_draw draw;
	struct wn_error err;
	int64_t bond = seat_bond_units(&plan->campaigns[item->campaign], &plan->policy);
	size_t count = 0, out = 0;
	for (int a = 0; a < plan->actors; a++) {
		if (!plan->actor[a].validator)
			continue;
		int64_t spare = ledger_available(&node->world.head->balances[a][LEDGER_STAKE]);
		int64_t tickets = spare >= plan->policy.stake_least ? spare / (bond > 0 ? bond : 1) : 0;
		entries[count++] = (struct sortition_entry){plan->actor[a].key, (uint64_t)tickets};
		if (node->world.head->jailed[a] || sat_before(node, item, a))
			excluded[out++] = plan->actor[a].key;
	}
	excluded[out++] = plan->actor[item->contributor].key;
	bool opened = sortition_open(&node->arena, entries, count, &sortition, &err);
	wn_assert(opened);
	sortition_draw(sortition, &node->world.head->beacon, &item->id, (uint32_t)round->number, (size_t)round->seats,
		excluded, out, &draw);
	if (node->checks)
		oracle_model(model_draw_differs(entries, count, &node->world.head->beacon, &item->id,
			(uint32_t)round->number, (size_t)round->seats, excluded, out, &draw));
	for (size_t i = 0; i < draw.count; i++)
		for (int a = 0; a < plan->actors; a++)
			if (id_compare(&plan->actor[a].key, &draw.validators[i]) == 0)
				seat_add(node, round_number, a, round->commit_until_ms, NULL);
}

void node_round_open(struct node *node, uint32_t item_number, enum round_kind kind, int seats, int64_t opened_ms,
	int64_t commit_until_ms)
{
	struct world_item *item = world_item(&node->world, item_number);
	uint32_t number;
	struct world_round *round = world_add(&node->world, TABLE_ROUNDS, &number);
	wn_assert(item->round_count < SIM_ROUNDS_MAX);
	round->item = item_number;
	round->number = item->round_count + 1;
	round->kind = kind;
	round->state = ROUND_COMMIT;
	round->seats = seats;
	round->opened_ms = opened_ms;
	round->commit_until_ms = commit_until_ms;
	round->epoch = SIM_NONE;
	round->gold_epoch = kind == ROUND_AUDIT ? node->world.head->ended : SIM_NONE;
	WORLD_SET(&node->world, item->rounds[item->round_count], number);
	WORLD_SET(&node->world, item->round_count, item->round_count + 1);
	if (kind == ROUND_PANEL && node->plan->campaigns[item->campaign].panel_mode == PANEL_DRAWN)
		seats_draw(node, number);
}

struct world_round *node_round_of(struct node *node, const struct command *command, uint32_t *number)
{
	struct world *world = &node->world;
	if (command->item >= world_count(world, TABLE_ITEMS))
		return NULL;
	struct world_item *item = world_item(world, command->item);
	if (command->vote.key.round < 1 || command->vote.key.round > item->round_count)
		return NULL;
	*number = item->rounds[command->vote.key.round - 1];
	return world_round(world, *number);
}

struct world_seat *node_seat_of(struct node *node, const struct world_round *round, int voter, uint32_t *number)
{
	/* Newest first: who let a lease lapse has no second seat, so there is one at most. */
	for (uint32_t s = round->seat_head; s; s = world_seat(&node->world, s - 1)->next)
		if (world_seat(&node->world, s - 1)->voter == voter) {
			*number = s - 1;
			return world_seat(&node->world, s - 1);
		}
	return NULL;
}

void node_seat_take(struct node *node, const struct command *command, struct reply *reply)
{
	struct world *world = &node->world;
	const struct plan *plan = node->plan;
	uint32_t number, seat_number;
	struct world_round *round = node_round_of(node, command, &number);
	if (!round)
		return;
	const struct world_item *item = world_item(world, round->item);
	const struct campaign *campaign = &plan->campaigns[item->campaign];
	struct world_seat *seat = node_seat_of(node, round, command->actor, &seat_number);
	if (seat) {
		/* Told again what is held already. */
		reply->answer = ANSWER_REPEATED;
		reply->seat = seat_number;
		reply->deadline_ms = seat->lease_until_ms;
		return;
	}
	bool audit = round->kind == ROUND_AUDIT;
	if ((!audit && campaign->panel_mode == PANEL_DRAWN) || item->contributor == command->actor ||
		sat_before(node, item, command->actor) || world->head->jailed[command->actor] ||
		round->state != ROUND_COMMIT || round->commit_until_ms <= command->now_ms ||
		round->taken >= round->seats ||
		(audit ? !plan->actor[command->actor].curator : !plan->actor[command->actor].validator))
		return;
	const struct ledger_balance *stake = &world->head->balances[command->actor][LEDGER_STAKE];
	if (stake->credits_posted - stake->debits_posted < plan->policy.stake_least)
		return;
	int64_t lease_until_ms = command->now_ms + campaign->lease_ms;
	if (!seat_add(node, number, command->actor, lease_until_ms, &reply->seat))
		return;
	reply->answer = ANSWER_DONE;
	reply->deadline_ms = lease_until_ms < round->commit_until_ms ? lease_until_ms : round->commit_until_ms;
}

static void seat_leave(struct node *node, uint32_t number, enum seat_state state)
{
	node_saw(node, state == SEAT_SKIPPED ? SIGHT_SKIPPED : SIGHT_LAPSED);
	struct world_seat *seat = world_seat(&node->world, number);
	struct world_round *round = world_round(&node->world, seat->round);
	WORLD_SET(&node->world, seat->state, state);
	WORLD_SET(&node->world, round->taken, round->taken - 1);
	node_bond_end(node, number, "seat/left", 0);
}

void node_seat_skip(struct node *node, const struct command *command, struct reply *reply)
{
	uint32_t number;
	struct world_round *round = node_round_of(node, command, &number);
	struct world_seat *seat = round ? node_seat_of(node, round, command->actor, &number) : NULL;
	if (!seat || (seat->state != SEAT_LEASED && seat->state != SEAT_SKIPPED))
		return;
	reply->seat = number;
	reply->answer = seat->state == SEAT_SKIPPED ? ANSWER_REPEATED : ANSWER_DONE;
	if (reply->answer == ANSWER_REPEATED)
		return;
	int32_t campaign_number = world_item(&node->world, round->item)->campaign;
	const struct campaign *campaign = &node->plan->campaigns[campaign_number];
	struct world_validator *row = &node->world.head->campaigns[campaign_number].validators[command->actor];
	if (!campaign->pick && campaign->seat_pay > 0) {
		bool allowed = panel_skip_allowed(row->skipped + 1, row->taken);
		ORACLE(ORACLE_MODEL, allowed == model_skip_allowed(row->skipped + 1, row->taken),
			"skipping %lld of %lld is %s", (long long)row->skipped + 1, (long long)row->taken,
			allowed ? "allowed" : "refused");
		if (!allowed) {
			reply->answer = ANSWER_REFUSED;
			return;
		}
	}
	WORLD_SET(&node->world, row->skipped, row->skipped + 1);
	seat_leave(node, number, SEAT_SKIPPED);
}

/* ---- rounds ---- */

int node_panels(const struct node *node, const struct world_item *item)
{
	/* Redraws of one panel count once; a second one that did not come about counts. */
	int panels = 0, first = 0;
	for (int r = 0; r < item->round_count && !first; r++) {
		const struct world_round *round = world_round(&node->world, item->rounds[r]);
		if (round->kind == ROUND_PANEL && round->state == ROUND_TALLIED)
			first = round->number;
	}
	for (int r = first - 1; r < item->round_count && first; r++)
		panels += world_round(&node->world, item->rounds[r])->kind == ROUND_PANEL;
	return panels;
}

struct panel_past node_past(const struct node *node, const struct world_item *item, int before)
{
	struct panel_past past = {0};
	for (int r = 0; r < item->round_count; r++) {
		const struct world_round *round = world_round(&node->world, item->rounds[r]);
		if (round->kind != ROUND_PANEL || round->number >= before)
			continue;
		if (round->state == ROUND_TALLIED) {
			past.tallied++;
			past.voided = 0;
		} else if (round->state == ROUND_VOID) {
			past.voided++;
		}
	}
	return past;
}

bool node_rounds_late(const struct node *node, int64_t until_ms)
{
	const struct world *world = &node->world;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		for (int r = 0; r < item->round_count; r++) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			if ((round->state == ROUND_COMMIT && round->commit_until_ms <= until_ms) ||
				(round->state == ROUND_REVEAL && round->reveal_until_ms <= until_ms))
				return true;
		}
	}
	return false;
}

/* The online tally of every opened vote of the item's panels, under the campaign's state after its last close. */
static void online_tally(struct node *node, const struct world_item *item, uint32_t also, struct tally_result *out)
{
	const struct world *world = &node->world;
	const struct world_campaign *state = &world->head->campaigns[item->campaign];
	const struct campaign *campaign = &node->plan->campaigns[item->campaign];
	struct tally_validator validators[SIM_ACTORS_MAX];
	struct tally_snapshot snapshot;
	struct tally_vote votes[SIM_ROUNDS_MAX * CAMPAIGN_SEATS_MAX];
	size_t known = 0, count = 0;
	bool probation = panel_probation(campaign, state->proven);
	for (int a = 0; a < node->plan->actors; a++) {
		const struct world_validator *row = &state->validators[a];
		/* Everybody is in the snapshot: a new key, too, is on probation where others are proven. */
		validators[known++] = (struct tally_validator){.voter = node->plan->actor[a].key,
			.counts = row->known ? row->counts : NULL,
			.probation = probation && !panel_proven(row->gold_votes, row->gold_right)};
	}
	for (int r = 0; r < item->round_count; r++) {
		const struct world_round *round = world_round(world, item->rounds[r]);
		if (round->kind != ROUND_PANEL || (round->state != ROUND_TALLIED && item->rounds[r] != also))
			continue;
		for (uint32_t s = round->seat_head; s; s = world_seat(world, s - 1)->next)
			if (world_seat(world, s - 1)->revealed)
				votes[count++] = (struct tally_vote){
					.voter = node->plan->actor[world_seat(world, s - 1)->voter].key,
					.label = world_seat(world, s - 1)->choice};
	}
	tally_snapshot_init(&snapshot, campaign->class_count, state->epoch ? state->prior : NULL, validators, known);
	tally_online(&snapshot, votes, count, out);
	if (node->checks)
		oracle_model(model_online_differs(&snapshot, votes, count, out));
}

static void provisional(struct node *node, struct world_item *item, int class)
{
	WORLD_SET(&node->world, item->shown, class);
	WORLD_SET(&node->world, item->shown_epoch, node->world.head->epoch);
}

static void audit_over(
	struct node *node, struct world_item *item, const struct world_round *round, enum panel_step step)
{
	uint32_t votes[SIM_CLASSES_MAX] = {0};
	int classes = node->plan->campaigns[item->campaign].class_count, class = -1;
	if (step == PANEL_TALLY) {
		for (uint32_t s = round->seat_head; s; s = world_seat(&node->world, s - 1)->next)
			if (world_seat(&node->world, s - 1)->revealed)
				votes[world_seat(&node->world, s - 1)->choice]++;
		class = gold_audit_class(classes, votes);
		ORACLE(ORACLE_MODEL, class == model_audit_class(classes, votes), "an audit says %d", class);
	}
	node_saw(node, step != PANEL_TALLY ? SIGHT_AUDIT_VOID : class < 0 ? SIGHT_AUDIT_TIE : SIGHT_AUDIT_ANSWER);
	WORLD_SET(&node->world, item->gold, class < 0 ? SIM_GOLD_NO_ANSWER : class);
}

static void panel_over(
	struct node *node, struct world_item *item, uint32_t number, enum panel_step step, int64_t now_ms)
{
	struct world_round *round = world_round(&node->world, number);
	const struct campaign *campaign = &node->plan->campaigns[item->campaign];
	struct tally_result result = {.class = -1};
	struct panel_past past = node_past(node, item, round->number);
	int opens = step == PANEL_REDRAW ? round->seats : 0;
	if (step == PANEL_TALLY || step == PANEL_KEEP)
		online_tally(node, item, step == PANEL_TALLY ? number : UINT32_MAX, &result);
	if (step == PANEL_TALLY) {
		bool more = panel_escalates(campaign, result.margin, past.tallied + 1);
		ORACLE(ORACLE_MODEL, more == model_escalates(campaign, result.margin, past.tallied + 1),
			"a margin of %lld after %d panels %s a second one", (long long)result.margin, past.tallied + 1,
			more ? "asks for" : "asks for no");
		opens = more ? campaign->escalate : 0;
	}
	node_saw(node, step == PANEL_TALLY    ? opens > 0 ? SIGHT_SECOND_PANEL : SIGHT_PANEL_COUNTED
		       : step == PANEL_KEEP   ? SIGHT_PANEL_KEPT
		       : step == PANEL_REDRAW ? SIGHT_PANEL_REDRAWN
					      : SIGHT_PANEL_VOID);
	if (step != PANEL_REDRAW)
		provisional(node, item, result.class);
	if (opens > 0)
		node_round_open(node, (uint32_t)(item - world_item(&node->world, 0)), ROUND_PANEL, opens, now_ms,
			now_ms + campaign->commit_ms);
	else
		WORLD_SET(&node->world, item->state, ITEM_PROVISIONAL);
}

static void round_end(struct node *node, uint32_t number, enum panel_step step, int64_t now_ms)
{
	struct world *world = &node->world;
	struct world_round *round = world_round(world, number);
	struct world_item *item = world_item(world, round->item);
	WORLD_SET(world, round->state, step == PANEL_TALLY ? ROUND_TALLIED : ROUND_VOID);
	WORLD_SET(world, round->epoch, world->head->epoch);
	if (step == PANEL_TALLY)
		WORLD_SET(world, world->head->votes, world->head->votes + round->revealed);
	if (round->kind == ROUND_AUDIT)
		audit_over(node, item, round, step);
	else
		panel_over(node, item, number, step, now_ms);
}

static void commitments_root(struct node *node, struct world_round *round, const struct world_item *item)
{
	struct commitment_leaf leaves[CAMPAIGN_SEATS_MAX];
	struct sha256 root, wanted;
	struct wn_error err;
	size_t count = 0;
	for (uint32_t s = round->seat_head; s; s = world_seat(&node->world, s - 1)->next) {
		const struct world_seat *seat = world_seat(&node->world, s - 1);
		if (seat->state != SEAT_COMMITTED)
			continue;
		for (uint32_t c = seat->seal_head; c; c = world_seal(&node->world, c - 1)->next)
			if (world_seal(&node->world, c - 1)->sequence == seat->sequence)
				leaves[count++] = (struct commitment_leaf){.item = item->id,
					.round = (uint32_t)round->number,
					.voter = node->plan->actor[seat->voter].key,
					.value = world_seal(&node->world, c - 1)->commitment};
	}
	bool ok = vote_root(&node->arena, leaves, count, &root, &err);
	wn_assert(ok);
	if (node->checks) {
		model_root(leaves, count, &wanted);
		oracle_model(id_compare(&root, &wanted) == 0 ? NULL : "root of the commitments");
	}
	WORLD_SET(&node->world, round->root, root);
}

static bool commit_over(struct node *node, uint32_t number, int64_t now_ms)
{
	struct world *world = &node->world;
	struct world_round *round = world_round(world, number);
	struct world_item *item = world_item(world, round->item);
	if (round->state != ROUND_COMMIT || (round->commit_until_ms > now_ms && round->committed < round->seats))
		return false;
	for (uint32_t s = round->seat_head; s; s = world_seat(world, s - 1)->next)
		if (world_seat(world, s - 1)->state == SEAT_LEASED)
			seat_leave(node, s - 1, SEAT_LAPSED);
	struct panel_past past = node_past(node, item, round->number);
	enum panel_step step = panel_commit_over((enum round_kind)round->kind, round->seats, round->committed, &past);
	ORACLE(ORACLE_MODEL,
		step == model_phase_over(false, (enum round_kind)round->kind, round->seats, round->committed, &past),
		"%d of %d committed and the round takes step %d", round->committed, round->seats, step);
	if (step != PANEL_REVEAL) {
		round_end(node, number, step, now_ms);
		return true;
	}
	commitments_root(node, round, item);
	WORLD_SET(world, round->state, ROUND_REVEAL);
	WORLD_SET(world, round->reveal_until_ms,
		round->kind == ROUND_AUDIT ? round->opened_ms + node->plan->policy.epoch_ms
					   : now_ms + node->plan->campaigns[item->campaign].reveal_ms);
	return true;
}

static bool reveal_over(struct node *node, uint32_t number, int64_t now_ms)
{
	struct world_round *round = world_round(&node->world, number);
	if (round->state != ROUND_REVEAL || (round->reveal_until_ms > now_ms && round->revealed < round->committed))
		return false;
	struct panel_past past = node_past(node, world_item(&node->world, round->item), round->number);
	enum panel_step step = panel_reveal_over((enum round_kind)round->kind, round->seats, round->revealed, &past);
	ORACLE(ORACLE_MODEL,
		step == model_phase_over(true, (enum round_kind)round->kind, round->seats, round->revealed, &past),
		"%d of %d revealed and the round takes step %d", round->revealed, round->seats, step);
	round_end(node, number, step, now_ms);
	return true;
}

static bool seats_lapse(struct node *node, uint32_t number, int64_t now_ms)
{
	const struct world_round *round = world_round(&node->world, number);
	bool any = false;
	for (uint32_t s = round->state == ROUND_COMMIT ? round->seat_head : 0; s;
		s = world_seat(&node->world, s - 1)->next) {
		const struct world_seat *seat = world_seat(&node->world, s - 1);
		if (seat->state != SEAT_LEASED || seat->lease_until_ms > now_ms)
			continue;
		seat_leave(node, s - 1, SEAT_LAPSED);
		any = true;
	}
	return any;
}

static bool panels_open(struct node *node, uint32_t number, int64_t now_ms)
{
	struct world_item *item = world_item(&node->world, number);
	const struct campaign *campaign = &node->plan->campaigns[item->campaign];
	if (item->state != ITEM_EMBEDDED)
		return false;
	WORLD_SET(&node->world, item->state, ITEM_JUDGING);
	node_round_open(node, number, ROUND_PANEL, campaign->seats, now_ms, now_ms + campaign->commit_ms);
	return true;
}

/* One turn of the tally over everything that is due. */
bool node_tally_turn(struct node *node, const struct command *command)
{
	bool any = false;
	struct world *world = &node->world;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		uint32_t number = world_list(world, TABLE_OPEN, i);
		const struct world_item *item = world_item(world, number);
		if (command->kind == COMMAND_OPEN_PANELS) {
			any |= panels_open(node, number, command->now_ms);
			continue;
		}
		for (int r = 0, rounds = item->round_count; r < rounds; r++) {
			if (command->kind == COMMAND_LAPSE)
				any |= seats_lapse(node, item->rounds[r], command->now_ms);
			else if (command->kind == COMMAND_CLOSE_COMMITS)
				any |= commit_over(node, item->rounds[r], command->now_ms);
			else
				any |= reveal_over(node, item->rounds[r], command->now_ms);
		}
	}
	return any;
}
