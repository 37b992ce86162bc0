/* Many clients that send much, read nothing or dawdle: what the server holds for them stays under its limit, and others
 * are answered. */
#include "tests/web/served.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

SUITE("flood")

enum {
	FLOOD_MAX = 400,
	FLOOD_ADDRESSES = 4,
	FLOOD_NEIGHBOUR = 99, /* 127.0.0.99 */
	FLOOD_BODY = 1024 * 1024,
	FLOOD_HELD = 64 * 1024 * 1024, /* serve.held_bytes of these tests */
	/* Beside it: the program, its threads and connections, what is read in one turn before it is counted, and
	 * requests on lanes. Without a limit the floods here take hundreds of MiB. */
	FLOOD_SLACK = 64 * 1024 * 1024,
	FLOOD_LINES = 3,
	FLOOD_READERS = 80,
	SLOW_EACH = 150, /* of two kinds more than the library polls at once, and told in the same turn */
};

static const char *const flood_settings[] = {
	"serve.held_bytes", "67108864", "serve.held_bytes_per_address", "33554432", "serve.lanes", "4", NULL};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool memory_is_told = false; /* sanitizers keep what was freed, and shadows of all of it */
#else
static const bool memory_is_told = true;
#endif

/* ---- a client of many connections ---- */

struct flood {
	int count, fds[FLOOD_MAX];
	size_t sent[FLOOD_MAX];
	int statuses[FLOOD_MAX]; /* of what came back last; 0: nothing */
	int odd;		 /* answers that a flood should not have got */
};

static bool flood_open(struct flood *flood, int port, int count)
{
	memset(flood, 0, sizeof *flood);
	for (flood->count = 0; flood->count < count; flood->count++) {
		struct raw raw;
		if (!CHECK(raw_open_from(&raw, port, 2 + flood->count % FLOOD_ADDRESSES)))
			return false;
		free(raw.data);
		fcntl(raw.fd, F_SETFL, O_NONBLOCK);
		flood->fds[flood->count] = raw.fd;
	}
	return true;
}

static void flood_close(struct flood *flood)
{
	for (int i = 0; i < flood->count; i++)
		close(flood->fds[i]);
	flood->count = 0;
}

static struct raw_answer answer;

/* A neighbour from an address of its own gets what he asks for: 0 when not, else 1. */
static int neighbour(const struct served *served, const char *request)
{
	struct raw raw;
	bool good = raw_open_from(&raw, served->port, FLOOD_NEIGHBOUR) && raw_send(&raw, request) &&
		    raw_answer(&raw, &answer, false) && answer.status == 200;
	raw_close(&raw);
	return good;
}

static const char small_request[] = "GET /test/large?bytes=20000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/* Whatever a connection may still send of `text`; true when it sent something. */
static bool flood_push(struct flood *flood, int i, const char *text, size_t bytes)
{
	if (flood->sent[i] >= bytes)
		return false;
	ssize_t sent = send(flood->fds[i], text + flood->sent[i], bytes - flood->sent[i], MSG_NOSIGNAL);
	if (sent > 0)
		flood->sent[i] += (size_t)sent;
	else if (sent < 0 && errno != EAGAIN)
		flood->sent[i] = bytes;
	return sent > 0;
}

/* Sends all of it as far as the server takes it, for so long; neighbours ask meanwhile. How many were not answered. */
static int flood_send(struct flood *flood, const struct served *served, const char *text, size_t bytes, int time_ms)
{
	int64_t begun_ms = clock_monotonic_ms(), asked_ms = begun_ms;
	int unanswered = 0, asked = 0;
	while (clock_monotonic_ms() - begun_ms < time_ms) {
		bool moved = false;
		for (int i = 0; i < flood->count; i++)
			moved = flood_push(flood, i, text, bytes) || moved;
		if (clock_monotonic_ms() - asked_ms >= 50) {
			unanswered += !neighbour(served, small_request);
			asked++;
			asked_ms = clock_monotonic_ms();
		}
		if (!moved)
			poll(NULL, 0, 5);
	}
	CHECK(asked > 0);
	return unanswered;
}

/* The last status that each connection was answered with, and whether refusals are as they are promised. */
static void flood_read(struct flood *flood)
{
	static char part[16384];
	for (int i = 0; i < flood->count; i++) {
		ssize_t got = recv(flood->fds[i], part, sizeof part - 1, 0);
		if (got <= 0)
			continue;
		part[got] = '\0';
		if (sscanf(part, "HTTP/1.1 %d", &flood->statuses[i]) != 1)
			continue;
		int status = flood->statuses[i];
		bool refused = status == 429 || status == 503;
		if (refused)
			flood->odd += !strstr(part, "\r\nRetry-After: ") || !strstr(part, "application/problem+json") ||
				      !strstr(part, status == 429 ? "/problems/address_share" : "/problems/overloaded");
		else
			flood->odd += status != 200;
	}
}

static int flood_count(const struct flood *flood, int status)
{
	int count = 0;
	for (int i = 0; i < flood->count; i++)
		count += flood->statuses[i] == status;
	return count;
}

/* A sample that is not there yet counts nothing. */
static int64_t metric_or_0(const struct served *served, const char *name)
{
	int64_t value = served_metric(served, name);
	return value < 0 ? 0 : value;
}

static bool held_is_gone(const struct served *served)
{
	int64_t held = -1;
	for (int i = 0; i < 300 && held != 0; i++) {
		poll(NULL, 0, 20);
		held = served_metric(served, "winnow_http_held_bytes");
		/* The question itself is counted. */
		if (held > 0 && held < 8192)
			held = 0;
	}
	return CHECK_INT(held, 0);
}

static void memory_held(const struct served *served, int64_t before_kib)
{
	int64_t most_kib = served_memory_kib(served, "VmHWM");
	if (!memory_is_told)
		return;
	if (!CHECK(most_kib - before_kib < (FLOOD_HELD + FLOOD_SLACK) / 1024))
		printf("  it was %lld KiB before, and %lld KiB at its peak\n", (long long)before_kib,
			(long long)most_kib);
}

/* What the flood took is back; the C library may keep some, far less than the flood. */
static void memory_returned(const struct served *served, int64_t before_kib)
{
	int64_t after_kib = 0;
	for (int i = 0; i < 100; i++) {
		after_kib = served_memory_kib(served, "VmRSS");
		if (after_kib - before_kib < FLOOD_HELD / 2 / 1024)
			break;
		poll(NULL, 0, 20);
	}
	if (memory_is_told && !CHECK(after_kib - before_kib < FLOOD_HELD / 2 / 1024))
		printf("  it was %lld KiB before, and is %lld KiB after\n", (long long)before_kib,
			(long long)after_kib);
}

static size_t body_request(char *text, const char *path)
{
	int head = sprintf(text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, FLOOD_BODY);
	memset(text + head, 'x', FLOOD_BODY);
	return (size_t)head + FLOOD_BODY;
}

/* ---- memory ---- */

TEST(bodies_that_arrive_are_refused_when_memory_is_taken_and_neighbours_are_answered)
{
	static char text[FLOOD_BODY + 1024];
	static struct flood flood;
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, flood_settings));
	CHECK_INT(neighbour(&served, small_request), 1);
	int64_t before_kib = served_memory_kib(&served, "VmRSS");
	CHECK_OR_RETURN(flood_open(&flood, served.port, FLOOD_MAX));
	/* All but the last byte: the server can do nothing with them but keep them. */
	CHECK_INT(flood_send(&flood, &served, text, body_request(text, "/test/echo") - 1, 2500), 0);
	memory_held(&served, before_kib);
	flood_read(&flood);
	CHECK_INT(flood.odd, 0);
	CHECK(flood_count(&flood, 429) + flood_count(&flood, 503) > FLOOD_MAX / 2);
	CHECK(flood_count(&flood, 503) > 0);
	CHECK(served_metric(&served, "winnow_http_connections_total{outcome=\"cut_full\"}") > FLOOD_MAX / 2);
	CHECK(served_metric(&served, "winnow_http_held_peak_bytes") > FLOOD_HELD / 2);
	flood_close(&flood);
	held_is_gone(&served);
	memory_returned(&served, before_kib);
	CHECK_INT(served_stop(&served), 0);
}

TEST(bodies_that_wait_for_lanes_are_bounded_too)
{
	static char text[FLOOD_BODY + 1024];
	static struct flood flood;
	static struct raw busy[4];
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, flood_settings));
	CHECK_INT(neighbour(&served, small_request), 1);
	int64_t before_kib = served_memory_kib(&served, "VmRSS");
	for (int i = 0; i < 3; i++)
		CHECK(raw_open_from(&busy[i], served.port, 90) &&
			raw_send(&busy[i], "GET /test/slow?ms=2000 HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK_OR_RETURN(flood_open(&flood, served.port, FLOOD_MAX / 2));
	CHECK_INT(flood_send(&flood, &served, text, body_request(text, "/test/hold?ms=20"), 2500), 0);
	memory_held(&served, before_kib);
	/* Those that found room are answered when the lanes are free. */
	for (int wait = 0; wait < 1000 && flood_count(&flood, 200) == 0; wait++) {
		poll(NULL, 0, 10);
		flood_read(&flood);
	}
	CHECK_INT(flood.odd, 0);
	CHECK(flood_count(&flood, 429) + flood_count(&flood, 503) > FLOOD_MAX / 8);
	CHECK(flood_count(&flood, 200) > 0);
	flood_close(&flood);
	for (int i = 0; i < 3; i++)
		raw_close(&busy[i]);
	held_is_gone(&served);
	memory_returned(&served, before_kib);
	CHECK_INT(served_stop(&served), 0);
}

TEST(answers_that_nobody_reads_are_refused_when_memory_is_taken)
{
	static char text[FLOOD_LINES * 128];
	static struct flood flood;
	struct served served;
	int at = 0;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, flood_settings));
	CHECK_INT(neighbour(&served, small_request), 1);
	int64_t before_kib = served_memory_kib(&served, "VmRSS");
	/* More than the kernel takes of one, so that the rest waits in the server; and more requests behind it. */
	for (int i = 0; i < FLOOD_LINES; i++)
		at += sprintf(text + at, "GET /test/large?bytes=3000000 HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_OR_RETURN(flood_open(&flood, served.port, FLOOD_READERS));
	CHECK_INT(flood_send(&flood, &served, text, (size_t)at, 2000), 0);
	int64_t refused = 0;
	for (int i = 0; i < 500 && refused < FLOOD_READERS / 4; i++) {
		refused = metric_or_0(&served,
				  "winnow_http_requests_total{method=\"GET\",route=\"/test/large\",class=\"4xx\"}") +
			  metric_or_0(&served,
				  "winnow_http_requests_total{method=\"GET\",route=\"/test/large\",class=\"5xx\"}");
		poll(NULL, 0, 20);
	}
	CHECK(refused >= FLOOD_READERS / 4);
	memory_held(&served, before_kib);
	CHECK(served_metric(&served, "winnow_http_held_peak_bytes") > FLOOD_HELD / 2);
	flood_close(&flood);
	held_is_gone(&served);
	memory_returned(&served, before_kib);
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_buffer_is_counted_until_its_last_byte_is_gone_and_the_wait_for_it_is_short)
{
	static char text[FLOOD_BODY + 1024];
	static struct flood flood;
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.slow_ms", "800", NULL}));
	CHECK_OR_RETURN(flood_open(&flood, served.port, 20));
	size_t bytes = body_request(text, "/test/echo");
	/* Of the next request one byte comes with the body, and then no more. */
	text[bytes] = 'G';
	for (bool moved = true; moved;) {
		moved = false;
		for (int i = 0; i < flood.count; i++)
			moved = flood_push(&flood, i, text, bytes + 1) || flood.sent[i] < bytes + 1 || moved;
	}
	int64_t held = 0;
	for (int i = 0; i < 200 && held < 20 * FLOOD_BODY; i++) {
		held = served_metric(&served, "winnow_http_held_bytes");
		poll(NULL, 0, 5);
	}
	CHECK(held >= 20 * FLOOD_BODY);
	held_is_gone(&served);
	flood_close(&flood);
	CHECK_INT(served_stop(&served), 0);
}

TEST(requests_that_may_use_much_memory_are_not_all_worked_on_at_once)
{
	static char text[FLOOD_BODY + 1024];
	struct raw raws[4];
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.lanes", "4", NULL}));
	atomic_store(&served_shared->held_most, 0);
	size_t bytes = body_request(text, "/test/hold?ms=150");
	for (int i = 0; i < 4; i++)
		CHECK(raw_open(&raws[i], served.port) && raw_send_bytes(&raws[i], text, bytes));
	for (int i = 0; i < 4; i++) {
		CHECK(raw_answer(&raws[i], &answer, false));
		CHECK_INT(answer.status, 200);
		raw_close(&raws[i]);
	}
	/* Four lanes have 128 MiB; each of these may use 64. */
	CHECK_INT(atomic_load(&served_shared->held_most), 2);
	CHECK_INT(served_stop(&served), 0);
}

/* ---- time ---- */

enum slow_kind { SLOW_HEAD, SLOW_BODY, SLOW_READER, SLOW_KINDS };

TEST(slow_clients_of_every_kind_are_gone_in_time_and_quick_ones_are_answered)
{
	static const char *const beginnings[SLOW_KINDS] = {"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
		"GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"};
	static struct raw raws[SLOW_KINDS][SLOW_EACH];
	static char part[65536];
	bool gone[SLOW_KINDS][SLOW_EACH] = {{false}};
	struct served served;
	int left = SLOW_KINDS * SLOW_EACH, unanswered = 0, told = 0, small = 4096;
	CHECK_OR_RETURN(served_node(false) != NULL && served_file(64 * 1024 * 1024) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.slow_ms", "1000", "serve.slow_bytes_s",
						      "16384", "serve.threads", "1", NULL}));
	/* All of them in one moment, so that they are cut in one moment too. */
	kill(served.pid, SIGSTOP);
	for (int kind = 0; kind < SLOW_KINDS; kind++)
		for (int i = 0; i < SLOW_EACH; i++) {
			struct raw *raw = &raws[kind][i];
			CHECK_OR_RETURN(raw_open_from(raw, served.port, 2 + i % FLOOD_ADDRESSES));
			if (kind == SLOW_READER)
				setsockopt(raw->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
			CHECK(raw_send(raw, beginnings[kind]));
		}
	kill(served.pid, SIGCONT);
	/* Each moves a little now and then, which must buy no time. */
	int64_t begun_ms = clock_monotonic_ms();
	while (left > 0 && clock_monotonic_ms() - begun_ms < 15000) {
		for (int kind = 0; kind < SLOW_KINDS; kind++)
			for (int i = 0; i < SLOW_EACH; i++) {
				struct raw *raw = &raws[kind][i];
				if (gone[kind][i])
					continue;
				ssize_t got = kind == SLOW_READER ? recv(raw->fd, part, 64, MSG_DONTWAIT)
								  : recv(raw->fd, part, sizeof part, MSG_DONTWAIT);
				told += kind != SLOW_READER && got > 12 && memcmp(part, "HTTP/1.1 408", 12) == 0;
				if (got == 0 || (got < 0 && errno != EAGAIN)) {
					gone[kind][i] = true;
					left--;
				} else if (kind != SLOW_READER) {
					(void)!send(raw->fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
				}
			}
		unanswered += !neighbour(&served, small_request);
		/* A reader that was cut still finds what had come before: only the server's count tells. */
		if (served_metric(&served, "winnow_http_connections") == 0)
			break;
		poll(NULL, 0, 50);
	}
	CHECK_INT(served_metric(&served, "winnow_http_connections"), 0);
	CHECK_INT(unanswered, 0);
	CHECK_INT(told, 2 * SLOW_EACH);
	CHECK_INT(
		served_metric(&served, "winnow_http_connections_total{outcome=\"cut_slow\"}"), SLOW_KINDS * SLOW_EACH);
	for (int kind = 0; kind < SLOW_KINDS; kind++)
		for (int i = 0; i < SLOW_EACH; i++)
			raw_close(&raws[kind][i]);
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_steady_client_is_not_taken_for_a_slow_one)
{
	static char text[FLOOD_BODY + 1024];
	struct served served;
	struct raw writer, reader, waiter;
	CHECK_OR_RETURN(served_node(false) != NULL && served_file(3 * 1024 * 1024) != NULL);
	CHECK_OR_RETURN(served_start(
		&served, (const char *const[]){"serve.slow_ms", "200", "serve.slow_bytes_s", "16384", NULL}));
	size_t bytes = body_request(text, "/test/echo"), sent = 0, got = 0;
	CHECK_OR_RETURN(
		raw_open(&writer, served.port) && raw_open(&reader, served.port) && raw_open(&waiter, served.port));
	/* Who waits for a lane or between two requests is not slow at all. */
	CHECK(raw_send(&waiter, "GET /test/slow?ms=1200 HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(raw_send(&reader, "GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"));
	while (sent < bytes) {
		static char part[128 * 1024];
		size_t count = bytes - sent < 48 * 1024 ? bytes - sent : 48 * 1024;
		CHECK_OR_RETURN(raw_send_bytes(&writer, text + sent, count));
		sent += count;
		ssize_t n = recv(reader.fd, part, sizeof part, 0);
		CHECK_OR_RETURN(n > 0);
		got += (size_t)n;
		poll(NULL, 0, 40);
	}
	CHECK(raw_answer(&writer, &answer, false) && answer.status == 200);
	CHECK(raw_answer(&waiter, &answer, false) && answer.status == 200);
	CHECK(raw_send(&writer, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") && raw_answer(&writer, &answer, false) &&
		answer.status == 200);
	CHECK(got > 1024 * 1024);
	CHECK_INT(served_metric(&served, "winnow_http_connections_total{outcome=\"cut_slow\"}"), 0);
	raw_close(&writer);
	raw_close(&reader);
	raw_close(&waiter);
	CHECK_INT(served_stop(&served), 0);
}

/* ---- the queue ---- */

TEST(one_address_gets_its_share_of_the_queue_and_another_ones_turn_comes_soon)
{
	enum { MANY = 60, SHARE = 40 };
	static struct raw raws[MANY];
	struct raw other;
	struct served served;
	char header[256];
	int good = 0, shed = 0;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(
		&served, (const char *const[]){"serve.lanes", "1", "serve.queue_per_address", "40", NULL}));
	atomic_store(&served_shared->slow_begun, 0);
	atomic_store(&served_shared->slow_done, 0);
	CHECK(raw_open_from(&raws[0], served.port, 2) &&
		raw_send(&raws[0], "GET /test/slow?ms=400 HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (int i = 0; i < 400 && atomic_load(&served_shared->slow_begun) < 1; i++)
		poll(NULL, 0, 5);
	for (int i = 1; i < MANY; i++)
		CHECK(raw_open_from(&raws[i], served.port, 2) &&
			raw_send(&raws[i], "GET /test/slow?ms=20 HTTP/1.1\r\nHost: x\r\n\r\n"));
	for (int i = 0; i < 400 && served_metric(&served, "winnow_queue_length") < 0; i++)
		poll(NULL, 0, 5);
	CHECK(raw_open_from(&other, served.port, 3) && raw_send(&other, "GET /test/count HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(raw_answer(&other, &answer, false) && answer.status == 200);
	/* Behind the one that was under way and those that were dealt out before it came, not behind all forty. */
	CHECK(atomic_load(&served_shared->slow_done) < SHARE / 2);
	for (int i = 0; i < MANY; i++) {
		CHECK(raw_answer(&raws[i], &answer, false));
		good += answer.status == 200;
		if (answer.status == 429) {
			shed++;
			CHECK(raw_problem(&answer, "address_queue"));
			CHECK(atoi(raw_header(&answer, "retry-after", header)) > 0);
		}
		raw_close(&raws[i]);
	}
	raw_close(&other);
	CHECK_INT(good + shed, MANY);
	CHECK_INT(good, SHARE + 1);
	CHECK_INT(served_stop(&served), 0);
}

TEST(more_lanes_than_the_database_has_sessions_are_refused_at_the_start)
{
	struct served served;
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK(!served_start(&served, (const char *const[]){"serve.lanes", "174", NULL}));
	CHECK(served_logged(&served, "\"code\":\"serve_lanes\""));
	CHECK(served_logged(&served, "lower serve.lanes to 173"));
}
