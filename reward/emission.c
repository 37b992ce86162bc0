/* The emission schedule in 128-bit products. */
#include "reward/emission.h"

#include "core/error.h"
#include "reward/shares.h"

enum { EMISSION_RATE_SHIFT = 40 };

int64_t emission_offer(int64_t unminted, int64_t rate)
{
	wn_assert(unminted >= 0);
	wn_assert(rate >= 0);
	/* More than everything that is left is never offered. */
	wn_assert(rate <= INT64_C(1) << EMISSION_RATE_SHIFT);
	return (int64_t)(((unsigned __int128)unminted * (unsigned __int128)rate) >> EMISSION_RATE_SHIFT);
}

int64_t emission_ceiling(const struct emission_work *work, size_t count)
{
	unsigned __int128 sum = 0;
	for (size_t i = 0; i < count; i++) {
		wn_assert(work[i].accepted >= 0);
		wn_assert(work[i].per_item_ceiling >= 0);
		sum += (unsigned __int128)work[i].accepted * (unsigned __int128)work[i].per_item_ceiling;
		if (sum > INT64_MAX)
			return INT64_MAX;
	}
	return (int64_t)sum;
}

int64_t emission_minted(int64_t offer, int64_t ceiling)
{
	wn_assert(offer >= 0);
	wn_assert(ceiling >= 0);
	return offer < ceiling ? offer : ceiling;
}

void emission_shares(int64_t minted, const int64_t shares_ppm[SHARE_COUNT], int64_t shares[SHARE_COUNT])
{
	struct share_rest rests[SHARE_COUNT];
	shares_split_in(minted, shares_ppm, SHARE_COUNT, shares, rests);
}
