/* What the server and the database count, in Prometheus' text format 0.0.4. */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "web/route.h"

/* Everything that can be told; without a database its part is left out and winnow_database_up is 0. */
bool metrics_write(struct exchange *exchange, struct wn_slice *out, struct wn_error *err);

#endif
