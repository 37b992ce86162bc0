/* The loop of epochs: they end, their audits run, their votes settle, their money moves, their items become final. */
#ifndef VOTE_CLOSE_WORKER_H
#define VOTE_CLOSE_WORKER_H

#include "core/worker.h"

/* Elected by an advisory lock: one process at a time. Needs keys/beacon.seed in the node's state folder. */
extern const struct worker_plan *const close_plan;

#endif
