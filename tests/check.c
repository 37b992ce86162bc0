/* What tests call: checks that say what they saw, skips, seeds, temporary folders. */
#include "tests/check.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/runner.h"

enum { CHECK_SHOWN_MAX = 400, TEST_FOLDER_MAX = 256, TEST_FOLDERS_MAX = 256, TEST_PATHS_OPEN_MAX = 16 };

struct test_case *test_first;
static struct test_case *test_last;
struct test_run test_run;

void test_register(struct test_case *test)
{
	/* Constructors run in link order: suites come out as their files were named. */
	if (test_last)
		test_last->next = test;
	else
		test_first = test;
	test_last = test;
}

static bool check_done(bool held, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static bool check_done(bool held, const char *file, int line, const char *format, ...)
{
	if (held)
		return true;
	if (test_run.failures++ == 0)
		printf("FAIL %s: %s\n", test_run.test->suite, test_run.sentence);
	if (test_run.failures > TEST_FAILURES_SHOWN_MAX)
		return false;
	printf("  %s:%d: ", file, line);
	va_list arguments;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
	return false;
}

bool check_true(bool held, const char *what, const char *file, int line)
{
	return check_done(held, file, line, "does not hold: %s", what);
}

bool check_int(int64_t got, int64_t want, const char *what, const char *file, int line)
{
	return check_done(got == want, file, line, "%s is %" PRId64 ", not %" PRId64, what, got, want);
}

bool check_text(const char *got, const char *want, const char *what, const char *file, int line)
{
	bool held = got == want || (got && want && strcmp(got, want) == 0);
	return check_done(held, file, line, "%s is %s%.*s%s, not %s%.*s%s", what, got ? "\"" : "", CHECK_SHOWN_MAX,
		got ? got : "NULL", got ? "\"" : "", want ? "\"" : "", CHECK_SHOWN_MAX, want ? want : "NULL",
		want ? "\"" : "");
}

/* The bytes in hex, cut with dots. */
static void check_show(char out[CHECK_SHOWN_MAX + 4], const uint8_t *bytes, size_t count)
{
	size_t shown = count < CHECK_SHOWN_MAX / 2 ? count : CHECK_SHOWN_MAX / 2;
	for (size_t i = 0; i < shown; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
	strcpy(out + 2 * shown, shown < count ? "..." : "");
}

bool check_bytes(const void *got, size_t got_bytes, const void *want, size_t want_bytes, const char *what,
	const char *file, int line)
{
	bool held = got_bytes == want_bytes && (got_bytes == 0 || memcmp(got, want, got_bytes) == 0);
	if (held)
		return true;
	char got_shown[CHECK_SHOWN_MAX + 4], want_shown[CHECK_SHOWN_MAX + 4];
	check_show(got_shown, got, got_bytes);
	check_show(want_shown, want, want_bytes);
	return check_done(false, file, line, "%s is %zu bytes %s, not %zu bytes %s", what, got_bytes, got_shown,
		want_bytes, want_shown);
}

bool check_hex(const void *got, size_t got_bytes, const char *want_hex, const char *what, const char *file, int line)
{
	size_t want_bytes = strlen(want_hex) / 2;
	uint8_t *want = malloc(want_bytes + 1);
	if (!want)
		return check_done(false, file, line, "%s: no memory to compare", what);
	bool readable = strlen(want_hex) % 2 == 0;
	for (size_t i = 0; i < want_bytes && readable; i++)
		readable = sscanf(want_hex + 2 * i, "%2hhx", &want[i]) == 1;
	bool held = readable ? check_bytes(got, got_bytes, want, want_bytes, what, file, line)
			     : check_done(false, file, line, "%s: the wanted hex is not hex", what);
	free(want);
	return held;
}

void test_skip(const char *why)
{
	if (test_run.skipped)
		return;
	test_run.skipped = true;
	printf("SKIP %s: %s: %s\n", test_run.test->suite, test_run.sentence, why);
	fflush(stdout);
}

uint64_t test_seed(void)
{
	static uint64_t seed;
	static bool drawn;
	if (!drawn) {
		const char *given = getenv("WINNOW_TEST_SEED");
		if (given)
			seed = strtoull(given, NULL, 0);
		else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
			seed = (uint64_t)getpid();
		drawn = true;
		printf("seed: WINNOW_TEST_SEED=%" PRIu64 "\n", seed);
		fflush(stdout);
	}
	return seed;
}

uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static char test_folders[TEST_FOLDERS_MAX][TEST_FOLDER_MAX];
static int test_folder_count;
static pid_t test_folder_owner;

static int test_folder_remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)place;
	/* A test may have taken the right to write from a folder; nothing below it could go then. */
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void test_folders_remove(void)
{
	if (getpid() != test_folder_owner)
		return;
	for (int i = 0; i < test_folder_count; i++)
		nftw(test_folders[i], test_folder_remove_one, TEST_PATHS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}

const char *test_folder(void)
{
	if (test_folder_count == TEST_FOLDERS_MAX) {
		check_done(false, __FILE__, __LINE__, "more than %d temporary folders", TEST_FOLDERS_MAX);
		return NULL;
	}
	const char *temporary = getenv("TMPDIR");
	char *path = test_folders[test_folder_count];
	int count = snprintf(path, TEST_FOLDER_MAX,
		"%s/winnow-test-XX"
		"XX"
		"XX",
		temporary && *temporary ? temporary : "/tmp");
	if (count >= TEST_FOLDER_MAX || !mkdtemp(path)) {
		check_done(false, __FILE__, __LINE__, "temporary folder %s: %s", path, strerror(errno));
		return NULL;
	}
	if (test_folder_count++ == 0) {
		test_folder_owner = getpid();
		atexit(test_folders_remove);
	}
	return path;
}
