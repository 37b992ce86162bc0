/* How well a measure of likeness agrees with people: rank correlation, average precision, area under the curve. Pure.
 */
#ifndef CMD_EMBED_SCORE_H
#define CMD_EMBED_SCORE_H

#include "core/error.h"

/*
 * Of `count` pairs, given with what was measured and what people said. Ties share the middle of their ranks.
 * WN_INPUT score_flat: all of one side are equal, so nothing can be said; WN_FULL memory.
 */
bool score_spearman(const double *measured, const double *said, size_t count, double *out, struct wn_error *err);
/*
 * `said` is 0 or 1. Average precision: the mean, over all pairs that are 1, of the precision among those that measure
 * at least as much. Area: how often one that is 1 measures more than one that is 0, a tie counting half.
 */
bool score_precision(const double *measured, const double *said, size_t count, double *precision, double *area,
	struct wn_error *err);

#endif
