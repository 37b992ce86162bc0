/* The rules of ballots, panels, hashes and draws once more. */
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "tests/sim/model.h"

typedef unsigned __int128 wide;

enum { ENTRIES_MAX = 64 };

/* ---- ballots and panels ---- */

enum ballot_result model_ballot(bool reveal, const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms)
{
	bool holds = place->seat_found && place->seat_state != SEAT_SKIPPED;
	if (!place->round_found || !holds || place->own_item)
		return !place->round_found ? BALLOT_ROUND_UNKNOWN : !holds ? BALLOT_SEAT_MISSING : BALLOT_OWN_ITEM;
	if (!reveal) {
		bool leased = place->seat_state == SEAT_LEASED && now_ms < place->lease_until_ms;
		bool seated = place->seat_state == SEAT_COMMITTED || place->seat_state == SEAT_REVEALED;
		bool open = place->round_state == ROUND_COMMIT && now_ms < place->commit_until_ms;
		if (place->sequence_used && memcmp(place->sequence_commitment.bytes, vote->commitment.bytes, 32) == 0)
			return BALLOT_REPEATED;
		if (voter->jailed)
			return BALLOT_JAILED;
		if (!leased && !seated)
			return BALLOT_LEASE_OVER;
		if (!open)
			return BALLOT_COMMIT_CLOSED;
		if (place->sequence_used)
			return BALLOT_SEQUENCE_TAKEN;
		return vote->sequence > place->last_sequence ? BALLOT_OK : BALLOT_SEQUENCE_OLD;
	}
	bool opened_so = place->revealed && place->choice == vote->choice &&
			 memcmp(place->salt.bytes, vote->salt.bytes, 32) == 0;
	if (opened_so)
		return BALLOT_REPEATED;
	if (place->last_sequence < 1)
		return BALLOT_COMMIT_MISSING;
	if (place->round_state == ROUND_COMMIT)
		return BALLOT_REVEAL_EARLY;
	if (place->revealed)
		return BALLOT_REVEALED_OTHERWISE;
	if (place->round_state != ROUND_REVEAL || now_ms >= place->reveal_until_ms)
		return BALLOT_REVEAL_CLOSED;
	if (vote->choice < 0 || vote->choice >= place->classes)
		return BALLOT_CHOICE_UNKNOWN;
	struct sha256 opened;
	model_commitment(&voter->network, &vote->key.item, (uint32_t)vote->key.round, &voter->key,
		(uint8_t)vote->choice, &vote->salt, &opened);
	return memcmp(opened.bytes, place->last_commitment.bytes, 32) == 0 ? BALLOT_OK : BALLOT_COMMITMENT_DIFFERS;
}

enum panel_step model_phase_over(bool reveal, enum round_kind kind, int seats, int came, const struct panel_past *past)
{
	int needed = kind == ROUND_AUDIT ? 1 : seats < 3 ? seats : 3;
	if (came >= needed)
		return reveal ? PANEL_TALLY : PANEL_REVEAL;
	if (kind == ROUND_AUDIT)
		return PANEL_VOID;
	if (past->voided == 0)
		return PANEL_REDRAW;
	return past->tallied == 0 ? PANEL_VOID : PANEL_KEEP;
}

bool model_escalates(const struct campaign *campaign, int64_t margin, int panels)
{
	return panels == 1 && campaign->escalate > 0 && margin < 5 * 65536;
}

bool model_proven(int64_t gold_votes, int64_t gold_right)
{
	return gold_votes >= 24 && gold_right * 5 >= gold_votes * 3;
}

bool model_settles(int64_t scored, int64_t since, int64_t epoch)
{
	return scored >= 50 || (scored > 0 && epoch >= since + 24);
}

bool model_unbonded_settles(const struct campaign *campaign, int64_t scored, int64_t points, bool earned)
{
	/* Whose pool follows what settles: nothing is lost by leaving, and no loss is left behind for nothing. */
	if (campaign->panel_mode == PANEL_DRAWN || scored == 0)
		return false;
	return points < 0 ? earned : true;
}

bool model_skip_allowed(int64_t skipped, int64_t taken)
{
	/* Two are always allowed, then one in ten. */
	return skipped <= 2 || skipped * 10 <= taken;
}

int64_t model_bond(const struct campaign *campaign, const struct policy *policy)
{
	wide twelve = (wide)campaign->seat_pay * 12, units = (wide)policy->seat_bond_floor;
	if ((wide)campaign->seat_bond > units)
		units = (wide)campaign->seat_bond;
	if (twelve > units)
		units = twelve;
	return units > INT64_MAX ? INT64_MAX : (int64_t)units;
}

int model_audit_class(int classes, const uint32_t *votes)
{
	for (int a = 0; a < classes; a++) {
		bool most = votes[a] > 0;
		for (int b = 0; b < classes; b++)
			most = most && (b == a || votes[b] < votes[a]);
		if (most)
			return a;
	}
	return -1;
}

size_t model_gold_count(size_t items, int64_t ppm)
{
	wide parts = (wide)items * (wide)ppm;
	return (size_t)(parts / 1000000) + (parts % 1000000 != 0);
}

/* ---- hashes: byte layouts spelled out ---- */

/* Appends; returns the new length. */
static size_t put(uint8_t *bytes, size_t at, const void *more, size_t count)
{
	memcpy(bytes + at, more, count);
	return at + count;
}

static size_t put_number(uint8_t *bytes, size_t at, uint64_t value, int width)
{
	for (int i = 0; i < width; i++)
		bytes[at++] = (uint8_t)(value >> 8 * i);
	return at;
}

void model_salt(const uint8_t seed[32], const struct network_id *network, const struct item_id *item, uint32_t round,
	uint64_t sequence, const struct account_key *voter, struct salt *out)
{
	/* HMAC spelled out: RFC 2104 over SHA-256 with a key of 32 bytes. */
	uint8_t inner[64 + 128], outer[64 + 32];
	struct sha256 hash;
	for (int i = 0; i < 64; i++) {
		inner[i] = (uint8_t)((i < 32 ? seed[i] : 0) ^ 0x36);
		outer[i] = (uint8_t)((i < 32 ? seed[i] : 0) ^ 0x5c);
	}
	size_t at = put(inner, 64, "winnow/salt/v1", 15);
	at = put(inner, at, network, 32);
	at = put(inner, at, item, 32);
	at = put_number(inner, at, round, 4);
	at = put_number(inner, at, sequence, 8);
	at = put(inner, at, voter, 32);
	sha256_of(inner, at, &hash);
	memcpy(outer + 64, hash.bytes, 32);
	sha256_of(outer, sizeof outer, &hash);
	memcpy(out->bytes, hash.bytes, 32);
}

void model_commitment(const struct network_id *network, const struct item_id *item, uint32_t round,
	const struct account_key *voter, uint8_t choice, const struct salt *salt, struct sha256 *out)
{
	uint8_t bytes[160];
	size_t at = put(bytes, 0, "winnow/vote/v1", 15);
	at = put(bytes, at, network, 32);
	at = put(bytes, at, item, 32);
	at = put_number(bytes, at, round, 4);
	at = put(bytes, at, voter, 32);
	bytes[at++] = choice;
	at = put(bytes, at, salt, 32);
	sha256_of(bytes, at, out);
}

void model_beacon(const struct network_id *network, uint64_t epoch, const struct sha256 *layer,
	const struct sha256 *revealed, struct sha256 *out)
{
	uint8_t bytes[160];
	size_t at = put(bytes, 0, "winnow/beacon/v1", 17);
	at = put(bytes, at, network, 32);
	at = put_number(bytes, at, epoch, 8);
	at = put(bytes, at, layer, 32);
	at = put(bytes, at, revealed, 32);
	sha256_of(bytes, at, out);
}

static bool leaf_before(const struct commitment_leaf *a, const struct commitment_leaf *b)
{
	int order = memcmp(a->item.bytes, b->item.bytes, 32);
	if (order == 0 && a->round != b->round)
		order = a->round < b->round ? -1 : 1;
	if (order == 0)
		order = memcmp(a->voter.bytes, b->voter.bytes, 32);
	return order < 0;
}

/* Level by level in place, a last odd node goes up as it is: RFC 9162's tree. */
static void tree_of(struct sha256 *level, size_t count, struct sha256 *out)
{
	sha256_of("", 0, out);
	for (size_t n = count; n > 1; n = (n + 1) / 2)
		for (size_t i = 0; i < n; i += 2) {
			uint8_t bytes[65] = {1};
			memcpy(bytes + 1, level[i].bytes, 32);
			if (i + 1 < n)
				memcpy(bytes + 33, level[i + 1].bytes, 32);
			if (i + 1 < n)
				sha256_of(bytes, 65, &level[i / 2]);
			else
				level[i / 2] = level[i];
		}
	if (count > 0)
		*out = level[0];
}

void model_tree(const struct sha256 *leaves, size_t count, struct sha256 *out)
{
	struct sha256 *level = calloc(count + 1, sizeof *level);
	wn_assert(level != NULL);
	if (count > 0)
		memcpy(level, leaves, count * sizeof *level);
	tree_of(level, count, out);
	free(level);
}

void model_root(const struct commitment_leaf *leaves, size_t count, struct sha256 *out)
{
	struct sha256 *level = calloc(count + 1, sizeof *level);
	wn_assert(level != NULL);
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[128];
		size_t place = 0, at = 1;
		for (size_t j = 0; j < count; j++)
			place += leaf_before(&leaves[j], &leaves[i]);
		bytes[0] = 0;
		at = put(bytes, at, leaves[i].item.bytes, 32);
		at = put_number(bytes, at, leaves[i].round, 4);
		at = put(bytes, at, leaves[i].voter.bytes, 32);
		at = put(bytes, at, leaves[i].value.bytes, 32);
		sha256_of(bytes, at, &level[place]);
	}
	tree_of(level, count, out);
	free(level);
}

/* ---- draws ---- */

const char *model_gold_differs(const struct sha256 *beacon, int classes, const struct gold_candidate *candidates,
	size_t count, size_t wanted, const uint32_t *picked, size_t picked_count)
{
	bool *gone = calloc(count + 1, sizeof *gone);
	struct sha256 *hashes = calloc(count + 1, sizeof *hashes);
	const char *differs = NULL;
	size_t found = 0;
	wn_assert(gone && hashes);
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[96];
		size_t at = put(bytes, 0, "winnow/gold/v1", 15);
		at = put(bytes, at, beacon, 32);
		at = put(bytes, at, &candidates[i].item, 32);
		sha256_of(bytes, at, &hashes[i]);
	}
	if (picked_count != (wanted < count ? wanted : count))
		differs = "number of known-answer items";
	for (int a = 0; !differs && found < picked_count; a = (a + 1) % classes) {
		size_t best = SIZE_MAX;
		for (size_t i = 0; i < count; i++)
			if (!gone[i] && candidates[i].class == a &&
				(best == SIZE_MAX || memcmp(hashes[i].bytes, hashes[best].bytes, 32) < 0))
				best = i;
		if (best == SIZE_MAX)
			continue;
		gone[best] = true;
		if (picked[found++] != best)
			differs = "choice of known-answer items";
	}
	free(gone);
	free(hashes);
	return differs;
}

const char *model_draw_differs(const struct sortition_entry *entries, size_t count, const struct sha256 *beacon,
	const struct item_id *item, uint32_t round, size_t seats, const struct account_key *excluded,
	size_t excluded_count, const struct sortition_draw *got)
{
	uint64_t tickets[ENTRIES_MAX], words[4] = {0};
	size_t order[ENTRIES_MAX], drawn = 0;
	struct sha256 seed, block;
	uint8_t bytes[96];
	uint32_t counter = 0;
	int left = 0;
	wn_assert(count <= ENTRIES_MAX);
	size_t at = put(bytes, 0, "winnow/sort/v1", 15);
	at = put(bytes, at, beacon, 32);
	at = put(bytes, at, item, 32);
	at = put_number(bytes, at, round, 4);
	sha256_of(bytes, at, &seed);
	for (size_t i = 0; i < count; i++) {
		size_t place = 0;
		for (size_t j = 0; j < count; j++)
			place += memcmp(entries[j].validator.bytes, entries[i].validator.bytes, 32) < 0;
		order[place] = i;
		tickets[i] = entries[i].tickets;
		for (size_t j = 0; j < excluded_count; j++)
			if (memcmp(excluded[j].bytes, entries[i].validator.bytes, 32) == 0)
				tickets[i] = 0;
	}
	while (drawn < seats) {
		wide total = 0, running = 0;
		for (size_t i = 0; i < count; i++)
			total += tickets[i];
		if (total == 0)
			break;
		wide word;
		do {
			if (left == 0) {
				at = put(bytes, 0, seed.bytes, 32);
				at = put_number(bytes, at, counter++, 4);
				sha256_of(bytes, at, &block);
				memcpy(words, block.bytes, 32);
				left = 4;
			}
			word = words[4 - left--];
		} while (word >= ((wide)1 << 64) / total * total);
		size_t place = 0;
		for (;; place++) {
			running += tickets[order[place]];
			if (running > word % total)
				break;
		}
		if (drawn >= got->count ||
			memcmp(got->validators[drawn].bytes, entries[order[place]].validator.bytes, 32) != 0)
			return "a drawn seat";
		tickets[order[place]] = 0;
		drawn++;
	}
	return got->count == drawn ? NULL : "number of drawn seats";
}
