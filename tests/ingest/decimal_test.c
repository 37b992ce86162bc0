/* Decimal text becomes exactly the number that was written, or nothing. */
#include "ingest/decimal.h"

#include <string.h>

#include "tests/check.h"

SUITE("decimal")

TEST(decimal_text_keeps_every_digit)
{
	static const struct {
		const char *text;
		int64_t mantissa;
		int exponent;
	} cases[] = {
		{"0", 0, 0},
		{"-0", 0, 0},
		{"21.53", 2153, -2},
		{"21.50", 2150, -2},
		{"-0.05", -5, -2},
		{"+7", 7, 0},
		{".5", 5, -1},
		{"12.", 12, 0},
		{"1e3", 1, 3},
		{"1.25E-3", 125, -5},
		{"007.10", 710, -2},
		{"9007199254740991", 9007199254740991, 0},
		{"-9007199254.740991", -9007199254740991, -6},
		{"0.1", 1, -1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct decimal got;
		if (!CHECK(decimal_read(cases[i].text, strlen(cases[i].text), &got)))
			continue;
		CHECK_INT(got.mantissa, cases[i].mantissa);
		CHECK_INT(got.exponent, cases[i].exponent);
	}
}

TEST(what_is_no_decimal_is_refused)
{
	static const char *const cases[] = {"", "-", "+", ".", "e3", "1e", "1e+", "--1", "1.2.3", "0x10", "NaN", "inf",
		"1,5", " 1", "1 ", "1e999", "9007199254740992", "0.30000000000000004", "1e65", "1e-65", "1_000",
		"\xd9\xa1", "00000000000000000000000000000000000000000000000000000000000000001"};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct decimal got;
		if (decimal_read(cases[i], strlen(cases[i]), &got))
			CHECK_TEXT(cases[i], "refused");
	}
}

TEST(a_decimal_moves_its_point_only_without_loss)
{
	int64_t got;
	CHECK(decimal_at(&(struct decimal){2153, -2}, -2, &got));
	CHECK_INT(got, 2153);
	CHECK(decimal_at(&(struct decimal){2153, -2}, -4, &got));
	CHECK_INT(got, 215300);
	CHECK(decimal_at(&(struct decimal){-2150, -2}, -1, &got));
	CHECK_INT(got, -215);
	CHECK(!decimal_at(&(struct decimal){2153, -2}, -1, &got));
	CHECK(!decimal_at(&(struct decimal){9007199254740991, 0}, -1, &got));
	CHECK(!decimal_at(&(struct decimal){-9007199254740991, 0}, -1, &got));
	CHECK(decimal_at(&(struct decimal){0, 64}, -64, &got));
	CHECK_INT(got, 0);
	CHECK(decimal_at(&(struct decimal){5, 3}, 0, &got));
	CHECK_INT(got, 5000);
}
