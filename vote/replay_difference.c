/* Where two JSON texts first part: a path that people can follow, and both
 * values. */
#include <stdio.h>
#include <string.h>

#include "vote/replay_state.h"

enum { DIFFERENCE_PATH_MAX = 160, DIFFERENCE_VALUE_MAX = 90 };

struct difference {
	struct wn_arena *arena;
	char path[DIFFERENCE_PATH_MAX];
	size_t bytes;
	const char *text; /* NULL: none yet */
};

static const char *shown(struct wn_arena *arena, const struct json *value)
{
	struct wn_slice text;
	struct wn_error err = {0};
	if (!value)
		return "missing";
	if (!jcs_write(arena, value, &text, &err))
		return "?";
	return wn_arena_printf(arena, "%.*s%s",
		(int)(text.bytes < DIFFERENCE_VALUE_MAX ? text.bytes : DIFFERENCE_VALUE_MAX), text.data,
		text.bytes < DIFFERENCE_VALUE_MAX ? "" : "...");
}

static void found(struct difference *out, const struct json *expected, const struct json *is)
{
	const char *path = out->bytes > 0 ? out->path : "it";
	out->text = wn_arena_printf(
		out->arena, "%s is %s, expected %s", path, shown(out->arena, is), shown(out->arena, expected));
	if (!out->text)
		out->text = "it differs";
}

/* Adds a name or, without one, an index; what no longer fits is left out of the path. */
static size_t path_push(struct difference *out, const char *name, size_t index)
{
	size_t before = out->bytes, left = sizeof out->path - before;
	int added = name ? snprintf(out->path + before, left, "%s%.60s", before > 0 ? "." : "", name)
			 : snprintf(out->path + before, left, "[%zu]", index);
	if (added > 0 && (size_t)added < left)
		out->bytes += (size_t)added;
	return before;
}

static void path_pop(struct difference *out, size_t bytes)
{
	if (out->text)
		return;
	out->bytes = bytes;
	out->path[bytes] = '\0';
}

static void compare(struct difference *out, const struct json *expected, const struct json *is);

static void compare_lists(struct difference *out, const struct json *expected, const struct json *is)
{
	size_t most = expected->count > is->count ? expected->count : is->count;
	for (size_t i = 0; !out->text && i < most; i++) {
		size_t before = path_push(out, NULL, i);
		compare(out, i < expected->count ? expected->elements[i] : NULL,
			i < is->count ? is->elements[i] : NULL);
		path_pop(out, before);
	}
}

static void compare_objects(struct difference *out, const struct json *expected, const struct json *is)
{
	const struct json *sides[] = {expected, is};
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; !out->text && i < sides[side]->count; i++) {
			const char *name = sides[side]->names[i].data;
			size_t before = path_push(out, name, 0);
			compare(out, json_get(expected, name), json_get(is, name));
			path_pop(out, before);
		}
}

static void compare(struct difference *out, const struct json *expected, const struct json *is)
{
	if (!expected || !is || expected->type != is->type) {
		found(out, expected, is);
		return;
	}
	switch (expected->type) {
	case JSON_ARRAY:
		compare_lists(out, expected, is);
		break;
	case JSON_OBJECT:
		compare_objects(out, expected, is);
		break;
	case JSON_BOOL:
		if (expected->truth != is->truth)
			found(out, expected, is);
		break;
	case JSON_NULL:
		break;
	default:
		if (!wn_slice_equal(expected->text, is->text))
			found(out, expected, is);
	}
}

const char *replay_first_difference(struct wn_arena *arena, struct wn_slice expected, struct wn_slice found_text)
{
	struct difference out = {.arena = arena};
	const struct json *left, *right;
	struct wn_error err = {0};
	if (!json_parse(arena, expected.data, expected.bytes, &left, &err) ||
		!json_parse(arena, found_text.data, found_text.bytes, &right, &err))
		return "it cannot be read";
	compare(&out, left, right);
	return out.text ? out.text : "nothing differs";
}
