/* JSON read strictly: yajl finds the tokens, this file builds the tree and refuses what yajl lets through. */
#include "core/json.h"

#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "core/id.h"
#include "core/utf8.h"

/* Objects up to this size are searched for equal names pair by pair, bigger ones are sorted. */
enum { JSON_PAIRS_MAX = 16 };

/* A value while its container is still open; the container's arrays are made when it closes. */
struct json_open_value {
	struct json value; /* first: the tree points here */
	struct wn_slice name;
	struct json_open_value *next;
};

struct json_container {
	struct json *value;
	struct json_open_value *first, *last;
	struct wn_slice name; /* of the member whose value comes next */
};

struct json_builder {
	struct wn_arena *arena;
	struct wn_error *err;
	struct json *root;
	struct json_container open[JSON_DEPTH_MAX];
	int depth;
	bool failed; /* err is filled; yajl only sees a cancelled parse */
};

static bool builder_fail(
	struct json_builder *builder, enum wn_blame blame, const char *code, const char *why, int limit)
{
	builder->failed = true;
	return wn_fail(builder->err, blame, code, why, limit);
}

static bool builder_memory(struct json_builder *builder)
{
	return builder_fail(
		builder, WN_FULL, "json_memory", "the JSON needs more memory than one piece of work may use", 0);
}

/* A new value, hung into the container that is open; NULL when it may not be. */
static struct json *builder_value(struct json_builder *builder, enum json_type type)
{
	struct json_open_value *node = wn_arena_alloc(builder->arena, sizeof *node);
	if (!node) {
		builder_memory(builder);
		return NULL;
	}
	node->value.type = type;
	if (builder->depth == 0) {
		builder->root = &node->value;
		return &node->value;
	}
	struct json_container *container = &builder->open[builder->depth - 1];
	if (container->value->count == JSON_ELEMENTS_MAX) {
		builder_fail(builder, WN_INPUT, "json_elements", "an array or object has more than %d elements",
			JSON_ELEMENTS_MAX);
		return NULL;
	}
	node->name = container->name;
	if (container->last)
		container->last->next = node;
	else
		container->first = node;
	container->last = node;
	container->value->count++;
	return &node->value;
}

static bool builder_copy(struct json_builder *builder, const void *bytes, size_t count, struct wn_slice *out)
{
	if (count > JSON_STRING_MAX)
		return builder_fail(builder, WN_INPUT, "json_string_long", "a string or number has more than %d bytes",
			JSON_STRING_MAX);
	char *copy = wn_arena_copy(builder->arena, bytes, count);
	if (!copy)
		return builder_memory(builder);
	*out = (struct wn_slice){copy, count};
	return true;
}

static int builder_null(void *context)
{
	return builder_value(context, JSON_NULL) != NULL;
}

static int builder_bool(void *context, int truth)
{
	struct json *value = builder_value(context, JSON_BOOL);
	if (!value)
		return 0;
	value->truth = truth != 0;
	return 1;
}

static int builder_number(void *context, const char *text, size_t bytes)
{
	struct json *value = builder_value(context, JSON_NUMBER);
	return value && builder_copy(context, text, bytes, &value->text);
}

static int builder_string(void *context, const unsigned char *text, size_t bytes)
{
	struct json *value = builder_value(context, JSON_STRING);
	return value && builder_copy(context, text, bytes, &value->text);
}

static int builder_name(void *context, const unsigned char *text, size_t bytes)
{
	struct json_builder *builder = context;
	return builder_copy(builder, text, bytes, &builder->open[builder->depth - 1].name);
}

static int builder_open(struct json_builder *builder, enum json_type type)
{
	if (builder->depth == JSON_DEPTH_MAX)
		return builder_fail(builder, WN_INPUT, "json_depth", "arrays and objects are nested more than %d deep",
			JSON_DEPTH_MAX);
	struct json *value = builder_value(builder, type);
	if (!value)
		return 0;
	builder->open[builder->depth++] = (struct json_container){.value = value};
	return 1;
}

static int builder_open_object(void *context)
{
	return builder_open(context, JSON_OBJECT);
}

static int builder_open_array(void *context)
{
	return builder_open(context, JSON_ARRAY);
}

/* Any total order does; lengths first is quick. */
static int builder_name_compare(const void *a, const void *b)
{
	const struct wn_slice *left = a, *right = b;
	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? -1 : 1;
	return memcmp(left->data, right->data, left->bytes);
}

static bool builder_names_differ(struct json_builder *builder, const struct wn_slice *names, size_t count)
{
	bool twice = false;
	if (count <= JSON_PAIRS_MAX) {
		for (size_t i = 1; i < count && !twice; i++)
			for (size_t j = 0; j < i && !twice; j++)
				twice = wn_slice_equal(names[i], names[j]);
	} else {
		struct wn_slice *sorted = wn_arena_array(builder->arena, count, sizeof *sorted);
		if (!sorted)
			return builder_memory(builder);
		memcpy(sorted, names, count * sizeof *sorted);
		qsort(sorted, count, sizeof *sorted, builder_name_compare);
		for (size_t i = 1; i < count && !twice; i++)
			twice = wn_slice_equal(sorted[i - 1], sorted[i]);
	}
	/* Readers disagree on which of two equal members counts, so none is taken. */
	return !twice || builder_fail(builder, WN_INPUT, "json_duplicate", "an object has the same member twice", 0);
}

static int builder_close(void *context)
{
	struct json_builder *builder = context;
	struct json_container *container = &builder->open[--builder->depth];
	struct json *value = container->value;
	bool object = value->type == JSON_OBJECT;
	if (value->count == 0)
		return 1;
	value->elements = wn_arena_array(builder->arena, value->count, sizeof *value->elements);
	if (object)
		value->names = wn_arena_array(builder->arena, value->count, sizeof *value->names);
	if (!value->elements || (object && !value->names))
		return builder_memory(builder);
	size_t i = 0;
	for (struct json_open_value *node = container->first; node; node = node->next, i++) {
		value->elements[i] = &node->value;
		if (object)
			value->names[i] = node->name;
	}
	return !object || builder_names_differ(builder, value->names, value->count);
}

/* The four hexadecimal digits behind \u, or -1. */
static int escape_unit(const char *text, size_t room)
{
	int unit = 0;
	if (room < 6 || text[0] != '\\' || text[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(text[i]);
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
	}
	return unit;
}

/*
 * yajl puts a question mark where half a surrogate pair stands, so the escapes are looked at before it runs. A
 * backslash outside a string is yajl's to refuse.
 */
static bool escapes_paired(const char *data, size_t bytes, size_t *at)
{
	for (size_t i = 0; i < bytes;) {
		const char *escape = memchr(data + i, '\\', bytes - i);
		if (!escape)
			return true;
		i = (size_t)(escape - data);
		int unit = escape_unit(escape, bytes - i);
		if (unit >= 0xdc00 && unit <= 0xdfff) {
			*at = i;
			return false;
		}
		if (unit >= 0xd800 && unit <= 0xdbff) {
			int second = escape_unit(escape + 6, bytes - i - 6);
			if (second < 0xdc00 || second > 0xdfff) {
				*at = i;
				return false;
			}
			i += 6;
		}
		i += unit < 0 ? 2 : 6;
	}
	return true;
}

static bool json_parse_failed(struct json_builder *builder, yajl_handle parser)
{
	if (builder->failed)
		return false;
	unsigned char *said = yajl_get_error(parser, 0, NULL, 0);
	const char *why = said ? (const char *)said : "not JSON";
	wn_fail(builder->err, WN_INPUT, "json_syntax", "not JSON at byte %zu: %.*s", yajl_get_bytes_consumed(parser),
		(int)strcspn(why, "\n"), why);
	if (said)
		yajl_free_error(parser, said);
	return false;
}

bool json_parse(struct wn_arena *arena, const char *data, size_t bytes, const struct json **out, struct wn_error *err)
{
	static const yajl_callbacks callbacks = {
		.yajl_null = builder_null,
		.yajl_boolean = builder_bool,
		.yajl_number = builder_number,
		.yajl_string = builder_string,
		.yajl_start_map = builder_open_object,
		.yajl_map_key = builder_name,
		.yajl_end_map = builder_close,
		.yajl_start_array = builder_open_array,
		.yajl_end_array = builder_close,
	};
	size_t at = 0;
	*out = NULL;
	if (bytes == 0)
		return wn_fail(err, WN_INPUT, "json_syntax", "empty: a JSON value is needed");
	if (!utf8_valid(data, bytes, &at))
		return wn_fail(err, WN_INPUT, "json_utf8", "not UTF-8 at byte %zu", at);
	if (!escapes_paired(data, bytes, &at))
		return wn_fail(err, WN_INPUT, "json_surrogate", "half a surrogate pair at byte %zu", at);
	/* yajl takes these two for white space; no JSON text holds them raw, in strings or outside. */
	const char *stray = memchr(data, '\v', bytes);
	if (!stray)
		stray = memchr(data, '\f', bytes);
	if (stray)
		return wn_fail(
			err, WN_INPUT, "json_syntax", "a raw control character at byte %zu", (size_t)(stray - data));
	struct json_builder builder = {.arena = arena, .err = err};
	yajl_handle parser = yajl_alloc(&callbacks, NULL, &builder);
	if (!parser)
		return wn_fail(err, WN_FULL, "json_memory", "no memory for a JSON parser");
	/* Its own UTF-8 check lets overlong forms and surrogates pass; ours has run. */
	yajl_config(parser, yajl_dont_validate_strings, 1);
	yajl_status status = yajl_parse(parser, (const unsigned char *)data, bytes);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(parser);
	bool parsed = status == yajl_status_ok && builder.root ? true : json_parse_failed(&builder, parser);
	yajl_free(parser);
	if (parsed)
		*out = builder.root;
	return parsed;
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	size_t bytes = strlen(name);
	for (size_t i = 0; i < object->count; i++)
		if (object->names[i].bytes == bytes && memcmp(object->names[i].data, name, bytes) == 0)
			return object->elements[i];
	return NULL;
}

/* Digits without leading zeros, at most `most`. */
static bool json_digits(const char *digits, size_t count, int64_t most, int64_t *out)
{
	int64_t value = 0;
	if (count == 0 || (digits[0] == '0' && count > 1))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return false;
		int digit = digits[i] - '0';
		if (value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool json_integer(const struct json *value, int64_t *out)
{
	if (!value || value->type != JSON_NUMBER)
		return false;
	bool minus = value->text.bytes > 0 && value->text.data[0] == '-';
	int64_t number;
	if (!json_digits(value->text.data + minus, value->text.bytes - minus, JSON_INTEGER_MAX, &number))
		return false;
	if (minus && number == 0)
		return false;
	*out = minus ? -number : number;
	return true;
}

bool json_amount(const struct json *value, int64_t *out)
{
	return value && value->type == JSON_STRING && json_digits(value->text.data, value->text.bytes, INT64_MAX, out);
}

const char *json_string(const struct json *value)
{
	if (!value || value->type != JSON_STRING || memchr(value->text.data, '\0', value->text.bytes))
		return NULL;
	return value->text.data;
}

const char *json_member_string(const struct json *object, const char *name, const char *otherwise)
{
	const struct json *value = json_get(object, name);
	return value ? json_string(value) : otherwise;
}

bool json_only_members(const struct json *object, const char *const names[], struct wn_slice *unknown)
{
	*unknown = (struct wn_slice){NULL, 0};
	if (!object || object->type != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < object->count; i++) {
		bool known = false;
		for (size_t j = 0; names[j] && !known; j++)
			known = wn_slice_equal(object->names[i], wn_slice_of(names[j]));
		if (!known) {
			*unknown = object->names[i];
			return false;
		}
	}
	return true;
}
