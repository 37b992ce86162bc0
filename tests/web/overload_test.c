/* Far more signed writes than the node can take: each is stored once or refused with a time to wait, and it ends well.
 */
#include "tests/web/served.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/db.h"
#include "core/httpsig.h"

SUITE("overload")

enum {
	LOAD_CONNECTIONS = 120, /* each asks again as soon as it is answered, whatever it was told */
	LOAD_ADDRESSES = 6,
	LOAD_QUEUE = 32,
	LOAD_REQUESTS = 60000,
	LOAD_TIME_MS = 2500,
	LOAD_TURN_MS = 100,
	LOAD_ANSWER_MAX = 8192,
	LOAD_RECOVERY_MS = 5000,
};

struct client {
	int fd;
	int request; /* that it waits for; -1: none */
	char answer[LOAD_ANSWER_MAX];
	size_t bytes;
};

struct overload {
	const struct node *node;
	struct served served;
	struct wn_arena arena;
	char authority[64];
	int epoll;
	struct client clients[LOAD_CONNECTIONS];
	int made;				 /* requests so far */
	size_t stored, shed[2], odd, unanswered; /* 201; 429 and 503 as promised; anything else */
	int64_t queue_most;
};

/* Registers a key that nobody has seen. */
static bool register_write(struct overload *load, struct wn_slice *out)
{
	static const char body[] = "{\"roles\":[\"contributor\"]}";
	struct wn_error err = {0};
	struct sign_key key;
	struct httpsig_fields fields;
	struct http_header header = {WN_SLICE("content-type"), WN_SLICE("application/json")};
	struct http_request request = {
		.method = WN_SLICE("POST"),
		.authority = wn_slice_of(load->authority),
		.target = WN_SLICE("/v1/accounts"),
		.headers = &header,
		.header_count = 1,
		.body = WN_SLICE(body),
	};
	wn_arena_reset(&load->arena);
	sign_generate(&key);
	if (!check_true(httpsig_sign(&load->arena, &request, load->node->network_tag, clock_wall_ms() / 1000, &key,
				&fields, &err),
		    err.text, __FILE__, __LINE__))
		return false;
	char *text = wn_arena_printf(&load->arena,
		"POST /v1/accounts HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Digest: %.*s\r\n"
		"Signature-Input: %.*s\r\nSignature: %.*s\r\nContent-Length: %zu\r\n\r\n%s",
		load->authority, (int)fields.content_digest.bytes, fields.content_digest.data,
		(int)fields.signature_input.bytes, fields.signature_input.data, (int)fields.signature.bytes,
		fields.signature.data, sizeof body - 1, body);
	*out = wn_slice_of(text ? text : "");
	return CHECK(text != NULL);
}

static bool client_ask(struct overload *load, struct client *client)
{
	struct wn_slice text;
	if (!register_write(load, &text))
		return false;
	client->request = load->made++;
	client->bytes = 0;
	return CHECK(send(client->fd, text.data, text.bytes, MSG_NOSIGNAL) == (ssize_t)text.bytes);
}

static void answer_judge(struct overload *load, const char *answer)
{
	int status = 0;
	sscanf(answer, "HTTP/1.1 %d", &status);
	bool promised = strstr(answer, "\r\nRetry-After: ") && strstr(answer, "application/problem+json");
	if (status == 201)
		load->stored++;
	else if (status == 429 && promised && strstr(answer, "/problems/address_queue"))
		load->shed[0]++;
	else if (status == 503 && promised && strstr(answer, "/problems/queue_full"))
		load->shed[1]++;
	else if (load->odd++ < 3)
		printf("  odd: %.300s\n", answer);
}

/* True when the client has its whole answer. */
static bool client_read(struct overload *load, struct client *client)
{
	ssize_t got = recv(client->fd, client->answer + client->bytes, LOAD_ANSWER_MAX - 1 - client->bytes, 0);
	if (got <= 0) {
		load->unanswered++;
		client->request = -1;
		epoll_ctl(load->epoll, EPOLL_CTL_DEL, client->fd, NULL);
		return false;
	}
	client->bytes += (size_t)got;
	client->answer[client->bytes] = '\0';
	const char *end = strstr(client->answer, "\r\n\r\n"), *length = strstr(client->answer, "Content-Length: ");
	if (!end || !length)
		return false;
	size_t all = (size_t)(end - client->answer) + 4 + strtoul(length + 16, NULL, 10);
	if (client->bytes < all)
		return false;
	answer_judge(load, client->answer);
	client->request = -1;
	return true;
}

static bool clients_open(struct overload *load)
{
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < LOAD_CONNECTIONS; i++) {
		struct raw raw;
		struct client *client = &load->clients[i];
		if (!CHECK(raw_open_from(&raw, load->served.port, 10 + i % LOAD_ADDRESSES)))
			return false;
		free(raw.data);
		*client = (struct client){.fd = raw.fd, .request = -1};
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
		epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event);
	}
	return true;
}

/* Clients that know no patience, for a while; then what is under way is waited for. */
static void clients_rush(struct overload *load)
{
	int64_t begun_ms = clock_monotonic_ms(), looked_ms = begun_ms, until_ms = begun_ms + LOAD_TIME_MS;
	int waiting = 0;
	for (int i = 0; i < LOAD_CONNECTIONS; i++)
		waiting += client_ask(load, &load->clients[i]);
	while (waiting > 0 && clock_monotonic_ms() - begun_ms < LOAD_TIME_MS + 20000) {
		struct epoll_event events[LOAD_CONNECTIONS];
		int ready = epoll_wait(load->epoll, events, LOAD_CONNECTIONS, LOAD_TURN_MS);
		int64_t now_ms = clock_monotonic_ms();
		for (int i = 0; i < ready; i++) {
			struct client *client = events[i].data.ptr;
			bool whole = client_read(load, client);
			waiting -= client->request < 0;
			if (whole && now_ms < until_ms && load->made < LOAD_REQUESTS)
				waiting += client_ask(load, client);
		}
		if (now_ms - looked_ms < LOAD_TURN_MS)
			continue;
		looked_ms = now_ms;
		int64_t queued = served_metric(&load->served, "winnow_queue_length");
		load->queue_most = queued > load->queue_most ? queued : load->queue_most;
	}
	load->unanswered += (size_t)waiting;
}

static int64_t owner_number(struct db *db, const struct sql_statement *statement)
{
	struct wn_error err = {0};
	struct db_result *result = NULL;
	if (!check_true(db_query(db, statement, NULL, &result, &err), err.text, __FILE__, __LINE__))
		return -1;
	int64_t number = db_int64(result, 0, 0);
	db_done(result);
	return number;
}

static const struct sql_statement accounts_all = {"test_accounts", "SELECT count(*) FROM account", 0};
static const struct sql_statement entries_all = {
	"test_entries", "SELECT count(*) FROM journal_entry WHERE body LIKE '%\"type\":\"account\"%'::bytea", 0};

/* How long until a first try is answered with 201 again; -1: not in time. */
static int64_t recovery_ms(struct overload *load)
{
	static struct raw_answer answer;
	int64_t begun_ms = clock_monotonic_ms();
	while (clock_monotonic_ms() - begun_ms < LOAD_RECOVERY_MS) {
		struct wn_slice text;
		if (register_write(load, &text) && raw_ask(load->served.port, text.data, &answer) &&
			answer.status == 201) {
			load->stored++;
			return clock_monotonic_ms() - begun_ms;
		}
		poll(NULL, 0, 20);
	}
	return -1;
}

TEST(under_far_too_many_writes_each_is_stored_once_or_refused_with_a_time_to_wait)
{
	static struct overload load;
	memset(&load, 0, sizeof load);
	load.node = served_node(false);
	CHECK_OR_RETURN(load.node != NULL);
	struct db *db = served_owner();
	CHECK_OR_RETURN(db != NULL);
	int64_t accounts = owner_number(db, &accounts_all), entries = owner_number(db, &entries_all);
	CHECK_OR_RETURN(served_start(&load.served,
		(const char *const[]){"serve.lanes", "2", "serve.queue", "32", "serve.queue_per_address", "8", NULL}));
	snprintf(load.authority, sizeof load.authority, "127.0.0.1:%d", load.served.port);
	wn_arena_init(&load.arena, 1024 * 1024);
	CHECK_OR_RETURN(clients_open(&load));
	clients_rush(&load);
	CHECK(load.stored > 0);
	/* Refusals of both kinds: an address had its share of the queue, and the queue was full. How many depends on
	 * who is faster, the clients or the server. */
	CHECK(load.shed[0] > 0);
	CHECK(load.shed[1] > 0);
	CHECK_INT(load.odd, 0);
	CHECK_INT(load.unanswered, 0);
	CHECK(load.queue_most > 0);
	CHECK(load.queue_most <= LOAD_QUEUE);
	CHECK(recovery_ms(&load) >= 0);
	/* What was acknowledged is there, once; what was refused had no effect. */
	CHECK_INT(owner_number(db, &accounts_all) - accounts, (int64_t)load.stored);
	CHECK_INT(owner_number(db, &entries_all) - entries, (int64_t)load.stored);
	CHECK_INT(served_metric(&load.served, "winnow_queue_length"), 0);
	for (int i = 0; i < LOAD_CONNECTIONS; i++)
		close(load.clients[i].fd);
	close(load.epoll);
	wn_arena_free(&load.arena);
	db_close(db);
	CHECK_INT(served_stop(&load.served), 0);
}
