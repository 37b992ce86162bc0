/* One campaign of a close, judged: everything that follows from what was read, whoever read it and from where. */
#include "vote/epoch_judge.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "vote/panel.h"

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the campaign's close");
}

static void *room(struct settle_case *all, size_t count, size_t size)
{
	return wn_arena_array(all->run->turn.arena, count, size);
}

/* ---- preparing ---- */

/* Panel votes of rounds that came about are counted; audits of such rounds say what is known and are no votes. */
static bool votes_part(struct settle_case *all, struct wn_error *err)
{
	size_t kept = 0;
	all->audits = room(all, all->vote_count, sizeof *all->audits);
	if (!all->audits)
		return no_room(err);
	for (size_t i = 0; i < all->vote_count; i++) {
		if (all->votes[i].round_state != ROUND_TALLIED)
			continue;
		if (all->votes[i].kind == ROUND_PANEL)
			all->votes[kept++] = all->votes[i];
		else
			all->audits[all->audit_count++] = all->votes[i];
	}
	all->vote_count = kept;
	return kept <= CLOSE_VOTES_MAX ||
	       wn_fail(err, WN_FULL, "close_votes", "a close takes at most %d votes of one campaign", CLOSE_VOTES_MAX);
}

/* Everybody in the campaign's state and everybody who votes for the first time, by key. */
static bool validators_merge(struct settle_case *all, struct wn_error *err)
{
	const struct validator_row *rows = all->known;
	size_t known = all->known_count, count = 0, r = 0, v = 0, voters = 0;
	struct account_key *keys = room(all, all->vote_count, sizeof *keys);
	int64_t *nothing = room(all, TALLY_CELLS_MAX, sizeof *nothing);
	if (!keys || !nothing)
		return no_room(err);
	for (size_t i = 0; i < all->vote_count; i++)
		keys[i] = all->votes[i].voter;
	qsort(keys, all->vote_count, sizeof *keys, id_compare);
	for (size_t i = 0; i < all->vote_count; i++)
		if (i == 0 || id_compare(&keys[i], &keys[voters - 1]) != 0)
			keys[voters++] = keys[i];
	struct settle_validator *out = room(all, known + voters, sizeof *out);
	if (!out)
		return no_room(err);
	while (r < known || v < voters) {
		int order = r == known ? 1 : v == voters ? -1 : id_compare(&rows[r].voter, &keys[v]);
		if (order <= 0)
			out[count++] = (struct settle_validator){.row = rows[r++], .known = true};
		else
			out[count++].row = (struct validator_row){.voter = keys[v], .counts = nothing};
		v += order >= 0;
	}
	all->settle->validators = out;
	all->settle->validator_count = count;
	return true;
}

static uint32_t validator_index(const struct settle_campaign *settle, const struct account_key *voter)
{
	const struct settle_validator *found =
		bsearch(voter, settle->validators, settle->validator_count, sizeof *settle->validators, id_compare);
	wn_assert(found);
	return (uint32_t)(found - settle->validators);
}

/* Items that are not void, their votes, and which of them have a known answer. Both lists come by item id. */
static bool items_place(struct settle_case *all, struct wn_error *err)
{
	const struct gold_row *gold = all->gold;
	size_t gold_count = all->gold_count, g = 0, v = 0;
	all->place = room(all, all->item_count, sizeof *all->place);
	all->judged = room(all, all->item_count, sizeof *all->judged);
	all->judged_items = room(all, all->item_count, sizeof *all->judged_items);
	all->epoch_votes = room(all, all->vote_count, sizeof *all->epoch_votes);
	if (!all->place || !all->judged || !all->judged_items || !all->epoch_votes)
		return no_room(err);
	for (size_t i = 0; i < all->item_count; i++) {
		const struct close_item *item = &all->items[i];
		all->place[i] = -1;
		if (item->class < 0)
			continue;
		struct epoch_item *judged = &all->judged[all->judged_count];
		all->judged_items[all->judged_count] = item;
		all->place[i] = (int32_t)all->judged_count++;
		*judged =
			(struct epoch_item){.vote_first = (uint32_t)v, .stratum = item->stratum, .gold = CLOSE_NO_GOLD};
		for (; g < gold_count && id_compare(&gold[g].item, &item->item) <= 0; g++)
			if (id_compare(&gold[g].item, &item->item) == 0 && gold[g].class != GOLD_NONE)
				judged->gold = gold[g].class;
		for (; v < all->vote_count && id_compare(&all->votes[v].key.item, &item->item) == 0; v++) {
			all->epoch_votes[v] =
				(struct epoch_vote){.validator = validator_index(all->settle, &all->votes[v].voter),
					.label = (uint8_t)all->votes[v].choice,
					.fresh = all->votes[v].fresh};
			judged->back = judged->back || !all->votes[v].fresh;
		}
		judged->vote_count = (uint32_t)v - judged->vote_first;
		wn_assert(judged->vote_count > 0);
	}
	wn_assert(v == all->vote_count);
	return true;
}

static uint32_t keep_mask(const struct campaign *campaign)
{
	uint32_t keep = 0;
	for (int a = 0; a < campaign->class_count; a++)
		if (campaign->choices[a].verdict == CHOICE_KEEP)
			keep |= (uint32_t)1 << a;
	return keep;
}

static bool input_fill(struct settle_case *all, struct wn_error *err)
{
	struct settle_campaign *settle = all->settle;
	size_t cells = (size_t)tally_cells(all->campaign->class_count);
	int64_t *counts = room(all, settle->validator_count * cells, sizeof *counts);
	int64_t *gold_before = room(all, settle->validator_count, sizeof *gold_before);
	bool *probation = room(all, settle->validator_count, sizeof *probation);
	if (!counts || !gold_before || !probation)
		return no_room(err);
	bool in_force = panel_probation(all->campaign, settle->state.proven);
	for (size_t i = 0; i < settle->validator_count; i++) {
		const struct validator_row *row = &settle->validators[i].row;
		memcpy(counts + i * cells, row->counts, cells * sizeof *counts);
		gold_before[i] = row->gold_votes;
		probation[i] = in_force && !panel_proven(row->gold_votes, row->gold_right);
	}
	all->input = (struct close_input){
		.classes = all->campaign->class_count,
		.keep = keep_mask(all->campaign),
		.validator_count = (uint32_t)settle->validator_count,
		.counts = counts,
		.gold_before = gold_before,
		.probation = probation,
		.prior = settle->state.prior,
		.item_count = (uint32_t)all->judged_count,
		.vote_count = (uint32_t)all->vote_count,
		.items = all->judged,
		.votes = all->epoch_votes,
	};
	return true;
}

/* ---- judging ---- */

static bool votes_judge(struct settle_case *all, struct wn_error *err)
{
	struct wn_arena *arena = all->run->turn.arena;
	all->settles = room(all, all->judged_count, sizeof *all->settles);
	if (!all->settles)
		return no_room(err);
	if (!close_sweep(arena, &all->input, &all->output, err))
		return false;
	for (size_t i = 0; i < all->judged_count; i++)
		all->settles[i] = !panel_escalates(all->campaign, all->output.margin[i], all->judged_items[i]->panels);
	return close_score(arena, &all->input, all->settles, &all->output, err);
}

/* ---- what follows ---- */

bool judge_run(struct settle_case *all, struct wn_error *err)
{
	sha256_of(all->campaign->name, strlen(all->campaign->name), &all->settle->subject);
	return votes_part(all, err) && validators_merge(all, err) && items_place(all, err) && input_fill(all, err) &&
	       votes_judge(all, err);
}

bool judge_seconds(struct settle_case *all, struct round_opening **out, struct item_id **items, size_t *count,
	struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct round_opening *openings = room(all, all->judged_count, sizeof *openings);
	struct item_id *ids = room(all, all->judged_count, sizeof *ids);
	*count = 0;
	if (!openings || !ids)
		return no_room(err);
	for (size_t i = 0; i < all->judged_count; i++) {
		if (all->settles[i])
			continue;
		ids[*count] = all->judged_items[i]->item;
		openings[(*count)++] = (struct round_opening){
			.key = {all->judged_items[i]->item, all->judged_items[i]->last_round + 1},
			.campaign = all->campaign->name,
			.kind = ROUND_PANEL,
			.seats = all->campaign->escalate,
			.opened_ms = turn->now_ms,
			.commit_until_ms = turn->now_ms + all->campaign->commit_ms,
		};
	}
	all->settle->second = (int64_t)*count;
	*out = openings;
	*items = ids;
	return epoch_entry_rounds(all->run, openings, *count, err);
}

static void verdict_fill(struct settle_case *all, size_t i, struct verdict_row *out)
{
	int32_t place = all->place[i];
	*out = (struct verdict_row){.item = all->items[i].item, .class = -1};
	if (place < 0) {
		all->settle->voided++;
		return;
	}
	out->class = all->output.class[place];
	out->p_good = all->output.p_good[place];
	out->margin = all->output.margin[place];
	out->scores = all->output.scores + (size_t)place * (size_t)all->campaign->class_count;
	out->votes = (int32_t)all->judged[place].vote_count;
}

bool judge_verdicts(struct settle_case *all, struct verdict_row **out, size_t *count, struct wn_error *err)
{
	struct verdict_row *rows = room(all, all->item_count, sizeof *rows);
	*count = 0;
	if (!rows)
		return no_room(err);
	for (size_t i = 0; i < all->item_count; i++)
		if (all->place[i] < 0 || all->settles[all->place[i]])
			verdict_fill(all, i, &rows[(*count)++]);
	all->settle->settled = (int64_t)*count;
	*out = rows;
	return true;
}

static void validator_settle(struct settle_validator *validator)
{
	struct validator_row *row = &validator->row;
	validator->settles = validator->changed = true;
	validator->points = row->carried_points;
	validator->scored = row->carried_scored;
	row->carried_points = row->carried_scored = row->carried_since = 0;
}

/* The record after the close: counts, audited votes, and the scores that are carried to the next. */
static void validator_update(struct settle_case *all, size_t i)
{
	struct settle_validator *validator = &all->settle->validators[i];
	struct validator_row *row = &validator->row;
	const struct close_output *output = &all->output;
	if (all->judged_count > 0) {
		row->counts = output->counts + i * (size_t)tally_cells(all->campaign->class_count);
		row->gold_votes += output->gold_new[i];
		row->gold_right += output->gold_right[i];
		if (row->carried_scored == 0 && output->scored[i] > 0)
			row->carried_since = all->run->epoch;
		row->carried_points += output->sum[i];
		row->carried_scored += output->scored[i];
		all->settle->fresh_votes += output->fresh[i];
		validator->changed = !validator->known || output->fresh[i] > 0 || output->scored[i] > 0;
	}
	if (panel_scores_settle(row->carried_scored, row->carried_since, all->run->epoch))
		validator_settle(validator);
}

/* Who unbonded everything: first those who earned, whom nothing holds, then those who lost. */
static void unbonded_settle(struct settle_case *all)
{
	struct settle_campaign *settle = all->settle;
	bool earned = false;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < settle->validator_count; i++) {
			struct settle_validator *validator = &settle->validators[i];
			const struct validator_row *row = &validator->row;
			if (validator->unbonded && !validator->settles &&
				panel_unbonded_settles(
					all->campaign, row->carried_scored, row->carried_points, pass == 1 && earned)) {
				validator->early = true;
				validator_settle(validator);
			}
			earned = earned || (validator->settles && validator->points > 0);
		}
}

/* The root of the votes that were counted here and stay sealed, because their item goes to a second panel. */
static bool sealed_root(const struct settle_case *all, struct sha256 *out, struct wn_error *err)
{
	struct wn_arena *arena = all->run->turn.arena;
	struct commitment_leaf *leaves = wn_arena_array(arena, all->vote_count, sizeof *leaves);
	size_t count = 0;
	if (!leaves)
		return no_room(err);
	for (size_t i = 0; i < all->judged_count; i++) {
		const struct epoch_item *item = &all->judged[i];
		if (all->settles[i])
			continue;
		for (uint32_t v = item->vote_first; v < item->vote_first + item->vote_count; v++)
			vote_row_leaf(&all->votes[v], &leaves[count++]);
	}
	return vote_root(arena, leaves, count, out, err);
}

static void digest_numbers(struct sha256_stream *stream, const int64_t *numbers, int count)
{
	uint8_t bytes[TALLY_CELLS_MAX * sizeof(uint64_t)];
	for (int i = 0; i < count; i++)
		for (int byte = 0; byte < 8; byte++)
			bytes[i * 8 + byte] = (uint8_t)((uint64_t)numbers[i] >> 8 * byte);
	sha256_add(stream, bytes, (size_t)count * 8);
}

/*
 * A digest of the campaign's prior and every table, so that who recomputes the close knows whether all of it came out
 * alike. Few votes have few outcomes: without the salts of those that stay sealed anybody could try them all.
 */
static bool counts_digest(struct settle_case *all, struct wn_error *err)
{
	static const char tag[] = "winnow/counts/v1";
	const struct settle_campaign *settle = all->settle;
	int classes = all->campaign->class_count;
	struct sha256 sealed;
	if (!sealed_root(all, &sealed, err))
		return false;
	struct sha256_stream *stream = sha256_open();
	sha256_add(stream, tag, sizeof tag);
	sha256_add(stream, sealed.bytes, ID_BYTES);
	digest_numbers(stream, settle->state.prior, classes);
	for (size_t i = 0; i < settle->validator_count; i++) {
		const struct validator_row *row = &settle->validators[i].row;
		sha256_add(stream, row->voter.bytes, ID_BYTES);
		digest_numbers(stream, row->counts, tally_cells(classes));
	}
	sha256_close(stream, &all->settle->counts_sha256);
	return true;
}

bool judge_records(struct settle_case *all, struct validator_row **out, size_t *count, struct wn_error *err)
{
	struct settle_campaign *settle = all->settle;
	int classes = all->campaign->class_count;
	struct validator_row *changed = room(all, settle->validator_count, sizeof *changed);
	*count = 0;
	if (!changed)
		return no_room(err);
	settle->state.proven = 0;
	memset(settle->state.crowd, 0, sizeof settle->state.crowd);
	for (size_t i = 0; i < settle->validator_count; i++)
		validator_update(all, i);
	unbonded_settle(all);
	for (size_t i = 0; i < settle->validator_count; i++) {
		struct settle_validator *validator = &settle->validators[i];
		settle->state.proven += panel_proven(validator->row.gold_votes, validator->row.gold_right);
		tally_pool(classes, validator->row.counts, settle->state.crowd);
		if (validator->changed)
			changed[(*count)++] = validator->row;
	}
	settle->judged = all->judged_count > 0;
	if (settle->judged) {
		settle->state.epoch = all->run->epoch;
		memcpy(settle->state.prior, all->output.prior, (size_t)classes * sizeof *settle->state.prior);
	}
	*out = changed;
	return counts_digest(all, err);
}

/* ---- contributors ---- */

static int contributor_order(const void *a, const void *b)
{
	return id_compare(&((const struct settle_contributor *)a)->key, &((const struct settle_contributor *)b)->key);
}

static bool accepted(const struct settle_case *all, size_t place)
{
	return all->settles[place] && (all->input.keep >> all->output.class[place] & 1);
}

bool judge_accepted(struct settle_case *all, struct item_id **out, size_t *count, struct wn_error *err)
{
	struct item_id *ids = room(all, all->judged_count, sizeof *ids);
	*count = 0;
	if (!ids)
		return no_room(err);
	for (size_t i = 0; i < all->judged_count; i++)
		if (accepted(all, i))
			ids[(*count)++] = all->judged_items[i]->item;
	*out = ids;
	return true;
}

bool judge_contributors(
	struct settle_case *all, const struct novelty_row *novelty, size_t novelty_count, struct wn_error *err)
{
	struct settle_contributor *rows = room(all, all->judged_count, sizeof *rows);
	size_t count = 0, n = 0, kept = 0;
	if (!rows)
		return no_room(err);
	for (size_t i = 0; i < all->judged_count; i++) {
		if (!accepted(all, i))
			continue;
		struct settle_contributor *row = &rows[count++];
		*row = (struct settle_contributor){
			.key = all->judged_items[i]->contributor, .weight = PANEL_NOVELTY_WHOLE, .items = 1};
		if (n < novelty_count && id_compare(&novelty[n].item, &all->judged_items[i]->item) == 0) {
			row->weight = panel_novelty(all->campaign, novelty[n].numerator, novelty[n].denominator);
			n++;
		}
	}
	wn_assert(n == novelty_count);
	qsort(rows, count, sizeof *rows, contributor_order);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && contributor_order(&rows[i], &rows[kept - 1]) == 0) {
			rows[kept - 1].weight += rows[i].weight;
			rows[kept - 1].items++;
		} else {
			rows[kept++] = rows[i];
		}
	}
	all->settle->accepted = (int64_t)count;
	all->settle->contributors = rows;
	all->settle->contributor_count = kept;
	return true;
}

bool judge_tell(struct settle_case *all, struct wn_error *err)
{
	struct settle_view view = {
		.settle = all->settle,
		.items = all->items,
		.item_count = all->item_count,
		.judged = all->judged,
		.place = all->place,
		.votes = all->votes,
		.audits = all->audits,
		.audit_count = all->audit_count,
		.output = &all->output,
		.settles = all->settles,
	};
	return epoch_entry_parts(all->run, &view, err);
}
