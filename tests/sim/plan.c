/* What a seed decides before the first operation: actors, campaigns, policy, which operations and faults take part. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "tests/sim/node.h"

uint64_t plan_word(uint64_t word, uint64_t purpose)
{
	uint64_t z = word + (purpose + 1) * 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

const char *behaviour_name(enum behaviour behaviour)
{
	static const char *const words[BEHAVIOURS] = {
		"honest", "lazy", "random", "copying", "inverting", "absent", "late"};
	return words[behaviour];
}

/* Purposes of the words of a seed. */
enum { WORD_NETWORK = 1, WORD_POLICY, WORD_CAMPAIGN, WORD_ACTORS = 16, WORD_ACTOR = 100, WORD_WEIGHT = 1000 };

static int64_t among(uint64_t seed, uint64_t purpose, const int64_t *values, size_t count)
{
	return values[plan_word(seed, purpose) % count];
}
#define AMONG(seed, purpose, ...)                                                                                      \
	among((seed), (purpose), (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static void bytes_of(uint8_t out[32], uint64_t seed, uint64_t purpose)
{
	uint64_t words[4];
	for (uint64_t i = 0; i < 4; i++)
		words[i] = plan_word(plan_word(seed, purpose), i);
	memcpy(out, words, sizeof words);
}

static void campaign_plan(struct plan *plan, int number)
{
	static const char *const names[SIM_CAMPAIGNS] = {"open", "drawn"};
	static const char *const choices[SIM_CLASSES_MAX] = {"none", "one", "two", "three", "four"};
	struct campaign *campaign = &plan->campaigns[number];
	uint64_t word = plan_word(plan->seed, (uint64_t)(WORD_CAMPAIGN + number));
	int64_t epoch_ms = plan->policy.epoch_ms;
	*campaign = (struct campaign){.name = names[number], .panel_mode = number == 0 ? PANEL_OPEN : PANEL_DRAWN};
	campaign->class_count = campaign->choice_count = (int)AMONG(word, 0, 2, 2, 3, 5);
	for (int c = 0; c < campaign->class_count; c++)
		campaign->choices[c] = (struct campaign_choice){
			choices[c], c < campaign->class_count / 2 ? CHOICE_REJECT : CHOICE_KEEP};
	campaign->pick = plan_word(word, 13) % 2;
	campaign->seats = (int)AMONG(word, 1, 1, 3, 3, 5, 7);
	campaign->escalate = (int)AMONG(word, 2, 0, 2, 4);
	campaign->commit_ms = epoch_ms * AMONG(word, 3, 1, 2, 4, 8) / 4;
	campaign->reveal_ms = epoch_ms * AMONG(word, 4, 1, 2, 4, 8) / 4;
	campaign->lease_ms = campaign->commit_ms / AMONG(word, 5, 1, 1, 2, 8);
	campaign->audit_seats = 3;
	campaign->dedup_numerator = 7;
	campaign->dedup_denominator = 10;
	campaign->per_item_ceiling = AMONG(word, 6, 1000000, 1000000000, 1000000000000);
	campaign->seat_pay = AMONG(word, 7, 0, 1, 100000);
	campaign->seat_bond = AMONG(word, 8, 1, 50000, 5000000);
	campaign->prepaid = number == 0 && plan_word(word, 9) % 3 == 0;
	campaign->challenge_ms = epoch_ms * AMONG(word, 10, 0, 1, 3);
	campaign->vesting_ms = epoch_ms * AMONG(word, 11, 0, 2, 10);
	campaign->probation = plan_word(word, 12) % 2;
}

static int actor_order(const void *a, const void *b)
{
	return id_compare(a, b);
}

static void actors_key(struct plan *plan, int count)
{
	struct account_key keys[SIM_ACTORS_MAX];
	plan->actors = count;
	for (int a = 0; a < count; a++)
		bytes_of(keys[a].bytes, plan->seed, (uint64_t)(WORD_ACTORS + a));
	qsort(keys, (size_t)count, sizeof keys[0], actor_order);
	for (int a = 0; a < count; a++) {
		plan->actor[a].key = keys[a];
		bytes_of(plan->actor[a].vote_seed, plan->seed, (uint64_t)(WORD_ACTOR * 2 + a));
	}
}

static void actors_plan(struct plan *plan)
{
	uint64_t seed = plan->seed;
	actors_key(plan, (int)AMONG(seed, WORD_ACTORS, 8, 11, 16, 26));
	int64_t honest = AMONG(seed, WORD_ACTOR * 3, 2, 3, 4); /* quarters */
	for (int a = 0; a < plan->actors; a++) {
		uint64_t word = plan_word(seed, (uint64_t)(WORD_ACTOR + a));
		plan->actor[a].behaviour = (int64_t)(plan_word(word, 0) % 4) < honest
						   ? BEHAVIOUR_HONEST
						   : (enum behaviour)(plan_word(word, 1) % BEHAVIOURS);
		plan->actor[a].skill_percent = (int)AMONG(word, 2, 60, 80, 95);
		/* Some only audit: whoever judged an item before may not. */
		plan->actor[a].validator = a % 6 != 1 && a % 6 != 3;
		plan->actor[a].contributor = a % 3 == 1 || plan_word(word, 3) % 4 == 0;
		plan->actor[a].curator = !plan->actor[a].validator || a % 5 == 0;
		plan->actor[a].grant = AMONG(word, 4, 10000000000, 1000000000000, 100000000000000);
		plan->actor[a].stake = plan->actor[a].grant / AMONG(word, 5, 1, 2, 10, 1000);
	}
}

void plan_from_seed(struct plan *plan, uint64_t seed, uint32_t operations_most)
{
	*plan = (struct plan){.seed = seed, .dense = (int)AMONG(seed, WORD_POLICY * 61, 1, 4, 8, 16)};
	uint32_t length = (uint32_t)AMONG(seed, WORD_POLICY * 50, 1, 4, 16, 64);
	plan->operations = operations_most / length + 1;
	bytes_of(plan->network.bytes, seed, WORD_NETWORK);
	policy_default(&plan->policy);
	plan->policy.epoch_ms = AMONG(seed, WORD_POLICY, 60000, 3600000);
	plan->policy.epoch_votes_max = AMONG(seed, WORD_POLICY * 51, 40, 4000000);
	plan->policy.cap_units = AMONG(seed, WORD_POLICY * 52, 2500000000000000, 1000000000000000000);
	plan->policy.seat_bond_floor = AMONG(seed, WORD_POLICY * 53, 1, 1000000);
	plan->policy.stake_least = AMONG(seed, WORD_POLICY * 54, 1, 10000000);
	plan->policy.unbonding_ms = plan->policy.epoch_ms * AMONG(seed, WORD_POLICY * 55, 1, 10);
	plan->policy.gold_ppm = AMONG(seed, WORD_POLICY * 56, 0, 80000, 300000, 700000);
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		campaign_plan(plan, c);
	actors_plan(plan);
	/* Swarm: about a quarter of the operations does not take part at all, the others at different rates. */
	static const uint32_t usual[PLAN_WEIGHTS] = {
		[COMMAND_STAKE] = 2,
		[COMMAND_UNSTAKE] = 1,
		[COMMAND_SUBMIT] = 5,
		[COMMAND_TAKE] = 40,
		[COMMAND_SKIP] = 2,
		[COMMAND_COMMIT] = 60,
		[COMMAND_REVEAL] = 60,
		[COMMAND_JAIL] = 1,
		[COMMAND_OVERTURN] = 1,
		[COMMAND_FUND] = 1,
		[PLAN_TURN] = 24,
		[PLAN_AGAIN] = 10,
		[PLAN_PROBE] = 12,
	};
	for (int w = 0; w < PLAN_WEIGHTS; w++) {
		uint64_t word = plan_word(seed, (uint64_t)(WORD_WEIGHT + w));
		/* Without seats and openings little else can happen: those are missing more seldom. */
		bool needed = w == COMMAND_SUBMIT || w == COMMAND_COMMIT || w == PLAN_TURN;
		uint64_t one_in = w == COMMAND_TAKE || w == COMMAND_REVEAL ? 16 : 4;
		bool missing = !needed && word % one_in == 0;
		plan->weights[w] = missing ? 0 : usual[w] * (uint32_t)(1 + plan_word(word, 1) % 4);
	}
	plan->open_percent = (int)AMONG(seed, WORD_POLICY * 60, 50, 50, 100, 0);
	/* Where nobody takes seats, open panels are a waste of time. */
	if (plan->weights[COMMAND_TAKE] == 0)
		plan->open_percent = 0;
	plan->lost_percent = (int)AMONG(seed, WORD_POLICY * 57, 0, 2, 20);
	plan->crash_permille = (int)AMONG(seed, WORD_POLICY * 62, 0, 2, 20);
	plan->unheard_percent = (int)AMONG(seed, WORD_POLICY * 58, 0, 2, 20);
	plan->backlog = (uint32_t)(AMONG(seed, WORD_POLICY * 63, 4, 15, 30) * plan->dense);
	plan->hard_percent = (int)AMONG(seed, WORD_POLICY * 59, 0, 10, 40);
}

static void campaign_print(const struct campaign *campaign)
{
	printf("  campaign %s: %d classes, %d seats, %d more at a small margin, phases of %" PRId64 " and %" PRId64
	       " ms, lease %" PRId64 " ms, ceiling %" PRId64 ", pay %" PRId64 "%s, bond %" PRId64 ", challenge %" PRId64
	       " ms, vesting %" PRId64 " ms%s%s\n",
		campaign->name, campaign->class_count, campaign->seats, campaign->escalate, campaign->commit_ms,
		campaign->reveal_ms, campaign->lease_ms, campaign->per_item_ceiling, campaign->seat_pay,
		campaign->prepaid ? " from a budget" : "", campaign->seat_bond, campaign->challenge_ms,
		campaign->vesting_ms, campaign->probation ? ", probation" : "", campaign->pick ? ", pick" : "");
}

void plan_print(const struct plan *plan)
{
	static const char *const kinds[PLAN_WEIGHTS] = {"stake", "unstake", "submit", "take", "skip", "commit",
		"reveal", "jail", "overturn", "fund", "turn", "again", "probe"};
	printf("seed %" PRIu64 ": %u operations, epochs of %" PRId64 " ms or %" PRId64
	       " votes, %d times as dense, known answers %" PRId64 " ppm, cap %" PRId64 "\n",
		plan->seed, plan->operations, plan->policy.epoch_ms, plan->policy.epoch_votes_max, plan->dense,
		plan->policy.gold_ppm, plan->policy.cap_units);
	printf("  lost %d %%, unheard %d %%, crashes %d in 1000 turns, at most %u items in flight, hard items %d %%, "
	       "open campaign %d %%\n  "
	       "weights:",
		plan->lost_percent, plan->unheard_percent, plan->crash_permille, plan->backlog, plan->hard_percent,
		plan->open_percent);
	for (int w = 0; w < PLAN_WEIGHTS; w++)
		printf(" %s %u", kinds[w], plan->weights[w]);
	printf("\n  actors:");
	for (int a = 0; a < plan->actors; a++)
		printf(" %s%s%s%s", behaviour_name(plan->actor[a].behaviour), plan->actor[a].validator ? "" : "-",
			plan->actor[a].contributor ? "+items" : "", plan->actor[a].curator ? "+audits" : "");
	printf("\n");
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		campaign_print(&plan->campaigns[c]);
}

void plan_for_incentives(struct plan *plan, uint64_t seed, bool probation)
{
	/* All persons hold the same stake: honest ones, two of each other kind, and some under six names each. */
	enum { HONEST = 14, OTHERS = 8, SPLIT = 18, NAMES = 6, CURATORS = 3, STAKE_BONDS = 240, BOND = 12000000 };
	static const enum behaviour others[OTHERS / 2] = {
		BEHAVIOUR_LAZY, BEHAVIOUR_COPYING, BEHAVIOUR_INVERTING, BEHAVIOUR_RANDOM};
	*plan = (struct plan){.seed = seed};
	bytes_of(plan->network.bytes, seed, WORD_NETWORK);
	policy_default(&plan->policy);
	plan->policy.epoch_ms = 3600000;
	plan->policy.seat_bond_floor = plan->policy.stake_least = 1;
	plan->policy.gold_ppm = 250000; /* so that records are proven before the end */
	for (int c = 0; c < SIM_CAMPAIGNS; c++) {
		struct campaign *campaign = &plan->campaigns[c];
		campaign_plan(plan, c);
		campaign->class_count = campaign->choice_count = 2;
		campaign->choices[0].verdict = CHOICE_REJECT;
		campaign->choices[1].verdict = CHOICE_KEEP;
		campaign->seats = 7;
		campaign->escalate = 4;
		campaign->commit_ms = campaign->reveal_ms = campaign->lease_ms = plan->policy.epoch_ms / 16;
		campaign->per_item_ceiling = 2 * BOND;
		campaign->seat_pay = 0;
		campaign->seat_bond = BOND;
		campaign->prepaid = false;
		campaign->challenge_ms = campaign->vesting_ms = 0;
		campaign->probation = probation;
	}
	actors_key(plan, HONEST + OTHERS + SPLIT + CURATORS + 1);
	for (int a = 0; a < plan->actors; a++) {
		bool split = a >= HONEST + OTHERS && a < HONEST + OTHERS + SPLIT;
		plan->actor[a].behaviour =
			a >= HONEST && a < HONEST + OTHERS ? others[(a - HONEST) / 2] : BEHAVIOUR_HONEST;
		plan->actor[a].validator = a < HONEST + OTHERS + SPLIT;
		plan->actor[a].curator = !plan->actor[a].validator && a < plan->actors - 1;
		plan->actor[a].contributor = a == plan->actors - 1;
		plan->actor[a].skill_percent = plan->actor[a].curator ? 100 : 80;
		plan->actor[a].group = split ? 1 + (a - HONEST - OTHERS) / NAMES : 0;
		plan->actor[a].grant = (int64_t)STAKE_BONDS * BOND / (split ? NAMES : 1);
		plan->actor[a].stake = plan->actor[a].contributor ? 0 : plan->actor[a].grant;
	}
}
