/* Rows: an item's own members and what was decided about it, flat, so that other people's loaders take them as columns.
 */
#include "dataset/row.h"

#include <stdio.h>
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

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* Every name that a row can have, in RFC 8785's order, so that what is written is canonical. */
enum row_name {
	ROW_AUTHOR,
	ROW_BASIS,
	ROW_CANONICAL_SHA256,
	ROW_CLUSTER,
	ROW_CONTENT,
	ROW_CONTRIBUTOR,
	ROW_EXPORT,
	ROW_ITEM_ID,
	ROW_KIND,
	ROW_LABEL,
	ROW_LANGUAGE,
	ROW_LICENCE,
	ROW_P_GOOD,
	ROW_PUBLISHED_MS,
	ROW_SALT,
	ROW_SOURCE,
	ROW_SOURCE_ID,
	ROW_SPLIT,
	ROW_TAGS,
	ROW_TRAIN,
	ROW_VOTES,
	ROW_NAMES
};
#define ROW_NAME(text)                                                                                                 \
	{                                                                                                              \
		"\"" text "\":", sizeof(text) + 2                                                                      \
	}
static const struct {
	struct wn_slice name;	 /* as it is written, with quotes and colon */
	bool of_item, full, ids; /* taken from the item; stands in a full row, in one of ids only */
} row_names[ROW_NAMES] = {
	[ROW_AUTHOR] = {ROW_NAME("author"), true, true, false},
	[ROW_BASIS] = {ROW_NAME("basis"), true, true, true},
	[ROW_CANONICAL_SHA256] = {ROW_NAME("canonical_sha256"), false, false, true},
	[ROW_CLUSTER] = {ROW_NAME("cluster"), false, true, true},
	[ROW_CONTENT] = {ROW_NAME("content"), true, true, false},
	[ROW_CONTRIBUTOR] = {ROW_NAME("contributor"), false, true, true},
	[ROW_EXPORT] = {ROW_NAME("export"), false, true, true},
	[ROW_ITEM_ID] = {ROW_NAME("item_id"), false, true, true},
	[ROW_KIND] = {ROW_NAME("kind"), true, true, true},
	[ROW_LABEL] = {ROW_NAME("label"), false, true, true},
	[ROW_LANGUAGE] = {ROW_NAME("language"), true, true, true},
	[ROW_LICENCE] = {ROW_NAME("licence"), true, true, true},
	[ROW_P_GOOD] = {ROW_NAME("p_good"), false, true, true},
	[ROW_PUBLISHED_MS] = {ROW_NAME("published_ms"), true, true, true},
	[ROW_SALT] = {ROW_NAME("salt"), false, true, true},
	[ROW_SOURCE] = {ROW_NAME("source"), true, true, true},
	[ROW_SOURCE_ID] = {ROW_NAME("source_id"), true, true, true},
	[ROW_SPLIT] = {ROW_NAME("split"), false, true, true},
	[ROW_TAGS] = {ROW_NAME("tags"), true, true, false},
	[ROW_TRAIN] = {ROW_NAME("train"), false, true, true},
	[ROW_VOTES] = {ROW_NAME("votes"), false, true, true},
};

enum { ROW_HEX_ROOM = ID_HEX_ROOM + 2, ROW_NUMBER_ROOM = 24 };

/* JSON text of each member, own ones in the buffers. */
struct row_parts {
	struct wn_slice values[ROW_NAMES];
	char hex[ROW_NAMES][ROW_HEX_ROOM], numbers[ROW_NAMES][ROW_NUMBER_ROOM];
};

/* Behind the string that begins at `at`; NULL where it does not end. */
static const char *string_end(const char *at, const char *end)
{
	for (const char *from = at + 1, *quote; (quote = memchr(from, '"', (size_t)(end - from))); from = quote + 1) {
		const char *back = quote;
		while (back[-1] == '\\' && back - 1 > at)
			back--;
		if ((quote - back) % 2 == 0)
			return quote + 1;
	}
	return NULL;
}

/* Behind the value that begins at `at`, told by its brackets and strings; NULL where it does not end. */
static const char *value_end(const char *at, const char *end)
{
	int depth = 0;
	while (at && at < end) {
		if (*at == '"') {
			at = string_end(at, end);
			if (depth == 0)
				return at;
			continue;
		}
		if (depth == 0 && (*at == ',' || *at == '}'))
			return at;
		depth += (*at == '[' || *at == '{') - (*at == ']' || *at == '}');
		at++;
		if (depth == 0 && (at[-1] == ']' || at[-1] == '}'))
			return at;
	}
	return NULL;
}

/* Both are sorted: the next member is most likely the next name. */
static void item_member(struct wn_slice name, struct wn_slice value, int *next, struct wn_slice values[ROW_NAMES])
{
	for (int tries = 0; tries < ROW_NAMES; tries++) {
		int i = *next;
		*next = i + 1 < ROW_NAMES ? i + 1 : 0;
		if (!row_names[i].of_item || !wn_slice_equal(row_names[i].name, name))
			continue;
		values[i] = value;
		return;
	}
}

/*
 * The members of an item as they stand in its canonical bytes: they go into the row as they are, so nothing is parsed
 * and written again. Bytes that are no canonical JSON do not become a version: every row is read back before it gets
 * its name.
 */
static bool item_members(struct wn_slice canonical, struct wn_slice values[ROW_NAMES], struct wn_error *err)
{
	const char *at = canonical.data, *end = at + canonical.bytes;
	bool more = at < end && *at++ == '{';
	int next = 0;
	while (more) {
		const char *name = at < end && *at == '"' ? at : NULL;
		const char *colon = name ? string_end(name, end) : NULL;
		const char *stop = colon && colon < end && *colon == ':' ? value_end(colon + 1, end) : NULL;
		if (!stop || stop == end || stop == colon + 1)
			break;
		item_member((struct wn_slice){name, (size_t)(colon + 1 - name)},
			(struct wn_slice){colon + 1, (size_t)(stop - colon) - 1}, &next, values);
		if (*stop == '}' && stop + 1 == end)
			return true;
		more = *stop == ',';
		at = stop + 1;
	}
	return wn_fail(err, WN_INPUT, "row_item", "the item's bytes are not canonical JSON");
}

/* A string's value; *out stays NULL for another type, or where it holds NUL. */
static bool value_text(struct wn_arena *arena, struct wn_slice value, const char **out, struct wn_error *err)
{
	const struct json *parsed;
	*out = NULL;
	if (value.bytes < 2 || *value.data != '"')
		return true;
	if (memchr(value.data, '\\', value.bytes)) {
		if (!json_parse(arena, value.data, value.bytes, &parsed, err))
			return wn_while(err, "read an item's canonical bytes");
		*out = json_string(parsed);
		return true;
	}
	*out = wn_arena_copy(arena, value.data + 1, value.bytes - 2);
	return *out || wn_fail(err, WN_FULL, "memory", "no room for a row");
}

static void put_hex(struct row_parts *parts, enum row_name name, const uint8_t id[ID_BYTES])
{
	char *text = parts->hex[name];
	hex_write(text + 1, id, ID_BYTES);
	text[0] = text[1 + 2 * ID_BYTES] = '"';
	parts->values[name] = (struct wn_slice){text, 2 + 2 * ID_BYTES};
}

static void put_number(struct row_parts *parts, enum row_name name, int64_t value)
{
	int bytes = snprintf(parts->numbers[name], ROW_NUMBER_ROOM, "%lld", (long long)value);
	parts->values[name] = (struct wn_slice){parts->numbers[name], (size_t)bytes};
}

static bool put_text(
	struct wn_arena *arena, struct row_parts *parts, enum row_name name, const char *value, struct wn_error *err)
{
	struct wn_text text;
	wn_text_init(&text, arena);
	json_quote(&text, wn_slice_of(value));
	parts->values[name] = (struct wn_slice){text.data, text.bytes};
	return !text.full || wn_fail(err, WN_FULL, "memory", "no room for a row");
}

static bool own_members(struct wn_arena *arena, const struct row_facts *facts, const struct source_policy *policy,
	struct row_parts *parts, struct wn_error *err)
{
	if (policy->ids_only) {
		struct sha256 hash;
		sha256_of(facts->canonical.data, facts->canonical.bytes, &hash);
		put_hex(parts, ROW_CANONICAL_SHA256, hash.bytes);
	}
	put_hex(parts, ROW_CLUSTER, facts->cluster.bytes);
	put_hex(parts, ROW_CONTRIBUTOR, facts->contributor.bytes);
	put_hex(parts, ROW_ITEM_ID, facts->item.bytes);
	put_hex(parts, ROW_SALT, facts->salt.bytes);
	put_number(parts, ROW_P_GOOD, facts->p_good);
	put_number(parts, ROW_VOTES, facts->votes);
	parts->values[ROW_EXPORT] = policy->ids_only ? WN_SLICE("\"ids_only\"") : WN_SLICE("\"full\"");
	parts->values[ROW_TRAIN] = policy->train ? WN_SLICE("\"allowed\"") : WN_SLICE("\"forbidden\"");
	return put_text(arena, parts, ROW_LABEL, facts->label, err) &&
	       put_text(arena, parts, ROW_SPLIT, facts->split, err);
}

/* One piece of memory, as large as the row. */
static bool row_join(struct wn_arena *arena, const struct row_parts *parts, bool ids_only, struct wn_slice *out,
	struct wn_error *err)
{
	size_t room = 2;
	for (int i = 0; i < ROW_NAMES; i++) {
		if (!(ids_only ? row_names[i].ids : row_names[i].full))
			continue;
		if (!parts->values[i].data)
			return wn_fail(err, WN_INPUT, "row_member", "the item has no %.*s",
				(int)row_names[i].name.bytes - 3, row_names[i].name.data + 1);
		room += 1 + row_names[i].name.bytes + parts->values[i].bytes;
	}
	if (room > ROW_MAX)
		return wn_fail(err, WN_INPUT, "row_large", "a row has at most %d bytes", ROW_MAX);
	char *row = wn_arena_alloc(arena, room), *at = row;
	if (!row)
		return wn_fail(err, WN_FULL, "memory", "no room for a row");
	for (int i = 0; i < ROW_NAMES; i++) {
		if (!(ids_only ? row_names[i].ids : row_names[i].full))
			continue;
		*at = at == row ? '{' : ',';
		memcpy(at + 1, row_names[i].name.data, row_names[i].name.bytes);
		at += 1 + row_names[i].name.bytes;
		memcpy(at, parts->values[i].data, parts->values[i].bytes);
		at += parts->values[i].bytes;
	}
	*at++ = '}';
	wn_assert((size_t)(at - row) < room);
	*out = (struct wn_slice){row, (size_t)(at - row)};
	return true;
}

bool row_write(struct wn_arena *arena, struct row_facts *facts, struct wn_slice *out, struct wn_error *err)
{
	struct row_parts parts;
	const char *source;
	memset(parts.values, 0, sizeof parts.values);
	if (!item_members(facts->canonical, parts.values, err) ||
		!value_text(arena, parts.values[ROW_SOURCE], &source, err) ||
		!value_text(arena, parts.values[ROW_LICENCE], &facts->licence, err))
		return wn_while(err, "write a row");
	if (!source || !facts->licence || *facts->licence == '\0')
		return wn_fail(err, WN_INPUT, "row_member", "the item has no source or no licence");
	const struct source_policy *policy = source_policy_of(source);
	return (own_members(arena, facts, policy, &parts, err) &&
		       row_join(arena, &parts, policy->ids_only, out, err)) ||
	       wn_while(err, "write a row");
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

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
