/* The checks of a version, from the signature inward: nothing is believed before the hash above it holds. */
#include "dataset/dataset_verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/hash.h"
#include "core/item_id.h"
#include "core/tree.h"
#include "dataset/row.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"

enum {
	VERIFY_SMALL_BYTES = 4 * 1024 * 1024, /* campaign, genesis, checkpoint, sums */
	VERIFY_SHARD_ARENA = SHARD_BYTES_MAX + 1024,
	VERIFY_ROW_ARENA = 8 * 1024 * 1024,
	VERIFY_SMALL_ARENA = 64 * 1024 * 1024,
};

static const char *const verify_codes[VERIFY_RESULTS] = {
	[VERIFY_GOOD] = "verify_good",
	[VERIFY_FOLDER] = "verify_folder",
	[VERIFY_READ] = "verify_read",
	[VERIFY_MANIFEST_MISSING] = "verify_manifest_missing",
	[VERIFY_SIGNATURE_MISSING] = "verify_signature_missing",
	[VERIFY_SIGNATURE_FORM] = "verify_signature_form",
	[VERIFY_MANIFEST_LARGE] = "verify_manifest_large",
	[VERIFY_MANIFEST] = "verify_manifest",
	[VERIFY_MANIFEST_CANONICAL] = "verify_manifest_canonical",
	[VERIFY_SCHEMA] = "verify_schema",
	[VERIFY_PATH] = "verify_path",
	[VERIFY_MANIFEST_ORDER] = "verify_manifest_order",
	[VERIFY_KEY] = "verify_key",
	[VERIFY_SIGNATURE] = "verify_signature",
	[VERIFY_COMMENT] = "verify_comment",
	[VERIFY_LINK] = "verify_link",
	[VERIFY_KIND] = "verify_kind",
	[VERIFY_FILES_MANY] = "verify_files_many",
	[VERIFY_FILE_EXTRA] = "verify_file_extra",
	[VERIFY_FILE_MISSING] = "verify_file_missing",
	[VERIFY_FILE_SIZE] = "verify_file_size",
	[VERIFY_FILE_HASH] = "verify_file_hash",
	[VERIFY_GENESIS] = "verify_genesis",
	[VERIFY_CAMPAIGN] = "verify_campaign",
	[VERIFY_RECIPE] = "verify_recipe",
	[VERIFY_CHECKPOINT] = "verify_checkpoint",
	[VERIFY_SUMS] = "verify_sums",
	[VERIFY_SHARD_NAME] = "verify_shard_name",
	[VERIFY_SHARD_LARGE] = "verify_shard_large",
	[VERIFY_SHARD_GZIP] = "verify_shard_gzip",
	[VERIFY_SHARD_TRAILING] = "verify_shard_trailing",
	[VERIFY_SHARD_LINE] = "verify_shard_line",
	[VERIFY_ROW] = "verify_row",
	[VERIFY_ROW_CANONICAL] = "verify_row_canonical",
	[VERIFY_ROW_TWICE] = "verify_row_twice",
	[VERIFY_ROW_ORDER] = "verify_row_order",
	[VERIFY_ROW_ID] = "verify_row_id",
	[VERIFY_ROW_EXPORT] = "verify_row_export",
	[VERIFY_ROW_SPLIT] = "verify_row_split",
	[VERIFY_ROW_RECIPE] = "verify_row_recipe",
	[VERIFY_ROW_LICENCE] = "verify_row_licence",
	[VERIFY_ROW_COUNT] = "verify_row_count",
	[VERIFY_ROW_ROOT] = "verify_row_root",
	[VERIFY_RECEIPTS] = "verify_receipts",
	[VERIFY_LICENCES] = "verify_licences",
	[VERIFY_MEMORY] = "verify_memory",
};

const char *verify_code(enum verify_result result)
{
	wn_assert(result < VERIFY_RESULTS);
	return verify_codes[result];
}

struct verify {
	struct wn_arena *arena; /* the caller's: what the report points to */
	struct wn_arena small, shard, row;
	const struct verify_watch *watch;
	struct dataset_report *report;
	int folder;
	struct campaign campaign;
	struct tree_frontier tree;
	struct item_id last;
	bool licence_seen[MANIFEST_LICENCES_MAX];
	bool *file_seen;
	int64_t bytes_all;
};

static bool refuse(struct verify *verify, struct wn_error *err, enum verify_result result, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static bool refuse(struct verify *verify, struct wn_error *err, enum verify_result result, const char *format, ...)
{
	char text[WN_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	enum wn_blame blame = result == VERIFY_READ ? WN_DOWN : result == VERIFY_MEMORY ? WN_FULL : WN_INPUT;
	verify->report->result = result;
	return wn_fail(err, blame, verify_code(result), "%s", text);
}

/* What a part reported, as one of our words: the first that fits the code, else `otherwise`. */
struct verify_word {
	const char *code;
	enum verify_result result;
};
static bool refuse_as(
	struct verify *verify, struct wn_error *err, const struct verify_word words[], enum verify_result otherwise)
{
	char text[WN_TEXT_MAX];
	snprintf(text, sizeof text, "%s", err->text);
	if (err->blame == WN_FULL)
		return refuse(verify, err, VERIFY_MEMORY, "%s", text);
	if (err->blame != WN_INPUT)
		return refuse(verify, err, VERIFY_READ, "%s", text);
	for (int i = 0; words && words[i].code; i++)
		if (strcmp(words[i].code, err->code) == 0)
			return refuse(verify, err, words[i].result, "%s", text);
	return refuse(verify, err, otherwise, "%s", text);
}

static const struct verify_word verify_folder_words[] = {
	{"folder_missing", VERIFY_FILE_MISSING},
	{"folder_link", VERIFY_LINK},
	{"folder_kind", VERIFY_KIND},
	{"folder_deep", VERIFY_KIND},
	{"folder_many", VERIFY_FILES_MANY},
	{"folder_large", VERIFY_FILE_SIZE},
	{NULL, VERIFY_GOOD},
};

/* ---- manifest and signature --------------------------------------------------------------------------------- */

static bool check_signature(
	struct verify *verify, struct wn_slice manifest, struct wn_slice signature, struct wn_error *err)
{
	static const struct verify_word words[] = {
		{"minisign_key", VERIFY_KEY},
		{"minisign_signature", VERIFY_SIGNATURE},
		{"minisign_comment", VERIFY_COMMENT},
		{NULL, VERIFY_GOOD},
	};
	struct dataset_report *report = verify->report;
	if (!minisign_verify(verify->arena, &report->key, manifest.data, manifest.bytes, signature,
		    &report->trusted_comment, err))
		return refuse_as(verify, err, words, VERIFY_SIGNATURE_FORM);
	if (!minisign_is_ours(&report->key, signature))
		return refuse(verify, err, VERIFY_SIGNATURE_FORM, "the untrusted comment or a line's end was changed");
	return true;
}

static bool parse_manifest(struct verify *verify, struct wn_slice text, struct wn_error *err)
{
	static const struct verify_word words[] = {
		{"manifest_large", VERIFY_MANIFEST_LARGE},
		{"manifest_canonical", VERIFY_MANIFEST_CANONICAL},
		{"manifest_schema", VERIFY_SCHEMA},
		{"manifest_path", VERIFY_PATH},
		{"manifest_order", VERIFY_MANIFEST_ORDER},
		{NULL, VERIFY_GOOD},
	};
	return manifest_parse(verify->arena, text, &verify->report->manifest, err) ||
	       refuse_as(verify, err, words, VERIFY_MANIFEST);
}

static bool check_manifest(struct verify *verify, const struct minisign_public *given, struct wn_error *err)
{
	static const struct verify_word manifest_missing[] = {{"folder_missing", VERIFY_MANIFEST_MISSING},
		{"folder_link", VERIFY_LINK}, {"folder_kind", VERIFY_KIND}, {NULL, VERIFY_GOOD}};
	static const struct verify_word signature_missing[] = {{"folder_missing", VERIFY_SIGNATURE_MISSING},
		{"folder_link", VERIFY_LINK}, {"folder_kind", VERIFY_KIND}, {NULL, VERIFY_GOOD}};
	struct dataset_report *report = verify->report;
	struct wn_slice text, signature;
	if (!folder_file_read(verify->arena, verify->folder, MANIFEST_NAME, MANIFEST_BYTES_MAX, &text, err))
		return refuse_as(verify, err, manifest_missing, VERIFY_MANIFEST_LARGE);
	if (!folder_file_read(
		    verify->arena, verify->folder, MANIFEST_SIGNATURE_NAME, MINISIGN_FILE_MAX, &signature, err))
		return refuse_as(verify, err, signature_missing, VERIFY_SIGNATURE_FORM);
	sha256_of(text.data, text.bytes, &report->manifest_sha256);
	report->key_given = given != NULL;
	if (given) {
		/* With a key that is trusted nothing unsigned is even parsed. */
		report->key = *given;
		if (!check_signature(verify, text, signature, err) || !parse_manifest(verify, text, err))
			return false;
	} else {
		if (!parse_manifest(verify, text, err))
			return false;
		minisign_public_of(&report->manifest.manifest_key, &report->key);
		if (!check_signature(verify, text, signature, err))
			return false;
	}
	if (id_compare(&report->key.key, &report->manifest.manifest_key) != 0)
		return refuse(verify, err, VERIFY_KEY, "the manifest names another key than the one that signed it");
	return true;
}

/* ---- which files there are ----------------------------------------------------------------------------------- */

static bool check_listed(void *context, const char *path, struct wn_error *err)
{
	struct verify *verify = context;
	const struct manifest *manifest = &verify->report->manifest;
	if (strcmp(path, MANIFEST_NAME) == 0 || strcmp(path, MANIFEST_SIGNATURE_NAME) == 0)
		return true;
	const struct manifest_file *file = manifest_find(manifest, path);
	if (!file)
		return wn_fail(err, WN_INPUT, "file_extra", "the manifest does not list %s", path);
	verify->file_seen[file - manifest->files] = true;
	return true;
}

static bool check_files(struct verify *verify, struct wn_error *err)
{
	static const char *const needed[] = {"README.md", MANIFEST_SUMS_NAME, "campaign.json", "checkpoint",
		"genesis.json", MANIFEST_RECEIPTS_NAME, NULL};
	struct verify_word words[sizeof verify_folder_words / sizeof verify_folder_words[0] + 1] = {
		{"file_extra", VERIFY_FILE_EXTRA}};
	const struct manifest *manifest = &verify->report->manifest;
	memcpy(words + 1, verify_folder_words, sizeof verify_folder_words);
	for (int i = 0; needed[i]; i++)
		if (!manifest_find(manifest, needed[i]))
			return refuse(verify, err, VERIFY_FILE_MISSING, "the manifest lists no %s", needed[i]);
	verify->file_seen = wn_arena_array(verify->arena, manifest->file_count, sizeof *verify->file_seen);
	if (!verify->file_seen)
		return refuse(verify, err, VERIFY_MEMORY, "no room for the list of files");
	/* Folders count as entries too; there are at most as many as files. */
	if (!folder_walk(verify->folder, 2 * manifest->file_count + 2, check_listed, verify, err))
		return refuse_as(verify, err, words, VERIFY_FOLDER);
	for (size_t i = 0; i < manifest->file_count; i++) {
		if (!verify->file_seen[i])
			return refuse(verify, err, VERIFY_FILE_MISSING, "%s is not there", manifest->files[i].path);
		verify->bytes_all += manifest->files[i].bytes;
	}
	return true;
}

static void verify_step(struct verify *verify, int64_t bytes)
{
	verify->report->bytes += bytes;
	if (verify->watch && verify->watch->progress)
		verify->watch->progress(verify->watch->context, verify->report->bytes, verify->bytes_all);
}

static bool check_hash(struct verify *verify, const struct manifest_file *file, int64_t bytes,
	const struct sha256 *hash, struct wn_error *err)
{
	if (bytes != file->bytes)
		return refuse(verify, err, VERIFY_FILE_SIZE, "%s has %lld bytes, the manifest says %lld", file->path,
			(long long)bytes, (long long)file->bytes);
	if (id_compare(hash, &file->sha256) != 0)
		return refuse(
			verify, err, VERIFY_FILE_HASH, "%s has another SHA-256 than the manifest says", file->path);
	return true;
}

/* A listed file in memory, its size and hash checked. */
static bool read_file(struct verify *verify, struct wn_arena *arena, const struct manifest_file *file, size_t bytes_max,
	struct wn_slice *out, struct wn_error *err)
{
	struct sha256 hash;
	if (!folder_file_read(arena, verify->folder, file->path, bytes_max, out, err))
		return refuse_as(verify, err, verify_folder_words, VERIFY_FOLDER);
	sha256_of(out->data, out->bytes, &hash);
	return check_hash(verify, file, (int64_t)out->bytes, &hash, err);
}

static bool read_named(struct verify *verify, const char *path, struct wn_slice *out, struct wn_error *err)
{
	const struct manifest_file *file = manifest_find(&verify->report->manifest, path);
	wn_assert(file != NULL);
	if (!read_file(verify, &verify->small, file, VERIFY_SMALL_BYTES, out, err))
		return false;
	verify_step(verify, file->bytes);
	return true;
}

/* ---- where the version comes from ------------------------------------------------------------------------------ */

/* The network's id is the hash of its genesis, and genesis names the keys: so the id alone leads to them. */
static bool check_genesis(struct verify *verify, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	struct account_key checkpoint_key, manifest_key;
	const struct json *genesis;
	struct wn_slice text;
	struct sha256 hash;
	if (!read_named(verify, "genesis.json", &text, err))
		return false;
	sha256_of(text.data, text.bytes, &hash);
	if (memcmp(hash.bytes, manifest->network.bytes, ID_BYTES) != 0)
		return refuse(verify, err, VERIFY_GENESIS,
			"genesis.json is not the genesis of the network that the manifest names");
	if (!json_parse(&verify->small, text.data, text.bytes, &genesis, err))
		return refuse_as(verify, err, NULL, VERIFY_GENESIS);
	const struct json *keys = json_get(genesis, "keys");
	const char *checkpoint = json_member_string(keys, "checkpoint", ""),
		   *signer = json_member_string(keys, "manifest", "");
	if (!checkpoint || !signer || !did_read(&checkpoint_key, checkpoint, strlen(checkpoint)) ||
		!did_read(&manifest_key, signer, strlen(signer)) ||
		id_compare(&checkpoint_key, &manifest->checkpoint_key) != 0 ||
		id_compare(&manifest_key, &manifest->manifest_key) != 0)
		return refuse(verify, err, VERIFY_GENESIS, "the network's genesis names other keys than the manifest");
	return true;
}

static bool check_campaign(struct verify *verify, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	const struct json *document;
	struct wn_slice text;
	struct sha256 hash;
	if (!read_named(verify, "campaign.json", &text, err))
		return false;
	sha256_of(text.data, text.bytes, &hash);
	if (id_compare(&hash, &manifest->campaign_sha256) != 0)
		return refuse(
			verify, err, VERIFY_CAMPAIGN, "campaign.json is not the document that the manifest names");
	if (!json_parse(&verify->small, text.data, text.bytes, &document, err) ||
		!campaign_parse(document, &verify->campaign, err))
		return refuse_as(verify, err, NULL, VERIFY_CAMPAIGN);
	if (!recipe_fits(&manifest->recipe, &verify->campaign, err))
		return refuse_as(verify, err, NULL, VERIFY_RECIPE);
	return true;
}

static bool check_checkpoint(struct verify *verify, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	struct checkpoint checkpoint;
	struct wn_slice text;
	if (!read_named(verify, "checkpoint", &text, err))
		return false;
	if (!wn_slice_equal(text, manifest->checkpoint_note))
		return refuse(verify, err, VERIFY_CHECKPOINT, "the file checkpoint is not the manifest's note");
	if (!checkpoint_parse(text.data, text.bytes, &manifest->network, &manifest->checkpoint_key, &checkpoint, err))
		return refuse_as(verify, err, NULL, VERIFY_CHECKPOINT);
	if (checkpoint.size != (uint64_t)manifest->checkpoint_size ||
		id_compare(&checkpoint.root, &manifest->checkpoint_root) != 0)
		return refuse(verify, err, VERIFY_CHECKPOINT,
			"the note is about another size or root than the manifest says");
	return true;
}

static bool check_sums(struct verify *verify, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	struct wn_slice text, right;
	if (!read_named(verify, MANIFEST_SUMS_NAME, &text, err))
		return false;
	if (!manifest_sums(&verify->small, manifest->files, manifest->file_count, &right, err))
		return refuse_as(verify, err, NULL, VERIFY_MEMORY);
	if (!wn_slice_equal(text, right))
		return refuse(verify, err, VERIFY_SUMS, MANIFEST_SUMS_NAME " says something else than the manifest");
	return true;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static bool check_row_recipe(struct verify *verify, const struct row *row, long long number, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	int class = campaign_class(&verify->campaign, row->label);
	if (strcmp(row->split, recipe_split_of(&manifest->recipe, &row->item)) != 0)
		return refuse(verify, err, VERIFY_ROW_SPLIT, "row %lld belongs into another split", number);
	if (class < 0 || verify->campaign.choices[class].verdict != CHOICE_KEEP ||
		!recipe_takes(&manifest->recipe, row->label, row->p_good, row->licence))
		return refuse(verify, err, VERIFY_ROW_RECIPE, "row %lld does not meet the recipe", number);
	for (size_t i = 0; i < manifest->licence_count; i++)
		if (strcmp(manifest->licences[i], row->licence) == 0) {
			verify->licence_seen[i] = true;
			return true;
		}
	return refuse(verify, err, VERIFY_ROW_LICENCE, "the manifest does not list the licence of row %lld", number);
}

static bool check_row(void *context, struct wn_slice line, struct wn_error *err)
{
	static const struct verify_word words[] = {{"row_canonical", VERIFY_ROW_CANONICAL}, {NULL, VERIFY_GOOD}};
	struct verify *verify = context;
	struct dataset_report *report = verify->report;
	long long number = report->rows;
	struct row row;
	struct item_id id;
	struct sha256 leaf;
	wn_arena_reset(&verify->row);
	if (!row_parse(&verify->row, line.data, line.bytes, &row, err)) {
		refuse_as(verify, err, words, VERIFY_ROW);
		return wn_while(err, "row %lld", number);
	}
	int order = number > 0 ? id_compare(&verify->last, &row.item) : -1;
	if (order == 0)
		return refuse(verify, err, VERIFY_ROW_TWICE, "row %lld has the item of the row before", number);
	if (order > 0)
		return refuse(verify, err, VERIFY_ROW_ORDER, "row %lld comes before the row before it", number);
	item_id_of(&report->manifest.network, &row.salt, &row.canonical_sha256, &id);
	if (id_compare(&id, &row.item) != 0)
		return refuse(verify, err, VERIFY_ROW_ID,
			"the item id of row %lld does not follow from its salt and content", number);
	const struct source_policy *policy = source_policy_of(row.source);
	if ((policy->ids_only && !row.ids_only) || (!policy->train && row.train))
		return refuse(verify, err, VERIFY_ROW_EXPORT, "row %lld hands on what the terms of %s forbid", number,
			row.source);
	if (!check_row_recipe(verify, &row, number, err))
		return false;
	tree_leaf(line.data, line.bytes, &leaf);
	tree_append(&verify->tree, &leaf, NULL, NULL);
	verify->last = row.item;
	report->rows++;
	return !verify->watch || !verify->watch->row || verify->watch->row(verify->watch->context, &row.item, err);
}

static bool check_shard(struct verify *verify, const struct manifest_file *file, struct wn_error *err)
{
	static const struct verify_word words[] = {
		{"shard_gzip", VERIFY_SHARD_GZIP},
		{"shard_trailing", VERIFY_SHARD_TRAILING},
		{"shard_line", VERIFY_SHARD_LINE},
		{"shard_large", VERIFY_SHARD_LARGE},
		{NULL, VERIFY_GOOD},
	};
	struct wn_slice gzip;
	if (file->bytes > SHARD_BYTES_MAX)
		return refuse(
			verify, err, VERIFY_SHARD_LARGE, "%s has more than %d bytes", file->path, SHARD_BYTES_MAX);
	wn_arena_reset(&verify->shard);
	if (!read_file(verify, &verify->shard, file, SHARD_BYTES_MAX, &gzip, err))
		return false;
	if (shard_read(gzip.data, gzip.bytes, check_row, verify, err))
		return true;
	/* A refused row has its word already; so has a failure of whoever watches. */
	if (strncmp(err->code, "shard_", 6) == 0 || strcmp(err->code, "memory") == 0)
		refuse_as(verify, err, words, VERIFY_SHARD_GZIP);
	return wn_while(err, "%s", file->path);
}

static bool check_rows(struct verify *verify, struct wn_error *err)
{
	const struct manifest *manifest = &verify->report->manifest;
	char right[MANIFEST_PATH_MAX];
	size_t shards = 0;
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		if (strncmp(file->path, "data/", 5) != 0)
			continue;
		snprintf(right, sizeof right, "data/part-%05zu.jsonl.gz", shards++);
		if (strcmp(file->path, right) != 0)
			return refuse(verify, err, VERIFY_SHARD_NAME, "%s stands where %s should", file->path, right);
		if (!check_shard(verify, file, err))
			return false;
		verify_step(verify, file->bytes);
	}
	tree_frontier_root(&verify->tree, &verify->report->row_root);
	if (verify->report->rows != manifest->row_count)
		return refuse(verify, err, VERIFY_ROW_COUNT, "%lld rows, the manifest says %lld",
			(long long)verify->report->rows, (long long)manifest->row_count);
	if (id_compare(&verify->report->row_root, &manifest->row_root) != 0)
		return refuse(verify, err, VERIFY_ROW_ROOT, "the rows have another root than the manifest says");
	for (size_t i = 0; i < manifest->licence_count; i++)
		if (!verify->licence_seen[i])
			return refuse(verify, err, VERIFY_LICENCES, "no row has the licence %s", manifest->licences[i]);
	return true;
}

/* ---- receipts and what else is listed ------------------------------------------------------------------------- */

struct verify_receipts {
	struct sha256_stream *hash;
	struct tree_frontier tree;
	int64_t bytes;
	size_t held;
	struct sha256 leaf;
};

static bool receipts_piece(void *context, const void *data, size_t count, struct wn_error *err)
{
	struct verify_receipts *receipts = context;
	const uint8_t *next = data;
	(void)err;
	sha256_add(receipts->hash, data, count);
	receipts->bytes += (int64_t)count;
	while (count > 0) {
		size_t some = ID_BYTES - receipts->held < count ? ID_BYTES - receipts->held : count;
		memcpy(receipts->leaf.bytes + receipts->held, next, some);
		receipts->held = (receipts->held + some) % ID_BYTES;
		next += some;
		count -= some;
		if (receipts->held == 0)
			tree_append(&receipts->tree, &receipts->leaf, NULL, NULL);
	}
	return true;
}

static bool check_receipts(struct verify *verify, struct wn_error *err)
{
	const struct manifest_file *file = manifest_find(&verify->report->manifest, MANIFEST_RECEIPTS_NAME);
	struct verify_receipts receipts = {.hash = sha256_open()};
	struct sha256 hash, root;
	bool ok = folder_file_stream(verify->folder, MANIFEST_RECEIPTS_NAME, receipts_piece, &receipts, err);
	sha256_close(receipts.hash, &hash);
	if (!ok)
		return refuse_as(verify, err, verify_folder_words, VERIFY_FOLDER);
	if (!check_hash(verify, file, receipts.bytes, &hash, err))
		return false;
	tree_frontier_root(&receipts.tree, &root);
	/* Equal roots over equally many leaves: the leaves are the rows'. */
	if (receipts.bytes != verify->report->rows * ID_BYTES || id_compare(&root, &verify->report->row_root) != 0)
		return refuse(verify, err, VERIFY_RECEIPTS, MANIFEST_RECEIPTS_NAME " does not hold the rows' leaves");
	verify_step(verify, file->bytes);
	return true;
}

static bool check_others(struct verify *verify, struct wn_error *err)
{
	static const char *const known[] = {
		MANIFEST_SUMS_NAME, "campaign.json", "checkpoint", "genesis.json", MANIFEST_RECEIPTS_NAME, NULL};
	const struct manifest *manifest = &verify->report->manifest;
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		bool done = strncmp(file->path, "data/", 5) == 0;
		struct sha256 hash;
		int64_t bytes;
		for (int k = 0; known[k]; k++)
			done = done || strcmp(file->path, known[k]) == 0;
		if (done)
			continue;
		if (!folder_file_sha256(verify->folder, file->path, &hash, &bytes, err))
			return refuse_as(verify, err, verify_folder_words, VERIFY_FOLDER);
		if (!check_hash(verify, file, bytes, &hash, err))
			return false;
		verify_step(verify, bytes);
	}
	return true;
}

bool dataset_verify(struct wn_arena *arena, const char *dir, const struct minisign_public *key,
	const struct verify_watch *watch, struct dataset_report *report, struct wn_error *err)
{
	struct verify *verify = calloc(1, sizeof *verify);
	memset(report, 0, sizeof *report);
	if (!verify) {
		report->result = VERIFY_MEMORY;
		return wn_fail(err, WN_FULL, verify_code(VERIFY_MEMORY), "no room to verify");
	}
	verify->arena = arena;
	verify->watch = watch;
	verify->report = report;
	verify->folder = -1;
	wn_arena_init(&verify->small, VERIFY_SMALL_ARENA);
	wn_arena_init(&verify->shard, VERIFY_SHARD_ARENA);
	wn_arena_init(&verify->row, VERIFY_ROW_ARENA);
	bool ok = folder_open(dir, &verify->folder, err) || refuse_as(verify, err, NULL, VERIFY_FOLDER);
	ok = ok && check_manifest(verify, key, err) && check_files(verify, err) && check_genesis(verify, err) &&
	     check_campaign(verify, err) && check_checkpoint(verify, err) && check_sums(verify, err) &&
	     check_rows(verify, err) && check_receipts(verify, err) && check_others(verify, err);
	if (verify->folder >= 0)
		close(verify->folder);
	wn_arena_free(&verify->small);
	wn_arena_free(&verify->shard);
	wn_arena_free(&verify->row);
	free(verify);
	return ok;
}

bool verify_key_read(const char *text, struct minisign_public *out, struct wn_error *err)
{
	struct account_key key;
	size_t bytes = strlen(text);
	if (did_read(&key, text, bytes)) {
		minisign_public_of(&key, out);
		return true;
	}
	return minisign_public_read(out, text, bytes) ||
	       wn_fail(err, WN_INPUT, "verify_key_text", "a key is a minisign public key in base64 or did:key:z6Mk...");
}
