/* Tests as sentences over CUnit: files register themselves, checks say what they saw, skips say why. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 *   SUITE("journal")
 *   TEST(an_altered_entry_is_detected) { ... CHECK_INT(got, 3); ... }
 */
typedef void test_function(void);
struct test_case {
	const char *suite, *name;
	test_function *run;
	struct test_case *next;
};
void test_register(struct test_case *test);

#define SUITE(name) static const char *const test_suite_name = name;
#define TEST(sentence)                                                                                                 \
	static void sentence(void);                                                                                    \
	__attribute__((constructor)) static void register_##sentence(void)                                             \
	{                                                                                                              \
		static struct test_case test = {.name = #sentence, .run = sentence};                                   \
		test.suite = test_suite_name;                                                                          \
		test_register(&test);                                                                                  \
	}                                                                                                              \
	static void sentence(void)

/* Each returns whether it held, prints file, line and what it saw when not, and lets the test go on. */
bool check_true(bool held, const char *what, const char *file, int line);
bool check_int(int64_t got, int64_t want, const char *what, const char *file, int line);
bool check_text(const char *got, const char *want, const char *what, const char *file, int line);
bool check_bytes(const void *got, size_t got_bytes, const void *want, size_t want_bytes, const char *what,
	const char *file, int line);
bool check_hex(const void *got, size_t got_bytes, const char *want_hex, const char *what, const char *file, int line);
#define CHECK(condition) check_true((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, want) check_int((got), (want), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text((got), (want), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, got_bytes, want, want_bytes)                                                                  \
	check_bytes((got), (got_bytes), (want), (want_bytes), #got, __FILE__, __LINE__)
#define CHECK_HEX(got, got_bytes, want_hex) check_hex((got), (got_bytes), (want_hex), #got, __FILE__, __LINE__)
/* Ends the test when a check failed and going on makes no sense. */
#define CHECK_OR_RETURN(condition)                                                                                     \
	do {                                                                                                           \
		if (!check_true((condition), #condition, __FILE__, __LINE__))                                          \
			return;                                                                                        \
	} while (0)
/* `err` of a call that should have worked is printed. */
#define CHECK_OK(call, err)                                                                                            \
	do {                                                                                                           \
		if (!(call))                                                                                           \
			check_text((err).text, "", #call, __FILE__, __LINE__);                                         \
	} while (0)
/* Counts the test as skipped; return right after. */
void test_skip(const char *why);
/* A seed that the failure prints: from WINNOW_TEST_SEED or drawn; printed once per process. */
uint64_t test_seed(void);
/* Next value of a splitmix64 stream. */
uint64_t test_random(uint64_t *state);

/*
 * A fresh migrated database in this process's own PostgreSQL (started on first use, stopped at exit, in a temporary
 * folder). Returns conninfo without user, or NULL after a failed check. Valid until the next call.
 */
const char *test_database(void);
/* A temporary folder, removed at exit. */
const char *test_folder(void);

#endif
