/* Segments and the two tables of keys above them; files are made here, and given up here when they are wrong. */
#include "gpu_embed/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "core/hash.h"
#include "core/log.h"
#include "gpu_embed/index_fill.h"

enum { KEYS_TRIES_MAX = 8 };

/* A table of keys in the making, by a thread of its own. */
struct index_build {
	pthread_t thread;
	uint32_t segments; /* 0: none is being made */
	bool done, stop;   /* set by one side, read by the other */
	bool made;
	struct wn_error err;
};

struct dup_index {
	int folder;	/* -1: all in memory */
	unsigned shift; /* a segment holds two to the power of it */
	struct leader_segment *segments[INDEX_SEGMENTS_MAX];
	struct linker_mark *marks;
	uint32_t mapped;	       /* segments that are files: the first ones */
	uint32_t count;		       /* leaders */
	struct index_keys kept, fresh; /* of the first kept_segments, and of all leaders behind them */
	uint32_t kept_segments;
	uint64_t fresh_salts; /* drawn so far */
	struct index_build build;
	uint32_t build_failed; /* of that many segments: not tried again */
	bool told;	       /* that the folder cannot be written */
	struct wn_error fault;
};

/* ---- what is wrong with the folder ---- */

static void file_give_up(const struct dup_index *index, const char *name, const struct wn_error *err)
{
	log_event(LOG_WARN, "duplicate_index_given_up", log_text("file", name), log_text("code", err->code),
		log_text("why", err->text));
	if (index->folder >= 0)
		unlinkat(index->folder, name, 0);
}

/* Makes a segment readable, once. Any thread. */
static bool segment_check(const struct dup_index *index, uint32_t number, struct wn_error *err)
{
	struct leader_segment *segment = index->segments[number];
	if (__builtin_expect(__atomic_load_n(&segment->checked, __ATOMIC_ACQUIRE), true))
		return true;
	if (leader_segment_check(segment, err))
		return true;
	file_give_up(index, segment->file->name, err);
	return false;
}

static bool keys_damaged(const struct dup_index *index, struct wn_error *err)
{
	char name[INDEX_NAME_MAX];
	index_keys_name(index->kept_segments, name);
	if (strcmp(err->code, "index_damaged") == 0)
		file_give_up(index, name, err);
	return false;
}

/* ---- keys of leaders ---- */

static struct keys_target target_of(const struct index_keys *fresh)
{
	return (struct keys_target){.lines = fresh->owned, .line_count = fresh->line_count, .salt = fresh->salt};
}

static uint32_t segment_count(const struct dup_index *index)
{
	return (index->count + (1u << index->shift) - 1) >> index->shift;
}

/* The table in memory anew, with room for `more` entries besides those of all leaders behind the kept keys. */
static bool fresh_make(struct dup_index *index, uint64_t more, struct wn_error *err)
{
	uint64_t entries = 0;
	for (uint32_t i = index->kept_segments; i < segment_count(index); i++) {
		if (!segment_check(index, i, err))
			return false;
		entries += index_fill_entries(index->segments[i]);
	}
	uint64_t room = entries + more;
	for (int tries = 0; tries < KEYS_TRIES_MAX; tries++, room *= 2) {
		struct index_keys fresh;
		bool fits = true;
		uint64_t salts = ++index->fresh_salts;
		if (!index_keys_open(&fresh, room, memory_hash(&salts, sizeof salts), err))
			return false;
		struct keys_target target = target_of(&fresh);
		for (uint32_t i = index->kept_segments; fits && i < segment_count(index); i++)
			fits = index_fill_segment(&target, index->segments[i], i << index->shift);
		if (fits) {
			index_keys_close(&index->fresh);
			index->fresh = fresh;
			index->fresh.entries = entries;
			return true;
		}
		index_keys_close(&fresh);
	}
	return wn_fail(err, WN_FULL, "memory", "the keys of %u leaders do not fit into a table", index->count);
}

/* ---- opening ---- */

static void folder_open(struct dup_index *index, const char *folder)
{
	struct wn_error err;
	if (mkdir(folder, 0700) == 0 || errno == EEXIST)
		index->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (index->folder >= 0)
		return;
	wn_fail(&err, WN_DOWN, "index_folder", "%s: %s; the duplicate index stays in memory", folder, strerror(errno));
	log_failure("duplicate_index_unwritten", &err);
}

/* Maps segments from the first one on, as far as they are there and fit behind each other. */
static bool segments_map(struct dup_index *index, struct wn_error *err)
{
	char name[INDEX_NAME_MAX];
	uint32_t number = 0;
	for (; index->folder >= 0 && number < INDEX_SEGMENTS_MAX; number++) {
		struct leader_segment *segment;
		bool good = leader_segment_map(&segment, index->folder, number, 1u << index->shift, err);
		if (good && number > 0 && segment->watermark <= index->segments[number - 1]->watermark) {
			leader_segment_close(segment);
			good = wn_fail(
				err, WN_INPUT, "index_damaged", "segment %u is not behind the one before", number);
		}
		if (!good) {
			if (err->blame == WN_FULL)
				return false;
			leader_segment_name(number, name);
			if (strcmp(err->code, "index_none") != 0)
				file_give_up(index, name, err);
			wn_error_reset(err);
			break;
		}
		index->segments[number] = segment;
		index->mapped = number + 1;
	}
	index->marks = calloc(index->mapped + 1, sizeof *index->marks);
	if (!index->marks)
		return wn_fail(err, WN_FULL, "memory", "no room for the index");
	for (uint32_t i = 0; i < index->mapped; i++) {
		memcpy(index->marks[i].item.bytes, index->segments[i]->file->header->last, ID_BYTES);
		index->marks[i].seq = index->segments[i]->watermark;
	}
	return true;
}

bool index_open(struct dup_index **out, const char *folder, uint32_t segment_leaders, struct wn_error *err)
{
	wn_assert(segment_leaders > 0);
	wn_assert((segment_leaders & (segment_leaders - 1)) == 0);
	struct dup_index *index = calloc(1, sizeof *index);
	if (!index)
		return wn_fail(err, WN_FULL, "memory", "no room for the index");
	index->folder = -1;
	index->shift = (unsigned)__builtin_ctz(segment_leaders);
	if (folder)
		folder_open(index, folder);
	if (!segments_map(index, err)) {
		index_close(index);
		return false;
	}
	*out = index;
	return true;
}

static void build_end(struct dup_index *index)
{
	if (index->build.segments == 0)
		return;
	pthread_join(index->build.thread, NULL);
	index->build.segments = 0;
}

void index_close(struct dup_index *index)
{
	if (!index)
		return;
	__atomic_store_n(&index->build.stop, true, __ATOMIC_RELAXED);
	build_end(index);
	index_keys_close(&index->kept);
	index_keys_close(&index->fresh);
	for (uint32_t i = 0; i < INDEX_SEGMENTS_MAX && index->segments[i]; i++)
		leader_segment_close(index->segments[i]);
	if (index->folder >= 0)
		close(index->folder);
	free(index->marks);
	free(index);
}

size_t index_marks(const struct dup_index *index, const struct linker_mark **out)
{
	*out = index->marks;
	return index->mapped;
}

/* Numbers of files of the index are six digits. */
static bool name_number(const char *name, const char *prefix, uint32_t *number)
{
	size_t bytes = strlen(prefix);
	if (strncmp(name, prefix, bytes) != 0 || strlen(name) != bytes + 6 || strspn(name + bytes, "0123456789") != 6)
		return false;
	*number = (uint32_t)atoi(name + bytes);
	return true;
}

static bool name_unfinished(const char *name)
{
	size_t bytes = strlen(name), end = strlen(INDEX_UNFINISHED);
	bool ours = strncmp(name, "leaders-", 8) == 0 || strncmp(name, "keys-", 5) == 0;
	return ours && bytes > end && strcmp(name + bytes - end, INDEX_UNFINISHED) == 0;
}

void index_forget(const char *folder)
{
	DIR *listed = opendir(folder);
	struct dirent *entry;
	uint32_t number;
	while (listed && (entry = readdir(listed)))
		if (name_unfinished(entry->d_name) || name_number(entry->d_name, "leaders-", &number) ||
			name_number(entry->d_name, "keys-", &number))
			unlinkat(dirfd(listed), entry->d_name, 0);
	if (listed)
		closedir(listed);
}

/* The keys file that knows the most of what is there becomes the kept one; what cannot be used any more is removed. */
static bool folder_sweep(struct dup_index *index, struct wn_error *err)
{
	int listed = dup(index->folder);
	DIR *folder = listed >= 0 ? fdopendir(listed) : NULL;
	struct dirent *entry;
	if (!folder) {
		if (listed >= 0)
			close(listed);
		return wn_fail(err, WN_DOWN, "index_read", "list the folder: %s", strerror(errno));
	}
	rewinddir(folder);
	while ((entry = readdir(folder))) {
		uint32_t number;
		if (name_unfinished(entry->d_name) ||
			(name_number(entry->d_name, "leaders-", &number) && number >= index->mapped)) {
			unlinkat(index->folder, entry->d_name, 0);
			continue;
		}
		if (!name_number(entry->d_name, "keys-", &number))
			continue;
		struct index_keys keys;
		if (number == 0 || number > index->mapped || number <= index->kept_segments) {
			unlinkat(index->folder, entry->d_name, 0);
			continue;
		}
		if (!index_keys_read(&keys, index->segments, number, index->folder, err)) {
			file_give_up(index, entry->d_name, err);
			wn_error_reset(err);
			continue;
		}
		if (index->kept.file)
			unlinkat(index->folder, index->kept.file->name, 0);
		index_keys_close(&index->kept);
		index->kept = keys;
		index->kept_segments = number;
	}
	closedir(folder);
	return true;
}

bool index_start(struct dup_index *index, size_t segments, struct wn_error *err)
{
	wn_assert(segments <= index->mapped);
	wn_assert(!index->fresh.lines);
	if (segments < index->mapped)
		log_event(LOG_WARN, "duplicate_index_foreign", log_integer("segments", index->mapped),
			log_integer("believed", (int64_t)segments));
	while (index->mapped > segments) {
		leader_segment_close(index->segments[--index->mapped]);
		index->segments[index->mapped] = NULL;
	}
	index->count = index->mapped << index->shift;
	return (index->folder < 0 || folder_sweep(index, err)) && fresh_make(index, INDEX_LINES_LEAST, err);
}

/* ---- asking ---- */

uint32_t index_count(const struct dup_index *index)
{
	return index->count;
}

int64_t index_watermark(const struct dup_index *index)
{
	return index->count ? index->segments[segment_count(index) - 1]->watermark : 0;
}

bool index_leader(struct dup_index *index, uint32_t number, struct index_leader *out, struct wn_error *err)
{
	uint32_t at = number & ((1u << index->shift) - 1);
	wn_assert(number < index->count);
	if (!segment_check(index, number >> index->shift, err))
		return false;
	const struct leader_segment *segment = index->segments[number >> index->shift];
	const struct leader_columns *columns = &segment->columns;
	*out = (struct index_leader){
		.item = &columns->items[at],
		.raw = &columns->raws[at],
		.normal = &columns->normals[at],
		.campaign = columns->campaigns[at],
		.digits = columns->digits[at],
		.lanes = columns->lanes[at],
		.shingles = columns->shingles + columns->starts[at],
		.size = leader_segment_size(segment, at),
	};
	return true;
}

static void keys_prefetch(const struct index_keys *keys, const struct linker_post *post)
{
	uint64_t campaign = embed_mix64(post->campaign + keys->salt);
	if (!keys->lines)
		return;
	index_keys_prefetch(keys, embed_mix64(index_normal_key(&post->normal) ^ campaign));
	for (unsigned band = 0; post->near && band < EMBED_BANDS; band++)
		index_keys_prefetch(keys, embed_mix64(post->keys[band * post->key_stride] ^ campaign));
}

void index_prefetch(const struct dup_index *index, const struct linker_post *post)
{
	keys_prefetch(&index->kept, post);
	keys_prefetch(&index->fresh, post);
}

/* A leader that a key of a table led to. */
static bool hit_leader(struct dup_index *index, const struct index_keys *keys, uint32_t number,
	struct index_leader *out, struct wn_error *err)
{
	if (keys->file && number >= index->kept_segments << index->shift)
		return wn_fail(err, WN_INPUT, "index_damaged", "a key leads to leader %u", number) ||
		       keys_damaged(index, err);
	return index_leader(index, number, out, err);
}

bool index_same(
	struct dup_index *index, const struct linker_post *post, bool *found, uint32_t *number, struct wn_error *err)
{
	const struct index_keys *const tables[] = {&index->kept, &index->fresh};
	*found = false;
	if (index->fault.blame != WN_NONE) {
		*err = index->fault;
		return false;
	}
	for (size_t t = 0; t < 2; t++) {
		struct index_walk walk;
		bool hit = true;
		if (!tables[t]->lines)
			continue;
		uint64_t hash = index_key_hash(post->campaign, index_normal_key(&post->normal), tables[t]->salt);
		if (!index_keys_walk(tables[t], hash, &walk, err))
			return keys_damaged(index, err);
		while (hit) {
			struct index_leader leader;
			if (!index_keys_next(tables[t], &walk, number, &hit, err))
				return keys_damaged(index, err);
			if (!hit)
				break;
			if (!hit_leader(index, tables[t], *number, &leader, err))
				return false;
			*found = leader.campaign == post->campaign &&
				 memcmp(leader.normal->bytes, post->normal.bytes, ID_BYTES) == 0;
			if (*found)
				return true;
		}
	}
	return true;
}

/* The leaders of one band in one table, behind those that are there: *room of them at most. */
static bool band_find(struct dup_index *index, const struct index_keys *keys, const struct linker_post *post,
	unsigned band, unsigned *room, struct index_found *out, struct wn_error *err)
{
	const uint16_t *lanes = post->lanes + band * EMBED_ROWS;
	struct index_walk walk;
	uint64_t hash = index_key_hash(post->campaign, post->keys[band * post->key_stride], keys->salt);
	if (!index_keys_walk(keys, hash, &walk, err))
		return keys_damaged(index, err);
	while (*room > 0) {
		struct index_leader leader;
		uint32_t number;
		bool hit;
		if (!index_keys_next(keys, &walk, &number, &hit, err))
			return keys_damaged(index, err);
		if (!hit)
			return true;
		if (!hit_leader(index, keys, number, &leader, err))
			return false;
		if (leader.size == 0 || leader.campaign != post->campaign ||
			memcmp(leader.lanes + band * EMBED_ROWS, lanes, EMBED_ROWS * sizeof *lanes) != 0)
			continue;
		wn_assert(out->count < INDEX_CANDIDATES_MAX);
		out->numbers[out->count++] = number;
		--*room;
	}
	return true;
}

static int number_compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

/* Most lists are short and nearly in order. */
static void numbers_rising(uint32_t *numbers, size_t *count)
{
	enum { SHORT = 40 };
	size_t kept = 0;
	if (*count > SHORT)
		qsort(numbers, *count, sizeof *numbers, number_compare);
	for (size_t i = 1; *count <= SHORT && i < *count; i++) {
		uint32_t number = numbers[i];
		size_t at = i;
		for (; at > 0 && numbers[at - 1] > number; at--)
			numbers[at] = numbers[at - 1];
		numbers[at] = number;
	}
	for (size_t i = 0; i < *count; i++)
		if (kept == 0 || numbers[kept - 1] != numbers[i])
			numbers[kept++] = numbers[i];
	*count = kept;
}

bool index_find(struct dup_index *index, const struct linker_post *post, struct index_found *out, struct wn_error *err)
{
	out->count = 0;
	out->mask = 1u << INDEX_NORMAL;
	if (!post->near)
		return true;
	for (unsigned band = 0; band < EMBED_BANDS; band++) {
		unsigned room = LINKER_KEY_LEADERS_MAX;
		/* The earlier leaders first. */
		if ((index->kept.lines && !band_find(index, &index->kept, post, band, &room, out, err)) ||
			!band_find(index, &index->fresh, post, band, &room, out, err))
			return false;
		out->mask |= (uint32_t)(room > 0) << band;
	}
	numbers_rising(out->numbers, &out->count);
	return true;
}

bool index_add(struct dup_index *index, const struct linker_post *post, uint32_t mask, struct wn_error *err)
{
	if (index->count == (uint32_t)INDEX_SEGMENTS_MAX << index->shift)
		return wn_fail(
			err, WN_FULL, "linker_full", "the duplicate check holds %u posts, its most", index->count);
	struct leader_segment **segment = &index->segments[index->count >> index->shift];
	if ((!*segment && !leader_segment_open(segment, 1u << index->shift, err)) ||
		((index->fresh.entries + INDEX_KEYS_EACH) / INDEX_FILL >= index->fresh.line_count &&
			!fresh_make(index, index->fresh.entries + INDEX_KEYS_EACH, err)) ||
		!leader_segment_add(*segment, post, mask, err))
		return false;
	uint32_t number = index->count++;
	struct index_keys *fresh = &index->fresh;
	fresh->entries += (uint64_t)__builtin_popcount(mask);
	struct keys_target target = target_of(fresh);
	if (index_fill_leader(&target, *segment, number & ((1u << index->shift) - 1), number))
		return true;
	/* A way got too long, which one table in a great many has: the next has another salt and more room. */
	return fresh_make(index, fresh->entries, err);
}

/* ---- keys in the background ---- */

static void *build_main(void *context)
{
	struct dup_index *index = context;
	pthread_setname_np(pthread_self(), "index-keys");
	struct index_build *build = &index->build;
	bool good = true;
	for (uint32_t i = 0; good && i < build->segments && !__atomic_load_n(&build->stop, __ATOMIC_RELAXED); i++)
		good = segment_check(index, i, &build->err);
	build->made =
		good && index_keys_write(index->segments, build->segments, index->folder, &build->stop, &build->err);
	__atomic_store_n(&index->build.done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Writing a folder that is full or gone is told once. */
static void unwritten(struct dup_index *index, const struct wn_error *err)
{
	if (!index->told)
		log_failure("duplicate_index_unwritten", err);
	index->told = true;
}

static void build_start(struct dup_index *index)
{
	uint32_t due = index->folder >= 0 ? index_keys_due(index->mapped) : 0;
	if (index->build.segments != 0 || due <= index->kept_segments || due == index->build_failed)
		return;
	index->build = (struct index_build){.segments = due};
	if (pthread_create(&index->build.thread, NULL, build_main, index) != 0)
		index->build.segments = 0;
}

/* Puts the new file in the place of the old one and forgets what memory knew of its leaders. */
static bool build_install(struct dup_index *index, uint32_t segments, struct wn_error *err)
{
	char name[INDEX_NAME_MAX];
	struct index_keys keys;
	if (!index_keys_read(&keys, index->segments, segments, index->folder, err))
		return false;
	uint32_t before = index->kept_segments;
	index_keys_close(&index->kept);
	index->kept = keys;
	index->kept_segments = segments;
	FAILPOINT("before_unlink");
	if (before > 0) {
		index_keys_name(before, name);
		unlinkat(index->folder, name, 0);
	}
	FAILPOINT("after_unlink");
	return fresh_make(index, INDEX_LINES_LEAST, err);
}

static void build_take(struct dup_index *index)
{
	uint32_t segments = index->build.segments;
	struct wn_error *err = &index->build.err;
	if (segments == 0 || !__atomic_load_n(&index->build.done, __ATOMIC_ACQUIRE))
		return;
	build_end(index);
	if (index->build.made && build_install(index, segments, err)) {
		log_event(LOG_DEBUG, "duplicate_index_keys", log_integer("segments", segments));
		return;
	}
	index->build_failed = segments;
	if (strcmp(err->code, "index_damaged") == 0 || index->kept_segments == segments)
		index->fault = *err;
	else
		unwritten(index, err);
}

void index_keep(struct dup_index *index)
{
	struct wn_error err = {0};
	build_take(index);
	while (index->folder >= 0 && index->mapped < index->count >> index->shift) {
		struct leader_segment *mapped, **segment = &index->segments[index->mapped];
		if (!leader_segment_write(*segment, index->folder, index->mapped, &err) ||
			!leader_segment_map(&mapped, index->folder, index->mapped, 1u << index->shift, &err)) {
			unwritten(index, &err);
			return;
		}
		index->told = false;
		leader_segment_close(*segment);
		*segment = mapped;
		index->mapped++;
	}
	build_start(index);
}

void index_settle(struct dup_index *index)
{
	index_keep(index);
	while (index->build.segments != 0) {
		pthread_join(index->build.thread, NULL);
		/* build_end() in build_take() would join once more. */
		uint32_t segments = index->build.segments;
		index->build.segments = 0;
		if (index->build.made && build_install(index, segments, &index->build.err)) {
			build_start(index);
			continue;
		}
		index->build_failed = segments;
		unwritten(index, &index->build.err);
	}
}
