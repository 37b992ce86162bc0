/* Draws posts and edits them with a seeded generator; the duplicate check's own shingles say whether an edit is small
 * enough. */
#include "cmd/backtest_plant.h"

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"

enum { PLANT_TRIES_MAX = 64, PLANT_NUMERATOR = 8, PLANT_DENOMINATOR = 10, PLANT_SIGN_ARENA = 8 * 1024 * 1024 };

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t plant_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* Words that people slip into a post when they send it again. */
static const char *const plant_words[] = {
	"really", "again", "today", "so", "indeed", "just", "still", "now", "truly", "here", "very", "also"};
enum { PLANT_WORDS = sizeof plant_words / sizeof *plant_words };

/* The text with a word put in at a blank, or in the place of one of its own words of five letters at most. */
static bool plant_edit(struct wn_arena *arena, struct wn_slice text, uint64_t *state, struct wn_slice *out)
{
	const char *word = plant_words[plant_random(state) % PLANT_WORDS];
	if (text.bytes == 0)
		return false;
	size_t at = plant_random(state) % text.bytes, word_bytes = strlen(word), next;
	while (at < text.bytes && text.data[at] != ' ')
		at++;
	if (at >= text.bytes)
		return false;
	next = at + 1;
	if (plant_random(state) % 2) {
		size_t end = next;
		while (end < text.bytes && text.data[end] != ' ')
			end++;
		if (end - next <= 5)
			next = end;
	}
	char *edited = wn_arena_alloc(arena, text.bytes + word_bytes + 3);
	if (!edited)
		return false;
	size_t bytes = 0;
	memcpy(edited, text.data, at + 1);
	bytes = at + 1;
	memcpy(edited + bytes, word, word_bytes);
	bytes += word_bytes;
	if (next < text.bytes && text.data[next] != ' ')
		edited[bytes++] = ' ';
	memcpy(edited + bytes, text.data + next, text.bytes - next);
	bytes += text.bytes - next;
	*out = (struct wn_slice){edited, bytes};
	return true;
}

static bool plant_small(
	struct signer *signer, struct wn_slice text, struct wn_slice edited, bool *small, struct wn_error *err)
{
	struct wn_arena arena;
	struct signed_content both[2] = {{.kind = ITEM_TEXT, .content = text}, {.kind = ITEM_TEXT, .content = edited}};
	int32_t common, either;
	wn_arena_init(&arena, PLANT_SIGN_ARENA);
	bool done = signer_sign(signer, &arena, both, 2, err);
	*small = false;
	if (done && both[0].size >= PLANT_SHINGLES_LEAST && both[1].size >= PLANT_SHINGLES_LEAST) {
		linker_jaccard(both[0].shingles, both[0].size, both[1].shingles, both[1].size, &common, &either);
		/* An edit that normalisation undoes would be found by its hash: it is to be found by its shingles. */
		*small = memcmp(both[0].normal.bytes, both[1].normal.bytes, ID_BYTES) != 0 &&
			 (int64_t)common * PLANT_DENOMINATOR >= (int64_t)either * PLANT_NUMERATOR;
	}
	wn_arena_free(&arena);
	return done;
}

bool plant_choose(struct wn_arena *arena, const struct recording *recording, uint64_t seed, struct plant *plants,
	size_t *count, struct wn_error *err)
{
	uint64_t state = seed ^ 0x706c616e74000000u; /* "plant": not the stream that makes keys */
	uint32_t *order = wn_arena_array(arena, recording->post_count, sizeof *order);
	size_t verbatim = 0, edited = 0;
	struct signer *signer;
	*count = 0;
	if (!order)
		return wn_fail(err, WN_FULL, "memory", "no room for %zu posts", recording->post_count);
	for (size_t i = 0; i < recording->post_count; i++)
		order[i] = (uint32_t)i;
	for (size_t i = recording->post_count; i > 1; i--) {
		size_t j = plant_random(&state) % i;
		uint32_t kept = order[i - 1];
		order[i - 1] = order[j];
		order[j] = kept;
	}
	if (!signer_open(&signer, NULL, err))
		return false;
	bool done = true;
	for (size_t i = 0; done && i < recording->post_count && (verbatim < PLANT_VERBATIM || edited < PLANT_EDITED);
		i++) {
		struct wn_slice text = recording->posts[order[i]].text, changed;
		bool small = false;
		if (edited < PLANT_EDITED)
			for (int t = 0; done && !small && t < PLANT_TRIES_MAX; t++)
				done = !plant_edit(arena, text, &state, &changed) ||
				       plant_small(signer, text, changed, &small, err);
		if (small) {
			plants[(*count)++] = (struct plant){order[i], true, changed};
			edited++;
		} else if (verbatim < PLANT_VERBATIM) {
			plants[(*count)++] = (struct plant){order[i], false, text};
			verbatim++;
		}
	}
	signer_close(signer);
	return done;
}
