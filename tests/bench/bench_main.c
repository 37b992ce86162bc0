/* `make bench`: every row measures ours and its peer by turns in one run; a table, and build/bench.json. */
#include "tests/bench/bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/json.h"
#include "core/log.h"
#include "tests/check.h"
#include "tests/runner.h"

enum { BENCH_FIGURES_MAX = 32, BENCH_NOTES_MAX = 64, BENCH_NOTE_BYTES = 256 };

static const struct {
	const char *name;
	bench_function *run;
} bench_rows[] = {
	{"ballots", bench_ballots},
	{"ingest", bench_ingest},
	{"tally", bench_tally},
	{"close", bench_close},
	{"export", bench_export},
	{"download", bench_download},
	{"start", bench_start},
	{"replay", bench_replay},
	{"signatures", bench_signatures},
	{"range", bench_range},
	{"index", bench_index},
	{"overload", bench_overload},
};

struct bench_figure {
	const struct bench_series *series;
	double value, peer, ratio, spread;
};
static struct bench_figure bench_figures[BENCH_FIGURES_MAX];
static int bench_figure_count, bench_missed;
static char bench_notes[BENCH_NOTES_MAX][BENCH_NOTE_BYTES];
static int bench_note_count;

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median_of(const double *values, int count, double *spread)
{
	double sorted[BENCH_TURNS_MAX];
	memcpy(sorted, values, (size_t)count * sizeof *sorted);
	qsort(sorted, (size_t)count, sizeof *sorted, double_order);
	double median = (sorted[count / 2] + sorted[(count - 1) / 2]) / 2;
	if (spread)
		*spread = median > 0 ? (sorted[count - 1] - sorted[0]) / median : 0;
	return median;
}

void bench_turn(struct bench_series *series, double ours, double peer)
{
	wn_assert(series->count < BENCH_TURNS_MAX);
	series->ours[series->count] = ours;
	series->peers[series->count++] = peer;
}

void bench_note(const char *format, ...)
{
	va_list list;
	wn_assert(bench_note_count < BENCH_NOTES_MAX);
	va_start(list, format);
	vsnprintf(bench_notes[bench_note_count++], BENCH_NOTE_BYTES, format, list);
	va_end(list);
}

static void figure_print(const struct bench_figure *figure)
{
	const struct bench_series *series = figure->series;
	double judged = series->peer ? figure->ratio : figure->value;
	bool held = (series->least == 0 || judged >= series->least) && (series->most == 0 || judged <= series->most);
	char bound[48] = "";
	if (series->least > 0)
		snprintf(bound, sizeof bound, ">= %g %s", series->least, held ? "held" : "MISSED");
	else if (series->most > 0)
		snprintf(bound, sizeof bound, "<= %g %s", series->most, held ? "held" : "MISSED");
	printf("%-34s %12.5g %-14s", series->name, figure->value, series->unit);
	if (series->peer)
		printf(" %12.5g %8.3f", figure->peer, figure->ratio);
	else
		printf(" %12s %8s", "peer absent", "");
	printf(" %6.0f%%  %s\n", figure->spread * 100, bound);
	fflush(stdout);
	bench_missed += !held;
}

void bench_report(const struct bench_series *given)
{
	struct bench_series *series = malloc(sizeof *series);
	double ratios[BENCH_TURNS_MAX];
	wn_assert(series != NULL);
	wn_assert(bench_figure_count < BENCH_FIGURES_MAX);
	wn_assert(given->count > 0);
	*series = *given;
	struct bench_figure *figure = &bench_figures[bench_figure_count++];
	figure->series = series;
	figure->value = median_of(series->ours, series->count, &figure->spread);
	if (series->peer) {
		for (int i = 0; i < series->count; i++)
			ratios[i] = series->ours[i] / series->peers[i];
		figure->peer = median_of(series->peers, series->count, NULL);
		figure->ratio = median_of(ratios, series->count, &figure->spread);
	}
	figure_print(figure);
}

/* ---- build/bench.json ---- */

static void number_put(struct json_writer *writer, struct wn_arena *arena, const char *name, double value, bool known)
{
	char *text = known ? wn_arena_printf(arena, "%.6g", value) : NULL;
	json_put_raw(writer, name, text ? wn_slice_of(text) : WN_SLICE("null"));
}

static bool json_write(const char *path)
{
	struct wn_arena arena;
	struct json_writer writer;
	struct wn_slice text;
	struct wn_error err;
	wn_arena_init(&arena, 1 << 20);
	json_begin(&writer, &arena);
	json_open_array(&writer, NULL);
	for (int i = 0; i < bench_figure_count; i++) {
		const struct bench_figure *figure = &bench_figures[i];
		bool peer = figure->series->peer != NULL;
		json_open_object(&writer, NULL);
		json_put_string(&writer, "name", figure->series->name);
		json_put_string(&writer, "unit", figure->series->unit);
		number_put(&writer, &arena, "value", figure->value, true);
		json_put_string(&writer, "peer", figure->series->peer);
		number_put(&writer, &arena, "peer_value", figure->peer, peer);
		number_put(&writer, &arena, "ratio", figure->ratio, peer);
		number_put(&writer, &arena, "spread", figure->spread, true);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	bool done = json_end(&writer, &text, &err);
	FILE *file = done ? fopen(path, "we") : NULL;
	done = file && fwrite(text.data, 1, text.bytes, file) == text.bytes && fputc('\n', file) != EOF;
	if (file)
		done = fclose(file) == 0 && done;
	wn_arena_free(&arena);
	return done;
}

/* What the figures depend on, and nothing that names the machine. */
static void machine_print(void)
{
	struct utsname name;
	char line[256], model[128] = "?";
	double load[3] = {0};
	FILE *file = fopen("/proc/cpuinfo", "re");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (file)
		fclose(file);
	uname(&name);
	(void)!getloadavg(load, 3);
	printf("%ld cores (%s), %s %s, load %.1f; CPU time, medians of at least %d turns, ratio ours / peer\n",
		sysconf(_SC_NPROCESSORS_ONLN), model, name.sysname, name.machine, load[0], BENCH_TURNS);
	printf("%-34s %12s %-14s %12s %8s %7s\n", "row", "ours", "unit", "peer", "ratio", "spread");
}

/* bench FILE [ROW]: FILE gets the figures as JSON. */
int main(int argc, char **argv)
{
	static struct test_case test = {.suite = "bench", .name = "bench"};
	const char *only = argc > 2 && argv[2][0] ? argv[2] : NULL;
	int failed = 0, ran = 0;
	if (argc < 2)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_run.test = &test;
	snprintf(test_run.sentence, sizeof test_run.sentence, "bench");
	sign_start();
	log_start("bench", LOG_WARN);
	machine_print();
	for (size_t i = 0; i < sizeof bench_rows / sizeof *bench_rows; i++) {
		struct wn_error err = {0};
		if (only && strcmp(only, bench_rows[i].name) != 0)
			continue;
		ran++;
		test.name = bench_rows[i].name;
		if (!bench_rows[i].run(&err)) {
			failed++;
			printf("%-34s failed: %s: %s\n", bench_rows[i].name, err.code, err.text);
		}
	}
	for (int i = 0; i < bench_note_count; i++)
		printf("  %s\n", bench_notes[i]);
	if (ran == 0) {
		printf("no row is called %s\n", only);
		return 2;
	}
	if (!json_write(argv[1])) {
		printf("%s cannot be written\n", argv[1]);
		return 1;
	}
	printf("%d figures in %s, %d bounds missed, %d rows failed\n", bench_figure_count, argv[1], bench_missed,
		failed);
	return failed > 0;
}
