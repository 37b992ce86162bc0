/* `winnow backtest`: the whole main job over a recorded campaign, and what came of it. */
#include "cmd/command.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/backtest_run.h"
#include "cmd/client.h"
#include "cmd/download_version.h"
#include "cmd/release_version.h"
#include "core/clock.h"
#include "dataset/dataset_verify.h"

enum {
	BACKTEST_RECORDING_ARENA = 2000 * 1024 * 1024,
	BACKTEST_POLICY_MAX = 65536,
	BACKTEST_PROGRESS_MS = 200,
	BACKTEST_MAJORITY_VOTES = 8
};

struct backtest_report {
	int64_t duplicates, planted, planted_found, accepted, rejected, voided, judged, panel_votes;
	int64_t known, right;
	int64_t accuracy_ppm, majority_ppm;
	char dataset[NODE_PATH_MAX];
	char public_key[MINISIGN_PUBLIC_ROOM];
	struct sha256 row_root;
	int64_t rows;
	int64_t milliseconds;
};

/* ---- progress -----------------------------------------------------------------------------------------------------
 */

struct progress {
	int64_t started_ms, shown_ms;
	bool terminal;
};

static void progress_show(void *context, const char *doing, int64_t done, int64_t all)
{
	struct progress *progress = context;
	int64_t now_ms = clock_monotonic_ms();
	if (!progress->terminal || now_ms - progress->shown_ms < BACKTEST_PROGRESS_MS)
		return;
	progress->shown_ms = now_ms;
	fprintf(stderr, "\r\033[K%5.1f s  %s %" PRId64 " of %" PRId64, (double)(now_ms - progress->started_ms) / 1000,
		doing, done, all);
}

static void progress_end(struct progress *progress)
{
	if (progress->terminal)
		fprintf(stderr, "\r\033[K");
}

/* ---- what came of it ------------------------------------------------------------------------------------------------
 */

/* An item repeats what was planted: the second contributor's own, and its origin is the post that it was made from. */
static void duplicates_count(const struct backtest *run, struct backtest_report *report)
{
	size_t posts = run->recording->post_count;
	report->planted = (int64_t)run->plant_count;
	for (size_t i = 0; i < run->item_count; i++) {
		const struct backtest_item *item = &run->items[i];
		report->duplicates += item->duplicate;
		if (i >= posts && item->duplicate)
			report->planted_found +=
				memcmp(item->origin.bytes, run->items[run->plants[i - posts].post].id.bytes,
					ID_BYTES) == 0;
	}
}

static void verdicts_count(const struct backtest *run, struct backtest_report *report)
{
	const struct recording *recording = run->recording;
	for (size_t i = 0; i < recording->post_count; i++) {
		const struct backtest_item *item = &run->items[i];
		report->accepted += strcmp(item->state, "accepted") == 0;
		report->rejected += strcmp(item->state, "rejected") == 0;
		report->voided += strcmp(item->state, "void") == 0;
		report->judged += !item->duplicate;
		report->panel_votes += item->panel_votes;
		if (recording->posts[i].truth < 0)
			continue;
		report->known++;
		report->right += item->class == recording->posts[i].truth;
	}
	report->accuracy_ppm = report->known ? report->right * 1000000 / report->known : 0;
	report->majority_ppm = recording_majority_ppm(recording, BACKTEST_MAJORITY_VOTES);
}

/* The version as a lab gets it: over HTTP into a folder, verified there with the key that the network's genesis names.
 */
static bool dataset_take(struct backtest *run, const char *out, struct backtest_report *report, struct wn_error *err)
{
	const char *name = run->recording->campaign.name;
	struct release_answer release = {0};
	struct dataset_report verified;
	struct minisign_public key;
	struct release_wish wish = {.name = name, .campaign = name};
	wn_arena_reset(&run->arena);
	if (!release_version(run->node.operator, & run->arena, &wish, &release, err))
		return wn_while(err, "release the dataset");
	if (!download_version(run->node.api, &run->arena, name, release.version, out, NULL, err))
		return wn_while(err, "download the dataset");
	if (!verify_key_read(release.public_key, &key, err) ||
		!dataset_verify(&run->arena, out, &key, NULL, &verified, err))
		return wn_while(err, "verify the dataset");
	snprintf(report->public_key, sizeof report->public_key, "%s", release.public_key);
	snprintf(report->dataset, sizeof report->dataset, "%s", out);
	report->row_root = verified.row_root;
	report->rows = verified.rows;
	return true;
}

static void ppm_put(struct json_writer *writer, const char *name, int64_t ppm)
{
	char text[32];
	int bytes = snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, ppm / 1000000, ppm % 1000000);
	json_put_raw(writer, name, (struct wn_slice){text, (size_t)bytes});
}

static bool report_json(struct backtest *run, const struct backtest_report *report, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	char seconds[32];
	json_begin(&writer, &run->arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "campaign", run->recording->campaign.name);
	json_put_integer(&writer, "items", (int64_t)run->item_count);
	json_put_integer(&writer, "duplicates", report->duplicates);
	json_put_integer(&writer, "planted", report->planted);
	json_put_integer(&writer, "planted_found", report->planted_found);
	json_put_integer(&writer, "votes", run->votes_cast + run->audit_votes);
	json_put_integer(&writer, "accepted", report->accepted);
	json_put_integer(&writer, "rejected", report->rejected);
	json_put_integer(&writer, "void", report->voided);
	ppm_put(&writer, "votes_per_item", report->judged ? report->panel_votes * 1000000 / report->judged : 0);
	if (run->recording->has_truth) {
		ppm_put(&writer, "accuracy", report->accuracy_ppm);
		ppm_put(&writer, "majority_accuracy", report->majority_ppm);
	}
	json_put_integer(&writer, "audit_votes", run->audit_votes);
	json_put_integer(&writer, "epochs", run->epochs_closed);
	json_put_amount(&writer, "minted_units", run->minted_units);
	json_put_bool(&writer, "ledger_balanced", run->ledger_balanced);
	json_put_integer(&writer, "rows", report->rows);
	json_put_hex(&writer, "row_root", report->row_root.bytes, ID_BYTES);
	json_put_hex(&writer, "claims_root", run->claims_root.bytes, ID_BYTES);
	json_put_string(&writer, "dataset", report->dataset);
	json_put_string(&writer, "public_key", report->public_key);
	json_put_integer(&writer, "seed", (int64_t)run->seed);
	int bytes = snprintf(seconds, sizeof seconds, "%" PRId64 ".%03" PRId64, report->milliseconds / 1000,
		report->milliseconds % 1000);
	json_put_raw(&writer, "seconds", (struct wn_slice){seconds, (size_t)bytes});
	json_close_object(&writer);
	if (!json_end(&writer, &text, err))
		return false;
	printf("%.*s\n", (int)text.bytes, text.data);
	return true;
}

static void report_words(const struct backtest *run, const struct backtest_report *report)
{
	char minted[32];
	printf("%-18s %zu posts and repeats, %zu validators\n", run->recording->campaign.name, run->item_count,
		run->recording->worker_count);
	printf("repeats            %" PRId64 " found; %" PRId64 " of %" PRId64 " that were planted\n",
		report->duplicates, report->planted_found, report->planted);
	printf("verdicts           %" PRId64 " accepted, %" PRId64 " rejected, %" PRId64 " undecided\n",
		report->accepted, report->rejected, report->voided);
	printf("votes              %.2f a post, and %" PRId64 " on known-answer items\n",
		report->judged ? (double)report->panel_votes / (double)report->judged : 0.0, run->audit_votes);
	if (run->recording->has_truth)
		printf("right              %.1f %% of %" PRId64
		       " known answers (the majority of the first %d votes: %.1f %%)\n",
			(double)report->accuracy_ppm / 10000, report->known, BACKTEST_MAJORITY_VOTES,
			(double)report->majority_ppm / 10000);
	printf("minted             %s WIN\n", amount_write(minted, run->minted_units));
	printf("dataset            %" PRId64 " rows in %s\n", report->rows, report->dataset);
	printf("check it           minisign -Vm %s/manifest.json -P %s\n", report->dataset, report->public_key);
}

/* ---- the command ----------------------------------------------------------------------------------------------------
 */

static bool policy_read(struct wn_arena *arena, const char *path, struct policy *out, struct wn_error *err)
{
	policy_default(out);
	if (!path)
		return true;
	FILE *file = fopen(path, "re");
	char *text = wn_arena_alloc(arena, BACKTEST_POLICY_MAX);
	const struct json *value;
	if (!file || !text) {
		if (file)
			fclose(file);
		return wn_fail(err, WN_INPUT, "policy_file", "open %s: %s", path, strerror(errno));
	}
	size_t bytes = fread(text, 1, BACKTEST_POLICY_MAX, file);
	fclose(file);
	return (json_parse(arena, text, bytes, &value, err) && policy_parse(value, out, err)) ||
	       wn_while(err, "read %s", path);
}

/* Where the dataset goes: the folder that was asked for, or a fresh one. */
static bool out_choose(const char *given, char out[NODE_PATH_MAX], struct wn_error *err)
{
	const char *temporary = getenv("TMPDIR");
	if (given) {
		struct stat about;
		if (stat(given, &about) == 0)
			return wn_fail(err, WN_INPUT, "out_exists", "%s exists: name a folder that does not", given);
		snprintf(out, NODE_PATH_MAX, "%s", given);
		return true;
	}
	snprintf(out, NODE_PATH_MAX,
		"%s/winnow-dataset-XX"
		"XX"
		"XX",
		temporary && *temporary ? temporary : "/tmp");
	if (!mkdtemp(out) || rmdir(out) != 0)
		return wn_fail(err, WN_DOWN, "out_folder", "make %s: %s", out, strerror(errno));
	return true;
}

static void on_interrupt(int number)
{
	(void)number;
	backtest_stop = 1;
}

static int backtest_run(const struct options *options, int argc, char **argv)
{
	static struct backtest run;
	static struct recording recording;
	struct wn_error err = {0};
	struct wn_arena arena;
	struct policy policy;
	struct backtest_report report = {0};
	struct progress progress = {.started_ms = clock_monotonic_ms(), .terminal = isatty(STDERR_FILENO)};
	char out[NODE_PATH_MAX];
	if (argc != 1)
		return command_usage(&command_backtest);
	sign_start();
	sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_interrupt}, NULL);
	wn_arena_init(&arena, BACKTEST_RECORDING_ARENA);
	if (!recording_read(&arena, argv[0], &recording, &err) ||
		!policy_read(&arena, option_text(options, "policy"), &policy, &err) ||
		!out_choose(option_text(options, "out"), out, &err)) {
		wn_arena_free(&arena);
		return command_failed(&err);
	}
	run.progress = progress_show;
	run.progress_context = &progress;
	bool done = backtest_open(&run, &recording, &policy, (uint64_t)option_integer(options, "seed"), &err) &&
		    backtest_submit(&run, &err) && backtest_judge(&run, &err) &&
		    dataset_take(&run, out, &report, &err) && backtest_collect(&run, &err);
	progress_end(&progress);
	if (done) {
		duplicates_count(&run, &report);
		verdicts_count(&run, &report);
		report.milliseconds = clock_monotonic_ms() - progress.started_ms;
		if (!option_bool(options, "json"))
			report_words(&run, &report);
		done = report_json(&run, &report, &err);
	}
	bool keep = option_bool(options, "keep");
	if (keep && run.node.folder[0])
		fprintf(stderr, "winnow: the node's state stays in %s\n", run.node.folder);
	backtest_close(&run, keep);
	wn_arena_free(&arena);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option backtest_options[] = {
	{"out", OPTION_TEXT, NULL, 0, 0, "folder for the dataset; it must not exist (default: a fresh temporary one)"},
	{"policy", OPTION_TEXT, NULL, 0, 0, "policy to try, as JSON (winnow config --genesis shows its members)"},
	{"seed", OPTION_INTEGER, "1", 0, INT64_MAX,
		"keys, salts and planted repeats follow from it: the same seed, the same result"},
	{"json", OPTION_BOOL, "false", 0, 0, "print the JSON object only"},
	{"keep", OPTION_BOOL, "false", 0, 0, "leave the node's state folder and log for a look"},
	{.name = NULL},
};
static const char *const backtest_help[] = {
	"DIR holds posts.ndjson (id, text), votes.csv (post, worker, choice), campaign.json and, where answers are "
	"known, truth.csv",
	"(post, choice). A fresh node with a clock of its own takes the posts over HTTP, a key for every worker casts "
	"the recorded votes",
	"as sealed and opened ballots, epochs close, tokens are minted, a dataset is released, downloaded and "
	"verified. 60 repeats are",
	"planted to see that they are found. The last line is one JSON object.",
	NULL,
};

const struct command command_backtest = {
	.name = "backtest",
	.usage = "backtest DIR [--out DIR] [--policy FILE] [--seed N] [--json]",
	.summary = "run a recorded campaign through a node of its own",
	.help = backtest_help,
	.options = backtest_options,
	.run = backtest_run,
};
