/* Reads decimal text digit by digit and moves its point without losing any. */
#include "ingest/decimal.h"

#include "core/json.h"

/* One digit more; false when the mantissa would leave the canonical range. */
static bool decimal_digit(int64_t *mantissa, int digit)
{
	if (*mantissa > (JSON_INTEGER_MAX - digit) / 10)
		return false;
	*mantissa = *mantissa * 10 + digit;
	return true;
}

/* The digits at text[*at]; *count of them. A point's digits lower the exponent by one each. */
static bool decimal_digits(const char *text, size_t bytes, size_t *at, int64_t *mantissa, int *count)
{
	*count = 0;
	while (*at < bytes && text[*at] >= '0' && text[*at] <= '9') {
		if (!decimal_digit(mantissa, text[*at] - '0'))
			return false;
		++*at;
		++*count;
	}
	return true;
}

static bool decimal_exponent(const char *text, size_t bytes, size_t *at, int *exponent)
{
	bool negative = false;
	int count;
	int64_t value = 0;
	++*at;
	if (*at < bytes && (text[*at] == '+' || text[*at] == '-'))
		negative = text[(*at)++] == '-';
	if (!decimal_digits(text, bytes, at, &value, &count) || count == 0 || value > 2 * DECIMAL_EXPONENT_MAX)
		return false;
	*exponent += negative ? -(int)value : (int)value;
	return true;
}

bool decimal_read(const char *text, size_t bytes, struct decimal *out)
{
	size_t at = 0;
	bool negative = false;
	int whole, fraction = 0;
	*out = (struct decimal){0};
	if (bytes == 0 || bytes > DECIMAL_TEXT_MAX)
		return false;
	if (text[0] == '-' || text[0] == '+')
		negative = text[at++] == '-';
	if (!decimal_digits(text, bytes, &at, &out->mantissa, &whole))
		return false;
	if (at < bytes && text[at] == '.') {
		at++;
		if (!decimal_digits(text, bytes, &at, &out->mantissa, &fraction))
			return false;
		out->exponent = -fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (at < bytes && (text[at] == 'e' || text[at] == 'E') && !decimal_exponent(text, bytes, &at, &out->exponent))
		return false;
	if (negative)
		out->mantissa = -out->mantissa;
	return at == bytes && out->exponent >= -DECIMAL_EXPONENT_MAX && out->exponent <= DECIMAL_EXPONENT_MAX;
}

bool decimal_at(const struct decimal *value, int exponent, int64_t *out)
{
	int64_t mantissa = value->mantissa;
	int left = value->exponent;
	if (mantissa == 0) {
		*out = 0;
		return true;
	}
	for (; left > exponent; left--) {
		if (mantissa > JSON_INTEGER_MAX / 10 || mantissa < -(JSON_INTEGER_MAX / 10))
			return false;
		mantissa *= 10;
	}
	for (; left < exponent; left++) {
		if (mantissa % 10 != 0)
			return false;
		mantissa /= 10;
	}
	*out = mantissa;
	return true;
}
