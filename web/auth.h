/* Who asks, and may they: signature, account, roles, the operator's door. */
#ifndef WEB_AUTH_H
#define WEB_AUTH_H

#include "web/route.h"

/* Fills is_signed, signature, has_account and account; *answered tells that the exchange was refused. False: failure of
 * the world. */
bool auth_check(struct exchange *exchange, bool *answered, struct wn_error *err);

#endif
