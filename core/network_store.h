/* The one row that says which network this database belongs to: written at genesis, read at every start. */
#ifndef CORE_NETWORK_STORE_H
#define CORE_NETWORK_STORE_H

#include "core/db.h"
#include "core/id.h"

struct network_row {
	struct network_id network; /* SHA-256 of genesis */
	struct wn_slice genesis;   /* canonical bytes of journal entry 0, in the arena */
	struct account_key checkpoint_key;
	bool clock_manual;
	int64_t clock_ms; /* where a manual clock stands */
	bool sample;	  /* as genesis says */
};

/* As winnow_owner, inside the transaction of genesis. A second network in one database: WN_INPUT network_exists. */
bool network_store_insert(struct db *db, struct wn_arena *arena, const struct network_id *network,
	struct wn_slice genesis, const struct account_key *checkpoint_key, bool clock_manual, int64_t clock_ms,
	struct wn_error *err);
/* *found is false before genesis. The bytes are checked against the id: WN_INPUT network_changed. */
bool network_store_get(
	struct db *db, struct wn_arena *arena, struct network_row *out, bool *found, struct wn_error *err);

#endif
