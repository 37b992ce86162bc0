/* What names a round: the item and a number from 1, given in the order in which rounds open. */
#ifndef VOTE_ROUND_KEY_H
#define VOTE_ROUND_KEY_H

#include <string.h>

#include "core/id.h"

struct round_key {
	struct item_id item;
	int32_t round;
};

static inline bool round_key_equal(const struct round_key *a, const struct round_key *b)
{
	return a->round == b->round && memcmp(a->item.bytes, b->item.bytes, ID_BYTES) == 0;
}

#endif
