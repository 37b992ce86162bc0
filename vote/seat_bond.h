/* The bond behind a seat: how much, how it is locked, how it comes back. */
#ifndef VOTE_SEAT_BOND_H
#define VOTE_SEAT_BOND_H

#include "core/campaign.h"
#include "core/policy.h"
#include "reward/ledger.h"
#include "vote/round_store.h"

/* Units per seat: the policy's floor, the campaign's own figure or 12 x a seat's pay, whichever is most (DESIGN.md 13).
 */
int64_t seat_bond_units(const struct campaign *campaign, const struct policy *policy);
/* The pending transfer stake -> bond of one seat; its id is natural: one per item, round and voter. */
void seat_bond_transfer(
	struct transfer *out, const struct round_key *key, const struct account_key *voter, int64_t units);
/* Gives bonds of seats that were left back, whole. Inside the caller's transaction. */
bool seat_bonds_release(struct db *db, struct wn_arena *arena, const struct seat_left *left, size_t count,
	int64_t now_ms, struct wn_error *err);

#endif
