/* The end of an epoch: its opened votes are sealed in a root, the next beacon is drawn from it, known-answer items are
 * picked and their audits open. Runs of silent epochs pass at once. */
#ifndef VOTE_EPOCH_END_H
#define VOTE_EPOCH_END_H

#include "vote/beacon.h"
#include "vote/epoch_run.h"

/* When the epoch ends by the clock, or now where it holds its most votes. */
int64_t epoch_end_ms(const struct close_turn *turn, const struct epoch_row *open);
bool epoch_is_over(const struct close_turn *turn, const struct epoch_row *open);

/*
 * Ends the open epoch in a transaction of its own. *ended is false where the tally still has rounds to close that were
 * due before: their epoch must not depend on who is quicker. Only one of the two may be called while an earlier epoch
 * waits for its close: none of them.
 */
bool epoch_end(struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open, bool *ended,
	struct wn_error *err);
/* Passes the open epoch and those behind it that are over and hold nothing to close; *passed counts them, 0: none is.
 */
bool epoch_pass_silent(struct close_turn *turn, const struct beacon_onion *onion, const struct epoch_row *open,
	size_t *passed, struct wn_error *err);

#endif
