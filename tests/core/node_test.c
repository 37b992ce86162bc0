/* What a node knows of itself, and the accounts that it knows. */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/account.h"
#include "core/clock.h"
#include "core/db.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/network_store.h"
#include "core/node.h"

SUITE("node")

static const struct option *const tables[] = {node_options, NULL};
static struct wn_arena arena;

static struct options *options_with(const char *state, const char *database)
{
	struct options *options = options_open(tables);
	struct wn_error err = {0};
	if (state)
		CHECK_OK(option_set(options, "node.state", state, &err), err);
	if (database)
		CHECK_OK(option_set(options, "node.database", database, &err), err);
	return options;
}

static void put_did(struct json_writer *writer, const char *name, const struct account_key *key)
{
	char did[DID_ROOM];
	did_write(did, key);
	json_put_string(writer, name, did);
}

/* The bytes of a small genesis; `keys` are checkpoint, operator, manifest. */
static struct wn_slice genesis_of(const struct account_key keys[3], bool sample)
{
	struct json_writer writer;
	struct wn_slice text, canonical = {NULL, 0};
	struct wn_error err = {0};
	struct policy policy;
	policy_default(&policy);
	policy.epoch_ms = 60000;
	json_begin(&writer, &arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "type", "genesis");
	json_put_integer(&writer, "time_ms", 5);
	json_put_bool(&writer, "sample", sample);
	policy_write(&writer, "policy", &policy);
	json_open_object(&writer, "keys");
	put_did(&writer, "checkpoint", &keys[0]);
	put_did(&writer, "operator", &keys[1]);
	put_did(&writer, "manifest", &keys[2]);
	json_close_object(&writer);
	json_close_object(&writer);
	CHECK_OK(json_end(&writer, &text, &err) && jcs_canonical(&arena, text.data, text.bytes, &canonical, &err), err);
	return canonical;
}

static bool network_insert(struct db *db, struct wn_slice genesis, const struct account_key *key,
	struct network_id *network, struct wn_error *err)
{
	struct sha256 hash;
	sha256_of(genesis.data, genesis.bytes, &hash);
	memcpy(network->bytes, hash.bytes, ID_BYTES);
	return network_store_insert(db, &arena, network, genesis, key, true, 1234, err);
}

TEST(state_lies_where_options_environment_or_home_say)
{
	struct node node;
	struct wn_error err = {0};
	char path[NODE_PATH_MAX], here[NODE_PATH_MAX], wanted[2 * NODE_PATH_MAX];
	struct options *options = options_with("/srv/state//", NULL);
	unsetenv("WINNOW_DATABASE");
	CHECK_OK(node_paths(&node, options, &err), err);
	CHECK_TEXT(node.state_dir, "/srv/state");
	CHECK_TEXT(node_path(&node, path, "keys/operator.key"), "/srv/state/keys/operator.key");
	CHECK(node.own_database);
	CHECK(strncmp(node.database, "host='/srv/state/sock' ", 23) == 0);
	setenv("WINNOW_DATABASE", "host=db.example dbname=winnow", 1);
	CHECK_OK(node_paths(&node, options, &err), err);
	CHECK(!node.own_database);
	CHECK_TEXT(node.database, "host=db.example dbname=winnow");
	options_close(options);
	options = options_with("below/state", "postgresql://db.example/winnow");
	CHECK_OK(node_paths(&node, options, &err), err);
	CHECK_TEXT(node.database, "postgresql://db.example/winnow");
	unsetenv("WINNOW_DATABASE");
	CHECK(getcwd(here, sizeof here) != NULL);
	snprintf(wanted, sizeof wanted, "%s/below/state", here);
	CHECK_TEXT(node.state_dir, wanted);
	options_close(options);
	options = options_with(NULL, NULL);
	CHECK_OK(node_paths(&node, options, &err), err);
	if (geteuid() == 0)
		CHECK_TEXT(node.state_dir, "/var/lib/winnow");
	else
		CHECK(strstr(node.state_dir, "/winnow") != NULL);
	options_close(options);
}

TEST(folders_are_made_and_only_the_node_reads_its_keys)
{
	struct node node;
	struct wn_error err = {0};
	struct stat status;
	char state[NODE_PATH_MAX], path[NODE_PATH_MAX];
	snprintf(state, sizeof state, "%s/a/b", test_folder());
	struct options *options = options_with(state, "host=/nowhere");
	for (int twice = 0; twice < 2; twice++)
		CHECK_OK(node_init(&node, options, &err), err);
	CHECK_INT(stat(node_path(&node, path, "keys"), &status), 0);
	CHECK_INT(status.st_mode & 07777, 0700);
	CHECK_INT(stat(node_path(&node, path, "run"), &status), 0);
	CHECK_INT(status.st_mode & 07777, 0700);
	CHECK_INT(stat(node_path(&node, path, "datasets"), &status), 0);
	CHECK_INT(status.st_mode & 07777, 0755);
	/* A file where a folder belongs. */
	CHECK_INT(rmdir(path), 0);
	FILE *file = fopen(path, "w");
	CHECK(file != NULL && fclose(file) == 0);
	CHECK(!node_init(&node, options, &err));
	CHECK_TEXT(err.code, "node_folder");
	options_close(options);
}

TEST(a_node_loads_its_network_and_its_own_key)
{
	struct node node;
	struct wn_error err = {0};
	struct db *db;
	struct key_file checkpoint, other;
	struct network_id network;
	struct network_row row;
	bool found;
	char path[NODE_PATH_MAX], tag[64], hex[ID_HEX_ROOM];
	sign_start();
	wn_arena_init(&arena, 1 << 20);
	const char *conninfo = test_database();
	CHECK_OR_RETURN(conninfo != NULL);
	struct options *options = options_with(test_folder(), conninfo);
	CHECK_OK(node_init(&node, options, &err), err);
	CHECK(!node_load(&node, &err));
	CHECK_INT(err.blame, WN_DOWN);
	CHECK_TEXT(err.code, "node_no_network");
	CHECK_OK(key_file_create(node_path(&node, path, "keys/checkpoint.key"), &checkpoint, &err), err);
	CHECK_OK(node_connect(&node, "winnow_owner", &db, &err), err);
	struct account_key keys[3] = {checkpoint.key.public_key, {{1}}, {{2}}};
	struct sign_key drawn;
	for (int i = 1; i < 3; i++) {
		sign_generate(&drawn);
		keys[i] = drawn.public_key;
	}
	struct wn_slice genesis = genesis_of(keys, true);
	CHECK_OK(network_insert(db, genesis, &keys[0], &network, &err), err);
	CHECK(!network_insert(db, genesis_of(keys, false), &keys[0], &network, &err));
	CHECK_TEXT(err.code, "network_exists");
	CHECK_OK(network_store_get(db, &arena, &row, &found, &err), err);
	CHECK(found);
	CHECK(row.clock_manual);
	CHECK_INT(row.clock_ms, 1234);
	CHECK(wn_slice_equal(row.genesis, genesis));
	int64_t now_ms = 0;
	CHECK_OK(clock_now(db, &now_ms, &err), err);
	CHECK_INT(now_ms, 1234);
	CHECK_OK(node_load(&node, &err), err);
	CHECK(node.clock_manual);
	CHECK(node.sample);
	CHECK_INT(node.policy.epoch_ms, 60000);
	CHECK(memcmp(&node.network, &row.network, ID_BYTES) == 0);
	snprintf(tag, sizeof tag, "winnow-%.16s", hex_write(hex, row.network.bytes, ID_BYTES));
	CHECK_TEXT(node.network_tag, tag);
	CHECK(node.has_checkpoint_key);
	CHECK(memcmp(node.checkpoint_key.secret, checkpoint.key.secret, sizeof checkpoint.key.secret) == 0);
	CHECK(id_compare(&node.operator_key, &keys[1]) == 0);
	CHECK(id_compare(&node.manifest_key, &keys[2]) == 0);
	/* A machine without the key signs nothing, one with another network's key does not start. */
	CHECK_INT(unlink(path), 0);
	CHECK_OK(node_load(&node, &err), err);
	CHECK(!node.has_checkpoint_key);
	CHECK(id_compare(&node.checkpoint_key.public_key, &keys[0]) == 0);
	CHECK_OK(key_file_create(path, &other, &err), err);
	CHECK(!node_load(&node, &err));
	CHECK_TEXT(err.code, "node_key");
	CHECK(!node.has_checkpoint_key);
	CHECK_INT(unlink(path), 0);
	/* The row must hash to the network's name. */
	CHECK_OK(db_command(db, "UPDATE network SET genesis = genesis || ' '", &err), err);
	CHECK(!node_load(&node, &err));
	CHECK_TEXT(err.code, "network_changed");
	db_close(db);
	options_close(options);
	wn_arena_free(&arena);
}

TEST(no_conninfo_makes_a_role_run_as_another)
{
	struct node node;
	struct wn_error err = {0};
	struct db *db;
	char conninfo[1200];
	const char *base = test_database();
	CHECK_OR_RETURN(base != NULL);
	snprintf(conninfo, sizeof conninfo, "%.400s user=winnow_owner", base);
	struct options *options = options_with("/nowhere", conninfo);
	CHECK_OK(node_paths(&node, options, &err), err);
	CHECK_OK(node_connect(&node, "winnow_seal", &db, &err), err);
	CHECK_OK(db_command(db, "DO $$ BEGIN ASSERT current_user = 'winnow_seal'; END $$", &err), err);
	db_close(db);
	/* The same as a URI. */
	char host[300];
	CHECK(sscanf(base, "host='%299[^']'", host) == 1);
	snprintf(conninfo, sizeof conninfo, "postgresql:///%.20s?host=%.200s&port=5432", strrchr(base, '=') + 1, host);
	options_close(options);
	options = options_with("/nowhere", conninfo);
	CHECK_OK(node_paths(&node, options, &err), err);
	CHECK_OK(node_connect(&node, "winnow_tally", &db, &err), err);
	CHECK_OK(db_command(db, "DO $$ BEGIN ASSERT current_user = 'winnow_tally'; END $$", &err), err);
	db_close(db);
	options_close(options);
}

TEST(a_key_registers_once_and_only_gains_roles)
{
	struct db *db;
	struct wn_error err = {0};
	struct account first, second;
	struct network_id network = {{7}};
	struct account_key key = {{8}}, stranger = {{9}};
	struct sha256 terms = {{1}}, newer = {{2}}, wanted;
	struct salt given = {{3}};
	bool changed, found;
	char conninfo[1200];
	sign_start();
	wn_arena_init(&arena, 1 << 20);
	const char *base = test_database();
	CHECK_OR_RETURN(base != NULL);
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_serve", base);
	CHECK_OK(db_open(&db, conninfo, &err), err);
	CHECK_OK(account_find(db, &arena, &key, &first, &found, &err), err);
	CHECK(!found);
	CHECK_OK(account_insert(db, &arena, &network, &key, ACCOUNT_CONTRIBUTOR, true, &terms, NULL, 100, &first,
			 &changed, &err),
		err);
	CHECK(changed);
	CHECK_INT(first.roles, ACCOUNT_CONTRIBUTOR);
	CHECK(first.robot);
	CHECK(!first.jailed);
	CHECK_INT(first.registered_ms, 100);
	/* The same again, roles that are there, terms that were not given: nothing to record. */
	CHECK_OK(account_insert(db, &arena, &network, &key, ACCOUNT_CONTRIBUTOR, true, &terms, NULL, 200, &second,
			 &changed, &err),
		err);
	CHECK(!changed);
	CHECK_OK(account_insert(db, &arena, &network, &key, 0, false, NULL, NULL, 200, &second, &changed, &err), err);
	CHECK(!changed);
	CHECK(memcmp(&first, &second, sizeof first) == 0);
	CHECK_OK(account_insert(db, &arena, &network, &key, ACCOUNT_VALIDATOR | ACCOUNT_OPERATOR, false, NULL, NULL,
			 300, &second, &changed, &err),
		err);
	CHECK(changed);
	CHECK_INT(second.roles, ACCOUNT_CONTRIBUTOR | ACCOUNT_VALIDATOR);
	CHECK_INT(second.registered_ms, 100);
	CHECK(second.robot);
	CHECK(memcmp(&first.commitment, &second.commitment, ID_BYTES) == 0);
	CHECK_OK(account_insert(db, &arena, &network, &key, 0, false, &newer, NULL, 400, &second, &changed, &err), err);
	CHECK(changed);
	CHECK_OK(account_insert(db, &arena, &network, &stranger, ACCOUNT_LAB, false, NULL, &given, 500, &second,
			 &changed, &err),
		err);
	CHECK(memcmp(&first.commitment, &second.commitment, ID_BYTES) != 0);
	/* Who brings a salt can tell its own name in the journal beforehand. */
	account_commitment(&network, &given, &stranger, &wanted);
	CHECK_BYTES(second.commitment.bytes, ID_BYTES, wanted.bytes, ID_BYTES);
	CHECK_OK(account_find(db, &arena, &key, &second, &found, &err), err);
	CHECK(found);
	CHECK_INT(second.roles, ACCOUNT_CONTRIBUTOR | ACCOUNT_VALIDATOR);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(a_commitment_is_the_documented_hash)
{
	/* python3: hashlib.sha256(b"winnow/account/v1\0" + bytes([1])*32 + bytes([2])*32 + bytes([3])*32).hexdigest()
	 */
	struct network_id network;
	struct salt salt;
	struct account_key key;
	struct sha256 commitment;
	memset(&network, 1, sizeof network);
	memset(&salt, 2, sizeof salt);
	memset(&key, 3, sizeof key);
	account_commitment(&network, &salt, &key, &commitment);
	CHECK_HEX(commitment.bytes, ID_BYTES, "ee164d25fd61ec48e06cf2819b859ebcb226e7edd0ea83785879c0c86e1c8740");
}
