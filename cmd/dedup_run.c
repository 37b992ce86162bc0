/* Two chunks of lines: while the crew parses and signs the one, the other is linked, written and filled again. */
#include "cmd/dedup_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dedup_lines.h"
#include "core/json.h"
#include "gpu_embed/crew.h"
#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"

enum {
	DEDUP_CAMPAIGN = 1,
	PART_LINES = 64,       /* that a thread takes at a time */
	LINE_ARENA = 64 << 20, /* of one line's JSON */
	LINK_AHEAD = 4,
};
#define CHUNK_ARENA ((size_t)1 << 31) /* of what a thread keeps of a chunk: texts, signatures */

/* What a line turned out to be. */
struct dedup_line {
	bool bad;
	char code[WN_CODE_MAX];
	const char *detail;
	struct wn_slice id; /* as JSON */
	struct signed_content *content;
};

/* A chunk, and what was made of it. */
struct dedup_turn {
	struct dedup_chunk chunk;
	struct dedup_line *lines;
	size_t room;
	struct wn_arena arenas[CREW_THREADS_MAX]; /* one a thread, so that nobody waits for another */
};

struct dedup_work {
	const struct dedup_plan *plan;
	struct crew *crew;
	struct signer *signers[CREW_THREADS_MAX];
	struct wn_arena scratch[CREW_THREADS_MAX]; /* of the line that is parsed */
	struct dedup_turn turns[2], *turn;	   /* the one that is worked on */
	struct linker *linker;
	struct wn_arena out_arena;
	struct dedup_summary sum;
};

/* ---- a line: from its bytes to a signed text ---- */

/* The member that a path names: the whole of it first, since names may hold dots. */
static const struct json *member_find(const struct json *object, const char *path)
{
	char name[DEDUP_FIELD_MAX];
	const struct json *value = json_get(object, path);
	const char *dot = value ? NULL : strchr(path, '.');
	if (!dot)
		return value;
	size_t bytes = (size_t)(dot - path);
	wn_assert(bytes < sizeof name);
	memcpy(name, path, bytes);
	name[bytes] = '\0';
	value = json_get(object, name);
	return value ? member_find(value, dot + 1) : NULL;
}

static bool line_bad(struct dedup_line *line, struct wn_arena *keep, const struct wn_error *why, struct wn_error *err)
{
	line->bad = true;
	memcpy(line->code, why->code, sizeof line->code);
	line->detail = wn_arena_printf(keep, "%s", why->text);
	return line->detail || wn_fail(err, WN_FULL, "memory", "no room for a line's failure");
}

/* Strings and numbers are ids; everything else is null. */
static bool id_keep(struct wn_arena *keep, const struct json *id, struct wn_slice *out, struct wn_error *err)
{
	struct wn_text text;
	*out = WN_SLICE("null");
	if (!id || (id->type != JSON_STRING && id->type != JSON_NUMBER))
		return true;
	wn_text_init(&text, keep);
	if (id->type == JSON_STRING)
		json_quote(&text, id->text);
	else
		wn_text_add(&text, id->text.data, id->text.bytes);
	*out = (struct wn_slice){text.data, text.bytes};
	return !text.full || wn_fail(err, WN_FULL, "memory", "no room for ids");
}

static bool line_blank(struct wn_slice line)
{
	for (size_t i = 0; i < line.bytes; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

static bool line_parse(struct dedup_work *work, unsigned thread, struct wn_slice bytes, struct dedup_line *line,
	struct signed_content *content, struct wn_error *err)
{
	struct wn_arena *scratch = &work->scratch[thread], *keep = &work->turn->arenas[thread];
	const struct json *object = NULL;
	struct wn_error why = {0};
	*line = (struct dedup_line){.id = WN_SLICE("null")};
	wn_arena_reset(scratch);
	if (bytes.bytes > DEDUP_LINE_MAX)
		wn_fail(&why, WN_INPUT, "dedup_long", "a line of more than %d bytes", DEDUP_LINE_MAX);
	else if (line_blank(bytes))
		wn_fail(&why, WN_INPUT, "dedup_blank", "a line without anything");
	else
		json_parse(scratch, bytes.data, bytes.bytes, &object, &why);
	if (why.blame != WN_NONE)
		return line_bad(line, keep, &why, err);
	if (!id_keep(keep, member_find(object, work->plan->id), &line->id, err))
		return false;
	const struct json *text = member_find(object, work->plan->field);
	if (!text || text->type != JSON_STRING) {
		wn_fail(&why, WN_INPUT, "dedup_no_text", "there is no string \"%s\"", work->plan->field);
		return line_bad(line, keep, &why, err);
	}
	content->kind = ITEM_TEXT;
	content->content = (struct wn_slice){wn_arena_copy(keep, text->text.data, text->text.bytes), text->text.bytes};
	return content->content.data || wn_fail(err, WN_FULL, "memory", "no room for texts");
}

static bool part_do(void *context, unsigned thread, size_t part, struct wn_error *err)
{
	struct dedup_work *work = context;
	struct dedup_turn *turn = work->turn;
	size_t first = part * PART_LINES, texts = 0;
	size_t count = turn->chunk.count - first < PART_LINES ? turn->chunk.count - first : PART_LINES;
	struct signed_content *contents = wn_arena_array(&turn->arenas[thread], count, sizeof *contents);
	if (!contents)
		return wn_fail(err, WN_FULL, "memory", "no room for texts");
	for (size_t i = first; i < first + count; i++) {
		struct dedup_line *line = &turn->lines[i];
		if (!line_parse(work, thread, turn->chunk.lines[i], line, &contents[texts], err))
			return false;
		if (!line->bad)
			line->content = &contents[texts++];
	}
	return signer_sign(work->signers[thread], &turn->arenas[thread], contents, texts, err);
}

/* ---- linking and writing ---- */

/* Ids are the lines' numbers, so that the least id of a cluster is its first line. */
static void line_id(int64_t number, struct item_id *out)
{
	*out = (struct item_id){{0}};
	for (unsigned i = 0; i < 8; i++)
		out->bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
}

static int64_t line_number(const struct item_id *id)
{
	uint64_t number = 0;
	for (unsigned i = 0; i < 8; i++)
		number = number << 8 | id->bytes[i];
	return (int64_t)number;
}

static struct linker_post line_post(const struct dedup_work *work, int64_t number, const struct signed_content *content)
{
	struct linker_post post = {.seq = number,
		.campaign = DEDUP_CAMPAIGN,
		.numerator = work->plan->numerator,
		.denominator = work->plan->denominator,
		.raw = content->raw,
		.normal = content->normal,
		.near = content->near,
		.digits = content->digits,
		.lanes = content->lanes,
		.keys = content->keys,
		.key_stride = content->key_stride,
		.shingles = content->shingles,
		.size = content->size};
	line_id(number, &post.item);
	return post;
}

static void verdict_count(struct dedup_summary *sum, const struct linker_verdict *verdict)
{
	sum->texts++;
	sum->origins += verdict->method == DUP_NONE;
	sum->exact += verdict->method == DUP_EXACT;
	sum->normalised += verdict->method == DUP_NORMALISED;
	sum->near += verdict->method == DUP_MINHASH;
}

/* One line of the output behind the others of its chunk. */
static bool line_decide(struct dedup_work *work, const struct dedup_line *line, int64_t number, struct wn_text *text,
	struct wn_error *err)
{
	struct linker_verdict verdict;
	work->sum.lines++;
	wn_text_printf(text, "{\"line\":%" PRId64 ",\"id\":", number);
	wn_text_add(text, line->id.data, line->id.bytes);
	if (line->bad) {
		work->sum.bad++;
		wn_text_printf(text, ",\"code\":\"%s\",\"detail\":", line->code);
		json_quote(text, wn_slice_of(line->detail));
		wn_text_add_string(text, "}\n");
		return true;
	}
	struct linker_post post = line_post(work, number, line->content);
	if (!linker_link(work->linker, &post, &verdict, err))
		return wn_while(err, "line %" PRId64, number);
	verdict_count(&work->sum, &verdict);
	work->sum.text_bytes += (int64_t)line->content->content.bytes;
	wn_text_printf(text,
		",\"origin\":%" PRId64 ",\"cluster\":%" PRId64
		",\"method\":\"%s\",\"numerator\":%d,\"denominator\":%d}\n",
		line_number(&verdict.origin), line_number(&verdict.cluster), dup_method_name(verdict.method),
		verdict.numerator, verdict.denominator);
	return true;
}

static bool turn_link(struct dedup_work *work, const struct dedup_turn *turn, struct wn_error *err)
{
	struct wn_text text;
	wn_arena_reset(&work->out_arena);
	wn_text_init(&text, &work->out_arena);
	bool linked = true;
	for (size_t i = 0; linked && i < turn->chunk.count; i++) {
		if (i + LINK_AHEAD < turn->chunk.count && !turn->lines[i + LINK_AHEAD].bad) {
			struct linker_post ahead = line_post(work, 0, turn->lines[i + LINK_AHEAD].content);
			linker_prefetch(work->linker, &ahead);
		}
		linked = line_decide(work, &turn->lines[i], turn->chunk.first + (int64_t)i, &text, err);
	}
	if (text.full)
		return wn_fail(err, WN_FULL, "memory", "no room for the lines of a chunk");
	if (fwrite(text.data, 1, text.bytes, work->plan->out) != text.bytes)
		return wn_fail(err, WN_FULL, "dedup_write", "%s", strerror(errno));
	return linked;
}

/* ---- the whole ---- */

static bool work_open(struct dedup_work *work, struct wn_error *err)
{
	for (unsigned i = 0; i < work->plan->threads; i++) {
		wn_arena_init(&work->scratch[i], LINE_ARENA);
		wn_arena_init(&work->turns[0].arenas[i], CHUNK_ARENA);
		wn_arena_init(&work->turns[1].arenas[i], CHUNK_ARENA);
		if (!signer_open(&work->signers[i], NULL, err))
			return false;
	}
	wn_arena_init(&work->out_arena, CHUNK_ARENA);
	return linker_open(&work->linker, err) && crew_open(&work->crew, work->plan->threads, err);
}

static void work_close(struct dedup_work *work)
{
	crew_close(work->crew);
	linker_close(work->linker);
	for (unsigned i = 0; i < work->plan->threads; i++) {
		wn_arena_free(&work->scratch[i]);
		wn_arena_free(&work->turns[0].arenas[i]);
		wn_arena_free(&work->turns[1].arenas[i]);
		signer_close(work->signers[i]);
	}
	wn_arena_free(&work->out_arena);
	for (size_t i = 0; i < 2; i++) {
		dedup_chunk_free(&work->turns[i].chunk);
		free(work->turns[i].lines);
	}
	free(work);
}

static bool turn_read(struct dedup_work *work, struct dedup_lines *lines, struct dedup_turn *turn, struct wn_error *err)
{
	if (!dedup_lines_read(lines, &turn->chunk, work->plan->chunk_lines, err))
		return false;
	for (unsigned i = 0; i < work->plan->threads; i++)
		wn_arena_reset(&turn->arenas[i]);
	if (turn->chunk.count > turn->room) {
		struct dedup_line *grown = realloc(turn->lines, turn->chunk.count * sizeof *grown);
		if (!grown)
			return wn_fail(err, WN_FULL, "memory", "no room for lines");
		turn->lines = grown;
		turn->room = turn->chunk.count;
	}
	return true;
}

static void turn_begin(struct dedup_work *work, struct dedup_turn *turn)
{
	work->turn = turn;
	crew_begin(work->crew, part_do, work, (turn->chunk.count + PART_LINES - 1) / PART_LINES);
}

static bool work_all(struct dedup_work *work, struct dedup_lines *lines, struct wn_error *err)
{
	struct dedup_turn *now = &work->turns[0], *next = &work->turns[1];
	struct wn_error late = {0}; /* of the file: told when all before it is decided */
	if (!turn_read(work, lines, now, err))
		return false;
	turn_begin(work, now);
	while (now->chunk.count > 0) {
		if (!turn_read(work, lines, next, &late))
			next->chunk.count = 0;
		if (!crew_end(work->crew, err))
			return false;
		/* The next one is signed while this one is linked. */
		turn_begin(work, next);
		if (!turn_link(work, now, err))
			return false;
		if (work->plan->progress)
			work->plan->progress(work->plan->context, work->sum.lines, dedup_lines_where(lines));
		struct dedup_turn *done = now;
		now = next;
		next = done;
	}
	if (late.blame != WN_NONE)
		*err = late;
	return late.blame == WN_NONE;
}

bool dedup_run(const struct dedup_plan *plan, struct dedup_summary *out, struct wn_error *err)
{
	struct dedup_lines *lines = NULL;
	struct dedup_work *work = calloc(1, sizeof *work);
	wn_assert(plan->threads >= 1);
	wn_assert(plan->threads <= CREW_THREADS_MAX);
	wn_assert(plan->chunk_lines >= 1);
	*out = (struct dedup_summary){0};
	if (!work)
		return wn_fail(err, WN_FULL, "memory", "no room to work");
	work->plan = plan;
	bool good = dedup_lines_open(&lines, plan->path, err) && work_open(work, err) && work_all(work, lines, err);
	*out = work->sum;
	dedup_lines_close(lines);
	work_close(work);
	return good;
}
