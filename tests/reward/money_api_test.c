/* Routes of money against a real database, each request built by hand; signatures and stored answers are web's own
 * tests. */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/money_api.h"
#include "reward/vesting_store.h"
#include "tests/reward/bank.h"

SUITE("money routes")

enum { USERS = 3, NOW_MS = 5000, UNBONDING_MS = 1000 };

struct desk {
	struct bank bank;
	struct node node;
	struct sign_key keys[USERS];
	struct account accounts[USERS];
	struct exchange exchange; /* of the last request */
	const struct json *answer;
};

static bool desk_open(struct desk *desk)
{
	memset(desk, 0, sizeof *desk);
	sign_start();
	if (!bank_open(&desk->bank))
		return false;
	memset(desk->node.network.bytes, 0x77, ID_BYTES);
	sign_generate(&desk->node.checkpoint_key);
	desk->node.has_checkpoint_key = true;
	desk->node.policy.unbonding_ms = UNBONDING_MS;
	for (int i = 0; i < USERS; i++) {
		bool changed;
		sign_generate(&desk->keys[i]);
		CHECK_OK(account_insert(desk->bank.serve, &desk->bank.arena, &desk->node.network,
				 &desk->keys[i].public_key, ACCOUNT_VALIDATOR | ACCOUNT_CONTRIBUTOR, i == 2, NULL, NULL,
				 1, &desk->accounts[i], &changed, &desk->bank.err),
			desk->bank.err);
		struct ledger_ref free = {.kind = LEDGER_FREE};
		memcpy(free.owner, desk->keys[i].public_key.bytes, ID_BYTES);
		struct transfer grant = bank_transfer("genesis", i, bank_mint(), free, 1000);
		CHECK_INT(bank_post_one(&desk->bank, desk->bank.serve, &grant), TRANSFER_DONE);
	}
	return desk->bank.err.code[0] == '\0';
}

static const struct route *route_of(const char *method, const char *pattern)
{
	for (const struct route *route = money_routes; route->method; route++)
		if (strcmp(route->method, method) == 0 && strcmp(route->pattern, pattern) == 0)
			return route;
	wn_assert(!"a route of money");
	return NULL;
}

/* What the server does around a handler, less signature and stored answers. `key` NULL: none. Gives the status. */
static int ask(struct desk *desk, int user, const char *method, const char *pattern, const char *param,
	const char *query, const char *body, const char *key)
{
	static const struct http_header headers[] = {{WN_SLICE("content-type"), WN_SLICE("application/json")}};
	struct exchange *exchange = &desk->exchange;
	struct wn_error err = {0};
	*exchange = (struct exchange){
		.node = &desk->node,
		.db = desk->bank.serve,
		.arena = &desk->bank.arena,
		.now_ms = NOW_MS,
		.request = {.method = wn_slice_of(method),
			.headers = headers,
			.header_count = 1,
			.body = wn_slice_of(body ? body : "")},
		.query = wn_slice_of(query ? query : ""),
		.params = {wn_slice_of(param ? param : "")},
		.route = route_of(method, pattern),
		.is_signed = true,
		.has_account = true,
		.account = desk->accounts[user],
		.idempotency_key = {key, key ? strlen(key) : 0},
		.body_file = -1,
	};
	exchange->signature.key = desk->keys[user].public_key;
	if (key)
		sha256_of(body, strlen(body), &exchange->fingerprint);
	if (!exchange->route->handle(exchange, &err)) {
		if (db_in_transaction(exchange->db))
			db_rollback(exchange->db);
		exchange_failed(exchange, &err);
	}
	CHECK(!db_in_transaction(desk->bank.serve));
	desk->answer = NULL;
	CHECK_OK(json_parse(&desk->bank.arena, exchange->body.data, exchange->body.bytes, &desk->answer, &err), err);
	return exchange->status;
}

static int post(struct desk *desk, int user, const char *pattern, const char *key, const char *body)
{
	return ask(desk, user, "POST", pattern, NULL, NULL, body, key);
}

static int get(struct desk *desk, int user, int whose, const char *pattern, const char *query)
{
	char did[DID_ROOM];
	did_write(did, &desk->keys[whose].public_key);
	return ask(desk, user, "GET", pattern, did, query, NULL, NULL);
}

static const char *said(const struct desk *desk, const char *name)
{
	return json_member_string(desk->answer, name, "(nothing)");
}

static void refused(struct desk *desk, int status, enum money_result why)
{
	char type[64];
	const struct money_refusal *refusal = money_refusal(why);
	snprintf(type, sizeof type, "/problems/%s", refusal->code);
	CHECK_INT(status, refusal->status);
	CHECK_INT(desk->exchange.status, refusal->status);
	CHECK_TEXT(said(desk, "type"), type);
}

TEST(every_refusal_has_a_status_a_word_and_a_sentence_of_its_own)
{
	for (int i = MONEY_DONE + 1; i < MONEY_RESULTS; i++) {
		const struct money_refusal *refusal = money_refusal((enum money_result)i);
		CHECK(refusal->status >= 400 && refusal->status < 500);
		CHECK(refusal->code && refusal->code[0] &&
			strspn(refusal->code, "abcdefghijklmnopqrstuvwxyz_") == strlen(refusal->code));
		CHECK(refusal->detail && refusal->detail[strlen(refusal->detail) - 1] != ' ');
		for (int j = MONEY_DONE + 1; j < i; j++)
			CHECK(strcmp(refusal->code, money_refusal((enum money_result)j)->code) != 0);
	}
	for (int i = 0; i < TRANSFER_RESULTS; i++) {
		if (i >= TRANSFER_NO_PENDING && i <= TRANSFER_TOO_MUCH)
			continue;
		enum money_result result = money_result_of((enum transfer_result)i);
		CHECK((result == MONEY_DONE) == (i == TRANSFER_DONE || i == TRANSFER_REPEATED));
	}
}

TEST(routes_that_move_money_need_a_registered_key_and_an_idempotency_key)
{
	for (const struct route *route = money_routes; route->method; route++) {
		/* The sums over everybody are everybody's; all else is its owner's. */
		CHECK_INT(route->access, strcmp(route->pattern, "/v1/supply") == 0 ? ROUTE_OPEN : ROUTE_ACCOUNT);
		CHECK(route->idempotent == (strcmp(route->method, "POST") == 0));
		CHECK((route->body_max > 0) == (strcmp(route->method, "POST") == 0));
	}
	CHECK_INT(route_of("POST", "/v1/stakes")->roles, ACCOUNT_VALIDATOR | ACCOUNT_CURATOR);
	/* Who is no validator any more still gets the stake back. */
	CHECK_INT(route_of("POST", "/v1/unstakes")->roles, 0);
}

TEST(stake_and_unstake_move_within_ones_own_accounts_with_a_receipt)
{
	struct desk desk;
	CHECK_OR_RETURN(desk_open(&desk));
	CHECK_INT(post(&desk, 0, "/v1/stakes", "k1", "{\"amount\":\"700\"}"), 200);
	CHECK_TEXT(said(&desk, "amount"), "700");
	CHECK_TEXT(said(&desk, "free"), "300");
	CHECK_TEXT(said(&desk, "stake"), "700");
	CHECK_OK(receipt_check(json_get(desk.answer, "receipt"), &desk.node.network,
			 &desk.node.checkpoint_key.public_key, &desk.bank.err),
		desk.bank.err);
	/* The receipt names the entry that the journal holds. */
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM journal_entry"), 1);
	const char *leaf = json_member_string(json_get(desk.answer, "receipt"), "leaf_hash", "");
	char *question = wn_arena_printf(
		&desk.bank.arena, "SELECT count(*) FROM journal_entry WHERE leaf_hash = decode('%s', 'hex')", leaf);
	CHECK_INT(bank_number(&desk.bank, question), 1);

	CHECK_INT(post(&desk, 0, "/v1/unstakes", "k2", "{\"amount\":\"200\"}"), 200);
	CHECK_TEXT(said(&desk, "stake"), "500");
	CHECK_TEXT(said(&desk, "unbonding"), "200");
	int64_t due_ms = 0;
	CHECK(json_integer(json_get(desk.answer, "due_ms"), &due_ms));
	CHECK_INT(due_ms, NOW_MS + UNBONDING_MS);
	CHECK_INT(bank_number(&desk.bank, "SELECT due_ms FROM unbonding WHERE amount = 200 AND NOT ended"),
		NOW_MS + UNBONDING_MS);
	refused(&desk, post(&desk, 0, "/v1/unstakes", "k3", "{\"amount\":\"501\"}"), MONEY_INSUFFICIENT);
	refused(&desk, post(&desk, 0, "/v1/stakes", "k4", "{\"amount\":\"301\"}"), MONEY_INSUFFICIENT);
	/* Refusals leave nothing behind, their answers neither. */
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM journal_entry"), 2);
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM idempotency"), 2);
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM unbonding"), 1);
	bank_check(&desk.bank);
	bank_close(&desk.bank);
}

TEST(a_transfer_reaches_a_registered_account_and_only_that)
{
	struct desk desk;
	char to[DID_ROOM], body[256];
	struct sign_key stranger;
	CHECK_OR_RETURN(desk_open(&desk));
	did_write(to, &desk.keys[1].public_key);
	snprintf(body, sizeof body, "{\"to\":\"%s\",\"amount\":\"1000\"}", to);
	CHECK_INT(post(&desk, 0, "/v1/transfers", "k1", body), 200);
	CHECK_TEXT(said(&desk, "free"), "0");
	refused(&desk, post(&desk, 0, "/v1/transfers", "k2", body), MONEY_INSUFFICIENT);
	refused(&desk, post(&desk, 1, "/v1/transfers", "k3", body), MONEY_RECIPIENT_SELF);
	sign_generate(&stranger);
	did_write(to, &stranger.public_key);
	snprintf(body, sizeof body, "{\"to\":\"%s\",\"amount\":\"1\"}", to);
	refused(&desk, post(&desk, 1, "/v1/transfers", "k4", body), MONEY_RECIPIENT_UNKNOWN);
	refused(&desk, post(&desk, 1, "/v1/transfers", "k5", "{\"to\":\"did:key:z6MkNobody\",\"amount\":\"1\"}"),
		MONEY_RECIPIENT_MALFORMED);
	refused(&desk, post(&desk, 1, "/v1/transfers", "k6", "{\"amount\":\"1\"}"), MONEY_RECIPIENT_MALFORMED);
	CHECK_INT(get(&desk, 1, 1, "/v1/accounts/{did}", NULL), 200);
	CHECK_TEXT(said(&desk, "free"), "2000");
	bank_check(&desk.bank);
	bank_close(&desk.bank);
}

TEST(amounts_that_are_not_decimal_strings_above_zero_are_refused)
{
	static const char *const bodies[] = {"{}", "{\"amount\":5}", "{\"amount\":\"0\"}", "{\"amount\":\"-5\"}",
		"{\"amount\":\"05\"}", "{\"amount\":\"5.0\"}", "{\"amount\":\"9223372036854775808\"}",
		"{\"amount\":\"\"}", "{\"amount\":null}", "{\"amount\":[\"5\"]}"};
	struct desk desk;
	CHECK_OR_RETURN(desk_open(&desk));
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
		refused(&desk, post(&desk, 0, "/v1/stakes", "k", bodies[i]), MONEY_AMOUNT_MALFORMED);
	refused(&desk, post(&desk, 0, "/v1/stakes", "k", "{\"amount\":\"5\",\"to\":\"x\"}"), MONEY_MEMBER_UNKNOWN);
	refused(&desk, post(&desk, 0, "/v1/stakes", "k", "{\"amount\":\"9223372036854775807\"}"), MONEY_INSUFFICIENT);
	CHECK_INT(post(&desk, 0, "/v1/stakes", "k", "{\"amount\":"), 400);
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM ledger_transfer"), USERS);
	bank_close(&desk.bank);
}

TEST(one_key_moves_one_thing_however_often_it_is_sent)
{
	struct desk desk;
	CHECK_OR_RETURN(desk_open(&desk));
	CHECK_INT(post(&desk, 0, "/v1/stakes", "same", "{\"amount\":\"10\"}"), 200);
	/* The server finds the stored answer first; a request that slips past it meets the transfer's own id. */
	CHECK_INT(post(&desk, 0, "/v1/stakes", "same", "{\"amount\":\"10\"}"), 409);
	CHECK_TEXT(said(&desk, "type"), "/problems/idempotency_running");
	refused(&desk, post(&desk, 0, "/v1/stakes", "same", "{\"amount\":\"11\"}"), MONEY_DIFFERS);
	/* Another user's same key is another intent. */
	CHECK_INT(post(&desk, 1, "/v1/stakes", "same", "{\"amount\":\"10\"}"), 200);
	CHECK_INT(get(&desk, 0, 0, "/v1/accounts/{did}", NULL), 200);
	CHECK_TEXT(said(&desk, "stake"), "10");
	CHECK_INT(bank_number(&desk.bank, "SELECT count(*) FROM journal_entry"), 2);
	bank_check(&desk.bank);
	bank_close(&desk.bank);
}

static struct ledger_ref user_ref(const struct desk *desk, int user, enum ledger_kind kind)
{
	struct ledger_ref ref = {.kind = kind};
	memcpy(ref.owner, desk->keys[user].public_key.bytes, ID_BYTES);
	return ref;
}

TEST(an_account_shows_four_sums_and_their_parts)
{
	enum { COUNT = 7 };
	struct desk desk;
	enum transfer_result results[COUNT];
	CHECK_OR_RETURN(desk_open(&desk));
	struct ledger_ref stake = user_ref(&desk, 2, LEDGER_STAKE), bond = user_ref(&desk, 2, LEDGER_BOND),
			  free = user_ref(&desk, 2, LEDGER_FREE);
	struct transfer transfers[COUNT] = {
		bank_transfer("stake", 100, free, stake, 600),
		bank_transfer("seat", 101, stake, bond, 50),
		bank_transfer("seat", 102, stake, bond, 40),
	};
	transfers[1].step = transfers[2].step = TRANSFER_PENDING;
	transfers[3] = bank_ending(&transfers[2], TRANSFER_POST, 30, 1);
	transfers[4] = bank_transfer("slash/burned", 103, bond, bank_mint(), 30);
	transfers[5] = bank_transfer("reward/contributor", 104, bank_mint(), user_ref(&desk, 2, LEDGER_VESTING), 70);
	transfers[6] = bank_transfer("reward/validator", 105, bank_mint(), free, 8);
	transfers[6].step = TRANSFER_PENDING;
	CHECK_OK(bank_post(&desk.bank, desk.bank.reward, transfers, COUNT, results), desk.bank.err);
	for (int i = 0; i < COUNT; i++)
		CHECK_INT(results[i], TRANSFER_DONE);
	CHECK_INT(post(&desk, 2, "/v1/unstakes", "k", "{\"amount\":\"100\"}"), 200);
	CHECK_INT(get(&desk, 2, 2, "/v1/accounts/{did}", NULL), 200);
	CHECK_TEXT(said(&desk, "free"), "400");
	CHECK_TEXT(said(&desk, "stake"), "420");
	CHECK_TEXT(said(&desk, "seat_bonds"), "50");
	CHECK_TEXT(said(&desk, "unbonding"), "100");
	CHECK_TEXT(said(&desk, "bonded"), "570");
	CHECK_TEXT(said(&desk, "vesting"), "70");
	CHECK_TEXT(said(&desk, "pending"), "78");
	CHECK_TEXT(said(&desk, "slashed"), "30");
	char did[DID_ROOM];
	did_write(did, &desk.keys[2].public_key);
	CHECK_TEXT(said(&desk, "did"), did);
	const struct json *roles = json_get(desk.answer, "roles"), *robot = json_get(desk.answer, "robot");
	CHECK_OR_RETURN(roles && roles->count == 2 && robot);
	CHECK_TEXT(json_string(roles->elements[0]), "contributor");
	CHECK_TEXT(json_string(roles->elements[1]), "validator");
	CHECK(robot->truth);
	bank_close(&desk.bank);
}

TEST(an_account_is_shown_to_its_owner_only)
{
	struct desk desk;
	CHECK_OR_RETURN(desk_open(&desk));
	refused(&desk, get(&desk, 0, 1, "/v1/accounts/{did}", NULL), MONEY_NOT_OWNER);
	refused(&desk, get(&desk, 0, 1, "/v1/accounts/{did}/statement", NULL), MONEY_NOT_OWNER);
	refused(&desk, ask(&desk, 0, "GET", "/v1/accounts/{did}", "did:key:nobody", NULL, NULL, NULL),
		MONEY_ACCOUNT_MALFORMED);
	bank_close(&desk.bank);
}

TEST(a_statement_pages_from_the_newest_row_to_the_first)
{
	enum { MOVES = 12 };
	struct desk desk;
	char to[DID_ROOM], body[256], key[16], query[64];
	CHECK_OR_RETURN(desk_open(&desk));
	did_write(to, &desk.keys[1].public_key);
	for (int i = 1; i <= MOVES; i++) {
		snprintf(key, sizeof key, "k%d", i);
		if (i % 2)
			snprintf(body, sizeof body, "{\"amount\":\"%d\"}", i);
		else
			snprintf(body, sizeof body, "{\"to\":\"%s\",\"amount\":\"%d\"}", to, i);
		CHECK_INT(post(&desk, 0, i % 2 ? "/v1/stakes" : "/v1/transfers", key, body), 200);
	}
	int64_t before = 0, last = INT64_MAX, seq = 0;
	int seen = 0, pages = 0;
	do {
		if (before)
			snprintf(query, sizeof query, "before=%lld&count=5", (long long)before);
		CHECK_INT(get(&desk, 0, 0, "/v1/accounts/{did}/statement", before ? query : "count=5"), 200);
		const struct json *entries = json_get(desk.answer, "entries");
		CHECK_OR_RETURN(entries != NULL);
		for (size_t i = 0; i < entries->count; i++, seen++) {
			const struct json *entry = entries->elements[i];
			int number = MOVES - seen;
			char amount[16];
			CHECK(json_integer(json_get(entry, "seq"), &seq) && seq < last);
			last = seq;
			snprintf(amount, sizeof amount, "%d", number ? number : 1000);
			CHECK_TEXT(json_member_string(entry, "amount", ""), amount);
			CHECK_TEXT(json_member_string(entry, "cause", ""), number == 0	? "genesis"
									   : number % 2 ? "stake"
											: "transfer");
			CHECK_TEXT(json_member_string(entry, "direction", ""), number == 0  ? "in"
									       : number % 2 ? "within"
											    : "out");
			CHECK_TEXT(json_member_string(entry, "from", ""), number ? "free" : "mint");
			CHECK_TEXT(json_member_string(entry, "to", ""), number % 2 ? "stake" : "free");
			CHECK_TEXT(json_member_string(entry, "step", ""), "single");
			CHECK_TEXT(json_member_string(entry, "party", "none"), number && number % 2 == 0 ? to : "none");
		}
		if (!json_integer(json_get(desk.answer, "next"), &before))
			before = 0;
	} while (before && pages++ < MOVES);
	CHECK_INT(seen, MOVES + 1);
	CHECK_INT(pages, 2);
	static const char *const cursors[] = {
		"before=0", "before=x", "before=", "before=-1", "before=9999999999999999999"};
	for (size_t i = 0; i < sizeof cursors / sizeof cursors[0]; i++)
		refused(&desk, get(&desk, 0, 0, "/v1/accounts/{did}/statement", cursors[i]), MONEY_CURSOR);
	refused(&desk, get(&desk, 0, 0, "/v1/accounts/{did}/statement", "count=501"), MONEY_COUNT);
	refused(&desk, get(&desk, 0, 0, "/v1/accounts/{did}/statement", "count=0"), MONEY_COUNT);
	bank_close(&desk.bank);
}

TEST(a_claim_comes_with_a_proof_of_the_last_closes_root)
{
	struct desk desk;
	struct sha256 root, leaf;
	CHECK_OR_RETURN(desk_open(&desk));
	refused(&desk, get(&desk, 0, 1, "/v1/accounts/{did}/claim", NULL), MONEY_NOT_OWNER);
	refused(&desk, get(&desk, 0, 0, "/v1/accounts/{did}/claim", NULL), MONEY_CLAIM_NONE);
	for (int i = 0; i < 2; i++) {
		struct transfer pay =
			bank_transfer("reward/validator", i, bank_mint(), user_ref(&desk, i, LEDGER_FREE), 50 + i);
		CHECK_INT(bank_post_one(&desk.bank, desk.bank.reward, &pay), TRANSFER_DONE);
	}
	CHECK_OK(db_begin(desk.bank.reward, &desk.bank.err), desk.bank.err);
	CHECK_OK(claims_store_root(desk.bank.reward, &desk.bank.arena, &root, &desk.bank.err), desk.bank.err);
	CHECK_OK(db_commit(desk.bank.reward, &desk.bank.err), desk.bank.err);
	char hex[ID_HEX_ROOM];
	CHECK_OK(db_command(desk.bank.owner,
			 wn_arena_printf(&desk.bank.arena,
				 "INSERT INTO epoch (epoch, state, opened_ms, claims_root, closed_leaf) VALUES (6, 2, 0, "
				 "decode('%s', 'hex'), sha256('told')), (7, 0, 1, NULL, NULL)",
				 hex_write(hex, root.bytes, ID_BYTES)),
			 &desk.bank.err),
		desk.bank.err);
	CHECK_INT(get(&desk, 1, 1, "/v1/accounts/{did}/claim", NULL), 200);
	CHECK_TEXT(said(&desk, "cumulative"), "51");
	CHECK_TEXT(said(&desk, "root"), hex);
	sha256_of("told", 4, &leaf);
	hex_write(hex, leaf.bytes, ID_BYTES);
	CHECK_TEXT(said(&desk, "entry_leaf"), hex);
	int64_t epoch = 0, index = 0, size = 0;
	CHECK(json_integer(json_get(desk.answer, "epoch"), &epoch));
	CHECK(json_integer(json_get(desk.answer, "index"), &index));
	CHECK(json_integer(json_get(desk.answer, "size"), &size));
	CHECK_INT(epoch, 6);
	CHECK_INT(size, 2);
	const struct json *path = json_get(desk.answer, "proof");
	CHECK_OR_RETURN(path && path->count == 1);
	struct claim claim = {.account = desk.keys[1].public_key, .cumulative = 51};
	struct tree_proof proof = {.count = 1};
	const char *sibling = json_string(path->elements[0]);
	CHECK(hex_read(proof.hashes[0].bytes, ID_BYTES, sibling, strlen(sibling)));
	claims_leaf(&claim, &leaf);
	CHECK(tree_inclusion_holds(&leaf, (uint64_t)index, (uint64_t)size, &proof, &root));
	hex_write(hex, desk.keys[1].public_key.bytes, ID_BYTES);
	CHECK_TEXT(said(&desk, "account"), hex);
	/* Who was never paid has none; while a close is half seen the answer is to ask again. */
	refused(&desk, get(&desk, 2, 2, "/v1/accounts/{did}/claim", NULL), MONEY_CLAIM_NONE);
	CHECK_OK(db_command(desk.bank.owner, "UPDATE epoch SET claims_root = sha256('other') WHERE epoch = 6",
			 &desk.bank.err),
		desk.bank.err);
	CHECK_INT(get(&desk, 1, 1, "/v1/accounts/{did}/claim", NULL), 503);
	bank_close(&desk.bank);
}

TEST(units_that_a_seat_holds_cannot_be_unstaked)
{
	struct desk desk;
	CHECK_OR_RETURN(desk_open(&desk));
	CHECK_INT(post(&desk, 0, "/v1/stakes", "k1", "{\"amount\":\"100\"}"), 200);
	struct transfer seat =
		bank_transfer("seat", 1, user_ref(&desk, 0, LEDGER_STAKE), user_ref(&desk, 0, LEDGER_BOND), 60);
	seat.step = TRANSFER_PENDING;
	CHECK_INT(bank_post_one(&desk.bank, desk.bank.serve, &seat), TRANSFER_DONE);
	refused(&desk, post(&desk, 0, "/v1/unstakes", "k2", "{\"amount\":\"41\"}"), MONEY_INSUFFICIENT);
	CHECK_INT(post(&desk, 0, "/v1/unstakes", "k3", "{\"amount\":\"40\"}"), 200);
	bank_check(&desk.bank);
	bank_close(&desk.bank);
}
