/* Routes of money: an account's figures and statement; stake, unstake, transfer. */
#ifndef REWARD_MONEY_API_H
#define REWARD_MONEY_API_H

#include "reward/ledger.h"
#include "web/route.h"

/*
 * GET  /v1/accounts/{did}            {did, roles, robot, free, bonded, pending, slashed, stake, seat_bonds, vesting,
 * unbonding} GET  /v1/accounts/{did}/statement  ?before=&count= -> {entries: [{seq, transfer_id, time_ms, cause,
 * amount, direction, step, from, to, party?, subject?, epoch?}], next?}; direction is in, out or within POST
 * /v1/stakes, /v1/unstakes      {amount} -> {transfer_id, amount, free, stake, unbonding, due_ms?, receipt} POST
 * /v1/transfers                 {to, amount} -> the same Amounts are decimal strings of units. The list ends with
 * method NULL.
 */
extern const struct route money_routes[];

/* Why a request about money is refused, in order of precedence. */
enum money_result {
	MONEY_DONE,
	MONEY_ACCOUNT_MALFORMED,
	MONEY_NOT_OWNER,
	MONEY_CLAIM_NONE,
	MONEY_CURSOR,
	MONEY_COUNT,
	MONEY_MEMBER_UNKNOWN,
	MONEY_AMOUNT_MALFORMED,
	MONEY_RECIPIENT_MALFORMED,
	MONEY_RECIPIENT_SELF,
	MONEY_RECIPIENT_UNKNOWN,
	MONEY_DIFFERS,
	MONEY_INSUFFICIENT,
	MONEY_TOO_LARGE,
};
enum { MONEY_RESULTS = MONEY_TOO_LARGE + 1 };
struct money_refusal {
	int status;
	const char *code, *detail;
};
/* MONEY_DONE is no refusal and has none. */
const struct money_refusal *money_refusal(enum money_result result);
/* What a transfer's fate means to whoever asked for it. */
enum money_result money_result_of(enum transfer_result result);

#endif
