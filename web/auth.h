/* Who asks, and may they: signature, account, roles, the operator's door. */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "web/route.h"

/* The door and the signature, without the database: fills is_signed and signature; *answered tells that the exchange
 * was refused. False: failure of the world. */
bool auth_signature(struct exchange *exchange, bool *answered, struct wn_error *err);
/* Holds the account of who signed (has_account, account) against the route; true when the exchange was refused. */
bool auth_account(struct exchange *exchange);

#endif
