/* One epoch's close while it runs: what its parts hand on to one another. All of it is one transaction. */
#ifndef VOTE_EPOCH_RUN_H
#define VOTE_EPOCH_RUN_H

#include "core/node.h"
#include "vote/campaign_store.h"
#include "vote/close.h"
#include "vote/close_store.h"
#include "vote/vote_entry.h"

/* Where a close runs. */
struct close_turn {
	struct db *db;
	struct wn_arena *arena;
	const struct node *node;
	int64_t now_ms;
};

/* A validator of a campaign in a close: its record as it will be stored, and what enters pay and slash. */
struct settle_validator {
	struct validator_row row; /* before; then after the close */
	bool known;		  /* had a record before */
	bool changed;
	bool unbonded; /* everything, by the end of the epoch; whoever reads fills it behind judge_run() */
	bool early;    /* it settles for this reason alone */
	bool settles;  /* its carried scores enter pay and slash now: */
	int64_t points, scored;
};
struct settle_contributor {
	struct account_key key;
	int64_t weight; /* sum of its accepted items' novelty, millionths */
	int64_t items;
};

/* One campaign in a close. */
struct settle_campaign {
	const struct campaign *campaign;
	struct sha256 subject; /* SHA-256 of its name: the owner of its budget, the subject of its transfers */
	struct settle_validator *validators; /* by key */
	size_t validator_count;
	struct settle_contributor *contributors; /* by key */
	size_t contributor_count;
	struct campaign_state state; /* after the close */
	bool judged;		     /* it had items, so its state moved */
	struct sha256 counts_sha256;
	int64_t settled, second, voided, accepted, fresh_votes;
	struct held_bond *bonds; /* that end now, by voter */
	size_t bond_count;
	int64_t budget;		     /* prepaid campaigns: what is left of it before the close */
	int64_t pool, paid, slashed; /* open panels: of the declared budget */
};

/* Entries that wait for the end of the transaction, in order. */
struct epoch_entries {
	struct vote_entry *rows;
	size_t count, room;
};

struct epoch_run {
	struct close_turn turn;
	int64_t epoch, end_ms;
	struct settle_campaign *campaigns;
	size_t campaign_count;
	struct transfer *transfers;
	size_t transfer_count, transfer_room;
	struct slash_row *slashes;
	size_t slash_count, slash_room;
	struct pay_row *pays;
	size_t pay_count, pay_room;
	const struct audit_row *audits; /* who audited this epoch's known-answer items */
	size_t audit_count;
	int64_t unminted, offer, ceiling, mintable; /* U as read, E, sum of the items' ceilings, M */
	int64_t mint_left;			    /* of U, for declared budgets */
	int64_t minted;				    /* by this close, whatever allowed it */
	int64_t shares[SHARE_COUNT];
	int64_t drawn_paid, drawn_slashed;
	struct sha256 claims_root;
	struct epoch_entries parts;
	struct wn_arena scratch; /* reset after every entry that was sealed; the run's owner frees it */
};

/* epoch_settle.c: judges one campaign, stores its verdicts, opens second panels, adds its parts of the journal. */
bool epoch_settle(struct epoch_run *run, struct settle_campaign *settle, struct wn_error *err);
/* epoch_money.c, pure: from all campaigns' scores, what is left to mint, budgets and audits to the list of transfers,
 * of slashes and of pay, and to grants that vest. */
struct vesting_grant;
bool epoch_money(struct epoch_run *run, struct vesting_grant **grants, size_t *grant_count, struct wn_error *err);
/* epoch_pay.c: from all campaigns' scores to posted transfers, stored pay, ended bonds and the claims root. */
bool epoch_pay(struct epoch_run *run, struct wn_error *err);
/* epoch_entry.c: one campaign's items and votes as entries of at most JOURNAL_ENTRY_MAX bytes. */
struct settle_view;
bool epoch_entry_parts(struct epoch_run *run, const struct settle_view *view, struct wn_error *err);
/* Rounds that the close opens. */
bool epoch_entry_rounds(
	struct epoch_run *run, const struct round_opening *openings, size_t count, struct wn_error *err);
/* The entry of the whole close, which names its parts; sealed, to be appended last. */
bool epoch_entry_close(struct epoch_run *run, struct vote_entry *out, struct wn_error *err);
/* Appends transfers (as entries of their own), parts and `last`, in this order. */
bool epoch_entry_append(struct epoch_run *run, const struct vote_entry *last, struct wn_error *err);

/* What epoch_entry_parts() tells of a campaign; votes of an item lie together. */
struct settle_view {
	const struct settle_campaign *settle;
	const struct close_item *items;
	size_t item_count;
	const struct epoch_item *judged; /* of items that are not void: judged[place[i]] */
	const int32_t *place;		 /* -1: void */
	const struct vote_row *votes;
	const struct vote_row *audits; /* of known-answer items, by item */
	size_t audit_count;
	const struct close_output *output;
	const bool *settles; /* by place */
};

#endif
