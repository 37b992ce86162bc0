/* SHA-256 and HMAC (OpenSSL's, which use the CPU's instructions), BLAKE2b (libsodium's) and the in-memory hash
 * (xxHash). */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/id.h"

void sha256_of(const void *bytes, size_t count, struct sha256 *out);
/* Streaming form, FIPS 180-4. */
struct sha256_stream;
struct sha256_stream *sha256_open(void);
void sha256_add(struct sha256_stream *stream, const void *bytes, size_t count);
/* Writes the digest and frees the stream; out may be NULL to give up. */
void sha256_close(struct sha256_stream *stream, struct sha256 *out);
/* RFC 7693 without key, 64 bytes: only for outside formats that want it (minisign). */
enum { BLAKE2B512_BYTES = 64 };
void blake2b512_of(const void *bytes, size_t count, uint8_t out[BLAKE2B512_BYTES]);
/* RFC 2104 over SHA-256. */
void hmac_sha256(const void *key, size_t key_bytes, const void *message, size_t message_bytes, struct sha256 *out);
/* XXH3-64 with a seed drawn once a process: only for tables in memory, never stored or sent. */
uint64_t memory_hash(const void *bytes, size_t count);

/*
 * Collects the fixed-width fields of a hashed layout: tag first ("winnow/item/v1" and one zero byte).
 * HASH_LAYOUT_MAX bounds it; more is a broken promise.
 */
enum { HASH_LAYOUT_MAX = 256 };
struct hash_layout {
	uint8_t bytes[HASH_LAYOUT_MAX];
	size_t count;
};
void hash_tag(struct hash_layout *layout, const char *tag);
void hash_field(struct hash_layout *layout, const void *bytes, size_t count);
void hash_u8(struct hash_layout *layout, uint8_t value);
void hash_u32(struct hash_layout *layout, uint32_t value); /* little-endian */
void hash_u64(struct hash_layout *layout, uint64_t value); /* little-endian */
void hash_done(const struct hash_layout *layout, struct sha256 *out);

#endif
