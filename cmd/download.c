/* `winnow download`: a version from a node into a folder, verified there before it gets its name. */
#include "cmd/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/download_version.h"
#include "core/clock.h"
#include "dataset/dataset_verify.h"
#include "dataset/version_folder.h"

enum { DOWNLOAD_PROGRESS_MS = 200 };

static int64_t download_started_ms, download_shown_ms;

static void download_show(int64_t bytes, int64_t bytes_all)
{
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - download_started_ms + 1;
	bool last = bytes == bytes_all;
	if (!last && now_ms - download_shown_ms < DOWNLOAD_PROGRESS_MS)
		return;
	download_shown_ms = now_ms;
	fprintf(stderr, "\r%" PRId64 " of %" PRId64 " MB, %" PRId64 " MB/s, %" PRId64 " s left   %s", bytes / 1000000,
		bytes_all / 1000000, bytes / 1000 / spent_ms,
		bytes > 0 ? spent_ms * (bytes_all - bytes) / bytes / 1000 : 0, last ? "\n" : "");
}

/* NAME or NAME@VERSION; version 0: the latest. */
static bool download_name(const char *word, char name[RECIPE_NAME_MAX + 1], int64_t *version, struct wn_error *err)
{
	const char *at = strchr(word, '@');
	size_t bytes = at ? (size_t)(at - word) : strlen(word);
	char end;
	*version = 0;
	if (bytes == 0 || bytes > RECIPE_NAME_MAX || strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") < bytes)
		return wn_fail(
			err, WN_INPUT, "recipe_name", "a dataset's name is 1 to %d of a-z, 0-9 and -", RECIPE_NAME_MAX);
	if (at && (sscanf(at + 1, "%" SCNd64 "%c", version, &end) != 1 || *version < 1 ||
			  *version > MANIFEST_VERSION_MAX))
		return wn_fail(
			err, WN_INPUT, "version_number", "a version is a number from 1: %.*s@1", (int)bytes, word);
	memcpy(name, word, bytes);
	name[bytes] = '\0';
	return true;
}

static bool download_latest(struct client *client, const char *name, int64_t *version, struct wn_error *err)
{
	const struct json *answer;
	char target[2 * RECIPE_NAME_MAX];
	snprintf(target, sizeof target, "/v1/datasets/%s/latest", name);
	if (!client_get(client, target, &answer, err))
		return false;
	return json_integer(json_get(answer, "version"), version) ||
	       wn_fail(err, WN_DOWN, "answer_malformed", "the node's answer lacks a version");
}

/* Files into DIR.partial, which stays for the next try when something fails; verified, then renamed. */
static bool download_into(struct client *client, const char *name, int64_t version, const char *out,
	const struct minisign_public *key, struct dataset_report *report, struct wn_error *err)
{
	char partial[FOLDER_PATH_MAX];
	if (snprintf(partial, sizeof partial, "%s.partial", out) >= (int)sizeof partial)
		return wn_fail(err, WN_INPUT, "folder_path", "the path of --out is too long");
	if (folder_exists(out))
		return wn_fail(err, WN_INPUT, "folder_exists",
			"%s is there already: winnow verify checks it, or choose another --out", out);
	if (!download_version(client->fetch, &client->arena, name, version, partial,
		    isatty(STDERR_FILENO) ? download_show : NULL, err))
		return folder_exists(partial) ? wn_while(err, "download (what came is kept in %s: try again)", partial)
					      : false;
	if (!dataset_verify(&client->arena, partial, key, NULL, report, err))
		return wn_while(err, "what came does not verify (it lies in %s)", partial);
	if (strcmp(report->manifest.dataset, name) != 0 || report->manifest.version != version)
		return wn_fail(err, WN_INPUT, "download_other", "the node sent version %" PRId64 " of %s instead",
			report->manifest.version, report->manifest.dataset);
	/* The node that was asked has a network; a version of another one is no answer. */
	if (memcmp(report->manifest.network.bytes, client->view.network.bytes, ID_BYTES) != 0)
		return wn_fail(err, WN_INPUT, "download_other", "the node sent a version of another network");
	return rename(partial, out) == 0 || wn_fail(err, WN_DOWN, "folder_write", "name %s: %s", out, strerror(errno));
}

static int download_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct client client;
	static struct dataset_report report;
	struct minisign_public key;
	char name[RECIPE_NAME_MAX + 1], shown[MINISIGN_PUBLIC_ROOM];
	int64_t version;
	const char *out = option_text(options, "out"), *key_text = option_text(options, "key");
	if (argc != 1 || !out || !*out)
		return command_usage(&command_download);
	if (!download_name(argv[0], name, &version, &err) || (key_text && !verify_key_read(key_text, &key, &err)) ||
		!client_open(&client, options, NULL, &err))
		return command_failed(&err);
	download_started_ms = clock_monotonic_ms();
	bool done = (version > 0 || download_latest(&client, name, &version, &err)) &&
		    download_into(&client, name, version, out, key_text ? &key : NULL, &report, &err);
	bool failed_check = !done && strncmp(err.code, "verify_", 7) == 0;
	if (done) {
		minisign_public_write(&report.key, shown);
		printf("%s version %" PRId64 ": %" PRId64 " rows in %s, verified\n", name, version, report.rows, out);
		printf("signed by %s%s\n", shown,
			key_text ? "" : " (the network's own word: compare it, or pass --key)");
	}
	client_close(&client);
	if (done)
		return EXIT_DONE;
	int status = command_failed(&err);
	return failed_check ? EXIT_FAILED_CHECK : status;
}

static const struct option download_options[] = {
	CLIENT_OPTION_NODE,
	{"out", OPTION_TEXT, NULL, 0, 0, "folder that the version becomes; it must not be there"},
	{"key", OPTION_TEXT, NULL, 0, 0, "key that must have signed: minisign public key (base64) or did:key:z6Mk..."},
	{.name = NULL},
};
static const char *const download_help[] = {
	"Takes the latest version unless one is named. A download that was cut off goes on where it stopped. The "
	"folder gets its name only",
	"after everything in it was verified, as winnow verify does.",
	NULL,
};

const struct command command_download = {
	.name = "download",
	.usage = "download NAME[@VERSION] --out DIR [--node URL] [--key KEY]",
	.summary = "download a dataset version and verify it",
	.help = download_help,
	.options = download_options,
	.run = download_run,
};
