/* The loop of every background role: claim a batch, do it, commit; sleep until NOTIFY or the poll; back off on failure. */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include <signal.h>
#include "core/db.h"
#include "core/node.h"

struct worker {
	const struct node *node;
	struct db *db;
	struct wn_arena arena; /* reset before every batch */
	int64_t fence;         /* this process's fencing number: unique, rising; leases and writes carry it */
};

struct worker_plan {
	const char *name;      /* "tally" */
	const char *role;      /* database role: "winnow_tally" */
	const char *channel;   /* NOTIFY channel that wakes it; NULL: poll only */
	int64_t lock_key;      /* not 0: elected by this advisory lock, one process at a time */
	int poll_ms;           /* longest sleep */
	size_t arena_bytes;
	/* One batch in its own transaction(s). *done = how much was done; 0 lets the loop sleep. */
	bool (*batch)(struct worker *worker, size_t *done, struct wn_error *err);
};

/* Runs until *stop is set or SIGTERM; failures are logged once and retried with growing, jittered pauses (10 ms to 5 s).
 * Several plans in one process each get a thread. Returns the exit status. */
int worker_run(const struct node *node, const struct worker_plan *const plans[], int count);

#endif
