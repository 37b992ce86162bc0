/* Ranks, and what follows from them. */
#include "cmd/embed_score.h"

#include <math.h>
#include <stdlib.h>

struct ranked {
	double value, rank;
	size_t place;
};

static int ranked_order(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* Rising by value, with ranks from 1. */
static struct ranked *ranked_open(const double *values, size_t count, struct wn_error *err)
{
	struct ranked *ranked = calloc(count + 1, sizeof *ranked);
	if (!ranked) {
		wn_fail(err, WN_FULL, "memory", "no room to rank %zu pairs", count);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		ranked[i] = (struct ranked){.value = values[i], .place = i};
	qsort(ranked, count, sizeof *ranked, ranked_order);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && ranked[end].value == ranked[i].value;)
			end++;
		for (size_t j = i; j < end; j++)
			ranked[j].rank = (double)(i + 1 + end) / 2;
	}
	return ranked;
}

bool score_spearman(const double *measured, const double *said, size_t count, double *out, struct wn_error *err)
{
	struct ranked *x = ranked_open(measured, count, err), *y = x ? ranked_open(said, count, err) : NULL;
	double *rank = y ? calloc(count + 1, sizeof *rank) : NULL;
	double middle = (double)(count + 1) / 2, both = 0, x_alone = 0, y_alone = 0;
	for (size_t i = 0; rank && i < count; i++)
		rank[x[i].place] = x[i].rank - middle;
	for (size_t i = 0; rank && i < count; i++) {
		double a = rank[y[i].place], b = y[i].rank - middle;
		both += a * b;
		x_alone += a * a;
		y_alone += b * b;
	}
	bool done = rank != NULL;
	if (y && !rank)
		wn_fail(err, WN_FULL, "memory", "no room to rank %zu pairs", count);
	free(x);
	free(y);
	free(rank);
	if (!done)
		return false;
	if (x_alone == 0 || y_alone == 0)
		return wn_fail(err, WN_INPUT, "score_flat", "all pairs are rated or measured alike");
	*out = both / sqrt(x_alone * y_alone);
	return true;
}

bool score_precision(
	const double *measured, const double *said, size_t count, double *precision, double *area, struct wn_error *err)
{
	struct ranked *ranked = ranked_open(measured, count, err);
	double positive = 0, found = 0, sum = 0, rank_sum = 0;
	if (!ranked)
		return false;
	for (size_t i = 0; i < count; i++) {
		positive += said[i] > 0.5;
		rank_sum += said[ranked[i].place] > 0.5 ? ranked[i].rank : 0;
	}
	for (size_t end = count, start; end > 0; end = start) {
		double here = 0;
		for (start = end; start > 0 && ranked[start - 1].value == ranked[end - 1].value; start--)
			here += said[ranked[start - 1].place] > 0.5;
		found += here;
		sum += here * found / (double)(count - start);
	}
	free(ranked);
	double negative = (double)count - positive;
	if (positive == 0 || negative == 0)
		return wn_fail(err, WN_INPUT, "score_flat", "all pairs are labelled alike");
	*precision = sum / positive;
	*area = (rank_sum - positive * (positive + 1) / 2) / (positive * negative);
	return true;
}
