/* The journal in a real database: numbering under concurrency and kills, proofs at every size, checkpoints, tampering,
 * rights. */
#include "tests/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/hash.h"
#include "core/journal_audit.h"
#include "core/journal_store.h"
#include "core/seal_worker.h"
#include "sql_core.h"

SUITE("journal")

#define FOREIGN "tests/foreign/checkpoint_verify.py"
enum { ARENA_BYTES = 64 * 1024 * 1024, CONNINFO_MAX = 1024, TURNS_MAX = 20000 };
enum { PROOF_SIZES = 70, CHECKPOINTS = 30, FLAT_ENTRIES = 20000 };
enum { APPENDERS = 8, APPENDS = 60, ENTRIES_MAX = APPENDERS * APPENDS * 2 };

struct log {
	char conninfo[CONNINFO_MAX];
	struct db *serve, *seal, *owner;
	struct wn_arena arena;
	struct wn_error err;
	struct network_id network;
	struct sign_key key;
	struct sha256 genesis;
};

static struct db *log_connect(const struct log *log, const char *role)
{
	char conninfo[CONNINFO_MAX + 32];
	struct wn_error err = {0};
	struct db *db = NULL;
	snprintf(conninfo, sizeof conninfo, "%s user=%s", log->conninfo, role);
	CHECK_OK(db_open(&db, conninfo, &err), err);
	return db;
}

/* The body of an entry, not canonical on purpose. */
static struct wn_slice entry_body(struct wn_arena *arena, const char *type, int64_t number)
{
	return wn_slice_of(wn_arena_printf(arena, "{\"type\": \"%s\", \"time_ms\": %lld, \"number\": %lld}", type,
		(long long)(1000 + number), (long long)number));
}

static bool log_append(struct db *db, struct wn_arena *arena, const char *type, int64_t number, struct sha256 *leaf,
	struct wn_error *err)
{
	return db_begin(db, err) && journal_append(db, arena, entry_body(arena, type, number), leaf, err) &&
	       db_commit(db, err);
}

static bool log_open(struct log *log)
{
	const char *conninfo = test_database();
	*log = (struct log){0};
	if (!conninfo)
		return false;
	snprintf(log->conninfo, sizeof log->conninfo, "%s", conninfo);
	wn_arena_init(&log->arena, ARENA_BYTES);
	sign_start();
	sign_generate(&log->key);
	log->serve = log_connect(log, "winnow_serve");
	log->seal = log_connect(log, "winnow_seal");
	log->owner = log_connect(log, "winnow_owner");
	if (!log->serve || !log->seal || !log->owner)
		return false;
	struct wn_slice body, text = entry_body(&log->arena, "genesis", 0);
	CHECK_OK(jcs_canonical(&log->arena, text.data, text.bytes, &body, &log->err), log->err);
	struct sha256 hash;
	sha256_of(body.data, body.bytes, &hash);
	memcpy(log->network.bytes, hash.bytes, ID_BYTES);
	CHECK_OK(log_append(log->serve, &log->arena, "genesis", 0, &log->genesis, &log->err), log->err);
	return log->err.code[0] == '\0';
}

static void log_close(struct log *log)
{
	db_close(log->serve);
	db_close(log->seal);
	db_close(log->owner);
	wn_arena_free(&log->arena);
}

/* Turns until one numbers nothing. */
static size_t log_sequence(struct log *log)
{
	size_t all = 0, numbered = 1;
	for (int i = 0; i < TURNS_MAX && numbered > 0; i++) {
		if (!journal_sequence(log->seal, &log->arena, &numbered, &log->err)) {
			CHECK_TEXT(log->err.text, "");
			break;
		}
		all += numbered;
	}
	return all;
}

static bool log_checkpoint(struct log *log, int64_t now_ms)
{
	bool written = false;
	CHECK_OK(journal_checkpoint(log->seal, &log->arena, &log->network, &log->key, now_ms, &written, &log->err),
		log->err);
	return written;
}

static uint64_t log_position(struct log *log, const struct sha256 *leaf)
{
	uint64_t position = 0;
	CHECK_OK(journal_find(log->serve, &log->arena, leaf, &position, &log->err), log->err);
	return position;
}

/* ---- appending and reading ---- */

TEST(an_entry_is_kept_in_its_canonical_form_and_found_by_its_leaf_hash)
{
	static const char text[] = " {\"time_ms\": 5, \"z\": [1, 2], \"type\": \"clock\", \"a\": \"\\u00e9\"} ";
	static const char canonical[] = "{\"a\":\"\xc3\xa9\",\"time_ms\":5,\"type\":\"clock\",\"z\":[1,2]}";
	struct log log;
	struct sha256 leaf, want, unknown = {{1}};
	struct journal_entry *entries;
	size_t found;
	if (!log_open(&log))
		return;
	CHECK_OK(db_begin(log.serve, &log.err), log.err);
	CHECK_OK(journal_append(log.serve, &log.arena, WN_SLICE(text), &leaf, &log.err), log.err);
	CHECK_OK(db_commit(log.serve, &log.err), log.err);
	tree_leaf(canonical, strlen(canonical), &want);
	CHECK_BYTES(leaf.bytes, ID_BYTES, want.bytes, ID_BYTES);
	CHECK(log_position(&log, &leaf) == UINT64_MAX);
	CHECK_OK(journal_read(log.serve, &log.arena, 0, 10, &entries, &found, &log.err), log.err);
	CHECK_INT(found, 0);
	CHECK_INT(log_sequence(&log), 2);
	CHECK(log_position(&log, &log.genesis) == 0);
	CHECK(log_position(&log, &leaf) == 1);
	CHECK_OK(journal_read(log.serve, &log.arena, 1, 10, &entries, &found, &log.err), log.err);
	CHECK_INT(found, 1);
	CHECK(entries[0].position == 1);
	CHECK_TEXT(entries[0].body.data, canonical);
	CHECK_OK(journal_read(log.serve, &log.arena, UINT64_MAX, 10, &entries, &found, &log.err), log.err);
	CHECK_INT(found, 0);
	uint64_t position;
	CHECK(!journal_find(log.serve, &log.arena, &unknown, &position, &log.err));
	CHECK_TEXT(log.err.code, "journal_unknown");
	log_close(&log);
}

TEST(what_is_no_entry_is_refused_and_leaves_nothing)
{
	static const struct {
		const char *text, *code;
	} entries[] = {
		{"{\"time_ms\":1}", "journal_entry"},
		{"{\"type\":\"a\"}", "journal_entry"},
		{"{\"type\":1,\"time_ms\":1}", "journal_entry"},
		{"{\"type\":\"a\",\"time_ms\":\"1\"}", "journal_entry"},
		{"[]", "journal_entry"},
		{"{\"type\":\"a\",\"time_ms\":1.5}", "json_number"},
		{"{\"type\":\"a\",\"time_ms\":1", "json_syntax"},
		{"", "json_syntax"},
	};
	struct log log;
	if (!log_open(&log))
		return;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		CHECK_OK(db_begin(log.serve, &log.err), log.err);
		CHECK(!journal_append(log.serve, &log.arena, wn_slice_of(entries[i].text), NULL, &log.err));
		CHECK_TEXT(log.err.code, entries[i].code);
		db_rollback(log.serve);
	}
	/* The largest that fits, and one byte more. */
	for (size_t more = 0; more < 2; more++) {
		struct wn_text text;
		wn_text_init(&text, &log.arena);
		wn_text_add_string(&text, "{\"time_ms\":1,\"type\":\"large\",\"x\":[\"");
		const size_t bytes = JOURNAL_ENTRY_MAX + more - strlen("\"]}");
		for (size_t i = 1; text.bytes < bytes; i++)
			wn_text_add_string(&text, i % 1000 == 0 && bytes - text.bytes > 3 ? "\",\"" : "y");
		wn_text_add_string(&text, "\"]}");
		CHECK_INT(text.bytes, JOURNAL_ENTRY_MAX + more);
		CHECK_OK(db_begin(log.serve, &log.err), log.err);
		bool appended =
			journal_append(log.serve, &log.arena, (struct wn_slice){text.data, text.bytes}, NULL, &log.err);
		if (more == 0)
			CHECK_OK(appended, log.err);
		else
			CHECK(!appended);
		if (appended)
			CHECK_OK(db_commit(log.serve, &log.err), log.err);
		else
			db_rollback(log.serve);
	}
	CHECK_TEXT(log.err.code, "journal_entry_large");
	CHECK_INT(log.err.blame, WN_FULL);
	CHECK_INT(log_sequence(&log), 2);
	CHECK(log_checkpoint(&log, 1));
	log_close(&log);
}

TEST(large_entries_are_read_in_pieces_that_lose_none)
{
	enum { LARGE = 24, LARGE_BYTES = 1000000 };
	struct log log;
	struct journal_entry *entries;
	struct journal_audit audit;
	size_t found;
	if (!log_open(&log))
		return;
	char *filler = wn_arena_alloc(&log.arena, LARGE_BYTES + 1);
	CHECK_OR_RETURN(filler != NULL);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		filler[i] = i % 50000 == 49999 ? ',' : "0123456789"[i % 10];
	for (int n = 0; n < LARGE; n++) {
		struct wn_arena arena;
		struct wn_text text;
		wn_arena_init(&arena, ARENA_BYTES);
		wn_text_init(&text, &arena);
		wn_text_printf(&text, "{\"time_ms\":%d,\"type\":\"large\",\"x\":[\"", n);
		for (size_t i = 0; i < LARGE_BYTES; i += 50000) {
			wn_text_add(&text, filler + i, 49999);
			wn_text_add_string(&text, i + 50000 < LARGE_BYTES ? "\",\"" : "\"]}");
		}
		CHECK_OK(db_begin(log.serve, &log.err), log.err);
		CHECK_OK(journal_append(log.serve, &arena, (struct wn_slice){text.data, text.bytes}, NULL, &log.err),
			log.err);
		CHECK_OK(db_commit(log.serve, &log.err), log.err);
		wn_arena_free(&arena);
	}
	CHECK_INT(log_sequence(&log), LARGE + 1);
	uint64_t next = 0;
	int pieces = 0;
	do {
		CHECK_OK(journal_read(log.serve, &log.arena, next, 1000, &entries, &found, &log.err), log.err);
		for (size_t i = 0; i < found; i++)
			CHECK(entries[i].position == next + i);
		next += found;
		pieces += found > 0;
		wn_arena_reset(&log.arena);
	} while (found > 0 && pieces < LARGE);
	CHECK(next == LARGE + 1);
	CHECK(pieces > 1);
	CHECK(log_checkpoint(&log, 1));
	CHECK_OK(journal_audit(log.serve, &log.arena, &log.network, &log.key.public_key, &audit, &log.err), log.err);
	CHECK(audit.entries == LARGE + 1);
	log_close(&log);
}

/* ---- the order of positions ---- */

TEST(a_lower_id_that_commits_late_is_waited_for_and_not_lost)
{
	struct log log;
	struct sha256 early, late;
	if (!log_open(&log))
		return;
	CHECK_INT(log_sequence(&log), 1);
	struct db *slow = log_connect(&log, "winnow_ingest");
	CHECK_OK(db_begin(slow, &log.err), log.err);
	CHECK_OK(journal_append(slow, &log.arena, entry_body(&log.arena, "items", 1), &early, &log.err), log.err);
	CHECK_OK(log_append(log.serve, &log.arena, "items", 2, &late, &log.err), log.err);
	for (int i = 0; i < 5; i++)
		CHECK_INT(log_sequence(&log), 0);
	CHECK_OK(db_commit(slow, &log.err), log.err);
	CHECK_INT(log_sequence(&log), 2);
	CHECK(log_position(&log, &early) == 1);
	CHECK(log_position(&log, &late) == 2);
	db_close(slow);
	log_close(&log);
}

TEST(an_id_that_was_rolled_back_is_passed_over)
{
	struct log log;
	struct sha256 gone, kept;
	if (!log_open(&log))
		return;
	struct db *slow = log_connect(&log, "winnow_ingest");
	CHECK_OK(db_begin(slow, &log.err), log.err);
	CHECK_OK(journal_append(slow, &log.arena, entry_body(&log.arena, "items", 1), &gone, &log.err), log.err);
	CHECK_OK(log_append(log.serve, &log.arena, "items", 2, &kept, &log.err), log.err);
	CHECK_INT(log_sequence(&log), 0);
	db_rollback(slow);
	CHECK_INT(log_sequence(&log), 2);
	CHECK(log_position(&log, &kept) == 1);
	uint64_t position;
	CHECK(!journal_find(log.serve, &log.arena, &gone, &position, &log.err));
	/* Nothing but what was rolled back: the sequencer comes to rest, and goes on afterwards. */
	CHECK_OK(db_begin(slow, &log.err), log.err);
	CHECK_OK(journal_append(slow, &log.arena, entry_body(&log.arena, "items", 3), &gone, &log.err), log.err);
	db_rollback(slow);
	CHECK_INT(log_sequence(&log), 0);
	CHECK_OK(log_append(slow, &log.arena, "items", 4, &kept, &log.err), log.err);
	CHECK_INT(log_sequence(&log), 1);
	CHECK(log_position(&log, &kept) == 2);
	db_close(slow);
	log_close(&log);
}

/*
 * A vote counts if and only if its entry precedes the one that closed its round. Here the closing transaction has the
 * lower transaction number, and a third one in between keeps the snapshot's xmin below the vote's: numbering whatever
 * lies below xmin would put the closing entry first.
 */
TEST(a_vote_under_the_rounds_lock_precedes_the_close_that_waited_for_it)
{
	struct log log;
	struct sha256 vote, closed;
	if (!log_open(&log))
		return;
	CHECK_INT(log_sequence(&log), 1);
	struct db *closer = log_connect(&log, "winnow_tally"), *between = log_connect(&log, "winnow_ingest");
	CHECK_OK(db_begin(closer, &log.err), log.err);
	CHECK_OK(db_command(closer, "SELECT pg_current_xact_id()", &log.err), log.err);
	CHECK_OK(db_begin(between, &log.err), log.err);
	CHECK_OK(db_command(between, "SELECT pg_current_xact_id()", &log.err), log.err);
	CHECK_OK(log_append(log.serve, &log.arena, "ballot", 1, &vote, &log.err), log.err);
	CHECK_OK(journal_append(closer, &log.arena, entry_body(&log.arena, "commit_closed", 2), &closed, &log.err),
		log.err);
	CHECK_OK(db_commit(closer, &log.err), log.err);
	log_sequence(&log);
	CHECK(log_position(&log, &closed) == UINT64_MAX || log_position(&log, &vote) == 1);
	db_rollback(between);
	log_sequence(&log);
	CHECK(log_position(&log, &vote) == 1);
	CHECK(log_position(&log, &closed) == 2);
	db_close(closer);
	db_close(between);
	log_close(&log);
}

/* What the sequencer's proof stands on: drawing an id fails here, and the transaction has its number nevertheless. */
TEST(a_transaction_draws_its_number_before_an_id)
{
	static const struct sql_statement assigned = {
		"assigned", "SELECT pg_current_xact_id_if_assigned() IS NOT NULL", 0};
	struct log log;
	struct db_result *result;
	if (!log_open(&log))
		return;
	CHECK_OK(db_command(log.owner, "ALTER SEQUENCE journal_entry_id MAXVALUE 1; SELECT nextval('journal_entry_id')",
			 &log.err),
		log.err);
	for (int appends = 0; appends < 2; appends++) {
		CHECK_OK(db_begin(log.serve, &log.err), log.err);
		CHECK_OK(db_command(log.serve, "SAVEPOINT a", &log.err), log.err);
		if (appends)
			CHECK(!journal_append(
				log.serve, &log.arena, entry_body(&log.arena, "items", 1), NULL, &log.err));
		CHECK_OK(db_command(log.serve, "ROLLBACK TO a", &log.err), log.err);
		CHECK_OK(db_query(log.serve, &assigned, NULL, &result, &log.err), log.err);
		CHECK(db_bool(result, 0, 0) == (appends == 1));
		db_done(result);
		db_rollback(log.serve);
	}
	log_close(&log);
}

TEST(the_first_entry_is_genesis_or_nothing_is_numbered)
{
	struct log log;
	size_t numbered;
	if (!log_open(&log))
		return;
	CHECK_OK(db_command(log.owner,
			 "INSERT INTO network (network_id, genesis, checkpoint_key, clock_manual, clock_ms) "
			 "VALUES (decode(repeat('00', 32), 'hex'), 'another', decode(repeat('00', 32), 'hex'), false, "
			 "0)",
			 &log.err),
		log.err);
	CHECK(!journal_sequence(log.seal, &log.arena, &numbered, &log.err));
	CHECK_TEXT(log.err.code, "journal_broken");
	CHECK(!db_in_transaction(log.seal));
	log.err = (struct wn_error){0};
	CHECK_OK(db_command(log.owner, "UPDATE network SET genesis = (SELECT body FROM journal_entry)", &log.err),
		log.err);
	CHECK_INT(log_sequence(&log), 1);
	log_close(&log);
}

TEST(a_mark_from_another_servers_history_is_replaced)
{
	struct log log;
	struct sha256 leaf;
	size_t numbered;
	if (!log_open(&log))
		return;
	CHECK_INT(log_sequence(&log), 1);
	CHECK_OK(log_append(log.serve, &log.arena, "items", 1, &leaf, &log.err), log.err);
	CHECK_OK(
		db_command(log.owner, "UPDATE journal_mark SET xid = '4611686018427387904', entry_id = 1000", &log.err),
		log.err);
	CHECK_INT(log_sequence(&log), 1);
	CHECK_OK(log_append(log.serve, &log.arena, "items", 2, &leaf, &log.err), log.err);
	CHECK_INT(log_sequence(&log), 1);
	CHECK(log_position(&log, &leaf) == 2);
	/* A sequence that was set back would number new entries below old ones. */
	CHECK_OK(db_command(log.owner, "SELECT setval('journal_entry_id', 0)", &log.err), log.err);
	CHECK(!journal_sequence(log.seal, &log.arena, &numbered, &log.err));
	CHECK_TEXT(log.err.code, "journal_broken");
	log_close(&log);
}

TEST(a_second_sequencer_is_noticed)
{
	struct log log;
	struct journal_mark mark;
	struct sha256 leaf;
	if (!log_open(&log))
		return;
	CHECK_OK(journal_store_mark(log.seal, &mark, &log.err), log.err);
	CHECK_INT(log_sequence(&log), 1);
	CHECK_OK(log_append(log.serve, &log.arena, "items", 1, &leaf, &log.err), log.err);
	CHECK(!journal_store_mark_move(log.seal, &log.arena, &mark, mark.done_id, 7, true, &log.err));
	CHECK_TEXT(log.err.code, "journal_second");
	CHECK_INT(log.err.blame, WN_BUSY);
	log.err = (struct wn_error){0};
	CHECK_INT(log_sequence(&log), 1);
	log_close(&log);
}

/* ---- concurrent appenders ---- */

struct appended {
	struct sha256 leaf;
	int64_t started, ended; /* ticks around the transaction */
	uint64_t position;
};
struct appender {
	const struct log *log;
	uint64_t seed;
	int number;
	size_t count;
	struct appended entries[APPENDS * 2];
};
static _Atomic int64_t tick;
static _Atomic int appenders_left;

static void pause_at_random(uint64_t *seed)
{
	if (test_random(seed) % 2 == 0)
		usleep((useconds_t)(test_random(seed) % 3000));
}

/* One transaction: perhaps a number drawn early, one or two entries, perhaps after a savepoint that was left; then
 * commit or not. */
static bool append_once(struct appender *appender, struct db *db, struct wn_arena *arena, int i, struct wn_error *err)
{
	struct sha256 leaf[2];
	int entries = 1 + (test_random(&appender->seed) % 4 == 0);
	bool keep = test_random(&appender->seed) % 4 != 0;
	int64_t started = atomic_fetch_add(&tick, 1);
	if (!db_begin(db, err))
		return false;
	if (test_random(&appender->seed) % 2 == 0 && !db_command(db, "SELECT pg_current_xact_id()", err))
		return false;
	pause_at_random(&appender->seed);
	if (test_random(&appender->seed) % 4 == 0) {
		struct wn_slice lost = entry_body(arena, "lost", appender->number * 1000000 + i);
		if (!db_command(db, "SAVEPOINT a", err) || !journal_append(db, arena, lost, NULL, err) ||
			!db_command(db, "ROLLBACK TO a", err))
			return false;
	}
	for (int k = 0; k < entries; k++) {
		struct wn_slice body =
			entry_body(arena, keep ? "kept" : "lost", appender->number * 1000000 + i * 2 + k);
		if (!journal_append(db, arena, body, &leaf[k], err))
			return false;
		pause_at_random(&appender->seed);
	}
	if (!keep) {
		db_rollback(db);
		return true;
	}
	if (!db_commit(db, err))
		return false;
	int64_t ended = atomic_fetch_add(&tick, 1);
	for (int k = 0; k < entries; k++)
		appender->entries[appender->count++] =
			(struct appended){.leaf = leaf[k], .started = started, .ended = ended};
	return true;
}

static void *appender_run(void *context)
{
	struct appender *appender = context;
	struct wn_error err = {0};
	struct wn_arena arena;
	struct db *db = log_connect(appender->log, appender->number % 2 ? "winnow_serve" : "winnow_tally");
	wn_arena_init(&arena, ARENA_BYTES);
	for (int i = 0; db && i < APPENDS; i++) {
		wn_arena_reset(&arena);
		if (!append_once(appender, db, &arena, i, &err)) {
			CHECK_TEXT(err.text, "");
			break;
		}
	}
	wn_arena_free(&arena);
	db_close(db);
	atomic_fetch_sub(&appenders_left, 1);
	return NULL;
}

static void *killer_run(void *context)
{
	const struct log *log = context;
	struct wn_error err = {0};
	struct db *db = log_connect(log, "winnow_owner");
	while (db && atomic_load(&appenders_left) > 0) {
		usleep(15000);
		CHECK_OK(db_command(db,
				 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'winnow_seal'",
				 &err),
			err);
	}
	db_close(db);
	return NULL;
}

static int appended_order(const void *a, const void *b)
{
	const struct appended *left = a, *right = b;
	return left->position < right->position ? -1 : left->position > right->position;
}

/* Every committed entry has one position, there are no others, and what ended before another began comes before it. */
static void check_order(struct log *log, struct appender *appenders)
{
	static struct appended all[ENTRIES_MAX];
	size_t count = 0;
	for (int i = 0; i < APPENDERS; i++)
		for (size_t k = 0; k < appenders[i].count; k++) {
			all[count] = appenders[i].entries[k];
			all[count].position = log_position(log, &all[count].leaf);
			wn_arena_reset(&log->arena);
			count++;
		}
	qsort(all, count, sizeof all[0], appended_order);
	/* Genesis has position 0. */
	for (size_t i = 0; i < count; i++)
		CHECK_OR_RETURN(all[i].position == i + 1);
	int64_t first_end = INT64_MAX;
	for (size_t i = count; i-- > 0;) {
		CHECK_OR_RETURN(all[i].started <= first_end);
		if (all[i].ended < first_end)
			first_end = all[i].ended;
	}
	uint64_t size;
	int64_t passed_over;
	CHECK_OK(journal_store_size(log->serve, &size, &log->err), log->err);
	CHECK(size == count + 1);
	CHECK_OK(journal_store_passed_over(log->serve, &passed_over, &log->err), log->err);
	CHECK_INT(passed_over, -1);
	CHECK(count > APPENDERS * APPENDS / 2);
}

static void run_appenders(bool kill)
{
	static struct appender appenders[APPENDERS];
	pthread_t threads[APPENDERS], killer;
	struct log log;
	struct journal_audit audit;
	uint64_t seed = test_seed();
	int interrupted = 0;
	if (!log_open(&log))
		return;
	memset(appenders, 0, sizeof appenders);
	atomic_store(&appenders_left, APPENDERS);
	for (int i = 0; i < APPENDERS; i++) {
		appenders[i].log = &log;
		appenders[i].seed = test_random(&seed);
		appenders[i].number = i + 1;
		CHECK(pthread_create(&threads[i], NULL, appender_run, &appenders[i]) == 0);
	}
	if (kill)
		CHECK(pthread_create(&killer, NULL, killer_run, &log) == 0);
	size_t numbered = 0;
	int64_t now_ms = 0;
	/* Threads end by themselves; the last turns drain what they left. */
	for (int idle = 0, turn = 0; idle < 3 && turn < TURNS_MAX; turn++) {
		bool over = atomic_load(&appenders_left) == 0, written;
		wn_arena_reset(&log.arena);
		if (journal_sequence(log.seal, &log.arena, &numbered, &log.err) &&
			journal_checkpoint(
				log.seal, &log.arena, &log.network, &log.key, ++now_ms, &written, &log.err)) {
			idle = over && numbered == 0 ? idle + 1 : 0;
		} else if (kill && log.err.blame == WN_DOWN && strncmp(log.err.code, "db_", 3) == 0) {
			interrupted++;
			/* The killer may strike while we connect. */
			while (!db_reconnect(log.seal, &log.err))
				usleep(1000);
			log.err = (struct wn_error){0};
		} else {
			CHECK_TEXT(log.err.text, "");
			break;
		}
		usleep((useconds_t)(test_random(&seed) % 1500));
	}
	for (int i = 0; i < APPENDERS; i++)
		pthread_join(threads[i], NULL);
	if (kill) {
		pthread_join(killer, NULL);
		CHECK(interrupted > 0);
	}
	check_order(&log, appenders);
	CHECK_OK(journal_audit(log.serve, &log.arena, &log.network, &log.key.public_key, &audit, &log.err), log.err);
	CHECK(audit.checkpoints > 1);
	log_close(&log);
}

TEST(eight_appenders_with_rollbacks_lose_no_entry_and_keep_their_order)
{
	run_appenders(false);
}

TEST(a_sequencer_that_is_killed_again_and_again_loses_none_either)
{
	run_appenders(true);
}

/* ---- proofs and checkpoints ---- */

static bool same_proof(const struct tree_proof *a, const struct tree_proof *b)
{
	return a->count == b->count && memcmp(a->hashes, b->hashes, a->count * sizeof a->hashes[0]) == 0;
}

TEST(proofs_of_every_size_are_those_of_the_tree_of_all_leaves)
{
	struct log log;
	struct sha256 leaves[PROOF_SIZES];
	struct tree_proof proof, want;
	if (!log_open(&log))
		return;
	leaves[0] = log.genesis;
	for (int64_t i = 1; i < PROOF_SIZES; i++)
		CHECK_OK(log_append(log.serve, &log.arena, "items", i, &leaves[i], &log.err), log.err);
	CHECK_INT(log_sequence(&log), PROOF_SIZES);
	for (size_t size = 1; size <= PROOF_SIZES; size++)
		for (size_t i = 0; i < size; i++) {
			wn_arena_reset(&log.arena);
			CHECK_OK(journal_inclusion(log.serve, &log.arena, i, size, &proof, &log.err), log.err);
			tree_inclusion(leaves, size, i, &want);
			CHECK_OR_RETURN(same_proof(&proof, &want));
			CHECK_OK(journal_consistency(log.serve, &log.arena, i + 1, size, &proof, &log.err), log.err);
			tree_consistency(leaves, size, i + 1, &want);
			CHECK_OR_RETURN(same_proof(&proof, &want));
		}
	static const uint64_t no_inclusions[][2] = {{0, 0}, {PROOF_SIZES, PROOF_SIZES}, {PROOF_SIZES, PROOF_SIZES + 1},
		{0, PROOF_SIZES + 1}, {0, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}, {0, INT64_MAX}};
	for (size_t i = 0; i < sizeof no_inclusions / sizeof no_inclusions[0]; i++) {
		CHECK(!journal_inclusion(
			log.serve, &log.arena, no_inclusions[i][0], no_inclusions[i][1], &proof, &log.err));
		CHECK_TEXT(log.err.code, "journal_position");
		CHECK_INT(log.err.blame, WN_INPUT);
	}
	static const uint64_t no_consistencies[][2] = {{0, 0}, {0, 5}, {6, 5}, {PROOF_SIZES + 1, PROOF_SIZES + 1},
		{1, PROOF_SIZES + 1}, {1, UINT64_MAX}, {1, INT64_MAX}};
	for (size_t i = 0; i < sizeof no_consistencies / sizeof no_consistencies[0]; i++) {
		CHECK(!journal_consistency(
			log.serve, &log.arena, no_consistencies[i][0], no_consistencies[i][1], &proof, &log.err));
		CHECK_TEXT(log.err.code, "journal_position");
	}
	log_close(&log);
}

TEST(checkpoints_follow_the_journal_and_any_two_are_consistent)
{
	struct log log;
	struct checkpoint checkpoints[CHECKPOINTS + 1];
	struct sha256 leaves[CHECKPOINTS * 8], root;
	struct tree_proof proof;
	uint64_t seed = test_seed();
	size_t count = 1, kept = 0;
	if (!log_open(&log))
		return;
	CHECK_OK(journal_latest_checkpoint(log.serve, &log.arena, &checkpoints[0], &log.err), log.err);
	CHECK(checkpoints[0].size == 0);
	CHECK(!log_checkpoint(&log, 1));
	leaves[0] = log.genesis;
	while (kept < CHECKPOINTS) {
		for (size_t more = test_random(&seed) % 8; more > 0; more--, count++)
			CHECK_OK(log_append(log.serve, &log.arena, "items", (int64_t)count, &leaves[count], &log.err),
				log.err);
		bool grew = log_sequence(&log) > 0;
		/* The clock stands still or is set back now and then. */
		CHECK(log_checkpoint(&log, (int64_t)(1000 + kept * 10 - test_random(&seed) % 100)) == grew);
		CHECK(!log_checkpoint(&log, 1000000));
		CHECK_OK(journal_latest_checkpoint(log.serve, &log.arena, &checkpoints[kept], &log.err), log.err);
		CHECK_OR_RETURN(checkpoints[kept].size == count);
		tree_root(leaves, count, &root);
		CHECK_BYTES(checkpoints[kept].root.bytes, ID_BYTES, root.bytes, ID_BYTES);
		struct checkpoint read;
		CHECK_OK(checkpoint_parse(checkpoints[kept].note.data, checkpoints[kept].note.bytes, &log.network,
				 &log.key.public_key, &read, &log.err),
			log.err);
		CHECK(read.size == count);
		CHECK_INT(read.time_ms, checkpoints[kept].time_ms);
		CHECK(kept == 0 || checkpoints[kept].time_ms >= checkpoints[kept - 1].time_ms);
		kept += grew;
	}
	for (size_t i = 0; i < kept; i++)
		for (size_t k = i; k < kept; k++) {
			CHECK_OK(journal_consistency(log.serve, &log.arena, checkpoints[i].size, checkpoints[k].size,
					 &proof, &log.err),
				log.err);
			CHECK(tree_consistency_holds(checkpoints[i].size, &checkpoints[i].root, checkpoints[k].size,
				&checkpoints[k].root, &proof));
			if (k > i)
				CHECK(!tree_consistency_holds(checkpoints[i].size, &checkpoints[k].root,
					checkpoints[k].size, &checkpoints[k].root, &proof));
		}
	log_close(&log);
}

TEST(another_key_does_not_go_on_from_our_checkpoint)
{
	struct log log;
	struct sign_key other;
	struct sha256 leaf;
	bool written;
	if (!log_open(&log))
		return;
	log_sequence(&log);
	CHECK(log_checkpoint(&log, 1));
	CHECK_OK(log_append(log.serve, &log.arena, "items", 1, &leaf, &log.err), log.err);
	log_sequence(&log);
	sign_generate(&other);
	CHECK(!journal_checkpoint(log.seal, &log.arena, &log.network, &other, 2, &written, &log.err));
	CHECK_TEXT(log.err.code, "checkpoint_unsigned");
	log_close(&log);
}

/* ---- tampering ---- */

enum { TAMPER_ENTRIES = 45, TAMPER_SIGNED = 20 };
#define BODY "convert_to('{\"number\":7,\"time_ms\":1,\"type\":\"forged\"}', 'UTF8')"
#define FORGE "UPDATE journal_entry SET body = " BODY ", leaf_hash = sha256('\\x00'::bytea || " BODY ")"
#define LEAF "sha256('\\x00'::bytea || " BODY ")"
#define AT(position) " WHERE entry_id = (SELECT entry_id FROM journal_leaf WHERE position = " position ")"

/* A superuser's changes; entries up to TAMPER_SIGNED are in a checkpoint. checkpoint: whether signing the next one
 * refuses. */
static const struct {
	const char *sql;
	bool checkpoint, audit;
	const char *text;
} tampers[] = {
	{"SELECT 1", false, false, ""},
	{FORGE AT("30"), true, true, "position 30 is not the one"},
	{FORGE AT("30") "; UPDATE journal_node SET hash = " LEAF " WHERE level = 0 AND index = 30", true, true, ""},
	{FORGE AT("5"), false, true, "position 5 is not the one"},
	{FORGE AT("5") "; UPDATE journal_node SET hash = " LEAF " WHERE level = 0 AND index = 5", false, true,
		"node 1/2"},
	{FORGE AT("0"), false, true, "position 0 is not the one"},
	{FORGE AT("0") "; UPDATE journal_node SET hash = " LEAF " WHERE level = 0 AND index = 0", false, true,
		"entry 0"},
	{"UPDATE journal_leaf SET position = -1 WHERE position = 30; UPDATE journal_leaf SET position = 30 WHERE "
	 "position = 31; "
	 "UPDATE journal_leaf SET position = 31 WHERE position = -1",
		true, true, "position 30 is not the one"},
	{"UPDATE journal_leaf SET position = -1 WHERE position = 3; UPDATE journal_leaf SET position = 3 WHERE "
	 "position = 4; "
	 "UPDATE journal_leaf SET position = 4 WHERE position = -1",
		false, true, "position 3 is not the one"},
	{"DELETE FROM journal_leaf WHERE position = 30", true, true, "position 30 is missing"},
	{"DELETE FROM journal_leaf WHERE position = 3", false, true, "position 3 is missing"},
	{"DELETE FROM journal_leaf WHERE position = 30; UPDATE journal_leaf SET position = -position WHERE position > "
	 "30; "
	 "UPDATE journal_leaf SET position = -position - 1 WHERE position < 0",
		true, true, "position 30 is not the one"},
	{"DELETE FROM journal_leaf WHERE position = 44", false, true, "no position"},
	{"DELETE FROM journal_leaf WHERE position >= 15", true, true, "only 15"},
	{"ALTER TABLE journal_leaf DROP CONSTRAINT journal_leaf_entry_id_fkey; DELETE FROM journal_entry" AT("30"),
		true, true, "position 30 is missing"},
	{"UPDATE journal_node SET hash = sha256('x') WHERE level = 5 AND index = 0", true, true, "5/0"},
	{"UPDATE journal_node SET hash = sha256('x') WHERE level = 4 AND index = 0", true, true, "4/0"},
	{"UPDATE journal_node SET hash = sha256('x') WHERE level = 1 AND index = 2", false, true, "1/2"},
	{"UPDATE journal_node SET hash = sha256('x') WHERE level = 0 AND index = 40", true, true,
		"position 40 is not the one"},
	{"DELETE FROM journal_node WHERE level = 2 AND index = 10", true, true, "2/10"},
	{"DELETE FROM journal_node WHERE level = 1 AND index = 3", false, true, "1/3"},
	{"UPDATE checkpoint SET root = sha256('x')", false, true, "differs from its note"},
	{"UPDATE checkpoint SET size = 19", true, true, ""},
	{"UPDATE checkpoint SET time_ms = 2", false, true, "differs from its note"},
	{"UPDATE checkpoint SET note = replace(note, 'time_ms 1', 'time_ms 2')", true, true, "signature does not hold"},
	{"UPDATE checkpoint SET size = 1000", true, true, "only 45"},
};

static bool log_tamper_open(struct log *log)
{
	struct sha256 leaf;
	if (!log_open(log))
		return false;
	for (int i = 1; i < TAMPER_ENTRIES; i++) {
		CHECK_OK(log_append(log->serve, &log->arena, "items", i, &leaf, &log->err), log->err);
		if (i == TAMPER_SIGNED - 1) {
			log_sequence(log);
			CHECK(log_checkpoint(log, 1));
		}
	}
	log_sequence(log);
	return log->err.code[0] == '\0';
}

TEST(altered_dropped_and_swapped_entries_are_detected)
{
	struct log log;
	if (!log_tamper_open(&log))
		return;
	for (size_t i = 0; i < sizeof tampers / sizeof tampers[0]; i++) {
		struct journal_audit audit;
		struct wn_error signing = {0}, auditing = {0};
		bool written = false;
		CHECK_OK(db_begin(log.owner, &log.err), log.err);
		CHECK_OK(db_command(log.owner, tampers[i].sql, &log.err), log.err);
		bool audited =
			journal_audit(log.owner, &log.arena, &log.network, &log.key.public_key, &audit, &auditing);
		bool signed_next =
			journal_checkpoint(log.owner, &log.arena, &log.network, &log.key, 3, &written, &signing);
		bool held = CHECK(signed_next == !tampers[i].checkpoint);
		held = CHECK(written == signed_next) && held;
		held = CHECK(audited == !tampers[i].audit) && held;
		held = CHECK(audited || strstr(auditing.text, tampers[i].text)) && held;
		if (!held)
			printf("  %s\n  signing: %s\n  audit: %s\n", tampers[i].sql, signing.text, auditing.text);
		db_rollback(log.owner);
	}
	log_close(&log);
}

TEST(the_audit_finds_every_altered_entry)
{
	struct log log;
	struct journal_audit audit;
	if (!log_tamper_open(&log))
		return;
	CHECK(log_checkpoint(&log, 2));
	for (int i = 0; i < TAMPER_ENTRIES; i++) {
		char sql[512], text[64];
		CHECK_OK(db_begin(log.owner, &log.err), log.err);
		snprintf(sql, sizeof sql, FORGE AT("%d"), i);
		CHECK_OK(db_command(log.owner, sql, &log.err), log.err);
		CHECK(!journal_audit(log.owner, &log.arena, &log.network, &log.key.public_key, &audit, &log.err));
		snprintf(text, sizeof text, "position %d is not the one", i);
		CHECK(strstr(log.err.text, text) != NULL);
		log.err = (struct wn_error){0};
		db_rollback(log.owner);
	}
	CHECK_OK(journal_audit(log.owner, &log.arena, &log.network, &log.key.public_key, &audit, &log.err), log.err);
	CHECK(audit.entries == TAMPER_ENTRIES);
	CHECK(audit.checkpoints == 2);
	log_close(&log);
}

/* ---- rights ---- */

TEST(nobody_changes_history_and_only_the_sealer_numbers)
{
	static const char *const roles[] = {
		"winnow_serve", "winnow_ingest", "winnow_embed", "winnow_tally", "winnow_reward", "winnow_seal"};
	static const char *const everybody[] = {
		"UPDATE journal_entry SET body = 'x'",
		"DELETE FROM journal_entry",
		"TRUNCATE journal_entry CASCADE",
		"INSERT INTO journal_entry (entry_id, body, leaf_hash) VALUES (77, 'x', sha256('\\x0078'))",
		"SELECT setval('journal_entry_id', 5)",
		"UPDATE journal_leaf SET position = position + 1",
		"DELETE FROM journal_leaf",
		"UPDATE journal_node SET hash = hash",
		"DELETE FROM journal_node",
		"UPDATE checkpoint SET note = note",
		"DELETE FROM checkpoint",
		"INSERT INTO journal_mark (only_one, entry_id, xid, done_id) VALUES (false, 0, '0', 0)",
		"DELETE FROM journal_mark",
	};
	static const char *const sealer[] = {
		"INSERT INTO journal_leaf (position, entry_id) VALUES (0, 0)",
		"INSERT INTO journal_node (level, index, hash) VALUES (0, 0, sha256('x'))",
		"INSERT INTO checkpoint (size, root, note, time_ms) VALUES (1, sha256('x'), 'x', 1)",
		"UPDATE journal_mark SET done_id = done_id",
	};
	struct log log;
	if (!log_open(&log))
		return;
	for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++) {
		struct db *db = log_connect(&log, roles[r]);
		bool seals = strcmp(roles[r], "winnow_seal") == 0;
		for (size_t i = 0; db && i < sizeof everybody / sizeof everybody[0]; i++) {
			if (!CHECK(!db_command(db, everybody[i], &log.err)) || !CHECK_TEXT(log.err.code, "db_denied"))
				printf("  %s: %s\n", roles[r], everybody[i]);
		}
		for (size_t i = 0; db && i < sizeof sealer / sizeof sealer[0]; i++) {
			log.err = (struct wn_error){0};
			CHECK_OK(db_begin(db, &log.err), log.err);
			if (!CHECK(db_command(db, sealer[i], &log.err) == seals) ||
				!CHECK_TEXT(log.err.code, seals ? "" : "db_denied"))
				printf("  %s: %s\n", roles[r], sealer[i]);
			db_rollback(db);
		}
		db_close(db);
	}
	CHECK(!db_command(
		log.serve, "INSERT INTO journal_entry (body, leaf_hash) VALUES ('x', sha256('x'))", &log.err));
	CHECK_TEXT(log.err.code, "db_check");
	log_close(&log);
}

/* ---- cost ---- */

/* Whether a plan that was made without looking at the values reads a table from end to end. */
static bool plan_scans(struct log *log, const struct sql_statement *statement, const char *values)
{
	static int number;
	struct wn_error err = {0};
	struct db_result *result;
	bool scans = false;
	char *name = wn_arena_printf(&log->arena, "flat_%d", ++number);
	char *prepare = wn_arena_printf(&log->arena, "PREPARE %s AS %s", name, statement->text);
	char *text = wn_arena_printf(&log->arena, "EXPLAIN EXECUTE %s%s", name, values);
	/* The connection remembers it. */
	struct sql_statement *explain = wn_arena_alloc(&log->arena, sizeof *explain);
	*explain = (struct sql_statement){wn_arena_printf(&log->arena, "explain_%d", number), text, 0};
	CHECK_OK(db_command(log->owner, prepare, &err), err);
	if (!db_query(log->owner, explain, NULL, &result, &err)) {
		CHECK_TEXT(err.text, "");
		return true;
	}
	for (size_t i = 0; i < db_rows(result); i++) {
		const char *line = db_text(result, i, 0);
		if (strstr(line, "Seq Scan on journal_") && !strstr(line, "Seq Scan on journal_mark") &&
			!strstr(line, "Seq Scan on journal_entry_id"))
			scans = true;
	}
	for (size_t i = 0; scans && i < db_rows(result); i++)
		printf("  %s\n", db_text(result, i, 0));
	db_done(result);
	return scans;
}

TEST(no_statement_of_the_hot_paths_reads_a_table_from_end_to_end)
{
	static const struct {
		const struct sql_statement *statement;
		const char *values;
	} statements[] = {
		{&SQL_CORE_JOURNAL_MARK, ""},
		{&SQL_CORE_JOURNAL_MARK_MOVE, "(1, 1, 1, true)"},
		{&SQL_CORE_JOURNAL_WAITING, "(19000, 20000)"},
		{&SQL_CORE_JOURNAL_SIZE, ""},
		{&SQL_CORE_JOURNAL_NODES, "('{0,1,2}', '{1,2,3}')"},
		{&SQL_CORE_JOURNAL_BODIES, "(19000, 19010, 1000000)"},
		{&SQL_CORE_JOURNAL_FIND, "('x')"},
		{&SQL_CORE_CHECKPOINT_LATEST, ""},
		{&SQL_CORE_CHECKPOINT_AFTER, "(19000)"},
	};
	struct log log;
	if (!log_open(&log))
		return;
	char *sql = wn_arena_printf(&log.arena,
		"INSERT INTO journal_entry (body, leaf_hash) SELECT b, sha256('\\x00'::bytea || b) FROM (SELECT "
		"convert_to('{\"number\":' || n || ',\"time_ms\":1,\"type\":\"flat\"}', 'UTF8') AS b FROM "
		"generate_series(1, %d) n) t",
		FLAT_ENTRIES);
	CHECK_OK(db_command(log.owner, sql, &log.err), log.err);
	CHECK_OK(db_command(log.owner, "SET plan_cache_mode = force_generic_plan", &log.err), log.err);
	CHECK_INT(log_sequence(&log), FLAT_ENTRIES + 1);
	CHECK(log_checkpoint(&log, 1));
	/* Before the statistics are there, and with them. */
	for (int analysed = 0; analysed < 2; analysed++) {
		for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
			if (!CHECK(!plan_scans(&log, statements[i].statement, statements[i].values)))
				printf("  %s, %s\n", statements[i].statement->name,
					analysed ? "analysed" : "not analysed");
		CHECK_OK(db_command(log.owner, "ANALYZE", &log.err), log.err);
	}
	log_close(&log);
}

/* ---- the worker, and others' eyes ---- */

TEST(the_sealer_numbers_and_signs_in_one_batch)
{
	struct log log;
	struct sha256 leaf;
	struct checkpoint checkpoint;
	size_t done;
	if (!log_open(&log))
		return;
	struct node node = {.network = log.network, .checkpoint_key = log.key, .has_checkpoint_key = true};
	struct worker worker = {.node = &node, .db = log.seal, .arena = log.arena};
	CHECK_OK(db_command(log.owner,
			 "INSERT INTO network (network_id, genesis, checkpoint_key, clock_manual, clock_ms) "
			 "SELECT sha256(body), body, sha256(body), true, 4711 FROM journal_entry",
			 &log.err),
		log.err);
	CHECK_TEXT(seal_plan->role, "winnow_seal");
	CHECK(seal_plan->lock_key != 0);
	CHECK_OK(seal_plan->batch(&worker, &done, &log.err), log.err);
	CHECK_INT(done, 1);
	CHECK_OK(journal_latest_checkpoint(log.serve, &worker.arena, &checkpoint, &log.err), log.err);
	CHECK(checkpoint.size == 1);
	CHECK_INT(checkpoint.time_ms, 4711);
	/* The next one is signed a moment later, not with every turn. */
	CHECK_OK(log_append(log.serve, &worker.arena, "items", 1, &leaf, &log.err), log.err);
	int64_t turns = 0;
	for (; turns < TURNS_MAX && checkpoint.size == 1; turns++) {
		CHECK_OR_RETURN(seal_plan->batch(&worker, &done, &log.err));
		CHECK_OK(journal_latest_checkpoint(log.serve, &worker.arena, &checkpoint, &log.err), log.err);
		wn_arena_reset(&worker.arena);
		usleep(1000);
	}
	CHECK(checkpoint.size == 2);
	CHECK(turns > 1);
	node.has_checkpoint_key = false;
	CHECK(!seal_plan->batch(&worker, &done, &log.err));
	CHECK_TEXT(log.err.code, "checkpoint_key");
	log.arena = worker.arena;
	log_close(&log);
}

static FILE *test_file(const char *name, char path[1024])
{
	snprintf(path, 1024, "%s/%s", test_folder(), name);
	FILE *file = fopen(path, "we");
	CHECK(file != NULL);
	return file;
}

static void write_proof(FILE *file, const struct tree_proof *proof)
{
	char hex[ID_HEX_ROOM];
	for (size_t i = 0; i < proof->count; i++)
		fprintf(file, " %s", hex_write(hex, proof->hashes[i].bytes, ID_BYTES));
	fprintf(file, "\n");
}

/* Proofs of every entry in the last checkpoint, and from the first checkpoint to the last; each also with a hash
 * altered. */
static void write_proofs(struct log *log, FILE *file, const struct checkpoint *first, const struct checkpoint *last)
{
	char leaf[ID_HEX_ROOM], root[ID_HEX_ROOM], first_root[ID_HEX_ROOM];
	struct tree_proof proof;
	struct journal_entry *entries;
	size_t found;
	hex_write(root, last->root.bytes, ID_BYTES);
	hex_write(first_root, first->root.bytes, ID_BYTES);
	CHECK_OK(journal_read(log->serve, &log->arena, 0, last->size, &entries, &found, &log->err), log->err);
	CHECK_OR_RETURN(found == last->size);
	for (size_t i = 0; i <= found; i++)
		for (int altered = 0; altered < 2; altered++) {
			if (i < found) {
				struct sha256 hash;
				tree_leaf(entries[i].body.data, entries[i].body.bytes, &hash);
				CHECK_OK(journal_inclusion(log->serve, &log->arena, i, last->size, &proof, &log->err),
					log->err);
				fprintf(file, "inclusion %zu %llu %s %s", i, (unsigned long long)last->size,
					hex_write(leaf, hash.bytes, ID_BYTES), root);
			} else {
				CHECK_OK(journal_consistency(
						 log->serve, &log->arena, first->size, last->size, &proof, &log->err),
					log->err);
				fprintf(file, "consistency %llu %s %llu %s", (unsigned long long)first->size,
					first_root, (unsigned long long)last->size, root);
			}
			proof.hashes[i % proof.count].bytes[i % ID_BYTES] ^= (uint8_t)altered;
			write_proof(file, &proof);
		}
}

TEST(a_reader_that_is_not_ours_rebuilds_the_tree_and_checks_every_proof)
{
	struct log log;
	struct checkpoint first, last;
	struct journal_entry *entries;
	char note[1024], lines[1024], proofs[1024], hex[ID_HEX_ROOM], out[64], name[CHECKPOINT_ORIGIN_ROOM];
	size_t found;
	if (access(FOREIGN, R_OK) != 0 || system("command -v python3 openssl >/dev/null 2>&1") != 0) {
		test_skip("needs python3 and openssl");
		return;
	}
	if (!log_tamper_open(&log))
		return;
	CHECK_OK(journal_latest_checkpoint(log.serve, &log.arena, &first, &log.err), log.err);
	CHECK(log_checkpoint(&log, 2));
	CHECK_OK(journal_latest_checkpoint(log.serve, &log.arena, &last, &log.err), log.err);
	CHECK_OK(journal_read(log.serve, &log.arena, 0, last.size, &entries, &found, &log.err), log.err);
	checkpoint_origin(name, &log.network);
	FILE *file = test_file("log.note", note);
	CHECK(fwrite(last.note.data, 1, last.note.bytes, file) == last.note.bytes);
	fclose(file);
	/* As they are, one dropped, two swapped, one altered. */
	for (int change = 0; change < 4; change++) {
		file = test_file("log.ndjson", lines);
		for (size_t i = 0; i < found; i++) {
			const struct wn_slice *body = &entries[change == 2 && (i == 7 || i == 8) ? 15 - i : i].body;
			if (change == 1 && i == 7)
				continue;
			if (change == 3 && i == 7)
				fprintf(file, "{\"number\":7,\"time_ms\":1008,\"type\":\"items\"}\n");
			else
				fprintf(file, "%.*s\n", (int)body->bytes, body->data);
		}
		/* So that only the tree can tell. */
		if (change == 1)
			fprintf(file, "{\"time_ms\":1,\"type\":\"more\"}\n");
		fclose(file);
		char *command = wn_arena_printf(&log.arena, "python3 " FOREIGN " log %s %s '%s' <'%s' >/dev/null 2>&1",
			hex_write(hex, log.key.public_key.bytes, ID_BYTES), name, lines, note);
		CHECK_INT(WEXITSTATUS(system(command)), change == 0 ? 0 : 1);
	}
	file = test_file("log.proofs", proofs);
	write_proofs(&log, file, &first, &last);
	fclose(file);
	FILE *pipe = popen(wn_arena_printf(&log.arena, "python3 " FOREIGN " proofs <'%s'", proofs), "re");
	CHECK_OR_RETURN(pipe != NULL);
	int count = 0;
	for (; fgets(out, sizeof out, pipe); count++)
		CHECK_TEXT(out, count % 2 == 0 ? "holds\n" : "fails\n");
	CHECK_INT(count, 2 * (TAMPER_ENTRIES + 1));
	CHECK_INT(pclose(pipe), 0);
	log_close(&log);
}
