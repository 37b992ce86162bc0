/* The run of a recorded campaign on its own node, through the API that everybody uses. */
#ifndef CMD_BACKTEST_RUN_H
#define CMD_BACKTEST_RUN_H

#include "cmd/backtest_node.h"
#include "cmd/backtest_plant.h"
#include "cmd/recording.h"
#include "core/policy.h"
#include "vote/vote_client.h"

enum { BACKTEST_CLOSES_MAX = 60, BACKTEST_WAVES_MAX = 200, BACKTEST_WAIT_MS = 60000, BACKTEST_AUDIT_SEATS = 11 };

/* A post, or a planted repeat of one, on its way through the node. */
struct backtest_item {
	struct item_id id;
	uint32_t used; /* recorded votes that were cast */
	int32_t next_round;
	int32_t panel_votes, audit_votes;
	bool duplicate;
	struct item_id origin; /* when duplicate */
	int32_t class;	       /* settled; -1 void, -2 unknown */
	const char *state;     /* at the end; constant text */
};

struct backtest {
	const struct recording *recording;
	uint64_t seed;
	struct policy policy;
	struct backtest_node node;
	struct node_view view;
	struct wn_arena arena; /* of one step */
	struct wn_arena keep;  /* of the whole run */
	struct key_file *worker_keys;
	struct vote_client *workers;
	struct key_file contributor_keys[2];
	struct vote_client contributors[2];
	struct closed_rounds *rounds;
	int64_t now_ms;
	struct backtest_item *items; /* posts in file order, then the repeats */
	size_t item_count;
	struct plant *plants;
	size_t plant_count;
	int64_t votes_cast, audit_votes, epochs_closed;
	int64_t minted_units;
	bool ledger_balanced;        /* the node's own sum over its ledger is zero */
	struct sha256 claims_root;
	/* Told from time to time: what is going on, how much of it is done. */
	void (*progress)(void *context, const char *doing, int64_t done, int64_t all);
	void *progress_context;
};

/* Keys, genesis, node, campaign, accounts with stakes. backtest_close() is due afterwards, whatever came of it. */
bool backtest_open(struct backtest *run, const struct recording *recording, const struct policy *policy, uint64_t seed,
	struct wn_error *err);
void backtest_close(struct backtest *run, bool keep_folder);
/* Posts and repeats go in; waits for the duplicate check. */
bool backtest_submit(struct backtest *run, struct wn_error *err);
/* Recorded votes are cast until nothing is open; epochs close; carried scores settle; items become final. */
bool backtest_judge(struct backtest *run, struct wn_error *err);
/* Reads every item's end, and from the journal what was minted. */
bool backtest_collect(struct backtest *run, struct wn_error *err);

#endif
