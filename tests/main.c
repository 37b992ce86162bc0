/* Runs every registered test under CUnit: `core_test [part of a suite or sentence]`. */
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/runner.h"

enum { TESTS_MAX = 2000, SUITES_MAX = 200 };

static int passed_count, failed_count, skipped_count;

static void runner_sentence(char out[TEST_SENTENCE_MAX], const struct test_case *test)
{
	snprintf(out, TEST_SENTENCE_MAX, "%s", test->name);
	for (char *c = out; *c; c++)
		if (*c == '_')
			*c = ' ';
}

/* CUnit hands its tests no argument, so this finds the case by the name under which it was registered. */
static const struct test_case *runner_current(void)
{
	const char *suite = CU_get_current_suite()->pName, *name = CU_get_current_test()->pName;
	for (const struct test_case *test = test_first; test; test = test->next)
		if (strcmp(test->suite, suite) == 0 && strcmp(test->name, name) == 0)
			return test;
	return NULL;
}

static void runner_test(void)
{
	const struct test_case *test = runner_current();
	test_run = (struct test_run){.test = test};
	runner_sentence(test_run.sentence, test);
	test->run();
	if (test_run.failures) {
		if (test_run.failures > TEST_FAILURES_SHOWN_MAX)
			printf("  and %d more\n", test_run.failures - TEST_FAILURES_SHOWN_MAX);
		failed_count++;
	} else if (test_run.skipped) {
		skipped_count++;
	} else {
		passed_count++;
	}
	CU_assertImplementation(test_run.failures == 0, __LINE__, test->name, __FILE__, "", CU_FALSE);
	fflush(stdout);
}

static bool runner_wanted(const struct test_case *test, const char *part)
{
	char sentence[TEST_SENTENCE_MAX];
	runner_sentence(sentence, test);
	return !part || strstr(test->suite, part) || strstr(test->name, part) || strstr(sentence, part);
}

static bool runner_add(const struct test_case *test)
{
	CU_pSuite suite = CU_get_suite(test->suite);
	if (!suite)
		suite = CU_add_suite(test->suite, NULL, NULL);
	if (suite && CU_add_test(suite, test->name, runner_test) && CU_get_error() == CUE_SUCCESS)
		return true;
	/* CUE_DUP_TEST ends up here too: two tests of one suite must not share a sentence. */
	printf("FAIL %s: %s: cannot be registered: %s\n", test->suite, test->name, CU_get_error_msg());
	return false;
}

int main(int argc, char **argv)
{
	/* A crash of a test belongs in the report, not in a core file of the whole heap. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	setvbuf(stdout, NULL, _IOLBF, 0);
	const char *part = argc > 1 ? argv[1] : NULL;
	if (CU_initialize_registry() != CUE_SUCCESS) {
		printf("CUnit does not start: %s\n0 passed, 1 failed, 0 skipped\n", CU_get_error_msg());
		return 1;
	}
	int count = 0;
	for (const struct test_case *test = test_first; test; test = test->next) {
		if (!runner_wanted(test, part))
			continue;
		count++;
		if (!runner_add(test))
			failed_count++;
	}
	if (count == 0 && part) {
		printf("FAIL no test holds \"%s\"\n", part);
		failed_count++;
	}
	CU_run_all_tests();
	/* What CUnit counted must be what we say, or a failure could hide between the two. */
	if (CU_get_number_of_tests_run() + CU_get_number_of_suites_failed() == 0 && count > 0 && failed_count == 0) {
		printf("FAIL CUnit ran nothing\n");
		failed_count++;
	}
	if ((int)CU_get_number_of_tests_run() != passed_count + skipped_count + (int)CU_get_number_of_tests_failed()) {
		printf("FAIL CUnit counted %u tests\n", CU_get_number_of_tests_run());
		failed_count++;
	}
	CU_cleanup_registry();
	printf("%d passed, %d failed, %d skipped\n", passed_count, failed_count, skipped_count);
	fflush(stdout);
	return failed_count ? 1 : 0;
}
