/* Reading entries: a member that is missing or of the wrong kind is a
 * difference of its own. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/sign.h"
#include "vote/replay_state.h"

bool replay_no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room to replay the journal");
}

static bool differs(struct replay *replay, uint64_t position, const char *type, struct wn_error *err, const char *code,
	const char *format, va_list arguments)
{
	char text[WN_TEXT_MAX];
	vsnprintf(text, sizeof text, format, arguments);
	replay->differs = true;
	replay->position = position;
	snprintf(replay->type, sizeof replay->type, "%s", type);
	return wn_fail(err, WN_INPUT, code, "entry %llu (%s): %s", (unsigned long long)position, replay->type, text);
}

bool replay_differs(struct replay *replay, struct wn_error *err, const char *code, const char *format, ...)
{
	va_list arguments;
	char type[sizeof replay->type];
	memcpy(type, replay->type, sizeof type);
	va_start(arguments, format);
	differs(replay, replay->position, type, err, code, format, arguments);
	va_end(arguments);
	return false;
}

bool replay_differs_at(struct replay *replay, uint64_t position, const char *type, struct wn_error *err,
	const char *code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	differs(replay, position, type, err, code, format, arguments);
	va_end(arguments);
	return false;
}

static bool malformed(struct replay *replay, const char *name, const char *what, struct wn_error *err)
{
	return replay_differs(replay, err, "replay_entry", "its member %s is not %s", name, what);
}

bool replay_read_id(
	struct replay *replay, const struct json *object, const char *name, void *out32, struct wn_error *err)
{
	const char *hex = json_member_string(object, name, NULL);
	return (hex && hex_read(out32, ID_BYTES, hex, strlen(hex))) ||
	       malformed(replay, name, "an id of 64 hex digits", err);
}

bool replay_read_integer(
	struct replay *replay, const struct json *object, const char *name, int64_t *out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	return (value && json_integer(value, out)) || malformed(replay, name, "a whole number", err);
}

bool replay_read_amount(
	struct replay *replay, const struct json *object, const char *name, int64_t *out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	return (value && json_amount(value, out)) || malformed(replay, name, "an amount", err);
}

bool replay_read_text(
	struct replay *replay, const struct json *object, const char *name, const char **out, struct wn_error *err)
{
	*out = json_member_string(object, name, NULL);
	return *out || malformed(replay, name, "a text", err);
}

bool replay_read_list(struct replay *replay, const struct json *object, const char *name, const struct json **out,
	struct wn_error *err)
{
	*out = json_get(object, name);
	return (*out && (*out)->type == JSON_ARRAY) || malformed(replay, name, "a list", err);
}

bool replay_read_account(
	struct replay *replay, const struct json *object, const char *name, int32_t *out, struct wn_error *err)
{
	struct account_key key;
	const char *did = json_member_string(object, name, NULL);
	if (!did || !did_read(&key, did, strlen(did)))
		return malformed(replay, name, "a did:key", err);
	*out = replay_account_place(replay, &key);
	return *out != REPLAY_NOBODY || replay_differs(replay, err, "replay_account", "%s was never registered", did);
}

bool replay_read_item(struct replay *replay, const struct json *object, struct replay_item **out, struct wn_error *err)
{
	struct item_id id;
	char hex[ID_HEX_ROOM];
	if (!replay_read_id(replay, object, "item", id.bytes, err))
		return false;
	struct replay_item **found = replay_table_find(&replay->items, id.bytes);
	if (!found)
		return replay_differs(replay, err, "replay_item",
			"item %s was never submitted, or ended as a repeat or as final",
			hex_write(hex, id.bytes, ID_BYTES));
	*out = *found;
	return true;
}

bool replay_read_round(struct replay *replay, const struct json *object, struct replay_item **item,
	struct replay_round **round, struct wn_error *err)
{
	int64_t number;
	char hex[ID_HEX_ROOM];
	if (!replay_read_item(replay, object, item, err) || !replay_read_integer(replay, object, "round", &number, err))
		return false;
	*round = number > 0 && number <= INT32_MAX ? replay_round_of(*item, (int32_t)number) : NULL;
	return *round || replay_differs(replay, err, "replay_round", "item %s has no round %lld",
				 hex_write(hex, (*item)->id.bytes, ID_BYTES), (long long)number);
}

bool replay_read_campaign(struct replay *replay, const struct json *object, const char *name,
	struct replay_campaign **out, struct wn_error *err)
{
	const char *text;
	if (!replay_read_text(replay, object, name, &text, err))
		return false;
	*out = replay_campaign_of(replay, text);
	return *out || replay_differs(replay, err, "replay_campaign", "there is no campaign %.64s", text);
}
