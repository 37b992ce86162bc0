/* Errors, arenas, growing text, UTF-8, the log and the clocks. */
#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/log.h"
#include "core/utf8.h"

SUITE("foundation")

TEST(a_failure_says_who_acts_and_what_was_done)
{
	struct wn_error err = {0};
	CHECK(!wn_fail(&err, WN_DOWN, "db_down", "connect: %s", "refused"));
	CHECK(!wn_while(&err, "start %s", "the tally"));
	CHECK_INT(err.blame, WN_DOWN);
	CHECK_TEXT(err.code, "db_down");
	CHECK_TEXT(err.text, "start the tally: connect: refused");
	/* A failure told anew with its own words. */
	CHECK(!wn_fail(&err, WN_INPUT, err.code, "again: %s", err.text));
	CHECK_TEXT(err.text, "again: start the tally: connect: refused");
	CHECK_TEXT(err.code, "db_down");
	wn_error_reset(&err);
	CHECK_INT(err.blame, WN_NONE);
	CHECK_TEXT(err.text, "");
}

TEST(long_failures_are_cut_and_end)
{
	struct wn_error err = {0};
	char text[2 * WN_TEXT_MAX];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	wn_fail(&err, WN_INPUT, text, "%s", text);
	CHECK_INT(strlen(err.text), WN_TEXT_MAX - 1);
	CHECK_INT(strlen(err.code), WN_CODE_MAX - 1);
	for (size_t bytes = WN_TEXT_MAX - 4; bytes < WN_TEXT_MAX + 4; bytes++) {
		wn_fail(&err, WN_INPUT, "code", "end");
		wn_while(&err, "%.*s", (int)bytes, text);
		CHECK(strlen(err.text) < WN_TEXT_MAX);
	}
	CHECK(err.text[0] == 'x');
}

TEST(an_arena_hands_out_zeroed_aligned_memory_that_does_not_overlap)
{
	enum { PIECES = 300 };
	struct {
		unsigned char *data;
		size_t bytes;
	} pieces[PIECES];
	uint64_t seed = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, 64 << 20);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < PIECES; i++) {
			size_t bytes = test_random(&seed) % (i % 50 == 0 ? 100000 : 300);
			pieces[i].data = wn_arena_alloc(&arena, bytes);
			pieces[i].bytes = bytes;
			CHECK_OR_RETURN(pieces[i].data != NULL);
			CHECK_INT((uintptr_t)pieces[i].data % 16, 0);
			for (size_t j = 0; j < bytes; j++)
				if (pieces[i].data[j] != 0)
					CHECK_INT(pieces[i].data[j], 0);
			memset(pieces[i].data, i & 255, bytes);
		}
		for (int i = 0; i < PIECES; i++)
			for (size_t j = 0; j < pieces[i].bytes; j++)
				if (pieces[i].data[j] != (i & 255))
					CHECK_INT(pieces[i].data[j], i & 255);
		wn_arena_reset(&arena);
		CHECK_INT(arena.used_bytes, 0);
	}
	wn_arena_free(&arena);
	wn_arena_reset(&arena);
	CHECK(wn_arena_alloc(&arena, 0) != NULL);
	wn_arena_free(&arena);
}

TEST(an_arena_keeps_its_ceiling)
{
	struct wn_arena arena;
	wn_arena_init(&arena, 1024);
	CHECK(wn_arena_alloc(&arena, 1025) == NULL);
	CHECK(wn_arena_alloc(&arena, 1024) != NULL);
	CHECK(wn_arena_alloc(&arena, 0) == NULL);
	CHECK(wn_arena_copy(&arena, "a", 1) == NULL);
	CHECK(wn_arena_printf(&arena, "%d", 1) == NULL);
	wn_arena_reset(&arena);
	CHECK(wn_arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
	CHECK(wn_arena_alloc(&arena, SIZE_MAX) == NULL);
	CHECK(wn_arena_alloc(&arena, SIZE_MAX - 20) == NULL);
	CHECK(wn_arena_copy(&arena, "", SIZE_MAX) == NULL);
	CHECK(wn_arena_array(&arena, 64, 16) != NULL);
	wn_arena_free(&arena);
	wn_arena_init(&arena, 0);
	CHECK(wn_arena_alloc(&arena, 1) == NULL);
	wn_arena_free(&arena);
}

TEST(copies_and_slices)
{
	struct wn_arena arena;
	wn_arena_init(&arena, 1024);
	CHECK_BYTES(wn_arena_copy(&arena, "a\0b", 3), 4, "a\0b", 4);
	CHECK_TEXT(wn_arena_copy(&arena, NULL, 0), "");
	CHECK_TEXT(wn_arena_printf(&arena, "%s-%d", "x", 7), "x-7");
	CHECK(wn_slice_equal(WN_SLICE("a\0b"), (struct wn_slice){"a\0b", 3}));
	CHECK(!wn_slice_equal(WN_SLICE("ab"), WN_SLICE("abc")));
	CHECK(!wn_slice_equal(WN_SLICE("ab"), WN_SLICE("ac")));
	CHECK(wn_slice_equal((struct wn_slice){NULL, 0}, wn_slice_of("")));
	wn_arena_free(&arena);
}

TEST(text_grows_whatever_lies_behind_it)
{
	uint64_t seed = test_seed();
	for (int round = 0; round < 50; round++) {
		struct wn_arena arena;
		struct wn_text text;
		static char wanted[200000];
		size_t bytes = 0;
		wn_arena_init(&arena, 4 << 20);
		wn_text_init(&text, &arena);
		while (bytes < 60000) {
			char piece[1000];
			size_t count = test_random(&seed) % sizeof piece;
			for (size_t i = 0; i < count; i++)
				piece[i] = (char)('a' + test_random(&seed) % 26);
			if (test_random(&seed) % 2)
				wn_text_add(&text, piece, count);
			else
				wn_text_printf(&text, "%.*s", (int)count, piece);
			memcpy(wanted + bytes, piece, count);
			bytes += count;
			if (test_random(&seed) % 4 == 0)
				memset(wn_arena_alloc(&arena, 100), 0xff, 100);
		}
		CHECK(!text.full);
		CHECK_BYTES(text.data, text.bytes, wanted, bytes);
		CHECK_INT(text.data[text.bytes], 0);
		wn_arena_free(&arena);
	}
}

TEST(full_text_stays_full_and_whole)
{
	struct wn_arena arena;
	struct wn_text text;
	wn_arena_init(&arena, 256);
	wn_text_init(&text, &arena);
	wn_text_add_string(&text, "");
	CHECK_TEXT(text.data, "");
	for (int i = 0; i < 255; i++)
		wn_text_add(&text, "x", 1);
	CHECK(!text.full);
	wn_text_add(&text, "y", 1);
	CHECK(text.full);
	CHECK_INT(text.bytes, 255);
	wn_arena_reset(&arena);
	wn_text_add(&text, "z", 1);
	wn_text_printf(&text, "%d", 1);
	CHECK(text.full);
	CHECK_INT(text.bytes, 255);
	wn_arena_free(&arena);
}

TEST(utf8_is_accepted_exactly_where_the_paper_says)
{
	/* Every sequence of up to two bytes and every first three against the table of RFC 3629, section 4. */
	for (int a = 0; a < 256; a++)
		for (int b = 0; b < 256; b++) {
			char two[2] = {(char)a, (char)b};
			bool pair = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
			CHECK_INT(utf8_character(two, 2), a < 0x80 ? 1 : pair ? 2 : 0);
			char three[3] = {(char)a, (char)b, (char)0x80},
			     four[4] = {(char)a, (char)b, (char)0x80, (char)0xbf};
			bool tail = b >= 0x80 && b <= 0xbf;
			bool triple =
				tail && a >= 0xe0 && a <= 0xef && (a != 0xe0 || b >= 0xa0) && (a != 0xed || b <= 0x9f);
			bool quad =
				tail && a >= 0xf0 && a <= 0xf4 && (a != 0xf0 || b >= 0x90) && (a != 0xf4 || b <= 0x8f);
			if (a >= 0xe0 && a <= 0xef)
				CHECK_INT(utf8_character(three, 3), triple ? 3 : 0);
			if (a >= 0xf0)
				CHECK_INT(utf8_character(four, 4), quad ? 4 : 0);
		}
	size_t at = 99;
	CHECK(utf8_valid("", 0, &at));
	CHECK(utf8_valid("12345678\xc3\xa9"
			 "1234567\xf0\x9f\x98\x80",
		21, &at));
	CHECK(!utf8_valid("12345678\xc3", 9, &at));
	CHECK_INT(at, 8);
	CHECK(!utf8_valid("1234567\x80", 8, NULL));
}

/* What the log wrote while `say` ran. */
static size_t log_caught(char *out, size_t room, void (*say)(void))
{
	char path[512];
	snprintf(path, sizeof path, "%s/log", test_folder());
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), kept = dup(STDERR_FILENO);
	CHECK(file >= 0 && kept >= 0);
	dup2(file, STDERR_FILENO);
	say();
	dup2(kept, STDERR_FILENO);
	close(kept);
	ssize_t bytes = pread(file, out, room - 1, 0);
	close(file);
	CHECK(bytes >= 0);
	out[bytes > 0 ? bytes : 0] = '\0';
	return bytes > 0 ? (size_t)bytes : 0;
}

static void say_round(void)
{
	log_start("vote", LOG_INFO);
	log_event(LOG_DEBUG, "hidden");
	log_event(LOG_INFO, "round_closed", log_integer("round", 81), log_text("who", "a\"\\\n\xff\xc3\xa9"), NULL);
}

static void say_much(void)
{
	char many[1000];
	memset(many, '\x01', sizeof many - 1);
	many[sizeof many - 1] = '\0';
	log_event(LOG_ERROR, "much", log_text("a", many), log_text("b", many), log_text("c", many), log_text("d", many),
		log_integer("e", 5));
}

static void say_failure(void)
{
	struct wn_error err;
	wn_fail(&err, WN_BUSY, "db_busy", "lock the round: timeout");
	log_failure("batch_failed", &err);
}

static const struct json *log_line(struct wn_arena *arena, const char *line, size_t bytes)
{
	struct wn_error err = {0};
	const struct json *value = NULL;
	CHECK(bytes > 0 && line[bytes - 1] == '\n');
	CHECK(memchr(line, '\n', bytes) == line + bytes - 1);
	CHECK_OK(json_parse(arena, line, bytes, &value, &err), err);
	return value;
}

TEST(every_log_line_is_one_json_object)
{
	char line[8192];
	struct wn_arena arena;
	int64_t number = 0;
	wn_arena_init(&arena, 1 << 16);
	size_t bytes = log_caught(line, sizeof line, say_round);
	const struct json *value = log_line(&arena, line, bytes);
	CHECK_TEXT(json_member_string(value, "on", ""), "vote");
	CHECK_TEXT(json_member_string(value, "level", ""), "info");
	CHECK_TEXT(json_member_string(value, "event", ""), "round_closed");
	CHECK_TEXT(json_member_string(value, "who", ""), "a\"\\\n?\xc3\xa9");
	CHECK(json_integer(json_get(value, "round"), &number));
	CHECK_INT(number, 81);
	const char *stamp = json_member_string(value, "ts", "");
	CHECK_INT(strlen(stamp), strlen("2026-01-01T00:00:00.000Z"));
	/* Too much is left out field by field; the line stays JSON. */
	bytes = log_caught(line, sizeof line, say_much);
	value = log_line(&arena, line, bytes);
	CHECK_TEXT(json_member_string(value, "event", ""), "much");
	CHECK(json_get(value, "a") != NULL);
	bytes = log_caught(line, sizeof line, say_failure);
	value = log_line(&arena, line, bytes);
	CHECK_TEXT(json_member_string(value, "level", ""), "warn");
	CHECK_TEXT(json_member_string(value, "blame", ""), "busy");
	CHECK_TEXT(json_member_string(value, "code", ""), "db_busy");
	CHECK_TEXT(json_member_string(value, "text", ""), "lock the round: timeout");
	wn_arena_free(&arena);
}

TEST(the_monotonic_clock_does_not_go_back)
{
	int64_t last = clock_monotonic_ms();
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_monotonic_ms();
		CHECK(now >= last);
		last = now;
	}
	CHECK(clock_wall_ms() > 1700000000000);
}
