/* Those who judge: what they think of an item, what they seal, what they open. */
#ifndef TESTS_SIM_VOTER_H
#define TESTS_SIM_VOTER_H

#include "tests/sim/node.h"

/* A class, the same whenever asked; identities of one person think as one. */
int voter_opinion(const struct node *node, uint32_t item, int actor, int64_t sequence);
/* Fills actor, item and vote of a command that seals a seat's vote under a number, or opens the last one. */
void voter_ballot(const struct node *node, uint32_t seat, bool reveals, int64_t sequence, struct command *out);

#endif
