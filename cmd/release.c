/* `winnow release`: asks the node on this machine for a dataset's next version and waits until it is there. */
#include "cmd/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/release_version.h"
#include "core/sign.h"
#include "dataset/recipe.h"

enum { RELEASE_ARENA = 16 * 1024 * 1024 };

static void release_progress(const char *state, int64_t waited_ms, bool last)
{
	fprintf(stderr, "\r%s, %" PRId64 " s   %s", state, waited_ms / 1000, last ? "\n" : "");
}

static bool release_door(const struct options *options, struct fetch **out, struct wn_error *err)
{
	static struct node node;
	char socket[NODE_PATH_MAX];
	if (!node_paths(&node, options, err))
		return false;
	node_path(&node, socket, "run/operator.sock");
	if (access(socket, F_OK) != 0)
		return wn_fail(err, WN_DOWN, "operator_socket",
			"no node runs on the state folder %s (winnow up starts one; --node.state names another)",
			node.state_dir);
	return fetch_open(out, "http://localhost", socket, err);
}

static int release_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	struct fetch *door;
	struct release_answer answer;
	if (argc != 1 || !option_text(options, "campaign"))
		return command_usage(&command_release);
	struct release_wish wish = {
		.name = argv[0],
		.campaign = option_text(options, "campaign"),
		.p_good_least = option_integer(options, "p_good_least"),
		.choices = option_text(options, "choices"),
		.licences = option_text(options, "licences"),
		.splits = option_text(options, "splits"),
		.wait_ms = 1000 * option_integer(options, "wait"),
		.progress = isatty(STDERR_FILENO) ? release_progress : NULL,
	};
	sign_start();
	if (!release_door(options, &door, &err))
		return command_failed(&err);
	wn_arena_init(&arena, RELEASE_ARENA);
	bool done = release_version(door, &arena, &wish, &answer, &err);
	wn_arena_free(&arena);
	fetch_close(door);
	if (!done)
		return command_failed(&err);
	if (answer.unchanged)
		printf("nothing changed since version %" PRId64 "\n", answer.version);
	printf("%s version %" PRId64 ": %" PRId64 " rows, root %s\n", wish.name, answer.version, answer.row_count,
		answer.row_root);
	printf("public key %s\n", answer.public_key);
	return EXIT_DONE;
}

static const struct option release_options[] = {
	{"campaign", OPTION_TEXT, NULL, 0, 0, "campaign whose accepted items the dataset takes"},
	{"p_good_least", OPTION_INTEGER, "0", 0, RECIPE_WHOLE_PPM, "least probability of being good, in millionths"},
	{"choices", OPTION_TEXT, NULL, 0, 0,
		"only items judged so: names of choices, with commas (default: all that keep)"},
	{"licences", OPTION_TEXT, NULL, 0, 0, "only items under these licences, with commas (default: all)"},
	{"splits", OPTION_TEXT, NULL, 0, 0, "train=900000,test=100000 (default: everything is train)"},
	{"wait", OPTION_INTEGER, "600", 1, 86400, "seconds to wait for the version"},
	{.name = NULL},
};
static const char *const release_help[] = {
	"A dataset is its recipe: the same name with the same options makes its next version, out of what was accepted "
	"meanwhile. When",
	"nothing changed no version is made. Goes through the operator's socket of the node on this machine "
	"(--node.state).",
	NULL,
};

const struct command command_release = {
	.name = "release",
	.usage = "release NAME --campaign C [--p_good_least N]",
	.summary = "make a dataset's next version",
	.help = release_help,
	.options = release_options,
	.run = release_run,
};
