/* Children by pid: a role that ends comes back after a pause that grows while it keeps ending quickly. */
#include "cmd/supervisor.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "core/clock.h"
#include "core/log.h"

enum {
	SUPERVISOR_PAUSE_LEAST_MS = 100,
	SUPERVISOR_PAUSE_MOST_MS = 5000,
	SUPERVISOR_STEADY_MS = 10000, /* a role that ran this long starts again at once */
	SUPERVISOR_STOP_MS = 15000,   /* from SIGTERM to SIGKILL */
	SUPERVISOR_VARIABLE_MAX = 128
};

struct child {
	const char *role;
	pid_t pid; /* 0: not running */
	int64_t started_ms, start_at_ms;
	int pause_ms;
};

struct supervisor {
	struct child children[SUPERVISOR_ROLES_MAX];
	int count;
	sigset_t waited, before;
	bool stopping;
};

/* Every option that has a value, where `winnow ROLE` looks for it: one way for defaults, file, environment and flags.
 */
static void environment_fill(const struct options *options)
{
	for (int t = 0; node_tables[t]; t++)
		for (const struct option *row = node_tables[t]; row->name; row++) {
			char variable[SUPERVISOR_VARIABLE_MAX] = "WINNOW_";
			size_t bytes = strlen(variable);
			const char *value = option_text(options, row->name);
			for (const char *c = row->name; *c && bytes + 1 < sizeof variable; c++)
				variable[bytes++] = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
			variable[bytes] = '\0';
			if (value)
				setenv(variable, value, 1);
		}
}

static void child_start(struct supervisor *supervisor, struct child *child)
{
	pid_t parent = getpid(), pid = fork();
	child->started_ms = clock_monotonic_ms();
	if (pid < 0) {
		log_event(LOG_ERROR, "role_not_started", log_text("role", child->role),
			log_text("text", strerror(errno)));
		child->start_at_ms = child->started_ms + SUPERVISOR_PAUSE_MOST_MS;
		return;
	}
	if (pid == 0) {
		char *argv[] = {(char *)"winnow", (char *)child->role, NULL};
		sigprocmask(SIG_SETMASK, &supervisor->before, NULL);
		/* Ctrl-C reaches the whole terminal group; only the supervisor decides when its roles stop. */
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(EXIT_FAILED_CHECK);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	child->pid = pid;
}

static void child_ended(struct supervisor *supervisor, struct child *child, int status)
{
	int64_t now_ms = clock_monotonic_ms();
	child->pid = 0;
	if (supervisor->stopping)
		return;
	if (now_ms - child->started_ms >= SUPERVISOR_STEADY_MS)
		child->pause_ms = 0;
	child->start_at_ms = now_ms + child->pause_ms;
	log_event(LOG_WARN, "role_ended", log_text("role", child->role),
		log_integer("exit", WIFEXITED(status) ? WEXITSTATUS(status) : -1),
		log_integer("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		log_integer("restart_ms", child->pause_ms));
	int next_ms = child->pause_ms ? child->pause_ms * 2 : SUPERVISOR_PAUSE_LEAST_MS;
	child->pause_ms = next_ms > SUPERVISOR_PAUSE_MOST_MS ? SUPERVISOR_PAUSE_MOST_MS : next_ms;
}

static void children_reap(struct supervisor *supervisor)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < supervisor->count; i++)
			if (supervisor->children[i].pid == pid)
				child_ended(supervisor, &supervisor->children[i], status);
}

/* Starts what is due; returns the milliseconds until the next start, -1 when all run. */
static int children_start(struct supervisor *supervisor)
{
	int64_t now_ms = clock_monotonic_ms(), soonest_ms = -1;
	for (int i = 0; i < supervisor->count; i++) {
		struct child *child = &supervisor->children[i];
		if (child->pid)
			continue;
		if (child->start_at_ms <= now_ms) {
			child_start(supervisor, child);
			continue;
		}
		int64_t wait_ms = child->start_at_ms - now_ms;
		if (soonest_ms < 0 || wait_ms < soonest_ms)
			soonest_ms = wait_ms;
	}
	return (int)soonest_ms;
}

/* One awaited signal, or 0 after wait_ms (-1: no limit). */
static int signal_wait(const struct supervisor *supervisor, int wait_ms)
{
	struct timespec limit = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
	int got =
		wait_ms < 0 ? sigwaitinfo(&supervisor->waited, NULL) : sigtimedwait(&supervisor->waited, NULL, &limit);
	return got > 0 ? got : 0;
}

static bool any_runs(const struct supervisor *supervisor)
{
	for (int i = 0; i < supervisor->count; i++)
		if (supervisor->children[i].pid)
			return true;
	return false;
}

static void children_signal(const struct supervisor *supervisor, int number)
{
	for (int i = 0; i < supervisor->count; i++)
		if (supervisor->children[i].pid)
			kill(supervisor->children[i].pid, number);
}

static int children_stop(struct supervisor *supervisor)
{
	int64_t deadline_ms = clock_monotonic_ms() + SUPERVISOR_STOP_MS;
	supervisor->stopping = true;
	children_signal(supervisor, SIGTERM);
	while (any_runs(supervisor)) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		if (left_ms <= 0) {
			log_event(LOG_ERROR, "roles_killed");
			children_signal(supervisor, SIGKILL);
			left_ms = SUPERVISOR_STOP_MS;
			deadline_ms += SUPERVISOR_STOP_MS;
		}
		signal_wait(supervisor, (int)left_ms);
		children_reap(supervisor);
	}
	return EXIT_DONE;
}

int supervise(const struct options *options, const char *const roles[], int (*tick)(void *context), void *context)
{
	struct supervisor supervisor = {0};
	int tick_ms;
	sigemptyset(&supervisor.waited);
	sigaddset(&supervisor.waited, SIGCHLD);
	sigaddset(&supervisor.waited, SIGTERM);
	sigaddset(&supervisor.waited, SIGINT);
	sigaddset(&supervisor.waited, SIGHUP);
	sigprocmask(SIG_BLOCK, &supervisor.waited, &supervisor.before);
	/* Whoever held these signals back until now meant them for us: a role must hear when it is to stop. */
	sigdelset(&supervisor.before, SIGCHLD);
	sigdelset(&supervisor.before, SIGTERM);
	sigdelset(&supervisor.before, SIGINT);
	sigdelset(&supervisor.before, SIGHUP);
	environment_fill(options);
	for (; roles[supervisor.count]; supervisor.count++) {
		wn_assert(supervisor.count < SUPERVISOR_ROLES_MAX);
		supervisor.children[supervisor.count].role = roles[supervisor.count];
	}
	for (;;) {
		int start_ms = children_start(&supervisor);
		tick_ms = tick ? tick(context) : -1;
		int wait_ms = start_ms < 0 || (tick_ms >= 0 && tick_ms < start_ms) ? tick_ms : start_ms;
		int number = signal_wait(&supervisor, wait_ms);
		children_reap(&supervisor);
		/* SIGHUP: the terminal went away. */
		if (number == SIGTERM || number == SIGINT || number == SIGHUP)
			return children_stop(&supervisor);
	}
}
