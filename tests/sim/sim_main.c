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
#include "tests/sim/oracle.h"

enum {
	JOBS_MAX = 64,
	OPERATIONS_MOST = 16000, /* of one seed */
	SHRINKS_MAX = 400,
	SHRINK_SECONDS = 60,
	RUN_SECONDS = 1800,
};

struct options_given {
	uint64_t seed, operations;
	uint32_t most;
	int jobs;
	bool one, test, incentives, shrinks;
	const char *keep;
};

static struct beacon_onion *onion;
static struct oracle_report *reports; /* shared with the children */

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
	uint64_t share = given->operations / (uint64_t)given->jobs;
	oracle_report = &reports[job];
	for (uint64_t seed = given->seed + (uint64_t)job; reports[job].operations < share;
		seed += (uint64_t)given->jobs) {
		struct plan plan;
		plan_from_seed(&plan, seed, given->most);
		drive(&plan, onion, &kept, NULL);
	}
}

static bool all_run(const struct options_given *given, const struct oracle_report **breach)
{
	pid_t children[JOBS_MAX];
	*breach = NULL;
	fflush(NULL);
	for (int job = 0; job < given->jobs; job++) {
		reports[job] = (struct oracle_report){.oracle = ORACLE_NONE};
		children[job] = fork();
		if (children[job] == 0) {
			alarm(RUN_SECONDS);
			seeds_run(given, job);
			_exit(0);
		}
	}
	for (int job = 0; job < given->jobs; job++) {
		report_settle(&reports[job], children[job] > 0 ? child_end(children[job]) : -1);
		if (reports[job].oracle != ORACLE_NONE && !*breach)
			*breach = &reports[job];
	}
	return !*breach;
}

/* One seed with some of its operations; the last report tells how it went. */
static bool one_run(uint64_t seed, uint32_t most, const struct kept *kept)
{
	struct oracle_report *report = &reports[JOBS_MAX];
	*report = (struct oracle_report){.seed = seed};
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct plan plan;
		alarm(RUN_SECONDS);
		oracle_report = report;
		plan_from_seed(&plan, seed, most);
		drive(&plan, onion, kept, NULL);
		_exit(0);
	}
	report_settle(report, child > 0 ? child_end(child) : -1);
	return report->oracle == ORACLE_NONE;
}

/* ---- making a breach small ---- */

static uint32_t kept_count(const struct kept *kept, uint32_t operations)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < operations; i++)
		count += kept->flags[i];
	return count;
}

static bool kept_write(const char *path, const struct kept *kept, uint32_t operations)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return false;
	for (uint32_t i = 0; i < operations; i++)
		if (kept->flags[i])
			fprintf(file, "%u\n", i);
	return fclose(file) == 0;
}

static bool kept_read(const char *path, struct kept *kept, uint32_t operations)
{
	FILE *file = fopen(path, "re");
	unsigned number;
	if (!file)
		return false;
	kept->all = false;
	memset(kept->flags, 0, operations);
	while (fscanf(file, "%u", &number) == 1)
		if (number < operations)
			kept->flags[number] = 1;
	fclose(file);
	return true;
}

/* Leaves out ranges, halves first, then ever smaller ones, as long as the same oracle breaks (after Zeller's ddmin). */
static void shrink(const struct options_given *given, const struct oracle_report *breach)
{
	struct plan plan;
	char path[64];
	enum oracle oracle = breach->oracle;
	uint64_t seed = breach->seed;
	double until = seconds() + SHRINK_SECONDS;
	int runs = 0;
	plan_from_seed(&plan, seed, given->most);
	uint32_t end = breach->at + 1 < plan.operations ? breach->at + 1 : plan.operations;
	struct kept kept = {.flags = calloc(plan.operations, 1)};
	uint8_t *before = malloc(plan.operations);
	if (!kept.flags || !before)
		exit(2);
	memset(kept.flags, 1, end);
	int quiet = dup(2);
	if (!freopen("/dev/null", "w", stderr))
		exit(2);
	for (uint32_t chunk = end / 2; chunk > 0 && runs < SHRINKS_MAX && seconds() < until; chunk /= 2)
		for (uint32_t at = 0; at < end && runs < SHRINKS_MAX && seconds() < until; at += chunk) {
			uint32_t bytes = at + chunk < end ? chunk : end - at;
			if (!memchr(kept.flags + at, 1, bytes))
				continue;
			memcpy(before, kept.flags, plan.operations);
			memset(kept.flags + at, 0, bytes);
			runs++;
			if (one_run(seed, given->most, &kept) || reports[JOBS_MAX].oracle != oracle)
				memcpy(kept.flags, before, plan.operations);
		}
	dup2(quiet, 2);
	close(quiet);
	snprintf(path, sizeof path, "sim-%" PRIu64 ".keep", seed);
	if (!kept_write(path, &kept, plan.operations))
		snprintf(path, sizeof path, "(not written)");
	bool clean = one_run(seed, given->most, &kept);
	printf("%u of %u operations are enough%s: sim --one --seed %" PRIu64 " --most %u --keep %s\n",
		kept_count(&kept, plan.operations), plan.operations, clean ? " no more" : "", seed, given->most, path);
	free(kept.flags);
	free(before);
}

/* ---- whether cheating pays ---- */

static bool incentives_hold(uint64_t first_seed, int seeds, bool tells)
{
	enum { SPLIT = BEHAVIOURS };
	struct oracle_report *report = &reports[JOBS_MAX];
	*report = (struct oracle_report){.seed = first_seed};
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		double gained[BEHAVIOURS + 1] = {0}, people[BEHAVIOURS + 1] = {0};
		const struct kept kept = {.all = true};
		oracle_report = report;
		for (int s = 0; s < seeds; s++) {
			struct plan plan;
			struct gains gains;
			plan_for_incentives(&plan, first_seed + (uint64_t)s);
			drive(&plan, onion, &kept, &gains);
			people[SPLIT] += 1; /* all identities of the group are one person */
			for (int a = 0; a < plan.actors; a++) {
				int whose = plan.actor[a].group ? SPLIT : (int)plan.actor[a].behaviour;
				if (!plan.actor[a].validator)
					continue;
				gained[whose] += (double)gains.units[a];
				people[whose] += whose == SPLIT ? 0 : 1;
			}
		}
		double honest = gained[BEHAVIOUR_HONEST] / people[BEHAVIOUR_HONEST];
		for (int b = 0; b <= BEHAVIOURS; b++)
			if (tells && people[b] > 0)
				printf("  %-10s gains %6.2f of what an honest one gains\n",
					b == SPLIT ? "split" : behaviour_name((enum behaviour)b),
					gained[b] / people[b] / honest);
		fflush(stdout);
		ORACLE(ORACLE_INCENTIVES, honest > 0, "an honest validator gains nothing");
		for (int b = BEHAVIOUR_LAZY; b <= BEHAVIOUR_INVERTING; b++)
			ORACLE(ORACLE_INCENTIVES, gained[b] / people[b] < honest / 2,
				"a %s validator gains %.2f of what an honest one does",
				behaviour_name((enum behaviour)b), gained[b] / people[b] / honest);
		/* An honest person's stake in eight names: mechanism.md allows a tenth. */
		ORACLE(ORACLE_INCENTIVES, gained[SPLIT] / people[SPLIT] < 1.1 * honest,
			"one person under eight names gains %.2f of what he gains under one",
			gained[SPLIT] / people[SPLIT] / honest);
		fflush(stdout);
		_exit(0);
	}
	report_settle(report, child > 0 ? child_end(child) : -1);
	return report->oracle == ORACLE_NONE;
}

/* ---- in make test ---- */

static int passed, failed;

static void sentence(const char *words, bool held)
{
	passed += held;
	failed += !held;
	if (!held)
		printf("FAIL %s: oracle %s, seed %" PRIu64 ", operation %u: %s\n", words,
			oracle_name(reports[JOBS_MAX].oracle), reports[JOBS_MAX].seed, reports[JOBS_MAX].at,
			reports[JOBS_MAX].text);
}

static int tests_run(struct options_given given)
{
	const struct oracle_report *breach;
	double started = seconds();
	bool held = all_run(&given, &breach);
	if (breach)
		reports[JOBS_MAX] = *breach;
	sentence("a million operations with losses, repetitions and crashes break no oracle", held);
	printf("%" PRIu64 " operations in %.1f s\n", given.operations, seconds() - started);
	sentence("copying, laziness, inverting, guessing and many names do not pay", incentives_hold(1, 2, true));
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed > 0;
}

static int everything_run(const struct options_given *given)
{
	const struct oracle_report *breach;
	double started = seconds();
	uint64_t operations = 0;
	bool held = all_run(given, &breach);
	for (int job = 0; job < given->jobs; job++)
		operations += reports[job].operations;
	printf("%" PRIu64 " operations of seeds from %" PRIu64 " in %.1f s by %d processes: %s\n", operations,
		given->seed, seconds() - started, given->jobs, held ? "no oracle broke" : "a breach");
	if (held)
		return 0;
	printf("oracle %s, seed %" PRIu64 ", operation %u: %s\n", oracle_name(breach->oracle), breach->seed, breach->at,
		breach->text);
	if (given->shrinks) {
		struct oracle_report kept = *breach;
		shrink(given, &kept);
	}
	return 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: sim [--operations N] [--seed S] [--most M] [--jobs J] [--quick]\n"
			"       sim --one --seed S [--most M] [--keep FILE]    one seed, or only the operations that "
			"FILE lists\n"
			"       sim --incentives [--seed S]                    whether cheating pays\n"
			"       sim --test                                     what make test runs\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {{"operations", required_argument, NULL, 'n'},
		{"seed", required_argument, NULL, 's'}, {"most", required_argument, NULL, 'm'},
		{"jobs", required_argument, NULL, 'j'}, {"one", no_argument, NULL, '1'},
		{"keep", required_argument, NULL, 'k'}, {"incentives", no_argument, NULL, 'i'},
		{"test", no_argument, NULL, 't'}, {"quick", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
	static const uint8_t seed[32] = {1};
	struct options_given given = {.seed = 1,
		.operations = 1000000,
		.most = OPERATIONS_MOST,
		.jobs = (int)sysconf(_SC_NPROCESSORS_ONLN),
		.shrinks = true};
	for (int letter; (letter = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		if (letter == 'n')
			given.operations = strtoull(optarg, NULL, 10);
		else if (letter == 's')
			given.seed = strtoull(optarg, NULL, 10);
		else if (letter == 'm')
			given.most = (uint32_t)strtoul(optarg, NULL, 10);
		else if (letter == 'j')
			given.jobs = atoi(optarg);
		else if (letter == '1')
			given.one = true;
		else if (letter == 'k')
			given.keep = optarg;
		else if (letter == 'i')
			given.incentives = true;
		else if (letter == 't')
			given.test = true;
		else if (letter == 'q')
			given.shrinks = false;
		else
			return usage();
	}
	if (optind != argc || given.most == 0 || given.operations == 0)
		return usage();
	given.jobs = given.jobs < 1 ? 1 : given.jobs > JOBS_MAX ? JOBS_MAX : given.jobs;
	reports =
		mmap(NULL, (JOBS_MAX + 1) * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	onion = beacon_onion_open(seed);
	if (reports == MAP_FAILED || !onion)
		return 2;
	if (given.test)
		return tests_run(given);
	if (given.incentives)
		return !incentives_hold(given.seed, 4, true);
	if (!given.one)
		return everything_run(&given);
	struct plan plan;
	plan_from_seed(&plan, given.seed, given.most);
	struct kept kept = {.all = true, .flags = calloc(plan.operations, 1)};
	if (!kept.flags || (given.keep && !kept_read(given.keep, &kept, plan.operations)))
		return usage();
	bool held = one_run(given.seed, given.most, &kept);
	printf("seed %" PRIu64 ", %u operations: %s\n", given.seed, plan.operations,
		held ? "no oracle broke" : oracle_name(reports[JOBS_MAX].oracle));
	return !held;
}
