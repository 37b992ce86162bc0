/* The duplicate check in the database: items that wait, leaders so far, and what was decided. Callers hold the
 * transaction. */
#ifndef GPU_EMBED_EMBED_STORE_H
#define GPU_EMBED_EMBED_STORE_H

#include "core/campaign.h"
#include "core/db.h"
#include "core/states.h"
#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"

/* A received item; strings live in the arena. */
struct embed_item {
	struct item_id item;
	int64_t seq;
	const char *campaign;
	int numerator, denominator;    /* the campaign's threshold; filled by embed_store_thresholds() */
	struct signed_content content; /* kind and content */
	/* What becomes of it; embed_store_write() and embed_store_journal() read these. */
	int64_t link_seq;
	struct linker_verdict verdict;
};

/* The earliest received items, locked until the transaction ends. */
bool embed_store_claim(struct db *db, struct wn_arena *arena, size_t most, struct embed_item **out, size_t *count,
	struct wn_error *err);
/* Reads the campaigns that the items name. */
bool embed_store_thresholds(
	struct db *db, struct wn_arena *arena, struct embed_item *items, size_t count, struct wn_error *err);

/* The highest link_seq given so far; 0 before the first. */
bool embed_store_last(struct db *db, struct wn_arena *arena, int64_t *link_seq, struct wn_error *err);
struct embed_leader {
	struct item_id item;
	int64_t link_seq;
	const char *campaign;
	struct signed_content content; /* kind and content */
	struct sha256 raw, normal;     /* as they were stored */
	uint16_t lanes[EMBED_LANES];
};
/* Leaders behind `after` and up to `upto`, in the linker's order, at most `most`. */
bool embed_store_leaders(struct db *db, struct wn_arena *arena, int64_t after, int64_t upto, size_t most,
	struct embed_leader **out, size_t *count, struct wn_error *err);

/* How many of the marks, from the first one on, stand in the database as the index has them. */
bool embed_store_marks(struct db *db, struct wn_arena *arena, const struct linker_mark *marks, size_t count,
	size_t *believed, struct wn_error *err);
/*
 * Whatever the verdicts name is looked up: it must be a leader still, with the hashes or the number of shingles that
 * the verdict says, unless it belongs to the batch. WN_INPUT index_stale: the index does not say what the database
 * does.
 */
bool embed_store_confirm(
	struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count, struct wn_error *err);

/* Signatures, verdicts and item states of a batch. WN_INPUT db_unique when another linker was faster. */
bool embed_store_write(struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count,
	int64_t now_ms, struct wn_error *err);
/*
 * Wakes the panels and appends the entry, the last statement of the transaction: {type: "duplicates", time_ms, items:
 * [{item, origin, cluster, method, numerator, denominator, spec_version}]}, and nearest, nearest_numerator,
 * nearest_denominator where an item has one.
 */
bool embed_store_journal(struct db *db, struct wn_arena *arena, const struct embed_item *items, size_t count,
	int64_t now_ms, struct wn_error *err);

#endif
