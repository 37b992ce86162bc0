/* Sources: files that grow, lines that nobody can read, a worker that is killed between two batches. */
#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ingest/ingest_store.h"
#include "ingest/ingest_worker.h"
#include "ingest/source.h"
#include "tests/ingest/counted.h"

SUITE("source")

enum { SOURCE_ARENA = 64 * 1024 * 1024 };

static const struct option *const tables[] = {ingest_options, NULL};

static struct {
	struct options *options;
	struct wn_arena arena;
	void *state;
	char cursor[SOURCE_CURSOR_MAX]; /* as the database would keep it */
	struct source_batch batch;
} reader;

static void reader_open(const char *path)
{
	struct wn_error err = {0};
	reader.options = options_open(tables);
	wn_arena_init(&reader.arena, SOURCE_ARENA);
	CHECK_OK(option_set(reader.options, "ingest.ndjson", path, &err), err);
	struct source_setup setup = {.options = reader.options};
	CHECK_OK(source_ndjson.open(&reader.state, &setup, &err), err);
	reader.cursor[0] = '\0';
}

static void reader_close(void)
{
	source_ndjson.close(reader.state);
	options_close(reader.options);
	wn_arena_free(&reader.arena);
}

/* Pulls one batch; `keep` moves the cursor as a commit would. How many items it has. */
static int64_t pull(bool keep)
{
	struct wn_error err = {0};
	wn_arena_reset(&reader.arena);
	if (!source_ndjson.next(reader.state, &reader.arena, reader.cursor, &reader.batch, &err)) {
		check_text(err.text, "", "next", __FILE__, __LINE__);
		return -1;
	}
	if (keep)
		snprintf(reader.cursor, sizeof reader.cursor, "%s", reader.batch.cursor);
	return (int64_t)reader.batch.count;
}

static void item_is(size_t index, const char *want)
{
	if (CHECK(index < reader.batch.count))
		CHECK_BYTES(reader.batch.items[index].data, reader.batch.items[index].bytes, want, strlen(want));
}

/* Appends; `old` makes the file look as if nobody had written for a minute. */
static void append(const char *path, const char *text, bool old)
{
	FILE *file = fopen(path, "ae");
	CHECK_OR_RETURN(file != NULL);
	CHECK(fputs(text, file) >= 0);
	CHECK_INT(fclose(file), 0);
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};
	if (old) {
		clock_gettime(CLOCK_REALTIME, &times[1]);
		times[1].tv_sec -= 60;
	}
	CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
}

TEST(a_file_is_read_as_it_grows_and_half_a_line_waits_for_its_end)
{
	char path[512];
	snprintf(path, sizeof path, "%s/a.ndjson", test_folder());
	append(path, "one\r\n\n \t\ntwo\nthr", false);
	reader_open(path);
	CHECK_INT(pull(true), 2);
	item_is(0, "one\r");
	item_is(1, "two");
	CHECK_INT(pull(true), 0);
	append(path, "ee\n", false);
	CHECK_INT(pull(true), 1);
	item_is(0, "three");
	/* Nobody writes any more: a last line without its end is a line. */
	append(path, "four", true);
	CHECK_INT(pull(true), 1);
	item_is(0, "four");
	CHECK_INT(pull(true), 0);
	CHECK(!reader.batch.more);
	reader_close();
}

TEST(a_batch_that_was_not_stored_is_handed_out_again)
{
	char path[512];
	snprintf(path, sizeof path, "%s/a.ndjson", test_folder());
	append(path, "one\ntwo\n", true);
	reader_open(path);
	CHECK_INT(pull(false), 2);
	CHECK_INT(pull(true), 2);
	item_is(0, "one");
	CHECK_INT(pull(true), 0);
	reader_close();
}

TEST(a_line_without_end_is_counted_once_and_passed_over)
{
	char path[512];
	static char text[3 * 2 * ITEM_LINE_MAX];
	int64_t items = 0, errors = 0;
	snprintf(path, sizeof path, "%s/a.ndjson", test_folder());
	memset(text, 'x', sizeof text - 1);
	append(path, "one\n", true);
	append(path, text, true);
	append(path, "\ntwo\n", true);
	reader_open(path);
	for (int i = 0; i < 20; i++) {
		items += pull(true);
		errors += reader.batch.errors;
	}
	CHECK_INT(items, 2);
	CHECK_INT(errors, 1);
	reader_close();
}

TEST(a_folder_is_read_in_the_order_of_names_that_the_database_can_hold)
{
	char folder[256], path[512];
	snprintf(folder, sizeof folder, "%s", test_folder());
	static const char *const names[] = {"b.ndjson", "a.ndjson", ".hidden.ndjson", "c.txt", "\xff\xfe.ndjson"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		append(path, names[i], true);
	}
	reader_open(folder);
	char seen[256] = "";
	for (int i = 0; i < 20; i++)
		for (int64_t count = pull(true), j = 0; j < count; j++)
			snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s ", reader.batch.items[j].data);
	CHECK_TEXT(seen, "a.ndjson b.ndjson ");
	snprintf(path, sizeof path, "%s/d.ndjson", folder);
	append(path, "later", true);
	int64_t later = 0;
	for (int i = 0; i < 5; i++)
		later += pull(true);
	CHECK_INT(later, 1);
	reader_close();
}

TEST(a_file_that_lost_its_beginning_is_told)
{
	char path[512];
	struct wn_error err = {0};
	snprintf(path, sizeof path, "%s/a.ndjson", test_folder());
	append(path, "one\ntwo\nthree\n", true);
	reader_open(path);
	CHECK_INT(pull(true), 3);
	CHECK_INT(truncate(path, 0), 0);
	append(path, "four\n", true);
	CHECK(!source_ndjson.next(reader.state, &reader.arena, reader.cursor, &reader.batch, &err));
	CHECK_TEXT(err.code, "ndjson_shrunk");
	reader_close();
}

TEST(what_a_source_hands_over_is_stored_once_with_its_cursor)
{
	char path[512], conninfo[1200], owner_info[1200];
	struct wn_error err = {0};
	struct db *owner = NULL;
	struct node node = {.network = {{7}}};
	struct worker worker = {.node = &node};
	struct key_file key = {0};
	struct account account;
	size_t done;
	bool more, changed;
	sign_start();
	const char *fresh = test_database();
	CHECK_OR_RETURN(fresh != NULL);
	snprintf(owner_info, sizeof owner_info, "%s user=winnow_owner", fresh);
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_ingest", fresh);
	CHECK_OR_RETURN(db_open(&owner, owner_info, &err) && db_open(&worker.db, conninfo, &err));
	wn_arena_init(&worker.arena, ingest_plan->arena_bytes);
	sign_generate(&key.key);
	CHECK_OK(account_insert(owner, &worker.arena, &node.network, &key.key.public_key, ACCOUNT_CONTRIBUTOR, false,
			 NULL, NULL, 1, &account, &changed, &err),
		err);
	CHECK_OK(db_command(owner,
			 "INSERT INTO campaign (name, version, document, created_ms) VALUES ('hail', 1, "
			 "'{\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":"
			 "\"keep\"}],"
			 "\"name\":\"hail\",\"question\":\"Hail?\"}', 0)",
			 &err),
		err);
	snprintf(path, sizeof path, "%s/a.ndjson", test_folder());
	append(path,
		"{\"id\":\"1\",\"text\":\"one\"}\nbroken\n{\"id\":\"2\",\"text\":\"\xff\"}\n{\"id\":\"3\",\"text\":"
		"\"three\"}\n",
		true);
	reader_open(path);
	/* Killed before COMMIT: what it wrote is gone with its cursor, and the next one begins where it began. */
	CHECK_OK(db_command(owner, "ALTER TABLE journal_entry ADD CHECK (false) NOT VALID", &err), err);
	CHECK(!ingest_source_batch(&worker, &source_ndjson, reader.state, "hail", &key, &done, &more, &err));
	db_rollback(worker.db);
	CHECK_INT(counted(owner, "SELECT count(*) FROM item"), 0);
	CHECK_INT(counted(owner, "SELECT count(*) FROM source_cursor"), 0);
	CHECK_OK(db_command(owner, "ALTER TABLE journal_entry DROP CONSTRAINT journal_entry_check1", &err), err);
	for (int i = 0; i < 3; i++) {
		wn_arena_reset(&worker.arena);
		CHECK_OK(ingest_source_batch(&worker, &source_ndjson, reader.state, "hail", &key, &done, &more, &err),
			err);
	}
	CHECK_INT(counted(owner, "SELECT count(*) FROM item"), 2);
	CHECK_INT(counted(owner, "SELECT items FROM source_cursor"), 2);
	CHECK_INT(counted(owner, "SELECT errors FROM source_cursor"), 2);
	CHECK_INT(counted(owner, "SELECT count(*) FROM journal_entry"), 1);
	/* A cursor that was lost: everything comes again, nothing is stored again. */
	CHECK_OK(db_command(owner, "DELETE FROM source_cursor", &err), err);
	wn_arena_reset(&worker.arena);
	CHECK_OK(ingest_source_batch(&worker, &source_ndjson, reader.state, "hail", &key, &done, &more, &err), err);
	CHECK_INT(counted(owner, "SELECT count(*) FROM item"), 2);
	CHECK_INT(counted(owner, "SELECT count(*) FROM journal_entry"), 1);
	reader_close();
	wn_arena_free(&worker.arena);
	db_close(worker.db);
	db_close(owner);
}
