/* Runs plans until a signal says stop: connect, be elected, do batches, sleep, and back off when something is down. */
#include "core/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/log.h"
#include "core/sign.h"
#include "sql_core.h"

enum { WORKER_PAUSE_LEAST_MS = 10, WORKER_PAUSE_MOST_MS = 5000, WORKER_ELECTION_MS = 1000, WORKER_PLANS_MAX = 16 };

struct worker_thread {
	struct worker worker;
	const struct worker_plan *plan;
	pthread_t thread;
	int stop_fd; /* readable once the process shall stop */
	bool ready, elected;
	int pause_ms;
	int64_t failures;	/* of the streak that lasts; 0 when all is well */
	char code[WN_CODE_MAX]; /* what was logged last in this streak */
};

static bool worker_stopping(const struct worker_thread *thread, int wait_ms)
{
	struct pollfd stop = {thread->stop_fd, POLLIN, 0};
	return poll(&stop, 1, wait_ms) > 0;
}

/* Between half and all of it, so that many workers do not come back in one instant. */
static int worker_jitter(int ms)
{
	uint32_t random;
	random_bytes(&random, sizeof random);
	return ms / 2 + (int)(random % (unsigned)(ms - ms / 2 + 1));
}

static void worker_failed(struct worker_thread *thread, const struct wn_error *err)
{
	thread->failures++;
	if (strcmp(thread->code, err->code) != 0) {
		struct wn_error told = *err;
		wn_while(&told, "%s", thread->plan->name);
		log_failure("worker_failed", &told);
		snprintf(thread->code, sizeof thread->code, "%s", err->code);
	}
	if (thread->worker.db) {
		db_rollback(thread->worker.db);
		/* With the connection went the lock, the channel, and the right to the fencing number. */
		thread->ready = thread->ready && db_connected(thread->worker.db);
		thread->elected = thread->elected && thread->ready;
	}
	int pause_ms = thread->pause_ms;
	thread->pause_ms = pause_ms * 2 < WORKER_PAUSE_MOST_MS ? pause_ms * 2 : WORKER_PAUSE_MOST_MS;
	worker_stopping(thread, worker_jitter(pause_ms));
}

static void worker_recovered(struct worker_thread *thread)
{
	if (thread->failures > 0)
		log_event(LOG_INFO, "worker_recovered", log_text("worker", thread->plan->name),
			log_integer("failures", thread->failures), NULL);
	thread->failures = 0;
	thread->code[0] = '\0';
	thread->pause_ms = WORKER_PAUSE_LEAST_MS;
}

static bool worker_fence(struct worker *worker, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, &worker->arena);
	if (!db_query(worker->db, &SQL_CORE_FENCE_NEXT, &args, &result, err))
		return wn_while(err, "draw a fencing number");
	worker->fence = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

/* A channel is listened to only by who works: an unread notification waits in the server's queue. */
static bool worker_listen(struct worker_thread *thread, struct wn_error *err)
{
	char sql[128];
	if (!thread->plan->channel)
		return true;
	wn_assert(strspn(thread->plan->channel, "abcdefghijklmnopqrstuvwxyz_") == strlen(thread->plan->channel));
	snprintf(sql, sizeof sql, "LISTEN %s", thread->plan->channel);
	return db_command(thread->worker.db, sql, err) || wn_while(err, "listen");
}

static bool worker_connect(struct worker_thread *thread, struct wn_error *err)
{
	struct worker *worker = &thread->worker;
	thread->elected = false;
	return worker->db ? db_reconnect(worker->db, err)
			  : node_connect(worker->node, thread->plan->role, &worker->db, err);
}

/* *elected is false while another process does this work. */
static bool worker_elect(struct worker_thread *thread, bool *elected, struct wn_error *err)
{
	*elected = true;
	if (thread->elected)
		return true;
	if (thread->plan->lock_key != 0 && !db_try_lock(thread->worker.db, thread->plan->lock_key, elected, err))
		return false;
	if (!*elected)
		return true;
	/* Drawn after the lock: who is elected later always has the higher number. */
	if (!worker_fence(&thread->worker, err) || !worker_listen(thread, err))
		return false;
	thread->elected = true;
	return true;
}

/* One turn; *idle_ms is how long there is nothing to do unless somebody wakes us. */
static bool worker_turn(struct worker_thread *thread, int *idle_ms, struct wn_error *err)
{
	bool elected;
	size_t done = 0;
	*idle_ms = 0;
	if (!thread->ready && !worker_connect(thread, err))
		return false;
	thread->ready = true;
	wn_arena_reset(&thread->worker.arena);
	if (!worker_elect(thread, &elected, err))
		return false;
	if (!elected) {
		*idle_ms = worker_jitter(WORKER_ELECTION_MS);
		return true;
	}
	if (!thread->plan->batch(&thread->worker, &done, err))
		return false;
	wn_assert(!db_in_transaction(thread->worker.db));
	*idle_ms = done == 0 ? thread->plan->poll_ms : 0;
	return true;
}

static void *worker_main(void *context)
{
	struct worker_thread *thread = context;
	struct wn_error err = {0};
	pthread_setname_np(pthread_self(), thread->plan->name);
	while (!worker_stopping(thread, 0)) {
		int idle_ms;
		bool woken, done = worker_turn(thread, &idle_ms, &err);
		if (done) {
			worker_recovered(thread);
			done = idle_ms == 0 || db_wait(thread->worker.db, thread->stop_fd, idle_ms, &woken, &err);
		}
		if (!done)
			worker_failed(thread, &err);
	}
	db_close(thread->worker.db);
	wn_arena_free(&thread->worker.arena);
	return NULL;
}

static bool worker_start(
	struct worker_thread *thread, const struct node *node, const struct worker_plan *plan, int stop_fd)
{
	wn_assert(strlen(plan->name) < 16);
	wn_assert(plan->poll_ms > 0);
	*thread = (struct worker_thread){
		.worker = {.node = node}, .plan = plan, .stop_fd = stop_fd, .pause_ms = WORKER_PAUSE_LEAST_MS};
	wn_arena_init(&thread->worker.arena, plan->arena_bytes);
	int failed = pthread_create(&thread->thread, NULL, worker_main, thread);
	if (failed) {
		struct wn_error err;
		wn_fail(&err, WN_FULL, "worker_thread", "start %s: %s", plan->name, strerror(failed));
		log_failure("worker_failed", &err);
	}
	return failed == 0;
}

int worker_run(const struct node *node, const struct worker_plan *const plans[], int count)
{
	struct worker_thread *threads = calloc((size_t)count, sizeof *threads);
	int stop_fd = eventfd(0, EFD_CLOEXEC), started = 0, number = 0;
	sigset_t signals, before;
	wn_assert(count > 0);
	wn_assert(count <= WORKER_PLANS_MAX);
	wn_assert(threads != NULL);
	wn_assert(stop_fd >= 0);
	/* Blocked before the threads begin, which inherit it: the signal is taken here and nowhere else. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	signal(SIGPIPE, SIG_IGN);
	while (started < count && worker_start(&threads[started], node, plans[started], stop_fd))
		started++;
	if (started == count) {
		log_event(LOG_INFO, "worker_started", log_integer("plans", count), NULL);
		while (sigwait(&signals, &number) != 0)
			;
	}
	wn_assert(eventfd_write(stop_fd, 1) == 0);
	for (int i = 0; i < started; i++)
		pthread_join(threads[i].thread, NULL);
	/* Ctrl-C reaches the whole group, then a supervisor asks once more: what came meanwhile is answered by our end.
	 */
	while (sigtimedwait(&signals, NULL, &(struct timespec){0, 0}) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(stop_fd);
	free(threads);
	log_event(LOG_INFO, "worker_stopped", log_integer("signal", number), NULL);
	return started == count ? 0 : 1;
}
