/* `winnow embed eval`: how well the embedder agrees with people about pairs of texts, beside plain n-grams. */
#include "cmd/embed_command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "cmd/embed_score.h"
#include "cmd/text_lines.h"
#include "core/json.h"
#include "gpu_embed/backend.h"
#include "gpu_embed/hashed.h"
#include "gpu_embed/linker.h"
#include "gpu_embed/norm.h"
#include "gpu_embed/radix.h"
#include "gpu_embed/range_spec.h"

enum {
	EVAL_PAIRS_MAX = 1 << 22, /* of a file */
	EVAL_LANGUAGES_MAX = 64,  /* of a file */
	EVAL_LANGUAGE_ROOM = 16,
	EVAL_FLOORS = 3, /* sets of 2, 3 and 4 characters in a row */
	EVAL_FLOOR_LEAST = 2,
	EVAL_MEASURES = 1 + EVAL_FLOORS,
	EVAL_GROUPS_MAX = 256,
	EVAL_ARENA_MAX = 8 << 20,
};

/* One text, as the embedder and as the floor see it. */
struct eval_text {
	struct norm norm;
	struct hashed hashed;
	int8_t vector[EMBED_DIMENSIONS];
	uint32_t grams[EVAL_FLOORS][NORM_POINTS_MAX], gram_counts[EVAL_FLOORS];
};

/* Pairs of one file, one after the other. */
struct eval_pairs {
	size_t count, room, languages;
	char names[EVAL_LANGUAGES_MAX][EVAL_LANGUAGE_ROOM];
	uint8_t *language;
	double *said, *measured[EVAL_MEASURES];
	bool graded;
};

/* A line of the result. */
struct eval_group {
	const char *file;
	char language[EVAL_LANGUAGE_ROOM]; /* "": the whole file; "mean": of its languages */
	size_t pairs;
	bool graded;
	double value[EVAL_MEASURES], area[EVAL_MEASURES];
};

struct eval {
	struct idf *idf;
	struct backend *backend;
	struct text_part part;
	struct eval_text a, b;
	uint32_t room[NORM_POINTS_MAX];
	struct eval_pairs pairs;
	struct eval_group groups[EVAL_GROUPS_MAX];
	size_t group_count;
	struct text_progress progress;
};

/* ---- one pair ---- */

static void text_grams(struct eval *eval, struct eval_text *text, unsigned floor)
{
	size_t length = EVAL_FLOOR_LEAST + floor, points = text->norm.count;
	uint32_t *grams = text->grams[floor], distinct = 0;
	/* What is shorter than one is one. */
	size_t count = points >= length ? points - length + 1 : 1;
	length = points >= length ? length : points;
	for (size_t i = 0; i < count; i++)
		grams[i] = embed_shingle(text->norm.points + i, (unsigned)length);
	radix_rising(grams, eval->room, count);
	for (size_t i = 0; i < count; i++)
		if (distinct == 0 || grams[i] != grams[distinct - 1])
			grams[distinct++] = grams[i];
	text->gram_counts[floor] = distinct;
}

static bool text_read(struct eval *eval, struct eval_text *text, struct wn_slice source, struct wn_error *err)
{
	if (!norm_text(&text->norm, source.data, source.bytes, err))
		return false;
	/* As the node does with what is longer: it has no vector. */
	hashed_read(&text->hashed, text->norm.points, text->norm.count <= EMBED_POINTS_MAX ? text->norm.count : 0);
	hashed_weigh(&text->hashed, eval->idf);
	uint32_t starts[2] = {0, (uint32_t)text->hashed.count};
	struct embed_features features = {
		.count = 1, .hashes = text->hashed.features, .weights = text->hashed.weights, .starts = starts};
	backend_project(eval->backend, &features, text->vector);
	for (unsigned floor = 0; floor < EVAL_FLOORS; floor++)
		text_grams(eval, text, floor);
	return true;
}

/* Only here is a cosine a fraction: to put pairs in order. */
static double pair_cosine(const struct eval_text *a, const struct eval_text *b)
{
	int32_t dot = 0;
	for (unsigned k = 0; k < EMBED_DIMENSIONS; k++)
		dot += a->vector[k] * b->vector[k];
	double squares = (double)range_square(a->vector, EMBED_DIMENSIONS) * range_square(b->vector, EMBED_DIMENSIONS);
	return squares > 0 ? dot / sqrt(squares) : 0;
}

static bool pairs_reserve(struct eval_pairs *pairs, struct wn_error *err)
{
	if (pairs->count < pairs->room)
		return true;
	if (pairs->count == EVAL_PAIRS_MAX)
		return wn_fail(err, WN_FULL, "eval_pairs", "more than %d pairs", EVAL_PAIRS_MAX);
	size_t room = pairs->room ? 2 * pairs->room : 4096;
	uint8_t *language = realloc(pairs->language, room);
	pairs->language = language ? language : pairs->language;
	double *said = realloc(pairs->said, room * sizeof *said);
	pairs->said = said ? said : pairs->said;
	bool good = language && said;
	for (int i = 0; i < EVAL_MEASURES; i++) {
		double *measured = realloc(pairs->measured[i], room * sizeof *measured);
		pairs->measured[i] = measured ? measured : pairs->measured[i];
		good = good && measured;
	}
	pairs->room = good ? room : pairs->room;
	return good || wn_fail(err, WN_FULL, "memory", "no room for %zu pairs", room);
}

static bool pair_language(struct eval_pairs *pairs, const char *name, uint8_t *out, struct wn_error *err)
{
	size_t i = 0;
	name = name ? name : "";
	if (strlen(name) >= EVAL_LANGUAGE_ROOM)
		return wn_fail(err, WN_INPUT, "text_line", "a language of %zu letters", strlen(name));
	while (i < pairs->languages && strcmp(pairs->names[i], name) != 0)
		i++;
	if (i == EVAL_LANGUAGES_MAX)
		return wn_fail(err, WN_FULL, "eval_languages", "more than %d languages", EVAL_LANGUAGES_MAX);
	if (i == pairs->languages)
		strcpy(pairs->names[pairs->languages++], name);
	*out = (uint8_t)i;
	return true;
}

static bool pair_add(struct eval *eval, const struct text_line *line, struct wn_error *err)
{
	struct eval_pairs *pairs = &eval->pairs;
	if (!line->b.data || (!line->graded && !line->binary) || (pairs->count > 0 && pairs->graded != line->graded))
		return wn_fail(err, WN_INPUT, "text_line",
			"there is no pair with a \"score\" that is a number, or a \"label\" that is 0 or 1, all alike");
	pairs->graded = line->graded;
	if (!pairs_reserve(pairs, err) || !pair_language(pairs, line->language, &pairs->language[pairs->count], err) ||
		!text_read(eval, &eval->a, line->a, err) || !text_read(eval, &eval->b, line->b, err))
		return false;
	pairs->said[pairs->count] = line->grade;
	pairs->measured[0][pairs->count] = pair_cosine(&eval->a, &eval->b);
	for (int i = 0; i < EVAL_FLOORS; i++) {
		int32_t common, either;
		linker_jaccard(eval->a.grams[i], eval->a.gram_counts[i], eval->b.grams[i], eval->b.gram_counts[i],
			&common, &either);
		pairs->measured[1 + i][pairs->count] = (double)common / either;
	}
	pairs->count++;
	return true;
}

/* ---- one file ---- */

static struct eval_group *group_add(
	struct eval *eval, const char *file, const char *language, size_t pairs, struct wn_error *err)
{
	if (eval->group_count == EVAL_GROUPS_MAX) {
		wn_fail(err, WN_FULL, "eval_groups", "more than %d results", EVAL_GROUPS_MAX);
		return NULL;
	}
	struct eval_group *group = &eval->groups[eval->group_count++];
	*group = (struct eval_group){.file = file, .pairs = pairs, .graded = eval->pairs.graded};
	strcpy(group->language, language);
	return group;
}

static bool group_score(struct eval *eval, const char *file, size_t language, struct wn_error *err)
{
	struct eval_pairs *pairs = &eval->pairs;
	double *said = calloc(pairs->count, sizeof *said), *measured = calloc(pairs->count, sizeof *measured);
	size_t count = 0;
	bool good = (said && measured) || wn_fail(err, WN_FULL, "memory", "no room for %zu pairs", pairs->count);
	for (size_t i = 0; good && i < pairs->count; i++)
		if (pairs->language[i] == language)
			said[count++] = pairs->said[i];
	struct eval_group *group = good ? group_add(eval, file, pairs->names[language], count, err) : NULL;
	good = group != NULL;
	for (int m = 0; good && m < EVAL_MEASURES; m++) {
		size_t at = 0;
		for (size_t i = 0; i < pairs->count; i++)
			if (pairs->language[i] == language)
				measured[at++] = pairs->measured[m][i];
		good = pairs->graded ? score_spearman(measured, said, count, &group->value[m], err)
				     : score_precision(measured, said, count, &group->value[m], &group->area[m], err);
	}
	free(said);
	free(measured);
	return good;
}

static bool file_score(struct eval *eval, const char *file, struct wn_error *err)
{
	size_t first = eval->group_count, languages = eval->pairs.languages;
	if (eval->pairs.count == 0)
		return wn_fail(err, WN_INPUT, "eval_pairs", "there is no pair in it");
	for (size_t i = 0; i < languages; i++)
		if (!group_score(eval, file, i, err))
			return false;
	if (languages == 1)
		return true;
	struct eval_group *mean = group_add(eval, file, "mean", eval->pairs.count, err);
	for (size_t i = first; mean && i < first + languages; i++)
		for (int m = 0; m < EVAL_MEASURES; m++) {
			mean->value[m] += eval->groups[i].value[m] / (double)languages;
			mean->area[m] += eval->groups[i].area[m] / (double)languages;
		}
	return mean != NULL;
}

static bool file_read(struct eval *eval, const char *path, struct wn_error *err)
{
	struct text_lines *lines;
	struct text_line line;
	bool end = false, good = true;
	eval->pairs.count = eval->pairs.languages = 0;
	if (!text_lines_open(&lines, path, err))
		return false;
	while (good) {
		good = text_lines_next(lines, &line, &end, err);
		if (!good || end)
			break;
		if (!text_part_has(&eval->part, line.number))
			continue;
		good = pair_add(eval, &line, err) || wn_while(err, "%s line %" PRId64, path, line.number);
		text_progress_step(&eval->progress, path, lines);
	}
	text_lines_close(lines);
	return good && (file_score(eval, path, err) || wn_while(err, "judge %s", path));
}

/* ---- the result ---- */

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static double floor_best(const double values[EVAL_MEASURES])
{
	double best = values[1];
	for (int i = 2; i < EVAL_MEASURES; i++)
		best = values[i] > best ? values[i] : best;
	return best;
}

static void eval_print(const struct eval *eval, const char *idf_path)
{
	char id[ID_HEX_ROOM];
	printf("hashed embedder %d, %d int8, table of weights %.16s (%s, %u sections, %zu weights)\n\n",
		EMBED_HASHED_VERSION, EMBED_DIMENSIONS, hex_write(id, idf_id(eval->idf)->bytes, ID_BYTES),
		idf_path ? idf_path : "built in: all features weigh the same", idf_section_count(eval->idf),
		idf_entry_count(eval->idf));
	printf("%-34s %-5s %7s  %-14s %7s   %7s %7s %7s\n", "file", "lang", "pairs", "x 100", "winnow", "2-grams",
		"3-grams", "4-grams");
	for (size_t i = 0; i < eval->group_count; i++) {
		const struct eval_group *group = &eval->groups[i];
		for (int area = 0; area <= !group->graded; area++) {
			const double *values = area ? group->area : group->value;
			printf("%-34.34s %-5s %7zu  %-14s %7.2f   %7.2f %7.2f %7.2f  %s\n", file_name(group->file),
				group->language, group->pairs,
				group->graded ? "Spearman"
				: area	      ? "area, ROC"
					      : "avg precision",
				100 * values[0], 100 * values[1], 100 * values[2], 100 * values[3],
				values[0] > floor_best(values) ? "above the floor" : "BELOW THE FLOOR");
		}
	}
	printf("\nThe floor is the Jaccard of the texts' sets of 2, 3 and 4 characters in a row: what they have in "
	       "common without any weights.\n");
}

/* JSON of ours has no fractions: hundred-thousandths. */
static void put_values(struct json_writer *json, const char *name, const double values[EVAL_MEASURES])
{
	static const char *const names[EVAL_MEASURES] = {"winnow", "grams_2", "grams_3", "grams_4"};
	json_open_object(json, name);
	for (int i = 0; i < EVAL_MEASURES; i++)
		json_put_integer(json, names[i], llround(1e5 * values[i]));
	json_close_object(json);
}

static bool eval_print_json(const struct eval *eval, const char *idf_path, struct wn_error *err)
{
	struct json_writer json;
	struct wn_arena arena;
	struct wn_slice text;
	struct sha256 encoder;
	hashed_encoder(eval->idf, &encoder);
	wn_arena_init(&arena, EVAL_ARENA_MAX);
	json_begin(&json, &arena);
	json_open_object(&json, NULL);
	json_put_integer(&json, "version", EMBED_HASHED_VERSION);
	json_put_hex(&json, "encoder", encoder.bytes, ID_BYTES);
	json_put_hex(&json, "idf", idf_id(eval->idf)->bytes, ID_BYTES);
	json_put_string(&json, "idf_file", idf_path);
	json_put_string(&json, "backend", backend_name(eval->backend));
	json_open_array(&json, "results");
	for (size_t i = 0; i < eval->group_count; i++) {
		const struct eval_group *group = &eval->groups[i];
		json_open_object(&json, NULL);
		json_put_string(&json, "file", file_name(group->file));
		json_put_string(&json, "language", group->language[0] ? group->language : NULL);
		json_put_integer(&json, "pairs", (int64_t)group->pairs);
		put_values(&json, group->graded ? "spearman_e5" : "average_precision_e5", group->value);
		if (!group->graded)
			put_values(&json, "area_e5", group->area);
		json_put_bool(&json, "above_floor", group->value[0] > floor_best(group->value));
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

static bool eval_open(struct eval *eval, const struct options *options, struct wn_error *err)
{
	return norm_start(err) && text_part_read(option_text(options, "part"), &eval->part, err) &&
	       idf_open(&eval->idf, option_text(options, "embed.idf"), err) &&
	       backend_open(&eval->backend, option_text(options, "embed.backend"), err);
}

static void eval_close(struct eval *eval)
{
	idf_close(eval->idf);
	backend_close(eval->backend);
	free(eval->pairs.language);
	free(eval->pairs.said);
	for (int i = 0; i < EVAL_MEASURES; i++)
		free(eval->pairs.measured[i]);
	free(eval);
}

int embed_eval_run(const struct options *options, int argc, char **argv)
{
	struct wn_error err = {0};
	struct eval *eval;
	if (argc < 1 || argc > TEXT_FILES_MAX)
		return command_usage(&command_embed);
	eval = calloc(1, sizeof *eval);
	bool good = eval || wn_fail(&err, WN_FULL, "memory", "no room to judge pairs");
	good = good && eval_open(eval, options, &err);
	if (good)
		text_progress_start(&eval->progress, "pairs");
	for (int i = 0; good && i < argc; i++)
		good = file_read(eval, argv[i], &err);
	if (good)
		text_progress_end(&eval->progress);
	if (good && option_bool(options, "json"))
		good = eval_print_json(eval, option_text(options, "embed.idf"), &err);
	else if (good)
		eval_print(eval, option_text(options, "embed.idf"));
	if (eval)
		eval_close(eval);
	return good ? EXIT_DONE : command_failed(&err);
}

const struct option embed_eval_options[] = {
	{"part", OPTION_TEXT, NULL, 0, 0, "eval: I/N, only lines whose number leaves I when divided by N"},
	{"json", OPTION_BOOL, "false", 0, 0, "eval: print one JSON object; figures in hundred-thousandths"},
	{.name = NULL},
};
const char *const embed_eval_help[] = {
	"Without words: the role of a node that finds duplicates.",
	"",
	"winnow embed eval FILE... runs no node. It reads pairs of texts that people judged, and tells how well the "
	"cosine",
	"of their vectors agrees with them, beside the floor: plain sets of characters in a row, without any weights.",
	"FILE is NDJSON, gzipped or not. A line is {\"a\": text, \"b\": text} with \"score\", any number that is "
	"larger the",
	"more alike they are (then Spearman's rank correlation), or \"label\", 1 for alike and 0 for not (then average",
	"precision and the area under the ROC curve); \"lang\" makes groups, and their mean. --embed.idf names the "
	"table of",
	"weights (winnow idf makes one); without it all features weigh the same. Never believe a table that was learnt "
	"from",
	"the pairs it is judged by: winnow idf --part 0/2 and winnow embed eval --part 1/2 keep them apart.",
	NULL,
};
