/* Sealed votes: the salt that a validator derives, the commitment that hides a choice, and the roots over many of them.
 * Pure. */
#ifndef VOTE_COMMITMENT_H
#define VOTE_COMMITMENT_H

#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"

/*
 * The salt of one commit, from the vote seed alone, so that a device that lost its notes finds its choice by trying
 * all. Rounds and sequence numbers count from 1.
 */
void vote_salt(const uint8_t vote_seed[32], const struct network_id *network, const struct item_id *item,
	uint32_t round, uint64_t sequence, const struct account_key *voter, struct salt *out);
/* Bound to network, item, round and voter: a copied commitment opens for nobody else. `choice` is the class number. */
void vote_commitment(const struct network_id *network, const struct item_id *item, uint32_t round,
	const struct account_key *voter, uint8_t choice, const struct salt *salt, struct sha256 *out);

/* One leaf of a root. `value` is the commitment, or, in the root of an epoch's revealed votes, the salt's 32 bytes. */
struct commitment_leaf {
	struct item_id item;
	uint32_t round;
	struct account_key voter;
	struct sha256 value;
};
/*
 * The RFC 9162 root over the leaves sorted by item, round (as a number), voter; of none it is SHA-256 of the empty
 * string. The caller's order does not matter and stays as it is; leaves that ascend already cost no memory.
 */
bool vote_root(struct wn_arena *arena, const struct commitment_leaf *leaves, size_t count, struct sha256 *out,
	struct wn_error *err);

#endif
