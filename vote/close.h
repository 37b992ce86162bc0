/* The close of an epoch: four passes over its votes settle verdicts, reputations and points (mechanism.md 4). Pure. */
#ifndef VOTE_CLOSE_H
#define VOTE_CLOSE_H

#include "core/arena.h"
#include "core/error.h"
#include "vote/tally.h"

enum {
	CLOSE_SWEEPS = 3, /* re-estimations after the online pass */
	CLOSE_PASSES = CLOSE_SWEEPS + 1,
	CLOSE_DECAY_SHIFT = 4, /* what a close forgets: 1/16 */
	CLOSE_GOLD_WEIGHT_MAX = 16,
	CLOSE_GOLD_PENALTY = 2, /* a wrong vote on gold costs this much more */
	CLOSE_POINT = 1000000,
	CLOSE_REFERENCES_MIN = 50, /* a stratum with fewer takes the whole epoch's baseline */
	CLOSE_STRATA_MAX = 64,
	CLOSE_VOTES_MAX = 1 << 24, /* an epoch ends at 4 M votes; returning items bring their old ones along */
	CLOSE_NO_GOLD = -1,
	CLOSE_NO_REFERENCE = -1,
};

struct epoch_vote {
	uint32_t validator; /* index into the input's validators */
	uint8_t label;
	bool fresh; /* no close has counted it yet */
};
struct epoch_item {
	uint32_t vote_first, vote_count; /* its votes of all rounds lie together in the input's votes, in any order */
	int32_t stratum;		 /* 0 .. CLOSE_STRATA_MAX - 1 */
	int32_t gold;			 /* the audited class, or CLOSE_NO_GOLD */
	bool back;			 /* was in an earlier close: its soft label does not enter pi again */
};

/* What a pass used and left behind; pointers are valid during the call. */
struct close_pass {
	const int64_t *pooled;	/* tally_cells(): P */
	const int32_t *weights; /* a table of tally_cells() per validator, places by tally_weight_at() */
	const int64_t *scores;	/* item_count x K: L */
	const uint8_t *labels;	/* item_count x K: r, gold or soft */
	const int64_t *counts;	/* validator_count tables: C before decay */
	const int64_t *prior;	/* K: pi before decay */
};

/* One campaign's epoch. Everything is the caller's and stays as it is; no order of items, votes or validators changes a
 * result. */
struct close_input {
	int classes;
	uint32_t keep;		    /* bit a: class a keeps */
	uint32_t validator_count;   /* all of the campaign's state, idle ones too: the pooled prior needs them */
	const int64_t *counts;	    /* validator_count tables of tally_cells() */
	const int64_t *gold_before; /* gold votes of each validator in earlier closes */
	const bool *probation;	    /* NULL: nobody. These votes enter no score, reference or pay; their counts grow */
	const int64_t *prior;	    /* pi, K places */
	uint32_t item_count, vote_count;
	const struct epoch_item *items;
	const struct epoch_vote *votes;
	/* May be NULL. Called after each pass with its tables, for audits and tests; costs one table of labels more. */
	void (*trace)(void *context, int pass, const struct close_pass *tables);
	void *trace_context;
};

/* Everything lies in the arena. */
struct close_output {
	/* from close_sweep() */
	int64_t *scores;		  /* item_count x K: settled L */
	int32_t *class;			  /* by item: argmax of the settled scores, for gold items too */
	int64_t *margin;		  /* by item */
	int32_t *p_good;		  /* by item, millionths */
	int64_t *counts;		  /* validator_count tables, after decay: store them */
	int64_t prior[TALLY_CLASSES_MAX]; /* pi after decay: store it */
	uint32_t *gold_new;		  /* by validator: fresh votes on gold; add to gold_before */
	uint32_t *gold_right;		  /* by validator: those of them that named the gold class */
	uint32_t *fresh;		  /* by validator: its fresh votes; 0: its table is unchanged */
	int32_t *weights;		  /* by validator: the settled pass's weights */
	/* from close_score() */
	int8_t *reference; /* by vote: class, or CLOSE_NO_REFERENCE */
	int32_t *points; /* by vote, millionths of a point; 0 where there is no reference or the item does not settle */
	int64_t *sum;	 /* by validator: S of this close */
	uint32_t *scored; /* by validator: votes that had a reference on settling items */
	uint32_t references[CLOSE_STRATA_MAX][TALLY_CLASSES_MAX];
	int32_t baseline[CLOSE_STRATA_MAX][TALLY_CLASSES_MAX]; /* q, millionths */
};

/* Bytes of arena that both steps together take at most. */
size_t close_room(int classes, uint32_t validators, uint32_t items, uint32_t votes);

/*
 * Two steps, because which items settle is the caller's to say once it sees the margins (an item under TALLY_ESCALATE
 * that had one panel gets the second and comes back): sweep, decide, score. The sweeps do not depend on that decision,
 * so nothing runs twice. An epoch without items changes nothing. Fail only without memory (WN_FULL memory).
 */
bool close_sweep(
	struct wn_arena *arena, const struct close_input *input, struct close_output *out, struct wn_error *err);
/* settles[i]: item i's votes, old and fresh, get their points now; NULL: all settle. */
bool close_score(struct wn_arena *arena, const struct close_input *input, const bool *settles, struct close_output *out,
	struct wn_error *err);
/* Both steps, for whoever knows already what settles. */
bool epoch_close(struct wn_arena *arena, const struct close_input *input, const bool *settles, struct close_output *out,
	struct wn_error *err);

/* q of one stratum, K places: its own reference counts when there are enough, else the epoch's, else equal parts. */
void close_baseline(int classes, const uint32_t *stratum, const uint32_t *epoch, int32_t *baseline);

#endif
