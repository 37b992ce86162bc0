/* JSON for the whole binary: a strict parser that keeps numbers as text, RFC 8785 output, and a writer. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/arena.h"
#include "core/error.h"

/* Nested arrays and objects; bytes of one string, name or number; elements of one array or object. */
enum { JSON_DEPTH_MAX = 32, JSON_STRING_MAX = 65536, JSON_ELEMENTS_MAX = 10000 };
#define JSON_INTEGER_MAX 9007199254740991LL /* 2^53 - 1, both signs: DESIGN.md 2 */

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	bool truth;		/* JSON_BOOL */
	struct wn_slice text;	/* JSON_STRING: unescaped UTF-8, may hold NUL; JSON_NUMBER: the source's characters.
				   NUL-terminated in memory either way */
	size_t count;		/* elements or members */
	struct json **elements; /* JSON_ARRAY, and the values of a JSON_OBJECT */
	struct wn_slice *names; /* JSON_OBJECT: names[i] belongs to elements[i] */
};

/*
 * Parses exactly one JSON value (RFC 8259) of at most `bytes` bytes; white space around it is allowed.
 * Refused with WN_INPUT and these codes: json_syntax, json_utf8, json_surrogate, json_depth, json_duplicate,
 * json_string_long, json_elements; WN_FULL json_memory at the arena's ceiling. A byte order mark is json_syntax.
 * The tree lives in the arena and does not point into `data`.
 */
bool json_parse(struct wn_arena *arena, const char *data, size_t bytes, const struct json **out, struct wn_error *err);

/* NULL when `object` is not an object or has no such member. */
const struct json *json_get(const struct json *object, const char *name);
/* Integers: optional minus and digits, |n| <= 2^53 - 1, no fraction, no exponent, no -0. */
bool json_integer(const struct json *value, int64_t *out);
/* Amounts: decimal strings 0..INT64_MAX without leading zeros ("0" allowed). */
bool json_amount(const struct json *value, int64_t *out);
/* NULL unless it is a string without NUL; then NUL-terminated. */
const char *json_string(const struct json *value);
/* The string member `name`, or `otherwise` when absent (NULL also when it has another type or holds NUL). */
const char *json_member_string(const struct json *object, const char *name, const char *otherwise);
/* True when every member's name stands in the NULL-terminated list; else `unknown` gets the first stranger. */
bool json_only_members(const struct json *object, const char *const names[], struct wn_slice *unknown);

/* RFC 8785 bytes of a value under the number rule above; numbers outside it: WN_INPUT json_number. */
bool jcs_write(struct wn_arena *arena, const struct json *value, struct wn_slice *out, struct wn_error *err);
/* Parse and write: the canonical bytes of JSON text. */
bool jcs_canonical(struct wn_arena *arena, const char *data, size_t bytes, struct wn_slice *out, struct wn_error *err);
/* WN_INPUT json_not_canonical unless the bytes are their own canonical form. */
bool jcs_check(struct wn_arena *arena, const char *data, size_t bytes, struct wn_error *err);

/* Adds `value` as a JSON string with RFC 8785's escapes. Bytes that are not UTF-8 come out as U+FFFD. */
void json_quote(struct wn_text *text, struct wn_slice value);

/*
 * A writer of JSON text: commas and escapes are its business. Names are given in any order; journal entries are
 * written with it and then passed through jcs_canonical(). Inside an array pass name = NULL.
 */
struct json_writer {
	struct wn_text text;
	bool comma;
};
void json_begin(struct json_writer *writer, struct wn_arena *arena);
void json_open_object(struct json_writer *writer, const char *name);
void json_close_object(struct json_writer *writer);
void json_open_array(struct json_writer *writer, const char *name);
void json_close_array(struct json_writer *writer);
void json_put_string(struct json_writer *writer, const char *name, const char *value); /* NULL writes null */
void json_put_slice(struct json_writer *writer, const char *name, struct wn_slice value);
void json_put_integer(struct json_writer *writer, const char *name, int64_t value);
void json_put_amount(struct json_writer *writer, const char *name, int64_t units); /* as a decimal string */
void json_put_bool(struct json_writer *writer, const char *name, bool value);
void json_put_hex(struct json_writer *writer, const char *name, const void *bytes, size_t count);
/* Text that is JSON already; the caller promises that it is. */
void json_put_raw(struct json_writer *writer, const char *name, struct wn_slice json);
/* The text so far; false with WN_FULL when the arena was too small. */
bool json_end(struct json_writer *writer, struct wn_slice *out, struct wn_error *err);

#endif
