/* JSON reading and writing: conformance files, limits, what yajl alone would let through, and every accessor. */
#include "tests/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"

SUITE("json")

enum { JSON_TEST_ARENA = 8 << 20, JSON_FILE_MAX = 1 << 20, JSON_FILES_LEAST = 150 };

/* Files that the suite calls valid and that we refuse, by a rule of ours that has a name. */
static const char *const refused_by_rule[][2] = {
	{"y_object_duplicated_key.json", "json_duplicate"},
	{"y_object_duplicated_key_and_value.json", "json_duplicate"},
};

/* What the suite leaves open: numbers keep their text whatever their size; everything else that it leaves open goes. */
static bool open_case_accepted(const char *name)
{
	return strncmp(name, "i_number_", 9) == 0;
}

static bool code_of_file(const char *folder, const char *name, char code[WN_CODE_MAX])
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	char *data = malloc(JSON_FILE_MAX);
	bool done = file && data;
	if (done) {
		size_t bytes = fread(data, 1, JSON_FILE_MAX, file);
		struct wn_arena arena;
		struct wn_error err = {0};
		const struct json *value;
		wn_arena_init(&arena, JSON_TEST_ARENA);
		bool parsed = json_parse(&arena, data, bytes, &value, &err);
		CHECK_INT(parsed, value != NULL);
		snprintf(code, WN_CODE_MAX, "%s", parsed ? "" : err.code);
		wn_arena_free(&arena);
	}
	free(data);
	if (file)
		fclose(file);
	return done;
}

TEST(the_conformance_files_are_judged_as_their_names_say)
{
	static const char folder[] = "../shared/data/bad_input/json";
	DIR *files = opendir(folder);
	if (!files) {
		test_skip("../shared/data/bad_input/json is not here");
		return;
	}
	int count = 0;
	for (struct dirent *entry; (entry = readdir(files));) {
		const char *name = entry->d_name;
		char code[WN_CODE_MAX];
		if (!strstr(name, ".json") || !strchr("yni", name[0]) || name[1] != '_')
			continue;
		count++;
		CHECK(code_of_file(folder, name, code));
		const char *rule = "";
		for (size_t i = 0; i < sizeof refused_by_rule / sizeof refused_by_rule[0]; i++)
			if (strcmp(name, refused_by_rule[i][0]) == 0)
				rule = refused_by_rule[i][1];
		bool held = name[0] == 'y'   ? strcmp(code, rule) == 0
			    : name[0] == 'n' ? code[0] != '\0'
					     : (code[0] == '\0') == open_case_accepted(name);
		if (!CHECK(held))
			CHECK_TEXT(name, code);
	}
	closedir(files);
	CHECK(count >= JSON_FILES_LEAST);
}

struct json_case {
	const char *text, *code;
};

static void check_cases(const struct json_case *cases, size_t count)
{
	struct wn_arena arena;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	for (size_t i = 0; i < count; i++) {
		struct wn_error err = {0};
		const struct json *value;
		bool parsed = json_parse(&arena, cases[i].text, strlen(cases[i].text), &value, &err);
		if (!CHECK_TEXT(parsed ? "" : err.code, cases[i].code))
			CHECK_TEXT(cases[i].text, err.text);
		if (!parsed)
			CHECK_INT(err.blame, WN_INPUT);
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}

TEST(what_is_not_json_is_refused)
{
	static const struct json_case cases[] = {
		{"", "json_syntax"},
		{" ", "json_syntax"},
		{"[1] 2", "json_syntax"},
		{"1 2", "json_syntax"},
		{"[1", "json_syntax"},
		{"{\"a\":1", "json_syntax"},
		{"\"a", "json_syntax"},
		{"[1,]", "json_syntax"},
		{"{\"a\":1,}", "json_syntax"},
		{"{a:1}", "json_syntax"},
		{"'a'", "json_syntax"},
		{"01", "json_syntax"},
		{"-", "json_syntax"},
		{"+1", "json_syntax"},
		{"1.", "json_syntax"},
		{".5", "json_syntax"},
		{"1e", "json_syntax"},
		{"NaN", "json_syntax"},
		{"tru", "json_syntax"},
		{"True", "json_syntax"},
		{"[1]\f", "json_syntax"},
		{"\v[1]", "json_syntax"},
		{"\"\t\"", "json_syntax"},
		{"\"\f\"", "json_syntax"},
		{"/* */1", "json_syntax"},
		{"[1]//", "json_syntax"},
		{"\xef\xbb\xbf{}", "json_syntax"},
		{"\"\\x41\"", "json_syntax"},
		{"\"\\u00g0\"", "json_syntax"},
		{"\"\\u00\"", "json_syntax"},
		{"[\"a\":1]", "json_syntax"},
		{"\\ud83d\\ude00", "json_syntax"},
		{"{\"a\"}", "json_syntax"},
		{"{1:2}", "json_syntax"},
		{"]", "json_syntax"},
	};
	check_cases(cases, sizeof cases / sizeof cases[0]);
}

TEST(bytes_that_are_not_utf8_and_half_surrogates_are_refused)
{
	static const struct json_case cases[] = {
		{"\"\xff\"", "json_utf8"},
		{"\"\xc0\xaf\"", "json_utf8"},
		{"\"\xed\xa0\x80\"", "json_utf8"},
		{"\"\xe0\x80\x80\"", "json_utf8"},
		{"\"\xf4\x90\x80\x80\"", "json_utf8"},
		{"\"\xf0\x80\x80\x80\"", "json_utf8"},
		{"\"\xe2\x82\"", "json_utf8"},
		{"{\"\x80\":1}", "json_utf8"},
		{"\"1234567\xff\"", "json_utf8"},
		{"\"\xf5\x80\x80\x80\"", "json_utf8"},
		{"\"\\ud800\"", "json_surrogate"},
		{"\"\\udc00\"", "json_surrogate"},
		{"\"\\ud800\\ud800\"", "json_surrogate"},
		{"\"\\udc00\\ud800\"", "json_surrogate"},
		{"\"\\ud83dx\\ude00\"", "json_surrogate"},
		{"\"\\ud83d\\n\"", "json_surrogate"},
		{"{\"\\uDfFf\":1}", "json_surrogate"},
		{"\"\\ud83d", "json_surrogate"},
		{"\"\\ud83d\\", "json_surrogate"},
		{"\"\\\\ud800\"", ""},
		{"\"\\\\\\ud800\"", "json_surrogate"},
		{"\"\\ud83d\\ude00\"", ""},
		{"\"\xf4\x8f\xbf\xbf\"", ""},
		{"\"\xed\x9f\xbf\xee\x80\x80\"", ""},
		{"\"\\ud7ff\\ue000\"", ""},
	};
	check_cases(cases, sizeof cases / sizeof cases[0]);
}

TEST(members_that_stand_twice_are_refused_after_unescaping)
{
	static const struct json_case cases[] = {
		{"{\"a\":1,\"a\":1}", "json_duplicate"},
		{"{\"a\":1,\"\\u0061\":2}", "json_duplicate"},
		{"[{\"x\":{\"\":1,\"b\":2,\"\":3}}]", "json_duplicate"},
		{"{\"a\":1,\"A\":2,\"a\\u0000\":3}", ""},
		{"{\"a\":{\"a\":{\"a\":1}}}", ""},
	};
	check_cases(cases, sizeof cases / sizeof cases[0]);
	/* Big objects take the sorted way: the twin stands first, in the middle and last. */
	struct wn_arena arena;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	for (int twin = -1; twin < 100; twin += 25) {
		struct wn_text text;
		struct wn_error err = {0};
		const struct json *value;
		wn_text_init(&text, &arena);
		wn_text_add_string(&text, "{");
		for (int i = 0; i < 100; i++)
			wn_text_printf(&text, "\"%d\":%d,", i == 50 && twin >= 0 ? twin : i, i);
		wn_text_add_string(&text, "\"end\":0}");
		bool parsed = json_parse(&arena, text.data, text.bytes, &value, &err);
		CHECK_TEXT(parsed ? "" : err.code, twin >= 0 && twin != 50 ? "json_duplicate" : "");
	}
	wn_arena_free(&arena);
}

/* `count` times `piece` between two ends. */
static struct wn_slice repeated(
	struct wn_arena *arena, const char *head, const char *piece, size_t count, const char *tail)
{
	struct wn_text text;
	wn_text_init(&text, arena);
	wn_text_add_string(&text, head);
	for (size_t i = 0; i < count; i++)
		wn_text_add_string(&text, piece);
	wn_text_add_string(&text, tail);
	CHECK(!text.full);
	return (struct wn_slice){text.data, text.bytes};
}

TEST(limits_hold_exactly_at_their_figure)
{
	static const struct {
		const char *head, *piece;
		size_t most;
		const char *tail, *code;
	} limits[] = {
		{"\"", "x", JSON_STRING_MAX, "\"", "json_string_long"},
		{"\"", "\\u0061", JSON_STRING_MAX, "\"", "json_string_long"},
		{"{\"", "n", JSON_STRING_MAX, "\":1}", "json_string_long"},
		{"", "7", JSON_STRING_MAX, "", "json_string_long"},
		{"[0", ",0", JSON_ELEMENTS_MAX - 1, "]", "json_elements"},
	};
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		for (size_t more = 0; more < 2; more++) {
			struct wn_arena arena;
			struct wn_error err = {0};
			const struct json *value;
			wn_arena_init(&arena, JSON_TEST_ARENA);
			struct wn_slice text = repeated(
				&arena, limits[i].head, limits[i].piece, limits[i].most + more, limits[i].tail);
			bool parsed = json_parse(&arena, text.data, text.bytes, &value, &err);
			CHECK_TEXT(parsed ? "" : err.code, more ? limits[i].code : "");
			wn_arena_free(&arena);
		}
	for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		char arrays[2 * JSON_DEPTH_MAX + 3] = "";
		struct wn_arena arena;
		struct wn_error err = {0};
		const struct json *value;
		wn_arena_init(&arena, JSON_TEST_ARENA);
		memset(arrays, '[', (size_t)depth);
		memset(arrays + depth, ']', (size_t)depth);
		bool parsed = json_parse(&arena, arrays, 2 * (size_t)depth, &value, &err);
		CHECK_TEXT(parsed ? "" : err.code, depth > JSON_DEPTH_MAX ? "json_depth" : "");
		wn_arena_free(&arena);
	}
}

TEST(a_full_arena_is_our_limit_and_not_the_senders_mistake)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *value;
	static const char text[] = "{\"a\":[1,2,3,{\"b\":\"c\"}],\"d\":\"e\"}";
	for (size_t ceiling = 0; ceiling < 2000; ceiling += 16) {
		wn_arena_init(&arena, ceiling);
		if (!json_parse(&arena, text, strlen(text), &value, &err)) {
			CHECK_TEXT(err.code, "json_memory");
			CHECK_INT(err.blame, WN_FULL);
		}
		wn_arena_free(&arena);
	}
	wn_arena_init(&arena, 4000);
	CHECK_OK(json_parse(&arena, text, strlen(text), &value, &err), err);
	wn_arena_free(&arena);
}

TEST(values_are_read_as_they_are_written)
{
	static const char text[] =
		" {\"n\":-12.50e+3 ,\"s\":\"a\\u0000b\\/\\ud83d\\ude00\",\"t\":true,\"z\":null,\"e\":[],\"o\":{}, "
		"\"l\":[1,[2]]} ";
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *value;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	char *copy = wn_arena_copy(&arena, text, strlen(text));
	CHECK_OK(json_parse(&arena, copy, strlen(text), &value, &err), err);
	/* The tree does not point into the input. */
	memset(copy, 'x', strlen(text));
	CHECK_INT(value->type, JSON_OBJECT);
	CHECK_INT(value->count, 7);
	CHECK_INT(json_get(value, "n")->type, JSON_NUMBER);
	CHECK_TEXT(json_get(value, "n")->text.data, "-12.50e+3");
	struct wn_slice string = json_get(value, "s")->text;
	CHECK_BYTES(string.data, string.bytes, "a\0b/\xf0\x9f\x98\x80", 8);
	CHECK_TEXT(json_string(json_get(value, "s")), NULL);
	CHECK(json_get(value, "t")->truth);
	CHECK_INT(json_get(value, "z")->type, JSON_NULL);
	CHECK_INT(json_get(value, "e")->count, 0);
	CHECK_INT(json_get(value, "o")->count, 0);
	CHECK_INT(json_get(value, "l")->count, 2);
	CHECK_TEXT(json_get(value, "l")->elements[1]->elements[0]->text.data, "2");
	CHECK(json_get(value, "absent") == NULL);
	CHECK(json_get(json_get(value, "l"), "n") == NULL);
	CHECK(json_get(NULL, "n") == NULL);
	CHECK_TEXT(json_member_string(value, "absent", "other"), "other");
	CHECK_TEXT(json_member_string(value, "t", "other"), NULL);
	wn_arena_free(&arena);
}

TEST(integers_and_amounts_are_exact_or_nothing)
{
	static const struct {
		const char *text;
		bool integer;
		int64_t value;
	} numbers[] = {
		{"0", true, 0},
		{"-1", true, -1},
		{"9007199254740991", true, 9007199254740991},
		{"-9007199254740991", true, -9007199254740991},
		{"9007199254740992", false, 0},
		{"-9007199254740992", false, 0},
		{"-0", false, 0},
		{"1.0", false, 0},
		{"1e2", false, 0},
		{"18446744073709551617", false, 0},
		{"\"1\"", false, 0},
		{"true", false, 0},
		{"99999999999999999999999999999999999999999", false, 0},
	};
	static const struct {
		const char *text;
		bool amount;
		int64_t value;
	} amounts[] = {
		{"\"0\"", true, 0},
		{"\"1\"", true, 1},
		{"\"9223372036854775807\"", true, INT64_MAX},
		{"\"9223372036854775808\"", false, 0},
		{"\"00\"", false, 0},
		{"\"01\"", false, 0},
		{"\"-1\"", false, 0},
		{"\"+1\"", false, 0},
		{"\"\"", false, 0},
		{"\" 1\"", false, 0},
		{"\"1.0\"", false, 0},
		{"1", false, 0},
		{"\"1\\u0000\"", false, 0},
		{"\"99999999999999999999999\"", false, 0},
	};
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *value;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		int64_t out = 0;
		CHECK_OK(json_parse(&arena, numbers[i].text, strlen(numbers[i].text), &value, &err), err);
		if (!CHECK_INT(json_integer(value, &out), numbers[i].integer))
			CHECK_TEXT(numbers[i].text, "");
		CHECK_INT(out, numbers[i].value);
	}
	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
		int64_t out = 0;
		CHECK_OK(json_parse(&arena, amounts[i].text, strlen(amounts[i].text), &value, &err), err);
		if (!CHECK_INT(json_amount(value, &out), amounts[i].amount))
			CHECK_TEXT(amounts[i].text, "");
		CHECK_INT(out, amounts[i].value);
	}
	int64_t out;
	CHECK(!json_integer(NULL, &out));
	CHECK(!json_amount(NULL, &out));
	wn_arena_free(&arena);
}

TEST(strange_members_are_named)
{
	static const char *const known[] = {"a", "b", NULL};
	struct wn_arena arena;
	struct wn_error err = {0};
	struct wn_slice unknown;
	const struct json *value;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	CHECK_OK(json_parse(&arena, "{\"a\":1}", 7, &value, &err), err);
	CHECK(json_only_members(value, known, &unknown));
	CHECK_OK(json_parse(&arena, "{\"a\":1,\"c\":2}", 13, &value, &err), err);
	CHECK(!json_only_members(value, known, &unknown));
	CHECK_TEXT(unknown.data, "c");
	CHECK_OK(json_parse(&arena, "[]", 2, &value, &err), err);
	CHECK(!json_only_members(value, known, &unknown));
	wn_arena_free(&arena);
}

TEST(the_writer_puts_commas_escapes_and_nothing_that_is_not_utf8)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct json_writer writer;
	struct wn_slice out;
	const struct json *value;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	json_begin(&writer, &arena);
	json_open_object(&writer, NULL);
	json_open_array(&writer, "list");
	json_put_integer(&writer, NULL, -JSON_INTEGER_MAX);
	json_open_object(&writer, NULL);
	json_close_object(&writer);
	json_open_array(&writer, NULL);
	json_close_array(&writer);
	json_put_bool(&writer, NULL, false);
	json_close_array(&writer);
	json_put_string(&writer, "na\"me", "\x01\n\"\\/\xc3\xa9");
	json_put_string(&writer, "null", NULL);
	json_put_slice(&writer, "nul", (struct wn_slice){"a\0b", 3});
	json_put_slice(&writer, "bad", (struct wn_slice){"a\xff\"\xed\xa0\x80z", 7});
	json_put_amount(&writer, "amount", INT64_MAX);
	json_put_hex(&writer, "hex", "\x00\xff", 2);
	json_put_raw(&writer, "raw", WN_SLICE("[1]"));
	json_close_object(&writer);
	CHECK_OK(json_end(&writer, &out, &err), err);
	CHECK_TEXT(out.data,
		"{\"list\":[-9007199254740991,{},[],false],\"na\\\"me\":\"\\u0001\\n\\\"\\\\/\xc3\xa9\",\"null\":null,"
		"\"nul\":\"a\\u0000b\",\"bad\":\"a\xef\xbf\xbd\\\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\",\"amount\":"
		"\"9223372036854775807\",\"hex\":\"00ff\","
		"\"raw\":[1]}");
	CHECK_OK(json_parse(&arena, out.data, out.bytes, &value, &err), err);
	uint8_t many[200];
	memset(many, 0x5a, sizeof many);
	json_begin(&writer, &arena);
	json_put_hex(&writer, NULL, many, sizeof many);
	CHECK_OK(json_end(&writer, &out, &err), err);
	CHECK_INT(out.bytes, 402);
	wn_arena_free(&arena);
	wn_arena_init(&arena, 100);
	json_begin(&writer, &arena);
	json_put_hex(&writer, NULL, many, sizeof many);
	CHECK(!json_end(&writer, &out, &err));
	CHECK_TEXT(err.code, "json_memory");
	wn_arena_free(&arena);
}

TEST(no_cut_or_flipped_byte_is_read_out_of_bounds)
{
	/* The sanitizers judge this one: every prefix and many mutations, in memory of exactly their size. */
	static const char text[] =
		"{\"a\":[1,-2.5e+10,\"\\ud83d\\ude00\\u00e9\xc3\xa9\",true,null,{}],\"b\":\"\\\\\\\"\"}";
	uint64_t seed = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, JSON_TEST_ARENA);
	for (size_t round = 0; round < 4000; round++) {
		struct wn_error err = {0};
		const struct json *value;
		size_t bytes = round <= strlen(text) ? round : strlen(text);
		char *exact = malloc(bytes + (bytes == 0));
		CHECK_OR_RETURN(exact != NULL);
		memcpy(exact, text, bytes);
		if (round > strlen(text))
			exact[test_random(&seed) % bytes] = (char)test_random(&seed);
		bool parsed = json_parse(&arena, exact, bytes, &value, &err);
		CHECK_INT(parsed, value != NULL);
		if (round < strlen(text))
			CHECK(!parsed);
		free(exact);
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}
