/* The injected clock: wall time, or the time that an operator set with `--clock manual`. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>
#include "core/error.h"

struct db;

/* Monotonic milliseconds of this machine: for timeouts of our own, never for a rule. */
int64_t clock_monotonic_ms(void);
/* Unix milliseconds of this machine: for logs. */
int64_t clock_wall_ms(void);
/*
 * The node's time in Unix milliseconds, which every deadline and freshness check follows: wall time, or with
 * `--clock manual` the value that the operator's last journal entry set (read from the database).
 */
bool clock_now(struct db *db, int64_t *now_ms, struct wn_error *err);

#endif
