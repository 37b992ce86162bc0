/* Seven ways to judge; a copier works only with what the API shows of others. */
#include "tests/sim/voter.h"

#include <string.h>

#include "tests/sim/model.h"
#include "vote/commitment.h"

static int mind_of(const struct plan *plan, int actor)
{
	for (int a = 0; plan->actor[actor].group && a < actor; a++)
		if (plan->actor[a].group == plan->actor[actor].group)
			return a;
	return actor;
}

int voter_opinion(const struct node *node, uint32_t item_number, int actor, int64_t sequence)
{
	const struct plan *plan = node->plan;
	const struct world_item *item = world_item(&node->world, item_number);
	int classes = plan->campaigns[item->campaign].class_count;
	uint64_t mind = (uint64_t)mind_of(plan, actor);
	uint64_t word = plan_word(plan->seed ^ ((uint64_t)item_number << 20 | mind << 8 | (uint64_t)(sequence / 4)), 3);
	bool hard = (int)(plan_word(plan->seed + item_number, 4) % 100) < plan->hard_percent;
	bool right = (int)(plan_word(word, 1) % 100) < (hard ? 50 : plan->actor[actor].skill_percent);
	switch (plan->actor[actor].behaviour) {
	case BEHAVIOUR_LAZY:
		return classes - 1;
	case BEHAVIOUR_RANDOM:
		return (int)(plan_word(word, 2) % (uint64_t)classes);
	case BEHAVIOUR_INVERTING:
		right = !right;
		break;
	default:
		break;
	}
	return right ? item->truth : (item->truth + 1 + (int)(plan_word(word, 3) % (uint64_t)(classes - 1))) % classes;
}

/* Another vote of the round: before it is opened only its commitment can be seen, then all of it. */
static const struct world_seat *neighbour(const struct world *world, const struct world_seat *seat, bool opened)
{
	for (uint32_t s = world_round(world, seat->round)->seat_head; s; s = world_seat(world, s - 1)->next) {
		const struct world_seat *other = world_seat(world, s - 1);
		if (other != seat && (opened ? other->revealed != 0 : other->seal_head != 0))
			return other;
	}
	return NULL;
}

static void salt_make(const struct node *node, const struct world_item *item, const struct world_round *round,
	int voter, int64_t sequence, struct salt *out)
{
	const struct plan *plan = node->plan;
	struct salt wanted;
	vote_salt(plan->actor[voter].vote_seed, &plan->network, &item->id, (uint32_t)round->number, (uint64_t)sequence,
		&plan->actor[voter].key, out);
	/* The rules cost as much as the salt itself: one in four is enough. */
	if (!node->checks || (round->item + (uint32_t)voter) % 4 != 0)
		return;
	model_salt(plan->actor[voter].vote_seed, &plan->network, &item->id, (uint32_t)round->number, (uint64_t)sequence,
		&plan->actor[voter].key, &wanted);
	oracle_model(memcmp(out, &wanted, sizeof wanted) == 0 ? NULL : "salt");
}

void voter_ballot(const struct node *node, uint32_t number, bool reveals, int64_t sequence, struct command *out)
{
	const struct world *world = &node->world;
	const struct world_seat *seat = world_seat(world, number), *other = NULL;
	const struct world_round *round = world_round(world, seat->round);
	const struct world_item *item = world_item(world, round->item);
	const struct plan *plan = node->plan;
	struct ballot_vote *vote = &out->vote;
	struct salt salt;
	int choice = voter_opinion(node, round->item, seat->voter, sequence);
	salt_make(node, item, round, seat->voter, sequence, &salt);
	if (plan->actor[seat->voter].behaviour == BEHAVIOUR_COPYING)
		other = neighbour(world, seat, reveals);
	out->actor = seat->voter;
	out->item = round->item;
	vote->key.item = item->id;
	vote->key.round = round->number;
	vote->sequence = sequence;
	if (reveals) {
		vote->choice = other ? other->choice : choice;
		vote->salt = other ? other->salt : salt;
		return;
	}
	if (other)
		vote->commitment = world_seal(world, other->seal_head - 1)->commitment;
	else
		vote_commitment(&plan->network, &item->id, (uint32_t)round->number, &plan->actor[seat->voter].key,
			(uint8_t)choice, &salt, &vote->commitment);
}
