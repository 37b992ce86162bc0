/* The hashed embedder's view of a text: its words, their parts, characters of scripts without blanks; and what each
 * weighs. Pure. */
#ifndef GPU_EMBED_HASHED_H
#define GPU_EMBED_HASHED_H

#include "gpu_embed/idf.h"

/*
 * Of normalised code points (norm.h), in their order:
 *
 *   word       a run of letters, marks and digits; kind HASHED_WORD
 *   parts      every 2, 3 and 4 code points in a row of the word with HASHED_EDGE at both ends; kind HASHED_PART
 *   character  of Han and Kana, which know no blanks: every one (kind HASHED_ONE) and every two in a row (HASHED_TWO)
 *              of a run; of Thai, Lao, Burmese and Khmer, whose letters say less, two (HASHED_ONE) and three
 * (HASHED_TWO) symbol     an emoji or another symbol that is no ASCII: HASHED_SYMBOL
 *
 * and nothing else: punctuation tells little. Weights: a word, a symbol and HASHED_TWO weigh what the table says,
 * HASHED_ONE twice as much; the parts of a word weigh together, as a vector, two and a half times what the word
 * does: part i gets (5 * word * part i + length) / (2 * length), length being embed_length() of the parts' squares.
 * A feature that occurs twice counts twice.
 *
 * The section of the table is the one that knows the text best: the sum over words and characters, where they stand
 * in it, of 256 less their weight is greatest; of equals the first.
 */
enum hashed_kind { HASHED_WORD = 1, HASHED_PART, HASHED_ONE, HASHED_TWO, HASHED_SYMBOL };
enum { HASHED_EDGE = 0x110000, HASHED_PART_LEAST = 2, HASHED_PART_MOST = 4 };

/* Half a megabyte: made once, used for one text after the other. */
struct hashed {
	size_t count;
	uint32_t features[EMBED_FEATURES_MAX];
	uint8_t kinds[EMBED_FEATURES_MAX]; /* enum hashed_kind; parts stand behind their word */
	uint16_t weights[EMBED_FEATURES_MAX];
};
/* count <= EMBED_POINTS_MAX */
void hashed_read(struct hashed *out, const uint32_t *points, size_t count);
/* Fills weights; returns the section. */
unsigned hashed_weigh(struct hashed *hashed, const struct idf *idf);

/* 32 bytes that name all by which vectors come about: they may be compared where these are equal. */
void hashed_encoder(const struct idf *idf, struct sha256 *out);

#endif
