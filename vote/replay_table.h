/* A table in memory that grows and shrinks with what a replay has to know: fixed keys, fixed values, no order. */
#ifndef VOTE_REPLAY_TABLE_H
#define VOTE_REPLAY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REPLAY_TABLE_MAX = 1 << 30 }; /* entries */

struct replay_table {
	size_t key_bytes, value_bytes; /* given; all else zero */
	size_t count, places;
	uint8_t *rows, *taken;
};

/* Values move when the table grows or an entry leaves: what these give is valid until the next add or remove. */
void *replay_table_find(const struct replay_table *table, const void *key);
/* The value of the key, zeroed when it is new; NULL at the maximum or without memory. */
void *replay_table_add(struct replay_table *table, const void *key, bool *added);
/* The key must be there. */
void replay_table_remove(struct replay_table *table, const void *key);
/* Walks in no order: *at begins at 0; false at the end. The table must not change meanwhile. */
bool replay_table_next(const struct replay_table *table, size_t *at, const void **key, void **value);
void replay_table_close(struct replay_table *table);

/* A list that doubles: room for one more of `size` bytes; NULL without memory, then the old one stays. */
void *replay_list_add(void **list, size_t *count, size_t *room, size_t size);

#endif
