/* Places where a crash test kills this process: named by the code around them, absent from every build but
 * `make FAILPOINTS=1`. core/db.h and core/journal.h put them around every transaction; other places name their own. */
#ifndef CORE_FAILPOINT_H
#define CORE_FAILPOINT_H

#ifdef WINNOW_FAILPOINTS
#include <stdbool.h>

/*
 * The point is called "<file>/<function>/<place>", such as "vote_worker/step/before_commit". FAILPOINT in the
 * environment lists "name:n", separated by commas: passing that point for the n-th time ends the process as `kill -9`
 * does. FAILPOINT_FOLDER names a folder where a mark for each point that killed is made first, so that it kills once
 * whatever is started again, and where `trace` gets a line each time that any point is passed. Any thread.
 */
void failpoint_pass(const char *file, const char *function, const char *place);
/* The same, only when what came before it was done; returns `done`. */
bool failpoint_passed(bool done, const char *file, const char *function, const char *place);
#define FAILPOINT(place) failpoint_pass(__FILE__, __func__, place)
#else
#define FAILPOINT(place) ((void)0)
#endif

#endif
