/* `winnow down`: stops the PostgreSQL that `winnow up` leaves running for a quick next start. */
#include "cmd/command.h"

#include <stdio.h>

#include "core/cluster.h"

static int down_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct cluster cluster;
	struct wn_error err = { 0 };
	(void)argv;
	if (argc != 0)
		return command_usage(&command_down);
	if (!node_paths(&node, options, &err) || !cluster_plan(&cluster, node.state_dir, &err))
		return command_failed(&err);
	if (!cluster_is_up(&cluster)) {
		printf("PostgreSQL is not running for %s\n", node.state_dir);
		return EXIT_DONE;
	}
	if (!cluster_down(&cluster, &err))
		return command_failed(&err);
	printf("PostgreSQL stopped (%s)\n", cluster.data_dir);
	return EXIT_DONE;
}

const struct command command_down = {
	.name = "down",
	.usage = "down [--node.state DIR]",
	.summary = "stop the PostgreSQL that up leaves running",
	.run = down_run,
};
