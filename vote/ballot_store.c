/* Ballots in the database: rounds locked and read, votes kept with the signed requests that brought them. */
#include "vote/ballot_store.h"

#include <string.h>

#include "sql_vote.h"

/* Votes of a batch as the statements take them: one array a column. */
struct vote_columns {
	size_t count;
	struct round_key *keys;
	int32_t *rounds, *choices;
	struct account_key *voters;
	struct sha256 *ballots, *secrets; /* commitments or salts */
	int64_t *sequences, *sizes;
	bool *firsts;
	/* where each vote came from */
	struct ballot_request **requests;
	size_t *places;
};

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the ballots");
}

static bool columns_open(struct vote_columns *columns, struct wn_arena *arena, size_t room, struct wn_error *err)
{
	*columns = (struct vote_columns){
		.keys = wn_arena_array(arena, room, sizeof *columns->keys),
		.rounds = wn_arena_array(arena, room, sizeof *columns->rounds),
		.choices = wn_arena_array(arena, room, sizeof *columns->choices),
		.voters = wn_arena_array(arena, room, sizeof *columns->voters),
		.ballots = wn_arena_array(arena, room, sizeof *columns->ballots),
		.secrets = wn_arena_array(arena, room, sizeof *columns->secrets),
		.sequences = wn_arena_array(arena, room, sizeof *columns->sequences),
		.sizes = wn_arena_array(arena, room, sizeof *columns->sizes),
		.firsts = wn_arena_array(arena, room, sizeof *columns->firsts),
		.requests = wn_arena_array(arena, room, sizeof *columns->requests),
		.places = wn_arena_array(arena, room, sizeof *columns->places),
	};
	return (columns->keys && columns->rounds && columns->choices && columns->voters && columns->ballots &&
		       columns->secrets && columns->sequences && columns->sizes && columns->firsts &&
		       columns->requests && columns->places) ||
	       no_room(err);
}

static void columns_add(struct vote_columns *columns, struct ballot_request *request, size_t place)
{
	const struct ballot_vote *vote = &request->ballot.votes[place];
	size_t i = columns->count++;
	columns->keys[i] = vote->key;
	columns->rounds[i] = vote->key.round;
	columns->choices[i] = vote->choice;
	columns->voters[i] = request->evidence.voter;
	columns->ballots[i] = request->evidence.id;
	memcpy(columns->secrets[i].bytes, request->ballot.reveal ? vote->salt.bytes : vote->commitment.bytes, ID_BYTES);
	columns->sequences[i] = vote->sequence;
	columns->sizes[i] = request->seen_size;
	columns->firsts[i] = request->found[place].place.seat_state == SEAT_LEASED;
	columns->requests[i] = request;
	columns->places[i] = place;
}

/* All votes of all requests, or only those that count. */
static bool columns_fill(struct vote_columns *columns, struct wn_arena *arena, struct ballot_request *const requests[],
	size_t count, bool counted, struct wn_error *err)
{
	size_t votes = 0;
	for (size_t i = 0; i < count; i++) {
		wn_assert(requests[i]->ballot.reveal == requests[0]->ballot.reveal);
		votes += requests[i]->ballot.count;
	}
	if (!columns_open(columns, arena, votes, err))
		return false;
	for (size_t i = 0; i < count; i++)
		for (size_t place = 0; place < requests[i]->ballot.count; place++)
			if (!counted || requests[i]->results[place] == BALLOT_OK)
				columns_add(columns, requests[i], place);
	return true;
}

static void columns_args_keys(struct db_args *args, const struct vote_columns *columns)
{
	db_arg_ids(args, columns->keys[0].item.bytes, sizeof columns->keys[0], ID_BYTES, columns->count);
	db_arg_int32s(args, columns->rounds, columns->count);
}

static void columns_args_voters(struct db_args *args, const struct vote_columns *columns)
{
	db_arg_ids(args, columns->voters, sizeof *columns->voters, ID_BYTES, columns->count);
}

/* The vote that a row is about: its first column is the place in the columns, from 1. */
static size_t row_index(const struct vote_columns *columns, const struct db_result *result, size_t row)
{
	size_t i = (size_t)db_int32(result, row, 0) - 1;
	wn_assert(i < columns->count);
	return i;
}

static struct ballot_found *row_found(const struct vote_columns *columns, const struct db_result *result, size_t row)
{
	size_t i = row_index(columns, result, row);
	return &columns->requests[i]->found[columns->places[i]];
}

static void read_seat(const struct db_result *result, size_t row, struct ballot_place *place)
{
	place->seat_found = true;
	place->seat_state = (enum seat_state)db_int32(result, row, 1);
	place->lease_until_ms = db_int64(result, row, 2);
	place->own_item = db_bool(result, row, 3);
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
}

static bool lock_rounds(struct db *db, struct wn_arena *arena, const struct vote_columns *columns, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	columns_args_keys(&args, columns);
	if (!db_query(db, &SQL_VOTE_BALLOT_ROUNDS, &args, &result, err))
		return wn_while(err, "lock the ballots' rounds");
	bool ok = true;
	for (size_t row = 0; ok && row < db_rows(result); row++) {
		struct ballot_found *found = row_found(columns, result, row);
		struct wn_slice campaign = db_slice(result, row, 2);
		found->place.round_found = true;
		found->place.round_state = (enum round_state)db_int32(result, row, 1);
		found->place.commit_until_ms = db_int64(result, row, 3);
		found->place.reveal_until_ms = db_is_null(result, row, 4) ? 0 : db_int64(result, row, 4);
		found->campaign = wn_arena_copy(arena, campaign.data, campaign.bytes);
		ok = found->campaign || no_room(err);
	}
	db_done(result);
	return ok;
}

bool ballot_store_seen(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err)
{
	struct vote_columns columns;
	struct db_args args;
	struct db_result *result;
	if (!columns_fill(&columns, arena, requests, count, false, err))
		return false;
	db_args_init(&args, arena);
	columns_args_keys(&args, &columns);
	db_arg_int64s(&args, columns.sizes, columns.count);
	if (!db_query(db, &SQL_VOTE_BALLOT_UNSEEN, &args, &result, err))
		return wn_while(err, "hold ballots against their checkpoints");
	for (size_t row = 0; row < db_rows(result); row++)
		columns.requests[row_index(&columns, result, row)]->unseen = true;
	db_done(result);
	return true;
}

bool ballot_store_lock(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err)
{
	struct vote_columns columns;
	struct db_args args;
	struct db_result *result;
	/* A batch may be tried again, and by then all may be otherwise. */
	for (size_t i = 0; i < count; i++)
		memset(requests[i]->found, 0, requests[i]->ballot.count * sizeof *requests[i]->found);
	if (!columns_fill(&columns, arena, requests, count, false, err) || !lock_rounds(db, arena, &columns, err))
		return false;
	db_args_init(&args, arena);
	columns_args_keys(&args, &columns);
	columns_args_voters(&args, &columns);
	db_arg_int64s(&args, columns.sequences, columns.count);
	if (!db_query(db, &SQL_VOTE_BALLOT_SEATS, &args, &result, err))
		return wn_while(err, "read the ballots' seats");
	for (size_t row = 0; row < db_rows(result); row++)
		read_seat(result, row, &row_found(&columns, result, row)->place);
	db_done(result);
	return true;
}

static bool request_counts(const struct ballot_request *request)
{
	for (size_t i = 0; i < request->ballot.count; i++)
		if (request->results[i] == BALLOT_OK)
			return true;
	return false;
}

static bool args_evidence(
	struct db_args *args, struct ballot_request *const requests[], size_t count, struct wn_error *err)
{
	struct wn_arena *arena = args->arena;
	struct sha256 *ids = wn_arena_array(arena, count, sizeof *ids);
	struct account_key *voters = wn_arena_array(arena, count, sizeof *voters);
	struct signature *signatures = wn_arena_array(arena, count, sizeof *signatures);
	struct wn_slice *bases = wn_arena_array(arena, count, sizeof *bases);
	struct wn_slice *bodies = wn_arena_array(arena, count, sizeof *bodies);
	int64_t *times = wn_arena_array(arena, count, sizeof *times);
	size_t kept = 0;
	if (!ids || !voters || !signatures || !bases || !bodies || !times)
		return no_room(err);
	for (size_t i = 0; i < count; i++) {
		const struct ballot_evidence *evidence = &requests[i]->evidence;
		if (!request_counts(requests[i]))
			continue;
		ids[kept] = evidence->id;
		voters[kept] = evidence->voter;
		signatures[kept] = evidence->signature;
		bases[kept] = evidence->base;
		bodies[kept] = evidence->body;
		times[kept++] = evidence->received_ms;
	}
	db_arg_ids(args, ids, sizeof *ids, ID_BYTES, kept);
	db_arg_ids(args, voters, sizeof *voters, ID_BYTES, kept);
	db_arg_bytes_array(args, bases, kept);
	db_arg_ids(args, signatures, sizeof *signatures, SIGNATURE_BYTES, kept);
	db_arg_bytes_array(args, bodies, kept);
	db_arg_int64s(args, times, kept);
	return true;
}

bool ballot_store_keep(struct db *db, struct wn_arena *arena, struct ballot_request *const requests[], size_t count,
	struct wn_error *err)
{
	struct vote_columns columns;
	struct db_args args;
	bool reveal = requests[0]->ballot.reveal;
	if (!columns_fill(&columns, arena, requests, count, true, err))
		return false;
	if (columns.count == 0)
		return true;
	db_args_init(&args, arena);
	if (!args_evidence(&args, requests, count, err))
		return false;
	columns_args_keys(&args, &columns);
	columns_args_voters(&args, &columns);
	db_arg_ids(&args, columns.ballots, sizeof *columns.ballots, ID_BYTES, columns.count);
	if (reveal)
		db_arg_int32s(&args, columns.choices, columns.count);
	else
		db_arg_int64s(&args, columns.sequences, columns.count);
	db_arg_ids(&args, columns.secrets, sizeof *columns.secrets, ID_BYTES, columns.count);
	if (!reveal)
		db_arg_bools(&args, columns.firsts, columns.count);
	return db_query(db, reveal ? &SQL_VOTE_BALLOT_REVEAL : &SQL_VOTE_BALLOT_COMMIT, &args, NULL, err) ||
	       wn_while(err, "keep the ballots");
}
