/* Checkpoints and receipts without a database: a known note, refusals with their codes, and a reader that is not ours.
 */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/hash.h"

SUITE("checkpoint")

#define FOREIGN "tests/foreign/checkpoint_verify.py"
enum { ARENA_BYTES = 4 * 1024 * 1024, COMMAND_MAX = 4096, ROUNDS = 200, KNOWN_SIZE = 1234567 };
#define KNOWN_MS 1750000000000LL

/* Made with openssl pkeyutl and Python's hashlib from the key of RFC 8032, 7.1, test 1; the root is SHA-256("root"). */
#define KNOWN_SEED "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define KNOWN_ORIGIN "winnow/0001020304050607"
#define KNOWN_ROOT "SBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I="
#define KNOWN_BODY KNOWN_ORIGIN "\n1234567\n" KNOWN_ROOT "\ntime_ms 1750000000000\n"
#define KNOWN_NOTE                                                                                                     \
	KNOWN_BODY "\n\xe2\x80\x94 " KNOWN_ORIGIN                                                                      \
		   " nvLMVjCecxNAc16ukcyf2tmJXpCx3wOGqUdBZwt31c/Kt8FTAuKfadql2LQEPBM0u2JWL+b5slJVq12wcHIntGKDSw0=\n"
#define KNOWN_RECEIPT                                                                                                  \
	"{\"leaf_hash\":\"9f91161f43433e49a6de6db680d79f60159f2e4ac9172621a12846428158440b\","                         \
	"\"network_id\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\","                         \
	"\"signature\":\"1544cf6a1f618e5c36e861a9ead2ff7f8b9eeea48ae354dfa77752f406d8486df47bd3bc1ce025da3159bb39db6"  \
	"1dd3f4b6822d0069b4253a62a2d43690b5402\",\"time_ms\":1750000000000}"

static struct network_id known_network(void)
{
	struct network_id network;
	for (int i = 0; i < ID_BYTES; i++)
		network.bytes[i] = (uint8_t)i;
	return network;
}

static struct sign_key known_key(void)
{
	struct sign_key key;
	uint8_t seed[SIGN_SEED_BYTES];
	sign_start();
	CHECK(hex_read(seed, sizeof seed, KNOWN_SEED, strlen(KNOWN_SEED)));
	sign_from_seed(&key, seed);
	return key;
}

/* Any text as a note that the key signed, so that what lies behind the signature is tested too. */
static struct wn_slice signed_note(
	struct wn_arena *arena, const struct sign_key *key, const char *name, const char *body)
{
	uint8_t blob[CHECKPOINT_KEY_HASH_BYTES + SIGNATURE_BYTES];
	struct signature signature;
	char encoded[128];
	checkpoint_key_hash(blob, name, &key->public_key);
	sign_bytes(key, body, strlen(body), &signature);
	memcpy(blob + CHECKPOINT_KEY_HASH_BYTES, signature.bytes, SIGNATURE_BYTES);
	base64_write(encoded, blob, sizeof blob);
	return wn_slice_of(wn_arena_printf(arena, "%s\n\xe2\x80\x94 %s %s\n", body, name, encoded));
}

/* The code of the refusal, "" when the note was accepted. */
static const char *parse_code(struct wn_slice note)
{
	static struct wn_error err;
	struct network_id network = known_network();
	struct sign_key key = known_key();
	struct checkpoint checkpoint;
	wn_error_reset(&err);
	bool accepted = checkpoint_parse(note.data, note.bytes, &network, &key.public_key, &checkpoint, &err);
	CHECK(accepted == (err.code[0] == '\0'));
	CHECK(accepted || err.blame == WN_INPUT);
	return err.code;
}

static bool foreign_ready(void)
{
	if (access(FOREIGN, R_OK) == 0 && system("command -v python3 openssl >/dev/null 2>&1") == 0)
		return true;
	test_skip("needs python3 and openssl");
	return false;
}

static const char *test_file(const char *name, struct wn_slice bytes)
{
	static char path[1024];
	snprintf(path, sizeof path, "%s/%s", test_folder(), name);
	FILE *file = fopen(path, "we");
	if (CHECK(file != NULL)) {
		CHECK(fwrite(bytes.data, 1, bytes.bytes, file) == bytes.bytes);
		CHECK(fclose(file) == 0);
	}
	return path;
}

/* Exit status of the foreign reader; its first line of output in `out`. */
static int foreign(const char *arguments, const char *input, char *out, size_t room)
{
	char command[COMMAND_MAX];
	snprintf(command, sizeof command, "python3 " FOREIGN " %s <'%s' 2>/dev/null", arguments, input);
	FILE *pipe = popen(command, "re");
	out[0] = '\0';
	if (!CHECK(pipe != NULL))
		return -1;
	if (fgets(out, (int)room, pipe))
		out[strcspn(out, "\n")] = '\0';
	int status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_key_hash_is_the_one_of_golangs_documentation)
{
	static const char encoded[] = "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
	uint8_t bytes[1 + ID_BYTES], key_hash[CHECKPOINT_KEY_HASH_BYTES];
	struct account_key key;
	size_t count;
	CHECK_OR_RETURN(base64_read(bytes, sizeof bytes, &count, encoded, strlen(encoded)) && count == sizeof bytes);
	memcpy(key.bytes, bytes + 1, ID_BYTES);
	checkpoint_key_hash(key_hash, "PeterNeumann", &key);
	CHECK_HEX(key_hash, sizeof key_hash, "c74f20a3");
}

TEST(the_known_checkpoint_is_written_and_read)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct network_id network = known_network();
	struct sign_key key = known_key();
	struct checkpoint checkpoint = {.size = KNOWN_SIZE, .time_ms = KNOWN_MS}, read;
	wn_arena_init(&arena, ARENA_BYTES);
	sha256_of("root", 4, &checkpoint.root);
	CHECK_OK(checkpoint_sign(&arena, &network, &key, &checkpoint, &err), err);
	CHECK_TEXT(checkpoint.note.data, KNOWN_NOTE);
	CHECK_INT(checkpoint.note.bytes, strlen(KNOWN_NOTE));
	CHECK_OK(checkpoint_parse(KNOWN_NOTE, strlen(KNOWN_NOTE), &network, &key.public_key, &read, &err), err);
	CHECK_INT(read.size, KNOWN_SIZE);
	CHECK_INT(read.time_ms, KNOWN_MS);
	CHECK_BYTES(read.root.bytes, ID_BYTES, checkpoint.root.bytes, ID_BYTES);
	CHECK_INT(read.note.bytes, strlen(KNOWN_NOTE));
	wn_arena_free(&arena);
}

TEST(every_size_and_time_reads_back_as_itself)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct network_id network;
	struct sign_key key;
	uint64_t seed = test_seed();
	wn_arena_init(&arena, ARENA_BYTES);
	sign_start();
	for (int i = 0; i < ROUNDS; i++) {
		struct checkpoint written = {0}, read;
		wn_arena_reset(&arena);
		sign_generate(&key);
		random_bytes(network.bytes, sizeof network.bytes);
		written.size = i == 0 ? 0 : i == 1 ? INT64_MAX : test_random(&seed) >> (1 + test_random(&seed) % 63);
		written.time_ms = i == 2 ? 0 : i == 3 ? JSON_INTEGER_MAX : (int64_t)(test_random(&seed) >> 11);
		sha256_of(&written.size, written.size ? sizeof written.size : 0, &written.root);
		CHECK_OK(checkpoint_sign(&arena, &network, &key, &written, &err), err);
		CHECK_OK(
			checkpoint_parse(written.note.data, written.note.bytes, &network, &key.public_key, &read, &err),
			err);
		CHECK(read.size == written.size);
		CHECK_INT(read.time_ms, written.time_ms);
		CHECK_BYTES(read.root.bytes, ID_BYTES, written.root.bytes, ID_BYTES);
	}
	wn_arena_free(&arena);
}

TEST(a_signed_body_that_is_no_checkpoint_is_refused_with_its_code)
{
#define ROOT KNOWN_ROOT "\n"
#define TIME "time_ms 1750000000000\n"
	static const struct {
		const char *body, *code;
	} bodies[] = {
		{KNOWN_BODY, ""},
		{KNOWN_ORIGIN "\n1\n" ROOT TIME "another line\n", ""},
		{KNOWN_ORIGIN "\n1\n" ROOT "another line\n" TIME, ""},
		{KNOWN_ORIGIN "\n9223372036854775807\n" ROOT TIME, ""},
		{"winnow/0001020304050608\n1\n" ROOT TIME, "checkpoint_origin"},
		{KNOWN_ORIGIN " \n1\n" ROOT TIME, "checkpoint_origin"},
		{"1\n" ROOT TIME, "checkpoint_origin"},
		{KNOWN_ORIGIN "\n9223372036854775808\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n18446744073709551617\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n01\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n-1\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n+1\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n1 \n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n0x1\n" ROOT TIME, "checkpoint_size"},
		{KNOWN_ORIGIN "\n", "checkpoint_size"},
		{KNOWN_ORIGIN "\n1\n", "checkpoint_root"},
		{KNOWN_ORIGIN "\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7J=\n" TIME, "checkpoint_root"},
		{KNOWN_ORIGIN "\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I\n" TIME, "checkpoint_root"},
		{KNOWN_ORIGIN "\n1\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2\n" TIME, "checkpoint_root"},
		{KNOWN_ORIGIN "\n0\n" ROOT TIME, "checkpoint_root"},
		{KNOWN_ORIGIN "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" TIME, ""},
		{KNOWN_ORIGIN "\n1\n" ROOT, "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT "time_ms \n", "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT "time_ms 1.5\n", "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT "time_ms 007\n", "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT "time_ms 9007199254740992\n", "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT TIME TIME, "checkpoint_time"},
		{KNOWN_ORIGIN "\n1\n" ROOT TIME "\nmore\n", "checkpoint_syntax"},
		{KNOWN_ORIGIN "\n1\n" ROOT TIME "tab\there\n", "checkpoint_syntax"},
		{KNOWN_ORIGIN "\r\n1\r\n" ROOT TIME, "checkpoint_syntax"},
		{KNOWN_ORIGIN "\n1\n" ROOT TIME "latin \xe9\n", "checkpoint_syntax"},
		{"", "checkpoint_syntax"},
	};
#undef ROOT
#undef TIME
	struct wn_arena arena;
	struct sign_key key = known_key();
	wn_arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		if (!CHECK_TEXT(parse_code(signed_note(&arena, &key, KNOWN_ORIGIN, bodies[i].body)), bodies[i].code))
			printf("  body %zu\n", i);
	wn_arena_free(&arena);
}

TEST(every_flipped_bit_and_every_cut_is_refused)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	size_t bytes = strlen(KNOWN_NOTE);
	char *note = wn_arena_copy(&arena, KNOWN_NOTE, bytes);
	CHECK_OR_RETURN(note != NULL);
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		note[bit / 8] ^= (char)(1 << bit % 8);
		CHECK(parse_code((struct wn_slice){note, bytes})[0] != '\0');
		note[bit / 8] ^= (char)(1 << bit % 8);
	}
	CHECK_TEXT(parse_code((struct wn_slice){note, bytes}), "");
	for (size_t cut = 0; cut < bytes; cut++) {
		char *shorter = malloc(cut + 1); /* exactly as long, so that a sanitizer sees a read behind it */
		CHECK_OR_RETURN(shorter != NULL);
		memcpy(shorter, note, cut);
		CHECK(parse_code((struct wn_slice){shorter, cut})[0] != '\0');
		free(shorter);
	}
	wn_arena_free(&arena);
}

TEST(signature_lines_of_witnesses_are_left_alone)
{
#define WITNESS "\xe2\x80\x94 witness.example/w1 AAECAwQFBgcICQ==\n"
	static const char head[] = KNOWN_BODY "\n";
	static const char ours[] =
		"\xe2\x80\x94 " KNOWN_ORIGIN
		" nvLMVjCecxNAc16ukcyf2tmJXpCx3wOGqUdBZwt31c/Kt8FTAuKfadql2LQEPBM0u2JWL+b5slJVq12wcHIntGKDSw0=\n";
	static const char same_name[] = "\xe2\x80\x94 " KNOWN_ORIGIN " AAECAwQFBgcICQ==\n";
	static const struct {
		const char *lines[4], *code;
	} notes[] = {
		{{head, ours, WITNESS}, ""},
		{{head, WITNESS, ours, WITNESS}, ""},
		{{head, same_name, ours}, ""},
		{{head, WITNESS}, "checkpoint_unsigned"},
		{{head, same_name}, "checkpoint_unsigned"},
		{{head, ours, ours}, "checkpoint_signature"},
		{{head, ours, "\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94 witness\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94  AAECAwQFBgcICQ==\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94 a+b AAECAwQFBgcICQ==\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94 witness AAECAw==\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94 witness AAECAwQFBgcICR==\n"}, "checkpoint_syntax"},
		{{head, ours, "- witness AAECAwQFBgcICQ==\n"}, "checkpoint_syntax"},
		{{head, ours, "\xe2\x80\x94 witness AAECAwQFBgcICQ=="}, "checkpoint_syntax"},
	};
	struct wn_arena arena;
	struct wn_text text;
	wn_arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
		wn_text_init(&text, &arena);
		for (size_t k = 0; k < 4 && notes[i].lines[k]; k++)
			wn_text_add_string(&text, notes[i].lines[k]);
		if (!CHECK_TEXT(parse_code((struct wn_slice){text.data, text.bytes}), notes[i].code))
			printf("  note %zu\n", i);
	}
	for (int more = 0; more < 2; more++) {
		wn_text_init(&text, &arena);
		wn_text_add_string(&text, KNOWN_NOTE);
		for (int i = 1; i < CHECKPOINT_SIGNATURES_MAX + more; i++)
			wn_text_add_string(&text, WITNESS);
		CHECK_TEXT(parse_code((struct wn_slice){text.data, text.bytes}), more ? "checkpoint_syntax" : "");
	}
	wn_text_init(&text, &arena);
	wn_text_add_string(&text, KNOWN_NOTE);
	while (text.bytes <= CHECKPOINT_NOTE_MAX)
		wn_text_add_string(&text, WITNESS);
	CHECK_TEXT(parse_code((struct wn_slice){text.data, text.bytes}), "checkpoint_large");
	wn_arena_free(&arena);
#undef WITNESS
}

TEST(another_key_or_another_network_signed_something_else)
{
	struct wn_arena arena;
	struct sign_key other;
	wn_arena_init(&arena, ARENA_BYTES);
	sign_start();
	sign_generate(&other);
	CHECK_TEXT(parse_code(signed_note(&arena, &other, KNOWN_ORIGIN, KNOWN_BODY)), "checkpoint_unsigned");
	/* Our key under another name does not count: a key may be in use for two logs. */
	struct sign_key key = known_key();
	CHECK_TEXT(parse_code(signed_note(&arena, &key, "winnow/ffffffffffffffff", KNOWN_BODY)), "checkpoint_unsigned");
	wn_arena_free(&arena);
}

TEST(a_reader_that_is_not_ours_accepts_our_checkpoints_and_refuses_altered_ones)
{
	char out[256];
	struct wn_arena arena;
	struct sign_key key = known_key();
	struct network_id network = known_network();
	struct wn_error err = {0};
	struct checkpoint checkpoint = {.size = 42, .time_ms = 7};
	if (!foreign_ready())
		return;
	CHECK_INT(foreign("self", "/dev/null", out, sizeof out), 0);
	wn_arena_init(&arena, ARENA_BYTES);
	char hex[ID_HEX_ROOM];
	char *arguments =
		wn_arena_printf(&arena, "note %s " KNOWN_ORIGIN, hex_write(hex, key.public_key.bytes, ID_BYTES));
	sha256_of("another", 7, &checkpoint.root);
	CHECK_OK(checkpoint_sign(&arena, &network, &key, &checkpoint, &err), err);
	CHECK_INT(foreign(arguments, test_file("note", checkpoint.note), out, sizeof out), 0);
	CHECK_TEXT(out, wn_arena_printf(&arena, "42 %s 7", hex_write(hex, checkpoint.root.bytes, ID_BYTES)));
	/* One character of each line. */
	char *note = wn_arena_copy(&arena, checkpoint.note.data, checkpoint.note.bytes);
	for (char *line = note; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		size_t at = (size_t)(line - note) + (*line == '\xe2'	    ? strlen(KNOWN_ORIGIN) + 12
							    : *line == '\n' ? 0
									    : 1);
		char kept = note[at];
		note[at] = kept == '1' ? '2' : '1';
		CHECK_INT(foreign(arguments, test_file("note", (struct wn_slice){note, checkpoint.note.bytes}), out,
				  sizeof out),
			1);
		note[at] = kept;
	}
	wn_arena_free(&arena);
}

/* ---- receipts ---- */

static const char *receipt_code(const char *text)
{
	static struct wn_error err;
	struct wn_arena arena;
	struct network_id network = known_network();
	struct sign_key key = known_key();
	const struct json *receipt;
	wn_error_reset(&err);
	wn_arena_init(&arena, ARENA_BYTES);
	bool held = json_parse(&arena, text, strlen(text), &receipt, &err) &&
		    receipt_check(receipt, &network, &key.public_key, &err);
	CHECK(held == (err.code[0] == '\0'));
	wn_arena_free(&arena);
	return err.code;
}

/* The known receipt with one piece replaced. */
static const char *altered_receipt(struct wn_arena *arena, const char *old, const char *new)
{
	const char *at = strstr(KNOWN_RECEIPT, old);
	wn_assert(at != NULL);
	return wn_arena_printf(arena, "%.*s%s%s", (int)(at - KNOWN_RECEIPT), KNOWN_RECEIPT, new, at + strlen(old));
}

TEST(the_known_receipt_is_written_checked_and_its_own_canonical_form)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct network_id network = known_network();
	struct sign_key key = known_key();
	struct sha256 leaf;
	struct wn_slice receipt;
	wn_arena_init(&arena, ARENA_BYTES);
	sha256_of("leaf", 4, &leaf);
	CHECK_OK(receipt_write(&arena, &network, &key, &leaf, KNOWN_MS, &receipt, &err), err);
	CHECK_TEXT(receipt.data, KNOWN_RECEIPT);
	CHECK_OK(jcs_check(&arena, receipt.data, receipt.bytes, &err), err);
	CHECK_TEXT(receipt_code(KNOWN_RECEIPT), "");
	wn_arena_free(&arena);
}

TEST(an_altered_receipt_is_refused)
{
	static const struct {
		const char *old, *new, *code;
	} changes[] = {
		{"9f91161f", "8f91161f", "receipt_signature"},
		{"1544cf6a", "1544cf6b", "receipt_signature"},
		{"1750000000000", "1750000000001", "receipt_signature"},
		{"00010203", "01010203", "receipt_network"},
		{"1750000000000", "-1", "receipt_syntax"},
		{"1750000000000", "1.5", "receipt_syntax"},
		{"1750000000000", "\"1750000000000\"", "receipt_syntax"},
		{"9f91161f", "9f91161", "receipt_syntax"},
		{"9f91161f", "9f91161g", "receipt_syntax"},
		{"{", "{\"more\":1,", "receipt_syntax"},
		{"\"time_ms\"", "\"time\"", "receipt_syntax"},
		{"1544cf6a", "", "receipt_syntax"},
	};
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
		if (!CHECK_TEXT(receipt_code(altered_receipt(&arena, changes[i].old, changes[i].new)), changes[i].code))
			printf("  change %zu\n", i);
	CHECK_TEXT(receipt_code("[]"), "receipt_syntax");
	CHECK_TEXT(receipt_code("null"), "receipt_syntax");
	wn_arena_free(&arena);
}

TEST(a_reader_that_is_not_ours_accepts_our_receipts_and_refuses_altered_ones)
{
	char out[64], hex[ID_HEX_ROOM];
	struct wn_arena arena;
	struct sign_key key = known_key();
	if (!foreign_ready())
		return;
	wn_arena_init(&arena, ARENA_BYTES);
	const char *arguments = wn_arena_printf(&arena,
		"receipt %s 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
		"9f91161f43433e49a6de6db680d79f60159f2e4ac9172621a12846428158440b",
		hex_write(hex, key.public_key.bytes, ID_BYTES));
	CHECK_INT(foreign(arguments, test_file("receipt", WN_SLICE(KNOWN_RECEIPT)), out, sizeof out), 0);
	const char *altered = altered_receipt(&arena, "1750000000000", "1750000000001");
	CHECK_INT(foreign(arguments, test_file("receipt", wn_slice_of(altered)), out, sizeof out), 1);
	wn_arena_free(&arena);
}
