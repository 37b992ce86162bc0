/* The database layer against a real server: values both ways, who is to blame, what a lost connection leaves. */
#include "tests/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/db.h"

SUITE("db")

enum { TEST_ARENA = 16 * 1024 * 1024 };

static struct wn_arena arena;

static bool open_as(struct db **db, const char *base, const char *role)
{
	char conninfo[1200];
	struct wn_error err = {0};
	snprintf(conninfo, sizeof conninfo, "%s user=%s", base, role);
	return check_true(db_open(db, conninfo, &err), err.text, __FILE__, __LINE__);
}

/* A fresh database and `count` connections of the owner to it; the base conninfo, or NULL. */
static const char *open_owners(struct db *out[], int count)
{
	static char base[1100];
	const char *conninfo = test_database();
	if (!conninfo)
		return NULL;
	snprintf(base, sizeof base, "%s", conninfo);
	wn_arena_init(&arena, TEST_ARENA);
	for (int i = 0; i < count; i++)
		if (!open_as(&out[i], base, "winnow_owner"))
			return NULL;
	return base;
}

static bool command(struct db *db, const char *sql)
{
	struct wn_error err = {0};
	return check_true(db_command(db, sql, &err), err.text[0] ? err.text : sql, __FILE__, __LINE__);
}

/* The first column of the first row of a statement without parameters. */
static int64_t number_of(struct db *db, const char *sql)
{
	static int serial;
	char *name = wn_arena_printf(&arena, "test_number_%d", serial++);
	struct sql_statement *statement = wn_arena_alloc(&arena, sizeof *statement);
	struct db_result *result;
	struct wn_error err = {0};
	*statement = (struct sql_statement){name, wn_arena_copy(&arena, sql, strlen(sql)), 0};
	if (!check_true(db_query(db, statement, NULL, &result, &err), err.text, __FILE__, __LINE__))
		return -1;
	int64_t number = db_int64(result, 0, 0);
	db_done(result);
	return number;
}

static bool failed_as(bool done, const struct wn_error *err, enum wn_blame blame, const char *code)
{
	return CHECK(!done) && CHECK_INT(err->blame, blame) && CHECK_TEXT(err->code, code);
}

static const struct sql_statement echo = {"test_echo",
	"SELECT $1::boolean, $2::integer, $3::bigint, $4::bytea, $5::text, $6::text::jsonb ->> 'a', $7::smallint, "
	"NULL::text, $8::bigint",
	8};

TEST(values_come_back_as_they_were_sent)
{
	struct db *db;
	struct db_args args;
	struct db_result *result;
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	const uint8_t bytes[4] = {0, 255, 0, 1};
	uint8_t back[4];
	uint8_t small[2] = {0xff, 0xfe};
	db_args_init(&args, &arena);
	db_arg_bool(&args, true);
	db_arg_int32(&args, INT32_MIN);
	db_arg_int64(&args, INT64_MIN + 1);
	db_arg_bytes(&args, bytes, sizeof bytes);
	db_arg_text(&args, "Grüße");
	db_arg_slice(&args, WN_SLICE("{\"a\":\"b\"}"));
	db_arg_bytes(&args, small, sizeof small);
	db_arg_bytes(&args, NULL, 0);
	CHECK_OK(db_query(db, &echo, &args, &result, &err), err);
	CHECK_OR_RETURN(result != NULL);
	CHECK_INT(db_rows(result), 1);
	CHECK(db_bool(result, 0, 0));
	CHECK_INT(db_int32(result, 0, 1), INT32_MIN);
	CHECK_INT(db_int64(result, 0, 2), INT64_MIN + 1);
	db_copy_id(result, 0, 3, back, sizeof back);
	CHECK_BYTES(back, sizeof back, bytes, sizeof bytes);
	CHECK_TEXT(db_text(result, 0, 4), "Grüße");
	CHECK_TEXT(db_text(result, 0, 5), "b");
	CHECK_INT(db_int32(result, 0, 6), -2);
	CHECK_INT(db_int64(result, 0, 6), -2);
	CHECK(db_is_null(result, 0, 7));
	CHECK(db_text(result, 0, 7) == NULL);
	CHECK(db_slice(result, 0, 7).data == NULL);
	CHECK(db_is_null(result, 0, 8));
	db_done(result);
	db_close(db);
	wn_arena_free(&arena);
}

static const struct sql_statement arrays = {"test_arrays",
	"SELECT i, b, t, y, q, d, array_length($1::integer[], 1) FROM unnest($1::integer[], $2::bigint[], $3::text[], "
	"$4::bytea[], "
	"$5::boolean[], $6::bytea[]) WITH ORDINALITY AS u (i, b, t, y, q, d, n) ORDER BY n",
	6};

TEST(arrays_of_every_type_arrive_whole_with_their_nulls)
{
	struct db *db;
	struct db_args args;
	struct db_result *result;
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	struct row {
		char other;
		uint8_t id[3];
		int64_t between;
	} rows[3] = {{'x', {1, 2, 3}, 0}, {'x', {4, 5, 6}, 0}, {'x', {7, 8, 9}, 0}};
	const int32_t integers[3] = {1, INT32_MIN, INT32_MAX};
	const int64_t bigints[3] = {-1, INT64_MIN, INT64_MAX};
	const struct wn_slice texts[3] = {WN_SLICE("{a,\"b\"}"), {NULL, 0}, {"", 0}};
	const struct wn_slice byteas[3] = {{NULL, 0}, {"\0\1", 2}, {"", 0}};
	const bool truths[3] = {false, true, false};
	for (size_t count = 0; count <= 3; count += 3) {
		db_args_init(&args, &arena);
		db_arg_int32s(&args, integers, count);
		db_arg_int64s(&args, bigints, count);
		db_arg_slices(&args, texts, count);
		db_arg_bytes_array(&args, byteas, count);
		db_arg_bools(&args, truths, count);
		db_arg_ids(&args, rows[0].id, sizeof rows[0], sizeof rows[0].id, count);
		CHECK_OK(db_query(db, &arrays, &args, &result, &err), err);
		CHECK_OR_RETURN(result != NULL);
		CHECK_INT(db_rows(result), (int64_t)count);
		for (size_t i = 0; i < db_rows(result); i++) {
			uint8_t id[3];
			CHECK_INT(db_int32(result, i, 0), integers[i]);
			CHECK_INT(db_int64(result, i, 1), bigints[i]);
			CHECK(db_is_null(result, i, 2) == (texts[i].data == NULL));
			CHECK(wn_slice_equal(db_slice(result, i, 2), texts[i]));
			CHECK(db_is_null(result, i, 3) == (byteas[i].data == NULL));
			CHECK(wn_slice_equal(db_slice(result, i, 3), byteas[i]));
			CHECK(db_bool(result, i, 4) == truths[i]);
			db_copy_id(result, i, 5, id, sizeof id);
			CHECK_BYTES(id, sizeof id, rows[i].id, sizeof id);
		}
		db_done(result);
	}
	db_close(db);
	wn_arena_free(&arena);
}

TEST(a_stored_array_of_numbers_is_read_back)
{
	static const struct sql_statement stored = {"test_stored",
		"SELECT ARRAY[1, -2, 9223372036854775807]::bigint[], '{}'::bigint[], ARRAY[1, NULL]::bigint[], "
		"'{{1},{2}}'::bigint[]",
		0};
	struct db *db;
	struct db_result *result;
	struct wn_error err = {0};
	int64_t *numbers;
	size_t count;
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	CHECK_OK(db_query(db, &stored, NULL, &result, &err), err);
	CHECK_OR_RETURN(result != NULL);
	CHECK_OK(db_int64s(result, 0, 0, &arena, &numbers, &count, &err), err);
	CHECK_INT(count, 3);
	CHECK_INT(numbers[0], 1);
	CHECK_INT(numbers[1], -2);
	CHECK_INT(numbers[2], INT64_MAX);
	CHECK_OK(db_int64s(result, 0, 1, &arena, &numbers, &count, &err), err);
	CHECK_INT(count, 0);
	failed_as(db_int64s(result, 0, 2, &arena, &numbers, &count, &err), &err, WN_INPUT, "db_data");
	failed_as(db_int64s(result, 0, 3, &arena, &numbers, &count, &err), &err, WN_INPUT, "db_data");
	struct wn_arena narrow;
	wn_arena_init(&narrow, 16);
	failed_as(db_int64s(result, 0, 0, &narrow, &numbers, &count, &err), &err, WN_FULL, "memory");
	wn_arena_free(&narrow);
	db_done(result);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(arguments_that_do_not_fit_their_arena_are_refused_before_anything_is_sent)
{
	static const struct sql_statement one = {"test_one", "SELECT $1::bigint[]", 1};
	struct db *db;
	struct db_args args;
	struct db_result *result;
	struct wn_error err = {0};
	struct wn_arena narrow;
	int64_t numbers[100] = {0};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	wn_arena_init(&narrow, 256);
	db_args_init(&args, &narrow);
	db_arg_int64s(&args, numbers, 100);
	CHECK(args.full);
	failed_as(db_query(db, &one, &args, &result, &err), &err, WN_FULL, "memory");
	CHECK(result == NULL);
	db_args_init(&args, &narrow);
	db_arg_int64s(&args, numbers, SIZE_MAX / 4);
	CHECK(args.full);
	CHECK_INT(args.count, 1);
	wn_arena_free(&narrow);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(each_kind_of_violation_has_its_code_and_names_its_constraint)
{
	static const struct sql_statement insert = {"test_violate",
		"INSERT INTO v (id, parent, amount, word) VALUES ($1::integer, $2::integer, $3::integer, $4::text)", 4};
	struct db *db;
	struct db_args args;
	struct wn_error err = {0};
	struct db_result *result;
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	command(db, "CREATE TABLE v (id integer CONSTRAINT v_once PRIMARY KEY, parent integer CONSTRAINT v_parent "
		    "REFERENCES v, "
		    "amount integer CONSTRAINT v_amount CHECK (amount >= 0), word text NOT NULL)");
	static const struct {
		int32_t id, parent, amount;
		const char *word, *code, *constraint;
	} tries[] = {{1, 1, 0, "a", NULL, ""}, {1, 1, 0, "a", "db_unique", "v_once"},
		{2, 9, 0, "a", "db_foreign", "v_parent"}, {3, 3, -1, "a", "db_check", "v_amount"},
		{4, 4, 0, NULL, "db_data", ""}, {5, 5, 0, "\xff", "db_data", ""}, {6, 6, 0, "b", NULL, ""}};
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		db_args_init(&args, &arena);
		db_arg_int32(&args, tries[i].id);
		db_arg_int32(&args, tries[i].parent);
		db_arg_int32(&args, tries[i].amount);
		db_arg_text(&args, tries[i].word);
		bool done = db_query(db, &insert, &args, &result, &err);
		if (tries[i].code)
			failed_as(done, &err, WN_INPUT, tries[i].code);
		else
			CHECK(done && db_affected(result) == 1);
		CHECK(!tries[i].code || strstr(err.text, tries[i].constraint));
		/* What a row holds stays out of the text, which is logged. */
		CHECK(!strstr(err.text, "Key ("));
		CHECK(!strstr(err.text, "Failing row"));
		db_done(result);
	}
	CHECK_INT(number_of(db, "SELECT count(*) FROM v"), 2);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(a_failed_transaction_cannot_be_committed)
{
	struct db *db;
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	command(db, "CREATE TABLE t (a integer CHECK (a > 0))");
	CHECK_OK(db_begin(db, &err), err);
	CHECK(db_in_transaction(db));
	command(db, "INSERT INTO t VALUES (1)");
	failed_as(db_command(db, "INSERT INTO t VALUES (-1)", &err), &err, WN_INPUT, "db_check");
	failed_as(db_command(db, "INSERT INTO t VALUES (2)", &err), &err, WN_INPUT, "db_aborted");
	/* PostgreSQL answers ROLLBACK to this COMMIT and calls it no error. */
	failed_as(db_commit(db, &err), &err, WN_INPUT, "db_aborted");
	db_rollback(db);
	CHECK(!db_in_transaction(db));
	CHECK_INT(number_of(db, "SELECT count(*) FROM t"), 0);
	/* A constraint that waits for COMMIT fails there under its own name. */
	command(db, "CREATE TABLE d (a integer CONSTRAINT d_once UNIQUE DEFERRABLE INITIALLY DEFERRED)");
	CHECK_OK(db_begin(db, &err), err);
	command(db, "INSERT INTO d VALUES (1), (1)");
	failed_as(db_commit(db, &err), &err, WN_INPUT, "db_unique");
	CHECK(strstr(err.text, "d_once") != NULL);
	db_rollback(db);
	CHECK_OK(db_begin(db, &err), err);
	command(db, "INSERT INTO t VALUES (3)");
	db_rollback(db);
	CHECK_OK(db_begin(db, &err), err);
	command(db, "INSERT INTO t VALUES (4)");
	CHECK_OK(db_commit(db, &err), err);
	CHECK_INT(number_of(db, "SELECT sum(a) FROM t"), 4);
	db_close(db);
	wn_arena_free(&arena);
}

/* Ends the other connection's backend, and waits until it is gone. */
static void terminate(struct db *db, int64_t pid)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld, 10000)", (long long)pid);
	command(db, sql);
}

TEST(a_connection_lost_while_committing_leaves_the_outcome_unknown)
{
	struct db *db[2];
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	command(db[0], "CREATE TABLE t (a integer)");
	int64_t pid = number_of(db[0], "SELECT pg_backend_pid()");
	CHECK_OK(db_begin(db[0], &err), err);
	command(db[0], "INSERT INTO t VALUES (1)");
	terminate(db[1], pid);
	failed_as(db_commit(db[0], &err), &err, WN_DOWN, "db_commit_unknown");
	CHECK(!db_connected(db[0]));
	CHECK(!db_in_transaction(db[0]));
	db_rollback(db[0]);
	/* Lost before COMMIT is known: nothing was sent, so nothing is unknown. */
	failed_as(db_commit(db[0], &err), &err, WN_DOWN, "db_down");
	failed_as(db_begin(db[0], &err), &err, WN_DOWN, "db_down");
	CHECK_OK(db_reconnect(db[0], &err), err);
	CHECK(db_connected(db[0]));
	CHECK_INT(number_of(db[0], "SELECT count(*) FROM t"), 0);
	db_close(db[0]);
	db_close(db[1]);
	wn_arena_free(&arena);
}

TEST(a_connection_lost_inside_a_transaction_is_down_and_comes_back_with_its_statements)
{
	struct db *db[2];
	struct db_args args;
	struct db_result *result;
	struct wn_error err = {0};
	static const struct sql_statement add = {"test_add", "INSERT INTO t VALUES ($1::integer)", 1};
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	command(db[0], "CREATE TABLE t (a integer)");
	int64_t pid = number_of(db[0], "SELECT pg_backend_pid()");
	db_args_init(&args, &arena);
	db_arg_int32(&args, 7);
	CHECK_OK(db_begin(db[0], &err), err);
	CHECK_OK(db_query(db[0], &add, &args, NULL, &err), err);
	terminate(db[1], pid);
	failed_as(db_query(db[0], &add, &args, &result, &err), &err, WN_DOWN, "db_down");
	CHECK(result == NULL);
	CHECK(!db_connected(db[0]));
	db_rollback(db[0]);
	CHECK_OK(db_reconnect(db[0], &err), err);
	CHECK_OK(db_begin(db[0], &err), err);
	CHECK_OK(db_query(db[0], &add, &args, NULL, &err), err);
	CHECK_OK(db_commit(db[0], &err), err);
	CHECK_INT(number_of(db[1], "SELECT count(*) FROM t"), 1);
	db_close(db[0]);
	db_close(db[1]);
	wn_arena_free(&arena);
}

struct committer {
	struct db *db;
	struct wn_error err;
	bool done;
};

static void *commit_in_thread(void *context)
{
	struct committer *committer = context;
	committer->done = db_commit(committer->db, &committer->err);
	return NULL;
}

TEST(a_commit_that_stopped_waiting_for_its_standby_is_not_acknowledged)
{
	struct db *db[2];
	struct wn_error err = {0};
	pthread_t thread;
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	command(db[0], "CREATE TABLE t (a integer)");
	int64_t pid = number_of(db[0], "SELECT pg_backend_pid()");
	struct committer committer = {.db = db[0]};
	CHECK_OK(db_begin(db[0], &err), err);
	command(db[0], "INSERT INTO t VALUES (1)");
	command(db[1], "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	command(db[1], "SELECT pg_reload_conf()");
	/* Until every process has read it; only then the commit is sent. */
	for (int i = 0; i < 500 &&
			number_of(db[1], "SELECT (current_setting('synchronous_standby_names') <> '')::integer") != 1;
		i++)
		usleep(10000);
	usleep(200000);
	CHECK_INT(pthread_create(&thread, NULL, commit_in_thread, &committer), 0);
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE pid = %lld AND wait_event = 'SyncRep'",
		(long long)pid);
	bool waits = false;
	for (int i = 0; i < 500 && !waits; i++) {
		waits = number_of(db[1], sql) == 1;
		usleep(10000);
	}
	CHECK(waits);
	snprintf(sql, sizeof sql, "SELECT pg_cancel_backend(%lld)", (long long)pid);
	command(db[1], sql);
	pthread_join(thread, NULL);
	command(db[1], "ALTER SYSTEM RESET synchronous_standby_names");
	command(db[1], "SELECT pg_reload_conf()");
	failed_as(committer.done, &committer.err, WN_DOWN, "db_commit_unknown");
	CHECK(strstr(committer.err.text, "synchronous replication") != NULL);
	/* It is there, but no standby has it: "unknown" is the truth. */
	CHECK_INT(number_of(db[1], "SELECT count(*) FROM t"), 1);
	db_close(db[0]);
	db_close(db[1]);
	wn_arena_free(&arena);
}

TEST(a_conninfo_that_cannot_be_read_is_refused_without_a_word_of_it)
{
	static const char *const conninfos[] = {"port=1 password=first SeCrEt", "SeCrEt", "port=1 password='SeCrEt",
		"port=1 passwort=SeCrEt", "port=SeCrEt", "postgresql://somebody:half@SeCrEt@127.0.0.1:1/winnow",
		"postgresql://somebody:SeCrEt/rest@127.0.0.1:1/winnow", "postgresql://somebody:SeCrEt%zz@127.0.0.1:1/x",
		"postgresql://127.0.0.1:1/winnow@SeCrEt"};
	for (size_t i = 0; i < sizeof conninfos / sizeof *conninfos; i++) {
		struct db *db;
		struct wn_error err = {0};
		failed_as(db_open(&db, conninfos[i], &err), &err, WN_INPUT, "db_conninfo");
		CHECK(strstr(err.text, "SeCrEt") == NULL);
		CHECK(db == NULL);
	}
}

TEST(a_server_that_could_lose_commits_is_refused)
{
	struct db *db, *other;
	struct wn_error err = {0};
	char conninfo[1300], sql[200];
	const char *base = open_owners(&db, 1);
	CHECK_OR_RETURN(base != NULL);
	const char *name = strstr(base, "dbname=test_") + strlen("dbname=");
	static const char *const undo[2] = {"ALTER ROLE winnow_serve RESET synchronous_commit", NULL};
	for (int way = 0; way < 2; way++) {
		snprintf(sql, sizeof sql,
			way ? "ALTER DATABASE %s SET synchronous_commit = off"
			    : "ALTER ROLE winnow_serve SET synchronous_commit = off",
			name);
		command(db, sql);
		snprintf(conninfo, sizeof conninfo, "%s user=winnow_serve", base);
		failed_as(db_open(&other, conninfo, &err), &err, WN_DOWN, "db_unsafe");
		CHECK(strstr(err.text, "synchronous_commit") != NULL);
		CHECK(other == NULL);
		if (undo[way])
			command(db, undo[way]);
	}
	/* Also when it became unsafe while we were connected. */
	failed_as(db_reconnect(db, &err), &err, WN_DOWN, "db_unsafe");
	CHECK(!db_connected(db));
	failed_as(db_command(db, "SELECT 1", &err), &err, WN_DOWN, "db_down");
	db_close(db);
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_nobody", base);
	failed_as(db_open(&other, conninfo, &err), &err, WN_DOWN, "db_down");
	CHECK(!strchr(err.text, '\n'));
	failed_as(db_open(&other, "host=/nowhere user=winnow_serve dbname=winnow", &err), &err, WN_DOWN, "db_down");
	db_close(NULL);
	wn_arena_free(&arena);
}

TEST(a_conflict_or_a_timeout_is_busy_and_a_limit_is_full)
{
	struct db *db[2];
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	command(db[0], "CREATE TABLE t (a integer PRIMARY KEY, b integer)");
	command(db[0], "INSERT INTO t VALUES (1, 0), (2, 0)");
	command(db[1], "SET lock_timeout = '50ms'");
	CHECK_OK(db_begin(db[0], &err), err);
	CHECK_OK(db_begin(db[1], &err), err);
	command(db[0], "UPDATE t SET b = 1 WHERE a = 1");
	failed_as(db_command(db[1], "UPDATE t SET b = 2 WHERE a = 1", &err), &err, WN_BUSY, "db_busy");
	db_rollback(db[1]);
	CHECK_OK(db_commit(db[0], &err), err);
	/* A serialization failure asks for the same. */
	command(db[0], "BEGIN ISOLATION LEVEL REPEATABLE READ");
	number_of(db[0], "SELECT count(*) FROM t");
	command(db[1], "UPDATE t SET b = 3 WHERE a = 2");
	failed_as(db_command(db[0], "UPDATE t SET b = 4 WHERE a = 2", &err), &err, WN_BUSY, "db_busy");
	db_rollback(db[0]);
	command(db[0], "SET statement_timeout = '50ms'");
	failed_as(db_command(db[0], "SELECT pg_sleep(10)", &err), &err, WN_BUSY, "db_busy");
	command(db[1], "SET work_mem = '64kB'; SET temp_file_limit = '64kB'");
	failed_as(db_command(db[1], "SELECT count(DISTINCT n) FROM generate_series(1, 100000) AS g (n)", &err), &err,
		WN_FULL, "db_full");
	db_close(db[0]);
	db_close(db[1]);
	wn_arena_free(&arena);
}

TEST(rows_are_copied_in_binary_small_and_large)
{
	enum { ROWS = 5000, LARGE = 300000 };
	struct db *db;
	struct db_args row;
	struct wn_error err = {0};
	int64_t rows = 0;
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	command(db, "CREATE TABLE c (a bigint PRIMARY KEY, b bytea, t text, i integer[])");
	char *large = malloc(LARGE);
	CHECK_OR_RETURN(large != NULL);
	memset(large, 'x', LARGE);
	CHECK_OK(db_begin(db, &err), err);
	CHECK_OK(db_copy_begin(db, "COPY c (a, b, t, i) FROM STDIN (FORMAT binary)", &err), err);
	for (int32_t i = 0; i < ROWS; i++) {
		wn_arena_reset(&arena);
		db_args_init(&row, &arena);
		db_arg_int64(&row, i);
		db_arg_bytes(&row, large, (size_t)(i % 1000 == 0 ? LARGE : i % 50));
		db_arg_text(&row, i % 2 ? "odd" : NULL);
		db_arg_int32s(&row, &i, 1);
		CHECK_OK(db_copy_row(db, &row, &err), err);
	}
	CHECK_OK(db_copy_end(db, &rows, &err), err);
	CHECK_OK(db_commit(db, &err), err);
	CHECK_INT(rows, ROWS);
	CHECK_INT(number_of(db, "SELECT count(*) FROM c WHERE octet_length(b) = CASE WHEN a % 1000 = 0 THEN 300000 "
				"ELSE a % 50 END AND "
				"(t IS NULL) = (a % 2 = 0) AND i = ARRAY[a::integer]"),
		ROWS);
	/* A row that the table refuses fails the whole COPY, and the connection goes on. */
	CHECK_OK(db_begin(db, &err), err);
	CHECK_OK(db_copy_begin(db, "COPY c (a, b, t, i) FROM STDIN (FORMAT binary)", &err), err);
	CHECK_OK(db_copy_row(db, &row, &err), err);
	failed_as(db_copy_end(db, &rows, &err), &err, WN_INPUT, "db_unique");
	CHECK(strstr(err.text, "c_pkey") != NULL);
	db_rollback(db);
	/* So does one that was given up halfway. */
	CHECK_OK(db_begin(db, &err), err);
	CHECK_OK(db_copy_begin(db, "COPY c (a, b, t, i) FROM STDIN (FORMAT binary)", &err), err);
	CHECK_OK(db_copy_row(db, &row, &err), err);
	db_rollback(db);
	CHECK(!db_in_transaction(db));
	failed_as(db_copy_begin(db, "COPY nothing FROM STDIN (FORMAT binary)", &err), &err, WN_DOWN, "db_error");
	CHECK_INT(number_of(db, "SELECT count(*) FROM c"), ROWS);
	free(large);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(a_notification_wakes_who_listens)
{
	struct db *db[2];
	struct wn_error err = {0};
	bool woken = true;
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	command(db[0], "LISTEN winnow_test");
	int64_t begun_ms = clock_monotonic_ms();
	CHECK_OK(db_wait(db[0], -1, 60, &woken, &err), err);
	CHECK(!woken);
	CHECK(clock_monotonic_ms() - begun_ms >= 60);
	command(db[1], "NOTIFY winnow_test; NOTIFY winnow_test, 'again'");
	CHECK_OK(db_wait(db[0], -1, 10000, &woken, &err), err);
	CHECK(woken);
	/* It may also have come with the answer of another statement. */
	command(db[1], "NOTIFY winnow_test");
	command(db[0], "SELECT 1");
	begun_ms = clock_monotonic_ms();
	CHECK_OK(db_wait(db[0], -1, 10000, &woken, &err), err);
	CHECK(woken);
	CHECK(clock_monotonic_ms() - begun_ms < 5000);
	/* Only what commits is told, and only to whom listens. */
	CHECK_OK(db_begin(db[1], &err), err);
	command(db[1], "NOTIFY winnow_test");
	db_rollback(db[1]);
	command(db[1], "NOTIFY winnow_other");
	CHECK_OK(db_wait(db[0], -1, 50, &woken, &err), err);
	CHECK(!woken);
	/* A stop that came before the wait began is not slept through. */
	int stop = eventfd(1, EFD_CLOEXEC);
	begun_ms = clock_monotonic_ms();
	CHECK_OK(db_wait(db[0], stop, 10000, &woken, &err), err);
	CHECK(!woken);
	CHECK(clock_monotonic_ms() - begun_ms < 5000);
	close(stop);
	terminate(db[1], number_of(db[0], "SELECT pg_backend_pid()"));
	failed_as(db_wait(db[0], -1, 10000, &woken, &err), &err, WN_DOWN, "db_down");
	db_close(db[0]);
	db_close(db[1]);
	wn_arena_free(&arena);
}

static void on_alarm(int number)
{
	(void)number;
}

TEST(a_signal_ends_the_wait)
{
	struct db *db;
	struct wn_error err = {0};
	bool woken = true;
	struct sigaction before, action = {.sa_handler = on_alarm};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	sigaction(SIGALRM, &action, &before);
	int64_t begun_ms = clock_monotonic_ms();
	ualarm(50000, 0);
	CHECK_OK(db_wait(db, -1, 20000, &woken, &err), err);
	CHECK(!woken);
	CHECK(clock_monotonic_ms() - begun_ms < 10000);
	sigaction(SIGALRM, &before, NULL);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(a_lock_has_one_holder_and_goes_with_its_connection)
{
	struct db *db[2];
	struct wn_error err = {0};
	bool got = false;
	CHECK_OR_RETURN(open_owners(db, 2) != NULL);
	CHECK_OK(db_try_lock(db[0], INT64_MIN + 5, &got, &err), err);
	CHECK(got);
	CHECK_OK(db_try_lock(db[1], INT64_MIN + 5, &got, &err), err);
	CHECK(!got);
	CHECK_OK(db_try_lock(db[1], INT64_MIN + 6, &got, &err), err);
	CHECK(got);
	db_close(db[0]);
	for (int i = 0; i < 500; i++) {
		CHECK_OK(db_try_lock(db[1], INT64_MIN + 5, &got, &err), err);
		if (got)
			break;
		usleep(10000);
	}
	CHECK(got);
	db_close(db[1]);
	wn_arena_free(&arena);
}

TEST(many_statements_are_prepared_once_each)
{
	enum { STATEMENTS = 600 };
	static struct sql_statement statements[STATEMENTS];
	static char names[STATEMENTS][24];
	struct db *db;
	struct db_result *result;
	struct wn_error err = {0};
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < STATEMENTS; i++) {
			snprintf(names[i], sizeof names[i], "test_many_%d", i);
			statements[i] = (struct sql_statement){names[i], "SELECT 1", 0};
			CHECK_OK(db_query(db, &statements[i], NULL, &result, &err), err);
			db_done(result);
		}
	CHECK_INT(number_of(db, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'test\\_many\\_%'"),
		STATEMENTS);
	db_close(db);
	wn_arena_free(&arena);
}

TEST(notices_and_warnings_stay_out_of_our_output)
{
	struct db *db;
	CHECK_OR_RETURN(open_owners(&db, 1) != NULL);
	char path[300], text[100];
	snprintf(path, sizeof path, "%s/stderr", test_folder());
	fflush(stderr);
	int kept = dup(2), file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK_OR_RETURN(kept >= 0 && file >= 0);
	dup2(file, 2);
	command(db, "DROP TABLE IF EXISTS not_there");
	command(db, "DO $$ BEGIN RAISE WARNING 'watch out'; END $$");
	fflush(stderr);
	dup2(kept, 2);
	CHECK_INT(pread(file, text, sizeof text, 0), 0);
	close(file);
	close(kept);
	db_close(db);
	wn_arena_free(&arena);
}
