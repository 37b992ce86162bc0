/* Linear vesting: how much of a grant is its owner's after a time. Pure. */
#ifndef REWARD_VESTING_H
#define REWARD_VESTING_H

#include <stdint.h>

#include "reward/ledger.h"

/* floor(total * elapsed / period), within 0..total; a period of 0 vests at once. */
int64_t vesting_vested(int64_t total, int64_t elapsed_ms, int64_t period_ms);
/* Where a contributor's reward is minted to: the free account when it vests at once, else the vesting account with a
 * grant. */
enum ledger_kind vesting_kind(int64_t period_ms);

#endif
