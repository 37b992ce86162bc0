/* The route table's row and the exchange: one request and its answer, as the handlers of every folder see them. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "core/account.h"
#include "core/db.h"
#include "core/httpsig.h"
#include "core/json.h"
#include "core/node.h"

enum route_access {
	ROUTE_OPEN,	/* no signature needed; one that is there must hold */
	ROUTE_SIGNED,	/* a valid signature of any key (registration) */
	ROUTE_ACCOUNT,	/* a valid signature of a registered key */
	ROUTE_OPERATOR, /* the operator's unix socket only */
};

/* What a handler stands on. Without a database the node answers 503 for the first kind before the handler is called. */
enum route_needs {
	ROUTE_DATABASE, /* a lane whose connection works */
	ROUTE_LANE,	/* a lane; exchange->db is NULL or lost while PostgreSQL is away (/readyz, /metrics) */
	ROUTE_NOTHING,	/* runs on the loop itself from memory: exchange->db is NULL and nothing may block */
};

enum { ROUTE_BODY_MAX = 1048576, ROUTE_PARAMS_MAX = 4, EXCHANGE_HEADERS_MAX = 12 };

struct exchange;
struct server;

struct route {
	const char *method;  /* "GET" answers HEAD too */
	const char *pattern; /* "/v1/items/{id}/receipt"; {name} takes one segment, {rest*} at the end takes all */
	enum route_access access;
	int32_t roles;	 /* bits of enum account_role of which one is needed; 0: any */
	size_t body_max; /* bytes; 0: no body allowed */
	/* Fills the answer. Runs on a lane (a thread with a blocking database connection), never on the loop. False: a
	 * failure of the world in `err`, answered as a problem by the caller after rollback. A refusal is an answer,
	 * not a failure. */
	bool (*handle)(struct exchange *exchange, struct wn_error *err);
	/*
	 * In place of `handle`: answers many requests in one transaction, so that they share its cost. All have the
	 * same database, each was let in by itself. What is temporary comes from `arena`. exchange_problem() ends an
	 * open transaction, so refusals come before it begins. False: those that have no answer took no effect; where
	 * the failure may be one request's alone, both halves of them are tried again.
	 */
	bool (*handle_many)(
		struct exchange *const exchanges[], size_t count, struct wn_arena *arena, struct wn_error *err);
	const char *summary; /* one line for openapi.json */
	bool idempotent;     /* Idempotency-Key is mandatory: what would do its work twice when it is sent twice */
	enum route_needs needs;
	/* For openapi.json, read by web/openapi.c, which stops the program at a word that it does not know. Schemas are
	 * those of web/openapi_components.json. */
	const char *query;   /* "from:Count,count:Count": parameters and their schemas */
	const char *takes;   /* the body's schema: "Ballot"; more media types behind it: "Item,application/x-ndjson" */
	const char *gives;   /* "200:Account,201:Account", "200:text/plain", "304" */
	const char *refuses; /* "403,409": refusals of its own, beyond what follows from the rest of the row */
};

struct exchange {
	const struct node *node;
	struct server *server;	/* counters for /metrics, routes for /openapi.json */
	struct db *db;		/* this lane's connection as winnow_serve */
	struct wn_arena *arena; /* lives until the answer was sent */
	int64_t now_ms;		/* the node's clock when the request was taken up */
	struct http_request request;
	struct wn_slice path, query;
	struct wn_slice params[ROUTE_PARAMS_MAX]; /* in the pattern's order, percent-decoded */
	const struct route *route;

	bool is_signed;
	struct httpsig signature; /* when is_signed */
	bool has_account;
	struct account account;		 /* when has_account */
	struct wn_slice idempotency_key; /* data NULL when absent */
	struct sha256 fingerprint;	 /* of method, target, body and key, when idempotency_key is there */
	int64_t seen_size;		 /* of the newest checkpoint that the signer verified; 0: none named */
	struct wn_slice remote_address;	 /* "192.0.2.1", "2001:db8::1" or "unix" */
	bool by_operator;		 /* came through the operator's socket */

	/* the answer */
	int status;		      /* 0 until set */
	struct wn_slice content_type; /* default application/json; set it before or after exchange_ok() */
	struct wn_slice body;	      /* in the arena or in constant memory; or a file: */
	int body_file; /* descriptor to stream from, -1: none; the server closes it; set before exchange_ok() */
	int64_t body_offset, body_bytes;
	struct http_header headers[EXCHANGE_HEADERS_MAX];
	size_t header_count;
};

/* 2xx is written here and nowhere else, and only when no transaction is open: COMMIT came before. */
bool exchange_ok(struct exchange *exchange, int status, struct wn_slice json, struct wn_error *err);
/*
 * Keeps the answer under the request's Idempotency-Key, in the transaction of its effect: call it behind
 * journal_append(), right before db_commit(), with what exchange_ok() will get. Does nothing where the request carries
 * no key. A second request with the same key that runs at this moment fails with idempotency_running, answered as 409.
 */
bool exchange_remember(struct exchange *exchange, int status, struct wn_slice json, struct wn_error *err);
/*
 * The member "receipt" of an answer: the node's signed promise that the journal entry of this request will be in a
 * checkpoint. None where nothing was written (`leaf` NULL) or where this machine does not hold the checkpoint key.
 */
bool exchange_receipt(
	struct exchange *exchange, struct json_writer *answer, const struct sha256 *leaf, struct wn_error *err);
/* RFC 9457. `code` becomes type "/problems/<code>"; detail may be NULL. Rolls an open transaction back. Returns true.
 */
bool exchange_problem(struct exchange *exchange, int status, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* A failure of the world as a problem: WN_INPUT 400, WN_BUSY and WN_DOWN 503 + Retry-After, WN_FULL 503 (or 413 for
 * *_large). */
bool exchange_failed(struct exchange *exchange, const struct wn_error *err);
void exchange_header(struct exchange *exchange, const char *name, struct wn_slice value);
/* The body as JSON; on failure the problem is already written and false returned with *answered = true. */
bool exchange_json(struct exchange *exchange, const struct json **out, bool *answered, struct wn_error *err);
/* Percent-decoded query parameter; data NULL when absent. */
struct wn_slice exchange_query(struct exchange *exchange, const char *name);
struct wn_slice exchange_request_header(const struct exchange *exchange, const char *name);
/* Reads a 32-byte hex id from params[index]; otherwise a 404 problem is written and false returned. */
bool exchange_id(struct exchange *exchange, int index, void *id32);

#endif
