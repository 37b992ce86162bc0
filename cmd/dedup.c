/* `winnow dedup`: what a node's duplicate check says of any file of lines, without a node. */
#include "cmd/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "cmd/dedup_run.h"
#include "core/clock.h"
#include "core/json.h"
#include "gpu_embed/crew.h"
#include "gpu_embed/embed_spec.h"

enum { DEDUP_PROGRESS_MS = 200, DEDUP_THREADS_USUAL = 8, DEDUP_DIGITS_MAX = 6 };

struct dedup_shown {
	int64_t started_ms, shown_ms;
};

static void dedup_show(void *context, int64_t lines, int thousandths)
{
	struct dedup_shown *shown = context;
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - shown->started_ms + 1;
	char part[48] = "";
	if (now_ms - shown->shown_ms < DEDUP_PROGRESS_MS)
		return;
	shown->shown_ms = now_ms;
	if (thousandths > 0)
		snprintf(part, sizeof part, ", %d.%d %%, %" PRId64 " s left", thousandths / 10, thousandths % 10,
			spent_ms * (1000 - thousandths) / thousandths / 1000);
	fprintf(stderr, "\r%" PRId64 " lines, %" PRId64 " a second%s   ", lines, lines * 1000 / spent_ms, part);
}

/* "0.7", "7/10" or "1": a fraction, exactly. */
static bool threshold_read(const char *text, int *numerator, int *denominator, struct wn_error *err)
{
	const char *digits = "0123456789";
	size_t whole = strspn(text, digits), rest = text[whole] ? strspn(text + whole + 1, digits) : 0;
	char mark = text[whole];
	bool good = whole >= 1 && whole <= DEDUP_DIGITS_MAX && rest <= DEDUP_DIGITS_MAX &&
		    (mark == '\0' || ((mark == '.' || mark == '/') && rest >= 1 && text[whole + 1 + rest] == '\0'));
	int first = good ? atoi(text) : 0, second = good && rest ? atoi(text + whole + 1) : 0;
	*numerator = first;
	*denominator = mark == '/' ? second : 1;
	for (size_t i = 0; good && mark == '.' && i < rest; i++)
		*denominator *= 10;
	if (mark == '.')
		*numerator = first == 0 ? second : first == 1 && second == 0 ? *denominator : *denominator + 1;
	return (good && *numerator > 0 && *numerator <= *denominator) ||
	       wn_fail(err, WN_INPUT, "dedup_threshold",
		       "the threshold is a number above 0 and up to 1, as 0.7 or 7/10, not \"%.40s\"", text);
}

/* ---- the summary ---- */

struct dedup_spent {
	double seconds, cpu_seconds;
	int64_t peak_bytes;
};

static void spent_read(int64_t started_ms, struct dedup_spent *out)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	out->seconds = (double)(clock_monotonic_ms() - started_ms) / 1000;
	out->cpu_seconds = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
			   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	out->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
}

static void summary_json(FILE *out, const struct dedup_plan *plan, const struct dedup_summary *sum,
	const struct dedup_spent *spent, const struct wn_error *failure)
{
	fprintf(out,
		"{\"summary\":{\"lines\":%" PRId64 ",\"texts\":%" PRId64 ",\"bad\":%" PRId64 ",\"origins\":%" PRId64
		",\"exact\":%" PRId64 ",\"norm\":%" PRId64 ",\"minhash\":%" PRId64 ",\"text_bytes\":%" PRId64
		",\"threshold\":\"%d/%d\",\"spec_version\":%d,\"unicode\":\"%s\",\"threads\":%u,\"seconds\":%.3f,"
		"\"cpu_seconds\":%.3f,\"texts_per_second\":%.0f,\"peak_memory_bytes\":%" PRId64 "%s%s%s}}\n",
		sum->lines, sum->texts, sum->bad, sum->origins, sum->exact, sum->normalised, sum->near, sum->text_bytes,
		plan->numerator, plan->denominator, EMBED_SPEC_VERSION, EMBED_UNICODE, plan->threads, spent->seconds,
		spent->cpu_seconds, (double)sum->texts / (spent->seconds > 0 ? spent->seconds : 0.001),
		spent->peak_bytes, failure ? ",\"failed\":\"" : "", failure ? failure->code : "", failure ? "\"" : "");
}

static void summary_words(
	FILE *out, const struct dedup_plan *plan, const struct dedup_summary *sum, const struct dedup_spent *spent)
{
	int64_t repeats = sum->exact + sum->normalised + sum->near;
	fprintf(out,
		"%" PRId64 " lines, %" PRId64 " texts, %" PRId64 " bad lines\n"
		"%" PRId64 " texts repeat an earlier one: %" PRId64 " exactly, %" PRId64 " once normalised, %" PRId64
		" by at least %d/%d of their shingles\n"
		"%" PRId64 " are the first of their kind\n"
		"%.3f s, %.0f texts a second, %u threads, at most %" PRId64 " MB of memory\n",
		sum->lines, sum->texts, sum->bad, repeats, sum->exact, sum->normalised, sum->near, plan->numerator,
		plan->denominator, sum->origins, spent->seconds,
		(double)sum->texts / (spent->seconds > 0 ? spent->seconds : 0.001), plan->threads,
		spent->peak_bytes / 1000000);
}

/* ---- the command ---- */

static bool plan_read(const struct options *options, const char *path, struct dedup_plan *plan, struct wn_error *err)
{
	int64_t threads = option_integer(options, "threads");
	*plan = (struct dedup_plan){.path = path,
		.field = option_text(options, "field"),
		.id = option_text(options, "id"),
		.threads = threads ? (unsigned)threads : crew_usual(DEDUP_THREADS_USUAL),
		.chunk_lines = DEDUP_CHUNK_LINES};
	if (strlen(plan->field) >= DEDUP_FIELD_MAX || strlen(plan->id) >= DEDUP_FIELD_MAX)
		return wn_fail(
			err, WN_INPUT, "dedup_field", "names of members have at most %d bytes", DEDUP_FIELD_MAX - 1);
	return threshold_read(option_text(options, "threshold"), &plan->numerator, &plan->denominator, err);
}

static int dedup_command(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct dedup_plan plan;
	struct dedup_summary sum;
	struct dedup_spent spent;
	struct dedup_shown shown = {clock_monotonic_ms(), 0};
	const char *path = option_text(options, "out");
	bool json = option_bool(options, "json");
	if (argc != 1)
		return command_usage(&command_dedup);
	if (!plan_read(options, argv[0], &plan, &err)) {
		command_failed(&err);
		return EXIT_USAGE;
	}
	plan.out = path ? fopen(path, "we") : stdout;
	if (!plan.out) {
		wn_fail(&err, WN_INPUT, "file_open", "%s: %s", path, strerror(errno));
		return command_failed(&err);
	}
	/* A terminal that shows the lines themselves needs no second thing to move on it. */
	bool shows = isatty(STDERR_FILENO) && (path || !isatty(STDOUT_FILENO));
	plan.progress = shows ? dedup_show : NULL;
	plan.context = &shown;
	bool good = dedup_run(&plan, &sum, &err);
	spent_read(shown.started_ms, &spent);
	if (shows)
		fprintf(stderr, "\r%60s\r", "");
	summary_json(plan.out, &plan, &sum, &spent, good ? NULL : &err);
	if (json && path)
		summary_json(stdout, &plan, &sum, &spent, good ? NULL : &err);
	else if (!json)
		summary_words(path ? stdout : stderr, &plan, &sum, &spent);
	if ((path ? fclose(plan.out) : fflush(plan.out)) != 0 && good)
		good = wn_fail(
			&err, WN_DOWN, "dedup_write", "%s: %s", path ? path : "the standard output", strerror(errno));
	return good ? EXIT_DONE : command_failed(&err);
}

static const struct option dedup_options[] = {
	{"out", OPTION_TEXT, NULL, 0, 0, "file for the result (default: the standard output)"},
	{"field", OPTION_TEXT, "text", 0, 0,
		"member of each line's object that holds the text; a dot leads into an object within: data.text"},
	{"id", OPTION_TEXT, "id", 0, 0, "member that names a line in the result, a string or a number"},
	{"threshold", OPTION_TEXT, "0.7", 0, 0,
		"Jaccard of the shingle sets from which a text repeats another: 0.7 or 7/10"},
	{"threads", OPTION_INTEGER, "0", 0, CREW_THREADS_MAX,
		"threads that read and sign (0: one a processor, at most 8); the result is the same for any number"},
	{"json", OPTION_BOOL, "false", 0, 0, "print nothing but JSON: the summary as an object, not in words"},
	{.name = NULL},
};
static const char *const dedup_help[] = {
	"FILE holds one JSON object a line, plain or gzip (- is the standard input). No database, no node, no network.",
	"",
	"The result has one line for every line of FILE, in the same order, and a summary last:",
	"  "
	"{\"line\":7,\"id\":\"a9\",\"origin\":3,\"cluster\":3,\"method\":\"minhash\",\"numerator\":61,\"denominator\":"
	"74}",
	"  {\"line\":8,\"id\":null,\"code\":\"json_syntax\",\"detail\":\"...\"}",
	"  {\"summary\":{\"lines\":8, ... ,\"seconds\":0.1,\"texts_per_second\":80,\"peak_memory_bytes\":30000000}}",
	"",
	"origin   the first line that this one repeats; its own number where it repeats none",
	"cluster  the least line of all that it repeats",
	"method   none: the first of its kind; exact: the same bytes; norm: the same once normalised; minhash: of the",
	"         shingles of both, numerator are in common and denominator in either, counted exactly",
	"code     why a line has no verdict: dedup_no_text, dedup_long, dedup_blank, or what is wrong with its JSON",
	"",
	"Keep what is first: winnow dedup posts.ndjson.gz | grep '\"method\":\"none\"'",
	"The same input gives the same lines, whatever the threads and the machine. The rule, and how to check a "
	"result "
	"with",
	"nothing but Python: docs/dedup.md. Exit status 0, also where lines were bad; 1 when FILE could not be read to "
	"its end.",
	NULL,
};

const struct command command_dedup = {
	.name = "dedup",
	.usage = "dedup FILE [--out FILE] [--field NAME] [--threshold T] [--threads N] [--json]",
	.summary = "find the duplicates in a file of posts, offline",
	.help = dedup_help,
	.options = dedup_options,
	.run = dedup_command,
};
