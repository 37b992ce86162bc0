/* What the rows of `make bench` share: turns of ours and a peer's, CPU time of processes, a node of their own, load. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <sys/types.h>

#include "core/arena.h"
#include "core/cluster.h"
#include "core/db.h"
#include "core/node.h"
#include "core/sign.h"
#include "web/route.h"

/* ---- figures ---- */

enum { BENCH_TURNS = 5, BENCH_TURNS_MAX = 15, BENCH_LABEL_MAX = 96 };

/* One row of the table: turn i gave ours[i] and, right before or after it, peers[i]. */
struct bench_series {
	const char *name, *unit;
	const char *peer;   /* NULL: there is none */
	double least, most; /* what the ratio (without a peer: the value) has to hold; 0: no bound */
	int count;
	double ours[BENCH_TURNS_MAX], peers[BENCH_TURNS_MAX];
};
void bench_turn(struct bench_series *series, double ours, double peer);
/* Median, median of the peer, median of the ratios, and their spread: (largest - smallest) / median. */
void bench_report(const struct bench_series *series);
/* A line below the table: where the time went. */
void bench_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- time ---- */

/* CPU time as the scheduler accounts it, in nanoseconds; -1 when there is no such process. All threads. */
int64_t bench_cpu_of(pid_t pid);
int64_t bench_cpu_self(void);
/* The server of a cluster and all of its children: backends, checkpointer, writers. */
int64_t bench_cpu_of_cluster(const struct cluster *cluster);
double bench_seconds(void); /* wall, monotonic */
/* Runs argv to its end, its output to /dev/null but for stderr; what it used is added to *cpu_ns, and *peak_kib gets
 * its largest resident set; both may be NULL. */
bool bench_execute(const char *const argv[], int64_t *cpu_ns, int64_t *peak_kib, struct wn_error *err);

/* ---- a node ---- */

/* A founded network in a PostgreSQL of its own, on the disk that TMPDIR names, and a server of its routes. */
struct bench_node {
	struct cluster cluster;
	struct node node;
	struct db *owner;
	struct wn_arena arena;
	pid_t server;
	int port;
	char authority[64];
};
/* All is stopped and removed when the program ends, however it ends. */
bool bench_node_open(struct bench_node *bench, struct wn_error *err);
/* `routes` as server_run() takes them. */
bool bench_server_start(struct bench_node *bench, const struct route *const routes[], struct wn_error *err);
void bench_server_stop(struct bench_node *bench);
void bench_node_close(struct bench_node *bench);
/* Key n of a kind, always the same. */
void bench_key(const char *kind, int n, struct sign_key *out);
bool bench_account(struct bench_node *bench, const struct account_key *key, int32_t roles, struct wn_error *err);
bool bench_campaign(struct bench_node *bench, const char *document, struct wn_error *err);
/* printf's; as winnow_owner. */
bool bench_sql(struct bench_node *bench, struct wn_error *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The one number that a query gives. */
bool bench_number(struct bench_node *bench, int64_t *out, struct wn_error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A whole signed POST as it goes over the wire, in memory of its own. */
bool bench_request(const struct bench_node *bench, const char *target, const char *type, struct wn_slice body,
	const struct sign_key *key, struct wn_slice *out, struct wn_error *err);
/* Files of statements, given to psql as winnow_owner; what psql itself uses is added to *cpu_ns (may be NULL). */
bool bench_psql(const struct bench_node *bench, const char *path, int64_t *cpu_ns, struct wn_error *err);

/* ---- load ---- */

enum { LOAD_CONNECTIONS_MAX = 512 };

/* Connections that stay open between turns. */
struct load;
bool load_open(struct load **out, int port, int connections, struct wn_error *err);
void load_close(struct load *load);
struct load_result {
	double seconds;
	size_t answered, good; /* answers; times that `want` stood in them */
	size_t bytes;
};
/* Sends every request once, each connection its next one when the last is answered. Any status but 200 is a failure. */
bool load_run(struct load *load, const struct wn_slice *requests, size_t count, const char *want,
	struct load_result *out, struct wn_error *err);

/* ---- rows ---- */

typedef bool bench_function(struct wn_error *err);
bench_function bench_ballots, bench_ingest, bench_tally, bench_close, bench_export, bench_download, bench_start,
	bench_replay, bench_signatures, bench_range, bench_overload, bench_index;

#endif
