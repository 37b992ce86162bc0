/* Counting with relaxed atomics: each loop has its own set, so that no two cores fight for a line. */
#include "web/counters.h"

#include "core/error.h"

const int64_t counters_bounds_ms[COUNTERS_BUCKETS - 1] = {1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000, 15000};

static void counters_add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

void counters_answer(struct counters *counters, size_t route, int status, int64_t duration_us)
{
	wn_assert(route <= COUNTERS_NO_ROUTE);
	int hundred = status / 100 - 1;
	if (hundred < 0 || hundred >= COUNTERS_CLASSES)
		hundred = COUNTERS_CLASSES - 1;
	if (duration_us < 0)
		duration_us = 0;
	int bucket = 0;
	while (bucket < COUNTERS_BUCKETS - 1 && duration_us > counters_bounds_ms[bucket] * 1000)
		bucket++;
	counters_add(&counters->answers[route][hundred], 1);
	counters_add(&counters->durations[bucket], 1);
	counters_add(&counters->duration_us, (uint64_t)duration_us);
}

static void counters_take(_Atomic uint64_t *to, const _Atomic uint64_t *from)
{
	counters_add(to, atomic_load_explicit(from, memory_order_relaxed));
}

void counters_sum(struct counters *to, const struct counters *from)
{
	for (size_t route = 0; route <= COUNTERS_NO_ROUTE; route++)
		for (int hundred = 0; hundred < COUNTERS_CLASSES; hundred++)
			counters_take(&to->answers[route][hundred], &from->answers[route][hundred]);
	for (int bucket = 0; bucket < COUNTERS_BUCKETS; bucket++)
		counters_take(&to->durations[bucket], &from->durations[bucket]);
	counters_take(&to->duration_us, &from->duration_us);
	counters_take(&to->refused_connections, &from->refused_connections);
	counters_take(&to->accepted_connections, &from->accepted_connections);
	counters_take(&to->slow_connections, &from->slow_connections);
	counters_take(&to->full_connections, &from->full_connections);
}
