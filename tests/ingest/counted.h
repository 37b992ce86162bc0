/* One number out of the database, for tests that look behind an answer. */
#ifndef TESTS_INGEST_COUNTED_H
#define TESTS_INGEST_COUNTED_H

#include "core/db.h"

/* The first column of the first row, a bigint; -1 after a failed check. `sql` is constant text. */
int64_t counted(struct db *db, const char *sql);

#endif
