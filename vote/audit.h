/* A node's database held against its journal: what the tables say must be what a replay of the entries computes. */
#ifndef VOTE_AUDIT_H
#define VOTE_AUDIT_H

#include "core/db.h"
#include "core/journal_audit.h"
#include "vote/replay.h"

struct audit_report {
	struct journal_audit journal;
	struct replay_totals totals;
	/* rows that were compared and agree */
	int64_t balances, claims, validators, verdicts, finals, ballots, votes, closes;
	bool validators_wait; /* closes that wait for votes moved the validators' records: they were not compared */
};
/* Called now and then; may be NULL. */
typedef void audit_progress(void *context, uint64_t entries, uint64_t entries_all);

/*
 * Journal, tree and checkpoints first (journal_audit()), then, in one snapshot of the database, a replay of every entry
 * with each ledger account, claim, verdict, final state, closed epoch, validator's record and ballot's evidence
 * compared. The first difference is named: journal_broken, a replay_* code, or WN_INPUT audit_* with the table, the
 * row, what stands there and what was expected. The node may run meanwhile. Needs a connection as winnow_audit.
 */
bool audit_run(struct db *db, const struct network_id *network, const struct account_key *checkpoint_key,
	audit_progress *progress, void *context, struct audit_report *out, struct wn_error *err);

#endif
