/* From scores to pay and slashes (mechanism.md 4): a price cap for a point, largest remainder, 3/2 for the negative.
 * Pure. */
#ifndef REWARD_PAY_H
#define REWARD_PAY_H

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"

enum { PAY_POINT = 1000000, PAY_PRICE_SEATS = 4, PAY_SLASH_NUMERATOR = 3, PAY_SLASH_DENOMINATOR = 2 };

struct pay_line {
	struct account_key account;
	int64_t score;	    /* S in millionths of a point */
	int64_t locked;	    /* units in the seat bonds that stand behind it */
	int64_t pay, slash; /* filled */
};
struct pay_total {
	unsigned __int128 weight; /* W: sum of the positive scores */
	int64_t price_max;	  /* PMAX: most units for one point; 0 where nobody earned */
	int64_t paid;		  /* V' = sum of pay; the pool less this stays unminted */
	int64_t slashed;	  /* sum of slash */
};
/*
 * `lines` in ascending account order, each account once. `pool` is V; `seats` are the votes tallied in this close, gold
 * ones too; without any there is no price and nobody is paid. W = 0: nobody is paid, nobody slashed.
 */
bool pay_compute(struct wn_arena *arena, struct pay_line *lines, size_t count, int64_t pool, int64_t seats,
	struct pay_total *total, struct wn_error *err);
/* What becomes of slashed units: half (rounded down) back to the mint, the rest to the challenge reserve; nobody on the
 * panel gains. */
void pay_slash_split(int64_t slashed, int64_t *burned, int64_t *reserve);

#endif
