/* Routes of money: an account's figures and statement, stake, unstake, transfer. */
#ifndef REWARD_MONEY_API_H
#define REWARD_MONEY_API_H

#include "reward/ledger.h"
#include "web/route.h"

extern const struct route money_routes[]; /* ends with method NULL */

/* Why a request about money is refused, in order of precedence. */
enum money_result {
	MONEY_DONE,
	MONEY_MEMBER_UNKNOWN,
	MONEY_AMOUNT_MALFORMED,
	MONEY_RECIPIENT_MALFORMED,
	MONEY_RECIPIENT_SELF,
	MONEY_RECIPIENT_UNKNOWN,
	MONEY_DIFFERS,
	MONEY_INSUFFICIENT,
	MONEY_TOO_LARGE,
	MONEY_ACCOUNT_MALFORMED,
	MONEY_NOT_OWNER,
	MONEY_CURSOR,
	MONEY_COUNT,
	MONEY_RESULTS,
};
struct money_refusal {
	int status;
	const char *code, *detail;
};
/* MONEY_DONE has no refusal; wn_assert. */
const struct money_refusal *money_refusal(enum money_result result);
/* What a transfer's fate means to who asked for it. */
enum money_result money_result_of(enum transfer_result result);

#endif
