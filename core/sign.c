/* Ed25519 by libsodium, did:key names, and the key files of people and nodes. */
#include "core/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json.h"

enum { DID_BYTES = 56, DID_PREFIX_BYTES = 9, DID_CODED_BYTES = 34, KEY_FILE_MAX = 1024, KEY_PATH_MAX = 1024 };

void sign_start(void)
{
	wn_assert(sodium_init() >= 0);
}

void sign_generate(struct sign_key *key)
{
	wn_assert(crypto_sign_keypair(key->public_key.bytes, key->secret) == 0);
}

void sign_from_seed(struct sign_key *key, const uint8_t seed[SIGN_SEED_BYTES])
{
	wn_assert(crypto_sign_seed_keypair(key->public_key.bytes, key->secret, seed) == 0);
}

void sign_bytes(const struct sign_key *key, const void *bytes, size_t count, struct signature *out)
{
	wn_assert(crypto_sign_detached(out->bytes, NULL, bytes, count, key->secret) == 0);
}

bool sign_verify(const struct account_key *key, const void *bytes, size_t count, const struct signature *signature)
{
	return crypto_sign_verify_detached(signature->bytes, bytes, count, key->bytes) == 0;
}

void sign_forget(struct sign_key *key)
{
	sodium_memzero(key->secret, sizeof key->secret);
}

void random_bytes(void *out, size_t count)
{
	randombytes_buf(out, count);
}

static const char did_prefix[] = "did:key:z";
static const char did_alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

void did_write(char out[DID_ROOM], const struct account_key *key)
{
	/* The multicodec prefix of Ed25519 public keys, then long division by 58: the last digit falls out first. */
	uint8_t number[DID_CODED_BYTES] = {0xed, 0x01};
	memcpy(number + 2, key->bytes, ID_BYTES);
	char digits[DID_BYTES];
	size_t count = 0;
	for (size_t first = 0; first < sizeof number;) {
		unsigned rest = 0;
		for (size_t i = first; i < sizeof number; i++) {
			unsigned part = rest << 8 | number[i];
			number[i] = (uint8_t)(part / 58);
			rest = part % 58;
		}
		wn_assert(count < sizeof digits);
		digits[count++] = did_alphabet[rest];
		while (first < sizeof number && number[first] == 0)
			first++;
	}
	memcpy(out, did_prefix, DID_PREFIX_BYTES);
	for (size_t i = 0; i < count; i++)
		out[DID_PREFIX_BYTES + i] = digits[count - 1 - i];
	out[DID_PREFIX_BYTES + count] = '\0';
	/* ed 01 in front makes every number as long as the next: 47 digits. */
	wn_assert(DID_PREFIX_BYTES + count == DID_BYTES);
}

bool did_read(struct account_key *key, const char *did, size_t did_bytes)
{
	if (did_bytes != DID_BYTES || memcmp(did, did_prefix, DID_PREFIX_BYTES) != 0)
		return false;
	uint8_t number[DID_CODED_BYTES] = {0};
	for (size_t i = DID_PREFIX_BYTES; i < DID_BYTES; i++) {
		const char *letter = did[i] ? strchr(did_alphabet, did[i]) : NULL;
		if (!letter)
			return false;
		unsigned carry = (unsigned)(letter - did_alphabet);
		for (size_t j = sizeof number; j-- > 0;) {
			carry += number[j] * 58u;
			number[j] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return false;
	}
	if (number[0] != 0xed || number[1] != 0x01)
		return false;
	memcpy(key->bytes, number + 2, ID_BYTES);
	return true;
}

static bool key_file_sync_folder(const char *path, struct wn_error *err)
{
	char folder[KEY_PATH_MAX];
	if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
		return wn_fail(err, WN_INPUT, "key_file_path", "the path has more than %d bytes", KEY_PATH_MAX - 1);
	int descriptor = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return wn_fail(err, WN_DOWN, "key_file_write", "open the folder of %s: %s", path, strerror(errno));
	bool done = fsync(descriptor) == 0;
	int failed = errno;
	close(descriptor);
	return done || wn_fail(err, WN_DOWN, "key_file_write", "sync the folder of %s: %s", path, strerror(failed));
}

static bool key_file_write(int descriptor, const char *text, size_t bytes)
{
	while (bytes > 0) {
		ssize_t written = write(descriptor, text, bytes);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		bytes -= (size_t)written;
	}
	return fsync(descriptor) == 0;
}

bool key_file_create(const char *path, struct key_file *out, struct wn_error *err)
{
	uint8_t seed[SIGN_SEED_BYTES], vote_seed[SIGN_SEED_BYTES];
	random_bytes(seed, sizeof seed);
	random_bytes(vote_seed, sizeof vote_seed);
	bool done = key_file_store(path, seed, vote_seed, out, err);
	sodium_memzero(seed, sizeof seed);
	sodium_memzero(vote_seed, sizeof vote_seed);
	return done;
}

/* A secret's text in a file of its own, readable by its owner alone, on the disk before anybody relies on it. */
static bool secret_file_store(const char *path, const char *text, size_t bytes, struct wn_error *err)
{
	/* O_EXCL: two that create at once cannot both win, and a key that somebody owns is never replaced. */
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (descriptor < 0 && errno == EEXIST)
		return wn_fail(
			err, WN_INPUT, "key_file_exists", "%s is there already: choose another path or use it", path);
	if (descriptor < 0)
		return wn_fail(err, errno == ENOENT ? WN_INPUT : WN_DOWN, "key_file_write", "create %s: %s", path,
			strerror(errno));
	bool done = key_file_write(descriptor, text, bytes);
	int failed = errno;
	done = close(descriptor) == 0 && done;
	if (!done) {
		unlink(path);
		return wn_fail(err, WN_DOWN, "key_file_write", "write %s: %s", path, strerror(failed));
	}
	return key_file_sync_folder(path, err);
}

/* The file's bytes and their number; a file that others can read is refused. */
static bool secret_file_read(const char *path, char text[KEY_FILE_MAX], size_t *bytes, struct wn_error *err)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (descriptor < 0)
		return wn_fail(err, WN_INPUT, errno == ENOENT ? "key_file_missing" : "key_file_open", "open %s: %s",
			path, strerror(errno));
	struct stat status;
	bool done = false;
	*bytes = 0;
	if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
		wn_fail(err, WN_INPUT, "key_file_open", "%s is not a regular file", path);
	} else if (status.st_mode & (S_IRWXG | S_IRWXO)) {
		wn_fail(err, WN_INPUT, "key_file_mode",
			"%s can be read by others: chmod 600 it, and replace the key if somebody did", path);
	} else {
		ssize_t got;
		do {
			got = read(descriptor, text + *bytes, KEY_FILE_MAX - *bytes);
			if (got > 0)
				*bytes += (size_t)got;
		} while ((got > 0 && *bytes < KEY_FILE_MAX) || (got < 0 && errno == EINTR));
		if (got < 0)
			wn_fail(err, WN_DOWN, "key_file_open", "read %s: %s", path, strerror(errno));
		else if (*bytes == KEY_FILE_MAX)
			wn_fail(err, WN_INPUT, "key_file_malformed", "%s has more than %d bytes", path,
				KEY_FILE_MAX - 1);
		else
			done = true;
	}
	close(descriptor);
	return done;
}

bool key_file_store(const char *path, const uint8_t seed[SIGN_SEED_BYTES], const uint8_t vote_seed[SIGN_SEED_BYTES],
	struct key_file *out, struct wn_error *err)
{
	memcpy(out->vote_seed, vote_seed, sizeof out->vote_seed);
	sign_from_seed(&out->key, seed);
	char did[DID_ROOM], seed_hex[ID_HEX_ROOM], vote_hex[ID_HEX_ROOM], text[KEY_FILE_MAX];
	did_write(did, &out->key.public_key);
	int count = snprintf(text, sizeof text,
		"{\n\t\"did\": \"%s\",\n\t\"signing_seed\": \"%s\",\n\t\"vote_seed\": \"%s\"\n}\n", did,
		hex_write(seed_hex, seed, SIGN_SEED_BYTES), hex_write(vote_hex, out->vote_seed, sizeof out->vote_seed));
	wn_assert(count > 0 && (size_t)count < sizeof text);
	bool done = secret_file_store(path, text, (size_t)count, err);
	sodium_memzero(seed_hex, sizeof seed_hex);
	sodium_memzero(vote_hex, sizeof vote_hex);
	sodium_memzero(text, sizeof text);
	return done;
}

static bool key_file_parse(
	struct wn_arena *arena, const char *text, size_t bytes, struct key_file *out, struct wn_error *err)
{
	const struct json *file;
	if (!json_parse(arena, text, bytes, &file, err))
		return false;
	const char *did = json_member_string(file, "did", NULL);
	const char *seed_hex = json_member_string(file, "signing_seed", NULL);
	const char *vote_hex = json_member_string(file, "vote_seed", NULL);
	struct account_key named;
	uint8_t seed[SIGN_SEED_BYTES];
	if (!did || !seed_hex || !vote_hex || !did_read(&named, did, strlen(did)) ||
		!hex_read(seed, sizeof seed, seed_hex, strlen(seed_hex)) ||
		!hex_read(out->vote_seed, sizeof out->vote_seed, vote_hex, strlen(vote_hex)))
		return wn_fail(err, WN_INPUT, "key_file_malformed",
			"not a key file: did, signing_seed and vote_seed are needed");
	sign_from_seed(&out->key, seed);
	sodium_memzero(seed, sizeof seed);
	if (id_compare(&named, &out->key.public_key) != 0) {
		sign_forget(&out->key);
		return wn_fail(err, WN_INPUT, "key_file_malformed", "did and signing_seed belong to different keys");
	}
	return true;
}

bool key_file_read(const char *path, struct key_file *out, struct wn_error *err)
{
	enum { KEY_ARENA_MAX = 65536 };
	char text[KEY_FILE_MAX];
	size_t bytes;
	if (!secret_file_read(path, text, &bytes, err))
		return false;
	struct wn_arena arena;
	wn_arena_init(&arena, KEY_ARENA_MAX);
	bool done = key_file_parse(&arena, text, bytes, out, err) || wn_while(err, "read %s", path);
	wn_arena_free(&arena);
	sodium_memzero(text, sizeof text);
	return done;
}

bool seed_file_store(const char *path, const uint8_t seed[SIGN_SEED_BYTES], struct wn_error *err)
{
	char text[ID_HEX_ROOM];
	hex_write(text, seed, SIGN_SEED_BYTES);
	text[2 * SIGN_SEED_BYTES] = '\n';
	bool done = secret_file_store(path, text, 2 * SIGN_SEED_BYTES + 1, err);
	sodium_memzero(text, sizeof text);
	return done;
}

bool seed_file_read(const char *path, uint8_t seed[SIGN_SEED_BYTES], struct wn_error *err)
{
	char text[KEY_FILE_MAX];
	size_t bytes;
	if (!secret_file_read(path, text, &bytes, err))
		return false;
	while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == '\r'))
		bytes--;
	bool done = hex_read(seed, SIGN_SEED_BYTES, text, bytes) ||
		    wn_fail(err, WN_INPUT, "seed_file_malformed", "%s does not hold 64 hex digits", path);
	sodium_memzero(text, sizeof text);
	return done;
}
