/* One JSON object a line an event, to stderr; fields by an allow-list of typed arguments, never bodies or secrets. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdint.h>
#include "core/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_start(const char *on, enum log_level least); /* once a process: "serve", "tally", ...; `on` must stay valid */

/*
 * Fields end with NULL: log_event(LOG_INFO, "round_closed", log_integer("round", 81), NULL). The NULL stands for a
 * whole struct, which gcc would want in braces.
 */
#pragma GCC diagnostic ignored "-Wmissing-braces"
struct log_field {
	const char *name;
	const char *text;
	int64_t integer;
};
struct log_field log_integer(const char *name, int64_t value);
struct log_field log_text(const char *name, const char *value); /* escaped; cut at 256 bytes */
void log_write(enum log_level level, const char *event, const struct log_field *fields, int count);
#define log_event(level, event, ...)                                                                                   \
	log_write(level, event, (const struct log_field[]){__VA_ARGS__},                                               \
		(int)(sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)))
/* The one place where a failure of the world is told: blame, code, text. */
void log_failure(const char *event, const struct wn_error *err);

#endif
