/* The money of an epoch's close: scores become pay and slashes, accepted items emission, seat bonds end. Pure: a replay
 * runs it too. */
#include <stdlib.h>
#include <string.h>

#include "reward/emission.h"
#include "reward/ledger_store.h"
#include "reward/pay.h"
#include "reward/shares.h"
#include "reward/tokens.h"
#include "reward/vesting.h"
#include "reward/vesting_store.h"
#include "vote/epoch_run.h"

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the close's transfers");
}

/* A list in the arena with room for one more; it doubles, so that what is left behind is no more than what is used. */
static void *list_add(struct wn_arena *arena, void *list, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return list;
	size_t wider = *room ? 2 * *room : 64;
	void *grown = wn_arena_array(arena, wider, size);
	if (!grown)
		return NULL;
	if (count > 0)
		memcpy(grown, list, count * size);
	*room = wider;
	return grown;
}

static struct transfer *transfer_add(struct epoch_run *run, struct wn_error *err)
{
	struct transfer *list = list_add(
		run->turn.arena, run->transfers, &run->transfer_room, run->transfer_count, sizeof *run->transfers);
	if (!list) {
		no_room(err);
		return NULL;
	}
	run->transfers = list;
	struct transfer *transfer = &list[run->transfer_count++];
	*transfer = (struct transfer){.epoch = run->epoch};
	return transfer;
}

static void ref_fill(struct ledger_ref *ref, enum ledger_kind kind, const void *owner)
{
	*ref = (struct ledger_ref){.kind = kind};
	if (owner)
		memcpy(ref->owner, owner, ID_BYTES);
}

/* Units for an account, newly minted or from the campaign's own budget. What they are about is the campaign, or nothing
 * for the network's own shares; *out is NULL where there is nothing to give. */
static bool give(struct epoch_run *run, const char *cause, enum ledger_kind from, enum ledger_kind kind,
	const void *owner, const struct sha256 *subject, int64_t units, struct transfer **out, struct wn_error *err)
{
	*out = NULL;
	if (units == 0)
		return true;
	struct transfer *transfer = transfer_add(run, err);
	if (!transfer)
		return false;
	const void *about = subject ? subject->bytes : NULL;
	transfer_id_of(&transfer->id, cause, owner, about, (uint64_t)run->epoch);
	ref_fill(&transfer->debit, from, from == LEDGER_BUDGET ? about : NULL);
	ref_fill(&transfer->credit, kind, owner);
	transfer->amount = units;
	transfer->cause = cause;
	if (subject)
		memcpy(transfer->subject, subject->bytes, ID_BYTES);
	if (from == LEDGER_MINT)
		run->minted += units;
	*out = transfer;
	return true;
}

/* ---- bonds and slashes ---- */

/* Ends one bond: all of it goes back but `slash`, which is posted into the voter's bond account. */
static bool bond_end(struct epoch_run *run, const struct held_bond *bond, int64_t slash, struct wn_error *err)
{
	struct transfer *transfer = transfer_add(run, err);
	if (!transfer)
		return false;
	const char *cause = slash > 0 ? "seat/slashed" : "seat/released";
	transfer_id_of(&transfer->id, cause, bond->key.item.bytes, bond->voter.bytes, (uint64_t)bond->key.round);
	ref_fill(&transfer->debit, LEDGER_STAKE, bond->voter.bytes);
	ref_fill(&transfer->credit, LEDGER_BOND, bond->voter.bytes);
	transfer->step = slash > 0 ? TRANSFER_POST : TRANSFER_VOID;
	transfer->amount = slash;
	transfer->pending_id = bond->bond;
	transfer->cause = cause;
	memcpy(transfer->subject, bond->key.item.bytes, ID_BYTES);
	return true;
}

/* Slashed units leave the bond account: half is burned, the rest is the challenge reserve's; the row points at
 * evidence. */
static bool slash_add(struct epoch_run *run, const char *cause, const struct account_key *voter, const char *campaign,
	const struct sha256 *subject, int64_t units, int64_t points, struct wn_error *err)
{
	static const struct {
		const char *suffix;
		enum ledger_kind kind;
	} sides[] = {{"/burned", LEDGER_MINT}, {"/reserve", LEDGER_RESERVE}};
	int64_t amounts[2];
	struct slash_row *slashes =
		list_add(run->turn.arena, run->slashes, &run->slash_room, run->slash_count, sizeof *run->slashes);
	if (!slashes)
		return no_room(err);
	run->slashes = slashes;
	pay_slash_split(units, &amounts[0], &amounts[1]);
	for (int side = amounts[0] > 0 ? 0 : 1; side < 2; side++) {
		struct transfer *transfer = transfer_add(run, err);
		if (!transfer)
			return false;
		transfer->cause = wn_arena_printf(run->turn.arena, "%s%s", cause, sides[side].suffix);
		if (!transfer->cause)
			return no_room(err);
		transfer_id_of(&transfer->id, transfer->cause, voter->bytes, subject->bytes, (uint64_t)run->epoch);
		ref_fill(&transfer->debit, LEDGER_BOND, voter->bytes);
		ref_fill(&transfer->credit, sides[side].kind, NULL);
		transfer->amount = amounts[side];
		memcpy(transfer->subject, subject->bytes, ID_BYTES);
		if (side == 1)
			slashes[run->slash_count++] = (struct slash_row){
				.id = transfer->id, .voter = *voter, .campaign = campaign, .points = points};
	}
	return true;
}

/* Sealed votes that were never opened: whole bonds, one slash a voter. */
static bool lost_bonds(struct epoch_run *run, const struct settle_campaign *settle, struct wn_error *err)
{
	for (size_t i = 0; i < settle->bond_count;) {
		const struct account_key *voter = &settle->bonds[i].voter;
		int64_t lost = 0;
		for (; i < settle->bond_count && id_compare(&settle->bonds[i].voter, voter) == 0; i++) {
			const struct held_bond *bond = &settle->bonds[i];
			if (!bond->lost)
				continue;
			if (!bond_end(run, bond, bond->amount, err))
				return false;
			wn_assert(tokens_add(lost, bond->amount, &lost));
		}
		if (lost > 0 && !slash_add(run, "slash/unopened", voter, settle->campaign->name, &settle->subject, lost,
					0, err))
			return false;
	}
	return true;
}

/* The bonds of one voter; they lie together. */
static size_t bonds_of(
	const struct settle_campaign *settle, const struct account_key *voter, const struct held_bond **out)
{
	size_t low = 0, high = settle->bond_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (id_compare(&settle->bonds[middle].voter, voter) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (high = low; high < settle->bond_count; high++)
		if (id_compare(&settle->bonds[high].voter, voter) != 0)
			break;
	*out = settle->bonds + low;
	return high - low;
}

/* Ends a voter's bonds that are not lost: `*slash` is taken from them in their order, the rest goes back. */
static bool voter_bonds(struct epoch_run *run, const struct settle_campaign *settle, const struct account_key *voter,
	int64_t *slash, struct wn_error *err)
{
	const struct held_bond *bonds;
	size_t count = bonds_of(settle, voter, &bonds);
	for (size_t i = 0; i < count; i++) {
		if (bonds[i].lost)
			continue;
		int64_t taken = *slash < bonds[i].amount ? *slash : bonds[i].amount;
		if (!bond_end(run, &bonds[i], taken, err))
			return false;
		*slash -= taken;
	}
	return true;
}

static int64_t locked_units(const struct settle_campaign *settle, const struct account_key *voter)
{
	const struct held_bond *bonds;
	size_t count = bonds_of(settle, voter, &bonds);
	int64_t locked = 0;
	for (size_t i = 0; i < count; i++)
		if (!bonds[i].lost)
			wn_assert(tokens_add(locked, bonds[i].amount, &locked));
	return locked;
}

/* ---- validators ---- */

/* Whether the voter's scores of this campaign enter pay and slash now; then its bonds here end with them. */
static bool voter_settles(const struct settle_campaign *settle, const struct account_key *voter)
{
	const struct settle_validator *found = settle->validator_count == 0
						       ? NULL
						       : bsearch(voter, settle->validators, settle->validator_count,
								 sizeof *settle->validators, id_compare);
	return found && found->settles;
}

/* Pay waits, pending, until the items behind it are final. */
static bool pay_add(struct epoch_run *run, const struct pay_line *line, const char *campaign,
	const struct sha256 *subject, enum ledger_kind from, int64_t due_ms, struct wn_error *err)
{
	struct transfer *transfer;
	if (line->pay == 0)
		return true;
	struct pay_row *pays = list_add(run->turn.arena, run->pays, &run->pay_room, run->pay_count, sizeof *run->pays);
	if (!pays)
		return no_room(err);
	run->pays = pays;
	if (!give(run, "reward/validator", from, LEDGER_FREE, line->account.bytes, subject, line->pay, &transfer, err))
		return false;
	transfer->step = TRANSFER_PENDING;
	pays[run->pay_count++] = (struct pay_row){.id = transfer->id,
		.voter = line->account,
		.campaign = campaign,
		.points = line->score,
		.amount = line->pay,
		.due_ms = due_ms};
	return true;
}

/* What the campaign may spend: a seat's pay for every vote whose score enters now, as far as its budget reaches. */
static void open_pool(const struct epoch_run *run, struct settle_campaign *settle, int64_t seats)
{
	__int128 wanted = (__int128)settle->campaign->seat_pay * seats;
	int64_t left = settle->campaign->prepaid ? settle->budget : run->mint_left;
	settle->pool = wanted > left ? left : (int64_t)wanted;
}

/* An open panel's validators: paid from the campaign's declared budget, never from emission. */
static bool open_pay(struct epoch_run *run, struct settle_campaign *settle, struct wn_error *err)
{
	struct pay_line *lines = wn_arena_array(run->turn.arena, settle->validator_count, sizeof *lines);
	struct pay_total total;
	int64_t seats = 0;
	size_t count = 0;
	if (!lines)
		return no_room(err);
	for (size_t i = 0; i < settle->validator_count; i++) {
		const struct settle_validator *validator = &settle->validators[i];
		if (!validator->settles)
			continue;
		seats += validator->scored;
		lines[count++] = (struct pay_line){.account = validator->row.voter,
			.score = validator->points,
			.locked = locked_units(settle, &validator->row.voter)};
	}
	open_pool(run, settle, seats);
	if (!pay_compute(run->turn.arena, lines, count, settle->pool, seats, &total, err))
		return false;
	settle->paid = total.paid;
	settle->slashed = total.slashed;
	if (!settle->campaign->prepaid)
		run->mint_left -= total.paid;
	for (size_t i = 0; i < count; i++) {
		int64_t left = lines[i].slash;
		if (!pay_add(run, &lines[i], settle->campaign->name, &settle->subject,
			    settle->campaign->prepaid ? LEDGER_BUDGET : LEDGER_MINT,
			    run->turn.now_ms + settle->campaign->challenge_ms, err) ||
			!voter_bonds(run, settle, &lines[i].account, &left, err))
			return false;
		wn_assert(left == 0);
		if (lines[i].slash > 0 && !slash_add(run, "slash", &lines[i].account, settle->campaign->name,
						  &settle->subject, lines[i].slash, lines[i].score, err))
			return false;
	}
	return true;
}

static int line_order(const void *a, const void *b)
{
	return id_compare(&((const struct pay_line *)a)->account, &((const struct pay_line *)b)->account);
}

/* Scores of all drawn campaigns, one line an account; they share one pool. */
static bool drawn_lines(struct epoch_run *run, struct pay_line **out, size_t *count, int64_t *seats, int64_t *due_ms,
	struct wn_error *err)
{
	size_t most = 0, used = 0, kept = 0;
	*seats = 0;
	*due_ms = run->turn.now_ms;
	for (size_t c = 0; c < run->campaign_count; c++)
		most += run->campaigns[c].validator_count;
	struct pay_line *lines = wn_arena_array(run->turn.arena, most, sizeof *lines);
	if (!lines)
		return no_room(err);
	for (size_t c = 0; c < run->campaign_count; c++) {
		const struct settle_campaign *settle = &run->campaigns[c];
		if (settle->campaign->panel_mode != PANEL_DRAWN)
			continue;
		*seats += settle->fresh_votes;
		if (run->turn.now_ms + settle->campaign->challenge_ms > *due_ms)
			*due_ms = run->turn.now_ms + settle->campaign->challenge_ms;
		for (size_t i = 0; i < settle->validator_count; i++)
			if (settle->validators[i].settles)
				lines[used++] = (struct pay_line){.account = settle->validators[i].row.voter,
					.score = settle->validators[i].points,
					.locked = locked_units(settle, &settle->validators[i].row.voter)};
	}
	qsort(lines, used, sizeof *lines, line_order);
	for (size_t i = 0; i < used; i++) {
		if (kept > 0 && line_order(&lines[i], &lines[kept - 1]) == 0) {
			lines[kept - 1].score += lines[i].score;
			wn_assert(tokens_add(lines[kept - 1].locked, lines[i].locked, &lines[kept - 1].locked));
		} else {
			lines[kept++] = lines[i];
		}
	}
	*out = lines;
	*count = kept;
	return true;
}

/* A slash is taken from the bonds of the campaigns in their order; what one of them gives is told as one slash there.
 */
static bool drawn_slash(struct epoch_run *run, const struct pay_line *line, struct wn_error *err)
{
	int64_t left = line->slash;
	for (size_t c = 0; c < run->campaign_count; c++) {
		const struct settle_campaign *settle = &run->campaigns[c];
		int64_t before = left;
		if (settle->campaign->panel_mode != PANEL_DRAWN || !voter_settles(settle, &line->account))
			continue;
		if (!voter_bonds(run, settle, &line->account, &left, err))
			return false;
		if (before > left && !slash_add(run, "slash", &line->account, settle->campaign->name, &settle->subject,
					     before - left, line->score, err))
			return false;
	}
	wn_assert(left == 0);
	return true;
}

static bool drawn_pay(struct epoch_run *run, struct wn_error *err)
{
	struct pay_line *lines = NULL;
	struct pay_total total;
	size_t count = 0;
	int64_t seats, due_ms;
	if (!drawn_lines(run, &lines, &count, &seats, &due_ms, err) ||
		!pay_compute(run->turn.arena, lines, count, run->shares[SHARE_VALIDATORS], seats, &total, err))
		return false;
	run->drawn_paid = total.paid;
	run->drawn_slashed = total.slashed;
	for (size_t i = 0; i < count; i++)
		if (!pay_add(run, &lines[i], "", NULL, LEDGER_MINT, due_ms, err) || !drawn_slash(run, &lines[i], err))
			return false;
	return true;
}

/* Bonds of voters without any scores end too: nothing stands behind them any more. */
static bool idle_bonds(struct epoch_run *run, const struct settle_campaign *settle, struct wn_error *err)
{
	for (size_t i = 0; i < settle->bond_count; i++) {
		const struct held_bond *bond = &settle->bonds[i];
		if (!bond->lost && !voter_settles(settle, &bond->voter) && !bond_end(run, bond, 0, err))
			return false;
	}
	return true;
}

/* ---- emission ---- */

static bool emission_plan(struct epoch_run *run, struct wn_error *err)
{
	const struct policy *policy = &run->turn.node->policy;
	struct emission_work *work = wn_arena_array(run->turn.arena, run->campaign_count, sizeof *work);
	if (!work)
		return no_room(err);
	for (size_t c = 0; c < run->campaign_count; c++)
		work[c] = (struct emission_work){
			run->campaigns[c].accepted, run->campaigns[c].campaign->per_item_ceiling};
	run->offer = emission_offer(run->unminted, policy->rate);
	run->ceiling = emission_ceiling(work, run->campaign_count);
	run->mintable = emission_minted(run->offer, run->ceiling);
	run->mint_left = run->unminted - run->mintable;
	emission_shares(run->mintable, policy->shares_ppm, run->shares);
	return true;
}

/* One contributor's weight in one campaign. */
struct contribution {
	const struct settle_contributor *contributor;
	const struct settle_campaign *settle;
};

static int contribution_order(const void *a, const void *b)
{
	const struct contribution *left = a, *right = b;
	int order = id_compare(&left->contributor->key, &right->contributor->key);
	return order ? order : strcmp(left->settle->campaign->name, right->settle->campaign->name);
}

static bool contribution_grant(struct epoch_run *run, const struct contribution *contribution, int64_t units,
	struct vesting_grant *grants, size_t *grant_count, struct wn_error *err)
{
	const struct campaign *campaign = contribution->settle->campaign;
	enum ledger_kind kind = vesting_kind(campaign->vesting_ms);
	struct transfer *transfer;
	if (!give(run, "reward/contributor", LEDGER_MINT, kind, contribution->contributor->key.bytes,
		    &contribution->settle->subject, units, &transfer, err))
		return false;
	if (!transfer || kind != LEDGER_VESTING)
		return true;
	struct vesting_grant *grant = &grants[(*grant_count)++];
	*grant = (struct vesting_grant){.id = transfer->id,
		.amount = units,
		.start_ms = run->turn.now_ms,
		.period_ms = campaign->vesting_ms,
		.revocable = campaign->challenge_ms > 0,
		.final_ms = run->turn.now_ms + campaign->challenge_ms};
	memcpy(grant->owner, contribution->contributor->key.bytes, ID_BYTES);
	return true;
}

static bool contributors_pay(
	struct epoch_run *run, struct vesting_grant **grants, size_t *grant_count, struct wn_error *err)
{
	size_t count = 0;
	for (size_t c = 0; c < run->campaign_count; c++)
		count += run->campaigns[c].contributor_count;
	struct contribution *all = wn_arena_array(run->turn.arena, count, sizeof *all);
	int64_t *weights = wn_arena_array(run->turn.arena, count, sizeof *weights);
	int64_t *shares = wn_arena_array(run->turn.arena, count, sizeof *shares);
	*grants = wn_arena_array(run->turn.arena, count, sizeof **grants);
	*grant_count = 0;
	if (!all || !weights || !shares || !*grants)
		return no_room(err);
	count = 0;
	for (size_t c = 0; c < run->campaign_count; c++)
		for (size_t i = 0; i < run->campaigns[c].contributor_count; i++)
			all[count++] = (struct contribution){&run->campaigns[c].contributors[i], &run->campaigns[c]};
	qsort(all, count, sizeof *all, contribution_order);
	for (size_t i = 0; i < count; i++)
		weights[i] = all[i].contributor->weight;
	if (!shares_split(run->turn.arena, run->shares[SHARE_CONTRIBUTORS], weights, count, shares, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!contribution_grant(run, &all[i], shares[i], *grants, grant_count, err))
			return false;
	return true;
}

/* Who audited shares by votes; nobody audited: the share stays unminted. */
static bool curators_pay(struct epoch_run *run, struct wn_error *err)
{
	const struct audit_row *audits = run->audits;
	struct transfer *transfer;
	size_t count = run->audit_count;
	int64_t *weights = wn_arena_array(run->turn.arena, count, sizeof *weights);
	int64_t *shares = wn_arena_array(run->turn.arena, count, sizeof *shares);
	if (!weights || !shares)
		return no_room(err);
	for (size_t i = 0; i < count; i++)
		weights[i] = audits[i].votes;
	if (!shares_split(run->turn.arena, run->shares[SHARE_CURATORS], weights, count, shares, err))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!give(run, "reward/curator", LEDGER_MINT, LEDGER_FREE, audits[i].voter.bytes, NULL, shares[i],
			    &transfer, err))
			return false;
	return true;
}

/* ---- all of it ---- */

bool epoch_money(struct epoch_run *run, struct vesting_grant **grants, size_t *grant_count, struct wn_error *err)
{
	struct transfer *transfer;
	if (!emission_plan(run, err))
		return false;
	for (size_t c = 0; c < run->campaign_count; c++) {
		struct settle_campaign *settle = &run->campaigns[c];
		if (!lost_bonds(run, settle, err) ||
			(settle->campaign->panel_mode == PANEL_OPEN && !open_pay(run, settle, err)) ||
			!idle_bonds(run, settle, err))
			return false;
	}
	return drawn_pay(run, err) && contributors_pay(run, grants, grant_count, err) && curators_pay(run, err) &&
	       give(run, "mint/reserve", LEDGER_MINT, LEDGER_RESERVE, NULL, NULL, run->shares[SHARE_RESERVE], &transfer,
		       err) &&
	       give(run, "mint/treasury", LEDGER_MINT, LEDGER_TREASURY, NULL, NULL, run->shares[SHARE_TREASURY],
		       &transfer, err);
}
