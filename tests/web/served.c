/* Founding a network, forking servers, test routes, raw HTTP. */
#include "tests/web/served.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/journal.h"
#include "core/log.h"
#include "core/network_store.h"
#include "web/account_api.h"
#include "web/file_answer.h"
#include "web/node_api.h"
#include "web/page_api.h"
#include "web/server.h"

enum {
	SERVED_ARENA = 64 * 1024 * 1024,
	SERVED_START_MS = 10000,
	SERVED_STOP_MS = 20000,
	RAW_WAIT_MS = 10000,
	SERVED_LEFT_MAX = 16
};

struct served_shared *served_shared;
static char served_file_path[NODE_PATH_MAX];

/* ---- routes of the tests ---- */

static bool test_slow(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice ms = exchange_query(exchange, "ms");
	atomic_fetch_add(&served_shared->slow_begun, 1);
	poll(NULL, 0, ms.data ? atoi(ms.data) : 0);
	atomic_fetch_add(&served_shared->slow_done, 1);
	return exchange_ok(exchange, 200, WN_SLICE("{\"slow\":true}"), err);
}

static bool test_count(struct exchange *exchange, struct wn_error *err)
{
	atomic_fetch_add(&served_shared->counted, 1);
	return exchange_ok(exchange, 200, WN_SLICE("{\"counted\":true}"), err);
}

/* Length and hash of what arrived. */
static bool test_echo(struct exchange *exchange, struct wn_error *err)
{
	struct sha256 digest;
	char hex[ID_HEX_ROOM];
	sha256_of(
		exchange->request.body.data ? exchange->request.body.data : "", exchange->request.body.bytes, &digest);
	char *text = wn_arena_printf(exchange->arena, "{\"bytes\":%zu,\"sha256\":\"%s\",\"from\":\"%.*s\"}",
		exchange->request.body.bytes, hex_write(hex, digest.bytes, ID_BYTES),
		(int)exchange->remote_address.bytes, exchange->remote_address.data);
	return exchange_ok(exchange, 200, wn_slice_of(text), err);
}

static bool test_hold(struct exchange *exchange, struct wn_error *err)
{
	int now = atomic_fetch_add(&served_shared->held_now, 1) + 1, most = atomic_load(&served_shared->held_most);
	while (now > most && !atomic_compare_exchange_weak(&served_shared->held_most, &most, now))
		;
	bool done = test_slow(exchange, err);
	atomic_fetch_sub(&served_shared->held_now, 1);
	return done;
}

/* An answer of n bytes made in the arena, each byte told by its place. */
static bool test_large(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice wanted = exchange_query(exchange, "bytes");
	size_t bytes = wanted.data ? (size_t)atol(wanted.data) : 0;
	char *text = wn_arena_alloc(exchange->arena, bytes + 1);
	if (!text)
		return wn_fail(err, WN_FULL, "memory", "no room");
	for (size_t i = 0; i < bytes; i++)
		text[i] = served_file_byte((int64_t)i);
	exchange->content_type = WN_SLICE("application/octet-stream");
	return exchange_ok(exchange, 200, (struct wn_slice){text, bytes}, err);
}

static bool test_file(struct exchange *exchange, struct wn_error *err)
{
	exchange_header(exchange, "Cache-Control", WN_SLICE("immutable"));
	return exchange_file(exchange, served_file_path, "test-file-1", "application/octet-stream", err);
}

static bool test_file_missing(struct exchange *exchange, struct wn_error *err)
{
	return exchange_file(exchange, "/nowhere/at/all", "test-file-2", "application/octet-stream", err);
}

static bool test_whoami(struct exchange *exchange, struct wn_error *err)
{
	char *text = wn_arena_printf(exchange->arena, "{\"signed\":%s,\"account\":%s}",
		exchange->is_signed ? "true" : "false", exchange->has_account ? "true" : "false");
	return exchange_ok(exchange, 200, wn_slice_of(text), err);
}

/* An effect that must happen once: a journal entry, counted apart from what the database keeps. */
static bool test_effect(struct exchange *exchange, struct wn_error *err)
{
	char *entry = wn_arena_printf(exchange->arena, "{\"type\":\"test\",\"time_ms\":%lld,\"body\":%zu}",
		(long long)exchange->now_ms, exchange->request.body.bytes);
	char *text =
		wn_arena_printf(exchange->arena, "{\"effect\":%d}", atomic_fetch_add(&served_shared->effects, 1) + 1);
	struct sha256 leaf;
	return db_begin(exchange->db, err) &&
	       journal_append(exchange->db, exchange->arena, wn_slice_of(entry), &leaf, err) &&
	       exchange_remember(exchange, 201, wn_slice_of(text), err) && db_commit(exchange->db, err) &&
	       exchange_ok(exchange, 201, wn_slice_of(text), err);
}

/* Fails in the middle of a transaction. */
static bool test_broken(struct exchange *exchange, struct wn_error *err)
{
	return db_begin(exchange->db, err) && db_command(exchange->db, "SELECT 1/0", err) &&
	       exchange_ok(exchange, 200, WN_SLICE("{}"), err);
}

static const struct route test_routes[] = {
	{.method = "GET", .pattern = "/test/slow", .needs = ROUTE_LANE, .handle = test_slow},
	{.method = "GET", .pattern = "/test/count", .needs = ROUTE_LANE, .handle = test_count},
	{.method = "POST",
		.pattern = "/test/echo",
		.needs = ROUTE_LANE,
		.body_max = ROUTE_BODY_MAX,
		.handle = test_echo},
	{.method = "POST",
		.pattern = "/test/hold",
		.needs = ROUTE_LANE,
		.body_max = ROUTE_BODY_MAX,
		.handle = test_hold},
	{.method = "POST", .pattern = "/test/small", .needs = ROUTE_LANE, .body_max = 16, .handle = test_echo},
	{.method = "GET", .pattern = "/test/large", .needs = ROUTE_LANE, .handle = test_large},
	{.method = "GET", .pattern = "/test/file", .needs = ROUTE_LANE, .handle = test_file},
	{.method = "GET", .pattern = "/test/file/missing", .needs = ROUTE_LANE, .handle = test_file_missing},
	{.method = "GET", .pattern = "/test/whoami", .handle = test_whoami},
	{.method = "GET", .pattern = "/test/account", .access = ROUTE_ACCOUNT, .handle = test_whoami},
	{.method = "GET", .pattern = "/test/lab", .access = ROUTE_ACCOUNT, .roles = ACCOUNT_LAB, .handle = test_whoami},
	{.method = "POST",
		.pattern = "/test/effect",
		.access = ROUTE_SIGNED,
		.body_max = 1024,
		.handle = test_effect,
		.idempotent = true},
	{.method = "GET", .pattern = "/test/broken", .handle = test_broken},
	{.method = NULL},
};

static const struct route *const served_routes[] = {node_routes, account_routes, page_routes, test_routes, NULL};

/* ---- the network ---- */

static struct node served_the_node;
static bool served_founded, served_manual;
static char served_state[NODE_PATH_MAX], served_conninfo[NODE_PATH_MAX];

static const struct option *const served_tables[] = {node_options, web_options, NULL};

static bool served_set(struct options *options, const char *name, const char *value)
{
	struct wn_error err = {0};
	return check_true(option_set(options, name, value, &err), err.text, __FILE__, __LINE__);
}

static struct options *served_options(const char *const settings[])
{
	struct options *options = options_open(served_tables);
	bool good = served_set(options, "node.state", served_state) &&
		    served_set(options, "node.database", served_conninfo) && served_set(options, "serve.port", "0") &&
		    served_set(options, "serve.lanes", "4") && served_set(options, "serve.threads", "2");
	for (int i = 0; good && settings && settings[i]; i += 2)
		good = served_set(options, settings[i], settings[i + 1]);
	return good ? options : NULL;
}

static bool served_found(struct node *node, bool manual)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	struct key_file checkpoint, manifest, operator_key;
	char path[NODE_PATH_MAX], did[3][DID_ROOM];
	struct json_writer writer;
	struct wn_slice text, canonical;
	struct network_id network;
	struct db *db = served_owner();
	if (!db)
		return false;
	wn_arena_init(&arena, SERVED_ARENA);
	CHECK_OK(key_file_create(node_path(node, path, "keys/checkpoint.key"), &checkpoint, &err), err);
	CHECK_OK(key_file_create(node_path(node, path, "keys/manifest.key"), &manifest, &err), err);
	CHECK_OK(key_file_create(node_path(node, path, "keys/operator.key"), &operator_key, &err), err);
	did_write(did[0], &checkpoint.key.public_key);
	did_write(did[1], &manifest.key.public_key);
	did_write(did[2], &operator_key.key.public_key);
	json_begin(&writer, &arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "type", "genesis");
	json_put_integer(&writer, "time_ms", clock_wall_ms());
	json_put_string(&writer, "version", WINNOW_VERSION);
	json_put_bool(&writer, "sample", true);
	json_open_object(&writer, "keys");
	json_put_string(&writer, "checkpoint", did[0]);
	json_put_string(&writer, "manifest", did[1]);
	json_put_string(&writer, "operator", did[2]);
	json_close_object(&writer);
	policy_write(&writer, "policy", &node->policy);
	json_close_object(&writer);
	bool done = json_end(&writer, &text, &err) && jcs_canonical(&arena, text.data, text.bytes, &canonical, &err);
	if (done)
		sha256_of(canonical.data, canonical.bytes, (struct sha256 *)&network);
	done = done && db_begin(db, &err) &&
	       network_store_insert(
		       db, &arena, &network, canonical, &checkpoint.key.public_key, manual, 1000000, &err) &&
	       journal_append(db, &arena, canonical, NULL, &err) && db_commit(db, &err) && node_load(node, &err);
	db_close(db);
	wn_arena_free(&arena);
	return check_text(done ? "" : err.text, "", "found a network", __FILE__, __LINE__);
}

static const struct node *served_node_new(const char *conninfo, bool manual)
{
	struct wn_error err = {0};
	const char *folder = test_folder();
	served_founded = false;
	if (!conninfo || !folder)
		return NULL;
	sign_start();
	snprintf(served_conninfo, sizeof served_conninfo, "%s", conninfo);
	snprintf(served_state, sizeof served_state, "%s/state", folder);
	/* One network at a time: the options of the one before go. */
	static struct options *options;
	options_close(options);
	options = served_options(NULL);
	if (!options || !check_true(node_init(&served_the_node, options, &err), err.text, __FILE__, __LINE__) ||
		!served_found(&served_the_node, manual))
		return NULL;
	served_founded = true;
	served_manual = manual;
	return &served_the_node;
}

const struct node *served_node(bool clock_manual)
{
	if (served_founded && served_manual == clock_manual)
		return &served_the_node;
	return served_node_new(test_database(), clock_manual);
}

const struct node *served_node_on(const char *conninfo)
{
	const struct node *node = served_node_new(conninfo, false);
	/* The next test founds its own: this database is somebody's. */
	served_founded = false;
	return node;
}

struct db *served_owner(void)
{
	struct wn_error err = {0};
	struct db *db = NULL;
	if (!check_true(node_connect(&served_the_node, "winnow_owner", &db, &err), err.text, __FILE__, __LINE__))
		return NULL;
	return db;
}

bool served_seal(void)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	struct db *db = NULL;
	size_t numbered = 1;
	bool written, done = node_connect(&served_the_node, "winnow_seal", &db, &err);
	wn_arena_init(&arena, SERVED_ARENA);
	for (int i = 0; done && numbered > 0 && i < 100; i++)
		done = journal_sequence(db, &arena, &numbered, &err);
	done = done && journal_checkpoint(db, &arena, &served_the_node.network, &served_the_node.checkpoint_key,
			       clock_wall_ms(), &written, &err);
	wn_arena_free(&arena);
	db_close(db);
	return check_text(done ? "" : err.text, "", "seal", __FILE__, __LINE__);
}

/* ---- the process ---- */

/* A server that its test left would hold what the database's watchdog waits for. */
static pid_t served_left[SERVED_LEFT_MAX];

static void served_end(void)
{
	for (int i = 0; i < SERVED_LEFT_MAX; i++)
		if (served_left[i] > 0) {
			kill(served_left[i], SIGKILL);
			waitpid(served_left[i], NULL, 0);
		}
}

static void served_note(pid_t old, pid_t fresh)
{
	int i = 0;
	while (i < SERVED_LEFT_MAX && served_left[i] != old)
		i++;
	if (CHECK(i < SERVED_LEFT_MAX))
		served_left[i] = fresh;
}

static void served_child(const struct served *served, const char *const settings[], pid_t parent)
	__attribute__((noreturn));
static void served_child(const struct served *served, const char *const settings[], pid_t parent)
{
	memset(served_left, 0, sizeof served_left); /* its sisters are its parent's business */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	int log = open(served->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, 2);
	log_start("serve", LOG_INFO);
	struct options *options = served_options(settings);
	static struct node node;
	node = served_the_node;
	node.options = options;
	int status = options ? server_run(&node, served_routes) : 125;
	options_close(options);
	exit(status);
}

static bool served_address(struct served *served)
{
	char path[NODE_PATH_MAX];
	FILE *file = fopen(node_path(&served_the_node, path, "run/serve.address"), "re");
	if (!file)
		return false;
	bool got = fgets(served->url, sizeof served->url, file) != NULL;
	fclose(file);
	served->url[strcspn(served->url, "\n")] = '\0';
	char *colon = strrchr(served->url, ':');
	served->port = got && colon ? atoi(colon + 1) : 0;
	return served->port > 0;
}

bool served_start(struct served *served, const char *const settings[])
{
	static int serial;
	char path[NODE_PATH_MAX];
	memset(served, 0, sizeof *served);
	if (!served_shared) {
		atexit(served_end);
		served_shared =
			mmap(NULL, sizeof *served_shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (!CHECK(served_shared != MAP_FAILED))
			return false;
	}
	snprintf(served->log_path, sizeof served->log_path, "%.400s/serve-%d.log", served_state, serial++);
	unlink(node_path(&served_the_node, path, "run/serve.address"));
	fflush(NULL);
	pid_t parent = getpid();
	served->pid = fork();
	if (served->pid == 0)
		served_child(served, settings, parent);
	if (!CHECK(served->pid > 0))
		return false;
	served_note(0, served->pid);
	int64_t deadline_ms = clock_monotonic_ms() + SERVED_START_MS;
	while (!served_address(served)) {
		if (waitpid(served->pid, NULL, WNOHANG) != 0) {
			served_note(served->pid, 0);
			served->pid = 0;
			return false;
		}
		if (!CHECK(clock_monotonic_ms() < deadline_ms))
			return false;
		poll(NULL, 0, 5);
	}
	return true;
}

int served_wait(struct served *served, int timeout_ms)
{
	int status = 0;
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	if (served->pid <= 0)
		return -1;
	while (waitpid(served->pid, &status, WNOHANG) == 0) {
		if (clock_monotonic_ms() > deadline_ms) {
			kill(served->pid, SIGKILL);
			waitpid(served->pid, &status, 0);
			served_note(served->pid, 0);
			served->pid = 0;
			return -1;
		}
		poll(NULL, 0, 5);
	}
	served_note(served->pid, 0);
	served->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The end of a log that tells more than a status does. */
static void served_show(const struct served *served)
{
	char line[4096];
	FILE *file = fopen(served->log_path, "re");
	while (file && fgets(line, sizeof line, file))
		printf("  serve: %s", line);
	if (file)
		fclose(file);
}

int served_stop(struct served *served)
{
	if (served->pid <= 0)
		return -1;
	kill(served->pid, SIGTERM);
	int status = served_wait(served, SERVED_STOP_MS);
	if (status != 0)
		served_show(served);
	return status;
}

int64_t served_memory_kib(const struct served *served, const char *name)
{
	char path[64], line[256];
	long long kib = -1;
	size_t bytes = strlen(name);
	snprintf(path, sizeof path, "/proc/%d/status", (int)served->pid);
	FILE *file = fopen(path, "re");
	while (file && kib < 0 && fgets(line, sizeof line, file))
		if (strncmp(line, name, bytes) == 0 && line[bytes] == ':')
			kib = strtoll(line + bytes + 1, NULL, 10);
	if (file)
		fclose(file);
	CHECK(kib > 0);
	return kib;
}

int64_t served_metric(const struct served *served, const char *name)
{
	static struct raw_answer answer;
	char line[128], path[NODE_PATH_MAX];
	struct raw raw;
	const char *at = NULL;
	int bytes = snprintf(line, sizeof line, "\n%s ", name);
	node_path(&served_the_node, path, "run/operator.sock");
	bool told = raw_open_unix(&raw, path) &&
		    raw_send(&raw, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") &&
		    raw_answer(&raw, &answer, false) && answer.status == 200;
	if (CHECK(told && served->pid > 0))
		at = memmem(answer.body, answer.body_bytes, line, (size_t)bytes);
	raw_close(&raw);
	return at ? strtoll(at + bytes, NULL, 10) : -1;
}

bool served_logged(const struct served *served, const char *text)
{
	static char log[1024 * 1024];
	int fd = open(served->log_path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd >= 0 ? read(fd, log, sizeof log - 1) : -1;
	if (fd >= 0)
		close(fd);
	if (bytes < 0)
		return false;
	log[bytes] = '\0';
	return strstr(log, text) != NULL;
}

char served_file_byte(int64_t offset)
{
	return (char)('a' + (offset * 7 + offset / 251 + offset / 65536) % 26);
}

const char *served_file(size_t bytes)
{
	char part[65536];
	snprintf(served_file_path, sizeof served_file_path, "%.400s/file-%zu", served_state, bytes);
	if (access(served_file_path, R_OK) == 0)
		return served_file_path;
	FILE *file = fopen(served_file_path, "we");
	if (!CHECK(file != NULL))
		return NULL;
	for (size_t at = 0; at < bytes;) {
		size_t count = bytes - at < sizeof part ? bytes - at : sizeof part;
		for (size_t i = 0; i < count; i++)
			part[i] = served_file_byte((int64_t)(at + i));
		CHECK(fwrite(part, 1, count, file) == count);
		at += count;
	}
	CHECK(fclose(file) == 0);
	return served_file_path;
}

/* ---- raw bytes ---- */

static bool raw_start(struct raw *raw, int fd)
{
	*raw = (struct raw){.fd = fd, .data = malloc(SERVED_RAW_MAX)};
	struct timeval wait = {RAW_WAIT_MS / 1000, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	return raw->data != NULL;
}

bool raw_open(struct raw *raw, int port)
{
	return raw_open_from(raw, port, 1);
}

bool raw_open_from(struct raw *raw, int port, int last)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + (unsigned)last)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*raw = (struct raw){.fd = -1};
	if (fd < 0)
		return false;
	if ((last == 1 || bind(fd, (struct sockaddr *)&from, sizeof from) == 0) &&
		connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return raw_start(raw, fd);
	close(fd);
	return false;
}

bool raw_open_unix(struct raw *raw, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*raw = (struct raw){.fd = -1};
	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return raw_start(raw, fd);
	close(fd);
	return false;
}

void raw_close(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	free(raw->data);
	*raw = (struct raw){.fd = -1};
}

void raw_reset(struct raw *raw)
{
	struct linger now = {1, 0};
	setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	raw_close(raw);
}

bool raw_send_bytes(struct raw *raw, const void *bytes, size_t count)
{
	size_t sent = 0;
	while (sent < count) {
		ssize_t n = send(raw->fd, (const char *)bytes + sent, count - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return true;
}

bool raw_send(struct raw *raw, const char *text)
{
	return raw_send_bytes(raw, text, strlen(text));
}

static bool raw_more(struct raw *raw)
{
	if (raw->bytes == SERVED_RAW_MAX)
		return false;
	ssize_t n = recv(raw->fd, raw->data + raw->bytes, SERVED_RAW_MAX - raw->bytes, 0);
	if (n <= 0)
		return false;
	raw->bytes += (size_t)n;
	return true;
}

bool raw_answer(struct raw *raw, struct raw_answer *answer, bool head_only)
{
	const char *end;
	size_t taken = 0;
	memset(answer, 0, sizeof *answer);
	for (;;) {
		while (!(end = raw->bytes ? memmem(raw->data, raw->bytes, "\r\n\r\n", 4) : NULL))
			if (!raw_more(raw))
				return false;
		size_t head = (size_t)(end - raw->data) + 4;
		if (strncmp(raw->data, "HTTP/1.1 100", 12) != 0) {
			taken = head;
			break;
		}
		memmove(raw->data, raw->data + head, raw->bytes - head);
		raw->bytes -= head;
	}
	if (taken >= sizeof answer->head || sscanf(raw->data, "HTTP/1.%*d %d", &answer->status) != 1)
		return false;
	memcpy(answer->head, raw->data, taken);
	bool name = false;
	for (char *c = answer->head; *c; c++) {
		if (*c == '\n')
			name = true;
		else if (*c == ':')
			name = false;
		else if (name)
			*c = (char)tolower((unsigned char)*c);
	}
	char text[256];
	size_t length = head_only ? 0 : strtoul(raw_header(answer, "content-length", text), NULL, 10);
	while (raw->bytes < taken + length)
		if (!raw_more(raw)) {
			answer->status = 0;
			return false;
		}
	static char body[SERVED_RAW_MAX];
	memcpy(body, raw->data + taken, length);
	answer->body = body;
	answer->body_bytes = length;
	memmove(raw->data, raw->data + taken + length, raw->bytes - taken - length);
	raw->bytes -= taken + length;
	return true;
}

bool raw_ends(struct raw *raw, int timeout_ms)
{
	char part[65536];
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		struct pollfd wait = {raw->fd, POLLIN, 0};
		if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0)
			return false;
		if (recv(raw->fd, part, sizeof part, 0) <= 0)
			return true;
	}
}

const char *raw_header(const struct raw_answer *answer, const char *name, char out[256])
{
	char line[128];
	snprintf(line, sizeof line, "\r\n%s: ", name);
	const char *at = strstr(answer->head, line);
	out[0] = '\0';
	if (!at)
		return out;
	at += strlen(line);
	snprintf(out, 256, "%.*s", (int)strcspn(at, "\r"), at);
	return out;
}

bool raw_ask(int port, const char *request, struct raw_answer *answer)
{
	struct raw raw;
	memset(answer, 0, sizeof *answer);
	if (!raw_open(&raw, port))
		return false;
	bool done = raw_send(&raw, request) && raw_answer(&raw, answer, strncmp(request, "HEAD ", 5) == 0);
	raw_close(&raw);
	return done;
}

bool raw_problem(const struct raw_answer *answer, const char *code)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *problem;
	char type[256], want[128];
	int64_t status = 0;
	snprintf(want, sizeof want, "/problems/%s", code);
	if (!CHECK_TEXT(raw_header(answer, "content-type", type), "application/problem+json"))
		return false;
	wn_arena_init(&arena, 1024 * 1024);
	bool good = check_true(json_parse(&arena, answer->body, answer->body_bytes, &problem, &err), err.text, __FILE__,
			    __LINE__) &&
		    CHECK_TEXT(json_member_string(problem, "type", NULL), want) &&
		    CHECK(json_integer(json_get(problem, "status"), &status)) && CHECK_INT(status, answer->status);
	wn_arena_free(&arena);
	return good;
}
