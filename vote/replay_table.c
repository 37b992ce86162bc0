/* Open addressing with linear probing, at most half full; a removal closes the gap that it leaves. */
#include "vote/replay_table.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"

enum { TABLE_PLACES_LEAST = 64, LIST_ROOM_LEAST = 4 };

static size_t in_eights(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

/* A value begins at a multiple of eight behind its key. */
static size_t value_at(const struct replay_table *table)
{
	return in_eights(table->key_bytes);
}

static size_t row_bytes(const struct replay_table *table)
{
	return value_at(table) + in_eights(table->value_bytes);
}

static uint8_t *row(const struct replay_table *table, size_t place)
{
	return table->rows + place * row_bytes(table);
}

static size_t home(const struct replay_table *table, const void *key)
{
	return (size_t)memory_hash(key, table->key_bytes) & (table->places - 1);
}

/* Where the key is, or the free place that it would take. */
static size_t place_of(const struct replay_table *table, const void *key)
{
	size_t place = home(table, key);
	while (table->taken[place] && memcmp(row(table, place), key, table->key_bytes) != 0)
		place = (place + 1) & (table->places - 1);
	return place;
}

void *replay_table_find(const struct replay_table *table, const void *key)
{
	if (table->count == 0)
		return NULL;
	size_t place = place_of(table, key);
	return table->taken[place] ? row(table, place) + value_at(table) : NULL;
}

static bool grow(struct replay_table *table)
{
	struct replay_table wider = {.key_bytes = table->key_bytes, .value_bytes = table->value_bytes};
	wider.places = table->places ? 2 * table->places : TABLE_PLACES_LEAST;
	wider.count = table->count;
	wider.rows = malloc(wider.places * row_bytes(table));
	wider.taken = calloc(wider.places, 1);
	if (!wider.rows || !wider.taken) {
		free(wider.rows);
		free(wider.taken);
		return false;
	}
	for (size_t place = 0; place < table->places; place++) {
		if (!table->taken[place])
			continue;
		size_t target = place_of(&wider, row(table, place));
		memcpy(row(&wider, target), row(table, place), row_bytes(table));
		wider.taken[target] = 1;
	}
	free(table->rows);
	free(table->taken);
	*table = wider;
	return true;
}

void *replay_table_add(struct replay_table *table, const void *key, bool *added)
{
	void *found = replay_table_find(table, key);
	*added = !found;
	if (found)
		return found;
	if (table->count >= REPLAY_TABLE_MAX || (2 * (table->count + 1) > table->places && !grow(table)))
		return NULL;
	size_t place = place_of(table, key);
	memset(row(table, place), 0, row_bytes(table));
	memcpy(row(table, place), key, table->key_bytes);
	table->taken[place] = 1;
	table->count++;
	return row(table, place) + value_at(table);
}

void replay_table_remove(struct replay_table *table, const void *key)
{
	wn_assert(table->count > 0);
	size_t gap = place_of(table, key), mask = table->places - 1;
	wn_assert(table->taken[gap]);
	table->taken[gap] = 0;
	table->count--;
	for (size_t place = (gap + 1) & mask; table->taken[place]; place = (place + 1) & mask) {
		/* Whoever would have found the gap on the way from home moves into it. */
		size_t from_home = (place - home(table, row(table, place))) & mask;
		if (from_home < ((place - gap) & mask))
			continue;
		memcpy(row(table, gap), row(table, place), row_bytes(table));
		table->taken[gap] = 1;
		table->taken[place] = 0;
		gap = place;
	}
}

bool replay_table_next(const struct replay_table *table, size_t *at, const void **key, void **value)
{
	while (*at < table->places && !table->taken[*at])
		++*at;
	if (*at >= table->places)
		return false;
	*key = row(table, *at);
	*value = row(table, *at) + value_at(table);
	++*at;
	return true;
}

void replay_table_close(struct replay_table *table)
{
	free(table->rows);
	free(table->taken);
	table->rows = table->taken = NULL;
	table->count = table->places = 0;
}

void *replay_list_add(void **list, size_t *count, size_t *room, size_t size)
{
	if (*count == *room) {
		size_t wider = *room ? 2 * *room : LIST_ROOM_LEAST;
		void *grown = wider <= REPLAY_TABLE_MAX ? realloc(*list, wider * size) : NULL;
		if (!grown)
			return NULL;
		*list = grown;
		*room = wider;
	}
	void *added = (char *)*list + (*count)++ * size;
	memset(added, 0, size);
	return added;
}
