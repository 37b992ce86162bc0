/* What is open, waiting and held, in all and for one address: the library has no cap of its own. Any thread. */
#ifndef WEB_PEERS_H
#define WEB_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/error.h"

enum {
	PEERS_MAX = 65536,
	PEERS_UNIX_MAX =
		64, /* connections through the unix socket; as many requests of it may wait beside all others */
	PEERS_SMALL_BYTES = 65536, /* what is bigger leaves the last eighth of the memory to what is not */
};

struct peers;

/* An address as it is counted: IPv4 whole, IPv6 by its /64, which one client owns; the unix socket is all zero. */
struct peer {
	uint8_t bytes[16];
};
void peer_of(struct peer *peer, const struct sockaddr *address);

/* The unix socket has no share, and room when nobody else has: whoever wants to know why others are refused gets in. */
struct peers_limits {
	int total, each;	      /* open connections */
	size_t queued, queued_each;   /* requests that wait for a lane */
	size_t held_bytes, held_each; /* memory of requests and answers */
	size_t working;		      /* requests on lanes: more addresses that the table must have room for */
};
enum peers_verdict {
	PEERS_FINE,
	PEERS_FULL,  /* too much in all */
	PEERS_SHARE, /* too much of this address */
};

bool peers_open(struct peers **out, const struct peers_limits *limits, struct wn_error *err);
void peers_close(struct peers *peers); /* NULL is fine */

/* Counts a connection; false when it is one too many and was not counted. */
bool peers_enter(struct peers *peers, const struct peer *peer);
void peers_leave(struct peers *peers, const struct peer *peer);
int peers_count(struct peers *peers);

/*
 * Counts a request that waits. *turn orders the requests of all addresses so that each address gets every n-th: who
 * waits with one is not behind all of somebody who waits with hundreds. Not counted unless PEERS_FINE.
 */
enum peers_verdict peers_queue(struct peers *peers, const struct peer *peer, uint64_t *turn);
/* It waits no longer; `turn` as it was given. */
void peers_unqueue(struct peers *peers, const struct peer *peer, uint64_t turn);

/* Counts bytes that are about to be held; not counted unless PEERS_FINE. */
enum peers_verdict peers_hold(struct peers *peers, const struct peer *peer, size_t bytes);
/* Counts `now` instead of `before`, for bytes that are there already; tells whether they are too many. */
enum peers_verdict peers_adjust(struct peers *peers, const struct peer *peer, size_t before, size_t now);
void peers_release(struct peers *peers, const struct peer *peer, size_t bytes);

struct peers_held {
	size_t bytes, bytes_max, most; /* held now, its limit, and the most there ever was */
	bool pressed;		       /* more than half of the limit */
};
void peers_held(struct peers *peers, struct peers_held *out);

#endif
