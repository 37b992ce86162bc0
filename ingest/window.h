/* The content of a window: one device, its channels, its samples as whole numbers. Pure. */
#ifndef INGEST_WINDOW_H
#define INGEST_WINDOW_H

#include "ingest/item.h"

struct window_summary {
	const char *device;
	int64_t first_ms, last_ms;
	size_t samples;
};
/*
 * {device, channels: [{name, unit, exponent}], samples: [[ms, n | null, ...]]}: each sample has its time and one number
 * a channel, which stands for n * 10^exponent units; null is a reading that is missing. Times rise strictly. ITEM_DONE
 * or a refusal, which answer->detail then explains.
 */
enum item_result window_check(const struct json *content, struct window_summary *out, char detail[ITEM_DETAIL_MAX]);

#endif
