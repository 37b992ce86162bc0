/* Submissions, stakes, seats, ballots and rounds of the simulated node. */
#include "tests/sim/node.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "reward/ledger_store.h"
#include "tests/sim/model.h"
#include "tests/sim/oracle.h"
#include "vote/panel.h"
#include "vote/seat_bond.h"

enum { NODE_TICKETS_MOST = 1000 };
#define NODE_ARENA ((size_t)64 << 20)

/* ---- ledger ---- */

/* Causes as numbers, so that rows hold no pointers. */
static const char *const causes[] = {"genesis", "stake", "unstake", "seat", "seat/left", "seat/released",
	"seat/slashed", "slash/burned", "slash/reserve", "slash/unopened/burned", "slash/unopened/reserve",
	"reward/validator", "reward/validator/final", "reward/contributor", "reward/curator", "mint/reserve",
	"mint/treasury", "reward/vested", "overturned", "fund", "unbonded"};
enum { CAUSES = sizeof causes / sizeof causes[0] };

static int32_t cause_number(const char *cause)
{
	for (int32_t i = 0; i < CAUSES; i++)
		if (strcmp(causes[i], cause) == 0)
			return i;
	wn_assert(!"a cause that the simulation does not know");
	return 0;
}

const void *node_owner(const struct node *node, int owner)
{
	static const uint8_t nobody[32];
	static uint8_t campaigns[SIM_CAMPAIGNS][32];
	if (owner == OWNER_NETWORK)
		return nobody;
	if (owner < SIM_ACTORS_MAX)
		return node->plan->actor[owner].key.bytes;
	uint8_t *subject = campaigns[owner - OWNER_CAMPAIGN];
	memset(subject, 0xc0 + owner, 32);
	return subject;
}

static void transfer_fill(const struct node *node, const struct world_transfer *row, struct transfer *out)
{
	*out = (struct transfer){.id = row->id,
		.step = (enum transfer_step)row->step,
		.debit.kind = (enum ledger_kind)row->debit_kind,
		.credit.kind = (enum ledger_kind)row->credit_kind,
		.amount = row->amount,
		.pending_id = row->pending_id,
		.cause = causes[row->cause],
		.epoch = row->epoch};
	memcpy(out->debit.owner, node_owner(node, row->debit_owner), 32);
	memcpy(out->credit.owner, node_owner(node, row->credit_owner), 32);
	memcpy(out->subject, row->subject, 32);
}

static void transfer_store(
	struct node *node, const struct node_move *move, const struct transfer *transfer, uint32_t *number)
{
	struct world *world = &node->world;
	uint32_t at;
	struct world_transfer *row = world_add(world, TABLE_TRANSFERS, &at);
	row->id = transfer->id;
	row->pending_id = transfer->pending_id;
	row->step = transfer->step;
	row->debit_owner = move->debit_owner;
	row->debit_kind = move->debit_kind;
	row->credit_owner = move->credit_owner;
	row->credit_kind = move->credit_kind;
	row->cause = cause_number(move->cause);
	row->amount = transfer_recorded(transfer);
	row->epoch = transfer->epoch;
	memcpy(row->subject, transfer->subject, 32);
	world_transfer_index(world, at);
	if (number)
		*number = at;
}

/* What rewards bring into a free account counts for the claims; what leaves and enters the mint is counted, too. */
static void transfer_count(struct node *node, const struct node_move *move, const struct ledger_balance *mint_before,
	const struct ledger_balance *free_before)
{
	struct world_head *head = node->world.head;
	const struct ledger_balance *mint = &head->balances[OWNER_NETWORK][LEDGER_MINT];
	if (mint->debits_posted != mint_before->debits_posted)
		WORLD_SET(&node->world, head->minted, head->minted + mint->debits_posted - mint_before->debits_posted);
	if (mint->credits_posted != mint_before->credits_posted)
		WORLD_SET(
			&node->world, head->burned, head->burned + mint->credits_posted - mint_before->credits_posted);
	if (strncmp(move->cause, "reward/", 7) == 0 && move->credit_kind == LEDGER_FREE) {
		int64_t more =
			head->balances[move->credit_owner][LEDGER_FREE].credits_posted - free_before->credits_posted;
		WORLD_SET(&node->world, head->earned[move->credit_owner], head->earned[move->credit_owner] + more);
	}
}

enum transfer_result node_post(struct node *node, const struct node_move *move, uint32_t *number)
{
	struct world *world = &node->world;
	struct ledger_balance *debit = &world->head->balances[move->debit_owner][move->debit_kind];
	struct ledger_balance *credit = &world->head->balances[move->credit_owner][move->credit_kind];
	struct transfer transfer = {.id = move->id,
		.step = move->step,
		.debit.kind = move->debit_kind,
		.credit.kind = move->credit_kind,
		.amount = move->amount,
		.pending_id = move->pending_id,
		.cause = move->cause,
		.epoch = move->epoch};
	struct transfer same, pending;
	memcpy(transfer.debit.owner, node_owner(node, move->debit_owner), 32);
	memcpy(transfer.credit.owner, node_owner(node, move->credit_owner), 32);
	if (move->subject)
		memcpy(transfer.subject, move->subject, 32);
	struct ledger_past past = {0};
	int64_t same_at = world_transfer_find(world, &move->id), pending_at = SIM_NONE;
	bool ends = move->step != TRANSFER_SINGLE && move->step != TRANSFER_PENDING;
	if (ends)
		pending_at = world_transfer_find(world, &move->pending_id);
	if (same_at >= 0) {
		transfer_fill(node, world_transfer(world, (uint32_t)same_at), &same);
		past.same = &same;
		if (number)
			*number = (uint32_t)same_at;
	}
	if (pending_at >= 0) {
		transfer_fill(node, world_transfer(world, (uint32_t)pending_at), &pending);
		past.pending = &pending;
		past.pending_ended = world_transfer(world, (uint32_t)pending_at)->ended;
	}
	struct ledger_balance debit_after = *debit, credit_after = *credit,
			      mint = world->head->balances[OWNER_NETWORK][LEDGER_MINT];
	struct ledger_balance free_before = world->head->balances[move->credit_owner][LEDGER_FREE];
	bool one = debit == credit;
	enum transfer_result result = ledger_apply(&transfer, &past, &debit_after, one ? &debit_after : &credit_after);
	if (node->checks) {
		struct ledger_balance d = *debit, c = *credit;
		enum transfer_result wanted = model_transfer(&transfer, &past, &d, one ? &d : &c);
		ORACLE(ORACLE_MODEL, result == wanted, "a transfer for %s is %s, the rules say %s", move->cause,
			transfer_result_name(result), transfer_result_name(wanted));
		ORACLE(ORACLE_MODEL,
			memcmp(&d, &debit_after, sizeof d) == 0 && (one || memcmp(&c, &credit_after, sizeof c) == 0),
			"a transfer for %s leaves other balances than the rules say", move->cause);
	}
	if (result != TRANSFER_DONE)
		return result;
	WORLD_SET(world, *debit, debit_after);
	WORLD_SET(world, *credit, credit_after);
	if (ends)
		WORLD_SET(world, world_transfer(world, (uint32_t)pending_at)->ended, 1);
	transfer_store(node, move, &transfer, number);
	transfer_count(node, move, &mint, &free_before);
	return result;
}

int64_t node_unminted(const struct node *node)
{
	const struct ledger_balance *mint = &node->world.head->balances[OWNER_NETWORK][LEDGER_MINT];
	return node->plan->policy.cap_units - (mint->debits_posted + mint->debits_pending - mint->credits_posted);
}

void node_bond_end(struct node *node, uint32_t number, const char *cause, int64_t slash)
{
	struct world *world = &node->world;
	struct world_seat *seat = world_seat(world, number);
	const struct world_round *round = world_round(world, seat->round);
	const struct world_item *item = world_item(world, round->item);
	struct node_move move = {.cause = cause,
		.step = slash > 0 ? TRANSFER_POST : TRANSFER_VOID,
		.debit_owner = seat->voter,
		.credit_owner = seat->voter,
		.debit_kind = LEDGER_STAKE,
		.credit_kind = LEDGER_BOND,
		.amount = slash,
		.epoch = -1,
		.pending_id = world_transfer(world, seat->bond - 1)->id,
		.subject = item->id.bytes};
	transfer_id_of(&move.id, cause, item->id.bytes, node_owner(node, seat->voter), (uint64_t)round->number);
	enum transfer_result result = node_post(node, &move, NULL);
	wn_assert(result == TRANSFER_DONE);
	WORLD_SET(world, seat->bond_ended, 1);
	uint32_t last = world_list(world, TABLE_BONDED, world_count(world, TABLE_BONDED) - 1);
	uint32_t place = seat->bond_place;
	world_list_drop(world, TABLE_BONDED, place);
	WORLD_SET(world, world_seat(world, last)->bond_place, place);
}

/* ---- seats ---- */

/* The bond first: a seat without cover is none. */
static bool seat_add(struct node *node, uint32_t round_number, int voter, int64_t lease_until_ms, uint32_t *out)
{
	struct world *world = &node->world;
	struct world_round *round = world_round(world, round_number);
	const struct world_item *item = world_item(world, round->item);
	struct round_key key = {item->id, round->number};
	struct transfer bond;
	seat_bond_transfer(&bond, &key, &node->plan->actor[voter].key,
		seat_bond_units(&node->plan->campaigns[item->campaign], &node->plan->policy));
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
		entries[count++] = (struct sortition_entry){
			plan->actor[a].key, (uint64_t)(tickets < NODE_TICKETS_MOST ? tickets : NODE_TICKETS_MOST)};
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

static struct world_round *round_of(struct node *node, const struct command *command, uint32_t *number)
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

static struct world_seat *seat_of(struct node *node, const struct world_round *round, int voter, uint32_t *number)
{
	/* Newest first: who let a lease lapse has no second seat, so there is one at most. */
	for (uint32_t s = round->seat_head; s; s = world_seat(&node->world, s - 1)->next)
		if (world_seat(&node->world, s - 1)->voter == voter) {
			*number = s - 1;
			return world_seat(&node->world, s - 1);
		}
	return NULL;
}

static void seat_take(struct node *node, const struct command *command, struct reply *reply)
{
	struct world *world = &node->world;
	const struct plan *plan = node->plan;
	uint32_t number, seat_number;
	struct world_round *round = round_of(node, command, &number);
	if (!round)
		return;
	const struct world_item *item = world_item(world, round->item);
	const struct campaign *campaign = &plan->campaigns[item->campaign];
	struct world_seat *seat = seat_of(node, round, command->actor, &seat_number);
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
	struct world_seat *seat = world_seat(&node->world, number);
	struct world_round *round = world_round(&node->world, seat->round);
	WORLD_SET(&node->world, seat->state, state);
	WORLD_SET(&node->world, round->taken, round->taken - 1);
	node_bond_end(node, number, "seat/left", 0);
}

static void seat_skip(struct node *node, const struct command *command, struct reply *reply)
{
	uint32_t number;
	struct world_round *round = round_of(node, command, &number);
	struct world_seat *seat = round ? seat_of(node, round, command->actor, &number) : NULL;
	if (!seat || (seat->state != SEAT_LEASED && seat->state != SEAT_SKIPPED))
		return;
	reply->seat = number;
	reply->answer = seat->state == SEAT_SKIPPED ? ANSWER_REPEATED : ANSWER_DONE;
	if (reply->answer == ANSWER_DONE)
		seat_leave(node, number, SEAT_SKIPPED);
}

/* ---- ballots ---- */

static void place_fill(struct node *node, const struct command *command, const struct world_round *round,
	const struct world_seat *seat, struct ballot_place *place)
{
	const struct world_item *item = world_item(&node->world, command->item);
	*place = (struct ballot_place){.round_found = round != NULL};
	if (!round)
		return;
	place->round_state = (enum round_state)round->state;
	place->commit_until_ms = round->commit_until_ms;
	place->reveal_until_ms = round->reveal_until_ms;
	place->classes = node->plan->campaigns[item->campaign].class_count;
	place->own_item = item->contributor == command->actor;
	place->seat_found = seat != NULL;
	if (!seat)
		return;
	place->seat_state = (enum seat_state)seat->state;
	place->lease_until_ms = seat->lease_until_ms;
	place->last_sequence = seat->sequence;
	place->revealed = seat->revealed;
	place->choice = seat->choice;
	place->salt = seat->salt;
	for (uint32_t s = seat->seal_head; s; s = world_seal(&node->world, s - 1)->next) {
		const struct world_seal *seal = world_seal(&node->world, s - 1);
		if (seal->sequence == seat->sequence)
			place->last_commitment = seal->commitment;
		if (seal->sequence == command->vote.sequence) {
			place->sequence_used = true;
			place->sequence_commitment = seal->commitment;
		}
	}
}

static void ballot_keep(struct node *node, const struct command *command, uint32_t number, bool reveal)
{
	struct world *world = &node->world;
	struct world_seat *seat = world_seat(world, number);
	struct world_round *round = world_round(world, seat->round);
	if (reveal) {
		WORLD_SET(world, seat->state, SEAT_REVEALED);
		WORLD_SET(world, seat->revealed, 1);
		WORLD_SET(world, seat->choice, command->vote.choice);
		WORLD_SET(world, seat->salt, command->vote.salt);
		WORLD_SET(world, round->revealed, round->revealed + 1);
		return;
	}
	if (seat->state == SEAT_LEASED)
		WORLD_SET(world, round->committed, round->committed + 1);
	uint32_t added;
	struct world_seal *seal = world_add(world, TABLE_SEALS, &added);
	seal->seat = number;
	seal->sequence = (int32_t)command->vote.sequence;
	seal->commitment = command->vote.commitment;
	seal->next = seat->seal_head;
	WORLD_SET(world, seat->seal_head, added + 1);
	WORLD_SET(world, seat->state, SEAT_COMMITTED);
	WORLD_SET(world, seat->sequence, seal->sequence);
}

static void ballot_cast(struct node *node, const struct command *command, struct reply *reply)
{
	uint32_t number = 0;
	bool reveal = command->kind == COMMAND_REVEAL;
	struct world_round *round = round_of(node, command, &number);
	struct world_seat *seat = round ? seat_of(node, round, command->actor, &number) : NULL;
	struct ballot_place place;
	struct ballot_voter voter = {.network = node->plan->network,
		.key = node->plan->actor[command->actor].key,
		.jailed = node->world.head->jailed[command->actor]};
	place_fill(node, command, round, seat, &place);
	enum ballot_result result = ballot_check(reveal, &command->vote, &place, &voter, command->now_ms);
	if (node->checks) {
		enum ballot_result wanted = model_ballot(reveal, &command->vote, &place, &voter, command->now_ms);
		ORACLE(ORACLE_MODEL, result == wanted, "a vote is %s, the rules say %s", ballot_answer(result)->word,
			ballot_answer(wanted)->word);
	}
	reply->detail = result;
	reply->seat = number;
	if (result == BALLOT_OK || result == BALLOT_REPEATED)
		reply->answer = result == BALLOT_OK ? ANSWER_DONE : ANSWER_REPEATED;
	if (result == BALLOT_OK)
		ballot_keep(node, command, number, reveal);
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
		ORACLE(ORACLE_MODEL, more == (campaign->escalate > 0 && past.tallied == 0 && result.margin < 5 * 65536),
			"a margin of %lld after %d panels %s a second one", (long long)result.margin, past.tallied + 1,
			more ? "asks for" : "asks for no");
		opens = more ? campaign->escalate : 0;
	}
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
static bool tally_turn(struct node *node, const struct command *command)
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

/* ---- stakes and items ---- */

static void stake_move(struct node *node, const struct command *command, struct reply *reply)
{
	struct world *world = &node->world;
	bool in = command->kind == COMMAND_STAKE;
	struct node_move move = {.cause = in ? "stake" : "unstake",
		.debit_owner = command->actor,
		.credit_owner = command->actor,
		.debit_kind = in ? LEDGER_FREE : LEDGER_STAKE,
		.credit_kind = in ? LEDGER_STAKE : LEDGER_UNBONDING,
		.amount = command->amount,
		.epoch = -1};
	transfer_id_of(&move.id, move.cause, node_owner(node, command->actor), NULL, command->number);
	enum transfer_result result = command->amount > 0 ? node_post(node, &move, NULL) : TRANSFER_BAD_AMOUNT;
	reply->detail = (int)result;
	if (result == TRANSFER_REPEATED)
		reply->answer = ANSWER_REPEATED;
	if (result != TRANSFER_DONE)
		return;
	reply->answer = ANSWER_DONE;
	if (in)
		return;
	struct world_unbonding *row = world_add(world, TABLE_UNBONDINGS, NULL);
	row->owner = command->actor;
	row->amount = command->amount;
	row->due_ms = command->now_ms + node->plan->policy.unbonding_ms;
}

static bool unbond(struct node *node, int64_t now_ms)
{
	struct world *world = &node->world;
	bool any = false;
	for (uint32_t i = 0; i < world_count(world, TABLE_UNBONDINGS); i++) {
		struct world_unbonding *row = world_unbonding(world, i);
		if (row->done || row->due_ms > now_ms)
			continue;
		int64_t left = ledger_available(&world->head->balances[row->owner][LEDGER_UNBONDING]);
		struct node_move move = {.cause = "unbonded",
			.debit_owner = row->owner,
			.credit_owner = row->owner,
			.debit_kind = LEDGER_UNBONDING,
			.credit_kind = LEDGER_FREE,
			.amount = left < row->amount ? left : row->amount,
			.epoch = -1};
		transfer_id_of(&move.id, "unbonded", node_owner(node, row->owner), NULL, i);
		enum transfer_result result = node_post(node, &move, NULL);
		wn_assert(result == TRANSFER_DONE);
		WORLD_SET(world, row->done, 1);
		any = true;
	}
	return any;
}

/* Ids come from the Idempotency-Key, so that a submission that comes again meets its row. */
static void item_submit(struct node *node, const struct command *command, struct reply *reply)
{
	struct world *world = &node->world;
	struct item_id id;
	struct hash_layout layout = {.count = 0};
	uint64_t like = plan_word(command->number, 7);
	hash_tag(&layout, "simulation/item");
	hash_u64(&layout, command->number);
	struct sha256 hash;
	hash_done(&layout, &hash);
	memcpy(id.bytes, hash.bytes, sizeof id.bytes);
	for (uint32_t i = world_count(world, TABLE_ITEMS); i > 0 && i + 512 > world_count(world, TABLE_ITEMS); i--)
		if (id_compare(&world_item(world, i - 1)->id, &id) == 0) {
			reply->answer = ANSWER_REPEATED;
			reply->item = i - 1;
			return;
		}
	struct world_item *item = world_add(world, TABLE_ITEMS, &reply->item);
	item->id = id;
	item->campaign = command->campaign;
	item->contributor = command->actor;
	item->stratum = (int32_t)(like % 3);
	item->truth = (int32_t)(like / 3 % (uint64_t)node->plan->campaigns[command->campaign].class_count);
	item->state = ITEM_EMBEDDED;
	item->shown = item->class = -1;
	item->shown_epoch = -1;
	item->gold = SIM_GOLD_NEVER;
	item->denominator = 128;
	item->numerator = (int32_t)(like / 100 % 90);
	world_list_add(world, TABLE_OPEN, reply->item);
	reply->answer = ANSWER_DONE;
}

static void fund(struct node *node, const struct command *command, struct reply *reply)
{
	struct node_move move = {.cause = "fund",
		.debit_owner = command->actor,
		.credit_owner = OWNER_CAMPAIGN + command->campaign,
		.debit_kind = LEDGER_FREE,
		.credit_kind = LEDGER_BUDGET,
		.amount = command->amount,
		.epoch = -1};
	transfer_id_of(&move.id, "fund", node_owner(node, command->actor), NULL, command->number);
	enum transfer_result result = node_post(node, &move, NULL);
	reply->detail = (int)result;
	if (result == TRANSFER_DONE || result == TRANSFER_REPEATED)
		reply->answer = result == TRANSFER_DONE ? ANSWER_DONE : ANSWER_REPEATED;
}

/* ---- all of it ---- */

static void journal(struct node *node, const struct command *command)
{
	struct tree_frontier *frontier = &node->world.head->frontier;
	struct sha256 *leaf = world_add(&node->world, TABLE_LEAVES, NULL);
	tree_leaf(command, sizeof *command, leaf);
	world_touch(&node->world, frontier,
		offsetof(struct tree_frontier, hashes) + (frontier->count + 1) * sizeof frontier->hashes[0]);
	tree_append(frontier, leaf, NULL, NULL);
}

void node_apply(struct node *node, const struct command *command, struct reply *reply)
{
	bool done = false;
	*reply = (struct reply){.answer = ANSWER_REFUSED};
	wn_arena_reset(&node->arena);
	switch (command->kind) {
	case COMMAND_STAKE:
	case COMMAND_UNSTAKE:
		stake_move(node, command, reply);
		break;
	case COMMAND_SUBMIT:
		item_submit(node, command, reply);
		break;
	case COMMAND_TAKE:
		seat_take(node, command, reply);
		break;
	case COMMAND_SKIP:
		seat_skip(node, command, reply);
		break;
	case COMMAND_COMMIT:
	case COMMAND_REVEAL:
		ballot_cast(node, command, reply);
		break;
	case COMMAND_JAIL:
		if (node->world.head->jailed[command->actor] != (int32_t)command->amount) {
			WORLD_SET(&node->world, node->world.head->jailed[command->actor], (int32_t)command->amount);
			reply->answer = ANSWER_DONE;
		}
		break;
	case COMMAND_OVERTURN:
		done = node_overturn(node, command->item, command->now_ms);
		break;
	case COMMAND_FUND:
		fund(node, command, reply);
		break;
	case COMMAND_OPEN_PANELS:
	case COMMAND_LAPSE:
	case COMMAND_CLOSE_COMMITS:
	case COMMAND_CLOSE_REVEALS:
		done = tally_turn(node, command);
		break;
	case COMMAND_EPOCH_END:
		done = node_epoch_end(node, command->now_ms);
		break;
	case COMMAND_VEST:
		done = node_vest(node);
		break;
	case COMMAND_EPOCH_CLOSE:
		done = node_epoch_close(node, command->now_ms);
		break;
	case COMMAND_FINISH:
		done = node_finish(node, command->now_ms);
		break;
	case COMMAND_UNBOND:
		done = unbond(node, command->now_ms);
		break;
	case COMMANDS:
		break;
	}
	if (done)
		reply->answer = ANSWER_DONE;
	if (reply->answer == ANSWER_DONE)
		journal(node, command);
	else
		ORACLE(ORACLE_SAME_ANSWER, !world_changed(&node->world),
			"a command of kind %d changed something and was %s", command->kind,
			reply->answer == ANSWER_REFUSED ? "refused" : "a repetition");
}

/* What genesis gives: free units, and the stake of those who judge. */
static void genesis(struct node *node)
{
	struct world_head *head = node->world.head;
	struct sha256 layer;
	struct wn_error err;
	bool there = beacon_onion_layer(node->onion, 0, &layer, &err);
	wn_assert(there);
	head->ended = SIM_NONE;
	sha256_of("", 0, &head->revealed_root);
	beacon_of_epoch(&node->plan->network, 0, &layer, &head->revealed_root, &head->beacon);
	for (int a = 0; a < node->plan->actors; a++) {
		struct node_move grant = {.cause = "genesis",
			.debit_owner = OWNER_NETWORK,
			.credit_owner = a,
			.debit_kind = LEDGER_MINT,
			.credit_kind = LEDGER_FREE,
			.amount = node->plan->actor[a].grant,
			.epoch = -1};
		transfer_id_of(&grant.id, "genesis", node_owner(node, a), NULL, 0);
		struct node_move stake = {.cause = "stake",
			.debit_owner = a,
			.credit_owner = a,
			.debit_kind = LEDGER_FREE,
			.credit_kind = LEDGER_STAKE,
			.amount = node->plan->actor[a].stake,
			.epoch = -1};
		transfer_id_of(&stake.id, "stake", node_owner(node, a), NULL, 0);
		enum transfer_result granted = node_post(node, &grant, NULL), staked = TRANSFER_DONE;
		if (stake.amount > 0)
			staked = node_post(node, &stake, NULL);
		wn_assert(granted == TRANSFER_DONE);
		wn_assert(staked == TRANSFER_DONE);
	}
	world_commit(&node->world);
}

void node_open(struct node *node, const struct plan *plan, const struct beacon_onion *onion, bool checks)
{
	*node = (struct node){.plan = plan, .onion = onion, .checks = checks};
	world_open(&node->world, plan->operations);
	wn_arena_init(&node->arena, NODE_ARENA);
	genesis(node);
}

void node_close(struct node *node)
{
	world_close(&node->world);
	wn_arena_free(&node->arena);
}
