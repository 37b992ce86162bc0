/* Rows: an item's own members and what was decided about it, flat, so that other people's loaders take them as columns.
 */
#include "dataset/row.h"

#include <string.h>

static const struct source_policy row_policies[] = {
	{"x", true, false},
	{"twitter", true, false},
};

const struct source_policy *source_policy_of(const char *source)
{
	static const struct source_policy otherwise = {"", false, true};
	for (size_t i = 0; i < sizeof row_policies / sizeof row_policies[0]; i++)
		if (strcmp(row_policies[i].source, source) == 0)
			return &row_policies[i];
	return &otherwise;
}

/* An item's canonical members, in their order. */
static const char *const row_item_members[] = {"author", "basis", "content", "kind", "language", "licence",
	"published_ms", "source", "source_id", "tags", NULL};
/* Of a row whose source allows ids only: without what the author wrote and who that is. */
static const char *const row_ids_members[] = {
	"basis", "kind", "language", "licence", "published_ms", "source", "source_id", NULL};
static const char *const row_own_members[] = {
	"cluster", "contributor", "export", "item_id", "label", "p_good", "salt", "split", "train", "votes", NULL};

static bool row_put_member(struct json_writer *writer, struct wn_arena *arena, const struct json *item,
	const char *name, struct wn_error *err)
{
	const struct json *value = json_get(item, name);
	struct wn_slice text;
	if (!value)
		return wn_fail(err, WN_INPUT, "row_member", "the item has no %s", name);
	if (value->type == JSON_STRING) {
		json_put_slice(writer, name, value->text);
		return true;
	}
	if (!jcs_write(arena, value, &text, err))
		return false;
	json_put_raw(writer, name, text);
	return true;
}

/* The row's own member, if `name` is one of them. */
static bool row_put_own(
	struct json_writer *writer, const struct row_facts *facts, const struct source_policy *policy, const char *name)
{
	if (strcmp(name, "canonical_sha256") == 0) {
		struct sha256 hash;
		sha256_of(facts->canonical.data, facts->canonical.bytes, &hash);
		json_put_hex(writer, name, hash.bytes, ID_BYTES);
	} else if (strcmp(name, "cluster") == 0) {
		json_put_hex(writer, name, facts->cluster.bytes, ID_BYTES);
	} else if (strcmp(name, "contributor") == 0) {
		json_put_hex(writer, name, facts->contributor.bytes, ID_BYTES);
	} else if (strcmp(name, "export") == 0) {
		json_put_string(writer, name, policy->ids_only ? "ids_only" : "full");
	} else if (strcmp(name, "item_id") == 0) {
		json_put_hex(writer, name, facts->item.bytes, ID_BYTES);
	} else if (strcmp(name, "label") == 0) {
		json_put_string(writer, name, facts->label);
	} else if (strcmp(name, "p_good") == 0) {
		json_put_integer(writer, name, facts->p_good);
	} else if (strcmp(name, "salt") == 0) {
		json_put_hex(writer, name, facts->salt.bytes, ID_BYTES);
	} else if (strcmp(name, "split") == 0) {
		json_put_string(writer, name, facts->split);
	} else if (strcmp(name, "train") == 0) {
		json_put_string(writer, name, policy->train ? "allowed" : "forbidden");
	} else if (strcmp(name, "votes") == 0) {
		json_put_integer(writer, name, facts->votes);
	} else {
		return false;
	}
	return true;
}

bool row_write(struct wn_arena *arena, struct row_facts *facts, struct wn_slice *out, struct wn_error *err)
{
	/* All members in RFC 8785's order, so that what is written needs no second reading to be canonical. */
	static const char *const full[] = {"author", "basis", "cluster", "content", "contributor", "export", "item_id",
		"kind", "label", "language", "licence", "p_good", "published_ms", "salt", "source", "source_id",
		"split", "tags", "train", "votes", NULL};
	static const char *const ids[] = {"basis", "canonical_sha256", "cluster", "contributor", "export", "item_id",
		"kind", "label", "language", "licence", "p_good", "published_ms", "salt", "source", "source_id",
		"split", "train", "votes", NULL};
	const struct json *item;
	struct json_writer writer;
	if (!json_parse(arena, facts->canonical.data, facts->canonical.bytes, &item, err))
		return wn_while(err, "read an item's canonical bytes");
	const char *source = json_member_string(item, "source", NULL);
	facts->licence = json_member_string(item, "licence", NULL);
	if (!source || !facts->licence || *facts->licence == '\0')
		return wn_fail(err, WN_INPUT, "row_member", "the item has no source or no licence");
	const struct source_policy *policy = source_policy_of(source);
	const char *const *names = policy->ids_only ? ids : full;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	for (int i = 0; names[i]; i++)
		if (!row_put_own(&writer, facts, policy, names[i]) &&
			!row_put_member(&writer, arena, item, names[i], err))
			return wn_while(err, "write a row");
	json_close_object(&writer);
	if (!json_end(&writer, out, err))
		return wn_while(err, "write a row");
	if (out->bytes > ROW_MAX)
		return wn_fail(err, WN_INPUT, "row_large", "a row has at most %d bytes", ROW_MAX);
	return true;
}

static bool row_bad(struct wn_error *err, const char *name, const char *what)
{
	return wn_fail(err, WN_INPUT, "row_value", "%s is not %s", name, what);
}

static bool row_hex(const struct json *row, const char *name, void *out, struct wn_error *err)
{
	const struct json *value = json_get(row, name);
	const char *text = json_string(value);
	/* Lower case only: another spelling would be another row with the same meaning. */
	bool good = text && hex_read(out, ID_BYTES, text, strlen(text)) && strpbrk(text, "ABCDEF") == NULL;
	return good || row_bad(err, name, "64 hex digits in lower case");
}

static bool row_text(const struct json *row, const char *name, const char **out, struct wn_error *err)
{
	*out = json_string(json_get(row, name));
	return *out || row_bad(err, name, "a text");
}

static bool row_number(const struct json *row, const char *name, int64_t most, int64_t *out, struct wn_error *err)
{
	return (json_integer(json_get(row, name), out) && *out >= 0 && *out <= most) ||
	       row_bad(err, name, "a number in its range");
}

/* One word out of two; *second tells which. */
static bool row_either(const struct json *row, const char *name, const char *first_word, const char *second_word,
	bool *second, struct wn_error *err)
{
	const char *text = json_string(json_get(row, name));
	if (!text || (strcmp(text, first_word) != 0 && strcmp(text, second_word) != 0))
		return wn_fail(err, WN_INPUT, "row_value", "%s is neither %s nor %s", name, first_word, second_word);
	*second = strcmp(text, second_word) == 0;
	return true;
}

static bool row_has_only(const struct json *row, const char *const item_members[], bool with_hash, struct wn_error *err)
{
	const char *names[32];
	struct wn_slice unknown;
	int count = 0;
	for (int i = 0; item_members[i]; i++)
		names[count++] = item_members[i];
	for (int i = 0; row_own_members[i]; i++)
		names[count++] = row_own_members[i];
	if (with_hash)
		names[count++] = "canonical_sha256";
	names[count] = NULL;
	for (int i = 0; i < count; i++)
		if (!json_get(row, names[i]))
			return wn_fail(err, WN_INPUT, "row_member", "the row has no %s", names[i]);
	if (!json_only_members(row, names, &unknown))
		return wn_fail(err, WN_INPUT, "row_member", "a row has no member \"%.*s\"",
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	return true;
}

/* The item's canonical bytes out of a row: its members are in canonical order there too. */
static bool row_canonical_sha256(
	struct wn_arena *arena, const struct json *row, struct sha256 *out, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	for (int i = 0; row_item_members[i]; i++)
		if (!row_put_member(&writer, arena, row, row_item_members[i], err))
			return false;
	json_close_object(&writer);
	if (!json_end(&writer, &text, err))
		return false;
	sha256_of(text.data, text.bytes, out);
	return true;
}

bool row_parse(struct wn_arena *arena, const char *json, size_t bytes, struct row *out, struct wn_error *err)
{
	const struct json *row;
	struct wn_slice canonical;
	memset(out, 0, sizeof *out);
	if (bytes > ROW_MAX)
		return wn_fail(err, WN_INPUT, "row_json", "a row has at most %d bytes", ROW_MAX);
	if (!json_parse(arena, json, bytes, &row, err) || !jcs_write(arena, row, &canonical, err))
		return err->blame == WN_INPUT ? wn_fail(err, WN_INPUT, "row_json", "not JSON of integers and texts")
					      : false;
	if (row->type != JSON_OBJECT)
		return wn_fail(err, WN_INPUT, "row_json", "a row is a JSON object");
	if (!wn_slice_equal(canonical, (struct wn_slice){json, bytes}))
		return wn_fail(err, WN_INPUT, "row_canonical", "the row is not in canonical form (RFC 8785)");
	bool forbidden;
	if (!row_either(row, "export", "full", "ids_only", &out->ids_only, err) ||
		!row_has_only(row, out->ids_only ? row_ids_members : row_item_members, out->ids_only, err) ||
		!row_either(row, "train", "allowed", "forbidden", &forbidden, err) ||
		!row_hex(row, "item_id", out->item.bytes, err) || !row_hex(row, "salt", out->salt.bytes, err) ||
		!row_hex(row, "cluster", out->cluster.bytes, err) ||
		!row_hex(row, "contributor", out->contributor.bytes, err) ||
		!row_text(row, "source", &out->source, err) || !row_text(row, "licence", &out->licence, err) ||
		!row_text(row, "label", &out->label, err) || !row_text(row, "split", &out->split, err) ||
		!row_number(row, "p_good", 1000000, &out->p_good, err) ||
		!row_number(row, "votes", INT32_MAX, &out->votes, err))
		return false;
	out->train = !forbidden;
	if (out->ids_only)
		return row_hex(row, "canonical_sha256", out->canonical_sha256.bytes, err);
	return row_canonical_sha256(arena, row, &out->canonical_sha256, err);
}
