/* What web/ itself reads and writes in the database: stored answers, the clock, counts for operators. */
#ifndef WEB_WEB_STORE_H
#define WEB_WEB_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "core/states.h"

enum { WEB_ROUNDS_OPEN = ROUND_REVEAL + 1 }; /* the states of a round that still takes votes */

struct stored_answer {
	struct sha256 fingerprint;
	int status;
	struct wn_slice body; /* in the arena */
};
bool web_store_answer_find(struct db *db, struct wn_arena *arena, const struct account_key *key,
	struct wn_slice idempotency, struct stored_answer *out, bool *found, struct wn_error *err);
/* *stored is false when another request with the same key was first. */
bool web_store_answer_insert(struct db *db, struct wn_arena *arena, const struct account_key *key,
	struct wn_slice idempotency, const struct stored_answer *answer, int64_t now_ms, bool *stored,
	struct wn_error *err);

/* Whether the node signed a checkpoint of this size with this root. */
bool web_store_checkpoint_known(struct db *db, struct wn_arena *arena, int64_t size, const struct sha256 *root,
	bool *known, struct wn_error *err);

/* Inside a transaction: locks the clock's row and reads it; then moves it, which only ever goes forward. */
bool web_store_clock_lock(struct db *db, struct wn_arena *arena, bool *manual, int64_t *clock_ms, struct wn_error *err);
bool web_store_clock_set(struct db *db, struct wn_arena *arena, int64_t clock_ms, bool *moved, struct wn_error *err);

/* Items by state; `whole` false counts only those on their way, which stays cheap however many are done. */
bool web_store_items(
	struct db *db, struct wn_arena *arena, bool whole, int64_t counts[ITEM_STATES], struct wn_error *err);

struct web_work {
	int64_t rounds[WEB_ROUNDS_OPEN]; /* commit, reveal */
	int64_t seats[SEAT_STATES];	 /* of those rounds: leased, committed, revealed, skipped, lapsed */
	bool has_epoch;
	int64_t epoch, epoch_opened_ms, epoch_unclosed; /* the newest; the oldest that is not closed */
	int32_t epoch_state;
};
bool web_store_work(struct db *db, struct wn_arena *arena, struct web_work *out, struct wn_error *err);

struct web_journal {
	int64_t size;	     /* numbered entries */
	int64_t unsequenced; /* committed, waiting for a number */
	int64_t checkpoint_size, checkpoint_ms;
};
bool web_store_journal(struct db *db, struct wn_arena *arena, struct web_journal *out, struct wn_error *err);
/* How many bytes the entries from `position` on have, at most `max` of them. */
bool web_store_journal_sizes(struct db *db, struct wn_arena *arena, int64_t position, int64_t max, int64_t **sizes,
	size_t *count, struct wn_error *err);
/* How many sessions the server gives to ordinary roles. */
bool web_store_sessions(struct db *db, struct wn_arena *arena, int64_t *sessions, struct wn_error *err);

#endif
