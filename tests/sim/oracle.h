/* What must hold, by name, and how a breach is told: the first one ends the process. */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/world.h"

enum oracle {
	ORACLE_NONE,
	ORACLE_CONSERVATION, /* all units of all accounts are what was minted less what was burned */
	ORACLE_RANGE,	     /* no balance below zero or above the supply, no supply above the cap */
	ORACLE_LOCKS,	     /* what an account has pending is the sum of its open bonds and unposted pay */
	ORACLE_ONCE,	     /* a command takes effect at most once, however late it comes again */
	ORACLE_SAME_ANSWER,  /* coming again it gets the same answer and changes nothing; nor does what is refused */
	ORACLE_DEADLINE,     /* nothing is accepted after its deadline, nothing refused before it */
	ORACLE_SEALED,	     /* sealed votes cannot be read from what was opened, nor opened by others */
	ORACLE_REPLAY,	     /* a saved state and the accepted commands since give the live state, byte for byte */
	ORACLE_DURABLE,	     /* what was acknowledged is there */
	ORACLE_LOG,	     /* the journal only grows, each checkpoint is consistent with the one before */
	ORACLE_MODEL,	     /* a second hand's reading of the rules gives the same */
	ORACLE_INCENTIVES,   /* copying, laziness, inverting and splitting do not pay */
	ORACLE_PROGRESS,     /* when faults stop, everything ends: rounds, bonds, pay, items */
	ORACLE_PROMISE,	     /* no assertion fails, no sanitizer reports */
	ORACLES
};
const char *oracle_name(enum oracle oracle);
enum oracle oracle_by_name(const char *name);

/* What should come about somewhere in a long run: a rule that nothing ever met was not tried. */
enum sight {
	SIGHT_LOST,
	SIGHT_UNHEARD,
	SIGHT_AGAIN,
	SIGHT_CRASHED,
	SIGHT_RESEALED,
	SIGHT_LAPSED,
	SIGHT_SKIPPED,
	SIGHT_PANEL_COUNTED,
	SIGHT_PANEL_REDRAWN,
	SIGHT_PANEL_VOID,
	SIGHT_PANEL_KEPT,
	SIGHT_SECOND_PANEL,
	SIGHT_SECOND_AT_CLOSE,
	SIGHT_AUDIT_ANSWER,
	SIGHT_AUDIT_TIE,
	SIGHT_AUDIT_VOID,
	SIGHT_EPOCH_BY_VOTES,
	SIGHT_EPOCH_LATE,
	SIGHT_CLOSE_WAITED,
	SIGHT_PROBATION,
	SIGHT_PROVEN,
	SIGHT_CARRIED,
	SIGHT_SETTLED,
	SIGHT_LEFT,
	SIGHT_LEFT_LOSS,
	SIGHT_PAID,
	SIGHT_PAID_FROM_BUDGET,
	SIGHT_PRICE_CAPPED,
	SIGHT_CEILING,
	SIGHT_SLASHED,
	SIGHT_SLASH_CAPPED,
	SIGHT_BOND_LOST,
	SIGHT_VESTED,
	SIGHT_OVERTURNED,
	SIGHT_UNBONDED,
	SIGHT_ACCEPTED,
	SIGHT_REJECTED,
	SIGHT_VOID,
	SIGHTS
};
const char *sight_name(enum sight sight);

/* How far a process is, in memory that its parent sees. */
struct oracle_report {
	uint64_t sights[SIGHTS], ballots[BALLOT_RESULTS], transfers[TRANSFER_RESULTS];
	uint64_t seed, operations; /* operations: done in all, not only of this seed */
	uint32_t at;		   /* operation of the seed */
	enum oracle oracle;	   /* that broke; NONE: the process died by itself, or lives */
	char text[512];
};
extern struct oracle_report *oracle_report;
enum { ORACLE_EXIT = 3 };

/* Counts what was met; only by the node that the oracles watch. */
static inline void oracle_saw(enum sight sight)
{
	oracle_report->sights[sight]++;
}
void oracle_fail(enum oracle oracle, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* Fails with what the model says differs; NULL is fine. */
void oracle_model(const char *differs);
/* An oracle that is asked nothing in this run, so that the others show what they find without it. */
extern enum oracle oracle_silent;
#define ORACLE(oracle, condition, ...)                                                                                 \
	((condition) || (oracle) == oracle_silent ? (void)0 : oracle_fail((oracle), __VA_ARGS__))

/* Sums over everything: conservation, range, locks, recounted from the rows. */
void oracle_money(const struct world *world, int64_t cap_units);
/* Every account once more from all transfers that were ever applied. */
void oracle_recount(const struct world *world);

#endif
