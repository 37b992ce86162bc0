/* Items, their evidence and the cursors of sources in the database; a batch is one transaction that the caller holds.
 */
#ifndef INGEST_INGEST_STORE_H
#define INGEST_INGEST_STORE_H

#include "core/account.h"
#include "core/db.h"
#include "core/sign.h"
#include "core/states.h"
#include "ingest/item.h"

enum { INGEST_BATCH_MAX = 2000 };

/* One checked item on its way into the database, and what became of it. */
struct ingest_item {
	struct item item;
	/* Filled by ingest_store_items(): for a repeated submission, id, salt and state of the item that stands. */
	enum item_result result; /* ITEM_DONE, ITEM_SOURCE_ID_TAKEN, or of all items ITEM_CAMPAIGN_CLOSED */
	bool repeated;
	struct item_id id;
	struct salt salt;
	enum item_state state;
};

struct ingest_evidence {
	struct account_key key;
	struct wn_slice base;
	struct signature signature;
};

/* Whose batch it is; `evidence` is what proves that the contributor sent it. */
struct ingest_batch {
	const struct network_id *network;
	const struct campaign *campaign;
	struct account_key contributor;
	struct sha256 commitment;
	const struct ingest_evidence *evidence;
	int64_t now_ms;
};

/*
 * Inside the caller's transaction, which must end with ingest_store_journal(): draws missing salts, inserts what is new
 * (items[i] in order of arrival), finds what stands already. *accepted = how many are new; none where the campaign was
 * closed since it was read.
 */
bool ingest_store_items(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	struct ingest_item *items, size_t count, size_t *accepted, struct wn_error *err);
/*
 * The last statement before COMMIT when something was accepted: the "items" entry {type, time_ms, campaign,
 * contributor, items, root}. Wakes the duplicate check. *leaf is what the receipt names.
 */
bool ingest_store_journal(struct db *db, struct wn_arena *arena, const struct ingest_batch *batch,
	const struct ingest_item *items, size_t count, struct sha256 *leaf, struct wn_error *err);

/* *found tells; strings live in the arena. */
bool ingest_store_campaign(struct db *db, struct wn_arena *arena, const char *name, struct campaign *out, bool *open,
	bool *found, struct wn_error *err);

/* Where a source stands: "" before its first batch. Inside a transaction the row stays locked. */
bool ingest_store_cursor(struct db *db, struct wn_arena *arena, const char *source, const char *campaign,
	const char **cursor, struct wn_error *err);
bool ingest_store_cursor_move(struct db *db, struct wn_arena *arena, const char *source, const char *campaign,
	const char *cursor, int64_t items, int64_t errors, int64_t now_ms, struct wn_error *err);

#endif
