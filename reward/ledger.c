/* The ledger's rules over accounts in memory: which transfer applies, which is refused and why. */
#include "reward/ledger.h"

#include <string.h>

#include "core/error.h"
#include "reward/tokens.h"

/* Each sum fits, and so does the sum of what is posted and what is pending on either side: ending a pending transfer
 * never wraps. */
static bool balance_holds(const struct ledger_balance *balance)
{
	int64_t sum;
	return tokens_add(balance->debits_posted, balance->debits_pending, &sum) &&
	       tokens_add(balance->credits_posted, balance->credits_pending, &sum);
}

int64_t ledger_available(const struct ledger_balance *balance)
{
	wn_assert(balance_holds(balance));
	/* Both terms lie in 0..INT64_MAX, so the difference fits. */
	return balance->credits_posted - (balance->debits_posted + balance->debits_pending);
}

static bool ref_equal(const struct ledger_ref *a, const struct ledger_ref *b)
{
	return a->kind == b->kind && memcmp(a->owner, b->owner, sizeof a->owner) == 0;
}

static bool transfer_ends(enum transfer_step step)
{
	return step == TRANSFER_POST || step == TRANSFER_VOID || step == TRANSFER_EXPIRE;
}

int64_t transfer_recorded(const struct transfer *transfer)
{
	return transfer->step == TRANSFER_VOID || transfer->step == TRANSFER_EXPIRE ? 0 : transfer->amount;
}

bool transfer_equal(const struct transfer *a, const struct transfer *b)
{
	return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes) == 0 && a->step == b->step &&
	       ref_equal(&a->debit, &b->debit) && ref_equal(&a->credit, &b->credit) &&
	       transfer_recorded(a) == transfer_recorded(b) &&
	       (!transfer_ends(a->step) ||
		       memcmp(a->pending_id.bytes, b->pending_id.bytes, sizeof a->pending_id.bytes) == 0) &&
	       strcmp(a->cause, b->cause) == 0 && memcmp(a->subject, b->subject, sizeof a->subject) == 0 &&
	       a->epoch == b->epoch;
}

/* Single and pending transfers take from what is available; the mint alone has no floor but the range of its sums. */
static enum transfer_result apply_opening(
	const struct transfer *transfer, struct ledger_balance *debit, struct ledger_balance *credit)
{
	int64_t sum, debits, credits;
	if (transfer->debit.kind != LEDGER_MINT && ledger_available(debit) < transfer->amount)
		return TRANSFER_OVERDRAWN;
	if (!tokens_add(debit->debits_posted, debit->debits_pending, &sum) ||
		!tokens_add(sum, transfer->amount, &debits) ||
		!tokens_add(credit->credits_posted, credit->credits_pending, &sum) ||
		!tokens_add(sum, transfer->amount, &credits))
		return TRANSFER_OVERFLOW;
	if (transfer->step == TRANSFER_SINGLE) {
		debit->debits_posted += transfer->amount;
		credit->credits_posted += transfer->amount;
	} else {
		debit->debits_pending += transfer->amount;
		credit->credits_pending += transfer->amount;
	}
	return TRANSFER_DONE;
}

static enum transfer_result apply_ending(const struct transfer *transfer, const struct ledger_past *past,
	struct ledger_balance *debit, struct ledger_balance *credit)
{
	const struct transfer *pending = past->pending;
	if (!pending || pending->step != TRANSFER_PENDING)
		return TRANSFER_NO_PENDING;
	/* An ending names the accounts of what it ends: with others it speaks of something that is not there. */
	if (!ref_equal(&pending->debit, &transfer->debit) || !ref_equal(&pending->credit, &transfer->credit))
		return TRANSFER_NO_PENDING;
	if (past->pending_ended)
		return TRANSFER_ENDED;
	int64_t posted = transfer_recorded(transfer);
	if (posted > pending->amount)
		return TRANSFER_TOO_MUCH;
	wn_assert(debit->debits_pending >= pending->amount);
	wn_assert(credit->credits_pending >= pending->amount);
	debit->debits_pending -= pending->amount;
	credit->credits_pending -= pending->amount;
	debit->debits_posted += posted;
	credit->credits_posted += posted;
	return TRANSFER_DONE;
}

enum transfer_result ledger_apply(const struct transfer *transfer, const struct ledger_past *past,
	struct ledger_balance *debit, struct ledger_balance *credit)
{
	wn_assert(transfer->cause && transfer->cause[0]);
	if (past->same)
		return transfer_equal(past->same, transfer) ? TRANSFER_REPEATED : TRANSFER_DIFFERS;
	if (transfer_recorded(transfer) < 0)
		return TRANSFER_BAD_AMOUNT;
	if (ref_equal(&transfer->debit, &transfer->credit))
		return TRANSFER_SAME_ACCOUNT;
	wn_assert(debit != credit);
	wn_assert(balance_holds(debit));
	wn_assert(balance_holds(credit));
	enum transfer_result result = transfer_ends(transfer->step) ? apply_ending(transfer, past, debit, credit)
								    : apply_opening(transfer, debit, credit);
	wn_assert(balance_holds(debit));
	wn_assert(balance_holds(credit));
	return result;
}

const char *ledger_kind_name(enum ledger_kind kind)
{
	static const char *const names[LEDGER_KINDS] = {
		[LEDGER_MINT] = "mint",
		[LEDGER_FREE] = "free",
		[LEDGER_STAKE] = "stake",
		[LEDGER_BOND] = "bond",
		[LEDGER_VESTING] = "vesting",
		[LEDGER_BUDGET] = "budget",
		[LEDGER_TREASURY] = "treasury",
		[LEDGER_RESERVE] = "reserve",
		[LEDGER_CURATORS] = "curators",
		[LEDGER_POOL] = "pool",
		[LEDGER_UNBONDING] = "unbonding",
	};
	wn_assert((unsigned)kind < LEDGER_KINDS);
	return names[kind];
}

const char *transfer_step_name(enum transfer_step step)
{
	static const char *const names[TRANSFER_STEPS] = {
		[TRANSFER_SINGLE] = "single",
		[TRANSFER_PENDING] = "pending",
		[TRANSFER_POST] = "post",
		[TRANSFER_VOID] = "void",
		[TRANSFER_EXPIRE] = "expire",
	};
	wn_assert((unsigned)step < TRANSFER_STEPS);
	return names[step];
}

const char *transfer_result_name(enum transfer_result result)
{
	static const char *const names[TRANSFER_RESULTS] = {
		[TRANSFER_DONE] = "done",
		[TRANSFER_REPEATED] = "repeated",
		[TRANSFER_DIFFERS] = "differs",
		[TRANSFER_BAD_AMOUNT] = "bad_amount",
		[TRANSFER_SAME_ACCOUNT] = "same_account",
		[TRANSFER_NO_PENDING] = "no_pending",
		[TRANSFER_ENDED] = "ended",
		[TRANSFER_TOO_MUCH] = "too_much",
		[TRANSFER_OVERDRAWN] = "overdrawn",
		[TRANSFER_OVERFLOW] = "overflow",
	};
	wn_assert((unsigned)result < TRANSFER_RESULTS);
	return names[result];
}
