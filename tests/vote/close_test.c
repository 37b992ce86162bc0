/* The close of an epoch: known answers, and what must hold for any votes, in any order. */
#include "tests/check.h"

#include <string.h>

#include "tests/vote/close_vectors.h"
#include "vote/close.h"

SUITE("close")

enum {
	ROUNDS = 40,
	VALIDATORS_MAX = 40,
	ITEMS_MAX = 120,
	PANEL_MAX = 11,
	VOTES_MAX = ITEMS_MAX * PANEL_MAX,
	ARENA_BYTES = 16 << 20
};

/* ---- known answers ---- */

TEST(the_small_epoch_has_its_known_answers)
{
	static const uint8_t labels[4][3] = {{1, 1, 0}, {1, 1, 1}, {0, 0, 1}, {0, 0, 0}};
	static const int64_t settled[4][2] = {
		{-287585, -132975}, {-358816, -61636}, {-140836, -280164}, {-69605, -351503}};
	static const int64_t decayed[3][4] = {{110, 12, 11, 109}, {110, 12, 11, 109}, {70, 52, 51, 69}};
	struct epoch_vote votes[12];
	struct epoch_item items[4];
	for (uint32_t i = 0; i < 4; i++) {
		items[i] =
			(struct epoch_item){.vote_first = 3 * i, .vote_count = 3, .gold = i == 3 ? 0 : CLOSE_NO_GOLD};
		for (uint32_t v = 0; v < 3; v++)
			votes[3 * i + v] = (struct epoch_vote){v, labels[i][v], true};
	}
	static const int64_t counts[3 * 4], prior[2], gold_before[3];
	struct close_input input = {.classes = 2,
		.keep = 2,
		.validator_count = 3,
		.counts = counts,
		.gold_before = gold_before,
		.prior = prior,
		.item_count = 4,
		.vote_count = 12,
		.items = items,
		.votes = votes};
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &input, NULL, &out, &err), err);
	for (int i = 0; i < 4; i++)
		for (int a = 0; a < 2; a++)
			CHECK_INT(out.scores[2 * i + a], settled[i][a]);
	for (int v = 0; v < 3; v++) {
		for (int cell = 0; cell < 4; cell++)
			CHECK_INT(out.counts[4 * v + cell], decayed[v][cell]);
		CHECK_INT(out.gold_new[v], 1);
		CHECK_INT(out.gold_right[v], 1);
		CHECK_INT(out.fresh[v], 4);
	}
	CHECK_INT(out.prior[0], 61);
	CHECK_INT(out.prior[1], 120);
	wn_arena_free(&arena);
}

struct v30 {
	struct close_input input;
	struct epoch_item items[V30_ITEMS];
	struct epoch_vote votes[V30_VOTES];
	int passes;
};

static void v30_make(struct v30 *epoch)
{
	*epoch = (struct v30){0};
	uint32_t first = 0;
	for (int i = 0; i < V30_ITEMS; i++) {
		epoch->items[i] = (struct epoch_item){first, v30_votes_of[i], v30_stratum[i], v30_gold[i], false};
		first += v30_votes_of[i];
	}
	for (int i = 0; i < V30_VOTES; i++)
		epoch->votes[i] = (struct epoch_vote){v30_votes[i][0], v30_votes[i][1], true};
	epoch->input = (struct close_input){.classes = V30_CLASSES,
		.keep = 6,
		.validator_count = V30_VALIDATORS,
		.counts = &v30_counts[0][0][0],
		.gold_before = v30_gold_before,
		.prior = v30_prior,
		.item_count = V30_ITEMS,
		.vote_count = V30_VOTES,
		.items = epoch->items,
		.votes = epoch->votes};
}

static void v30_check_pass(void *context, int pass, const struct close_pass *tables)
{
	struct v30 *epoch = context;
	CHECK_INT(pass, epoch->passes++);
	CHECK_OR_RETURN(pass < V30_PASSES);
	CHECK_BYTES(tables->pooled, sizeof v30_pass_pooled[pass], v30_pass_pooled[pass], sizeof v30_pass_pooled[pass]);
	CHECK_BYTES(tables->scores, sizeof v30_pass_scores[pass], v30_pass_scores[pass], sizeof v30_pass_scores[pass]);
	CHECK_BYTES(tables->labels, sizeof v30_pass_labels[pass], v30_pass_labels[pass], sizeof v30_pass_labels[pass]);
	CHECK_BYTES(tables->counts, sizeof v30_pass_counts[pass], v30_pass_counts[pass], sizeof v30_pass_counts[pass]);
	CHECK_BYTES(tables->prior, sizeof v30_pass_prior[pass], v30_pass_prior[pass], sizeof v30_pass_prior[pass]);
	for (int v = 0; v < V30_VALIDATORS; v++)
		for (int a = 0; a < 3; a++)
			for (int j = 0; j < 3; j++)
				CHECK_INT(tables->weights[9 * v + tally_weight_at(3, a, j)],
					v30_pass_weights[pass][v][a][j]);
}

TEST(an_epoch_of_thirty_items_has_its_known_answers_in_every_pass)
{
	struct v30 epoch;
	v30_make(&epoch);
	epoch.input.trace = v30_check_pass;
	epoch.input.trace_context = &epoch;
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);
	CHECK_INT(epoch.passes, V30_PASSES);
	CHECK_BYTES(out.scores, sizeof v30_pass_scores[3], v30_pass_scores[3], sizeof v30_pass_scores[3]);
	CHECK_BYTES(out.class, sizeof v30_class, v30_class, sizeof v30_class);
	CHECK_BYTES(out.margin, sizeof v30_margin, v30_margin, sizeof v30_margin);
	CHECK_BYTES(out.p_good, sizeof v30_p_good, v30_p_good, sizeof v30_p_good);
	CHECK_BYTES(out.counts, sizeof v30_counts_decayed, v30_counts_decayed, sizeof v30_counts_decayed);
	CHECK_BYTES(out.prior, sizeof v30_prior_decayed, v30_prior_decayed, sizeof v30_prior_decayed);
	CHECK_BYTES(out.gold_new, sizeof v30_gold_new, v30_gold_new, sizeof v30_gold_new);
	CHECK_BYTES(out.reference, sizeof v30_reference, v30_reference, sizeof v30_reference);
	CHECK_BYTES(out.points, sizeof v30_points, v30_points, sizeof v30_points);
	CHECK_BYTES(out.sum, sizeof v30_sum, v30_sum, sizeof v30_sum);
	CHECK_BYTES(out.scored, sizeof v30_scored, v30_scored, sizeof v30_scored);
	for (int g = 0; g < 2; g++)
		for (int a = 0; a < 3; a++) {
			CHECK_INT(out.references[g][a], v30_references[g][a]);
			CHECK_INT(out.baseline[g][a], v30_baseline[g][a]);
		}
	wn_arena_free(&arena);
}

TEST(the_online_tally_is_the_first_pass_and_asks_for_second_panels)
{
	struct tally_validator validators[V30_VALIDATORS] = {0};
	for (int v = 0; v < V30_VALIDATORS; v++)
		validators[v] = (struct tally_validator){.voter = {{(uint8_t)(v + 1)}}, .counts = &v30_counts[v][0][0]};
	struct tally_snapshot snapshot;
	tally_snapshot_init(&snapshot, 3, v30_prior, validators, V30_VALIDATORS);
	uint32_t first = 0;
	for (int i = 0; i < V30_ITEMS; i++) {
		struct tally_vote votes[V30_VALIDATORS];
		for (uint32_t j = 0; j < v30_votes_of[i]; j++)
			votes[j] =
				(struct tally_vote){validators[v30_votes[first + j][0]].voter, v30_votes[first + j][1]};
		struct tally_result panel, all;
		tally_online(&snapshot, votes, 5, &panel);
		CHECK_INT(panel.margin < TALLY_ESCALATE, v30_escalated[i]);
		tally_online(&snapshot, votes, v30_votes_of[i], &all);
		CHECK_INT(all.class, v30_provisional[i]);
		for (int a = 0; a < 3; a++)
			CHECK_INT(all.scores[a], v30_pass_scores[0][i][a]);
		first += v30_votes_of[i];
	}
}

TEST(baselines_have_their_known_answers)
{
	static const struct {
		int classes;
		uint32_t stratum[3], epoch[3];
		int32_t baseline[3];
	} cases[] = {
		{2, {25, 25}, {100, 300}, {500000, 500000}},
		{2, {24, 25}, {100, 300}, {250000, 750000}},
		{2, {0, 0}, {100, 300}, {250000, 750000}},
		{3, {49, 0, 1}, {49, 0, 1}, {980000, 0, 20000}},
		{3, {0, 0, 0}, {0, 0, 0}, {333333, 333333, 333333}},
		{2, {1, 0}, {1, 0}, {1000000, 0}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int32_t baseline[TALLY_CLASSES_MAX];
		close_baseline(cases[i].classes, cases[i].stratum, cases[i].epoch, baseline);
		for (int a = 0; a < cases[i].classes; a++)
			CHECK_INT(baseline[a], cases[i].baseline[a]);
	}
}

/* ---- any epoch ---- */

struct epoch {
	struct close_input input;
	int64_t counts[VALIDATORS_MAX * TALLY_CELLS_MAX], gold_before[VALIDATORS_MAX], prior[TALLY_CLASSES_MAX];
	bool probation[VALIDATORS_MAX], settles[ITEMS_MAX];
	struct epoch_item items[ITEMS_MAX];
	struct epoch_vote votes[VOTES_MAX];
};

static uint64_t below(uint64_t *state, uint64_t limit)
{
	return test_random(state) % limit;
}

/* Every third validator errs much, every fifth turns classes round; the last two sit idle. */
static uint8_t random_label(uint64_t *state, int classes, uint32_t validator, int truth)
{
	if (validator % 5 == 4)
		return (uint8_t)((truth + 1) % classes);
	return below(state, 10) < (validator % 3 == 2 ? 5 : 8) ? (uint8_t)truth
							       : (uint8_t)below(state, (uint64_t)classes);
}

static void epoch_make(uint64_t *state, int classes, struct epoch *epoch)
{
	memset(epoch, 0, sizeof *epoch);
	struct close_input *input = &epoch->input;
	*input = (struct close_input){.classes = classes,
		.keep = ~1u,
		.counts = epoch->counts,
		.gold_before = epoch->gold_before,
		.prior = epoch->prior,
		.items = epoch->items,
		.votes = epoch->votes};
	input->validator_count = (uint32_t)(PANEL_MAX + 2 + below(state, VALIDATORS_MAX - PANEL_MAX - 1));
	input->item_count = (uint32_t)(1 + below(state, ITEMS_MAX));
	for (size_t i = 0; i < input->validator_count * (size_t)tally_cells(classes); i++)
		epoch->counts[i] = (int64_t)below(state, below(state, 3) ? 4000 : 1);
	for (uint32_t v = 0; v < input->validator_count; v++)
		epoch->gold_before[v] = (int64_t)below(state, 30);
	for (int a = 0; a < classes; a++)
		epoch->prior[a] = (int64_t)below(state, 20000);
	for (uint32_t i = 0; i < input->item_count; i++) {
		struct epoch_item *item = &epoch->items[i];
		int truth = (int)below(state, (uint64_t)classes);
		*item = (struct epoch_item){.vote_first = input->vote_count,
			.vote_count = (uint32_t)below(state, PANEL_MAX + 1),
			.stratum = (int32_t)below(state, 3),
			.gold = below(state, 8) ? CLOSE_NO_GOLD : truth,
			.back = below(state, 6) == 0};
		epoch->settles[i] = below(state, 5) > 0;
		uint32_t voter = (uint32_t)below(state, input->validator_count - 2);
		for (uint32_t j = 0; j < item->vote_count; j++) {
			/* Neighbours in a circle that leaves out the idle: nobody votes twice on an item. */
			voter = (voter + 1) % (input->validator_count - 2);
			epoch->votes[input->vote_count++] = (struct epoch_vote){
				voter, random_label(state, classes, voter, truth), !item->back || j > 2};
		}
	}
}

static void shuffle(uint64_t *state, uint32_t *order, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count; i > 1; i--) {
		uint32_t other = (uint32_t)below(state, i), kept = order[i - 1];
		order[i - 1] = order[other];
		order[other] = kept;
	}
}

/* The same epoch with items, votes and validators in another order; the arrays say where each one went. */
struct turned {
	struct epoch epoch;
	uint32_t item_to[ITEMS_MAX], vote_to[VOTES_MAX], validator_to[VALIDATORS_MAX];
};

static void epoch_turn(uint64_t *state, const struct epoch *source, struct turned *target)
{
	memset(target, 0, sizeof *target);
	struct epoch *epoch = &target->epoch;
	const struct close_input *input = &source->input;
	epoch->input = *input;
	epoch->input.counts = epoch->counts;
	epoch->input.gold_before = epoch->gold_before;
	epoch->input.items = epoch->items;
	epoch->input.votes = epoch->votes;
	size_t cells = (size_t)tally_cells(input->classes);
	shuffle(state, target->validator_to, input->validator_count);
	for (uint32_t v = 0; v < input->validator_count; v++) {
		uint32_t to = target->validator_to[v];
		memcpy(epoch->counts + to * cells, source->counts + v * cells, cells * sizeof *epoch->counts);
		epoch->gold_before[to] = source->gold_before[v];
	}
	uint32_t order[ITEMS_MAX], first = 0;
	shuffle(state, order, input->item_count);
	for (uint32_t place = 0; place < input->item_count; place++) {
		const struct epoch_item *item = &source->items[order[place]];
		target->item_to[order[place]] = place;
		epoch->settles[place] = source->settles[order[place]];
		epoch->items[place] = *item;
		epoch->items[place].vote_first = first;
		uint32_t votes[PANEL_MAX];
		shuffle(state, votes, item->vote_count);
		for (uint32_t j = 0; j < item->vote_count; j++) {
			epoch->votes[first + votes[j]] = source->votes[item->vote_first + j];
			epoch->votes[first + votes[j]].validator =
				target->validator_to[source->votes[item->vote_first + j].validator];
			target->vote_to[item->vote_first + j] = first + votes[j];
		}
		first += item->vote_count;
	}
}

TEST(no_order_of_items_votes_or_validators_changes_a_close)
{
	static struct epoch epoch;
	static struct turned turned;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < ROUNDS; round++) {
		wn_arena_reset(&arena);
		int classes = 2 + round % (TALLY_CLASSES_MAX - 1);
		epoch_make(&state, classes, &epoch);
		epoch_turn(&state, &epoch, &turned);
		struct close_output a, b;
		struct wn_error err = {0};
		CHECK_OK(epoch_close(&arena, &epoch.input, epoch.settles, &a, &err), err);
		CHECK_OK(epoch_close(&arena, &turned.epoch.input, turned.epoch.settles, &b, &err), err);
		size_t k = (size_t)classes, cells = (size_t)tally_cells(classes);
		for (uint32_t i = 0; i < epoch.input.item_count; i++) {
			uint32_t to = turned.item_to[i];
			CHECK_BYTES(b.scores + to * k, k * sizeof *b.scores, a.scores + i * k, k * sizeof *a.scores);
			CHECK_INT(b.class[to], a.class[i]);
			CHECK_INT(b.margin[to], a.margin[i]);
			CHECK_INT(b.p_good[to], a.p_good[i]);
		}
		for (uint32_t v = 0; v < epoch.input.validator_count; v++) {
			uint32_t to = turned.validator_to[v];
			CHECK_BYTES(b.counts + to * cells, cells * sizeof *b.counts, a.counts + v * cells,
				cells * sizeof *a.counts);
			CHECK_INT(b.sum[to], a.sum[v]);
			CHECK_INT(b.scored[to], a.scored[v]);
			CHECK_INT(b.gold_new[to], a.gold_new[v]);
			CHECK_INT(b.gold_right[to], a.gold_right[v]);
			CHECK_INT(b.fresh[to], a.fresh[v]);
		}
		for (uint32_t i = 0; i < epoch.input.vote_count; i++) {
			CHECK_INT(b.points[turned.vote_to[i]], a.points[i]);
			CHECK_INT(b.reference[turned.vote_to[i]], a.reference[i]);
		}
		CHECK_BYTES(b.prior, sizeof b.prior, a.prior, sizeof a.prior);
		CHECK_BYTES(b.references, sizeof b.references, a.references, sizeof a.references);
		CHECK_BYTES(b.baseline, sizeof b.baseline, a.baseline, sizeof a.baseline);
	}
	wn_arena_free(&arena);
}

struct totals {
	const struct epoch *epoch;
	int64_t counts_before, prior_before, counts_gain, prior_gain; /* what each pass must add */
	int passes;
};

static int64_t total_of(const int64_t *numbers, size_t count)
{
	int64_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += numbers[i];
	return total;
}

static void totals_check_pass(void *context, int pass, const struct close_pass *tables)
{
	struct totals *totals = context;
	const struct close_input *input = &totals->epoch->input;
	size_t k = (size_t)input->classes;
	CHECK_INT(pass, totals->passes++);
	for (uint32_t i = 0; i < input->item_count; i++) {
		int label = 0;
		for (size_t a = 0; a < k; a++)
			label += tables->labels[i * k + a];
		CHECK_INT(label, TALLY_UNIT);
	}
	int64_t counts = total_of(tables->counts, input->validator_count * (size_t)tally_cells(input->classes));
	CHECK_INT(counts, totals->counts_before + totals->counts_gain);
	CHECK_INT(total_of(tables->prior, k), totals->prior_before + totals->prior_gain);
}

TEST(every_fresh_vote_adds_exactly_its_weight_and_every_new_item_one_vote_to_the_prior)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < ROUNDS; round++) {
		wn_arena_reset(&arena);
		epoch_make(&state, 2 + round % (TALLY_CLASSES_MAX - 1), &epoch);
		const struct close_input *input = &epoch.input;
		uint32_t gold_new[VALIDATORS_MAX] = {0};
		struct totals totals = {.epoch = &epoch};
		totals.counts_before =
			total_of(epoch.counts, input->validator_count * (size_t)tally_cells(input->classes));
		totals.prior_before = total_of(epoch.prior, (size_t)input->classes);
		for (int gold = 1; gold >= 0; gold--)
			for (uint32_t i = 0; i < input->item_count; i++) {
				const struct epoch_item *item = &input->items[i];
				if ((item->gold != CLOSE_NO_GOLD) != gold)
					continue;
				totals.prior_gain += gold || item->back ? 0 : TALLY_UNIT;
				for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++) {
					gold_new[input->votes[j].validator] += gold && input->votes[j].fresh;
					totals.counts_gain += !gold && input->votes[j].fresh ? TALLY_UNIT : 0;
				}
			}
		for (uint32_t v = 0; v < input->validator_count; v++) {
			int64_t weight = epoch.gold_before[v] + gold_new[v];
			totals.counts_gain += gold_new[v] * TALLY_UNIT * (weight < 16 ? weight : 16);
		}
		epoch.input.trace = totals_check_pass;
		epoch.input.trace_context = &totals;
		struct close_output out;
		struct wn_error err = {0};
		CHECK_OK(epoch_close(&arena, input, epoch.settles, &out, &err), err);
		CHECK_INT(totals.passes, CLOSE_PASSES);
		for (uint32_t v = 0; v < input->validator_count; v++)
			CHECK_INT(out.gold_new[v], gold_new[v]);
	}
	wn_arena_free(&arena);
}

TEST(points_add_up_and_only_settling_items_have_them)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	for (int round = 0; round < ROUNDS; round++) {
		wn_arena_reset(&arena);
		epoch_make(&state, 2 + round % 4, &epoch);
		const struct close_input *input = &epoch.input;
		struct close_output out, all;
		struct wn_error err = {0};
		CHECK_OK(epoch_close(&arena, input, epoch.settles, &out, &err), err);
		CHECK_OK(epoch_close(&arena, input, NULL, &all, &err), err);
		int64_t sum[VALIDATORS_MAX] = {0};
		uint32_t scored[VALIDATORS_MAX] = {0}, references = 0, counted = 0;
		for (uint32_t i = 0; i < input->item_count; i++) {
			const struct epoch_item *item = &input->items[i];
			for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++) {
				const struct epoch_vote *vote = &input->votes[j];
				int64_t points = out.points[j];
				sum[vote->validator] += points;
				bool held = epoch.settles[i] && out.reference[j] != CLOSE_NO_REFERENCE;
				scored[vote->validator] += held;
				references += held && item->gold == CLOSE_NO_GOLD;
				int64_t want = held ? (vote->label == out.reference[j] ? CLOSE_POINT : 0) -
							       out.baseline[item->stratum][vote->label]
						    : 0;
				bool gold_error = held && item->gold != CLOSE_NO_GOLD && vote->label != item->gold;
				CHECK_INT(points, gold_error ? 2 * want : want);
				if (item->gold != CLOSE_NO_GOLD)
					CHECK_INT(out.reference[j], item->gold);
				CHECK_INT(out.reference[j], all.reference[j]);
			}
		}
		for (uint32_t v = 0; v < input->validator_count; v++) {
			CHECK_INT(out.sum[v], sum[v]);
			CHECK_INT(out.scored[v], scored[v]);
		}
		for (int g = 0; g < CLOSE_STRATA_MAX; g++)
			for (int a = 0; a < input->classes; a++)
				counted += out.references[g][a];
		CHECK_INT(counted, references);
		/* What settles is no part of the sweeps. */
		size_t cells = input->validator_count * (size_t)tally_cells(input->classes);
		CHECK_BYTES(out.counts, cells * sizeof *out.counts, all.counts, cells * sizeof *all.counts);
	}
	wn_arena_free(&arena);
}

TEST(votes_that_an_earlier_close_counted_and_idle_validators_change_no_table)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	epoch_make(&state, 3, &epoch);
	for (uint32_t i = 0; i < epoch.input.item_count; i++)
		epoch.items[i].back = true;
	for (uint32_t i = 0; i < epoch.input.vote_count; i++)
		epoch.votes[i].fresh = epoch.votes[i].validator == 1;
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);
	for (uint32_t v = 0; v < epoch.input.validator_count; v++)
		if (v != 1) {
			CHECK_INT(out.fresh[v], 0);
			CHECK_BYTES(out.counts + v * 9, 9 * sizeof *out.counts, epoch.counts + v * 9,
				9 * sizeof *epoch.counts);
		}
	for (int a = 0; a < 3; a++)
		CHECK_INT(out.prior[a], epoch.prior[a] - epoch.prior[a] / 16);
	wn_arena_free(&arena);
}

TEST(an_epoch_without_items_changes_nothing)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	epoch_make(&state, 4, &epoch);
	epoch.input.item_count = epoch.input.vote_count = 0;
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);
	size_t cells = epoch.input.validator_count * 16;
	CHECK_BYTES(out.counts, cells * sizeof *out.counts, epoch.counts, cells * sizeof *epoch.counts);
	CHECK_BYTES(out.prior, 4 * sizeof *out.prior, epoch.prior, 4 * sizeof *epoch.prior);
	/* Neither does one without anybody. */
	epoch.input.validator_count = 0;
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);
	CHECK_BYTES(out.prior, 4 * sizeof *out.prior, epoch.prior, 4 * sizeof *epoch.prior);
	wn_arena_free(&arena);
}

static void first_scores_keep(void *context, int pass, const struct close_pass *tables)
{
	if (pass == 0)
		memcpy(context, tables->scores, ITEMS_MAX * 3 * sizeof *tables->scores);
}

TEST(a_key_on_probation_learns_but_decides_and_earns_nothing)
{
	static struct epoch epoch, without;
	static int64_t scores[ITEMS_MAX * 3], scores_without[ITEMS_MAX * 3];
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	do
		epoch_make(&state, 3, &epoch);
	while (epoch.input.item_count < ITEMS_MAX / 2);
	/* Traces read whole arrays: items behind the last have no votes. */
	for (uint32_t i = epoch.input.item_count; i < ITEMS_MAX; i++)
		epoch.items[i] = (struct epoch_item){.gold = CLOSE_NO_GOLD};
	epoch.input.item_count = ITEMS_MAX;
	epoch.probation[0] = epoch.probation[3] = true;
	epoch.input.probation = epoch.probation;
	epoch.input.trace = first_scores_keep;
	epoch.input.trace_context = scores;
	struct close_output out, plain;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);

	without = epoch;
	without.input.items = without.items;
	without.input.votes = without.votes;
	without.input.probation = NULL;
	without.input.trace_context = scores_without;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < ITEMS_MAX; i++) {
		struct epoch_item *item = &without.items[i];
		uint32_t first = kept;
		for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++)
			if (!epoch.probation[epoch.votes[j].validator])
				without.votes[kept++] = epoch.votes[j];
		item->vote_first = first;
		item->vote_count = kept - first;
	}
	without.input.vote_count = kept;
	CHECK_OK(epoch_close(&arena, &without.input, NULL, &plain, &err), err);
	CHECK_BYTES(scores, sizeof scores, scores_without, sizeof scores_without);

	for (uint32_t v = 0; v < 4; v += 3) {
		CHECK(out.fresh[v] > 0);
		CHECK_INT(out.sum[v], 0);
		CHECK_INT(out.scored[v], 0);
		CHECK(memcmp(out.counts + 9 * v, epoch.counts + 9 * v, 9 * sizeof *out.counts) != 0);
	}
	uint32_t references = 0;
	for (uint32_t i = 0; i < epoch.input.vote_count; i++)
		if (epoch.probation[epoch.votes[i].validator]) {
			CHECK_INT(out.reference[i], CLOSE_NO_REFERENCE);
			CHECK_INT(out.points[i], 0);
		} else {
			references += out.reference[i] != CLOSE_NO_REFERENCE;
		}
	CHECK(references > 0);
	wn_arena_free(&arena);
}

TEST(a_vote_is_never_held_against_itself)
{
	/* Alone on its item a vote has no reference; beside four that agree it is held against them, whatever it says
	 * itself. */
	static const int64_t counts[6 * 4], prior[2], gold_before[6];
	struct epoch_vote votes[6] = {
		{5, 1, true}, {0, 1, true}, {1, 1, true}, {2, 1, true}, {3, 1, true}, {4, 0, true}};
	struct epoch_item items[2] = {{0, 1, 0, CLOSE_NO_GOLD, false}, {1, 5, 0, CLOSE_NO_GOLD, false}};
	struct close_input input = {.classes = 2,
		.keep = 2,
		.validator_count = 6,
		.counts = counts,
		.gold_before = gold_before,
		.prior = prior,
		.item_count = 2,
		.vote_count = 6,
		.items = items,
		.votes = votes};
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &input, NULL, &out, &err), err);
	CHECK_INT(out.reference[0], CLOSE_NO_REFERENCE);
	CHECK_INT(out.points[0], 0);
	for (int j = 1; j < 6; j++)
		CHECK_INT(out.reference[j], 1);
	/* All five references name class 1: agreeing with everybody earns nothing, and the other answer was free. */
	CHECK_INT(out.baseline[0][1], CLOSE_POINT);
	CHECK_INT(out.points[1], 0);
	CHECK_INT(out.points[5], 0);
	wn_arena_free(&arena);
}

TEST(the_greatest_counts_do_not_wrap)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, ARENA_BYTES);
	epoch_make(&state, TALLY_CLASSES_MAX, &epoch);
	for (size_t i = 0; i < epoch.input.validator_count * (size_t)TALLY_CELLS_MAX; i++)
		epoch.counts[i] = TALLY_COUNT_MAX;
	for (int a = 0; a < TALLY_CLASSES_MAX; a++)
		epoch.prior[a] = TALLY_COUNT_MAX;
	struct close_output out;
	struct wn_error err = {0};
	CHECK_OK(epoch_close(&arena, &epoch.input, NULL, &out, &err), err);
	for (size_t i = 0; i < epoch.input.validator_count * (size_t)TALLY_CELLS_MAX; i++)
		CHECK(out.counts[i] > 0);
	/* Everybody's rows are equal, so nobody's vote says anything: the margin is that of the prior, none. */
	for (uint32_t i = 0; i < epoch.input.item_count; i++)
		CHECK(out.margin[i] <= TALLY_Q / 64);
	wn_arena_free(&arena);
}

TEST(a_close_fits_the_room_that_it_names_and_tells_when_it_does_not)
{
	static struct epoch epoch;
	uint64_t state = test_seed();
	for (int round = 0; round < ROUNDS; round++) {
		epoch_make(&state, 2 + round % (TALLY_CLASSES_MAX - 1), &epoch);
		const struct close_input *input = &epoch.input;
		size_t room = close_room(input->classes, input->validator_count, input->item_count, input->vote_count);
		struct wn_arena arena;
		struct close_output out;
		struct wn_error err = {0};
		wn_arena_init(&arena, room);
		CHECK_OK(epoch_close(&arena, input, NULL, &out, &err), err);
		wn_arena_free(&arena);
		wn_arena_init(&arena, room / 2);
		CHECK(!epoch_close(&arena, input, NULL, &out, &err));
		CHECK_INT(err.blame, WN_FULL);
		CHECK_TEXT(err.code, "memory");
		wn_arena_free(&arena);
	}
}
