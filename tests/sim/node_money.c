/* The money of the simulated node's closes: pay, slashes, bonds, shares, claims, vesting, what becomes final. */
#include <string.h>

#include "core/error.h"
#include "reward/claims.h"
#include "reward/emission.h"
#include "reward/ledger_store.h"
#include "reward/pay.h"
#include "reward/shares.h"
#include "reward/vesting.h"
#include "tests/sim/model.h"
#include "tests/sim/node_settle.h"
#include "tests/sim/oracle.h"
#include "vote/panel.h"

/* ---- the money of a close ---- */

static void give(struct node *node, const char *cause, enum ledger_kind from, enum ledger_kind kind, int owner,
	int campaign, int64_t units, bool pending, uint32_t *number)
{
	const uint8_t *subject = campaign < 0 ? NULL : node_owner(node, OWNER_CAMPAIGN + campaign);
	struct node_move move = {.cause = cause,
		.step = pending ? TRANSFER_PENDING : TRANSFER_SINGLE,
		.debit_owner = from == LEDGER_BUDGET ? OWNER_CAMPAIGN + campaign : OWNER_NETWORK,
		.credit_owner = owner,
		.debit_kind = from,
		.credit_kind = kind,
		.amount = units,
		.epoch = node->world.head->ended,
		.subject = subject};
	if (units == 0)
		return;
	transfer_id_of(&move.id, cause, node_owner(node, owner), subject, (uint64_t)move.epoch);
	enum transfer_result result = node_post(node, &move, number);
	wn_assert(result == TRANSFER_DONE);
}

static void slash_leave(
	struct node *node, const char *burned_cause, const char *reserve_cause, int voter, int campaign, int64_t units)
{
	int64_t burned, reserve;
	if (units == 0)
		return;
	pay_slash_split(units, &burned, &reserve);
	ORACLE(ORACLE_MODEL, burned == units / 2 && burned + reserve == units, "%lld slashed: %lld burned, %lld kept",
		(long long)units, (long long)burned, (long long)reserve);
	for (int side = 0; side < 2; side++) {
		struct node_move move = {.cause = side == 0 ? burned_cause : reserve_cause,
			.debit_owner = voter,
			.credit_owner = OWNER_NETWORK,
			.debit_kind = LEDGER_BOND,
			.credit_kind = side == 0 ? LEDGER_MINT : LEDGER_RESERVE,
			.amount = side == 0 ? burned : reserve,
			.epoch = node->world.head->ended,
			.subject = node_owner(node, OWNER_CAMPAIGN + campaign)};
		transfer_id_of(&move.id, move.cause, node_owner(node, voter), move.subject, (uint64_t)move.epoch);
		enum transfer_result result = move.amount > 0 ? node_post(node, &move, NULL) : TRANSFER_DONE;
		wn_assert(result == TRANSFER_DONE);
	}
}

enum bond_fate { BOND_STAYS, BOND_BACK, BOND_LOST };

/* A bond ends when its item is settled: unopened votes lose it; others wait until no score of the voter is carried. */
static enum bond_fate bond_fate(const struct node *node, const struct world_seat *seat, int campaign)
{
	const struct world_round *round = world_round(&node->world, seat->round);
	const struct world_item *item = world_item(&node->world, round->item);
	bool over = item->state >= ITEM_SETTLED && (round->state == ROUND_TALLIED || round->state == ROUND_VOID);
	if (item->campaign != campaign || !over)
		return BOND_STAYS;
	bool closed = round->reveal_until_ms > 0;
	if (seat->state == SEAT_COMMITTED && closed)
		return BOND_LOST;
	return node->world.head->campaigns[campaign].validators[seat->voter].carried_scored > 0 ? BOND_STAYS
												: BOND_BACK;
}

static int64_t bonds_locked(const struct node *node, int voter, int campaign)
{
	int64_t locked = 0;
	for (uint32_t i = 0; i < world_count(&node->world, TABLE_BONDED); i++) {
		const struct world_seat *seat = world_seat(&node->world, world_list(&node->world, TABLE_BONDED, i));
		if (seat->voter == voter && bond_fate(node, seat, campaign) == BOND_BACK)
			locked += world_transfer(&node->world, seat->bond - 1)->amount;
	}
	return locked;
}

/* Ends a voter's bonds of a campaign: the slash is taken from them in turn, what is left of it comes back. */
static int64_t bonds_slash(struct node *node, int voter, int campaign, int64_t slash)
{
	for (uint32_t i = world_count(&node->world, TABLE_BONDED); i-- > 0;) {
		uint32_t number = world_list(&node->world, TABLE_BONDED, i);
		const struct world_seat *seat = world_seat(&node->world, number);
		if (seat->voter != voter || bond_fate(node, seat, campaign) != BOND_BACK)
			continue;
		int64_t amount = world_transfer(&node->world, seat->bond - 1)->amount;
		int64_t taken = slash < amount ? slash : amount;
		node_bond_end(node, number, taken > 0 ? "seat/slashed" : "seat/released", taken);
		slash -= taken;
	}
	return slash;
}

static void bonds_lost(struct node *node, int campaign)
{
	int64_t lost[SIM_ACTORS_MAX] = {0};
	for (uint32_t i = world_count(&node->world, TABLE_BONDED); i-- > 0;) {
		uint32_t number = world_list(&node->world, TABLE_BONDED, i);
		const struct world_seat *seat = world_seat(&node->world, number);
		if (bond_fate(node, seat, campaign) != BOND_LOST)
			continue;
		int64_t amount = world_transfer(&node->world, seat->bond - 1)->amount;
		lost[seat->voter] += amount;
		node_saw(node, SIGHT_BOND_LOST);
		node_bond_end(node, number, "seat/slashed", amount);
	}
	for (int a = 0; a < node->plan->actors; a++)
		slash_leave(node, "slash/unopened/burned", "slash/unopened/reserve", a, campaign, lost[a]);
}

static void pay_give(
	struct node *node, const struct pay_line *line, int owner, enum ledger_kind from, int campaign, int64_t due_ms)
{
	uint32_t transfer, number;
	if (line->pay == 0)
		return;
	give(node, "reward/validator", from, LEDGER_FREE, owner, campaign, line->pay, true, &transfer);
	struct world_pay *pay = world_add(&node->world, TABLE_PAYS, &number);
	pay->transfer = transfer;
	pay->due_ms = due_ms;
	world_list_add(&node->world, TABLE_UNPAID, number);
}

static void campaign_pay(struct node *node, const struct settle *settle, int64_t pool, int64_t seats,
	enum ledger_kind from, int64_t now_ms, int64_t *paid)
{
	struct pay_line lines[SIM_ACTORS_MAX];
	int owners[SIM_ACTORS_MAX];
	struct pay_total total;
	struct wn_error err;
	size_t count = 0;
	for (int a = 0; a < node->plan->actors; a++)
		if (settle->due[a]) {
			owners[count] = a;
			lines[count++] = (struct pay_line){.account = node->plan->actor[a].key,
				.score = settle->points[a],
				.locked = bonds_locked(node, a, settle->number)};
		}
	bool ok = pay_compute(&node->arena, lines, count, pool, seats, &total, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_pay_differs(lines, count, pool, seats, &total));
	*paid = total.paid;
	if (total.paid > 0 && total.paid < pool)
		node_saw(node, SIGHT_PRICE_CAPPED);
	for (size_t i = 0; i < count; i++) {
		if (lines[i].pay > 0)
			node_saw(node, from == LEDGER_BUDGET ? SIGHT_PAID_FROM_BUDGET : SIGHT_PAID);
		if (lines[i].slash > 0)
			node_saw(node, lines[i].slash == lines[i].locked ? SIGHT_SLASH_CAPPED : SIGHT_SLASHED);
		pay_give(node, &lines[i], owners[i], from,
			from == LEDGER_BUDGET || settle->number == 0 ? settle->number : -1,
			now_ms + settle->campaign->challenge_ms);
		int64_t left = bonds_slash(node, owners[i], settle->number, lines[i].slash);
		wn_assert(left == 0);
		slash_leave(node, "slash/burned", "slash/reserve", owners[i], settle->number, lines[i].slash);
	}
}

/* Everything of the open campaign comes from its declared budget, everything of the drawn one from the emission. */
static void validators_pay(
	struct node *node, const struct settle *settles, const int64_t *shares, int64_t spare, int64_t now_ms)
{
	const struct settle *open = &settles[0], *drawn = &settles[1];
	int64_t seats = 0, paid;
	for (int a = 0; a < node->plan->actors; a++)
		seats += open->scored[a];
	int64_t wanted = open->campaign->seat_pay * seats;
	int64_t budget = open->campaign->prepaid
				 ? ledger_available(&node->world.head->balances[OWNER_CAMPAIGN][LEDGER_BUDGET])
				 : spare;
	campaign_pay(node, open, wanted < budget ? wanted : budget, seats,
		open->campaign->prepaid ? LEDGER_BUDGET : LEDGER_MINT, now_ms, &paid);
	campaign_pay(node, drawn, shares[SHARE_VALIDATORS], drawn->fresh, LEDGER_MINT, now_ms, &paid);
	ORACLE(ORACLE_MODEL, paid <= shares[SHARE_VALIDATORS], "%lld paid of a pool of %lld", (long long)paid,
		(long long)shares[SHARE_VALIDATORS]);
	/* Bonds behind which nothing stands any more. */
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		for (int a = 0; a < node->plan->actors; a++)
			bonds_slash(node, a, c, 0);
}

static void contributors_pay(struct node *node, const struct settle *settles, int64_t share, int64_t now_ms)
{
	int64_t weights[SIM_ACTORS_MAX * SIM_CAMPAIGNS], units[SIM_ACTORS_MAX * SIM_CAMPAIGNS];
	size_t count = 0;
	struct wn_error err;
	for (int a = 0; a < node->plan->actors; a++)
		for (int c = 0; c < SIM_CAMPAIGNS; c++)
			weights[count++] = settles[c].weight[a];
	bool ok = shares_split(&node->arena, share, weights, count, units, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_shares_differ(share, weights, count, units));
	for (size_t i = 0; i < count; i++) {
		const struct campaign *campaign = settles[i % SIM_CAMPAIGNS].campaign;
		enum ledger_kind kind = vesting_kind(campaign->vesting_ms);
		uint32_t transfer, number;
		ORACLE(ORACLE_MODEL, (kind == LEDGER_VESTING) == (campaign->vesting_ms > 0), "vesting over %lld ms",
			(long long)campaign->vesting_ms);
		if (units[i] == 0)
			continue;
		int owner = (int)(i / SIM_CAMPAIGNS);
		give(node, "reward/contributor", LEDGER_MINT, kind, owner, (int)(i % SIM_CAMPAIGNS), units[i], false,
			&transfer);
		if (kind != LEDGER_VESTING)
			continue;
		struct world_grant *grant = world_add(&node->world, TABLE_GRANTS, &number);
		grant->transfer = transfer;
		grant->owner = owner;
		grant->revocable = campaign->challenge_ms > 0;
		grant->amount = units[i];
		grant->start_ms = now_ms;
		grant->period_ms = campaign->vesting_ms;
		world_list_add(&node->world, TABLE_VESTING, number);
	}
}

static void curators_pay(struct node *node, int64_t share)
{
	struct world *world = &node->world;
	int64_t weights[SIM_ACTORS_MAX] = {0}, units[SIM_ACTORS_MAX];
	struct wn_error err;
	for (uint32_t i = 0; i < world_count(world, TABLE_OPEN); i++) {
		const struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		for (int r = 0; r < item->round_count; r++) {
			const struct world_round *round = world_round(world, item->rounds[r]);
			if (round->kind != ROUND_AUDIT || round->gold_epoch != world->head->ended || item->gold < 0)
				continue;
			for (uint32_t s = round->seat_head; s; s = world_seat(world, s - 1)->next)
				weights[world_seat(world, s - 1)->voter] += world_seat(world, s - 1)->revealed;
		}
	}
	bool ok = shares_split(&node->arena, share, weights, (size_t)node->plan->actors, units, &err);
	wn_assert(ok);
	if (node->checks)
		oracle_model(model_shares_differ(share, weights, (size_t)node->plan->actors, units));
	for (int a = 0; a < node->plan->actors; a++)
		give(node, "reward/curator", LEDGER_MINT, LEDGER_FREE, a, -1, units[a], false, NULL);
}

static void claims_publish(struct node *node)
{
	struct claims_tree tree;
	struct claim claims[SIM_ACTORS_MAX];
	struct sha256 root, leaf;
	struct tree_proof proof;
	struct wn_error err;
	uint64_t index, size;
	size_t count = (size_t)node->plan->actors;
	claims_begin(&tree);
	for (size_t a = 0; a < count; a++) {
		claims[a] = (struct claim){node->plan->actor[a].key, node->world.head->earned[a]};
		claims_add(&tree, &claims[a]);
	}
	claims_root(&tree, &root);
	WORLD_SET(&node->world, node->world.head->claims_root, root);
	if (!node->checks)
		return;
	oracle_model(model_claims_differ(claims, count, &root));
	size_t which = (size_t)node->world.head->ended % count;
	if (claims[which].cumulative == 0)
		return;
	bool ok = claims_proof(&node->arena, claims, count, which, &index, &size, &proof, &err);
	wn_assert(ok);
	claims_leaf(&claims[which], &leaf);
	oracle_model(tree_inclusion_holds(&leaf, index, size, &proof, &root) ? NULL : "proof of a claim");
	claims[which].cumulative++;
	claims_leaf(&claims[which], &leaf);
	oracle_model(
		tree_inclusion_holds(&leaf, index, size, &proof, &root) ? "proof of a claim that is too high" : NULL);
}

void node_close_money(struct node *node, struct settle *settles, int64_t now_ms)
{
	const struct policy *policy = &node->plan->policy;
	struct emission_work work[SIM_CAMPAIGNS];
	int64_t shares[SHARE_COUNT], unminted = node_unminted(node), minted_before = node->world.head->minted;
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		work[c] = (struct emission_work){settles[c].accepted, settles[c].campaign->per_item_ceiling};
	int64_t offer = emission_offer(unminted, policy->rate);
	int64_t ceiling = emission_ceiling(work, SIM_CAMPAIGNS);
	int64_t mintable = emission_minted(offer, ceiling);
	int64_t allowed =
		settles[0].accepted * work[0].per_item_ceiling + settles[1].accepted * work[1].per_item_ceiling;
	ORACLE(ORACLE_MODEL, offer == model_offer(unminted, policy->rate), "the schedule offers %lld of %lld",
		(long long)offer, (long long)unminted);
	ORACLE(ORACLE_MODEL, ceiling == allowed && mintable == (offer < allowed ? offer : allowed),
		"%lld may be minted of an offer of %lld and a ceiling of %lld", (long long)mintable, (long long)offer,
		(long long)allowed);
	if (mintable > 0 && mintable < offer)
		node_saw(node, SIGHT_CEILING);
	emission_shares(mintable, policy->shares_ppm, shares);
	oracle_model(model_shares_differ(mintable, policy->shares_ppm, SHARE_COUNT, shares));
	for (int c = 0; c < SIM_CAMPAIGNS; c++)
		bonds_lost(node, c);
	validators_pay(node, settles, shares, unminted - mintable, now_ms);
	contributors_pay(node, settles, shares[SHARE_CONTRIBUTORS], now_ms);
	curators_pay(node, shares[SHARE_CURATORS]);
	give(node, "mint/reserve", LEDGER_MINT, LEDGER_RESERVE, OWNER_NETWORK, -1, shares[SHARE_RESERVE], false, NULL);
	give(node, "mint/treasury", LEDGER_MINT, LEDGER_TREASURY, OWNER_NETWORK, -1, shares[SHARE_TREASURY], false,
		NULL);
	ORACLE(ORACLE_RANGE, node->world.head->minted - minted_before <= mintable,
		"%lld minted where %lld were allowed", (long long)(node->world.head->minted - minted_before),
		(long long)mintable);
	claims_publish(node);
}

/* ---- vesting and finality ---- */

static void grant_end(struct node *node, uint32_t place)
{
	WORLD_SET(&node->world, world_grant(&node->world, world_list(&node->world, TABLE_VESTING, place))->ended, 1);
	world_list_drop(&node->world, TABLE_VESTING, place);
}

bool node_vest(struct node *node)
{
	struct world *world = &node->world;
	int64_t at_ms = world->head->opened_ms, due[SIM_ACTORS_MAX] = {0};
	bool any = false;
	for (uint32_t i = world_count(world, TABLE_VESTING); i-- > 0;) {
		struct world_grant *grant = world_grant(world, world_list(world, TABLE_VESTING, i));
		int64_t vested = vesting_vested(grant->amount, at_ms - grant->start_ms, grant->period_ms);
		ORACLE(ORACLE_MODEL, vested == model_vested(grant->amount, at_ms - grant->start_ms, grant->period_ms),
			"%lld vested of %lld after %lld of %lld ms", (long long)vested, (long long)grant->amount,
			(long long)(at_ms - grant->start_ms), (long long)grant->period_ms);
		if (vested <= grant->released)
			continue;
		due[grant->owner] += vested - grant->released;
		node_saw(node, SIGHT_VESTED);
		WORLD_SET(world, grant->released, vested);
		if (vested == grant->amount)
			grant_end(node, i);
	}
	for (int a = 0; a < node->plan->actors; a++) {
		struct node_move move = {.cause = "reward/vested",
			.debit_owner = a,
			.credit_owner = a,
			.debit_kind = LEDGER_VESTING,
			.credit_kind = LEDGER_FREE,
			.amount = due[a],
			.epoch = world->head->epoch};
		if (due[a] == 0)
			continue;
		transfer_id_of(&move.id, "reward/vested", node_owner(node, a), NULL, (uint64_t)move.epoch);
		enum transfer_result result = node_post(node, &move, NULL);
		wn_assert(result == TRANSFER_DONE);
		any = true;
	}
	return any;
}

bool node_overturn(struct node *node, uint32_t pick, int64_t now_ms)
{
	struct world *world = &node->world;
	(void)now_ms;
	if (world_count(world, TABLE_VESTING) == 0)
		return false;
	uint32_t place = pick % world_count(world, TABLE_VESTING);
	const struct world_grant *grant = world_grant(world, world_list(world, TABLE_VESTING, place));
	struct node_move move = {.cause = "overturned",
		.debit_owner = grant->owner,
		.credit_owner = OWNER_NETWORK,
		.debit_kind = LEDGER_VESTING,
		.credit_kind = LEDGER_MINT,
		.amount = grant->amount - grant->released,
		.epoch = world->head->epoch};
	if (!grant->revocable || move.amount == 0)
		return false;
	transfer_id_of(&move.id, "overturned", world_transfer(world, grant->transfer)->id.bytes, NULL, 0);
	enum transfer_result result = node_post(node, &move, NULL);
	wn_assert(result == TRANSFER_DONE);
	grant_end(node, place);
	node_saw(node, SIGHT_OVERTURNED);
	return true;
}

bool node_item_rests(const struct node *node, const struct world_item *item)
{
	for (int r = 0; r < item->round_count; r++)
		if (world_round(&node->world, item->rounds[r])->state < ROUND_TALLIED)
			return false;
	return true;
}

bool node_finish(struct node *node, int64_t now_ms)
{
	struct world *world = &node->world;
	bool any = false;
	for (uint32_t i = world_count(world, TABLE_OPEN); i-- > 0;) {
		struct world_item *item = world_item(world, world_list(world, TABLE_OPEN, i));
		if (item->state != ITEM_SETTLED || item->final_ms > now_ms || !node_item_rests(node, item))
			continue;
		const struct campaign *campaign = &node->plan->campaigns[item->campaign];
		bool kept = item->class >= 0 && campaign->choices[item->class].verdict == CHOICE_KEEP;
		WORLD_SET(world, item->state, item->class < 0 ? ITEM_VOID : kept ? ITEM_ACCEPTED : ITEM_REJECTED);
		world_list_drop(world, TABLE_OPEN, i);
		node_saw(node, item->class < 0 ? SIGHT_VOID : kept ? SIGHT_ACCEPTED : SIGHT_REJECTED);
		any = true;
	}
	for (uint32_t i = world_count(world, TABLE_UNPAID); i-- > 0;) {
		struct world_pay *pay = world_pay(world, world_list(world, TABLE_UNPAID, i));
		const struct world_transfer *row = world_transfer(world, pay->transfer);
		if (pay->due_ms > now_ms)
			continue;
		struct node_move move = {.cause = "reward/validator/final",
			.step = TRANSFER_POST,
			.debit_owner = row->debit_owner,
			.credit_owner = row->credit_owner,
			.debit_kind = (enum ledger_kind)row->debit_kind,
			.credit_kind = (enum ledger_kind)row->credit_kind,
			.amount = row->amount,
			.epoch = row->epoch,
			.pending_id = row->id,
			.subject = row->subject};
		transfer_id_of(&move.id, move.cause, row->id.bytes, NULL, 0);
		enum transfer_result result = node_post(node, &move, NULL);
		wn_assert(result == TRANSFER_DONE);
		WORLD_SET(world, pay->posted, 1);
		world_list_drop(world, TABLE_UNPAID, i);
		any = true;
	}
	return any;
}
