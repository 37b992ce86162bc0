/* Ids and bytes as text: hex and base64, both strict when read. */
#include "core/id.h"

#include <string.h>

char *hex_write(char *out, const void *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = bytes;
	for (size_t i = 0; i < count; i++) {
		out[2 * i] = digits[from[i] >> 4];
		out[2 * i + 1] = digits[from[i] & 15];
	}
	out[2 * count] = '\0';
	return out;
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_read(void *bytes, size_t count, const char *hex, size_t hex_bytes)
{
	uint8_t *to = bytes;
	if (count > SIZE_MAX / 2 || hex_bytes != 2 * count)
		return false;
	for (size_t i = 0; i < count; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

size_t base64_room(size_t count)
{
	return (count + 2) / 3 * 4 + 1;
}

size_t base64_write(char *out, const void *bytes, size_t count)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *from = bytes;
	char *to = out;
	size_t i = 0;
	for (; i + 3 <= count; i += 3) {
		uint32_t three = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];
		*to++ = letters[three >> 18];
		*to++ = letters[three >> 12 & 63];
		*to++ = letters[three >> 6 & 63];
		*to++ = letters[three & 63];
	}
	if (count - i == 1) {
		*to++ = letters[from[i] >> 2];
		*to++ = letters[(from[i] & 3) << 4];
		*to++ = '=';
		*to++ = '=';
	} else if (count - i == 2) {
		uint32_t two = (uint32_t)from[i] << 8 | from[i + 1];
		*to++ = letters[two >> 10];
		*to++ = letters[two >> 4 & 63];
		*to++ = letters[(two & 15) << 2];
		*to++ = '=';
	}
	*to = '\0';
	return (size_t)(to - out);
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

bool base64_read(void *bytes, size_t room, size_t *count, const char *text, size_t text_bytes)
{
	uint8_t *to = bytes;
	*count = 0;
	if (text_bytes == 0)
		return true;
	if (text_bytes % 4 != 0)
		return false;
	size_t padding = 0;
	if (text[text_bytes - 1] == '=')
		padding = text[text_bytes - 2] == '=' ? 2 : 1;
	size_t wanted = text_bytes / 4 * 3 - padding;
	if (wanted > room)
		return false;
	size_t written = 0;
	for (size_t i = 0; i < text_bytes; i += 4) {
		size_t letters = i + 4 == text_bytes ? 4 - padding : 4;
		uint32_t group = 0;
		for (size_t j = 0; j < 4; j++) {
			int value = j < letters ? base64_value(text[i + j]) : 0;
			if (value < 0)
				return false;
			group = group << 6 | (uint32_t)value;
		}
		/* Bits behind the last byte must be zero: one text for one value, or evidence could be altered unseen.
		 */
		if ((letters == 3 && (group & 0xff)) || (letters == 2 && (group & 0xffff)))
			return false;
		for (size_t j = 0; j + 1 < letters; j++)
			to[written++] = (uint8_t)(group >> (16 - 8 * j));
	}
	*count = written;
	return true;
}

int id_compare(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}
