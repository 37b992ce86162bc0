/* Signed requests: the RFC's known answer, round trips, and one altered request for every code. */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/httpsig.h"

SUITE("httpsig")

#define NOW_S 1767225600LL
#define TAG "winnow-b9da57f6670e8b62"
enum { SIG_ARENA_MAX = 1 << 20, HEADERS_MAX = 12 };

static struct sign_key test_key(void)
{
	uint8_t seed[SIGN_SEED_BYTES];
	struct sign_key key;
	sign_start();
	memset(seed, 7, sizeof seed);
	sign_from_seed(&key, seed);
	return key;
}

/* A request whose headers can be changed after signing. */
struct built {
	struct wn_arena arena;
	struct http_header headers[HEADERS_MAX];
	struct http_request request;
};

static void built_header(struct built *built, const char *name, const char *value)
{
	wn_assert(built->request.header_count < HEADERS_MAX);
	built->headers[built->request.header_count++] = (struct http_header){wn_slice_of(name), wn_slice_of(value)};
}

static void built_start(struct built *built, const char *method, const char *target, const char *body)
{
	*built = (struct built){0};
	wn_arena_init(&built->arena, SIG_ARENA_MAX);
	built->request = (struct http_request){.method = wn_slice_of(method),
		.authority = WN_SLICE("node.example:8080"),
		.target = wn_slice_of(target),
		.headers = built->headers,
		.body = wn_slice_of(body)};
	if (*body)
		built_header(built, "content-type", "application/json");
}

static void built_sign_at(struct built *built, const char *tag, int64_t created_s)
{
	struct sign_key key = test_key();
	struct httpsig_fields fields;
	struct wn_error err = {0};
	CHECK_OK(httpsig_sign(&built->arena, &built->request, tag, created_s, &key, &fields, &err), err);
	if (fields.content_digest.bytes)
		built_header(built, "Content-Digest", fields.content_digest.data);
	built_header(built, "Signature-Input", fields.signature_input.data);
	built_header(built, "SIGNATURE", fields.signature.data);
}

static struct http_header *built_find(struct built *built, const char *name)
{
	for (size_t i = 0; i < built->request.header_count; i++)
		if (strcmp(built->headers[i].name.data, name) == 0)
			return &built->headers[i];
	wn_assert(!"the header that a test changes");
	return NULL;
}

static void built_set(struct built *built, const char *name, const char *value)
{
	built_find(built, name)->value = wn_slice_of(value);
}

static void built_drop(struct built *built, const char *name)
{
	struct http_header *header = built_find(built, name);
	*header = built->headers[--built->request.header_count];
}

/* The value of a header with one piece replaced. */
static void built_replace(struct built *built, const char *name, const char *from, const char *to)
{
	const char *value = built_find(built, name)->value.data, *at = strstr(value, from);
	CHECK_OR_RETURN(at != NULL);
	built_set(built, name,
		wn_arena_printf(&built->arena, "%.*s%s%s", (int)(at - value), value, to, at + strlen(from)));
}

/* Verifies, frees, and gives the code: "" when it holds. */
static const char *built_code(struct built *built)
{
	static struct wn_error err;
	struct httpsig out;
	err = (struct wn_error){0};
	if (httpsig_verify(&built->arena, &built->request, TAG, NOW_S * 1000 + 999, &out, &err))
		wn_error_reset(&err);
	else
		CHECK_INT(err.blame, WN_INPUT);
	wn_arena_free(&built->arena);
	return err.code;
}

static void built_write(struct built *built)
{
	built_start(built, "POST", "/v1/ballots?a=1&b=%20", "{\"votes\":[]}");
	built_sign_at(built, TAG, NOW_S);
}

TEST(the_known_answer_of_rfc_9421_verifies)
{
	/* RFC 9421, B.2.6. */
	static const char base[] = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
				   "\"@method\": POST\n"
				   "\"@path\": /foo\n"
				   "\"@authority\": example.com\n"
				   "\"content-type\": application/json\n"
				   "\"content-length\": 18\n"
				   "\"@signature-params\": (\"date\" \"@method\" \"@path\" \"@authority\" "
				   "\"content-type\" \"content-length\")"
				   ";created=1618884473;keyid=\"test-key-ed25519\"";
	static const char coded[] =
		"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
	static const char coded_key[] = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
	struct account_key key;
	struct signature signature;
	size_t count;
	char did[DID_ROOM];
	sign_start();
	CHECK(base64_read(key.bytes, sizeof key.bytes, &count, coded_key, strlen(coded_key)));
	CHECK(base64_read(signature.bytes, sizeof signature.bytes, &count, coded, strlen(coded)));
	CHECK_INT(count, SIGNATURE_BYTES);
	CHECK(sign_verify(&key, base, strlen(base), &signature));
	did_write(did, &key);
	CHECK_TEXT(did, "did:key:z6Mkh4LmfP1ev9MNPGr7JbEbtD6BD4fsu1duEj83PMCs3xHG");
}

TEST(the_base_is_the_one_of_the_profile)
{
	struct built built;
	struct httpsig out;
	struct wn_error err = {0};
	struct sign_key key = test_key();
	char did[DID_ROOM];
	built_start(&built, "POST", "/v1/stakes", "{\"hello\": \"world\"}");
	built.request.authority = WN_SLICE("Node.EXAMPLE:443");
	built_header(&built, "Idempotency-Key", "\"a\"");
	built_header(&built, "X-Other", "not signed");
	built_header(&built, "Winnow-Checkpoint", " 1 ab\t");
	built_header(&built, "idempotency-key", "\"b\"  ");
	built_sign_at(&built, TAG, NOW_S);
	CHECK_OK(httpsig_verify(&built.arena, &built.request, TAG, NOW_S * 1000, &out, &err), err);
	did_write(did, &key.public_key);
	char *base = wn_arena_printf(&built.arena,
		"\"@method\": POST\n\"@authority\": node.example\n\"@path\": /v1/stakes\n\"@query\": ?\n"
		"\"content-digest\": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:\n\"content-type\": "
		"application/json\n"
		"\"idempotency-key\": \"a\", \"b\"\n\"winnow-checkpoint\": 1 ab\n"
		"\"@signature-params\": (\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" "
		"\"content-type\" \"idempotency-key\" "
		"\"winnow-checkpoint\");created=1767225600;keyid=\"%s\";alg=\"ed25519\";tag=\"" TAG "\"",
		did);
	CHECK_BYTES(out.base.data, out.base.bytes, base, strlen(base));
	CHECK(sign_verify(&key.public_key, base, strlen(base), &out.signature));
	CHECK_BYTES(out.key.bytes, ID_BYTES, key.public_key.bytes, ID_BYTES);
	CHECK_INT(out.created_s, NOW_S);
	wn_arena_free(&built.arena);
}

TEST(what_was_signed_verifies)
{
	static const char *const methods[] = {"GET", "POST", "DELETE"}, *const targets[] = {"/", "/v1/items/1?",
										"/a%2Fb?x=%3F&y", ""};
	static const char *const bodies[] = {"", "{}"};
	for (int m = 0; m < 3; m++)
		for (int t = 0; t < 4; t++)
			for (int b = 0; b < 2; b++) {
				struct built built;
				built_start(&built, methods[m], targets[t], bodies[b]);
				built_sign_at(&built, TAG, NOW_S);
				CHECK_TEXT(built_code(&built), "");
			}
}

TEST(every_part_of_the_request_is_bound)
{
	struct built built;
	built_write(&built);
	CHECK_TEXT(built_code(&built), "");
	built_write(&built);
	built.request.method = WN_SLICE("PUT");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built.request.authority = WN_SLICE("other.example:8080");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built.request.authority = WN_SLICE("NODE.example:8080");
	CHECK_TEXT(built_code(&built), "");
	built_write(&built);
	built.request.target = WN_SLICE("/v1/ballot?a=1&b=%20");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built.request.target = WN_SLICE("/v1/ballots?a=1&b=+");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built.request.body = WN_SLICE("{\"votes\":[1]}");
	CHECK_TEXT(built_code(&built), "signature_digest");
	built_write(&built);
	built_set(&built, "content-type", "text/plain");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built_header(&built, "x-other", "may come and go");
	CHECK_TEXT(built_code(&built), "");
	/* The parameters are part of what was signed. */
	built_write(&built);
	built_replace(&built, "Signature-Input", "created=1767225600", "created=1767225601");
	CHECK_TEXT(built_code(&built), "signature_wrong");
}

TEST(a_request_without_signature_is_told_so)
{
	struct built built;
	built_start(&built, "GET", "/", "");
	CHECK_TEXT(built_code(&built), "signature_missing");
	built_write(&built);
	built_drop(&built, "SIGNATURE");
	CHECK_TEXT(built_code(&built), "signature_missing");
	built_write(&built);
	built_drop(&built, "Signature-Input");
	CHECK_TEXT(built_code(&built), "signature_missing");
}

/* Signs as a library would that spells Signature-Input in its own way; `base` is what such a library signs. */
static void built_sign_base(struct built *built, const char *label, const char *input, const char *base)
{
	struct sign_key key = test_key();
	struct signature signature;
	char coded[2 * SIGNATURE_BYTES];
	sign_bytes(&key, base, strlen(base), &signature);
	base64_write(coded, signature.bytes, sizeof signature.bytes);
	built_header(built, "Signature-Input", wn_arena_printf(&built->arena, "%s=%s", label, input));
	built_header(built, "SIGNATURE", wn_arena_printf(&built->arena, "%s=:%s:", label, coded));
}

/* Five components in an order of their own, one of them a field that nobody asks for. */
#define LIST "(\"@path\" \"@method\" \"x-note\" \"@query\" \"@authority\")"
#define LINES                                                                                                          \
	"\"@path\": /a\n\"@method\": GET\n\"x-note\": one, two\n\"@query\": ?b\n\"@authority\": node.example:8080\n"

/* The code for a request whose field says `in_field` and whose signer signed `in_base`; %s in both is the did. */
static const char *spelled_code(const char *label, const char *in_field, const char *in_base)
{
	struct built built;
	struct sign_key key = test_key();
	char did[DID_ROOM], field[1024], base[1024];
	did_write(did, &key.public_key);
	built_start(&built, "GET", "/a?b", "");
	built_header(&built, "X-Note", "one");
	built_header(&built, "x-note", " two ");
	snprintf(field, sizeof field, in_field, did);
	snprintf(base, sizeof base, in_base, did);
	built_sign_base(&built, label, field, wn_arena_printf(&built.arena, LINES "\"@signature-params\": %s", base));
	return built_code(&built);
}

TEST(order_label_and_more_fields_are_the_signers_choice)
{
	static const char *const labels[] = {"sig1", "sig", "a", "*", "*b-c_d.e*9"};
	static const char *const others[] = {"", "Sig", "1a", "-a", ".a", "s g", "sig1\""};
	static const char parameters[] =
		LIST ";tag=\"" TAG "\";alg=\"ed25519\";expires=1767225600;keyid=\"%s\";created=1767225500";
	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		CHECK_TEXT(spelled_code(labels[i], parameters, parameters), "");
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		CHECK_TEXT(spelled_code(others[i], parameters, parameters), "signature_malformed");
}

TEST(the_base_holds_what_a_serializer_writes)
{
	static const char plain[] = LIST ";created=1767225600;keyid=\"%s\";alg=\"ed25519\";tag=\"" TAG "\"";
	static const char spaced[] = "(  \"@path\"   \"@method\" \"x-note\" \"@query\" \"@authority\" ); "
				     "created=1767225600;   keyid=\"%s\"; alg=\"ed25519\";tag=\"" TAG "\"";
	static const char zero[] = LIST ";created=01767225600;keyid=\"%s\";alg=\"ed25519\";tag=\"" TAG "\"";
	CHECK_TEXT(spelled_code("sig1", plain, plain), "");
	CHECK_TEXT(spelled_code("sig1", spaced, plain), "");
	CHECK_TEXT(spelled_code("sig1", spaced, spaced), "signature_wrong");
	CHECK_TEXT(spelled_code("sig1", zero, plain), "signature_malformed");
}

TEST(an_expiry_is_kept)
{
	static const struct {
		const char *expires, *code;
	} cases[] = {
		{"1767225600", ""},
		{"1767225599", "signature_stale"},
		{"0", "signature_stale"},
		{"999999999999999", ""},
		{"\"1767225600\"", "signature_malformed"},
		{"1767225600;expires=1767225600", "signature_malformed"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char parameters[1024];
		snprintf(parameters, sizeof parameters,
			LIST ";created=1767225600;expires=%s;keyid=\"%%s\";alg=\"ed25519\";tag=\"" TAG "\"",
			cases[i].expires);
		CHECK_TEXT(spelled_code("sig1", parameters, parameters), cases[i].code);
	}
}

TEST(what_the_request_calls_for_is_covered)
{
	static const char *const parts[] = {"\"@method\" ", "\"@authority\" ", "\"@path\" ", "\"@query\" ",
		"\"content-digest\" ", " \"content-type\""};
	struct built built;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		built_write(&built);
		built_replace(&built, "Signature-Input", parts[i], "");
		CHECK_TEXT(built_code(&built), "signature_components");
	}
	built_write(&built);
	built_replace(&built, "Signature-Input", "\"@path\" \"@query\"", "\"@query\" \"@path\"");
	CHECK_TEXT(built_code(&built), "signature_wrong");
	built_write(&built);
	built_header(&built, "idempotency-key", "\"x\"");
	CHECK_TEXT(built_code(&built), "signature_components");
	built_write(&built);
	built_drop(&built, "content-type");
	CHECK_TEXT(built_code(&built), "signature_components");
	built_start(&built, "GET", "/", "");
	built_sign_at(&built, TAG, NOW_S);
	built.request.body = WN_SLICE("x");
	CHECK_TEXT(built_code(&built), "signature_components");
}

TEST(what_no_request_carries_is_not_covered)
{
	/* A field that is not there, what is no field, what a proxy changes, ours twice or in capitals, too many. */
	static const char *const more[] = {"\"date\"", "\"@status\"", "\"@target-uri\"", "\"@signature-params\"",
		"\"\"", "\"a b\"", "\"Date\"", "\"@Path\"", "\"@path\"", "\"content-type\"",
		"\"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\" \"10\" \"11\" \"12\""};
	struct built built;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
		built_write(&built);
		built_replace(&built, "Signature-Input", "(", wn_arena_printf(&built.arena, "(%s ", more[i]));
		if (!CHECK_TEXT(built_code(&built), "signature_components"))
			CHECK_TEXT(more[i], "");
	}
}

TEST(a_body_that_was_signed_cannot_be_taken_away)
{
	struct built built;
	built_write(&built);
	built.request.body = WN_SLICE("");
	CHECK_TEXT(built_code(&built), "signature_digest");
	built_write(&built);
	built.request.body = WN_SLICE("");
	built_drop(&built, "Content-Digest");
	CHECK_TEXT(built_code(&built), "signature_digest");
}

TEST(malformed_fields_are_refused)
{
	static const char *const changes[][3] = {
		{"Signature-Input", "sig1=", "sig2="},
		{"Signature-Input", "sig1=", "="},
		{"Signature-Input", "sig1=", ""},
		{"Signature-Input", "(", ""},
		{"Signature-Input", ")", ""},
		{"Signature-Input", "\" \"", "\"\""},
		{"Signature-Input", "\"@path\"", "\"@path\";req"},
		{"Signature-Input", "\"@path\"", "@path"},
		{"Signature-Input", ";created=1767225600", ""},
		{"Signature-Input", "created=1767225600", "created=x"},
		{"Signature-Input", "created=1767225600", "created=-1767225600"},
		{"Signature-Input", "created=1767225600", "created=\"1767225600\""},
		{"Signature-Input", "created=1767225600", "created=1767225600.5"},
		{"Signature-Input", "created=1767225600", "created=1767225600;created=1"},
		{"Signature-Input", "created=1767225600", "created=9999999999999999999999"},
		{"Signature-Input", "created=", "createt="},
		{"Signature-Input", "alg=\"ed25519\"", "alg=\"hmac-sha256\""},
		{"Signature-Input", ";alg=\"ed25519\"", ""},
		{"Signature-Input", "alg=\"ed25519\"", "alg=ed25519"},
		{"Signature-Input", "alg=\"ed25519\"", "alg=\"ed25519\";nonce=\"1\""},
		{"Signature-Input", "alg=\"ed25519\"", "alg=\"ed25519\";expires=now"},
		{"Signature-Input", ";tag=\"" TAG "\"", ""},
		{"Signature-Input", "tag=\"" TAG "\"", "tag=\"" TAG "\";tag=\"" TAG "\""},
		{"Signature-Input", "tag=\"winnow", "tag=\"\\winnow"},
		{"Signature-Input", TAG "\"", TAG},
		{"Signature-Input", TAG "\"", TAG "\", sig2=()"},
		{"Signature-Input", "did:key:z6Mk", "did:key:z6MK"},
		{"Signature-Input", "did:key:", "did:web:"},
		{"Signature-Input", ";keyid=", "\n;keyid="},
		{"Signature-Input", "sig1=", "sig1 = "},
		{"SIGNATURE", "sig1=:", "sig2=:"},
		{"SIGNATURE", "sig1=:", "sig1="},
		{"SIGNATURE", "==:", "=="},
		{"SIGNATURE", "==:", ":"},
		{"SIGNATURE", "==:", "==:, sig2=:AA==:"},
		{"SIGNATURE", "==:", "==:;a=1"},
		{"SIGNATURE", "sig1=:", "sig1=:AAAA"},
		{"SIGNATURE", "sig1=:", "sig1=: "},
	};
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct built built;
		built_write(&built);
		built_replace(&built, changes[i][0], changes[i][1], changes[i][2]);
		if (!CHECK_TEXT(built_code(&built), "signature_malformed"))
			CHECK_TEXT(changes[i][2], changes[i][1]);
	}
}

TEST(two_signatures_are_refused_however_they_come)
{
	struct built built;
	built_write(&built);
	built_header(&built, "signature", built_find(&built, "SIGNATURE")->value.data);
	CHECK_TEXT(built_code(&built), "signature_malformed");
	built_write(&built);
	built_header(&built, "signature-input", "sig2=()");
	CHECK_TEXT(built_code(&built), "signature_malformed");
}

TEST(a_line_feed_in_a_value_cannot_make_a_second_component)
{
	struct built built;
	built_write(&built);
	built_set(&built, "content-type", "application/json\n\"idempotency-key\": \"x\"");
	CHECK_TEXT(built_code(&built), "signature_malformed");
	built_write(&built);
	built.request.target = WN_SLICE("/v1/ballots\n");
	CHECK_TEXT(built_code(&built), "signature_malformed");
	struct sign_key key = test_key();
	struct httpsig_fields fields;
	struct wn_error err = {0};
	built_start(&built, "GET", "/\r\n", "");
	CHECK(!httpsig_sign(&built.arena, &built.request, TAG, NOW_S, &key, &fields, &err));
	CHECK_TEXT(err.code, "signature_malformed");
	wn_arena_free(&built.arena);
	built_start(&built, "GET", "/", "");
	CHECK(!httpsig_sign(&built.arena, &built.request, "a\"b", NOW_S, &key, &fields, &err));
	CHECK_TEXT(err.code, "signature_malformed");
	wn_arena_free(&built.arena);
}

TEST(a_signature_for_another_network_is_refused)
{
	struct built built;
	built_start(&built, "GET", "/", "");
	built_sign_at(&built, "winnow-0000000000000000", NOW_S);
	CHECK_TEXT(built_code(&built), "signature_tag");
}

TEST(freshness_ends_after_300_seconds_on_both_sides)
{
	static const struct {
		int64_t offset_s;
		const char *code;
	} times[] = {
		{-HTTPSIG_FRESH_S, ""},
		{HTTPSIG_FRESH_S, ""},
		{-HTTPSIG_FRESH_S - 1, "signature_stale"},
		{HTTPSIG_FRESH_S + 1, "signature_stale"},
		{-NOW_S, "signature_stale"},
		{900000000000000 - NOW_S, "signature_stale"},
	};
	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		struct built built;
		built_start(&built, "GET", "/", "");
		built_sign_at(&built, TAG, NOW_S + times[i].offset_s);
		CHECK_TEXT(built_code(&built), times[i].code);
	}
}

TEST(digests_are_of_the_body_as_it_came)
{
	struct built built;
	static const char *const wrong[] = {"", "sha-256=", "sha-256=::", "sha-256=:AAAA:", "sha-512=:AAAA:",
		"sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		built_write(&built);
		built_set(&built, "Content-Digest", wrong[i]);
		CHECK_TEXT(built_code(&built), "signature_digest");
	}
	built_write(&built);
	built_drop(&built, "Content-Digest");
	CHECK_TEXT(built_code(&built), "signature_digest");
	/* The same digest twice: which of two would count is nobody's guess. */
	built_write(&built);
	built_header(&built, "content-digest", built_find(&built, "Content-Digest")->value.data);
	CHECK_TEXT(built_code(&built), "signature_digest");
	/* A second algorithm beside ours is fine as far as the digest goes; it was not signed. */
	built_write(&built);
	built_header(&built, "content-digest", "sha-512=:AAAA:");
	CHECK_TEXT(built_code(&built), "signature_wrong");
}

TEST(a_base_above_its_limit_is_refused)
{
	struct built built;
	static char target[HTTPSIG_BASE_MAX + 2];
	memset(target, 'a', sizeof target - 1);
	target[0] = '/';
	built_write(&built);
	built.request.target = wn_slice_of(target);
	CHECK_TEXT(built_code(&built), "signature_malformed");
}

TEST(a_full_arena_is_our_limit)
{
	struct built built;
	struct httpsig out;
	struct wn_error err = {0};
	built_write(&built);
	struct wn_arena small;
	wn_arena_init(&small, 64);
	CHECK(!httpsig_verify(&small, &built.request, TAG, NOW_S * 1000, &out, &err));
	CHECK_INT(err.blame, WN_FULL);
	wn_arena_free(&small);
	wn_arena_free(&built.arena);
}
