/* The only file that knows both h2o's requests and ours. */
#include "web/wire.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "web/exchange.h"
#include "web/framing.h"
#include "web/problem.h"

struct wire_handler {
	h2o_handler_t super;
	struct loop *loop;
};

struct wire_filter {
	h2o_filter_t super;
	struct loop *loop;
};

/*
 * Trap 2: no callback tells that a request vanished before its answer began. So each request has a slot in its pool,
 * whose dispose hook runs when the pool goes, and the job lives outside of the pool: whoever goes first cuts the link.
 * Both ends of it are only touched on the loop.
 */
struct wire_slot {
	struct connection *connection;
	struct wire_job *job; /* NULL: none under way */
	size_t held_bytes;    /* of the answer */
};

struct wire_job {
	struct lane_job lane;
	struct loop_message message;
	struct loop *loop;
	h2o_req_t *request;	       /* valid while slot is there */
	struct wire_slot *slot;	       /* NULL: the request is gone, or answered */
	struct wire_job *next, **self; /* in the loop's list of waiting jobs; self NULL: not in it */
	int64_t begun_us, begun_ms;
	size_t route;
	size_t held_bytes; /* of the request */
};

struct wire_file {
	h2o_generator_t super;
	int descriptor;
	int64_t offset, left;
	char *buffer;
};

static int64_t wire_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void job_unlink(struct wire_job *job)
{
	if (!job->self)
		return;
	*job->self = job->next;
	if (job->next)
		job->next->self = job->self;
	else
		job->loop->jobs_last = job->self;
	job->self = NULL;
	job->next = NULL;
}

static void job_link(struct wire_job *job)
{
	struct loop *loop = job->loop;
	job->next = NULL;
	job->self = loop->jobs_last;
	*loop->jobs_last = job;
	loop->jobs_last = &job->next;
}

static void job_close(struct wire_job *job)
{
	job_unlink(job);
	peers_release(job->loop->server->peers, &job->lane.peer, job->held_bytes);
	exchange_clear(&job->lane.exchange);
	wn_arena_free(&job->lane.arena);
	free(job);
}

static void slot_cut(struct wire_slot *slot)
{
	struct wire_job *job = slot->job;
	if (!job)
		return;
	slot->job = NULL;
	slot->connection->works = false;
	job->slot = NULL;
	job->request = NULL;
	job_unlink(job);
}

static void slot_dispose(void *memory)
{
	struct wire_slot *slot = memory;
	struct wire_job *job = slot->job;
	slot->connection->requests--;
	peers_release(slot->connection->loop->server->peers, &slot->connection->peer, slot->held_bytes);
	if (!job)
		return;
	slot_cut(slot);
	/* Work for somebody who left is not begun; what a lane has begun it finishes. */
	lane_job_drop(&job->lane);
}

/* ---- answers ---- */

static void wire_header(h2o_req_t *request, struct wn_slice name, struct wn_slice value)
{
	/* Trap 13: the library keeps pointers, so everything is copied into the request's pool, which lives as long as
	 * the answer. */
	h2o_iovec_t shown = h2o_strdup(&request->pool, name.data, name.bytes),
		    lower = h2o_strdup(&request->pool, name.data, name.bytes);
	h2o_iovec_t copy = h2o_strdup(&request->pool, value.data ? value.data : "", value.bytes);
	h2o_strtolower(lower.base, lower.len);
	h2o_add_header_by_str(
		&request->pool, &request->res.headers, lower.base, lower.len, 1, shown.base, copy.base, copy.len);
}

static void wire_count(struct loop *loop, size_t route, int status, int64_t begun_us)
{
	int64_t duration_us = wire_now_us() - begun_us;
	counters_answer(&loop->counters, route, status, duration_us);
	if (!loop->server->access_log)
		return;
	/* The route and not the path, which may name a person. */
	const struct route *known = route < loop->server->router.count ? loop->server->router.routes[route] : NULL;
	log_event(LOG_INFO, "request", log_text("method", known ? known->method : ""),
		log_text("route", known ? known->pattern : ""), log_integer("status", status),
		log_integer("duration_us", duration_us), NULL);
}

static void file_dispose(void *memory)
{
	struct wire_file *file = memory;
	if (file->descriptor >= 0)
		close(file->descriptor);
	free(file->buffer);
}

/*
 * Trap 13: what is sent must stay until the library asks for more, and it asks only when all of it was written: one
 * buffer an answer is enough, and a slow reader holds no more than that.
 */
static void file_proceed(h2o_generator_t *generator, h2o_req_t *request)
{
	struct wire_file *file = (struct wire_file *)generator;
	size_t want = file->left < WIRE_CHUNK_BYTES ? (size_t)file->left : WIRE_CHUNK_BYTES;
	ssize_t got = pread(file->descriptor, file->buffer, want, file->offset);
	if (got <= 0) {
		/* The length was promised: all that can be said now is said by closing. */
		h2o_send(request, NULL, 0, H2O_SEND_STATE_ERROR);
		return;
	}
	file->offset += got;
	file->left -= got;
	h2o_iovec_t part = h2o_iovec_init(file->buffer, (size_t)got);
	h2o_send(request, &part, 1, file->left > 0 ? H2O_SEND_STATE_IN_PROGRESS : H2O_SEND_STATE_FINAL);
}

static bool wire_is_head(const h2o_req_t *request)
{
	return h2o_memis(request->input.method.base, request->input.method.len, H2O_STRLIT("HEAD"));
}

static void wire_send_file(h2o_req_t *request, struct exchange *exchange)
{
	request->res.content_length = (size_t)exchange->body_bytes;
	if (wire_is_head(request) || exchange->body_bytes == 0) {
		h2o_send_inline(request, "", 0);
		return;
	}
	struct wire_file *file = h2o_mem_alloc_shared(&request->pool, sizeof *file, file_dispose);
	*file = (struct wire_file){.super = {file_proceed, NULL},
		.descriptor = exchange->body_file,
		.offset = exchange->body_offset,
		.left = exchange->body_bytes,
		.buffer = malloc(WIRE_CHUNK_BYTES)};
	exchange->body_file = -1;
	/* The kernel reads ahead while the network is slower than the disk, so that the loop finds the next part in
	 * memory. */
	posix_fadvise(file->descriptor, file->offset, file->left, POSIX_FADV_SEQUENTIAL);
	h2o_start_response(request, &file->super);
	if (file->buffer)
		file_proceed(&file->super, request);
	else
		h2o_send(request, NULL, 0, H2O_SEND_STATE_ERROR);
}

/* Sends what the exchange holds and copies all of it: the exchange may go right afterwards. */
static void wire_send(h2o_req_t *request, struct exchange *exchange)
{
	/* The library decided when the request came, which may have been before the stop. */
	if (request->conn->ctx->shutdown_requested)
		request->http1_is_persistent = 0;
	request->res.status = exchange->status;
	request->res.reason = problem_title(exchange->status);
	if (exchange->content_type.data)
		wire_header(request, WN_SLICE("Content-Type"), exchange->content_type);
	for (size_t i = 0; i < exchange->header_count; i++)
		wire_header(request, exchange->headers[i].name, exchange->headers[i].value);
	/* What was told to one key is not for a cache that others share; who knows better has said so. */
	if (exchange->is_signed && !exchange_has_header(exchange, "Cache-Control"))
		wire_header(request, WN_SLICE("Cache-Control"), WN_SLICE("no-store"));
	if (exchange->body_file >= 0) {
		wire_send_file(request, exchange);
		return;
	}
	/* Trap 13: h2o_send_inline() copies and leaves the body out for HEAD, but the length is ours to say; 204 and
	 * 304 have none. */
	if (exchange->status != 204 && exchange->status != 304)
		request->res.content_length = exchange->body.bytes;
	h2o_send_inline(request, exchange->body.data ? exchange->body.data : "", exchange->body.bytes);
}

/* A problem that needs no exchange. */
static void wire_problem(struct loop *loop, h2o_req_t *request, size_t route, int64_t begun_us, int status,
	const char *code, const char *detail, const char *allow)
{
	struct wn_arena arena;
	struct exchange exchange = {.arena = &arena, .body_file = -1};
	wn_arena_init(&arena, 65536);
	exchange_problem(&exchange, status, code, detail ? "%s" : NULL, detail);
	if (allow)
		exchange_header(&exchange, "Allow", wn_slice_of(allow));
	if (status == 503 || status == 429)
		exchange_header(&exchange, "Retry-After", WN_SLICE("2"));
	wire_count(loop, route, status, begun_us);
	wire_send(request, &exchange);
	wn_arena_free(&arena);
}

static void wire_no_room(
	struct loop *loop, h2o_req_t *request, size_t route, int64_t begun_us, enum peers_verdict verdict)
{
	if (verdict == PEERS_SHARE)
		wire_problem(loop, request, route, begun_us, 429, "address_share", WIRE_SHARE_TEXT, NULL);
	else
		wire_problem(loop, request, route, begun_us, 503, "overloaded", WIRE_OVERLOADED_TEXT, NULL);
}

/* Memory that the answer takes until the client has read it. */
static size_t wire_answer_bytes(const struct loop *loop, const h2o_req_t *request, const struct exchange *exchange)
{
	size_t bytes = exchange->body.bytes;
	if (wire_is_head(request))
		return 0;
	if (exchange->body_file >= 0)
		bytes = WIRE_CHUNK_BYTES;
	if (bytes <= WIRE_FREE_BYTES)
		return 0;
	/* The library encrypts all that it is given at once. */
	return loop->server->tls ? 2 * bytes : bytes;
}

/* Sends what the exchange holds, if there is room for it. */
static void wire_answer(struct wire_job *job, h2o_req_t *request, struct wire_slot *slot)
{
	struct loop *loop = job->loop;
	struct exchange *exchange = &job->lane.exchange;
	struct peers *peers = loop->server->peers;
	size_t bytes = wire_answer_bytes(loop, request, exchange);
	/* The request has been worked on: from here on only its answer counts. */
	peers_release(peers, &job->lane.peer, job->held_bytes);
	job->held_bytes = 0;
	if (bytes > 0) {
		enum peers_verdict verdict = peers_hold(peers, &job->lane.peer, bytes);
		/* What had an effect has to be told, whatever it takes. */
		bool safe = wire_is_head(request) || strcmp(exchange->route->method, "GET") == 0;
		if (verdict != PEERS_FINE && safe) {
			wire_no_room(loop, request, job->route, job->begun_us, verdict);
			return;
		}
		if (verdict != PEERS_FINE)
			peers_adjust(peers, &job->lane.peer, 0, bytes);
		slot->held_bytes = bytes;
	}
	wire_count(loop, job->route, exchange->status, job->begun_us);
	wire_send(request, exchange);
}

/* ---- requests ---- */

static bool wire_copy(struct wn_arena *arena, h2o_iovec_t from, struct wn_slice *out)
{
	char *copy = wn_arena_copy(arena, from.base ? from.base : "", from.len);
	*out = (struct wn_slice){copy, from.len};
	return copy != NULL;
}

/* Bytes of all fields as they are kept; those that the library takes out (Host, Content-Length, ...) are few and short.
 */
static size_t wire_head_bytes(const h2o_req_t *request)
{
	size_t bytes = request->input.path.len + request->input.authority.len;
	for (size_t i = 0; i < request->headers.size; i++)
		bytes += request->headers.entries[i].name->len + request->headers.entries[i].value.len;
	return bytes;
}

/* Host and Content-Length again, as they came: signatures may cover them. */
static bool wire_taken_out(struct wn_arena *arena, const h2o_req_t *request, struct http_header *headers, size_t *count)
{
	if (request->input.authority.len > 0) {
		headers[*count].name = WN_SLICE("host");
		if (!wire_copy(arena, request->input.authority, &headers[(*count)++].value))
			return false;
	}
	if (request->entity.len > 0) {
		char *length = wn_arena_printf(arena, "%zu", request->entity.len);
		if (!length)
			return false;
		headers[(*count)++] = (struct http_header){WN_SLICE("content-length"), wn_slice_of(length)};
	}
	return true;
}

static bool job_fill(struct wire_job *job, const h2o_req_t *request)
{
	struct wn_arena *arena = &job->lane.arena;
	struct exchange *exchange = &job->lane.exchange;
	struct http_request *copy = &exchange->request;
	struct http_header *headers = wn_arena_array(arena, request->headers.size + 2, sizeof *headers);
	if (!headers || !wire_copy(arena, request->input.method, &copy->method) ||
		!wire_copy(arena, request->input.authority, &copy->authority) ||
		!wire_copy(arena, request->input.path, &copy->target))
		return false;
	for (size_t i = 0; i < request->headers.size; i++)
		if (!wire_copy(arena, *request->headers.entries[i].name, &headers[i].name) ||
			!wire_copy(arena, request->headers.entries[i].value, &headers[i].value))
			return false;
	copy->headers = headers;
	copy->header_count = request->headers.size;
	if (!wire_taken_out(arena, request, headers, &copy->header_count))
		return false;
	/* The library's buffer is reused for the next request of the connection. */
	if (request->entity.len > 0 && !wire_copy(arena, request->entity, &copy->body))
		return false;
	size_t path_bytes = request->query_at < copy->target.bytes ? request->query_at : copy->target.bytes;
	exchange->path = (struct wn_slice){copy->target.data, path_bytes};
	if (path_bytes < copy->target.bytes)
		exchange->query =
			(struct wn_slice){copy->target.data + path_bytes + 1, copy->target.bytes - path_bytes - 1};
	return true;
}

static void job_done(struct lane_job *lane)
{
	struct wire_job *job = H2O_STRUCT_FROM_MEMBER(struct wire_job, lane, lane);
	/* On the lane's thread: from here on the job belongs to the loop again. */
	h2o_multithread_send_message(&job->loop->receiver, &job->message.super);
}

struct wire_job *wire_job_of(struct loop_message *message)
{
	return H2O_STRUCT_FROM_MEMBER(struct wire_job, message, message);
}

void wire_job_done(struct wire_job *job)
{
	h2o_req_t *request = job->request;
	struct wire_slot *slot = job->slot;
	if (slot) {
		slot_cut(slot);
		if (job->lane.exchange.status) {
			wire_answer(job, request, slot);
		} else {
			/* Dropped by the stop of the lanes. */
			wire_problem(job->loop, request, job->route, job->begun_us, 503, "stopping",
				"The node is stopping: send the request again soon.", NULL);
		}
	}
	job_close(job);
}

/*
 * Trap 3: while a handler works nothing is read, so a client that left is only noticed when a write fails. No answer of
 * ours waits for events, so there is nothing to send a heartbeat for; this deadline bounds how long a dead request can
 * wait.
 */
void wire_expire(struct loop *loop, int64_t now_ms)
{
	while (loop->jobs_first && now_ms - loop->jobs_first->begun_ms >= loop->server->deadline_ms) {
		struct wire_job *job = loop->jobs_first;
		job_unlink(job);
		/* A lane that has begun ends by itself: its statements have the same limit. */
		if (!lane_job_drop(&job->lane))
			continue;
		h2o_req_t *request = job->request;
		slot_cut(job->slot);
		wire_problem(loop, request, job->route, job->begun_us, 503, "deadline",
			"The node is too busy to take this request up in time; it took "
			"no effect: send it again.",
			NULL);
	}
}

static size_t wire_ceiling(size_t least, size_t body_bytes)
{
	size_t more = body_bytes < WIRE_ARENA_MAX / WIRE_ARENA_TIMES ? body_bytes * WIRE_ARENA_TIMES : WIRE_ARENA_MAX;
	return least + more < WIRE_ARENA_MAX ? least + more : WIRE_ARENA_MAX;
}

/* Takes over `held_bytes`, which are counted already. */
static struct wire_job *job_open(
	struct loop *loop, h2o_req_t *request, struct connection *connection, size_t held_bytes, int64_t begun_us)
{
	struct wire_job *job = calloc(1, sizeof *job);
	if (!job) {
		peers_release(loop->server->peers, &connection->peer, held_bytes);
		return NULL;
	}
	wn_arena_init(&job->lane.arena, wire_ceiling(WIRE_ARENA_LEAST, request->entity.len));
	job->lane.done = job_done;
	job->lane.peer = connection->peer;
	job->held_bytes = held_bytes;
	job->loop = loop;
	job->message.kind = LOOP_JOB_DONE;
	job->begun_us = begun_us;
	job->begun_ms = begun_us / 1000;
	job->route = COUNTERS_NO_ROUTE;
	job->lane.exchange = (struct exchange){
		.node = loop->server->node,
		.server = loop->server,
		.arena = &job->lane.arena,
		.body_file = -1,
		.by_operator = connection->by_operator,
	};
	/* Copied, because the connection may go before the job. */
	h2o_iovec_t address = h2o_iovec_init(connection->address, strlen(connection->address));
	if (wire_copy(&job->lane.arena, address, &job->lane.exchange.remote_address) && job_fill(job, request))
		return job;
	job_close(job);
	return NULL;
}

static void wire_no_route(struct loop *loop, h2o_req_t *request, int64_t begun_us, enum router_verdict verdict,
	const struct router_match *match)
{
	if (verdict == ROUTER_NO_METHOD)
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 405, "method_not_allowed",
			"This path does not know that method.", match->allow);
	else if (verdict == ROUTER_NO_PATH)
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 404, "route_unknown",
			"There is nothing at this path.", NULL);
	else
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 400, "path_malformed",
			"The request's path cannot be read.", NULL);
}

/* A route is known and its body fits: to a lane, or right away where nothing can block. */
static void wire_dispatch(struct wire_job *job, h2o_req_t *request, struct wire_slot *slot)
{
	struct loop *loop = job->loop;
	if (job->lane.exchange.route->needs == ROUTE_NOTHING) {
		exchange_run(&job->lane.exchange);
		wire_answer(job, request, slot);
		job_close(job);
		return;
	}
	job->request = request;
	job->slot = slot;
	slot->job = job;
	slot->connection->works = true;
	job_link(job);
	enum lanes_verdict verdict = lanes_push(loop->server->lanes, &job->lane);
	if (verdict == LANES_TAKEN) {
		loop->pushed = true;
		return;
	}
	slot_cut(slot);
	if (verdict == LANES_STOPPING || loop->stage != LOOP_SERVES)
		wire_problem(loop, request, job->route, job->begun_us, 503, "stopping",
			"The node is stopping: send the request again soon.", NULL);
	else if (verdict == LANES_SHARE)
		wire_problem(loop, request, job->route, job->begun_us, 429, "address_queue",
			"So many requests of this address wait already that this one is not queued: send fewer at "
			"once.",
			NULL);
	else
		wire_problem(loop, request, job->route, job->begun_us, 503, "queue_full",
			"The node has more requests than it can queue: send it again soon.", NULL);
	job_close(job);
}

/* What can be refused before anything is copied. True when it was. */
static bool wire_refuse(struct loop *loop, h2o_req_t *request, const h2o_buffer_t *input, int64_t begun_us)
{
	/*
	 * Trap 10: of two Content-Length fields the library takes the first, chunked beats Content-Length, and HTTP/1.1
	 * without Host passes, all without a trace in its list of fields. The head still stands in the connection's
	 * buffer as it came (names in lower case), so it is read once more there; a proxy in front of us might have
	 * understood it the other way.
	 */
	enum framing_verdict framing = framing_check(input->bytes, input->size, request->version & 0xff);
	if (framing != FRAMING_OK) {
		request->http1_is_persistent = 0;
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 400, "framing", framing_text(framing), NULL);
		return true;
	}
	/* Trap 9: the library takes 100 fields and 400 KiB of them; no client of ours needs a tenth of it. */
	if (wire_head_bytes(request) > WIRE_HEAD_MAX) {
		request->http1_is_persistent = 0;
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 431, "headers_large",
			"Path and header fields may have 32 KiB together.", NULL);
		return true;
	}
	return false;
}

static int wire_on_request(h2o_handler_t *handler, h2o_req_t *request)
{
	struct loop *loop = ((struct wire_handler *)handler)->loop;
	h2o_socket_t *socket = request->conn->callbacks->get_socket(request->conn);
	struct connection *connection = socket->on_close.data;
	struct wire_slot *slot = h2o_mem_alloc_shared(&request->pool, sizeof *slot, slot_dispose);
	int64_t begun_us = wire_now_us();
	*slot = (struct wire_slot){.connection = connection};
	connection->requests++;
	connection->begun++;
	if (wire_refuse(loop, request, socket->input, begun_us))
		return 0;
	connection_weigh(connection);
	/* The copy; and an answer to what has an effect, which is about as long and cannot be refused any more. */
	size_t held_bytes = sizeof(struct wire_job) + wire_head_bytes(request) + 2 * request->entity.len;
	enum peers_verdict room = peers_hold(loop->server->peers, &connection->peer, held_bytes);
	if (room != PEERS_FINE) {
		wire_no_room(loop, request, COUNTERS_NO_ROUTE, begun_us, room);
		return 0;
	}
	struct wire_job *job = job_open(loop, request, connection, held_bytes, begun_us);
	if (!job) {
		wire_problem(loop, request, COUNTERS_NO_ROUTE, begun_us, 503, "memory",
			"The node has no memory for this request.", NULL);
		return 0;
	}
	struct exchange *exchange = &job->lane.exchange;
	struct router_match match;
	enum router_verdict verdict =
		router_find(&loop->server->router, exchange->arena, exchange->request.method, exchange->path, &match);
	if (verdict != ROUTER_FOUND) {
		wire_no_route(loop, request, begun_us, verdict, &match);
		job_close(job);
		return 0;
	}
	job->route = match.number;
	exchange->route = loop->server->router.routes[match.number];
	memcpy(exchange->params, match.params, sizeof exchange->params);
	if (exchange->request.body.bytes > exchange->route->body_max) {
		char detail[96];
		snprintf(detail, sizeof detail,
			exchange->route->body_max ? "The body of this request may have %zu bytes."
						  : "This request takes no body.",
			exchange->route->body_max);
		wire_problem(loop, request, job->route, begun_us, 413, "body_large", detail, NULL);
		job_close(job);
		return 0;
	}
	/* What it may use counts as used while a lane works on it: many must fit at once. */
	if (exchange->route->handle_many)
		exchange->arena->ceiling_bytes = wire_ceiling(WIRE_ARENA_TOGETHER, exchange->request.body.bytes);
	wire_dispatch(job, request, slot);
	return 0;
}

/* ---- the library's own errors ---- */

struct wire_rewrite {
	h2o_ostream_t super;
	h2o_iovec_t body;
};

static void rewrite_send(
	h2o_ostream_t *stream, h2o_req_t *request, h2o_iovec_t *parts, size_t count, h2o_send_state_t state)
{
	struct wire_rewrite *rewrite = (struct wire_rewrite *)stream;
	(void)parts;
	/* Without parts it is the answer to a HEAD. */
	h2o_ostream_send_next(stream, request, &rewrite->body, count ? 1 : 0, state);
}

static const char *rewrite_code(int status)
{
	switch (status) {
	case 404:
		return "route_unknown";
	case 413:
		return "body_large";
	case 417:
		return "expectation_failed";
	default:
		return "request_malformed";
	}
}

/*
 * Trap 12: the library answers 400, 404, 413 and 417 with text/plain of its own. None of our answers above 399 has that
 * type, so it tells which ones to rewrite. One 400 is out of reach, a head that is no HTTP at all: the library writes
 * constant bytes past all filters and closes.
 */
static void rewrite_setup(h2o_filter_t *filter, h2o_req_t *request, h2o_ostream_t **slot)
{
	static const char plain[] = "text/plain";
	struct loop *loop = ((struct wire_filter *)filter)->loop;
	ssize_t at =
		request->res.status < 400 ? -1 : h2o_find_header(&request->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
	if (at != -1 && strncmp(request->res.headers.entries[at].value.base, plain, sizeof plain - 1) == 0) {
		struct wn_arena arena;
		wn_arena_init(&arena, 16384);
		const char *detail =
			request->res.status == 413 ? "A request body may have at most 1 MiB: send it in parts." : NULL;
		struct wn_slice body =
			problem_write(&arena, request->res.status, rewrite_code(request->res.status), detail);
		if (body.data) {
			struct wire_rewrite *rewrite =
				(struct wire_rewrite *)h2o_add_ostream(request, sizeof *rewrite, slot);
			rewrite->super.do_send = rewrite_send;
			rewrite->body = h2o_strdup(&request->pool, body.data, body.bytes);
			slot = &rewrite->super.next;
			request->res.headers.entries[at].value = h2o_iovec_init(H2O_STRLIT("application/problem+json"));
			request->res.content_length = body.bytes;
			request->res.reason = problem_title(request->res.status);
		}
		wn_arena_free(&arena);
		wire_count(loop, COUNTERS_NO_ROUTE, request->res.status, wire_now_us());
	}
	h2o_setup_next_ostream(request, slot);
}

static void wire_filter_add(struct loop *loop, h2o_pathconf_t *path)
{
	struct wire_filter *filter = (struct wire_filter *)h2o_create_filter(path, sizeof *filter);
	filter->super.on_setup_ostream = rewrite_setup;
	filter->loop = loop;
}

void wire_configure(struct loop *loop, h2o_hostconf_t *host)
{
	/*
	 * Trap 1: a second h2o_config_register_path() may move the first one's memory. There is one path, everything is
	 * attached to it at once, and no pointer to it is kept; telling routes apart is our router's business.
	 */
	h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
	struct wire_handler *handler = (struct wire_handler *)h2o_create_handler(path, sizeof *handler);
	handler->super.on_req = wire_on_request;
	handler->loop = loop;
	wire_filter_add(loop, path);
	/* Errors that come before a path is chosen, and targets that no path matches ("*", "http://..."), are bound to
	 * this one. */
	wire_filter_add(loop, &host->fallback_path);
	handler = (struct wire_handler *)h2o_create_handler(&host->fallback_path, sizeof *handler);
	handler->super.on_req = wire_on_request;
	handler->loop = loop;
}
