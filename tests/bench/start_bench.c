/* How soon a node is ready again on the state that an earlier run left, its PostgreSQL left running or stopped. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/fetch.h"
#include "tests/check.h"

enum { TURNS = 7, PATH_ROOM = 512, POLL_MS = 2, ADDRESS_ROOM = 128 };
static const double first_seconds = 60, again_seconds = 20;

struct start {
	char state[PATH_ROOM];
	pid_t node; /* 0: does not run */
};

static bool address_read(const struct start *start, char url[ADDRESS_ROOM])
{
	char path[PATH_ROOM + 32];
	snprintf(path, sizeof path, "%s/run/serve.address", start->state);
	FILE *file = fopen(path, "re");
	bool read = file && fgets(url, ADDRESS_ROOM, file) && strchr(url, '\n');
	if (file)
		fclose(file);
	url[strcspn(url, "\n")] = '\0';
	return read;
}

static bool ready(const char *url)
{
	struct fetch_request request = {.method = "GET", .target = "/readyz", .timeout_ms = 2000};
	struct fetch_answer answer;
	struct wn_arena arena;
	struct wn_error err;
	struct fetch *fetch;
	if (!fetch_open(&fetch, url, NULL, &err))
		return false;
	wn_arena_init(&arena, 1 << 20);
	bool yes = fetch_send(fetch, &arena, &request, &answer, &err) && answer.status == 200;
	wn_arena_free(&arena);
	fetch_close(fetch);
	return yes;
}

static void node_child(const struct start *start, pid_t parent) __attribute__((noreturn));
static void node_child(const struct start *start, pid_t parent)
{
	char log[PATH_ROOM + 32];
	snprintf(log, sizeof log, "%s.log", start->state);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	int file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(file, 1);
	dup2(file, 2);
	if (getppid() == parent)
		execl(getenv("WINNOW"), "winnow", "up", "--node.state", start->state, "--serve.port", "0",
			(char *)NULL);
	_exit(127);
}

/* From the start of the process until it says that it is ready. */
static bool node_start(struct start *start, double most_seconds, double *seconds, struct wn_error *err)
{
	char stale[PATH_ROOM + 32], url[ADDRESS_ROOM] = "";
	snprintf(stale, sizeof stale, "%s/run/serve.address", start->state);
	unlink(stale);
	fflush(NULL);
	double begun = bench_seconds();
	pid_t parent = getpid();
	start->node = fork();
	if (start->node == 0)
		node_child(start, parent);
	while (bench_seconds() - begun < most_seconds) {
		if (address_read(start, url) && ready(url)) {
			*seconds = bench_seconds() - begun;
			return true;
		}
		if (waitpid(start->node, NULL, WNOHANG) != 0) {
			start->node = 0;
			break;
		}
		poll(NULL, 0, POLL_MS);
	}
	return wn_fail(err, WN_DOWN, "bench_start", "the node is not ready: see %s.log", start->state);
}

/* As Ctrl-C: the roles end, PostgreSQL stays. */
static bool node_stop(struct start *start, struct wn_error *err)
{
	int status = 0;
	if (start->node <= 0)
		return true;
	kill(start->node, SIGTERM);
	while (waitpid(start->node, &status, 0) < 0 && errno == EINTR)
		;
	start->node = 0;
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       wn_fail(err, WN_DOWN, "bench_start", "the node ended with status %d", status);
}

static bool database_stop(const struct start *start, struct wn_error *err)
{
	const char *const argv[] = {getenv("WINNOW"), "down", "--node.state", start->state, NULL};
	return bench_execute(argv, NULL, NULL, err);
}

static bool start_turns(struct start *start, struct wn_error *err)
{
	struct bench_series warm = {.name = "second start", .unit = "s (wall)", .most = 1};
	struct bench_series cold = {.name = "second start, PostgreSQL too", .unit = "s (wall)", .most = 1};
	double first, seconds;
	if (!node_start(start, first_seconds, &first, err) || !node_stop(start, err))
		return false;
	for (int turn = 0; turn < TURNS; turn++) {
		if (!node_start(start, again_seconds, &seconds, err) || !node_stop(start, err))
			return false;
		bench_turn(&warm, seconds, 0);
		if (!database_stop(start, err) || !node_start(start, again_seconds, &seconds, err) ||
			!node_stop(start, err))
			return false;
		bench_turn(&cold, seconds, 0);
	}
	bench_report(&warm);
	bench_report(&cold);
	bench_note("the first start, with initdb, migrations and genesis: %.2f s", first);
	return true;
}

bool bench_start(struct wn_error *err)
{
	struct start start = {0};
	struct wn_error also;
	const char *folder = test_folder();
	/* Started by root, PostgreSQL runs as a user that has to get through to its own folder. */
	chmod(folder, 0711);
	snprintf(start.state, sizeof start.state, "%.400s/state", folder);
	bool done = start_turns(&start, err);
	node_stop(&start, &also);
	return database_stop(&start, done ? err : &also) && done;
}
