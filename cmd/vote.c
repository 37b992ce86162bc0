/* `winnow vote`: judges tasks at the terminal; sealed now, opened once the round's checkpoint was verified. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/campaign.h"

enum { VOTE_LINE_MAX = 256, VOTE_RECOMMITS_MAX = 8 };

static bool campaign_read(struct client *client, const char *name, struct campaign *out, struct wn_error *err)
{
	const struct json *answer;
	char *target = wn_arena_printf(&client->arena, "/v1/campaigns/%s", name);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name))
		return wn_fail(err, WN_INPUT, "campaign_name", "a campaign's name is made of a-z, 0-9 and -");
	return target && client_get(client, target, &answer, err) &&
	       campaign_parse(json_get(answer, "document"), out, err);
}

/* -1: skip, -2: end. */
static int choice_ask(const struct campaign *campaign)
{
	char line[VOTE_LINE_MAX];
	for (;;) {
		for (int i = 0; i < campaign->class_count; i++)
			printf("  %d %s%s\n", i + 1, campaign->choices[i].name,
				campaign->choices[i].verdict == CHOICE_REJECT ? " (does not belong)" : "");
		printf("  s skip, q quit\nYour vote: ");
		fflush(stdout);
		if (!fgets(line, sizeof line, stdin) || line[0] == 'q')
			return -2;
		if (line[0] == 's')
			return -1;
		int number = atoi(line);
		if (number >= 1 && number <= campaign->class_count)
			return number - 1;
		printf("A number from 1 to %d, s or q.\n", campaign->class_count);
	}
}

static bool vote_one(struct client *client, const struct campaign *campaign, bool *more, struct wn_error *err)
{
	struct seat_taken *seats;
	size_t taken, counted;
	*more = false;
	if (!vote_client_take(&client->vote, &client->arena, campaign->name, NULL, 1, &seats, &taken, err))
		return false;
	if (taken == 0) {
		printf("No task is free at the moment.\n");
		return true;
	}
	printf("\n");
	text_show(stdout, seats[0].content);
	printf("\n\n");
	text_show(stdout, wn_slice_of(campaign->question));
	printf("\n");
	int choice = choice_ask(campaign);
	if (choice < 0) {
		*more = choice == -1;
		return vote_client_skip(&client->vote, &client->arena, &seats[0].key.item, err);
	}
	struct vote_cast vote = {.key = seats[0].key, .sequence = 1, .choice = choice};
	if (!vote_client_commit(&client->vote, &client->arena, &vote, 1, &counted, err))
		return false;
	printf(counted ? "Sealed. It is opened once the others have voted: winnow vote --open\n"
		       : "The task was no longer yours.\n");
	*more = true;
	return true;
}

/* Which choice a sealed vote holds follows from the vote seed: all are tried against what the node shows. */
static bool open_one(struct client *client, struct closed_rounds *rounds, const struct json *seat,
	const struct campaign *campaign, bool *opened, struct wn_error *err)
{
	struct vote_cast vote = {0};
	const char *item = answer_text(seat, "item_id", "");
	int64_t round;
	size_t counted;
	*opened = false;
	if (!hex_read(vote.key.item.bytes, ID_BYTES, item, strlen(item)) ||
		!json_integer(json_get(seat, "round"), &round) ||
		!json_integer(json_get(seat, "sequence"), &vote.sequence))
		return wn_fail(err, WN_DOWN, "answer_malformed", "the node's list of tasks cannot be read");
	vote.key.round = (int32_t)round;
	for (vote.choice = 0; vote.choice < campaign->class_count; vote.choice++) {
		if (vote_client_check_closed(&client->vote, rounds, &vote, err)) {
			if (!vote_client_reveal(&client->vote, &client->arena, rounds, &vote, 1, &counted, err))
				return false;
			*opened = counted == 1;
			return true;
		}
		if (strcmp(err->code, "commitment_missing") != 0)
			return false;
	}
	return wn_fail(err, WN_INPUT, "commitment_missing",
		"no choice of this key fits the sealed vote on %s: was another key file used?", item);
}

static bool open_all(struct client *client, struct wn_error *err)
{
	const struct json *answer;
	struct closed_rounds *rounds = closed_rounds_open();
	int64_t opened = 0, waiting = 0;
	bool done = rounds && vote_client_send(&client->vote, &client->arena, "GET", "/v1/seats", (struct wn_slice){0},
				      NULL, &answer, err);
	const struct json *list = done ? json_get(answer, "seats") : NULL;
	for (size_t i = 0; done && list && list->type == JSON_ARRAY && i < list->count; i++) {
		const struct json *seat = list->elements[i];
		struct campaign campaign;
		bool one;
		if (strcmp(answer_text(seat, "state", ""), "reveal") != 0) {
			waiting++;
			continue;
		}
		done = campaign_read(client, answer_text(seat, "campaign", ""), &campaign, err) &&
		       open_one(client, rounds, seat, &campaign, &one, err);
		/* Not in a checkpoint yet: the next run opens it. */
		if (!done && err->blame == WN_BUSY) {
			wn_error_reset(err);
			done = true;
			waiting++;
		} else if (done) {
			opened += one;
		}
	}
	closed_rounds_close(rounds);
	if (done)
		printf("%" PRId64 " votes opened, %" PRId64 " wait for others\n", opened, waiting);
	return done;
}

static int vote_run(const struct options *options, int argc, char **argv)
{
	static struct client client;
	struct wn_error err = {0};
	struct campaign campaign;
	const char *key = option_text(options, "key"), *name = option_text(options, "campaign");
	const char *const roles[] = {"validator", NULL};
	bool opening = option_bool(options, "open"), more = true;
	(void)argv;
	if (argc != 0 || !key || (!name && !opening))
		return command_usage(&command_vote);
	if (!client_open(&client, options, key, &err))
		return command_failed(&err);
	bool done = opening ? open_all(&client, &err)
			    : vote_client_register(&client.vote, &client.arena, roles, false, NULL, &err) &&
				      campaign_read(&client, name, &campaign, &err);
	while (done && !opening && more)
		done = vote_one(&client, &campaign, &more, &err);
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option vote_options[] = {
	CLIENT_OPTION_NODE,
	CLIENT_OPTION_KEY,
	{"campaign", OPTION_TEXT, NULL, 0, 0, "campaign to judge for"},
	{"open", OPTION_BOOL, "false", 0, 0,
		"open the sealed votes whose rounds are closed; run it again until none waits"},
	{.name = NULL},
};
static const char *const vote_help[] = {
	"Shows one task after another and seals your answers. A sealed vote that is never opened loses its deposit: "
	"run --open before",
	"the opening phase ends (24 hours in open panels). Before a vote is opened the signed checkpoint that closed "
	"its round is verified.",
	NULL,
};

const struct command command_vote = {
	.name = "vote",
	.usage = "vote --key FILE (--campaign C | --open)",
	.summary = "judge tasks, open sealed votes",
	.help = vote_help,
	.options = vote_options,
	.run = vote_run,
};
