/* Which bytes of a text another one has too: the evidence of a near-duplicate verdict, counted from the two texts. */
#ifndef GPU_EMBED_DUP_SPANS_H
#define GPU_EMBED_DUP_SPANS_H

#include "core/arena.h"
#include "core/error.h"

enum { DUP_SPANS_MAX = 128 };

struct dup_span {
	uint32_t start, bytes; /* of the text as it is kept, in UTF-8 */
};
struct dup_evidence {
	int32_t common, either; /* distinct shingles: the numbers of the verdict */
	size_t count;		/* spans, rising, apart from each other; of more than DUP_SPANS_MAX the first */
	struct dup_span spans[DUP_SPANS_MAX];
};

/* Spans of `text` in which every letter belongs to a shingle that `other` has too. WN_INPUT norm_long; WN_FULL memory.
 * Any thread. */
bool dup_spans(struct dup_evidence *out, struct wn_slice text, struct wn_slice other, struct wn_error *err);

#endif
