/* One vote's worth, one item's scores: known answers, and what must hold for every number of classes. */
#include "tests/check.h"

#include <pthread.h>
#include <string.h>

#include "core/hash.h"
#include "vote/tally.h"

SUITE("tally")

enum { ROUNDS = 400, VALIDATORS = 24, VOTES = 30, THREADS = 4 };

static const struct {
	uint64_t x;
	int64_t log2, lg;
} logarithms[] = {
	{1u, 0, 0},
	{2u, 65536, 65536},
	{3u, 103872, 103872},
	{5u, 152169, 152169},
	{7u, 183982, 183982},
	{10u, 217705, 217705},
	{1000u, 653117, 653117},
	{65535u, 1048574, 1048574},
	{65536u, 1048576, 1048576},
	{65537u, 1048577, 1048576},
	{1000000007u, 1959352, 1959352},
	{4294967295u, 2097151, 2097150},
	{4294967296u, 2097152, 2097152},
	{9223372036854775807u, 4128767, 4128766},
	{18446744073709551615u, 4194303, 4194302},
};
static const struct {
	int classes;
	int64_t scores[4], weight[4], label[4];
	int verdict;
	int64_t margin;
	int32_t p_good;
} softs[] = {
	{2, {0, -65536}, {65536, 32768}, {43, 21}, 0, 65536, 333333},
	{2, {0, -327680}, {65536, 2048}, {63, 1}, 0, 327680, 30303},
	{2, {0, 0}, {65536, 65536}, {32, 32}, 0, 0, 500000},
	{2, {-70000, 0}, {31378, 65536}, {20, 44}, 1, 70000, 676228},
	{3, {0, 0, 0}, {65536, 65536, 65536}, {22, 21, 21}, 0, 0, 666666},
	{3, {-5, -3, -3}, {65536, 65536, 65536}, {21, 22, 21}, 1, 0, 666666},
	{2, {0, -4095}, {65536, 65536}, {32, 32}, 0, 4095, 500000},
	{2, {0, -4096}, {65536, 62757}, {33, 31}, 0, 4096, 489169},
	{2, {0, -2621440}, {65536, 0}, {64, 0}, 0, 2621440, 0},
	{4, {-100000, -30000, -65536, -90001}, {31378, 65536, 46341, 35734}, {11, 25, 16, 12}, 1, 35536, 824693},
};
static const struct {
	int classes;
	bool has_counts;
	int64_t counts[16], pooled[16], of_validator[16], of_new[16]; /* rows behind one another */
} weightings[] = {
	{2, false, {0}, {268, 115, 115, 268}, {0}, {0, -79993, -79993, 0}},
	{3, false, {0}, {268, 57, 57, 57, 268, 57, 57, 57, 268}, {0},
		{0, -146355, -146355, -146355, 0, -146355, -146355, -146355, 0}},
	{4, false, {0}, {268, 38, 38, 38, 38, 268, 38, 38, 38, 38, 268, 38, 38, 38, 38, 268}, {0},
		{0, -184691, -184691, -184691, -184691, 0, -184691, -184691, -184691, -184691, 0, -184691, -184691,
			-184691, -184691, 0}},
	{3, true, {500, 20, 0, 64, 900, 70, 3, 5, 8}, {285, 50, 47, 47, 287, 48, 57, 57, 268},
		{0, -224998, -244731, -227591, 0, -200335, -165761, -159116, 0},
		{0, -165220, -164594, -170409, 0, -162603, -152170, -152831, 0}},
	{2, true, {10, 9000, 9000, 10}, {59, 324, 324, 59}, {-393216, 0, 0, -393216}, {-161036, 0, 0, -161036}},
	{2, true, {0, 0, 0, 1000000000000000}, {268, 115, 1, 383}, {0, -113751, -393216, 0}, {0, -113504, -393216, 0}},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

TEST(logarithms_have_their_known_answers)
{
	for (size_t i = 0; i < COUNT(logarithms); i++) {
		CHECK_INT(tally_log2(logarithms[i].x), logarithms[i].log2);
		CHECK_INT(tally_lg(logarithms[i].x), logarithms[i].lg);
	}
}

TEST(logarithms_never_fall_and_powers_of_two_are_whole)
{
	int64_t before = -1;
	for (uint64_t x = 1; x < 200000; x++) {
		int64_t lg = tally_lg(x);
		CHECK_OR_RETURN(lg >= before);
		before = lg;
	}
	for (int bit = 0; bit < 64; bit++) {
		CHECK_INT(tally_log2((uint64_t)1 << bit), (int64_t)bit << 16);
		CHECK_INT(tally_lg((uint64_t)1 << bit), (int64_t)bit << 16);
	}
	uint64_t state = test_seed();
	for (int i = 0; i < 20000; i++) {
		uint64_t x = test_random(&state) >> (test_random(&state) % 64);
		CHECK_OR_RETURN(x == 0 || tally_lg(x) <= tally_log2(x));
		CHECK_OR_RETURN(x == 0 || tally_log2(x) - tally_lg(x) <= 3);
	}
}

static void *lg_in_a_thread(void *sum)
{
	for (uint64_t x = 1; x < 70000; x++)
		*(int64_t *)sum += tally_lg(x);
	return NULL;
}

TEST(threads_that_ask_at_once_get_the_same_logarithms)
{
	pthread_t threads[THREADS];
	int64_t sums[THREADS] = {0}, alone = 0;
	for (int i = 0; i < THREADS; i++)
		CHECK_OR_RETURN(pthread_create(&threads[i], NULL, lg_in_a_thread, &sums[i]) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	lg_in_a_thread(&alone);
	for (int i = 0; i < THREADS; i++)
		CHECK_INT(sums[i], alone);
}

TEST(soft_labels_verdicts_and_margins_have_their_known_answers)
{
	for (size_t i = 0; i < COUNT(softs); i++) {
		int classes = softs[i].classes;
		int64_t weight[TALLY_CLASSES_MAX], label[TALLY_CLASSES_MAX];
		tally_soft(classes, softs[i].scores, weight, label);
		for (int a = 0; a < classes; a++) {
			CHECK_INT(weight[a], softs[i].weight[a]);
			CHECK_INT(label[a], softs[i].label[a]);
		}
		CHECK_INT(tally_verdict(classes, softs[i].scores), softs[i].verdict);
		CHECK_INT(tally_margin(classes, softs[i].scores), softs[i].margin);
		CHECK_INT(tally_p_good(classes, softs[i].scores, ~1u), softs[i].p_good);
	}
}

TEST(vote_weights_have_their_known_answers)
{
	for (size_t i = 0; i < COUNT(weightings); i++) {
		int classes = weightings[i].classes;
		int64_t sum[TALLY_CELLS_MAX] = {0}, pooled[TALLY_CELLS_MAX];
		if (weightings[i].has_counts)
			tally_pool(classes, weightings[i].counts, sum);
		tally_prior(classes, sum, pooled);
		int32_t known[TALLY_CELLS_MAX], unknown[TALLY_CELLS_MAX];
		tally_weights(classes, weightings[i].counts, pooled, known);
		tally_weights(classes, NULL, pooled, unknown);
		for (int a = 0; a < classes; a++)
			for (int j = 0; j < classes; j++) {
				int cell = tally_cell(classes, a, j);
				CHECK_INT(pooled[cell], weightings[i].pooled[cell]);
				CHECK_INT(unknown[tally_weight_at(classes, a, j)], weightings[i].of_new[cell]);
				if (weightings[i].has_counts)
					CHECK_INT(known[tally_weight_at(classes, a, j)],
						weightings[i].of_validator[cell]);
			}
	}
}

static void random_table(uint64_t *state, int classes, int64_t *counts)
{
	for (int i = 0; i < tally_cells(classes); i++)
		counts[i] = (int64_t)(test_random(state) >> (11 + test_random(state) % 53)) % TALLY_COUNT_MAX;
}

TEST(no_vote_is_worth_more_than_the_cap_or_less_than_nothing)
{
	uint64_t state = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		int classes = 2 + (int)(test_random(&state) % (TALLY_CLASSES_MAX - 1));
		int64_t counts[TALLY_CELLS_MAX], pooled[TALLY_CELLS_MAX], sum[TALLY_CELLS_MAX] = {0};
		random_table(&state, classes, counts);
		tally_pool(classes, counts, sum);
		tally_prior(classes, sum, pooled);
		int32_t weights[TALLY_CELLS_MAX];
		tally_weights(classes, counts, pooled, weights);
		for (int j = 0; j < classes; j++) {
			int best = 0;
			for (int a = 0; a < classes; a++) {
				int32_t weight = weights[tally_weight_at(classes, a, j)];
				CHECK_OR_RETURN(weight <= 0 && weight >= -TALLY_CAP);
				best += weight == 0;
			}
			CHECK_OR_RETURN(best >= 1);
		}
	}
}

TEST(a_soft_label_is_always_one_whole_vote)
{
	uint64_t state = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		int classes = 2 + (int)(test_random(&state) % (TALLY_CLASSES_MAX - 1));
		int64_t scores[TALLY_CLASSES_MAX], label[TALLY_CLASSES_MAX], total = 0;
		int bits = (int)(test_random(&state) % 40);
		for (int a = 0; a < classes; a++)
			scores[a] = -(int64_t)(test_random(&state) & (((uint64_t)1 << bits) - 1));
		tally_soft(classes, scores, NULL, label);
		for (int a = 0; a < classes; a++) {
			CHECK(label[a] >= 0);
			CHECK(label[a] <= label[tally_verdict(classes, scores)]);
			total += label[a];
		}
		CHECK_INT(total, TALLY_UNIT);
		CHECK(tally_margin(classes, scores) >= 0);
		int32_t all = tally_p_good(classes, scores, ~0u), none = tally_p_good(classes, scores, 0);
		CHECK_INT(all, 1000000);
		CHECK_INT(none, 0);
		uint32_t keep = (uint32_t)test_random(&state) & ((1u << classes) - 1);
		int32_t both = tally_p_good(classes, scores, keep) + tally_p_good(classes, scores, ~keep);
		CHECK(both == 1000000 || both == 999999);
	}
}

TEST(ties_go_to_the_lowest_class)
{
	int64_t scores[TALLY_CLASSES_MAX] = {0};
	for (int classes = 2; classes <= TALLY_CLASSES_MAX; classes++) {
		CHECK_INT(tally_verdict(classes, scores), 0);
		CHECK_INT(tally_margin(classes, scores), 0);
	}
	int64_t later[4] = {-9, 4, 4, 4};
	CHECK_INT(tally_verdict(4, later), 1);
	CHECK_INT(tally_margin(4, later), 0);
}

/* ---- the online tally ---- */

struct crowd {
	struct tally_validator validators[VALIDATORS];
	int64_t counts[VALIDATORS][TALLY_CELLS_MAX];
	int64_t prior[TALLY_CLASSES_MAX];
};

static void crowd_make(uint64_t *state, int classes, struct crowd *crowd)
{
	*crowd = (struct crowd){0};
	for (int v = 0; v < VALIDATORS; v++) {
		/* Keys ascend by their first byte; the rest is noise. */
		crowd->validators[v].voter.bytes[0] = (uint8_t)(v * 7);
		for (int i = 1; i < ID_BYTES; i++)
			crowd->validators[v].voter.bytes[i] = (uint8_t)test_random(state);
		for (int a = 0; a < classes; a++)
			for (int j = 0; j < classes; j++)
				crowd->counts[v][tally_cell(classes, a, j)] =
					(int64_t)(test_random(state) % (a == j ? 9000 : 1000));
		crowd->validators[v].counts = v % 5 == 4 ? NULL : crowd->counts[v];
	}
	for (int a = 0; a < classes; a++)
		crowd->prior[a] = (int64_t)(test_random(state) % 50000);
}

static bool same_result(const struct tally_result *a, const struct tally_result *b)
{
	return memcmp(a->scores, b->scores, sizeof a->scores) == 0 && a->class == b->class && a->margin == b->margin;
}

TEST(the_online_tally_is_the_sum_of_its_parts_in_any_order)
{
	uint64_t state = test_seed();
	for (int classes = 2; classes <= TALLY_CLASSES_MAX; classes++) {
		struct crowd crowd;
		crowd_make(&state, classes, &crowd);
		struct tally_snapshot snapshot;
		tally_snapshot_init(&snapshot, classes, crowd.prior, crowd.validators, VALIDATORS);
		struct tally_vote votes[VOTES];
		int64_t by_hand[TALLY_CLASSES_MAX];
		tally_scores_start(classes, crowd.prior, by_hand);
		for (int i = 0; i < VOTES; i++) {
			const struct tally_validator *validator = &crowd.validators[test_random(&state) % VALIDATORS];
			votes[i] =
				(struct tally_vote){validator->voter, (int)(test_random(&state) % (uint64_t)classes)};
			bool stranger = i % 6 == 5;
			votes[i].voter.bytes[0] = (uint8_t)(votes[i].voter.bytes[0] + (stranger ? 1 : 0));
			int32_t weights[TALLY_CELLS_MAX];
			tally_weights(classes, stranger ? NULL : validator->counts, snapshot.pooled, weights);
			tally_scores_add(classes, weights, votes[i].label, by_hand);
		}
		struct tally_result result, turned;
		tally_online(&snapshot, votes, VOTES, &result);
		for (int a = 0; a < classes; a++)
			CHECK_INT(result.scores[a], by_hand[a]);
		CHECK_INT(result.class, tally_verdict(classes, by_hand));
		CHECK_INT(result.margin, tally_margin(classes, by_hand));
		for (int i = VOTES - 1; i > 0; i--) {
			size_t other = test_random(&state) % (uint64_t)(i + 1);
			struct tally_vote kept = votes[i];
			votes[i] = votes[other];
			votes[other] = kept;
		}
		tally_online(&snapshot, votes, VOTES, &turned);
		CHECK(same_result(&turned, &result));
	}
}

TEST(votes_on_probation_and_items_without_votes_leave_the_prior_scores)
{
	uint64_t state = test_seed();
	struct crowd crowd;
	crowd_make(&state, 3, &crowd);
	crowd.validators[2].probation = true;
	struct tally_snapshot snapshot;
	tally_snapshot_init(&snapshot, 3, crowd.prior, crowd.validators, VALIDATORS);
	struct tally_vote vote = {crowd.validators[2].voter, 1};
	struct tally_result with, without;
	tally_online(&snapshot, &vote, 1, &with);
	tally_online(&snapshot, NULL, 0, &without);
	CHECK(same_result(&with, &without));
	vote.voter = crowd.validators[1].voter;
	tally_online(&snapshot, &vote, 1, &with);
	CHECK(!same_result(&with, &without));
}

TEST(an_inverter_counts_turned_round)
{
	int64_t honest[4] = {9000, 100, 100, 9000}, inverter[4] = {100, 9000, 9000, 100};
	struct tally_validator validators[2] = {
		{.voter = {{1}}, .counts = honest}, {.voter = {{2}}, .counts = inverter}};
	struct tally_snapshot snapshot;
	tally_snapshot_init(&snapshot, 2, NULL, validators, 2);
	struct tally_vote votes[2] = {{{{1}}, 1}, {{{2}}, 0}};
	struct tally_result result;
	tally_online(&snapshot, votes, 2, &result);
	CHECK_INT(result.class, 1);
	CHECK(result.margin > TALLY_ESCALATE);
}
