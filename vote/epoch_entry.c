/* The journal of an epoch's close: everything that somebody needs who computes it anew, in entries that fit. */
#include <string.h>

#include "core/journal.h"
#include "core/sign.h"
#include "reward/ledger_store.h"
#include "vote/epoch_run.h"

/* A part is closed at this size or number of items, so that the next item, with all its votes, still fits. */
enum {
	PART_VOTES_MAX = 3 * CAMPAIGN_SEATS_MAX, /* two panels that came about, and an audit */
	PART_VOTE_BYTES = 256,
	PART_BYTES_MAX = JOURNAL_ENTRY_MAX - PART_VOTES_MAX * PART_VOTE_BYTES - 65536,
	PART_ITEMS_MAX = 5000,
	PART_LINES_MAX = 4000
};
_Static_assert((int)PART_ITEMS_MAX < (int)JSON_ELEMENTS_MAX, "a part must be readable again");
_Static_assert((int)PART_LINES_MAX *(int)PART_VOTE_BYTES < (int)JOURNAL_ENTRY_MAX, "a part must fit");

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the close's journal entries");
}

/* A place for one more entry; written in the scratch arena, kept in the turn's. */
static bool part_keep(struct epoch_run *run, const struct vote_entry *entry, struct wn_error *err)
{
	struct epoch_entries *parts = &run->parts;
	if (parts->count == parts->room) {
		size_t room = parts->room ? 2 * parts->room : 16;
		struct vote_entry *rows = wn_arena_array(run->turn.arena, room, sizeof *rows);
		if (!rows)
			return no_room(err);
		if (parts->count > 0)
			memcpy(rows, parts->rows, parts->count * sizeof *rows);
		parts->rows = rows;
		parts->room = room;
	}
	struct vote_entry *kept = &parts->rows[parts->count++];
	*kept = *entry;
	kept->body.data = wn_arena_copy(run->turn.arena, entry->body.data, entry->body.bytes);
	wn_arena_reset(&run->scratch);
	return kept->body.data || no_room(err);
}

bool epoch_entry_rounds(struct epoch_run *run, const struct round_opening *openings, size_t count, struct wn_error *err)
{
	struct vote_entry entry;
	for (size_t at = 0; at < count; at += VOTE_ENTRY_ROUNDS_MAX) {
		size_t some = count - at < VOTE_ENTRY_ROUNDS_MAX ? count - at : VOTE_ENTRY_ROUNDS_MAX;
		if (!vote_entry_rounds_seal(&run->scratch, openings + at, some, run->turn.now_ms, &entry, err) ||
			!part_keep(run, &entry, err))
			return false;
	}
	return true;
}

/* ---- a campaign ---- */

static void part_begin(struct epoch_run *run, struct json_writer *writer, const char *campaign, const char *list)
{
	journal_entry_begin(writer, &run->scratch, "epoch_close_part", run->turn.now_ms);
	json_put_integer(writer, "epoch", run->epoch);
	json_put_string(writer, "campaign", campaign);
	json_open_array(writer, list);
}

static bool part_end(struct epoch_run *run, struct json_writer *writer, struct wn_error *err)
{
	struct vote_entry entry;
	json_close_array(writer);
	return vote_entry_seal(writer, &run->scratch, &entry, err) && part_keep(run, &entry, err);
}

static void vote_put(struct json_writer *writer, const struct vote_row *vote, int32_t points)
{
	char did[DID_ROOM];
	did_write(did, &vote->voter);
	json_open_object(writer, NULL);
	json_put_string(writer, "voter", did);
	json_put_integer(writer, "round", vote->key.round);
	json_put_integer(writer, "choice", vote->choice);
	json_put_hex(writer, "salt", vote->salt.bytes, ID_BYTES);
	json_put_bool(writer, "fresh", vote->fresh);
	json_put_integer(writer, "points", points);
	json_close_object(writer);
}

/* What auditors said of a known-answer item, in the order of their keys: the known answer is the class that most of
 * them named, their salts are leaves of an epoch's root. */
static void audits_put(struct json_writer *writer, const struct settle_view *view, const struct item_id *item)
{
	char did[DID_ROOM];
	size_t low = 0, high = view->audit_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (id_compare(&view->audits[middle].key.item, item) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == view->audit_count || id_compare(&view->audits[low].key.item, item) != 0)
		return;
	json_open_array(writer, "audits");
	for (; low < view->audit_count && id_compare(&view->audits[low].key.item, item) == 0; low++) {
		did_write(did, &view->audits[low].voter);
		json_open_object(writer, NULL);
		json_put_string(writer, "voter", did);
		json_put_integer(writer, "round", view->audits[low].key.round);
		json_put_integer(writer, "choice", view->audits[low].choice);
		json_put_hex(writer, "salt", view->audits[low].salt.bytes, ID_BYTES);
		json_close_object(writer);
	}
	json_close_array(writer);
}

static void item_put(struct json_writer *writer, const struct settle_view *view, size_t i)
{
	int32_t place = view->place[i];
	json_open_object(writer, NULL);
	json_put_hex(writer, "item", view->items[i].item.bytes, ID_BYTES);
	if (place < 0) {
		json_put_string(writer, "result", "void");
		json_close_object(writer);
		return;
	}
	const struct epoch_item *judged = &view->judged[place];
	json_put_string(writer, "result", view->settles[place] ? "settled" : "second");
	/* What an item says that comes back stays sealed for its second panel. Who computes this close anew waits for
	 * the one that settles it: the votes shown there of rounds up to this one were counted here. */
	json_put_integer(writer, "round", view->items[i].last_round);
	if (view->settles[place]) {
		json_put_integer(writer, "class", view->output->class[place]);
		json_put_integer(writer, "margin", view->output->margin[place]);
		json_put_integer(writer, "p_good", view->output->p_good[place]);
		json_put_integer(writer, "stratum", judged->stratum);
		if (judged->gold != CLOSE_NO_GOLD)
			json_put_integer(writer, "gold", judged->gold);
		json_open_array(writer, "votes");
		for (uint32_t v = judged->vote_first; v < judged->vote_first + judged->vote_count; v++)
			vote_put(writer, &view->votes[v], view->output->points[v]);
		json_close_array(writer);
		audits_put(writer, view, &view->items[i].item);
	}
	json_close_object(writer);
}

static bool items_tell(struct epoch_run *run, const struct settle_view *view, struct wn_error *err)
{
	struct json_writer writer;
	const char *campaign = view->settle->campaign->name;
	size_t told = 0;
	for (size_t i = 0; i < view->item_count; i++) {
		if (told == 0)
			part_begin(run, &writer, campaign, "items");
		wn_assert(view->place[i] < 0 || view->judged[view->place[i]].vote_count <= PART_VOTES_MAX);
		item_put(&writer, view, i);
		told++;
		if (writer.text.bytes <= PART_BYTES_MAX && told < PART_ITEMS_MAX)
			continue;
		if (!part_end(run, &writer, err))
			return false;
		told = 0;
	}
	return told == 0 || part_end(run, &writer, err);
}

/* Whose carried scores enter pay and slash now. */
static bool scores_tell(struct epoch_run *run, const struct settle_campaign *settle, struct wn_error *err)
{
	struct json_writer writer;
	char did[DID_ROOM];
	size_t told = 0;
	for (size_t i = 0; i < settle->validator_count; i++) {
		if (!settle->validators[i].settles)
			continue;
		if (told == 0)
			part_begin(run, &writer, settle->campaign->name, "scores");
		did_write(did, &settle->validators[i].row.voter);
		json_open_object(&writer, NULL);
		json_put_string(&writer, "voter", did);
		json_put_integer(&writer, "points", settle->validators[i].points);
		json_put_integer(&writer, "scored", settle->validators[i].scored);
		if (settle->validators[i].early)
			json_put_bool(&writer, "unbonded", true);
		json_close_object(&writer);
		if (++told < PART_LINES_MAX)
			continue;
		if (!part_end(run, &writer, err))
			return false;
		told = 0;
	}
	return told == 0 || part_end(run, &writer, err);
}

bool epoch_entry_parts(struct epoch_run *run, const struct settle_view *view, struct wn_error *err)
{
	return items_tell(run, view, err) && scores_tell(run, view->settle, err);
}

/* ---- the whole ---- */

static void campaign_put(struct json_writer *writer, const struct settle_campaign *settle)
{
	json_open_object(writer, NULL);
	json_put_string(writer, "campaign", settle->campaign->name);
	json_put_integer(writer, "settled", settle->settled);
	json_put_integer(writer, "second", settle->second);
	json_put_integer(writer, "void", settle->voided);
	json_put_integer(writer, "accepted", settle->accepted);
	json_put_integer(writer, "fresh_votes", settle->fresh_votes);
	/* The prior has a part of every item counted, so it stays sealed with those that do. */
	if (settle->judged && settle->second == 0) {
		json_open_array(writer, "prior");
		for (int a = 0; a < settle->campaign->class_count; a++)
			json_put_integer(writer, NULL, settle->state.prior[a]);
		json_close_array(writer);
	}
	json_put_hex(writer, "counts_sha256", settle->counts_sha256.bytes, ID_BYTES);
	if (settle->campaign->panel_mode == PANEL_OPEN) {
		json_put_amount(writer, "pool", settle->pool);
		json_put_amount(writer, "paid", settle->paid);
		json_put_amount(writer, "slashed", settle->slashed);
	}
	json_close_object(writer);
}

static void emission_put(struct json_writer *writer, const struct epoch_run *run)
{
	json_put_amount(writer, "unminted", run->unminted);
	json_put_amount(writer, "offer", run->offer);
	json_put_amount(writer, "ceiling", run->ceiling);
	json_put_amount(writer, "mintable", run->mintable);
	json_open_array(writer, "shares");
	for (int share = 0; share < SHARE_COUNT; share++)
		json_put_amount(writer, NULL, run->shares[share]);
	json_close_array(writer);
	json_put_amount(writer, "drawn_paid", run->drawn_paid);
	json_put_amount(writer, "drawn_slashed", run->drawn_slashed);
	json_put_amount(writer, "minted", run->minted);
}

bool epoch_entry_close(struct epoch_run *run, struct vote_entry *out, struct wn_error *err)
{
	struct json_writer writer;
	journal_entry_begin(&writer, run->turn.arena, "epoch_close", run->turn.now_ms);
	json_put_integer(&writer, "epoch", run->epoch);
	json_open_array(&writer, "parts");
	for (size_t i = 0; i < run->parts.count; i++)
		json_put_hex(&writer, NULL, run->parts.rows[i].leaf.bytes, ID_BYTES);
	json_close_array(&writer);
	json_open_array(&writer, "campaigns");
	for (size_t c = 0; c < run->campaign_count; c++)
		campaign_put(&writer, &run->campaigns[c]);
	json_close_array(&writer);
	emission_put(&writer, run);
	json_put_hex(&writer, "claims_root", run->claims_root.bytes, ID_BYTES);
	return vote_entry_seal(&writer, run->turn.arena, out, err);
}

bool epoch_entry_append(struct epoch_run *run, const struct vote_entry *last, struct wn_error *err)
{
	struct wn_slice text;
	for (size_t at = 0; at < run->transfer_count; at += LEDGER_ENTRY_TRANSFERS_MAX) {
		size_t some = run->transfer_count - at < LEDGER_ENTRY_TRANSFERS_MAX ? run->transfer_count - at
										    : LEDGER_ENTRY_TRANSFERS_MAX;
		wn_arena_reset(&run->scratch);
		if (!ledger_entry(&run->scratch, run->transfers + at, some, run->turn.now_ms, &text, err) ||
			!journal_append(run->turn.db, &run->scratch, text, NULL, err))
			return false;
	}
	for (size_t i = 0; i < run->parts.count; i++) {
		wn_arena_reset(&run->scratch);
		if (!vote_entry_append(run->turn.db, &run->scratch, &run->parts.rows[i], err))
			return false;
	}
	return vote_entry_append(run->turn.db, run->turn.arena, last, err);
}
