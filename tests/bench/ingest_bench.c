/* Items by signed NDJSON requests, durable and answered with receipts, against a binary COPY of all rows that they
 * left. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "ingest/submit_api.h"
#include "tests/check.h"
#include "web/node_api.h"

enum {
	CONTRIBUTORS = 4,
	CONNECTIONS = 4,
	BATCH = 1000, /* items a request */
	REQUESTS = 8, /* a turn */
	TURNS = BENCH_TURNS_MAX,
	WORDS = 44, /* of an item's text */
	BODY_MAX = 1 << 20
};

static struct sign_key contributors[CONTRIBUTORS];

/* ---- the rows of both sides ---- */

/* What a submission writes, in the order of its statements. */
static const struct {
	const char *table, *order;
} tables[] = {{"item", "seq"}, {"submission_evidence", "evidence_id"}, {"journal_entry", "entry_id"}};
enum { TABLES = sizeof tables / sizeof tables[0] };

/* The peer's tables are of the same make: columns, checks, indexes and foreign keys. */
static bool twins_make(struct bench_node *bench, struct wn_error *err)
{
	if (!bench_sql(bench, err, "CREATE SCHEMA twin"))
		return false;
	for (int i = 0; i < TABLES; i++)
		if (!bench_sql(bench, err, "CREATE TABLE twin.%s (LIKE public.%s INCLUDING ALL)", tables[i].table,
			    tables[i].table))
			return false;
	return bench_sql(bench, err,
		       "ALTER TABLE twin.item ADD FOREIGN KEY (campaign) REFERENCES campaign, "
		       "ADD FOREIGN KEY (contributor) REFERENCES account (key)") &&
	       bench_sql(bench, err, "INSERT INTO twin.journal_entry SELECT * FROM journal_entry");
}

static bool ingest_prepare(struct bench_node *bench, struct wn_error *err)
{
	if (!bench_campaign(bench,
		    "{\"name\":\"posts\",\"question\":\"Good?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},"
		    "{\"name\":\"yes\",\"verdict\":\"keep\"}]}",
		    err))
		return false;
	for (int i = 0; i < CONTRIBUTORS; i++) {
		bench_key("contributor", i, &contributors[i]);
		if (!bench_account(bench, &contributors[i].public_key, ACCOUNT_CONTRIBUTOR, err))
			return false;
	}
	return twins_make(bench, err) && bench_sql(bench, err, "VACUUM ANALYZE");
}

/* ---- ours ---- */

/* About 480 bytes, 250 of them text; words from a list, so that they compress as a language does. */
static size_t item_write(char *text, size_t room, int n)
{
	static const char *const words[] = {"river", "stone", "market", "light", "seven", "follow", "under", "paper",
		"window", "north", "quiet", "garden", "letter", "winter", "bridge", "salt", "morning", "copper",
		"distance", "early", "thread", "harbour", "simple", "ladder", "orange", "cloud", "measure", "field",
		"answer", "silver", "travel", "evening"};
	uint64_t random = (uint64_t)n + 1;
	size_t bytes = (size_t)snprintf(text, room,
		"{\"source\":\"mastodon\",\"source_id\":\"https://social.example/statuses/%d\",\"language\":\"en\","
		"\"published_ms\":%lld,\"tags\":[\"weather\",\"%s\"],\"content\":\"",
		n, 1700000000000LL + n, words[n % 32]);
	for (int i = 0; i < WORDS; i++)
		bytes += (size_t)snprintf(
			text + bytes, room - bytes, "%s%s", i ? " " : "", words[test_random(&random) % 32]);
	return bytes + (size_t)snprintf(text + bytes, room - bytes, " %d\"}\n", n);
}

static bool requests_make(
	const struct bench_node *bench, int turn, struct wn_slice out[REQUESTS], size_t *bytes, struct wn_error *err)
{
	static char body[BODY_MAX];
	*bytes = 0;
	for (int r = 0; r < REQUESTS; r++) {
		size_t used = 0;
		for (int i = 0; i < BATCH; i++)
			used += item_write(body + used, sizeof body - used, (turn * REQUESTS + r) * BATCH + i);
		if (!bench_request(bench, "/v1/campaigns/posts/items", "application/x-ndjson",
			    (struct wn_slice){body, used}, &contributors[r % CONTRIBUTORS], &out[r], err))
			return false;
		*bytes += used;
	}
	return true;
}

struct cost {
	double server_us, database_us; /* CPU a row */
	double rate;		       /* rows a second by the wall */
};

static bool ours_run(
	struct bench_node *bench, struct load *load, int turn, size_t *bytes, struct cost *out, struct wn_error *err)
{
	static struct wn_slice requests[REQUESTS];
	struct load_result result;
	bool done = requests_make(bench, turn, requests, bytes, err);
	int64_t server = bench_cpu_of(bench->server), database = bench_cpu_of_cluster(&bench->cluster);
	done = done && load_run(load, requests, REQUESTS, "\"state\":\"received\"", &result, err);
	server = bench_cpu_of(bench->server) - server;
	database = bench_cpu_of_cluster(&bench->cluster) - database;
	for (int r = 0; r < REQUESTS; r++) {
		free((char *)requests[r].data);
		requests[r] = (struct wn_slice){NULL, 0};
	}
	if (done && result.good != (size_t)REQUESTS * BATCH)
		done = wn_fail(
			err, WN_DOWN, "bench_items", "%zu of %d items were taken", result.good, REQUESTS * BATCH);
	if (done)
		*out = (struct cost){(double)server / (REQUESTS * BATCH) / 1e3,
			(double)database / (REQUESTS * BATCH) / 1e3, REQUESTS * BATCH / result.seconds};
	return done;
}

/* ---- the peer ---- */

static void file_name(const struct bench_node *bench, int table, int request, char *out, size_t room)
{
	snprintf(out, room, "%s/bench-%s-%d", bench->cluster.data_dir, tables[table].table, request);
}

/* What the turn wrote, a file for each request and table, in the order of its rows. */
static bool rows_dump(struct bench_node *bench, struct wn_error *err)
{
	char path[2 * CLUSTER_PATH_MAX];
	for (int r = 0; r < REQUESTS; r++)
		for (int t = 0; t < TABLES; t++) {
			file_name(bench, t, r, path, sizeof path);
			if (!bench_sql(bench, err,
				    "COPY (SELECT w.* FROM public.%s w LEFT JOIN twin.%s h USING (%s) WHERE h.%s IS "
				    "NULL "
				    "ORDER BY w.%s OFFSET %d LIMIT %d) TO '%s' (FORMAT binary)",
				    tables[t].table, tables[t].table, tables[t].order, tables[t].order, tables[t].order,
				    r * (t == 0 ? BATCH : 1), t == 0 ? BATCH : 1, path))
				return false;
		}
	return true;
}

static bool peer_run(struct bench_node *bench, struct cost *out, struct wn_error *err)
{
	char paths[TABLES][2 * CLUSTER_PATH_MAX];
	double begun = bench_seconds();
	int64_t database = bench_cpu_of_cluster(&bench->cluster);
	for (int r = 0; r < REQUESTS; r++) {
		if (!bench_sql(bench, err, "BEGIN"))
			return false;
		for (int t = 0; t < TABLES; t++) {
			file_name(bench, t, r, paths[t], sizeof paths[t]);
			if (!bench_sql(bench, err, "COPY twin.%s FROM '%s' (FORMAT binary)", tables[t].table, paths[t]))
				return false;
		}
		if (!bench_sql(bench, err, "COMMIT"))
			return false;
	}
	database = bench_cpu_of_cluster(&bench->cluster) - database;
	*out = (struct cost){.database_us = (double)database / (REQUESTS * BATCH) / 1e3,
		.rate = REQUESTS * BATCH / (bench_seconds() - begun)};
	return true;
}

/* Both sides hold the same rows. */
static bool sides_agree(struct bench_node *bench, struct wn_error *err)
{
	for (int t = 0; t < TABLES; t++) {
		int64_t rows, differences;
		if (!bench_number(bench, &rows, err, "SELECT count(*) FROM public.%s", tables[t].table) ||
			!bench_number(bench, &differences, err,
				"SELECT count(*) FROM public.%s w FULL JOIN twin.%s h USING (%s) WHERE w IS DISTINCT "
				"FROM h",
				tables[t].table, tables[t].table, tables[t].order))
			return false;
		if (differences != 0 || rows < (t == 0 ? BATCH : 1) * REQUESTS * (TURNS + 1))
			return wn_fail(err, WN_DOWN, "bench_rows", "%lld of %lld rows of %s differ",
				(long long)differences, (long long)rows, tables[t].table);
	}
	return true;
}

/* ---- turns ---- */

static bool ingest_turns(struct bench_node *bench, struct load *load, struct wn_error *err)
{
	struct bench_series rows = {.name = "items by signed NDJSON",
		.unit = "rows/cpu s",
		.peer = "binary COPY of all rows written",
		.least = 0.5};
	struct cost ours, peer;
	size_t bytes;
	/* Turn 0 warms caches, plans and connections; it is not counted. */
	for (int turn = 0; turn <= TURNS; turn++) {
		if (!ours_run(bench, load, turn, &bytes, &ours, err) || !rows_dump(bench, err) ||
			!peer_run(bench, &peer, err))
			return false;
		if (turn > 0)
			bench_turn(&rows, 1e6 / (ours.server_us + ours.database_us), 1e6 / peer.database_us);
	}
	bench_report(&rows);
	bench_note("an item of %zu bytes: %.1f us of the server, %.1f us of PostgreSQL; COPY %.1f us",
		bytes / REQUESTS / BATCH, ours.server_us, ours.database_us, peer.database_us);
	bench_note("by the wall: %.0f items/s over %d connections, %.0f rows/s by COPY", ours.rate, CONNECTIONS,
		peer.rate);
	return true;
}

bool bench_ingest(struct wn_error *err)
{
	static const struct route *const routes[] = {node_routes, ingest_routes, NULL};
	struct bench_node bench;
	struct load *load = NULL;
	bool done = bench_node_open(&bench, err) && ingest_prepare(&bench, err) &&
		    bench_server_start(&bench, routes, err) && load_open(&load, bench.port, CONNECTIONS, err) &&
		    ingest_turns(&bench, load, err) && sides_agree(&bench, err);
	load_close(load);
	bench_node_close(&bench);
	return done;
}
