/* The loop of epochs: they end, their audits run, their votes settle, their money moves, their items become final. */
#include "vote/close_worker.h"

#include <string.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/log.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/vesting_release.h"
#include "vote/epoch_end.h"

enum { CLOSE_POLL_MS = 100, CLOSE_FINAL_MAX = 1000 };
#define CLOSE_LOCK 0x77696e6e636c6f73LL /* "winnclos" */
#define CLOSE_ARENA ((size_t)8 << 30)	/* an epoch of 4 M votes */
#define CLOSE_SCRATCH ((size_t)256 << 20)

/* The onion takes a fifth of a second to unroll: once a process, or when the node's seed is another one. */
static struct {
	uint8_t seed[SIGN_SEED_BYTES];
	struct beacon_onion *onion;
} close_loop;

static bool onion_get(const struct node *node, const struct beacon_onion **out, struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	uint8_t seed[SIGN_SEED_BYTES];
	if (!seed_file_read(node_path(node, path, "keys/beacon.seed"), seed, err))
		return wn_while(err, "read the beacon's seed");
	if (!close_loop.onion || memcmp(seed, close_loop.seed, sizeof seed) != 0) {
		beacon_onion_close(close_loop.onion);
		close_loop.onion = beacon_onion_open(seed);
		memcpy(close_loop.seed, seed, sizeof seed);
	}
	*out = close_loop.onion;
	return *out || wn_fail(err, WN_FULL, "memory", "no room for the beacon's onion");
}

/* ---- settling ---- */

static bool run_campaigns(struct epoch_run *run, struct wn_error *err)
{
	const char **names;
	if (!close_store_campaigns(run->turn.db, run->turn.arena, &names, &run->campaign_count, err))
		return false;
	run->campaigns = wn_arena_array(run->turn.arena, run->campaign_count, sizeof *run->campaigns);
	struct campaign_row *rows = wn_arena_array(run->turn.arena, run->campaign_count, sizeof *rows);
	if (!run->campaigns || !rows)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu campaigns", run->campaign_count);
	for (size_t c = 0; c < run->campaign_count; c++) {
		bool found;
		if (!campaign_store_get(run->turn.db, run->turn.arena, names[c], &rows[c], &found, err))
			return false;
		wn_assert(found);
		run->campaigns[c].campaign = &rows[c].campaign;
		if (!epoch_settle(run, &run->campaigns[c], err))
			return false;
	}
	return true;
}

/* Slashes point at the entry that names the parts with their scored votes, the epoch at the same one for its claims
 * root; its leaf is known before it is appended. */
static bool run_close(struct epoch_run *run, struct wn_error *err)
{
	struct vote_entry entry;
	struct close_turn *turn = &run->turn;
	return claims_store_exclude(turn->db, turn->arena, err) && run_campaigns(run, err) && epoch_pay(run, err) &&
	       epoch_entry_close(run, &entry, err) &&
	       close_store_close(turn->db, turn->arena, run->epoch, run->end_ms, turn->now_ms, run->minted,
		       &run->claims_root, &entry.leaf, err) &&
	       close_store_slashes(
		       turn->db, turn->arena, run->slashes, run->slash_count, run->epoch, &entry.leaf, err) &&
	       epoch_entry_append(run, &entry, err);
}

static bool epoch_settle_all(struct close_turn *turn, const struct epoch_row *ended, struct wn_error *err)
{
	struct epoch_run run = {.turn = *turn, .epoch = ended->epoch, .end_ms = ended->ended_ms};
	wn_arena_init(&run.scratch, CLOSE_SCRATCH);
	bool ok = db_begin(turn->db, err) && run_close(&run, err) && db_commit(turn->db, err);
	wn_arena_free(&run.scratch);
	if (!ok)
		return wn_while(err, "close epoch %lld", (long long)ended->epoch);
	if (run.campaign_count > 0)
		log_event(LOG_INFO, "epoch_closed", log_integer("epoch", run.epoch), log_integer("minted", run.minted),
			log_integer("transfers", (int64_t)run.transfer_count),
			log_integer("slashes", (int64_t)run.slash_count), NULL);
	return true;
}

/* ---- finality ---- */

static const struct {
	const char *word;
	enum item_state state;
} finals[] = {{"accepted", ITEM_ACCEPTED}, {"rejected", ITEM_REJECTED}, {"void", ITEM_VOID}};
enum { FINALS = sizeof finals / sizeof finals[0] };

static int final_of(const struct final_row *row)
{
	return row->class < 0 ? 2 : row->keeps ? 0 : 1;
}

static bool items_finish(struct close_turn *turn, const struct final_row *rows, size_t count, struct wn_error *err)
{
	struct item_id *ids = wn_arena_array(turn->arena, count, sizeof *ids);
	if (!ids)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu items", count);
	for (int final = 0; final < FINALS; final++) {
		size_t used = 0;
		for (size_t i = 0; i < count; i++)
			if (final_of(&rows[i]) == final)
				ids[used++] = rows[i].item;
		if (!round_store_item_states(turn->db, turn->arena, ids, used, ITEM_SETTLED, finals[final].state, err))
			return false;
	}
	/* Only where the journal says that items became final: from it follows which grants still wait. */
	return count == 0 || close_store_grants_final(turn->db, turn->arena, turn->now_ms, err);
}

static bool pay_post(struct close_turn *turn, struct transfer *posts, size_t count, struct wn_error *err)
{
	enum transfer_result *results = wn_arena_array(turn->arena, count, sizeof *results);
	if (!results)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu payments", count);
	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++)
		transfer_id_of(&posts[i].id, "reward/validator/final", posts[i].pending_id.bytes, NULL, 0);
	if (!ledger_store_post(turn->db, turn->arena, posts, count, turn->now_ms, results, err))
		return wn_while(err, "post pay that became final");
	for (size_t i = 0; i < count; i++)
		wn_assert(results[i] == TRANSFER_DONE);
	return close_store_pay_posted(turn->db, turn->arena, posts, count, err);
}

static bool final_entries(struct close_turn *turn, const struct final_row *rows, size_t count,
	const struct transfer *posts, size_t post_count, struct wn_error *err)
{
	struct json_writer writer;
	struct vote_entry entry;
	struct wn_slice text;
	if (post_count > 0 && (!ledger_entry(turn->arena, posts, post_count, turn->now_ms, &text, err) ||
				      !journal_append(turn->db, turn->arena, text, NULL, err)))
		return false;
	if (count == 0)
		return true;
	journal_entry_begin(&writer, turn->arena, "final", turn->now_ms);
	json_open_array(&writer, "items");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&writer, NULL);
		json_put_hex(&writer, "item", rows[i].item.bytes, ID_BYTES);
		json_put_string(&writer, "state", finals[final_of(&rows[i])].word);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	return vote_entry_seal(&writer, turn->arena, &entry, err) &&
	       vote_entry_append(turn->db, turn->arena, &entry, err);
}

/* Challenge windows that are over: items are accepted, rejected or void for good, pay that waited for them is posted.
 */
static bool finish(struct close_turn *turn, size_t *done, struct wn_error *err)
{
	struct final_row *rows;
	struct transfer *posts;
	size_t count, post_count;
	if (!db_begin(turn->db, err) ||
		!close_store_final_due(turn->db, turn->arena, turn->now_ms, CLOSE_FINAL_MAX, &rows, &count, err) ||
		!close_store_pay_due(turn->db, turn->arena, turn->now_ms, CLOSE_FINAL_MAX, &posts, &post_count, err) ||
		!items_finish(turn, rows, count, err) || !pay_post(turn, posts, post_count, err) ||
		!final_entries(turn, rows, count, posts, post_count, err) || !db_commit(turn->db, err))
		return wn_while(err, "make items final");
	*done += count + post_count;
	return true;
}

/* ---- epochs ---- */

/* The next epoch begins only when the one before the open one is closed: at most two are ever in the works. */
static bool advance(struct close_turn *turn, const struct epoch_row *open, size_t *done, struct wn_error *err)
{
	const struct beacon_onion *onion = NULL;
	size_t passed;
	bool ended;
	if (!onion_get(turn->node, &onion, err) || !epoch_pass_silent(turn, onion, open, &passed, err))
		return false;
	*done += passed;
	if (passed > 0)
		return true;
	if (!epoch_end(turn, onion, open, &ended, err))
		return false;
	*done += ended;
	return true;
}

/* An ended epoch is closed when its audits are known, or when the one that follows is over. */
static bool settle_due(struct close_turn *turn, const struct epoch_row *ended, const struct epoch_row *open, bool *due,
	struct wn_error *err)
{
	bool waits, late;
	if (!close_store_gold_waits(turn->db, turn->arena, ended->epoch, &waits, err))
		return false;
	*due = !waits;
	if (!waits || !epoch_is_over(turn, open))
		return true;
	if (!close_store_late(turn->db, turn->arena, epoch_end_ms(turn, open), &late, err))
		return false;
	*due = !late;
	return true;
}

static bool epochs_move(struct close_turn *turn, size_t *done, struct wn_error *err)
{
	struct epoch_row rows[2];
	size_t count;
	bool due;
	if (!close_store_epochs(turn->db, turn->arena, rows, &count, err))
		return false;
	if (count == 0)
		return wn_fail(err, WN_DOWN, "epoch_missing",
			"no epoch is open: start the node with `winnow up`, which makes its genesis");
	const struct epoch_row *open = &rows[count - 1];
	wn_assert(open->state == EPOCH_OPEN);
	/* Before anything else of this epoch: its closes count what vested by its beginning, whoever is quicker. */
	for (size_t owners = 1; owners > 0; *done += owners)
		if (!vesting_step(turn->db, turn->arena, open->epoch, open->opened_ms, &owners, err))
			return false;
	if (count == 1)
		return !epoch_is_over(turn, open) || advance(turn, open, done, err);
	wn_assert(rows[0].state == EPOCH_AUDITING);
	if (!settle_due(turn, &rows[0], open, &due, err))
		return false;
	if (due && !epoch_settle_all(turn, &rows[0], err))
		return false;
	*done += due;
	return true;
}

static bool close_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	struct close_turn turn = {.db = worker->db, .arena = &worker->arena, .node = worker->node};
	*done = 0;
	return clock_now(turn.db, &turn.now_ms, err) && epochs_move(&turn, done, err) && finish(&turn, done, err);
}

static const struct worker_plan plan = {
	.name = "close",
	.role = "winnow_reward",
	.lock_key = CLOSE_LOCK,
	.poll_ms = CLOSE_POLL_MS,
	.arena_bytes = CLOSE_ARENA,
	.batch = close_worker_batch,
};
const struct worker_plan *const close_plan = &plan;
