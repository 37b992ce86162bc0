/* One transaction a step: moves, then their entry. */
#include "reward/vesting_release.h"

#include "core/journal.h"
#include "reward/ledger_store.h"
#include "reward/vesting_store.h"

bool vesting_entry(
	struct db *db, struct wn_arena *arena, const struct vesting_moves *moves, int64_t now_ms, struct wn_error *err)
{
	struct wn_slice body;
	if (moves->count == 0)
		return true;
	return ledger_entry(arena, moves->transfers, moves->count, now_ms, &body, err) &&
	       journal_append(db, arena, body, NULL, err);
}

bool vesting_step(
	struct db *db, struct wn_arena *arena, int64_t epoch, int64_t at_ms, size_t *owners, struct wn_error *err)
{
	struct vesting_moves moves;
	if (!db_begin(db, err) ||
		!vesting_release_due(db, arena, epoch, at_ms, VESTING_STEP_OWNERS_MOST, owners, &moves, err) ||
		!vesting_entry(db, arena, &moves, at_ms, err))
		return wn_while(err, "release vested rewards");
	return db_commit(db, err);
}
