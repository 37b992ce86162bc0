/* Datasets on a real database: asked for, made at a checkpoint, published, changed, killed in between; the routes that
 * show them. */
#include "tests/check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/network_store.h"
#include "core/states.h"
#include "dataset/dataset_api.h"
#include "dataset/dataset_store.h"
#include "dataset/dataset_worker.h"
#include "dataset/version_folder.h"
#include "tests/dataset/version_sample.h"
#include "web/exchange.h"

SUITE("dataset worker")

enum { WORLD_ARENA = 256 * 1024 * 1024, CONNINFO_MAX = 1200, KILLS = 60 };
#define NOW_MS 1750000000000LL

static const struct sql_statement insert_account = {"test_account",
	"INSERT INTO account (key, roles, salt, commitment, registered_ms) VALUES ($1::bytea, 1, $2::bytea, $3::bytea, "
	"0)",
	3};
static const struct sql_statement insert_campaign = {"test_campaign",
	"INSERT INTO campaign (name, version, document, created_ms) VALUES ($1::text, 1, $2::bytea, 0)", 2};
static const struct sql_statement insert_item = {"test_item",
	"INSERT INTO item (item_id, campaign, contributor, state, kind, source, source_id, canonical, salt, content, "
	"arrived_ms) "
	"VALUES ($1::bytea, 'hail', $2::bytea, 5, 0, 'direct', $3::text, $4::bytea, $5::bytea, 'hail', 0)",
	5};
static const struct sql_statement insert_verdict = {"test_verdict",
	"INSERT INTO verdict (item_id, class, p_good, margin, scores, votes, epoch, settled_ms) "
	"VALUES ($1::bytea, $2::integer::smallint, $3::integer, 9, '{}', 5, 0, 0)",
	3};
static const struct sql_statement update_item = {
	"test_state", "UPDATE item SET state = $2::integer::smallint WHERE item_id = $1::bytea", 2};
static const struct sql_statement count_rows = {
	"test_rows", "SELECT item_id FROM dataset_row WHERE name = $1::text AND version = $2::integer ORDER BY row", 2};
static const struct sql_statement journal_bodies = {"test_journal",
	"SELECT body FROM journal_entry WHERE position('\"type\":\"dataset\"'::bytea IN body) > 0 ORDER BY entry_id",
	0};

struct world {
	struct version_sample sample; /* items, campaign; its keys are replaced by the node's */
	struct node node;
	char conninfo[CONNINFO_MAX];
	struct db *owner, *serve, *reward, *seal;
	struct worker worker;
	struct wn_arena arena;
	struct exchange exchange;
};
static int world_count;

static struct db *world_connect(const struct world *world, const char *role)
{
	char conninfo[CONNINFO_MAX + 32];
	struct wn_error err = {0};
	struct db *db = NULL;
	snprintf(conninfo, sizeof conninfo, "%s user=%s", world->conninfo, role);
	CHECK_OK(db_open(&db, conninfo, &err), err);
	return db;
}

static bool run(struct db *db, const struct sql_statement *statement, struct db_args *args)
{
	struct wn_error err = {0};
	bool ok = db_query(db, statement, args, NULL, &err);
	CHECK_TEXT(ok ? "" : err.text, "");
	return ok;
}

static void world_genesis(struct world *world)
{
	struct version_setup *setup = &world->sample.setup;
	struct db_args args;
	struct wn_error err = {0};
	struct key_file manifest;
	struct sha256 hash;
	char path[NODE_PATH_MAX], checkpoint[DID_ROOM], signer[DID_ROOM], text[512];
	node_path(&world->node, path, "keys");
	CHECK_OK(folder_make(world->node.state_dir, &err) && folder_make(path, &err), err);
	CHECK_OK(key_file_create(node_path(&world->node, path, "keys/manifest.key"), &manifest, &err), err);
	world->node.manifest_key = manifest.key.public_key;
	world->node.checkpoint_key = world->sample.checkpoint_key;
	world->node.has_checkpoint_key = true;
	did_write(checkpoint, &world->node.checkpoint_key.public_key);
	did_write(signer, &world->node.manifest_key);
	snprintf(text, sizeof text,
		"{\"keys\":{\"checkpoint\":\"%s\",\"manifest\":\"%s\"},\"time_ms\":0,\"type\":\"genesis\"}", checkpoint,
		signer);
	CHECK_OK(jcs_canonical(&world->sample.arena, text, strlen(text), &setup->genesis, &err), err);
	sha256_of(setup->genesis.data, setup->genesis.bytes, &hash);
	memcpy(setup->network.bytes, hash.bytes, ID_BYTES);
	world->node.network = setup->network;
	minisign_public_of(&world->node.manifest_key, &world->sample.public);
	CHECK_OK(db_begin(world->owner, &err) &&
			 network_store_insert(world->owner, &world->arena, &world->node.network, setup->genesis,
				 &world->node.checkpoint_key.public_key, true, NOW_MS, &err) &&
			 journal_append(world->owner, &world->arena, setup->genesis, NULL, &err) &&
			 db_commit(world->owner, &err),
		err);
	db_args_init(&args, &world->arena);
	db_arg_text(&args, "hail");
	db_arg_bytes(&args, setup->campaign.data, setup->campaign.bytes);
	run(world->owner, &insert_campaign, &args);
	struct row_facts facts;
	version_sample_item(&world->sample, 0, &facts);
	db_args_init(&args, &world->arena);
	db_arg_bytes(&args, world->sample.checkpoint_key.public_key.bytes, ID_BYTES);
	db_arg_bytes(&args, facts.salt.bytes, ID_BYTES);
	db_arg_bytes(&args, facts.contributor.bytes, ID_BYTES);
	run(world->owner, &insert_account, &args);
}

static bool world_open(struct world *world)
{
	const char *conninfo = test_database();
	memset(world, 0, sizeof *world);
	world->exchange.body_file = -1;
	if (!CHECK(conninfo != NULL))
		return false;
	snprintf(world->conninfo, sizeof world->conninfo, "%s", conninfo);
	wn_arena_init(&world->arena, WORLD_ARENA);
	wn_arena_init(&world->worker.arena, dataset_plan->arena_bytes);
	version_sample_init(&world->sample);
	snprintf(world->node.state_dir, sizeof world->node.state_dir, "%s/state-%d", test_folder(), ++world_count);
	world->owner = world_connect(world, "winnow_owner");
	world->serve = world_connect(world, "winnow_serve");
	world->reward = world_connect(world, "winnow_reward");
	world->seal = world_connect(world, "winnow_seal");
	world->worker.node = &world->node;
	world->worker.db = world_connect(world, dataset_plan->role);
	if (!world->owner || !world->serve || !world->reward || !world->seal || !world->worker.db)
		return false;
	world_genesis(world);
	return true;
}

static void world_close(struct world *world)
{
	db_close(world->owner);
	db_close(world->serve);
	db_close(world->reward);
	db_close(world->seal);
	db_close(world->worker.db);
	exchange_clear(&world->exchange);
	version_sample_free(&world->sample);
	wn_arena_free(&world->arena);
	wn_arena_free(&world->worker.arena);
}

/* A settled item whose verdict keeps it; `class` 1 is hail, 2 storm. */
static void world_item(struct world *world, int number)
{
	struct row_facts facts;
	struct db_args args;
	version_sample_item(&world->sample, number, &facts);
	db_args_init(&args, &world->arena);
	db_arg_bytes(&args, facts.item.bytes, ID_BYTES);
	db_arg_bytes(&args, world->sample.checkpoint_key.public_key.bytes, ID_BYTES);
	db_arg_text(&args, wn_arena_printf(&world->arena, "post-%d", number));
	db_arg_bytes(&args, facts.canonical.data, facts.canonical.bytes);
	db_arg_bytes(&args, facts.salt.bytes, ID_BYTES);
	run(world->owner, &insert_item, &args);
	db_args_init(&args, &world->arena);
	db_arg_bytes(&args, facts.item.bytes, ID_BYTES);
	db_arg_int32(&args, number % 2 ? 1 : 2);
	db_arg_int32(&args, (int32_t)facts.p_good);
	run(world->owner, &insert_verdict, &args);
}

static void world_state(struct world *world, struct db *db, int number, enum item_state state)
{
	struct row_facts facts;
	struct db_args args;
	version_sample_item(&world->sample, number, &facts);
	db_args_init(&args, &world->arena);
	db_arg_bytes(&args, facts.item.bytes, ID_BYTES);
	db_arg_int32(&args, (int32_t)state);
	run(db, &update_item, &args);
}

/* Items first..last become final as the role that does it, with its entry. */
static void world_final(struct world *world, int first, int last, enum item_state state)
{
	struct wn_error err = {0};
	struct json_writer entry;
	struct wn_slice body;
	CHECK_OK(db_begin(world->reward, &err), err);
	json_begin(&entry, &world->arena);
	json_open_object(&entry, NULL);
	json_put_string(&entry, "type", "final");
	json_put_integer(&entry, "time_ms", NOW_MS);
	json_open_array(&entry, "items");
	for (int i = first; i <= last; i++) {
		struct row_facts facts;
		version_sample_item(&world->sample, i, &facts);
		json_open_object(&entry, NULL);
		json_put_hex(&entry, "item", facts.item.bytes, ID_BYTES);
		json_put_string(&entry, "state", state == ITEM_ACCEPTED ? "accepted" : "rejected");
		json_close_object(&entry);
		world_state(world, world->reward, i, state);
	}
	json_close_array(&entry);
	json_close_object(&entry);
	CHECK_OK(json_end(&entry, &body, &err) && journal_append(world->reward, &world->arena, body, NULL, &err) &&
			 db_commit(world->reward, &err),
		err);
}

static void world_accept(struct world *world, int first, int last)
{
	for (int i = first; i <= last; i++)
		world_item(world, i);
	world_final(world, first, last, ITEM_ACCEPTED);
}

static void world_seal(struct world *world)
{
	struct wn_error err = {0};
	size_t numbered = 1;
	bool written;
	for (int turn = 0; numbered > 0 && turn < 100; turn++)
		CHECK_OK(journal_sequence(world->seal, &world->arena, &numbered, &err), err);
	CHECK_OK(journal_checkpoint(world->seal, &world->arena, &world->node.network, &world->node.checkpoint_key,
			 NOW_MS, &written, &err),
		err);
}

static size_t world_turn(struct world *world)
{
	struct wn_error err = {0};
	size_t done = 0;
	wn_arena_reset(&world->worker.arena);
	CHECK_OK(dataset_plan->batch(&world->worker, &done, &err), err);
	CHECK(!db_in_transaction(world->worker.db));
	return done;
}

/* Runs a route's handler as the server would after it judged the request; the answer stays in world->exchange. */
static int world_ask(
	struct world *world, const char *method, const char *pattern, const char *params[], const char *body)
{
	static struct http_header json_type = {WN_SLICE("content-type"), WN_SLICE("application/json")};
	struct exchange *exchange = &world->exchange;
	struct wn_error err = {0};
	exchange_clear(exchange);
	*exchange = (struct exchange){
		.node = &world->node, .db = world->serve, .arena = &world->arena, .now_ms = NOW_MS, .body_file = -1};
	exchange->request.method = wn_slice_of(method);
	exchange->request.headers = &json_type;
	exchange->request.header_count = body ? 1 : 0;
	exchange->request.body = body ? wn_slice_of(body) : (struct wn_slice){0};
	for (int i = 0; params && params[i]; i++)
		exchange->params[i] = wn_slice_of(params[i]);
	for (const struct route *route = dataset_routes; route->method; route++)
		if (strcmp(route->method, method) == 0 && strcmp(route->pattern, pattern) == 0) {
			exchange->route = route;
			CHECK_OK(route->handle(exchange, &err), err);
			CHECK(!db_in_transaction(world->serve));
			return exchange->status;
		}
	CHECK_TEXT("no such route", pattern);
	return 0;
}

static const struct json *world_json(struct world *world)
{
	const struct json *value = NULL;
	struct wn_error err = {0};
	CHECK_OK(json_parse(&world->arena, world->exchange.body.data, world->exchange.body.bytes, &value, &err), err);
	return value;
}

static const char hail_recipe[] = "{\"dataset\":{\"name\":\"hail\",\"campaign\":\"hail\",\"p_good_least\":600003}}";

static int64_t world_release(struct world *world, const char *body)
{
	int64_t version = -1;
	CHECK_INT(world_ask(world, "POST", "/operator/releases", NULL, body), 202);
	json_integer(json_get(world_json(world), "version"), &version);
	return version;
}

static struct dataset_version world_version(struct world *world, const char *name, int32_t number)
{
	struct dataset_version version = {0};
	struct wn_error err = {0};
	bool found;
	CHECK_OK(dataset_store_version(world->serve, &world->arena, name, number, &version, &found, &err), err);
	CHECK(found);
	return version;
}

static size_t world_rows(struct world *world, const char *name, int32_t version, struct item_id *first)
{
	struct wn_error err = {0};
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, &world->arena);
	db_arg_text(&args, name);
	db_arg_int32(&args, version);
	CHECK_OK(db_query(world->owner, &count_rows, &args, &result, &err), err);
	size_t count = db_rows(result);
	if (first && count > 0)
		db_copy_id(result, 0, 0, first->bytes, ID_BYTES);
	db_done(result);
	return count;
}

/* Verifies a published version's folder and compares it with what the database says. */
static bool world_verify(struct world *world, const char *name, int32_t number, struct dataset_report *report)
{
	char below[128], path[NODE_PATH_MAX];
	struct wn_error err = {0};
	struct dataset_version version = world_version(world, name, number);
	snprintf(below, sizeof below, "datasets/%s/%d", name, number);
	CHECK_INT(version.state, VERSION_PUBLISHED);
	bool good = dataset_verify(
		&world->arena, node_path(&world->node, path, below), &world->sample.public, NULL, report, &err);
	CHECK_TEXT(good ? "" : err.text, "");
	CHECK_BYTES(report->row_root.bytes, ID_BYTES, version.row_root.bytes, ID_BYTES);
	CHECK_BYTES(report->manifest_sha256.bytes, ID_BYTES, version.manifest_sha256.bytes, ID_BYTES);
	CHECK_INT(report->rows, version.row_count);
	CHECK_INT(report->manifest.checkpoint_size, version.checkpoint_size);
	CHECK_INT(world_rows(world, name, number, NULL), (size_t)report->rows);
	return good;
}

TEST(a_version_holds_what_was_final_at_its_checkpoint)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report;
	struct db_args args;
	struct db_result *result = NULL;
	struct wn_error err = {0};
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 9);
	for (int i = 10; i <= 12; i++)
		world_item(world, i);
	world_final(world, 10, 11, ITEM_REJECTED);
	CHECK_INT(world_release(world, hail_recipe), 1);
	/* Nothing is made before a checkpoint holds the wish. */
	CHECK_INT(world_turn(world), 0);
	world_seal(world);
	/* Final too, but behind the checkpoint, numbered or not. */
	world_accept(world, 20, 24);
	world_seal(world);
	world_accept(world, 25, 29);
	CHECK_INT(world_turn(world), 1);
	CHECK_INT(world_turn(world), 0);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &report));
	/* 0..9 were accepted; the recipe wants p_good of 600,003 and more. */
	CHECK_INT(report.rows, 7);
	CHECK_INT(report.manifest.added, 7);
	CHECK(!report.manifest.has_previous);
	db_args_init(&args, &world->arena);
	CHECK_OK(db_query(world->owner, &journal_bodies, &args, &result, &err), err);
	CHECK_INT(db_rows(result), 1);
	char root[ID_HEX_ROOM];
	CHECK(memmem(db_slice(result, 0, 0).data, db_slice(result, 0, 0).bytes,
		      hex_write(root, report.row_root.bytes, ID_BYTES), 64) != NULL);
	db_done(result);
	world_close(world);
	free(world);
}

TEST(the_next_version_tells_what_changed_and_an_unchanged_one_is_not_made)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report first, second, third;
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 9);
	CHECK_INT(world_release(world, hail_recipe), 1);
	CHECK_INT(world_release(world, hail_recipe), 1); /* wanted already: the same one */
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &first));

	CHECK_INT(world_release(world, hail_recipe), 2);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	struct dataset_version unchanged = world_version(world, "hail", 2);
	CHECK_INT(unchanged.state, VERSION_UNCHANGED);
	CHECK_TEXT(unchanged.failure, "nothing changed since version 1");
	CHECK_INT(sample_shell_status("test -e %s/datasets/hail/2 -o -e %s/datasets/hail/.2.partial",
			  world->node.state_dir, world->node.state_dir),
		1);

	/* The number is used again once something is new. */
	world_accept(world, 10, 14);
	CHECK_INT(world_release(world, hail_recipe), 2);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 2, &second));
	CHECK_INT(second.rows, 12);
	CHECK_INT(second.manifest.added, 5);
	CHECK_INT(second.manifest.removed, 0);
	CHECK(second.manifest.has_previous);
	CHECK_INT(second.manifest.previous_version, 1);
	CHECK_BYTES(second.manifest.previous_manifest_sha256.bytes, ID_BYTES, first.manifest_sha256.bytes, ID_BYTES);
	CHECK_BYTES(second.manifest.previous_row_root.bytes, ID_BYTES, first.row_root.bytes, ID_BYTES);

	/* Erased items go, the published versions stay as they were. */
	world_state(world, world->owner, 4, ITEM_ERASED);
	world_state(world, world->owner, 11, ITEM_ERASED);
	world_accept(world, 15, 15);
	CHECK_INT(world_release(world, hail_recipe), 3);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 3, &third));
	CHECK_INT(third.rows, 11);
	CHECK_INT(third.manifest.added, 1);
	CHECK_INT(third.manifest.removed, 2);
	CHECK(world_verify(world, "hail", 1, &first) && world_verify(world, "hail", 2, &second));
	world_close(world);
	free(world);
}

TEST(a_recipe_takes_only_the_licences_and_choices_that_it_names)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report;
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 11);
	/* Of 0..11 every third is CC0-1.0; odd ones are hail: 3 and 9 are both. */
	CHECK_INT(world_release(world,
			  "{\"dataset\":{\"name\":\"free-hail\",\"campaign\":\"hail\",\"licences\":[\"CC0-1.0\"],"
			  "\"choices\":[\"hail\"],\"splits\":[{\"name\":\"a\",\"ppm\":500000},{\"name\":\"b\",\"ppm\":"
			  "500000}]}}"),
		1);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "free-hail", 1, &report));
	CHECK_INT(report.rows, 2);
	CHECK_INT(report.manifest.licence_count, 1);
	CHECK_TEXT(report.manifest.licences[0], "CC0-1.0");
	world_close(world);
	free(world);
}

TEST(what_cannot_be_made_ends_with_its_reason)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report;
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 9);
	CHECK_INT(world_release(
			  world, "{\"dataset\":{\"name\":\"empty\",\"campaign\":\"hail\",\"p_good_least\":999999}}"),
		1);
	CHECK_INT(world_release(world, hail_recipe), 1);
	/* Somebody's folder stands where the version belongs. */
	sample_shell("mkdir -p %s/datasets/hail/1", world->node.state_dir);
	world_seal(world);
	CHECK_INT(world_turn(world), 2);
	struct dataset_version empty = world_version(world, "empty", 1), blocked = world_version(world, "hail", 1);
	CHECK_INT(empty.state, VERSION_FAILED);
	CHECK(empty.failure && strstr(empty.failure, "no accepted item of hail") != NULL);
	CHECK_INT(blocked.state, VERSION_FAILED);
	CHECK(blocked.failure && strstr(blocked.failure, "manifest.json is not there") != NULL);
	CHECK_INT(world_rows(world, "hail", 1, NULL), 0);
	/* Moved away, it works under the same number. */
	sample_shell("rmdir %s/datasets/hail/1", world->node.state_dir);
	CHECK_INT(world_release(world, hail_recipe), 1);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK(world_verify(world, "hail", 1, &report));
	world_close(world);
	free(world);
}

TEST(a_finished_folder_that_the_database_does_not_know_is_taken)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report, again;
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 9);
	CHECK_INT(world_release(world, hail_recipe), 1);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &report));
	/* As if the commit had been lost: published by the folder only; rows of a longer try are left over. */
	struct wn_error err = {0};
	CHECK_OK(db_command(world->owner,
			 "DELETE FROM dataset_file; UPDATE dataset_version SET state = 0, row_root = NULL, "
			 "published_ms = NULL;"
			 "INSERT INTO dataset_row SELECT name, version, row + 100, item_id FROM dataset_row",
			 &err),
		err);
	world_accept(world, 10, 14);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &again));
	CHECK_BYTES(again.manifest_sha256.bytes, ID_BYTES, report.manifest_sha256.bytes, ID_BYTES);
	world_close(world);
	free(world);
}

/* One batch in a child that is killed after a moment; true when the child got through. */
static bool world_turn_killed(struct world *world, int after_us)
{
	pid_t child = fork();
	if (child == 0) {
		struct wn_error err = {0};
		struct worker worker = {.node = &world->node};
		size_t done = 0;
		char conninfo[CONNINFO_MAX + 32];
		snprintf(conninfo, sizeof conninfo, "%s user=%s", world->conninfo, dataset_plan->role);
		wn_arena_init(&worker.arena, dataset_plan->arena_bytes);
		_exit(db_open(&worker.db, conninfo, &err) && dataset_plan->batch(&worker, &done, &err) ? 0 : 1);
	}
	usleep((useconds_t)after_us);
	kill(child, SIGKILL);
	int status = 0;
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(a_worker_killed_at_any_moment_goes_on)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report;
	uint64_t state = test_seed();
	bool through = false;
	int kills = 0;
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 299);
	CHECK_INT(world_release(world, hail_recipe), 1);
	world_seal(world);
	for (int i = 0; !through && i < KILLS; i++) {
		through = world_turn_killed(world, (int)(test_random(&state) % 1000) * (i + 1));
		kills += !through;
	}
	CHECK(kills > 0);
	world_turn(world);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &report));
	CHECK_INT(report.rows, 297);
	CHECK_INT(sample_shell_status("test -e %s/datasets/hail/.1.partial", world->node.state_dir), 1);
	world_close(world);
	free(world);
}

TEST(the_routes_show_a_version_and_hand_out_its_files)
{
	struct world *world = calloc(1, sizeof *world);
	struct dataset_report report;
	static const char *const name[] = {"hail", NULL}, *const latest[] = {"hail", "latest", NULL},
				 *const unknown[] = {"hail", "7", NULL};
	const char *file[] = {"hail", "1", NULL, NULL};
	const struct json *answer;
	char key[MINISIGN_PUBLIC_ROOM];
	CHECK_OR_RETURN(world_open(world));
	world_accept(world, 0, 9);
	CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}", (const char **)name, NULL), 404);
	CHECK_INT(world_release(world, hail_recipe), 1);
	CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}/{version}", (const char **)latest, NULL), 404);
	world_seal(world);
	CHECK_INT(world_turn(world), 1);
	CHECK_OR_RETURN(world_verify(world, "hail", 1, &report));

	CHECK_INT(world_ask(world, "GET", "/v1/datasets", NULL, NULL), 200);
	answer = json_get(world_json(world), "datasets");
	CHECK_OR_RETURN(answer && answer->count == 1);
	CHECK_TEXT(json_member_string(answer->elements[0], "dataset", NULL), "hail");
	CHECK_TEXT(json_member_string(answer->elements[0], "licence", NULL), "CC-BY-4.0");
	CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}", (const char **)name, NULL), 200);
	answer = world_json(world);
	CHECK_TEXT(json_member_string(json_get(answer, "recipe"), "campaign", NULL), "hail");
	CHECK_TEXT(json_member_string(json_get(answer, "versions")->elements[0], "state", NULL), "published");

	CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}/{version}", (const char **)unknown, NULL), 404);
	CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}/{version}", (const char **)latest, NULL), 200);
	answer = world_json(world);
	minisign_public_write(&world->sample.public, key);
	CHECK_TEXT(json_member_string(answer, "public_key", NULL), key);
	const struct json *files = json_get(answer, "files");
	CHECK_OR_RETURN(files && files->count == report.manifest.file_count + 2);
	for (size_t i = 0; i < files->count; i++) {
		const char *sha256 = json_member_string(files->elements[i], "sha256", "");
		const char *hash[] = {sha256, NULL};
		int64_t bytes = -1;
		json_integer(json_get(files->elements[i], "bytes"), &bytes);
		file[2] = json_member_string(files->elements[i], "path", "");
		CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}/{version}/{rest*}", file, NULL), 200);
		CHECK_INT(world->exchange.body_bytes, bytes);
		CHECK_INT(world_ask(world, "GET", "/v1/files/{sha256}", hash, NULL), 200);
		CHECK_INT(world->exchange.body_bytes, bytes);
		bool tagged = false;
		for (size_t h = 0; h < world->exchange.header_count; h++)
			tagged = tagged || memmem(world->exchange.headers[h].value.data,
						   world->exchange.headers[h].value.bytes, sha256, 64);
		CHECK(tagged);
	}
	/* Only what the database lists is read, whatever lies in the folder or above it. */
	sample_shell("echo secret >%s/datasets/hail/1/notes", world->node.state_dir);
	static const char *const outside[] = {
		"notes", "../1/README.md", "../../../keys/manifest.key", "", "data", "manifest.json/", NULL};
	for (int i = 0; outside[i]; i++) {
		file[2] = outside[i];
		CHECK_INT(world_ask(world, "GET", "/v1/datasets/{name}/{version}/{rest*}", file, NULL), 404);
	}
	world_close(world);
	free(world);
}

TEST(a_release_is_refused_with_its_reason)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} refused[] = {
		{"{}", 400, "dataset_missing"},
		{"{\"dataset\":{\"name\":\"hail\",\"campaign\":\"hail\"},\"more\":1}", 400, "dataset_missing"},
		{"{\"dataset\":{\"name\":\"Hail\",\"campaign\":\"hail\"}}", 400, "recipe_name"},
		{"{\"dataset\":{\"name\":\"hail\",\"campaign\":\"rain\"}}", 404, "campaign_unknown"},
		{"{\"dataset\":{\"name\":\"hail\",\"campaign\":\"hail\",\"choices\":[\"no\"]}}", 400, "recipe_choices"},
		{"{\"dataset\":{\"name\":\"taken\",\"campaign\":\"hail\",\"p_good_least\":1}}", 409, "dataset_exists"},
	};
	struct world *world = calloc(1, sizeof *world);
	CHECK_OR_RETURN(world_open(world));
	CHECK_INT(world_release(world, "{\"dataset\":{\"name\":\"taken\",\"campaign\":\"hail\"}}"), 1);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		CHECK_INT(world_ask(world, "POST", "/operator/releases", NULL, refused[i].body), refused[i].status);
		const char *type = json_member_string(world_json(world), "type", "");
		CHECK_TEXT(strrchr(type, '/') ? strrchr(type, '/') + 1 : type, refused[i].code);
	}
	world_close(world);
	free(world);
}
