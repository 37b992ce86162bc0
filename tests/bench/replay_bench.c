/* The journal replayed from a file, and whether a longer one needs more memory. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/vote/scribe.h"

enum { SHORT_DAYS = 2400, LONG_DAYS = 4800, ARENA_BYTES = 64 << 20 };

struct journal_out {
	FILE *file;
	int64_t entries;
};

static bool entry_out(void *context, struct wn_slice entry)
{
	struct journal_out *out = context;
	out->entries++;
	return fwrite(entry.data, 1, entry.bytes, out->file) == entry.bytes && fputc('\n', out->file) != EOF;
}

static bool journal_write(char *path, size_t room, int days, int64_t *entries, struct wn_error *err)
{
	struct journal_out out = {0};
	struct wn_arena arena;
	const char *temporary = getenv("TMPDIR");
	snprintf(path, room, "%s/winnow-bench-%d-%d.ndjson", temporary && *temporary ? temporary : "/tmp",
		(int)getpid(), days);
	out.file = fopen(path, "wxe");
	if (!out.file)
		return wn_fail(err, WN_DOWN, "bench_file", "%s cannot be written", path);
	wn_arena_init(&arena, ARENA_BYTES);
	bool done = scribe_write_days(&arena, days, entry_out, &out);
	wn_arena_free(&arena);
	done = fclose(out.file) == 0 && done;
	*entries = out.entries;
	return done || wn_fail(err, WN_DOWN, "bench_file", "the journal could not be written");
}

static bool replay_once(const char *path, int64_t *cpu_ns, int64_t *peak_kib, struct wn_error *err)
{
	const char *const argv[] = {getenv("WINNOW"), "replay", "--file", path, NULL};
	*cpu_ns = 0;
	return bench_execute(argv, cpu_ns, peak_kib, err);
}

static bool replay_turns(const char *short_path, const char *long_path, int64_t entries, struct wn_error *err)
{
	struct bench_series speed = {.name = "replay of a journal", .unit = "entries/cpu s", .least = 16667};
	struct bench_series memory = {.name = "its peak memory",
		.unit = "KiB",
		.peer = "a journal half as long",
		.most = 1.1};
	for (int turn = 0; turn < BENCH_TURNS; turn++) {
		int64_t cpu_ns, peak_kib, short_ns, short_kib;
		if (!replay_once(short_path, &short_ns, &short_kib, err) ||
			!replay_once(long_path, &cpu_ns, &peak_kib, err))
			return false;
		bench_turn(&speed, (double)entries * 1e9 / (double)cpu_ns, 0);
		bench_turn(&memory, (double)peak_kib, (double)short_kib);
	}
	bench_report(&speed);
	bench_report(&memory);
	return true;
}

bool bench_replay(struct wn_error *err)
{
	char short_path[256], long_path[256];
	int64_t entries;
	bool done = journal_write(short_path, sizeof short_path, SHORT_DAYS, &entries, err) &&
		    journal_write(long_path, sizeof long_path, LONG_DAYS, &entries, err) &&
		    replay_turns(short_path, long_path, entries, err);
	unlink(short_path);
	unlink(long_path);
	return done;
}
