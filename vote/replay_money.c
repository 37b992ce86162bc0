/* The ledger of a replay: each transfer applied by reward/ledger.c, each cause
 * held against who may do it and how much. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "reward/claims.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/tokens.h"
#include "reward/vesting.h"
#include "vote/replay_state.h"

enum { BALANCE_KEY = ID_BYTES + 1 };

static void balance_key(uint8_t out[BALANCE_KEY], enum ledger_kind kind, const void *owner)
{
	memset(out, 0, BALANCE_KEY);
	if (owner)
		memcpy(out, owner, ID_BYTES);
	out[ID_BYTES] = (uint8_t)kind;
}

static struct ledger_balance *balance_find(const struct replay *replay, enum ledger_kind kind, const void *owner)
{
	uint8_t key[BALANCE_KEY];
	balance_key(key, kind, owner);
	return replay_table_find(&replay->balances, key);
}

static bool balance_add(struct replay *replay, const struct ledger_ref *ref)
{
	uint8_t key[BALANCE_KEY];
	bool added;
	balance_key(key, ref->kind, ref->owner);
	return replay_table_add(&replay->balances, key, &added) != NULL;
}

int64_t replay_available(const struct replay *replay, enum ledger_kind kind, const void *owner)
{
	const struct ledger_balance *balance = balance_find(replay, kind, owner);
	return balance ? ledger_available(balance) : 0;
}

int64_t replay_unminted(const struct replay *replay)
{
	return replay->node.policy.cap_units + replay_available(replay, LEDGER_MINT, NULL);
}

/* ---- claims ---- */

static bool claim_add(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	bool added;
	if (!claims_counts(transfer))
		return true;
	int64_t *total = replay_table_add(&replay->claims, transfer->credit.owner, &added);
	if (!total)
		return replay_no_room(err);
	if (added) {
		struct account_key *key = replay_list_add(
			(void **)&replay->claim_order, &replay->claim_count, &replay->claim_room, sizeof *key);
		if (!key)
			return replay_no_room(err);
		memcpy(key->bytes, transfer->credit.owner, ID_BYTES);
	}
	return tokens_add(*total, transfer->amount, total) ||
	       replay_differs(replay, err, "replay_transfer", "an account was paid more than fits");
}

/* Accounts that were paid since the last root are sorted in from behind. */
static bool claims_sort(struct replay *replay, struct wn_error *err)
{
	size_t sorted = replay->claim_sorted, count = replay->claim_count, a = sorted, b = count;
	if (sorted == count)
		return true;
	qsort(replay->claim_order + sorted, count - sorted, sizeof *replay->claim_order, id_compare);
	struct account_key *fresh = malloc((count - sorted) * sizeof *fresh);
	if (!fresh)
		return replay_no_room(err);
	memcpy(fresh, replay->claim_order + sorted, (count - sorted) * sizeof *fresh);
	while (b > a) {
		const struct account_key *newest = &fresh[b - a - 1];
		bool old = a > 0 && id_compare(&replay->claim_order[a - 1], newest) > 0;
		replay->claim_order[b - 1] = old ? replay->claim_order[a - 1] : *newest;
		if (old)
			a--;
		b--;
	}
	free(fresh);
	replay->claim_sorted = count;
	return true;
}

bool replay_claims_root(struct replay *replay, struct sha256 *out, struct wn_error *err)
{
	struct claims_tree tree;
	if (!claims_sort(replay, err))
		return false;
	claims_begin(&tree);
	for (size_t i = 0; i < replay->claim_count; i++) {
		struct claim claim = {.account = replay->claim_order[i]};
		const int64_t *total = replay_table_find(&replay->claims, claim.account.bytes);
		wn_assert(total);
		claim.cumulative = *total;
		claims_add(&tree, &claim);
	}
	claims_root(&tree, out);
	return true;
}

/* ---- one transfer ---- */

static bool pending_end(struct replay *replay, const struct transfer *transfer, struct transfer *pending)
{
	const struct replay_pending *found = replay_table_find(&replay->pending, transfer->pending_id.bytes);
	if (!found)
		return false;
	*pending = (struct transfer){.id = transfer->pending_id,
		.step = TRANSFER_PENDING,
		.debit = found->debit,
		.credit = found->credit,
		.amount = found->amount,
		.cause = "pending",
		.epoch = found->epoch};
	return true;
}

static bool pending_begin(struct replay *replay, const struct transfer *transfer, int64_t due_ms, struct wn_error *err)
{
	bool added;
	struct replay_pending *pending = replay_table_add(&replay->pending, transfer->id.bytes, &added);
	if (!pending)
		return replay_no_room(err);
	if (!added)
		return replay_differs(replay, err, "replay_transfer", "a transfer that is pending begins again");
	*pending = (struct replay_pending){.debit = transfer->debit,
		.credit = transfer->credit,
		.amount = transfer->amount,
		.due_ms = due_ms,
		.epoch = transfer->epoch,
		.is_pay = strcmp(transfer->cause, "reward/validator") == 0};
	memcpy(pending->subject, transfer->subject, sizeof pending->subject);
	return true;
}

/* What both accounts change must cancel out: each ledger's debits are its
 * credits, posted and pending. */
static void sums_add(struct ledger_balance *sums, const struct ledger_balance *balance, int sign)
{
	sums->debits_posted = (int64_t)((uint64_t)sums->debits_posted + (uint64_t)(sign * balance->debits_posted));
	sums->credits_posted = (int64_t)((uint64_t)sums->credits_posted + (uint64_t)(sign * balance->credits_posted));
	sums->debits_pending = (int64_t)((uint64_t)sums->debits_pending + (uint64_t)(sign * balance->debits_pending));
	sums->credits_pending =
		(int64_t)((uint64_t)sums->credits_pending + (uint64_t)(sign * balance->credits_pending));
}

static bool sums_hold(const struct ledger_balance *sums)
{
	return sums->debits_posted == sums->credits_posted && sums->debits_pending == sums->credits_pending;
}

bool replay_move(struct replay *replay, const struct transfer *transfer, int64_t due_ms, struct wn_error *err)
{
	struct transfer pending;
	bool ends = transfer->step >= TRANSFER_POST;
	if (!balance_add(replay, &transfer->debit) || !balance_add(replay, &transfer->credit))
		return replay_no_room(err);
	struct ledger_balance *debit = balance_find(replay, transfer->debit.kind, transfer->debit.owner);
	struct ledger_balance *credit = balance_find(replay, transfer->credit.kind, transfer->credit.owner);
	struct ledger_past past = {.pending = ends && pending_end(replay, transfer, &pending) ? &pending : NULL};
	if (debit != credit) {
		sums_add(&replay->sums, debit, -1);
		sums_add(&replay->sums, credit, -1);
	}
	enum transfer_result result = ledger_apply(transfer, &past, debit, credit);
	if (result != TRANSFER_DONE)
		return replay_differs(replay, err, "replay_transfer",
			"%lld units by \"%s\" from %s to %s cannot be moved: %s", (long long)transfer->amount,
			transfer->cause, ledger_kind_name(transfer->debit.kind),
			ledger_kind_name(transfer->credit.kind), transfer_result_name(result));
	sums_add(&replay->sums, debit, 1);
	sums_add(&replay->sums, credit, 1);
	if (!sums_hold(&replay->sums))
		return replay_differs(replay, err, "replay_ledger", "debits and credits of the ledger differ");
	if (replay_unminted(replay) < 0)
		return replay_differs(replay, err, "replay_supply", "more is minted than the cap of %lld units",
			(long long)replay->node.policy.cap_units);
	if (ends)
		replay_table_remove(&replay->pending, transfer->pending_id.bytes);
	replay->totals.transfers++;
	if (transfer->credit.kind == LEDGER_MINT)
		replay->totals.burned += transfer->amount;
	return (transfer->step != TRANSFER_PENDING || pending_begin(replay, transfer, due_ms, err)) &&
	       claim_add(replay, transfer, err);
}

/* ---- reading one ---- */

static bool word_find(const char *word, const char *(*name)(int), int count, int *out)
{
	for (*out = 0; *out < count; ++*out)
		if (word && strcmp(name(*out), word) == 0)
			return true;
	return false;
}

static const char *kind_name(int kind)
{
	return ledger_kind_name((enum ledger_kind)kind);
}

static const char *step_name(int step)
{
	return transfer_step_name((enum transfer_step)step);
}

static bool ref_read(struct replay *replay, const struct json *object, const char *name, struct ledger_ref *out,
	struct wn_error *err)
{
	const struct json *ref = json_get(object, name);
	int kind;
	if (!word_find(json_member_string(ref, "kind", NULL), kind_name, LEDGER_KINDS, &kind))
		return replay_differs(replay, err, "replay_entry", "%s names no kind of account", name);
	out->kind = (enum ledger_kind)kind;
	return replay_read_id(replay, ref, "owner", out->owner, err);
}

bool replay_transfer_read(struct replay *replay, const struct json *object, struct transfer *out, struct wn_error *err)
{
	int step;
	*out = (struct transfer){.epoch = -1};
	if (!word_find(json_member_string(object, "step", NULL), step_name, TRANSFER_STEPS, &step))
		return replay_differs(replay, err, "replay_entry", "a transfer names no step");
	out->step = (enum transfer_step)step;
	return replay_read_id(replay, object, "id", out->id.bytes, err) &&
	       ref_read(replay, object, "debit", &out->debit, err) &&
	       ref_read(replay, object, "credit", &out->credit, err) &&
	       replay_read_amount(replay, object, "amount", &out->amount, err) &&
	       replay_read_text(replay, object, "cause", &out->cause, err) &&
	       (step < TRANSFER_POST || replay_read_id(replay, object, "pending", out->pending_id.bytes, err)) &&
	       (!json_get(object, "subject") || replay_read_id(replay, object, "subject", out->subject, err)) &&
	       (!json_get(object, "epoch") || replay_read_integer(replay, object, "epoch", &out->epoch, err));
}

/* ---- causes outside of closes ---- */

static bool wrong(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	return replay_differs(replay, err, "replay_transfer",
		"\"%s\" does not move units in this way: step %s, from %s to %s", transfer->cause,
		transfer_step_name(transfer->step), ledger_kind_name(transfer->debit.kind),
		ledger_kind_name(transfer->credit.kind));
}

static bool unstake(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	struct transfer_id frees;
	bool added;
	transfer_id_of(&frees, "unbonded", transfer->id.bytes, NULL, 0);
	struct replay_unbonding *row = replay_table_add(&replay->unbonding, frees.bytes, &added);
	if (!row)
		return replay_no_room(err);
	if (!added)
		return replay_differs(replay, err, "replay_transfer", "this stake unbonds already");
	*row = (struct replay_unbonding){.amount = transfer->amount};
	memcpy(row->owner.bytes, transfer->debit.owner, ID_BYTES);
	return tokens_add(replay->time_ms, replay->node.policy.unbonding_ms, &row->due_ms) ||
	       replay_differs(replay, err, "replay_transfer", "its unbonding never ends");
}

/* What was slashed while it unbonded is missing at the end. */
static bool unbonded(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	const struct replay_unbonding *row = replay_table_find(&replay->unbonding, transfer->id.bytes);
	if (!row || memcmp(row->owner.bytes, transfer->debit.owner, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_transfer", "nothing of this account unbonds by this id");
	if (replay->time_ms < row->due_ms)
		return replay_differs(
			replay, err, "replay_transfer", "stake is free at %lld ms, not before", (long long)row->due_ms);
	int64_t left = replay_available(replay, LEDGER_UNBONDING, transfer->debit.owner);
	int64_t expected = row->amount < left ? row->amount : left;
	if (transfer->amount != expected)
		return replay_differs(replay, err, "replay_transfer", "%lld units are unbonded, expected %lld",
			(long long)transfer->amount, (long long)expected);
	replay_table_remove(&replay->unbonding, transfer->id.bytes);
	return true;
}

/* What an owner's grants have vested by then and its releases did not give yet.
 */
static int64_t vesting_due(const struct replay_vesting *vesting, int64_t until_ms)
{
	int64_t due = 0;
	for (size_t i = 0; i < vesting->count; i++) {
		const struct replay_grant *grant = &vesting->grants[i];
		int64_t had = grant->joined ? vesting_vested(grant->amount, vesting->stepped_ms - grant->start_ms,
						      grant->period_ms)
					    : 0;
		due += vesting_vested(grant->amount, until_ms - grant->start_ms, grant->period_ms) - had;
	}
	return due;
}

static int64_t vesting_until(const struct replay_vesting *vesting, int64_t at_ms)
{
	return at_ms > vesting->stepped_ms ? at_ms : vesting->stepped_ms;
}

static bool vested(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	struct replay_vesting *vesting = replay_table_find(&replay->vesting, transfer->debit.owner);
	const struct replay_epoch *open = replay->open;
	size_t kept = 0;
	if (transfer->epoch != open->number || replay->time_ms != open->opened_ms)
		return replay_differs(replay, err, "replay_vesting",
			"rewards vest at the beginning of the open epoch %lld, at %lld ms", (long long)open->number,
			(long long)open->opened_ms);
	if (!vesting || (vesting->stepped_epoch == open->number && vesting->stepped_ms > 0))
		return replay_differs(
			replay, err, "replay_vesting", "this account has nothing that vests in this epoch");
	int64_t until_ms = vesting_until(vesting, open->opened_ms), due = vesting_due(vesting, until_ms);
	if (transfer->amount != due)
		return replay_differs(replay, err, "replay_vesting", "%lld units are vested, expected %lld",
			(long long)transfer->amount, (long long)due);
	vesting->stepped_ms = until_ms;
	vesting->stepped_epoch = open->number;
	for (size_t i = 0; i < vesting->count; i++) {
		struct replay_grant *grant = &vesting->grants[i];
		grant->joined = true;
		if (vesting_vested(grant->amount, until_ms - grant->start_ms, grant->period_ms) < grant->amount)
			vesting->grants[kept++] = *grant;
	}
	vesting->count = kept;
	return true;
}

static bool pay_posted(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	struct transfer_id id;
	const struct replay_pending *pending = replay_table_find(&replay->pending, transfer->pending_id.bytes);
	if (!pending || !pending->is_pay)
		return replay_differs(replay, err, "replay_transfer", "no pay waits under this id");
	transfer_id_of(&id, "reward/validator/final", transfer->pending_id.bytes, NULL, 0);
	if (memcmp(id.bytes, transfer->id.bytes, sizeof id.bytes) != 0 || transfer->epoch != pending->epoch ||
		memcmp(transfer->subject, pending->subject, sizeof transfer->subject) != 0)
		return replay_differs(replay, err, "replay_transfer", "it is not the posting of the pay that it names");
	if (transfer->amount != pending->amount)
		return replay_differs(replay, err, "replay_transfer", "%lld units are paid, expected %lld",
			(long long)transfer->amount, (long long)pending->amount);
	return replay->time_ms >= pending->due_ms ||
	       replay_differs(replay, err, "replay_transfer", "this pay is due at %lld ms, not before",
		       (long long)pending->due_ms);
}

static bool to_registered(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	return replay_account_place(replay, transfer->credit.owner) != REPLAY_NOBODY ||
	       replay_differs(replay, err, "replay_account", "the account that receives was never registered");
}

static const struct {
	const char *cause;
	enum transfer_step step;
	enum ledger_kind debit, credit;
	bool own; /* between accounts of one owner */
	bool (*check)(struct replay *replay, const struct transfer *transfer, struct wn_error *err);
} moves[] = {
	{"stake", TRANSFER_SINGLE, LEDGER_FREE, LEDGER_STAKE, true, NULL},
	{"unstake", TRANSFER_SINGLE, LEDGER_STAKE, LEDGER_UNBONDING, true, unstake},
	{"unbonded", TRANSFER_SINGLE, LEDGER_UNBONDING, LEDGER_FREE, true, unbonded},
	{"transfer", TRANSFER_SINGLE, LEDGER_FREE, LEDGER_FREE, false, to_registered},
	{"reward/vested", TRANSFER_SINGLE, LEDGER_VESTING, LEDGER_FREE, true, vested},
	{"reward/validator", TRANSFER_POST, LEDGER_MINT, LEDGER_FREE, false, pay_posted},
	{"reward/validator", TRANSFER_POST, LEDGER_BUDGET, LEDGER_FREE, false, pay_posted},
};
enum { MOVES = sizeof moves / sizeof moves[0] };

/* Who takes out all of a deposit but what stands behind seats, and who deposits: closes ask for it. */
static bool unstaked_note(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	struct replay_epoch *open = replay->open;
	bool in = transfer->credit.kind == LEDGER_STAKE, out = transfer->debit.kind == LEDGER_STAKE;
	if (!in && (!out || replay_available(replay, LEDGER_STAKE, transfer->debit.owner) > 0))
		return true;
	struct replay_unstaked *note =
		replay_list_add((void **)&open->unstaked, &open->unstaked_count, &open->unstaked_room, sizeof *note);
	if (!note)
		return replay_no_room(err);
	*note = (struct replay_unstaked){.epoch = open->number, .out = out};
	memcpy(note->owner.bytes, transfer->debit.owner, ID_BYTES);
	return true;
}

static bool move_take(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	int move = 0;
	while (move < MOVES &&
		(strcmp(moves[move].cause, transfer->cause) != 0 || moves[move].step != transfer->step ||
			moves[move].debit != transfer->debit.kind || moves[move].credit != transfer->credit.kind))
		move++;
	if (move == MOVES)
		return wrong(replay, transfer, err);
	if (moves[move].own && memcmp(transfer->debit.owner, transfer->credit.owner, ID_BYTES) != 0)
		return replay_differs(
			replay, err, "replay_transfer", "\"%s\" moves between two owners", transfer->cause);
	return (!moves[move].check || moves[move].check(replay, transfer, err)) &&
	       replay_move(replay, transfer, 0, err) && unstaked_note(replay, transfer, err);
}

/* ---- causes of closes: applied here, held against the recomputed close later ---- */

static const char *const close_causes[] = {"seat/slashed", "seat/released", "slash/burned", "slash/reserve",
	"slash/unopened/burned", "slash/unopened/reserve", "reward/validator", "reward/contributor", "reward/curator",
	"mint/reserve", "mint/treasury"};

static bool is_of_close(const struct transfer *transfer)
{
	if (strcmp(transfer->cause, "reward/validator") == 0 && transfer->step != TRANSFER_PENDING)
		return false;
	for (size_t i = 0; i < sizeof close_causes / sizeof close_causes[0]; i++)
		if (strcmp(close_causes[i], transfer->cause) == 0)
			return true;
	return false;
}

static bool grant_note(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	const struct replay_campaign *campaign = replay_campaign_about(replay, transfer->subject);
	bool added;
	if (!campaign)
		return replay_differs(replay, err, "replay_transfer", "a reward is about no campaign");
	struct replay_vesting *vesting = replay_table_add(&replay->vesting, transfer->credit.owner, &added);
	if (!vesting)
		return replay_no_room(err);
	struct replay_grant *grant =
		replay_list_add((void **)&vesting->grants, &vesting->count, &vesting->room, sizeof *grant);
	if (!grant)
		return replay_no_room(err);
	*grant = (struct replay_grant){.id = transfer->id,
		.amount = transfer->amount,
		.start_ms = replay->time_ms,
		.period_ms = campaign->campaign.vesting_ms,
		.final_ms = replay->time_ms + campaign->campaign.challenge_ms};
	return true;
}

/* What a close takes from a campaign's budget: added to what is left it gives
 * what there was. */
static bool budget_taken(struct replay *replay, struct replay_epoch *epoch, struct replay_campaign *campaign,
	int64_t units, struct wn_error *err)
{
	if (!campaign)
		return replay_differs(replay, err, "replay_transfer", "a budget belongs to no campaign");
	for (size_t i = 0; i < epoch->listed_count; i++)
		if (epoch->listed[i].campaign == campaign) {
			epoch->listed[i].budget += units;
			return true;
		}
	struct replay_listed *listed =
		replay_list_add((void **)&epoch->listed, &epoch->listed_count, &epoch->listed_room, sizeof *listed);
	if (!listed)
		return replay_no_room(err);
	*listed = (struct replay_listed){campaign, units};
	return true;
}

static bool close_note(
	struct replay *replay, struct replay_epoch *epoch, const struct transfer *transfer, struct wn_error *err)
{
	if (transfer->debit.kind == LEDGER_MINT)
		epoch->taken_mint += transfer->amount;
	if (transfer->credit.kind == LEDGER_MINT)
		epoch->taken_mint -= transfer->amount;
	if (transfer->credit.kind == LEDGER_VESTING && !grant_note(replay, transfer, err))
		return false;
	if (transfer->debit.kind == LEDGER_BUDGET &&
		!budget_taken(
			replay, epoch, replay_campaign_about(replay, transfer->debit.owner), transfer->amount, err))
		return false;
	if (transfer->step < TRANSFER_POST)
		return true;
	struct transfer_id *ended =
		replay_list_add((void **)&epoch->ended_bonds, &epoch->bond_count, &epoch->bond_room, sizeof *ended);
	if (!ended)
		return replay_no_room(err);
	*ended = transfer->pending_id;
	return true;
}

/* Pay waits for the items behind it. The emission's share is of several
 * campaigns, of which one has the shortest window: it cannot be due before. */
static int64_t challenge_ms(const struct replay *replay, const struct transfer *transfer)
{
	const struct replay_campaign *campaign = replay_campaign_about(replay, transfer->subject);
	int64_t least = INT64_MAX;
	if (campaign)
		return campaign->campaign.challenge_ms;
	for (size_t c = 0; c < replay->campaign_count; c++)
		if (replay->campaigns[c]->campaign.panel_mode == PANEL_DRAWN &&
			replay->campaigns[c]->campaign.challenge_ms < least)
			least = replay->campaigns[c]->campaign.challenge_ms;
	return least == INT64_MAX ? 0 : least;
}

static bool close_take(struct replay *replay, const struct transfer *transfer, struct wn_error *err)
{
	struct replay_epoch *epoch = replay_epoch_ended(replay);
	int64_t due_ms = 0;
	if (!epoch || transfer->epoch != epoch->number)
		return replay_differs(replay, err, "replay_transfer", "\"%s\" belongs to the close of epoch %lld, %s",
			transfer->cause, (long long)transfer->epoch,
			epoch ? "which is not the next one" : "but no epoch waits for its close");
	if (transfer->step == TRANSFER_PENDING)
		due_ms = replay->time_ms + challenge_ms(replay, transfer);
	return replay_move(replay, transfer, due_ms, err) && close_note(replay, epoch, transfer, err);
}

/* ---- the entry ---- */

bool replay_take_transfers(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	size_t of_close = 0;
	if (!replay_read_list(replay, entry, "transfers", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct transfer transfer;
		if (!replay_transfer_read(replay, list->elements[i], &transfer, err))
			return false;
		bool closes = is_of_close(&transfer);
		of_close += closes;
		if (!(closes ? close_take : move_take)(replay, &transfer, err))
			return false;
	}
	if (of_close > 0 && of_close < list->count)
		return replay_differs(replay, err, "replay_transfer", "a close shares its entry with something else");
	return of_close == 0 || replay_epoch_keep(replay, replay_epoch_ended(replay), err);
}

/* ---- at a close ---- */

bool replay_money_close(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err)
{
	const void *owner;
	void *value;
	epoch->unminted = replay_unminted(replay) + epoch->taken_mint;
	for (size_t c = 0; c < replay->campaign_count; c++)
		if (replay->campaigns[c]->campaign.prepaid &&
			!budget_taken(replay, epoch, replay->campaigns[c], 0, err))
			return false;
	for (size_t i = 0; i < epoch->listed_count; i++) {
		struct replay_listed *listed = &epoch->listed[i];
		listed->budget += replay_available(replay, LEDGER_BUDGET, listed->campaign->subject.bytes);
	}
	/* What vested by the beginning of the open epoch is released before any close
	 * of it counts claims. */
	for (size_t at = 0; replay_table_next(&replay->vesting, &at, &owner, &value);) {
		const struct replay_vesting *vesting = value;
		int64_t due = vesting_due(vesting, vesting_until(vesting, replay->open->opened_ms));
		if (due > 0)
			return replay_differs(replay, err, "replay_vesting",
				"%lld units of an account vested by the beginning "
				"of epoch %lld and were not released",
				(long long)due, (long long)replay->open->number);
	}
	return replay_claims_root(replay, &epoch->claims_root, err);
}

bool replay_money_finish(struct replay *replay, struct wn_error *err)
{
	struct ledger_balance sums = {0};
	const void *key;
	void *value;
	__int128 held = 0;
	for (size_t at = 0; replay_table_next(&replay->balances, &at, &key, &value);) {
		const struct ledger_balance *balance = value;
		sums_add(&sums, balance, 1);
		if (((const uint8_t *)key)[ID_BYTES] != LEDGER_MINT)
			held += (__int128)balance->credits_posted + balance->credits_pending - balance->debits_posted -
				balance->debits_pending;
	}
	if (!sums_hold(&sums))
		return replay_differs(replay, err, "replay_ledger", "debits and credits of all accounts differ");
	/* What is pending counts on both sides, so that what everybody holds is what
	 * was ever minted and not burned. */
	__int128 minted = (__int128)replay->node.policy.cap_units - replay_unminted(replay);
	return held == minted ||
	       replay_differs(replay, err, "replay_supply", "all accounts hold something else than what was minted");
}

void replay_balance_of(const struct replay *replay, const struct ledger_ref *ref, struct ledger_balance *out)
{
	const struct ledger_balance *balance = balance_find(replay, ref->kind, ref->owner);
	*out = balance ? *balance : (struct ledger_balance){0};
}

bool replay_grant_of(const struct replay *replay, const struct account_key *owner, const struct transfer_id *id,
	struct replay_granted *out)
{
	const struct replay_vesting *vesting = replay_table_find(&replay->vesting, owner->bytes);
	for (size_t i = 0; vesting && i < vesting->count; i++) {
		const struct replay_grant *grant = &vesting->grants[i];
		if (memcmp(grant->id.bytes, id->bytes, ID_BYTES) != 0)
			continue;
		*out = (struct replay_granted){grant->amount, grant->start_ms, grant->period_ms, grant->final_ms,
			grant->final_ms > grant->start_ms && grant->final_ms > replay->final_ms};
		return true;
	}
	return false;
}

int64_t replay_claim_of(const struct replay *replay, const struct account_key *account)
{
	const int64_t *total = replay_table_find(&replay->claims, account->bytes);
	return total ? *total : 0;
}

void replay_count(const struct replay *replay, struct replay_counts *out)
{
	static const struct ledger_balance nothing;
	const void *key;
	void *value;
	*out = (struct replay_counts){.claims = (int64_t)replay->claim_count};
	for (size_t at = 0; replay_table_next(&replay->vesting, &at, &key, &value);)
		out->grants += (int64_t)((const struct replay_vesting *)value)->count;
	for (size_t at = 0; replay_table_next(&replay->balances, &at, &key, &value);)
		out->balances += memcmp(value, &nothing, sizeof nothing) != 0;
	for (size_t c = 0; c < replay->campaign_count; c++)
		out->validators += (int64_t)replay->campaigns[c]->now.count;
}
