/* Statements live here as long as the process: a connection remembers those that it prepared. */
#include "tests/ingest/counted.h"

#include <stdio.h>
#include <string.h>

#include "tests/check.h"

enum { COUNTED_MAX = 64 };

int64_t counted(struct db *db, const char *sql)
{
	static struct sql_statement statements[COUNTED_MAX];
	static char names[COUNTED_MAX][16];
	struct wn_error err = {0};
	struct db_result *result = NULL;
	int i = 0;
	while (i < COUNTED_MAX && statements[i].text && strcmp(statements[i].text, sql) != 0)
		i++;
	if (!CHECK(i < COUNTED_MAX))
		return -1;
	snprintf(names[i], sizeof names[i], "counted_%d", i);
	statements[i] = (struct sql_statement){.name = names[i], .text = sql};
	CHECK_OK(db_query(db, &statements[i], NULL, &result, &err), err);
	int64_t count = result ? db_int64(result, 0, 0) : -1;
	db_done(result);
	return count;
}
