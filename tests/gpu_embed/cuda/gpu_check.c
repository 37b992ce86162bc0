/* Everything that needs a GPU to be tested, in one program that links with little: run by ops/gpu_check.sh. */
#include "tests/gpu_embed/cuda/gpu_measure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gpu_embed/cuda_loader.h"
#include "gpu_embed/range.h"
#include "tests/gpu_embed/points.h"
#include "tests/gpu_embed/vectors.h"

enum {
	BATCH_TEXTS = 4096,
	BATCH_POINTS = BATCH_TEXTS * 700,
	THREADS_MAX = 32,
	BACKENDS_MAX = 8,
	STREAM_TEXTS = 1 << 20,
	STREAM_POINTS = STREAM_TEXTS * 150, /* posts have 142 code points on average */
	RANGE_VECTORS = 20000,
	RANGE_QUERIES = 700,
	RANGE_HITS = 1 << 22,
	LOSS_BATCHES_MAX = 10000,
};

static int failures;

static bool holds(bool held, const char *what)
{
	if (!held) {
		printf("FAILED: %s\n", what);
		failures++;
	}
	return held;
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int double_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* "| what | median | least to most |" of `amount` divided by the seconds of each turn. */
static double row(
	const char *what, const struct measure *measure, double amount, const char *unit, double of, const char *roof)
{
	double rates[MEASURE_TURNS];
	for (int i = 0; i < MEASURE_TURNS; i++)
		rates[i] = amount / measure->seconds[i];
	qsort(rates, MEASURE_TURNS, sizeof *rates, double_order);
	printf("| %s | %.4g %s | %.4g to %.4g |", what, rates[MEASURE_TURNS / 2], unit, rates[0],
		rates[MEASURE_TURNS - 1]);
	if (of > 0)
		printf(" %.2f of %s", rates[MEASURE_TURNS / 2] / of, roof);
	printf(" |\n");
	fflush(stdout);
	return rates[MEASURE_TURNS / 2];
}

/* ---- equality ---- */

struct comparison {
	atomic_size_t next, texts, points;
	size_t batches;
	size_t texts_max;
	atomic_bool differs;
};

static enum points_kind batch_kind(size_t batch)
{
	return batch % 10 == 0 ? POINTS_HOSTILE : batch % 10 < 3 ? POINTS_LENGTHS : POINTS_POSTS;
}

static void *compare_batches(void *context)
{
	struct comparison *comparison = context;
	struct points_batch want, mine;
	struct backend *ref, *others[BACKENDS_MAX];
	struct wn_error err = {0};
	size_t count = 0, batch, text = 0;
	if (!points_open(&want, comparison->texts_max, BATCH_POINTS) ||
		!points_open(&mine, comparison->texts_max, BATCH_POINTS) || !backend_open(&ref, "ref", &err)) {
		atomic_store(&comparison->differs, true);
		return NULL;
	}
	for (size_t i = 0; backend_kinds[i]; i++)
		if (backend_kinds[i] != &backend_ref && backend_kinds[i]->usable()) {
			if (backend_open(&others[count], backend_kinds[i]->name, &err)) {
				count++;
			} else {
				printf("%s: %s\n", backend_kinds[i]->name, err.text);
				atomic_store(&comparison->differs, true);
			}
		}
	while ((batch = atomic_fetch_add(&comparison->next, 1)) < comparison->batches) {
		uint64_t random = batch;
		points_fill(&want, batch_kind(batch), comparison->texts_max, &random);
		points_soil(&want, 0x11);
		struct embed_texts own = mine.texts;
		bool good = backend_sign(ref, &want.texts, &want.out, &err);
		for (size_t i = 0; i < count && good; i++) {
			const char *what = NULL;
			points_soil(&mine, 0x77);
			mine.texts = want.texts;
			good = backend_sign(others[i], &want.texts, &mine.out, &err);
			if (good)
				what = points_differ(&want, &mine, &text);
			const struct wn_error *fault = backend_fault(others[i]);
			if (!good || what || fault) {
				printf("batch %zu, %s: %s of text %zu; %s\n", batch, backend_name(others[i]),
					what ? what : "nothing", text, fault ? fault->text : err.text);
				atomic_store(&comparison->differs, true);
			}
		}
		mine.texts = own;
		atomic_fetch_add(&comparison->texts, want.texts.count);
		atomic_fetch_add(&comparison->points, want.texts.starts[want.texts.count]);
	}
	for (size_t i = 0; i < count; i++)
		backend_close(others[i]);
	backend_close(ref);
	points_close(&want);
	points_close(&mine);
	return NULL;
}

static void check_signatures(size_t batches, size_t texts_max, long threads)
{
	pthread_t running[THREADS_MAX];
	struct comparison comparison = {.batches = batches, .texts_max = texts_max};
	double start = seconds_now();
	threads = threads > THREADS_MAX ? THREADS_MAX : threads < 1 ? 1 : threads;
	for (long i = 0; i < threads; i++)
		pthread_create(&running[i], NULL, compare_batches, &comparison);
	for (long i = 0; i < threads; i++)
		pthread_join(running[i], NULL);
	printf("- signatures: %zu fuzzed texts, %zu code points, on %ld threads in %.1f s:",
		atomic_load(&comparison.texts), atomic_load(&comparison.points), threads, seconds_now() - start);
	for (size_t i = 0; backend_kinds[i]; i++)
		if (backend_kinds[i]->usable())
			printf(" %s", backend_kinds[i]->name);
	printf(": %s\n", atomic_load(&comparison.differs) ? "DIFFERENT" : "equal, every lane, key, shingle and size");
	holds(!atomic_load(&comparison.differs), "signatures are equal");
}

static void check_range(size_t vectors_max, size_t queries_max, unsigned dimensions)
{
	int8_t *vectors = malloc(vectors_max * dimensions), *queries = malloc(queries_max * dimensions);
	struct range_hit *want_room = malloc(RANGE_HITS * sizeof *want_room), *room = malloc(RANGE_HITS * sizeof *room);
	uint64_t random = dimensions;
	struct wn_error err = {0};
	struct range *ref, *other;
	if (!holds(vectors && queries && want_room && room, "memory"))
		exit(1);
	vectors_fill(vectors, vectors_max, dimensions, &random);
	vectors_fill(queries, queries_max, dimensions, &random);
	memcpy(queries, vectors, queries_max / 2 * dimensions);
	static const uint32_t fractions[][2] = {{81, 100}, {1, 1}, {99, 100}};
	/* The first usable one of the processor was compared with the reference by the tests of every machine. */
	if (!holds(range_open(&ref, vectors_max > 2000 ? NULL : "ref", dimensions, &err), "open the reference"))
		exit(1);
	holds(range_add(ref, vectors, vectors_max, &err), "add to the reference");
	for (size_t i = 0; range_kinds[i]; i++) {
		if (range_kinds[i] == &range_ref || !range_kinds[i]->usable())
			continue;
		if (!holds(range_open(&other, range_kinds[i]->name, dimensions, &err), err.text))
			continue;
		size_t first = vectors_max / 3;
		holds(range_add(other, vectors, first, &err), err.text);
		holds(range_add(other, vectors + first * dimensions, vectors_max - first, &err), err.text);
		for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
			struct range_query query = {queries, queries_max, fractions[f][0], fractions[f][1]};
			struct range_hits want = {want_room, RANGE_HITS, 0}, got = {room, RANGE_HITS, 0};
			bool good = holds(range_search(ref, &query, &want, &err), err.text) &&
				    holds(range_search(other, &query, &got, &err), err.text);
			bool same = good && want.count == got.count && want.count > 0 &&
				    memcmp(want_room, room, want.count * sizeof *room) == 0;
			printf("- range search, %u dimensions, %zu vectors, %zu queries, %u/%u: %s against %s: %zu and "
			       "%zu hits, %s\n",
				dimensions, vectors_max, queries_max, fractions[f][0], fractions[f][1],
				range_name(other), range_name(ref), got.count, want.count,
				same ? "equal" : "DIFFERENT");
			holds(same, "hits are equal");
			holds(range_fault(other) == NULL, "the GPU itself answered");
		}
		range_close(other);
	}
	range_close(ref);
	free(vectors);
	free(queries);
	free(want_room);
	free(room);
}

/* A million texts in one call from pinned memory, against the processor. */
static struct points_batch stream, stream_want;

static bool stream_open(const struct device_interface *gpu)
{
	uint64_t random = 7;
	if (!points_open(&stream_want, STREAM_TEXTS, STREAM_POINTS))
		return false;
	points_fill(&stream_want, POINTS_POSTS, STREAM_TEXTS, &random);
	size_t count = stream_want.texts.count, points = stream_want.texts.starts[count];
	uint32_t *points_pinned = gpu->take(points * sizeof(uint32_t));
	uint32_t *starts = gpu->take((count + 1) * sizeof(uint32_t));
	stream.out.lanes = gpu->take(count * EMBED_LANES * sizeof(uint16_t));
	stream.out.keys = gpu->take(count * EMBED_BANDS * sizeof(uint64_t));
	stream.out.shingles = gpu->take(points * sizeof(uint32_t));
	stream.out.sizes = gpu->take(count * sizeof(uint32_t));
	stream.room_texts = count;
	stream.room_points = points;
	if (!points_pinned || !starts || !stream.out.lanes || !stream.out.keys || !stream.out.shingles ||
		!stream.out.sizes)
		return false;
	memcpy(points_pinned, stream_want.texts.points, points * sizeof(uint32_t));
	memcpy(starts, stream_want.texts.starts, (count + 1) * sizeof(uint32_t));
	stream.texts = (struct embed_texts){.count = count, .points = points_pinned, .starts = starts};
	return true;
}

static void check_stream(const struct device_interface *gpu, struct device *device)
{
	const struct backend_kind *cpu = backend_avx512.usable() ? &backend_avx512
					 : backend_avx2.usable() ? &backend_avx2
								 : &backend_ref;
	char text[DEVICE_TEXT_MAX] = "";
	struct wn_error err = {0};
	void *state;
	size_t differs = 0;
	points_soil(&stream, 0x31);
	holds(cpu->open(&state, &err) && cpu->sign(state, &stream_want.texts, &stream_want.out, &err),
		"sign on the CPU");
	cpu->close(state);
	holds(gpu->sign(device, &stream.texts, &stream.out, text) == DEVICE_DONE, text);
	const char *what = points_differ(&stream_want, &stream, &differs);
	printf("- %zu posts in one call from pinned memory, in chunks, against %s: %s\n", stream.texts.count, cpu->name,
		what ? what : "equal");
	holds(!what, "the stream is equal");
}

/* ---- losing the GPU ---- */

/* Signs one batch again and again until the device is gone: so soon that it is in the middle of the first. */
static void check_loss(struct backend *backend, unsigned trap_us, const char *how)
{
	struct points_batch want, mine;
	struct backend *ref;
	struct wn_error err = {0};
	uint64_t random = 1;
	size_t text = 0, signed_batches = 0;
	if (!holds(points_open(&want, BATCH_TEXTS, BATCH_POINTS) && points_open(&mine, BATCH_TEXTS, BATCH_POINTS) &&
			    backend_open(&ref, "ref", &err),
		    "memory"))
		exit(1);
	points_fill(&want, POINTS_POSTS, BATCH_TEXTS, &random);
	holds(backend_sign(ref, &want.texts, &want.out, &err), err.text);
	struct embed_texts own = mine.texts;
	mine.texts = want.texts;
	if (trap_us > 0)
		holds(backend_sign(backend, &mine.texts, &mine.out, &err) && !backend_fault(backend), "the GPU signs");
	for (; signed_batches < LOSS_BATCHES_MAX && !backend_fault(backend); signed_batches++) {
		points_soil(&mine, 0x42);
		if (signed_batches == 0 && trap_us > 0)
			holds(measure_trap(trap_us), "start what kills");
		if (!holds(backend_sign(backend, &mine.texts, &mine.out, &err), err.text) ||
			!holds(points_differ(&want, &mine, &text) == NULL, "every batch is whole, the last one too"))
			break;
	}
	const struct wn_error *fault = backend_fault(backend);
	if (holds(fault != NULL, "the GPU was lost"))
		printf("- %s: in batch %zu \"%s\" (%s); %s signed that batch anew, equal to the reference\n", how,
			signed_batches, fault->text, fault->code, backend_name(backend));
	mine.texts = own;
	points_close(&want);
	points_close(&mine);
	backend_close(ref);
}

static void check_range_loss(struct range *range, const int8_t *vectors, size_t count, unsigned dimensions)
{
	struct range_hit *hits = malloc(2 * RANGE_HITS * sizeof *hits);
	struct range_query query = {vectors, 100, 81, 100};
	struct range_hits mine = {hits, RANGE_HITS, 0}, want = {hits + RANGE_HITS, RANGE_HITS, 0};
	struct wn_error err = {0};
	struct range *ref;
	holds(range_search(range, &query, &mine, &err), err.text);
	holds(range_open(&ref, "ref", dimensions, &err) && range_add(ref, vectors, count, &err) &&
			range_search(ref, &query, &want, &err),
		"search by the reference");
	holds(mine.count == want.count && memcmp(hits, hits + RANGE_HITS, mine.count * sizeof *hits) == 0,
		"the search in which the GPU was lost is whole");
	const struct wn_error *fault = range_fault(range);
	if (holds(fault != NULL, "the search knows that the GPU was lost"))
		printf("- and a search: \"%s\" (%s); %s answered it, %zu hits, equal to the reference\n", fault->text,
			fault->code, range_name(range), mine.count);
	range_close(ref);
	free(hits);
}

static int mode_loss(bool memory)
{
	enum { COUNT = 3000, DIMENSIONS = 256, MORE = 64 };
	struct backend *backend;
	struct range *range;
	struct wn_error err = {0};
	uint64_t random = 3;
	int8_t *vectors = malloc((size_t)COUNT * MORE * DIMENSIONS);
	vectors_fill(vectors, (size_t)COUNT * MORE, DIMENSIONS, &random);
	if (!holds(backend_open(&backend, "cuda", &err) && range_open(&range, "cuda", DIMENSIONS, &err), err.text))
		return 1;
	holds(range_add(range, vectors, COUNT, &err), err.text);
	if (memory) {
		holds(measure_hog(), "take all memory");
		check_loss(backend, 0, "no memory left on the GPU");
		/* 47 MiB more do not fit: the processor has them. */
		holds(range_add(range, vectors + (size_t)COUNT * DIMENSIONS, (size_t)COUNT * (MORE - 1), &err),
			err.text);
		check_range_loss(range, vectors, (size_t)COUNT * MORE, DIMENSIONS);
		measure_release();
	} else {
		check_loss(backend, 800, "the GPU lost while it works");
		check_range_loss(range, vectors, COUNT, DIMENSIONS);
	}
	range_close(range);
	backend_close(backend);
	free(vectors);
	return failures > 0;
}

/* ---- times ---- */

static void time_stream(const struct device_interface *gpu, struct device *device, double down)
{
	struct measure measure = {0};
	char text[DEVICE_TEXT_MAX] = "";
	size_t count = stream.texts.count, points = stream.texts.starts[count];
	double out_bytes = (double)points * 4 + (double)count * (EMBED_LANES * 2 + EMBED_BANDS * 8 + 4);
	for (int i = -1; i < MEASURE_TURNS; i++) {
		double start = seconds_now();
		holds(gpu->sign(device, &stream.texts, &stream.out, text) == DEVICE_DONE, text);
		if (i >= 0)
			measure.seconds[i] = seconds_now() - start;
	}
	row("signatures, pinned memory in and out", &measure, (double)count / 1e6, "M posts/s",
		down * 1e9 / (out_bytes / (double)count) / 1e6, "the link down");
}

static void time_backends(void)
{
	struct points_batch batch;
	struct wn_error err = {0};
	uint64_t random = 5;
	if (!holds(points_open(&batch, BATCH_TEXTS, BATCH_POINTS), "memory"))
		return;
	points_fill(&batch, POINTS_POSTS, BATCH_TEXTS, &random);
	for (size_t i = 0; backend_kinds[i]; i++) {
		struct measure measure = {0};
		struct backend *backend;
		char what[96];
		int rounds = backend_kinds[i] == &backend_ref ? 1 : 10;
		if (!backend_kinds[i]->usable() ||
			!holds(backend_open(&backend, backend_kinds[i]->name, &err), err.text))
			continue;
		for (int turn = -1; turn < MEASURE_TURNS; turn++) {
			double start = seconds_now();
			for (int round = 0; round < rounds; round++)
				holds(backend_sign(backend, &batch.texts, &batch.out, &err), err.text);
			if (turn >= 0)
				measure.seconds[turn] = seconds_now() - start;
		}
		snprintf(what, sizeof what, "signatures, batches of %d, one thread, %s", BATCH_TEXTS,
			backend_kinds[i]->name);
		row(what, &measure, (double)batch.texts.count * rounds / 1e6, "M posts/s", 0, NULL);
		backend_close(backend);
	}
	points_close(&batch);
}

static void time_range(size_t vectors, size_t queries, unsigned dimensions, bool tensor)
{
	struct measure measure = {0};
	char what[128];
	if (!holds(measure_range(vectors, queries, dimensions, tensor, &measure), "measure the range search"))
		return;
	snprintf(what, sizeof what, "range search, N = %zu M, d = %u, %zu queries, %s", vectors / 1000000, dimensions,
		queries, tensor ? "tensor cores" : "dp4a");
	row(what, &measure, 2e-12 * (double)vectors * (double)queries * dimensions, "TOPS", tensor ? 1979 : 0,
		"1,979 of the data sheet");
	holds(measure.hits >= queries, "every query finds itself");
}

static int mode_time(void)
{
	struct measure measure = {0};
	struct device *device;
	char text[DEVICE_TEXT_MAX] = "";
	const struct device_interface *gpu = cuda_loader(NULL);
	if (!holds(gpu && gpu->open(&device, text) == DEVICE_DONE, text))
		return 1;
	holds(stream_open(gpu), "pinned memory");
	check_stream(gpu, device);
	printf("\n| what | median of %d | least to most | share |\n| --- | --- | --- | --- |\n", MEASURE_TURNS);
	holds(measure_copy((size_t)4 << 30, &measure), "copy");
	row("copy within the GPU, bytes read and written", &measure, 8.589934592, "GB/s", 0, NULL);
	holds(measure_link((size_t)256 << 20, true, &measure), "copy in");
	row("link, host to GPU, pinned", &measure, 0.268435456, "GB/s", 0, NULL);
	holds(measure_link((size_t)256 << 20, false, &measure), "copy out");
	double down = row("link, GPU to host, pinned", &measure, 0.268435456, "GB/s", 0, NULL);
	/* 256 multiplications a shingle, 64 a clock on a multiprocessor. */
	double shingles = (double)(stream.texts.starts[stream.texts.count]) / (double)stream.texts.count - 4;
	holds(measure_sign(&stream_want.texts, &measure), "sign");
	row("signatures, all in the GPU's memory", &measure, (double)stream.texts.count / 1e6, "M posts/s",
		132 * 64 * 1.98e3 / (256 * shingles), "its multiplications at 132 x 64 x 1.98 GHz");
	time_stream(gpu, device, down);
	time_backends();
	time_range(10000000, RANGE_QUERIES_MAX, 256, true);
	time_range(10000000, 256, 256, true);
	time_range(5000000, RANGE_QUERIES_MAX, 384, true);
	time_range(1000000, RANGE_QUERIES_MAX, 256, false);
	gpu->close(device);
	return failures > 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "", *why;
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!cuda_loader(&why)) {
		printf("no GPU can be used here: %s\n", why);
		return 2;
	}
	if (strcmp(mode, "about") == 0) {
		printf("%s\n", why);
		return 0;
	}
	if (strcmp(mode, "equal") == 0) {
		check_signatures(260, BATCH_TEXTS, threads);
		check_range(RANGE_VECTORS, RANGE_QUERIES, 64);
		check_range(RANGE_VECTORS, RANGE_QUERIES, 256);
		check_range(RANGE_VECTORS, RANGE_QUERIES, 384);
		check_range(2000, RANGE_QUERIES, 1024);
		return failures > 0;
	}
	/* Little enough for a tool that watches every access. */
	if (strcmp(mode, "small") == 0) {
		check_signatures(12, 60, 1);
		check_range(700, 40, 256);
		check_range(300, 300, 64);
		check_range(300, 20, 640);
		return failures > 0;
	}
	if (strcmp(mode, "full") == 0)
		return mode_loss(true);
	if (strcmp(mode, "lost") == 0)
		return mode_loss(false);
	if (strcmp(mode, "time") == 0)
		return mode_time();
	printf("gpu_check about | equal | small | full | lost | time\n");
	return 2;
}
