/* Signing in vectors of 64 bytes: AVX-512 F, BW, DQ and VL. */
#include "gpu_embed/backend.h"

#include <immintrin.h>
#include <stdio.h>

typedef __m512i vector_t;
enum { VECTOR_WIDTH = 16 };

#define AVX512_INLINE static inline __attribute__((always_inline))

AVX512_INLINE vector_t vector_load(const uint32_t *source)
{
	return _mm512_loadu_si512(source);
}

AVX512_INLINE void vector_store(uint32_t *target, vector_t v)
{
	_mm512_storeu_si512(target, v);
}

AVX512_INLINE vector_t vector_least(vector_t a, vector_t b)
{
	return _mm512_min_epu32(a, b);
}

AVX512_INLINE vector_t vector_most(vector_t a, vector_t b)
{
	return _mm512_max_epu32(a, b);
}

AVX512_INLINE vector_t vector_across(vector_t v, unsigned bits)
{
	switch (bits) {
	case 1:
		return _mm512_shuffle_epi32(v, 0xb1);
	case 2:
		return _mm512_shuffle_epi32(v, 0x4e);
	case 3:
		return _mm512_shuffle_epi32(v, 0x1b);
	case 4:
		return _mm512_shuffle_i32x4(v, v, 0xb1);
	case 7:
		return _mm512_permutexvar_epi32(
			_mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8), v);
	case 8:
		return _mm512_shuffle_i32x4(v, v, 0x4e);
	default:
		return _mm512_permutexvar_epi32(
			_mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), v);
	}
}

AVX512_INLINE vector_t vector_upper(vector_t low, vector_t high, unsigned bit)
{
	return _mm512_mask_mov_epi32(low, bit == 1 ? 0xaaaa : bit == 2 ? 0xcccc : bit == 4 ? 0xf0f0 : 0xff00, high);
}

AVX512_INLINE void vector_zip(vector_t *a, vector_t *b)
{
	const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
	vector_t low = _mm512_permutex2var_epi32(*a, first, *b);
	*b = _mm512_permutex2var_epi32(*a, second, *b);
	*a = low;
}

#include "gpu_embed/backend_vector.h"

/* The lanes of a vector that hold one of the next `left` elements. */
AVX512_INLINE __mmask16 mask_of(size_t left)
{
	return left >= VECTOR_WIDTH ? 0xffff : (__mmask16)((1u << left) - 1);
}

static unsigned vector_width(const uint32_t *points, size_t count)
{
	size_t wide = 0, blanks = 0;
	for (size_t i = 0; i < count; i += VECTOR_WIDTH) {
		__mmask16 here = mask_of(count - i), found = 0;
		__m512i v = _mm512_maskz_loadu_epi32(here, points + i);
		blanks += (size_t)__builtin_popcount(_mm512_mask_cmpeq_epi32_mask(here, v, _mm512_set1_epi32(' ')));
		__mmask16 over = _mm512_cmpge_epu32_mask(v, _mm512_set1_epi32(WIDE_LEAST));
		for (unsigned range = 0; range < WIDE_RANGES && (over & ~found); range++)
			found |= _mm512_cmple_epu32_mask(
				_mm512_sub_epi32(v, _mm512_set1_epi32((int)vector_wide[range].first)),
				_mm512_set1_epi32((int)(vector_wide[range].last - vector_wide[range].first)));
		wide += (size_t)__builtin_popcount(found);
	}
	return 2 * wide > count - blanks ? EMBED_SHINGLE_WIDE : EMBED_SHINGLE;
}

AVX512_INLINE __m512i fmix(__m512i h)
{
	h = _mm512_xor_si512(h, _mm512_srli_epi32(h, 16));
	h = _mm512_mullo_epi32(h, _mm512_set1_epi32((int)0x85ebca6bu));
	h = _mm512_xor_si512(h, _mm512_srli_epi32(h, 13));
	h = _mm512_mullo_epi32(h, _mm512_set1_epi32((int)0xc2b2ae35u));
	return _mm512_xor_si512(h, _mm512_srli_epi32(h, 16));
}

static void vector_hash(const uint32_t *points, size_t shingles, unsigned width, uint32_t *out)
{
	const __m512i base = _mm512_set1_epi32((int)EMBED_BASE);
	for (size_t i = 0; i < shingles; i += VECTOR_WIDTH) {
		__mmask16 here = mask_of(shingles - i);
		__m512i h = _mm512_set1_epi32((int)width);
		for (unsigned at = 0; at < width; at++)
			h = _mm512_add_epi32(
				_mm512_mullo_epi32(h, base), _mm512_maskz_loadu_epi32(here, points + i + at));
		_mm512_storeu_si512(out + i, fmix(h));
	}
}

static void vector_lanes(const struct backend_vector_state *state, size_t size, uint16_t lanes[EMBED_LANES])
{
	enum { PARTS = EMBED_LANES / 32 };
	__m512i a[PARTS], c[PARTS], least[PARTS];
#pragma GCC unroll 4
	for (unsigned part = 0; part < PARTS; part++) {
		a[part] = _mm512_load_si512(state->a + 32 * part);
		c[part] = _mm512_load_si512(state->c + 32 * part);
		least[part] = _mm512_set1_epi16(-1);
	}
	for (size_t i = 0; i < size; i++) {
		__m512i high = _mm512_set1_epi32((int)state->high[i]), low = _mm512_set1_epi32((int)state->low[i]);
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++)
			least[part] = _mm512_min_epu16(least[part],
				_mm512_add_epi16(_mm512_mullo_epi16(c[part], high), _mm512_mulhi_epu16(a[part], low)));
	}
#pragma GCC unroll 4
	for (unsigned part = 0; part < PARTS; part++)
		_mm512_storeu_si512(lanes + 32 * part, least[part]);
}

AVX512_INLINE __m512i mix(__m512i z)
{
	z = _mm512_mullo_epi64(
		_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)), _mm512_set1_epi64((long long)0xbf58476d1ce4e5b9u));
	z = _mm512_mullo_epi64(
		_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)), _mm512_set1_epi64((long long)0x94d049bb133111ebu));
	return _mm512_xor_si512(z, _mm512_srli_epi64(z, 31));
}

/* Eight bands, which are forty lanes, at a time; of the last group one. */
static void vector_keys(const uint16_t lanes[EMBED_LANES], uint64_t *keys, size_t stride)
{
	const __m512i golden = _mm512_set1_epi64((long long)0x9e3779b97f4a7c15u);
	/* Number of a band's first lane, four times, and whose turn each word of a key is. */
	const __m512i first = _mm512_mullo_epi16(
			      _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7), _mm512_set1_epi64(EMBED_ROWS)),
		      copies = _mm512_set1_epi64(0x0001000100010001);
	const __m512i four = _mm512_add_epi16(_mm512_mullo_epi64(first, copies), _mm512_set1_epi64(0x0003000200010000));
	const __m512i fifth = _mm512_add_epi16(first, _mm512_set1_epi64(EMBED_ROWS - 1));
	__m512i number = _mm512_slli_epi64(_mm512_setr_epi64(1, 2, 3, 4, 5, 6, 7, 8), 16);
	unsigned band = 0;
	uint64_t eight[8];
	for (; band + 8 < EMBED_BANDS; band += 8) {
		const uint16_t *at = lanes + EMBED_ROWS * band;
		__m512i most = _mm512_loadu_si512(at);
		__m512i rest = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(at + 32)));
		__m512i low = _mm512_permutex2var_epi16(most, four, rest);
		__m512i high = _mm512_maskz_permutex2var_epi16(0x11111111, most, fifth, rest);
		high = _mm512_or_si512(high, number);
		_mm512_storeu_si512(eight, mix(_mm512_xor_si512(low, _mm512_mullo_epi64(high, golden))));
		for (unsigned i = 0; i < 8; i++)
			keys[(band + i) * stride] = eight[i];
		number = _mm512_add_epi64(number, _mm512_set1_epi64(8 << 16));
	}
	for (; band < EMBED_BANDS; band++)
		keys[band * stride] = embed_band_key(lanes + EMBED_ROWS * band, band);
}

/* The words of two features at a time. */
static void vector_signs(const uint32_t *hashes, size_t count, uint64_t *signs)
{
	const __m512i golden = _mm512_set1_epi64((long long)0x9e3779b97f4a7c15u),
		      seed = _mm512_set1_epi64((long long)EMBED_SIGNS),
		      words = _mm512_setr_epi64(0, 1, 2, 3, 0, 1, 2, 3);
	for (size_t i = 0; i < count; i += 2) {
		long long first = (long long)hashes[i], second = (long long)hashes[i + 1 < count ? i + 1 : i];
		__m512i z = _mm512_mask_set1_epi64(_mm512_set1_epi64(first), 0xf0, second);
		z = _mm512_add_epi64(_mm512_slli_epi64(z, 2), words);
		z = _mm512_add_epi64(seed, _mm512_mullo_epi64(z, golden));
		_mm512_storeu_si512(signs + EMBED_SIGN_WORDS * i, mix(z));
	}
}

/* All dimensions at a time: a register holds 32 of them, and a feature's signs are the masks of its additions. */
static void vector_sums(const uint64_t *signs, const uint16_t *weights, size_t count, int32_t *sums)
{
	enum { PARTS = EMBED_DIMENSIONS / 32 };
	__m512i part[PARTS];
#pragma GCC unroll 8
	for (unsigned at = 0; at < PARTS; at++)
		part[at] = _mm512_setzero_si512();
	for (size_t i = 0; i < count; i++) {
		__m512i weight = _mm512_set1_epi16((short)weights[i]);
		uint32_t masks[PARTS];
		memcpy(masks, signs + EMBED_SIGN_WORDS * i, sizeof masks);
#pragma GCC unroll 8
		for (unsigned at = 0; at < PARTS; at++)
			part[at] = _mm512_mask_add_epi16(part[at], masks[at], part[at], weight);
	}
#pragma GCC unroll 8
	for (unsigned at = 0; at < PARTS; at++) {
		int32_t *low = sums + 32 * at, *high = low + 16;
		__m512i least = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(part[at]));
		__m512i most = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(part[at], 1));
		_mm512_storeu_si512(low, _mm512_add_epi32(_mm512_loadu_si512(low), _mm512_slli_epi32(least, 1)));
		_mm512_storeu_si512(high, _mm512_add_epi32(_mm512_loadu_si512(high), _mm512_slli_epi32(most, 1)));
	}
}

static bool backend_avx512_usable(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static void backend_avx512_about(char out[BACKEND_ABOUT_MAX])
{
	snprintf(out, BACKEND_ABOUT_MAX,
		backend_avx512_usable() ? "the processor has AVX-512 F, BW, DQ and VL"
					: "the processor lacks AVX-512 F, BW, DQ and VL");
}

const struct backend_kind backend_avx512 = {
	.name = "avx512",
	.usable = backend_avx512_usable,
	.about = backend_avx512_about,
	.open = backend_vector_open,
	.close = backend_vector_close,
	.sign = backend_vector_sign,
	.project = backend_vector_project,
};
