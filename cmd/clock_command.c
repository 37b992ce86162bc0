/* `winnow clock`: reads the node's time; moves it where the network was born with a manual clock. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "90s", "15m", "24h", "30d" or milliseconds. */
static bool duration_read(const char *text, int64_t *out)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
	char *end;
	long long number = strtoll(text, &end, 10);
	if (end == text || number < 0)
		return false;
	*out = number;
	if (*end == '\0')
		return true;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (*end == units[i].unit && end[1] == '\0')
			return !__builtin_mul_overflow((int64_t)number, units[i].ms, out);
	return false;
}

static int clock_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	const struct json *answer;
	const char *advance = option_text(options, "advance");
	char body[64];
	int64_t advance_ms = 0, now_ms;
	(void)argv;
	if (argc != 0)
		return command_usage(&command_clock);
	if (advance && !duration_read(advance, &advance_ms)) {
		fprintf(stderr, "winnow: --advance is a duration such as 90s, 15m, 24h or 30d, not %s\n", advance);
		return EXIT_USAGE;
	}
	wn_arena_init(&arena, CLIENT_ARENA_MAX);
	snprintf(body, sizeof body, "{\"advance_ms\":%" PRId64 "}", advance_ms);
	bool done = operator_send(
		options, &arena, advance ? "/operator/clock" : "/v1/network", advance ? body : NULL, &answer, &err);
	if (done && !json_integer(json_get(answer, "now_ms"), &now_ms))
		done = wn_fail(&err, WN_DOWN, "answer_malformed", "the node's answer lacks now_ms");
	if (done) {
		char stamp[32];
		time_t seconds = (time_t)(now_ms / 1000);
		struct tm parts;
		gmtime_r(&seconds, &parts);
		strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
		printf("%s (%" PRId64 " ms)\n", stamp, now_ms);
	}
	wn_arena_free(&arena);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option clock_options[] = {
	{"advance", OPTION_TEXT, NULL, 0, 0, "move a manual clock on: 90s, 15m, 24h, 30d"},
	{.name = NULL},
};

const struct command command_clock = {
	.name = "clock",
	.usage = "clock [--advance DURATION]",
	.summary = "read the node's time, or move a manual clock",
	.options = clock_options,
	.run = clock_run,
};
