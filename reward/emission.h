/* How much an epoch may mint and who shares it (mechanism.md 6): half of what is left every four years, work or no
 * mint. Pure. */
#ifndef REWARD_EMISSION_H
#define REWARD_EMISSION_H

#include "core/policy.h"

/* E = floor(U * rate / 2^40): what the schedule offers of the never-minted remainder U. */
int64_t emission_offer(int64_t unminted, int64_t rate);

/* Accepted items of one campaign and the units that one of them may mint at most. */
struct emission_work {
	int64_t accepted, per_item_ceiling;
};
/* Sum of accepted x ceiling over the campaigns; INT64_MAX when it does not fit. */
int64_t emission_ceiling(const struct emission_work *work, size_t count);
/* M = min(offer, ceiling): what this epoch may mint; what its pools cannot pay out remains in U. */
int64_t emission_minted(int64_t offer, int64_t ceiling);
/* M by largest remainder over the policy's shares, in the order of enum policy_share. */
void emission_shares(int64_t minted, const int64_t shares_ppm[SHARE_COUNT], int64_t shares[SHARE_COUNT]);

#endif
