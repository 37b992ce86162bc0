/* How many connections are open, in all and from one address: the library has no cap of its own. Any thread. */
#ifndef WEB_PEERS_H
#define WEB_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/error.h"

enum { PEERS_MAX = 65536 };

struct peers;

/* An address as it is counted: IPv4 whole, IPv6 by its /64, which one client owns; the unix socket is all zero. */
struct peer {
	uint8_t bytes[16];
};
void peer_of(struct peer *peer, const struct sockaddr *address);

/* `total` open connections at most, `each` of them from one address. */
bool peers_open(struct peers **out, int total, int each, struct wn_error *err);
void peers_close(struct peers *peers); /* NULL is fine */
/* Counts a connection; false when it is one too many and was not counted. */
bool peers_enter(struct peers *peers, const struct peer *peer);
void peers_leave(struct peers *peers, const struct peer *peer);
int peers_count(struct peers *peers);

#endif
