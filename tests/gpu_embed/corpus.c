/* Posts from a seed: syllables make words, a skewed choice of words makes posts. */
#include "tests/gpu_embed/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/norm.h"
#include "tests/check.h"

enum { WORDS_OF_A_SCRIPT = 1500, WORD_ROOM = 48 };

/* First and last letter of each script's syllables: Latin, Latin with marks, Cyrillic, Han, Hangul, Arabic. */
static const struct {
	uint32_t first, last;
	unsigned letters_least, letters_most;
} scripts[CORPUS_SCRIPTS] = {
	{'a', 'z', 2, 9},
	{0xe0, 0xff, 2, 8},
	{0x410, 0x44f, 2, 9},
	{0x4e00, 0x4fff, 1, 3},
	{0xac00, 0xaeff, 1, 4},
	{0x621, 0x64a, 2, 7},
};

static size_t put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

/* Word `number` of a script is always the same one; every tenth is a figure. */
static size_t put_word(unsigned script, unsigned number, char out[WORD_ROOM])
{
	uint64_t random = (uint64_t)script << 32 | number;
	test_random(&random);
	size_t bytes = 0;
	unsigned span = scripts[script].letters_most - scripts[script].letters_least + 1;
	unsigned letters = scripts[script].letters_least + (unsigned)(test_random(&random) % span);
	for (unsigned i = 0; i < letters; i++)
		if (number % 10 == 9)
			out[bytes++] = (char)('0' + test_random(&random) % 10);
		else
			bytes += put_point(out + bytes,
				scripts[script].first + (uint32_t)(test_random(&random) %
								   (scripts[script].last - scripts[script].first + 1)));
	return bytes;
}

static size_t put_some_word(uint64_t *random, unsigned script, char out[WORD_ROOM])
{
	/* The product of two even choices prefers small numbers, as languages prefer some words. */
	uint64_t a = test_random(random) % WORDS_OF_A_SCRIPT, b = test_random(random) % WORDS_OF_A_SCRIPT;
	return put_word(script, (unsigned)(a * b / WORDS_OF_A_SCRIPT), out);
}

size_t corpus_post(uint64_t *random, unsigned script, unsigned words, char out[CORPUS_POST_ROOM])
{
	size_t bytes = 0;
	for (unsigned i = 0; i < words && bytes + WORD_ROOM + 2 < CORPUS_POST_ROOM; i++) {
		if (i > 0)
			out[bytes++] = ' ';
		bytes += put_some_word(random, script, out + bytes);
	}
	out[bytes] = '\0';
	return bytes;
}

/* Where word `index` starts and ends. */
static void find_word(const char *text, unsigned index, size_t *start, size_t *end)
{
	*start = 0;
	while (index-- > 0)
		*start += strcspn(text + *start, " ") + 1;
	*end = *start + strcspn(text + *start, " ");
}

size_t corpus_edit(uint64_t *random, unsigned script, const char *text, char out[CORPUS_POST_ROOM])
{
	char word[WORD_ROOM + 1];
	size_t start, end, bytes = strlen(text), word_bytes = put_some_word(random, script, word);
	unsigned words = 1;
	for (const char *c = text; *c; c++)
		words += *c == ' ';
	word[word_bytes] = '\0';
	find_word(text, (unsigned)(test_random(random) % words), &start, &end);
	int written = 0;
	switch (test_random(random) % 5) {
	case 0:
		written = snprintf(out, CORPUS_POST_ROOM, "%.*s%s%s", (int)start, text, word, text + end);
		break;
	case 1:
		written = snprintf(out, CORPUS_POST_ROOM, "%.*s%s", (int)start, text, text + end);
		break;
	case 2:
		written = snprintf(out, CORPUS_POST_ROOM, "rt @%s: %s", word, text);
		break;
	case 3:
		written = snprintf(out, CORPUS_POST_ROOM, "%s %s", text, word);
		break;
	default:
		written = snprintf(out, CORPUS_POST_ROOM, "%.*s  %s ", (int)end, text, text + end);
		for (char *c = out; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c -= 0x20;
	}
	wn_assert(written >= 0);
	(void)bytes;
	/* Cut between characters. */
	size_t kept = strlen(out);
	while (kept > 0 && written >= CORPUS_POST_ROOM && (out[kept - 1] & 0x80))
		out[--kept] = '\0';
	return kept;
}

size_t corpus_noise(uint64_t *random, unsigned characters, char out[CORPUS_POST_ROOM])
{
	static const struct {
		uint32_t first, last;
	} blocks[] = {{0x01, 0x7f}, {0x80, 0x24f}, {0x300, 0x36f}, {0x370, 0x5ff}, {0x600, 0x6ff}, {0x900, 0xdff},
		{0xf00, 0xfff}, {0x1000, 0x11ff}, {0x1800, 0x18af}, {0x1e00, 0x1fff}, {0x2000, 0x218f},
		{0x2460, 0x24ff}, {0x2e80, 0x33ff}, {0xa960, 0xa97f}, {0xac00, 0xac40}, {0xf900, 0xfdff},
		{0xfe00, 0xfe6f}, {0xff00, 0xffef}, {0x1d100, 0x1d1ff}, {0x1d400, 0x1d7ff}, {0x1f100, 0x1f64f},
		{0x2f800, 0x2fa1f}, {0xe0000, 0xe01ef}};
	size_t bytes = 0;
	for (unsigned i = 0; i < characters && bytes + 5 < CORPUS_POST_ROOM; i++) {
		/* Half are letters, marks and blanks, so that the rest has something to join with. */
		size_t block = test_random(random) % (2 * sizeof blocks / sizeof *blocks);
		if (block >= sizeof blocks / sizeof *blocks)
			block = block % 3 == 0 ? 2 : 0;
		bytes += put_point(out + bytes,
			blocks[block].first +
				(uint32_t)(test_random(random) % (blocks[block].last - blocks[block].first + 1)));
	}
	out[bytes] = '\0';
	return bytes;
}

void corpus_id(uint64_t number, struct item_id *out)
{
	/* The first bytes are no counter, so that the least id is not the earliest. */
	uint64_t random = number;
	for (size_t i = 0; i < ID_BYTES; i += sizeof random) {
		uint64_t value = test_random(&random);
		memcpy(out->bytes + i, &value, sizeof value);
	}
}

struct linker_post corpus_linker_post(const struct signed_content *content, uint64_t number)
{
	struct linker_post post = {
		.seq = (int64_t)number + 1,
		.campaign = 1,
		.numerator = 7,
		.denominator = 10,
		.raw = content->raw,
		.normal = content->normal,
		.near = content->near,
		.digits = content->digits,
		.lanes = content->lanes,
		.keys = content->keys,
		.key_stride = content->key_stride,
		.shingles = content->shingles,
		.size = content->size,
	};
	corpus_id(number, &post.item);
	return post;
}

/* ---- sets of shingles, letter by letter ---- */

struct corpus_shingle {
	uint32_t points[EMBED_SHINGLE];
};
struct corpus_set {
	int size;
	struct corpus_shingle shingles[];
};

static int shingle_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct corpus_shingle));
}

struct corpus_set *corpus_set_open(const char *text, size_t bytes)
{
	static struct norm norm;
	struct wn_error err = {0};
	CHECK_OK(norm_text(&norm, text, bytes, &err), err);
	unsigned width = embed_width(norm.points, norm.count);
	size_t all = norm.count < width ? 0 : norm.count - width + 1;
	struct corpus_set *set = calloc(1, sizeof *set + (all + 1) * sizeof *set->shingles);
	wn_assert(set != NULL);
	for (size_t i = 0; i < all; i++)
		memcpy(set->shingles[i].points, norm.points + i, width * sizeof(uint32_t));
	qsort(set->shingles, all, sizeof *set->shingles, shingle_compare);
	for (size_t i = 0; i < all; i++)
		if (set->size == 0 || shingle_compare(&set->shingles[i], &set->shingles[set->size - 1]) != 0)
			set->shingles[set->size++] = set->shingles[i];
	return set;
}

void corpus_set_close(struct corpus_set *set)
{
	free(set);
}

int corpus_set_size(const struct corpus_set *set)
{
	return set->size;
}

void corpus_set_jaccard(const struct corpus_set *a, const struct corpus_set *b, int *common, int *either)
{
	*common = 0;
	for (int i = 0, j = 0; i < a->size && j < b->size;) {
		int order = shingle_compare(&a->shingles[i], &b->shingles[j]);
		*common += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	*either = a->size + b->size - *common;
}
