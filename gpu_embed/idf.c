/* Reads a table of weights, believing nothing that it says of itself, and finds a feature's weights in it. */
#include "gpu_embed/idf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

enum { IDF_DIRECTORY_BITS = 16, IDF_DIRECTORY = 1 << IDF_DIRECTORY_BITS, IDF_MAGIC_BYTES = 16 };
static const char idf_magic[IDF_MAGIC_BYTES] = "winnow/idf/1\n";

struct idf {
	struct sha256 id;
	unsigned section_count;
	size_t entry_count;
	struct idf_section sections[IDF_SECTIONS_MAX];
	/* Where the entries begin whose features have these upper bits; nobody can fill it so that it gets slow. */
	uint32_t directory[IDF_DIRECTORY + 1];
	struct idf_entry entries[];
};

static uint32_t read_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool all_zero(const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool section_read(struct idf_section *section, const uint8_t *bytes)
{
	memcpy(section->name, bytes, IDF_NAME_ROOM);
	section->texts = read_u32(bytes + 20);
	section->entries = read_u32(bytes + 24);
	section->unseen = bytes[28];
	size_t length = strnlen(section->name, IDF_NAME_ROOM);
	return length > 0 && length < IDF_NAME_ROOM &&
	       strspn(section->name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length &&
	       all_zero(bytes + length, IDF_NAME_ROOM - length) && section->texts <= IDF_TEXTS_MAX &&
	       section->entries <= IDF_ENTRIES_MAX && section->unseen > 0 && all_zero(bytes + 29, 3);
}

static bool sections_read(struct idf *idf, const uint8_t *bytes, struct wn_error *err)
{
	size_t entries = 0;
	for (unsigned i = 0; i < idf->section_count; i++) {
		if (!section_read(&idf->sections[i], bytes + i * IDF_SECTION_BYTES))
			return wn_fail(err, WN_INPUT, "idf_section", "section %u is malformed", i);
		for (unsigned j = 0; j < i; j++)
			if (strcmp(idf->sections[i].name, idf->sections[j].name) == 0)
				return wn_fail(err, WN_INPUT, "idf_section", "section \"%s\" stands twice",
					idf->sections[i].name);
		entries += idf->sections[i].entries;
	}
	return entries == idf->entry_count ||
	       wn_fail(err, WN_INPUT, "idf_section", "the sections claim %zu entries, there are %zu", entries,
		       idf->entry_count);
}

static bool entries_read(struct idf *idf, const uint8_t *bytes, struct wn_error *err)
{
	uint32_t counts[IDF_SECTIONS_MAX] = {0};
	for (size_t i = 0; i < idf->entry_count; i++) {
		const uint8_t *at = bytes + i * IDF_ENTRY_BYTES;
		struct idf_entry entry = {.feature = read_u32(at), .section = at[4], .weight = at[5]};
		const struct idf_entry *before = i ? &idf->entries[i - 1] : NULL;
		if (entry.section >= idf->section_count || entry.weight == 0 || !all_zero(at + 6, 2))
			return wn_fail(err, WN_INPUT, "idf_entry", "entry %zu is malformed", i);
		if (before && (entry.feature < before->feature ||
				      (entry.feature == before->feature && entry.section <= before->section)))
			return wn_fail(err, WN_INPUT, "idf_entry", "entry %zu is out of order", i);
		idf->entries[i] = entry;
		counts[entry.section]++;
		idf->directory[(entry.feature >> (32 - IDF_DIRECTORY_BITS)) + 1]++;
	}
	for (size_t i = 0; i < IDF_DIRECTORY; i++)
		idf->directory[i + 1] += idf->directory[i];
	for (unsigned i = 0; i < idf->section_count; i++)
		if (counts[i] != idf->sections[i].entries)
			return wn_fail(err, WN_INPUT, "idf_section", "section \"%s\" has %u entries, not %u",
				idf->sections[i].name, counts[i], idf->sections[i].entries);
	return true;
}

bool idf_read(struct idf **out, const void *data, size_t count, struct wn_error *err)
{
	const uint8_t *bytes = data;
	if (count < IDF_HEADER_BYTES || memcmp(bytes, idf_magic, IDF_MAGIC_BYTES) != 0)
		return wn_fail(err, WN_INPUT, "idf_magic", "this is no table of weights");
	uint32_t version = read_u32(bytes + 16), sections = read_u32(bytes + 20), entries = read_u32(bytes + 24);
	if (version != EMBED_HASHED_VERSION || read_u32(bytes + 28) != 0)
		return wn_fail(err, WN_INPUT, "idf_version",
			"a table of weights for version %u of the hashed embedder; this is version %d", version,
			EMBED_HASHED_VERSION);
	if (sections < 1 || sections > IDF_SECTIONS_MAX || entries > IDF_ENTRIES_MAX ||
		count != IDF_HEADER_BYTES + (size_t)sections * IDF_SECTION_BYTES + (size_t)entries * IDF_ENTRY_BYTES)
		return wn_fail(err, WN_INPUT, "idf_size", "%zu bytes are not %u sections and %u entries", count,
			sections, entries);
	struct idf *idf = calloc(1, sizeof *idf + (size_t)entries * sizeof *idf->entries);
	if (!idf)
		return wn_fail(err, WN_FULL, "memory", "no room for %u weights", entries);
	idf->section_count = sections;
	idf->entry_count = entries;
	const uint8_t *at = bytes + IDF_HEADER_BYTES;
	if (!sections_read(idf, at, err) || !entries_read(idf, at + (size_t)sections * IDF_SECTION_BYTES, err)) {
		free(idf);
		return false;
	}
	sha256_of(data, count, &idf->id);
	*out = idf;
	return true;
}

static bool neutral_open(struct idf **out, struct wn_error *err)
{
	uint8_t bytes[IDF_HEADER_BYTES + IDF_SECTION_BYTES] = {0};
	memcpy(bytes, idf_magic, IDF_MAGIC_BYTES);
	bytes[16] = EMBED_HASHED_VERSION;
	bytes[20] = 1;
	memcpy(bytes + IDF_HEADER_BYTES, "neutral", 7);
	bytes[IDF_HEADER_BYTES + 28] = IDF_WEIGHT_NEUTRAL;
	return idf_read(out, bytes, sizeof bytes, err);
}

bool idf_open(struct idf **out, const char *path, struct wn_error *err)
{
	if (!path)
		return neutral_open(out, err);
	FILE *file = fopen(path, "re");
	if (!file)
		return wn_fail(err, WN_INPUT, "idf_file", "open %s: %s", path, strerror(errno));
	size_t count = 0;
	char *bytes = NULL;
	bool good = fseek(file, 0, SEEK_END) == 0;
	long end = good ? ftell(file) : -1;
	if (end >= 0 && end <= IDF_FILE_MAX) {
		rewind(file);
		bytes = malloc((size_t)end + 1);
		count = bytes ? fread(bytes, 1, (size_t)end, file) : 0;
	}
	fclose(file);
	good = bytes && count == (size_t)end;
	good = good ? idf_read(out, bytes, count, err)
		    : wn_fail(err, WN_INPUT, "idf_file", "%s cannot be read or has more than %d bytes", path,
			      IDF_FILE_MAX);
	free(bytes);
	return good || wn_while(err, "read the table of weights %s", path);
}

void idf_close(struct idf *idf)
{
	free(idf);
}

const struct sha256 *idf_id(const struct idf *idf)
{
	return &idf->id;
}

bool idf_is_neutral(const struct idf *idf)
{
	return idf->entry_count == 0;
}

unsigned idf_section_count(const struct idf *idf)
{
	return idf->section_count;
}

const struct idf_section *idf_section(const struct idf *idf, unsigned section)
{
	wn_assert(section < idf->section_count);
	return &idf->sections[section];
}

size_t idf_entry_count(const struct idf *idf)
{
	return idf->entry_count;
}

const struct idf_entry *idf_find(const struct idf *idf, uint32_t feature, size_t *count)
{
	uint32_t upper = feature >> (32 - IDF_DIRECTORY_BITS);
	size_t first = idf->directory[upper], end = idf->directory[upper + 1], last = end;
	while (first < last) {
		size_t middle = first + (last - first) / 2;
		if (idf->entries[middle].feature < feature)
			first = middle + 1;
		else
			last = middle;
	}
	size_t found = 0;
	while (first + found < end && idf->entries[first + found].feature == feature)
		found++;
	*count = found;
	return idf->entries + first;
}

unsigned idf_weight(const struct idf *idf, unsigned section, uint32_t feature)
{
	size_t count;
	const struct idf_entry *entries = idf_find(idf, feature, &count);
	for (size_t i = 0; i < count; i++)
		if (entries[i].section == section)
			return entries[i].weight;
	return idf->sections[section].unseen;
}
