/* Takes one JSON item or lines of them: every line gets its own answer, all that is good goes into one transaction. */
#include "ingest/submit_api.h"

#include <string.h>
#include <strings.h>

#include "core/journal.h"
#include "ingest/ingest_store.h"

/* What becomes of one line: a place in the batch, or a refusal. */
struct submit_line {
	int64_t number;		  /* from 1; blank lines are counted, not answered */
	struct ingest_item *item; /* NULL: refused */
	struct item_answer answer;
};

struct submission {
	struct campaign campaign;
	struct item_rules rules;
	struct submit_line *lines;
	size_t line_count;
	struct ingest_item *items; /* the good ones, in order */
	size_t item_count;
	size_t accepted, repeated, refused;
	bool has_receipt;
	struct sha256 leaf;
};

static bool media_type_is(struct wn_slice given, const char *type)
{
	size_t bytes = strlen(type);
	return given.data && given.bytes >= bytes && strncasecmp(given.data, type, bytes) == 0 &&
	       (given.bytes == bytes || given.data[bytes] == ';' || given.data[bytes] == ' ');
}

/* Lines that hold something; the last one needs no newline. */
static size_t lines_count(struct wn_slice body)
{
	size_t count = 0, at = 0;
	while (at < body.bytes) {
		const char *end = memchr(body.data + at, '\n', body.bytes - at);
		size_t bytes = end ? (size_t)(end - body.data) - at : body.bytes - at;
		for (size_t i = 0; i < bytes; i++)
			if (!strchr(" \t\r", body.data[at + i]) || body.data[at + i] == '\0') {
				count++;
				break;
			}
		at += bytes + 1;
	}
	return count;
}

static bool submission_room(struct wn_arena *arena, struct submission *submission, size_t lines, struct wn_error *err)
{
	submission->lines = wn_arena_array(arena, lines, sizeof *submission->lines);
	submission->items = wn_arena_array(arena, lines, sizeof *submission->items);
	return (submission->lines && submission->items) ||
	       wn_fail(err, WN_FULL, "memory", "no room for %zu items", lines);
}

static bool line_check(struct wn_arena *arena, struct submission *submission, const char *text, size_t bytes,
	int64_t number, struct wn_error *err)
{
	struct submit_line *line = &submission->lines[submission->line_count++];
	struct ingest_item *item = &submission->items[submission->item_count];
	line->number = number;
	if (!item_check_json(arena, text, bytes, &submission->rules, &item->item, &line->answer, err))
		return false;
	if (line->answer.result == ITEM_DONE) {
		line->item = item;
		submission->item_count++;
	}
	return true;
}

static bool lines_check(
	struct wn_arena *arena, struct submission *submission, struct wn_slice body, struct wn_error *err)
{
	size_t at = 0;
	for (int64_t number = 1; at < body.bytes; number++) {
		const char *end = memchr(body.data + at, '\n', body.bytes - at);
		struct wn_slice line = {body.data + at, end ? (size_t)(end - body.data) - at : body.bytes - at};
		at += line.bytes + 1;
		if (lines_count(line) == 1 && !line_check(arena, submission, line.data, line.bytes, number, err))
			return wn_while(err, "read line %lld", (long long)number);
	}
	return true;
}

/* What only the store could find. */
static void line_refuse(struct submit_line *line)
{
	enum item_result result = line->item->result;
	line->answer.result = result;
	snprintf(line->answer.code, sizeof line->answer.code, "%s", item_result_code(result));
	snprintf(line->answer.detail, sizeof line->answer.detail, "%s",
		result == ITEM_CAMPAIGN_CLOSED
			? "the campaign was closed while this was on its way: it takes no more items"
			: "another item of yours in this campaign has this source and source_id; an edited post "
			  "needs a source_id of its own");
	line->item = NULL;
}

/* One transaction for all good items; without any there is nothing to store. */
static bool submission_store(struct exchange *exchange, struct submission *submission, struct wn_error *err)
{
	struct ingest_evidence evidence = {
		.key = exchange->signature.key,
		.base = exchange->signature.base,
		.signature = exchange->signature.signature,
	};
	struct ingest_batch batch = {
		.network = &exchange->node->network,
		.campaign = &submission->campaign,
		.contributor = exchange->account.key,
		.commitment = exchange->account.commitment,
		.evidence = &evidence,
		.now_ms = exchange->now_ms,
	};
	if (submission->item_count > 0 &&
		(!db_begin(exchange->db, err) ||
			!ingest_store_items(exchange->db, exchange->arena, &batch, submission->items,
				submission->item_count, &submission->accepted, err)))
		return false;
	submission->has_receipt = submission->accepted > 0;
	if (submission->has_receipt && !ingest_store_journal(exchange->db, exchange->arena, &batch, submission->items,
					       submission->item_count, &submission->leaf, err))
		return false;
	if (submission->item_count > 0 && !db_commit(exchange->db, err))
		return false;
	for (size_t i = 0; i < submission->line_count; i++) {
		struct submit_line *line = &submission->lines[i];
		if (line->item && line->item->result != ITEM_DONE)
			line_refuse(line);
		submission->refused += !line->item;
		submission->repeated += line->item && line->item->repeated;
	}
	return true;
}

static void item_put(struct json_writer *writer, const struct ingest_item *item)
{
	json_put_hex(writer, "item_id", item->id.bytes, ID_BYTES);
	json_put_hex(writer, "salt", item->salt.bytes, ID_BYTES);
	json_put_string(writer, "state", item_state_word(item->state));
	if (item->repeated)
		json_put_bool(writer, "repeated", true);
}

static bool answer_one(struct exchange *exchange, const struct submission *submission, struct wn_error *err)
{
	const struct submit_line *line = &submission->lines[0];
	struct json_writer writer;
	struct wn_slice text;
	if (!line->item)
		return exchange_problem(exchange, item_result_status(line->answer.result), line->answer.code, "%s",
			line->answer.detail);
	json_begin(&writer, exchange->arena);
	json_open_object(&writer, NULL);
	item_put(&writer, line->item);
	if (!exchange_receipt(exchange, &writer, submission->has_receipt ? &submission->leaf : NULL, err))
		return false;
	json_close_object(&writer);
	return json_end(&writer, &text, err) && exchange_ok(exchange, line->item->repeated ? 200 : 201, text, err);
}

static bool answer_lines(struct exchange *exchange, const struct submission *submission, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, exchange->arena);
	json_open_object(&writer, NULL);
	json_put_integer(&writer, "accepted", (int64_t)submission->accepted);
	json_put_integer(&writer, "repeated", (int64_t)submission->repeated);
	json_put_integer(&writer, "refused", (int64_t)submission->refused);
	json_open_array(&writer, "lines");
	for (size_t i = 0; i < submission->line_count; i++) {
		const struct submit_line *line = &submission->lines[i];
		json_open_object(&writer, NULL);
		json_put_integer(&writer, "line", line->number);
		if (line->item) {
			item_put(&writer, line->item);
		} else {
			json_put_string(&writer, "code", line->answer.code);
			json_put_string(&writer, "detail", line->answer.detail);
		}
		json_close_object(&writer);
	}
	json_close_array(&writer);
	if (!exchange_receipt(exchange, &writer, submission->has_receipt ? &submission->leaf : NULL, err))
		return false;
	json_close_object(&writer);
	return json_end(&writer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool items_submit(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice type = exchange_request_header(exchange, "content-type"), body = exchange->request.body;
	struct submission *submission = wn_arena_alloc(exchange->arena, sizeof *submission);
	bool lines = media_type_is(type, "application/x-ndjson"), open = false, found;
	char *name = wn_arena_copy(exchange->arena, exchange->params[0].data, exchange->params[0].bytes);
	if (!submission || !name)
		return wn_fail(err, WN_FULL, "memory", "no room for a submission");
	if (!lines && !media_type_is(type, "application/json"))
		return exchange_problem(exchange, 415, "media_type",
			"Send application/json (one item) or application/x-ndjson (one item a line).");
	size_t count = lines ? lines_count(body) : 1;
	if (count == 0)
		return exchange_problem(exchange, 400, "items_none", "The body holds no line with an item.");
	if (count > INGEST_BATCH_MAX)
		return exchange_problem(exchange, 413, "items_many",
			"One request holds at most %d lines, this one %zu: send it in parts.", INGEST_BATCH_MAX, count);
	/* What cannot be a campaign's name never reaches the database, which would call ill-formed UTF-8 our failure.
	 */
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != exchange->params[0].bytes)
		return exchange_problem(
			exchange, 404, "campaign_unknown", "There is no such campaign; GET /v1/campaigns lists them.");
	if (!ingest_store_campaign(exchange->db, exchange->arena, name, &submission->campaign, &open, &found, err))
		return false;
	if (!found)
		return exchange_problem(
			exchange, 404, "campaign_unknown", "There is no such campaign; GET /v1/campaigns lists them.");
	submission->rules = (struct item_rules){
		.campaign = &submission->campaign,
		.closed = !open,
		.commitment = exchange->account.commitment,
		.now_ms = exchange->now_ms,
	};
	if (!submission_room(exchange->arena, submission, count, err) ||
		!(lines ? lines_check(exchange->arena, submission, body, err)
			: line_check(exchange->arena, submission, body.data, body.bytes, 1, err)) ||
		!submission_store(exchange, submission, err))
		return false;
	return lines ? answer_lines(exchange, submission, err) : answer_one(exchange, submission, err);
}

const struct route ingest_routes[] = {
	{.method = "POST",
		.pattern = "/v1/campaigns/{name}/items",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_CONTRIBUTOR,
		.body_max = ROUTE_BODY_MAX,
		.handle = items_submit,
		.summary = "Submit one item (JSON) or up to 2,000 lines (NDJSON)",
		.takes = "Item,application/x-ndjson",
		.gives = "200:Submission,201:Submitted"},
	{.method = NULL},
};
