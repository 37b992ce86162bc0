/* Amounts as people write them, and where the command line finds its node. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/check.h"

SUITE("client")

enum { ROUND_TRIPS = 20000, PATH_ROOM = 512 };
#define UNREAD (-12345)

static int64_t read_units(const char *text)
{
	int64_t units = UNREAD;
	return amount_read(text, &units) ? units : UNREAD;
}

TEST(amounts_are_read_as_people_write_them)
{
	CHECK_INT(read_units("0"), 0);
	CHECK_INT(read_units("1"), 1000000000);
	CHECK_INT(read_units("12.5"), 12500000000);
	CHECK_INT(read_units("12.5 WIN"), 12500000000);
	CHECK_INT(read_units("12.5WIN"), 12500000000);
	CHECK_INT(read_units("0.000000001"), 1);
	CHECK_INT(read_units("0.100000000"), 100000000);
	CHECK_INT(read_units("007"), 7000000000);
	CHECK_INT(read_units("9223372036.854775807"), INT64_MAX);
}

TEST(what_is_no_amount_is_refused)
{
	static const char *const bad[] = {"", " ", "WIN", ".5", "5.", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0x10", "1.5 USD",
		"1.5 win", "1.5  WIN", "1.5 WIN ", "one", "1..5", "1.5.5", "1.-5", "1. WIN"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (read_units(bad[i]) != UNREAD)
			CHECK_TEXT(bad[i], "refused");
}

TEST(ten_decimals_are_refused_not_rounded)
{
	CHECK_INT(read_units("1.0000000001"), UNREAD);
	CHECK_INT(read_units("1.0000000000"), UNREAD);
	CHECK_INT(read_units("1.0000000010 WIN"), UNREAD);
}

TEST(an_amount_above_what_units_can_count_is_refused_not_wrapped)
{
	CHECK_INT(read_units("9223372036.854775808"), UNREAD);
	CHECK_INT(read_units("9223372037"), UNREAD);
	CHECK_INT(read_units("9223372036854775807"), UNREAD);
	CHECK_INT(read_units("9223372036854775808"), UNREAD);
	CHECK_INT(read_units("18446744073709551616"), UNREAD);
	CHECK_INT(read_units("99999999999999999999999999999999999999999"), UNREAD);
}

TEST(an_amount_is_written_without_needless_zeros)
{
	char text[32];
	CHECK_TEXT(amount_write(text, 0), "0");
	CHECK_TEXT(amount_write(text, 1), "0.000000001");
	CHECK_TEXT(amount_write(text, 12500000000), "12.5");
	CHECK_TEXT(amount_write(text, 100000000000), "100");
	CHECK_TEXT(amount_write(text, -1), "-0.000000001");
	CHECK_TEXT(amount_write(text, -2500000000), "-2.5");
	CHECK_TEXT(amount_write(text, INT64_MAX), "9223372036.854775807");
	CHECK_TEXT(amount_write(text, INT64_MIN), "-9223372036.854775808");
}

TEST(what_was_written_is_read_as_the_same_units)
{
	uint64_t state = test_seed();
	for (int i = 0; i < ROUND_TRIPS; i++) {
		/* All lengths alike, and round amounts as often as odd ones. */
		int64_t units = (int64_t)(test_random(&state) >> (1 + test_random(&state) % 63));
		char text[32], with_asset[40];
		if (i % 2)
			units -= units % 1000000;
		amount_write(text, units);
		snprintf(with_asset, sizeof with_asset, "%s WIN", text);
		if (read_units(text) != units || read_units(with_asset) != units) {
			CHECK_INT(read_units(text), units);
			CHECK_TEXT(text, "read as what it was written from");
			return;
		}
	}
}

static const struct option test_options[] = {
	CLIENT_OPTION_NODE,
	{.name = NULL},
};

TEST(the_node_is_the_one_that_was_named_else_the_one_on_this_state_folder_else_port_8080_here)
{
	const struct option *const tables[] = {test_options, node_options, NULL};
	struct options *options = options_open(tables);
	struct wn_error err = {0};
	char url[CLIENT_URL_MAX], path[PATH_ROOM];
	const char *folder = test_folder();
	CHECK_OK(option_set(options, "node.state", folder, &err), err);
	CHECK_TEXT(client_url(options, url), "http://127.0.0.1:8080");
	snprintf(path, sizeof path, "%s/run", folder);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/run/serve.address", folder);
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	fputs("http://127.0.0.1:12345\n", file);
	fclose(file);
	CHECK_TEXT(client_url(options, url), "http://127.0.0.1:12345");
	CHECK_OK(option_set(options, "node", "https://node.example", &err), err);
	CHECK_TEXT(client_url(options, url), "https://node.example");
	options_close(options);
}

TEST(a_key_file_that_is_not_there_or_a_node_that_does_not_answer_is_told)
{
	const struct option *const tables[] = {test_options, node_options, NULL};
	struct options *options = options_open(tables);
	static struct client client;
	struct wn_error err = {0};
	/* Port 1 on this machine: nobody listens there. */
	CHECK_OK(option_set(options, "node", "http://127.0.0.1:1", &err), err);
	CHECK(!client_open(&client, options, "/nowhere/key", &err));
	CHECK_INT(err.blame, WN_INPUT);
	CHECK_TEXT(err.code, "key_file");
	CHECK(!client_open(&client, options, NULL, &err));
	CHECK_INT(err.blame, WN_DOWN);
	CHECK_TEXT(err.code, "fetch_unreachable");
	options_close(options);
}

TEST(the_operators_door_of_a_node_that_does_not_run_is_told)
{
	const struct option *const tables[] = {test_options, node_options, NULL};
	struct options *options = options_open(tables);
	struct wn_error err = {0};
	struct wn_arena arena;
	const struct json *answer;
	wn_arena_init(&arena, 1 << 20);
	CHECK_OK(option_set(options, "node.state", test_folder(), &err), err);
	CHECK(!operator_send(options, &arena, "/v1/network", NULL, &answer, &err));
	CHECK_INT(err.blame, WN_DOWN);
	CHECK_TEXT(err.code, "operator_socket");
	wn_arena_free(&arena);
	options_close(options);
}
