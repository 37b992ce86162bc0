/* The HTTP surface of a running server, byte by byte: the fourteen traps of the library, limits, refusals. */
#include "tests/web/served.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"

SUITE("server")

enum { TEST_HUNDRED = 100, TEST_STAYING = 40, TEST_LEAVING = 60, TEST_FILE_BYTES = 3 * 1024 * 1024 };

/* One server with usual settings serves most of the tests; the last one stops it. */
static struct served usual;

static bool usual_up(void)
{
	if (usual.pid > 0)
		return true;
	return CHECK(served_node(false) != NULL) && CHECK(served_start(&usual, NULL));
}

static struct raw_answer answer;
static char header[256];

static int ask(const struct served *served, const char *request)
{
	raw_ask(served->port, request, &answer);
	return answer.status;
}

TEST(trap_1_routes_of_every_table_are_reached)
{
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK_TEXT(answer.body_bytes == 14 ? "{\"alive\":true}" : "", "{\"alive\":true}");
	CHECK_INT(ask(&usual, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK_INT(ask(&usual, "GET /v1/network HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK_INT(ask(&usual, "GET /test/whoami HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

TEST(unknown_paths_and_methods_are_problems)
{
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask(&usual, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
	CHECK(raw_problem(&answer, "route_unknown"));
	CHECK_INT(ask(&usual, "DELETE /livez HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
	CHECK(raw_problem(&answer, "method_not_allowed"));
	CHECK_TEXT(raw_header(&answer, "allow", header), "GET, HEAD");
	CHECK_INT(ask(&usual, "GET /page/..%2f..%2fetc HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
	CHECK(raw_problem(&answer, "path_malformed"));
	CHECK_INT(ask(&usual, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
	CHECK(raw_problem(&answer, "path_malformed"));
	CHECK_INT(ask(&usual, "GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
	CHECK(raw_problem(&answer, "path_malformed"));
}

TEST(four_requests_in_one_packet_get_four_answers_in_order)
{
	struct raw raw;
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	CHECK(raw_send(&raw, "GET /test/slow?ms=50 HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
			     "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /nothing "
			     "HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200 &&
		memmem(answer.body, answer.body_bytes, "slow", 4));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200 &&
		memmem(answer.body, answer.body_bytes, "alive", 5));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200 &&
		memmem(answer.body, answer.body_bytes, "\"bytes\":3", 9));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 404);
	raw_close(&raw);
}

TEST(expect_100_continue_and_chunks_are_understood)
{
	struct raw raw;
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	CHECK(raw_send(
		&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
	char first[64];
	ssize_t got = recv(raw.fd, first, sizeof first - 1, 0);
	first[got > 0 ? got : 0] = '\0';
	CHECK_TEXT(first, "HTTP/1.1 100 Continue\r\n\r\n");
	CHECK(raw_send(&raw, "hello"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200 &&
		memmem(answer.body, answer.body_bytes, "\"bytes\":5", 9));
	CHECK(raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
			     "chunked\r\n\r\n4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nTrailer: 1\r\n\r\n"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200 &&
		memmem(answer.body, answer.body_bytes, "\"bytes\":7", 9));
	CHECK(raw_send(
		&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: miracles\r\n\r\nhello"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 417);
	CHECK(raw_problem(&answer, "expectation_failed"));
	raw_close(&raw);
}

TEST(a_body_of_a_mebibyte_arrives_whole)
{
	static char body[1024 * 1024];
	struct raw raw;
	struct sha256 digest;
	char hex[ID_HEX_ROOM];
	CHECK_OR_RETURN(usual_up());
	for (size_t i = 0; i < sizeof body; i++)
		body[i] = served_file_byte((int64_t)i);
	sha256_of(body, sizeof body, &digest);
	hex_write(hex, digest.bytes, ID_BYTES);
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	CHECK(raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"));
	CHECK(raw_send_bytes(&raw, body, sizeof body));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200);
	CHECK(memmem(answer.body, answer.body_bytes, hex, 64) != NULL);
	CHECK(memmem(answer.body, answer.body_bytes, "\"from\":\"127.0.0.1\"", 18) != NULL);
	/* The same in one chunk; and a byte more. */
	CHECK(raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n"));
	CHECK(raw_send_bytes(&raw, body, sizeof body) && raw_send(&raw, "\r\n0\r\n\r\n"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200);
	CHECK(memmem(answer.body, answer.body_bytes, hex, 64) != NULL);
	CHECK(raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"));
	CHECK(raw_send_bytes(&raw, body, sizeof body) && raw_send(&raw, "x"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 413);
	CHECK(raw_problem(&answer, "body_large"));
	raw_close(&raw);
}

TEST(bodies_above_a_routes_own_limit_are_refused)
{
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(
		ask(&usual, "POST /test/small HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n0123456789abcdef"), 200);
	CHECK_INT(ask(&usual, "POST /test/small HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n0123456789abcdefg"),
		413);
	CHECK(raw_problem(&answer, "body_large"));
	CHECK_INT(ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"), 413);
	CHECK(raw_problem(&answer, "body_large"));
}

TEST(trap_2_a_hundred_resets_while_requests_wait_take_nothing_from_the_others)
{
	static struct raw staying[TEST_STAYING], leaving[TEST_LEAVING], busy[2];
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.lanes", "2", "serve.threads", "2", NULL}));
	atomic_store(&served_shared->slow_begun, 0);
	atomic_store(&served_shared->counted, 0);
	for (int i = 0; i < 2; i++)
		CHECK(raw_open(&busy[i], served.port) &&
			raw_send(&busy[i], "GET /test/slow?ms=400 HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (int i = 0; i < 400 && atomic_load(&served_shared->slow_begun) < 2; i++)
		poll(NULL, 0, 5);
	CHECK_INT(atomic_load(&served_shared->slow_begun), 2);
	for (int i = 0; i < TEST_LEAVING; i++)
		CHECK(raw_open(&leaving[i], served.port) &&
			raw_send(&leaving[i], "GET /test/count HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (int i = 0; i < TEST_STAYING; i++)
		CHECK(raw_open(&staying[i], served.port) &&
			raw_send(&staying[i], "GET /test/count HTTP/1.1\r\nHost: x\r\n\r\n"));
	poll(NULL, 0, 50);
	for (int i = 0; i < TEST_LEAVING; i++)
		raw_reset(&leaving[i]);
	for (int i = 0; i < TEST_STAYING; i++) {
		CHECK(raw_answer(&staying[i], &answer, false) && answer.status == 200);
		raw_close(&staying[i]);
	}
	for (int i = 0; i < 2; i++) {
		CHECK(raw_answer(&busy[i], &answer, false) && answer.status == 200);
		raw_close(&busy[i]);
	}
	/* Nothing is read while a request waits, so those who left are run too; what matters is that nobody is lost or
	 * answered twice. */
	CHECK(atomic_load(&served_shared->counted) >= TEST_STAYING);
	CHECK_INT(served_stop(&served), 0);
}

TEST(trap_3_a_request_that_no_lane_takes_up_is_answered_at_the_deadline_and_has_no_effect)
{
	struct served served;
	struct raw busy, waits;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(
		served_start(&served, (const char *const[]){"serve.lanes", "1", "serve.deadline_ms", "300", NULL}));
	atomic_store(&served_shared->counted, 0);
	CHECK(raw_open(&busy, served.port) && raw_send(&busy, "GET /test/slow?ms=1800 HTTP/1.1\r\nHost: x\r\n\r\n"));
	poll(NULL, 0, 50);
	CHECK(raw_open(&waits, served.port) && raw_send(&waits, "GET /test/count HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(raw_answer(&waits, &answer, false) && answer.status == 503);
	CHECK(raw_problem(&answer, "deadline"));
	CHECK(strlen(raw_header(&answer, "retry-after", header)) > 0);
	/* The connection goes on; and what a lane began is answered, however late. */
	CHECK(raw_send(&waits, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") && raw_answer(&waits, &answer, false) &&
		answer.status == 200);
	CHECK(raw_answer(&busy, &answer, false) && answer.status == 200);
	CHECK(raw_send(&busy, "GET /test/slow?ms=0 HTTP/1.1\r\nHost: x\r\n\r\n") && raw_answer(&busy, &answer, false));
	CHECK_INT(atomic_load(&served_shared->counted), 0);
	raw_close(&busy);
	raw_close(&waits);
	CHECK_INT(served_stop(&served), 0);
}

TEST(trap_4_signals_that_interrupt_the_loops_do_not_end_them)
{
	CHECK_OR_RETURN(usual_up());
	for (int i = 0; i < 20; i++) {
		kill(usual.pid, SIGSTOP);
		kill(usual.pid, SIGCONT);
		kill(usual.pid, SIGHUP);
	}
	for (int i = 0; i < 8; i++)
		CHECK_INT(ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

TEST(trap_7_slow_heads_slow_bodies_and_idle_connections_are_cut)
{
	struct served served;
	struct raw head, body, idle, quick;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.idle_ms", "600", NULL}));
	CHECK(raw_open(&head, served.port) && raw_send(&head, "GET /livez HTTP/1.1\r\n"));
	CHECK(raw_open(&body, served.port) &&
		raw_send(&body, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"));
	CHECK(raw_open(&idle, served.port));
	CHECK(raw_open(&quick, served.port) && raw_send(&quick, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") &&
		raw_answer(&quick, &answer, false));
	int64_t begun_ms = clock_monotonic_ms(), told[4] = {0};
	struct raw *all[4] = {&head, &body, &idle, &quick};
	for (int open = 4; open > 0 && clock_monotonic_ms() - begun_ms < 4000;) {
		open = 4;
		for (int i = 0; i < 4; i++) {
			if (!told[i] && raw_ends(all[i], 20))
				told[i] = clock_monotonic_ms() - begun_ms;
			open -= told[i] != 0;
		}
		/* A byte now and then buys no time. */
		if (!told[0])
			raw_send(&head, "X");
		if (!told[1])
			raw_send(&body, "x");
	}
	for (int i = 0; i < 4; i++) {
		CHECK(told[i] >= 300 && told[i] < 2500);
		raw_close(all[i]);
	}
	CHECK_INT(served_stop(&served), 0);
}

static int connections(const struct served *served)
{
	char *at = NULL;
	if (ask(served, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == 200)
		at = memmem(answer.body, answer.body_bytes, "\nwinnow_http_connections ", 25);
	return at ? atoi(at + 25) : -1;
}

TEST(trap_8_a_reader_that_stands_still_is_dropped)
{
	struct served served;
	struct raw stalled;
	int small = 4096;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_file(64 * 1024 * 1024) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.stall_ms", "700", NULL}));
	CHECK_OR_RETURN(raw_open(&stalled, served.port));
	setsockopt(stalled.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	CHECK(raw_send(&stalled, "GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"));
	int64_t begun_ms = clock_monotonic_ms();
	CHECK_INT(connections(&served), 2);
	int open = 2;
	while (open > 1 && clock_monotonic_ms() - begun_ms < 6000) {
		poll(NULL, 0, 100);
		open = connections(&served);
	}
	CHECK_INT(open, 1);
	raw_close(&stalled);
	CHECK_INT(served_stop(&served), 0);
}

/* A request with `count` fields of `bytes` bytes each. */
static int ask_fields(int count, size_t bytes)
{
	static char request[700 * 1024];
	struct raw raw;
	size_t at = (size_t)sprintf(request, "GET /livez HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < count; i++) {
		at += (size_t)sprintf(request + at, "X-%d: ", i);
		memset(request + at, 'v', bytes);
		at += bytes;
		at += (size_t)sprintf(request + at, "\r\n");
	}
	at += (size_t)sprintf(request + at, "\r\n");
	answer.status = 0;
	if (!raw_open(&raw, usual.port))
		return -1;
	/* The server may answer and close before it has read all. */
	raw_send_bytes(&raw, request, at);
	raw_answer(&raw, &answer, false);
	raw_close(&raw);
	return answer.status;
}

TEST(trap_9_large_heads_are_refused)
{
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask_fields(90, 100), 200);
	CHECK_INT(ask_fields(1, 31 * 1024), 200);
	CHECK_INT(ask_fields(1, 33 * 1024), 431);
	CHECK(raw_problem(&answer, "headers_large"));
	CHECK_INT(ask_fields(30, 10 * 1024), 431);
	CHECK_INT(ask_fields(101, 10), 400);
	int status = ask_fields(60, 10 * 1024);
	CHECK(status == 400 || status == 0);
	CHECK_INT(ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

/* The answer's status, and whether the connection is closed behind it. */
static int ask_framing(const char *request, bool *closed)
{
	struct raw raw;
	answer.status = 0;
	*closed = false;
	if (!raw_open(&raw, usual.port))
		return -1;
	if (raw_send(&raw, request) && raw_answer(&raw, &answer, false))
		*closed = raw_ends(&raw, 1000);
	raw_close(&raw);
	return answer.status;
}

TEST(trap_10_requests_that_can_be_read_in_two_ways_are_refused)
{
	static const char *const requests[] = {
		"POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 40\r\n\r\nabc",
		"POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		"GET /livez HTTP/1.1\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"POST /test/echo HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	};
	bool closed;
	CHECK_OR_RETURN(usual_up());
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		CHECK_INT(ask_framing(requests[i], &closed), 400);
		CHECK(raw_problem(&answer, "framing"));
		CHECK(closed);
	}
	CHECK_INT(ask_framing("GET /livez HTTP/1.0\r\n\r\n", &closed), 200);
	CHECK(closed);
}

TEST(trap_11_http_2_is_off)
{
	bool closed;
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask_framing("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &closed), 400);
	CHECK(raw_problem(&answer, "not_http"));
	CHECK(memmem(answer.body, answer.body_bytes, "HTTP/2", 6) != NULL);
	CHECK(closed);
	CHECK_INT(
		ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
			    "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
		200);
}

TEST(what_is_no_http_at_all_is_answered_with_a_problem)
{
	static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and much that is random";
	struct raw raw;
	bool closed;
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask_framing("nonsense\r\n\r\n", &closed), 400);
	CHECK(raw_problem(&answer, "not_http"));
	CHECK_TEXT(raw_header(&answer, "connection", header), "close");
	CHECK(closed);
	CHECK_INT(ask_framing("EHLO friend\r\n", &closed), 400);
	CHECK(raw_problem(&answer, "not_http"));
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	CHECK(raw_send_bytes(&raw, hello, sizeof hello) && raw_answer(&raw, &answer, false));
	CHECK_INT(answer.status, 400);
	CHECK(raw_problem(&answer, "not_http"));
	CHECK(memmem(answer.body, answer.body_bytes, "TLS", 3) != NULL);
	CHECK(raw_ends(&raw, 1000));
	raw_close(&raw);
	/* What is HTTP may come in the smallest parts, with an empty line before it. */
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	for (const char *at = "\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n"; *at; at++) {
		CHECK(raw_send_bytes(&raw, at, 1));
		poll(NULL, 0, 1);
	}
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200);
	/* Behind a first request it is the library's to say. */
	CHECK(raw_send(&raw, "nonsense\r\n\r\n") && raw_answer(&raw, &answer, false) && answer.status == 400);
	CHECK(raw_ends(&raw, 1000));
	raw_close(&raw);
}

TEST(trap_12_errors_of_the_library_are_problems_too)
{
	struct raw raw;
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	CHECK(raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048578\r\n\r\n"));
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 413);
	CHECK(raw_problem(&answer, "body_large"));
	CHECK(raw_ends(&raw, 1000));
	raw_close(&raw);
	CHECK_INT(ask(&usual, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"), 400);
	CHECK(raw_problem(&answer, "request_malformed"));
	CHECK_INT(ask(&usual, "POST /test/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 400);
	CHECK(raw_problem(&answer, "request_malformed"));
	CHECK_INT(ask(&usual, "POST /test/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), 400);
	CHECK(raw_problem(&answer, "request_malformed"));
}

TEST(a_large_body_in_chunks_is_refused_while_it_arrives)
{
	static char chunk[65536 + 16];
	struct raw raw;
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	int at = sprintf(chunk, "10000\r\n");
	memset(chunk + at, 'x', 65536);
	memcpy(chunk + at + 65536, "\r\n", 2);
	raw_send(&raw, "POST /test/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 40; i++)
		if (!raw_send_bytes(&raw, chunk, (size_t)at + 65536 + 2))
			break;
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 413);
	CHECK(raw_problem(&answer, "body_large"));
	raw_close(&raw);
}

TEST(trap_13_large_answers_reach_slow_readers_whole)
{
	struct raw raw;
	int small = 256 * 1024;
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(raw_open(&raw, usual.port));
	setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	CHECK(raw_send(&raw, "GET /test/large?bytes=5000000 HTTP/1.1\r\nHost: x\r\n\r\n"));
	/* Meanwhile others make the server reuse whatever memory it gave back. */
	for (int i = 0; i < 20; i++) {
		char part[20000];
		ssize_t got = recv(raw.fd, part, sizeof part, 0);
		CHECK_OR_RETURN(got > 0);
		memcpy(raw.data + raw.bytes, part, (size_t)got);
		raw.bytes += (size_t)got;
		CHECK_INT(ask(&usual, "GET /test/large?bytes=300000 HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	}
	CHECK(raw_answer(&raw, &answer, false) && answer.status == 200);
	CHECK_INT(answer.body_bytes, 5000000);
	size_t wrong = 0;
	for (size_t i = 0; i < answer.body_bytes; i++)
		wrong += answer.body[i] != served_file_byte((int64_t)i);
	CHECK_INT(wrong, 0);
	raw_close(&raw);
	CHECK_INT(ask(&usual, "HEAD /test/large?bytes=5000000 HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK_TEXT(raw_header(&answer, "content-length", header), "5000000");
}

TEST(trap_14_one_json_library_is_in_the_program)
{
	CHECK(dlsym(RTLD_DEFAULT, "json_parse") != NULL);
	/* Names that jansson and json-c have. */
	CHECK(dlsym(RTLD_DEFAULT, "json_object_get") == NULL);
	CHECK(dlsym(RTLD_DEFAULT, "json_loadb") == NULL);
	CHECK(dlsym(RTLD_DEFAULT, "json_tokener_parse") == NULL);
}

TEST(one_address_gets_so_many_connections_and_all_together_so_many)
{
	struct served served;
	struct raw raws[5];
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.connections_per_address", "4", NULL}));
	for (int i = 0; i < 4; i++)
		CHECK(raw_open(&raws[i], served.port) && raw_send(&raws[i], "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") &&
			raw_answer(&raws[i], &answer, false) && answer.status == 200);
	CHECK(raw_open(&raws[4], served.port) && raw_answer(&raws[4], &answer, false));
	CHECK_INT(answer.status, 503);
	CHECK(raw_problem(&answer, "connections"));
	CHECK(raw_ends(&raws[4], 1000));
	raw_close(&raws[4]);
	raw_close(&raws[0]);
	int status = 0;
	for (int i = 0; i < 100 && status != 200; i++) {
		poll(NULL, 0, 10);
		status = ask(&served, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	}
	CHECK_INT(status, 200);
	for (int i = 1; i < 4; i++)
		raw_close(&raws[i]);
	CHECK_INT(served_stop(&served), 0);
}

TEST(trap_6_a_server_out_of_descriptors_waits_without_spinning_and_goes_on)
{
	static struct raw raws[TEST_HUNDRED];
	struct served served;
	int open = 0;
	char path[64], line[512];
	unsigned long user[2] = {0}, system_ticks[2] = {0};
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.threads", "1", "serve.lanes", "1", NULL}));
	CHECK_INT(ask(&served, "GET /v1/network HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
	struct rlimit few = {40, 40};
	CHECK(prlimit(served.pid, RLIMIT_NOFILE, &few, NULL) == 0);
	for (int i = 0; i < TEST_HUNDRED; i++)
		open += raw_open(&raws[i], served.port);
	CHECK_INT(open, TEST_HUNDRED);
	snprintf(path, sizeof path, "/proc/%d/stat", (int)served.pid);
	for (int i = 0; i < 2; i++) {
		FILE *file = fopen(path, "re");
		CHECK(file && fgets(line, sizeof line, file) && strrchr(line, ')'));
		sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user[i],
			&system_ticks[i]);
		fclose(file);
		if (i == 0)
			poll(NULL, 0, 500);
	}
	/* Of 50 ticks in half a second. */
	CHECK(user[1] + system_ticks[1] - user[0] - system_ticks[0] < 15);
	for (int i = 0; i < TEST_HUNDRED; i++)
		raw_close(&raws[i]);
	CHECK_INT(ask(&served, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 200);
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_full_queue_is_told_with_retry_after)
{
	struct served served;
	struct raw raws[6];
	int full = 0, good = 0;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.lanes", "1", "serve.queue", "2", NULL}));
	for (int i = 0; i < 6; i++) {
		CHECK(raw_open(&raws[i], served.port) &&
			raw_send(&raws[i], "GET /test/slow?ms=150 HTTP/1.1\r\nHost: x\r\n\r\n"));
		poll(NULL, 0, 10);
	}
	for (int i = 0; i < 6; i++) {
		CHECK(raw_answer(&raws[i], &answer, false));
		good += answer.status == 200;
		if (answer.status == 503) {
			full++;
			CHECK(raw_problem(&answer, "queue_full"));
			CHECK(atoi(raw_header(&answer, "retry-after", header)) > 0);
		}
		raw_close(&raws[i]);
	}
	CHECK_INT(good, 3);
	CHECK_INT(full, 3);
	CHECK_INT(served_stop(&served), 0);
}

TEST(files_are_served_whole_in_parts_and_not_again)
{
	CHECK_OR_RETURN(usual_up());
	CHECK_OR_RETURN(served_file(TEST_FILE_BYTES) != NULL);
	/* The server was forked before the file was named; one of its own knows it. */
	struct served served;
	CHECK_OR_RETURN(served_start(&served, NULL));
	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK_INT(answer.body_bytes, TEST_FILE_BYTES);
	size_t wrong = 0;
	for (size_t i = 0; i < answer.body_bytes; i++)
		wrong += answer.body[i] != served_file_byte((int64_t)i);
	CHECK_INT(wrong, 0);
	CHECK_TEXT(raw_header(&answer, "etag", header), "\"test-file-1\"");
	CHECK_TEXT(raw_header(&answer, "accept-ranges", header), "bytes");
	CHECK_TEXT(raw_header(&answer, "cache-control", header), "immutable");

	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=1000000-1000009\r\n\r\n"), 206);
	CHECK_TEXT(raw_header(&answer, "content-range", header), "bytes 1000000-1000009/3145728");
	CHECK_INT(answer.body_bytes, 10);
	for (int i = 0; i < 10; i++)
		CHECK(answer.body[i] == served_file_byte(1000000 + i));
	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=-7\r\n\r\n"), 206);
	CHECK_INT(answer.body_bytes, 7);
	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=3145728-\r\n\r\n"), 416);
	CHECK(raw_problem(&answer, "range"));
	CHECK_TEXT(raw_header(&answer, "content-range", header), "bytes */3145728");

	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"x\", W/\"test-file-1\"\r\n\r\n"),
		304);
	CHECK_TEXT(raw_header(&answer, "content-length", header), "");
	CHECK_TEXT(raw_header(&answer, "etag", header), "\"test-file-1\"");
	CHECK_INT(ask(&served, "HEAD /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-1\r\n\r\n"), 200);
	CHECK_TEXT(raw_header(&answer, "content-length", header), "3145728");
	CHECK_INT(ask(&served, "GET /test/file/missing HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
	CHECK(raw_problem(&answer, "file_unknown"));
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_stale_if_range_gets_the_whole_and_many_ranges_do_not_multiply)
{
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL && served_file(TEST_FILE_BYTES) != NULL);
	CHECK_OR_RETURN(served_start(&served, NULL));
	CHECK_INT(
		ask(&served,
			"GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nIf-Range: \"test-file-1\"\r\n\r\n"),
		206);
	CHECK_INT(answer.body_bytes, 10);
	CHECK_INT(
		ask(&served,
			"GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nIf-Range: \"test-file-0\"\r\n\r\n"),
		200);
	CHECK_INT(answer.body_bytes, TEST_FILE_BYTES);
	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nIf-Range: "
			       "W/\"test-file-1\"\r\n\r\n"),
		200);
	CHECK_INT(ask(&served, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-9\r\nIf-Range: Sat, 01 Jan 2022 "
			       "00:00:00 GMT\r\n\r\n"),
		200);
	static char request[20000];
	int at = sprintf(request, "GET /test/file HTTP/1.1\r\nHost: x\r\nRange: bytes=0-");
	for (int i = 0; i < 2000; i++)
		at += sprintf(request + at, ",0-");
	sprintf(request + at, "\r\n\r\n");
	CHECK_INT(ask(&served, request), 200);
	CHECK_INT(answer.body_bytes, TEST_FILE_BYTES);
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_taken_port_is_told_with_what_to_do)
{
	struct served second;
	char port[16];
	CHECK_OR_RETURN(usual_up());
	snprintf(port, sizeof port, "%d", usual.port);
	CHECK(!served_start(&second, (const char *const[]){"serve.port", port, NULL}));
	CHECK(served_logged(&second, "serve_port_taken"));
	CHECK(served_logged(&second, "--serve.port"));
	CHECK_INT(ask(&usual, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

TEST(the_log_tells_the_address_and_requests_only_when_asked_to)
{
	struct served served;
	CHECK_OR_RETURN(usual_up());
	CHECK_INT(ask(&usual, "GET /v1/network HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK(served_logged(&usual, "\"event\":\"listening\""));
	CHECK(served_logged(&usual, usual.url));
	CHECK(!served_logged(&usual, "\"event\":\"request\""));
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.access_log", "true", NULL}));
	CHECK_INT(ask(&served, "GET /test/slow?ms=0&secret=1 HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	CHECK(served_logged(&served, "\"event\":\"request\""));
	CHECK(served_logged(&served, "\"route\":\"/test/slow\""));
	CHECK(!served_logged(&served, "secret"));
	CHECK_INT(served_stop(&served), 0);
}

TEST(the_operators_socket_is_private_and_the_only_door_to_operator_routes)
{
	char path[NODE_PATH_MAX];
	struct stat status;
	struct raw raw;
	const struct node *node = served_node(false);
	/* The newest server of a state folder has the door. */
	CHECK_OR_RETURN(node != NULL);
	if (usual.pid > 0)
		CHECK_INT(served_stop(&usual), 0);
	CHECK_OR_RETURN(usual_up());
	node_path(node, path, "run/operator.sock");
	CHECK(stat(path, &status) == 0 && S_ISSOCK(status.st_mode));
	CHECK_INT(status.st_mode & 0777, 0600);
	CHECK_INT(ask(&usual, "POST /operator/clock HTTP/1.1\r\nHost: x\r\nContent-Type: "
			      "application/json\r\nContent-Length: 16\r\n\r\n"
			      "{\"advance_ms\":1}"),
		403);
	CHECK(raw_problem(&answer, "operator_only"));
	CHECK_OR_RETURN(raw_open_unix(&raw, path));
	CHECK(raw_send(&raw, "POST /operator/clock HTTP/1.1\r\nHost: x\r\nContent-Type: "
			     "application/json\r\nContent-Length: 16\r\n\r\n"
			     "{\"advance_ms\":1}"));
	CHECK(raw_answer(&raw, &answer, false));
	CHECK_INT(answer.status, 409);
	CHECK(raw_problem(&answer, "clock_not_manual"));
	CHECK(raw_send(&raw, "GET /v1/network HTTP/1.1\r\nHost: x\r\n\r\n") && raw_answer(&raw, &answer, false) &&
		answer.status == 200);
	raw_close(&raw);
}

TEST(many_clients_at_once_are_all_answered)
{
	static struct raw raws[TEST_HUNDRED];
	int good = 0;
	CHECK_OR_RETURN(usual_up());
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < TEST_HUNDRED; i++)
			CHECK((round > 0 || raw_open(&raws[i], usual.port)) &&
				raw_send(&raws[i], "GET /v1/network HTTP/1.1\r\nHost: x\r\n\r\n"));
		for (int i = 0; i < TEST_HUNDRED; i++)
			good += raw_answer(&raws[i], &answer, false) && answer.status == 200;
	}
	CHECK_INT(good, 3 * TEST_HUNDRED);
	for (int i = 0; i < TEST_HUNDRED; i++)
		raw_close(&raws[i]);
}

TEST(the_server_ends_cleanly_and_takes_its_traces_along)
{
	char path[NODE_PATH_MAX];
	const struct node *node = served_node(false);
	struct raw idle;
	CHECK_OR_RETURN(usual_up());
	CHECK(raw_open(&idle, usual.port) && raw_send(&idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") &&
		raw_answer(&idle, &answer, false));
	int64_t begun_ms = clock_monotonic_ms();
	CHECK_INT(served_stop(&usual), 0);
	/* Idle connections do not hold it up. */
	CHECK(clock_monotonic_ms() - begun_ms < 2000);
	CHECK(raw_ends(&idle, 100));
	raw_close(&idle);
	CHECK(access(node_path(node, path, "run/serve.address"), F_OK) != 0);
	CHECK(access(node_path(node, path, "run/operator.sock"), F_OK) != 0);
	CHECK(served_logged(&usual, "\"event\":\"stopped\""));
}
