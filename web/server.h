/* The HTTP server: h2o loops (one a core, SO_REUSEPORT), lanes that may block, TLS by option, graceful stop. */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "web/route.h"

extern const struct option web_options[]; /* serve.* */

/* Serves until SIGTERM or SIGINT; `routes` are tables, each ended by a row whose method is NULL; the list ends with
 * NULL. Also listens on <state>/run/operator.sock (0600) for ROUTE_OPERATOR routes. Returns the exit status. */
int server_run(const struct node *node, const struct route *const routes[]);

#endif
