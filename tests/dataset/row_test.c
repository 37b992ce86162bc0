/* Rows: they carry what the item id follows from, in one form only. */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "core/item_id.h"
#include "tests/dataset/version_sample.h"

SUITE("row")

TEST(a_row_carries_what_its_item_id_follows_from)
{
	struct version_sample sample;
	struct wn_error err = {0};
	struct row_facts facts;
	struct row row;
	struct wn_slice text;
	struct item_id id;
	struct sha256 hash;
	version_sample_init(&sample);
	for (int i = 0; i < 20; i++) {
		version_sample_item(&sample, i, &facts);
		facts.split = "train";
		CHECK_OK(row_write(&sample.arena, &facts, &text, &err), err);
		CHECK_OK(row_parse(&sample.arena, text.data, text.bytes, &row, &err), err);
		sha256_of(facts.canonical.data, facts.canonical.bytes, &hash);
		CHECK_BYTES(row.canonical_sha256.bytes, ID_BYTES, hash.bytes, ID_BYTES);
		item_id_of(&sample.setup.network, &row.salt, &row.canonical_sha256, &id);
		CHECK_BYTES(id.bytes, ID_BYTES, facts.item.bytes, ID_BYTES);
		CHECK_BYTES(row.item.bytes, ID_BYTES, facts.item.bytes, ID_BYTES);
		CHECK_INT(row.p_good, facts.p_good);
		CHECK_INT(row.votes, 5);
		CHECK_TEXT(row.label, facts.label);
		CHECK_TEXT(row.split, "train");
		CHECK(row.train && !row.ids_only);
	}
	version_sample_free(&sample);
}

TEST(an_item_id_is_the_hash_of_its_layout)
{
	/* hashlib.sha256(b"winnow/item/v1\0" + b"\1"*32 + b"\2"*32 + b"\3"*32) in Python. */
	struct network_id network;
	struct salt salt;
	struct sha256 canonical;
	struct item_id id;
	memset(network.bytes, 1, ID_BYTES);
	memset(salt.bytes, 2, ID_BYTES);
	memset(canonical.bytes, 3, ID_BYTES);
	item_id_of(&network, &salt, &canonical, &id);
	CHECK_HEX(id.bytes, ID_BYTES, "08acf28a196211d62c02bbc7f449ce85d3fa1be7f053a6ad5dc084174789b8ee");
}

TEST(a_window_is_a_row_too)
{
	static const char canonical[] = "{\"author\":\"0123456789abcdef\",\"basis\":\"author_consent\",\"content\":{"
					"\"channels\":[{\"exponent\":-2,\"name\":\"t\",\"unit\":\"C\"}],"
					"\"device\":\"d\",\"samples\":[[1,-2150],[2,null]]},\"kind\":\"window\","
					"\"language\":\"und\",\"licence\":\"CC0-1.0\",\"published_ms\":2,"
					"\"source\":\"direct\",\"source_id\":\"w\",\"tags\":[]}";
	struct version_sample sample;
	struct wn_error err = {0};
	struct row_facts facts;
	struct row row;
	struct wn_slice text;
	struct sha256 hash;
	version_sample_init(&sample);
	version_sample_item(&sample, 0, &facts);
	facts.canonical = WN_SLICE(canonical);
	facts.split = "train";
	CHECK_OK(row_write(&sample.arena, &facts, &text, &err), err);
	CHECK_OK(row_parse(&sample.arena, text.data, text.bytes, &row, &err), err);
	sha256_of(canonical, sizeof canonical - 1, &hash);
	CHECK_BYTES(row.canonical_sha256.bytes, ID_BYTES, hash.bytes, ID_BYTES);
	version_sample_free(&sample);
}

TEST(a_source_that_forbids_it_gives_ids_only)
{
	struct version_sample sample;
	struct wn_error err = {0};
	struct row_facts facts;
	struct row row;
	struct wn_slice text;
	struct sha256 hash;
	version_sample_init(&sample);
	version_sample_item(&sample, 3, &facts);
	facts.split = "train";
	facts.canonical = sample_replace(&sample.arena, facts.canonical, "\"source\":\"direct\"", "\"source\":\"x\"");
	sha256_of(facts.canonical.data, facts.canonical.bytes, &hash);
	CHECK_OK(row_write(&sample.arena, &facts, &text, &err), err);
	CHECK(strstr(text.data, "Hail number") == NULL);
	CHECK(strstr(text.data, "author\"") == NULL);
	CHECK_OK(row_parse(&sample.arena, text.data, text.bytes, &row, &err), err);
	CHECK(row.ids_only && !row.train);
	CHECK_BYTES(row.canonical_sha256.bytes, ID_BYTES, hash.bytes, ID_BYTES);
	version_sample_free(&sample);
}

/* What row_write() makes of an item, or the code of its refusal. */
static const char *row_of(struct version_sample *sample, const char *canonical, struct wn_slice *out)
{
	static struct wn_error err;
	struct row_facts facts;
	version_sample_item(sample, 0, &facts);
	facts.split = "train";
	facts.canonical = wn_slice_of(canonical);
	wn_error_reset(&err);
	return row_write(&sample->arena, &facts, out, &err) ? "" : err.code;
}

TEST(an_items_members_go_into_the_row_whatever_their_strings_hold)
{
	static const char *const contents[] = {
		"\"\"",
		"\"\\\"\"",
		"\"\\\\\"",
		"\"\\\\\\\"\"",
		"\"}],{\\\",[:\"",
		"\"\\u0000\\n\u00e9\U0001f328\"",
		"{\"a\":{\"b]\":[\"}\",[],{}]},\"source\":\"x\"}",
		"[[[]],{\"licence\":\"\"},\"\\\\\"]",
		"-12",
		"null",
	};
	struct version_sample sample;
	version_sample_init(&sample);
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		struct wn_error err = {0};
		struct wn_slice text, again;
		struct row row;
		struct sha256 hash;
		char *canonical = wn_arena_printf(&sample.arena,
			"{\"author\":\"a\",\"basis\":\"author_consent\",\"content\":%s,\"kind\":\"text\",\"language\":"
			"\"en\","
			"\"licence\":\"\\\"CC\\\\\",\"published_ms\":1,\"source\":\"direct\",\"source_id\":\"\\\\\","
			"\"tags\":"
			"[\"]\",\"\\\"\"]}",
			contents[i]);
		CHECK_TEXT(row_of(&sample, canonical, &text), "");
		CHECK_OK(jcs_canonical(&sample.arena, text.data, text.bytes, &again, &err), err);
		CHECK(wn_slice_equal(text, again));
		CHECK_OK(row_parse(&sample.arena, text.data, text.bytes, &row, &err), err);
		CHECK_TEXT(row.licence, "\"CC\\");
		sha256_of(canonical, strlen(canonical), &hash);
		CHECK_BYTES(row.canonical_sha256.bytes, ID_BYTES, hash.bytes, ID_BYTES);
	}
	version_sample_free(&sample);
}

TEST(bytes_that_are_no_item_make_no_row)
{
	static const char good[] =
		"{\"author\":\"a\",\"basis\":\"b\",\"content\":\"c\",\"kind\":\"text\",\"language\":\"en\","
		"\"licence\":\"l\",\"published_ms\":1,\"source\":\"s\",\"source_id\":\"i\",\"tags\":[]}";
	struct version_sample sample;
	struct wn_slice text;
	version_sample_init(&sample);
	CHECK_TEXT(row_of(&sample, good, &text), "");
	/* Cut anywhere it is none. */
	for (size_t bytes = 0; bytes + 1 < sizeof good; bytes++)
		CHECK_TEXT(row_of(&sample, wn_arena_copy(&sample.arena, good, bytes), &text), "row_item");
	CHECK_TEXT(row_of(&sample, "{}", &text), "row_item");
	CHECK_TEXT(row_of(&sample, "[]", &text), "row_item");
	CHECK_TEXT(row_of(&sample, "{\"author\":}", &text), "row_item");
	CHECK_TEXT(row_of(&sample, "{\"author\":]]]]}", &text), "row_item");
	CHECK_TEXT(row_of(&sample, "{\"author\" \"a\"}", &text), "row_item");
	CHECK_TEXT(row_of(&sample, wn_arena_printf(&sample.arena, "%s ", good), &text), "row_item");
	CHECK_TEXT(row_of(&sample, "{\"source\":\"s\",\"licence\":\"\"}", &text), "row_member");
	CHECK_TEXT(row_of(&sample, "{\"source\":7,\"licence\":\"l\"}", &text), "row_member");
	CHECK_TEXT(row_of(&sample, "{\"licence\":\"l\",\"source\":\"s\"}", &text), "row_member");
	version_sample_free(&sample);
}

TEST(every_bad_row_is_refused_with_its_word)
{
	static const struct {
		const char *what, *with, *code;
	} bad[] = {
		{"{", "[", "row_json"},
		{"\"votes\":5", "\"votes\":5.0", "row_json"},
		{"\"votes\":5", "\"votes\":5,\"votes\":5", "row_json"},
		{"\"votes\":5", "\"votes\": 5", "row_canonical"},
		{"\"author\":", "\"zauthor\":", "row_canonical"},
		{"\"votes\":5", "\"votes\":5,\"weight\":1", "row_member"},
		{"\"label\":\"storm\",", "", "row_member"},
		{"\"tags\":[\"hail\"],", "", "row_member"},
		{"\"votes\":5", "\"votes\":-5", "row_value"},
		{"\"votes\":5", "\"votes\":\"5\"", "row_value"},
		{"\"p_good\":600004", "\"p_good\":1000001", "row_value"},
		{"\"export\":\"full\"", "\"export\":\"all\"", "row_value"},
		{"\"train\":\"allowed\"", "\"train\":true", "row_value"},
		{"\"item_id\":\"", "\"item_id\":\"0", "row_value"},
		{"\"label\":\"storm\"", "\"label\":7", "row_value"},
	};
	struct version_sample sample;
	struct wn_error err = {0};
	struct row_facts facts;
	struct row row;
	struct wn_slice good;
	version_sample_init(&sample);
	version_sample_item(&sample, 4, &facts);
	facts.split = "train";
	CHECK_OK(row_write(&sample.arena, &facts, &good, &err), err);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wn_slice text = sample_replace(&sample.arena, good, bad[i].what, bad[i].with);
		bool taken = row_parse(&sample.arena, text.data, text.bytes, &row, &err);
		CHECK_TEXT(taken ? bad[i].with : err.code, bad[i].code);
	}
	/* One id has one spelling. */
	struct wn_slice upper = {wn_arena_copy(&sample.arena, good.data, good.bytes), good.bytes};
	char *hex = strstr(upper.data, "\"salt\":\"");
	CHECK_OR_RETURN(hex != NULL);
	bool changed = false;
	for (hex += 8; *hex != '"'; hex++)
		if (*hex >= 'a' && *hex <= 'f') {
			*hex = (char)(*hex - 32);
			changed = true;
		}
	CHECK(changed);
	CHECK(!row_parse(&sample.arena, upper.data, upper.bytes, &row, &err));
	CHECK_TEXT(err.code, "row_value");
	version_sample_free(&sample);
}
