/* Makes, starts, finds and stops the node's own PostgreSQL; never as root, never over TCP, never half made. */
#include "core/cluster.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/db.h"
#include "core/failpoint.h"
#include "core/hash.h"
#include "roles.h"

enum {
	CLUSTER_LOCK_MS = 60000,   /* another `up` may be running initdb */
	CLUSTER_LINGER_MS = 10000, /* a postmaster that was killed may stay visible for a while */
	CLUSTER_START_MS = 300000, /* crash recovery replays at most a few GiB of log */
	CLUSTER_STOP_MS = 120000,  /* the shut-down checkpoint */
	CLUSTER_POLL_MS = 3,
	CLUSTER_GROUPS_MAX = 64,
	CLUSTER_TEXT_MAX = 8192,
	CLUSTER_BUFFERS_MAX_MB = 1024,
	CLUSTER_PATHS_OPEN_MAX = 16
};
#define CLUSTER_SOCKET "/.s.PGSQL.5432"

/* Who runs the server, and with which programs. */
struct cluster_run {
	const struct cluster *cluster;
	char bin_dir[CLUSTER_PATH_MAX];
	char user[64], invoker[64];
	uid_t uid;
	gid_t gid, groups[CLUSTER_GROUPS_MAX];
	int group_count;
	bool drop; /* we are root, the server must not be */
};

static void cluster_sleep(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

/* ---- names and paths ---- */

static bool cluster_user(struct cluster_run *run, struct wn_error *err)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;
	getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
	if (!found)
		return wn_fail(err, WN_INPUT, "cluster_user",
			"uid %d has no entry in /etc/passwd, which PostgreSQL needs", (int)geteuid());
	snprintf(run->invoker, sizeof run->invoker, "%s", entry.pw_name);
	run->drop = geteuid() == 0;
	if (run->drop) {
		getpwnam_r("postgres", &entry, buffer, sizeof buffer, &found);
		if (!found)
			return wn_fail(err, WN_DOWN, "cluster_user",
				"there is no user postgres: install the package postgresql, or run as another user "
				"than "
				"root");
	}
	snprintf(run->user, sizeof run->user, "%s", entry.pw_name);
	run->uid = entry.pw_uid;
	run->gid = entry.pw_gid;
	run->group_count = CLUSTER_GROUPS_MAX;
	if (getgrouplist(entry.pw_name, entry.pw_gid, run->groups, &run->group_count) < 0)
		return wn_fail(err, WN_INPUT, "cluster_user", "user %s is in more than %d groups", entry.pw_name,
			CLUSTER_GROUPS_MAX);
	return true;
}

/* Copies text and puts a backslash before what libpq and PostgreSQL's files would take for the end of a quoted value.
 */
static void cluster_quote(char out[CLUSTER_PATH_MAX], const char *text, const char *escape)
{
	size_t at = 0;
	for (; *text && at + 3 < CLUSTER_PATH_MAX; text++) {
		if (strchr("'\\", *text))
			out[at++] = *escape == '\'' ? *text : '\\';
		out[at++] = *text;
	}
	out[at] = '\0';
}

bool cluster_plan(struct cluster *cluster, const char *state_dir, struct wn_error *err)
{
	enum { SOCKET_PATH_MAX = sizeof((struct sockaddr_un *)0)->sun_path - 1, SOCKET_HEX = 24 };
	struct cluster_run run = {.cluster = cluster};
	memset(cluster, 0, sizeof *cluster);
	if (state_dir[0] != '/')
		return wn_fail(
			err, WN_INPUT, "cluster_folder", "the state folder %s is not an absolute path", state_dir);
	if (strlen(state_dir) > CLUSTER_PATH_MAX / 2 || strpbrk(state_dir, "\n\r"))
		return wn_fail(err, WN_INPUT, "cluster_folder", "the state folder's path is too long or has line ends");
	if (!cluster_user(&run, err))
		return false;
	snprintf(cluster->state_dir, sizeof cluster->state_dir, "%s", state_dir);
	snprintf(cluster->data_dir, sizeof cluster->data_dir, "%s/pg", state_dir);
	int bytes = snprintf(cluster->socket_dir, sizeof cluster->socket_dir, "%s/sock", state_dir);
	if (bytes + strlen(CLUSTER_SOCKET) > SOCKET_PATH_MAX) {
		struct sha256 hash;
		char hex[ID_HEX_ROOM];
		sha256_of(state_dir, strlen(state_dir), &hash);
		hex_write(hex, hash.bytes, ID_BYTES);
		snprintf(cluster->socket_dir, sizeof cluster->socket_dir, "/tmp/winnow-%.*s", SOCKET_HEX, hex);
	}
	/* requirepeer: whoever else puts a socket there is not our server. */
	char host[CLUSTER_PATH_MAX];
	cluster_quote(host, cluster->socket_dir, "\\");
	bytes = snprintf(cluster->conninfo, sizeof cluster->conninfo,
		"host='%s' port=5432 requirepeer=%s dbname=winnow", host, run.user);
	return bytes < (int)sizeof cluster->conninfo ||
	       wn_fail(err, WN_INPUT, "cluster_folder", "the state folder's path is too long");
}

static bool cluster_file_there(const char *directory, const char *name)
{
	char path[2 * CLUSTER_PATH_MAX + 32];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

/* The version that made the data folder; without one, the newest that is installed. */
static bool cluster_find_programs(struct cluster_run *run, struct wn_error *err)
{
	static const char root[] = "/usr/lib/postgresql";
	char path[2 * CLUSTER_PATH_MAX];
	int wanted = 0, best = 0;
	snprintf(path, sizeof path, "%s/PG_VERSION", run->cluster->data_dir);
	FILE *file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%d", &wanted) != 1)
			wanted = 0;
		fclose(file);
	}
	DIR *directory = opendir(root);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		int version = atoi(entry->d_name);
		snprintf(path, sizeof path, "%s/%d/bin", root, version);
		if (version > best && (wanted == 0 || version == wanted) && cluster_file_there(path, "postgres") &&
			cluster_file_there(path, "initdb"))
			best = version;
	}
	if (directory)
		closedir(directory);
	if (best > 0) {
		snprintf(run->bin_dir, sizeof run->bin_dir, "%s/%d/bin", root, best);
		return true;
	}
	/* Other distributions: all programs of the one version lie in one folder of PATH, which pg_config tells. */
	FILE *answer = popen("pg_config --bindir 2>/dev/null", "re");
	bool told = answer && fgets(run->bin_dir, sizeof run->bin_dir, answer);
	if (answer)
		pclose(answer);
	run->bin_dir[strcspn(run->bin_dir, "\n")] = '\0';
	if (told && cluster_file_there(run->bin_dir, "postgres") && cluster_file_there(run->bin_dir, "initdb"))
		return true;
	if (wanted)
		return wn_fail(err, WN_DOWN, "cluster_programs",
			"%s was made by PostgreSQL %d, which is not installed: install postgresql-%d",
			run->cluster->data_dir, wanted, wanted);
	return wn_fail(
		err, WN_DOWN, "cluster_programs", "PostgreSQL's server programs are not installed: install postgresql");
}

/* ---- folders and files ---- */

static bool cluster_folder(
	const struct cluster_run *run, const char *path, mode_t mode, bool servers, struct wn_error *err)
{
	struct stat status;
	if (mkdir(path, mode) == 0) {
		if (chmod(path, mode) != 0 || (servers && run->drop && chown(path, run->uid, run->gid) != 0))
			return wn_fail(err, WN_DOWN, "cluster_folder", "%s: %s", path, strerror(errno));
	} else if (errno != EEXIST) {
		return wn_fail(err, WN_DOWN, "cluster_folder", "make folder %s: %s", path, strerror(errno));
	}
	/* Nobody else's folder, and no link: below /tmp anybody may have made it. */
	if (lstat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return wn_fail(err, WN_INPUT, "cluster_folder", "%s is no folder", path);
	if (status.st_uid != (servers ? run->uid : geteuid()))
		return wn_fail(err, WN_INPUT, "cluster_folder",
			"%s belongs to uid %d: run as its owner, or choose another state folder", path,
			(int)status.st_uid);
	return true;
}

/* The server's user must get through to the data folder; a checkout in root's home is the usual mistake. */
static bool cluster_let_through(const struct cluster_run *run, struct wn_error *err)
{
	char path[CLUSTER_PATH_MAX];
	snprintf(path, sizeof path, "%s", run->cluster->state_dir);
	for (char *slash = path + strlen(path); run->drop && slash; slash = strrchr(path, '/')) {
		struct stat status;
		*slash = '\0';
		if (*path == '\0')
			break;
		if (stat(path, &status) != 0)
			return wn_fail(err, WN_DOWN, "cluster_folder", "%s: %s", path, strerror(errno));
		mode_t bit = status.st_uid == run->uid ? S_IXUSR : status.st_gid == run->gid ? S_IXGRP : S_IXOTH;
		if (!(status.st_mode & bit))
			return wn_fail(err, WN_INPUT, "cluster_folder",
				"user %s, who runs the server, may not pass through %s: choose a state folder below "
				"/var/lib",
				run->user, path);
	}
	return true;
}

static int cluster_remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)place;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static bool cluster_same_text(const char *path, const char *text)
{
	char there[CLUSTER_TEXT_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t bytes = fd >= 0 ? read(fd, there, sizeof there) : -1;
	if (fd >= 0)
		close(fd);
	return bytes == (ssize_t)strlen(text) && memcmp(there, text, (size_t)bytes) == 0;
}

/* Replaces a file of the data folder when it says something else. The folder is the server's, so nothing there is
 * followed. */
static bool cluster_write(
	const struct cluster_run *run, const char *name, const char *text, bool *changed, struct wn_error *err)
{
	char path[2 * CLUSTER_PATH_MAX], fresh[2 * CLUSTER_PATH_MAX + 8];
	snprintf(path, sizeof path, "%s/%s", run->cluster->data_dir, name);
	snprintf(fresh, sizeof fresh, "%s.new", path);
	if (cluster_same_text(path, text))
		return true;
	unlink(fresh);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool done = fd >= 0 && (!run->drop || fchown(fd, run->uid, run->gid) == 0) &&
		    write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
	if (fd >= 0 && close(fd) != 0)
		done = false;
	if (!done || rename(fresh, path) != 0)
		return wn_fail(err, WN_DOWN, "cluster_folder", "write %s: %s", path, strerror(errno));
	*changed = true;
	return true;
}

static int cluster_buffers_mb(const struct cluster *cluster)
{
	if (cluster->shared_buffers_mb > 0)
		return cluster->shared_buffers_mb;
	long long bytes = (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), limit;
	/* A container's share may be less than the machine. */
	FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
	if (file && fscanf(file, "%lld", &limit) == 1 && limit < bytes)
		bytes = limit;
	if (file)
		fclose(file);
	long long mb = bytes / 4 / (1024 * 1024);
	return mb > CLUSTER_BUFFERS_MAX_MB ? CLUSTER_BUFFERS_MAX_MB : mb < 16 ? 16 : (int)mb;
}

/* Only errors without their details are logged: a detail quotes the row. A week of logs stays. */
static const char cluster_settings[] =
	"# Written by winnow at every start; put settings of your own into postgresql.auto.conf (ALTER SYSTEM).\n"
	"listen_addresses = ''\n"
	"port = 5432\n"
	"unix_socket_directories = '%s'\n"
	"unix_socket_permissions = 0777\n"
	"max_connections = 200\n"
	"shared_buffers = %dMB\n"
	"max_wal_size = 4GB\n"
	"wal_compression = lz4\n"
	"jit = off\n"
	"fsync = on\n"
	"full_page_writes = on\n"
	"synchronous_commit = on\n"
	"idle_in_transaction_session_timeout = 10min\n"
	"timezone = 'UTC'\n"
	"log_timezone = 'UTC'\n"
	"logging_collector = on\n"
	"log_directory = 'log'\n"
	"log_filename = 'winnow-%%a.log'\n"
	"log_truncate_on_rotation = on\n"
	"log_rotation_age = 1d\n"
	"log_rotation_size = 0\n"
	"log_error_verbosity = terse\n"
	"log_min_error_statement = panic\n";

static bool cluster_configure(const struct cluster_run *run, bool *changed, struct wn_error *err)
{
	static const char *const roles[] = {"winnow_owner", "winnow_serve", "winnow_ingest", "winnow_embed",
		"winnow_tally", "winnow_reward", "winnow_seal", "winnow_audit"};
	const char *const users[] = {"root", "postgres", run->invoker};
	char settings[CLUSTER_TEXT_MAX], ident[CLUSTER_TEXT_MAX], socket_dir[CLUSTER_PATH_MAX];
	cluster_quote(socket_dir, run->cluster->socket_dir, "'");
	snprintf(settings, sizeof settings, cluster_settings, socket_dir, cluster_buffers_mb(run->cluster));
	size_t at = (size_t)snprintf(ident, sizeof ident, "# Written by winnow: who may be which role.\n");
	for (size_t u = 0; u < sizeof users / sizeof users[0]; u++) {
		if (u == 2 && (strcmp(users[2], users[0]) == 0 || strcmp(users[2], users[1]) == 0))
			continue;
		for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++)
			at += (size_t)snprintf(ident + at, sizeof ident - at, "winnow \"%s\" %s\n", users[u], roles[r]);
	}
	wn_assert(at < sizeof ident);
	return cluster_write(run, "winnow.conf", settings, changed, err) &&
	       cluster_write(run, "pg_ident.conf", ident, changed, err) &&
	       cluster_write(run, "pg_hba.conf",
		       "# Written by winnow: the kernel says who connects, pg_ident.conf who may.\n"
		       "local all all peer map=winnow\n",
		       changed, err);
}

/* ---- programs ---- */

/* In the child: only calls that are safe between fork and exec. */
static void cluster_exec(const struct cluster_run *run, char *const argv[], int output) __attribute__((noreturn));
static void cluster_exec(const struct cluster_run *run, char *const argv[], int output)
{
	static char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};
	sigset_t none;
	sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int nothing = open("/dev/null", O_RDONLY);
	setsid();
	umask(077);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0 || chdir("/") != 0)
		_exit(127);
	if (run->drop && (setgroups((size_t)run->group_count, run->groups) != 0 || setgid(run->gid) != 0 ||
				 setuid(run->uid) != 0))
		_exit(127);
	execve(argv[0], argv, environment);
	_exit(127);
}

static int cluster_log_open(const struct cluster_run *run, char path[2 * CLUSTER_PATH_MAX])
{
	snprintf(path, 2 * CLUSTER_PATH_MAX, "%s/pg-start.log", run->cluster->state_dir);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The last line that a program left, for the error's text. */
static void cluster_last_line(const char *path, char out[256])
{
	char line[256];
	FILE *file = fopen(path, "re");
	snprintf(out, 256, "it said nothing");
	while (file && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			snprintf(out, 256, "%s", line);
	}
	if (file)
		fclose(file);
}

/* Into a sibling, then renamed: an initdb that was cut never looks finished. */
static bool cluster_initdb(struct cluster_run *run, struct wn_error *err)
{
	struct cluster fresh = *run->cluster;
	const struct cluster *cluster = run->cluster;
	char program[CLUSTER_PATH_MAX + 16], path[2 * CLUSTER_PATH_MAX], line[256];
	int bytes = snprintf(fresh.data_dir, sizeof fresh.data_dir, "%s/pg.new", cluster->state_dir);
	wn_assert(bytes < (int)sizeof fresh.data_dir);
	nftw(fresh.data_dir, cluster_remove_one, CLUSTER_PATHS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
	if (!cluster_folder(run, fresh.data_dir, 0700, true, err))
		return false;
	snprintf(program, sizeof program, "%s/initdb", run->bin_dir);
	char *argv[] = {program, "-D", fresh.data_dir, "-U", "winnow_owner", "--auth=reject", "--data-checksums", "-E",
		"UTF8", "--locale=C.UTF-8", NULL};
	int log = cluster_log_open(run, path), status = 0;
	if (log < 0)
		return wn_fail(err, WN_DOWN, "cluster_folder", "write %s: %s", path, strerror(errno));
	pid_t child = fork();
	if (child == 0)
		cluster_exec(run, argv, log);
	close(log);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		cluster_last_line(path, line);
		return wn_fail(err, WN_DOWN, "cluster_initdb", "%s failed: %s; see %s", program, line, path);
	}
	run->cluster = &fresh;
	char text[CLUSTER_TEXT_MAX * 8];
	snprintf(path, sizeof path, "%s/postgresql.conf", fresh.data_dir);
	FILE *file = fopen(path, "re");
	size_t count = file ? fread(text, 1, sizeof text - 64, file) : 0;
	if (file)
		fclose(file);
	snprintf(text + count, sizeof text - count, "\ninclude 'winnow.conf'\n");
	bool changed = false,
	     done = cluster_write(run, "postgresql.conf", text, &changed, err) && cluster_configure(run, &changed, err);
	run->cluster = cluster;
	if (!done)
		return false;
	int parent = open(cluster->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FAILPOINT("before_rename");
	done = rename(fresh.data_dir, cluster->data_dir) == 0 && parent >= 0 && fsync(parent) == 0;
	if (parent >= 0)
		close(parent);
	return done || wn_fail(err, WN_DOWN, "cluster_folder", "rename %s: %s", fresh.data_dir, strerror(errno));
}

/* Line 1 of postmaster.pid, if that process is alive and PostgreSQL's; 0 otherwise. The file itself is never touched.
 */
static pid_t cluster_postmaster(const struct cluster *cluster)
{
	char path[2 * CLUSTER_PATH_MAX], state = 'Z', name[32] = "";
	int pid = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &pid) != 1 || pid <= 1)
		pid = 0;
	fclose(file);
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (pid == 0 || !(file = fopen(path, "re")))
		return 0;
	int fields = fscanf(file, "%*d (%31[^)]) %c", name, &state);
	fclose(file);
	/* After a power cut the number may belong to anybody; a zombie is only waiting to be reaped. */
	return fields == 2 && strcmp(name, "postgres") == 0 && state != 'Z' && state != 'X' ? pid : 0;
}

/* Twice forked, so that it outlives us and is not our child to reap. *pid is the postmaster's. */
static bool cluster_launch(
	const struct cluster_run *run, pid_t *pid, char log_path[2 * CLUSTER_PATH_MAX], struct wn_error *err)
{
	char program[CLUSTER_PATH_MAX + 16];
	snprintf(program, sizeof program, "%s/postgres", run->bin_dir);
	char *argv[] = {program, "-D", (char *)run->cluster->data_dir, NULL};
	int log = cluster_log_open(run, log_path), pipes[2];
	if (log < 0)
		return wn_fail(err, WN_DOWN, "cluster_folder", "write %s: %s", log_path, strerror(errno));
	if (pipe2(pipes, O_CLOEXEC) != 0) {
		close(log);
		return wn_fail(err, WN_FULL, "cluster_start", "pipe: %s", strerror(errno));
	}
	pid_t between = fork();
	if (between == 0) {
		pid_t server = fork();
		if (server == 0)
			cluster_exec(run, argv, log);
		_exit(write(pipes[1], &server, sizeof server) == sizeof server ? 0 : 1);
	}
	close(log);
	close(pipes[1]);
	*pid = 0;
	ssize_t got = between > 0 ? read(pipes[0], pid, sizeof *pid) : -1;
	close(pipes[0]);
	while (between > 0 && waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	return (got == sizeof *pid && *pid > 0) || wn_fail(err, WN_FULL, "cluster_start", "fork: %s", strerror(errno));
}

/* A process that ended is gone or a zombie of pid 1. */
static bool cluster_process_ended(pid_t pid)
{
	char path[64], state = 'X';
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return true;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(file);
	return state == 'Z' || state == 'X';
}

/* ---- life ---- */

static bool cluster_connect(const struct cluster *cluster, const char *database, struct db **out, struct wn_error *err)
{
	char conninfo[CLUSTER_PATH_MAX + 64];
	snprintf(conninfo, sizeof conninfo, "%s dbname=%s user=winnow_owner", cluster->conninfo, database);
	return db_open(out, conninfo, err);
}

bool cluster_is_up(const struct cluster *cluster)
{
	struct db *db;
	struct wn_error err;
	bool up = cluster_connect(cluster, "postgres", &db, &err);
	if (up)
		db_close(db);
	/* An unsafe server is up; whoever connects next tells why it is refused. */
	return up || strcmp(err.code, "db_unsafe") == 0;
}

static bool cluster_lock(const struct cluster *cluster, int *fd, struct wn_error *err)
{
	char path[2 * CLUSTER_PATH_MAX];
	snprintf(path, sizeof path, "%s/pg.lock", cluster->state_dir);
	/* Close-on-exec: a postmaster that inherited it would hold the lock for as long as it lives. */
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return wn_fail(err, WN_DOWN, "cluster_folder", "open %s: %s", path, strerror(errno));
	int64_t until_ms = clock_monotonic_ms() + CLUSTER_LOCK_MS;
	while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
		if ((errno != EWOULDBLOCK && errno != EINTR) || clock_monotonic_ms() > until_ms) {
			close(*fd);
			return wn_fail(err, WN_BUSY, "cluster_busy", "somebody else holds %s", path);
		}
		cluster_sleep(CLUSTER_POLL_MS);
	}
	return true;
}

/* Starts until it answers. A start that fails beside a lingering postmaster.pid is tried again for a while. */
static bool cluster_start(const struct cluster_run *run, bool *started, struct wn_error *err)
{
	char log[2 * CLUSTER_PATH_MAX] = "", line[256];
	int64_t begun_ms = clock_monotonic_ms();
	pid_t pid = 0;
	*started = false;
	for (;;) {
		if (cluster_is_up(run->cluster))
			return true;
		int64_t waited_ms = clock_monotonic_ms() - begun_ms;
		if (waited_ms > CLUSTER_START_MS)
			return wn_fail(err, WN_DOWN, "cluster_start",
				"the server does not answer after %d s; see %s/log", CLUSTER_START_MS / 1000,
				run->cluster->data_dir);
		if (pid && !cluster_process_ended(pid)) {
			cluster_sleep(CLUSTER_POLL_MS);
			continue;
		}
		if (pid) {
			*started = false;
			cluster_last_line(log, line);
			if (waited_ms > CLUSTER_LINGER_MS ||
				!cluster_file_there(run->cluster->data_dir, "postmaster.pid"))
				return wn_fail(err, WN_DOWN, "cluster_start",
					"the server does not start: %s; see %s and %s/log", line, log,
					run->cluster->data_dir);
			cluster_sleep(50);
		}
		if (!cluster_launch(run, &pid, log, err))
			return false;
		*started = true;
	}
}

/* What every connection expects: roles and the database. */
static bool cluster_furnish(const struct cluster *cluster, struct wn_error *err)
{
	struct db *db;
	struct wn_error missing;
	if (!cluster_connect(cluster, "postgres", &db, err))
		return false;
	bool done = db_command(db, (const char *)roles_files[0].bytes, err);
	if (done) {
		struct db *there = NULL;
		bool found = cluster_connect(cluster, "winnow", &there, &missing);
		db_close(there);
		done = found ||
		       db_command(
			       db, "CREATE DATABASE winnow OWNER winnow_owner ENCODING 'UTF8' TEMPLATE template0", err);
	}
	db_close(db);
	return done || wn_while(err, "make the database");
}

static bool cluster_up_locked(struct cluster_run *run, bool *started, struct wn_error *err)
{
	const struct cluster *cluster = run->cluster;
	bool changed = false;
	if (!cluster_let_through(run, err) || !cluster_find_programs(run, err) ||
		!cluster_folder(run, cluster->socket_dir, 0755, true, err))
		return false;
	if (!cluster_file_there(cluster->data_dir, "PG_VERSION") && !cluster_initdb(run, err))
		return false;
	if (!cluster_folder(run, cluster->data_dir, 0700, true, err) || !cluster_configure(run, &changed, err))
		return false;
	pid_t running = cluster_postmaster(cluster);
	if (changed && running)
		kill(running, SIGHUP);
	return cluster_start(run, started, err) && cluster_furnish(cluster, err);
}

bool cluster_up(const struct cluster *cluster, bool *started, struct wn_error *err)
{
	struct cluster_run run = {.cluster = cluster};
	struct db *db;
	int lock;
	*started = false;
	/* The usual case costs one connection: roles and database were made before the first `up` ended. */
	if (cluster_connect(cluster, "winnow", &db, err)) {
		db_close(db);
		return true;
	}
	if (!cluster_user(&run, err) || !cluster_folder(&run, cluster->state_dir, run.drop ? 0755 : 0700, false, err) ||
		!cluster_lock(cluster, &lock, err))
		return wn_while(err, "start PostgreSQL");
	bool done = cluster_up_locked(&run, started, err);
	close(lock);
	return done || wn_while(err, "start PostgreSQL");
}

bool cluster_down(const struct cluster *cluster, struct wn_error *err)
{
	int lock;
	if (!cluster_file_there(cluster->data_dir, "postmaster.pid"))
		return true;
	if (!cluster_lock(cluster, &lock, err))
		return wn_while(err, "stop PostgreSQL");
	pid_t pid = cluster_postmaster(cluster);
	/* SIGINT is the fast mode: open transactions are rolled back, the log is flushed. */
	bool done = pid == 0 || kill(pid, SIGINT) == 0 ||
		    wn_fail(err, WN_INPUT, "cluster_stop", "signal process %d: %s", (int)pid, strerror(errno));
	int64_t until_ms = clock_monotonic_ms() + CLUSTER_STOP_MS;
	while (done && pid && !cluster_process_ended(pid)) {
		if (clock_monotonic_ms() > until_ms)
			done = wn_fail(err, WN_DOWN, "cluster_stop", "process %d does not end", (int)pid);
		cluster_sleep(CLUSTER_POLL_MS);
	}
	close(lock);
	return done || wn_while(err, "stop PostgreSQL");
}
