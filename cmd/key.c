/* `winnow key`: makes a key file, or shows whose it is. */
#include "cmd/command.h"

#include <stdio.h>
#include <unistd.h>

static int key_run(const struct options *options, int argc, char **argv)
{
	struct key_file file;
	struct wn_error err = {0};
	char did[DID_ROOM];
	(void)options;
	if (argc != 1)
		return command_usage(&command_key);
	sign_start();
	bool there = access(argv[0], F_OK) == 0;
	if (!(there ? key_file_read(argv[0], &file, &err) : key_file_create(argv[0], &file, &err)))
		return command_failed(&err);
	did_write(did, &file.key.public_key);
	sign_forget(&file.key);
	printf("%s\n", did);
	if (!there)
		fprintf(stderr, "Made %s. Whoever has this file owns the account: keep a copy in a safe place.\n",
			argv[0]);
	return EXIT_DONE;
}

static const char *const key_help[] = {
	"The file holds the signing key and the seed that hides your votes until they are opened; it is readable by "
	"you alone.",
	"Running it again on the same file only shows the name (did:key) that others know you by.",
	NULL,
};

const struct command command_key = {
	.name = "key",
	.usage = "key FILE",
	.summary = "make a key file, or show whose it is",
	.help = key_help,
	.run = key_run,
};
