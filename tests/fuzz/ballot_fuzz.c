/* Fuzz entry: the body of POST /v1/ballots; what is accepted stays within its limits and judges without a broken
 * promise. */
#include "vote/ballot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_ARENA_MAX = 16 << 20, FUZZ_NOW_MS = 1000 };
	static struct ballot ballot;
	const struct json *body;
	struct wn_arena arena;
	struct wn_error err = {0};
	wn_arena_init(&arena, FUZZ_ARENA_MAX);
	if (!json_parse(&arena, (const char *)data, bytes, &body, &err) || !ballot_parse(body, &ballot, &err)) {
		wn_assert(err.blame == WN_INPUT || err.blame == WN_FULL);
		wn_assert(err.code[0] != '\0');
		wn_arena_free(&arena);
		return 0;
	}
	wn_assert(ballot.count >= 1 && ballot.count <= BALLOT_VOTES_MAX);
	struct ballot_voter voter = {.jailed = bytes % 2 == 0};
	struct ballot_place place = {.round_found = true,
		.round_state = ballot.reveal ? ROUND_REVEAL : ROUND_COMMIT,
		.commit_until_ms = FUZZ_NOW_MS + 1,
		.reveal_until_ms = FUZZ_NOW_MS + 1,
		.classes = 2,
		.seat_found = true,
		.seat_state = ballot.reveal ? SEAT_COMMITTED : SEAT_LEASED,
		.lease_until_ms = FUZZ_NOW_MS + 1,
		.last_sequence = ballot.reveal};
	for (size_t i = 0; i < ballot.count; i++) {
		const struct ballot_vote *vote = &ballot.votes[i];
		wn_assert(vote->key.round >= 1);
		wn_assert(ballot.reveal || (vote->sequence >= 1 && vote->sequence <= BALLOT_SEQUENCE_MAX));
		wn_assert(ballot_answer(ballot_check(ballot.reveal, vote, &place, &voter, FUZZ_NOW_MS))->word);
	}
	wn_arena_free(&arena);
	return 0;
}
