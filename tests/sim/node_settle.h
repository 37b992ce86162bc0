/* The close of one campaign in the simulated node: what judging leaves for the money. */
#ifndef TESTS_SIM_NODE_SETTLE_H
#define TESTS_SIM_NODE_SETTLE_H

#include "tests/sim/node.h"
#include "vote/close.h"

struct settle {
	int number;
	const struct campaign *campaign;
	uint32_t *items; /* that are in this close */
	uint32_t item_count;
	int32_t *place;	 /* among the judged; -1: void */
	uint32_t *seats; /* by vote */
	struct epoch_item *judged;
	struct epoch_vote *votes;
	bool *settles;
	struct close_input input;
	struct close_output output;
	int64_t accepted, fresh, weight[SIM_ACTORS_MAX];
	bool due[SIM_ACTORS_MAX]; /* whose scores enter pay and slash */
	int64_t points[SIM_ACTORS_MAX], scored[SIM_ACTORS_MAX];
};

/* Everything that the closes of all campaigns pay, slash, mint and publish. */
void node_close_money(struct node *node, struct settle *settles, int64_t now_ms);

#endif
