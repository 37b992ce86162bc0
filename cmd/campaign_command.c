/* `winnow campaign`: lists campaigns, opens one from its document, or closes one. */
#include "cmd/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/campaign.h"

enum { CAMPAIGN_FILE_MAX = 65536 };

static const char *campaign_state(const struct json *campaign)
{
	const struct json *open = json_get(campaign, "open");
	return open && open->type == JSON_BOOL && !open->truth ? "closed" : "open";
}

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
		printf("%-24s %-8s %-8s %s\n", answer_text(list->elements[i], "name", "?"),
			answer_text(list->elements[i], "kind", "?"), campaign_state(list->elements[i]),
			answer_text(list->elements[i], "question", ""));
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

/* A name goes into the request's target as it is. */
static bool close_send(const struct options *options, struct wn_arena *arena, const char *name,
	const struct json **answer, struct wn_error *err)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) || strlen(name) > CAMPAIGN_NAME_MAX ||
		!*name)
		return wn_fail(err, WN_INPUT, "campaign_name", "a campaign's name is made of a-z, 0-9 and -");
	char *target = wn_arena_printf(arena, "/operator/campaigns/%s/close", name);
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	return operator_send(options, arena, target, "", answer, err);
}

static int campaign_run(const struct options *options, int argc, char **argv)
{
	static char text[CAMPAIGN_FILE_MAX + 1];
	struct wn_error err = {0};
	struct wn_arena arena;
	const struct json *answer;
	const char *closes = option_text(options, "close");
	if (argc == 0 && !closes)
		return campaign_list(options);
	if (argc != (closes ? 0 : 1))
		return command_usage(&command_campaign);
	wn_arena_init(&arena, CLIENT_ARENA_MAX);
	bool done = closes ? close_send(options, &arena, closes, &answer, &err)
			   : document_read(argv[0], text, &err) &&
				     operator_send(options, &arena, "/operator/campaigns", text, &answer, &err);
	if (done) {
		const struct json *campaign = json_get(answer, "campaign");
		campaign = campaign ? campaign : answer;
		printf("campaign %s is %s\n", answer_text(campaign, "name", "?"), campaign_state(campaign));
	}
	wn_arena_free(&arena);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option campaign_options[] = {
	CLIENT_OPTION_NODE,
	{"close", OPTION_TEXT, NULL, 0, 0, "name of the campaign that takes no more items from now on, for good"},
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
	.usage = "campaign [FILE | --close NAME]",
	.summary = "list campaigns, open one or close one",
	.help = campaign_help,
	.options = campaign_options,
	.run = campaign_run,
};
