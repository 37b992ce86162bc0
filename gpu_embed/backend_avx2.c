/* Signing in vectors of 32 bytes: AVX2. */
#include "gpu_embed/backend.h"

#include <immintrin.h>
#include <stdio.h>

typedef __m256i vector_t;
enum { VECTOR_WIDTH = 8 };

#define AVX2_INLINE static inline __attribute__((always_inline))

AVX2_INLINE vector_t vector_load(const uint32_t *source)
{
	return _mm256_loadu_si256((const __m256i *)source);
}

AVX2_INLINE void vector_store(uint32_t *target, vector_t v)
{
	_mm256_storeu_si256((__m256i *)target, v);
}

AVX2_INLINE vector_t vector_least(vector_t a, vector_t b)
{
	return _mm256_min_epu32(a, b);
}

AVX2_INLINE vector_t vector_most(vector_t a, vector_t b)
{
	return _mm256_max_epu32(a, b);
}

AVX2_INLINE vector_t vector_across(vector_t v, unsigned bits)
{
	switch (bits) {
	case 1:
		return _mm256_shuffle_epi32(v, 0xb1);
	case 2:
		return _mm256_shuffle_epi32(v, 0x4e);
	case 3:
		return _mm256_shuffle_epi32(v, 0x1b);
	case 4:
		return _mm256_permute4x64_epi64(v, 0x4e);
	default:
		return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
	}
}

AVX2_INLINE vector_t vector_upper(vector_t low, vector_t high, unsigned bit)
{
	return bit == 1	  ? _mm256_blend_epi32(low, high, 0xaa)
	       : bit == 2 ? _mm256_blend_epi32(low, high, 0xcc)
			  : _mm256_blend_epi32(low, high, 0xf0);
}

AVX2_INLINE void vector_zip(vector_t *a, vector_t *b)
{
	vector_t low = _mm256_unpacklo_epi32(*a, *b), high = _mm256_unpackhi_epi32(*a, *b);
	*a = _mm256_permute2x128_si256(low, high, 0x20);
	*b = _mm256_permute2x128_si256(low, high, 0x31);
}

#include "gpu_embed/backend_vector.h"

/* All ones in the elements that are among the next `left`. */
AVX2_INLINE __m256i mask_of(size_t left)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(left > VECTOR_WIDTH ? VECTOR_WIDTH : (int)left),
		_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

AVX2_INLINE size_t mask_count(__m256i mask)
{
	return (size_t)__builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(mask)));
}

static unsigned vector_width(const uint32_t *points, size_t count)
{
	size_t wide = 0, blanks = 0;
	for (size_t i = 0; i < count; i += VECTOR_WIDTH) {
		__m256i v = _mm256_maskload_epi32((const int *)points + i, mask_of(count - i));
		__m256i least = _mm256_set1_epi32(WIDE_LEAST), found = _mm256_setzero_si256();
		__m256i over = _mm256_cmpeq_epi32(_mm256_max_epu32(v, least), v);
		blanks += mask_count(_mm256_cmpeq_epi32(v, _mm256_set1_epi32(' ')));
		for (unsigned range = 0; range < WIDE_RANGES && !_mm256_testc_si256(found, over); range++) {
			__m256i past = _mm256_sub_epi32(v, _mm256_set1_epi32((int)vector_wide[range].first));
			__m256i span = _mm256_set1_epi32((int)(vector_wide[range].last - vector_wide[range].first));
			found = _mm256_or_si256(found, _mm256_cmpeq_epi32(_mm256_min_epu32(past, span), past));
		}
		wide += mask_count(found);
	}
	return 2 * wide > count - blanks ? EMBED_SHINGLE_WIDE : EMBED_SHINGLE;
}

AVX2_INLINE __m256i fmix(__m256i h)
{
	h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 16));
	h = _mm256_mullo_epi32(h, _mm256_set1_epi32((int)0x85ebca6bu));
	h = _mm256_xor_si256(h, _mm256_srli_epi32(h, 13));
	h = _mm256_mullo_epi32(h, _mm256_set1_epi32((int)0xc2b2ae35u));
	return _mm256_xor_si256(h, _mm256_srli_epi32(h, 16));
}

static void vector_hash(const uint32_t *points, size_t shingles, unsigned width, uint32_t *out)
{
	const __m256i base = _mm256_set1_epi32((int)EMBED_BASE);
	for (size_t i = 0; i < shingles; i += VECTOR_WIDTH) {
		__m256i here = mask_of(shingles - i), h = _mm256_set1_epi32((int)width);
		for (unsigned at = 0; at < width; at++)
			h = _mm256_add_epi32(
				_mm256_mullo_epi32(h, base), _mm256_maskload_epi32((const int *)points + i + at, here));
		_mm256_storeu_si256((__m256i *)(out + i), fmix(h));
	}
}

/* Half of the lanes at a time: factors and minima of all would not fit into sixteen registers. */
static void vector_lanes(const struct backend_vector_state *state, size_t size, uint16_t lanes[EMBED_LANES])
{
	enum { PARTS = 4, LANES = 16 * PARTS };
	for (unsigned first = 0; first < EMBED_LANES; first += LANES) {
		__m256i a[PARTS], c[PARTS], least[PARTS];
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++) {
			a[part] = _mm256_load_si256((const __m256i *)(state->a + first + 16 * part));
			c[part] = _mm256_load_si256((const __m256i *)(state->c + first + 16 * part));
			least[part] = _mm256_set1_epi16(-1);
		}
		for (size_t i = 0; i < size; i++) {
			__m256i high = _mm256_set1_epi32((int)state->high[i]);
			__m256i low = _mm256_set1_epi32((int)state->low[i]);
#pragma GCC unroll 4
			for (unsigned part = 0; part < PARTS; part++)
				least[part] = _mm256_min_epu16(
					least[part], _mm256_add_epi16(_mm256_mullo_epi16(c[part], high),
							     _mm256_mulhi_epu16(a[part], low)));
		}
#pragma GCC unroll 4
		for (unsigned part = 0; part < PARTS; part++)
			_mm256_storeu_si256((__m256i *)(lanes + first + 16 * part), least[part]);
	}
}

static void vector_keys(const uint16_t lanes[EMBED_LANES], uint64_t *keys, size_t stride)
{
	for (unsigned band = 0; band < EMBED_BANDS; band++)
		keys[band * stride] = embed_band_key(lanes + EMBED_ROWS * band, band);
}

static void vector_signs(const uint32_t *hashes, size_t count, uint64_t *signs)
{
	for (size_t i = 0; i < count; i++)
		for (unsigned word = 0; word < EMBED_SIGN_WORDS; word++)
			signs[EMBED_SIGN_WORDS * i + word] = embed_signs(hashes[i], word);
}

/* Half of the dimensions at a time, sixteen a register; a dimension's bit is spread over its element. */
static void vector_sums(const uint64_t *signs, const uint16_t *weights, size_t count, int32_t *sums)
{
	enum { PARTS = 8, EACH = 16 };
	const __m256i bits = _mm256_setr_epi16(1, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8,
		1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 13, 1 << 14, (short)(1 << 15));
	for (unsigned first = 0; first < EMBED_DIMENSIONS; first += PARTS * EACH) {
		__m256i part[PARTS];
#pragma GCC unroll 8
		for (unsigned at = 0; at < PARTS; at++)
			part[at] = _mm256_setzero_si256();
		for (size_t i = 0; i < count; i++) {
			uint16_t words[PARTS];
			__m256i weight = _mm256_set1_epi16((short)weights[i]);
			memcpy(words, (const uint16_t *)(signs + EMBED_SIGN_WORDS * i) + first / EACH, sizeof words);
#pragma GCC unroll 8
			for (unsigned at = 0; at < PARTS; at++) {
				__m256i here = _mm256_and_si256(_mm256_set1_epi16((short)words[at]), bits);
				part[at] = _mm256_add_epi16(
					part[at], _mm256_and_si256(_mm256_cmpeq_epi16(here, bits), weight));
			}
		}
#pragma GCC unroll 8
		for (unsigned at = 0; at < PARTS; at++) {
			__m256i *low = (__m256i *)(sums + first + EACH * at), *high = low + 1;
			__m256i least = _mm256_cvtepu16_epi32(_mm256_castsi256_si128(part[at]));
			__m256i most = _mm256_cvtepu16_epi32(_mm256_extracti128_si256(part[at], 1));
			_mm256_storeu_si256(
				low, _mm256_add_epi32(_mm256_loadu_si256(low), _mm256_slli_epi32(least, 1)));
			_mm256_storeu_si256(
				high, _mm256_add_epi32(_mm256_loadu_si256(high), _mm256_slli_epi32(most, 1)));
		}
	}
}

static bool backend_avx2_usable(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

static void backend_avx2_about(char out[BACKEND_ABOUT_MAX])
{
	snprintf(out, BACKEND_ABOUT_MAX, backend_avx2_usable() ? "the processor has AVX2" : "the processor lacks AVX2");
}

const struct backend_kind backend_avx2 = {
	.name = "avx2",
	.usable = backend_avx2_usable,
	.about = backend_avx2_about,
	.open = backend_vector_open,
	.close = backend_vector_close,
	.sign = backend_vector_sign,
	.project = backend_vector_project,
};
