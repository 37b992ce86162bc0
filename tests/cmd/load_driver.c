/* `cmd_test give-load|judge-load URL KEY CAMPAIGN STOP RECEIPTS`: a client that goes on whatever its node answers,
 * until the file STOP is there, and writes down what was acknowledged and every answer that a client should not have to
 * expect. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fetch.h"
#include "vote/vote_client.h"

enum {
	LOAD_ARENA = 32 * 1024 * 1024,
	LOAD_LINES = 5,
	LOAD_TURNS_MAX = 100000,
	LOAD_BUSY_MS = 50,
	LOAD_TARGET_ROOM = 256,
	LOAD_RETRY_MOST_S = 60
};

struct load {
	struct wn_arena arena;
	struct fetch *fetch;
	struct key_file keys;
	struct node_view view;
	struct vote_client client;
	const char *campaign, *stop;
	FILE *receipts;
	uint64_t random;
	int64_t acknowledged, busy, odd;
};

static void load_fail(const char *what, const struct wn_error *err)
{
	fprintf(stderr, "load: %s: %s\n", what, err ? err->text : "");
	exit(2);
}

static void load_odd(struct load *load, const char *what, int64_t number, const char *text)
{
	load->odd++;
	printf("odd %s %" PRId64 " %s\n", what, number, text);
}

static uint64_t load_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Texts that have nothing in common, and a source_id each: the same batch again must be known again. */
static struct wn_slice batch_write(struct load *load, int64_t number)
{
	struct wn_text text;
	struct wn_arena *arena = &load->arena;
	wn_text_init(&text, arena);
	for (int line = 0; line < LOAD_LINES; line++) {
		wn_text_add_string(&text, "{\"content\":\"");
		for (int word = 0; word < 8; word++)
			wn_text_printf(&text, "%" PRIx64 " ", load_random(&load->random) >> 16);
		wn_text_printf(&text, "\",\"source\":\"load\",\"source_id\":\"%" PRId64 "-%d\"}\n", number, line);
	}
	if (text.full)
		load_fail("memory", NULL);
	return (struct wn_slice){text.data, text.bytes};
}

/* What a client may expect while a database is away: 503 with a time to wait. */
static bool answer_is_busy(struct load *load, const struct fetch_answer *answer)
{
	if (answer->status != 503)
		return false;
	load->busy++;
	if (answer->retry_after_s < 0 || answer->retry_after_s > LOAD_RETRY_MOST_S)
		load_odd(load, "503 with Retry-After", answer->retry_after_s, "");
	return true;
}

static void items_acknowledged(struct load *load, const struct fetch_answer *answer)
{
	const struct json *value;
	struct wn_error err = {0};
	if (!json_parse(&load->arena, answer->body.data, answer->body.bytes, &value, &err)) {
		load_odd(load, "answer", answer->status, err.text);
		return;
	}
	const struct json *lines = json_get(value, "lines"), *receipt = json_get(value, "receipt");
	if (!lines || lines->type != JSON_ARRAY || lines->count != LOAD_LINES)
		load_odd(load, "lines", lines ? (int64_t)lines->count : -1, "");
	for (size_t i = 0; lines && i < lines->count; i++) {
		const char *id = json_member_string(lines->elements[i], "item_id", NULL);
		if (!id)
			load_odd(load, "line refused", (int64_t)i, json_member_string(lines->elements[i], "code", "?"));
		else
			printf("item %s\n", id);
		load->acknowledged += id != NULL;
	}
	struct wn_slice text;
	if (receipt && jcs_write(&load->arena, receipt, &text, &err))
		fprintf(load->receipts, "%.*s\n", (int)text.bytes, text.data);
}

static bool load_ends(const struct load *load)
{
	return access(load->stop, F_OK) == 0;
}

static void batch_give(struct load *load, struct wn_slice lines)
{
	char target[LOAD_TARGET_ROOM];
	snprintf(target, sizeof target, "/v1/campaigns/%s/items", load->campaign);
	for (bool done = false; !done && !load_ends(load);) {
		struct fetch_request request = {
			.method = "POST",
			.target = target,
			.content_type = "application/x-ndjson",
			.body = lines,
			.key = &load->keys.key,
			.tag = load->view.tag,
		};
		struct fetch_answer answer;
		struct wn_error err = {0};
		if (!fetch_send(load->fetch, &load->arena, &request, &answer, &err)) {
			load_odd(load, "no answer", 0, err.text);
			poll(NULL, 0, LOAD_BUSY_MS);
		} else if (answer_is_busy(load, &answer)) {
			poll(NULL, 0, LOAD_BUSY_MS);
		} else {
			done = true;
			if (answer.status == 200)
				items_acknowledged(load, &answer);
			else
				load_odd(load, "status", answer.status, "");
		}
	}
}

/* Whatever hides behind the call is a 503 that says when to come again, or it is odd. */
static void vote_failed(struct load *load, const char *doing, struct wn_error *err)
{
	if (err->blame == WN_BUSY)
		load->busy++;
	else
		load_odd(load, doing, err->blame, err->text);
	poll(NULL, 0, LOAD_BUSY_MS);
}

static void vote_cast_one(struct load *load)
{
	struct wn_error err = {0};
	struct seat_taken *seats;
	size_t taken = 0, counted = 0;
	if (!vote_client_take(&load->client, &load->arena, load->campaign, NULL, 1, &seats, &taken, &err)) {
		vote_failed(load, "take", &err);
		return;
	}
	if (taken == 0) {
		poll(NULL, 0, LOAD_BUSY_MS);
		return;
	}
	struct vote_cast vote = {.key = seats[0].key, .sequence = 1, .choice = 1};
	for (bool done = false; !done && !load_ends(load);) {
		wn_error_reset(&err);
		done = vote_client_commit(&load->client, &load->arena, &vote, 1, &counted, &err);
		if (!done)
			vote_failed(load, "commit", &err);
	}
	if (counted == 1) {
		char item[ID_HEX_ROOM], voter[ID_HEX_ROOM];
		printf("vote %s %s\n", hex_write(item, vote.key.item.bytes, ID_BYTES),
			hex_write(voter, load->keys.key.public_key.bytes, ID_BYTES));
		load->acknowledged++;
	}
}

static void load_open(struct load *load, char **argv)
{
	static const char *const roles[] = {"contributor", "validator", NULL};
	struct wn_error err = {0};
	sign_start();
	setvbuf(stdout, NULL, _IOLBF, 0);
	wn_arena_init(&load->arena, LOAD_ARENA);
	load->campaign = argv[4];
	load->stop = argv[5];
	if (!key_file_read(argv[3], &load->keys, &err) || !fetch_open(&load->fetch, argv[2], NULL, &err))
		load_fail("start", &err);
	if (!node_view_read(load->fetch, &load->arena, &load->view, &err))
		load_fail("network", &err);
	load->client = (struct vote_client){.fetch = load->fetch, .view = &load->view, .keys = &load->keys};
	if (!vote_client_register(&load->client, &load->arena, roles, false, NULL, &err))
		load_fail("register", &err);
	memcpy(&load->random, load->keys.key.public_key.bytes, sizeof load->random);
	load->receipts = fopen(argv[6], "we");
	if (!load->receipts)
		load_fail("receipts", NULL);
}

__attribute__((constructor)) static void load_start(int argc, char **argv)
{
	static struct load load;
	if (argc != 7 || (strcmp(argv[1], "give-load") != 0 && strcmp(argv[1], "judge-load") != 0))
		return;
	load_open(&load, argv);
	for (int64_t turn = 0; turn < LOAD_TURNS_MAX && !load_ends(&load); turn++) {
		wn_arena_reset(&load.arena);
		if (argv[1][0] == 'g')
			batch_give(&load, batch_write(&load, turn));
		else
			vote_cast_one(&load);
	}
	printf("end acknowledged %" PRId64 " busy %" PRId64 " odd %" PRId64 "\n", load.acknowledged, load.busy,
		load.odd);
	fclose(load.receipts);
	fetch_close(load.fetch);
	wn_arena_free(&load.arena);
	exit(fflush(stdout) == 0 ? 0 : 2);
}
