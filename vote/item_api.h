/* Routes of items: where one stands, what it repeats, how it was judged; a contributor's own list. */
#ifndef VOTE_ITEM_API_H
#define VOTE_ITEM_API_H

#include "web/route.h"

extern const struct route item_routes[];

#endif
