/* Patterns against paths, segment by segment. */
#include "web/router.h"

#include <string.h>

#include "core/utf8.h"

/* What a pattern may say of one segment, most telling first. */
enum { SEGMENT_FIXED, SEGMENT_NAME, SEGMENT_REST };

static int segment_kind(const char *pattern, size_t bytes)
{
	if (bytes < 2 || pattern[0] != '{' || pattern[bytes - 1] != '}')
		return SEGMENT_FIXED;
	return pattern[bytes - 2] == '*' ? SEGMENT_REST : SEGMENT_NAME;
}

/* The same up to the names of parameters. */
static bool pattern_same(const char *a, const char *b)
{
	for (;;) {
		size_t a_bytes = strcspn(a + 1, "/") + 1, b_bytes = strcspn(b + 1, "/") + 1;
		int kind = segment_kind(a + 1, a_bytes - 1);
		if (kind != segment_kind(b + 1, b_bytes - 1))
			return false;
		if (kind == SEGMENT_FIXED && (a_bytes != b_bytes || memcmp(a, b, a_bytes) != 0))
			return false;
		a += a_bytes;
		b += b_bytes;
		if (*a == '\0' || *b == '\0')
			return *a == *b;
	}
}

static void pattern_check(const char *pattern)
{
	int params = 0;
	wn_assert(pattern[0] == '/');
	for (const char *at = pattern; *at;) {
		size_t bytes = strcspn(at + 1, "/") + 1;
		int kind = segment_kind(at + 1, bytes - 1);
		params += kind != SEGMENT_FIXED;
		at += bytes;
		wn_assert(kind != SEGMENT_REST || *at == '\0');
	}
	wn_assert(params <= ROUTE_PARAMS_MAX);
}

void router_init(struct router *router, const struct route *const tables[])
{
	router->count = 0;
	for (int t = 0; tables[t]; t++)
		for (const struct route *route = tables[t]; route->method; route++) {
			wn_assert(router->count < ROUTER_ROUTES_MAX);
			wn_assert(!route->handle != !route->handle_many);
			wn_assert(route->handle || route->needs == ROUTE_DATABASE);
			/* Without a database nobody can be recognised. */
			wn_assert(route->access == ROUTE_OPEN || route->needs == ROUTE_DATABASE);
			wn_assert(route->body_max <= ROUTE_BODY_MAX);
			pattern_check(route->pattern);
			for (size_t i = 0; i < router->count; i++)
				wn_assert(strcmp(router->routes[i]->method, route->method) != 0 ||
					  !pattern_same(router->routes[i]->pattern, route->pattern));
			router->routes[router->count++] = route;
		}
}

bool router_decode(struct wn_arena *arena, struct wn_slice text, bool plus, struct wn_slice *out)
{
	char *decoded = wn_arena_alloc(arena, text.bytes + 1);
	size_t count = 0;
	if (!decoded)
		return false;
	for (size_t i = 0; i < text.bytes; i++) {
		char c = text.data[i];
		if (c == '+' && plus) {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text.bytes ? hex_digit(text.data[i + 1]) : -1;
			int low = i + 2 < text.bytes ? hex_digit(text.data[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0')
			return false;
		decoded[count++] = c;
	}
	*out = (struct wn_slice){decoded, count};
	/* What is no text never reaches the database, which would call it a failure of ours. */
	return utf8_valid(decoded, count, NULL);
}

static bool segment_dots(struct wn_slice segment)
{
	return wn_slice_equal(segment, WN_SLICE(".")) || wn_slice_equal(segment, WN_SLICE(".."));
}

/* One decoded parameter; every segment of it must be a name and not a step up. */
static bool param_read(struct wn_arena *arena, struct wn_slice raw, struct wn_slice *out)
{
	if (!router_decode(arena, raw, false, out))
		return false;
	const char *at = out->data, *end = out->data + out->bytes;
	while (at <= end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const char *stop = slash ? slash : end;
		if (segment_dots((struct wn_slice){at, (size_t)(stop - at)}))
			return false;
		at = stop + 1;
	}
	return true;
}

/* How well a pattern fits: 0 not at all, more is better; raw parameters are left in `params`. */
static unsigned pattern_fit(
	const char *pattern, struct wn_slice path, struct wn_slice params[ROUTE_PARAMS_MAX], int *param_count)
{
	unsigned fit = 1;
	size_t at = 0;
	*param_count = 0;
	for (const char *p = pattern; *p; fit = fit * 3) {
		if (at >= path.bytes || path.data[at] != '/')
			return 0;
		size_t want = strcspn(p + 1, "/");
		const char *start = path.data + at + 1;
		size_t left = path.bytes - at - 1;
		const char *slash = memchr(start, '/', left);
		size_t have = slash ? (size_t)(slash - start) : left;
		int kind = segment_kind(p + 1, want);
		if (kind == SEGMENT_REST)
			have = left;
		if (kind == SEGMENT_FIXED && (have != want || memcmp(start, p + 1, want) != 0))
			return 0;
		if (kind != SEGMENT_FIXED) {
			if (have == 0)
				return 0;
			params[(*param_count)++] = (struct wn_slice){start, have};
		}
		fit += 2 - (unsigned)kind;
		at += 1 + have;
		p += 1 + want;
	}
	return at == path.bytes ? fit : 0;
}

static void allow_add(char allow[ROUTER_ALLOW_MAX], const char *method)
{
	const char *words[2] = {method, strcmp(method, "GET") == 0 ? "HEAD" : NULL};
	for (int i = 0; i < 2 && words[i]; i++) {
		if (strstr(allow, words[i]))
			continue;
		wn_assert(strlen(allow) + strlen(words[i]) + 3 < ROUTER_ALLOW_MAX);
		if (*allow)
			strcat(allow, ", ");
		strcat(allow, words[i]);
	}
}

enum router_verdict router_find(const struct router *router, struct wn_arena *arena, struct wn_slice method,
	struct wn_slice path, struct router_match *out)
{
	struct wn_slice raw[ROUTE_PARAMS_MAX], best[ROUTE_PARAMS_MAX] = {0};
	unsigned best_fit = 0;
	int count, best_count = 0;
	*out = (struct router_match){0};
	if (path.bytes == 0 || path.data[0] != '/' || path.bytes > ROUTER_PATH_MAX)
		return ROUTER_BAD_PATH;
	struct wn_slice wanted = wn_slice_equal(method, WN_SLICE("HEAD")) ? WN_SLICE("GET") : method;
	for (size_t i = 0; i < router->count; i++) {
		unsigned fit = pattern_fit(router->routes[i]->pattern, path, raw, &count);
		if (fit == 0)
			continue;
		allow_add(out->allow, router->routes[i]->method);
		if (fit <= best_fit || !wn_slice_equal(wanted, wn_slice_of(router->routes[i]->method)))
			continue;
		best_fit = fit;
		out->number = i;
		memcpy(best, raw, sizeof best);
		best_count = count;
	}
	if (best_fit == 0)
		return out->allow[0] ? ROUTER_NO_METHOD : ROUTER_NO_PATH;
	for (int i = 0; i < best_count; i++)
		if (!param_read(arena, best[i], &out->params[i]))
			return ROUTER_BAD_PATH;
	return ROUTER_FOUND;
}
