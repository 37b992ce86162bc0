/* A claim with everything that proves it, as one JSON object that can be kept: who was paid how much, the close whose
 * claims root says so, the signed checkpoint that holds that close, and genesis, which names who signs. Pure. */
#ifndef REWARD_CLAIM_PROOF_H
#define REWARD_CLAIM_PROOF_H

#include "core/journal.h"
#include "reward/claims.h"

/* What was found to hold. */
struct claim_proof {
	struct claim claim;
	int64_t epoch, leaf, leaves; /* the pay round; place and number of the leaves below its claims root */
	struct sha256 root;
	int64_t position; /* of the journal's entry that tells the root */
	uint64_t checkpoint_size;
	int64_t checkpoint_ms;
	struct network_id network;	   /* SHA-256 of genesis: what is left to compare */
	struct account_key checkpoint_key; /* that genesis names */
};

/* The parts as a node gives them; the result is canonical. `claim` is the answer of the route, `inclusion` that of the
 * journal's proof. */
bool claim_proof_write(struct wn_arena *arena, const struct json *claim, const struct json *entry,
	const struct json *inclusion, struct wn_slice note, const struct json *genesis, struct wn_slice *out,
	struct wn_error *err);
/*
 * Computes anew whatever can be: the network's id from genesis, the note's signature by the key that genesis names, the
 * entry's leaf and its place in the signed tree, the claim's leaf and its place below the root that the entry tells.
 * WN_INPUT claim_malformed (a member is missing or of another kind), checkpoint_*, claim_entry,
 * claim_root, claim_leaf.
 */
bool claim_proof_check(struct wn_arena *arena, const struct json *kept, struct claim_proof *out, struct wn_error *err);

#endif
