/* The duplicate index as it grows: cost of a post, memory, files and a start at 100,000 leaders and at a million.
 * WINNOW_BENCH_INDEX=5000000 goes on to as many. */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu_embed/linker.h"
#include "tests/gpu_embed/made_posts.h"

/* Posts of a window are made before it is measured: making one takes longer than linking it. */
enum { WINDOW = 1000, WINDOWS = 10, SHINGLES = 100, SEED = 7, AHEAD = 4, KEEP_EVERY = 500, SMALL = 100000, LARGE = 1000000 };

struct index_run {
	char folder[256];
	struct linker *linker;
	struct made_post *posts;
	uint64_t next;
	int64_t filed_ns; /* what went into files and their keys */
};

static void window_make(struct index_run *run)
{
	for (size_t i = 0; i < WINDOW; i++)
		made_post(&run->posts[i], SEED, run->next++, SHINGLES);
}

/* Links the window; the same as the worker does with a batch, and then its files, apart from it. */
static bool window_link(struct index_run *run, double *ns, struct wn_error *err)
{
	struct linker_verdict verdict;
	int64_t linked_ns = 0;
	for (size_t first = 0; first < WINDOW; first += KEEP_EVERY) {
		int64_t start_ns = bench_cpu_self();
		for (size_t i = first; i < first + KEEP_EVERY; i++) {
			if (i + AHEAD < WINDOW)
				linker_prefetch(run->linker, &run->posts[i + AHEAD].post);
			if (!linker_link(run->linker, &run->posts[i].post, &verdict, err))
				return false;
		}
		linked_ns += bench_cpu_self() - start_ns;
		start_ns = bench_cpu_self();
		linker_settle(run->linker);
		run->filed_ns += bench_cpu_self() - start_ns;
	}
	*ns = (double)linked_ns / WINDOW;
	return true;
}

static bool fill(struct index_run *run, size_t leaders, struct wn_error *err)
{
	double ns;
	while (linker_leaders(run->linker) < leaders) {
		window_make(run);
		if (!window_link(run, &ns, err))
			return false;
	}
	return true;
}

static bool windows(struct index_run *run, double ns[BENCH_TURNS], struct wn_error *err)
{
	for (int turn = 0; turn < BENCH_TURNS; turn++) {
		ns[turn] = 0;
		for (int window = 0; window < WINDOWS; window++) {
			double window_ns;
			window_make(run);
			if (!window_link(run, &window_ns, err))
				return false;
			ns[turn] += window_ns / WINDOWS;
		}
	}
	return true;
}

/* A line of /proc/self/status, in KiB. */
static int64_t memory_kib(const char *name)
{
	char line[256];
	int64_t kib = 0;
	FILE *file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0)
			kib = atoll(line + strlen(name) + 1);
	if (file)
		fclose(file);
	return kib;
}

static int64_t folder_bytes(const char *folder)
{
	DIR *listed = opendir(folder);
	struct dirent *entry;
	struct stat about;
	int64_t bytes = 0;
	while (listed && (entry = readdir(listed)))
		if (fstatat(dirfd(listed), entry->d_name, &about, 0) == 0 && S_ISREG(about.st_mode))
			bytes += about.st_size;
	if (listed)
		closedir(listed);
	return bytes;
}

/* Closed and opened again, up to the first verdict. */
static bool start_again(struct index_run *run, double *seconds, struct wn_error *err)
{
	const struct linker_mark *marks;
	struct linker_verdict verdict;
	size_t leaders = linker_leaders(run->linker);
	linker_close(run->linker);
	run->linker = NULL;
	double start = bench_seconds();
	if (!linker_open_folder(&run->linker, run->folder, 0, err) ||
		!linker_start(run->linker, linker_marks(run->linker, &marks), err) ||
		!linker_link(run->linker, &run->posts[0].post, &verdict, err))
		return false;
	*seconds = bench_seconds() - start;
	/* What is missing is the last, unfinished segment: it comes from the database. */
	return linker_leaders(run->linker) + (1 << 14) > leaders ||
	       wn_fail(err, WN_DOWN, "bench_index", "leaders are missing after a start");
}

static bool run_size(struct index_run *run, size_t leaders, const double small[BENCH_TURNS], struct wn_error *err)
{
	static char labels[2][2][BENCH_LABEL_MAX];
	char(*label)[BENCH_LABEL_MAX] = labels[leaders > LARGE];
	double ns[BENCH_TURNS], seconds;
	int64_t anonymous = memory_kib("RssAnon:"), mapped = memory_kib("RssFile:");
	if (!fill(run, leaders, err) || !windows(run, ns, err))
		return false;
	snprintf(label[0], BENCH_LABEL_MAX, "index, a post at %.1f M leaders", (double)leaders / 1e6);
	struct bench_series flat = {.name = label[0], .unit = "cpu ns", .peer = "at 100,000", .most = 1.3};
	for (int turn = 0; turn < BENCH_TURNS; turn++)
		bench_turn(&flat, ns[turn], small[turn]);
	bench_report(&flat);
	double each = (double)linker_leaders(run->linker);
	bench_note(
		"index: at %.1f M leaders %.0f bytes each in files, %.0f of memory, %.0f mapped; files and keys took "
		"%.0f ns of CPU a leader",
		each / 1e6, (double)folder_bytes(run->folder) / each,
		(double)(memory_kib("RssAnon:") - anonymous) * 1024 / each,
		(double)(memory_kib("RssFile:") - mapped) * 1024 / each, (double)run->filed_ns / each);
	snprintf(label[1], BENCH_LABEL_MAX, "index, a start with %.1f M leaders", (double)leaders / 1e6);
	struct bench_series start = {.name = label[1], .unit = "s", .most = leaders > LARGE ? 5 : 1};
	for (int turn = 0; turn < BENCH_TURNS; turn++) {
		if (!start_again(run, &seconds, err))
			return false;
		bench_turn(&start, seconds, 0);
	}
	bench_report(&start);
	return true;
}

bool bench_index(struct wn_error *err)
{
	struct index_run run = {.posts = calloc(WINDOW, sizeof *run.posts)};
	const char *temporary = getenv("TMPDIR"), *more = getenv("WINNOW_BENCH_INDEX");
	double small[BENCH_TURNS];
	size_t most = more ? (size_t)atoll(more) : 0;
	snprintf(run.folder, sizeof run.folder, "%s/winnow-bench-index-%d",
		temporary && *temporary ? temporary : "/tmp", (int)getpid());
	bool done = run.posts && linker_open_folder(&run.linker, run.folder, 0, err) &&
		    linker_start(run.linker, 0, err) && fill(&run, SMALL, err) && windows(&run, small, err) &&
		    run_size(&run, LARGE, small, err) && (most <= LARGE || run_size(&run, most, small, err));
	linker_close(run.linker);
	linker_forget(run.folder);
	rmdir(run.folder);
	free(run.posts);
	return done;
}
