/* The public randomness of an epoch: a layer of a hash onion that the node fixed at genesis, mixed with what voters
 * revealed. Pure. */
#ifndef VOTE_BEACON_H
#define VOTE_BEACON_H

#include <stdint.h>

#include "core/error.h"
#include "core/id.h"

/*
 * Layer e is SHA-256 of layer e + 1; the innermost, number BEACON_ONION_LAYERS - 1, is SHA-256("winnow/onion/v1" 00 |
 * seed). Genesis publishes the tip, SHA-256 of layer 0, so each shown layer is checked against the one before.
 */
enum { BEACON_ONION_LAYERS = 1 << 20, BEACON_ONION_STRIDE = 1024 };

/*
 * Hashes the whole chain once (about a fifth of a second) and keeps every BEACON_ONION_STRIDE-th layer; NULL without
 * memory. Reading it is safe from several threads. close() overwrites what was kept; NULL is fine.
 */
struct beacon_onion;
struct beacon_onion *beacon_onion_open(const uint8_t seed[32]);
void beacon_onion_close(struct beacon_onion *onion);
void beacon_onion_tip(const struct beacon_onion *onion, struct sha256 *out);
/* Layer of an epoch, fewer than BEACON_ONION_STRIDE hashes away. Fails (WN_FULL onion_end) behind the innermost one. */
bool beacon_onion_layer(const struct beacon_onion *onion, uint64_t epoch, struct sha256 *out, struct wn_error *err);
/* Anybody's check: `layer` belongs under `outer`, which is the layer of the epoch before, or the tip for epoch 0. */
bool beacon_onion_follows(const struct sha256 *outer, const struct sha256 *layer);

/* `revealed` is vote_root() over the salts revealed in the epoch before; of nothing for epoch 0 and after a silent
 * epoch. */
void beacon_of_epoch(const struct network_id *network, uint64_t epoch, const struct sha256 *layer,
	const struct sha256 *revealed, struct sha256 *out);

#endif
