/* Submissions, stakes and ballots of the simulated node; every command goes through here. */
#include "tests/sim/node.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "reward/ledger_store.h"
#include "tests/sim/model.h"
#include "tests/sim/oracle.h"

#define NODE_ARENA ((size_t)64 << 20)

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
	if (seat->sequence > 0)
		node_saw(node, SIGHT_RESEALED);
	WORLD_SET(world, seat->state, SEAT_COMMITTED);
	WORLD_SET(world, seat->sequence, seal->sequence);
}

static void ballot_cast(struct node *node, const struct command *command, struct reply *reply)
{
	uint32_t number = 0;
	bool reveal = command->kind == COMMAND_REVEAL;
	struct world_round *round = node_round_of(node, command, &number);
	struct world_seat *seat = round ? node_seat_of(node, round, command->actor, &number) : NULL;
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
		oracle_report->ballots[result]++;
	}
	reply->detail = result;
	reply->seat = number;
	if (result == BALLOT_OK || result == BALLOT_REPEATED)
		reply->answer = result == BALLOT_OK ? ANSWER_DONE : ANSWER_REPEATED;
	if (result == BALLOT_OK)
		ballot_keep(node, command, number, reveal);
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
	if (in || ledger_available(&world->head->balances[command->actor][LEDGER_STAKE]) == 0)
		WORLD_SET(world, world->head->out[command->actor], !in);
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
		node_saw(node, SIGHT_UNBONDED);
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
		node_seat_take(node, command, reply);
		break;
	case COMMAND_SKIP:
		node_seat_skip(node, command, reply);
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
		done = node_tally_turn(node, command);
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
	head->ended = SIM_NONE;
	sha256_of("", 0, &head->revealed_root);
	beacon_of_epoch(&node->plan->network, 0, &node->beacons->layers[0], &head->revealed_root, &head->beacon);
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

void node_open(struct node *node, const struct plan *plan, const struct beacons *beacons, bool checks)
{
	if (!node->plan)
		wn_arena_init(&node->arena, NODE_ARENA);
	node->plan = plan;
	node->beacons = beacons;
	node->checks = checks;
	world_open(&node->world, plan->operations);
	genesis(node);
}
