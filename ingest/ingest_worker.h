/* The ingest role: pulls the configured sources and stores what they hand over exactly once. */
#ifndef INGEST_INGEST_WORKER_H
#define INGEST_INGEST_WORKER_H

#include "core/worker.h"
#include "ingest/source.h"

extern const struct worker_plan *const ingest_plan;
extern const struct option ingest_options[]; /* ingest.*; ended by a row whose name is NULL */

/* One batch of one source into its campaign, in one transaction with its cursor. *done = items and errors handled. */
struct key_file;
bool ingest_source_batch(struct worker *worker, const struct source *source, void *state, const char *campaign,
	const struct key_file *key, size_t *done, bool *more, struct wn_error *err);

#endif
