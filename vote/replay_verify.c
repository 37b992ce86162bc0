/* An epoch computed anew: its beacon's root, its tallies, its known-answer
 * items, and then its close, entry for entry, by the code that the node closes
 * with. */
#include <stdlib.h>
#include <string.h>

#include "reward/ledger_store.h"
#include "vote/commitment.h"
#include "vote/epoch_judge.h"
#include "vote/gold.h"
#include "vote/panel.h"
#include "vote/replay_state.h"
#include "vote/seat_bond.h"

#define VERIFY_SCRATCH ((size_t)256 << 20)

static void *room(struct replay *replay, size_t count, size_t size)
{
	return wn_arena_array(&replay->verify, count, size);
}

static const char *hex_of(char out[ID_HEX_ROOM], const struct replay_item *item)
{
	return hex_write(out, item->id.bytes, ID_BYTES);
}

/* ---- the root of what was revealed ---- */

static bool revealed_check(struct replay *replay, const struct replay_epoch *epoch, struct wn_error *err)
{
	size_t most = 0, count = 0;
	struct sha256 root;
	char hex[ID_HEX_ROOM];
	for (size_t t = 0; t < epoch->tally_count; t++)
		if (!epoch->tallies[t].kept)
			most += epoch->tallies[t].item->vote_count;
	struct commitment_leaf *leaves = room(replay, most, sizeof *leaves);
	if (!leaves)
		return replay_no_room(err);
	for (size_t t = 0; t < epoch->tally_count; t++) {
		const struct replay_tally *tally = &epoch->tallies[t];
		for (size_t v = 0; !tally->kept && v < tally->item->vote_count; v++) {
			const struct replay_vote *vote = &tally->item->votes[v];
			if (vote->round != tally->round)
				continue;
			struct commitment_leaf *leaf = &leaves[count++];
			*leaf = (struct commitment_leaf){.item = tally->item->id,
				.round = (uint32_t)vote->round,
				.voter = replay->accounts[vote->voter].key};
			memcpy(leaf->value.bytes, vote->salt.bytes, ID_BYTES);
		}
	}
	if (!vote_root(&replay->verify, leaves, count, &root, err))
		return false;
	return memcmp(root.bytes, epoch->revealed.bytes, ID_BYTES) == 0 ||
	       replay_differs_at(replay, epoch->end_position, "epoch_end", err, "replay_revealed",
		       "the root of the salts opened in epoch %lld is %s", (long long)epoch->number,
		       hex_write(hex, root.bytes, ID_BYTES));
}

/* ---- online tallies ---- */

void replay_generation_free(struct replay_generation *generation)
{
	free(generation->rows);
	free(generation->tables);
	generation->rows = NULL;
	generation->tables = NULL;
	generation->count = 0;
}

void replay_generation_refresh(const struct replay_campaign *campaign, struct replay_generation *generation)
{
	tally_prior(campaign->campaign.class_count, generation->state.crowd, generation->pooled);
	generation->probation = panel_probation(&campaign->campaign, generation->state.proven);
}

static int validator_order(const void *a, const void *b)
{
	return id_compare(&((const struct tally_validator *)a)->voter, &((const struct tally_validator *)b)->voter);
}

static void validator_fill(
	const struct replay_generation *generation, const struct account_key *voter, struct tally_validator *out)
{
	const struct validator_row *row = generation->count == 0 ? NULL
								 : bsearch(voter, generation->rows, generation->count,
									   sizeof *generation->rows, id_compare);
	*out = (struct tally_validator){.voter = *voter, .probation = generation->probation};
	if (!row)
		return;
	out->counts = row->counts;
	out->probation = generation->probation && !panel_proven(row->gold_votes, row->gold_right);
}

/* Votes of every panel of the item that came about before, and of this round
 * unless it did not come about. */
static bool vote_counts(const struct replay_tally *tally, const struct replay_vote *vote)
{
	const struct replay_round *round = &tally->item->rounds[vote->round - 1];
	return round->kind == ROUND_PANEL && round->state == ROUND_TALLIED &&
	       (vote->round < tally->round || (vote->round == tally->round && !tally->kept));
}

static bool tally_online_again(struct replay *replay, const struct replay_generation *generation,
	const struct replay_tally *tally, struct tally_result *out, struct wn_error *err)
{
	const struct replay_item *item = tally->item;
	struct tally_vote *votes = room(replay, item->vote_count, sizeof *votes);
	struct tally_validator *voters = room(replay, item->vote_count, sizeof *voters);
	struct tally_snapshot *snapshot = room(replay, 1, sizeof *snapshot);
	size_t count = 0;
	if (!votes || !voters || !snapshot)
		return replay_no_room(err);
	for (size_t v = 0; v < item->vote_count; v++) {
		if (!vote_counts(tally, &item->votes[v]))
			continue;
		votes[count] = (struct tally_vote){
			.voter = replay->accounts[item->votes[v].voter].key, .label = item->votes[v].choice};
		validator_fill(generation, &votes[count].voter, &voters[count]);
		count++;
	}
	qsort(voters, count, sizeof *voters, validator_order);
	snapshot->classes = item->campaign->campaign.class_count;
	memcpy(snapshot->prior, generation->state.prior, sizeof snapshot->prior);
	memcpy(snapshot->pooled, generation->pooled, sizeof snapshot->pooled);
	snapshot->validators = voters;
	snapshot->validator_count = count;
	tally_online(snapshot, votes, count, out);
	return true;
}

/* A tally of this epoch knows the state behind the close before it, or, until
 * that close, the one behind the close before. */
static const struct replay_generation *generation_of(const struct replay_epoch *epoch, const struct replay_tally *tally)
{
	const struct replay_campaign *campaign = tally->item->campaign;
	if (campaign->now.state.epoch == tally->after)
		return &campaign->now;
	return campaign->now.state.epoch == epoch->number - 1 && campaign->before.state.epoch == tally->after
		       ? &campaign->before
		       : NULL;
}

static bool tally_check(
	struct replay *replay, const struct replay_epoch *epoch, const struct replay_tally *tally, struct wn_error *err)
{
	struct replay_item *item = tally->item;
	const struct campaign *campaign = &item->campaign->campaign;
	struct tally_result result;
	int panels = 0;
	char hex[ID_HEX_ROOM];
	if (item->rounds[tally->round - 1].kind != ROUND_PANEL)
		return true;
	const struct replay_generation *generation = generation_of(epoch, tally);
	if (!generation)
		return replay_differs_at(replay, tally->position, "tally", err, "replay_tally",
			"item %s: judged by the state behind the close of "
			"epoch %lld, expected %lld",
			hex_of(hex, item), (long long)tally->after, (long long)item->campaign->now.state.epoch);
	if (!tally_online_again(replay, generation, tally, &result, err))
		return false;
	item->online_class = result.class;
	for (int32_t i = 0; i < tally->round; i++)
		panels += item->rounds[i].kind == ROUND_PANEL && item->rounds[i].state == ROUND_TALLIED;
	bool escalates = !tally->kept && panel_escalates(campaign, result.margin, panels);
	return escalates == tally->escalated ||
	       replay_differs_at(replay, tally->position, "tally", err, "replay_tally",
		       "item %s, round %d: a margin of %lld %s a second panel", hex_of(hex, item), tally->round,
		       (long long)result.margin, escalates ? "asks for" : "needs no");
}

/* ---- known-answer items ---- */

static int item_order(const void *a, const void *b)
{
	return id_compare(&(*(struct replay_item *const *)a)->id, &(*(struct replay_item *const *)b)->id);
}

/* Whether the audit was picked at the end of this epoch. */
static bool picked_now(const struct replay_epoch *epoch, const struct replay_item *item, int32_t round)
{
	for (size_t i = 0; i < epoch->audit_count; i++)
		if (epoch->audits[i].item == item && (round == 0 || epoch->audits[i].round == round))
			return true;
	return false;
}

/* Whether the item was audited for an epoch before this one. */
static bool was_gold(const struct replay_epoch *epoch, const struct replay_item *item)
{
	for (size_t i = 0; i < item->round_count; i++)
		if (item->rounds[i].kind == ROUND_AUDIT && item->rounds[i].opened_position < epoch->end_position &&
			!picked_now(epoch, item, item->rounds[i].number))
			return true;
	return false;
}

static bool gold_differs(struct replay *replay, const struct replay_epoch *epoch,
	const struct replay_campaign *campaign, const char *what, struct wn_error *err)
{
	return replay_differs_at(replay, epoch->end_position, "epoch_end", err, "replay_gold",
		"campaign %s: %s under the beacon of epoch %lld", campaign->name, what, (long long)epoch->number + 1);
}

static bool gold_check(
	struct replay *replay, const struct replay_epoch *epoch, struct replay_campaign *campaign, struct wn_error *err)
{
	struct replay_item **items = room(replay, epoch->provisional_count, sizeof(struct replay_item *));
	struct gold_candidate *candidates = room(replay, epoch->provisional_count, sizeof *candidates);
	struct replay_item **free_items = room(replay, epoch->provisional_count, sizeof(struct replay_item *));
	uint32_t *picked;
	size_t count = 0, kept = 0, picked_count = 0, audits = 0;
	if (!items || !candidates || !free_items)
		return replay_no_room(err);
	for (size_t i = 0; i < epoch->provisional_count; i++)
		if (epoch->provisional[i]->campaign == campaign)
			items[count++] = epoch->provisional[i];
	for (size_t i = 0; i < epoch->audit_count; i++)
		audits += epoch->audits[i].item->campaign == campaign;
	if (!epoch->picks || (replay->curators == 0 && !campaign->campaign.audit_open))
		return audits == 0 || gold_differs(replay, epoch, campaign, "nothing can be audited", err);
	qsort(items, count, sizeof(struct replay_item *), item_order);
	for (size_t i = 0; i < count; i++) {
		if (items[i]->online_class < 0 || was_gold(epoch, items[i]))
			continue;
		free_items[kept] = items[i];
		candidates[kept++] = (struct gold_candidate){.item = items[i]->id, .class = items[i]->online_class};
	}
	size_t wanted = gold_count(count, replay->node.policy.gold_ppm);
	if (!gold_pick(&replay->verify, &epoch->beacon, campaign->campaign.class_count, candidates, kept, wanted,
		    &picked, &picked_count, err))
		return false;
	if (audits != picked_count)
		return gold_differs(replay, epoch, campaign, "another number of items is picked", err);
	for (size_t i = 0; i < picked_count; i++)
		if (!picked_now(epoch, free_items[picked[i]], 0))
			return gold_differs(replay, epoch, campaign, "other items are picked", err);
	return true;
}

/* ---- the close: what the node read of a campaign ---- */

static int closed_order(const void *a, const void *b)
{
	return id_compare(&((const struct replay_closed *)a)->item->id, &((const struct replay_closed *)b)->item->id);
}

static int vote_order(const void *a, const void *b)
{
	const struct vote_row *left = a, *right = b;
	int order = id_compare(&left->key.item, &right->key.item);
	if (order == 0)
		order = (left->key.round > right->key.round) - (left->key.round < right->key.round);
	return order ? order : id_compare(&left->voter, &right->voter);
}

static void votes_read(
	const struct replay *replay, const struct replay_closed *closed, struct vote_row *out, size_t *count)
{
	const struct replay_item *item = closed->item;
	for (size_t v = 0; v < item->vote_count; v++) {
		const struct replay_vote *vote = &item->votes[v];
		if (vote->round > closed->last_round)
			continue;
		out[(*count)++] = (struct vote_row){.key = {item->id, vote->round},
			.voter = replay->accounts[vote->voter].key,
			.choice = vote->choice,
			.salt = vote->salt,
			.kind = item->rounds[vote->round - 1].kind,
			.fresh = vote->round > closed->counted_before,
			.round_state = ROUND_TALLIED};
	}
}

/* What the audit of an item said that was over by this close; false: it was
 * never audited. */
static bool gold_read(const struct replay_closed *closed, struct gold_row *out)
{
	const struct replay_item *item = closed->item;
	uint32_t counts[TALLY_CLASSES_MAX] = {0};
	bool any = false;
	for (int32_t r = 0; r < closed->last_round; r++)
		any = any || item->rounds[r].kind == ROUND_AUDIT;
	for (size_t v = 0; v < item->vote_count; v++)
		if (item->votes[v].round <= closed->last_round &&
			item->rounds[item->votes[v].round - 1].kind == ROUND_AUDIT)
			counts[item->votes[v].choice]++;
	*out = (struct gold_row){item->id, gold_audit_class(item->campaign->campaign.class_count, counts)};
	return any;
}

static bool case_read(struct replay *replay, const struct replay_epoch *epoch, struct replay_campaign *campaign,
	struct replay_closed **closed_out, struct settle_case *all, struct wn_error *err)
{
	struct replay_closed *closed = room(replay, epoch->item_count, sizeof *closed);
	size_t count = 0, votes = 0;
	if (!closed)
		return replay_no_room(err);
	for (size_t i = 0; i < epoch->item_count; i++)
		if (epoch->items[i].item->campaign == campaign) {
			closed[count++] = epoch->items[i];
			votes += epoch->items[i].item->vote_count;
		}
	qsort(closed, count, sizeof *closed, closed_order);
	all->items = room(replay, count, sizeof *all->items);
	all->votes = room(replay, votes, sizeof *all->votes);
	struct gold_row *gold = room(replay, count, sizeof *gold);
	if (!all->items || !all->votes || !gold)
		return replay_no_room(err);
	for (size_t i = 0; i < count; i++) {
		const struct replay_item *item = closed[i].item;
		all->items[i] = (struct close_item){.item = item->id,
			.contributor = replay->accounts[item->contributor].key,
			.class = closed[i].is_void ? -1 : 0,
			.panels = closed[i].panels,
			.last_round = closed[i].last_round};
		votes_read(replay, &closed[i], all->votes, &all->vote_count);
		all->gold_count += gold_read(&closed[i], &gold[all->gold_count]);
	}
	qsort(all->votes, all->vote_count, sizeof *all->votes, vote_order);
	all->item_count = count;
	all->gold = gold;
	all->known = campaign->now.rows;
	all->known_count = campaign->now.count;
	all->settle->state = campaign->now.state;
	*closed_out = closed;
	return true;
}

/* ---- the close: who unbonded everything ---- */

static bool unbonded_apply(struct replay *replay, const struct replay_epoch *epoch, struct wn_error *err)
{
	for (size_t i = 0; i < epoch->unstaked_count; i++) {
		const struct replay_unstaked *note = &epoch->unstaked[i];
		bool added;
		struct replay_unbonded *row = replay_table_add(&replay->unbonded, note->owner.bytes, &added);
		if (!row)
			return replay_no_room(err);
		if (note->out && !row->out)
			row->since_epoch = note->epoch;
		row->out = note->out;
	}
	return true;
}

/* The epoch whose end found that the voter had unbonded everything; -1: none. */
static int64_t unbonded_since(const struct replay *replay, const struct account_key *voter)
{
	const struct replay_unbonded *row = replay_table_find(&replay->unbonded, voter->bytes);
	return row && row->out ? row->since_epoch : -1;
}

static bool unbonded_read(const struct replay *replay, struct settle_campaign *settle)
{
	for (size_t i = 0; i < settle->validator_count; i++)
		settle->validators[i].unbonded = unbonded_since(replay, &settle->validators[i].row.voter) >= 0;
	return true;
}

static bool contributors_read(struct replay *replay, struct settle_case *all, struct wn_error *err)
{
	struct item_id *accepted;
	size_t count;
	if (!judge_accepted(all, &accepted, &count, err))
		return false;
	struct novelty_row *novelty = room(replay, count, sizeof *novelty);
	if (!novelty)
		return replay_no_room(err);
	for (size_t i = 0; i < count; i++) {
		struct replay_item **item = replay_table_find(&replay->items, accepted[i].bytes);
		wn_assert(item);
		novelty[i] =
			(struct novelty_row){accepted[i], (*item)->nearest_numerator, (*item)->nearest_denominator};
	}
	return judge_contributors(all, novelty, count, err);
}

/* ---- the close: seat bonds ---- */

static int bond_order(const void *a, const void *b)
{
	const struct held_bond *left = a, *right = b;
	int order = id_compare(&left->voter, &right->voter);
	if (order == 0)
		order = id_compare(&left->key.item, &right->key.item);
	return order ? order : (left->key.round > right->key.round) - (left->key.round < right->key.round);
}

static bool bond_ended(const struct replay_epoch *epoch, const struct transfer_id *bond)
{
	return epoch->bond_count > 0 &&
	       bsearch(bond, epoch->ended_bonds, epoch->bond_count, sizeof *epoch->ended_bonds, id_compare) != NULL;
}

static bool carries(const struct settle_campaign *settle, const struct account_key *voter)
{
	const struct settle_validator *found = settle->validator_count == 0
						       ? NULL
						       : bsearch(voter, settle->validators, settle->validator_count,
								 sizeof *settle->validators, id_compare);
	return found && found->row.carried_scored > 0;
}

/* A round that ended in this epoch is over for its close; one that ended since
 * may or may not have been. */
static bool bond_ends(const struct replay *replay, const struct replay_epoch *epoch,
	const struct settle_campaign *settle, const struct replay_held *held, struct held_bond *out)
{
	const struct replay_seat *seat = &held->item->seats[held->seat];
	const struct replay_round *round = &held->item->rounds[seat->round - 1];
	struct transfer transfer;
	*out = (struct held_bond){.voter = replay->accounts[seat->voter].key,
		.key = {held->item->id, seat->round},
		.amount = seat->bond,
		.lost = seat->state == SEAT_COMMITTED && round->reveal_until_ms > 0};
	seat_bond_transfer(&transfer, &out->key, &out->voter, seat->bond);
	out->bond = transfer.id;
	if (held->epoch > epoch->number || round->state < ROUND_TALLIED || round->position > epoch->close_position ||
		(!out->lost && carries(settle, &out->voter)))
		return false;
	return round->epoch <= epoch->number || bond_ended(epoch, &out->bond);
}

static bool bonds_read(struct replay *replay, struct replay_epoch *epoch, struct replay_campaign *campaign,
	struct settle_campaign *settle, struct wn_error *err)
{
	size_t kept = 0;
	settle->bonds = room(replay, campaign->held_count, sizeof *settle->bonds);
	if (!settle->bonds)
		return replay_no_room(err);
	for (size_t i = 0; i < campaign->held_count; i++) {
		struct replay_held held = campaign->held[i];
		if (!bond_ends(replay, epoch, settle, &held, &settle->bonds[settle->bond_count])) {
			campaign->held[kept++] = held;
			continue;
		}
		settle->bond_count++;
		held.item->seats[held.seat].bond_closed = true;
		held.item->spoken_of--;
		replay_item_rest(replay, held.item);
	}
	campaign->held_count = kept;
	qsort(settle->bonds, settle->bond_count, sizeof *settle->bonds, bond_order);
	return true;
}

/* ---- the close: one campaign ---- */

static bool verdicts_tell(struct replay *replay, const struct replay_epoch *epoch,
	const struct replay_campaign *campaign, const struct verdict_row *rows, size_t count, struct wn_error *err)
{
	replay->totals.verdicts += (int64_t)count;
	for (size_t i = 0; replay->watch.verdict && i < count; i++) {
		struct replay_verdict verdict = {.item = rows[i].item,
			.campaign = campaign->name,
			.class = rows[i].class,
			.p_good = rows[i].p_good,
			.votes = rows[i].votes,
			.margin = rows[i].margin,
			.epoch = epoch->number};
		if (!replay->watch.verdict(replay->watch.context, &verdict, err))
			return false;
	}
	return true;
}

/* What was judged and what its parts claim must agree on what settles, or the
 * rounds that opened would not fit. */
static bool settles_check(struct replay *replay, const struct replay_epoch *epoch, const struct replay_closed *closed,
	const struct settle_case *all, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	for (size_t i = 0; i < all->item_count; i++)
		if (all->place[i] >= 0 && all->settles[all->place[i]] == closed[i].second)
			return replay_differs_at(replay, epoch->close_position, "epoch_close", err, "replay_close",
				"item %s with a margin of %lld %s a second panel", hex_of(hex, closed[i].item),
				(long long)all->output.margin[all->place[i]], closed[i].second ? "needs no" : "gets");
	return true;
}

static bool campaign_verify(struct replay *replay, struct replay_epoch *epoch, struct epoch_run *run,
	struct settle_campaign *settle, struct replay_campaign *campaign, struct wn_error *err)
{
	struct settle_case all = {.run = run, .settle = settle, .campaign = &campaign->campaign};
	struct replay_closed *closed = NULL;
	struct round_opening *openings;
	struct item_id *seconds;
	struct verdict_row *verdicts;
	struct validator_row *changed;
	size_t count;
	settle->campaign = &campaign->campaign;
	for (size_t i = 0; i < epoch->listed_count; i++)
		if (epoch->listed[i].campaign == campaign)
			settle->budget = epoch->listed[i].budget;
	return case_read(replay, epoch, campaign, &closed, &all, err) && judge_run(&all, err) &&
	       unbonded_read(replay, settle) && settles_check(replay, epoch, closed, &all, err) &&
	       judge_seconds(&all, &openings, &seconds, &count, err) && judge_verdicts(&all, &verdicts, &count, err) &&
	       verdicts_tell(replay, epoch, campaign, verdicts, count, err) &&
	       judge_records(&all, &changed, &count, err) && contributors_read(replay, &all, err) &&
	       bonds_read(replay, epoch, campaign, settle, err) && judge_tell(&all, err);
}

/* ---- the close: its entries ---- */

static const char *type_of(struct replay *replay, struct wn_slice body)
{
	const struct json *entry;
	struct wn_error err = {0};
	return json_parse(&replay->verify, body.data, body.bytes, &entry, &err) ? json_member_string(entry, "type", "?")
										: "?";
}

static bool body_check(struct replay *replay, const struct replay_epoch *epoch, size_t *at, struct wn_slice expected,
	struct wn_error *err)
{
	struct wn_slice canonical;
	if (!jcs_canonical(&replay->verify, expected.data, expected.bytes, &canonical, err))
		return false;
	if (*at == epoch->body_count)
		return replay_differs_at(replay, epoch->close_position, "epoch_close", err, "replay_close",
			"an entry of the type %s is missing before it", type_of(replay, canonical));
	const struct replay_body *found = &epoch->bodies[(*at)++];
	return wn_slice_equal(canonical, found->body) ||
	       replay_differs_at(replay, found->position, type_of(replay, found->body), err, "replay_close", "%s",
		       replay_first_difference(&replay->verify, canonical, found->body));
}

/* Rounds that a close opens are told by entries that were held against the
 * items when they came. */
static bool is_rounds(struct wn_slice body)
{
	static const char end[] = "\"type\":\"rounds\"}";
	return body.bytes >= sizeof end - 1 &&
	       memcmp(body.data + body.bytes - (sizeof end - 1), end, sizeof end - 1) == 0;
}

static bool entries_check(
	struct replay *replay, const struct replay_epoch *epoch, struct epoch_run *run, struct wn_error *err)
{
	struct vote_entry last;
	struct wn_slice text;
	size_t at = 0;
	if (!epoch_entry_close(run, &last, err))
		return false;
	for (size_t from = 0; from < run->transfer_count; from += LEDGER_ENTRY_TRANSFERS_MAX) {
		size_t some = run->transfer_count - from < LEDGER_ENTRY_TRANSFERS_MAX ? run->transfer_count - from
										      : LEDGER_ENTRY_TRANSFERS_MAX;
		if (!ledger_entry(&replay->verify, run->transfers + from, some, epoch->close_ms, &text, err) ||
			!body_check(replay, epoch, &at, text, err))
			return false;
	}
	for (size_t i = 0; i < run->parts.count; i++)
		if (!is_rounds(run->parts.rows[i].body) &&
			!body_check(replay, epoch, &at, run->parts.rows[i].body, err))
			return false;
	if (!body_check(replay, epoch, &at, last.body, err))
		return false;
	return at == epoch->body_count ||
	       replay_differs_at(replay, epoch->bodies[at].position, type_of(replay, epoch->bodies[at].body), err,
		       "replay_close", "nothing in the close of epoch %lld asks for it", (long long)epoch->number);
}

/* ---- the close ---- */

/* Names come in the entry's order; a campaign that had something to close must
 * be among them. */
static bool campaigns_listed(struct replay *replay, const struct replay_epoch *epoch, struct replay_campaign ***out,
	size_t *count, struct wn_error *err)
{
	const struct json *entry, *list;
	const struct replay_body *last = &epoch->bodies[epoch->body_count - 1];
	if (!json_parse(&replay->verify, last->body.data, last->body.bytes, &entry, err) ||
		!replay_read_list(replay, entry, "campaigns", &list, err))
		return false;
	*out = room(replay, list->count, sizeof(struct replay_campaign *));
	*count = list->count;
	if (!*out)
		return replay_no_room(err);
	for (size_t i = 0; i < list->count; i++) {
		if (!replay_read_campaign(replay, list->elements[i], "campaign", &(*out)[i], err))
			return false;
		for (size_t j = 0; j < i; j++)
			if ((*out)[j] == (*out)[i])
				return replay_differs_at(replay, epoch->close_position, "epoch_close", err,
					"replay_close", "campaign %s is closed twice", (*out)[i]->name);
	}
	return true;
}

static bool has_to_close(const struct replay_epoch *epoch, const struct replay_campaign *campaign)
{
	for (size_t i = 0; i < epoch->item_count; i++)
		if (epoch->items[i].item->campaign == campaign)
			return true;
	for (size_t i = 0; i < campaign->now.count; i++)
		if (campaign->now.rows[i].carried_scored > 0)
			return true;
	for (size_t i = 0; i < campaign->held_count; i++) {
		const struct replay_item *item = campaign->held[i].item;
		const struct replay_round *round = &item->rounds[item->seats[campaign->held[i].seat].round - 1];
		if (campaign->held[i].epoch < epoch->number && round->state >= ROUND_TALLIED &&
			round->epoch <= epoch->number)
			return true;
	}
	return false;
}

/* Scores are carried for so many epochs at most: the close that settles them
 * cannot be passed over. */
static bool carried_check(struct replay *replay, const struct replay_epoch *epoch,
	const struct replay_campaign *campaign, struct wn_error *err)
{
	for (size_t i = 0; i < campaign->now.count; i++) {
		const struct validator_row *row = &campaign->now.rows[i];
		if (row->carried_scored > 0 && epoch->number - row->carried_since > PANEL_CARRY_EPOCHS)
			return replay_differs_at(replay, epoch->close_position, "epoch_close", err, "replay_close",
				"scores carried since epoch %lld settle with epoch %lld at the "
				"latest",
				(long long)row->carried_since, (long long)row->carried_since + PANEL_CARRY_EPOCHS);
		int64_t since = row->carried_scored > 0 ? unbonded_since(replay, &row->voter) : -1;
		if (since >= 0 && since < epoch->number &&
			panel_unbonded_settles(&campaign->campaign, row->carried_scored, row->carried_points, false))
			return replay_differs_at(replay, epoch->close_position, "epoch_close", err, "replay_close",
				"scores of who unbonded everything in epoch %lld settle with that epoch",
				(long long)since);
	}
	return true;
}

static bool campaigns_check(struct replay *replay, const struct replay_epoch *epoch,
	struct replay_campaign *const *listed, size_t count, struct wn_error *err)
{
	for (size_t c = 0; c < replay->campaign_count; c++) {
		const struct replay_campaign *campaign = replay->campaigns[c];
		size_t i = 0;
		while (i < count && listed[i] != campaign)
			i++;
		if (i == count && has_to_close(epoch, campaign))
			return replay_differs_at(replay, epoch->close_position, "epoch_close", err, "replay_close",
				"campaign %s is missing", campaign->name);
		if (!carried_check(replay, epoch, campaign, err))
			return false;
	}
	return true;
}

/* The state behind this close; that before it stays for tallies that still knew
 * no other. */
static bool generation_next(
	struct replay_campaign *campaign, const struct settle_campaign *settle, struct wn_error *err)
{
	size_t cells = (size_t)tally_cells(campaign->campaign.class_count), count = settle->validator_count;
	struct replay_generation next = {.state = settle->state, .count = count};
	next.rows = malloc((count + 1) * sizeof *next.rows);
	next.tables = malloc((count * cells + 1) * sizeof *next.tables);
	if (!next.rows || !next.tables) {
		replay_generation_free(&next);
		return replay_no_room(err);
	}
	for (size_t i = 0; i < count; i++) {
		next.rows[i] = settle->validators[i].row;
		memcpy(next.tables + i * cells, next.rows[i].counts, cells * sizeof *next.tables);
		next.rows[i].counts = next.tables + i * cells;
	}
	replay_generation_refresh(campaign, &next);
	if (settle->judged) {
		replay_generation_free(&campaign->before);
		campaign->before = campaign->now;
	} else {
		/* No vote was counted: only carried scores moved, and the state is still
		 * that of the close before. */
		replay_generation_free(&campaign->now);
	}
	campaign->now = next;
	return true;
}

static bool close_verify(struct replay *replay, struct replay_epoch *epoch, struct epoch_run *run, struct wn_error *err)
{
	struct replay_campaign **listed = NULL;
	struct vesting_grant *grants;
	size_t grant_count;
	if (epoch->bond_count > 0)
		qsort(epoch->ended_bonds, epoch->bond_count, sizeof *epoch->ended_bonds, id_compare);
	if (!unbonded_apply(replay, epoch, err) ||
		!campaigns_listed(replay, epoch, &listed, &run->campaign_count, err) ||
		!campaigns_check(replay, epoch, listed, run->campaign_count, err))
		return false;
	run->campaigns = room(replay, run->campaign_count, sizeof *run->campaigns);
	if (!run->campaigns)
		return replay_no_room(err);
	for (size_t c = 0; c < run->campaign_count; c++)
		if (!campaign_verify(replay, epoch, run, &run->campaigns[c], listed[c], err))
			return false;
	if (!epoch_money(run, &grants, &grant_count, err) || !entries_check(replay, epoch, run, err))
		return false;
	for (size_t c = 0; c < run->campaign_count; c++)
		if (!generation_next(listed[c], &run->campaigns[c], err))
			return false;
	return true;
}

/* ---- all of it ---- */

static void unspeak(struct replay *replay, struct replay_item *item)
{
	wn_assert(item->spoken_of > 0);
	item->spoken_of--;
	replay_item_rest(replay, item);
}

static void epoch_rest(struct replay *replay, const struct replay_epoch *epoch)
{
	for (size_t i = 0; i < epoch->provisional_count; i++)
		unspeak(replay, epoch->provisional[i]);
	for (size_t i = 0; i < epoch->audit_count; i++)
		unspeak(replay, epoch->audits[i].item);
	for (size_t i = 0; i < epoch->item_count; i++)
		unspeak(replay, epoch->items[i].item);
	for (size_t i = 0; i < epoch->tally_count; i++)
		unspeak(replay, epoch->tallies[i].item);
}

bool replay_verify(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err)
{
	struct epoch_run run = {
		.turn = {.arena = &replay->verify, .node = &replay->node, .now_ms = epoch->close_ms},
		.epoch = epoch->number,
		.end_ms = epoch->ended_ms,
		.unminted = epoch->unminted,
		.audits = epoch->auditors,
		.audit_count = epoch->auditor_count,
		.claims_root = epoch->claims_root,
	};
	wn_arena_reset(&replay->verify);
	if (!revealed_check(replay, epoch, err))
		return false;
	for (size_t t = 0; t < epoch->tally_count; t++)
		if (!tally_check(replay, epoch, &epoch->tallies[t], err))
			return false;
	for (size_t c = 0; c < replay->campaign_count; c++)
		if (!gold_check(replay, epoch, replay->campaigns[c], err))
			return false;
	wn_arena_init(&run.scratch, VERIFY_SCRATCH);
	bool ok = close_verify(replay, epoch, &run, err);
	wn_arena_free(&run.scratch);
	if (!ok)
		return false;
	epoch_rest(replay, epoch);
	replay->totals.recomputed_to = epoch->number;
	return true;
}

bool replay_validator_of(const struct replay *replay, const char *campaign, const struct account_key *voter,
	struct replay_validator *out)
{
	const struct replay_campaign *found = replay_campaign_of(replay, campaign);
	if (!found || found->now.count == 0)
		return false;
	const struct validator_row *row =
		bsearch(voter, found->now.rows, found->now.count, sizeof *found->now.rows, id_compare);
	if (!row)
		return false;
	*out = (struct replay_validator){row->counts, (size_t)tally_cells(found->campaign.class_count), row->gold_votes,
		row->gold_right, row->carried_points, row->carried_scored, row->carried_since};
	return true;
}
