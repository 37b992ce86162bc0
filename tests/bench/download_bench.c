/* A sealed shard over the route of versions, against h2o's own file handler on the same file. */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <h2o.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/hash.h"
#include "dataset/dataset_api.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"
#include "tests/check.h"
#include "web/listener.h"
#include "web/node_api.h"

enum {
	TURNS = 11,
	CONNECTIONS = 8,
	ROUNDS = 8, /* in a turn: ours and the peer's in small portions, since the machine may be shared */
	SHARDS = 8, /* requests a round */
	NOTES = 250,
	SHARD_BYTES = SHARD_BYTES_MAX - 300 * 1024, /* as the writer cuts them */
	NOTE_BYTES = 4096,
	BACKLOG = 128,
	ARENA_BYTES = 64 << 20
};

#define SHARD "data/part-00000.jsonl.gz"
#define NOTE "README.md"
#define VERSION "/v1/datasets/bench/1/"

/* ---- the peer: the library's file handler and nothing else, on as many threads as ours has loops ---- */

struct peer {
	pid_t pid;
	int port, count, sockets[LISTENERS_MAX];
};

struct peer_loop {
	h2o_context_t context;
	h2o_accept_ctx_t accepting;
};

static void peer_on_accept(h2o_socket_t *listener, const char *err)
{
	struct peer_loop *loop = listener->data;
	h2o_socket_t *socket = err ? NULL : h2o_evloop_socket_accept(listener);
	if (socket)
		h2o_accept(&loop->accepting, socket);
}

static h2o_globalconf_t peer_config;

static void *peer_run(void *descriptor)
{
	struct peer_loop *loop = calloc(1, sizeof *loop);
	wn_assert(loop != NULL);
	h2o_context_init(&loop->context, h2o_evloop_create(), &peer_config);
	loop->accepting = (h2o_accept_ctx_t){.ctx = &loop->context, .hosts = peer_config.hosts};
	h2o_socket_t *listener =
		h2o_evloop_socket_create(loop->context.loop, *(int *)descriptor, H2O_SOCKET_FLAG_DONT_READ);
	listener->data = loop;
	h2o_socket_read_start(listener, peer_on_accept);
	for (;;)
		h2o_evloop_run(loop->context.loop, INT32_MAX);
	return NULL;
}

static void peer_child(struct peer *peer, const char *folder, pid_t parent) __attribute__((noreturn));
static void peer_child(struct peer *peer, const char *folder, pid_t parent)
{
	pthread_t thread;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	signal(SIGPIPE, SIG_IGN);
	h2o_config_init(&peer_config);
	h2o_hostconf_t *host = h2o_config_register_host(&peer_config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h2o_file_register(h2o_config_register_path(host, "/", 0), folder, NULL, NULL, 0);
	for (int i = 1; i < peer->count; i++)
		if (pthread_create(&thread, NULL, peer_run, &peer->sockets[i]) != 0)
			_exit(1);
	peer_run(&peer->sockets[0]);
	_exit(1);
}

static bool peer_listen(struct peer *peer, int *out, struct wn_error *err)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)peer->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof address;
	int on = 1;
	*out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*out < 0 || setsockopt(*out, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
		bind(*out, (struct sockaddr *)&address, sizeof address) != 0 || listen(*out, BACKLOG) != 0 ||
		getsockname(*out, (struct sockaddr *)&address, &bytes) != 0)
		return wn_fail(err, WN_DOWN, "bench_peer", "listen for h2o's file handler: %s", strerror(errno));
	peer->port = ntohs(address.sin_port);
	return true;
}

static bool peer_start(struct peer *peer, const char *folder, struct wn_error *err)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t parent = getpid();
	peer->count = cores < LISTENERS_MAX ? (int)cores : LISTENERS_MAX;
	for (int i = 0; i < peer->count; i++)
		if (!peer_listen(peer, &peer->sockets[i], err))
			return false;
	fflush(NULL);
	peer->pid = fork();
	if (peer->pid == 0)
		peer_child(peer, folder, parent);
	for (int i = 0; i < peer->count; i++)
		close(peer->sockets[i]);
	return peer->pid > 0 || wn_fail(err, WN_DOWN, "bench_peer", "fork: %s", strerror(errno));
}

static void peer_stop(struct peer *peer)
{
	if (peer->pid <= 0)
		return;
	kill(peer->pid, SIGKILL);
	while (waitpid(peer->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* ---- a published version ---- */

static bool file_publish(
	struct bench_node *bench, const char *folder, const char *path, size_t bytes, struct wn_error *err)
{
	uint64_t seed = 1;
	struct sha256 hash;
	char hex[ID_HEX_ROOM];
	int descriptor;
	/* What is compressed looks like chance. */
	uint64_t *data = malloc(bytes + sizeof *data);
	wn_assert(data != NULL);
	for (size_t i = 0; i <= bytes / sizeof *data; i++)
		data[i] = test_random(&seed);
	sha256_of(data, bytes, &hash);
	bool done = folder_open(folder, &descriptor, err);
	if (done) {
		done = folder_file_write(descriptor, path, (struct wn_slice){(char *)data, bytes}, err);
		folder_close(descriptor);
	}
	free(data);
	return done && bench_sql(bench, err, "INSERT INTO dataset_file VALUES ('\\x%s', 'bench', 1, '%s', %zu)",
			       hex_write(hex, hash.bytes, ID_BYTES), path, bytes);
}

static bool version_make(struct bench_node *bench, char folder[NODE_PATH_MAX], struct wn_error *err)
{
	static const char *const folders[] = {
		"datasets", "datasets/bench", "datasets/bench/1", "datasets/bench/1/data"};
	for (int i = 0; i < 4; i++)
		if (!folder_make(node_path(&bench->node, folder, folders[i]), err))
			return false;
	node_path(&bench->node, folder, folders[2]);
	return bench_sql(bench, err, "INSERT INTO dataset VALUES ('bench', '{}', 0)") &&
	       bench_sql(bench, err,
		       "INSERT INTO dataset_version (name, version, state, checkpoint_size, row_count, row_root, "
		       "manifest_sha256, wanted_ms, wanted_leaf, published_ms) SELECT 'bench', 1, 1, 1, 1, h, h, 0, h, "
		       "0 "
		       "FROM sha256('bench') h") &&
	       file_publish(bench, folder, SHARD, SHARD_BYTES, err) &&
	       file_publish(bench, folder, NOTE, NOTE_BYTES, err) && bench_sql(bench, err, "VACUUM ANALYZE");
}

/* Both give the same bytes, or nothing is measured. */
static bool same_bytes(struct bench_node *bench, const struct peer *peer, const char *path, struct wn_error *err)
{
	struct sha256 hashes[2];
	struct wn_arena arena;
	bool done = true;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int i = 0; done && i < 2; i++) {
		char url[64], target[128];
		struct fetch *fetch;
		struct fetch_answer answer = {0};
		snprintf(url, sizeof url, "http://127.0.0.1:%d", i ? peer->port : bench->port);
		snprintf(target, sizeof target, "%s%s", i ? "/" : VERSION, path);
		struct fetch_request request = {.method = "GET", .target = target};
		done = fetch_open(&fetch, url, NULL, err);
		if (!done)
			break;
		done = fetch_send(fetch, &arena, &request, &answer, err);
		if (done && answer.status != 200)
			done = wn_fail(err, WN_DOWN, "bench_download", "%s%s: status %d", url, target, answer.status);
		sha256_of(answer.body.data, answer.body.bytes, &hashes[i]);
		fetch_close(fetch);
	}
	wn_arena_free(&arena);
	return done && (id_compare(&hashes[0], &hashes[1]) == 0 ||
			       wn_fail(err, WN_DOWN, "bench_download", "%s differs between the servers", path));
}

/* ---- turns ---- */

struct side {
	struct load *load;
	pid_t pid;
	const struct cluster *cluster; /* NULL: none works for it */
	char shard[256], note[256];
};

static void side_requests(struct side *side, int port, const char *prefix)
{
	snprintf(side->shard, sizeof side->shard, "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", prefix, SHARD,
		port);
	snprintf(side->note, sizeof side->note, "GET %s%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", prefix, NOTE, port);
}

/* Sends one request `count` times; *cpu_ns is what the server, and its database, used. */
static bool side_run(const struct side *side, const char *request, size_t count, size_t bytes, double *cpu_ns,
	struct load_result *result, struct wn_error *err)
{
	static struct wn_slice requests[NOTES];
	for (size_t i = 0; i < count; i++)
		requests[i] = wn_slice_of(request);
	int64_t server = bench_cpu_of(side->pid);
	int64_t database = side->cluster ? bench_cpu_of_cluster(side->cluster) : 0;
	if (!load_run(side->load, requests, count, NULL, result, err))
		return false;
	*cpu_ns = (double)(bench_cpu_of(side->pid) - server);
	if (side->cluster)
		*cpu_ns += (double)(bench_cpu_of_cluster(side->cluster) - database);
	return result->bytes == count * bytes ||
	       wn_fail(err, WN_DOWN, "bench_download", "%zu bytes came, not %zu", result->bytes, count * bytes);
}

struct turn {
	double cpu_ns, seconds;
};

static bool round_run(const struct side *side, bool notes, struct turn *sum, struct wn_error *err)
{
	struct load_result result;
	double cpu_ns;
	if (!side_run(side, notes ? side->note : side->shard, notes ? NOTES : SHARDS, notes ? NOTE_BYTES : SHARD_BYTES,
		    &cpu_ns, &result, err))
		return false;
	sum->cpu_ns += cpu_ns;
	sum->seconds += result.seconds;
	return true;
}

static bool turn_run(const struct side *ours, const struct side *theirs, bool notes, struct turn *mine,
	struct turn *peer, struct wn_error *err)
{
	*mine = *peer = (struct turn){0};
	for (int i = 0; i < ROUNDS; i++)
		if (!round_run(ours, notes, mine, err) || !round_run(theirs, notes, peer, err))
			return false;
	return true;
}

static bool download_turns(const struct side *ours, const struct side *theirs, struct wn_error *err)
{
	struct bench_series shard = {
		.name = "sealed download", .unit = "MB/cpu s", .peer = "h2o's file handler", .least = 0.9};
	struct bench_series wall = {
		.name = "sealed download, by the wall", .unit = "MB/s", .peer = "h2o's file handler"};
	struct bench_series note = {.name = "files of 4 KiB", .unit = "files/cpu s", .peer = "h2o's file handler"};
	const double megabytes = (double)ROUNDS * SHARDS * SHARD_BYTES / 1e6, files = ROUNDS * NOTES;
	struct turn mine, peer, mine_notes, peer_notes;
	/* Turn 0 warms caches, plans and connections; it is not counted. */
	for (int turn = 0; turn <= TURNS; turn++) {
		if (!turn_run(ours, theirs, false, &mine, &peer, err) ||
			!turn_run(ours, theirs, true, &mine_notes, &peer_notes, err))
			return false;
		if (turn == 0)
			continue;
		bench_turn(&shard, megabytes * 1e9 / mine.cpu_ns, megabytes * 1e9 / peer.cpu_ns);
		bench_turn(&wall, megabytes / mine.seconds, megabytes / peer.seconds);
		bench_turn(&note, files * 1e9 / mine_notes.cpu_ns, files * 1e9 / peer_notes.cpu_ns);
	}
	bench_report(&shard);
	bench_report(&wall);
	bench_report(&note);
	bench_note("a shard of %.1f MB: %.2f ms, h2o's handler %.2f ms; a file of 4 KiB: %.0f us (lane, statements), "
		   "%.0f us",
		SHARD_BYTES / 1e6, mine.cpu_ns / ROUNDS / SHARDS / 1e6, peer.cpu_ns / ROUNDS / SHARDS / 1e6,
		mine_notes.cpu_ns / files / 1e3, peer_notes.cpu_ns / files / 1e3);
	return true;
}

bool bench_download(struct wn_error *err)
{
	static const struct route *const routes[] = {node_routes, dataset_routes, NULL};
	struct bench_node bench;
	struct peer peer = {0};
	struct side ours = {0}, theirs = {0};
	char folder[NODE_PATH_MAX];
	bool done = bench_node_open(&bench, err) && version_make(&bench, folder, err) &&
		    bench_server_start(&bench, routes, err) && peer_start(&peer, folder, err) &&
		    same_bytes(&bench, &peer, SHARD, err) && same_bytes(&bench, &peer, NOTE, err) &&
		    load_open(&ours.load, bench.port, CONNECTIONS, err) &&
		    load_open(&theirs.load, peer.port, CONNECTIONS, err);
	ours.pid = bench.server;
	ours.cluster = &bench.cluster;
	theirs.pid = peer.pid;
	side_requests(&ours, bench.port, VERSION);
	side_requests(&theirs, peer.port, "/");
	done = done && download_turns(&ours, &theirs, err);
	load_close(ours.load);
	load_close(theirs.load);
	peer_stop(&peer);
	bench_node_close(&bench);
	return done;
}
