/* `winnow down`: stops the node that runs on this state folder, and its PostgreSQL. */
#include "cmd/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/state_lock.h"
#include "core/clock.h"
#include "core/cluster.h"

enum { DOWN_STOP_MS = 40000, DOWN_POLL_MS = 20, DOWN_NAME_MAX = 32 };

/* The number in a lock file may be older than its holder: only what is called as we are is asked to stop. */
static bool down_is_winnow(pid_t pid)
{
	char path[64], name[DOWN_NAME_MAX] = "";
	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool read = fgets(name, sizeof name, file) != NULL;
	fclose(file);
	return read && strcmp(name, "winnow\n") == 0;
}

/* Asks the supervisor to stop and waits until its lock is free; *lock keeps others from starting until it is closed. */
static bool down_node(const struct node *node, int *lock, struct wn_error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + DOWN_STOP_MS;
	pid_t other, asked = 0;
	for (;;) {
		if (!state_lock_take(node, lock, &other, err))
			return false;
		if (!other)
			break;
		if (other != asked && down_is_winnow(other)) {
			if (kill(other, SIGTERM) != 0 && errno != ESRCH)
				return wn_fail(err, WN_INPUT, "node_runs",
					"process %ld runs the node and cannot be stopped: %s", (long)other,
					strerror(errno));
			asked = other;
		}
		if (clock_monotonic_ms() > deadline_ms)
			return wn_fail(
				err, WN_DOWN, "node_runs", "process %ld runs the node and does not end", (long)other);
		nanosleep(&(struct timespec){0, DOWN_POLL_MS * 1000000L}, NULL);
	}
	if (asked)
		printf("winnow stopped (process %ld)\n", (long)asked);
	return true;
}

static int down_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct cluster cluster;
	struct wn_error err = {0};
	char run[NODE_PATH_MAX];
	int lock = -1;
	(void)argv;
	if (argc != 0)
		return command_usage(&command_down);
	if (!node_paths(&node, options, &err) || !cluster_plan(&cluster, node.state_dir, &err))
		return command_failed(&err);
	/* Where no node ever was there is nothing to lock. */
	if (access(node_path(&node, run, "run"), F_OK) == 0 && !down_node(&node, &lock, &err))
		return command_failed(&err);
	bool up = cluster_is_up(&cluster), done = !up || cluster_down(&cluster, &err);
	if (lock >= 0)
		close(lock);
	if (!done)
		return command_failed(&err);
	if (up)
		printf("PostgreSQL stopped (%s)\n", cluster.data_dir);
	else
		printf("PostgreSQL is not running for %s\n", node.state_dir);
	return EXIT_DONE;
}

const struct command command_down = {
	.name = "down",
	.usage = "down [--node.state DIR]",
	.summary = "stop the node and the PostgreSQL that up leaves running",
	.run = down_run,
};
