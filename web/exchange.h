/* The server's side of an exchange: from a routed request on a lane to a finished answer. */
#ifndef WEB_EXCHANGE_H
#define WEB_EXCHANGE_H

#include "web/route.h"

/*
 * Runs the exchange's route: clock, signature, account, idempotency, handler. Afterwards the answer is set and no
 * transaction is open. `db` may be NULL or lost. Never fails: what goes wrong becomes a problem.
 */
void exchange_run(struct exchange *exchange);
/* The same for several exchanges of one route that has handle_many, on one database. The list is put in another order.
 * `arena` is for what lives only as long as the call. */
void exchange_run_many(struct exchange *exchanges[], size_t count, struct wn_arena *arena);
/* Puts an answer aside: closes its file, forgets its headers. */
void exchange_clear(struct exchange *exchange);
/* Whether the answer has the header already; the name as it was given to exchange_header(). */
bool exchange_has_header(const struct exchange *exchange, const char *name);

#endif
