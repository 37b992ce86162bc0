/* `winnow campaign`: lists campaigns, or opens one from its document. */
#include "cmd/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CAMPAIGN_FILE_MAX = 65536 };

static int campaign_list(const struct options *options)
{
	struct client client;
	struct wn_error err = {0};
	const struct json *answer;
	if (!client_open(&client, options, NULL, &err))
		return command_failed(&err);
	bool done = client_get(&client, "/v1/campaigns", &answer, &err);
	const struct json *list = done ? json_get(answer, "campaigns") : NULL;
	for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->count; i++)
		printf("%-24s %-8s %s\n", answer_text(list->elements[i], "name", "?"),
			answer_text(list->elements[i], "kind", "?"), answer_text(list->elements[i], "question", ""));
	if (list && list->count == 0)
		printf("no campaigns yet: winnow campaign FILE opens one\n");
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static bool document_read(const char *path, char text[CAMPAIGN_FILE_MAX + 1], struct wn_error *err)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return wn_fail(err, WN_INPUT, "file_open", "%s: %s", path, strerror(errno));
	size_t bytes = fread(text, 1, CAMPAIGN_FILE_MAX, file);
	bool whole = feof(file) && !ferror(file);
	fclose(file);
	text[bytes] = '\0';
	return (whole && strlen(text) == bytes) ||
	       wn_fail(err, WN_INPUT, "file_read", "%s is not a text of at most %d bytes", path, CAMPAIGN_FILE_MAX);
}

static int campaign_run(const struct options *options, int argc, char **argv)
{
	static char text[CAMPAIGN_FILE_MAX + 1];
	struct wn_error err = {0};
	struct wn_arena arena;
	const struct json *answer;
	if (argc == 0)
		return campaign_list(options);
	if (argc != 1)
		return command_usage(&command_campaign);
	wn_arena_init(&arena, CLIENT_ARENA_MAX);
	bool done = document_read(argv[0], text, &err) &&
		    operator_send(options, &arena, "/operator/campaigns", text, &answer, &err);
	if (done) {
		const struct json *campaign = json_get(answer, "campaign");
		printf("campaign %s is open\n", answer_text(campaign ? campaign : answer, "name", "?"));
	}
	wn_arena_free(&arena);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option campaign_options[] = {
	CLIENT_OPTION_NODE,
	{.name = NULL},
};
static const char *const campaign_help[] = {
	"Without FILE it lists what the node collects. FILE is the campaign's document, for example:",
	"  {\"name\": \"hail\", \"question\": \"Does the post report hail?\", \"licence\": \"CC-BY-4.0\", "
	"\"languages\": [\"en\"],",
	"   \"choices\": [{\"name\": \"no\", \"verdict\": \"reject\"}, {\"name\": \"yes\", \"verdict\": \"keep\"}, "
	"{\"name\": \"skip\", \"verdict\": \"abstain\"}],",
	"   \"panel\": {\"mode\": \"open\", \"seats\": 5, \"escalate\": 6}}",
	NULL,
};

const struct command command_campaign = {
	.name = "campaign",
	.usage = "campaign [FILE]",
	.summary = "list campaigns, or open one",
	.help = campaign_help,
	.options = campaign_options,
	.run = campaign_run,
};
