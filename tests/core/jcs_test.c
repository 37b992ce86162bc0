/* Canonical JSON: known answers of RFC 8785 under the integer rule, and that a canonical form is its own. */
#include "tests/check.h"

#include <string.h>

#include "core/hash.h"
#include "core/json.h"

SUITE("jcs")

enum { JCS_ARENA_MAX = 1 << 20, JCS_ROUNDS = 300 };

static const struct {
	const char *input, *canonical_hex, *sha256;
} jcs_accepted[] = {
	{"{\"b\":1,\"a\":2}", "7b2261223a322c2262223a317d",
		"d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772"},
	{"{ \"z\" : [ 1 , 2,3 ] ,\n\"a\":{ } }", "7b2261223a7b7d2c227a223a5b312c322c335d7d",
		"63bf8ffbf4158f2841955c5d36c2ca2afb1bb6808eec60d69093dda04097e3d5"},
	{"{\"\":0,\"a\":1,\"aa\":2,\"A\":3,\"a\\u0000\":4}",
		"7b22223a302c2241223a332c2261223a312c22615c7530303030223a342c226161223a327d",
		"7b6ec0464ff69395f5789067439b174032dc44190eda5898903945f77cc2572a"},
	{"{\"\\ue000\":1,\"\\ud83d\\ude00\":2,\"\\u00e9\":3,\"e\\u0301\":4,\"\\u20ac\":5,\"\\r\":6,\"1\""
	 ":7,\"\\u0080\":8}",
		"7b225c72223a362c2231223a372c2265cc81223a342c22c280223a382c22c3a9223a332c22e282ac223a352c22f09f"
		"9880223a322c22ee8080223a317d",
		"b5323743e9d625c4d620fcb4359d0ada1b593ebef788d7414265ee7776502b7f"},
	{"\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\u007f\\u0080\"",
		"225c75303030305c75303030315c625c745c6e5c75303030625c665c725c7530303166207fc28022",
		"25c4053d6c5a70b9a507da02149a26a6b244c28643036174ef0ca697b015a109"},
	{"\"\\\"\\\\\\/ \\u002f \\u2028\\u2029 <>&'\"", "225c225c5c2f202f20e280a8e280a9203c3e262722",
		"75f96b2790ddbfa96b38c90c4df0f0bff5ec26406ec743d3a669ef58076d45b7"},
	{"\"\\u00E9 \\u20AC \\uD83D\\uDE00 \\uFFFF\"", "22c3a920e282ac20f09f988020efbfbf22",
		"666812e156e84927d0a2fc94b72a5485e2a3fffbe48cb3960aca1dbaf4b85cbe"},
	{"[0,-1,9007199254740991,-9007199254740991]",
		"5b302c2d312c393030373139393235343734303939312c2d393030373139393235343734303939315d",
		"d1f4b91349edc7ebd49ff1de73304f618c38a7456b5e36df82573d372466fff6"},
	{"[true,false,null,[],{},\"\"]", "5b747275652c66616c73652c6e756c6c2c5b5d2c7b7d2c22225d",
		"5bb0f142884bf7abfd61dfee93d1e739ab46ff29bfd6276a18783caf177c10db"},
	{"{\"amount\":\"1000000000000000000\",\"n\":7}",
		"7b22616d6f756e74223a2231303030303030303030303030303030303030222c226e223a377d",
		"63fa5472e61dbd0a68c28be5fca878594ced8118525308e33b6285b5118f6f0e"},
	{"{\"\\u0061b\":1,\"a\":2}", "7b2261223a322c226162223a317d",
		"ee8723a8d7d6ef8e9dd499dd6308103c80dd8b74f4e349747090dc787da6d0f8"},
	{"[[[[[[[[1]]]]]]]]", "5b5b5b5b5b5b5b5b315d5d5d5d5d5d5d5d",
		"61c273c6684f7d2b840576aeb305c594421e20edef2d5e57e297c0167a867a91"},
	{"  \"x\"  ", "227822", "ba2df4903a2c14e86dc3bcca58911b44ac1d2514b7227bf6eb08cfb978f55a1b"},
};
static const struct {
	const char *input_hex, *why;
} jcs_refused[] = {
	{"7b2261223a312e307d", "fraction"},
	{"7b2261223a3165337d", "exponent"},
	{"2d30", "minus zero"},
	{"39303037313939323534373430393932", "out of range"},
	{"2d39303037313939323534373430393932", "out of range"},
	{"313233343536373839303132333435363738393031323334353637383930", "out of range"},
	{"7b2261223a312c2261223a327d", "member twice"},
	{"7b2261223a312c225c7530303631223a327d", "member twice after unescaping"},
	{"225c756438303022", "lone surrogate"},
	{"225c75646330305c756438303022", "surrogates in wrong order"},
	{"7b225c7564383030223a317d", "lone surrogate in a name"},
	{"efbbbf7b7d", "byte order mark"},
	{"22ff22", "not UTF-8"},
	{"22c0af22", "overlong UTF-8"},
	{"22eda08022", "surrogate in UTF-8"},
	{"5b312c5d", "trailing comma"},
	{"5b315d2032", "text after the value"},
	{"3031", "leading zero"},
	{"2b31", "plus sign"},
	{"4e614e", "not JSON"},
	{"220a22", "raw control character"},
	{"7b2761273a317d", "single quotes"},
	{"", "empty"},
	{"5b3120325d", "missing comma"},
	{"225c78343122", "unknown escape"},
};

enum { ACCEPTED = sizeof jcs_accepted / sizeof jcs_accepted[0], REFUSED = sizeof jcs_refused / sizeof jcs_refused[0] };

TEST(known_texts_get_their_canonical_bytes)
{
	struct wn_arena arena;
	wn_arena_init(&arena, JCS_ARENA_MAX);
	for (int i = 0; i < ACCEPTED; i++) {
		struct wn_error err = {0};
		struct wn_slice out;
		struct sha256 hash;
		const char *input = jcs_accepted[i].input;
		CHECK_OK(jcs_canonical(&arena, input, strlen(input), &out, &err), err);
		CHECK_HEX(out.data, out.bytes, jcs_accepted[i].canonical_hex);
		sha256_of(out.data, out.bytes, &hash);
		CHECK_HEX(hash.bytes, sizeof hash.bytes, jcs_accepted[i].sha256);
		/* The canonical bytes are canonical; the input is only when it is the same bytes. */
		CHECK_OK(jcs_check(&arena, out.data, out.bytes, &err), err);
		bool same = out.bytes == strlen(input) && memcmp(out.data, input, out.bytes) == 0;
		bool canonical = jcs_check(&arena, input, strlen(input), &err);
		CHECK_INT(canonical, same);
		if (!canonical)
			CHECK_TEXT(err.code, "json_not_canonical");
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}

TEST(what_has_no_canonical_form_is_refused)
{
	struct wn_arena arena;
	wn_arena_init(&arena, JCS_ARENA_MAX);
	for (int i = 0; i < REFUSED; i++) {
		uint8_t input[64];
		struct wn_error err = {0};
		struct wn_slice out;
		size_t bytes = strlen(jcs_refused[i].input_hex) / 2;
		CHECK_OR_RETURN(bytes <= sizeof input && hex_read(input, bytes, jcs_refused[i].input_hex, 2 * bytes));
		if (!CHECK(!jcs_canonical(&arena, (char *)input, bytes, &out, &err)))
			CHECK_TEXT(jcs_refused[i].why, "refused");
		CHECK_INT(err.blame, WN_INPUT);
		CHECK(!jcs_check(&arena, (char *)input, bytes, &err));
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}

/* A random value of at most `depth` levels. */
static void random_value(struct json_writer *writer, const char *name, uint64_t *seed, int depth)
{
	static const char *const words[] = {"", "a", "A", "\n", "\"", "\\", "\xc3\xa9", "\xef\xbf\xbf",
		"\xf0\x9f\x98\x80", "\x01", "/", "\xe2\x80\xa8", "z"};
	enum { WORDS = sizeof words / sizeof words[0] };
	int kind = (int)(test_random(seed) % (depth > 0 ? 6 : 4));
	if (kind == 0) {
		json_put_integer(writer, name, (int64_t)(test_random(seed) >> 11) * (test_random(seed) & 1 ? 1 : -1));
	} else if (kind == 1) {
		json_put_bool(writer, name, test_random(seed) & 1);
	} else if (kind == 2) {
		json_put_string(writer, name, NULL);
	} else if (kind == 3) {
		char text[64] = "";
		for (int i = 0; i < 5; i++)
			strcat(text, words[test_random(seed) % WORDS]);
		json_put_string(writer, name, text);
	} else if (kind == 4) {
		json_open_array(writer, name);
		for (uint64_t i = test_random(seed) % 5; i > 0; i--)
			random_value(writer, NULL, seed, depth - 1);
		json_close_array(writer);
	} else {
		json_open_object(writer, name);
		/* Names from different places of the list, so that none stands twice. */
		for (uint64_t i = test_random(seed) % 4; i < WORDS; i += 1 + test_random(seed) % 4)
			random_value(writer, words[WORDS - 1 - i], seed, depth - 1);
		json_close_object(writer);
	}
}

TEST(canonical_bytes_of_random_values_stay_as_they_are)
{
	uint64_t seed = test_seed();
	struct wn_arena arena;
	wn_arena_init(&arena, JCS_ARENA_MAX);
	for (int round = 0; round < JCS_ROUNDS; round++) {
		struct wn_error err = {0};
		struct json_writer writer;
		struct wn_slice written, once, twice;
		json_begin(&writer, &arena);
		random_value(&writer, NULL, &seed, 4);
		CHECK_OK(json_end(&writer, &written, &err), err);
		CHECK_OK(jcs_canonical(&arena, written.data, written.bytes, &once, &err), err);
		CHECK_OK(jcs_canonical(&arena, once.data, once.bytes, &twice, &err), err);
		CHECK_BYTES(twice.data, twice.bytes, once.data, once.bytes);
		wn_arena_reset(&arena);
	}
	wn_arena_free(&arena);
}

TEST(a_small_arena_is_told_and_never_a_shorter_text)
{
	static const char text[] =
		"{\"b\":[1,2,3,\"four\"],\"a\":{\"c\":\"0123456789012345678901234567890123456789\"}}";
	for (size_t ceiling = 0; ceiling < 6000; ceiling += 16) {
		struct wn_arena arena;
		struct wn_error err = {0};
		struct wn_slice out;
		wn_arena_init(&arena, ceiling);
		if (jcs_canonical(&arena, text, strlen(text), &out, &err))
			CHECK_INT(out.bytes, strlen(text));
		else
			CHECK_TEXT(err.code, "json_memory");
		wn_arena_free(&arena);
	}
}
