/* openapi.json (OpenAPI 3.1.0) out of the rows that dispatch, so that the document cannot tell of other routes. Pure.
 */
#ifndef WEB_OPENAPI_H
#define WEB_OPENAPI_H

#include "web/router.h"

enum { OPENAPI_ARENA_MAX = 8 * 1024 * 1024 }; /* the schemas as a tree, and the document */

/*
 * The document of a router's routes; *out lies in the arena. Routes of the operator's socket are in it, marked with
 * x-winnow-socket; rows without `gives` are not. A row whose query, takes, gives or refuses cannot be read, or that
 * names a schema which web/openapi_components.json does not have, is a broken promise. False: the arena is full.
 */
bool openapi_write(struct wn_arena *arena, const struct router *router, struct wn_slice *out, struct wn_error *err);

#endif
