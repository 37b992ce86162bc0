/* `vote_test close-epoch < epoch.txt`: closes an epoch written by tests/foreign/tally_oracle.py and prints every table
 * as it does. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vote/close.h"

enum { DRIVER_ARENA_BYTES = 256 << 20, DRIVER_COUNT_MAX = 1 << 20 };

static void driver_fail(const char *what)
{
	fprintf(stderr, "close-epoch: %s\n", what);
	exit(2);
}

static int64_t driver_number(int64_t least, int64_t most)
{
	int64_t number;
	if (scanf("%" SCNd64, &number) != 1)
		driver_fail("a number is missing");
	if (number < least || number > most)
		driver_fail("a number is out of range");
	return number;
}

static void *driver_array(struct wn_arena *arena, size_t count, size_t size)
{
	void *array = wn_arena_array(arena, count, size);
	if (!array)
		driver_fail("memory");
	return array;
}

static int64_t *driver_numbers(struct wn_arena *arena, size_t count)
{
	int64_t *numbers = driver_array(arena, count, sizeof *numbers);
	for (size_t i = 0; i < count; i++)
		numbers[i] = driver_number(0, INT64_MAX);
	return numbers;
}

struct driver_epoch {
	struct close_input input;
	bool *settles;
	int strata;
};

static void driver_read(struct wn_arena *arena, struct driver_epoch *epoch)
{
	struct close_input *input = &epoch->input;
	input->classes = (int)driver_number(2, TALLY_CLASSES_MAX);
	input->keep = ~1u;
	input->validator_count = (uint32_t)driver_number(0, DRIVER_COUNT_MAX);
	epoch->strata = (int)driver_number(1, CLOSE_STRATA_MAX);
	input->item_count = (uint32_t)driver_number(0, DRIVER_COUNT_MAX);
	input->counts = driver_numbers(arena, input->validator_count * (size_t)tally_cells(input->classes));
	input->prior = driver_numbers(arena, (size_t)input->classes);
	input->gold_before = driver_numbers(arena, input->validator_count);
	struct epoch_item *items = driver_array(arena, input->item_count, sizeof *items);
	struct epoch_vote *votes = driver_array(arena, DRIVER_COUNT_MAX, sizeof *votes);
	epoch->settles = driver_array(arena, input->item_count, sizeof *epoch->settles);
	for (uint32_t i = 0; i < input->item_count; i++) {
		items[i].stratum = (int32_t)driver_number(0, epoch->strata - 1);
		items[i].gold = (int32_t)driver_number(-1, input->classes - 1);
		epoch->settles[i] = driver_number(0, 1);
		items[i].back = driver_number(0, 1);
		items[i].vote_first = input->vote_count;
		items[i].vote_count = (uint32_t)driver_number(0, DRIVER_COUNT_MAX - input->vote_count);
		for (uint32_t j = 0; j < items[i].vote_count; j++) {
			struct epoch_vote *vote = &votes[input->vote_count++];
			vote->validator = (uint32_t)driver_number(0, (int64_t)input->validator_count - 1);
			vote->label = (uint8_t)driver_number(0, input->classes - 1);
			vote->fresh = driver_number(0, 1);
		}
	}
	input->items = items;
	input->votes = votes;
}

static void driver_row(const char *name, size_t index, const int64_t *numbers, int count)
{
	printf("%s %zu", name, index);
	for (int i = 0; i < count; i++)
		printf(" %" PRId64, numbers[i]);
	putchar('\n');
}

static void driver_pass(void *context, int pass, const struct close_pass *tables)
{
	const struct close_input *input = &((const struct driver_epoch *)context)->input;
	int classes = input->classes, cells = tally_cells(classes);
	printf("pass %d\n", pass);
	driver_row("prior", 0, tables->pooled, cells);
	for (size_t v = 0; v < input->validator_count; v++) {
		int64_t rows[TALLY_CELLS_MAX];
		for (int a = 0; a < classes; a++)
			for (int j = 0; j < classes; j++)
				rows[tally_cell(classes, a, j)] =
					tables->weights[v * (size_t)cells + (size_t)tally_weight_at(classes, a, j)];
		driver_row("weights", v, rows, cells);
	}
	for (size_t i = 0; i < input->item_count; i++)
		driver_row("scores", i, tables->scores + i * (size_t)classes, classes);
	for (size_t i = 0; i < input->item_count; i++) {
		int64_t row[TALLY_CLASSES_MAX];
		for (int a = 0; a < classes; a++)
			row[a] = tables->labels[i * (size_t)classes + (size_t)a];
		driver_row("labels", i, row, classes);
	}
	for (size_t v = 0; v < input->validator_count; v++)
		driver_row("counts", v, tables->counts + v * (size_t)cells, cells);
	driver_row("pi", 0, tables->prior, classes);
}

static void driver_votes(const struct close_input *input, const struct close_output *out, bool points)
{
	for (size_t i = 0; i < input->item_count; i++) {
		const struct epoch_item *item = &input->items[i];
		printf("%s %zu", points ? "points" : "reference", i);
		for (uint32_t j = item->vote_first; j < item->vote_first + item->vote_count; j++)
			printf(" %" PRId32, points ? out->points[j] : out->reference[j]);
		putchar('\n');
	}
}

static void driver_print(const struct driver_epoch *epoch, const struct close_output *out)
{
	const struct close_input *input = &epoch->input;
	int classes = input->classes;
	printf("settled\n");
	for (size_t i = 0; i < input->item_count; i++)
		driver_row("verdict", i, (int64_t[]){out->class[i], out -> margin[i], out -> p_good[i]}, 3);
	for (size_t v = 0; v < input->validator_count; v++)
		driver_row("counts", v, out->counts + v * (size_t)tally_cells(classes), tally_cells(classes));
	driver_row("pi", 0, out->prior, classes);
	for (size_t v = 0; v < input->validator_count; v++) {
		int64_t weight = input->gold_before[v] + out->gold_new[v];
		driver_row("gold", v,
			(int64_t[]){out->gold_new[v], weight < CLOSE_GOLD_WEIGHT_MAX ? weight : CLOSE_GOLD_WEIGHT_MAX},
			2);
	}
	for (size_t g = 0; g < (size_t)epoch->strata; g++) {
		int64_t references[TALLY_CLASSES_MAX], baseline[TALLY_CLASSES_MAX];
		for (int a = 0; a < classes; a++) {
			references[a] = out->references[g][a];
			baseline[a] = out->baseline[g][a];
		}
		driver_row("references", g, references, classes);
		driver_row("baseline", g, baseline, classes);
	}
	driver_votes(input, out, false);
	driver_votes(input, out, true);
	for (size_t v = 0; v < input->validator_count; v++)
		driver_row("sum", v, (int64_t[]){out->sum[v], out->scored[v]}, 2);
}

/* Runs before main: the program that holds the folder's tests is the only one that its sources are linked into. */
__attribute__((constructor)) static void driver_start(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "close-epoch") != 0)
		return;
	struct wn_arena arena;
	wn_arena_init(&arena, DRIVER_ARENA_BYTES);
	struct driver_epoch epoch = {0};
	driver_read(&arena, &epoch);
	epoch.input.trace = driver_pass;
	epoch.input.trace_context = &epoch;
	struct close_output out;
	struct wn_error err = {0};
	if (!epoch_close(&arena, &epoch.input, epoch.settles, &out, &err))
		driver_fail(err.text);
	driver_print(&epoch, &out);
	wn_arena_free(&arena);
	exit(fflush(stdout) == 0 ? 0 : 2);
}
