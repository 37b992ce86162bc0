/* A table in memory with open addressing, under one lock: connections come and go far more rarely than requests. */
#include "web/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

struct peers_slot {
	struct peer peer;
	int count; /* 0: free */
};

struct peers {
	pthread_mutex_t mutex;
	int open, total, each;
	size_t mask;
	struct peers_slot slots[];
};

void peer_of(struct peer *peer, const struct sockaddr *address)
{
	memset(peer, 0, sizeof *peer);
	if (address->sa_family == AF_INET) {
		peer->bytes[10] = peer->bytes[11] = 0xff;
		memcpy(peer->bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *given = &((const struct sockaddr_in6 *)address)->sin6_addr;
		memcpy(peer->bytes, given, IN6_IS_ADDR_V4MAPPED(given) ? 16 : 8);
	}
}

bool peers_open(struct peers **out, int total, int each, struct wn_error *err)
{
	wn_assert(total >= 1 && total <= PEERS_MAX);
	/* At most half full, so that searches stay short. */
	size_t slots = 64;
	while (slots < 2 * (size_t)total)
		slots *= 2;
	struct peers *peers = calloc(1, sizeof *peers + slots * sizeof *peers->slots);
	if (!peers)
		return wn_fail(err, WN_FULL, "memory", "no memory to count %d connections", total);
	pthread_mutex_init(&peers->mutex, NULL);
	peers->total = total;
	peers->each = each;
	peers->mask = slots - 1;
	*out = peers;
	return true;
}

void peers_close(struct peers *peers)
{
	if (!peers)
		return;
	pthread_mutex_destroy(&peers->mutex);
	free(peers);
}

/* The slot of a peer, or the free one where it belongs. */
static size_t peers_find(const struct peers *peers, const struct peer *peer)
{
	size_t at = memory_hash(peer->bytes, sizeof peer->bytes) & peers->mask;
	while (peers->slots[at].count && memcmp(&peers->slots[at].peer, peer, sizeof *peer) != 0)
		at = (at + 1) & peers->mask;
	return at;
}

bool peers_enter(struct peers *peers, const struct peer *peer)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = &peers->slots[peers_find(peers, peer)];
	bool taken = peers->open < peers->total && slot->count < peers->each;
	if (taken) {
		slot->peer = *peer;
		slot->count++;
		peers->open++;
	}
	pthread_mutex_unlock(&peers->mutex);
	return taken;
}

/* Moves what stands behind a freed slot forward, so that every search still ends at the first free one. */
static void peers_close_gap(struct peers *peers, size_t gap)
{
	for (size_t at = (gap + 1) & peers->mask; peers->slots[at].count; at = (at + 1) & peers->mask) {
		size_t home = memory_hash(&peers->slots[at].peer, sizeof peers->slots[at].peer) & peers->mask;
		if (((at - home) & peers->mask) < ((at - gap) & peers->mask))
			continue;
		peers->slots[gap] = peers->slots[at];
		peers->slots[at].count = 0;
		gap = at;
	}
}

void peers_leave(struct peers *peers, const struct peer *peer)
{
	pthread_mutex_lock(&peers->mutex);
	size_t at = peers_find(peers, peer);
	wn_assert(peers->slots[at].count > 0);
	peers->open--;
	if (--peers->slots[at].count == 0)
		peers_close_gap(peers, at);
	pthread_mutex_unlock(&peers->mutex);
}

int peers_count(struct peers *peers)
{
	pthread_mutex_lock(&peers->mutex);
	int open = peers->open;
	pthread_mutex_unlock(&peers->mutex);
	return open;
}
