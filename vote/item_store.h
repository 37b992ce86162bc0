/* Items as their contributors and the public see them: state, what they repeat, verdict. */
#ifndef VOTE_ITEM_STORE_H
#define VOTE_ITEM_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "core/states.h"

struct item_view {
	struct item_id item;
	int64_t seq;
	const char *campaign, *source, *source_id;
	struct account_key contributor;
	enum item_state state;
	int32_t kind;
	struct wn_slice content;
	int64_t arrived_ms, final_ms; /* final_ms 0: not settled */
	bool checked;		      /* the duplicate check is done */
	struct item_id origin, cluster;
	int32_t method, numerator, denominator, spec_version;
	bool has_nearest; /* the most similar first one that it does not repeat */
	struct item_id nearest;
	int32_t nearest_numerator, nearest_denominator;
	bool settled;
	int32_t class, p_good, votes; /* class -1: void */
	int64_t margin, epoch;
};

bool item_store_get(struct db *db, struct wn_arena *arena, const struct item_id *item, struct item_view *out,
	bool *found, struct wn_error *err);
/* What an item says; data NULL where there is no such item. */
bool item_store_content(struct db *db, struct wn_arena *arena, const struct item_id *item, struct wn_slice *content,
	struct wn_error *err);
/* A contributor's items, newest first, older than `before` (INT64_MAX from the start). margin, votes, cluster and
 * nearest are not filled. */
bool item_store_of(struct db *db, struct wn_arena *arena, const struct account_key *contributor, int64_t before,
	int most, struct item_view **out, size_t *count, struct wn_error *err);

#endif
