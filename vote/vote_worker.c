/* The loop of the tally: panels open, seats lapse, commit and reveal phases close, votes are counted. */
#include "vote/vote_worker.h"

#include "core/clock.h"
#include "core/log.h"
#include "vote/round_close.h"
#include "vote/seat_bond.h"
#include "vote/vote_entry.h"

enum {
	VOTE_POLL_MS = 50,
	VOTE_PANELS_MAX = 256,
	VOTE_LAPSES_MAX = 1000,
	VOTE_TURN_NOTE_MS = 10000, /* how often the tally notes that it looks, */
	VOTE_OUTAGE_MS = 60000,	   /* and the gap from which on the node counts as unavailable */
};
#define VOTE_ARENA ((size_t)1 << 30)

/* First panels for items whose duplicate check is done. */
static bool panels_open(struct vote_turn *turn, size_t *count, struct wn_error *err)
{
	struct item_waiting *items;
	if (!round_store_waiting(turn->db, turn->arena, VOTE_PANELS_MAX, &items, count, err))
		return false;
	struct round_opening *openings = wn_arena_array(turn->arena, *count, sizeof *openings);
	struct item_id *ids = wn_arena_array(turn->arena, *count, sizeof *ids);
	if (!openings || !ids)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu panels", *count);
	for (size_t i = 0; i < *count; i++) {
		const struct campaign *campaign;
		if (!campaign_cache_get(turn->campaigns, turn->db, turn->arena, items[i].campaign, &campaign, err))
			return false;
		ids[i] = items[i].item;
		openings[i] = (struct round_opening){
			.key = {items[i].item, 1},
			.campaign = campaign->name,
			.kind = ROUND_PANEL,
			.seats = campaign->seats,
			.opened_ms = turn->now_ms,
			.commit_until_ms = turn->now_ms + campaign->commit_ms,
		};
	}
	return round_store_open(turn->db, turn->arena, openings, *count, err) &&
	       round_store_item_states(turn->db, turn->arena, ids, *count, ITEM_EMBEDDED, ITEM_JUDGING, err) &&
	       vote_entry_rounds(turn->db, turn->arena, openings, *count, turn->now_ms, err);
}

/* Seats whose lease is over become free again; their bonds go back whole. */
static bool seats_lapse(struct vote_turn *turn, size_t *count, struct wn_error *err)
{
	struct seat_left *left;
	return seat_store_lapse(turn->db, turn->arena, turn->now_ms, VOTE_LAPSES_MAX, &left, count, err) &&
	       seat_bonds_release(turn->db, turn->arena, left, *count, turn->now_ms, err) &&
	       vote_entry_seats_left(turn->db, turn->arena, "lapse", left, *count, turn->now_ms, NULL, err);
}

static bool outage_entry(struct vote_turn *turn, int64_t from_ms, struct wn_error *err)
{
	struct json_writer writer;
	struct vote_entry entry;
	journal_entry_begin(&writer, turn->arena, "outage", turn->now_ms);
	json_put_integer(&writer, "from_ms", from_ms);
	json_put_integer(&writer, "moved_ms", turn->now_ms - from_ms);
	return vote_entry_seal(&writer, turn->arena, &entry, err) &&
	       vote_entry_append(turn->db, turn->arena, &entry, err);
}

/* Deadlines stop while the node is unavailable: nobody pays for our own fault. */
static bool outage_check(struct vote_turn *turn, int64_t last_ms, struct wn_error *err)
{
	int64_t rounds, seats;
	bool noted;
	if (turn->now_ms - last_ms < VOTE_TURN_NOTE_MS)
		return true;
	if (!db_begin(turn->db, err) ||
		!round_store_turn_set(turn->db, turn->arena, turn->now_ms, last_ms, &noted, err))
		return false;
	if (!noted || last_ms == 0 || turn->now_ms - last_ms < VOTE_OUTAGE_MS)
		return db_commit(turn->db, err);
	if (!round_store_deadlines_move(turn->db, turn->arena, turn->now_ms - last_ms, &rounds, &seats, err) ||
		!outage_entry(turn, last_ms, err) || !db_commit(turn->db, err))
		return wn_while(err, "move the deadlines by an outage");
	log_event(LOG_WARN, "deadlines_moved", log_integer("by_ms", turn->now_ms - last_ms),
		log_integer("rounds", rounds), log_integer("seats", seats), NULL);
	return true;
}

typedef bool vote_step(struct vote_turn *turn, size_t *count, struct wn_error *err);

/* One step is one transaction: all of it or nothing. */
static bool step(
	struct vote_turn *turn, bool due, vote_step *run, const char *doing, size_t *done, struct wn_error *err)
{
	size_t count = 0;
	if (!due)
		return true;
	if (!db_begin(turn->db, err) || !run(turn, &count, err))
		return wn_while(err, "%s", doing);
	FAILPOINT(doing);
	if (!db_commit(turn->db, err))
		return wn_while(err, "%s", doing);
	*done += count;
	return true;
}

static bool vote_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	struct round_work work;
	struct vote_turn turn = {.db = worker->db, .arena = &worker->arena, .policy = &worker->node->policy};
	*done = 0;
	turn.campaigns = wn_arena_alloc(turn.arena, sizeof *turn.campaigns);
	if (!turn.campaigns)
		return wn_fail(err, WN_FULL, "memory", "no room for campaigns");
	if (!clock_now(turn.db, &turn.now_ms, err) ||
		!round_store_work(turn.db, turn.arena, turn.now_ms, turn.policy->epoch_ms, &work, err))
		return false;
	if (!worker->node->clock_manual && !outage_check(&turn, work.turn_ms, err))
		return false;
	turn.late_ms = work.late_ms;
	return step(&turn, work.items, panels_open, "open panels", done, err) &&
	       step(&turn, work.seats, seats_lapse, "let seats lapse", done, err) &&
	       step(&turn, work.commits, round_close_commits, "close commit phases", done, err) &&
	       step(&turn, work.reveals, round_close_reveals, "count opened votes", done, err);
}

static const struct worker_plan plan = {
	.name = "tally",
	.role = "winnow_tally",
	.channel = "winnow_embedded",
	.poll_ms = VOTE_POLL_MS,
	.arena_bytes = VOTE_ARENA,
	.batch = vote_worker_batch,
};
const struct worker_plan *const vote_plan = &plan;
