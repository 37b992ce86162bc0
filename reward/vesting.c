/* Linear vesting, in 128-bit products. */
#include "reward/vesting.h"

#include "core/error.h"

int64_t vesting_vested(int64_t total, int64_t elapsed_ms, int64_t period_ms)
{
	wn_assert(total >= 0);
	wn_assert(period_ms >= 0);
	if (elapsed_ms >= period_ms)
		return total;
	if (elapsed_ms <= 0)
		return 0;
	return (int64_t)((unsigned __int128)total * (unsigned __int128)elapsed_ms / (unsigned __int128)period_ms);
}

enum ledger_kind vesting_kind(int64_t period_ms)
{
	return period_ms == 0 ? LEDGER_FREE : LEDGER_VESTING;
}
