/* Routes of items: where one stands, what it repeats, how it was judged; a contributor's own list. */
#include "vote/item_api.h"

#include <string.h>

#include "core/states.h"
#include "gpu_embed/dup_spans.h"
#include "gpu_embed/linker.h"
#include "vote/campaign_store.h"
#include "vote/item_store.h"
#include "vote/round_store.h"
#include "vote/tally.h"

enum { ITEMS_PAGE = 100 };

static void spans_put(struct json_writer *writer, const struct dup_span *spans, size_t count)
{
	json_open_array(writer, "spans");
	for (size_t i = 0; i < count; i++) {
		json_open_object(writer, NULL);
		json_put_integer(writer, "start", spans[i].start);
		json_put_integer(writer, "bytes", spans[i].bytes);
		json_close_object(writer);
	}
	json_close_array(writer);
}

/* The parts of the item's text that the other one has too, as they are counted now: only where they still give the
 * numbers that were decided. A text that was erased gives others. */
static bool matched_put(struct exchange *exchange, struct json_writer *writer, const struct item_view *item,
	const struct item_id *other, int32_t numerator, int32_t denominator, struct wn_error *err)
{
	struct dup_evidence evidence;
	struct wn_slice text;
	if (!item_store_content(exchange->db, exchange->arena, other, &text, err))
		return false;
	/* Longer texts than the check compares have no verdict of this kind. */
	if (!text.data || !dup_spans(&evidence, item->content, text, err))
		return !text.data || err->blame == WN_INPUT;
	if (evidence.common == numerator && evidence.either == denominator)
		spans_put(writer, evidence.spans, evidence.count);
	return true;
}

static bool evidence_put(
	struct exchange *exchange, struct json_writer *writer, const struct item_view *item, struct wn_error *err)
{
	struct dup_span whole = {0, (uint32_t)item->content.bytes};
	if (item->method == DUP_MINHASH)
		return matched_put(exchange, writer, item, &item->origin, item->numerator, item->denominator, err);
	if (item->method == DUP_EXACT || item->method == DUP_NORMALISED)
		spans_put(writer, &whole, 1);
	if (!item->has_nearest)
		return true;
	json_open_object(writer, "nearest");
	json_put_hex(writer, "item", item->nearest.bytes, ID_BYTES);
	json_put_integer(writer, "numerator", item->nearest_numerator);
	json_put_integer(writer, "denominator", item->nearest_denominator);
	if (!matched_put(
		    exchange, writer, item, &item->nearest, item->nearest_numerator, item->nearest_denominator, err))
		return false;
	json_close_object(writer);
	return true;
}

/* `exchange` NULL: without the evidence, as lists have it. */
static bool duplicate_put(
	struct exchange *exchange, struct json_writer *writer, const struct item_view *item, struct wn_error *err)
{
	if (!item->checked)
		return true;
	json_open_object(writer, "duplicate");
	json_put_bool(writer, "repeats", item->method != 0);
	json_put_hex(writer, "origin", item->origin.bytes, ID_BYTES);
	json_put_string(writer, "method", dup_method_name((enum dup_method)item->method));
	json_put_integer(writer, "numerator", item->numerator);
	json_put_integer(writer, "denominator", item->denominator);
	if (exchange) {
		json_put_hex(writer, "cluster", item->cluster.bytes, ID_BYTES);
		json_put_integer(writer, "spec_version", item->spec_version);
		if (!evidence_put(exchange, writer, item, err))
			return wn_while(err, "compare the item with what it resembles");
	}
	json_close_object(writer);
	return true;
}

static void verdict_put(
	struct json_writer *writer, const struct item_view *item, const struct campaign *campaign, bool whole)
{
	if (!item->settled)
		return;
	json_open_object(writer, "verdict");
	json_put_integer(writer, "class", item->class);
	if (item->class >= 0 && item->class < campaign->class_count) {
		json_put_string(writer, "choice", campaign->choices[item->class].name);
		json_put_bool(writer, "keeps", campaign->choices[item->class].verdict == CHOICE_KEEP);
	}
	json_put_integer(writer, "p_good", item->p_good);
	if (whole) {
		json_put_integer(writer, "margin_bits", item->margin / TALLY_Q);
		json_put_integer(writer, "votes", item->votes);
		json_put_integer(writer, "epoch", item->epoch);
		json_put_integer(writer, "final_ms", item->final_ms);
	}
	json_put_bool(writer, "final", item->state >= ITEM_ACCEPTED);
	json_close_object(writer);
}

static bool item_show(struct exchange *exchange, struct wn_error *err)
{
	struct item_id id;
	struct item_view item;
	struct campaign_row row;
	bool found, has_campaign;
	struct json_writer answer;
	struct wn_slice text;
	if (!exchange_id(exchange, 0, id.bytes))
		return true;
	if (!item_store_get(exchange->db, exchange->arena, &id, &item, &found, err))
		return false;
	if (!found)
		return exchange_problem(exchange, 404, "item_unknown", "There is no such item here.");
	if (!campaign_store_get(exchange->db, exchange->arena, item.campaign, &row, &has_campaign, err))
		return false;
	wn_assert(has_campaign);
	/* The text itself belongs to whoever gave it until it is released. */
	bool owner =
		exchange->is_signed && memcmp(exchange->signature.key.bytes, item.contributor.bytes, ID_BYTES) == 0;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_hex(&answer, "item_id", id.bytes, ID_BYTES);
	json_put_string(&answer, "campaign", item.campaign);
	json_put_string(&answer, "state", item_state_word(item.state));
	json_put_integer(&answer, "arrived_ms", item.arrived_ms);
	if (owner) {
		json_put_slice(&answer, "content", item.content);
		json_put_string(&answer, "source", item.source);
		json_put_string(&answer, "source_id", item.source_id);
	}
	if (!duplicate_put(exchange, &answer, &item, err))
		return false;
	verdict_put(&answer, &item, &row.campaign, true);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool items_of(struct exchange *exchange, struct wn_error *err)
{
	struct account_key key;
	int64_t before = INT64_MAX;
	struct item_view *items;
	size_t count;
	struct json_writer answer;
	struct wn_slice text, cursor = exchange_query(exchange, "before");
	if (!did_read(&key, exchange->params[0].data, exchange->params[0].bytes))
		return exchange_problem(
			exchange, 404, "account_unknown", "The name in the path is not a did:key of an Ed25519 key.");
	if (memcmp(key.bytes, exchange->signature.key.bytes, ID_BYTES) != 0)
		return exchange_problem(exchange, 404, "account_unknown", "Only the owner's key may read this list.");
	if (cursor.data) {
		struct json number = {.type = JSON_NUMBER, .text = cursor};
		if (!json_integer(&number, &before))
			return exchange_problem(exchange, 400, "cursor", "before is the number that `next` gave.");
	}
	if (!item_store_of(exchange->db, exchange->arena, &key, before, ITEMS_PAGE, &items, &count, err))
		return false;
	struct campaign_cache *cache = wn_arena_alloc(exchange->arena, sizeof *cache);
	if (!cache)
		return wn_fail(err, WN_FULL, "memory", "no room for the list");
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "items");
	for (size_t i = 0; i < count; i++) {
		const struct campaign *campaign;
		if (!campaign_cache_get(cache, exchange->db, exchange->arena, items[i].campaign, &campaign, err))
			return false;
		json_open_object(&answer, NULL);
		json_put_hex(&answer, "item_id", items[i].item.bytes, ID_BYTES);
		json_put_string(&answer, "campaign", items[i].campaign);
		json_put_string(&answer, "state", item_state_word(items[i].state));
		json_put_slice(&answer, "content", items[i].content);
		json_put_string(&answer, "source_id", items[i].source_id);
		json_put_integer(&answer, "arrived_ms", items[i].arrived_ms);
		duplicate_put(NULL, &answer, &items[i], err);
		verdict_put(&answer, &items[i], campaign, false);
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (count == ITEMS_PAGE)
		json_put_integer(&answer, "next", items[count - 1].seq);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool round_number_read(struct exchange *exchange, int32_t *round)
{
	struct json number = {.type = JSON_NUMBER, .text = exchange->params[1]};
	int64_t value;
	if (!json_integer(&number, &value) || value < 1 || value > INT32_MAX)
		return false;
	*round = (int32_t)value;
	return true;
}

/* Commitments are shown once the commit phase is closed: before, nobody may copy one. */
static bool round_show(struct exchange *exchange, struct wn_error *err)
{
	static const char *const states[] = {"commit", "reveal", "tallied", "void"};
	struct round_key key;
	struct round_row round;
	struct commitment_row *commitments = NULL;
	size_t count = 0;
	struct json_writer answer;
	struct wn_slice text;
	if (!exchange_id(exchange, 0, key.item.bytes))
		return true;
	if (!round_number_read(exchange, &key.round))
		return exchange_problem(exchange, 404, "round_unknown", "A round is a number from 1.");
	if (!round_store_get(exchange->db, exchange->arena, &key, &round, err))
		return false;
	if (!round.found)
		return exchange_problem(exchange, 404, "round_unknown", "There is no such round.");
	if (round.closed && !round_store_commitments(exchange->db, exchange->arena, &key, 1, &commitments, &count, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "state", states[round.state]);
	json_put_string(&answer, "campaign", round.campaign);
	json_put_integer(&answer, "seats", round.seats);
	json_put_integer(&answer, "taken", round.taken);
	json_put_integer(&answer, "commit_until_ms", round.commit_until_ms);
	if (round.closed) {
		json_put_bool(&answer, "small", round.small);
		json_put_integer(&answer, "reveal_until_ms", round.reveal_until_ms);
		json_put_hex(&answer, "commitments_root", round.commitments_root.bytes, ID_BYTES);
		json_put_hex(&answer, "closed_leaf", round.closed_leaf.bytes, ID_BYTES);
		json_open_array(&answer, "commitments");
		for (size_t i = 0; i < count; i++) {
			char did[DID_ROOM];
			did_write(did, &commitments[i].voter);
			json_open_object(&answer, NULL);
			json_put_string(&answer, "voter", did);
			json_put_hex(&answer, "commitment", commitments[i].commitment.bytes, ID_BYTES);
			json_close_object(&answer);
		}
		json_close_array(&answer);
	}
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

const struct route item_routes[] = {
	{.method = "GET",
		.pattern = "/v1/items/{id}",
		.access = ROUTE_OPEN,
		.handle = item_show,
		.summary = "Where an item stands, what it repeats, how it was judged",
		.gives = "200:ItemView"},
	{.method = "GET",
		.pattern = "/v1/accounts/{did}/items",
		.access = ROUTE_SIGNED,
		.handle = items_of,
		.summary = "A contributor's own items",
		.query = "before:Count",
		.gives = "200:Items"},
	{.method = "GET",
		.pattern = "/v1/rounds/{item}/{round}",
		.access = ROUTE_OPEN,
		.handle = round_show,
		.summary = "A round's phase and, once closed, its commitments",
		.gives = "200:Round"},
	{.method = NULL},
};
