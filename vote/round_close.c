/* Rounds whose commit or reveal phase is over: what becomes of each is decided, stored and told to the journal. */
#include "vote/round_close.h"

#include <string.h>

#include "vote/close_store.h"
#include "vote/commitment.h"
#include "vote/gold.h"
#include "vote/panel.h"
#include "vote/seat_bond.h"
#include "vote/snapshot_store.h"
#include "vote/vote_entry.h"

/* One round and what becomes of it. */
struct outcome {
	const struct round_due *due;
	const struct campaign *campaign;
	struct panel_past past;
	int32_t last_round; /* of the item, whatever its kind */
	enum panel_step step;
	struct sha256 root; /* REVEAL: of the commitments; TALLY: of the opened votes */
	size_t votes;	    /* that the round itself brought */
	struct tally_result result;
	int64_t after;	     /* the close whose state judged */
	int32_t opens_seats; /* of the round that follows; 0: none */
	int32_t gold;	     /* audits: the known answer, or GOLD_NONE */
};

struct outcomes {
	struct vote_turn *turn;
	int64_t epoch;
	const struct round_due *due;
	struct outcome *rows;
	struct round_key *keys; /* of the rows */
	struct item_id *items;
	size_t count;
};

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for the rounds that are due");
}

/* ---- reading ---- */

/* Rows that begin with a round_key and are sorted by it: where those of one item lie. */
static size_t rows_of_item(const void *rows, size_t count, size_t stride, const struct item_id *item, size_t *first)
{
	size_t low = 0, high = count, end;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (memcmp((const char *)rows + middle * stride, item->bytes, ID_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < count; end++)
		if (memcmp((const char *)rows + end * stride, item->bytes, ID_BYTES) != 0)
			break;
	*first = low;
	return end - low;
}

static void past_read(struct outcome *row, const struct round_past *past, size_t count)
{
	row->last_round = row->due->key.round;
	for (size_t i = 0; i < count; i++) {
		if (past[i].key.round > row->last_round)
			row->last_round = past[i].key.round;
		if (past[i].kind != ROUND_PANEL || past[i].key.round >= row->due->key.round)
			continue;
		if (past[i].state == ROUND_TALLIED) {
			row->past.tallied++;
			row->past.voided = 0;
		} else if (past[i].state == ROUND_VOID) {
			row->past.voided++;
		}
	}
}

static bool outcomes_begin(struct outcomes *out, struct vote_turn *turn, struct wn_error *err)
{
	size_t past_count, first;
	struct round_past *past;
	out->rows = wn_arena_array(turn->arena, out->count, sizeof *out->rows);
	out->keys = wn_arena_array(turn->arena, out->count, sizeof *out->keys);
	out->items = wn_arena_array(turn->arena, out->count, sizeof *out->items);
	if (!out->rows || !out->keys || !out->items)
		return no_room(err);
	for (size_t i = 0; i < out->count; i++) {
		out->rows[i].due = &out->due[i];
		out->keys[i] = out->due[i].key;
		out->items[i] = out->due[i].key.item;
		if (!campaign_cache_get(
			    turn->campaigns, turn->db, turn->arena, out->due[i].campaign, &out->rows[i].campaign, err))
			return false;
	}
	if (!round_store_history(turn->db, turn->arena, out->items, out->count, &past, &past_count, err))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		size_t found = rows_of_item(past, past_count, sizeof *past, &out->items[i], &first);
		past_read(&out->rows[i], past + first, found);
	}
	return true;
}

/* ---- judging ---- */

/* The round's own opened votes as leaves of its root. */
static bool votes_root(
	struct wn_arena *arena, const struct vote_row *votes, size_t count, struct outcome *row, struct wn_error *err)
{
	struct commitment_leaf *leaves = wn_arena_array(arena, count, sizeof *leaves);
	if (!leaves)
		return no_room(err);
	for (size_t i = 0; i < count; i++)
		if (votes[i].key.round == row->due->key.round)
			vote_row_leaf(&votes[i], &leaves[row->votes++]);
	return vote_root(arena, leaves, row->votes, &row->root, err);
}

static void audit_count(struct outcome *row, const struct vote_row *votes, size_t count)
{
	uint32_t counts[TALLY_CLASSES_MAX] = {0};
	for (size_t i = 0; i < count; i++)
		if (votes[i].key.round == row->due->key.round)
			counts[votes[i].choice]++;
	row->gold = gold_audit_class(row->campaign->class_count, counts);
}

/* Votes of every panel of the item that came about, and of this round if it did. */
static bool panel_vote_counts(const struct outcome *row, const struct vote_row *vote)
{
	if (vote->kind != ROUND_PANEL)
		return false;
	return vote->round_state == ROUND_TALLIED ||
	       (row->step == PANEL_TALLY && vote->key.round == row->due->key.round);
}

static bool panel_count(struct wn_arena *arena, const struct snapshot *snapshot, struct outcome *row,
	const struct vote_row *votes, size_t count, struct wn_error *err)
{
	struct tally_vote *counted = wn_arena_array(arena, count, sizeof *counted);
	size_t used = 0;
	if (!counted)
		return no_room(err);
	for (size_t i = 0; i < count; i++)
		if (panel_vote_counts(row, &votes[i]))
			counted[used++] = (struct tally_vote){.voter = votes[i].voter, .label = votes[i].choice};
	tally_online(&snapshot->tally, counted, used, &row->result);
	row->after = snapshot->epoch;
	if (row->step == PANEL_TALLY && panel_escalates(row->campaign, row->result.margin, row->past.tallied + 1))
		row->opens_seats = row->campaign->escalate;
	return true;
}

static bool wants_tally(const struct outcome *row)
{
	return row->due->kind == ROUND_PANEL && (row->step == PANEL_TALLY || row->step == PANEL_KEEP);
}

/* All panels of one campaign, under one snapshot. */
static bool campaign_count(struct outcomes *all, const struct campaign *campaign, const struct vote_row *votes,
	size_t vote_count, struct wn_error *err)
{
	struct wn_arena *arena = all->turn->arena;
	struct account_key *voters = wn_arena_array(arena, vote_count, sizeof *voters);
	struct snapshot *snapshot = wn_arena_alloc(arena, sizeof *snapshot);
	size_t voter_count = 0, first;
	if (!voters || !snapshot)
		return no_room(err);
	for (size_t i = 0; i < all->count; i++) {
		if (all->rows[i].campaign != campaign || !wants_tally(&all->rows[i]))
			continue;
		size_t found = rows_of_item(votes, vote_count, sizeof *votes, &all->items[i], &first);
		for (size_t v = first; v < first + found; v++)
			voters[voter_count++] = votes[v].voter;
	}
	if (!snapshot_store_load(all->turn->db, arena, campaign, voters, voter_count, snapshot, err))
		return false;
	for (size_t i = 0; i < all->count; i++) {
		if (all->rows[i].campaign != campaign || !wants_tally(&all->rows[i]))
			continue;
		size_t found = rows_of_item(votes, vote_count, sizeof *votes, &all->items[i], &first);
		if (!panel_count(arena, snapshot, &all->rows[i], votes + first, found, err))
			return false;
	}
	return true;
}

/* Counts what is to be counted; rounds of one item are never due together, so each item appears once. */
static bool outcomes_count(struct outcomes *all, struct wn_error *err)
{
	struct vote_row *votes;
	size_t vote_count, first;
	if (!round_store_votes(all->turn->db, all->turn->arena, all->items, all->count, &votes, &vote_count, err))
		return false;
	for (size_t i = 0; i < all->count; i++) {
		struct outcome *row = &all->rows[i];
		size_t found = rows_of_item(votes, vote_count, sizeof *votes, &all->items[i], &first);
		if (row->step == PANEL_TALLY && !votes_root(all->turn->arena, votes + first, found, row, err))
			return false;
		row->gold = GOLD_NONE;
		if (row->due->kind == ROUND_AUDIT && row->step == PANEL_TALLY)
			audit_count(row, votes + first, found);
	}
	for (size_t c = 0; c < all->turn->campaigns->count; c++) {
		const struct campaign *campaign = &all->turn->campaigns->rows[c]->campaign;
		bool any = false;
		for (size_t i = 0; i < all->count && !any; i++)
			any = all->rows[i].campaign == campaign && wants_tally(&all->rows[i]);
		if (any && !campaign_count(all, campaign, votes, vote_count, err))
			return false;
	}
	return true;
}

/* ---- storing ---- */

/* What all outcomes write, column by column. */
struct outcome_writes {
	struct round_opening *openings;
	struct provisional_row *provisional;
	struct round_key *tallied, *voided;
	struct item_id *provisional_items, *gold_items;
	int32_t *gold_classes;
	size_t opening_count, provisional_count, tallied_count, voided_count, item_count, gold_count;
	int64_t votes;
};

static void writes_add_panel(struct outcome_writes *writes, const struct outcome *row)
{
	struct provisional_row *provisional = &writes->provisional[writes->provisional_count++];
	bool is_void = row->step == PANEL_VOID;
	*provisional = (struct provisional_row){.key = row->due->key,
		.class = is_void ? -1 : row->result.class,
		.classes = row->campaign->class_count,
		.margin = row->result.margin};
	memcpy(provisional->scores, row->result.scores, sizeof provisional->scores);
	if (row->opens_seats == 0)
		writes->provisional_items[writes->item_count++] = row->due->key.item;
}

static void writes_add(struct outcome_writes *writes, const struct outcome *row, int64_t now_ms)
{
	if (row->step == PANEL_REVEAL)
		return;
	if (row->step == PANEL_TALLY)
		writes->tallied[writes->tallied_count++] = row->due->key;
	else
		writes->voided[writes->voided_count++] = row->due->key;
	writes->votes += (int64_t)row->votes;
	if (row->due->kind == ROUND_AUDIT) {
		writes->gold_items[writes->gold_count] = row->due->key.item;
		writes->gold_classes[writes->gold_count++] = row->gold;
	} else if (row->step != PANEL_REDRAW) {
		writes_add_panel(writes, row);
	}
	if (row->opens_seats > 0)
		writes->openings[writes->opening_count++] = (struct round_opening){
			.key = {row->due->key.item, row->last_round + 1},
			.campaign = row->campaign->name,
			.kind = ROUND_PANEL,
			.seats = row->opens_seats,
			.opened_ms = now_ms,
			.commit_until_ms = now_ms + row->campaign->commit_ms,
		};
}

static bool outcomes_store(struct outcomes *all, struct outcome_writes *writes, struct wn_error *err)
{
	struct vote_turn *turn = all->turn;
	struct wn_arena *arena = turn->arena;
	*writes = (struct outcome_writes){
		.openings = wn_arena_array(arena, all->count, sizeof *writes->openings),
		.provisional = wn_arena_array(arena, all->count, sizeof *writes->provisional),
		.tallied = wn_arena_array(arena, all->count, sizeof *writes->tallied),
		.voided = wn_arena_array(arena, all->count, sizeof *writes->voided),
		.provisional_items = wn_arena_array(arena, all->count, sizeof *writes->provisional_items),
		.gold_items = wn_arena_array(arena, all->count, sizeof *writes->gold_items),
		.gold_classes = wn_arena_array(arena, all->count, sizeof *writes->gold_classes),
	};
	if (!writes->openings || !writes->provisional || !writes->tallied || !writes->voided ||
		!writes->provisional_items || !writes->gold_items || !writes->gold_classes)
		return no_room(err);
	for (size_t i = 0; i < all->count; i++)
		writes_add(writes, &all->rows[i], turn->now_ms);
	return round_store_tallied(turn->db, arena, writes->tallied, writes->tallied_count, all->epoch, err) &&
	       round_store_void(turn->db, arena, writes->voided, writes->voided_count, err) &&
	       round_store_provisional(
		       turn->db, arena, writes->provisional, writes->provisional_count, all->epoch, err) &&
	       round_store_gold_class(
		       turn->db, arena, writes->gold_items, writes->gold_classes, writes->gold_count, err) &&
	       round_store_item_states(turn->db, arena, writes->provisional_items, writes->item_count, ITEM_JUDGING,
		       ITEM_PROVISIONAL, err) &&
	       round_store_epoch_votes(turn->db, arena, all->epoch, writes->votes, err) &&
	       round_store_open(turn->db, arena, writes->openings, writes->opening_count, err);
}

/* ---- telling ---- */

/* Votes and what they say stay sealed until their item is settled: only their root is shown, and whose state judged. */
static bool entry_tally(const struct outcomes *all, struct wn_error *err)
{
	static const char *const words[] = {[PANEL_REVEAL] = "reveal",
		[PANEL_TALLY] = "tallied",
		[PANEL_REDRAW] = "redraw",
		[PANEL_KEEP] = "kept",
		[PANEL_VOID] = "void"};
	struct json_writer writer;
	struct vote_entry entry;
	size_t told = 0;
	journal_entry_begin(&writer, all->turn->arena, "tally", all->turn->now_ms);
	json_put_integer(&writer, "epoch", all->epoch);
	json_open_array(&writer, "rounds");
	for (size_t i = 0; i < all->count; i++) {
		const struct outcome *row = &all->rows[i];
		if (row->step == PANEL_REVEAL)
			continue;
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &row->due->key);
		json_put_string(&writer, "result", words[row->step]);
		if (row->step == PANEL_TALLY) {
			json_put_hex(&writer, "root", row->root.bytes, ID_BYTES);
			json_put_integer(&writer, "votes", (int64_t)row->votes);
		}
		if (wants_tally(row))
			json_put_integer(&writer, "after", row->after);
		json_close_object(&writer);
		told++;
	}
	json_close_array(&writer);
	return told == 0 || (vote_entry_seal(&writer, all->turn->arena, &entry, err) &&
				    vote_entry_append(all->turn->db, all->turn->arena, &entry, err));
}

/* ---- commit ---- */

/* An audit ends with the epoch that began when it opened, however late its commit phase closed. */
static int64_t reveal_until(const struct outcomes *all, const struct outcome *row)
{
	return row->due->kind == ROUND_AUDIT ? row->due->opened_ms + all->turn->policy->epoch_ms
					     : all->turn->now_ms + row->campaign->reveal_ms;
}

static bool commitments_root(struct wn_arena *arena, const struct commitment_row *commitments, size_t count,
	struct outcome *row, struct wn_error *err)
{
	struct commitment_leaf *leaves = wn_arena_array(arena, count, sizeof *leaves);
	size_t used = 0;
	if (!leaves)
		return no_room(err);
	for (size_t i = 0; i < count; i++)
		if (commitments[i].key.round == row->due->key.round)
			leaves[used++] = (struct commitment_leaf){.item = commitments[i].key.item,
				.round = (uint32_t)commitments[i].key.round,
				.voter = commitments[i].voter,
				.value = commitments[i].commitment};
	return vote_root(arena, leaves, used, &row->root, err);
}

static bool commits_judge(struct outcomes *all, struct wn_error *err)
{
	struct commitment_row *commitments;
	size_t count, first;
	if (!round_store_commitments(all->turn->db, all->turn->arena, all->keys, all->count, &commitments, &count, err))
		return false;
	for (size_t i = 0; i < all->count; i++) {
		struct outcome *row = &all->rows[i];
		row->step = panel_commit_over(row->due->kind, row->due->seats, row->due->committed, &row->past);
		if (row->step == PANEL_REDRAW)
			row->opens_seats = row->due->seats;
		size_t found = rows_of_item(commitments, count, sizeof *commitments, &all->items[i], &first);
		if (row->step == PANEL_REVEAL &&
			!commitments_root(all->turn->arena, commitments + first, found, row, err))
			return false;
	}
	return outcomes_count(all, err);
}

/* The entry that closes commit phases; its leaf is stored with each round, so that voters find and check it. */
static bool commits_entry(const struct outcomes *all, struct vote_entry *out, size_t *closed, struct wn_error *err)
{
	struct json_writer writer;
	journal_entry_begin(&writer, all->turn->arena, "commit_closed", all->turn->now_ms);
	json_open_array(&writer, "rounds");
	*closed = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct outcome *row = &all->rows[i];
		if (row->step != PANEL_REVEAL)
			continue;
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &row->due->key);
		json_put_hex(&writer, "root", row->root.bytes, ID_BYTES);
		json_put_integer(&writer, "reveal_until_ms", reveal_until(all, row));
		json_close_object(&writer);
		++*closed;
	}
	json_close_array(&writer);
	return vote_entry_seal(&writer, all->turn->arena, out, err);
}

static bool commits_close(struct outcomes *all, const struct vote_entry *entry, struct wn_error *err)
{
	struct wn_arena *arena = all->turn->arena;
	struct round_key *keys = wn_arena_array(arena, all->count, sizeof *keys);
	struct sha256 *roots = wn_arena_array(arena, all->count, sizeof *roots);
	int64_t *until = wn_arena_array(arena, all->count, sizeof *until);
	size_t used = 0;
	if (!keys || !roots || !until)
		return no_room(err);
	for (size_t i = 0; i < all->count; i++) {
		if (all->rows[i].step != PANEL_REVEAL)
			continue;
		keys[used] = all->keys[i];
		roots[used] = all->rows[i].root;
		until[used++] = reveal_until(all, &all->rows[i]);
	}
	return round_store_close_commit(all->turn->db, arena, keys, until, roots, used, &entry->leaf, err);
}

bool round_close_commits(struct vote_turn *turn, size_t *count, struct wn_error *err)
{
	struct outcomes all = {.turn = turn};
	struct outcome_writes writes;
	struct round_due *due;
	struct seat_left *left;
	struct vote_entry closed;
	size_t left_count, closed_count;
	if (!close_store_open_epoch(turn->db, turn->arena, &all.epoch, err) ||
		!round_store_commit_due(turn->db, turn->arena, turn->late_ms, ROUND_CLOSE_MAX, &due, &all.count, err))
		return false;
	*count = all.count;
	all.due = due;
	if (all.count == 0)
		return true;
	return outcomes_begin(&all, turn, err) &&
	       seat_store_abandon(turn->db, turn->arena, all.keys, all.count, &left, &left_count, err) &&
	       seat_bonds_release(turn->db, turn->arena, left, left_count, turn->now_ms, err) &&
	       commits_judge(&all, err) && outcomes_store(&all, &writes, err) &&
	       commits_entry(&all, &closed, &closed_count, err) && commits_close(&all, &closed, err) &&
	       vote_entry_seats_left(turn->db, turn->arena, "close", left, left_count, turn->now_ms, NULL, err) &&
	       vote_entry_rounds(turn->db, turn->arena, writes.openings, writes.opening_count, turn->now_ms, err) &&
	       (closed_count == 0 || vote_entry_append(turn->db, turn->arena, &closed, err)) && entry_tally(&all, err);
}

/* ---- reveal ---- */

bool round_close_reveals(struct vote_turn *turn, size_t *count, struct wn_error *err)
{
	struct outcomes all = {.turn = turn};
	struct outcome_writes writes;
	struct round_due *due;
	if (!close_store_open_epoch(turn->db, turn->arena, &all.epoch, err) ||
		!round_store_reveal_due(turn->db, turn->arena, turn->late_ms, ROUND_CLOSE_MAX, &due, &all.count, err))
		return false;
	*count = all.count;
	all.due = due;
	if (all.count == 0)
		return true;
	if (!outcomes_begin(&all, turn, err))
		return false;
	for (size_t i = 0; i < all.count; i++) {
		struct outcome *row = &all.rows[i];
		row->step = panel_reveal_over(row->due->kind, row->due->seats, row->due->revealed, &row->past);
		if (row->step == PANEL_REDRAW)
			row->opens_seats = row->due->seats;
	}
	return outcomes_count(&all, err) && outcomes_store(&all, &writes, err) &&
	       vote_entry_rounds(turn->db, turn->arena, writes.openings, writes.opening_count, turn->now_ms, err) &&
	       entry_tally(&all, err);
}
