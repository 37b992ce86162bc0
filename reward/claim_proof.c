/* A claim's proof: written from a node's answers, checked without any. */
#include "reward/claim_proof.h"

#include <string.h>

#include "core/hash.h"

static bool malformed(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_INPUT, "claim_malformed", "the claim's proof lacks %s: fetch it anew", what);
}

bool claim_proof_write(struct wn_arena *arena, const struct json *claim, const struct json *entry,
	const struct json *inclusion, struct wn_slice note, const struct json *genesis, struct wn_slice *out,
	struct wn_error *err)
{
	const struct {
		const char *name;
		const struct json *value;
	} parts[] = {{"claim", claim}, {"entry", entry}, {"genesis", genesis}, {"inclusion", inclusion}};
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (!parts[i].value)
			return malformed(err, parts[i].name);
		if (!jcs_write(arena, parts[i].value, &text, err))
			return wn_while(err, "%s", parts[i].name);
		json_put_raw(&writer, parts[i].name, text);
	}
	json_put_slice(&writer, "checkpoint", note);
	json_close_object(&writer);
	return json_end(&writer, &text, err) && jcs_canonical(arena, text.data, text.bytes, out, err);
}

static bool read_hash(const struct json *object, const char *name, void *out)
{
	const char *hex = json_member_string(object, name, NULL);
	return hex && hex_read(out, ID_BYTES, hex, strlen(hex));
}

static bool read_count(const struct json *object, const char *name, int64_t *out)
{
	return json_integer(json_get(object, name), out) && *out >= 0;
}

static bool read_path(const struct json *object, struct tree_proof *out)
{
	const struct json *hashes = json_get(object, "proof");
	if (!hashes || hashes->type != JSON_ARRAY || hashes->count > TREE_PROOF_MAX)
		return false;
	out->count = hashes->count;
	for (size_t i = 0; i < hashes->count; i++) {
		const char *hex = json_string(hashes->elements[i]);
		if (!hex || !hex_read(out->hashes[i].bytes, ID_BYTES, hex, strlen(hex)))
			return false;
	}
	return true;
}

/* Who signs checkpoints is told by genesis, whose hash is the network's id. */
static bool genesis_check(
	struct wn_arena *arena, const struct json *genesis, struct claim_proof *out, struct wn_error *err)
{
	struct wn_slice body;
	struct sha256 hash;
	const char *type = json_member_string(genesis, "type", ""),
		   *did = json_member_string(json_get(genesis, "keys"), "checkpoint", NULL);
	if (!genesis || !type || strcmp(type, "genesis") != 0 || !did ||
		!did_read(&out->checkpoint_key, did, strlen(did)))
		return malformed(err, "a genesis that names the checkpoint's key");
	if (!jcs_write(arena, genesis, &body, err))
		return wn_while(err, "read genesis");
	sha256_of(body.data, body.bytes, &hash);
	memcpy(out->network.bytes, hash.bytes, ID_BYTES);
	return true;
}

static bool entry_check(struct wn_arena *arena, const struct json *kept, struct claim_proof *out, struct wn_error *err)
{
	const struct json *entry = json_get(kept, "entry"), *inclusion = json_get(kept, "inclusion");
	const struct json *note = json_get(kept, "checkpoint");
	struct checkpoint checkpoint;
	struct tree_proof path;
	struct wn_slice body;
	struct sha256 leaf;
	if (!entry || !read_count(inclusion, "position", &out->position) || !read_path(inclusion, &path))
		return malformed(err, "the journal's entry and the way from it to the checkpoint");
	if (!note || note->type != JSON_STRING)
		return malformed(err, "a signed checkpoint");
	if (!checkpoint_parse(note->text.data, note->text.bytes, &out->network, &out->checkpoint_key, &checkpoint, err))
		return wn_while(err, "read the checkpoint by the key of genesis");
	out->checkpoint_size = checkpoint.size;
	out->checkpoint_ms = checkpoint.time_ms;
	if (!jcs_write(arena, entry, &body, err))
		return wn_while(err, "read the journal's entry");
	tree_leaf(body.data, body.bytes, &leaf);
	return tree_inclusion_holds(&leaf, (uint64_t)out->position, checkpoint.size, &path, &checkpoint.root) ||
	       wn_fail(err, WN_INPUT, "claim_entry",
		       "the entry that tells the claims root is not in the signed checkpoint: do not believe this "
		       "claim");
}

/* The entry closed this pay round, or the run of silent ones that ended with it, with this root. */
static bool root_check(const struct json *kept, const struct claim_proof *proof, struct wn_error *err)
{
	const struct json *entry = json_get(kept, "entry");
	const char *type = json_member_string(entry, "type", "");
	struct sha256 root;
	int64_t epoch;
	bool silent = type && strcmp(type, "epochs_silent") == 0;
	if (!type || (!silent && strcmp(type, "epoch_close") != 0) ||
		!read_count(entry, silent ? "to" : "epoch", &epoch) || !read_hash(entry, "claims_root", root.bytes))
		return wn_fail(err, WN_INPUT, "claim_entry", "the journal's entry closes no pay round");
	return (epoch == proof->epoch && id_compare(&root, &proof->root) == 0) ||
	       wn_fail(err, WN_INPUT, "claim_root",
		       "the journal closed pay round %lld with another claims root: do not believe this claim",
		       (long long)epoch);
}

static bool leaf_check(const struct json *claim, struct claim_proof *out, struct wn_error *err)
{
	struct tree_proof path;
	struct sha256 leaf;
	if (!read_hash(claim, "account", out->claim.account.bytes) ||
		!json_amount(json_get(claim, "cumulative"), &out->claim.cumulative) || out->claim.cumulative == 0 ||
		!read_count(claim, "epoch", &out->epoch) || !read_hash(claim, "root", out->root.bytes) ||
		!read_count(claim, "index", &out->leaf) || !read_count(claim, "size", &out->leaves) ||
		!read_path(claim, &path))
		return malformed(err, "a claim {account, cumulative, epoch, root, index, size, proof}");
	claims_leaf(&out->claim, &leaf);
	return tree_inclusion_holds(&leaf, (uint64_t)out->leaf, (uint64_t)out->leaves, &path, &out->root) ||
	       wn_fail(err, WN_INPUT, "claim_leaf",
		       "account and amount are not below the claims root: do not believe this claim");
}

bool claim_proof_check(struct wn_arena *arena, const struct json *kept, struct claim_proof *out, struct wn_error *err)
{
	*out = (struct claim_proof){0};
	return leaf_check(json_get(kept, "claim"), out, err) &&
	       genesis_check(arena, json_get(kept, "genesis"), out, err) && entry_check(arena, kept, out, err) &&
	       root_check(kept, out, err);
}
