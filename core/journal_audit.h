/* Journal, tree and checkpoints compared from the first entry to the last: what `winnow audit` runs on a node's
 * database. */
#ifndef CORE_JOURNAL_AUDIT_H
#define CORE_JOURNAL_AUDIT_H

#include "core/journal.h"

struct journal_audit {
	uint64_t entries, checkpoints; /* that were read and agree */
};
/*
 * Every body is hashed again, every node compared, every checkpoint's signature and root checked, and no entry may have
 * been passed over. WN_DOWN journal_broken names the first difference. Needs a connection of winnow_serve or
 * winnow_seal; the sequencer may run meanwhile.
 */
bool journal_audit(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, struct journal_audit *out, struct wn_error *err);

#endif
