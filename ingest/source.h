/* Where items come from: one file and one line in sources.c each. A source hands over batches of submissions and a
 * cursor. */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include "core/arena.h"
#include "core/error.h"
#include "core/option.h"

enum { SOURCE_BATCH_MAX = 500, SOURCE_CURSOR_MAX = 512, SOURCE_DEVICE_ROOM = 17 };

struct source_setup {
	const struct options *options;
	bool sample;			 /* the network is a try-out */
	char device[SOURCE_DEVICE_ROOM]; /* pseudonym of this machine: sensors name it, nobody else can make it */
};

struct source_batch {
	struct wn_slice items[SOURCE_BATCH_MAX]; /* each a submission as JSON (ingest/item.h), in the arena or the
						    source's own memory */
	size_t count;
	int64_t errors;	    /* pieces that could not even be read as a line */
	const char *cursor; /* where the next batch begins; in the arena */
	bool more;	    /* the next batch need not wait */
};

struct source {
	const char *name;     /* [a-z0-9_-]: names its cursor */
	const char *campaign; /* the option that names its campaign */
	bool (*wanted)(const struct source_setup *setup);
	bool (*open)(void **state, const struct source_setup *setup, struct wn_error *err);
	/*
	 * What follows `cursor` ("" at the very start). The caller stores items and out->cursor in one transaction and
	 * passes that cursor the next time; when it comes back with an older one, the batch was not stored and is
	 * handed out again.
	 */
	bool (*next)(void *state, struct wn_arena *arena, const char *cursor, struct source_batch *out,
		struct wn_error *err);
	void (*close)(void *state);
};

extern const struct source source_ndjson, source_machine;
extern const struct source *const sources[]; /* ended by NULL */

#endif
