/* The process of the role serve: sockets, lanes and loops put together, signals waited for, everything taken down in
 * order. */
#include "web/server.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "web/loop.h"
#include "web/openapi.h"
#include "web/tls.h"
#include "web/web_store.h"

enum {
	SERVER_STOP_MS = 10000,
	SERVER_CUT_MS = 2000,
	SERVER_FILES_SPARE = 512,
	SERVER_SESSIONS_SPARE = 24, /* of the database, for the other roles and an operator */
	SERVER_ARENA_MAX = 1024 * 1024,
	SERVER_BLOCK_BYTES = 256 * 1024, /* from here on memory comes from the kernel, and goes back to it at once */
};

const struct option web_options[] = {
	{"serve.host", OPTION_TEXT, "127.0.0.1", 0, 0, "address to listen on; 0.0.0.0 or :: for all"},
	{"serve.port", OPTION_INTEGER, "8080", 0, 65535, "port; 0 takes a free one and writes it to run/serve.address"},
	{"serve.threads", OPTION_INTEGER, "0", 0, LISTENERS_MAX, "event loops; 0: one a core"},
	{"serve.lanes", OPTION_INTEGER, "16", 1, LANES_MAX,
		"requests worked on at once, each with a database connection"},
	{"serve.queue", OPTION_INTEGER, "1024", 1, 100000, "requests that may wait for a lane; more are answered 503"},
	{"serve.queue_per_address", OPTION_INTEGER, "256", 1, 100000,
		"of them from one address; more are answered 429"},
	{"serve.held_bytes", OPTION_INTEGER, "268435456", 8 * 1048576, 1LL << 40,
		"memory of requests that arrive or wait and of answers on their way; more are answered 503"},
	{"serve.held_bytes_per_address", OPTION_INTEGER, "134217728", 4 * 1048576, 1LL << 40,
		"of it for one address; more are answered 429"},
	{"serve.connections", OPTION_INTEGER, "4096", 1, PEERS_MAX, "open connections"},
	{"serve.connections_per_address", OPTION_INTEGER, "512", 1, PEERS_MAX,
		"of them from one address (IPv6: from one /64)"},
	{"serve.idle_ms", OPTION_INTEGER, "60000", 100, 3600000,
		"how long a connection may be idle, or a request take to arrive"},
	{"serve.stall_ms", OPTION_INTEGER, "30000", 100, 3600000,
		"how long a reader may stand still before it is dropped"},
	{"serve.slow_ms", OPTION_INTEGER, "10000", 100, 600000,
		"how long a request or an answer may move slower than serve.slow_bytes_s before it is cut"},
	{"serve.slow_bytes_s", OPTION_INTEGER, "1024", 0, 1 << 30,
		"bytes a second that they have to move; sixteen times as many while half of serve.held_bytes is taken"},
	{"serve.deadline_ms", OPTION_INTEGER, "15000", 100, 600000,
		"how long a request may wait for a lane before it is answered 503"},
	{"serve.tls_cert", OPTION_TEXT, NULL, 0, 0, "PEM file with certificate and chain; with serve.tls_key: HTTPS"},
	{"serve.tls_key", OPTION_TEXT, NULL, 0, 0, "PEM file with the certificate's key; SIGHUP reads both anew"},
	{"serve.access_log", OPTION_BOOL, "false", 0, 0, "log each request: method, route, status, duration"},
	{.name = NULL},
};

#if defined(__SANITIZE_ADDRESS__)
/*
 * h2o keeps memory for reuse in variables of each thread and has no call that gives it back when a loop's thread ends,
 * and its destructor of a message queue forgets the queue itself. Both are left once a thread.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:h2o_mem_alloc_recycle\nleak:h2o_multithread_create_queue\n";
}
/* What was passed over is not told: standard error holds one JSON object a line and nothing else. */
const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
	return "print_suppressions=0";
}
#endif

void server_count(const struct server *server, struct counters *counters)
{
	memset(counters, 0, sizeof *counters);
	for (int i = 0; i < server->loop_count; i++)
		counters_sum(counters, &server->loops[i]->counters);
}

static bool option_given(const char *text)
{
	return text && *text;
}

/* *out stays NULL where no certificate is named. */
static bool server_tls(const struct node *node, SSL_CTX **out, struct wn_error *err)
{
	const char *cert = option_text(node->options, "serve.tls_cert"),
		   *key = option_text(node->options, "serve.tls_key");
	*out = NULL;
	if (!option_given(cert) && !option_given(key))
		return true;
	if (!option_given(cert) || !option_given(key))
		return wn_fail(err, WN_INPUT, "tls_option",
			"serve.tls_cert and serve.tls_key go together: one of them is missing");
	return tls_context_open(out, cert, key, err);
}

/* Every connection is a descriptor; the usual soft limit of 1,024 is below what we allow ourselves. */
static void server_raise_files(int connections)
{
	struct rlimit limit;
	rlim_t want = (rlim_t)connections * 2 + SERVER_FILES_SPARE;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < want)
		log_event(LOG_WARN, "few_descriptors", log_integer("limit", (int64_t)limit.rlim_cur), NULL);
}

static int server_threads(const struct node *node)
{
	int64_t threads = option_integer(node->options, "serve.threads");
	if (threads == 0)
		threads = sysconf(_SC_NPROCESSORS_ONLN);
	if (threads < 1)
		threads = 1;
	return threads > LISTENERS_MAX ? LISTENERS_MAX : (int)threads;
}

static bool server_listen(struct server *server, struct wn_error *err)
{
	const struct node *node = server->node;
	int threads = server_threads(node);
	return listeners_open(&server->listeners, option_text(node->options, "serve.host"),
		       (int)option_integer(node->options, "serve.port"), threads, server->tls != NULL, err) &&
	       listeners_open_operator(&server->listeners, node, err);
}

static bool server_loops(struct server *server, struct wn_error *err)
{
	struct listeners *listeners = &server->listeners;
	for (int i = 0; i < listeners->count; i++) {
		/* One door is enough for the operator. */
		int operator_socket = i == 0 ? listeners->operator_socket : -1;
		if (!loop_open(&server->loops[i], server, i, listeners->sockets[i], operator_socket, err))
			return false;
		server->loop_count++;
		listeners->sockets[i] = -1;
		if (i == 0)
			listeners->operator_socket = -1;
	}
	return true;
}

static bool server_document(struct server *server, struct wn_error *err)
{
	struct sha256 digest;
	wn_arena_init(&server->openapi_arena, OPENAPI_ARENA_MAX);
	if (!openapi_write(&server->openapi_arena, &server->router, &server->openapi, err))
		return false;
	sha256_of(server->openapi.data, server->openapi.bytes, &digest);
	hex_write(server->openapi_etag, digest.bytes, ID_BYTES);
	return true;
}

/*
 * A lane without a session would wait for ever, and lanes that have all of them leave the other roles none. A database
 * that is away is asked nothing: the lanes wait for it.
 */
static bool server_lanes_fit(const struct node *node, int lanes, struct wn_error *err)
{
	struct wn_arena arena;
	struct wn_error away;
	struct db *db = NULL;
	int64_t sessions = 0;
	wn_arena_init(&arena, SERVER_ARENA_MAX);
	bool known = node_connect(node, "winnow_serve", &db, &away) && web_store_sessions(db, &arena, &sessions, &away);
	db_close(db);
	wn_arena_free(&arena);
	if (!known || lanes + SERVER_SESSIONS_SPARE <= sessions)
		return true;
	return wn_fail(err, WN_INPUT, "serve_lanes",
		"serve.lanes is %d, but PostgreSQL has %" PRId64
		" sessions, of which the other roles need %d; lower serve.lanes to %" PRId64
		" or raise max_connections",
		lanes, sessions, SERVER_SESSIONS_SPARE,
		sessions > SERVER_SESSIONS_SPARE ? sessions - SERVER_SESSIONS_SPARE : 1);
}

/*
 * Memory that a flood took goes back when it is over. By itself the C library would keep large blocks for reuse in the
 * arena of whatever thread freed them, and after the first flood ask the kernel for none of them directly any more:
 * each kind of load left its own peak behind.
 */
static void server_memory(int threads)
{
	mallopt(M_MMAP_THRESHOLD, SERVER_BLOCK_BYTES);
	mallopt(M_TRIM_THRESHOLD, 16 * SERVER_BLOCK_BYTES);
	mallopt(M_ARENA_MAX, 2 * threads + 2);
}

static bool server_open(
	struct server *server, const struct node *node, const struct route *const routes[], struct wn_error *err)
{
	const struct options *options = node->options;
	int connections = (int)option_integer(options, "serve.connections"),
	    lanes = (int)option_integer(options, "serve.lanes");
	server->node = node;
	server->listeners.operator_socket = -1;
	server->started_ms = clock_monotonic_ms();
	server->access_log = option_bool(options, "serve.access_log");
	server->idle_ms = (int)option_integer(options, "serve.idle_ms");
	server->stall_ms = (int)option_integer(options, "serve.stall_ms");
	server->deadline_ms = (int)option_integer(options, "serve.deadline_ms");
	server->slow_ms = (int)option_integer(options, "serve.slow_ms");
	server->slow_bytes_s = option_integer(options, "serve.slow_bytes_s");
	router_init(&server->router, routes);
	server_raise_files(connections);
	server_memory(server_threads(node));
	struct peers_limits limits = {
		.total = connections,
		.each = (int)option_integer(options, "serve.connections_per_address"),
		.queued = (size_t)option_integer(options, "serve.queue"),
		.queued_each = (size_t)option_integer(options, "serve.queue_per_address"),
		.held_bytes = (size_t)option_integer(options, "serve.held_bytes"),
		.held_each = (size_t)option_integer(options, "serve.held_bytes_per_address"),
		.working = (size_t)lanes,
	};
	return server_document(server, err) && server_tls(node, &server->tls, err) &&
	       server_lanes_fit(node, lanes, err) && server_listen(server, err) &&
	       peers_open(&server->peers, &limits, err) &&
	       lanes_open(&server->lanes, node, server->peers, lanes, limits.queued, err) &&
	       server_loops(server, err) && listeners_publish(&server->listeners, node, err);
}

/*
 * Stop accepting, answer what is there, then cut; the lanes end behind the loops, which need them until the last
 * answer. A lane that does not come back holds memory that nobody may free: the process ends without a look back then,
 * as a crash would.
 */
static int server_stop(struct server *server)
{
	int64_t deadline_ms = clock_monotonic_ms() + SERVER_STOP_MS;
	bool drained = true;
	for (int i = 0; i < server->loop_count; i++)
		loop_tell(server->loops[i], LOOP_DRAINS);
	for (int i = 0; i < server->loop_count; i++)
		drained = loop_wait_drained(server->loops[i], deadline_ms) && drained;
	if (!drained)
		log_event(LOG_WARN, "stop_cuts", log_integer("connections", peers_count(server->peers)), NULL);
	for (int i = 0; i < server->loop_count; i++)
		loop_tell(server->loops[i], LOOP_CUTS);
	if (server->lanes && !lanes_stop(server->lanes, deadline_ms + SERVER_CUT_MS)) {
		log_event(LOG_ERROR, "lanes_left", NULL);
		listeners_close(&server->listeners);
		_exit(1);
	}
	for (int i = 0; i < server->loop_count; i++)
		loop_tell(server->loops[i], LOOP_ENDS);
	for (int i = 0; i < server->loop_count; i++)
		loop_close(server->loops[i]);
	lanes_close(server->lanes);
	peers_close(server->peers);
	listeners_close(&server->listeners);
	tls_context_close(server->tls);
	wn_arena_free(&server->openapi_arena);
	return 0;
}

/* A certificate that cannot be read leaves the old one in place. */
static void server_renew(struct server *server)
{
	struct wn_error err;
	SSL_CTX *fresh;
	if (!server->tls)
		return;
	if (!server_tls(server->node, &fresh, &err)) {
		log_failure("certificate_kept", &err);
		return;
	}
	for (int i = 0; i < server->loop_count; i++)
		loop_tls(server->loops[i], fresh);
	tls_context_close(server->tls);
	server->tls = fresh;
	log_event(LOG_INFO, "certificate_renewed", NULL);
}

static void server_wait(struct server *server, const sigset_t *signals)
{
	for (;;) {
		int signal_number = 0;
		if (sigwait(signals, &signal_number) != 0)
			continue;
		if (signal_number != SIGHUP) {
			log_event(LOG_INFO, "stopping",
				log_text("signal", signal_number == SIGINT ? "SIGINT" : "SIGTERM"), NULL);
			return;
		}
		server_renew(server);
	}
}

int server_run(const struct node *node, const struct route *const routes[])
{
	struct server *server = calloc(1, sizeof *server);
	struct wn_error err;
	sigset_t signals, before;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe_before;
	wn_assert(server != NULL);
	/* Trap 4: threads inherit the mask, so signals come to this thread only and interrupt no loop. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	sigaction(SIGPIPE, &ignore, &pipe_before);
	int status;
	if (server_open(server, node, routes, &err)) {
		log_event(LOG_INFO, "listening", log_text("host", server->listeners.host),
			log_integer("port", server->listeners.port), log_text("url", server->listeners.url), NULL);
		server_wait(server, &signals);
		status = server_stop(server);
		log_event(LOG_INFO, "stopped", NULL);
	} else {
		log_failure("serve", &err);
		server_stop(server);
		status = 1;
	}
	sigaction(SIGPIPE, &pipe_before, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(server);
	return status;
}
