/* A version's rows written, hashed and compressed, against the compressor alone over the same bytes. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/hash.h"
#include "core/item_id.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"
#include "tests/check.h"
#include "tests/dataset/version_sample.h"

enum { TURNS = 7, ROWS = 40000, WORDS = 4096, LETTERS_MAX = 10, TEXT_WORDS_MAX = 45, TEXT_MAX = 1024, PIECE = 65536 };

struct export
{
	struct version_sample sample;
	struct row_facts *facts;
	struct wn_slice *rows; /* what is compressed: the rows as they are written */
	char *text;	       /* the same with their newlines, in one piece */
	size_t bytes;
};

/* ---- posts ---- */

static void words_make(char words[WORDS][LETTERS_MAX + 1], uint64_t *seed)
{
	static const char letters[] = "eeeeetttaaaoooiiinnnssshhrrddlluucmwfgypbvk";
	for (int i = 0; i < WORDS; i++) {
		int count = 2 + (int)(test_random(seed) % (LETTERS_MAX - 1));
		for (int j = 0; j < count; j++)
			words[i][j] = letters[test_random(seed) % (sizeof letters - 1)];
		words[i][count] = '\0';
	}
}

/* Few words stand often and most of them seldom, as in any language, so that the compressor finds what it finds in
 * posts. */
static void text_make(char words[WORDS][LETTERS_MAX + 1], uint64_t *seed, char text[TEXT_MAX])
{
	int count = 8 + (int)(test_random(seed) % (TEXT_WORDS_MAX - 8));
	size_t bytes = 0;
	for (int i = 0; i < count; i++) {
		uint64_t random = test_random(seed);
		unsigned rank = (unsigned)(random % WORDS >> (random >> 32) % 12);
		bytes += (size_t)snprintf(text + bytes, TEXT_MAX - bytes, "%s%s", i ? " " : "", words[rank]);
	}
}

static bool item_make(struct export *export, const char *text, uint64_t *seed, int number, struct row_facts *out,
	struct wn_error *err)
{
	struct wn_arena *arena = &export->sample.arena;
	struct sha256 hash;
	char author[ID_HEX_ROOM];
	int contributor = (int)(test_random(seed) % 200);
	*out = (struct row_facts){
		.label = number % 3 ? "hail" : "storm", .p_good = 600000 + number % 400000, .votes = 11};
	sha256_of(&number, sizeof number, &hash);
	memcpy(out->salt.bytes, hash.bytes, ID_BYTES);
	sha256_of(text, strlen(text) / 2, &hash);
	char *json = wn_arena_printf(arena,
		"{\"author\":\"%s\",\"basis\":\"author_consent\",\"content\":\"%s\",\"kind\":\"text\",\"language\":"
		"\"en\","
		"\"licence\":\"CC-BY-4.0\",\"published_ms\":%lld,\"source\":\"direct\",\"source_id\":\"%d\",\"tags\":[]"
		"}",
		hex_write(author, hash.bytes, 8), text, 1700000000000 + 4711LL * number, 100000 + number);
	if (!json || !jcs_canonical(arena, json, strlen(json), &out->canonical, err))
		return json ? false : wn_fail(err, WN_FULL, "memory", "no room for items");
	sha256_of(out->canonical.data, out->canonical.bytes, &hash);
	item_id_of(&export->sample.setup.network, &out->salt, &hash, &out->item);
	out->cluster = out->item;
	sha256_of(&contributor, sizeof contributor, &out->contributor);
	return true;
}

static int facts_compare(const void *a, const void *b)
{
	return id_compare(&((const struct row_facts *)a)->item, &((const struct row_facts *)b)->item);
}

/* What the peer compresses is what ours will write. Items lie in the order of their ids, as the database hands them
 * over. */
static bool rows_keep(struct export *export, struct wn_error *err)
{
	struct wn_arena *arena = &export->sample.arena;
	size_t at = 0;
	for (int i = 0; i < ROWS; i++) {
		struct wn_slice *canonical = &export->facts[i].canonical;
		canonical->data = wn_arena_copy(arena, canonical->data, canonical->bytes);
		if (!canonical->data)
			return wn_fail(err, WN_FULL, "memory", "no room for items");
	}
	for (int i = 0; i < ROWS; i++) {
		export->facts[i].split = recipe_split_of(&export->sample.recipe, &export->facts[i].item);
		if (!row_write(arena, &export->facts[i], &export->rows[i], err))
			return false;
		export->bytes += export->rows[i].bytes + 1;
	}
	export->text = wn_arena_alloc(arena, export->bytes);
	if (!export->text)
		return wn_fail(err, WN_FULL, "memory", "no room for rows");
	for (int i = 0; i < ROWS; i++) {
		memcpy(export->text + at, export->rows[i].data, export->rows[i].bytes);
		at += export->rows[i].bytes;
		export->text[at++] = '\n';
	}
	return true;
}

static bool export_open(struct export *export, struct wn_error *err)
{
	static char words[WORDS][LETTERS_MAX + 1];
	char text[TEXT_MAX];
	uint64_t seed = 1;
	version_sample_init(&export->sample);
	export->facts = wn_arena_array(&export->sample.arena, ROWS, sizeof *export->facts);
	export->rows = wn_arena_array(&export->sample.arena, ROWS, sizeof *export->rows);
	if (!export->facts || !export->rows)
		return wn_fail(err, WN_FULL, "memory", "no room for rows");
	words_make(words, &seed);
	for (int i = 0; i < ROWS; i++) {
		text_make(words, &seed, text);
		if (!item_make(export, text, &seed, i, &export->facts[i], err))
			return false;
	}
	qsort(export->facts, ROWS, sizeof *export->facts, facts_compare);
	return rows_keep(export, err);
}

/* ---- one turn of each ---- */

/* A version folder from facts: *rows_ns until the last row is written, *all_ns with signature, sync and reading back.
 */
static bool version_once(struct export *export, int64_t *rows_ns, int64_t *all_ns, struct wn_error *err)
{
	struct version_writer *writer;
	struct dataset_report report;
	char place[FOLDER_PATH_MAX + 32];
	snprintf(place, sizeof place, "%s/%lld", export->sample.setup.parent, (long long)export->sample.setup.version);
	if (!folder_remove(place, err))
		return false;
	int64_t begun = bench_cpu_self();
	if (!version_writer_open(&writer, &export->sample.setup, err))
		return false;
	bool done = true;
	for (int i = 0; done && i < ROWS; i++)
		done = version_writer_row(writer, &export->facts[i], err);
	*rows_ns = bench_cpu_self() - begun;
	done = done && version_writer_publish(writer, ROWS, 0, &report, err);
	*all_ns = bench_cpu_self() - begun;
	version_writer_close(writer);
	return done;
}

/* Only the shards, from rows that lie there. */
static bool shards_once(const struct export *export, int64_t *nanoseconds, int64_t *gzip, struct wn_error *err)
{
	struct shard_writer *writer;
	const struct manifest_file *files;
	size_t count = 0;
	char path[FOLDER_PATH_MAX];
	int folder;
	snprintf(path, sizeof path, "%s/shards", export->sample.setup.parent);
	if (!folder_remove(path, err) || !folder_make(path, err))
		return false;
	snprintf(path, sizeof path, "%s/shards/data", export->sample.setup.parent);
	if (!folder_make(path, err))
		return false;
	path[strlen(path) - 5] = '\0';
	if (!folder_open(path, &folder, err))
		return false;
	int64_t begun = bench_cpu_self();
	bool done = shard_writer_open(&writer, folder, err);
	for (int i = 0; done && i < ROWS; i++)
		done = shard_writer_add(writer, export->rows[i], err);
	done = done && shard_writer_finish(writer, &files, &count, err);
	*nanoseconds = bench_cpu_self() - begun;
	*gzip = 0;
	for (size_t i = 0; done && i < count; i++)
		*gzip += files[i].bytes;
	shard_writer_close(writer);
	folder_close(folder);
	return done;
}

/* The compressor with everything in one piece, and what comes out of it thrown away. */
static bool deflate_once(const struct export *export, int64_t *nanoseconds, int64_t *gzip, struct wn_error *err)
{
	static unsigned char piece[PIECE];
	z_stream zip = {.next_in = (unsigned char *)export->text, .avail_in = (unsigned)export->bytes};
	int64_t begun = bench_cpu_self();
	if (deflateInit2(&zip, SHARD_LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return wn_fail(err, WN_FULL, "memory", "no room to compress");
	do {
		zip.next_out = piece;
		zip.avail_out = sizeof piece;
	} while (deflate(&zip, Z_FINISH) == Z_OK);
	*nanoseconds = bench_cpu_self() - begun;
	*gzip = (int64_t)zip.total_out;
	deflateEnd(&zip);
	return true;
}

static bool export_turns(struct export *export, struct wn_error *err)
{
	const char *peer = "deflate alone over the same bytes";
	struct bench_series rows = {
		.name = "rows of a version, to shards", .unit = "MB/cpu s", .peer = peer, .least = 0.9};
	struct bench_series shards = {.name = "ready rows, to shards", .unit = "MB/cpu s", .peer = peer, .least = 0.9};
	struct bench_series whole = {.name = "a version, signed and read back", .unit = "MB/cpu s", .peer = peer};
	double megabytes = (double)export->bytes / 1e6;
	int64_t gzip = 0, alone_gzip = 0, rows_ns = 0, all_ns = 0, shards_ns = 0, alone_ns = 0, after_ns = 0;
	/* Turn 0 warms caches; it is not counted. */
	for (int turn = 0; turn <= TURNS; turn++) {
		/* The peer right before and right after. */
		if (!deflate_once(export, &alone_ns, &alone_gzip, err) ||
			!version_once(export, &rows_ns, &all_ns, err) ||
			!deflate_once(export, &after_ns, &alone_gzip, err) ||
			!shards_once(export, &shards_ns, &gzip, err))
			return false;
		alone_ns = (alone_ns + after_ns) / 2;
		if (turn == 0)
			continue;
		bench_turn(&rows, megabytes * 1e9 / (double)rows_ns, megabytes * 1e9 / (double)alone_ns);
		bench_turn(&shards, megabytes * 1e9 / (double)shards_ns, megabytes * 1e9 / (double)alone_ns);
		bench_turn(&whole, megabytes * 1e9 / (double)all_ns, megabytes * 1e9 / (double)alone_ns);
	}
	bench_report(&rows);
	bench_report(&shards);
	bench_report(&whole);
	bench_note("%d rows of %.0f bytes, compressed to 1/%.2f (alone: 1/%.2f)", ROWS, (double)export->bytes / ROWS,
		(double)export->bytes / (double)gzip, (double)export->bytes / (double)alone_gzip);
	bench_note("a row: %.1f us, of which deflate %.1f us; signing and reading back %.1f us more",
		(double)rows_ns / ROWS / 1e3, (double)alone_ns / ROWS / 1e3, (double)(all_ns - rows_ns) / ROWS / 1e3);
	return true;
}

bool bench_export(struct wn_error *err)
{
	static struct export export;
	char parent[FOLDER_PATH_MAX];
	bool done = export_open(&export, err);
	snprintf(parent, sizeof parent, "%s", test_folder());
	export.sample.setup.parent = parent;
	done = done && export_turns(&export, err);
	version_sample_free(&export.sample);
	return done;
}
