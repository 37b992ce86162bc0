/* The node's own PostgreSQL: created once, started, found again in milliseconds, stopped cleanly. Unix socket only. */
#ifndef CORE_CLUSTER_H
#define CORE_CLUSTER_H

#include <sys/types.h>
#include "core/error.h"

enum { CLUSTER_PATH_MAX = 512 };

struct cluster {
	char data_dir[CLUSTER_PATH_MAX];   /* owned by the user that runs the server */
	char socket_dir[CLUSTER_PATH_MAX]; /* short: a socket path has at most 107 bytes */
	char conninfo[CLUSTER_PATH_MAX];   /* "host='<socket_dir>' ... dbname=winnow": append " user=winnow_serve" */
	char state_dir[CLUSTER_PATH_MAX];
	int shared_buffers_mb; /* 0: a quarter of the machine's memory, at most 1 GiB; tests set less after
				  cluster_plan() */
};

/*
 * Paths only. state_dir (absolute) decides: not root -> data in state_dir/pg owned by the caller; root -> data in
 * state_dir/pg owned by user postgres (state_dir's parents must let it through: use a folder below /var/lib). The
 * socket lies in state_dir/sock, or where that path is too long in a folder below /tmp that is named after state_dir.
 */
bool cluster_plan(struct cluster *cluster, const char *state_dir, struct wn_error *err);
/*
 * Up: flock; initdb into a sibling and rename when PG_VERSION is absent; peer map for the invoking user and postgres
 * onto every winnow role; start; wait until it answers (retrying up to 10 s while a dead postmaster lingers); database
 * and superuser role `winnow_owner` exist afterwards. *started is false when it was up already. Never deletes
 * postmaster.pid.
 */
bool cluster_up(const struct cluster *cluster, bool *started, struct wn_error *err);
bool cluster_down(const struct cluster *cluster, struct wn_error *err); /* fast mode */
bool cluster_is_up(const struct cluster *cluster);

#endif
