/* The ledger's rows: posts batches of transfers inside the caller's transaction, reads balances. */
#ifndef REWARD_LEDGER_STORE_H
#define REWARD_LEDGER_STORE_H

#include "core/db.h"
#include "reward/ledger.h"

/* Transfers of one journal entry: what fits below JOURNAL_ENTRY_MAX with long causes. More are told in several entries.
 */
enum { LEDGER_ENTRY_TRANSFERS_MAX = 1500 };

/*
 * Posts in array order, creating accounts that do not exist, locking accounts in sorted order first. results[i] tells
 * each one's fate; a refused one changes nothing and does not stop the others. Uses a few statements whatever `count`.
 * Two calls in one transaction may lock against another transaction's order: PostgreSQL ends one of them, WN_BUSY, and
 * the whole transaction is tried again; one call with everything never does.
 */
bool ledger_store_post(struct db *db, struct wn_arena *arena, const struct transfer *transfers, size_t count,
	int64_t now_ms, enum transfer_result *results, struct wn_error *err);
/* Zeros for an account that does not exist. */
bool ledger_store_balance(struct db *db, struct wn_arena *arena, const struct ledger_ref *ref,
	struct ledger_balance *out, struct wn_error *err);
/* The same for several at once, in the order of `refs`. */
bool ledger_store_balances(struct db *db, struct wn_arena *arena, const struct ledger_ref *refs, size_t count,
	struct ledger_balance *out, struct wn_error *err);
/* The never-minted remainder U = cap - supply. What is minted pending counts as minted; when voided it returns to U. */
bool ledger_store_unminted(
	struct db *db, struct wn_arena *arena, int64_t cap_units, int64_t *out, struct wn_error *err);
/* Natural id: SHA-256("winnow/transfer/v1" 00 | cause and 00 | a 32 | b 32 | number u64 LE). NULL parts are 32 zero
 * bytes. */
void transfer_id_of(struct transfer_id *out, const char *cause, const void *a32, const void *b32, uint64_t number);
/*
 * A journal entry {"type":"transfers","time_ms":...,"transfers":[...]} as JSON text, for journal_append(). A transfer
 * is {id, step, debit: {kind, owner}, credit: {kind, owner}, amount, cause} and, where they are set, {pending, subject,
 * epoch}; ids and owners in hex, amounts as decimal strings, kinds and steps by name. Transfers that were refused do
 * not belong there.
 */
bool ledger_entry(struct wn_arena *arena, const struct transfer *transfers, size_t count, int64_t now_ms,
	struct wn_slice *out, struct wn_error *err);

#endif
