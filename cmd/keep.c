/* `winnow keep`: brings the node's own PostgreSQL back when it went away: killed, out of memory, stopped by hand. */
#include "cmd/command.h"

#include <signal.h>
#include <time.h>

#include "core/cluster.h"
#include "core/log.h"

/* A look costs one connection. What cannot be started is tried again, less often, and told each time. */
enum { KEEP_LOOK_MS = 1000, KEEP_FAILED_MS = 5000 };

static volatile sig_atomic_t keep_stop;

static void keep_on_signal(int number)
{
	(void)number;
	keep_stop = 1;
}

static void keep_pause(int ms)
{
	if (!keep_stop)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static int keep_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct cluster cluster;
	struct wn_error err = {0};
	(void)argv;
	if (argc != 0)
		return command_usage(&command_keep);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = keep_on_signal}, NULL);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = keep_on_signal}, NULL);
	if (!node_paths(&node, options, &err))
		return command_failed(&err);
	if (!node.own_database) {
		wn_fail(&err, WN_INPUT, "database_not_ours",
			"node.database names a server of your own: it is yours to keep");
		return command_failed(&err);
	}
	if (!cluster_plan(&cluster, node.state_dir, &err))
		return command_failed(&err);
	while (!keep_stop) {
		bool started = false, up = cluster_is_up(&cluster) || cluster_up(&cluster, &started, &err);
		if (started)
			log_event(LOG_WARN, "postgresql_restarted", log_text("data", cluster.data_dir));
		if (!up)
			log_failure("postgresql_not_started", &err);
		wn_error_reset(&err);
		keep_pause(up ? KEEP_LOOK_MS : KEEP_FAILED_MS);
	}
	return EXIT_DONE;
}

const struct command command_keep = {
	.name = "keep",
	.usage = "keep [OPTIONS]",
	.summary = "bring the node's own PostgreSQL back when it went away",
	.runs_node = true,
	.run = keep_run,
};
