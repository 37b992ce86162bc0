/* Idempotency-Key: the same request twice gets the same answer once. */
#ifndef WEB_IDEMPOTENCY_H
#define WEB_IDEMPOTENCY_H

#include "web/route.h"

enum { IDEMPOTENCY_KEY_MAX = 255 };

/* The key out of a field value: an RFC 8941 string, or the same characters bare, as many clients send it. Pure. */
bool idempotency_read(struct wn_arena *arena, struct wn_slice field, struct wn_slice *out);
/* SHA-256 over content digest, method, target and key: what must be equal for a replay. Pure. */
void idempotency_fingerprint(const struct http_request *request, const struct account_key *key, struct sha256 *out);
/*
 * Reads the key of a changing, signed request, refuses what must be refused, and replays a stored answer. *answered
 * tells that the exchange has its answer.
 */
bool idempotency_begin(struct exchange *exchange, bool *answered, struct wn_error *err);

#endif
