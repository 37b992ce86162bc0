/* A world without faults in which everybody does what is his habit, epoch after epoch; then all is counted. */
#include "tests/sim/incentives.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/oracle.h"
#include "tests/sim/voter.h"

enum {
	EPOCHS = 48,	   /* with items */
	EPOCHS_AFTER = 26, /* scores that are few settle after 24 epochs */
	ITEMS = 14,	   /* an epoch */
	TURNS = 3,	   /* a panel, its second one, and a redraw */
	TURNS_AFTER = 2,
	OPERATIONS = EPOCHS * ITEMS * 40,
	SPLIT = BEHAVIOURS,
	KINDS = BEHAVIOURS + 1,
};

struct tally_of_kinds {
	double gained[KINDS], persons[KINDS];
	int64_t settled, right;
};

static void apply(struct node *node, const struct command *command)
{
	struct reply reply;
	node_apply(node, command, &reply);
	world_commit(&node->world);
}

static void work(struct node *node, enum command_kind kind, int64_t now_ms)
{
	struct command command;
	memset(&command, 0, sizeof command);
	command.kind = kind;
	command.now_ms = now_ms;
	apply(node, &command);
}

static void items_submit(struct node *node, int epoch, int64_t now_ms)
{
	for (int i = 0; i < ITEMS; i++) {
		struct command command;
		memset(&command, 0, sizeof command);
		command.kind = COMMAND_SUBMIT;
		command.actor = node->plan->actors - 1;
		command.campaign = 1;
		command.number = plan_word(node->plan->seed, (uint64_t)(epoch * ITEMS + i));
		command.now_ms = now_ms;
		apply(node, &command);
	}
}

/* Curators take every audit that is open. */
static void audits_take(struct node *node, int64_t now_ms)
{
	const struct world *world = &node->world;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		const struct world_round *round = world_round(world, item->rounds[item->round_count - 1]);
		for (int a = 0; a < node->plan->actors && round->kind == ROUND_AUDIT; a++) {
			struct command command;
			memset(&command, 0, sizeof command);
			command.kind = COMMAND_TAKE;
			command.actor = a;
			command.item = round->item;
			command.vote.key = (struct round_key){item->id, round->number};
			command.now_ms = now_ms;
			if (node->plan->actor[a].curator)
				apply(node, &command);
		}
	}
}

/* All who hold a seat vote; copiers last, when there is something to copy. */
static void votes_cast(struct node *node, bool reveals, int64_t now_ms)
{
	const struct world *world = &node->world;
	for (int last = 0; last < 2; last++)
		for (uint32_t i = 0; i < world_count(world, TABLE_BONDED); i++) {
			struct command command;
			uint32_t number = world_list(world, TABLE_BONDED, i);
			const struct world_seat *seat = world_seat(world, number);
			enum round_state state = (enum round_state)world_round(world, seat->round)->state;
			bool copies = node->plan->actor[seat->voter].behaviour == BEHAVIOUR_COPYING;
			if (copies != (last > 0) || state != (reveals ? ROUND_REVEAL : ROUND_COMMIT) ||
				seat->state != (reveals ? SEAT_COMMITTED : SEAT_LEASED))
				continue;
			memset(&command, 0, sizeof command);
			command.kind = reveals ? COMMAND_REVEAL : COMMAND_COMMIT;
			command.now_ms = now_ms;
			voter_ballot(node, number, reveals, 1, &command);
			apply(node, &command);
		}
}

static int64_t panels_run(struct node *node, int turns, int64_t now_ms)
{
	int64_t phase_ms = node->plan->campaigns[1].commit_ms + 1;
	for (int turn = 0; turn < turns; turn++) {
		votes_cast(node, false, now_ms);
		work(node, COMMAND_CLOSE_COMMITS, now_ms + phase_ms);
		votes_cast(node, true, now_ms + phase_ms);
		work(node, COMMAND_CLOSE_REVEALS, now_ms + 2 * phase_ms);
		now_ms += 2 * phase_ms;
	}
	return now_ms;
}

static void epoch_run(struct node *node, int epoch)
{
	int64_t epoch_ms = node->plan->policy.epoch_ms, now_ms = epoch * epoch_ms;
	if (epoch < EPOCHS)
		items_submit(node, epoch, now_ms);
	work(node, COMMAND_OPEN_PANELS, now_ms);
	audits_take(node, now_ms);
	now_ms = panels_run(node, TURNS, now_ms);
	work(node, COMMAND_VEST, now_ms);
	work(node, COMMAND_EPOCH_CLOSE, now_ms);
	work(node, COMMAND_FINISH, now_ms);
	/* What the close asked for a second time. */
	panels_run(node, TURNS_AFTER, now_ms);
	work(node, COMMAND_EPOCH_END, (epoch + 1) * epoch_ms);
}

static void gains_add(const struct node *node, struct tally_of_kinds *all)
{
	const struct world *world = &node->world;
	const struct plan *plan = node->plan;
	for (int a = 0; a < plan->actors; a++) {
		int kind = plan->actor[a].group ? SPLIT : (int)plan->actor[a].behaviour;
		bool another = a == 0 || !plan->actor[a].group || plan->actor[a].group != plan->actor[a - 1].group;
		if (!plan->actor[a].validator)
			continue;
		all->persons[kind] += another;
		all->gained[kind] -= (double)plan->actor[a].grant;
		for (int k = 0; k < LEDGER_KINDS; k++)
			all->gained[kind] += (double)(world->head->balances[a][k].credits_posted -
						      world->head->balances[a][k].debits_posted);
	}
	for (uint32_t i = 0; i < world_count(world, TABLE_ITEMS); i++) {
		const struct world_item *item = world_item(world, i);
		all->settled += item->class >= 0;
		all->right += item->class >= 0 && item->class == item->truth;
	}
}

static void kinds_judge(const struct tally_of_kinds *all, int seeds, bool probation)
{
	double honest = all->gained[BEHAVIOUR_HONEST] / all->persons[BEHAVIOUR_HONEST];
	double right = (double)all->right / (double)all->settled;
	printf("  %lld items %s probation, %.1f %% of verdicts right; an honest person gains %.0f units a seed\n",
		(long long)all->settled, probation ? "with" : "without", 100 * right, honest);
	for (int kind = 1; kind < KINDS; kind++)
		if (all->persons[kind] > 0)
			printf("  %-10s gains %6.2f of that\n",
				kind == SPLIT ? "six names" : behaviour_name((enum behaviour)kind),
				all->gained[kind] / all->persons[kind] / honest);
	fflush(stdout);
	ORACLE(ORACLE_INCENTIVES, all->settled >= (int64_t)seeds * EPOCHS * ITEMS * 9 / 10 && right > 0.9,
		"%lld items settled, %.3f of them right", (long long)all->settled, right);
	ORACLE(ORACLE_INCENTIVES, honest > 0, "an honest person gains %.0f", honest);
	/* Who knows nothing has no points to expect, and slashes weigh half as much again as pay. */
	for (int kind = BEHAVIOUR_LAZY; kind <= BEHAVIOUR_INVERTING; kind++)
		ORACLE(ORACLE_INCENTIVES, all->gained[kind] < 0, "whoever is %s gains %.2f of what an honest one does",
			behaviour_name((enum behaviour)kind), all->gained[kind] / all->persons[kind] / honest);
	/* Draws without replacement favour many names a little: mechanism.md allows a tenth. */
	ORACLE(ORACLE_INCENTIVES, all->gained[SPLIT] / all->persons[SPLIT] < 1.1 * honest,
		"one person under six names gains %.2f of what the same one gains under one",
		all->gained[SPLIT] / all->persons[SPLIT] / honest);
}

void incentives_check(const struct beacons *beacons, uint64_t first_seed, int seeds)
{
	static struct node node;
	for (int probation = 0; probation < 2; probation++) {
		struct tally_of_kinds all = {0};
		for (int s = 0; s < seeds; s++) {
			struct plan plan;
			plan_for_incentives(&plan, first_seed + (uint64_t)s, probation);
			plan.operations = OPERATIONS;
			oracle_report->seed = plan.seed;
			node_open(&node, &plan, beacons, false);
			for (int epoch = 0; epoch < EPOCHS + EPOCHS_AFTER; epoch++)
				epoch_run(&node, epoch);
			oracle_money(&node.world, plan.policy.cap_units);
			gains_add(&node, &all);
		}
		kinds_judge(&all, seeds, probation);
	}
}
