/* Flat tables with one undo log: a transaction is what lies in the log, losing it is playing the log backwards. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

struct world_undo {
	void *at;
	size_t bytes, old; /* old: where in the log's text the bytes lie; the header follows them */
};

/* Rows an operation, in eighths: generous, and an assertion tells when it was not. */
static const struct {
	const char *name;
	size_t bytes;
	uint32_t eighths, least;
} tables[TABLES] = {
	[TABLE_ITEMS] = {"items", sizeof(struct world_item), 2, 64},
	[TABLE_ROUNDS] = {"rounds", sizeof(struct world_round), 4, 128},
	[TABLE_SEATS] = {"seats", sizeof(struct world_seat), 8, 2048},
	[TABLE_SEALS] = {"seals", sizeof(struct world_seal), 8, 64},
	[TABLE_TRANSFERS] = {"transfers", sizeof(struct world_transfer), 20, 8192},
	[TABLE_PAYS] = {"pays", sizeof(struct world_pay), 4, 4096},
	[TABLE_GRANTS] = {"grants", sizeof(struct world_grant), 2, 1024},
	[TABLE_UNBONDINGS] = {"unbondings", sizeof(struct world_unbonding), 2, 256},
	[TABLE_LEAVES] = {"leaves", sizeof(struct sha256), 10, 4096},
	[TABLE_OPEN] = {"open items", sizeof(uint32_t), 2, 64},
	[TABLE_BONDED] = {"bonds", sizeof(uint32_t), 8, 2048},
	[TABLE_UNPAID] = {"pays due", sizeof(uint32_t), 4, 4096},
	[TABLE_VESTING] = {"grants that vest", sizeof(uint32_t), 2, 1024},
};

static void *room_of(size_t count, size_t bytes)
{
	void *room = calloc(count, bytes);
	if (!room) {
		fprintf(stderr, "no memory for the simulation\n");
		exit(2);
	}
	return room;
}

static void world_close(struct world *world)
{
	for (int t = 0; t < TABLES; t++)
		free(world->rows[t]);
	free(world->head);
	free(world->index);
	free(world->undo);
}

void world_open(struct world *world, uint32_t operations)
{
	if (world->head && world->operations >= operations) {
		memset(world->head, 0, sizeof *world->head);
		memset(world->index, 0, ((size_t)world->index_mask + 1) * sizeof *world->index);
		world->undo_used = 0;
		return;
	}
	world_close(world);
	*world = (struct world){.head = room_of(1, sizeof *world->head), .operations = operations};
	for (int t = 0; t < TABLES; t++) {
		world->room[t] = tables[t].least + (uint32_t)((uint64_t)operations * tables[t].eighths / 8);
		world->rows[t] = room_of(world->room[t], tables[t].bytes);
	}
	uint32_t slots = 1;
	while (slots < 2 * world->room[TABLE_TRANSFERS])
		slots *= 2;
	world->index = room_of(slots, sizeof *world->index);
	world->index_mask = slots - 1;
	world->undo_room = 1 << 20;
	world->undo = room_of(1, world->undo_room);
}

bool world_equal(const struct world *a, const struct world *b, const char **where)
{
	*where = "head";
	if (memcmp(a->head, b->head, sizeof *a->head) != 0)
		return false;
	for (int t = 0; t < TABLES; t++) {
		*where = tables[t].name;
		if (memcmp(a->rows[t], b->rows[t], world_count(a, t) * tables[t].bytes) != 0)
			return false;
	}
	return true;
}

/* ---- transactions ---- */

void world_touch(struct world *world, void *at, size_t bytes)
{
	struct world_undo header = {.at = at, .bytes = bytes, .old = world->undo_used};
	size_t more = bytes + sizeof header;
	if (world->undo_used + more > world->undo_room) {
		world->undo_room = 2 * world->undo_room + more;
		world->undo = realloc(world->undo, world->undo_room);
		wn_assert(world->undo != NULL);
	}
	char *log = (char *)world->undo + world->undo_used;
	memcpy(log, at, bytes);
	memcpy(log + bytes, &header, sizeof header);
	world->undo_used += more;
}

void world_commit(struct world *world)
{
	world->undo_used = 0;
}

void world_rollback(struct world *world)
{
	while (world->undo_used > 0) {
		struct world_undo header;
		const char *log = (const char *)world->undo;
		memcpy(&header, log + world->undo_used - sizeof header, sizeof header);
		memcpy(header.at, log + header.old, header.bytes);
		world->undo_used = header.old;
	}
}

/* ---- rows ---- */

void *world_add(struct world *world, enum world_table table, uint32_t *number)
{
	uint32_t *count = &world->head->counts[table];
	if (*count == world->room[table])
		fprintf(stderr, "the simulation has no room for more %s\n", tables[table].name);
	wn_assert(*count < world->room[table]);
	void *row = (char *)world->rows[table] + *count * tables[table].bytes;
	memset(row, 0, tables[table].bytes);
	world_touch(world, count, sizeof *count);
	if (number)
		*number = *count;
	++*count;
	return row;
}

void world_list_add(struct world *world, enum world_table table, uint32_t number)
{
	*(uint32_t *)world_add(world, table, NULL) = number;
}

void world_list_drop(struct world *world, enum world_table table, uint32_t place)
{
	uint32_t *rows = world->rows[table], *count = &world->head->counts[table];
	wn_assert(place < *count);
	WORLD_SET(world, rows[place], rows[*count - 1]);
	/* The last place may be used again before the transaction is lost. */
	world_touch(world, &rows[*count - 1], sizeof *rows);
	WORLD_SET(world, *count, *count - 1);
}

static uint32_t slot_of(const struct world *world, const struct transfer_id *id)
{
	uint32_t slot;
	memcpy(&slot, id->bytes, sizeof slot);
	slot &= world->index_mask;
	while (world->index[slot] &&
		memcmp(world_transfer(world, world->index[slot] - 1)->id.bytes, id->bytes, sizeof id->bytes) != 0)
		slot = (slot + 1) & world->index_mask;
	return slot;
}

int64_t world_transfer_find(const struct world *world, const struct transfer_id *id)
{
	return (int64_t)world->index[slot_of(world, id)] - 1;
}

void world_transfer_index(struct world *world, uint32_t number)
{
	uint32_t slot = slot_of(world, &world_transfer(world, number)->id);
	wn_assert(world->index[slot] == 0);
	WORLD_SET(world, world->index[slot], number + 1);
}
