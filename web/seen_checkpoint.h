/* winnow-checkpoint: the newest checkpoint that the signer of a request has verified. A node that shows two journals is
 * found out by it. */
#ifndef WEB_SEEN_CHECKPOINT_H
#define WEB_SEEN_CHECKPOINT_H

#include "web/route.h"

/* "SIZE ROOT": a decimal number without leading zeros, a space, 64 lower-case hex digits. Pure. */
bool seen_checkpoint_read(struct wn_slice field, int64_t *size, struct sha256 *root);
/*
 * Behind the signature, which covers the field: fills exchange->seen_size; 0 without a field. *answered: the field is
 * malformed, or this node signed no checkpoint of that size with that root.
 */
bool seen_checkpoint_begin(struct exchange *exchange, bool *answered, struct wn_error *err);

#endif
