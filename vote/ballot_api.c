/* The route of ballots: up to 64 sealed or opened votes under one signature. Ballots that come at the same time are
 * kept in one transaction: it costs several times what a vote does. */
#include "vote/ballot_api.h"

#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "vote/ballot_store.h"
#include "vote/campaign_store.h"

enum { BALLOT_BODY_MAX = 32768 };

/* A ballot on its way through a batch. */
struct ballot_case {
	struct exchange *exchange;
	struct ballot_request request;
	size_t counted;
	struct sha256 leaf; /* of its journal entry, when a vote counts */
	struct wn_slice answer;
};

/* Those of a batch that are still to be answered. */
struct ballot_cases {
	struct ballot_case **cases;
	struct ballot_request **requests; /* the same ones */
	size_t count;
};

static void cases_add(struct ballot_cases *list, struct ballot_case *added)
{
	list->requests[list->count] = &added->request;
	list->cases[list->count++] = added;
}

static bool cases_open(struct ballot_cases *list, struct wn_arena *arena, size_t room, struct wn_error *err)
{
	list->count = 0;
	list->cases = wn_arena_array(arena, room, sizeof *list->cases);
	list->requests = wn_arena_array(arena, room, sizeof *list->requests);
	return (list->cases && list->requests) || wn_fail(err, WN_FULL, "memory", "no room for ballots");
}

/* ---- one ballot ---- */

/* The number of classes is the campaign's; only opened votes need it. */
static bool classes_fill(struct db *db, struct wn_arena *arena, const struct ballot_cases *group, struct wn_error *err)
{
	if (!group->requests[0]->ballot.reveal)
		return true;
	struct campaign_cache *cache = wn_arena_alloc(arena, sizeof *cache);
	if (!cache)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballots' campaigns");
	for (size_t n = 0; n < group->count; n++)
		for (size_t i = 0; i < group->requests[n]->ballot.count; i++) {
			struct ballot_found *found = &group->requests[n]->found[i];
			const struct campaign *campaign;
			if (!found->campaign)
				continue;
			if (!campaign_cache_get(cache, db, arena, found->campaign, &campaign, err))
				return false;
			found->place.classes = campaign->class_count;
		}
	return true;
}

/* Each vote is judged alone: a bad one never fails its neighbours. */
static void ballot_judge(struct ballot_case *one)
{
	const struct exchange *exchange = one->exchange;
	struct ballot_request *request = &one->request;
	struct ballot_voter voter = {
		.network = exchange->node->network,
		.key = exchange->account.key,
		.jailed = exchange->account.jailed,
	};
	one->counted = 0;
	for (size_t i = 0; i < request->ballot.count; i++) {
		request->results[i] = ballot_check(request->ballot.reveal, &request->ballot.votes[i],
			&request->found[i].place, &voter, exchange->now_ms);
		one->counted += request->results[i] == BALLOT_OK;
	}
}

/* Sealed votes are shown; opened ones only as the hash of the body that holds them, until their item is settled. */
static bool ballot_entry(const struct ballot_case *one, struct wn_slice *out, struct wn_error *err)
{
	const struct ballot *ballot = &one->request.ballot;
	const struct ballot_evidence *evidence = &one->request.evidence;
	struct json_writer entry;
	struct sha256 body;
	char did[DID_ROOM];
	sha256_of(evidence->body.data, evidence->body.bytes, &body);
	did_write(did, &evidence->voter);
	journal_entry_begin(&entry, one->exchange->arena, "ballot", one->exchange->now_ms);
	json_put_string(&entry, "voter", did);
	json_put_string(&entry, "phase", ballot->reveal ? "reveal" : "commit");
	json_put_hex(&entry, "base_sha256", evidence->id.bytes, ID_BYTES);
	json_put_hex(&entry, "body_sha256", body.bytes, ID_BYTES);
	json_put_hex(&entry, "signature", evidence->signature.bytes, SIGNATURE_BYTES);
	json_open_array(&entry, "votes");
	for (size_t i = 0; i < ballot->count; i++) {
		const struct ballot_vote *vote = &ballot->votes[i];
		if (one->request.results[i] != BALLOT_OK)
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

static bool ballot_answer_write(struct ballot_case *one, struct wn_error *err)
{
	struct exchange *exchange = one->exchange;
	const struct ballot *ballot = &one->request.ballot;
	struct json_writer answer;
	struct wn_slice receipt;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "results");
	for (size_t i = 0; i < ballot->count; i++) {
		const struct ballot_answer *told = ballot_answer(one->request.results[i]);
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
	if (one->counted > 0) {
		if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key,
			    &one->leaf, exchange->now_ms, &receipt, err))
			return false;
		json_put_raw(&answer, "receipt", receipt);
	}
	json_close_object(&answer);
	return json_end(&answer, &one->answer, err);
}

/* ---- a group: ballots of one phase, kept in one transaction ---- */

static bool group_keep(struct db *db, struct wn_arena *arena, const struct ballot_cases *group, struct wn_error *err)
{
	struct wn_slice *entries = wn_arena_array(arena, group->count, sizeof *entries);
	struct sha256 *leaves = wn_arena_array(arena, group->count, sizeof *leaves);
	size_t count = 0;
	if (!entries || !leaves)
		return wn_fail(err, WN_FULL, "memory", "no room for the ballots' entries");
	for (size_t i = 0; i < group->count; i++)
		if (group->cases[i]->counted > 0 && !ballot_entry(group->cases[i], &entries[count++], err))
			return false;
	if (count == 0)
		return true;
	if (!ballot_store_keep(db, arena, group->requests, group->count, err) ||
		!journal_append_many(db, arena, entries, count, leaves, err))
		return false;
	for (size_t i = group->count; i-- > 0;)
		if (group->cases[i]->counted > 0)
			group->cases[i]->leaf = leaves[--count];
	return true;
}

static bool group_run(struct db *db, struct wn_arena *arena, const struct ballot_cases *group, struct wn_error *err)
{
	if (!db_begin(db, err) || !ballot_store_lock(db, arena, group->requests, group->count, err) ||
		!classes_fill(db, arena, group, err))
		return false;
	for (size_t i = 0; i < group->count; i++)
		ballot_judge(group->cases[i]);
	if (!group_keep(db, arena, group, err))
		return false;
	/* The receipt is promised only by what follows the commit; writing it earlier lets a repeated request have it
	 * too. */
	for (size_t i = 0; i < group->count; i++)
		if (!ballot_answer_write(group->cases[i], err) ||
			!exchange_remember(group->cases[i]->exchange, 200, group->cases[i]->answer, err))
			return false;
	if (!db_commit(db, err))
		return false;
	for (size_t i = 0; i < group->count; i++)
		if (!exchange_ok(group->cases[i]->exchange, 200, group->cases[i]->answer, err))
			return false;
	return true;
}

static bool ballots_meet(const struct ballot_request *a, const struct ballot_request *b)
{
	if (memcmp(a->evidence.voter.bytes, b->evidence.voter.bytes, ID_BYTES) != 0)
		return false;
	for (size_t i = 0; i < a->ballot.count; i++)
		for (size_t j = 0; j < b->ballot.count; j++)
			if (round_key_equal(&a->ballot.votes[i].key, &b->ballot.votes[j].key))
				return true;
	return false;
}

/* What may be judged side by side: one phase, and no voter twice in a round, for the second vote is judged by what the
 * first left. The others stay in the list, in their order. */
static void group_take(struct ballot_cases *list, struct ballot_cases *group)
{
	size_t left = 0;
	bool reveal = list->requests[0]->ballot.reveal;
	group->count = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct ballot_case *one = list->cases[i];
		bool fits = one->request.ballot.reveal == reveal;
		/* Against those left behind too: none of a voter's ballots overtakes another in the same round. */
		for (size_t j = 0; fits && j < group->count; j++)
			fits = !ballots_meet(&one->request, group->requests[j]);
		for (size_t j = 0; fits && j < left; j++)
			fits = !ballots_meet(&one->request, list->requests[j]);
		if (fits) {
			cases_add(group, one);
		} else {
			list->requests[left] = &one->request;
			list->cases[left++] = one;
		}
	}
	list->count = left;
}

/* ---- the batch ---- */

/* A vote that is opened can no longer be changed: whoever opens it has seen the journal say that its round is closed,
 * or the node could still replace what others sealed. The signature keeps what was seen. */
static bool reveals_admit(struct db *db, struct wn_arena *arena, struct ballot_cases *list, struct wn_error *err)
{
	struct ballot_cases reveals;
	size_t left = 0;
	if (!cases_open(&reveals, arena, list->count, err))
		return false;
	for (size_t i = 0; i < list->count; i++)
		if (list->requests[i]->ballot.reveal)
			cases_add(&reveals, list->cases[i]);
	if (reveals.count > 0 && !ballot_store_seen(db, arena, reveals.requests, reveals.count, err))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		struct ballot_case *one = list->cases[i];
		if (one->request.unseen) {
			exchange_problem(one->exchange, 409, "checkpoint_old",
				"The checkpoint of %lld entries does not hold all entries which closed these rounds: "
				"verify a newer one.",
				(long long)one->request.seen_size);
		} else {
			list->requests[left] = &one->request;
			list->cases[left++] = one;
		}
	}
	list->count = left;
	return true;
}

/* Reads one request; *answered tells that it was refused. */
static bool case_read(struct ballot_case *one, bool *answered, struct wn_error *err)
{
	struct exchange *exchange = one->exchange;
	struct ballot_request *request = &one->request;
	const struct json *body;
	if (!exchange_json(exchange, &body, answered, err))
		return *answered;
	*answered = true;
	if (!ballot_parse(body, &request->ballot, err))
		return exchange_problem(exchange, 400, err->code, "%s", err->text);
	if (request->ballot.reveal && exchange->seen_size == 0)
		return exchange_problem(exchange, 400, "checkpoint_missing",
			"Verify a checkpoint (GET /v1/checkpoint) that holds the entries which closed these rounds, "
			"then send its size and root: winnow-checkpoint: SIZE ROOT.");
	*answered = false;
	request->seen_size = exchange->seen_size;
	request->evidence = (struct ballot_evidence){
		.voter = exchange->account.key,
		.base = exchange->signature.base,
		.body = exchange->request.body,
		.signature = exchange->signature.signature,
		.received_ms = exchange->now_ms,
	};
	sha256_of(request->evidence.base.data, request->evidence.base.bytes, &request->evidence.id);
	return true;
}

static bool ballots_post(struct exchange *const exchanges[], size_t count, struct wn_arena *arena, struct wn_error *err)
{
	struct db *db = exchanges[0]->db;
	struct ballot_cases list, group;
	if (!cases_open(&list, arena, count, err) || !cases_open(&group, arena, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct ballot_case *one = wn_arena_alloc(exchanges[i]->arena, sizeof *one);
		bool answered;
		if (!one)
			return wn_fail(err, WN_FULL, "memory", "no room for the ballot");
		one->exchange = exchanges[i];
		if (!case_read(one, &answered, err))
			return false;
		if (!answered)
			cases_add(&list, one);
	}
	if (!reveals_admit(db, arena, &list, err))
		return false;
	while (list.count > 0) {
		group_take(&list, &group);
		if (!group_run(db, arena, &group, err))
			return false;
	}
	return true;
}

const struct route ballot_routes[] = {
	{.method = "POST",
		.pattern = "/v1/ballots",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_VALIDATOR | ACCOUNT_CURATOR,
		.body_max = BALLOT_BODY_MAX,
		.handle_many = ballots_post,
		.summary = "Seal or open up to 64 votes; each gets its own answer",
		.takes = "Ballot",
		.gives = "200:BallotResults"},
	{.method = NULL},
};
