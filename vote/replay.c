/* Entry after entry: its form and its place in the tree, then what its type
 * asks for. */
#include "vote/replay.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "vote/replay_state.h"

typedef bool replay_take(struct replay *replay, const struct json *entry, struct wn_error *err);

static const struct {
	const char *type;
	replay_take *take;
} types[] = {
	{"genesis", replay_take_genesis},
	{"clock", replay_take_clock},
	{"account", replay_take_account},
	{"campaign", replay_take_campaign},
	{"campaign_closed", replay_take_campaign_closed},
	{"items", replay_take_items},
	{"duplicates", replay_take_duplicates},
	{"rounds", replay_take_rounds},
	{"seats", replay_take_seats},
	{"seat_left", replay_take_seat_left},
	{"ballot", replay_take_ballot},
	{"commit_closed", replay_take_commit_closed},
	{"tally", replay_take_tally},
	{"outage", replay_take_outage},
	{"epoch_end", replay_take_epoch_end},
	{"epochs_silent", replay_take_epochs_silent},
	{"epoch_close_part", replay_take_part},
	{"epoch_close", replay_take_close},
	{"final", replay_take_final},
	{"transfers", replay_take_transfers},
	{"release", replay_take_release},
	{"dataset", replay_take_dataset},
};
enum { TYPES = sizeof types / sizeof types[0] };

bool replay_open(struct replay **out, const struct replay_watch *watch, struct wn_error *err)
{
	struct replay *replay = calloc(1, sizeof *replay);
	*out = replay;
	if (!replay)
		return replay_no_room(err);
	if (watch)
		replay->watch = *watch;
	replay->totals.recomputed_to = -1;
	wn_arena_init(&replay->entry, REPLAY_ENTRY_ARENA);
	wn_arena_init(&replay->verify, REPLAY_VERIFY_ARENA);
	wn_arena_init(&replay->campaigns_arena, REPLAY_CAMPAIGNS_ARENA);
	replay->account_places = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(int32_t)};
	replay->commitments = replay->account_places;
	replay->items = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(struct replay_item *)};
	replay->balances =
		(struct replay_table){.key_bytes = ID_BYTES + 1, .value_bytes = sizeof(struct ledger_balance)};
	replay->pending = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(struct replay_pending)};
	replay->vesting = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(struct replay_vesting)};
	replay->unbonding =
		(struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(struct replay_unbonding)};
	replay->unbonded = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(struct replay_unbonded)};
	replay->claims = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(int64_t)};
	replay->recent = calloc(REPLAY_RECENT_MAX, sizeof *replay->recent);
	return replay->recent || replay_no_room(err);
}

static void tables_close(struct replay *replay)
{
	const void *key;
	void *value;
	for (size_t at = 0; replay_table_next(&replay->items, &at, &key, &value);)
		replay_item_free(*(struct replay_item **)value);
	for (size_t at = 0; replay_table_next(&replay->vesting, &at, &key, &value);)
		free(((struct replay_vesting *)value)->grants);
	struct replay_table *tables[] = {&replay->account_places, &replay->commitments, &replay->items,
		&replay->balances, &replay->pending, &replay->vesting, &replay->unbonding, &replay->unbonded,
		&replay->claims};
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
		replay_table_close(tables[i]);
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	tables_close(replay);
	for (struct replay_epoch *epoch = replay->oldest, *next; epoch; epoch = next) {
		next = epoch->next;
		replay_epoch_free(epoch);
	}
	for (size_t c = 0; c < replay->campaign_count; c++) {
		replay_generation_free(&replay->campaigns[c]->before);
		replay_generation_free(&replay->campaigns[c]->now);
		free(replay->campaigns[c]->held);
		free(replay->campaigns[c]);
	}
	free(replay->campaigns);
	free(replay->accounts);
	free(replay->claim_order);
	free(replay->audits);
	free(replay->windows);
	free(replay->recent);
	wn_arena_free(&replay->entry);
	wn_arena_free(&replay->verify);
	wn_arena_free(&replay->campaigns_arena);
	free(replay);
}

/* The last leaves stay at hand, so that the root of a tree that was not long
 * ago can still be told. */
static void tree_take(struct replay *replay, struct wn_slice body)
{
	struct sha256 leaf;
	tree_leaf(body.data, body.bytes, &leaf);
	tree_append(&replay->frontier, &leaf, NULL, NULL);
	if (replay->recent_count == REPLAY_RECENT_MAX) {
		size_t half = REPLAY_RECENT_MAX / 2;
		for (size_t i = 0; i < half; i++)
			tree_append(&replay->recent_base, &replay->recent[i], NULL, NULL);
		memmove(replay->recent, replay->recent + half, (REPLAY_RECENT_MAX - half) * sizeof *replay->recent);
		replay->recent_count -= half;
	}
	replay->recent[replay->recent_count++] = leaf;
}

static bool entry_form(struct replay *replay, const struct json **out, struct wn_error *err)
{
	struct wn_slice canonical;
	struct wn_error why = {0};
	const char *type;
	if (replay->body.bytes > JOURNAL_ENTRY_MAX)
		return replay_differs(replay, err, "replay_canonical", "it has more than %d bytes", JOURNAL_ENTRY_MAX);
	if (!json_parse(&replay->entry, replay->body.data, replay->body.bytes, out, &why) ||
		!jcs_write(&replay->entry, *out, &canonical, &why)) {
		if (why.blame == WN_FULL)
			return wn_fail(err, why.blame, why.code, "%s", why.text);
		return replay_differs(replay, err, "replay_canonical", "it is no canonical JSON: %s", why.text);
	}
	if (!wn_slice_equal(canonical, replay->body))
		return replay_differs(replay, err, "replay_canonical", "its bytes are not the canonical ones");
	type = json_member_string(*out, "type", "");
	snprintf(replay->type, sizeof replay->type, "%s", type);
	return replay_read_integer(replay, *out, "time_ms", &replay->time_ms, err);
}

bool replay_entry(struct replay *replay, struct wn_slice body, struct wn_error *err)
{
	const struct json *entry;
	int kind = 0;
	wn_assert(!replay->differs);
	wn_arena_reset(&replay->entry);
	replay->position = replay->frontier.size;
	replay->body = body;
	strcpy(replay->type, "?");
	if (!entry_form(replay, &entry, err))
		return false;
	while (kind < TYPES && strcmp(types[kind].type, replay->type) != 0)
		kind++;
	if (kind == TYPES)
		return replay_differs(replay, err, "replay_entry", "no entry has this type");
	if ((kind == 0) != (replay->position == 0))
		return replay_differs(replay, err, "replay_genesis", "a journal begins with genesis and has one");
	if (!types[kind].take(replay, entry, err))
		return false;
	tree_take(replay, body);
	replay->totals.entries++;
	replay->totals.time_ms = replay->time_ms;
	return true;
}

bool replay_finish(struct replay *replay, struct wn_error *err)
{
	if (replay->frontier.size == 0)
		return replay_differs(replay, err, "replay_genesis", "the journal is empty");
	return replay_money_finish(replay, err);
}

void replay_root(const struct replay *replay, uint64_t *size, struct sha256 *root)
{
	*size = replay->frontier.size;
	tree_frontier_root(&replay->frontier, root);
}

bool replay_root_at(const struct replay *replay, uint64_t size, struct sha256 *root)
{
	struct tree_frontier frontier = replay->recent_base;
	if (size < frontier.size || size > replay->frontier.size)
		return false;
	for (size_t i = 0; frontier.size < size; i++)
		tree_append(&frontier, &replay->recent[i], NULL, NULL);
	tree_frontier_root(&frontier, root);
	return true;
}

const char *replay_difference(const struct replay *replay, uint64_t *position)
{
	*position = replay->position;
	return replay->differs ? replay->type : NULL;
}

void replay_totals(const struct replay *replay, struct replay_totals *out)
{
	*out = replay->totals;
	out->network = replay->node.network;
	out->accounts = (int64_t)replay->account_count;
	out->supply = replay->node.policy.cap_units - replay_unminted(replay);
	out->waiting = 0;
	for (const struct replay_epoch *epoch = replay->oldest; epoch; epoch = epoch->next) {
		out->waiting += epoch->closed;
		out->cut = out->cut || (!epoch->closed && epoch->body_count > 0);
	}
}
