/* The tree over the journal, built anew from the entries' bodies; stored nodes are only compared, never believed. */
#ifndef CORE_JOURNAL_RECOUNT_H
#define CORE_JOURNAL_RECOUNT_H

#include "core/journal_store.h"

struct journal_recount {
	struct tree_frontier frontier;	  /* of what was read so far: zeroed, or one whose root is known to be right */
	const struct network_id *network; /* not NULL: entry 0 must hash to it */
	bool nodes;			  /* compare inner nodes too, not only the leaves */
};
/* Reads on until the tree has `size` leaves, in pieces of bounded size. WN_DOWN journal_broken names the first entry or
 * node that is missing or differs. */
bool journal_recount_to(struct db *db, struct journal_recount *recount, uint64_t size, struct wn_error *err);

#endif
