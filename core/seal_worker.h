/* The sequencer: numbers the journal and signs checkpoints. One process at a time, elected by an advisory lock. */
#ifndef CORE_SEAL_WORKER_H
#define CORE_SEAL_WORKER_H

#include "core/worker.h"

extern const struct worker_plan *const seal_plan;

#endif
