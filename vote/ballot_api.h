/* The route of ballots: up to 64 sealed or opened votes under one signature. */
#ifndef VOTE_BALLOT_API_H
#define VOTE_BALLOT_API_H

#include "web/route.h"

extern const struct route ballot_routes[];

#endif
