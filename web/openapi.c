/* The document, route by route: what follows from a row of the table, then what the row says of itself. */
#include "web/openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openapi_parts.h"

enum { OPENAPI_STATUSES_MAX = 32, OPENAPI_WORD_MAX = 64, OPENAPI_REF_MAX = 128 };

static const char openapi_json[] = "application/json", openapi_problem[] = "application/problem+json";

struct openapi {
	struct json_writer writer;
	const struct json *schemas;
};

/* One entry of a list "word:rest,word:rest"; both parts cut off at the end of the entry. */
struct openapi_entry {
	char word[OPENAPI_WORD_MAX], rest[OPENAPI_WORD_MAX];
};

/* The next entry of a row's list; false at its end. */
static bool entry_next(const char **list, struct openapi_entry *out)
{
	if (!*list || !**list)
		return false;
	size_t bytes = strcspn(*list, ","), word = strcspn(*list, ":,");
	wn_assert(word > 0 && word < sizeof out->word);
	wn_assert(bytes - word < sizeof out->rest);
	memcpy(out->word, *list, word);
	out->word[word] = '\0';
	size_t rest = bytes > word ? bytes - word - 1 : 0;
	memcpy(out->rest, *list + bytes - rest, rest);
	out->rest[rest] = '\0';
	*list += bytes + ((*list)[bytes] == ',');
	return true;
}

static void ref_put(struct openapi *doc, const char *name, const char *kind, const char *target)
{
	char ref[OPENAPI_REF_MAX];
	int bytes = snprintf(ref, sizeof ref, "#/components/%s/%s", kind, target);
	wn_assert(bytes > 0 && (size_t)bytes < sizeof ref);
	json_open_object(&doc->writer, name);
	json_put_string(&doc->writer, "$ref", ref);
	json_close_object(&doc->writer);
}

static void schema_put(struct openapi *doc, const char *schema)
{
	wn_assert(json_get(doc->schemas, schema) != NULL);
	ref_put(doc, "schema", "schemas", schema);
}

/* ---- parameters ---- */

/* What stands in braces, by its name. */
static const char *param_schema(const char *name, const char *pattern)
{
	static const struct {
		const char *name, *schema;
	} schemas[] = {
		{"did", "Did"},
		{"id", "HashInput"},
		{"item", "HashInput"},
		{"sha256", "HashInput"},
		{"round", "RoundNumber"},
		{"version", "VersionOrLatest"},
		{"name", "Name"},
		{"rest", "FilePath"},
	};
	if (strncmp(pattern, "/page/", 6) == 0)
		return "FilePath";
	for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
		if (strcmp(schemas[i].name, name) == 0)
			return schemas[i].schema;
	return "FilePath";
}

static void param_put(struct openapi *doc, const char *name, const char *in, bool required, const char *schema)
{
	json_open_object(&doc->writer, NULL);
	json_put_string(&doc->writer, "name", name);
	json_put_string(&doc->writer, "in", in);
	json_put_bool(&doc->writer, "required", required);
	schema_put(doc, schema);
	json_close_object(&doc->writer);
}

static bool route_signed(const struct route *route)
{
	return route->access == ROUTE_SIGNED || route->access == ROUTE_ACCOUNT;
}

static bool route_changes(const struct route *route)
{
	return strcmp(route->method, "GET") != 0;
}

static void params_put(struct openapi *doc, const struct route *route)
{
	const char *at = route->pattern, *list = route->query;
	struct openapi_entry entry;
	json_open_array(&doc->writer, "parameters");
	while ((at = strchr(at, '{')) != NULL) {
		char name[OPENAPI_WORD_MAX];
		size_t bytes = strcspn(at + 1, "*}");
		wn_assert(bytes > 0 && bytes < sizeof name);
		memcpy(name, at + 1, bytes);
		name[bytes] = '\0';
		param_put(doc, name, "path", true, param_schema(name, route->pattern));
		at += bytes;
	}
	while (entry_next(&list, &entry))
		param_put(doc, entry.word, "query", false, entry.rest);
	if (route_signed(route) && route->body_max > 0)
		ref_put(doc, NULL, "parameters", "ContentDigest");
	if (route_signed(route))
		ref_put(doc, NULL, "parameters", "WinnowCheckpoint");
	if (route->idempotent)
		ref_put(doc, NULL, "parameters", "IdempotencyKey");
	else if (route_signed(route) && route_changes(route))
		ref_put(doc, NULL, "parameters", "IdempotencyKeyOptional");
	json_close_array(&doc->writer);
}

/* ---- body and answers ---- */

static void content_put(struct openapi *doc, const char *type, const char *schema)
{
	json_open_object(&doc->writer, type);
	if (schema)
		schema_put(doc, schema);
	else {
		json_open_object(&doc->writer, "schema");
		json_put_string(&doc->writer, "type", "string");
		json_close_object(&doc->writer);
	}
	json_close_object(&doc->writer);
}

static void body_put(struct openapi *doc, const struct route *route)
{
	const char *list = route->takes;
	struct openapi_entry entry;
	wn_assert((route->body_max > 0) == (route->takes != NULL));
	if (!route->takes)
		return;
	json_open_object(&doc->writer, "requestBody");
	json_put_bool(&doc->writer, "required", true);
	json_open_object(&doc->writer, "content");
	while (entry_next(&list, &entry))
		if (strchr(entry.word, '/'))
			content_put(doc, entry.word, entry.rest[0] ? entry.rest : NULL);
		else
			content_put(doc, openapi_json, entry.word);
	json_close_object(&doc->writer);
	json_close_object(&doc->writer);
}

struct openapi_statuses {
	int list[OPENAPI_STATUSES_MAX];
	size_t count;
};

static void status_add(struct openapi_statuses *statuses, int status)
{
	for (size_t i = 0; i < statuses->count; i++)
		if (statuses->list[i] == status)
			return;
	wn_assert(status >= 200 && status < 600);
	wn_assert(statuses->count < OPENAPI_STATUSES_MAX);
	statuses->list[statuses->count++] = status;
}

static int status_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Every route may refuse with these, and where in the server it does. */
static void statuses_of(const struct route *route, struct openapi_statuses *statuses)
{
	const char *list = route->gives;
	struct openapi_entry entry;
	wn_assert(route->gives != NULL);
	while (entry_next(&list, &entry))
		status_add(statuses, atoi(entry.word));
	list = route->refuses;
	while (entry_next(&list, &entry))
		status_add(statuses, atoi(entry.word));
	/* wire.c: framing, paths, bodies, heads, and a queue that is full. */
	status_add(statuses, 400);
	status_add(statuses, 413);
	status_add(statuses, 431);
	status_add(statuses, 503);
	/* auth.c: a signature that is there must hold, where none is asked for too. */
	if (route->needs == ROUTE_DATABASE) {
		status_add(statuses, 401);
		status_add(statuses, 500);
	}
	if (route->access == ROUTE_ACCOUNT || route->access == ROUTE_OPERATOR)
		status_add(statuses, 403);
	if (strchr(route->pattern, '{'))
		status_add(statuses, 404);
	if (route->body_max > 0)
		status_add(statuses, 415);
	/* seen_checkpoint.c */
	if (route_signed(route))
		status_add(statuses, 409);
	/* idempotency.c, and what the database finds to be in conflict. */
	if (route_signed(route) && route_changes(route)) {
		status_add(statuses, 409);
		status_add(statuses, 422);
	}
	qsort(statuses->list, statuses->count, sizeof *statuses->list, status_compare);
}

/* The media types and schemas that the row itself gives for a status; how many they are. */
static size_t gives_put(struct openapi *doc, const struct route *route, int status)
{
	const char *list = route->gives;
	struct openapi_entry entry;
	size_t count = 0;
	while (entry_next(&list, &entry)) {
		if (atoi(entry.word) != status || !entry.rest[0])
			continue;
		if (count++ == 0)
			json_open_object(&doc->writer, "content");
		if (strchr(entry.rest, '/'))
			content_put(doc, entry.rest, NULL);
		else
			content_put(doc, openapi_json, entry.rest);
	}
	return count;
}

static const char *status_text(int status)
{
	switch (status) {
	case 200:
		return "Done.";
	case 201:
		return "It is new.";
	case 202:
		return "It is wanted; others make it.";
	case 206:
		return "The part that was asked for.";
	case 304:
		return "The client has it already.";
	default:
		return "The node cannot serve at the moment.";
	}
}

static void answers_put(struct openapi *doc, const struct route *route)
{
	struct openapi_statuses statuses = {.count = 0};
	bool validated = strstr(route->gives, "304") != NULL;
	statuses_of(route, &statuses);
	json_open_object(&doc->writer, "responses");
	for (size_t i = 0; i < statuses.count; i++) {
		int status = statuses.list[i];
		char number[8];
		snprintf(number, sizeof number, "%d", status);
		if (status >= 400 && !strstr(route->gives, number)) {
			ref_put(doc, number, "responses", number);
			continue;
		}
		json_open_object(&doc->writer, number);
		json_put_string(&doc->writer, "description", status_text(status));
		if (validated) {
			json_open_object(&doc->writer, "headers");
			ref_put(doc, "ETag", "headers", "Etag");
			if (status == 206)
				ref_put(doc, "Content-Range", "headers", "ContentRange");
			json_close_object(&doc->writer);
		}
		if (status >= 400) {
			json_open_object(&doc->writer, "headers");
			ref_put(doc, "Retry-After", "headers", "RetryAfter");
			json_close_object(&doc->writer);
		}
		if (gives_put(doc, route, status) > 0) {
			if (status >= 400)
				content_put(doc, openapi_problem, "Problem");
			json_close_object(&doc->writer);
		}
		json_close_object(&doc->writer);
	}
	json_close_object(&doc->writer);
}

/* ---- who may ---- */

static const char *role_name(int32_t role)
{
	switch (role) {
	case ACCOUNT_CONTRIBUTOR:
		return "contributor";
	case ACCOUNT_VALIDATOR:
		return "validator";
	case ACCOUNT_LAB:
		return "lab";
	case ACCOUNT_OPERATOR:
		return "operator";
	default:
		wn_assert(role == ACCOUNT_CURATOR);
		return "curator";
	}
}

static void signature_put(struct openapi *doc, const char *role)
{
	json_open_object(&doc->writer, NULL);
	json_open_array(&doc->writer, "signature");
	if (role)
		json_put_string(&doc->writer, NULL, role);
	json_close_array(&doc->writer);
	json_close_object(&doc->writer);
}

/* Alternatives: one requirement a role. */
static void security_put(struct openapi *doc, const struct route *route)
{
	json_open_array(&doc->writer, "security");
	if (route->access == ROUTE_OPEN && route->needs == ROUTE_DATABASE) {
		json_open_object(&doc->writer, NULL);
		json_close_object(&doc->writer);
		signature_put(doc, NULL);
	}
	if (route_signed(route) && route->roles == 0)
		signature_put(doc, NULL);
	for (int32_t role = ACCOUNT_CONTRIBUTOR; role <= ACCOUNT_CURATOR; role *= 2)
		if (route->roles & role)
			signature_put(doc, role_name(role));
	json_close_array(&doc->writer);
}

/* ---- operations ---- */

/* "get_v1_items_id": method and path with everything between words as one underline. */
static void operation_id_put(struct openapi *doc, const struct route *route)
{
	char id[OPENAPI_REF_MAX];
	size_t count = 0;
	for (const char *at = route->method; *at; at++)
		id[count++] = (char)(*at | 0x20);
	for (const char *at = route->pattern; *at && count + 2 < sizeof id; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
		if (letter)
			id[count++] = *at;
		else if (id[count - 1] != '_')
			id[count++] = '_';
	}
	while (count > 0 && id[count - 1] == '_')
		count--;
	id[count] = '\0';
	json_put_string(&doc->writer, "operationId", id);
}

/* Routes are grouped by the first word of their path behind the version. */
static void tag_put(struct openapi *doc, const struct route *route)
{
	char tag[OPENAPI_WORD_MAX] = "node";
	const char *at = route->pattern + 1;
	if (strncmp(at, "v1/", 3) == 0 || strncmp(at, "operator/", 9) == 0) {
		at = at[0] == 'v' ? at + 3 : route->pattern + 1;
		size_t bytes = strcspn(at, "/");
		wn_assert(bytes < sizeof tag);
		memcpy(tag, at, bytes);
		tag[bytes] = '\0';
	}
	json_open_array(&doc->writer, "tags");
	json_put_string(&doc->writer, NULL, tag);
	json_close_array(&doc->writer);
}

static void operation_put(struct openapi *doc, const struct route *route)
{
	static const char *const access[] = {
		[ROUTE_OPEN] = "open",
		[ROUTE_SIGNED] = "signed",
		[ROUTE_ACCOUNT] = "account",
		[ROUTE_OPERATOR] = "operator",
	};
	char method[8] = "";
	for (size_t i = 0; route->method[i]; i++) {
		wn_assert(i < sizeof method - 1);
		method[i] = (char)(route->method[i] | 0x20);
	}
	json_open_object(&doc->writer, method);
	operation_id_put(doc, route);
	wn_assert(route->summary != NULL);
	json_put_string(&doc->writer, "summary", route->summary);
	tag_put(doc, route);
	json_put_string(&doc->writer, "x-winnow-access", access[route->access]);
	json_put_integer(&doc->writer, "x-winnow-body-max", (int64_t)route->body_max);
	if (route->access == ROUTE_OPERATOR)
		json_put_bool(&doc->writer, "x-winnow-socket", true);
	if (strstr(route->pattern, "*}"))
		json_put_bool(&doc->writer, "x-winnow-segments", true);
	security_put(doc, route);
	params_put(doc, route);
	body_put(doc, route);
	answers_put(doc, route);
	json_close_object(&doc->writer);
}

/* OpenAPI has no parameter of several segments: {rest*} is written as {rest} and marked. */
static void path_put(struct openapi *doc, const struct router *router, size_t first)
{
	const char *pattern = router->routes[first]->pattern;
	char path[OPENAPI_REF_MAX];
	size_t count = 0;
	for (const char *at = pattern; *at; at++) {
		wn_assert(count + 1 < sizeof path);
		if (*at != '*')
			path[count++] = *at;
	}
	path[count] = '\0';
	json_open_object(&doc->writer, path);
	for (size_t i = first; i < router->count; i++)
		if (router->routes[i]->gives && strcmp(router->routes[i]->pattern, pattern) == 0)
			operation_put(doc, router->routes[i]);
	json_close_object(&doc->writer);
}

static void paths_put(struct openapi *doc, const struct router *router)
{
	json_open_object(&doc->writer, "paths");
	for (size_t i = 0; i < router->count; i++) {
		size_t earlier = 0;
		if (!router->routes[i]->gives)
			continue;
		while (!router->routes[earlier]->gives ||
			strcmp(router->routes[earlier]->pattern, router->routes[i]->pattern) != 0)
			earlier++;
		if (earlier == i)
			path_put(doc, router, i);
	}
	json_close_object(&doc->writer);
}

static void head_put(struct openapi *doc)
{
	json_put_string(&doc->writer, "openapi", "3.1.0");
	json_open_object(&doc->writer, "info");
	json_put_string(&doc->writer, "title", "winnow");
	json_put_string(&doc->writer, "version", WINNOW_VERSION);
	json_put_string(&doc->writer, "summary", "Collects and judges data in the open, and pays for it.");
	json_put_string(&doc->writer, "description",
		"Integers have at most 53 bits, amounts are decimal text. GET answers HEAD too. A method that a path "
		"does "
		"not have is answered 405 with Allow, an unknown path 404, both as problem documents. Lists give "
		"`next` "
		"where more follows; it is the cursor of the next request.");
	json_open_object(&doc->writer, "license");
	json_put_string(&doc->writer, "name", "Apache-2.0");
	json_put_string(&doc->writer, "identifier", "Apache-2.0");
	json_close_object(&doc->writer);
	json_close_object(&doc->writer);
	json_open_array(&doc->writer, "servers");
	json_open_object(&doc->writer, NULL);
	json_put_string(&doc->writer, "url", "/");
	json_close_object(&doc->writer);
	json_close_array(&doc->writer);
}

bool openapi_write(struct wn_arena *arena, const struct router *router, struct wn_slice *out, struct wn_error *err)
{
	struct openapi doc;
	const struct json *components;
	struct wn_slice text = {(const char *)openapi_parts[0].bytes, openapi_parts[0].count}, canonical;
	if (!json_parse(arena, text.data, text.bytes, &components, err) ||
		!jcs_write(arena, components, &canonical, err))
		return wn_while(err, "read the schemas of openapi.json");
	doc.schemas = json_get(components, "schemas");
	json_begin(&doc.writer, arena);
	json_open_object(&doc.writer, NULL);
	head_put(&doc);
	paths_put(&doc, router);
	json_put_raw(&doc.writer, "components", canonical);
	json_close_object(&doc.writer);
	return json_end(&doc.writer, out, err);
}
