/* A table in memory with open addressing, under one lock: what is done under it is a few additions. */
#include "web/peers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

struct peers_slot {
	struct peer peer;
	int count;
	uint32_t queued;
	size_t held_bytes;
	uint64_t turn; /* of its latest request */
};

struct peers {
	pthread_mutex_t mutex;
	struct peers_limits limits;
	int open;
	size_t queued, held_bytes, held_most;
	uint64_t turn; /* of the latest request that a lane took */
	size_t mask;
	struct peers_slot slots[];
};

static const struct peer peer_unix;

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

static bool peer_is_unix(const struct peer *peer)
{
	return memcmp(peer, &peer_unix, sizeof *peer) == 0;
}

bool peers_open(struct peers **out, const struct peers_limits *limits, struct wn_error *err)
{
	wn_assert(limits->total >= 1 && limits->total <= PEERS_MAX);
	/* Requests may outlive their connections. At most half full, so that searches stay short. */
	size_t slots = 64;
	while (slots < 2 * ((size_t)limits->total + limits->queued + limits->working + 1))
		slots *= 2;
	struct peers *peers = calloc(1, sizeof *peers + slots * sizeof *peers->slots);
	if (!peers)
		return wn_fail(err, WN_FULL, "memory", "no memory to count %d connections", limits->total);
	pthread_mutex_init(&peers->mutex, NULL);
	peers->limits = *limits;
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

static bool slot_is_free(const struct peers_slot *slot)
{
	return slot->count == 0 && slot->queued == 0 && slot->held_bytes == 0;
}

/* The slot of a peer, or the free one where it belongs. */
static size_t peers_find(const struct peers *peers, const struct peer *peer)
{
	size_t at = memory_hash(peer->bytes, sizeof peer->bytes) & peers->mask;
	while (!slot_is_free(&peers->slots[at]) && memcmp(&peers->slots[at].peer, peer, sizeof *peer) != 0)
		at = (at + 1) & peers->mask;
	return at;
}

/* As peers_find(), with the name and a clean history in it. */
static struct peers_slot *peers_slot(struct peers *peers, const struct peer *peer)
{
	struct peers_slot *slot = &peers->slots[peers_find(peers, peer)];
	if (slot_is_free(slot))
		*slot = (struct peers_slot){.peer = *peer};
	return slot;
}

/* Moves what stands behind a freed slot forward, so that every search still ends at the first free one. */
static void peers_close_gap(struct peers *peers, size_t gap)
{
	for (size_t at = (gap + 1) & peers->mask; !slot_is_free(&peers->slots[at]); at = (at + 1) & peers->mask) {
		size_t home = memory_hash(&peers->slots[at].peer, sizeof peers->slots[at].peer) & peers->mask;
		if (((at - home) & peers->mask) < ((at - gap) & peers->mask))
			continue;
		peers->slots[gap] = peers->slots[at];
		peers->slots[at] = (struct peers_slot){0};
		gap = at;
	}
}

static void peers_tidy(struct peers *peers, struct peers_slot *slot)
{
	if (slot_is_free(slot))
		peers_close_gap(peers, (size_t)(slot - peers->slots));
}

/* ---- connections ---- */

bool peers_enter(struct peers *peers, const struct peer *peer)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	bool taken = peers->open < peers->limits.total && slot->count < peers->limits.each;
	if (taken) {
		slot->count++;
		peers->open++;
	}
	pthread_mutex_unlock(&peers->mutex);
	return taken;
}

void peers_leave(struct peers *peers, const struct peer *peer)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	wn_assert(slot->count > 0);
	peers->open--;
	slot->count--;
	peers_tidy(peers, slot);
	pthread_mutex_unlock(&peers->mutex);
}

int peers_count(struct peers *peers)
{
	pthread_mutex_lock(&peers->mutex);
	int open = peers->open;
	pthread_mutex_unlock(&peers->mutex);
	return open;
}

/* ---- requests that wait ---- */

enum peers_verdict peers_queue(struct peers *peers, const struct peer *peer, uint64_t *turn)
{
	enum peers_verdict verdict = PEERS_FINE;
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	bool is_unix = peer_is_unix(peer);
	if (peers->queued >= peers->limits.queued + (is_unix ? PEERS_UNIX_MAX : 0))
		verdict = PEERS_FULL;
	else if (slot->queued >= peers->limits.queued_each && !is_unix)
		verdict = PEERS_SHARE;
	if (verdict == PEERS_FINE) {
		if (slot->queued == 0 && slot->turn < peers->turn)
			slot->turn = peers->turn;
		*turn = ++slot->turn;
		slot->queued++;
		peers->queued++;
	}
	pthread_mutex_unlock(&peers->mutex);
	return verdict;
}

void peers_unqueue(struct peers *peers, const struct peer *peer, uint64_t turn)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	wn_assert(slot->queued > 0);
	slot->queued--;
	peers->queued--;
	if (peers->turn < turn)
		peers->turn = turn;
	peers_tidy(peers, slot);
	pthread_mutex_unlock(&peers->mutex);
}

/* ---- bytes ---- */

static bool bytes_fit(size_t held, size_t bytes, size_t limit)
{
	if (bytes > PEERS_SMALL_BYTES)
		limit -= limit / 8;
	return held <= limit && bytes <= limit - held;
}

static enum peers_verdict peers_judge(const struct peers *peers, const struct peers_slot *slot, size_t bytes)
{
	if (peer_is_unix(&slot->peer))
		return PEERS_FINE;
	if (!bytes_fit(slot->held_bytes, bytes, peers->limits.held_each))
		return PEERS_SHARE;
	return bytes_fit(peers->held_bytes, bytes, peers->limits.held_bytes) ? PEERS_FINE : PEERS_FULL;
}

static void peers_add(struct peers *peers, struct peers_slot *slot, size_t bytes)
{
	slot->held_bytes += bytes;
	peers->held_bytes += bytes;
	if (peers->held_most < peers->held_bytes)
		peers->held_most = peers->held_bytes;
}

static void peers_take(struct peers *peers, struct peers_slot *slot, size_t bytes)
{
	wn_assert(slot->held_bytes >= bytes);
	slot->held_bytes -= bytes;
	peers->held_bytes -= bytes;
}

enum peers_verdict peers_hold(struct peers *peers, const struct peer *peer, size_t bytes)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	enum peers_verdict verdict = peers_judge(peers, slot, bytes);
	if (verdict == PEERS_FINE)
		peers_add(peers, slot, bytes);
	pthread_mutex_unlock(&peers->mutex);
	return verdict;
}

enum peers_verdict peers_adjust(struct peers *peers, const struct peer *peer, size_t before, size_t now)
{
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	peers_take(peers, slot, before);
	enum peers_verdict verdict = peers_judge(peers, slot, now);
	peers_add(peers, slot, now);
	peers_tidy(peers, slot);
	pthread_mutex_unlock(&peers->mutex);
	return verdict;
}

void peers_release(struct peers *peers, const struct peer *peer, size_t bytes)
{
	if (bytes == 0)
		return;
	pthread_mutex_lock(&peers->mutex);
	struct peers_slot *slot = peers_slot(peers, peer);
	peers_take(peers, slot, bytes);
	peers_tidy(peers, slot);
	pthread_mutex_unlock(&peers->mutex);
}

void peers_held(struct peers *peers, struct peers_held *out)
{
	pthread_mutex_lock(&peers->mutex);
	*out = (struct peers_held){
		.bytes = peers->held_bytes,
		.bytes_max = peers->limits.held_bytes,
		.most = peers->held_most,
		.pressed = peers->held_bytes > peers->limits.held_bytes / 2,
	};
	pthread_mutex_unlock(&peers->mutex);
}
