/* Failures of the world as values, and the end of the program for broken promises of our own. */
#include "core/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool wn_fail(struct wn_error *err, enum wn_blame blame, const char *code, const char *format, ...)
{
	/* The arguments may point into err->text (a callee's failure told anew), so the text is built aside. */
	char text[WN_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	if (vsnprintf(text, sizeof text, format, arguments) < 0)
		text[0] = '\0';
	va_end(arguments);
	char word[WN_CODE_MAX];
	snprintf(word, sizeof word, "%s", code);
	err->blame = blame;
	memcpy(err->code, word, sizeof word);
	memcpy(err->text, text, sizeof text);
	return false;
}

bool wn_while(struct wn_error *err, const char *format, ...)
{
	char text[WN_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	int count = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	size_t bytes = count < 0 ? 0 : (size_t)count < sizeof text ? (size_t)count : sizeof text - 1;
	/* What is too long loses its end: the outer words say where to look first. */
	const char *const parts[] = {": ", err->text};
	for (int i = 0; i < 2; i++) {
		size_t part_bytes = strnlen(parts[i], sizeof text - 1 - bytes);
		memcpy(text + bytes, parts[i], part_bytes);
		bytes += part_bytes;
	}
	text[bytes] = '\0';
	memcpy(err->text, text, sizeof text);
	return false;
}

void wn_error_reset(struct wn_error *err)
{
	err->blame = WN_NONE;
	err->code[0] = '\0';
	err->text[0] = '\0';
}

void wn_assert_failed(const char *condition, const char *file, int line, const char *function)
{
	/* Plain text, one line: the log's own promises may be the broken ones. */
	fprintf(stderr, "%s:%d: %s: broken promise: %s\n", file, line, function, condition);
	fflush(stderr);
	abort();
}
