/* Ed25519 keys and signatures (libsodium), did:key names, key files, random bytes. */
#ifndef CORE_SIGN_H
#define CORE_SIGN_H

#include "core/error.h"
#include "core/id.h"

enum { SIGNATURE_BYTES = 64, SIGN_SEED_BYTES = 32, DID_ROOM = 64 };

struct signature {
	uint8_t bytes[SIGNATURE_BYTES];
};
struct sign_key {
	struct account_key public_key;
	uint8_t secret[64];
};

/* Once a process, before anything else here; stops the program if libsodium cannot start. */
void sign_start(void);
void sign_generate(struct sign_key *key);
void sign_from_seed(struct sign_key *key, const uint8_t seed[SIGN_SEED_BYTES]);
void sign_bytes(const struct sign_key *key, const void *bytes, size_t count, struct signature *out);
/* RFC 8032; small-order keys and non-canonical S are refused (libsodium's rule). */
bool sign_verify(const struct account_key *key, const void *bytes, size_t count, const struct signature *signature);
void sign_forget(struct sign_key *key); /* overwrites the secret */
void random_bytes(void *out, size_t count);

/* did:key:z6Mk..., 56 characters and NUL. */
void did_write(char out[DID_ROOM], const struct account_key *key);
/* False for everything but "did:key:z" and 34 base58btc bytes that start ed 01. */
bool did_read(struct account_key *key, const char *did, size_t did_bytes);

/*
 * Key files: JSON {"did", "signing_seed", "vote_seed"} (64 hex digits each), mode 0600; a file readable by others is
 * refused (WN_INPUT key_file_mode). The vote seed makes the salts (DESIGN.md 13).
 */
struct key_file {
	struct sign_key key;
	uint8_t vote_seed[32];
};
bool key_file_create(
	const char *path, struct key_file *out, struct wn_error *err); /* refuses to overwrite: key_file_exists */
/* The same from seeds that the caller has: a recorded campaign that must come out alike twice. */
bool key_file_store(const char *path, const uint8_t seed[SIGN_SEED_BYTES], const uint8_t vote_seed[SIGN_SEED_BYTES],
	struct key_file *out, struct wn_error *err);
bool key_file_read(const char *path, struct key_file *out, struct wn_error *err);

/* A secret of 32 bytes alone in a file of 64 hex digits, under the same rules: the seed of the beacon's onion. */
bool seed_file_store(const char *path, const uint8_t seed[SIGN_SEED_BYTES], struct wn_error *err);
bool seed_file_read(const char *path, uint8_t seed[SIGN_SEED_BYTES], struct wn_error *err);

#endif
