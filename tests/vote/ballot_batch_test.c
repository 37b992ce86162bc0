/* Ballots that are answered together: each as if it had come alone, in the order in which they came. */
#include <stdio.h>
#include <string.h>

#include "core/journal.h"
#include "tests/check.h"
#include "tests/vote/village.h"
#include "vote/ballot_api.h"
#include "web/exchange.h"

SUITE("ballot batches")

#define FROGS                                                                                                          \
	"{\"name\":\"frogs\",\"question\":\"Is there a "                                                               \
	"frog?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","                             \
	"\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":3,\"escalate\":0},\"budget\":{"   \
	"\"seat_pay\":\"1000\"},\"probation\":false}"

enum { VOTERS = 3, BALLOTS_MAX = 64 };

static struct village village;

/* The requests of one batch. */
static struct {
	struct exchange exchanges[BALLOTS_MAX];
	struct wn_arena arena;
	int count;
} batch;

static void batch_begin(void)
{
	batch.count = 0;
	wn_arena_init(&batch.arena, 1 << 28);
}

static void batch_text(const struct sign_key *key, const char *body, const char *idempotency, const char *seen)
{
	struct exchange *exchange = &batch.exchanges[batch.count++];
	struct wn_error err = {0};
	struct httpsig_fields fields;
	struct http_header *headers = wn_arena_array(&batch.arena, 6, sizeof *headers);
	size_t count = 0;
	headers[count++] = (struct http_header){WN_SLICE("content-type"), WN_SLICE("application/json")};
	if (idempotency)
		headers[count++] = (struct http_header){WN_SLICE("idempotency-key"), wn_slice_of(idempotency)};
	if (seen)
		headers[count++] = (struct http_header){WN_SLICE("winnow-checkpoint"), wn_slice_of(seen)};
	*exchange = (struct exchange){.node = &village.node,
		.db = village.serve,
		.arena = &batch.arena,
		.route = &ballot_routes[0],
		.body_file = -1,
		.request = {.method = WN_SLICE("POST"),
			.authority = WN_SLICE("127.0.0.1:8080"),
			.target = WN_SLICE("/v1/ballots"),
			.headers = headers,
			.header_count = count,
			.body = wn_slice_of(wn_arena_printf(&batch.arena, "%s", body))}};
	CHECK_OK(httpsig_sign(&batch.arena, &exchange->request, village.node.network_tag, village_now(&village) / 1000,
			 key, &fields, &err),
		err);
	headers[count++] = (struct http_header){WN_SLICE("content-digest"), fields.content_digest};
	headers[count++] = (struct http_header){WN_SLICE("signature-input"), fields.signature_input};
	headers[count++] = (struct http_header){WN_SLICE("signature"), fields.signature};
	exchange->request.header_count = count;
}

static void batch_commit(int voter, int item, int sequence, int choice, const char *idempotency)
{
	struct ballot_vote vote;
	char id[ID_HEX_ROOM], commitment[ID_HEX_ROOM], body[512];
	village_vote(&village, voter, item, 1, sequence, choice, &vote);
	snprintf(body, sizeof body,
		"{\"phase\":\"commit\",\"votes\":[{\"item_id\":\"%s\",\"round\":1,\"sequence\":%d,\"commitment\":\"%"
		"s\"}]}",
		hex_write(id, vote.key.item.bytes, ID_BYTES), sequence,
		hex_write(commitment, vote.commitment.bytes, ID_BYTES));
	batch_text(&village.voters[voter], body, idempotency, NULL);
}

static void batch_reveal(int voter, int item, int choice, const char *seen)
{
	struct ballot_vote vote;
	char id[ID_HEX_ROOM], salt[ID_HEX_ROOM], body[512];
	village_vote(&village, voter, item, 1, 1, choice, &vote);
	snprintf(body, sizeof body,
		"{\"phase\":\"reveal\",\"votes\":[{\"item_id\":\"%s\",\"round\":1,\"choice\":%d,\"salt\":\"%s\"}]}",
		hex_write(id, vote.key.item.bytes, ID_BYTES), choice, hex_write(salt, vote.salt.bytes, ID_BYTES));
	batch_text(&village.voters[voter], body, NULL, seen);
}

static void batch_run(void)
{
	struct exchange *list[BALLOTS_MAX];
	struct wn_arena arena;
	wn_arena_init(&arena, 1 << 24);
	for (int i = 0; i < batch.count; i++)
		list[i] = &batch.exchanges[i];
	exchange_run_many(list, (size_t)batch.count, &arena);
	CHECK(!db_in_transaction(village.serve));
	wn_arena_free(&arena);
}

/* "200 ok", "400 ballot_votes": the status, and the word of the first vote or the problem's code. */
static const char *told(int i)
{
	static char text[128];
	const struct exchange *exchange = &batch.exchanges[i];
	const struct json *answer;
	struct wn_error err = {0};
	const char *word = "unreadable";
	if (json_parse(&batch.arena, exchange->body.data, exchange->body.bytes, &answer, &err)) {
		const struct json *results = json_get(answer, "results");
		const char *type = json_member_string(answer, "type", "");
		word = results && results->count ? json_member_string(results->elements[0], "result", "")
						 : type + (strncmp(type, "/problems/", 10) == 0 ? 10 : 0);
	}
	snprintf(text, sizeof text, "%d %s", exchange->status, word);
	return text;
}

static bool has_receipt(int i)
{
	const struct json *answer, *receipt;
	struct wn_error err = {0};
	return json_parse(&batch.arena, batch.exchanges[i].body.data, batch.exchanges[i].body.bytes, &answer, &err) &&
	       (receipt = json_get(answer, "receipt")) &&
	       receipt_check(receipt, &village.node.network, &village.node.checkpoint_key.public_key, &err);
}

static bool frogs_open(int items)
{
	if (!village_open(&village, FROGS, VOTERS, 0))
		return false;
	for (int n = 0; n < items; n++)
		village_item(&village, n);
	village_settle(&village);
	return true;
}

TEST(ballots_of_a_batch_are_answered_as_if_they_had_come_one_by_one)
{
	struct sign_key stranger;
	const uint8_t seed[SIGN_SEED_BYTES] = {77};
	sign_from_seed(&stranger, seed);
	CHECK_OR_RETURN(frogs_open(2));
	for (int voter = 0; voter < VOTERS; voter++)
		CHECK(village_seat(&village, voter, 0, 1));
	CHECK(village_seat(&village, 0, 1, 1));
	batch_begin();
	batch_commit(0, 0, 1, 1, NULL);				     /* 0 */
	batch_commit(1, 0, 1, 0, "once");			     /* 1 */
	batch_commit(0, 0, 2, 0, NULL);				     /* 2: replaces the first */
	batch_commit(0, 0, 1, 1, NULL);				     /* 3: the first once more */
	batch_commit(0, 0, 2, 1, NULL);				     /* 4: another vote under the same number */
	batch_text(&village.voters[2], "{\"phase\":7}", NULL, NULL); /* 5 */
	batch_commit(1, 1, 1, 0, NULL);				     /* 6: no seat there */
	batch_text(&stranger, "{}", NULL, NULL);		     /* 7 */
	batch_commit(0, 1, 1, 1, NULL);				     /* 8 */
	batch_reveal(2, 0, 1, NULL);				     /* 9 */
	batch_commit(2, 0, 1, 1, NULL);				     /* 10 */
	batch_commit(2, 0, 1, 1, NULL);				     /* 11: changed on its way */
	batch.exchanges[11].request.body.bytes--;
	batch_run();
	static const char *const want[] = {"200 ok", "200 ok", "200 ok", "200 repeated", "200 sequence_taken",
		"400 ballot_phase", "200 no_seat", "403 account_unknown", "200 ok", "400 checkpoint_missing", "200 ok",
		"401 signature_digest"};
	for (int i = 0; i < batch.count; i++) {
		CHECK_TEXT(told(i), want[i]);
		CHECK_INT(has_receipt(i), strcmp(want[i], "200 ok") == 0);
	}
	CHECK_INT(village_number(&village, "SELECT count(*) FROM vote_commit"), 5);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM ballot"), 5);
	CHECK_INT(village_number(&village, "SELECT sum(committed) FROM round"), 4);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM seat WHERE state = 1"), 4);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM lease"), 0);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM journal_entry WHERE convert_from(body, "
					   "'UTF8')::json->>'type' = 'ballot'"),
		5);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM idempotency"), 1);
	/* The vote with the highest number is the one that counts. */
	CHECK_INT(village_number(&village, "SELECT count(*) FROM vote_commit WHERE sequence = 2"), 1);
	wn_arena_free(&batch.arena);
	village_close(&village);
}

TEST(votes_of_one_round_that_come_together_fill_it_and_close_it)
{
	CHECK_OR_RETURN(frogs_open(8));
	for (int n = 0; n < 8; n++)
		for (int voter = 0; voter < VOTERS; voter++)
			CHECK(village_seat(&village, voter, n, 1));
	batch_begin();
	for (int n = 0; n < 8; n++)
		for (int voter = 0; voter < VOTERS; voter++)
			batch_commit(voter, n, 1, 1, NULL);
	batch_run();
	for (int i = 0; i < batch.count; i++)
		CHECK_TEXT(told(i), "200 ok");
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE committed = 3 AND is_full"), 8);
	wn_arena_free(&batch.arena);
	village_settle(&village);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE state = 1"), 8);
	/* Who saw nothing of the journal opens nothing, and keeps nobody else from it. */
	struct wn_error err = {0};
	struct db *seal = NULL;
	size_t numbered = 1;
	bool written;
	CHECK_OK(node_connect(&village.node, "winnow_seal", &seal, &err), err);
	bool sealed = true;
	while (sealed && numbered > 0)
		sealed = journal_sequence(seal, &village.arena, &numbered, &err);
	CHECK_OK(sealed, err);
	CHECK_OK(journal_checkpoint(seal, &village.arena, &village.node.network, &village.node.checkpoint_key,
			 village_now(&village), &written, &err),
		err);
	db_close(seal);
	const char *seen = village_text(
		&village, "SELECT size || ' ' || encode(root, 'hex') FROM checkpoint ORDER BY size DESC LIMIT 1");
	char kept[128];
	snprintf(kept, sizeof kept, "%s", seen);
	batch_begin();
	for (int n = 0; n < 8; n++)
		for (int voter = 0; voter < VOTERS; voter++)
			batch_reveal(voter, n, voter == 2 && n == 5 ? 0 : 1, voter == 1 && n == 3 ? NULL : kept);
	batch_run();
	for (int i = 0; i < batch.count; i++)
		CHECK_TEXT(told(i), i == 3 * VOTERS + 1	  ? "400 checkpoint_missing"
				    : i == 5 * VOTERS + 2 ? "200 commitment_differs"
							  : "200 ok");
	CHECK_INT(village_number(&village, "SELECT sum(revealed) FROM round"), 8 * VOTERS - 2);
	CHECK_INT(village_number(&village, "SELECT count(*) FROM round WHERE is_full"), 6);
	wn_arena_free(&batch.arena);
	village_close(&village);
}
