/* Folds texts: one loop for plain ASCII, libutf8proc's tables for the rest. */
#include "gpu_embed/norm.h"

#include <string.h>
#include <utf8proc.h>

#include "core/hash.h"
#include "core/utf8.h"

enum {
	REPLACEMENT = 0xfffd,
	FOLD_OPTIONS = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE
};

bool norm_start(struct wn_error *err)
{
	if (strcmp(utf8proc_unicode_version(), EMBED_UNICODE) != 0)
		return wn_fail(err, WN_DOWN, "norm_unicode",
			"libutf8proc knows Unicode %s, but specification %d of the duplicate check needs %s",
			utf8proc_unicode_version(), EMBED_SPEC_VERSION, EMBED_UNICODE);
	return true;
}

/* White space and control characters. */
static bool point_blank(uint32_t point)
{
	return point <= ' ' || (point >= 0x7f && point <= 0xa0) || point == 0x1680 ||
	       (point >= 0x2000 && point <= 0x200a) || point == 0x2028 || point == 0x2029 || point == 0x202f ||
	       point == 0x205f || point == 0x3000;
}

static bool point_digit(uint32_t point)
{
	if (point < 0x80)
		return point >= '0' && point <= '9';
	return utf8proc_category((utf8proc_int32_t)point) == UTF8PROC_CATEGORY_ND;
}

/* The length of the ASCII part at the front. */
static size_t ascii_bytes(const char *text, size_t bytes)
{
	size_t i = 0;
	while (i < bytes && (unsigned char)text[i] < 0x80)
		i++;
	return i;
}

static void fold_ascii(struct norm *out, struct norm_places *places, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		unsigned char c = (unsigned char)text[i];
		out->points[i] = c >= 'A' && c <= 'Z' ? c + 0x20u : c;
	}
	for (uint32_t i = 0; places && i < bytes; i++) {
		places->from[i] = i;
		places->to[i] = i + 1;
	}
	out->count = bytes;
}

static void place_move(struct norm_places *places, size_t to, size_t from)
{
	if (!places)
		return;
	places->from[to] = places->from[from];
	places->to[to] = places->to[from];
}

/* Code point of the character at `text`; *used bytes of it. Whoever calls has no promise that the text is UTF-8. */
static uint32_t point_read(const char *text, size_t room, size_t *used)
{
	size_t bytes = utf8_character(text, room);
	const unsigned char *c = (const unsigned char *)text;
	*used = bytes ? bytes : 1;
	switch (bytes) {
	case 1:
		return c[0];
	case 2:
		return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
	case 3:
		return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
	case 4:
		return (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
	default:
		return REPLACEMENT;
	}
}

/*
 * Puts code points that came out of one behind the others, marks in canonical order. The limit on marks keeps the
 * sorting linear in the text, whatever was piled upon one letter.
 */
static void fold_append(struct norm *out, struct norm_places *places, const utf8proc_int32_t *points, size_t count,
	unsigned *marks, size_t from, size_t to)
{
	for (size_t i = 0; i < count; i++) {
		int class = utf8proc_get_property(points[i])->combining_class;
		*marks = class ? *marks + 1 : 0;
		if (*marks > NORM_MARKS_MAX)
			continue;
		wn_assert(out->count < NORM_POINTS_MAX);
		size_t at = out->count++;
		while (class && at > 0) {
			int before = utf8proc_get_property((utf8proc_int32_t)out->points[at - 1])->combining_class;
			if (before <= class)
				break;
			out->points[at] = out->points[at - 1];
			place_move(places, at, at - 1);
			at--;
		}
		out->points[at] = (uint32_t)points[i];
		if (places) {
			places->from[at] = (uint32_t)from;
			places->to[at] = (uint32_t)to;
		}
	}
}

/* After composition: each code point stands for as many of those before as its own decomposition has. */
static void places_compose(const struct norm *out, struct norm_places *places, size_t before)
{
	enum { DECOMPOSED_MAX = 16 };
	size_t next = 0;
	for (size_t i = 0; i < out->count; i++) {
		utf8proc_int32_t parts[DECOMPOSED_MAX];
		int boundary = UTF8PROC_BOUNDCLASS_START;
		utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)out->points[i], parts,
			DECOMPOSED_MAX, (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &boundary);
		wn_assert(count >= 1);
		/* There are as many parts as code points before; if a table thought otherwise, places would be wrong,
		 * but nothing would be read outside. */
		size_t first = next < before ? next : before - 1;
		uint32_t from = places->from[first], to = places->to[first];
		for (utf8proc_ssize_t part = 0; part < count && next < before; part++, next++) {
			from = places->from[next] < from ? places->from[next] : from;
			to = places->to[next] > to ? places->to[next] : to;
		}
		places->from[i] = from;
		places->to[i] = to;
	}
}

static void fold_unicode(struct norm *out, struct norm_places *places, const char *text, size_t bytes)
{
	enum { FOLDED_MAX = 64 };
	unsigned marks = 0;
	int boundary = UTF8PROC_BOUNDCLASS_START;
	out->count = 0;
	for (size_t i = 0, used; i < bytes; i += used) {
		utf8proc_int32_t folded[FOLDED_MAX];
		uint32_t point = point_read(text + i, bytes - i, &used);
		utf8proc_ssize_t count = utf8proc_decompose_char(
			(utf8proc_int32_t)point, folded, FOLDED_MAX, (utf8proc_option_t)FOLD_OPTIONS, &boundary);
		wn_assert(count >= 0);
		wn_assert(count <= FOLDED_MAX);
		fold_append(out, places, folded, (size_t)count, &marks, i, i + used);
	}
	size_t before = out->count;
	utf8proc_ssize_t composed = utf8proc_normalize_utf32((utf8proc_int32_t *)out->points,
		(utf8proc_ssize_t)out->count, (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
	wn_assert(composed >= 0);
	wn_assert((size_t)composed <= out->count);
	out->count = (size_t)composed;
	if (places)
		places_compose(out, places, before);
}

static void collapse_blanks(struct norm *out, struct norm_places *places)
{
	size_t kept = 0;
	for (size_t i = 0; i < out->count; i++) {
		bool blank = point_blank(out->points[i]);
		if (blank && (kept == 0 || out->points[kept - 1] == ' '))
			continue;
		place_move(places, kept, i);
		out->points[kept++] = blank ? ' ' : out->points[i];
	}
	if (kept > 0 && out->points[kept - 1] == ' ')
		kept--;
	out->count = kept;
}

static void write_text(struct norm *out)
{
	char *to = out->text;
	for (size_t i = 0; i < out->count; i++) {
		uint32_t point = out->points[i];
		if (point < 0x80)
			*to++ = (char)point;
		else
			to += utf8proc_encode_char((utf8proc_int32_t)point, (utf8proc_uint8_t *)to);
	}
	out->bytes = (size_t)(to - out->text);
	wn_assert(out->bytes <= sizeof out->text);
}

static uint64_t read_digits(const struct norm *norm)
{
	uint64_t digits = 0;
	bool inside = false;
	for (size_t i = 0; i < norm->count; i++) {
		bool digit = point_digit(norm->points[i]);
		if (digit)
			digits = embed_digit(digits, norm->points[i]);
		else if (inside)
			digits = embed_digit(digits, 0);
		inside = digit;
	}
	return inside ? embed_digit(digits, 0) : digits;
}

bool norm_text_places(
	struct norm *out, struct norm_places *places, const char *text, size_t bytes, struct wn_error *err)
{
	if (bytes > NORM_BYTES_MAX)
		return wn_fail(err, WN_INPUT, "norm_long", "a text of %zu bytes; at most %d are compared", bytes,
			NORM_BYTES_MAX);
	if (ascii_bytes(text, bytes) == bytes)
		fold_ascii(out, places, text, bytes);
	else
		fold_unicode(out, places, text, bytes);
	collapse_blanks(out, places);
	write_text(out);
	out->digits = read_digits(out);
	sha256_of(out->text, out->bytes, &out->sha256);
	return true;
}

bool norm_text(struct norm *out, const char *text, size_t bytes, struct wn_error *err)
{
	return norm_text_places(out, NULL, text, bytes, err);
}
