/* Every command in one table, and the option tables that they share. */
#include "cmd/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/embed_worker.h"
#include "ingest/ingest_worker.h"
#include "web/server.h"

static const struct command *const commands_operator[] = {&command_up, &command_down, &command_status, &command_doctor,
	&command_campaign, &command_release, &command_backtest, &command_clock, &command_config, &command_migrate,
	&command_audit, &command_idf, NULL};
static const struct command *const commands_user[] = {&command_key, &command_account, &command_submit,
	&command_preflight, &command_stake, &command_vote, &command_claim, &command_receipt, &command_download,
	&command_verify, &command_replay, &command_dedup, NULL};
static const struct command *const commands_role[] = {&command_serve, &command_ingest, &command_embed, &command_tally,
	&command_reward, &command_seal, &command_keep, &command_robot, NULL};

const struct command_group command_groups[] = {
	{"Operators", commands_operator},
	{"Contributors, validators, labs", commands_user},
	{"One role of a node each (winnow up runs them all)", commands_role},
	{NULL, NULL},
};

static const struct option common_options[] = {
	{"log.level", OPTION_TEXT, "info", 0, 0, "least level that is logged: debug, info, warn, error"},
	{.name = NULL},
};

const struct option *const node_tables[] = {
	common_options, node_options, web_options, ingest_options, embed_options, NULL};

const struct command *command_find(const char *name)
{
	for (const struct command_group *group = command_groups; group->title; group++)
		for (const struct command *const *command = group->commands; *command; command++)
			if (strcmp((*command)->name, name) == 0)
				return *command;
	return NULL;
}

void command_tables(const struct command *command, const struct option *out[COMMAND_TABLES_MAX + 1])
{
	int count = 0;
	if (command->options)
		out[count++] = command->options;
	for (int i = 0; node_tables[i]; i++) {
		wn_assert(count < COMMAND_TABLES_MAX);
		/* Who only talks to a node needs no more than where it logs and where state lies. */
		if (command->runs_node || node_tables[i] == common_options || node_tables[i] == node_options)
			out[count++] = node_tables[i];
	}
	out[count] = NULL;
}

static bool log_level_find(const char *word, enum log_level *out)
{
	static const char *const words[] = {"debug", "info", "warn", "error"};
	for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
		if (strcmp(word, words[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

bool command_options(
	const struct command *command, struct options *options, int *argc, char **argv, struct wn_error *err)
{
	const char *file = command->runs_node ? getenv("WINNOW_CONFIG") : NULL;
	enum log_level level;
	if (!options_read_file(options, file && *file ? file : NULL, err) || !options_read_environment(options, err) ||
		!options_read_flags(options, argc, argv, err))
		return false;
	return log_level_find(option_text(options, "log.level"), &level) ||
	       wn_fail(err, WN_INPUT, "option_value", "log.level is debug, info, warn or error, not \"%.80s\"",
		       option_text(options, "log.level"));
}

enum log_level command_log_level(const struct options *options)
{
	enum log_level level = LOG_INFO;
	wn_assert(log_level_find(option_text(options, "log.level"), &level));
	return level;
}

int command_failed(const struct wn_error *err)
{
	/* The code is what a script may rely on; the words are for people. */
	fprintf(stderr, "winnow: %s%s[%s]\n", err->text, err->text[0] ? " " : "", err->code);
	return err->blame == WN_DOWN ? EXIT_CANNOT_REACH : EXIT_FAILED_CHECK;
}

int command_usage(const struct command *command)
{
	fprintf(stderr, "usage: winnow %s\n       winnow %s --help tells more\n", command->usage, command->name);
	return EXIT_USAGE;
}
