/* Routes of accounts: registering a key. */
#ifndef WEB_ACCOUNT_API_H
#define WEB_ACCOUNT_API_H

#include "web/route.h"

extern const struct route account_routes[];

#endif
