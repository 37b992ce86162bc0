/* Patterns against paths. */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "web/router.h"

SUITE("router")

static bool nothing(struct exchange *exchange, struct wn_error *err)
{
	(void)exchange;
	(void)err;
	return true;
}

#define ROW(m, p)                                                                                                      \
	{                                                                                                              \
		.method = m, .pattern = p, .handle = nothing                                                           \
	}
static const struct route first_table[] = {ROW("GET", "/"), ROW("GET", "/v1/items/{id}"),
	ROW("GET", "/v1/items/{id}/receipt"), ROW("POST", "/v1/items/{id}/erase"), ROW("DELETE", "/v1/items/{id}"),
	ROW("GET", "/v1/items/fixed"), {.method = NULL}};
static const struct route second_table[] = {ROW("POST", "/v1/ballots"), ROW("GET", "/files/{rest*}"),
	ROW("GET", "/files/{a}/{b}"), ROW("GET", "/d/{name}/{version}/x/{more*}"), {.method = NULL}};
static const struct route *const tables[] = {first_table, second_table, NULL};

static struct wn_arena arena;
static struct router_match match;

static enum router_verdict find(const char *method, const char *path)
{
	static struct router router;
	if (router.count == 0)
		router_init(&router, tables);
	wn_arena_free(&arena);
	wn_arena_init(&arena, 65536);
	enum router_verdict verdict = router_find(&router, &arena, wn_slice_of(method), wn_slice_of(path), &match);
	return verdict;
}

/* "pattern param param" of what was found, or the verdict. */
static const char *found(const char *method, const char *path)
{
	static char out[512];
	const struct route *all[16];
	size_t count = 0;
	enum router_verdict verdict = find(method, path);
	for (int t = 0; tables[t]; t++)
		for (const struct route *route = tables[t]; route->method; route++)
			all[count++] = route;
	if (verdict == ROUTER_NO_METHOD)
		snprintf(out, sizeof out, "405 %s", match.allow);
	else if (verdict != ROUTER_FOUND)
		snprintf(out, sizeof out, "%s", verdict == ROUTER_NO_PATH ? "404" : "400");
	else {
		int at = snprintf(out, sizeof out, "%s", all[match.number]->pattern);
		for (int i = 0; i < ROUTE_PARAMS_MAX && match.params[i].data; i++)
			at += snprintf(out + at, sizeof out - (size_t)at, " %.*s", (int)match.params[i].bytes,
				match.params[i].data);
	}
	return out;
}

TEST(paths_find_their_patterns_and_parameters)
{
	CHECK_TEXT(found("GET", "/"), "/");
	CHECK_TEXT(found("GET", "/v1/items/abc"), "/v1/items/{id} abc");
	CHECK_TEXT(found("GET", "/v1/items/abc/receipt"), "/v1/items/{id}/receipt abc");
	CHECK_TEXT(found("DELETE", "/v1/items/abc"), "/v1/items/{id} abc");
	CHECK_TEXT(found("POST", "/v1/ballots"), "/v1/ballots");
	CHECK_TEXT(found("GET", "/d/n/3/x/a/b/c.json"), "/d/{name}/{version}/x/{more*} n 3 a/b/c.json");
}

TEST(a_fixed_segment_wins_over_a_name_and_a_name_over_the_rest)
{
	CHECK_TEXT(found("GET", "/v1/items/fixed"), "/v1/items/fixed");
	CHECK_TEXT(found("GET", "/files/a/b"), "/files/{a}/{b} a b");
	CHECK_TEXT(found("GET", "/files/a"), "/files/{rest*} a");
	CHECK_TEXT(found("GET", "/files/a/b/c"), "/files/{rest*} a/b/c");
}

TEST(head_is_answered_like_get_and_other_methods_are_listed)
{
	CHECK_TEXT(found("HEAD", "/v1/items/abc"), "/v1/items/{id} abc");
	CHECK_TEXT(found("POST", "/v1/items/abc"), "405 GET, HEAD, DELETE");
	CHECK_TEXT(found("HEAD", "/v1/ballots"), "405 POST");
	CHECK_TEXT(found("get", "/v1/ballots"), "405 POST");
	CHECK_TEXT(found("BREW", "/"), "405 GET, HEAD");
}

TEST(paths_that_nobody_serves_are_not_found)
{
	CHECK_TEXT(found("GET", "/v1"), "404");
	CHECK_TEXT(found("GET", "/v1/items/"), "404");
	CHECK_TEXT(found("GET", "/v1/items//receipt"), "404");
	CHECK_TEXT(found("GET", "/v1/itemsx/abc"), "404");
	CHECK_TEXT(found("GET", "//"), "404");
	CHECK_TEXT(found("GET", "/files/"), "404");
	CHECK_TEXT(found("GET", "/V1/items/abc"), "404");
}

TEST(parameters_are_decoded_after_the_path_was_split)
{
	CHECK_TEXT(found("GET", "/v1/items/a%2Fb"), "/v1/items/{id} a/b");
	CHECK_TEXT(found("GET", "/v1/items/a+b%20c"), "/v1/items/{id} a+b c");
	CHECK_TEXT(found("GET", "/v1/items/%c3%A4"), "/v1/items/{id} \xc3\xa4");
}

TEST(paths_that_step_up_or_hide_bytes_are_refused)
{
	CHECK_TEXT(found("GET", "/v1/items/.."), "400");
	CHECK_TEXT(found("GET", "/v1/items/%2e%2e"), "400");
	CHECK_TEXT(found("GET", "/v1/items/%2e"), "400");
	CHECK_TEXT(found("GET", "/files/a/../b"), "400");
	CHECK_TEXT(found("GET", "/files/a%2f..%2fb/c/d"), "400");
	CHECK_TEXT(found("GET", "/v1/items/a%00b"), "400");
	CHECK_TEXT(found("GET", "/v1/items/a%0"), "400");
	CHECK_TEXT(found("GET", "/v1/items/a%zz"), "400");
	CHECK_TEXT(found("GET", "/v1/items/%FF"), "400");
	CHECK_TEXT(found("GET", "/v1/items/a%c3"), "400");
	CHECK_TEXT(found("GET", "/v1/items/%ed%a0%80"), "400");
	CHECK_TEXT(found("GET", "/v1/items/\xff"), "400");
	CHECK_TEXT(found("GET", "/files/a/%c0%af/b"), "400");
	CHECK_TEXT(found("GET", "*"), "400");
	CHECK_TEXT(found("GET", ""), "400");
	CHECK_TEXT(found("GET", "http://host/v1"), "400");
	CHECK_TEXT(found("GET", "/files/..."), "/files/{rest*} ...");
}

TEST(a_path_longer_than_the_limit_is_refused)
{
	static char path[ROUTER_PATH_MAX + 2];
	memset(path, 'a', sizeof path - 1);
	memcpy(path, "/files/", 7);
	CHECK_INT(find("GET", path), ROUTER_BAD_PATH);
	path[ROUTER_PATH_MAX] = '\0';
	CHECK_INT(find("GET", path), ROUTER_FOUND);
}
