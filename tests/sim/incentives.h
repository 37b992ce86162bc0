/* Oracle 12: whether laziness, guessing, copying, inverting or many names pay, counted over fixed seeds. */
#ifndef TESTS_SIM_INCENTIVES_H
#define TESTS_SIM_INCENTIVES_H

#include "tests/sim/node.h"

/* Prints what each kind gains against an honest person; a breach ends the process. */
void incentives_check(const struct beacons *beacons, uint64_t first_seed, int seeds);

#endif
