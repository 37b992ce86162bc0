/* Turns wanted dataset versions into signed folders. */
#ifndef DATASET_DATASET_WORKER_H
#define DATASET_DATASET_WORKER_H

#include "core/worker.h"

/* Role winnow_seal, channel winnow_dataset, one process at a time. */
extern const struct worker_plan *const dataset_plan;

#endif
