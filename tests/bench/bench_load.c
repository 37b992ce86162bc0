/* A client that keeps many connections busy with requests that were made and signed beforehand. */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOAD_ANSWER_MAX = 1024 * 1024, LOAD_HEAD_MAX = 16384, LOAD_WAIT_MS = 30000, LOAD_EVENTS_MAX = 64 };

struct load_connection {
	int fd;
	struct wn_slice left; /* of the request, to be sent */
	bool waits;	      /* for an answer */
	char *answer;	      /* LOAD_ANSWER_MAX */
	size_t bytes, head_bytes, body_bytes;
	size_t skipped; /* of a body that does not fit */
};

struct load {
	int epoll, count;
	struct load_connection connections[LOAD_CONNECTIONS_MAX];
};

static bool connection_open(struct load *load, struct load_connection *connection, int port, struct wn_error *err)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	connection->answer = malloc(LOAD_ANSWER_MAX);
	if (connection->fd < 0 || !connection->answer ||
		connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
		return wn_fail(err, WN_DOWN, "load_connect", "connect to port %d: %s", port, strerror(errno));
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event);
	return true;
}

bool load_open(struct load **out, int port, int connections, struct wn_error *err)
{
	wn_assert(connections <= LOAD_CONNECTIONS_MAX);
	struct load *load = calloc(1, sizeof *load);
	wn_assert(load != NULL);
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	*out = load;
	for (load->count = 0; load->count < connections; load->count++)
		if (!connection_open(load, &load->connections[load->count], port, err))
			return false;
	return true;
}

void load_close(struct load *load)
{
	for (int i = 0; load && i < load->count; i++) {
		close(load->connections[i].fd);
		free(load->connections[i].answer);
	}
	if (load)
		close(load->epoll);
	free(load);
}

/* Blocking sockets: a request of at most a mebibyte is taken by the kernel as fast as the server reads it. */
static bool connection_send(struct load_connection *connection, struct wn_slice request, struct wn_error *err)
{
	connection->waits = true;
	connection->bytes = connection->head_bytes = connection->body_bytes = connection->skipped = 0;
	while (request.bytes > 0) {
		ssize_t sent = send(connection->fd, request.data, request.bytes, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return wn_fail(err, WN_DOWN, "load_send", "send a request: %s", strerror(errno));
		request.data += sent;
		request.bytes -= (size_t)sent;
	}
	return true;
}

static bool answer_head(struct load_connection *connection, struct wn_error *err)
{
	connection->answer[connection->bytes] = '\0';
	char *end = strstr(connection->answer, "\r\n\r\n");
	int status = 0;
	if (!end)
		return connection->bytes < LOAD_HEAD_MAX ||
		       wn_fail(err, WN_DOWN, "load_answer", "an answer without an end of its head");
	connection->head_bytes = (size_t)(end - connection->answer) + 4;
	end[2] = '\0';
	char *length = strcasestr(connection->answer, "\r\ncontent-length:");
	if (sscanf(connection->answer, "HTTP/1.1 %d", &status) != 1 || status != 200 || !length)
		return wn_fail(err, WN_DOWN, "load_answer", "status %d: %.300s", status, end + 4);
	connection->body_bytes = strtoul(length + 17, NULL, 10);
	end[2] = '\r';
	return true;
}

static bool connection_read(struct load_connection *connection, bool *whole, struct wn_error *err)
{
	/* The start of a long body is enough to look at; what does not fit is read over itself. */
	if (connection->bytes == LOAD_ANSWER_MAX - 1) {
		connection->skipped += connection->bytes - LOAD_HEAD_MAX;
		connection->bytes = LOAD_HEAD_MAX;
	}
	ssize_t got = recv(
		connection->fd, connection->answer + connection->bytes, LOAD_ANSWER_MAX - 1 - connection->bytes, 0);
	*whole = false;
	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return wn_fail(err, WN_DOWN, "load_answer", "the server closed the connection");
	connection->bytes += (size_t)got;
	if (connection->head_bytes == 0 && !answer_head(connection, err))
		return false;
	*whole = connection->head_bytes > 0 &&
		 connection->bytes + connection->skipped >= connection->head_bytes + connection->body_bytes;
	return true;
}

static size_t times_in(const struct load_connection *connection, const char *want)
{
	size_t times = 0;
	connection->answer[connection->bytes] = '\0';
	for (const char *at = connection->answer + connection->head_bytes; want && (at = strstr(at, want)); at++)
		times++;
	return times;
}

bool load_run(struct load *load, const struct wn_slice *requests, size_t count, const char *want,
	struct load_result *out, struct wn_error *err)
{
	struct epoll_event events[LOAD_EVENTS_MAX];
	size_t sent = 0;
	double begun = bench_seconds();
	*out = (struct load_result){0};
	for (int i = 0; i < load->count && sent < count; i++)
		if (!connection_send(&load->connections[i], requests[sent++], err))
			return false;
	while (out->answered < count) {
		int ready = epoll_wait(load->epoll, events, LOAD_EVENTS_MAX, LOAD_WAIT_MS);
		if (ready == 0)
			return wn_fail(err, WN_DOWN, "load_answer", "no answer in %d ms", LOAD_WAIT_MS);
		for (int i = 0; i < ready; i++) {
			struct load_connection *connection = events[i].data.ptr;
			bool whole;
			if (!connection_read(connection, &whole, err))
				return false;
			if (!whole)
				continue;
			connection->waits = false;
			out->answered++;
			out->good += times_in(connection, want);
			out->bytes += connection->body_bytes;
			if (sent < count && !connection_send(connection, requests[sent++], err))
				return false;
		}
	}
	out->seconds = bench_seconds() - begun;
	return true;
}
