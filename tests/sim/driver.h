/* Runs one plan: draws operations, loses and repeats some, asks the oracles; then heals everything and demands an end.
 */
#ifndef TESTS_SIM_DRIVER_H
#define TESTS_SIM_DRIVER_H

#include "tests/sim/node.h"

/* Which operations of a seed take part; in place of the others only time passes. */
struct kept {
	bool all;
	uint8_t *flags; /* one an operation */
};
/* Returns when every oracle held; a breach ends the process. */
void drive(const struct plan *plan, const struct beacons *beacons, const struct kept *kept);

#endif
