/* The validator's side of the API: take seats, commit, check the checkpoint that closed the phase, reveal. */
#include "vote/vote_client.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "vote/commitment.h"

/* Room for the journal entry, proof and commitments of one check. */
enum { CHECK_ARENA_BYTES = 16 * 1024 * 1024, CLOSED_ROUNDS_MAX = 1 << 20 };

static bool bad_answer(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks %s", what);
}

static bool read_hex(const struct json *object, const char *name, void *out, size_t count)
{
	const char *text = json_member_string(object, name, NULL);
	return text && hex_read(out, count, text, strlen(text));
}

bool node_view_read(struct fetch *fetch, struct wn_arena *arena, struct node_view *out, struct wn_error *err)
{
	const struct json *answer;
	struct fetch_request request = {.method = "GET", .target = "/v1/network"};
	char hex[ID_HEX_ROOM];
	if (!fetch_json(fetch, arena, &request, &answer, err))
		return wn_while(err, "ask the node who it is");
	const char *key = json_member_string(answer, "checkpoint_key", NULL);
	const struct json *manual = json_get(answer, "clock_manual");
	if (!read_hex(answer, "network_id", out->network.bytes, ID_BYTES) || !key ||
		!did_read(&out->checkpoint_key, key, strlen(key)))
		return bad_answer(err, "network_id or checkpoint_key");
	out->clock_manual = manual && manual->type == JSON_BOOL && manual->truth;
	if (!json_integer(json_get(answer, "now_ms"), &out->now_ms))
		return bad_answer(err, "now_ms");
	hex_write(hex, out->network.bytes, ID_BYTES);
	memcpy(out->tag, "winnow-", 7);
	memcpy(out->tag + 7, hex, 16);
	out->tag[23] = '\0';
	return true;
}

static bool client_send(const struct vote_client *client, struct wn_arena *arena, const char *method,
	const char *target, struct wn_slice body, const char *idempotency, const char *checkpoint,
	const struct json **answer, struct wn_error *err)
{
	struct fetch_request request = {
		.method = method,
		.target = target,
		.content_type = body.data ? "application/json" : NULL,
		.body = body,
		.idempotency_key = idempotency,
		.checkpoint = checkpoint,
		.key = &client->keys->key,
		.tag = client->view->tag,
		.now_ms = client->now_ms || !client->view->clock_manual ? client->now_ms : client->view->now_ms,
	};
	return fetch_json(client->fetch, arena, &request, answer, err);
}

bool vote_client_send(const struct vote_client *client, struct wn_arena *arena, const char *method, const char *target,
	struct wn_slice body, const char *idempotency, const struct json **answer, struct wn_error *err)
{
	return client_send(client, arena, method, target, body, idempotency, NULL, answer, err);
}

bool vote_client_register(const struct vote_client *client, struct wn_arena *arena, const char *const roles[],
	bool robot, const struct salt *salt, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice body;
	const struct json *answer;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_open_array(&writer, "roles");
	for (int i = 0; roles[i]; i++)
		json_put_string(&writer, NULL, roles[i]);
	json_close_array(&writer);
	if (robot)
		json_put_bool(&writer, "robot", true);
	if (salt)
		json_put_hex(&writer, "salt", salt->bytes, ID_BYTES);
	json_close_object(&writer);
	return (json_end(&writer, &body, err) &&
		       vote_client_send(client, arena, "POST", "/v1/accounts", body, NULL, &answer, err)) ||
	       wn_while(err, "register the key");
}

bool vote_client_take(const struct vote_client *client, struct wn_arena *arena, const char *campaign,
	const struct item_id *items, size_t count, struct seat_taken **out, size_t *taken, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice body;
	const struct json *answer;
	/* Asked again after a lost answer, the node gives the same seats: a seat that is taken is not offered anew. */
	uint8_t random[16];
	char intent[2 * sizeof random + 1];
	random_bytes(random, sizeof random);
	hex_write(intent, random, sizeof random);
	wn_assert(count > 0 && count <= VOTE_CLIENT_BATCH_MAX);
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "campaign", campaign);
	json_put_integer(&writer, "count", (int64_t)count);
	if (items) {
		json_open_array(&writer, "items");
		for (size_t i = 0; i < count; i++)
			json_put_hex(&writer, NULL, items[i].bytes, ID_BYTES);
		json_close_array(&writer);
	}
	json_close_object(&writer);
	if (!json_end(&writer, &body, err) ||
		!vote_client_send(client, arena, "POST", "/v1/seats", body, intent, &answer, err))
		return wn_while(err, "take tasks");
	const struct json *seats = json_get(answer, "seats");
	if (!seats || seats->type != JSON_ARRAY || seats->count > count)
		return bad_answer(err, "seats");
	*taken = seats->count;
	*out = wn_arena_array(arena, *taken, sizeof **out);
	if (!*out)
		return wn_fail(err, WN_FULL, "memory", "no room for tasks");
	for (size_t i = 0; i < *taken; i++) {
		int64_t round;
		const struct json *content = json_get(seats->elements[i], "content");
		if (!read_hex(seats->elements[i], "item_id", (*out)[i].key.item.bytes, ID_BYTES) ||
			!json_integer(json_get(seats->elements[i], "round"), &round) || !content ||
			content->type != JSON_STRING)
			return bad_answer(err, "a seat's item_id, round or content");
		(*out)[i].key.round = (int32_t)round;
		(*out)[i].content = content->text;
	}
	return true;
}

bool vote_client_skip(
	const struct vote_client *client, struct wn_arena *arena, const struct item_id *item, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	const struct json *answer;
	hex_write(hex, item->bytes, ID_BYTES);
	char *target = wn_arena_printf(arena, "/v1/seats/%s", hex);
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	return vote_client_send(client, arena, "DELETE", target, (struct wn_slice){0}, NULL, &answer, err) ||
	       wn_while(err, "skip a task");
}

/* The salt follows from the vote seed (DESIGN.md 13): nothing needs to be remembered between commit and reveal. */
static void vote_secret(
	const struct vote_client *client, const struct vote_cast *vote, struct salt *salt, struct sha256 *commitment)
{
	const struct account_key *voter = &client->keys->key.public_key;
	vote_salt(client->keys->vote_seed, &client->view->network, &vote->key.item, (uint32_t)vote->key.round,
		(uint64_t)vote->sequence, voter, salt);
	vote_commitment(&client->view->network, &vote->key.item, (uint32_t)vote->key.round, voter,
		(uint8_t)vote->choice, salt, commitment);
}

/* checkpoint: of those who open votes; NULL otherwise. */
static bool send_ballot(const struct vote_client *client, struct wn_arena *arena, const char *checkpoint,
	const struct vote_cast *votes, size_t count, size_t *counted, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice body;
	const struct json *answer;
	bool reveal = checkpoint != NULL;
	wn_assert(count > 0 && count <= VOTE_CLIENT_BATCH_MAX);
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "phase", reveal ? "reveal" : "commit");
	json_open_array(&writer, "votes");
	for (size_t i = 0; i < count; i++) {
		struct salt salt;
		struct sha256 commitment;
		vote_secret(client, &votes[i], &salt, &commitment);
		json_open_object(&writer, NULL);
		json_put_hex(&writer, "item_id", votes[i].key.item.bytes, ID_BYTES);
		json_put_integer(&writer, "round", votes[i].key.round);
		if (reveal) {
			json_put_integer(&writer, "choice", votes[i].choice);
			json_put_hex(&writer, "salt", salt.bytes, ID_BYTES);
		} else {
			json_put_integer(&writer, "sequence", votes[i].sequence);
			json_put_hex(&writer, "commitment", commitment.bytes, ID_BYTES);
		}
		json_close_object(&writer);
	}
	json_close_array(&writer);
	json_close_object(&writer);
	if (!json_end(&writer, &body, err) ||
		!client_send(client, arena, "POST", "/v1/ballots", body, NULL, checkpoint, &answer, err))
		return false;
	const struct json *results = json_get(answer, "results");
	if (!results || results->type != JSON_ARRAY || results->count != count)
		return bad_answer(err, "results");
	*counted = 0;
	for (size_t i = 0; i < count; i++) {
		const char *result = json_member_string(results->elements[i], "result", NULL);
		*counted += result && (strcmp(result, "ok") == 0 || strcmp(result, "repeated") == 0);
	}
	const char *why = json_member_string(results->elements[0], "result", NULL);
	why = why && *why ? why : "refused";
	return *counted > 0 || wn_fail(err, WN_INPUT, why, "the node takes none of %zu votes: %s", count, why);
}

bool vote_client_commit(const struct vote_client *client, struct wn_arena *arena, const struct vote_cast *votes,
	size_t count, size_t *counted, struct wn_error *err)
{
	return send_ballot(client, arena, NULL, votes, count, counted, err) || wn_while(err, "send sealed votes");
}

/* ---- what was verified -------------------------------------------------------------------------------- */

struct closed_round {
	struct round_key key;
	struct sha256 leaf, root;
	size_t count;
	struct {
		struct account_key voter;
		struct sha256 commitment;
	} * commitments;
	struct closed_round *next;
};

enum { CLOSED_BUCKETS = 4096 };
struct closed_rounds {
	struct closed_round *buckets[CLOSED_BUCKETS];
	size_t count;
	struct checkpoint checkpoint; /* the newest that was verified; its note is not kept */
	struct {
		struct sha256 leaf;
		char *body;
		size_t bytes;
	} entry;	       /* the last entry that was verified */
	struct wn_arena arena; /* for one check */
};

struct closed_rounds *closed_rounds_open(void)
{
	struct closed_rounds *rounds = calloc(1, sizeof *rounds);
	if (rounds)
		wn_arena_init(&rounds->arena, CHECK_ARENA_BYTES);
	return rounds;
}

void closed_rounds_close(struct closed_rounds *rounds)
{
	if (!rounds)
		return;
	for (size_t b = 0; b < CLOSED_BUCKETS; b++)
		for (struct closed_round *round = rounds->buckets[b], *next; round; round = next) {
			next = round->next;
			free(round->commitments);
			free(round);
		}
	free(rounds->entry.body);
	wn_arena_free(&rounds->arena);
	free(rounds);
}

static size_t bucket_of(const struct round_key *key)
{
	return (memory_hash(key->item.bytes, ID_BYTES) + (uint64_t)key->round) % CLOSED_BUCKETS;
}

static struct closed_round *closed_round_find(struct closed_rounds *rounds, const struct round_key *key)
{
	for (struct closed_round *round = rounds->buckets[bucket_of(key)]; round; round = round->next)
		if (round->key.round == key->round && memcmp(round->key.item.bytes, key->item.bytes, ID_BYTES) == 0)
			return round;
	return NULL;
}

/* Reads the newest checkpoint if the one we have is smaller than `size`. */
static bool checkpoint_reach(
	const struct vote_client *client, struct closed_rounds *rounds, uint64_t size, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = "/v1/checkpoint"};
	struct fetch_answer answer;
	struct checkpoint checkpoint;
	if (rounds->checkpoint.size >= size)
		return true;
	if (!fetch_send(client->fetch, &rounds->arena, &request, &answer, err))
		return false;
	if (answer.status != 200)
		return wn_fail(err, WN_BUSY, "checkpoint_behind", "the node has no checkpoint yet");
	if (!checkpoint_parse(answer.body.data, answer.body.bytes, &client->view->network,
		    &client->view->checkpoint_key, &checkpoint, err))
		return false;
	if (checkpoint.size > rounds->checkpoint.size)
		rounds->checkpoint = checkpoint;
	if (rounds->checkpoint.size < size)
		return wn_fail(err, WN_BUSY, "checkpoint_behind", "the checkpoint does not hold the entry yet");
	return true;
}

static bool proof_read(const struct json *answer, struct tree_proof *proof)
{
	const struct json *hashes = json_get(answer, "proof");
	if (!hashes || hashes->type != JSON_ARRAY || hashes->count > TREE_PROOF_MAX)
		return false;
	proof->count = hashes->count;
	for (size_t i = 0; i < hashes->count; i++) {
		const char *hex = json_string(hashes->elements[i]);
		if (!hex || !hex_read(proof->hashes[i].bytes, ID_BYTES, hex, strlen(hex)))
			return false;
	}
	return true;
}

/* Fetches the entry with this leaf hash, proves it into a signed checkpoint and keeps its bytes. */
static bool entry_verify(
	const struct vote_client *client, struct closed_rounds *rounds, const struct sha256 *leaf, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	const struct json *answer;
	int64_t position, size;
	struct tree_proof proof;
	struct sha256 hash;
	if (rounds->entry.body && memcmp(rounds->entry.leaf.bytes, leaf->bytes, ID_BYTES) == 0)
		return true;
	char *target =
		wn_arena_printf(&rounds->arena, "/v1/journal/proof?leaf=%s", hex_write(hex, leaf->bytes, ID_BYTES));
	struct fetch_request request = {.method = "GET", .target = target};
	if (!fetch_json(client->fetch, &rounds->arena, &request, &answer, err)) {
		if (strcmp(err->code, "journal_waiting") == 0)
			return wn_fail(err, WN_BUSY, "checkpoint_behind", "the entry is not in a checkpoint yet");
		return false;
	}
	if (!json_integer(json_get(answer, "position"), &position) || !json_integer(json_get(answer, "size"), &size) ||
		!proof_read(answer, &proof))
		return wn_fail(err, WN_BUSY, "checkpoint_behind", "the entry is not in a checkpoint yet");
	/* The proof is for the node's newest checkpoint: read ours until they are of one size. */
	if (!checkpoint_reach(client, rounds, (uint64_t)size, err))
		return false;
	if (rounds->checkpoint.size != (uint64_t)size) {
		target = wn_arena_printf(&rounds->arena, "/v1/journal/proof?leaf=%s&size=%llu", hex,
			(unsigned long long)rounds->checkpoint.size);
		request.target = target;
		if (!fetch_json(client->fetch, &rounds->arena, &request, &answer, err))
			return false;
		if (!proof_read(answer, &proof))
			return bad_answer(err, "proof");
	}
	if (!tree_inclusion_holds(leaf, (uint64_t)position, rounds->checkpoint.size, &proof, &rounds->checkpoint.root))
		return wn_fail(err, WN_INPUT, "closed_entry",
			"the entry that closed the round is not in the signed checkpoint: do not reveal");
	request.target = wn_arena_printf(&rounds->arena, "/v1/journal/entries?from=%lld&count=1", (long long)position);
	if (!fetch_json(client->fetch, &rounds->arena, &request, &answer, err))
		return false;
	const struct json *entries = json_get(answer, "entries");
	const struct json *entry = entries && entries->type == JSON_ARRAY && entries->count == 1
					   ? json_get(entries->elements[0], "entry")
					   : NULL;
	struct wn_slice bytes;
	if (!entry || !jcs_write(&rounds->arena, entry, &bytes, err))
		return bad_answer(err, "entries[0].entry");
	tree_leaf(bytes.data, bytes.bytes, &hash);
	if (memcmp(hash.bytes, leaf->bytes, ID_BYTES) != 0)
		return wn_fail(err, WN_INPUT, "closed_entry",
			"the entry that closed the round has another hash than announced: do not reveal");
	char *body = malloc(bytes.bytes);
	if (!body)
		return wn_fail(err, WN_FULL, "memory", "no room for a journal entry");
	memcpy(body, bytes.data, bytes.bytes);
	free(rounds->entry.body);
	rounds->entry.body = body;
	rounds->entry.bytes = bytes.bytes;
	rounds->entry.leaf = *leaf;
	return true;
}

/* The entry names this round with this root. */
static bool entry_names(
	struct closed_rounds *rounds, const struct round_key *key, const struct sha256 *root, struct wn_error *err)
{
	const struct json *entry;
	if (!json_parse(&rounds->arena, rounds->entry.body, rounds->entry.bytes, &entry, err))
		return false;
	const struct json *list = json_get(entry, "rounds");
	for (size_t i = 0; list && list->type == JSON_ARRAY && i < list->count; i++) {
		struct round_key named;
		struct sha256 named_root;
		int64_t round;
		if (!read_hex(list->elements[i], "item", named.item.bytes, ID_BYTES) ||
			!read_hex(list->elements[i], "root", named_root.bytes, ID_BYTES) ||
			!json_integer(json_get(list->elements[i], "round"), &round))
			continue;
		if (round == key->round && memcmp(named.item.bytes, key->item.bytes, ID_BYTES) == 0 &&
			memcmp(named_root.bytes, root->bytes, ID_BYTES) == 0)
			return true;
	}
	return wn_fail(err, WN_INPUT, "closed_entry",
		"the journal closed this round with other commitments than shown: do not reveal");
}

static bool closed_round_read(const struct vote_client *client, struct closed_rounds *rounds,
	const struct round_key *key, struct closed_round **out, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	const struct json *answer;
	struct fetch_request request = {.method = "GET"};
	request.target = wn_arena_printf(
		&rounds->arena, "/v1/rounds/%s/%d", hex_write(hex, key->item.bytes, ID_BYTES), key->round);
	if (!request.target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	if (!fetch_json(client->fetch, &rounds->arena, &request, &answer, err))
		return wn_while(err, "read the round");
	const struct json *list = json_get(answer, "commitments");
	if (!list)
		return wn_fail(err, WN_BUSY, "round_not_closed", "the round still takes sealed votes");
	if (list->type != JSON_ARRAY || rounds->count >= CLOSED_ROUNDS_MAX)
		return bad_answer(err, "commitments");
	struct closed_round *round = calloc(1, sizeof *round);
	struct commitment_leaf *leaves = wn_arena_array(&rounds->arena, list->count, sizeof *leaves);
	if (round)
		round->commitments = calloc(list->count ? list->count : 1, sizeof *round->commitments);
	bool ok = round && round->commitments && leaves;
	if (!ok)
		wn_fail(err, WN_FULL, "memory", "no room for a round's commitments");
	else if (!read_hex(answer, "closed_leaf", round->leaf.bytes, ID_BYTES) ||
		 !read_hex(answer, "commitments_root", round->root.bytes, ID_BYTES))
		ok = bad_answer(err, "closed_leaf or commitments_root");
	for (size_t i = 0; ok && i < list->count; i++) {
		const char *did = json_member_string(list->elements[i], "voter", NULL);
		if (!did || !did_read(&round->commitments[i].voter, did, strlen(did)) ||
			!read_hex(list->elements[i], "commitment", round->commitments[i].commitment.bytes, ID_BYTES))
			ok = bad_answer(err, "a commitment");
		leaves[i] = (struct commitment_leaf){.item = key->item,
			.round = (uint32_t)key->round,
			.voter = round->commitments[i].voter,
			.value = round->commitments[i].commitment};
	}
	if (ok) {
		struct sha256 root;
		round->key = *key;
		round->count = list->count;
		ok = vote_root(&rounds->arena, leaves, list->count, &root, err);
		if (ok && memcmp(root.bytes, round->root.bytes, ID_BYTES) != 0)
			ok = wn_fail(err, WN_INPUT, "commitments_root",
				"the commitments shown do not have the root announced: do not reveal");
	}
	if (ok)
		ok = entry_verify(client, rounds, &round->leaf, err) && entry_names(rounds, key, &round->root, err);
	if (!ok) {
		if (round)
			free(round->commitments);
		free(round);
		return false;
	}
	size_t bucket = bucket_of(key);
	round->next = rounds->buckets[bucket];
	rounds->buckets[bucket] = round;
	rounds->count++;
	*out = round;
	return true;
}

bool vote_client_check_closed(const struct vote_client *client, struct closed_rounds *rounds,
	const struct vote_cast *vote, struct wn_error *err)
{
	struct salt salt;
	struct sha256 commitment;
	struct closed_round *round = closed_round_find(rounds, &vote->key);
	if (!round) {
		bool ok = closed_round_read(client, rounds, &vote->key, &round, err);
		wn_arena_reset(&rounds->arena);
		if (!ok)
			return false;
	}
	vote_secret(client, vote, &salt, &commitment);
	for (size_t i = 0; i < round->count; i++)
		if (memcmp(round->commitments[i].voter.bytes, client->keys->key.public_key.bytes, ID_BYTES) == 0)
			return memcmp(round->commitments[i].commitment.bytes, commitment.bytes, ID_BYTES) == 0 ||
			       wn_fail(err, WN_INPUT, "commitment_missing",
				       "the node counts another sealed vote of yours: do not reveal");
	return wn_fail(err, WN_INPUT, "commitment_missing", "the node closed the round without your sealed vote");
}

bool vote_client_reveal(const struct vote_client *client, struct wn_arena *arena, const struct closed_rounds *rounds,
	const struct vote_cast *votes, size_t count, size_t *counted, struct wn_error *err)
{
	char root[ID_HEX_ROOM];
	char *checkpoint = wn_arena_printf(arena, "%llu %s", (unsigned long long)rounds->checkpoint.size,
		hex_write(root, rounds->checkpoint.root.bytes, ID_BYTES));
	if (!checkpoint)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	return send_ballot(client, arena, checkpoint, votes, count, counted, err) || wn_while(err, "open votes");
}
