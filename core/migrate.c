/* Brings a database to today's schema: every migration once, in order, each with the hash of the text that made it. */
#include "core/migrate.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "migrations.h"
#include "sql_core.h"

enum { MIGRATE_ARENA_MAX = 65536 };

/* "winnow/m" read as a number: nobody else in this database takes this lock. */
static const char migrate_lock[] = "SELECT pg_advisory_xact_lock(8604529983663583085)";

/* Made before the first migration, which could not record itself otherwise. */
static const char migrate_table[] = "SET LOCAL client_min_messages = warning;"
				    "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, sha256 bytea NOT "
				    "NULL CHECK (octet_length(sha256) = 32), "
				    "applied_ms bigint NOT NULL)";

/* Whether it is recorded; WN_INPUT when it is, with another text. */
static bool migrate_recorded(struct db *db, struct wn_arena *arena, const char *name, const struct sha256 *hash,
	bool *recorded, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	struct sha256 before;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	if (!db_query(db, &SQL_CORE_MIGRATION_FIND, &args, &result, err))
		return false;
	*recorded = db_rows(result) == 1;
	if (*recorded)
		db_copy_id(result, 0, 0, before.bytes, ID_BYTES);
	db_done(result);
	return !*recorded || memcmp(before.bytes, hash->bytes, ID_BYTES) == 0 ||
	       wn_fail(err, WN_INPUT, "migrate_changed",
		       "the database was made with another text of %s: migrations only go forward, add a new one",
		       name);
}

static bool migrate_record(
	struct db *db, struct wn_arena *arena, const char *name, const struct sha256 *hash, struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_text(&args, name);
	db_arg_bytes(&args, hash->bytes, ID_BYTES);
	db_arg_int64(&args, clock_wall_ms());
	return db_query(db, &SQL_CORE_MIGRATION_RECORD, &args, NULL, err);
}

/* One migration in its own transaction. The lock comes first, so that of two nodes one waits and then finds it
 * recorded. */
static bool migrate_one(struct db *db, struct wn_arena *arena, size_t index, bool *applied, struct wn_error *err)
{
	const char *name = migrations[index].name, *text = (const char *)migrations[index].bytes;
	struct sha256 hash;
	bool recorded;
	sha256_of(migrations[index].bytes, migrations[index].count, &hash);
	wn_assert(strlen(text) == migrations[index].count);
	*applied = false;
	if (!db_begin(db, err))
		return false;
	if (!db_command(db, migrate_lock, err) || !db_command(db, migrate_table, err) ||
		!migrate_recorded(db, arena, name, &hash, &recorded, err))
		return false;
	if (!recorded && (!db_command(db, text, err) || !migrate_record(db, arena, name, &hash, err)))
		return false;
	*applied = !recorded;
	return db_commit(db, err);
}

bool migrate_up(struct db *db, int *applied, struct wn_error *err)
{
	struct wn_arena arena;
	int count = 0;
	wn_arena_init(&arena, MIGRATE_ARENA_MAX);
	for (size_t i = 0; migrations[i].name; i++) {
		bool fresh;
		wn_arena_reset(&arena);
		if (!migrate_one(db, &arena, i, &fresh, err)) {
			db_rollback(db);
			wn_arena_free(&arena);
			return wn_while(err, "apply migration %s", migrations[i].name);
		}
		if (fresh)
			log_event(LOG_INFO, "migrated", log_text("migration", migrations[i].name), NULL);
		count += fresh;
	}
	wn_arena_free(&arena);
	if (applied)
		*applied = count;
	return true;
}
