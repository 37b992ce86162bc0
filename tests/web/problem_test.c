/* The table of codes: every row is a document that says what it should. */
#include "tests/check.h"

#include <string.h>

#include "core/json.h"
#include "web/problem.h"

SUITE("problem")

TEST(every_code_of_the_table_becomes_a_document_with_its_status)
{
	struct wn_arena arena;
	wn_arena_init(&arena, 1024 * 1024);
	for (const struct problem_row *row = problem_rows; row->code; row++) {
		struct wn_error err = {0};
		const struct json *document;
		int64_t status;
		char type[WN_CODE_MAX + 16] = "/problems/";
		strcat(type, row->code);
		wn_fail(&err, WN_DOWN, row->code, "insides");
		CHECK_INT(problem_status(&err), row->status);
		CHECK(row->status >= 400 && row->status < 600);
		CHECK(strspn(row->code, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(row->code));
		CHECK(strcmp(problem_title(row->status), "Error") != 0);
		struct wn_slice text = problem_write(&arena, row->status, row->code, row->detail);
		CHECK_OK(json_parse(&arena, text.data, text.bytes, &document, &err), err);
		CHECK_TEXT(json_member_string(document, "type", NULL), type);
		CHECK_TEXT(json_member_string(document, "title", NULL), problem_title(row->status));
		CHECK(json_integer(json_get(document, "status"), &status) && status == row->status);
		CHECK_TEXT(json_member_string(document, "detail", NULL), row->detail);
	}
	wn_arena_free(&arena);
}

TEST(no_code_stands_twice_in_the_table)
{
	for (const struct problem_row *a = problem_rows; a->code; a++)
		CHECK(problem_row(a->code) == a);
}

TEST(codes_outside_the_table_follow_who_must_act)
{
	static const struct {
		enum wn_blame blame;
		const char *code;
		int status;
	} cases[] = {
		{WN_INPUT, "anything", 400},
		{WN_BUSY, "anything", 503},
		{WN_DOWN, "anything", 503},
		{WN_FULL, "anything", 503},
		{WN_INPUT, "thing_large", 413},
		{WN_FULL, "thing_large", 413},
		{WN_FULL, "_large", 503},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct wn_error err;
		wn_fail(&err, cases[i].blame, cases[i].code, "x");
		CHECK_INT(problem_status(&err), cases[i].status);
	}
}

TEST(who_may_try_again_is_told_when)
{
	CHECK_INT(problem_retry_s(503, WN_BUSY), 1);
	CHECK_INT(problem_retry_s(503, WN_DOWN), 2);
	CHECK_INT(problem_retry_s(429, WN_FULL), 2);
	CHECK_INT(problem_retry_s(409, WN_BUSY), 1);
	CHECK_INT(problem_retry_s(409, WN_INPUT), 0);
	CHECK_INT(problem_retry_s(400, WN_INPUT), 0);
}
