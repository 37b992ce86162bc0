/* Decimal text as an integer and a power of ten, exactly: readings never pass through a float. Pure. */
#ifndef INGEST_DECIMAL_H
#define INGEST_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of one number; powers of ten on either side of the point. */
enum { DECIMAL_TEXT_MAX = 64, DECIMAL_EXPONENT_MAX = 64 };

/* mantissa * 10^exponent, digits as they were written: "21.50" is 2150 and -2. |mantissa| <= 2^53 - 1. */
struct decimal {
	int64_t mantissa;
	int exponent;
};

/* Sign, digits, fraction, exponent: "-0.5", "+7", "1e3", "12.", ".5". False for all else and for what does not fit. */
bool decimal_read(const char *text, size_t bytes, struct decimal *out);
/* The integer n with n * 10^exponent equal to the value; false when digits would be lost or n leaves +-(2^53 - 1). */
bool decimal_at(const struct decimal *value, int exponent, int64_t *out);

#endif
