/* The supervisor with tiny roles: they come back after growing pauses, stop together, and never outlive it. */
#include "cmd/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "core/clock.h"
#include "tests/check.h"

SUITE("supervisor")

enum { PATH_ROOM = 512, WAIT_MS = 20000, POLL_MS = 10, STARTS_MAX = 100 };
#define FOLDER "SUPERVISED_FOLDER"

/* ---- the roles: this program again, under the supervisor's hand ---- */

static void mark_add(const char *name, const char *text)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "%s/%s", getenv(FOLDER), name);
	FILE *file = fopen(path, "ae");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		_exit(99);
}

static void role_stay(const char *name)
{
	char text[64];
	snprintf(text, sizeof text, "%ld\n", (long)getpid());
	mark_add(name, text);
	for (;;)
		pause();
}

/* The supervisor runs `/proc/self/exe ROLE` as "winnow": that is this test, before it becomes one. */
__attribute__((constructor)) static void role_become(int argc, char **argv)
{
	char text[64];
	if (argc != 2 || strcmp(argv[0], "winnow") != 0 || !getenv(FOLDER))
		return;
	if (strcmp(argv[1], "brief") == 0) {
		snprintf(text, sizeof text, "%lld\n", (long long)clock_monotonic_ms());
		mark_add("brief", text);
		_exit(3);
	}
	if (strcmp(argv[1], "port") == 0) {
		mark_add("port", getenv("WINNOW_SERVE_PORT") ? getenv("WINNOW_SERVE_PORT") : "none");
		mark_add("port", "\n");
	}
	role_stay(argv[1]);
}

/* ---- the supervisor, in a process of its own ---- */

struct supervised {
	pid_t pid;
	char folder[PATH_ROOM];
};

static int ticks_count(void *context)
{
	(void)context;
	mark_add("ticks", ".");
	return 5;
}

static bool supervised_start(struct supervised *supervised, const char *const roles[], int (*tick)(void *context))
{
	const char *folder = test_folder();
	memset(supervised, 0, sizeof *supervised);
	if (!folder)
		return false;
	snprintf(supervised->folder, sizeof supervised->folder, "%s", folder);
	fflush(NULL);
	supervised->pid = fork();
	if (supervised->pid == 0) {
		const struct option *tables[COMMAND_TABLES_MAX + 1];
		struct wn_error err = {0};
		/* A test that dies takes its supervisor along, and that its roles. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		setpgid(0, 0);
		setenv(FOLDER, folder, 1);
		log_start("supervisor_test", LOG_ERROR);
		command_tables(command_find("up"), tables);
		struct options *options = options_open(tables);
		if (!option_set(options, "serve.port", "4711", &err))
			_exit(98);
		_exit(supervise(options, roles, tick, NULL));
	}
	return CHECK(supervised->pid > 0);
}

/* Exit status of the supervisor; -1 when it did not end in time and was killed. */
static int supervised_wait(struct supervised *supervised, int *ended_by)
{
	int status = 0;
	for (int ms = 0; ms < WAIT_MS; ms += POLL_MS) {
		if (waitpid(supervised->pid, &status, WNOHANG) == supervised->pid) {
			*ended_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		}
		poll(NULL, 0, POLL_MS);
	}
	kill(supervised->pid, SIGKILL);
	waitpid(supervised->pid, &status, 0);
	*ended_by = -1;
	return -1;
}

static int supervised_stop(struct supervised *supervised, int number)
{
	int ended_by;
	kill(supervised->pid, number);
	return supervised_wait(supervised, &ended_by);
}

/* Numbers that the roles wrote into a file, a line each; waits until there are `least`. */
static size_t marks_await(const struct supervised *supervised, const char *name, size_t least, int64_t out[STARTS_MAX])
{
	char path[PATH_ROOM + 64];
	size_t count = 0;
	snprintf(path, sizeof path, "%s/%s", supervised->folder, name);
	for (int ms = 0; ms < WAIT_MS; ms += POLL_MS) {
		FILE *file = fopen(path, "re");
		long long value;
		char end;
		count = 0;
		while (file && count < STARTS_MAX && fscanf(file, "%lld%c", &value, &end) == 2)
			out[count++] = value;
		if (file)
			fclose(file);
		if (count >= least)
			return count;
		poll(NULL, 0, POLL_MS);
	}
	CHECK_INT((int64_t)count, (int64_t)least);
	return count;
}

static bool process_runs(pid_t pid)
{
	char path[64], state = 'X';
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 'X';
	fclose(file);
	return state != 'Z' && state != 'X';
}

static bool process_ends(pid_t pid)
{
	for (int ms = 0; ms < WAIT_MS && process_runs(pid); ms += POLL_MS)
		poll(NULL, 0, POLL_MS);
	return !process_runs(pid);
}

/* ---- tests ---- */

TEST(a_role_that_keeps_ending_comes_back_after_growing_pauses)
{
	static const char *const roles[] = {"brief", "steady", NULL};
	static const int64_t pauses_ms[] = {0, 100, 200, 400, 800};
	enum { PAUSES = sizeof pauses_ms / sizeof pauses_ms[0] };
	struct supervised supervised;
	int64_t starts_ms[STARTS_MAX], steady[STARTS_MAX];
	CHECK_OR_RETURN(supervised_start(&supervised, roles, NULL));
	size_t count = marks_await(&supervised, "brief", PAUSES + 1, starts_ms);
	for (size_t i = 0; i < PAUSES && i + 1 < count; i++)
		CHECK(starts_ms[i + 1] - starts_ms[i] >= pauses_ms[i]);
	/* The one beside it was left alone. */
	CHECK_INT((int64_t)marks_await(&supervised, "steady", 1, steady), 1);
	CHECK(process_runs((pid_t)steady[0]));
	CHECK_INT(supervised_stop(&supervised, SIGTERM), EXIT_DONE);
	CHECK(!process_runs((pid_t)steady[0]));
}

TEST(a_role_that_was_killed_comes_back_at_once)
{
	static const char *const roles[] = {"steady", "other", NULL};
	struct supervised supervised;
	int64_t pids[STARTS_MAX], others[STARTS_MAX];
	CHECK_OR_RETURN(supervised_start(&supervised, roles, NULL));
	CHECK_OR_RETURN(marks_await(&supervised, "steady", 1, pids) == 1);
	CHECK_OR_RETURN(marks_await(&supervised, "other", 1, others) == 1);
	kill((pid_t)pids[0], SIGKILL);
	CHECK_OR_RETURN(marks_await(&supervised, "steady", 2, pids) == 2);
	CHECK(pids[1] != pids[0]);
	CHECK(process_runs((pid_t)pids[1]));
	CHECK_INT((int64_t)marks_await(&supervised, "other", 1, others), 1);
	CHECK_INT(supervised_stop(&supervised, SIGTERM), EXIT_DONE);
}

TEST(each_signal_that_ends_a_node_stops_all_roles)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	static const char *const roles[] = {"one", "two", "three", NULL};
	for (size_t s = 0; s < sizeof signals / sizeof signals[0]; s++) {
		struct supervised supervised;
		int64_t pids[3][STARTS_MAX];
		CHECK_OR_RETURN(supervised_start(&supervised, roles, NULL));
		for (int i = 0; i < 3; i++)
			CHECK_INT((int64_t)marks_await(&supervised, roles[i], 1, pids[i]), 1);
		CHECK_INT(supervised_stop(&supervised, signals[s]), EXIT_DONE);
		for (int i = 0; i < 3; i++)
			CHECK(!process_runs((pid_t)pids[i][0]));
	}
}

TEST(roles_end_with_a_supervisor_that_was_killed)
{
	static const char *const roles[] = {"one", "two", NULL};
	struct supervised supervised;
	int64_t pids[2][STARTS_MAX];
	int ended_by;
	CHECK_OR_RETURN(supervised_start(&supervised, roles, NULL));
	for (int i = 0; i < 2; i++)
		CHECK_OR_RETURN(marks_await(&supervised, roles[i], 1, pids[i]) == 1);
	kill(supervised.pid, SIGKILL);
	supervised_wait(&supervised, &ended_by);
	CHECK_INT(ended_by, SIGKILL);
	for (int i = 0; i < 2; i++)
		CHECK(process_ends((pid_t)pids[i][0]));
}

TEST(roles_find_the_options_in_their_environment)
{
	static const char *const roles[] = {"port", NULL};
	struct supervised supervised;
	int64_t ports[STARTS_MAX] = {0};
	CHECK_OR_RETURN(supervised_start(&supervised, roles, NULL));
	/* The port, then the pid. */
	CHECK_INT((int64_t)marks_await(&supervised, "port", 2, ports), 2);
	CHECK_INT(ports[0], 4711);
	CHECK_INT(supervised_stop(&supervised, SIGTERM), EXIT_DONE);
}

TEST(the_tick_is_called_as_often_as_it_asks_for)
{
	static const char *const roles[] = {"steady", NULL};
	struct supervised supervised;
	int64_t pids[STARTS_MAX];
	char path[PATH_ROOM + 16], text[64] = "";
	CHECK_OR_RETURN(supervised_start(&supervised, roles, ticks_count));
	CHECK_INT((int64_t)marks_await(&supervised, "steady", 1, pids), 1);
	snprintf(path, sizeof path, "%s/ticks", supervised.folder);
	for (int ms = 0; ms < WAIT_MS && strlen(text) < 20; ms += POLL_MS) {
		FILE *file = fopen(path, "re");
		if (file && !fgets(text, sizeof text, file))
			text[0] = '\0';
		if (file)
			fclose(file);
		poll(NULL, 0, POLL_MS);
	}
	CHECK(strlen(text) >= 20);
	CHECK_INT(supervised_stop(&supervised, SIGTERM), EXIT_DONE);
}
