/* Fuzz entry: a note as it came, and the same bytes as a body that our key signed; what is accepted must survive being
 * written again. */
#include <string.h>

#include "core/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { FUZZ_NOTE_ARENA_MAX = 4 << 20 };

static const struct network_id fuzz_network = {{0, 1, 2, 3, 4, 5, 6, 7}};

static void fuzz_parse(struct wn_arena *arena, const struct sign_key *key, const char *note, size_t bytes)
{
	struct checkpoint first, again, second;
	struct wn_error err = {0};
	if (!checkpoint_parse(note, bytes, &fuzz_network, &key->public_key, &first, &err)) {
		wn_assert(err.blame == WN_INPUT);
		wn_assert(strncmp(err.code, "checkpoint_", strlen("checkpoint_")) == 0);
		return;
	}
	again = first;
	wn_assert(checkpoint_sign(arena, &fuzz_network, key, &again, &err));
	wn_assert(checkpoint_parse(again.note.data, again.note.bytes, &fuzz_network, &key->public_key, &second, &err));
	wn_assert(second.size == first.size);
	wn_assert(second.time_ms == first.time_ms);
	wn_assert(id_compare(&second.root, &first.root) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct wn_arena arena;
	struct sign_key key;
	struct signature signature;
	struct wn_text text;
	char origin[CHECKPOINT_ORIGIN_ROOM], encoded[128];
	uint8_t seed[SIGN_SEED_BYTES] = {1}, blob[CHECKPOINT_KEY_HASH_BYTES + SIGNATURE_BYTES];
	sign_start();
	sign_from_seed(&key, seed);
	wn_arena_init(&arena, FUZZ_NOTE_ARENA_MAX);
	fuzz_parse(&arena, &key, (const char *)data, bytes);
	/* Behind a signature that holds, so that the fuzzer reaches what forgers do not. */
	checkpoint_origin(origin, &fuzz_network);
	checkpoint_key_hash(blob, origin, &key.public_key);
	sign_bytes(&key, data, bytes, &signature);
	memcpy(blob + CHECKPOINT_KEY_HASH_BYTES, signature.bytes, SIGNATURE_BYTES);
	base64_write(encoded, blob, sizeof blob);
	wn_text_init(&text, &arena);
	wn_text_add(&text, data, bytes);
	wn_text_printf(&text, "\n\xe2\x80\x94 %s %s\n", origin, encoded);
	if (!text.full)
		fuzz_parse(&arena, &key, text.data, text.bytes);
	wn_arena_free(&arena);
	return 0;
}
