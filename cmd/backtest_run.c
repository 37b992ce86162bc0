/* A recorded campaign from genesis to final verdicts: every step is a request that anybody could send. */
#include "cmd/backtest_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/states.h"

enum {
	BACKTEST_ARENA = 64 * 1024 * 1024,
	BACKTEST_KEEP = 1 << 30,
	BACKTEST_LINES_MAX = 500,
	BACKTEST_POLL_MS = 10,
	BACKTEST_PAGE = 1000
};

#define BACKTEST_TIME_MS 1767225600000LL     /* 2026-01-01: the same every time */
#define BACKTEST_STAKE_UNITS 1000000000000LL /* 1,000 WIN a worker: bonds of several hundred seats at once */
#define BACKTEST_SEAT_PAY "100000000"	     /* 0.1 WIN a vote where the campaign declares no budget */
#define BACKTEST_PHASE_MS 600000LL	     /* commit and reveal, where the campaign does not say */
#define BACKTEST_CARRY_EPOCHS 25	     /* carried scores settle after 24 */

static void nap(void)
{
	nanosleep(&(struct timespec){0, BACKTEST_POLL_MS * 1000000L}, NULL);
}

static void tell(struct backtest *run, const char *doing, int64_t done, int64_t all)
{
	if (run->progress)
		run->progress(run->progress_context, doing, done, all);
}

static bool answer_lacks(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks %s", what);
}

static bool hex_member(const struct json *object, const char *name, void *out)
{
	const char *hex = json_member_string(object, name, NULL);
	return hex && hex_read(out, ID_BYTES, hex, strlen(hex));
}

static bool get(struct backtest *run, const char *target, const struct json **out, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = target};
	return fetch_json(run->node.api, &run->arena, &request, out, err);
}

/* ---- keys and genesis ------------------------------------------------------------------------------------------- */

static void seeded(uint64_t seed, const char *what, const char *name, uint8_t out[32])
{
	struct sha256 hash, hashed_what, hashed_name;
	struct hash_layout layout = {0};
	sha256_of(what, strlen(what), &hashed_what);
	sha256_of(name, strlen(name), &hashed_name);
	hash_tag(&layout, "winnow/backtest/v1");
	hash_u64(&layout, seed);
	hash_field(&layout, hashed_what.bytes, ID_BYTES);
	hash_field(&layout, hashed_name.bytes, ID_BYTES);
	hash_done(&layout, &hash);
	memcpy(out, hash.bytes, 32);
}

static void key_make(uint64_t seed, const char *kind, const char *name, struct key_file *out)
{
	char vote[32];
	uint8_t signing[SIGN_SEED_BYTES];
	seeded(seed, kind, name, signing);
	snprintf(vote, sizeof vote, "%s/vote", kind);
	seeded(seed, vote, name, out->vote_seed);
	sign_from_seed(&out->key, signing);
}

static bool keys_make(struct backtest *run, struct wn_error *err)
{
	const struct recording *recording = run->recording;
	run->worker_keys = wn_arena_array(&run->keep, recording->worker_count, sizeof *run->worker_keys);
	run->workers = wn_arena_array(&run->keep, recording->worker_count, sizeof *run->workers);
	if (!run->worker_keys || !run->workers)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu workers", recording->worker_count);
	for (size_t i = 0; i < recording->worker_count; i++) {
		key_make(run->seed, "worker", recording->workers[i], &run->worker_keys[i]);
		run->workers[i] = (struct vote_client){.view = &run->view, .keys = &run->worker_keys[i]};
	}
	for (int i = 0; i < 2; i++) {
		key_make(run->seed, "contributor", i ? "second" : "first", &run->contributor_keys[i]);
		run->contributors[i] = (struct vote_client){.view = &run->view, .keys = &run->contributor_keys[i]};
	}
	return true;
}

static bool genesis_text(struct backtest *run, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer writer;
	uint8_t seed[32];
	seeded(run->seed, "network", "", seed);
	json_begin(&writer, &run->keep);
	json_open_object(&writer, NULL);
	json_put_integer(&writer, "time_ms", BACKTEST_TIME_MS);
	json_put_hex(&writer, "seed", seed, sizeof seed);
	policy_write(&writer, "policy", &run->policy);
	json_open_array(&writer, "grants");
	for (size_t i = 0; i < run->recording->worker_count; i++) {
		char did[DID_ROOM];
		did_write(did, &run->worker_keys[i].key.public_key);
		json_open_object(&writer, NULL);
		json_put_string(&writer, "account", did);
		json_put_amount(&writer, "amount", BACKTEST_STAKE_UNITS);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	json_close_object(&writer);
	return json_end(&writer, out, err);
}

/* ---- campaign and accounts -------------------------------------------------------------------------------------- */

/* The object's members as they are, but for those in `without`. */
static bool members_copy(struct wn_arena *arena, struct json_writer *writer, const struct json *object,
	const char *const without[], struct wn_error *err)
{
	for (size_t i = 0; object && i < object->count; i++) {
		struct wn_slice value;
		bool left_out = false;
		char name[64];
		snprintf(name, sizeof name, "%.*s", (int)object->names[i].bytes, object->names[i].data);
		for (int w = 0; without[w] && !left_out; w++)
			left_out = strcmp(name, without[w]) == 0;
		if (left_out)
			continue;
		if (!jcs_write(arena, object->elements[i], &value, err))
			return false;
		json_put_raw(writer, name, value);
	}
	return true;
}

/*
 * The recorded document with what a backtest decides: audits by unused recorded votes, no probation, phases that fit
 * into an epoch, and a declared budget where there is none, so that payouts can be compared.
 */
static bool campaign_text(struct backtest *run, struct wn_slice *out, struct wn_error *err)
{
	static const char *const without[] = {"panel", "probation", NULL};
	static const char *const panel_without[] = {"audit", "audit_seats", NULL};
	const struct json *document = run->recording->document, *panel = json_get(document, "panel");
	struct json_writer writer;
	json_begin(&writer, &run->arena);
	json_open_object(&writer, NULL);
	if (!members_copy(&run->arena, &writer, document, without, err))
		return false;
	json_put_bool(&writer, "probation", false);
	json_open_object(&writer, "panel");
	if (!members_copy(&run->arena, &writer, panel, panel_without, err))
		return false;
	if (!panel || !json_get(panel, "mode"))
		json_put_string(&writer, "mode", "open");
	if (!panel || !json_get(panel, "pick"))
		json_put_bool(&writer, "pick", true);
	if (!panel || !json_get(panel, "commit_ms"))
		json_put_integer(&writer, "commit_ms", BACKTEST_PHASE_MS);
	if (!panel || !json_get(panel, "reveal_ms"))
		json_put_integer(&writer, "reveal_ms", BACKTEST_PHASE_MS);
	json_put_string(&writer, "audit", "open");
	json_put_integer(&writer, "audit_seats", BACKTEST_AUDIT_SEATS);
	json_close_object(&writer);
	if (!json_get(document, "budget")) {
		json_open_object(&writer, "budget");
		json_put_string(&writer, "seat_pay", BACKTEST_SEAT_PAY);
		json_close_object(&writer);
	}
	json_close_object(&writer);
	return json_end(&writer, out, err);
}

static bool campaign_open(struct backtest *run, struct wn_error *err)
{
	const struct json *answer;
	struct fetch_request request = {
		.method = "POST", .target = "/operator/campaigns", .content_type = "application/json"};
	return (campaign_text(run, &request.body, err) &&
		       fetch_json(run->node.operator, & run->arena, &request, &answer, err)) ||
	       wn_while(err, "open the campaign");
}

static bool worker_join(struct backtest *run, size_t worker, struct wn_error *err)
{
	static const char *const roles[] = {"validator", NULL};
	const struct json *answer;
	struct wn_slice body;
	struct json_writer writer;
	json_begin(&writer, &run->arena);
	json_open_object(&writer, NULL);
	json_put_amount(&writer, "amount", BACKTEST_STAKE_UNITS);
	json_close_object(&writer);
	return vote_client_register(&run->workers[worker], &run->arena, roles, false, NULL, err) &&
	       json_end(&writer, &body, err) &&
	       vote_client_send(
		       &run->workers[worker], &run->arena, "POST", "/v1/stakes", body, "backtest", &answer, err);
}

static bool accounts_join(struct backtest *run, struct wn_error *err)
{
	static const char *const roles[] = {"contributor", NULL};
	for (int i = 0; i < 2; i++) {
		/* Pseudonyms in the dataset follow from the seed too. */
		struct salt salt;
		seeded(run->seed, "account", i ? "second" : "first", salt.bytes);
		if (!vote_client_register(&run->contributors[i], &run->arena, roles, false, &salt, err))
			return false;
	}
	for (size_t i = 0; i < run->recording->worker_count; i++) {
		wn_arena_reset(&run->arena);
		tell(run, "register validators", (int64_t)i, (int64_t)run->recording->worker_count);
		if (!backtest_node_alive(&run->node, err) || !worker_join(run, i, err))
			return wn_while(err, "register worker %s", run->recording->workers[i]);
	}
	return true;
}

static void clients_set_time(struct backtest *run, int64_t now_ms)
{
	run->now_ms = now_ms;
	for (size_t i = 0; i < run->recording->worker_count; i++)
		run->workers[i].now_ms = now_ms;
	for (int i = 0; i < 2; i++)
		run->contributors[i].now_ms = now_ms;
}

static bool advance(struct backtest *run, int64_t ms, struct wn_error *err)
{
	int64_t now_ms;
	if (!backtest_node_set_clock(&run->node, &run->arena, run->now_ms + ms, &now_ms, err))
		return false;
	clients_set_time(run, now_ms);
	return true;
}

bool backtest_open(struct backtest *run, const struct recording *recording, const struct policy *policy, uint64_t seed,
	struct wn_error *err)
{
	struct wn_slice genesis;
	run->recording = recording;
	run->seed = seed;
	run->policy = *policy;
	wn_arena_init(&run->arena, BACKTEST_ARENA);
	wn_arena_init(&run->keep, BACKTEST_KEEP);
	run->rounds = closed_rounds_open();
	tell(run, "start a node", 0, 1);
	if (!run->rounds)
		return wn_fail(err, WN_FULL, "memory", "no room for rounds");
	if (!keys_make(run, err) || !genesis_text(run, &genesis, err) || !backtest_node_start(&run->node, genesis, err))
		return false;
	for (size_t i = 0; i < recording->worker_count; i++)
		run->workers[i].fetch = run->node.api;
	for (int i = 0; i < 2; i++)
		run->contributors[i].fetch = run->node.api;
	if (!node_view_read(run->node.api, &run->arena, &run->view, err))
		return false;
	clients_set_time(run, run->view.now_ms);
	return campaign_open(run, err) && accounts_join(run, err);
}

void backtest_close(struct backtest *run, bool keep_folder)
{
	backtest_node_stop(&run->node, keep_folder);
	closed_rounds_close(run->rounds);
	wn_arena_free(&run->arena);
	wn_arena_free(&run->keep);
}

/* ---- submission ---------------------------------------------------------------------------------------------------
 */

static bool line_write(struct backtest *run, struct wn_text *lines, size_t number, struct wn_slice text,
	const char *source_id, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice line;
	char name[32];
	uint8_t salt[32];
	snprintf(name, sizeof name, "%zu", number);
	seeded(run->seed, "item", name, salt);
	json_begin(&writer, &run->arena);
	json_open_object(&writer, NULL);
	json_put_slice(&writer, "content", text);
	json_put_string(&writer, "source_id", source_id);
	json_put_hex(&writer, "salt", salt, sizeof salt);
	json_close_object(&writer);
	if (!json_end(&writer, &line, err))
		return false;
	wn_text_add(lines, line.data, line.bytes);
	wn_text_add_string(lines, "\n");
	return true;
}

/* Sends items first .. first + count - 1; all of them must be taken. */
static bool batch_send(
	struct backtest *run, int contributor, struct wn_slice lines, size_t first, size_t count, struct wn_error *err)
{
	const struct json *answer;
	char target[CAMPAIGN_NAME_MAX + 32];
	snprintf(target, sizeof target, "/v1/campaigns/%s/items", run->recording->campaign.name);
	struct fetch_request request = {
		.method = "POST",
		.target = target,
		.content_type = "application/x-ndjson",
		.body = lines,
		.key = &run->contributor_keys[contributor].key,
		.tag = run->view.tag,
		.now_ms = run->now_ms,
	};
	if (!fetch_json(run->node.api, &run->arena, &request, &answer, err))
		return false;
	const struct json *results = json_get(answer, "lines");
	if (!results || results->type != JSON_ARRAY || results->count != count)
		return answer_lacks(err, "lines");
	for (size_t i = 0; i < count; i++)
		if (!hex_member(results->elements[i], "item_id", run->items[first + i].id.bytes))
			return wn_fail(err, WN_INPUT, "backtest_refused", "item %zu is refused: %s, %s", first + i + 1,
				json_member_string(results->elements[i], "code", "?"),
				json_member_string(results->elements[i], "detail", ""));
	return true;
}

static bool items_send(struct backtest *run, int contributor, size_t first, size_t count, struct wn_error *err)
{
	for (size_t done = 0; done < count;) {
		struct wn_text lines;
		size_t some = 0;
		wn_arena_reset(&run->arena);
		wn_text_init(&lines, &run->arena);
		for (; some < BACKTEST_LINES_MAX && done + some < count && lines.bytes < 512 * 1024; some++) {
			size_t number = first + done + some;
			const struct plant *plant = contributor ? &run->plants[done + some] : NULL;
			const struct recording_post *post = &run->recording->posts[plant ? plant->post : number];
			char source_id[512];
			snprintf(source_id, sizeof source_id, "%s%.200s",
				!plant		? ""
				: plant->edited ? "edited/"
						: "copy/",
				post->id);
			if (!line_write(run, &lines, number, plant ? plant->text : post->text, source_id, err))
				return false;
		}
		if (lines.full)
			return wn_fail(err, WN_FULL, "memory", "no room for a batch of posts");
		if (!backtest_node_alive(&run->node, err) ||
			!batch_send(
				run, contributor, (struct wn_slice){lines.data, lines.bytes}, first + done, some, err))
			return wn_while(err, "submit posts");
		done += some;
		tell(run, "submit posts", (int64_t)(first + done), (int64_t)run->item_count);
	}
	return true;
}

/* What is on its way, of /v1/status. */
struct counts {
	int64_t received, embedded, judging, provisional, settled, commit, reveal, epoch, epoch_opened_ms, oldest;
	int64_t unsequenced; /* read behind the others */
};

static bool count_member(const struct json *answer, const char *group, const char *name, int64_t *out)
{
	return json_integer(json_get(json_get(answer, group), name), out);
}

static bool counts_read(struct backtest *run, struct counts *out, struct wn_error *err)
{
	const struct json *answer;
	if (!backtest_node_alive(&run->node, err) || !get(run, "/v1/status", &answer, err))
		return false;
	bool whole = count_member(answer, "items", "received", &out->received) &&
		     count_member(answer, "items", "embedded", &out->embedded) &&
		     count_member(answer, "items", "judging", &out->judging) &&
		     count_member(answer, "items", "provisional", &out->provisional) &&
		     count_member(answer, "items", "settled", &out->settled) &&
		     count_member(answer, "rounds", "commit", &out->commit) &&
		     count_member(answer, "rounds", "reveal", &out->reveal) &&
		     count_member(answer, "epoch", "epoch", &out->epoch) &&
		     count_member(answer, "epoch", "opened_ms", &out->epoch_opened_ms) &&
		     count_member(answer, "epoch", "oldest_open", &out->oldest) &&
		     count_member(answer, "journal", "unsequenced", &out->unsequenced);
	return whole || answer_lacks(err, "counts of items, rounds and epochs");
}

/* Polls the counts until `done` says so. */
static bool wait_for(struct backtest *run, const char *what, bool (*done)(const struct counts *counts, int64_t wanted),
	int64_t wanted, struct counts *out, struct wn_error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + BACKTEST_WAIT_MS;
	for (;;) {
		wn_arena_reset(&run->arena);
		if (!counts_read(run, out, err))
			return wn_while(err, "wait for %s", what);
		if (done(out, wanted))
			return true;
		if (clock_monotonic_ms() > deadline_ms)
			return wn_fail(err, WN_DOWN, "backtest_stuck",
				"waited %d s for %s: items %" PRId64 " received, %" PRId64 " embedded, %" PRId64
				" judging, %" PRId64 " provisional, %" PRId64 " settled; rounds %" PRId64
				" commit, %" PRId64 " reveal; epoch %" PRId64 ", oldest open %" PRId64,
				BACKTEST_WAIT_MS / 1000, what, out->received, out->embedded, out->judging,
				out->provisional, out->settled, out->commit, out->reveal, out->epoch, out->oldest);
		nap();
	}
}

static bool all_checked(const struct counts *counts, int64_t wanted)
{
	return counts->received + counts->embedded == wanted;
}

static bool none_reveals(const struct counts *counts, int64_t wanted)
{
	return counts->reveal == wanted;
}

static bool epoch_is_after(const struct counts *counts, int64_t wanted)
{
	return counts->epoch > wanted;
}

static bool epoch_is_closed(const struct counts *counts, int64_t wanted)
{
	return counts->oldest > wanted;
}

/* Items become final before the epochs that passed meanwhile have ended and closed; wanted: when the open one may have
 * begun at the earliest. What the closes did is read from the journal, so all of it must have its number. */
static bool all_over(const struct counts *counts, int64_t wanted)
{
	return counts->settled == 0 && counts->oldest == counts->epoch && counts->epoch_opened_ms > wanted &&
	       counts->unsequenced == 0;
}

/* What the node says of an item: duplicate or not, where it ended. */
static bool item_read(struct backtest *run, struct backtest_item *item, struct wn_error *err)
{
	char target[ID_HEX_ROOM + 16] = "/v1/items/";
	const struct json *answer;
	int64_t class = -2;
	hex_write(target + strlen(target), item->id.bytes, ID_BYTES);
	wn_arena_reset(&run->arena);
	if (!get(run, target, &answer, err))
		return false;
	const char *state = json_member_string(answer, "state", "");
	item->state = "unknown";
	/* The answer goes with the arena, the words stay. */
	for (int i = 0; i < ITEM_STATES; i++)
		if (strcmp(item_state_word((enum item_state)i), state) == 0)
			item->state = item_state_word((enum item_state)i);
	item->duplicate = strcmp(state, "duplicate") == 0;
	if (item->duplicate && !hex_member(json_get(answer, "duplicate"), "origin", item->origin.bytes))
		return answer_lacks(err, "duplicate.origin");
	json_integer(json_get(json_get(answer, "verdict"), "class"), &class);
	item->class = (int32_t) class;
	return true;
}

static bool items_read(struct backtest *run, const char *doing, struct wn_error *err)
{
	for (size_t i = 0; i < run->item_count; i++) {
		if (i % 100 == 0) {
			tell(run, doing, (int64_t)i, (int64_t)run->item_count);
			if (!backtest_node_alive(&run->node, err))
				return false;
		}
		if (!item_read(run, &run->items[i], err))
			return wn_while(err, "read item %zu", i + 1);
	}
	return true;
}

bool backtest_submit(struct backtest *run, struct wn_error *err)
{
	struct counts counts;
	size_t posts = run->recording->post_count;
	run->plants = wn_arena_array(&run->keep, PLANT_VERBATIM + PLANT_EDITED, sizeof *run->plants);
	run->items = wn_arena_array(&run->keep, posts + PLANT_VERBATIM + PLANT_EDITED, sizeof *run->items);
	if (!run->plants || !run->items)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu posts", posts);
	if (!plant_choose(&run->keep, run->recording, run->seed, run->plants, &run->plant_count, err))
		return wn_while(err, "choose posts to repeat");
	run->item_count = posts + run->plant_count;
	for (size_t i = 0; i < run->item_count; i++)
		run->items[i].next_round = 1;
	/* The originals are there before anybody repeats them. */
	return items_send(run, 0, 0, posts, err) &&
	       wait_for(run, "the duplicate check", all_checked, 0, &counts, err) &&
	       items_send(run, 1, posts, run->plant_count, err) &&
	       wait_for(run, "the duplicate check", all_checked, 0, &counts, err) &&
	       items_read(run, "see what repeats what", err);
}

/* ---- votes ----------------------------------------------------------------------------------------------------------
 */

/* One recorded vote on its way: cast now, opened when its round is closed. */
struct cast {
	uint32_t worker, item;
	struct vote_cast vote;
	bool dropped; /* its round was voided */
};

struct wave {
	struct cast *casts;
	size_t count, room;
	struct round_key *unfilled; /* rounds for which the recording has too few votes; room for one a post */
	size_t unfilled_count;
	int64_t unfilled_until_ms; /* when they close by themselves */
};

struct round_view {
	const char *state;
	int64_t seats, taken, commit_until_ms;
	bool found;
};

static bool round_read(
	struct backtest *run, const struct item_id *item, int32_t round, struct round_view *out, struct wn_error *err)
{
	char target[ID_HEX_ROOM + 48] = "/v1/rounds/";
	const struct json *answer;
	size_t bytes = strlen(target);
	hex_write(target + bytes, item->bytes, ID_BYTES);
	bytes = strlen(target);
	snprintf(target + bytes, sizeof target - bytes, "/%" PRId32, round);
	*out = (struct round_view){.state = ""};
	if (!get(run, target, &answer, err)) {
		if (strcmp(err->code, "round_unknown") != 0)
			return false;
		wn_error_reset(err);
		return true;
	}
	out->found = true;
	out->state = json_member_string(answer, "state", "");
	return (json_integer(json_get(answer, "seats"), &out->seats) &&
		       json_integer(json_get(answer, "taken"), &out->taken) &&
		       json_integer(json_get(answer, "commit_until_ms"), &out->commit_until_ms)) ||
	       answer_lacks(err, "seats, taken, commit_until_ms");
}

/* The round of an item that takes votes now, if it has one. */
static bool round_open(struct backtest *run, struct backtest_item *item, struct round_view *out, struct wn_error *err)
{
	for (;; item->next_round++) {
		wn_arena_reset(&run->arena);
		if (!round_read(run, &item->id, item->next_round, out, err))
			return wn_while(err, "look for open rounds");
		bool commits = out->found && strcmp(out->state, "commit") == 0,
		     opens = out->found && strcmp(out->state, "reveal") == 0;
		if (!out->found || commits || opens) {
			out->found = commits;
			return true;
		}
	}
}

/*
 * The next recorded votes of open rounds, in file order. Rounds that can be filled come first, all at once; only when
 * there are none, those for which the recording has too few votes, of one deadline at a time: the clock must pass it to
 * close them.
 */
static bool wave_plan(struct backtest *run, struct wave *wave, bool fillable, struct wn_error *err)
{
	*wave = (struct wave){.casts = wave->casts, .room = wave->room, .unfilled = wave->unfilled};
	for (size_t i = 0; i < run->recording->post_count; i++) {
		struct backtest_item *item = &run->items[i];
		const struct recording_post *post = &run->recording->posts[i];
		struct round_view round;
		if (item->duplicate)
			continue;
		if (i % 100 == 0 && !backtest_node_alive(&run->node, err))
			return false;
		if (!round_open(run, item, &round, err))
			return false;
		int64_t need = round.seats - round.taken, have = (int64_t)post->vote_count - item->used;
		if (!round.found || (need <= have) != fillable)
			continue;
		if (!fillable) {
			if (wave->unfilled_count > 0 && round.commit_until_ms > wave->unfilled_until_ms)
				continue;
			if (wave->unfilled_count > 0 && round.commit_until_ms < wave->unfilled_until_ms)
				wave->count = wave->unfilled_count = 0;
			wave->unfilled[wave->unfilled_count++] = (struct round_key){item->id, item->next_round};
			wave->unfilled_until_ms = round.commit_until_ms;
		}
		for (int64_t v = 0; v < need && v < have; v++) {
			wn_assert(wave->count < wave->room);
			const struct recording_vote *vote = &post->votes[item->used + v];
			wave->casts[wave->count++] = (struct cast){.worker = vote->worker,
				.item = (uint32_t)i,
				.vote = {.key = {.item = item->id}, .sequence = 1, .choice = vote->class}};
		}
	}
	for (size_t i = 0; i < wave->count; i++)
		run->items[wave->casts[i].item].used++;
	return true;
}

static int cast_compare(const void *a, const void *b)
{
	const struct cast *x = a, *y = b;
	if (x->worker != y->worker)
		return x->worker < y->worker ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

/* The end of the run of casts from `first` that one ballot of one worker holds. */
static size_t ballot_end(const struct wave *wave, size_t first)
{
	size_t end = first;
	while (end < wave->count && end - first < VOTE_CLIENT_BATCH_MAX &&
		wave->casts[end].worker == wave->casts[first].worker)
		end++;
	return end;
}

static bool ballot_commit(struct backtest *run, struct cast *casts, size_t count, struct wn_error *err)
{
	const struct vote_client *client = &run->workers[casts[0].worker];
	struct item_id items[VOTE_CLIENT_BATCH_MAX] = {0};
	struct vote_cast votes[VOTE_CLIENT_BATCH_MAX] = {0};
	struct seat_taken *seats;
	size_t taken, counted, sent = 0;
	for (size_t i = 0; i < count; i++)
		items[i] = casts[i].vote.key.item;
	if (!vote_client_take(client, &run->arena, run->recording->campaign.name, items, count, &seats, &taken, err))
		return false;
	for (size_t i = 0; i < count; i++)
		for (size_t s = 0; s < taken; s++)
			if (memcmp(seats[s].key.item.bytes, items[i].bytes, ID_BYTES) == 0) {
				casts[i].vote.key.round = seats[s].key.round;
				votes[sent++] = casts[i].vote;
			}
	/* Every vote was planned for a free seat, and nobody else votes here. */
	if (sent != count)
		return wn_fail(
			err, WN_DOWN, "backtest_seats", "%zu of %zu planned seats were refused", count - sent, count);
	if (!vote_client_commit(client, &run->arena, votes, sent, &counted, err))
		return false;
	return counted == sent ||
	       wn_fail(err, WN_DOWN, "backtest_commits", "%zu of %zu sealed votes were refused", sent - counted, sent);
}

static bool wave_commit(struct backtest *run, struct wave *wave, const char *doing, struct wn_error *err)
{
	qsort(wave->casts, wave->count, sizeof *wave->casts, cast_compare);
	for (size_t first = 0, end; first < wave->count; first = end) {
		end = ballot_end(wave, first);
		wn_arena_reset(&run->arena);
		tell(run, doing, (int64_t)first, (int64_t)(2 * wave->count));
		if (!backtest_node_alive(&run->node, err) || !ballot_commit(run, &wave->casts[first], end - first, err))
			return wn_while(
				err, "cast the votes of %s", run->recording->workers[wave->casts[first].worker]);
	}
	return true;
}

/* Waits until the round of a cast is closed under a checkpoint that was verified; a round that was voided drops it. */
static bool cast_closed(struct backtest *run, struct cast *cast, struct wn_error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + BACKTEST_WAIT_MS;
	for (int tries = 1; !vote_client_check_closed(&run->workers[cast->worker], run->rounds, &cast->vote, err);
		tries++) {
		struct round_view round;
		if (err->blame != WN_BUSY)
			return false;
		wn_error_reset(err);
		if (!backtest_node_alive(&run->node, err))
			return false;
		if (tries % 50 == 0) {
			if (!round_read(run, &cast->vote.key.item, cast->vote.key.round, &round, err))
				return false;
			cast->dropped = strcmp(round.state, "void") == 0;
			if (cast->dropped)
				return true;
			if (clock_monotonic_ms() > deadline_ms)
				return wn_fail(err, WN_DOWN, "backtest_stuck", "waited %d s for a round to close",
					BACKTEST_WAIT_MS / 1000);
		}
		nap();
	}
	return true;
}

static bool wave_open(struct backtest *run, struct wave *wave, const char *doing, struct wn_error *err)
{
	for (size_t first = 0, end; first < wave->count; first = end) {
		struct vote_cast votes[VOTE_CLIENT_BATCH_MAX] = {0};
		size_t count = 0, counted = 0;
		end = ballot_end(wave, first);
		wn_arena_reset(&run->arena);
		tell(run, doing, (int64_t)(wave->count + first), (int64_t)(2 * wave->count));
		for (size_t i = first; i < end; i++) {
			if (!cast_closed(run, &wave->casts[i], err))
				return wn_while(err, "verify that a round is closed");
			if (!wave->casts[i].dropped)
				votes[count++] = wave->casts[i].vote;
		}
		if (count && !vote_client_reveal(&run->workers[wave->casts[first].worker], &run->arena, run->rounds,
				     votes, count, &counted, err))
			return wn_while(
				err, "open the votes of %s", run->recording->workers[wave->casts[first].worker]);
		if (counted != count)
			return wn_fail(err, WN_DOWN, "backtest_reveals", "%zu of %zu opened votes were refused",
				count - counted, count);
	}
	return true;
}

/* Moves the clock past the deadline of rounds that cannot be filled and waits until each has left its commit phase. */
static bool wave_expire(struct backtest *run, const struct wave *wave, struct wn_error *err)
{
	int64_t deadline_ms = clock_monotonic_ms() + BACKTEST_WAIT_MS;
	if (wave->unfilled_count > 0 && wave->unfilled_until_ms >= run->now_ms &&
		!advance(run, wave->unfilled_until_ms - run->now_ms + 1, err))
		return false;
	for (size_t i = 0; i < wave->unfilled_count;) {
		struct round_view round;
		wn_arena_reset(&run->arena);
		if (!backtest_node_alive(&run->node, err) ||
			!round_read(run, &wave->unfilled[i].item, wave->unfilled[i].round, &round, err))
			return false;
		if (strcmp(round.state, "commit") != 0) {
			i++;
			continue;
		}
		if (clock_monotonic_ms() > deadline_ms)
			return wn_fail(err, WN_DOWN, "backtest_stuck",
				"waited %d s for a round to close at its deadline", BACKTEST_WAIT_MS / 1000);
		nap();
	}
	return true;
}

/* One wave: votes for all open rounds, sealed and opened. */
static bool wave_run(struct backtest *run, struct wave *wave, bool audit, struct wn_error *err)
{
	struct counts counts;
	const char *doing = audit ? "audit" : "judge";
	if (!wave_plan(run, wave, true, err) || (wave->count == 0 && !wave_plan(run, wave, false, err)) ||
		!wave_commit(run, wave, doing, err) || !wave_expire(run, wave, err) ||
		!wave_open(run, wave, doing, err) || !wait_for(run, "the tally", none_reveals, 0, &counts, err))
		return false;
	for (size_t i = 0; i < wave->count; i++) {
		if (wave->casts[i].dropped)
			continue;
		run->items[wave->casts[i].item].panel_votes += !audit;
		run->items[wave->casts[i].item].audit_votes += audit;
		run->votes_cast += !audit;
		run->audit_votes += audit;
	}
	return true;
}

/*
 * Waves until no round is open; those of audits end with the close that waits for them, which may open second panels at
 * once. Whenever a wave is planned nothing moves on the node but by this run: what is opened follows from the recording
 * alone.
 */
static bool waves_run(struct backtest *run, struct wave *wave, bool audit, int64_t epoch, struct wn_error *err)
{
	struct counts counts;
	for (int i = 0; i < BACKTEST_WAVES_MAX; i++) {
		wn_arena_reset(&run->arena);
		if (!counts_read(run, &counts, err))
			return false;
		if (counts.commit + counts.reveal == 0 || (audit && counts.oldest > epoch))
			return true;
		if (!wave_run(run, wave, audit, err))
			return false;
	}
	return wn_fail(
		err, WN_DOWN, "backtest_endless", "rounds stay open after %d waves of votes", BACKTEST_WAVES_MAX);
}

/* Ends the open epoch, has its gold audited and waits for its close. */
static bool epoch_turn(struct backtest *run, struct wave *wave, struct wn_error *err)
{
	struct counts counts;
	if (!counts_read(run, &counts, err))
		return false;
	int64_t epoch = counts.epoch, end_ms = counts.epoch_opened_ms + run->policy.epoch_ms;
	if (end_ms > run->now_ms && !advance(run, end_ms - run->now_ms, err))
		return false;
	if (!wait_for(run, "the epoch's end", epoch_is_after, epoch, &counts, err) ||
		!waves_run(run, wave, true, epoch, err))
		return false;
	run->epochs_closed++;
	return wait_for(run, "the epoch's close", epoch_is_closed, epoch, &counts, err);
}

static bool all_done(struct backtest *run, bool *done, struct wn_error *err)
{
	struct counts counts;
	wn_arena_reset(&run->arena);
	if (!counts_read(run, &counts, err))
		return false;
	*done = counts.received + counts.embedded + counts.judging + counts.provisional == 0;
	return true;
}

bool backtest_judge(struct backtest *run, struct wn_error *err)
{
	struct wave wave = {.room = (size_t)run->recording->vote_count};
	struct counts counts;
	bool done = false;
	int64_t window_ms = run->recording->campaign.challenge_ms,
		carry_ms = BACKTEST_CARRY_EPOCHS * run->policy.epoch_ms;
	wave.casts = wn_arena_array(&run->keep, wave.room, sizeof *wave.casts);
	wave.unfilled = wn_arena_array(&run->keep, run->recording->post_count, sizeof *wave.unfilled);
	if (!wave.casts || !wave.unfilled)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu votes", wave.room);
	for (int closes = 0; !done; closes++) {
		if (closes == BACKTEST_CLOSES_MAX)
			return wn_fail(err, WN_DOWN, "backtest_endless", "items stay open after %d epochs",
				BACKTEST_CLOSES_MAX);
		if (!waves_run(run, &wave, false, 0, err) || !epoch_turn(run, &wave, err) || !all_done(run, &done, err))
			return false;
	}
	tell(run, "settle carried scores", 0, 1);
	if (!advance(run, window_ms > carry_ms ? window_ms + run->policy.epoch_ms : carry_ms, err))
		return false;
	return wait_for(run, "final verdicts", all_over, run->now_ms - run->policy.epoch_ms, &counts, err);
}

/* ---- the end ---- */

static bool entry_count(struct backtest *run, const struct json *entry, struct wn_error *err)
{
	int64_t minted;
	if (strcmp(json_member_string(entry, "type", ""), "epoch_close") != 0)
		return true;
	if (!json_amount(json_get(entry, "minted"), &minted) ||
		!hex_member(entry, "claims_root", run->claims_root.bytes))
		return answer_lacks(err, "minted or claims_root of an epoch's close");
	run->minted_units += minted;
	return true;
}

static bool journal_read_all(struct backtest *run, struct wn_error *err)
{
	for (int64_t from = 0;;) {
		char target[96];
		const struct json *answer;
		snprintf(target, sizeof target, "/v1/journal/entries?from=%" PRId64 "&count=%d", from, BACKTEST_PAGE);
		wn_arena_reset(&run->arena);
		if (!backtest_node_alive(&run->node, err) || !get(run, target, &answer, err))
			return wn_while(err, "read the journal");
		const struct json *entries = json_get(answer, "entries");
		if (!entries || entries->type != JSON_ARRAY)
			return answer_lacks(err, "entries");
		for (size_t i = 0; i < entries->count; i++)
			if (!entry_count(run, json_get(entries->elements[i], "entry"), err))
				return false;
		if (entries->count == 0)
			return true;
		from += (int64_t)entries->count;
	}
}

static bool ledger_read(struct backtest *run, struct wn_error *err)
{
	const struct json *answer, *balanced;
	wn_arena_reset(&run->arena);
	if (!get(run, "/v1/supply", &answer, err))
		return wn_while(err, "add up the ledger");
	balanced = json_get(answer, "balanced");
	run->ledger_balanced = balanced && balanced->type == JSON_BOOL && balanced->truth;
	return run->ledger_balanced ||
	       wn_fail(err, WN_INPUT, "backtest_ledger", "the node's ledger does not sum to zero");
}

bool backtest_collect(struct backtest *run, struct wn_error *err)
{
	return items_read(run, "read verdicts", err) && journal_read_all(run, err) && ledger_read(run, err);
}
