/* The loop of background roles: woken, elected, stopped, and patient with a database that is away. */
#include "tests/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/sign.h"
#include "core/worker.h"

SUITE("worker")

enum { ARENA_BYTES = 65536, PATIENT_MS = 20000 };

static struct node node;

static bool start_node(void)
{
	const char *base = test_database();
	sign_start();
	if (!base)
		return false;
	memset(&node, 0, sizeof node);
	snprintf(node.database, sizeof node.database, "%.500s", base);
	return true;
}

static bool owner(struct db **db)
{
	struct wn_error err = {0};
	return check_true(node_connect(&node, "winnow_owner", db, &err), err.text, __FILE__, __LINE__);
}

static void command(struct db *db, const char *sql)
{
	struct wn_error err = {0};
	CHECK_OK(db_command(db, sql, &err), err);
}

/* Ends worker_run() of this process. */
static void stop(void)
{
	kill(getpid(), SIGTERM);
}

static atomic_int batches, sleeps;
static int64_t fences[2];

static bool count_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	(void)err;
	/* The arena is fresh every time: 1000 batches of half its room. */
	CHECK(wn_arena_alloc(&worker->arena, ARENA_BYTES / 2) != NULL);
	*done = 1;
	if (atomic_fetch_add(&batches, 1) == 1000)
		stop();
	return true;
}

TEST(batches_follow_each_other_until_a_signal_says_stop)
{
	static const struct worker_plan plan = {.name = "count",
		.role = "winnow_tally",
		.poll_ms = PATIENT_MS,
		.arena_bytes = ARENA_BYTES,
		.batch = count_batch};
	static const struct worker_plan *const plans[] = {&plan};
	CHECK_OR_RETURN(start_node());
	atomic_store(&batches, 0);
	int64_t begun_ms = clock_monotonic_ms();
	CHECK_INT(worker_run(&node, plans, 1), 0);
	CHECK(atomic_load(&batches) >= 1001);
	CHECK(clock_monotonic_ms() - begun_ms < PATIENT_MS);
	/* The process's own signals are as they were. */
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	CHECK(!sigismember(&mask, SIGTERM));
}

static bool sleep_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	(void)worker;
	(void)err;
	*done = 0;
	atomic_fetch_add(&sleeps, 1);
	return true;
}

static void *wake_then_stop(void *context)
{
	struct db *db = context;
	int64_t until_ms = clock_monotonic_ms() + PATIENT_MS;
	/* Each notification brings one batch more, long before the poll would. */
	for (int i = 1; i <= 3; i++) {
		while (atomic_load(&sleeps) < i && clock_monotonic_ms() < until_ms)
			usleep(1000);
		usleep(20000);
		command(db, "NOTIFY winnow_work");
	}
	while (atomic_load(&sleeps) < 4 && clock_monotonic_ms() < until_ms)
		usleep(1000);
	stop();
	return NULL;
}

TEST(a_sleeping_worker_is_woken_by_its_channel_and_by_the_stop)
{
	static const struct worker_plan plan = {.name = "sleep",
		.role = "winnow_embed",
		.channel = "winnow_work",
		.poll_ms = 600000,
		.arena_bytes = ARENA_BYTES,
		.batch = sleep_batch};
	static const struct worker_plan *const plans[] = {&plan};
	struct db *db;
	pthread_t thread;
	CHECK_OR_RETURN(start_node() && owner(&db));
	atomic_store(&sleeps, 0);
	int64_t begun_ms = clock_monotonic_ms();
	/* A thread of the tests must not take the signal. */
	sigset_t term, before;
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &term, &before);
	CHECK_INT(pthread_create(&thread, NULL, wake_then_stop, db), 0);
	CHECK_INT(worker_run(&node, plans, 1), 0);
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	CHECK_INT(atomic_load(&sleeps), 4);
	CHECK(clock_monotonic_ms() - begun_ms < PATIENT_MS);
	db_close(db);
}

static atomic_int failures;

static bool failing_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	*done = 1;
	int turn = atomic_fetch_add(&failures, 1);
	/* Turn 0 fails inside a transaction, turn 1 loses the connection, turn 2 must find all as new. */
	if (turn == 0)
		return db_begin(worker->db, err) && db_command(worker->db, "INSERT INTO seen VALUES (-1)", err) &&
		       wn_fail(err, WN_BUSY, "test_busy", "not now");
	fences[turn == 1 ? 0 : 1] = worker->fence;
	if (turn == 1) {
		struct wn_error ignored;
		return !db_command(worker->db, "SELECT pg_terminate_backend(pg_backend_pid())", &ignored) &&
		       db_command(worker->db, "SELECT 1", err);
	}
	bool ok = db_begin(worker->db, err) && db_command(worker->db, "INSERT INTO seen VALUES (1)", err) &&
		  db_commit(worker->db, err);
	stop();
	return ok;
}

TEST(a_failed_batch_is_rolled_back_and_a_lost_connection_comes_back_with_a_higher_fence)
{
	static const struct worker_plan plan = {.name = "fail",
		.role = "winnow_reward",
		.lock_key = 77,
		.poll_ms = 600000,
		.arena_bytes = ARENA_BYTES,
		.batch = failing_batch};
	static const struct worker_plan *const plans[] = {&plan};
	struct db *db;
	CHECK_OR_RETURN(start_node() && owner(&db));
	command(db, "CREATE TABLE seen (a integer); GRANT INSERT ON seen TO winnow_reward");
	atomic_store(&failures, 0);
	CHECK_INT(worker_run(&node, plans, 1), 0);
	CHECK(atomic_load(&failures) >= 3);
	CHECK(fences[0] > 0);
	CHECK(fences[1] > fences[0]);
	command(db, "DO $$ BEGIN ASSERT (SELECT count(*) FROM seen WHERE a = -1) = 0; ASSERT (SELECT count(*) FROM "
		    "seen WHERE a = 1) >= 1; "
		    "END $$");
	db_close(db);
}

static bool alone_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	*done = 0;
	/* Two at once would meet in this row. */
	return db_begin(worker->db, err) &&
	       db_command(worker->db, "UPDATE leader SET busy = busy + 1, turns = turns + 1", err) &&
	       db_commit(worker->db, err) && usleep(5000) == 0 && db_begin(worker->db, err) &&
	       db_command(worker->db,
		       "DO $$ BEGIN ASSERT (SELECT busy FROM leader) = 1; END $$; UPDATE leader SET busy = busy - 1, "
		       "leaders = CASE WHEN last <> pg_backend_pid() THEN leaders + 1 ELSE leaders END, last = "
		       "pg_backend_pid()",
		       err) &&
	       db_commit(worker->db, err);
}

static const struct worker_plan alone_plan = {.name = "alone",
	.role = "winnow_seal",
	.lock_key = 4711,
	.poll_ms = 2,
	.arena_bytes = ARENA_BYTES,
	.batch = alone_batch};

static pid_t start_alone(void)
{
	static const struct worker_plan *const plans[] = {&alone_plan};
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(worker_run(&node, plans, 1));
	return child;
}

/* Waits until the row says so. */
static bool until(struct db *db, const char *condition)
{
	char sql[256];
	struct wn_error err;
	int64_t until_ms = clock_monotonic_ms() + PATIENT_MS;
	snprintf(sql, sizeof sql, "DO $$ BEGIN ASSERT (SELECT %s FROM leader); END $$", condition);
	while (!db_command(db, sql, &err)) {
		if (clock_monotonic_ms() > until_ms)
			return check_true(false, condition, __FILE__, __LINE__);
		usleep(10000);
	}
	return true;
}

TEST(of_several_processes_one_is_elected_and_another_follows_when_it_dies)
{
	struct db *db;
	int status;
	CHECK_OR_RETURN(start_node() && owner(&db));
	command(db, "CREATE TABLE leader (busy integer, turns integer, leaders integer, last integer); INSERT INTO "
		    "leader VALUES (0, 0, 0, 0); "
		    "GRANT SELECT, UPDATE ON leader TO winnow_seal");
	pid_t first = start_alone();
	until(db, "turns > 5");
	pid_t second = start_alone();
	until(db, "turns > 100");
	until(db, "leaders = 1");
	/* Killed between its two transactions perhaps: the row is mended, as a lease's end would. */
	kill(first, SIGKILL);
	CHECK_INT(waitpid(first, &status, 0), first);
	command(db, "UPDATE leader SET busy = 0");
	until(db, "leaders = 2");
	until(db, "turns > 150");
	kill(second, SIGTERM);
	CHECK(waitpid(second, &status, 0) == second && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	until(db, "busy = 0");
	db_close(db);
}

TEST(a_worker_whose_database_is_away_still_stops_when_told)
{
	static const struct worker_plan *const plans[] = {&alone_plan};
	int status;
	sign_start();
	memset(&node, 0, sizeof node);
	snprintf(node.database, sizeof node.database, "host=/nowhere dbname=winnow");
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(worker_run(&node, plans, 1));
	usleep(300000);
	CHECK_INT(waitpid(child, &status, WNOHANG), 0);
	int64_t begun_ms = clock_monotonic_ms();
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(clock_monotonic_ms() - begun_ms < PATIENT_MS);
}
