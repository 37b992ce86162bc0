/* One item's tally: integer log-odds from per-validator confusion counts (mechanism.md 4). Pure; every thread may call
 * it. */
#ifndef VOTE_TALLY_H
#define VOTE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/id.h"

/*
 * K classes are numbered from 0, rejecting ones first; an abstention never reaches these functions. Counts C and prior
 * weights pi are in 1/TALLY_UNIT votes, logarithms and scores in 1/TALLY_Q bits. Divisions round down, an argmax takes
 * the lowest class.
 */
enum {
	TALLY_Q = 65536,
	TALLY_UNIT = 64,
	TALLY_CAP = 6 * TALLY_Q,      /* the most that one vote is worth */
	TALLY_PRIOR_N = 6,	      /* votes that the crowd's habits weigh in a new validator's table */
	TALLY_ESCALATE = 5 * TALLY_Q, /* a smaller margin asks for a second panel, before the close and at it */
	TALLY_REFERENCE = TALLY_Q,    /* a smaller margin of the others gives a vote no reference */
	TALLY_CLASSES_MAX = 16,
	TALLY_CELLS_MAX = TALLY_CLASSES_MAX * TALLY_CLASSES_MAX,
};
/* A count or prior weight that comes in is at most this: sums over an epoch of 4 M votes stay far below 2^63. */
#define TALLY_COUNT_MAX ((int64_t)1 << 52)

/*
 * A validator's table has one row a hidden truth and one cell a label in it, row after row. Callers ask for its size
 * and places here and never multiply themselves: a second hidden row for a class would change these two lines and no
 * interface.
 */
static inline int tally_rows(int classes)
{
	return classes;
}
static inline int tally_cells(int classes)
{
	return tally_rows(classes) * classes;
}
static inline int tally_cell(int classes, int row, int label)
{
	return row * classes + label;
}

/* log2 of x >= 1 in Q16 by repeated squaring, and the tally's only logarithm: that, of the top 16 bits of x. */
int64_t tally_log2(uint64_t x);
int64_t tally_lg(uint64_t x);

/* Adds one validator's table to the crowd's; `sum` has tally_cells() places and starts at zero. Idle validators belong
 * in it too. */
void tally_pool(int classes, const int64_t *counts, int64_t *sum);
/* The pooled prior P, what a validator without history is believed to do, from the sum of all tables (zeros: nobody
 * yet). */
void tally_prior(int classes, const int64_t *sum, int64_t *pooled);

/*
 * What a vote for `label` adds to the score of each class: t[v][class][label] lies at tally_weight_at(), so that the K
 * numbers that one vote needs lie side by side. `counts` may be NULL for a validator without history.
 */
void tally_weights(int classes, const int64_t *counts, const int64_t *pooled, int32_t *weights);
static inline int tally_weight_at(int classes, int class, int label)
{
	return label * classes + class;
}

/* Scores of an item without votes, from pi; then one call a vote. */
void tally_scores_start(int classes, const int64_t *prior, int64_t *scores);
static inline void tally_scores_add(int classes, const int32_t *weights, int label, int64_t *scores)
{
	const int32_t *column = weights + label * classes;
#pragma GCC unroll 8
	for (int a = 0; a < classes; a++)
		scores[a] += column[a];
}

/* The best class; *margin: best less second best, >= 0. One look at each score and inline: a close asks it of every
 * vote. */
static inline int tally_decide(int classes, const int64_t *scores, int64_t *margin)
{
	int best = 0;
	int64_t first = scores[0], second = INT64_MIN;
#pragma GCC unroll 8
	for (int a = 1; a < classes; a++) {
		int64_t score = scores[a], lesser = score > first ? first : score;
		second = lesser > second ? lesser : second;
		best = score > first ? a : best;
		first = score > first ? score : first;
	}
	*margin = first - second;
	return best;
}
int tally_verdict(int classes, const int64_t *scores);
int64_t tally_margin(int classes, const int64_t *scores);
/* Weights w (the best has 65536) and soft label r, which sums to TALLY_UNIT; either may be NULL. */
void tally_soft(int classes, const int64_t *scores, int64_t *weight, int64_t *label);
/* Probability in millionths that the item is to be kept; bit a of `keep` is set where class a keeps. */
int32_t tally_p_good(int classes, const int64_t *scores, uint32_t keep);

/* ---- the online tally of one item ---- */

struct tally_validator {
	struct account_key voter;
	const int64_t *counts; /* tally_cells(); NULL: no history */
	bool probation;	       /* its votes enter no score */
};
/* A campaign's state after its last close, frozen for an epoch. Everything pointed to is the caller's. */
struct tally_snapshot {
	int classes;
	int64_t prior[TALLY_CLASSES_MAX];
	int64_t pooled[TALLY_CELLS_MAX];
	const struct tally_validator *validators; /* ascending by key */
	size_t validator_count;
};
/* `prior` has K places, or is NULL for a campaign without closes. The validators must ascend by key, each once. */
void tally_snapshot_init(struct tally_snapshot *snapshot, int classes, const int64_t *prior,
	const struct tally_validator *validators, size_t count);

struct tally_vote {
	struct account_key voter; /* unknown to the snapshot: a new validator */
	int label;
};
struct tally_result {
	int64_t scores[TALLY_CLASSES_MAX];
	int class;
	int64_t margin; /* under TALLY_ESCALATE: ask a second panel */
};
/* All revealed panel votes of all rounds of the item, in any order; audits are none of them. */
void tally_online(
	const struct tally_snapshot *snapshot, const struct tally_vote *votes, size_t count, struct tally_result *out);

#endif
