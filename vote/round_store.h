/* Rounds and seats in the database: opened, taken, left, closed, tallied. Callers hold the transaction. */
#ifndef VOTE_ROUND_STORE_H
#define VOTE_ROUND_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "core/states.h"
#include "vote/commitment.h"
#include "vote/round_key.h"
#include "vote/tally.h"

/* Adds the two columns that name rounds to a statement's parameters; the keys lie `stride` bytes apart. */
bool round_keys_arg(
	struct db_args *args, const struct round_key *first, size_t stride, size_t count, struct wn_error *err);

/* A round to be opened. */
struct round_opening {
	struct round_key key;
	const char *campaign;
	enum round_kind kind;
	int32_t seats;
	int64_t opened_ms, commit_until_ms;
};
bool round_store_open(struct db *db, struct wn_arena *arena, const struct round_opening *openings, size_t count,
	struct wn_error *err);

struct item_waiting {
	struct item_id item;
	const char *campaign;
};
/* Items whose duplicate check is done, oldest first; their rows are locked, rows that others hold are passed over. */
bool round_store_waiting(struct db *db, struct wn_arena *arena, int most, struct item_waiting **out, size_t *count,
	struct wn_error *err);
/* Moves the items that are in `from` to `to`; others, such as erased ones, stay where they are. */
bool round_store_item_states(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	enum item_state from, enum item_state to, struct wn_error *err);

/* A free seat as it is offered. */
struct seat_offer {
	struct round_key key;
	enum round_kind kind;
	int32_t seats, taken;
	int64_t commit_until_ms;
	struct account_key contributor;
	struct wn_slice content;
	int32_t item_kind;
	bool sat; /* this voter was served this item before */
};
/* Until the transaction ends, no other request of this voter takes seats; first of all its locks. */
bool seat_store_exclude(struct db *db, struct wn_arena *arena, const struct account_key *voter, struct wn_error *err);
/* Rounds in commit of the named items, locked, by item id. */
bool seat_store_pick(struct db *db, struct wn_arena *arena, const char *campaign, const struct item_id *items,
	size_t count, const struct account_key *voter, struct seat_offer **out, size_t *found, struct wn_error *err);
/* Rounds with a free seat for this voter, locked, in the order that the voter's key gives. */
bool seat_store_assign(struct db *db, struct wn_arena *arena, const char *campaign, const struct account_key *voter,
	int most, int64_t now_ms, bool audits, struct seat_offer **out, size_t *found, struct wn_error *err);
/* A lease ends with its round's commit phase at the latest. bonds[i] is the pending transfer's id, 32 bytes; a NULL
 * array: none. */
bool seat_store_take(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	const struct account_key *voter, int64_t lease_until_ms, const uint8_t (*bonds)[32], struct wn_error *err);

struct seat_left {
	struct round_key key;
	struct account_key voter;
	bool has_bond;
	uint8_t bond[32];
};
/* *left is false when the voter holds no leased seat on the item. */
bool seat_store_skip(struct db *db, struct wn_arena *arena, const struct item_id *item, const struct account_key *voter,
	struct seat_left *out, bool *left, struct wn_error *err);
/* Of the voter's tasks whose time ended behind `since_ms` or runs: those skipped or let lapse, and all. */
bool seat_store_skips(struct db *db, struct wn_arena *arena, const struct account_key *voter, const char *campaign,
	int64_t since_ms, int64_t *skipped, int64_t *all, struct wn_error *err);
/* Leased seats whose time is over lapse and their places become free again. */
bool seat_store_lapse(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct seat_left **out,
	size_t *count, struct wn_error *err);
/* Seats still leased when their round closes. */
bool seat_store_abandon(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	struct seat_left **out, size_t *left, struct wn_error *err);

struct seat_mine {
	struct round_key key;
	enum seat_state state;
	enum round_state round_state;
	int64_t lease_until_ms, commit_until_ms, reveal_until_ms; /* reveal_until_ms 0: not closed yet */
	bool closed;
	struct sha256 commitments_root, closed_leaf;
	struct wn_slice content;
	const char *campaign;
	int32_t item_kind;
	int64_t sequence; /* of the last commit; 0: none */
};
bool seat_store_mine(struct db *db, struct wn_arena *arena, const struct account_key *voter,
	const struct item_id *after, int most, struct seat_mine **out, size_t *count, struct wn_error *err);

/* What waits for the tally. Deadlines count up to late_ms: now, or the end of the open epoch when that is earlier. */
struct round_work {
	int64_t late_ms;
	bool items, seats, commits, reveals;
	int64_t turn_ms; /* when the tally last noted that it looks; 0: never */
};
bool round_store_work(struct db *db, struct wn_arena *arena, int64_t now_ms, int64_t epoch_ms, struct round_work *out,
	struct wn_error *err);

/* A round that is due to close its commit or reveal phase; locked. */
struct round_due {
	struct round_key key;
	const char *campaign;
	enum round_kind kind;
	int32_t committed, revealed, seats;
	int64_t opened_ms;
};
/* Full rounds first; only when there are none, those whose time was over at late_ms. */
bool round_store_commit_due(struct db *db, struct wn_arena *arena, int64_t late_ms, int most, struct round_due **out,
	size_t *count, struct wn_error *err);
bool round_store_reveal_due(struct db *db, struct wn_arena *arena, int64_t late_ms, int most, struct round_due **out,
	size_t *count, struct wn_error *err);

/* Notes that the tally looks, unless somebody else did since it was last_ms; then *noted is false and nothing changes.
 */
bool round_store_turn_set(
	struct db *db, struct wn_arena *arena, int64_t turn_ms, int64_t last_ms, bool *noted, struct wn_error *err);
/* Moves every deadline of open panels and their leases by `by_ms`. */
bool round_store_deadlines_move(
	struct db *db, struct wn_arena *arena, int64_t by_ms, int64_t *rounds, int64_t *seats, struct wn_error *err);

struct commitment_row {
	struct round_key key;
	struct account_key voter;
	struct sha256 commitment;
};
/* The commitment that counts of every seat, sorted by item, round, voter. */
bool round_store_commitments(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	struct commitment_row **out, size_t *found, struct wn_error *err);
bool round_store_close_commit(struct db *db, struct wn_arena *arena, const struct round_key *keys,
	const int64_t *reveal_until_ms, const struct sha256 *roots, size_t count, const struct sha256 *leaf,
	struct wn_error *err);
bool round_store_void(
	struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count, struct wn_error *err);

struct round_past {
	struct round_key key;
	enum round_kind kind;
	enum round_state state;
};
bool round_store_history(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct round_past **out, size_t *found, struct wn_error *err);

struct vote_row {
	struct round_key key;
	struct account_key voter;
	int32_t choice;
	struct salt salt;
	enum round_kind kind;
	bool fresh; /* no close has counted it yet */
	enum round_state round_state;
};
/* The vote as a leaf of a root over opened votes: its salt stands for it. */
void vote_row_leaf(const struct vote_row *vote, struct commitment_leaf *out);
/* Revealed votes of the items, sorted by item, round, voter. */
bool round_store_votes(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct vote_row **out, size_t *found, struct wn_error *err);
bool round_store_tallied(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	int64_t epoch, struct wn_error *err);
/* What an online tally showed; class -1: void, without scores. */
struct provisional_row {
	struct round_key key;
	int32_t class, classes;
	int64_t margin;
	int64_t scores[TALLY_CLASSES_MAX];
};
bool round_store_provisional(struct db *db, struct wn_arena *arena, const struct provisional_row *rows, size_t count,
	int64_t epoch, struct wn_error *err);
bool round_store_epoch_votes(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t votes, struct wn_error *err);
bool round_store_gold_class(struct db *db, struct wn_arena *arena, const struct item_id *items, const int32_t *classes,
	size_t count, struct wn_error *err);

struct round_row {
	bool found;
	enum round_state state;
	const char *campaign;
	int32_t seats, taken, committed, revealed;
	int64_t commit_until_ms, reveal_until_ms;
	bool closed, small; /* small: fewer sealed votes than seats */
	struct sha256 commitments_root, closed_leaf;
	enum item_state item_state;
};
bool round_store_get(struct db *db, struct wn_arena *arena, const struct round_key *key, struct round_row *out,
	struct wn_error *err);

#endif
