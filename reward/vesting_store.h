/* Grants that vest and stake that unbonds, in the database: added, then released step by step. Callers hold the
 * transaction. */
#ifndef REWARD_VESTING_STORE_H
#define REWARD_VESTING_STORE_H

#include "core/db.h"
#include "reward/ledger.h"

/* Transfers that a call posted, in the arena: for the journal. */
struct vesting_moves {
	struct transfer *transfers;
	size_t count;
};

struct vesting_grant {
	struct transfer_id id; /* the posted transfer that minted it into its owner's vesting account */
	uint8_t owner[32];
	int64_t amount, start_ms,
		period_ms; /* amount > 0; what vests at once belongs into the free account: vesting_kind() */
	bool revocable;	   /* an item behind it can still be overturned, */
	int64_t final_ms;  /* at least until then */
};
/* Behind the postings of the transaction. A grant that is there already stays as it is. */
bool vesting_grant_add(
	struct db *db, struct wn_arena *arena, const struct vesting_grant *grants, size_t count, struct wn_error *err);

/*
 * Moves what vested by now_ms from vesting to free, for at most `most` owners that had no release in the open epoch
 * `epoch` yet: one transfer an owner and epoch at most; what is granted behind it waits for the next epoch. *owners
 * tells how many were looked at; 0: nothing is left to do in this epoch.
 */
bool vesting_release_due(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, int most, size_t *owners,
	struct vesting_moves *moves, struct wn_error *err);
/*
 * Takes what was not released yet of revocable grants back to the mint (cause "overturned"; `subject` says what was)
 * and ends them; grants that are wholly released, ended or not revocable are passed over. Before the other postings of
 * the transaction. For challenges that overturn a verdict; nothing calls it yet.
 */
bool vesting_revoke(struct db *db, struct wn_arena *arena, const struct transfer_id *grants, size_t grant_count,
	const uint8_t subject[32], int64_t epoch, int64_t now_ms, struct vesting_moves *moves, struct wn_error *err);

/* Stake that left by transfer `id` (stake -> unbonding) and becomes free at due_ms. */
bool unbonding_add(struct db *db, struct wn_arena *arena, const struct transfer_id *id, const uint8_t owner[32],
	int64_t amount, int64_t due_ms, struct wn_error *err);
/*
 * Whose stake moves holds off the end of the epoch until its transaction ends: before its posting. Behind it, who took
 * out (out: true) all that stands behind no seat is noted, and who deposits is not any more; a close settles the scores
 * that they carry (vote/panel.h).
 */
bool unbonded_share(struct db *db, struct wn_arena *arena, struct wn_error *err);
bool unbonded_note(struct db *db, struct wn_arena *arena, const uint8_t owner[32], bool out, struct wn_error *err);
/* Moves what is due from unbonding to free, at most `most` rows, less what was slashed meanwhile. *rows as *owners
 * above. */
bool unbonding_release_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, size_t *rows,
	struct vesting_moves *moves, struct wn_error *err);

#endif
