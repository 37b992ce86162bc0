/* Makes a breach small: which of a seed's operations are enough for it. */
#ifndef TESTS_SIM_SHRINK_H
#define TESTS_SIM_SHRINK_H

#include <stdio.h>

#include "tests/sim/driver.h"

/* Whether these operations break what is to be kept broken. */
typedef bool shrink_breaks(void *context, const struct kept *kept);
enum { SHRINK_RUNS_MAX = 2000 };
/*
 * Leaves out ever smaller ranges of operations below `end`, as long as it breaks, until no single one can go or
 * `runs_most` (at most SHRINK_RUNS_MAX) or `seconds` are used up. flags has `operations` members, all kept at first.
 */
void shrink(struct kept *kept, uint32_t operations, uint32_t end, int runs_most, int seconds, shrink_breaks *breaks,
	void *context);
uint32_t kept_count(const struct kept *kept, uint32_t operations);

/* "3,17,40-52" and the other way round; reading takes a file's name too, and fails where it is neither. */
void kept_print(const struct kept *kept, uint32_t operations, FILE *file);
bool kept_read(const char *text, struct kept *kept, uint32_t operations);

#endif
