/* The bond behind a seat: how much, how it is locked, how it comes back. */
#include "vote/seat_bond.h"

#include <string.h>

#include "reward/ledger_store.h"

enum { SEAT_BOND_PAYS = 12 };

int64_t seat_bond_units(const struct campaign *campaign, const struct policy *policy)
{
	int64_t units = policy->seat_bond_floor;
	if (campaign->seat_bond > units)
		units = campaign->seat_bond;
	if (campaign->seat_pay > INT64_MAX / SEAT_BOND_PAYS)
		return INT64_MAX; /* nobody can post it: the campaign's figure is absurd, not the sum wrong */
	return campaign->seat_pay * SEAT_BOND_PAYS > units ? campaign->seat_pay * SEAT_BOND_PAYS : units;
}

static void refs(struct transfer *out, const struct round_key *key, const struct account_key *voter)
{
	memset(out, 0, sizeof *out);
	out->debit.kind = LEDGER_STAKE;
	out->credit.kind = LEDGER_BOND;
	memcpy(out->debit.owner, voter->bytes, ID_BYTES);
	memcpy(out->credit.owner, voter->bytes, ID_BYTES);
	memcpy(out->subject, key->item.bytes, ID_BYTES);
	out->epoch = -1;
}

void seat_bond_transfer(
	struct transfer *out, const struct round_key *key, const struct account_key *voter, int64_t units)
{
	refs(out, key, voter);
	transfer_id_of(&out->id, "seat", key->item.bytes, voter->bytes, (uint64_t)key->round);
	out->step = TRANSFER_PENDING;
	out->amount = units;
	out->cause = "seat";
}

bool seat_bonds_release(struct db *db, struct wn_arena *arena, const struct seat_left *left, size_t count,
	int64_t now_ms, struct wn_error *err)
{
	struct transfer *transfers = wn_arena_array(arena, count, sizeof *transfers);
	enum transfer_result *results = wn_arena_array(arena, count, sizeof *results);
	if (!transfers || !results)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu bonds", count);
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (!left[i].has_bond)
			continue;
		struct transfer *transfer = &transfers[used++];
		refs(transfer, &left[i].key, &left[i].voter);
		transfer_id_of(&transfer->id, "seat/left", left[i].key.item.bytes, left[i].voter.bytes,
			(uint64_t)left[i].key.round);
		transfer->step = TRANSFER_VOID;
		memcpy(transfer->pending_id.bytes, left[i].bond, 32);
		transfer->cause = "seat/left";
	}
	if (used == 0)
		return true;
	if (!ledger_store_post(db, arena, transfers, used, now_ms, results, err))
		return wn_while(err, "give seat bonds back");
	for (size_t i = 0; i < used; i++)
		wn_assert(results[i] == TRANSFER_DONE || results[i] == TRANSFER_REPEATED);
	return true;
}
