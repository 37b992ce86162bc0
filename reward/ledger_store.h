/* The ledger's rows: posts batches of transfers inside the caller's transaction, reads balances. */
#ifndef REWARD_LEDGER_STORE_H
#define REWARD_LEDGER_STORE_H

#include "core/db.h"
#include "reward/ledger.h"

/*
 * Posts in array order, creating accounts that do not exist, locking accounts in sorted order first. results[i] tells
 * each one's fate; a refused one changes nothing and does not stop the others. Uses a few statements whatever `count`.
 */
bool ledger_store_post(struct db *db, struct wn_arena *arena, const struct transfer *transfers, size_t count,
	int64_t now_ms, enum transfer_result *results, struct wn_error *err);
/* Zeros for an account that does not exist. */
bool ledger_store_balance(struct db *db, struct wn_arena *arena, const struct ledger_ref *ref,
	struct ledger_balance *out, struct wn_error *err);
/* The never-minted remainder U = cap - supply. */
bool ledger_store_unminted(
	struct db *db, struct wn_arena *arena, int64_t cap_units, int64_t *out, struct wn_error *err);
/* Natural id: SHA-256("winnow/transfer/v1" 00 | cause and 00 | a 32 | b 32 | number u64 LE). NULL parts are 32 zero
 * bytes. */
void transfer_id_of(struct transfer_id *out, const char *cause, const void *a32, const void *b32, uint64_t number);
/* A journal entry {"type":"transfers","time_ms":...,"transfers":[...]} as JSON text, for journal_append(). */
bool ledger_entry(struct wn_arena *arena, const struct transfer *transfers, size_t count, int64_t now_ms,
	struct wn_slice *out, struct wn_error *err);

#endif
