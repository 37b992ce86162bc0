/* Amounts as people write them, where the command line finds its node, and nodes that answer nonsense. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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
	static const char *const bad[] = {"", " ", "WIN", ".5", "5.", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0x10",
		"1.5 USD", "1.5 win", "1.5  WIN", "1.5 WIN ", "one", "1..5", "1.5.5", "1.-5", "1. WIN"};
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

TEST(what_others_wrote_cannot_steer_the_terminal)
{
	static const char wrote[] = "a\x1b[2Jb\x07\r\nc\td\x7f \xc2\x9b"
				    "31m \xc3\xbc\xc2\xa0\xe2\x82\xac \xc2";
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	CHECK_OR_RETURN(out != NULL);
	text_show(out, (struct wn_slice){wrote, sizeof wrote - 1});
	fclose(out);
	CHECK_TEXT(text, "a?[2Jb??\nc\td? ?31m \xc3\xbc\xc2\xa0\xe2\x82\xac \xc2");
	free(text);
}

/* ---- nodes that answer nonsense ---- */

struct liar {
	pid_t pid;
	char url[64];
};

/* Answers every request the same. */
static void liar_serve(int listening, const char *status, const char *type, const char *body) __attribute__((noreturn));
static void liar_serve(int listening, const char *status, const char *type, const char *body)
{
	for (;;) {
		char request[16384], answer[8192];
		size_t got = 0;
		int peer = accept(listening, NULL, NULL);
		if (peer < 0)
			_exit(1);
		for (ssize_t more = 1; more > 0 && got + 1 < sizeof request;) {
			more = read(peer, request + got, sizeof request - 1 - got);
			got += more > 0 ? (size_t)more : 0;
			request[got] = '\0';
			/* The end of the head, and of a body that ends an object: all that is sent here. */
			char *end = strstr(request, "\r\n\r\n");
			if (end && (strncmp(request, "GET", 3) == 0 || request[got - 1] == '}'))
				break;
		}
		int bytes = snprintf(answer, sizeof answer,
			"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
			type, strlen(body), body);
		if (write(peer, answer, (size_t)bytes) != bytes)
			_exit(1);
		close(peer);
	}
}

static bool liar_start(struct liar *liar, const char *status, const char *type, const char *body)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = listening >= 0 && bind(listening, (struct sockaddr *)&address, bytes) == 0 &&
		     listen(listening, 8) == 0 && getsockname(listening, (struct sockaddr *)&address, &bytes) == 0;
	if (!CHECK(there))
		return false;
	snprintf(liar->url, sizeof liar->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
	fflush(NULL);
	liar->pid = fork();
	if (liar->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		liar_serve(listening, status, type, body);
	}
	close(listening);
	return CHECK(liar->pid > 0);
}

static void liar_stop(struct liar *liar)
{
	kill(liar->pid, SIGKILL);
	waitpid(liar->pid, NULL, 0);
}

TEST(a_node_that_does_not_say_who_it_is_is_not_believed)
{
	static const char *const bodies[] = {"{}", "[]", "null", "7", "\"node\"",
		"{\"network_id\":7,\"checkpoint_key\":7,\"now_ms\":1}",
		"{\"network_id\":\"00\",\"checkpoint_key\":\"did:key:z\",\"now_ms\":1}",
		"{\"network_id\":null,\"checkpoint_key\":null,\"now_ms\":null}"};
	const struct option *const tables[] = {test_options, node_options, NULL};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct options *options = options_open(tables);
		static struct client client;
		struct liar liar;
		struct wn_error err = {0};
		CHECK_OR_RETURN(liar_start(&liar, "200 OK", "application/json", bodies[i]));
		CHECK_OK(option_set(options, "node", liar.url, &err), err);
		if (client_open(&client, options, NULL, &err))
			CHECK_TEXT(bodies[i], "not believed");
		CHECK_TEXT(err.code, "answer_malformed");
		CHECK_INT(err.blame, WN_DOWN);
		liar_stop(&liar);
		options_close(options);
	}
}

TEST(a_refusal_without_a_code_is_told_by_its_status)
{
	static const char *const bodies[] = {"{\"type\":7,\"title\":7,\"detail\":7}", "{\"type\":null}", "{}", "[]", "",
		"{\"type\":\"about:blank\"}", "{\"type\":\"/problems/\"}", "not json"};
	const struct option *const tables[] = {test_options, node_options, NULL};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct options *options = options_open(tables);
		static struct client client;
		struct liar liar;
		struct wn_error err = {0};
		CHECK_OR_RETURN(liar_start(&liar, "418 Teapot", "application/problem+json", bodies[i]));
		CHECK_OK(option_set(options, "node", liar.url, &err), err);
		CHECK(!client_open(&client, options, NULL, &err));
		CHECK_TEXT(err.code, "http_418");
		CHECK_INT(err.blame, WN_INPUT);
		liar_stop(&liar);
		options_close(options);
	}
}

TEST(votes_that_a_node_answers_with_nonsense_do_not_count)
{
	static const char *const bodies[] = {"{\"results\":[{\"result\":7}]}", "{\"results\":[7]}",
		"{\"results\":[{}]}", "{\"results\":[null]}", "{\"results\":[]}", "{\"results\":{}}", "{}", "[]"};
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		struct key_file keys = {.vote_seed = {1}};
		struct node_view view = {.tag = "winnow-0011223344556677"};
		struct vote_client client = {.view = &view, .keys = &keys};
		struct vote_cast vote = {.sequence = 1};
		struct wn_arena arena;
		struct wn_error err = {0};
		struct liar liar;
		size_t counted = 0;
		sign_start();
		sign_generate(&keys.key);
		wn_arena_init(&arena, 1 << 20);
		CHECK_OR_RETURN(liar_start(&liar, "200 OK", "application/json", bodies[i]));
		CHECK_OK(fetch_open(&client.fetch, liar.url, NULL, &err), err);
		if (vote_client_commit(&client, &arena, &vote, 1, &counted, &err))
			CHECK_TEXT(bodies[i], "not counted");
		CHECK(err.code[0] != '\0');
		CHECK_INT((int64_t)counted, 0);
		fetch_close(client.fetch);
		liar_stop(&liar);
		wn_arena_free(&arena);
	}
}
