/* From checkpoint to checkpoint: the tree so far must have exactly the root that was signed. */
#include "core/journal_audit.h"

#include "core/journal_recount.h"

static bool audit_checkpoint(const struct checkpoint *stored, const struct network_id *network,
	const struct account_key *key, const struct tree_frontier *frontier, struct wn_error *err)
{
	struct checkpoint noted;
	struct sha256 root;
	if (!checkpoint_parse(stored->note.data, stored->note.bytes, network, key, &noted, err))
		return wn_while(err, "read the checkpoint of %llu entries", (unsigned long long)stored->size);
	tree_frontier_root(frontier, &root);
	if (noted.size != stored->size || noted.time_ms != stored->time_ms ||
		id_compare(&noted.root, &stored->root) != 0)
		return wn_fail(err, WN_DOWN, "journal_broken",
			"the row of the checkpoint of %llu entries differs from its note",
			(unsigned long long)stored->size);
	return id_compare(&root, &noted.root) == 0 ||
	       wn_fail(err, WN_DOWN, "journal_broken", "the checkpoint of %llu entries signed another journal",
		       (unsigned long long)stored->size);
}

static bool audit_run(struct db *db, const struct network_id *network, const struct account_key *key,
	struct wn_arena *arena, struct journal_audit *out, struct wn_error *err)
{
	struct journal_recount recount = {.network = network, .nodes = true};
	struct checkpoint next;
	uint64_t size, after = 0;
	int64_t passed_over;
	/* Checkpoints first: what they name was numbered before. */
	do {
		wn_arena_reset(arena);
		if (!checkpoint_store_after(db, arena, after, &next, err) || !journal_store_size(db, &size, err))
			return false;
		if (next.size > size)
			return wn_fail(err, WN_DOWN, "journal_broken",
				"a checkpoint of %llu entries was signed, but only %llu are numbered",
				(unsigned long long)next.size, (unsigned long long)size);
		if (!journal_recount_to(db, &recount, next.size ? next.size : size, err))
			return false;
		out->entries = recount.frontier.size;
		if (next.size > 0) {
			if (!audit_checkpoint(&next, network, key, &recount.frontier, err))
				return false;
			out->checkpoints++;
			after = next.size;
		}
	} while (next.size > 0);
	if (!journal_store_passed_over(db, &passed_over, err))
		return false;
	return passed_over < 0 || wn_fail(err, WN_DOWN, "journal_broken",
					  "entry %lld has no position, but later ones have", (long long)passed_over);
}

bool journal_audit(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, struct journal_audit *out, struct wn_error *err)
{
	*out = (struct journal_audit){0};
	return audit_run(db, network, key, arena, out, err) || wn_while(err, "audit the journal");
}
