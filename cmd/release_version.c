/* Asks for a dataset's next version over the operator's socket and looks at it until it is there. */
#include "cmd/release_version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "dataset/recipe.h"

enum { RELEASE_POLL_MS = 100, RELEASE_LIST_ROOM = 4096, RELEASE_LOOK_ARENA = 16 * 1024 * 1024 };

static bool release_list(struct json_writer *writer, const char *name, const char *words, struct wn_error *err)
{
	char copy[RELEASE_LIST_ROOM], *rest = copy, *word;
	if (!words || !*words)
		return true;
	if (snprintf(copy, sizeof copy, "%s", words) >= (int)sizeof copy)
		return wn_fail(err, WN_INPUT, "release_list", "the list of %s is too long", name);
	json_open_array(writer, name);
	while ((word = strsep(&rest, ",")) != NULL)
		json_put_string(writer, NULL, word);
	json_close_array(writer);
	return true;
}

/* Names and sum are the node's to check. */
static bool release_splits(struct json_writer *writer, const char *splits, struct wn_error *err)
{
	char copy[RELEASE_LIST_ROOM], *rest = copy, *word;
	if (!splits || !*splits)
		return true;
	bool good = snprintf(copy, sizeof copy, "%s", splits) < (int)sizeof copy;
	json_open_array(writer, "splits");
	while (good && (word = strsep(&rest, ",")) != NULL) {
		char *equals = strchr(word, '='), end;
		int64_t ppm = 0;
		good = equals && sscanf(equals + 1, "%" SCNd64 "%c", &ppm, &end) == 1;
		if (!good)
			break;
		*equals = '\0';
		json_open_object(writer, NULL);
		json_put_string(writer, "name", word);
		json_put_integer(writer, "ppm", ppm);
		json_close_object(writer);
	}
	json_close_array(writer);
	return good || wn_fail(err, WN_INPUT, "recipe_splits",
			       "splits are written train=900000,test=100000: millionths that add up to 1000000");
}

static bool release_ask(struct fetch *door, struct wn_arena *arena, const struct release_wish *wish, int64_t *version,
	struct wn_error *err)
{
	struct fetch_request request = {
		.method = "POST", .target = "/operator/releases", .content_type = "application/json"};
	struct json_writer writer;
	const struct json *answer;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_open_object(&writer, "dataset");
	json_put_string(&writer, "name", wish->name);
	json_put_string(&writer, "campaign", wish->campaign);
	json_put_integer(&writer, "p_good_least", wish->p_good_least);
	if (!release_list(&writer, "choices", wish->choices, err) ||
		!release_list(&writer, "licences", wish->licences, err) || !release_splits(&writer, wish->splits, err))
		return false;
	json_close_object(&writer);
	json_close_object(&writer);
	if (!json_end(&writer, &request.body, err) || !fetch_json(door, arena, &request, &answer, err))
		return false;
	return json_integer(json_get(answer, "version"), version) ||
	       wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks a version");
}

static bool release_look(
	struct fetch *door, struct wn_arena *arena, const char *target, const struct json **out, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = target};
	return fetch_json(door, arena, &request, out, err);
}

static bool release_read(const struct json *answer, struct release_answer *out, struct wn_error *err)
{
	const char *root = json_member_string(answer, "row_root", ""),
		   *key = json_member_string(answer, "public_key", "");
	if (!json_integer(json_get(answer, "version"), &out->version) ||
		!json_integer(json_get(answer, "row_count"), &out->row_count) || !root ||
		strlen(root) >= sizeof out->row_root || !key || strlen(key) >= sizeof out->public_key)
		return wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks rows, root or key");
	strcpy(out->row_root, root);
	strcpy(out->public_key, key);
	return true;
}

/* One look; *ended when there is nothing more to wait for. */
static bool release_step(struct fetch *door, struct wn_arena *look, const struct release_wish *wish, int64_t version,
	int64_t waited_ms, struct release_answer *out, bool *ended, struct wn_error *err)
{
	const struct json *answer;
	char target[2 * RECIPE_NAME_MAX];
	snprintf(target, sizeof target, "/v1/datasets/%s/%" PRId64, wish->name, version);
	if (!release_look(door, look, target, &answer, err))
		return false;
	const char *state = json_member_string(answer, "state", "?");
	*ended = !state || strcmp(state, "wanted") != 0;
	if (wish->progress)
		wish->progress(*ended ? state : "waiting for a checkpoint and the rows", waited_ms, *ended);
	if (!*ended)
		return true;
	if (state && strcmp(state, "published") == 0)
		return release_read(answer, out, err);
	if (state && strcmp(state, "unchanged") == 0) {
		out->unchanged = true;
		snprintf(target, sizeof target, "/v1/datasets/%s/latest", wish->name);
		return release_look(door, look, target, &answer, err) && release_read(answer, out, err);
	}
	return wn_fail(err, WN_INPUT, "release_failed", "version %" PRId64 " of %s: %s", version, wish->name,
		json_member_string(answer, "failure", "it failed"));
}

bool release_version(struct fetch *operator_door, struct wn_arena *arena, const struct release_wish *wish,
	struct release_answer *out, struct wn_error *err)
{
	int64_t version, started_ms = clock_monotonic_ms(), wait_ms = wish->wait_ms ? wish->wait_ms : RELEASE_WAIT_MS;
	struct wn_arena look;
	size_t bytes = strlen(wish->name);
	bool ended = false, ok = true;
	memset(out, 0, sizeof *out);
	if (bytes == 0 || bytes > RECIPE_NAME_MAX ||
		strspn(wish->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
		return wn_fail(
			err, WN_INPUT, "recipe_name", "a dataset's name is 1 to %d of a-z, 0-9 and -", RECIPE_NAME_MAX);
	if (!release_ask(operator_door, arena, wish, &version, err))
		return wn_while(err, "ask for a version of %s", wish->name);
	wn_arena_init(&look, RELEASE_LOOK_ARENA);
	while (ok && !ended) {
		int64_t waited_ms = clock_monotonic_ms() - started_ms;
		wn_arena_reset(&look);
		ok = release_step(operator_door, &look, wish, version, waited_ms, out, &ended, err);
		if (ok && !ended && waited_ms > wait_ms)
			ok = wn_fail(err, WN_DOWN, "release_waits",
				"version %" PRId64 " of %s is still being made; the role seal makes it (winnow status)",
				version, wish->name);
		if (ok && !ended)
			usleep(RELEASE_POLL_MS * 1000);
	}
	wn_arena_free(&look);
	return ok;
}
