/* Shards: within their limits, the same bytes every time, readable by stock gzip, and hostile ones refused by name. */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dataset/shard.h"
#include "dataset/version_folder.h"
#include "tests/dataset/version_sample.h"

SUITE("shard")

struct seen {
	int64_t lines, bytes;
	struct sha256_stream *hash;
};

static bool count_line(void *context, struct wn_slice line, struct wn_error *err)
{
	struct seen *seen = context;
	(void)err;
	seen->lines++;
	seen->bytes += (int64_t)line.bytes;
	if (seen->hash) {
		sha256_add(seen->hash, line.data, line.bytes);
		sha256_add(seen->hash, "\n", 1);
	}
	return true;
}

/* Lines that no compressor makes much smaller. */
static void random_line(uint64_t *state, char *line, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		line[i] = (char)('!' + test_random(state) % 90);
}

TEST(shards_stay_below_their_limit_and_hold_every_row_in_order)
{
	enum { LINES = 400, LINE = 60000 };
	static char line[LINE];
	struct wn_arena arena;
	struct wn_error err = {0};
	struct shard_writer *writer;
	const struct manifest_file *files;
	struct sha256 written, read;
	struct seen seen = {.hash = sha256_open()};
	struct sha256_stream *hash = sha256_open();
	char dir[SAMPLE_PATH_MAX];
	size_t count;
	int folder;
	uint64_t state = test_seed();
	wn_arena_init(&arena, 64 << 20);
	snprintf(dir, sizeof dir, "%s/shards", test_folder());
	sample_shell("mkdir -p %s/data", dir);
	CHECK_OK(folder_open(dir, &folder, &err), err);
	CHECK_OK(shard_writer_open(&writer, folder, &err), err);
	for (int i = 0; i < LINES; i++) {
		size_t bytes = 1 + test_random(&state) % LINE;
		random_line(&state, line, bytes);
		sha256_add(hash, line, bytes);
		sha256_add(hash, "\n", 1);
		CHECK_OK(shard_writer_add(writer, (struct wn_slice){line, bytes}, &err), err);
	}
	CHECK_OK(shard_writer_finish(writer, &files, &count, &err), err);
	CHECK(count > 1);
	for (size_t i = 0; i < count; i++) {
		struct sha256 own;
		wn_arena_reset(&arena);
		struct wn_slice gzip = sample_read(&arena, dir, files[i].path);
		CHECK_INT(gzip.bytes, files[i].bytes);
		CHECK(gzip.bytes <= SHARD_BYTES_MAX);
		/* Cut late, too: a limit that is never neared would mean many small files. */
		CHECK(i + 1 == count || gzip.bytes > SHARD_BYTES_MAX * 9 / 10);
		sha256_of(gzip.data, gzip.bytes, &own);
		CHECK_BYTES(own.bytes, ID_BYTES, files[i].sha256.bytes, ID_BYTES);
		CHECK_OK(shard_read(gzip.data, gzip.bytes, count_line, &seen, &err), err);
		CHECK_INT(sample_shell_status("gzip -t %s/%s", dir, files[i].path), 0);
		/* RFC 1952: no flags, time 0, system unknown. */
		CHECK_HEX(gzip.data, 8, "1f8b080000000000");
		CHECK_INT((unsigned char)gzip.data[9], 255);
	}
	sha256_close(hash, &written);
	sha256_close(seen.hash, &read);
	CHECK_INT(seen.lines, LINES);
	CHECK_BYTES(read.bytes, ID_BYTES, written.bytes, ID_BYTES);
	shard_writer_close(writer);
	folder_close(folder);
	wn_arena_free(&arena);
}

/* gzip of bytes as zlib makes it by default. */
static struct wn_slice zip(struct wn_arena *arena, const char *data, size_t bytes)
{
	z_stream stream = {0};
	size_t room = bytes + bytes / 100 + 1024;
	char *out = wn_arena_alloc(arena, room);
	CHECK_INT(deflateInit2(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)data;
	stream.avail_in = (unsigned)bytes;
	stream.next_out = (unsigned char *)out;
	stream.avail_out = (unsigned)room;
	CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
	struct wn_slice slice = {out, room - stream.avail_out};
	deflateEnd(&stream);
	return slice;
}

static const char *read_code(struct wn_slice gzip, struct wn_error *err)
{
	struct seen seen = {0};
	wn_error_reset(err);
	return shard_read(gzip.data, gzip.bytes, count_line, &seen, err) ? "" : err->code;
}

TEST(hostile_shards_are_refused_by_name)
{
	enum { BOMB = SHARD_OPEN_BYTES_MAX + 2 };
	struct wn_arena arena;
	struct wn_error err = {0};
	wn_arena_init(&arena, 1u << 30);
	struct wn_slice good = zip(&arena, "{}\n{}\n", 6);
	CHECK_TEXT(read_code(good, &err), "");
	for (size_t cut = 0; cut < good.bytes; cut++)
		CHECK_TEXT(read_code((struct wn_slice){good.data, cut}, &err), "shard_gzip");
	/* A flipped bit is refused or changes no row: header fields and deflate's padding say nothing. */
	struct seen right = {.hash = sha256_open()};
	struct sha256 right_hash;
	CHECK_OK(shard_read(good.data, good.bytes, count_line, &right, &err), err);
	sha256_close(right.hash, &right_hash);
	int refused = 0;
	for (size_t bit = 0; bit < 8 * good.bytes; bit++) {
		char *bytes = wn_arena_copy(&arena, good.data, good.bytes);
		struct seen seen = {.hash = sha256_open()};
		struct sha256 hash;
		bytes[bit / 8] ^= (char)(1 << bit % 8);
		bool taken = shard_read(bytes, good.bytes, count_line, &seen, &err);
		sha256_close(seen.hash, &hash);
		refused += !taken;
		CHECK(!taken || id_compare(&hash, &right_hash) == 0);
	}
	CHECK(refused > (int)good.bytes);
	char *two = wn_arena_alloc(&arena, 2 * good.bytes);
	memcpy(two, good.data, good.bytes);
	memcpy(two + good.bytes, good.data, good.bytes);
	CHECK_TEXT(read_code((struct wn_slice){two, 2 * good.bytes}, &err), "shard_trailing");
	CHECK_TEXT(read_code((struct wn_slice){two, good.bytes + 1}, &err), "shard_trailing");
	CHECK_TEXT(read_code(zip(&arena, "{}\n{}", 5), &err), "shard_line");
	CHECK_TEXT(read_code(zip(&arena, "", 0), &err), "");
	CHECK_TEXT(read_code((struct wn_slice){"", 0}, &err), "shard_gzip");
	char *bomb = wn_arena_alloc(&arena, BOMB);
	CHECK_OR_RETURN(bomb != NULL);
	/* Zeros without end are one line; newlines without end are very many. */
	CHECK_TEXT(read_code(zip(&arena, bomb, BOMB), &err), "shard_line");
	memset(bomb, '\n', BOMB);
	CHECK_TEXT(read_code(zip(&arena, bomb, BOMB), &err), "shard_large");
	memset(bomb, 'a', ROW_MAX + 1);
	bomb[ROW_MAX] = '\n';
	CHECK_TEXT(read_code(zip(&arena, bomb, ROW_MAX + 1), &err), "");
	bomb[ROW_MAX] = 'a';
	CHECK_TEXT(read_code(zip(&arena, bomb, ROW_MAX + 2), &err), "shard_line");
	wn_arena_free(&arena);
}
