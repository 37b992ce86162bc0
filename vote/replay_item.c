/* Items of a replay from their submission to their end. */
#include <stdlib.h>
#include <string.h>

#include "vote/replay_state.h"

struct replay_round *replay_round_of(const struct replay_item *item, int32_t number)
{
	/* They are numbered from 1 in the order in which they opened. */
	return number >= 1 && (size_t)number <= item->round_count ? &item->rounds[number - 1] : NULL;
}

struct replay_seat *replay_seat_of(const struct replay_item *item, int32_t voter)
{
	for (size_t i = 0; i < item->seat_count; i++)
		if (item->seats[i].voter == voter)
			return &item->seats[i];
	return NULL;
}

void replay_item_free(struct replay_item *item)
{
	free(item->rounds);
	free(item->seats);
	free(item->votes);
	free(item);
}

static void item_forget(struct replay *replay, struct replay_item *item)
{
	replay_table_remove(&replay->items, item->id.bytes);
	replay_item_free(item);
}

void replay_item_rest(struct replay *replay, struct replay_item *item)
{
	if (item->state < ITEM_ACCEPTED || item->spoken_of > 0)
		return;
	for (size_t i = 0; i < item->round_count; i++)
		if (item->rounds[i].state < ROUND_TALLIED)
			return;
	item_forget(replay, item);
}

/* ---- submission ---- */

static bool item_new(struct replay *replay, const struct json *value, struct replay_campaign *campaign,
	int32_t contributor, struct sha256 *leaf, struct wn_error *err)
{
	struct item_id id;
	bool added;
	const char *hex = json_string(value);
	if (!hex || !hex_read(id.bytes, ID_BYTES, hex, strlen(hex)))
		return replay_differs(replay, err, "replay_entry", "an item is not named by 64 hex digits");
	struct replay_item **place = replay_table_add(&replay->items, id.bytes, &added);
	if (!place)
		return replay_no_room(err);
	if (!added)
		return replay_differs(replay, err, "replay_items", "item %s was submitted before", hex);
	struct replay_item *item = calloc(1, sizeof *item);
	if (!item) {
		replay_table_remove(&replay->items, id.bytes);
		return replay_no_room(err);
	}
	*place = item;
	item->id = id;
	item->campaign = campaign;
	item->contributor = contributor;
	item->nearest_denominator = 1;
	item->online_class = item->class = -1;
	replay->totals.items++;
	tree_leaf(id.bytes, ID_BYTES, leaf);
	return true;
}

bool replay_take_items(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_campaign *campaign;
	struct sha256 commitment, told, root;
	const struct json *list;
	char hex[ID_HEX_ROOM];
	if (!replay_read_campaign(replay, entry, "campaign", &campaign, err) ||
		!replay_read_id(replay, entry, "contributor", commitment.bytes, err) ||
		!replay_read_id(replay, entry, "root", told.bytes, err) ||
		!replay_read_list(replay, entry, "items", &list, err))
		return false;
	if (campaign->closed)
		return replay_differs(replay, err, "replay_items", "campaign %s is closed", campaign->name);
	int32_t contributor = replay_account_committed(replay, commitment.bytes);
	if (contributor == REPLAY_NOBODY)
		return replay_differs(replay, err, "replay_account", "no account has the contributor's commitment %s",
			hex_write(hex, commitment.bytes, ID_BYTES));
	struct sha256 *leaves = wn_arena_array(&replay->entry, list->count, sizeof *leaves);
	if (!leaves)
		return replay_no_room(err);
	for (size_t i = 0; i < list->count; i++)
		if (!item_new(replay, list->elements[i], campaign, contributor, &leaves[i], err))
			return false;
	tree_root(leaves, list->count, &root);
	return memcmp(root.bytes, told.bytes, ID_BYTES) == 0 ||
	       replay_differs(replay, err, "replay_items", "the root over its items is %s",
		       hex_write(hex, root.bytes, ID_BYTES));
}

/* ---- duplicates ---- */

static bool duplicate_take(struct replay *replay, const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	struct item_id origin;
	const char *method;
	int64_t numerator = 0, denominator = 1;
	char hex[ID_HEX_ROOM];
	if (!replay_read_item(replay, row, &item, err) || !replay_read_id(replay, row, "origin", origin.bytes, err) ||
		!replay_read_text(replay, row, "method", &method, err))
		return false;
	if (item->state != ITEM_RECEIVED)
		return replay_differs(replay, err, "replay_duplicate", "item %s was looked at before",
			hex_write(hex, item->id.bytes, ID_BYTES));
	bool repeats = id_compare(&origin, &item->id) != 0;
	if (repeats == (strcmp(method, "none") == 0))
		return replay_differs(replay, err, "replay_duplicate",
			"item %s: the method %.16s does not fit its origin", hex_write(hex, item->id.bytes, ID_BYTES),
			method);
	if (json_get(row, "nearest") &&
		(!replay_read_integer(replay, row, "nearest_numerator", &numerator, err) ||
			!replay_read_integer(replay, row, "nearest_denominator", &denominator, err)))
		return false;
	if (numerator < 0 || denominator <= 0 || numerator > denominator || denominator > INT32_MAX)
		return replay_differs(replay, err, "replay_duplicate", "item %s: %lld/%lld is no resemblance",
			hex_write(hex, item->id.bytes, ID_BYTES), (long long)numerator, (long long)denominator);
	if (repeats) {
		replay->totals.duplicates++;
		item_forget(replay, item);
		return true;
	}
	item->state = ITEM_EMBEDDED;
	item->nearest_numerator = (int32_t)numerator;
	item->nearest_denominator = (int32_t)denominator;
	return true;
}

bool replay_take_duplicates(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	if (!replay_read_list(replay, entry, "items", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!duplicate_take(replay, list->elements[i], err))
			return false;
	return true;
}

/* ---- finality ---- */

bool replay_window_add(struct replay *replay, int64_t final_ms, struct wn_error *err)
{
	for (size_t i = 0; i < replay->window_count; i++)
		if (replay->windows[i].final_ms == final_ms) {
			replay->windows[i].items++;
			return true;
		}
	struct replay_window *window =
		replay_list_add((void **)&replay->windows, &replay->window_count, &replay->window_room, sizeof *window);
	if (!window)
		return replay_no_room(err);
	*window = (struct replay_window){final_ms, 1};
	return true;
}

static void window_take(struct replay *replay, int64_t final_ms)
{
	size_t i = 0;
	while (i < replay->window_count && replay->windows[i].final_ms != final_ms)
		i++;
	wn_assert(i < replay->window_count);
	if (--replay->windows[i].items == 0)
		replay->windows[i] = replay->windows[--replay->window_count];
}

/* Grants are for good up to the first window that still has an item. */
static void windows_pass(struct replay *replay)
{
	int64_t until_ms = replay->time_ms;
	for (size_t i = 0; i < replay->window_count; i++)
		if (replay->windows[i].final_ms <= until_ms)
			until_ms = replay->windows[i].final_ms - 1;
	if (until_ms > replay->final_ms)
		replay->final_ms = until_ms;
}

static enum item_state final_state(const struct replay_item *item)
{
	if (item->class < 0)
		return ITEM_VOID;
	return item->campaign->campaign.choices[item->class].verdict == CHOICE_KEEP ? ITEM_ACCEPTED : ITEM_REJECTED;
}

static bool final_take(struct replay *replay, const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	const char *word;
	char hex[ID_HEX_ROOM];
	if (!replay_read_item(replay, row, &item, err) || !replay_read_text(replay, row, "state", &word, err))
		return false;
	hex_write(hex, item->id.bytes, ID_BYTES);
	if (item->state != ITEM_SETTLED)
		return replay_differs(replay, err, "replay_final", "item %s is %s, and only settled ones become final",
			hex, item_state_word(item->state));
	enum item_state state = final_state(item);
	if (strcmp(item_state_word(state), word) != 0)
		return replay_differs(replay, err, "replay_final", "item %s is called %.16s, expected %s", hex, word,
			item_state_word(state));
	if (replay->time_ms < item->final_ms)
		return replay_differs(replay, err, "replay_final", "item %s is final at %lld ms, not before", hex,
			(long long)item->final_ms);
	item->state = state;
	window_take(replay, item->final_ms);
	replay->totals.accepted += state == ITEM_ACCEPTED;
	replay->totals.rejected += state == ITEM_REJECTED;
	replay->totals.voided += state == ITEM_VOID;
	struct replay_final final = {.item = item->id,
		.campaign = &item->campaign->campaign,
		.position = replay->position,
		.class = item->class,
		.p_good = item->p_good};
	if (replay->watch.final && !replay->watch.final(replay->watch.context, &final, err))
		return false;
	replay_item_rest(replay, item);
	return true;
}

bool replay_take_final(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	if (!replay_read_list(replay, entry, "items", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!final_take(replay, list->elements[i], err))
			return false;
	windows_pass(replay);
	return true;
}
