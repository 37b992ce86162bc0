/* The loop of every background role: claim a batch, do it, commit; sleep until NOTIFY or the poll; back off on failure.
 */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include <signal.h>
#include "core/db.h"
#include "core/node.h"

struct worker {
	const struct node *node;
	struct db *db;
	struct wn_arena arena; /* reset before every batch */
	int64_t fence; /* unique, and higher at every new connection of any worker: leases and writes carry it */
};

struct worker_plan {
	const char *name;    /* "tally" */
	const char *role;    /* database role: "winnow_tally" */
	const char *channel; /* NOTIFY channel that wakes it; NULL: poll only */
	int64_t lock_key;    /* not 0: elected by this advisory lock, one process at a time */
	int poll_ms;	     /* longest sleep */
	size_t arena_bytes;  /* ceiling of the batch's arena */
	/* One batch in its own transaction(s). *done = how much was done; 0 lets the loop sleep. */
	bool (*batch)(struct worker *worker, size_t *done, struct wn_error *err);
};

/*
 * Runs until SIGTERM or SIGINT, then ends the batches that run; who cannot wait for them sends SIGKILL. Every plan gets
 * a thread and a connection. A failure is logged once a streak and tried again after growing, jittered pauses (10 ms to
 * 5 s); its transaction is rolled back here. A batch that succeeds leaves no transaction open. Returns the exit status.
 */
int worker_run(const struct node *node, const struct worker_plan *const plans[], int count);

#endif
