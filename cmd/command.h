/* One row a command: `winnow NAME ...`. cmd/commands.c holds the table; each command is a file cmd/NAME.c. */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

#include "core/node.h"
#include "core/option.h"

enum { EXIT_DONE = 0, EXIT_FAILED_CHECK = 1, EXIT_USAGE = 2, EXIT_CANNOT_REACH = 3 };

struct command {
	const char *name;
	const char *usage;	      /* "verify DIR [--key KEY] [--json]" */
	const char *summary;	      /* one line */
	const char *const *help;      /* further lines, NULL-terminated; may be NULL */
	const struct option *options; /* the command's own table; may be NULL; common ones (node.*, log.*) are added */
	bool runs_node;		      /* takes every folder's options too: up, the roles, who looks at them */
	int (*run)(const struct options *options, int argc, char **argv); /* argv: positional words only */
};

extern const struct command command_up, command_down, command_status, command_doctor, command_config, command_migrate,
	command_clock, command_keep, command_serve, command_ingest, command_embed, command_tally, command_reward,
	command_seal, command_robot, command_key, command_submit, command_preflight, command_vote, command_stake,
	command_receipt, command_account, command_claim, command_campaign, command_release, command_download,
	command_verify, command_backtest, command_replay, command_audit, command_idf, command_dedup;

/* Prints "winnow: <text> [<code>]" to stderr and returns the exit status that fits the failure (3 down, 1 else). */
int command_failed(const struct wn_error *err);
/* "usage: winnow ..." to stderr; returns EXIT_USAGE. */
int command_usage(const struct command *command);

#endif
