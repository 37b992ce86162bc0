/* The embed role: signs received items and links them one after the other, as the only one who does. */
#ifndef GPU_EMBED_EMBED_WORKER_H
#define GPU_EMBED_EMBED_WORKER_H

#include "core/worker.h"

enum { EMBED_BATCH_MAX = 500 };

extern const struct option embed_options[]; /* embed.*; ended by a row whose name is NULL */

/* Database role winnow_embed, woken by winnow_item, elected by an advisory lock; wakes winnow_embedded. */
extern const struct worker_plan *const embed_plan;

/*
 * What a linker keeps between batches: the index over everything that was linked, which PostgreSQL can always give
 * back.
 *
 * Order: items are linked in order of arrival as far as they are there; dedup_signature.link_seq is the order in which
 * they were, and the one that counts. Two submissions of which the second was sent after the first was answered are
 * linked in that order. Of two that overlap, the one with the smaller item.seq may commit later; when the other was
 * linked in between, it stays the earlier one, because a verdict in the journal does not change any more.
 */
struct embed_loop;
/* backend NULL: the preferred one; threads that sign, 0: as many as is usual; batch_items: 1 to EMBED_BATCH_MAX. */
bool embed_loop_open(
	struct embed_loop **out, const char *backend, unsigned threads, size_t batch_items, struct wn_error *err);
/* Before the first batch: where the index keeps its files (gpu_embed/index.h), and leaders of a segment, 0 the usual
 * number. Without, it stays in memory. */
void embed_loop_folder(struct embed_loop *loop, const char *folder, uint32_t segment_leaders);
/* Waits until what the index does in the background is done. */
void embed_loop_settle(struct embed_loop *loop);
void embed_loop_close(struct embed_loop *loop); /* NULL is fine */
/*
 * One batch in one transaction; *done items were decided. The index takes in what the database knows and it does not,
 * so a loop may be given any connection, be the first or be the second: it then fails with WN_INPUT db_unique, or
 * waits, and is right afterwards. An index that is damaged, or says what the database does not, is read anew at once.
 */
bool embed_loop_batch(
	struct embed_loop *loop, struct db *db, struct wn_arena *arena, size_t *done, struct wn_error *err);

#endif
