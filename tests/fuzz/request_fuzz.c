/* Fuzz entry: bytes as the head of a request and as the fields that web/ reads itself: framing, path, range, entity
 * tags, idempotency key. */
#include <string.h>

#include "web/file_answer.h"
#include "web/framing.h"
#include "web/idempotency.h"
#include "web/seen_checkpoint.h"
#include "web/router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool fuzz_handle(struct exchange *exchange, struct wn_error *err)
{
	(void)exchange;
	(void)err;
	return true;
}

static const struct route fuzz_routes[] = {
	{.method = "GET", .pattern = "/", .handle = fuzz_handle},
	{.method = "GET", .pattern = "/v1/items/{id}", .handle = fuzz_handle},
	{.method = "POST", .pattern = "/v1/items/{id}/erase", .handle = fuzz_handle},
	{.method = "GET", .pattern = "/v1/datasets/{name}/{version}/{path*}", .handle = fuzz_handle},
	{.method = NULL},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_REQUEST_ARENA_MAX = 4 << 20, FUZZ_LENGTH = 1000 };
	static const struct route *const tables[] = {fuzz_routes, NULL};
	static struct router router;
	struct wn_arena arena;
	struct wn_slice text = {(const char *)data, bytes}, out;
	struct router_match match;
	int64_t offset, count;
	if (router.count == 0)
		router_init(&router, tables);
	wn_arena_init(&arena, FUZZ_REQUEST_ARENA_MAX);
	wn_assert(framing_text(framing_check(text.data, text.bytes, (int)(bytes % 2))) != NULL);
	if (router_find(&router, &arena, WN_SLICE("GET"), text, &match) == ROUTER_FOUND)
		for (int i = 0; i < ROUTE_PARAMS_MAX; i++) {
			wn_assert(!match.params[i].data || match.params[i].bytes > 0);
			wn_assert(!wn_slice_equal(match.params[i], WN_SLICE("..")));
			wn_assert(!match.params[i].bytes || !memchr(match.params[i].data, '\0', match.params[i].bytes));
		}
	if (range_read(text, FUZZ_LENGTH, &offset, &count) == RANGE_PART) {
		wn_assert(offset >= 0);
		wn_assert(count >= 1);
		wn_assert(offset + count <= FUZZ_LENGTH);
	}
	/* A strong match is a weak one too. */
	wn_assert(!etag_listed(text, "abc", false) || etag_listed(text, "abc", true));
	struct sha256 root;
	int64_t size;
	if (seen_checkpoint_read(text, &size, &root))
		wn_assert(size > 0 && text.bytes > 2 * ID_BYTES);
	if (idempotency_read(&arena, text, &out))
		wn_assert(out.bytes >= 1 && out.bytes <= IDEMPOTENCY_KEY_MAX);
	wn_arena_free(&arena);
	return 0;
}
