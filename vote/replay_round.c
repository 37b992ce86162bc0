/* Rounds of a replay: opened, seated, sealed, opened again, counted. A vote
 * counts if and only if its entry precedes the one that closes its phase. */
#include <stdlib.h>
#include <string.h>

#include "vote/ballot.h"
#include "vote/commitment.h"
#include "vote/panel.h"
#include "vote/replay_state.h"
#include "vote/seat_bond.h"

#include "core/account.h"
#include "reward/ledger_store.h"

static const char *hex_of(char out[ID_HEX_ROOM], const struct replay_item *item)
{
	return hex_write(out, item->id.bytes, ID_BYTES);
}

/* Outages move the deadlines of open panels; by at most this much since the
 * round opened. */
static int64_t moved_ms(const struct replay *replay, const struct replay_round *round)
{
	return round->kind == ROUND_PANEL ? replay->moved_ms - round->moved_before_ms : 0;
}

/* ---- opening ---- */

static bool panel_opens(
	struct replay *replay, struct replay_item *item, struct replay_round *round, struct wn_error *err)
{
	const struct campaign *campaign = &item->campaign->campaign;
	char hex[ID_HEX_ROOM];
	if (round->commit_until_ms != replay->time_ms + campaign->commit_ms)
		return replay_differs(replay, err, "replay_round",
			"item %s: votes are sealed until %lld, expected %lld", hex_of(hex, item),
			(long long)round->commit_until_ms, (long long)(replay->time_ms + campaign->commit_ms));
	if (round->number > 1)
		return true;
	if (item->state != ITEM_EMBEDDED)
		return replay_differs(replay, err, "replay_round", "item %s is %s and gets no first panel",
			hex_of(hex, item), item_state_word(item->state));
	if (round->seats != campaign->seats)
		return replay_differs(replay, err, "replay_round", "item %s: a first panel of %d seats, expected %d",
			hex_of(hex, item), round->seats, campaign->seats);
	item->state = ITEM_JUDGING;
	round->explained = true;
	return true;
}

static bool audit_opens(
	struct replay *replay, struct replay_item *item, struct replay_round *round, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	struct replay_audit *audit =
		replay_list_add((void **)&replay->audits, &replay->audit_count, &replay->audit_room, sizeof *audit);
	if (!audit)
		return replay_no_room(err);
	*audit = (struct replay_audit){item, round->number, replay->position};
	if (item->state != ITEM_PROVISIONAL)
		return replay_differs(replay, err, "replay_gold", "item %s is %s and cannot be audited",
			hex_of(hex, item), item_state_word(item->state));
	return round->seats == item->campaign->campaign.audit_seats ||
	       replay_differs(replay, err, "replay_gold", "item %s: an audit of %d seats, expected %d",
		       hex_of(hex, item), round->seats, item->campaign->campaign.audit_seats);
}

static bool round_opens(struct replay *replay, const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_campaign *campaign;
	int64_t number, seats, until_ms;
	const char *kind;
	char hex[ID_HEX_ROOM];
	if (!replay_read_item(replay, row, &item, err) || !replay_read_integer(replay, row, "round", &number, err) ||
		!replay_read_campaign(replay, row, "campaign", &campaign, err) ||
		!replay_read_text(replay, row, "kind", &kind, err) ||
		!replay_read_integer(replay, row, "seats", &seats, err) ||
		!replay_read_integer(replay, row, "commit_until_ms", &until_ms, err))
		return false;
	bool audits = strcmp(kind, "audit") == 0;
	if (campaign != item->campaign || number != (int64_t)item->round_count + 1 || seats < 1 ||
		seats > CAMPAIGN_SEATS_MAX || (!audits && strcmp(kind, "panel") != 0))
		return replay_differs(replay, err, "replay_round",
			"item %s: round %lld, %.8s of %lld seats, cannot open", hex_of(hex, item), (long long)number,
			kind, (long long)seats);
	if (item->round_count > 0 && !item->rounds[item->round_count - 1].explained)
		return replay_differs(replay, err, "replay_round", "item %s: nothing says why round %zu opened",
			hex_of(hex, item), item->round_count);
	struct replay_round *round =
		replay_list_add((void **)&item->rounds, &item->round_count, &item->round_room, sizeof *round);
	if (!round)
		return replay_no_room(err);
	*round = (struct replay_round){.number = (int32_t)number,
		.kind = audits ? ROUND_AUDIT : ROUND_PANEL,
		.seats = (int32_t)seats,
		.opened_ms = replay->time_ms,
		.opened_position = replay->position,
		.commit_until_ms = until_ms,
		.moved_before_ms = replay->moved_ms,
		.epoch = -1};
	return audits ? audit_opens(replay, item, round, err) : panel_opens(replay, item, round, err);
}

bool replay_take_rounds(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	if (!replay_read_list(replay, entry, "rounds", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!round_opens(replay, list->elements[i], err))
			return false;
	return true;
}

/* A round that was opened by the entry that says so, and whose reason is known.
 */
static bool open_round(struct replay *replay, const struct json *row, struct replay_item **item,
	struct replay_round **round, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if (!replay_read_round(replay, row, item, round, err))
		return false;
	if (!(*round)->explained)
		return replay_differs(replay, err, "replay_round", "item %s: nothing says why round %d opened",
			hex_of(hex, *item), (*round)->number);
	return (*round)->state < ROUND_TALLIED ||
	       replay_differs(
		       replay, err, "replay_round", "item %s: round %d is over", hex_of(hex, *item), (*round)->number);
}

/* ---- seats ---- */

static bool seat_allowed(struct replay *replay, const struct replay_item *item, const struct replay_round *round,
	int32_t voter, struct wn_error *err)
{
	const char *why = NULL;
	char hex[ID_HEX_ROOM];
	int32_t roles = replay->accounts[voter].roles;
	if (!(roles & (ACCOUNT_VALIDATOR | ACCOUNT_CURATOR)))
		why = "the voter is neither validator nor curator";
	else if (round->state != ROUND_COMMIT)
		why = "the round takes no votes any more";
	else if (replay->time_ms >= round->commit_until_ms + moved_ms(replay, round))
		why = "the round's time is over";
	else if (item->contributor == voter)
		why = "it is the voter's own item";
	else if (replay_seat_of(item, voter))
		why = "the voter was served this item before";
	else if (round->taken >= round->seats)
		why = "all seats are taken";
	else if (round->kind == ROUND_AUDIT && !item->campaign->campaign.audit_open && !(roles & ACCOUNT_CURATOR))
		why = "only curators audit";
	return !why || replay_differs(replay, err, "replay_seat", "item %s, round %d: %s", hex_of(hex, item),
			       round->number, why);
}

static bool seat_take(struct replay *replay, const struct json *row, const struct replay_campaign *campaign,
	int32_t voter, int64_t bond, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_round *round;
	struct transfer transfer;
	char hex[ID_HEX_ROOM];
	if (!open_round(replay, row, &item, &round, err))
		return false;
	if (item->campaign != campaign)
		return replay_differs(replay, err, "replay_seat", "item %s is of another campaign", hex_of(hex, item));
	if (!seat_allowed(replay, item, round, voter, err))
		return false;
	struct replay_seat *seat =
		replay_list_add((void **)&item->seats, &item->seat_count, &item->seat_room, sizeof *seat);
	if (!seat)
		return replay_no_room(err);
	*seat = (struct replay_seat){
		.voter = voter, .round = round->number, .state = SEAT_LEASED, .bond = bond, .bond_closed = bond == 0};
	round->taken++;
	if (bond == 0)
		return true;
	struct round_key key = {item->id, round->number};
	seat_bond_transfer(&transfer, &key, &replay->accounts[voter].key, bond);
	return replay_move(replay, &transfer, 0, err);
}

bool replay_take_seats(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_campaign *campaign;
	const struct json *list;
	int32_t voter;
	int64_t bond;
	if (!replay_read_campaign(replay, entry, "campaign", &campaign, err) ||
		!replay_read_account(replay, entry, "voter", &voter, err) ||
		!replay_read_amount(replay, entry, "bond", &bond, err) ||
		!replay_read_list(replay, entry, "seats", &list, err))
		return false;
	int64_t expected = seat_bond_units(&campaign->campaign, &replay->node.policy);
	if (bond != expected)
		return replay_differs(replay, err, "replay_seat", "a seat's bond is %lld units, expected %lld",
			(long long)bond, (long long)expected);
	for (size_t i = 0; i < list->count; i++)
		if (!seat_take(replay, list->elements[i], campaign, voter, bond, err))
			return false;
	return true;
}

static bool seat_leave(struct replay *replay, const struct json *row, bool skipped, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_round *round;
	int32_t voter;
	char hex[ID_HEX_ROOM];
	const struct json *bond = json_get(row, "bond");
	if (!open_round(replay, row, &item, &round, err) || !replay_read_account(replay, row, "voter", &voter, err))
		return false;
	struct replay_seat *seat = replay_seat_of(item, voter);
	if (!seat || seat->round != round->number || seat->state != SEAT_LEASED)
		return replay_differs(replay, err, "replay_seat", "item %s, round %d: the voter has no seat to leave",
			hex_of(hex, item), round->number);
	if (!bond || bond->type != JSON_BOOL || bond->truth != (seat->bond > 0))
		return replay_differs(replay, err, "replay_seat", "item %s, round %d: the seat %s a bond",
			hex_of(hex, item), round->number, seat->bond > 0 ? "has" : "has not");
	seat->state = skipped ? SEAT_SKIPPED : SEAT_LAPSED;
	seat->bond_closed = true;
	round->taken--;
	if (seat->bond == 0)
		return true;
	struct round_key key = {item->id, round->number};
	const struct account_key *key_of = &replay->accounts[voter].key;
	struct transfer locks, gives;
	seat_bond_transfer(&locks, &key, key_of, seat->bond);
	gives = locks;
	transfer_id_of(&gives.id, "seat/left", key.item.bytes, key_of->bytes, (uint64_t)key.round);
	gives.step = TRANSFER_VOID;
	gives.cause = "seat/left";
	gives.amount = 0;
	gives.pending_id = locks.id;
	return replay_move(replay, &gives, 0, err);
}

bool replay_take_seat_left(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const char *cause;
	const struct json *list;
	if (!replay_read_text(replay, entry, "cause", &cause, err) ||
		!replay_read_list(replay, entry, "seats", &list, err))
		return false;
	bool skipped = strcmp(cause, "skip") == 0;
	if (!skipped && strcmp(cause, "lapse") != 0 && strcmp(cause, "close") != 0)
		return replay_differs(replay, err, "replay_entry", "seats are not left by %.16s", cause);
	for (size_t i = 0; i < list->count; i++)
		if (!seat_leave(replay, list->elements[i], skipped, err))
			return false;
	return true;
}

/* ---- ballots ---- */

static bool vote_seals(struct replay *replay, const struct json *row, struct replay_item *item,
	struct replay_round *round, struct replay_seat *seat, struct wn_error *err)
{
	int64_t sequence;
	struct sha256 commitment;
	char hex[ID_HEX_ROOM];
	if (!replay_read_integer(replay, row, "sequence", &sequence, err) ||
		!replay_read_id(replay, row, "commitment", commitment.bytes, err))
		return false;
	if (round->state != ROUND_COMMIT || replay->time_ms >= round->commit_until_ms + moved_ms(replay, round))
		return replay_differs(replay, err, "replay_ballot", "item %s, round %d: a vote is sealed too late",
			hex_of(hex, item), round->number);
	if (seat->state != SEAT_LEASED && seat->state != SEAT_COMMITTED)
		return replay_differs(replay, err, "replay_ballot", "item %s, round %d: the voter left this seat",
			hex_of(hex, item), round->number);
	if (sequence <= seat->sequence || sequence > BALLOT_SEQUENCE_MAX)
		return replay_differs(replay, err, "replay_ballot",
			"item %s, round %d: the sequence goes from %lld to %lld", hex_of(hex, item), round->number,
			(long long)seat->sequence, (long long)sequence);
	round->committed += seat->state == SEAT_LEASED;
	seat->state = SEAT_COMMITTED;
	seat->sequence = sequence;
	seat->commitment = commitment;
	return true;
}

static bool vote_opens(struct replay *replay, struct replay_item *item, struct replay_round *round,
	struct replay_seat *seat, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if (round->state != ROUND_REVEAL || replay->time_ms >= round->reveal_until_ms + moved_ms(replay, round))
		return replay_differs(replay, err, "replay_ballot", "item %s, round %d: no vote can be opened %s",
			hex_of(hex, item), round->number, round->state == ROUND_COMMIT ? "yet" : "any more");
	if (seat->state != SEAT_COMMITTED)
		return replay_differs(replay, err, "replay_ballot",
			"item %s, round %d: a vote is opened that was not sealed, or twice", hex_of(hex, item),
			round->number);
	seat->state = SEAT_REVEALED;
	round->revealed++;
	return true;
}

static bool vote_take(struct replay *replay, const struct json *row, bool reveals, int32_t voter, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_round *round;
	char hex[ID_HEX_ROOM];
	if (!open_round(replay, row, &item, &round, err))
		return false;
	struct replay_seat *seat = replay_seat_of(item, voter);
	if (!seat || seat->round != round->number)
		return replay_differs(replay, err, "replay_ballot", "item %s, round %d: the voter has no seat",
			hex_of(hex, item), round->number);
	return reveals ? vote_opens(replay, item, round, seat, err) : vote_seals(replay, row, item, round, seat, err);
}

static bool evidence_tell(struct replay *replay, const struct json *entry, int32_t voter, struct wn_error *err)
{
	struct replay_ballot ballot = {.voter = replay->accounts[voter].key, .position = replay->position};
	const char *hex = json_member_string(entry, "signature", NULL);
	if (!replay_read_id(replay, entry, "base_sha256", ballot.base.bytes, err) ||
		!replay_read_id(replay, entry, "body_sha256", ballot.body.bytes, err))
		return false;
	if (!hex || !hex_read(ballot.signature, sizeof ballot.signature, hex, strlen(hex)))
		return replay_differs(replay, err, "replay_entry", "its signature is not 128 hex digits");
	return !replay->watch.ballot || replay->watch.ballot(replay->watch.context, &ballot, err);
}

bool replay_take_ballot(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	int32_t voter;
	const char *phase;
	const struct json *list;
	if (!replay_read_account(replay, entry, "voter", &voter, err) ||
		!replay_read_text(replay, entry, "phase", &phase, err) ||
		!replay_read_list(replay, entry, "votes", &list, err))
		return false;
	bool reveals = strcmp(phase, "reveal") == 0;
	if (!reveals && strcmp(phase, "commit") != 0)
		return replay_differs(replay, err, "replay_entry", "a ballot has no phase %.16s", phase);
	if (list->count < 1 || list->count > BALLOT_VOTES_MAX)
		return replay_differs(replay, err, "replay_ballot", "a ballot has 1 to %d votes", BALLOT_VOTES_MAX);
	for (size_t i = 0; i < list->count; i++)
		if (!vote_take(replay, list->elements[i], reveals, voter, err))
			return false;
	return evidence_tell(replay, entry, voter, err);
}

/* ---- closing commit ---- */

/* The item's panels before this round. */
static struct panel_past past_of(const struct replay_item *item, const struct replay_round *round)
{
	struct panel_past past = {0};
	for (const struct replay_round *one = item->rounds; one < round; one++) {
		if (one->kind != ROUND_PANEL)
			continue;
		if (one->state == ROUND_TALLIED) {
			past.tallied++;
			past.voided = 0;
		} else if (one->state == ROUND_VOID) {
			past.voided++;
		}
	}
	return past;
}

static bool commitments_root(struct replay *replay, const struct replay_item *item, const struct replay_round *round,
	struct sha256 *out, struct wn_error *err)
{
	struct commitment_leaf *leaves = wn_arena_array(&replay->entry, item->seat_count, sizeof *leaves);
	size_t count = 0;
	if (!leaves)
		return replay_no_room(err);
	for (size_t i = 0; i < item->seat_count; i++)
		if (item->seats[i].round == round->number && item->seats[i].sequence > 0)
			leaves[count++] = (struct commitment_leaf){.item = item->id,
				.round = (uint32_t)round->number,
				.voter = replay->accounts[item->seats[i].voter].key,
				.value = item->seats[i].commitment};
	return vote_root(&replay->entry, leaves, count, out, err);
}

static bool commit_is_over(
	struct replay *replay, const struct replay_item *item, const struct replay_round *round, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if (round->state != ROUND_COMMIT)
		return replay_differs(replay, err, "replay_round", "item %s, round %d: its sealing ended before",
			hex_of(hex, item), round->number);
	if (round->committed < round->seats && replay->time_ms < round->commit_until_ms)
		return replay_differs(replay, err, "replay_round",
			"item %s, round %d: %d of %d seats sealed a vote and "
			"its time is not over",
			hex_of(hex, item), round->number, round->committed, round->seats);
	for (size_t i = 0; i < item->seat_count; i++)
		if (item->seats[i].round == round->number && item->seats[i].state == SEAT_LEASED)
			return replay_differs(replay, err, "replay_seat",
				"item %s, round %d: a seat was not given back", hex_of(hex, item), round->number);
	return true;
}

static bool commit_close(struct replay *replay, const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_round *round;
	struct sha256 told, root;
	int64_t until_ms;
	char hex[ID_HEX_ROOM], was[ID_HEX_ROOM];
	if (!open_round(replay, row, &item, &round, err) || !replay_read_id(replay, row, "root", told.bytes, err) ||
		!replay_read_integer(replay, row, "reveal_until_ms", &until_ms, err) ||
		!commit_is_over(replay, item, round, err))
		return false;
	struct panel_past past = past_of(item, round);
	if (panel_commit_over(round->kind, round->seats, round->committed, &past) != PANEL_REVEAL)
		return replay_differs(replay, err, "replay_round", "item %s, round %d: %d sealed votes are too few",
			hex_of(hex, item), round->number, round->committed);
	if (!commitments_root(replay, item, round, &root, err))
		return false;
	if (memcmp(root.bytes, told.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_commitments",
			"item %s, round %d: the root over its sealed votes is %s", hex_of(hex, item), round->number,
			hex_write(was, root.bytes, ID_BYTES));
	int64_t expected = round->kind == ROUND_AUDIT ? round->opened_ms + replay->node.policy.epoch_ms
						      : replay->time_ms + item->campaign->campaign.reveal_ms;
	if (until_ms != expected)
		return replay_differs(replay, err, "replay_round",
			"item %s, round %d: votes may be opened until %lld, expected %lld", hex_of(hex, item),
			round->number, (long long)until_ms, (long long)expected);
	round->state = ROUND_REVEAL;
	round->reveal_until_ms = until_ms;
	round->moved_before_ms = replay->moved_ms;
	return true;
}

bool replay_take_commit_closed(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	if (!replay_read_list(replay, entry, "rounds", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (!commit_close(replay, list->elements[i], err))
			return false;
	return true;
}

/* ---- the tally ---- */

static const char *const step_words[] = {[PANEL_REVEAL] = "reveal",
	[PANEL_TALLY] = "tallied",
	[PANEL_REDRAW] = "redraw",
	[PANEL_KEEP] = "kept",
	[PANEL_VOID] = "void"};

/* What becomes of a round whose phase is over follows from how many took part.
 */
static bool round_step(struct replay *replay, const struct replay_item *item, const struct replay_round *round,
	enum panel_step *out, struct wn_error *err)
{
	struct panel_past past = past_of(item, round);
	char hex[ID_HEX_ROOM];
	if (round->state == ROUND_COMMIT) {
		*out = panel_commit_over(round->kind, round->seats, round->committed, &past);
		return commit_is_over(replay, item, round, err);
	}
	*out = panel_reveal_over(round->kind, round->seats, round->revealed, &past);
	return round->revealed >= round->committed || replay->time_ms >= round->reveal_until_ms ||
	       replay_differs(replay, err, "replay_round",
		       "item %s, round %d: %d of %d votes are opened and its "
		       "time is not over",
		       hex_of(hex, item), round->number, round->revealed, round->committed);
}

/* A round that opened with the end of this one: another draw of the same panel,
 * or the second panel. */
static bool next_explain(struct replay *replay, struct replay_item *item, const struct replay_round *round,
	enum panel_step step, bool *escalated, struct wn_error *err)
{
	struct replay_round *last = &item->rounds[item->round_count - 1];
	bool opened = last->number > round->number && !last->explained && last->kind == ROUND_PANEL;
	char hex[ID_HEX_ROOM];
	int32_t expected = step == PANEL_REDRAW ? round->seats : item->campaign->campaign.escalate;
	*escalated = opened && step == PANEL_TALLY;
	if (opened != (step == PANEL_REDRAW) && !*escalated)
		return replay_differs(replay, err, "replay_round", "item %s, round %d: %s", hex_of(hex, item),
			round->number, opened ? "another round opened without need" : "no round follows it");
	if (!opened)
		return true;
	if (last->seats != expected)
		return replay_differs(replay, err, "replay_round", "item %s, round %d: %d seats, expected %d",
			hex_of(hex, item), last->number, last->seats, expected);
	last->explained = true;
	return true;
}

static bool item_is_judged(struct replay *replay, struct replay_item *item, struct wn_error *err)
{
	struct replay_epoch *open = replay->open;
	struct replay_item **place = replay_list_add(
		(void **)&open->provisional, &open->provisional_count, &open->provisional_room, sizeof(item));
	if (!place)
		return replay_no_room(err);
	*place = item;
	item->spoken_of++;
	item->state = ITEM_PROVISIONAL;
	item->judged_epoch = open->number;
	return true;
}

static bool tally_note(struct replay *replay, const struct json *row, struct replay_item *item,
	struct replay_round *round, enum panel_step step, bool escalated, struct wn_error *err)
{
	struct replay_epoch *open = replay->open;
	int64_t after = -1;
	if (round->kind == ROUND_PANEL && !replay_read_integer(replay, row, "after", &after, err))
		return false;
	struct replay_tally *tally =
		replay_list_add((void **)&open->tallies, &open->tally_count, &open->tally_room, sizeof *tally);
	if (!tally)
		return replay_no_room(err);
	*tally = (struct replay_tally){item, round->number, step == PANEL_KEEP, escalated, after, replay->position};
	item->spoken_of++;
	open->unknown += step == PANEL_TALLY;
	return true;
}

static bool votes_told(struct replay *replay, const struct json *row, const struct replay_item *item,
	struct replay_round *round, struct wn_error *err)
{
	int64_t votes;
	char hex[ID_HEX_ROOM];
	if (!replay_read_id(replay, row, "root", round->root.bytes, err) ||
		!replay_read_integer(replay, row, "votes", &votes, err))
		return false;
	if (votes != round->revealed)
		return replay_differs(replay, err, "replay_tally",
			"item %s, round %d: %lld votes are counted, %d were opened", hex_of(hex, item), round->number,
			(long long)votes, round->revealed);
	replay->open->votes += votes;
	return true;
}

static bool round_tally(struct replay *replay, const struct json *row, struct wn_error *err)
{
	struct replay_item *item;
	struct replay_round *round;
	enum panel_step step;
	const char *word;
	bool escalated = false;
	char hex[ID_HEX_ROOM];
	if (!open_round(replay, row, &item, &round, err) || !replay_read_text(replay, row, "result", &word, err) ||
		!round_step(replay, item, round, &step, err))
		return false;
	if (strcmp(word, step_words[step]) != 0)
		return replay_differs(replay, err, "replay_tally", "item %s, round %d ends as %.16s, expected %s",
			hex_of(hex, item), round->number, word, step_words[step]);
	round->state = step == PANEL_TALLY ? ROUND_TALLIED : ROUND_VOID;
	round->epoch = replay->open->number;
	round->position = replay->position;
	if ((step == PANEL_TALLY && !votes_told(replay, row, item, round, err)) ||
		((step == PANEL_TALLY || step == PANEL_KEEP) && round->kind == ROUND_PANEL &&
			!next_explain(replay, item, round, step, &escalated, err)))
		return false;
	if (round->kind == ROUND_PANEL && step != PANEL_TALLY && step != PANEL_KEEP &&
		!next_explain(replay, item, round, step, &escalated, err))
		return false;
	if ((step == PANEL_TALLY || step == PANEL_KEEP) && !tally_note(replay, row, item, round, step, escalated, err))
		return false;
	if (round->kind == ROUND_AUDIT || step == PANEL_REDRAW || escalated) {
		replay_item_rest(replay, item);
		return true;
	}
	return item_is_judged(replay, item, err);
}

bool replay_take_tally(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *list;
	int64_t epoch;
	if (!replay_read_integer(replay, entry, "epoch", &epoch, err) ||
		!replay_read_list(replay, entry, "rounds", &list, err))
		return false;
	if (epoch != replay->open->number)
		return replay_differs(replay, err, "replay_tally", "it falls into epoch %lld, but %lld is open",
			(long long)epoch, (long long)replay->open->number);
	for (size_t i = 0; i < list->count; i++)
		if (!round_tally(replay, list->elements[i], err))
			return false;
	return true;
}

/* ---- outages ---- */

bool replay_take_outage(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	int64_t from_ms, moved;
	if (!replay_read_integer(replay, entry, "from_ms", &from_ms, err) ||
		!replay_read_integer(replay, entry, "moved_ms", &moved, err))
		return false;
	if (moved <= 0 || moved != replay->time_ms - from_ms)
		return replay_differs(replay, err, "replay_outage", "deadlines move by %lld ms, expected %lld",
			(long long)moved, (long long)(replay->time_ms - from_ms));
	replay->moved_ms += moved;
	return true;
}
