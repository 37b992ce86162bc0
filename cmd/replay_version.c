/* Rows in a table, crossed off as the journal accepts them. */
#include "cmd/replay_version.h"

#include <inttypes.h>
#include <string.h>

static bool row_seen(void *context, const struct item_id *item, struct wn_error *err)
{
	struct replay_version *version = context;
	bool added;
	return replay_table_add(&version->rows, item->bytes, &added) ||
	       wn_fail(err, WN_FULL, "memory", "no room for the version's rows");
}

bool replay_version_open(
	struct replay_version *version, const char *dir, const struct minisign_public *key, struct wn_error *err)
{
	struct verify_watch watch = {.row = row_seen, .context = version};
	memset(version, 0, sizeof *version);
	version->rows = (struct replay_table){.key_bytes = ID_BYTES, .value_bytes = sizeof(bool)};
	wn_arena_init(&version->arena, VERIFY_REPORT_ARENA);
	if (!dataset_verify(&version->arena, dir, key, &watch, &version->report, err)) {
		replay_version_close(version);
		return wn_while(err, "verify %s", dir);
	}
	version->row_licences = version->report.manifest.recipe.licence_count > 0;
	return true;
}

void replay_version_close(struct replay_version *version)
{
	replay_table_close(&version->rows);
	wn_arena_free(&version->arena);
}

bool replay_version_before(struct replay_version *version, const struct replay *replay, struct wn_error *err)
{
	uint64_t size;
	struct sha256 root;
	replay_root(replay, &size, &root);
	if ((int64_t)size != version->report.manifest.checkpoint_size)
		return true;
	return memcmp(root.bytes, version->report.manifest.checkpoint_root.bytes, ID_BYTES) == 0 ||
	       wn_fail(err, WN_INPUT, "replay_version_root",
		       "the version's checkpoint of %" PRIu64 " entries is not of this journal", size);
}

/* The licence of a row stands in its content only; a recipe that chooses by it may have left the item out. */
static bool takes(const struct replay_version *version, const struct replay_final *final)
{
	const struct recipe *recipe = &version->report.manifest.recipe;
	if (final->class < 0 || strcmp(recipe->campaign, final->campaign->name) != 0 ||
		final->campaign->choices[final->class].verdict != CHOICE_KEEP)
		return false;
	const char *licence = recipe->licence_count > 0 ? recipe->licences[0] : "";
	return recipe_takes(recipe, final->campaign->choices[final->class].name, final->p_good, licence);
}

bool replay_version_final(struct replay_version *version, const struct replay_final *final, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if ((int64_t) final->position >= version->report.manifest.checkpoint_size)
		return true;
	bool *row = replay_table_find(&version->rows, final->item.bytes), takes_it = takes(version, final);
	if (row && !takes_it)
		return wn_fail(err, WN_INPUT, "replay_version_row",
			"item %s is a row, but entry %" PRIu64 " does not accept it for this recipe",
			hex_write(hex, final->item.bytes, ID_BYTES), final->position);
	if (!row && takes_it && !version->row_licences)
		return wn_fail(err, WN_INPUT, "replay_version_missing",
			"item %s, accepted by entry %" PRIu64 ", is not among the rows",
			hex_write(hex, final->item.bytes, ID_BYTES), final->position);
	if (row && !*row) {
		*row = true;
		version->found++;
	}
	return true;
}

bool replay_version_release(struct replay_version *version, const struct replay_release *release, struct wn_error *err)
{
	const struct manifest *manifest = &version->report.manifest;
	if (strcmp(release->name, manifest->dataset) != 0 || release->version != manifest->version)
		return true;
	version->told = true;
	return (memcmp(release->row_root.bytes, version->report.row_root.bytes, ID_BYTES) == 0 &&
		       memcmp(release->manifest_sha256.bytes, version->report.manifest_sha256.bytes, ID_BYTES) == 0) ||
	       wn_fail(err, WN_INPUT, "replay_version_entry",
		       "the journal tells of another version %" PRId64 " of %s: its row root or its manifest differs",
		       manifest->version, manifest->dataset);
}

bool replay_version_finish(struct replay_version *version, const struct replay_totals *totals, struct wn_error *err)
{
	const void *item;
	void *found;
	char hex[ID_HEX_ROOM];
	if (memcmp(totals->network.bytes, version->report.manifest.network.bytes, ID_BYTES) != 0)
		return wn_fail(err, WN_INPUT, "replay_version_network", "the version is of another network");
	if ((int64_t)totals->entries < version->report.manifest.checkpoint_size)
		return wn_fail(err, WN_BUSY, "replay_version_ahead",
			"the version stands on %" PRId64 " entries, the journal has %" PRIu64 " so far",
			version->report.manifest.checkpoint_size, totals->entries);
	for (size_t at = 0; replay_table_next(&version->rows, &at, &item, &found);)
		if (!*(bool *)found)
			return wn_fail(err, WN_INPUT, "replay_version_row",
				"the journal never accepted item %s, which is a row", hex_write(hex, item, ID_BYTES));
	return true;
}
