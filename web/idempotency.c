/* Stored answers by key and fingerprint; exchange_remember() is the writing side. */
#include "web/idempotency.h"

#include <string.h>

#include "core/hash.h"
#include "web/web_store.h"

bool idempotency_read(struct wn_arena *arena, struct wn_slice field, struct wn_slice *out)
{
	bool quoted = field.bytes >= 2 && field.data[0] == '"' && field.data[field.bytes - 1] == '"';
	size_t start = quoted ? 1 : 0, end = field.bytes - start, count = 0;
	char *text = wn_arena_alloc(arena, field.bytes + 1);
	if (!text || field.bytes == 0)
		return false;
	for (size_t i = start; i < end; i++) {
		char c = field.data[i];
		if (c < 0x20 || c > 0x7e)
			return false;
		if (c == '"' || (!quoted && (c == '\\' || c == ' ' || c == ',')))
			return false;
		if (c == '\\') {
			if (++i == end || (field.data[i] != '\\' && field.data[i] != '"'))
				return false;
			c = field.data[i];
		}
		text[count++] = c;
	}
	*out = (struct wn_slice){text, count};
	return count > 0 && count <= IDEMPOTENCY_KEY_MAX;
}

/* Lengths stand before what has no fixed length, so that no two requests share their bytes. */
static void fingerprint_add(struct sha256_stream *stream, struct wn_slice value)
{
	uint64_t bytes = value.bytes;
	uint8_t length[8];
	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)(bytes >> 8 * i);
	sha256_add(stream, length, sizeof length);
	sha256_add(stream, value.data ? value.data : "", value.bytes);
}

void idempotency_fingerprint(const struct http_request *request, const struct account_key *key, struct sha256 *out)
{
	static const char tag[] = "winnow/idempotency/v1";
	struct sha256 digest;
	struct sha256_stream *stream = sha256_open();
	sha256_of(request->body.data ? request->body.data : "", request->body.bytes, &digest);
	sha256_add(stream, tag, sizeof tag);
	sha256_add(stream, digest.bytes, ID_BYTES);
	fingerprint_add(stream, request->method);
	fingerprint_add(stream, request->target);
	sha256_add(stream, key->bytes, ID_BYTES);
	sha256_close(stream, out);
}

bool idempotency_begin(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	struct wn_slice field = exchange_request_header(exchange, "idempotency-key");
	*answered = false;
	if (strcmp(exchange->route->method, "GET") == 0 || !exchange->is_signed)
		return true;
	if (!field.data) {
		if (!exchange->route->idempotent)
			return true;
		*answered = true;
		return exchange_problem(exchange, 400, "idempotency_missing",
			"Send Idempotency-Key: \"...\" with a value of your own for each new "
			"intent, and the same one when you repeat this request.");
	}
	if (!idempotency_read(exchange->arena, field, &exchange->idempotency_key)) {
		exchange->idempotency_key = (struct wn_slice){0};
		*answered = true;
		return exchange_problem(exchange, 400, "idempotency_malformed",
			"Idempotency-Key is a quoted string of 1 to %d printable characters.", IDEMPOTENCY_KEY_MAX);
	}
	idempotency_fingerprint(&exchange->request, &exchange->signature.key, &exchange->fingerprint);
	struct stored_answer stored;
	bool found;
	if (!web_store_answer_find(exchange->db, exchange->arena, &exchange->signature.key, exchange->idempotency_key,
		    &stored, &found, err))
		return false;
	if (!found)
		return true;
	*answered = true;
	if (memcmp(stored.fingerprint.bytes, exchange->fingerprint.bytes, ID_BYTES) != 0)
		return exchange_problem(exchange, 422, "idempotency_mismatch",
			"This Idempotency-Key was used for another request: take a new one.");
	exchange_header(exchange, "Idempotency-Replayed", WN_SLICE("true"));
	return exchange_ok(exchange, stored.status, stored.body, err);
}
