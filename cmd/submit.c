/* `winnow submit`: signs items and sends them in batches; a batch that got no answer is simply sent again. */
#include "cmd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/item_lines.h"
#include "core/clock.h"
#include "ingest/ingest_store.h"
#include "vote/vote_client.h"
#include "web/route.h"

enum { SUBMIT_ATTEMPTS_MAX = 6, SUBMIT_WAIT_MAX_S = 30, SUBMIT_ARENA = 32 * 1024 * 1024, SUBMIT_PROGRESS_MS = 200 };

struct submit {
	struct vote_client client;
	const char *target;
	struct wn_arena arena; /* of one batch */
	struct item_lines *lines;
	char body[ROUTE_BODY_MAX];
	size_t body_bytes;
	int64_t numbers[INGEST_BATCH_MAX]; /* of the lines in the body */
	size_t count;
	FILE *receipts; /* one a batch, a line each; NULL: nobody wants them */
	int64_t accepted, repeated, refused;
	int64_t started_ms, shown_ms;
};

static void submit_progress(struct submit *submit, bool last)
{
	int64_t read_bytes, all_bytes, now_ms = clock_monotonic_ms(),
				       done = submit->accepted + submit->repeated + submit->refused;
	if (!submit->lines || !isatty(STDERR_FILENO) || (!last && now_ms - submit->shown_ms < SUBMIT_PROGRESS_MS))
		return;
	submit->shown_ms = now_ms;
	int64_t spent_ms = now_ms - submit->started_ms + 1;
	item_lines_where(submit->lines, &read_bytes, &all_bytes);
	fprintf(stderr, "\r%" PRId64 " lines, %" PRId64 "/s", done, done * 1000 / spent_ms);
	if (all_bytes > 0 && read_bytes > 0)
		fprintf(stderr, ", %" PRId64 " %%, %" PRId64 " s left", read_bytes * 100 / all_bytes,
			spent_ms * (all_bytes - read_bytes) / read_bytes / 1000);
	fprintf(stderr, "   %s", last ? "\n" : "");
}

static void line_refused(struct submit *submit, int64_t number, const char *code, const char *detail)
{
	submit->refused++;
	printf("%" PRId64 "\trefused\t%s\t%s\n", number, code, detail);
}

/* What the node promised about a batch. It is stored whatever happens here, so a full disk is told and stops nothing.
 */
static void receipt_keep(struct submit *submit, const struct json *answer)
{
	struct wn_error err = {0};
	struct wn_slice line;
	const struct json *receipt = json_get(answer, "receipt");
	if (!submit->receipts || !receipt)
		return;
	if (!jcs_write(&submit->arena, receipt, &line, &err) ||
		fwrite(line.data, 1, line.bytes, submit->receipts) != line.bytes ||
		fputc('\n', submit->receipts) == EOF || fflush(submit->receipts) != 0)
		fprintf(stderr, "winnow: a receipt was not kept: %s\n", err.text[0] ? err.text : strerror(errno));
}

static bool answer_show(struct submit *submit, const struct json *answer, struct wn_error *err)
{
	const struct json *lines = json_get(answer, "lines");
	if (!lines || lines->type != JSON_ARRAY || lines->count != submit->count)
		return wn_fail(err, WN_DOWN, "answer_malformed", "the node did not answer every line");
	receipt_keep(submit, answer);
	for (size_t i = 0; i < lines->count; i++) {
		const struct json *line = lines->elements[i], *repeated = json_get(line, "repeated");
		const char *id = json_member_string(line, "item_id", NULL), *salt = answer_text(line, "salt", "");
		bool again = repeated && repeated->type == JSON_BOOL && repeated->truth;
		if (!id) {
			line_refused(submit, submit->numbers[i], answer_text(line, "code", "?"),
				answer_text(line, "detail", ""));
			continue;
		}
		submit->accepted += !again;
		submit->repeated += again;
		printf("%" PRId64 "\t%s\t%s\t%s\n", submit->numbers[i], again ? "repeated" : "accepted", id,
			salt ? salt : "");
	}
	return true;
}

/* What to do about an answer that is no success: wait and try again, or give up with the node's own words. */
static bool answer_refused(
	const struct submit *submit, struct wn_arena *arena, const struct fetch_answer *answer, struct wn_error *err)
{
	const struct json *problem;
	struct wn_error ignored = {0};
	(void)submit;
	bool known = json_parse(arena, answer->body.data, answer->body.bytes, &problem, &ignored);
	const char *type = known ? json_member_string(problem, "type", NULL) : NULL,
		   *slash = type ? strrchr(type, '/') : NULL;
	const char *detail = known ? json_member_string(problem, "detail", NULL) : NULL;
	return wn_fail(err, answer->status >= 500 || answer->status == 429 ? WN_BUSY : WN_INPUT,
		slash ? slash + 1 : "refused", "%s (%d)", detail ? detail : "the node refused the batch",
		answer->status);
}

static bool batch_send(struct submit *submit, struct wn_error *err)
{
	struct fetch_request request = {
		.method = "POST",
		.target = submit->target,
		.content_type = "application/x-ndjson",
		.body = {submit->body, submit->body_bytes},
		.key = &submit->client.keys->key,
		.tag = submit->client.view->tag,
		.now_ms = submit->client.view->clock_manual ? submit->client.view->now_ms : 0,
		.timeout_ms = 60000,
	};
	if (submit->count == 0)
		return true;
	for (int attempt = 1;; attempt++) {
		struct fetch_answer answer = {.retry_after_s = -1};
		const struct json *value;
		int wait_s = 1 << attempt;
		wn_error_reset(err);
		wn_arena_reset(&submit->arena);
		if (fetch_send(submit->client.fetch, &submit->arena, &request, &answer, err)) {
			if (answer.status == 200) {
				bool ok =
					json_parse(&submit->arena, answer.body.data, answer.body.bytes, &value, err) &&
					answer_show(submit, value, err);
				submit->count = submit->body_bytes = 0;
				submit_progress(submit, false);
				return ok;
			}
			answer_refused(submit, &submit->arena, &answer, err);
			if (answer.retry_after_s >= 0)
				wait_s = answer.retry_after_s;
		}
		if (err->blame == WN_INPUT || attempt == SUBMIT_ATTEMPTS_MAX)
			return false;
		/* Items have natural keys, so a batch that arrived after all is answered as repeated, not stored twice.
		 */
		sleep((unsigned)(wait_s < SUBMIT_WAIT_MAX_S ? wait_s : SUBMIT_WAIT_MAX_S));
	}
}

static bool line_add(struct submit *submit, struct wn_slice line, int64_t number, struct wn_error *err)
{
	if ((submit->body_bytes + line.bytes + 1 > sizeof submit->body || submit->count == INGEST_BATCH_MAX) &&
		!batch_send(submit, err))
		return false;
	memcpy(submit->body + submit->body_bytes, line.data, line.bytes);
	submit->body[submit->body_bytes + line.bytes] = '\n';
	submit->body_bytes += line.bytes + 1;
	submit->numbers[submit->count++] = number;
	return true;
}

static bool submit_file(struct submit *submit, const char *path, struct wn_error *err)
{
	struct wn_slice line;
	int64_t number;
	bool too_long, ok;
	if (!item_lines_open(&submit->lines, path, err))
		return false;
	while ((ok = item_lines_next(submit->lines, &line, &number, &too_long, err)) && line.data) {
		if (too_long)
			line_refused(submit, number, item_result_code(ITEM_LINE_LONG),
				"the line is longer than an item may be");
		else if (!(ok = line_add(submit, line, number, err)))
			break;
	}
	ok = ok && batch_send(submit, err);
	submit_progress(submit, true);
	item_lines_close(submit->lines);
	submit->lines = NULL;
	return ok;
}

static bool submit_text(struct submit *submit, const char *text, struct wn_error *err)
{
	struct wn_arena arena;
	struct json_writer writer;
	struct wn_slice line;
	wn_arena_init(&arena, SUBMIT_ARENA);
	json_begin(&writer, &arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "content", text);
	json_close_object(&writer);
	bool ok = json_end(&writer, &line, err);
	if (ok && line.bytes >= sizeof submit->body)
		ok = wn_fail(err, WN_INPUT, "item_content_long", "a text has at most %d bytes", ITEM_TEXT_MAX);
	ok = ok && line_add(submit, line, 1, err) && batch_send(submit, err);
	wn_arena_free(&arena);
	return ok;
}

/* A key that the node does not know yet is registered; one that it knows in other roles is the node's to judge. */
static bool submit_register(struct submit *submit, struct wn_error *err)
{
	static const char *const roles[] = {"contributor", NULL};
	if (vote_client_register(&submit->client, &submit->arena, roles, false, NULL, err))
		return true;
	if (err->blame != WN_INPUT)
		return false;
	wn_error_reset(err);
	return true;
}

static int submit_run(const struct options *options, int argc, char **argv)
{
	static struct submit submit;
	struct wn_error err = {0};
	struct key_file keys;
	struct node_view view;
	struct fetch *fetch;
	char url[CLIENT_URL_MAX];
	const char *campaign = option_text(options, "campaign"), *key = option_text(options, "key"),
		   *text = option_text(options, "text");
	const char *receipts = option_text(options, "receipts");
	if (!campaign || !key || (text ? argc != 0 : argc != 1))
		return command_usage(&command_submit);
	if (strspn(campaign, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(campaign) ||
		strlen(campaign) > CAMPAIGN_NAME_MAX) {
		wn_fail(&err, WN_INPUT, "campaign_name", "a campaign's name is made of a-z, 0-9 and -");
		return command_failed(&err);
	}
	sign_start();
	if (access(key, F_OK) != 0) {
		wn_fail(&err, WN_INPUT, "key_file", "%s is not there; make a key with: winnow key %s", key, key);
		return command_failed(&err);
	}
	if (!key_file_read(key, &keys, &err) || !fetch_open(&fetch, client_url(options, url), NULL, &err))
		return command_failed(&err);
	if (receipts && !(submit.receipts = fopen(receipts, "ae"))) {
		wn_fail(&err, WN_INPUT, "file_open", "%s: %s", receipts, strerror(errno));
		return command_failed(&err);
	}
	wn_arena_init(&submit.arena, SUBMIT_ARENA);
	submit.client = (struct vote_client){.fetch = fetch, .view = &view, .keys = &keys};
	submit.started_ms = clock_monotonic_ms();
	char target[CAMPAIGN_NAME_MAX + 32];
	snprintf(target, sizeof target, "/v1/campaigns/%s/items", campaign);
	submit.target = target;
	bool ok = node_view_read(fetch, &submit.arena, &view, &err) && submit_register(&submit, &err) &&
		  (text ? submit_text(&submit, text, &err) : submit_file(&submit, argv[0], &err));
	if (submit.accepted + submit.repeated + submit.refused > 0)
		printf("accepted %" PRId64 ", repeated %" PRId64 ", refused %" PRId64 "\n", submit.accepted,
			submit.repeated, submit.refused);
	if (submit.receipts)
		fclose(submit.receipts);
	wn_arena_free(&submit.arena);
	fetch_close(fetch);
	sign_forget(&keys.key);
	if (!ok)
		return command_failed(&err);
	return submit.refused > 0 ? EXIT_FAILED_CHECK : EXIT_DONE;
}

static const struct option submit_options[] = {
	CLIENT_OPTION_NODE,
	CLIENT_OPTION_KEY,
	{"campaign", OPTION_TEXT, NULL, 0, 0, "name of the campaign"},
	{"text", OPTION_TEXT, NULL, 0, 0, "one text to submit instead of a file"},
	{"receipts", OPTION_TEXT, NULL, 0, 0,
		"file to which the node's receipts are added, a line each: winnow receipt checks them"},
	{.name = NULL},
};
static const char *const submit_help[] = {
	"FILE.ndjson holds one item a line; - reads the standard input. The least that a line needs is {\"content\": "
	"\"...\"};",
	"{\"id\": \"...\", \"text\": \"...\"} works too. Members that may follow: source, source_id, language, "
	"licence, basis,",
	"published_ms, tags, salt. A new key is registered as a contributor. Each line's answer is printed as it "
	"comes:",
	"number, accepted | repeated | refused, then item id and salt, or code and reason. Sending a file again stores "
	"nothing twice.",
	NULL,
};

const struct command command_submit = {
	.name = "submit",
	.usage = "submit --campaign C --key FILE [--text T | FILE.ndjson | -]",
	.summary = "submit items to a campaign",
	.help = submit_help,
	.options = submit_options,
	.run = submit_run,
};
