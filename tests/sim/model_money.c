/* The rules of money once more: shares, pay, schedule, vesting, novelty, transfers, claims. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "tests/sim/model.h"

typedef unsigned __int128 wide;
typedef __int128 wide_signed;

enum { ACCOUNTS_MAX = 128 };

const char *model_shares_differ(int64_t total, const int64_t *weights, size_t count, const int64_t *shares)
{
	wide sum = 0, given = 0;
	bool *more = calloc(count + 1, sizeof *more);
	const char *differs = NULL;
	wn_assert(more != NULL);
	for (size_t i = 0; i < count; i++)
		sum += (wide)weights[i];
	for (size_t i = 0; i < count && sum; i++)
		given += (wide)total * (wide)weights[i] / sum;
	for (wide left = sum ? (wide)total - given : 0; left > 0; left--) {
		size_t best = SIZE_MAX;
		for (size_t i = 0; i < count; i++)
			if (!more[i] && (best == SIZE_MAX || (wide)total * (wide)weights[i] % sum >
								     (wide)total * (wide)weights[best] % sum))
				best = i;
		wn_assert(best != SIZE_MAX);
		more[best] = true;
	}
	for (size_t i = 0; i < count; i++)
		if (shares[i] != (sum ? (int64_t)((wide)total * (wide)weights[i] / sum) + more[i] : 0))
			differs = "largest remainder";
	free(more);
	return differs;
}

const char *model_pay_differs(
	const struct pay_line *lines, size_t count, int64_t pool, int64_t seats, const struct pay_total *total)
{
	wide weight = 0;
	int64_t paid = 0, slashed = 0;
	int64_t weights[ACCOUNTS_MAX], pays[ACCOUNTS_MAX];
	wn_assert(count <= ACCOUNTS_MAX);
	for (size_t i = 0; i < count; i++) {
		weights[i] = lines[i].score > 0 ? lines[i].score : 0;
		pays[i] = lines[i].pay;
		weight += (wide)weights[i];
	}
	if (weight > 0 && seats > 0) {
		wide price = (wide)pool * 4 / (wide)seats;
		if (price > INT64_MAX)
			price = INT64_MAX;
		bool all = price > 0 && weight > (wide)pool * 1000000 / price;
		paid = all ? pool : (int64_t)(weight * price / 1000000);
	}
	if (total->paid != paid)
		return "what a pool pays";
	for (size_t i = 0; i < count; i++) {
		wide slash = 0;
		if (lines[i].score < 0 && weight > 0)
			slash = (wide)(-(wide_signed)lines[i].score) * (wide)paid * 3 / (weight * 2);
		if (slash > (wide)lines[i].locked)
			slash = (wide)lines[i].locked;
		if (lines[i].slash != (int64_t)slash)
			return "slash";
		slashed += lines[i].slash;
		if (lines[i].score <= 0 && lines[i].pay != 0)
			return "pay without points";
	}
	if (total->slashed != slashed)
		return "sum of slashes";
	return model_shares_differ(paid, weights, count, pays);
}

int64_t model_offer(int64_t unminted, int64_t rate)
{
	return (int64_t)((wide)unminted * (wide)rate / ((wide)1 << 40));
}

int64_t model_ceiling(const struct emission_work *work, size_t count)
{
	wide_signed room = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		wide_signed more = (wide_signed)work[i].accepted * work[i].per_item_ceiling;
		room = more > room ? 0 : room - more;
	}
	return INT64_MAX - (int64_t)room;
}

int64_t model_vested(int64_t total, int64_t elapsed_ms, int64_t period_ms)
{
	if (elapsed_ms < 0)
		return 0;
	if (elapsed_ms >= period_ms)
		return total;
	return (int64_t)((wide)total * (wide)elapsed_ms / (wide)period_ms);
}

int64_t model_novelty(const struct campaign *campaign, int64_t numerator, int64_t denominator)
{
	/* With J = numerator / denominator and T the threshold: 1 up to T/2, 1/4 from T, a line between. */
	wide_signed j = (wide_signed)numerator * campaign->dedup_denominator;
	wide_signed t = (wide_signed)denominator * campaign->dedup_numerator;
	if (2 * j <= t)
		return 1000000;
	if (j >= t)
		return 250000;
	return 1000000 - (int64_t)((wide_signed)750000 * (2 * j - t) / t);
}

enum transfer_result model_transfer(const struct transfer *transfer, const struct ledger_past *past,
	struct ledger_balance *debit, struct ledger_balance *credit)
{
	bool ends = transfer->step != TRANSFER_SINGLE && transfer->step != TRANSFER_PENDING;
	bool gives_back = transfer->step == TRANSFER_VOID || transfer->step == TRANSFER_EXPIRE;
	int64_t amount = gives_back ? 0 : transfer->amount;
	const struct transfer *same = past->same, *pending = past->pending;
	if (same) {
		bool equal = same->step == transfer->step && same->debit.kind == transfer->debit.kind &&
			     same->credit.kind == transfer->credit.kind &&
			     memcmp(same->debit.owner, transfer->debit.owner, 32) == 0 &&
			     memcmp(same->credit.owner, transfer->credit.owner, 32) == 0 &&
			     (gives_back || same->amount == transfer->amount) &&
			     strcmp(same->cause, transfer->cause) == 0 && same->epoch == transfer->epoch &&
			     memcmp(same->subject, transfer->subject, 32) == 0 &&
			     (!ends || memcmp(same->pending_id.bytes, transfer->pending_id.bytes, 32) == 0);
		return equal ? TRANSFER_REPEATED : TRANSFER_DIFFERS;
	}
	if (amount < 0)
		return TRANSFER_BAD_AMOUNT;
	if (transfer->debit.kind == transfer->credit.kind &&
		memcmp(transfer->debit.owner, transfer->credit.owner, 32) == 0)
		return TRANSFER_SAME_ACCOUNT;
	if (!ends) {
		wide_signed spare = (wide_signed)debit->credits_posted - debit->debits_posted - debit->debits_pending;
		if (transfer->debit.kind != LEDGER_MINT && spare < amount)
			return TRANSFER_OVERDRAWN;
		if ((wide_signed)debit->debits_posted + debit->debits_pending + amount > INT64_MAX ||
			(wide_signed)credit->credits_posted + credit->credits_pending + amount > INT64_MAX)
			return TRANSFER_OVERFLOW;
		*(transfer->step == TRANSFER_SINGLE ? &debit->debits_posted : &debit->debits_pending) += amount;
		*(transfer->step == TRANSFER_SINGLE ? &credit->credits_posted : &credit->credits_pending) += amount;
		return TRANSFER_DONE;
	}
	if (!pending || pending->step != TRANSFER_PENDING || pending->debit.kind != transfer->debit.kind ||
		pending->credit.kind != transfer->credit.kind ||
		memcmp(pending->debit.owner, transfer->debit.owner, 32) != 0 ||
		memcmp(pending->credit.owner, transfer->credit.owner, 32) != 0)
		return TRANSFER_NO_PENDING;
	if (past->pending_ended)
		return TRANSFER_ENDED;
	if (amount > pending->amount)
		return TRANSFER_TOO_MUCH;
	debit->debits_pending -= pending->amount;
	credit->credits_pending -= pending->amount;
	debit->debits_posted += amount;
	credit->credits_posted += amount;
	return TRANSFER_DONE;
}

static void claims_node(const struct claim *claims, size_t count, struct sha256 *out)
{
	uint8_t bytes[65];
	if (count == 1) {
		bytes[0] = 0;
		memcpy(bytes + 1, claims->account.bytes, 32);
		for (int i = 0; i < 8; i++)
			bytes[33 + i] = (uint8_t)(claims->cumulative >> (56 - 8 * i));
		sha256_of(bytes, 41, out);
		return;
	}
	size_t left = 1;
	while (2 * left < count)
		left *= 2;
	struct sha256 a, b;
	claims_node(claims, left, &a);
	claims_node(claims + left, count - left, &b);
	bytes[0] = 1;
	memcpy(bytes + 1, a.bytes, 32);
	memcpy(bytes + 33, b.bytes, 32);
	sha256_of(bytes, 65, out);
}

const char *model_claims_differ(const struct claim *claims, size_t count, const struct sha256 *root)
{
	struct claim used[ACCOUNTS_MAX];
	struct sha256 want;
	size_t n = 0;
	for (size_t i = 0; i < count; i++)
		if (claims[i].cumulative > 0)
			used[n++] = claims[i];
	if (n == 0)
		sha256_of("", 0, &want);
	else
		claims_node(used, n, &want);
	return memcmp(want.bytes, root->bytes, 32) == 0 ? NULL : "claims root";
}
