/* The hash onion with a sparse memory, and the beacon over one of its layers. */
#include "vote/beacon.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum { BEACON_CHECKPOINTS = BEACON_ONION_LAYERS / BEACON_ONION_STRIDE };

struct beacon_onion {
	struct sha256 tip;
	struct sha256
		kept[BEACON_CHECKPOINTS]; /* kept[i] is the innermost layer of the i-th stride: (i + 1) * stride - 1 */
};

static void peel(struct sha256 *layer)
{
	sha256_of(layer->bytes, ID_BYTES, layer);
}

struct beacon_onion *beacon_onion_open(const uint8_t seed[32])
{
	struct beacon_onion *onion = calloc(1, sizeof *onion);
	if (!onion)
		return NULL;
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/onion/v1");
	hash_field(&layout, seed, 32);
	struct sha256 layer;
	hash_done(&layout, &layer);
	for (int stride = BEACON_CHECKPOINTS - 1; stride >= 0; stride--) {
		onion->kept[stride] = layer;
		for (int i = 0; i < BEACON_ONION_STRIDE; i++)
			peel(&layer);
	}
	onion->tip = layer;
	explicit_bzero(&layout, sizeof layout);
	return onion;
}

void beacon_onion_close(struct beacon_onion *onion)
{
	if (!onion)
		return;
	explicit_bzero(onion, sizeof *onion);
	free(onion);
}

void beacon_onion_tip(const struct beacon_onion *onion, struct sha256 *out)
{
	*out = onion->tip;
}

bool beacon_onion_layer(const struct beacon_onion *onion, uint64_t epoch, struct sha256 *out, struct wn_error *err)
{
	if (epoch >= BEACON_ONION_LAYERS)
		return wn_fail(err, WN_FULL, "onion_end", "the beacon's chain has %d layers and none for this epoch",
			BEACON_ONION_LAYERS);
	*out = onion->kept[epoch / BEACON_ONION_STRIDE];
	for (uint64_t i = epoch % BEACON_ONION_STRIDE; i < BEACON_ONION_STRIDE - 1; i++)
		peel(out);
	return true;
}

bool beacon_onion_follows(const struct sha256 *outer, const struct sha256 *layer)
{
	struct sha256 hash = *layer;
	peel(&hash);
	return memcmp(hash.bytes, outer->bytes, ID_BYTES) == 0;
}

void beacon_of_epoch(const struct network_id *network, uint64_t epoch, const struct sha256 *layer,
	const struct sha256 *revealed, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/beacon/v1");
	hash_field(&layout, network->bytes, ID_BYTES);
	hash_u64(&layout, epoch);
	hash_field(&layout, layer->bytes, ID_BYTES);
	hash_field(&layout, revealed->bytes, ID_BYTES);
	hash_done(&layout, out);
}
