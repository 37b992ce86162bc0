/* Lanes: threads with a blocking database connection each, fed by one bounded queue in which addresses take turns, so
 * that no loop ever waits and nobody waits for all of somebody else's. */
#ifndef WEB_LANE_H
#define WEB_LANE_H

#include <stdatomic.h>

#include "web/peers.h"
#include "web/route.h"

enum {
	LANES_MAX = 256,
	LANE_WORK_BYTES = 32 * 1024 * 1024,  /* for each lane: what all of them may use is as many times this */
	LANE_BATCH_MAX = 64,		     /* requests that one lane answers together (route.h, handle_many) */
	LANE_BATCH_BYTES = 16 * 1024 * 1024, /* what they may use together, beside what each may use alone */
};

/* A job is started or dropped, whoever is first: what was dropped took no effect, and nobody may say so of what was
 * started. */
enum lane_job_state { LANE_JOB_WAITING, LANE_JOB_STARTED, LANE_JOB_DROPPED };

/* One request on its way through a lane. Whoever made it owns it; between push and done() it belongs to the lanes. */
struct lane_job {
	struct peer peer;
	uint64_t turn; /* peers_queue()'s */
	uint64_t serial;
	struct exchange exchange;
	struct wn_arena arena;
	_Atomic int state; /* enum lane_job_state */
	/* Called on the lane's thread when the exchange is finished (or was skipped because it was dropped). */
	void (*done)(struct lane_job *job);
};
/* False when a lane has started it already. Any thread. */
bool lane_job_drop(struct lane_job *job);

struct lanes;

struct lane_counts {
	int lanes, busy, connected;
	size_t queued, queued_max;
};

/* Starts the threads; a database that is away does not keep them from starting. `peers` counts who waits. */
bool lanes_open(struct lanes **out, const struct node *node, struct peers *peers, int count, size_t queue_max,
	struct wn_error *err);
enum lanes_verdict {
	LANES_TAKEN, /* anything else: the job stays the caller's */
	LANES_FULL,
	LANES_SHARE, /* of the job's address */
	LANES_STOPPING,
};
/* Any thread. Nobody is woken: what comes in one turn of a loop is pushed first, so that it is answered together. */
enum lanes_verdict lanes_push(struct lanes *lanes, struct lane_job *job);
/* To be called behind the last push of a turn. */
void lanes_wake(struct lanes *lanes);
void lanes_count(struct lanes *lanes, struct lane_counts *out);
/* Lets every lane finish the job that it has, waits for the threads until `deadline_ms` (monotonic); false when one did
 * not end. */
bool lanes_stop(struct lanes *lanes, int64_t deadline_ms);
/* Only after lanes_stop() returned true, or when no thread was started. Queued jobs are handed to done() as dropped by
 * the stop. */
void lanes_close(struct lanes *lanes);

#endif
