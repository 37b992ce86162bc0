/* Starts, watches and removes the node of a backtest. */
#include "cmd/backtest_node.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum {
	BACKTEST_READY_MS = 60000,
	BACKTEST_POLL_MS = 20,
	BACKTEST_STOP_MS = 30000,
	BACKTEST_PATIENCE_MS = 20000,
	BACKTEST_FILES_OPEN_MAX = 16
};

volatile sig_atomic_t backtest_stop;

static void nap(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

bool backtest_node_alive(struct backtest_node *node, struct wn_error *err)
{
	int status;
	if (backtest_stop)
		return wn_fail(err, WN_INPUT, "interrupted", "interrupted");
	if (node->pid <= 0 || waitpid(node->pid, &status, WNOHANG) == 0)
		return node->pid > 0 || wn_fail(err, WN_DOWN, "backtest_node_ended", "the node is not running");
	node->pid = 0;
	return wn_fail(
		err, WN_DOWN, "backtest_node_ended", "the node ended by itself; %s/node.log tells why", node->folder);
}

static bool file_write(const char *path, struct wn_slice text, struct wn_error *err)
{
	FILE *file = fopen(path, "we");
	bool done = file && fwrite(text.data, 1, text.bytes, file) == text.bytes;
	done = file && fclose(file) == 0 && done;
	return done || wn_fail(err, WN_DOWN, "backtest_node_file", "write %s: %s", path, strerror(errno));
}

static void child_become_node(const struct backtest_node *node, const char *genesis, pid_t parent)
{
	char state[NODE_PATH_MAX + 16], log[NODE_PATH_MAX + 16];
	snprintf(state, sizeof state, "%s/state", node->folder);
	snprintf(log, sizeof log, "%s/node.log", node->folder);
	int descriptor = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644), nothing = open("/dev/null", O_RDONLY);
	if (descriptor < 0 || nothing < 0 || dup2(nothing, 0) < 0 || dup2(descriptor, 1) < 0 || dup2(descriptor, 2) < 0)
		_exit(126);
	/* What the caller's node may be configured to must not reach this one. */
	for (char **variable = environ; *variable;) {
		if (strncmp(*variable, "WINNOW_", 7) != 0) {
			variable++;
			continue;
		}
		char name[128];
		size_t bytes = strcspn(*variable, "=");
		if (bytes >= sizeof name)
			_exit(126);
		memcpy(name, *variable, bytes);
		name[bytes] = '\0';
		unsetenv(name);
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(126);
	char *argv[] = {(char *)"winnow", (char *)"up", (char *)"--node.state", state, (char *)"--genesis",
		(char *)genesis, (char *)"--clock", (char *)"manual", (char *)"--ephemeral", (char *)"--serve.port",
		(char *)"0", (char *)"--log.level", (char *)"warn", NULL};
	execv("/proc/self/exe", argv);
	_exit(127);
}

static bool node_answers(struct backtest_node *node)
{
	char path[NODE_PATH_MAX + 64], *address_file = node->address_file;
	struct wn_error err = {0};
	struct fetch_request request = {.method = "GET", .target = "/readyz", .timeout_ms = 2000};
	struct fetch_answer answer;
	struct wn_arena arena;
	snprintf(address_file, sizeof node->address_file, "%s/state/run/serve.address", node->folder);
	FILE *file = fopen(address_file, "re");
	bool known = file && fgets(node->url, sizeof node->url, file);
	if (file)
		fclose(file);
	if (!known)
		return false;
	node->url[strcspn(node->url, "\r\n")] = '\0';
	snprintf(path, sizeof path, "%s/state/run/operator.sock", node->folder);
	if (!node->operator&& !fetch_open(&node->operator, "http://localhost", path, &err))
		return false;
	wn_arena_init(&arena, 1 << 20);
	bool ready = fetch_send(node->operator, & arena, &request, &answer, &err) && answer.status == 200;
	wn_arena_free(&arena);
	return ready;
}

bool backtest_node_start(struct backtest_node *node, struct wn_slice genesis, struct wn_error *err)
{
	char path[NODE_PATH_MAX + 32];
	const char *temporary = getenv("TMPDIR");
	memset(node, 0, sizeof *node);
	snprintf(node->folder, sizeof node->folder,
		"%s/winnow-backtest-XX"
		"XX"
		"XX",
		temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(node->folder)) {
		int why = errno;
		wn_fail(err, WN_DOWN, "backtest_node_folder", "make %s: %s", node->folder, strerror(why));
		node->folder[0] = '\0';
		return false;
	}
	/* Started by root, PostgreSQL runs as another user and must be let through to its data. */
	if (chmod(node->folder, 0711) != 0)
		return wn_fail(err, WN_DOWN, "backtest_node_folder", "chmod %s: %s", node->folder, strerror(errno));
	snprintf(path, sizeof path, "%s/genesis.json", node->folder);
	if (!file_write(path, genesis, err))
		return false;
	pid_t parent = getpid();
	node->pid = fork();
	if (node->pid < 0)
		return wn_fail(err, WN_FULL, "backtest_node_fork", "fork: %s", strerror(errno));
	if (node->pid == 0)
		child_become_node(node, path, parent);
	int64_t deadline_ms = clock_monotonic_ms() + BACKTEST_READY_MS;
	while (!node_answers(node)) {
		if (!backtest_node_alive(node, err))
			return false;
		if (clock_monotonic_ms() > deadline_ms)
			return wn_fail(err, WN_DOWN, "backtest_node_slow",
				"the node is not ready after %d s; %s/node.log tells why", BACKTEST_READY_MS / 1000,
				node->folder);
		nap(BACKTEST_POLL_MS);
	}
	if (!fetch_open(&node->api, node->url, NULL, err))
		return false;
	/* Every request of a backtest may be repeated: it says what shall be, not what to add. */
	fetch_be_patient(node->api, BACKTEST_PATIENCE_MS, node->address_file);
	fetch_be_patient(node->operator, BACKTEST_PATIENCE_MS, NULL);
	return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)place;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

void backtest_node_stop(struct backtest_node *node, bool keep)
{
	fetch_close(node->api);
	fetch_close(node->operator);
	node->api = node->operator= NULL;
	if (node->pid > 0) {
		int64_t deadline_ms = clock_monotonic_ms() + BACKTEST_STOP_MS;
		int status;
		kill(node->pid, SIGTERM);
		while (waitpid(node->pid, &status, WNOHANG) == 0) {
			if (clock_monotonic_ms() > deadline_ms)
				kill(node->pid, SIGKILL);
			nap(BACKTEST_POLL_MS);
		}
		node->pid = 0;
	}
	if (node->folder[0] && !keep)
		nftw(node->folder, remove_one, BACKTEST_FILES_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}

bool backtest_node_set_clock(
	struct backtest_node *node, struct wn_arena *arena, int64_t target_ms, int64_t *now_ms, struct wn_error *err)
{
	char body[64];
	const struct json *answer;
	int bytes = snprintf(body, sizeof body, "{\"now_ms\":%" PRId64 "}", target_ms);
	struct fetch_request request = {.method = "POST",
		.target = "/operator/clock",
		.content_type = "application/json",
		.body = {body, (size_t)bytes}};
	if (!fetch_json(node->operator, arena, &request, &answer, err))
		return wn_while(err, "move the clock");
	return json_integer(json_get(answer, "now_ms"), now_ms) ||
	       wn_fail(err, WN_DOWN, "answer_malformed", "the node does not tell its time");
}
