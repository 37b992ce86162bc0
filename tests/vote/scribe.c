/* The journal of a network in memory: entries by the writers of the node's own files, facts by hand. */
#include "tests/vote/scribe.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "core/sign.h"
#include "core/tree.h"
#include "reward/claims.h"
#include "reward/ledger_store.h"
#include "reward/vesting_store.h"
#include "tests/check.h"
#include "vote/beacon.h"
#include "vote/commitment.h"
#include "vote/epoch_judge.h"
#include "vote/seat_bond.h"

enum { VOTERS = 5, ITEMS = 5, JUDGED = 4, LATE_VOTER = 4, LATE_ITEM = 3 };
#define DAY_ARENA ((size_t)64 << 20)
#define START_MS 1700000000000LL
#define EPOCH_MS 3600000LL
#define PHASE_MS 600000LL
#define GRANT 1000000000000LL
#define STAKE 500000000000LL

static const char document[] =
	"{\"name\":\"harbour\",\"kind\":\"text\",\"question\":\"Is a ship at work?\",\"choices\":[{\"name\":\"no\","
	"\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"pick\":true,"
	"\"seats\":5,\"escalate\":0,\"commit_ms\":600000,\"reveal_ms\":600000},\"budget\":{\"per_item_ceiling\":"
	"\"1000000000\",\"seat_pay\":\"1000000\",\"seat_bond\":\"50000000\"},\"challenge_ms\":3600000,\"vesting_ms\":"
	"7200000,\"probation\":false}";

static const int choice_of[JUDGED] = {1, 1, 0, 0};

struct scribe {
	struct wn_arena *arena;
	scribe_take *take;
	void *context;
	size_t count; /* of entries */
	struct node node;
	struct campaign campaign;
	struct account_key contributor, voters[VOTERS];
	struct item_id items[ITEMS];
	struct beacon_onion *onion;
	int64_t first;		     /* epoch of the round of posts that is written */
	int64_t start_ms;	     /* its beginning */
	struct campaign_state state; /* after the last close */
	struct validator_row known[VOTERS];
	int64_t tables[VOTERS][TALLY_CELLS_MAX];
	size_t known_count;
	int64_t supply;
	int64_t vesting;		 /* of the contributor's grant */
	struct claim claims[VOTERS + 1]; /* what the voters and he were paid, by key */
	struct transfer pays[VOTERS];	 /* that wait for their items' finality */
	size_t pay_count;
	int leaver; /* the voter who unbonds everything before the first epoch's end; -1: none */
	bool ok;
};

/* ---- writing ---- */

static void keep(struct scribe *scribe, struct wn_slice text)
{
	struct wn_error err = {0};
	struct wn_slice canonical = {NULL, 0};
	scribe->ok = scribe->ok && jcs_canonical(scribe->arena, text.data, text.bytes, &canonical, &err);
	if (scribe->ok && scribe->count++ == 0) {
		struct sha256 hash;
		sha256_of(canonical.data, canonical.bytes, &hash);
		memcpy(scribe->node.network.bytes, hash.bytes, ID_BYTES);
	}
	scribe->ok = scribe->ok && scribe->take(scribe->context, canonical);
}

static void begin(struct scribe *scribe, struct json_writer *writer, const char *type, int64_t time_ms)
{
	journal_entry_begin(writer, scribe->arena, type, time_ms);
}

static void end(struct scribe *scribe, struct json_writer *writer)
{
	struct vote_entry entry = {0};
	struct wn_error err = {0};
	scribe->ok = scribe->ok && vote_entry_seal(writer, scribe->arena, &entry, &err);
	if (scribe->ok)
		keep(scribe, entry.body);
}

static void did_put(struct json_writer *writer, const char *name, const struct account_key *key)
{
	char did[DID_ROOM];
	did_write(did, key);
	json_put_string(writer, name, did);
}

static void transfers_put(struct scribe *scribe, const struct transfer *transfers, size_t count, int64_t time_ms)
{
	struct wn_slice text = {NULL, 0};
	struct wn_error err = {0};
	scribe->ok = scribe->ok && ledger_entry(scribe->arena, transfers, count, time_ms, &text, &err);
	if (scribe->ok)
		keep(scribe, text);
}

static void named(void *out32, const char *what, int n)
{
	char text[64];
	struct sha256 hash;
	snprintf(text, sizeof text, "scribe/%s/%d", what, n);
	sha256_of(text, strlen(text), &hash);
	memcpy(out32, hash.bytes, ID_BYTES);
}

static int key_order(const void *a, const void *b)
{
	return id_compare(a, b);
}

/* ---- founding ---- */

static void genesis(struct scribe *scribe)
{
	struct json_writer writer;
	struct account_key operator;
	struct sha256 tip;
	named(operator.bytes, "operator", 0);
	beacon_onion_tip(scribe->onion, &tip);
	begin(scribe, &writer, "genesis", START_MS);
	json_put_integer(&writer, "version", 1);
	json_put_bool(&writer, "sample", false);
	json_put_bool(&writer, "clock_manual", true);
	policy_write(&writer, "policy", &scribe->node.policy);
	json_open_object(&writer, "keys");
	did_put(&writer, "checkpoint", &operator);
	did_put(&writer, "manifest", &operator);
	did_put(&writer, "operator", &operator);
	json_close_object(&writer);
	json_open_array(&writer, "grants");
	for (int v = 0; v < VOTERS; v++) {
		json_open_object(&writer, NULL);
		did_put(&writer, "account", &scribe->voters[v]);
		json_put_amount(&writer, "amount", GRANT);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	json_open_array(&writer, "curators");
	json_close_array(&writer);
	json_put_hex(&writer, "onion_tip", tip.bytes, ID_BYTES);
	end(scribe, &writer);
	scribe->supply = GRANT * VOTERS;
}

static void commitment_of(const struct account_key *key, struct sha256 *out)
{
	sha256_of(key->bytes, ID_BYTES, out);
}

static void account(struct scribe *scribe, const struct account_key *key, const char *role)
{
	struct json_writer writer;
	struct sha256 commitment;
	commitment_of(key, &commitment);
	begin(scribe, &writer, "account", START_MS);
	did_put(&writer, "did", key);
	json_open_array(&writer, "roles");
	json_put_string(&writer, NULL, role);
	json_close_array(&writer);
	json_put_bool(&writer, "robot", false);
	json_put_hex(&writer, "commitment", commitment.bytes, ID_BYTES);
	end(scribe, &writer);
}

static void stakes(struct scribe *scribe)
{
	struct transfer moves[VOTERS];
	for (int v = 0; v < VOTERS; v++) {
		moves[v] = (struct transfer){.amount = STAKE, .cause = "stake", .epoch = -1};
		memcpy(moves[v].debit.owner, scribe->voters[v].bytes, ID_BYTES);
		memcpy(moves[v].credit.owner, scribe->voters[v].bytes, ID_BYTES);
		moves[v].debit.kind = LEDGER_FREE;
		moves[v].credit.kind = LEDGER_STAKE;
		transfer_id_of(&moves[v].id, "stake", scribe->voters[v].bytes, NULL, 0);
	}
	transfers_put(scribe, moves, VOTERS, START_MS);
}

static void campaign(struct scribe *scribe)
{
	struct json_writer writer;
	const struct json *value;
	struct wn_error err = {0};
	begin(scribe, &writer, "campaign", START_MS);
	json_put_string(&writer, "name", "harbour");
	json_put_integer(&writer, "version", 1);
	json_put_raw(&writer, "document", WN_SLICE(document));
	end(scribe, &writer);
	CHECK_OK(json_parse(scribe->arena, document, sizeof document - 1, &value, &err) &&
			 campaign_parse(value, &scribe->campaign, &err),
		err);
	scribe->ok = scribe->ok && !err.blame;
}

static void items(struct scribe *scribe)
{
	struct json_writer writer;
	struct sha256 commitment, root, leaves[ITEMS];
	commitment_of(&scribe->contributor, &commitment);
	begin(scribe, &writer, "items", scribe->start_ms);
	json_put_string(&writer, "campaign", "harbour");
	json_put_hex(&writer, "contributor", commitment.bytes, ID_BYTES);
	json_open_array(&writer, "items");
	for (int i = 0; i < ITEMS; i++) {
		json_put_hex(&writer, NULL, scribe->items[i].bytes, ID_BYTES);
		tree_leaf(scribe->items[i].bytes, ID_BYTES, &leaves[i]);
	}
	json_close_array(&writer);
	tree_root(leaves, ITEMS, &root);
	json_put_hex(&writer, "root", root.bytes, ID_BYTES);
	end(scribe, &writer);
	begin(scribe, &writer, "duplicates", scribe->start_ms);
	json_open_array(&writer, "items");
	for (int i = 0; i < ITEMS; i++) {
		const struct item_id *origin = i == JUDGED ? &scribe->items[0] : &scribe->items[i];
		json_open_object(&writer, NULL);
		json_put_hex(&writer, "item", scribe->items[i].bytes, ID_BYTES);
		json_put_hex(&writer, "origin", origin->bytes, ID_BYTES);
		json_put_hex(&writer, "cluster", origin->bytes, ID_BYTES);
		json_put_string(&writer, "method", i == JUDGED ? "exact" : "none");
		json_put_integer(&writer, "numerator", 1);
		json_put_integer(&writer, "denominator", 1);
		json_put_integer(&writer, "spec_version", 1);
		if (i == 1) {
			json_put_hex(&writer, "nearest", scribe->items[0].bytes, ID_BYTES);
			json_put_integer(&writer, "nearest_numerator", 3);
			json_put_integer(&writer, "nearest_denominator", 5);
		}
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

/* ---- judging ---- */

static struct round_key key_of(const struct scribe *scribe, int item)
{
	return (struct round_key){scribe->items[item], 1};
}

static void rounds(struct scribe *scribe)
{
	struct round_opening openings[JUDGED];
	struct vote_entry entry = {0};
	struct wn_error err = {0};
	for (int i = 0; i < JUDGED; i++)
		openings[i] = (struct round_opening){.key = key_of(scribe, i),
			.campaign = "harbour",
			.kind = ROUND_PANEL,
			.seats = VOTERS,
			.commit_until_ms = scribe->start_ms + PHASE_MS};
	scribe->ok =
		scribe->ok && vote_entry_rounds_seal(scribe->arena, openings, JUDGED, scribe->start_ms, &entry, &err);
	if (scribe->ok)
		keep(scribe, entry.body);
}

static void seats(struct scribe *scribe, int voter)
{
	struct json_writer writer;
	begin(scribe, &writer, "seats", scribe->start_ms);
	json_put_string(&writer, "campaign", "harbour");
	did_put(&writer, "voter", &scribe->voters[voter]);
	json_put_amount(&writer, "bond", seat_bond_units(&scribe->campaign, &scribe->node.policy));
	json_open_array(&writer, "seats");
	for (int i = 0; i < JUDGED; i++) {
		struct round_key key = key_of(scribe, i);
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &key);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

static void salt_of(const struct scribe *scribe, int voter, int item, struct salt *out)
{
	named(out->bytes, "salt", (int)scribe->first * VOTERS * ITEMS + voter * ITEMS + item);
}

static void sealed(const struct scribe *scribe, int voter, int item, struct sha256 *out)
{
	struct salt salt;
	salt_of(scribe, voter, item, &salt);
	vote_commitment(&scribe->node.network, &scribe->items[item], 1, &scribe->voters[voter],
		(uint8_t)choice_of[item], &salt, out);
}

static bool opened(int voter, int item)
{
	return voter != LATE_VOTER || item != LATE_ITEM;
}

static void ballot(struct scribe *scribe, int voter, bool reveals, int64_t time_ms)
{
	static const uint8_t signature[SIGNATURE_BYTES];
	struct json_writer writer;
	struct sha256 base;
	named(base.bytes, reveals ? "reveal" : "commit", voter);
	begin(scribe, &writer, "ballot", time_ms);
	did_put(&writer, "voter", &scribe->voters[voter]);
	json_put_string(&writer, "phase", reveals ? "reveal" : "commit");
	json_put_hex(&writer, "base_sha256", base.bytes, ID_BYTES);
	json_put_hex(&writer, "body_sha256", base.bytes, ID_BYTES);
	json_put_hex(&writer, "signature", signature, sizeof signature);
	json_open_array(&writer, "votes");
	for (int i = 0; i < JUDGED; i++) {
		struct round_key key = key_of(scribe, i);
		struct sha256 commitment;
		if (reveals && !opened(voter, i))
			continue;
		sealed(scribe, voter, i, &commitment);
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &key);
		if (!reveals) {
			json_put_integer(&writer, "sequence", 1);
			json_put_hex(&writer, "commitment", commitment.bytes, ID_BYTES);
		}
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

/* The root over one item's sealed or opened votes. */
static size_t item_root(const struct scribe *scribe, int item, bool reveals, struct sha256 *out)
{
	struct commitment_leaf leaves[VOTERS];
	struct wn_error err = {0};
	size_t count = 0;
	for (int v = 0; v < VOTERS; v++) {
		if (reveals && !opened(v, item))
			continue;
		struct commitment_leaf *leaf = &leaves[count++];
		*leaf = (struct commitment_leaf){.item = scribe->items[item], .round = 1, .voter = scribe->voters[v]};
		if (reveals)
			salt_of(scribe, v, item, (struct salt *)&leaf->value);
		else
			sealed(scribe, v, item, &leaf->value);
	}
	CHECK_OK(vote_root(scribe->arena, leaves, count, out, &err), err);
	return count;
}

static void commit_closed(struct scribe *scribe, int64_t time_ms)
{
	struct json_writer writer;
	begin(scribe, &writer, "commit_closed", time_ms);
	json_open_array(&writer, "rounds");
	for (int i = 0; i < JUDGED; i++) {
		struct round_key key = key_of(scribe, i);
		struct sha256 root;
		item_root(scribe, i, false, &root);
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &key);
		json_put_hex(&writer, "root", root.bytes, ID_BYTES);
		json_put_integer(&writer, "reveal_until_ms", time_ms + PHASE_MS);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

static void tally(struct scribe *scribe, int from, int to, int64_t time_ms)
{
	struct json_writer writer;
	begin(scribe, &writer, "tally", time_ms);
	json_put_integer(&writer, "epoch", scribe->first);
	json_open_array(&writer, "rounds");
	for (int i = from; i < to; i++) {
		struct round_key key = key_of(scribe, i);
		struct sha256 root;
		size_t votes = item_root(scribe, i, true, &root);
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &key);
		json_put_string(&writer, "result", "tallied");
		json_put_hex(&writer, "root", root.bytes, ID_BYTES);
		json_put_integer(&writer, "votes", (int64_t)votes);
		json_put_integer(&writer, "after", scribe->state.epoch);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

/* ---- epochs ---- */

static void next_put(struct scribe *scribe, struct json_writer *writer, int64_t next, const struct sha256 *revealed)
{
	struct sha256 onion, beacon;
	struct wn_error err = {0};
	CHECK_OK(beacon_onion_layer(scribe->onion, (uint64_t)next, &onion, &err), err);
	beacon_of_epoch(&scribe->node.network, (uint64_t)next, &onion, revealed, &beacon);
	json_put_hex(writer, "onion", onion.bytes, ID_BYTES);
	json_put_hex(writer, "beacon", beacon.bytes, ID_BYTES);
}

static void epoch_end_put(struct scribe *scribe, int64_t epoch)
{
	struct commitment_leaf leaves[VOTERS * JUDGED];
	struct json_writer writer;
	struct sha256 revealed;
	struct wn_error err = {0};
	size_t count = 0;
	int64_t end_ms = START_MS + (epoch + 1) * EPOCH_MS;
	for (int i = 0; epoch == scribe->first && i < JUDGED; i++)
		for (int v = 0; v < VOTERS; v++) {
			if (!opened(v, i))
				continue;
			leaves[count] = (struct commitment_leaf){
				.item = scribe->items[i], .round = 1, .voter = scribe->voters[v]};
			salt_of(scribe, v, i, (struct salt *)&leaves[count++].value);
		}
	CHECK_OK(vote_root(scribe->arena, leaves, count, &revealed, &err), err);
	begin(scribe, &writer, "epoch_end", end_ms);
	json_put_integer(&writer, "epoch", epoch);
	json_put_integer(&writer, "ended_ms", end_ms);
	json_put_hex(&writer, "revealed", revealed.bytes, ID_BYTES);
	json_put_integer(&writer, "gold", 0);
	next_put(scribe, &writer, epoch + 1, &revealed);
	end(scribe, &writer);
}

static void claims_root_of(const struct scribe *scribe, struct sha256 *out)
{
	struct claims_tree tree;
	claims_begin(&tree);
	for (int i = 0; i <= VOTERS; i++)
		if (scribe->claims[i].cumulative > 0)
			claims_add(&tree, &scribe->claims[i]);
	claims_root(&tree, out);
}

static void silent(struct scribe *scribe, int64_t from, int64_t to)
{
	struct json_writer writer;
	struct sha256 nothing, claims;
	struct wn_error err = {0};
	int64_t end_ms = START_MS + (to + 1) * EPOCH_MS;
	CHECK_OK(vote_root(scribe->arena, NULL, 0, &nothing, &err), err);
	begin(scribe, &writer, "epochs_silent", end_ms);
	json_put_integer(&writer, "from", from);
	json_put_integer(&writer, "to", to);
	json_put_integer(&writer, "ended_ms", end_ms);
	next_put(scribe, &writer, to + 1, &nothing);
	/* Rewards vest still, in epochs that are not silent. */
	claims_root_of(scribe, &claims);
	json_put_hex(&writer, "claims_root", claims.bytes, ID_BYTES);
	end(scribe, &writer);
}

static int item_order(const void *a, const void *b)
{
	return id_compare(&((const struct close_item *)a)->item, &((const struct close_item *)b)->item);
}

static int vote_order(const void *a, const void *b)
{
	const struct vote_row *left = a, *right = b;
	int order = id_compare(&left->key.item, &right->key.item);
	return order ? order : id_compare(&left->voter, &right->voter);
}

static int bond_order(const void *a, const void *b)
{
	const struct held_bond *left = a, *right = b;
	int order = id_compare(&left->voter, &right->voter);
	return order ? order : id_compare(&left->key.item, &right->key.item);
}

static void case_fill(struct scribe *scribe, struct settle_case *all)
{
	all->items = wn_arena_array(scribe->arena, JUDGED, sizeof *all->items);
	all->votes = wn_arena_array(scribe->arena, JUDGED * VOTERS, sizeof *all->votes);
	for (int i = 0; i < JUDGED; i++) {
		all->items[all->item_count++] = (struct close_item){.item = scribe->items[i],
			.contributor = scribe->contributor,
			.class = choice_of[i],
			.panels = 1,
			.last_round = 1};
		for (int v = 0; v < VOTERS; v++) {
			if (!opened(v, i))
				continue;
			struct vote_row *vote = &all->votes[all->vote_count++];
			*vote = (struct vote_row){.key = key_of(scribe, i),
				.voter = scribe->voters[v],
				.choice = choice_of[i],
				.kind = ROUND_PANEL,
				.fresh = true,
				.round_state = ROUND_TALLIED};
			salt_of(scribe, v, i, &vote->salt);
		}
	}
	qsort(all->items, all->item_count, sizeof *all->items, item_order);
	qsort(all->votes, all->vote_count, sizeof *all->votes, vote_order);
}

/* The vote that was never opened loses its bond at once, the others end with what is carried. */
static void bonds_fill(struct scribe *scribe, struct settle_campaign *settle, bool lost)
{
	settle->bonds = wn_arena_array(scribe->arena, JUDGED * VOTERS, sizeof *settle->bonds);
	for (int i = 0; i < JUDGED; i++)
		for (int v = 0; v < VOTERS; v++) {
			struct round_key key = key_of(scribe, i);
			struct transfer locks;
			int64_t units = seat_bond_units(&scribe->campaign, &scribe->node.policy);
			if (v == scribe->leaver ? !lost : opened(v, i) == lost)
				continue;
			seat_bond_transfer(&locks, &key, &scribe->voters[v], units);
			settle->bonds[settle->bond_count++] =
				(struct held_bond){scribe->voters[v], key, locks.id, units, !opened(v, i)};
		}
	qsort(settle->bonds, settle->bond_count, sizeof *settle->bonds, bond_order);
}

static bool campaign_judge(struct scribe *scribe, struct epoch_run *run, struct wn_error *err)
{
	struct settle_campaign *settle = run->campaigns;
	struct settle_case all = {.run = run, .settle = settle, .campaign = &scribe->campaign};
	struct novelty_row novelty[JUDGED];
	struct validator_row *changed;
	struct round_opening *openings;
	struct item_id *ids;
	struct verdict_row *verdicts;
	size_t count;
	settle->campaign = &scribe->campaign;
	settle->state = scribe->state;
	if (run->epoch == scribe->first)
		case_fill(scribe, &all);
	all.known = scribe->known;
	all.known_count = scribe->known_count;
	if (!judge_run(&all, err))
		return false;
	for (size_t i = 0; scribe->leaver >= 0 && i < settle->validator_count; i++)
		settle->validators[i].unbonded =
			id_compare(&settle->validators[i].row.voter, &scribe->voters[scribe->leaver]) == 0;
	if (!judge_seconds(&all, &openings, &ids, &count, err) || !judge_verdicts(&all, &verdicts, &count, err) ||
		!judge_records(&all, &changed, &count, err) || !judge_accepted(&all, &ids, &count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool near = id_compare(&ids[i], &scribe->items[1]) == 0;
		novelty[i] = (struct novelty_row){ids[i], near ? 3 : 0, near ? 5 : 1};
	}
	if (!judge_contributors(&all, novelty, count, err))
		return false;
	bonds_fill(scribe, settle, run->epoch == scribe->first);
	return judge_tell(&all, err);
}

static void state_keep(struct scribe *scribe, const struct settle_campaign *settle)
{
	scribe->state = settle->state;
	scribe->known_count = settle->validator_count;
	for (size_t i = 0; i < settle->validator_count; i++) {
		scribe->known[i] = settle->validators[i].row;
		memcpy(scribe->tables[i], settle->validators[i].row.counts,
			(size_t)tally_cells(scribe->campaign.class_count) * sizeof(int64_t));
		scribe->known[i].counts = scribe->tables[i];
	}
}

static void close_put(struct scribe *scribe, int64_t epoch)
{
	struct epoch_run run = {
		.turn = {.arena = scribe->arena, .node = &scribe->node, .now_ms = START_MS + (epoch + 1) * EPOCH_MS},
		.epoch = epoch,
		.unminted = scribe->node.policy.cap_units - scribe->supply,
		.campaign_count = 1};
	struct vesting_grant *grants;
	struct vote_entry last = {0};
	struct wn_error err = {0};
	size_t grant_count;
	run.campaigns = wn_arena_array(scribe->arena, 1, sizeof *run.campaigns);
	wn_arena_init(&run.scratch, (size_t)16 << 20);
	claims_root_of(scribe, &run.claims_root);
	CHECK_OK(campaign_judge(scribe, &run, &err) && epoch_money(&run, &grants, &grant_count, &err) &&
			 epoch_entry_close(&run, &last, &err),
		err);
	scribe->ok = scribe->ok && !err.blame;
	if (scribe->ok) {
		transfers_put(scribe, run.transfers, run.transfer_count, run.turn.now_ms);
		for (size_t i = 0; i < run.parts.count; i++)
			keep(scribe, run.parts.rows[i].body);
		keep(scribe, last.body);
		for (size_t i = 0; i < run.transfer_count; i++) {
			const struct transfer *transfer = &run.transfers[i];
			if (transfer->credit.kind == LEDGER_MINT)
				scribe->supply -= transfer->amount;
			if (strcmp(transfer->cause, "reward/validator") == 0 && scribe->pay_count < VOTERS)
				scribe->pays[scribe->pay_count++] = *transfer;
		}
		scribe->supply += run.minted;
		for (size_t i = 0; i < grant_count; i++)
			scribe->vesting += grants[i].amount;
		state_keep(scribe, run.campaigns);
	}
	wn_arena_free(&run.scratch);
}

static void final_put(struct scribe *scribe, int64_t time_ms)
{
	struct json_writer writer;
	begin(scribe, &writer, "final", time_ms);
	json_open_array(&writer, "items");
	for (int i = 0; i < JUDGED; i++) {
		json_open_object(&writer, NULL);
		json_put_hex(&writer, "item", scribe->items[i].bytes, ID_BYTES);
		json_put_string(&writer, "state", choice_of[i] == 1 ? "accepted" : "rejected");
		json_close_object(&writer);
	}
	json_close_array(&writer);
	end(scribe, &writer);
}

static void paid(struct scribe *scribe, const uint8_t owner[ID_BYTES], int64_t units)
{
	for (int i = 0; i <= VOTERS; i++)
		if (memcmp(scribe->claims[i].account.bytes, owner, ID_BYTES) == 0)
			scribe->claims[i].cumulative += units;
}

/* The pay of the close before, an hour after it at the earliest. */
static void pays_put(struct scribe *scribe, int64_t time_ms)
{
	for (size_t i = 0; i < scribe->pay_count; i++) {
		struct transfer *pay = &scribe->pays[i];
		pay->step = TRANSFER_POST;
		pay->pending_id = pay->id;
		transfer_id_of(&pay->id, "reward/validator/final", pay->pending_id.bytes, NULL, 0);
		paid(scribe, pay->credit.owner, pay->amount);
	}
	if (scribe->pay_count > 0)
		transfers_put(scribe, scribe->pays, scribe->pay_count, time_ms);
	scribe->pay_count = 0;
}

static void vested_put(struct scribe *scribe, int64_t epoch)
{
	struct transfer move = {.amount = scribe->vesting, .cause = "reward/vested", .epoch = epoch};
	memcpy(move.debit.owner, scribe->contributor.bytes, ID_BYTES);
	memcpy(move.credit.owner, scribe->contributor.bytes, ID_BYTES);
	move.debit.kind = LEDGER_VESTING;
	move.credit.kind = LEDGER_FREE;
	transfer_id_of(&move.id, "reward/vested", scribe->contributor.bytes, NULL, (uint64_t)epoch);
	transfers_put(scribe, &move, 1, START_MS + epoch * EPOCH_MS);
	paid(scribe, scribe->contributor.bytes, scribe->vesting);
	scribe->vesting = 0;
}

/* ---- all of it ---- */

static void founding(struct scribe *scribe)
{
	genesis(scribe);
	account(scribe, &scribe->contributor, "contributor");
	for (int v = 0; v < VOTERS; v++)
		account(scribe, &scribe->voters[v], "validator");
	stakes(scribe);
	campaign(scribe);
	scribe->state.epoch = -1;
}

/* All that stands behind no seat. */
static void unstake(struct scribe *scribe, int voter, int64_t time_ms)
{
	struct transfer move = {.cause = "unstake", .epoch = -1};
	move.amount = STAKE - JUDGED * seat_bond_units(&scribe->campaign, &scribe->node.policy);
	memcpy(move.debit.owner, scribe->voters[voter].bytes, ID_BYTES);
	memcpy(move.credit.owner, scribe->voters[voter].bytes, ID_BYTES);
	move.debit.kind = LEDGER_STAKE;
	move.credit.kind = LEDGER_UNBONDING;
	transfer_id_of(&move.id, "unstake", scribe->voters[voter].bytes, NULL, 0);
	transfers_put(scribe, &move, 1, time_ms);
}

/* Posts, votes, two closes: 25 epochs. */
static void days_work(struct scribe *scribe, int day)
{
	enum { EPOCHS = 25 };
	scribe->first = (int64_t)day * EPOCHS;
	scribe->start_ms = START_MS + scribe->first * EPOCH_MS;
	for (int i = 0; i < ITEMS; i++)
		named(scribe->items[i].bytes, "item", day * ITEMS + i);
	items(scribe);
	rounds(scribe);
	for (int v = 0; v < VOTERS; v++)
		seats(scribe, v);
	for (int v = 0; v < VOTERS; v++)
		ballot(scribe, v, false, scribe->start_ms + 1000);
	commit_closed(scribe, scribe->start_ms + 2000);
	for (int v = 0; v < VOTERS; v++)
		ballot(scribe, v, true, scribe->start_ms + 3000);
	tally(scribe, 0, LATE_ITEM, scribe->start_ms + 4000);
	tally(scribe, LATE_ITEM, JUDGED, scribe->start_ms + 2000 + PHASE_MS);
	if (scribe->leaver >= 0)
		unstake(scribe, scribe->leaver, scribe->start_ms + 3000 + PHASE_MS);
	epoch_end_put(scribe, scribe->first);
	close_put(scribe, scribe->first);
	silent(scribe, scribe->first + 1, scribe->first + 23);
	final_put(scribe, scribe->start_ms + 24 * EPOCH_MS);
	pays_put(scribe, scribe->start_ms + 24 * EPOCH_MS);
	vested_put(scribe, scribe->first + 24);
	epoch_end_put(scribe, scribe->first + 24);
	close_put(scribe, scribe->first + 24);
}

static bool write_days(struct wn_arena *arena, int days, int leaver, scribe_take *take, void *context)
{
	static struct scribe scribe;
	struct wn_arena daily;
	uint8_t seed[32] = {7};
	memset(&scribe, 0, sizeof scribe);
	scribe.arena = arena;
	scribe.take = take;
	scribe.context = context;
	scribe.leaver = leaver;
	scribe.ok = true;
	policy_default(&scribe.node.policy);
	named(scribe.contributor.bytes, "contributor", 0);
	for (int v = 0; v < VOTERS; v++)
		named(scribe.voters[v].bytes, "voter", v);
	qsort(scribe.voters, VOTERS, sizeof scribe.voters[0], key_order);
	for (int v = 0; v < VOTERS; v++)
		scribe.claims[v].account = scribe.voters[v];
	scribe.claims[VOTERS].account = scribe.contributor;
	qsort(scribe.claims, VOTERS + 1, sizeof scribe.claims[0], key_order);
	scribe.onion = beacon_onion_open(seed);
	if (!check_true(scribe.onion != NULL, "the onion unrolls", __FILE__, __LINE__))
		return false;
	founding(&scribe);
	wn_arena_init(&daily, DAY_ARENA);
	for (int day = 0; scribe.ok && day < days; day++) {
		wn_arena_reset(&daily);
		if (days > 1)
			scribe.arena = &daily;
		days_work(&scribe, day);
	}
	wn_arena_free(&daily);
	beacon_onion_close(scribe.onion);
	return check_true(scribe.ok, "the journal is written", __FILE__, __LINE__);
}

bool scribe_write_days(struct wn_arena *arena, int days, scribe_take *take, void *context)
{
	return write_days(arena, days, -1, take, context);
}

static bool journal_take(void *context, struct wn_slice entry)
{
	struct scribe_journal *journal = context;
	if (journal->count == SCRIBE_ENTRIES_MAX)
		return false;
	journal->entries[journal->count++] = entry;
	return true;
}

bool scribe_write(struct wn_arena *arena, struct scribe_journal *out)
{
	out->count = 0;
	return scribe_write_days(arena, 1, journal_take, out);
}

bool scribe_write_leaver(struct wn_arena *arena, struct scribe_journal *out)
{
	out->count = 0;
	return write_days(arena, 1, 0, journal_take, out);
}

/* ---- for tests ---- */

size_t scribe_find(const struct scribe_journal *journal, const char *type, int n)
{
	char text[64];
	int bytes = snprintf(text, sizeof text, "\"type\":\"%s\"", type);
	for (size_t i = 0; i < journal->count; i++)
		if (memmem(journal->entries[i].data, journal->entries[i].bytes, text, (size_t)bytes) && n-- == 0)
			return i;
	return SIZE_MAX;
}

bool scribe_replace(struct wn_arena *arena, struct wn_slice *entry, const char *was, const char *is)
{
	struct wn_text text;
	struct wn_error err = {0};
	const char *at = memmem(entry->data, entry->bytes, was, strlen(was));
	if (!at)
		return false;
	size_t before = (size_t)(at - entry->data), after = before + strlen(was);
	wn_text_init(&text, arena);
	wn_text_add(&text, entry->data, before);
	wn_text_add_string(&text, is);
	wn_text_add(&text, entry->data + after, entry->bytes - after);
	return jcs_canonical(arena, text.data, text.bytes, entry, &err);
}
