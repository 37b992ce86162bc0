/* Where a node's state lies, which network it belongs to, how its roles reach the database. */
#include "core/node.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/cluster.h"
#include "core/db.h"
#include "core/json.h"
#include "core/network_store.h"

enum {
	NODE_ARENA_MAX = 256 * 1024 * 1024, /* a genesis with 10,000 grants, parsed */
	NODE_REFUSED_MS = 2000		    /* a connection that failed slower was not refused: nobody is there */
};

const struct option node_options[] = {
	{"node.state", OPTION_TEXT, NULL, 0, 0,
		"folder for keys, datasets and the database (root: /var/lib/winnow, else ~/.local/state/winnow)"},
	{"node.database", OPTION_TEXT, NULL, 0, 0,
		"libpq conninfo of a PostgreSQL of your own, without a user; also WINNOW_DATABASE"},
	{.name = NULL},
};

/* ---- paths ---- */

const char *node_path(const struct node *node, char out[NODE_PATH_MAX], const char *below)
{
	int bytes = snprintf(out, NODE_PATH_MAX, "%s/%s", node->state_dir, below);
	wn_assert(bytes > 0 && bytes < NODE_PATH_MAX);
	return out;
}

bool node_address(const struct node *node, char out[NODE_PATH_MAX])
{
	char path[NODE_PATH_MAX];
	FILE *file = fopen(node_path(node, path, "run/serve.address"), "re");
	if (!file)
		return false;
	bool got = fgets(out, NODE_PATH_MAX, file) != NULL;
	fclose(file);
	if (got)
		out[strcspn(out, "\r\n")] = '\0';
	return got;
}

static bool node_home(char out[NODE_PATH_MAX], struct wn_error *err)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int bytes;
	if (geteuid() == 0) {
		bytes = snprintf(out, NODE_PATH_MAX, "/var/lib/winnow");
	} else if (state && state[0] == '/') {
		bytes = snprintf(out, NODE_PATH_MAX, "%s/winnow", state);
	} else {
		if (!home || home[0] != '/') {
			getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found);
			home = found ? found->pw_dir : NULL;
		}
		if (!home)
			return wn_fail(
				err, WN_INPUT, "node_state", "no home folder: say where state lies with --node.state");
		bytes = snprintf(out, NODE_PATH_MAX, "%s/.local/state/winnow", home);
	}
	return bytes < NODE_PATH_MAX || wn_fail(err, WN_INPUT, "node_state", "the home folder's path is too long");
}

/* A relative path counts from where the command was given; the server's processes stand elsewhere. */
static bool node_absolute(const char *given, char out[NODE_PATH_MAX], struct wn_error *err)
{
	char here[NODE_PATH_MAX];
	int bytes;
	if (given[0] == '/') {
		bytes = snprintf(out, NODE_PATH_MAX, "%s", given);
	} else {
		if (!getcwd(here, sizeof here))
			return wn_fail(err, WN_INPUT, "node_state", "this folder: %s", strerror(errno));
		bytes = snprintf(out, NODE_PATH_MAX, "%s/%s", here, given);
	}
	if (bytes >= NODE_PATH_MAX / 2)
		return wn_fail(err, WN_INPUT, "node_state", "the state folder's path has more than %d bytes",
			NODE_PATH_MAX / 2 - 1);
	while (bytes > 1 && out[bytes - 1] == '/')
		out[--bytes] = '\0';
	return true;
}

bool node_paths(struct node *node, const struct options *options, struct wn_error *err)
{
	char home[NODE_PATH_MAX];
	const char *state = option_text(options, "node.state"), *database = option_text(options, "node.database");
	memset(node, 0, sizeof *node);
	node->options = options;
	policy_default(&node->policy);
	if (!state || !*state) {
		if (!node_home(home, err))
			return false;
		state = home;
	}
	if (!node_absolute(state, node->state_dir, err))
		return false;
	if (!database || !*database)
		database = getenv("WINNOW_DATABASE");
	if (database && *database) {
		int bytes = snprintf(node->database, sizeof node->database, "%s", database);
		return bytes < NODE_PATH_MAX || wn_fail(err, WN_INPUT, "node_database", "the conninfo is too long");
	}
	struct cluster cluster;
	if (!cluster_plan(&cluster, node->state_dir, err))
		return false;
	node->own_database = true;
	memcpy(node->database, cluster.conninfo, sizeof node->database);
	return true;
}

static bool node_folder(const char *path, mode_t mode, struct wn_error *err)
{
	struct stat status;
	if (mkdir(path, mode) == 0)
		return chmod(path, mode) == 0 || wn_fail(err, WN_DOWN, "node_folder", "%s: %s", path, strerror(errno));
	if (errno != EEXIST)
		return wn_fail(err, WN_DOWN, "node_folder", "make folder %s: %s", path, strerror(errno));
	return (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) ||
	       wn_fail(err, WN_INPUT, "node_folder", "%s is no folder", path);
}

bool node_init(struct node *node, const struct options *options, struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	if (!node_paths(node, options, err))
		return false;
	/* User postgres must get through root's state folder; what is secret lies one floor deeper. */
	mode_t mode = geteuid() == 0 ? 0755 : 0700;
	snprintf(path, sizeof path, "%s", node->state_dir);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (!node_folder(path, mode, err))
			return false;
		*slash = '/';
	}
	return node_folder(path, mode, err) && node_folder(node_path(node, path, "keys"), 0700, err) &&
	       node_folder(node_path(node, path, "datasets"), 0755, err) &&
	       node_folder(node_path(node, path, "run"), 0700, err);
}

/* ---- database ---- */

bool node_connect(const struct node *node, const char *role, struct db **out, struct wn_error *err)
{
	char conninfo[NODE_PATH_MAX + 64];
	bool uri = strncmp(node->database, "postgresql://", 13) == 0 || strncmp(node->database, "postgres://", 11) == 0;
	const char *between = !uri ? " " : strchr(node->database, '?') ? "&" : "?";
	wn_assert(strspn(role, "abcdefghijklmnopqrstuvwxyz_") == strlen(role));
	/* What stands last wins: nobody's conninfo makes a role run as another. */
	snprintf(conninfo, sizeof conninfo, "%s%suser=%s", node->database, between, role);
	return db_open(out, conninfo, err) || wn_while(err, "as %s", role);
}

/* Any role may read the network's row, but a machine that runs one part may have the credentials of that role only. */
static bool node_connect_any(const struct node *node, struct db **out, struct wn_error *err)
{
	static const char *const roles[] = {"winnow_serve", "winnow_seal", "winnow_tally", "winnow_reward",
		"winnow_embed", "winnow_ingest", "winnow_owner"};
	struct wn_error later;
	int64_t begun_ms = clock_monotonic_ms();
	if (node_connect(node, roles[0], out, err))
		return true;
	for (size_t i = 1; i < sizeof roles / sizeof roles[0]; i++) {
		if (node->own_database || clock_monotonic_ms() - begun_ms > NODE_REFUSED_MS)
			return false;
		if (node_connect(node, roles[i], out, &later))
			return true;
	}
	return false;
}

/* ---- identity ---- */

static bool node_named_key(const struct json *keys, const char *name, struct account_key *out, struct wn_error *err)
{
	const char *did = json_member_string(keys, name, NULL);
	return (did && did_read(out, did, strlen(did))) ||
	       wn_fail(err, WN_INPUT, "node_genesis", "genesis names no %s key", name);
}

static bool node_genesis(struct node *node, struct wn_arena *arena, const struct network_row *row, struct wn_error *err)
{
	const struct json *genesis;
	struct account_key checkpoint_key;
	char hex[2 * 8 + 1];
	if (!json_parse(arena, row->genesis.data, row->genesis.bytes, &genesis, err) ||
		!policy_parse(json_get(genesis, "policy"), &node->policy, err))
		return false;
	const struct json *keys = json_get(genesis, "keys");
	if (!node_named_key(keys, "checkpoint", &checkpoint_key, err) ||
		!node_named_key(keys, "operator", &node->operator_key, err) ||
		!node_named_key(keys, "manifest", &node->manifest_key, err))
		return false;
	if (id_compare(&checkpoint_key, &row->checkpoint_key) != 0)
		return wn_fail(
			err, WN_INPUT, "node_genesis", "genesis and the network's row name different checkpoint keys");
	node->network = row->network;
	node->clock_manual = row->clock_manual;
	node->sample = row->sample;
	snprintf(node->network_tag, sizeof node->network_tag, "winnow-%s", hex_write(hex, row->network.bytes, 8));
	node->checkpoint_key.public_key = row->checkpoint_key;
	return true;
}

/* Roles that sign nothing may run where the key is not, or is not theirs to read. */
static bool node_checkpoint_key(struct node *node, struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	struct key_file file;
	node->has_checkpoint_key = false;
	if (access(node_path(node, path, "keys/checkpoint.key"), R_OK) != 0)
		return true;
	if (!key_file_read(path, &file, err))
		return false;
	node->has_checkpoint_key = id_compare(&file.key.public_key, &node->checkpoint_key.public_key) == 0;
	if (node->has_checkpoint_key)
		node->checkpoint_key = file.key;
	sign_forget(&file.key);
	return node->has_checkpoint_key ||
	       wn_fail(err, WN_INPUT, "node_key", "%s is not the key that this network's genesis names", path);
}

bool node_load(struct node *node, struct wn_error *err)
{
	struct wn_arena arena;
	struct network_row row;
	struct db *db;
	bool found;
	if (!node_connect_any(node, &db, err))
		return wn_while(err, "read the network");
	wn_arena_init(&arena, NODE_ARENA_MAX);
	bool done = network_store_get(db, &arena, &row, &found, err);
	db_close(db);
	if (done && !found)
		done = wn_fail(
			err, WN_DOWN, "node_no_network", "this database holds no network yet: winnow up makes one");
	done = done && node_genesis(node, &arena, &row, err) && node_checkpoint_key(node, err);
	wn_arena_free(&arena);
	return done || wn_while(err, "load the node");
}
