/* Signed ballots: one vote each, and twenty, against the same requests that are read, verified and answered but not
 * kept. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/journal.h"
#include "vote/ballot.h"
#include "vote/ballot_api.h"
#include "vote/commitment.h"
#include "web/node_api.h"

enum {
	VOTERS = 40,
	SEATS = 10,
	CONNECTIONS = 256,
	BIG = 20,
	SINGLES = 2000, /* requests a turn */
	BIGS = 200,
	TURNS = 7,
	SINGLE_ITEMS = (TURNS + 1) * SINGLES / SEATS,
	BIG_ITEMS = (TURNS + 1) * BIGS * BIG / SEATS,
	BIG_GROUP = VOTERS * BIG, /* items of which each voter gets one big ballot */
	ITEMS = SINGLE_ITEMS + BIG_ITEMS,
	BODY_MAX = 8192,
	PEER_ARENA = 65536
};

/* ---- the peer: the same work without a database ---- */

static bool peer_answer(struct exchange *exchange, const struct ballot *ballot, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice receipt, text;
	struct sha256 leaf;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "results");
	for (size_t i = 0; i < ballot->count; i++) {
		json_open_object(&answer, NULL);
		json_put_hex(&answer, "item_id", ballot->votes[i].key.item.bytes, ID_BYTES);
		json_put_integer(&answer, "round", ballot->votes[i].key.round);
		json_put_string(&answer, "result", "ok");
		json_close_object(&answer);
	}
	json_close_array(&answer);
	sha256_of(exchange->request.body.data, exchange->request.body.bytes, &leaf);
	if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, &leaf,
		    exchange->now_ms, &receipt, err))
		return false;
	json_put_raw(&answer, "receipt", receipt);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool peer_post(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	bool answered;
	struct ballot *ballot = wn_arena_alloc(exchange->arena, sizeof *ballot);
	if (!ballot)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
	if (!httpsig_verify(exchange->arena, &exchange->request, exchange->node->network_tag, exchange->now_ms,
		    &exchange->signature, err))
		return false;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	return ballot_parse(body, ballot, err) && peer_answer(exchange, ballot, err);
}

static const struct route peer_routes[] = {
	{.method = "POST",
		.pattern = "/bench/lane",
		.body_max = 32768,
		.handle = peer_post,
		.needs = ROUTE_LANE,
		.summary = "verified and answered on a lane"},
	{.method = "POST",
		.pattern = "/bench/loop",
		.body_max = 32768,
		.handle = peer_post,
		.needs = ROUTE_NOTHING,
		.summary = "verified and answered on the loop"},
	{.method = NULL},
};

/* ---- the votes ---- */

static struct sign_key voters[VOTERS];

static void item_of(int n, struct item_id *out)
{
	char text[32];
	struct sha256 hash;
	int bytes = snprintf(text, sizeof text, "bench/%d", n);
	sha256_of(text, (size_t)bytes, &hash);
	memcpy(out->bytes, hash.bytes, ID_BYTES);
}

/* Seat s of an item belongs to this voter: ten neighbours, spread over the items. */
static int voter_of(int item, int seat)
{
	return (item + seat * (VOTERS / SEATS)) % VOTERS;
}

static bool ballots_prepare(struct bench_node *bench, struct wn_error *err)
{
	struct sign_key author;
	char hex[ID_HEX_ROOM];
	int64_t now_ms = clock_wall_ms();
	bench_key("author", 0, &author);
	if (!bench_campaign(bench,
		    "{\"name\":\"bench\",\"question\":\"Good?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},"
		    "{\"name\":\"yes\",\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":10,"
		    "\"escalate\":0},\"budget\":{\"seat_pay\":\"1000\"},\"probation\":false}",
		    err) ||
		!bench_account(bench, &author.public_key, ACCOUNT_CONTRIBUTOR, err) ||
		!bench_sql(bench, err, "CREATE TEMP TABLE voter (n integer PRIMARY KEY, key bytea)"))
		return false;
	for (int i = 0; i < VOTERS; i++) {
		bench_key("voter", i, &voters[i]);
		hex_write(hex, voters[i].public_key.bytes, ID_BYTES);
		if (!bench_account(bench, &voters[i].public_key, ACCOUNT_VALIDATOR, err) ||
			!bench_sql(bench, err, "INSERT INTO voter VALUES (%d, '\\x%s')", i, hex))
			return false;
	}
	hex_write(hex, author.public_key.bytes, ID_BYTES);
	return bench_sql(bench, err,
		       "INSERT INTO item (item_id, campaign, contributor, state, kind, source, source_id, canonical, "
		       "salt, content, arrived_ms) SELECT sha256(('bench/' || n)::bytea), 'bench', '\\x%s', 3, 0, "
		       "'bench', n::text, convert_to(repeat('words of a post ', 20), 'UTF8'), "
		       "sha256(n::text::bytea), repeat('words of a post ', 16), %lld FROM generate_series(0, %d) n",
		       hex, (long long)now_ms, ITEMS - 1) &&
	       bench_sql(bench, err,
		       "INSERT INTO round (item_id, round, campaign, kind, seats, taken, opened_ms, commit_until_ms) "
		       "SELECT item_id, 1, 'bench', 0, %d, %d, %lld, %lld FROM item",
		       SEATS, SEATS, (long long)now_ms, (long long)now_ms + 86400000) &&
	       bench_sql(bench, err,
		       "INSERT INTO seat (item_id, round, voter, lease_until_ms) SELECT sha256(('bench/' || "
		       "g)::bytea), "
		       "1, v.key, %lld FROM generate_series(0, %d) g, generate_series(0, %d) s JOIN voter v ON "
		       "true WHERE v.n = (g + s * %d) %% %d",
		       (long long)now_ms + 86400000, ITEMS - 1, SEATS - 1, VOTERS / SEATS, VOTERS) &&
	       bench_sql(bench, err,
		       "INSERT INTO lease (item_id, round, voter, lease_until_ms) SELECT item_id, round, voter, "
		       "lease_until_ms FROM seat") &&
	       bench_sql(bench, err, "VACUUM ANALYZE");
}

static size_t vote_write(const struct bench_node *bench, char *text, size_t room, int item, int voter)
{
	struct item_id id;
	struct salt salt = {{1}};
	struct sha256 commitment;
	char item_hex[ID_HEX_ROOM], commitment_hex[ID_HEX_ROOM];
	item_of(item, &id);
	vote_commitment(&bench->node.network, &id, 1, &voters[voter].public_key, 1, &salt, &commitment);
	return (size_t)snprintf(text, room, "{\"item_id\":\"%s\",\"round\":1,\"sequence\":1,\"commitment\":\"%s\"},",
		hex_write(item_hex, id.bytes, ID_BYTES), hex_write(commitment_hex, commitment.bytes, ID_BYTES));
}

/* `count` votes of one voter on items that lie VOTERS apart, so that he has seat `seat` of each. */
static bool ballot_write(const struct bench_node *bench, int first, int seat, int count, const char *target,
	struct wn_slice *out, struct wn_error *err)
{
	char body[BODY_MAX];
	int voter = voter_of(first, seat);
	size_t bytes = (size_t)snprintf(body, sizeof body, "{\"phase\":\"commit\",\"votes\":[");
	for (int i = 0; i < count; i++)
		bytes += vote_write(bench, body + bytes, sizeof body - bytes, first + i * VOTERS, voter);
	bytes += (size_t)snprintf(body + bytes - 1, sizeof body - bytes, "]}") - 1;
	return bench_request(
		bench, target, "application/json", (struct wn_slice){body, bytes}, &voters[voter], out, err);
}

/* ---- turns ---- */

struct phase {
	struct wn_slice requests[SINGLES];
	size_t count;
	int votes;
};

static void phase_free(struct phase *phase)
{
	for (size_t i = 0; i < phase->count; i++)
		free((char *)phase->requests[i].data);
	phase->count = 0;
}

/* Neighbouring requests are about different items, as those of voters who work at the same time. */
static bool singles_make(
	const struct bench_node *bench, int turn, const char *target, struct phase *out, struct wn_error *err)
{
	out->votes = SINGLES;
	for (int i = turn * SINGLES; i < (turn + 1) * SINGLES; i++)
		if (!ballot_write(
			    bench, i % SINGLE_ITEMS, i / SINGLE_ITEMS, 1, target, &out->requests[out->count++], err))
			return false;
	return true;
}

static bool bigs_make(
	const struct bench_node *bench, int turn, const char *target, struct phase *out, struct wn_error *err)
{
	enum { A_SEAT = BIG_ITEMS / BIG };
	out->votes = BIGS * BIG;
	for (int i = turn * BIGS; i < (turn + 1) * BIGS; i++) {
		int first = SINGLE_ITEMS + i % A_SEAT / VOTERS * BIG_GROUP + i % VOTERS;
		if (!ballot_write(bench, first, i / A_SEAT, BIG, target, &out->requests[out->count++], err))
			return false;
	}
	return true;
}

typedef bool phase_make(
	const struct bench_node *bench, int turn, const char *target, struct phase *out, struct wn_error *err);

struct cost {
	double all_us, server_us; /* CPU a vote */
	double rate;		  /* votes a second by the wall */
};

static bool phase_run(struct bench_node *bench, struct load *load, phase_make *make, int turn, const char *target,
	struct cost *out, struct wn_error *err)
{
	static struct phase phase;
	struct load_result result;
	bool done = make(bench, turn, target, &phase, err);
	int64_t server = bench_cpu_of(bench->server), database = bench_cpu_of_cluster(&bench->cluster);
	done = done && load_run(load, phase.requests, phase.count, "\"ok\"", &result, err);
	server = bench_cpu_of(bench->server) - server;
	database = bench_cpu_of_cluster(&bench->cluster) - database;
	if (done && result.good != (size_t)phase.votes)
		done = wn_fail(err, WN_DOWN, "bench_votes", "%zu of %d votes counted", result.good, phase.votes);
	if (done)
		*out = (struct cost){(double)(server + database) / phase.votes / 1e3,
			(double)server / phase.votes / 1e3, phase.votes / result.seconds};
	phase_free(&phase);
	return done;
}

static bool ballots_turns(struct bench_node *bench, struct load *load, struct wn_error *err)
{
	struct bench_series on_lane = {.name = "single votes, kept",
		.unit = "votes/cpu s",
		.peer = "the same handler without the database",
		.least = 0.6};
	struct bench_series on_loop = {.name = "single votes, kept (floor)",
		.unit = "votes/cpu s",
		.peer = "the same on the loop, no thread changed"};
	struct bench_series big = {
		.name = "votes in ballots of 20", .unit = "votes/cpu s", .peer = "single votes", .least = 5};
	struct cost single, twenty, lane, loop;
	/* Turn 0 warms caches, plans and connections; it is not counted. */
	for (int turn = 0; turn <= TURNS; turn++) {
		if (!phase_run(bench, load, singles_make, turn, "/bench/lane", &lane, err) ||
			!phase_run(bench, load, singles_make, turn, "/v1/ballots", &single, err) ||
			!phase_run(bench, load, singles_make, turn, "/bench/loop", &loop, err) ||
			!phase_run(bench, load, bigs_make, turn, "/v1/ballots", &twenty, err))
			return false;
		if (turn == 0)
			continue;
		bench_turn(&on_lane, 1e6 / single.all_us, 1e6 / lane.all_us);
		bench_turn(&on_loop, 1e6 / single.all_us, 1e6 / loop.all_us);
		bench_turn(&big, 1e6 / twenty.all_us, 1e6 / single.all_us);
	}
	bench_report(&on_lane);
	bench_report(&on_loop);
	bench_report(&big);
	bench_note(
		"single vote: %.0f us of the server, %.0f us of PostgreSQL; without it %.0f us (lane), %.0f us (loop)",
		single.server_us, single.all_us - single.server_us, lane.server_us, loop.server_us);
	bench_note(
		"a vote of twenty: %.1f us of the server, %.1f us of PostgreSQL; by the wall %.0f single, %.0f votes/s",
		twenty.server_us, twenty.all_us - twenty.server_us, single.rate, twenty.rate);
	return true;
}

bool bench_ballots(struct wn_error *err)
{
	static const struct route *const routes[] = {node_routes, ballot_routes, peer_routes, NULL};
	struct bench_node bench;
	struct load *load = NULL;
	int64_t kept;
	bool done = bench_node_open(&bench, err) && ballots_prepare(&bench, err) &&
		    bench_server_start(&bench, routes, err) && load_open(&load, bench.port, CONNECTIONS, err) &&
		    ballots_turns(&bench, load, err) &&
		    bench_number(&bench, &kept, err, "SELECT count(*) FROM vote_commit");
	load_close(load);
	bench_node_close(&bench);
	if (done && kept != (TURNS + 1) * (SINGLES + BIGS * BIG))
		done = wn_fail(err, WN_DOWN, "bench_votes", "%lld votes are stored", (long long)kept);
	return done;
}
