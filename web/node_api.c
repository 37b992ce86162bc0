/* The node tells about itself; only the operator's clock changes anything. */
#include "web/node_api.h"

#include <inttypes.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/states.h"
#include "web/file_answer.h"
#include "web/metrics.h"
#include "web/server_state.h"
#include "web/web_store.h"

enum { NODE_NUMBER_DIGITS_MAX = 15, NODE_BODY_MAX = 1024 };

/* The query parameter `name` as a number; *found false when absent. False: refused, the problem is written. */
static bool query_number(struct exchange *exchange, const char *name, int64_t most, int64_t *out, bool *found)
{
	struct wn_slice text = exchange_query(exchange, name);
	*found = text.data != NULL;
	if (!*found)
		return true;
	*out = 0;
	bool good = text.bytes > 0 && text.bytes <= NODE_NUMBER_DIGITS_MAX;
	for (size_t i = 0; good && i < text.bytes; i++) {
		good = text.data[i] >= '0' && text.data[i] <= '9';
		*out = *out * 10 + (text.data[i] - '0');
	}
	if (good && *out <= most)
		return true;
	exchange_problem(exchange, 400, "query_number", "%s is a number from 0 to %" PRId64 ".", name, most);
	return false;
}

static void did_put(struct json_writer *writer, const char *name, const struct account_key *key)
{
	char did[DID_ROOM];
	did_write(did, key);
	json_put_string(writer, name, did);
}

static bool node_network(struct exchange *exchange, struct wn_error *err)
{
	const struct node *node = exchange->node;
	struct json_writer answer;
	struct wn_slice text;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_hex(&answer, "network_id", node->network.bytes, ID_BYTES);
	did_put(&answer, "checkpoint_key", &node->checkpoint_key.public_key);
	did_put(&answer, "operator_key", &node->operator_key);
	did_put(&answer, "manifest_key", &node->manifest_key);
	json_put_bool(&answer, "clock_manual", node->clock_manual);
	json_put_integer(&answer, "now_ms", exchange->now_ms);
	json_put_integer(&answer, "epoch_ms", node->policy.epoch_ms);
	json_put_bool(&answer, "sample", node->sample);
	policy_write(&answer, "policy", &node->policy);
	json_put_string(&answer, "version", WINNOW_VERSION);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

/* ---- journal ---- */

static bool node_checkpoint(struct exchange *exchange, struct wn_error *err)
{
	struct checkpoint checkpoint;
	if (!journal_latest_checkpoint(exchange->db, exchange->arena, &checkpoint, err))
		return false;
	if (checkpoint.size == 0)
		return exchange_problem(exchange, 404, "checkpoint_none",
			"There is no checkpoint yet; the first one comes within a minute.");
	exchange->content_type = WN_SLICE("text/plain; charset=utf-8");
	return exchange_ok(exchange, 200, checkpoint.note, err);
}

/* As many of the next entries as an answer may hold, at least one. */
static size_t entries_fit(const int64_t *sizes, size_t count, size_t most)
{
	int64_t bytes = 0;
	size_t fit = 0;
	while (fit < count && fit < most && (fit == 0 || bytes + sizes[fit] <= NODE_ENTRIES_BYTES_MAX))
		bytes += sizes[fit++];
	return fit;
}

static bool node_entries(struct exchange *exchange, struct wn_error *err)
{
	int64_t from = 0, wanted = 100, *sizes;
	bool found;
	size_t measured, count = 0;
	struct journal_entry *entries = NULL;
	if (!query_number(exchange, "from", JSON_INTEGER_MAX, &from, &found) ||
		!query_number(exchange, "count", NODE_ENTRIES_MAX, &wanted, &found))
		return true;
	if (wanted == 0)
		return exchange_problem(
			exchange, 400, "query_number", "count is a number from 1 to %d.", NODE_ENTRIES_MAX);
	/* One more than wanted: then it is known whether there is a next one. */
	if (!web_store_journal_sizes(exchange->db, exchange->arena, from, wanted + 1, &sizes, &measured, err))
		return false;
	size_t fit = entries_fit(sizes, measured, (size_t)wanted);
	if (fit > 0 && !journal_read(exchange->db, exchange->arena, (uint64_t)from, fit, &entries, &count, err))
		return false;
	struct json_writer answer;
	struct wn_slice text;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "entries");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&answer, NULL);
		json_put_integer(&answer, "position", (int64_t)entries[i].position);
		json_put_raw(&answer, "entry", entries[i].body);
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (measured > fit)
		json_put_integer(&answer, "next", from + (int64_t)fit);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static void proof_put(struct json_writer *writer, const struct tree_proof *proof)
{
	json_open_array(writer, "proof");
	for (size_t i = 0; i < proof->count; i++)
		json_put_hex(writer, NULL, proof->hashes[i].bytes, ID_BYTES);
	json_close_array(writer);
}

static bool proof_refused(struct exchange *exchange, const struct wn_error *err)
{
	return exchange_problem(exchange, 400, err->code, "%s", err->text);
}

static bool proof_inclusion(struct exchange *exchange, struct wn_slice hex, struct wn_error *err)
{
	struct sha256 leaf;
	struct checkpoint checkpoint;
	struct tree_proof proof;
	struct json_writer answer;
	struct wn_slice text;
	uint64_t position;
	int64_t size;
	bool given;
	if (!hex_read(leaf.bytes, ID_BYTES, hex.data, hex.bytes))
		return exchange_problem(exchange, 400, "leaf", "leaf is 64 hex digits.");
	if (!journal_latest_checkpoint(exchange->db, exchange->arena, &checkpoint, err))
		return false;
	size = (int64_t)checkpoint.size;
	if (!query_number(exchange, "size", (int64_t)checkpoint.size, &size, &given))
		return true;
	if (!journal_find(exchange->db, exchange->arena, &leaf, &position, err))
		return err->blame == WN_INPUT ? exchange_problem(exchange, 404, err->code,
							"The journal holds no entry with this leaf hash.")
					      : false;
	if (position == UINT64_MAX || position >= checkpoint.size) {
		exchange_problem(exchange, 409, "journal_waiting",
			"The entry is stored; the next checkpoint will hold it, within a minute.");
		exchange_header(exchange, "Retry-After", WN_SLICE("1"));
		return true;
	}
	if (!journal_inclusion(exchange->db, exchange->arena, position, (uint64_t)size, &proof, err))
		return err->blame == WN_INPUT && proof_refused(exchange, err);
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_integer(&answer, "position", (int64_t)position);
	json_put_integer(&answer, "size", size);
	proof_put(&answer, &proof);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool proof_consistency(struct exchange *exchange, struct wn_error *err)
{
	struct checkpoint checkpoint;
	struct tree_proof proof;
	struct json_writer answer;
	struct wn_slice text;
	int64_t first = 0, second = 0;
	bool has_first, has_second;
	if (!journal_latest_checkpoint(exchange->db, exchange->arena, &checkpoint, err))
		return false;
	if (!query_number(exchange, "first", (int64_t)checkpoint.size, &first, &has_first) ||
		!query_number(exchange, "second", (int64_t)checkpoint.size, &second, &has_second))
		return true;
	if (!has_first || !has_second || first > second || first == 0)
		return exchange_problem(exchange, 400, "proof_sizes",
			"Ask with leaf=<64 hex digits> for an entry, or with first=n&second=m for two "
			"checkpoints, 0 < n <= m.");
	if (!journal_consistency(exchange->db, exchange->arena, (uint64_t)first, (uint64_t)second, &proof, err))
		return err->blame == WN_INPUT && proof_refused(exchange, err);
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_integer(&answer, "first", first);
	json_put_integer(&answer, "second", second);
	proof_put(&answer, &proof);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool node_proof(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice leaf = exchange_query(exchange, "leaf");
	return leaf.data ? proof_inclusion(exchange, leaf, err) : proof_consistency(exchange, err);
}

/* ---- status ---- */

static void status_work(struct json_writer *answer, const struct web_work *work)
{
	json_open_object(answer, "rounds");
	for (int i = 0; i < WEB_ROUNDS_OPEN; i++)
		json_put_integer(answer, round_state_word((enum round_state)i), work->rounds[i]);
	json_close_object(answer);
	json_open_object(answer, "seats");
	for (int i = 0; i < SEAT_STATES; i++)
		json_put_integer(answer, seat_state_word((enum seat_state)i), work->seats[i]);
	json_close_object(answer);
	if (!work->has_epoch)
		return;
	json_open_object(answer, "epoch");
	json_put_integer(answer, "epoch", work->epoch);
	json_put_string(answer, "state", epoch_state_word((enum epoch_state)work->epoch_state));
	json_put_integer(answer, "opened_ms", work->epoch_opened_ms);
	json_put_integer(answer, "oldest_open", work->epoch_unclosed);
	json_close_object(answer);
}

static void status_journal(struct json_writer *answer, const struct web_journal *journal)
{
	json_open_object(answer, "journal");
	json_put_integer(answer, "size", journal->size);
	json_put_integer(answer, "unsequenced", journal->unsequenced);
	json_put_integer(answer, "checkpoint_size", journal->checkpoint_size);
	json_put_integer(answer, "checkpoint_ms", journal->checkpoint_ms);
	json_close_object(answer);
}

static void status_lanes(struct json_writer *answer, struct server *server)
{
	struct lane_counts lanes;
	lanes_count(server->lanes, &lanes);
	json_open_object(answer, "lanes");
	json_put_integer(answer, "lanes", lanes.lanes);
	json_put_integer(answer, "busy", lanes.busy);
	json_put_integer(answer, "connected", lanes.connected);
	json_put_integer(answer, "queued", (int64_t)lanes.queued);
	json_put_integer(answer, "queued_max", (int64_t)lanes.queued_max);
	json_close_object(answer);
}

static bool node_status(struct exchange *exchange, struct wn_error *err)
{
	int64_t items[ITEM_STATES];
	struct web_work work;
	struct web_journal journal;
	struct json_writer answer;
	struct wn_slice text;
	bool whole = wn_slice_equal(exchange_query(exchange, "whole"), WN_SLICE("1"));
	if (!web_store_items(exchange->db, exchange->arena, whole, items, err) ||
		!web_store_work(exchange->db, exchange->arena, &work, err) ||
		!web_store_journal(exchange->db, exchange->arena, &journal, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_integer(&answer, "now_ms", exchange->now_ms);
	json_open_object(&answer, "items");
	for (int i = 0; i < ITEM_STATES; i++)
		if (whole || item_state_waits((enum item_state)i))
			json_put_integer(&answer, item_state_word((enum item_state)i), items[i]);
	json_close_object(&answer);
	status_work(&answer, &work);
	status_journal(&answer, &journal);
	status_lanes(&answer, exchange->server);
	json_put_string(&answer, "version", WINNOW_VERSION);
	json_put_integer(&answer, "uptime_ms", clock_monotonic_ms() - exchange->server->started_ms);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

/* The process answers: nothing else is asked. */
static bool node_livez(struct exchange *exchange, struct wn_error *err)
{
	return exchange_ok(exchange, 200, WN_SLICE("{\"alive\":true}"), err);
}

/* Whether requests can be served here; a load balancer asks it every second, so it is one cheap statement. */
static bool node_readyz(struct exchange *exchange, struct wn_error *err)
{
	struct checkpoint checkpoint = {0};
	struct json_writer answer;
	struct wn_slice text;
	struct wn_error why;
	bool database = exchange->db && db_connected(exchange->db) &&
			journal_latest_checkpoint(exchange->db, exchange->arena, &checkpoint, &why);
	bool ready = database && checkpoint.size > 0;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_bool(&answer, "ready", ready);
	json_open_object(&answer, "checks");
	json_put_string(&answer, "database", database ? "ok" : "away");
	json_put_string(&answer, "checkpoint", checkpoint.size > 0 ? "ok" : database ? "none yet" : "unknown");
	json_close_object(&answer);
	json_close_object(&answer);
	if (!json_end(&answer, &text, err))
		return false;
	if (ready)
		return exchange_ok(exchange, 200, text, err);
	/* Not a problem document: probes read the same members whatever the status. */
	exchange->status = 503;
	exchange->content_type = WN_SLICE("application/json");
	exchange->body = text;
	exchange_header(exchange, "Retry-After", WN_SLICE("1"));
	return true;
}

static bool node_metrics(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice text;
	if (!metrics_write(exchange, &text, err))
		return false;
	exchange->content_type = WN_SLICE("text/plain; version=0.0.4; charset=utf-8");
	return exchange_ok(exchange, 200, text, err);
}

/* The document that the server made of the very tables that found this route. */
static bool node_openapi(struct exchange *exchange, struct wn_error *err)
{
	const struct server *server = exchange->server;
	exchange_header(exchange, "Cache-Control", WN_SLICE("no-cache"));
	return exchange_memory(exchange, server->openapi, server->openapi_etag, "application/json", err);
}

/* ---- the operator's clock ---- */

/* Where the clock shall stand; false when refused, the problem is written then. */
static bool clock_target(struct exchange *exchange, const struct json *body, int64_t clock_ms, int64_t *target_ms)
{
	static const char *const members[] = {"advance_ms", "now_ms", NULL};
	struct wn_slice unknown;
	const struct json *advance = json_get(body, "advance_ms"), *now = json_get(body, "now_ms");
	int64_t value = 0;
	if (!json_only_members(body, members, &unknown) || (advance != NULL) == (now != NULL) ||
		!json_integer(advance ? advance : now, &value)) {
		exchange_problem(exchange, 400, "clock_body", "Say {\"advance_ms\": n} or {\"now_ms\": n}.");
		return false;
	}
	if (value < 0 || (now && value < clock_ms)) {
		exchange_problem(exchange, 409, "clock_backwards",
			"The clock stands at %" PRId64 " and only moves forward.", clock_ms);
		return false;
	}
	if (advance && value > JSON_INTEGER_MAX - clock_ms) {
		exchange_problem(exchange, 400, "clock_far", "The clock ends at %lld.", JSON_INTEGER_MAX);
		return false;
	}
	*target_ms = advance ? clock_ms + value : value;
	return true;
}

static bool clock_entry(struct exchange *exchange, int64_t clock_ms, int64_t target_ms, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	journal_entry_begin(&entry, exchange->arena, "clock", clock_ms);
	json_put_integer(&entry, "now_ms", target_ms);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(exchange->db, exchange->arena, body, NULL, err);
}

static bool node_clock(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	bool answered, manual, moved;
	int64_t clock_ms, target_ms;
	struct json_writer answer;
	struct wn_slice text;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!db_begin(exchange->db, err) ||
		!web_store_clock_lock(exchange->db, exchange->arena, &manual, &clock_ms, err))
		return false;
	if (!manual)
		return exchange_problem(exchange, 409, "clock_not_manual",
			"This network follows the wall clock; `winnow up --clock manual` founds one "
			"whose clock you move.");
	if (!clock_target(exchange, body, clock_ms, &target_ms))
		return true;
	if (!web_store_clock_set(exchange->db, exchange->arena, target_ms, &moved, err))
		return false;
	wn_assert(moved);
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_integer(&answer, "now_ms", target_ms);
	json_close_object(&answer);
	return clock_entry(exchange, clock_ms, target_ms, err) && json_end(&answer, &text, err) &&
	       db_commit(exchange->db, err) && exchange_ok(exchange, 200, text, err);
}

const struct route node_routes[] = {
	{.method = "GET",
		.pattern = "/v1/network",
		.handle = node_network,
		.summary = "Which network this is: its id, keys, policy and time",
		.gives = "200:Network"},
	{.method = "GET",
		.pattern = "/v1/status",
		.handle = node_status,
		.summary = "What is going on: items, rounds, epoch, journal, lanes",
		.query = "whole:Flag",
		.gives = "200:Status"},
	{.method = "GET",
		.pattern = "/v1/checkpoint",
		.handle = node_checkpoint,
		.summary = "The latest signed checkpoint (C2SP signed note)",
		.gives = "200:text/plain",
		.refuses = "404"},
	{.method = "GET",
		.pattern = "/v1/journal/entries",
		.handle = node_entries,
		.summary = "Journal entries from a position on",
		.query = "from:Count,count:Count",
		.gives = "200:JournalEntries"},
	{.method = "GET",
		.pattern = "/v1/journal/proof",
		.handle = node_proof,
		.summary = "Inclusion of an entry, or consistency of two checkpoints",
		.query = "leaf:HashInput,size:Count,first:Count,second:Count",
		.gives = "200:JournalProof",
		.refuses = "404,409"},
	{.method = "POST",
		.pattern = "/operator/clock",
		.access = ROUTE_OPERATOR,
		.body_max = NODE_BODY_MAX,
		.handle = node_clock,
		.summary = "Move a manual clock forward",
		.takes = "ClockMove",
		.gives = "200:Clock",
		.refuses = "409"},
	{.method = "GET",
		.pattern = "/livez",
		.needs = ROUTE_NOTHING,
		.handle = node_livez,
		.summary = "Whether the process answers",
		.gives = "200:Liveness"},
	{.method = "GET",
		.pattern = "/readyz",
		.needs = ROUTE_LANE,
		.handle = node_readyz,
		.summary = "Whether requests can be served",
		.gives = "200:Readiness,503:Readiness"},
	{.method = "GET",
		.pattern = "/metrics",
		.needs = ROUTE_LANE,
		.handle = node_metrics,
		.summary = "Counters for Prometheus (text 0.0.4)",
		.gives = "200:text/plain"},
	{.method = "GET",
		.pattern = "/openapi.json",
		.needs = ROUTE_NOTHING,
		.handle = node_openapi,
		.summary = "This document",
		.gives = "200:OpenApi,304"},
	{.method = NULL},
};
