/* What every account was ever paid as reward, kept beside the ledger, and the claims root of an epoch's close. */
#ifndef REWARD_CLAIMS_STORE_H
#define REWARD_CLAIMS_STORE_H

#include "core/db.h"
#include "reward/claims.h"
#include "reward/ledger.h"

/*
 * ledger_store_post() keeps claims_total: a transfer counts for the owner of its credit account, by what is posted,
 * when its cause starts with "reward/" and it reaches a free account. A vesting grant counts step by step as it is
 * released (cause "reward/vested"): what can still be revoked is never claimable, and a cumulative amount never falls.
 */
bool claims_counts(const struct transfer *transfer);

/*
 * Waits for running transactions that pay rewards and holds new ones off until this transaction ends, so that the root
 * counts exactly the postings whose journal entries precede the close's. A close calls it before its first posting;
 * claims_store_root() calls it too, where it may meet a deadlock (WN_BUSY) with a payer that waits for an account that
 * the close has locked.
 */
bool claims_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err);
/* Publishes every account's cumulative amount as of this transaction and gives the root over them; one pass, constant
 * memory. */
bool claims_store_root(struct db *db, struct wn_arena *arena, struct sha256 *root, struct wn_error *err);
/* The published claim of an account and its proof against the root of the last close; *found = false without one. */
bool claims_store_proof(struct db *db, struct wn_arena *arena, const struct account_key *account, struct claim *claim,
	uint64_t *index, uint64_t *size, struct tree_proof *proof, bool *found, struct wn_error *err);
struct claims_latest {
	int64_t epoch;
	struct sha256 root, entry_leaf; /* entry_leaf: of the journal's entry that tells the root */
};
/* The last closed epoch; *found = false before the first close. */
bool claims_store_latest(
	struct db *db, struct wn_arena *arena, struct claims_latest *out, bool *found, struct wn_error *err);

#endif
