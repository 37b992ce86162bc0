/* Which route a method and a path mean: patterns, 404, 405 with Allow, HEAD for GET. Pure. */
#ifndef WEB_ROUTER_H
#define WEB_ROUTER_H

#include "web/route.h"

enum { ROUTER_ROUTES_MAX = 256, ROUTER_ALLOW_MAX = 64, ROUTER_PATH_MAX = 4096 };

/* All routes of a server in one list; a route's place in it is its number in the counters. */
struct router {
	const struct route *routes[ROUTER_ROUTES_MAX];
	size_t count;
};
/* `tables` ends with NULL, each table with a row whose method is NULL. Two rows that match the same are a broken
 * promise. */
void router_init(struct router *router, const struct route *const tables[]);

enum router_verdict { ROUTER_FOUND, ROUTER_NO_PATH, ROUTER_NO_METHOD, ROUTER_BAD_PATH };

struct router_match {
	size_t number;				  /* of the route, when found */
	struct wn_slice params[ROUTE_PARAMS_MAX]; /* percent-decoded, in the arena */
	char allow[ROUTER_ALLOW_MAX];		  /* "GET, HEAD, POST" when the method is not allowed */
};
/*
 * `path` has no query. Fixed segments win over {name}, which wins over {rest*}. Segments are split before they are
 * decoded, so %2F is part of a segment; a NUL, broken percent codes and "." or ".." as a whole segment are
 * ROUTER_BAD_PATH.
 */
enum router_verdict router_find(const struct router *router, struct wn_arena *arena, struct wn_slice method,
	struct wn_slice path, struct router_match *out);

/* Percent-decoding into the arena; `plus` turns + into a blank (queries). False on broken codes, NUL and a full arena.
 */
bool router_decode(struct wn_arena *arena, struct wn_slice text, bool plus, struct wn_slice *out);

#endif
