/* Ids, hashed layouts, keys and their names: known answers and round trips. */
#include "tests/check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/json.h"
#include "core/sign.h"
#include "core/tree.h"

SUITE("identity")

enum { BYTES_MAX = 200, ROUNDS = 400, PATH_ROOM = 512 };

static const struct {
	const char *seed, *public_key, *did;
} did_keys[] = {
	{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw"},
	{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"did:key:z6MkiaMbhXHNA4eJVCCj8dbzKzTgYDKf6crKgHVHid1F1WCT"},
	{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		"did:key:z6MkwSD8dBdqcXQzKJZQFPy2hh2izzxskndKCjdmC2dBpfME"},
};
static const struct {
	const char *did, *why;
} did_refused[] = {
	{"did:key:z6LSrApwZptxFR4jy6U8Z8exYPwTqSXniWLqihApE1oK9WsK", "X25519 code"},
	{"did:key:z2DQYFhy74hg5eM3VNHKxySLj7rqfiJ7SZ3Gyokjx1w6yGc", "31-byte key"},
	{"did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMs0", "0 is not in the alphabet"},
	{"did:key:6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw", "no multibase prefix"},
	{"did:key:zQeckHN9FGhBanGv7VfdNCgoaDjXjrsXJPT8AdyxjuP1as9oM", "33-byte key"},
};
static const char network_genesis[] =
	"{\"grants\":[{\"account\":\"did:key:z6MkwSD8dBdqcXQzKJZQFPy2hh2izzxskndKCjdmC2dBpfME\",\"amoun"
	"t\":\"5000000000000\"}],\"keys\":{\"checkpoint\":\"did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR"
	"3XjN4Zq7oMMsw\",\"manifest\":\"did:key:z6MkiaMbhXHNA4eJVCCj8dbzKzTgYDKf6crKgHVHid1F1WCT\"},\"o"
	"nion_tip\":\"e5006afbc10a299fb64bf1195e70b8f29eb9b6c36f4da412cc97f259db0812da\",\"policy\":{\""
	"asset\":\"WIN\",\"cap\":\"1000000000000000000\",\"epoch_s\":3600,\"rate\":21734995,\"shares_pp"
	"m\":[550000,300000,50000,50000,50000]},\"time_ms\":1767225600000,\"type\":\"genesis\",\"versio"
	"n\":1}";
static const char network_id_hex[] = "b9da57f6670e8b62dcd08de38534e635bdb2badef73c4bbb0fbebe145f4c2247";
static const char network_leaf_hex[] = "a3c0c174d4570ab8aa7ce9a3002b1af3996850fcf97188e7c04f7304c9c4576c";
static const struct {
	const char *canonical, *canonical_sha256, *salt, *item_id;
} item_ids[] = {
	{"{\"author\":\"3f1c\",\"basis\":\"author_consent\",\"content\":\"Hail the size of peas in \xc5"
	 "\x8csaka \xf0\x9f\x8c\xa7 \\\"really\\\"\",\"kind\":\"text\",\"language\":\"en\",\"licence\":"
	 "\"CC-BY-4.0\",\"published_ms\":1767225601234,\"source\":\"mastodon\",\"source_id\":\"https://e"
	 "xample.org/@a/1\",\"tags\":[\"hail\",\"weather\"]}",
		"8ccb2851f9e8081659ae0d1152ad1939d8551003397d61efe1cf7a59fdff8a55",
		"0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
		"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227"},
	{"{\"author\":\"3f1c\",\"basis\":\"author_consent\",\"content\":{\"channels\":[{\"exponent\":-2,"
	 "\"name\":\"temperature\",\"unit\":\"Cel\"},{\"exponent\":-1,\"name\":\"humidity\",\"unit\":\"%"
	 "RH\"}],\"device\":\"77aa\",\"samples\":[[1767225600000,2153,455],[1767225660000,2149,null],[17"
	 "67225720000,-5,457]]},\"kind\":\"window\",\"language\":\"und\",\"licence\":\"CC0-1.0\",\"publi"
	 "shed_ms\":1767225720000,\"source\":\"senml\",\"source_id\":\"77aa/1767225600000\",\"tags\":[]}",
		"d25c08b3cb95fc277220f4c5e6892b65cf4bbcc3367c1f0c6fa58980e2b3924c",
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901"},
	{"{\"author\":\"3f1c\",\"basis\":\"author_consent\",\"content\":\"Hail the size of peas in \xc5"
	 "\x8csaka \xf0\x9f\x8c\xa7 \\\"really\\\"\",\"kind\":\"text\",\"language\":\"en\",\"licence\":"
	 "\"CC-BY-4.0\",\"published_ms\":1767225601234,\"source\":\"mastodon\",\"source_id\":\"https://e"
	 "xample.org/@a/1\",\"tags\":[\"hail\",\"weather\"]}",
		"8ccb2851f9e8081659ae0d1152ad1939d8551003397d61efe1cf7a59fdff8a55",
		"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
		"c8a3fb0d0cf72bcb777bf99ffa3c541e042549c5e76f481b864f49e32f265516"},
};

TEST(hex_reads_what_it_wrote)
{
	uint64_t seed = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t bytes[BYTES_MAX], back[BYTES_MAX];
		char text[2 * BYTES_MAX + 1];
		size_t count = test_random(&seed) % BYTES_MAX;
		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)test_random(&seed);
		CHECK_INT(strlen(hex_write(text, bytes, count)), 2 * count);
		CHECK(hex_read(back, count, text, 2 * count));
		CHECK_BYTES(back, count, bytes, count);
		CHECK(!hex_read(back, count + 1, text, 2 * count));
		if (count > 0) {
			CHECK(!hex_read(back, count, text, 2 * count - 1));
			text[test_random(&seed) % (2 * count)] = "g G:@`/x"[test_random(&seed) % 8];
			CHECK(!hex_read(back, count, text, 2 * count));
		}
	}
	uint8_t byte;
	CHECK(hex_read(&byte, 1, "Af", 2));
	CHECK_INT(byte, 0xaf);
}

TEST(base64_has_the_known_answers_of_its_paper)
{
	/* RFC 4648, section 10. */
	static const char *const known[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (int i = 0; i < 7; i++) {
		char text[16];
		CHECK_INT(base64_write(text, known[i][0], strlen(known[i][0])), strlen(known[i][1]));
		CHECK_TEXT(text, known[i][1]);
		CHECK_INT(base64_room(strlen(known[i][0])), strlen(known[i][1]) + 1);
	}
}

TEST(base64_reads_what_it_wrote)
{
	uint64_t seed = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		uint8_t bytes[BYTES_MAX], back[BYTES_MAX];
		char text[2 * BYTES_MAX];
		size_t count = test_random(&seed) % BYTES_MAX, got;
		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)test_random(&seed);
		size_t text_bytes = base64_write(text, bytes, count);
		CHECK(base64_read(back, sizeof back, &got, text, text_bytes));
		CHECK_BYTES(back, got, bytes, count);
		CHECK(base64_read(back, count, &got, text, text_bytes));
		if (count > 0)
			CHECK(!base64_read(back, count - 1, &got, text, text_bytes));
	}
}

TEST(base64_refuses_every_second_spelling)
{
	static const char *const wrong[] = {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm8",
		"Zm9v=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm 9v", "Zm-v", "Zm_v", "=m9v", "Zg=a"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		uint8_t out[16];
		size_t got;
		if (!CHECK(!base64_read(out, sizeof out, &got, wrong[i], strlen(wrong[i]))))
			CHECK_TEXT(wrong[i], "refused");
	}
}

TEST(keys_have_their_known_names)
{
	sign_start();
	for (size_t i = 0; i < sizeof did_keys / sizeof did_keys[0]; i++) {
		uint8_t seed[SIGN_SEED_BYTES];
		struct sign_key key;
		struct account_key back;
		char did[DID_ROOM];
		CHECK(hex_read(seed, sizeof seed, did_keys[i].seed, strlen(did_keys[i].seed)));
		sign_from_seed(&key, seed);
		CHECK_HEX(key.public_key.bytes, ID_BYTES, did_keys[i].public_key);
		did_write(did, &key.public_key);
		CHECK_TEXT(did, did_keys[i].did);
		CHECK(did_read(&back, did, strlen(did)));
		CHECK_BYTES(back.bytes, ID_BYTES, key.public_key.bytes, ID_BYTES);
	}
}

TEST(what_names_no_ed25519_key_is_refused)
{
	struct account_key key;
	for (size_t i = 0; i < sizeof did_refused / sizeof did_refused[0]; i++)
		if (!CHECK(!did_read(&key, did_refused[i].did, strlen(did_refused[i].did))))
			CHECK_TEXT(did_refused[i].why, "refused");
	const char *did = did_keys[0].did;
	for (size_t bytes = 0; bytes < strlen(did); bytes++)
		CHECK(!did_read(&key, did, bytes));
	/* 34 bytes of 0xff and more do not fit; a NUL ends nothing. */
	CHECK(!did_read(&key, "did:key:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 56));
	char with_nul[57];
	memcpy(with_nul, did, sizeof with_nul);
	with_nul[20] = '\0';
	CHECK(!did_read(&key, with_nul, 56));
}

TEST(every_key_has_a_name_of_56_characters_that_reads_back)
{
	uint64_t seed = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		struct account_key key, back;
		char did[DID_ROOM];
		/* The first rounds are the edges: all zeros, all ones. */
		for (int i = 0; i < ID_BYTES; i++)
			key.bytes[i] = round == 0 ? 0 : round == 1 ? 0xff : (uint8_t)test_random(&seed);
		did_write(did, &key);
		CHECK_INT(strlen(did), 56);
		CHECK(strncmp(did, "did:key:z6Mk", 12) == 0);
		CHECK(did_read(&back, did, 56));
		CHECK_BYTES(back.bytes, ID_BYTES, key.bytes, ID_BYTES);
	}
}

TEST(the_network_id_is_the_hash_of_the_first_entry)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct sha256 hash;
	wn_arena_init(&arena, 1 << 16);
	CHECK_OK(jcs_check(&arena, network_genesis, strlen(network_genesis), &err), err);
	sha256_of(network_genesis, strlen(network_genesis), &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, network_id_hex);
	tree_leaf(network_genesis, strlen(network_genesis), &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, network_leaf_hex);
	wn_arena_free(&arena);
}

TEST(item_ids_have_their_known_layout)
{
	struct wn_arena arena;
	struct network_id network;
	wn_arena_init(&arena, 1 << 16);
	CHECK(hex_read(network.bytes, ID_BYTES, network_id_hex, 64));
	for (size_t i = 0; i < sizeof item_ids / sizeof item_ids[0]; i++) {
		struct wn_error err = {0};
		struct hash_layout layout;
		struct sha256 content, id;
		struct salt salt;
		const char *canonical = item_ids[i].canonical;
		CHECK_OK(jcs_check(&arena, canonical, strlen(canonical), &err), err);
		sha256_of(canonical, strlen(canonical), &content);
		CHECK_HEX(content.bytes, ID_BYTES, item_ids[i].canonical_sha256);
		CHECK(hex_read(salt.bytes, ID_BYTES, item_ids[i].salt, 64));
		hash_tag(&layout, "winnow/item/v1");
		hash_field(&layout, network.bytes, ID_BYTES);
		hash_field(&layout, salt.bytes, ID_BYTES);
		hash_field(&layout, content.bytes, ID_BYTES);
		CHECK_INT(layout.count, 111);
		hash_done(&layout, &id);
		CHECK_HEX(id.bytes, ID_BYTES, item_ids[i].item_id);
	}
	wn_arena_free(&arena);
}

TEST(numbers_in_layouts_are_little_endian)
{
	struct hash_layout layout;
	hash_tag(&layout, "t");
	hash_u8(&layout, 0xab);
	hash_u32(&layout, 0x01020304);
	hash_u64(&layout, 0x0102030405060708);
	CHECK_HEX(layout.bytes, layout.count, "7400ab040302010807060504030201");
}

TEST(hashes_have_their_known_answers)
{
	struct sha256 hash;
	sha256_of(NULL, 0, &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	/* FIPS 180-4, "abc", whole and in pieces. */
	sha256_of("abc", 3, &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	struct sha256_stream *stream = sha256_open();
	sha256_add(stream, "a", 1);
	sha256_add(stream, NULL, 0);
	sha256_add(stream, "bc", 2);
	sha256_close(stream, &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_close(sha256_open(), NULL);
	/* RFC 4231, test case 2. */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, &hash);
	CHECK_HEX(hash.bytes, ID_BYTES, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	CHECK(memory_hash("a", 1) == memory_hash("a", 1));
	CHECK(memory_hash("a", 1) != memory_hash("b", 1));
}

TEST(a_signature_belongs_to_one_message_and_one_key)
{
	struct sign_key key, other;
	struct signature signature, altered;
	char message[] = "one vote";
	sign_start();
	sign_generate(&key);
	sign_generate(&other);
	sign_bytes(&key, message, sizeof message, &signature);
	CHECK(sign_verify(&key.public_key, message, sizeof message, &signature));
	CHECK(!sign_verify(&other.public_key, message, sizeof message, &signature));
	CHECK(!sign_verify(&key.public_key, message, sizeof message - 1, &signature));
	for (int bit = 0; bit < 8 * SIGNATURE_BYTES; bit++) {
		altered = signature;
		altered.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK(!sign_verify(&key.public_key, message, sizeof message, &altered));
	}
	/* RFC 8032, 7.1, test 1: the empty message. */
	uint8_t seed[SIGN_SEED_BYTES];
	CHECK(hex_read(seed, sizeof seed, did_keys[0].seed, 64));
	sign_from_seed(&key, seed);
	sign_bytes(&key, NULL, 0, &signature);
	CHECK_HEX(signature.bytes, SIGNATURE_BYTES,
		"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
		"d25bf5f0595bbe24655141438e7a100b");
	/* S plus the group's order is the same signature to a careless check. */
	static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde,
		0xf9, 0xde, 0x14, [31] = 0x10};
	altered = signature;
	for (int i = 0, carry = 0; i < 32; i++) {
		carry += altered.bytes[32 + i] + order[i];
		altered.bytes[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	CHECK(!sign_verify(&key.public_key, NULL, 0, &altered));
	/* A key of small order verifies anything. */
	struct account_key zero = {{0}};
	struct signature nothing = {{0}};
	CHECK(!sign_verify(&zero, message, sizeof message, &nothing));
	sign_forget(&other);
	uint8_t wiped[64] = {0};
	CHECK_BYTES(other.secret, sizeof other.secret, wiped, sizeof wiped);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(descriptor >= 0);
	CHECK(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(fchmod(descriptor, mode) == 0);
	close(descriptor);
}

TEST(a_key_file_is_private_and_read_back)
{
	char path[PATH_ROOM];
	struct key_file made, read;
	struct wn_error err = {0};
	struct stat status;
	sign_start();
	snprintf(path, sizeof path, "%s/one.key", test_folder());
	CHECK_OK(key_file_create(path, &made, &err), err);
	CHECK(stat(path, &status) == 0);
	CHECK_INT(status.st_mode & 07777, 0600);
	CHECK_OK(key_file_read(path, &read, &err), err);
	CHECK_BYTES(&read.key, sizeof read.key, &made.key, sizeof made.key);
	CHECK_BYTES(read.vote_seed, sizeof read.vote_seed, made.vote_seed, sizeof made.vote_seed);
	/* The vote seed is no function of the signing seed: two files share nothing. */
	CHECK(memcmp(read.vote_seed, read.key.secret, 32) != 0);
	CHECK(!key_file_create(path, &made, &err));
	CHECK_TEXT(err.code, "key_file_exists");
	CHECK_OK(key_file_read(path, &made, &err), err);
	CHECK_BYTES(&read.key, sizeof read.key, &made.key, sizeof made.key);
	CHECK(chmod(path, 0640) == 0);
	CHECK(!key_file_read(path, &read, &err));
	CHECK_TEXT(err.code, "key_file_mode");
	CHECK(chmod(path, 0604) == 0);
	CHECK(!key_file_read(path, &read, &err));
	CHECK_TEXT(err.code, "key_file_mode");
}

TEST(broken_key_files_are_refused_with_a_reason)
{
	static const struct {
		const char *text, *code;
	} broken[] = {
		{"", "json_syntax"},
		{"{", "json_syntax"},
		{"{}", "key_file_malformed"},
		{"{\"did\":\"did:key:z6MkiaMbhXHNA4eJVCCj8dbzKzTgYDKf6crKgHVHid1F1WCT\","
		 "\"signing_seed\":\"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60\","
		 "\"vote_seed\":\"4444444444444444444444444444444444444444444444444444444444444444\"}",
			"key_file_malformed"},
		{"{\"did\":\"did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw\","
		 "\"signing_seed\":\"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f6\","
		 "\"vote_seed\":\"4444444444444444444444444444444444444444444444444444444444444444\"}",
			"key_file_malformed"},
	};
	char path[PATH_ROOM];
	struct key_file file;
	struct wn_error err = {0};
	sign_start();
	const char *folder = test_folder();
	snprintf(path, sizeof path, "%s/broken.key", folder);
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		write_file(path, broken[i].text, 0600);
		CHECK(!key_file_read(path, &file, &err));
		CHECK_TEXT(err.code, broken[i].code);
		CHECK(strstr(err.text, path) != NULL);
	}
	char big[4096];
	memset(big, ' ', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	write_file(path, big, 0600);
	CHECK(!key_file_read(path, &file, &err));
	CHECK_TEXT(err.code, "key_file_malformed");
	CHECK(!key_file_read(folder, &file, &err));
	CHECK_TEXT(err.code, "key_file_open");
	snprintf(path, sizeof path, "%s/none.key", folder);
	CHECK(!key_file_read(path, &file, &err));
	CHECK_TEXT(err.code, "key_file_missing");
	snprintf(path, sizeof path, "%s/no/folder.key", folder);
	CHECK(!key_file_create(path, &file, &err));
	CHECK_INT(err.blame, WN_INPUT);
}

static void *create_key(void *path)
{
	struct key_file file;
	struct wn_error err = {0};
	return key_file_create(path, &file, &err) ? path : NULL;
}

TEST(of_many_who_create_one_key_file_one_wins)
{
	enum { THREADS = 8 };
	char path[PATH_ROOM];
	pthread_t threads[THREADS];
	int won = 0;
	sign_start();
	snprintf(path, sizeof path, "%s/race.key", test_folder());
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(pthread_create(&threads[i], NULL, create_key, path), 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;
		pthread_join(threads[i], &result);
		won += result != NULL;
	}
	CHECK_INT(won, 1);
	struct key_file file;
	struct wn_error err = {0};
	CHECK_OK(key_file_read(path, &file, &err), err);
}
