/* What the close of an epoch reads and writes. Callers hold the transaction. */
#ifndef VOTE_CLOSE_STORE_H
#define VOTE_CLOSE_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "vote/round_store.h"

struct epoch_row {
	int64_t epoch;
	enum epoch_state state;
	int64_t opened_ms, ended_ms;
	bool has_beacon;
	struct sha256 beacon;
};
/* The oldest epochs that are not closed, at most two: the one to close and the one that is open. */
bool close_store_epochs(struct db *db, struct wn_arena *arena, struct epoch_row out[2], size_t *count, struct wn_error *err);
/* The open epoch for a tally, shared with other tallies and against the epoch's end until the transaction ends. */
bool close_store_open_epoch(struct db *db, struct wn_arena *arena, int64_t *epoch, struct wn_error *err);
/* Ends epoch `epoch` and begins the next with its onion layer and beacon; waits for running tallies first (close_store_exclude). */
bool close_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err);
bool close_store_end(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, struct wn_error *err);
bool close_store_begin(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, const struct sha256 *onion, const struct sha256 *beacon,
	struct wn_error *err);
/* Votes revealed in rounds whose tally fell into the epoch, sorted by item, round, voter; only key, voter and salt are filled. */
bool close_store_reveals(struct db *db, struct wn_arena *arena, int64_t epoch, struct vote_row **out, size_t *count, struct wn_error *err);

struct close_item {
	struct item_id item;
	struct account_key contributor;
	int32_t stratum, class; /* class shown provisionally; -1 void */
	int32_t round;
};
/* Items of a campaign with a provisional verdict from `epoch` or before, by item id. */
bool close_store_items(struct db *db, struct wn_arena *arena, const char *campaign, int64_t epoch, struct close_item **out, size_t *count,
	struct wn_error *err);
/* Names of campaigns with something to close or carried scores, in the arena. */
bool close_store_campaigns(struct db *db, struct wn_arena *arena, const char ***out, size_t *count, struct wn_error *err);

enum { GOLD_UNKNOWN = -2, GOLD_NONE = -1 };
struct gold_row {
	struct item_id item;
	int32_t round, class; /* GOLD_UNKNOWN while its audit runs, GOLD_NONE on a tie */
};
bool close_store_gold(struct db *db, struct wn_arena *arena, int64_t epoch, struct gold_row **out, size_t *count, struct wn_error *err);
bool close_store_gold_insert(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count, int64_t epoch, struct wn_error *err);
/* Marks which of the items were gold before: had[i]. */
bool close_store_gold_had(struct db *db, struct wn_arena *arena, const struct close_item *items, size_t count, bool *had, struct wn_error *err);
bool close_store_curators(struct db *db, struct wn_arena *arena, int64_t *count, struct wn_error *err);

struct validator_row {
	struct account_key voter;
	int64_t *counts; /* K*K */
	int64_t gold_votes, carried_points, carried_scored, carried_since;
};
/* Every validator in the campaign's state, by key. */
bool close_store_validators(struct db *db, struct wn_arena *arena, const char *campaign, int classes, struct validator_row **out, size_t *count,
	struct wn_error *err);
/* prior has room for `classes`; zeros for a campaign without state. */
bool close_store_prior(struct db *db, struct wn_arena *arena, const char *campaign, int classes, int64_t *prior, struct wn_error *err);
bool close_store_validator_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes, const struct validator_row *row,
	struct wn_error *err);
bool close_store_prior_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes, const int64_t *prior, int64_t epoch,
	struct wn_error *err);

struct verdict_row {
	struct item_id item;
	int32_t class, p_good, votes;
	int64_t margin;
	const int64_t *scores; /* K, or NULL when void */
};
bool close_store_verdict(struct db *db, struct wn_arena *arena, const struct verdict_row *row, int classes, int64_t epoch, int64_t now_ms,
	struct wn_error *err);
bool close_store_settle(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch, int64_t final_ms,
	struct wn_error *err);
/* The close has counted these items' panel votes: from now on they are no longer fresh. */
bool close_store_counted(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch, struct wn_error *err);

struct held_bond {
	struct account_key voter;
	struct round_key key;
	uint8_t bond[32];
	int64_t amount;
};
/* Bonds that settled items of the campaign still hold, of these voters, by voter. */
bool close_store_bonds(struct db *db, struct wn_arena *arena, const char *campaign, const struct account_key *voters, size_t voter_count,
	struct held_bond **out, size_t *count, struct wn_error *err);
bool close_store_bonds_end(struct db *db, struct wn_arena *arena, const struct held_bond *bonds, size_t count, struct wn_error *err);

struct novelty_row { struct item_id item; int32_t numerator, denominator; };
bool close_store_novelty(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, struct novelty_row **out, size_t *found,
	struct wn_error *err);
struct audit_row { struct account_key voter; int64_t votes; };
bool close_store_audits(struct db *db, struct wn_arena *arena, int64_t epoch, struct audit_row **out, size_t *count, struct wn_error *err);
bool close_store_close(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, int64_t minted, const struct sha256 *claims_root,
	struct wn_error *err);

struct final_row { struct item_id item; int32_t class; bool keeps; };
/* Settled items whose challenge window is over; locked. `keeps` is filled from the campaign's choices. */
bool close_store_final_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct final_row **out, size_t *count,
	struct wn_error *err);

#endif
