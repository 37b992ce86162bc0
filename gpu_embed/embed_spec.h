/* The integer specification of near-duplicate signatures, version 1: what every backend computes, bit for bit. */
#ifndef GPU_EMBED_EMBED_SPEC_H
#define GPU_EMBED_EMBED_SPEC_H

#include <stddef.h>
#include <stdint.h>

/*
 * Frozen: a change of anything here, or of the Unicode version behind norm.h, is a new EMBED_SPEC_VERSION, and stored
 * verdicts name the version by which they were made. Everything is unsigned integers that wrap; there is no byte order
 * in it.
 *
 *   shingle    w code points in a row of the normalised text; w = 3 where more than half of its code points, blanks not
 *              counted, are Han, Kana or Hangul, else 5
 *   hash       u32: h = w, then h = h * EMBED_BASE + code point for each of the w, then fmix32(h)
 *   set        the distinct hashes of all shingles; Jaccard is counted over two such sets
 *   lane k     least u16 over the set of  c[k] * (x >> 16) + (a[k] * (x & 0xffff) >> 16);  65535 for the empty set
 *   a[k] c[k]  the lowest and the next 16 bits, made odd, of splitmix64's output number k from EMBED_SEED
 *   band b     u64 of lanes 5b to 5b + 4: two lanes are equal with the probability of the Jaccard, a band with its
 * fifth power
 *
 * Bands of five find 0.8 with 1 - 5e-5 and 0.7 with 0.99. Minima are taken over the whole text: a backend that works in
 * windows lets them overlap by w - 1 code points and takes the minimum of their lanes, which is the same number.
 */
enum {
	EMBED_SPEC_VERSION = 1,
	EMBED_LANES = 128,
	EMBED_BANDS = 25,
	EMBED_ROWS = 5,
	EMBED_SHINGLE = 5,
	EMBED_SHINGLE_WIDE = 3,
	EMBED_SHINGLES_LEAST = 12, /* fewer distinct ones ("gm", emoji): only exact and normalised matches */
	EMBED_DIGITS_BELOW = 60,   /* where either post has fewer, posts whose digits differ never repeat each other */
	EMBED_POINTS_MAX = 8192,   /* longer normalised texts: only exact and normalised matches */
};
#define EMBED_UNICODE "15.0.0"	       /* of the normalisation; EMBED_SPEC_VERSION 1 is tied to it */
#define EMBED_SEED 0x77696e6e6f770001u /* "winnow", 1 */
#define EMBED_BASE 0x9e3779b1u	       /* a prime next to 2^32 divided by the golden ratio */

/* nvcc compiles the same functions for host and device. */
#ifdef __CUDACC__
#define EMBED_FUNCTION static inline __host__ __device__
#else
#define EMBED_FUNCTION static inline
#endif

/* The finaliser of MurmurHash3: a bijection that spreads every bit. */
EMBED_FUNCTION uint32_t embed_fmix32(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	return h ^ h >> 16;
}

/* The finaliser of splitmix64. */
EMBED_FUNCTION uint64_t embed_mix64(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Han, Kana and Hangul, as far as they are left by normalisation. */
EMBED_FUNCTION int embed_point_wide(uint32_t point)
{
	if (point < 0x1100)
		return 0;
	return point <= 0x11ff ||		       /* Hangul Jamo */
	       (point >= 0x2e80 && point <= 0x2fdf) || /* radicals */
	       (point >= 0x3005 && point <= 0x3007) || /* iteration mark, closing mark, zero */
	       (point >= 0x3021 && point <= 0x3029) || (point >= 0x3038 && point <= 0x303b) ||
	       (point >= 0x3041 && point <= 0x30ff) || /* Hiragana, Katakana */
	       (point >= 0x3131 && point <= 0x318e) || /* Hangul compatibility Jamo */
	       (point >= 0x31f0 && point <= 0x31ff) || (point >= 0x3400 && point <= 0x4dbf) ||
	       (point >= 0x4e00 && point <= 0x9fff) || (point >= 0xa960 && point <= 0xa97f) ||
	       (point >= 0xac00 && point <= 0xd7ff) || /* Hangul syllables, Jamo extended B */
	       (point >= 0xf900 && point <= 0xfaff) || (point >= 0xff66 && point <= 0xffdc) ||
	       (point >= 0x1aff0 && point <= 0x1b16f) || (point >= 0x20000 && point <= 0x3ffff);
}

/* Code points of a shingle of this text. */
EMBED_FUNCTION unsigned embed_width(const uint32_t *points, size_t count)
{
	size_t wide = 0, blanks = 0;
	for (size_t i = 0; i < count; i++) {
		wide += (size_t)embed_point_wide(points[i]);
		blanks += points[i] == ' ';
	}
	return 2 * wide > count - blanks ? EMBED_SHINGLE_WIDE : EMBED_SHINGLE;
}

EMBED_FUNCTION uint32_t embed_shingle(const uint32_t *points, unsigned width)
{
	uint32_t h = width;
	for (unsigned i = 0; i < width; i++)
		h = h * EMBED_BASE + points[i];
	return embed_fmix32(h);
}

EMBED_FUNCTION void embed_lane_factors(unsigned lane, uint16_t *a, uint16_t *c)
{
	uint64_t z = embed_mix64(EMBED_SEED + (lane + 1) * 0x9e3779b97f4a7c15u);
	*a = (uint16_t)(z | 1);
	*c = (uint16_t)(z >> 16 | 1);
}

EMBED_FUNCTION uint16_t embed_lane(uint16_t a, uint16_t c, uint32_t x)
{
	return (uint16_t)((uint32_t)c * (x >> 16) + ((uint32_t)a * (x & 0xffff) >> 16));
}

/* `lanes` are the five of the band; its number is mixed in, so that one table holds the keys of all bands. */
EMBED_FUNCTION uint64_t embed_band_key(const uint16_t *lanes, unsigned band)
{
	uint64_t low =
		(uint64_t)lanes[0] | (uint64_t)lanes[1] << 16 | (uint64_t)lanes[2] << 32 | (uint64_t)lanes[3] << 48;
	uint64_t high = (uint64_t)lanes[4] | (uint64_t)(band + 1) << 16;
	return embed_mix64(low ^ high * 0x9e3779b97f4a7c15u);
}

/* What the runs of decimal digits of a text say, in order: start from 0, one call a digit, and one with `point` 0 after
 * each run. */
EMBED_FUNCTION uint64_t embed_digit(uint64_t digits, uint32_t point)
{
	return embed_mix64(digits + (uint64_t)point + 0x9e3779b97f4a7c15u);
}

/* Least number of equal lanes of a pair worth an exact count: three standard deviations below the threshold; 74 at
 * 7/10. */
EMBED_FUNCTION int embed_lanes_least(int numerator, int denominator)
{
	int64_t square = (int64_t)9 * EMBED_LANES * numerator * (denominator - numerator), root = 0;
	for (int64_t bit = (int64_t)1 << 30; bit > 0; bit >>= 1)
		if ((root + bit) * (root + bit) <= square)
			root += bit;
	int64_t least = ((int64_t)EMBED_LANES * numerator - root) / denominator;
	return least > 0 ? (int)least : 0;
}

/*
 * The hashed embedder, version EMBED_HASHED_VERSION: a text's features with weights become a vector of
 * EMBED_DIMENSIONS int8. Which features a text has stands in hashed.h; from here on it is the backends' business.
 *
 *   feature    u32: h = kind, then h = h * EMBED_BASE + code point for each of its code points, then fmix32(h), and
 *              once more mixed with the kind
 *   signs      256 bits: word j of 64 is mix64(EMBED_SIGNS + (4 * feature + j) * golden); bit 1 is +1, bit 0 is -1
 *   sums       sum k = sum over all features, as often as they occur, of weight * sign k: order does not matter
 *   length     the largest integer whose square is not above the sum of all sums' squares
 *   vector     (|sum k| * floor(EMBED_SCALE * 2^32 / length) + 2^31) >> 32, at most 127, with the sum's sign; all 0
 *              where the length is 0. So the mean square of an element is 32^2, and a clamp is four deviations away.
 */
enum {
	EMBED_HASHED_VERSION = 1,
	EMBED_DIMENSIONS = 256,
	EMBED_SIGN_WORDS = EMBED_DIMENSIONS / 64,
	EMBED_WEIGHT_MAX = 1023,
	EMBED_FEATURES_MAX = 4 * EMBED_POINTS_MAX + 4, /* of a text; sums then stay below 2^26 */
	EMBED_SCALE = 512,
};
#define EMBED_SIGNS 0x77696e6e6f770002u /* "winnow", 2 */

EMBED_FUNCTION uint32_t embed_feature(uint32_t kind, const uint32_t *points, size_t count)
{
	uint32_t h = kind;
	for (size_t i = 0; i < count; i++)
		h = h * EMBED_BASE + points[i];
	return embed_fmix32(embed_fmix32(h) + kind);
}

EMBED_FUNCTION uint64_t embed_signs(uint32_t feature, unsigned word)
{
	return embed_mix64(EMBED_SIGNS + ((uint64_t)feature * EMBED_SIGN_WORDS + word) * 0x9e3779b97f4a7c15u);
}

/* squares < 2^62 */
EMBED_FUNCTION uint32_t embed_length(uint64_t squares)
{
	uint64_t root = 0;
	for (uint64_t bit = (uint64_t)1 << 30; bit > 0; bit >>= 1)
		if ((root + bit) * (root + bit) <= squares)
			root += bit;
	return (uint32_t)root;
}

EMBED_FUNCTION uint64_t embed_reciprocal(uint32_t length)
{
	return length ? ((uint64_t)EMBED_SCALE << 32) / length : 0;
}

/* |sum| <= length, so that the product stays below 2^42. */
EMBED_FUNCTION int8_t embed_element(int32_t sum, uint64_t reciprocal)
{
	uint64_t magnitude = sum < 0 ? (uint64_t) - (int64_t)sum : (uint64_t)sum;
	uint64_t scaled = (magnitude * reciprocal + 0x80000000u) >> 32;
	int32_t element = scaled > 127 ? 127 : (int32_t)scaled;
	return (int8_t)(sum < 0 ? -element : element);
}

#endif
