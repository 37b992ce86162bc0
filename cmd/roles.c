/* The roles of a node, one process each: what `winnow up` supervises, and what runs alone on many machines. */
#include "cmd/command.h"

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
ROLE(embed, "find duplicates: sign items, link them to their origin", embed_plan);
ROLE(tally, "open panels, keep deadlines, tally opened votes", vote_plan);
ROLE(reward, "close pay rounds: settle, pay, mint, vest", close_plan, unbonding_plan);
ROLE(seal, "number the journal, sign checkpoints, release datasets", seal_plan, dataset_plan);

const struct command command_serve = {
	.name = "serve",
	.usage = "serve [OPTIONS]",
	.summary = "the HTTP API and the page",
	.runs_node = true,
	.run = serve_run,
};
