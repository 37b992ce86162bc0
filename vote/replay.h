/* A journal recomputed from its first entry on, with no database: every balance, verdict, pay and root that follows
 * from what came before is computed anew with the code that the node itself judges with, and held against what stands
 * there.
 */
#ifndef VOTE_REPLAY_H
#define VOTE_REPLAY_H

#include "core/campaign.h"
#include "core/id.h"
#include "core/policy.h"
#include "reward/ledger.h"

/* A settled verdict, recomputed; class -1: void, without numbers. */
struct replay_verdict {
	struct item_id item;
	const char *campaign;
	int32_t class, p_good, votes;
	int64_t margin, epoch;
};
/* An item that became final, in the order of the journal. */
struct replay_final {
	struct item_id item;
	const struct campaign *campaign;
	uint64_t position; /* of the entry that says so */
	int32_t class;	   /* -1: void */
	int32_t p_good;
};
/* A dataset's version as its entry tells it. */
struct replay_release {
	const char *name;
	int64_t version, checkpoint_size;
	struct sha256 row_root, manifest_sha256;
};
/* A ballot's evidence as its entry names it. */
struct replay_ballot {
	struct account_key voter;
	struct sha256 base, body;
	uint8_t signature[64];
	uint64_t position;
};
/* An epoch that closed with an entry of its own. */
struct replay_epoch_close {
	int64_t epoch, opened_ms, ended_ms, closed_ms, minted;
	struct sha256 claims_root, beacon; /* beacon: of the epoch that follows */
};
/* Told while entries go in. Each may be NULL; false ends the replay with that failure. */
struct replay_watch {
	bool (*verdict)(void *context, const struct replay_verdict *verdict, struct wn_error *err);
	bool (*final)(void *context, const struct replay_final *final, struct wn_error *err);
	bool (*release)(void *context, const struct replay_release *release, struct wn_error *err);
	bool (*ballot)(void *context, const struct replay_ballot *ballot, struct wn_error *err);
	bool (*close)(void *context, const struct replay_epoch_close *close, struct wn_error *err);
	void *context;
};

/*
 * Memory: what the network has now (accounts, balances, validators' tables, pending transfers, items that are not
 * final) and the epochs from the oldest whose votes are not all shown to the newest; nothing grows with the journal's
 * length.
 */
struct replay;
bool replay_open(struct replay **out, const struct replay_watch *watch, struct wn_error *err); /* watch may be NULL */
void replay_close(struct replay *replay);						       /* NULL is fine */

/*
 * The next entry. WN_INPUT with a replay_* code names the first difference: the text begins with "entry N (type): " and
 * says what was expected and what was found. A close is recomputed once every vote that it counted is shown, so a
 * difference may lie before the entry that came last. After a failure nothing but the functions below may be called.
 */
bool replay_entry(struct replay *replay, struct wn_slice body, struct wn_error *err);
/* Behind the last entry: the ledger's sums over all accounts once more. */
bool replay_finish(struct replay *replay, struct wn_error *err);

/* The tree over all entries so far. */
void replay_root(const struct replay *replay, uint64_t *size, struct sha256 *root);

struct replay_totals {
	uint64_t entries;
	struct network_id network;
	struct account_key checkpoint_key, manifest_key, operator_key; /* that genesis names */
	int64_t time_ms;					       /* of the latest entry */
	int64_t epochs;						       /* closed, silent ones too */
	int64_t closes;						       /* entries that close an epoch; of these: */
	int64_t recomputed_to;	     /* the last epoch whose close is recomputed; -1: none */
	int64_t recomputed, waiting; /* waiting: votes that the close counted are sealed until a second panel ends */
	int64_t verdicts, accepted, rejected, voided, duplicates, items; /* of items; accepted and so on: final */
	int64_t votes, audit_votes, second_panels;
	int64_t transfers, accounts;
	int64_t supply, minted, burned; /* minted by closes */
	struct sha256 claims_root;	/* as of the last close; zeros before the first */
	bool cut;			/* the last entries belong to a close whose own entry is not there yet */
};
void replay_totals(const struct replay *replay, struct replay_totals *out);

/* What stands behind a difference: the position and the type of the entry; NULL: nothing differed. */
const char *replay_difference(const struct replay *replay, uint64_t *position);

/* ---- what an audit compares with a database ---- */
/* Zeros for an account that never moved anything. */
void replay_balance_of(const struct replay *replay, const struct ledger_ref *ref, struct ledger_balance *out);
/* What an account was ever paid as reward. */
int64_t replay_claim_of(const struct replay *replay, const struct account_key *account);
/* A contributor's reward that still vests; false: there is none of this owner by this id. */
struct replay_granted {
	int64_t amount, start_ms, period_ms, final_ms;
	bool revocable; /* an item behind it is not final yet */
};
bool replay_grant_of(const struct replay *replay, const struct account_key *owner, const struct transfer_id *id,
	struct replay_granted *out);
/* A validator's record in a campaign after the last close that was recomputed; false: it has none. */
struct replay_validator {
	const int64_t *counts;
	size_t cells;
	int64_t gold_votes, gold_right, carried_points, carried_scored, carried_since;
};
bool replay_validator_of(const struct replay *replay, const char *campaign, const struct account_key *voter,
	struct replay_validator *out);
/* How many there are, all in all; balances: those that are not zero. */
struct replay_counts {
	int64_t balances, claims, validators, grants;
};
void replay_count(const struct replay *replay, struct replay_counts *out);

#endif
