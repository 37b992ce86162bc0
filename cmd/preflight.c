/* `winnow preflight`: the checks of a submission, offline, with the code that the node uses. */
#include "cmd/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/item_lines.h"
#include "core/clock.h"
#include "ingest/item.h"

enum { PREFLIGHT_ARENA = 16 * 1024 * 1024, PREFLIGHT_DOCUMENT_MAX = 65536 };

/* Without a campaign's document only what holds everywhere is checked. */
static const char preflight_any[] =
	"{\"name\":\"any\",\"question\":\"?\",\"licence\":\"other\","
	"\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\",\"verdict\":\"keep\"}]}";

static bool campaign_load(struct wn_arena *arena, const char *path, struct campaign *out, struct wn_error *err)
{
	const struct json *document;
	struct wn_slice text = WN_SLICE(preflight_any);
	if (path) {
		FILE *file = fopen(path, "re");
		char *bytes = wn_arena_alloc(arena, PREFLIGHT_DOCUMENT_MAX + 1);
		if (!file || !bytes) {
			wn_fail(err, WN_INPUT, "file_open", "%s: %s", path, file ? "no room" : strerror(errno));
			if (file)
				fclose(file);
			return false;
		}
		text = (struct wn_slice){bytes, fread(bytes, 1, PREFLIGHT_DOCUMENT_MAX + 1, file)};
		fclose(file);
		if (text.bytes > PREFLIGHT_DOCUMENT_MAX)
			return wn_fail(
				err, WN_INPUT, "campaign_long", "%s is longer than a campaign's document may be", path);
	}
	return (json_parse(arena, text.data, text.bytes, &document, err) && campaign_parse(document, out, err)) ||
	       wn_while(err, "read the campaign");
}

static bool preflight_file(struct wn_arena *arena, struct item_lines *lines, const struct item_rules *rules,
	int64_t *good, int64_t *bad, struct wn_error *err)
{
	static struct item item;
	struct item_answer answer;
	struct wn_slice line;
	int64_t number;
	bool too_long;
	*good = *bad = 0;
	for (;;) {
		if (!item_lines_next(lines, &line, &number, &too_long, err))
			return false;
		if (!line.data)
			return true;
		wn_arena_reset(arena);
		if (!item_check_json(arena, line.data, line.bytes + too_long, rules, &item, &answer, err))
			return wn_while(err, "check line %" PRId64, number);
		if (answer.result == ITEM_DONE) {
			++*good;
			continue;
		}
		++*bad;
		printf("%" PRId64 "\trefused\t%s\t%s\n", number, answer.code, answer.detail);
	}
}

static int preflight_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct wn_arena document, arena;
	static struct campaign campaign;
	struct item_lines *lines;
	int64_t good = 0, bad = 0;
	if (argc != 1)
		return command_usage(&command_preflight);
	wn_arena_init(&document, PREFLIGHT_ARENA);
	wn_arena_init(&arena, PREFLIGHT_ARENA);
	bool ok = campaign_load(&document, option_text(options, "campaign"), &campaign, &err) &&
		  item_lines_open(&lines, argv[0], &err);
	if (ok) {
		/* The author's pseudonym does not matter here: it has the same length for everybody. */
		struct item_rules rules = {.campaign = &campaign, .now_ms = clock_wall_ms()};
		ok = preflight_file(&arena, lines, &rules, &good, &bad, &err);
		item_lines_close(lines);
	}
	wn_arena_free(&arena);
	wn_arena_free(&document);
	if (!ok)
		return command_failed(&err);
	printf("good %" PRId64 ", refused %" PRId64 "\n", good, bad);
	return bad > 0 ? EXIT_FAILED_CHECK : EXIT_DONE;
}

static const struct option preflight_options[] = {
	{"campaign", OPTION_TEXT, NULL, 0, 0,
		"file with the campaign's document; without it only the general limits are checked"},
	{.name = NULL},
};
static const char *const preflight_help[] = {
	"Reads one item a line (- is the standard input), stores and sends nothing, names every line that a node would "
	"refuse.",
	"Duplicates are found by the node: submit tells what repeats what.",
	NULL,
};

const struct command command_preflight = {
	.name = "preflight",
	.usage = "preflight FILE.ndjson [--campaign FILE]",
	.summary = "check items before they are submitted",
	.help = preflight_help,
	.options = preflight_options,
	.run = preflight_run,
};
