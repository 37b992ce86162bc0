/* What the close of an epoch reads and writes. Callers hold the transaction. */
#include "vote/close_store.h"

#include <string.h>

#include "core/campaign.h"
#include "sql_vote.h"

enum { VALIDATORS_SAVED_AT_ONCE = 10000 };

static bool no_room(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %s", what);
}

/* Runs a statement whose rows are not wanted. */
static bool run(struct db *db, const struct sql_statement *statement, const struct db_args *args, const char *doing,
	struct wn_error *err)
{
	return db_query(db, statement, args, NULL, err) || wn_while(err, "%s", doing);
}

static const char *copy_text(struct wn_arena *arena, const struct db_result *result, size_t row, int column)
{
	struct wn_slice text = db_slice(result, row, column);
	return wn_arena_copy(arena, text.data, text.bytes);
}

static int64_t int64_or(const struct db_result *result, size_t row, int column, int64_t otherwise)
{
	return db_is_null(result, row, column) ? otherwise : db_int64(result, row, column);
}

/* ---- epochs ---- */

bool close_store_epochs(
	struct db *db, struct wn_arena *arena, struct epoch_row out[2], size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_EPOCH_OLDEST, &args, &result, err))
		return wn_while(err, "read the epochs");
	*count = db_rows(result);
	for (size_t i = 0; i < *count; i++) {
		out[i] = (struct epoch_row){
			.epoch = db_int64(result, i, 0),
			.state = (enum epoch_state)db_int32(result, i, 1),
			.opened_ms = db_int64(result, i, 2),
			.ended_ms = int64_or(result, i, 3, 0),
			.has_beacon = !db_is_null(result, i, 4),
			.votes = db_int64(result, i, 5),
		};
		if (out[i].has_beacon)
			db_copy_id(result, i, 4, out[i].beacon.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}

bool close_store_open_epoch(struct db *db, struct wn_arena *arena, int64_t *epoch, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!run(db, &SQL_VOTE_EPOCH_SHARE, &args, "share the epoch", err))
		return false;
	if (!db_query(db, &SQL_VOTE_EPOCH_OPEN, &args, &result, err))
		return wn_while(err, "read the open epoch");
	bool found = db_rows(result) == 1;
	if (found)
		*epoch = db_int64(result, 0, 0);
	db_done(result);
	return found || wn_fail(err, WN_DOWN, "epoch_missing",
				"no epoch is open: start the node with `winnow up`, which makes its genesis");
}

bool close_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	return run(db, &SQL_VOTE_EPOCH_EXCLUDE, &args, "wait for running tallies", err);
}

/* A statement with one bigint that answers one truth. */
static bool ask(struct db *db, struct wn_arena *arena, const struct sql_statement *statement, int64_t value, bool *out,
	const char *doing, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, value);
	if (!db_query(db, statement, &args, &result, err))
		return wn_while(err, "%s", doing);
	*out = db_bool(result, 0, 0);
	db_done(result);
	return true;
}

bool close_store_late(struct db *db, struct wn_arena *arena, int64_t end_ms, bool *late, struct wn_error *err)
{
	return ask(db, arena, &SQL_VOTE_EPOCH_LATE, end_ms, late, "look for rounds that are late", err);
}

bool close_store_end(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t end_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, end_ms);
	return run(db, &SQL_VOTE_EPOCH_END, &args, "end the epoch", err);
}

bool close_store_begin(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t now_ms, const struct sha256 *onion,
	const struct sha256 *beacon, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	db_arg_bytes(&args, onion->bytes, ID_BYTES);
	db_arg_bytes(&args, beacon->bytes, ID_BYTES);
	return run(db, &SQL_VOTE_EPOCH_BEGIN, &args, "begin the next epoch", err);
}

bool close_store_reveals(struct db *db, struct wn_arena *arena, int64_t epoch, struct vote_row **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_EPOCH_REVEALS, &args, &result, err))
		return wn_while(err, "read the epoch's opened votes");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].key.item.bytes, ID_BYTES);
		(*out)[i].key.round = db_int32(result, i, 1);
		db_copy_id(result, i, 2, (*out)[i].voter.bytes, ID_BYTES);
		db_copy_id(result, i, 3, (*out)[i].salt.bytes, ID_BYTES);
	}
	db_done(result);
	return *out || no_room(err, "the epoch's opened votes");
}

bool close_store_silence(
	struct db *db, struct wn_arena *arena, int64_t epoch, struct epoch_silence *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_EPOCH_SILENCE, &args, &result, err))
		return wn_while(err, "look whether the epoch is silent");
	out->silent = db_bool(result, 0, 0);
	out->carried_since = int64_or(result, 0, 1, INT64_MAX);
	out->deadline_ms = int64_or(result, 0, 2, INT64_MAX);
	db_done(result);
	return true;
}

bool close_store_silent(struct db *db, struct wn_arena *arena, const struct epoch_silent *epochs, size_t count,
	int64_t epoch_ms, int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	int64_t *numbers = wn_arena_array(arena, 2 * count, sizeof *numbers);
	if (!numbers)
		return no_room(err, "silent epochs");
	for (size_t i = 0; i < count; i++) {
		numbers[i] = epochs[i].epoch;
		numbers[count + i] = epochs[i].opened_ms;
	}
	db_args_init(&args, arena);
	db_arg_int64s(&args, numbers, count);
	db_arg_int64s(&args, numbers + count, count);
	db_arg_int64(&args, epoch_ms);
	db_arg_int64(&args, now_ms);
	db_arg_ids(&args, epochs[0].onion.bytes, sizeof *epochs, ID_BYTES, count);
	db_arg_ids(&args, epochs[0].beacon.bytes, sizeof *epochs, ID_BYTES, count);
	return run(db, &SQL_VOTE_EPOCHS_SILENT, &args, "store silent epochs", err);
}

bool close_store_close(struct db *db, struct wn_arena *arena, int64_t epoch, int64_t end_ms, int64_t now_ms,
	int64_t minted, const struct sha256 *claims_root, const struct sha256 *entry_leaf, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	db_arg_int64(&args, minted);
	db_arg_bytes(&args, claims_root ? claims_root->bytes : NULL, ID_BYTES);
	db_arg_int64(&args, end_ms);
	db_arg_bytes(&args, entry_leaf ? entry_leaf->bytes : NULL, ID_BYTES);
	return run(db, &SQL_VOTE_EPOCH_CLOSE, &args, "close the epoch", err);
}

/* ---- what is closed ---- */

bool close_store_campaigns(
	struct db *db, struct wn_arena *arena, const char ***out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_CLOSE_CAMPAIGNS, &args, &result, err))
		return wn_while(err, "read the campaigns to close");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		(*out)[i] = copy_text(arena, result, i, 0);
		if (!(*out)[i])
			*out = NULL;
	}
	db_done(result);
	return *out || no_room(err, "campaigns");
}

bool close_store_items(struct db *db, struct wn_arena *arena, const char *campaign, int64_t epoch,
	struct close_item **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_CLOSE_ITEMS, &args, &result, err))
		return wn_while(err, "read the items to settle");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct close_item *item = &(*out)[i];
		db_copy_id(result, i, 0, item->item.bytes, ID_BYTES);
		db_copy_id(result, i, 1, item->contributor.bytes, ID_BYTES);
		item->stratum = db_int32(result, i, 2);
		item->class = db_int32(result, i, 3);
		item->panels = db_int32(result, i, 4);
		item->last_round = db_int32(result, i, 5);
	}
	db_done(result);
	return *out || no_room(err, "the items to settle");
}

bool close_store_gold_waits(struct db *db, struct wn_arena *arena, int64_t epoch, bool *waits, struct wn_error *err)
{
	return ask(db, arena, &SQL_VOTE_GOLD_WAITS, epoch, waits, "look for audits that run", err);
}

bool close_store_gold_insert(struct db *db, struct wn_arena *arena, const struct round_key *keys, size_t count,
	int64_t epoch, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	if (!round_keys_arg(&args, keys, sizeof *keys, count, err))
		return false;
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_GOLD_INSERT, &args, "store known-answer items", err);
}

bool close_store_gold(struct db *db, struct wn_arena *arena, const struct close_item *items, size_t count,
	struct gold_row **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*out = NULL;
	*found = 0;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].item.bytes, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_GOLD_KNOWN, &args, &result, err))
		return wn_while(err, "read known-answer items");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].class = db_is_null(result, i, 1) ? GOLD_NONE : db_int32(result, i, 1);
	}
	db_done(result);
	return *out || no_room(err, "known-answer items");
}

bool close_store_curators(struct db *db, struct wn_arena *arena, int64_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_VOTE_CURATORS, &args, &result, err))
		return wn_while(err, "count the curators");
	*count = db_int64(result, 0, 0);
	db_done(result);
	return true;
}

bool close_store_validators(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	struct validator_row **out, size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_VALIDATORS, &args, &result, err))
		return wn_while(err, "read the validators' record");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "the validators' record");
	for (size_t i = 0; ok && i < *count; i++) {
		struct validator_row *row = &(*out)[i];
		int64_t *counts;
		size_t cells;
		db_copy_id(result, i, 0, row->voter.bytes, ID_BYTES);
		ok = db_int64s(result, i, 1, arena, &counts, &cells, err);
		if (ok)
			wn_assert(cells == (size_t)tally_cells(classes));
		row->counts = counts;
		row->gold_votes = db_int64(result, i, 2);
		row->gold_right = db_int64(result, i, 3);
		row->carried_points = db_int64(result, i, 4);
		row->carried_scored = db_int64(result, i, 5);
		row->carried_since = db_int64(result, i, 6);
	}
	db_done(result);
	return ok;
}

static bool validators_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	const struct validator_row *rows, size_t count, struct wn_error *err)
{
	size_t cells = (size_t)tally_cells(classes);
	int64_t *numbers = wn_arena_array(arena, count * (5 + cells), sizeof *numbers);
	if (!numbers)
		return no_room(err, "the validators' record");
	int64_t *tables = numbers + 5 * count;
	for (size_t i = 0; i < count; i++) {
		numbers[i] = rows[i].gold_votes;
		numbers[count + i] = rows[i].gold_right;
		numbers[2 * count + i] = rows[i].carried_points;
		numbers[3 * count + i] = rows[i].carried_scored;
		numbers[4 * count + i] = rows[i].carried_since;
		memcpy(tables + i * cells, rows[i].counts, cells * sizeof *tables);
	}
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_ids(&args, rows[0].voter.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_int64s(&args, tables, count * cells);
	db_arg_int32(&args, (int32_t)cells);
	for (size_t column = 0; column < 5; column++)
		db_arg_int64s(&args, numbers + column * count, count);
	return run(db, &SQL_VOTE_VALIDATORS_SAVE, &args, "store the validators' record", err);
}

bool close_store_validators_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	const struct validator_row *rows, size_t count, struct wn_error *err)
{
	for (size_t at = 0; at < count; at += VALIDATORS_SAVED_AT_ONCE) {
		size_t some = count - at < VALIDATORS_SAVED_AT_ONCE ? count - at : VALIDATORS_SAVED_AT_ONCE;
		if (!validators_save(db, arena, campaign, classes, rows + at, some, err))
			return false;
	}
	return true;
}

bool close_store_unbonded(struct db *db, struct wn_arena *arena, const struct account_key *voters, size_t count,
	int64_t epoch, struct account_key **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*out = NULL;
	*found = 0;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, voters[0].bytes, sizeof *voters, ID_BYTES, count);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_UNBONDED, &args, &result, err))
		return wn_while(err, "read who unbonded everything");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++)
		db_copy_id(result, i, 0, (*out)[i].bytes, ID_BYTES);
	db_done(result);
	return *out || no_room(err, "who unbonded everything");
}

static bool cells_read(const struct db_result *result, int column, struct wn_arena *arena, size_t want, int64_t *out,
	struct wn_error *err)
{
	int64_t *stored;
	size_t count;
	if (!db_int64s(result, 0, column, arena, &stored, &count, err))
		return false;
	wn_assert(count == want);
	memcpy(out, stored, count * sizeof *out);
	return true;
}

bool close_store_state(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	struct campaign_state *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	bool ok = true;
	memset(out, 0, sizeof *out);
	out->epoch = -1;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_STATE, &args, &result, err))
		return wn_while(err, "read the campaign's state");
	if (db_rows(result) == 1) {
		ok = cells_read(result, 0, arena, (size_t)classes, out->prior, err) &&
		     cells_read(result, 1, arena, (size_t)tally_cells(classes), out->crowd, err);
		out->proven = db_int64(result, 0, 2);
		out->epoch = db_int64(result, 0, 3);
	}
	db_done(result);
	return ok;
}

bool close_store_state_save(struct db *db, struct wn_arena *arena, const char *campaign, int classes,
	const struct campaign_state *state, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	db_arg_int64s(&args, state->prior, (size_t)classes);
	db_arg_int64s(&args, state->crowd, (size_t)tally_cells(classes));
	db_arg_int64(&args, state->proven);
	db_arg_int64(&args, state->epoch);
	return run(db, &SQL_VOTE_CAMPAIGN_STATE_SAVE, &args, "store the campaign's state", err);
}

/* ---- what is settled ---- */

/* Columns of verdicts; the scores of all rows stand in one array, those of a row from `first` to `last`, counted
 * from 1. */
struct verdict_columns {
	int32_t *classes, *p_good, *votes, *firsts, *lasts;
	int64_t *margins, *scores;
	size_t score_count;
};

static bool verdicts_fill(struct wn_arena *arena, const struct verdict_row *rows, size_t count, size_t classes,
	struct verdict_columns *out)
{
	int32_t *numbers = wn_arena_array(arena, count * 5, sizeof *numbers);
	out->margins = wn_arena_array(arena, count, sizeof *out->margins);
	out->scores = wn_arena_array(arena, count * classes, sizeof *out->scores);
	if (!numbers || !out->margins || !out->scores)
		return false;
	out->classes = numbers;
	out->p_good = numbers + count;
	out->votes = numbers + 2 * count;
	out->firsts = numbers + 3 * count;
	out->lasts = numbers + 4 * count;
	out->score_count = 0;
	for (size_t i = 0; i < count; i++) {
		out->classes[i] = rows[i].class;
		out->p_good[i] = rows[i].p_good;
		out->votes[i] = rows[i].votes;
		out->margins[i] = rows[i].margin;
		out->firsts[i] = (int32_t)out->score_count + 1;
		if (rows[i].scores) {
			memcpy(out->scores + out->score_count, rows[i].scores, classes * sizeof *out->scores);
			out->score_count += classes;
		}
		out->lasts[i] = (int32_t)out->score_count;
	}
	return true;
}

bool close_store_verdicts(struct db *db, struct wn_arena *arena, const struct verdict_row *rows, size_t count,
	int classes, int64_t epoch, int64_t now_ms, struct wn_error *err)
{
	struct verdict_columns columns;
	struct db_args args;
	if (count == 0)
		return true;
	if (!verdicts_fill(arena, rows, count, (size_t)classes, &columns))
		return no_room(err, "verdicts");
	db_args_init(&args, arena);
	db_arg_ids(&args, rows[0].item.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_int32s(&args, columns.classes, count);
	db_arg_int32s(&args, columns.p_good, count);
	db_arg_int64s(&args, columns.margins, count);
	db_arg_int64s(&args, columns.scores, columns.score_count);
	db_arg_int32s(&args, columns.votes, count);
	db_arg_int32s(&args, columns.firsts, count);
	db_arg_int32s(&args, columns.lasts, count);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, now_ms);
	return run(db, &SQL_VOTE_VERDICTS_INSERT, &args, "store verdicts", err);
}

bool close_store_settle(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count, int64_t epoch,
	int64_t final_ms, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int64(&args, epoch);
	db_arg_int64(&args, final_ms);
	return run(db, &SQL_VOTE_ITEM_SETTLE, &args, "settle items", err);
}

bool close_store_counted(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	int64_t epoch, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_ROUND_COUNTED, &args, "mark rounds counted", err);
}

bool close_store_bonds(struct db *db, struct wn_arena *arena, const char *campaign, struct held_bond **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign);
	if (!db_query(db, &SQL_VOTE_BONDS_ENDING, &args, &result, err))
		return wn_while(err, "read the bonds that end");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct held_bond *bond = &(*out)[i];
		db_copy_id(result, i, 0, bond->voter.bytes, ID_BYTES);
		db_copy_id(result, i, 1, bond->key.item.bytes, ID_BYTES);
		bond->key.round = db_int32(result, i, 2);
		db_copy_id(result, i, 3, bond->bond.bytes, ID_BYTES);
		bond->amount = db_int64(result, i, 4);
		bond->lost = db_bool(result, i, 5);
	}
	db_done(result);
	return *out || no_room(err, "the bonds that end");
}

bool close_store_bonds_end(
	struct db *db, struct wn_arena *arena, const struct held_bond *bonds, size_t count, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	if (!round_keys_arg(&args, &bonds[0].key, sizeof *bonds, count, err))
		return false;
	db_arg_ids(&args, bonds[0].voter.bytes, sizeof *bonds, ID_BYTES, count);
	return run(db, &SQL_VOTE_BONDS_END, &args, "end seat bonds", err);
}

bool close_store_novelty(struct db *db, struct wn_arena *arena, const struct item_id *items, size_t count,
	struct novelty_row **out, size_t *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	*found = 0;
	*out = NULL;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, items[0].bytes, sizeof *items, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_NOVELTY, &args, &result, err))
		return wn_while(err, "read novelty");
	*found = db_rows(result);
	*out = wn_arena_array(arena, *found, sizeof **out);
	for (size_t i = 0; *out && i < *found; i++) {
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].numerator = db_int32(result, i, 1);
		(*out)[i].denominator = db_int32(result, i, 2);
	}
	db_done(result);
	return *out || no_room(err, "novelty");
}

bool close_store_audits(struct db *db, struct wn_arena *arena, int64_t epoch, struct audit_row **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, epoch);
	if (!db_query(db, &SQL_VOTE_AUDIT_VOTES, &args, &result, err))
		return wn_while(err, "count audit votes");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		db_copy_id(result, i, 0, (*out)[i].voter.bytes, ID_BYTES);
		(*out)[i].votes = db_int64(result, i, 1);
	}
	db_done(result);
	return *out || no_room(err, "audit votes");
}

bool close_store_pay(struct db *db, struct wn_arena *arena, const struct pay_row *rows, size_t count, int64_t epoch,
	struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	int64_t *numbers = wn_arena_array(arena, 3 * count, sizeof *numbers);
	struct wn_slice *campaigns = wn_arena_array(arena, count, sizeof *campaigns);
	if (!numbers || !campaigns)
		return no_room(err, "pay");
	for (size_t i = 0; i < count; i++) {
		campaigns[i] = wn_slice_of(rows[i].campaign);
		numbers[i] = rows[i].points;
		numbers[count + i] = rows[i].amount;
		numbers[2 * count + i] = rows[i].due_ms;
	}
	db_args_init(&args, arena);
	db_arg_ids(&args, rows[0].id.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_ids(&args, rows[0].voter.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_slices(&args, campaigns, count);
	for (size_t column = 0; column < 3; column++)
		db_arg_int64s(&args, numbers + column * count, count);
	db_arg_int64(&args, epoch);
	return run(db, &SQL_VOTE_PAY_INSERT, &args, "note pay that waits for finality", err);
}

bool close_store_slashes(struct db *db, struct wn_arena *arena, const struct slash_row *rows, size_t count,
	int64_t epoch, const struct sha256 *evidence, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	int64_t *points = wn_arena_array(arena, count, sizeof *points);
	struct wn_slice *campaigns = wn_arena_array(arena, count, sizeof *campaigns);
	if (!points || !campaigns)
		return no_room(err, "slashes");
	for (size_t i = 0; i < count; i++) {
		campaigns[i] = wn_slice_of(rows[i].campaign);
		points[i] = rows[i].points;
	}
	db_args_init(&args, arena);
	db_arg_ids(&args, rows[0].id.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_ids(&args, rows[0].voter.bytes, sizeof *rows, ID_BYTES, count);
	db_arg_slices(&args, campaigns, count);
	db_arg_int64s(&args, points, count);
	db_arg_int64(&args, epoch);
	db_arg_bytes(&args, evidence->bytes, ID_BYTES);
	return run(db, &SQL_VOTE_SLASH_INSERT, &args, "store slashes", err);
}

/* ---- finality ---- */

bool close_store_final_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct final_row **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_FINAL_DUE, &args, &result, err))
		return wn_while(err, "find items whose challenge window is over");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	bool ok = *out != NULL || no_room(err, "final items");
	struct wn_slice last = {0};
	struct campaign campaign;
	for (size_t i = 0; ok && i < *count; i++) {
		struct wn_slice document = db_slice(result, i, 2);
		const struct json *json;
		db_copy_id(result, i, 0, (*out)[i].item.bytes, ID_BYTES);
		(*out)[i].class = db_int32(result, i, 1);
		if (!last.data || !wn_slice_equal(last, document))
			ok = json_parse(arena, document.data, document.bytes, &json, err) &&
			     campaign_parse(json, &campaign, err);
		last = document;
		if (ok && (*out)[i].class >= 0)
			(*out)[i].keeps = campaign.choices[(*out)[i].class].verdict == CHOICE_KEEP;
	}
	db_done(result);
	return ok;
}

bool close_store_grants_final(struct db *db, struct wn_arena *arena, int64_t now_ms, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	return run(db, &SQL_VOTE_GRANTS_FINAL, &args, "make grants final", err);
}

bool close_store_pay_due(struct db *db, struct wn_arena *arena, int64_t now_ms, int most, struct transfer **out,
	size_t *count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_int64(&args, now_ms);
	db_arg_int32(&args, most);
	if (!db_query(db, &SQL_VOTE_PAY_DUE, &args, &result, err))
		return wn_while(err, "find pay that became final");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && i < *count; i++) {
		struct transfer *post = &(*out)[i];
		post->step = TRANSFER_POST;
		post->cause = "reward/validator";
		post->credit.kind = LEDGER_FREE;
		db_copy_id(result, i, 0, post->pending_id.bytes, ID_BYTES);
		db_copy_id(result, i, 1, post->credit.owner, ID_BYTES);
		post->epoch = db_int64(result, i, 2);
		post->amount = db_int64(result, i, 3);
		db_copy_id(result, i, 4, post->debit.owner, ID_BYTES);
		post->debit.kind = (enum ledger_kind)db_int32(result, i, 5);
		if (!db_is_null(result, i, 6))
			db_copy_id(result, i, 6, post->subject, ID_BYTES);
	}
	db_done(result);
	return *out || no_room(err, "pay that became final");
}

bool close_store_pay_posted(
	struct db *db, struct wn_arena *arena, const struct transfer *posts, size_t count, struct wn_error *err)
{
	struct db_args args;
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	db_arg_ids(&args, posts[0].pending_id.bytes, sizeof *posts, ID_BYTES, count);
	return run(db, &SQL_VOTE_PAY_POSTED, &args, "mark pay posted", err);
}
