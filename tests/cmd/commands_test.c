/* The table of commands: names, usage, summaries and options as people meet them in the help. */
#include "cmd/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

SUITE("commands")

enum { COMMANDS_MAX = 100, HELP_LINE_MAX = 160 };

static size_t commands_all(const struct command *out[COMMANDS_MAX])
{
	size_t count = 0;
	for (const struct command_group *group = command_groups; group->title; group++)
		for (const struct command *const *command = group->commands; *command; command++) {
			wn_assert(count < COMMANDS_MAX);
			out[count++] = *command;
		}
	return count;
}

TEST(every_command_of_the_contract_is_in_the_table_once)
{
	static const char *const promised[] = {"up", "down", "status", "doctor", "config", "migrate", "clock", "serve",
		"ingest", "embed", "tally", "reward", "seal", "keep", "robot", "key", "submit", "preflight", "vote",
		"stake", "receipt", "account", "campaign", "release", "download", "verify", "backtest"};
	const struct command *commands[COMMANDS_MAX];
	size_t count = commands_all(commands);
	for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++) {
		const struct command *command = command_find(promised[i]);
		CHECK_TEXT(command ? command->name : NULL, promised[i]);
	}
	CHECK(command_find("") == NULL);
	CHECK(command_find("u") == NULL);
	CHECK(command_find("upp") == NULL);
	for (size_t i = 0; i < count; i++) {
		CHECK(command_find(commands[i]->name) == commands[i]);
		for (size_t j = 0; j < i; j++)
			CHECK(strcmp(commands[i]->name, commands[j]->name) != 0);
	}
}

TEST(a_command_has_a_name_a_usage_that_begins_with_it_and_a_summary_without_full_stop)
{
	const struct command *commands[COMMANDS_MAX];
	size_t count = commands_all(commands);
	for (size_t i = 0; i < count; i++) {
		const struct command *command = commands[i];
		CHECK_OR_RETURN(command->name && command->usage && command->summary && command->run);
		size_t bytes = strlen(command->name);
		CHECK(bytes > 0 && strspn(command->name, "abcdefghijklmnopqrstuvwxyz") == bytes);
		bool begins = strncmp(command->usage, command->name, bytes) == 0;
		bool ends = command->usage[bytes] == '\0' || command->usage[bytes] == ' ';
		if (!begins || !ends)
			CHECK_TEXT(command->usage, command->name);
		size_t said = strlen(command->summary);
		CHECK(said > 0 && said < 80);
		if (said && (command->summary[said - 1] == '.' || strchr(command->summary, '\n')))
			CHECK_TEXT(command->summary, "one line without full stop");
		for (const char *const *line = command->help; line && *line; line++)
			if (strlen(*line) > HELP_LINE_MAX || strchr(*line, '\n'))
				CHECK_TEXT(*line, "one line of the help");
	}
}

static bool option_name_ok(const char *name)
{
	if (!islower((unsigned char)name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name);
}

static void option_row_check(const struct command *command, const struct option *row)
{
	if (!option_name_ok(row->name))
		CHECK_TEXT(row->name, command->name);
	size_t bytes = row->help ? strlen(row->help) : 0;
	bool stops = bytes > 1 && row->help[bytes - 1] == '.' && row->help[bytes - 2] != '.';
	if (bytes == 0 || stops || strchr(row->help, '\n'))
		CHECK_TEXT(row->help, "one line without full stop");
	if (row->type == OPTION_INTEGER)
		CHECK(row->least <= row->most);
	if (row->type == OPTION_BOOL)
		CHECK_TEXT(row->otherwise, "false");
}

TEST(no_option_of_a_command_stands_in_two_of_its_tables)
{
	const struct command *commands[COMMANDS_MAX];
	size_t count = commands_all(commands);
	for (size_t i = 0; i < count; i++) {
		const struct option *tables[COMMAND_TABLES_MAX + 1];
		const char *names[512];
		size_t name_count = 0;
		command_tables(commands[i], tables);
		for (int t = 0; tables[t]; t++)
			for (const struct option *row = tables[t]; row->name; row++) {
				option_row_check(commands[i], row);
				for (size_t j = 0; j < name_count; j++)
					if (strcmp(names[j], row->name) == 0)
						CHECK_TEXT(row->name, commands[i]->name);
				wn_assert(name_count < sizeof names / sizeof names[0]);
				names[name_count++] = row->name;
			}
		CHECK(name_count >= 3);
	}
}

/* One environment serves all processes of a node: two rows of one name there would be one option for two things. */
TEST(options_of_a_node_have_variables_of_their_own)
{
	const struct command *commands[COMMANDS_MAX];
	size_t count = commands_all(commands);
	for (size_t i = 0; i < count; i++)
		for (const struct option *row = commands[i]->options; row && row->name; row++)
			for (int t = 0; node_tables[t]; t++)
				for (const struct option *node = node_tables[t]; node->name; node++)
					CHECK(strcmp(node->name, row->name) != 0);
}

TEST(the_help_of_a_command_names_each_of_its_options_with_its_line)
{
	const struct command *commands[COMMANDS_MAX];
	size_t count = commands_all(commands);
	for (size_t i = 0; i < count; i++) {
		const struct option *tables[COMMAND_TABLES_MAX + 1];
		char *text = NULL;
		size_t bytes = 0;
		command_tables(commands[i], tables);
		struct options *options = options_open(tables);
		FILE *out = open_memstream(&text, &bytes);
		CHECK_OR_RETURN(out != NULL);
		options_print_help(options, out);
		fclose(out);
		for (int t = 0; tables[t]; t++)
			for (const struct option *row = tables[t]; row->name; row++) {
				char flag[128];
				snprintf(flag, sizeof flag, "--%s", row->name);
				CHECK(strstr(text, flag) != NULL);
				CHECK(strstr(text, row->help) != NULL);
			}
		free(text);
		options_close(options);
	}
}

TEST(who_only_talks_to_a_node_is_not_shown_the_nodes_own_options)
{
	const struct option *tables[COMMAND_TABLES_MAX + 1];
	struct wn_error err = {0};
	command_tables(command_find("status"), tables);
	struct options *options = options_open(tables);
	CHECK(!option_set(options, "serve.port", "1", &err));
	CHECK_TEXT(err.code, "option_unknown");
	CHECK_OK(option_set(options, "node.state", "/x", &err), err);
	options_close(options);
	command_tables(command_find("up"), tables);
	options = options_open(tables);
	CHECK_OK(option_set(options, "serve.port", "1", &err), err);
	CHECK_OK(option_set(options, "genesis", "/x", &err), err);
	options_close(options);
}

TEST(the_file_that_WINNOW_CONFIG_names_is_read_by_what_runs_a_node_and_loses_to_environment_and_flags)
{
	const struct option *tables[COMMAND_TABLES_MAX + 1];
	struct wn_error err = {0};
	char path[512], *argv[] = {"--serve.host", "::1", NULL};
	int argc = 2;
	snprintf(path, sizeof path, "%s/config", test_folder());
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	fputs("serve.port = 1111\nserve.host = 0.0.0.0\nlog.level = warn\n", file);
	fclose(file);
	setenv("WINNOW_CONFIG", path, 1);
	setenv("WINNOW_SERVE_PORT", "2222", 1);
	command_tables(command_find("up"), tables);
	struct options *options = options_open(tables);
	CHECK_OK(command_options(command_find("up"), options, &argc, argv, &err), err);
	CHECK_INT(argc, 0);
	CHECK_INT(option_integer(options, "serve.port"), 2222);
	CHECK_TEXT(option_text(options, "serve.host"), "::1");
	CHECK_INT(command_log_level(options), LOG_WARN);
	options_close(options);
	unsetenv("WINNOW_SERVE_PORT");
	/* Options of a node that a client does not know must not stop it. */
	command_tables(command_find("status"), tables);
	options = options_open(tables);
	argc = 0;
	CHECK_OK(command_options(command_find("status"), options, &argc, argv, &err), err);
	CHECK_INT(command_log_level(options), LOG_INFO);
	options_close(options);
	unsetenv("WINNOW_CONFIG");
}

TEST(a_level_of_the_log_that_is_none_is_refused)
{
	const struct option *tables[COMMAND_TABLES_MAX + 1];
	struct wn_error err = {0};
	char *argv[] = {"--log.level", "loud", NULL};
	int argc = 2;
	command_tables(command_find("status"), tables);
	struct options *options = options_open(tables);
	CHECK(!command_options(command_find("status"), options, &argc, argv, &err));
	CHECK_TEXT(err.code, "option_value");
	options_close(options);
}
