/* Rounds whose commit or reveal phase is over: what becomes of each is decided, stored and told to the journal. */
#ifndef VOTE_ROUND_CLOSE_H
#define VOTE_ROUND_CLOSE_H

#include "core/policy.h"
#include "vote/campaign_store.h"
#include "vote/round_store.h"

enum { ROUND_CLOSE_MAX = 256 }; /* rounds of one transaction */

/* One look at what is due. */
struct vote_turn {
	struct db *db;
	struct wn_arena *arena;
	const struct policy *policy;
	struct campaign_cache *campaigns;
	int64_t now_ms, late_ms;
};

/* Both run in the caller's transaction; *count tells how many rounds moved. */
bool round_close_commits(struct vote_turn *turn, size_t *count, struct wn_error *err);
bool round_close_reveals(struct vote_turn *turn, size_t *count, struct wn_error *err);

#endif
