/* Fuzz entry: text as a public key and as a signature file; a signature that holds is one that our key made. */
#include <string.h>

#include "core/hash.h"
#include "dataset/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_MINISIGN_ARENA_MAX = 1 << 20 };
	static const char file[] = "{\"a\":1}";
	struct wn_arena arena;
	struct wn_error err = {0};
	struct wn_slice text = {(const char *)data, bytes}, comment, signature;
	struct minisign_public public, again;
	struct sign_key key;
	uint8_t seed[SIGN_SEED_BYTES] = {7};
	char written[MINISIGN_PUBLIC_ROOM];
	sign_start();
	wn_arena_init(&arena, FUZZ_MINISIGN_ARENA_MAX);
	if (minisign_public_read(&public, text.data, text.bytes)) {
		minisign_public_write(&public, written);
		wn_assert(minisign_public_read(&again, written, strlen(written)));
		wn_assert(memcmp(&again, &public, sizeof again) == 0);
	}
	sign_from_seed(&key, seed);
	minisign_public_of(&key.public_key, &public);
	if (minisign_verify(&arena, &public, file, sizeof file - 1, text, &comment, &err)) {
		/* Ed25519 is deterministic: whoever has a good signature has ours, but for the lines that it does not
		 * cover. */
		wn_assert(minisign_sign(&arena, &key, file, sizeof file - 1, comment.data, &signature, &err));
		wn_assert(!minisign_is_ours(&public, text) || wn_slice_equal(text, signature));
	} else {
		wn_assert(err.blame == WN_INPUT);
		wn_assert(strncmp(err.code, "minisign_", 9) == 0);
	}
	wn_arena_free(&arena);
	return 0;
}
