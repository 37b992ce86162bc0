/* Epochs of a replay: they end, what they judged is shown, they close; what a
 * close counted is kept until all of it is known. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "vote/beacon.h"
#include "vote/commitment.h"
#include "vote/replay_state.h"

enum { REPLAY_SILENT_MAX = 1 << 20 }; /* layers of the onion */

static struct replay_epoch *epoch_new(int64_t number, int64_t opened_ms)
{
	struct replay_epoch *epoch = calloc(1, sizeof *epoch);
	if (!epoch)
		return NULL;
	epoch->number = number;
	epoch->opened_ms = opened_ms;
	wn_arena_init(&epoch->arena, REPLAY_EPOCH_ARENA);
	return epoch;
}

void replay_epoch_free(struct replay_epoch *epoch)
{
	free(epoch->tallies);
	free(epoch->provisional);
	free(epoch->audits);
	free(epoch->items);
	free(epoch->bodies);
	free(epoch->ended_bonds);
	free(epoch->auditors);
	free(epoch->listed);
	free(epoch->unstaked);
	wn_arena_free(&epoch->arena);
	free(epoch);
}

bool replay_epochs_begin(struct replay *replay, const struct sha256 *tip, struct wn_error *err)
{
	replay->outer_onion = *tip;
	replay->outer_layer = -1;
	replay->oldest = replay->open = epoch_new(0, replay->time_ms);
	return replay->open || replay_no_room(err);
}

struct replay_epoch *replay_epoch_ended(const struct replay *replay)
{
	for (struct replay_epoch *epoch = replay->oldest; epoch; epoch = epoch->next)
		if (epoch->ended && !epoch->closed)
			return epoch;
	return NULL;
}

struct replay_epoch *replay_epoch_of(const struct replay *replay, int64_t number)
{
	for (struct replay_epoch *epoch = replay->oldest; epoch; epoch = epoch->next)
		if (epoch->number == number)
			return epoch;
	return NULL;
}

bool replay_epoch_keep(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err)
{
	struct replay_body *kept =
		replay_list_add((void **)&epoch->bodies, &epoch->body_count, &epoch->body_room, sizeof *kept);
	if (!kept)
		return replay_no_room(err);
	kept->position = replay->position;
	kept->body.bytes = replay->body.bytes;
	kept->body.data = wn_arena_copy(&epoch->arena, replay->body.data, replay->body.bytes);
	return kept->body.data || replay_no_room(err);
}

/* ---- ending ---- */

/* Each shown layer of the onion hashes, as often as epochs lie between, to the
 * one shown before. */
static bool onion_follows(struct replay *replay, const struct sha256 *layer, int64_t number, struct wn_error *err)
{
	struct sha256 hash = *layer;
	for (int64_t n = number; n > replay->outer_layer; n--)
		sha256_of(hash.bytes, ID_BYTES, &hash);
	if (memcmp(hash.bytes, replay->outer_onion.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_beacon",
			"the onion's layer of epoch %lld does not belong "
			"under the one shown before",
			(long long)number);
	replay->outer_onion = *layer;
	replay->outer_layer = number;
	return true;
}

static bool beacon_check(struct replay *replay, const struct json *entry, int64_t number, const struct sha256 *revealed,
	struct sha256 *out, struct wn_error *err)
{
	struct sha256 onion, told;
	char hex[ID_HEX_ROOM];
	if (!replay_read_id(replay, entry, "onion", onion.bytes, err) ||
		!replay_read_id(replay, entry, "beacon", told.bytes, err) ||
		!onion_follows(replay, &onion, number, err))
		return false;
	beacon_of_epoch(&replay->node.network, (uint64_t)number, &onion, revealed, out);
	return memcmp(out->bytes, told.bytes, ID_BYTES) == 0 ||
	       replay_differs(replay, err, "replay_beacon", "the beacon of epoch %lld is %s", (long long)number,
		       hex_write(hex, out->bytes, ID_BYTES));
}

static bool audits_end(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err)
{
	int64_t half = (epoch->ended_ms + replay->node.policy.epoch_ms - replay->time_ms) / 2;
	for (size_t i = 0; i < replay->audit_count; i++) {
		struct replay_item *item = replay->audits[i].item;
		struct replay_round *round = replay_round_of(item, replay->audits[i].round);
		char hex[ID_HEX_ROOM];
		if (item->judged_epoch != epoch->number || round->commit_until_ms != replay->time_ms + half)
			return replay_differs(replay, err, "replay_gold",
				"item %s: its audit takes votes until %lld, expected %lld",
				hex_write(hex, item->id.bytes, ID_BYTES), (long long)round->commit_until_ms,
				(long long)(replay->time_ms + half));
		round->opened_ms = epoch->ended_ms;
		round->explained = true;
		item->spoken_of++;
	}
	epoch->audits = replay->audits;
	epoch->audit_count = replay->audit_count;
	replay->audits = NULL;
	replay->audit_count = replay->audit_room = 0;
	return true;
}

bool replay_take_epoch_end(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_epoch *epoch = replay->open;
	const struct policy *policy = &replay->node.policy;
	int64_t number, gold, until_ms = epoch->opened_ms + policy->epoch_ms;
	if (!replay_read_integer(replay, entry, "epoch", &number, err) ||
		!replay_read_integer(replay, entry, "ended_ms", &epoch->ended_ms, err) ||
		!replay_read_integer(replay, entry, "gold", &gold, err) ||
		!replay_read_id(replay, entry, "revealed", epoch->revealed.bytes, err))
		return false;
	if (number != epoch->number || replay_epoch_ended(replay))
		return replay_differs(replay, err, "replay_epoch",
			"epoch %lld ends, expected %lld behind the close of %lld", (long long)number,
			(long long)epoch->number, (long long)epoch->number - 1);
	if (replay->time_ms < until_ms && epoch->votes < policy->epoch_votes_max)
		return replay_differs(replay, err, "replay_epoch", "epoch %lld is not over before %lld ms",
			(long long)number, (long long)until_ms);
	int64_t expected = replay->time_ms < until_ms ? replay->time_ms : until_ms;
	if (epoch->ended_ms != expected)
		return replay_differs(replay, err, "replay_epoch", "epoch %lld ended at %lld ms, expected %lld",
			(long long)number, (long long)epoch->ended_ms, (long long)expected);
	if (!beacon_check(replay, entry, number + 1, &epoch->revealed, &epoch->beacon, err))
		return false;
	if (gold != (int64_t)replay->audit_count)
		return replay_differs(replay, err, "replay_gold", "%lld items are audited, but %zu audits opened",
			(long long)gold, replay->audit_count);
	epoch->ended = true;
	epoch->end_position = replay->position;
	epoch->picks = replay->time_ms - epoch->ended_ms < policy->epoch_ms;
	if (!audits_end(replay, epoch, err))
		return false;
	epoch->next = epoch_new(number + 1, epoch->ended_ms);
	if (!epoch->next)
		return replay_no_room(err);
	replay->open = epoch->next;
	return true;
}

bool replay_take_epochs_silent(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_epoch *open = replay->open;
	struct sha256 nothing, beacon, told, claims;
	int64_t from, to, ended_ms;
	char hex[ID_HEX_ROOM];
	if (!replay_read_integer(replay, entry, "from", &from, err) ||
		!replay_read_integer(replay, entry, "to", &to, err) ||
		!replay_read_integer(replay, entry, "ended_ms", &ended_ms, err) ||
		!replay_read_id(replay, entry, "claims_root", told.bytes, err))
		return false;
	if (from != open->number || to < from || to - from >= REPLAY_SILENT_MAX || replay_epoch_ended(replay))
		return replay_differs(replay, err, "replay_epoch", "epochs %lld to %lld are silent, but %lld is open",
			(long long)from, (long long)to, (long long)open->number);
	if (open->tally_count > 0 || open->provisional_count > 0)
		return replay_differs(replay, err, "replay_epoch", "epoch %lld is not silent", (long long)from);
	int64_t expected = open->opened_ms + (to - from + 1) * replay->node.policy.epoch_ms;
	if (ended_ms != expected || replay->time_ms < ended_ms)
		return replay_differs(replay, err, "replay_epoch", "epoch %lld ended at %lld ms, expected %lld",
			(long long)to, (long long)ended_ms, (long long)expected);
	if (!vote_root(&replay->entry, NULL, 0, &nothing, err) ||
		!beacon_check(replay, entry, to + 1, &nothing, &beacon, err) ||
		!replay_claims_root(replay, &claims, err))
		return false;
	if (memcmp(claims.bytes, told.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_claims", "the root over all claims is %s",
			hex_write(hex, claims.bytes, ID_BYTES));
	replay->totals.epochs += to - from + 1;
	replay->totals.claims_root = claims;
	open->number = to + 1;
	open->opened_ms = ended_ms;
	return true;
}

/* ---- what a close shows of an item ---- */

/* A vote opens what was sealed, and nobody but its seat's holder could have
 * opened it. */
static bool vote_shown(struct replay *replay, struct replay_item *item, const struct json *row, enum round_kind kind,
	int32_t counted, struct wn_error *err)
{
	int32_t voter;
	int64_t number, choice;
	struct salt salt;
	struct sha256 commitment;
	char hex[ID_HEX_ROOM];
	hex_write(hex, item->id.bytes, ID_BYTES);
	if (!replay_read_account(replay, row, "voter", &voter, err) ||
		!replay_read_integer(replay, row, "round", &number, err) ||
		!replay_read_integer(replay, row, "choice", &choice, err) ||
		!replay_read_id(replay, row, "salt", salt.bytes, err))
		return false;
	const struct replay_round *round =
		number > 0 && number <= INT32_MAX ? replay_round_of(item, (int32_t)number) : NULL;
	const struct replay_seat *seat = replay_seat_of(item, voter);
	if (!round || round->kind != kind || round->state != ROUND_TALLIED || !seat || seat->round != round->number ||
		seat->state != SEAT_REVEALED)
		return replay_differs(replay, err, "replay_vote",
			"item %s, round %lld: a vote is counted that was not opened in time", hex, (long long)number);
	if (choice < 0 || choice >= item->campaign->campaign.class_count)
		return replay_differs(
			replay, err, "replay_vote", "item %s: there is no choice %lld", hex, (long long)choice);
	vote_commitment(&replay->node.network, &item->id, (uint32_t)number, &replay->accounts[voter].key,
		(uint8_t)choice, &salt, &commitment);
	if (memcmp(commitment.bytes, seat->commitment.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_vote",
			"item %s, round %lld: a vote is not the one that was sealed", hex, (long long)number);
	const struct json *fresh = json_get(row, "fresh");
	if (kind == ROUND_PANEL && (!fresh || fresh->type != JSON_BOOL || fresh->truth != (number > counted)))
		return replay_differs(replay, err, "replay_vote", "item %s, round %lld: the vote was%s counted before",
			hex, (long long)number, number > counted ? " not" : "");
	struct replay_vote *vote =
		replay_list_add((void **)&item->votes, &item->vote_count, &item->vote_room, sizeof *vote);
	if (!vote)
		return replay_no_room(err);
	*vote = (struct replay_vote){voter, (int32_t)number, (int32_t)choice, salt};
	return true;
}

/* All of a tallied round, and nothing else: its root was told when it was
 * counted. */
static bool round_shown(
	struct replay *replay, struct replay_item *item, struct replay_round *round, struct wn_error *err)
{
	struct commitment_leaf *leaves = wn_arena_array(&replay->entry, item->vote_count, sizeof *leaves);
	struct sha256 root;
	size_t count = 0;
	char hex[ID_HEX_ROOM];
	if (!leaves)
		return replay_no_room(err);
	for (size_t i = 0; i < item->vote_count; i++) {
		if (item->votes[i].round != round->number)
			continue;
		struct commitment_leaf *leaf = &leaves[count++];
		*leaf = (struct commitment_leaf){.item = item->id,
			.round = (uint32_t)round->number,
			.voter = replay->accounts[item->votes[i].voter].key};
		memcpy(leaf->value.bytes, item->votes[i].salt.bytes, ID_BYTES);
	}
	if (!vote_root(&replay->entry, leaves, count, &root, err))
		return false;
	if (count != (size_t)round->revealed || memcmp(root.bytes, round->root.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_vote",
			"item %s, round %d: %zu votes are shown, but they "
			"are not the %d that were counted",
			hex_write(hex, item->id.bytes, ID_BYTES), round->number, count, round->revealed);
	struct replay_epoch *epoch = replay_epoch_of(replay, round->epoch);
	wn_assert(epoch);
	wn_assert(epoch->unknown > 0);
	epoch->unknown--;
	round->shown = true;
	if (round->kind == ROUND_PANEL)
		replay->totals.votes += (int64_t)count;
	else
		replay->totals.audit_votes += (int64_t)count;
	return true;
}

/* Seats whose bonds some close will end. */
static bool bonds_hold(
	struct replay *replay, struct replay_item *item, const struct replay_epoch *epoch, struct wn_error *err)
{
	struct replay_campaign *campaign = item->campaign;
	for (size_t i = 0; i < item->seat_count; i++) {
		if (item->seats[i].bond_closed)
			continue;
		struct replay_held *held = replay_list_add(
			(void **)&campaign->held, &campaign->held_count, &campaign->held_room, sizeof *held);
		if (!held)
			return replay_no_room(err);
		*held = (struct replay_held){item, (uint32_t)i, epoch->number};
		item->spoken_of++;
	}
	item->state = ITEM_SETTLED;
	item->final_ms = replay->time_ms + campaign->campaign.challenge_ms;
	return replay_window_add(replay, item->final_ms, err);
}

static bool settled_take(struct replay *replay, struct replay_epoch *epoch, struct replay_item *item,
	const struct replay_closed *closed, const struct json *row, struct wn_error *err)
{
	const struct json *votes, *audits = json_get(row, "audits");
	int64_t class, p_good;
	if (!replay_read_list(replay, row, "votes", &votes, err) ||
		!replay_read_integer(replay, row, "class", &class, err) ||
		!replay_read_integer(replay, row, "p_good", &p_good, err))
		return false;
	if (class < 0 || class >= item->campaign->campaign.class_count || p_good < 0 || p_good > 1000000)
		return replay_differs(replay, err, "replay_vote", "class %lld with p_good %lld is no verdict",
			(long long)class, (long long)p_good);
	item->class = (int32_t) class;
	item->p_good = (int32_t)p_good;
	for (size_t i = 0; i < votes->count; i++)
		if (!vote_shown(replay, item, votes->elements[i], ROUND_PANEL, closed->counted_before, err))
			return false;
	for (size_t i = 0; audits && audits->type == JSON_ARRAY && i < audits->count; i++)
		if (!vote_shown(replay, item, audits->elements[i], ROUND_AUDIT, 0, err))
			return false;
	for (size_t i = 0; i < item->round_count; i++)
		if (item->rounds[i].state == ROUND_TALLIED && !round_shown(replay, item, &item->rounds[i], err))
			return false;
	return bonds_hold(replay, item, epoch, err);
}

static bool second_take(struct replay *replay, struct replay_item *item, struct wn_error *err)
{
	struct replay_round *last = &item->rounds[item->round_count - 1];
	char hex[ID_HEX_ROOM];
	if (last->explained || last->kind != ROUND_PANEL || last->seats != item->campaign->campaign.escalate ||
		last->opened_ms != replay->time_ms)
		return replay_differs(replay, err, "replay_round", "item %s gets a second panel, but none opened",
			hex_write(hex, item->id.bytes, ID_BYTES));
	last->explained = true;
	item->state = ITEM_JUDGING;
	replay->totals.second_panels++;
	return true;
}

/* Panels that the item had or that did not come about, from the first that did.
 */
static int32_t panels_of(const struct replay_item *item, int32_t last_round)
{
	int32_t panels = 0;
	for (int32_t i = 0; i < last_round; i++)
		if (item->rounds[i].kind == ROUND_PANEL && (panels > 0 || item->rounds[i].state == ROUND_TALLIED))
			panels++;
	return panels;
}

static bool item_take(struct replay *replay, struct replay_epoch *epoch, const struct replay_campaign *campaign,
	const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	const char *result;
	char hex[ID_HEX_ROOM];
	if (!replay_read_item(replay, row, &item, err) || !replay_read_text(replay, row, "result", &result, err))
		return false;
	hex_write(hex, item->id.bytes, ID_BYTES);
	if (item->state != ITEM_PROVISIONAL || item->judged_epoch != epoch->number || item->campaign != campaign)
		return replay_differs(replay, err, "replay_close", "item %s is not of this close", hex);
	bool second = strcmp(result, "second") == 0, is_void = strcmp(result, "void") == 0;
	/* Of a second panel that this close opened nothing is counted yet. */
	int32_t last = (int32_t)item->round_count - second;
	for (int32_t i = 0; i < last; i++)
		if (item->rounds[i].state < ROUND_TALLIED)
			return replay_differs(
				replay, err, "replay_close", "item %s is closed while round %d runs", hex, i + 1);
	int32_t panels = panels_of(item, last);
	if (is_void != (panels == 0) || (!is_void && !second && strcmp(result, "settled") != 0))
		return replay_differs(
			replay, err, "replay_close", "item %s with %d panels ends as %.16s", hex, panels, result);
	struct replay_closed *closed =
		replay_list_add((void **)&epoch->items, &epoch->item_count, &epoch->item_room, sizeof *closed);
	if (!closed)
		return replay_no_room(err);
	*closed = (struct replay_closed){item, second, is_void, last, item->counted_round, panels};
	item->spoken_of++;
	item->counted_round = last;
	return second	 ? second_take(replay, item, err)
	       : is_void ? bonds_hold(replay, item, epoch, err)
			 : settled_take(replay, epoch, item, closed, row, err);
}

bool replay_take_part(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_epoch *epoch = replay_epoch_ended(replay);
	struct replay_campaign *campaign;
	int64_t number;
	const struct json *items = json_get(entry, "items");
	if (!replay_read_integer(replay, entry, "epoch", &number, err) ||
		!replay_read_campaign(replay, entry, "campaign", &campaign, err))
		return false;
	if (!epoch || epoch->number != number)
		return replay_differs(
			replay, err, "replay_close", "epoch %lld does not wait for its close", (long long)number);
	for (size_t i = 0; items && items->type == JSON_ARRAY && i < items->count; i++)
		if (!item_take(replay, epoch, campaign, items->elements[i], err))
			return false;
	return replay_epoch_keep(replay, epoch, err);
}

/* ---- the close ---- */

static int auditor_order(const void *a, const void *b)
{
	return id_compare(&((const struct audit_row *)a)->voter, &((const struct audit_row *)b)->voter);
}

/* Who audited the epoch's known-answer items, by key, with the number of votes.
 */
static bool auditors_count(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < epoch->audit_count; i++) {
		const struct replay_item *item = epoch->audits[i].item;
		const struct replay_round *round = replay_round_of(item, epoch->audits[i].round);
		if (round->state < ROUND_TALLIED)
			return replay_differs(replay, err, "replay_gold", "epoch %lld is closed while its audits run",
				(long long)epoch->number);
		for (size_t s = 0; s < item->seat_count; s++) {
			if (item->seats[s].round != round->number || item->seats[s].state != SEAT_REVEALED)
				continue;
			struct audit_row *row = replay_list_add(
				(void **)&epoch->auditors, &epoch->auditor_count, &epoch->auditor_room, sizeof *row);
			if (!row)
				return replay_no_room(err);
			*row = (struct audit_row){replay->accounts[item->seats[s].voter].key, 1};
		}
	}
	if (epoch->auditor_count > 0)
		qsort(epoch->auditors, epoch->auditor_count, sizeof *epoch->auditors, auditor_order);
	for (size_t i = 0; i < epoch->auditor_count; i++) {
		if (kept > 0 && auditor_order(&epoch->auditors[i], &epoch->auditors[kept - 1]) == 0)
			epoch->auditors[kept - 1].votes++;
		else
			epoch->auditors[kept++] = epoch->auditors[i];
	}
	epoch->auditor_count = kept;
	return true;
}

/* Epochs are computed anew in their order, as soon as everything that they
 * counted is shown. */
static bool verify_ready(struct replay *replay, struct wn_error *err)
{
	while (replay->oldest->closed && replay->oldest->unknown == 0) {
		struct replay_epoch *epoch = replay->oldest;
		if (!replay_verify(replay, epoch, err))
			return false;
		replay->oldest = epoch->next;
		replay->totals.recomputed++;
		replay_epoch_free(epoch);
	}
	return true;
}

bool replay_take_close(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_epoch *epoch = replay_epoch_ended(replay);
	struct sha256 told;
	int64_t number, minted;
	char hex[ID_HEX_ROOM];
	if (!replay_read_integer(replay, entry, "epoch", &number, err) ||
		!replay_read_amount(replay, entry, "minted", &minted, err) ||
		!replay_read_id(replay, entry, "claims_root", told.bytes, err))
		return false;
	if (!epoch || epoch->number != number)
		return replay_differs(
			replay, err, "replay_close", "epoch %lld does not wait for its close", (long long)number);
	if (epoch->item_count != epoch->provisional_count)
		return replay_differs(replay, err, "replay_close", "%zu items are closed, expected %zu",
			epoch->item_count, epoch->provisional_count);
	epoch->close_ms = replay->time_ms;
	epoch->close_position = replay->position;
	if (!auditors_count(replay, epoch, err) || !replay_money_close(replay, epoch, err) ||
		!replay_epoch_keep(replay, epoch, err))
		return false;
	if (memcmp(epoch->claims_root.bytes, told.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_claims", "the root over all claims is %s",
			hex_write(hex, epoch->claims_root.bytes, ID_BYTES));
	epoch->closed = true;
	replay->totals.closes++;
	replay->totals.epochs++;
	replay->totals.minted += minted;
	replay->totals.claims_root = told;
	struct replay_epoch_close close = {
		number, epoch->opened_ms, epoch->ended_ms, epoch->close_ms, minted, told, epoch->beacon};
	if (replay->watch.close && !replay->watch.close(replay->watch.context, &close, err))
		return false;
	return verify_ready(replay, err);
}
