/* Columns of leaders in memory, their way into a file, and what is asked of a file before it is believed. */
#include "gpu_embed/index_leaders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/index_keys.h"

enum { SHINGLES_EACH = 64, COLUMNS = 9, COLUMN_STARTS = 6, COLUMN_SHINGLES = 8 };
_Static_assert((int)COLUMNS <= (int)INDEX_SECTIONS, "a section each");
_Static_assert((uint64_t)INDEX_SEGMENT_LEADERS *EMBED_POINTS_MAX <= UINT32_MAX, "starts are 32 bits wide");

struct column {
	void **at;
	size_t bytes; /* of one leader */
};

/* The columns of fixed width, in the order of the sections. */
static void columns_list(struct leader_columns *columns, struct column out[COLUMNS])
{
	out[0] = (struct column){(void **)&columns->items, sizeof *columns->items};
	out[1] = (struct column){(void **)&columns->raws, sizeof *columns->raws};
	out[2] = (struct column){(void **)&columns->normals, sizeof *columns->normals};
	out[3] = (struct column){(void **)&columns->campaigns, sizeof *columns->campaigns};
	out[4] = (struct column){(void **)&columns->digits, sizeof *columns->digits};
	out[5] = (struct column){(void **)&columns->masks, sizeof *columns->masks};
	out[COLUMN_STARTS] = (struct column){(void **)&columns->starts, sizeof *columns->starts};
	out[7] = (struct column){(void **)&columns->lanes, sizeof *columns->lanes};
	out[COLUMN_SHINGLES] = (struct column){(void **)&columns->shingles, sizeof *columns->shingles};
}

/* Bytes of a column of a full segment. */
static size_t column_bytes(size_t number, const struct column *column, size_t leaders, size_t shingles)
{
	if (number == COLUMN_SHINGLES)
		return shingles * column->bytes;
	return (leaders + (number == COLUMN_STARTS)) * column->bytes;
}

bool leader_segment_open(struct leader_segment **out, uint32_t room_leaders, struct wn_error *err)
{
	struct leader_segment *segment = calloc(1, sizeof *segment);
	struct column columns[COLUMNS];
	bool room = segment != NULL;
	if (room)
		columns_list(&segment->columns, columns);
	for (size_t i = 0; room && i < COLUMNS; i++) {
		*columns[i].at =
			calloc(column_bytes(i, &columns[i], room_leaders, (size_t)room_leaders * SHINGLES_EACH), 1);
		room = *columns[i].at != NULL;
	}
	if (!room) {
		leader_segment_close(segment);
		return wn_fail(err, WN_FULL, "memory", "no room for leaders of the duplicate check");
	}
	segment->room = room_leaders;
	segment->shingles_room = (size_t)room_leaders * SHINGLES_EACH;
	segment->checked = true;
	*out = segment;
	return true;
}

void leader_segment_close(struct leader_segment *segment)
{
	struct column columns[COLUMNS];
	if (!segment)
		return;
	if (segment->file) {
		index_file_close(segment->file);
	} else {
		columns_list(&segment->columns, columns);
		for (size_t i = 0; i < COLUMNS; i++)
			free(*columns[i].at);
	}
	free(segment);
}

static bool shingles_reserve(struct leader_segment *segment, size_t needed)
{
	size_t room = segment->shingles_room;
	while (room < needed)
		room += room / 2;
	if (room == segment->shingles_room)
		return true;
	uint32_t *shingles = realloc(segment->columns.shingles, room * sizeof *shingles);
	if (!shingles)
		return false;
	segment->columns.shingles = shingles;
	segment->shingles_room = room;
	return true;
}

bool leader_segment_add(
	struct leader_segment *segment, const struct linker_post *post, uint32_t mask, struct wn_error *err)
{
	struct leader_columns *columns = &segment->columns;
	uint32_t at = segment->count, size = post->near ? post->size : 0, start = columns->starts[at];
	wn_assert(!segment->file);
	wn_assert(at < segment->room);
	wn_assert(size <= EMBED_POINTS_MAX);
	if (!shingles_reserve(segment, (size_t)start + size))
		return wn_fail(err, WN_FULL, "memory", "no room for shingles of the duplicate check");
	columns->items[at] = post->item;
	columns->raws[at] = post->raw;
	columns->normals[at] = post->normal;
	columns->campaigns[at] = post->campaign;
	columns->digits[at] = post->digits;
	columns->masks[at] = mask;
	columns->starts[at + 1] = start + size;
	if (size > 0) {
		memcpy(columns->lanes[at], post->lanes, sizeof *columns->lanes);
		memcpy(columns->shingles + start, post->shingles, size * sizeof *columns->shingles);
	}
	segment->watermark = post->seq;
	segment->count++;
	return true;
}

/* ---- files ---- */

void leader_segment_name(uint32_t number, char out[INDEX_NAME_MAX])
{
	snprintf(out, INDEX_NAME_MAX, "leaders-%06u", number);
}

bool leader_segment_write(const struct leader_segment *segment, int folder, uint32_t number, struct wn_error *err)
{
	struct index_header header = {.kind = INDEX_LEADERS,
		.section_count = COLUMNS,
		.first = (uint64_t)number * segment->room,
		.count = segment->count,
		.watermark = (uint64_t)segment->watermark};
	struct leader_columns view = segment->columns;
	struct index_writer writer;
	struct column columns[COLUMNS];
	char name[INDEX_NAME_MAX];
	wn_assert(segment->count == segment->room);
	columns_list(&view, columns);
	for (size_t i = 0; i < COLUMNS; i++)
		header.section_bytes[i] = column_bytes(i, &columns[i], segment->count, view.starts[segment->count]);
	memcpy(header.last, view.items[segment->count - 1].bytes, sizeof header.last);
	leader_segment_name(number, name);
	if (!index_writer_open(&writer, folder, name, &header, err))
		return false;
	for (size_t i = 0; i < COLUMNS; i++)
		memcpy(index_writer_section(&writer, i), *columns[i].at, header.section_bytes[i]);
	return index_writer_done(&writer, err);
}

bool leader_segment_map(struct leader_segment **out, int folder, uint32_t number, uint32_t room, struct wn_error *err)
{
	char name[INDEX_NAME_MAX];
	struct index_file *file;
	struct column columns[COLUMNS];
	leader_segment_name(number, name);
	if (!index_file_open(&file, folder, name, INDEX_LEADERS, err))
		return false;
	const struct index_header *header = file->header;
	struct leader_segment *segment = calloc(1, sizeof *segment);
	if (!segment) {
		index_file_close(file);
		return wn_fail(err, WN_FULL, "memory", "no room for the index");
	}
	segment->file = file;
	segment->count = segment->room = room;
	segment->watermark = (int64_t)header->watermark;
	columns_list(&segment->columns, columns);
	bool fits = header->section_count == COLUMNS && header->count == room &&
		    header->first == (uint64_t)number * room && segment->watermark > 0;
	for (size_t i = 0; fits && i < COLUMNS; i++) {
		fits = i == COLUMN_SHINGLES ? header->section_bytes[i] % columns[i].bytes == 0
					    : header->section_bytes[i] == column_bytes(i, &columns[i], room, 0);
		*columns[i].at = (void *)(uintptr_t)(file->body + header->section_at[i]);
	}
	if (!fits) {
		leader_segment_close(segment);
		return wn_fail(
			err, WN_INPUT, "index_damaged", "%s: its sections are not those of %u leaders", name, room);
	}
	*out = segment;
	return true;
}

/* Sums may have been made by whoever made the rest up: nothing in a file may lead outside of it. */
static bool leaders_fit(const struct leader_segment *segment)
{
	const struct leader_columns *columns = &segment->columns;
	uint64_t shingles = segment->file->header->section_bytes[COLUMN_SHINGLES] / sizeof *columns->shingles;
	if (columns->starts[0] != 0 || columns->starts[segment->count] != shingles)
		return false;
	for (uint32_t i = 0; i < segment->count; i++) {
		uint32_t size = leader_segment_size(segment, i), bands = columns->masks[i] & ((1u << EMBED_BANDS) - 1);
		if (columns->starts[i] > columns->starts[i + 1] || size > EMBED_POINTS_MAX ||
			(size > 0 && size < EMBED_SHINGLES_LEAST) || (size == 0 && bands) ||
			columns->masks[i] >> INDEX_KEYS_EACH)
			return false;
	}
	return true;
}

bool leader_segment_check(struct leader_segment *segment, struct wn_error *err)
{
	if (__atomic_load_n(&segment->checked, __ATOMIC_ACQUIRE))
		return true;
	if (!index_file_check_all(segment->file, err))
		return false;
	if (!leaders_fit(segment))
		return wn_fail(err, WN_INPUT, "index_damaged", "%s holds what no leader is", segment->file->name);
	__atomic_store_n(&segment->checked, true, __ATOMIC_RELEASE);
	return true;
}
