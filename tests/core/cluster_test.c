/* The life of the node's own PostgreSQL: made once, found again, stopped, killed, refused. */
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/cluster.h"
#include "core/db.h"
#include "tests/database.h"

SUITE("cluster")

/* Generous beside the few milliseconds that it takes: other work shares the machine. */
enum { QUICK_MS = 500 };

static bool up(const struct cluster *cluster, bool *started)
{
	struct wn_error err = {0};
	return check_true(cluster_up(cluster, started, &err), err.text, __FILE__, __LINE__);
}

static bool down(const struct cluster *cluster)
{
	struct wn_error err = {0};
	return check_true(cluster_down(cluster, &err), err.text, __FILE__, __LINE__);
}

static int postmaster_pid(const struct cluster *cluster)
{
	char path[2 * CLUSTER_PATH_MAX];
	int pid = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
	FILE *file = fopen(path, "re");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

static bool connects(const struct cluster *cluster, const char *role, struct db **db, struct wn_error *err)
{
	char conninfo[CLUSTER_PATH_MAX + 64];
	snprintf(conninfo, sizeof conninfo, "%s user=%s", cluster->conninfo, role);
	return db_open(db, conninfo, err);
}

TEST(a_server_is_made_once_found_again_at_once_and_stopped)
{
	struct cluster cluster;
	struct wn_error err = {0};
	struct db *db;
	struct stat status;
	bool started = false;
	static const char *const roles[] = {"winnow_owner", "winnow_serve", "winnow_ingest", "winnow_embed",
		"winnow_tally", "winnow_reward", "winnow_seal", "winnow_audit"};
	CHECK_OK(test_cluster(&cluster, &err), err);
	CHECK(!cluster_is_up(&cluster));
	/* An initdb that was cut left this behind. */
	char half[CLUSTER_PATH_MAX + 64];
	snprintf(half, sizeof half, "%s/pg.new", cluster.state_dir);
	CHECK_INT(mkdir(half, 0700), 0);
	snprintf(half, sizeof half, "%s/pg.new/PG_VERSION", cluster.state_dir);
	int file = open(half, O_WRONLY | O_CREAT, 0600);
	CHECK(file >= 0);
	close(file);
	CHECK_OR_RETURN(up(&cluster, &started));
	CHECK(started);
	CHECK(cluster_is_up(&cluster));
	CHECK(access(half, F_OK) != 0);
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		CHECK_OK(connects(&cluster, roles[i], &db, &err), err);
		db_close(db);
	}
	CHECK(!connects(&cluster, "postgres", &db, &err));
	/* The server runs as nobody who could read our keys, its data is its own, and no TCP port is open. */
	CHECK_INT(stat(cluster.data_dir, &status), 0);
	CHECK(status.st_uid != 0);
	CHECK_INT(status.st_mode & 07777, 0700);
	CHECK(stat(cluster.socket_dir, &status) == 0 && (status.st_mode & 07777) == 0755);
	CHECK_OK(connects(&cluster, "winnow_owner", &db, &err), err);
	CHECK_OK(db_command(db,
			 "DO $$ BEGIN ASSERT current_setting('listen_addresses') = ''; ASSERT "
			 "current_setting('data_checksums') = 'on'; "
			 "ASSERT current_setting('server_encoding') = 'UTF8'; ASSERT "
			 "current_setting('max_connections') = '200'; "
			 "ASSERT current_setting('shared_buffers') = '32MB'; ASSERT current_setting('wal_compression') "
			 "= 'lz4'; END $$",
			 &err),
		err);
	CHECK_OK(db_command(db, "CREATE TABLE kept (a integer)", &err), err);
	db_close(db);
	int64_t begun_ms = clock_monotonic_ms();
	CHECK(up(&cluster, &started));
	CHECK(!started);
	CHECK(clock_monotonic_ms() - begun_ms < QUICK_MS);
	int pid = postmaster_pid(&cluster);
	CHECK(down(&cluster));
	CHECK(!cluster_is_up(&cluster));
	CHECK_INT(postmaster_pid(&cluster), 0);
	CHECK(down(&cluster));
	/* The lock went with us, not with the server: up works again, on the same data. */
	CHECK_OR_RETURN(up(&cluster, &started));
	CHECK(started);
	CHECK(postmaster_pid(&cluster) != pid);
	CHECK_OK(connects(&cluster, "winnow_owner", &db, &err), err);
	CHECK_OK(db_command(db, "SELECT a FROM kept", &err), err);
	db_close(db);
	/* A killed one leaves postmaster.pid and orphans behind, and comes back without help. */
	pid = postmaster_pid(&cluster);
	CHECK(pid > 1 && kill(pid, SIGKILL) == 0);
	CHECK_OR_RETURN(up(&cluster, &started));
	CHECK(started);
	CHECK(postmaster_pid(&cluster) != pid);
	CHECK_OK(connects(&cluster, "winnow_owner", &db, &err), err);
	CHECK_OK(db_command(db, "SELECT a FROM kept", &err), err);
	/* Settings of an operator's own outlive a start, but not those that lose commits. */
	CHECK_OK(db_command(db, "ALTER SYSTEM SET fsync = off", &err), err);
	CHECK(down(&cluster));
	CHECK(!cluster_up(&cluster, &started, &err));
	CHECK_TEXT(err.code, "db_unsafe");
	db_close(db);
	CHECK(cluster_is_up(&cluster));
	CHECK(down(&cluster));
}

TEST(of_three_that_start_at_once_one_starts_and_all_find_it)
{
	enum { UPS = 3 };
	struct cluster cluster;
	struct wn_error err = {0};
	int starters = 0, status;
	pid_t children[UPS];
	CHECK_OK(test_cluster(&cluster, &err), err);
	for (int i = 0; i < UPS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct db *db;
			bool started, done = cluster_up(&cluster, &started, &err) &&
					     connects(&cluster, "winnow_serve", &db, &err);
			_exit(done ? started : 9);
		}
	}
	for (int i = 0; i < UPS; i++) {
		CHECK(waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status));
		CHECK(WEXITSTATUS(status) < 2);
		starters += WEXITSTATUS(status) == 1;
	}
	CHECK_INT(starters, 1);
	CHECK(down(&cluster));
}

TEST(a_user_without_privileges_runs_a_server_of_their_own)
{
	struct cluster planned;
	struct wn_error err = {0};
	char folder[CLUSTER_PATH_MAX + 32];
	int status;
	struct passwd *nobody = getpwnam("nobody");
	if (geteuid() != 0 || !nobody) {
		test_skip("only root can become somebody else; the other tests ran as a user already");
		return;
	}
	/* In root's folder, so that it is removed with it; nobody's own is one deeper. */
	CHECK_OK(test_cluster(&planned, &err), err);
	snprintf(folder, sizeof folder, "%s/n", planned.state_dir);
	CHECK(mkdir(folder, 0700) == 0 && chown(folder, nobody->pw_uid, nobody->pw_gid) == 0);
	pid_t child = fork();
	if (child == 0) {
		struct cluster cluster;
		struct stat there;
		struct db *db = NULL;
		bool started = false;
		if (setgid(nobody->pw_gid) != 0 || setuid(nobody->pw_uid) != 0)
			_exit(2);
		bool done = cluster_plan(&cluster, folder, &err);
		cluster.shared_buffers_mb = planned.shared_buffers_mb;
		done = done && cluster_up(&cluster, &started, &err) && started &&
		       connects(&cluster, "winnow_tally", &db, &err) && stat(cluster.data_dir, &there) == 0 &&
		       there.st_uid == nobody->pw_uid;
		db_close(db);
		if (!done)
			printf("  %s\n", err.text);
		fflush(stdout);
		_exit(cluster_down(&cluster, &err) && done ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
	CHECK_INT(WEXITSTATUS(status), 0);
}

TEST(folders_that_the_server_may_not_enter_or_others_own_are_refused)
{
	struct cluster cluster, planned;
	struct wn_error err = {0};
	char path[CLUSTER_PATH_MAX + 32], deep[CLUSTER_PATH_MAX + 32];
	bool started;
	CHECK_OK(test_cluster(&planned, &err), err);
	CHECK(!cluster_plan(&cluster, "relative/path", &err));
	CHECK_TEXT(err.code, "cluster_folder");
	if (geteuid() != 0) {
		test_skip("only root hands the server to another user");
		return;
	}
	snprintf(path, sizeof path, "%s/closed", planned.state_dir);
	snprintf(deep, sizeof deep, "%s/closed/state", planned.state_dir);
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK_OK(cluster_plan(&cluster, deep, &err), err);
	CHECK(!cluster_up(&cluster, &started, &err));
	CHECK_TEXT(err.code, "cluster_folder");
	CHECK(strstr(err.text, "may not pass through") != NULL);
	/* A folder for the socket that somebody else made first. */
	snprintf(deep, sizeof deep, "%s/open", planned.state_dir);
	CHECK_INT(mkdir(deep, 0755), 0);
	CHECK_OK(cluster_plan(&cluster, deep, &err), err);
	CHECK_INT(mkdir(cluster.socket_dir, 0777), 0);
	CHECK(!cluster_up(&cluster, &started, &err));
	CHECK_TEXT(err.code, "cluster_folder");
	CHECK(strstr(err.text, "belongs to") != NULL);
}

TEST(a_long_state_folder_gets_a_short_socket)
{
	struct cluster cluster;
	struct wn_error err = {0};
	char longer[CLUSTER_PATH_MAX];
	snprintf(longer, sizeof longer, "/var/lib/%0100d", 7);
	CHECK_OK(cluster_plan(&cluster, longer, &err), err);
	CHECK(strncmp(cluster.socket_dir, "/tmp/winnow-", 12) == 0);
	CHECK(strlen(cluster.socket_dir) + strlen("/.s.PGSQL.5432.lock") <= 107);
	CHECK_OK(cluster_plan(&cluster, "/var/lib/winnow", &err), err);
	CHECK_TEXT(cluster.socket_dir, "/var/lib/winnow/sock");
	CHECK_TEXT(cluster.data_dir, "/var/lib/winnow/pg");
	/* Odd characters stay inside their quotes. */
	CHECK_OK(cluster_plan(&cluster, "/var/lib/o'hare \\ x", &err), err);
	CHECK(strncmp(cluster.conninfo, "host='/var/lib/o\\'hare \\\\ x/sock' ", 34) == 0);
}
