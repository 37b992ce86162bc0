/* Lines of entries: put at the first free place behind a key's line, found by walking the same way. */
#include "gpu_embed/index_keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINES_A_BLOCK = INDEX_BLOCK / sizeof(struct index_line) };

uint64_t index_keys_lines(uint64_t entries)
{
	uint64_t lines = entries / INDEX_FILL + 1;
	return lines < INDEX_LINES_LEAST ? INDEX_LINES_LEAST : lines;
}

uint64_t index_filter_blocks(uint64_t entries)
{
	return entries / INDEX_FILTER_KEYS + 1;
}

/* Zeros that take no memory before they are written, in big pages where the system has some: what lies anywhere in much
 * memory is found twice as fast. */
static void *zeros_map(uint64_t bytes)
{
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	madvise(map, bytes, MADV_HUGEPAGE);
	return map;
}

bool index_keys_open(struct index_keys *keys, uint64_t entries, uint64_t salt, struct wn_error *err)
{
	uint64_t lines = index_keys_lines(entries);
	struct index_line *map = zeros_map(lines * sizeof *map);
	if (!map)
		return wn_fail(
			err, WN_FULL, "memory", "no room for %llu keys of the index", (unsigned long long)entries);
	*keys = (struct index_keys){.lines = map, .owned = map, .line_count = lines, .salt = salt};
	return true;
}

bool index_keys_map(struct index_keys *keys, struct index_file *file, struct wn_error *err)
{
	const struct index_header *header = file->header;
	uint64_t at = header->section_at[1], bytes = header->section_bytes[1];
	for (uint64_t block = at / INDEX_BLOCK; block * INDEX_BLOCK < at + bytes; block++)
		if (!index_file_check_block(file, block, err))
			return false;
	struct index_filter_block *filter = zeros_map(bytes);
	if (!filter)
		return wn_fail(err, WN_FULL, "memory", "no room for the filter of the index");
	memcpy(filter, file->body + at, bytes);
	*keys = (struct index_keys){.lines = (const struct index_line *)(const void *)file->body,
		.line_count = header->lines,
		.salt = header->salt,
		.filter = filter,
		.filter_blocks = bytes / sizeof *filter,
		.file = file};
	return true;
}

void index_keys_close(struct index_keys *keys)
{
	if (keys->filter)
		munmap(keys->filter, keys->filter_blocks * sizeof *keys->filter);
	if (keys->owned)
		munmap(keys->owned, keys->line_count * sizeof *keys->owned);
	index_file_close(keys->file);
	*keys = (struct index_keys){0};
}

bool index_keys_put(struct index_line *lines, uint64_t line_count, uint64_t hash, uint32_t leader)
{
	uint64_t at = index_key_line(hash, line_count);
	for (unsigned walked = 0; walked < INDEX_WAY_MAX; walked++) {
		struct index_line *line = &lines[at];
		if (line->count < INDEX_LINE_ENTRIES) {
			line->leaders[line->count] = leader;
			line->prints[line->count++] = index_key_print(hash);
			return true;
		}
		at = at + 1 == line_count ? 0 : at + 1;
	}
	return false;
}

/* Bit i of the result: prints[i] is `print`. Eight are compared at a time. */
static uint32_t line_hits(const struct index_line *line, uint16_t print)
{
	typedef uint16_t prints_vector __attribute__((vector_size(16)));
	const prints_vector wanted = {print, print, print, print, print, print, print, print};
	const prints_vector bits = {1, 2, 4, 8, 16, 32, 64, 128};
	prints_vector prints;
	uint64_t halves[2];
	memcpy(&prints, line->prints, sizeof prints);
	prints = (prints_vector)(prints == wanted) & bits;
	memcpy(halves, &prints, sizeof halves);
	uint64_t hits = halves[0] | halves[1];
	hits |= hits >> 32;
	hits |= hits >> 16;
	return (uint32_t)(hits & 0xff) | (uint32_t)(line->prints[8] == print) << 8 |
	       (uint32_t)(line->prints[9] == print) << 9;
}

/* Makes walk->hits those of the line where it stands. */
static bool walk_line(const struct index_keys *keys, struct index_walk *walk, struct wn_error *err)
{
	if (keys->file && !index_file_check_block(keys->file, walk->line / LINES_A_BLOCK, err))
		return false;
	const struct index_line *line = &keys->lines[walk->line];
	if (line->count > INDEX_LINE_ENTRIES)
		return wn_fail(err, WN_INPUT, "index_damaged", "a line of %u keys", line->count);
	walk->hits = line_hits(line, walk->print) & ((1u << line->count) - 1);
	walk->last = line->count < INDEX_LINE_ENTRIES;
	return true;
}

bool index_keys_walk(const struct index_keys *keys, uint64_t hash, struct index_walk *walk, struct wn_error *err)
{
	*walk = (struct index_walk){.line = index_key_line(hash, keys->line_count), .print = index_key_print(hash)};
	if (keys->filter && !index_filter_has(keys->filter, keys->filter_blocks, hash)) {
		walk->last = true;
		return true;
	}
	return walk_line(keys, walk, err);
}

bool index_keys_next(
	const struct index_keys *keys, struct index_walk *walk, uint32_t *leader, bool *found, struct wn_error *err)
{
	while (!walk->hits && !walk->last) {
		/* Whoever wrote it would have made another table. */
		if (++walk->lines_walked == INDEX_WAY_MAX) {
			if (keys->file)
				return wn_fail(err, WN_INPUT, "index_damaged", "a way of %d lines", INDEX_WAY_MAX);
			break;
		}
		walk->line = walk->line + 1 == keys->line_count ? 0 : walk->line + 1;
		if (!walk_line(keys, walk, err))
			return false;
	}
	*found = walk->hits != 0;
	if (!*found)
		return true;
	unsigned entry = (unsigned)__builtin_ctz(walk->hits);
	walk->hits &= walk->hits - 1;
	*leader = keys->lines[walk->line].leaders[entry];
	return true;
}
