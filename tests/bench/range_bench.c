/* Operations of a range search a core and second: against the scalar reference, the instruction alone, and FAISS. */
#include "tests/bench/bench.h"

#include <immintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/range.h"
#include "tests/gpu_embed/vectors.h"

enum { VECTORS = 50000, QUERIES = 960, REF_QUERIES = 8, HITS = 4 * QUERIES, DOTS = 40000000, SUMS = 24 };

/* Multiplications and additions: two a dimension of a pair. */
static bool range_rate(const char *name, const int8_t *vectors, unsigned dimensions, size_t queries, double *gops,
	struct wn_error *err)
{
	static struct range_hit room[HITS];
	struct range_hits hits = {.hits = room, .room = HITS};
	struct range_query query = {vectors, queries, 81, 100};
	struct range *range;
	if (!range_open(&range, name, dimensions, err))
		return false;
	bool done = range_add(range, vectors, VECTORS, err);
	int64_t start_ns = bench_cpu_self();
	done = done && range_search(range, &query, &hits, err);
	*gops = 2.0 * (double)queries * VECTORS * dimensions / (double)(bench_cpu_self() - start_ns);
	range_close(range);
	/* Each query is one of the vectors. */
	return done && (hits.count >= queries ||
			       wn_fail(err, WN_DOWN, "bench_hits", "%zu hits of %zu queries", hits.count, queries));
}

/* vpdpbusd in as many sums as the search keeps, and nothing else: 64 products and 64 additions each. */
__attribute__((target("avx512f,avx512vnni"))) static double dot_rate(void)
{
	__m512i sums[SUMS], query = _mm512_set1_epi32(0x01020304), vectors = _mm512_set1_epi32(0x05060708);
#pragma GCC unroll 24
	for (int i = 0; i < SUMS; i++)
		sums[i] = _mm512_set1_epi32(i);
	int64_t start_ns = bench_cpu_self();
	for (int turn = 0; turn < DOTS / SUMS; turn++) {
#pragma GCC unroll 24
		for (int i = 0; i < SUMS; i++)
			__asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sums[i]) : "v"(query), "v"(vectors));
	}
	return DOTS / SUMS * SUMS * 128.0 / (double)(bench_cpu_self() - start_ns);
}

/* WINNOW_BENCH_RANGE_PEER: a command that takes dimensions, vectors and queries, and says its name and CPU seconds. */
static bool peer_rate(unsigned dimensions, char name[BENCH_LABEL_MAX], double *gops, struct wn_error *err)
{
	const char *command = getenv("WINNOW_BENCH_RANGE_PEER");
	char line[512];
	double seconds = 0;
	*gops = 0;
	if (!command || !*command)
		return true;
	snprintf(line, sizeof line, "%s %u %d %d", command, dimensions, VECTORS, QUERIES);
	FILE *answer = popen(line, "r");
	bool said = answer && fscanf(answer, "%95s %lf", name, &seconds) == 2 && seconds > 0;
	if (answer)
		said = pclose(answer) == 0 && said;
	*gops = said ? 2e-9 * QUERIES * VECTORS * dimensions / seconds : 0;
	return said || wn_fail(err, WN_DOWN, "bench_peer", "\"%s\" does not say its name and its seconds", line);
}

static bool range_turns(const int8_t *vectors, unsigned dimensions, struct wn_error *err)
{
	static char names[4][2][BENCH_LABEL_MAX], peer_names[2][BENCH_LABEL_MAX];
	bool avx512 = range_avx512.usable(), avx2 = range_avx2.usable();
	char *peer_name = peer_names[dimensions == 384], *other = peer_name;
	struct bench_series wide = {.unit = "GOP/cpu s", .peer = "the scalar reference", .least = 60};
	struct bench_series narrow = {.unit = "GOP/cpu s", .peer = "the scalar reference", .least = 20};
	struct bench_series bound = {.unit = "GOP/cpu s", .peer = "vpdpbusd alone", .least = 0.85};
	struct bench_series fastest = {.unit = "GOP/cpu s"};
	const char *const labels[] = {"range search, AVX-512, d = %u", "range search, AVX2, d = %u",
		"range search, AVX-512, d = %u", "range search, d = %u"};
	struct bench_series *const series[] = {&wide, &narrow, &bound, &fastest};
	for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
		snprintf(names[i][dimensions == 384], BENCH_LABEL_MAX, labels[i], dimensions);
		series[i]->name = names[i][dimensions == 384];
	}
	for (int turn = 0; turn < BENCH_TURNS; turn++) {
		double wide_rate = 0, narrow_rate = 0, ref_rate, best_rate, other_rate;
		if (!range_rate("ref", vectors, dimensions, REF_QUERIES, &ref_rate, err) ||
			(avx2 && !range_rate("avx2", vectors, dimensions, QUERIES, &narrow_rate, err)) ||
			(avx512 && !range_rate("avx512", vectors, dimensions, QUERIES, &wide_rate, err)) ||
			!range_rate(NULL, vectors, dimensions, QUERIES, &best_rate, err) ||
			!peer_rate(dimensions, other, &other_rate, err))
			return false;
		bench_turn(&wide, wide_rate, ref_rate);
		bench_turn(&narrow, narrow_rate, ref_rate);
		bench_turn(&bound, wide_rate, avx512 ? dot_rate() : 0);
		bench_turn(&fastest, best_rate, other_rate);
	}
	if (avx512) {
		bench_report(&wide);
		bench_report(&bound);
	}
	if (avx2)
		bench_report(&narrow);
	if (*peer_name) {
		fastest.peer = peer_name;
		fastest.least = 4;
	}
	bench_report(&fastest);
	return true;
}

bool bench_range(struct wn_error *err)
{
	static const unsigned dimensions[] = {256, 384};
	int8_t *vectors = malloc((size_t)VECTORS * 384);
	uint64_t random = 1;
	bool done = true;
	if (!vectors)
		return wn_fail(err, WN_FULL, "memory", "no room for %d vectors", VECTORS);
	vectors_fill_even(vectors, VECTORS, 384, &random);
	for (size_t i = 0; i < sizeof dimensions / sizeof *dimensions && done; i++)
		done = range_turns(vectors, dimensions[i], err);
	free(vectors);
	return done;
}
