/* Routes of the node itself: what network it is, its journal, its state for people, probes and Prometheus, its clock.
 */
#ifndef WEB_NODE_API_H
#define WEB_NODE_API_H

#include "web/route.h"

/* Small pages: readers that stand still hold one each, as many as there may be connections. */
enum { NODE_ENTRIES_MAX = 1000, NODE_ENTRIES_BYTES_MAX = 1024 * 1024 };

extern const struct route node_routes[];

#endif
