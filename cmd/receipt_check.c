/* `winnow receipt`: checks a node's promise about a journal entry, and whether the node kept it. */
#include "cmd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/journal.h"

enum { RECEIPT_FILE_MAX = 1048576 };

/* The receipt itself, or any answer of a node that holds one under "receipt". */
static bool receipt_load(struct wn_arena *arena, const char *path, const struct json **out, struct wn_error *err)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char *text = wn_arena_alloc(arena, RECEIPT_FILE_MAX);
	if (!file)
		return wn_fail(err, WN_INPUT, "file_open", "%s: %s", path, strerror(errno));
	size_t bytes = text ? fread(text, 1, RECEIPT_FILE_MAX, file) : 0;
	bool whole = !ferror(file) && bytes < RECEIPT_FILE_MAX;
	if (!standard)
		fclose(file);
	if (!text)
		return wn_fail(err, WN_FULL, "memory", "no room for %s", path);
	if (!whole)
		return wn_fail(
			err, WN_INPUT, "file_read", "%s is not a file of less than %d bytes", path, RECEIPT_FILE_MAX);
	if (!json_parse(arena, text, bytes, out, err))
		return wn_while(err, "read %s", path);
	const struct json *inner = json_get(*out, "receipt");
	if (inner)
		*out = inner;
	return true;
}

static bool proof_of(const struct json *answer, int64_t *position, int64_t *size, struct tree_proof *proof)
{
	const struct json *hashes = json_get(answer, "proof");
	if (!json_integer(json_get(answer, "position"), position) || *position < 0 ||
		!json_integer(json_get(answer, "size"), size) || *size < 1 || !hashes || hashes->type != JSON_ARRAY ||
		hashes->count > TREE_PROOF_MAX)
		return false;
	proof->count = hashes->count;
	for (size_t i = 0; i < hashes->count; i++) {
		const char *hex = json_string(hashes->elements[i]);
		if (!hex || !hex_read(proof->hashes[i].bytes, ID_BYTES, hex, strlen(hex)))
			return false;
	}
	return true;
}

/* The newest signed checkpoint, and the proof that the entry is in it. */
static bool receipt_kept(struct client *client, const char *leaf_hex, int64_t *position, struct checkpoint *checkpoint,
	struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = "/v1/checkpoint"};
	struct fetch_answer note;
	const struct json *answer;
	struct tree_proof proof;
	struct sha256 leaf;
	int64_t size;
	if (!hex_read(leaf.bytes, ID_BYTES, leaf_hex, strlen(leaf_hex)))
		return wn_fail(err, WN_INPUT, "receipt_malformed", "leaf_hash is not 64 hex digits");
	if (!fetch_send(client->fetch, &client->arena, &request, &note, err))
		return false;
	if (note.status != 200)
		return wn_fail(err, WN_BUSY, "checkpoint_missing", "the node has no checkpoint yet (%d)", note.status);
	if (!checkpoint_parse(note.body.data, note.body.bytes, &client->view.network, &client->view.checkpoint_key,
		    checkpoint, err))
		return false;
	char *target =
		wn_arena_printf(&client->arena, "/v1/journal/proof?leaf=%s&size=%" PRIu64, leaf_hex, checkpoint->size);
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	if (!client_get(client, target, &answer, err))
		return wn_while(err, "the node shows no proof (it has 60 s to number an entry)");
	if (!proof_of(answer, position, &size, &proof) || (uint64_t)size != checkpoint->size)
		return wn_fail(err, WN_BUSY, "receipt_waits",
			"the entry is not in a signed checkpoint yet: try again in a minute");
	if (!tree_inclusion_holds(&leaf, (uint64_t)*position, checkpoint->size, &proof, &checkpoint->root))
		return wn_fail(err, WN_INPUT, "receipt_broken",
			"the node's proof does not hold: keep this receipt, it shows that the node broke its promise");
	return true;
}

static int receipt_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct client client;
	struct checkpoint checkpoint;
	const struct json *receipt;
	const char *did = option_text(options, "checkpoint_key");
	int64_t position = 0, time_ms = 0;
	if (argc != 1)
		return command_usage(&command_receipt);
	if (!client_open(&client, options, NULL, &err))
		return command_failed(&err);
	bool done = true;
	if (did) {
		struct account_key given;
		if (!did_read(&given, did, strlen(did)))
			done = wn_fail(&err, WN_INPUT, "checkpoint_key", "--checkpoint_key is a did:key:z6Mk...");
		else if (id_compare(&given, &client.view.checkpoint_key) != 0)
			done = wn_fail(&err, WN_INPUT, "checkpoint_key",
				"the node names another checkpoint key than the given one");
	}
	done = done && receipt_load(&client.arena, argv[0], &receipt, &err) &&
	       receipt_check(receipt, &client.view.network, &client.view.checkpoint_key, &err);
	if (done) {
		json_integer(json_get(receipt, "time_ms"), &time_ms);
		printf("signed by the network's key at %" PRId64 " ms since 1970\n", time_ms);
		done = receipt_kept(
			&client, json_member_string(receipt, "leaf_hash", ""), &position, &checkpoint, &err);
	}
	if (done)
		printf("kept: entry %" PRId64 " of the signed checkpoint at %" PRIu64 " entries\n", position,
			checkpoint.size);
	client_close(&client);
	if (done)
		return EXIT_DONE;
	/* A receipt that does not hold is a failed check, not a mistake in the command. */
	int status = command_failed(&err);
	return status == EXIT_USAGE ? EXIT_FAILED_CHECK : status;
}

static const struct option receipt_options[] = {
	CLIENT_OPTION_NODE,
	{"checkpoint_key", OPTION_TEXT, NULL, 0, 0,
		"key that the network's checkpoints must be signed by (did:key); else the node's word"},
	{.name = NULL},
};
static const char *const receipt_help[] = {
	"FILE (- is the standard input) holds a receipt {leaf_hash, network_id, signature, time_ms}, or an answer of a "
	"node with one in it.",
	"Checks the signature, then asks the node for the proof that the entry stands in its journal under a signed "
	"checkpoint.",
	NULL,
};

const struct command command_receipt = {
	.name = "receipt",
	.usage = "receipt FILE [--node URL]",
	.summary = "check a node's receipt and whether it was kept",
	.help = receipt_help,
	.options = receipt_options,
	.run = receipt_run,
};
