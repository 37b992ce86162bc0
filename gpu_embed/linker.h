/* Who repeats whom: posts in order, each joins the earliest leader that it repeats or becomes one. Pure: touches no
 * database. */
#ifndef GPU_EMBED_LINKER_H
#define GPU_EMBED_LINKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/id.h"
#include "gpu_embed/embed_spec.h"

enum {
	LINKER_KEY_LEADERS_MAX =
		32, /* leaders that one band key leads to: the earliest; templates must not make it slow */
};

/* As in the database and the journal. */
enum dup_method { DUP_NONE, DUP_EXACT, DUP_NORMALISED, DUP_MINHASH, DUP_SEMANTIC, DUP_SENSOR };
const char *dup_method_name(enum dup_method method); /* "none", "exact", "norm", "minhash", "semantic", "sensor" */

/* A signed post. Nothing is kept of what the pointers lead to. */
struct linker_post {
	struct item_id item;
	int64_t seq;		    /* its place in the order in which posts are linked: rising, above 0 */
	uint64_t campaign;	    /* stands for it: only posts of one campaign repeat each other */
	int numerator, denominator; /* Jaccard from which a post repeats another */
	struct sha256 raw, normal;  /* of the content as kept, and normalised */
	bool near;		    /* is compared by its shingles too */
	uint64_t digits;
	const uint16_t *lanes; /* EMBED_LANES */
	const uint64_t *keys;  /* EMBED_BANDS of them, key_stride apart */
	size_t key_stride;
	const uint32_t *shingles; /* rising */
	uint32_t size;
};

struct linker_verdict {
	struct item_id origin;	/* the earliest leader that it repeats; itself where it repeats none */
	struct item_id cluster; /* least id of all leaders that it repeats; itself where it repeats none */
	enum dup_method method;
	int32_t numerator,
		denominator; /* DUP_MINHASH: shingles in common and in either; else 1/1, and 0/1 for DUP_NONE */
	/*
	 * For novelty, where it repeats nothing: of the leaders that were compared, the one with the highest Jaccard.
	 * Below the threshold, or not where only different digits keep the two apart.
	 */
	bool has_nearest;
	struct item_id nearest;
	int32_t nearest_numerator, nearest_denominator;
};

/*
 * The rule. Same raw hash: exact. Same normalised hash: normalised. Else, if both are compared by shingles, every
 * leader that shares a band key is a candidate; exact Jaccards are counted for candidates with at least
 * embed_lanes_least() equal lanes and for the likeliest of the others; a post repeats those that reach the threshold,
 * unless one of the two has fewer than EMBED_DIGITS_BELOW shingles and their digits differ. Only posts that repeat
 * nothing become leaders, so a chain of small edits does not drift: everything that joined an origin was compared with
 * it.
 *
 * A post that repeats leaders of two clusters joins the cluster with the smaller id and does not merge them.
 */
struct linker;
bool linker_open(struct linker **out, struct wn_error *err); /* with all leaders in memory */
void linker_close(struct linker *linker);		     /* NULL is fine */
size_t linker_leaders(const struct linker *linker);
/* Decides a post against all before it, and takes it in as a leader when it repeats nothing. WN_FULL linker_full,
 * memory; WN_INPUT index_damaged: index_start() tells what to do. */
bool linker_link(
	struct linker *linker, const struct linker_post *post, struct linker_verdict *out, struct wn_error *err);
/* Hint that the post comes soon: a few posts ahead, the memory that it needs is near by then. */
void linker_prefetch(const struct linker *linker, const struct linker_post *post);
/* Takes in a leader that was decided before. */
bool linker_restore(struct linker *linker, const struct linker_post *post, struct wn_error *err);

/* ---- leaders in a folder (index.h) ---- */

/* The last leader of a segment: its item stands in the order at `seq`, or the segment is another database's. */
struct linker_mark {
	struct item_id item;
	int64_t seq;
};
/* Call linker_start() before anything else, with as many of the marks as the truth bears out. segment_leaders as
 * index_open() takes it; 0: the usual number. */
bool linker_open_folder(struct linker **out, const char *folder, uint32_t segment_leaders, struct wn_error *err);
size_t linker_marks(const struct linker *linker, const struct linker_mark **out);
bool linker_start(struct linker *linker, size_t marks, struct wn_error *err);
/* Removes what a folder holds, which nobody may have open. */
void linker_forget(const char *folder);
/* The `seq` of the last leader; those behind it are to be restored. 0: there is none. */
int64_t linker_watermark(const struct linker *linker);
/* What was decided so far holds: it may go to the folder. linker_settle() waits for work in the background too. */
void linker_keep(struct linker *linker);
void linker_settle(struct linker *linker);

/* Shingles in common and in either of two rising sets. */
void linker_jaccard(
	const uint32_t *a, uint32_t a_size, const uint32_t *b, uint32_t b_size, int32_t *common, int32_t *either);

#endif
