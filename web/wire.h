/* Between the HTTP library and the exchange: requests copied into jobs, answers sent from them, errors as problems. */
#ifndef WEB_WIRE_H
#define WEB_WIRE_H

#include "web/loop.h"

enum {
	WIRE_ARENA_MAX = 64 * 1024 * 1024,   /* what one request may use: a parsed body is many times its text */
	WIRE_ARENA_LEAST = 24 * 1024 * 1024, /* without a body; WIRE_ARENA_TIMES as much more for each of its bytes */
	WIRE_ARENA_TIMES = 64,
	WIRE_ARENA_TOGETHER = 512 * 1024, /* in place of the least, where a lane answers many at once */
	WIRE_FREE_BYTES = 4096,	       /* of an answer that are not counted: its connection may have them */
	WIRE_HEAD_MAX = 32 * 1024,     /* names and values of all header fields */
	WIRE_CHUNK_BYTES = 128 * 1024, /* of a file a turn */
};

#define WIRE_OVERLOADED_TEXT "The node has no memory left for more requests and answers: send the request again soon."
#define WIRE_SHARE_TEXT                                                                                                \
	"Requests and answers of this address take all the memory that one address may have: send fewer at once, and " \
	"read their answers."

/* Puts our handler and the rewriting of the library's own errors into a host's configuration. */
void wire_configure(struct loop *loop, h2o_hostconf_t *host);
/* On the loop: a job came back from its lane. */
void wire_job_done(struct wire_job *job);
struct wire_job *wire_job_of(struct loop_message *message);
/* On the loop: answers 503 to every request that waited for a lane longer than the deadline. */
void wire_expire(struct loop *loop, int64_t now_ms);

#endif
