/* The end of an epoch: its opened votes are sealed in a root, the next beacon is drawn from it, known-answer items are
 * picked and their audits open. Runs of silent epochs pass at once. */
#include "vote/epoch_end.h"

#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "reward/claims_store.h"
#include "vote/commitment.h"
#include "vote/gold.h"
#include "vote/panel.h"

enum { SILENT_EPOCHS_MAX = 1024 }; /* of one transaction */

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the epoch's end");
}

int64_t epoch_end_ms(const struct close_turn *turn, const struct epoch_row *open)
{
	int64_t end_ms = open->opened_ms + turn->node->policy.epoch_ms;
	return turn->now_ms < end_ms ? turn->now_ms : end_ms;
}

bool epoch_is_over(const struct close_turn *turn, const struct epoch_row *open)
{
	const struct policy *policy = &turn->node->policy;
	return turn->now_ms - open->opened_ms >= policy->epoch_ms || open->votes >= policy->epoch_votes_max;
}

/* ---- the beacon ---- */

struct next_epoch {
	struct sha256 revealed, onion, beacon;
};

static bool beacon_next(struct close_turn *turn, const struct beacon_onion *onion, int64_t epoch,
	struct next_epoch *out, struct wn_error *err)
{
	struct vote_row *votes;
	size_t count;
	if (!close_store_reveals(turn->db, turn->arena, epoch, &votes, &count, err))
		return false;
	struct commitment_leaf *leaves = wn_arena_array(turn->arena, count, sizeof *leaves);
	if (!leaves)
		return no_room(err);
	for (size_t i = 0; i < count; i++)
		vote_row_leaf(&votes[i], &leaves[i]);
	if (!vote_root(turn->arena, leaves, count, &out->revealed, err) ||
		!beacon_onion_layer(onion, (uint64_t)epoch + 1, &out->onion, err))
		return false;
	beacon_of_epoch(&turn->node->network, (uint64_t)epoch + 1, &out->onion, &out->revealed, &out->beacon);
	return true;
}

/* ---- known-answer items ---- */

struct audits {
	struct round_opening *openings;
	struct round_key *keys;
	size_t count, room;
};

/* An audit's commit phase takes half of what is left of the epoch that follows (of all of it, when the end is seen at
 * once). */
static int64_t audit_until_ms(const struct close_turn *turn, int64_t end_ms)
{
	return turn->now_ms + (end_ms + turn->node->policy.epoch_ms - turn->now_ms) / 2;
}

static bool audits_room(struct wn_arena *arena, struct audits *audits, size_t more, struct wn_error *err)
{
	if (audits->count + more <= audits->room)
		return true;
	size_t room = 2 * audits->room + more;
	struct round_opening *openings = wn_arena_array(arena, room, sizeof *openings);
	struct round_key *keys = wn_arena_array(arena, room, sizeof *keys);
	if (!openings || !keys)
		return no_room(err);
	if (audits->count > 0) {
		memcpy(openings, audits->openings, audits->count * sizeof *openings);
		memcpy(keys, audits->keys, audits->count * sizeof *keys);
	}
	*audits = (struct audits){openings, keys, audits->count, room};
	return true;
}

static bool audits_add(struct close_turn *turn, const struct campaign *campaign, const struct close_item *items,
	const uint32_t *picked, size_t count, int64_t end_ms, struct audits *audits, struct wn_error *err)
{
	if (!audits_room(turn->arena, audits, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct close_item *item = &items[picked[i]];
		struct round_key key = {item->item, item->last_round + 1};
		audits->keys[audits->count] = key;
		audits->openings[audits->count++] = (struct round_opening){
			.key = key,
			.campaign = campaign->name,
			.kind = ROUND_AUDIT,
			.seats = campaign->audit_seats,
			.opened_ms = end_ms,
			.commit_until_ms = audit_until_ms(turn, end_ms),
		};
	}
	return true;
}

/* Items that were audited before, and void ones, are no candidates; the number follows all items tallied. */
static bool campaign_pick(struct close_turn *turn, const struct campaign *campaign, int64_t epoch, int64_t end_ms,
	const struct sha256 *beacon, struct audits *audits, struct wn_error *err)
{
	struct close_item *items;
	struct gold_row *had;
	size_t count, had_count, g = 0, kept = 0, picked_count;
	uint32_t *picked;
	if (!close_store_items(turn->db, turn->arena, campaign->name, epoch, &items, &count, err) ||
		!close_store_gold(turn->db, turn->arena, items, count, &had, &had_count, err))
		return false;
	struct gold_candidate *candidates = wn_arena_array(turn->arena, count, sizeof *candidates);
	struct close_item *free_items = wn_arena_array(turn->arena, count, sizeof *free_items);
	if (!candidates || !free_items)
		return no_room(err);
	for (size_t i = 0; i < count; i++) {
		while (g < had_count && id_compare(&had[g].item, &items[i].item) < 0)
			g++;
		if (items[i].class < 0 || (g < had_count && id_compare(&had[g].item, &items[i].item) == 0))
			continue;
		free_items[kept] = items[i];
		candidates[kept++] = (struct gold_candidate){.item = items[i].item, .class = items[i].class};
	}
	size_t wanted = gold_count(count, turn->node->policy.gold_ppm);
	return gold_pick(turn->arena, beacon, campaign->class_count, candidates, kept, wanted, &picked, &picked_count,
		       err) &&
	       audits_add(turn, campaign, free_items, picked, picked_count, end_ms, audits, err);
}

/* Where nobody may audit, or no time is left to, there is no gold. */
static bool audits_pick(struct close_turn *turn, int64_t epoch, int64_t end_ms, const struct sha256 *beacon,
	struct audits *audits, struct wn_error *err)
{
	const char **names;
	size_t count;
	int64_t curators;
	*audits = (struct audits){0};
	if (turn->now_ms - end_ms >= turn->node->policy.epoch_ms)
		return true;
	if (!close_store_campaigns(turn->db, turn->arena, &names, &count, err) ||
		!close_store_curators(turn->db, turn->arena, &curators, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct campaign_row row;
		bool found;
		if (!campaign_store_get(turn->db, turn->arena, names[i], &row, &found, err))
			return false;
		wn_assert(found);
		if ((curators > 0 || row.campaign.audit_open) &&
			!campaign_pick(turn, &row.campaign, epoch, end_ms, beacon, audits, err))
			return false;
	}
	return true;
}

/* ---- ending one ---- */

static bool end_entry(struct close_turn *turn, int64_t epoch, int64_t end_ms, const struct next_epoch *next,
	const struct audits *audits, struct wn_error *err)
{
	struct json_writer writer;
	struct vote_entry entry;
	journal_entry_begin(&writer, turn->arena, "epoch_end", turn->now_ms);
	json_put_integer(&writer, "epoch", epoch);
	json_put_integer(&writer, "ended_ms", end_ms);
	json_put_hex(&writer, "revealed", next->revealed.bytes, ID_BYTES);
	json_put_hex(&writer, "onion", next->onion.bytes, ID_BYTES);
	json_put_hex(&writer, "beacon", next->beacon.bytes, ID_BYTES);
	json_put_integer(&writer, "gold", (int64_t)audits->count);
	return vote_entry_seal(&writer, turn->arena, &entry, err) &&
	       vote_entry_rounds(turn->db, turn->arena, audits->openings, audits->count, turn->now_ms, err) &&
	       vote_entry_append(turn->db, turn->arena, &entry, err);
}

static bool end_store(
	struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open, struct wn_error *err)
{
	int64_t end_ms = epoch_end_ms(turn, open);
	struct next_epoch next;
	struct audits audits;
	return beacon_next(turn, onion, open->epoch, &next, err) &&
	       close_store_end(turn->db, turn->arena, open->epoch, end_ms, err) &&
	       close_store_begin(turn->db, turn->arena, open->epoch + 1, end_ms, &next.onion, &next.beacon, err) &&
	       audits_pick(turn, open->epoch, end_ms, &next.beacon, &audits, err) &&
	       round_store_open(turn->db, turn->arena, audits.openings, audits.count, err) &&
	       close_store_gold_insert(turn->db, turn->arena, audits.keys, audits.count, open->epoch, err) &&
	       end_entry(turn, open->epoch, end_ms, &next, &audits, err);
}

bool epoch_end(struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open, bool *ended,
	struct wn_error *err)
{
	bool late;
	*ended = false;
	if (!db_begin(turn->db, err) || !close_store_exclude(turn->db, turn->arena, err) ||
		!close_store_late(turn->db, turn->arena, epoch_end_ms(turn, open), &late, err))
		return false;
	if (!late && !end_store(turn, onion, open, err))
		return wn_while(err, "end epoch %lld", (long long)open->epoch);
	*ended = !late;
	return db_commit(turn->db, err);
}

/* ---- passing silent ones ---- */

/* How many epochs, from the open one on, are over, hold nothing, and see no deadline and no carried score come due. */
static size_t silent_count(
	const struct close_turn *turn, const struct epoch_row *open, const struct epoch_silence *silence)
{
	int64_t epoch_ms = turn->node->policy.epoch_ms, end_ms = open->opened_ms;
	size_t count = 0;
	if (!silence->silent)
		return 0;
	for (; count < SILENT_EPOCHS_MAX; count++) {
		end_ms += epoch_ms;
		int64_t epoch = open->epoch + (int64_t)count;
		if (end_ms > turn->now_ms || silence->deadline_ms <= end_ms)
			break;
		if (silence->carried_since != INT64_MAX && epoch - silence->carried_since >= PANEL_CARRY_EPOCHS)
			break;
	}
	return count;
}

static bool silent_entry(struct close_turn *turn, int64_t from, const struct epoch_silent *next,
	const struct sha256 *claims_root, struct vote_entry *out, struct wn_error *err)
{
	struct json_writer writer;
	journal_entry_begin(&writer, turn->arena, "epochs_silent", turn->now_ms);
	json_put_integer(&writer, "from", from);
	json_put_integer(&writer, "to", next->epoch - 1);
	json_put_integer(&writer, "ended_ms", next->opened_ms);
	json_put_hex(&writer, "onion", next->onion.bytes, ID_BYTES);
	json_put_hex(&writer, "beacon", next->beacon.bytes, ID_BYTES);
	json_put_hex(&writer, "claims_root", claims_root->bytes, ID_BYTES);
	return vote_entry_seal(&writer, turn->arena, out, err);
}

/* rows[i] is the epoch that follows the i-th silent one; the last of them stays open. */
static bool silent_store(struct close_turn *turn, const struct epoch_row *open, const struct epoch_silent *rows,
	size_t count, struct wn_error *err)
{
	struct vote_entry entry;
	struct sha256 claims_root;
	int64_t epoch_ms = turn->node->policy.epoch_ms;
	const struct epoch_silent *next = &rows[count - 1];
	return claims_store_root(turn->db, turn->arena, &claims_root, err) &&
	       silent_entry(turn, open->epoch, next, &claims_root, &entry, err) &&
	       close_store_close(turn->db, turn->arena, open->epoch, open->opened_ms + epoch_ms, turn->now_ms, 0,
		       count == 1 ? &claims_root : NULL, count == 1 ? &entry.leaf : NULL, err) &&
	       close_store_silent(turn->db, turn->arena, rows, count - 1, epoch_ms, turn->now_ms, err) &&
	       (count == 1 || close_store_close(turn->db, turn->arena, next->epoch - 1, next->opened_ms, turn->now_ms,
				      0, &claims_root, &entry.leaf, err)) &&
	       close_store_begin(
		       turn->db, turn->arena, next->epoch, next->opened_ms, &next->onion, &next->beacon, err) &&
	       vote_entry_append(turn->db, turn->arena, &entry, err);
}

/* Only the innermost layer is looked up: each one above it is its hash. */
static bool silent_rows(struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open,
	size_t count, struct epoch_silent **out, struct wn_error *err)
{
	struct sha256 nothing;
	struct epoch_silent *rows = wn_arena_array(turn->arena, count, sizeof *rows);
	if (!rows)
		return no_room(err);
	if (!vote_root(turn->arena, NULL, 0, &nothing, err) ||
		!beacon_onion_layer(onion, (uint64_t)open->epoch + count, &rows[count - 1].onion, err))
		return false;
	for (size_t i = count; i-- > 0;) {
		rows[i].epoch = open->epoch + 1 + (int64_t)i;
		rows[i].opened_ms = open->opened_ms + (int64_t)(i + 1) * turn->node->policy.epoch_ms;
		beacon_of_epoch(
			&turn->node->network, (uint64_t)rows[i].epoch, &rows[i].onion, &nothing, &rows[i].beacon);
		if (i > 0)
			sha256_of(rows[i].onion.bytes, ID_BYTES, &rows[i - 1].onion);
	}
	*out = rows;
	return true;
}

bool epoch_pass_silent(struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open,
	size_t *passed, struct wn_error *err)
{
	struct epoch_silence silence;
	struct epoch_silent *rows = NULL;
	*passed = 0;
	if (!db_begin(turn->db, err) || !close_store_exclude(turn->db, turn->arena, err) ||
		!close_store_silence(turn->db, turn->arena, open->epoch, &silence, err))
		return false;
	size_t count = silent_count(turn, open, &silence);
	if (count > 0 &&
		(!silent_rows(turn, onion, open, count, &rows, err) || !silent_store(turn, open, rows, count, err)))
		return wn_while(err, "pass silent epochs from %lld", (long long)open->epoch);
	if (!db_commit(turn->db, err))
		return false;
	*passed = count;
	return true;
}
