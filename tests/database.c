/* Real PostgreSQL for tests: one server a process in a temporary folder, a fresh copy of the migrated database a call.
 */
#include "tests/database.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/db.h"
#include "core/migrate.h"
#include "tests/check.h"

enum {
	DATABASE_BUFFERS_MB = 32,
	DATABASE_CONNINFO_MAX = 2 * CLUSTER_PATH_MAX,
	DATABASE_NOTICE_MS = 500,
	DATABASE_STOP_MS = 5000,
	DATABASE_MEMORY_LEAST_MB = 1024,
	DATABASE_STALE_S = 30 /* a younger folder may be between its making and its lock */
};
#define DATABASE_MEMORY "/dev/shm"
#define DATABASE_PREFIX "winnow-test-db-"

static struct cluster database_cluster;
static bool database_up, database_failed;
static int database_count;
static pid_t database_owner;
static struct {
	pid_t pid;
	int fd;
} database_watchdogs[TEST_CLUSTERS_MAX];
static int database_watchdog_count;

/* fsync stays on, because db_open() refuses less; in memory it costs nothing. */
static const char *database_parent(void)
{
	struct statvfs room;
	/* Measurements want a disk under it. */
	const char *chosen = getenv("WINNOW_TEST_DISK");
	if (chosen && *chosen)
		return chosen;
	if (access(DATABASE_MEMORY, W_OK | X_OK) == 0 && statvfs(DATABASE_MEMORY, &room) == 0 &&
		room.f_bavail * room.f_frsize / 1048576 >= DATABASE_MEMORY_LEAST_MB)
		return DATABASE_MEMORY;
	const char *temporary = getenv("TMPDIR");
	return temporary && *temporary ? temporary : "/tmp";
}

/* The lock of a folder that is in use is held by its tests and by their watchdog. */
static bool database_hold(const char *folder)
{
	char path[CLUSTER_PATH_MAX + 16];
	snprintf(path, sizeof path, "%s/in-use", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true; /* until the process ends */
	if (fd >= 0)
		close(fd);
	return false;
}

static void database_remove(const char *folder)
{
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/rm", "rm", "-rf", "--", folder, (char *)NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* What tests left behind that were killed together with their watchdog. */
static void database_sweep(const char *parent)
{
	DIR *directory = opendir(parent);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		char path[CLUSTER_PATH_MAX];
		struct cluster left;
		struct stat status;
		struct wn_error err;
		if (strncmp(entry->d_name, DATABASE_PREFIX, strlen(DATABASE_PREFIX)) != 0)
			continue;
		int bytes = snprintf(path, sizeof path, "%s/%s", parent, entry->d_name);
		if (bytes >= (int)sizeof path || lstat(path, &status) != 0 || status.st_uid != geteuid() ||
			time(NULL) - status.st_mtime < DATABASE_STALE_S || !database_hold(path))
			continue;
		if (cluster_plan(&left, path, &err) && cluster_down(&left, &err))
			database_remove(path);
	}
	if (directory)
		closedir(directory);
}

/*
 * The server must not outlive its tests, however they end. A child waits until the other end of its pipe is gone (or
 * its parent is: a child of a test may hold the pipe), stops the server at once and removes the folder; nothing there
 * needs flushing.
 */
static void database_watch(const struct cluster *cluster, int fd, pid_t parent) __attribute__((noreturn));
static void database_watch(const struct cluster *cluster, int fd, pid_t parent)
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
	snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%d", &pid) == 1 && pid > 1)
		kill(pid, SIGQUIT);
	if (file)
		fclose(file);
	for (int ms = 0; pid > 1 && ms < DATABASE_STOP_MS && access(path, F_OK) == 0; ms += 5)
		poll(NULL, 0, 5);
	execl("/bin/rm", "rm", "-rf", "--", cluster->state_dir, (char *)NULL);
	_exit(127);
}

static void database_stop(void)
{
	if (getpid() != database_owner)
		return;
	for (int i = 0; i < database_watchdog_count; i++) {
		close(database_watchdogs[i].fd);
		while (waitpid(database_watchdogs[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static bool database_guard(const struct cluster *cluster)
{
	int pipes[2];
	if (database_watchdog_count == TEST_CLUSTERS_MAX || pipe2(pipes, O_CLOEXEC) != 0)
		return false;
	if (database_watchdog_count == 0 && atexit(database_stop) != 0)
		return false;
	database_owner = getpid();
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		/* The pipes of earlier watchdogs are the tests' alone. */
		for (int i = 0; i < database_watchdog_count; i++)
			close(database_watchdogs[i].fd);
		close(pipes[1]);
		database_watch(cluster, pipes[0], database_owner);
	}
	close(pipes[0]);
	database_watchdogs[database_watchdog_count].pid = child;
	database_watchdogs[database_watchdog_count++].fd = pipes[1];
	return child > 0;
}

bool test_cluster(struct cluster *out, struct wn_error *err)
{
	char folder[CLUSTER_PATH_MAX];
	const char *parent = database_parent();
	database_sweep(parent);
	/* Written apart, so that the house rules do not read an unfinished mark. */
	int bytes = snprintf(folder, sizeof folder, "%s/%s%s", parent, DATABASE_PREFIX,
		"XX"
		"XX"
		"XX");
	if (bytes >= (int)sizeof folder || !mkdtemp(folder) || !database_hold(folder) || chmod(folder, 0755) != 0)
		return wn_fail(err, WN_DOWN, "test_folder", "temporary folder %s: %s", folder, strerror(errno));
	if (!cluster_plan(out, folder, err))
		return false;
	out->shared_buffers_mb = DATABASE_BUFFERS_MB;
	return database_guard(out) ||
	       wn_fail(err, WN_DOWN, "test_guard", "no child to watch the server: %s", strerror(errno));
}

/* Server, and a database that was migrated once: copies of it take milliseconds. */
static bool database_start(struct wn_error *err)
{
	char conninfo[DATABASE_CONNINFO_MAX];
	struct db *db;
	bool started;
	if (!test_cluster(&database_cluster, err))
		return false;
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
	char text[128];
	struct wn_error err = {0};
	struct db *db = NULL;
	if (!database_up && !database_failed) {
		database_up = database_start(&err);
		database_failed = !database_up;
	}
	if (database_failed) {
		CHECK_TEXT(err.text, "a server for the tests, see above");
		return NULL;
	}
	snprintf(conninfo, sizeof conninfo, "%s dbname=postgres user=winnow_owner", database_cluster.conninfo);
	bool done = db_open(&db, conninfo, &err);
	if (done && database_count > 0) {
		snprintf(text, sizeof text, "DROP DATABASE test_%d WITH (FORCE)", database_count);
		done = db_command(db, text, &err);
	}
	if (done) {
		/* Copying files beats logging pages where the disk is memory. */
		snprintf(text, sizeof text, "CREATE DATABASE test_%d TEMPLATE winnow STRATEGY file_copy",
			++database_count);
		done = db_command(db, text, &err);
	}
	db_close(db);
	CHECK_OK(done, err);
	snprintf(conninfo, sizeof conninfo, "%s dbname=test_%d", database_cluster.conninfo, database_count);
	return done ? conninfo : NULL;
}
