/* Batches from a seed; links with nothing, so that the check on a bare machine can use it too. */
#include "tests/gpu_embed/points.h"

#include <stdlib.h>
#include <string.h>

static uint64_t next(uint64_t *random)
{
	return embed_mix64(*random += 0x9e3779b97f4a7c15u);
}

bool points_open(struct points_batch *batch, size_t texts_max, size_t points_max)
{
	*batch = (struct points_batch){.room_texts = texts_max, .room_points = points_max};
	batch->texts.points = malloc(points_max * sizeof(uint32_t));
	batch->texts.starts = malloc((texts_max + 1) * sizeof(uint32_t));
	batch->out.lanes = malloc(texts_max * EMBED_LANES * sizeof(uint16_t));
	batch->out.keys = malloc(texts_max * EMBED_BANDS * sizeof(uint64_t));
	batch->out.shingles = malloc(points_max * sizeof(uint32_t));
	batch->out.sizes = malloc(texts_max * sizeof(uint32_t));
	return batch->texts.points && batch->texts.starts && batch->out.lanes && batch->out.keys &&
	       batch->out.shingles && batch->out.sizes;
}

void points_close(struct points_batch *batch)
{
	free((void *)batch->texts.points);
	free((void *)batch->texts.starts);
	free(batch->out.lanes);
	free(batch->out.keys);
	free(batch->out.shingles);
	free(batch->out.sizes);
}

void points_soil(struct points_batch *batch, int byte)
{
	memset(batch->out.lanes, byte, batch->room_texts * EMBED_LANES * sizeof(uint16_t));
	memset(batch->out.keys, byte, batch->room_texts * EMBED_BANDS * sizeof(uint64_t));
	memset(batch->out.shingles, byte, batch->room_points * sizeof(uint32_t));
	memset(batch->out.sizes, byte, batch->room_texts * sizeof(uint32_t));
}

/* Latin, Cyrillic, Arabic, Devanagari, Han, Hangul. */
static const struct {
	uint32_t first, count;
} scripts[] = {{'a', 26}, {0x430, 32}, {0x621, 42}, {0x905, 53}, {0x4e00, 3000}, {0xac00, 2350}};
enum { SCRIPTS = sizeof scripts / sizeof *scripts };

/* The sum of four even ones: most posts are near the middle, a few are short or twice as long. */
static size_t post_length(uint64_t *random)
{
	size_t sum = 0;
	for (int i = 0; i < 4; i++)
		sum += next(random) % 72;
	return sum;
}

static size_t hostile_length(uint64_t *random)
{
	switch (next(random) % 8) {
	case 0:
		return EMBED_POINTS_MAX - next(random) % 4;
	case 1:
		return next(random) % (EMBED_POINTS_MAX + 1);
	case 2:
		return 250 + next(random) % 20;
	case 3:
		return 16 * (next(random) % 40);
	case 4:
		return next(random) % 8;
	default:
		return next(random) % 400;
	}
}

static uint32_t script_point(uint64_t *random, unsigned script)
{
	uint64_t drawn = next(random);
	if (script < 4 && drawn % 6 == 0)
		return ' ';
	return scripts[script].first + (uint32_t)((drawn >> 8) % scripts[script].count);
}

static void fill_text(uint32_t *points, size_t length, enum points_kind kind, uint64_t *random)
{
	unsigned script = (unsigned)(next(random) % SCRIPTS), period = 1 + (unsigned)(next(random) % 40);
	unsigned way = kind == POINTS_HOSTILE ? (unsigned)(next(random) % 7) : 6;
	for (size_t i = 0; i < length; i++)
		switch (way) {
		case 0: /* one letter */
			points[i] = 'a';
			break;
		case 1: /* the same few shingles again and again */
			points[i] = i < period ? script_point(random, script) : points[i - period];
			break;
		case 2: /* any code point */
			points[i] = (uint32_t)(next(random) % 0x110000);
			break;
		case 3: /* around the edges of the wide ranges, half of them blanks */
			points[i] = next(random) % 2 ? ' ' : 0x2e70 + (uint32_t)(next(random) % 0x800);
			break;
		case 4: /* as many wide ones as others, give or take one */
			points[i] =
				i % 2 ? 'a' + (uint32_t)(next(random) % 26) : 0x4e00 + (uint32_t)(next(random) % 200);
			break;
		case 5: /* nothing but blanks */
			points[i] = ' ';
			break;
		default:
			points[i] = script_point(random, script);
		}
}

void points_fill(struct points_batch *batch, enum points_kind kind, size_t count, uint64_t *random)
{
	uint32_t *points = (uint32_t *)batch->texts.points, *starts = (uint32_t *)batch->texts.starts;
	size_t text = 0;
	starts[0] = 0;
	for (; text < count && text < batch->room_texts; text++) {
		size_t length = kind == POINTS_POSTS	 ? post_length(random)
				: kind == POINTS_LENGTHS ? text % 700
							 : hostile_length(random);
		if (starts[text] + length > batch->room_points)
			break;
		fill_text(points + starts[text], length, kind, random);
		starts[text + 1] = starts[text] + (uint32_t)length;
	}
	batch->texts.count = text;
}

const char *points_differ(const struct points_batch *batch, const struct points_batch *other, size_t *text)
{
	size_t count = batch->texts.count;
	for (size_t i = 0; i < count; i++) {
		size_t start = batch->texts.starts[i];
		*text = i;
		if (batch->out.sizes[i] != other->out.sizes[i])
			return "size";
		if (memcmp(batch->out.shingles + start, other->out.shingles + start,
			    batch->out.sizes[i] * sizeof(uint32_t)) != 0)
			return "shingles";
		if (memcmp(batch->out.lanes + i * EMBED_LANES, other->out.lanes + i * EMBED_LANES,
			    EMBED_LANES * sizeof(uint16_t)) != 0)
			return "lanes";
		for (size_t band = 0; band < EMBED_BANDS; band++)
			if (batch->out.keys[band * count + i] != other->out.keys[band * count + i])
				return "keys";
	}
	return NULL;
}
