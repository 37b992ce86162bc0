/* What a replay knows while it runs: shared by the replay_*.c files and nobody else. */
#ifndef VOTE_REPLAY_STATE_H
#define VOTE_REPLAY_STATE_H

#include "core/json.h"
#include "core/node.h"
#include "core/states.h"
#include "core/tree.h"
#include "vote/close_store.h"
#include "vote/replay.h"
#include "vote/replay_table.h"

enum { REPLAY_NOBODY = -1 };
#define REPLAY_ENTRY_ARENA ((size_t)64 << 20)	 /* one entry and its tree */
#define REPLAY_EPOCH_ARENA ((size_t)4 << 30)	 /* entries of one close, as found */
#define REPLAY_VERIFY_ARENA ((size_t)8 << 30)	 /* a close computed anew */
#define REPLAY_CAMPAIGNS_ARENA ((size_t)1 << 30) /* documents of all campaigns */
enum { REPLAY_RECENT_MAX = 65536 };		 /* leaves at hand for roots of a while ago */

struct replay_account {
	struct account_key key;
	int32_t roles;
};

/* A vote as its item's settlement shows it. */
struct replay_vote {
	int32_t voter, round, choice; /* voter: place among the accounts */
	struct salt salt;
};
struct replay_seat {
	int32_t voter, round;
	enum seat_state state;
	int64_t bond;	  /* units pending; 0: none */
	bool bond_closed; /* in the order of recomputed closes: a close ended it, or the seat was left */
	int64_t sequence; /* of the commitment that counts; 0: none */
	struct sha256 commitment;
};
struct replay_round {
	int32_t number;
	enum round_kind kind;
	enum round_state state;
	int32_t seats, taken, committed, revealed;
	int64_t opened_ms, commit_until_ms, reveal_until_ms, moved_before_ms;
	bool explained;			    /* the entry that says why it opened has come */
	bool shown;			    /* its votes are known */
	int64_t epoch;			    /* into which its tally or end fell */
	uint64_t opened_position, position; /* of the entries that opened and ended it */
	struct sha256 root;
};
struct replay_item {
	struct item_id id;
	struct replay_campaign *campaign;
	int32_t contributor; /* place among the accounts */
	int32_t nearest_numerator, nearest_denominator;
	enum item_state state;
	struct replay_round *rounds;
	struct replay_seat *seats;
	struct replay_vote *votes; /* all that its settlement shows */
	size_t round_count, round_room, seat_count, seat_room, vote_count, vote_room;
	int64_t judged_epoch;  /* whose close takes it, while it is provisional */
	int32_t counted_round; /* rounds up to it were counted by a close */
	int32_t online_class;  /* of its latest tally, recomputed */
	int32_t class, p_good; /* as its settlement says; -1: void */
	int64_t final_ms;
	size_t spoken_of; /* by epochs that are not recomputed yet, and by bonds that no recomputed close ended */
};

/* A campaign's state after a close. */
struct replay_generation {
	struct campaign_state state;
	struct validator_row *rows; /* by key; counts point into tables */
	int64_t *tables;
	size_t count;
	int64_t pooled[TALLY_CELLS_MAX];
	bool probation;
};
struct replay_held {
	struct replay_item *item;
	uint32_t seat; /* place in the item's seats */
	int64_t epoch; /* whose close settled the item */
};
struct replay_campaign {
	const char *name;
	struct campaign campaign;
	bool closed; /* takes no more items */
	struct sha256 subject;
	struct replay_generation before, now; /* the last two closes that went in */
	struct replay_held *held;	      /* seats with bonds on settled items */
	size_t held_count, held_room;
};

/* A round whose tally fell into an epoch. */
struct replay_tally {
	struct replay_item *item;
	int32_t round;
	bool kept;	/* a second panel that did not come about */
	bool escalated; /* a second panel followed at once */
	int64_t after;	/* the close whose state judged */
	uint64_t position;
};
/* An item in an epoch's close. */
struct replay_closed {
	struct replay_item *item;
	bool second, is_void;
	int32_t last_round, counted_before, panels;
};
struct replay_body {
	struct wn_slice body;
	uint64_t position;
};
struct replay_audit {
	struct replay_item *item;
	int32_t round;
	uint64_t position;
};
/* What was true at a close and has passed when the close is recomputed. */
struct replay_listed {
	struct replay_campaign *campaign;
	int64_t budget;
};
/* A stake that moved while an epoch was open. */
struct replay_unstaked {
	struct account_key owner;
	int64_t epoch;
	bool out; /* all was taken out that could be; else something was deposited */
};
struct replay_unbonded {
	int64_t since_epoch;
	bool out;
};
/* From an epoch's beginning until its close is recomputed. */
struct replay_epoch {
	struct replay_epoch *next;
	int64_t number, opened_ms, ended_ms, end_time_ms, votes;
	bool ended, closed;
	uint64_t end_position, close_position;
	struct sha256 revealed, beacon; /* that its end told: of its own votes; for the next epoch */
	bool picks;			/* whether known-answer items could be picked at its end */
	size_t unknown;			/* tallied rounds whose votes are not shown yet */
	struct replay_tally *tallies;
	struct replay_item **provisional; /* items that a close of this epoch takes */
	struct replay_audit *audits;	  /* opened at its end */
	struct replay_closed *items;
	struct replay_body *bodies; /* transfers, parts and the close itself */
	struct transfer_id *ended_bonds;
	struct audit_row *auditors;
	struct replay_listed *listed;
	struct replay_unstaked *unstaked; /* in the order of the journal */
	size_t unstaked_count, unstaked_room;
	size_t tally_count, tally_room, provisional_count, provisional_room, audit_count, audit_room, item_count,
		item_room, body_count, body_room, bond_count, bond_room, auditor_count, auditor_room, listed_count,
		listed_room;
	struct wn_arena arena; /* the bodies */
	int64_t close_ms, unminted, taken_mint;
	struct sha256 claims_root; /* recomputed at the close */
};

struct replay_pending {
	struct ledger_ref debit, credit;
	int64_t amount, due_ms, epoch;
	uint8_t subject[32];
	bool is_pay; /* of a validator, which its items' finality posts */
};
struct replay_grant {
	struct transfer_id id;
	int64_t amount, start_ms, period_ms;
	int64_t final_ms; /* start_ms: was never to be overturned */
	bool joined;
};
/* Settled items that become final at one time. */
struct replay_window {
	int64_t final_ms;
	size_t items;
};
struct replay_vesting {
	struct replay_grant *grants;
	size_t count, room;
	int64_t stepped_ms, stepped_epoch;
};
struct replay_unbonding {
	struct account_key owner;
	int64_t amount, due_ms;
};

struct replay {
	struct replay_watch watch;
	struct node node; /* its network and policy only */
	bool begun, clock_manual, differs;
	uint64_t position; /* of the entry at work */
	char type[32];
	int64_t time_ms; /* of the entry at work */
	struct wn_slice body;
	struct tree_frontier frontier;
	struct wn_arena entry, verify, campaigns_arena;
	struct replay_totals totals;
	/* tables */
	struct replay_table account_places, commitments; /* key, commitment -> int32_t place */
	struct replay_account *accounts;
	size_t account_count, account_room;
	int64_t curators;
	struct replay_campaign **campaigns;
	size_t campaign_count, campaign_room;
	struct replay_table items; /* item id -> struct replay_item * */
	/* money */
	struct replay_table balances;  /* owner and kind -> struct ledger_balance */
	struct replay_table pending;   /* transfer id -> struct replay_pending */
	struct replay_table vesting;   /* owner -> struct replay_vesting */
	struct replay_window *windows; /* in no order */
	size_t window_count, window_room;
	int64_t final_ms;	       /* no item was left that was due by then */
	struct replay_table unbonding; /* id of the transfer that will free it -> struct replay_unbonding */
	struct replay_table unbonded;  /* owner -> struct replay_unbonded, as of the last recomputed close */
	struct replay_table claims;    /* account -> int64_t */
	struct ledger_balance sums;
	struct account_key *claim_order; /* accounts with claims: sorted up to claim_sorted */
	size_t claim_count, claim_room, claim_sorted;
	/* epochs, oldest first; the last one is open */
	struct replay_epoch *oldest, *open;
	struct sha256 outer_onion;
	int64_t outer_layer; /* -1: the tip */
	int64_t moved_ms;    /* by how much outages moved deadlines so far */
	struct replay_audit *audits;
	size_t audit_count, audit_room; /* opened, and their epoch has not ended */
	/* recent roots, for datasets' checkpoints */
	struct tree_frontier recent_base;
	struct sha256 *recent;
	size_t recent_count;
};

/* Fails with "entry N (type): ..." and remembers where; code a replay_* word. */
bool replay_differs(struct replay *replay, struct wn_error *err, const char *code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
bool replay_differs_at(struct replay *replay, uint64_t position, const char *type, struct wn_error *err,
	const char *code, const char *format, ...) __attribute__((format(printf, 6, 7)));
bool replay_no_room(struct wn_error *err);

/* The root when the tree had `size` leaves; false when that is too long ago, or not yet. */
bool replay_root_at(const struct replay *replay, uint64_t size, struct sha256 *root);

/* ---- reading an entry: each fails with replay_entry when a member is missing or of the wrong kind ---- */
bool replay_read_id(
	struct replay *replay, const struct json *object, const char *name, void *out32, struct wn_error *err);
bool replay_read_integer(
	struct replay *replay, const struct json *object, const char *name, int64_t *out, struct wn_error *err);
bool replay_read_amount(
	struct replay *replay, const struct json *object, const char *name, int64_t *out, struct wn_error *err);
bool replay_read_text(
	struct replay *replay, const struct json *object, const char *name, const char **out, struct wn_error *err);
bool replay_read_list(struct replay *replay, const struct json *object, const char *name, const struct json **out,
	struct wn_error *err);
/* A registered account by its did:key. */
bool replay_read_account(
	struct replay *replay, const struct json *object, const char *name, int32_t *out, struct wn_error *err);
bool replay_read_item(struct replay *replay, const struct json *object, struct replay_item **out, struct wn_error *err);
/* Members item and round; the round must be there. */
bool replay_read_round(struct replay *replay, const struct json *object, struct replay_item **item,
	struct replay_round **round, struct wn_error *err);
bool replay_read_campaign(struct replay *replay, const struct json *object, const char *name,
	struct replay_campaign **out, struct wn_error *err);

/* ---- replay_account.c ---- */
bool replay_take_genesis(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_account(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_campaign(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_campaign_closed(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_clock(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_dataset(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_release(struct replay *replay, const struct json *entry, struct wn_error *err);
int32_t replay_account_place(const struct replay *replay, const void *key); /* REPLAY_NOBODY */
int32_t replay_account_committed(const struct replay *replay, const void *commitment);
struct replay_campaign *replay_campaign_of(const struct replay *replay, const char *name); /* NULL */
struct replay_campaign *replay_campaign_about(const struct replay *replay, const uint8_t subject[32]);

/* ---- replay_money.c ---- */
bool replay_take_transfers(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_move(struct replay *replay, const struct transfer *transfer, int64_t due_ms, struct wn_error *err);
int64_t replay_available(const struct replay *replay, enum ledger_kind kind, const void *owner);
int64_t replay_unminted(const struct replay *replay);
bool replay_claims_root(struct replay *replay, struct sha256 *out, struct wn_error *err);
/* Grants of a close, and when its pay is due; behind its transfers, at its own entry. */
bool replay_money_close(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err);
bool replay_money_finish(struct replay *replay, struct wn_error *err);
bool replay_transfer_read(struct replay *replay, const struct json *object, struct transfer *out, struct wn_error *err);

/* ---- replay_item.c ---- */
bool replay_take_items(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_duplicates(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_final(struct replay *replay, const struct json *entry, struct wn_error *err);
struct replay_round *replay_round_of(const struct replay_item *item, int32_t number); /* NULL */
struct replay_seat *replay_seat_of(const struct replay_item *item, int32_t voter);    /* NULL */
/* Frees it when it is final and nothing speaks of it any more. */
void replay_item_rest(struct replay *replay, struct replay_item *item);
void replay_item_free(struct replay_item *item);
/* One more item that becomes final then. */
bool replay_window_add(struct replay *replay, int64_t final_ms, struct wn_error *err);

/* ---- replay_round.c ---- */
bool replay_take_rounds(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_seats(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_seat_left(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_ballot(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_commit_closed(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_tally(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_outage(struct replay *replay, const struct json *entry, struct wn_error *err);

/* ---- replay_epoch.c ---- */
bool replay_epochs_begin(struct replay *replay, const struct sha256 *tip, struct wn_error *err);
bool replay_take_epoch_end(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_epochs_silent(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_part(struct replay *replay, const struct json *entry, struct wn_error *err);
bool replay_take_close(struct replay *replay, const struct json *entry, struct wn_error *err);
/* The epoch whose close comes next in the journal; NULL: all that ended are closed. */
struct replay_epoch *replay_epoch_ended(const struct replay *replay);
struct replay_epoch *replay_epoch_of(const struct replay *replay, int64_t number); /* NULL */
bool replay_epoch_keep(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err);
void replay_epoch_free(struct replay_epoch *epoch);

/* ---- replay_verify.c ---- */
/* An epoch that is closed and whose votes are all known, computed anew. */
bool replay_verify(struct replay *replay, struct replay_epoch *epoch, struct wn_error *err);
void replay_generation_free(struct replay_generation *generation);
/* What a tally needs besides, from the rows. */
void replay_generation_refresh(const struct replay_campaign *campaign, struct replay_generation *generation);

/* ---- replay_difference.c ---- */
/* The first place where two JSON texts differ, as "shares[2] is X, not Y" with Y the expected one; in the arena. */
const char *replay_first_difference(struct wn_arena *arena, struct wn_slice expected, struct wn_slice found);

#endif
