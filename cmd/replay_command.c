/* `winnow replay`: every balance, verdict and payout once more, from the journal alone. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/journal_feed.h"
#include "cmd/replay_version.h"
#include "core/clock.h"
#include "core/journal.h"

enum { REPLAY_PROGRESS_MS = 200, REPLAY_ARENA = 64 * 1024 * 1024 };

struct replay_run {
	struct wn_arena arena;
	struct replay *replay;
	struct replay_version version;
	bool has_version;
	struct wn_slice note;
	struct checkpoint checkpoint;
	FILE *save;
	int64_t started_ms, shown_ms;
	bool shows;
	double seconds;
};

/* ---- what the replay tells ---- */

static bool run_final(void *context, const struct replay_final *final, struct wn_error *err)
{
	struct replay_run *run = context;
	return !run->has_version || replay_version_final(&run->version, final, err);
}

static bool run_release(void *context, const struct replay_release *release, struct wn_error *err)
{
	struct replay_run *run = context;
	return !run->has_version || replay_version_release(&run->version, release, err);
}

static void run_show(struct replay_run *run, uint64_t left)
{
	struct replay_totals totals;
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - run->started_ms + 1;
	if (!run->shows || (left > 0 && now_ms - run->shown_ms < REPLAY_PROGRESS_MS))
		return;
	run->shown_ms = now_ms;
	replay_totals(run->replay, &totals);
	fprintf(stderr, "\r%" PRIu64 " entries, %" PRId64 " a second, %" PRId64 " s left   %s", totals.entries,
		(int64_t)totals.entries * 1000 / spent_ms,
		(int64_t)left * spent_ms / 1000 / ((int64_t)totals.entries + 1), left == 0 ? "\n" : "");
}

static bool run_entry(void *context, struct wn_slice body, uint64_t left, struct wn_error *err)
{
	struct replay_run *run = context;
	if (run->save && !journal_file_entry(run->save, body, err))
		return false;
	if (run->has_version && !replay_version_before(&run->version, run->replay, err))
		return false;
	if (!replay_entry(run->replay, body, err))
		return false;
	run_show(run, left);
	return true;
}

/* ---- where the journal comes from ---- */

/* The note promises a size: as many entries are fetched. Its signature and root are held against genesis' key and the
 * replay's tree when all are there. */
static bool note_size(struct replay_run *run, const struct node_view *view, uint64_t *out, struct wn_error *err)
{
	struct checkpoint checkpoint;
	if (!checkpoint_parse(run->note.data, run->note.bytes, &view->network, &view->checkpoint_key, &checkpoint, err))
		return false;
	*out = checkpoint.size;
	return true;
}

static bool run_node(struct replay_run *run, const struct options *options, struct wn_error *err)
{
	struct client client;
	uint64_t size;
	if (!client_open(&client, options, NULL, err))
		return false;
	bool ok = journal_fetch_note(client.fetch, &run->arena, &run->note, err) &&
		  note_size(run, &client.view, &size, err) && journal_fetch(client.fetch, size, run_entry, run, err) &&
		  (!run->save || journal_file_note(run->save, &run->arena, run->note, err));
	client_close(&client);
	return ok;
}

static bool run_file(struct replay_run *run, const char *path, struct wn_error *err)
{
	return journal_file_read(path, &run->arena, run_entry, run, &run->note, err) &&
	       (!run->save || run->note.bytes == 0 || journal_file_note(run->save, &run->arena, run->note, err));
}

/* Every entry is in the signed tree, and nothing else: the root follows from all of them. */
static bool checkpoint_check(struct replay_run *run, struct wn_error *err)
{
	struct replay_totals totals;
	struct sha256 root;
	uint64_t size;
	if (run->note.bytes == 0)
		return true;
	replay_totals(run->replay, &totals);
	replay_root(run->replay, &size, &root);
	if (!checkpoint_parse(
		    run->note.data, run->note.bytes, &totals.network, &totals.checkpoint_key, &run->checkpoint, err))
		return wn_while(err, "read the checkpoint by the key of genesis");
	if (run->checkpoint.size != size)
		return wn_fail(err, WN_INPUT, "replay_checkpoint",
			"the checkpoint has %" PRIu64 " entries, the journal %" PRIu64, run->checkpoint.size, size);
	return memcmp(run->checkpoint.root.bytes, root.bytes, ID_BYTES) == 0 ||
	       wn_fail(err, WN_INPUT, "replay_checkpoint",
		       "the root over the %" PRIu64 " entries is not the one that was signed", size);
}

static bool network_check(const struct replay_run *run, const char *expected, struct wn_error *err)
{
	struct replay_totals totals;
	struct network_id network;
	if (!expected)
		return true;
	if (!hex_read(network.bytes, ID_BYTES, expected, strlen(expected)))
		return wn_fail(err, WN_INPUT, "network_text", "a network is named by 64 hex digits");
	replay_totals(run->replay, &totals);
	return memcmp(totals.network.bytes, network.bytes, ID_BYTES) == 0 ||
	       wn_fail(err, WN_INPUT, "replay_network", "the journal is of another network");
}

static bool run_all(struct replay_run *run, const struct options *options, struct wn_error *err)
{
	struct replay_totals totals;
	const char *file = option_text(options, "file");
	if (!(file ? run_file(run, file, err) : run_node(run, options, err)) || !replay_finish(run->replay, err) ||
		!network_check(run, option_text(options, "network"), err) || !checkpoint_check(run, err))
		return false;
	if (!run->has_version)
		return true;
	replay_totals(run->replay, &totals);
	return replay_version_before(&run->version, run->replay, err) &&
	       replay_version_finish(&run->version, &totals, err);
}

/* ---- what is printed ---- */

static void put_totals(struct json_writer *answer, const struct replay_totals *totals)
{
	json_put_hex(answer, "network_id", totals->network.bytes, ID_BYTES);
	json_put_integer(answer, "entries", (int64_t)totals->entries);
	json_put_integer(answer, "epochs", totals->epochs);
	json_put_integer(answer, "closes", totals->closes);
	json_put_integer(answer, "recomputed", totals->recomputed);
	json_put_integer(answer, "waiting", totals->waiting);
	json_put_integer(answer, "items", totals->items);
	json_put_integer(answer, "duplicates", totals->duplicates);
	json_put_integer(answer, "verdicts", totals->verdicts);
	json_put_integer(answer, "accepted", totals->accepted);
	json_put_integer(answer, "rejected", totals->rejected);
	json_put_integer(answer, "void", totals->voided);
	json_put_integer(answer, "votes", totals->votes);
	json_put_integer(answer, "audit_votes", totals->audit_votes);
	json_put_integer(answer, "second_panels", totals->second_panels);
	json_put_integer(answer, "transfers", totals->transfers);
	json_put_integer(answer, "accounts", totals->accounts);
	json_put_amount(answer, "supply", totals->supply);
	json_put_amount(answer, "minted_units", totals->minted);
	json_put_amount(answer, "burned_units", totals->burned);
	json_put_hex(answer, "claims_root", totals->claims_root.bytes, ID_BYTES);
}

static void put_version(struct json_writer *answer, const struct replay_version *version)
{
	json_open_object(answer, "version");
	json_put_string(answer, "dataset", version->report.manifest.dataset);
	json_put_integer(answer, "version", version->report.manifest.version);
	json_put_integer(answer, "rows", version->report.rows);
	json_put_hex(answer, "row_root", version->report.row_root.bytes, ID_BYTES);
	json_put_bool(answer, "in_journal", version->told);
	json_put_bool(answer, "chosen_by_licence", version->row_licences);
	json_close_object(answer);
}

static bool print_json(struct replay_run *run, const struct wn_error *failure)
{
	struct replay_totals totals;
	struct wn_error err = {0};
	struct json_writer answer;
	struct wn_slice text;
	uint64_t position;
	wn_arena_reset(&run->arena);
	replay_totals(run->replay, &totals);
	const char *type = replay_difference(run->replay, &position);
	json_begin(&answer, &run->arena);
	json_open_object(&answer, NULL);
	json_put_bool(&answer, "ok", !failure);
	if (failure) {
		json_put_string(&answer, "code", failure->code);
		json_put_string(&answer, "text", failure->text);
	}
	if (type) {
		json_put_integer(&answer, "position", (int64_t)position);
		json_put_string(&answer, "type", type);
	}
	put_totals(&answer, &totals);
	json_put_integer(&answer, "checkpoint_size", (int64_t)run->checkpoint.size);
	if (run->has_version && !failure)
		put_version(&answer, &run->version);
	json_put_integer(&answer, "milliseconds", (int64_t)(run->seconds * 1000));
	json_close_object(&answer);
	if (!json_end(&answer, &text, &err))
		return false;
	printf("%s\n", text.data);
	return true;
}

static void print_text(const struct replay_run *run)
{
	struct replay_totals totals;
	char hex[ID_HEX_ROOM], supply[32], minted[32], burned[32];
	replay_totals(run->replay, &totals);
	printf("network            %s\n", hex_write(hex, totals.network.bytes, ID_BYTES));
	printf("entries            %" PRIu64 ", %s\n", totals.entries,
		run->checkpoint.size > 0 ? "exactly those of the signed checkpoint" : "without a checkpoint");
	printf("epochs             %" PRId64 " closed; %" PRId64 " closes recomputed, %" PRId64
	       " wait for second panels\n",
		totals.epochs, totals.recomputed, totals.waiting);
	printf("items              %" PRId64 ", %" PRId64 " of them repeats\n", totals.items, totals.duplicates);
	printf("verdicts           %" PRId64 " recomputed; final: %" PRId64 " accepted, %" PRId64 " rejected, %" PRId64
	       " undecided\n",
		totals.verdicts, totals.accepted, totals.rejected, totals.voided);
	printf("votes              %" PRId64 " and %" PRId64 " of audits, as they were sealed\n", totals.votes,
		totals.audit_votes);
	printf("supply             %s WIN after %" PRId64 " transfers; %s minted by closes, %s burned\n",
		amount_write(supply, totals.supply), totals.transfers, amount_write(minted, totals.minted),
		amount_write(burned, totals.burned));
	printf("claims root        %s\n", hex_write(hex, totals.claims_root.bytes, ID_BYTES));
	if (run->has_version)
		printf("dataset            %s, version %" PRId64 ": %" PRId64 " rows, %s%s\n",
			run->version.report.manifest.dataset, run->version.report.manifest.version,
			run->version.report.rows,
			run->version.row_licences
				? "all accepted (which others its licences leave out, only the items tell)"
				: "exactly the accepted items of its recipe",
			run->version.told ? "" : "; the journal does not tell of it yet");
	printf("seconds            %.1f\n", run->seconds);
}

/* ---- the command ---- */

static bool run_open(struct replay_run *run, const struct options *options, struct wn_error *err)
{
	struct replay_watch watch = {.final = run_final, .release = run_release, .context = run};
	const char *dir = option_text(options, "version"), *key_text = option_text(options, "key"),
		   *save = option_text(options, "save");
	struct minisign_public key;
	wn_arena_init(&run->arena, REPLAY_ARENA);
	if (!replay_open(&run->replay, &watch, err) || (key_text && !verify_key_read(key_text, &key, err)))
		return false;
	if (dir) {
		if (!replay_version_open(&run->version, dir, key_text ? &key : NULL, err))
			return false;
		run->has_version = true;
	}
	if (save && !(run->save = fopen(save, "wxe")))
		return wn_fail(err, WN_INPUT, "journal_file", "%s: %s", save, strerror(errno));
	return true;
}

static void run_close(struct replay_run *run)
{
	if (run->save)
		fclose(run->save);
	if (run->has_version)
		replay_version_close(&run->version);
	replay_close(run->replay);
	wn_arena_free(&run->arena);
}

static int replay_run(const struct options *options, int argc, char **argv)
{
	static struct replay_run run;
	struct wn_error err = {0};
	(void)argv;
	if (argc != 0)
		return command_usage(&command_replay);
	sign_start();
	run.started_ms = clock_monotonic_ms();
	run.shows = isatty(STDERR_FILENO);
	bool opened = run_open(&run, options, &err), good = opened && run_all(&run, options, &err);
	run.seconds = (double)(clock_monotonic_ms() - run.started_ms) / 1000;
	if (option_bool(options, "json") && run.replay)
		print_json(&run, good ? NULL : &err);
	else if (good)
		print_text(&run);
	int status = good ? EXIT_DONE : EXIT_FAILED_CHECK;
	if (!good && (!option_bool(options, "json") || !run.replay || err.blame == WN_DOWN))
		status = command_failed(&err);
	run_close(&run);
	return status;
}

static const struct option replay_options[] = {
	CLIENT_OPTION_NODE,
	{"file", OPTION_TEXT, NULL, 0, 0, "a saved journal instead of a node (- is the standard input)"},
	{"save", OPTION_TEXT, NULL, 0, 0,
		"keep the entries and the checkpoint in this new file, to replay them offline"},
	{"version", OPTION_TEXT, NULL, 0, 0,
		"folder of a dataset's version that must be exactly what the journal accepted"},
	{"key", OPTION_TEXT, NULL, 0, 0,
		"key that must have signed the version: minisign public key or did:key:z6Mk..."},
	{"network", OPTION_TEXT, NULL, 0, 0, "network id that the journal must have (64 hex digits); else its own"},
	{"json", OPTION_BOOL, "false", 0, 0, "print one JSON object"},
	{.name = NULL},
};
static const char *const replay_help[] = {
	"Streams the journal up to the newest checkpoint and believes none of its results: the tree's root, every "
	"transfer and",
	"balance, seats, sealed and opened votes, beacons, known-answer items, tallies, verdicts, points, pay, "
	"emission and",
	"claims roots are computed anew. The first difference is named with its entry's position and type; exit status "
	"1.",
	"Taken on trust, because the journal holds no more: that items are what their ids say (winnow verify knows), "
	"that a",
	"repeat repeats, that requests were signed, and that leases ended in time.",
	NULL,
};

const struct command command_replay = {
	.name = "replay",
	.usage = "replay [--node URL | --file JOURNAL.ndjson] [--version DIR] [--save FILE] [--json]",
	.summary = "recompute every balance and verdict from the journal alone",
	.help = replay_help,
	.options = replay_options,
	.run = replay_run,
};
