/* Routes of seats: take up to 64, list one's own, skip one. */
#include "vote/seat_api.h"

#include <string.h>

#include "core/journal.h"
#include "reward/ledger_store.h"
#include "vote/campaign_store.h"
#include "vote/panel.h"
#include "vote/round_store.h"
#include "vote/seat_bond.h"
#include "vote/vote_entry.h"

enum { SEATS_TAKE_MAX = 64, SEATS_LIST_MAX = 500 };

struct seat_wish {
	const char *campaign;
	int64_t count;
	struct item_id items[SEATS_TAKE_MAX];
	size_t item_count;
};

/* False when the body is refused; the problem is written then. */
static bool seat_wish_read(struct exchange *exchange, const struct json *body, struct seat_wish *wish)
{
	static const char *const members[] = {"campaign", "count", "items", NULL};
	struct wn_slice unknown;
	if (!json_only_members(body, members, &unknown)) {
		exchange_problem(exchange, 400, "unknown_member",
			"The request knows campaign, count and items, not %.*s.",
			(int)(unknown.bytes > 64 ? 64 : unknown.bytes), unknown.data ? unknown.data : "this");
		return false;
	}
	wish->campaign = json_member_string(body, "campaign", NULL);
	if (!wish->campaign) {
		exchange_problem(
			exchange, 400, "campaign_missing", "Name the campaign: {\"campaign\": \"...\", \"count\": 1}.");
		return false;
	}
	const struct json *items = json_get(body, "items");
	if (items) {
		if (items->type != JSON_ARRAY || items->count == 0 || items->count > SEATS_TAKE_MAX) {
			exchange_problem(exchange, 400, "items_count", "items holds 1 to %d item ids.", SEATS_TAKE_MAX);
			return false;
		}
		for (size_t i = 0; i < items->count; i++) {
			const char *hex = json_string(items->elements[i]);
			if (!hex || !hex_read(wish->items[i].bytes, ID_BYTES, hex, strlen(hex))) {
				exchange_problem(exchange, 400, "item_id", "items[%zu] is not 64 hex digits.", i);
				return false;
			}
		}
		wish->item_count = items->count;
	}
	wish->count = (int64_t)wish->item_count;
	const struct json *count = json_get(body, "count");
	if (count && !json_integer(count, &wish->count))
		wish->count = 0;
	if (wish->count < 1 || wish->count > SEATS_TAKE_MAX) {
		exchange_problem(exchange, 400, "count", "count is a number from 1 to %d.", SEATS_TAKE_MAX);
		return false;
	}
	return true;
}

/* Why an offered seat may not be taken; NULL when it may. */
static const char *seat_refusal(
	const struct exchange *exchange, const struct campaign *campaign, const struct seat_offer *offer)
{
	if (memcmp(offer->contributor.bytes, exchange->account.key.bytes, ID_BYTES) == 0)
		return "own_item";
	if (offer->sat)
		return "already_served";
	if (offer->commit_until_ms <= exchange->now_ms)
		return "round_closed";
	if (offer->kind == ROUND_AUDIT && !campaign->audit_open && !(exchange->account.roles & ACCOUNT_CURATOR))
		return "no_free_seat";
	if (offer->taken >= offer->seats)
		return "no_free_seat";
	return NULL;
}

static void refused_put(struct json_writer *writer, const struct item_id *item, const char *code)
{
	json_open_object(writer, NULL);
	json_put_hex(writer, "item_id", item->bytes, ID_BYTES);
	json_put_string(writer, "code", code);
	json_close_object(writer);
}

/* A request for seats on its way: what is offered, and of that what is taken. */
struct seat_taking {
	struct seat_wish wish;
	struct campaign_row row;
	struct seat_offer *offers;
	size_t offered;
	const struct seat_offer **taken;
	uint8_t (*bonds)[32]; /* of the taken ones; unused without a bond */
	size_t count;
	int64_t bond_units, lease_until_ms;
	struct json_writer refused;
};

static bool no_room(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "memory", "no room for seats");
}

/* Locks each seat's bond; those without cover are dropped from the list and told as refused. */
static bool seat_bonds_lock(struct exchange *exchange, struct seat_taking *taking, struct wn_error *err)
{
	struct transfer *transfers = wn_arena_array(exchange->arena, taking->count, sizeof *transfers);
	enum transfer_result *results = wn_arena_array(exchange->arena, taking->count, sizeof *results);
	size_t kept = 0;
	if (!transfers || !results)
		return no_room(err);
	for (size_t i = 0; i < taking->count; i++)
		seat_bond_transfer(&transfers[i], &taking->taken[i]->key, &exchange->account.key, taking->bond_units);
	if (!ledger_store_post(exchange->db, exchange->arena, transfers, taking->count, exchange->now_ms, results, err))
		return wn_while(err, "lock the seats' bonds");
	for (size_t i = 0; i < taking->count; i++) {
		if (results[i] != TRANSFER_DONE) {
			refused_put(&taking->refused, &taking->taken[i]->key.item, "insufficient_stake");
			continue;
		}
		memcpy(taking->bonds[kept], transfers[i].id.bytes, 32);
		taking->taken[kept++] = taking->taken[i];
	}
	taking->count = kept;
	return true;
}

static bool seats_entry(
	struct exchange *exchange, const struct seat_taking *taking, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	char did[DID_ROOM];
	did_write(did, &exchange->account.key);
	journal_entry_begin(&entry, exchange->arena, "seats", exchange->now_ms);
	json_put_string(&entry, "campaign", taking->row.campaign.name);
	json_put_string(&entry, "voter", did);
	json_put_amount(&entry, "bond", taking->bond_units);
	json_open_array(&entry, "seats");
	for (size_t i = 0; i < taking->count; i++) {
		json_open_object(&entry, NULL);
		json_put_hex(&entry, "item", taking->taken[i]->key.item.bytes, ID_BYTES);
		json_put_integer(&entry, "round", taking->taken[i]->key.round);
		json_close_object(&entry);
	}
	json_close_array(&entry);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(exchange->db, exchange->arena, body, leaf, err);
}

static void seat_put(struct json_writer *writer, const struct seat_taking *taking, const struct seat_offer *offer)
{
	const struct campaign *campaign = &taking->row.campaign;
	json_open_object(writer, NULL);
	json_put_hex(writer, "item_id", offer->key.item.bytes, ID_BYTES);
	json_put_integer(writer, "round", offer->key.round);
	json_put_string(writer, "campaign", campaign->name);
	json_put_string(writer, "question", campaign->question);
	json_put_string(writer, "kind", offer->item_kind == ITEM_TEXT ? "text" : "window");
	json_put_slice(writer, "content", offer->content);
	json_put_integer(writer, "lease_until_ms",
		taking->lease_until_ms < offer->commit_until_ms ? taking->lease_until_ms : offer->commit_until_ms);
	json_put_amount(writer, "bond", taking->bond_units);
	json_put_amount(writer, "pay", campaign->seat_pay);
	json_close_object(writer);
}

/* Finds the campaign and looks whether this account may ask for its seats; *answered tells that a problem was written.
 */
static bool seats_admit(struct exchange *exchange, struct seat_taking *taking, bool *answered, struct wn_error *err)
{
	bool found;
	*answered = true;
	if (exchange->account.jailed)
		return exchange_problem(
			exchange, 403, "jailed", "Your known-answer record fell too low: requalify first.");
	if (!campaign_store_get(exchange->db, exchange->arena, taking->wish.campaign, &taking->row, &found, err))
		return false;
	if (!found)
		return exchange_problem(
			exchange, 404, "campaign_unknown", "There is no campaign %s.", taking->wish.campaign);
	if (taking->wish.item_count && !taking->row.campaign.pick)
		return exchange_problem(
			exchange, 403, "pick_not_allowed", "This campaign assigns tasks; leave items out.");
	*answered = false;
	taking->bond_units = seat_bond_units(&taking->row.campaign, &exchange->node->policy);
	taking->lease_until_ms = exchange->now_ms + taking->row.campaign.lease_ms;
	return true;
}

/* In a paid campaign that assigns its tasks at most a tenth may be skipped or let lapse, so that nobody picks by
 * leaving what he was given. Old tasks are forgotten, so that whoever lost a day begins anew. */
static bool skips_within(struct exchange *exchange, const struct campaign *campaign, bool *within, struct wn_error *err)
{
	int64_t skipped, all, since_ms = exchange->now_ms - PANEL_SKIP_EPOCHS * exchange->node->policy.epoch_ms;
	*within = true;
	if (campaign->pick || campaign->seat_pay == 0)
		return true;
	if (!seat_store_skips(exchange->db, exchange->arena, &exchange->account.key, campaign->name, since_ms, &skipped,
		    &all, err))
		return false;
	*within = panel_skip_allowed(skipped, all);
	return true;
}

static bool skips_used(struct exchange *exchange)
{
	return exchange_problem(exchange, 409, "skips_used",
		"At most %d %% of the tasks may be skipped or let lapse here; those of the last %d pay rounds count.",
		PANEL_SKIP_PERCENT, PANEL_SKIP_EPOCHS);
}

/* Rounds with free seats, locked. Whoever has less than the least stake, or left too many tasks, is answered, not
 * offered anything. */
static bool seats_offer(struct exchange *exchange, struct seat_taking *taking, bool *answered, struct wn_error *err)
{
	const struct campaign *campaign = &taking->row.campaign;
	const struct account_key *voter = &exchange->account.key;
	struct ledger_ref stake = {.kind = LEDGER_STAKE};
	struct ledger_balance balance;
	bool within, audits = campaign->audit_open || (exchange->account.roles & ACCOUNT_CURATOR);
	memcpy(stake.owner, voter->bytes, ID_BYTES);
	if (!seat_store_exclude(exchange->db, exchange->arena, voter, err) ||
		!skips_within(exchange, campaign, &within, err) ||
		!ledger_store_balance(exchange->db, exchange->arena, &stake, &balance, err))
		return false;
	*answered = balance.credits_posted - balance.debits_posted < exchange->node->policy.stake_least;
	if (*answered)
		return exchange_problem(exchange, 409, "insufficient_stake",
			"Deposit at least %lld units first (POST /v1/stakes).",
			(long long)exchange->node->policy.stake_least);
	*answered = !within;
	if (*answered)
		return skips_used(exchange);
	return taking->wish.item_count
		       ? seat_store_pick(exchange->db, exchange->arena, campaign->name, taking->wish.items,
				 taking->wish.item_count, voter, &taking->offers, &taking->offered, err)
		       : seat_store_assign(exchange->db, exchange->arena, campaign->name, voter,
				 (int)taking->wish.count, exchange->now_ms, audits, &taking->offers, &taking->offered,
				 err);
}

static bool seats_choose(struct exchange *exchange, struct seat_taking *taking, struct wn_error *err)
{
	taking->taken = wn_arena_array(exchange->arena, taking->offered, sizeof *taking->taken);
	taking->bonds = wn_arena_array(exchange->arena, taking->offered, sizeof *taking->bonds);
	if (!taking->taken || !taking->bonds)
		return no_room(err);
	for (size_t i = 0; i < taking->offered; i++) {
		const char *code = seat_refusal(exchange, &taking->row.campaign, &taking->offers[i]);
		if (code)
			refused_put(&taking->refused, &taking->offers[i].key.item, code);
		else if ((int64_t)taking->count < taking->wish.count)
			taking->taken[taking->count++] = &taking->offers[i];
	}
	for (size_t w = 0; w < taking->wish.item_count; w++) {
		size_t i = 0;
		while (i < taking->offered && id_compare(&taking->offers[i].key.item, &taking->wish.items[w]) != 0)
			i++;
		if (i == taking->offered)
			refused_put(&taking->refused, &taking->wish.items[w], "no_open_round");
	}
	return taking->bond_units == 0 || taking->count == 0 || seat_bonds_lock(exchange, taking, err);
}

static bool seats_store(
	struct exchange *exchange, const struct seat_taking *taking, struct sha256 *leaf, struct wn_error *err)
{
	struct round_key *keys = wn_arena_array(exchange->arena, taking->count, sizeof *keys);
	if (!keys)
		return no_room(err);
	if (taking->count == 0)
		return true;
	for (size_t i = 0; i < taking->count; i++)
		keys[i] = taking->taken[i]->key;
	return seat_store_take(exchange->db, exchange->arena, keys, taking->count, &exchange->account.key,
		       taking->lease_until_ms, taking->bond_units > 0 ? (const uint8_t(*)[32])taking->bonds : NULL,
		       err) &&
	       seats_entry(exchange, taking, leaf, err);
}

static bool seats_answer(struct exchange *exchange, struct seat_taking *taking, const struct sha256 *leaf,
	struct wn_slice *out, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice refused, receipt;
	json_close_array(&taking->refused);
	if (!json_end(&taking->refused, &refused, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "seats");
	for (size_t i = 0; i < taking->count; i++)
		seat_put(&answer, taking, taking->taken[i]);
	json_close_array(&answer);
	json_put_raw(&answer, "refused", refused);
	if (taking->count > 0) {
		if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, leaf,
			    exchange->now_ms, &receipt, err))
			return false;
		json_put_raw(&answer, "receipt", receipt);
	}
	json_close_object(&answer);
	return json_end(&answer, out, err);
}

static bool seats_take(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	struct seat_taking *taking = wn_arena_alloc(exchange->arena, sizeof *taking);
	struct sha256 leaf;
	struct wn_slice text;
	bool answered;
	if (!taking)
		return no_room(err);
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!seat_wish_read(exchange, body, &taking->wish))
		return true;
	if (!seats_admit(exchange, taking, &answered, err))
		return false;
	if (answered)
		return true;
	json_begin(&taking->refused, exchange->arena);
	json_open_array(&taking->refused, NULL);
	if (!db_begin(exchange->db, err) || !seats_offer(exchange, taking, &answered, err))
		return false;
	if (answered)
		return true;
	/* The answer is written before the commit, so that the same Idempotency-Key brings the same seats. */
	if (!seats_choose(exchange, taking, err) || !seats_store(exchange, taking, &leaf, err) ||
		!seats_answer(exchange, taking, &leaf, &text, err) || !exchange_remember(exchange, 200, text, err) ||
		!db_commit(exchange->db, err))
		return false;
	return exchange_ok(exchange, 200, text, err);
}

static const char *seat_phase(const struct seat_mine *seat)
{
	if (seat->state == SEAT_LEASED)
		return "leased";
	return seat->round_state == ROUND_REVEAL ? "reveal" : "committed";
}

static bool seats_list(struct exchange *exchange, struct wn_error *err)
{
	struct item_id after = {0};
	struct wn_slice cursor = exchange_query(exchange, "after");
	struct seat_mine *seats;
	size_t count;
	if (cursor.data && !hex_read(after.bytes, ID_BYTES, cursor.data, cursor.bytes))
		return exchange_problem(exchange, 400, "cursor", "after is the item id that `next` gave.");
	if (!seat_store_mine(
		    exchange->db, exchange->arena, &exchange->account.key, &after, SEATS_LIST_MAX, &seats, &count, err))
		return false;
	struct json_writer answer;
	struct wn_slice text;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "seats");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&answer, NULL);
		json_put_hex(&answer, "item_id", seats[i].key.item.bytes, ID_BYTES);
		json_put_integer(&answer, "round", seats[i].key.round);
		json_put_string(&answer, "campaign", seats[i].campaign);
		json_put_string(&answer, "state", seat_phase(&seats[i]));
		json_put_string(&answer, "kind", seats[i].item_kind == ITEM_TEXT ? "text" : "window");
		json_put_slice(&answer, "content", seats[i].content);
		json_put_integer(&answer, "lease_until_ms", seats[i].lease_until_ms);
		json_put_integer(&answer, "commit_until_ms", seats[i].commit_until_ms);
		json_put_integer(&answer, "sequence", seats[i].sequence);
		if (seats[i].closed) {
			json_put_integer(&answer, "reveal_until_ms", seats[i].reveal_until_ms);
			json_put_hex(&answer, "commitments_root", seats[i].commitments_root.bytes, ID_BYTES);
			json_put_hex(&answer, "closed_leaf", seats[i].closed_leaf.bytes, ID_BYTES);
		}
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (count == SEATS_LIST_MAX)
		json_put_hex(&answer, "next", seats[count - 1].key.item.bytes, ID_BYTES);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool skip_allowed(struct exchange *exchange, const char *campaign_name, bool *allowed, struct wn_error *err)
{
	struct campaign_row row;
	bool found;
	if (!campaign_store_get(exchange->db, exchange->arena, campaign_name, &row, &found, err))
		return false;
	wn_assert(found);
	return skips_within(exchange, &row.campaign, allowed, err);
}

static bool skip_answer(
	struct exchange *exchange, const struct sha256 *leaf, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice receipt;
	if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, leaf,
		    exchange->now_ms, &receipt, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "state", "skipped");
	json_put_raw(&answer, "receipt", receipt);
	json_close_object(&answer);
	return json_end(&answer, out, err);
}

static bool seat_skip(struct exchange *exchange, struct wn_error *err)
{
	struct item_id item;
	struct seat_left left;
	struct round_row round;
	struct wn_slice text;
	bool was_leased, allowed;
	struct sha256 leaf;
	if (!exchange_id(exchange, 0, item.bytes))
		return true;
	/* Of two skips at the same moment the second sees the first. */
	if (!db_begin(exchange->db, err) ||
		!seat_store_exclude(exchange->db, exchange->arena, &exchange->account.key, err) ||
		!seat_store_skip(exchange->db, exchange->arena, &item, &exchange->account.key, &left, &was_leased, err))
		return false;
	if (!was_leased)
		return exchange_problem(
			exchange, 404, "no_seat", "You hold no task on this item that could be skipped.");
	if (!round_store_get(exchange->db, exchange->arena, &left.key, &round, err) ||
		!skip_allowed(exchange, round.campaign, &allowed, err))
		return false;
	if (!allowed)
		return skips_used(exchange);
	if ((left.has_bond && !seat_bonds_release(exchange->db, exchange->arena, &left, 1, exchange->now_ms, err)) ||
		!vote_entry_seats_left(exchange->db, exchange->arena, "skip", &left, 1, exchange->now_ms, &leaf, err) ||
		!skip_answer(exchange, &leaf, &text, err) || !exchange_remember(exchange, 200, text, err) ||
		!db_commit(exchange->db, err))
		return false;
	return exchange_ok(exchange, 200, text, err);
}

const struct route seat_routes[] = {
	{.method = "POST",
		.pattern = "/v1/seats",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.body_max = 65536,
		.handle = seats_take,
		.idempotent = true,
		.summary = "Take up to 64 tasks",
		.takes = "SeatWish",
		.gives = "200:SeatsTaken",
		.refuses = "404"},
	{.method = "GET",
		.pattern = "/v1/seats",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.handle = seats_list,
		.summary = "List one's own tasks that wait for a vote",
		.query = "after:HashInput",
		.gives = "200:Seats"},
	{.method = "DELETE",
		.pattern = "/v1/seats/{item}",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.handle = seat_skip,
		.summary = "Skip a task",
		.gives = "200:SeatSkipped"},
	{.method = NULL},
};
