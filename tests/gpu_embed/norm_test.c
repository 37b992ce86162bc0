/* What is folded away, what stays, and what hostile texts cannot do. */
#include "gpu_embed/norm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/utf8.h"
#include "tests/check.h"
#include "tests/gpu_embed/corpus.h"

SUITE("norm")

static struct norm norm, again;

static const char *fold(const char *text, size_t bytes)
{
	static char out[sizeof norm.text + 1];
	struct wn_error err = {0};
	CHECK_OK(norm_text(&norm, text, bytes, &err), err);
	memcpy(out, norm.text, norm.bytes);
	out[norm.bytes] = '\0';
	return out;
}

#define FOLD(literal) fold(literal, sizeof(literal) - 1)

TEST(the_library_has_the_unicode_version_of_the_specification)
{
	struct wn_error err = {0};
	CHECK_OK(norm_start(&err), err);
	CHECK_TEXT(utf8proc_unicode_version(), EMBED_UNICODE);
}

TEST(case_width_and_forms_fold_away)
{
	CHECK_TEXT(FOLD("HELLO World"), "hello world");
	CHECK_TEXT(FOLD("\xef\xbc\xa8\xef\xbd\x85\xef\xbd\x8c\xef\xbd\x8c\xef\xbd\x8f"), "hello"); /* full width */
	CHECK_TEXT(FOLD("\xef\xac\x81ne"), "fine");						   /* a ligature */
	CHECK_TEXT(FOLD("Stra\xc3\x9f"
			"e"),
		"strasse");									  /* sharp s */
	CHECK_TEXT(FOLD("e\xcc\x81"), "\xc3\xa9");						  /* e and acute */
	CHECK_TEXT(FOLD("\xce\x9f\xce\x94\xce\x9f\xce\xa3"), "\xce\xbf\xce\xb4\xce\xbf\xcf\x83"); /* final sigma */
	CHECK_TEXT(FOLD("\xef\xbd\xb6\xef\xbe\x9e"), "\xe3\x82\xac");				  /* half-width ga */
	CHECK_TEXT(FOLD("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"), "\xed\x95\x9c");		  /* Jamo: han */
	CHECK_TEXT(FOLD("\xf0\x9d\x93\x97\xf0\x9d\x93\xb2"), "hi");				  /* mathematical */
}

TEST(white_space_and_controls_become_one_blank)
{
	CHECK_TEXT(FOLD("  a \t\r\n b  "), "a b");
	CHECK_TEXT(FOLD("a\xc2\xa0\xe3\x80\x80\xe2\x80\xa8\xe1\x9a\x80\xc2\x85"
			"b\xe2\x80\x83"),
		"a b");
	CHECK_TEXT(FOLD("\x01\x1f"
			"a\x7f"
			"b\0c"),
		"a b c");
	CHECK_TEXT(FOLD(" \n\xe2\x80\x8b "), "");
}

TEST(what_cannot_be_seen_falls_away)
{
	CHECK_TEXT(FOLD("z\xe2\x80\x8b"
			"e\xe2\x80\x8d"
			"r\xe2\x81\xa0"
			"o\xef\xbb\xbf"),
		"zero"); /* zero width */
	CHECK_TEXT(FOLD("\xe2\x80\xae"
			"a\xe2\x80\xac\xe2\x81\xa6"
			"b\xe2\x81\xa9\xd8\x9c"
			"c"),
		"abc"); /* bidirectional controls */
	CHECK_TEXT(FOLD("so\xc2\xad"
			"ft \xe2\x9d\xa4\xef\xb8\x8f"),
		"soft \xe2\x9d\xa4"); /* soft hyphen, selector */
	CHECK_TEXT(FOLD("tag\xf3\xa0\x81\xa1"), "tag");
	/* It must not keep a mark from its letter either. */
	CHECK_TEXT(FOLD("e\xe2\x80\x8b\xcc\x81"), "\xc3\xa9");
}

TEST(marks_are_sorted_and_only_thirty_in_a_row_stay)
{
	char pile[1 + 2 * 4000];
	CHECK_TEXT(FOLD("q\xcc\xa3\xcc\x87"), "q\xcc\xa3\xcc\x87");
	CHECK_TEXT(FOLD("q\xcc\x87\xcc\xa3"), "q\xcc\xa3\xcc\x87");
	pile[0] = 'q';
	for (size_t i = 0; i < 4000; i++)
		memcpy(pile + 1 + 2 * i, i % 2 ? "\xcc\xa3" : "\xcc\x87", 2);
	fold(pile, sizeof pile);
	CHECK_INT(norm.count, 1 + NORM_MARKS_MAX);
	CHECK_INT(norm.points[1], 0x323);
	CHECK_INT(norm.points[NORM_MARKS_MAX], 0x307);
}

TEST(digits_are_read_as_runs)
{
	uint64_t one;
	FOLD("price 3.1 today");
	one = norm.digits;
	FOLD("Price: 3,1 yesterday");
	CHECK(norm.digits == one);
	FOLD("price \xef\xbc\x93.\xef\xbc\x91 today"); /* full width */
	CHECK(norm.digits == one);
	FOLD("price 3.2 today");
	CHECK(norm.digits != one);
	FOLD("price 31 today");
	CHECK(norm.digits != one);
	FOLD("price 1.3 today");
	CHECK(norm.digits != one);
	FOLD("price 3.1 today 0");
	CHECK(norm.digits != one);
	FOLD("no price");
	CHECK_INT(norm.digits, 0);
	FOLD("\xd9\xa3");
	CHECK(norm.digits != 0);
}

TEST(bytes_that_are_no_utf8_become_replacement_characters)
{
	CHECK_TEXT(FOLD("a\xff"
			"b"),
		"a\xef\xbf\xbd"
		"b");
	CHECK_TEXT(FOLD("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
	CHECK_TEXT(FOLD("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* a surrogate */
	CHECK_TEXT(FOLD("\xc0\xaf"), "\xef\xbf\xbd\xef\xbf\xbd");
	CHECK_TEXT(FOLD("\xf4\x90\x80\x80"
			"A"),
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"a");
}

TEST(plain_ascii_takes_no_other_way_than_the_rest)
{
	uint64_t random = test_seed();
	for (unsigned round = 0; round < 2000; round++) {
		char text[80];
		size_t bytes = test_random(&random) % 70;
		for (size_t i = 0; i < bytes; i++)
			text[i] = (char)(test_random(&random) % 128);
		/* A letter that is not ASCII sends the same text the long way. */
		memcpy(text + bytes, "x\xc3\xa9", 3);
		fold(text, bytes + 3);
		again = norm;
		fold(text, bytes + 1);
		CHECK_BYTES(norm.points, norm.count * sizeof *norm.points, again.points,
			(again.count - 1) * sizeof *again.points);
	}
}

TEST(no_code_point_grows_beyond_the_room_for_it)
{
	for (utf8proc_int32_t point = 0; point <= 0x10ffff; point++) {
		utf8proc_int32_t out[64];
		int boundary = UTF8PROC_BOUNDCLASS_START;
		utf8proc_ssize_t bytes = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
		utf8proc_ssize_t count = utf8proc_decompose_char(point, out, 64,
			(utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
					    UTF8PROC_IGNORE),
			&boundary);
		if (count < 0 || count > NORM_GROWTH_MAX * bytes)
			CHECK_INT(point, -1);
	}
}

TEST(the_longest_text_that_grows_most_fits)
{
	enum { COUNT = NORM_BYTES_MAX / 3 };
	char *text = malloc(NORM_BYTES_MAX + 1);
	struct wn_error err = {0};
	wn_assert(text != NULL);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(text + 3 * i, "\xef\xb7\xba", 3);
	CHECK_OK(norm_text(&norm, text, 3 * COUNT, &err), err);
	CHECK_INT(norm.count, 18 * COUNT);
	memset(text, 'x', NORM_BYTES_MAX + 1);
	CHECK_OK(norm_text(&norm, text, NORM_BYTES_MAX, &err), err);
	CHECK_INT(norm.count, NORM_BYTES_MAX);
	CHECK(!norm_text(&norm, text, NORM_BYTES_MAX + 1, &err));
	CHECK_TEXT(err.code, "norm_long");
	CHECK_INT(err.blame, WN_INPUT);
	free(text);
}

TEST(what_is_normalised_stays_as_it_is)
{
	uint64_t random = test_seed();
	for (unsigned round = 0; round < 3000; round++) {
		char text[CORPUS_POST_ROOM];
		struct wn_error err = {0};
		size_t bytes = corpus_noise(&random, 1 + (unsigned)(test_random(&random) % 50), text);
		CHECK(utf8_valid(text, bytes, NULL));
		fold(text, bytes);
		CHECK(utf8_valid(norm.text, norm.bytes, NULL));
		CHECK_OK(norm_text(&again, norm.text, norm.bytes, &err), err);
		if (!CHECK_BYTES(again.text, again.bytes, norm.text, norm.bytes))
			printf("  of: %s\n", text);
	}
}
