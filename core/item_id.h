/* The id of an item: submitter, node and lab compute it alike from network, salt and canonical bytes. Pure. */
#ifndef CORE_ITEM_ID_H
#define CORE_ITEM_ID_H

#include "core/id.h"

/* SHA-256("winnow/item/v1" 00 | network id | salt | SHA-256(canonical bytes)): DESIGN.md 2. */
void item_id_of(const struct network_id *network, const struct salt *salt, const struct sha256 *canonical_sha256,
	struct item_id *out);

#endif
