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

/* How far a process is, in memory that its parent sees. */
struct oracle_report {
	uint64_t seed, operations; /* operations: done in all, not only of this seed */
	uint32_t at;		   /* operation of the seed */
	enum oracle oracle;	   /* that broke; NONE: the process died by itself, or lives */
	char text[512];
};
extern struct oracle_report *oracle_report;
enum { ORACLE_EXIT = 3 };

void oracle_fail(enum oracle oracle, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));
/* Fails with what the model says differs; NULL is fine. */
void oracle_model(const char *differs);
#define ORACLE(oracle, condition, ...) ((condition) ? (void)0 : oracle_fail((oracle), __VA_ARGS__))

/* Sums over everything: conservation, range, locks, recounted from the rows. */
void oracle_money(const struct world *world, int64_t cap_units);
/* Every account once more from all transfers that were ever applied. */
void oracle_recount(const struct world *world);

#endif
