/* The validator's side of the API: take seats, commit, check the checkpoint that closed the phase, reveal. */
#ifndef VOTE_VOTE_CLIENT_H
#define VOTE_VOTE_CLIENT_H

#include "core/fetch.h"
#include "core/sign.h"
#include "vote/round_store.h"

enum { VOTE_CLIENT_BATCH_MAX = 64 };

/* What a client needs to know of a node, read once from GET /v1/network. */
struct node_view {
	struct network_id network;
	char tag[32]; /* "winnow-<16 hex>" */
	struct account_key checkpoint_key;
	bool clock_manual;
	int64_t now_ms; /* the node's time when it was asked */
};
bool node_view_read(struct fetch *fetch, struct wn_arena *arena, struct node_view *out, struct wn_error *err);

/* The key of one party and how it talks to the node; `fetch` and `view` are the caller's and may be shared in one
 * thread. */
struct vote_client {
	struct fetch *fetch;
	const struct node_view *view;
	const struct key_file *keys;
	int64_t now_ms; /* of the node's manual clock; 0: what the view read of it, or this machine's clock */
};

/* Signed JSON request; idempotency may be NULL. */
bool vote_client_send(const struct vote_client *client, struct wn_arena *arena, const char *method, const char *target,
	struct wn_slice body, const char *idempotency, const struct json **answer, struct wn_error *err);
/* Registers the key with roles such as {"validator", NULL}; done already is fine. salt NULL: the node draws one. */
bool vote_client_register(const struct vote_client *client, struct wn_arena *arena, const char *const roles[],
	bool robot, const struct salt *salt, struct wn_error *err);

struct seat_taken {
	struct round_key key;
	struct wn_slice content; /* in the arena */
};
/* items NULL: the node assigns. Refused ones are left out; *taken <= count <= VOTE_CLIENT_BATCH_MAX. */
bool vote_client_take(const struct vote_client *client, struct wn_arena *arena, const char *campaign,
	const struct item_id *items, size_t count, struct seat_taken **out, size_t *taken, struct wn_error *err);
bool vote_client_skip(
	const struct vote_client *client, struct wn_arena *arena, const struct item_id *item, struct wn_error *err);

struct vote_cast {
	struct round_key key;
	int64_t sequence; /* from 1 */
	int32_t choice;	  /* class */
};
/* Sends commitments; *counted = how many the node took (done now or before). */
bool vote_client_commit(const struct vote_client *client, struct wn_arena *arena, const struct vote_cast *votes,
	size_t count, size_t *counted, struct wn_error *err);

/*
 * What was verified of a node: the newest checkpoint, the journal entries that closed commit phases and the commitments
 * that they fix. Shared by the clients of one process so that each round is checked once. Owns its memory.
 */
struct closed_rounds;
struct closed_rounds *closed_rounds_open(void);
void closed_rounds_close(struct closed_rounds *rounds);
/*
 * True when a signed checkpoint holds the entry that closed this round, the entry names the root of exactly the
 * commitments that the node shows, and this client's commitment is among them. Codes: round_not_closed (WN_BUSY),
 * checkpoint_behind (WN_BUSY), commitments_root, commitment_missing, closed_entry (WN_INPUT: the node cheats; do not
 * reveal).
 */
bool vote_client_check_closed(const struct vote_client *client, struct closed_rounds *rounds,
	const struct vote_cast *vote, struct wn_error *err);
/* Opens votes whose rounds were checked, and names the checkpoint by which they were. */
bool vote_client_reveal(const struct vote_client *client, struct wn_arena *arena, const struct closed_rounds *rounds,
	const struct vote_cast *votes, size_t count, size_t *counted, struct wn_error *err);

#endif
