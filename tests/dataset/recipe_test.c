/* Recipes: what is refused with which word, one form for one meaning, splits that stay. */
#include "tests/check.h"

#include <string.h>

#include "dataset/recipe.h"

SUITE("recipe")

static bool parse(struct wn_arena *arena, const char *text, struct recipe *out, struct wn_error *err)
{
	const struct json *value;
	wn_error_reset(err);
	return json_parse(arena, text, strlen(text), &value, err) && recipe_parse(value, out, err);
}

#define BASE "\"name\":\"d\",\"campaign\":\"c\""

TEST(every_bad_recipe_is_refused_with_its_word)
{
	static const struct {
		const char *text, *code;
	} bad[] = {
		{"[]", "recipe_object"},
		{"{" BASE ",\"colour\":1}", "recipe_member"},
		{"{\"campaign\":\"c\"}", "recipe_name"},
		{"{\"name\":\"\",\"campaign\":\"c\"}", "recipe_name"},
		{"{\"name\":\"../d\",\"campaign\":\"c\"}", "recipe_name"},
		{"{\"name\":\"D\",\"campaign\":\"c\"}", "recipe_name"},
		{"{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"campaign\":\"c\"}",
			"recipe_name"},
		{"{\"name\":\"d\"}", "recipe_campaign"},
		{"{" BASE ",\"p_good_least\":-1}", "recipe_p_good"},
		{"{" BASE ",\"p_good_least\":1000001}", "recipe_p_good"},
		{"{" BASE ",\"p_good_least\":0.5}", "recipe_p_good"},
		{"{" BASE ",\"choices\":[]}", "recipe_choices"},
		{"{" BASE ",\"choices\":[\"a\",\"a\"]}", "recipe_choices"},
		{"{" BASE ",\"choices\":[\"a\\n\"]}", "recipe_choices"},
		{"{" BASE ",\"choices\":\"a\"}", "recipe_choices"},
		{"{" BASE ",\"licences\":[7]}", "recipe_licences"},
		{"{" BASE ",\"licences\":[\"\"]}", "recipe_licences"},
		{"{" BASE ",\"splits\":[]}", "recipe_splits"},
		{"{" BASE ",\"splits\":[{\"name\":\"a\",\"ppm\":999999}]}", "recipe_splits"},
		{"{" BASE ",\"splits\":[{\"name\":\"a\",\"ppm\":1000000},{\"name\":\"b\",\"ppm\":0}]}",
			"recipe_splits"},
		{"{" BASE ",\"splits\":[{\"name\":\"a\",\"ppm\":500000},{\"name\":\"a\",\"ppm\":500000}]}",
			"recipe_splits"},
		{"{" BASE ",\"splits\":[{\"name\":\"A\",\"ppm\":1000000}]}", "recipe_splits"},
		{"{" BASE ",\"splits\":[{\"name\":\"a\",\"ppm\":1000000,\"seed\":1}]}", "recipe_splits"},
		{"{" BASE ",\"sample\":1}", "recipe_sample"},
	};
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recipe recipe;
	wn_arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		bool taken = parse(&arena, bad[i].text, &recipe, &err);
		CHECK_TEXT(taken ? bad[i].text : err.code, bad[i].code);
		CHECK_INT(err.blame, WN_INPUT);
	}
	wn_arena_free(&arena);
}

TEST(two_ways_to_write_one_recipe_are_the_same_bytes)
{
	static const char *const ways[] = {
		"{" BASE ",\"choices\":[\"b\",\"a\"],\"licences\":[\"CC0-1.0\",\"CC-BY-4.0\"]}",
		" {\"licences\": [\"CC-BY-4.0\", \"CC0-1.0\"], \"choices\": [\"a\", \"b\"], \"campaign\": \"c\", "
		"\"name\": \"d\", \"p_good_least\": 0,"
		" \"sample\": false, \"splits\": [{\"ppm\": 1000000, \"name\": \"train\"}]}",
	};
	struct wn_arena arena;
	struct wn_error err = {0};
	struct wn_slice written[2], again;
	struct recipe recipe;
	wn_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(parse(&arena, ways[i], &recipe, &err), err);
		CHECK_OK(recipe_write(&arena, &recipe, &written[i], &err), err);
	}
	CHECK_BYTES(written[0].data, written[0].bytes, written[1].data, written[1].bytes);
	CHECK_TEXT(written[0].data, "{\"campaign\":\"c\",\"choices\":[\"a\",\"b\"],\"licences\":[\"CC-BY-4.0\",\"CC0-1."
				    "0\"],\"name\":\"d\",\"p_good_least\":0,"
				    "\"sample\":false,\"splits\":[{\"name\":\"train\",\"ppm\":1000000}]}");
	/* What was written reads back as itself, lists left out included. */
	CHECK_OK(parse(&arena, "{" BASE "}", &recipe, &err), err);
	CHECK_OK(recipe_write(&arena, &recipe, &written[0], &err), err);
	CHECK_OK(parse(&arena, written[0].data, &recipe, &err), err);
	CHECK_OK(recipe_write(&arena, &recipe, &again, &err), err);
	CHECK_BYTES(written[0].data, written[0].bytes, again.data, again.bytes);
	wn_arena_free(&arena);
}

TEST(a_split_follows_from_the_item_id_alone)
{
	/* SHA-256("winnow/split/v1" 00 | 32 zero bytes) begins fee38f29a5f1e3de: place 514,430, as Python's hashlib and
	 * int have it. */
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recipe recipe;
	struct item_id item = {{0}};
	wn_arena_init(&arena, 1 << 20);
	CHECK_OK(parse(&arena,
			 "{" BASE
			 ",\"splits\":[{\"name\":\"train\",\"ppm\":900000},{\"name\":\"test\",\"ppm\":100000}]}",
			 &recipe, &err),
		err);
	recipe.splits[0].ppm = 514430;
	recipe.splits[1].ppm = 485570;
	CHECK_TEXT(recipe_split_of(&recipe, &item), "test");
	recipe.splits[0].ppm = 514431;
	recipe.splits[1].ppm = 485569;
	CHECK_TEXT(recipe_split_of(&recipe, &item), "train");
	recipe.splits[0].ppm = 900000;
	recipe.splits[1].ppm = 100000;
	int64_t in_test = 0;
	enum { DRAWS = 20000 };
	for (int i = 0; i < DRAWS; i++) {
		memcpy(item.bytes, &i, sizeof i);
		const char *split = recipe_split_of(&recipe, &item);
		CHECK_TEXT(split, recipe_split_of(&recipe, &item));
		in_test += strcmp(split, "test") == 0;
	}
	/* 2,000 are expected; six standard deviations are 255. */
	CHECK(in_test > 1745 && in_test < 2255);
	wn_arena_free(&arena);
}

TEST(a_recipe_is_checked_against_its_campaign)
{
	static const char document[] =
		"{\"name\":\"c\",\"question\":\"?\",\"sample\":true,\"choices\":[{\"name\":\"no\",\"verdict\":"
		"\"reject\"},"
		"{\"name\":\"yes\",\"verdict\":\"keep\"},{\"name\":\"hm\",\"verdict\":\"abstain\"}]}";
	static const struct {
		const char *text, *code;
	} cases[] = {
		{"{\"name\":\"d\",\"campaign\":\"other\",\"sample\":true}", "recipe_campaign"},
		{"{" BASE ",\"sample\":true,\"choices\":[\"no\"]}", "recipe_choices"},
		{"{" BASE ",\"sample\":true,\"choices\":[\"hm\"]}", "recipe_choices"},
		{"{" BASE ",\"sample\":true,\"choices\":[\"maybe\"]}", "recipe_choices"},
		{"{" BASE "}", "recipe_sample"},
		{"{" BASE ",\"sample\":true,\"choices\":[\"yes\"]}", ""},
	};
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recipe recipe;
	struct campaign campaign;
	const struct json *value;
	wn_arena_init(&arena, 1 << 20);
	CHECK_OK(json_parse(&arena, document, strlen(document), &value, &err) && campaign_parse(value, &campaign, &err),
		err);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CHECK_OK(parse(&arena, cases[i].text, &recipe, &err), err);
		bool fits = recipe_fits(&recipe, &campaign, &err);
		CHECK_TEXT(fits ? "" : err.code, cases[i].code);
	}
	CHECK(recipe_takes(&recipe, "yes", 0, "anything"));
	CHECK(!recipe_takes(&recipe, "no", 0, "anything"));
	recipe.p_good_least = 5;
	CHECK(!recipe_takes(&recipe, "yes", 4, "anything"));
	CHECK(recipe_takes(&recipe, "yes", 5, "anything"));
	wn_arena_free(&arena);
}
