/* Signatures of posts a core and second: every backend of this processor, the scalar reference, and the multiplier. */
#include "tests/bench/bench.h"

#include <immintrin.h>

#include "gpu_embed/backend.h"
#include "tests/gpu_embed/points.h"

enum { TEXTS = BACKEND_BATCH_MAX, POINTS = TEXTS * 300, ROUNDS = 20, MULTIPLICATIONS = 20000000, FACTORS = 8 };

static bool signature_rate(
	const char *name, struct points_batch *batch, int rounds, double *texts_a_second, struct wn_error *err)
{
	struct backend *backend;
	bool done = true;
	if (!backend_open(&backend, name, err))
		return false;
	int64_t start_ns = bench_cpu_self();
	for (int round = 0; round < rounds && done; round++)
		done = backend_sign(backend, &batch->texts, &batch->out, err);
	*texts_a_second = (double)batch->texts.count * rounds * 1e9 / (double)(bench_cpu_self() - start_ns);
	backend_close(backend);
	return done;
}

/* 16-bit multiplications of 64 bytes a second, eight that do not wait for each other: the bound of the lanes. */
__attribute__((target("avx512f,avx512bw"))) static double multiplication_rate(void)
{
	__m512i factors[FACTORS];
#pragma GCC unroll 8
	for (int i = 0; i < FACTORS; i++)
		factors[i] = _mm512_set1_epi16((short)(2 * i + 3));
	int64_t start_ns = bench_cpu_self();
	for (int turn = 0; turn < MULTIPLICATIONS / FACTORS; turn++) {
#pragma GCC unroll 8
		for (int i = 0; i < FACTORS; i++)
			__asm__ volatile("vpmullw %0, %0, %0" : "+v"(factors[i]));
	}
	return MULTIPLICATIONS * 1e9 / (double)(bench_cpu_self() - start_ns);
}

static bool signature_turns(struct points_batch *batch, struct wn_error *err)
{
	const char *scalar = "the scalar reference";
	bool avx512 = backend_avx512.usable(), avx2 = backend_avx2.usable();
	struct bench_series wide = {.name = "signatures, AVX-512", .unit = "texts/cpu s", .peer = scalar, .least = 15};
	struct bench_series narrow = {.name = "signatures, AVX2", .unit = "texts/cpu s", .peer = scalar, .least = 10};
	struct bench_series both = {
		.name = "signatures, AVX2", .unit = "texts/cpu s", .peer = "AVX-512", .least = 0.45};
	struct bench_series bound = {.name = "signatures, AVX-512",
		.unit = "texts/cpu s",
		.peer = "its multiplications alone",
		.least = 0.25};
	double wide_rate = 0, narrow_rate = 0, ref_rate, shingles = 0;
	for (int turn = 0; turn < BENCH_TURNS; turn++) {
		if (!signature_rate("ref", batch, 1, &ref_rate, err) ||
			(avx2 && !signature_rate("avx2", batch, ROUNDS, &narrow_rate, err)) ||
			(avx512 && !signature_rate("avx512", batch, ROUNDS, &wide_rate, err)))
			return false;
		shingles = 0;
		for (size_t i = 0; i < batch->texts.count; i++)
			shingles += (double)batch->out.sizes[i] / (double)batch->texts.count;
		/* Two products a lane, 32 lanes a register. */
		double products = 2 * EMBED_LANES / 32 * shingles;
		bench_turn(&wide, wide_rate, ref_rate);
		bench_turn(&narrow, narrow_rate, ref_rate);
		bench_turn(&both, narrow_rate, wide_rate);
		bench_turn(&bound, wide_rate, avx512 ? multiplication_rate() / products : 0);
	}
	if (avx512)
		bench_report(&wide);
	if (avx2)
		bench_report(&narrow);
	if (avx512 && avx2)
		bench_report(&both);
	if (avx512)
		bench_report(&bound);
	bench_note("signatures: %.1f shingles a text; the set sorted, lanes, keys; %s%s", shingles,
		avx512 ? "" : "no AVX-512 here; ", avx2 ? "one core" : "no AVX2 here");
	return true;
}

bool bench_signatures(struct wn_error *err)
{
	struct points_batch batch;
	uint64_t random = 1;
	if (!points_open(&batch, TEXTS, POINTS))
		return wn_fail(err, WN_FULL, "memory", "no room for %d texts", TEXTS);
	points_fill(&batch, POINTS_POSTS, TEXTS, &random);
	bool done = signature_turns(&batch, err);
	points_close(&batch);
	return done;
}
