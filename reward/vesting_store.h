/* Grants that vest and stake that unbonds, in the database: added by closes and requests, released step by step.
 * Callers hold the transaction. */
#ifndef REWARD_VESTING_STORE_H
#define REWARD_VESTING_STORE_H

#include "core/db.h"
#include "reward/ledger.h"

struct vesting_grant {
	struct transfer_id id; /* the transfer that minted it into its owner's vesting account */
	uint8_t owner[32];
	int64_t amount, start_ms, period_ms;
	int64_t epoch;	/* open when it was granted; its first step comes in a later one */
	bool revocable; /* an item behind it can still be overturned */
};
/* A grant that is there already stays as it is. */
bool vesting_grant_add(
	struct db *db, struct wn_arena *arena, const struct vesting_grant *grants, size_t count, struct wn_error *err);

/*
 * Moves what vested by now_ms from vesting to free, for at most `most` owners that had no step in `epoch` yet; one
 * transfer an owner and epoch. *owners tells how many were looked at (0: nothing left to do), the transfers that were
 * posted lie in the arena for the journal.
 */
bool vesting_release_due(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, int most, size_t *owners,
	struct transfer **transfers, size_t *count, struct wn_error *err);
/* Takes what has not been released of revocable grants back to the mint (cause "overturned", `subject` tells what).
 * Ended ones are passed over. */
bool vesting_revoke(struct db *db, struct wn_arena *arena, const struct transfer_id *grants, size_t grant_count,
	const uint8_t subject[32], int64_t epoch, int64_t now_ms, struct transfer **transfers, size_t *count,
	struct wn_error *err);

/* Stake that left by transfer `id` (stake -> unbonding) and becomes free at due_ms. */
bool unbonding_add(struct db *db, struct wn_arena *arena, const struct transfer_id *id, const uint8_t owner[32],
	int64_t amount, int64_t due_ms, struct wn_error *err);
/* Moves what is due from unbonding to free, at most `most` rows, less what was slashed meanwhile. */
bool unbonding_release_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, size_t *rows,
	struct transfer **transfers, size_t *count, struct wn_error *err);
/* The epoch that is open; false in *found before the first one begins. */
bool vesting_store_epoch(struct db *db, struct wn_arena *arena, int64_t *epoch, bool *found, struct wn_error *err);

#endif
