/* What the close of an epoch reads and writes. Callers hold the transaction. */
#ifndef VOTE_CLOSE_STORE_H
#define VOTE_CLOSE_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "reward/ledger.h"
#include "vote/round_store.h"

/* ---- epochs ---- */

struct epoch_row {
	int64_t epoch;
	enum epoch_state state;
	int64_t opened_ms, ended_ms, votes;
	bool has_beacon;
	struct sha256 beacon;
};
/* The oldest epochs that are not closed, at most two: the one to close and the one that is open. */
bool close_store_epochs(
	struct db *db, struct wn_arena *arena, struct epoch_row out[2], size_t *count, struct wn_error *err);
/* The open epoch for a tally, shared with other tallies and against the epoch's end until the transaction ends. */
bool close_store_open_epoch(struct db *db, struct wn_arena *arena, int64_t *epoch, struct wn_error *err);
/* Waits for running tallies and holds new ones off until the transaction ends. */
bool close_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err);
/* Whether a round is still to be closed whose time was over at end_ms. */
bool close_store_late(struct db *db, struct wn_arena *arena, int64_t end_ms, bool *late, struct wn_error *err);
bool close_store_end(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t end_ms, struct wn_error *err);
bool close_store_begin(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, const struct sha256 *onion,
	const struct sha256 *beacon, struct wn_error *err);
/* Votes revealed in rounds whose tally fell into the epoch, sorted by item, round, voter; only key, voter and salt are
 * filled. */
bool close_store_reveals(struct db *db, struct wn_arena *arena, int64_t epoch, struct vote_row **out, size_t *count,
	struct wn_error *err);

struct epoch_silence {
	bool silent;	       /* nothing of this epoch or earlier ones waits for a close */
	int64_t carried_since; /* epoch of the oldest carried score; INT64_MAX: none */
	int64_t deadline_ms;   /* the next one of an open round; INT64_MAX: none */
};
bool close_store_silence(
	struct db *db, struct wn_arena *arena, int64_t epoch, struct epoch_silence *out, struct wn_error *err);
/* Epochs that begin, end and close at once. */
struct epoch_silent {
	int64_t epoch, opened_ms;
	struct sha256 onion, beacon;
};
bool close_store_silent(struct db *db, struct wn_arena *arena, const struct epoch_silent *epochs, size_t count,
	int64_t epoch_ms, int64_t now_ms, struct wn_error *err);
/* end_ms counts where the epoch had not ended before. The claims root and the leaf of the entry that tells it come
 * together; NULL: a silent epoch before the last of its run. */
bool close_store_close(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t end_ms, int64_t now_ms,
	int64_t minted, const struct sha256 *claims_root, const struct sha256 *entry_leaf, struct wn_error *err);

/* ---- what is closed ---- */

/* Names of campaigns with something to close, carried scores or bonds to end, in the arena. */
bool close_store_campaigns(
	struct db *db, struct wn_arena *arena, const char ***out, size_t *count, struct wn_error *err);

struct close_item {
	struct item_id item;
	struct account_key contributor;
	int32_t stratum, class; /* class shown provisionally; -1 void */
	int32_t panels;		/* that it had or that did not come about; redraws of one count once */
	int32_t last_round;
};
/* Items of a campaign with a provisional verdict from `epoch` or before, by item id. */
bool close_store_items(struct db *db, struct wn_arena *arena, const char *campaign, int64_t epoch,
	struct close_item **out, size_t *count, struct wn_error *err);

enum { GOLD_NONE = -1 };
struct gold_row {
	struct item_id item;
	int32_t class; /* GOLD_NONE: not known, or a tie */
};
/* Whether audits of the epoch's known-answer items still run. */
bool close_store_gold_waits(struct db *db, struct wn_arena *arena, int64_t epoch, bool *waits, struct wn_error *err);
bool close_store_gold_insert(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	int64_t epoch, struct wn_error *err);
/* Which of the items are or were known-answer items, by item id. */
bool close_store_gold(struct db *db, struct wn_arena *arena, const struct close_item *items, size_t count,
	struct gold_row **out, size_t *found, struct wn_error *err);
bool close_store_curators(struct db *db, struct wn_arena *arena, int64_t *count, struct wn_error *err);

struct validator_row {
	struct account_key voter;
	const int64_t *counts; /* tally_cells() */
	int64_t gold_votes, gold_right, carried_points, carried_scored, carried_since;
};
/* Every validator in the campaign's state, by key. */
bool close_store_validators(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	struct validator_row **out, size_t *count, struct wn_error *err);
bool close_store_validators_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	const struct validator_row *rows, size_t count, struct wn_error *err);

/* Which of the voters, by key, had unbonded everything at the end of the epoch; *out: some of their keys, by key. */
bool close_store_unbonded(struct db *db, struct wn_arena *arena, const struct account_key *voters, size_t count,
	int64_t epoch, struct account_key **out, size_t *found, struct wn_error *err);

struct campaign_state {
	int64_t prior[TALLY_CLASSES_MAX], crowd[TALLY_CELLS_MAX];
	int64_t proven;
	int64_t epoch; /* of the last close that went in; -1: none yet */
};
bool close_store_state(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	struct campaign_state *out, struct wn_error *err);
bool close_store_state_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	const struct campaign_state *state, struct wn_error *err);

/* ---- what is settled ---- */

struct verdict_row {
	struct item_id item;
	int32_t class, p_good, votes;
	int64_t margin;
	const int64_t *scores; /* K, or NULL when void */
};
bool close_store_verdicts(struct db *db, struct wn_arena *arena, const struct verdict_row *rows, size_t count,
	int classes, int64_t epoch, int64_t now_ms, struct wn_error *err);
bool close_store_settle(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch,
	int64_t final_ms, struct wn_error *err);
/* The close has counted these items' panel votes: from now on they are no longer fresh. */
bool close_store_counted(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	int64_t epoch, struct wn_error *err);

struct held_bond {
	struct account_key voter;
	struct round_key key;
	struct transfer_id bond;
	int64_t amount;
	bool lost; /* the seat's sealed vote was never opened */
};
/* Bonds of a campaign that end with this close, by voter, item, round; read behind close_store_validators_save(). */
bool close_store_bonds(struct db *db, struct wn_arena *arena, const char *campaign, struct held_bond **out,
	size_t *count, struct wn_error *err);
bool close_store_bonds_end(
	struct db *db, struct wn_arena *arena, const struct held_bond *bonds, size_t count, struct wn_error *err);

struct novelty_row {
	struct item_id item;
	int32_t numerator, denominator;
};
/* By item id; an item without a duplicate check has no row. */
bool close_store_novelty(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct novelty_row **out, size_t *found, struct wn_error *err);
struct audit_row {
	struct account_key voter;
	int64_t votes;
};
bool close_store_audits(struct db *db, struct wn_arena *arena, int64_t epoch, struct audit_row **out, size_t *count,
	struct wn_error *err);

struct pay_row {
	struct transfer_id id; /* the pending transfer */
	struct account_key voter;
	const char *campaign; /* "": the emission's share */
	int64_t points, amount, due_ms;
};
bool close_store_pay(struct db *db, struct wn_arena *arena, const struct pay_row *rows, size_t count, int64_t epoch,
	struct wn_error *err);
struct slash_row {
	struct transfer_id id; /* the transfer into the reserve */
	struct account_key voter;
	const char *campaign;
	int64_t points; /* 0: a sealed vote that was never opened */
};
bool close_store_slashes(struct db *db, struct wn_arena *arena, const struct slash_row *rows, size_t count,
	int64_t epoch, const struct sha256 *evidence, struct wn_error *err);

/* ---- finality ---- */

struct final_row {
	struct item_id item;
	int32_t class;
	bool keeps;
};
/* Settled items whose challenge window is over; locked. `keeps` is filled from the campaign's choices. */
bool close_store_final_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct final_row **out,
	size_t *count, struct wn_error *err);
/* Behind the items that became final by now_ms: grants of which none is left that could be overturned are for good. */
bool close_store_grants_final(struct db *db, struct wn_arena *arena, int64_t now_ms, struct wn_error *err);
/* Pay whose items are final, as the transfers that post it; locked. */
bool close_store_pay_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct transfer **out,
	size_t *count, struct wn_error *err);
bool close_store_pay_posted(
	struct db *db, struct wn_arena *arena, const struct transfer *posts, size_t count, struct wn_error *err);

#endif
