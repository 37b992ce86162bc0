/* The queue and the threads behind it; connections that are lost come back with growing, jittered pauses. */
#include "web/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

/* Jobs that are worked on one by one, and those of routes that answer many at once. */
enum { LANE_ALONE, LANE_TOGETHER, LANE_QUEUES };
struct lane_queue {
	struct lane_job **heap; /* whose turn is next stands first, each before its children 2i + 1 and 2i + 2 */
	size_t count;
};

struct lanes {
	const struct node *node;
	pthread_mutex_t mutex;
	pthread_cond_t wake;
	struct peers *peers;
	struct lane_queue queues[LANE_QUEUES];
	size_t queued, queued_max;  /* of both */
	int together, together_max; /* lanes that work on jobs of the second */
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

static struct lane_queue *lanes_queue_of(struct lanes *lanes, const struct lane_job *job)
{
	return &lanes->queues[job->exchange.route->handle_many ? LANE_TOGETHER : LANE_ALONE];
}

static void lanes_put(struct lanes *lanes, struct lane_job *job)
{
	struct lane_queue *queue = lanes_queue_of(lanes, job);
	size_t at = queue->count++;
	lanes->queued++;
	for (; at > 0 && job_is_before(job, queue->heap[(at - 1) / 2]); at = (at - 1) / 2)
		queue->heap[at] = queue->heap[(at - 1) / 2];
	queue->heap[at] = job;
}

static struct lane_job *lanes_pop(struct lanes *lanes, struct lane_queue *queue)
{
	struct lane_job *job = queue->heap[0], *moved = queue->heap[--queue->count];
	size_t at = 0, child = 1;
	lanes->queued--;
	while (child < queue->count) {
		if (child + 1 < queue->count && job_is_before(queue->heap[child + 1], queue->heap[child]))
			child++;
		if (!job_is_before(queue->heap[child], moved))
			break;
		queue->heap[at] = queue->heap[child];
		at = child;
		child = 2 * at + 1;
	}
	queue->heap[at] = moved;
	peers_unqueue(lanes->peers, &job->peer, job->turn);
	return job;
}

/*
 * The queue from which a lane may take now; NULL: none. What is answered together is taken by few lanes, so that what
 * comes meanwhile is answered together too. A job is begun only when all that it may use fits beside what the others
 * may use, and nobody overtakes one that waits for room.
 */
static struct lane_queue *lanes_next(struct lanes *lanes)
{
	struct lane_queue *next = NULL;
	for (int i = 0; i < LANE_QUEUES; i++) {
		struct lane_queue *queue = &lanes->queues[i];
		if (queue->count == 0 || (i == LANE_TOGETHER && lanes->together == lanes->together_max))
			continue;
		if (!next || job_is_before(queue->heap[0], next->heap[0]))
			next = queue;
	}
	if (!next)
		return NULL;
	size_t bytes = next->heap[0]->arena.ceiling_bytes;
	bytes += next == &lanes->queues[LANE_TOGETHER] ? LANE_BATCH_BYTES : 0;
	return lanes->busy == 0 || lanes->working_bytes + bytes <= lanes->working_max ? next : NULL;
}

/* What one lane works on at a time. */
struct lane_batch {
	struct lane_job *jobs[LANE_BATCH_MAX];
	size_t count, room_bytes;
	bool together;
};

static void lanes_take(struct lanes *lanes, struct lane_queue *queue, struct lane_batch *batch)
{
	batch->together = queue == &lanes->queues[LANE_TOGETHER];
	batch->room_bytes = batch->together ? LANE_BATCH_BYTES : 0;
	do {
		struct lane_job *job = lanes_pop(lanes, queue);
		/* Read before the job is done: then it belongs to its loop again. */
		batch->room_bytes += job->arena.ceiling_bytes;
		batch->jobs[batch->count++] = job;
	} while (batch->together && queue->count > 0 && batch->count < LANE_BATCH_MAX &&
		 lanes->working_bytes + batch->room_bytes + queue->heap[0]->arena.ceiling_bytes <= lanes->working_max &&
		 queue->heap[0]->exchange.route == batch->jobs[0]->exchange.route);
	lanes->busy++;
	lanes->together += batch->together;
	lanes->working_bytes += batch->room_bytes;
}

/* As many lanes as could take something now, under the mutex. */
static void lanes_call(struct lanes *lanes)
{
	if (!lanes_next(lanes))
		return;
	/* A lane without connection may wake up and decline, so then everybody is asked. */
	if (lanes->connected < lanes->count) {
		pthread_cond_broadcast(&lanes->wake);
		return;
	}
	size_t together = (lanes->queues[LANE_TOGETHER].count + LANE_BATCH_MAX - 1) / LANE_BATCH_MAX;
	size_t more = (size_t)(lanes->together_max - lanes->together);
	size_t calls = lanes->queues[LANE_ALONE].count + (together < more ? together : more);
	for (int i = lanes->busy; calls > 0 && i < lanes->count; i++, calls--)
		pthread_cond_signal(&lanes->wake);
}

void lanes_wake(struct lanes *lanes)
{
	pthread_mutex_lock(&lanes->mutex);
	lanes_call(lanes);
	pthread_mutex_unlock(&lanes->mutex);
}

/* ---- a lane ---- */

static void lane_work(struct lane *lane, const struct lane_batch *batch)
{
	struct exchange *begun[LANE_BATCH_MAX];
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct lane_job *job = batch->jobs[i];
		int waiting = LANE_JOB_WAITING;
		if (!atomic_compare_exchange_strong(&job->state, &waiting, LANE_JOB_STARTED))
			continue;
		job->exchange.db = lane->db;
		begun[count++] = &job->exchange;
	}
	if (count > 0 && batch->together) {
		struct wn_arena arena;
		wn_arena_init(&arena, LANE_BATCH_BYTES);
		exchange_run_many(begun, count, &arena);
		wn_arena_free(&arena);
	} else if (count > 0) {
		exchange_run(begun[0]);
	}
	for (size_t i = 0; i < batch->count; i++) {
		batch->jobs[i]->exchange.db = NULL;
		batch->jobs[i]->done(batch->jobs[i]);
	}
	if (lane->connected && !db_connected(lane->db))
		lane_connected(lane, false);
}

static void *lane_run(void *context)
{
	struct lane *lane = context;
	struct lanes *lanes = lane->lanes;
	pthread_mutex_lock(&lanes->mutex);
	while (!lanes->stopping) {
		struct lane_batch batch = {.count = 0};
		bool stale = !lane->connected && clock_monotonic_ms() >= lane->retry_at_ms;
		/* While some lanes are connected the others leave the requests to them. */
		bool may_take = !stale && (lane->connected || lanes->connected == 0);
		struct lane_queue *queue = may_take ? lanes_next(lanes) : NULL;
		if (!stale && !queue) {
			lane_wait(lane);
			continue;
		}
		if (queue)
			lanes_take(lanes, queue, &batch);
		unsigned losses = lanes->losses;
		pthread_mutex_unlock(&lanes->mutex);
		lane_refresh(lane, losses);
		if (batch.count > 0)
			lane_work(lane, &batch);
		pthread_mutex_lock(&lanes->mutex);
		lanes->busy -= batch.count > 0;
		lanes->together -= batch.together;
		lanes->working_bytes -= batch.room_bytes;
		/* Somebody may have waited for the room, and was woken when there was none. */
		if (batch.count > 0)
			lanes_call(lanes);
	}
	pthread_mutex_unlock(&lanes->mutex);
	db_close(lane->db);
	lane->db = NULL;
	return NULL;
}

/* One lane may commit while the next verifies; more than processors would only make smaller batches. */
static int lanes_together(int count)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (processors < 2)
		processors = 2;
	return processors < count ? (int)processors : count;
}

bool lanes_open(struct lanes **out, const struct node *node, struct peers *peers, int count, size_t queue_max,
	struct wn_error *err)
{
	wn_assert(count >= 1 && count <= LANES_MAX);
	struct lanes *lanes = calloc(1, sizeof *lanes);
	struct lane_job **heaps = calloc(LANE_QUEUES * (queue_max + PEERS_UNIX_MAX), sizeof *heaps);
	if (!lanes || !heaps) {
		free(lanes);
		free(heaps);
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
	for (size_t i = 0; i < LANE_QUEUES; i++)
		lanes->queues[i].heap = heaps + i * (queue_max + PEERS_UNIX_MAX);
	lanes->together_max = lanes_together(count);
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
	for (int i = 0; i < LANE_QUEUES; i++)
		while (lanes->queues[i].count > 0) {
			struct lane_job *job = lanes_pop(lanes, &lanes->queues[i]);
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
	free(lanes->queues[0].heap);
	free(lanes);
}
