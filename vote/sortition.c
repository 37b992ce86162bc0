/* Seats drawn by tickets over a Fenwick tree: O(log validators) a seat, and each draw leaves the tree as it found it.
 */
#include "vote/sortition.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum { WORDS_A_HASH = 4 };

struct sortition {
	struct sortition_entry *entries; /* ascending by validator */
	uint64_t *tree;			 /* sums of tickets, places 1 .. count */
	size_t count, top;		 /* top: the largest power of two <= count */
	uint64_t total;
};

/* The words of one draw, each used once. */
struct sortition_words {
	struct sha256 seed;
	uint32_t counter;
	int used;
	struct sha256 block;
};

static int entry_compare(const void *a, const void *b)
{
	const struct sortition_entry *left = a, *right = b;
	return id_compare(&left->validator, &right->validator);
}

bool sortition_open(struct wn_arena *arena, const struct sortition_entry *entries, size_t count, struct sortition **out,
	struct wn_error *err)
{
	struct sortition *sortition = wn_arena_alloc(arena, sizeof *sortition);
	if (sortition) {
		sortition->entries = wn_arena_array(arena, count, sizeof *entries);
		sortition->tree = wn_arena_array(arena, count + 1, sizeof *sortition->tree);
	}
	if (!sortition || !sortition->entries || !sortition->tree)
		return wn_fail(err, WN_FULL, "memory", "no room to draw among %zu validators", count);
	sortition->count = count;
	if (count)
		memcpy(sortition->entries, entries, count * sizeof *entries);
	qsort(sortition->entries, count, sizeof *entries, entry_compare);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && entry_compare(&sortition->entries[i - 1], &sortition->entries[i]) == 0)
			return wn_fail(err, WN_INPUT, "sortition_twice", "a validator is listed twice in a draw");
		if (__builtin_add_overflow(sortition->total, sortition->entries[i].tickets, &sortition->total))
			return wn_fail(err, WN_INPUT, "sortition_tickets", "a draw holds more than 2^64 - 1 tickets");
	}
	for (size_t i = 1; i <= count; i++) {
		sortition->tree[i] += sortition->entries[i - 1].tickets;
		size_t parent = i + (i & -i);
		if (parent <= count)
			sortition->tree[parent] += sortition->tree[i];
	}
	for (sortition->top = count ? 1 : 0; sortition->top && sortition->top <= count / 2;)
		sortition->top *= 2;
	*out = sortition;
	return true;
}

/* Takes a validator's tickets out of the tree, or puts them back. Unsigned sums wrap and come back right. */
static void tickets_move(struct sortition *sortition, size_t index, bool back)
{
	uint64_t tickets = sortition->entries[index].tickets;
	uint64_t change = back ? tickets : -tickets;
	sortition->total += change;
	for (size_t i = index + 1; i <= sortition->count; i += i & -i)
		sortition->tree[i] += change;
}

/* The first validator whose cumulative tickets exceed `ticket`. */
static size_t tickets_find(const struct sortition *sortition, uint64_t ticket)
{
	size_t place = 0;
	for (size_t step = sortition->top; step; step /= 2)
		if (place + step <= sortition->count && sortition->tree[place + step] <= ticket) {
			place += step;
			ticket -= sortition->tree[place];
		}
	wn_assert(place < sortition->count);
	return place;
}

static uint64_t words_next(struct sortition_words *words)
{
	if (words->used == WORDS_A_HASH) {
		struct hash_layout layout = {.count = 0};
		hash_field(&layout, words->seed.bytes, ID_BYTES);
		hash_u32(&layout, words->counter++);
		hash_done(&layout, &words->block);
		words->used = 0;
	}
	const uint8_t *bytes = words->block.bytes + 8 * words->used++;
	uint64_t word = 0;
	for (int i = 7; i >= 0; i--)
		word = word << 8 | bytes[i];
	return word;
}

/* A number below `total` >= 1, each equally likely: words behind the last whole multiple are dropped. */
static uint64_t words_below(struct sortition_words *words, uint64_t total)
{
	unsigned __int128 all = (unsigned __int128)1 << 64;
	unsigned __int128 limit = all / total * total;
	for (int i = 0; i < SORTITION_REJECTS_MAX; i++) {
		uint64_t word = words_next(words);
		if (word < limit)
			return word % total;
	}
	/* Less than half of all words are dropped: 2^-256. */
	wn_assert(!"a draw's words end");
	return 0;
}

static void excluded_take(struct sortition *sortition, const struct account_key *excluded, size_t count, size_t *taken,
	size_t *taken_count)
{
	for (size_t i = 0; i < count; i++) {
		struct sortition_entry key = {.validator = excluded[i]};
		struct sortition_entry *entry = sortition->count ? bsearch(&key, sortition->entries, sortition->count,
									   sizeof key, entry_compare)
								 : NULL;
		if (!entry)
			continue;
		size_t index = (size_t)(entry - sortition->entries);
		bool twice = false;
		for (size_t j = 0; j < *taken_count && !twice; j++)
			twice = taken[j] == index;
		if (twice)
			continue;
		tickets_move(sortition, index, false);
		taken[(*taken_count)++] = index;
	}
}

void sortition_seed(const struct sha256 *beacon, const struct item_id *item, uint32_t round, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/sort/v1");
	hash_field(&layout, beacon->bytes, ID_BYTES);
	hash_field(&layout, item->bytes, ID_BYTES);
	hash_u32(&layout, round);
	hash_done(&layout, out);
}

void sortition_draw(struct sortition *sortition, const struct sha256 *beacon, const struct item_id *item,
	uint32_t round, size_t seats, const struct account_key *excluded, size_t excluded_count,
	struct sortition_draw *out)
{
	wn_assert(seats <= SORTITION_SEATS_MAX);
	wn_assert(excluded_count <= SORTITION_EXCLUDED_MAX);
	size_t taken[SORTITION_EXCLUDED_MAX + SORTITION_SEATS_MAX], taken_count = 0;
	excluded_take(sortition, excluded, excluded_count, taken, &taken_count);
	struct sortition_words words = {.used = WORDS_A_HASH};
	sortition_seed(beacon, item, round, &words.seed);
	for (out->count = 0; out->count < seats && sortition->total > 0; out->count++) {
		size_t index = tickets_find(sortition, words_below(&words, sortition->total));
		out->validators[out->count] = sortition->entries[index].validator;
		tickets_move(sortition, index, false);
		taken[taken_count++] = index;
	}
	for (size_t i = 0; i < taken_count; i++)
		tickets_move(sortition, taken[i], true);
}
