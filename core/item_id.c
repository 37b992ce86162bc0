/* One layout, hashed: it tells nothing to who lacks the salt. */
#include "core/item_id.h"

#include <string.h>

#include "core/hash.h"

void item_id_of(const struct network_id *network, const struct salt *salt, const struct sha256 *canonical_sha256,
	struct item_id *out)
{
	struct hash_layout layout;
	struct sha256 hash;
	hash_tag(&layout, "winnow/item/v1");
	hash_field(&layout, network->bytes, ID_BYTES);
	hash_field(&layout, salt->bytes, ID_BYTES);
	hash_field(&layout, canonical_sha256->bytes, ID_BYTES);
	hash_done(&layout, &hash);
	memcpy(out->bytes, hash.bytes, ID_BYTES);
}
