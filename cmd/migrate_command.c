/* `winnow migrate`: brings the schema of a database up to date; `winnow up` does the same. */
#include "cmd/command.h"

#include <stdio.h>

#include "core/db.h"
#include "core/migrate.h"

static int migrate_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct wn_error err = {0};
	struct db *db;
	int applied;
	(void)argv;
	if (argc != 0)
		return command_usage(&command_migrate);
	if (!node_init(&node, options, &err) || !node_connect(&node, "winnow_owner", &db, &err))
		return command_failed(&err);
	bool done = migrate_up(db, &applied, &err);
	db_close(db);
	if (!done)
		return command_failed(&err);
	printf("%d migrations applied\n", applied);
	return EXIT_DONE;
}

const struct command command_migrate = {
	.name = "migrate",
	.usage = "migrate [--node.database CONNINFO]",
	.summary = "bring a database's schema up to date",
	.run = migrate_run,
};
