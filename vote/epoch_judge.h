/* One campaign in a close: what was read of it goes in, verdicts, records and weights come out. Pure: the node reads a
 * database, a replay its journal. */
#ifndef VOTE_EPOCH_JUDGE_H
#define VOTE_EPOCH_JUDGE_H

#include "vote/epoch_run.h"

struct settle_case {
	struct epoch_run *run;
	struct settle_campaign *settle; /* its state is that before the close */
	const struct campaign *campaign;
	/* read: */
	struct close_item *items; /* by id */
	size_t item_count;
	struct vote_row
		*votes; /* all opened ones of the items, by item, round, voter; judge_run() leaves those counted */
	size_t vote_count;
	const struct validator_row *known; /* everybody in the campaign's state, by key */
	size_t known_count;
	const struct gold_row *gold; /* which of the items are or were known-answer items, by item */
	size_t gold_count;
	/* made: */
	struct vote_row *audits; /* of known-answer items, in the order of the votes */
	size_t audit_count;
	int32_t *place; /* of an item among the judged ones; -1: void */
	struct epoch_item *judged;
	const struct close_item **judged_items;
	size_t judged_count;
	struct epoch_vote *epoch_votes;
	bool *settles; /* by judged item */
	struct close_input input;
	struct close_output output;
};

/* Memory is the run's; each fails only without (WN_FULL). In this order: */
bool judge_run(struct settle_case *all, struct wn_error *err);
/* Second panels, told to the journal; and their items. */
bool judge_seconds(struct settle_case *all, struct round_opening **out, struct item_id **items, size_t *count,
	struct wn_error *err);
/* Of items that settle. */
bool judge_verdicts(struct settle_case *all, struct verdict_row **out, size_t *count, struct wn_error *err);
/* Validators as they are behind the close; *out has those that changed. */
bool judge_records(struct settle_case *all, struct validator_row **out, size_t *count, struct wn_error *err);
/* Items that settle and are to be kept, by id. */
bool judge_accepted(struct settle_case *all, struct item_id **out, size_t *count, struct wn_error *err);
/* Accepted items weigh by their novelty; a contributor's items of one campaign are paid together. `novelty` is of those
 * items, by id; one may lack. */
bool judge_contributors(
	struct settle_case *all, const struct novelty_row *novelty, size_t novelty_count, struct wn_error *err);
/* The campaign's parts of the journal. */
bool judge_tell(struct settle_case *all, struct wn_error *err);

#endif
