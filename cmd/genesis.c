/* Reads what an operator wants of a new network, makes its keys and writes journal entry 0. */
#include "cmd/genesis.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/sample.h"
#include "core/account_entry.h"
#include "core/hash.h"
#include "core/journal.h"
#include "core/network_store.h"
#include "reward/ledger_store.h"
#include "vote/beacon.h"
#include "vote/close_store.h"
#include "vote/commitment.h"

enum { GENESIS_FILE_MAX = 4 * 1024 * 1024 };

/* ---- the wish ------------------------------------------------------------------------------------------------- */

static bool genesis_grants(
	struct wn_arena *arena, const struct json *list, struct genesis_wish *out, struct wn_error *err)
{
	if (!list)
		return true;
	if (list->type != JSON_ARRAY || list->count > GENESIS_GRANTS_MAX)
		return wn_fail(err, WN_INPUT, "genesis_grants", "grants lists at most %d of {account, amount}",
			GENESIS_GRANTS_MAX);
	struct genesis_grant *grants = wn_arena_array(arena, list->count, sizeof *grants);
	if (!grants)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu grants", list->count);
	for (size_t i = 0; i < list->count; i++) {
		static const char *const members[] = {"account", "amount", NULL};
		const char *did = json_member_string(list->elements[i], "account", NULL);
		struct wn_slice unknown;
		if (!did || !json_only_members(list->elements[i], members, &unknown) ||
			!did_read(&grants[i].account, did, strlen(did)) ||
			!json_amount(json_get(list->elements[i], "amount"), &grants[i].units))
			return wn_fail(err, WN_INPUT, "genesis_grants",
				"grants[%zu] is {account: did:key, amount: units as a decimal string}", i);
	}
	out->grants = grants;
	out->grant_count = list->count;
	return true;
}

static bool genesis_curators(
	struct wn_arena *arena, const struct json *list, struct genesis_wish *out, struct wn_error *err)
{
	if (!list)
		return true;
	if (list->type != JSON_ARRAY || list->count > GENESIS_CURATORS_MAX)
		return wn_fail(err, WN_INPUT, "genesis_curators", "curators lists at most %d did:key names",
			GENESIS_CURATORS_MAX);
	struct account_key *curators = wn_arena_array(arena, list->count, sizeof *curators);
	if (!curators)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu curators", list->count);
	for (size_t i = 0; i < list->count; i++) {
		const char *did = json_string(list->elements[i]);
		if (!did || !did_read(&curators[i], did, strlen(did)))
			return wn_fail(err, WN_INPUT, "genesis_curators",
				"curators[%zu] is not a did:key of an Ed25519 key", i);
	}
	out->curators = curators;
	out->curator_count = list->count;
	return true;
}

static bool genesis_file(struct wn_arena *arena, const char *path, const struct json **out, struct wn_error *err)
{
	FILE *file = fopen(path, "re");
	char *text = wn_arena_alloc(arena, GENESIS_FILE_MAX);
	size_t bytes = file && text ? fread(text, 1, GENESIS_FILE_MAX, file) : 0;
	if (!file)
		return wn_fail(err, WN_INPUT, "genesis_file", "open %s: %s", path, strerror(errno));
	fclose(file);
	if (!text)
		return wn_fail(err, WN_FULL, "memory", "no room for %s", path);
	if (bytes == GENESIS_FILE_MAX)
		return wn_fail(err, WN_INPUT, "genesis_file", "%s has %d bytes or more", path, GENESIS_FILE_MAX);
	return json_parse(arena, text, bytes, out, err);
}

bool genesis_read(struct wn_arena *arena, const char *path, bool clock_manual, int64_t now_ms, struct genesis_wish *out,
	struct wn_error *err)
{
	static const char *const members[] = {"policy", "grants", "curators", "time_ms", "seed", NULL};
	const struct json *file, *given;
	struct wn_slice unknown;
	*out = (struct genesis_wish){.sample = !path, .clock_manual = clock_manual, .time_ms = now_ms};
	if (!path) {
		sample_policy(&out->policy);
		return true;
	}
	policy_default(&out->policy);
	if (!genesis_file(arena, path, &file, err))
		return wn_while(err, "read %s", path);
	if (!json_only_members(file, members, &unknown))
		return wn_fail(err, WN_INPUT, "genesis_member",
			"%s has policy, grants, curators, time_ms, seed and nothing else", path);
	if ((given = json_get(file, "policy")) && !policy_parse(given, &out->policy, err))
		return wn_while(err, "read %s", path);
	if ((given = json_get(file, "time_ms")) && (!json_integer(given, &out->time_ms) || out->time_ms < 0))
		return wn_fail(err, WN_INPUT, "genesis_time", "time_ms is a number of milliseconds since 1970");
	if ((given = json_get(file, "seed"))) {
		const char *hex = json_string(given);
		if (!hex || !hex_read(out->seed, sizeof out->seed, hex, strlen(hex)))
			return wn_fail(err, WN_INPUT, "genesis_seed", "seed is 64 hex digits");
		out->has_seed = true;
	}
	return genesis_grants(arena, json_get(file, "grants"), out, err) &&
	       genesis_curators(arena, json_get(file, "curators"), out, err);
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

struct genesis_keys {
	struct account_key checkpoint, operator, manifest;
	struct sha256 onion_tip, onion_layer;
};

static void genesis_secret(const struct genesis_wish *wish, const char *name, uint8_t out[32])
{
	struct hash_layout layout = {0};
	struct sha256 secret;
	if (!wish->has_seed) {
		random_bytes(out, 32);
		return;
	}
	hash_tag(&layout, "winnow/genesis/v1");
	hash_field(&layout, wish->seed, sizeof wish->seed);
	hash_field(&layout, name, strlen(name));
	hash_done(&layout, &secret);
	memcpy(out, secret.bytes, 32);
}

/* A key that lies there already stays: an operator may bring its own, and a cut genesis is simply done again. */
static bool genesis_key(const struct node *node, const struct genesis_wish *wish, const char *name,
	struct account_key *out, struct wn_error *err)
{
	char path[NODE_PATH_MAX], below[64], vote_name[64];
	uint8_t seed[32], vote_seed[32];
	struct key_file file;
	snprintf(below, sizeof below, "keys/%s.key", name);
	snprintf(vote_name, sizeof vote_name, "%s/vote", name);
	node_path(node, path, below);
	genesis_secret(wish, name, seed);
	genesis_secret(wish, vote_name, vote_seed);
	bool done = access(path, F_OK) == 0 ? key_file_read(path, &file, err)
					    : key_file_store(path, seed, vote_seed, &file, err);
	if (!done)
		return wn_while(err, "the key %s", name);
	*out = file.key.public_key;
	sign_forget(&file.key);
	return true;
}

static bool genesis_onion(
	const struct node *node, const struct genesis_wish *wish, struct genesis_keys *out, struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	uint8_t seed[32];
	node_path(node, path, "keys/beacon.seed");
	genesis_secret(wish, "beacon", seed);
	if (!(access(path, F_OK) == 0 ? seed_file_read(path, seed, err) : seed_file_store(path, seed, err)))
		return wn_while(err, "the beacon's seed");
	struct beacon_onion *onion = beacon_onion_open(seed);
	if (!onion)
		return wn_fail(err, WN_FULL, "memory", "no room for the beacon's onion");
	beacon_onion_tip(onion, &out->onion_tip);
	bool done = beacon_onion_layer(onion, 0, &out->onion_layer, err);
	beacon_onion_close(onion);
	return done;
}

/* ---- the entry ------------------------------------------------------------------------------------------------ */

static void did_put(struct json_writer *writer, const char *name, const struct account_key *key)
{
	char did[DID_ROOM];
	did_write(did, key);
	json_put_string(writer, name, did);
}

static bool genesis_entry(struct wn_arena *arena, const struct genesis_wish *wish, const struct genesis_keys *keys,
	struct wn_slice *out, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "type", "genesis");
	json_put_integer(&writer, "version", 1);
	json_put_integer(&writer, "time_ms", wish->time_ms);
	json_put_bool(&writer, "sample", wish->sample);
	json_put_bool(&writer, "clock_manual", wish->clock_manual);
	policy_write(&writer, "policy", &wish->policy);
	json_open_object(&writer, "keys");
	did_put(&writer, "checkpoint", &keys->checkpoint);
	did_put(&writer, "manifest", &keys->manifest);
	did_put(&writer, "operator", &keys->operator);
	json_close_object(&writer);
	json_open_array(&writer, "grants");
	for (size_t i = 0; i < wish->grant_count; i++) {
		json_open_object(&writer, NULL);
		did_put(&writer, "account", &wish->grants[i].account);
		json_put_amount(&writer, "amount", wish->grants[i].units);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	json_open_array(&writer, "curators");
	for (size_t i = 0; i < wish->curator_count; i++)
		did_put(&writer, NULL, &wish->curators[i]);
	json_close_array(&writer);
	json_put_hex(&writer, "onion_tip", keys->onion_tip.bytes, ID_BYTES);
	json_close_object(&writer);
	return json_end(&writer, &text, err) && jcs_canonical(arena, text.data, text.bytes, out, err);
}

static bool genesis_grants_post(
	struct db *db, struct wn_arena *arena, const struct genesis_wish *wish, struct wn_error *err)
{
	struct transfer *transfers = wn_arena_array(arena, wish->grant_count, sizeof *transfers);
	enum transfer_result *results = wn_arena_array(arena, wish->grant_count, sizeof *results);
	if (!transfers || !results)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu grants", wish->grant_count);
	for (size_t i = 0; i < wish->grant_count; i++) {
		transfers[i] = (struct transfer){
			.step = TRANSFER_SINGLE, .amount = wish->grants[i].units, .cause = "genesis", .epoch = -1};
		transfers[i].debit.kind = LEDGER_MINT;
		transfers[i].credit.kind = LEDGER_FREE;
		memcpy(transfers[i].credit.owner, wish->grants[i].account.bytes, ID_BYTES);
		transfer_id_of(&transfers[i].id, "genesis", wish->grants[i].account.bytes, NULL, i);
	}
	if (wish->grant_count &&
		!ledger_store_post(db, arena, transfers, wish->grant_count, wish->time_ms, results, err))
		return wn_while(err, "post the grants");
	for (size_t i = 0; i < wish->grant_count; i++)
		wn_assert(results[i] == TRANSFER_DONE);
	return true;
}

/* The journal knows contributors by their commitments only: those of genesis' accounts need entries too. */
static bool genesis_account(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, enum account_role role, int64_t time_ms, struct wn_error *err)
{
	struct account account;
	struct wn_slice entry;
	bool changed;
	return account_insert(db, arena, network, key, role, false, NULL, NULL, time_ms, &account, &changed, err) &&
	       account_entry(arena, &account, time_ms, &entry, err) && journal_append(db, arena, entry, NULL, err);
}

/* Behind entry 0. */
static bool genesis_accounts(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct genesis_wish *wish, const struct genesis_keys *keys, struct wn_error *err)
{
	if (!genesis_account(db, arena, network, &keys->operator, ACCOUNT_OPERATOR, wish->time_ms, err))
		return wn_while(err, "register the operator's key");
	for (size_t i = 0; i < wish->curator_count; i++)
		if (!genesis_account(db, arena, network, &wish->curators[i], ACCOUNT_CURATOR, wish->time_ms, err))
			return wn_while(err, "register a curator");
	return true;
}

static bool genesis_epoch(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct genesis_wish *wish, const struct genesis_keys *keys, struct wn_error *err)
{
	struct sha256 silent, beacon;
	if (!vote_root(arena, NULL, 0, &silent, err))
		return false;
	beacon_of_epoch(network, 0, &keys->onion_layer, &silent, &beacon);
	return close_store_begin(db, arena, 0, wish->time_ms, &keys->onion_layer, &beacon, err);
}

/* Before any key is made: what is refused leaves nothing behind. */
static bool genesis_grants_fit(const struct genesis_wish *wish, struct wn_error *err)
{
	int64_t left = wish->policy.cap_units;
	for (size_t i = 0; i < wish->grant_count; i++) {
		if (wish->grants[i].units > left)
			return wn_fail(err, WN_INPUT, "genesis_grants", "the grants exceed the cap of %lld units",
				(long long)wish->policy.cap_units);
		left -= wish->grants[i].units;
	}
	return true;
}

bool genesis_write(const struct node *node, struct db *db, struct wn_arena *arena, const struct genesis_wish *wish,
	struct wn_error *err)
{
	struct genesis_keys keys;
	struct wn_slice entry;
	struct network_id network;
	struct sha256 hash;
	if (!genesis_grants_fit(wish, err) || !genesis_key(node, wish, "checkpoint", &keys.checkpoint, err) ||
		!genesis_key(node, wish, "operator", &keys.operator, err) ||
		!genesis_key(node, wish, "manifest", &keys.manifest, err) || !genesis_onion(node, wish, &keys, err) ||
		!genesis_entry(arena, wish, &keys, &entry, err))
		return wn_while(err, "prepare the network");
	sha256_of(entry.data, entry.bytes, &hash);
	memcpy(network.bytes, hash.bytes, ID_BYTES);
	bool done = db_begin(db, err) &&
		    network_store_insert(
			    db, arena, &network, entry, &keys.checkpoint, wish->clock_manual, wish->time_ms, err) &&
		    genesis_grants_post(db, arena, wish, err) && genesis_epoch(db, arena, &network, wish, &keys, err) &&
		    journal_append(db, arena, entry, NULL, err) &&
		    genesis_accounts(db, arena, &network, wish, &keys, err) && db_commit(db, err);
	if (!done) {
		db_rollback(db);
		return wn_while(err, "write the network's genesis");
	}
	return true;
}
