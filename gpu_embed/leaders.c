/* Leaders in chunks that never move, and two tables of 64-bit keys over them. Nothing is ever taken out. */
#include "gpu_embed/leaders.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum {
	CHUNK_LEADERS = 4096,
	CHUNKS_MAX = LINKER_LEADERS_MAX / CHUNK_LEADERS,
	BLOCK_SHINGLES = 1 << 18,
	TABLE_LEAST = 1 << 12,
	TABLE_LOAD = 2, /* at most one slot in two is taken: probes stay short */
};

/* Open addressing with linear probing; a key may stand in several slots. `leaders` holds numbers + 1, 0 is an empty
 * slot. */
struct table {
	uint64_t *keys;
	uint32_t *leaders;
	size_t slots, used;
};

struct block {
	struct block *next;
	size_t used;
	uint32_t shingles[BLOCK_SHINGLES];
};

struct leaders {
	struct leader *chunks[CHUNKS_MAX];
	size_t count;
	struct block *blocks; /* the newest first */
	struct table normals, bands;
};

static bool table_open(struct table *table, size_t slots)
{
	*table = (struct table){.keys = calloc(slots, sizeof *table->keys),
		.leaders = calloc(slots, sizeof *table->leaders),
		.slots = slots};
	return table->keys && table->leaders;
}

static void table_close(struct table *table)
{
	free(table->keys);
	free(table->leaders);
}

/* Adds unless the key has `most` leaders already. There is room: table_reserve() came before. */
static void table_add(struct table *table, uint64_t key, uint32_t leader, unsigned most)
{
	size_t slot = key & (table->slots - 1);
	for (unsigned same = 0; table->leaders[slot]; slot = (slot + 1) & (table->slots - 1))
		if (table->keys[slot] == key && ++same == most)
			return;
	table->keys[slot] = key;
	table->leaders[slot] = leader + 1;
	table->used++;
	wn_assert(table->used < table->slots);
}

static bool table_reserve(struct table *table, size_t more)
{
	size_t slots = table->slots;
	while ((table->used + more) * TABLE_LOAD > slots)
		slots *= 2;
	if (slots == table->slots)
		return true;
	struct table bigger;
	if (!table_open(&bigger, slots)) {
		table_close(&bigger);
		return false;
	}
	/* What one key leads to may change places here, so nobody relies on the order of slots. */
	for (size_t i = 0; i < table->slots; i++)
		if (table->leaders[i])
			table_add(&bigger, table->keys[i], table->leaders[i] - 1, UINT32_MAX);
	table_close(table);
	*table = bigger;
	return true;
}

/* Keys in the tables are hashed once more with this process's secret, so that nobody can send posts that fill one
 * stretch. */
static uint64_t band_slot_key(const struct linker_post *post, unsigned band)
{
	uint64_t both[2] = {post->campaign, post->keys[band * post->key_stride]};
	return memory_hash(both, sizeof both);
}

static uint64_t normal_slot_key(const struct linker_post *post)
{
	struct {
		uint64_t campaign;
		struct sha256 normal;
	} both = {post->campaign, post->normal};
	return memory_hash(&both, sizeof both);
}

bool leaders_open(struct leaders **out, struct wn_error *err)
{
	struct leaders *leaders = calloc(1, sizeof *leaders);
	if (!leaders || !table_open(&leaders->normals, TABLE_LEAST) || !table_open(&leaders->bands, TABLE_LEAST)) {
		leaders_close(leaders);
		return wn_fail(err, WN_FULL, "memory", "no room for an index of leaders");
	}
	*out = leaders;
	return true;
}

void leaders_close(struct leaders *leaders)
{
	if (!leaders)
		return;
	for (size_t i = 0; i < CHUNKS_MAX && leaders->chunks[i]; i++)
		free(leaders->chunks[i]);
	while (leaders->blocks) {
		struct block *next = leaders->blocks->next;
		free(leaders->blocks);
		leaders->blocks = next;
	}
	table_close(&leaders->normals);
	table_close(&leaders->bands);
	free(leaders);
}

size_t leaders_count(const struct leaders *leaders)
{
	return leaders->count;
}

const struct leader *leaders_at(const struct leaders *leaders, uint32_t number)
{
	wn_assert(number < leaders->count);
	return &leaders->chunks[number / CHUNK_LEADERS][number % CHUNK_LEADERS];
}

static bool shingles_reserve(struct leaders *leaders, size_t size)
{
	wn_assert(size <= EMBED_POINTS_MAX);
	if (leaders->blocks && BLOCK_SHINGLES - leaders->blocks->used >= size)
		return true;
	struct block *block = malloc(sizeof *block);
	if (!block)
		return false;
	block->next = leaders->blocks;
	block->used = 0;
	leaders->blocks = block;
	return true;
}

static bool leaders_reserve(struct leaders *leaders, const struct linker_post *post, struct wn_error *err)
{
	if (leaders->count == LINKER_LEADERS_MAX)
		return wn_fail(err, WN_FULL, "linker_full", "the duplicate check holds %d posts, its most",
			LINKER_LEADERS_MAX);
	struct leader **chunk = &leaders->chunks[leaders->count / CHUNK_LEADERS];
	if (!*chunk)
		*chunk = malloc(CHUNK_LEADERS * sizeof **chunk);
	if (!*chunk || !table_reserve(&leaders->normals, 1) ||
		(post->near &&
			(!shingles_reserve(leaders, post->size) || !table_reserve(&leaders->bands, EMBED_BANDS))))
		return wn_fail(
			err, WN_FULL, "memory", "no room for leader %zu of the duplicate check", leaders->count + 1);
	return true;
}

bool leaders_add(struct leaders *leaders, const struct linker_post *post, struct wn_error *err)
{
	if (!leaders_reserve(leaders, post, err))
		return false;
	uint32_t number = (uint32_t)leaders->count++;
	struct leader *leader = &leaders->chunks[number / CHUNK_LEADERS][number % CHUNK_LEADERS];
	*leader = (struct leader){
		.item = post->item,
		.raw = post->raw,
		.normal = post->normal,
		.campaign = post->campaign,
		.digits = post->digits,
		.near = post->near,
	};
	table_add(&leaders->normals, normal_slot_key(post), number, UINT32_MAX);
	if (!post->near)
		return true;
	struct block *block = leaders->blocks;
	leader->shingles = block->shingles + block->used;
	leader->size = post->size;
	memcpy(block->shingles + block->used, post->shingles, post->size * sizeof *post->shingles);
	block->used += post->size;
	memcpy(leader->lanes, post->lanes, sizeof leader->lanes);
	for (unsigned band = 0; band < EMBED_BANDS; band++)
		table_add(&leaders->bands, band_slot_key(post, band), number, LINKER_KEY_LEADERS_MAX);
	return true;
}

const struct leader *leaders_same(const struct leaders *leaders, const struct linker_post *post)
{
	const struct table *table = &leaders->normals;
	uint64_t key = normal_slot_key(post);
	for (size_t slot = key & (table->slots - 1); table->leaders[slot]; slot = (slot + 1) & (table->slots - 1)) {
		if (table->keys[slot] != key)
			continue;
		const struct leader *leader = leaders_at(leaders, table->leaders[slot] - 1);
		if (leader->campaign == post->campaign &&
			memcmp(leader->normal.bytes, post->normal.bytes, ID_BYTES) == 0)
			return leader;
	}
	return NULL;
}

static int number_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

size_t leaders_candidates(
	const struct leaders *leaders, const struct linker_post *post, uint32_t out[LEADERS_CANDIDATES_MAX])
{
	const struct table *table = &leaders->bands;
	uint64_t keys[EMBED_BANDS];
	size_t found = 0, kept = 0;
	/* All slots are asked for before the first is read: each is a miss of the cache. */
	for (unsigned band = 0; band < EMBED_BANDS; band++) {
		keys[band] = band_slot_key(post, band);
		__builtin_prefetch(&table->leaders[keys[band] & (table->slots - 1)]);
		__builtin_prefetch(&table->keys[keys[band] & (table->slots - 1)]);
	}
	for (unsigned band = 0; band < EMBED_BANDS; band++)
		for (size_t slot = keys[band] & (table->slots - 1); table->leaders[slot];
			slot = (slot + 1) & (table->slots - 1))
			if (table->keys[slot] == keys[band] &&
				leaders_at(leaders, table->leaders[slot] - 1)->campaign == post->campaign) {
				wn_assert(found < LEADERS_CANDIDATES_MAX);
				out[found++] = table->leaders[slot] - 1;
			}
	qsort(out, found, sizeof *out, number_compare);
	for (size_t i = 0; i < found; i++)
		if (kept == 0 || out[kept - 1] != out[i])
			out[kept++] = out[i];
	return kept;
}
