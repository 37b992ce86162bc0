/* Routes of campaigns: what is wanted, how it is judged, what it pays; the operator opens them. */
#ifndef VOTE_CAMPAIGN_API_H
#define VOTE_CAMPAIGN_API_H

#include "web/route.h"

extern const struct route campaign_routes[];

#endif
