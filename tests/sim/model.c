/* The rules once more, as plainly as they can be written: nested arrays, linear searches, no order of its own. */
#include "tests/sim/model.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

typedef unsigned __int128 wide;
typedef __int128 wide_signed;

enum { VALIDATORS_MAX = 64, ITEMS_MAX = 1024, VOTES_MAX = 16384, ENTRIES_MAX = 64, K_MAX = 8 };

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
