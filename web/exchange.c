/* The one writer of 2xx, the writers of problems, and the order in which a request is judged. */
#include "web/exchange.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/journal.h"
#include "core/log.h"
#include "web/auth.h"
#include "web/idempotency.h"
#include "web/seen_checkpoint.h"
#include "web/problem.h"
#include "web/router.h"
#include "web/web_store.h"

static const struct wn_slice exchange_no_room =
	WN_SLICE("{\"type\":\"/problems/memory\",\"title\":\"Service Unavailable\",\"status\":503,\"detail\":\"no "
		 "memory for the answer\"}");

void exchange_clear(struct exchange *exchange)
{
	if (exchange->body_file >= 0)
		close(exchange->body_file);
	exchange->body_file = -1;
	exchange->body_offset = exchange->body_bytes = 0;
	exchange->status = 0;
	exchange->header_count = 0;
	exchange->body = exchange->content_type = (struct wn_slice){0};
}

bool exchange_ok(struct exchange *exchange, int status, struct wn_slice json, struct wn_error *err)
{
	(void)err;
	wn_assert(status >= 200 && status < 300);
	/* What a 2xx acknowledges is on the disk: COMMIT came before. */
	wn_assert(!exchange->db || !db_in_transaction(exchange->db));
	exchange->status = status;
	exchange->body = json;
	if (!exchange->content_type.data)
		exchange->content_type = WN_SLICE("application/json");
	return true;
}

bool exchange_remember(struct exchange *exchange, int status, struct wn_slice json, struct wn_error *err)
{
	if (!exchange->idempotency_key.data)
		return true;
	wn_assert(status >= 200 && status < 300);
	wn_assert(db_in_transaction(exchange->db));
	struct stored_answer answer = {.fingerprint = exchange->fingerprint, .status = status, .body = json};
	bool stored;
	if (!web_store_answer_insert(exchange->db, exchange->arena, &exchange->signature.key, exchange->idempotency_key,
		    &answer, exchange->now_ms, &stored, err))
		return false;
	if (!stored)
		return wn_fail(err, WN_BUSY, "idempotency_running",
			"The same request is being answered at this moment: send it again to get its "
			"answer.");
	return true;
}

bool exchange_receipt(
	struct exchange *exchange, struct json_writer *answer, const struct sha256 *leaf, struct wn_error *err)
{
	const struct node *node = exchange->node;
	struct wn_slice receipt;
	if (!leaf || !node->has_checkpoint_key)
		return true;
	if (!receipt_write(
		    exchange->arena, &node->network, &node->checkpoint_key, leaf, exchange->now_ms, &receipt, err))
		return wn_while(err, "write the receipt");
	json_put_raw(answer, "receipt", receipt);
	return true;
}

bool exchange_problem(struct exchange *exchange, int status, const char *code, const char *format, ...)
{
	char detail[WN_TEXT_MAX];
	wn_assert(status >= 400);
	if (format) {
		va_list arguments;
		va_start(arguments, format);
		vsnprintf(detail, sizeof detail, format, arguments);
		va_end(arguments);
	}
	if (exchange->db && db_in_transaction(exchange->db))
		db_rollback(exchange->db);
	exchange_clear(exchange);
	struct wn_slice body = problem_write(exchange->arena, status, code, format ? detail : NULL);
	exchange->status = body.data ? status : 503;
	exchange->body = body.data ? body : exchange_no_room;
	exchange->content_type = WN_SLICE("application/problem+json");
	return true;
}

static void exchange_fail(struct exchange *exchange, const struct wn_error *err)
{
	const struct problem_row *row = problem_row(err->code);
	int status = problem_status(err);
	const char *detail = err->text;
	if (row && row->detail)
		detail = row->detail;
	else if (err->blame == WN_DOWN)
		detail = "Something that the node needs does not answer at the moment: send the request again in a few "
			 "seconds.";
	exchange_problem(exchange, status, err->code[0] ? err->code : "failed", "%s", detail);
	int seconds = problem_retry_s(status, err->blame);
	if (seconds) {
		char *text = wn_arena_printf(exchange->arena, "%d", seconds);
		if (text)
			exchange_header(exchange, "Retry-After", wn_slice_of(text));
	}
}

bool exchange_failed(struct exchange *exchange, const struct wn_error *err)
{
	const struct problem_row *row = problem_row(err->code);
	/* Told once, here; what the client did wrong is its own business. */
	if (problem_status(err) >= 500 || (row && row->detail))
		log_failure("request_failed", err);
	exchange_fail(exchange, err);
	return true;
}

/* A field's value stays on its line: what a handler copies from elsewhere must not become a second header. */
static bool header_value_ok(struct wn_slice value)
{
	for (size_t i = 0; i < value.bytes; i++)
		if ((unsigned char)value.data[i] < 0x20 || value.data[i] == 0x7f)
			return false;
	return true;
}

void exchange_header(struct exchange *exchange, const char *name, struct wn_slice value)
{
	wn_assert(exchange->header_count < EXCHANGE_HEADERS_MAX);
	wn_assert(header_value_ok(value));
	exchange->headers[exchange->header_count++] = (struct http_header){wn_slice_of(name), value};
}

bool exchange_has_header(const struct exchange *exchange, const char *name)
{
	for (size_t i = 0; i < exchange->header_count; i++)
		if (wn_slice_equal(exchange->headers[i].name, wn_slice_of(name)))
			return true;
	return false;
}

struct wn_slice exchange_request_header(const struct exchange *exchange, const char *name)
{
	size_t bytes = strlen(name);
	for (size_t i = 0; i < exchange->request.header_count; i++) {
		const struct http_header *header = &exchange->request.headers[i];
		if (header->name.bytes == bytes && strncasecmp(header->name.data, name, bytes) == 0)
			return header->value.data ? header->value : (struct wn_slice){"", 0};
	}
	return (struct wn_slice){0};
}

/* application/json, with or without parameters; also the +json kinds. */
static bool content_type_is_json(struct wn_slice type)
{
	size_t bytes = 0;
	while (bytes < type.bytes && type.data[bytes] != ';' && type.data[bytes] != ' ')
		bytes++;
	if (bytes == 16 && strncasecmp(type.data, "application/json", 16) == 0)
		return true;
	return bytes > 5 && strncasecmp(type.data + bytes - 5, "+json", 5) == 0;
}

bool exchange_json(struct exchange *exchange, const struct json **out, bool *answered, struct wn_error *err)
{
	*answered = true;
	if (exchange->request.body.bytes == 0) {
		exchange_problem(exchange, 400, "body_missing", "This request needs a JSON body.");
		return false;
	}
	if (!content_type_is_json(exchange_request_header(exchange, "content-type"))) {
		exchange_problem(exchange, 415, "content_type", "Send the body as Content-Type: application/json.");
		return false;
	}
	if (json_parse(exchange->arena, exchange->request.body.data, exchange->request.body.bytes, out, err)) {
		*answered = false;
		return true;
	}
	exchange_failed(exchange, err);
	return false;
}

struct wn_slice exchange_query(struct exchange *exchange, const char *name)
{
	struct wn_slice left = exchange->query;
	size_t name_bytes = strlen(name);
	while (left.bytes > 0) {
		const char *end = memchr(left.data, '&', left.bytes);
		size_t bytes = end ? (size_t)(end - left.data) : left.bytes;
		if (bytes >= name_bytes && memcmp(left.data, name, name_bytes) == 0 &&
			(bytes == name_bytes || left.data[name_bytes] == '=')) {
			struct wn_slice raw = {left.data + name_bytes, bytes - name_bytes}, value;
			if (raw.bytes > 0) {
				raw.data++;
				raw.bytes--;
			}
			/* A value that cannot be decoded is as if it had no meaning to us: empty, which no reader of
			 * numbers or ids accepts. */
			return router_decode(exchange->arena, raw, true, &value) ? value : (struct wn_slice){"", 0};
		}
		left.data += bytes + (end ? 1 : 0);
		left.bytes -= bytes + (end ? 1 : 0);
	}
	return (struct wn_slice){0};
}

bool exchange_id(struct exchange *exchange, int index, void *id32)
{
	wn_assert(index >= 0 && index < ROUTE_PARAMS_MAX);
	if (hex_read(id32, ID_BYTES, exchange->params[index].data ? exchange->params[index].data : "",
		    exchange->params[index].bytes))
		return true;
	exchange_problem(exchange, 404, "id_malformed", "The id in the path is not 64 hex digits.");
	return false;
}

/* ---- from a request to its handler ---- */

/* A step lets an exchange pass or answers it. False: a failure of the world. */
typedef bool exchange_step(struct exchange *exchange, bool *answered, struct wn_error *err);

static bool step_database(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	*answered = exchange->route->needs == ROUTE_DATABASE && (!exchange->db || !db_connected(exchange->db));
	if (*answered) {
		/* The lane that lost its connection has told it; a thousand refused requests need not tell it again. */
		wn_fail(err, WN_DOWN, "db_down", "the lane has no connection");
		exchange_fail(exchange, err);
	}
	return true;
}

static bool step_now(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	*answered = false;
	/* The wall needs no question to the database; a clock that an operator moves is one row there. */
	if (!exchange->node->clock_manual) {
		exchange->now_ms = clock_wall_ms();
		return true;
	}
	if (!exchange->db || !db_connected(exchange->db)) {
		exchange->now_ms = 0;
		return true;
	}
	return clock_now(exchange->db, &exchange->now_ms, err);
}

static bool step_account(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	(void)err;
	*answered = auth_account(exchange);
	return true;
}

/* Those that wait for the next step. */
struct waiting {
	struct exchange **exchanges;
	size_t count;
};

/* What goes wrong with one is told to that one; the others go on. */
static void waiting_step(struct waiting *waiting, exchange_step *step)
{
	size_t left = 0;
	for (size_t i = 0; i < waiting->count; i++) {
		struct exchange *exchange = waiting->exchanges[i];
		struct wn_error err;
		bool answered;
		wn_error_reset(&err);
		if (!step(exchange, &answered, &err))
			exchange_failed(exchange, &err);
		else if (!answered)
			waiting->exchanges[left++] = exchange;
	}
	waiting->count = left;
}

static void waiting_fail(struct waiting *waiting, const struct wn_error *err)
{
	for (size_t i = 0; i < waiting->count; i++)
		exchange_failed(waiting->exchanges[i], err);
	waiting->count = 0;
}

static bool accounts_read(struct waiting *waiting, struct wn_arena *arena, struct wn_error *err)
{
	struct account_key *keys = wn_arena_array(arena, waiting->count, sizeof *keys);
	struct account *accounts = wn_arena_array(arena, waiting->count, sizeof *accounts);
	bool *found = wn_arena_array(arena, waiting->count, sizeof *found);
	size_t count = 0;
	if (!keys || !accounts || !found)
		return wn_fail(err, WN_FULL, "memory", "no room for accounts");
	for (size_t i = 0; i < waiting->count; i++)
		if (waiting->exchanges[i]->is_signed)
			keys[count++] = waiting->exchanges[i]->signature.key;
	if (count == 0)
		return true;
	if (!account_find_many(waiting->exchanges[0]->db, arena, keys, count, accounts, found, err))
		return false;
	for (size_t i = waiting->count; i-- > 0;) {
		struct exchange *exchange = waiting->exchanges[i];
		if (!exchange->is_signed)
			continue;
		exchange->has_account = found[--count];
		exchange->account = accounts[count];
	}
	return true;
}

static void waiting_admit(struct waiting *waiting, struct wn_arena *arena)
{
	struct wn_error err;
	wn_error_reset(&err);
	waiting_step(waiting, step_database);
	waiting_step(waiting, step_now);
	if (waiting->count == 0 || waiting->exchanges[0]->route->needs != ROUTE_DATABASE)
		return;
	waiting_step(waiting, auth_signature);
	if (!accounts_read(waiting, arena, &err))
		waiting_fail(waiting, &err);
	waiting_step(waiting, step_account);
	waiting_step(waiting, seen_checkpoint_begin);
	waiting_step(waiting, idempotency_begin);
}

/* Whether one request of several may have brought it about: the database refused a value, or had no room for all. */
static bool failure_is_of_one(const struct wn_error *err)
{
	return err->blame == WN_INPUT || strcmp(err->code, "idempotency_running") == 0 ||
	       strcmp(err->code, "memory") == 0;
}

static void waiting_handle(struct waiting waiting, struct wn_arena *arena)
{
	struct exchange *first = waiting.exchanges[0];
	const struct route *route = first->route;
	struct wn_error err;
	wn_error_reset(&err);
	bool done = route->handle ? route->handle(first, &err)
				  : route->handle_many(waiting.exchanges, waiting.count, arena, &err);
	if (first->db && db_in_transaction(first->db))
		db_rollback(first->db);
	if (done)
		return;
	size_t left = 0;
	for (size_t i = 0; i < waiting.count; i++)
		if (waiting.exchanges[i]->status == 0)
			waiting.exchanges[left++] = waiting.exchanges[i];
	waiting.count = left;
	if (left > 1 && failure_is_of_one(&err)) {
		waiting_handle((struct waiting){waiting.exchanges, left / 2}, arena);
		waiting_handle((struct waiting){waiting.exchanges + left / 2, left - left / 2}, arena);
	} else {
		waiting_fail(&waiting, &err);
	}
}

static void waiting_run(struct waiting waiting, struct wn_arena *arena)
{
	waiting_admit(&waiting, arena);
	if (waiting.count == 0)
		return;
	waiting_handle(waiting, arena);
	/* A handler that returned true has answered. */
	for (size_t i = 0; i < waiting.count; i++)
		wn_assert(waiting.exchanges[i]->status != 0);
}

void exchange_run(struct exchange *exchange)
{
	waiting_run((struct waiting){&exchange, 1}, exchange->arena);
}

void exchange_run_many(struct exchange *exchanges[], size_t count, struct wn_arena *arena)
{
	wn_assert(count == 1 || exchanges[0]->route->handle_many);
	waiting_run((struct waiting){exchanges, count}, arena);
}
