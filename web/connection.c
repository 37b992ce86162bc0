/* The library tells nobody how much of a request has come or of an answer has gone, so every connection is looked at.
 */
#include "web/connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/clock.h"
#include "web/framing.h"
#include "web/loop.h"
#include "web/problem.h"
#include "web/wire.h"

enum { CONNECTION_WORDS_MAX = 768, CONNECTION_DRAIN_BYTES = 65536, CONNECTION_DRAINS_MAX = 4 };

static void connection_read(h2o_socket_t *socket, const char *err);

/* ---- the end of a connection ---- */

static void connection_closed(void *context)
{
	struct connection *connection = context;
	struct loop *loop = connection->loop;
	*connection->self = connection->next;
	if (connection->next)
		connection->next->self = connection->self;
	loop->connection_count--;
	if (connection->phase == CONNECTION_ENDS)
		loop->ending_count--;
	peers_release(loop->server->peers, &connection->peer, connection->input_bytes);
	if (connection->by_operator)
		loop->operator_count--;
	else
		peers_leave(loop->server->peers, &connection->peer);
	free(connection->words);
	free(connection);
}

static void connection_told(h2o_socket_t *socket, const char *err)
{
	struct connection *connection = socket->on_close.data;
	connection->told = true;
	connection->since_ms = clock_monotonic_ms();
	if (err)
		connection->reader(socket, err);
	else if (!socket->ssl)
		shutdown(h2o_socket_get_fd(socket), SHUT_WR);
}

static char *connection_words(int status, const char *code, const char *detail, size_t *bytes)
{
	struct wn_arena arena;
	char *words = malloc(CONNECTION_WORDS_MAX);
	wn_arena_init(&arena, 16384);
	struct wn_slice body = problem_write(&arena, status, code, detail);
	if (words && body.data) {
		bool later = status == 429 || status == 503;
		int count = snprintf(words, CONNECTION_WORDS_MAX,
			"HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n%s"
			"Connection: close\r\n\r\n%.*s",
			status, problem_title(status), body.bytes, later ? "Retry-After: 2\r\n" : "", (int)body.bytes,
			body.data);
		wn_assert(count > 0 && count < CONNECTION_WORDS_MAX);
		*bytes = (size_t)count;
	}
	wn_arena_free(&arena);
	return words;
}

/*
 * Ends a connection that is reading: nothing more is read for the library, what came is forgotten, the client is told
 * why, and in the end the library hears of it as of any client that left. Closing at once would reset the connection
 * while the client still sends, and our words with it.
 */
static void connection_end(struct connection *connection, int status, const char *code, const char *detail)
{
	struct loop *loop = connection->loop;
	h2o_socket_t *socket = connection->socket;
	h2o_iovec_t words = {0};
	wn_assert(h2o_socket_is_reading(socket));
	wn_assert(!h2o_socket_is_writing(socket));
	if (socket->_cb.read != connection_read)
		connection->reader = socket->_cb.read;
	h2o_socket_read_stop(socket);
	if (socket->input->size > 0)
		h2o_buffer_consume(&socket->input, socket->input->size);
	connection_weigh(connection);
	connection->phase = CONNECTION_ENDS;
	connection->since_ms = clock_monotonic_ms();
	loop->ending_count++;
	counters_answer(&loop->counters, COUNTERS_NO_ROUTE, status, 0);
	words.base = connection->words = connection_words(status, code, detail, &words.len);
	if (words.base && words.len > 0)
		h2o_socket_write(socket, &words, 1, connection_told);
	else
		connection->told = true;
}

static void connection_linger(struct connection *connection, int64_t now_ms)
{
	char unread[CONNECTION_DRAIN_BYTES];
	h2o_socket_t *socket = connection->socket;
	if (now_ms - connection->since_ms >= CONNECTION_LINGER_MS) {
		connection->reader(socket, "not read to its end");
		return;
	}
	for (int i = 0; connection->told && i < CONNECTION_DRAINS_MAX; i++) {
		ssize_t got = recv(h2o_socket_get_fd(socket), unread, sizeof unread, MSG_DONTWAIT);
		if (got > 0)
			continue;
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			connection->reader(socket, "ended");
		return;
	}
}

/* ---- what it holds ---- */

/* Consumed bytes are still there: the buffer goes as a whole, when the last byte is consumed. */
static size_t connection_input(const struct connection *connection)
{
	const h2o_buffer_t *input = connection->socket->input;
	if (!input->bytes)
		return 0;
	size_t bytes = (size_t)(input->bytes - input->_buf) + input->size;
	return bytes > CONNECTION_FREE_BYTES ? bytes : 0;
}

enum peers_verdict connection_weigh(struct connection *connection)
{
	size_t bytes = connection_input(connection), before = connection->input_bytes;
	if (bytes == before)
		return PEERS_FINE;
	connection->input_bytes = bytes;
	return peers_adjust(connection->loop->server->peers, &connection->peer, before, bytes);
}

static void connection_too_much(struct connection *connection, enum peers_verdict verdict)
{
	atomic_fetch_add_explicit(&connection->loop->counters.full_connections, 1, memory_order_relaxed);
	if (verdict == PEERS_SHARE)
		connection_end(connection, 429, "address_share", WIRE_SHARE_TEXT);
	else
		connection_end(connection, 503, "overloaded", WIRE_OVERLOADED_TEXT);
}

/* Ends it where it holds too much. True when it did. */
static bool connection_check(struct connection *connection)
{
	enum peers_verdict verdict = connection_weigh(connection);
	if (verdict == PEERS_FINE || connection->input_bytes <= PEERS_SMALL_BYTES)
		return false;
	connection_too_much(connection, verdict);
	return true;
}

/* What was read is counted before anything else is read. */
static void connection_read(h2o_socket_t *socket, const char *err)
{
	struct connection *connection = socket->on_close.data;
	if (err || !connection_check(connection))
		connection->reader(socket, err);
}

/* The library names its own reader anew with every request, so this one is put before it again and again. */
static void connection_watch(struct connection *connection)
{
	h2o_socket_t *socket = connection->socket;
	if (socket->_cb.read == connection_read)
		return;
	connection->reader = socket->_cb.read;
	h2o_socket_read_start(socket, connection_read);
}

/* ---- its beginning ---- */

static void connection_open(struct loop *loop, h2o_socket_t *socket, struct connection *connection)
{
	connection->loop = loop;
	connection->socket = socket;
	connection->since_ms = clock_monotonic_ms();
	connection->next = loop->connections;
	connection->self = &loop->connections;
	if (connection->next)
		connection->next->self = &connection->next;
	loop->connections = connection;
	loop->connection_count++;
	socket->on_close.cb = connection_closed;
	socket->on_close.data = connection;
}

/* One connection too many: told in the clear where that is possible, then closed. */
static void connection_refuse(struct loop *loop, h2o_socket_t *socket)
{
	char unread[4096];
	size_t bytes = 0;
	int descriptor = h2o_socket_get_fd(socket);
	atomic_fetch_add_explicit(&loop->counters.refused_connections, 1, memory_order_relaxed);
	if (!loop->server->tls) {
		char *words = connection_words(503, "connections", "Too many connections.", &bytes);
		/* Closing with unread bytes would reset the connection and lose the answer. */
		(void)!send(descriptor, words, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
		shutdown(descriptor, SHUT_WR);
		(void)!recv(descriptor, unread, sizeof unread, MSG_DONTWAIT);
		free(words);
	}
	h2o_socket_close(socket);
}

static bool connection_address(struct connection *connection, h2o_socket_t *socket)
{
	struct sockaddr_storage peer;
	socklen_t bytes = sizeof peer;
	if (getpeername(h2o_socket_get_fd(socket), (struct sockaddr *)&peer, &bytes) != 0)
		return false;
	peer_of(&connection->peer, (struct sockaddr *)&peer);
	const void *address = peer.ss_family == AF_INET6 ? (const void *)&((struct sockaddr_in6 *)&peer)->sin6_addr
							 : (const void *)&((struct sockaddr_in *)&peer)->sin_addr;
	return inet_ntop(peer.ss_family, address, connection->address, sizeof connection->address) != NULL;
}

/*
 * Trap 12: to a head that is no HTTP at all the library writes constant text and closes, past all filters. So it gets a
 * connection only when a request line has come; what will never be one is answered here.
 */
static void connection_sniff(h2o_socket_t *socket, const char *err)
{
	struct connection *connection = socket->on_close.data;
	struct loop *loop = connection->loop;
	if (err) {
		h2o_socket_close(socket);
		return;
	}
	if (connection_check(connection))
		return;
	enum framing_first first = framing_first(socket->input->bytes, socket->input->size);
	if (first == FRAMING_FIRST_PART && socket->input->size <= WIRE_HEAD_MAX)
		return;
	if (first != FRAMING_FIRST_PART && first != FRAMING_FIRST_HTTP) {
		connection_end(connection, 400, "not_http", framing_first_text(first));
		return;
	}
	connection->sniffs = false;
	h2o_socket_read_stop(socket);
	h2o_accept(&loop->accept, socket);
}

void connection_take(struct loop *loop, h2o_socket_t *socket)
{
	struct connection *connection = calloc(1, sizeof *connection);
	/*
	 * Trap 8: the library has no write timeout. The kernel drops a reader that stands still when sent bytes stay
	 * unacknowledged; one that takes a byte now and then is cut by connections_look(). Trap 8 again: the library
	 * has no cap on connections either; ours is in peers.c.
	 */
	unsigned timeout_ms = (unsigned)loop->server->stall_ms;
	setsockopt(h2o_socket_get_fd(socket), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms);
	if (!connection || !connection_address(connection, socket)) {
		free(connection);
		h2o_socket_close(socket);
		return;
	}
	if (!peers_enter(loop->server->peers, &connection->peer)) {
		free(connection);
		connection_refuse(loop, socket);
		return;
	}
	atomic_fetch_add_explicit(&loop->counters.accepted_connections, 1, memory_order_relaxed);
	connection_open(loop, socket, connection);
	if (loop->accept.ssl_ctx) {
		h2o_accept(&loop->accept, socket);
		return;
	}
	connection->sniffs = true;
	h2o_socket_read_start(socket, connection_sniff);
}

void connection_take_operator(struct loop *loop, h2o_socket_t *socket)
{
	struct connection *connection = loop->operator_count < PEERS_UNIX_MAX ? calloc(1, sizeof *connection) : NULL;
	if (!connection) {
		h2o_socket_close(socket);
		return;
	}
	connection->by_operator = true;
	strcpy(connection->address, "unix");
	loop->operator_count++;
	connection_open(loop, socket, connection);
	h2o_accept(&loop->accept_operator, socket);
}

/* ---- how fast it moves ---- */

/* False where that cannot be known: through the operator's socket. */
static bool connection_moved(const struct connection *connection, enum connection_phase phase, uint64_t *out)
{
	struct tcp_info info = {0};
	socklen_t bytes = sizeof info;
	*out = connection->socket->input->size;
	if (phase != CONNECTION_LEAVES)
		return true;
	/* What the client's machine has taken: what our own kernel still keeps has not moved. */
	if (getsockopt(h2o_socket_get_fd(connection->socket), IPPROTO_TCP, TCP_INFO, &info, &bytes) != 0)
		return false;
	*out = info.tcpi_bytes_acked;
	return true;
}

static void connection_slow(struct connection *connection)
{
	atomic_fetch_add_explicit(&connection->loop->counters.slow_connections, 1, memory_order_relaxed);
	if (connection->phase == CONNECTION_ARRIVES)
		connection_end(connection, 408, "request_slow", "The request took too long to arrive.");
	else
		/* In the middle of an answer nothing can be said any more. */
		shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

static void connection_pace(struct connection *connection, enum connection_phase phase, int64_t now_ms, bool pressed)
{
	const struct server *server = connection->loop->server;
	uint64_t moved;
	int64_t waited_ms = now_ms - connection->since_ms;
	bool same = phase == connection->phase && connection->begun == connection->seen;
	if (same && phase == CONNECTION_QUIET && connection->sniffs && waited_ms >= server->idle_ms) {
		h2o_socket_close(connection->socket);
		return;
	}
	if (same && (phase == CONNECTION_QUIET || phase == CONNECTION_WORKS || waited_ms < server->slow_ms))
		return;
	if (!connection_moved(connection, phase, &moved))
		return;
	int64_t least = server->slow_bytes_s * (pressed ? CONNECTION_PRESSED : 1) * waited_ms / 1000;
	if (same && (int64_t)(moved - connection->moved_bytes) < least) {
		connection_slow(connection);
		return;
	}
	connection->phase = phase;
	connection->seen = connection->begun;
	connection->since_ms = now_ms;
	connection->moved_bytes = moved;
}

static void connection_look(struct connection *connection, int64_t now_ms, bool pressed)
{
	const h2o_socket_t *socket = connection->socket;
	if (connection->phase == CONNECTION_ENDS) {
		connection_linger(connection, now_ms);
		return;
	}
	enum connection_phase phase = connection->works ? CONNECTION_WORKS : CONNECTION_LEAVES;
	if (!h2o_socket_is_reading(connection->socket)) {
		connection_weigh(connection);
	} else {
		phase = socket->input->size > 0 ? CONNECTION_ARRIVES : CONNECTION_QUIET;
		if (connection_check(connection))
			return;
		/* Between a TLS handshake and the first request there is nothing to count, and the library is at work.
		 */
		if (phase == CONNECTION_ARRIVES && !connection->sniffs)
			connection_watch(connection);
	}
	connection_pace(connection, phase, now_ms, pressed);
}

void connections_look(struct loop *loop, int64_t now_ms)
{
	struct peers_held held;
	peers_held(loop->server->peers, &held);
	for (struct connection *connection = loop->connections, *next; connection; connection = next) {
		next = connection->next;
		connection_look(connection, now_ms, held.pressed);
	}
}
