/* `winnow account`: registers a key in more roles if asked, and shows what its owner has. */
#include "cmd/client.h"

#include <stdio.h>
#include <string.h>

static bool account_register(struct client *client, const char *roles, struct wn_error *err)
{
	const char *list[8] = {0};
	char *copy = wn_arena_copy(&client->arena, roles, strlen(roles)), *rest = NULL;
	int count = 0;
	if (!copy)
		return wn_fail(err, WN_FULL, "memory", "no room for roles");
	for (char *word = strtok_r(copy, ", ", &rest); word && count < 7; word = strtok_r(NULL, ", ", &rest))
		list[count++] = word;
	return vote_client_register(&client->vote, &client->arena, list, false, NULL, err);
}

static void amount_line(const struct json *answer, const char *member, const char *words)
{
	int64_t units;
	char text[32];
	if (json_amount(json_get(answer, member), &units))
		printf("%-32s %20s WIN\n", words, amount_write(text, units));
}

static int account_run(const struct options *options, int argc, char **argv)
{
	struct client client;
	struct wn_error err = {0};
	const char *key = option_text(options, "key"), *roles = option_text(options, "roles");
	const struct json *answer;
	char did[DID_ROOM];
	(void)argv;
	if (argc != 0 || !key)
		return command_usage(&command_account);
	if (!client_open(&client, options, key, &err))
		return command_failed(&err);
	did_write(did, &client.keys.key.public_key);
	char *target = wn_arena_printf(&client.arena, "/v1/accounts/%s", did);
	bool done =
		target && (!roles || account_register(&client, roles, &err)) &&
		vote_client_send(&client.vote, &client.arena, "GET", target, (struct wn_slice){0}, NULL, &answer, &err);
	if (done) {
		const struct json *held = json_get(answer, "roles");
		printf("%s\n%-32s", did, "roles");
		for (size_t i = 0; held && held->type == JSON_ARRAY && i < held->count; i++)
			printf(" %s", json_string(held->elements[i]));
		printf("\n");
		amount_line(answer, "free", "free");
		amount_line(answer, "bonded", "deposits (stake, tasks)");
		amount_line(answer, "pending", "on its way (vesting, unsettled)");
		amount_line(answer, "slashed", "lost deposits");
	}
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option account_options[] = {
	CLIENT_OPTION_NODE,
	CLIENT_OPTION_KEY,
	{"roles", OPTION_TEXT, NULL, 0, 0, "register the key in these roles first: contributor,validator,lab"},
	{.name = NULL},
};

const struct command command_account = {
	.name = "account",
	.usage = "account --key FILE [--roles contributor,validator,lab]",
	.summary = "register a key, show what it owns",
	.options = account_options,
	.run = account_run,
};
