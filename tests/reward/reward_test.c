/* Known answers of mechanism.md 4 and 6 for splits, emission, pay, vesting and claims, and their properties. */
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

#include "reward/claims.h"
#include "reward/emission.h"
#include "reward/pay.h"
#include "reward/shares.h"
#include "reward/tokens.h"
#include "reward/vesting.h"

SUITE("reward")

enum { SPLIT_MOST = 8, ARENA_BYTES = 1 << 26 };

static const struct {
	int64_t total;
	size_t count;
	int64_t weights[SPLIT_MOST], shares[SPLIT_MOST];
} splits[] = {
	{100, 3, {1, 1, 1}, {34, 33, 33}},
	{10, 4, {0, 3, 3, 1}, {0, 4, 4, 2}},
	{7, 4, {5, 5, 5, 5}, {2, 2, 2, 1}},
	{5, 3, {9223372036854775807LL, 1, 4611686018427387904LL}, {3, 0, 2}},
	{0, 2, {3, 4}, {0, 0}},
	{9, 2, {0, 0}, {0, 0}},
	{1, 2, {0, 1}, {0, 1}},
	{1, 2, {1, 1}, {1, 0}},
	{9223372036854775807LL, 3, {1, 2, 3}, {1537228672809129301LL, 3074457345618258602LL, 4611686018427387904LL}},
	{9223372036854775807LL, 3, {4611686018427387904LL, 4611686018427387904LL, 4611686018427387903LL},
		{3074457345618258603LL, 3074457345618258602LL, 3074457345618258602LL}},
	{1000000, 5, {550000, 300000, 50000, 50000, 50000}, {550000, 300000, 50000, 50000, 50000}},
	{19767862795561LL, 5, {550000, 300000, 50000, 50000, 50000},
		{10872324537559LL, 5930358838668LL, 988393139778LL, 988393139778LL, 988393139778LL}},
	{3, 7, {1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 0, 0, 0, 0}},
	{10, 2, {1000000, 1}, {10, 0}},
	{17, 8, {3, 1, 4, 1, 5, 9, 2, 6}, {2, 1, 2, 0, 3, 5, 1, 3}},
};

struct emission_row {
	int64_t unminted, offer, accepted, minted, shares[SHARE_COUNT], after;
};
static const struct emission_row emission_hourly[] = {
	{1000000000000000000LL, 19767862795561LL, -1, 19767862795561LL,
		{10872324537559LL, 5930358838668LL, 988393139778LL, 988393139778LL, 988393139778LL},
		999980232137204439LL},
	{999980232137204439LL, 19767472027161LL, -1, 19767472027161LL,
		{10872109614939LL, 5930241608148LL, 988373601358LL, 988373601358LL, 988373601358LL},
		999960464665177278LL},
	{999960464665177278LL, 19767081266486LL, -1, 19767081266486LL,
		{10871894696568LL, 5930124379946LL, 988354063324LL, 988354063324LL, 988354063324LL},
		999940697583910792LL},
	{999940697583910792LL, 19766690513536LL, -1, 19766690513536LL,
		{10871679782445LL, 5930007154061LL, 988334525677LL, 988334525677LL, 988334525676LL},
		999920930893397256LL},
	{999920930893397256LL, 19766299768310LL, -1, 19766299768310LL,
		{10871464872571LL, 5929889930493LL, 988314988416LL, 988314988415LL, 988314988415LL},
		999901164593628946LL},
};
static const struct emission_row emission_daily[] = {
	{1000000000000000000LL, 474320862849708LL, -1, 474320862849708LL,
		{260876474567340LL, 142296258854913LL, 23716043142485LL, 23716043142485LL, 23716043142485LL},
		999525679137150292LL},
	{999525679137150292LL, 474095882568774LL, -1, 474095882568774LL,
		{260752735412826LL, 142228764770632LL, 23704794128439LL, 23704794128439LL, 23704794128438LL},
		999051583254581518LL},
	{999051583254581518LL, 473871009000680LL, -1, 473871009000680LL,
		{260629054950374LL, 142161302700204LL, 23693550450034LL, 23693550450034LL, 23693550450034LL},
		998577712245580838LL},
	{998577712245580838LL, 473646242094811LL, -1, 473646242094811LL,
		{260505433152146LL, 142093872628443LL, 23682312104741LL, 23682312104741LL, 23682312104740LL},
		998104066003486027LL},
	{998104066003486027LL, 473421581800576LL, -1, 473421581800576LL,
		{260381869990317LL, 142026474540173LL, 23671079090029LL, 23671079090029LL, 23671079090028LL},
		997630644421685451LL},
};
static const struct emission_row emission_capped[] = {
	{1000000000000000000LL, 19767862795561LL, 0, 0LL, {0LL, 0LL, 0LL, 0LL, 0LL}, 1000000000000000000LL},
	{1000000000000000000LL, 19767862795561LL, 1000, 1500000000000LL,
		{825000000000LL, 450000000000LL, 75000000000LL, 75000000000LL, 75000000000LL}, 999998500000000000LL},
	{999998500000000000LL, 19767833143766LL, 20000, 19767833143766LL,
		{10872308229072LL, 5930349943130LL, 988391657188LL, 988391657188LL, 988391657188LL},
		999978732166856234LL},
	{999978732166856234LL, 19767442375953LL, 3, 4500000000LL,
		{2475000000LL, 1350000000LL, 225000000LL, 225000000LL, 225000000LL}, 999978727666856234LL},
	{999978727666856234LL, 19767442286998LL, 13178, 19767000000000LL,
		{10871850000000LL, 5930100000000LL, 988350000000LL, 988350000000LL, 988350000000LL},
		999958960666856234LL},
};

enum { PAY_MOST = 4 };
static const struct {
	size_t count;
	int64_t scores[PAY_MOST], pool, seats, locked[PAY_MOST];
	uint64_t weight;
	int64_t price_max, paid, pay[PAY_MOST], slash[PAY_MOST];
} pays[] = {
	{3, {500000, 300000, -200000}, 1000003, 3, {0, 0, 10000000}, 800000, 1333337, 1000003, {625002, 375001, 0},
		{0, 0, 375001}},
	{4, {100000, 50000, -900000, -1}, 1000000, 40, {0, 0, 500, 500}, 150000, 100000, 15000, {10000, 5000, 0, 0},
		{0, 0, 500, 0}},
	{3, {3000000, 2000000, -1000001}, 1000003, 40, {0, 0, 1000000}, 5000000, 100000, 500000, {300000, 200000, 0},
		{0, 0, 150000}},
	{2, {0, -5}, 1000, 2, {0, 1000}, 0, 0, 0, {0, 0}, {0, 0}},
	{3, {700000, 700000, 700000}, 1000, 3, {0, 0, 0}, 2100000, 1333, 1000, {334, 333, 333}, {0, 0, 0}},
	{3, {4000000000000LL, 1999999999999LL, -3999999999999LL}, 100000000000000000LL, 8000000,
		{0, 0, 1000000000000000000LL}, 5999999999999LL, 50000000000LL, 100000000000000000LL,
		{66666666666677778LL, 33333333333322222LL, 0}, {0, 0, 99999999999991666LL}},
	{2, {700000, -700000}, 0, 2, {0, 1000}, 700000, 0, 0, {0, 0}, {0, 0}},
};

enum { CLAIMS = 5, CLAIM_PROOF_MOST = 3 };
static const struct {
	const char *account;
	int64_t cumulative;
	const char *leaf, *proof[CLAIM_PROOF_MOST];
	size_t proof_count;
} claim_cases[CLAIMS] = {
	{"0000000000000000000000001122334455667788990011223344556677889900", 77LL,
		"cd91b6bbf78655e03744a38711232e6bb0d437eb30daf72833a93e79e463a54f",
		{"132bbb32f9e2d4fee787430abba799501346e717d79eafd647f111660b8a2925",
			"0e56fca54002fb179b5a21a7d6576fb05326202712330757c97c1656e8792ad2",
			"b125884425ac7b604fcbd762a7f650c8faf08f37d19b1ddc844cbd53659f9823"},
		3},
	{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", 1LL,
		"132bbb32f9e2d4fee787430abba799501346e717d79eafd647f111660b8a2925",
		{"cd91b6bbf78655e03744a38711232e6bb0d437eb30daf72833a93e79e463a54f",
			"0e56fca54002fb179b5a21a7d6576fb05326202712330757c97c1656e8792ad2",
			"b125884425ac7b604fcbd762a7f650c8faf08f37d19b1ddc844cbd53659f9823"},
		3},
	{"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", 19767862795561LL,
		"3ed9e030a5d3c76ad81904a8bfa5c3fd72a40eedcc1c75a793b24f61c7182d20",
		{"1b594a81ebf7acf62e75a29d17b052b063c89ea66a9d4e83a541b507c2d75c34",
			"96e994887fc98043cd65e5b3b74c9ab9ef5a7b814f9946d9fcb8e7b321b8d40e",
			"b125884425ac7b604fcbd762a7f650c8faf08f37d19b1ddc844cbd53659f9823"},
		3},
	{"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", 1000000000000000000LL,
		"1b594a81ebf7acf62e75a29d17b052b063c89ea66a9d4e83a541b507c2d75c34",
		{"3ed9e030a5d3c76ad81904a8bfa5c3fd72a40eedcc1c75a793b24f61c7182d20",
			"96e994887fc98043cd65e5b3b74c9ab9ef5a7b814f9946d9fcb8e7b321b8d40e",
			"b125884425ac7b604fcbd762a7f650c8faf08f37d19b1ddc844cbd53659f9823"},
		3},
	{"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", 9007199254740992LL,
		"b125884425ac7b604fcbd762a7f650c8faf08f37d19b1ddc844cbd53659f9823",
		{"209523e7b888894b70900ca3b268e686b3c0323266d58a2eb0b34422f2276d13"}, 1},
};
static const char claims_root_hex[] = "d6172f958149b025d7bb8350e9a8d526ef3e6bf37ec56e0ee2c5ab487411e37f";

static struct wn_arena test_arena(void)
{
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	return arena;
}

TEST(amounts_that_would_wrap_are_refused)
{
	int64_t sum = 7;
	CHECK(tokens_add(INT64_MAX - 1, 1, &sum));
	CHECK_INT(sum, INT64_MAX);
	CHECK(!tokens_add(INT64_MAX, 1, &sum));
	CHECK(!tokens_add(1, INT64_MAX, &sum));
	CHECK(!tokens_add(-1, 5, &sum));
	CHECK(!tokens_add(5, -1, &sum));
	CHECK_INT(sum, INT64_MAX);
	CHECK(tokens_take(5, 5, &sum));
	CHECK_INT(sum, 0);
	CHECK(!tokens_take(5, 6, &sum));
	CHECK(!tokens_take(5, -1, &sum));
	CHECK(!tokens_take(INT64_MIN, 1, &sum));
	CHECK_INT(sum, 0);
}

TEST(largest_remainder_gives_the_known_shares)
{
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	for (size_t c = 0; c < sizeof splits / sizeof splits[0]; c++) {
		int64_t shares[SPLIT_MOST];
		CHECK_OK(shares_split(&arena, splits[c].total, splits[c].weights, splits[c].count, shares, &err), err);
		for (size_t i = 0; i < splits[c].count; i++)
			CHECK_INT(shares[i], splits[c].shares[i]);
	}
	wn_arena_free(&arena);
}

/* Small weights, full-range weights, zeros and equal ones, in one mixture. */
static int64_t random_weight(uint64_t *state)
{
	uint64_t bits = test_random(state);
	switch (bits & 3) {
	case 0:
		return (int64_t)(test_random(state) >> 1);
	case 1:
		return (int64_t)(test_random(state) % 10);
	case 2:
		return (int64_t)(test_random(state) >> (1 + bits / 4 % 62));
	default:
		return INT64_MAX;
	}
}

/* |share - total * w / W| < 1 in integers: share * W lies less than W away from total * w. */
static bool share_is_near(int64_t share, int64_t total, int64_t weight, unsigned __int128 sum)
{
	unsigned __int128 exact = (unsigned __int128)total * (unsigned __int128)weight;
	unsigned __int128 floor = exact / sum;
	return (unsigned __int128)share == floor || ((unsigned __int128)share == floor + 1 && exact % sum != 0);
}

static void split_is_sound(struct wn_arena *arena, size_t count, uint64_t *state)
{
	struct wn_error err = {0};
	int64_t *weights = wn_arena_array(arena, count, sizeof *weights),
		*shares = wn_arena_array(arena, count, sizeof *shares);
	int64_t *turned = wn_arena_array(arena, count, sizeof *turned),
		*turned_shares = wn_arena_array(arena, count, sizeof *turned_shares);
	size_t *place = wn_arena_array(arena, count, sizeof *place);
	int64_t total = random_weight(state), given = 0;
	unsigned __int128 sum = 0;
	CHECK_OR_RETURN(weights && shares && turned && turned_shares && place);
	for (size_t i = 0; i < count; i++) {
		weights[i] = random_weight(state);
		sum += (unsigned __int128)weights[i];
		place[i] = i;
	}
	CHECK_OK(shares_split(arena, total, weights, count, shares, &err), err);
	bool near = true;
	for (size_t i = 0; i < count; i++) {
		given += shares[i];
		near = near && (sum == 0 ? shares[i] == 0 : share_is_near(shares[i], total, weights[i], sum));
	}
	CHECK(near);
	CHECK_INT(given, sum == 0 ? 0 : total);

	/* Turning the order changes nobody's share, but for the last units among those who tie with equal remainders.
	 */
	for (size_t i = count; i > 1; i--) {
		size_t j = test_random(state) % i, kept = place[i - 1];
		place[i - 1] = place[j];
		place[j] = kept;
	}
	for (size_t i = 0; i < count; i++)
		turned[i] = weights[place[i]];
	CHECK_OK(shares_split(arena, total, turned, count, turned_shares, &err), err);
	unsigned __int128 differing = 0;
	bool seen = false, tied = true;
	for (size_t i = 0; i < count; i++) {
		if (turned_shares[i] == shares[place[i]])
			continue;
		unsigned __int128 rest = (unsigned __int128)total * (unsigned __int128)turned[i] % sum;
		tied = tied && (!seen || rest == differing);
		differing = rest;
		seen = true;
	}
	CHECK(tied);
}

TEST(a_split_of_anything_sums_exactly_and_no_share_is_a_unit_off)
{
	struct wn_arena arena = test_arena();
	uint64_t state = test_seed();
	for (int round = 0; round < 400; round++) {
		split_is_sound(&arena, 1 + test_random(&state) % 200, &state);
		wn_arena_reset(&arena);
	}
	split_is_sound(&arena, 100000, &state);
	wn_arena_free(&arena);
}

TEST(a_split_without_memory_says_so)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	int64_t weights[64] = {1}, shares[64];
	wn_arena_init(&arena, 16);
	CHECK(!shares_split(&arena, 5, weights, 64, shares, &err));
	CHECK_INT(err.blame, WN_FULL);
	CHECK_TEXT(err.code, "memory");
	wn_arena_free(&arena);
}

static void emission_follows(const struct emission_row *rows, size_t count, int64_t rate, int64_t per_item_ceiling)
{
	struct policy policy;
	policy_default(&policy);
	int64_t unminted = rows[0].unminted;
	for (size_t i = 0; i < count; i++) {
		int64_t shares[SHARE_COUNT], sum = 0;
		struct emission_work work = {rows[i].accepted, per_item_ceiling};
		CHECK_INT(unminted, rows[i].unminted);
		int64_t offer = emission_offer(unminted, rate);
		CHECK_INT(offer, rows[i].offer);
		int64_t minted = emission_minted(offer, rows[i].accepted < 0 ? INT64_MAX : emission_ceiling(&work, 1));
		CHECK_INT(minted, rows[i].minted);
		emission_shares(minted, policy.shares_ppm, shares);
		for (int s = 0; s < SHARE_COUNT; s++) {
			CHECK_INT(shares[s], rows[i].shares[s]);
			sum += shares[s];
		}
		CHECK_INT(sum, minted);
		unminted -= minted;
		CHECK_INT(unminted, rows[i].after);
	}
}

TEST(emission_gives_the_known_figures)
{
	emission_follows(emission_hourly, sizeof emission_hourly / sizeof emission_hourly[0], 21734995, 0);
	emission_follows(emission_daily, sizeof emission_daily / sizeof emission_daily[0], 521521304, 0);
	emission_follows(emission_capped, sizeof emission_capped / sizeof emission_capped[0], 21734995, 1500000000);
}

TEST(emission_halves_in_four_years_and_ends_by_itself)
{
	int64_t unminted = 1000000000000000000LL, last = INT64_MAX;
	bool falls = true;
	for (int epoch = 0; epoch < 35064; epoch++) {
		int64_t offer = emission_offer(unminted, 21734995);
		falls = falls && offer <= last;
		last = offer;
		unminted -= offer;
	}
	CHECK(falls);
	CHECK_INT(unminted, 499999994227274735LL);
	CHECK_INT(emission_offer(50588, 21734995), 1);
	CHECK_INT(emission_offer(50587, 21734995), 0);
	CHECK_INT(emission_offer(0, 21734995), 0);
	/* Everything at once is the most that a policy may say. */
	CHECK_INT(emission_offer(INT64_MAX, 1LL << 40), INT64_MAX);
}

TEST(ceilings_add_up_over_campaigns_and_stop_at_the_top)
{
	struct emission_work work[] = {{3, 1000}, {0, INT64_MAX}, {5, 7}};
	CHECK_INT(emission_ceiling(work, 3), 3035);
	CHECK_INT(emission_ceiling(NULL, 0), 0);
	struct emission_work large[] = {{INT64_MAX, INT64_MAX}, {INT64_MAX, INT64_MAX}, {INT64_MAX, INT64_MAX}, {1, 1}};
	CHECK_INT(emission_ceiling(large, 4), INT64_MAX);
	CHECK_INT(emission_minted(10, 9), 9);
	CHECK_INT(emission_minted(9, 10), 9);
}

static void line_account(struct pay_line *line, size_t index)
{
	memset(line, 0, sizeof *line);
	line->account.bytes[0] = (uint8_t)(index >> 8);
	line->account.bytes[1] = (uint8_t)index;
}

TEST(scores_become_the_known_pay_and_slashes)
{
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	for (size_t c = 0; c < sizeof pays / sizeof pays[0]; c++) {
		struct pay_line lines[PAY_MOST];
		struct pay_total total;
		for (size_t i = 0; i < pays[c].count; i++) {
			line_account(&lines[i], i);
			lines[i].score = pays[c].scores[i];
			lines[i].locked = pays[c].locked[i];
		}
		CHECK_OK(pay_compute(&arena, lines, pays[c].count, pays[c].pool, pays[c].seats, &total, &err), err);
		CHECK(total.weight == pays[c].weight);
		CHECK_INT(total.price_max, pays[c].price_max);
		CHECK_INT(total.paid, pays[c].paid);
		int64_t slashed = 0;
		for (size_t i = 0; i < pays[c].count; i++) {
			CHECK_INT(lines[i].pay, pays[c].pay[i]);
			CHECK_INT(lines[i].slash, pays[c].slash[i]);
			slashed += lines[i].slash;
		}
		CHECK_INT(total.slashed, slashed);
	}
	wn_arena_free(&arena);
}

TEST(without_a_tallied_vote_nobody_is_paid_or_slashed)
{
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	struct pay_line lines[2];
	struct pay_total total;
	line_account(&lines[0], 0);
	line_account(&lines[1], 1);
	lines[0].score = 1000000;
	lines[1].score = -1000000;
	lines[1].locked = 50;
	CHECK_OK(pay_compute(&arena, lines, 2, 1000000, 0, &total, &err), err);
	CHECK_INT(total.paid, 0);
	CHECK_INT(lines[0].pay, 0);
	CHECK_INT(lines[1].slash, 0);
	CHECK_OK(pay_compute(&arena, lines, 0, 1000000, 5, &total, &err), err);
	CHECK_INT(total.paid, 0);
	wn_arena_free(&arena);
}

/* Invariants 5 and 6: payouts sum to V', nobody without a positive score is paid, a slash stays within the bonds. */
TEST(pay_and_slashes_of_any_scores_stay_within_pool_and_bonds)
{
	enum { LINES = 64 };
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	uint64_t state = test_seed();
	for (int round = 0; round < 2000; round++) {
		struct pay_line lines[LINES];
		struct pay_total total;
		size_t count = test_random(&state) % (LINES + 1);
		bool extreme = round % 4 == 0;
		for (size_t i = 0; i < count; i++) {
			line_account(&lines[i], i);
			uint64_t bits = test_random(&state);
			lines[i].score = extreme ? (int64_t)bits : (int64_t)(bits % 4000001) - 2000000;
			lines[i].locked = (int64_t)(test_random(&state) >> (7 + test_random(&state) % 56));
		}
		if (extreme && count > 0)
			lines[0].score = INT64_MIN;
		int64_t pool = (int64_t)(test_random(&state) >> (1 + test_random(&state) % 60));
		int64_t seats = 1 + (int64_t)(test_random(&state) >> (2 + test_random(&state) % 61));
		CHECK_OK(pay_compute(&arena, lines, count, pool, seats, &total, &err), err);
		int64_t paid = 0, slashed = 0, burned, reserve;
		bool fair = true;
		for (size_t i = 0; i < count; i++) {
			paid += lines[i].pay;
			slashed += lines[i].slash;
			fair = fair && lines[i].pay >= 0 && lines[i].slash >= 0 && lines[i].slash <= lines[i].locked &&
			       (lines[i].score > 0 || lines[i].pay == 0) && (lines[i].score < 0 || lines[i].slash == 0);
		}
		CHECK(fair);
		CHECK_INT(paid, total.paid);
		CHECK_INT(slashed, total.slashed);
		CHECK(total.paid <= pool);
		pay_slash_split(slashed, &burned, &reserve);
		CHECK_INT(burned + reserve, slashed);
		CHECK(burned <= reserve && reserve - burned <= 1);
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}

TEST(a_grant_vests_in_a_line_without_ever_falling_back)
{
	CHECK_INT(vesting_vested(100, -5, 30), 0);
	CHECK_INT(vesting_vested(100, 0, 30), 0);
	CHECK_INT(vesting_vested(100, 1, 30), 3);
	CHECK_INT(vesting_vested(100, 29, 30), 96);
	CHECK_INT(vesting_vested(100, 30, 30), 100);
	CHECK_INT(vesting_vested(100, INT64_MAX, 30), 100);
	CHECK_INT(vesting_vested(100, 0, 0), 100);
	CHECK_INT(vesting_vested(100, -1, 0), 0);
	CHECK_INT(vesting_vested(INT64_MAX, INT64_MAX - 1, INT64_MAX), INT64_MAX - 1);
	CHECK_INT(vesting_kind(0), LEDGER_FREE);
	CHECK_INT(vesting_kind(1), LEDGER_VESTING);
	uint64_t state = test_seed();
	for (int round = 0; round < 200; round++) {
		int64_t total = random_weight(&state), period = 1 + (int64_t)(test_random(&state) >> 24), last = 0;
		bool rises = true;
		for (int step = 0; step <= 50; step++) {
			int64_t vested = vesting_vested(total, period / 50 * step, period);
			rises = rises && vested >= last && vested <= total;
			last = vested;
		}
		CHECK(rises);
		CHECK_INT(vesting_vested(total, period, period), total);
	}
}

static void claim_read(struct claim claims[CLAIMS])
{
	for (size_t i = 0; i < CLAIMS; i++) {
		CHECK(hex_read(
			claims[i].account.bytes, ID_BYTES, claim_cases[i].account, strlen(claim_cases[i].account)));
		claims[i].cumulative = claim_cases[i].cumulative;
	}
}

TEST(claims_have_the_known_leaves_root_and_proofs)
{
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	struct claim claims[CLAIMS];
	struct claims_tree tree;
	struct sha256 root, leaf;
	claim_read(claims);
	claims_begin(&tree);
	for (size_t i = 0; i < CLAIMS; i++)
		claims_add(&tree, &claims[i]);
	claims_root(&tree, &root);
	CHECK_HEX(root.bytes, ID_BYTES, claims_root_hex);
	for (size_t i = 0; i < CLAIMS; i++) {
		struct tree_proof proof;
		uint64_t index, size;
		claims_leaf(&claims[i], &leaf);
		CHECK_HEX(leaf.bytes, ID_BYTES, claim_cases[i].leaf);
		CHECK_OK(claims_proof(&arena, claims, CLAIMS, i, &index, &size, &proof, &err), err);
		CHECK_INT(index, i);
		CHECK_INT(size, CLAIMS);
		CHECK_INT(proof.count, claim_cases[i].proof_count);
		for (size_t p = 0; p < proof.count; p++)
			CHECK_HEX(proof.hashes[p].bytes, ID_BYTES, claim_cases[i].proof[p]);
		CHECK(tree_inclusion_holds(&leaf, index, size, &proof, &root));
		struct claim more = claims[i];
		more.cumulative--;
		if (more.cumulative > 0) {
			claims_leaf(&more, &leaf);
			CHECK(!tree_inclusion_holds(&leaf, index, size, &proof, &root));
		}
	}
	wn_arena_free(&arena);
}

TEST(an_account_that_was_never_paid_has_no_leaf)
{
	struct wn_arena arena = test_arena();
	struct wn_error err = {0};
	struct claim claims[CLAIMS + 2] = {0};
	struct claims_tree tree;
	struct tree_proof proof;
	struct sha256 root, empty;
	uint64_t index, size;
	claim_read(claims + 1);
	memset(claims[CLAIMS + 1].account.bytes, 0xff, ID_BYTES);
	claims[CLAIMS].account.bytes[31] = 0xfe;
	claims_begin(&tree);
	claims_root(&tree, &empty);
	CHECK_HEX(empty.bytes, ID_BYTES, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < CLAIMS + 2; i++)
		claims_add(&tree, &claims[i]);
	CHECK_OK(claims_proof(&arena, claims, CLAIMS + 2, 3, &index, &size, &proof, &err), err);
	CHECK_INT(index, 2);
	CHECK_INT(size, CLAIMS);
	struct sha256 leaf;
	claims_leaf(&claims[3], &leaf);
	claims_root(&tree, &root);
	CHECK(tree_inclusion_holds(&leaf, index, size, &proof, &root));
	wn_arena_free(&arena);
}
