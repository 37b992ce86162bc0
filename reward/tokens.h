/* Adding amounts of token units: sums that refuse to wrap and never hold a negative amount. */
#ifndef REWARD_TOKENS_H
#define REWARD_TOKENS_H

#include <stdbool.h>
#include <stdint.h>

/* *sum = a + b; false, with *sum untouched, when either is negative or the sum does not fit. sum may be &a or &b. */
static inline bool tokens_add(int64_t a, int64_t b, int64_t *sum)
{
	if (a < 0 || b < 0 || a > INT64_MAX - b)
		return false;
	*sum = a + b;
	return true;
}

/* *rest = a - b; false, with *rest untouched, when either is negative or b is more than a. */
static inline bool tokens_take(int64_t a, int64_t b, int64_t *rest)
{
	if (a < 0 || b < 0 || b > a)
		return false;
	*rest = a - b;
	return true;
}

#endif
