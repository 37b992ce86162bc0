/* The loop of the tally: panels open, seats lapse, commit and reveal phases close, votes are counted. */
#ifndef VOTE_VOTE_WORKER_H
#define VOTE_VOTE_WORKER_H

#include "core/worker.h"

/*
 * Any number of processes may run it: rows that another one holds are passed over. `winnow_embedded` wakes it: whoever
 * finishes a duplicate check or fills a round notifies there.
 */
extern const struct worker_plan *const vote_plan;

#endif
