/* What becomes of a round when one of its phases is over, and whose votes count. Pure. */
#include "vote/panel.h"

#include "vote/tally.h"

static enum panel_step too_few(const struct panel_past *past)
{
	if (past->voided < PANEL_REDRAWS_MAX)
		return PANEL_REDRAW;
	return past->tallied > 0 ? PANEL_KEEP : PANEL_VOID;
}

enum panel_step panel_commit_over(enum round_kind kind, int seats, int committed, const struct panel_past *past)
{
	if (kind == ROUND_AUDIT)
		return committed > 0 ? PANEL_REVEAL : PANEL_VOID;
	return committed >= panel_quorum(seats) ? PANEL_REVEAL : too_few(past);
}

enum panel_step panel_reveal_over(enum round_kind kind, int seats, int revealed, const struct panel_past *past)
{
	if (kind == ROUND_AUDIT)
		return revealed > 0 ? PANEL_TALLY : PANEL_VOID;
	return revealed >= panel_quorum(seats) ? PANEL_TALLY : too_few(past);
}

bool panel_escalates(const struct campaign *campaign, int64_t margin, int panels)
{
	return campaign->escalate > 0 && panels < 2 && margin < TALLY_ESCALATE;
}

bool panel_proven(int64_t gold_votes, int64_t gold_right)
{
	return gold_votes >= PANEL_PROVEN_VOTES && gold_right * 100 >= gold_votes * PANEL_PROVEN_PERCENT;
}

bool panel_probation(const struct campaign *campaign, int64_t proven)
{
	/* The first keys of a campaign prove themselves while they count: somebody has to begin. */
	return campaign->probation && proven >= PANEL_PROVEN_LEAST;
}

bool panel_scores_settle(int64_t scored, int64_t since, int64_t epoch)
{
	return scored >= PANEL_CARRY_SCORED || (scored > 0 && epoch - since >= PANEL_CARRY_EPOCHS);
}

bool panel_unbonded_settles(const struct campaign *campaign, int64_t scored, int64_t points, bool earned)
{
	return campaign->panel_mode == PANEL_OPEN && scored > 0 && (points >= 0 || earned);
}

bool panel_skip_allowed(int64_t skipped, int64_t taken)
{
	return skipped * 100 <= (taken > PANEL_SKIP_LEAST ? taken : PANEL_SKIP_LEAST) * PANEL_SKIP_PERCENT;
}

int64_t panel_novelty(const struct campaign *campaign, int64_t numerator, int64_t denominator)
{
	wn_assert(numerator >= 0);
	wn_assert(denominator > 0);
	/* x = 2J/T - 1 is 0 at half the threshold and 1 at the threshold; over and under are its two sides. */
	__int128 over = (__int128)2 * numerator * campaign->dedup_denominator -
			(__int128)denominator * campaign->dedup_numerator;
	__int128 under = (__int128)denominator * campaign->dedup_numerator;
	if (over <= 0)
		return PANEL_NOVELTY_WHOLE;
	if (over >= under)
		return PANEL_NOVELTY_LEAST;
	return PANEL_NOVELTY_WHOLE - (int64_t)((PANEL_NOVELTY_WHOLE - PANEL_NOVELTY_LEAST) * over / under);
}
