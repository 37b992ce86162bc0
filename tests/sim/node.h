/* The simulated node: what routes and workers do to the rows, through the same pure functions that they use. */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "core/arena.h"
#include "tests/sim/oracle.h"
#include "tests/sim/world.h"
#include "vote/beacon.h"

enum behaviour {
	BEHAVIOUR_HONEST,
	BEHAVIOUR_LAZY, /* always the last class */
	BEHAVIOUR_RANDOM,
	BEHAVIOUR_COPYING, /* seals what another has sealed */
	BEHAVIOUR_INVERTING,
	BEHAVIOUR_ABSENT, /* takes seats and forgets them, or forgets to open */
	BEHAVIOUR_LATE,	  /* acts around its deadlines */
	BEHAVIOURS
};
const char *behaviour_name(enum behaviour behaviour);

enum command_kind {
	COMMAND_STAKE,
	COMMAND_UNSTAKE,
	COMMAND_SUBMIT,
	COMMAND_TAKE,
	COMMAND_SKIP,
	COMMAND_COMMIT,
	COMMAND_REVEAL,
	COMMAND_JAIL,
	COMMAND_OVERTURN,
	COMMAND_FUND,
	/* Of the workers. */
	COMMAND_OPEN_PANELS,
	COMMAND_LAPSE,
	COMMAND_CLOSE_COMMITS,
	COMMAND_CLOSE_REVEALS,
	COMMAND_EPOCH_END,
	COMMAND_VEST,
	COMMAND_EPOCH_CLOSE,
	COMMAND_FINISH,
	COMMAND_UNBOND,
	COMMANDS,
	COMMAND_WORKERS = COMMAND_OPEN_PANELS,
};
/* What an operation may be besides a command of somebody. */
enum { PLAN_TURN = COMMAND_WORKERS, PLAN_AGAIN, PLAN_PROBE, PLAN_WEIGHTS };

/* Everything that a seed decides before the first operation. */
struct plan {
	uint64_t seed;
	uint32_t operations;
	struct network_id network;
	struct policy policy;
	struct campaign campaigns[SIM_CAMPAIGNS];
	int actors;
	struct {
		struct account_key key;
		uint8_t vote_seed[32];
		enum behaviour behaviour;
		int skill_percent, group; /* group: of identities that one person holds; 0: none */
		bool validator, contributor, curator;
		int64_t grant, stake;
	} actor[SIM_ACTORS_MAX];	   /* ascending by key */
	uint32_t weights[PLAN_WEIGHTS];	   /* of kinds of operations */
	int crash_permille;		   /* of the workers' turns */
	int lost_percent, unheard_percent; /* of commands: lost before commit; answers lost behind it */
	int hard_percent;		   /* items on which everybody errs more */
	int dense;	  /* this many times as many operations in an epoch as usual, about a hundred */
	uint32_t backlog; /* items in flight, at most */
	int open_percent; /* of submissions that go to the open campaign */
};
/* Says in a few lines what the seed decided. */
void plan_print(const struct plan *plan);
void plan_from_seed(struct plan *plan, uint64_t seed, uint32_t operations_most);
/* The world in which behaviours are compared: no faults, two classes, everybody takes part. */
void plan_for_incentives(struct plan *plan, uint64_t seed, bool probation);
/* splitmix64 over a word and a purpose: the only randomness there is. */
uint64_t plan_word(uint64_t word, uint64_t purpose);

struct command {
	enum command_kind kind;
	int32_t actor, campaign;
	uint32_t item; /* number; submit: what the new one is like */
	int32_t unused[2];
	int64_t now_ms, amount;
	uint64_t number; /* of a stake, of a submission: the Idempotency-Key */
	struct ballot_vote vote;
};
enum answer { ANSWER_DONE, ANSWER_REPEATED, ANSWER_REFUSED };
struct reply {
	enum answer answer;
	int detail; /* refused: enum ballot_result or 0 */
	uint32_t seat, item;
	int64_t deadline_ms; /* of what was taken */
};

/* The operator's chain, and its outer layers at hand: the chain itself peels up to a thousand times for one. */
enum { SIM_LAYERS = 1 << 15 };
struct beacons {
	struct beacon_onion *onion;
	struct sha256 layers[SIM_LAYERS];
};
bool beacons_open(struct beacons *beacons);

struct node {
	const struct plan *plan;
	const struct beacons *beacons;
	struct world world;
	struct wn_arena arena;
	bool checks; /* compare every pure result with the model, count what is met */
};
/* A node of zeros, or one that served another plan: it keeps its memory. */
void node_open(struct node *node, const struct plan *plan, const struct beacons *beacons, bool checks);
/* Applies a command inside the open transaction; the caller commits or loses it. A refusal changes nothing. */
void node_apply(struct node *node, const struct command *command, struct reply *reply);

/* ---- what the parts of the node share ---- */

static inline void node_saw(const struct node *node, enum sight sight)
{
	if (node->checks)
		oracle_saw(sight);
}

struct node_move {
	const char *cause;
	enum transfer_step step;
	int debit_owner, credit_owner;
	enum ledger_kind debit_kind, credit_kind;
	int64_t amount, epoch;
	struct transfer_id id, pending_id;
	const uint8_t *subject;
};
/* Posts by ledger_apply(); *number is the row where it is done or was there. */
enum transfer_result node_post(struct node *node, const struct node_move *move, uint32_t *number);
/* Ends a seat's bond: `slash` of it is posted, the rest goes back. */
void node_bond_end(struct node *node, uint32_t seat, const char *cause, int64_t slash);
/* Seats and rounds: a command's, who sits there, the tally's turns. */
struct world_round *node_round_of(struct node *node, const struct command *command, uint32_t *number);
struct world_seat *node_seat_of(struct node *node, const struct world_round *round, int voter, uint32_t *number);
void node_seat_take(struct node *node, const struct command *command, struct reply *reply);
void node_seat_skip(struct node *node, const struct command *command, struct reply *reply);
bool node_tally_turn(struct node *node, const struct command *command);
void node_round_open(
	struct node *node, uint32_t item, enum round_kind kind, int seats, int64_t opened_ms, int64_t commit_until_ms);
const void *node_owner(const struct node *node, int owner); /* 32 bytes */
int64_t node_unminted(const struct node *node);
/* The last round of an item, and its panels before one. */
struct panel_past node_past(const struct node *node, const struct world_item *item, int before);
int node_panels(const struct node *node, const struct world_item *item);
bool node_rounds_late(const struct node *node, int64_t until_ms);
bool node_item_rests(const struct node *node, const struct world_item *item);

bool node_epoch_end(struct node *node, int64_t now_ms);
bool node_epoch_close(struct node *node, int64_t now_ms);
bool node_vest(struct node *node);
bool node_finish(struct node *node, int64_t now_ms);
bool node_overturn(struct node *node, uint32_t pick, int64_t now_ms);

#endif
