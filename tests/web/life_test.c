/* A server's life: stopping under a download, losing its database under load, certificates. */
#include "tests/web/served.h"

#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/account.h"
#include "core/clock.h"
#include "core/cluster.h"
#include "core/migrate.h"
#include "tests/database.h"

SUITE("life")

enum { LIFE_FILE_BYTES = 24 * 1024 * 1024, LIFE_WRITERS = 6, LIFE_WRITES_MAX = 4000, LIFE_ARENA = 8 * 1024 * 1024 };

static struct raw_answer answer;

/* ---- stopping ---- */

TEST(a_graceful_stop_finishes_a_running_download_and_takes_no_more_connections)
{
	struct served served;
	struct raw raw, late;
	static char part[256 * 1024];
	int64_t got = 0, wrong = 0, head = 0;
	CHECK_OR_RETURN(served_node(false) != NULL && served_file(LIFE_FILE_BYTES) != NULL);
	CHECK_OR_RETURN(served_start(&served, NULL));
	CHECK_OR_RETURN(raw_open(&raw, served.port));
	CHECK(raw_send(&raw, "GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"));
	bool stopped = false;
	for (int turn = 0; turn < 1000; turn++) {
		ssize_t n = recv(raw.fd, part, sizeof part, 0);
		if (n <= 0)
			break;
		char *body = part;
		if (head == 0) {
			char *end = memmem(part, (size_t)n, "\r\n\r\n", 4);
			CHECK_OR_RETURN(end != NULL);
			head = end + 4 - part;
			body += head;
			n -= head;
		}
		for (ssize_t i = 0; i < n; i++)
			wrong += body[i] != served_file_byte(got + i);
		got += n;
		if (!stopped && got > 1024 * 1024) {
			kill(served.pid, SIGTERM);
			poll(NULL, 0, 100);
			stopped = true;
			CHECK(!raw_open(&late, served.port));
			raw_close(&late);
		}
		poll(NULL, 0, 3);
	}
	CHECK(stopped);
	CHECK_INT(got, LIFE_FILE_BYTES);
	CHECK_INT(wrong, 0);
	raw_close(&raw);
	CHECK_INT(served_wait(&served, 3000), 0);
}

TEST(a_graceful_stop_answers_what_lanes_and_queue_hold)
{
	struct served served;
	struct raw raws[4];
	CHECK_OR_RETURN(served_node(false) != NULL);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.lanes", "1", NULL}));
	for (int i = 0; i < 4; i++)
		CHECK(raw_open(&raws[i], served.port) &&
			raw_send(&raws[i], "GET /test/slow?ms=120 HTTP/1.1\r\nHost: x\r\n\r\n"));
	poll(NULL, 0, 60);
	kill(served.pid, SIGINT);
	for (int i = 0; i < 4; i++) {
		char header[256];
		CHECK(raw_answer(&raws[i], &answer, false));
		CHECK_INT(answer.status, 200);
		if (i == 3)
			CHECK_TEXT(raw_header(&answer, "connection", header), "close");
		raw_close(&raws[i]);
	}
	CHECK_INT(served_wait(&served, 3000), 0);
}

/* ---- the database goes away ---- */

struct writer {
	pthread_t thread;
	const char *url, *tag;
	atomic_bool *end;
	size_t acknowledged, refused, odd;
	int64_t last_ms; /* of the latest acknowledgement */
	struct account_key keys[LIFE_WRITES_MAX];
};

static void *write_accounts(void *context)
{
	struct writer *writer = context;
	struct wn_arena arena;
	struct wn_error err = {0};
	struct fetch *fetch;
	wn_arena_init(&arena, LIFE_ARENA);
	if (!fetch_open(&fetch, writer->url, NULL, &err))
		return NULL;
	while (!atomic_load(writer->end) && writer->acknowledged < LIFE_WRITES_MAX) {
		struct sign_key key;
		struct fetch_answer got;
		wn_arena_reset(&arena);
		sign_generate(&key);
		struct fetch_request request = {.method = "POST",
			.target = "/v1/accounts",
			.content_type = "application/json",
			.body = WN_SLICE("{\"roles\":[\"contributor\"]}"),
			.key = &key,
			.tag = writer->tag};
		if (!fetch_send(fetch, &arena, &request, &got, &err)) {
			writer->odd++;
			continue;
		}
		if (got.status == 201) {
			writer->keys[writer->acknowledged++] = key.public_key;
			writer->last_ms = clock_monotonic_ms();
		} else if (got.status == 503 && got.retry_after_s > 0) {
			writer->refused++;
			poll(NULL, 0, 5);
		} else {
			writer->odd++;
		}
	}
	fetch_close(fetch);
	wn_arena_free(&arena);
	return NULL;
}

/* Stops PostgreSQL at once, as a crash would. */
static bool cluster_crash(const struct cluster *cluster)
{
	char path[CLUSTER_PATH_MAX + 32];
	int pid = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
	FILE *file = fopen(path, "re");
	bool got = file && fscanf(file, "%d", &pid) == 1 && pid > 1;
	if (file)
		fclose(file);
	return CHECK(got) && CHECK(kill(pid, SIGQUIT) == 0);
}

static int64_t accounts_missing(struct writer *writers, int count)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	int64_t missing = 0;
	struct db *db = served_owner();
	if (!db)
		return -1;
	wn_arena_init(&arena, LIFE_ARENA);
	for (int w = 0; w < count; w++)
		for (size_t i = 0; i < writers[w].acknowledged; i++) {
			struct account account;
			bool found = false;
			wn_arena_reset(&arena);
			CHECK_OK(account_find(db, &arena, &writers[w].keys[i], &account, &found, &err), err);
			missing += !found;
		}
	wn_arena_free(&arena);
	db_close(db);
	return missing;
}

TEST(trap_5_a_database_that_crashes_under_load_costs_503s_and_no_acknowledged_write)
{
	static struct writer writers[LIFE_WRITERS];
	static struct cluster cluster;
	static atomic_bool end;
	struct served served;
	struct wn_error err = {0};
	struct db *db;
	char conninfo[CLUSTER_PATH_MAX + 64];
	bool started;
	CHECK_OK(test_cluster(&cluster, &err), err);
	CHECK_OK(cluster_up(&cluster, &started, &err), err);
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_owner", cluster.conninfo);
	bool migrated = db_open(&db, conninfo, &err) && migrate_up(db, NULL, &err);
	CHECK_OK(migrated, err);
	CHECK_OR_RETURN(migrated);
	db_close(db);
	const struct node *node = served_node_on(cluster.conninfo);
	CHECK_OR_RETURN(node != NULL);
	CHECK(served_seal());
	CHECK_OR_RETURN(served_start(&served, NULL));
	atomic_store(&end, false);
	for (int i = 0; i < LIFE_WRITERS; i++) {
		writers[i] = (struct writer){.url = served.url, .tag = node->network_tag, .end = &end};
		CHECK(pthread_create(&writers[i].thread, NULL, write_accounts, &writers[i]) == 0);
	}
	poll(NULL, 0, 500);
	CHECK(cluster_crash(&cluster));
	poll(NULL, 0, 300);
	CHECK(raw_ask(served.port, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", &answer));
	CHECK_INT(answer.status, 503);
	CHECK(memmem(answer.body, answer.body_bytes, "\"database\":\"away\"", 17) != NULL);
	CHECK(raw_ask(served.port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", &answer) && answer.status == 200);
	CHECK(raw_ask(served.port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", &answer) && answer.status == 200);
	CHECK(memmem(answer.body, answer.body_bytes, "\nwinnow_database_up 0\n", 22) != NULL);
	CHECK(raw_ask(served.port, "GET /v1/network HTTP/1.1\r\nHost: x\r\n\r\n", &answer) && answer.status == 503);
	CHECK(raw_problem(&answer, "db_down"));
	CHECK_OK(cluster_up(&cluster, &started, &err), err);
	int64_t back_ms = clock_monotonic_ms();
	poll(NULL, 0, 3000);
	atomic_store(&end, true);
	size_t acknowledged = 0, refused = 0, odd = 0, recovered = 0;
	for (int i = 0; i < LIFE_WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		acknowledged += writers[i].acknowledged;
		refused += writers[i].refused;
		odd += writers[i].odd;
		recovered += writers[i].last_ms > back_ms + 200;
	}
	CHECK(acknowledged > 0);
	CHECK(refused > 0);
	CHECK_INT(odd, 0);
	CHECK_INT(recovered, LIFE_WRITERS);
	CHECK_INT(accounts_missing(writers, LIFE_WRITERS), 0);
	CHECK_INT(served_stop(&served), 0);
	CHECK_OK(cluster_down(&cluster, &err), err);
}

/* ---- certificates ---- */

static bool certificate(const char *folder, const char *name)
{
	char key[NODE_PATH_MAX], cert[NODE_PATH_MAX], subject[64];
	int status = 0;
	snprintf(key, sizeof key, "%s/tls.key", folder);
	snprintf(cert, sizeof cert, "%s/tls.pem", folder);
	snprintf(subject, sizeof subject, "/CN=%s", name);
	pid_t child = fork();
	if (child == 0) {
		freopen("/dev/null", "w", stderr);
		execlp("openssl", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
			"ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", subject, "-addext",
			"subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert, (char *)NULL);
		_exit(127);
	}
	return CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The common name of the certificate that a handshake shows; "" when there is none within these versions. */
static const char *handshake(int port, int least, int most)
{
	static char name[64];
	struct raw raw;
	name[0] = '\0';
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(context, least);
	SSL_CTX_set_max_proto_version(context, most);
	SSL_CTX_set_security_level(context, 0);
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";
	SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
	if (raw_open(&raw, port)) {
		SSL *tls = SSL_new(context);
		SSL_set_fd(tls, raw.fd);
		if (SSL_connect(tls) == 1) {
			const unsigned char *chosen;
			unsigned bytes;
			X509 *shown = SSL_get1_peer_certificate(tls);
			X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
			X509_free(shown);
			SSL_get0_alpn_selected(tls, &chosen, &bytes);
			CHECK_INT(bytes, 0);
			SSL_shutdown(tls);
		}
		SSL_free(tls);
	}
	raw_close(&raw);
	SSL_CTX_free(context);
	return name;
}

TEST(tls_serves_1_2_and_1_3_and_takes_a_new_certificate_without_a_stop)
{
	char cert[NODE_PATH_MAX], key[NODE_PATH_MAX];
	struct served served;
	struct wn_arena arena;
	struct wn_error err = {0};
	struct fetch *fetch;
	struct fetch_answer got;
	const char *folder = test_folder();
	CHECK_OR_RETURN(folder && served_node(false) && certificate(folder, "first"));
	CHECK_OR_RETURN(served_file(LIFE_FILE_BYTES) != NULL);
	snprintf(cert, sizeof cert, "%s/tls.pem", folder);
	snprintf(key, sizeof key, "%s/tls.key", folder);
	CHECK_OR_RETURN(
		served_start(&served, (const char *const[]){"serve.tls_cert", cert, "serve.tls_key", key, NULL}));
	CHECK(strncmp(served.url, "https://127.0.0.1:", 18) == 0);
	CHECK_TEXT(handshake(served.port, TLS1_2_VERSION, TLS1_2_VERSION), "first");
	CHECK_TEXT(handshake(served.port, TLS1_3_VERSION, TLS1_3_VERSION), "first");
	CHECK_TEXT(handshake(served.port, TLS1_VERSION, TLS1_1_VERSION), "");

	/* A whole client that trusts this certificate: signed writes, and a large file. */
	struct sign_key signer;
	const struct node *node = served_node(false);
	wn_arena_init(&arena, LIFE_ARENA);
	setenv("SSL_CERT_FILE", cert, 1);
	sign_generate(&signer);
	CHECK_OK(fetch_open(&fetch, served.url, NULL, &err), err);
	struct fetch_request request = {.method = "POST",
		.target = "/v1/accounts",
		.content_type = "application/json",
		.body = WN_SLICE("{\"roles\":[\"lab\"]}"),
		.key = &signer,
		.tag = node->network_tag};
	CHECK_OK(fetch_send(fetch, &arena, &request, &got, &err), err);
	CHECK_INT(got.status, 201);
	FILE *file = tmpfile();
	int64_t bytes = 0, wrong = 0;
	CHECK_OK(fetch_file(fetch, "/test/file", fileno(file), LIFE_FILE_BYTES, &bytes, &err), err);
	CHECK_INT(bytes, LIFE_FILE_BYTES);
	rewind(file);
	for (int64_t i = 0; i < bytes; i++)
		wrong += getc_unlocked(file) != served_file_byte(i);
	CHECK_INT(wrong, 0);
	fclose(file);

	/* A broken renewal keeps the old one; a good one is used from the next connection on. */
	CHECK(truncate(cert, 10) == 0);
	kill(served.pid, SIGHUP);
	for (int i = 0; i < 200 && !served_logged(&served, "certificate_kept"); i++)
		poll(NULL, 0, 10);
	CHECK(served_logged(&served, "certificate_kept"));
	CHECK_TEXT(handshake(served.port, TLS1_2_VERSION, TLS1_3_VERSION), "first");
	CHECK(certificate(folder, "second"));
	kill(served.pid, SIGHUP);
	for (int i = 0; i < 200 && !served_logged(&served, "certificate_renewed"); i++)
		poll(NULL, 0, 10);
	poll(NULL, 0, 50);
	CHECK_TEXT(handshake(served.port, TLS1_2_VERSION, TLS1_3_VERSION), "second");
	fetch_close(fetch);
	unsetenv("SSL_CERT_FILE");
	wn_arena_free(&arena);
	CHECK_INT(served_stop(&served), 0);
}

/* A connection whose handshake is done; NULL after a failed check. */
static SSL *secured(SSL_CTX *context, struct raw *raw, int port)
{
	if (!CHECK(raw_open(raw, port)))
		return NULL;
	SSL *tls = SSL_new(context);
	SSL_set_fd(tls, raw->fd);
	if (CHECK(SSL_connect(tls) == 1))
		return tls;
	SSL_free(tls);
	return NULL;
}

static bool secured_send(SSL *tls, const char *text)
{
	return CHECK(SSL_write(tls, text, (int)strlen(text)) == (int)strlen(text));
}

TEST(slow_clients_behind_tls_are_told_and_cut_like_others)
{
	char cert[NODE_PATH_MAX], key[NODE_PATH_MAX], got[1024] = "";
	struct served served;
	struct raw writer, reader, plain;
	const char *folder = test_folder();
	CHECK_OR_RETURN(folder && served_node(false) && certificate(folder, "slow"));
	CHECK_OR_RETURN(served_file(LIFE_FILE_BYTES) != NULL);
	snprintf(cert, sizeof cert, "%s/tls.pem", folder);
	snprintf(key, sizeof key, "%s/tls.key", folder);
	CHECK_OR_RETURN(served_start(&served, (const char *const[]){"serve.tls_cert", cert, "serve.tls_key", key,
						      "serve.slow_ms", "500", "serve.slow_bytes_s", "16384", NULL}));
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *slow = secured(context, &writer, served.port), *still = secured(context, &reader, served.port);
	CHECK_OR_RETURN(slow && still);
	CHECK(secured_send(still, "GET /test/file HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(secured_send(slow, "POST /test/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc"));
	CHECK(SSL_read(slow, got, sizeof got - 1) > 0);
	CHECK(strncmp(got, "HTTP/1.1 408 Request Timeout\r\n", 30) == 0);
	CHECK(strstr(got, "\"type\":\"/problems/request_slow\"") != NULL);
	CHECK(SSL_read(slow, got, sizeof got - 1) <= 0);
	/* Nobody speaks in the clear here, and nobody is answered so. */
	CHECK(raw_open(&plain, served.port) && raw_send(&plain, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"));
	CHECK(!raw_answer(&plain, &answer, false));
	/* The reader took nothing; what the kernels had taken for it by then is far less than the file. */
	poll(NULL, 0, 1500);
	static char part[65536];
	int64_t read = 0;
	for (int n; (n = SSL_read(still, part, sizeof part)) > 0;)
		read += n;
	CHECK(read < LIFE_FILE_BYTES / 2);
	SSL_free(slow);
	SSL_free(still);
	SSL_CTX_free(context);
	raw_close(&writer);
	raw_close(&reader);
	raw_close(&plain);
	CHECK_INT(served_stop(&served), 0);
}

TEST(a_certificate_without_its_key_is_told_at_the_start)
{
	struct served served;
	char cert[NODE_PATH_MAX];
	const char *folder = test_folder();
	CHECK_OR_RETURN(folder && served_node(false) && certificate(folder, "alone"));
	snprintf(cert, sizeof cert, "%s/tls.pem", folder);
	CHECK(!served_start(&served, (const char *const[]){"serve.tls_cert", cert, NULL}));
	CHECK(served_logged(&served, "serve.tls_cert and serve.tls_key go together"));
	CHECK(!served_start(&served, (const char *const[]){"serve.tls_cert", cert, "serve.tls_key", "/nowhere", NULL}));
	CHECK(served_logged(&served, "/nowhere"));
}
