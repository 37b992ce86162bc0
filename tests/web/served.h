/* A real server for tests: server_run() in a child process on a migrated database, and a client that speaks raw bytes.
 */
#ifndef TESTS_WEB_SERVED_H
#define TESTS_WEB_SERVED_H

#include <stdatomic.h>
#include <sys/types.h>

#include "core/fetch.h"
#include "core/node.h"
#include "tests/check.h"

enum { SERVED_RAW_MAX = 8 * 1024 * 1024 };

/* What test routes count, seen by the tests too: shared memory. */
struct served_shared {
	atomic_int slow_begun, slow_done; /* GET /test/slow?ms=n */
	atomic_int counted;		  /* GET /test/count */
	atomic_int effects;		  /* POST /test/effect */
	atomic_int held_now, held_most;	  /* POST /test/hold?ms=n: how many at once */
};
extern struct served_shared *served_shared;

struct served {
	pid_t pid;
	int port;
	char url[128];
	char log_path[NODE_PATH_MAX];
};

/* The network of the tests: founded on first use, and anew when another clock is asked for or another database given.
 */
const struct node *served_node(bool clock_manual);
const struct node *served_node_on(const char *conninfo);
/* A connection of the owner to it; NULL after a failed check. */
struct db *served_owner(void);
/* Numbers the journal and signs a checkpoint, as the role seal does. */
bool served_seal(void);

/* Starts a server; settings are pairs of option and value, ended by NULL. False after a failed check. */
bool served_start(struct served *served, const char *const settings[]);
/* SIGTERM, then waits; the exit status, or -1 after a failed check. */
int served_stop(struct served *served);
/* Waits for the end; the exit status, -1 when it did not end in time (it is killed then). */
int served_wait(struct served *served, int timeout_ms);
/* Memory of the server in KiB, as a line of /proc tells: "VmRSS", "VmHWM"; -1 after a failed check. */
int64_t served_memory_kib(const struct served *served, const char *line);
/* A sample of /metrics, asked for through the operator's socket; -1 where there is none. */
int64_t served_metric(const struct served *served, const char *name);
/* Whether the log has this text somewhere. */
bool served_logged(const struct served *served, const char *text);
/* The file that GET /test/file serves: `bytes` bytes that follow a rule. */
const char *served_file(size_t bytes);
char served_file_byte(int64_t offset);

/* ---- raw bytes ---- */

struct raw {
	int fd;
	char *data; /* what was read and not yet taken */
	size_t bytes;
};
struct raw_answer {
	int status;	  /* 0: the connection ended or nothing came in time */
	char head[8192];  /* lower-cased names, values as sent */
	const char *body; /* until the next answer is read, on whatever connection */
	size_t body_bytes;
};
bool raw_open(struct raw *raw, int port);
/* From 127.0.0.`last`. */
bool raw_open_from(struct raw *raw, int port, int last);
bool raw_open_unix(struct raw *raw, const char *path);
void raw_close(struct raw *raw);
/* Closes with a reset. */
void raw_reset(struct raw *raw);
bool raw_send(struct raw *raw, const char *text);
bool raw_send_bytes(struct raw *raw, const void *bytes, size_t count);
/* Reads one answer; `head_only` for answers to HEAD. */
bool raw_answer(struct raw *raw, struct raw_answer *answer, bool head_only);
/* True when the other side closes within the time; what it sends before is thrown away. */
bool raw_ends(struct raw *raw, int timeout_ms);
/* A header's value copied into `out`; "" when absent. */
const char *raw_header(const struct raw_answer *answer, const char *name, char out[256]);
/* Open, send, read, close. */
bool raw_ask(int port, const char *request, struct raw_answer *answer);
/* Whether the body is a problem document with this code. */
bool raw_problem(const struct raw_answer *answer, const char *code);

#endif
