/* `winnow config`: the sample configuration file, the sample genesis, or the values in force. */
#include "cmd/commands.h"

#include <stdio.h>

#include "core/policy.h"

static void config_file(const struct options *options)
{
	printf("# Options of winnow " WINNOW_VERSION
	       ". Point WINNOW_CONFIG at this file; the environment and flags win over it.\n");
	for (int t = 0; node_tables[t]; t++)
		for (const struct option *row = node_tables[t]; row->name; row++) {
			const char *value = option_text(options, row->name);
			printf("\n# %s\n%s%s = %s\n", row->help, value ? "" : "# ", row->name, value ? value : "");
		}
}

static int config_genesis(void)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	struct policy policy;
	struct json_writer writer;
	struct wn_slice text;
	wn_arena_init(&arena, 1 << 20);
	policy_default(&policy);
	json_begin(&writer, &arena);
	json_open_object(&writer, NULL);
	policy_write(&writer, "policy", &policy);
	json_open_array(&writer, "grants");
	json_close_array(&writer);
	json_open_array(&writer, "curators");
	json_close_array(&writer);
	json_close_object(&writer);
	bool done = json_end(&writer, &text, &err);
	if (done)
		printf("%.*s\n", (int)text.bytes, text.data);
	wn_arena_free(&arena);
	return done ? EXIT_DONE : command_failed(&err);
}

static int config_run(const struct options *options, int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return command_usage(&command_config);
	if (option_bool(options, "genesis"))
		return config_genesis();
	config_file(options);
	return EXIT_DONE;
}

static const struct option config_options[] = {
	{"genesis", OPTION_BOOL, "false", 0, 0,
		"print a genesis file with the default policy instead, to edit for winnow up --genesis"},
	{.name = NULL},
};

const struct command command_config = {
	.name = "config",
	.usage = "config [--genesis]",
	.summary = "print the configuration in force as a file",
	.options = config_options,
	.runs_node = true,
	.run = config_run,
};
