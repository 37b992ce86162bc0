/* Counts in how many texts of each language a feature occurs, and writes the table of weights that follows. */
#include "gpu_embed/idf.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "gpu_embed/radix.h"

enum { LEARN_ROOM_LEAST = 1 << 12, LEARN_ENTRIES_LEAST = 2 };

/* What was counted: feature and section, and in how many texts. count 0: free. */
struct learn_slot {
	uint32_t feature, section, count;
};

struct idf_learner {
	struct learn_slot *slots;
	size_t room, used; /* room: a power of two, half of it free */
	struct idf_section sections[IDF_SECTIONS_MAX];
	unsigned section_count, language_count;
	size_t texts;
	uint64_t *seen; /* hashes of the texts so far, open addressing; 0: free */
	size_t seen_room;
	uint32_t sorting[EMBED_FEATURES_MAX];
};

/* log2 in 1/65536, rounded down; bits come one after the other, as squaring brings them out. */
static uint32_t log2_of(uint32_t n)
{
	uint32_t whole = 31 - (uint32_t)__builtin_clz(n), log = whole << 16;
	uint64_t x = (uint64_t)n << (31 - whole); /* 1 <= x / 2^31 < 2 */
	for (uint32_t bit = 1 << 15; bit > 0; bit >>= 1) {
		x = x * x >> 31;
		if (x >> 32) {
			log += bit;
			x >>= 1;
		}
	}
	return log;
}

uint8_t idf_weight_of(uint32_t texts, uint32_t with)
{
	wn_assert(with > 0);
	wn_assert(with <= texts);
	uint64_t log = log2_of(texts + 1) - log2_of(with);
	/* The root of x * root of x, each in 1/65536. */
	uint64_t power = embed_length(log * embed_length(log << 16));
	uint64_t weight = (power * 16 + (1 << 15)) >> 16;
	return weight < 1 ? 1 : weight > IDF_WEIGHT_MAX ? IDF_WEIGHT_MAX : (uint8_t)weight;
}

bool idf_learner_open(struct idf_learner **out, struct wn_error *err)
{
	struct idf_learner *learner = calloc(1, sizeof *learner);
	if (learner)
		learner->slots = calloc(LEARN_ROOM_LEAST, sizeof *learner->slots);
	if (!learner || !learner->slots) {
		free(learner);
		return wn_fail(err, WN_FULL, "memory", "no room to learn weights");
	}
	learner->room = LEARN_ROOM_LEAST;
	*out = learner;
	return true;
}

void idf_learner_close(struct idf_learner *learner)
{
	if (!learner)
		return;
	free(learner->slots);
	free(learner->seen);
	free(learner);
}

size_t idf_learner_texts(const struct idf_learner *learner)
{
	return learner->texts;
}

/* ---- sections ---- */

static const struct {
	const char *name;
	uint32_t first, last;
} scripts[] = {{"script-latin", 'a', 0x24f}, {"script-greek", 0x370, 0x3ff}, {"script-cyrillic", 0x400, 0x52f},
	{"script-armenian", 0x530, 0x58f}, {"script-hebrew", 0x590, 0x5ff}, {"script-arabic", 0x600, 0x77f},
	{"script-indic", 0x900, 0xdff}, {"script-thai", 0xe00, 0xeff}, {"script-georgian", 0x10a0, 0x10ff},
	{"script-hangul", 0xac00, 0xd7ff}, {"script-kana", 0x3041, 0x30ff}, {"script-han", 0x3400, 0x9fff},
	{"script-other", 0, 0x10ffff}};
enum { SCRIPTS = sizeof scripts / sizeof *scripts, SCRIPT_KANA = 10, SCRIPT_HAN = 11, SCRIPT_OTHER = 12 };
_Static_assert(SCRIPTS + IDF_LANGUAGES_MAX <= IDF_SECTIONS_MAX, "scripts find room behind languages");

static const char *script_of(const uint32_t *points, size_t count)
{
	size_t counts[SCRIPTS] = {0}, most = SCRIPT_OTHER;
	for (size_t i = 0; i < count; i++) {
		size_t script = 0;
		if (points[i] < 'a')
			continue; /* blanks, digits, ASCII's signs */
		while (points[i] < scripts[script].first || points[i] > scripts[script].last)
			script++;
		counts[script]++;
	}
	for (size_t i = 0; i < SCRIPT_OTHER; i++)
		if (counts[i] > counts[most] || (most == SCRIPT_OTHER && counts[i] > 0))
			most = i;
	/* Japanese is written in both. */
	return most == SCRIPT_HAN && 8 * counts[SCRIPT_KANA] > counts[SCRIPT_HAN] ? scripts[SCRIPT_KANA].name
										  : scripts[most].name;
}

static unsigned section_find(const struct idf_learner *learner, const char *name)
{
	unsigned i = 0;
	while (i < learner->section_count && strcmp(learner->sections[i].name, name) != 0)
		i++;
	return i;
}

static unsigned section_make(struct idf_learner *learner, const char *name)
{
	unsigned section = section_find(learner, name);
	if (section == learner->section_count) {
		wn_assert(learner->section_count < IDF_SECTIONS_MAX);
		strcpy(learner->sections[learner->section_count++].name, name);
	}
	return section;
}

/* "en-GB" and "en" are one language. */
static bool language_name(const char *language, char out[IDF_NAME_ROOM])
{
	size_t length = language ? strcspn(language, "-_") : 0;
	if (length < 2 || length > 8)
		return false;
	for (size_t i = 0; i < length; i++) {
		out[i] = (char)(language[i] >= 'A' && language[i] <= 'Z' ? language[i] + 0x20 : language[i]);
		if (out[i] < 'a' || out[i] > 'z')
			return false;
	}
	out[length] = '\0';
	return strcmp(out, "und") != 0;
}

static unsigned section_of(struct idf_learner *learner, const char *language, const uint32_t *points, size_t count)
{
	char name[IDF_NAME_ROOM];
	if (!language_name(language, name))
		return section_make(learner, script_of(points, count));
	unsigned section = section_find(learner, name);
	if (section < learner->section_count)
		return section;
	if (learner->language_count == IDF_LANGUAGES_MAX)
		return section_make(learner, script_of(points, count));
	learner->language_count++;
	return section_make(learner, name);
}

/* ---- counting ---- */

static struct learn_slot *slot_of(const struct idf_learner *learner, uint32_t feature, uint32_t section)
{
	uint32_t key[2] = {feature, section};
	size_t place = memory_hash(key, sizeof key) & (learner->room - 1);
	while (learner->slots[place].count &&
		(learner->slots[place].feature != feature || learner->slots[place].section != section))
		place = (place + 1) & (learner->room - 1);
	return &learner->slots[place];
}

static bool slots_reserve(struct idf_learner *learner, size_t more, struct wn_error *err)
{
	struct learn_slot *old = learner->slots;
	size_t old_room = learner->room, room = old_room;
	while (room < 2 * (learner->used + more))
		room *= 2;
	if (room == old_room)
		return true;
	if (room > 2 * (size_t)IDF_LEARN_MAX)
		return wn_fail(
			err, WN_FULL, "idf_features", "more than %d features: learn from fewer texts", IDF_LEARN_MAX);
	struct learn_slot *slots = calloc(room, sizeof *slots);
	if (!slots)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu features", room / 2);
	learner->slots = slots;
	learner->room = room;
	for (size_t i = 0; i < old_room; i++)
		if (old[i].count)
			*slot_of(learner, old[i].feature, old[i].section) = old[i];
	free(old);
	return true;
}

/* Takes the text's place among those that were seen; *fresh: it was not there. */
static bool seen_take(
	struct idf_learner *learner, const uint32_t *points, size_t count, bool *fresh, struct wn_error *err)
{
	uint64_t hash = memory_hash(points, count * sizeof *points) | 1;
	if (2 * (learner->texts + 1) > learner->seen_room) {
		size_t room = learner->seen_room ? 2 * learner->seen_room : LEARN_ROOM_LEAST;
		uint64_t *seen = calloc(room, sizeof *seen);
		if (!seen)
			return wn_fail(err, WN_FULL, "memory", "no room for %zu texts", room / 2);
		for (size_t i = 0; i < learner->seen_room; i++) {
			size_t place = learner->seen[i] >> 1 & (room - 1);
			while (learner->seen[i] && seen[place])
				place = (place + 1) & (room - 1);
			if (learner->seen[i])
				seen[place] = learner->seen[i];
		}
		free(learner->seen);
		learner->seen = seen;
		learner->seen_room = room;
	}
	size_t place = hash >> 1 & (learner->seen_room - 1);
	while (learner->seen[place] && learner->seen[place] != hash)
		place = (place + 1) & (learner->seen_room - 1);
	*fresh = learner->seen[place] == 0;
	learner->seen[place] = hash;
	return true;
}

bool idf_learner_add(struct idf_learner *learner, const char *language, const uint32_t *points, size_t point_count,
	uint32_t *features, size_t count, struct wn_error *err)
{
	wn_assert(count <= EMBED_FEATURES_MAX);
	if (count == 0)
		return true;
	if (learner->texts >= IDF_TEXTS_MAX)
		return wn_fail(err, WN_FULL, "idf_features", "more than %d texts", IDF_TEXTS_MAX);
	bool fresh = false;
	if (!slots_reserve(learner, count, err) || !seen_take(learner, points, point_count, &fresh, err))
		return false;
	if (!fresh)
		return true;
	unsigned section = section_of(learner, language, points, point_count);
	learner->sections[section].texts++;
	learner->texts++;
	radix_rising(features, learner->sorting, count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && features[i] == features[i - 1])
			continue;
		struct learn_slot *slot = slot_of(learner, features[i], section);
		learner->used += slot->count == 0;
		slot->feature = features[i];
		slot->section = section;
		slot->count++;
	}
	return true;
}

/* ---- writing ---- */

static void write_u32(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

static int entry_order(const void *a, const void *b)
{
	const struct idf_entry *x = a, *y = b;
	if (x->feature != y->feature)
		return x->feature < y->feature ? -1 : 1;
	return (x->section > y->section) - (x->section < y->section);
}

static int section_order(const void *a, const void *b)
{
	return strcmp(((const struct idf_section *)a)->name, ((const struct idf_section *)b)->name);
}

/* The least count with which no more than `most` features are kept; what one text had is not worth a place. */
static uint32_t count_least(const struct idf_learner *learner, size_t most, size_t *kept)
{
	uint32_t least = LEARN_ENTRIES_LEAST;
	for (;; least++) {
		size_t count = 0;
		uint32_t next = UINT32_MAX;
		for (size_t i = 0; i < learner->room; i++)
			if (learner->slots[i].count >= least) {
				count++;
				next = learner->slots[i].count < next ? learner->slots[i].count : next;
			}
		*kept = count;
		if (count <= most)
			return least;
		least = next;
	}
}

static void table_write(uint8_t *bytes, const struct idf_section *sections, unsigned section_count,
	const struct idf_entry *entries, size_t entry_count)
{
	memcpy(bytes, "winnow/idf/1\n", 13);
	write_u32(bytes + 16, EMBED_HASHED_VERSION);
	write_u32(bytes + 20, section_count);
	write_u32(bytes + 24, (uint32_t)entry_count);
	bytes += IDF_HEADER_BYTES;
	for (unsigned i = 0; i < section_count; i++, bytes += IDF_SECTION_BYTES) {
		memcpy(bytes, sections[i].name, strlen(sections[i].name));
		write_u32(bytes + 20, sections[i].texts);
		write_u32(bytes + 24, sections[i].entries);
		bytes[28] = sections[i].unseen;
	}
	for (size_t i = 0; i < entry_count; i++, bytes += IDF_ENTRY_BYTES) {
		write_u32(bytes, entries[i].feature);
		bytes[4] = entries[i].section;
		bytes[5] = entries[i].weight;
	}
}

bool idf_learner_write(
	struct idf_learner *learner, size_t entries_most, void **bytes, size_t *count, struct wn_error *err)
{
	struct idf_section sections[IDF_SECTIONS_MAX];
	unsigned place[IDF_SECTIONS_MAX];
	size_t kept, written = 0;
	if (learner->texts == 0)
		return wn_fail(err, WN_INPUT, "idf_texts", "there is no text to learn from");
	wn_assert(entries_most <= IDF_ENTRIES_MAX);
	uint32_t least = count_least(learner, entries_most, &kept);
	/* By name, so that the order of the texts does not matter. */
	memcpy(sections, learner->sections, learner->section_count * sizeof *sections);
	qsort(sections, learner->section_count, sizeof *sections, section_order);
	for (unsigned i = 0; i < learner->section_count; i++) {
		place[section_find(learner, sections[i].name)] = i;
		sections[i].unseen = idf_weight_of(sections[i].texts, 1);
	}
	*count = IDF_HEADER_BYTES + learner->section_count * IDF_SECTION_BYTES + kept * IDF_ENTRY_BYTES;
	struct idf_entry *entries = calloc(kept + 1, sizeof *entries);
	*bytes = calloc(1, *count);
	if (!entries || !*bytes) {
		free(entries);
		free(*bytes);
		return wn_fail(err, WN_FULL, "memory", "no room for %zu weights", kept);
	}
	for (size_t i = 0; i < learner->room; i++) {
		const struct learn_slot *slot = &learner->slots[i];
		if (slot->count < least)
			continue;
		unsigned section = place[slot->section];
		entries[written++] = (struct idf_entry){.feature = slot->feature,
			.section = (uint8_t)section,
			.weight = idf_weight_of(sections[section].texts, slot->count)};
		sections[section].entries++;
	}
	wn_assert(written == kept);
	qsort(entries, kept, sizeof *entries, entry_order);
	table_write(*bytes, sections, learner->section_count, entries, kept);
	free(entries);
	return true;
}
