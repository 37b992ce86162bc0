/* The route of submissions: POST /v1/campaigns/{name}/items. */
#ifndef INGEST_SUBMIT_API_H
#define INGEST_SUBMIT_API_H

#include "web/route.h"

extern const struct route ingest_routes[]; /* ended by a row whose method is NULL */

#endif
