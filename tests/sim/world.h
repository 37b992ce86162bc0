/* The simulated node's rows: flat tables that stand in for the database, with transactions that can be lost. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "core/campaign.h"
#include "core/policy.h"
#include "core/states.h"
#include "core/tree.h"
#include "reward/ledger.h"
#include "vote/ballot.h"
#include "vote/tally.h"

enum {
	SIM_ACTORS_MAX = 48,
	SIM_CAMPAIGNS = 2, /* number 0 has open panels, number 1 drawn ones */
	SIM_CLASSES_MAX = 5,
	SIM_CELLS_MAX = SIM_CLASSES_MAX * SIM_CLASSES_MAX,
	SIM_ROUNDS_MAX = 8, /* of one item */
	/* Owners of accounts: the actors, the network itself, the campaigns. */
	OWNER_NETWORK = SIM_ACTORS_MAX,
	OWNER_CAMPAIGN = SIM_ACTORS_MAX + 1,
	SIM_OWNERS = SIM_ACTORS_MAX + 1 + SIM_CAMPAIGNS,
	SIM_NONE = -1,
};

struct world_item {
	struct item_id id;
	int32_t campaign, contributor, stratum, truth;
	int32_t state, round_count;
	uint32_t rounds[SIM_ROUNDS_MAX];
	int32_t shown; /* provisional class; -1: void */
	int32_t gold;  /* GOLD_* of the simulation, or the class */
	int64_t shown_epoch, final_ms, margin;
	int32_t class, p_good;		/* the verdict */
	int32_t numerator, denominator; /* of its nearest neighbour below the threshold */
};
enum { SIM_GOLD_NEVER = -3, SIM_GOLD_WAITS = -2, SIM_GOLD_NO_ANSWER = -1 };

struct world_round {
	uint32_t item, seat_head; /* seat + 1; 0: none */
	int32_t number, kind, state, seats, taken, committed, revealed, unused;
	int64_t opened_ms, commit_until_ms, reveal_until_ms, epoch, gold_epoch;
	struct sha256 root; /* of the commitments */
};
struct world_seat {
	uint32_t round, next, seal_head; /* next, seal_head: number + 1; 0: none */
	int32_t voter, state, sequence, choice, revealed;
	int64_t lease_until_ms, counted; /* counted: epoch + 1 of the close that counted it; 0: fresh */
	uint32_t bond, bond_place;	 /* transfer + 1; place in the list of bonds */
	int32_t bond_ended, unused;
	struct salt salt;
};
struct world_seal {
	uint32_t seat, next;
	int32_t sequence, unused;
	struct sha256 commitment;
};
struct world_transfer {
	struct transfer_id id, pending_id;
	int32_t step, debit_owner, debit_kind, credit_owner, credit_kind, cause, ended, unused;
	int64_t amount, epoch;
	uint8_t subject[32];
};
struct world_pay {
	uint32_t transfer;
	int32_t posted;
	int64_t due_ms;
};
struct world_grant {
	uint32_t transfer;
	int32_t owner, revocable, ended;
	int64_t amount, start_ms, period_ms, released;
};
struct world_unbonding {
	int32_t owner, done;
	int64_t amount, due_ms;
};

enum world_table {
	TABLE_ITEMS,
	TABLE_ROUNDS,
	TABLE_SEATS,
	TABLE_SEALS,
	TABLE_TRANSFERS,
	TABLE_PAYS,
	TABLE_GRANTS,
	TABLE_UNBONDINGS,
	TABLE_LEAVES,  /* struct sha256: the journal */
	TABLE_OPEN,    /* uint32_t: items that somebody still has to do something about */
	TABLE_BONDED,  /* uint32_t: seats whose bond did not end */
	TABLE_UNPAID,  /* uint32_t: pays that are not posted */
	TABLE_VESTING, /* uint32_t: grants that did not end */
	TABLES
};

struct world_validator {
	int32_t known, unused;
	int64_t counts[SIM_CELLS_MAX], gold_votes, gold_right, carried_points, carried_scored, carried_since, taken,
		skipped; /* seats */
};
struct world_campaign {
	int64_t prior[SIM_CLASSES_MAX], proven, epoch; /* epoch: of the last close + 1 */
	struct world_validator validators[SIM_ACTORS_MAX];
};
/* Everything that is no row: part of what is compared, saved and lost like them. */
struct world_head {
	struct ledger_balance balances[SIM_OWNERS][LEDGER_KINDS];
	struct world_campaign campaigns[SIM_CAMPAIGNS];
	int64_t earned[SIM_ACTORS_MAX]; /* for the claims tree: what rewards ever brought into the free account */
	int32_t jailed[SIM_ACTORS_MAX];
	int32_t out[SIM_ACTORS_MAX];	 /* who took out all of a deposit that stands behind no seat */
	int32_t left[SIM_ACTORS_MAX];	 /* the same at the end of the epoch that waits for its close */
	int64_t epoch, opened_ms, votes; /* the open one */
	int64_t ended, ended_ms;	 /* the one whose audits run, or SIM_NONE */
	struct sha256 beacon, claims_root, revealed_root;
	struct tree_frontier frontier; /* of the journal */
	int64_t burned, minted;
	uint32_t counts[TABLES];
};

struct world {
	struct world_head *head;
	void *rows[TABLES];
	uint32_t room[TABLES], operations;
	uint32_t *index, index_mask; /* transfers by id, number + 1 */
	struct world_undo *undo;
	size_t undo_used, undo_room;
};

/*
 * Empty, with rows for about `operations` operations; a world that is open already keeps its memory where that is
 * enough, any other is all zeros. Ends the program without memory.
 */
void world_open(struct world *world, uint32_t operations);
/* Byte for byte equality of all that is stored. */
bool world_equal(const struct world *a, const struct world *b, const char **where);

/* Notes bytes that are about to change, so that world_rollback() can put them back. */
void world_touch(struct world *world, void *at, size_t bytes);
#define WORLD_SET(world, place, value) (world_touch((world), &(place), sizeof(place)), (place) = (value))
static inline bool world_changed(const struct world *world)
{
	return world->undo_used > 0;
}
void world_commit(struct world *world);
void world_rollback(struct world *world);

/* A new zeroed row at the end. */
void *world_add(struct world *world, enum world_table table, uint32_t *number);
/* Lists of numbers: adding, and taking out by place (the last one takes its place). */
void world_list_add(struct world *world, enum world_table table, uint32_t number);
void world_list_drop(struct world *world, enum world_table table, uint32_t place);
static inline uint32_t world_count(const struct world *world, enum world_table table)
{
	return world->head->counts[table];
}
static inline uint32_t world_list(const struct world *world, enum world_table table, uint32_t place)
{
	return ((const uint32_t *)world->rows[table])[place];
}
static inline struct world_item *world_item(const struct world *world, uint32_t number)
{
	return (struct world_item *)world->rows[TABLE_ITEMS] + number;
}
static inline struct world_round *world_round(const struct world *world, uint32_t number)
{
	return (struct world_round *)world->rows[TABLE_ROUNDS] + number;
}
static inline struct world_seat *world_seat(const struct world *world, uint32_t number)
{
	return (struct world_seat *)world->rows[TABLE_SEATS] + number;
}
static inline struct world_seal *world_seal(const struct world *world, uint32_t number)
{
	return (struct world_seal *)world->rows[TABLE_SEALS] + number;
}
static inline struct world_transfer *world_transfer(const struct world *world, uint32_t number)
{
	return (struct world_transfer *)world->rows[TABLE_TRANSFERS] + number;
}
static inline struct world_pay *world_pay(const struct world *world, uint32_t number)
{
	return (struct world_pay *)world->rows[TABLE_PAYS] + number;
}
static inline struct world_grant *world_grant(const struct world *world, uint32_t number)
{
	return (struct world_grant *)world->rows[TABLE_GRANTS] + number;
}
static inline struct world_unbonding *world_unbonding(const struct world *world, uint32_t number)
{
	return (struct world_unbonding *)world->rows[TABLE_UNBONDINGS] + number;
}
/* The transfer with an id, or SIM_NONE. */
int64_t world_transfer_find(const struct world *world, const struct transfer_id *id);
void world_transfer_index(struct world *world, uint32_t number);

#endif
