/* A campaign's state after its last close, as far as the tally of some voters' votes needs it. */
#ifndef VOTE_SNAPSHOT_STORE_H
#define VOTE_SNAPSHOT_STORE_H

#include "core/campaign.h"
#include "core/db.h"
#include "vote/tally.h"

struct snapshot {
	struct tally_snapshot tally;
	int64_t epoch; /* of the close that it is the state after; -1: there was none */
};
/* The voters may come in any order and more than once. Everything lies in the arena. */
bool snapshot_store_load(struct db *db, struct wn_arena *arena, const struct campaign *campaign,
	const struct account_key *voters, size_t count, struct snapshot *out, struct wn_error *err);

#endif
