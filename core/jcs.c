/* RFC 8785, the one byte string for a JSON value, under the rule that every number is an integer within 2^53 - 1. */
#include "core/json.h"

#include <stdlib.h>
#include <string.h>

/* A member with its name first, so that members sort by it. */
struct jcs_member {
	struct wn_slice name;
	const struct json *value;
};

/*
 * RFC 8785 orders names by UTF-16 code units. Bytes of UTF-8 give the same order but for one thing: characters above
 * U+FFFF (first byte f0 and up) are surrogates in UTF-16 and so come before U+E000 to U+FFFF (first bytes ee and ef).
 */
static int jcs_name_compare(const void *a, const void *b)
{
	const struct wn_slice *left = a, *right = b;
	size_t least = left->bytes < right->bytes ? left->bytes : right->bytes;
	for (size_t i = 0; i < least; i++) {
		unsigned char l = (unsigned char)left->data[i], r = (unsigned char)right->data[i];
		if (l == r)
			continue;
		if ((l >= 0xf0 && (r == 0xee || r == 0xef)) || (r >= 0xf0 && (l == 0xee || l == 0xef)))
			return l > r ? -1 : 1;
		return l < r ? -1 : 1;
	}
	return left->bytes == right->bytes ? 0 : left->bytes < right->bytes ? -1 : 1;
}

static bool jcs_value(struct wn_text *text, const struct json *value, int depth, struct wn_error *err);

static bool jcs_object(struct wn_text *text, const struct json *value, int depth, struct wn_error *err)
{
	struct jcs_member *members = wn_arena_array(text->arena, value->count, sizeof *members);
	if (!members)
		return wn_fail(err, WN_FULL, "json_memory",
			"the canonical form needs more memory than one piece of work may use");
	for (size_t i = 0; i < value->count; i++)
		members[i] = (struct jcs_member){value->names[i], value->elements[i]};
	qsort(members, value->count, sizeof *members, jcs_name_compare);
	wn_text_add(text, "{", 1);
	for (size_t i = 0; i < value->count; i++) {
		if (i > 0)
			wn_text_add(text, ",", 1);
		json_quote(text, members[i].name);
		wn_text_add(text, ":", 1);
		if (!jcs_value(text, members[i].value, depth + 1, err))
			return false;
	}
	wn_text_add(text, "}", 1);
	return true;
}

static bool jcs_array(struct wn_text *text, const struct json *value, int depth, struct wn_error *err)
{
	wn_text_add(text, "[", 1);
	for (size_t i = 0; i < value->count; i++) {
		if (i > 0)
			wn_text_add(text, ",", 1);
		if (!jcs_value(text, value->elements[i], depth + 1, err))
			return false;
	}
	wn_text_add(text, "]", 1);
	return true;
}

static bool jcs_value(struct wn_text *text, const struct json *value, int depth, struct wn_error *err)
{
	int64_t integer;
	wn_assert(depth <= JSON_DEPTH_MAX);
	switch (value->type) {
	case JSON_NULL:
		wn_text_add(text, "null", 4);
		return true;
	case JSON_BOOL:
		wn_text_add_string(text, value->truth ? "true" : "false");
		return true;
	case JSON_NUMBER:
		/* Within the rule the source's characters are the canonical ones already. */
		if (!json_integer(value, &integer))
			return wn_fail(err, WN_INPUT, "json_number",
				"%.*s is not an integer within 2^53 - 1: write amounts as strings, "
				"readings with an exponent of their own",
				value->text.bytes < 40 ? (int)value->text.bytes : 40, value->text.data);
		wn_text_add(text, value->text.data, value->text.bytes);
		return true;
	case JSON_STRING:
		json_quote(text, value->text);
		return true;
	case JSON_ARRAY:
		return jcs_array(text, value, depth, err);
	case JSON_OBJECT:
		return jcs_object(text, value, depth, err);
	}
	wn_assert(!"a JSON type");
	return false;
}

bool jcs_write(struct wn_arena *arena, const struct json *value, struct wn_slice *out, struct wn_error *err)
{
	struct wn_text text;
	wn_text_init(&text, arena);
	*out = (struct wn_slice){NULL, 0};
	if (!jcs_value(&text, value, 0, err))
		return false;
	if (text.full)
		return wn_fail(err, WN_FULL, "json_memory",
			"the canonical form needs more memory than one piece of work may use");
	*out = (struct wn_slice){text.data, text.bytes};
	return true;
}

bool jcs_canonical(struct wn_arena *arena, const char *data, size_t bytes, struct wn_slice *out, struct wn_error *err)
{
	const struct json *value;
	*out = (struct wn_slice){NULL, 0};
	return json_parse(arena, data, bytes, &value, err) && jcs_write(arena, value, out, err);
}

bool jcs_check(struct wn_arena *arena, const char *data, size_t bytes, struct wn_error *err)
{
	struct wn_slice canonical;
	if (!jcs_canonical(arena, data, bytes, &canonical, err))
		return false;
	if (!wn_slice_equal(canonical, (struct wn_slice){data, bytes}))
		return wn_fail(err, WN_INPUT, "json_not_canonical",
			"the bytes are not the canonical form (RFC 8785) of what they say");
	return true;
}
