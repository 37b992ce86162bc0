/* minisign's files: public keys, and signatures over BLAKE2b-512 with a signed comment, as the stock tool reads and
 * writes them. */
#ifndef DATASET_MINISIGN_H
#define DATASET_MINISIGN_H

#include "core/arena.h"
#include "core/error.h"
#include "core/sign.h"

enum {
	MINISIGN_ID_BYTES = 8,
	MINISIGN_PUBLIC_ROOM = 57,     /* base64 of 42 bytes and NUL */
	MINISIGN_COMMENT_MAX = 8192,   /* of the trusted comment */
	MINISIGN_UNTRUSTED_MAX = 1024, /* of the untrusted one, its prefix included */
	MINISIGN_FILE_MAX = 16384,     /* a signature file has four lines */
};

struct minisign_public {
	uint8_t id[MINISIGN_ID_BYTES];
	struct account_key key;
};
/* Our own keys' id: the first 8 bytes of SHA-256("winnow/minisign/v1" 00 | public key). */
void minisign_public_of(const struct account_key *key, struct minisign_public *out);
void minisign_public_write(const struct minisign_public *key, char out[MINISIGN_PUBLIC_ROOM]);
/* One base64 line, or the two lines of a .pub file. */
bool minisign_public_read(struct minisign_public *out, const char *text, size_t bytes);

/* The text of `<file>.minisig`. The comment is one line of printable UTF-8 of at most MINISIGN_COMMENT_MAX bytes. */
bool minisign_sign(struct wn_arena *arena, const struct sign_key *key, const void *file, size_t bytes,
	const char *trusted_comment, struct wn_slice *out, struct wn_error *err);
/*
 * All WN_INPUT: minisign_form, minisign_algorithm (the old form that is not prehashed), minisign_key (another key's
 * id), minisign_signature, minisign_comment (the trusted comment was changed). `trusted_comment` may be NULL.
 */
bool minisign_verify(struct wn_arena *arena, const struct minisign_public *key, const void *file, size_t bytes,
	struct wn_slice signature, struct wn_slice *trusted_comment, struct wn_error *err);

/*
 * Whether a signature file is, line ends and untrusted comment included, as minisign_sign() writes it: two things that
 * the signature itself does not cover.
 */
bool minisign_is_ours(const struct minisign_public *key, struct wn_slice signature);

#endif
