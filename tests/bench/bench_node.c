/* A founded network for a row of the bench: its own PostgreSQL on a disk, keys from numbers, a server of its routes. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/genesis.h"
#include "core/account.h"
#include "core/campaign.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "core/migrate.h"
#include "dataset/dataset_api.h"
#include "tests/check.h"
#include "tests/database.h"
#include "vote/campaign_store.h"
#include "web/server.h"

enum { BENCH_ARENA = 256 * 1024 * 1024, BENCH_SQL_MAX = 8192, BENCH_START_MS = 20000, BENCH_STATEMENTS_MAX = 256 };

static const struct option *const bench_tables[] = {node_options, web_options, NULL};

static bool node_state(struct bench_node *bench, struct options **out, struct wn_error *err)
{
	const char *folder = test_folder();
	char state[NODE_PATH_MAX];
	struct options *options = options_open(bench_tables);
	snprintf(state, sizeof state, "%.400s/state", folder);
	*out = options;
	return option_set(options, "node.state", state, err) &&
	       option_set(options, "node.database", bench->cluster.conninfo, err) &&
	       option_set(options, "serve.port", "0", err);
}

bool bench_node_open(struct bench_node *bench, struct wn_error *err)
{
	struct options *options;
	const char *disk = getenv("TMPDIR");
	char owner[2 * CLUSTER_PATH_MAX];
	bool started;
	memset(bench, 0, sizeof *bench);
	wn_arena_init(&bench->arena, BENCH_ARENA);
	setenv("WINNOW_TEST_DISK", disk && *disk ? disk : "/tmp", 1);
	if (!test_cluster(&bench->cluster, err))
		return false;
	bench->cluster.shared_buffers_mb = 256;
	snprintf(owner, sizeof owner, "%s user=winnow_owner", bench->cluster.conninfo);
	struct genesis_wish wish = {.time_ms = clock_wall_ms()};
	policy_default(&wish.policy);
	return cluster_up(&bench->cluster, &started, err) && db_open(&bench->owner, owner, err) &&
	       migrate_up(bench->owner, NULL, err) && node_state(bench, &options, err) &&
	       node_init(&bench->node, options, err) &&
	       genesis_write(&bench->node, bench->owner, &bench->arena, &wish, err) && node_load(&bench->node, err);
}

static void server_child(const struct bench_node *bench, const struct route *const routes[], pid_t parent)
	__attribute__((noreturn));
static void server_child(const struct bench_node *bench, const struct route *const routes[], pid_t parent)
{
	static struct node node;
	char path[NODE_PATH_MAX];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	int log = open(node_path(&bench->node, path, "serve.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, 2);
	log_start("serve", LOG_INFO);
	node = bench->node;
	_exit(server_run(&node, routes));
}

static bool server_address(struct bench_node *bench)
{
	char path[NODE_PATH_MAX], url[128] = "";
	FILE *file = fopen(node_path(&bench->node, path, "run/serve.address"), "re");
	if (!file)
		return false;
	bool got = fgets(url, sizeof url, file) != NULL;
	fclose(file);
	url[strcspn(url, "\n")] = '\0';
	char *colon = strrchr(url, ':'), *host = strstr(url, "//");
	if (!got || !colon || !host || colon < host)
		return false;
	bench->port = atoi(colon + 1);
	snprintf(bench->authority, sizeof bench->authority, "%s", host + 2);
	return bench->port > 0;
}

bool bench_server_start(struct bench_node *bench, const struct route *const routes[], struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	unlink(node_path(&bench->node, path, "run/serve.address"));
	fflush(NULL);
	pid_t parent = getpid();
	bench->server = fork();
	if (bench->server == 0)
		server_child(bench, routes, parent);
	for (int64_t deadline_ms = clock_monotonic_ms() + BENCH_START_MS; clock_monotonic_ms() < deadline_ms;) {
		if (server_address(bench))
			return true;
		if (waitpid(bench->server, NULL, WNOHANG) != 0)
			break;
		poll(NULL, 0, 5);
	}
	return wn_fail(
		err, WN_DOWN, "bench_server", "the server did not start: see %s/serve.log", bench->node.state_dir);
}

void bench_server_stop(struct bench_node *bench)
{
	if (bench->server <= 0)
		return;
	kill(bench->server, SIGTERM);
	while (waitpid(bench->server, NULL, 0) < 0 && errno == EINTR)
		;
	bench->server = 0;
}

void bench_node_close(struct bench_node *bench)
{
	struct wn_error err;
	bench_server_stop(bench);
	db_close(bench->owner);
	cluster_down(&bench->cluster, &err);
	wn_arena_free(&bench->arena);
}

void bench_key(const char *kind, int n, struct sign_key *out)
{
	char text[64];
	struct sha256 seed;
	int bytes = snprintf(text, sizeof text, "bench/%s/%d", kind, n);
	sha256_of(text, (size_t)bytes, &seed);
	sign_from_seed(out, seed.bytes);
}

bool bench_account(struct bench_node *bench, const struct account_key *key, int32_t roles, struct wn_error *err)
{
	struct account account;
	bool changed;
	return account_insert(bench->owner, &bench->arena, &bench->node.network, key, roles, false, NULL, NULL,
		clock_wall_ms(), &account, &changed, err);
}

bool bench_campaign(struct bench_node *bench, const char *document, struct wn_error *err)
{
	const struct json *json;
	struct wn_slice canonical;
	struct campaign campaign;
	bool created;
	return json_parse(&bench->arena, document, strlen(document), &json, err) &&
	       campaign_parse(json, &campaign, err) && jcs_write(&bench->arena, json, &canonical, err) &&
	       campaign_store_insert(
		       bench->owner, &bench->arena, campaign.name, canonical, clock_wall_ms(), &created, err);
}

bool bench_sql(struct bench_node *bench, struct wn_error *err, const char *format, ...)
{
	char sql[BENCH_SQL_MAX];
	va_list list;
	va_start(list, format);
	vsnprintf(sql, sizeof sql, format, list);
	va_end(list);
	return db_command(bench->owner, sql, err) || wn_while(err, "%.60s", sql);
}

bool bench_number(struct bench_node *bench, int64_t *out, struct wn_error *err, const char *format, ...)
{
	static struct {
		struct sql_statement statement;
		char name[32], text[BENCH_SQL_MAX + 32];
	} * asked[BENCH_STATEMENTS_MAX];
	static int asked_count;
	char sql[BENCH_SQL_MAX];
	struct db_result *result;
	va_list list;
	va_start(list, format);
	vsnprintf(sql, sizeof sql, format, list);
	va_end(list);
	wn_assert(asked_count < BENCH_STATEMENTS_MAX);
	asked[asked_count] = calloc(1, sizeof **asked);
	wn_assert(asked[asked_count] != NULL);
	snprintf(asked[asked_count]->name, sizeof asked[asked_count]->name, "bench_%d", asked_count);
	snprintf(asked[asked_count]->text, sizeof asked[asked_count]->text, "SELECT (%s)::bigint", sql);
	asked[asked_count]->statement = (struct sql_statement){asked[asked_count]->name, asked[asked_count]->text, 0};
	if (!db_query(bench->owner, &asked[asked_count++]->statement, NULL, &result, err))
		return wn_while(err, "%.60s", sql);
	*out = db_rows(result) == 1 && !db_is_null(result, 0, 0) ? db_int64(result, 0, 0) : -1;
	db_done(result);
	return true;
}

bool bench_request(const struct bench_node *bench, const char *target, const char *type, struct wn_slice body,
	const struct sign_key *key, struct wn_slice *out, struct wn_error *err)
{
	struct wn_arena arena;
	struct httpsig_fields fields;
	struct http_header header = {WN_SLICE("content-type"), wn_slice_of(type)};
	struct http_request request = {
		.method = WN_SLICE("POST"),
		.authority = wn_slice_of(bench->authority),
		.target = wn_slice_of(target),
		.headers = &header,
		.header_count = 1,
		.body = body,
	};
	wn_arena_init(&arena, 1 << 20);
	bool done = httpsig_sign(&arena, &request, bench->node.network_tag, clock_wall_ms() / 1000, key, &fields, err);
	char *head = NULL;
	int bytes = done ? asprintf(&head,
				   "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Digest: %.*s\r\n"
				   "Signature-Input: %.*s\r\nSignature: %.*s\r\nContent-Length: %zu\r\n\r\n",
				   target, bench->authority, type, (int)fields.content_digest.bytes,
				   fields.content_digest.data, (int)fields.signature_input.bytes,
				   fields.signature_input.data, (int)fields.signature.bytes, fields.signature.data,
				   body.bytes)
			 : -1;
	wn_arena_free(&arena);
	if (bytes < 0)
		return done ? wn_fail(err, WN_FULL, "memory", "no room for a request") : false;
	char *all = realloc(head, (size_t)bytes + body.bytes);
	wn_assert(all != NULL);
	memcpy(all + bytes, body.data, body.bytes);
	*out = (struct wn_slice){all, (size_t)bytes + body.bytes};
	return true;
}

bool bench_psql(const struct bench_node *bench, const char *path, int64_t *cpu_ns, struct wn_error *err)
{
	char conninfo[2 * CLUSTER_PATH_MAX];
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_owner", bench->cluster.conninfo);
	const char *const argv[] = {"psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", path, conninfo, NULL};
	return bench_execute(argv, cpu_ns, NULL, err);
}
