/* Keys of leaders into lines: a leader at a time, a segment at a time, all of them into a file. */
#include "gpu_embed/index_fill.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { FILL_AHEAD = 4, FILL_TRIES_MAX = 8, FILL_LEAST = 4 };

uint64_t index_normal_key(const struct sha256 *normal)
{
	uint64_t key;
	memcpy(&key, normal->bytes, sizeof key);
	return key;
}

/* Puts what the mask names of a checked segment's leader. */
bool index_fill_leader(
	const struct keys_target *target, const struct leader_segment *segment, uint32_t at, uint32_t leader)
{
	const struct leader_columns *columns = &segment->columns;
	uint64_t campaign = columns->campaigns[at];
	for (uint32_t mask = columns->masks[at]; mask; mask &= mask - 1) {
		unsigned band = (unsigned)__builtin_ctz(mask);
		uint64_t key = band == INDEX_NORMAL ? index_normal_key(&columns->normals[at])
						    : embed_band_key(columns->lanes[at] + band * EMBED_ROWS, band);
		uint64_t hash = index_key_hash(campaign, key, target->salt);
		if (!index_keys_put(target->lines, target->line_count, hash, leader))
			return false;
		if (target->filter)
			index_filter_put(target->filter, target->filter_blocks, hash);
	}
	return true;
}

static void leader_prefetch(const struct keys_target *target, const struct leader_segment *segment, uint32_t at)
{
	const struct leader_columns *columns = &segment->columns;
	uint64_t campaign = columns->campaigns[at];
	for (uint32_t mask = columns->masks[at] & ((1u << EMBED_BANDS) - 1); mask; mask &= mask - 1) {
		unsigned band = (unsigned)__builtin_ctz(mask);
		uint64_t key = embed_band_key(columns->lanes[at] + band * EMBED_ROWS, band);
		uint64_t hash = index_key_hash(campaign, key, target->salt);
		__builtin_prefetch(&target->lines[index_key_line(hash, target->line_count)], 1);
		if (target->filter)
			__builtin_prefetch(&target->filter[index_key_line(hash, target->filter_blocks)], 1);
	}
	/* As in index_keys_prefetch(). */
	__asm__ volatile("");
}

uint64_t index_fill_entries(const struct leader_segment *segment)
{
	uint64_t entries = 0;
	for (uint32_t i = 0; i < segment->count; i++)
		entries += (uint64_t)__builtin_popcount(segment->columns.masks[i]);
	return entries;
}

/* Puts a whole segment. */
bool index_fill_segment(const struct keys_target *target, const struct leader_segment *segment, uint32_t first)
{
	for (uint32_t i = 0; i < segment->count; i++) {
		if (i + FILL_AHEAD < segment->count)
			leader_prefetch(target, segment, i + FILL_AHEAD);
		if (!index_fill_leader(target, segment, i, first + i))
			return false;
	}
	return true;
}

/* ---- the file of keys ---- */

void index_keys_name(uint32_t segments, char out[INDEX_NAME_MAX])
{
	snprintf(out, INDEX_NAME_MAX, "keys-%06u", segments);
}

/* How many segments the keys file is to know when there are so many. */
uint32_t index_keys_due(uint32_t segments)
{
	uint32_t due = 0, next = FILL_LEAST;
	while (next <= segments) {
		due = next;
		next += next / 2 > FILL_LEAST ? next / 2 : FILL_LEAST;
	}
	return due;
}

/* Follows from all that the leaders are: nobody knows it before the last of them is there. */
static uint64_t keys_salt(struct leader_segment *const segments[], uint32_t count)
{
	uint64_t salt = EMBED_SEED;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t both[2] = {salt, segments[i]->file->header->sums_sum};
		salt = index_sum(both, sizeof both);
	}
	return salt;
}

static bool fill_stopped(const bool *stop)
{
	return __atomic_load_n(stop, __ATOMIC_RELAXED);
}

static bool fill_all(
	const struct keys_target *target, struct leader_segment *const segments[], uint32_t count, const bool *stop)
{
	uint32_t first = 0;
	for (uint32_t i = 0; i < count && !fill_stopped(stop); i++) {
		if (!index_fill_segment(target, segments[i], first))
			return false;
		first += segments[i]->count;
	}
	return true;
}

static void *fill_memory(uint64_t bytes)
{
	void *map = bytes > INDEX_FILL_MEMORY
			    ? MAP_FAILED
			    : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	madvise(map, bytes, MADV_HUGEPAGE);
	return map;
}

/* Fills lines and filter of an open file, in memory where there is room for them. */
static bool fill_file(
	const struct index_writer *writer, struct leader_segment *const segments[], uint32_t count, const bool *stop)
{
	const struct index_header *header = &writer->header;
	uint64_t line_bytes = header->section_bytes[0], bytes = line_bytes + header->section_bytes[1];
	struct keys_target target = {.lines = index_writer_section(writer, 0),
		.line_count = header->lines,
		.salt = header->salt,
		.filter = index_writer_section(writer, 1),
		.filter_blocks = header->section_bytes[1] / sizeof(struct index_filter_block)};
	uint8_t *memory = fill_memory(bytes);
	if (!memory)
		return fill_all(&target, segments, count, stop);
	target.lines = (struct index_line *)(void *)memory;
	target.filter = (struct index_filter_block *)(void *)(memory + line_bytes);
	bool fits = fill_all(&target, segments, count, stop);
	if (fits) {
		memcpy(index_writer_section(writer, 0), memory, line_bytes);
		memcpy(index_writer_section(writer, 1), memory + line_bytes, header->section_bytes[1]);
	}
	munmap(memory, bytes);
	return fits;
}

bool index_keys_write(
	struct leader_segment *const segments[], uint32_t count, int folder, const bool *stop, struct wn_error *err)
{
	const struct leader_segment *last = segments[count - 1];
	uint64_t entries = 0;
	char name[INDEX_NAME_MAX];
	index_keys_name(count, name);
	for (uint32_t i = 0; i < count; i++)
		entries += index_fill_entries(segments[i]);
	struct index_header header = {.kind = INDEX_KEYS,
		.section_count = 2,
		.count = (uint64_t)count * last->count,
		.watermark = (uint64_t)last->watermark,
		.salt = keys_salt(segments, count),
		.lines = index_keys_lines(entries)};
	memcpy(header.last, last->file->header->last, sizeof header.last);
	/* The same tries on every node, so that they end with the same file. */
	for (int tries = 0; tries < FILL_TRIES_MAX && !fill_stopped(stop); tries++) {
		struct index_writer writer;
		header.section_bytes[0] = header.lines * sizeof(struct index_line);
		header.section_bytes[1] = index_filter_blocks(entries) * sizeof(struct index_filter_block);
		if (!index_writer_open(&writer, folder, name, &header, err))
			return false;
		bool fits = fill_file(&writer, segments, count, stop);
		if (fits && !fill_stopped(stop))
			return index_writer_done(&writer, err);
		index_writer_abandon(&writer);
		header.salt++;
		header.lines += header.lines / 2;
	}
	return wn_fail(err, WN_FULL, "index_keys", "the keys of %u segments do not fit into a table", count);
}

static bool header_fits(const struct index_header *header, struct leader_segment *const segments[], uint32_t count)
{
	return header->section_count == 2 && header->first == 0 &&
	       header->count == (uint64_t)count * segments[0]->count && header->lines >= INDEX_LINES_LEAST &&
	       header->section_at[0] == 0 && header->section_bytes[0] / sizeof(struct index_line) == header->lines &&
	       header->section_bytes[0] % sizeof(struct index_line) == 0 && header->section_bytes[1] > 0 &&
	       header->section_bytes[1] % sizeof(struct index_filter_block) == 0 &&
	       header->watermark == (uint64_t)segments[count - 1]->watermark;
}

bool index_keys_read(struct index_keys *out, struct leader_segment *const segments[], uint32_t count, int folder,
	struct wn_error *err)
{
	struct index_file *file;
	char name[INDEX_NAME_MAX];
	index_keys_name(count, name);
	if (!index_file_open(&file, folder, name, INDEX_KEYS, err))
		return false;
	bool good = header_fits(file->header, segments, count) ||
		    wn_fail(err, WN_INPUT, "index_damaged", "%s does not belong to the leaders", name);
	good = good && index_keys_map(out, file, err);
	if (!good)
		index_file_close(file);
	return good;
}
