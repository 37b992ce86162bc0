/* How much a feature of the hashed embedder tells, by language: a frozen table with a number of its own, learnt once.
 * Pure but for idf_open(), which reads a file. */
#ifndef GPU_EMBED_IDF_H
#define GPU_EMBED_IDF_H

#include <stdbool.h>

#include "core/error.h"
#include "core/id.h"
#include "gpu_embed/embed_spec.h"

/*
 * A table has sections, one a language or script; each knows how many texts it was learnt from and, for every feature
 * that at least two of them had, a weight. A section's weight of a feature that it does not have is that of one that
 * one text had. With n texts, of which d had the feature,
 *
 *     weight = 16 * log2((n + 1) / d)^(3/4), rounded, at least 1, at most 255
 *
 * computed in integers (idf_weight_of()), so that the same texts give the same file everywhere. The power tempers the
 * rarest: they are worth much, and a projection to 256 dimensions makes noise of whatever is worth much.
 *
 * The file, little-endian: 16 bytes "winnow/idf/1\n" and zeros; u32 EMBED_HASHED_VERSION, u32 sections, u32 entries,
 * u32 0; for each section 20 bytes of name (a-z, 0-9, -, then zeros), u32 texts, u32 entries, u8 weight of what is
 * not there, 3 bytes 0; for each entry u32 feature, u8 section, u8 weight, u16 0, rising by feature, then section. Its
 * id is the SHA-256 of the whole file.
 */
enum {
	IDF_SECTIONS_MAX = 64,
	IDF_LANGUAGES_MAX = 48, /* sections by language; scripts need the rest */
	IDF_NAME_ROOM = 20,	/* with a zero behind it */
	IDF_ENTRIES_MAX = 1 << 22,
	IDF_WEIGHT_MAX = 255,
	IDF_WEIGHT_NEUTRAL = 64,
	IDF_HEADER_BYTES = 32,
	IDF_SECTION_BYTES = 32,
	IDF_ENTRY_BYTES = 8,
	IDF_FILE_MAX = IDF_HEADER_BYTES + IDF_SECTIONS_MAX * IDF_SECTION_BYTES + IDF_ENTRIES_MAX * IDF_ENTRY_BYTES,
	IDF_TEXTS_MAX = 1 << 30,
};

struct idf_section {
	char name[IDF_NAME_ROOM];
	uint32_t texts, entries;
	uint8_t unseen; /* weight of what it does not have */
};
struct idf_entry {
	uint32_t feature;
	uint8_t section, weight;
};

/* Read-only once it is there: any number of threads. */
struct idf;
/*
 * Refused with WN_INPUT: idf_magic, idf_version, idf_size, idf_section, idf_entry. A table that is taken is one that
 * idf_write() could have written; whether somebody wrote nonsense into its weights nobody can tell.
 */
bool idf_read(struct idf **out, const void *bytes, size_t count, struct wn_error *err);
/* path NULL: the built-in one, of one section in which all features weigh the same. WN_INPUT idf_file besides. */
bool idf_open(struct idf **out, const char *path, struct wn_error *err);
void idf_close(struct idf *idf); /* NULL is fine */

const struct sha256 *idf_id(const struct idf *idf);
bool idf_is_neutral(const struct idf *idf);
unsigned idf_section_count(const struct idf *idf);
const struct idf_section *idf_section(const struct idf *idf, unsigned section);
size_t idf_entry_count(const struct idf *idf);
/* The sections that have the feature, *count of them, rising. */
const struct idf_entry *idf_find(const struct idf *idf, uint32_t feature, size_t *count);
unsigned idf_weight(const struct idf *idf, unsigned section, uint32_t feature);

uint8_t idf_weight_of(uint32_t texts, uint32_t with);

/* ---- learning ---- */

enum {
	IDF_LEARN_MAX = 1 << 24, /* pairs of feature and section that are counted, a quarter of a gigabyte */
};
struct idf_learner;
bool idf_learner_open(struct idf_learner **out, struct wn_error *err);
void idf_learner_close(struct idf_learner *learner); /* NULL is fine */
/*
 * A text's features, any order, as often as they occur; `features` is sorted. `language` names the section; NULL, or
 * what is no such name, or one too many: the script that most of the points belong to. Only how many texts had a
 * feature is kept; a text that came before does not count again, or the most copied one would weigh nothing. WN_FULL
 * idf_features, memory.
 */
bool idf_learner_add(struct idf_learner *learner, const char *language, const uint32_t *points, size_t point_count,
	uint32_t *features, size_t count, struct wn_error *err);
size_t idf_learner_texts(const struct idf_learner *learner);
/*
 * The file, in memory that the caller frees. Above `entries_most` (at most IDF_ENTRIES_MAX) features that more texts
 * had go first, whole counts at a time. WN_INPUT idf_texts where nothing was learnt.
 */
bool idf_learner_write(
	struct idf_learner *learner, size_t entries_most, void **bytes, size_t *count, struct wn_error *err);

#endif
