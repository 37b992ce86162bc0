/* Rounds and seats in the database: opened, taken, left, closed, tallied. Callers hold the transaction. */
#include "vote/round_store.h"

#include <string.h>

#include "sql_vote.h"

bool round_keys_arg(
	struct db_args *args, const struct round_key *first, size_t stride, size_t count, struct wn_error *err)
{
	int32_t *rounds = wn_arena_array(args->arena, count, sizeof *rounds);
	if (!rounds)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu rounds", count);
	for (size_t i = 0; i < count; i++)
		rounds[i] = ((const struct round_key *)((const char *)first + i * stride))->round;
	db_arg_ids(args, first ? first->item.bytes : NULL, stride, ID_BYTES, count);
	db_arg_int32s(args, rounds, count);
	return true;
}

static bool arg_keys(struct db_args *args, const struct round_key *keys, size_t count, struct wn_error *err)
{
	return round_keys_arg(args, keys, sizeof *keys, count, err);
}

static const char *copy_text(struct wn_arena *arena, const struct db_result *result, size_t row, int column)
{
	struct wn_slice text = db_slice(result, row, column);
	return wn_arena_copy(arena, text.data, text.bytes);
}

static void read_key(const struct db_result *result, size_t row, struct round_key *key)
{
	db_copy_id(result, row, 0, key->item.bytes, ID_BYTES);
	key->round = db_int32(result, row, 1);
}

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

bool round_store_open(
	struct db *db, struct wn_arena *arena, const struct round_opening *openings, size_t count, struct wn_error *err)
{
	if (count == 0)
		return true;
	int32_t *numbers = wn_arena_array(arena, count * 3, sizeof *numbers);
	int64_t *times = wn_arena_array(arena, count * 2, sizeof *times);
	struct wn_slice *campaigns = wn_arena_array(arena, count, sizeof *campaigns);
	if (!numbers || !times || !campaigns)
		return no_room(err, "the rounds to open");
	for (size_t i = 0; i < count; i++) {
		numbers[i] = openings[i].key.round;
		numbers[count + i] = openings[i].kind;
		numbers[2 * count + i] = openings[i].seats;
		times[i] = openings[i].opened_ms;
		times[count + i] = openings[i].commit_until_ms;
		campaigns[i] = wn_slice_of(openings[i].campaign);
	}
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, openings[0].key.item.bytes, sizeof *openings, ID_BYTES, count);
	db_arg_int32s(&args, numbers, count);
	db_arg_slices(&args, campaigns, count);
	db_arg_int32s(&args, numbers + count, count);
	db_arg_int32s(&args, numbers + 2 * count, count);
	db_arg_int64s(&args, times, count);
	db_arg_int64s(&args, times + count, count);
	return db_query(db, &SQL_VOTE_ROUND_INSERT, &args, NULL, err) || wn_while(err, "open rounds");
}

bool round_store_waiting(
	struct db *db, struct wn_arena *arena, int most, struct item_waiting **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_EMBEDDED_CLAIM, &args, &result, err))
		return wn_while(err, "claim items that wait for a panel");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].campaign = copy_text(arena, result, i, 1);
	}
	db_done(result);
	return *out || no_room(err, "waiting items");
}

bool round_store_item_states(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	enum item_state from, enum item_state to, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int32(&args, from);
	db_arg_int32(&args, to);
	return db_query(db, &SQL_VOTE_ITEM_STATE_SET, &args, NULL, err) || wn_while(err, "set item states");
}

static bool read_offers(
	struct db_result *result, struct wn_arena *arena, struct seat_offer **out, size_t *found, struct wn_error *err)
{
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		struct seat_offer *offer = &(*out)[i];
		read_key(result, i, &offer->key);
		offer->kind = db_int32(result, i, 2);
		offer->seats = db_int32(result, i, 3);
		offer->taken = db_int32(result, i, 4);
		offer->commit_until_ms = db_int64(result, i, 5);
		db_copy_id(result, i, 6, offer->contributor.bytes, ID_BYTES);
		struct wn_slice content = db_slice(result, i, 7);
		offer->content = (struct wn_slice){wn_arena_copy(arena, content.data, content.bytes), content.bytes};
		offer->item_kind = db_int32(result, i, 8);
		offer->sat = db_bool(result, i, 9);
		if (!offer->content.data)
			*out = NULL;
	}
	db_done(result);
	return *out || no_room(err, "seats");
}

bool seat_store_exclude(struct db *db, struct wn_arena *arena, const struct account_key *voter, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	return db_query(db, &SQL_VOTE_VOTER_EXCLUDE, &args, NULL, err) || wn_while(err, "wait for one's own requests");
}

bool seat_store_pick(struct db *db, struct wn_arena *arena, const char *campaign, const struct item_id *items,
	size_t count, const struct account_key *voter, struct seat_offer **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	return (db_query(db, &SQL_VOTE_SEAT_PICK, &args, &result, err) &&
		       read_offers(result, arena, out, found, err)) ||
	       wn_while(err, "look for the named seats");
}

bool seat_store_assign(struct db *db, struct wn_arena *arena, const char *campaign, const struct account_key *voter,
	int most, int64_t now_ms, bool audits, struct seat_offer **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	db_arg_int32(&args, most);
	db_arg_int64(&args, now_ms);
	db_arg_bool(&args, audits);
	return (db_query(db, &SQL_VOTE_SEAT_ASSIGN, &args, &result, err) &&
		       read_offers(result, arena, out, found, err)) ||
	       wn_while(err, "look for free seats");
}

/* Adds `change` to the places taken of each round. */
static bool add_taken(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count, int change,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	db_arg_int32(&args, change);
	return db_query(db, &SQL_VOTE_ROUND_TAKEN, &args, NULL, err) || wn_while(err, "count the seats taken");
}

bool seat_store_take(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	const struct account_key *voter, int64_t lease_until_ms, const uint8_t (*bonds)[32], struct wn_error *err)
{
	if (count == 0)
		return true;
	struct wn_slice *bond_slices = wn_arena_array(arena, count, sizeof *bond_slices);
	if (!bond_slices)
		return no_room(err, "seat bonds");
	for (size_t i = 0; bonds && i < count; i++)
		bond_slices[i] = (struct wn_slice){(const char *)bonds[i], 32};
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	db_arg_int64(&args, lease_until_ms);
	db_arg_bytes_array(&args, bond_slices, count);
	if (!db_query(db, &SQL_VOTE_SEAT_INSERT, &args, NULL, err))
		return wn_while(err, "take seats");
	return add_taken(db, arena, keys, count, 1, err);
}

static bool read_left(
	struct db_result *result, struct wn_arena *arena, struct seat_left **out, size_t *count, struct wn_error *err)
{
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct seat_left *left = &(*out)[i];
		read_key(result, i, &left->key);
		db_copy_id(result, i, 2, left->voter.bytes, ID_BYTES);
		left->has_bond = !db_is_null(result, i, 3);
		if (left->has_bond)
			db_copy_id(result, i, 3, left->bond, sizeof left->bond);
	}
	db_done(result);
	return *out || no_room(err, "seats that were left");
}

bool seat_store_skip(struct db *db, struct wn_arena *arena, const struct item_id *item, const struct account_key *voter,
	struct seat_left *out, bool *left, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, item->bytes, ID_BYTES);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	if (!db_query(db, &SQL_VOTE_SEAT_ROUND, &args, NULL, err) ||
		!db_query(db, &SQL_VOTE_SEAT_SKIP, &args, &result, err))
		return wn_while(err, "skip the seat");
	*left = db_rows(result) == 1;
	if (*left) {
		out->key.item = *item;
		out->key.round = db_int32(result, 0, 0);
		out->voter = *voter;
		out->has_bond = !db_is_null(result, 0, 1);
		if (out->has_bond)
			db_copy_id(result, 0, 1, out->bond, sizeof out->bond);
	}
	db_done(result);
	return !*left || add_taken(db, arena, &out->key, 1, -1, err);
}

bool seat_store_skips(struct db *db, struct wn_arena *arena, const struct account_key *voter, const char *campaign,
	int64_t since_ms, int64_t *skipped, int64_t *all, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	db_arg_text(&args, campaign);
	db_arg_int64(&args, since_ms);
	if (!db_query(db, &SQL_VOTE_SEAT_SKIPS, &args, &result, err))
		return wn_while(err, "count skipped seats");
	*skipped = db_int64(result, 0, 0);
	*all = db_int64(result, 0, 1);
	db_done(result);
	return true;
}

bool seat_store_lapse(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct seat_left **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*count = 0;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_SEAT_LAPSE_DUE, &args, &result, err))
		return wn_while(err, "find lapsed seats");
	size_t due = db_rows(result);
	struct round_key *keys = wn_arena_array(arena, due, sizeof *keys);
	for (size_t i = 0; keys && i < due; i++)
		read_key(result, i, &keys[i]);
	db_done(result);
	if (!keys)
		return no_room(err, "lapsed seats");
	if (due == 0)
		return true;
	wn_assert(due <= (size_t)most);
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, due, err))
		return false;
	db_arg_int64(&args, now_ms);
	if (!db_query(db, &SQL_VOTE_SEAT_LAPSE, &args, &result, err) || !read_left(result, arena, out, count, err))
		return wn_while(err, "let seats lapse");
	for (size_t i = 0; i < *count; i++)
		keys[i] = (*out)[i].key;
	return *count == 0 || add_taken(db, arena, keys, *count, -1, err);
}

bool seat_store_abandon(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	struct seat_left **out, size_t *left, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*left = 0;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	return (db_query(db, &SQL_VOTE_SEATS_ABANDONED, &args, &result, err) &&
		       read_left(result, arena, out, left, err)) ||
	       wn_while(err, "let the seats of closed rounds lapse");
}

bool seat_store_mine(struct db *db, struct wn_arena *arena, const struct account_key *voter,
	const struct item_id *after, int most, struct seat_mine **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, voter->bytes, ID_BYTES);
	db_arg_bytes(&args, after->bytes, ID_BYTES);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_SEAT_MINE, &args, &result, err))
		return wn_while(err, "list own seats");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct seat_mine *seat = &(*out)[i];
		read_key(result, i, &seat->key);
		seat->state = db_int32(result, i, 2);
		seat->lease_until_ms = db_int64(result, i, 3);
		seat->round_state = db_int32(result, i, 4);
		seat->commit_until_ms = db_int64(result, i, 5);
		seat->closed = !db_is_null(result, i, 7);
		if (seat->closed) {
			seat->reveal_until_ms = db_int64(result, i, 6);
			db_copy_id(result, i, 7, seat->commitments_root.bytes, ID_BYTES);
			db_copy_id(result, i, 8, seat->closed_leaf.bytes, ID_BYTES);
		}
		struct wn_slice content = db_slice(result, i, 9);
		seat->content = (struct wn_slice){wn_arena_copy(arena, content.data, content.bytes), content.bytes};
		seat->campaign = copy_text(arena, result, i, 10);
		seat->item_kind = db_int32(result, i, 11);
		seat->sequence = db_int64(result, i, 12);
		if (!seat->content.data || !seat->campaign)
			*out = NULL;
	}
	db_done(result);
	return *out || no_room(err, "own seats");
}

bool round_store_work(struct db *db, struct wn_arena *arena, int64_t now_ms, int64_t epoch_ms, struct round_work *out,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int64(&args, epoch_ms);
	if (!db_query(db, &SQL_VOTE_DUE, &args, &result, err))
		return wn_while(err, "look what is due");
	out->late_ms = db_int64(result, 0, 0);
	out->items = db_bool(result, 0, 1);
	out->seats = db_bool(result, 0, 2);
	out->commits = db_bool(result, 0, 3);
	out->reveals = db_bool(result, 0, 4);
	out->turn_ms = db_int64(result, 0, 5);
	db_done(result);
	return true;
}

static bool read_due(
	struct db_result *result, struct wn_arena *arena, struct round_due **out, size_t *count, struct wn_error *err)
{
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct round_due *due = &(*out)[i];
		read_key(result, i, &due->key);
		due->campaign = copy_text(arena, result, i, 2);
		due->kind = db_int32(result, i, 3);
		due->committed = db_int32(result, i, 4);
		due->revealed = db_int32(result, i, 5);
		due->seats = db_int32(result, i, 6);
		due->opened_ms = db_int64(result, i, 7);
		if (!due->campaign)
			*out = NULL;
	}
	db_done(result);
	return *out || no_room(err, "rounds that are due");
}

static bool find_due(struct db *db, struct wn_arena *arena, const struct sql_statement *full,
	const struct sql_statement *late, int64_t late_ms, int most, struct round_due **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int32(&args, most);
	if (!db_query(db, full, &args, &result, err) || !read_due(result, arena, out, count, err))
		return wn_while(err, "find full rounds");
	if (*count > 0)
		return true;
	db_args_init(&args, arena);
	db_arg_int64(&args, late_ms);
	db_arg_int32(&args, most);
	return (db_query(db, late, &args, &result, err) && read_due(result, arena, out, count, err)) ||
	       wn_while(err, "find rounds whose time is over");
}

bool round_store_commit_due(struct db *db, struct wn_arena *arena, int64_t late_ms, int most, struct round_due **out,
	size_t *count, struct wn_error *err)
{
	return find_due(db, arena, &SQL_VOTE_COMMIT_FULL, &SQL_VOTE_COMMIT_LATE, late_ms, most, out, count, err);
}

bool round_store_reveal_due(struct db *db, struct wn_arena *arena, int64_t late_ms, int most, struct round_due **out,
	size_t *count, struct wn_error *err)
{
	return find_due(db, arena, &SQL_VOTE_REVEAL_FULL, &SQL_VOTE_REVEAL_LATE, late_ms, most, out, count, err);
}

bool round_store_turn_set(
	struct db *db, struct wn_arena *arena, int64_t turn_ms, int64_t last_ms, bool *noted, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, turn_ms);
	db_arg_int64(&args, last_ms);
	if (!db_query(db, &SQL_VOTE_TURN_SET, &args, &result, err))
		return wn_while(err, "note when the tally looks");
	*noted = db_affected(result) == 1;
	db_done(result);
	return true;
}

bool round_store_deadlines_move(
	struct db *db, struct wn_arena *arena, int64_t by_ms, int64_t *rounds, int64_t *seats, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, by_ms);
	if (!db_query(db, &SQL_VOTE_DEADLINES_MOVE, &args, &result, err))
		return wn_while(err, "move deadlines");
	*rounds = db_int64(result, 0, 0);
	*seats = db_int64(result, 0, 1);
	db_done(result);
	return true;
}

bool round_store_commitments(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	struct commitment_row **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	if (!db_query(db, &SQL_VOTE_LAST_COMMITMENTS, &args, &result, err))
		return wn_while(err, "read commitments");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		read_key(result, i, &(*out)[i].key);
		db_copy_id(result, i, 2, (*out)[i].voter.bytes, ID_BYTES);
		db_copy_id(result, i, 3, (*out)[i].commitment.bytes, ID_BYTES);
	}
	db_done(result);
	return *out || no_room(err, "commitments");
}

bool round_store_close_commit(struct db *db, struct wn_arena *arena, const struct round_key *keys,
	const int64_t *reveal_until_ms, const struct sha256 *roots, size_t count, const struct sha256 *leaf,
	struct wn_error *err)
{
	if (count == 0)
		return true;
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	db_arg_int64s(&args, reveal_until_ms, count);
	db_arg_ids(&args, roots[0].bytes, sizeof *roots, ID_BYTES, count);
	db_arg_bytes(&args, leaf->bytes, ID_BYTES);
	return db_query(db, &SQL_VOTE_COMMIT_CLOSE, &args, NULL, err) || wn_while(err, "close the commit phase");
}

bool round_store_void(
	struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count, struct wn_error *err)
{
	if (count == 0)
		return true;
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	return db_query(db, &SQL_VOTE_ROUND_VOID, &args, NULL, err) || wn_while(err, "void rounds");
}

bool round_store_history(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct round_past **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_ids(&args, count ? items[0].bytes : NULL, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_ROUND_HISTORY, &args, &result, err))
		return wn_while(err, "read earlier rounds");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		read_key(result, i, &(*out)[i].key);
		(*out)[i].kind = db_int32(result, i, 2);
		(*out)[i].state = db_int32(result, i, 3);
	}
	db_done(result);
	return *out || no_room(err, "earlier rounds");
}

void vote_row_leaf(const struct vote_row *vote, struct commitment_leaf *out)
{
	*out = (struct commitment_leaf){
		.item = vote->key.item, .round = (uint32_t)vote->key.round, .voter = vote->voter};
	memcpy(out->value.bytes, vote->salt.bytes, ID_BYTES);
}

bool round_store_votes(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct vote_row **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_ids(&args, count ? items[0].bytes : NULL, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_ITEM_VOTES, &args, &result, err))
		return wn_while(err, "read opened votes");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		struct vote_row *vote = &(*out)[i];
		read_key(result, i, &vote->key);
		db_copy_id(result, i, 2, vote->voter.bytes, ID_BYTES);
		vote->choice = db_int32(result, i, 3);
		db_copy_id(result, i, 4, vote->salt.bytes, ID_BYTES);
		vote->kind = db_int32(result, i, 5);
		vote->fresh = db_bool(result, i, 6);
		vote->round_state = db_int32(result, i, 7);
	}
	db_done(result);
	return *out || no_room(err, "opened votes");
}

bool round_store_tallied(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	int64_t epoch, struct wn_error *err)
{
	if (count == 0)
		return true;
	struct db_args args;
	db_args_init(&args, arena);
	if (!arg_keys(&args, keys, count, err))
		return false;
	db_arg_int64(&args, epoch);
	return db_query(db, &SQL_VOTE_ROUND_TALLIED, &args, NULL, err) || wn_while(err, "mark rounds tallied");
}

/* Columns of provisional rows; the scores of all of them stand in one array, those of a row from `first` to `last`,
 * counted from 1. */
struct provisional_columns {
	int32_t *rounds, *classes, *firsts, *lasts;
	int64_t *margins, *scores;
	size_t score_count;
};

static bool provisional_fill(
	struct wn_arena *arena, const struct provisional_row *rows, size_t count, struct provisional_columns *out)
{
	int32_t *numbers = wn_arena_array(arena, count * 4, sizeof *numbers);
	out->margins = wn_arena_array(arena, count, sizeof *out->margins);
	out->scores = wn_arena_array(arena, count * TALLY_CLASSES_MAX, sizeof *out->scores);
	if (!numbers || !out->margins || !out->scores)
		return false;
	out->rounds = numbers;
	out->classes = numbers + count;
	out->firsts = numbers + 2 * count;
	out->lasts = numbers + 3 * count;
	out->score_count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t classes = rows[i].class < 0 ? 0 : (size_t)rows[i].classes;
		out->rounds[i] = rows[i].key.round;
		out->classes[i] = rows[i].class;
		out->margins[i] = rows[i].margin;
		out->firsts[i] = (int32_t)out->score_count + 1;
		memcpy(out->scores + out->score_count, rows[i].scores, classes * sizeof *out->scores);
		out->score_count += classes;
		out->lasts[i] = (int32_t)out->score_count;
	}
	return true;
}

bool round_store_provisional(struct db *db, struct wn_arena *arena, const struct provisional_row *rows, size_t count,
	int64_t epoch, struct wn_error *err)
{
	struct provisional_columns columns;
	struct db_args args;
	if (count == 0)
		return true;
	if (!provisional_fill(arena, rows, count, &columns))
		return no_room(err, "provisional tallies");
	db_args_init(&args, arena);
	db_arg_ids(&args, rows[0].key.item.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_int32s(&args, columns.rounds, count);
	db_arg_int32s(&args, columns.classes, count);
	db_arg_int64s(&args, columns.margins, count);
	db_arg_int32s(&args, columns.firsts, count);
	db_arg_int64s(&args, columns.scores, columns.score_count);
	db_arg_int32s(&args, columns.lasts, count);
	db_arg_int64(&args, epoch);
	return db_query(db, &SQL_VOTE_PROVISIONAL_INSERT, &args, NULL, err) ||
	       wn_while(err, "store provisional tallies");
}

bool round_store_epoch_votes(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t votes, struct wn_error *err)
{
	struct db_args args;
	if (votes == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, votes);
	return db_query(db, &SQL_VOTE_EPOCH_VOTES, &args, NULL, err) || wn_while(err, "count the epoch's votes");
}

bool round_store_gold_class(struct db *db, struct wn_arena *arena, const struct item_id *items, const int32_t *classes,
	size_t count, struct wn_error *err)
{
	if (count == 0)
		return true;
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int32s(&args, classes, count);
	return db_query(db, &SQL_VOTE_GOLD_CLASS, &args, NULL, err) || wn_while(err, "store what the audit found");
}

bool round_store_get(
	struct db *db, struct wn_arena *arena, const struct round_key *key, struct round_row *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, key->item.bytes, ID_BYTES);
	db_arg_int32(&args, key->round);
	if (!db_query(db, &SQL_VOTE_ROUND_GET, &args, &result, err))
		return wn_while(err, "read the round");
	memset(out, 0, sizeof *out);
	out->found = db_rows(result) == 1;
	if (out->found) {
		out->state = db_int32(result, 0, 0);
		out->campaign = copy_text(arena, result, 0, 1);
		out->seats = db_int32(result, 0, 2);
		out->taken = db_int32(result, 0, 3);
		out->committed = db_int32(result, 0, 4);
		out->revealed = db_int32(result, 0, 5);
		out->commit_until_ms = db_int64(result, 0, 6);
		out->reveal_until_ms = db_is_null(result, 0, 7) ? 0 : db_int64(result, 0, 7);
		out->closed = !db_is_null(result, 0, 8);
		if (out->closed) {
			db_copy_id(result, 0, 8, out->commitments_root.bytes, ID_BYTES);
			db_copy_id(result, 0, 9, out->closed_leaf.bytes, ID_BYTES);
		}
		out->item_state = db_int32(result, 0, 10);
		out->small = db_bool(result, 0, 11);
	}
	db_done(result);
	return true;
}
