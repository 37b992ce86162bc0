/* Fuzz entry: JSON text; what is accepted must have one canonical form that reads back as itself. */
#include <string.h>

#include "core/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_ARENA_MAX = 16 << 20 };
	struct wn_arena arena;
	struct wn_error err = {0};
	struct wn_slice once, twice;
	wn_arena_init(&arena, FUZZ_ARENA_MAX);
	if (jcs_canonical(&arena, (const char *)data, bytes, &once, &err)) {
		wn_assert(jcs_canonical(&arena, once.data, once.bytes, &twice, &err));
		wn_assert(wn_slice_equal(once, twice));
	} else {
		wn_assert(err.blame == WN_INPUT || err.blame == WN_FULL);
		wn_assert(err.code[0] != '\0');
	}
	wn_arena_free(&arena);
	return 0;
}
