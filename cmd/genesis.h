/* The birth of a network: keys, policy and grants become journal entry 0, whose SHA-256 names it for ever. */
#ifndef CMD_GENESIS_H
#define CMD_GENESIS_H

#include "core/db.h"
#include "core/node.h"

enum { GENESIS_GRANTS_MAX = 10000, GENESIS_CURATORS_MAX = 100 };

struct genesis_grant {
	struct account_key account;
	int64_t units;
};

/* What an operator decides about a new network. */
struct genesis_wish {
	struct policy policy;
	bool sample; /* the try-out network: robots, invented posts, one-minute rounds */
	bool clock_manual;
	int64_t time_ms;
	const struct genesis_grant *grants;
	size_t grant_count;
	const struct account_key *curators;
	size_t curator_count;
	bool has_seed; /* keys follow from the seed: recorded campaigns must come out alike twice */
	uint8_t seed[32];
};

/*
 * From a file: {"policy": {...}, "grants": [{"account": did, "amount": "units"}], "curators": [did], "time_ms": n,
 * "seed": "64 hex"}, each member optional. NULL path: the sample network. Arrays live in the arena. Codes:
 * genesis_<what>.
 */
bool genesis_read(struct wn_arena *arena, const char *path, bool clock_manual, int64_t now_ms, struct genesis_wish *out,
	struct wn_error *err);
/*
 * Makes the node's key files where they are missing and writes network, grants, curators, epoch 0 and journal entry 0
 * in one transaction of `db` (as winnow_owner). The network must not exist yet.
 */
bool genesis_write(const struct node *node, struct db *db, struct wn_arena *arena, const struct genesis_wish *wish,
	struct wn_error *err);

#endif
