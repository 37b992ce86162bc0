/* The loop that releases vested rewards and unbonded stake. */
#ifndef REWARD_VESTING_WORKER_H
#define REWARD_VESTING_WORKER_H

#include "core/worker.h"

extern const struct worker_plan *const vesting_plan;

#endif
