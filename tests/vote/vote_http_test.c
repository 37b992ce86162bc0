/* The validators' side over HTTP: a real server, the real client, sealed checkpoints between commit and reveal. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/log.h"
#include "tests/check.h"
#include "tests/vote/village.h"
#include "vote/ballot_api.h"
#include "vote/campaign_api.h"
#include "vote/item_api.h"
#include "vote/seat_api.h"
#include "vote/vote_client.h"
#include "web/account_api.h"
#include "web/node_api.h"
#include "web/server.h"

SUITE("vote over http")

#define FISH                                                                                                           \
	"{\"name\":\"fish\",\"question\":\"Is there a "                                                                \
	"fish?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                             \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":3,\"escalate\":0},\"budget\":{"   \
	"\"seat_pay\":\"1000\"},"                                                                                      \
	"\"probation\":false}"

#define BIRD                                                                                                           \
	"{\"name\":\"bird\",\"question\":\"Is there a "                                                                \
	"bird?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                             \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"seats\":3,\"escalate\":0,\"lease_ms\":600000},"         \
	"\"budget\":{\"seat_pay\":\"1000\"},\"probation\":false}"

enum { WAIT_MS = 20000, VALIDATORS = 3, POSTS = 5 };

static struct village village;
static struct wn_arena arena;
static pid_t server;
static char url[128];
static const struct option *const tables[] = {node_options, web_options, NULL};

static struct options *options_make(void)
{
	struct options *options = options_open(tables);
	struct wn_error err = {0};
	CHECK_OK(option_set(options, "node.state", village.node.state_dir, &err) &&
			 option_set(options, "serve.port", "0", &err) &&
			 option_set(options, "serve.lanes", "4", &err) &&
			 option_set(options, "serve.threads", "1", &err),
		err);
	return options;
}

static void server_child(pid_t parent) __attribute__((noreturn));
static void server_child(pid_t parent)
{
	static const struct route *const routes[] = {
		node_routes, account_routes, campaign_routes, item_routes, seat_routes, ballot_routes, NULL};
	static struct node node;
	char path[NODE_PATH_MAX];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	int log = open(node_path(&village.node, path, "serve.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(log, 2);
	log_start("serve", LOG_INFO);
	node = village.node;
	node.options = options_make();
	_exit(server_run(&node, routes));
}

/* The server writes its address when it listens. */
static bool server_start(void)
{
	char path[NODE_PATH_MAX];
	fflush(NULL);
	pid_t parent = getpid();
	server = fork();
	if (server == 0)
		server_child(parent);
	int64_t deadline_ms = clock_monotonic_ms() + WAIT_MS;
	while (clock_monotonic_ms() < deadline_ms && waitpid(server, NULL, WNOHANG) == 0) {
		FILE *file = fopen(node_path(&village.node, path, "run/serve.address"), "re");
		bool got = file && fgets(url, sizeof url, file);
		if (file)
			fclose(file);
		url[strcspn(url, "\n")] = '\0';
		if (got && strrchr(url, ':'))
			return true;
		poll(NULL, 0, 5);
	}
	return check_true(false, "the server starts", __FILE__, __LINE__);
}

static void server_stop(void)
{
	int status = -1;
	kill(server, SIGTERM);
	CHECK_INT(waitpid(server, &status, 0), server);
	CHECK_INT(status, 0);
}

/* Numbers the journal and signs a checkpoint, as the role seal does. */
static void seal(void)
{
	struct wn_error err = {0};
	struct db *db = NULL;
	size_t numbered = 1;
	bool written, ok = node_connect(&village.node, "winnow_seal", &db, &err);
	while (ok && numbered > 0)
		ok = journal_sequence(db, &arena, &numbered, &err);
	ok = ok && journal_checkpoint(db, &arena, &village.node.network, &village.node.checkpoint_key, VILLAGE_START_MS,
			   &written, &err);
	CHECK_OK(ok, err);
	db_close(db);
}

static bool clients_make(struct fetch *fetch, const struct node_view *view, struct key_file keys[VALIDATORS],
	struct vote_client clients[VALIDATORS])
{
	for (int i = 0; i < VALIDATORS; i++) {
		keys[i].key = village.voters[i];
		memset(keys[i].vote_seed, i + 1, sizeof keys[i].vote_seed);
		clients[i] = (struct vote_client){
			.fetch = fetch, .view = view, .keys = &keys[i], .now_ms = village_now(&village)};
	}
	return true;
}

/* Seals for everybody; returns how many votes counted. */
static size_t everybody_commits(struct vote_client clients[VALIDATORS], struct vote_cast casts[VALIDATORS][POSTS])
{
	struct wn_error err = {0};
	size_t counted, all = 0;
	for (int i = 0; i < VALIDATORS; i++) {
		struct seat_taken *seats;
		size_t taken = 0;
		CHECK_OK(vote_client_take(&clients[i], &arena, "fish", NULL, POSTS, &seats, &taken, &err), err);
		CHECK_INT(taken, POSTS);
		for (size_t s = 0; s < taken; s++) {
			CHECK(seats[s].content.bytes > 4);
			casts[i][s] = (struct vote_cast){.key = seats[s].key, .sequence = 1, .choice = 1};
		}
		CHECK_OK(vote_client_commit(&clients[i], &arena, casts[i], taken, &counted, &err), err);
		all += counted;
		/* The same again changes nothing and counts as done. */
		CHECK_OK(vote_client_commit(&clients[i], &arena, casts[i], taken, &counted, &err), err);
		CHECK_INT(counted, taken);
	}
	return all;
}

TEST(validators_take_seats_seal_check_the_checkpoint_and_open)
{
	struct wn_error err = {0};
	struct fetch *fetch = NULL;
	struct node_view view;
	struct key_file keys[VALIDATORS];
	struct vote_client clients[VALIDATORS];
	struct vote_cast casts[VALIDATORS][POSTS];
	size_t counted;
	wn_arena_init(&arena, 1 << 28);
	CHECK_OR_RETURN(village_open(&village, FISH, VALIDATORS, 0));
	for (int n = 0; n < POSTS; n++)
		village_item(&village, n);
	village_settle(&village);
	CHECK_OR_RETURN(server_start());
	CHECK_OK(fetch_open(&fetch, url, NULL, &err) && node_view_read(fetch, &arena, &view, &err), err);
	CHECK(view.clock_manual);
	clients_make(fetch, &view, keys, clients);
	struct closed_rounds *closed = closed_rounds_open();

	CHECK_INT(everybody_commits(clients, casts), VALIDATORS * POSTS);
	CHECK(!vote_client_check_closed(&clients[0], closed, &casts[0][0], &err));
	CHECK_TEXT(err.code, "round_not_closed");
	village_settle(&village);
	CHECK(!vote_client_check_closed(&clients[0], closed, &casts[0][0], &err));
	CHECK_TEXT(err.code, "checkpoint_behind");
	/* Who verified nothing, or nothing that holds the round's end, opens nothing. */
	CHECK(!vote_client_reveal(&clients[0], &arena, closed, casts[0], POSTS, &counted, &err));
	CHECK_TEXT(err.code, "checkpoint_malformed");
	seal();
	wn_error_reset(&err);
	for (int i = 0; i < VALIDATORS; i++) {
		for (int n = 0; n < POSTS; n++)
			CHECK_OK(vote_client_check_closed(&clients[i], closed, &casts[i][n], &err), err);
		CHECK_OK(vote_client_reveal(&clients[i], &arena, closed, casts[i], POSTS, &counted, &err), err);
		CHECK_INT(counted, POSTS);
	}
	village_settle(&village);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM item WHERE state = 4"), POSTS);
	/* Who sealed something else than is shown is told not to reveal. */
	casts[0][0].choice = 0;
	CHECK(!vote_client_check_closed(&clients[0], closed, &casts[0][0], &err));
	CHECK_TEXT(err.code, "commitment_missing");
	closed_rounds_close(closed);
	fetch_close(fetch);
	server_stop();
	village_close(&village);
	wn_arena_free(&arena);
}

static const char *result_of(const struct json *answer, size_t i)
{
	const struct json *results = json_get(answer, "results");
	return results && i < results->count ? json_member_string(results->elements[i], "result", "") : "";
}

TEST(a_ballot_is_answered_vote_by_vote_with_a_receipt_for_what_counted)
{
	struct wn_error err = {0};
	struct fetch *fetch = NULL;
	struct node_view view;
	struct key_file keys[VALIDATORS];
	struct vote_client clients[VALIDATORS];
	const struct json *answer;
	struct ballot_vote vote;
	char item[2][ID_HEX_ROOM], commitment[ID_HEX_ROOM], body[2048];
	wn_arena_init(&arena, 1 << 28);
	CHECK_OR_RETURN(village_open(&village, FISH, VALIDATORS, 0));
	village_item(&village, 0);
	village_item(&village, 1);
	village_settle(&village);
	CHECK(village_seat(&village, 0, 0, 1));
	CHECK_OR_RETURN(server_start());
	CHECK_OK(fetch_open(&fetch, url, NULL, &err) && node_view_read(fetch, &arena, &view, &err), err);
	clients_make(fetch, &view, keys, clients);
	for (int n = 0; n < 2; n++) {
		village_vote(&village, 0, n, 1, 1, 1, &vote);
		hex_write(item[n], vote.key.item.bytes, ID_BYTES);
	}
	hex_write(commitment, vote.commitment.bytes, ID_BYTES);
	snprintf(body, sizeof body,
		"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"%s\",\"round\":1,\"sequence\":1,\"commitment\":\"%s\"}"
		","
		"{\"item_id\":\"%s\",\"round\":1,\"sequence\":1,\"commitment\":\"%s\"}]}",
		item[0], commitment, item[1], commitment);
	for (int again = 0; again < 3; again++) {
		/* The first time it counts; the same key again brings the same answer; without it nothing happens
		 * twice. */
		CHECK_OK(vote_client_send(&clients[0], &arena, "POST", "/v1/ballots", wn_slice_of(body),
				 again < 2 ? "first ballot" : NULL, &answer, &err),
			err);
		CHECK_TEXT(result_of(answer, 0), again < 2 ? "ok" : "repeated");
		CHECK_TEXT(result_of(answer, 1), "no_seat");
		const struct json *receipt = json_get(answer, "receipt");
		CHECK_INT(receipt != NULL, again < 2);
		if (receipt)
			CHECK_OK(receipt_check(receipt, &view.network, &view.checkpoint_key, &err), err);
	}
	CHECK_INT(village_number(&village, "SELECT count(*) FROM ballot"), 1);
	/* The receipt names an entry of the journal, which holds the evidence's hashes. */
	CHECK_INT(village_number(&village, "SELECT count(*) FROM journal_entry j JOIN ballot b ON convert_from(j.body, "
					   "'UTF8')::json->>'body_sha256' = "
					   "encode(sha256(b.body), 'hex') AND convert_from(j.body, "
					   "'UTF8')::json->>'base_sha256' = encode(b.ballot_id, 'hex')"),
		1);
	/* A request for tasks that carries no name of its own could be sent once more by whoever captured it. */
	CHECK(!vote_client_send(&clients[1], &arena, "POST", "/v1/seats",
		WN_SLICE("{\"campaign\":\"fish\",\"count\":1}"), NULL, &answer, &err));
	CHECK_TEXT(err.code, "idempotency_missing");
	wn_error_reset(&err);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM seat"), 1);
	/* Who lost the answer to a request for tasks gets the same ones under the same key, and no others. */
	for (int again = 0; again < 2; again++) {
		CHECK_OK(vote_client_send(&clients[1], &arena, "POST", "/v1/seats",
				 WN_SLICE("{\"campaign\":\"fish\",\"count\":1}"), "first task", &answer, &err),
			err);
		CHECK(json_get(answer, "seats") && json_get(answer, "seats")->count == 1);
		CHECK_INT(village_number(&village, "SELECT count(*) FROM seat"), 2);
	}
	char target[128];
	const struct json *seat = json_get(answer, "seats")->elements[0];
	snprintf(target, sizeof target, "/v1/seats/%s", json_member_string(seat, "item_id", ""));
	for (int again = 0; again < 2; again++) {
		CHECK_OK(vote_client_send(&clients[1], &arena, "DELETE", target, (struct wn_slice){0}, "first skip",
				 &answer, &err),
			err);
		CHECK_TEXT(json_member_string(answer, "state", ""), "skipped");
	}
	CHECK_INT(village_number(&village, "SELECT count(*) FROM ledger_transfer WHERE cause = 'seat/left'"), 1);
	CHECK(!vote_client_send(&clients[0], &arena, "POST", "/v1/ballots",
		WN_SLICE("{\"phase\":\"commit\",\"votes\":[]}"), NULL, &answer, &err));
	CHECK_TEXT(err.code, "ballot_votes");
	fetch_close(fetch);
	server_stop();
	village_close(&village);
	wn_arena_free(&arena);
}

static size_t takes(struct vote_client *client, size_t wanted, struct seat_taken **seats, struct wn_error *err)
{
	size_t taken = 0;
	wn_error_reset(err);
	return vote_client_take(client, &arena, "bird", NULL, wanted, seats, &taken, err) ? taken : 0;
}

/* Time passes, for the node and for whoever signs. */
static void pass(struct vote_client *client, int64_t by_ms)
{
	village_advance(&village, by_ms);
	village_settle(&village);
	client->now_ms = village_now(&village);
}

TEST(a_task_that_lapses_counts_as_skipped_until_a_day_of_pay_rounds_has_passed)
{
	struct wn_error err = {0};
	struct fetch *fetch = NULL;
	struct node_view view;
	struct key_file keys[VALIDATORS];
	struct vote_client clients[VALIDATORS], *client = &clients[0];
	struct seat_taken *seats;
	wn_arena_init(&arena, 1 << 28);
	CHECK_OR_RETURN(village_open(&village, BIRD, VALIDATORS, 0));
	for (int n = 0; n < POSTS; n++)
		village_item(&village, n);
	village_settle(&village);
	CHECK_OR_RETURN(server_start());
	CHECK_OK(fetch_open(&fetch, url, NULL, &err) && node_view_read(fetch, &arena, &view, &err), err);
	clients_make(fetch, &view, keys, clients);

	CHECK_INT(takes(client, 2, &seats, &err), 2);
	pass(client, 600000);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM seat WHERE state = 4"), 2);
	/* Two of the twenty that whoever took fewer counts as having taken: within the limit, and all of it. */
	CHECK_INT(takes(client, 1, &seats, &err), 1);
	CHECK(!vote_client_skip(client, &arena, &seats[0].key.item, &err));
	CHECK_TEXT(err.code, "skips_used");
	CHECK_INT(village_number(&village, "SELECT count(*) FROM seat WHERE state = 3"), 0);
	pass(client, 600000);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM seat WHERE state = 4"), 3);
	CHECK_INT(takes(client, 1, &seats, &err), 0);
	CHECK_TEXT(err.code, "skips_used");
	/* Nobody else is kept from what was left. */
	clients[1].now_ms = client->now_ms;
	CHECK_INT(takes(&clients[1], POSTS, &seats, &err), POSTS);
	/* The first two are forgotten a day of pay rounds after their time was over. */
	pass(client, 24 * VILLAGE_EPOCH_MS - 600000);
	for (int n = POSTS; n < 2 * POSTS; n++)
		village_item(&village, n);
	village_settle(&village);
	CHECK_INT(takes(client, 1, &seats, &err), 1);
	fetch_close(fetch);
	server_stop();
	village_close(&village);
	wn_arena_free(&arena);
}

TEST(a_lease_ends_with_the_commit_phase_of_its_round)
{
	CHECK_OR_RETURN(village_open(&village, BIRD, VALIDATORS, 0));
	village_item(&village, 0);
	village_settle(&village);
	int64_t until = village_number(&village, "SELECT commit_until_ms FROM round");
	village_advance(&village, until - village_now(&village) - 1000);
	CHECK(village_seat(&village, 0, 0, 1));
	CHECK_INT(village_number(&village, "SELECT lease_until_ms FROM seat"), until);
	village_close(&village);
}
