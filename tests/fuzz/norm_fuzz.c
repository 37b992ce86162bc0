/* Fuzz entry: bytes as a post; whatever they are, the normalised text is UTF-8, stays as it is, and can be signed and
 * linked. */
#include <string.h>

#include "core/utf8.h"
#include "gpu_embed/linker.h"
#include "gpu_embed/norm.h"
#include "gpu_embed/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The same content twice: the second is an exact repetition of the first, near or not. */
static void fuzz_link(const struct signed_content *content)
{
	struct linker *linker;
	struct wn_error err = {0};
	struct linker_verdict first, second;
	struct linker_post post = {
		.numerator = 7,
		.denominator = 10,
		.raw = content->raw,
		.normal = content->normal,
		.near = content->near,
		.digits = content->digits,
		.lanes = content->lanes,
		.keys = content->keys,
		.key_stride = content->key_stride,
		.shingles = content->shingles,
		.size = content->size,
	};
	wn_assert(linker_open(&linker, &err));
	wn_assert(linker_link(linker, &post, &first, &err));
	wn_assert(first.method == DUP_NONE);
	wn_assert(linker_link(linker, &post, &second, &err));
	wn_assert(second.method == DUP_EXACT);
	linker_close(linker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_ARENA_MAX = 8 << 20 };
	static struct norm once, twice;
	static struct signer *signer;
	struct wn_error err = {0};
	if (!signer)
		wn_assert(signer_open(&signer, NULL, &err));
	if (!norm_text(&once, (const char *)data, bytes, &err)) {
		wn_assert(bytes > NORM_BYTES_MAX);
		return 0;
	}
	wn_assert(utf8_valid(once.text, once.bytes, NULL));
	if (once.bytes <= NORM_BYTES_MAX) {
		wn_assert(norm_text(&twice, once.text, once.bytes, &err));
		wn_assert(twice.bytes == once.bytes);
		wn_assert(memcmp(twice.text, once.text, once.bytes) == 0);
		wn_assert(twice.digits == once.digits);
	}
	struct wn_arena arena;
	struct signed_content content = {.content = {(const char *)data, bytes}};
	wn_arena_init(&arena, FUZZ_ARENA_MAX);
	wn_assert(signer_sign(signer, &arena, &content, 1, &err));
	wn_assert(content.size <= once.count);
	fuzz_link(&content);
	wn_arena_free(&arena);
	return 0;
}
