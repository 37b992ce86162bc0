/* The end and the close of an epoch with 100,000 votes, against the rows that they leave put in place by plain SQL. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/worker.h"
#include "vote/close_worker.h"

enum { TURNS = 5, SQL_FILE_MAX = 16384, CONNINFO_MAX = 2 * CLUSTER_PATH_MAX };

/* Databases are copies of one scene: `winnow` itself, and `plain`, which has what the close found out as well. */
static const char scene[] = "winnow", plain_scene[] = "plain", ours_copy[] = "turn_ours", plain_copy[] = "turn_plain";

/* ---- databases ---- */

static void conninfo_of(const struct bench_node *bench, const char *database, const char *role, char out[CONNINFO_MAX])
{
	snprintf(out, CONNINFO_MAX, "%s dbname=%s user=%s", bench->cluster.conninfo, database, role);
}

/* bench_sql() and bench_number() speak to this database from now on: a scene that is copied bears no connection. */
static bool owner_move(struct bench_node *bench, const char *database, struct wn_error *err)
{
	char conninfo[CONNINFO_MAX];
	db_close(bench->owner);
	bench->owner = NULL;
	conninfo_of(bench, database, "winnow_owner", conninfo);
	return db_open(&bench->owner, conninfo, err);
}

static bool database_copy(struct bench_node *bench, const char *from, const char *to, struct wn_error *err)
{
	return owner_move(bench, "postgres", err) &&
	       bench_sql(bench, err, "DROP DATABASE IF EXISTS %s WITH (FORCE)", to) &&
	       bench_sql(bench, err, "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", to, from) &&
	       owner_move(bench, to, err);
}

/* All of a file as one command, where bench->owner is. */
static bool file_run(struct bench_node *bench, const char *path, struct wn_error *err)
{
	char sql[SQL_FILE_MAX];
	FILE *file = fopen(path, "re");
	size_t bytes = file ? fread(sql, 1, sizeof sql - 1, file) : 0;
	if (file)
		fclose(file);
	if (bytes == 0 || bytes == sizeof sql - 1)
		return wn_fail(err, WN_DOWN, "bench_file", "%s cannot be read whole", path);
	sql[bytes] = '\0';
	return db_command(bench->owner, sql, err) || wn_while(err, "%s", path);
}

/* ---- ours ---- */

struct cost {
	double end_own, end_database, close_own, close_database; /* seconds of CPU */
	double wall;
};

static double cost_of(const struct cost *cost)
{
	return cost->end_own + cost->end_database + cost->close_own + cost->close_database;
}

struct clocks {
	int64_t own, database;
	double wall;
};

static struct clocks clocks_read(const struct bench_node *bench)
{
	return (struct clocks){bench_cpu_self(), bench_cpu_of_cluster(&bench->cluster), bench_seconds()};
}

static void clocks_add(
	const struct bench_node *bench, const struct clocks *begun, double *own, double *database, double *wall)
{
	struct clocks ended = clocks_read(bench);
	*own = (double)(ended.own - begun->own) / 1e9;
	*database = (double)(ended.database - begun->database) / 1e9;
	*wall += ended.wall - begun->wall;
}

/* One batch of the worker: the epoch's end, or its close. */
static bool worker_turn(struct bench_node *bench, struct worker *worker, double *own, double *database, double *wall,
	struct wn_error *err)
{
	size_t done = 0;
	struct clocks begun = clocks_read(bench);
	wn_arena_reset(&worker->arena);
	if (!close_plan->batch(worker, &done, err))
		return false;
	clocks_add(bench, &begun, own, database, wall);
	return done > 0 || wn_fail(err, WN_DOWN, "bench_close", "the close had nothing to do");
}

static bool ours_run(struct bench_node *bench, struct cost *out, struct wn_error *err)
{
	char conninfo[CONNINFO_MAX];
	struct worker worker = {.node = &bench->node};
	*out = (struct cost){0};
	if (!database_copy(bench, scene, ours_copy, err))
		return false;
	conninfo_of(bench, ours_copy, close_plan->role, conninfo);
	if (!db_open(&worker.db, conninfo, err))
		return false;
	wn_arena_init(&worker.arena, close_plan->arena_bytes);
	bool done = worker_turn(bench, &worker, &out->end_own, &out->end_database, &out->wall, err) &&
		    file_run(bench, "tests/bench/close_audits.sql", err) &&
		    worker_turn(bench, &worker, &out->close_own, &out->close_database, &out->wall, err);
	wn_arena_free(&worker.arena);
	db_close(worker.db);
	return done;
}

/* ---- the peer ---- */

static bool plain_turn(
	struct bench_node *bench, const char *path, double *own, double *database, double *wall, struct wn_error *err)
{
	struct clocks begun = clocks_read(bench);
	if (!file_run(bench, path, err))
		return false;
	clocks_add(bench, &begun, own, database, wall);
	return true;
}

static bool plain_run(struct bench_node *bench, struct cost *out, struct wn_error *err)
{
	*out = (struct cost){0};
	return database_copy(bench, plain_scene, plain_copy, err) &&
	       plain_turn(
		       bench, "tests/bench/close_plain_end.sql", &out->end_own, &out->end_database, &out->wall, err) &&
	       file_run(bench, "tests/bench/close_audits.sql", err) &&
	       plain_turn(bench, "tests/bench/close_plain.sql", &out->close_own, &out->close_database, &out->wall, err);
}

/* What a first close of ours found out goes into the peer's scene. */
static bool plain_prepare(struct bench_node *bench, struct wn_error *err)
{
	char from[CONNINFO_MAX], to[CONNINFO_MAX];
	struct cost first;
	const char *const argv[] = {"sh", "-c", "pg_dump --schema=found \"$1\" | psql -X -q -v ON_ERROR_STOP=1 \"$2\"",
		"sh", from, to, NULL};
	conninfo_of(bench, ours_copy, "winnow_owner", from);
	conninfo_of(bench, plain_scene, "winnow_owner", to);
	return ours_run(bench, &first, err) && file_run(bench, "tests/bench/close_found.sql", err) &&
	       database_copy(bench, scene, plain_scene, err) && bench_execute(argv, NULL, NULL, err) &&
	       bench_sql(bench, err, "ANALYZE") && bench_sql(bench, err, "CHECKPOINT");
}

/* ---- both ended alike ---- */

static const char *const changed[] = {"epoch", "journal_entry", "round", "gold", "item", "verdict",
	"campaign_validator", "campaign_state", "ledger_account", "ledger_transfer", "claims_total", "vesting_grant",
	"vesting_owner", "validator_pay", "slash", "seat"};
enum { CHANGED = sizeof changed / sizeof changed[0] };

static bool digests_read(struct bench_node *bench, const char *database, int64_t out[CHANGED], struct wn_error *err)
{
	if (!owner_move(bench, database, err))
		return false;
	for (int i = 0; i < CHANGED; i++)
		if (!bench_number(bench, &out[i], err,
			    "SELECT bit_xor(hashtextextended(t::text, 0)) # count(*) FROM %s t", changed[i]))
			return false;
	return true;
}

static bool sides_agree(struct bench_node *bench, struct wn_error *err)
{
	int64_t ours[CHANGED], plain[CHANGED];
	if (!digests_read(bench, ours_copy, ours, err) || !digests_read(bench, plain_copy, plain, err))
		return false;
	for (int i = 0; i < CHANGED; i++)
		if (ours[i] != plain[i])
			return wn_fail(err, WN_DOWN, "bench_rows", "the sides left different rows of %s", changed[i]);
	return true;
}

/* ---- turns ---- */

static bool close_note(
	struct bench_node *bench, const struct cost *ours, const struct cost *plain, struct wn_error *err)
{
	int64_t votes, transfers, entries, bytes;
	if (!bench_number(bench, &votes, err, "SELECT count(*) FROM vote_reveal") ||
		!bench_number(bench, &transfers, err, "SELECT count(*) FROM found.transfer") ||
		!bench_number(bench, &entries, err, "SELECT count(*) FROM found.journal") ||
		!bench_number(bench, &bytes, err, "SELECT sum(octet_length(body)) FROM found.journal"))
		return false;
	bench_note(
		"%lld votes opened, %lld transfers, %lld journal entries of %.1f MB; by the wall %.1f s, plain %.1f s",
		(long long)votes, (long long)transfers, (long long)entries, (double)bytes / 1e6, ours->wall,
		plain->wall);
	bench_note("the end: %.2f s of the worker, %.2f s of PostgreSQL, plain %.2f s; the close: %.2f s, %.2f s, "
		   "plain %.2f s",
		ours->end_own, ours->end_database, plain->end_own + plain->end_database, ours->close_own,
		ours->close_database, plain->close_own + plain->close_database);
	return true;
}

static bool close_turns(struct bench_node *bench, struct wn_error *err)
{
	struct bench_series close = {
		.name = "epoch close, 20,000 items", .unit = "cpu s", .peer = "its changes in plain SQL", .most = 2};
	struct cost ours, plain;
	for (int turn = 0; turn < TURNS; turn++) {
		if (!ours_run(bench, &ours, err) || !plain_run(bench, &plain, err))
			return false;
		bench_turn(&close, cost_of(&ours), cost_of(&plain));
	}
	bench_report(&close);
	return close_note(bench, &ours, &plain, err) && sides_agree(bench, err);
}

bool bench_close(struct wn_error *err)
{
	struct bench_node bench;
	bool done = bench_node_open(&bench, err) && bench_psql(&bench, "tests/bench/close_scene.sql", NULL, err) &&
		    plain_prepare(&bench, err) && close_turns(&bench, err);
	bench_node_close(&bench);
	return done;
}
