/* Cuts a text into features and weighs them; what a backend then projects. */
#include "gpu_embed/hashed.h"

#include <string.h>
#include <utf8proc.h>

#include "core/hash.h"

enum point_class { POINT_NONE, POINT_WORD, POINT_WIDE, POINT_UNSPACED, POINT_SYMBOL };

static bool point_hangul(uint32_t point)
{
	return (point >= 0x1100 && point <= 0x11ff) || (point >= 0x3131 && point <= 0x318e) ||
	       (point >= 0xa960 && point <= 0xa97f) || (point >= 0xac00 && point <= 0xd7ff);
}

/* Thai, Lao, Burmese, Khmer. */
static bool point_unspaced(uint32_t point)
{
	return (point >= 0x0e00 && point <= 0x0eff) || (point >= 0x1000 && point <= 0x109f) ||
	       (point >= 0x1780 && point <= 0x17ff);
}

static enum point_class point_class(uint32_t point)
{
	if (point < 0x80)
		return (point >= 'a' && point <= 'z') || (point >= '0' && point <= '9') ||
				       (point >= 'A' && point <= 'Z')
			       ? POINT_WORD
			       : POINT_NONE;
	switch (utf8proc_category((utf8proc_int32_t)point)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		if (point_unspaced(point))
			return POINT_UNSPACED;
		return embed_point_wide(point) && !point_hangul(point) ? POINT_WIDE : POINT_WORD;
	case UTF8PROC_CATEGORY_SO:
		return POINT_SYMBOL;
	default:
		return POINT_NONE;
	}
}

static void feature_add(struct hashed *out, enum hashed_kind kind, const uint32_t *points, size_t count)
{
	wn_assert(out->count < EMBED_FEATURES_MAX);
	out->features[out->count] = embed_feature(kind, points, count);
	out->kinds[out->count++] = (uint8_t)kind;
}

static void word_read(struct hashed *out, const uint32_t *points, size_t count)
{
	/* At the edges a part has a code point that is none; within, the text itself is read. */
	uint32_t edge[HASHED_PART_MOST];
	feature_add(out, HASHED_WORD, points, count);
	for (size_t length = HASHED_PART_LEAST; length <= HASHED_PART_MOST; length++)
		for (size_t at = 0; at + length <= count + 2; at++) {
			if (at > 0 && at + length < count + 2) {
				feature_add(out, HASHED_PART, points + at - 1, length);
				continue;
			}
			for (size_t i = 0; i < length; i++)
				edge[i] = at + i == 0 || at + i == count + 1 ? HASHED_EDGE : points[at + i - 1];
			feature_add(out, HASHED_PART, edge, length);
		}
}

static void run_read(struct hashed *out, const uint32_t *points, size_t count, size_t length)
{
	for (size_t at = 0; at + length <= count; at++) {
		feature_add(out, HASHED_ONE, points + at, length);
		if (at + length < count)
			feature_add(out, HASHED_TWO, points + at, length + 1);
	}
	if (count < length)
		feature_add(out, HASHED_ONE, points, count);
}

void hashed_read(struct hashed *out, const uint32_t *points, size_t count)
{
	wn_assert(count <= EMBED_POINTS_MAX);
	out->count = 0;
	for (size_t i = 0, end; i < count; i = end) {
		enum point_class class = point_class(points[i]);
		end = i + 1;
		while (class != POINT_NONE && class != POINT_SYMBOL && end < count && point_class(points[end]) == class)
			end++;
		switch (class) {
		case POINT_WORD:
			word_read(out, points + i, end - i);
			break;
		case POINT_WIDE:
			run_read(out, points + i, end - i, 1);
			break;
		case POINT_UNSPACED:
			run_read(out, points + i, end - i, 2);
			break;
		case POINT_SYMBOL:
			feature_add(out, HASHED_SYMBOL, points + i, 1);
			break;
		case POINT_NONE:
			break;
		}
	}
}

static unsigned section_choose(const struct hashed *hashed, const struct idf *idf)
{
	uint32_t known[IDF_SECTIONS_MAX] = {0};
	unsigned best = 0, sections = idf_section_count(idf);
	if (sections == 1)
		return 0;
	for (size_t i = 0; i < hashed->count; i++) {
		size_t count;
		if (hashed->kinds[i] == HASHED_PART || hashed->kinds[i] == HASHED_SYMBOL)
			continue;
		const struct idf_entry *entries = idf_find(idf, hashed->features[i], &count);
		for (size_t j = 0; j < count; j++)
			known[entries[j].section] += 256u - entries[j].weight;
	}
	for (unsigned i = 1; i < sections; i++)
		if (known[i] > known[best])
			best = i;
	return best;
}

/* hashed->weights[first, first + count) hold what the table says. */
static void parts_scale(struct hashed *hashed, size_t first, size_t count, uint32_t word)
{
	uint64_t squares = 0;
	uint16_t *parts = hashed->weights + first;
	for (size_t i = 0; i < count; i++)
		squares += (uint32_t)parts[i] * parts[i];
	uint32_t length = embed_length(squares);
	for (size_t i = 0; i < count; i++)
		parts[i] = (uint16_t)((5 * word * parts[i] + length) / (2 * length));
}

unsigned hashed_weigh(struct hashed *hashed, const struct idf *idf)
{
	unsigned section = section_choose(hashed, idf);
	for (size_t i = 0; i < hashed->count; i++)
		hashed->weights[i] = (uint16_t)(idf_weight(idf, section, hashed->features[i]) *
						(hashed->kinds[i] == HASHED_ONE ? 2 : 1));
	for (size_t i = 0, end; i < hashed->count; i = end) {
		end = i + 1;
		if (hashed->kinds[i] != HASHED_WORD)
			continue;
		while (end < hashed->count && hashed->kinds[end] == HASHED_PART)
			end++;
		parts_scale(hashed, i + 1, end - i - 1, hashed->weights[i]);
	}
	return section;
}

void hashed_encoder(const struct idf *idf, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/encoder/hashed/v1");
	hash_u32(&layout, EMBED_HASHED_VERSION);
	hash_u32(&layout, EMBED_SPEC_VERSION); /* it names the normalisation */
	hash_field(&layout, idf_id(idf)->bytes, ID_BYTES);
	hash_done(&layout, out);
}
