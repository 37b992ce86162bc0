/* `winnow stake`: deposits tokens that a validator's tasks are backed by, or starts to take them out. */
#include "cmd/client.h"

#include <stdio.h>

static int stake_run(const struct options *options, int argc, char **argv)
{
	struct client client;
	struct wn_error err = {0};
	const char *key = option_text(options, "key"), *given = option_text(options, "idempotency");
	bool release = option_bool(options, "release");
	const struct json *answer;
	struct json_writer writer;
	struct wn_slice body;
	uint8_t random[16];
	char drawn[33], text[32];
	int64_t units;
	if (argc != 1 || !key)
		return command_usage(&command_stake);
	if (!amount_read(argv[0], &units) || units == 0) {
		fprintf(stderr, "winnow: AMOUNT is tokens with at most nine decimals, such as 12.5, not %s\n", argv[0]);
		return EXIT_USAGE;
	}
	if (!client_open(&client, options, key, &err))
		return command_failed(&err);
	random_bytes(random, sizeof random);
	hex_write(drawn, random, sizeof random);
	json_begin(&writer, &client.arena);
	json_open_object(&writer, NULL);
	json_put_amount(&writer, "amount", units);
	json_close_object(&writer);
	bool done = json_end(&writer, &body, &err) &&
		    vote_client_send(&client.vote, &client.arena, "POST", release ? "/v1/unstakes" : "/v1/stakes", body,
			    given ? given : drawn, &answer, &err);
	if (done)
		printf("%s WIN %s\n", amount_write(text, units),
			release ? "leave the deposit and are free after the unbonding time" : "deposited");
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option stake_options[] = {
	CLIENT_OPTION_NODE,
	CLIENT_OPTION_KEY,
	{"release", OPTION_BOOL, "false", 0, 0, "take it out of the deposit instead"},
	{"idempotency", OPTION_TEXT, NULL, 0, 0, "Idempotency-Key to use: the same one again does nothing twice"},
	{.name = NULL},
};

const struct command command_stake = {
	.name = "stake",
	.usage = "stake AMOUNT --key FILE [--release]",
	.summary = "deposit tokens as a validator, or take them out",
	.options = stake_options,
	.run = stake_run,
};
