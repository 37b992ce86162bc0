/* The settled tally on one core: sweeps and points over epochs in memory, against a majority count of the same votes.
 */
#include "tests/bench/bench.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "vote/close.h"

enum {
	TURNS = 7,
	PANEL = 11,
	STRATA = 8,
	GOLD_EVERY = 50,
	LATE_EVERY = 20, /* every so many items come from an earlier close */
	ITEMS = 100000,
	FEW_ITEMS = 10000,
	MANY_ITEMS = 1000000,
	VALIDATORS = 500,
	CROWD = 20000,
	ARENA_SPARE = 1 << 20
};

struct epoch {
	struct close_input input;
	struct epoch_item *items;
	struct epoch_vote *votes;
	int64_t *counts, *gold_before, *prior;
	struct wn_arena arena;
};

/* A validator names the hidden class in `skill` of 16 cases. */
static void votes_make(struct epoch *epoch, int classes, uint64_t *seed)
{
	for (uint32_t i = 0; i < epoch->input.item_count; i++) {
		struct epoch_item *item = &epoch->items[i];
		int hidden = (int)(test_random(seed) % (unsigned)classes);
		*item = (struct epoch_item){.vote_first = i * PANEL,
			.vote_count = PANEL,
			.stratum = (int32_t)(i % STRATA),
			.gold = i % GOLD_EVERY == 0 ? hidden : CLOSE_NO_GOLD,
			.back = i % LATE_EVERY == 1};
		uint32_t count = epoch->input.validator_count, first = (uint32_t)(test_random(seed) % count);
		for (uint32_t j = 0; j < PANEL; j++) {
			uint64_t random = test_random(seed);
			uint32_t validator = (first + j * (count / PANEL)) % count;
			bool right = (random & 15) < 10 + validator % 6;
			int label = right ? hidden : (int)((random >> 4 & 0xffff) % (unsigned)classes);
			epoch->votes[item->vote_first + j] =
				(struct epoch_vote){validator, (uint8_t)label, !item->back};
		}
	}
}

static bool epoch_open(struct epoch *epoch, int classes, uint32_t validators, uint32_t items, struct wn_error *err)
{
	uint64_t seed = 1;
	size_t cells = (size_t)tally_cells(classes);
	uint32_t votes = items * PANEL;
	*epoch = (struct epoch){.items = malloc(items * sizeof *epoch->items),
		.votes = malloc(votes * sizeof *epoch->votes),
		.counts = malloc(validators * cells * sizeof *epoch->counts),
		.gold_before = calloc(validators, sizeof *epoch->gold_before),
		.prior = calloc((size_t)classes, sizeof *epoch->prior)};
	wn_arena_init(&epoch->arena, close_room(classes, validators, items, votes) + ARENA_SPARE);
	if (!epoch->items || !epoch->votes || !epoch->counts || !epoch->gold_before || !epoch->prior)
		return wn_fail(err, WN_FULL, "memory", "no room for %u votes", votes);
	for (size_t i = 0; i < validators * cells; i++)
		epoch->counts[i] = (int64_t)(test_random(&seed) % (100 * TALLY_UNIT));
	epoch->input = (struct close_input){.classes = classes,
		.keep = 2,
		.validator_count = validators,
		.counts = epoch->counts,
		.gold_before = epoch->gold_before,
		.prior = epoch->prior,
		.item_count = items,
		.vote_count = votes,
		.items = epoch->items,
		.votes = epoch->votes};
	votes_make(epoch, classes, &seed);
	return true;
}

static void epoch_free(struct epoch *epoch)
{
	free(epoch->items);
	free(epoch->votes);
	free(epoch->counts);
	free(epoch->gold_before);
	free(epoch->prior);
	wn_arena_free(&epoch->arena);
}

/* As the close does it: sweep, let the margins decide what settles, score. Returns nanoseconds. */
static bool epoch_settle_once(struct epoch *epoch, int64_t *out, struct wn_error *err)
{
	struct close_output output;
	int64_t begun = bench_cpu_self();
	wn_arena_reset(&epoch->arena);
	if (!close_sweep(&epoch->arena, &epoch->input, &output, err))
		return false;
	bool *settles = wn_arena_array(&epoch->arena, epoch->input.item_count, sizeof *settles);
	if (!settles)
		return wn_fail(err, WN_FULL, "memory", "no room for what settles");
	for (uint32_t i = 0; i < epoch->input.item_count; i++)
		settles[i] = output.margin[i] >= TALLY_ESCALATE;
	if (!close_score(&epoch->arena, &epoch->input, settles, &output, err))
		return false;
	*out = bench_cpu_self() - begun;
	return true;
}

/* ---- the peer: one vote, one voice ---- */

static uint32_t majority_found; /* so that no compiler leaves the count out */

static int64_t majority_count(const struct epoch *epoch)
{
	const struct close_input *input = &epoch->input;
	int64_t begun = bench_cpu_self();
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_vote *votes = input->votes + input->items[i].vote_first;
		uint32_t voices[TALLY_CLASSES_MAX] = {0}, best = 0;
		for (uint32_t j = 0; j < input->items[i].vote_count; j++)
			voices[votes[j].label]++;
		for (uint32_t a = 1; a < (uint32_t)input->classes; a++)
			if (voices[a] > voices[best])
				best = a;
		majority_found += best;
	}
	return bench_cpu_self() - begun;
}

static double rate(const struct epoch *epoch, int64_t nanoseconds)
{
	return (double)epoch->input.vote_count * 1e9 / (double)nanoseconds;
}

static bool tally_turns(
	struct epoch *two, struct epoch *five, struct epoch *few, struct epoch *many, struct wn_error *err)
{
	struct bench_series settled = {.name = "settled votes, 2 classes", .unit = "votes/cpu s", .least = 1e7};
	struct bench_series count = {.name = "settled votes, 2 classes (floor)",
		.unit = "votes/cpu s",
		.peer = "a majority count of the same votes"};
	struct bench_series crowd = {.name = "settled votes, 5 classes", .unit = "votes/cpu s", .least = 1e7};
	struct bench_series flat = {
		.name = "settled votes, 11 M of them", .unit = "votes/cpu s", .peer = "110,000 of them", .least = 0.8};
	int64_t two_ns = 0, five_ns = 0, few_ns, many_ns;
	/* Turn 0 gets the memory from the system; it is not counted. */
	for (int turn = 0; turn <= TURNS; turn++) {
		int64_t majority_ns = majority_count(two);
		few_ns = 0;
		for (int i = 0; i < MANY_ITEMS / FEW_ITEMS / 10; i++) {
			int64_t once_ns;
			if (!epoch_settle_once(few, &once_ns, err))
				return false;
			few_ns += once_ns;
		}
		few_ns /= MANY_ITEMS / FEW_ITEMS / 10;
		if (!epoch_settle_once(two, &two_ns, err) || !epoch_settle_once(five, &five_ns, err) ||
			!epoch_settle_once(many, &many_ns, err))
			return false;
		if (turn == 0)
			continue;
		bench_turn(&settled, rate(two, two_ns), 0);
		bench_turn(&count, rate(two, two_ns), rate(two, majority_ns));
		bench_turn(&crowd, rate(five, five_ns), 0);
		bench_turn(&flat, rate(many, many_ns), rate(few, few_ns));
	}
	bench_report(&settled);
	bench_report(&count);
	bench_report(&crowd);
	bench_report(&flat);
	/* Checked, weighed, in each pass added up and counted, then held against a reference and scored. */
	bench_note("a settled vote: %.1f ns with 2 classes and %d validators (instructions), %.1f ns with 5 and %d "
		   "(memory:",
		(double)two_ns / two->input.vote_count, VALIDATORS, (double)five_ns / five->input.vote_count, CROWD);
	bench_note("  %d columns of tables of %.1f MB, and %d times its 8 bytes in order)", 2 * CLOSE_PASSES + 1,
		(double)CROWD * tally_cells(5) * (sizeof(int64_t) + sizeof(int32_t)) / 1e6, CLOSE_PASSES + 4);
	return true;
}

bool bench_tally(struct wn_error *err)
{
	struct epoch two = {0}, five = {0}, few = {0}, many = {0};
	bool done = epoch_open(&two, 2, VALIDATORS, ITEMS, err) && epoch_open(&five, 5, CROWD, ITEMS, err) &&
		    epoch_open(&few, 2, VALIDATORS, FEW_ITEMS, err) &&
		    epoch_open(&many, 2, VALIDATORS, MANY_ITEMS, err) && tally_turns(&two, &five, &few, &many, err);
	epoch_free(&two);
	epoch_free(&five);
	epoch_free(&few);
	epoch_free(&many);
	return done;
}
