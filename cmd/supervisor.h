/* Keeps one process a role alive: starts, restarts with growing pauses, stops them all together. */
#ifndef CMD_SUPERVISOR_H
#define CMD_SUPERVISOR_H

#include "core/option.h"

enum { SUPERVISOR_ROLES_MAX = 16 };

/*
 * Runs `winnow ROLE` for each of `roles` (NULL-terminated) with the values of `options` in its environment, until
 * SIGTERM or SIGINT. `tick` is called between looks at the children and returns in how many milliseconds it wants to be
 * called again, -1: only when something happens. A caller that blocked these signals before finds them heard here.
 * Children die with the supervisor, even when it is killed. Returns the exit status.
 */
int supervise(const struct options *options, const char *const roles[], int (*tick)(void *context), void *context);

#endif
