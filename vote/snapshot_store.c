/* A campaign's state after its last close, as far as the tally of some voters' votes needs it. */
#include "vote/snapshot_store.h"

#include <stdlib.h>
#include <string.h>

#include "sql_vote.h"
#include "vote/panel.h"

/* Ascending, each once; how many are left. */
static size_t voters_unique(struct account_key *voters, size_t count)
{
	size_t kept = 0;
	qsort(voters, count, sizeof *voters, id_compare);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || id_compare(&voters[i], &voters[kept - 1]) != 0)
			voters[kept++] = voters[i];
	return kept;
}

static bool cells_read(const struct db_result *result, size_t row, struct wn_arena *arena, int classes, int64_t **out,
	struct wn_error *err)
{
	size_t cells;
	if (!db_int64s(result, row, 1, arena, out, &cells, err))
		return false;
	wn_assert(cells == (size_t)tally_cells(classes));
	return true;
}

/* The campaign's own row is the first one, if there was a close yet; *rows tells how many it takes. */
static bool state_read(const struct db_result *result, struct wn_arena *arena, int classes, struct snapshot *out,
	int64_t *proven, size_t *rows, struct wn_error *err)
{
	int64_t nobody[TALLY_CELLS_MAX] = {0}, *crowd = nobody, *prior;
	size_t count;
	out->epoch = -1;
	*proven = 0;
	*rows = db_rows(result) > 0 && db_is_null(result, 0, 0);
	if (*rows > 0) {
		if (!cells_read(result, 0, arena, classes, &crowd, err) ||
			!db_int64s(result, 0, 4, arena, &prior, &count, err))
			return false;
		wn_assert(count == (size_t)classes);
		memcpy(out->tally.prior, prior, count * sizeof *prior);
		*proven = db_int64(result, 0, 2);
		out->epoch = db_int64(result, 0, 3);
	}
	tally_prior(classes, crowd, out->tally.pooled);
	return true;
}

/* Both lists ascend; whoever has no row is new: no history, and on probation where that is in force. */
static bool validators_read(const struct db_result *result, size_t row, struct wn_arena *arena, int classes,
	const struct account_key *voters, size_t count, bool probation, struct tally_validator *out,
	struct wn_error *err)
{
	for (size_t i = 0; i < count; i++) {
		int64_t *counts;
		struct account_key key;
		out[i] = (struct tally_validator){.voter = voters[i], .probation = probation};
		if (row == db_rows(result))
			continue;
		db_copy_id(result, row, 0, key.bytes, ID_BYTES);
		if (id_compare(&key, &voters[i]) != 0)
			continue;
		if (!cells_read(result, row, arena, classes, &counts, err))
			return false;
		out[i].counts = counts;
		out[i].probation = probation && !panel_proven(db_int64(result, row, 2), db_int64(result, row, 3));
		row++;
	}
	return true;
}

bool snapshot_store_load(struct db *db, struct wn_arena *arena, const struct campaign *campaign,
	const struct account_key *voters, size_t count, struct snapshot *out, struct wn_error *err)
{
	int64_t proven;
	struct account_key *keys = wn_arena_array(arena, count, sizeof *keys);
	struct tally_validator *validators = wn_arena_array(arena, count, sizeof *validators);
	if (!keys || !validators)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu voters", count);
	if (count > 0)
		memcpy(keys, voters, count * sizeof *keys);
	count = voters_unique(keys, count);
	memset(out, 0, sizeof *out);
	out->tally.classes = campaign->class_count;
	out->tally.validators = validators;
	out->tally.validator_count = count;
	struct db_args args;
	struct db_result *result;
	size_t row;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign->name);
	db_arg_ids(&args, keys, sizeof *keys, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_SNAPSHOT, &args, &result, err))
		return wn_while(err, "read the campaign's state");
	bool ok = state_read(result, arena, campaign->class_count, out, &proven, &row, err) &&
		  validators_read(result, row, arena, campaign->class_count, keys, count,
			  panel_probation(campaign, proven), validators, err);
	db_done(result);
	return ok;
}
