/* Every signing backend that this machine can run, against the reference, bit for bit. */
#include "gpu_embed/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/gpu_embed/points.h"

SUITE("backend")

enum { TEXTS = 1400, POINTS = 1400 * 700, FUZZ_ROUNDS = 6 };

static bool sign(struct backend *backend, struct points_batch *batch)
{
	struct wn_error err = {0};
	return check_true(backend_sign(backend, &batch->texts, &batch->out, &err), err.text, __FILE__, __LINE__);
}

/* Copies texts [first, first + count) of a batch. */
static void batch_part(struct points_batch *part, const struct points_batch *batch, size_t first, size_t count)
{
	uint32_t start = batch->texts.starts[first];
	for (size_t i = 0; i <= count; i++)
		((uint32_t *)part->texts.starts)[i] = batch->texts.starts[first + i] - start;
	memcpy((void *)part->texts.points, batch->texts.points + start, part->texts.starts[count] * sizeof(uint32_t));
	part->texts.count = count;
}

static void compare(struct backend *backend, struct backend *ref, struct points_batch *mine, struct points_batch *want)
{
	size_t text = 0;
	points_soil(mine, 0x5a);
	points_soil(want, 0xa5);
	batch_part(mine, want, 0, want->texts.count);
	if (!sign(ref, want) || !sign(backend, mine))
		return;
	const char *what = points_differ(mine, want, &text);
	if (!CHECK(what == NULL))
		printf("  %s: %s of text %zu, %u code points\n", backend_name(backend), what, text,
			want->texts.starts[text + 1] - want->texts.starts[text]);
}

/* Calls `test` with each other backend that runs here, the reference, and two batches. */
static void with_each(void (*test)(struct backend *, struct backend *, struct points_batch *, struct points_batch *))
{
	struct points_batch mine, want;
	struct backend *ref, *backend;
	struct wn_error err = {0};
	CHECK_OR_RETURN(points_open(&mine, TEXTS, POINTS));
	CHECK_OR_RETURN(points_open(&want, TEXTS, POINTS));
	CHECK_OR_RETURN(backend_open(&ref, "ref", &err));
	for (size_t i = 0; backend_kinds[i]; i++) {
		if (backend_kinds[i] == &backend_ref || !backend_kinds[i]->usable())
			continue;
		if (!CHECK(backend_open(&backend, backend_kinds[i]->name, &err)))
			continue;
		test(backend, ref, &mine, &want);
		backend_close(backend);
	}
	backend_close(ref);
	points_close(&mine);
	points_close(&want);
}

static void fuzz(struct backend *backend, struct backend *ref, struct points_batch *mine, struct points_batch *want)
{
	uint64_t random = test_seed();
	for (int round = 0; round < FUZZ_ROUNDS; round++)
		for (int kind = 0; kind < POINTS_KINDS; kind++) {
			points_fill(want, (enum points_kind)kind, TEXTS, &random);
			compare(backend, ref, mine, want);
		}
}

TEST(all_backends_sign_as_the_reference_does)
{
	with_each(fuzz);
}

static void every_point(
	struct backend *backend, struct backend *ref, struct points_batch *mine, struct points_batch *want)
{
	/* Two of a code point among four that are wide: the width of the shingles, so their number, tells its class. */
	enum { LENGTH = 4 };
	uint32_t *points = (uint32_t *)want->texts.points, *starts = (uint32_t *)want->texts.starts;
	starts[0] = 0;
	want->texts.count = 0;
	for (uint32_t point = 0; point < 0x110000; point++) {
		size_t text = want->texts.count++;
		uint32_t *at = points + starts[text];
		at[0] = at[1] = point;
		at[2] = 'x';
		at[3] = 0x4e00;
		starts[text + 1] = starts[text] + LENGTH;
		if (want->texts.count == TEXTS || point == 0x10ffff) {
			compare(backend, ref, mine, want);
			want->texts.count = 0;
		}
	}
}

TEST(all_backends_class_every_code_point_as_the_reference_does)
{
	with_each(every_point);
}

static void split(struct backend *backend, struct backend *ref, struct points_batch *mine, struct points_batch *want)
{
	uint64_t random = test_seed();
	struct points_batch part;
	CHECK_OR_RETURN(points_open(&part, TEXTS, POINTS));
	(void)ref;
	(void)mine;
	points_fill(want, POINTS_HOSTILE, TEXTS, &random);
	if (!sign(backend, want))
		return;
	size_t count = want->texts.count;
	for (size_t first = 0, size; first < count; first += size) {
		size = 1 + test_random(&random) % 37;
		size = first + size > count ? count - first : size;
		points_soil(&part, 0x33);
		batch_part(&part, want, first, size);
		if (!sign(backend, &part))
			break;
		for (size_t i = 0; i < size; i++) {
			size_t of = first + i;
			bool same = part.out.sizes[i] == want->out.sizes[of] &&
				    memcmp(part.out.lanes + i * EMBED_LANES, want->out.lanes + of * EMBED_LANES,
					    EMBED_LANES * sizeof(uint16_t)) == 0 &&
				    memcmp(part.out.shingles + part.texts.starts[i],
					    want->out.shingles + want->texts.starts[of],
					    part.out.sizes[i] * sizeof(uint32_t)) == 0;
			for (size_t band = 0; band < EMBED_BANDS; band++)
				same = same && part.out.keys[band * size + i] == want->out.keys[band * count + of];
			if (!CHECK(same))
				break;
		}
	}
	points_close(&part);
}

TEST(how_a_batch_is_cut_changes_no_signature)
{
	with_each(split);
}

/* A text whose shingles all begin with the same six bits, so that dealing them out by those bits does not help. */
static void bucket(struct backend *backend, struct backend *ref, struct points_batch *mine, struct points_batch *want)
{
	enum { KEPT = 4000 };
	uint32_t *points = (uint32_t *)want->texts.points, *starts = (uint32_t *)want->texts.starts;
	uint64_t random = test_seed();
	size_t kept = 0;
	/* Each next point is drawn until the shingle that it ends hashes low. */
	for (; kept < 4; kept++)
		points[kept] = (uint32_t)(test_random(&random) % 0x10000) + 0x10000;
	while (kept < KEPT) {
		points[kept] = 0x10000 + (uint32_t)(test_random(&random) % 0x10000);
		if (embed_shingle(points + kept - 4, EMBED_SHINGLE) >> 26 == 0)
			kept++;
	}
	starts[0] = 0;
	starts[1] = KEPT;
	want->texts.count = 1;
	CHECK_INT(embed_width(points, KEPT), EMBED_SHINGLE);
	compare(backend, ref, mine, want);
}

TEST(a_text_made_to_fill_one_bucket_is_signed_all_the_same)
{
	with_each(bucket);
}

TEST(a_machine_without_a_backend_refuses_it_by_name)
{
	for (size_t i = 0; backend_kinds[i]; i++) {
		struct backend *backend;
		struct wn_error err = {0};
		if (backend_kinds[i]->usable()) {
			CHECK_OK(backend_open(&backend, backend_kinds[i]->name, &err), err);
			CHECK_TEXT(backend_name(backend), backend_kinds[i]->name);
			backend_close(backend);
		} else {
			CHECK(!backend_open(&backend, backend_kinds[i]->name, &err));
			CHECK_TEXT(err.code, "backend_unusable");
		}
	}
}
