/* Checkpoints as signed notes: C2SP signed-note around a C2SP tlog-checkpoint. Needs no database; journal.h reads them.
 */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "core/journal.h"

/* Witnesses add lines to a note: what a reader takes at most. */
enum { CHECKPOINT_NOTE_MAX = 16384, CHECKPOINT_SIGNATURES_MAX = 64 };
enum { CHECKPOINT_ORIGIN_ROOM = 32, CHECKPOINT_KEY_HASH_BYTES = 4 };

/* "winnow/<16 hex digits>": the log's name and the name of its key. */
void checkpoint_origin(char out[CHECKPOINT_ORIGIN_ROOM], const struct network_id *network);
/* SHA-256(name | 0a | 01 | key), the first four bytes: 01 stands for Ed25519. */
void checkpoint_key_hash(uint8_t out[CHECKPOINT_KEY_HASH_BYTES], const char *name, const struct account_key *key);
/* Signs size, root and time_ms; checkpoint->note is set, in the arena. size <= INT64_MAX. */
bool checkpoint_sign(struct wn_arena *arena, const struct network_id *network, const struct sign_key *key,
	struct checkpoint *checkpoint, struct wn_error *err);

#endif
