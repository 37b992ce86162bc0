/* The versioned policy table that genesis fixes: epoch length, emission, shares, bonds. Pure. */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "core/json.h"

enum policy_share { SHARE_CONTRIBUTORS, SHARE_VALIDATORS, SHARE_CURATORS, SHARE_RESERVE, SHARE_TREASURY, SHARE_COUNT };

struct policy {
	int64_t cap_units;		 /* 10^18 */
	int64_t epoch_ms;		 /* 3,600,000; sample networks use a minute */
	int64_t epoch_votes_max;	 /* an epoch also ends at this many votes: 4,000,000 */
	int64_t rate;			 /* emission E = (U * rate) >> 40 */
	int64_t shares_ppm[SHARE_COUNT]; /* sum 1,000,000 */
	int64_t seat_bond_floor;	 /* units */
	int64_t stake_least;		 /* units a validator must have staked to take a seat */
	int64_t unbonding_ms;		 /* 14 days */
	int64_t gold_ppm;		 /* 80,000 */
};

/* The policy that `winnow up` writes into a new network's genesis unless a file says otherwise. */
void policy_default(struct policy *out);
/* From genesis' "policy" member, over the defaults; unknown members and bad values are refused: policy_<what>. */
bool policy_parse(const struct json *value, struct policy *out, struct wn_error *err);
void policy_write(struct json_writer *writer, const char *name, const struct policy *policy);

#endif
