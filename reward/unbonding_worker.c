/* Every second: stake whose unbonding is over becomes free. */
#include "reward/unbonding_worker.h"

#include "core/clock.h"
#include "reward/vesting_release.h"
#include "reward/vesting_store.h"

enum { UNBONDING_POLL_MS = 1000, UNBONDING_ROWS_MOST = 500, UNBONDING_ARENA_BYTES = 64 << 20 };
#define UNBONDING_LOCK 7309453623

static bool unbonding_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	struct vesting_moves moves;
	int64_t now_ms;
	if (!clock_now(worker->db, &now_ms, err) || !db_begin(worker->db, err))
		return false;
	if (!unbonding_release_due(worker->db, &worker->arena, now_ms, UNBONDING_ROWS_MOST, done, &moves, err) ||
		!vesting_entry(worker->db, &worker->arena, &moves, now_ms, err))
		return wn_while(err, "free unbonded stake");
	return db_commit(worker->db, err);
}

static const struct worker_plan unbonding_worker = {
	.name = "unbonding",
	.role = "winnow_reward",
	.lock_key = UNBONDING_LOCK,
	.poll_ms = UNBONDING_POLL_MS,
	.arena_bytes = UNBONDING_ARENA_BYTES,
	.batch = unbonding_batch,
};
const struct worker_plan *const unbonding_plan = &unbonding_worker;
