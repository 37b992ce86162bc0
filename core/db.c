/* libpq's only host: connections that refuse an unsafe server, binary values both ways, failures blamed by SQLSTATE. */
#include "core/db.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "sql_core.h"

enum {
	DB_STATEMENTS_MAX = 1024, /* prepared on one connection; all folders together have a few hundred */
	DB_COPY_BYTES = 65536,	  /* one PQputCopyData at this size */
	DB_VALUE_MAX = 0x3fffffff,
	DB_SERVER_LEAST = 140000,
	DB_RESULTS_MAX = 1000 /* left over by one command: a loop's bound */
};

/* pg_type.oid of array elements; they never change. */
enum { DB_OID_BOOL = 16, DB_OID_BYTEA = 17, DB_OID_INT8 = 20, DB_OID_INT4 = 23, DB_OID_TEXT = 25 };

struct db {
	PGconn *connection;
	char *conninfo;
	const struct sql_statement *prepared[DB_STATEMENTS_MAX * 2]; /* open addressing by name; at most half full */
	int prepared_count;
	bool warned; /* by the server, since the last db_begin() or db_commit() */
	char warning[256];
	bool copying;
	uint8_t *copy; /* rows on their way out; allocated by the first COPY */
	size_t copy_bytes;
};

/* ---- failures ---- */

static const struct {
	const char *state; /* SQLSTATE or the class that it starts with; first match counts */
	enum wn_blame blame;
	const char *code;
} db_blames[] = {
	{"23505", WN_INPUT, "db_unique"},
	{"23503", WN_INPUT, "db_foreign"},
	{"23514", WN_INPUT, "db_check"},
	{"23", WN_INPUT, "db_data"},
	{"22", WN_INPUT, "db_data"},
	{"42501", WN_INPUT, "db_denied"},
	{"25P02", WN_INPUT, "db_aborted"},
	{"40001", WN_BUSY, "db_busy"},
	{"40P01", WN_BUSY, "db_busy"},
	{"55P03", WN_BUSY, "db_busy"},
	{"57014", WN_BUSY, "db_busy"},
	{"40003", WN_DOWN, "db_commit_unknown"},
	{"08007", WN_DOWN, "db_commit_unknown"},
	{"53100", WN_FULL, "db_full"},
	{"53400", WN_FULL, "db_full"},
	{"53200", WN_FULL, "db_full"},
	{"53", WN_DOWN, "db_down"},    /* too many connections */
	{"57P", WN_DOWN, "db_down"},   /* shut-down, crash of another backend, starting up */
	{"08", WN_DOWN, "db_down"},    /* connection lost */
	{"25006", WN_DOWN, "db_down"}, /* read-only: a standby, until the failover is over */
	{"", WN_DOWN, "db_error"},
};

/* libpq's texts have several lines; ours have one. */
static void db_one_line(char *text)
{
	size_t bytes = strlen(text);
	while (bytes > 0 && (text[bytes - 1] == '\n' || text[bytes - 1] == ' '))
		text[--bytes] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

static bool db_fail_down(const struct db *db, struct wn_error *err)
{
	wn_fail(err, WN_DOWN, "db_down", "%s", PQerrorMessage(db->connection));
	db_one_line(err->text);
	return false;
}

/* `result` may be NULL: libpq gives none when there is no connection. Only the primary message is told: details quote
 * rows. */
static bool db_fail(struct db *db, const PGresult *result, struct wn_error *err)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (!state)
		return PQstatus(db->connection) == CONNECTION_BAD
			       ? db_fail_down(db, err)
			       : wn_fail(err, WN_DOWN, "db_error", "unexpected answer: %s",
					 PQresStatus(PQresultStatus(result)));
	size_t i = 0;
	while (strncmp(state, db_blames[i].state, strlen(db_blames[i].state)) != 0)
		i++;
	wn_fail(err, db_blames[i].blame, db_blames[i].code, "%s (%s)", message ? message : "no message", state);
	db_one_line(err->text);
	return false;
}

static bool db_result_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* libpq would print notices to stderr. Of these only warnings matter: at COMMIT they say that it may not be durable. */
static void db_notice(void *context, const PGresult *result)
{
	struct db *db = context;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	if (!severity || strcmp(severity, "WARNING") != 0)
		return;
	db->warned = true;
	snprintf(db->warning, sizeof db->warning, "%s", message ? message : "a warning without text");
}

/* ---- connections ---- */

/*
 * libpq quotes what it cannot read, and what it cannot read is often half a password: a blank in it, or an @ or / in a
 * URL that is not written as %40 or %2F. So all that it would choke on is refused here, without a word of it.
 */
static bool db_conninfo_read(const char *conninfo, struct wn_error *err)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	bool good = options != NULL;
	for (PQconninfoOption *option = options; good && option->keyword; option++) {
		if (!option->val)
			continue;
		if (strcmp(option->keyword, "host") == 0 || strcmp(option->keyword, "dbname") == 0)
			good = strchr(option->val, '@') == NULL;
		else if (strcmp(option->keyword, "port") == 0)
			good = strspn(option->val, "0123456789,") == strlen(option->val);
	}
	PQconninfoFree(options);
	return good ||
	       wn_fail(err, WN_INPUT, "db_conninfo",
		       "node.database cannot be read as a conninfo of libpq; quote a password with blanks, write "
		       "@ : / in a URL's password as %%40 %%3A %%2F");
}

/* What the conninfo says about these wins, because it comes after them. */
static PGconn *db_connect(const char *conninfo)
{
	static const char *const names[] = {"connect_timeout", "client_encoding", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout", "fallback_application_name", "dbname",
		NULL};
	const char *values[] = {"10", "UTF8", "10", "5", "3", "30000", "winnow", conninfo, NULL};
	return PQconnectdbParams(names, values, 1);
}

static bool db_check_server(struct db *db, struct wn_error *err)
{
	if (PQserverVersion(db->connection) < DB_SERVER_LEAST)
		return wn_fail(err, WN_DOWN, "db_old", "PostgreSQL %d or newer is needed", DB_SERVER_LEAST / 10000);
	/* As this session sees them: a setting of the database or of the role counts like one of the server. */
	PGresult *result = PQexec(db->connection,
		"SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND "
		"setting = 'off'");
	bool done = db_result_good(result);
	if (!done)
		db_fail(db, result, err);
	else if (PQntuples(result) > 0)
		done = wn_fail(err, WN_DOWN, "db_unsafe",
			"the server has %s = off: what it acknowledges could be lost; set it on",
			PQgetvalue(result, 0, 0));
	PQclear(result);
	return done;
}

/* A new connection in db->connection, checked; on failure it stays there, closed to use. */
static bool db_start(struct db *db, struct wn_error *err)
{
	memset(db->prepared, 0, sizeof db->prepared);
	db->prepared_count = 0;
	db->copying = false;
	if (!db_conninfo_read(db->conninfo, err))
		return false;
	db->connection = db_connect(db->conninfo);
	if (!db->connection)
		return wn_fail(err, WN_FULL, "memory", "no memory for a connection");
	PQsetNoticeReceiver(db->connection, db_notice, db);
	if (PQstatus(db->connection) != CONNECTION_OK) {
		db_fail_down(db, err);
		return wn_while(err, "connect to the database");
	}
	return db_check_server(db, err) || wn_while(err, "connect to the database");
}

bool db_open(struct db **out, const char *conninfo, struct wn_error *err)
{
	*out = NULL;
	struct db *db = calloc(1, sizeof *db);
	if (!db || !(db->conninfo = strdup(conninfo))) {
		free(db);
		return wn_fail(err, WN_FULL, "memory", "no memory for a connection");
	}
	if (!db_start(db, err)) {
		db_close(db);
		return false;
	}
	*out = db;
	return true;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	PQfinish(db->connection);
	free(db->copy);
	free(db->conninfo);
	free(db);
}

bool db_reconnect(struct db *db, struct wn_error *err)
{
	PQfinish(db->connection);
	db->connection = NULL;
	if (db_start(db, err))
		return true;
	/* A server that was refused must not be used by a caller that goes on. */
	PQfinish(db->connection);
	db->connection = NULL;
	return false;
}

bool db_connected(const struct db *db)
{
	return PQstatus(db->connection) == CONNECTION_OK;
}

/* ---- transactions ---- */

bool db_in_transaction(const struct db *db)
{
	PGTransactionStatusType status = PQtransactionStatus(db->connection);
	return status != PQTRANS_IDLE && status != PQTRANS_UNKNOWN;
}

#undef db_begin
#undef db_commit

bool db_begin(struct db *db, struct wn_error *err)
{
	wn_assert(!db_in_transaction(db));
	db->warned = false;
	return db_command(db, "BEGIN ISOLATION LEVEL READ COMMITTED", err) || wn_while(err, "begin a transaction");
}

bool db_commit(struct db *db, struct wn_error *err)
{
	wn_assert(!db->copying);
	/* Lost before COMMIT was sent: the server rolled back. */
	if (!db_connected(db)) {
		db_fail_down(db, err);
		return wn_while(err, "commit");
	}
	db->warned = false;
	PGresult *result = PQexec(db->connection, "COMMIT");
	bool done = false;
	if (!db_connected(db) || (!db_result_good(result) && !PQresultErrorField(result, PG_DIAG_SQLSTATE)))
		/* COMMIT was sent and its answer is lost: only reading the rows again can tell. */
		wn_fail(err, WN_DOWN, "db_commit_unknown", "the connection was lost while committing");
	else if (!db_result_good(result))
		db_fail(db, result, err);
	else if (strcmp(PQcmdStatus(result), "COMMIT") != 0)
		wn_fail(err, WN_INPUT, "db_aborted", "the transaction had failed before and was rolled back");
	else if (db->warned)
		/* A standby was not waited for, or there was no transaction. */
		wn_fail(err, WN_DOWN, "db_commit_unknown", "the server warned: %s", db->warning);
	else
		done = true;
	PQclear(result);
	return done || wn_while(err, "commit");
}

static void db_drain(struct db *db)
{
	PGresult *result;
	for (int i = 0; i < DB_RESULTS_MAX && (result = PQgetResult(db->connection)); i++)
		PQclear(result);
}

static void db_copy_abandon(struct db *db)
{
	if (!db->copying)
		return;
	db->copying = false;
	if (PQputCopyEnd(db->connection, "the sender gave up") == 1)
		db_drain(db);
}

void db_rollback(struct db *db)
{
	db_copy_abandon(db);
	/* A connection that is lost has rolled back already. */
	if (db_in_transaction(db))
		PQclear(PQexec(db->connection, "ROLLBACK"));
}

/* ---- parameters ---- */

void db_args_init(struct db_args *args, struct wn_arena *arena)
{
	wn_assert(arena != NULL);
	args->arena = arena;
	args->count = 0;
	args->full = false;
}

static void db_arg(struct db_args *args, const void *value, size_t bytes)
{
	wn_assert(args->count < DB_ARGS_MAX);
	if (bytes > DB_VALUE_MAX)
		args->full = true;
	args->values[args->count] = value;
	args->lengths[args->count++] = args->full ? 0 : (int)bytes;
}

/* Room for a value in the arena; `full` and NULL when there is none. */
static uint8_t *db_arg_room(struct db_args *args, size_t bytes)
{
	uint8_t *room = bytes > DB_VALUE_MAX ? NULL : wn_arena_alloc(args->arena, bytes);
	if (!room)
		args->full = true;
	db_arg(args, room, bytes);
	return room;
}

void db_arg_bool(struct db_args *args, bool value)
{
	static const char truths[2] = {0, 1};
	db_arg(args, &truths[value], 1);
}

static uint8_t *db_put32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof value);
	return to + sizeof value;
}

static uint8_t *db_put64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof value);
	return to + sizeof value;
}

void db_arg_int32(struct db_args *args, int32_t value)
{
	uint8_t *room = db_arg_room(args, sizeof value);
	if (room)
		db_put32(room, (uint32_t)value);
}

void db_arg_int64(struct db_args *args, int64_t value)
{
	uint8_t *room = db_arg_room(args, sizeof value);
	if (room)
		db_put64(room, (uint64_t)value);
}

void db_arg_bytes(struct db_args *args, const void *bytes, size_t count)
{
	db_arg(args, bytes, bytes ? count : 0);
}

void db_arg_text(struct db_args *args, const char *text)
{
	db_arg(args, text, text ? strlen(text) : 0);
}

void db_arg_slice(struct db_args *args, struct wn_slice text)
{
	db_arg(args, text.data, text.data ? text.bytes : 0);
}

/* The header of a one-dimensional array (array_recv), then room for `bytes` of elements; NULL when there is none. */
static uint8_t *db_arg_array(struct db_args *args, uint32_t oid, size_t count, bool nulls, size_t bytes)
{
	enum { ARRAY_HEADER = 12, ARRAY_DIMENSION = 8 };
	if (count > DB_VALUE_MAX / 4) {
		args->full = true;
		db_arg(args, NULL, 0);
		return NULL;
	}
	uint8_t *to = db_arg_room(args, ARRAY_HEADER + (count ? ARRAY_DIMENSION + bytes : 0));
	if (!to)
		return NULL;
	to = db_put32(to, count ? 1 : 0);
	to = db_put32(to, nulls);
	to = db_put32(to, oid);
	if (!count)
		return to;
	to = db_put32(to, (uint32_t)count);
	return db_put32(to, 1);
}

void db_arg_int32s(struct db_args *args, const int32_t *values, size_t count)
{
	uint8_t *to = db_arg_array(args, DB_OID_INT4, count, false, count * 8);
	for (size_t i = 0; to && i < count; i++)
		to = db_put32(db_put32(to, 4), (uint32_t)values[i]);
}

void db_arg_int64s(struct db_args *args, const int64_t *values, size_t count)
{
	uint8_t *to = db_arg_array(args, DB_OID_INT8, count, false, count * 12);
	for (size_t i = 0; to && i < count; i++)
		to = db_put64(db_put32(to, 8), (uint64_t)values[i]);
}

void db_arg_bools(struct db_args *args, const bool *values, size_t count)
{
	uint8_t *to = db_arg_array(args, DB_OID_BOOL, count, false, count * 5);
	for (size_t i = 0; to && i < count; i++) {
		to = db_put32(to, 1);
		*to++ = values[i];
	}
}

static void db_arg_slice_array(struct db_args *args, uint32_t oid, const struct wn_slice *values, size_t count)
{
	bool nulls = false;
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++) {
		nulls = nulls || !values[i].data;
		/* Saturates: a sum beyond DB_VALUE_MAX is refused, however it came about. */
		if (__builtin_add_overflow(bytes, 4, &bytes) ||
			__builtin_add_overflow(bytes, values[i].data ? values[i].bytes : 0, &bytes))
			bytes = SIZE_MAX / 2;
	}
	uint8_t *to = db_arg_array(args, oid, count, nulls, bytes < SIZE_MAX / 2 ? bytes : SIZE_MAX / 2);
	for (size_t i = 0; to && i < count; i++) {
		to = db_put32(to, values[i].data ? (uint32_t)values[i].bytes : UINT32_MAX);
		if (values[i].data && values[i].bytes) {
			memcpy(to, values[i].data, values[i].bytes);
			to += values[i].bytes;
		}
	}
}

void db_arg_slices(struct db_args *args, const struct wn_slice *values, size_t count)
{
	db_arg_slice_array(args, DB_OID_TEXT, values, count);
}

void db_arg_bytes_array(struct db_args *args, const struct wn_slice *values, size_t count)
{
	db_arg_slice_array(args, DB_OID_BYTEA, values, count);
}

void db_arg_ids(struct db_args *args, const void *first, size_t stride, size_t width, size_t count)
{
	wn_assert(count <= 1 || stride >= width);
	wn_assert(width <= DB_VALUE_MAX);
	size_t bytes;
	if (__builtin_mul_overflow(count, 4 + width, &bytes))
		bytes = SIZE_MAX / 2;
	uint8_t *to = db_arg_array(args, DB_OID_BYTEA, count, false, bytes);
	for (size_t i = 0; to && i < count; i++) {
		to = db_put32(to, (uint32_t)width);
		memcpy(to, (const uint8_t *)first + i * stride, width);
		to += width;
	}
}

/* ---- statements ---- */

/* Prepared once a connection, when first used; a ROLLBACK does not undo it. */
static bool db_prepare(struct db *db, const struct sql_statement *statement, struct wn_error *err)
{
	enum { SLOTS = DB_STATEMENTS_MAX * 2 };
	size_t slot = memory_hash(statement->name, strlen(statement->name)) % SLOTS;
	for (; db->prepared[slot]; slot = (slot + 1) % SLOTS)
		if (strcmp(db->prepared[slot]->name, statement->name) == 0) {
			/* Each file that includes the generated header has its own copy; the text is the same. */
			wn_assert(strcmp(db->prepared[slot]->text, statement->text) == 0);
			return true;
		}
	wn_assert(db->prepared_count < DB_STATEMENTS_MAX);
	PGresult *result = PQprepare(db->connection, statement->name, statement->text, 0, NULL);
	bool done = db_result_good(result) || db_fail(db, result, err);
	PQclear(result);
	if (!done)
		return wn_while(err, "prepare %s", statement->name);
	db->prepared[slot] = statement;
	db->prepared_count++;
	return true;
}

bool db_query(struct db *db, const struct sql_statement *statement, const struct db_args *args, struct db_result **out,
	struct wn_error *err)
{
	static const int formats[DB_ARGS_MAX] = {[0 ... DB_ARGS_MAX - 1] = 1};
	int count = args ? args->count : 0;
	if (out)
		*out = NULL;
	wn_assert(count == statement->parameters);
	wn_assert(!db->copying);
	if (args && args->full)
		return wn_fail(err, WN_FULL, "memory", "%s: no room for the arguments", statement->name);
	if (!db_prepare(db, statement, err))
		return false;
	PGresult *result = PQexecPrepared(db->connection, statement->name, count, args ? args->values : NULL,
		args ? args->lengths : NULL, formats, 1);
	if (!db_result_good(result)) {
		db_fail(db, result, err);
		PQclear(result);
		return wn_while(err, "%s", statement->name);
	}
	if (out)
		*out = (struct db_result *)result;
	else
		PQclear(result);
	return true;
}

bool db_command(struct db *db, const char *sql, struct wn_error *err)
{
	wn_assert(!db->copying);
	PGresult *result = PQexec(db->connection, sql);
	bool done = db_result_good(result) || db_fail(db, result, err);
	PQclear(result);
	return done;
}

/* ---- results: a struct db_result is libpq's PGresult ---- */

static const PGresult *db_pg(const struct db_result *result)
{
	return (const PGresult *)result;
}

size_t db_rows(const struct db_result *result)
{
	return (size_t)PQntuples(db_pg(result));
}

size_t db_affected(const struct db_result *result)
{
	return strtoull(PQcmdTuples((PGresult *)db_pg(result)), NULL, 10);
}

static void db_check_place(const struct db_result *result, size_t row, int column)
{
	wn_assert(row < db_rows(result));
	wn_assert(column >= 0);
	wn_assert(column < PQnfields(db_pg(result)));
}

bool db_is_null(const struct db_result *result, size_t row, int column)
{
	db_check_place(result, row, column);
	return PQgetisnull(db_pg(result), (int)row, column) != 0;
}

/* The value's bytes; null is a broken promise here. */
static const void *db_value(const struct db_result *result, size_t row, int column, int *bytes)
{
	wn_assert(!db_is_null(result, row, column));
	*bytes = PQgetlength(db_pg(result), (int)row, column);
	return PQgetvalue(db_pg(result), (int)row, column);
}

static uint32_t db_get32(const void *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof value);
	return be32toh(value);
}

static uint64_t db_get64(const void *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof value);
	return be64toh(value);
}

int32_t db_int32(const struct db_result *result, size_t row, int column)
{
	int bytes;
	const uint8_t *value = db_value(result, row, column, &bytes);
	if (bytes == 2)
		return (int16_t)(value[0] << 8 | value[1]);
	wn_assert(bytes == 4);
	return (int32_t)db_get32(value);
}

int64_t db_int64(const struct db_result *result, size_t row, int column)
{
	int bytes;
	const void *value = db_value(result, row, column, &bytes);
	if (bytes < 8)
		return db_int32(result, row, column);
	wn_assert(bytes == 8);
	return (int64_t)db_get64(value);
}

bool db_bool(const struct db_result *result, size_t row, int column)
{
	int bytes;
	const uint8_t *value = db_value(result, row, column, &bytes);
	wn_assert(bytes == 1);
	return value[0] != 0;
}

struct wn_slice db_slice(const struct db_result *result, size_t row, int column)
{
	int bytes;
	if (db_is_null(result, row, column))
		return (struct wn_slice){NULL, 0};
	const char *value = db_value(result, row, column, &bytes);
	return (struct wn_slice){value, (size_t)bytes};
}

const char *db_text(const struct db_result *result, size_t row, int column)
{
	/* libpq puts a NUL behind every value. */
	return db_slice(result, row, column).data;
}

void db_copy_id(const struct db_result *result, size_t row, int column, void *out, size_t width)
{
	int bytes;
	const void *value = db_value(result, row, column, &bytes);
	wn_assert((size_t)bytes == width);
	memcpy(out, value, width);
}

bool db_int64s(const struct db_result *result, size_t row, int column, struct wn_arena *arena, int64_t **out,
	size_t *count, struct wn_error *err)
{
	enum { ARRAY_HEADER = 12, ARRAY_ELEMENTS = 20, ARRAY_ELEMENT = 12 };
	int bytes;
	const uint8_t *value = db_value(result, row, column, &bytes);
	wn_assert(bytes >= ARRAY_HEADER);
	wn_assert(db_get32(value + 8) == DB_OID_INT8);
	*count = 0;
	if (db_get32(value) != 0) {
		wn_assert(bytes >= ARRAY_ELEMENTS);
		*count = db_get32(value + ARRAY_HEADER);
	}
	if (db_get32(value) > 1 || (*count > 0 && (size_t)bytes != ARRAY_ELEMENTS + *count * ARRAY_ELEMENT))
		return wn_fail(err, WN_INPUT, "db_data", "a stored array has nulls or more than one dimension");
	*out = wn_arena_array(arena, *count, sizeof **out);
	if (!*out)
		return wn_fail(err, WN_FULL, "memory", "no room for an array of %zu numbers", *count);
	for (size_t i = 0; i < *count; i++)
		(*out)[i] = (int64_t)db_get64(value + ARRAY_ELEMENTS + i * ARRAY_ELEMENT + 4);
	return true;
}

void db_done(struct db_result *result)
{
	PQclear((PGresult *)result);
}

/* ---- binary COPY ---- */

static bool db_copy_flush(struct db *db, struct wn_error *err)
{
	size_t bytes = db->copy_bytes;
	db->copy_bytes = 0;
	if (bytes == 0 || PQputCopyData(db->connection, (const char *)db->copy, (int)bytes) == 1)
		return true;
	db_fail_down(db, err);
	return wn_while(err, "copy rows");
}

/* Large values go past the buffer. */
static bool db_copy_add(struct db *db, const void *bytes, size_t count, struct wn_error *err)
{
	if (count > DB_COPY_BYTES - db->copy_bytes && !db_copy_flush(db, err))
		return false;
	if (count > DB_COPY_BYTES) {
		if (PQputCopyData(db->connection, bytes, (int)count) == 1)
			return true;
		db_fail_down(db, err);
		return wn_while(err, "copy rows");
	}
	if (count)
		memcpy(db->copy + db->copy_bytes, bytes, count);
	db->copy_bytes += count;
	return true;
}

bool db_copy_begin(struct db *db, const char *sql, struct wn_error *err)
{
	/* Signature, flags, length of the header's extension. */
	static const char header[19] = "PGCOPY\n\377\r\n";
	wn_assert(!db->copying);
	if (!db->copy && !(db->copy = malloc(DB_COPY_BYTES)))
		return wn_fail(err, WN_FULL, "memory", "no room to copy rows");
	PGresult *result = PQexec(db->connection, sql);
	db->copying = PQresultStatus(result) == PGRES_COPY_IN;
	bool done = db->copying || db_fail(db, result, err);
	PQclear(result);
	if (!done)
		return wn_while(err, "begin to copy rows");
	db->copy_bytes = 0;
	return db_copy_add(db, header, sizeof header, err);
}

bool db_copy_row(struct db *db, const struct db_args *row, struct wn_error *err)
{
	wn_assert(db->copying);
	if (row->full)
		return wn_fail(err, WN_FULL, "memory", "no room for the values of a row");
	uint8_t fields[2] = {(uint8_t)(row->count >> 8), (uint8_t)row->count};
	if (!db_copy_add(db, fields, sizeof fields, err))
		return false;
	for (int i = 0; i < row->count; i++) {
		uint8_t length[4];
		db_put32(length, row->values[i] ? (uint32_t)row->lengths[i] : UINT32_MAX);
		if (!db_copy_add(db, length, sizeof length, err) ||
			(row->values[i] && !db_copy_add(db, row->values[i], (size_t)row->lengths[i], err)))
			return false;
	}
	return true;
}

bool db_copy_end(struct db *db, int64_t *rows, struct wn_error *err)
{
	static const uint8_t trailer[2] = {0xff, 0xff};
	wn_assert(db->copying);
	bool sent = db_copy_add(db, trailer, sizeof trailer, err) && db_copy_flush(db, err);
	if (!sent)
		return false; /* db_rollback() ends the COPY */
	db->copying = false;
	if (PQputCopyEnd(db->connection, NULL) != 1) {
		db_fail_down(db, err);
		return wn_while(err, "end copying rows");
	}
	PGresult *result = PQgetResult(db->connection);
	bool done = db_result_good(result) || db_fail(db, result, err);
	if (done && rows)
		*rows = strtoll(PQcmdTuples(result), NULL, 10);
	PQclear(result);
	db_drain(db);
	return done || wn_while(err, "end copying rows");
}

/* ---- notifications and locks ---- */

/* Takes every notification that arrived; one is as good as many. */
static bool db_notified(struct db *db)
{
	PGnotify *notification;
	bool any = false;
	while ((notification = PQnotifies(db->connection))) {
		any = true;
		PQfreemem(notification);
	}
	return any;
}

bool db_wait(struct db *db, int stop_fd, int timeout_ms, bool *woken, struct wn_error *err)
{
	int64_t until_ms = clock_monotonic_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	*woken = false;
	for (;;) {
		/* Notifications may have come with the answer of an earlier query: they are taken before sleeping. */
		if (!PQconsumeInput(db->connection)) {
			db_fail_down(db, err);
			return wn_while(err, "wait for a notification");
		}
		*woken = db_notified(db);
		int64_t left_ms = until_ms - clock_monotonic_ms();
		if (*woken || left_ms <= 0)
			return true;
		struct pollfd polls[2] = {{PQsocket(db->connection), POLLIN, 0}, {stop_fd, POLLIN, 0}};
		int ready = poll(polls, stop_fd >= 0 ? 2 : 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
		if (ready < 0 && errno == EINTR)
			return true;
		if (ready < 0)
			return wn_fail(err, WN_DOWN, "db_down", "wait for a notification: %s", strerror(errno));
		if (stop_fd >= 0 && polls[1].revents)
			return true;
	}
}

bool db_try_lock(struct db *db, int64_t key, bool *got, struct wn_error *err)
{
	struct wn_arena arena;
	struct db_args args;
	struct db_result *result;
	wn_arena_init(&arena, 64);
	db_args_init(&args, &arena);
	db_arg_int64(&args, key);
	bool done = db_query(db, &SQL_CORE_TRY_LOCK, &args, &result, err);
	wn_arena_free(&arena);
	if (!done)
		return wn_while(err, "try a lock");
	*got = db_bool(result, 0, 0);
	db_done(result);
	return true;
}
