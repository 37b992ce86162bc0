/* Ballots in the database: rounds locked and read, votes kept with the signed requests that brought them. Many ballots
 * of one phase go through each statement together. */
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
/* The signed request, kept as evidence under the hash of its signature base. */
struct ballot_evidence {
	struct sha256 id;
	struct account_key voter;
	struct wn_slice base, body;
	struct signature signature;
	int64_t received_ms;
};
/* One request of a batch. */
struct ballot_request {
	struct ballot ballot;
	struct ballot_evidence evidence;
	int64_t seen_size; /* of the checkpoint that the voter verified */
	bool unseen;	   /* which does not hold all entries that closed the ballot's rounds */
	struct ballot_found found[BALLOT_VOTES_MAX];
	enum ballot_result results[BALLOT_VOTES_MAX];
};

/* Sets `unseen`; rounds that no entry closed do not count. */
bool ballot_store_seen(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err);
/* Locks the rounds until the transaction ends and reads what the voters did in them: found[i] belongs to votes[i]. No
 * two requests of a batch may have the same voter and round. */
bool ballot_store_lock(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err);
/* Stores those votes whose result is BALLOT_OK: seats and the rounds' counts move with them. A request without any
 * leaves no evidence. */
bool ballot_store_keep(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err);

#endif
