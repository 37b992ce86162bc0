/* Ballots in the database: rounds locked and read, votes kept with the signed request that brought them. */
#ifndef VOTE_BALLOT_STORE_H
#define VOTE_BALLOT_STORE_H

#include "core/db.h"
#include "core/sign.h"
#include "vote/ballot.h"

/* What the database knows of one vote; `campaign` is NULL where the round is unknown, classes is left to the caller. */
struct ballot_found {
	struct ballot_place place;
	const char *campaign;
};
/* Locks the rounds until the transaction ends and reads what the voter did in them: found[i] belongs to
 * ballot->votes[i]. */
bool ballot_store_lock(struct db *db, struct wn_arena *arena, const struct ballot *ballot,
	const struct account_key *voter, struct ballot_found *found, struct wn_error *err);

/* Whether the first `size` entries of the journal hold those that closed the ballot's rounds; rounds that no entry
 * closed do not count. */
bool ballot_store_seen(struct db *db, struct wn_arena *arena, const struct ballot *ballot, int64_t size, bool *seen,
	struct wn_error *err);

/* The signed request, kept as evidence under the hash of its signature base. */
struct ballot_evidence {
	struct sha256 id;
	struct account_key voter;
	struct wn_slice base, body;
	struct signature signature;
	int64_t received_ms;
};
/* Stores those votes whose result is BALLOT_OK: seats and the rounds' counts move with them. */
bool ballot_store_keep(struct db *db, struct wn_arena *arena, const struct ballot *ballot,
	const struct ballot_found *found, const enum ballot_result *results, const struct ballot_evidence *evidence,
	struct wn_error *err);

#endif
