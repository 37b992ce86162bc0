/* PostgreSQL through libpq: prepared named statements in binary, transactions, binary COPY, notifications. One thread
 * each. */
#ifndef CORE_DB_H
#define CORE_DB_H

#include <stdint.h>
#include "core/arena.h"
#include "core/error.h"
#include "core/failpoint.h"

struct db;
struct db_result;

/* A statement of sql/queries/<folder>.sql; `make` writes them as SQL_<FOLDER>_<NAME> into build/gen/sql_<folder>.h.
 * Every parameter is cast in the text ($1::bigint), because values travel in binary. A connection remembers what it
 * prepared: a statement lives as long as every connection that ran it. */
struct sql_statement {
	const char *name;
	const char *text;
	int parameters;
};

/* conninfo: libpq's "host=... dbname=... user=winnow_tally". Retries nothing; WN_DOWN db_down when unreachable.
 * Refuses servers with fsync, full_page_writes or synchronous_commit off: WN_DOWN db_unsafe. */
bool db_open(struct db **out, const char *conninfo, struct wn_error *err);
void db_close(struct db *db); /* NULL is fine */
/* After WN_DOWN: connects anew (statements are prepared again when used). */
bool db_reconnect(struct db *db, struct wn_error *err);
bool db_connected(const struct db *db);

/* READ COMMITTED. After any failure inside a transaction call db_rollback(). */
bool db_begin(struct db *db, struct wn_error *err);
/* A WARNING at COMMIT, or a lost connection, is a failure with code db_commit_unknown: the caller may not answer 2xx.
 */
bool db_commit(struct db *db, struct wn_error *err);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* Parameters in order. Values are not copied: they live until the query returns. Arrays are encoded into the arena. */
enum { DB_ARGS_MAX = 32 };
struct db_args {
	struct wn_arena *arena; /* for arrays and integers; never NULL */
	int count;
	bool full;
	const char *values[DB_ARGS_MAX];
	int lengths[DB_ARGS_MAX];
};
void db_args_init(struct db_args *args, struct wn_arena *arena);
void db_arg_bool(struct db_args *args, bool value);			  /* boolean */
void db_arg_int32(struct db_args *args, int32_t value);			  /* integer */
void db_arg_int64(struct db_args *args, int64_t value);			  /* bigint */
void db_arg_bytes(struct db_args *args, const void *bytes, size_t count); /* bytea; NULL bytes: null */
void db_arg_text(struct db_args *args, const char *text);		  /* text; NULL: null */
void db_arg_slice(struct db_args *args, struct wn_slice text);		  /* text or jsonb-as-text; data NULL: null */
void db_arg_int32s(struct db_args *args, const int32_t *values, size_t count); /* integer[] */
void db_arg_int64s(struct db_args *args, const int64_t *values, size_t count); /* bigint[] */
void db_arg_bools(struct db_args *args, const bool *values, size_t count);     /* boolean[] */
void db_arg_slices(
	struct db_args *args, const struct wn_slice *values, size_t count); /* text[]; data NULL: null element */
void db_arg_bytes_array(
	struct db_args *args, const struct wn_slice *values, size_t count); /* bytea[]; data NULL: null element */
/* bytea[] of fixed-width values: `stride` bytes apart, `width` bytes each (ids inside an array of structs). */
void db_arg_ids(struct db_args *args, const void *first, size_t stride, size_t width, size_t count);

/* Runs a statement. `out` may be NULL. Results live in memory of their own until db_done(). Blames: unique, foreign key
 * and check violations WN_INPUT (codes db_unique, db_foreign, db_check with the constraint's name in text);
 * serialization, deadlock and lock timeouts WN_BUSY db_busy; lost connection and shut-down WN_DOWN db_down; disk full
 * WN_FULL db_full. Also WN_INPUT: db_data (a value that the type refuses), db_denied (the role lacks a grant),
 * db_aborted (the transaction failed before); WN_FULL memory when the arguments did not fit their arena; everything
 * else is WN_DOWN db_error. */
bool db_query(struct db *db, const struct sql_statement *statement, const struct db_args *args, struct db_result **out,
	struct wn_error *err);
/* Text without parameters that is not prepared: migrations, LISTEN, settings. */
bool db_command(struct db *db, const char *sql, struct wn_error *err);

size_t db_rows(const struct db_result *result);
size_t db_affected(const struct db_result *result); /* rows that INSERT, UPDATE, DELETE touched */
bool db_is_null(const struct db_result *result, size_t row, int column);
int32_t db_int32(const struct db_result *result, size_t row, int column); /* smallint or integer */
int64_t db_int64(const struct db_result *result, size_t row, int column);
bool db_bool(const struct db_result *result, size_t row, int column);
/* bytea or text: points into the result; text is NUL-terminated. */
struct wn_slice db_slice(const struct db_result *result, size_t row, int column);
const char *db_text(const struct db_result *result, size_t row, int column); /* NULL when null */
/* Copies a fixed-width bytea; a different width is a broken promise. */
void db_copy_id(const struct db_result *result, size_t row, int column, void *out, size_t width);
/* bigint[] into the arena; *count elements. */
bool db_int64s(const struct db_result *result, size_t row, int column, struct wn_arena *arena, int64_t **out,
	size_t *count, struct wn_error *err);
void db_done(struct db_result *result); /* NULL is fine */

/* Binary COPY IN: `sql` is "COPY t (a, b) FROM STDIN (FORMAT binary)"; each row takes args in column order. */
bool db_copy_begin(struct db *db, const char *sql, struct wn_error *err);
bool db_copy_row(struct db *db, const struct db_args *row, struct wn_error *err);
bool db_copy_end(struct db *db, int64_t *rows, struct wn_error *err);

/*
 * Waits for NOTIFY on a channel that was LISTENed to, at most timeout_ms; *woken tells whether one came. Ends too, not
 * woken, at a signal (EINTR) and once `stop_fd` (-1: none) can be read, so that a stop just before the wait is not
 * missed.
 */
bool db_wait(struct db *db, int stop_fd, int timeout_ms, bool *woken, struct wn_error *err);
/* pg_try_advisory_lock for the session. */
bool db_try_lock(struct db *db, int64_t key, bool *got, struct wn_error *err);

#ifdef WINNOW_FAILPOINTS
/* Every transaction of every caller can be cut before it, before its commit and after it. */
#define db_begin(db, err) (FAILPOINT("begin"), db_begin(db, err))
#define db_commit(db, err)                                                                                             \
	(FAILPOINT("before_commit"), failpoint_passed(db_commit(db, err), __FILE__, __func__, "after_commit"))
#endif

#endif
