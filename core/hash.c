/* SHA-256 and HMAC by OpenSSL, and a seeded hash for tables in memory. */
#include "core/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <sodium/crypto_generichash.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/error.h"

/* OpenSSL 3 looks an algorithm up by its name each time it is used, unless it was fetched: for a short text that takes
 * as long as the hash itself. */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_method;

static void sha256_start(void)
{
	sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
	wn_assert(sha256_method != NULL);
}

static const EVP_MD *sha256_fetched(void)
{
	pthread_once(&sha256_once, sha256_start);
	return sha256_method;
}

void sha256_of(const void *bytes, size_t count, struct sha256 *out)
{
	static const uint8_t nothing[1];
	unsigned written = 0;
	wn_assert(EVP_Digest(count ? bytes : nothing, count, out->bytes, &written, sha256_fetched(), NULL) == 1);
	wn_assert(written == ID_BYTES);
}

struct sha256_stream *sha256_open(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	wn_assert(context != NULL);
	wn_assert(EVP_DigestInit_ex2(context, sha256_fetched(), NULL) == 1);
	return (struct sha256_stream *)context;
}

void sha256_add(struct sha256_stream *stream, const void *bytes, size_t count)
{
	if (count)
		wn_assert(EVP_DigestUpdate((EVP_MD_CTX *)stream, bytes, count) == 1);
}

void sha256_close(struct sha256_stream *stream, struct sha256 *out)
{
	if (out) {
		unsigned bytes = 0;
		wn_assert(EVP_DigestFinal_ex((EVP_MD_CTX *)stream, out->bytes, &bytes) == 1);
		wn_assert(bytes == ID_BYTES);
	}
	EVP_MD_CTX_free((EVP_MD_CTX *)stream);
}

void blake2b512_of(const void *bytes, size_t count, uint8_t out[BLAKE2B512_BYTES])
{
	wn_assert(crypto_generichash(out, BLAKE2B512_BYTES, bytes, count, NULL, 0) == 0);
}

void hmac_sha256(const void *key, size_t key_bytes, const void *message, size_t message_bytes, struct sha256 *out)
{
	unsigned bytes = 0;
	wn_assert(key_bytes <= INT32_MAX);
	wn_assert(HMAC(sha256_fetched(), key, (int)key_bytes, message, message_bytes, out->bytes, &bytes) != NULL);
	wn_assert(bytes == ID_BYTES);
}

static pthread_once_t memory_hash_once = PTHREAD_ONCE_INIT;
static uint64_t memory_hash_seed;

static void memory_hash_start(void)
{
	/* A seed that outsiders cannot know, so that nobody can send keys that all fall into one slot. */
	wn_assert(getrandom(&memory_hash_seed, sizeof memory_hash_seed, 0) == sizeof memory_hash_seed);
}

uint64_t memory_hash(const void *bytes, size_t count)
{
	pthread_once(&memory_hash_once, memory_hash_start);
	return XXH3_64bits_withSeed(bytes, count, memory_hash_seed);
}

void hash_tag(struct hash_layout *layout, const char *tag)
{
	layout->count = 0;
	hash_field(layout, tag, strlen(tag) + 1);
}

void hash_field(struct hash_layout *layout, const void *bytes, size_t count)
{
	wn_assert(count <= HASH_LAYOUT_MAX - layout->count);
	if (count)
		memcpy(layout->bytes + layout->count, bytes, count);
	layout->count += count;
}

void hash_u8(struct hash_layout *layout, uint8_t value)
{
	hash_field(layout, &value, 1);
}

void hash_u32(struct hash_layout *layout, uint32_t value)
{
	uint8_t bytes[4];
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	hash_field(layout, bytes, sizeof bytes);
}

void hash_u64(struct hash_layout *layout, uint64_t value)
{
	uint8_t bytes[8];
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
	hash_field(layout, bytes, sizeof bytes);
}

void hash_done(const struct hash_layout *layout, struct sha256 *out)
{
	sha256_of(layout->bytes, layout->count, out);
}
