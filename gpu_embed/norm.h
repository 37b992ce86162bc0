/* Texts as the duplicate check reads them: folded code points, so that what looks the same compares the same. Pure. */
#ifndef GPU_EMBED_NORM_H
#define GPU_EMBED_NORM_H

#include "core/error.h"
#include "core/id.h"
#include "gpu_embed/embed_spec.h"

enum {
	NORM_BYTES_MAX = 8192, /* of a text as it came: ingest/'s limit for posts */
	NORM_GROWTH_MAX = 6,   /* code points per byte at most: U+FDFA has three bytes and stands for 18 letters */
	NORM_POINTS_MAX = NORM_BYTES_MAX * NORM_GROWTH_MAX,
	NORM_MARKS_MAX = 30, /* combining marks in a row that are kept, as in the stream-safe format of UAX 15 */
};

/* A quarter of a megabyte each: made once, used for one text after the other. */
struct norm {
	size_t count; /* code points */
	uint32_t points[NORM_POINTS_MAX];
	size_t bytes; /* the same as UTF-8 */
	char text[4 * NORM_POINTS_MAX];
	struct sha256 sha256; /* of text */
	uint64_t digits;      /* embed_digit() over every run of decimal digits; 0 where there is none */
};

/* WN_DOWN norm_unicode unless libutf8proc has the Unicode version that EMBED_SPEC_VERSION is tied to. */
bool norm_start(struct wn_error *err);

/*
 * In this order: bytes that are not UTF-8 become U+FFFD each; NFKC and full case folding (libutf8proc), where ignorable
 * code points fall away: zero width, bidirectional controls, variation selectors; of combining marks in a row the first
 * NORM_MARKS_MAX stay; white space and control characters become one blank each row of them, none at either end.
 * WN_INPUT norm_long above NORM_BYTES_MAX.
 */
bool norm_text(struct norm *out, const char *text, size_t bytes, struct wn_error *err);

/* Of each code point the bytes of the text that it came from: from[i] up to, not including, to[i]. Neighbours may share
 * bytes, where a letter became several, or several one. */
struct norm_places {
	uint32_t from[NORM_POINTS_MAX], to[NORM_POINTS_MAX];
};
bool norm_text_places(
	struct norm *out, struct norm_places *places, const char *text, size_t bytes, struct wn_error *err);

#endif
