/* The queue and the threads behind it; connections that are lost come back with growing, jittered pauses. */
#include "web/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/sign.h"
#include "web/exchange.h"

enum { LANE_PAUSE_LEAST_MS = 50, LANE_PAUSE_MOST_MS = 2000, LANE_STACK_BYTES = 1024 * 1024 };

/*
 * A statement that outlives the request's deadline (15 s) holds locks for an answer that nobody waits for. Waiting for
 * a lock ends a little earlier, so that it is told as "busy" and not as a failure.
 */
static const char lane_settings[] =
	"SET statement_timeout = '15s'; SET lock_timeout = '12s'; SET idle_in_transaction_session_timeout = '30s'";

struct lane {
	struct lanes *lanes;
	pthread_t thread;
	bool started;
	struct db *db;	/* NULL until the first connection */
	bool connected; /* as counted in lanes->connected */
	unsigned losses_seen;
	int64_t retry_at_ms;
	int pause_ms;
};

struct lanes {
	const struct node *node;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct peers *peers;
	struct lane_job *
		*heap; /* the job whose turn is next stands first, each before its children 2i + 1 and 2i + 2 */
	size_t queued, queued_max;
	uint64_t serial;
	size_t working_bytes, working_max; /* ceilings of the jobs that lanes work on */
	int busy, connected, count;
	unsigned losses; /* connections found broken: the others look at theirs before they use them again */
	bool stopping;
	struct lane lanes[LANES_MAX];
};

static void lane_connected(struct lane *lane, bool connected)
{
	struct lanes *lanes = lane->lanes;
	if (lane->connected == connected)
		return;
	pthread_mutex_lock(&lanes->mutex);
	lane->connected = connected;
	lanes->connected += connected ? 1 : -1;
	if (!connected)
		lanes->losses++;
	/* Who may take jobs depends on who is connected. */
	pthread_cond_broadcast(&lanes->wake);
	pthread_mutex_unlock(&lanes->mutex);
}

static void lane_pause(struct lane *lane)
{
	uint32_t random;
	random_bytes(&random, sizeof random);
	/* Half to one and a half of the pause: a hundred lanes must not come back in one instant. */
	lane->retry_at_ms = clock_monotonic_ms() + lane->pause_ms / 2 + (int)(random % (unsigned)lane->pause_ms);
	lane->pause_ms = lane->pause_ms * 2 > LANE_PAUSE_MOST_MS ? LANE_PAUSE_MOST_MS : lane->pause_ms * 2;
}

static void lane_connect(struct lane *lane)
{
	struct wn_error err;
	bool first = lane->pause_ms == LANE_PAUSE_LEAST_MS;
	bool done = lane->db ? db_reconnect(lane->db, &err)
			     : node_connect(lane->lanes->node, "winnow_serve", &lane->db, &err);
	if (done)
		done = db_command(lane->db, lane_settings, &err);
	if (!done) {
		if (first)
			log_failure("lane_waits_for_database", &err);
		lane_pause(lane);
		return;
	}
	lane->pause_ms = LANE_PAUSE_LEAST_MS;
	lane->retry_at_ms = 0;
	lane_connected(lane, true);
}

/* Sees to it that the connection works, if that can be had without waiting out a pause. */
static void lane_refresh(struct lane *lane, unsigned losses)
{
	if (lane->connected && lane->losses_seen != losses) {
		struct wn_error err;
		/* Another lane lost its server: this one's connection is looked at before a request pays for it. */
		if (!db_command(lane->db, "SELECT 1", &err))
			lane_connected(lane, false);
	}
	lane->losses_seen = losses;
	if (!lane->connected && clock_monotonic_ms() >= lane->retry_at_ms)
		lane_connect(lane);
}

static void lane_wait(struct lane *lane)
{
	struct lanes *lanes = lane->lanes;
	if (lane->connected) {
		pthread_cond_wait(&lanes->wake, &lanes->mutex);
		return;
	}
	int64_t wait_ms = lane->retry_at_ms - clock_monotonic_ms();
	if (wait_ms <= 0)
		return;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&lanes->wake, &lanes->mutex, &until);
}

bool lane_job_drop(struct lane_job *job)
{
	int waiting = LANE_JOB_WAITING;
	return atomic_compare_exchange_strong(&job->state, &waiting, LANE_JOB_DROPPED);
}

/* ---- the queue ---- */

static bool job_is_before(const struct lane_job *a, const struct lane_job *b)
{
	return a->turn != b->turn ? a->turn < b->turn : a->serial < b->serial;
}

static void lanes_put(struct lanes *lanes, struct lane_job *job)
{
	size_t at = lanes->queued++;
	for (; at > 0 && job_is_before(job, lanes->heap[(at - 1) / 2]); at = (at - 1) / 2)
		lanes->heap[at] = lanes->heap[(at - 1) / 2];
	lanes->heap[at] = job;
}

static struct lane_job *lanes_pop(struct lanes *lanes)
{
	if (lanes->queued == 0)
		return NULL;
	struct lane_job *job = lanes->heap[0], *moved = lanes->heap[--lanes->queued];
	size_t at = 0, child = 1;
	while (child < lanes->queued) {
		if (child + 1 < lanes->queued && job_is_before(lanes->heap[child + 1], lanes->heap[child]))
			child++;
		if (!job_is_before(lanes->heap[child], moved))
			break;
		lanes->heap[at] = lanes->heap[child];
		at = child;
		child = 2 * at + 1;
	}
	lanes->heap[at] = moved;
	peers_unqueue(lanes->peers, &job->peer, job->turn);
	return job;
}

/* A job is begun only when all that it may use fits beside what the others may use. */
static bool lanes_have_room(const struct lanes *lanes)
{
	return lanes->queued > 0 &&
	       (lanes->busy == 0 || lanes->working_bytes + lanes->heap[0]->arena.ceiling_bytes <= lanes->working_max);
}

static void lanes_wake(struct lanes *lanes)
{
	/* A lane without connection may wake up and decline, so then everybody is asked. */
	if (lanes->connected == lanes->count)
		pthread_cond_signal(&lanes->wake);
	else
		pthread_cond_broadcast(&lanes->wake);
}

/* ---- a lane ---- */

static void lane_work(struct lane *lane, struct lane_job *job)
{
	int waiting = LANE_JOB_WAITING;
	if (atomic_compare_exchange_strong(&job->state, &waiting, LANE_JOB_STARTED)) {
		job->exchange.db = lane->db;
		exchange_run(&job->exchange);
		job->exchange.db = NULL;
	}
	job->done(job);
	if (lane->connected && !db_connected(lane->db))
		lane_connected(lane, false);
}

static void *lane_run(void *context)
{
	struct lane *lane = context;
	struct lanes *lanes = lane->lanes;
	pthread_mutex_lock(&lanes->mutex);
	while (!lanes->stopping) {
		bool stale = !lane->connected && clock_monotonic_ms() >= lane->retry_at_ms;
		/* While some lanes are connected the others leave the requests to them. */
		bool may_take = lanes_have_room(lanes) && (lane->connected || lanes->connected == 0);
		if (!stale && !may_take) {
			lane_wait(lane);
			continue;
		}
		struct lane_job *job = stale ? NULL : lanes_pop(lanes);
		unsigned losses = lanes->losses;
		/* Read before the job is done: then it belongs to its loop again. */
		size_t room_bytes = job ? job->arena.ceiling_bytes : 0;
		lanes->busy += job != NULL;
		lanes->working_bytes += room_bytes;
		pthread_mutex_unlock(&lanes->mutex);
		lane_refresh(lane, losses);
		if (job)
			lane_work(lane, job);
		pthread_mutex_lock(&lanes->mutex);
		lanes->busy -= job != NULL;
		lanes->working_bytes -= room_bytes;
		/* Somebody may have waited for the room, and was woken when there was none. */
		if (room_bytes > 0 && lanes->queued > 0 && lanes->busy + 1 < lanes->count)
			lanes_wake(lanes);
	}
	pthread_mutex_unlock(&lanes->mutex);
	db_close(lane->db);
	lane->db = NULL;
	return NULL;
}

bool lanes_open(struct lanes **out, const struct node *node, struct peers *peers, int count, size_t queue_max,
	struct wn_error *err)
{
	wn_assert(count >= 1 && count <= LANES_MAX);
	struct lanes *lanes = calloc(1, sizeof *lanes);
	struct lane_job **heap = calloc(queue_max + PEERS_UNIX_MAX, sizeof *heap);
	if (!lanes || !heap) {
		free(lanes);
		free(heap);
		return wn_fail(err, WN_FULL, "memory", "no memory for lanes");
	}
	pthread_condattr_t clock;
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&lanes->wake, &clock);
	pthread_condattr_destroy(&clock);
	pthread_mutex_init(&lanes->mutex, NULL);
	lanes->node = node;
	lanes->peers = peers;
	lanes->heap = heap;
	lanes->queued_max = queue_max;
	lanes->working_max = (size_t)count * LANE_WORK_BYTES;
	lanes->count = count;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, LANE_STACK_BYTES);
	int failed = 0;
	for (int i = 0; i < count && !failed; i++) {
		struct lane *lane = &lanes->lanes[i];
		lane->lanes = lanes;
		lane->pause_ms = LANE_PAUSE_LEAST_MS;
		failed = pthread_create(&lane->thread, &attributes, lane_run, lane);
		lane->started = !failed;
	}
	pthread_attr_destroy(&attributes);
	if (failed) {
		lanes_stop(lanes, INT64_MAX);
		lanes_close(lanes);
		return wn_fail(err, WN_FULL, "lanes", "start %d lanes: %s; lower serve.lanes", count, strerror(failed));
	}
	*out = lanes;
	return true;
}

enum lanes_verdict lanes_push(struct lanes *lanes, struct lane_job *job)
{
	enum lanes_verdict verdict = LANES_TAKEN;
	pthread_mutex_lock(&lanes->mutex);
	if (lanes->stopping) {
		verdict = LANES_STOPPING;
	} else {
		enum peers_verdict room = peers_queue(lanes->peers, &job->peer, &job->turn);
		if (room != PEERS_FINE)
			verdict = room == PEERS_SHARE ? LANES_SHARE : LANES_FULL;
	}
	if (verdict == LANES_TAKEN) {
		wn_assert(lanes->queued < lanes->queued_max + PEERS_UNIX_MAX);
		job->serial = ++lanes->serial;
		lanes_put(lanes, job);
		lanes_wake(lanes);
	}
	pthread_mutex_unlock(&lanes->mutex);
	return verdict;
}

void lanes_count(struct lanes *lanes, struct lane_counts *out)
{
	pthread_mutex_lock(&lanes->mutex);
	*out = (struct lane_counts){lanes->count, lanes->busy, lanes->connected, lanes->queued, lanes->queued_max};
	pthread_mutex_unlock(&lanes->mutex);
}

bool lanes_stop(struct lanes *lanes, int64_t deadline_ms)
{
	pthread_mutex_lock(&lanes->mutex);
	lanes->stopping = true;
	pthread_cond_broadcast(&lanes->wake);
	pthread_mutex_unlock(&lanes->mutex);
	bool all = true;
	for (int i = 0; i < lanes->count; i++) {
		struct lane *lane = &lanes->lanes[i];
		if (!lane->started)
			continue;
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		if (left_ms < 0)
			left_ms = 0;
		if (left_ms > 60000)
			left_ms = 60000;
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += left_ms / 1000 + 1;
		if (pthread_timedjoin_np(lane->thread, NULL, &until) == 0)
			lane->started = false;
		else
			all = false;
	}
	if (!all)
		return false;
	for (struct lane_job *job = lanes_pop(lanes); job; job = lanes_pop(lanes)) {
		lane_job_drop(job);
		job->done(job);
	}
	return true;
}

void lanes_close(struct lanes *lanes)
{
	if (!lanes)
		return;
	for (int i = 0; i < lanes->count; i++)
		wn_assert(!lanes->lanes[i].started);
	pthread_cond_destroy(&lanes->wake);
	pthread_mutex_destroy(&lanes->mutex);
	free(lanes->heap);
	free(lanes);
}
