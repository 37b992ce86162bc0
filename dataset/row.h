/* One row of a dataset: canonical JSON that carries everything needed to recompute the item id that the journal names.
 * Pure. */
#ifndef DATASET_ROW_H
#define DATASET_ROW_H

#include "core/hash.h"
#include "core/json.h"

enum { ROW_MAX = 262144 }; /* bytes of one row */

/*
 * What a source's terms allow. Ids only: the row names item and source, but carries the hash of the canonical item
 * instead of its content and author; the item id can still be recomputed.
 */
struct source_policy {
	const char *source;
	bool ids_only;
	bool train; /* training a model on it is allowed */
};
const struct source_policy *source_policy_of(
	const char *source); /* never NULL: what is not listed is full and allowed */

/* What is known of an accepted item. */
struct row_facts {
	struct item_id item;
	struct salt salt;
	struct wn_slice canonical; /* the item's canonical bytes */
	const char *label;	   /* name of the winning choice */
	int64_t p_good;		   /* millionths */
	int64_t votes;
	struct item_id cluster;	   /* smallest item id of its group of near duplicates */
	struct sha256 contributor; /* the salted commitment under which the journal knows the contributor */
	const char *split;
	const char *licence; /* filled in by row_write(), in its arena */
};
/* Members: the item's own, then cluster, contributor, export, item_id, label, p_good, salt, split, train, votes; sorted
 * (JCS). */
bool row_write(struct wn_arena *arena, struct row_facts *facts, struct wn_slice *out, struct wn_error *err);

/* A row as somebody else reads it. */
struct row {
	struct item_id item, cluster;
	struct salt salt;
	struct sha256 canonical_sha256; /* of the item, recomputed from the row (ids only: as the row says) */
	struct sha256 contributor;
	const char *source, *licence, *label, *split;
	int64_t p_good, votes;
	bool ids_only, train;
};
/* Strings live in the arena. All WN_INPUT: row_json, row_canonical, row_member (missing or unknown), row_value. */
bool row_parse(struct wn_arena *arena, const char *json, size_t bytes, struct row *out, struct wn_error *err);

#endif
