/* JSON written member by member: commas, escapes and names. */
#include "core/json.h"

#include <inttypes.h>
#include <string.h>

#include "core/id.h"
#include "core/utf8.h"

enum { WRITER_HEX_STEP = 64 };

/* How many bytes from `text` on may stand in a JSON string as they are. */
static size_t quote_plain(const char *text, size_t bytes)
{
	size_t i = 0;
	while (i < bytes && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\')
		i++;
	return i;
}

static void quote_escaped(struct wn_text *text, char c)
{
	static const char shorts[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
	const char *found = memchr(meant, c, sizeof meant - 1);
	if (found) {
		char escape[2] = {'\\', shorts[found - meant]};
		wn_text_add(text, escape, sizeof escape);
	} else {
		wn_text_printf(text, "\\u%04x", (unsigned char)c);
	}
}

void json_quote(struct wn_text *text, struct wn_slice value)
{
	wn_text_add(text, "\"", 1);
	bool well_formed = utf8_valid(value.data, value.bytes, NULL);
	for (size_t i = 0; i < value.bytes;) {
		size_t plain = quote_plain(value.data + i, value.bytes - i);
		if (well_formed) {
			wn_text_add(text, value.data + i, plain);
			i += plain;
		} else {
			/* A file name, or a peer's header: each byte that is not UTF-8 becomes U+FFFD, so that the
			 * output always is. */
			for (size_t end = i + plain; i < end;) {
				size_t bytes = utf8_character(value.data + i, end - i);
				if (bytes)
					wn_text_add(text, value.data + i, bytes);
				else
					wn_text_add(text, "\xef\xbf\xbd", 3);
				i += bytes ? bytes : 1;
			}
		}
		if (i < value.bytes)
			quote_escaped(text, value.data[i++]);
	}
	wn_text_add(text, "\"", 1);
}

void json_begin(struct json_writer *writer, struct wn_arena *arena)
{
	*writer = (struct json_writer){0};
	wn_text_init(&writer->text, arena);
}

static void writer_name(struct json_writer *writer, const char *name)
{
	if (writer->comma)
		wn_text_add(&writer->text, ",", 1);
	writer->comma = true;
	if (name) {
		json_quote(&writer->text, wn_slice_of(name));
		wn_text_add(&writer->text, ":", 1);
	}
}

static void writer_open(struct json_writer *writer, const char *name, const char *bracket)
{
	writer_name(writer, name);
	wn_text_add(&writer->text, bracket, 1);
	writer->comma = false;
}

static void writer_close(struct json_writer *writer, const char *bracket)
{
	wn_text_add(&writer->text, bracket, 1);
	writer->comma = true;
}

void json_open_object(struct json_writer *writer, const char *name)
{
	writer_open(writer, name, "{");
}

void json_close_object(struct json_writer *writer)
{
	writer_close(writer, "}");
}

void json_open_array(struct json_writer *writer, const char *name)
{
	writer_open(writer, name, "[");
}

void json_close_array(struct json_writer *writer)
{
	writer_close(writer, "]");
}

void json_put_string(struct json_writer *writer, const char *name, const char *value)
{
	json_put_slice(writer, name, value ? wn_slice_of(value) : (struct wn_slice){NULL, 0});
}

void json_put_slice(struct json_writer *writer, const char *name, struct wn_slice value)
{
	writer_name(writer, name);
	if (value.data)
		json_quote(&writer->text, value);
	else
		wn_text_add(&writer->text, "null", 4);
}

void json_put_integer(struct json_writer *writer, const char *name, int64_t value)
{
	/* Beyond 2^53 - 1 readers differ: such a quantity is an amount, written as a string. */
	wn_assert(value <= JSON_INTEGER_MAX);
	wn_assert(value >= -JSON_INTEGER_MAX);
	writer_name(writer, name);
	wn_text_printf(&writer->text, "%" PRId64, value);
}

void json_put_amount(struct json_writer *writer, const char *name, int64_t units)
{
	writer_name(writer, name);
	wn_text_printf(&writer->text, "\"%" PRId64 "\"", units);
}

void json_put_bool(struct json_writer *writer, const char *name, bool value)
{
	writer_name(writer, name);
	wn_text_add_string(&writer->text, value ? "true" : "false");
}

void json_put_hex(struct json_writer *writer, const char *name, const void *bytes, size_t count)
{
	writer_name(writer, name);
	wn_text_add(&writer->text, "\"", 1);
	for (size_t i = 0; i < count; i += WRITER_HEX_STEP) {
		char hex[2 * WRITER_HEX_STEP + 1];
		size_t step = count - i < WRITER_HEX_STEP ? count - i : WRITER_HEX_STEP;
		hex_write(hex, (const uint8_t *)bytes + i, step);
		wn_text_add(&writer->text, hex, 2 * step);
	}
	wn_text_add(&writer->text, "\"", 1);
}

void json_put_raw(struct json_writer *writer, const char *name, struct wn_slice json)
{
	writer_name(writer, name);
	wn_text_add(&writer->text, json.data, json.bytes);
}

bool json_end(struct json_writer *writer, struct wn_slice *out, struct wn_error *err)
{
	*out = (struct wn_slice){NULL, 0};
	if (writer->text.full)
		return wn_fail(err, WN_FULL, "json_memory",
			"the JSON to be written needs more memory than one piece of work may use");
	*out = (struct wn_slice){writer->text.data, writer->text.bytes};
	return true;
}
