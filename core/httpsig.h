/* RFC 9421 signatures with RFC 9530 digests in winnow's profile: building the base, signing, reading, judging. Pure. */
#ifndef CORE_HTTPSIG_H
#define CORE_HTTPSIG_H

#include "core/arena.h"
#include "core/error.h"
#include "core/sign.h"

enum { HTTPSIG_FRESH_S = 300, HTTPSIG_BASE_MAX = 8192 };

struct http_header {
	struct wn_slice name, value;
}; /* name in any case */

/* A request as it was received or will be sent. target is path and query as on the wire; authority is the Host field.
 */
struct http_request {
	struct wn_slice method, authority, target;
	const struct http_header *headers;
	size_t header_count;
	struct wn_slice body;
};

/*
 * Components: with a body "@method" "@authority" "@path" "@query" "content-digest" "content-type", then
 * "idempotency-key" and "winnow-checkpoint" when the request has them; without a body the first four (and those two
 * when present). Parameters: created, keyid (did:key), alg="ed25519", tag. One signature. We sign in this order under
 * the label sig1; taken are any order, any label, an `expires` (which is kept), and more header fields that the request
 * carries, as libraries and proxies like to write them.
 */
struct httpsig {
	struct account_key key;
	struct signature signature;
	int64_t created_s;
	struct wn_slice base; /* the signature base: kept as evidence */
};

/*
 * Finds and checks the one signature: components, digest over the body as received, tag, freshness against now_ms,
 * Ed25519. Codes (all WN_INPUT): signature_missing, signature_malformed, signature_components, signature_tag,
 * signature_stale, signature_digest, signature_wrong. `out` holds slices in the arena.
 */
bool httpsig_verify(struct wn_arena *arena, const struct http_request *request, const char *tag, int64_t now_ms,
	struct httpsig *out, struct wn_error *err);

/* Values of the three header fields that make `request` a signed one (content_digest is empty without a body). The
 * request's headers must already hold content-type (and idempotency-key, winnow-checkpoint where used). */
struct httpsig_fields {
	struct wn_slice content_digest, signature_input, signature;
};
bool httpsig_sign(struct wn_arena *arena, const struct http_request *request, const char *tag, int64_t created_s,
	const struct sign_key *key, struct httpsig_fields *out, struct wn_error *err);

#endif
