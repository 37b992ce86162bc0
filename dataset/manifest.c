/* Manifests: written in one form, read with every member named, so that nothing in them goes unnoticed. */
#include "dataset/manifest.h"

#include <string.h>

bool manifest_path_ok(const char *path)
{
	size_t bytes = strlen(path);
	int components = 1;
	if (bytes == 0 || bytes > MANIFEST_PATH_MAX)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		char c = path[i];
		bool first = i == 0 || path[i - 1] == '/';
		if (c == '/') {
			if (first || i + 1 == bytes || ++components > 2)
				return false;
		} else if (c == '.') {
			if (first)
				return false;
		} else if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", c)) {
			return false;
		}
	}
	/* The two files that a manifest cannot list: itself and its signature. */
	return strcmp(path, MANIFEST_NAME) != 0 && strcmp(path, MANIFEST_SIGNATURE_NAME) != 0;
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path)
{
	for (size_t low = 0, high = manifest->file_count; low < high;) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(path, manifest->files[middle].path);
		if (order == 0)
			return &manifest->files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool manifest_sums(struct wn_arena *arena, const struct manifest_file *files, size_t count, struct wn_slice *out,
	struct wn_error *err)
{
	struct wn_text text;
	char hex[ID_HEX_ROOM];
	wn_text_init(&text, arena);
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].path, MANIFEST_SUMS_NAME) != 0)
			wn_text_printf(
				&text, "%s  %s\n", hex_write(hex, files[i].sha256.bytes, ID_BYTES), files[i].path);
	*out = (struct wn_slice){text.data, text.bytes};
	return !text.full || wn_fail(err, WN_FULL, "memory", "no room for the checksums");
}

static void put_did(struct json_writer *writer, const char *name, const struct account_key *key)
{
	char did[DID_ROOM];
	did_write(did, key);
	json_put_string(writer, name, did);
}

static void put_files(struct json_writer *writer, const struct manifest *manifest)
{
	json_open_array(writer, "files");
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		wn_assert(manifest_path_ok(file->path));
		json_open_object(writer, NULL);
		json_put_integer(writer, "bytes", file->bytes);
		json_put_string(writer, "path", file->path);
		json_put_hex(writer, "sha256", file->sha256.bytes, ID_BYTES);
		json_close_object(writer);
	}
	json_close_array(writer);
}

static void put_previous(struct json_writer *writer, const struct manifest *manifest)
{
	if (!manifest->has_previous) {
		json_put_raw(writer, "previous", WN_SLICE("null"));
		return;
	}
	json_open_object(writer, "previous");
	json_put_hex(writer, "manifest_sha256", manifest->previous_manifest_sha256.bytes, ID_BYTES);
	json_put_hex(writer, "row_root", manifest->previous_row_root.bytes, ID_BYTES);
	json_put_integer(writer, "version", manifest->previous_version);
	json_close_object(writer);
}

bool manifest_write(struct wn_arena *arena, const struct manifest *manifest, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice recipe, text;
	if (!recipe_write(arena, &manifest->recipe, &recipe, err))
		return false;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_hex(&writer, "campaign_sha256", manifest->campaign_sha256.bytes, ID_BYTES);
	json_open_object(&writer, "changes");
	json_put_integer(&writer, "added", manifest->added);
	json_put_integer(&writer, "removed", manifest->removed);
	json_close_object(&writer);
	json_open_object(&writer, "checkpoint");
	json_put_slice(&writer, "note", manifest->checkpoint_note);
	json_put_hex(&writer, "root", manifest->checkpoint_root.bytes, ID_BYTES);
	json_put_integer(&writer, "size", manifest->checkpoint_size);
	json_close_object(&writer);
	put_did(&writer, "checkpoint_key", &manifest->checkpoint_key);
	json_open_object(&writer, "codecs");
	json_put_string(&writer, "gzip", manifest->gzip_codec);
	json_close_object(&writer);
	json_put_string(&writer, "dataset", manifest->dataset);
	put_files(&writer, manifest);
	json_open_array(&writer, "licences");
	for (size_t i = 0; i < manifest->licence_count; i++)
		json_put_string(&writer, NULL, manifest->licences[i]);
	json_close_array(&writer);
	put_did(&writer, "manifest_key", &manifest->manifest_key);
	json_put_hex(&writer, "network_id", manifest->network.bytes, ID_BYTES);
	put_previous(&writer, manifest);
	json_put_raw(&writer, "recipe", recipe);
	json_put_integer(&writer, "row_count", manifest->row_count);
	json_put_hex(&writer, "row_root", manifest->row_root.bytes, ID_BYTES);
	json_put_integer(&writer, "schema", MANIFEST_SCHEMA);
	json_put_integer(&writer, "version", manifest->version);
	json_close_object(&writer);
	if (!json_end(&writer, &text, err) || !jcs_canonical(arena, text.data, text.bytes, out, err))
		return wn_while(err, "write the manifest");
	if (out->bytes > MANIFEST_BYTES_MAX)
		return wn_fail(err, WN_INPUT, "manifest_large", "a manifest has at most %d bytes", MANIFEST_BYTES_MAX);
	return true;
}

static bool bad_value(struct wn_error *err, const char *name, const char *what)
{
	return wn_fail(err, WN_INPUT, "manifest_value", "%s is not %s", name, what);
}

/* All of `names`, and nothing else. */
static bool only(const struct json *object, const char *what, const char *const names[], struct wn_error *err)
{
	struct wn_slice unknown;
	if (!object || object->type != JSON_OBJECT)
		return bad_value(err, what, "an object");
	for (int i = 0; names[i]; i++)
		if (!json_get(object, names[i]))
			return wn_fail(err, WN_INPUT, "manifest_member", "%s has no %s", what, names[i]);
	if (!json_only_members(object, names, &unknown))
		return wn_fail(err, WN_INPUT, "manifest_member", "%s has an unknown member \"%.*s\"", what,
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	return true;
}

static bool get_hex(const struct json *object, const char *name, void *out, struct wn_error *err)
{
	const char *text = json_string(json_get(object, name));
	bool good = text && hex_read(out, ID_BYTES, text, strlen(text)) && strpbrk(text, "ABCDEF") == NULL;
	return good || bad_value(err, name, "64 hex digits in lower case");
}

static bool get_did(const struct json *object, const char *name, struct account_key *out, struct wn_error *err)
{
	const char *text = json_string(json_get(object, name));
	return (text && did_read(out, text, strlen(text))) || bad_value(err, name, "a did:key of an Ed25519 key");
}

static bool get_integer(
	const struct json *object, const char *name, int64_t least, int64_t most, int64_t *out, struct wn_error *err)
{
	return (json_integer(json_get(object, name), out) && *out >= least && *out <= most) ||
	       bad_value(err, name, "a number in its range");
}

static bool get_files(struct wn_arena *arena, const struct json *list, struct manifest *out, struct wn_error *err)
{
	static const char *const names[] = {"bytes", "path", "sha256", NULL};
	if (list->type != JSON_ARRAY || list->count == 0 || list->count > MANIFEST_FILES_MAX)
		return bad_value(err, "files", "a list of files");
	struct manifest_file *files = wn_arena_array(arena, list->count, sizeof *files);
	if (!files)
		return wn_fail(err, WN_FULL, "memory", "no room for the list of files");
	for (size_t i = 0; i < list->count; i++) {
		const struct json *value = list->elements[i];
		if (!only(value, "a file", names, err) || !get_hex(value, "sha256", files[i].sha256.bytes, err) ||
			!get_integer(value, "bytes", 0, MANIFEST_FILE_BYTES_MAX, &files[i].bytes, err))
			return false;
		files[i].path = json_string(json_get(value, "path"));
		if (!files[i].path || !manifest_path_ok(files[i].path))
			return wn_fail(err, WN_INPUT, "manifest_path",
				"files[%zu] has a path that a version folder cannot hold", i);
		if (i > 0 && strcmp(files[i - 1].path, files[i].path) >= 0)
			return wn_fail(
				err, WN_INPUT, "manifest_order", "%s stands twice or out of order", files[i].path);
	}
	out->files = files;
	out->file_count = list->count;
	return true;
}

static bool get_licences(struct wn_arena *arena, const struct json *list, struct manifest *out, struct wn_error *err)
{
	if (list->type != JSON_ARRAY || list->count > MANIFEST_LICENCES_MAX)
		return bad_value(err, "licences", "a list of licences");
	const char **licences = wn_arena_array(arena, list->count, sizeof *licences);
	if (!licences)
		return wn_fail(err, WN_FULL, "memory", "no room for the licences");
	for (size_t i = 0; i < list->count; i++) {
		licences[i] = json_string(list->elements[i]);
		if (!licences[i] || *licences[i] == '\0')
			return bad_value(err, "licences", "a list of licences");
		if (i > 0 && strcmp(licences[i - 1], licences[i]) >= 0)
			return wn_fail(err, WN_INPUT, "manifest_order", "the licence %s stands twice or out of order",
				licences[i]);
	}
	out->licences = licences;
	out->licence_count = list->count;
	return true;
}

static bool get_checkpoint(const struct json *value, struct manifest *out, struct wn_error *err)
{
	static const char *const names[] = {"note", "root", "size", NULL};
	if (!only(value, "checkpoint", names, err))
		return false;
	const struct json *note = json_get(value, "note");
	if (note->type != JSON_STRING)
		return bad_value(err, "note", "a text");
	out->checkpoint_note = note->text;
	return get_hex(value, "root", out->checkpoint_root.bytes, err) &&
	       get_integer(value, "size", 1, JSON_INTEGER_MAX, &out->checkpoint_size, err);
}

static bool get_history(const struct json *value, struct manifest *out, struct wn_error *err)
{
	static const char *const changes[] = {"added", "removed", NULL};
	static const char *const names[] = {"manifest_sha256", "row_root", "version", NULL};
	const struct json *previous = json_get(value, "previous");
	if (!only(json_get(value, "changes"), "changes", changes, err) ||
		!get_integer(json_get(value, "changes"), "added", 0, MANIFEST_ROWS_MAX, &out->added, err) ||
		!get_integer(json_get(value, "changes"), "removed", 0, MANIFEST_ROWS_MAX, &out->removed, err))
		return false;
	out->has_previous = previous->type != JSON_NULL;
	return !out->has_previous ||
	       (only(previous, "previous", names, err) &&
		       get_hex(previous, "manifest_sha256", out->previous_manifest_sha256.bytes, err) &&
		       get_hex(previous, "row_root", out->previous_row_root.bytes, err) &&
		       get_integer(previous, "version", 1, out->version - 1, &out->previous_version, err));
}

bool manifest_parse(struct wn_arena *arena, struct wn_slice text, struct manifest *out, struct wn_error *err)
{
	static const char *const names[] = {"campaign_sha256", "changes", "checkpoint", "checkpoint_key", "codecs",
		"dataset", "files", "licences", "manifest_key", "network_id", "previous", "recipe", "row_count",
		"row_root", "schema", "version", NULL};
	static const char *const codecs[] = {"gzip", NULL};
	const struct json *value;
	struct wn_slice canonical;
	int64_t schema;
	memset(out, 0, sizeof *out);
	if (text.bytes > MANIFEST_BYTES_MAX)
		return wn_fail(err, WN_INPUT, "manifest_large", "a manifest has at most %d bytes", MANIFEST_BYTES_MAX);
	if (!json_parse(arena, text.data, text.bytes, &value, err) || !jcs_write(arena, value, &canonical, err))
		return err->blame == WN_INPUT
			       ? wn_fail(err, WN_INPUT, "manifest_json", "not JSON of integers and texts")
			       : false;
	if (value->type != JSON_OBJECT)
		return wn_fail(err, WN_INPUT, "manifest_json", "a manifest is a JSON object");
	if (!wn_slice_equal(canonical, text))
		return wn_fail(err, WN_INPUT, "manifest_canonical", "the manifest is not in canonical form (RFC 8785)");
	/* Before anything else is asked of it: a later schema may have other members. */
	if (json_integer(json_get(value, "schema"), &schema) && schema != MANIFEST_SCHEMA)
		return wn_fail(err, WN_INPUT, "manifest_schema", "schema %lld is not known: use a newer winnow",
			(long long)schema);
	if (!only(value, "the manifest", names, err))
		return false;
	const struct json *codec = json_get(value, "codecs");
	out->dataset = json_string(json_get(value, "dataset"));
	if (!get_integer(value, "schema", MANIFEST_SCHEMA, MANIFEST_SCHEMA, &schema, err) ||
		!get_integer(value, "version", 1, MANIFEST_VERSION_MAX, &out->version, err) ||
		!recipe_parse(json_get(value, "recipe"), &out->recipe, err) || !only(codec, "codecs", codecs, err))
		return false;
	out->gzip_codec = json_string(json_get(codec, "gzip"));
	if (!out->dataset || strcmp(out->dataset, out->recipe.name) != 0)
		return bad_value(err, "dataset", "the recipe's name");
	if (!out->gzip_codec || strlen(out->gzip_codec) > MANIFEST_CODEC_MAX)
		return bad_value(err, "gzip", "the name of a codec");
	return get_hex(value, "network_id", out->network.bytes, err) &&
	       get_hex(value, "campaign_sha256", out->campaign_sha256.bytes, err) &&
	       get_did(value, "checkpoint_key", &out->checkpoint_key, err) &&
	       get_did(value, "manifest_key", &out->manifest_key, err) &&
	       get_integer(value, "row_count", 0, MANIFEST_ROWS_MAX, &out->row_count, err) &&
	       get_hex(value, "row_root", out->row_root.bytes, err) &&
	       get_checkpoint(json_get(value, "checkpoint"), out, err) &&
	       get_files(arena, json_get(value, "files"), out, err) &&
	       get_licences(arena, json_get(value, "licences"), out, err) && get_history(value, out, err);
}
