/* The front door: finds the command, reads its options, runs it. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cmd/commands.h"
#include "core/log.h"

static void help_all(FILE *out)
{
	fprintf(out, "winnow " WINNOW_VERSION
		     ": collect posts and readings, have them judged, pay for them, release datasets\n\n"
		     "usage: winnow COMMAND [OPTIONS]\n");
	for (const struct command_group *group = command_groups; group->title; group++) {
		fprintf(out, "\n%s\n", group->title);
		for (const struct command *const *command = group->commands; *command; command++)
			fprintf(out, "  %-14s %s\n", (*command)->name, (*command)->summary);
	}
	fprintf(out, "\nwinnow COMMAND --help tells a command's options. Every option NAME may also stand in the "
		     "environment\n"
		     "(WINNOW_NAME in capitals, dots as underscores) or in the file that WINNOW_CONFIG names (NAME = "
		     "VALUE).\n"
		     "Exit status: 0 done, 1 a check failed, 2 wrong use, 3 something cannot be reached.\n");
}

static void help_one(const struct command *command, const struct options *options)
{
	printf("usage: winnow %s\n\n%s\n", command->usage, command->summary);
	for (const char *const *line = command->help; line && *line; line++)
		printf("%s%s\n", line == command->help ? "\n" : "", *line);
	printf("\nOptions:\n");
	options_print_help(options, stdout);
}

/* "help" and "version" are words that people try in any position. */
static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	const struct option *tables[COMMAND_TABLES_MAX + 1];
	struct wn_error err = {0};
	command_tables(command, tables);
	struct options *options = options_open(tables);
	if (wants_help(argc, argv)) {
		help_one(command, options);
		options_close(options);
		return EXIT_DONE;
	}
	if (!command_options(command, options, &argc, argv, &err)) {
		fprintf(stderr, "winnow %s: %s\n", command->name, err.text);
		options_close(options);
		return EXIT_USAGE;
	}
	log_start(command->name, command_log_level(options));
	int status = command->run(options, argc, argv);
	options_close(options);
	return status;
}

int main(int argc, char **argv)
{
	/* A core file would hold keys. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (argc < 2) {
		help_all(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("winnow " WINNOW_VERSION "\n");
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		if (argc > 2) {
			const struct command *about = command_find(argv[2]);
			char *help[] = {"--help"};
			if (about)
				return run(about, 1, help);
		}
		help_all(stdout);
		return EXIT_DONE;
	}
	const struct command *command = command_find(argv[1]);
	if (command)
		return run(command, argc - 2, argv + 2);
	fprintf(stderr, "winnow: there is no command %s; winnow --help lists them\n", argv[1]);
	return EXIT_USAGE;
}
