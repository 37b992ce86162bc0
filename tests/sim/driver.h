/* Runs one plan: draws operations, loses and repeats some, asks the oracles; then heals everything and demands an end.
 */
#ifndef TESTS_SIM_DRIVER_H
#define TESTS_SIM_DRIVER_H

#include "tests/sim/node.h"

/* Which operations of a seed take part; the others only let time pass. */
struct kept {
	bool all;
	uint8_t *flags; /* one an operation */
};
/* What actors gained: all they hold at the end less what genesis gave. */
struct gains {
	int64_t units[SIM_ACTORS_MAX];
	int64_t items, votes;
};
/* Returns when every oracle held; a breach ends the process. */
void drive(const struct plan *plan, const struct beacon_onion *onion, const struct kept *kept, struct gains *gains);

#endif
