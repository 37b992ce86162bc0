/* What becomes of a round when one of its phases is over, and whose votes count. Pure. */
#ifndef VOTE_PANEL_H
#define VOTE_PANEL_H

#include "core/campaign.h"
#include "core/states.h"

enum {
	PANEL_QUORUM = 3,	   /* votes without which a panel says nothing (DESIGN.md 4) */
	PANEL_REDRAWS_MAX = 1,	   /* of one panel; then the item is void */
	PANEL_PROVEN_VOTES = 24,   /* audited votes that end a key's probation, */
	PANEL_PROVEN_PERCENT = 60, /* when so many of them named the known answer */
	PANEL_PROVEN_LEAST = 3,	   /* proven keys in a campaign before others are on probation there */
	PANEL_CARRY_SCORED = 50,   /* scored votes that let a validator's points enter pay and slash, */
	PANEL_CARRY_EPOCHS = 24,   /* or so many epochs since the first of them */
	PANEL_SKIP_PERCENT = 10,   /* of the tasks that somebody took in a campaign may be skipped, */
	PANEL_SKIP_LEAST = 20,	   /* who took fewer counts as having taken so many; */
	PANEL_SKIP_EPOCHS = 24,	   /* tasks whose time ended longer ago are forgotten */
};

/* A campaign may ask fewer than three; then all of them. */
static inline int panel_quorum(int seats)
{
	return seats < PANEL_QUORUM ? seats : PANEL_QUORUM;
}

/* An item's panels before the round in question; audits are none of them. */
struct panel_past {
	int tallied;
	int voided; /* since the last tallied one */
};

enum panel_step {
	PANEL_REVEAL, /* commit is over: votes are opened */
	PANEL_TALLY,  /* reveal is over: votes are counted */
	PANEL_REDRAW, /* too few took part: once more, with others, in a new round */
	PANEL_KEEP,   /* a second panel that did not come about: the first one's votes decide */
	PANEL_VOID,   /* nobody could judge the item; an audit: no known answer */
};
enum panel_step panel_commit_over(enum round_kind kind, int seats, int committed, const struct panel_past *past);
enum panel_step panel_reveal_over(enum round_kind kind, int seats, int revealed, const struct panel_past *past);

/* Whether a margin asks for a second panel: once an item, before its close or at it. `panels` counts those that it had.
 */
bool panel_escalates(const struct campaign *campaign, int64_t margin, int panels);

/* Whether a key has shown by audited votes that it judges; and whether others are on probation where `proven` keys are.
 */
bool panel_proven(int64_t gold_votes, int64_t gold_right);
bool panel_probation(const struct campaign *campaign, int64_t proven);

/*
 * Whether so many skips are within the limit; both numbers count the task in question. A lease that lapsed is a skip:
 * else nobody would ever ask for one.
 */
bool panel_skip_allowed(int64_t skipped, int64_t taken);

/* Whether carried scores enter pay and slash at the close of `epoch`. */
bool panel_scores_settle(int64_t scored, int64_t since, int64_t epoch);

/*
 * Whether the scores of who unbonded everything enter before that. Losses wait for a close in which somebody earns:
 * without one they would cost nothing (W = 0), and who loses could choose when to leave. In drawn panels' campaigns all
 * wait: their pool is the epoch's, and in one without work nobody would be paid for what was earned before.
 */
bool panel_unbonded_settles(const struct campaign *campaign, int64_t scored, int64_t points, bool earned);

/*
 * Weight in millionths of an item whose nearest neighbour below the campaign's threshold has Jaccard numerator /
 * denominator: 1 up to half the threshold, then linear down to 1/4 at the threshold (DESIGN.md 3).
 */
enum { PANEL_NOVELTY_WHOLE = 1000000, PANEL_NOVELTY_LEAST = 250000 };
int64_t panel_novelty(const struct campaign *campaign, int64_t numerator, int64_t denominator);

#endif
