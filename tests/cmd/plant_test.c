/* Planted repeats: edits small enough to be found by shingles and large enough not to be found by a hash; seeded. */
#include "cmd/backtest_plant.h"

#include <stdio.h>
#include <string.h>

#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"
#include "tests/check.h"

SUITE("plant")

enum { PLANT_ARENA = 64 * 1024 * 1024, POSTS_MAX = 200, WORDS_A_POST = 24, PLANTS_MAX = PLANT_VERBATIM + PLANT_EDITED };

/* Syllables make words that no two posts share in the same order. */
static const char *const syllables[] = {"ka", "lo", "mi", "ter", "sun", "po", "ra", "vel", "din", "gu", "ash", "be"};
enum { SYLLABLES = sizeof syllables / sizeof syllables[0] };

static struct wn_slice post_write(struct wn_arena *arena, uint64_t *state, int words)
{
	struct wn_text text;
	wn_text_init(&text, arena);
	for (int w = 0; w < words; w++) {
		int parts = 1 + (int)(test_random(state) % 4);
		wn_text_add_string(&text, w ? " " : "");
		for (int p = 0; p < parts; p++)
			wn_text_add_string(&text, syllables[test_random(state) % SYLLABLES]);
	}
	wn_assert(!text.full);
	return (struct wn_slice){text.data, text.bytes};
}

static void recording_make(struct wn_arena *arena, struct recording *out, struct recording_post *posts, size_t count,
	int words, uint64_t seed)
{
	memset(out, 0, sizeof *out);
	memset(posts, 0, count * sizeof *posts);
	out->posts = posts;
	out->post_count = count;
	for (size_t i = 0; i < count; i++)
		posts[i].text = post_write(arena, &seed, words);
}

static bool sign_two(struct wn_arena *arena, struct wn_slice a, struct wn_slice b, struct signed_content out[2])
{
	struct signer *signer;
	struct wn_error err = {0};
	out[0] = (struct signed_content){.kind = ITEM_TEXT, .content = a};
	out[1] = (struct signed_content){.kind = ITEM_TEXT, .content = b};
	if (!signer_open(&signer, "ref", &err))
		return false;
	bool done = signer_sign(signer, arena, out, 2, &err);
	signer_close(signer);
	return done;
}

TEST(an_edited_repeat_keeps_eight_tenths_of_at_least_sixty_shingles_and_changes_the_normalised_text)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recording recording;
	static struct recording_post posts[POSTS_MAX];
	static struct plant plants[PLANTS_MAX];
	size_t count = 0, edited = 0;
	uint64_t seed = test_seed();
	wn_arena_init(&arena, PLANT_ARENA);
	recording_make(&arena, &recording, posts, POSTS_MAX, WORDS_A_POST, seed);
	CHECK_OK(plant_choose(&arena, &recording, seed, plants, &count, &err), err);
	CHECK_INT((int64_t)count, PLANTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct signed_content both[2];
		int32_t common, either;
		CHECK_OR_RETURN(plants[i].post < POSTS_MAX);
		struct wn_slice original = posts[plants[i].post].text;
		if (!plants[i].edited) {
			CHECK(wn_slice_equal(plants[i].text, original));
			continue;
		}
		edited++;
		CHECK_OR_RETURN(sign_two(&arena, original, plants[i].text, both));
		CHECK(id_compare(&both[0].normal, &both[1].normal) != 0);
		CHECK(both[0].size >= PLANT_SHINGLES_LEAST);
		CHECK(both[1].size >= PLANT_SHINGLES_LEAST);
		linker_jaccard(both[0].shingles, both[0].size, both[1].shingles, both[1].size, &common, &either);
		CHECK((int64_t)common * 10 >= (int64_t)either * 8);
	}
	CHECK_INT((int64_t)edited, PLANT_EDITED);
	wn_arena_free(&arena);
}

TEST(no_post_is_planted_twice)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recording recording;
	static struct recording_post posts[POSTS_MAX];
	static struct plant plants[PLANTS_MAX];
	bool seen[POSTS_MAX] = {false};
	size_t count = 0;
	wn_arena_init(&arena, PLANT_ARENA);
	recording_make(&arena, &recording, posts, POSTS_MAX, WORDS_A_POST, 11);
	CHECK_OK(plant_choose(&arena, &recording, 5, plants, &count, &err), err);
	for (size_t i = 0; i < count; i++) {
		CHECK(!seen[plants[i].post]);
		seen[plants[i].post] = true;
	}
	wn_arena_free(&arena);
}

static size_t plants_shared(const struct plant *a, const struct plant *b, size_t count)
{
	size_t shared = 0;
	for (size_t i = 0; i < count; i++)
		shared += a[i].post == b[i].post && a[i].edited == b[i].edited && wn_slice_equal(a[i].text, b[i].text);
	return shared;
}

TEST(the_same_seed_plants_the_same_and_another_seed_others)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recording recording;
	static struct recording_post posts[POSTS_MAX];
	static struct plant first[PLANTS_MAX], second[PLANTS_MAX], other[PLANTS_MAX];
	size_t first_count = 0, second_count = 0, other_count = 0;
	wn_arena_init(&arena, PLANT_ARENA);
	recording_make(&arena, &recording, posts, POSTS_MAX, WORDS_A_POST, 3);
	CHECK_OK(plant_choose(&arena, &recording, 7, first, &first_count, &err), err);
	CHECK_OK(plant_choose(&arena, &recording, 7, second, &second_count, &err), err);
	CHECK_OK(plant_choose(&arena, &recording, 8, other, &other_count, &err), err);
	CHECK_INT((int64_t)first_count, PLANTS_MAX);
	CHECK_INT((int64_t)second_count, PLANTS_MAX);
	CHECK_INT((int64_t)plants_shared(first, second, PLANTS_MAX), PLANTS_MAX);
	CHECK(plants_shared(first, other, PLANTS_MAX) < PLANTS_MAX / 2);
	wn_arena_free(&arena);
}

TEST(short_posts_are_only_repeated_as_they_are)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recording recording;
	static struct recording_post posts[POSTS_MAX];
	static struct plant plants[PLANTS_MAX];
	size_t count = 0;
	wn_arena_init(&arena, PLANT_ARENA);
	recording_make(&arena, &recording, posts, 50, 4, 13);
	/* What an edit may meet: nothing at all, one word without a blank, blanks only. */
	posts[0].text = WN_SLICE("");
	posts[1].text = WN_SLICE("word");
	posts[2].text = WN_SLICE("   ");
	CHECK_OK(plant_choose(&arena, &recording, 17, plants, &count, &err), err);
	CHECK_INT((int64_t)count, PLANT_VERBATIM);
	for (size_t i = 0; i < count; i++) {
		CHECK(!plants[i].edited);
		CHECK(wn_slice_equal(plants[i].text, posts[plants[i].post].text));
	}
	wn_arena_free(&arena);
}

TEST(a_small_recording_gets_fewer_repeats_than_it_has_posts)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct recording recording;
	static struct recording_post posts[POSTS_MAX];
	static struct plant plants[PLANTS_MAX];
	size_t count = 0;
	wn_arena_init(&arena, PLANT_ARENA);
	recording_make(&arena, &recording, posts, 5, WORDS_A_POST, 19);
	CHECK_OK(plant_choose(&arena, &recording, 23, plants, &count, &err), err);
	CHECK_INT((int64_t)count, 5);
	wn_arena_free(&arena);
}
