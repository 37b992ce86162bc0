/* Duplicates of a file: chunks of any size and threads of any number give the same lines as one linker alone. */
#include "cmd/dedup_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"
#include "tests/check.h"

SUITE("dedup")

enum { LINES = 1200, PATH_ROOM = 512, TEXT_ROOM = 400 };

/* Posts of words of one letter and a number, many of them an earlier one with a word or two changed. */
static void texts_make(uint64_t *random, char (*texts)[TEXT_ROOM])
{
	for (size_t i = 0; i < LINES; i++) {
		size_t back = i > 0 && test_random(random) % 3 == 0 ? 1 + test_random(random) % i : 0;
		size_t bytes = 0;
		if (back > 0) {
			strcpy(texts[i], texts[i - back]);
			for (uint64_t edits = test_random(random) % 4; edits > 0 && texts[i][0]; edits--)
				texts[i][test_random(random) % strlen(texts[i])] =
					'a' + (char)(test_random(random) % 26);
			continue;
		}
		for (uint64_t words = test_random(random) % 30; words > 0; words--)
			bytes += (size_t)snprintf(
				texts[i] + bytes, TEXT_ROOM - bytes, "w%u ", (unsigned)(test_random(random) % 5000));
	}
}

/* What dedup_run() is to write, line for line, from a linker and a signer used one text after the other. */
static char *lines_expected(char (*texts)[TEXT_ROOM])
{
	char *out = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&out, &bytes);
	struct wn_arena arena;
	struct signer *signer;
	struct linker *linker;
	struct wn_error err = {0};
	wn_assert(file != NULL);
	wn_arena_init(&arena, 16 << 20);
	CHECK_OK(signer_open(&signer, "ref", &err), err);
	CHECK_OK(linker_open(&linker, &err), err);
	for (uint32_t i = 0; i < LINES; i++) {
		struct signed_content content = {.kind = ITEM_TEXT, .content = wn_slice_of(texts[i])};
		struct linker_verdict verdict;
		wn_arena_reset(&arena);
		CHECK_OK(signer_sign(signer, &arena, &content, 1, &err), err);
		struct linker_post post = {.seq = i + 1,
			.campaign = 9,
			.numerator = 7,
			.denominator = 10,
			.raw = content.raw,
			.normal = content.normal,
			.near = content.near,
			.digits = content.digits,
			.lanes = content.lanes,
			.keys = content.keys,
			.key_stride = content.key_stride,
			.shingles = content.shingles,
			.size = content.size};
		/* Big-endian, so that the least id is the first line. */
		post.item.bytes[6] = (uint8_t)((i + 1) >> 8);
		post.item.bytes[7] = (uint8_t)(i + 1);
		CHECK_OK(linker_link(linker, &post, &verdict, &err), err);
		fprintf(file,
			"{\"line\":%u,\"id\":%u,\"origin\":%u,\"cluster\":%u,\"method\":\"%s\",\"numerator\":%d,"
			"\"denominator\":%d}\n",
			i + 1, i, (unsigned)(verdict.origin.bytes[6] << 8 | verdict.origin.bytes[7]),
			(unsigned)(verdict.cluster.bytes[6] << 8 | verdict.cluster.bytes[7]),
			dup_method_name(verdict.method), verdict.numerator, verdict.denominator);
	}
	linker_close(linker);
	signer_close(signer);
	wn_arena_free(&arena);
	fclose(file);
	return out;
}

static void progress_count(void *context, int64_t lines, int thousandths)
{
	int64_t *seen = context;
	CHECK(lines > *seen);
	CHECK(thousandths >= 0 && thousandths <= 1000);
	*seen = lines;
}

TEST(any_split_into_chunks_and_any_number_of_threads_give_the_same_lines)
{
	static char texts[LINES][TEXT_ROOM];
	char path[PATH_ROOM];
	uint64_t random = test_seed();
	texts_make(&random, texts);
	char *expected = lines_expected(texts);
	snprintf(path, sizeof path, "%s/posts.ndjson", test_folder());
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	for (size_t i = 0; i < LINES; i++)
		fprintf(file, "{\"text\":\"%s\",\"id\":%zu}\n", texts[i], i);
	fclose(file);
	for (unsigned turn = 0; turn < 10; turn++) {
		char *got = NULL;
		size_t bytes = 0;
		int64_t seen = 0;
		struct dedup_summary sum;
		struct wn_error err = {0};
		struct dedup_plan plan = {.path = path,
			.field = "text",
			.id = "id",
			.numerator = 7,
			.denominator = 10,
			.threads = 1 + turn % 6,
			.chunk_lines = turn == 0 ? DEDUP_CHUNK_LINES : 1 + test_random(&random) % (turn < 5 ? 20 : 700),
			.out = open_memstream(&got, &bytes),
			.progress = progress_count,
			.context = &seen};
		CHECK_OK(dedup_run(&plan, &sum, &err), err);
		fclose(plan.out);
		CHECK_TEXT(got, expected);
		CHECK_INT(sum.lines, LINES);
		CHECK_INT(seen, LINES);
		CHECK_INT(sum.origins + sum.exact + sum.normalised + sum.near, LINES);
		CHECK(sum.near > LINES / 20);
		free(got);
	}
	free(expected);
}
