/* Random batches of code points for backends: every length and script at which their vectors, blocks and windows end.
 */
#ifndef TESTS_GPU_EMBED_POINTS_H
#define TESTS_GPU_EMBED_POINTS_H

#include "gpu_embed/backend.h"

enum points_kind {
	POINTS_POSTS,	/* as people write: about 140 code points, six scripts, blanks */
	POINTS_LENGTHS, /* text i has i % 700 code points */
	POINTS_HOSTILE, /* of one letter, of few, of all code points, of wide ones; up to EMBED_POINTS_MAX long */
	POINTS_KINDS,
};

/* Room for a batch and for what is signed of it; nothing else than malloc() is used. */
struct points_batch {
	struct embed_texts texts;
	struct embed_signatures out;
	size_t room_texts, room_points;
};
bool points_open(struct points_batch *batch, size_t texts_max, size_t points_max);
void points_close(struct points_batch *batch);
/* Up to `count` texts, fewer when their code points would not fit. */
void points_fill(struct points_batch *batch, enum points_kind kind, size_t count, uint64_t *random);
/* So that what is not written differs from whatever the other one left. */
void points_soil(struct points_batch *batch, int byte);
/* The first text whose results differ, with a word for what; NULL: all are equal. `points` of both are the same. */
const char *points_differ(const struct points_batch *batch, const struct points_batch *other, size_t *text);

#endif
