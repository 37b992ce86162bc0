/* Campaigns in the database: stored as canonical documents, read back parsed. */
#ifndef VOTE_CAMPAIGN_STORE_H
#define VOTE_CAMPAIGN_STORE_H

#include "core/campaign.h"
#include "core/db.h"

/* *created is false when the name is taken. */
bool campaign_store_insert(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice document,
	int64_t now_ms, bool *created, struct wn_error *err);

/* Submissions that are at work end first; from then on none is accepted. *changed is false when it was closed before.
 */
bool campaign_store_close(struct db *db, struct wn_arena *arena, const char *name, bool *changed, struct wn_error *err);

struct campaign_row {
	struct campaign campaign; /* strings live in the arena */
	struct wn_slice document;
	bool open;
};
/* *found tells; not finding is no failure. */
bool campaign_store_get(struct db *db, struct wn_arena *arena, const char *name, struct campaign_row *out, bool *found,
	struct wn_error *err);
/* Up to `count` campaigns whose names come after `after` ("" from the start), by name. */
bool campaign_store_list(struct db *db, struct wn_arena *arena, const char *after, int count, struct campaign_row **out,
	size_t *found, struct wn_error *err);

/* A small cache for a batch that meets the same campaigns again and again: at most CAMPAIGN_CACHE_MAX of them. */
enum { CAMPAIGN_CACHE_MAX = 256 };
struct campaign_cache {
	struct campaign_row *rows[CAMPAIGN_CACHE_MAX]; /* in the arena */
	size_t count;
};
/* The campaign must exist: rows refer to it by foreign key. The answer lives as long as cache and arena do. */
bool campaign_cache_get(struct campaign_cache *cache, struct db *db, struct wn_arena *arena, const char *name,
	const struct campaign **out, struct wn_error *err);

#endif
