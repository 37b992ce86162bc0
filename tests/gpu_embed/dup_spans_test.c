/* Spans of a text that another one has too: their bytes, their count, and texts that are hard to lead back. */
#include "gpu_embed/dup_spans.h"

#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "gpu_embed/linker.h"
#include "gpu_embed/norm.h"
#include "gpu_embed/signer.h"
#include "tests/check.h"
#include "tests/gpu_embed/corpus.h"

SUITE("dup_spans")

static struct dup_evidence evidence_of(const char *text, const char *other)
{
	struct dup_evidence evidence;
	struct wn_error err = {0};
	CHECK_OK(dup_spans(&evidence, wn_slice_of(text), wn_slice_of(other), &err), err);
	return evidence;
}

static void check_span(const struct dup_evidence *evidence, size_t number, const char *text, const char *want)
{
	if (!CHECK(number < evidence->count))
		return;
	struct dup_span span = evidence->spans[number];
	CHECK_BYTES(text + span.start, span.bytes, want, strlen(want));
}

TEST(what_two_texts_share_is_told_in_bytes_of_the_first)
{
	static const char text[] = "RT @pier7: Storm  WARNING for the northern coast tonight, stay at home";
	static const char other[] = "storm warning for the northern coast tonight! Keep away from the pier";
	struct dup_evidence evidence = evidence_of(text, other);
	CHECK_INT(evidence.count, 1);
	check_span(&evidence, 0, text, "Storm  WARNING for the northern coast tonight");
	/* A part that is in the middle of the other is two spans here. */
	evidence = evidence_of(other, "Keep away from the pier: storm warning for the northern coast tonight");
	CHECK_INT(evidence.count, 2);
	check_span(&evidence, 0, other, "storm warning for the northern coast tonight");
	check_span(&evidence, 1, other, " Keep away from the pier" + 1);
	evidence = evidence_of(text, text);
	CHECK_INT(evidence.count, 1);
	check_span(&evidence, 0, text, text);
	CHECK_INT(evidence.common, evidence.either);
	evidence = evidence_of(text, "nothing of this kind");
	CHECK_INT(evidence.count, 0);
	CHECK_INT(evidence.common, 0);
	CHECK_INT(evidence_of("", text).count, 0);
	CHECK_INT(evidence_of("gm", "gm").count, 0);
}

TEST(letters_that_normalisation_makes_longer_or_shorter_are_whole_in_a_span)
{
	static const char text[] = "x Gr\xc3\xbc\xc3\x9f\x65 aus Ko\xcc\x88ln, \xef\xac\x81nd ich gut y";
	static const char other[] = "z gr\xc3\xbcsse aus k\xc3\xb6ln, find ich gut z";
	struct dup_evidence evidence = evidence_of(text, other);
	CHECK_INT(evidence.count, 1);
	check_span(&evidence, 0, text, " Gr\xc3\xbc\xc3\x9f\x65 aus Ko\xcc\x88ln, \xef\xac\x81nd ich gut ");
	static const char hangul[] = "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xea\xb5\xad\xec\x96\xb4 a";
	evidence = evidence_of(hangul, "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 b");
	CHECK_INT(evidence.count, 1);
	check_span(&evidence, 0, hangul, "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xea\xb5\xad\xec\x96\xb4 ");
}

/* Whatever comes: numbers are the linker's, spans lie apart, within the text and between its characters, and what lies
 * in them, taken alone, has its shingles in the other text. */
TEST(spans_of_any_two_texts_hold_together)
{
	enum { PAIRS = 1500 };
	uint64_t random = test_seed();
	struct wn_arena arena;
	struct signer *signer;
	struct wn_error err = {0};
	CHECK_OK(signer_open(&signer, "ref", &err), err);
	wn_arena_init(&arena, 64 << 20);
	for (unsigned i = 0; i < PAIRS; i++) {
		char texts[2][CORPUS_POST_ROOM];
		unsigned script = i % CORPUS_SCRIPTS;
		if (i % 3 == 0)
			corpus_noise(&random, 120, texts[0]);
		else
			corpus_post(&random, script, 25, texts[0]);
		corpus_edit(&random, script, texts[0], texts[1]);
		if (!utf8_valid(texts[1], strlen(texts[1]), NULL))
			continue;
		struct dup_evidence evidence = evidence_of(texts[0], texts[1]);
		struct signed_content contents[2] = {{.kind = ITEM_TEXT, .content = wn_slice_of(texts[0])},
			{.kind = ITEM_TEXT, .content = wn_slice_of(texts[1])}};
		int32_t common, either;
		wn_arena_reset(&arena);
		CHECK_OK(signer_sign(signer, &arena, contents, 2, &err), err);
		linker_jaccard(contents[0].shingles, contents[0].size, contents[1].shingles, contents[1].size, &common,
			&either);
		CHECK_INT(evidence.common, common);
		CHECK_INT(evidence.either, either);
		CHECK_INT(evidence.count > 0, common > 0);
		size_t end = 0, bytes = strlen(texts[0]);
		for (size_t s = 0; s < evidence.count; s++) {
			struct dup_span span = evidence.spans[s];
			CHECK(s == 0 || span.start > end);
			CHECK(span.bytes > 0);
			end = span.start + span.bytes;
			CHECK_OR_RETURN(end <= bytes);
			CHECK(utf8_valid(texts[0] + span.start, span.bytes, NULL));
		}
	}
	signer_close(signer);
	wn_arena_free(&arena);
}
