/* The rules once more, as plainly as they can be written: nested arrays, linear searches, no order of its own. */
#include "tests/sim/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

typedef unsigned __int128 wide;
typedef __int128 wide_signed;

enum { VALIDATORS_MAX = 64, ITEMS_MAX = 1024, VOTES_MAX = 16384, ENTRIES_MAX = 64, K_MAX = 5 };

/* ---- logarithms, weights, scores: section 4 ---- */

static int64_t log2_q16(uint64_t x)
{
	int top = 0;
	while (top < 63 && x >> (top + 1))
		top++;
	uint64_t y = top > 31 ? x >> (top - 31) : x << (31 - top);
	int64_t fraction = 0;
	for (int bit = 0; bit < 16; bit++) {
		wide square = (wide)y * y >> 31;
		fraction *= 2;
		if (square >= (wide)1 << 32) {
			square >>= 1;
			fraction++;
		}
		y = (uint64_t)square;
	}
	return top * 65536 + fraction;
}

static int64_t lg(uint64_t x)
{
	static int64_t known[65536];
	int64_t whole = 0;
	while (x >= 65536) {
		x /= 2;
		whole += 65536;
	}
	if (!known[x])
		known[x] = x == 1 ? 0 : log2_q16(x);
	return whole + known[x];
}

/* P from the sum of all tables. */
static void pooled_of(int k, int64_t sum[K_MAX][K_MAX], int64_t pooled[K_MAX][K_MAX])
{
	for (int truth = 0; truth < k; truth++) {
		wide row = 0, cells[K_MAX];
		for (int said = 0; said < k; said++) {
			cells[said] = (wide)sum[truth][said] +
				      (wide)(truth == said ? 40 * 64 * 7 / 10 : 40 * 64 * 3 / (10 * (k - 1)));
			row += cells[said];
		}
		for (int said = 0; said < k; said++) {
			pooled[truth][said] = (int64_t)(6 * 64 * cells[said] / row);
			if (pooled[truth][said] < 1)
				pooled[truth][said] = 1;
		}
	}
}

static void weigh(int k, int64_t counts[K_MAX][K_MAX], int64_t pooled[K_MAX][K_MAX], int64_t t[K_MAX][K_MAX])
{
	for (int truth = 0; truth < k; truth++) {
		uint64_t row = 0;
		for (int said = 0; said < k; said++)
			row += (uint64_t)(counts[truth][said] + pooled[truth][said]);
		for (int said = 0; said < k; said++)
			t[truth][said] = lg((uint64_t)(counts[truth][said] + pooled[truth][said])) - lg(row);
	}
	for (int said = 0; said < k; said++) {
		int64_t most = t[0][said];
		for (int truth = 1; truth < k; truth++)
			most = t[truth][said] > most ? t[truth][said] : most;
		for (int truth = 0; truth < k; truth++) {
			t[truth][said] -= most;
			if (t[truth][said] < -6 * 65536)
				t[truth][said] = -6 * 65536;
		}
	}
}

static void start_of(int k, const int64_t *pi, int64_t *scores)
{
	int64_t all = 0;
	for (int a = 0; a < k; a++)
		all += pi[a] + 640;
	for (int a = 0; a < k; a++)
		scores[a] = lg((uint64_t)(pi[a] + 640)) - lg((uint64_t)all);
}

static int best_of(int k, const int64_t *scores)
{
	for (int a = 0; a < k; a++) {
		bool best = true;
		for (int b = 0; b < k; b++)
			best = best && (scores[b] < scores[a] || (scores[b] == scores[a] && b >= a));
		if (best)
			return a;
	}
	wn_assert(!"no class is best");
	return 0;
}

static int64_t margin_of(int k, const int64_t *scores)
{
	int best = best_of(k, scores);
	int64_t least = INT64_MAX;
	for (int a = 0; a < k; a++)
		if (a != best && scores[best] - scores[a] < least)
			least = scores[best] - scores[a];
	return least;
}

static int64_t soft_of(int k, const int64_t *scores, int64_t *w, int64_t *r)
{
	static const int64_t e2[16] = {65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341, 44376, 42495,
		40693, 38968, 37316, 35734, 34219};
	int best = best_of(k, scores);
	int64_t all = 0, given = 0;
	for (int a = 0; a < k; a++) {
		int64_t d = (scores[best] - scores[a]) / 4096;
		w[a] = e2[d % 16];
		for (int64_t halves = d / 16; halves > 0 && w[a] > 0; halves--)
			w[a] /= 2;
		all += w[a];
	}
	for (int a = 0; a < k; a++) {
		r[a] = w[a] * 64 / all;
		given += r[a];
	}
	r[best] += 64 - given;
	return all;
}

const char *model_online_differs(const struct tally_snapshot *snapshot, const struct tally_vote *votes, size_t count,
	const struct tally_result *got)
{
	int k = snapshot->classes;
	int64_t sum[K_MAX][K_MAX] = {{0}}, pooled[K_MAX][K_MAX], scores[K_MAX];
	for (size_t v = 0; v < snapshot->validator_count; v++)
		for (int i = 0; i < k * k && snapshot->validators[v].counts; i++)
			sum[i / k][i % k] += snapshot->validators[v].counts[i];
	pooled_of(k, sum, pooled);
	start_of(k, snapshot->prior, scores);
	for (size_t i = 0; i < count; i++) {
		int64_t counts[K_MAX][K_MAX] = {{0}}, t[K_MAX][K_MAX];
		bool skip = false;
		for (size_t v = 0; v < snapshot->validator_count; v++) {
			const struct tally_validator *validator = &snapshot->validators[v];
			if (memcmp(validator->voter.bytes, votes[i].voter.bytes, 32) != 0)
				continue;
			skip = validator->probation;
			for (int c = 0; c < k * k && validator->counts; c++)
				counts[c / k][c % k] = validator->counts[c];
		}
		weigh(k, counts, pooled, t);
		for (int a = 0; a < k && !skip; a++)
			scores[a] += t[a][votes[i].label];
	}
	for (int a = 0; a < k; a++)
		if (scores[a] != got->scores[a])
			return "online scores";
	if (got->class != best_of(k, scores))
		return "online verdict";
	return got->margin != margin_of(k, scores) ? "online margin" : NULL;
}

/* ---- the close ---- */

static struct {
	int64_t counts[VALIDATORS_MAX][K_MAX][K_MAX], start[VALIDATORS_MAX][K_MAX][K_MAX],
		t[VALIDATORS_MAX][K_MAX][K_MAX];
	int64_t pi[K_MAX], scores[ITEMS_MAX][K_MAX];
	uint32_t fresh[VALIDATORS_MAX], gold[VALIDATORS_MAX], right[VALIDATORS_MAX], scored[VALIDATORS_MAX];
	int64_t points[VALIDATORS_MAX];
	uint32_t references[CLOSE_STRATA_MAX][K_MAX], all_references[K_MAX];
	int8_t reference[VOTES_MAX];
} m;

static bool probed(const struct close_input *in, uint32_t validator)
{
	return in->probation && in->probation[validator];
}

static void close_pass(const struct close_input *in)
{
	int k = in->classes;
	int64_t sum[K_MAX][K_MAX] = {{0}}, pooled[K_MAX][K_MAX], pi[K_MAX];
	for (uint32_t v = 0; v < in->validator_count; v++)
		for (int a = 0; a < k; a++)
			for (int j = 0; j < k; j++)
				sum[a][j] += m.counts[v][a][j];
	pooled_of(k, sum, pooled);
	for (uint32_t v = 0; v < in->validator_count; v++)
		weigh(k, m.counts[v], pooled, m.t[v]);
	memcpy(pi, in->prior, (size_t)k * sizeof *pi);
	memcpy(m.counts, m.start, sizeof m.counts);
	/* From the last item to the first: no order may matter. */
	for (uint32_t i = in->item_count; i-- > 0;) {
		const struct epoch_item *item = &in->items[i];
		int64_t w[K_MAX], r[K_MAX] = {0}, *scores = m.scores[i];
		start_of(k, m.pi, scores);
		for (uint32_t n = 0; n < item->vote_count; n++) {
			const struct epoch_vote *vote = &in->votes[item->vote_first + n];
			for (int a = 0; a < k && !probed(in, vote->validator); a++)
				scores[a] += m.t[vote->validator][a][vote->label];
		}
		if (item->gold >= 0)
			r[item->gold] = 64;
		else
			soft_of(k, scores, w, r);
		for (int a = 0; a < k && item->gold < 0 && !item->back; a++)
			pi[a] += r[a];
		for (uint32_t n = 0; n < item->vote_count; n++) {
			const struct epoch_vote *vote = &in->votes[item->vote_first + n];
			int64_t g = 1;
			if (item->gold >= 0)
				g = in->gold_before[vote->validator] + m.gold[vote->validator];
			if (item->gold >= 0 && g > 16)
				g = 16;
			for (int a = 0; a < k && vote->fresh; a++)
				m.counts[vote->validator][a][vote->label] += r[a] * g;
		}
	}
	memcpy(m.pi, pi, (size_t)k * sizeof *pi);
}

static void close_count(const struct close_input *in)
{
	for (uint32_t i = 0; i < in->item_count; i++)
		for (uint32_t n = 0; n < in->items[i].vote_count; n++) {
			const struct epoch_vote *vote = &in->votes[in->items[i].vote_first + n];
			if (!vote->fresh)
				continue;
			m.fresh[vote->validator]++;
			if (in->items[i].gold < 0)
				continue;
			m.gold[vote->validator]++;
			if (vote->label == in->items[i].gold)
				m.right[vote->validator]++;
		}
}

/* What a vote is held against; -1: nothing. */
static int reference_of(const struct close_input *in, uint32_t i, const struct epoch_vote *vote)
{
	int k = in->classes;
	int64_t rest[K_MAX];
	if (probed(in, vote->validator))
		return -1;
	if (in->items[i].gold >= 0)
		return in->items[i].gold;
	for (int a = 0; a < k; a++)
		rest[a] = m.scores[i][a] - m.t[vote->validator][a][vote->label];
	return margin_of(k, rest) >= 65536 ? best_of(k, rest) : -1;
}

static int64_t baseline_of(int k, int stratum, int label)
{
	uint32_t own = 0, all = 0;
	for (int a = 0; a < k; a++) {
		own += m.references[stratum][a];
		all += m.all_references[a];
	}
	if (own >= 50)
		return (int64_t)1000000 * m.references[stratum][label] / own;
	return all ? (int64_t)1000000 * m.all_references[label] / all : 1000000 / k;
}

static const char *points_differ(const struct close_input *in, const bool *settles, const struct close_output *got)
{
	int k = in->classes;
	for (uint32_t i = 0; i < in->item_count; i++)
		for (uint32_t n = 0; n < in->items[i].vote_count; n++) {
			uint32_t at = in->items[i].vote_first + n;
			int reference = reference_of(in, i, &in->votes[at]);
			m.reference[at] = (int8_t)reference;
			if (got->reference[at] != reference)
				return "reference";
			if (reference < 0 || in->items[i].gold >= 0 || (settles && !settles[i]))
				continue;
			m.references[in->items[i].stratum][reference]++;
			m.all_references[reference]++;
		}
	for (uint32_t i = 0; i < in->item_count; i++)
		for (uint32_t n = 0; n < in->items[i].vote_count; n++) {
			uint32_t at = in->items[i].vote_first + n;
			const struct epoch_vote *vote = &in->votes[at];
			int64_t points = 0;
			bool counts = (!settles || settles[i]) && m.reference[at] >= 0;
			if (counts) {
				bool right = vote->label == m.reference[at];
				points = (right ? 1000000 : 0) - baseline_of(k, in->items[i].stratum, vote->label);
				if (!right && in->items[i].gold >= 0)
					points *= 2;
				m.points[vote->validator] += points;
				m.scored[vote->validator]++;
			}
			if (got->points[at] != points)
				return "points of a vote";
		}
	for (uint32_t v = 0; v < in->validator_count; v++)
		if (got->sum[v] != m.points[v] || got->scored[v] != m.scored[v])
			return "sum of points";
	return NULL;
}

const char *model_close_differs(const struct close_input *in, const bool *settles, const struct close_output *got)
{
	int k = in->classes;
	wn_assert(in->validator_count <= VALIDATORS_MAX);
	wn_assert(in->item_count <= ITEMS_MAX);
	wn_assert(in->vote_count <= VOTES_MAX);
	wn_assert(k <= K_MAX);
	memset(&m, 0, sizeof m);
	for (uint32_t v = 0; v < in->validator_count; v++)
		for (int i = 0; i < k * k; i++)
			m.start[v][i / k][i % k] = in->counts[v * (uint32_t)(k * k) + (uint32_t)i];
	memcpy(m.counts, m.start, sizeof m.counts);
	memcpy(m.pi, in->prior, (size_t)k * sizeof *m.pi);
	close_count(in);
	for (int pass = 0; pass < 4; pass++)
		close_pass(in);
	for (uint32_t i = 0; i < in->item_count; i++) {
		int64_t w[K_MAX], r[K_MAX], kept = 0;
		if (memcmp(m.scores[i], got->scores + i * (uint32_t)k, (size_t)k * sizeof(int64_t)) != 0)
			return "settled scores";
		if (got->class[i] != best_of(k, m.scores[i]))
			return "settled verdict";
		if (got->margin[i] != margin_of(k, m.scores[i]))
			return "settled margin";
		int64_t all = soft_of(k, m.scores[i], w, r);
		for (int a = 0; a < k; a++)
			if (in->keep & (uint32_t)1 << a)
				kept += w[a];
		if (got->p_good[i] != 1000000 * kept / all)
			return "p_good";
	}
	for (uint32_t v = 0; v < in->validator_count; v++) {
		if (got->fresh[v] != m.fresh[v] || got->gold_new[v] != m.gold[v] || got->gold_right[v] != m.right[v])
			return "votes on known answers";
		for (int i = 0; i < k * k; i++) {
			int64_t count = m.counts[v][i / k][i % k];
			if (m.fresh[v])
				count -= count / 16;
			if (got->counts[v * (uint32_t)(k * k) + (uint32_t)i] != count)
				return "counts after the close";
		}
	}
	for (int a = 0; a < k; a++)
		if (got->prior[a] != (in->item_count ? m.pi[a] - m.pi[a] / 16 : in->prior[a]))
			return "prior after the close";
	return points_differ(in, settles, got);
}

/* ---- money ---- */

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
	int64_t weights[2 * VALIDATORS_MAX], pays[2 * VALIDATORS_MAX];
	wn_assert(count <= 2 * VALIDATORS_MAX);
	for (size_t i = 0; i < count; i++) {
		weights[i] = lines[i].score > 0 ? lines[i].score : 0;
		pays[i] = lines[i].pay;
		weight += (wide)weights[i];
	}
	if (weight > 0 && seats > 0) {
		wide price = (wide)pool * 4 / (wide)seats;
		wide capped = weight * price / 1000000;
		paid = capped < (wide)pool ? (int64_t)capped : pool;
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

int64_t model_vested(int64_t total, int64_t elapsed_ms, int64_t period_ms)
{
	if (period_ms <= 0 || elapsed_ms > period_ms)
		elapsed_ms = period_ms = 1;
	if (elapsed_ms < 0)
		elapsed_ms = 0;
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
	struct claim used[VALIDATORS_MAX];
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

/* ---- ballots and panels ---- */

enum ballot_result model_ballot(bool reveal, const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms)
{
	bool holds = place->seat_found && place->seat_state != SEAT_SKIPPED;
	if (!place->round_found || !holds || place->own_item)
		return !place->round_found ? BALLOT_ROUND_UNKNOWN : !holds ? BALLOT_SEAT_MISSING : BALLOT_OWN_ITEM;
	if (!reveal) {
		bool leased = place->seat_state == SEAT_LEASED && now_ms < place->lease_until_ms;
		bool seated = place->seat_state == SEAT_COMMITTED || place->seat_state == SEAT_REVEALED;
		bool open = place->round_state == ROUND_COMMIT && now_ms < place->commit_until_ms;
		if (place->sequence_used && memcmp(place->sequence_commitment.bytes, vote->commitment.bytes, 32) == 0)
			return BALLOT_REPEATED;
		if (voter->jailed)
			return BALLOT_JAILED;
		if (!leased && !seated)
			return BALLOT_LEASE_OVER;
		if (!open)
			return BALLOT_COMMIT_CLOSED;
		if (place->sequence_used)
			return BALLOT_SEQUENCE_TAKEN;
		return vote->sequence > place->last_sequence ? BALLOT_OK : BALLOT_SEQUENCE_OLD;
	}
	bool opened_so = place->revealed && place->choice == vote->choice &&
			 memcmp(place->salt.bytes, vote->salt.bytes, 32) == 0;
	if (opened_so)
		return BALLOT_REPEATED;
	if (place->last_sequence < 1)
		return BALLOT_COMMIT_MISSING;
	if (place->round_state == ROUND_COMMIT)
		return BALLOT_REVEAL_EARLY;
	if (place->revealed)
		return BALLOT_REVEALED_OTHERWISE;
	if (place->round_state != ROUND_REVEAL || now_ms >= place->reveal_until_ms)
		return BALLOT_REVEAL_CLOSED;
	if (vote->choice < 0 || vote->choice >= place->classes)
		return BALLOT_CHOICE_UNKNOWN;
	struct sha256 opened;
	model_commitment(&voter->network, &vote->key.item, (uint32_t)vote->key.round, &voter->key,
		(uint8_t)vote->choice, &vote->salt, &opened);
	return memcmp(opened.bytes, place->last_commitment.bytes, 32) == 0 ? BALLOT_OK : BALLOT_COMMITMENT_DIFFERS;
}

enum panel_step model_phase_over(bool reveal, enum round_kind kind, int seats, int came, const struct panel_past *past)
{
	int needed = kind == ROUND_AUDIT ? 1 : seats < 3 ? seats : 3;
	if (came >= needed)
		return reveal ? PANEL_TALLY : PANEL_REVEAL;
	if (kind == ROUND_AUDIT)
		return PANEL_VOID;
	if (past->voided == 0)
		return PANEL_REDRAW;
	return past->tallied == 0 ? PANEL_VOID : PANEL_KEEP;
}

int model_audit_class(int classes, const uint32_t *votes)
{
	for (int a = 0; a < classes; a++) {
		bool most = votes[a] > 0;
		for (int b = 0; b < classes; b++)
			most = most && (b == a || votes[b] < votes[a]);
		if (most)
			return a;
	}
	return -1;
}

size_t model_gold_count(size_t items, int64_t ppm)
{
	wide parts = (wide)items * (wide)ppm;
	return (size_t)(parts / 1000000) + (parts % 1000000 != 0);
}

/* ---- hashes: byte layouts spelled out ---- */

/* Appends; returns the new length. */
static size_t put(uint8_t *bytes, size_t at, const void *more, size_t count)
{
	memcpy(bytes + at, more, count);
	return at + count;
}

static size_t put_number(uint8_t *bytes, size_t at, uint64_t value, int width)
{
	for (int i = 0; i < width; i++)
		bytes[at++] = (uint8_t)(value >> 8 * i);
	return at;
}

void model_salt(const uint8_t seed[32], const struct network_id *network, const struct item_id *item, uint32_t round,
	uint64_t sequence, const struct account_key *voter, struct salt *out)
{
	/* HMAC spelled out: RFC 2104 over SHA-256 with a key of 32 bytes. */
	uint8_t inner[64 + 128], outer[64 + 32];
	struct sha256 hash;
	for (int i = 0; i < 64; i++) {
		inner[i] = (uint8_t)((i < 32 ? seed[i] : 0) ^ 0x36);
		outer[i] = (uint8_t)((i < 32 ? seed[i] : 0) ^ 0x5c);
	}
	size_t at = put(inner, 64, "winnow/salt/v1", 15);
	at = put(inner, at, network, 32);
	at = put(inner, at, item, 32);
	at = put_number(inner, at, round, 4);
	at = put_number(inner, at, sequence, 8);
	at = put(inner, at, voter, 32);
	sha256_of(inner, at, &hash);
	memcpy(outer + 64, hash.bytes, 32);
	sha256_of(outer, sizeof outer, &hash);
	memcpy(out->bytes, hash.bytes, 32);
}

void model_commitment(const struct network_id *network, const struct item_id *item, uint32_t round,
	const struct account_key *voter, uint8_t choice, const struct salt *salt, struct sha256 *out)
{
	uint8_t bytes[160];
	size_t at = put(bytes, 0, "winnow/vote/v1", 15);
	at = put(bytes, at, network, 32);
	at = put(bytes, at, item, 32);
	at = put_number(bytes, at, round, 4);
	at = put(bytes, at, voter, 32);
	bytes[at++] = choice;
	at = put(bytes, at, salt, 32);
	sha256_of(bytes, at, out);
}

void model_beacon(const struct network_id *network, uint64_t epoch, const struct sha256 *layer,
	const struct sha256 *revealed, struct sha256 *out)
{
	uint8_t bytes[160];
	size_t at = put(bytes, 0, "winnow/beacon/v1", 17);
	at = put(bytes, at, network, 32);
	at = put_number(bytes, at, epoch, 8);
	at = put(bytes, at, layer, 32);
	at = put(bytes, at, revealed, 32);
	sha256_of(bytes, at, out);
}

static bool leaf_before(const struct commitment_leaf *a, const struct commitment_leaf *b)
{
	int order = memcmp(a->item.bytes, b->item.bytes, 32);
	if (order == 0 && a->round != b->round)
		order = a->round < b->round ? -1 : 1;
	if (order == 0)
		order = memcmp(a->voter.bytes, b->voter.bytes, 32);
	return order < 0;
}

void model_root(const struct commitment_leaf *leaves, size_t count, struct sha256 *out)
{
	struct sha256 *level = calloc(count + 1, sizeof *level);
	wn_assert(level != NULL);
	sha256_of("", 0, out);
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[128];
		size_t place = 0, at = 1;
		for (size_t j = 0; j < count; j++)
			place += leaf_before(&leaves[j], &leaves[i]);
		bytes[0] = 0;
		at = put(bytes, at, leaves[i].item.bytes, 32);
		at = put_number(bytes, at, leaves[i].round, 4);
		at = put(bytes, at, leaves[i].voter.bytes, 32);
		at = put(bytes, at, leaves[i].value.bytes, 32);
		sha256_of(bytes, at, &level[place]);
	}
	/* Level by level, a last odd node goes up as it is: RFC 9162's tree. */
	for (size_t n = count; n > 1; n = (n + 1) / 2)
		for (size_t i = 0; i < n; i += 2) {
			uint8_t bytes[65] = {1};
			memcpy(bytes + 1, level[i].bytes, 32);
			if (i + 1 < n)
				memcpy(bytes + 33, level[i + 1].bytes, 32);
			if (i + 1 < n)
				sha256_of(bytes, 65, &level[i / 2]);
			else
				level[i / 2] = level[i];
		}
	if (count > 0)
		*out = level[0];
	free(level);
}

/* ---- draws ---- */

const char *model_gold_differs(const struct sha256 *beacon, int classes, const struct gold_candidate *candidates,
	size_t count, size_t wanted, const uint32_t *picked, size_t picked_count)
{
	bool *gone = calloc(count + 1, sizeof *gone);
	struct sha256 *hashes = calloc(count + 1, sizeof *hashes);
	const char *differs = NULL;
	size_t found = 0;
	wn_assert(gone && hashes);
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[96];
		size_t at = put(bytes, 0, "winnow/gold/v1", 15);
		at = put(bytes, at, beacon, 32);
		at = put(bytes, at, &candidates[i].item, 32);
		sha256_of(bytes, at, &hashes[i]);
	}
	if (picked_count != (wanted < count ? wanted : count))
		differs = "number of known-answer items";
	for (int a = 0; !differs && found < picked_count; a = (a + 1) % classes) {
		size_t best = SIZE_MAX;
		for (size_t i = 0; i < count; i++)
			if (!gone[i] && candidates[i].class == a &&
				(best == SIZE_MAX || memcmp(hashes[i].bytes, hashes[best].bytes, 32) < 0))
				best = i;
		if (best == SIZE_MAX)
			continue;
		gone[best] = true;
		if (picked[found++] != best)
			differs = "choice of known-answer items";
	}
	free(gone);
	free(hashes);
	return differs;
}

const char *model_draw_differs(const struct sortition_entry *entries, size_t count, const struct sha256 *beacon,
	const struct item_id *item, uint32_t round, size_t seats, const struct account_key *excluded,
	size_t excluded_count, const struct sortition_draw *got)
{
	uint64_t tickets[ENTRIES_MAX], words[4] = {0};
	size_t order[ENTRIES_MAX], drawn = 0;
	struct sha256 seed, block;
	uint8_t bytes[96];
	uint32_t counter = 0;
	int left = 0;
	wn_assert(count <= ENTRIES_MAX);
	size_t at = put(bytes, 0, "winnow/sort/v1", 15);
	at = put(bytes, at, beacon, 32);
	at = put(bytes, at, item, 32);
	at = put_number(bytes, at, round, 4);
	sha256_of(bytes, at, &seed);
	for (size_t i = 0; i < count; i++) {
		size_t place = 0;
		for (size_t j = 0; j < count; j++)
			place += memcmp(entries[j].validator.bytes, entries[i].validator.bytes, 32) < 0;
		order[place] = i;
		tickets[i] = entries[i].tickets;
		for (size_t j = 0; j < excluded_count; j++)
			if (memcmp(excluded[j].bytes, entries[i].validator.bytes, 32) == 0)
				tickets[i] = 0;
	}
	while (drawn < seats) {
		wide total = 0, running = 0;
		for (size_t i = 0; i < count; i++)
			total += tickets[i];
		if (total == 0)
			break;
		wide word;
		do {
			if (left == 0) {
				at = put(bytes, 0, seed.bytes, 32);
				at = put_number(bytes, at, counter++, 4);
				sha256_of(bytes, at, &block);
				memcpy(words, block.bytes, 32);
				left = 4;
			}
			word = words[4 - left--];
		} while (word >= ((wide)1 << 64) / total * total);
		size_t place = 0;
		for (;; place++) {
			running += tickets[order[place]];
			if (running > word % total)
				break;
		}
		if (drawn >= got->count ||
			memcmp(got->validators[drawn].bytes, entries[order[place]].validator.bytes, 32) != 0)
			return "a drawn seat";
		tickets[order[place]] = 0;
		drawn++;
	}
	return got->count == drawn ? NULL : "number of drawn seats";
}
