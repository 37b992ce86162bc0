/* One walk over the lines of a request's head. */
#include "web/framing.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool line_is_field(const char *line, size_t bytes, const char *name)
{
	size_t name_bytes = strlen(name);
	return bytes > name_bytes && line[name_bytes] == ':' && strncasecmp(line, name, name_bytes) == 0;
}

enum framing_verdict framing_check(const char *head, size_t bytes, int minor)
{
	int hosts = 0, lengths = 0, codings = 0;
	bool folded = false, request_line = true;
	for (size_t at = 0; at < bytes;) {
		const char *line = head + at, *end = memchr(line, '\n', bytes - at);
		size_t count = end ? (size_t)(end - line) : bytes - at;
		at += count + 1;
		if (count > 0 && line[count - 1] == '\r')
			count--;
		if (count == 0) {
			/* Empty lines in front of the request are let pass (RFC 9112, 2.2); the one behind it ends the
			 * head. */
			if (request_line)
				continue;
			break;
		}
		if (request_line) {
			request_line = false;
			continue;
		}
		folded = folded || line[0] == ' ' || line[0] == '\t';
		hosts += line_is_field(line, count, "host");
		lengths += line_is_field(line, count, "content-length");
		codings += line_is_field(line, count, "transfer-encoding");
	}
	if (folded)
		return FRAMING_FOLDED;
	if (hosts > 1)
		return FRAMING_HOST_TWICE;
	if (hosts == 0 && minor >= 1)
		return FRAMING_HOST_MISSING;
	if (lengths > 1)
		return FRAMING_LENGTH_TWICE;
	if (lengths && codings)
		return FRAMING_LENGTH_AND_CHUNKED;
	if (codings > 1 || (codings && minor == 0))
		return FRAMING_CODING;
	return FRAMING_OK;
}

const char *framing_text(enum framing_verdict verdict)
{
	static const char *const texts[] = {
		[FRAMING_OK] = "",
		[FRAMING_FOLDED] = "A header field must not go on in the next line.",
		[FRAMING_HOST_MISSING] = "The request has no Host field.",
		[FRAMING_HOST_TWICE] = "The request has more than one Host field.",
		[FRAMING_LENGTH_TWICE] = "The request has more than one Content-Length field.",
		[FRAMING_LENGTH_AND_CHUNKED] = "The request has both Content-Length and Transfer-Encoding.",
		[FRAMING_CODING] = "The request's Transfer-Encoding is not the one of HTTP/1.1 chunks.",
	};
	return texts[verdict];
}

/* The part of a request line behind the target, as far as it has come. */
static enum framing_first first_version(const char *at, size_t bytes)
{
	static const char version[] = "HTTP/1.";
	size_t count = bytes < sizeof version - 1 ? bytes : sizeof version - 1;
	if (memcmp(at, version, count) != 0)
		return bytes >= 6 && memcmp(at, "HTTP/2", 6) == 0 ? FRAMING_FIRST_HTTP_2 : FRAMING_FIRST_NONE;
	if (bytes <= sizeof version - 1)
		return FRAMING_FIRST_PART;
	at += sizeof version - 1;
	bytes -= sizeof version - 1;
	if (at[0] < '0' || at[0] > '9')
		return FRAMING_FIRST_NONE;
	if (bytes > 1 && at[1] == '\r') {
		at++;
		bytes--;
	}
	if (bytes == 1)
		return FRAMING_FIRST_PART;
	return at[1] == '\n' ? FRAMING_FIRST_HTTP : FRAMING_FIRST_NONE;
}

enum framing_first framing_first(const char *data, size_t bytes)
{
	const char *at = data, *end = data + bytes;
	/* One empty line in front of the request is let pass (RFC 9112, 2.2). */
	if (at < end && *at == '\r')
		at++;
	if (at < end && *at == '\n')
		at++;
	if (at < end && *at == 0x16)
		return FRAMING_FIRST_TLS;
	/* Method and target, each with the blank behind it. */
	for (int word = 0; word < 2; word++) {
		const char *start = at;
		while (at < end && *at != ' ') {
			if ((unsigned char)*at < 0x21 || *at == 0x7f)
				return FRAMING_FIRST_NONE;
			at++;
		}
		if (at == end)
			return FRAMING_FIRST_PART;
		if (at++ == start)
			return FRAMING_FIRST_NONE;
	}
	return first_version(at, (size_t)(end - at));
}

const char *framing_first_text(enum framing_first first)
{
	if (first == FRAMING_FIRST_TLS)
		return "This port speaks plain HTTP, and this is the beginning of a TLS handshake.";
	if (first == FRAMING_FIRST_HTTP_2)
		return "This server speaks HTTP/1.1; the request is one of HTTP/2.";
	return "This is not a request of HTTP/1.1.";
}
