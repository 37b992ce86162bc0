/* The linker on a real PostgreSQL: batches, restarts, kills, rivals, and what outsiders can check afterwards. */
#include "gpu_embed/embed_worker.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/hash.h"
#include "core/json.h"
#include "core/states.h"
#include "gpu_embed/embed_store.h"
#include "gpu_embed/index_file.h"
#include "gpu_embed/norm.h"
#include "tests/check.h"
#include "tests/gpu_embed/corpus.h"

SUITE("embed_worker")

enum { ARENA_BYTES = 256 * 1024 * 1024, CONNINFO_ROOM = 1200, ITEMS_MAX = 2000 };

static const char text_campaign[] = "{\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","
				    "\"verdict\":\"keep\"}],\"name\":\"hail\","
				    "\"question\":\"?\"}";
static const char strict_campaign[] =
	"{\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":\"keep\"}],"
	"\"dedup\":{\"denominator\":20,\"numerator\":19},\"name\":\"strict\",\"question\":\"?\"}";
static const char window_campaign[] =
	"{\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":\"keep\"}],"
	"\"kind\":\"window\",\"name\":\"air\",\"question\":\"?\"}";

static const struct sql_statement insert_campaign = {"test_campaign",
	"INSERT INTO campaign (name, version, document, created_ms) VALUES ($1::text, 1, $2::bytea, 0)", 2};
static const struct sql_statement insert_account = {"test_account",
	"INSERT INTO account (key, roles, salt, commitment, registered_ms) VALUES ($1::bytea, 1, $1::bytea, $1::bytea, "
	"0)",
	1};
static const struct sql_statement insert_item = {"test_item",
	"INSERT INTO item (item_id, campaign, contributor, kind, source, source_id, canonical, salt, content, "
	"arrived_ms) "
	"VALUES ($1::bytea, $2::text, $3::bytea, $4::integer::smallint, 'direct', $5::text, ''::bytea, $1::bytea, "
	"$6::text, 0)",
	6};
static const struct sql_statement select_linked = {"test_linked",
	"SELECT s.link_seq, s.item_id, s.seq, s.leader, s.shingles, i.state, i.content, i.campaign, v.origin, "
	"v.cluster, v.method, v.numerator, "
	"v.denominator, v.spec_version, v.nearest, v.nearest_numerator, v.nearest_denominator, s.norm_sha256, i.kind "
	"FROM dedup_signature s JOIN dedup_verdict v USING (item_id) JOIN item i USING (item_id) ORDER BY s.link_seq",
	0};
static const struct sql_statement select_entries = {
	"test_entries", "SELECT body FROM journal_entry ORDER BY entry_id", 0};
static const struct sql_statement select_waiting = {"test_waiting", "SELECT count(*) FROM item WHERE state = 0", 0};

/* A database with campaigns and a contributor; `owner` writes what ingest would, `embed` is the role under test. */
struct place {
	char conninfo[CONNINFO_ROOM];
	struct wn_arena arena, batch_arena;
	struct db *owner, *embed;
	struct account_key contributor;
	uint64_t item_count;
};

static bool open_as(const struct place *place, const char *role, struct db **out)
{
	char conninfo[CONNINFO_ROOM + 40];
	struct wn_error err = {0};
	snprintf(conninfo, sizeof conninfo, "%s user=%s", place->conninfo, role);
	return check_true(db_open(out, conninfo, &err), err.text, __FILE__, __LINE__);
}

static void put_campaign(struct place *place, const char *name, const char *document)
{
	struct db_args args;
	struct wn_error err = {0};
	db_args_init(&args, &place->arena);
	db_arg_text(&args, name);
	db_arg_bytes(&args, document, strlen(document));
	CHECK_OK(db_query(place->owner, &insert_campaign, &args, NULL, &err), err);
}

static bool place_open(struct place *place)
{
	const char *conninfo = test_database();
	struct db_args args;
	struct wn_error err = {0};
	*place = (struct place){0};
	if (!conninfo)
		return false;
	snprintf(place->conninfo, sizeof place->conninfo, "%s", conninfo);
	wn_arena_init(&place->arena, ARENA_BYTES);
	wn_arena_init(&place->batch_arena, ARENA_BYTES);
	if (!open_as(place, "winnow_owner", &place->owner) || !open_as(place, "winnow_embed", &place->embed))
		return false;
	memset(place->contributor.bytes, 9, ID_BYTES);
	db_args_init(&args, &place->arena);
	db_arg_bytes(&args, place->contributor.bytes, ID_BYTES);
	CHECK_OK(db_query(place->owner, &insert_account, &args, NULL, &err), err);
	put_campaign(place, "hail", text_campaign);
	put_campaign(place, "strict", strict_campaign);
	put_campaign(place, "air", window_campaign);
	return true;
}

static void place_close(struct place *place)
{
	db_close(place->owner);
	db_close(place->embed);
	wn_arena_free(&place->arena);
	wn_arena_free(&place->batch_arena);
}

static void submit_by(struct place *place, struct db *db, uint64_t number, const char *campaign, enum item_kind kind,
	const char *content)
{
	struct db_args args;
	struct item_id id;
	struct wn_error err = {0};
	char source_id[32];
	snprintf(source_id, sizeof source_id, "%llu", (unsigned long long)number);
	corpus_id(number, &id);
	db_args_init(&args, &place->arena);
	db_arg_bytes(&args, id.bytes, ID_BYTES);
	db_arg_text(&args, campaign);
	db_arg_bytes(&args, place->contributor.bytes, ID_BYTES);
	db_arg_int32(&args, kind);
	db_arg_text(&args, source_id);
	db_arg_text(&args, content);
	CHECK_OK(db_query(db, &insert_item, &args, NULL, &err), err);
}

/* Returns the number under which corpus_id() makes the item's id. */
static uint64_t submit(struct place *place, const char *campaign, const char *content)
{
	uint64_t number = place->item_count++;
	submit_by(
		place, place->owner, number, campaign, strcmp(campaign, "air") == 0 ? ITEM_WINDOW : ITEM_TEXT, content);
	return number;
}

/* A stream of posts with copies and edits in it. */
static void submit_stream(struct place *place, uint64_t random, size_t count)
{
	static char texts[ITEMS_MAX][CORPUS_POST_ROOM];
	wn_assert(count <= ITEMS_MAX);
	for (size_t i = 0; i < count; i++) {
		unsigned script = (unsigned)(i % CORPUS_SCRIPTS);
		size_t back =
			i < CORPUS_SCRIPTS ? 0 : (1 + test_random(&random) % (i / CORPUS_SCRIPTS)) * CORPUS_SCRIPTS;
		uint64_t chance = test_random(&random) % 10;
		if (back > 0 && chance < 1)
			memmove(texts[i], texts[i - back], CORPUS_POST_ROOM);
		else if (back > 0 && chance < 5)
			corpus_edit(&random, script, texts[i - back], texts[i]);
		else
			corpus_post(&random, script, 1 + (unsigned)(test_random(&random) % 30), texts[i]);
		submit(place, chance == 9 ? "strict" : "hail", texts[i]);
	}
}

static struct embed_loop *loop_open(size_t batch_items)
{
	struct embed_loop *loop = NULL;
	struct wn_error err = {0};
	CHECK_OK(embed_loop_open(&loop, NULL, 0, batch_items, &err), err);
	return loop;
}

/* With its index in files of a few leaders each. */
static struct embed_loop *loop_open_folder(size_t batch_items, const char *folder)
{
	struct embed_loop *loop = loop_open(batch_items);
	embed_loop_folder(loop, folder, 8);
	return loop;
}

static const char *index_folder(char out[512])
{
	static int number;
	snprintf(out, 512, "%s/linker-%d", test_folder(), number++);
	return out;
}

static size_t batch(struct place *place, struct embed_loop *loop)
{
	struct wn_error err = {0};
	size_t done = 0;
	wn_arena_reset(&place->batch_arena);
	CHECK_OK(embed_loop_batch(loop, place->embed, &place->batch_arena, &done, &err), err);
	return done;
}

static size_t batches(struct place *place, struct embed_loop *loop)
{
	size_t all = 0, done;
	while ((done = batch(place, loop)) > 0)
		all += done;
	return all;
}

static int64_t waiting(struct place *place)
{
	struct db_args args;
	struct db_result *result;
	struct wn_error err = {0};
	db_args_init(&args, &place->arena);
	if (!check_true(db_query(place->owner, &select_waiting, &args, &result, &err), err.text, __FILE__, __LINE__))
		return -1;
	int64_t count = db_int64(result, 0, 0);
	db_done(result);
	return count;
}

static struct db_result *linked_rows(struct place *place)
{
	struct db_args args;
	struct db_result *result = NULL;
	struct wn_error err = {0};
	db_args_init(&args, &place->arena);
	CHECK_OK(db_query(place->owner, &select_linked, &args, &result, &err), err);
	return result;
}

static void check_id(const struct db_result *result, size_t row, int column, const struct item_id *want)
{
	struct wn_slice got = db_slice(result, row, column);
	CHECK_BYTES(got.data, got.bytes, want->bytes, ID_BYTES);
}

/* The entries name each row once, in the linker's order, with what the row says. */
static void check_journal(struct place *place, const struct db_result *rows)
{
	struct db_args args;
	struct db_result *entries;
	struct wn_error err = {0};
	size_t row = 0;
	db_args_init(&args, &place->arena);
	CHECK_OK(db_query(place->owner, &select_entries, &args, &entries, &err), err);
	for (size_t e = 0; e < db_rows(entries); e++) {
		const struct json *entry;
		struct wn_slice body = db_slice(entries, e, 0);
		CHECK_OK(json_parse(&place->arena, body.data, body.bytes, &entry, &err), err);
		CHECK_TEXT(json_member_string(entry, "type", ""), "duplicates");
		const struct json *items = json_get(entry, "items");
		for (size_t i = 0; i < items->count && row < db_rows(rows); i++, row++) {
			char hex[ID_HEX_ROOM];
			int64_t numerator = -1, denominator = -1, version = -1;
			const struct json *item = items->elements[i];
			CHECK_TEXT(json_member_string(item, "item", ""),
				hex_write(hex, db_slice(rows, row, 1).data, ID_BYTES));
			CHECK_TEXT(json_member_string(item, "origin", ""),
				hex_write(hex, db_slice(rows, row, 8).data, ID_BYTES));
			CHECK_TEXT(json_member_string(item, "cluster", ""),
				hex_write(hex, db_slice(rows, row, 9).data, ID_BYTES));
			CHECK_TEXT(json_member_string(item, "method", ""),
				dup_method_name((enum dup_method)db_int32(rows, row, 10)));
			json_integer(json_get(item, "numerator"), &numerator);
			json_integer(json_get(item, "denominator"), &denominator);
			json_integer(json_get(item, "spec_version"), &version);
			CHECK_INT(numerator, db_int32(rows, row, 11));
			CHECK_INT(denominator, db_int32(rows, row, 12));
			CHECK_INT(version, EMBED_SPEC_VERSION);
			CHECK_INT(json_get(item, "nearest") == NULL, db_is_null(rows, row, 14));
			if (!db_is_null(rows, row, 14))
				CHECK_TEXT(json_member_string(item, "nearest", ""),
					hex_write(hex, db_slice(rows, row, 14).data, ID_BYTES));
		}
	}
	CHECK_INT(row, db_rows(rows));
	db_done(entries);
}

/*
 * Everything that was linked is what a linker gives that sees the same posts in the order of link_seq, with no database
 * and no batches; nothing is missing or there twice; states and journal agree.
 */
static void check_everything(struct place *place, size_t count)
{
	struct db_result *rows = linked_rows(place);
	struct signer *signer;
	struct linker *linker;
	struct wn_error err = {0};
	CHECK_INT(waiting(place), 0);
	if (!rows || !CHECK_INT((int64_t)db_rows(rows), (int64_t)count) || !CHECK(signer_open(&signer, NULL, &err)) ||
		!CHECK(linker_open(&linker, &err)))
		return;
	for (size_t row = 0; row < count; row++) {
		struct signed_content content = {
			.kind = (enum item_kind)db_int32(rows, row, 18), .content = db_slice(rows, row, 6)};
		const char *campaign = db_text(rows, row, 7);
		struct linker_verdict want;
		wn_arena_reset(&place->batch_arena);
		CHECK_OK(signer_sign(signer, &place->batch_arena, &content, 1, &err), err);
		struct linker_post post = corpus_linker_post(&content, 0);
		db_copy_id(rows, row, 1, post.item.bytes, ID_BYTES);
		post.campaign = (uint64_t)campaign[0];
		if (strcmp(campaign, "strict") == 0) {
			post.numerator = 19;
			post.denominator = 20;
		}
		CHECK_OK(linker_link(linker, &post, &want, &err), err);
		CHECK_INT(db_int64(rows, row, 0), (int64_t)row + 1);
		check_id(rows, row, 8, &want.origin);
		check_id(rows, row, 9, &want.cluster);
		CHECK_INT(db_int32(rows, row, 10), want.method);
		CHECK_INT(db_int32(rows, row, 11), want.numerator);
		CHECK_INT(db_int32(rows, row, 12), want.denominator);
		CHECK_INT(db_int32(rows, row, 13), EMBED_SPEC_VERSION);
		CHECK_INT(db_is_null(rows, row, 14), !want.has_nearest);
		if (want.has_nearest)
			check_id(rows, row, 14, &want.nearest);
		CHECK_INT(db_int32(rows, row, 15), want.nearest_numerator);
		CHECK_INT(db_int32(rows, row, 16), want.nearest_denominator);
		CHECK_INT(db_bool(rows, row, 3), want.method == DUP_NONE);
		CHECK_INT(db_int32(rows, row, 4), content.size);
		CHECK_INT(db_int32(rows, row, 5), want.method == DUP_NONE ? ITEM_EMBEDDED : ITEM_DUPLICATE);
		CHECK_BYTES(
			db_slice(rows, row, 17).data, db_slice(rows, row, 17).bytes, content.normal.bytes, ID_BYTES);
	}
	check_journal(place, rows);
	linker_close(linker);
	signer_close(signer);
	db_done(rows);
}

TEST(sequential_items_are_linked_in_order_of_arrival)
{
	struct place place;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(7);
	submit_stream(&place, test_seed(), 300);
	CHECK_INT(batches(&place, loop), 300);
	struct db_result *rows = linked_rows(&place);
	for (size_t row = 1; rows && row < db_rows(rows); row++)
		CHECK(db_int64(rows, row, 2) > db_int64(rows, row - 1, 2));
	db_done(rows);
	check_everything(&place, 300);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(duplicates_are_found_across_restarts)
{
	static const char first[] =
		"Storm warning for the whole northern coast tonight, with gusts and very heavy rain. Stay at home.";
	static const char edited[] = "RT @coast: storm warning for the whole northern coast tonight, with gusts and "
				     "very heavy rain. Stay at home";
	struct place place;
	CHECK_OR_RETURN(place_open(&place));
	uint64_t numbers[5];
	static const enum dup_method methods[5] = {DUP_NONE, DUP_EXACT, DUP_MINHASH, DUP_NORMALISED, DUP_NONE};
	const char *const texts[5] = {first, first, edited,
		"storm  WARNING for the whole northern coast tonight, with gusts and very heavy rain. stay at home.",
		"Nothing but sunshine over the southern valleys, and a little wind towards the evening hours."};
	for (size_t i = 0; i < 5; i++) {
		struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
		numbers[i] = submit(&place, "hail", texts[i]);
		CHECK_INT(batches(&place, loop), 1);
		embed_loop_close(loop);
	}
	struct db_result *rows = linked_rows(&place);
	CHECK_OR_RETURN(rows && db_rows(rows) == 5);
	for (size_t i = 0; i < 5; i++) {
		struct item_id origin;
		corpus_id(i < 4 ? numbers[0] : numbers[4], &origin);
		check_id(rows, i, 8, &origin);
		check_id(rows, i, 9, &origin);
		CHECK_INT(db_int32(rows, i, 10), methods[i]);
	}
	db_done(rows);
	check_everything(&place, 5);
	place_close(&place);
}

/* Files in a folder whose names begin so. */
static int files_of(const char *folder, const char *prefix)
{
	int count = 0;
	DIR *listed = opendir(folder);
	struct dirent *entry;
	while (listed && (entry = readdir(listed)))
		count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (listed)
		closedir(listed);
	return count;
}

TEST(the_index_in_files_goes_on_across_restarts_and_says_what_one_in_memory_says)
{
	enum { ITEMS = 900 };
	struct place place;
	char folder[512];
	uint64_t random = test_seed() + 8;
	size_t linked = 0;
	CHECK_OR_RETURN(place_open(&place));
	index_folder(folder);
	submit_stream(&place, random, ITEMS);
	while (linked < ITEMS) {
		struct embed_loop *loop = loop_open_folder(1 + test_random(&random) % 60, folder);
		for (unsigned turn = 0; turn < 1 + test_random(&random) % 6; turn++)
			linked += batch(&place, loop);
		if (test_random(&random) % 2)
			embed_loop_settle(loop);
		embed_loop_close(loop);
	}
	check_everything(&place, ITEMS);
	CHECK(files_of(folder, "leaders-") > 30);
	CHECK_INT(files_of(folder, "keys-"), 1);
	place_close(&place);
}

TEST(an_index_of_another_database_is_not_believed)
{
	struct place place;
	char folder[512];
	index_folder(folder);
	for (unsigned turn = 0; turn < 3; turn++) {
		CHECK_OR_RETURN(place_open(&place));
		struct embed_loop *loop = loop_open_folder(50, folder);
		submit_stream(&place, test_seed() + 20 + turn, 200);
		/* Other items have other ids: what the folder knows of the database before would name them. */
		char sql[160];
		struct wn_error err = {0};
		snprintf(sql, sizeof sql, "UPDATE item SET item_id = sha256(item_id || '%u')", turn);
		CHECK_OK(db_command(place.owner, sql, &err), err);
		CHECK_INT(batches(&place, loop), 200);
		check_everything(&place, 200);
		embed_loop_settle(loop);
		embed_loop_close(loop);
		place_close(&place);
	}
}

/* Of a file of keys, all lines emptied and all sums made again. */
static bool system_keys_emptied(const char *folder)
{
	DIR *listed = opendir(folder);
	struct dirent *entry;
	bool done = false;
	while (listed && (entry = readdir(listed))) {
		struct index_file *file;
		struct index_writer writer;
		struct wn_error err = {0};
		if (strncmp(entry->d_name, "keys-", 5) != 0)
			continue;
		CHECK_OK(index_file_open(&file, dirfd(listed), entry->d_name, INDEX_KEYS, &err), err);
		CHECK_OK(index_writer_open(&writer, dirfd(listed), entry->d_name, file->header, &err), err);
		CHECK_OK(index_writer_done(&writer, &err), err);
		index_file_close(file);
		done = true;
	}
	if (listed)
		closedir(listed);
	return done;
}

TEST(an_index_that_knows_more_or_other_than_the_database_is_read_anew)
{
	static const char text[] =
		"these words were linked once, and then their item was erased or brought back from a copy";
	struct place place;
	struct wn_error err = {0};
	char folder[512];
	CHECK_OR_RETURN(place_open(&place));
	index_folder(folder);
	struct embed_loop *loop = loop_open_folder(50, folder);
	submit(&place, "hail", text);
	submit_stream(&place, test_seed() + 30, 150);
	CHECK_INT(batches(&place, loop), 151);
	embed_loop_settle(loop);
	/* Erasure takes the mark of a leader away: nothing may repeat it any more, whether the linker runs or starts.
	 */
	CHECK_OK(db_command(place.owner,
			 "UPDATE dedup_signature SET leader = false, norm_sha256 = sha256(norm_sha256) WHERE link_seq "
			 "= 1",
			 &err),
		err);
	uint64_t number = submit(&place, "hail", text);
	CHECK_INT(batch(&place, loop), 1);
	struct db_result *rows = linked_rows(&place);
	struct item_id origin;
	corpus_id(number, &origin);
	check_id(rows, 151, 8, &origin);
	CHECK_INT(db_int32(rows, 151, 10), DUP_NONE);
	db_done(rows);
	/* And what the index lacks is noticed by the database: keys that lead nowhere, with sums that are right. */
	embed_loop_close(loop);
	CHECK(system_keys_emptied(folder));
	loop = loop_open_folder(50, folder);
	submit(&place, "hail", text);
	submit_stream(&place, test_seed() + 30, 100);
	CHECK_INT(batches(&place, loop), 101);
	rows = linked_rows(&place);
	check_id(rows, 152, 8, &origin);
	for (size_t row = 153; row < db_rows(rows); row++)
		CHECK(db_int32(rows, row, 10) != DUP_NONE);
	db_done(rows);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(windows_are_matched_by_their_bytes_and_campaigns_stay_apart)
{
	static const char window[] = "{\"channels\":[{\"exponent\":-1,\"name\":\"t\",\"unit\":\"Cel\"}],\"device\":"
				     "\"a\",\"samples\":[[1,201],[2,202],[3,204]]}";
	static const char later[] = "{\"channels\":[{\"exponent\":-1,\"name\":\"t\",\"unit\":\"Cel\"}],\"device\":"
				    "\"a\",\"samples\":[[4,201],[5,202],[6,204]]}";
	static const char text[] = "the same words go to two campaigns, which do not know of each other at all";
	static const char near[] = "the same words go to two campaigns, which do not know of each other at all!!";
	struct place place;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	submit(&place, "air", window);
	submit(&place, "air", later);
	submit(&place, "air", window);
	submit(&place, "hail", text);
	submit(&place, "strict", text);
	submit(&place, "hail", near);
	submit(&place, "strict", "the same words go to two campaigns, which do not know of each other in fact");
	static const enum dup_method methods[7] = {
		DUP_NONE, DUP_NONE, DUP_EXACT, DUP_NONE, DUP_NONE, DUP_MINHASH, DUP_NONE};
	CHECK_INT(batch(&place, loop), 7);
	struct db_result *rows = linked_rows(&place);
	for (size_t i = 0; rows && i < db_rows(rows); i++)
		CHECK_INT(db_int32(rows, i, 10), methods[i]);
	/* In the strict campaign a similarity of 0.8 is no repetition, and is told. */
	CHECK(rows && !db_is_null(rows, 6, 14));
	db_done(rows);
	check_everything(&place, 7);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(a_failed_batch_leaves_nothing_and_the_index_forgets_it)
{
	static const char text[] = "first seen in a batch that failed at its very end, so it was never seen at all";
	struct place place;
	struct wn_error err = {0};
	size_t done;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	submit(&place, "hail", "something that was linked long before that, and will be there afterwards");
	CHECK_INT(batch(&place, loop), 1);
	submit(&place, "hail", text);
	/* The journal refuses, the last statement of the transaction. */
	CHECK_OK(db_command(place.owner, "REVOKE INSERT ON journal_entry FROM winnow_embed", &err), err);
	wn_arena_reset(&place.batch_arena);
	CHECK(!embed_loop_batch(loop, place.embed, &place.batch_arena, &done, &err));
	CHECK_INT(done, 0);
	CHECK(!db_in_transaction(place.embed));
	CHECK_INT(waiting(&place), 1);
	wn_error_reset(&err);
	CHECK_OK(db_command(place.owner, "GRANT INSERT ON journal_entry TO winnow_embed", &err), err);
	submit(&place, "hail", text);
	CHECK_INT(batches(&place, loop), 2);
	check_everything(&place, 3);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(a_lost_connection_costs_nothing)
{
	struct place place;
	struct wn_error err = {0};
	size_t done;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(20);
	submit_stream(&place, test_seed() + 1, 100);
	CHECK_INT(batch(&place, loop), 20);
	CHECK_OK(db_command(place.owner,
			 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'winnow_embed'", &err),
		err);
	wn_arena_reset(&place.batch_arena);
	CHECK(!embed_loop_batch(loop, place.embed, &place.batch_arena, &done, &err));
	CHECK_INT(err.blame, WN_DOWN);
	wn_error_reset(&err);
	CHECK_OK(db_reconnect(place.embed, &err), err);
	CHECK_INT(batches(&place, loop), 80);
	check_everything(&place, 100);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(a_second_linker_that_wakes_up_late_takes_in_what_the_first_did)
{
	struct place place;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *first = loop_open(10), *second = loop_open(10);
	submit_stream(&place, test_seed() + 2, 120);
	for (unsigned turn = 0; turn < 12; turn++)
		CHECK_INT(batch(&place, turn % 3 ? first : second), 10);
	check_everything(&place, 120);
	embed_loop_close(first);
	embed_loop_close(second);
	place_close(&place);
}

/* A linker of its own process that goes on until nothing waits, whatever fails; it ends by _exit() or by a kill. */
static pid_t linker_process(const struct place *place, size_t batch_items, const char *folder)
{
	fflush(stdout);
	pid_t child = fork();
	if (child != 0)
		return child;
	struct wn_arena arena;
	struct wn_error err = {0};
	struct embed_loop *loop;
	struct db *db;
	size_t done = 1;
	char conninfo[CONNINFO_ROOM + 40];
	snprintf(conninfo, sizeof conninfo, "%s user=winnow_embed", place->conninfo);
	wn_arena_init(&arena, ARENA_BYTES);
	if (!db_open(&db, conninfo, &err) || !embed_loop_open(&loop, NULL, 0, batch_items, &err))
		_exit(2);
	if (folder)
		embed_loop_folder(loop, folder, 8);
	while (done > 0) {
		wn_arena_reset(&arena);
		if (!embed_loop_batch(loop, db, &arena, &done, &err))
			done = 1; /* again */
	}
	_exit(0);
}

TEST(a_linker_that_is_killed_at_any_moment_goes_on_as_if_nothing_was)
{
	enum { ITEMS = 600, KILLS = 25 };
	struct place place;
	uint64_t random = test_seed() + 3;
	char folder[512];
	int kills = 0;
	index_folder(folder);
	CHECK_OR_RETURN(place_open(&place));
	submit_stream(&place, random, ITEMS);
	while (kills < KILLS && waiting(&place) > 0) {
		pid_t child = linker_process(&place, 5, folder);
		CHECK_OR_RETURN(child > 0);
		/* Long enough to have connected, mostly, and too short to be done. */
		struct timespec pause = {0, (long)(5 + test_random(&random) % 40) * 1000000};
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		kills++;
	}
	CHECK(kills > 3);
	struct embed_loop *loop = loop_open_folder(EMBED_BATCH_MAX, folder);
	batches(&place, loop);
	embed_loop_close(loop);
	check_everything(&place, ITEMS);
	place_close(&place);
}

TEST(linkers_that_run_against_the_rules_at_the_same_time_still_agree)
{
	enum { ITEMS = 400, RIVALS = 3 };
	struct place place;
	pid_t rivals[RIVALS];
	char folder[512];
	index_folder(folder);
	CHECK_OR_RETURN(place_open(&place));
	submit_stream(&place, test_seed() + 4, ITEMS);
	for (size_t i = 0; i < RIVALS; i++)
		CHECK((rivals[i] = linker_process(&place, 4, folder)) > 0);
	for (size_t i = 0; i < RIVALS; i++) {
		int status = -1;
		waitpid(rivals[i], &status, 0);
		CHECK_INT(status, 0);
	}
	check_everything(&place, ITEMS);
	place_close(&place);
}

TEST(an_item_that_commits_late_is_linked_after_those_that_overtook_it)
{
	static const char text[] =
		"two people send the same words at the same time, and one connection is slow to commit";
	struct place place;
	struct db *slow;
	struct wn_error err = {0};
	CHECK_OR_RETURN(place_open(&place));
	CHECK_OR_RETURN(open_as(&place, "winnow_owner", &slow));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	CHECK_OK(db_begin(slow, &err), err);
	submit_by(&place, slow, 100, "hail", ITEM_TEXT, text);
	submit_by(&place, place.owner, 101, "hail", ITEM_TEXT, text);
	CHECK_INT(batch(&place, loop), 1);
	CHECK_OK(db_commit(slow, &err), err);
	CHECK_INT(batch(&place, loop), 1);
	struct db_result *rows = linked_rows(&place);
	CHECK_OR_RETURN(rows && db_rows(rows) == 2);
	struct item_id origin;
	corpus_id(101, &origin);
	CHECK(db_int64(rows, 0, 2) > db_int64(rows, 1, 2));
	check_id(rows, 1, 8, &origin);
	CHECK_INT(db_int32(rows, 1, 10), DUP_EXACT);
	db_done(rows);
	check_everything(&place, 2);
	embed_loop_close(loop);
	db_close(slow);
	place_close(&place);
}

TEST(a_stored_signature_that_its_content_does_not_give_stops_the_linker)
{
	struct place place;
	struct wn_error err = {0};
	size_t done;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	submit(&place, "hail", "these words will be changed behind the back of the linker, which must notice it");
	CHECK_INT(batch(&place, loop), 1);
	embed_loop_close(loop);
	CHECK_OK(db_command(place.owner, "UPDATE item SET content = content || '.'", &err), err);
	loop = loop_open(EMBED_BATCH_MAX);
	wn_arena_reset(&place.batch_arena);
	CHECK(!embed_loop_batch(loop, place.embed, &place.batch_arena, &done, &err));
	CHECK_TEXT(err.code, "embed_signature");
	CHECK_INT(err.blame, WN_DOWN);
	embed_loop_close(loop);
	place_close(&place);
}

TEST(the_panels_are_woken_with_the_commit)
{
	struct place place;
	struct db *panels;
	struct wn_error err = {0};
	bool woken;
	CHECK_OR_RETURN(place_open(&place));
	CHECK_OR_RETURN(open_as(&place, "winnow_tally", &panels));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	CHECK_OK(db_command(panels, "LISTEN winnow_embedded", &err), err);
	CHECK_INT(batch(&place, loop), 0);
	CHECK_OK(db_wait(panels, -1, 50, &woken, &err), err);
	CHECK(!woken);
	submit(&place, "hail", "somebody should look at this");
	CHECK_INT(batch(&place, loop), 1);
	CHECK_OK(db_wait(panels, -1, 5000, &woken, &err), err);
	CHECK(woken);
	embed_loop_close(loop);
	db_close(panels);
	place_close(&place);
}

/* Waits until nothing is left to link, at most ten seconds. */
static void await_linked(struct place *place)
{
	struct timespec pause = {0, 5000000};
	for (unsigned turn = 0; turn < 2000 && waiting(place) > 0; turn++)
		nanosleep(&pause, NULL);
	CHECK_INT(waiting(place), 0);
}

TEST(the_role_runs_on_its_own_rights_and_only_once)
{
	enum { ROLES = 2 };
	static struct node node;
	struct place place;
	pid_t roles[ROLES];
	struct wn_error err = {0};
	CHECK_OR_RETURN(place_open(&place));
	submit_stream(&place, test_seed() + 6, 300);
	CHECK_OR_RETURN(strlen(place.conninfo) < sizeof node.database);
	strcpy(node.database, place.conninfo);
	struct options *options = options_open((const struct option *const[]){embed_options, NULL});
	CHECK_OK(option_set(options, "embed.backend", "ref", &err), err);
	node.options = options;
	fflush(stdout);
	for (size_t i = 0; i < ROLES; i++) {
		roles[i] = fork();
		if (roles[i] == 0)
			_exit(worker_run(&node, &embed_plan, 1));
		CHECK_OR_RETURN(roles[i] > 0);
	}
	await_linked(&place);
	/* The one that was elected ends, the other one takes over. */
	for (size_t i = 0; i < ROLES; i++) {
		submit_stream(&place, test_seed() + 7 + i, 50);
		CHECK_OK(db_command(place.owner, "NOTIFY winnow_item", &err), err);
		await_linked(&place);
		int status = -1;
		kill(roles[i], SIGTERM);
		waitpid(roles[i], &status, 0);
		CHECK_INT(status, 0);
	}
	check_everything(&place, 400);
	place_close(&place);
}

TEST(a_full_batch_of_the_longest_items_fits)
{
	enum { LONG = NORM_BYTES_MAX };
	struct place place;
	CHECK_OR_RETURN(place_open(&place));
	struct embed_loop *loop = loop_open(EMBED_BATCH_MAX);
	char *text = malloc(LONG + 1);
	uint64_t random = test_seed() + 5;
	wn_assert(text != NULL);
	for (size_t i = 0; i < EMBED_BATCH_MAX; i++) {
		for (size_t c = 0; c < LONG; c++)
			text[c] = (char)('a' + test_random(&random) % 26);
		text[LONG] = '\0';
		submit(&place, "hail", text);
	}
	struct wn_error err = {0};
	struct wn_arena arena;
	size_t done = 0;
	wn_arena_init(&arena, embed_plan->arena_bytes);
	CHECK_OK(embed_loop_batch(loop, place.embed, &arena, &done, &err), err);
	CHECK_INT(done, EMBED_BATCH_MAX);
	wn_arena_free(&arena);
	/* And the index is read again under the same ceiling. */
	embed_loop_close(loop);
	loop = loop_open(EMBED_BATCH_MAX);
	submit(&place, "hail", text);
	CHECK_INT(batch(&place, loop), 1);
	embed_loop_close(loop);
	place_close(&place);
	free(text);
}
