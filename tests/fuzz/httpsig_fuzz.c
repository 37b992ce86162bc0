/* Fuzz entry: a request's lines (method, authority, target, then header fields, an empty line, the body) as a signed
 * request. */
#include <string.h>

#include "core/httpsig.h"

enum { FUZZ_HEADERS_MAX = 32, FUZZ_SIG_ARENA_MAX = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* Up to the next line feed; *rest moves behind it. */
static struct wn_slice fuzz_line(struct wn_slice *rest)
{
	const char *end = rest->bytes ? memchr(rest->data, '\n', rest->bytes) : NULL;
	struct wn_slice line = {rest->data, end ? (size_t)(end - rest->data) : rest->bytes};
	size_t used = line.bytes + (end ? 1 : 0);
	rest->data += used;
	rest->bytes -= used;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct wn_slice rest = {(const char *)data, bytes};
	struct http_header headers[FUZZ_HEADERS_MAX];
	struct http_request request = {.headers = headers};
	request.method = fuzz_line(&rest);
	request.authority = fuzz_line(&rest);
	request.target = fuzz_line(&rest);
	while (request.header_count < FUZZ_HEADERS_MAX) {
		struct wn_slice line = fuzz_line(&rest);
		const char *colon = line.bytes ? memchr(line.data, ':', line.bytes) : NULL;
		if (!colon)
			break;
		size_t name_bytes = (size_t)(colon - line.data);
		headers[request.header_count++] =
			(struct http_header){{line.data, name_bytes}, {colon + 1, line.bytes - name_bytes - 1}};
	}
	request.body = rest;
	sign_start();
	struct wn_arena arena;
	struct wn_error err = {0};
	struct httpsig out;
	wn_arena_init(&arena, FUZZ_SIG_ARENA_MAX);
	/* A refusal has a code; signing takes the same hostile lines. */
	if (!httpsig_verify(&arena, &request, "winnow-0000000000000000", 0, &out, &err))
		wn_assert(err.code[0] != '\0');
	struct sign_key key;
	uint8_t seed[SIGN_SEED_BYTES] = {1};
	struct httpsig_fields fields;
	sign_from_seed(&key, seed);
	if (httpsig_sign(&arena, &request, "winnow-0000000000000000", 0, &key, &fields, &err))
		wn_assert(fields.signature.bytes > 0);
	wn_arena_free(&arena);
	return 0;
}
