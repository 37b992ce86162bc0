/* Routes of money. Moving is one transfer between accounts of the ledger, whose id comes from the request's
 * Idempotency-Key. */
#include "reward/money_api.h"

#include <string.h>

#include "core/account_entry.h"
#include "core/hash.h"
#include "core/journal.h"
#include "reward/claims_store.h"
#include "reward/ledger_store.h"
#include "reward/money_store.h"
#include "reward/tokens.h"
#include "reward/vesting_store.h"

enum { STATEMENT_MOST = 500, STATEMENT_USUAL = 50, MONEY_BODY_MAX = 4096 };

/* ---- refusals ---- */

const struct money_refusal *money_refusal(enum money_result result)
{
	static const struct money_refusal refusals[MONEY_RESULTS] = {
		[MONEY_ACCOUNT_MALFORMED] = {404, "account_malformed", "The account in the path is no did:key."},
		[MONEY_NOT_OWNER] = {403, "not_owner",
			"Only its owner may see an account: sign with that account's key."},
		[MONEY_CLAIM_NONE] = {404, "claim_none", "No pay round has paid this account a reward yet."},
		[MONEY_CURSOR] = {400, "cursor", "before is the number that `next` gave."},
		[MONEY_COUNT] = {400, "count", "count is a number from 1 to 500."},
		[MONEY_MEMBER_UNKNOWN] = {400, "unknown_member", "The request has a member that is not known here."},
		[MONEY_AMOUNT_MALFORMED] = {400, "amount_malformed",
			"amount is a decimal string of units above zero: {\"amount\": \"1000000000\"} is one token."},
		[MONEY_RECIPIENT_MALFORMED] = {400, "recipient_malformed",
			"to is the did:key of the account that receives."},
		[MONEY_RECIPIENT_SELF] = {409, "recipient_self", "The account that receives is the one that pays."},
		[MONEY_RECIPIENT_UNKNOWN] = {404, "recipient_unknown", "No account is registered under the key in to."},
		[MONEY_DIFFERS] = {409, "transfer_differs",
			"Another request of yours with this Idempotency-Key moved something else: take a new key."},
		[MONEY_INSUFFICIENT] = {409, "insufficient_funds", "The account has less than this to move."},
		[MONEY_TOO_LARGE] = {409, "amount_large", "An account's total would leave the range of 63 bits."},
	};
	wn_assert(result > MONEY_DONE);
	wn_assert(result <= MONEY_TOO_LARGE);
	return &refusals[result];
}

enum money_result money_result_of(enum transfer_result result)
{
	static const enum money_result results[TRANSFER_RESULTS] = {
		[TRANSFER_DONE] = MONEY_DONE,
		[TRANSFER_REPEATED] = MONEY_DONE,
		[TRANSFER_DIFFERS] = MONEY_DIFFERS,
		[TRANSFER_BAD_AMOUNT] = MONEY_AMOUNT_MALFORMED,
		[TRANSFER_SAME_ACCOUNT] = MONEY_RECIPIENT_SELF,
		[TRANSFER_OVERDRAWN] = MONEY_INSUFFICIENT,
		[TRANSFER_OVERFLOW] = MONEY_TOO_LARGE,
	};
	/* Requests end no pending transfers. */
	wn_assert(result < TRANSFER_NO_PENDING || result > TRANSFER_TOO_MUCH);
	wn_assert(result <= TRANSFER_OVERFLOW);
	return results[result];
}

static bool refuse(struct exchange *exchange, enum money_result result)
{
	const struct money_refusal *refusal = money_refusal(result);
	return exchange_problem(exchange, refusal->status, refusal->code, "%s", refusal->detail);
}

/* ---- an account ---- */

static enum money_result account_own(const struct exchange *exchange)
{
	struct account_key key;
	struct wn_slice did = exchange->params[0];
	if (!did.data || !did_read(&key, did.data, did.bytes))
		return MONEY_ACCOUNT_MALFORMED;
	return memcmp(key.bytes, exchange->account.key.bytes, ID_BYTES) == 0 ? MONEY_DONE : MONEY_NOT_OWNER;
}

static bool account_show(struct exchange *exchange, struct wn_error *err)
{
	struct money_figures figures;
	struct json_writer answer;
	struct wn_slice text;
	char did[DID_ROOM];
	enum money_result result = account_own(exchange);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	if (!money_store_figures(exchange->db, exchange->arena, &exchange->account.key, &figures, err))
		return false;
	did_write(did, &exchange->account.key);
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_string(&answer, "did", did);
	account_roles_put(&answer, exchange->account.roles);
	json_put_bool(&answer, "robot", exchange->account.robot);
	json_put_amount(&answer, "free", figures.free);
	json_put_amount(&answer, "bonded", figures.stake + figures.seat_bonds + figures.unbonding);
	json_put_amount(&answer, "pending", figures.vesting + figures.arriving);
	json_put_amount(&answer, "slashed", figures.slashed);
	json_put_amount(&answer, "stake", figures.stake);
	json_put_amount(&answer, "seat_bonds", figures.seat_bonds);
	json_put_amount(&answer, "vesting", figures.vesting);
	json_put_amount(&answer, "unbonding", figures.unbonding);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

/* ---- the claim ---- */

static bool claim_answer(struct exchange *exchange, const struct claim *claim, const struct claims_latest *latest,
	uint64_t index, uint64_t size, const struct tree_proof *proof, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice text;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_hex(&answer, "account", claim->account.bytes, ID_BYTES);
	json_put_amount(&answer, "cumulative", claim->cumulative);
	json_put_integer(&answer, "epoch", latest->epoch);
	json_put_hex(&answer, "root", latest->root.bytes, ID_BYTES);
	json_put_hex(&answer, "entry_leaf", latest->entry_leaf.bytes, ID_BYTES);
	json_put_integer(&answer, "index", (int64_t)index);
	json_put_integer(&answer, "size", (int64_t)size);
	json_open_array(&answer, "proof");
	for (size_t i = 0; i < proof->count; i++)
		json_put_hex(&answer, NULL, proof->hashes[i].bytes, ID_BYTES);
	json_close_array(&answer);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool claim_show(struct exchange *exchange, struct wn_error *err)
{
	struct claim claim;
	struct tree_proof proof;
	struct claims_latest latest;
	struct sha256 leaf;
	uint64_t index, size;
	bool closed, found;
	enum money_result result = account_own(exchange);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	if (!claims_store_latest(exchange->db, exchange->arena, &latest, &closed, err))
		return false;
	if (!closed)
		return refuse(exchange, MONEY_CLAIM_NONE);
	if (!claims_store_proof(
		    exchange->db, exchange->arena, &exchange->account.key, &claim, &index, &size, &proof, &found, err))
		return false;
	if (!found)
		return refuse(exchange, MONEY_CLAIM_NONE);
	claims_leaf(&claim, &leaf);
	/* A close between the reads gives a proof of its own root. */
	if (!tree_inclusion_holds(&leaf, index, size, &proof, &latest.root))
		return wn_fail(err, WN_BUSY, "claims_moved", "an epoch closed at this moment: ask again");
	return claim_answer(exchange, &claim, &latest, index, size, &proof, err);
}

/* ---- the statement ---- */

/* 1..INT64_MAX in plain digits; false for anything else. */
static bool number_read(struct wn_slice text, int64_t *out)
{
	enum { DIGITS_MOST = 18 };
	int64_t value = 0;
	if (text.bytes == 0 || text.bytes > DIGITS_MOST || text.data[0] == '0')
		return false;
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
		value = value * 10 + (text.data[i] - '0');
	}
	*out = value;
	return true;
}

static void entry_put(struct json_writer *writer, const struct money_row *row, const struct account_key *owner)
{
	static const uint8_t zeros[ID_BYTES];
	const struct transfer *transfer = &row->transfer;
	bool pays = memcmp(transfer->debit.owner, owner->bytes, ID_BYTES) == 0;
	bool receives = memcmp(transfer->credit.owner, owner->bytes, ID_BYTES) == 0;
	json_open_object(writer, NULL);
	json_put_integer(writer, "seq", row->seq);
	json_put_hex(writer, "transfer_id", transfer->id.bytes, ID_BYTES);
	json_put_integer(writer, "time_ms", row->time_ms);
	json_put_string(writer, "cause", transfer->cause);
	json_put_amount(writer, "amount", transfer->amount);
	json_put_string(writer, "direction", pays && receives ? "within" : pays ? "out" : "in");
	json_put_string(writer, "step", transfer_step_name(transfer->step));
	json_put_string(writer, "from", ledger_kind_name(transfer->debit.kind));
	json_put_string(writer, "to", ledger_kind_name(transfer->credit.kind));
	if (pays != receives && transfer->debit.kind == LEDGER_FREE && transfer->credit.kind == LEDGER_FREE) {
		struct account_key party;
		char did[DID_ROOM];
		memcpy(party.bytes, pays ? transfer->credit.owner : transfer->debit.owner, ID_BYTES);
		did_write(did, &party);
		json_put_string(writer, "party", did);
	}
	if (memcmp(transfer->subject, zeros, ID_BYTES) != 0)
		json_put_hex(writer, "subject", transfer->subject, ID_BYTES);
	if (transfer->epoch >= 0)
		json_put_integer(writer, "epoch", transfer->epoch);
	json_close_object(writer);
}

static bool statement_show(struct exchange *exchange, struct wn_error *err)
{
	struct wn_slice before_text = exchange_query(exchange, "before"),
			count_text = exchange_query(exchange, "count");
	int64_t before = INT64_MAX, most = STATEMENT_USUAL;
	struct money_row *rows;
	size_t count;
	struct json_writer answer;
	struct wn_slice text;
	enum money_result result = account_own(exchange);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	if (before_text.data && !number_read(before_text, &before))
		return refuse(exchange, MONEY_CURSOR);
	if (count_text.data && (!number_read(count_text, &most) || most > STATEMENT_MOST))
		return refuse(exchange, MONEY_COUNT);
	if (!money_store_statement(
		    exchange->db, exchange->arena, &exchange->account.key, before, (int)most, &rows, &count, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "entries");
	for (size_t i = 0; i < count; i++)
		entry_put(&answer, &rows[i], &exchange->account.key);
	json_close_array(&answer);
	if (count == (size_t)most)
		json_put_integer(&answer, "next", rows[count - 1].seq);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

/* ---- moving ---- */

/* What a request wants to move. */
struct movement {
	struct transfer transfer;
	int64_t due_ms; /* of stake that unbonds; 0: nothing unbonds */
};

/* `to` is read only where `members` names it. */
static enum money_result movement_read(
	const struct json *body, const char *const members[], int64_t *amount, struct account_key *to)
{
	struct wn_slice unknown;
	if (!json_only_members(body, members, &unknown))
		return MONEY_MEMBER_UNKNOWN;
	const struct json *value = json_get(body, "amount");
	if (!value || !json_amount(value, amount) || *amount == 0)
		return MONEY_AMOUNT_MALFORMED;
	if (!to)
		return MONEY_DONE;
	const char *did = json_member_string(body, "to", NULL);
	return did && did_read(to, did, strlen(did)) ? MONEY_DONE : MONEY_RECIPIENT_MALFORMED;
}

/* One transfer a request: the id names the account, what it wanted and the key that it gave this intent. */
static void movement_init(struct movement *movement, const struct exchange *exchange, const char *cause, int64_t amount,
	const struct account_key *to, enum ledger_kind from_kind, enum ledger_kind to_kind)
{
	struct sha256 intent;
	wn_assert(exchange->idempotency_key.data != NULL);
	memset(movement, 0, sizeof *movement);
	sha256_of(exchange->idempotency_key.data, exchange->idempotency_key.bytes, &intent);
	struct transfer *transfer = &movement->transfer;
	transfer_id_of(&transfer->id, cause, exchange->account.key.bytes, intent.bytes, 0);
	memcpy(transfer->debit.owner, exchange->account.key.bytes, ID_BYTES);
	memcpy(transfer->credit.owner, to->bytes, ID_BYTES);
	transfer->debit.kind = from_kind;
	transfer->credit.kind = to_kind;
	transfer->amount = amount;
	transfer->cause = cause;
	transfer->epoch = -1;
}

static bool movement_write(struct exchange *exchange, const struct movement *movement,
	const struct money_figures *figures, const struct sha256 *leaf, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice receipt;
	if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, leaf,
		    exchange->now_ms, &receipt, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_hex(&answer, "transfer_id", movement->transfer.id.bytes, ID_BYTES);
	json_put_amount(&answer, "amount", movement->transfer.amount);
	json_put_amount(&answer, "free", figures->free);
	json_put_amount(&answer, "stake", figures->stake);
	json_put_amount(&answer, "unbonding", figures->unbonding);
	if (movement->due_ms)
		json_put_integer(&answer, "due_ms", movement->due_ms);
	json_put_raw(&answer, "receipt", receipt);
	json_close_object(&answer);
	return json_end(&answer, out, err);
}

/* Nothing that could be taken is left of a deposit, or something came to it. */
static bool movement_unbonds(struct exchange *exchange, const struct transfer *transfer,
	const struct money_figures *figures, struct wn_error *err)
{
	bool in = transfer->credit.kind == LEDGER_STAKE, out = transfer->debit.kind == LEDGER_STAKE;
	return (!in && (!out || figures->stake > 0)) ||
	       unbonded_note(exchange->db, exchange->arena, transfer->debit.owner, out, err);
}

static bool movement_post(struct exchange *exchange, const struct movement *movement, struct wn_error *err)
{
	const struct transfer *transfer = &movement->transfer;
	enum transfer_result posted;
	struct money_figures figures;
	struct wn_slice entry, text;
	struct sha256 leaf;
	bool stakes = transfer->debit.kind == LEDGER_STAKE || transfer->credit.kind == LEDGER_STAKE;
	if (!db_begin(exchange->db, err) || (stakes && !unbonded_share(exchange->db, exchange->arena, err)) ||
		!ledger_store_post(exchange->db, exchange->arena, transfer, 1, exchange->now_ms, &posted, err))
		return false;
	enum money_result result = money_result_of(posted);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	if (movement->due_ms && !unbonding_add(exchange->db, exchange->arena, &transfer->id, transfer->credit.owner,
					transfer->amount, movement->due_ms, err))
		return false;
	if (!money_store_figures(exchange->db, exchange->arena, &exchange->account.key, &figures, err) ||
		!movement_unbonds(exchange, transfer, &figures, err) ||
		!ledger_entry(exchange->arena, transfer, 1, exchange->now_ms, &entry, err) ||
		!journal_append(exchange->db, exchange->arena, entry, &leaf, err) ||
		!movement_write(exchange, movement, &figures, &leaf, &text, err) ||
		!exchange_remember(exchange, 200, text, err) || !db_commit(exchange->db, err))
		return false;
	return exchange_ok(exchange, 200, text, err);
}

/* Between accounts of one owner. */
static bool move_within(struct exchange *exchange, const char *cause, enum ledger_kind from, enum ledger_kind to,
	int64_t due_ms, struct wn_error *err)
{
	static const char *const members[] = {"amount", NULL};
	const struct json *body;
	struct movement movement;
	int64_t amount;
	bool answered;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	enum money_result result = movement_read(body, members, &amount, NULL);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	movement_init(&movement, exchange, cause, amount, &exchange->account.key, from, to);
	movement.due_ms = due_ms;
	return movement_post(exchange, &movement, err);
}

static bool stake_post(struct exchange *exchange, struct wn_error *err)
{
	return move_within(exchange, "stake", LEDGER_FREE, LEDGER_STAKE, 0, err);
}

static bool unstake_post(struct exchange *exchange, struct wn_error *err)
{
	int64_t due_ms;
	bool fits = tokens_add(exchange->now_ms, exchange->node->policy.unbonding_ms, &due_ms);
	wn_assert(fits);
	return move_within(exchange, "unstake", LEDGER_STAKE, LEDGER_UNBONDING, due_ms, err);
}

static bool transfer_post(struct exchange *exchange, struct wn_error *err)
{
	static const char *const members[] = {"to", "amount", NULL};
	const struct json *body;
	struct movement movement;
	struct account_key to;
	struct account recipient;
	int64_t amount;
	bool answered, found;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	enum money_result result = movement_read(body, members, &amount, &to);
	if (result != MONEY_DONE)
		return refuse(exchange, result);
	if (memcmp(to.bytes, exchange->account.key.bytes, ID_BYTES) == 0)
		return refuse(exchange, MONEY_RECIPIENT_SELF);
	if (!account_find(exchange->db, exchange->arena, &to, &recipient, &found, err))
		return false;
	if (!found)
		return refuse(exchange, MONEY_RECIPIENT_UNKNOWN);
	movement_init(&movement, exchange, "transfer", amount, &to, LEDGER_FREE, LEDGER_FREE);
	return movement_post(exchange, &movement, err);
}

static bool supply_show(struct exchange *exchange, struct wn_error *err)
{
	struct money_supply supply;
	struct json_writer answer;
	struct wn_slice text;
	int64_t unminted;
	if (!money_store_supply(exchange->db, exchange->arena, &supply, err) ||
		!ledger_store_unminted(exchange->db, exchange->arena, exchange->node->policy.cap_units, &unminted, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_put_amount(&answer, "cap", exchange->node->policy.cap_units);
	json_put_amount(&answer, "unminted", unminted);
	json_put_amount(&answer, "supply", -supply.posted[LEDGER_MINT]);
	json_open_object(&answer, "accounts");
	for (int kind = LEDGER_FREE; kind < LEDGER_KINDS; kind++)
		json_put_amount(&answer, ledger_kind_name((enum ledger_kind)kind), supply.posted[kind]);
	json_close_object(&answer);
	json_put_amount(&answer, "pending", supply.debits_pending);
	json_put_bool(&answer, "balanced", supply.sum == 0 && supply.debits_pending == supply.credits_pending);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

const struct route money_routes[] = {
	{.method = "GET",
		.pattern = "/v1/accounts/{did}",
		.access = ROUTE_ACCOUNT,
		.handle = account_show,
		.summary = "Show one's own account: free, bonded, pending, slashed",
		.gives = "200:Balances"},
	{.method = "GET",
		.pattern = "/v1/accounts/{did}/statement",
		.access = ROUTE_ACCOUNT,
		.handle = statement_show,
		.summary = "List what moved on one's own account, newest first",
		.query = "before:Count,count:Count",
		.gives = "200:Statement"},
	{.method = "GET",
		.pattern = "/v1/accounts/{did}/claim",
		.access = ROUTE_ACCOUNT,
		.handle = claim_show,
		.summary = "Show one's own leaf and proof in the claims tree of the last pay round",
		.gives = "200:Claim"},
	{.method = "GET",
		.pattern = "/v1/supply",
		.access = ROUTE_OPEN,
		.handle = supply_show,
		.summary = "Add up the ledger: what was minted, where it lies, whether debits equal credits",
		.gives = "200:Supply"},
	{.method = "POST",
		.pattern = "/v1/stakes",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.body_max = MONEY_BODY_MAX,
		.handle = stake_post,
		.summary = "Deposit free units as stake",
		.takes = "MoveWish",
		.gives = "200:Moved",
		.idempotent = true},
	{.method = "POST",
		.pattern = "/v1/unstakes",
		.access = ROUTE_ACCOUNT,
		.body_max = MONEY_BODY_MAX,
		.handle = unstake_post,
		.summary = "Take stake back; it is free after the unbonding time",
		.takes = "MoveWish",
		.gives = "200:Moved",
		.idempotent = true},
	{.method = "POST",
		.pattern = "/v1/transfers",
		.access = ROUTE_ACCOUNT,
		.body_max = MONEY_BODY_MAX,
		.handle = transfer_post,
		.summary = "Move free units to a registered account",
		.takes = "TransferWish",
		.gives = "200:Moved",
		.refuses = "404",
		.idempotent = true},
	{.method = NULL},
};
