/* One supervisor a state folder: who holds run/up.lock runs the node. */
#ifndef CMD_STATE_LOCK_H
#define CMD_STATE_LOCK_H

#include <sys/types.h>

#include "core/node.h"

/*
 * Takes the lock for as long as the descriptor is open; no child inherits it. When another process has it, *lock is -1
 * and *other its number (1 when that is not known). The state folder's run/ must be there.
 */
bool state_lock_take(const struct node *node, int *lock, pid_t *other, struct wn_error *err);

#endif
