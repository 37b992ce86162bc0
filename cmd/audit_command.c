/* `winnow audit`: the operator's database against its own journal. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/client.h"
#include "core/clock.h"
#include "core/network_store.h"
#include "vote/audit.h"

enum { AUDIT_COMMAND_ARENA = 16 * 1024 * 1024, AUDIT_PROGRESS_MS = 200 };

struct audit_shown {
	int64_t started_ms, shown_ms;
};

static void audit_show(void *context, uint64_t entries, uint64_t entries_all)
{
	struct audit_shown *shown = context;
	int64_t now_ms = clock_monotonic_ms(), spent_ms = now_ms - shown->started_ms + 1;
	bool last = entries >= entries_all;
	if (!last && now_ms - shown->shown_ms < AUDIT_PROGRESS_MS)
		return;
	shown->shown_ms = now_ms;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " entries, %" PRId64 " a second   %s", entries, entries_all,
		(int64_t)entries * 1000 / spent_ms, last ? "\n" : "");
}

static bool audit_database(
	const struct options *options, struct wn_arena *arena, struct audit_report *report, struct wn_error *err)
{
	static struct node node;
	struct network_row network;
	struct audit_shown shown = {clock_monotonic_ms(), 0};
	struct db *db = NULL;
	bool found;
	if (!node_paths(&node, options, err) || !node_connect(&node, "winnow_audit", &db, err))
		return false;
	bool ok = network_store_get(db, arena, &network, &found, err) &&
		  (found || wn_fail(err, WN_INPUT, "node_no_network", "this database holds no network yet")) &&
		  audit_run(db, &network.network, &network.checkpoint_key, isatty(STDERR_FILENO) ? audit_show : NULL,
			  &shown, report, err);
	db_close(db);
	return ok;
}

static bool audit_print_json(struct wn_arena *arena, const struct audit_report *report, const struct wn_error *failure)
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
	}
	json_put_integer(&answer, "entries", (int64_t)report->totals.entries);
	json_put_integer(&answer, "checkpoints", (int64_t)report->journal.checkpoints);
	json_put_integer(&answer, "balances", report->balances);
	json_put_integer(&answer, "claims", report->claims);
	json_put_integer(&answer, "verdicts", report->verdicts);
	json_put_integer(&answer, "finals", report->finals);
	json_put_integer(&answer, "closes", report->closes);
	json_put_integer(&answer, "ballots", report->ballots);
	json_put_integer(&answer, "ballot_votes", report->votes);
	json_put_integer(&answer, "validators", report->validators);
	json_put_integer(&answer, "waiting", report->totals.waiting);
	json_close_object(&answer);
	if (!json_end(&answer, &text, &err))
		return false;
	printf("%s\n", text.data);
	return true;
}

static void audit_print(const struct audit_report *report)
{
	printf("journal       %" PRIu64 " entries, as %" PRIu64 " signed checkpoints say\n", report->journal.entries,
		report->journal.checkpoints);
	printf("ledger        %" PRId64 " accounts and %" PRId64 " claims, as %" PRId64 " transfers make them\n",
		report->balances, report->claims, report->totals.transfers);
	printf("verdicts      %" PRId64 " as the opened votes make them; %" PRId64 " items final, %" PRId64
	       " epochs closed\n",
		report->verdicts, report->finals, report->closes);
	printf("validators    %" PRId64 " records%s\n", report->validators,
		report->validators_wait ? " (not compared: a close waits for votes of second panels)" : "");
	printf("ballots       %" PRId64 ", each signed by its voter; %" PRId64
	       " votes sealed and opened, each with its ballot and its seat\n",
		report->ballots, report->votes);
}

static int audit_command_run(const struct options *options, int argc, char **argv)
{
	static struct audit_report report;
	struct wn_error err = {0};
	struct wn_arena arena;
	(void)argv;
	if (argc != 0)
		return command_usage(&command_audit);
	sign_start();
	wn_arena_init(&arena, AUDIT_COMMAND_ARENA);
	bool good = audit_database(options, &arena, &report, &err);
	int status = EXIT_DONE;
	if (!good) {
		/* A journal that contradicts itself is what an audit looks for, not a service that is away. */
		bool away = err.blame == WN_DOWN && strcmp(err.code, "journal_broken") != 0;
		status = away ? EXIT_CANNOT_REACH : EXIT_FAILED_CHECK;
	}
	if (option_bool(options, "json"))
		audit_print_json(&arena, &report, good ? NULL : &err);
	else if (good)
		audit_print(&report);
	else
		command_failed(&err);
	wn_arena_free(&arena);
	return status;
}

static const struct option audit_options[] = {
	{"json", OPTION_BOOL, "false", 0, 0, "print one JSON object"},
	{.name = NULL},
};
static const char *const audit_help[] = {
	"Run by the operator where the database can be reached, as its role winnow_audit, which can only read; the "
	"node may run",
	"meanwhile. Every entry is hashed into the tree again and held against every signed checkpoint, the whole "
	"journal is",
	"replayed, and each ledger account, claim, verdict, final item, closed epoch, validator's record and ballot is "
	"held",
	"against what the replay computes. The first difference is named with its table and row; exit status 1.",
	NULL,
};

const struct command command_audit = {
	.name = "audit",
	.usage = "audit [--json]",
	.summary = "hold the database against its journal and checkpoints",
	.help = audit_help,
	.options = audit_options,
	.run = audit_command_run,
};
