/* The roles of a node, one process each: what `winnow up` supervises, and what runs alone on many machines. */
#include "cmd/command.h"

#include <string.h>

#include "cmd/embed_command.h"
#include "dataset/dataset_api.h"
#include "dataset/dataset_worker.h"
#include "core/seal_worker.h"
#include "core/worker.h"
#include "gpu_embed/embed_worker.h"
#include "ingest/ingest_worker.h"
#include "ingest/submit_api.h"
#include "reward/money_api.h"
#include "reward/unbonding_worker.h"
#include "vote/ballot_api.h"
#include "vote/campaign_api.h"
#include "vote/close_worker.h"
#include "vote/item_api.h"
#include "vote/seat_api.h"
#include "vote/vote_worker.h"
#include "web/account_api.h"
#include "web/node_api.h"
#include "web/page_api.h"
#include "web/server.h"

/* Every route of the node: a folder's table is one line here. */
static const struct route *const role_routes[] = {node_routes, account_routes, campaign_routes, ingest_routes,
	item_routes, seat_routes, ballot_routes, money_routes, dataset_routes, page_routes, NULL};

static bool role_start(struct node *node, const struct options *options, struct wn_error *err)
{
	sign_start();
	return node_init(node, options, err) && node_load(node, err);
}

static int role_work(const struct command *command, const struct options *options, int argc,
	const struct worker_plan *const plans[], int count)
{
	static struct node node;
	struct wn_error err = {0};
	if (argc != 0)
		return command_usage(command);
	if (!role_start(&node, options, &err))
		return command_failed(&err);
	return worker_run(&node, plans, count);
}

static int serve_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct wn_error err = {0};
	(void)argv;
	if (argc != 0)
		return command_usage(&command_serve);
	if (!role_start(&node, options, &err))
		return command_failed(&err);
	return server_run(&node, role_routes);
}

#define ROLE(role, sentence, ...)                                                                                      \
	static int role##_run(const struct options *options, int argc, char **argv)                                    \
	{                                                                                                              \
		const struct worker_plan *const plans[] = {__VA_ARGS__};                                               \
		(void)argv;                                                                                            \
		return role_work(&command_##role, options, argc, plans, (int)(sizeof plans / sizeof *plans));          \
	}                                                                                                              \
	const struct command command_##role = {                                                                        \
		.name = #role, .usage = #role " [OPTIONS]", .summary = sentence, .runs_node = true, .run = role##_run}

ROLE(ingest, "pull the configured sources", ingest_plan);
ROLE(tally, "open panels, keep deadlines, tally opened votes", vote_plan);
ROLE(reward, "close pay rounds: settle, pay, mint, vest", close_plan, unbonding_plan);
ROLE(seal, "number the journal, sign checkpoints, release datasets", seal_plan, dataset_plan);

/* The role, and what judges its embedder without a node. */
static int embed_run(const struct options *options, int argc, char **argv)
{
	const struct worker_plan *const plans[] = {embed_plan};
	if (argc > 0 && strcmp(argv[0], "eval") == 0)
		return embed_eval_run(options, argc - 1, argv + 1);
	return role_work(&command_embed, options, argc, plans, 1);
}

const struct command command_embed = {
	.name = "embed",
	.usage = "embed [OPTIONS] | embed eval [--embed.idf TABLE] [--part I/N] [--json] FILE...",
	.summary = "find duplicates: sign items, link them to their origin; judge the embedder",
	.help = embed_eval_help,
	.options = embed_eval_options,
	.runs_node = true,
	.run = embed_run,
};

const struct command command_serve = {
	.name = "serve",
	.usage = "serve [OPTIONS]",
	.summary = "the HTTP API and the page",
	.runs_node = true,
	.run = serve_run,
};
