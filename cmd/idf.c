/* `winnow idf`: learns how much words tell, by language, from texts; a table for the hashed embedder. */
#include "cmd/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/text_lines.h"
#include "core/db.h"
#include "core/json.h"
#include "gpu_embed/hashed.h"
#include "gpu_embed/idf_store.h"
#include "gpu_embed/norm.h"

enum { IDF_ARENA_MAX = 64 << 20, IDF_PATH_ROOM = 4096, IDF_ENTRIES_USUAL = 1000000 };

struct learning {
	struct idf_learner *learner;
	struct norm norm;
	struct hashed hashed;
	struct text_part part;
	struct text_progress progress;
	int64_t long_texts; /* left out */
};

static bool learn_text(struct learning *learning, const char *language, struct wn_slice text, struct wn_error *err)
{
	if (text.bytes > NORM_BYTES_MAX) {
		learning->long_texts++;
		return true;
	}
	if (!norm_text(&learning->norm, text.data, text.bytes, err))
		return false;
	if (learning->norm.count > EMBED_POINTS_MAX) {
		learning->long_texts++;
		return true;
	}
	hashed_read(&learning->hashed, learning->norm.points, learning->norm.count);
	return idf_learner_add(learning->learner, language, learning->norm.points, learning->norm.count,
		learning->hashed.features, learning->hashed.count, err);
}

static bool learn_file(struct learning *learning, const char *path, struct wn_error *err)
{
	struct text_lines *lines;
	struct text_line line;
	bool end = false, good = true;
	if (!text_lines_open(&lines, path, err))
		return false;
	while (good) {
		good = text_lines_next(lines, &line, &end, err);
		if (!good || end)
			break;
		if (!text_part_has(&learning->part, line.number))
			continue;
		good = learn_text(learning, line.language, line.a, err) &&
		       (!line.b.data || learn_text(learning, line.language, line.b, err));
		text_progress_step(&learning->progress, path, lines);
	}
	text_lines_close(lines);
	return good;
}

static bool learn_page(struct learning *learning, struct wn_arena *arena, const struct idf_item *items, size_t count,
	struct wn_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct json *canonical;
		if (!json_parse(arena, items[i].canonical.data, items[i].canonical.bytes, &canonical, err))
			return wn_while(err, "read item %" PRId64, items[i].seq);
		if (!learn_text(learning, json_member_string(canonical, "language", NULL), items[i].content, err))
			return false;
		text_progress_step(&learning->progress, "items", NULL);
	}
	return true;
}

/* The node's texts, page by page in order of arrival. */
static bool learn_items(struct learning *learning, const struct options *options, struct wn_error *err)
{
	static struct node node;
	struct wn_arena arena;
	struct idf_item *items;
	struct db *db;
	size_t count;
	int64_t after = 0;
	bool good;
	if (!node_init(&node, options, err) || !node_connect(&node, "winnow_embed", &db, err))
		return false;
	wn_arena_init(&arena, IDF_ARENA_MAX);
	do {
		wn_arena_reset(&arena);
		good = idf_store_items(db, &arena, after, &items, &count, err) &&
		       learn_page(learning, &arena, items, count, err);
		after = good && count > 0 ? items[count - 1].seq : after;
	} while (good && count > 0);
	wn_arena_free(&arena);
	db_close(db);
	return good || wn_while(err, "learn from the node's items");
}

/* Beside its name first: a table that is cut short must not be found. */
static bool table_write(const char *path, const void *bytes, size_t count, struct wn_error *err)
{
	char partial[IDF_PATH_ROOM];
	if (snprintf(partial, sizeof partial, "%s.partial", path) >= (int)sizeof partial)
		return wn_fail(err, WN_INPUT, "idf_file", "the path of --out is too long");
	FILE *file = fopen(partial, "we");
	bool good = file && fwrite(bytes, 1, count, file) == count && fflush(file) == 0 && fsync(fileno(file)) == 0;
	if (file && fclose(file) != 0)
		good = false;
	if (good && rename(partial, path) == 0)
		return true;
	wn_fail(err, WN_DOWN, "idf_file", "write %s: %s", path, strerror(errno));
	unlink(partial);
	return false;
}

static bool idf_print_json(const struct idf *idf, const char *path, int64_t long_texts, struct wn_error *err)
{
	struct json_writer json;
	struct wn_arena arena;
	struct wn_slice text;
	wn_arena_init(&arena, IDF_ARENA_MAX);
	json_begin(&json, &arena);
	json_open_object(&json, NULL);
	json_put_string(&json, "file", path);
	json_put_hex(&json, "idf", idf_id(idf)->bytes, ID_BYTES);
	json_put_integer(&json, "weights", (int64_t)idf_entry_count(idf));
	json_put_integer(&json, "too_long", long_texts);
	json_open_array(&json, "sections");
	for (unsigned i = 0; i < idf_section_count(idf); i++) {
		const struct idf_section *section = idf_section(idf, i);
		json_open_object(&json, NULL);
		json_put_string(&json, "name", section->name);
		json_put_integer(&json, "texts", section->texts);
		json_put_integer(&json, "weights", section->entries);
		json_close_object(&json);
	}
	json_close_array(&json);
	json_close_object(&json);
	bool good = json_end(&json, &text, err);
	if (good)
		printf("%.*s\n", (int)text.bytes, text.data);
	wn_arena_free(&arena);
	return good;
}

static void idf_print(const struct idf *idf, const char *path, int64_t long_texts)
{
	char id[ID_HEX_ROOM];
	printf("%s: table of weights %s\n", path, hex_write(id, idf_id(idf)->bytes, ID_BYTES));
	for (unsigned i = 0; i < idf_section_count(idf); i++) {
		const struct idf_section *section = idf_section(idf, i);
		printf("  %-16s %9u different texts %9u weights\n", section->name, section->texts, section->entries);
	}
	if (long_texts)
		printf("%" PRId64 " texts were too long and left out\n", long_texts);
}

/* Written as anybody will read it: it is opened again and checked. */
static bool idf_finish(struct learning *learning, const struct options *options, struct wn_error *err)
{
	const char *out = option_text(options, "out");
	struct idf *idf;
	void *bytes;
	size_t count;
	if (!idf_learner_write(learning->learner, (size_t)option_integer(options, "weights"), &bytes, &count, err))
		return false;
	bool good = table_write(out, bytes, count, err);
	free(bytes);
	if (!good || !idf_open(&idf, out, err))
		return false;
	if (option_bool(options, "json"))
		good = idf_print_json(idf, out, learning->long_texts, err);
	else
		idf_print(idf, out, learning->long_texts);
	idf_close(idf);
	return good;
}

/* --show: nothing is learnt. */
static int idf_show(const struct options *options, const char *path)
{
	struct wn_error err = {0};
	struct idf *idf;
	if (!idf_open(&idf, path, &err))
		return command_failed(&err);
	bool good = true;
	if (option_bool(options, "json"))
		good = idf_print_json(idf, path, 0, &err);
	else
		idf_print(idf, path, 0);
	idf_close(idf);
	return good ? EXIT_DONE : command_failed(&err);
}

static int idf_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct learning *learning;
	bool items = option_bool(options, "items");
	if (option_text(options, "show") && argc == 0)
		return idf_show(options, option_text(options, "show"));
	if (argc > TEXT_FILES_MAX || (argc == 0) != items || !option_text(options, "out"))
		return command_usage(&command_idf);
	learning = calloc(1, sizeof *learning);
	bool good = learning || wn_fail(&err, WN_FULL, "memory", "no room to learn weights");
	good = good && norm_start(&err) && text_part_read(option_text(options, "part"), &learning->part, &err) &&
	       idf_learner_open(&learning->learner, &err);
	if (good)
		text_progress_start(&learning->progress, "texts");
	good = good && (!items || learn_items(learning, options, &err));
	for (int i = 0; good && i < argc; i++)
		good = learn_file(learning, argv[i], &err);
	if (good)
		text_progress_end(&learning->progress);
	good = good && idf_finish(learning, options, &err);
	if (learning)
		idf_learner_close(learning->learner);
	free(learning);
	return good ? EXIT_DONE : command_failed(&err);
}

static const struct option idf_options[] = {
	{"out", OPTION_TEXT, NULL, 0, 0, "the file to write"},
	{"items", OPTION_BOOL, "false", 0, 0, "learn from the texts that this node keeps, not from files"},
	{"part", OPTION_TEXT, NULL, 0, 0, "I/N: only lines whose number leaves I when divided by N"},
	{"weights", OPTION_INTEGER, "1000000", 1, IDF_ENTRIES_MAX,
		"at most so many weights; the rarest features go first"},
	{"show", OPTION_TEXT, NULL, 0, 0, "a table: check it, and tell its id and its sections; nothing is learnt"},
	{"json", OPTION_BOOL, "false", 0, 0, "print one JSON object"},
	{.name = NULL},
};
static const char *const idf_help[] = {
	"FILE is NDJSON, gzipped or not: lines with \"text\" or \"content\", or pairs \"a\" and \"b\" (whatever people "
	"said of "
	"them is not read),",
	"and \"lang\" or \"language\" where it is known; where not, the script of the letters takes its place. A text "
	"counts "
	"once, however",
	"often it comes. The table's id is the SHA-256 of the file: the same texts give the same table.",
	"",
	"A node uses a table by --embed.idf FILE (winnow up, winnow embed) from then on; vectors of items that came "
	"before "
	"keep the number",
	"of theirs, and only vectors of one table are ever compared. docs/embedding.md tells more.",
	NULL,
};

const struct command command_idf = {
	.name = "idf",
	.usage = "idf --out TABLE FILE... | --out TABLE --items | --show TABLE  [--part I/N] [--weights N] [--json]",
	.summary = "learn how much words tell, for the embedder",
	.help = idf_help,
	.options = idf_options,
	.run = idf_run,
};
