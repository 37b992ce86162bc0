/* A node of its own for a recorded campaign: fresh state in a temporary folder, manual clock, gone afterwards. */
#ifndef CMD_BACKTEST_NODE_H
#define CMD_BACKTEST_NODE_H

#include <signal.h>
#include <sys/types.h>

#include "core/fetch.h"
#include "core/node.h"

/* Set by Ctrl-C: every wait ends soon, and the node is taken away in order. */
extern volatile sig_atomic_t backtest_stop;

struct backtest_node {
	char folder[NODE_PATH_MAX];
	char url[NODE_PATH_MAX];
	char address_file[NODE_PATH_MAX + 64];
	pid_t pid;
	struct fetch *api;	/* as everybody */
	struct fetch *operator; /* on the operator's socket */
};

/*
 * `genesis` is the text of a genesis file (cmd/genesis.h). Starts `winnow up` on it and waits until it answers; its log
 * goes to <folder>/node.log. After a failure backtest_node_stop() is still due. Codes backtest_node_*.
 */
bool backtest_node_start(struct backtest_node *node, struct wn_slice genesis, struct wn_error *err);
/* Ends the node, stops its PostgreSQL and removes the folder; `keep` leaves the folder for whoever wants to look. */
void backtest_node_stop(struct backtest_node *node, bool keep);
/* False, with a failure, once the node's process has ended or the run was interrupted. */
bool backtest_node_alive(struct backtest_node *node, struct wn_error *err);
/* Moves the node's clock to `target_ms`; *now_ms is its time afterwards. */
bool backtest_node_set_clock(
	struct backtest_node *node, struct wn_arena *arena, int64_t target_ms, int64_t *now_ms, struct wn_error *err);

#endif
