/* The order in which a request is judged, accounts, the node's routes and the page, over a real connection and
 * database. */
#include "tests/web/served.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/account.h"
#include "core/clock.h"
#include "core/hash.h"
#include "core/journal.h"
#include "web/idempotency.h"
#include "web/seen_checkpoint.h"
#include "web/page_api.h"

SUITE("api")

enum { API_ARENA = 64 * 1024 * 1024, API_RACERS = 8 };

static struct served served;
static struct fetch *fetch;
static struct wn_arena arena;
static const struct node *node;

/* One server for this file; the last test stops it. */
static bool api_up(void)
{
	struct wn_error err = {0};
	wn_arena_free(&arena);
	wn_arena_init(&arena, API_ARENA);
	if (served.pid > 0)
		return true;
	node = served_node(false);
	/* The file is named before the server is forked, which knows it then. */
	return CHECK(node != NULL) && CHECK(served_file(16) != NULL) && CHECK(served_start(&served, NULL)) &&
	       check_true(fetch_open(&fetch, served.url, NULL, &err), err.text, __FILE__, __LINE__);
}

static struct fetch_answer answer;

static int send_request(struct fetch *to, const char *method, const char *target, const char *body,
	const struct sign_key *key, const char *idempotency)
{
	struct wn_error err = {0};
	struct fetch_request request = {.method = method,
		.target = target,
		.content_type = body ? "application/json" : NULL,
		.body = body ? wn_slice_of(body) : (struct wn_slice){0},
		.key = key,
		.tag = node->network_tag,
		.idempotency_key = idempotency};
	if (!check_true(fetch_send(to, &arena, &request, &answer, &err), err.text, __FILE__, __LINE__))
		return -1;
	return answer.status;
}

static int ask(
	const char *method, const char *target, const char *body, const struct sign_key *key, const char *idempotency)
{
	return send_request(fetch, method, target, body, key, idempotency);
}

static const struct json *answered(void)
{
	struct wn_error err = {0};
	const struct json *document = NULL;
	check_true(
		json_parse(&arena, answer.body.data, answer.body.bytes, &document, &err), err.text, __FILE__, __LINE__);
	return document;
}

static const char *problem(void)
{
	const struct json *document = answered();
	const char *type = document ? json_member_string(document, "type", "") : "";
	return strncmp(type, "/problems/", 10) == 0 ? type + 10 : type;
}

static int64_t number(const struct json *object, const char *name)
{
	int64_t value = INT64_MIN;
	const struct json *member = object ? json_get(object, name) : NULL;
	CHECK(member && json_integer(member, &value));
	return value;
}

static int registered(const struct sign_key *key)
{
	return ask("POST", "/v1/accounts", "{\"roles\":[\"contributor\"]}", key, NULL);
}

/* ---- the order of judging ---- */

TEST(a_request_without_signature_is_told_what_to_sign)
{
	struct raw_answer raw;
	char header[256];
	CHECK_OR_RETURN(api_up());
	CHECK(raw_ask(served.port, "GET /test/account HTTP/1.1\r\nHost: x\r\n\r\n", &raw));
	CHECK_INT(raw.status, 401);
	CHECK(raw_problem(&raw, "signature_missing"));
	CHECK(strncmp(raw_header(&raw, "www-authenticate", header), "Signature realm=", 16) == 0);
	CHECK(strstr(raw_header(&raw, "accept-signature", header), node->network_tag) != NULL);
}

TEST(wrong_stale_and_foreign_signatures_are_refused_with_their_reason)
{
	struct sign_key key;
	struct wn_error err = {0};
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	CHECK_INT(registered(&key), 201);
	struct fetch_request request = {
		.method = "GET", .target = "/test/account", .key = &key, .tag = node->network_tag};
	request.now_ms = clock_wall_ms() - 301000;
	CHECK_OK(fetch_send(fetch, &arena, &request, &answer, &err), err);
	CHECK_INT(answer.status, 401);
	CHECK_TEXT(problem(), "signature_stale");
	request.now_ms = clock_wall_ms() + 302000;
	CHECK_OK(fetch_send(fetch, &arena, &request, &answer, &err), err);
	CHECK_TEXT(problem(), "signature_stale");
	request.now_ms = 0;
	request.tag = "winnow-0000000000000000";
	CHECK_OK(fetch_send(fetch, &arena, &request, &answer, &err), err);
	CHECK_INT(answer.status, 401);
	CHECK_TEXT(problem(), "signature_tag");
	request.tag = node->network_tag;
	CHECK_OK(fetch_send(fetch, &arena, &request, &answer, &err), err);
	CHECK_INT(answer.status, 200);
	/* A key that signs under another's name. */
	struct sign_key thief;
	sign_generate(&thief);
	thief.public_key = key.public_key;
	request.key = &thief;
	CHECK_OK(fetch_send(fetch, &arena, &request, &answer, &err), err);
	CHECK_INT(answer.status, 401);
	CHECK_TEXT(problem(), "signature_wrong");
}

TEST(a_body_that_was_changed_on_its_way_is_noticed)
{
	struct sign_key key;
	struct wn_error err = {0};
	struct httpsig_fields fields;
	char authority[64], request[2048];
	struct raw_answer raw;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	snprintf(authority, sizeof authority, "127.0.0.1:%d", served.port);
	struct http_header type = {WN_SLICE("content-type"), WN_SLICE("application/json")};
	struct http_request signed_request = {.method = WN_SLICE("POST"),
		.authority = wn_slice_of(authority),
		.target = WN_SLICE("/v1/accounts"),
		.headers = &type,
		.header_count = 1,
		.body = WN_SLICE("{\"roles\":[\"lab\"]}")};
	CHECK_OK(httpsig_sign(&arena, &signed_request, node->network_tag, clock_wall_ms() / 1000, &key, &fields, &err),
		err);
	snprintf(request, sizeof request,
		"POST /v1/accounts HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 17\r\n"
		"Content-Digest: %.*s\r\nSignature-Input: %.*s\r\nSignature: %.*s\r\n\r\n{\"roles\":[\"Lab\"]}",
		authority, (int)fields.content_digest.bytes, fields.content_digest.data,
		(int)fields.signature_input.bytes, fields.signature_input.data, (int)fields.signature.bytes,
		fields.signature.data);
	CHECK(raw_ask(served.port, request, &raw));
	CHECK_INT(raw.status, 401);
	CHECK(raw_problem(&raw, "signature_digest"));
}

TEST(an_unknown_key_and_a_missing_role_are_forbidden)
{
	struct sign_key key;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	CHECK_INT(ask("GET", "/test/account", NULL, &key, NULL), 403);
	CHECK_TEXT(problem(), "account_unknown");
	CHECK_INT(registered(&key), 201);
	CHECK_INT(ask("GET", "/test/account", NULL, &key, NULL), 200);
	CHECK_INT(ask("GET", "/test/lab", NULL, &key, NULL), 403);
	CHECK_TEXT(problem(), "role_missing");
}

TEST(open_routes_need_no_signature_but_one_that_is_there_must_hold)
{
	struct sign_key key;
	struct raw_answer raw;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	CHECK_INT(ask("GET", "/test/whoami", NULL, NULL, NULL), 200);
	CHECK(wn_slice_equal(answer.body, WN_SLICE("{\"signed\":false,\"account\":false}")));
	CHECK_INT(ask("GET", "/test/whoami", NULL, &key, NULL), 200);
	CHECK(wn_slice_equal(answer.body, WN_SLICE("{\"signed\":true,\"account\":false}")));
	CHECK(raw_ask(served.port, "GET /test/whoami HTTP/1.1\r\nHost: x\r\nSignature: sig1=:AAAA:\r\n\r\n", &raw));
	CHECK_INT(raw.status, 401);
}

/* The server's library takes Host and Content-Length out of the fields; a client may have signed them. */
TEST(host_and_length_may_be_signed)
{
	static const char body[] = "{\"roles\":[\"lab\"]}", digest[] = "sha-256=:%s:";
	struct sign_key key;
	struct sha256 hash;
	struct signature signature;
	struct raw_answer raw;
	char did[DID_ROOM], host[64], coded[2 * SIGNATURE_BYTES], digested[256], list[512], base[2048], request[4096];
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	did_write(did, &key.public_key);
	snprintf(host, sizeof host, "127.0.0.1:%d", served.port);
	sha256_of(body, strlen(body), &hash);
	base64_write(coded, hash.bytes, sizeof hash.bytes);
	snprintf(digested, sizeof digested, digest, coded);
	snprintf(list, sizeof list,
		"(\"host\" \"content-length\" \"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" "
		"\"content-type\");created=%" PRId64 ";keyid=\"%s\";alg=\"ed25519\";tag=\"%s\"",
		clock_wall_ms() / 1000, did, node->network_tag);
	for (int wrong = 0; wrong < 2; wrong++) {
		snprintf(base, sizeof base,
			"\"host\": %s\n\"content-length\": %zu\n\"@method\": POST\n\"@authority\": %s\n\"@path\": "
			"/v1/accounts\n\"@query\": ?\n\"content-digest\": %s\n\"content-type\": application/json\n"
			"\"@signature-params\": %s",
			host, strlen(body) + (size_t)wrong, host, digested, list);
		sign_bytes(&key, base, strlen(base), &signature);
		base64_write(coded, signature.bytes, sizeof signature.bytes);
		snprintf(request, sizeof request,
			"POST /v1/accounts HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\nContent-Type: "
			"application/json\r\nContent-Digest: %s\r\nSignature-Input: mine=%s\r\nSignature: "
			"mine=:%s:\r\nConnection: close\r\n\r\n%s",
			host, strlen(body), digested, list, coded, body);
		CHECK(raw_ask(served.port, request, &raw));
		CHECK_INT(raw.status, wrong ? 401 : 201);
	}
}

TEST(what_was_told_to_one_key_is_kept_from_shared_caches_once)
{
	static const struct {
		const char *target, *want;
	} tries[] = {{"/test/whoami", "no-store"}, {"/test/file", "immutable"}};
	struct sign_key key;
	struct wn_error err = {0};
	struct httpsig_fields fields;
	char authority[64], request[2048], header[256];
	struct raw_answer raw;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	snprintf(authority, sizeof authority, "127.0.0.1:%d", served.port);
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		struct http_request signed_request = {.method = WN_SLICE("GET"),
			.authority = wn_slice_of(authority),
			.target = wn_slice_of(tries[i].target)};
		CHECK_OK(httpsig_sign(&arena, &signed_request, node->network_tag, clock_wall_ms() / 1000, &key, &fields,
				 &err),
			err);
		snprintf(request, sizeof request,
			"GET %s HTTP/1.1\r\nHost: %s\r\nSignature-Input: %.*s\r\nSignature: %.*s\r\n\r\n",
			tries[i].target, authority, (int)fields.signature_input.bytes, fields.signature_input.data,
			(int)fields.signature.bytes, fields.signature.data);
		CHECK(raw_ask(served.port, request, &raw));
		CHECK_TEXT(raw_header(&raw, "cache-control", header), tries[i].want);
		/* A second field would say the opposite. */
		const char *first = strstr(raw.head, "cache-control:");
		CHECK(first && !strstr(first + 1, "cache-control:"));
	}
}

TEST(a_failure_inside_a_transaction_leaves_the_lane_usable)
{
	CHECK_OR_RETURN(api_up());
	for (int i = 0; i < 12; i++) {
		CHECK_INT(ask("GET", "/test/broken", NULL, NULL, NULL), 400);
		CHECK_TEXT(problem(), "db_data");
		CHECK(!memmem(answer.body.data, answer.body.bytes, "division", 8));
	}
	for (int i = 0; i < 12; i++)
		CHECK_INT(ask("GET", "/v1/network", NULL, NULL, NULL), 200);
}

/* ---- idempotency ---- */

static const char *idempotency(const char *field)
{
	static char out[300];
	struct wn_slice key;
	wn_arena_free(&arena);
	wn_arena_init(&arena, API_ARENA);
	if (!idempotency_read(&arena, wn_slice_of(field), &key))
		return NULL;
	snprintf(out, sizeof out, "%.*s", (int)key.bytes, key.data);
	return out;
}

TEST(idempotency_keys_are_read_quoted_or_bare)
{
	static char longest[IDEMPOTENCY_KEY_MAX + 4];
	CHECK_TEXT(idempotency("\"abc-1\""), "abc-1");
	CHECK_TEXT(idempotency("abc-1"), "abc-1");
	CHECK_TEXT(idempotency("\"a \\\"b\\\\\""), "a \"b\\");
	CHECK_TEXT(idempotency("\"\""), NULL);
	CHECK_TEXT(idempotency(""), NULL);
	CHECK_TEXT(idempotency("a b"), NULL);
	CHECK_TEXT(idempotency("a,b"), NULL);
	CHECK_TEXT(idempotency("\"a"), NULL);
	CHECK_TEXT(idempotency("\"a\"b\""), NULL);
	CHECK_TEXT(idempotency("\"\\a\""), NULL);
	CHECK_TEXT(idempotency("\"\\\""), NULL);
	CHECK_TEXT(idempotency("\xc3\xa4"), NULL);
	memset(longest, 'k', IDEMPOTENCY_KEY_MAX);
	CHECK_TEXT(idempotency(longest), longest);
	longest[IDEMPOTENCY_KEY_MAX] = 'k';
	CHECK_TEXT(idempotency(longest), NULL);
}

TEST(fingerprints_differ_where_anything_differs)
{
	struct http_request request = {.method = WN_SLICE("POST"), .target = WN_SLICE("/a"), .body = WN_SLICE("x")},
			    other;
	struct account_key key = {{1}}, key2 = {{2}};
	struct sha256 same, first;
	idempotency_fingerprint(&request, &key, &first);
	idempotency_fingerprint(&request, &key, &same);
	CHECK_BYTES(same.bytes, ID_BYTES, first.bytes, ID_BYTES);
	for (int i = 0; i < 5; i++) {
		struct sha256 differs;
		other = request;
		if (i == 0)
			other.method = WN_SLICE("PUT");
		if (i == 1)
			other.target = WN_SLICE("/b");
		if (i == 2)
			other.body = WN_SLICE("y");
		/* The same letters, cut elsewhere. */
		if (i == 3) {
			other.method = WN_SLICE("POS");
			other.target = WN_SLICE("T/a");
		}
		idempotency_fingerprint(&other, i == 4 ? &key2 : &key, &differs);
		CHECK(memcmp(differs.bytes, first.bytes, ID_BYTES) != 0);
	}
}

#define ROOT "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

TEST(a_checkpoint_that_a_request_names_is_a_size_and_a_root)
{
	static const char *const wrong[] = {"", "1", "1 ", " " ROOT, "0 " ROOT, "01 " ROOT, "+1 " ROOT, "-1 " ROOT,
		"1  " ROOT, "1 " ROOT "0", "1 " ROOT " ", "1\t" ROOT, "9223372036854775808 " ROOT,
		"1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeef",
		"1 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
		"1 g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"};
	struct sha256 root;
	int64_t size;
	CHECK(seen_checkpoint_read(WN_SLICE("9223372036854775807 " ROOT), &size, &root));
	CHECK_INT(size, INT64_MAX);
	CHECK_INT(root.bytes[0], 0);
	CHECK_INT(root.bytes[31], 0xff);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		check_true(!seen_checkpoint_read(wn_slice_of(wrong[i]), &size, &root), wrong[i], __FILE__, __LINE__);
}

TEST(the_same_request_with_the_same_key_takes_effect_once)
{
	struct sign_key key;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	int before = atomic_load(&served_shared->effects);
	CHECK_INT(ask("POST", "/test/effect", "{\"n\":1}", &key, NULL), 400);
	CHECK_TEXT(problem(), "idempotency_missing");
	CHECK_INT(ask("POST", "/test/effect", "{\"n\":1}", &key, "intent-1"), 201);
	CHECK(answer.idempotency_replayed.bytes == 0);
	char *first = wn_arena_copy(&arena, answer.body.data, answer.body.bytes);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(ask("POST", "/test/effect", "{\"n\":1}", &key, "intent-1"), 201);
		CHECK(wn_slice_equal(answer.idempotency_replayed, WN_SLICE("true")));
		CHECK(wn_slice_equal(answer.body, wn_slice_of(first)));
	}
	CHECK_INT(atomic_load(&served_shared->effects), before + 1);
	CHECK_INT(ask("POST", "/test/effect", "{\"n\":2}", &key, "intent-1"), 422);
	CHECK_TEXT(problem(), "idempotency_mismatch");
	CHECK_INT(ask("POST", "/test/effect", "{\"n\":2}", &key, "intent-2"), 201);
	/* Another's key of the same name is another intent. */
	struct sign_key other;
	sign_generate(&other);
	CHECK_INT(ask("POST", "/test/effect", "{\"n\":1}", &other, "intent-1"), 201);
	CHECK(answer.idempotency_replayed.bytes == 0);
}

struct racer {
	pthread_t thread;
	struct sign_key key;
	int status;
	bool replayed;
};

static void *race(void *context)
{
	struct racer *racer = context;
	struct wn_error err = {0};
	struct wn_arena own;
	struct fetch *client;
	struct fetch_answer got = {0};
	wn_arena_init(&own, API_ARENA);
	struct fetch_request request = {.method = "POST",
		.target = "/test/effect",
		.content_type = "application/json",
		.body = WN_SLICE("{\"race\":1}"),
		.key = &racer->key,
		.tag = node->network_tag,
		.idempotency_key = "race"};
	if (fetch_open(&client, served.url, NULL, &err)) {
		if (fetch_send(client, &own, &request, &got, &err))
			racer->status = got.status;
		racer->replayed = got.idempotency_replayed.bytes > 0;
		fetch_close(client);
	}
	wn_arena_free(&own);
	return NULL;
}

TEST(of_equal_requests_at_once_one_takes_effect)
{
	static struct racer racers[API_RACERS];
	struct wn_error err = {0};
	struct db *db;
	int fresh = 0, replayed = 0, running = 0;
	CHECK_OR_RETURN(api_up());
	sign_generate(&racers[0].key);
	for (int i = 0; i < API_RACERS; i++) {
		racers[i].key = racers[0].key;
		racers[i].status = 0;
		CHECK(pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0);
	}
	for (int i = 0; i < API_RACERS; i++) {
		pthread_join(racers[i].thread, NULL);
		fresh += racers[i].status == 201 && !racers[i].replayed;
		replayed += racers[i].status == 201 && racers[i].replayed;
		running += racers[i].status == 409;
	}
	CHECK_INT(fresh, 1);
	CHECK_INT(fresh + replayed + running, API_RACERS);
	/* What the losers began was rolled back: one entry of the journal tells of it. */
	db = served_owner();
	CHECK_OR_RETURN(db != NULL);
	static const struct sql_statement count = {"test_race",
		"SELECT count(*) FROM journal_entry WHERE convert_from(body, 'UTF8') LIKE "
		"'%\"body\":10,%\"type\":\"test\"%'",
		0};
	struct db_result *result;
	CHECK_OK(db_query(db, &count, NULL, &result, &err), err);
	CHECK_INT(db_int64(result, 0, 0), 1);
	db_done(result);
	db_close(db);
}

/* ---- accounts
 * ---------------------------------------------------------------------------------------------------------------------
 */

TEST(a_key_registers_and_gets_a_receipt_that_holds)
{
	struct sign_key key;
	struct wn_error err = {0};
	char did[DID_ROOM];
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	did_write(did, &key.public_key);
	CHECK_INT(ask("POST", "/v1/accounts",
			  "{\"roles\":[\"validator\",\"contributor\"],\"robot\":true,\"terms_sha256\":"
			  "\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}",
			  &key, NULL),
		201);
	const struct json *body = answered();
	CHECK_TEXT(json_member_string(body, "did", NULL), did);
	CHECK(json_get(body, "robot") && json_get(body, "robot")->truth);
	const struct json *roles = json_get(body, "roles");
	CHECK_OR_RETURN(roles && roles->count == 2);
	CHECK_TEXT(json_string(roles->elements[0]), "contributor");
	CHECK_TEXT(json_string(roles->elements[1]), "validator");
	CHECK(strlen(json_member_string(body, "commitment", "")) == 64);
	CHECK(number(body, "registered_ms") > clock_wall_ms() - 60000);
	CHECK_OK(receipt_check(json_get(body, "receipt"), &node->network, &node->checkpoint_key.public_key, &err), err);
	/* The receipt's entry is in the journal once it is numbered. */
	const char *leaf = json_member_string(json_get(body, "receipt"), "leaf_hash", "");
	char *target = wn_arena_printf(&arena, "/v1/journal/proof?leaf=%s", leaf);
	CHECK_INT(ask("GET", target, NULL, NULL, NULL), 409);
	CHECK_TEXT(problem(), "journal_waiting");
	CHECK_INT(answer.retry_after_s, 1);
	CHECK(served_seal());
	CHECK_INT(ask("GET", target, NULL, NULL, NULL), 200);
	body = answered();
	struct tree_proof proof = {0};
	struct sha256 hash;
	const struct json *hashes = json_get(body, "proof");
	hex_read(hash.bytes, ID_BYTES, leaf, strlen(leaf));
	for (size_t i = 0; hashes && i < hashes->count && i < TREE_PROOF_MAX; i++, proof.count++)
		CHECK(hex_read(proof.hashes[i].bytes, ID_BYTES, json_string(hashes->elements[i]), 64));
	int64_t position = number(body, "position"), size = number(body, "size");
	struct checkpoint checkpoint;
	CHECK_INT(ask("GET", "/v1/checkpoint", NULL, NULL, NULL), 200);
	CHECK(wn_slice_equal(answer.content_type, WN_SLICE("text/plain; charset=utf-8")));
	CHECK_OK(checkpoint_parse(answer.body.data, answer.body.bytes, &node->network, &node->checkpoint_key.public_key,
			 &checkpoint, &err),
		err);
	CHECK_INT(checkpoint.size, size);
	CHECK(tree_inclusion_holds(&hash, (uint64_t)position, (uint64_t)size, &proof, &checkpoint.root));
}

TEST(a_second_registration_adds_roles_and_changes_nothing_else)
{
	struct sign_key key;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	CHECK_INT(ask("POST", "/v1/accounts", "{\"roles\":[\"contributor\"]}", &key, NULL), 201);
	const char *commitment = json_member_string(answered(), "commitment", "");
	CHECK_INT(ask("POST", "/v1/accounts", "{\"roles\":[\"contributor\"]}", &key, NULL), 200);
	CHECK_TEXT(json_member_string(answered(), "commitment", NULL), commitment);
	CHECK(json_get(answered(), "receipt") == NULL);
	CHECK_INT(ask("POST", "/v1/accounts", "{\"roles\":[\"lab\"],\"robot\":true}", &key, NULL), 200);
	const struct json *body = answered();
	CHECK_INT(json_get(body, "roles")->count, 2);
	CHECK(!json_get(body, "robot")->truth);
	CHECK_TEXT(json_member_string(body, "commitment", NULL), commitment);
	CHECK(json_get(body, "receipt") != NULL);
	CHECK_INT(ask("GET", "/test/lab", NULL, &key, NULL), 200);
}

#define TERMS(digit)                                                                                                   \
	"{\"roles\":[\"lab\"],\"terms_sha256\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddee" digit \
	"\"}"

TEST(an_earlier_registration_sent_once_more_does_not_bring_its_terms_back)
{
	struct sign_key key;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("01"), &key, NULL), 201);
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("01"), &key, NULL), 200);
	CHECK(json_get(answered(), "receipt") == NULL);
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("02"), &key, NULL), 400);
	CHECK_TEXT(problem(), "idempotency_missing");
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("02"), &key, "second terms"), 200);
	CHECK(json_get(answered(), "receipt") != NULL);
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("01"), &key, NULL), 400);
	CHECK_TEXT(problem(), "idempotency_missing");
	/* They still stand: signed again they change nothing. */
	CHECK_INT(ask("POST", "/v1/accounts", TERMS("02"), &key, NULL), 200);
	CHECK(json_get(answered(), "receipt") == NULL);
}

TEST(registrations_that_ask_for_too_much_or_nonsense_are_refused)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{"{\"roles\":[\"operator\"]}", 403, "role_not_open"},
		{"{\"roles\":[\"contributor\",\"curator\"]}", 403, "role_not_open"},
		{"{\"roles\":[\"king\"]}", 400, "role_unknown"},
		{"{\"roles\":[7]}", 400, "role_unknown"},
		{"{\"roles\":[]}", 400, "roles_missing"},
		{"{\"roles\":\"lab\"}", 400, "roles_missing"},
		{"{}", 400, "roles_missing"},
		{"[]", 400, "unknown_member"},
		{"{\"roles\":[\"lab\"],\"robot\":1}", 400, "robot"},
		{"{\"roles\":[\"lab\"],\"terms_sha256\":\"00\"}", 400, "terms_sha256"},
		{"{\"roles\":[\"lab\"],\"terms_sha256\":null}", 400, "terms_sha256"},
		{"{\"roles\":[\"lab\"],\"jailed\":false}", 400, "unknown_member"},
		{"{\"roles\":[\"lab\"],\"roles\":[\"lab\"]}", 400, "json_duplicate"},
		{"{\"roles\":", 400, "json_syntax"},
	};
	struct sign_key key;
	CHECK_OR_RETURN(api_up());
	sign_generate(&key);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(ask("POST", "/v1/accounts", cases[i].body, &key, NULL), cases[i].status);
		CHECK_TEXT(problem(), cases[i].code);
	}
	CHECK_INT(ask("POST", "/v1/accounts", "{\"roles\":[\"lab\"]}", NULL, NULL), 401);
	CHECK_INT(ask("GET", "/test/account", NULL, &key, NULL), 403);
}

/* ---- the node
 * ------------------------------------------------------------------------------------------------------------------------
 */

TEST(the_network_tells_its_keys_policy_and_kind)
{
	char did[DID_ROOM], hex[ID_HEX_ROOM];
	CHECK_OR_RETURN(api_up());
	CHECK_INT(ask("GET", "/v1/network", NULL, NULL, NULL), 200);
	const struct json *body = answered();
	CHECK_TEXT(json_member_string(body, "network_id", NULL), hex_write(hex, node->network.bytes, ID_BYTES));
	did_write(did, &node->checkpoint_key.public_key);
	CHECK_TEXT(json_member_string(body, "checkpoint_key", NULL), did);
	did_write(did, &node->operator_key);
	CHECK_TEXT(json_member_string(body, "operator_key", NULL), did);
	did_write(did, &node->manifest_key);
	CHECK_TEXT(json_member_string(body, "manifest_key", NULL), did);
	CHECK(json_get(body, "sample") && json_get(body, "sample")->truth);
	CHECK(json_get(body, "clock_manual") && !json_get(body, "clock_manual")->truth);
	CHECK_INT(number(body, "epoch_ms"), node->policy.epoch_ms);
	CHECK(number(body, "now_ms") > clock_wall_ms() - 60000);
	CHECK_TEXT(json_member_string(body, "version", NULL), WINNOW_VERSION);
	struct policy policy;
	struct wn_error err = {0};
	CHECK_OK(policy_parse(json_get(body, "policy"), &policy, &err), err);
	CHECK_INT(policy.rate, node->policy.rate);
}

TEST(journal_entries_are_paged_and_hash_to_the_checkpoint)
{
	struct tree_frontier frontier = {0};
	struct checkpoint checkpoint;
	struct sha256 root;
	struct wn_error err = {0};
	CHECK_OR_RETURN(api_up());
	struct sign_key key;
	for (int i = 0; i < 5; i++) {
		sign_generate(&key);
		CHECK_INT(registered(&key), 201);
	}
	CHECK(served_seal());
	CHECK_INT(ask("GET", "/v1/checkpoint", NULL, NULL, NULL), 200);
	CHECK_OK(checkpoint_parse(answer.body.data, answer.body.bytes, &node->network, &node->checkpoint_key.public_key,
			 &checkpoint, &err),
		err);
	int64_t next = 0;
	int pages = 0;
	while (next >= 0 && pages++ < 1000) {
		CHECK_INT(ask("GET", wn_arena_printf(&arena, "/v1/journal/entries?from=%lld&count=3", (long long)next),
				  NULL, NULL, NULL),
			200);
		const struct json *body = answered(), *entries = body ? json_get(body, "entries") : NULL;
		CHECK_OR_RETURN(entries && entries->count >= 1 && entries->count <= 3);
		for (size_t i = 0; i < entries->count; i++) {
			struct wn_slice canonical;
			struct sha256 leaf;
			CHECK_INT(number(entries->elements[i], "position"), (int64_t)frontier.size);
			CHECK_OK(jcs_write(&arena, json_get(entries->elements[i], "entry"), &canonical, &err), err);
			tree_leaf(canonical.data, canonical.bytes, &leaf);
			CHECK(tree_append(&frontier, &leaf, NULL, NULL));
		}
		next = json_get(body, "next") ? number(body, "next") : -1;
		CHECK(next == -1 || next == (int64_t)frontier.size);
	}
	CHECK(pages > 1);
	CHECK_INT(frontier.size, checkpoint.size);
	tree_frontier_root(&frontier, &root);
	CHECK_BYTES(root.bytes, ID_BYTES, checkpoint.root.bytes, ID_BYTES);
	CHECK_INT(ask("GET", "/v1/journal/entries?from=1000000", NULL, NULL, NULL), 200);
	CHECK(wn_slice_equal(answer.body, WN_SLICE("{\"entries\":[]}")));
	CHECK_INT(
		ask("GET", wn_arena_printf(&arena, "/v1/journal/proof?first=1&second=%lld", (long long)checkpoint.size),
			NULL, NULL, NULL),
		200);
	CHECK_INT(number(answered(), "second"), (int64_t)checkpoint.size);
}

TEST(questions_about_the_journal_that_make_no_sense_are_refused)
{
	static const struct {
		const char *target;
		int status;
		const char *code;
	} cases[] = {
		{"/v1/journal/entries?count=1001", 400, "query_number"},
		{"/v1/journal/entries?count=0", 400, "query_number"},
		{"/v1/journal/entries?from=-1", 400, "query_number"},
		{"/v1/journal/entries?from=x", 400, "query_number"},
		{"/v1/journal/entries?from=", 400, "query_number"},
		{"/v1/journal/entries?from=99999999999999999999", 400, "query_number"},
		{"/v1/journal/proof", 400, "proof_sizes"},
		{"/v1/journal/proof?first=2&second=1", 400, "proof_sizes"},
		{"/v1/journal/proof?first=0&second=1", 400, "proof_sizes"},
		{"/v1/journal/proof?first=1&second=1000000", 400, "query_number"},
		{"/v1/journal/proof?leaf=12", 400, "leaf"},
		{"/v1/journal/proof?leaf=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", 404,
			"journal_unknown"},
		{"/v1/journal/proof?leaf=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff&size=9999999",
			400, "query_number"},
	};
	CHECK_OR_RETURN(api_up());
	CHECK(served_seal());
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(ask("GET", cases[i].target, NULL, NULL, NULL), cases[i].status);
		CHECK_TEXT(problem(), cases[i].code);
	}
}

TEST(an_answer_of_many_large_entries_stays_bounded)
{
	struct wn_error err = {0};
	char *fill = wn_arena_alloc(&arena, 1);
	CHECK_OR_RETURN(api_up());
	struct db *db = served_owner();
	CHECK_OR_RETURN(db != NULL);
	fill = wn_arena_alloc(&arena, 60001);
	memset(fill, 'f', 60000);
	CHECK_OK(db_begin(db, &err), err);
	for (int i = 0; i < 9; i++) {
		/* Five strings of 60,000 bytes: 300 kB an entry, 2.7 MB together. */
		struct wn_text text;
		wn_text_init(&text, &arena);
		wn_text_printf(&text, "{\"type\":\"test\",\"time_ms\":%d,\"large\":[", i);
		for (int j = 0; j < 5; j++)
			wn_text_printf(&text, "%s\"%s\"", j ? "," : "", fill);
		wn_text_printf(&text, "]}");
		CHECK_OK(journal_append(db, &arena, (struct wn_slice){text.data, text.bytes}, NULL, &err), err);
	}
	CHECK_OK(db_commit(db, &err), err);
	db_close(db);
	CHECK(served_seal());
	CHECK_INT(ask("GET", "/v1/status", NULL, NULL, NULL), 200);
	int64_t size = number(json_get(answered(), "journal"), "size");
	CHECK_INT(ask("GET", wn_arena_printf(&arena, "/v1/journal/entries?from=%lld&count=9", (long long)size - 9),
			  NULL, NULL, NULL),
		200);
	CHECK(answer.body.bytes < 1100 * 1024);
	const struct json *body = answered();
	CHECK_INT(json_get(body, "entries")->count, 3);
	CHECK_INT(number(body, "next"), size - 6);
}

TEST(the_status_counts_what_is_under_way)
{
	CHECK_OR_RETURN(api_up());
	CHECK_INT(ask("GET", "/v1/status", NULL, NULL, NULL), 200);
	const struct json *body = answered(), *items = json_get(body, "items");
	CHECK_INT(items->count, 5);
	CHECK_INT(number(items, "received"), 0);
	CHECK_INT(number(json_get(body, "rounds"), "commit"), 0);
	CHECK_INT(number(json_get(body, "seats"), "leased"), 0);
	CHECK_INT(number(json_get(body, "lanes"), "lanes"), 4);
	CHECK(number(json_get(body, "lanes"), "busy") >= 1);
	CHECK(number(json_get(body, "journal"), "size") > 0);
	CHECK(number(body, "uptime_ms") >= 0);
	CHECK_TEXT(json_member_string(body, "version", NULL), WINNOW_VERSION);
	CHECK_INT(ask("GET", "/v1/status?whole=1", NULL, NULL, NULL), 200);
	CHECK_INT(json_get(answered(), "items")->count, 10);
}

TEST(probes_say_alive_and_ready)
{
	CHECK_OR_RETURN(api_up());
	CHECK_INT(ask("GET", "/livez", NULL, NULL, NULL), 200);
	CHECK(served_seal());
	CHECK_INT(ask("GET", "/readyz", NULL, NULL, NULL), 200);
	const struct json *checks = json_get(answered(), "checks");
	CHECK_TEXT(json_member_string(checks, "database", NULL), "ok");
	CHECK_TEXT(json_member_string(checks, "checkpoint", NULL), "ok");
}

/* Every line is a comment or `name{labels} number`, every family has HELP and TYPE before its samples. */
TEST(metrics_are_in_prometheus_form_and_count_requests)
{
	char family[128] = "", name[128];
	int samples = 0;
	CHECK_OR_RETURN(api_up());
	CHECK_INT(ask("GET", "/nothing", NULL, NULL, NULL), 404);
	CHECK_INT(ask("GET", "/metrics", NULL, NULL, NULL), 200);
	CHECK(wn_slice_equal(answer.content_type, WN_SLICE("text/plain; version=0.0.4; charset=utf-8")));
	char *text = wn_arena_copy(&arena, answer.body.data, answer.body.bytes);
	CHECK(strstr(text, "winnow_http_requests_total{method=\"\",route=\"none\",class=\"4xx\"}") != NULL);
	CHECK(strstr(text, "winnow_http_requests_total{method=\"GET\",route=\"/v1/network\",class=\"2xx\"}") != NULL);
	CHECK(strstr(text, "\nwinnow_database_up 1\n") != NULL);
	CHECK(strstr(text, "\nwinnow_items_waiting{state=\"received\"} 0\n") != NULL);
	CHECK(strstr(text, "winnow_http_request_seconds_bucket{le=\"0.001\"}") != NULL);
	CHECK(strstr(text, "winnow_http_request_seconds_bucket{le=\"+Inf\"}") != NULL);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "# TYPE %127s", name) == 1) {
			CHECK_TEXT(name, family);
			continue;
		}
		if (sscanf(line, "# HELP %127s", family) == 1)
			continue;
		size_t bytes = strcspn(line, "{ ");
		CHECK(strncmp(line, family, strlen(family)) == 0 && bytes >= strlen(family));
		const char *value = strrchr(line, ' ');
		char *end;
		CHECK(value != NULL);
		strtod(value + 1, &end);
		CHECK(*end == '\0' && end > value + 1);
		samples++;
	}
	CHECK(samples > 40);
}

/* ---- the page
 * --------------------------------------------------------------------------------------------------------------------------
 */

TEST(the_page_comes_with_its_headers_and_not_twice)
{
	struct raw_answer raw;
	char header[256], etag[256], request[512];
	CHECK_OR_RETURN(api_up());
	CHECK(raw_ask(served.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", &raw));
	CHECK_INT(raw.status, 200);
	CHECK_TEXT(raw_header(&raw, "content-type", header), "text/html; charset=utf-8");
	CHECK(strncmp(raw_header(&raw, "content-security-policy", header), "default-src 'self';", 19) == 0);
	CHECK_TEXT(raw_header(&raw, "x-content-type-options", header), "nosniff");
	CHECK_TEXT(raw_header(&raw, "referrer-policy", header), "no-referrer");
	CHECK_TEXT(raw_header(&raw, "cache-control", header), "no-cache");
	raw_header(&raw, "etag", etag);
	struct sha256 digest;
	char hex[ID_HEX_ROOM], want[ID_HEX_ROOM + 2];
	sha256_of(raw.body, raw.body_bytes, &digest);
	snprintf(want, sizeof want, "\"%s\"", hex_write(hex, digest.bytes, ID_BYTES));
	CHECK_TEXT(etag, want);
	snprintf(
		request, sizeof request, "GET /page/index.html HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", etag);
	CHECK(raw_ask(served.port, request, &raw));
	CHECK_INT(raw.status, 304);
	CHECK(raw_ask(served.port, "GET /page/secret.html HTTP/1.1\r\nHost: x\r\n\r\n", &raw));
	CHECK_INT(raw.status, 404);
	CHECK(raw_problem(&raw, "file_unknown"));
}

TEST(files_of_the_page_have_their_types)
{
	CHECK_TEXT(page_type("app.js"), "text/javascript; charset=utf-8");
	CHECK_TEXT(page_type("style.min.css"), "text/css; charset=utf-8");
	CHECK_TEXT(page_type("mark.svg"), "image/svg+xml");
	CHECK_TEXT(page_type("noending"), "application/octet-stream");
	CHECK_TEXT(page_type("odd.xyz"), "application/octet-stream");
}

/* ---- before and beside
 * -------------------------------------------------------------------------------------------------------------------
 */

TEST(this_files_server_ends_cleanly)
{
	fetch_close(fetch);
	fetch = NULL;
	wn_arena_free(&arena);
	if (served.pid > 0)
		CHECK_INT(served_stop(&served), 0);
}

TEST(a_manual_clock_is_moved_by_the_operator_and_told_in_the_journal)
{
	struct served manual;
	struct fetch *door, *street;
	char path[NODE_PATH_MAX];
	struct wn_error err = {0};
	wn_arena_init(&arena, API_ARENA);
	node = served_node(true);
	CHECK_OR_RETURN(node != NULL);
	CHECK_OR_RETURN(served_start(&manual, NULL));
	CHECK_OK(fetch_open(&door, "http://localhost", node_path(node, path, "run/operator.sock"), &err), err);
	CHECK_OK(fetch_open(&street, manual.url, NULL, &err), err);
	/* Before the first checkpoint the node is not ready. */
	CHECK_INT(send_request(street, "GET", "/readyz", NULL, NULL, NULL), 503);
	CHECK_TEXT(json_member_string(json_get(answered(), "checks"), "checkpoint", NULL), "none yet");
	CHECK_INT(send_request(street, "GET", "/v1/checkpoint", NULL, NULL, NULL), 404);
	CHECK_TEXT(problem(), "checkpoint_none");

	CHECK_INT(send_request(street, "GET", "/v1/network", NULL, NULL, NULL), 200);
	CHECK_INT(number(answered(), "now_ms"), 1000000);
	CHECK(json_get(answered(), "clock_manual")->truth);
	CHECK_INT(send_request(street, "POST", "/operator/clock", "{\"advance_ms\":5}", NULL, NULL), 403);
	CHECK_INT(send_request(door, "POST", "/operator/clock", "{\"advance_ms\":500}", NULL, NULL), 200);
	CHECK_INT(number(answered(), "now_ms"), 1000500);
	CHECK_INT(send_request(door, "POST", "/operator/clock", "{\"now_ms\":2000000}", NULL, NULL), 200);
	CHECK_INT(send_request(street, "GET", "/v1/network", NULL, NULL, NULL), 200);
	CHECK_INT(number(answered(), "now_ms"), 2000000);
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{"{\"now_ms\":1999999}", 409, "clock_backwards"},
		{"{\"advance_ms\":-1}", 409, "clock_backwards"},
		{"{\"advance_ms\":9007199254740991}", 400, "clock_far"},
		{"{\"advance_ms\":1,\"now_ms\":3000000}", 400, "clock_body"},
		{"{}", 400, "clock_body"},
		{"{\"advance_ms\":\"1\"}", 400, "clock_body"},
		{"{\"advance_ms\":1.5}", 400, "clock_body"},
		{"{\"advance_ms\":1,\"x\":1}", 400, "clock_body"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(send_request(door, "POST", "/operator/clock", cases[i].body, NULL, NULL), cases[i].status);
		CHECK_TEXT(problem(), cases[i].code);
	}
	/* Freshness of signatures follows this clock. */
	struct sign_key key;
	sign_generate(&key);
	CHECK_INT(send_request(street, "POST", "/v1/accounts", "{\"roles\":[\"lab\"]}", &key, NULL), 401);
	CHECK_TEXT(problem(), "signature_stale");
	struct fetch_request request = {.method = "POST",
		.target = "/v1/accounts",
		.content_type = "application/json",
		.body = WN_SLICE("{\"roles\":[\"lab\"]}"),
		.key = &key,
		.tag = node->network_tag,
		.now_ms = 2000000};
	CHECK_OK(fetch_send(street, &arena, &request, &answer, &err), err);
	CHECK_INT(answer.status, 201);
	CHECK_INT(number(answered(), "registered_ms"), 2000000);

	CHECK(served_seal());
	CHECK_INT(send_request(street, "GET", "/v1/journal/entries?from=1", NULL, NULL, NULL), 200);
	const struct json *entries = json_get(answered(), "entries");
	CHECK_OR_RETURN(entries && entries->count == 3);
	CHECK_TEXT(json_member_string(json_get(entries->elements[0], "entry"), "type", NULL), "clock");
	CHECK_INT(number(json_get(entries->elements[0], "entry"), "time_ms"), 1000000);
	CHECK_INT(number(json_get(entries->elements[0], "entry"), "now_ms"), 1000500);
	CHECK_INT(number(json_get(entries->elements[1], "entry"), "now_ms"), 2000000);
	CHECK_TEXT(json_member_string(json_get(entries->elements[2], "entry"), "type", NULL), "account");
	fetch_close(door);
	fetch_close(street);
	CHECK_INT(served_stop(&manual), 0);
	wn_arena_free(&arena);
}
