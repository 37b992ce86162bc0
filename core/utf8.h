/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that starts at `text` (1 to 4), or 0 when no well-formed one does. room >= 1. */
size_t utf8_character(const char *text, size_t room);
/* False at the first ill-formed byte, whose offset *at then holds; `at` may be NULL. */
bool utf8_valid(const char *text, size_t bytes, size_t *at);

#endif
