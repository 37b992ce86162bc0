/* The route of ballots: up to 64 sealed or opened votes under one signature. */
#include "vote/ballot_api.h"

#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "vote/ballot_store.h"
#include "vote/campaign_store.h"

enum { BALLOT_BODY_MAX = 32768 };

/* The number of classes is the campaign's; only opened votes need it. */
static bool classes_fill(
	struct exchange *exchange, const struct ballot *ballot, struct ballot_found *found, struct wn_error *err)
{
	if (!ballot->reveal)
		return true;
	struct campaign_cache *cache = wn_arena_alloc(exchange->arena, sizeof *cache);
	if (!cache)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot's campaigns");
	for (size_t i = 0; i < ballot->count; i++) {
		const struct campaign *campaign;
		if (!found[i].campaign)
			continue;
		if (!campaign_cache_get(cache, exchange->db, exchange->arena, found[i].campaign, &campaign, err))
			return false;
		found[i].place.classes = campaign->class_count;
	}
	return true;
}

/* Each vote is judged alone: a bad one never fails its neighbours. */
static size_t ballot_judge(const struct exchange *exchange, const struct ballot *ballot,
	const struct ballot_found *found, enum ballot_result *results)
{
	struct ballot_voter voter = {
		.network = exchange->node->network,
		.key = exchange->account.key,
		.jailed = exchange->account.jailed,
	};
	size_t counted = 0;
	for (size_t i = 0; i < ballot->count; i++) {
		results[i] = ballot_check(ballot->reveal, &ballot->votes[i], &found[i].place, &voter, exchange->now_ms);
		counted += results[i] == BALLOT_OK;
	}
	return counted;
}

/* Sealed votes are shown; opened ones only as the hash of the body that holds them, until their item is settled. */
static bool ballot_entry(struct exchange *exchange, const struct ballot *ballot, const enum ballot_result *results,
	const struct ballot_evidence *evidence, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer entry;
	struct sha256 body;
	char did[DID_ROOM];
	sha256_of(evidence->body.data, evidence->body.bytes, &body);
	did_write(did, &evidence->voter);
	journal_entry_begin(&entry, exchange->arena, "ballot", exchange->now_ms);
	json_put_string(&entry, "voter", did);
	json_put_string(&entry, "phase", ballot->reveal ? "reveal" : "commit");
	json_put_hex(&entry, "base_sha256", evidence->id.bytes, ID_BYTES);
	json_put_hex(&entry, "body_sha256", body.bytes, ID_BYTES);
	json_put_hex(&entry, "signature", evidence->signature.bytes, SIGNATURE_BYTES);
	json_open_array(&entry, "votes");
	for (size_t i = 0; i < ballot->count; i++) {
		const struct ballot_vote *vote = &ballot->votes[i];
		if (results[i] != BALLOT_OK)
			continue;
		json_open_object(&entry, NULL);
		json_put_hex(&entry, "item", vote->key.item.bytes, ID_BYTES);
		json_put_integer(&entry, "round", vote->key.round);
		if (!ballot->reveal) {
			json_put_integer(&entry, "sequence", vote->sequence);
			json_put_hex(&entry, "commitment", vote->commitment.bytes, ID_BYTES);
		}
		json_close_object(&entry);
	}
	json_close_array(&entry);
	json_close_object(&entry);
	return json_end(&entry, out, err);
}

static bool ballot_keep(struct exchange *exchange, const struct ballot *ballot, const struct ballot_found *found,
	const enum ballot_result *results, struct sha256 *leaf, struct wn_error *err)
{
	struct ballot_evidence evidence = {
		.voter = exchange->account.key,
		.base = exchange->signature.base,
		.body = exchange->request.body,
		.signature = exchange->signature.signature,
		.received_ms = exchange->now_ms,
	};
	struct wn_slice entry;
	sha256_of(evidence.base.data, evidence.base.bytes, &evidence.id);
	return ballot_store_keep(exchange->db, exchange->arena, ballot, found, results, &evidence, err) &&
	       ballot_entry(exchange, ballot, results, &evidence, &entry, err) &&
	       journal_append(exchange->db, exchange->arena, entry, leaf, err);
}

static bool ballot_answer_write(struct exchange *exchange, const struct ballot *ballot,
	const enum ballot_result *results, const struct sha256 *leaf, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer answer;
	struct wn_slice receipt;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "results");
	for (size_t i = 0; i < ballot->count; i++) {
		const struct ballot_answer *told = ballot_answer(results[i]);
		json_open_object(&answer, NULL);
		json_put_hex(&answer, "item_id", ballot->votes[i].key.item.bytes, ID_BYTES);
		json_put_integer(&answer, "round", ballot->votes[i].key.round);
		json_put_string(&answer, "result", told->word);
		if (told->status >= 400) {
			json_put_integer(&answer, "status", told->status);
			json_put_string(&answer, "detail", told->detail);
		}
		json_close_object(&answer);
	}
	json_close_array(&answer);
	if (leaf) {
		if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, leaf,
			    exchange->now_ms, &receipt, err))
			return false;
		json_put_raw(&answer, "receipt", receipt);
	}
	json_close_object(&answer);
	return json_end(&answer, out, err);
}

/* A vote that is opened can no longer be changed: whoever opens it has seen the journal say that its round is closed,
 * or the node could still replace what others sealed. The signature keeps what was seen. */
static bool reveal_admit(struct exchange *exchange, const struct ballot *ballot, bool *answered, struct wn_error *err)
{
	bool seen;
	*answered = true;
	if (exchange->seen_size == 0)
		return exchange_problem(exchange, 400, "checkpoint_missing",
			"Verify a checkpoint (GET /v1/checkpoint) that holds the entries which closed these rounds, "
			"then "
			"send its size and root: winnow-checkpoint: SIZE ROOT.");
	if (!ballot_store_seen(exchange->db, exchange->arena, ballot, exchange->seen_size, &seen, err))
		return false;
	if (!seen)
		return exchange_problem(exchange, 409, "checkpoint_old",
			"The checkpoint of %lld entries does not hold all entries which closed these rounds: verify a "
			"newer one.",
			(long long)exchange->seen_size);
	*answered = false;
	return true;
}

static bool ballots_post(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	bool answered;
	struct ballot *ballot = wn_arena_alloc(exchange->arena, sizeof *ballot);
	struct ballot_found *found = wn_arena_array(exchange->arena, BALLOT_VOTES_MAX, sizeof *found);
	enum ballot_result results[BALLOT_VOTES_MAX];
	struct sha256 leaf;
	struct wn_slice text;
	if (!ballot || !found)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!ballot_parse(body, ballot, err))
		return exchange_problem(exchange, 400, err->code, "%s", err->text);
	if (ballot->reveal && !reveal_admit(exchange, ballot, &answered, err))
		return false;
	if (ballot->reveal && answered)
		return true;
	if (!db_begin(exchange->db, err) ||
		!ballot_store_lock(exchange->db, exchange->arena, ballot, &exchange->account.key, found, err) ||
		!classes_fill(exchange, ballot, found, err))
		return false;
	size_t counted = ballot_judge(exchange, ballot, found, results);
	if (counted > 0 && !ballot_keep(exchange, ballot, found, results, &leaf, err))
		return false;
	/* The receipt is promised only by what follows the commit; writing it earlier lets a repeated request have it
	 * too. */
	if (!ballot_answer_write(exchange, ballot, results, counted > 0 ? &leaf : NULL, &text, err) ||
		!exchange_remember(exchange, 200, text, err) || !db_commit(exchange->db, err))
		return false;
	return exchange_ok(exchange, 200, text, err);
}

const struct route ballot_routes[] = {
	{.method = "POST",
		.pattern = "/v1/ballots",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.body_max = BALLOT_BODY_MAX,
		.handle = ballots_post,
		.summary = "Seal or open up to 64 votes; each gets its own answer",
		.takes = "Ballot",
		.gives = "200:BallotResults"},
	{.method = NULL},
};
