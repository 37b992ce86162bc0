/* Submissions as the server runs them, less the socket: real signatures, a real database, every kind of bad line. */
#include "tests/check.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/item_id.h"
#include "core/journal.h"
#include "ingest/ingest_store.h"
#include "ingest/submit_api.h"
#include "tests/ingest/counted.h"
#include "web/exchange.h"

SUITE("submit")

enum { SUBMIT_ARENA = 64 * 1024 * 1024, SUBMIT_NOW_S = 1767225600, SUBMIT_BODY = 2 * ROUTE_BODY_MAX };
#define SUBMIT_NOW_MS (1000LL * SUBMIT_NOW_S)
#define SUBMIT_TAG "winnow-0123456789abcdef"

static const char campaign_text[] =
	"{\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":\"keep\"}],"
	"\"name\":\"hail\",\"question\":\"Hail?\"}";

static struct {
	struct node node;
	struct db *owner, *serve;
	struct wn_arena arena;
	struct sign_key key;
	struct account account;
	struct exchange exchange; /* of the last request */
	const struct json *answer;
	int64_t created_s; /* of the next signature */
	bool forge;	   /* change the body behind the signature */
} desk;

static struct db *desk_connect(const char *conninfo, const char *role)
{
	char text[1200];
	struct wn_error err = {0};
	struct db *db = NULL;
	snprintf(text, sizeof text, "%s user=%s", conninfo, role);
	CHECK_OK(db_open(&db, text, &err), err);
	return db;
}

static bool desk_open(void)
{
	static char conninfo[1100];
	struct wn_error err = {0};
	bool changed;
	const char *fresh = test_database();
	if (!CHECK(fresh != NULL))
		return false;
	snprintf(conninfo, sizeof conninfo, "%s", fresh);
	memset(&desk, 0, sizeof desk);
	sign_start();
	wn_arena_init(&desk.arena, SUBMIT_ARENA);
	desk.owner = desk_connect(conninfo, "winnow_owner");
	desk.serve = desk_connect(conninfo, "winnow_serve");
	if (!desk.owner || !desk.serve)
		return false;
	memset(desk.node.network.bytes, 0x31, ID_BYTES);
	snprintf(desk.node.network_tag, sizeof desk.node.network_tag, "%s", SUBMIT_TAG);
	sign_generate(&desk.node.checkpoint_key);
	desk.node.has_checkpoint_key = true;
	/* A manual clock: freshness follows a time that the test chooses. */
	desk.node.clock_manual = true;
	desk.created_s = SUBMIT_NOW_S;
	sign_generate(&desk.key);
	char sql[512];
	snprintf(sql, sizeof sql,
		"INSERT INTO network VALUES (true, sha256('n'), '{}', sha256('k'), true, %lld);"
		"INSERT INTO campaign (name, version, document, created_ms) VALUES ('hail', 1, '%s', 0)",
		SUBMIT_NOW_MS, campaign_text);
	CHECK_OK(db_command(desk.owner, sql, &err), err);
	CHECK_OK(account_insert(desk.serve, &desk.arena, &desk.node.network, &desk.key.public_key, ACCOUNT_CONTRIBUTOR,
			 false, NULL, NULL, 1, &desk.account, &changed, &err),
		err);
	return err.code[0] == '\0';
}

static void desk_close(void)
{
	db_close(desk.serve);
	db_close(desk.owner);
	wn_arena_free(&desk.arena);
}

/* One request through clock, signature, account and handler; its status. */
static int submit(const char *type, const char *body, size_t bytes)
{
	struct wn_error err = {0};
	struct httpsig_fields fields;
	struct exchange *exchange = &desk.exchange;
	wn_arena_reset(&desk.arena);
	struct http_header *headers = wn_arena_array(&desk.arena, 4, sizeof *headers);
	headers[0] = (struct http_header){WN_SLICE("content-type"), wn_slice_of(type)};
	*exchange = (struct exchange){
		.node = &desk.node,
		.db = desk.serve,
		.arena = &desk.arena,
		.request = {.method = WN_SLICE("POST"),
			.authority = WN_SLICE("127.0.0.1:8080"),
			.target = WN_SLICE("/v1/campaigns/hail/items"),
			.headers = headers,
			.header_count = 1,
			.body = {body, bytes}},
		.params = {WN_SLICE("hail")},
		.route = &ingest_routes[0],
		.body_file = -1,
	};
	CHECK_OK(httpsig_sign(&desk.arena, &exchange->request, SUBMIT_TAG, desk.created_s, &desk.key, &fields, &err),
		err);
	headers[1] = (struct http_header){WN_SLICE("content-digest"), fields.content_digest};
	headers[2] = (struct http_header){WN_SLICE("signature-input"), fields.signature_input};
	headers[3] = (struct http_header){WN_SLICE("signature"), fields.signature};
	exchange->request.header_count = 4;
	if (desk.forge)
		exchange->request.body.bytes--;
	exchange_run(exchange);
	CHECK(!db_in_transaction(desk.serve));
	CHECK_OK(json_parse(&desk.arena, exchange->body.data, exchange->body.bytes, &desk.answer, &err), err);
	return exchange->status;
}

static int submit_lines(const char *text)
{
	return submit("application/x-ndjson", text, strlen(text));
}

static int submit_one(const char *text)
{
	return submit("application/json", text, strlen(text));
}

static int64_t told(const char *name)
{
	int64_t value = -1;
	json_integer(json_get(desk.answer, name), &value);
	return value;
}

static const char *problem(void)
{
	const char *type = json_member_string(desk.answer, "type", "");
	return strncmp(type, "/problems/", 10) == 0 ? type + 10 : type;
}

/* Of the line at this place in the answer: its state, or its refusal's code. */
static const char *line_word(size_t index)
{
	const struct json *lines = json_get(desk.answer, "lines");
	if (!CHECK(lines && index < lines->count))
		return "";
	return json_member_string(
		lines->elements[index], "state", json_member_string(lines->elements[index], "code", "(neither)"));
}

static void stored(int64_t items, int64_t entries)
{
	CHECK_INT(counted(desk.owner, "SELECT count(*) FROM item"), items);
	CHECK_INT(counted(desk.owner, "SELECT count(*) FROM journal_entry"), entries);
	CHECK_INT(counted(desk.owner, "SELECT count(*) FROM submission_evidence"), entries);
}

TEST(one_bad_line_never_fails_its_neighbours)
{
	static const struct {
		const char *line, *code;
	} bad[] = {
		{"{\"content\":", "json_syntax"},
		{"nonsense", "json_syntax"},
		{"\"a text\"", "item_object"},
		{"{\"content\":\"\xc3\x28\"}", "json_utf8"},
		{"{\"content\":\"\\ud800\"}", "json_surrogate"},
		{"{\"content\":\"a\\u0000b\"}", "item_content_nul"},
		{"{\"content\":\"one\",\"content\":\"two\"}", "json_duplicate"},
		{"{\"content\":\" \\t \"}", "item_content_empty"},
		{"{\"content\":5}", "item_content_type"},
		{"{\"content\":\"a\",\"colour\":\"red\"}", "item_member"},
		{"{\"content\":\"a\",\"salt\":\"12\"}", "item_salt"},
		{"{\"content\":\"a\",\"licence\":\"mine\\u0000\"}", "item_licence"},
		{"{\"content\":\"a\",\"published_ms\":1e300}", "item_published"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "json_depth"},
	};
	enum { BAD = sizeof bad / sizeof bad[0] };
	char text[8192] = "";
	CHECK_OR_RETURN(desk_open());
	for (size_t i = 0; i < BAD; i++) {
		size_t at = strlen(text);
		snprintf(text + at, sizeof text - at, "{\"id\":\"%zu\",\"text\":\"post %zu\"}\n%s\n\n", i, i,
			bad[i].line);
	}
	CHECK_INT(submit_lines(text), 200);
	CHECK_INT(told("accepted"), BAD);
	CHECK_INT(told("refused"), BAD);
	CHECK_INT(told("repeated"), 0);
	for (size_t i = 0; i < BAD; i++) {
		CHECK_TEXT(line_word(2 * i), "received");
		check_text(line_word(2 * i + 1), bad[i].code, bad[i].line, __FILE__, __LINE__);
	}
	/* Blank lines have numbers, so that an editor finds the line. */
	int64_t number = 0;
	json_integer(json_get(json_get(desk.answer, "lines")->elements[3], "line"), &number);
	CHECK_INT(number, 5);
	stored(BAD, 1);
	/* Arrival follows the lines. */
	CHECK_INT(counted(desk.owner, "SELECT count(*) FROM (SELECT seq, source_id::int, row_number() OVER (ORDER BY "
				      "seq) - 1 AS n FROM item) i "
				      "WHERE source_id <> n"),
		0);
	desk_close();
}

TEST(lines_made_to_use_memory_up_do_not_cost_a_neighbour_its_place)
{
	/* Two bytes become a value of a hundred; arrays of as many elements as one may have, near the longest line. */
	char *text = malloc(SUBMIT_BODY);
	size_t bytes = 0;
	CHECK_OR_RETURN(text && desk_open());
	bytes += (size_t)sprintf(text, "{\"content\":\"first\"}\n");
	while (bytes < ROUTE_BODY_MAX - ITEM_LINE_MAX) {
		size_t start = bytes;
		text[bytes++] = '[';
		while (bytes - start < ITEM_LINE_MAX - 3 * JSON_ELEMENTS_MAX) {
			text[bytes++] = '[';
			for (int i = 0; i < JSON_ELEMENTS_MAX; i++) {
				text[bytes++] = '0';
				text[bytes++] = ',';
			}
			text[bytes - 1] = ']';
			text[bytes++] = ',';
		}
		text[bytes - 1] = ']';
		text[bytes++] = '\n';
	}
	bytes += (size_t)sprintf(text + bytes, "{\"content\":\"last\"}\n");
	CHECK(bytes > ROUTE_BODY_MAX - ITEM_LINE_MAX && bytes < ROUTE_BODY_MAX);
	CHECK_INT(submit("application/x-ndjson", text, bytes), 200);
	CHECK_INT(told("accepted"), 2);
	CHECK_TEXT(line_word(1), "item_object");
	/* One byte more than a line may have. */
	memset(text, ' ', ITEM_LINE_MAX + 1);
	memcpy(text, "{\"content\":\"long\"}", 18);
	text[ITEM_LINE_MAX + 1] = '\n';
	bytes = ITEM_LINE_MAX + 2 + (size_t)sprintf(text + ITEM_LINE_MAX + 2, "{\"content\":\"after\"}");
	text[ITEM_LINE_MAX] = '}';
	CHECK_INT(submit("application/x-ndjson", text, bytes), 200);
	CHECK_TEXT(line_word(0), "item_long");
	CHECK_TEXT(line_word(1), "received");
	stored(3, 2);
	free(text);
	desk_close();
}

TEST(a_repeated_submission_finds_its_items_and_adds_nothing)
{
	static const char text[] =
		"{\"id\":\"1\",\"text\":\"one\"}\n{\"id\":\"2\",\"text\":\"two\"}\n{\"id\":\"1\",\"text\":\"one\"}\n";
	char first[ID_HEX_ROOM], salt[ID_HEX_ROOM];
	CHECK_OR_RETURN(desk_open());
	CHECK_INT(submit_lines(text), 200);
	CHECK_INT(told("accepted"), 2);
	CHECK_INT(told("repeated"), 1);
	const struct json *lines = json_get(desk.answer, "lines");
	snprintf(first, sizeof first, "%s", json_member_string(lines->elements[0], "item_id", ""));
	snprintf(salt, sizeof salt, "%s", json_member_string(lines->elements[0], "salt", ""));
	CHECK_TEXT(json_member_string(lines->elements[2], "item_id", ""), first);
	CHECK(json_get(desk.answer, "receipt") != NULL);
	/* A minute later, so that it is another signature. */
	desk.created_s += 60;
	CHECK_INT(submit_lines(text), 200);
	CHECK_INT(told("accepted"), 0);
	CHECK_INT(told("repeated"), 3);
	lines = json_get(desk.answer, "lines");
	CHECK_TEXT(json_member_string(lines->elements[0], "item_id", ""), first);
	CHECK_TEXT(json_member_string(lines->elements[0], "salt", ""), salt);
	CHECK(json_get(desk.answer, "receipt") == NULL);
	stored(2, 1);
	CHECK_INT(submit_one("{\"id\":\"1\",\"text\":\"one\"}"), 200);
	CHECK_INT(submit_one("{\"id\":\"1\",\"text\":\"one, edited\"}"), 409);
	CHECK_TEXT(problem(), "source_id_taken");
	CHECK_INT(submit_lines("{\"id\":\"1\",\"text\":\"edited\"}\n{\"id\":\"3\",\"text\":\"three\"}"), 200);
	CHECK_TEXT(line_word(0), "source_id_taken");
	CHECK_TEXT(line_word(1), "received");
	stored(3, 2);
	desk_close();
}

TEST(an_item_gets_the_id_of_its_salt_and_a_receipt_that_holds)
{
	struct wn_error err = {0};
	struct salt salt;
	struct item_id want;
	struct sha256 hash;
	struct db_result *result = NULL;
	static const struct sql_statement kept = {.name = "kept", .text = "SELECT canonical FROM item"};
	CHECK_OR_RETURN(desk_open());
	memset(salt.bytes, 0xab, ID_BYTES);
	CHECK_INT(submit_one("{\"content\":\"hail\",\"salt\":"
			     "\"abababababababababababababababababababababababababababababababab\"}"),
		201);
	CHECK_OK(db_query(desk.owner, &kept, NULL, &result, &err), err);
	struct wn_slice canonical = db_slice(result, 0, 0);
	sha256_of(canonical.data, canonical.bytes, &hash);
	db_done(result);
	item_id_of(&desk.node.network, &salt, &hash, &want);
	char hex[ID_HEX_ROOM];
	CHECK_TEXT(json_member_string(desk.answer, "item_id", ""), hex_write(hex, want.bytes, ID_BYTES));
	const struct json *receipt = json_get(desk.answer, "receipt");
	CHECK_OK(receipt_check(receipt, &desk.node.network, &desk.node.checkpoint_key.public_key, &err), err);
	/* A machine without the key promises nothing rather than something that does not hold. */
	desk.node.has_checkpoint_key = false;
	CHECK_INT(submit_one("{\"content\":\"more hail\"}"), 201);
	CHECK(json_get(desk.answer, "receipt") == NULL);
	desk_close();
}

TEST(who_may_not_submit_stores_nothing)
{
	struct wn_error err = {0};
	static const char text[] = "{\"content\":\"hail\"}";
	CHECK_OR_RETURN(desk_open());
	desk.forge = true;
	CHECK_INT(submit_one(text), 401);
	CHECK_TEXT(problem(), "signature_digest");
	desk.forge = false;
	desk.created_s = SUBMIT_NOW_S - HTTPSIG_FRESH_S - 1;
	CHECK_INT(submit_one(text), 401);
	CHECK_TEXT(problem(), "signature_stale");
	desk.created_s = SUBMIT_NOW_S;
	struct sign_key known = desk.key;
	sign_generate(&desk.key);
	CHECK_INT(submit_one(text), 403);
	CHECK_TEXT(problem(), "account_unknown");
	desk.key = known;
	CHECK_OK(db_command(desk.owner, "UPDATE account SET roles = 2", &err), err);
	CHECK_INT(submit_one(text), 403);
	CHECK_TEXT(problem(), "role_missing");
	CHECK_OK(db_command(desk.owner, "UPDATE account SET roles = 1", &err), err);
	CHECK_INT(submit("text/plain", text, strlen(text)), 415);
	CHECK_INT(submit_lines(" \n\t\n"), 400);
	CHECK_TEXT(problem(), "items_none");
	CHECK_OK(db_command(desk.owner, "UPDATE campaign SET open = false", &err), err);
	CHECK_INT(submit_one(text), 409);
	CHECK_TEXT(problem(), "campaign_closed");
	CHECK_INT(submit_lines(text), 200);
	CHECK_TEXT(line_word(0), "campaign_closed");
	stored(0, 0);
	desk_close();
}

static void *submit_late(void *context)
{
	*(int *)context = submit_one("{\"content\":\"A hailstone on the sill.\"}");
	return NULL;
}

/* The submission reads an open campaign, and must not be journaled behind the entry that closes it. */
TEST(a_submission_that_meets_the_campaigns_close_waits_and_is_refused)
{
	struct wn_error err = {0};
	pthread_t thread;
	int status = 0, waiting = 0;
	static const struct sql_statement look = {
		"submit_test_waiting", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted", 0};
	CHECK_OR_RETURN(desk_open());
	CHECK_OK(db_begin(desk.owner, &err), err);
	CHECK_OK(db_command(desk.owner,
			 "SELECT pg_advisory_xact_lock(hashtextextended('campaign/hail', 0));"
			 "UPDATE campaign SET open = false",
			 &err),
		err);
	CHECK_INT(pthread_create(&thread, NULL, submit_late, &status), 0);
	struct wn_arena arena;
	wn_arena_init(&arena, 1 << 20);
	for (int turn = 0; turn < 2000 && waiting == 0; turn++) {
		struct db_args args;
		struct db_result *result = NULL;
		db_args_init(&args, &arena);
		if (!db_query(desk.owner, &look, &args, &result, &err))
			break;
		waiting = (int)db_int64(result, 0, 0);
		db_done(result);
		poll(NULL, 0, 5);
	}
	wn_arena_free(&arena);
	CHECK_INT(waiting, 1);
	CHECK_OK(db_commit(desk.owner, &err), err);
	pthread_join(thread, NULL);
	CHECK_INT(status, 409);
	CHECK_TEXT(problem(), "campaign_closed");
	stored(0, 0);
	desk_close();
}

TEST(more_lines_than_a_batch_holds_are_refused_whole)
{
	enum { LINE = 4 };
	char *text = malloc((INGEST_BATCH_MAX + 1) * LINE + 1);
	CHECK_OR_RETURN(text && desk_open());
	for (int i = 0; i <= INGEST_BATCH_MAX; i++)
		memcpy(text + i * LINE, "\"a\"\n", LINE);
	CHECK_INT(submit("application/x-ndjson", text, (INGEST_BATCH_MAX + 1) * LINE), 413);
	CHECK_TEXT(problem(), "items_many");
	CHECK_INT(submit("application/x-ndjson", text, INGEST_BATCH_MAX * LINE), 200);
	CHECK_INT(told("refused"), INGEST_BATCH_MAX);
	stored(0, 0);
	free(text);
	desk_close();
}

TEST(a_journal_that_cannot_be_written_leaves_no_item_behind)
{
	struct wn_error err = {0};
	CHECK_OR_RETURN(desk_open());
	CHECK_OK(db_command(desk.owner, "ALTER TABLE journal_entry ADD CHECK (false) NOT VALID", &err), err);
	CHECK(submit_lines("{\"content\":\"one\"}\n{\"content\":\"two\"}") >= 400);
	stored(0, 0);
	CHECK_OK(db_command(desk.owner, "ALTER TABLE journal_entry DROP CONSTRAINT journal_entry_check1", &err), err);
	CHECK_INT(submit_lines("{\"content\":\"one\"}\n{\"content\":\"two\"}"), 200);
	stored(2, 1);
	desk_close();
}
