/* Draws panels by stake from a beacon, without replacement, so that anybody can draw them again (mechanism.md 5). Pure.
 */
/* Nothing deals seats by it yet: the seats of every campaign are taken by lease. */
#ifndef VOTE_SORTITION_H
#define VOTE_SORTITION_H

#include <stdint.h>

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"

enum { SORTITION_SEATS_MAX = 64, SORTITION_EXCLUDED_MAX = 1024, SORTITION_REJECTS_MAX = 256 };

struct sortition_entry {
	struct account_key validator;
	uint64_t tickets; /* 0: never drawn */
};

/*
 * The validators on duty at a beacon's checkpoint, in the arena: built once, drawn from for many items; each draw puts
 * back what it took. One thread at a time. Codes: sortition_twice (WN_INPUT, a validator is listed twice),
 * sortition_tickets (WN_INPUT, more than 2^64 - 1 in all), memory (WN_FULL).
 */
struct sortition;
bool sortition_open(struct wn_arena *arena, const struct sortition_entry *entries, size_t count, struct sortition **out,
	struct wn_error *err);

struct sortition_draw {
	struct account_key validators[SORTITION_SEATS_MAX]; /* in the order drawn */
	size_t count;					    /* fewer than asked when no more could be drawn */
};
/*
 * `excluded` are the contributor, its affiliates, the jailed and whoever sat on the item before; in any order, those
 * without tickets and unknown ones are fine. seats <= SORTITION_SEATS_MAX, excluded_count <= SORTITION_EXCLUDED_MAX.
 */
void sortition_draw(struct sortition *sortition, const struct sha256 *beacon, const struct item_id *item,
	uint32_t round, size_t seats, const struct account_key *excluded, size_t excluded_count,
	struct sortition_draw *out);

/* The seed that a draw starts from, for whoever recomputes it step by step. */
void sortition_seed(const struct sha256 *beacon, const struct item_id *item, uint32_t round, struct sha256 *out);

#endif
