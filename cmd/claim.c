/* `winnow claim`: what an account has earned so far, proven from its leaf to a signed checkpoint; kept, checked
 * offline. */
#include "cmd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reward/claim_proof.h"

enum { CLAIM_FILE_MAX = 4 * 1024 * 1024, CLAIM_CHECK_ARENA = 64 * 1024 * 1024 };

struct claim_run {
	struct wn_arena arena;
	struct wn_slice text; /* the proof, as it is kept */
	struct claim_proof proof;
	bool pinned; /* the network was named by who asks */
};

/* ---- from a node ---- */

static bool entry_at(struct client *client, int64_t position, const struct json **out, struct wn_error *err)
{
	const struct json *answer;
	char target[96];
	snprintf(target, sizeof target, "/v1/journal/entries?from=%" PRId64 "&count=1", position);
	if (!client_get(client, target, &answer, err))
		return false;
	const struct json *entries = json_get(answer, "entries");
	*out = entries && entries->type == JSON_ARRAY && entries->count == 1 ? json_get(entries->elements[0], "entry")
									     : NULL;
	return *out || wn_fail(err, WN_DOWN, "answer_malformed", "the node gives no entry %" PRId64, position);
}

/* The checkpoint comes first: a proof is asked for its size, whatever the node signs meanwhile. */
static bool inclusion_of(
	struct client *client, const char *leaf, struct wn_slice *note, const struct json **out, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = "/v1/checkpoint"};
	struct fetch_answer answer;
	struct checkpoint checkpoint;
	static const char waits[] = "the pay round's close is not in a signed checkpoint yet: try again in a minute";
	if (!fetch_send(client->fetch, &client->arena, &request, &answer, err))
		return false;
	if (answer.status != 200)
		return wn_fail(err, WN_BUSY, "claim_waits", waits);
	if (!checkpoint_parse(answer.body.data, answer.body.bytes, &client->view.network, &client->view.checkpoint_key,
		    &checkpoint, err))
		return false;
	char *target =
		wn_arena_printf(&client->arena, "/v1/journal/proof?leaf=%.64s&size=%" PRIu64, leaf, checkpoint.size);
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	*note = answer.body;
	if (client_get(client, target, out, err))
		return true;
	return strcmp(err->code, "journal_waiting") == 0 ? wn_fail(err, WN_BUSY, "claim_waits", waits)
							 : wn_while(err, "ask for the close's place in the journal");
}

static bool claim_fetch(
	struct client *client, const struct account_key *account, struct claim_run *run, struct wn_error *err)
{
	const struct json *claim, *entry, *inclusion, *genesis;
	struct wn_slice note;
	char did[DID_ROOM];
	int64_t position;
	char *target =
		wn_arena_printf(&client->arena, "/v1/accounts/%s/claim", (did_write(did, account), (const char *)did));
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	if (!vote_client_send(&client->vote, &client->arena, "GET", target, (struct wn_slice){0}, NULL, &claim, err) ||
		!inclusion_of(client, answer_text(claim, "entry_leaf", ""), &note, &inclusion, err))
		return false;
	if (!json_integer(json_get(inclusion, "position"), &position) || position < 0)
		return wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks a position");
	return entry_at(client, position, &entry, err) && entry_at(client, 0, &genesis, err) &&
	       claim_proof_write(&run->arena, claim, entry, inclusion, note, genesis, &run->text, err);
}

static bool account_of(
	const struct options *options, const struct client *client, struct account_key *out, struct wn_error *err)
{
	const char *did = option_text(options, "account");
	if (client)
		*out = client->keys.key.public_key;
	return !did || did_read(out, did, strlen(did)) ||
	       wn_fail(err, WN_INPUT, "claim_account", "--account is a did:key:z6Mk...");
}

/* ---- from a file ---- */

static bool claim_load(struct claim_run *run, const char *path, struct wn_error *err)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char *text = wn_arena_alloc(&run->arena, CLAIM_FILE_MAX);
	if (!file)
		return wn_fail(err, WN_INPUT, "claim_file", "%s: %s", path, strerror(errno));
	size_t bytes = text ? fread(text, 1, CLAIM_FILE_MAX, file) : 0;
	bool whole = text && !ferror(file) && bytes < CLAIM_FILE_MAX;
	if (file != stdin)
		fclose(file);
	run->text = (struct wn_slice){text, bytes};
	return whole ||
	       wn_fail(err, WN_INPUT, "claim_file", "%s is not a file of less than %d bytes", path, CLAIM_FILE_MAX);
}

/* Only what was verified is kept. */
static bool claim_keep(const struct claim_run *run, const char *path, struct wn_error *err)
{
	FILE *file = fopen(path, "wxe");
	if (!file)
		return wn_fail(err, WN_INPUT, "claim_file", "%s: %s (choose another --out)", path, strerror(errno));
	bool written = fwrite(run->text.data, 1, run->text.bytes, file) == run->text.bytes && fputc('\n', file) != EOF;
	written = fclose(file) == 0 && written;
	return written || wn_fail(err, WN_DOWN, "claim_file", "write %s: %s", path, strerror(errno));
}

/* ---- the check ---- */

static bool network_check(struct claim_run *run, const char *expected, struct wn_error *err)
{
	struct network_id network;
	if (!expected)
		return true;
	if (!hex_read(network.bytes, ID_BYTES, expected, strlen(expected)))
		return wn_fail(err, WN_INPUT, "network_text", "a network is named by 64 hex digits");
	run->pinned = true;
	return memcmp(network.bytes, run->proof.network.bytes, ID_BYTES) == 0 ||
	       wn_fail(err, WN_INPUT, "claim_network", "the claim is of another network");
}

static bool claim_check(
	struct claim_run *run, const struct options *options, const struct account_key *account, struct wn_error *err)
{
	const struct json *kept;
	if (!json_parse(&run->arena, run->text.data, run->text.bytes, &kept, err))
		return wn_while(err, "read the claim's proof");
	if (!claim_proof_check(&run->arena, kept, &run->proof, err) ||
		!network_check(run, option_text(options, "network"), err))
		return false;
	return !account || id_compare(account, &run->proof.claim.account) == 0 ||
	       wn_fail(err, WN_INPUT, "claim_account", "the claim is of another account");
}

static bool claim_from_node(struct claim_run *run, const struct options *options, struct wn_error *err)
{
	struct client client;
	struct account_key account;
	const char *out = option_text(options, "out");
	if (!client_open(&client, options, option_text(options, "key"), err))
		return false;
	bool done = account_of(options, &client, &account, err) && claim_fetch(&client, &account, run, err) &&
		    claim_check(run, options, &account, err);
	if (done && memcmp(client.view.network.bytes, run->proof.network.bytes, ID_BYTES) != 0)
		done = wn_fail(
			err, WN_INPUT, "claim_network", "the node proves the claim in another network than its own");
	client_close(&client);
	return done && (!out || claim_keep(run, out, err));
}

static bool claim_from_file(
	struct claim_run *run, const struct options *options, const char *path, struct wn_error *err)
{
	struct account_key account;
	bool named = option_text(options, "account") != NULL;
	return (!named || account_of(options, NULL, &account, err)) && claim_load(run, path, err) &&
	       claim_check(run, options, named ? &account : NULL, err);
}

/* ---- what is printed ---- */

static void put_good(struct json_writer *answer, const struct claim_run *run)
{
	const struct claim_proof *proof = &run->proof;
	char did[DID_ROOM], tokens[32];
	did_write(did, &proof->claim.account);
	json_put_string(answer, "account", did);
	json_put_amount(answer, "cumulative", proof->claim.cumulative);
	json_put_string(answer, "tokens", amount_write(tokens, proof->claim.cumulative));
	json_put_integer(answer, "epoch", proof->epoch);
	json_put_hex(answer, "claims_root", proof->root.bytes, ID_BYTES);
	json_put_integer(answer, "leaf", proof->leaf);
	json_put_integer(answer, "leaves", proof->leaves);
	json_put_integer(answer, "position", proof->position);
	json_put_integer(answer, "checkpoint_size", (int64_t)proof->checkpoint_size);
	did_write(did, &proof->checkpoint_key);
	json_put_string(answer, "checkpoint_key", did);
	json_put_hex(answer, "network_id", proof->network.bytes, ID_BYTES);
	json_put_bool(answer, "network_given", run->pinned);
}

/* One object whatever happened; false when there is no room even for it. */
static bool print_json(struct claim_run *run, const struct wn_error *failure)
{
	struct wn_error err = {0};
	struct json_writer answer;
	struct wn_slice text;
	wn_arena_reset(&run->arena);
	json_begin(&answer, &run->arena);
	json_open_object(&answer, NULL);
	json_put_bool(&answer, "ok", !failure);
	if (failure) {
		json_put_string(&answer, "code", failure->code);
		json_put_string(&answer, "text", failure->text);
	} else {
		put_good(&answer, run);
	}
	json_close_object(&answer);
	if (!json_end(&answer, &text, &err))
		return false;
	printf("%s\n", text.data);
	return true;
}

static void print_text(const struct claim_run *run)
{
	const struct claim_proof *proof = &run->proof;
	char did[DID_ROOM], tokens[32], hex[ID_HEX_ROOM];
	did_write(did, &proof->claim.account);
	printf("%s WIN (%" PRId64 " units) earned by the end of pay round %" PRId64 "\n",
		amount_write(tokens, proof->claim.cumulative), proof->claim.cumulative, proof->epoch);
	printf("  account     %s\n", did);
	printf("  claims root %s, leaf %" PRId64 " of %" PRId64 "\n", hex_write(hex, proof->root.bytes, ID_BYTES),
		proof->leaf + 1, proof->leaves);
	printf("  journal     entry %" PRId64 " of the signed checkpoint at %" PRIu64 " entries\n", proof->position,
		proof->checkpoint_size);
	printf("  network     %s%s\n", hex_write(hex, proof->network.bytes, ID_BYTES),
		run->pinned ? "" : " (the proof's own word: compare it, or pass --network)");
}

/* ---- the command ---- */

static int claim_run(const struct options *options, int argc, char **argv)
{
	static struct claim_run run;
	struct wn_error err = {0};
	const char *key = option_text(options, "key"), *out = option_text(options, "out"),
		   *file = option_text(options, "check");
	(void)argv;
	if (argc != 0 || (file ? key || out : !key))
		return command_usage(&command_claim);
	sign_start();
	wn_arena_init(&run.arena, CLAIM_CHECK_ARENA);
	bool good = file ? claim_from_file(&run, options, file, &err) : claim_from_node(&run, options, &err);
	int status = err.blame == WN_DOWN ? EXIT_CANNOT_REACH : EXIT_FAILED_CHECK;
	if (option_bool(options, "json"))
		print_json(&run, good ? NULL : &err);
	else if (good)
		print_text(&run);
	else
		status = command_failed(&err);
	if (good && out && !option_bool(options, "json"))
		printf("  kept        %s; offline: winnow claim --check %s\n", out, out);
	wn_arena_free(&run.arena);
	return good ? EXIT_DONE : status;
}

static const struct option claim_options[] = {
	CLIENT_OPTION_NODE,
	CLIENT_OPTION_KEY,
	{"account", OPTION_TEXT, NULL, 0, 0, "account (did:key) that the claim must be of; else the key's"},
	{"network", OPTION_TEXT, NULL, 0, 0, "network id that the claim must be of (64 hex digits); else its own"},
	{"out", OPTION_TEXT, NULL, 0, 0, "keep the claim with its whole proof in this new file"},
	{"check", OPTION_TEXT, NULL, 0, 0,
		"check a kept file offline instead of asking a node (- is the standard input)"},
	{"json", OPTION_BOOL, "false", 0, 0, "print one JSON object"},
	{.name = NULL},
};
static const char *const claim_help[] = {
	"Shows all that an account has earned by the last pay round that was closed, and believes nobody: account and "
	"amount are a leaf",
	"below that round's claims root, the journal's entry with the root is in the checkpoint that the network's key "
	"signed, genesis names",
	"that key, and the network's id is genesis' hash. What vests is earned when it has vested; `winnow account` "
	"shows what is on its way.",
	"Only its owner may ask a node for a claim; who is given the kept file can check it anywhere.",
	"Exit status 0, or 1 with a reason: claim_none (nothing was paid yet), claim_waits (try again in a minute), "
	"claim_leaf, claim_root,",
	"claim_entry or checkpoint_* (it is not true), claim_account, claim_network (it is somebody else's).",
	NULL,
};

const struct command command_claim = {
	.name = "claim",
	.usage = "claim --key FILE [--out FILE] [--json] | claim --check FILE [--account DID] [--network ID] [--json]",
	.summary = "show and prove what an account has earned",
	.help = claim_help,
	.options = claim_options,
	.run = claim_run,
};
