/* Files of the index: checked as strangers' files are, written so that a cut leaves nothing that looks whole. */
#include "gpu_embed/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/failpoint.h"
#include "gpu_embed/embed_spec.h"

_Static_assert(sizeof(struct index_header) <= INDEX_HEADER, "the header has its room");
_Static_assert(sizeof(struct index_header) % 8 == 0, "no byte of the header is left to chance");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are mapped as they are");

enum { SECTION_ALIGN = 64 };
#define INDEX_FILE_MAX ((uint64_t)1 << 40) /* bytes: far above what any number of leaders takes */

uint64_t index_sum(const void *bytes, size_t count)
{
	return XXH3_64bits(bytes, count);
}

static size_t block_count(uint64_t body_bytes)
{
	return (size_t)((body_bytes + INDEX_BLOCK - 1) / INDEX_BLOCK);
}

static size_t block_bytes(uint64_t body_bytes, size_t block)
{
	uint64_t at = (uint64_t)block * INDEX_BLOCK;
	return body_bytes - at < INDEX_BLOCK ? (size_t)(body_bytes - at) : INDEX_BLOCK;
}

static uint64_t header_sum(const struct index_header *header)
{
	return index_sum(header, offsetof(struct index_header, header_sum));
}

/* ---- reading ---- */

/* What a header says must fit together before anything in it is used. */
static bool header_check(const struct index_header *header, enum index_kind kind, uint64_t file_bytes, const char *name,
	struct wn_error *err)
{
	if (memcmp(header->magic, INDEX_MAGIC, sizeof header->magic) != 0 || header->format != INDEX_FORMAT)
		return wn_fail(err, WN_INPUT, "index_foreign", "%s is no file of this index", name);
	if (header->header_sum != header_sum(header))
		return wn_fail(err, WN_INPUT, "index_damaged", "%s: the header's sum is another", name);
	if (header->spec_version != EMBED_SPEC_VERSION || header->seed != EMBED_SEED || header->kind != kind)
		return wn_fail(err, WN_INPUT, "index_foreign", "%s was made by another specification", name);
	if (header->body_bytes > INDEX_FILE_MAX ||
		file_bytes != INDEX_HEADER + header->body_bytes + block_count(header->body_bytes) * sizeof(uint64_t) ||
		header->section_count > INDEX_SECTIONS)
		return wn_fail(err, WN_INPUT, "index_damaged", "%s: %llu bytes, its header promises another length",
			name, (unsigned long long)file_bytes);
	for (size_t i = 0; i < header->section_count; i++)
		if (header->section_at[i] % SECTION_ALIGN != 0 || header->section_at[i] > header->body_bytes ||
			header->section_bytes[i] > header->body_bytes - header->section_at[i])
			return wn_fail(err, WN_INPUT, "index_damaged", "%s: a section lies outside", name);
	return true;
}

bool index_file_open(struct index_file **out, int folder, const char *name, enum index_kind kind, struct wn_error *err)
{
	struct stat about;
	struct index_file *file = NULL;
	int opened = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (opened < 0)
		return errno == ENOENT ? wn_fail(err, WN_DOWN, "index_none", "there is no %s", name)
				       : wn_fail(err, WN_DOWN, "index_read", "%s: %s", name, strerror(errno));
	void *map = MAP_FAILED;
	bool good = fstat(opened, &about) == 0 || wn_fail(err, WN_DOWN, "index_read", "%s: %s", name, strerror(errno));
	if (good && (!S_ISREG(about.st_mode) || about.st_size < INDEX_HEADER))
		good = wn_fail(err, WN_INPUT, "index_damaged", "%s is no file, or cut in its header", name);
	if (good) {
		map = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_SHARED, opened, 0);
		if (map == MAP_FAILED)
			good = wn_fail(err, WN_DOWN, "index_read", "map %s: %s", name, strerror(errno));
	}
	close(opened);
	if (!good)
		return false;
	const struct index_header *header = map;
	good = header_check(header, kind, (uint64_t)about.st_size, name, err);
	if (good) {
		size_t blocks = block_count(header->body_bytes);
		file = calloc(1, sizeof *file);
		uint8_t *checked = calloc(blocks + 1, 1);
		if (!file || !checked) {
			free(file);
			free(checked);
			file = NULL;
			good = wn_fail(err, WN_FULL, "memory", "no room for the index");
		} else {
			*file = (struct index_file){.header = header,
				.body = (const uint8_t *)map + INDEX_HEADER,
				.sums = (const uint64_t *)(const void *)((const uint8_t *)map + INDEX_HEADER +
									 header->body_bytes),
				.checked = checked,
				.blocks = blocks,
				.mapped_bytes = (size_t)about.st_size};
			snprintf(file->name, sizeof file->name, "%s", name);
			good = header->body_bytes % sizeof(uint64_t) == 0 &&
			       index_sum(file->sums, blocks * sizeof *file->sums) == header->sums_sum;
			if (!good)
				wn_fail(err, WN_INPUT, "index_damaged", "%s: the sum of its sums is another", name);
		}
	}
	if (!good) {
		if (file)
			index_file_close(file);
		else
			munmap(map, (size_t)about.st_size);
		return false;
	}
	*out = file;
	return true;
}

void index_file_close(struct index_file *file)
{
	if (!file)
		return;
	munmap((void *)(uintptr_t)file->header, file->mapped_bytes);
	free(file->checked);
	free(file);
}

bool index_file_check_block(struct index_file *file, size_t block, struct wn_error *err)
{
	wn_assert(block < file->blocks);
	if (__atomic_load_n(&file->checked[block], __ATOMIC_RELAXED))
		return true;
	size_t bytes = block_bytes(file->header->body_bytes, block);
	if (index_sum(file->body + block * INDEX_BLOCK, bytes) != file->sums[block])
		return wn_fail(
			err, WN_INPUT, "index_damaged", "%s: the sum of block %zu is another", file->name, block);
	__atomic_store_n(&file->checked[block], 1, __ATOMIC_RELAXED);
	return true;
}

bool index_file_check_all(struct index_file *file, struct wn_error *err)
{
	for (size_t block = 0; block < file->blocks; block++)
		if (!index_file_check_block(file, block, err))
			return false;
	return true;
}

/* ---- writing ---- */

static bool write_failed(struct wn_error *err, const char *name, int why)
{
	if (why == ENOSPC || why == EDQUOT)
		return wn_fail(err, WN_FULL, "index_full", "%s: %s", name, strerror(why));
	return wn_fail(err, WN_DOWN, "index_write", "%s: %s", name, strerror(why));
}

static void name_unfinished(const struct index_writer *writer, char out[2 * INDEX_NAME_MAX])
{
	snprintf(out, 2 * INDEX_NAME_MAX, "%s" INDEX_UNFINISHED, writer->name);
}

bool index_writer_open(struct index_writer *writer, int folder, const char *name, const struct index_header *header,
	struct wn_error *err)
{
	char unfinished[2 * INDEX_NAME_MAX];
	uint64_t at = 0;
	*writer = (struct index_writer){.folder = folder, .file = -1, .header = *header};
	struct index_header *own = &writer->header;
	snprintf(writer->name, sizeof writer->name, "%s", name);
	memcpy(own->magic, INDEX_MAGIC, sizeof own->magic);
	own->format = INDEX_FORMAT;
	own->spec_version = EMBED_SPEC_VERSION;
	own->seed = EMBED_SEED;
	for (size_t i = 0; i < own->section_count; i++) {
		own->section_at[i] = at;
		at = (at + own->section_bytes[i] + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
	}
	own->body_bytes = at;
	writer->mapped_bytes = INDEX_HEADER + own->body_bytes + block_count(at) * sizeof(uint64_t);
	name_unfinished(writer, unfinished);
	/* What an earlier process left there is of no use to anybody. */
	unlinkat(folder, unfinished, 0);
	writer->file = openat(folder, unfinished, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (writer->file < 0)
		return write_failed(err, unfinished, errno);
	FAILPOINT("made");
	/* A page of a mapped file that the disk has no room for ends the process: the room is taken first. */
	int why = posix_fallocate(writer->file, 0, (off_t)writer->mapped_bytes);
	void *map = why ? MAP_FAILED
			: mmap(NULL, writer->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, writer->file, 0);
	if (map == MAP_FAILED) {
		why = why ? why : errno;
		index_writer_abandon(writer);
		return write_failed(err, unfinished, why);
	}
	writer->body = (uint8_t *)map + INDEX_HEADER;
	return true;
}

void *index_writer_section(const struct index_writer *writer, size_t section)
{
	wn_assert(section < writer->header.section_count);
	return writer->body + writer->header.section_at[section];
}

static void writer_close(struct index_writer *writer)
{
	if (writer->body)
		munmap(writer->body - INDEX_HEADER, writer->mapped_bytes);
	if (writer->file >= 0)
		close(writer->file);
	writer->body = NULL;
	writer->file = -1;
}

void index_writer_abandon(struct index_writer *writer)
{
	char unfinished[2 * INDEX_NAME_MAX];
	name_unfinished(writer, unfinished);
	writer_close(writer);
	unlinkat(writer->folder, unfinished, 0);
}

bool index_writer_done(struct index_writer *writer, struct wn_error *err)
{
	char unfinished[2 * INDEX_NAME_MAX];
	struct index_header *header = &writer->header;
	size_t blocks = block_count(header->body_bytes);
	uint64_t *sums = (uint64_t *)(void *)(writer->body + header->body_bytes);
	name_unfinished(writer, unfinished);
	FAILPOINT("filled");
	for (size_t block = 0; block < blocks; block++)
		sums[block] = index_sum(writer->body + block * INDEX_BLOCK, block_bytes(header->body_bytes, block));
	header->sums_sum = index_sum(sums, blocks * sizeof *sums);
	header->header_sum = header_sum(header);
	memcpy(writer->body - INDEX_HEADER, header, sizeof *header);
	FAILPOINT("summed");
	/* Tried once only: after a failure the kernel may have dropped the pages. */
	int why = fsync(writer->file) == 0 ? 0 : errno;
	writer_close(writer);
	FAILPOINT("before_rename");
	if (why == 0 && renameat(writer->folder, unfinished, writer->folder, writer->name) != 0)
		why = errno;
	FAILPOINT("after_rename");
	if (why == 0 && fsync(writer->folder) != 0)
		why = errno;
	FAILPOINT("synced");
	if (why == 0)
		return true;
	unlinkat(writer->folder, unfinished, 0);
	return write_failed(err, writer->name, why);
}
