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

static bool cells_read(const struct db_result *result, size_t row, int column, struct wn_arena *arena, int classes,
	int64_t **out, struct wn_error *err)
{
	size_t cells;
	if (!db_int64s(result, row, column, arena, out, &cells, err))
		return false;
	wn_assert(cells == (size_t)tally_cells(classes));
	return true;
}

static bool state_read(struct db *db, struct wn_arena *arena, const struct campaign *campaign, struct snapshot *out,
	int64_t *proven, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	int64_t nobody[TALLY_CELLS_MAX] = {0}, *crowd = nobody, *prior;
	size_t classes = (size_t)campaign->class_count, count;
	bool ok = true;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign->name);
	if (!db_query(db, &SQL_VOTE_CAMPAIGN_STATE, &args, &result, err))
		return wn_while(err, "read the campaign's state");
	out->epoch = -1;
	*proven = 0;
	if (db_rows(result) == 1) {
		ok = db_int64s(result, 0, 0, arena, &prior, &count, err) &&
		     cells_read(result, 0, 1, arena, campaign->class_count, &crowd, err);
		if (ok) {
			wn_assert(count == classes);
			memcpy(out->tally.prior, prior, classes * sizeof *prior);
		}
		*proven = db_int64(result, 0, 2);
		out->epoch = db_int64(result, 0, 3);
	}
	if (ok)
		tally_prior(campaign->class_count, crowd, out->tally.pooled);
	db_done(result);
	return ok;
}

/* Both lists ascend; whoever has no row is new: no history, and on probation where that is in force. */
static bool validators_read(struct db *db, struct wn_arena *arena, const struct campaign *campaign,
	const struct account_key *voters, size_t count, bool probation, struct tally_validator *out,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	size_t row = 0;
	db_args_init(&args, arena);
	db_arg_text(&args, campaign->name);
	db_arg_ids(&args, voters, sizeof *voters, ID_BYTES, count);
	if (!db_query(db, &SQL_VOTE_VALIDATORS_OF, &args, &result, err))
		return wn_while(err, "read the voters' record");
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		int64_t *counts;
		struct account_key key;
		out[i] = (struct tally_validator){.voter = voters[i], .probation = probation};
		if (row == db_rows(result))
			continue;
		db_copy_id(result, row, 0, key.bytes, ID_BYTES);
		if (id_compare(&key, &voters[i]) != 0)
			continue;
		ok = cells_read(result, row, 1, arena, campaign->class_count, &counts, err);
		out[i].counts = counts;
		out[i].probation = probation && !panel_proven(db_int64(result, row, 2), db_int64(result, row, 3));
		row++;
	}
	db_done(result);
	return ok;
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
	return state_read(db, arena, campaign, out, &proven, err) &&
	       validators_read(db, arena, campaign, keys, count, panel_probation(campaign, proven), validators, err);
}
