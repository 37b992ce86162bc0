/* The birth of a network: what a file may ask for, and what then stands in keys, journal, ledger and database. */
#include "cmd/genesis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/journal.h"
#include "core/network_store.h"
#include "reward/ledger_store.h"
#include "tests/check.h"
#include "vote/close_store.h"

SUITE("genesis")

enum { GENESIS_ARENA = 64 * 1024 * 1024, PATH_ROOM = 512, CONNINFO_ROOM = 1200 };
#define BORN_MS 1767225600000LL
#define SEED "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct wn_arena arena;

/* A member of a genesis file: an account that follows from a number. */
static void did_of(int number, char out[DID_ROOM], struct account_key *key)
{
	uint8_t seed[SIGN_SEED_BYTES] = {(uint8_t)number, (uint8_t)(number >> 8), 7};
	struct sign_key made;
	sign_start();
	sign_from_seed(&made, seed);
	did_write(out, &made.public_key);
	if (key)
		*key = made.public_key;
	sign_forget(&made);
}

static bool wish_read(const char *text, struct genesis_wish *out, struct wn_error *err)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "%s/genesis.json", test_folder());
	FILE *file = fopen(path, "we");
	wn_assert(file != NULL);
	fputs(text, file);
	fclose(file);
	return genesis_read(&arena, path, true, BORN_MS, out, err);
}

static void refused(const char *code, const char *text)
{
	struct genesis_wish wish;
	struct wn_error err = {0};
	wn_arena_init(&arena, GENESIS_ARENA);
	if (wish_read(text, &wish, &err))
		CHECK_TEXT(text, "refused");
	CHECK_TEXT(err.code, code);
	CHECK_INT(err.blame, WN_INPUT);
	wn_arena_free(&arena);
}

TEST(without_a_file_the_network_is_the_sample)
{
	struct genesis_wish wish;
	struct wn_error err = {0};
	wn_arena_init(&arena, GENESIS_ARENA);
	CHECK_OK(genesis_read(&arena, NULL, false, BORN_MS, &wish, &err), err);
	CHECK(wish.sample);
	CHECK(!wish.clock_manual);
	CHECK(!wish.has_seed);
	CHECK_INT(wish.time_ms, BORN_MS);
	CHECK_INT(wish.policy.epoch_ms, 60000);
	CHECK_INT((int64_t)wish.grant_count, 0);
	wn_arena_free(&arena);
}

TEST(a_file_says_policy_grants_curators_time_and_seed)
{
	char text[4096], first[DID_ROOM], second[DID_ROOM];
	struct account_key keys[2];
	struct genesis_wish wish;
	struct wn_error err = {0};
	wn_arena_init(&arena, GENESIS_ARENA);
	did_of(1, first, &keys[0]);
	did_of(2, second, &keys[1]);
	snprintf(text, sizeof text,
		"{\"policy\":{\"epoch_ms\":120000},\"grants\":[{\"account\":\"%s\",\"amount\":\"5\"},"
		"{\"account\":\"%s\",\"amount\":\"0\"}],\"curators\":[\"%s\"],\"time_ms\":1234,\"seed\":\"" SEED "\"}",
		first, second, second);
	CHECK_OK(wish_read(text, &wish, &err), err);
	CHECK(!wish.sample);
	CHECK(wish.clock_manual);
	CHECK_INT(wish.policy.epoch_ms, 120000);
	CHECK_INT(wish.time_ms, 1234);
	CHECK_OR_RETURN(wish.grant_count == 2 && wish.curator_count == 1);
	CHECK(id_compare(&wish.grants[0].account, &keys[0]) == 0);
	CHECK_INT(wish.grants[0].units, 5);
	CHECK_INT(wish.grants[1].units, 0);
	CHECK(id_compare(&wish.curators[0], &keys[1]) == 0);
	CHECK(wish.has_seed);
	CHECK_HEX(wish.seed, sizeof wish.seed, SEED);
	CHECK_OK(wish_read("{}", &wish, &err), err);
	CHECK_INT(wish.time_ms, BORN_MS);
	wn_arena_free(&arena);
}

TEST(a_file_that_asks_for_what_cannot_be_is_refused)
{
	char text[1024], did[DID_ROOM];
	did_of(3, did, NULL);
	refused("genesis_member", "[]");
	refused("genesis_member", "\"genesis\"");
	refused("genesis_member", "{\"grant\":[]}");
	refused("json_syntax", "{\"grants\":[}");
	refused("json_syntax", "");
	refused("policy_object", "{\"policy\":[]}");
	refused("policy_member", "{\"policy\":{\"generosity\":1}}");
	refused("policy_range", "{\"policy\":{\"epoch_ms\":-1}}");
	refused("genesis_time", "{\"time_ms\":-1}");
	refused("genesis_time", "{\"time_ms\":\"1\"}");
	refused("genesis_time", "{\"time_ms\":1.5}");
	refused("genesis_seed", "{\"seed\":\"00\"}");
	refused("genesis_seed", "{\"seed\":\"zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}");
	refused("genesis_seed", "{\"seed\":7}");
	refused("genesis_grants", "{\"grants\":{}}");
	refused("genesis_grants", "{\"grants\":[7]}");
	refused("genesis_grants", "{\"grants\":[{\"amount\":\"1\"}]}");
	refused("genesis_grants", "{\"grants\":[{\"account\":7,\"amount\":\"1\"}]}");
	refused("genesis_grants", "{\"grants\":[{\"account\":null,\"amount\":\"1\"}]}");
	refused("genesis_grants", "{\"grants\":[{\"account\":\"did:key:z6Mk\",\"amount\":\"1\"}]}");
	static const char *const amounts[] = {
		"7", "\"-1\"", "\"1.5\"", "\"01\"", "\"9223372036854775808\"", "\"\"", "null"};
	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		snprintf(text, sizeof text, "{\"grants\":[{\"account\":\"%s\",\"amount\":%s}]}", did, amounts[i]);
		refused("genesis_grants", text);
	}
	snprintf(text, sizeof text, "{\"grants\":[{\"account\":\"%s\",\"amount\":\"1\",\"vesting\":1}]}", did);
	refused("genesis_grants", text);
	refused("genesis_curators", "{\"curators\":\"me\"}");
	refused("genesis_curators", "{\"curators\":[7]}");
	refused("genesis_curators", "{\"curators\":[\"did:web:example.org\"]}");
}

TEST(a_file_that_is_not_there_or_names_too_many_is_refused)
{
	struct genesis_wish wish;
	struct wn_error err = {0};
	struct wn_text text;
	char did[DID_ROOM];
	wn_arena_init(&arena, GENESIS_ARENA);
	CHECK(!genesis_read(&arena, "/nowhere/genesis.json", false, BORN_MS, &wish, &err));
	CHECK_TEXT(err.code, "genesis_file");
	did_of(4, did, NULL);
	wn_text_init(&text, &arena);
	wn_text_add_string(&text, "{\"curators\":[");
	for (int i = 0; i <= GENESIS_CURATORS_MAX; i++)
		wn_text_printf(&text, "%s\"%s\"", i ? "," : "", did);
	wn_text_add_string(&text, "]}");
	CHECK(!wish_read(text.data, &wish, &err));
	CHECK_TEXT(err.code, "genesis_curators");
	wn_arena_free(&arena);
}

/* ---- in a database ---- */

struct birth {
	char folder[PATH_ROOM];
	struct node node;
	struct db *db;
	char conninfo[CONNINFO_ROOM];
};

static bool birth_connect(const struct birth *birth, const char *role, struct db **out)
{
	char conninfo[CONNINFO_ROOM + 40];
	struct wn_error err = {0};
	snprintf(conninfo, sizeof conninfo, "%s user=%s", birth->conninfo, role);
	CHECK_OK(db_open(out, conninfo, &err), err);
	return *out != NULL;
}

/* A database without a network, and a state folder. */
static bool birth_open(struct birth *birth)
{
	char path[PATH_ROOM + 16];
	const char *conninfo = test_database(), *folder = test_folder();
	memset(birth, 0, sizeof *birth);
	if (!conninfo || !folder)
		return false;
	wn_arena_init(&arena, GENESIS_ARENA);
	sign_start();
	snprintf(birth->conninfo, sizeof birth->conninfo, "%s", conninfo);
	snprintf(birth->folder, sizeof birth->folder, "%s", folder);
	snprintf(birth->node.state_dir, sizeof birth->node.state_dir, "%s", folder);
	snprintf(path, sizeof path, "%s/keys", folder);
	CHECK_INT(mkdir(path, 0700), 0);
	return birth_connect(birth, "winnow_owner", &birth->db);
}

static void birth_close(struct birth *birth)
{
	db_close(birth->db);
	birth->db = NULL;
	wn_arena_free(&arena);
}

static void wish_seeded(struct genesis_wish *wish, uint8_t first)
{
	memset(wish, 0, sizeof *wish);
	policy_default(&wish->policy);
	wish->time_ms = BORN_MS;
	wish->clock_manual = true;
	wish->has_seed = true;
	wish->seed[0] = first;
}

static bool network_get(struct birth *birth, struct network_row *row)
{
	struct wn_error err = {0};
	bool found = false;
	CHECK_OK(network_store_get(birth->db, &arena, row, &found, &err), err);
	return found;
}

TEST(entry_0_is_the_genesis_its_sha256_the_network_id_and_no_second_network_follows)
{
	struct birth birth;
	struct genesis_wish wish;
	struct network_row row, after;
	struct wn_error err = {0};
	struct journal_entry *entries;
	struct epoch_row epochs[2];
	struct sha256 hash, zero = {{0}};
	size_t numbered = 0, found = 0, count = 0;
	struct db *seal = NULL;
	CHECK_OR_RETURN(birth_open(&birth));
	wish_seeded(&wish, 1);
	CHECK_OK(genesis_write(&birth.node, birth.db, &arena, &wish, &err), err);
	CHECK_OR_RETURN(network_get(&birth, &row));
	CHECK(row.clock_manual);
	CHECK_INT(row.clock_ms, BORN_MS);
	CHECK(!row.sample);
	CHECK_OR_RETURN(birth_connect(&birth, "winnow_seal", &seal));
	CHECK_OK(journal_sequence(seal, &arena, &numbered, &err), err);
	CHECK(numbered >= 1);
	CHECK_OK(journal_read(seal, &arena, 0, 1, &entries, &found, &err), err);
	CHECK_OR_RETURN(found == 1);
	CHECK(wn_slice_equal(entries[0].body, row.genesis));
	sha256_of(entries[0].body.data, entries[0].body.bytes, &hash);
	CHECK_BYTES(hash.bytes, ID_BYTES, row.network.bytes, ID_BYTES);
	const struct json *entry;
	CHECK_OK(json_parse(&arena, entries[0].body.data, entries[0].body.bytes, &entry, &err), err);
	CHECK_TEXT(json_member_string(entry, "type", NULL), "genesis");
	char did[DID_ROOM];
	did_write(did, &row.checkpoint_key);
	CHECK_TEXT(json_member_string(json_get(entry, "keys"), "checkpoint", NULL), did);
	db_close(seal);
	CHECK_OK(close_store_epochs(birth.db, &arena, epochs, &count, &err), err);
	CHECK_OR_RETURN(count == 1);
	CHECK_INT(epochs[0].epoch, 0);
	CHECK_INT(epochs[0].opened_ms, BORN_MS);
	CHECK(epochs[0].has_beacon);
	CHECK(id_compare(&epochs[0].beacon, &zero) != 0);
	wish.time_ms++;
	CHECK(!genesis_write(&birth.node, birth.db, &arena, &wish, &err));
	CHECK_TEXT(err.code, "network_exists");
	CHECK(!db_in_transaction(birth.db));
	CHECK_OR_RETURN(network_get(&birth, &after));
	CHECK(id_compare(&row.network, &after.network) == 0);
	birth_close(&birth);
}

static void birth_id(uint8_t seed, struct network_id *out)
{
	struct birth birth;
	struct genesis_wish wish;
	struct network_row row;
	struct wn_error err = {0};
	CHECK_OR_RETURN(birth_open(&birth));
	wish_seeded(&wish, seed);
	CHECK_OK(genesis_write(&birth.node, birth.db, &arena, &wish, &err), err);
	CHECK_OR_RETURN(network_get(&birth, &row));
	*out = row.network;
	birth_close(&birth);
}

TEST(one_seed_gives_one_network_id_wherever_it_is_written_and_another_seed_another)
{
	struct network_id first = {{1}}, second = {{2}}, other = {{3}};
	birth_id(42, &first);
	birth_id(42, &second);
	birth_id(43, &other);
	CHECK_BYTES(first.bytes, ID_BYTES, second.bytes, ID_BYTES);
	CHECK(id_compare(&first, &other) != 0);
}

TEST(keys_that_are_there_stay_and_the_others_are_made_for_their_owner_alone)
{
	struct birth birth;
	struct genesis_wish wish;
	struct network_row row;
	static const char *const names[] = {"checkpoint.key", "operator.key", "manifest.key", "beacon.seed"};
	struct key_file operator_key, again;
	struct wn_error err = {0};
	char path[PATH_ROOM + 32];
	struct stat about;
	CHECK_OR_RETURN(birth_open(&birth));
	snprintf(path, sizeof path, "%s/keys/operator.key", birth.folder);
	CHECK_OK(key_file_create(path, &operator_key, &err), err);
	wish_seeded(&wish, 5);
	wish.has_seed = false;
	CHECK_OK(genesis_write(&birth.node, birth.db, &arena, &wish, &err), err);
	CHECK_OR_RETURN(network_get(&birth, &row));
	CHECK_OK(key_file_read(path, &again, &err), err);
	CHECK(id_compare(&operator_key.key.public_key, &again.key.public_key) == 0);
	char did[DID_ROOM];
	did_write(did, &operator_key.key.public_key);
	CHECK(memmem(row.genesis.data, row.genesis.bytes, did, strlen(did)) != NULL);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/keys/%s", birth.folder, names[i]);
		CHECK_OR_RETURN(stat(path, &about) == 0);
		CHECK_INT(about.st_mode & 0777, 0600);
	}
	birth_close(&birth);
}

static int64_t free_units(struct db *db, const struct account_key *key)
{
	struct ledger_ref ref = {.kind = LEDGER_FREE};
	struct ledger_balance account = {0};
	struct wn_error err = {0};
	memcpy(ref.owner, key->bytes, ID_BYTES);
	bool done = ledger_store_balance(db, &arena, &ref, &account, &err);
	CHECK_OK(done, err);
	return done ? account.credits_posted - account.debits_posted : -1;
}

TEST(grants_are_there_from_the_first_moment_and_are_minted)
{
	struct birth birth;
	struct genesis_wish wish;
	struct wn_error err = {0};
	char did[DID_ROOM];
	struct genesis_grant grants[3];
	struct db *reward = NULL;
	int64_t unminted = 0;
	CHECK_OR_RETURN(birth_open(&birth));
	wish_seeded(&wish, 8);
	did_of(10, did, &grants[0].account);
	did_of(11, did, &grants[1].account);
	grants[2].account = grants[0].account;
	grants[0].units = 700;
	grants[1].units = 0;
	grants[2].units = wish.policy.cap_units - 700;
	wish.grants = grants;
	wish.grant_count = 3;
	/* All that there will ever be, to the last unit: allowed, if odd. Two grants to one account add up. */
	CHECK_OK(genesis_write(&birth.node, birth.db, &arena, &wish, &err), err);
	CHECK_OR_RETURN(birth_connect(&birth, "winnow_reward", &reward));
	CHECK_INT(free_units(reward, &grants[0].account), wish.policy.cap_units);
	CHECK_INT(free_units(reward, &grants[1].account), 0);
	CHECK_OK(ledger_store_unminted(reward, &arena, wish.policy.cap_units, &unminted, &err), err);
	CHECK_INT(unminted, 0);
	db_close(reward);
	birth_close(&birth);
}

TEST(grants_above_the_cap_are_refused_and_nothing_is_written)
{
	struct birth birth;
	struct genesis_wish wish;
	struct network_row row;
	struct wn_error err = {0};
	char did[DID_ROOM];
	struct genesis_grant grants[2];
	CHECK_OR_RETURN(birth_open(&birth));
	wish_seeded(&wish, 9);
	did_of(12, did, &grants[0].account);
	did_of(13, did, &grants[1].account);
	grants[0].units = wish.policy.cap_units;
	grants[1].units = 1;
	wish.grants = grants;
	wish.grant_count = 2;
	CHECK(!genesis_write(&birth.node, birth.db, &arena, &wish, &err));
	CHECK_TEXT(err.code, "genesis_grants");
	CHECK_INT(err.blame, WN_INPUT);
	CHECK(!db_in_transaction(birth.db));
	CHECK(!network_get(&birth, &row));
	char path[PATH_ROOM + 32];
	snprintf(path, sizeof path, "%s/keys/operator.key", birth.folder);
	CHECK(access(path, F_OK) != 0);
	birth_close(&birth);
}
