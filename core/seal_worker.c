/* A turn of the sequencer, then a checkpoint when something was numbered and the last one is a moment old. */
#include "core/seal_worker.h"

#include "core/clock.h"
#include "core/journal.h"

enum {
	/* Nobody is notified of an append: NOTIFY takes one lock for all commits, and appends are the hot path. An idle
	 * poll reads three rows. */
	SEAL_POLL_MS = 25,
	/* Voters wait for a checkpoint before they reveal. There are never more checkpoints than entries. */
	SEAL_CHECKPOINT_MS = 250,
	SEAL_LOOK_MS = 1000,
	SEAL_ARENA = 16 * 1024 * 1024,
};
#define SEAL_LOCK 0x77696e6e7365616cLL /* "winnseal" */

/* What this process keeps between turns. */
static struct {
	bool numbered;	   /* something since the last checkpoint */
	bool looked;	   /* ever: at looked_ms */
	int64_t looked_ms; /* when a checkpoint was last tried */
} seal;

/* Now and then without cause too: another process may have numbered entries and died before it signed. */
static bool seal_due(int64_t monotonic_ms)
{
	if (!seal.looked)
		return true;
	return monotonic_ms - seal.looked_ms >= (seal.numbered ? SEAL_CHECKPOINT_MS : SEAL_LOOK_MS);
}

static bool seal_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	int64_t now_ms, monotonic_ms;
	bool written;
	*done = 0;
	if (!worker->node->has_checkpoint_key)
		return wn_fail(err, WN_DOWN, "checkpoint_key",
			"this node has no checkpoint key: put keys/checkpoint.key in place");
	if (!journal_sequence(worker->db, &worker->arena, done, err))
		return false;
	seal.numbered = seal.numbered || *done > 0;
	monotonic_ms = clock_monotonic_ms();
	if (!seal_due(monotonic_ms))
		return true;
	if (!clock_now(worker->db, &now_ms, err) ||
		!journal_checkpoint(worker->db, &worker->arena, &worker->node->network, &worker->node->checkpoint_key,
			now_ms, &written, err))
		return false;
	seal.looked = true;
	seal.looked_ms = monotonic_ms;
	seal.numbered = false;
	return true;
}

static const struct worker_plan plan = {
	.name = "seal",
	.role = "winnow_seal",
	.lock_key = SEAL_LOCK,
	.poll_ms = SEAL_POLL_MS,
	.arena_bytes = SEAL_ARENA,
	.batch = seal_worker_batch,
};
const struct worker_plan *const seal_plan = &plan;
