/* The table of commands and the options that all of them share. */
#ifndef CMD_COMMANDS_H
#define CMD_COMMANDS_H

#include "cmd/command.h"
#include "core/log.h"

enum { COMMAND_TABLES_MAX = 16 };

struct command_group {
	const char *title;
	const struct command *const *commands; /* NULL-terminated */
};
extern const struct command_group command_groups[]; /* ended by a row whose title is NULL */

const struct command *command_find(const char *name); /* NULL when there is none */
/* The command's own table, the common ones and, for what runs a node, every folder's. `out` ends with NULL. */
void command_tables(const struct command *command, const struct option *out[COMMAND_TABLES_MAX + 1]);
/* Default, then (for what runs a node) the file that WINNOW_CONFIG names, then the environment, then flags. */
bool command_options(
	const struct command *command, struct options *options, int *argc, char **argv, struct wn_error *err);
enum log_level command_log_level(const struct options *options);

/* Folders' option tables that a node's processes share: what `winnow up` hands to its roles. Ended by NULL. */
extern const struct option *const node_tables[];

#endif
