/* Sweeps over one epoch: scores from counts, counts from scores, then references, baselines and points. */
#include "vote/close.h"

#include <string.h>

/* The tables of a pass while its votes are added up. */
struct close_work {
	const struct close_input *input;
	struct close_output *out;
	/* Counts with the cells of one label side by side, so that a vote adds to K neighbours; out->counts has them
	 * row by row. */
	int64_t *columns;
	uint8_t *labels;		  /* item_count x K, only for a trace */
	uint8_t *gold_weight;		  /* by validator */
	int64_t start[TALLY_CLASSES_MAX]; /* scores of an item without votes */
	int64_t prior[TALLY_CLASSES_MAX]; /* pi as this pass leaves it */
};

/* Where data enters: what follows indexes by these numbers without looking again. */
static void input_check(const struct close_input *input)
{
	wn_assert(input->classes >= 2);
	wn_assert(input->classes <= TALLY_CLASSES_MAX);
	wn_assert(input->vote_count <= CLOSE_VOTES_MAX);
	size_t cells = (size_t)input->validator_count * (size_t)tally_cells(input->classes);
	for (size_t i = 0; i < cells; i++) {
		wn_assert(input->counts[i] >= 0);
		wn_assert(input->counts[i] <= TALLY_COUNT_MAX);
	}
	for (int a = 0; a < input->classes; a++) {
		wn_assert(input->prior[a] >= 0);
		wn_assert(input->prior[a] <= TALLY_COUNT_MAX);
	}
	for (uint32_t i = 0; i < input->validator_count; i++)
		wn_assert(input->gold_before[i] >= 0);
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		wn_assert(item->vote_first <= input->vote_count);
		wn_assert(item->vote_count <= input->vote_count - item->vote_first);
		wn_assert(item->stratum >= 0);
		wn_assert(item->stratum < CLOSE_STRATA_MAX);
		wn_assert(item->gold >= CLOSE_NO_GOLD);
		wn_assert(item->gold < input->classes);
	}
	for (uint32_t i = 0; i < input->vote_count; i++) {
		wn_assert(input->votes[i].validator < input->validator_count);
		wn_assert(input->votes[i].label < input->classes);
	}
}

static bool counts_in(const struct close_input *input, uint32_t validator)
{
	return !input->probation || !input->probation[validator];
}

/* ---- the sweeps ---- */

static void gold_weigh(struct close_work *work)
{
	const struct close_input *input = work->input;
	struct close_output *out = work->out;
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		for (uint32_t j = 0; j < item->vote_count; j++) {
			const struct epoch_vote *vote = &input->votes[item->vote_first + j];
			if (!vote->fresh)
				continue;
			out->fresh[vote->validator]++;
			if (item->gold == CLOSE_NO_GOLD)
				continue;
			out->gold_new[vote->validator]++;
			out->gold_right[vote->validator] += vote->label == item->gold;
		}
	}
	for (uint32_t v = 0; v < input->validator_count; v++) {
		int64_t before =
			input->gold_before[v] < CLOSE_GOLD_WEIGHT_MAX ? input->gold_before[v] : CLOSE_GOLD_WEIGHT_MAX;
		int64_t weight = before + out->gold_new[v];
		work->gold_weight[v] = (uint8_t)(weight < CLOSE_GOLD_WEIGHT_MAX ? weight : CLOSE_GOLD_WEIGHT_MAX);
	}
}

/* Turns tables of every validator from rows to columns or back. */
static void tables_turn(int classes, uint32_t count, const int64_t *source, int64_t *target, bool to_columns)
{
	size_t cells = (size_t)tally_cells(classes);
	for (uint32_t v = 0; v < count; v++, source += cells, target += cells)
		for (int row = 0; row < classes; row++)
			for (int label = 0; label < classes; label++) {
				int in_row = tally_cell(classes, row, label),
				    in_column = tally_weight_at(classes, row, label);
				if (to_columns)
					target[in_column] = source[in_row];
				else
					target[in_row] = source[in_column];
			}
}

/* The label of one item, known or soft, and what it adds to the class prior. */
static void item_label(struct close_work *work, const struct epoch_item *item, const int64_t *scores, int64_t *label)
{
	int classes = work->input->classes;
	if (item->gold != CLOSE_NO_GOLD) {
		for (int a = 0; a < classes; a++)
			label[a] = a == item->gold ? TALLY_UNIT : 0;
		return;
	}
	tally_soft(classes, scores, NULL, label);
	if (!item->back)
		for (int a = 0; a < classes; a++)
			work->prior[a] += label[a];
}

/*
 * Tables of many validators outgrow the caches: what the next item needs is fetched while this one is added up. A
 * column of more than two classes may lie across two lines. `columns` may be NULL.
 */
static inline __attribute__((always_inline)) void votes_fetch_of(const int classes, const struct close_input *input,
	const struct epoch_item *item, const int32_t *weights, const int64_t *columns)
{
	const size_t cells = (size_t)tally_cells(classes);
	for (uint32_t j = item->vote_first, end = j + item->vote_count; j < end; j++) {
		const struct epoch_vote *vote = &input->votes[j];
		const size_t at = vote->validator * cells + (size_t)tally_weight_at(classes, 0, vote->label);
		__builtin_prefetch(weights + at);
		if (classes > 2)
			__builtin_prefetch(weights + at + classes - 1);
		if (columns)
			__builtin_prefetch(columns + at, 1);
		if (columns && classes > 2)
			__builtin_prefetch(columns + at + classes - 1, 1);
	}
}

/* Inlined with K as a constant for the usual numbers of classes: the inner loops then have no branch. */
static inline __attribute__((always_inline)) void pass_items_of(const int classes, struct close_work *work)
{
	const struct close_input *input = work->input;
	const int32_t *weights = work->out->weights;
	const bool *probation = input->probation;
	const size_t k = (size_t)classes, cells = (size_t)tally_cells(classes);
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		const struct epoch_vote *votes = input->votes + item->vote_first;
		const uint32_t count = item->vote_count;
		/* Local sums stay in registers; the tables of two votes may be anywhere. */
		int64_t scores[TALLY_CLASSES_MAX], label[TALLY_CLASSES_MAX];
		memcpy(scores, work->start, k * sizeof *scores);
		if (i + 1 < input->item_count)
			votes_fetch_of(classes, input, &item[1], weights, work->columns);
		for (uint32_t j = 0; j < count; j++)
			if (!probation || !probation[votes[j].validator])
				tally_scores_add(classes, weights + votes[j].validator * cells, votes[j].label, scores);
		memcpy(work->out->scores + i * k, scores, k * sizeof *scores);
		item_label(work, item, scores, label);
		for (uint32_t j = 0; j < count; j++) {
			if (!votes[j].fresh)
				continue;
			int64_t weight = item->gold == CLOSE_NO_GOLD ? 1 : work->gold_weight[votes[j].validator];
			int64_t *column = work->columns + votes[j].validator * cells +
					  tally_weight_at(classes, 0, votes[j].label);
#pragma GCC unroll 8
			for (int a = 0; a < classes; a++)
				column[a] += label[a] * weight;
		}
		if (work->labels)
			for (size_t a = 0; a < k; a++)
				work->labels[i * k + a] = (uint8_t)label[a];
	}
}

static void pass_items(struct close_work *work)
{
	switch (work->input->classes) {
	case 2:
		pass_items_of(2, work);
		break;
	case 3:
		pass_items_of(3, work);
		break;
	case 4:
		pass_items_of(4, work);
		break;
	case 5:
		pass_items_of(5, work);
		break;
	default:
		pass_items_of(work->input->classes, work);
	}
}

/* P, weights and scores from what the pass before left; then counts and prior anew from the snapshot. */
static void pass_run(struct close_work *work, int pass)
{
	const struct close_input *input = work->input;
	struct close_output *out = work->out;
	int classes = input->classes;
	size_t cells = (size_t)tally_cells(classes);
	int64_t sum[TALLY_CELLS_MAX] = {0}, pooled[TALLY_CELLS_MAX];
	for (uint32_t v = 0; v < input->validator_count; v++)
		tally_pool(classes, out->counts + v * cells, sum);
	tally_prior(classes, sum, pooled);
	for (uint32_t v = 0; v < input->validator_count; v++)
		tally_weights(classes, out->counts + v * cells, pooled, out->weights + v * cells);
	tally_scores_start(classes, work->prior, work->start);

	tables_turn(classes, input->validator_count, input->counts, work->columns, true);
	memcpy(work->prior, input->prior, (size_t)classes * sizeof *work->prior);
	pass_items(work);
	tables_turn(classes, input->validator_count, work->columns, out->counts, false);
	if (input->trace) {
		struct close_pass tables = {.pooled = pooled,
			.weights = out->weights,
			.scores = out->scores,
			.labels = work->labels,
			.counts = out->counts,
			.prior = work->prior};
		input->trace(input->trace_context, pass, &tables);
	}
}

static void decay(struct close_work *work)
{
	const struct close_input *input = work->input;
	struct close_output *out = work->out;
	size_t cells = (size_t)tally_cells(input->classes);
	for (uint32_t v = 0; v < input->validator_count; v++)
		if (out->fresh[v])
			for (size_t i = v * cells; i < (v + 1) * cells; i++)
				out->counts[i] -= out->counts[i] >> CLOSE_DECAY_SHIFT;
	for (int a = 0; a < input->classes; a++)
		out->prior[a] =
			input->item_count ? work->prior[a] - (work->prior[a] >> CLOSE_DECAY_SHIFT) : input->prior[a];
}

static bool sweep_memory(struct wn_arena *arena, struct close_work *work, struct wn_error *err)
{
	const struct close_input *input = work->input;
	struct close_output *out = work->out;
	size_t classes = (size_t)input->classes, cells = (size_t)tally_cells(input->classes);
	out->scores = wn_arena_array(arena, input->item_count * classes, sizeof *out->scores);
	out->class = wn_arena_array(arena, input->item_count, sizeof *out->class);
	out->margin = wn_arena_array(arena, input->item_count, sizeof *out->margin);
	out->p_good = wn_arena_array(arena, input->item_count, sizeof *out->p_good);
	out->counts = wn_arena_array(arena, input->validator_count * cells, sizeof *out->counts);
	out->gold_new = wn_arena_array(arena, input->validator_count, sizeof *out->gold_new);
	out->gold_right = wn_arena_array(arena, input->validator_count, sizeof *out->gold_right);
	out->fresh = wn_arena_array(arena, input->validator_count, sizeof *out->fresh);
	out->weights = wn_arena_array(arena, input->validator_count * cells, sizeof *out->weights);
	work->columns = wn_arena_array(arena, input->validator_count * cells, sizeof *work->columns);
	work->gold_weight = wn_arena_array(arena, input->validator_count, sizeof *work->gold_weight);
	if (input->trace)
		work->labels = wn_arena_array(arena, input->item_count * classes, sizeof *work->labels);
	bool there = out->scores && out->class && out->margin && out->p_good && out->counts && out->gold_new &&
		     out->gold_right && out->fresh && out->weights && work->columns && work->gold_weight &&
		     (work->labels || !input->trace);
	return there || wn_fail(err, WN_FULL, "memory", "no room to close an epoch of %u items by %u validators",
				input->item_count, input->validator_count);
}

bool close_sweep(
	struct wn_arena *arena, const struct close_input *input, struct close_output *out, struct wn_error *err)
{
	input_check(input);
	*out = (struct close_output){0};
	struct close_work work = {.input = input, .out = out};
	if (!sweep_memory(arena, &work, err))
		return false;
	size_t classes = (size_t)input->classes;
	memcpy(work.prior, input->prior, classes * sizeof *work.prior);
	if (input->validator_count)
		memcpy(out->counts, input->counts,
			input->validator_count * (size_t)tally_cells(input->classes) * sizeof *out->counts);
	gold_weigh(&work);
	for (int pass = 0; pass < CLOSE_PASSES; pass++)
		pass_run(&work, pass);
	decay(&work);
	for (uint32_t i = 0; i < input->item_count; i++) {
		const int64_t *scores = out->scores + i * classes;
		out->class[i] = tally_decide(input->classes, scores, &out->margin[i]);
		out->p_good[i] = tally_p_good(input->classes, scores, input->keep);
	}
	return true;
}

/* ---- the points ---- */

/* The class that the others' votes say, or the audit: what a vote is held against. */
static inline __attribute__((always_inline)) int vote_reference_of(const int classes, const struct epoch_item *item,
	const int64_t *scores, const int32_t *weights, const struct epoch_vote *vote)
{
	if (item->gold != CLOSE_NO_GOLD)
		return item->gold;
	const int32_t *column = weights + tally_weight_at(classes, 0, vote->label);
	int64_t others[TALLY_CLASSES_MAX], margin;
	others[0] = scores[0] - column[0];
#pragma GCC unroll 8
	for (int a = 1; a < classes; a++)
		others[a] = scores[a] - column[a];
	int best = tally_decide(classes, others, &margin);
	return margin >= TALLY_REFERENCE ? best : CLOSE_NO_REFERENCE;
}

void close_baseline(int classes, const uint32_t *stratum, const uint32_t *epoch, int32_t *baseline)
{
	uint64_t in_stratum = 0, in_epoch = 0;
	for (int a = 0; a < classes; a++) {
		in_stratum += stratum[a];
		in_epoch += epoch[a];
	}
	bool enough = in_stratum >= CLOSE_REFERENCES_MIN;
	const uint32_t *counts = enough ? stratum : epoch;
	uint64_t total = enough ? in_stratum : in_epoch;
	for (int a = 0; a < classes; a++)
		baseline[a] = (int32_t)(total ? (uint64_t)CLOSE_POINT * counts[a] / total
					      : (uint64_t)(CLOSE_POINT / classes));
}

/* With K as a constant, as pass_items_of(). */
static inline __attribute__((always_inline)) void references_of(const int classes, const struct close_input *input,
	const bool *settles, struct close_output *out, uint32_t *epoch)
{
	const int32_t *weights = out->weights;
	const size_t k = (size_t)classes, cells = (size_t)tally_cells(classes);
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		bool counted = (!settles || settles[i]) && item->gold == CLOSE_NO_GOLD;
		if (i + 1 < input->item_count)
			votes_fetch_of(classes, input, &item[1], weights, NULL);
		for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++) {
			const struct epoch_vote *vote = &input->votes[j];
			int reference = CLOSE_NO_REFERENCE;
			if (counts_in(input, vote->validator))
				reference = vote_reference_of(
					classes, item, out->scores + i * k, weights + vote->validator * cells, vote);
			out->reference[j] = (int8_t)reference;
			if (counted && reference != CLOSE_NO_REFERENCE) {
				out->references[item->stratum][reference]++;
				epoch[reference]++;
			}
		}
	}
}

static void references_find(const struct close_input *input, const bool *settles, struct close_output *out)
{
	uint32_t epoch[TALLY_CLASSES_MAX] = {0};
	switch (input->classes) {
	case 2:
		references_of(2, input, settles, out, epoch);
		break;
	case 3:
		references_of(3, input, settles, out, epoch);
		break;
	case 4:
		references_of(4, input, settles, out, epoch);
		break;
	case 5:
		references_of(5, input, settles, out, epoch);
		break;
	default:
		references_of(input->classes, input, settles, out, epoch);
	}
	for (int g = 0; g < CLOSE_STRATA_MAX; g++)
		close_baseline(input->classes, out->references[g], epoch, out->baseline[g]);
}

static int32_t vote_points(const struct epoch_item *item, int reference, int label, const int32_t *baseline)
{
	int32_t points = (label == reference ? CLOSE_POINT : 0) - baseline[label];
	return item->gold != CLOSE_NO_GOLD && label != reference ? points * CLOSE_GOLD_PENALTY : points;
}

bool close_score(struct wn_arena *arena, const struct close_input *input, const bool *settles, struct close_output *out,
	struct wn_error *err)
{
	out->reference = wn_arena_array(arena, input->vote_count, sizeof *out->reference);
	out->points = wn_arena_array(arena, input->vote_count, sizeof *out->points);
	out->sum = wn_arena_array(arena, input->validator_count, sizeof *out->sum);
	out->scored = wn_arena_array(arena, input->validator_count, sizeof *out->scored);
	if (!out->reference || !out->points || !out->sum || !out->scored)
		return wn_fail(err, WN_FULL, "memory", "no room to score %u votes", input->vote_count);
	memset(out->references, 0, sizeof out->references);
	references_find(input, settles, out);
	for (uint32_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		if (settles && !settles[i])
			continue;
		for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++) {
			const struct epoch_vote *vote = &input->votes[j];
			if (out->reference[j] == CLOSE_NO_REFERENCE)
				continue;
			out->points[j] =
				vote_points(item, out->reference[j], vote->label, out->baseline[item->stratum]);
			out->sum[vote->validator] += out->points[j];
			out->scored[vote->validator]++;
		}
	}
	return true;
}

bool epoch_close(struct wn_arena *arena, const struct close_input *input, const bool *settles, struct close_output *out,
	struct wn_error *err)
{
	return close_sweep(arena, input, out, err) && close_score(arena, input, settles, out, err);
}

size_t close_room(int classes, uint32_t validators, uint32_t items, uint32_t votes)
{
	size_t cells = (size_t)tally_cells(classes);
	size_t table = cells * (2 * sizeof(int64_t) + sizeof(int32_t));
	size_t validator = table + 3 * sizeof(uint32_t) + sizeof(uint8_t) + sizeof(int64_t) + sizeof(uint32_t);
	size_t item = (size_t)classes * (sizeof(int64_t) + sizeof(uint8_t)) + sizeof(int64_t) + 2 * sizeof(int32_t);
	size_t vote = sizeof(int8_t) + sizeof(int32_t);
	/* 16 arrays, each rounded up to 16 bytes. */
	return validators * validator + items * item + votes * vote + 16 * 16;
}
