/* Real PostgreSQL for tests: one server a process in a temporary folder, a fresh copy of the migrated database a call.
 */
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cluster.h"
#include "core/db.h"
#include "core/migrate.h"

enum { DATABASE_BUFFERS_MB = 32, DATABASE_CONNINFO_MAX = 2 * CLUSTER_PATH_MAX, DATABASE_NOTICE_MS = 500 };

static struct cluster database_cluster;
static bool database_up, database_failed;
static int database_count;
static pid_t database_owner, database_watchdog;
static int database_watch_fd = -1;

/*
 * The server must not outlive its tests, however they end. A child waits until the other end of its pipe is gone (or
 * its parent is: a child of a test may hold the pipe) and stops the server at once; the folder is thrown away, so
 * nothing needs flushing.
 */
static void database_watch(int fd, pid_t parent)
{
	struct pollfd end = {fd, POLLIN, 0};
	char path[2 * CLUSTER_PATH_MAX];
	int pid = 0;
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (poll(&end, 1, DATABASE_NOTICE_MS) <= 0 && getppid() == parent)
		;
	snprintf(path, sizeof path, "%s/postmaster.pid", database_cluster.data_dir);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%d", &pid) == 1 && pid > 1)
		kill(pid, SIGQUIT);
	for (int i = 0; pid > 1 && i < 1000 && access(path, F_OK) == 0; i++)
		usleep(5000);
	/* After a crash of the tests nobody else removes the folder. */
	if (getppid() != parent) {
		execl("/bin/rm", "rm", "-rf", "--", database_cluster.state_dir, (char *)NULL);
		_exit(1);
	}
	_exit(0);
}

static void database_stop(void)
{
	if (getpid() != database_owner)
		return;
	close(database_watch_fd);
	while (waitpid(database_watchdog, NULL, 0) < 0 && errno == EINTR)
		;
}

static bool database_guard(void)
{
	int pipes[2];
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return false;
	database_owner = getpid();
	fflush(NULL);
	database_watchdog = fork();
	if (database_watchdog == 0) {
		close(pipes[1]);
		database_watch(pipes[0], database_owner);
	}
	close(pipes[0]);
	database_watch_fd = pipes[1];
	return database_watchdog > 0 && atexit(database_stop) == 0;
}

/* Server, and a database that was migrated once: copies of it take milliseconds. */
static bool database_start(struct wn_error *err)
{
	const char *folder = test_folder();
	char conninfo[DATABASE_CONNINFO_MAX];
	struct db *db;
	bool started;
	if (!folder || chmod(folder, 0755) != 0 || !cluster_plan(&database_cluster, folder, err))
		return false;
	database_cluster.shared_buffers_mb = DATABASE_BUFFERS_MB;
	if (!database_guard())
		return wn_fail(err, WN_DOWN, "test_guard", "no child to watch the server: %s", strerror(errno));
	if (!cluster_up(&database_cluster, &started, err))
		return false;
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_owner", database_cluster.conninfo);
	if (!db_open(&db, conninfo, err))
		return false;
	bool done = migrate_up(db, NULL, err);
	db_close(db);
	return done;
}

const char *test_database(void)
{
	static char conninfo[DATABASE_CONNINFO_MAX];
	char text[256];
	struct wn_error err = {0};
	struct db *db = NULL;
	/* The first failure is told; each later test that needs a database fails by its NULL. */
	if (!database_up && !database_failed) {
		database_up = database_start(&err);
		database_failed = !database_up;
	}
	if (database_failed) {
		CHECK_TEXT(err.text, "a server for the tests");
		return NULL;
	}
	snprintf(conninfo, sizeof conninfo, "%s dbname=postgres user=winnow_owner", database_cluster.conninfo);
	bool done = db_open(&db, conninfo, &err);
	if (done && database_count > 0) {
		snprintf(text, sizeof text, "DROP DATABASE test_%d WITH (FORCE)", database_count);
		done = db_command(db, text, &err);
	}
	if (done) {
		snprintf(text, sizeof text, "CREATE DATABASE test_%d TEMPLATE winnow", ++database_count);
		done = db_command(db, text, &err);
	}
	db_close(db);
	CHECK_OK(done, err);
	snprintf(conninfo, sizeof conninfo, "%s dbname=test_%d", database_cluster.conninfo, database_count);
	return done ? conninfo : NULL;
}
