/* Range searches: the reference against its definition, and every other way of this machine against the reference. */
#include "gpu_embed/range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/gpu_embed/vectors.h"

SUITE("range")

enum { VECTORS = 1500, QUERIES = 200, HITS = VECTORS * QUERIES };

static struct range_hit hits_room[2][HITS];

static bool search(struct range *range, const struct range_query *query, struct range_hits *hits)
{
	struct wn_error err = {0};
	return check_true(range_search(range, query, hits, &err), err.text, __FILE__, __LINE__);
}

static struct range *open_with(const char *name, const int8_t *vectors, size_t count, unsigned dimensions)
{
	struct range *range;
	struct wn_error err = {0};
	if (!check_true(range_open(&range, name, dimensions, &err), err.text, __FILE__, __LINE__))
		return NULL;
	/* In pieces that end anywhere in a tile. */
	for (size_t done = 0, piece = 1; done < count; done += piece, piece = piece * 3 + 1) {
		piece = done + piece > count ? count - done : piece;
		CHECK_OK(range_add(range, vectors + done * dimensions, piece, &err), err);
	}
	return range;
}

static bool same_hits(const struct range_hits *a, const struct range_hits *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (memcmp(&a->hits[i], &b->hits[i], sizeof *a->hits) != 0) {
			printf("  hit %zu: %u %u %d and %u %u %d\n", i, a->hits[i].query, a->hits[i].vector,
				a->hits[i].dot, b->hits[i].query, b->hits[i].vector, b->hits[i].dot);
			return false;
		}
	return CHECK_INT((int64_t)a->count, (int64_t)b->count);
}

TEST(the_reference_finds_what_the_definition_says)
{
	enum { DIMENSIONS = 64, COUNT = 300 };
	static int8_t vectors[COUNT * DIMENSIONS];
	static const uint32_t fractions[][2] = {{1, 1}, {81, 100}, {1, 2}, {1, 1 << 24}, {15000000, 15000001}};
	uint64_t random = test_seed();
	vectors_fill(vectors, COUNT, DIMENSIONS, &random);
	struct range *range = open_with("ref", vectors, COUNT, DIMENSIONS);
	CHECK_OR_RETURN(range != NULL);
	for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
		struct range_query query = {vectors, QUERIES, fractions[f][0], fractions[f][1]};
		struct range_hits hits = {.hits = hits_room[0], .room = HITS};
		size_t at = 0;
		if (!search(range, &query, &hits))
			break;
		for (uint32_t q = 0; q < QUERIES; q++)
			for (uint32_t v = 0; v < COUNT; v++) {
				__int128 dot = 0, qq = 0, vv = 0;
				for (int k = 0; k < DIMENSIONS; k++) {
					dot += vectors[q * DIMENSIONS + k] * vectors[v * DIMENSIONS + k];
					qq += vectors[q * DIMENSIONS + k] * vectors[q * DIMENSIONS + k];
					vv += vectors[v * DIMENSIONS + k] * vectors[v * DIMENSIONS + k];
				}
				bool near = dot > 0 && dot * dot * query.denominator >= qq * vv * query.numerator;
				bool found = at < hits.count && hits.hits[at].query == q && hits.hits[at].vector == v;
				if (near != found || (found && hits.hits[at].dot != (int)dot)) {
					CHECK(near == found);
					range_close(range);
					return;
				}
				at += found;
			}
		CHECK_INT((int64_t)at, (int64_t)hits.count);
		CHECK(hits.count > 0);
	}
	range_close(range);
}

/* Each other way with the same vectors, against the reference; at least `least` hits, or nothing was tested. */
static void compare(
	const int8_t *vectors, size_t count, unsigned dimensions, const struct range_query *query, size_t least)
{
	struct range *ref = open_with("ref", vectors, count, dimensions);
	struct range_hits want = {.hits = hits_room[0], .room = HITS};
	if (!ref || !search(ref, query, &want))
		return;
	CHECK(want.count >= least);
	for (size_t i = 0; range_kinds[i]; i++) {
		struct range_hits mine = {.hits = hits_room[1], .room = HITS};
		if (range_kinds[i] == &range_ref || !range_kinds[i]->usable())
			continue;
		struct range *range = open_with(range_kinds[i]->name, vectors, count, dimensions);
		if (range && search(range, query, &mine) && !CHECK(same_hits(&mine, &want)))
			printf("  %s, %zu vectors of %u, %zu queries, %u / %u\n", range_kinds[i]->name, count,
				dimensions, query->count, query->numerator, query->denominator);
		range_close(range);
	}
	range_close(ref);
}

TEST(all_ways_find_the_same)
{
	static const unsigned dimensions[] = {64, 256, 384, 1024};
	static const size_t counts[] = {1, 15, 16, 63, 64, 65, 128, 1000, VECTORS};
	static const size_t queries[] = {1, 3, 5, 6, 7, 48, QUERIES};
	static const uint32_t fractions[][2] = {{81, 100}, {1, 1}, {1, 4}, {999999, 1000000}};
	int8_t *vectors = malloc(VECTORS * 1024), *asked = malloc(QUERIES * 1024);
	uint64_t random = test_seed();
	for (size_t d = 0; d < sizeof dimensions / sizeof *dimensions; d++)
		for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
			size_t q = queries[test_random(&random) % (sizeof queries / sizeof *queries)];
			size_t f = test_random(&random) % (sizeof fractions / sizeof *fractions);
			vectors_fill(vectors, counts[c], dimensions[d], &random);
			vectors_fill(asked, q, dimensions[d], &random);
			/* Half of the queries are among the vectors. */
			for (size_t i = 0; i < q; i += 2)
				memcpy(asked + i * dimensions[d], vectors + i % counts[c] * dimensions[d],
					dimensions[d]);
			struct range_query query = {asked, q, fractions[f][0], fractions[f][1]};
			compare(vectors, counts[c], dimensions[d], &query, counts[c] >= 1000 && q >= 48 ? 1 : 0);
		}
	free(vectors);
	free(asked);
}

TEST(a_vector_exactly_at_the_threshold_is_found_everywhere)
{
	/* |q|^2 = |v|^2 = 100 and dot = 90: the square of the cosine is 81 / 100, neither more nor less. */
	enum { DIMENSIONS = 64, COUNT = 70 };
	static int8_t vectors[COUNT * DIMENSIONS], asked[DIMENSIONS] = {10};
	static const int8_t tie[] = {9, 3, 3, 1};
	for (int i = 0; i < COUNT; i++)
		memcpy(vectors + i * DIMENSIONS, tie, sizeof tie);
	struct range_query query = {asked, 1, 81, 100};
	struct range_hits hits = {.hits = hits_room[0], .room = HITS};
	for (size_t i = 0; range_kinds[i]; i++) {
		if (!range_kinds[i]->usable())
			continue;
		struct range *range = open_with(range_kinds[i]->name, vectors, COUNT, DIMENSIONS);
		if (!range)
			continue;
		query.numerator = 81;
		query.denominator = 100;
		if (search(range, &query, &hits))
			CHECK_INT((int64_t)hits.count, COUNT);
		query.numerator = 8100001;
		query.denominator = 10000000;
		if (search(range, &query, &hits))
			CHECK_INT((int64_t)hits.count, 0);
		range_close(range);
	}
}

TEST(the_largest_values_do_not_saturate)
{
	enum { DIMENSIONS = RANGE_DIMENSIONS_MAX, COUNT = 130 };
	static int8_t vectors[COUNT * DIMENSIONS], asked[4 * DIMENSIONS];
	uint64_t random = test_seed();
	for (size_t i = 0; i < sizeof vectors; i++)
		vectors[i] = i / DIMENSIONS % 3 == 0   ? -128
			     : i / DIMENSIONS % 3 == 1 ? 127
						       : (test_random(&random) % 100 ? -128 : 127);
	memset(asked, -128, DIMENSIONS);
	memset(asked + DIMENSIONS, 127, DIMENSIONS);
	memset(asked + 2 * DIMENSIONS, -127, DIMENSIONS);
	memcpy(asked + 3 * DIMENSIONS, vectors + 2 * DIMENSIONS, DIMENSIONS);
	struct range_query query = {asked, 4, 1, 1};
	compare(vectors, COUNT, DIMENSIONS, &query, COUNT);
	query.numerator = 9;
	query.denominator = 10;
	compare(vectors, COUNT, DIMENSIONS, &query, COUNT);
	query.denominator = RANGE_FRACTION_MAX;
	query.numerator = RANGE_FRACTION_MAX - 1;
	compare(vectors, COUNT, DIMENSIONS, &query, COUNT);
}

TEST(more_hits_than_room_are_refused)
{
	enum { DIMENSIONS = 64, COUNT = 200 };
	static int8_t vectors[COUNT * DIMENSIONS];
	memset(vectors, 5, sizeof vectors);
	struct range_query query = {vectors, 10, 1, 2};
	for (size_t i = 0; range_kinds[i]; i++) {
		struct range_hits hits = {.hits = hits_room[0], .room = 10 * COUNT - 1};
		struct wn_error err = {0};
		if (!range_kinds[i]->usable())
			continue;
		struct range *range = open_with(range_kinds[i]->name, vectors, COUNT, DIMENSIONS);
		if (!range)
			continue;
		CHECK(!range_search(range, &query, &hits, &err));
		CHECK_TEXT(err.code, "range_hits");
		CHECK(range_fault(range) == NULL);
		hits.room++;
		CHECK_OK(range_search(range, &query, &hits, &err), err);
		CHECK_INT((int64_t)hits.count, 10 * COUNT);
		range_close(range);
	}
}

TEST(an_unknown_way_is_named_and_an_absent_one_refused)
{
	struct range *range;
	struct wn_error err = {0};
	CHECK(!range_open(&range, "abacus", 64, &err));
	CHECK_TEXT(err.code, "backend_unknown");
	for (size_t i = 0; range_kinds[i]; i++)
		if (!range_kinds[i]->usable()) {
			CHECK(!range_open(&range, range_kinds[i]->name, 64, &err));
			CHECK_TEXT(err.code, "backend_unusable");
		}
}
