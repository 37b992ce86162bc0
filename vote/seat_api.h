/* Routes of seats: take up to 64, list one's own, skip one. */
#ifndef VOTE_SEAT_API_H
#define VOTE_SEAT_API_H

#include "web/route.h"

extern const struct route seat_routes[];

#endif
