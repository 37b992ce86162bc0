/* Requests that are answered together: one transaction for all, and one that the database refuses costs only itself. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "tests/check.h"
#include "tests/web/served.h"
#include "web/exchange.h"

SUITE("batch")

enum { MANY = 64, BATCH_ARENA = 16 * 1024 * 1024 };

static int transactions;

static bool words_post(struct exchange *const exchanges[], size_t count, struct wn_arena *arena, struct wn_error *err)
{
	static const struct sql_statement keep = {.name = "batch_test_keep",
		.text = "INSERT INTO idempotency (key, idempotency, fingerprint, status, body, created_ms) "
			"SELECT '\\x626174', convert_from(u.word, 'UTF8'), '\\x00', 200, u.word, 0 "
			"FROM unnest($1::bytea[]) AS u (word)",
		.parameters = 1};
	struct wn_slice *words = wn_arena_array(arena, count, sizeof *words);
	struct db_args args;
	wn_assert(words != NULL);
	transactions++;
	for (size_t i = 0; i < count; i++)
		words[i] = exchanges[i]->request.body;
	db_args_init(&args, arena);
	db_arg_bytes_array(&args, words, count);
	if (!db_begin(exchanges[0]->db, err) || !db_query(exchanges[0]->db, &keep, &args, NULL, err) ||
		!db_commit(exchanges[0]->db, err))
		return false;
	for (size_t i = 0; i < count; i++)
		exchange_ok(exchanges[i], 200, WN_SLICE("{}"), err);
	return true;
}

static const struct route route = {.method = "POST",
	.pattern = "/test/words",
	.body_max = 64,
	.handle_many = words_post,
	.summary = "keeps a word"};

static struct exchange exchanges[MANY];
static struct wn_arena arenas[MANY];
static char words[MANY][16];

/* Sends MANY words at once; those whose bit is set in `bad` are no UTF-8. How many transactions it took. */
static int words_run(const struct node *node, struct db *db, const char *prefix, uint64_t bad)
{
	struct exchange *list[MANY];
	struct wn_arena arena;
	wn_arena_init(&arena, BATCH_ARENA);
	for (int i = 0; i < MANY; i++) {
		wn_arena_init(&arenas[i], 1 << 20);
		snprintf(words[i], sizeof words[i], "%s%d", prefix, i);
		if (bad >> i & 1)
			words[i][0] = (char)0xff;
		exchanges[i] = (struct exchange){.node = node,
			.db = db,
			.arena = &arenas[i],
			.route = &route,
			.body_file = -1,
			.request = {.method = WN_SLICE("POST"),
				.authority = WN_SLICE("x"),
				.target = WN_SLICE("/test/words"),
				.body = wn_slice_of(words[i])}};
		list[i] = &exchanges[i];
	}
	transactions = 0;
	exchange_run_many(list, MANY, &arena);
	for (int i = 0; i < MANY; i++)
		wn_arena_free(&arenas[i]);
	wn_arena_free(&arena);
	return transactions;
}

/* The bits of those that were answered with this status. */
static uint64_t words_answered(int status)
{
	uint64_t bits = 0;
	for (int i = 0; i < MANY; i++)
		bits |= (uint64_t)(exchanges[i].status == status) << i;
	return bits;
}

static int64_t number(struct db *db, const char *sql)
{
	static char name[32];
	static int serial;
	snprintf(name, sizeof name, "batch_test_%d", ++serial);
	struct sql_statement statement = {.name = name, .text = sql, .parameters = 0};
	struct wn_error err = {0};
	struct db_result *result = NULL;
	int64_t value = -1;
	bool read = db_query(db, &statement, NULL, &result, &err);
	CHECK_OK(read, err);
	if (read)
		value = db_int64(result, 0, 0);
	db_done(result);
	return value;
}

#define KEPT(prefix) "SELECT count(*) FROM idempotency WHERE key = '\\x626174' AND idempotency LIKE '" prefix "%'"

TEST(of_many_requests_in_one_transaction_those_that_the_database_refuses_cost_only_themselves)
{
	const struct node *node = served_node(false);
	const uint64_t one = 1ULL << 40, three = 1ULL << 63 | 1ULL << 17 | 1;
	struct db *db = NULL;
	struct wn_error err = {0};
	CHECK_OR_RETURN(node != NULL);
	CHECK_OK(node_connect(node, "winnow_serve", &db, &err), err);
	CHECK_INT(words_run(node, db, "fine", 0), 1);
	CHECK_INT(words_answered(200), ~0ULL);
	CHECK_INT(number(db, KEPT("fine")), MANY);
	/* One of sixty-four is found by halving six times. */
	CHECK_INT(words_run(node, db, "one", one), 1 + 2 * 6);
	CHECK_INT(words_answered(200), ~one);
	CHECK_INT(words_answered(400), one);
	CHECK_INT(number(db, KEPT("one")), MANY - 1);
	words_run(node, db, "three", three);
	CHECK_INT(words_answered(200), ~three);
	CHECK_INT(words_answered(400), three);
	CHECK_INT(number(db, KEPT("three")), MANY - 3);
	CHECK_INT(words_run(node, db, "none", ~0ULL), 2 * MANY - 1);
	CHECK_INT(words_answered(400), ~0ULL);
	CHECK(!db_in_transaction(db));
	db_close(db);
}

TEST(a_lost_connection_is_told_to_all_and_not_tried_for_each)
{
	const struct node *node = served_node(false);
	struct db *db = NULL;
	struct wn_error err = {0};
	char sql[96];
	CHECK_OR_RETURN(node != NULL);
	CHECK_OK(node_connect(node, "winnow_serve", &db, &err), err);
	/* It looks whole until it is used. */
	snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld)",
		(long long)number(db, "SELECT pg_backend_pid()::bigint"));
	CHECK_OK(db_command(served_owner(), sql, &err), err);
	CHECK_INT(words_run(node, db, "lost", 0), 1);
	CHECK_INT(words_answered(503), ~0ULL);
	CHECK_INT(number(served_owner(), KEPT("lost")), 0);
	db_close(db);
}
