/* Salts, commitments and roots: known answers, what they are bound to, and roots that no order changes. */
#include "tests/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/tree.h"
#include "vote/commitment.h"

SUITE("commitment")

enum { LEAVES_MAX = 70 };

static const char network_hex[] = "b9da57f6670e8b62dcd08de38534e635bdb2badef73c4bbb0fbebe145f4c2247";
static const char vote_seed_hex[] = "4444444444444444444444444444444444444444444444444444444444444444";
static const struct {
	const char *item;
	uint32_t round;
	uint64_t sequence;
	const char *voter, *salt;
} salts[] = {
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u, 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"69b6e26270382d401cae461607c3b2663ef97807cbfb2136bebd0fcaf71d4f17"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u, 2u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"3193f2b3bab9aded1deb0419fcff6e8cd4524e5b09b2302dafbadbea8d7d412b"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 2u, 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"f7c85284c330f4660b179d9afe312158d10531ea90138fe27ad568887f144a5b"},
	{"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901", 1u, 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"2220b3eb4b58ba0a27753c7c148765a32ebe6a8df1426bf4c8cfe5df1b257cd7"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u, 1u,
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"4fed8bfbdac8df20f0597c554a3bdbd42e44d2566dbd82ffbd660a073efa3a9f"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u, 1099511627783u,
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		"899e03056cb914906d29d684322ddbe75c441003931e85df32b44ea3d2c479d4"},
};
static const struct {
	const char *item;
	uint32_t round;
	const char *voter;
	uint8_t choice;
	const char *salt, *commitment;
} commitments[] = {
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 1,
		"2222222222222222222222222222222222222222222222222222222222222222",
		"2c1840f346dea73da4394d096c8439e763de535599ec5efbbf131f5ab217819e"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 0,
		"2222222222222222222222222222222222222222222222222222222222222222",
		"e5b2417aae78ae5d23db4908682ee76678d91bc08e265f6e824d3896e92fa45f"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 2u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 1,
		"2222222222222222222222222222222222222222222222222222222222222222",
		"5b0a5a197bd9953e82f60a3b7d9efc72d52546f57253ca69ffe8c629106271d3"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 1,
		"2222222222222222222222222222222222222222222222222222222222222222",
		"74fac93021269a62fb2f1e31cd943f6ee0fa7c041c2203f22ef46c3ff49cb63b"},
	{"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 1,
		"2222222222222222222222222222222222222222222222222222222222222222",
		"911f89fb1555bd18373b9089309e8fbc458d52057b942f7a71cfdc6d5697d47b"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 15,
		"0000000000000000000000000000000000000000000000000000000000000000",
		"d100adddad9901b8be856a798f593371961f8dd36803140c5f3e42815cd9dd2d"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 1,
		"69b6e26270382d401cae461607c3b2663ef97807cbfb2136bebd0fcaf71d4f17",
		"fc9ee577214f2298a972c9ace1af6e533addc5b36ead63383ab3a38a9027cdc2"},
};
static const struct {
	const char *item;
	uint32_t round;
	const char *voter, *salt;
} reveals[] = {
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"2222222222222222222222222222222222222222222222222222222222222222"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
		"2323232323232323232323232323232323232323232323232323232323232323"},
	{"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901", 256u,
		"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
		"2424242424242424242424242424242424242424242424242424242424242424"},
	{"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901", 2u,
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		"2525252525252525252525252525252525252525252525252525252525252525"},
	{"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
		"2626262626262626262626262626262626262626262626262626262626262626"},
};
static const char *const commitment_leaves_sorted[] = {
	"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227010000003d4017c3e843895a92b70aa74d1b7ebc9c982c"
	"cf2ec4968cc0cd55f12af4660cc9d3670be7c96c8835186f1a0f99660eda98a280ff61224e4c92a4f6300682af",
	"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff22701000000d75a980182b10ab7d54bfed3c964073a0ee172"
	"f3daa62325af021a68f707511a2c1840f346dea73da4394d096c8439e763de535599ec5efbbf131f5ab217819e",
	"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff22701000000fc51cd8e6218a1a38da47ed00230f0580816ed"
	"13ba3303ac5deb911548908025949b324fbd373998ef51a0b154777c30cdefec51cd888893fe60011db213f9b4",
	"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d90102000000fc51cd8e6218a1a38da47ed00230f0580816ed"
	"13ba3303ac5deb911548908025a93e0d9e6eecc5273d6b809d9e03b7e3d7dd3b2eb06625489f8885b51331f396",
	"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d90100010000d75a980182b10ab7d54bfed3c964073a0ee172"
	"f3daa62325af021a68f707511a9056b6a84d29bd32b9368c789a9e05f5e2252b30021022d49d3c2a96d6eb855a",
};
static const char revealed_root_hex[] = "4af7c1c1a37d1644ccd8102bdfc555d878d89ba4bb6aaec5080db91278b03953";
static const char revealed_root_of_none_hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char commitments_root_hex[] = "42fbfad490aa8c5ef5420cf7bc82be45dc1cef2c0316e414b5545fa0e21ae6e7";

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void id_of(void *id, const char *hex)
{
	CHECK(hex_read(id, ID_BYTES, hex, strlen(hex)));
}

TEST(salts_have_their_known_answers)
{
	struct network_id network;
	uint8_t seed[32];
	id_of(&network, network_hex);
	id_of(seed, vote_seed_hex);
	for (size_t i = 0; i < COUNT(salts); i++) {
		struct item_id item;
		struct account_key voter;
		struct salt salt;
		id_of(&item, salts[i].item);
		id_of(&voter, salts[i].voter);
		vote_salt(seed, &network, &item, salts[i].round, salts[i].sequence, &voter, &salt);
		CHECK_HEX(salt.bytes, ID_BYTES, salts[i].salt);
	}
}

TEST(commitments_have_their_known_answers)
{
	struct network_id network;
	id_of(&network, network_hex);
	for (size_t i = 0; i < COUNT(commitments); i++) {
		struct item_id item;
		struct account_key voter;
		struct salt salt;
		struct sha256 commitment;
		id_of(&item, commitments[i].item);
		id_of(&voter, commitments[i].voter);
		id_of(&salt, commitments[i].salt);
		vote_commitment(
			&network, &item, commitments[i].round, &voter, commitments[i].choice, &salt, &commitment);
		CHECK_HEX(commitment.bytes, ID_BYTES, commitments[i].commitment);
	}
}

/* What a sealed vote is made of, so that a test can change one part at a time. */
struct sealed {
	struct network_id network;
	struct item_id item;
	uint32_t round;
	struct account_key voter;
	uint8_t choice;
	struct salt salt;
};

static void seal(const struct sealed *vote, struct sha256 *out)
{
	vote_commitment(&vote->network, &vote->item, vote->round, &vote->voter, vote->choice, &vote->salt, out);
}

TEST(a_commitment_opens_for_nothing_else)
{
	struct sealed vote = {.round = 1, .choice = 1};
	struct sha256 right, other;
	seal(&vote, &right);
	struct sealed changed[6];
	for (size_t i = 0; i < COUNT(changed); i++)
		changed[i] = vote;
	changed[0].network.bytes[31] ^= 1;
	changed[1].item.bytes[0] ^= 128;
	changed[2].round = 256;
	changed[3].voter.bytes[16] ^= 1;
	changed[4].choice = 0;
	changed[5].salt.bytes[31] ^= 1;
	for (size_t i = 0; i < COUNT(changed); i++) {
		seal(&changed[i], &other);
		CHECK(memcmp(right.bytes, other.bytes, ID_BYTES) != 0);
	}
}

static size_t known_leaves(struct commitment_leaf *leaves, bool committed)
{
	size_t count = committed ? COUNT(commitment_leaves_sorted) : COUNT(reveals);
	for (size_t i = 0; i < count; i++) {
		if (!committed) {
			id_of(&leaves[i].item, reveals[i].item);
			leaves[i].round = reveals[i].round;
			id_of(&leaves[i].voter, reveals[i].voter);
			id_of(&leaves[i].value, reveals[i].salt);
			continue;
		}
		uint8_t bytes[100];
		CHECK(hex_read(bytes, sizeof bytes, commitment_leaves_sorted[i], strlen(commitment_leaves_sorted[i])));
		memcpy(leaves[i].item.bytes, bytes, ID_BYTES);
		leaves[i].round = (uint32_t)bytes[32] | (uint32_t)bytes[33] << 8 | (uint32_t)bytes[34] << 16 |
				  (uint32_t)bytes[35] << 24;
		memcpy(leaves[i].voter.bytes, bytes + 36, ID_BYTES);
		memcpy(leaves[i].value.bytes, bytes + 68, ID_BYTES);
	}
	return count;
}

static void check_root(const struct commitment_leaf *leaves, size_t count, const char *hex)
{
	struct wn_arena arena;
	wn_arena_init(&arena, 1 << 20);
	struct wn_error err = {0};
	struct sha256 root;
	CHECK_OK(vote_root(&arena, leaves, count, &root, &err), err);
	CHECK_HEX(root.bytes, ID_BYTES, hex);
	wn_arena_free(&arena);
}

TEST(roots_have_their_known_answers)
{
	struct commitment_leaf leaves[LEAVES_MAX];
	check_root(leaves, known_leaves(leaves, false), revealed_root_hex);
	check_root(leaves, known_leaves(leaves, true), commitments_root_hex);
	check_root(NULL, 0, revealed_root_of_none_hex);
}

TEST(sorted_leaves_cost_no_memory_and_unsorted_ones_stay_as_they_were)
{
	struct commitment_leaf leaves[LEAVES_MAX], before[LEAVES_MAX];
	size_t count = known_leaves(leaves, true);
	struct wn_arena arena;
	wn_arena_init(&arena, 0);
	struct wn_error err = {0};
	struct sha256 root;
	CHECK_OK(vote_root(&arena, leaves, count, &root, &err), err);
	CHECK_INT((int64_t)arena.used_bytes, 0);
	struct commitment_leaf kept = leaves[0];
	leaves[0] = leaves[1];
	leaves[1] = kept;
	memcpy(before, leaves, sizeof before);
	CHECK(!vote_root(&arena, leaves, count, &root, &err));
	CHECK_INT(err.blame, WN_FULL);
	CHECK_TEXT(err.code, "memory");
	check_root(leaves, count, commitments_root_hex);
	CHECK_BYTES(leaves, sizeof leaves, before, sizeof before);
	wn_arena_free(&arena);
}

TEST(no_order_of_the_leaves_changes_a_root_and_each_byte_does)
{
	uint64_t state = test_seed();
	for (size_t count = 2; count <= LEAVES_MAX; count += 17) {
		struct commitment_leaf leaves[LEAVES_MAX] = {0};
		for (size_t i = 0; i < count; i++) {
			/* Few items and rounds, so that every part of the order decides somewhere. */
			leaves[i].item.bytes[31] = (uint8_t)(test_random(&state) % 3);
			leaves[i].round = (uint32_t)(test_random(&state) % 2) * 255 + 1;
			leaves[i].voter.bytes[0] = (uint8_t)i;
			leaves[i].value.bytes[5] = (uint8_t)test_random(&state);
		}
		struct wn_arena arena;
		wn_arena_init(&arena, 1 << 20);
		struct wn_error err = {0};
		struct sha256 first, again;
		CHECK_OK(vote_root(&arena, leaves, count, &first, &err), err);
		for (int turn = 0; turn < 5; turn++) {
			for (size_t i = count - 1; i > 0; i--) {
				size_t other = test_random(&state) % (i + 1);
				struct commitment_leaf kept = leaves[i];
				leaves[i] = leaves[other];
				leaves[other] = kept;
			}
			CHECK_OK(vote_root(&arena, leaves, count, &again, &err), err);
			CHECK_BYTES(again.bytes, ID_BYTES, first.bytes, ID_BYTES);
		}
		leaves[count / 2].value.bytes[31] ^= 1;
		CHECK_OK(vote_root(&arena, leaves, count, &again, &err), err);
		CHECK(memcmp(again.bytes, first.bytes, ID_BYTES) != 0);
		wn_arena_free(&arena);
	}
}
