/* Problem documents (RFC 9457): stable codes, their HTTP status, and the words of a status. Pure. */
#ifndef WEB_PROBLEM_H
#define WEB_PROBLEM_H

#include "core/arena.h"
#include "core/error.h"

/* The reason phrase and title of a status: "Not Found". Never NULL. */
const char *problem_title(int status);
/* HTTP status of a failure: from the table of common codes, else from who must act. */
int problem_status(const struct wn_error *err);
/* {"type", "title", "status", "detail"}; detail may be NULL. data NULL when the arena is full. */
struct wn_slice problem_write(struct wn_arena *arena, int status, const char *code, const char *detail);
/* Seconds for Retry-After; 0: none is sent with this status. */
int problem_retry_s(int status, enum wn_blame blame);

/* The table, for the test that walks it; ends with code NULL. */
struct problem_row {
	const char *code;
	int status;
	const char *detail; /* said instead of the failure's own text, which would tell a stranger about our insides;
			       NULL: the text */
};
extern const struct problem_row problem_rows[];
const struct problem_row *problem_row(const char *code); /* NULL when the code is not common */

#endif
