/* The loop's thread. Everything that the library keeps per thread is made, used and given back on it. */
#include "web/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <h2o/http1.h>

#include "core/clock.h"
#include "core/log.h"
#include "web/wire.h"

enum {
	LOOP_WAIT_MS = 1000,
	LOOP_LOOK_MS = 10,
	LOOP_DRAIN_WAIT_MS = 20,
	LOOP_LAST_TURNS = 50,
	LOOP_STACK_BYTES = 2 * 1024 * 1024
};

/* ---- connections ---- */

/* True when the queue of new connections is empty. */
static bool loop_accept(struct loop *loop, h2o_socket_t *listener)
{
	for (int i = 0; i < LOOP_ACCEPTS_MAX; i++) {
		h2o_socket_t *socket = h2o_evloop_socket_accept(listener);
		if (!socket) {
			/* Without descriptors the listener would wake us without end: it rests a while. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				loop->accepts_paused_ms = clock_monotonic_ms();
				h2o_socket_read_stop(listener);
			}
			return true;
		}
		if (listener == loop->listener_operator)
			connection_take_operator(loop, socket);
		else
			connection_take(loop, socket);
	}
	return false;
}

static void loop_on_accept(h2o_socket_t *listener, const char *err)
{
	if (!err)
		loop_accept(listener->data, listener);
}

/*
 * Trap 6: a socket that only tells that it is ready needs the flag DONT_READ, or the library reads from it. The other
 * half of the trap, h2o_socket_notify_write() armed twice, cannot happen: nothing here calls it.
 */
static h2o_socket_t *loop_listen(struct loop *loop, int descriptor)
{
	h2o_socket_t *listener = h2o_evloop_socket_create(loop->evloop, descriptor, H2O_SOCKET_FLAG_DONT_READ);
	listener->data = loop;
	h2o_socket_read_start(listener, loop_on_accept);
	return listener;
}

static void loop_unlisten(struct loop *loop, h2o_socket_t **listener)
{
	if (!*listener)
		return;
	/* Who stands in the kernel's queue has been promised a connection: they are served, not reset. */
	for (int i = 0; i < LISTENERS_MAX && !loop_accept(loop, *listener); i++)
		;
	h2o_socket_close(*listener);
	*listener = NULL;
}

/* ---- stages ---- */

/*
 * The library knows no way to close an idle keep-alive connection, and over HTTP/1 its own count of requests includes
 * them. With the reading side shut, what the client already sent is still read and answered; then the library sees the
 * end and closes.
 */
static void loop_shut_idle(struct loop *loop)
{
	for (struct connection *connection = loop->connections; connection; connection = connection->next)
		if (connection->requests == 0 && connection->socket->input->size == 0)
			shutdown(h2o_socket_get_fd(connection->socket), SHUT_RD);
}

static void loop_cut(struct loop *loop)
{
	for (struct connection *connection = loop->connections; connection; connection = connection->next)
		shutdown(h2o_socket_get_fd(connection->socket), SHUT_RDWR);
}

static void loop_stage(struct loop *loop, enum loop_stage stage)
{
	if (stage <= loop->stage)
		return;
	loop->stage = stage;
	loop_unlisten(loop, &loop->listener);
	loop_unlisten(loop, &loop->listener_operator);
	/* From now on answers say Connection: close. */
	if (!loop->context.shutdown_requested)
		h2o_context_request_shutdown(&loop->context);
}

/*
 * The library keeps a bare pointer to the context from accept() until the client's first bytes, so the old one stays a
 * while. Who renews faster than that keeps the certificate that is in use.
 */
static void loop_renew(struct loop *loop, SSL_CTX *context)
{
	for (int i = 0; i < LOOP_RETIRED_MAX; i++) {
		if (loop->retired[i].context)
			continue;
		loop->retired[i].context = loop->accept.ssl_ctx;
		loop->retired[i].since_ms = clock_monotonic_ms();
		loop->accept.ssl_ctx = context;
		return;
	}
	log_event(LOG_WARN, "certificate_kept", log_text("why", "renewed too often"), NULL);
	SSL_CTX_free(context);
}

static void loop_retire(struct loop *loop, int64_t before_ms)
{
	for (int i = 0; i < LOOP_RETIRED_MAX; i++) {
		if (!loop->retired[i].context || loop->retired[i].since_ms >= before_ms)
			continue;
		SSL_CTX_free(loop->retired[i].context);
		loop->retired[i].context = NULL;
	}
}

static void loop_on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, receiver, receiver);
	while (!h2o_linklist_is_empty(messages)) {
		struct loop_message *message = H2O_STRUCT_FROM_MEMBER(struct loop_message, super.link, messages->next);
		h2o_linklist_unlink(&message->super.link);
		if (message->kind == LOOP_JOB_DONE) {
			wire_job_done(wire_job_of(message));
			continue;
		}
		if (message->kind == LOOP_TLS)
			loop_renew(loop, message->tls);
		else
			loop_stage(loop, message->stage);
		free(message);
	}
}

/*
 * Trap 6 has a relative: who writes between two turns of the library, as loop_between() could, leaves a socket that is
 * polled though nothing is left to write, and the library ends the program. Its timers run inside of a turn.
 */
static void loop_on_look(h2o_timeout_entry_t *entry)
{
	struct loop *loop = H2O_STRUCT_FROM_MEMBER(struct loop, looks, entry);
	loop->looked_ms = clock_monotonic_ms();
	wire_expire(loop, loop->looked_ms);
	connections_look(loop, loop->looked_ms);
}

/* What is due between two turns. Nothing here reads, writes or closes a connection. */
static void loop_between(struct loop *loop)
{
	int64_t now_ms = clock_monotonic_ms();
	if (loop->pushed)
		lanes_wake(loop->server->lanes);
	loop->pushed = false;
	if (now_ms - loop->looked_ms >= LOOP_LOOK_MS && !h2o_timeout_is_linked(&loop->looks))
		h2o_timeout_link(loop->evloop, &loop->context.zero_timeout, &loop->looks);
	loop_retire(loop, now_ms - LOOP_RETIRED_MS);
	if (loop->accepts_paused_ms && now_ms - loop->accepts_paused_ms >= LOOP_PAUSE_MS) {
		loop->accepts_paused_ms = 0;
		if (loop->listener && !h2o_socket_is_reading(loop->listener))
			h2o_socket_read_start(loop->listener, loop_on_accept);
		if (loop->listener_operator && !h2o_socket_is_reading(loop->listener_operator))
			h2o_socket_read_start(loop->listener_operator, loop_on_accept);
	}
	if (loop->stage == LOOP_SERVES)
		return;
	if (loop->stage == LOOP_DRAINS)
		loop_shut_idle(loop);
	else
		loop_cut(loop);
	if (loop->connection_count == 0 && !loop->told_drained) {
		loop->told_drained = true;
		sem_post(&loop->drained);
	}
}

/* ---- the thread ---- */

static void loop_configure(struct loop *loop)
{
	h2o_config_init(&loop->config);
	loop->config.server_name = h2o_iovec_init(H2O_STRLIT("winnow"));
	/* The library refuses chunked bodies of exactly its limit, and others only above it: one more lets the route's
	 * limit decide. */
	loop->config.max_request_entity_size = ROUTE_BODY_MAX + 1;
	/*
	 * Trap 7: this one limit covers an idle connection, the head and the whole body. The library's 10 s would cut
	 * slow uploads; our 60 s (serve.idle_ms) with bodies of at most 1 MiB serve a line of 140 kbit/s, and who sends
	 * a byte a second is cut long before (connections_look()).
	 */
	loop->config.http1.req_timeout = (uint64_t)loop->server->idle_ms;
	/*
	 * Trap 11: over HTTP/2 a body that is too large ends in REFUSED_STREAM, which clients repeat, and Debian's
	 * library lacks the defence against rapid resets. HTTP/2 is off: no upgrade, no prior knowledge, no ALPN
	 * (web/tls.c).
	 */
	loop->config.http1.upgrade_to_http2 = 0;
	/* Its part in a shutdown would leave a timer behind that the library then refuses to go with. */
	loop->config.http2.callbacks.request_shutdown = NULL;
	/* Trap 14 (two JSON libraries in one binary) is a matter of the whole build: core/json.c is the only one that
	 * has one. */
	wire_configure(loop, h2o_config_register_host(&loop->config, h2o_iovec_init(H2O_STRLIT("localhost")), 65535));
}

static void loop_run(struct loop *loop)
{
	int failures = 0, turns_left = LOOP_LAST_TURNS;
	/* Cut connections end within a few turns; the bound keeps one that does not from holding up the end of the
	 * process. */
	while (loop->stage != LOOP_ENDS || (loop->connection_count > 0 && turns_left-- > 0)) {
		/*
		 * Trap 4: the library returns -1 when a signal interrupts it, which is no reason to end. Trap 5: it
		 * would also fail for ever if somebody closed a descriptor that it polls, as libpq does with its own;
		 * connections to the database live on lanes and never come here.
		 */
		int wait_ms = loop->wait_ms;
		if (loop->stage != LOOP_SERVES || loop->ending_count > 0)
			wait_ms = LOOP_DRAIN_WAIT_MS;
		else if (loop->accepts_paused_ms)
			wait_ms = LOOP_PAUSE_MS;
		if (h2o_evloop_run(loop->evloop, wait_ms) == 0)
			failures = 0;
		else if (errno != EINTR)
			failures++;
		wn_assert(failures < LOOP_FAILURES_MAX);
		loop_between(loop);
	}
}

static void loop_dispose(struct loop *loop)
{
	if (loop->connection_count > 0) {
		/* The library's timers still point at them, and it refuses to go then. The process is about to end
		 * anyway. */
		log_event(LOG_WARN, "connections_left", log_integer("connections", loop->connection_count), NULL);
		return;
	}
	SSL_CTX_free(loop->accept.ssl_ctx);
	loop_retire(loop, INT64_MAX);
	h2o_timeout_unlink(&loop->looks);
	h2o_multithread_unregister_receiver(loop->context.queue, &loop->receiver);
	h2o_context_dispose(&loop->context);
	h2o_evloop_destroy(loop->evloop);
	h2o_config_dispose(&loop->config);
}

static void *loop_thread(void *argument)
{
	struct loop *loop = argument;
	loop->evloop = h2o_evloop_create();
	loop_configure(loop);
	h2o_context_init(&loop->context, loop->evloop, &loop->config);
	h2o_multithread_register_receiver(loop->context.queue, &loop->receiver, loop_on_messages);
	loop->accept.ctx = loop->accept_operator.ctx = &loop->context;
	loop->accept.hosts = loop->accept_operator.hosts = loop->config.hosts;
	loop->listener = loop_listen(loop, loop->descriptor);
	if (loop->descriptor_operator >= 0)
		loop->listener_operator = loop_listen(loop, loop->descriptor_operator);
	sem_post(&loop->ready);
	loop_run(loop);
	loop_dispose(loop);
	return NULL;
}

bool loop_open(
	struct loop **out, struct server *server, int number, int socket, int operator_socket, struct wn_error *err)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return wn_fail(err, WN_FULL, "memory", "no memory for a loop");
	loop->server = server;
	loop->number = number;
	loop->descriptor = socket;
	loop->descriptor_operator = operator_socket;
	loop->jobs_last = &loop->jobs_first;
	loop->looks.cb = loop_on_look;
	/* Often enough to be on time when somebody is slow or idle. */
	loop->wait_ms = (server->slow_ms < server->idle_ms ? server->slow_ms : server->idle_ms) / 4;
	if (loop->wait_ms > LOOP_WAIT_MS)
		loop->wait_ms = LOOP_WAIT_MS;
	if (server->tls) {
		SSL_CTX_up_ref(server->tls);
		loop->accept.ssl_ctx = server->tls;
	}
	sem_init(&loop->ready, 0, 0);
	sem_init(&loop->drained, 0, 0);
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, LOOP_STACK_BYTES);
	int failed = pthread_create(&loop->thread, &attributes, loop_thread, loop);
	pthread_attr_destroy(&attributes);
	if (failed) {
		SSL_CTX_free(loop->accept.ssl_ctx);
		free(loop);
		return wn_fail(err, WN_FULL, "loops", "start loop %d: %s", number, strerror(failed));
	}
	while (sem_wait(&loop->ready) != 0 && errno == EINTR)
		;
	*out = loop;
	return true;
}

static void loop_send(struct loop *loop, struct loop_message *given)
{
	struct loop_message *message = malloc(sizeof *message);
	wn_assert(message != NULL);
	*message = *given;
	h2o_multithread_send_message(&loop->receiver, &message->super);
}

void loop_tell(struct loop *loop, enum loop_stage stage)
{
	loop_send(loop, &(struct loop_message){.kind = LOOP_STAGE, .stage = stage});
}

void loop_tls(struct loop *loop, SSL_CTX *context)
{
	SSL_CTX_up_ref(context);
	loop_send(loop, &(struct loop_message){.kind = LOOP_TLS, .tls = context});
}

bool loop_wait_drained(struct loop *loop, int64_t deadline_ms)
{
	struct timespec until;
	int64_t left_ms = deadline_ms - clock_monotonic_ms();
	if (left_ms < 0)
		left_ms = 0;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left_ms / 1000;
	until.tv_nsec += left_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	int failed;
	while ((failed = sem_clockwait(&loop->drained, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR)
		;
	return failed == 0;
}

void loop_close(struct loop *loop)
{
	pthread_join(loop->thread, NULL);
	sem_destroy(&loop->ready);
	sem_destroy(&loop->drained);
	/* Connections that could not be closed still point here. */
	if (loop->connection_count == 0)
		free(loop);
}
