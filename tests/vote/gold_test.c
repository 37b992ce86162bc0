/* Picking known-answer items: known answers, balance among classes, and audits that end in a tie. */
#include "tests/check.h"

#include <string.h>

#include "vote/gold.h"

SUITE("gold")

enum { CANDIDATES_MAX = 200, ARENA_BYTES = 1 << 20 };

static const char gold_beacon[] = "3388ae8ce581e3c1dffda77442dbeba99ecab47d43246549f9c9750ecb267ff4";
static const struct {
	const char *item;
	int32_t class;
} gold_items[] = {
	{"1cb3f4d422b3280f1de54318ce875a2d27f8321d1ede556afb393842973ebfae", 0},
	{"a0f721c9ae15b0013fabbf30c90db0529b9ac77da7afc5245639d95a8be2695e", 0},
	{"7c05197bbbcd15991e363941a5208d7b7ac9b107ae1805a3f20496a5a313b370", 1},
	{"c6e5e08d819a6a8f81776428cad74d57737dbbb315cf33cde0180c47a2a0f12f", 1},
	{"a2692e9a7dd02682c14217b1523251a744aaecb886eaeefa4090e143f5414670", 1},
	{"23bb2489aaf4aed49c8d1cc4be6481e7f1825f6225cf369353d18de3d2cdfc6b", 2},
	{"24d273f96d314e253073c5ede1415ff656752c381b23addcd3bc21ffe85c62c6", 1},
	{"82947e7a5bdd9a89610c77114f00e687fb52863d7a0b8037d756dc44384b06a9", 1},
	{"1531d457f82cdf6939c66d25b648f46db91a2f601f5b832c5866910f1ec938b8", 1},
	{"3023e6864d37340d0d96c2ddee3dcb0ba958dea4e226d12b23fd620a97cc93f5", 1},
	{"190b811365f3a39122c282d06666a5ffc4f659b383988e24e4daa4f19f6f4e63", 1},
	{"8b8766c58e7b608dc754e56051dbafe07df8c5afbef87b02a6cb155e5dd59a24", 2},
	{"c3adf730d8e049babc4dfe7af012e8c1313aba8817cda7ff56ee853a95242346", 1},
	{"08045d9ef7d52e73865725677f31dca94e76e37f621d75dcf61f3079ecbcdda3", 1},
	{"0efb9295033659553092f34a1db3a3cb586d687737d6a4adcccfdd0da6abc1c8", 1},
	{"a257fda7e5ba8d56d527d5d396a24c0de96620bbe6df52c49f5e562883aa8dcd", 1},
	{"9701bb1c5613d00f3d9d3c1888757bb9ed3f7c9a0ac5c5fcad58c87719538a07", 1},
	{"52ae8d1315a8a509482a040f78aac03941dba754a20a17d801b808c0a3b6e41f", 1},
	{"f7790b9781c186933c50dce1bfcee1eec1fe903412a229d01e79105fda392b96", 1},
	{"4efc0304856f17cfb651a74bd4f0f83f6e557db8403bf1cf3a3cb8db93edd1f0", 1},
	{"ec670c6645fed824b143aed1a6b1cf1f00d49217c05792bffd4fd35a232747a7", 1},
	{"cd282172abed7960fb173e2a486658d723351ec9bd8b747b2407d40e3875a05d", 1},
	{"a630dd15a976c67494e421ce04fb011dfb8c349228788ec7c2274f44c4e59d20", 1},
	{"dff346f8c0f16e2fcd28d5388ef2bf59d6768d84c0b3273bdd2ab05f8a6b5a8d", 1},
	{"161604dffc8b0681da967e9dbc73e2f0c7df9c2815e7cae50930ef022a448b2a", 1},
	{"45ee4efc7e44f6c20cdd7fbc3f36b970cc7926aca99b3161e24c7f1add5f887b", 1},
	{"a4778902312feae482df4c6aa759aa51a94f079c1eceb90fcb8ff331d408d8b8", 1},
	{"0c50135e69cc6deaef90e4c2f1e94099588ac4e22627b3469dafd4dbbd11eae9", 1},
	{"18f7cd321687fc3044608a5ab7ce6630200f2742b1f25506aea99362e7488e8a", 1},
	{"c6638cf272ab699434a7e66e610fd23c6cb45505e36a8ac2e08b6e3712c1c78c", 1},
};
static const char *const gold_picked[] = {
	"a0f721c9ae15b0013fabbf30c90db0529b9ac77da7afc5245639d95a8be2695e",
	"1531d457f82cdf6939c66d25b648f46db91a2f601f5b832c5866910f1ec938b8",
	"8b8766c58e7b608dc754e56051dbafe07df8c5afbef87b02a6cb155e5dd59a24",
};
static const char *const gold_picked_300000[] = {
	"a0f721c9ae15b0013fabbf30c90db0529b9ac77da7afc5245639d95a8be2695e",
	"1531d457f82cdf6939c66d25b648f46db91a2f601f5b832c5866910f1ec938b8",
	"8b8766c58e7b608dc754e56051dbafe07df8c5afbef87b02a6cb155e5dd59a24",
	"1cb3f4d422b3280f1de54318ce875a2d27f8321d1ede556afb393842973ebfae",
	"08045d9ef7d52e73865725677f31dca94e76e37f621d75dcf61f3079ecbcdda3",
	"23bb2489aaf4aed49c8d1cc4be6481e7f1825f6225cf369353d18de3d2cdfc6b",
	"a630dd15a976c67494e421ce04fb011dfb8c349228788ec7c2274f44c4e59d20",
	"cd282172abed7960fb173e2a486658d723351ec9bd8b747b2407d40e3875a05d",
	"3023e6864d37340d0d96c2ddee3dcb0ba958dea4e226d12b23fd620a97cc93f5",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void check_picked(int64_t ppm, const char *const *wanted, size_t wanted_count)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct gold_candidate candidates[COUNT(gold_items)];
	for (size_t i = 0; i < COUNT(gold_items); i++) {
		CHECK(hex_read(candidates[i].item.bytes, ID_BYTES, gold_items[i].item, strlen(gold_items[i].item)));
		candidates[i].class = gold_items[i].class;
	}
	struct sha256 beacon;
	CHECK(hex_read(beacon.bytes, ID_BYTES, gold_beacon, strlen(gold_beacon)));
	struct wn_error err = {0};
	uint32_t *picked = NULL;
	size_t count = 0, wants = gold_count(COUNT(gold_items), ppm);
	CHECK_OK(gold_pick(&arena, &beacon, 3, candidates, COUNT(gold_items), wants, &picked, &count, &err), err);
	CHECK_INT((int64_t)count, (int64_t)wanted_count);
	for (size_t i = 0; i < count && i < wanted_count; i++)
		CHECK_HEX(candidates[picked[i]].item.bytes, ID_BYTES, wanted[i]);
	wn_arena_free(&arena);
}

TEST(picks_have_their_known_answers)
{
	check_picked(80000, gold_picked, COUNT(gold_picked));
	check_picked(300000, gold_picked_300000, COUNT(gold_picked_300000));
}

TEST(the_number_of_picks_rounds_up)
{
	CHECK_INT((int64_t)gold_count(0, 80000), 0);
	CHECK_INT((int64_t)gold_count(1, 80000), 1);
	CHECK_INT((int64_t)gold_count(12, 80000), 1);
	CHECK_INT((int64_t)gold_count(13, 80000), 2);
	CHECK_INT((int64_t)gold_count(600, 80000), 48);
	CHECK_INT((int64_t)gold_count(601, 80000), 49);
	CHECK_INT((int64_t)gold_count(100, 0), 0);
	CHECK_INT((int64_t)gold_count(4000000000u, 1000000), 4000000000);
}

TEST(picks_are_balanced_distinct_and_do_not_depend_on_the_order)
{
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < 200; round++) {
		wn_arena_reset(&arena);
		int classes = 2 + (int)(test_random(&state) % 15);
		struct gold_candidate candidates[CANDIDATES_MAX] = {0};
		size_t count = test_random(&state) % (CANDIDATES_MAX + 1), of_class[16] = {0}, got[16] = {0};
		for (size_t i = 0; i < count; i++) {
			candidates[i].item.bytes[0] = (uint8_t)i;
			candidates[i].item.bytes[9] = (uint8_t)test_random(&state);
			/* Low classes are common, so that some lists end early. */
			candidates[i].class =
				(int32_t)(test_random(&state) % (1 + test_random(&state) % (uint64_t)classes));
			of_class[candidates[i].class]++;
		}
		size_t wanted = test_random(&state) % (count + 20), picked_count = 0, again_count = 0;
		struct sha256 beacon = {{(uint8_t)round, 3}};
		struct wn_error err = {0};
		uint32_t *picked = NULL, *again = NULL;
		CHECK_OK(gold_pick(&arena, &beacon, classes, candidates, count, wanted, &picked, &picked_count, &err),
			err);
		CHECK_INT((int64_t)picked_count, (int64_t)(wanted < count ? wanted : count));
		struct item_id first[CANDIDATES_MAX];
		for (size_t i = 0; i < picked_count; i++) {
			first[i] = candidates[picked[i]].item;
			got[candidates[picked[i]].class]++;
			for (size_t j = 0; j < i; j++)
				CHECK(picked[i] != picked[j]);
		}
		/* No class gave two more than another one that still had some. */
		for (int a = 0; a < classes; a++)
			for (int b = 0; b < classes; b++)
				CHECK(got[b] == of_class[b] || got[a] <= got[b] + 1);
		for (size_t i = count; i > 1; i--) {
			size_t other = test_random(&state) % i;
			struct gold_candidate kept = candidates[i - 1];
			candidates[i - 1] = candidates[other];
			candidates[other] = kept;
		}
		CHECK_OK(gold_pick(&arena, &beacon, classes, candidates, count, wanted, &again, &again_count, &err),
			err);
		CHECK_INT((int64_t)again_count, (int64_t)picked_count);
		for (size_t i = 0; i < again_count && i < picked_count; i++)
			CHECK_BYTES(candidates[again[i]].item.bytes, ID_BYTES, first[i].bytes, ID_BYTES);
	}
	wn_arena_free(&arena);
}

TEST(an_audit_without_a_single_best_class_gives_no_gold)
{
	static const struct {
		uint32_t votes[4];
		int class;
	} audits[] = {
		{{0, 0, 0, 0}, -1},
		{{1, 0, 0, 0}, 0},
		{{0, 0, 0, 1}, 3},
		{{2, 1, 2, 0}, -1},
		{{2, 2, 3, 0}, 2},
		{{1, 2, 2, 3}, 3},
		{{3, 0, 0, 3}, -1},
		{{5, 5, 5, 5}, -1},
		{{0, 2, 1, 0}, 1},
	};
	for (size_t i = 0; i < COUNT(audits); i++)
		CHECK_INT(gold_audit_class(4, audits[i].votes), audits[i].class);
}

TEST(picking_without_room_is_told)
{
	struct wn_arena arena;
	wn_arena_init(&arena, 64);
	struct gold_candidate candidates[8] = {0};
	struct sha256 beacon = {{0}};
	struct wn_error err = {0};
	uint32_t *picked = NULL;
	size_t count = 0;
	CHECK(!gold_pick(&arena, &beacon, 2, candidates, 8, 2, &picked, &count, &err));
	CHECK_INT(err.blame, WN_FULL);
	CHECK_TEXT(err.code, "memory");
	wn_arena_free(&arena);
}
