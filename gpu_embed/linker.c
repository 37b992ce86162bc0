/* Decides post after post: what it repeats is counted exactly, and only integers are compared. */
#include "gpu_embed/linker.h"

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/leaders.h"

struct linker {
	struct leaders *leaders;
};

const char *dup_method_name(enum dup_method method)
{
	static const char *const names[] = {"none", "exact", "norm", "minhash", "semantic", "sensor"};
	wn_assert((size_t)method < sizeof names / sizeof *names);
	return names[method];
}

bool linker_open(struct linker **out, struct wn_error *err)
{
	struct linker *linker = calloc(1, sizeof *linker);
	if (!linker)
		return wn_fail(err, WN_FULL, "memory", "no room for the linker");
	if (!leaders_open(&linker->leaders, err)) {
		free(linker);
		return false;
	}
	*out = linker;
	return true;
}

void linker_close(struct linker *linker)
{
	if (!linker)
		return;
	leaders_close(linker->leaders);
	free(linker);
}

size_t linker_leaders(const struct linker *linker)
{
	return leaders_count(linker->leaders);
}

void linker_jaccard(
	const uint32_t *a, uint32_t a_size, const uint32_t *b, uint32_t b_size, int32_t *common, int32_t *either)
{
	uint32_t i = 0, j = 0, same = 0;
	while (i < a_size && j < b_size) {
		uint32_t left = a[i], right = b[j];
		same += left == right;
		i += left <= right;
		j += right <= left;
	}
	*common = (int32_t)same;
	*either = (int32_t)(a_size + b_size - same);
}

static int lanes_equal(const uint16_t *a, const uint16_t *b)
{
	int equal = 0;
	for (unsigned lane = 0; lane < EMBED_LANES; lane++)
		equal += a[lane] == b[lane];
	return equal;
}

/* One exact comparison: a leader that is repeated moves origin and cluster, one that is not may be the nearest. */
static void compare(const struct linker_post *post, const struct leader *leader, struct linker_verdict *out)
{
	int32_t common, either;
	linker_jaccard(post->shingles, post->size, leader->shingles, leader->size, &common, &either);
	bool digits_part = (post->size < EMBED_DIGITS_BELOW || leader->size < EMBED_DIGITS_BELOW) &&
			   post->digits != leader->digits;
	if ((int64_t)common * post->denominator >= (int64_t)post->numerator * either && !digits_part) {
		if (out->method == DUP_NONE) {
			out->method = DUP_MINHASH;
			out->origin = out->cluster = leader->item;
			out->numerator = common;
			out->denominator = either;
		} else if (id_compare(&leader->item, &out->cluster) < 0) {
			out->cluster = leader->item;
		}
	} else if (!out->has_nearest ||
		   (int64_t)common * out->nearest_denominator > (int64_t)out->nearest_numerator * either) {
		out->has_nearest = true;
		out->nearest = leader->item;
		out->nearest_numerator = common;
		out->nearest_denominator = either;
	}
}

static void link_near(const struct linker *linker, const struct linker_post *post, struct linker_verdict *out)
{
	uint32_t numbers[LEADERS_CANDIDATES_MAX];
	int equal[LEADERS_CANDIDATES_MAX], least = embed_lanes_least(post->numerator, post->denominator);
	size_t count = leaders_candidates(linker->leaders, post, numbers), likeliest = count;
	for (size_t i = 0; i < count; i++) {
		equal[i] = lanes_equal(post->lanes, leaders_at(linker->leaders, numbers[i])->lanes);
		if (equal[i] < least && (likeliest == count || equal[i] > equal[likeliest]))
			likeliest = i;
	}
	for (size_t i = 0; i < count; i++)
		if (equal[i] >= least || i == likeliest)
			compare(post, leaders_at(linker->leaders, numbers[i]), out);
}

bool linker_link(
	struct linker *linker, const struct linker_post *post, struct linker_verdict *out, struct wn_error *err)
{
	wn_assert(post->numerator > 0);
	wn_assert(post->numerator <= post->denominator);
	*out = (struct linker_verdict){
		.origin = post->item, .cluster = post->item, .denominator = 1, .nearest_denominator = 1};
	const struct leader *same = leaders_same(linker->leaders, post);
	if (same) {
		out->method = memcmp(same->raw.bytes, post->raw.bytes, ID_BYTES) == 0 ? DUP_EXACT : DUP_NORMALISED;
		out->origin = out->cluster = same->item;
		out->numerator = 1;
		return true;
	}
	if (post->near)
		link_near(linker, post, out);
	if (out->method == DUP_NONE)
		return leaders_add(linker->leaders, post, err);
	out->has_nearest = false;
	out->nearest_numerator = 0;
	out->nearest_denominator = 1;
	return true;
}

bool linker_restore(struct linker *linker, const struct linker_post *post, struct wn_error *err)
{
	return leaders_add(linker->leaders, post, err);
}
