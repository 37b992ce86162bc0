/* Dawid-Skene in 64-bit integers: what one vote is worth, what its item scores, how sure that is. */
#include "vote/tally.h"

#include <pthread.h>
#include <string.h>

#include "core/error.h"

enum {
	LG_TABLE = 65536,
	DIAGONAL_VOTES = 40,	/* weight of the belief that an unknown crowd is right seven times in ten */
	PRIOR_CLASS_VOTES = 10, /* votes that every class has from the start in pi */
	SOFT_STEP_SHIFT = 12,	/* scores are compared in sixteenths of a bit */
};

/* 2^(16 - i/16), rounded. */
static const uint32_t soft_powers[16] = {
	65536, 62757, 60097, 57549, 55109, 52773, 50535, 48393, 46341, 44376, 42495, 40693, 38968, 37316, 35734, 34219};

static uint32_t lg_table[LG_TABLE];
static pthread_once_t lg_once = PTHREAD_ONCE_INIT;

int64_t tally_log2(uint64_t x)
{
	wn_assert(x >= 1);
	int top = 63 - __builtin_clzll(x);
	uint64_t mantissa = top <= 31 ? x << (31 - top) : x >> (top - 31);
	int64_t result = (int64_t)top << 16;
	for (int i = 15; i >= 0; i--) {
		mantissa = mantissa * mantissa >> 31;
		if (mantissa >> 32) {
			mantissa >>= 1;
			result |= (int64_t)1 << i;
		}
	}
	return result;
}

static void lg_fill(void)
{
	for (uint32_t x = 1; x < LG_TABLE; x++)
		lg_table[x] = (uint32_t)tally_log2(x);
}

int64_t tally_lg(uint64_t x)
{
	wn_assert(x >= 1);
	pthread_once(&lg_once, lg_fill);
	if (x < LG_TABLE)
		return lg_table[x];
	int shift = 48 - __builtin_clzll(x);
	return (int64_t)lg_table[x >> shift] + ((int64_t)shift << 16);
}

static void classes_check(int classes)
{
	wn_assert(classes >= 2);
	wn_assert(classes <= TALLY_CLASSES_MAX);
}

void tally_pool(int classes, const int64_t *counts, int64_t *sum)
{
	int cells = tally_cells(classes);
	for (int i = 0; i < cells; i++) {
		wn_assert(counts[i] >= 0);
		bool wrapped = __builtin_add_overflow(sum[i], counts[i], &sum[i]);
		wn_assert(!wrapped);
	}
}

void tally_prior(int classes, const int64_t *sum, int64_t *pooled)
{
	classes_check(classes);
	int64_t on = DIAGONAL_VOTES * TALLY_UNIT * 7 / 10;
	int64_t off = DIAGONAL_VOTES * TALLY_UNIT * 3 / (10 * (classes - 1));
	for (int row = 0; row < tally_rows(classes); row++) {
		unsigned __int128 cells[TALLY_CLASSES_MAX], total = 0;
		for (int j = 0; j < classes; j++) {
			cells[j] =
				(unsigned __int128)sum[tally_cell(classes, row, j)] + (uint64_t)(row == j ? on : off);
			total += cells[j];
		}
		for (int j = 0; j < classes; j++) {
			int64_t part = (int64_t)(cells[j] * (TALLY_PRIOR_N * TALLY_UNIT) / total);
			pooled[tally_cell(classes, row, j)] = part > 1 ? part : 1;
		}
	}
}

void tally_weights(int classes, const int64_t *counts, const int64_t *pooled, int32_t *weights)
{
	classes_check(classes);
	int64_t log_odds[TALLY_CELLS_MAX];
	for (int a = 0; a < classes; a++) {
		uint64_t cells[TALLY_CLASSES_MAX], total = 0;
		for (int j = 0; j < classes; j++) {
			int64_t count = counts ? counts[tally_cell(classes, a, j)] : 0;
			wn_assert(count >= 0);
			wn_assert(count <= 2 * TALLY_COUNT_MAX);
			cells[j] = (uint64_t)count + (uint64_t)pooled[tally_cell(classes, a, j)];
			total += cells[j];
		}
		int64_t row = tally_lg(total);
		for (int j = 0; j < classes; j++)
			log_odds[tally_weight_at(classes, a, j)] = tally_lg(cells[j]) - row;
	}
	for (int j = 0; j < classes; j++) {
		const int64_t *column = log_odds + tally_weight_at(classes, 0, j);
		int64_t best = column[tally_verdict(classes, column)];
		for (int a = 0; a < classes; a++) {
			int64_t weight = column[a] - best;
			weights[tally_weight_at(classes, a, j)] = (int32_t)(weight > -TALLY_CAP ? weight : -TALLY_CAP);
		}
	}
}

void tally_scores_start(int classes, const int64_t *prior, int64_t *scores)
{
	classes_check(classes);
	uint64_t total = 0;
	for (int a = 0; a < classes; a++) {
		wn_assert(prior[a] >= 0);
		wn_assert(prior[a] <= 2 * TALLY_COUNT_MAX);
		total += (uint64_t)prior[a] + PRIOR_CLASS_VOTES * TALLY_UNIT;
	}
	int64_t whole = tally_lg(total);
	for (int a = 0; a < classes; a++)
		scores[a] = tally_lg((uint64_t)prior[a] + PRIOR_CLASS_VOTES * TALLY_UNIT) - whole;
}

int tally_verdict(int classes, const int64_t *scores)
{
	int64_t margin;
	return tally_decide(classes, scores, &margin);
}

int64_t tally_margin(int classes, const int64_t *scores)
{
	int64_t margin;
	tally_decide(classes, scores, &margin);
	return margin;
}

static uint32_t soft_weights(int classes, const int64_t *scores, int best, uint32_t *weights)
{
	uint32_t total = 0;
	for (int a = 0; a < classes; a++) {
		int64_t distance = (scores[best] - scores[a]) >> SOFT_STEP_SHIFT;
		int64_t shift = distance >> 4;
		/* A shift of 17 leaves nothing already: a 32-bit shift never sees more than 31. */
		weights[a] = shift > 31 ? 0 : soft_powers[distance & 15] >> shift;
		total += weights[a];
	}
	return total;
}

void tally_soft(int classes, const int64_t *scores, int64_t *weight, int64_t *label)
{
	int best = tally_verdict(classes, scores);
	uint32_t weights[TALLY_CLASSES_MAX];
	uint32_t total = soft_weights(classes, scores, best, weights);
	uint32_t left = TALLY_UNIT;
	for (int a = 0; a < classes; a++) {
		uint32_t part = weights[a] * TALLY_UNIT / total;
		left -= part;
		if (weight)
			weight[a] = weights[a];
		if (label)
			label[a] = part;
	}
	if (label)
		label[best] += left;
}

int32_t tally_p_good(int classes, const int64_t *scores, uint32_t keep)
{
	uint32_t weights[TALLY_CLASSES_MAX];
	uint64_t total = soft_weights(classes, scores, tally_verdict(classes, scores), weights);
	uint64_t kept = 0;
	for (int a = 0; a < classes; a++)
		if (keep >> a & 1)
			kept += weights[a];
	return (int32_t)(1000000 * kept / total);
}

void tally_snapshot_init(struct tally_snapshot *snapshot, int classes, const int64_t *prior,
	const struct tally_validator *validators, size_t count)
{
	classes_check(classes);
	*snapshot = (struct tally_snapshot){.classes = classes, .validators = validators, .validator_count = count};
	if (prior)
		memcpy(snapshot->prior, prior, (size_t)classes * sizeof *prior);
	int64_t sum[TALLY_CELLS_MAX] = {0};
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			wn_assert(id_compare(&validators[i - 1].voter, &validators[i].voter) < 0);
		if (validators[i].counts)
			tally_pool(classes, validators[i].counts, sum);
	}
	tally_prior(classes, sum, snapshot->pooled);
}

static const struct tally_validator *snapshot_find(
	const struct tally_snapshot *snapshot, const struct account_key *voter)
{
	size_t low = 0, high = snapshot->validator_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = id_compare(&snapshot->validators[middle].voter, voter);
		if (order == 0)
			return &snapshot->validators[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void tally_online(
	const struct tally_snapshot *snapshot, const struct tally_vote *votes, size_t count, struct tally_result *out)
{
	int classes = snapshot->classes;
	*out = (struct tally_result){0};
	tally_scores_start(classes, snapshot->prior, out->scores);
	for (size_t i = 0; i < count; i++) {
		wn_assert(votes[i].label >= 0);
		wn_assert(votes[i].label < classes);
		const struct tally_validator *validator = snapshot_find(snapshot, &votes[i].voter);
		if (validator && validator->probation)
			continue;
		int32_t weights[TALLY_CELLS_MAX];
		tally_weights(classes, validator ? validator->counts : NULL, snapshot->pooled, weights);
		tally_scores_add(classes, weights, votes[i].label, out->scores);
	}
	out->class = tally_decide(classes, out->scores, &out->margin);
}
