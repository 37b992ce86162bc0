/* Balanced by provisional class, ordered by a hash that nobody could know while the votes were cast. */
#include "vote/gold.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "vote/tally.h"

struct gold_ticket {
	struct sha256 hash;
	struct item_id item;
	uint32_t index;
	int32_t class;
};

size_t gold_count(size_t items, int64_t ppm)
{
	wn_assert(ppm >= 0);
	wn_assert(ppm <= 1000000);
	return (size_t)(((unsigned __int128)items * (uint64_t)ppm + 999999) / 1000000);
}

static int ticket_compare(const void *a, const void *b)
{
	const struct gold_ticket *left = a, *right = b;
	if (left->class != right->class)
		return left->class < right->class ? -1 : 1;
	int order = id_compare(&left->hash, &right->hash);
	return order ? order : id_compare(&left->item, &right->item);
}

static void ticket_hash(const struct sha256 *beacon, const struct item_id *item, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/gold/v1");
	hash_field(&layout, beacon->bytes, ID_BYTES);
	hash_field(&layout, item->bytes, ID_BYTES);
	hash_done(&layout, out);
}

bool gold_pick(struct wn_arena *arena, const struct sha256 *beacon, int classes,
	const struct gold_candidate *candidates, size_t count, size_t wanted, uint32_t **picked, size_t *picked_count,
	struct wn_error *err)
{
	wn_assert(classes >= 1);
	wn_assert(classes <= TALLY_CLASSES_MAX);
	wn_assert(count <= UINT32_MAX);
	if (wanted > count)
		wanted = count;
	struct gold_ticket *tickets = wn_arena_array(arena, count, sizeof *tickets);
	*picked = wn_arena_array(arena, wanted, sizeof **picked);
	*picked_count = 0;
	if (!tickets || !*picked)
		return wn_fail(err, WN_FULL, "memory", "no room to pick known-answer items among %zu", count);
	size_t left[TALLY_CLASSES_MAX] = {0}, next[TALLY_CLASSES_MAX] = {0};
	for (size_t i = 0; i < count; i++) {
		wn_assert(candidates[i].class >= 0);
		wn_assert(candidates[i].class < classes);
		tickets[i] = (struct gold_ticket){
			.item = candidates[i].item, .index = (uint32_t)i, .class = candidates[i].class};
		ticket_hash(beacon, &candidates[i].item, &tickets[i].hash);
		left[candidates[i].class]++;
	}
	qsort(tickets, count, sizeof *tickets, ticket_compare);
	for (int a = 1; a < classes; a++)
		next[a] = next[a - 1] + left[a - 1];
	/* No more are wanted than there are, so every turn around the classes picks at least one. */
	while (*picked_count < wanted)
		for (int a = 0; a < classes && *picked_count < wanted; a++) {
			if (!left[a])
				continue;
			left[a]--;
			(*picked)[(*picked_count)++] = tickets[next[a]++].index;
		}
	return true;
}

int gold_audit_class(int classes, const uint32_t *votes)
{
	int best = 0;
	bool tie = false;
	for (int a = 1; a < classes; a++) {
		if (votes[a] == votes[best])
			tie = true;
		if (votes[a] > votes[best]) {
			best = a;
			tie = false;
		}
	}
	return tie || !votes[best] ? -1 : best;
}
