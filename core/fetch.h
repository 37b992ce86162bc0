/* HTTP from the client's side (libcurl): plain and signed requests to a node, with the limits of a careful client. */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include "core/httpsig.h"
#include "core/json.h"

struct fetch; /* one connection pool, one thread */

struct fetch_answer {
	int status;
	struct wn_slice body; /* in the arena */
	struct wn_slice content_type;
	int retry_after_s; /* -1 when absent */
	struct wn_slice idempotency_replayed;
};

enum { FETCH_BODY_MAX = 64 * 1024 * 1024 };

/* base_url "http://127.0.0.1:8080" or "https://..."; unix_socket may be NULL (the operator's door otherwise). */
bool fetch_open(struct fetch **out, const char *base_url, const char *unix_socket, struct wn_error *err);
void fetch_close(struct fetch *fetch);

struct fetch_request {
	const char *method, *target; /* target: path and query */
	const char *content_type;    /* NULL without body */
	struct wn_slice body;
	const char *idempotency_key; /* NULL: none; sent quoted as RFC 8941 string */
	const char *checkpoint;	     /* NULL: none; "SIZE ROOT" of the newest that the caller verified */
	const struct sign_key *key;  /* NULL: unsigned */
	const char *tag;	     /* network tag, with key */
	int64_t now_ms;		     /* `created` of the signature; 0: this machine's clock */
	int timeout_ms;		     /* 0: 20 s */
};
/* True when an answer came, whatever its status. WN_DOWN fetch_unreachable otherwise. */
bool fetch_send(struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	struct fetch_answer *answer, struct wn_error *err);
/* As fetch_send, then turns any status outside 2xx into `err` with the problem document's code and detail
 * (http_<status> where there is none); parses JSON bodies: *out is NULL for an empty one. */
bool fetch_json(struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	const struct json **out, struct wn_error *err);
/*
 * From now on fetch_json() asks again when the node says 429 or 503 (after its Retry-After, where it names one) or
 * cannot be reached, for at most patience_ms a request: a node whose database or process starts again is not an end.
 * Whoever sends what may not take effect twice gives it an idempotency key or leaves this at 0. `address_file` (may be
 * NULL; must stay valid) holds the node's address in its first line: a server that started again may listen elsewhere.
 */
void fetch_be_patient(struct fetch *fetch, int patience_ms, const char *address_file);
/* Streams a GET body into a file descriptor; stops above max_bytes with WN_FULL fetch_large. */
bool fetch_file(struct fetch *fetch, const char *target, int descriptor, int64_t max_bytes, int64_t *bytes,
	struct wn_error *err);

#endif
