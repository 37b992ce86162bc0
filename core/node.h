/* What every role of a node knows: where its state lives, who it is, how to reach its database. */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "core/error.h"
#include "core/id.h"
#include "core/option.h"
#include "core/policy.h"
#include "core/sign.h"

struct db;

enum { NODE_PATH_MAX = 512 };

struct node {
	const struct options *options;
	char state_dir[NODE_PATH_MAX]; /* keys/, datasets/, run/ and, where we own it, pg/ */
	char database[NODE_PATH_MAX];  /* conninfo without the user */
	bool own_database;	       /* it is the node's own server (core/cluster.h): no conninfo was given */
	struct network_id network;
	char network_tag[32];		/* "winnow-<16 hex>" of RFC 9421 signatures */
	struct sign_key checkpoint_key; /* signs checkpoints and receipts */
	bool has_checkpoint_key;
	struct account_key operator_key; /* named by genesis */
	struct account_key manifest_key; /* named by genesis; signs dataset manifests */
	struct policy policy;		 /* from genesis */
	bool clock_manual;
	bool sample; /* a try-out network, says genesis: labelled as such, judged by robots too */
};

/* node.state, node.database */
extern const struct option node_options[];

/*
 * Fills paths from the options node.state (root: /var/lib/winnow, else $XDG_STATE_HOME/winnow or ~/.local/state/winnow)
 * and node.database (else WINNOW_DATABASE, else the node's own server). node_paths() touches nothing, node_init() makes
 * the folders.
 */
bool node_paths(struct node *node, const struct options *options, struct wn_error *err);
bool node_init(struct node *node, const struct options *options, struct wn_error *err);
/* After genesis: identity, policy and keys from the network's row, the checkpoint key from keys/checkpoint.key where
 * that can be read. WN_DOWN node_no_network before genesis; WN_INPUT node_genesis, node_key when the parts do not
 * belong together. */
bool node_load(struct node *node, struct wn_error *err);
/* Connection as one of the least-privilege roles: "winnow_serve". */
bool node_connect(const struct node *node, const char *role, struct db **out, struct wn_error *err);
/* The address under which this node's serve answers, as it wrote it when it began to listen; false while it does not.
 */
bool node_address(const struct node *node, char out[NODE_PATH_MAX]);
/* Path below the state folder: node_path(node, buffer, "keys/manifest.key"). */
const char *node_path(const struct node *node, char out[NODE_PATH_MAX], const char *below);

#endif
