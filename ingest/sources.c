/* The table of sources: a new one is a file of its own and a line here. */
#include "ingest/source.h"

const struct source *const sources[] = {
	&source_ndjson,
	&source_machine,
	NULL,
};
