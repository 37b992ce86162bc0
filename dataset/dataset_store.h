/* Datasets in the database: what was asked for, which items an accepted state holds, what was published. */
#ifndef DATASET_DATASET_STORE_H
#define DATASET_DATASET_STORE_H

#include "core/db.h"
#include "dataset/manifest.h"
#include "dataset/row.h"

enum version_state { VERSION_WANTED, VERSION_PUBLISHED, VERSION_FAILED, VERSION_UNCHANGED, VERSION_STATES };
const char *version_state_name(enum version_state state);

enum { DATASET_WANTED_MAX = 16, DATASET_PAGE_ROWS = 1000, DATASET_LIST_MAX = 100 };

/* ---- asking ---- */
bool dataset_store_lock(
	struct db *db, struct wn_arena *arena, const char *name, struct wn_error *err); /* until the transaction ends */
bool dataset_store_find(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice *recipe, bool *found,
	struct wn_error *err);
bool dataset_store_insert(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice recipe,
	int64_t now_ms, struct wn_error *err);
bool dataset_store_campaign(struct db *db, struct wn_arena *arena, const char *name, struct wn_slice *document,
	bool *found, struct wn_error *err);
/* *version 0: there is none. */
bool dataset_store_newest(struct db *db, struct wn_arena *arena, const char *name, int32_t *version,
	enum version_state *state, struct wn_error *err);
/* `again`: the number exists and never came to be. Wakes the worker at commit. */
bool dataset_store_want(struct db *db, struct wn_arena *arena, const char *name, int32_t version, bool again,
	int64_t now_ms, const struct sha256 *leaf, struct wn_error *err);

/* ---- making ---- */
struct wanted_version {
	const char *name;
	int32_t version;
	struct sha256 leaf; /* of the journal entry that asked */
	struct wn_slice recipe;
};
bool dataset_store_wanted(
	struct db *db, struct wn_arena *arena, struct wanted_version **out, size_t *count, struct wn_error *err);
bool dataset_store_network(struct db *db, struct wn_arena *arena, struct wn_slice *genesis,
	struct account_key *checkpoint_key, struct wn_error *err);
struct version_before {
	int32_t version; /* 0: none */
	struct sha256 manifest_sha256, row_root;
};
bool dataset_store_before(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct version_before *out, struct wn_error *err);

/* One accepted item; label and split are the caller's to fill in. */
struct accepted_item {
	struct row_facts facts;
	int32_t class;
};
/* Accepted items of a campaign by rising id behind `after` (NULL: from the start), at most DATASET_PAGE_ROWS. */
bool dataset_store_accepted(struct db *db, struct wn_arena *arena, const char *campaign, const struct item_id *after,
	struct accepted_item **out, size_t *count, struct wn_error *err);
/* Id of the entry at this position of the journal. */
bool dataset_store_entry_at(
	struct db *db, struct wn_arena *arena, int64_t position, int64_t *entry_id, struct wn_error *err);
/* Bodies of `final` entries behind this one, numbered or not, at most `most`; *last is the id of the last. */
bool dataset_store_finals(struct db *db, struct wn_arena *arena, int64_t after, int most, struct wn_slice **bodies,
	size_t *count, int64_t *last, struct wn_error *err);
/* Items of a published version from `row` on, in row order, at most DATASET_PAGE_ROWS. */
bool dataset_store_rows(struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row,
	struct item_id **out, size_t *count, struct wn_error *err);
bool dataset_store_rows_put(struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row,
	const struct item_id *items, size_t count, struct wn_error *err);
bool dataset_store_rows_cut(
	struct db *db, struct wn_arena *arena, const char *name, int32_t version, int64_t row, struct wn_error *err);
bool dataset_store_files_put(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	const struct manifest_file *files, size_t count, struct wn_error *err);
/* *done is false when the version is no longer wanted. */
bool dataset_store_publish(struct db *db, struct wn_arena *arena, const struct manifest *manifest,
	const struct sha256 *manifest_sha256, int64_t now_ms, bool *done, struct wn_error *err);
bool dataset_store_end(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	enum version_state state, const char *why, struct wn_error *err);

/* ---- the catalogue ---- */
struct dataset_version {
	int32_t version;
	enum version_state state;
	int64_t wanted_ms;
	/* when published */
	int64_t published_ms, checkpoint_size, row_count;
	struct sha256 row_root, manifest_sha256;
	const char *failure; /* NULL: none */
};
struct dataset_listed {
	const char *name;
	struct wn_slice recipe, campaign; /* campaign.data NULL: gone */
	struct dataset_version newest;	  /* published; version 0: none yet */
};
bool dataset_store_list(struct db *db, struct wn_arena *arena, const char *after, struct dataset_listed **out,
	size_t *count, struct wn_error *err);
/* Newest first, below `before`, at most DATASET_LIST_MAX. */
bool dataset_store_versions(struct db *db, struct wn_arena *arena, const char *name, int32_t before,
	struct dataset_version **out, size_t *count, struct wn_error *err);
/* version 0: the newest that is published. */
bool dataset_store_version(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct dataset_version *out, bool *found, struct wn_error *err);
bool dataset_store_files(struct db *db, struct wn_arena *arena, const char *name, int32_t version,
	struct manifest_file **out, size_t *count, struct wn_error *err);
bool dataset_store_file(struct db *db, struct wn_arena *arena, const char *name, int32_t version, const char *path,
	struct sha256 *out, bool *found, struct wn_error *err);
bool dataset_store_file_by_hash(struct db *db, struct wn_arena *arena, const struct sha256 *sha256, const char **name,
	int32_t *version, const char **path, bool *found, struct wn_error *err);

#endif
