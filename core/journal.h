/* The journal: entries appended inside the transactions that they record, numbered by one sequencer into an RFC 9162
 * tree. */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include "core/arena.h"
#include "core/db.h"
#include "core/error.h"
#include "core/id.h"
#include "core/json.h"
#include "core/sign.h"
#include "core/tree.h"

enum { JOURNAL_ENTRY_MAX = 1048576, JOURNAL_BATCH_MAX = 1000 };

/* Opens the object of an entry with its two members that every one has; the writer stays open. */
void journal_entry_begin(struct json_writer *writer, struct wn_arena *arena, const char *type, int64_t time_ms);

/*
 * Every entry is canonical JSON (RFC 8785) of one object that has at least {"type": "...", "time_ms": n}. `body` is any
 * JSON text of it; it is canonicalised here. Appended as the LAST statement before db_commit(), inside the transaction
 * that it records. *leaf (may be NULL) gets the leaf hash SHA-256(00 | canonical bytes), which the receipt names.
 */
bool journal_append(
	struct db *db, struct wn_arena *arena, struct wn_slice body, struct sha256 *leaf, struct wn_error *err);
/* The same for what one transaction records in several entries: leaves[i] belongs to bodies[i]. */
bool journal_append_many(struct db *db, struct wn_arena *arena, const struct wn_slice *bodies, size_t count,
	struct sha256 *leaves, struct wn_error *err);
#ifdef WINNOW_FAILPOINTS
#define journal_append_many(db, arena, bodies, count, leaves, err)                                                     \
	(FAILPOINT("before_append"), journal_append_many(db, arena, bodies, count, leaves, err))
#define journal_append(db, arena, body, leaf, err)                                                                     \
	(FAILPOINT("before_append"), journal_append(db, arena, body, leaf, err))
#endif

/* One turn of the sequencer: numbers committed entries whose transaction lies below the snapshot's xmin, at most
 * JOURNAL_BATCH_MAX, and writes tree nodes. *numbered tells how many. Only the holder of the sequencer's lock calls it.
 */
bool journal_sequence(struct db *db, struct wn_arena *arena, size_t *numbered, struct wn_error *err);

/* Signs and stores a checkpoint of everything numbered, after recomputing the root from the stored leaves by a second
 * path; no new one when nothing was added. Format: C2SP signed note of a C2SP tlog-checkpoint, origin "winnow/<16 hex
 * of network id>". */
bool journal_checkpoint(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct sign_key *key, int64_t now_ms, bool *written, struct wn_error *err);

struct checkpoint {
	uint64_t size;
	struct sha256 root;
	int64_t time_ms;
	struct wn_slice note; /* in the arena */
};
bool journal_latest_checkpoint(
	struct db *db, struct wn_arena *arena, struct checkpoint *out, struct wn_error *err); /* size 0 when none */
/* Reads a note and checks its signature; false with WN_INPUT checkpoint_* codes. Needs no database. */
bool checkpoint_parse(const char *note, size_t bytes, const struct network_id *network, const struct account_key *key,
	struct checkpoint *out, struct wn_error *err);
/* Proof that the entry at `position` is in the tree of `size` leaves; WN_INPUT journal_position when it is not. */
bool journal_inclusion(struct db *db, struct wn_arena *arena, uint64_t position, uint64_t size, struct tree_proof *out,
	struct wn_error *err);
bool journal_consistency(struct db *db, struct wn_arena *arena, uint64_t first, uint64_t second, struct tree_proof *out,
	struct wn_error *err);
/* Canonical bytes of entries from `position` on, at most `count`, in the arena. */
struct journal_entry {
	uint64_t position;
	struct wn_slice body;
};
bool journal_read(struct db *db, struct wn_arena *arena, uint64_t position, size_t count, struct journal_entry **out,
	size_t *found, struct wn_error *err);
/* Position of the entry with this leaf hash; *position = UINT64_MAX while it waits to be numbered. WN_INPUT
 * journal_unknown. */
bool journal_find(
	struct db *db, struct wn_arena *arena, const struct sha256 *leaf, uint64_t *position, struct wn_error *err);

/* A node-signed promise that a leaf will be in a checkpoint within 60 s: JSON {leaf_hash, network_id, signature,
 * time_ms}; signature over "winnow/receipt/v1" 00 | network id | leaf hash | time_ms u64 LE. */
bool receipt_write(struct wn_arena *arena, const struct network_id *network, const struct sign_key *key,
	const struct sha256 *leaf, int64_t now_ms, struct wn_slice *out, struct wn_error *err);
bool receipt_check(const struct json *receipt, const struct network_id *network, const struct account_key *key,
	struct wn_error *err);

#endif
