/* What the checks tell the runner about the test that runs now. */
#ifndef TESTS_RUNNER_H
#define TESTS_RUNNER_H

#include "tests/check.h"

enum { TEST_SENTENCE_MAX = 256, TEST_FAILURES_SHOWN_MAX = 20 };

struct test_run {
	const struct test_case *test;
	char sentence[TEST_SENTENCE_MAX]; /* the name with blanks */
	int failures;
	bool skipped;
};
extern struct test_run test_run;
extern struct test_case *test_first;

#endif
