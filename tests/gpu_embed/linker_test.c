/* The linker against brute force, in any batches, on planted near-duplicates, and on its corner cases. */
#include "gpu_embed/linker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "tests/check.h"
#include "tests/gpu_embed/corpus.h"

SUITE("linker")

enum { ARENA_BYTES = 512 * 1024 * 1024 };

/* Posts with their signatures, and the linker that they go through. */
struct bench {
	struct wn_arena arena;
	struct signer *signer;
	struct linker *linker;
	char (*texts)[CORPUS_POST_ROOM];
	struct signed_content *contents;
	size_t room;
};

static void bench_open(struct bench *bench, size_t room)
{
	struct wn_error err = {0};
	wn_arena_init(&bench->arena, ARENA_BYTES);
	CHECK_OK(signer_open(&bench->signer, NULL, &err), err);
	CHECK_OK(linker_open(&bench->linker, &err), err);
	bench->texts = calloc(room, sizeof *bench->texts);
	bench->contents = calloc(room, sizeof *bench->contents);
	bench->room = room;
	wn_assert(bench->texts && bench->contents);
}

static void bench_close(struct bench *bench)
{
	signer_close(bench->signer);
	linker_close(bench->linker);
	wn_arena_free(&bench->arena);
	free(bench->texts);
	free(bench->contents);
}

/* Signs texts first to first + count in one batch and links them in order. */
static void bench_batch(struct bench *bench, size_t first, size_t count, struct linker_verdict *verdicts)
{
	struct wn_error err = {0};
	for (size_t i = first; i < first + count; i++)
		bench->contents[i].content = wn_slice_of(bench->texts[i]);
	CHECK_OK(signer_sign(bench->signer, &bench->arena, bench->contents + first, count, &err), err);
	for (size_t i = first; i < first + count; i++) {
		struct linker_post post = corpus_linker_post(&bench->contents[i], i);
		CHECK_OK(linker_link(bench->linker, &post, &verdicts[i], &err), err);
	}
}

static void bench_all(struct bench *bench, struct linker_verdict *verdicts)
{
	for (size_t done = 0; done < bench->room; done += SIGNER_BATCH_MAX)
		bench_batch(bench, done, bench->room - done < SIGNER_BATCH_MAX ? bench->room - done : SIGNER_BATCH_MAX,
			verdicts);
}

/* A stream like a real one: new posts of all lengths, copies, and copies of copies with more and more edits. */
static void bench_stream(struct bench *bench, uint64_t *random)
{
	for (size_t i = 0; i < bench->room; i++) {
		unsigned script = (unsigned)(i % CORPUS_SCRIPTS);
		size_t back =
			i < CORPUS_SCRIPTS ? 0 : (1 + test_random(random) % (i / CORPUS_SCRIPTS)) * CORPUS_SCRIPTS;
		uint64_t chance = test_random(random) % 100;
		if (back > 0 && chance < 8)
			memmove(bench->texts[i], bench->texts[i - back], CORPUS_POST_ROOM);
		else if (back > 0 && chance < 45)
			corpus_edit(random, script, bench->texts[i - back], bench->texts[i]);
		else
			corpus_post(random, script, 1 + (unsigned)(test_random(random) % 35), bench->texts[i]);
	}
}

static bool verdict_equal(const struct linker_verdict *a, const struct linker_verdict *b)
{
	return memcmp(a->origin.bytes, b->origin.bytes, ID_BYTES) == 0 &&
	       memcmp(a->cluster.bytes, b->cluster.bytes, ID_BYTES) == 0 && a->method == b->method &&
	       a->numerator == b->numerator && a->denominator == b->denominator && a->has_nearest == b->has_nearest &&
	       memcmp(a->nearest.bytes, b->nearest.bytes, ID_BYTES) == 0 &&
	       a->nearest_numerator == b->nearest_numerator && a->nearest_denominator == b->nearest_denominator;
}

TEST(batches_of_any_size_give_the_same_verdicts)
{
	enum { POSTS = 1500 };
	uint64_t random = test_seed();
	struct bench whole, split;
	struct linker_verdict *first = calloc(POSTS, sizeof *first), *second = calloc(POSTS, sizeof *second);
	size_t repeats = 0;
	bench_open(&whole, POSTS);
	bench_open(&split, POSTS);
	bench_stream(&whole, &random);
	memcpy(split.texts, whole.texts, POSTS * sizeof *whole.texts);
	bench_all(&whole, first);
	for (size_t done = 0, count; done < POSTS; done += count) {
		count = 1 + test_random(&random) % (test_random(&random) % 2 ? 7 : 300);
		count = count < POSTS - done ? count : POSTS - done;
		bench_batch(&split, done, count, second);
	}
	for (size_t i = 0; i < POSTS; i++) {
		CHECK(verdict_equal(&first[i], &second[i]));
		repeats += first[i].method != DUP_NONE;
	}
	CHECK(repeats > POSTS / 5);
	CHECK_INT(linker_leaders(whole.linker), POSTS - repeats);
	CHECK_INT(linker_leaders(split.linker), POSTS - repeats);
	bench_close(&whole);
	bench_close(&split);
	free(first);
	free(second);
}

/* What brute force says of a post, given the leaders so far. */
struct truth {
	int earliest, common, either; /* earliest leader at or above the threshold by letters; -1: none */
	bool same;		      /* that one has the same normalised text */
	int best_common, best_either; /* the highest Jaccard of any leader */
};

static void truth_find(const struct bench *bench, struct corpus_set *const *sets, const int *leaders, int leader_count,
	size_t i, struct truth *out)
{
	const struct signed_content *post = &bench->contents[i];
	*out = (struct truth){.earliest = -1, .best_either = 1};
	for (int l = 0; l < leader_count; l++) {
		const struct signed_content *leader = &bench->contents[leaders[l]];
		int common, either;
		corpus_set_jaccard(sets[i], sets[leaders[l]], &common, &either);
		bool same = memcmp(post->normal.bytes, leader->normal.bytes, ID_BYTES) == 0;
		bool near = corpus_set_size(sets[i]) >= EMBED_SHINGLES_LEAST &&
			    corpus_set_size(sets[leaders[l]]) >= EMBED_SHINGLES_LEAST;
		bool small = corpus_set_size(sets[i]) < EMBED_DIGITS_BELOW ||
			     corpus_set_size(sets[leaders[l]]) < EMBED_DIGITS_BELOW;
		bool repeats = near && 10 * common >= 7 * either && !(small && post->digits != leader->digits);
		if ((same && !out->same) || (repeats && out->earliest < 0)) {
			out->earliest = leaders[l];
			out->common = common;
			out->either = either;
			out->same = same;
		}
		if (near && (int64_t)common * out->best_either > (int64_t)out->best_common * either) {
			out->best_common = common;
			out->best_either = either;
		}
	}
}

TEST(brute_force_over_letters_finds_no_false_verdict_and_hardly_a_missed_one)
{
	enum { POSTS = 2000 };
	uint64_t random = 11; /* fixed: what bands may miss is a matter of chance */
	struct bench bench;
	struct linker_verdict *verdicts = calloc(POSTS, sizeof *verdicts);
	struct corpus_set **sets = calloc(POSTS, sizeof *sets);
	int *leaders = calloc(POSTS, sizeof *leaders), leader_count = 0, missed = 0, found = 0, exact = 0;
	bench_open(&bench, POSTS);
	bench_stream(&bench, &random);
	bench_all(&bench, verdicts);
	for (size_t i = 0; i < POSTS; i++) {
		struct truth truth;
		struct item_id id;
		sets[i] = corpus_set_open(bench.texts[i], strlen(bench.texts[i]));
		CHECK_INT(bench.contents[i].size, corpus_set_size(sets[i]));
		truth_find(&bench, sets, leaders, leader_count, i, &truth);
		const struct linker_verdict *verdict = &verdicts[i];
		if (verdict->method == DUP_NONE) {
			leaders[leader_count++] = (int)i;
			/* A post that was missed may be missed by the bands only, never one with the same text. */
			CHECK(!truth.same);
			missed += truth.earliest >= 0;
			CHECK(truth.earliest < 0 || 10 * truth.common < 8 * truth.either);
			CHECK((int64_t)verdict->nearest_numerator * truth.best_either <=
				(int64_t)truth.best_common * verdict->nearest_denominator);
			continue;
		}
		CHECK_OR_RETURN(truth.earliest >= 0);
		corpus_id((uint64_t)truth.earliest, &id);
		CHECK_BYTES(verdict->origin.bytes, ID_BYTES, id.bytes, ID_BYTES);
		if (truth.same) {
			CHECK(verdict->method == DUP_EXACT || verdict->method == DUP_NORMALISED);
			CHECK_INT(
				verdict->method == DUP_EXACT, strcmp(bench.texts[i], bench.texts[truth.earliest]) == 0);
			exact++;
		} else {
			CHECK_INT(verdict->method, DUP_MINHASH);
			CHECK_INT(verdict->numerator, truth.common);
			CHECK_INT(verdict->denominator, truth.either);
			found++;
		}
		CHECK(!verdict->has_nearest);
	}
	CHECK(exact > 100);
	CHECK(found > 300);
	CHECK(missed * 100 <= found);
	for (size_t i = 0; i < POSTS; i++)
		corpus_set_close(sets[i]);
	bench_close(&bench);
	free(sets);
	free(leaders);
	free(verdicts);
}

TEST(every_planted_copy_with_four_fifths_in_common_is_found)
{
	enum { PAIRS = 4000 };
	/*
	 * Fixed: 25 bands of 5 miss one in twenty thousand at 0.8 itself, and this test does not test chance. (Seed 5
	 * plants one such pair, 77 of 96, among 2,965.)
	 */
	uint64_t random = 6;
	struct bench bench;
	struct linker_verdict *verdicts = calloc(2 * PAIRS, sizeof *verdicts);
	int planted = 0, found = 0, lower = 0, lower_found = 0;
	bench_open(&bench, 2 * PAIRS);
	for (size_t i = 0; i < PAIRS; i++) {
		unsigned script = (unsigned)(i % CORPUS_SCRIPTS);
		/* All originals come first, so that each copy is looked for among 4,000. */
		corpus_post(&random, script, 16 + (unsigned)(test_random(&random) % 20), bench.texts[i]);
		strcpy(bench.texts[PAIRS + i], bench.texts[i]);
		for (uint64_t edits = 1 + test_random(&random) % 4; edits > 0; edits--) {
			char before[CORPUS_POST_ROOM];
			strcpy(before, bench.texts[PAIRS + i]);
			corpus_edit(&random, script, before, bench.texts[PAIRS + i]);
		}
	}
	bench_all(&bench, verdicts);
	for (size_t i = 0; i < PAIRS; i++) {
		struct corpus_set *original = corpus_set_open(bench.texts[i], strlen(bench.texts[i]));
		struct corpus_set *copy = corpus_set_open(bench.texts[PAIRS + i], strlen(bench.texts[PAIRS + i]));
		int common, either;
		bool counts = corpus_set_size(original) >= 60 && corpus_set_size(copy) >= 60;
		corpus_set_jaccard(original, copy, &common, &either);
		CHECK_INT(verdicts[i].method, DUP_NONE);
		if (counts && 10 * common >= 8 * either) {
			struct item_id id;
			corpus_id(i, &id);
			planted++;
			found += memcmp(verdicts[PAIRS + i].origin.bytes, id.bytes, ID_BYTES) == 0;
		} else if (counts && 10 * common >= 7 * either) {
			lower++;
			lower_found += verdicts[PAIRS + i].method == DUP_MINHASH;
		} else if (counts) {
			CHECK_INT(verdicts[PAIRS + i].method, DUP_NONE);
		}
		corpus_set_close(original);
		corpus_set_close(copy);
	}
	CHECK(planted > 1500);
	CHECK_INT(found, planted);
	CHECK(lower > 300);
	CHECK(100 * lower_found >= 98 * lower);
	bench_close(&bench);
	free(verdicts);
}

/* ---- corner cases ---- */

static void bench_texts(struct bench *bench, const char *const *texts, struct linker_verdict *verdicts)
{
	for (size_t i = 0; i < bench->room; i++)
		strcpy(bench->texts[i], texts[i]);
	bench_all(bench, verdicts);
}

static void check_origin(const struct linker_verdict *verdict, uint64_t number)
{
	struct item_id id;
	corpus_id(number, &id);
	CHECK_BYTES(verdict->origin.bytes, ID_BYTES, id.bytes, ID_BYTES);
}

TEST(short_posts_only_repeat_the_same_words)
{
	static const char *const texts[] = {"gm friends", "gm friend", "GM  friends", "gm friends",
		"\xf0\x9f\x8c\xa7\xf0\x9f\x8c\xa7", "\xf0\x9f\x8c\xa7", "hahahahahahahahahahahahahahahahahahaha",
		"hahahahahahahahahahahahahahahahahahahaha"};
	enum { COUNT = sizeof texts / sizeof *texts };
	static const enum dup_method methods[COUNT] = {
		DUP_NONE, DUP_NONE, DUP_NORMALISED, DUP_EXACT, DUP_NONE, DUP_NONE, DUP_NONE, DUP_NONE};
	struct linker_verdict verdicts[COUNT];
	struct bench bench;
	bench_open(&bench, COUNT);
	bench_texts(&bench, texts, verdicts);
	for (size_t i = 0; i < COUNT; i++)
		CHECK_INT(verdicts[i].method, methods[i]);
	check_origin(&verdicts[2], 0);
	check_origin(&verdicts[3], 0);
	bench_close(&bench);
}

TEST(different_figures_keep_short_posts_apart_and_long_ones_not)
{
	static const char *const texts[] = {
		"price of wheat in the harbour today 3.1",
		"price of wheat in the harbour today 3.2",
		"price of wheat in the harbour today: 3.1",
		"the price of wheat in the harbour of the old town was rising all day long and has reached 3.1 today",
		"the price of wheat in the harbour of the old town was rising all day long and has reached 3.2 today",
	};
	struct linker_verdict verdicts[5];
	struct bench bench;
	bench_open(&bench, 5);
	bench_texts(&bench, texts, verdicts);
	CHECK_INT(verdicts[1].method, DUP_NONE);
	/* It stays a new post, but not a novel one. */
	CHECK(verdicts[1].has_nearest);
	CHECK(verdicts[1].nearest_numerator * 10 >= verdicts[1].nearest_denominator * 7);
	CHECK_INT(verdicts[2].method, DUP_MINHASH);
	check_origin(&verdicts[2], 0);
	CHECK_INT(verdicts[3].method, DUP_NONE);
	CHECK_INT(verdicts[4].method, DUP_MINHASH);
	check_origin(&verdicts[4], 3);
	bench_close(&bench);
}

TEST(chains_of_edits_do_not_drift_away_from_their_origin)
{
	enum { STEPS = 40 };
	uint64_t random = test_seed();
	struct bench bench;
	struct linker_verdict verdicts[STEPS];
	bench_open(&bench, STEPS);
	corpus_post(&random, 0, 25, bench.texts[0]);
	for (size_t i = 1; i < STEPS; i++)
		corpus_edit(&random, 0, bench.texts[i - 1], bench.texts[i]);
	bench_all(&bench, verdicts);
	size_t leaders = 0;
	for (size_t i = 0; i < STEPS; i++) {
		leaders += verdicts[i].method == DUP_NONE;
		if (verdicts[i].method == DUP_MINHASH)
			CHECK(10 * verdicts[i].numerator >= 7 * verdicts[i].denominator);
	}
	/* Forty words changed in a row of twenty-five: one origin for all would be single linkage. */
	CHECK(leaders > 1);
	bench_close(&bench);
}

TEST(a_post_between_two_leaders_has_the_earlier_as_origin_and_joins_the_smaller_cluster)
{
	static const char left[] = "storm warning for the whole northern coast tonight with gusts and very heavy rain, "
				   "stay at home and keep away from the pier";
	struct bench bench;
	struct wn_error err = {0};
	struct linker_verdict verdict;
	bench_open(&bench, 3);
	/* Two leaders that share too little, and a post in the middle. */
	snprintf(bench.texts[0], CORPUS_POST_ROOM, "%s one two three four five six seven", left);
	snprintf(bench.texts[1], CORPUS_POST_ROOM, "eight nine ten eleven twelve dozens %s", left);
	snprintf(bench.texts[2], CORPUS_POST_ROOM, "%s", left);
	for (size_t i = 0; i < 3; i++)
		bench.contents[i].content = wn_slice_of(bench.texts[i]);
	CHECK_OK(signer_sign(bench.signer, &bench.arena, bench.contents, 3, &err), err);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct linker *linker;
		CHECK_OR_RETURN(linker_open(&linker, &err));
		struct linker_post posts[3];
		for (size_t i = 0; i < 3; i++) {
			posts[i] = corpus_linker_post(&bench.contents[i], i);
			memset(posts[i].item.bytes, 7, ID_BYTES);
		}
		/* In one turn the earlier leader has the smaller id, in the other the later. */
		posts[0].item.bytes[0] = turn ? 9 : 3;
		posts[1].item.bytes[0] = turn ? 3 : 9;
		posts[2].item.bytes[0] = 1;
		for (size_t i = 0; i < 2; i++) {
			CHECK_OK(linker_link(linker, &posts[i], &verdict, &err), err);
			CHECK_INT(verdict.method, DUP_NONE);
		}
		CHECK_OK(linker_link(linker, &posts[2], &verdict, &err), err);
		CHECK_INT(verdict.method, DUP_MINHASH);
		CHECK_INT(verdict.origin.bytes[0], posts[0].item.bytes[0]);
		CHECK_INT(verdict.cluster.bytes[0], 3);
		linker_close(linker);
	}
	bench_close(&bench);
}

TEST(campaigns_do_not_see_each_other)
{
	struct bench bench;
	struct wn_error err = {0};
	struct linker_verdict verdict;
	bench_open(&bench, 1);
	strcpy(bench.texts[0], "the same post goes to two campaigns, and each of them takes it as a new one");
	bench.contents[0].content = wn_slice_of(bench.texts[0]);
	CHECK_OK(signer_sign(bench.signer, &bench.arena, bench.contents, 1, &err), err);
	for (uint64_t turn = 0; turn < 4; turn++) {
		struct linker_post post = corpus_linker_post(&bench.contents[0], turn);
		post.campaign = turn % 2;
		CHECK_OK(linker_link(bench.linker, &post, &verdict, &err), err);
		CHECK_INT(verdict.method, turn < 2 ? DUP_NONE : DUP_EXACT);
		check_origin(&verdict, turn % 2);
	}
	bench_close(&bench);
}

TEST(a_threshold_of_its_own_decides_for_each_campaign)
{
	static const char *const texts[] = {
		"heavy rain is expected along the whole coast from the evening until tomorrow at noon",
		"heavy rain is expected along the whole coast from the evening until tomorrow at dusk"};
	struct bench bench;
	struct wn_error err = {0};
	struct linker_verdict verdict = {0};
	bench_open(&bench, 2);
	for (size_t i = 0; i < 2; i++)
		bench.contents[i].content = wn_slice_of(texts[i]);
	CHECK_OK(signer_sign(bench.signer, &bench.arena, bench.contents, 2, &err), err);
	for (int numerator = 7; numerator <= 10; numerator += 3) {
		struct linker *linker;
		CHECK_OR_RETURN(linker_open(&linker, &err));
		for (size_t i = 0; i < 2; i++) {
			struct linker_post post = corpus_linker_post(&bench.contents[i], i);
			post.numerator = numerator;
			CHECK_OK(linker_link(linker, &post, &verdict, &err), err);
		}
		CHECK_INT(verdict.method, numerator == 7 ? DUP_MINHASH : DUP_NONE);
		CHECK_INT(verdict.has_nearest, numerator == 10);
		linker_close(linker);
	}
	bench_close(&bench);
}

TEST(a_template_that_floods_one_key_stays_bounded_and_exact)
{
	enum { POSTS = 3000 };
	struct bench bench;
	struct linker_verdict *verdicts = calloc(POSTS, sizeof *verdicts);
	uint64_t random = 3;
	bench_open(&bench, POSTS);
	/* Half of each post is the same for all, so bands are shared by thousands while no two repeat each other. */
	for (size_t i = 0; i < POSTS; i++) {
		char rest[CORPUS_POST_ROOM];
		corpus_post(&random, 0, 9, rest);
		snprintf(bench.texts[i], CORPUS_POST_ROOM,
			"weather report of the central station for all who are out there: %.200s", rest);
	}
	bench_all(&bench, verdicts);
	size_t leaders = linker_leaders(bench.linker);
	CHECK(leaders > POSTS * 9 / 10);
	/* All of it again: each is found at once, as itself. */
	for (size_t i = 0; i < POSTS; i++) {
		struct wn_error err = {0};
		struct linker_verdict verdict;
		struct linker_post post = corpus_linker_post(&bench.contents[i], POSTS + i);
		CHECK_OK(linker_link(bench.linker, &post, &verdict, &err), err);
		CHECK(verdict.method != DUP_NONE);
		CHECK_BYTES(verdict.origin.bytes, ID_BYTES, verdicts[i].origin.bytes, ID_BYTES);
	}
	CHECK_INT(linker_leaders(bench.linker), leaders);
	bench_close(&bench);
	free(verdicts);
}

TEST(restored_leaders_decide_as_the_ones_that_were_linked)
{
	enum { POSTS = 800 };
	uint64_t random = test_seed();
	struct bench bench;
	struct linker *restored;
	struct wn_error err = {0};
	struct linker_verdict *verdicts = calloc(POSTS, sizeof *verdicts), verdict;
	bench_open(&bench, POSTS);
	bench_stream(&bench, &random);
	bench_all(&bench, verdicts);
	CHECK_OR_RETURN(linker_open(&restored, &err));
	for (size_t i = 0; i < POSTS / 2; i++) {
		struct linker_post post = corpus_linker_post(&bench.contents[i], i);
		if (verdicts[i].method == DUP_NONE)
			CHECK_OK(linker_restore(restored, &post, &err), err);
	}
	for (size_t i = POSTS / 2; i < POSTS; i++) {
		struct linker_post post = corpus_linker_post(&bench.contents[i], i);
		CHECK_OK(linker_link(restored, &post, &verdict, &err), err);
		CHECK(verdict_equal(&verdict, &verdicts[i]));
	}
	linker_close(restored);
	bench_close(&bench);
	free(verdicts);
}

TEST(windows_and_endless_texts_are_matched_by_their_bytes)
{
	struct bench bench;
	struct wn_error err = {0};
	struct linker_verdict verdict;
	enum { LONG = 9000 };
	static char longs[2][LONG];
	bench_open(&bench, 6);
	memset(longs, 'x', sizeof longs);
	longs[1][LONG - 1] = 'y';
	static const char window[] = "{\"channels\":[{\"exponent\":-1,\"name\":\"t\",\"unit\":\"Cel\"}],\"device\":"
				     "\"a\",\"samples\":[[1,201],[2,202],[3,204]]}";
	static const char other[] = "{\"channels\":[{\"exponent\":-1,\"name\":\"t\",\"unit\":\"Cel\"}],\"device\":"
				    "\"a\",\"samples\":[[1,201],[2,202],[3,205]]}";
	const struct wn_slice contents[6] = {WN_SLICE(window), WN_SLICE(other), WN_SLICE(window), {longs[0], LONG},
		{longs[1], LONG}, {longs[0], LONG}};
	for (size_t i = 0; i < 6; i++) {
		bench.contents[i].kind = i < 3 ? ITEM_WINDOW : ITEM_TEXT;
		bench.contents[i].content = contents[i];
	}
	CHECK_OK(signer_sign(bench.signer, &bench.arena, bench.contents, 6, &err), err);
	for (size_t i = 0; i < 6; i++) {
		struct linker_post post = corpus_linker_post(&bench.contents[i], i);
		CHECK_OK(linker_link(bench.linker, &post, &verdict, &err), err);
		CHECK_INT(verdict.method, i % 3 == 2 ? DUP_EXACT : DUP_NONE);
		check_origin(&verdict, i % 3 == 2 ? i - 2 : i);
		CHECK_INT(bench.contents[i].size, 0);
	}
	bench_close(&bench);
}
