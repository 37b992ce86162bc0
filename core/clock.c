/* The clocks: this machine's two, and the node's own, which an operator may set by hand. */
#include "core/clock.h"

#include <time.h>

#include "core/arena.h"
#include "core/db.h"
#include "sql_core.h"

enum { CLOCK_ARENA_MAX = 4096 };

static int64_t clock_read(clockid_t clock)
{
	struct timespec now;
	wn_assert(clock_gettime(clock, &now) == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_monotonic_ms(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return clock_read(CLOCK_REALTIME);
}

bool clock_now(struct db *db, int64_t *now_ms, struct wn_error *err)
{
	struct wn_arena arena;
	wn_arena_init(&arena, CLOCK_ARENA_MAX);
	struct db_args args;
	db_args_init(&args, &arena);
	struct db_result *result = NULL;
	bool done = db_query(db, &SQL_CORE_CLOCK, &args, &result, err);
	wn_arena_free(&arena);
	if (!done)
		return wn_while(err, "read the node's clock");
	/* Before genesis there is no network, and no rule that could be broken by following the wall. */
	if (db_rows(result) == 1 && db_bool(result, 0, 0))
		*now_ms = db_int64(result, 0, 1);
	else
		*now_ms = clock_wall_ms();
	db_done(result);
	return true;
}
