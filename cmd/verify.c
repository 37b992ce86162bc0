/* `winnow verify`: checks a dataset version offline, with the code that the node checks itself with before it signs. */
#include "cmd/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "dataset/dataset_verify.h"

enum { VERIFY_PROGRESS_MS = 200 };

struct verify_shown {
	int64_t started_ms, shown_ms;
};

static void verify_show(void *context, int64_t bytes, int64_t bytes_all)
{
	struct verify_shown *shown = context;
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - shown->started_ms + 1;
	bool last = bytes == bytes_all;
	if (!last && now_ms - shown->shown_ms < VERIFY_PROGRESS_MS)
		return;
	shown->shown_ms = now_ms;
	fprintf(stderr, "\r%" PRId64 " of %" PRId64 " MB checked, %" PRId64 " MB/s, %" PRId64 " s left   %s",
		bytes / 1000000, bytes_all / 1000000, bytes / 1000 / spent_ms,
		bytes > 0 ? spent_ms * (bytes_all - bytes) / bytes / 1000 : 0, last ? "\n" : "");
}

static void verify_put_good(struct json_writer *answer, const struct dataset_report *report)
{
	const struct manifest *manifest = &report->manifest;
	char key[MINISIGN_PUBLIC_ROOM];
	minisign_public_write(&report->key, key);
	json_put_string(answer, "dataset", manifest->dataset);
	json_put_integer(answer, "version", manifest->version);
	json_put_integer(answer, "rows", report->rows);
	json_put_hex(answer, "row_root", report->row_root.bytes, ID_BYTES);
	json_put_hex(answer, "manifest_sha256", report->manifest_sha256.bytes, ID_BYTES);
	json_put_string(answer, "public_key", key);
	json_put_bool(answer, "key_given", report->key_given);
	json_put_hex(answer, "network_id", manifest->network.bytes, ID_BYTES);
	json_put_integer(answer, "checkpoint_size", manifest->checkpoint_size);
	json_put_integer(answer, "files", (int64_t)manifest->file_count);
	json_put_integer(answer, "bytes", report->bytes);
	json_put_bool(answer, "sample", manifest->recipe.sample);
}

/* One object whatever happened; false when there is no room even for it. */
static bool verify_print_json(
	struct wn_arena *arena, const struct dataset_report *report, const struct wn_error *failure)
{
	struct wn_error err = {0};
	struct json_writer answer;
	struct wn_slice text;
	json_begin(&answer, arena);
	json_open_object(&answer, NULL);
	json_put_bool(&answer, "ok", !failure);
	if (failure) {
		json_put_string(&answer, "code", failure->code);
		json_put_string(&answer, "text", failure->text);
	} else {
		verify_put_good(&answer, report);
	}
	json_close_object(&answer);
	if (!json_end(&answer, &text, &err))
		return false;
	printf("%s\n", text.data);
	return true;
}

static void verify_print(const struct dataset_report *report)
{
	const struct manifest *manifest = &report->manifest;
	char key[MINISIGN_PUBLIC_ROOM], root[ID_HEX_ROOM], network[ID_HEX_ROOM];
	minisign_public_write(&report->key, key);
	printf("%s, version %" PRId64 ": good%s\n", manifest->dataset, manifest->version,
		manifest->recipe.sample ? " (a sample, judged by robots)" : "");
	printf("  rows        %" PRId64 ", every item id recomputed\n", report->rows);
	printf("  row root    %s\n", hex_write(root, report->row_root.bytes, ID_BYTES));
	printf("  signed by   %s%s\n", key,
		report->key_given ? "" : " (the network's own word: compare it, or pass --key)");
	printf("  network     %s\n", hex_write(network, manifest->network.bytes, ID_BYTES));
	printf("  journal     checkpoint at %" PRId64 " entries\n", manifest->checkpoint_size);
}

static int verify_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct wn_arena arena;
	static struct dataset_report report;
	struct minisign_public key;
	const char *key_text = option_text(options, "key");
	struct verify_shown shown = {clock_monotonic_ms(), 0};
	struct verify_watch watch = {.progress = isatty(STDERR_FILENO) ? verify_show : NULL, .context = &shown};
	if (argc != 1)
		return command_usage(&command_verify);
	sign_start();
	if (key_text && !verify_key_read(key_text, &key, &err))
		return command_failed(&err);
	wn_arena_init(&arena, VERIFY_REPORT_ARENA);
	bool good = dataset_verify(&arena, argv[0], key_text ? &key : NULL, &watch, &report, &err);
	if (option_bool(options, "json"))
		verify_print_json(&arena, &report, good ? NULL : &err);
	else if (good)
		verify_print(&report);
	else
		command_failed(&err);
	wn_arena_free(&arena);
	return good ? EXIT_DONE : EXIT_FAILED_CHECK;
}

static const struct option verify_options[] = {
	{"key", OPTION_TEXT, NULL, 0, 0, "key that must have signed: minisign public key (base64) or did:key:z6Mk..."},
	{"json", OPTION_BOOL, "false", 0, 0, "print one JSON object"},
	{.name = NULL},
};
static const char *const verify_help[] = {
	"Works offline and believes nobody: the signature, the size and SHA-256 of every file, nothing missing and "
	"nothing more, each row",
	"canonical, in order, with the item id that follows from its content, the row tree and its receipts, the "
	"journal's signed checkpoint.",
	"Exit status 0, or 1 with a reason such as verify_file_hash. The same with stock tools: minisign -Vm "
	"manifest.json -P KEY and",
	"sha256sum -c SHA256SUMS in the folder.",
	NULL,
};

const struct command command_verify = {
	.name = "verify",
	.usage = "verify DIR [--key KEY] [--json]",
	.summary = "check a dataset version offline",
	.help = verify_help,
	.options = verify_options,
	.run = verify_run,
};
