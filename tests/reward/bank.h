/* A fresh database with a little money in it, and short ways to say transfers: shared by reward's database tests. */
#ifndef TESTS_REWARD_BANK_H
#define TESTS_REWARD_BANK_H

#include "core/db.h"
#include "core/id.h"
#include "reward/ledger.h"

enum { BANK_CONNINFO_MAX = 1024 };

struct bank {
	char conninfo[BANK_CONNINFO_MAX]; /* without user */
	struct db *owner, *serve, *reward;
	struct wn_arena arena;
	struct wn_error err;
};

/* False after a failed check. bank_close() is to be called either way. */
bool bank_open(struct bank *bank);
void bank_close(struct bank *bank);
struct db *bank_connect(const struct bank *bank, const char *role);

/* Owner number n: bytes n, n, ... */
struct ledger_ref bank_ref(int owner, enum ledger_kind kind);
struct ledger_ref bank_mint(void);
/* Single, epoch -1, id from cause and number. */
struct transfer bank_transfer(
	const char *cause, int number, struct ledger_ref debit, struct ledger_ref credit, int64_t amount);
struct transfer bank_ending(const struct transfer *pending, enum transfer_step step, int64_t amount, int number);
/* Posts in a transaction of its own and commits. */
bool bank_post(struct bank *bank, struct db *db, const struct transfer *transfers, size_t count,
	enum transfer_result *results);
/* Posts one and gives its fate. */
enum transfer_result bank_post_one(struct bank *bank, struct db *db, const struct transfer *transfer);
int64_t bank_available(struct bank *bank, int owner, enum ledger_kind kind);
/* One number from SQL, as owner of the database. */
int64_t bank_number(struct bank *bank, const char *sql);
/* Invariants 1 to 4 of mechanism.md 7 over all rows, and the balances added up anew from the transfers. */
void bank_check(struct bank *bank);

#endif
