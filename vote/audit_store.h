/* Pages of the tables that an audit compares. Callers hold the transaction. */
#ifndef VOTE_AUDIT_STORE_H
#define VOTE_AUDIT_STORE_H

#include "core/db.h"
#include "vote/replay.h"

enum { AUDIT_PAGE = 1000 };

/* One snapshot for all that follows, and nothing can be changed in it; right behind db_begin(). */
bool audit_store_snapshot(struct db *db, struct wn_error *err);

struct audit_entry {
	int64_t entry_id;
	struct wn_slice body;
};
/* Entries in the order of their ids, numbered or not; slices lie in the arena. */
bool audit_store_entries(struct db *db, struct wn_arena *arena, int64_t after, struct audit_entry **out, size_t *count,
	struct wn_error *err);

struct audit_balance {
	int64_t account_id;
	struct ledger_ref ref;
	struct ledger_balance balance;
};
bool audit_store_balances(struct db *db, struct wn_arena *arena, int64_t after, struct audit_balance **out,
	size_t *count, struct wn_error *err);

struct audit_claim {
	struct account_key account;
	int64_t cumulative;
};
bool audit_store_claims(struct db *db, struct wn_arena *arena, const struct account_key *after,
	struct audit_claim **out, size_t *count, struct wn_error *err);

struct audit_grant {
	struct transfer_id id;
	struct account_key owner;
	struct replay_granted grant;
};
/* That still vest. */
bool audit_store_grants(struct db *db, struct wn_arena *arena, const struct transfer_id *after,
	struct audit_grant **out, size_t *count, struct wn_error *err);

struct audit_validator {
	const char *campaign;
	struct account_key voter;
	int64_t *counts;
	size_t cells;
	int64_t gold_votes, gold_right, carried_points, carried_scored, carried_since;
};
bool audit_store_validators(struct db *db, struct wn_arena *arena, const char *campaign,
	const struct account_key *voter, struct audit_validator **out, size_t *count, struct wn_error *err);

/* What the table has for each of the verdicts, in their order; found[i] is false where there is no row. */
bool audit_store_verdicts(struct db *db, struct wn_arena *arena, const struct replay_verdict *verdicts, size_t count,
	struct replay_verdict *out, bool *found, struct wn_error *err);
bool audit_store_verdict_count(
	struct db *db, struct wn_arena *arena, int64_t epoch, int64_t *out, struct wn_error *err);
/* States of items, in their order; -1: no row. */
bool audit_store_states(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int32_t *out,
	struct wn_error *err);

struct audit_evidence {
	bool found;
	struct account_key voter;
	struct wn_slice base, body; /* in the arena */
	struct wn_slice signature;
};
/* By the hash of the signature's base, in the order of `ballots`. */
bool audit_store_ballots(struct db *db, struct wn_arena *arena, const struct replay_ballot *ballots, size_t count,
	struct audit_evidence *out, struct wn_error *err);

/* How many votes there are, sealed and opened; how many of them have no seat or no ballot of their voter, and the item
 * of one of those. */
bool audit_store_votes(struct db *db, struct wn_arena *arena, int64_t *votes, int64_t *alone, const char **item,
	struct wn_error *err);

/* *found: the epoch is closed and the next one is there. */
bool audit_store_epoch(struct db *db, struct wn_arena *arena, int64_t epoch, struct replay_epoch_close *out,
	bool *found, struct wn_error *err);

#endif
