/* What an account sees of its money: figures and the rows that made them. */
#ifndef REWARD_MONEY_STORE_H
#define REWARD_MONEY_STORE_H

#include "core/db.h"
#include "core/id.h"
#include "reward/ledger.h"

struct money_figures {
	int64_t free;	    /* to spend */
	int64_t stake;	    /* deposited, not behind a seat */
	int64_t seat_bonds; /* deposited, behind seats */
	int64_t unbonding;  /* on its way back to free */
	int64_t vesting;    /* rewards that become free in a line */
	int64_t arriving;   /* rewards that wait for their item to be final */
	int64_t slashed;    /* taken from bonds so far: all that ever left the bond account */
};
/* Zeros for an account that never held anything. */
bool money_store_figures(struct db *db, struct wn_arena *arena, const struct account_key *account,
	struct money_figures *out, struct wn_error *err);

/* Posted balances of all accounts of each kind, and what is pending. `sum` over all kinds is zero, or units came from nowhere. */
struct money_supply {
	int64_t posted[LEDGER_KINDS];
	int64_t sum, debits_pending, credits_pending;
};
bool money_store_supply(struct db *db, struct wn_arena *arena, struct money_supply *out, struct wn_error *err);

struct money_row {
	int64_t seq, time_ms;
	struct transfer transfer; /* pending_id is not read */
};
/* Rows below seq `before` that touch any account of the owner, newest first, at most `most`; each once. */
bool money_store_statement(struct db *db, struct wn_arena *arena, const struct account_key *account, int64_t before,
	int most, struct money_row **out, size_t *count, struct wn_error *err);

#endif
