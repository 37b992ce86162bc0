/* The money of a close: what it follows from is read, epoch_money.c makes transfers of it, they are posted and stored.
 */
#include <string.h>

#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/vesting_store.h"
#include "vote/epoch_run.h"

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the close's transfers");
}

/* What is left to mint, what open panels' campaigns may still spend, who audited. */
static bool facts_load(struct epoch_run *run, struct wn_error *err)
{
	struct close_turn *turn = &run->turn;
	struct audit_row *audits;
	for (size_t c = 0; c < run->campaign_count; c++) {
		struct settle_campaign *settle = &run->campaigns[c];
		struct ledger_ref budget = {.kind = LEDGER_BUDGET};
		struct ledger_balance balance;
		if (!settle->campaign->prepaid)
			continue;
		memcpy(budget.owner, settle->subject.bytes, ID_BYTES);
		if (!ledger_store_balance(turn->db, turn->arena, &budget, &balance, err))
			return wn_while(err, "read the campaign's budget");
		settle->budget = ledger_available(&balance);
	}
	if (!ledger_store_unminted(turn->db, turn->arena, turn->node->policy.cap_units, &run->unminted, err) ||
		!close_store_audits(turn->db, turn->arena, run->epoch, &audits, &run->audit_count, err))
		return false;
	run->audits = audits;
	return true;
}

static bool transfers_post(struct epoch_run *run, struct wn_error *err)
{
	enum transfer_result *results = wn_arena_array(run->turn.arena, run->transfer_count, sizeof *results);
	if (!results)
		return no_room(err);
	if (run->transfer_count == 0)
		return true;
	if (!ledger_store_post(
		    run->turn.db, run->turn.arena, run->transfers, run->transfer_count, run->turn.now_ms, results, err))
		return wn_while(err, "post the close");
	for (size_t i = 0; i < run->transfer_count; i++) {
		/* A prepaid budget may have been drawn on since it was read: the whole close is computed anew. */
		if (results[i] == TRANSFER_OVERDRAWN && run->transfers[i].debit.kind == LEDGER_BUDGET)
			return wn_fail(err, WN_BUSY, "budget_moved", "a campaign's budget moved during the close");
		wn_assert(results[i] == TRANSFER_DONE);
	}
	return true;
}

static bool rows_store(
	struct epoch_run *run, const struct vesting_grant *grants, size_t grant_count, struct wn_error *err)
{
	struct close_turn *turn = &run->turn;
	if (!vesting_grant_add(turn->db, turn->arena, grants, grant_count, err) ||
		!close_store_pay(turn->db, turn->arena, run->pays, run->pay_count, run->epoch, err))
		return false;
	for (size_t c = 0; c < run->campaign_count; c++)
		if (!close_store_bonds_end(
			    turn->db, turn->arena, run->campaigns[c].bonds, run->campaigns[c].bond_count, err))
			return false;
	return true;
}

bool epoch_pay(struct epoch_run *run, struct wn_error *err)
{
	struct vesting_grant *grants;
	size_t grant_count;
	return facts_load(run, err) && epoch_money(run, &grants, &grant_count, err) && transfers_post(run, err) &&
	       rows_store(run, grants, grant_count, err) &&
	       claims_store_root(run->turn.db, run->turn.arena, &run->claims_root, err);
}
