/* The loop that gives unbonded stake back when its time is over. */
#ifndef REWARD_UNBONDING_WORKER_H
#define REWARD_UNBONDING_WORKER_H

#include "core/worker.h"

extern const struct worker_plan *const unbonding_plan;

#endif
