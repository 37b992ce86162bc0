/* Answers with a validator: files and memory with a strong ETag, If-None-Match, single ranges, If-Range (RFC 9110). */
#ifndef WEB_FILE_ANSWER_H
#define WEB_FILE_ANSWER_H

#include "web/route.h"

/*
 * Answers GET and HEAD with the file at `path`: 200, 206, 304, 404 (file_unknown) or 416. `etag` is the strong
 * validator without quotes, best the hex SHA-256 of the content: it must change whenever a byte does. Headers that the
 * handler wants to add (Cache-Control, Content-Disposition) may be set before or after. `path` and `etag` are copied;
 * `content_type` must outlive the exchange.
 */
bool exchange_file(
	struct exchange *exchange, const char *path, const char *etag, const char *content_type, struct wn_error *err);
/* The same for bytes that stay where they are until the answer was sent (constant, or in the arena); no ranges. */
bool exchange_memory(struct exchange *exchange, struct wn_slice bytes, const char *etag, const char *content_type,
	struct wn_error *err);

enum range_verdict {
	RANGE_NONE, /* no range, or one that this server may ignore (several, another unit, malformed): the whole */
	RANGE_PART,
	RANGE_OUTSIDE, /* 416 */
};
/* The Range field against a length; several ranges are never served, because they multiply what is sent. Pure. */
enum range_verdict range_read(struct wn_slice field, int64_t length, int64_t *offset, int64_t *bytes);
/* Whether a list of entity tags names this one; "*" names all. `weak`: W/ tags count too (If-None-Match). Pure. */
bool etag_listed(struct wn_slice field, const char *etag, bool weak);

#endif
