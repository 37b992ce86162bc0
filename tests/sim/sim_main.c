/* `make sim`: seeds by turns in processes of their own until so many operations are done; a breach is made small. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/driver.h"
#include "tests/sim/incentives.h"
#include "tests/sim/oracle.h"
#include "tests/sim/shrink.h"

enum {
	JOBS_MAX = 64,
	OPERATIONS_MOST = 32000, /* of one seed */
	SHRINK_RUNS = 600,
	SHRINK_SECONDS = 60,
	RUN_SECONDS = 1800,
	LIST_MOST = 400, /* characters of a list that is printed; a longer one becomes a file */
	TEST_OPERATIONS = 1000000,
	INCENTIVE_SEEDS = 3,
};

struct options_given {
	uint64_t seed, total;
	uint32_t most;
	int jobs;
	bool seeded, many, incentives, shrinks;
	const char *keep;
};

static struct beacons beacons;
static struct oracle_report *reports; /* shared with the children: one a job, and one more */
static const char *program;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- children ---- */

static int child_end(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A death that no oracle reported is one of its own: an assertion, a sanitizer. */
static void report_settle(struct oracle_report *report, int status)
{
	if (status != 0 && report->oracle == ORACLE_NONE) {
		report->oracle = ORACLE_PROMISE;
		snprintf(report->text, sizeof report->text, "the process ended with %d", status);
	}
}

static void seeds_run(const struct options_given *given, int job)
{
	const struct kept kept = {.all = true};
	uint64_t share = given->total / (uint64_t)given->jobs;
	oracle_report = &reports[job];
	for (uint64_t seed = given->seed + (uint64_t)job; reports[job].operations < share;
		seed += (uint64_t)given->jobs) {
		struct plan plan;
		plan_from_seed(&plan, seed, given->most);
		drive(&plan, &beacons, &kept);
	}
}

/* Adds up what the jobs met; `all` names the first breach. */
static void reports_add(struct oracle_report *all, const struct oracle_report *one)
{
	all->operations += one->operations;
	for (int i = 0; i < SIGHTS; i++)
		all->sights[i] += one->sights[i];
	for (int i = 0; i < BALLOT_RESULTS; i++)
		all->ballots[i] += one->ballots[i];
	for (int i = 0; i < TRANSFER_RESULTS; i++)
		all->transfers[i] += one->transfers[i];
	if (all->oracle != ORACLE_NONE || one->oracle == ORACLE_NONE)
		return;
	all->oracle = one->oracle;
	all->seed = one->seed;
	all->at = one->at;
	memcpy(all->text, one->text, sizeof all->text);
}

static bool seeds_hold(const struct options_given *given, struct oracle_report *all)
{
	pid_t children[JOBS_MAX];
	memset(all, 0, sizeof *all);
	fflush(NULL);
	for (int job = 0; job < given->jobs; job++) {
		memset(&reports[job], 0, sizeof reports[job]);
		children[job] = fork();
		if (children[job] == 0) {
			alarm(RUN_SECONDS);
			seeds_run(given, job);
			_exit(0);
		}
	}
	for (int job = 0; job < given->jobs; job++) {
		report_settle(&reports[job], children[job] > 0 ? child_end(children[job]) : -1);
		reports_add(all, &reports[job]);
	}
	return all->oracle == ORACLE_NONE;
}

/* One seed with some of its operations; the last report tells how it went. */
static bool one_holds(uint64_t seed, uint32_t most, const struct kept *kept)
{
	struct oracle_report *report = &reports[JOBS_MAX];
	memset(report, 0, sizeof *report);
	report->seed = seed;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct plan plan;
		alarm(RUN_SECONDS);
		oracle_report = report;
		plan_from_seed(&plan, seed, most);
		drive(&plan, &beacons, kept);
		_exit(0);
	}
	report_settle(report, child > 0 ? child_end(child) : -1);
	return report->oracle == ORACLE_NONE;
}

static bool incentives_hold(uint64_t seed, int seeds)
{
	struct oracle_report *report = &reports[JOBS_MAX];
	memset(report, 0, sizeof *report);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		alarm(RUN_SECONDS);
		oracle_report = report;
		incentives_check(&beacons, seed, seeds);
		_exit(0);
	}
	report_settle(report, child > 0 ? child_end(child) : -1);
	return report->oracle == ORACLE_NONE;
}

/* ---- making a breach small ---- */

struct breach {
	uint64_t seed;
	uint32_t most;
	enum oracle oracle;
};

static bool breach_stays(void *context, const struct kept *kept)
{
	const struct breach *breach = context;
	return !one_holds(breach->seed, breach->most, kept) && reports[JOBS_MAX].oracle == breach->oracle;
}

static void replay_print(const struct breach *breach, const struct kept *kept, uint32_t operations)
{
	char name[64], *list = NULL;
	size_t characters = 0;
	FILE *memory = open_memstream(&list, &characters);
	if (!memory)
		return;
	kept_print(kept, operations, memory);
	fclose(memory);
	bool silent = oracle_silent != ORACLE_NONE;
	printf("%u of %u operations are enough: %s --seed %" PRIu64 " --ops %u%s%s --keep ",
		kept_count(kept, operations), operations, program, breach->seed, breach->most,
		silent ? " --without " : "", silent ? oracle_name(oracle_silent) : "");
	snprintf(name, sizeof name, "sim-%" PRIu64 ".keep", breach->seed);
	FILE *file = characters > LIST_MOST ? fopen(name, "we") : NULL;
	if (file)
		fprintf(file, "%s\n", list);
	printf("%s\n", file ? name : list);
	if (file)
		fclose(file);
	free(list);
}

static void breach_shrink(const struct options_given *given, const struct oracle_report *report)
{
	struct breach breach = {report->seed, given->most, report->oracle};
	struct plan plan;
	plan_from_seed(&plan, breach.seed, breach.most);
	uint32_t end = report->at + 1 < plan.operations ? report->at + 1 : plan.operations;
	struct kept kept = {.flags = calloc(plan.operations, 1)};
	int loud = dup(STDERR_FILENO);
	if (!kept.flags || loud < 0 || !freopen("/dev/null", "w", stderr))
		exit(2);
	shrink(&kept, plan.operations, end, SHRINK_RUNS, SHRINK_SECONDS, breach_stays, &breach);
	dup2(loud, STDERR_FILENO);
	close(loud);
	replay_print(&breach, &kept, plan.operations);
	free(kept.flags);
}

/* ---- what was met ---- */

static void met_print(const struct oracle_report *all)
{
	for (int i = 0; i < SIGHTS; i++)
		printf("  %-45s %12" PRIu64 "\n", sight_name((enum sight)i), all->sights[i]);
	for (int i = 0; i < BALLOT_RESULTS; i++)
		printf("  votes answered %-30s %12" PRIu64 "\n", ballot_answer((enum ballot_result)i)->word,
			all->ballots[i]);
	for (int i = 0; i < TRANSFER_RESULTS; i++)
		printf("  transfers answered %-26s %12" PRIu64 "\n", transfer_result_name((enum transfer_result)i),
			all->transfers[i]);
}

/* The name of something that never came about, or NULL. */
static const char *unmet(const struct oracle_report *all)
{
	for (int i = 0; i < SIGHTS; i++)
		if (all->sights[i] == 0)
			return sight_name((enum sight)i);
	for (int i = 0; i < BALLOT_RESULTS; i++)
		if (all->ballots[i] == 0)
			return ballot_answer((enum ballot_result)i)->word;
	for (int i = 0; i < TRANSFER_RESULTS; i++)
		if (all->transfers[i] == 0)
			return transfer_result_name((enum transfer_result)i);
	return NULL;
}

/* ---- in make test ---- */

static int passed, failed;

static void sentence(const char *words, bool held, const struct oracle_report *report)
{
	passed += held;
	failed += !held;
	printf("%s %s\n", held ? "ok  " : "FAIL", words);
	if (!held && report)
		printf("  oracle %s, seed %" PRIu64 ", operation %u: %s\n", oracle_name(report->oracle), report->seed,
			report->at, report->text);
}

/* Stands in for a seed: breaks as long as three operations are there. */
static bool three_there(void *context, const struct kept *kept)
{
	++*(int *)context;
	return kept->flags[17] && kept->flags[4711] && kept->flags[15000];
}

static bool shrinking_works(void)
{
	static uint8_t flags[OPERATIONS_MOST], read[OPERATIONS_MOST];
	struct kept kept = {.flags = flags}, again = {.flags = read};
	int runs = 0;
	char *list = NULL;
	size_t characters = 0;
	shrink(&kept, OPERATIONS_MOST, OPERATIONS_MOST - 500, SHRINK_RUNS, SHRINK_SECONDS, three_there, &runs);
	flags[18] = flags[19] = 1;
	FILE *memory = open_memstream(&list, &characters);
	if (!memory)
		return false;
	kept_print(&kept, OPERATIONS_MOST, memory);
	fclose(memory);
	bool fits = strcmp(list, "17-19,4711,15000") == 0 && kept_read(list, &again, OPERATIONS_MOST) &&
		    memcmp(flags, read, sizeof flags) == 0 && runs < SHRINK_RUNS;
	free(list);
	return fits && !kept_read("17-3", &again, OPERATIONS_MOST) && !kept_read("/", &again, OPERATIONS_MOST);
}

/* The same seed twice meets the same, to the last command. */
static bool seed_repeats(uint64_t seed)
{
	const struct kept kept = {.all = true};
	struct oracle_report first;
	if (!one_holds(seed, OPERATIONS_MOST, &kept))
		return false;
	first = reports[JOBS_MAX];
	return one_holds(seed, OPERATIONS_MOST, &kept) && memcmp(&first, &reports[JOBS_MAX], sizeof first) == 0;
}

static int tests_run(struct options_given given)
{
	struct oracle_report all;
	double started = seconds();
	given.total = TEST_OPERATIONS;
	sentence("a million operations with losses, repetitions and crashes break no oracle", seeds_hold(&given, &all),
		&all);
	printf("  %" PRIu64 " operations in %.1f s\n", all.operations, seconds() - started);
	sentence("a million operations meet everything that the rules can say", unmet(&all) == NULL, NULL);
	if (unmet(&all))
		printf("  never met: %s\n", unmet(&all));
	sentence("a seed gives the same run every time", seed_repeats(7), &reports[JOBS_MAX]);
	sentence("three operations that break something are found among thirty-two thousand", shrinking_works(), NULL);
	sentence("laziness, guessing, copying, inverting and many names do not pay",
		incentives_hold(1, INCENTIVE_SEEDS), &reports[JOBS_MAX]);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed > 0;
}

/* ---- by hand and in make sim ---- */

static int many_run(const struct options_given *given)
{
	struct oracle_report all;
	double started = seconds();
	bool held = seeds_hold(given, &all);
	double took = seconds() - started;
	if (held)
		met_print(&all);
	printf("%" PRIu64 " operations of seeds from %" PRIu64 " in %.1f s by %d processes, %d violations\n",
		all.operations, given->seed, took, given->jobs, !held);
	if (held)
		return 0;
	printf("oracle %s, seed %" PRIu64 ", operation %u: %s\n", oracle_name(all.oracle), all.seed, all.at, all.text);
	if (given->shrinks)
		breach_shrink(given, &all);
	else
		printf("%s --seed %" PRIu64 " --ops %u\n", program, all.seed, given->most);
	return 1;
}

static int one_run(const struct options_given *given)
{
	struct plan plan;
	struct oracle_report *report = &reports[JOBS_MAX];
	plan_from_seed(&plan, given->seed, given->most);
	struct kept kept = {.all = true, .flags = calloc(plan.operations, 1)};
	if (!kept.flags || (given->keep && !kept_read(given->keep, &kept, plan.operations))) {
		fprintf(stderr, "sim: --keep takes 3,17,40-52 or a file that holds such a list\n");
		return 2;
	}
	plan_print(&plan);
	bool held = one_holds(given->seed, given->most, &kept);
	free(kept.flags);
	if (held)
		met_print(report);
	printf("%" PRIu64 " operations, %s\n", report->operations, held ? "no oracle broke" : "a breach:");
	if (!held)
		printf("oracle %s, operation %u: %s\n", oracle_name(report->oracle), report->at, report->text);
	return !held;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: sim                                           what make test runs\n"
		"       sim --total N [--seed S] [--ops M] [--jobs J] [--quick]\n"
		"                                                     seeds from S on, until N operations are done\n"
		"       sim --seed S [--ops M] [--keep LIST|FILE]     one seed, or only some of its operations\n"
		"       sim --incentives [--seed S]                   whether cheating pays\n"
		"       --without ORACLE: ask the others only; --quick: make no breach small\n");
	return 2;
}

static bool options_read(int argc, char **argv, struct options_given *given)
{
	static const struct option options[] = {{"total", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'}, {"ops", required_argument, NULL, 'm'},
		{"jobs", required_argument, NULL, 'j'}, {"keep", required_argument, NULL, 'k'},
		{"incentives", no_argument, NULL, 'i'}, {"without", required_argument, NULL, 'w'},
		{"quick", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (letter == 'n') {
			given->many = true;
			given->total = strtoull(optarg, NULL, 10);
		} else if (letter == 's') {
			given->seeded = true;
			given->seed = strtoull(optarg, NULL, 10);
		} else if (letter == 'm') {
			given->most = (uint32_t)strtoul(optarg, NULL, 10);
		} else if (letter == 'j') {
			given->jobs = atoi(optarg);
		} else if (letter == 'k') {
			given->keep = optarg;
		} else if (letter == 'i') {
			given->incentives = true;
		} else if (letter == 'w' && oracle_by_name(optarg) != ORACLE_NONE) {
			oracle_silent = oracle_by_name(optarg);
		} else if (letter == 'q') {
			given->shrinks = false;
		} else {
			return false;
		}
	}
	given->jobs = given->jobs < 1 ? 1 : given->jobs > JOBS_MAX ? JOBS_MAX : given->jobs;
	return optind == argc && given->most > 0 && (!given->many || given->total > 0);
}

int main(int argc, char **argv)
{
	struct options_given given = {
		.seed = 1, .most = OPERATIONS_MOST, .jobs = (int)sysconf(_SC_NPROCESSORS_ONLN), .shrinks = true};
	program = argv[0];
	if (!options_read(argc, argv, &given))
		return usage();
	reports =
		mmap(NULL, (JOBS_MAX + 1) * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (reports == MAP_FAILED || !beacons_open(&beacons))
		return 2;
	if (given.incentives)
		return !incentives_hold(given.seed, INCENTIVE_SEEDS);
	if (given.many)
		return many_run(&given);
	return given.seeded || given.keep ? one_run(&given) : tests_run(given);
}
