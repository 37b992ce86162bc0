/* A release of what vested, with its journal entry: the step that the close of epochs takes when one begins. */
#ifndef REWARD_VESTING_RELEASE_H
#define REWARD_VESTING_RELEASE_H

#include "core/db.h"

/*
 * Releases in a transaction of its own, for at most VESTING_STEP_OWNERS_MOST owners, what vested by `at_ms`, the
 * beginning of the open epoch `epoch`. *owners = 0: all is released. The loop that closes epochs calls it before each
 * close and nobody else does: what a claims root counts follows from the epochs alone and not from who is quicker.
 */
enum { VESTING_STEP_OWNERS_MOST = 200 }; /* one may have a grant for each hour of a month */
bool vesting_step(
	struct db *db, struct wn_arena *arena, int64_t epoch, int64_t at_ms, size_t *owners, struct wn_error *err);
/* The `transfers` entry of moves; none for none. */
struct vesting_moves;
bool vesting_entry(
	struct db *db, struct wn_arena *arena, const struct vesting_moves *moves, int64_t now_ms, struct wn_error *err);

#endif
