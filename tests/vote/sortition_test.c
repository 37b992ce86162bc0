/* Draws by stake: known answers, fairness of the tree against a plain walk, exclusion, and draws that leave no trace.
 */
#include "tests/check.h"

#include <string.h>

#include "vote/sortition.h"

SUITE("sortition")

enum { VALIDATORS_MAX = 90, ARENA_BYTES = 1 << 20, DRAWS = 20000 };

static const struct {
	const char *beacon, *item;
	uint32_t round;
	const char *seed;
	size_t seats, entry_count, drawn_count;
	struct {
		const char *validator;
		uint64_t tickets;
	} entries[7];
	const char *drawn[7];
} draws[] = {
	{"1111111111111111111111111111111111111111111111111111111111111111",
		"2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", 1u,
		"693735e74f3e7cabb0f8e169bea6bbdc707b54f123d09a7ef4ef34ce2b069d40", 5, 7, 5,
		{{"0101010101010101010101010101010101010101010101010101010101010101", 10u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 20u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 30u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 40u},
			{"0505050505050505050505050505050505050505050505050505050505050505", 50u},
			{"0606060606060606060606060606060606060606060606060606060606060606", 60u},
			{"0707070707070707070707070707070707070707070707070707070707070707", 70u}},
		{"0505050505050505050505050505050505050505050505050505050505050505",
			"0404040404040404040404040404040404040404040404040404040404040404",
			"0707070707070707070707070707070707070707070707070707070707070707",
			"0606060606060606060606060606060606060606060606060606060606060606",
			"0202020202020202020202020202020202020202020202020202020202020202"}},
	{"1111111111111111111111111111111111111111111111111111111111111111",
		"2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", 2u,
		"9db3f54be80460cdf67c1db45227a944f51eac8966d3c4a0378a8251b05abe04", 5, 7, 5,
		{{"0101010101010101010101010101010101010101010101010101010101010101", 10u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 20u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 30u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 40u},
			{"0505050505050505050505050505050505050505050505050505050505050505", 50u},
			{"0606060606060606060606060606060606060606060606060606060606060606", 60u},
			{"0707070707070707070707070707070707070707070707070707070707070707", 70u}},
		{"0404040404040404040404040404040404040404040404040404040404040404",
			"0606060606060606060606060606060606060606060606060606060606060606",
			"0303030303030303030303030303030303030303030303030303030303030303",
			"0707070707070707070707070707070707070707070707070707070707070707",
			"0101010101010101010101010101010101010101010101010101010101010101"}},
	{"1111111111111111111111111111111111111111111111111111111111111111",
		"2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", 1u,
		"693735e74f3e7cabb0f8e169bea6bbdc707b54f123d09a7ef4ef34ce2b069d40", 5, 7, 5,
		{{"0707070707070707070707070707070707070707070707070707070707070707", 70u},
			{"0606060606060606060606060606060606060606060606060606060606060606", 60u},
			{"0505050505050505050505050505050505050505050505050505050505050505", 50u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 40u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 30u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 20u},
			{"0101010101010101010101010101010101010101010101010101010101010101", 10u}},
		{"0505050505050505050505050505050505050505050505050505050505050505",
			"0404040404040404040404040404040404040404040404040404040404040404",
			"0707070707070707070707070707070707070707070707070707070707070707",
			"0606060606060606060606060606060606060606060606060606060606060606",
			"0202020202020202020202020202020202020202020202020202020202020202"}},
	{"3388ae8ce581e3c1dffda77442dbeba99ecab47d43246549f9c9750ecb267ff4",
		"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"5a247eda51bdbc3a98b228e276e0c57a066ec910bca06c4f557f4a86f8f87bdc", 5, 3, 2,
		{{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 5u},
			{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 0u},
			{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", 9u}},
		{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"}},
	{"3388ae8ce581e3c1dffda77442dbeba99ecab47d43246549f9c9750ecb267ff4",
		"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227", 1u,
		"5a247eda51bdbc3a98b228e276e0c57a066ec910bca06c4f557f4a86f8f87bdc", 11, 7, 7,
		{{"0101010101010101010101010101010101010101010101010101010101010101", 10u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 20u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 30u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 40u},
			{"0505050505050505050505050505050505050505050505050505050505050505", 50u},
			{"0606060606060606060606060606060606060606060606060606060606060606", 60u},
			{"0707070707070707070707070707070707070707070707070707070707070707", 70u}},
		{"0404040404040404040404040404040404040404040404040404040404040404",
			"0707070707070707070707070707070707070707070707070707070707070707",
			"0606060606060606060606060606060606060606060606060606060606060606",
			"0101010101010101010101010101010101010101010101010101010101010101",
			"0505050505050505050505050505050505050505050505050505050505050505",
			"0303030303030303030303030303030303030303030303030303030303030303",
			"0202020202020202020202020202020202020202020202020202020202020202"}},
	{"1111111111111111111111111111111111111111111111111111111111111111",
		"2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", 4u,
		"5d9e43d1523f12a4fb5ed07ba7de95a87b6d552ac07f94bbb6a024b5cbe4923e", 4, 4, 4,
		{{"0101010101010101010101010101010101010101010101010101010101010101", 4611686018427387904u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 4611686018427387904u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 1u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 3u}},
		{"0101010101010101010101010101010101010101010101010101010101010101",
			"0202020202020202020202020202020202020202020202020202020202020202",
			"0303030303030303030303030303030303030303030303030303030303030303",
			"0404040404040404040404040404040404040404040404040404040404040404"}},
	{"3388ae8ce581e3c1dffda77442dbeba99ecab47d43246549f9c9750ecb267ff4",
		"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901", 4294967295u,
		"a9c8fc160fa95b147a34988d5aeef1b0fbc2990a3b73eec4f42cc581a786846c", 5, 7, 5,
		{{"0101010101010101010101010101010101010101010101010101010101010101", 10u},
			{"0202020202020202020202020202020202020202020202020202020202020202", 20u},
			{"0303030303030303030303030303030303030303030303030303030303030303", 30u},
			{"0404040404040404040404040404040404040404040404040404040404040404", 40u},
			{"0505050505050505050505050505050505050505050505050505050505050505", 50u},
			{"0606060606060606060606060606060606060606060606060606060606060606", 60u},
			{"0707070707070707070707070707070707070707070707070707070707070707", 70u}},
		{"0404040404040404040404040404040404040404040404040404040404040404",
			"0707070707070707070707070707070707070707070707070707070707070707",
			"0303030303030303030303030303030303030303030303030303030303030303",
			"0505050505050505050505050505050505050505050505050505050505050505",
			"0202020202020202020202020202020202020202020202020202020202020202"}},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void id_of(void *id, const char *hex)
{
	CHECK(hex_read(id, ID_BYTES, hex, strlen(hex)));
}

TEST(draws_have_their_known_answers)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (size_t i = 0; i < COUNT(draws); i++) {
		struct sortition_entry entries[7];
		struct sha256 beacon, seed;
		struct item_id item;
		struct wn_error err = {0};
		id_of(&beacon, draws[i].beacon);
		id_of(&item, draws[i].item);
		for (size_t j = 0; j < draws[i].entry_count; j++) {
			id_of(&entries[j].validator, draws[i].entries[j].validator);
			entries[j].tickets = draws[i].entries[j].tickets;
		}
		sortition_seed(&beacon, &item, draws[i].round, &seed);
		CHECK_HEX(seed.bytes, ID_BYTES, draws[i].seed);
		struct sortition *sortition = NULL;
		CHECK_OK(sortition_open(&arena, entries, draws[i].entry_count, &sortition, &err), err);
		CHECK_OR_RETURN(sortition != NULL);
		/* Twice, because the first draw must have put everything back. */
		for (int turn = 0; turn < 2; turn++) {
			struct sortition_draw draw;
			sortition_draw(sortition, &beacon, &item, draws[i].round, draws[i].seats, NULL, 0, &draw);
			CHECK_INT((int64_t)draw.count, (int64_t)draws[i].drawn_count);
			for (size_t j = 0; j < draw.count && j < draws[i].drawn_count; j++)
				CHECK_HEX(draw.validators[j].bytes, ID_BYTES, draws[i].drawn[j]);
		}
	}
	wn_arena_free(&arena);
}

static size_t random_entries(uint64_t *state, struct sortition_entry *entries)
{
	size_t count = 1 + test_random(state) % VALIDATORS_MAX;
	memset(entries, 0, VALIDATORS_MAX * sizeof *entries);
	for (size_t i = 0; i < count; i++) {
		entries[i].validator.bytes[0] = (uint8_t)test_random(state);
		entries[i].validator.bytes[1] = (uint8_t)i; /* each once */
		entries[i].tickets =
			test_random(state) % 4 == 0 ? 0 : 1 + (test_random(state) >> (8 + test_random(state) % 50));
	}
	return count;
}

static bool same_draw(const struct sortition_draw *a, const struct sortition_draw *b)
{
	return a->count == b->count && memcmp(a->validators, b->validators, a->count * sizeof a->validators[0]) == 0;
}

TEST(leaving_validators_out_equals_a_list_without_them)
{
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < 200; round++) {
		wn_arena_reset(&arena);
		struct sortition_entry entries[VALIDATORS_MAX], shorter[VALIDATORS_MAX];
		struct account_key excluded[VALIDATORS_MAX + 2] = {0};
		size_t count = random_entries(&state, entries), shorter_count = 0, excluded_count = 0;
		for (size_t i = 0; i < count; i++) {
			if (test_random(&state) % 3 == 0)
				excluded[excluded_count++] = entries[i].validator;
			else
				shorter[shorter_count++] = entries[i];
		}
		size_t once = excluded_count;
		if (once > 0)
			excluded[excluded_count++] = excluded[0];	       /* named twice */
		memset(&excluded[excluded_count++], 0xee, sizeof excluded[0]); /* not on duty */
		struct sortition *whole = NULL, *part = NULL;
		struct wn_error err = {0};
		CHECK_OK(sortition_open(&arena, entries, count, &whole, &err), err);
		CHECK_OK(sortition_open(&arena, shorter, shorter_count, &part, &err), err);
		CHECK_OR_RETURN(whole && part);
		struct sha256 beacon = {{(uint8_t)round}};
		struct item_id item = {{(uint8_t)test_random(&state)}};
		struct sortition_draw by_exclusion, by_list, all, again;
		sortition_draw(whole, &beacon, &item, 1, 11, NULL, 0, &all);
		sortition_draw(whole, &beacon, &item, 1, 11, excluded, excluded_count, &by_exclusion);
		sortition_draw(part, &beacon, &item, 1, 11, NULL, 0, &by_list);
		sortition_draw(whole, &beacon, &item, 1, 11, NULL, 0, &again);
		CHECK(same_draw(&by_exclusion, &by_list));
		CHECK(same_draw(&all, &again));
		for (size_t i = 0; i < all.count; i++)
			for (size_t j = 0; j < i; j++)
				CHECK(memcmp(&all.validators[i], &all.validators[j], sizeof all.validators[i]) != 0);
	}
	wn_arena_free(&arena);
}

TEST(the_order_of_the_list_does_not_matter)
{
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < 100; round++) {
		wn_arena_reset(&arena);
		struct sortition_entry entries[VALIDATORS_MAX];
		size_t count = random_entries(&state, entries);
		struct sortition *first = NULL, *second = NULL;
		struct wn_error err = {0};
		CHECK_OK(sortition_open(&arena, entries, count, &first, &err), err);
		for (size_t i = count - 1; i > 0; i--) {
			size_t other = test_random(&state) % (i + 1);
			struct sortition_entry kept = entries[i];
			entries[i] = entries[other];
			entries[other] = kept;
		}
		CHECK_OK(sortition_open(&arena, entries, count, &second, &err), err);
		CHECK_OR_RETURN(first && second);
		struct sha256 beacon = {{7}};
		struct item_id item = {{(uint8_t)round}};
		struct sortition_draw a, b;
		sortition_draw(first, &beacon, &item, 1, SORTITION_SEATS_MAX, NULL, 0, &a);
		sortition_draw(second, &beacon, &item, 1, SORTITION_SEATS_MAX, NULL, 0, &b);
		CHECK(same_draw(&a, &b));
	}
	wn_arena_free(&arena);
}

TEST(seats_come_in_the_measure_of_tickets)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct sortition_entry entries[4] = {{{{1}}, 1}, {{{2}}, 2}, {{{3}}, 0}, {{{4}}, 7}};
	struct sortition *sortition = NULL;
	struct wn_error err = {0};
	CHECK_OK(sortition_open(&arena, entries, 4, &sortition, &err), err);
	CHECK_OR_RETURN(sortition != NULL);
	int drawn[5] = {0};
	struct sha256 beacon = {{9}};
	for (uint32_t round = 1; round <= DRAWS; round++) {
		struct item_id item = {{1}};
		struct sortition_draw draw;
		sortition_draw(sortition, &beacon, &item, round, 1, NULL, 0, &draw);
		CHECK_OR_RETURN(draw.count == 1 && draw.validators[0].bytes[0] <= 4);
		drawn[draw.validators[0].bytes[0]]++;
	}
	/* Fixed inputs, so a fixed result: 2000, 4000 and 14000 are expected, 5 standard deviations allowed. */
	CHECK(drawn[1] > 1788 && drawn[1] < 2212);
	CHECK(drawn[2] > 3717 && drawn[2] < 4283);
	CHECK_INT(drawn[3], 0);
	CHECK(drawn[4] > 13676 && drawn[4] < 14324);
	wn_arena_free(&arena);
}

TEST(a_list_that_cannot_be_drawn_from_is_refused)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct sortition_entry twice[2] = {{{{1}}, 1}, {{{1}}, 2}}, many[2] = {{{{1}}, UINT64_MAX}, {{{2}}, 1}};
	struct sortition *sortition = NULL;
	struct wn_error err = {0};
	CHECK(!sortition_open(&arena, twice, 2, &sortition, &err));
	CHECK_TEXT(err.code, "sortition_twice");
	CHECK(!sortition_open(&arena, many, 2, &sortition, &err));
	CHECK_TEXT(err.code, "sortition_tickets");
	many[1].tickets = 0;
	CHECK_OK(sortition_open(&arena, many, 2, &sortition, &err), err);
	struct sortition_draw draw;
	struct sha256 beacon = {{0}};
	struct item_id item = {{0}};
	sortition_draw(sortition, &beacon, &item, 1, 2, NULL, 0, &draw);
	CHECK_INT((int64_t)draw.count, 1);
	CHECK_OK(sortition_open(&arena, NULL, 0, &sortition, &err), err);
	sortition_draw(sortition, &beacon, &item, 1, 2, &many[0].validator, 1, &draw);
	CHECK_INT((int64_t)draw.count, 0);
	wn_arena_free(&arena);
	wn_arena_init(&arena, 16);
	CHECK(!sortition_open(&arena, many, 2, &sortition, &err));
	CHECK_TEXT(err.code, "memory");
	wn_arena_free(&arena);
}
