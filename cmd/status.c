/* `winnow status`: what a node is doing: queues, panels, the pay round, the journal. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t member(const struct json *object, const char *group, const char *name)
{
	int64_t value = 0;
	const struct json *inner = group ? json_get(object, group) : object;
	json_integer(inner ? json_get(inner, name) : NULL, &value);
	return value;
}

static void status_show(const struct json *answer, const char *url)
{
	static const struct {
		const char *state, *words;
	} items[] = {{"received", "wait for the duplicate check"}, {"embedded", "wait for a panel"},
		{"judging", "are being judged"}, {"provisional", "wait for the pay round's close"},
		{"settled", "can still be challenged"}};
	int64_t now_ms = member(answer, NULL, "now_ms"), opened_ms = member(answer, "epoch", "opened_ms");
	printf("node       %s, version %s\n", url, answer_text(answer, "version", "?"));
	for (size_t i = 0; i < sizeof items / sizeof *items; i++)
		printf("%s %8" PRId64 "  %s\n", i ? "          " : "items     ",
			member(answer, "items", items[i].state), items[i].words);
	printf("panels     %8" PRId64 "  take sealed votes\n           %8" PRId64 "  open them\n",
		member(answer, "rounds", "commit"), member(answer, "rounds", "reveal"));
	printf("pay round  %8" PRId64 "  open for %" PRId64 " s\n", member(answer, "epoch", "epoch"),
		(now_ms - opened_ms) / 1000);
	printf("journal    %8" PRId64 "  entries, %" PRId64 " wait for a number, %" PRId64
	       " in the last checkpoint (%" PRId64 " s ago)\n",
		member(answer, "journal", "size"), member(answer, "journal", "unsequenced"),
		member(answer, "journal", "checkpoint_size"),
		(now_ms - member(answer, "journal", "checkpoint_ms")) / 1000);
}

static int status_run(const struct options *options, int argc, char **argv)
{
	struct client client;
	struct wn_error err = {0};
	struct fetch_request request = {.method = "GET", .target = "/v1/status"};
	struct fetch_answer answer;
	const struct json *parsed;
	char url[CLIENT_URL_MAX];
	(void)argv;
	if (argc != 0)
		return command_usage(&command_status);
	if (!client_open(&client, options, NULL, &err))
		return command_failed(&err);
	bool done = fetch_send(client.fetch, &client.arena, &request, &answer, &err);
	if (done && answer.status != 200)
		done = wn_fail(&err, WN_DOWN, "status", "the node answers %d", answer.status);
	if (done && option_bool(options, "json"))
		printf("%.*s\n", (int)answer.body.bytes, answer.body.data);
	else if (done && (done = json_parse(&client.arena, answer.body.data, answer.body.bytes, &parsed, &err)))
		status_show(parsed, client_url(options, url));
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option status_options[] = {
	CLIENT_OPTION_NODE,
	{"json", OPTION_BOOL, "false", 0, 0, "print the node's answer as it is"},
	{.name = NULL},
};

const struct command command_status = {
	.name = "status",
	.usage = "status [--json]",
	.summary = "what the node is doing: queues, panels, pay round, journal",
	.options = status_options,
	.run = status_run,
};
