/* The server's insides, for the files of web/ that make it up and for the routes that tell about it. */
#ifndef WEB_SERVER_STATE_H
#define WEB_SERVER_STATE_H

#include <openssl/ssl.h>

#include "web/counters.h"
#include "web/lane.h"
#include "web/listener.h"
#include "web/peers.h"
#include "web/router.h"

struct loop;

struct server {
	const struct node *node;
	struct router router;
	struct wn_arena openapi_arena;
	struct wn_slice openapi; /* the document at /openapi.json, made once of the router */
	char openapi_etag[ID_HEX_ROOM];
	struct lanes *lanes;
	struct peers *peers;
	struct listeners listeners;
	_Atomic int loop_count; /* counters of one loop are read while the next one starts */
	struct loop *loops[LISTENERS_MAX];
	SSL_CTX *tls;	    /* NULL: plain */
	int64_t started_ms; /* monotonic */
	bool access_log;
	int idle_ms, stall_ms, deadline_ms, slow_ms;
	int64_t slow_bytes_s;
};

/* Sums over all loops; any thread. `counters` is large: keep it out of small stacks. */
void server_count(const struct server *server, struct counters *counters);

#endif
