/* `winnow receipt`: checks a node's promises about journal entries, and whether the node kept them. */
#include "cmd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/journal.h"

enum { RECEIPT_FILE_MAX = 8 * 1024 * 1024, RECEIPTS_MAX = 100000, RECEIPT_ARENA = 256 * 1024 * 1024 };

struct receipts {
	struct wn_arena arena;
	const struct json **list;
	size_t count;
};

static bool receipt_text(struct wn_arena *arena, const char *path, struct wn_slice *out, struct wn_error *err)
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
	*out = (struct wn_slice){text, bytes};
	return whole ||
	       wn_fail(err, WN_INPUT, "file_read", "%s is not a file of less than %d bytes", path, RECEIPT_FILE_MAX);
}

/* A receipt itself, or any answer of a node that holds one under "receipt". */
static bool receipt_add(struct receipts *receipts, const char *text, size_t bytes, struct wn_error *err)
{
	const struct json *value;
	if (!json_parse(&receipts->arena, text, bytes, &value, err))
		return false;
	const struct json *inner = json_get(value, "receipt");
	receipts->list[receipts->count++] = inner ? inner : value;
	return true;
}

static bool receipt_is_blank(const char *text, size_t bytes)
{
	while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t' || text[bytes - 1] == '\r'))
		bytes--;
	return bytes == 0;
}

/* One JSON text, over as many lines as it likes, or one a line as `winnow submit --receipts` keeps them. */
static bool receipts_load(struct receipts *receipts, const char *path, struct wn_error *err)
{
	struct wn_slice text = {NULL, 0};
	struct wn_error ignored = {0};
	size_t number = 0;
	receipts->list = wn_arena_array(&receipts->arena, RECEIPTS_MAX, sizeof *receipts->list);
	if (!receipts->list)
		return wn_fail(err, WN_FULL, "memory", "no room for receipts");
	if (!receipt_text(&receipts->arena, path, &text, err))
		return false;
	if (receipt_add(receipts, text.data, text.bytes, &ignored))
		return true;
	for (size_t at = 0; at < text.bytes;) {
		const char *end = memchr(text.data + at, '\n', text.bytes - at);
		size_t bytes = end ? (size_t)(end - text.data) - at : text.bytes - at;
		number++;
		if (receipts->count == RECEIPTS_MAX)
			return wn_fail(
				err, WN_INPUT, "receipts_many", "%s holds more than %d receipts", path, RECEIPTS_MAX);
		if (!receipt_is_blank(text.data + at, bytes) && !receipt_add(receipts, text.data + at, bytes, err))
			return wn_while(err, "%s line %zu", path, number);
		at += bytes + 1;
	}
	return receipts->count > 0 || wn_fail(err, WN_INPUT, "receipts_none", "%s holds no receipt", path);
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

static bool receipt_key(const struct client *client, const char *did, struct wn_error *err)
{
	struct account_key given;
	if (!did_read(&given, did, strlen(did)))
		return wn_fail(err, WN_INPUT, "checkpoint_key", "--checkpoint_key is a did:key:z6Mk...");
	return id_compare(&given, &client->view.checkpoint_key) == 0 ||
	       wn_fail(err, WN_INPUT, "checkpoint_key", "the node names another checkpoint key than the given one");
}

static bool receipt_show(struct client *client, const struct json *receipt, struct wn_error *err)
{
	struct checkpoint checkpoint;
	int64_t position = 0, time_ms = 0;
	if (!receipt_check(receipt, &client->view.network, &client->view.checkpoint_key, err))
		return false;
	json_integer(json_get(receipt, "time_ms"), &time_ms);
	printf("signed by the network's key at %" PRId64 " ms since 1970\n", time_ms);
	if (!receipt_kept(client, answer_text(receipt, "leaf_hash", ""), &position, &checkpoint, err))
		return false;
	printf("kept: entry %" PRId64 " of the signed checkpoint at %" PRIu64 " entries\n", position, checkpoint.size);
	return true;
}

static int receipt_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct client client;
	struct receipts receipts = {.count = 0};
	const char *did = option_text(options, "checkpoint_key");
	if (argc != 1)
		return command_usage(&command_receipt);
	if (!client_open(&client, options, NULL, &err))
		return command_failed(&err);
	wn_arena_init(&receipts.arena, RECEIPT_ARENA);
	bool done = (!did || receipt_key(&client, did, &err)) && receipts_load(&receipts, argv[0], &err);
	for (size_t i = 0; done && i < receipts.count; i++) {
		wn_arena_reset(&client.arena);
		done = receipt_show(&client, receipts.list[i], &err);
	}
	wn_arena_free(&receipts.arena);
	client_close(&client);
	return done ? EXIT_DONE : command_failed(&err);
}

static const struct option receipt_options[] = {
	CLIENT_OPTION_NODE,
	{"checkpoint_key", OPTION_TEXT, NULL, 0, 0,
		"key that the network's checkpoints must be signed by (did:key); else the node's word"},
	{.name = NULL},
};
static const char *const receipt_help[] = {
	"FILE (- is the standard input) holds a receipt {leaf_hash, network_id, signature, time_ms}, an answer of a "
	"node "
	"with one in it,",
	"or one of these a line, as winnow submit --receipts keeps them. Checks the signature, then asks the node for "
	"the "
	"proof that the",
	"entry stands in its journal under a signed checkpoint.",
	NULL,
};

const struct command command_receipt = {
	.name = "receipt",
	.usage = "receipt FILE [--node URL]",
	.summary = "check a node's receipts and whether they were kept",
	.help = receipt_help,
	.options = receipt_options,
	.run = receipt_run,
};
