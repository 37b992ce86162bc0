/* The close of an epoch for one campaign: read, judged by epoch_judge.c, stored. */
#include "vote/epoch_judge.h"

static bool case_load(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	const struct campaign *campaign = all->campaign;
	struct validator_row *known;
	struct gold_row *gold;
	if (!close_store_items(
		    turn->db, turn->arena, campaign->name, all->run->epoch, &all->items, &all->item_count, err))
		return false;
	struct item_id *ids = wn_arena_array(turn->arena, all->item_count, sizeof *ids);
	if (!ids)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu items", all->item_count);
	for (size_t i = 0; i < all->item_count; i++)
		ids[i] = all->items[i].item;
	if (!close_store_state(
		    turn->db, turn->arena, campaign->name, campaign->class_count, &all->settle->state, err) ||
		!round_store_votes(turn->db, turn->arena, ids, all->item_count, &all->votes, &all->vote_count, err) ||
		!close_store_validators(
			turn->db, turn->arena, campaign->name, campaign->class_count, &known, &all->known_count, err) ||
		!close_store_gold(turn->db, turn->arena, all->items, all->item_count, &gold, &all->gold_count, err))
		return false;
	all->known = known;
	all->gold = gold;
	return true;
}

static bool unbonded_load(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct settle_campaign *settle = all->settle;
	struct account_key *found, *voters = wn_arena_array(turn->arena, settle->validator_count, sizeof *voters);
	size_t count;
	if (!voters)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu validators", settle->validator_count);
	for (size_t i = 0; i < settle->validator_count; i++)
		voters[i] = settle->validators[i].row.voter;
	if (!close_store_unbonded(
		    turn->db, turn->arena, voters, settle->validator_count, all->run->epoch, &found, &count, err))
		return false;
	for (size_t i = 0, f = 0; i < settle->validator_count && f < count; i++)
		if (id_compare(&voters[i], &found[f]) == 0) {
			settle->validators[i].unbonded = true;
			f++;
		}
	return true;
}

static bool seconds_store(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct round_opening *openings;
	struct item_id *items;
	size_t count;
	return judge_seconds(all, &openings, &items, &count, err) &&
	       round_store_open(turn->db, turn->arena, openings, count, err) &&
	       round_store_item_states(turn->db, turn->arena, items, count, ITEM_PROVISIONAL, ITEM_JUDGING, err);
}

static bool verdicts_store(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct item_id *settled = wn_arena_array(turn->arena, all->item_count, sizeof *settled);
	struct item_id *counted = wn_arena_array(turn->arena, all->item_count, sizeof *counted);
	struct verdict_row *rows;
	size_t count;
	if (!settled || !counted)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu items", all->item_count);
	if (!judge_verdicts(all, &rows, &count, err))
		return false;
	for (size_t i = 0; i < all->item_count; i++)
		counted[i] = all->items[i].item;
	for (size_t i = 0; i < count; i++)
		settled[i] = rows[i].item;
	return close_store_verdicts(turn->db, turn->arena, rows, count, all->campaign->class_count, all->run->epoch,
		       turn->now_ms, err) &&
	       close_store_settle(turn->db, turn->arena, settled, count, all->run->epoch,
		       turn->now_ms + all->campaign->challenge_ms, err) &&
	       close_store_counted(turn->db, turn->arena, counted, all->item_count, all->run->epoch, err);
}

static bool records_store(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct validator_row *changed;
	size_t count;
	if (!judge_records(all, &changed, &count, err) ||
		!close_store_validators_save(
			turn->db, turn->arena, all->campaign->name, all->campaign->class_count, changed, count, err))
		return false;
	return !all->settle->judged || close_store_state_save(turn->db, turn->arena, all->campaign->name,
					       all->campaign->class_count, &all->settle->state, err);
}

static bool contributors_load(struct settle_case *all, struct wn_error *err)
{
	const struct close_turn *turn = &all->run->turn;
	struct item_id *accepted;
	struct novelty_row *novelty;
	size_t count, found;
	return judge_accepted(all, &accepted, &count, err) &&
	       close_store_novelty(turn->db, turn->arena, accepted, count, &novelty, &found, err) &&
	       judge_contributors(all, novelty, found, err);
}

bool epoch_settle(struct epoch_run *run, struct settle_campaign *settle, struct wn_error *err)
{
	struct close_turn *turn = &run->turn;
	struct settle_case all = {.run = run, .settle = settle, .campaign = settle->campaign};
	return (case_load(&all, err) && judge_run(&all, err) && unbonded_load(&all, err) && seconds_store(&all, err) &&
		       verdicts_store(&all, err) && records_store(&all, err) && contributors_load(&all, err) &&
		       close_store_bonds(
			       turn->db, turn->arena, all.campaign->name, &settle->bonds, &settle->bond_count, err) &&
		       judge_tell(&all, err)) ||
	       wn_while(err, "close campaign %s", all.campaign->name);
}
