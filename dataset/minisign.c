/* minisign's two formats, byte for byte: base64 lines, a signature over BLAKE2b-512, a second one over signature and
 * comment. */
#include "dataset/minisign.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"

enum {
	MINISIGN_FIRST_ROOM = 128,
	MINISIGN_PUBLIC_BYTES = 2 + MINISIGN_ID_BYTES + ID_BYTES,	    /* "Ed", id, key */
	MINISIGN_SIGNATURE_BYTES = 2 + MINISIGN_ID_BYTES + SIGNATURE_BYTES, /* "ED", id, signature */
};
static const char minisign_untrusted[] = "untrusted comment: ";
static const char minisign_trusted[] = "trusted comment: ";

void minisign_public_of(const struct account_key *key, struct minisign_public *out)
{
	struct hash_layout layout;
	struct sha256 hash;
	hash_tag(&layout, "winnow/minisign/v1");
	hash_field(&layout, key->bytes, ID_BYTES);
	hash_done(&layout, &hash);
	memcpy(out->id, hash.bytes, MINISIGN_ID_BYTES);
	out->key = *key;
}

void minisign_public_write(const struct minisign_public *key, char out[MINISIGN_PUBLIC_ROOM])
{
	uint8_t bytes[MINISIGN_PUBLIC_BYTES] = {'E', 'd'};
	memcpy(bytes + 2, key->id, MINISIGN_ID_BYTES);
	memcpy(bytes + 2 + MINISIGN_ID_BYTES, key->key.bytes, ID_BYTES);
	wn_assert(base64_room(sizeof bytes) <= MINISIGN_PUBLIC_ROOM);
	base64_write(out, bytes, sizeof bytes);
}

/* Up to the next newline, which is dropped; *rest moves behind it. False at the end. */
static bool minisign_line(struct wn_slice *rest, struct wn_slice *line)
{
	if (rest->bytes == 0)
		return false;
	const char *end = memchr(rest->data, '\n', rest->bytes);
	line->data = rest->data;
	line->bytes = end ? (size_t)(end - rest->data) : rest->bytes;
	rest->data += line->bytes + (end != NULL);
	rest->bytes -= line->bytes + (end != NULL);
	/* The stock tool takes files that went through a Windows editor. */
	if (line->bytes > 0 && line->data[line->bytes - 1] == '\r')
		line->bytes--;
	return true;
}

static bool minisign_starts(struct wn_slice line, const char *with)
{
	size_t bytes = strlen(with);
	return line.bytes >= bytes && memcmp(line.data, with, bytes) == 0;
}

bool minisign_public_read(struct minisign_public *out, const char *text, size_t bytes)
{
	uint8_t raw[MINISIGN_PUBLIC_BYTES];
	struct wn_slice rest = {text, bytes}, line;
	size_t count;
	if (bytes > MINISIGN_FILE_MAX || !minisign_line(&rest, &line))
		return false;
	if (minisign_starts(line, minisign_untrusted) &&
		(line.bytes > MINISIGN_UNTRUSTED_MAX || !minisign_line(&rest, &line)))
		return false;
	if (rest.bytes != 0 || !base64_read(raw, sizeof raw, &count, line.data, line.bytes))
		return false;
	if (count != sizeof raw || memcmp(raw, "Ed", 2) != 0)
		return false;
	memcpy(out->id, raw + 2, MINISIGN_ID_BYTES);
	memcpy(out->key.bytes, raw + 2 + MINISIGN_ID_BYTES, ID_BYTES);
	return true;
}

/* A comment is one line that a terminal may show: nobody hides an escape sequence in it. */
static bool minisign_comment_ok(struct wn_slice comment)
{
	for (size_t i = 0; i < comment.bytes; i++) {
		unsigned char c = (unsigned char)comment.data[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return comment.bytes <= MINISIGN_COMMENT_MAX && utf8_valid(comment.data, comment.bytes, NULL);
}

/* What the second signature covers: the first one and the comment, without prefix and newline. */
static size_t minisign_global(
	uint8_t out[SIGNATURE_BYTES + MINISIGN_COMMENT_MAX], const struct signature *signature, struct wn_slice comment)
{
	memcpy(out, signature->bytes, SIGNATURE_BYTES);
	memcpy(out + SIGNATURE_BYTES, comment.data, comment.bytes);
	return SIGNATURE_BYTES + comment.bytes;
}

static void minisign_first_line(const struct minisign_public *key, char out[MINISIGN_FIRST_ROOM])
{
	uint8_t turned[MINISIGN_ID_BYTES];
	char id[2 * MINISIGN_ID_BYTES + 1];
	/* The tool shows ids as a little-endian number. */
	for (int i = 0; i < MINISIGN_ID_BYTES; i++)
		turned[i] = key->id[MINISIGN_ID_BYTES - 1 - i];
	hex_write(id, turned, MINISIGN_ID_BYTES);
	snprintf(out, MINISIGN_FIRST_ROOM, "%ssignature by the winnow manifest key %s", minisign_untrusted, id);
}

bool minisign_sign(struct wn_arena *arena, const struct sign_key *key, const void *file, size_t bytes,
	const char *trusted_comment, struct wn_slice *out, struct wn_error *err)
{
	struct minisign_public public;
	struct signature signature, global;
	struct wn_slice comment = wn_slice_of(trusted_comment);
	struct wn_text text;
	uint8_t hash[BLAKE2B512_BYTES], raw[MINISIGN_SIGNATURE_BYTES] = {'E', 'D'},
					covered[SIGNATURE_BYTES + MINISIGN_COMMENT_MAX];
	char first[128], second[128], line[MINISIGN_FIRST_ROOM];
	wn_assert(minisign_comment_ok(comment));
	wn_assert(base64_room(sizeof raw) <= sizeof first);
	minisign_public_of(&key->public_key, &public);
	blake2b512_of(file, bytes, hash);
	sign_bytes(key, hash, sizeof hash, &signature);
	memcpy(raw + 2, public.id, MINISIGN_ID_BYTES);
	memcpy(raw + 2 + MINISIGN_ID_BYTES, signature.bytes, SIGNATURE_BYTES);
	sign_bytes(key, covered, minisign_global(covered, &signature, comment), &global);
	base64_write(first, raw, sizeof raw);
	base64_write(second, global.bytes, SIGNATURE_BYTES);
	minisign_first_line(&public, line);
	wn_text_init(&text, arena);
	wn_text_printf(&text, "%s\n%s\n%s", line, first, minisign_trusted);
	wn_text_add(&text, comment.data, comment.bytes);
	wn_text_printf(&text, "\n%s\n", second);
	*out = (struct wn_slice){text.data, text.bytes};
	return !text.full || wn_fail(err, WN_FULL, "memory", "no room for a signature");
}

bool minisign_verify(struct wn_arena *arena, const struct minisign_public *key, const void *file, size_t bytes,
	struct wn_slice signature, struct wn_slice *trusted_comment, struct wn_error *err)
{
	struct wn_slice rest = signature, untrusted, first, comment, second;
	struct signature file_signature, global;
	uint8_t hash[BLAKE2B512_BYTES], raw[MINISIGN_SIGNATURE_BYTES], covered[SIGNATURE_BYTES + MINISIGN_COMMENT_MAX];
	size_t count;
	if (signature.bytes > MINISIGN_FILE_MAX || !minisign_line(&rest, &untrusted) || !minisign_line(&rest, &first) ||
		!minisign_line(&rest, &comment) || !minisign_line(&rest, &second) || rest.bytes != 0)
		return wn_fail(err, WN_INPUT, "minisign_form", "a signature file has four lines");
	if (!minisign_starts(untrusted, minisign_untrusted) || untrusted.bytes > MINISIGN_UNTRUSTED_MAX ||
		!minisign_starts(comment, minisign_trusted))
		return wn_fail(err, WN_INPUT, "minisign_form", "the comment lines are missing");
	comment.data += strlen(minisign_trusted);
	comment.bytes -= strlen(minisign_trusted);
	if (!minisign_comment_ok(comment))
		return wn_fail(err, WN_INPUT, "minisign_form", "the trusted comment is not one line of text");
	if (!base64_read(raw, sizeof raw, &count, first.data, first.bytes) || count != sizeof raw ||
		!base64_read(global.bytes, SIGNATURE_BYTES, &count, second.data, second.bytes) ||
		count != SIGNATURE_BYTES)
		return wn_fail(err, WN_INPUT, "minisign_form", "a signature line is not base64 of its length");
	if (memcmp(raw, "Ed", 2) == 0)
		return wn_fail(err, WN_INPUT, "minisign_algorithm",
			"an old signature that is not over the file's hash: sign again with -H");
	if (memcmp(raw, "ED", 2) != 0)
		return wn_fail(err, WN_INPUT, "minisign_algorithm", "an unknown kind of signature");
	if (memcmp(raw + 2, key->id, MINISIGN_ID_BYTES) != 0)
		return wn_fail(err, WN_INPUT, "minisign_key", "signed by another key");
	memcpy(file_signature.bytes, raw + 2 + MINISIGN_ID_BYTES, SIGNATURE_BYTES);
	blake2b512_of(file, bytes, hash);
	if (!sign_verify(&key->key, hash, sizeof hash, &file_signature))
		return wn_fail(err, WN_INPUT, "minisign_signature", "the signature does not hold for this file");
	if (!sign_verify(&key->key, covered, minisign_global(covered, &file_signature, comment), &global))
		return wn_fail(err, WN_INPUT, "minisign_comment", "the trusted comment was changed");
	if (trusted_comment) {
		trusted_comment->data = wn_arena_copy(arena, comment.data, comment.bytes);
		trusted_comment->bytes = comment.bytes;
		return trusted_comment->data || wn_fail(err, WN_FULL, "memory", "no room for the trusted comment");
	}
	return true;
}

bool minisign_is_ours(const struct minisign_public *key, struct wn_slice signature)
{
	char first[MINISIGN_FIRST_ROOM];
	size_t lines = 0;
	minisign_first_line(key, first);
	for (size_t i = 0; i < signature.bytes; i++) {
		if (signature.data[i] == '\r')
			return false;
		lines += signature.data[i] == '\n';
	}
	size_t bytes = strlen(first);
	return lines == 4 && signature.bytes > bytes && memcmp(signature.data, first, bytes) == 0 &&
	       signature.data[bytes] == '\n';
}
