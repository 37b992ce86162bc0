/* Conditional and partial answers; the library's own file handler has no If-Range and multiplies overlapping ranges. */
#include "web/file_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANGE_DIGITS_MAX = 18, ETAG_MAX = 128 };

static struct wn_slice slice_trim(struct wn_slice text)
{
	while (text.bytes && (text.data[0] == ' ' || text.data[0] == '\t')) {
		text.data++;
		text.bytes--;
	}
	while (text.bytes && (text.data[text.bytes - 1] == ' ' || text.data[text.bytes - 1] == '\t'))
		text.bytes--;
	return text;
}

/* One or more digits as a number; false for everything else. */
static bool range_number(struct wn_slice text, int64_t *out)
{
	if (text.bytes == 0 || text.bytes > RANGE_DIGITS_MAX)
		return false;
	*out = 0;
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		*out = *out * 10 + (text.data[i] - '0');
	}
	return true;
}

enum range_verdict range_read(struct wn_slice field, int64_t length, int64_t *offset, int64_t *bytes)
{
	int64_t first, last;
	if (!field.data || field.bytes < 6 || strncasecmp(field.data, "bytes=", 6) != 0)
		return RANGE_NONE;
	struct wn_slice range = slice_trim((struct wn_slice){field.data + 6, field.bytes - 6});
	const char *dash = range.bytes ? memchr(range.data, '-', range.bytes) : NULL;
	if (!dash)
		return RANGE_NONE;
	struct wn_slice from = {range.data, (size_t)(dash - range.data)};
	struct wn_slice to = {dash + 1, range.bytes - from.bytes - 1};
	if (from.bytes == 0) {
		if (!range_number(to, &last))
			return RANGE_NONE;
		if (last == 0 || length == 0)
			return RANGE_OUTSIDE;
		first = last < length ? length - last : 0;
		last = length - 1;
	} else {
		last = length - 1;
		if (!range_number(from, &first) || (to.bytes && !range_number(to, &last)) || (to.bytes && last < first))
			return RANGE_NONE;
		if (first >= length)
			return RANGE_OUTSIDE;
		if (last > length - 1)
			last = length - 1;
	}
	*offset = first;
	*bytes = last - first + 1;
	return RANGE_PART;
}

bool etag_listed(struct wn_slice field, const char *etag, bool weak)
{
	size_t etag_bytes = strlen(etag), at = 0;
	field = slice_trim(field);
	if (field.bytes == 1 && field.data[0] == '*')
		return true;
	while (at < field.bytes) {
		bool is_weak = at + 1 < field.bytes && field.data[at] == 'W' && field.data[at + 1] == '/';
		if (is_weak)
			at += 2;
		if (at >= field.bytes)
			return false;
		if (field.data[at] != '"') {
			at++;
			continue;
		}
		const char *start = field.data + at + 1, *end = memchr(start, '"', field.bytes - at - 1);
		if (!end)
			return false;
		if ((weak || !is_weak) && (size_t)(end - start) == etag_bytes && memcmp(start, etag, etag_bytes) == 0)
			return true;
		at = (size_t)(end - field.data) + 1;
	}
	return false;
}

static bool answer_header(struct exchange *exchange, const char *name, const char *text, struct wn_error *err)
{
	if (!text)
		return wn_fail(err, WN_FULL, "memory", "no room for a header");
	exchange_header(exchange, name, wn_slice_of(text));
	return true;
}

/* ETag, and 304 where the client has it already. */
static bool answer_validator(struct exchange *exchange, const char *etag, bool *answered, struct wn_error *err)
{
	wn_assert(strlen(etag) > 0 && strlen(etag) <= ETAG_MAX && !strchr(etag, '"'));
	*answered = false;
	if (!answer_header(exchange, "ETag", wn_arena_printf(exchange->arena, "\"%s\"", etag), err))
		return false;
	struct wn_slice known = exchange_request_header(exchange, "if-none-match");
	if (!known.data || !etag_listed(known, etag, true))
		return true;
	exchange->status = 304;
	exchange->body = (struct wn_slice){0};
	*answered = true;
	return true;
}

/* A range counts when the client's copy is this very content (RFC 9110, 13.1.5); dates are none of ours and never
 * match. */
static bool range_wanted(const struct exchange *exchange, const char *etag)
{
	struct wn_slice held = exchange_request_header(exchange, "if-range");
	if (!wn_slice_equal(exchange->request.method, WN_SLICE("GET")))
		return false;
	return !held.data || (held.bytes > 1 && held.data[0] == '"' && etag_listed(held, etag, false));
}

static bool answer_part(
	struct exchange *exchange, const char *etag, int64_t length, bool *answered, struct wn_error *err)
{
	int64_t offset = 0, bytes = length;
	enum range_verdict verdict = RANGE_NONE;
	*answered = false;
	if (range_wanted(exchange, etag))
		verdict = range_read(exchange_request_header(exchange, "range"), length, &offset, &bytes);
	if (verdict == RANGE_OUTSIDE) {
		*answered = true;
		exchange_problem(
			exchange, 416, "range", "The file has %" PRId64 " bytes; the range lies behind them.", length);
		return answer_header(
			exchange, "Content-Range", wn_arena_printf(exchange->arena, "bytes */%" PRId64, length), err);
	}
	exchange->body_offset = offset;
	exchange->body_bytes = bytes;
	if (verdict == RANGE_NONE)
		return exchange_ok(exchange, 200, (struct wn_slice){0}, err);
	return answer_header(exchange, "Content-Range",
		       wn_arena_printf(exchange->arena, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, offset,
			       offset + bytes - 1, length),
		       err) &&
	       exchange_ok(exchange, 206, (struct wn_slice){0}, err);
}

static bool file_open(
	struct exchange *exchange, const char *path, int *descriptor, int64_t *length, struct wn_error *err)
{
	struct stat status;
	*descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*descriptor < 0 && errno == ENOENT)
		return exchange_problem(exchange, 404, "file_unknown", "There is no such file.");
	if (*descriptor < 0)
		return wn_fail(err, errno == EMFILE || errno == ENFILE ? WN_FULL : WN_DOWN, "file_open", "open %s: %s",
			path, strerror(errno));
	if (fstat(*descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
		*length = status.st_size;
		return true;
	}
	close(*descriptor);
	*descriptor = -1;
	return exchange_problem(exchange, 404, "file_unknown", "There is no such file.");
}

bool exchange_file(
	struct exchange *exchange, const char *path, const char *etag, const char *content_type, struct wn_error *err)
{
	bool answered;
	int descriptor;
	int64_t length = 0;
	if (!file_open(exchange, path, &descriptor, &length, err))
		return false;
	if (descriptor < 0)
		return true;
	/* From here on the exchange owns it: whatever replaces the answer closes it. */
	exchange->body_file = descriptor;
	exchange->content_type = wn_slice_of(content_type);
	if (!answer_validator(exchange, etag, &answered, err))
		return false;
	if (answered) {
		close(exchange->body_file);
		exchange->body_file = -1;
		exchange->content_type = (struct wn_slice){0};
		return true;
	}
	exchange_header(exchange, "Accept-Ranges", WN_SLICE("bytes"));
	return answer_part(exchange, etag, length, &answered, err);
}

bool exchange_memory(struct exchange *exchange, struct wn_slice bytes, const char *etag, const char *content_type,
	struct wn_error *err)
{
	bool answered;
	if (!answer_validator(exchange, etag, &answered, err))
		return false;
	if (answered)
		return true;
	exchange->content_type = wn_slice_of(content_type);
	return exchange_ok(exchange, 200, bytes, err);
}
