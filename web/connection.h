/* One connection from accept to close: counted by address, sniffed, weighed, and cut where it holds too much or moves
 * too slowly. On its loop's thread only. */
#ifndef WEB_CONNECTION_H
#define WEB_CONNECTION_H

#include <h2o.h>

#include "web/peers.h"

enum {
	CONNECTION_FREE_BYTES = 8192, /* of input that is not counted: every connection may have them */
	CONNECTION_LINGER_MS = 2000,  /* how long what still comes is thrown away, so that our last words are read */
	CONNECTION_PRESSED = 16,      /* times as fast as usual must a client be while memory is short */
};

enum connection_phase {
	CONNECTION_QUIET,   /* waits for a request */
	CONNECTION_ARRIVES, /* a request has begun to arrive */
	CONNECTION_WORKS,   /* the request waits for a lane, or is on one */
	CONNECTION_LEAVES,  /* the answer is on its way */
	CONNECTION_ENDS,    /* told why it ends */
};

struct loop;

/* The library's own object is out of reach. */
struct connection {
	struct loop *loop;
	h2o_socket_t *socket;
	struct connection *next, **self; /* in the loop's list */
	struct peer peer;		 /* all zero: the operator's socket */
	bool by_operator;
	bool sniffs;	  /* no request line has come yet, so the library does not know it yet */
	bool works;	  /* its request is with the lanes */
	int requests;	  /* not yet answered in full */
	char address[64]; /* "192.0.2.1", "2001:db8::1" or "unix" */

	size_t input_bytes; /* as counted in peers.c */
	/* The window in which it has to move: since when, and how much had moved by then. */
	enum connection_phase phase;
	unsigned begun, seen; /* requests until now, and until the window began */
	int64_t since_ms;
	uint64_t moved_bytes;
	h2o_socket_cb reader; /* the library's: told of what came, and that it has ended */
	bool told;	      /* CONNECTION_ENDS: `words`, why it ends */
	char *words;
};

/* An accepted socket: taken, or refused and closed. */
void connection_take(struct loop *loop, h2o_socket_t *socket);
void connection_take_operator(struct loop *loop, h2o_socket_t *socket);
/* Counts what the library keeps of its input at this moment. */
enum peers_verdict connection_weigh(struct connection *connection);
/* Looks at all of them; inside of a turn of the library only. */
void connections_look(struct loop *loop, int64_t now_ms);

#endif
