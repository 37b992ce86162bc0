/* Files of a recorded campaign, checked line by line: what does not fit is named with its place. */
#include "cmd/recording.h"

#include <csv.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/utf8.h"

enum { RECORDING_PATH_MAX = 4096, RECORDING_FIELDS = 3, RECORDING_FIELD_MAX = 1024 };

static bool file_read(struct wn_arena *arena, const char *folder, const char *name, struct wn_slice *out, bool *missing,
	struct wn_error *err)
{
	char path[RECORDING_PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "re");
	*missing = !file && errno == ENOENT;
	if (!file)
		return wn_fail(err, WN_INPUT, "recording_file", "open %s: %s", path, strerror(errno));
	if (fseek(file, 0, SEEK_END) != 0 || ftell(file) < 0 || ftell(file) > RECORDING_FILE_MAX) {
		fclose(file);
		return wn_fail(err, WN_INPUT, "recording_file", "%s cannot be read or has more than %d bytes", path,
			RECORDING_FILE_MAX);
	}
	size_t bytes = (size_t)ftell(file);
	rewind(file);
	char *text = wn_arena_alloc(arena, bytes + 1);
	bool whole = text && fread(text, 1, bytes, file) == bytes;
	fclose(file);
	*out = (struct wn_slice){text, bytes};
	return whole || wn_fail(err, text ? WN_DOWN : WN_FULL, "recording_file", "read %s", path);
}

/* ---- names to numbers ------------------------------------------------------------------------------------------- */

/* Open addressing over names in the arena; half empty at most. */
struct names {
	const char **names;
	uint32_t *values;
	size_t room, count;
};

static bool names_init(struct names *names, struct wn_arena *arena, size_t most, struct wn_error *err)
{
	names->room = 16;
	while (names->room < 2 * most)
		names->room *= 2;
	names->names = wn_arena_array(arena, names->room, sizeof *names->names);
	names->values = wn_arena_array(arena, names->room, sizeof *names->values);
	names->count = 0;
	return (names->names && names->values) || wn_fail(err, WN_FULL, "memory", "no room for %zu names", most);
}

/* The place of a name: its own, or the free one where it belongs. */
static size_t names_place(const struct names *names, const char *name)
{
	size_t place = memory_hash(name, strlen(name)) & (names->room - 1);
	while (names->names[place] && strcmp(names->names[place], name) != 0)
		place = (place + 1) & (names->room - 1);
	return place;
}

/* ---- CSV ----------------------------------------------------------------------------------------------------- */

struct table {
	struct wn_arena *arena;
	const char *name;
	const char *const *columns; /* wanted header, NULL-terminated */
	int column_count;
	bool (*row)(struct table *table, const char *const fields[], struct wn_error *err);
	void *context;
	int64_t line; /* of the file, as an editor counts; a record over several lines is named by its last */
	bool header_seen;
	const char *fields[RECORDING_FIELDS];
	int field_count;
	bool failed;
	struct wn_error *err;
};

static void table_field(void *bytes, size_t count, void *context)
{
	struct table *table = context;
	if (table->failed || table->field_count >= table->column_count) {
		table->field_count++;
		return;
	}
	if (count > RECORDING_FIELD_MAX || !utf8_valid(bytes, count, NULL) || memchr(bytes, 0, count)) {
		table->failed = true;
		wn_fail(table->err, WN_INPUT, "recording_field", "%s line %lld: a field is UTF-8 of at most %d bytes",
			table->name, (long long)table->line, RECORDING_FIELD_MAX);
		return;
	}
	table->fields[table->field_count++] = wn_arena_copy(table->arena, bytes ? bytes : "", count);
}

static bool table_header(const struct table *table)
{
	return wn_fail(table->err, WN_INPUT, "recording_header", "%s begins with the header %s,%s%s%s", table->name,
		table->columns[0], table->columns[1], table->column_count > 2 ? "," : "",
		table->column_count > 2 ? table->columns[2] : "");
}

static void table_line(int end, void *context)
{
	struct table *table = context;
	(void)end;
	bool is_header = !table->header_seen;
	int count = table->field_count;
	table->header_seen = true;
	table->field_count = 0;
	if (table->failed)
		return;
	if (count != table->column_count) {
		table->failed = true;
		wn_fail(table->err, WN_INPUT, "recording_row", "%s line %lld has %d fields, not %d", table->name,
			(long long)table->line, count, table->column_count);
		return;
	}
	if (!is_header) {
		table->failed = !table->row(table, table->fields, table->err);
		return;
	}
	for (int i = 0; i < count && !table->failed; i++)
		if (!table->fields[i] || strcmp(table->fields[i], table->columns[i]) != 0)
			table->failed = !table_header(table);
}

/* Line by line, because the parser does not tell where it is. */
static bool table_parse(struct table *table, struct csv_parser *parser, struct wn_slice text)
{
	for (size_t at = 0; at < text.bytes;) {
		const char *end = memchr(text.data + at, '\n', text.bytes - at);
		size_t bytes = end ? (size_t)(end - text.data) - at + 1 : text.bytes - at;
		table->line++;
		if (csv_parse(parser, text.data + at, bytes, table_field, table_line, table) != bytes)
			return false;
		at += bytes;
	}
	return csv_fini(parser, table_field, table_line, table) == 0;
}

static bool table_read(struct table *table, const char *folder, const char *name, bool *missing, struct wn_error *err)
{
	struct csv_parser parser;
	struct wn_slice text;
	table->name = name;
	table->err = err;
	if (!file_read(table->arena, folder, name, &text, missing, err))
		return false;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return wn_fail(err, WN_FULL, "memory", "no room to read %s", name);
	bool done = table_parse(table, &parser, text);
	int why = csv_error(&parser);
	csv_free(&parser);
	if (!done)
		return wn_fail(err, WN_INPUT, "recording_csv", "%s line %lld: %s", name, (long long)table->line,
			csv_strerror(why));
	return !table->failed && (table->header_seen || table_header(table));
}

/* ---- posts, votes, truth ---------------------------------------------------------------------------------------- */

struct reading {
	struct recording *recording;
	struct names posts, workers;
	struct row {
		uint32_t post, worker;
		int8_t class;
	} * rows; /* votes in file order */
	size_t row_count, row_room;
};

static bool post_add(
	struct wn_arena *arena, struct reading *reading, const struct json *line, size_t number, struct wn_error *err)
{
	struct recording *recording = reading->recording;
	const char *id = json_member_string(line, "id", NULL);
	const struct json *text = json_get(line, "text");
	if (!id || !*id || !text || text->type != JSON_STRING)
		return wn_fail(err, WN_INPUT, "recording_post",
			"posts.ndjson line %zu is not {\"id\": \"...\", \"text\": \"...\"}", number);
	size_t place = names_place(&reading->posts, id);
	if (reading->posts.names[place])
		return wn_fail(err, WN_INPUT, "recording_post_twice", "posts.ndjson line %zu: the id %s stands twice",
			number, id);
	struct recording_post *post = &recording->posts[recording->post_count];
	post->id = wn_arena_copy(arena, id, strlen(id));
	post->text = text->text;
	post->truth = -1;
	reading->posts.names[place] = post->id;
	reading->posts.values[place] = (uint32_t)recording->post_count++;
	return post->id || wn_fail(err, WN_FULL, "memory", "no room for posts");
}

static bool is_blank(const char *line, size_t bytes)
{
	while (bytes > 0 && strchr(" \t\r", line[bytes - 1]) && line[bytes - 1])
		bytes--;
	return bytes == 0;
}

static bool posts_read(struct wn_arena *arena, const char *folder, struct reading *reading, struct wn_error *err)
{
	struct wn_slice text;
	bool missing;
	size_t lines = 1, number = 0, at = 0;
	if (!file_read(arena, folder, "posts.ndjson", &text, &missing, err))
		return false;
	for (size_t i = 0; i < text.bytes; i++)
		lines += text.data[i] == '\n';
	if (lines > RECORDING_POSTS_MAX)
		return wn_fail(
			err, WN_INPUT, "recording_posts", "posts.ndjson has more than %d lines", RECORDING_POSTS_MAX);
	reading->recording->posts = wn_arena_array(arena, lines, sizeof *reading->recording->posts);
	if (!reading->recording->posts || !names_init(&reading->posts, arena, lines, err))
		return wn_fail(err, WN_FULL, "memory", "no room for %zu posts", lines);
	while (at < text.bytes) {
		const char *end = memchr(text.data + at, '\n', text.bytes - at);
		size_t bytes = end ? (size_t)(end - text.data) - at : text.bytes - at;
		const struct json *line;
		number++;
		if (!is_blank(text.data + at, bytes) && (!json_parse(arena, text.data + at, bytes, &line, err) ||
								!post_add(arena, reading, line, number, err)))
			return wn_while(err, "posts.ndjson line %zu", number);
		at += bytes + 1;
	}
	return reading->recording->post_count > 0 ||
	       wn_fail(err, WN_INPUT, "recording_posts", "posts.ndjson holds no post");
}

static bool post_find(
	const struct reading *reading, const struct table *table, const char *id, uint32_t *post, struct wn_error *err)
{
	size_t place = names_place(&reading->posts, id);
	if (!reading->posts.names[place])
		return wn_fail(err, WN_INPUT, "recording_post_unknown", "%s line %lld: there is no post %s",
			table->name, (long long)table->line, id);
	*post = reading->posts.values[place];
	return true;
}

static bool choice_find(const struct recording *recording, const struct table *table, const char *choice, int *class,
	struct wn_error *err)
{
	*class = campaign_class(&recording->campaign, choice);
	return *class >= -1 ||
	       wn_fail(err, WN_INPUT, "recording_choice", "%s line %lld: campaign.json has no choice %s", table->name,
		       (long long)table->line, choice);
}

static bool vote_row(struct table *table, const char *const fields[], struct wn_error *err)
{
	struct reading *reading = table->context;
	struct recording *recording = reading->recording;
	uint32_t post = 0;
	int class;
	if (!post_find(reading, table, fields[0], &post, err) || !choice_find(recording, table, fields[2], &class, err))
		return false;
	size_t place = names_place(&reading->workers, fields[1]);
	if (!reading->workers.names[place]) {
		if (recording->worker_count == RECORDING_WORKERS_MAX)
			return wn_fail(err, WN_INPUT, "recording_workers", "votes.csv names more than %d workers",
				RECORDING_WORKERS_MAX);
		reading->workers.names[place] = fields[1];
		reading->workers.values[place] = (uint32_t)recording->worker_count;
		recording->workers[recording->worker_count++] = fields[1];
	}
	if (class < 0) {
		recording->abstained++;
		return true;
	}
	if (reading->row_count == reading->row_room)
		return wn_fail(
			err, WN_INPUT, "recording_votes", "votes.csv has more than %d votes", RECORDING_VOTES_MAX);
	reading->rows[reading->row_count++] = (struct row){post, reading->workers.values[place], (int8_t) class};
	recording->posts[post].vote_count++;
	return true;
}

static bool truth_row(struct table *table, const char *const fields[], struct wn_error *err)
{
	struct reading *reading = table->context;
	uint32_t post = 0;
	int class;
	if (!post_find(reading, table, fields[0], &post, err) ||
		!choice_find(reading->recording, table, fields[1], &class, err))
		return false;
	reading->recording->posts[post].truth = (int8_t) class;
	return true;
}

/* Votes to their posts, in file order; a worker's second vote on a post is left out, as the node would refuse it. */
static bool votes_sort(struct wn_arena *arena, struct reading *reading, struct wn_error *err)
{
	struct recording *recording = reading->recording;
	for (size_t i = 0; i < recording->post_count; i++) {
		struct recording_post *post = &recording->posts[i];
		post->votes = wn_arena_array(arena, post->vote_count, sizeof *post->votes);
		if (!post->votes)
			return wn_fail(err, WN_FULL, "memory", "no room for votes");
		post->vote_count = 0;
	}
	for (size_t i = 0; i < reading->row_count; i++) {
		struct recording_post *post = &recording->posts[reading->rows[i].post];
		bool again = false;
		for (uint32_t j = 0; j < post->vote_count && !again; j++)
			again = post->votes[j].worker == reading->rows[i].worker;
		if (again) {
			recording->repeated++;
			continue;
		}
		post->votes[post->vote_count++] =
			(struct recording_vote){reading->rows[i].worker, reading->rows[i].class};
		recording->vote_count++;
	}
	return true;
}

static bool votes_read(struct wn_arena *arena, const char *folder, struct reading *reading, struct wn_error *err)
{
	static const char *const columns[] = {"post", "worker", "choice", NULL};
	struct table table = {
		.arena = arena, .columns = columns, .column_count = 3, .row = vote_row, .context = reading};
	struct wn_slice text;
	bool missing;
	size_t lines = 1;
	/* Read once to count, once to take: rows must lie side by side. */
	if (!file_read(arena, folder, "votes.csv", &text, &missing, err))
		return false;
	for (size_t i = 0; i < text.bytes; i++)
		lines += text.data[i] == '\n';
	reading->row_room = lines < RECORDING_VOTES_MAX ? lines : RECORDING_VOTES_MAX;
	reading->rows = wn_arena_array(arena, reading->row_room, sizeof *reading->rows);
	reading->recording->workers = wn_arena_array(arena, RECORDING_WORKERS_MAX, sizeof *reading->recording->workers);
	if (!reading->rows || !reading->recording->workers ||
		!names_init(&reading->workers, arena, RECORDING_WORKERS_MAX, err))
		return wn_fail(err, WN_FULL, "memory", "no room for %zu votes", lines);
	return table_read(&table, folder, "votes.csv", &missing, err) && votes_sort(arena, reading, err);
}

static bool truth_read(struct wn_arena *arena, const char *folder, struct reading *reading, struct wn_error *err)
{
	static const char *const columns[] = {"post", "choice", NULL};
	struct table table = {
		.arena = arena, .columns = columns, .column_count = 2, .row = truth_row, .context = reading};
	bool missing;
	reading->recording->has_truth = table_read(&table, folder, "truth.csv", &missing, err);
	if (reading->recording->has_truth)
		return true;
	if (!missing)
		return false;
	wn_error_reset(err);
	return true;
}

bool recording_read(struct wn_arena *arena, const char *folder, struct recording *out, struct wn_error *err)
{
	struct reading reading = {.recording = out};
	struct wn_slice text;
	bool missing;
	memset(out, 0, sizeof *out);
	if (!file_read(arena, folder, "campaign.json", &text, &missing, err))
		return false;
	if (!json_parse(arena, text.data, text.bytes, &out->document, err) ||
		!campaign_parse(out->document, &out->campaign, err))
		return wn_while(err, "campaign.json");
	if (out->campaign.kind != ITEM_TEXT)
		return wn_fail(err, WN_INPUT, "recording_kind", "a backtest runs campaigns of kind text");
	return posts_read(arena, folder, &reading, err) && votes_read(arena, folder, &reading, err) &&
	       truth_read(arena, folder, &reading, err);
}

int64_t recording_majority_ppm(const struct recording *recording, uint32_t most)
{
	int64_t known = 0, right = 0;
	for (size_t i = 0; i < recording->post_count; i++) {
		const struct recording_post *post = &recording->posts[i];
		uint32_t counts[CAMPAIGN_CHOICES_MAX] = {0};
		int best = 0;
		if (post->truth < 0)
			continue;
		for (uint32_t v = 0; v < post->vote_count && v < most; v++)
			counts[post->votes[v].class]++;
		for (int a = 1; a < recording->campaign.class_count; a++)
			if (counts[a] > counts[best])
				best = a;
		known++;
		right += best == post->truth;
	}
	return known ? right * 1000000 / known : 0;
}
