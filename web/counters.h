/* What a server counts of its answers: by route and class of status, and how long they took. One writer each, any
 * reader. */
#ifndef WEB_COUNTERS_H
#define WEB_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "web/router.h"

enum {
	COUNTERS_CLASSES = 5,		       /* 1xx to 5xx */
	COUNTERS_BUCKETS = 12,		       /* the last one has no upper bound */
	COUNTERS_NO_ROUTE = ROUTER_ROUTES_MAX, /* answers without a route: unknown paths, malformed requests */
};

struct counters {
	_Atomic uint64_t answers[ROUTER_ROUTES_MAX + 1][COUNTERS_CLASSES];
	_Atomic uint64_t durations[COUNTERS_BUCKETS];
	_Atomic uint64_t duration_us;
	_Atomic uint64_t refused_connections;
	_Atomic uint64_t accepted_connections;
	_Atomic uint64_t slow_connections; /* cut, because they moved too slowly */
	_Atomic uint64_t full_connections; /* cut, because there was no memory for what they sent */
};

/* Upper bounds in milliseconds of all buckets but the last. */
extern const int64_t counters_bounds_ms[COUNTERS_BUCKETS - 1];

void counters_answer(struct counters *counters, size_t route, int status, int64_t duration_us);
/* Adds `from` to `to`; nobody else writes `to`. */
void counters_sum(struct counters *to, const struct counters *from);

#endif
