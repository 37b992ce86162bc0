/* The checks that need nothing but the rows, and the telling of a breach. */
#include "tests/sim/oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[ORACLES] = {
	[ORACLE_NONE] = "none",
	[ORACLE_CONSERVATION] = "conservation",
	[ORACLE_RANGE] = "range",
	[ORACLE_LOCKS] = "locks",
	[ORACLE_ONCE] = "once",
	[ORACLE_SAME_ANSWER] = "same_answer",
	[ORACLE_DEADLINE] = "deadline",
	[ORACLE_SEALED] = "sealed",
	[ORACLE_REPLAY] = "replay",
	[ORACLE_DURABLE] = "durable",
	[ORACLE_LOG] = "log",
	[ORACLE_MODEL] = "model",
	[ORACLE_INCENTIVES] = "incentives",
	[ORACLE_PROGRESS] = "progress",
	[ORACLE_PROMISE] = "promise",
};

static const char *const sights[SIGHTS] = {
	[SIGHT_LOST] = "commands lost before they took effect",
	[SIGHT_UNHEARD] = "answers lost behind the effect",
	[SIGHT_AGAIN] = "commands that came again",
	[SIGHT_CRASHED] = "crashes",
	[SIGHT_RESEALED] = "votes sealed anew",
	[SIGHT_LAPSED] = "seats whose time ran out",
	[SIGHT_SKIPPED] = "seats given back",
	[SIGHT_PANEL_COUNTED] = "panels counted",
	[SIGHT_PANEL_REDRAWN] = "panels drawn again",
	[SIGHT_PANEL_VOID] = "panels void",
	[SIGHT_PANEL_KEPT] = "second panels that did not come about",
	[SIGHT_SECOND_PANEL] = "second panels before a close",
	[SIGHT_SECOND_AT_CLOSE] = "second panels at a close",
	[SIGHT_AUDIT_ANSWER] = "audits with an answer",
	[SIGHT_AUDIT_TIE] = "audits without a majority",
	[SIGHT_AUDIT_VOID] = "audits that nobody opened",
	[SIGHT_EPOCH_BY_VOTES] = "epochs that ended by votes",
	[SIGHT_EPOCH_LATE] = "epochs whose end was noticed an epoch late",
	[SIGHT_CLOSE_WAITED] = "closes that waited for audits",
	[SIGHT_PROBATION] = "records on probation",
	[SIGHT_PROVEN] = "records proven",
	[SIGHT_CARRIED] = "scores carried to a later close",
	[SIGHT_SETTLED] = "scores that settled",
	[SIGHT_LEFT] = "gains of who unbonded everything",
	[SIGHT_LEFT_LOSS] = "losses of who unbonded everything",
	[SIGHT_PAID] = "payments to validators",
	[SIGHT_PAID_FROM_BUDGET] = "payments from a budget",
	[SIGHT_PRICE_CAPPED] = "pools that the price of a point kept",
	[SIGHT_CEILING] = "closes that their work's ceiling held down",
	[SIGHT_SLASHED] = "slashes",
	[SIGHT_SLASH_CAPPED] = "slashes that took whole bonds",
	[SIGHT_BOND_LOST] = "bonds lost for votes never opened",
	[SIGHT_VESTED] = "releases of what vested",
	[SIGHT_OVERTURNED] = "grants overturned",
	[SIGHT_UNBONDED] = "stakes unbonded",
	[SIGHT_ACCEPTED] = "items accepted",
	[SIGHT_REJECTED] = "items rejected",
	[SIGHT_VOID] = "items void",
};

static struct oracle_report alone;
struct oracle_report *oracle_report = &alone;
enum oracle oracle_silent = ORACLE_NONE;

const char *sight_name(enum sight sight)
{
	return sights[sight];
}

const char *oracle_name(enum oracle oracle)
{
	return names[oracle];
}

enum oracle oracle_by_name(const char *name)
{
	for (int i = 0; i < ORACLES; i++)
		if (strcmp(names[i], name) == 0)
			return (enum oracle)i;
	return ORACLE_NONE;
}

void oracle_fail(enum oracle oracle, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	vsnprintf(oracle_report->text, sizeof oracle_report->text, format, list);
	va_end(list);
	oracle_report->oracle = oracle;
	fprintf(stderr, "oracle %s at operation %u of seed %llu: %s\n", names[oracle], oracle_report->at,
		(unsigned long long)oracle_report->seed, oracle_report->text);
	_exit(ORACLE_EXIT);
}

void oracle_model(const char *differs)
{
	if (differs && oracle_silent != ORACLE_MODEL)
		oracle_fail(ORACLE_MODEL, "differs from the rules: %s", differs);
}

static int64_t posted(const struct ledger_balance *balance)
{
	return balance->credits_posted - balance->debits_posted;
}

static void locks_check(const struct world *world)
{
	int64_t locked[SIM_OWNERS][LEDGER_KINDS] = {{0}};
	for (uint32_t i = 0; i < world_count(world, TABLE_BONDED); i++) {
		const struct world_seat *seat = world_seat(world, world_list(world, TABLE_BONDED, i));
		locked[seat->voter][LEDGER_STAKE] += world_transfer(world, seat->bond - 1)->amount;
	}
	for (uint32_t i = 0; i < world_count(world, TABLE_UNPAID); i++) {
		const struct world_pay *pay = world_pay(world, world_list(world, TABLE_UNPAID, i));
		const struct world_transfer *transfer = world_transfer(world, pay->transfer);
		locked[transfer->debit_owner][transfer->debit_kind] += transfer->amount;
	}
	for (int owner = 0; owner < SIM_OWNERS; owner++)
		for (int kind = 0; kind < LEDGER_KINDS; kind++)
			ORACLE(ORACLE_LOCKS, world->head->balances[owner][kind].debits_pending == locked[owner][kind],
				"owner %d has %lld pending in %s, its open locks are %lld", owner,
				(long long)world->head->balances[owner][kind].debits_pending,
				ledger_kind_name((enum ledger_kind)kind), (long long)locked[owner][kind]);
}

void oracle_money(const struct world *world, int64_t cap_units)
{
	const struct ledger_balance *mint = &world->head->balances[OWNER_NETWORK][LEDGER_MINT];
	__int128 all = 0, pending = 0;
	int64_t supply = mint->debits_posted + mint->debits_pending - mint->credits_posted;
	ORACLE(ORACLE_RANGE, supply >= 0 && supply <= cap_units, "the supply is %lld", (long long)supply);
	for (int owner = 0; owner < SIM_OWNERS; owner++)
		for (int kind = 0; kind < LEDGER_KINDS; kind++) {
			const struct ledger_balance *balance = &world->head->balances[owner][kind];
			pending += balance->credits_pending - balance->debits_pending;
			if (balance == mint)
				continue;
			all += posted(balance);
			ORACLE(ORACLE_RANGE,
				posted(balance) - balance->debits_pending >= 0 && posted(balance) <= supply &&
					balance->debits_pending >= 0 && balance->credits_pending >= 0,
				"owner %d has %lld in %s, %lld of it pending", owner, (long long)posted(balance),
				ledger_kind_name((enum ledger_kind)kind), (long long)balance->debits_pending);
		}
	ORACLE(ORACLE_CONSERVATION, all == mint->debits_posted - mint->credits_posted,
		"accounts hold %lld, the mint gave %lld", (long long)all,
		(long long)(mint->debits_posted - mint->credits_posted));
	ORACLE(ORACLE_CONSERVATION,
		mint->debits_posted - mint->credits_posted == world->head->minted - world->head->burned,
		"the mint gave %lld, %lld were minted and %lld burned",
		(long long)(mint->debits_posted - mint->credits_posted), (long long)world->head->minted,
		(long long)world->head->burned);
	ORACLE(ORACLE_CONSERVATION, pending == 0, "pending debits and credits differ by %lld", (long long)pending);
	locks_check(world);
}

void oracle_recount(const struct world *world)
{
	struct ledger_balance(*sums)[LEDGER_KINDS] = calloc(SIM_OWNERS, sizeof *sums);
	ORACLE(ORACLE_PROMISE, sums != NULL, "no memory");
	for (uint32_t i = 0; i < world_count(world, TABLE_TRANSFERS); i++) {
		const struct world_transfer *row = world_transfer(world, i);
		struct ledger_balance *debit = &sums[row->debit_owner][row->debit_kind];
		struct ledger_balance *credit = &sums[row->credit_owner][row->credit_kind];
		if (row->step == TRANSFER_PENDING && row->ended)
			continue;
		bool open = row->step == TRANSFER_PENDING;
		*(open ? &debit->debits_pending : &debit->debits_posted) += row->amount;
		*(open ? &credit->credits_pending : &credit->credits_posted) += row->amount;
	}
	ORACLE(ORACLE_CONSERVATION, memcmp(sums, world->head->balances, sizeof world->head->balances) == 0,
		"the accounts are not what their %u transfers say", world_count(world, TABLE_TRANSFERS));
	free(sums);
}
