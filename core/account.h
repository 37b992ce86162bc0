/* Registered keys: who they are and what they may do. Every floor asks here whether a key is known. */
#ifndef CORE_ACCOUNT_H
#define CORE_ACCOUNT_H

#include "core/db.h"
#include "core/id.h"

enum account_role {
	ACCOUNT_CONTRIBUTOR = 1,
	ACCOUNT_VALIDATOR = 2,
	ACCOUNT_LAB = 4,
	ACCOUNT_OPERATOR = 8,
	ACCOUNT_CURATOR = 16
};

struct account {
	struct account_key key;
	int32_t roles; /* bits of enum account_role */
	bool robot;    /* a program that says so */
	bool jailed;
	int64_t registered_ms;
	struct sha256 commitment; /* the salted name under which the journal knows the contributor */
};
/* *found tells; not finding is no failure. */
bool account_find(struct db *db, struct wn_arena *arena, const struct account_key *key, struct account *out,
	bool *found, struct wn_error *err);
/* The same for many keys in one query: accounts[i] and found[i] belong to keys[i]. */
bool account_find_many(struct db *db, struct wn_arena *arena, const struct account_key *keys, size_t count,
	struct account *accounts, bool *found, struct wn_error *err);
/*
 * Registers a key under the owner's salt; NULL: one is drawn here. The key is the natural key: a second registration
 * adds roles (never operator) and takes over newer terms; salt, commitment, robot and time stay. *changed: the journal
 * owes an entry. `terms` may be NULL. Who may ask for which role is the caller's business. *out is the account as it
 * stands afterwards.
 */
bool account_insert(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, int32_t roles, bool robot, const struct sha256 *terms, const struct salt *salt,
	int64_t now_ms, struct account *out, bool *changed, struct wn_error *err);
/* SHA-256("winnow/account/v1" 00 | network id | salt | key). */
void account_commitment(
	const struct network_id *network, const struct salt *salt, const struct account_key *key, struct sha256 *out);

#endif
