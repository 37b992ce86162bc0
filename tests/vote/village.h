/* A small network in a real database for tests of vote/: keys from a seed, a manual clock, roles as in production. */
#ifndef TESTS_VOTE_VILLAGE_H
#define TESTS_VOTE_VILLAGE_H

#include "core/campaign.h"
#include "core/worker.h"
#include "vote/ballot.h"

enum { VILLAGE_VOTERS_MAX = 64, VILLAGE_CONTRIBUTORS = 3 };
#define VILLAGE_START_MS 1700000000000LL
#define VILLAGE_STAKE 1000000000000LL
#define VILLAGE_EPOCH_MS 3600000LL

struct village {
	struct node node;
	struct worker tally, reward; /* their connections are those of their roles */
	struct db *owner, *serve;
	struct wn_arena arena;
	struct sign_key voters[VILLAGE_VOTERS_MAX], contributors[VILLAGE_CONTRIBUTORS];
	int voter_count;
	bool close_rests;     /* turns are the tally's alone */
	const char *campaign; /* its name */
	struct campaign document;
};

/* `campaign` is the document; voters get the role of validators, VILLAGE_STAKE each, and where `curators` says so the
 * last ones are curators. False after a failed check. */
bool village_open(struct village *village, const char *campaign, int voters, int curators);
void village_close(struct village *village);
/* One more campaign, which items and seats are about from now on; village->campaign and village->document name it. */
bool village_campaign(struct village *village, const char *document);

/* The id of item n; village_item() puts it in, embedded, by contributor n modulo their number. */
void village_item_id(int n, struct item_id *out);
void village_item(struct village *village, int n);
/* Jaccard of its nearest neighbour below the threshold. */
void village_novelty(struct village *village, int n, int numerator, int denominator);

int64_t village_now(struct village *village);
void village_advance(struct village *village, int64_t by_ms);
/* One batch of each worker; how much they did. -1 when one failed. */
int64_t village_turn(struct village *village);
/* Turns until nobody has anything to do; and the same of the tally alone. */
void village_settle(struct village *village);
void village_settle_tally(struct village *village);

/* Takes a seat with its bond, as POST /v1/seats does; false when it is not to be had. */
bool village_seat(struct village *village, int voter, int item, int round);
/* Takes all of a deposit out that stands behind no seat, or puts units in, as POST /v1/unstakes and /v1/stakes do. */
void village_unstake(struct village *village, int voter);
void village_stake(struct village *village, int voter, int64_t units);
/* Seals and opens; the salt follows from voter, item, round and sequence. */
enum ballot_result village_commit(struct village *village, int voter, int item, int round, int sequence, int choice);
enum ballot_result village_reveal(struct village *village, int voter, int item, int round, int sequence, int choice);
/* Fills one vote as it would be sent. */
void village_vote(
	struct village *village, int voter, int item, int round, int sequence, int choice, struct ballot_vote *out);
/* All of a ballot at once, in one transaction; results has room for its votes. False when the database failed. */
bool village_ballot(struct village *village, int voter, const struct ballot *ballot, enum ballot_result *results);
/* A whole panel: seats, commits, a turn, reveals, a turn. choices[i] is that of voter first + i. */
void village_panel(struct village *village, int item, int round, int first, const int *choices, int count);

/* The one number that a statement of the test's own gives; printf's. */
int64_t village_number(struct village *village, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Likewise the one text; valid until the next call. */
const char *village_text(struct village *village, const char *sql);
/* A digest of rows: the SHA-256 of the text of all that the query gives, in hex; valid until the next call. */
const char *village_digest(struct village *village, const char *sql);
void village_sql(struct village *village, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Double entry holds, nobody is overdrawn, and at the end nothing is pending. */
void village_check_ledger(struct village *village, bool nothing_pending);
int64_t village_balance(struct village *village, const struct account_key *owner, int kind);

#endif
