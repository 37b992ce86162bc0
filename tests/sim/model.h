/* A second hand's reading of the rules, slow and plain, that shares no line with vote/ and reward/: what they must say.
 * Everything here is written from mechanism's formulas and the headers' sentences. */
#ifndef TESTS_SIM_MODEL_H
#define TESTS_SIM_MODEL_H

#include "core/campaign.h"
#include "core/policy.h"
#include "reward/claims.h"
#include "reward/emission.h"
#include "reward/ledger.h"
#include "reward/pay.h"
#include "vote/ballot.h"
#include "vote/close.h"
#include "vote/commitment.h"
#include "vote/gold.h"
#include "vote/panel.h"
#include "vote/sortition.h"

/* Each compares what the real function gave with what the rules say: NULL, or the name of what differs. */
const char *model_online_differs(const struct tally_snapshot *snapshot, const struct tally_vote *votes, size_t count,
	const struct tally_result *got);
const char *model_close_differs(const struct close_input *input, const bool *settles, const struct close_output *got);
const char *model_shares_differ(int64_t total, const int64_t *weights, size_t count, const int64_t *shares);
const char *model_pay_differs(
	const struct pay_line *lines, size_t count, int64_t pool, int64_t seats, const struct pay_total *total);
const char *model_gold_differs(const struct sha256 *beacon, int classes, const struct gold_candidate *candidates,
	size_t count, size_t wanted, const uint32_t *picked, size_t picked_count);
const char *model_draw_differs(const struct sortition_entry *entries, size_t count, const struct sha256 *beacon,
	const struct item_id *item, uint32_t round, size_t seats, const struct account_key *excluded,
	size_t excluded_count, const struct sortition_draw *got);
const char *model_claims_differ(const struct claim *claims, size_t count, const struct sha256 *root);

/* Each says what the real function must have given. */
enum ballot_result model_ballot(bool reveal, const struct ballot_vote *vote, const struct ballot_place *place,
	const struct ballot_voter *voter, int64_t now_ms);
enum transfer_result model_transfer(const struct transfer *transfer, const struct ledger_past *past,
	struct ledger_balance *debit, struct ledger_balance *credit);
enum panel_step model_phase_over(bool reveal, enum round_kind kind, int seats, int came, const struct panel_past *past);
int64_t model_offer(int64_t unminted, int64_t rate);
int64_t model_vested(int64_t total, int64_t elapsed_ms, int64_t period_ms);
int model_audit_class(int classes, const uint32_t *votes);
size_t model_gold_count(size_t items, int64_t ppm);
bool model_escalates(const struct campaign *campaign, int64_t margin, int panels);
bool model_proven(int64_t gold_votes, int64_t gold_right);
bool model_settles(int64_t scored, int64_t since, int64_t epoch);
bool model_unbonded_settles(const struct campaign *campaign, int64_t scored, int64_t points, bool earned);
bool model_skip_allowed(int64_t skipped, int64_t taken);
int64_t model_bond(const struct campaign *campaign, const struct policy *policy);
int64_t model_ceiling(const struct emission_work *work, size_t count);
int64_t model_novelty(const struct campaign *campaign, int64_t numerator, int64_t denominator);
void model_salt(const uint8_t seed[32], const struct network_id *network, const struct item_id *item, uint32_t round,
	uint64_t sequence, const struct account_key *voter, struct salt *out);
void model_commitment(const struct network_id *network, const struct item_id *item, uint32_t round,
	const struct account_key *voter, uint8_t choice, const struct salt *salt, struct sha256 *out);
void model_root(const struct commitment_leaf *leaves, size_t count, struct sha256 *out);
/* The root of a journal, level by level, of all its leaves. */
void model_tree(const struct sha256 *leaves, size_t count, struct sha256 *out);
void model_beacon(const struct network_id *network, uint64_t epoch, const struct sha256 *layer,
	const struct sha256 *revealed, struct sha256 *out);

#endif
