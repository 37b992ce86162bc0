/* The world around the node: clients with their memories, a network that loses and repeats, crashes, and time. */
#include "tests/sim/driver.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "tests/sim/model.h"
#include "tests/sim/oracle.h"
#include "tests/sim/probe.h"
#include "tests/sim/voter.h"

enum {
	HISTORY = 256, /* commands that may come again; less than the items among which a node looks for one */
	CHECK_EVERY = 8000,
	LOG_MOST = CHECK_EVERY * 2 * (COMMANDS - COMMAND_WORKERS),
	HEAL_TURNS = 4000,
	PICKS = 64,
	DUE_WORKERS = COMMANDS - COMMAND_WORKERS,
};

struct sent {
	struct command command;
	struct reply reply; /* of the time it took effect */
	bool waits;	    /* its sender heard nothing */
	int effects;
	uint32_t leaf; /* acknowledged: its place in the journal + 1 */
};

struct driver {
	const struct plan *plan;
	struct node live, shadow; /* shadow: as saved last */
	struct command *log;	  /* accepted since */
	size_t log_count;
	struct sent history[HISTORY];
	uint32_t sent;
	int64_t now_ms;
	bool faults;
	uint64_t numbers; /* Idempotency-Keys given */
	uint64_t checkpoint_size;
	struct sha256 checkpoint_root;
};

/* ---- oracles over all rows ---- */

static void log_check(struct driver *driver)
{
	const struct world *world = &driver->live.world;
	const struct sha256 *leaves = world->rows[TABLE_LEAVES];
	uint64_t size = world_count(world, TABLE_LEAVES);
	struct tree_frontier frontier = {0};
	struct sha256 root = {{0}}, now;
	ORACLE(ORACLE_LOG, size >= driver->checkpoint_size && world->head->frontier.size == size,
		"the journal has %llu entries, its tree %llu, the last checkpoint %llu", (unsigned long long)size,
		(unsigned long long)world->head->frontier.size, (unsigned long long)driver->checkpoint_size);
	for (uint64_t i = 0; i < size; i++) {
		tree_append(&frontier, &leaves[i], NULL, NULL);
		if (i + 1 == driver->checkpoint_size) {
			tree_frontier_root(&frontier, &root);
			ORACLE(ORACLE_LOG, id_compare(&root, &driver->checkpoint_root) == 0,
				"what the last checkpoint signed has changed");
		}
	}
	model_tree(leaves, size, &root);
	tree_frontier_root(&world->head->frontier, &now);
	ORACLE(ORACLE_LOG, id_compare(&root, &now) == 0, "the tree's root is not that of its %llu leaves",
		(unsigned long long)size);
	driver->checkpoint_size = size;
	driver->checkpoint_root = root;
}

static void durable_check(const struct driver *driver)
{
	const struct world *world = &driver->live.world;
	for (int i = 0; i < HISTORY; i++) {
		const struct sent *sent = &driver->history[i];
		struct sha256 leaf;
		if (sent->leaf == 0)
			continue;
		tree_leaf(&sent->command, sizeof sent->command, &leaf);
		ORACLE(ORACLE_DURABLE,
			sent->leaf <= world_count(world, TABLE_LEAVES) &&
				id_compare(&leaf, (const struct sha256 *)world->rows[TABLE_LEAVES] + sent->leaf - 1) ==
					0,
			"an acknowledged command of kind %d is not in the journal", sent->command.kind);
	}
}

/* A process that starts anew has what was saved and the journal behind it. */
static void replay_check(struct driver *driver)
{
	const char *where;
	struct reply reply;
	for (size_t i = 0; i < driver->log_count; i++) {
		node_apply(&driver->shadow, &driver->log[i], &reply);
		ORACLE(ORACLE_REPLAY, reply.answer == ANSWER_DONE, "command %zu of kind %d is not accepted again", i,
			driver->log[i].kind);
		world_commit(&driver->shadow.world);
	}
	ORACLE(ORACLE_REPLAY, world_equal(&driver->live.world, &driver->shadow.world, &where),
		"%zu commands later the replayed %s differ", driver->log_count, where);
	driver->log_count = 0;
}

static void all_check(struct driver *driver)
{
	oracle_money(&driver->live.world, driver->plan->policy.cap_units);
	oracle_recount(&driver->live.world);
	replay_check(driver);
	log_check(driver);
	durable_check(driver);
}

/* ---- what the driver judges by itself ---- */

struct view {
	struct world_round round;
	struct world_seat seat;
	bool has_round, has_seat;
	uint32_t seat_number;
};

static void view_of(const struct driver *driver, const struct command *command, struct view *out)
{
	const struct world *world = &driver->live.world;
	out->has_round = out->has_seat = false;
	if (command->item >= world_count(world, TABLE_ITEMS))
		return;
	const struct world_item *item = world_item(world, command->item);
	if (command->vote.key.round < 1 || command->vote.key.round > item->round_count)
		return;
	out->round = *world_round(world, item->rounds[command->vote.key.round - 1]);
	out->has_round = true;
	for (uint32_t s = out->round.seat_head; s && !out->has_seat; s = world_seat(world, s - 1)->next)
		if (world_seat(world, s - 1)->voter == command->actor) {
			out->seat = *world_seat(world, s - 1);
			out->seat_number = s - 1;
			out->has_seat = true;
		}
}

static void deadline_check(const struct command *command, const struct view *before, const struct reply *reply)
{
	const struct world_round *round = &before->round;
	bool done = reply->answer == ANSWER_DONE, committing = round->state == ROUND_COMMIT;
	int64_t now_ms = command->now_ms;
	bool lease_over =
		before->has_seat && before->seat.state == SEAT_LEASED && before->seat.lease_until_ms <= now_ms;
	if (command->kind == COMMAND_TAKE)
		ORACLE(ORACLE_DEADLINE, !done || (committing && now_ms < round->commit_until_ms),
			"a seat was taken %lld ms behind the commit phase",
			(long long)(now_ms - round->commit_until_ms));
	if (command->kind == COMMAND_COMMIT) {
		ORACLE(ORACLE_DEADLINE, !done || (committing && now_ms < round->commit_until_ms && !lease_over),
			"a vote was sealed behind its deadline");
		ORACLE(ORACLE_DEADLINE,
			reply->detail != BALLOT_COMMIT_CLOSED || !committing || now_ms >= round->commit_until_ms,
			"a vote was refused %lld ms before the commit phase ends",
			(long long)(round->commit_until_ms - now_ms));
		ORACLE(ORACLE_DEADLINE,
			reply->detail != BALLOT_LEASE_OVER || !before->has_seat || before->seat.state != SEAT_LEASED ||
				lease_over,
			"a vote was refused before its lease ended");
	}
	if (command->kind == COMMAND_REVEAL) {
		ORACLE(ORACLE_SEALED, !done || round->state == ROUND_REVEAL, "a vote was opened in round state %d",
			round->state);
		ORACLE(ORACLE_DEADLINE, !done || now_ms < round->reveal_until_ms,
			"a vote was opened %lld ms behind its deadline", (long long)(now_ms - round->reveal_until_ms));
		ORACLE(ORACLE_DEADLINE,
			reply->detail != BALLOT_REVEAL_CLOSED || round->state != ROUND_REVEAL ||
				now_ms >= round->reveal_until_ms,
			"an opening was refused before its deadline");
	}
}

/* What was opened must be what this voter, and nobody else, had sealed. */
static void sealed_check(const struct driver *driver, const struct command *command, const struct view *before,
	const struct reply *reply)
{
	const struct world *world = &driver->live.world;
	struct sha256 commitment;
	if (command->kind != COMMAND_REVEAL || reply->answer != ANSWER_DONE)
		return;
	ORACLE(ORACLE_SEALED, before->has_seat, "somebody without a seat opened a vote");
	model_commitment(&driver->plan->network, &world_item(world, command->item)->id,
		(uint32_t)command->vote.key.round, &driver->plan->actor[command->actor].key,
		(uint8_t)command->vote.choice, &command->vote.salt, &commitment);
	for (uint32_t s = before->seat.seal_head; s; s = world_seal(world, s - 1)->next)
		if (world_seal(world, s - 1)->sequence == before->seat.sequence) {
			ORACLE(ORACLE_SEALED, id_compare(&commitment, &world_seal(world, s - 1)->commitment) == 0,
				"a voter who is %s opened what was not sealed",
				behaviour_name(driver->plan->actor[command->actor].behaviour));
			return;
		}
	oracle_fail(ORACLE_SEALED, "a vote was opened that was never sealed");
}

/* ---- sending ---- */

/* What came of one delivery; LOST: the process died, or its transaction did, before it committed. */
enum delivery { DELIVERY_DONE, DELIVERY_LOST, DELIVERY_NOTHING };

static void again_check(const struct sent *sent, const struct reply *reply)
{
	oracle_saw(SIGHT_AGAIN);
	ORACLE(reply->answer == ANSWER_DONE ? ORACLE_ONCE : ORACLE_SAME_ANSWER,
		reply->answer == ANSWER_REPEATED && reply->seat == sent->reply.seat && reply->item == sent->reply.item,
		"a command of kind %d came again and was answered %d for seat %u, first for seat %u",
		sent->command.kind, reply->answer, reply->seat, sent->reply.seat);
}

static enum delivery deliver(struct driver *driver, struct sent *sent, uint64_t word)
{
	struct node *node = &driver->live;
	struct command *command = &sent->command;
	struct view before = {0};
	struct reply reply;
	int fate = driver->faults ? (int)(plan_word(word, 40) % 100) : 100;
	command->now_ms = driver->now_ms;
	oracle_report->operations += driver->faults;
	view_of(driver, command, &before);
	node_apply(node, command, &reply);
	if (fate < driver->plan->lost_percent) {
		world_rollback(&node->world);
		oracle_saw(SIGHT_LOST);
		sent->waits = true;
		return DELIVERY_LOST;
	}
	world_commit(&node->world);
	if (command->kind == COMMAND_TAKE || command->kind == COMMAND_COMMIT || command->kind == COMMAND_REVEAL) {
		deadline_check(command, &before, &reply);
		sealed_check(driver, command, &before, &reply);
	}
	if (sent->effects > 0)
		again_check(sent, &reply);
	sent->waits = false;
	if (reply.answer != ANSWER_DONE)
		return DELIVERY_NOTHING;
	sent->effects++;
	sent->reply = reply;
	wn_assert(driver->log_count < LOG_MOST);
	driver->log[driver->log_count++] = *command;
	if (fate < driver->plan->lost_percent + driver->plan->unheard_percent) {
		oracle_saw(SIGHT_UNHEARD);
		sent->waits = true;
	} else {
		sent->leaf = world_count(&node->world, TABLE_LEAVES);
	}
	if (command->kind >= COMMAND_WORKERS || plan_word(word, 41) % 4 == 0)
		oracle_money(&node->world, driver->plan->policy.cap_units);
	return DELIVERY_DONE;
}

static void send(struct driver *driver, const struct command *command, uint64_t word)
{
	struct sent once = {.command = *command}, *sent = &once;
	/* What an operator does is not asked for twice. */
	if (command->kind != COMMAND_JAIL && command->kind != COMMAND_OVERTURN) {
		sent = &driver->history[driver->sent++ % HISTORY];
		*sent = once;
	}
	deliver(driver, sent, word);
}

/* Sent before, at any time, heard or not; what stands in the journal is the command as it took effect. */
static void send_again(struct driver *driver, struct sent *sent, uint64_t word)
{
	struct command first = sent->command;
	bool done = sent->effects > 0;
	deliver(driver, sent, word);
	if (done)
		sent->command = first;
}

/* ---- actors ---- */

static int actor_any(const struct driver *driver, uint64_t word, bool contributor)
{
	int first = (int)(plan_word(word, 43) % (uint64_t)driver->plan->actors);
	for (int i = 0; i < driver->plan->actors; i++) {
		int a = (first + i) % driver->plan->actors;
		if (contributor ? driver->plan->actor[a].contributor : driver->plan->actor[a].validator)
			return a;
	}
	return first;
}

/* Whether the voter of a seat has something to do there; some forget, some know that what they sealed is not theirs. */
static bool seat_calls(const struct driver *driver, const struct world_seat *seat, bool reveals, uint64_t word)
{
	enum round_state state = (enum round_state)world_round(&driver->live.world, seat->round)->state;
	enum behaviour behaviour = driver->plan->actor[seat->voter].behaviour;
	bool shy = behaviour == BEHAVIOUR_ABSENT || (reveals && behaviour == BEHAVIOUR_COPYING);
	if (shy && plan_word(word, 47) % 4 > 0)
		return false;
	/* Now and then somebody tries what is too early, or seals another vote. */
	if (reveals)
		return seat->state == SEAT_COMMITTED && (state == ROUND_REVEAL || plan_word(word, 45) % 32 == 0);
	return state == ROUND_COMMIT && (seat->state == SEAT_LEASED || plan_word(word, 46) % 8 == 0);
}

static bool seat_any(const struct driver *driver, uint64_t word, bool reveals, uint32_t *out)
{
	const struct world *world = &driver->live.world;
	uint32_t count = world_count(world, TABLE_OPEN);
	uint32_t first = count > 0 ? (uint32_t)(plan_word(word, 44) % count) : 0;
	for (uint32_t i = 0; i < count && i < PICKS; i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, (first + i) % count));
		for (int r = item->round_count - 1; r >= 0; r--) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			if (round->state != ROUND_COMMIT && round->state != ROUND_REVEAL)
				continue;
			for (uint32_t s = round->seat_head; s; s = world_seat(world, s - 1)->next) {
				*out = s - 1;
				if (seat_calls(driver, world_seat(world, s - 1), reveals, plan_word(word, s)))
					return true;
			}
		}
	}
	return false;
}

static bool vote_fill(struct driver *driver, struct command *command, uint64_t word)
{
	const struct world *world = &driver->live.world;
	const struct plan *plan = driver->plan;
	bool reveals = command->kind == COMMAND_REVEAL;
	uint32_t number;
	if (!seat_any(driver, word, reveals, &number))
		return false;
	const struct world_seat *seat = world_seat(world, number);
	const struct world_round *round = world_round(world, seat->round);
	/* Now and then a number that was used; never one that the parser refuses. */
	int64_t sequence = reveals ? seat->sequence : seat->sequence + 1 - (int64_t)(plan_word(word, 48) % 16 == 0);
	sequence = sequence < 1 ? 1 : sequence;
	if (sequence > BALLOT_SEQUENCE_MAX)
		return false;
	voter_ballot(&driver->live, number, reveals, sequence, command);
	/* Other content, somebody without this seat, a round that is not there. */
	uint64_t wrong = plan_word(word, 49) % 256;
	if (wrong < 4)
		command->vote.choice += 1;
	else if (wrong == 4)
		command->vote.commitment.bytes[0] ^= 1;
	else if (wrong == 5)
		command->actor = actor_any(driver, plan_word(word, 49), false);
	else if (wrong == 6)
		command->vote.key.round++;
	else if (wrong == 7)
		command->vote.choice = SIM_CLASSES_MAX;
	/* Late ones act at the last moment, and one behind it. */
	int64_t until_ms = reveals ? round->reveal_until_ms
			   : seat->state == SEAT_LEASED && seat->lease_until_ms < round->commit_until_ms
				   ? seat->lease_until_ms
				   : round->commit_until_ms;
	int64_t at_ms = until_ms - 1 + (int64_t)(plan_word(word, 50) % 2);
	bool waits = plan->actor[seat->voter].behaviour == BEHAVIOUR_LATE && plan_word(word, 32) % 64 == 0;
	if (waits && at_ms > driver->now_ms)
		driver->now_ms = at_ms;
	return true;
}

/* A seat that is free in a round of one kind, and somebody who may want it. */
static bool seat_wanted(struct driver *driver, enum round_kind kind, struct command *command, uint64_t word)
{
	const struct world *world = &driver->live.world;
	const struct plan *plan = driver->plan;
	uint32_t count = world_count(world, TABLE_OPEN);
	uint32_t first = count > 0 ? (uint32_t)(plan_word(word, 60) % count) : 0;
	for (uint32_t i = 0; i < count && i < PICKS; i++) {
		uint32_t number = world_list(world, TABLE_OPEN, (first + i) % count);
		const struct world_item *item = world_item(world, number);
		const struct world_round *round =
			item->round_count > 0 ? world_round(world, item->rounds[item->round_count - 1]) : NULL;
		if (!round || (enum round_kind)round->kind != kind || round->state != ROUND_COMMIT ||
			round->taken >= round->seats)
			continue;
		int actor = actor_any(driver, word, false);
		for (int a = 0; kind == ROUND_AUDIT && !plan->actor[actor].curator && a < plan->actors; a++)
			actor = (actor + 1) % plan->actors;
		command->item = number;
		command->vote.key.item = item->id;
		command->vote.key.round = round->number;
		command->actor = actor;
		return true;
	}
	return false;
}

static bool command_fill(struct driver *driver, struct command *command, uint64_t word)
{
	const struct world_head *head = driver->live.world.head;
	command->number = ++driver->numbers;
	switch (command->kind) {
	case COMMAND_STAKE:
	case COMMAND_UNSTAKE:
		command->actor = actor_any(driver, word, false);
		command->amount =
			ledger_available(&head->balances[command->actor]
							[command->kind == COMMAND_STAKE ? LEDGER_FREE : LEDGER_STAKE]) /
			(int64_t)(1 + plan_word(word, 51) % 40);
		/* One too many, now and then; and nothing at all. */
		command->amount += plan_word(word, 52) % 16 == 0;
		return true;
	case COMMAND_SUBMIT:
		command->actor = actor_any(driver, word, true);
		command->campaign = (int)(plan_word(word, 53) % 100) >= driver->plan->open_percent;
		return world_count(&driver->live.world, TABLE_OPEN) < driver->plan->backlog;
	case COMMAND_TAKE:
		return (plan_word(word, 61) % 2 && seat_wanted(driver, ROUND_AUDIT, command, word)) ||
		       seat_wanted(driver, ROUND_PANEL, command, word);
	case COMMAND_SKIP: {
		uint32_t number;
		const struct world *world = &driver->live.world;
		if (!seat_any(driver, word, false, &number))
			return false;
		const struct world_round *round = world_round(world, world_seat(world, number)->round);
		command->actor = world_seat(world, number)->voter;
		command->item = round->item;
		command->vote.key = (struct round_key){world_item(world, round->item)->id, round->number};
		return true;
	}
	case COMMAND_COMMIT:
	case COMMAND_REVEAL:
		return vote_fill(driver, command, word);
	case COMMAND_JAIL:
		command->actor = actor_any(driver, word, false);
		command->amount = plan_word(word, 54) % 8 == 0;
		return true;
	case COMMAND_OVERTURN:
		command->item = (uint32_t)plan_word(word, 55);
		return true;
	case COMMAND_FUND:
		command->actor = actor_any(driver, word, false);
		command->campaign = 0;
		command->amount = ledger_available(&head->balances[command->actor][LEDGER_FREE]) / 64;
		return command->amount > 0;
	default:
		return true;
	}
}

/* ---- time ---- */

static void time_pass(struct driver *driver, uint64_t word)
{
	uint64_t epoch_ms = (uint64_t)(driver->plan->policy.epoch_ms / driver->plan->dense);
	uint64_t how = plan_word(word, 56) % 1000;
	/* Mostly a little; now and then a night, or an outage. */
	uint64_t most = how < 3 ? 3 * epoch_ms : how < 20 ? epoch_ms / 4 : how < 700 ? epoch_ms / 100 : 1;
	driver->now_ms += (int64_t)(plan_word(word, 57) % most);
}

/* The process ends between two transactions: what it held in memory is gone, what was saved and the journal stay. */
static void crash(struct driver *driver)
{
	oracle_saw(SIGHT_CRASHED);
	replay_check(driver);
	durable_check(driver);
	struct world gone = driver->live.world;
	driver->live.world = driver->shadow.world;
	driver->shadow.world = gone;
}

/* Two processes of a role may take the same turn: the second finds nothing to do. */
static void worker_run(struct driver *driver, int worker, uint64_t word)
{
	struct sent once, twice;
	memset(&once, 0, sizeof once);
	once.command.kind = (enum command_kind)(COMMAND_WORKERS + worker);
	twice = once;
	enum delivery delivery = deliver(driver, &once, word);
	if (delivery == DELIVERY_DONE && plan_word(word, 38) % 8 == 0)
		ORACLE(ORACLE_ONCE, deliver(driver, &twice, plan_word(word, 36)) != DELIVERY_DONE,
			"a worker's turn of kind %d found something to do twice", once.command.kind);
}

static void workers_turn(struct driver *driver, uint64_t word)
{
	bool all = plan_word(word, 58) % 4 == 0;
	int only = (int)(plan_word(word, 59) % DUE_WORKERS);
	int dies = (int)(plan_word(word, 34) % 1000) < driver->plan->crash_permille
			   ? (int)(plan_word(word, 35) % DUE_WORKERS)
			   : DUE_WORKERS;
	for (int w = 0; w < DUE_WORKERS && w < dies; w++)
		if (all || w == only)
			worker_run(driver, w, plan_word(word, (uint64_t)(70 + w)));
	if (dies < DUE_WORKERS)
		crash(driver);
}

static void operate(struct driver *driver, uint64_t word)
{
	struct command command;
	uint32_t sum = 0, there = driver->sent < HISTORY ? driver->sent : HISTORY;
	int kind = 0;
	for (int w = 0; w < PLAN_WEIGHTS; w++)
		sum += driver->plan->weights[w];
	for (uint32_t pick = (uint32_t)(plan_word(word, 39) % sum); pick >= driver->plan->weights[kind]; kind++)
		pick -= driver->plan->weights[kind];
	if (kind == PLAN_AGAIN) {
		if (there > 0)
			send_again(driver, &driver->history[plan_word(word, 42) % there], word);
		return;
	}
	if (kind == PLAN_PROBE) {
		oracle_report->operations++;
		probe(&driver->live.arena, word);
		return;
	}
	if (kind == PLAN_TURN) {
		workers_turn(driver, word);
		return;
	}
	memset(&command, 0, sizeof command); /* padding too: it is hashed into the journal */
	command.kind = (enum command_kind)kind;
	if (command_fill(driver, &command, word))
		send(driver, &command, word);
}

/* ---- the end ---- */

static bool over(const struct driver *driver)
{
	const struct world *world = &driver->live.world;
	for (uint32_t i = 0; i < world_count(world, TABLE_UNBONDINGS); i++)
		if (!world_unbonding(world, i)->done)
			return false;
	return world_count(world, TABLE_OPEN) + world_count(world, TABLE_BONDED) + world_count(world, TABLE_UNPAID) +
		       world_count(world, TABLE_VESTING) ==
	       0;
}

/* No faults any more, nobody votes any more: whoever waits gets an answer, and everything comes to its end. */
static void heal(struct driver *driver)
{
	driver->faults = false;
	for (int i = 0; i < HISTORY; i++)
		if (driver->history[i].waits) {
			send_again(driver, &driver->history[i], (uint64_t)i);
			ORACLE(ORACLE_PROGRESS, !driver->history[i].waits, "a retry was not answered");
		}
	for (int turn = 0; turn < HEAL_TURNS && !over(driver); turn++) {
		driver->now_ms += driver->plan->policy.epoch_ms / 4 + 1;
		for (int w = 0; w < DUE_WORKERS; w++)
			worker_run(driver, w, plan_word((uint64_t)turn, (uint64_t)w));
		if (driver->log_count > LOG_MOST / 2)
			all_check(driver);
	}
	ORACLE(ORACLE_PROGRESS, over(driver),
		"after %d turns without faults %u items, %u bonds, %u payments and %u grants are still open",
		HEAL_TURNS, world_count(&driver->live.world, TABLE_OPEN),
		world_count(&driver->live.world, TABLE_BONDED), world_count(&driver->live.world, TABLE_UNPAID),
		world_count(&driver->live.world, TABLE_VESTING));
}

/* The chain of beacons at one place: what is peeled is what was peeled before, and only inward it follows. */
static void chain_check(const struct beacons *beacons, uint64_t seed)
{
	uint64_t epoch = plan_word(seed, 33) % (SIM_LAYERS - 1);
	const struct sha256 *layers = beacons->layers;
	struct sha256 layer, tip;
	struct wn_error err;
	bool there = beacon_onion_layer(beacons->onion, epoch, &layer, &err);
	beacon_onion_tip(beacons->onion, &tip);
	oracle_model(there && id_compare(&layer, &layers[epoch]) == 0 ? NULL : "a layer of the beacon's chain");
	oracle_model(beacon_onion_follows(&tip, &layers[0]) &&
				     beacon_onion_follows(&layers[epoch], &layers[epoch + 1]) &&
				     !beacon_onion_follows(&layers[epoch + 1], &layers[epoch])
			     ? NULL
			     : "what follows in the beacon's chain");
}

void drive(const struct plan *plan, const struct beacons *beacons, const struct kept *kept)
{
	/* One driver a process: its memory serves every seed. */
	static struct driver driver_room;
	struct driver *driver = &driver_room;
	struct command *log = driver->log ? driver->log : calloc(LOG_MOST, sizeof *log);
	ORACLE(ORACLE_PROMISE, log != NULL, "no memory");
	*driver = (struct driver){
		.plan = plan, .faults = true, .log = log, .live = driver->live, .shadow = driver->shadow};
	oracle_report->seed = plan->seed;
	oracle_report->at = 0;
	chain_check(beacons, plan->seed);
	node_open(&driver->live, plan, beacons, true);
	node_open(&driver->shadow, plan, beacons, false);
	for (uint32_t i = 0; i < plan->operations; i++) {
		uint64_t word = plan_word(plan->seed, (uint64_t)i << 16 | 0xffff);
		oracle_report->at = i;
		time_pass(driver, word);
		if (kept->all || kept->flags[i])
			operate(driver, word);
		if (i % CHECK_EVERY == CHECK_EVERY - 1)
			all_check(driver);
	}
	heal(driver);
	all_check(driver);
}
