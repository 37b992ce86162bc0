/* Routes of datasets: the catalogue, versions and their files; the operator asks for a release. */
#include "dataset/dataset_api.h"

#include <stdlib.h>
#include <string.h>

#include "core/campaign.h"
#include "core/hash.h"
#include "core/journal.h"
#include "dataset/dataset_store.h"
#include "dataset/minisign.h"
#include "web/file_answer.h"

enum { RELEASE_BODY_MAX = 65536, VERSION_DIGITS_MAX = 9 };

/* A path parameter as text; NULL when the arena is full. */
static const char *param_text(struct exchange *exchange, int index)
{
	return wn_arena_copy(exchange->arena, exchange->params[index].data, exchange->params[index].bytes);
}

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the answer");
}

static bool problem_dataset(struct exchange *exchange)
{
	return exchange_problem(exchange, 404, "dataset_unknown", "There is no such dataset.");
}

static bool problem_version(struct exchange *exchange)
{
	return exchange_problem(exchange, 404, "version_unknown", "There is no such version of this dataset.");
}

/* "latest" is 0, the newest published one; -1: no version at all. */
static int32_t version_number(struct wn_slice text)
{
	int32_t version = 0;
	if (wn_slice_equal(text, WN_SLICE("latest")))
		return 0;
	if (text.bytes == 0 || text.bytes > VERSION_DIGITS_MAX || text.data[0] == '0')
		return -1;
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		version = version * 10 + (text.data[i] - '0');
	}
	return version;
}

static bool put_document(struct exchange *exchange, struct json_writer *writer, const char *name,
	struct wn_slice document, struct wn_error *err)
{
	struct wn_slice canonical;
	if (!jcs_canonical(exchange->arena, document.data, document.bytes, &canonical, err))
		return wn_while(err, "read a stored document");
	json_put_raw(writer, name, canonical);
	return true;
}

static void put_published(struct json_writer *writer, const struct dataset_version *version)
{
	json_put_integer(writer, "published_ms", version->published_ms);
	json_put_integer(writer, "row_count", version->row_count);
	json_put_hex(writer, "row_root", version->row_root.bytes, ID_BYTES);
	json_put_hex(writer, "manifest_sha256", version->manifest_sha256.bytes, ID_BYTES);
}

static void put_version(struct json_writer *writer, const struct dataset_version *version)
{
	json_put_integer(writer, "version", version->version);
	json_put_string(writer, "state", version_state_name(version->state));
	json_put_integer(writer, "wanted_ms", version->wanted_ms);
	if (version->state == VERSION_PUBLISHED) {
		put_published(writer, version);
		json_put_integer(writer, "checkpoint_size", version->checkpoint_size);
	}
	if (version->failure)
		json_put_string(writer, "failure", version->failure);
}

/* Licence, question and sample of what a dataset is made from. */
static bool put_origin(struct exchange *exchange, struct json_writer *writer, const struct dataset_listed *listed,
	struct wn_error *err)
{
	const struct json *document;
	struct recipe recipe;
	struct campaign campaign;
	if (!json_parse(exchange->arena, listed->recipe.data, listed->recipe.bytes, &document, err) ||
		!recipe_parse(document, &recipe, err))
		return wn_while(err, "read the recipe of %s", listed->name);
	json_put_string(writer, "campaign", recipe.campaign);
	json_put_bool(writer, "sample", recipe.sample);
	if (!listed->campaign.data)
		return true;
	if (!json_parse(exchange->arena, listed->campaign.data, listed->campaign.bytes, &document, err) ||
		!campaign_parse(document, &campaign, err))
		return wn_while(err, "read the campaign of %s", listed->name);
	json_put_string(writer, "kind", campaign.kind == ITEM_TEXT ? "text" : "window");
	json_put_string(writer, "licence", campaign.licence);
	json_put_string(writer, "question", campaign.question);
	return true;
}

static bool datasets_list(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice after = exchange_query(exchange, "after"), text;
	struct dataset_listed *listed;
	struct json_writer answer;
	size_t count;
	const char *from = wn_arena_copy(exchange->arena, after.data ? after.data : "", after.bytes);
	if (!from)
		return no_room(err);
	if (!dataset_store_list(exchange->db, exchange->arena, from, &listed, &count, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "datasets");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&answer, NULL);
		json_put_string(&answer, "dataset", listed[i].name);
		if (!put_origin(exchange, &answer, &listed[i], err))
			return false;
		if (listed[i].newest.version > 0) {
			json_put_integer(&answer, "version", listed[i].newest.version);
			put_published(&answer, &listed[i].newest);
		}
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (count == DATASET_LIST_MAX)
		json_put_string(&answer, "next", listed[count - 1].name);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool dataset_show(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice recipe, before = exchange_query(exchange, "before"), text;
	struct dataset_version *versions;
	struct json_writer answer;
	size_t count;
	bool found;
	const char *name = param_text(exchange, 0);
	int32_t below = before.data ? version_number(before) : INT32_MAX;
	if (!name)
		return no_room(err);
	if (below <= 0)
		return exchange_problem(exchange, 400, "before", "before is the number of a version.");
	if (!dataset_store_find(exchange->db, exchange->arena, name, &recipe, &found, err))
		return false;
	if (!found)
		return problem_dataset(exchange);
	if (!dataset_store_versions(exchange->db, exchange->arena, name, below, &versions, &count, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "dataset", name);
	if (!put_document(exchange, &answer, "recipe", recipe, err))
		return false;
	json_open_array(&answer, "versions");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&answer, NULL);
		put_version(&answer, &versions[i]);
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (count == DATASET_LIST_MAX)
		json_put_integer(&answer, "next", versions[count - 1].version);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

/* Finds name and version of params 0 and 1; *answered tells that a problem was written. */
static bool version_of(
	struct exchange *exchange, const char **name, struct dataset_version *out, bool *answered, struct wn_error *err)
{
	int32_t number = version_number(exchange->params[1]);
	bool found = false;
	*answered = false;
	*name = param_text(exchange, 0);
	if (!*name)
		return no_room(err);
	if (number >= 0 && !dataset_store_version(exchange->db, exchange->arena, *name, number, out, &found, err))
		return false;
	if (!found) {
		*answered = true;
		return problem_version(exchange);
	}
	return true;
}

static bool put_files(
	struct exchange *exchange, struct json_writer *answer, const char *name, int32_t version, struct wn_error *err)
{
	struct manifest_file *files;
	size_t count;
	if (!dataset_store_files(exchange->db, exchange->arena, name, version, &files, &count, err))
		return false;
	json_open_array(answer, "files");
	for (size_t i = 0; i < count; i++) {
		char *url = wn_arena_printf(exchange->arena, "/v1/datasets/%s/%d/%s", name, version, files[i].path);
		if (!url)
			return no_room(err);
		json_open_object(answer, NULL);
		json_put_string(answer, "path", files[i].path);
		json_put_integer(answer, "bytes", files[i].bytes);
		json_put_hex(answer, "sha256", files[i].sha256.bytes, ID_BYTES);
		json_put_string(answer, "url", url);
		json_close_object(answer);
	}
	json_close_array(answer);
	return true;
}

static bool version_show(struct exchange *exchange, struct wn_error *err)
{
	struct dataset_version version;
	struct minisign_public public;
	struct json_writer answer;
	struct wn_slice recipe, text;
	char key[MINISIGN_PUBLIC_ROOM], did[DID_ROOM];
	const char *name;
	bool answered, found;
	if (!version_of(exchange, &name, &version, &answered, err))
		return false;
	if (answered)
		return true;
	if (!dataset_store_find(exchange->db, exchange->arena, name, &recipe, &found, err))
		return false;
	if (!found)
		return problem_dataset(exchange);
	minisign_public_of(&exchange->node->manifest_key, &public);
	minisign_public_write(&public, key);
	did_write(did, &exchange->node->manifest_key);
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "dataset", name);
	put_version(&answer, &version);
	if (!put_document(exchange, &answer, "recipe", recipe, err))
		return false;
	json_put_hex(&answer, "network_id", exchange->node->network.bytes, ID_BYTES);
	json_put_string(&answer, "public_key", key);
	json_put_string(&answer, "manifest_key", did);
	if (version.state == VERSION_PUBLISHED) {
		char *commands[] = {
			wn_arena_printf(exchange->arena, "winnow download %s@%d --out %s-%d --key %s", name,
				version.version, name, version.version, key),
			wn_arena_printf(exchange->arena, "winnow verify %s-%d --key %s", name, version.version, key),
			wn_arena_printf(
				exchange->arena, "minisign -Vm %s-%d/manifest.json -P %s", name, version.version, key),
			wn_arena_printf(
				exchange->arena, "(cd %s-%d && sha256sum -c SHA256SUMS)", name, version.version),
		};
		json_open_array(&answer, "verify");
		for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
			if (!commands[i])
				return no_room(err);
			json_put_string(&answer, NULL, commands[i]);
		}
		json_close_array(&answer);
		if (!put_files(exchange, &answer, name, version.version, err))
			return false;
	}
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static const char *file_type(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".json", "application/json"},
		{".gz", "application/gzip"},
		{".md", "text/markdown; charset=utf-8"},
		{".minisig", "text/plain; charset=utf-8"},
		{"SHA256SUMS", "text/plain; charset=utf-8"},
		{"checkpoint", "text/plain; charset=utf-8"},
	};
	size_t bytes = strlen(path);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t ending = strlen(types[i].ending);
		if (bytes >= ending && strcmp(path + bytes - ending, types[i].ending) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

/* A file of a published version, found by its row in the database: what stands there is what may be read. `lasting`:
 * the address names bytes that never change, which everything but "latest" does. */
static bool file_answer(struct exchange *exchange, const char *name, int32_t version, const char *path,
	const struct sha256 *sha256, bool lasting, struct wn_error *err)
{
	char etag[ID_HEX_ROOM], folder[NODE_PATH_MAX];
	char *below = wn_arena_printf(exchange->arena, "datasets/%s/%d", name, version);
	if (!below)
		return no_room(err);
	char *place = wn_arena_printf(exchange->arena, "%s/%s", node_path(exchange->node, folder, below), path);
	if (!place)
		return no_room(err);
	hex_write(etag, sha256->bytes, ID_BYTES);
	exchange_header(exchange, "Cache-Control",
		lasting ? WN_SLICE("public, max-age=31536000, immutable") : WN_SLICE("no-cache"));
	return exchange_file(exchange, place, etag, file_type(path), err);
}

static bool version_file(struct exchange *exchange, struct wn_error *err)
{
	struct dataset_version version;
	struct sha256 sha256;
	const char *name, *path = param_text(exchange, 2);
	bool answered, found = false;
	if (!path)
		return no_room(err);
	if (!version_of(exchange, &name, &version, &answered, err))
		return false;
	if (answered)
		return true;
	if (strlen(path) == exchange->params[2].bytes &&
		!dataset_store_file(exchange->db, exchange->arena, name, version.version, path, &sha256, &found, err))
		return false;
	if (!found)
		return exchange_problem(exchange, 404, "file_unknown", "This version has no such file.");
	return file_answer(
		exchange, name, version.version, path, &sha256, version_number(exchange->params[1]) != 0, err);
}

static bool file_by_hash(struct exchange *exchange, struct wn_error *err)
{
	struct sha256 sha256;
	const char *name, *path;
	int32_t version;
	bool found;
	if (!exchange_id(exchange, 0, sha256.bytes))
		return true;
	if (!dataset_store_file_by_hash(exchange->db, exchange->arena, &sha256, &name, &version, &path, &found, err))
		return false;
	if (!found)
		return exchange_problem(
			exchange, 404, "file_unknown", "No published version has a file with this SHA-256.");
	return file_answer(exchange, name, version, path, &sha256, true, err);
}

/* ---- asking for a release -------------------------------------------------------------------------------------------
 */

static bool release_entry(struct exchange *exchange, const struct recipe *recipe, struct wn_slice canonical,
	int32_t version, struct wn_slice *out, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice text;
	journal_entry_begin(&entry, exchange->arena, "release", exchange->now_ms);
	json_put_string(&entry, "name", recipe->name);
	json_put_integer(&entry, "version", version);
	json_put_raw(&entry, "recipe", canonical);
	/* Two that are asked for in one millisecond of a manual clock are two entries. */
	uint8_t nonce[ID_BYTES / 2];
	random_bytes(nonce, sizeof nonce);
	json_put_hex(&entry, "nonce", nonce, sizeof nonce);
	json_close_object(&entry);
	if (!json_end(&entry, &text, err) || !jcs_canonical(exchange->arena, text.data, text.bytes, out, err))
		return false;
	tree_leaf(out->data, out->bytes, leaf);
	return true;
}

static bool release_answer(
	struct exchange *exchange, const char *name, int32_t version, const struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice receipt, text;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "dataset", name);
	json_put_integer(&answer, "version", version);
	json_put_string(&answer, "state", version_state_name(VERSION_WANTED));
	if (leaf) {
		if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, leaf,
			    exchange->now_ms, &receipt, err))
			return false;
		json_put_raw(&answer, "receipt", receipt);
	}
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 202, text, err);
}

/* The recipe of the body against its campaign; *answered tells that a problem was written. */
static bool release_recipe(struct exchange *exchange, struct recipe *recipe, struct wn_slice *canonical, bool *answered,
	struct wn_error *err)
{
	static const char *const members[] = {"dataset", NULL};
	const struct json *body, *document;
	struct campaign campaign;
	struct wn_slice text, unknown;
	bool found;
	if (!exchange_json(exchange, &body, answered, err))
		return *answered;
	*answered = true;
	if (!json_only_members(body, members, &unknown) || !json_get(body, "dataset"))
		return exchange_problem(exchange, 400, "dataset_missing",
			"The body is {\"dataset\": {\"name\": ..., \"campaign\": ...}}.");
	if (!recipe_parse(json_get(body, "dataset"), recipe, err))
		return exchange_problem(exchange, 400, err->code, "%s", err->text);
	if (!dataset_store_campaign(exchange->db, exchange->arena, recipe->campaign, &text, &found, err))
		return false;
	if (!found)
		return exchange_problem(
			exchange, 404, "campaign_unknown", "There is no campaign %s.", recipe->campaign);
	if (!json_parse(exchange->arena, text.data, text.bytes, &document, err) ||
		!campaign_parse(document, &campaign, err))
		return wn_while(err, "read campaign %s", recipe->campaign);
	/* Nobody needs to know that a campaign is a try-out to ask for its dataset. */
	recipe->sample = recipe->sample || campaign.sample;
	if (!recipe_fits(recipe, &campaign, err))
		return exchange_problem(exchange, 400, err->code, "%s", err->text);
	*answered = false;
	return recipe_write(exchange->arena, recipe, canonical, err);
}

static bool release_want(struct exchange *exchange, struct wn_error *err)
{
	struct recipe recipe;
	struct wn_slice canonical, standing, entry;
	struct sha256 leaf;
	enum version_state state;
	int32_t newest;
	bool answered, found;
	if (!release_recipe(exchange, &recipe, &canonical, &answered, err))
		return false;
	if (answered)
		return true;
	if (!db_begin(exchange->db, err) || !dataset_store_lock(exchange->db, exchange->arena, recipe.name, err) ||
		!dataset_store_find(exchange->db, exchange->arena, recipe.name, &standing, &found, err))
		return false;
	if (found && !wn_slice_equal(standing, canonical))
		return exchange_problem(exchange, 409, "dataset_exists",
			"The dataset %s has another recipe, and a dataset is its recipe: choose a new name.",
			recipe.name);
	if ((!found && !dataset_store_insert(
			       exchange->db, exchange->arena, recipe.name, canonical, exchange->now_ms, err)) ||
		!dataset_store_newest(exchange->db, exchange->arena, recipe.name, &newest, &state, err))
		return false;
	if (newest > 0 && state == VERSION_WANTED) {
		db_rollback(exchange->db);
		return release_answer(exchange, recipe.name, newest, NULL, err);
	}
	bool again = newest > 0 && state != VERSION_PUBLISHED;
	int32_t version = again ? newest : newest + 1;
	if (version > MANIFEST_VERSION_MAX)
		return wn_fail(
			err, WN_FULL, "versions_many", "a dataset has at most %d versions", MANIFEST_VERSION_MAX);
	return release_entry(exchange, &recipe, canonical, version, &entry, &leaf, err) &&
	       dataset_store_want(
		       exchange->db, exchange->arena, recipe.name, version, again, exchange->now_ms, &leaf, err) &&
	       journal_append(exchange->db, exchange->arena, entry, NULL, err) && db_commit(exchange->db, err) &&
	       release_answer(exchange, recipe.name, version, &leaf, err);
}

const struct route dataset_routes[] = {
	{.method = "GET",
		.pattern = "/v1/datasets",
		.access = ROUTE_OPEN,
		.handle = datasets_list,
		.summary = "List datasets",
		.query = "after:Name",
		.gives = "200:Datasets"},
	{.method = "GET",
		.pattern = "/v1/datasets/{name}",
		.access = ROUTE_OPEN,
		.handle = dataset_show,
		.summary = "Recipe and versions of a dataset",
		.query = "before:VersionNumber",
		.gives = "200:Dataset"},
	{.method = "GET",
		.pattern = "/v1/datasets/{name}/{version}",
		.access = ROUTE_OPEN,
		.handle = version_show,
		.summary = "One version, or latest: root, keys, files, how to verify",
		.gives = "200:DatasetVersion"},
	{.method = "GET",
		.pattern = "/v1/datasets/{name}/{version}/{rest*}",
		.access = ROUTE_OPEN,
		.handle = version_file,
		.summary = "A file of a version",
		.gives = "200:*/*,206:*/*,304",
		.refuses = "416"},
	{.method = "GET",
		.pattern = "/v1/files/{sha256}",
		.access = ROUTE_OPEN,
		.handle = file_by_hash,
		.summary = "A file by its SHA-256",
		.gives = "200:*/*,206:*/*,304",
		.refuses = "416"},
	{.method = "POST",
		.pattern = "/operator/releases",
		.access = ROUTE_OPERATOR,
		.body_max = RELEASE_BODY_MAX,
		.handle = release_want,
		.summary = "Ask for a dataset's next version (operator's socket)",
		.takes = "ReleaseWish",
		.gives = "202:Release",
		.refuses = "404,409"},
	{.method = NULL},
};
