/* Double entry with two-phase transfers (TigerBeetle's model): the rules, pure, over accounts in memory. */
#ifndef REWARD_LEDGER_H
#define REWARD_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_kind {
	LEDGER_MINT,
	LEDGER_FREE,
	LEDGER_STAKE,
	LEDGER_BOND,
	LEDGER_VESTING,
	LEDGER_BUDGET,
	LEDGER_TREASURY,
	LEDGER_RESERVE,
	LEDGER_CURATORS,
	LEDGER_POOL,
	LEDGER_UNBONDING
};
enum { LEDGER_KINDS = LEDGER_UNBONDING + 1 };
/* Only the mint may go below zero: -balance(mint) is the supply, U = cap - supply. */

enum transfer_step { TRANSFER_SINGLE, TRANSFER_PENDING, TRANSFER_POST, TRANSFER_VOID, TRANSFER_EXPIRE };

/* In order of precedence. */
enum transfer_result {
	TRANSFER_DONE,
	TRANSFER_REPEATED,   /* same id, same content: no effect, same answer */
	TRANSFER_DIFFERS,    /* same id, other content: refused */
	TRANSFER_BAD_AMOUNT, /* negative */
	TRANSFER_SAME_ACCOUNT,
	TRANSFER_NO_PENDING, /* post, void or expire of what is not pending */
	TRANSFER_ENDED,	     /* the pending transfer ended already */
	TRANSFER_TOO_MUCH,   /* post above the pending amount */
	TRANSFER_OVERDRAWN,  /* the debit account has less available */
	TRANSFER_OVERFLOW,
};
enum { TRANSFER_STEPS = TRANSFER_EXPIRE + 1, TRANSFER_RESULTS = TRANSFER_OVERFLOW + 1 };

struct transfer_id {
	uint8_t bytes[32];
};
struct ledger_ref {
	uint8_t owner[32];
	enum ledger_kind kind;
};

struct transfer {
	struct transfer_id id; /* natural: transfer_id_of(cause, ...) */
	enum transfer_step step;
	struct ledger_ref debit, credit; /* for post, void, expire: those of the pending transfer */
	int64_t amount; /* units; post: what is posted, the rest is given back; void and expire: ignored, recorded as 0
			 */
	struct transfer_id pending_id; /* post, void, expire */
	const char *cause;	       /* "genesis", "stake", "seat", "slash", "reward/contributor", ... */
	uint8_t subject[32];	       /* what it is about: item id, campaign hash; zeros: nothing */
	int64_t epoch;		       /* -1: none */
};

struct ledger_balance {
	int64_t debits_posted, credits_posted, debits_pending, credits_pending;
};
/* credits_posted - debits_posted - debits_pending: what may be spent. */
int64_t ledger_available(const struct ledger_balance *balance);

/* What the ledger holds already about a transfer that is to be applied. */
struct ledger_past {
	const struct transfer *same;	/* the one with its id; NULL: none */
	const struct transfer *pending; /* the one that its pending_id names; NULL: none */
	bool pending_ended;
};
/*
 * Applies a transfer to the balances of its two accounts, or refuses it and leaves both as they are. `debit` and
 * `credit` are the balances of transfer->debit and transfer->credit; they are one object where the two accounts are the
 * same. No sum can wrap: what is pending counts as if it were posted, so that ending it always fits.
 */
enum transfer_result ledger_apply(const struct transfer *transfer, const struct ledger_past *past,
	struct ledger_balance *debit, struct ledger_balance *credit);
/* Whether two transfers with one id are the same one told twice. */
bool transfer_equal(const struct transfer *a, const struct transfer *b);
/* The units that a row keeps: 0 for void and expire, whose `amount` is ignored. */
int64_t transfer_recorded(const struct transfer *transfer);

/* Stable words: "free", "pending", "overdrawn". Never NULL. */
const char *ledger_kind_name(enum ledger_kind kind);
const char *transfer_step_name(enum transfer_step step);
const char *transfer_result_name(enum transfer_result result);

#endif
