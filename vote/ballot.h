/* A ballot's text and the judgement of each of its votes against round and seat. Pure: the simulation runs it too. */
#ifndef VOTE_BALLOT_H
#define VOTE_BALLOT_H

#include "core/json.h"
#include "core/states.h"
#include "vote/round_key.h"

/* A seat takes at most BALLOT_SEQUENCE_MAX sealed votes, the last counts (DESIGN.md 13). */
enum { BALLOT_VOTES_MAX = 64, BALLOT_SEQUENCE_MAX = 8 };

struct ballot_vote {
	struct round_key key;
	int64_t sequence;	  /* commit */
	struct sha256 commitment; /* commit */
	int32_t choice;		  /* reveal: class number */
	struct salt salt;	  /* reveal */
};
struct ballot {
	bool reveal;
	size_t count;
	struct ballot_vote votes[BALLOT_VOTES_MAX];
};
/*
 * {"phase": "commit", "votes": [{item_id, round, sequence, commitment}]} or {"phase": "reveal", "votes": [{item_id,
 * round, choice, salt}]}. A text that is none fails whole with WN_INPUT ballot_member, ballot_phase, ballot_votes,
 * ballot_vote or ballot_twice (one round twice).
 */
bool ballot_parse(const struct json *body, struct ballot *out, struct wn_error *err);

/* In order of precedence; what lies behind BALLOT_REPEATED is refused. */
enum ballot_result {
	BALLOT_OK,
	BALLOT_REPEATED, /* stored before with the same content: no effect, for ever */
	BALLOT_ROUND_UNKNOWN,
	BALLOT_SEAT_MISSING,
	BALLOT_OWN_ITEM,
	BALLOT_JAILED, /* commits only: a vote sealed before may still be opened */
	BALLOT_LEASE_OVER,
	BALLOT_COMMIT_CLOSED,
	BALLOT_SEQUENCE_TAKEN,
	BALLOT_SEQUENCE_OLD,
	BALLOT_COMMIT_MISSING,
	BALLOT_REVEAL_EARLY,
	BALLOT_REVEALED_OTHERWISE,
	BALLOT_REVEAL_CLOSED,
	BALLOT_CHOICE_UNKNOWN,
	BALLOT_COMMITMENT_DIFFERS,
	BALLOT_RESULTS
};
struct ballot_answer {
	const char *word; /* stable, in the API's answer */
	int status;	  /* the HTTP status that this vote alone would deserve */
	const char *detail;
};
const struct ballot_answer *ballot_answer(enum ballot_result result);

/* What the database knows about one vote's round, seat and earlier content. */
struct ballot_place {
	bool round_found;
	enum round_state round_state;
	int64_t commit_until_ms, reveal_until_ms;
	int classes; /* of the round's campaign */
	bool seat_found, own_item;
	enum seat_state seat_state;
	int64_t lease_until_ms;
	int64_t last_sequence; /* 0: nothing sealed yet */
	struct sha256 last_commitment;
	bool sequence_used; /* the vote's own sequence number has a commitment: */
	struct sha256 sequence_commitment;
	bool revealed;
	int32_t choice;
	struct salt salt;
};
struct ballot_voter {
	struct network_id network;
	struct account_key key;
	bool jailed;
};
enum ballot_result ballot_check(bool reveal, const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms);

#endif
