/* A ballot's text and the judgement of each of its votes against round and seat. Pure: the simulation runs it too. */
#include "vote/ballot.h"

#include <string.h>

#include "vote/commitment.h"

/* ---- text ---- */

static bool vote_hex(const struct json *vote, const char *name, void *out)
{
	const char *text = json_string(json_get(vote, name));
	return text && hex_read(out, ID_BYTES, text, strlen(text));
}

static bool vote_number(const struct json *vote, const char *name, int64_t least, int64_t most, int64_t *out)
{
	return json_integer(json_get(vote, name), out) && *out >= least && *out <= most;
}

static bool vote_parse(const struct json *json, bool reveal, struct ballot_vote *out)
{
	static const char *const commit_members[] = {"item_id", "round", "sequence", "commitment", NULL};
	static const char *const reveal_members[] = {"item_id", "round", "choice", "salt", NULL};
	struct wn_slice unknown;
	int64_t round, choice;
	memset(out, 0, sizeof *out);
	if (!json_only_members(json, reveal ? reveal_members : commit_members, &unknown) ||
		!vote_hex(json, "item_id", out->key.item.bytes) || !vote_number(json, "round", 1, INT32_MAX, &round))
		return false;
	out->key.round = (int32_t)round;
	if (!reveal)
		return vote_number(json, "sequence", 1, BALLOT_SEQUENCE_MAX, &out->sequence) &&
		       vote_hex(json, "commitment", out->commitment.bytes);
	if (!vote_number(json, "choice", 0, UINT8_MAX, &choice))
		return false;
	out->choice = (int32_t)choice;
	return vote_hex(json, "salt", out->salt.bytes);
}

bool ballot_parse(const struct json *body, struct ballot *out, struct wn_error *err)
{
	static const char *const members[] = {"phase", "votes", NULL};
	struct wn_slice unknown;
	if (!json_only_members(body, members, &unknown))
		return wn_fail(err, WN_INPUT, "ballot_member", "a ballot has phase and votes, nothing else");
	const char *phase = json_string(json_get(body, "phase"));
	if (!phase || (strcmp(phase, "commit") != 0 && strcmp(phase, "reveal") != 0))
		return wn_fail(err, WN_INPUT, "ballot_phase", "phase is \"commit\" or \"reveal\"");
	const struct json *votes = json_get(body, "votes");
	if (!votes || votes->type != JSON_ARRAY || votes->count == 0 || votes->count > BALLOT_VOTES_MAX)
		return wn_fail(err, WN_INPUT, "ballot_votes", "votes holds 1 to %d votes", BALLOT_VOTES_MAX);
	out->reveal = strcmp(phase, "reveal") == 0;
	out->count = votes->count;
	for (size_t i = 0; i < out->count; i++) {
		if (!vote_parse(votes->elements[i], out->reveal, &out->votes[i]))
			return wn_fail(err, WN_INPUT, "ballot_vote", "votes[%zu] is not %s", i,
				out->reveal ? "{item_id, round, choice, salt}"
					    : "{item_id, round, sequence from 1 to 8, commitment}");
		for (size_t j = 0; j < i; j++)
			if (round_key_equal(&out->votes[i].key, &out->votes[j].key))
				return wn_fail(err, WN_INPUT, "ballot_twice",
					"votes[%zu] and votes[%zu] name the same round", j, i);
	}
	return true;
}

/* ---- judgement ---- */

static const struct ballot_answer ballot_answers[BALLOT_RESULTS] = {
	[BALLOT_OK] = {"ok", 200, "counted"},
	[BALLOT_REPEATED] = {"repeated", 200, "counted before"},
	[BALLOT_ROUND_UNKNOWN] = {"round_unknown", 404, "there is no such round"},
	[BALLOT_SEAT_MISSING] = {"no_seat", 403, "you hold no seat in this round"},
	[BALLOT_OWN_ITEM] = {"own_item", 403, "nobody judges an item of their own"},
	[BALLOT_JAILED] = {"jailed", 403, "your known-answer record fell too low: requalify first"},
	[BALLOT_LEASE_OVER] = {"lease_over", 409, "the time to vote on this seat is over; the deposit went back"},
	[BALLOT_COMMIT_CLOSED] = {"commit_closed", 409, "the round takes no more sealed votes"},
	[BALLOT_SEQUENCE_TAKEN] = {"sequence_taken", 409, "another sealed vote of yours has this sequence number"},
	[BALLOT_SEQUENCE_OLD] = {"sequence_old", 409,
		"a later sealed vote of yours counts: take a higher sequence number"},
	[BALLOT_COMMIT_MISSING] = {"commit_missing", 409, "you sealed no vote in this round"},
	[BALLOT_REVEAL_EARLY] = {"reveal_early", 409, "sealed votes are opened after the commit phase closed"},
	[BALLOT_REVEALED_OTHERWISE] = {"revealed_otherwise", 409, "you opened this vote already, with other content"},
	[BALLOT_REVEAL_CLOSED] = {"reveal_closed", 409, "the round is over"},
	[BALLOT_CHOICE_UNKNOWN] = {"choice_unknown", 422, "choice is no class of this campaign"},
	[BALLOT_COMMITMENT_DIFFERS] = {"commitment_differs", 422,
		"choice and salt do not open the sealed vote that counts"},
};

const struct ballot_answer *ballot_answer(enum ballot_result result)
{
	wn_assert(result >= 0 && result < BALLOT_RESULTS);
	return &ballot_answers[result];
}

static enum ballot_result commit_check(const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms)
{
	bool same =
		place->sequence_used && memcmp(place->sequence_commitment.bytes, vote->commitment.bytes, ID_BYTES) == 0;
	if (same)
		return BALLOT_REPEATED;
	if (voter->jailed)
		return BALLOT_JAILED;
	if (place->seat_state == SEAT_LAPSED || (place->seat_state == SEAT_LEASED && place->lease_until_ms <= now_ms))
		return BALLOT_LEASE_OVER;
	if (place->round_state != ROUND_COMMIT || place->commit_until_ms <= now_ms)
		return BALLOT_COMMIT_CLOSED;
	if (place->sequence_used)
		return BALLOT_SEQUENCE_TAKEN;
	return vote->sequence < place->last_sequence ? BALLOT_SEQUENCE_OLD : BALLOT_OK;
}

static enum ballot_result reveal_check(const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms)
{
	struct sha256 commitment;
	if (place->revealed && place->choice == vote->choice &&
		memcmp(place->salt.bytes, vote->salt.bytes, ID_BYTES) == 0)
		return BALLOT_REPEATED;
	if (place->last_sequence == 0)
		return BALLOT_COMMIT_MISSING;
	if (place->round_state == ROUND_COMMIT)
		return BALLOT_REVEAL_EARLY;
	if (place->revealed)
		return BALLOT_REVEALED_OTHERWISE;
	if (place->round_state != ROUND_REVEAL || place->reveal_until_ms <= now_ms)
		return BALLOT_REVEAL_CLOSED;
	if (vote->choice >= place->classes)
		return BALLOT_CHOICE_UNKNOWN;
	vote_commitment(&voter->network, &vote->key.item, (uint32_t)vote->key.round, &voter->key, (uint8_t)vote->choice,
		&vote->salt, &commitment);
	return memcmp(commitment.bytes, place->last_commitment.bytes, ID_BYTES) == 0 ? BALLOT_OK
										     : BALLOT_COMMITMENT_DIFFERS;
}

enum ballot_result ballot_check(bool reveal, const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms)
{
	if (!place->round_found)
		return BALLOT_ROUND_UNKNOWN;
	if (!place->seat_found || place->seat_state == SEAT_SKIPPED)
		return BALLOT_SEAT_MISSING;
	if (place->own_item)
		return BALLOT_OWN_ITEM;
	return reveal ? reveal_check(vote, place, voter, now_ms) : commit_check(vote, place, voter, now_ms);
}
