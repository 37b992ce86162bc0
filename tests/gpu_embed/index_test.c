/* The index in files: the same verdicts as in memory, the same bytes on every node, and nothing wrong from files that
 * are. */
#include "gpu_embed/index.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gpu_embed/index_keys.h"
#include "tests/check.h"
#include "tests/gpu_embed/made_posts.h"

SUITE("index")

/* Leaders are about two thirds of them: five segments, of which four have their keys in a file. */
enum { SEGMENT = 512, POSTS = SEGMENT * 8, SHINGLES = 20, PATH_ROOM = 512, FILES_MAX = 64, FILE_MAX = 64 << 20 };

/* ---- the truth: what a linker in memory says of a stream, made once ---- */

static struct linker_verdict *truth;
static uint64_t truth_seed;

static const struct linker_verdict *truth_get(void)
{
	struct linker *linker;
	struct wn_error err = {0};
	static struct made_post made;
	if (truth)
		return truth;
	truth_seed = test_seed();
	truth = calloc(POSTS, sizeof *truth);
	wn_assert(truth != NULL);
	CHECK_OK(linker_open(&linker, &err), err);
	size_t repeats = 0;
	for (uint64_t i = 0; i < POSTS; i++) {
		made_post(&made, truth_seed, i, SHINGLES);
		CHECK_OK(linker_link(linker, &made.post, &truth[i], &err), err);
		repeats += truth[i].method != DUP_NONE;
	}
	CHECK(repeats > POSTS / 6);
	CHECK(linker_leaders(linker) > 4 * SEGMENT);
	CHECK_INT(linker_leaders(linker), POSTS - repeats);
	linker_close(linker);
	return truth;
}

static bool verdict_equal(const struct linker_verdict *a, const struct linker_verdict *b)
{
	return memcmp(a->origin.bytes, b->origin.bytes, ID_BYTES) == 0 &&
	       memcmp(a->cluster.bytes, b->cluster.bytes, ID_BYTES) == 0 && a->method == b->method &&
	       a->numerator == b->numerator && a->denominator == b->denominator && a->has_nearest == b->has_nearest &&
	       memcmp(a->nearest.bytes, b->nearest.bytes, ID_BYTES) == 0 &&
	       a->nearest_numerator == b->nearest_numerator && a->nearest_denominator == b->nearest_denominator;
}

/* ---- folders ---- */

static const char *folder_new(char out[PATH_ROOM])
{
	static int number;
	snprintf(out, PATH_ROOM, "%s/index-%d", test_folder(), number++);
	return out;
}

/* Opens a folder as the worker does: what stands in the truth behind the watermark is restored, up to `upto`. */
static bool folder_open(struct linker **out, const char *folder, uint64_t upto, struct wn_error *err)
{
	const struct linker_mark *marks;
	static struct made_post made;
	for (int tries = 0; tries < FILES_MAX; tries++) {
		CHECK_OK(linker_open_folder(out, folder, SEGMENT, err), *err);
		size_t count = linker_marks(*out, &marks), believed = 0;
		for (; believed < count; believed++) {
			int64_t seq = marks[believed].seq;
			if (seq < 1 || seq > (int64_t)upto || truth[seq - 1].method != DUP_NONE)
				break;
			made_post(&made, truth_seed, (uint64_t)seq - 1, SHINGLES);
			if (memcmp(made.post.item.bytes, marks[believed].item.bytes, ID_BYTES) != 0)
				break;
		}
		bool good = linker_start(*out, believed, err);
		for (uint64_t i = (uint64_t)linker_watermark(*out); good && i < upto; i++) {
			if (truth[i].method != DUP_NONE)
				continue;
			made_post(&made, truth_seed, i, SHINGLES);
			good = linker_restore(*out, &made.post, err);
		}
		if (good)
			return true;
		CHECK_TEXT(err->code, "index_damaged");
		wn_error_reset(err);
		linker_close(*out);
	}
	return CHECK(!"a folder that is never whole");
}

/* Links from `from` to `upto`; every verdict is that of the truth. When a file is found to be damaged, the folder is
 * opened again, as the worker does. */
static void link_on(struct linker **linker, const char *folder, uint64_t from, uint64_t upto, unsigned keep_every)
{
	struct wn_error err = {0};
	static struct made_post made;
	uint64_t wrong = 0;
	for (uint64_t i = from; i < upto; i++) {
		struct linker_verdict verdict;
		made_post(&made, truth_seed, i, SHINGLES);
		while (!linker_link(*linker, &made.post, &verdict, &err)) {
			CHECK_TEXT(err.code, "index_damaged");
			wn_error_reset(&err);
			linker_close(*linker);
			CHECK_OR_RETURN(folder_open(linker, folder, i, &err));
		}
		wrong += !verdict_equal(&verdict, &truth[i]);
		if (i % keep_every == 0)
			linker_keep(*linker);
	}
	CHECK_INT(wrong, 0);
}

/* A folder with all posts but the last hundred, settled. */
static void folder_fill(const char *folder)
{
	struct linker *linker;
	struct wn_error err = {0};
	CHECK_OR_RETURN(folder_open(&linker, folder, 0, &err));
	link_on(&linker, folder, 0, POSTS - 100, 50);
	linker_settle(linker);
	linker_close(linker);
}

struct listing {
	int count;
	char names[FILES_MAX][INDEX_NAME_MAX];
};

static int name_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void folder_list(const char *folder, struct listing *out)
{
	DIR *listed = opendir(folder);
	struct dirent *entry;
	out->count = 0;
	CHECK_OR_RETURN(listed != NULL);
	while ((entry = readdir(listed)))
		if (entry->d_name[0] != '.' && CHECK(out->count < FILES_MAX))
			snprintf(out->names[out->count++], INDEX_NAME_MAX, "%.31s", entry->d_name);
	closedir(listed);
	qsort(out->names, (size_t)out->count, sizeof *out->names, name_compare);
}

static size_t file_read(const char *folder, const char *name, uint8_t **out)
{
	char path[2 * PATH_ROOM];
	struct stat about;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	*out = NULL;
	if (!CHECK(file != NULL) || fstat(fileno(file), &about) != 0)
		return 0;
	*out = malloc((size_t)about.st_size + 1);
	wn_assert(*out != NULL);
	size_t bytes = fread(*out, 1, (size_t)about.st_size, file);
	fclose(file);
	return bytes;
}

static void file_write(const char *folder, const char *name, const uint8_t *bytes, size_t count)
{
	char path[2 * PATH_ROOM];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	unlink(path);
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	CHECK_INT((int64_t)fwrite(bytes, 1, count, file), (int64_t)count);
	fclose(file);
}

static void folder_copy(const char *from, const char *to)
{
	struct listing listing;
	mkdir(to, 0700);
	folder_list(from, &listing);
	for (int i = 0; i < listing.count; i++) {
		uint8_t *bytes;
		size_t count = file_read(from, listing.names[i], &bytes);
		file_write(to, listing.names[i], bytes, count);
		free(bytes);
	}
}

static void folders_equal(const char *a, const char *b)
{
	struct listing left, right;
	folder_list(a, &left);
	folder_list(b, &right);
	CHECK_INT(left.count, right.count);
	for (int i = 0; i < left.count && i < right.count; i++) {
		uint8_t *ours, *theirs;
		CHECK_TEXT(left.names[i], right.names[i]);
		size_t our_bytes = file_read(a, left.names[i], &ours),
		       their_bytes = file_read(b, right.names[i], &theirs);
		CHECK(our_bytes == their_bytes && memcmp(ours, theirs, our_bytes) == 0);
		free(ours);
		free(theirs);
	}
}

/* Made once: tests copy it. */
static const char *folder_whole(void)
{
	static char folder[PATH_ROOM];
	truth_get();
	if (!folder[0])
		folder_fill(folder_new(folder));
	return folder;
}

/* ---- what holds without any trouble ---- */

TEST(leaders_in_files_decide_as_leaders_in_memory_across_restarts)
{
	char folder[PATH_ROOM];
	struct linker *linker;
	struct wn_error err = {0};
	uint64_t random = test_seed() + 1;
	truth_get();
	folder_new(folder);
	for (uint64_t done = 0, upto; done < POSTS; done = upto) {
		upto = done + 1 + test_random(&random) % (POSTS / 4);
		upto = upto < POSTS ? upto : POSTS;
		CHECK_OR_RETURN(folder_open(&linker, folder, done, &err));
		link_on(&linker, folder, done, upto, 1 + (unsigned)(test_random(&random) % 300));
		/* Now and then in the middle of what is done in the background. */
		if (test_random(&random) % 2)
			linker_settle(linker);
		else
			linker_keep(linker);
		linker_close(linker);
	}
}

TEST(two_nodes_fed_the_same_in_the_same_order_write_the_same_bytes)
{
	char other[PATH_ROOM];
	struct linker *linker;
	struct wn_error err = {0};
	struct listing listing;
	const char *whole = folder_whole();
	folder_new(other);
	/* Batches of another size, a restart, another moment at which keys are made. */
	CHECK_OR_RETURN(folder_open(&linker, other, 0, &err));
	link_on(&linker, other, 0, POSTS / 3, 97);
	linker_close(linker);
	CHECK_OR_RETURN(folder_open(&linker, other, POSTS / 3, &err));
	link_on(&linker, other, POSTS / 3, POSTS - 100, 2011);
	linker_settle(linker);
	linker_close(linker);
	folders_equal(whole, other);
	folder_list(other, &listing);
	CHECK(listing.count >= 6);
	CHECK_TEXT(listing.names[0], "keys-000004");
	CHECK_TEXT(listing.names[1], "leaders-000000");
	/* So does one that gets all leaders from the database at once. */
	char third[PATH_ROOM];
	CHECK_OR_RETURN(folder_open(&linker, folder_new(third), POSTS - 100, &err));
	linker_settle(linker);
	linker_close(linker);
	folders_equal(whole, third);
}

/* ---- files that are wrong ---- */

static void header_sum_again(uint8_t *bytes)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	header->header_sum = index_sum(header, offsetof(struct index_header, header_sum));
}

/* All sums as their maker would have made them: only what the content says can betray it. */
static void sums_again(uint8_t *bytes)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	uint64_t *sums = (uint64_t *)(void *)(bytes + INDEX_HEADER + header->body_bytes);
	size_t blocks = (size_t)((header->body_bytes + INDEX_BLOCK - 1) / INDEX_BLOCK);
	for (size_t i = 0; i < blocks; i++) {
		size_t at = i * INDEX_BLOCK, left = (size_t)header->body_bytes - at;
		sums[i] = index_sum(bytes + INDEX_HEADER + at, left < INDEX_BLOCK ? left : INDEX_BLOCK);
	}
	header->sums_sum = index_sum(sums, blocks * sizeof *sums);
	header_sum_again(bytes);
}

/* The last hundred posts are linked over a folder, and each verdict is right. Whether anything was rebuilt is told by
 * the files: at the end they are what they should be. */
static void folder_serves(const char *folder)
{
	struct linker *linker;
	struct wn_error err = {0};
	CHECK_OR_RETURN(folder_open(&linker, folder, POSTS - 100, &err));
	link_on(&linker, folder, POSTS - 100, POSTS, 10);
	linker_settle(linker);
	linker_close(linker);
}

/* As above, but over posts that were linked before too, so that every leader is met again. */
static void folder_serves_all(const char *folder)
{
	struct linker *linker;
	struct wn_error err = {0};
	static struct made_post made;
	uint64_t wrong = 0;
	CHECK_OR_RETURN(folder_open(&linker, folder, POSTS - 100, &err));
	for (uint64_t i = 0; i < POSTS - 100; i++) {
		struct linker_verdict verdict;
		if (truth[i].method != DUP_NONE)
			continue;
		made_post(&made, truth_seed, i, SHINGLES);
		while (!linker_link(linker, &made.post, &verdict, &err)) {
			CHECK_TEXT(err.code, "index_damaged");
			wn_error_reset(&err);
			linker_close(linker);
			CHECK_OR_RETURN(folder_open(&linker, folder, POSTS - 100, &err));
		}
		wrong += verdict.method != DUP_EXACT ||
			 memcmp(verdict.origin.bytes, made.post.item.bytes, ID_BYTES) != 0;
	}
	CHECK_INT(wrong, 0);
	linker_settle(linker);
	linker_close(linker);
}

struct spoil {
	const char *what, *name;
	void (*spoil)(uint8_t *bytes, size_t *count);
};

static void spoil_magic(uint8_t *bytes, size_t *count)
{
	(void)count;
	bytes[0] ^= 1;
	header_sum_again(bytes);
}
static void spoil_format(uint8_t *bytes, size_t *count)
{
	(void)count;
	((struct index_header *)(void *)bytes)->format++;
	header_sum_again(bytes);
}
static void spoil_version(uint8_t *bytes, size_t *count)
{
	(void)count;
	((struct index_header *)(void *)bytes)->spec_version++;
	header_sum_again(bytes);
}
static void spoil_seed(uint8_t *bytes, size_t *count)
{
	(void)count;
	((struct index_header *)(void *)bytes)->seed++;
	header_sum_again(bytes);
}
static void spoil_header(uint8_t *bytes, size_t *count)
{
	(void)count;
	((struct index_header *)(void *)bytes)->watermark++;
}
static void spoil_cut(uint8_t *bytes, size_t *count)
{
	(void)bytes;
	*count -= 1;
}
static void spoil_half(uint8_t *bytes, size_t *count)
{
	(void)bytes;
	*count /= 2;
}
static void spoil_empty(uint8_t *bytes, size_t *count)
{
	(void)bytes;
	*count = 0;
}
static void spoil_sums(uint8_t *bytes, size_t *count)
{
	bytes[*count - 1] ^= 0x80;
}
static void spoil_first(uint8_t *bytes, size_t *count)
{
	(void)count;
	bytes[INDEX_HEADER] ^= 4;
}
static void spoil_middle(uint8_t *bytes, size_t *count)
{
	bytes[*count / 2] ^= 0x10;
}
static void spoil_zeros(uint8_t *bytes, size_t *count)
{
	memset(bytes + *count / 2, 0, 4096);
}
static void spoil_sections(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	(void)count;
	header->section_at[header->section_count - 1] = UINT64_MAX - 63;
	header_sum_again(bytes);
}
static void spoil_length(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	(void)count;
	header->body_bytes = UINT64_MAX - 4096;
	header_sum_again(bytes);
}
static void spoil_empty_body(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	header->body_bytes = 0;
	memset(header->section_bytes, 0, sizeof header->section_bytes);
	memset(header->section_at, 0, sizeof header->section_at);
	header->lines = 0;
	header->sums_sum = index_sum(bytes, 0);
	*count = INDEX_HEADER;
	header_sum_again(bytes);
}
/* Whose shingles start outside of the file. */
static void spoil_starts(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	uint32_t *starts = (uint32_t *)(void *)(bytes + INDEX_HEADER + header->section_at[6]);
	(void)count;
	for (int i = 1; i < SEGMENT; i++)
		starts[i] = 0xfffffff0u;
	sums_again(bytes);
}
static void spoil_masks(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	(void)count;
	memset(bytes + INDEX_HEADER + header->section_at[5], 0xff, 400);
	sums_again(bytes);
}
/* Keys that lead to leaders that nobody has, in lines that hold more than they can. */
static void spoil_numbers(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	struct index_line *lines = (struct index_line *)(void *)(bytes + INDEX_HEADER);
	(void)count;
	for (uint64_t i = 0; i < header->lines; i++)
		for (int e = 0; e < lines[i].count; e++)
			lines[i].leaders[e] |= 0xff000000u;
	sums_again(bytes);
}
static void spoil_counts(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	struct index_line *lines = (struct index_line *)(void *)(bytes + INDEX_HEADER);
	(void)count;
	for (uint64_t i = 0; i < header->lines; i++)
		lines[i].count = 255;
	sums_again(bytes);
}
/* No line has an end: whoever walks along them would walk for ever. */
static void spoil_full(uint8_t *bytes, size_t *count)
{
	struct index_header *header = (struct index_header *)(void *)bytes;
	struct index_line *lines = (struct index_line *)(void *)(bytes + INDEX_HEADER);
	(void)count;
	for (uint64_t i = 0; i < header->lines; i++)
		lines[i].count = INDEX_LINE_ENTRIES;
	sums_again(bytes);
}

TEST(a_file_that_was_changed_cut_or_made_by_others_is_given_up_and_made_anew)
{
	static const struct spoil spoils[] = {
		{"another magic", "leaders-000001", spoil_magic},
		{"another format", "leaders-000001", spoil_format},
		{"another specification", "leaders-000000", spoil_version},
		{"another seed", "keys-000004", spoil_seed},
		{"a changed header", "leaders-000002", spoil_header},
		{"a changed header", "keys-000004", spoil_header},
		{"a byte too few", "leaders-000001", spoil_cut},
		{"a byte too few", "keys-000004", spoil_cut},
		{"half", "leaders-000003", spoil_half},
		{"nothing", "leaders-000000", spoil_empty},
		{"nothing", "keys-000004", spoil_empty},
		{"a changed sum", "leaders-000004", spoil_sums},
		{"a changed sum", "keys-000004", spoil_sums},
		{"a changed first bit", "leaders-000000", spoil_first},
		{"a changed bit", "leaders-000001", spoil_middle},
		{"a changed bit", "keys-000004", spoil_middle},
		{"a page of zeros", "leaders-000002", spoil_zeros},
		{"a page of zeros", "keys-000004", spoil_zeros},
		{"a section outside", "leaders-000002", spoil_sections},
		{"a section outside", "keys-000004", spoil_sections},
		{"no length", "leaders-000002", spoil_length},
		{"no body", "leaders-000000", spoil_empty_body},
		{"no body", "keys-000004", spoil_empty_body},
		{"shingles outside", "leaders-000001", spoil_starts},
		{"keys that there are not", "leaders-000001", spoil_masks},
		{"leaders that there are not", "keys-000004", spoil_numbers},
		{"lines of 255 keys", "keys-000004", spoil_counts},
		{"lines without an end", "keys-000004", spoil_full},
	};
	char folder[PATH_ROOM];
	const char *whole = folder_whole();
	for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
		uint8_t *bytes;
		folder_new(folder);
		folder_copy(whole, folder);
		size_t count = file_read(folder, spoils[i].name, &bytes);
		CHECK_OR_RETURN(count > INDEX_HEADER);
		spoils[i].spoil(bytes, &count);
		file_write(folder, spoils[i].name, bytes, count);
		free(bytes);
		folder_serves_all(folder);
		folders_equal(whole, folder);
		/* Room for the next one. */
		index_forget(folder);
		rmdir(folder);
	}
}

static void file_remove(const char *folder, const char *name)
{
	char path[2 * PATH_ROOM];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	CHECK_INT(unlink(path), 0);
}

static void file_rename(const char *folder, const char *from, const char *to)
{
	char before[2 * PATH_ROOM], after[2 * PATH_ROOM];
	snprintf(before, sizeof before, "%s/%s", folder, from);
	snprintf(after, sizeof after, "%s/%s", folder, to);
	CHECK_INT(rename(before, after), 0);
}

TEST(files_that_are_missing_swapped_or_left_over_do_no_harm)
{
	char folder[PATH_ROOM];
	const char *whole = folder_whole();
	for (int turn = 0; turn < 6; turn++) {
		folder_new(folder);
		folder_copy(whole, folder);
		switch (turn) {
		case 0:
			file_remove(folder, "leaders-000002");
			break;
		case 1:
			file_remove(folder, "keys-000004");
			break;
		case 2:
			/* A kill before the old file was removed, and one in the middle of writing. */
			file_write(folder, "keys-000003", (const uint8_t *)"old", 3);
			file_write(folder, "keys-000006.new", (const uint8_t *)"half", 4);
			file_write(folder, "leaders-000005.new", (const uint8_t *)"half", 4);
			break;
		case 3:
			file_rename(folder, "leaders-000001", "kept");
			file_rename(folder, "leaders-000002", "leaders-000001");
			file_rename(folder, "kept", "leaders-000002");
			break;
		case 4:
			/* A file of the one kind under the name of the other. */
			file_remove(folder, "keys-000004");
			file_rename(folder, "leaders-000004", "keys-000004");
			break;
		default:
			/* Keys of leaders whose segments are gone. */
			for (int i = 0; i < 4; i++) {
				char name[INDEX_NAME_MAX];
				leader_segment_name((uint32_t)i, name);
				file_remove(folder, name);
			}
		}
		folder_serves_all(folder);
		folders_equal(whole, folder);
		index_forget(folder);
		rmdir(folder);
	}
}

TEST(another_networks_index_is_not_believed)
{
	char folder[PATH_ROOM];
	struct linker *linker;
	struct wn_error err = {0};
	const char *whole = folder_whole();
	folder_new(folder);
	/* A stream whose first half is the same: of its segments those are believed that the truth bears out. */
	static struct made_post made;
	CHECK_OR_RETURN(folder_open(&linker, folder, 0, &err));
	link_on(&linker, folder, 0, POSTS / 2, 100);
	for (uint64_t i = POSTS / 2; i < POSTS; i++) {
		struct linker_verdict verdict;
		made_post(&made, truth_seed + 1, i, SHINGLES);
		CHECK_OK(linker_link(linker, &made.post, &verdict, &err), err);
	}
	linker_settle(linker);
	linker_close(linker);
	folder_serves(folder);
	/* Brought up to the same end, it is the same index. */
	char copy[PATH_ROOM];
	folder_copy(whole, folder_new(copy));
	folder_serves(copy);
	folders_equal(copy, folder);
}

TEST(a_folder_that_cannot_be_written_costs_nothing_but_the_next_start)
{
	char folder[PATH_ROOM];
	struct linker *linker;
	struct wn_error err = {0};
	truth_get();
	/* A file stands where the folder should be. */
	folder_new(folder);
	FILE *file = fopen(folder, "we");
	CHECK_OR_RETURN(file != NULL);
	fclose(file);
	CHECK_OR_RETURN(folder_open(&linker, folder, 0, &err));
	link_on(&linker, folder, 0, POSTS, 1000);
	linker_settle(linker);
	linker_close(linker);
	/* Names that cannot be taken: a folder each. */
	char name[2 * PATH_ROOM];
	folder_new(folder);
	mkdir(folder, 0700);
	snprintf(name, sizeof name, "%s/leaders-000001.new", folder);
	mkdir(name, 0700);
	CHECK_OR_RETURN(folder_open(&linker, folder, 0, &err));
	link_on(&linker, folder, 0, POSTS - 100, 1000);
	CHECK_INT(rmdir(name), 0);
	/* Once it can be, what waited is written. */
	linker_settle(linker);
	linker_close(linker);
	folders_equal(folder_whole(), folder);
}

TEST(a_process_that_is_killed_while_it_writes_leaves_an_index_that_serves)
{
	enum { KILLS = 12 };
	char folder[PATH_ROOM];
	uint64_t random = test_seed() + 2;
	const char *whole = folder_whole();
	folder_new(folder);
	for (int kills = 0; kills < KILLS; kills++) {
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			/* As at the first start of a node that has them all in its database. */
			struct linker *linker;
			struct wn_error err = {0};
			const struct linker_mark *marks;
			static struct made_post made;
			bool good = linker_open_folder(&linker, folder, SEGMENT, &err) &&
				    linker_start(linker, linker_marks(linker, &marks), &err);
			for (uint64_t i = good ? (uint64_t)linker_watermark(linker) : 0; good && i < POSTS - 100; i++) {
				if (truth[i].method != DUP_NONE)
					continue;
				made_post(&made, truth_seed, i, SHINGLES);
				good = linker_restore(linker, &made.post, &err);
				if (i % 100 == 0)
					linker_keep(linker);
			}
			if (good)
				linker_settle(linker);
			_exit(good ? 0 : 2);
		}
		CHECK_OR_RETURN(child > 0);
		struct timespec pause = {0, (long)(1 + test_random(&random) % 40) * 1000000};
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		int status = 0;
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	}
	folder_serves_all(folder);
	folders_equal(whole, folder);
}

/* ---- crowds ---- */

TEST(a_key_leads_to_its_earliest_leaders_wherever_they_lie)
{
	/* One band is the same in all: the 32 earliest of a campaign are candidates of each, and no later one is. */
	enum { CROWD = SEGMENT * 6 + 100 };
	char folder[PATH_ROOM];
	struct dup_index *index;
	struct wn_error err = {0};
	static struct made_post made;
	static struct index_found found;
	CHECK_OK(index_open(&index, folder_new(folder), SEGMENT, &err), err);
	CHECK_OK(index_start(index, 0, &err), err);
	for (uint64_t i = 0; i < CROWD; i++) {
		made_post(&made, 5, i, 2 * SHINGLES);
		for (unsigned lane = 0; lane < EMBED_ROWS; lane++)
			made.lanes[EMBED_ROWS * 3 + lane] = 77;
		made.keys[3] = embed_band_key(made.lanes + EMBED_ROWS * 3, 3);
		made.post.campaign = 1;
		CHECK_OK(index_find(index, &made.post, &found, &err), err);
		CHECK_INT(found.mask >> 3 & 1, i < LINKER_KEY_LEADERS_MAX);
		CHECK(found.count >= (i < LINKER_KEY_LEADERS_MAX ? i : LINKER_KEY_LEADERS_MAX));
		CHECK(found.count == 0 || found.numbers[0] == 0);
		CHECK_OK(index_add(index, &made.post, found.mask, &err), err);
		if (i % 997 == 0)
			index_keep(index);
	}
	index_settle(index);
	CHECK_OK(index_find(index, &made.post, &found, &err), err);
	for (uint32_t i = 0; i < LINKER_KEY_LEADERS_MAX; i++)
		CHECK_INT(found.numbers[i], i);
	/* Another campaign does not see them. */
	made.post.campaign = 2;
	CHECK_OK(index_find(index, &made.post, &found, &err), err);
	CHECK_INT(found.count, 0);
	index_close(index);
}
