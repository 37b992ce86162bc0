/* Whether a request's head can be read in two ways: what the HTTP library lets pass and a proxy may see otherwise.
 * Pure. */
#ifndef WEB_FRAMING_H
#define WEB_FRAMING_H

#include <stddef.h>

enum framing_verdict {
	FRAMING_OK,
	FRAMING_FOLDED,	      /* a field that goes on in the next line (RFC 9112, 5.2) */
	FRAMING_HOST_MISSING, /* HTTP/1.1 without Host */
	FRAMING_HOST_TWICE,
	FRAMING_LENGTH_TWICE,
	FRAMING_LENGTH_AND_CHUNKED,
	FRAMING_CODING, /* Transfer-Encoding twice, or in HTTP/1.0 */
};

/* `head` starts with the request line; what stands behind the empty line is not looked at. `minor` is y of HTTP/1.y. */
enum framing_verdict framing_check(const char *head, size_t bytes, int minor);
const char *framing_text(enum framing_verdict verdict);

enum framing_first {
	FRAMING_FIRST_PART, /* may still become a request line */
	FRAMING_FIRST_HTTP, /* a whole one of HTTP/1: the rest is the library's to judge */
	FRAMING_FIRST_NONE,
	FRAMING_FIRST_TLS, /* a handshake */
	FRAMING_FIRST_HTTP_2,
};
/* What the first bytes of a connection are. */
enum framing_first framing_first(const char *data, size_t bytes);
/* What the client did wrong; for the last three. */
const char *framing_first_text(enum framing_first first);

#endif
