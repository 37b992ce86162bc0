/* Ranges and entity tags as text. */
#include "tests/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "web/file_answer.h"

SUITE("ranges")

/* "offset+bytes", "whole" or "outside" of a file with 1,000 bytes. */
static const char *range(const char *field)
{
	static char out[64];
	int64_t offset = -1, bytes = -1;
	enum range_verdict verdict = range_read(wn_slice_of(field), 1000, &offset, &bytes);
	snprintf(out, sizeof out, "%" PRId64 "+%" PRId64, offset, bytes);
	return verdict == RANGE_NONE ? "whole" : verdict == RANGE_OUTSIDE ? "outside" : out;
}

TEST(single_ranges_are_read)
{
	CHECK_TEXT(range("bytes=0-0"), "0+1");
	CHECK_TEXT(range("bytes=0-999"), "0+1000");
	CHECK_TEXT(range("bytes=200-"), "200+800");
	CHECK_TEXT(range("bytes=200-5000"), "200+800");
	CHECK_TEXT(range("bytes=-1"), "999+1");
	CHECK_TEXT(range("bytes=-5000"), "0+1000");
	CHECK_TEXT(range("Bytes= 5-6 "), "5+2");
}

TEST(ranges_behind_the_end_are_outside)
{
	CHECK_TEXT(range("bytes=1000-"), "outside");
	CHECK_TEXT(range("bytes=5000-6000"), "outside");
	CHECK_TEXT(range("bytes=-0"), "outside");
}

TEST(several_and_malformed_ranges_mean_the_whole)
{
	static const char *const fields[] = {"bytes=0-1,5-6", "bytes=0-0,0-0,0-0", "bytes=", "bytes=-", "bytes=a-b",
		"bytes=5-4", "bytes=1--2", "bytes=+1-2", "bytes=0x1-2", "items=0-1", "0-1", "bytes", "bytes=1",
		"bytes=9999999999999999999-", "bytes=-9999999999999999999", "bytes=1-9999999999999999999",
		"bytes=1 - 2", ""};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		CHECK_TEXT(range(fields[i]), "whole");
}

TEST(every_range_of_small_files_lies_inside_them)
{
	for (int64_t length = 0; length < 6; length++)
		for (int first = -1; first < 8; first++)
			for (int last = -1; last < 8; last++) {
				char field[64];
				int at = snprintf(field, sizeof field, "bytes=");
				if (first >= 0)
					at += snprintf(field + at, sizeof field - (size_t)at, "%d", first);
				at += snprintf(field + at, sizeof field - (size_t)at, "-");
				if (last >= 0)
					snprintf(field + at, sizeof field - (size_t)at, "%d", last);
				int64_t offset, bytes;
				enum range_verdict verdict = range_read(wn_slice_of(field), length, &offset, &bytes);
				if (verdict == RANGE_PART)
					CHECK(offset >= 0 && bytes > 0 && offset + bytes <= length);
				bool sound = first >= 0 ? last < 0 || last >= first : last >= 0;
				CHECK(sound == (verdict != RANGE_NONE));
			}
}

static bool listed(const char *field, bool weak)
{
	return etag_listed(wn_slice_of(field), "abc", weak);
}

TEST(entity_tags_are_found_in_lists)
{
	CHECK(listed("\"abc\"", true));
	CHECK(listed("\"x\", \"abc\"", true));
	CHECK(listed("\"x\",\"y,z\" , \"abc\"", false));
	CHECK(listed("*", true));
	CHECK(listed(" \"abc\" ", false));
	CHECK(listed("W/\"abc\"", true));
	CHECK(!listed("W/\"abc\"", false));
	CHECK(!listed("abc", true));
	CHECK(!listed("\"abcd\"", true));
	CHECK(!listed("\"ab\"", true));
	CHECK(!listed("\"abc", true));
	CHECK(!listed("", true));
	CHECK(!listed("W/", true));
	CHECK(!listed("\"*\"", true));
}
