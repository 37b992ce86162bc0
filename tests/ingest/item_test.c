/* What an item must hold, each way to be refused, its canonical bytes and the published examples of its id. */
#include "ingest/item.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/item_id.h"
#include "tests/check.h"

SUITE("item")

#define NETWORK_HEX "b9da57f6670e8b62dcd08de38534e635bdb2badef73c4bbb0fbebe145f4c2247"

enum { NOW_MS_SECONDS = 1767225600, ARENA_BYTES = 32 * 1024 * 1024 };
#define NOW_MS (1000LL * NOW_MS_SECONDS)

static struct wn_arena arena;

static void campaign_read(const char *json, struct campaign *out)
{
	const struct json *document;
	struct wn_error err = {0};
	CHECK_OK(json_parse(&arena, json, strlen(json), &document, &err), err);
	CHECK_OK(campaign_parse(document, out, &err), err);
}

#define CHOICES                                                                                                        \
	"\"question\":\"?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":"      \
	"\"keep\"}]"
static const char text_campaign[] =
	"{\"name\":\"hail\"," CHOICES ",\"languages\":[\"en\",\"pt\"],\"sources\":[\"direct\",\"mastodon\"]}";
static const char window_campaign[] =
	"{\"name\":\"air\",\"kind\":\"window\",\"licence\":\"CC0-1.0\",\"basis\":\"device_owner\"," CHOICES "}";

static struct item_rules rules_of(const char *json, struct campaign *campaign)
{
	wn_arena_init(&arena, ARENA_BYTES);
	campaign_read(json, campaign);
	return (struct item_rules){.campaign = campaign, .now_ms = NOW_MS};
}

static enum item_result check(
	const struct item_rules *rules, const char *json, struct item *item, struct item_answer *answer)
{
	struct wn_error err = {0};
	CHECK_OK(item_check_json(&arena, json, strlen(json), rules, item, answer, &err), err);
	return answer->result;
}

TEST(a_text_becomes_canonical_bytes_with_every_member)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(text_campaign, &campaign);
	struct item item;
	struct item_answer answer;
	struct wn_error err = {0};
	CHECK_INT(check(&rules,
			  "{\"content\":\"Hail!\\n\\\"big\\\"\",\"tags\":[\"b\",\"a\"],\"language\":\"EN-gb\","
			  "\"source\":\"mastodon\","
			  "\"source_id\":\"https://example.org/1\",\"published_ms\":5}",
			  &item, &answer),
		ITEM_DONE);
	CHECK_TEXT(item.canonical.data, "{\"author\":\"48b20750adf45e4e\",\"basis\":\"author_consent\",\"content\":"
					"\"Hail!\\n\\\"big\\\"\",\"kind\":\"text\","
					"\"language\":\"en-GB\",\"licence\":\"CC-BY-4.0\",\"published_ms\":5,"
					"\"source\":\"mastodon\",\"source_id\":\"https://example.org/1\","
					"\"tags\":[\"b\",\"a\"]}");
	CHECK_OK(jcs_check(&arena, item.canonical.data, item.canonical.bytes, &err), err);
	CHECK(!item.has_salt);
	wn_arena_free(&arena);
}

TEST(what_is_left_out_follows_from_campaign_and_content)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(text_campaign, &campaign);
	struct item item, again;
	struct item_answer answer;
	CHECK_INT(check(&rules, "{\"content\":\"Hail\"}", &item, &answer), ITEM_DONE);
	CHECK_TEXT(item.source, "direct");
	CHECK_TEXT(item.language, "und");
	CHECK_TEXT(item.licence, "CC-BY-4.0");
	CHECK_TEXT(item.source_id, "f5cc007528e237b25d5f5d7bce3a2b34");
	CHECK_INT(item.published_ms, 0);
	/* Sent again on another day it is the same item. */
	rules.now_ms += 86400000;
	CHECK_INT(check(&rules, "{ \"content\" : \"Hail\" }", &again, &answer), ITEM_DONE);
	CHECK_BYTES(again.canonical.data, again.canonical.bytes, item.canonical.data, item.canonical.bytes);
	/* The short form of recorded posts. */
	CHECK_INT(check(&rules, "{\"id\":\"79185724\",\"text\":\"Hail\"}", &item, &answer), ITEM_DONE);
	CHECK_TEXT(item.source_id, "79185724");
	wn_arena_free(&arena);
}

TEST(every_refusal_of_a_text_has_its_code)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(text_campaign, &campaign);
	static const struct {
		const char *json, *code;
	} cases[] = {
		{"", "json_syntax"},
		{"{\"content\":\"a\"", "json_syntax"},
		{"{\"content\":\"a\"} {}", "json_syntax"},
		{"{\"content\":\"a\",\"content\":\"b\"}", "json_duplicate"},
		{"{\"content\":\"\xff\"}", "json_utf8"},
		{"{\"content\":\"\xc0\xaf\"}", "json_utf8"},
		{"{\"content\":\"\\ud800\"}", "json_surrogate"},
		{"[]", "item_object"},
		{"null", "item_object"},
		{"{\"content\":\"a\",\"contributor\":\"me\"}", "item_member"},
		{"{\"content\":\"a\",\"author\":\"me\"}", "item_member"},
		{"{\"content\":\"a\",\"kind\":\"window\"}", "item_kind"},
		{"{\"content\":\"a\",\"kind\":3}", "item_kind"},
		{"{}", "item_content_missing"},
		{"{\"content\":\"a\",\"text\":\"a\"}", "item_content_twice"},
		{"{\"content\":1}", "item_content_type"},
		{"{\"content\":null}", "item_content_type"},
		{"{\"content\":\"a\\u0000b\"}", "item_content_nul"},
		{"{\"content\":\"\"}", "item_content_empty"},
		{"{\"content\":\" \\t\\r\\n\"}", "item_content_empty"},
		{"{\"content\":\"a\",\"source\":\"\"}", "item_source"},
		{"{\"content\":\"a\",\"source\":\"Mastodon\"}", "item_source"},
		{"{\"content\":\"a\",\"source\":\"../x\"}", "item_source"},
		{"{\"content\":\"a\",\"source\":\"abcdefghijklmnopqrstuvwxyz0123456\"}", "item_source"},
		{"{\"content\":\"a\",\"source\":7}", "item_source"},
		{"{\"content\":\"a\",\"source\":\"x\"}", "item_source_unwanted"},
		{"{\"content\":\"a\",\"source_id\":\"\"}", "item_source_id"},
		{"{\"content\":\"a\",\"source_id\":\"a\\nb\"}", "item_source_id"},
		{"{\"content\":\"a\",\"source_id\":\"a\\u0000\"}", "item_source_id"},
		{"{\"content\":\"a\",\"source_id\":12}", "item_source_id"},
		{"{\"content\":\"a\",\"source_id\":\"1\",\"id\":\"1\"}", "item_source_id"},
		{"{\"content\":\"a\",\"language\":\"english\"}", "item_language"},
		{"{\"content\":\"a\",\"language\":\"e\"}", "item_language"},
		{"{\"content\":\"a\",\"language\":\"en-\"}", "item_language"},
		{"{\"content\":\"a\",\"language\":\"en-GB-Latn\"}", "item_language"},
		{"{\"content\":\"a\",\"language\":\"\"}", "item_language"},
		{"{\"content\":\"a\",\"language\":\"de\"}", "item_language_unwanted"},
		{"{\"content\":\"a\",\"language\":\"eng\"}", "item_language_unwanted"},
		{"{\"content\":\"a\",\"licence\":\"all mine\"}", "item_licence"},
		{"{\"content\":\"a\",\"licence\":\"CC-BY-NC-4.0\"}", "item_licence_unwanted"},
		{"{\"content\":\"a\",\"basis\":\"found it\"}", "item_basis"},
		{"{\"content\":\"a\",\"basis\":\"recorded\"}", "item_basis_unwanted"},
		{"{\"content\":\"a\",\"published_ms\":-1}", "item_published"},
		{"{\"content\":\"a\",\"published_ms\":1.5}", "item_published"},
		{"{\"content\":\"a\",\"published_ms\":\"1\"}", "item_published"},
		{"{\"content\":\"a\",\"published_ms\":1e999}", "item_published"},
		{"{\"content\":\"a\",\"published_ms\":1767312000001}", "item_published_ahead"},
		{"{\"content\":\"a\",\"tags\":\"x\"}", "item_tags"},
		{"{\"content\":\"a\",\"tags\":[\"\"]}", "item_tags"},
		{"{\"content\":\"a\",\"tags\":[\"x\",\"y\",\"x\"]}", "item_tags"},
		{"{\"content\":\"a\",\"tags\":[1]}", "item_tags"},
		{"{\"content\":\"a\",\"salt\":\"00\"}", "item_salt"},
		{"{\"content\":\"a\",\"salt\":null}", "item_salt"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct item item;
		struct item_answer answer;
		check(&rules, cases[i].json, &item, &answer);
		if (!CHECK_TEXT(answer.code, cases[i].code))
			fprintf(stderr, "  in %s\n", cases[i].json);
		CHECK(answer.detail[0] != '\0');
	}
	wn_arena_free(&arena);
}

TEST(limits_hold_at_the_last_byte)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(text_campaign, &campaign);
	struct item item;
	struct item_answer answer;
	char json[16384];
	memset(json, 'x', sizeof json);
	memcpy(json, "{\"content\":\"", 12);
	memcpy(json + 12 + ITEM_TEXT_MAX, "\"}", 3);
	CHECK_INT(check(&rules, json, &item, &answer), ITEM_DONE);
	json[12 + ITEM_TEXT_MAX] = 'x';
	memcpy(json + 13 + ITEM_TEXT_MAX, "\"}", 3);
	CHECK_INT(check(&rules, json, &item, &answer), ITEM_CONTENT_LONG);
	CHECK_INT(item_result_status(answer.result), 413);
	static char tags[16384] = "{\"content\":\"a\",\"tags\":[";
	for (int i = 0; i < ITEM_TAGS_MAX; i++)
		snprintf(tags + strlen(tags), sizeof tags - strlen(tags), "%s\"%0*d\"", i ? "," : "", ITEM_TAG_MAX, i);
	size_t end = strlen(tags);
	snprintf(tags + end, sizeof tags - end, "]}");
	CHECK_INT(check(&rules, tags, &item, &answer), ITEM_DONE);
	snprintf(tags + end, sizeof tags - end, ",\"one more\"]}");
	CHECK_INT(check(&rules, tags, &item, &answer), ITEM_TAGS_WRONG);
	char long_id[400];
	snprintf(long_id, sizeof long_id, "{\"content\":\"a\",\"source_id\":\"%0*d\"}", ITEM_SOURCE_ID_MAX, 1);
	CHECK_INT(check(&rules, long_id, &item, &answer), ITEM_DONE);
	snprintf(long_id, sizeof long_id, "{\"content\":\"a\",\"source_id\":\"%0*d\"}", ITEM_SOURCE_ID_MAX + 1, 1);
	CHECK_INT(check(&rules, long_id, &item, &answer), ITEM_SOURCE_ID_WRONG);
	char *huge = malloc(ITEM_LINE_MAX + 1);
	memset(huge, ' ', ITEM_LINE_MAX + 1);
	struct wn_error err = {0};
	CHECK_OK(item_check_json(&arena, huge, ITEM_LINE_MAX + 1, &rules, &item, &answer, &err), err);
	CHECK_INT(answer.result, ITEM_LINE_LONG);
	free(huge);
	rules.closed = true;
	CHECK_INT(check(&rules, "{\"content\":\"a\"}", &item, &answer), ITEM_CAMPAIGN_CLOSED);
	wn_arena_free(&arena);
}

TEST(every_result_has_a_code_of_its_own_and_a_status)
{
	for (int i = 0; i < ITEM_RESULTS; i++) {
		CHECK(item_result_code(i) != NULL);
		CHECK(i == ITEM_DONE ? item_result_status(i) == 200
				     : item_result_status(i) >= 400 && item_result_status(i) < 500);
		for (int j = 0; j < i; j++)
			CHECK(strcmp(item_result_code(i), item_result_code(j)) != 0);
	}
}

#define WINDOW(channels, samples)                                                                                      \
	"{\"content\":{\"device\":\"77aa\",\"channels\":[" channels "],\"samples\":[" samples "]}}"
#define CELSIUS "{\"unit\":\"Cel\",\"name\":\"temperature\",\"exponent\":-2}"

TEST(a_window_is_canonical_and_dated_by_its_last_sample)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(window_campaign, &campaign);
	struct item item;
	struct item_answer answer;
	struct wn_error err = {0};
	CHECK_INT(check(&rules, WINDOW(CELSIUS, "[1767225600000,2153],[1767225660000,null],[1767225720000,-5]"), &item,
			  &answer),
		ITEM_DONE);
	CHECK_TEXT(item.content.data,
		"{\"channels\":[{\"exponent\":-2,\"name\":\"temperature\",\"unit\":\"Cel\"}],\"device\":\"77aa\","
		"\"samples\":[[1767225600000,2153],[1767225660000,null],[1767225720000,-5]]}");
	CHECK_TEXT(item.source_id, "77aa/1767225600000");
	CHECK_INT(item.published_ms, 1767225720000);
	CHECK_OK(jcs_check(&arena, item.canonical.data, item.canonical.bytes, &err), err);
	wn_arena_free(&arena);
}

TEST(every_refusal_of_a_window_has_its_code)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(window_campaign, &campaign);
	static const struct {
		const char *json, *code;
	} cases[] = {
		{"{\"content\":\"21.53\"}", "item_content_type"},
		{"{\"content\":{}}", "window_device"},
		{"{\"content\":{\"device\":\"a\",\"place\":1}}", "window_members"},
		{"{\"content\":{\"device\":\"a b\"}}", "window_device"},
		{"{\"content\":{\"device\":\"a\"}}", "window_channels"},
		{WINDOW("", "[1,1]"), "window_channels"},
		{WINDOW("1", "[1,1]"), "window_channels"},
		{WINDOW("{\"name\":\"T\",\"unit\":\"Cel\",\"exponent\":0}", "[1,1]"), "window_channels"},
		{WINDOW("{\"name\":\"t\",\"unit\":\"\",\"exponent\":0}", "[1,1]"), "window_channels"},
		{WINDOW("{\"name\":\"t\",\"unit\":\"C\\u0000\",\"exponent\":0}", "[1,1]"), "window_channels"},
		{WINDOW("{\"name\":\"t\",\"unit\":\"Cel\",\"exponent\":13}", "[1,1]"), "window_channels"},
		{WINDOW("{\"name\":\"t\",\"unit\":\"Cel\"}", "[1,1]"), "window_channels"},
		{WINDOW(CELSIUS "," CELSIUS, "[1,1,1]"), "window_channels"},
		{WINDOW(CELSIUS, ""), "window_samples"},
		{WINDOW(CELSIUS, "1"), "window_sample"},
		{WINDOW(CELSIUS, "[1]"), "window_sample"},
		{WINDOW(CELSIUS, "[1,2,3]"), "window_sample"},
		{WINDOW(CELSIUS, "[-1,2]"), "window_sample"},
		{WINDOW(CELSIUS, "[1,21.53]"), "window_sample"},
		{WINDOW(CELSIUS, "[1,\"2\"]"), "window_sample"},
		{WINDOW(CELSIUS, "[1,9007199254740992]"), "window_sample"},
		{WINDOW(CELSIUS, "[1,-0]"), "window_sample"},
		{WINDOW(CELSIUS, "[2,1],[2,1]"), "window_order"},
		{WINDOW(CELSIUS, "[2,1],[1,1]"), "window_order"},
		{WINDOW(CELSIUS, "[1767312000001,1]"), "item_published_ahead"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct item item;
		struct item_answer answer;
		check(&rules, cases[i].json, &item, &answer);
		if (!CHECK_TEXT(answer.code, cases[i].code))
			fprintf(stderr, "  in %s\n", cases[i].json);
	}
	static char many[32768] = "{\"content\":{\"device\":\"d\",\"channels\":[" CELSIUS "],\"samples\":[[0,1]";
	for (int i = 1; i < ITEM_SAMPLES_MAX; i++)
		snprintf(many + strlen(many), sizeof many - strlen(many), ",[%d,1]", i);
	size_t end = strlen(many);
	struct item item;
	struct item_answer answer;
	snprintf(many + end, sizeof many - end, "]}}");
	CHECK_INT(check(&rules, many, &item, &answer), ITEM_DONE);
	snprintf(many + end, sizeof many - end, ",[999999,1]]}}");
	CHECK_INT(check(&rules, many, &item, &answer), ITEM_WINDOW_SAMPLES);
	wn_arena_free(&arena);
}

TEST(a_window_too_long_for_one_item_is_refused)
{
	struct campaign campaign;
	struct item_rules rules = rules_of(window_campaign, &campaign);
	struct item item;
	struct item_answer answer;
	static char wide[131072] = "{\"content\":{\"device\":\"d\",\"channels\":[";
	for (int i = 0; i < ITEM_CHANNELS_MAX; i++)
		snprintf(wide + strlen(wide), sizeof wide - strlen(wide),
			"%s{\"name\":\"c%d\",\"unit\":\"1\",\"exponent\":0}", i ? "," : "", i);
	snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "],\"samples\":[");
	for (int i = 0; i < 200; i++) {
		snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "%s[%d", i ? "," : "", i);
		for (int c = 0; c < ITEM_CHANNELS_MAX; c++)
			snprintf(wide + strlen(wide), sizeof wide - strlen(wide), ",9007199254740991");
		snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "]");
	}
	snprintf(wide + strlen(wide), sizeof wide - strlen(wide), "]}}");
	CHECK_INT(check(&rules, wide, &item, &answer), ITEM_WINDOW_LONG);
	wn_arena_free(&arena);
}

TEST(item_ids_are_the_published_ones)
{
	static const char text[] = "{\"author\":\"3f1c\",\"basis\":\"author_consent\",\"content\":\"Hail the size of "
				   "peas in \xc5\x8csaka \xf0\x9f\x8c\xa7 "
				   "\\\"really\\\"\",\"kind\":\"text\",\"language\":\"en\",\"licence\":\"CC-BY-4.0\","
				   "\"published_ms\":1767225601234,\"source\":\"mastodon\","
				   "\"source_id\":\"https://example.org/@a/1\",\"tags\":[\"hail\",\"weather\"]}";
	static const char window[] =
		"{\"author\":\"3f1c\",\"basis\":\"author_consent\",\"content\":{\"channels\":[{\"exponent\":-2,"
		"\"name\":\"temperature\","
		"\"unit\":\"Cel\"},{\"exponent\":-1,\"name\":\"humidity\",\"unit\":\"%RH\"}],\"device\":\"77aa\","
		"\"samples\":[[1767225600000,2153,455],"
		"[1767225660000,2149,null],[1767225720000,-5,457]]},\"kind\":\"window\",\"language\":\"und\","
		"\"licence\":\"CC0-1.0\","
		"\"published_ms\":1767225720000,\"source\":\"senml\",\"source_id\":\"77aa/1767225600000\",\"tags\":[]}";
	static const struct {
		const char *canonical, *sha256;
		uint8_t salt;
		const char *id;
	} cases[] = {
		{text, "8ccb2851f9e8081659ae0d1152ad1939d8551003397d61efe1cf7a59fdff8a55", 0x0a,
			"61c1cbc51bef89927072bfa251d36776db897913f06d46abedbdff505c0ff227"},
		{window, "d25c08b3cb95fc277220f4c5e6892b65cf4bbcc3367c1f0c6fa58980e2b3924c", 0x0b,
			"666a9595d968d8b66c4932e1ab37d8f8338bafe351887c9c8d89d30dfd39d901"},
		{text, "8ccb2851f9e8081659ae0d1152ad1939d8551003397d61efe1cf7a59fdff8a55", 0x0b,
			"c8a3fb0d0cf72bcb777bf99ffa3c541e042549c5e76f481b864f49e32f265516"},
	};
	struct network_id network;
	CHECK(hex_read(network.bytes, ID_BYTES, NETWORK_HEX, 2 * ID_BYTES));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct sha256 hash;
		struct salt salt;
		struct item_id id;
		sha256_of(cases[i].canonical, strlen(cases[i].canonical), &hash);
		CHECK_HEX(hash.bytes, ID_BYTES, cases[i].sha256);
		memset(salt.bytes, cases[i].salt, ID_BYTES);
		item_id_of(&network, &salt, &hash, &id);
		CHECK_HEX(id.bytes, ID_BYTES, cases[i].id);
	}
}

/* Other people's hostile input lies outside the project: its folder is named by WINNOW_DATA. */
static char *data_file(const char *name, size_t *bytes)
{
	char path[512];
	const char *folder = getenv("WINNOW_DATA");
	snprintf(path, sizeof path, "%s/%s", folder ? folder : "", name);
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	char *data = malloc(4 << 20);
	*bytes = fread(data, 1, 4 << 20, file);
	fclose(file);
	return data;
}

TEST(hostile_json_files_are_answered_and_never_taken)
{
	char folder[512], name[800];
	struct campaign campaign;
	snprintf(folder, sizeof folder, "%s/bad_input/json", getenv("WINNOW_DATA") ? getenv("WINNOW_DATA") : "");
	DIR *dir = opendir(folder);
	if (!dir) {
		test_skip("WINNOW_DATA names no folder with bad_input/json");
		return;
	}
	struct item_rules rules = rules_of(text_campaign, &campaign);
	int files = 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		size_t bytes;
		snprintf(name, sizeof name, "bad_input/json/%s", entry->d_name);
		char *data = entry->d_name[0] == '.' ? NULL : data_file(name, &bytes);
		if (!data)
			continue;
		struct item item;
		struct item_answer answer;
		struct wn_error err = {0};
		wn_arena_reset(&arena);
		campaign_read(text_campaign, &campaign);
		CHECK_OK(item_check_json(&arena, data, bytes, &rules, &item, &answer, &err), err);
		/* None of them is an item; broken ones are refused as JSON (an oversized one before it is read). */
		CHECK(answer.result != ITEM_DONE);
		if (entry->d_name[0] == 'n' &&
			!CHECK(answer.result == ITEM_NOT_JSON || answer.result == ITEM_LINE_LONG))
			fprintf(stderr, "  %s\n", name);
		/* A name that stands twice is valid JSON, and refused here: two readers could take two meanings. */
		if (entry->d_name[0] == 'y' &&
			!CHECK(answer.result != ITEM_NOT_JSON || strcmp(answer.code, "json_duplicate") == 0))
			fprintf(stderr, "  %s\n", name);
		files++;
		free(data);
	}
	closedir(dir);
	CHECK(files > 100);
	wn_arena_free(&arena);
}

TEST(hostile_strings_are_kept_byte_for_byte)
{
	size_t bytes;
	struct campaign campaign;
	char *data = data_file("bad_input/naughty_strings.json", &bytes);
	if (!data) {
		test_skip("WINNOW_DATA names no folder with bad_input/naughty_strings.json");
		return;
	}
	struct item_rules rules = rules_of(text_campaign, &campaign);
	const struct json *strings;
	struct wn_error err = {0};
	CHECK_OK(json_parse(&arena, data, bytes, &strings, &err), err);
	size_t kept = 0;
	for (size_t i = 0; i < strings->count; i++) {
		struct wn_text line;
		struct item item;
		struct item_answer answer;
		const struct json *back;
		wn_text_init(&line, &arena);
		wn_text_add_string(&line, "{\"content\":");
		json_quote(&line, strings->elements[i]->text);
		wn_text_add_string(&line, "}");
		if (check(&rules, line.data, &item, &answer) != ITEM_DONE) {
			CHECK_TEXT(answer.code, "item_content_empty");
			continue;
		}
		kept++;
		CHECK_OK(json_parse(&arena, item.canonical.data, item.canonical.bytes, &back, &err), err);
		CHECK(wn_slice_equal(json_get(back, "content")->text, strings->elements[i]->text));
	}
	CHECK(kept > 480);
	free(data);
	wn_arena_free(&arena);
}
