/* How a failure of the world is returned: who must act, a stable code, and what we were doing. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Who must act on a failure. */
enum wn_blame {
	WN_NONE = 0, /* no failure */
	WN_INPUT,    /* the caller: the input is wrong and stays wrong */
	WN_BUSY,     /* nobody: try again soon (a lock, a serialization failure) */
	WN_DOWN,     /* a service that we wait for (PostgreSQL, the disk, the network) */
	WN_FULL,     /* our own limit: an arena, a queue, a quota */
};

enum { WN_CODE_MAX = 48, WN_TEXT_MAX = 512 };

struct wn_error {
	enum wn_blame blame;
	char code[WN_CODE_MAX]; /* stable word, lower case with underscores: "json_depth" */
	char text[WN_TEXT_MAX]; /* "start the tally: connect: refused" */
};

/* Fills `err` and returns false, so that a function may end with `return wn_fail(...)`. `err` is never NULL. */
bool wn_fail(struct wn_error *err, enum wn_blame blame, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "doing: " before the text of a failure that a callee reported; keeps blame and code; returns false. */
bool wn_while(struct wn_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets a failure that was handled. */
void wn_error_reset(struct wn_error *err);

/* A broken promise of our own code stops the program, in every build. One condition a line. */
#define wn_assert(condition) ((condition) ? (void)0 : wn_assert_failed(#condition, __FILE__, __LINE__, __func__))
void wn_assert_failed(const char *condition, const char *file, int line, const char *function)
	__attribute__((noreturn));

#endif
