/* Fuzz entry: text as a manifest and as a row; what is accepted must be written back as the same bytes. */
#include <string.h>

#include "dataset/manifest.h"
#include "dataset/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_MANIFEST_ARENA_MAX = 64 << 20 };
	struct wn_arena arena;
	struct wn_error err = {0};
	struct wn_slice text = {(const char *)data, bytes}, again;
	struct manifest manifest;
	struct row row;
	sign_start();
	wn_arena_init(&arena, FUZZ_MANIFEST_ARENA_MAX);
	if (manifest_parse(&arena, text, &manifest, &err)) {
		/* All but the recipe, whose defaults are spelled out when it is written. */
		wn_assert(manifest_write(&arena, &manifest, &again, &err));
		struct manifest twice;
		wn_assert(manifest_parse(&arena, again, &twice, &err));
		wn_assert(twice.file_count == manifest.file_count);
		wn_assert(twice.row_count == manifest.row_count);
		for (size_t i = 0; i < manifest.file_count; i++) {
			const char *path = manifest.files[i].path;
			wn_assert(path[0] != '/');
			wn_assert(strstr(path, "..") == NULL ||
				  (strncmp(path, "../", 3) != 0 && strstr(path, "/..") == NULL));
			wn_assert(manifest_find(&manifest, path) == &manifest.files[i]);
		}
	} else {
		wn_assert(err.blame == WN_INPUT || err.blame == WN_FULL);
		wn_assert(err.code[0] != '\0');
	}
	wn_error_reset(&err);
	if (row_parse(&arena, text.data, bytes, &row, &err))
		wn_assert(row.p_good >= 0 && row.p_good <= 1000000);
	else
		wn_assert(err.code[0] != '\0');
	wn_arena_free(&arena);
	return 0;
}
