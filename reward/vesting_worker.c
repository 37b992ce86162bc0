/* Every second: vested rewards become free, once an owner and epoch, and so does stake whose unbonding is over. */
#include "reward/vesting_worker.h"

#include "core/clock.h"
#include "core/journal.h"
#include "reward/ledger_store.h"
#include "reward/vesting_store.h"

enum {
	VESTING_POLL_MS = 1000,
	VESTING_OWNERS_MOST = 200, /* one may have a grant for each hour of a month */
	UNBONDING_ROWS_MOST = 500,
	VESTING_ARENA_BYTES = 64 << 20,
};
#define VESTING_LOCK 7309453623

static bool vesting_entry(
	struct worker *worker, const struct vesting_moves *moves, int64_t now_ms, struct wn_error *err)
{
	struct wn_slice body;
	if (moves->count == 0)
		return true;
	return ledger_entry(&worker->arena, moves->transfers, moves->count, now_ms, &body, err) &&
	       journal_append(worker->db, &worker->arena, body, NULL, err);
}

static bool vesting_rewards(struct worker *worker, int64_t now_ms, size_t *done, struct wn_error *err)
{
	struct vesting_moves moves;
	int64_t epoch;
	bool begun;
	if (!db_begin(worker->db, err) || !vesting_store_epoch(worker->db, &worker->arena, &epoch, &begun, err))
		return false;
	if (!begun) {
		db_rollback(worker->db);
		return true;
	}
	if (!vesting_release_due(worker->db, &worker->arena, epoch, now_ms, VESTING_OWNERS_MOST, done, &moves, err) ||
		!vesting_entry(worker, &moves, now_ms, err))
		return wn_while(err, "release vested rewards");
	return db_commit(worker->db, err);
}

static bool vesting_unbonding(struct worker *worker, int64_t now_ms, size_t *done, struct wn_error *err)
{
	struct vesting_moves moves;
	if (!db_begin(worker->db, err))
		return false;
	if (!unbonding_release_due(worker->db, &worker->arena, now_ms, UNBONDING_ROWS_MOST, done, &moves, err) ||
		!vesting_entry(worker, &moves, now_ms, err))
		return wn_while(err, "free unbonded stake");
	return db_commit(worker->db, err);
}

static bool vesting_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	size_t owners = 0, rows = 0;
	int64_t now_ms;
	if (!clock_now(worker->db, &now_ms, err) || !vesting_rewards(worker, now_ms, &owners, err) ||
		!vesting_unbonding(worker, now_ms, &rows, err))
		return false;
	*done = owners + rows;
	return true;
}

static const struct worker_plan vesting_worker = {
	.name = "vesting",
	.role = "winnow_reward",
	.lock_key = VESTING_LOCK,
	.poll_ms = VESTING_POLL_MS,
	.arena_bytes = VESTING_ARENA_BYTES,
	.batch = vesting_batch,
};
const struct worker_plan *const vesting_plan = &vesting_worker;
