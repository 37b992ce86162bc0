/* Signed writes at twice the rate that the node can take, against the rate itself: what refusing costs those who get
 * in.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "web/account_api.h"
#include "web/node_api.h"

enum {
	TURNS = BENCH_TURNS,
	ADDRESSES = 8,
	CLIENTS_MAX = 2048, /* twice what the server's queue takes, so that it has to refuse */
	CLIENTS_FEW = 64,   /* enough to keep all lanes busy */
	ANSWER_MAX = 4096,
	EVENTS_MAX = 256,
	REQUESTS_MAX = 40000,
	CALM_MS = 1000, /* what a server that is not pressed is asked for, before and after */
	RUN_MS = 2500,
	LATE_MS = 20000,
};

struct client {
	int fd;
	bool waits;
	double sent; /* seconds */
	char answer[ANSWER_MAX];
	size_t bytes;
};

struct crowd {
	int epoll, count;
	struct client clients[CLIENTS_MAX];
	int idle[CLIENTS_MAX], idle_first,
		idle_count; /* a ring: each gets its turn, so that none is idle for a minute */
};

struct rush {
	size_t asked, stored, refused;
	double seconds; /* in which requests were sent */
	double in_time; /* stored in these */
	double p99_ms;	/* of what was stored */
	double cpu_ns;	/* of the server and PostgreSQL, until the last answer */
};

static bool crowd_open(struct crowd *crowd, int port, struct wn_error *err)
{
	int on = 1;
	crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (crowd->count = 0; crowd->count < CLIENTS_MAX; crowd->count++) {
		struct client *client = &crowd->clients[crowd->count];
		struct sockaddr_in from = {.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (unsigned)(crowd->count % ADDRESSES))};
		struct sockaddr_in address = {.sin_family = AF_INET,
			.sin_port = htons((uint16_t)port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
		client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (client->fd < 0 || bind(client->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
			connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0)
			return wn_fail(err, WN_DOWN, "load_connect", "connect to port %d: %s", port, strerror(errno));
		setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, client->fd, &event);
	}
	return true;
}

static void crowd_close(struct crowd *crowd)
{
	for (int i = 0; crowd && i < crowd->count; i++)
		close(crowd->clients[i].fd);
	if (crowd)
		close(crowd->epoll);
	free(crowd);
}

static void crowd_rest(struct crowd *crowd, int client)
{
	crowd->idle[(crowd->idle_first + crowd->idle_count++) % CLIENTS_MAX] = client;
}

static struct client *crowd_next(struct crowd *crowd)
{
	struct client *client = &crowd->clients[crowd->idle[crowd->idle_first]];
	crowd->idle_first = (crowd->idle_first + 1) % CLIENTS_MAX;
	crowd->idle_count--;
	return client;
}

static bool client_ask(struct client *client, struct wn_slice request, struct wn_error *err)
{
	client->waits = true;
	client->bytes = 0;
	client->sent = bench_seconds();
	if (send(client->fd, request.data, request.bytes, MSG_NOSIGNAL) != (ssize_t)request.bytes)
		return wn_fail(err, WN_DOWN, "load_send", "send a request: %s", strerror(errno));
	return true;
}

/* *status stays 0 while the answer is not whole. */
static bool client_read(struct client *client, int *status, struct wn_error *err)
{
	ssize_t got = recv(client->fd, client->answer + client->bytes, ANSWER_MAX - 1 - client->bytes, 0);
	*status = 0;
	if (got <= 0)
		return wn_fail(err, WN_DOWN, "load_answer", "the server closed the connection");
	client->bytes += (size_t)got;
	client->answer[client->bytes] = '\0';
	const char *end = strstr(client->answer, "\r\n\r\n"), *length = strstr(client->answer, "Content-Length: ");
	if (!end || !length || client->bytes < (size_t)(end + 4 - client->answer) + strtoul(length + 16, NULL, 10))
		return true;
	client->waits = false;
	if (sscanf(client->answer, "HTTP/1.1 %d", status) != 1 ||
		(*status != 201 && *status != 429 && *status != 503) ||
		(*status != 201 && !strstr(client->answer, "\r\nRetry-After: ")))
		return wn_fail(err, WN_DOWN, "load_answer", "an answer of no known kind: %.300s", client->answer);
	return true;
}

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Asks `rate` times a second for so long (0: each of `few` clients again when it is answered), then waits for the rest.
 */
static bool crowd_rush(struct bench_node *bench, struct crowd *crowd, const struct wn_slice *requests, int few,
	double rate, int run_ms, struct rush *out, struct wn_error *err)
{
	static double waited[REQUESTS_MAX];
	struct epoll_event events[EVENTS_MAX];
	size_t answered = 0;
	int64_t cpu = bench_cpu_of(bench->server) + bench_cpu_of_cluster(&bench->cluster);
	double begun = bench_seconds(), until = begun + run_ms / 1e3;
	*out = (struct rush){.seconds = run_ms / 1e3};
	crowd->idle_count = 0;
	for (int i = 0; i < few; i++)
		crowd_rest(crowd, i);
	for (;;) {
		double now = bench_seconds();
		size_t due = rate > 0 ? (size_t)((now - begun) * rate) : REQUESTS_MAX;
		while (now < until && crowd->idle_count > 0 && out->asked < due && out->asked < REQUESTS_MAX)
			if (!client_ask(crowd_next(crowd), requests[out->asked++], err))
				return false;
		if (now >= until && answered == out->asked)
			break;
		if (now > until + LATE_MS / 1e3)
			return wn_fail(
				err, WN_DOWN, "load_answer", "%zu requests were never answered", out->asked - answered);
		int ready = epoll_wait(crowd->epoll, events, EVENTS_MAX, 1);
		for (int i = 0; i < ready; i++) {
			struct client *client = events[i].data.ptr;
			int status;
			if (!client_read(client, &status, err))
				return false;
			if (status == 0)
				continue;
			double got = bench_seconds();
			answered++;
			crowd_rest(crowd, (int)(client - crowd->clients));
			out->refused += status != 201;
			if (status != 201)
				continue;
			out->in_time += got < until;
			waited[out->stored++] = (got - client->sent) * 1e3;
		}
	}
	cpu = bench_cpu_of(bench->server) + bench_cpu_of_cluster(&bench->cluster) - cpu;
	out->cpu_ns = (double)cpu;
	qsort(waited, out->stored, sizeof *waited, double_order);
	out->p99_ms = out->stored ? waited[out->stored - 1 - out->stored / 100] : 0;
	return out->stored > 0 || wn_fail(err, WN_DOWN, "load_answer", "nothing was stored");
}

/* `count` registrations of keys that nobody has seen. */
static bool requests_make(
	const struct bench_node *bench, size_t count, int *serial, struct wn_slice *out, struct wn_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct sign_key key;
		free((char *)out[i].data);
		out[i] = (struct wn_slice){0};
		bench_key("crowd", (*serial)++, &key);
		if (!bench_request(bench, "/v1/accounts", "application/json", WN_SLICE("{\"roles\":[\"contributor\"]}"),
			    &key, &out[i], err))
			return false;
	}
	return true;
}

static bool overload_turns(struct bench_node *bench, struct crowd *crowd, struct wn_error *err)
{
	static struct wn_slice requests[REQUESTS_MAX];
	struct bench_series cost = {.name = "writes at twice the load, by CPU",
		.unit = "stored/cpu s",
		.peer = "as many as can be stored",
		.least = 0.9};
	struct bench_series wall = {
		.name = "the same by the wall", .unit = "stored/s", .peer = "as many as can be stored, by the wall"};
	struct rush full, twice, before, after;
	int64_t stored = 0, kept, founded;
	int serial = 0;
	bool done = bench_number(bench, &founded, err, "SELECT count(*) FROM account");
	/* Turn 0 warms caches, plans and connections; it is not counted. All are signed anew: a signature lasts
	 * minutes. */
	for (int turn = 0; done && turn <= TURNS; turn++) {
		done = requests_make(bench, REQUESTS_MAX, &serial, requests, err) &&
		       crowd_rush(bench, crowd, requests, CLIENTS_FEW, 0, RUN_MS, &full, err);
		double rate = done ? full.in_time / full.seconds : 0;
		done = done && requests_make(bench, full.asked, &serial, requests, err) &&
		       crowd_rush(bench, crowd, requests, CLIENTS_MAX, rate / 2, CALM_MS, &before, err) &&
		       requests_make(bench, before.asked, &serial, requests, err) &&
		       crowd_rush(bench, crowd, requests, CLIENTS_MAX, rate * 2, RUN_MS, &twice, err) &&
		       requests_make(bench, twice.asked, &serial, requests, err) &&
		       crowd_rush(bench, crowd, requests, CLIENTS_MAX, rate / 2, CALM_MS, &after, err);
		if (!done)
			break;
		stored += (int64_t)(full.stored + before.stored + twice.stored + after.stored);
		if (turn == 0)
			continue;
		bench_turn(&cost, (double)twice.stored / twice.cpu_ns * 1e9, (double)full.stored / full.cpu_ns * 1e9);
		bench_turn(&wall, twice.in_time / twice.seconds, rate);
	}
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		free((char *)requests[i].data);
		requests[i] = (struct wn_slice){0};
	}
	if (!done || !bench_number(bench, &kept, err, "SELECT count(*) FROM account"))
		return false;
	if (kept - founded != stored)
		return wn_fail(err, WN_DOWN, "bench_stored", "%lld were acknowledged, %lld are there",
			(long long)stored, (long long)(kept - founded));
	bench_report(&cost);
	bench_report(&wall);
	bench_note("overload: asked %.0f a second, stored %.0f, refused %.0f; 99 of 100 stored within %.0f ms",
		(double)twice.asked / twice.seconds, twice.in_time / twice.seconds,
		(double)twice.refused / twice.seconds, twice.p99_ms);
	bench_note("at half the load 99 of 100 within %.1f ms, right after the overload within %.1f ms", before.p99_ms,
		after.p99_ms);
	return true;
}

bool bench_overload(struct wn_error *err)
{
	static const struct route *const routes[] = {node_routes, account_routes, NULL};
	struct bench_node bench;
	struct crowd *crowd = calloc(1, sizeof *crowd);
	wn_assert(crowd != NULL);
	bool done = bench_node_open(&bench, err) && bench_server_start(&bench, routes, err) &&
		    crowd_open(crowd, bench.port, err) && overload_turns(&bench, crowd, err);
	crowd_close(crowd);
	bench_node_close(&bench);
	return done;
}
