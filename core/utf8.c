/* Well-formed UTF-8, told quickly where it is plain ASCII. */
#include "core/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_character(const char *text, size_t room)
{
	const unsigned char *c = (const unsigned char *)text;
	if (c[0] < 0x80)
		return 1;
	size_t bytes = c[0] < 0xc2 ? 0 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : c[0] < 0xf5 ? 4 : 0;
	if (bytes == 0 || bytes > room)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms of three and four bytes, surrogates, and what lies above U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) ||
		(c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	return bytes;
}

bool utf8_valid(const char *text, size_t bytes, size_t *at)
{
	size_t i = 0;
	while (i < bytes) {
		uint64_t eight;
		while (bytes - i >= sizeof eight) {
			memcpy(&eight, text + i, sizeof eight);
			if (eight & 0x8080808080808080u)
				break;
			i += sizeof eight;
		}
		if (i == bytes)
			break;
		size_t character = utf8_character(text + i, bytes - i);
		if (character == 0) {
			if (at)
				*at = i;
			return false;
		}
		i += character;
	}
	return true;
}
