/* Checkpoints written and read: lines, one signature of ours, any number of others'.
 *
 *   winnow/0123456789abcdef         origin
 *   1234                            size
 *   CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *   time_ms 1750000000000           an extension line; others may follow and are signed along
 *
 *   — winnow/0123456789abcdef AbCd...
 *
 * The signature covers everything up to the empty line, which is not part of it. Lines of other signers are left alone.
 */
#include "core/checkpoint.h"

#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"

#define CHECKPOINT_DASH "\xe2\x80\x94 " /* U+2014 and a blank */
#define CHECKPOINT_TIME "time_ms "
enum { CHECKPOINT_ALGORITHM = 1, CHECKPOINT_BLOB = CHECKPOINT_KEY_HASH_BYTES + SIGNATURE_BYTES };
/* Of other signers' blobs only the beginning matters; theirs may be longer than ours. */
enum { CHECKPOINT_BLOB_MAX = 4096 };

void checkpoint_origin(char out[CHECKPOINT_ORIGIN_ROOM], const struct network_id *network)
{
	enum { ORIGIN_BYTES = 8 };
	memcpy(out, "winnow/", 7);
	hex_write(out + 7, network->bytes, ORIGIN_BYTES);
}

void checkpoint_key_hash(uint8_t out[CHECKPOINT_KEY_HASH_BYTES], const char *name, const struct account_key *key)
{
	static const uint8_t between[2] = {'\n', CHECKPOINT_ALGORITHM};
	struct sha256 hash;
	struct sha256_stream *stream = sha256_open();
	sha256_add(stream, name, strlen(name));
	sha256_add(stream, between, sizeof between);
	sha256_add(stream, key->bytes, sizeof key->bytes);
	sha256_close(stream, &hash);
	memcpy(out, hash.bytes, CHECKPOINT_KEY_HASH_BYTES);
}

bool checkpoint_sign(struct wn_arena *arena, const struct network_id *network, const struct sign_key *key,
	struct checkpoint *checkpoint, struct wn_error *err)
{
	char origin[CHECKPOINT_ORIGIN_ROOM], root[64], blob[128];
	uint8_t bytes[CHECKPOINT_BLOB];
	struct signature signature;
	struct wn_text text;
	wn_assert(checkpoint->size <= INT64_MAX);
	wn_assert(checkpoint->time_ms >= 0);
	wn_assert(checkpoint->time_ms <= JSON_INTEGER_MAX);
	wn_assert(base64_room(ID_BYTES) <= sizeof root);
	wn_assert(base64_room(CHECKPOINT_BLOB) <= sizeof blob);
	checkpoint_origin(origin, network);
	base64_write(root, checkpoint->root.bytes, ID_BYTES);
	wn_text_init(&text, arena);
	wn_text_printf(&text, "%s\n%llu\n%s\n" CHECKPOINT_TIME "%lld\n", origin, (unsigned long long)checkpoint->size,
		root, (long long)checkpoint->time_ms);
	if (text.full)
		return wn_fail(err, WN_FULL, "memory", "no room for a checkpoint");
	sign_bytes(key, text.data, text.bytes, &signature);
	checkpoint_key_hash(bytes, origin, &key->public_key);
	memcpy(bytes + CHECKPOINT_KEY_HASH_BYTES, signature.bytes, SIGNATURE_BYTES);
	base64_write(blob, bytes, sizeof bytes);
	wn_text_printf(&text, "\n" CHECKPOINT_DASH "%s %s\n", origin, blob);
	if (text.full)
		return wn_fail(err, WN_FULL, "memory", "no room for a checkpoint");
	checkpoint->note = (struct wn_slice){text.data, text.bytes};
	return true;
}

/* ---- reading ---- */

/* The bytes before the next line feed; *rest moves behind it. False when there is none. */
static bool next_line(struct wn_slice *rest, struct wn_slice *line)
{
	const char *end = rest->bytes ? memchr(rest->data, '\n', rest->bytes) : NULL;
	if (!end)
		return false;
	*line = (struct wn_slice){rest->data, (size_t)(end - rest->data)};
	rest->data = end + 1;
	rest->bytes -= line->bytes + 1;
	return true;
}

/* Takes the prefix off. */
static bool starts_with(struct wn_slice *text, const char *prefix)
{
	size_t bytes = strlen(prefix);
	if (text->bytes < bytes || memcmp(text->data, prefix, bytes) != 0)
		return false;
	text->data += bytes;
	text->bytes -= bytes;
	return true;
}

/* Decimal without sign or leading zeros, 0..most. */
static bool read_decimal(struct wn_slice text, uint64_t most, uint64_t *out)
{
	enum { DECIMAL_DIGITS_MAX = 19 };
	if (text.bytes == 0 || text.bytes > DECIMAL_DIGITS_MAX || (text.bytes > 1 && text.data[0] == '0'))
		return false;
	*out = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(text.data[i] - '0');
	}
	return *out <= most;
}

/* UTF-8 without control characters, lines that end; the body and the signature lines around the one empty line. */
static bool note_split(const char *note, size_t bytes, struct wn_slice *body, struct wn_slice *signatures)
{
	struct wn_slice rest = {note, bytes}, line;
	if (!utf8_valid(note, bytes, NULL))
		return false;
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)note[i] < ' ' && note[i] != '\n')
			return false;
	do
		if (!next_line(&rest, &line))
			return false;
	while (line.bytes > 0);
	*body = (struct wn_slice){note, (size_t)(line.data - note)};
	*signatures = rest;
	return body->bytes > 0 && rest.bytes > 0;
}

static bool read_body(struct wn_slice body, const char *origin, struct checkpoint *out, struct wn_error *err)
{
	struct wn_slice line;
	struct sha256 empty;
	uint64_t time_ms;
	size_t root_bytes;
	int times = 0;
	if (!next_line(&body, &line) || !wn_slice_equal(line, wn_slice_of(origin)))
		return wn_fail(err, WN_INPUT, "checkpoint_origin", "the checkpoint is not of %s", origin);
	if (!next_line(&body, &line) || !read_decimal(line, INT64_MAX, &out->size))
		return wn_fail(
			err, WN_INPUT, "checkpoint_size", "the checkpoint's size is no decimal number below 2^63");
	if (!next_line(&body, &line) || !base64_read(out->root.bytes, ID_BYTES, &root_bytes, line.data, line.bytes) ||
		root_bytes != ID_BYTES)
		return wn_fail(err, WN_INPUT, "checkpoint_root", "the checkpoint's root is not 32 bytes in base64");
	sha256_of(NULL, 0, &empty);
	if (out->size == 0 && id_compare(&out->root, &empty) != 0)
		return wn_fail(err, WN_INPUT, "checkpoint_root", "an empty journal has another root");
	while (next_line(&body, &line)) {
		if (!starts_with(&line, CHECKPOINT_TIME))
			continue;
		if (++times > 1 || !read_decimal(line, JSON_INTEGER_MAX, &time_ms))
			return wn_fail(err, WN_INPUT, "checkpoint_time", "the checkpoint's time is malformed");
		out->time_ms = (int64_t)time_ms;
	}
	return times == 1 || wn_fail(err, WN_INPUT, "checkpoint_time", "the checkpoint has no time_ms line");
}

/* One line of whichever signer. *ours when name and key hash say so. */
static bool read_signature(struct wn_slice line, const char *origin, const uint8_t key_hash[CHECKPOINT_KEY_HASH_BYTES],
	bool *ours, struct signature *signature)
{
	uint8_t blob[CHECKPOINT_BLOB_MAX];
	size_t blob_bytes;
	const char *blank;
	if (!starts_with(&line, CHECKPOINT_DASH) || !(blank = memchr(line.data, ' ', line.bytes)))
		return false;
	struct wn_slice name = {line.data, (size_t)(blank - line.data)};
	struct wn_slice encoded = {blank + 1, line.bytes - name.bytes - 1};
	if (name.bytes == 0 || memchr(name.data, '+', name.bytes) ||
		!base64_read(blob, sizeof blob, &blob_bytes, encoded.data, encoded.bytes) ||
		blob_bytes <= CHECKPOINT_KEY_HASH_BYTES)
		return false;
	*ours = wn_slice_equal(name, wn_slice_of(origin)) && memcmp(blob, key_hash, CHECKPOINT_KEY_HASH_BYTES) == 0;
	if (*ours && blob_bytes != CHECKPOINT_BLOB)
		return false;
	if (*ours)
		memcpy(signature->bytes, blob + CHECKPOINT_KEY_HASH_BYTES, SIGNATURE_BYTES);
	return true;
}

static bool read_signatures(struct wn_slice lines, const char *origin, const struct account_key *key,
	struct wn_slice signed_text, struct wn_error *err)
{
	uint8_t key_hash[CHECKPOINT_KEY_HASH_BYTES];
	struct wn_slice line;
	int count = 0, ours_count = 0;
	checkpoint_key_hash(key_hash, origin, key);
	while (lines.bytes > 0) {
		struct signature signature;
		bool ours;
		if (++count > CHECKPOINT_SIGNATURES_MAX || !next_line(&lines, &line) ||
			!read_signature(line, origin, key_hash, &ours, &signature))
			return wn_fail(err, WN_INPUT, "checkpoint_syntax", "signature line %d is malformed", count);
		if (!ours)
			continue;
		if (++ours_count > 1 || !sign_verify(key, signed_text.data, signed_text.bytes, &signature))
			return wn_fail(
				err, WN_INPUT, "checkpoint_signature", "the checkpoint's signature does not hold");
	}
	return ours_count == 1 ||
	       wn_fail(err, WN_INPUT, "checkpoint_unsigned", "%s did not sign the checkpoint", origin);
}

bool checkpoint_parse(const char *note, size_t bytes, const struct network_id *network, const struct account_key *key,
	struct checkpoint *out, struct wn_error *err)
{
	char origin[CHECKPOINT_ORIGIN_ROOM];
	struct wn_slice body, signatures;
	struct checkpoint read = {.note = {note, bytes}};
	if (bytes > CHECKPOINT_NOTE_MAX)
		return wn_fail(err, WN_INPUT, "checkpoint_large", "a checkpoint of %zu bytes; at most %d", bytes,
			CHECKPOINT_NOTE_MAX);
	if (!note_split(note, bytes, &body, &signatures))
		return wn_fail(err, WN_INPUT, "checkpoint_syntax", "the checkpoint is no signed note");
	checkpoint_origin(origin, network);
	if (!read_body(body, origin, &read, err) || !read_signatures(signatures, origin, key, body, err))
		return false;
	*out = read;
	return true;
}
