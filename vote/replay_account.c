/* Entries that found and name: genesis, accounts, campaigns, the clock,
 * datasets. */
#include <stdlib.h>
#include <string.h>

#include "core/account_entry.h"
#include "core/hash.h"
#include "core/sign.h"
#include "reward/ledger_store.h"
#include "vote/replay_state.h"

int32_t replay_account_place(const struct replay *replay, const void *key)
{
	const int32_t *place = replay_table_find(&replay->account_places, key);
	return place ? *place : REPLAY_NOBODY;
}

int32_t replay_account_committed(const struct replay *replay, const void *commitment)
{
	const int32_t *place = replay_table_find(&replay->commitments, commitment);
	return place ? *place : REPLAY_NOBODY;
}

static bool account_register(
	struct replay *replay, const struct account_key *key, int32_t role, int32_t *out, struct wn_error *err)
{
	bool added;
	int32_t *place = replay_table_add(&replay->account_places, key->bytes, &added);
	if (!place)
		return replay_no_room(err);
	if (added) {
		*place = (int32_t)replay->account_count;
		struct replay_account *account = replay_list_add(
			(void **)&replay->accounts, &replay->account_count, &replay->account_room, sizeof *account);
		if (!account)
			return replay_no_room(err);
		account->key = *key;
	}
	*out = *place;
	replay->accounts[*out].roles |= role;
	return true;
}

/* ---- genesis ---- */

static bool genesis_key(
	struct replay *replay, const struct json *keys, const char *name, struct account_key *out, struct wn_error *err)
{
	const char *did = json_member_string(keys, name, NULL);
	return (did && did_read(out, did, strlen(did))) ||
	       replay_differs(replay, err, "replay_genesis", "it names no %s key", name);
}

static bool genesis_grants(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *grants;
	if (!replay_read_list(replay, entry, "grants", &grants, err))
		return false;
	for (size_t i = 0; i < grants->count; i++) {
		struct transfer grant = {.step = TRANSFER_SINGLE, .cause = "genesis", .epoch = -1};
		struct account_key key;
		const char *did = json_member_string(grants->elements[i], "account", NULL);
		if (!did || !did_read(&key, did, strlen(did)))
			return replay_differs(replay, err, "replay_genesis", "grants[%zu] names no account", i);
		if (!replay_read_amount(replay, grants->elements[i], "amount", &grant.amount, err))
			return false;
		grant.debit.kind = LEDGER_MINT;
		grant.credit.kind = LEDGER_FREE;
		memcpy(grant.credit.owner, key.bytes, ID_BYTES);
		transfer_id_of(&grant.id, "genesis", key.bytes, NULL, i);
		if (!replay_move(replay, &grant, 0, err))
			return false;
	}
	return true;
}

static bool genesis_curators(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const struct json *curators;
	int32_t place;
	if (!replay_read_list(replay, entry, "curators", &curators, err))
		return false;
	for (size_t i = 0; i < curators->count; i++) {
		struct account_key key;
		const char *did = json_string(curators->elements[i]);
		if (!did || !did_read(&key, did, strlen(did)))
			return replay_differs(replay, err, "replay_genesis", "curators[%zu] is no did:key", i);
		if (!account_register(replay, &key, ACCOUNT_CURATOR, &place, err))
			return false;
	}
	replay->curators = (int64_t)curators->count;
	return true;
}

bool replay_take_genesis(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct sha256 hash, tip;
	struct wn_error why = {0};
	const struct json *keys = json_get(entry, "keys"), *policy = json_get(entry, "policy"),
			  *manual = json_get(entry, "clock_manual");
	int32_t place;
	sha256_of(replay->body.data, replay->body.bytes, &hash);
	memcpy(replay->node.network.bytes, hash.bytes, ID_BYTES);
	policy_default(&replay->node.policy);
	if (!policy || !policy_parse(policy, &replay->node.policy, &why))
		return replay_differs(replay, err, "replay_genesis", "its policy cannot be followed: %s", why.text);
	replay->clock_manual = manual && manual->type == JSON_BOOL && manual->truth;
	return genesis_key(replay, keys, "checkpoint", &replay->totals.checkpoint_key, err) &&
	       genesis_key(replay, keys, "manifest", &replay->totals.manifest_key, err) &&
	       genesis_key(replay, keys, "operator", &replay->totals.operator_key, err) &&
	       account_register(replay, &replay->totals.operator_key, ACCOUNT_OPERATOR, &place, err) &&
	       genesis_curators(replay, entry, err) && genesis_grants(replay, entry, err) &&
	       replay_read_id(replay, entry, "onion_tip", tip.bytes, err) && replay_epochs_begin(replay, &tip, err);
}

/* ---- accounts ---- */

static bool account_roles(struct replay *replay, const struct json *entry, int32_t *out, struct wn_error *err)
{
	const struct json *list;
	*out = 0;
	if (!replay_read_list(replay, entry, "roles", &list, err))
		return false;
	for (size_t i = 0; i < list->count; i++) {
		enum account_role role;
		if (!account_role_read(json_string(list->elements[i]), &role))
			return replay_differs(replay, err, "replay_account", "roles[%zu] is no role", i);
		*out |= (int32_t)role;
	}
	return true;
}

bool replay_take_account(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	enum { GIVEN = ACCOUNT_OPERATOR | ACCOUNT_CURATOR };
	struct account_key key;
	struct sha256 commitment;
	int32_t taken, place, *committed;
	const char *did = json_member_string(entry, "did", NULL);
	bool added;
	if (!did || !did_read(&key, did, strlen(did)))
		return replay_differs(replay, err, "replay_entry", "its member did is not a did:key");
	if (!account_roles(replay, entry, &taken, err) ||
		!replay_read_id(replay, entry, "commitment", commitment.bytes, err))
		return false;
	place = replay_account_place(replay, &key);
	int32_t had = place == REPLAY_NOBODY ? 0 : replay->accounts[place].roles;
	if ((taken & GIVEN) & ~had)
		return replay_differs(replay, err, "replay_account", "%s takes a role that only genesis gives", did);
	if (!account_register(replay, &key, taken, &place, err))
		return false;
	committed = replay_table_add(&replay->commitments, commitment.bytes, &added);
	if (!committed)
		return replay_no_room(err);
	if (!added && *committed != place)
		return replay_differs(
			replay, err, "replay_account", "%s shares its commitment with another account", did);
	*committed = place;
	return true;
}

/* ---- campaigns ---- */

struct replay_campaign *replay_campaign_of(const struct replay *replay, const char *name)
{
	for (size_t c = 0; c < replay->campaign_count; c++)
		if (strcmp(replay->campaigns[c]->name, name) == 0)
			return replay->campaigns[c];
	return NULL;
}

struct replay_campaign *replay_campaign_about(const struct replay *replay, const uint8_t subject[32])
{
	for (size_t c = 0; c < replay->campaign_count; c++)
		if (memcmp(replay->campaigns[c]->subject.bytes, subject, ID_BYTES) == 0)
			return replay->campaigns[c];
	return NULL;
}

static bool campaign_new(struct replay *replay, struct wn_slice document, struct wn_error *err)
{
	const struct json *value;
	struct wn_error why = {0};
	struct replay_campaign *campaign = calloc(1, sizeof *campaign);
	struct replay_campaign **place = replay_list_add((void **)&replay->campaigns, &replay->campaign_count,
		&replay->campaign_room, sizeof(struct replay_campaign *));
	if (!campaign || !place) {
		free(campaign);
		replay->campaign_count -= place != NULL;
		return replay_no_room(err);
	}
	*place = campaign;
	/* Its texts point into the document, which outlives the entry. */
	if (!json_parse(&replay->campaigns_arena, document.data, document.bytes, &value, &why) ||
		!campaign_parse(value, &campaign->campaign, &why)) {
		campaign->name = "";
		return replay_differs(replay, err, "replay_campaign", "its document: %s", why.text);
	}
	campaign->name = campaign->campaign.name;
	campaign->before.state.epoch = campaign->now.state.epoch = -1;
	sha256_of(campaign->name, strlen(campaign->name), &campaign->subject);
	replay_generation_refresh(campaign, &campaign->before);
	replay_generation_refresh(campaign, &campaign->now);
	return true;
}

bool replay_take_campaign(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	const char *name;
	const struct json *document = json_get(entry, "document");
	struct wn_slice text;
	if (!replay_read_text(replay, entry, "name", &name, err))
		return false;
	if (!document)
		return replay_differs(replay, err, "replay_entry", "it has no document");
	if (replay_campaign_of(replay, name))
		return replay_differs(replay, err, "replay_campaign", "campaign %.64s is there already", name);
	if (!jcs_write(&replay->entry, document, &text, err) || !campaign_new(replay, text, err))
		return false;
	return strcmp(replay->campaigns[replay->campaign_count - 1]->name, name) == 0 ||
	       replay_differs(replay, err, "replay_campaign", "its document names another campaign");
}

bool replay_take_campaign_closed(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_campaign *campaign;
	if (!replay_read_campaign(replay, entry, "name", &campaign, err))
		return false;
	if (campaign->closed)
		return replay_differs(replay, err, "replay_campaign", "campaign %s is closed already", campaign->name);
	return campaign->closed = true;
}

/* ---- the clock ---- */

bool replay_take_clock(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	int64_t now_ms;
	if (!replay_read_integer(replay, entry, "now_ms", &now_ms, err))
		return false;
	if (!replay->clock_manual)
		return replay_differs(replay, err, "replay_clock", "this network's clock is not moved by hand");
	return now_ms >= replay->time_ms || replay_differs(replay, err, "replay_clock", "it moves the clock back");
}

/* ---- datasets ---- */

bool replay_take_release(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	int64_t version;
	const char *name;
	return replay_read_text(replay, entry, "name", &name, err) &&
	       replay_read_integer(replay, entry, "version", &version, err);
}

/* Which checkpoint a version stands on is told: its root must be that of the tree as it was then. */
bool replay_take_dataset(struct replay *replay, const struct json *entry, struct wn_error *err)
{
	struct replay_release release;
	struct sha256 root, told;
	char was[ID_HEX_ROOM];
	if (!replay_read_text(replay, entry, "name", &release.name, err) ||
		!replay_read_integer(replay, entry, "version", &release.version, err) ||
		!replay_read_id(replay, entry, "row_root", release.row_root.bytes, err) ||
		!replay_read_id(replay, entry, "manifest_sha256", release.manifest_sha256.bytes, err) ||
		!replay_read_integer(replay, entry, "checkpoint_size", &release.checkpoint_size, err) ||
		!replay_read_id(replay, entry, "checkpoint_root", told.bytes, err))
		return false;
	if (release.checkpoint_size <= 0 || (uint64_t)release.checkpoint_size > replay->frontier.size)
		return replay_differs(replay, err, "replay_dataset", "its checkpoint of %lld entries lies ahead of it",
			(long long)release.checkpoint_size);
	if (replay_root_at(replay, (uint64_t)release.checkpoint_size, &root) &&
		memcmp(root.bytes, told.bytes, ID_BYTES) != 0)
		return replay_differs(replay, err, "replay_dataset",
			"its checkpoint of %lld entries has another root than the journal, %s",
			(long long)release.checkpoint_size, hex_write(was, root.bytes, ID_BYTES));
	return !replay->watch.release || replay->watch.release(replay->watch.context, &release, err);
}
