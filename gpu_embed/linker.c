/* Decides post after post: what it repeats is counted exactly, and only integers are compared. */
#include "gpu_embed/linker.h"

#include <stdlib.h>
#include <string.h>

#include "gpu_embed/index.h"

struct linker {
	struct dup_index *index;
	struct index_found found;
};

const char *dup_method_name(enum dup_method method)
{
	static const char *const names[] = {"none", "exact", "norm", "minhash", "semantic", "sensor"};
	wn_assert((size_t)method < sizeof names / sizeof *names);
	return names[method];
}

bool linker_open_folder(struct linker **out, const char *folder, uint32_t segment_leaders, struct wn_error *err)
{
	struct linker *linker = calloc(1, sizeof *linker);
	if (!linker)
		return wn_fail(err, WN_FULL, "memory", "no room for the linker");
	if (!index_open(&linker->index, folder, segment_leaders ? segment_leaders : INDEX_SEGMENT_LEADERS, err)) {
		free(linker);
		return false;
	}
	*out = linker;
	return true;
}

bool linker_open(struct linker **out, struct wn_error *err)
{
	struct linker *linker;
	if (!linker_open_folder(&linker, NULL, 0, err))
		return false;
	if (!linker_start(linker, 0, err)) {
		linker_close(linker);
		return false;
	}
	*out = linker;
	return true;
}

void linker_close(struct linker *linker)
{
	if (!linker)
		return;
	index_close(linker->index);
	free(linker);
}

size_t linker_marks(const struct linker *linker, const struct linker_mark **out)
{
	return index_marks(linker->index, out);
}

bool linker_start(struct linker *linker, size_t marks, struct wn_error *err)
{
	return index_start(linker->index, marks, err);
}

void linker_forget(const char *folder)
{
	index_forget(folder);
}

size_t linker_leaders(const struct linker *linker)
{
	return index_count(linker->index);
}

int64_t linker_watermark(const struct linker *linker)
{
	return index_watermark(linker->index);
}

void linker_keep(struct linker *linker)
{
	index_keep(linker->index);
}

void linker_settle(struct linker *linker)
{
	index_settle(linker->index);
}

void linker_prefetch(const struct linker *linker, const struct linker_post *post)
{
	index_prefetch(linker->index, post);
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

/* Eight lanes at a time: compared, each gives 0 or -1. */
typedef uint16_t lanes_vector __attribute__((vector_size(16)));

static int lanes_equal(const uint16_t *a, const uint16_t *b)
{
	lanes_vector sum = {0};
	int equal = 0;
	for (unsigned lane = 0; lane < EMBED_LANES; lane += 8) {
		lanes_vector left, right;
		memcpy(&left, a + lane, sizeof left);
		memcpy(&right, b + lane, sizeof right);
		sum -= (lanes_vector)(left == right);
	}
	for (unsigned i = 0; i < 8; i++)
		equal += sum[i];
	return equal;
}

/* One exact comparison: a leader that is repeated moves origin and cluster, one that is not may be the nearest. */
static void compare(const struct linker_post *post, const struct index_leader *leader, struct linker_verdict *out)
{
	int32_t common, either;
	linker_jaccard(post->shingles, post->size, leader->shingles, leader->size, &common, &either);
	bool digits_part = (post->size < EMBED_DIGITS_BELOW || leader->size < EMBED_DIGITS_BELOW) &&
			   post->digits != leader->digits;
	if ((int64_t)common * post->denominator >= (int64_t)post->numerator * either && !digits_part) {
		if (out->method == DUP_NONE) {
			out->method = DUP_MINHASH;
			out->origin = out->cluster = *leader->item;
			out->numerator = common;
			out->denominator = either;
		} else if (id_compare(leader->item, &out->cluster) < 0) {
			out->cluster = *leader->item;
		}
	} else if (!out->has_nearest ||
		   (int64_t)common * out->nearest_denominator > (int64_t)out->nearest_numerator * either) {
		out->has_nearest = true;
		out->nearest = *leader->item;
		out->nearest_numerator = common;
		out->nearest_denominator = either;
	}
}

static bool link_near(
	struct linker *linker, const struct linker_post *post, struct linker_verdict *out, struct wn_error *err)
{
	struct index_leader leaders[INDEX_CANDIDATES_MAX];
	const struct index_found *found = &linker->found;
	int equal[INDEX_CANDIDATES_MAX], least = embed_lanes_least(post->numerator, post->denominator);
	size_t likeliest = found->count;
	for (size_t i = 0; i < found->count; i++) {
		if (!index_leader(linker->index, found->numbers[i], &leaders[i], err))
			return false;
		equal[i] = lanes_equal(post->lanes, leaders[i].lanes);
		if (equal[i] < least && (likeliest == found->count || equal[i] > equal[likeliest]))
			likeliest = i;
	}
	for (size_t i = 0; i < found->count; i++)
		if (equal[i] >= least || i == likeliest)
			compare(post, &leaders[i], out);
	return true;
}

bool linker_link(
	struct linker *linker, const struct linker_post *post, struct linker_verdict *out, struct wn_error *err)
{
	struct index_leader same;
	uint32_t number;
	bool has_same;
	wn_assert(post->numerator > 0);
	wn_assert(post->numerator <= post->denominator);
	*out = (struct linker_verdict){
		.origin = post->item, .cluster = post->item, .denominator = 1, .nearest_denominator = 1};
	if (!index_same(linker->index, post, &has_same, &number, err))
		return false;
	if (has_same) {
		if (!index_leader(linker->index, number, &same, err))
			return false;
		out->method = memcmp(same.raw->bytes, post->raw.bytes, ID_BYTES) == 0 ? DUP_EXACT : DUP_NORMALISED;
		out->origin = out->cluster = *same.item;
		out->numerator = 1;
		return true;
	}
	if (!index_find(linker->index, post, &linker->found, err) || !link_near(linker, post, out, err))
		return false;
	if (out->method == DUP_NONE)
		return index_add(linker->index, post, linker->found.mask, err);
	out->has_nearest = false;
	out->nearest_numerator = 0;
	out->nearest_denominator = 1;
	return true;
}

bool linker_restore(struct linker *linker, const struct linker_post *post, struct wn_error *err)
{
	return index_find(linker->index, post, &linker->found, err) &&
	       index_add(linker->index, post, linker->found.mask, err);
}
