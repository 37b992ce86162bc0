/* Ballots in the database: rounds locked and read, votes kept with the signed request that brought them. */
#include "vote/ballot_store.h"

#include <string.h>

#include "sql_vote.h"

/* The columns of a ballot's votes, one array each. */
struct ballot_columns {
	size_t count;
	struct round_key keys[BALLOT_VOTES_MAX];
	int32_t rounds[BALLOT_VOTES_MAX], choices[BALLOT_VOTES_MAX];
	int64_t sequences[BALLOT_VOTES_MAX];
	struct sha256 secrets[BALLOT_VOTES_MAX]; /* commitments or salts */
	bool firsts[BALLOT_VOTES_MAX];
};

static void columns_add(struct ballot_columns *columns, bool reveal, const struct ballot_vote *vote, bool first)
{
	size_t i = columns->count++;
	columns->keys[i] = vote->key;
	columns->rounds[i] = vote->key.round;
	columns->choices[i] = vote->choice;
	columns->sequences[i] = vote->sequence;
	memcpy(columns->secrets[i].bytes, reveal ? vote->salt.bytes : vote->commitment.bytes, ID_BYTES);
	columns->firsts[i] = first;
}

static void columns_args_keys(struct db_args *args, const struct ballot_columns *columns)
{
	db_arg_ids(args, columns->keys[0].item.bytes, sizeof columns->keys[0], ID_BYTES, columns->count);
	db_arg_int32s(args, columns->rounds, columns->count);
}

/* The vote of the ballot that a row of the database is about; its first two columns are item and round. */
static struct ballot_place *place_of(const struct ballot *ballot, struct ballot_found *found,
	const struct db_result *result, size_t row, size_t *index)
{
	struct round_key key;
	db_copy_id(result, row, 0, key.item.bytes, ID_BYTES);
	key.round = db_int32(result, row, 1);
	for (size_t i = 0; i < ballot->count; i++)
		if (round_key_equal(&key, &ballot->votes[i].key)) {
			*index = i;
			return &found[i].place;
		}
	wn_assert(!"the database answers with rounds that were asked for");
	return NULL;
}

static void read_seat(const struct db_result *result, size_t row, struct ballot_place *place)
{
	place->seat_found = true;
	place->seat_state = (enum seat_state)db_int32(result, row, 2);
	place->lease_until_ms = db_int64(result, row, 3);
	if (!db_is_null(result, row, 4)) {
		place->last_sequence = db_int64(result, row, 4);
		db_copy_id(result, row, 5, place->last_commitment.bytes, ID_BYTES);
	}
	place->sequence_used = !db_is_null(result, row, 6);
	if (place->sequence_used)
		db_copy_id(result, row, 6, place->sequence_commitment.bytes, ID_BYTES);
	place->revealed = !db_is_null(result, row, 7);
	if (place->revealed) {
		place->choice = db_int32(result, row, 7);
		db_copy_id(result, row, 8, place->salt.bytes, ID_BYTES);
	}
	place->own_item = db_bool(result, row, 9);
}

static bool lock_rounds(struct db *db, struct wn_arena *arena, const struct ballot *ballot,
	const struct ballot_columns *columns, struct ballot_found *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t i;
	db_args_init(&args, arena);
	columns_args_keys(&args, columns);
	if (!db_query(db, &SQL_VOTE_BALLOT_ROUNDS, &args, &result, err))
		return wn_while(err, "lock the ballot's rounds");
	bool ok = true;
	for (size_t row = 0; ok && row < db_rows(result); row++) {
		struct ballot_place *place = place_of(ballot, found, result, row, &i);
		struct wn_slice campaign = db_slice(result, row, 3);
		place->round_found = true;
		place->round_state = (enum round_state)db_int32(result, row, 2);
		place->commit_until_ms = db_int64(result, row, 4);
		place->reveal_until_ms = db_is_null(result, row, 5) ? 0 : db_int64(result, row, 5);
		found[i].campaign = wn_arena_copy(arena, campaign.data, campaign.bytes);
		ok = found[i].campaign || wn_fail(err, WN_FULL, "memory", "no room for the ballot's rounds");
	}
	db_done(result);
	return ok;
}

bool ballot_store_seen(struct db *db, struct wn_arena *arena, const struct ballot *ballot, int64_t size, bool *seen,
	struct wn_error *err)
{
	struct ballot_columns *columns = wn_arena_alloc(arena, sizeof *columns);
	struct db_args args;
	struct db_result *result;
	if (!columns)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
	for (size_t i = 0; i < ballot->count; i++)
		columns_add(columns, ballot->reveal, &ballot->votes[i], false);
	db_args_init(&args, arena);
	columns_args_keys(&args, columns);
	db_arg_int64(&args, size);
	if (!db_query(db, &SQL_VOTE_BALLOT_UNSEEN, &args, &result, err))
		return wn_while(err, "hold the ballot against its checkpoint");
	*seen = db_rows(result) == 0;
	db_done(result);
	return true;
}

bool ballot_store_lock(struct db *db, struct wn_arena *arena, const struct ballot *ballot,
	const struct account_key *voter, struct ballot_found *found, struct wn_error *err)
{
	struct ballot_columns *columns = wn_arena_alloc(arena, sizeof *columns);
	struct db_args args;
	struct db_result *result;
	size_t index;
	if (!columns)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
	memset(found, 0, ballot->count * sizeof *found);
	for (size_t i = 0; i < ballot->count; i++)
		columns_add(columns, ballot->reveal, &ballot->votes[i], false);
	if (!lock_rounds(db, arena, ballot, columns, found, err))
		return false;
	db_args_init(&args, arena);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	columns_args_keys(&args, columns);
	db_arg_int64s(&args, columns->sequences, columns->count);
	if (!db_query(db, &SQL_VOTE_BALLOT_SEATS, &args, &result, err))
		return wn_while(err, "read the ballot's seats");
	for (size_t row = 0; row < db_rows(result); row++)
		read_seat(result, row, place_of(ballot, found, result, row, &index));
	db_done(result);
	return true;
}

bool ballot_store_keep(struct db *db, struct wn_arena *arena, const struct ballot *ballot,
	const struct ballot_found *found, const enum ballot_result *results, const struct ballot_evidence *evidence,
	struct wn_error *err)
{
	struct ballot_columns *columns = wn_arena_alloc(arena, sizeof *columns);
	struct db_args args;
	if (!columns)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
	for (size_t i = 0; i < ballot->count; i++)
		if (results[i] == BALLOT_OK)
			columns_add(
				columns, ballot->reveal, &ballot->votes[i], found[i].place.seat_state == SEAT_LEASED);
	if (columns->count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_bytes(&args, evidence->id.bytes, ID_BYTES);
	db_arg_bytes(&args, evidence->voter.bytes, ID_BYTES);
	db_arg_bytes(&args, evidence->base.data, evidence->base.bytes);
	db_arg_bytes(&args, evidence->signature.bytes, SIGNATURE_BYTES);
	db_arg_bytes(&args, evidence->body.data, evidence->body.bytes);
	db_arg_int64(&args, evidence->received_ms);
	columns_args_keys(&args, columns);
	if (ballot->reveal)
		db_arg_int32s(&args, columns->choices, columns->count);
	else
		db_arg_int64s(&args, columns->sequences, columns->count);
	db_arg_ids(&args, columns->secrets[0].bytes, sizeof columns->secrets[0], ID_BYTES, columns->count);
	if (!ballot->reveal)
		db_arg_bools(&args, columns->firsts, columns->count);
	return db_query(db, ballot->reveal ? &SQL_VOTE_BALLOT_REVEAL : &SQL_VOTE_BALLOT_COMMIT, &args, NULL, err) ||
	       wn_while(err, "keep the ballot");
}
