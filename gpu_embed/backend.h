/* The whole promise of a signing backend: batches of normalised texts in, signatures out, the same bits from all of
 * them. */
#ifndef GPU_EMBED_BACKEND_H
#define GPU_EMBED_BACKEND_H

#include <stdbool.h>

#include "core/error.h"
#include "gpu_embed/embed_spec.h"

enum { BACKEND_BATCH_MAX = 4096, BACKEND_ABOUT_MAX = 320 };
#define BACKEND_VARIABLE "WINNOW_EMBED_BACKEND"

/* Texts as code points, one behind the other: text i is points[starts[i]] up to, not including, points[starts[i + 1]].
 */
struct embed_texts {
	size_t count;		/* at most BACKEND_BATCH_MAX */
	const uint32_t *points; /* at most EMBED_POINTS_MAX a text; never NULL, though all texts may be empty */
	const uint32_t *starts; /* count + 1 */
};

/* Where the results go; the caller owns all of it and leaves no pointer NULL unless count is 0. */
struct embed_signatures {
	uint16_t *lanes;    /* [count][EMBED_LANES] */
	uint64_t *keys;	    /* [EMBED_BANDS][count]: one band after the other, ready to be sorted */
	uint32_t *shingles; /* room for as many as there are points; text i's set starts at starts[i], rising, no two
			       equal */
	uint32_t *sizes;    /* [count]: how many shingles the set holds */
};

/* Features of texts for the hashed embedder, one text behind the other as in embed_texts. */
struct embed_features {
	size_t count;		 /* of texts, at most BACKEND_BATCH_MAX */
	const uint32_t *hashes;	 /* never NULL, though all texts may be empty */
	const uint16_t *weights; /* at most EMBED_WEIGHT_MAX */
	const uint32_t *starts;	 /* count + 1; at most EMBED_FEATURES_MAX a text */
};

/*
 * One way to compute. A new one is a file with such a table and a line in dispatch.c; it needs no other change. `state`
 * is what open() made, used by one thread at a time; two opened states do not know of each other.
 */
struct backend_kind {
	const char *name;
	/* It can be lost while it works, and pays for what goes to it and back: it is used only where it is named. */
	bool device;
	bool (*usable)(void); /* this machine can run it */
	/* A phrase: what it runs on, or for want of what it does not. */
	void (*about)(char out[BACKEND_ABOUT_MAX]);
	bool (*open)(void **state, struct wn_error *err);
	void (*close)(void *state);
	bool (*sign)(
		void *state, const struct embed_texts *texts, const struct embed_signatures *out, struct wn_error *err);
	/* vectors: [count][EMBED_DIMENSIONS]. NULL: the processor does it, whatever signs. */
	void (*project)(void *state, const struct embed_features *features, int8_t *vectors);
};
extern const struct backend_kind backend_avx512, backend_avx2;
extern const struct backend_kind backend_cuda; /* winnow_cuda.so, where it was built and is found */
extern const struct backend_kind backend_ref;  /* scalar, and right: the truth that others are compared with */

/* All that this binary knows, the preferred one first; ends with NULL. */
extern const struct backend_kind *const backend_kinds[];

struct backend;
/*
 * name NULL: the one that WINNOW_EMBED_BACKEND in the environment names, else the first usable one of the processor: a
 * batch of a node is signed there before it would have been copied to a device. WN_INPUT backend_unknown, WN_DOWN
 * backend_unusable.
 */
bool backend_open(struct backend **out, const char *name, struct wn_error *err);
void backend_close(struct backend *backend); /* NULL is fine */
const char *backend_name(const struct backend *backend);
/*
 * All or nothing. When a device fails in a batch, or could not be opened although it is there, the processor signs the
 * whole batch again, and every batch from then on: the outputs are the same, and backend_fault() says what happened.
 */
bool backend_sign(struct backend *backend, const struct embed_texts *texts, const struct embed_signatures *out,
	struct wn_error *err);
/* vectors: [count][EMBED_DIMENSIONS]. Beside a device the processor works; it needs nothing that could fail. */
void backend_project(struct backend *backend, const struct embed_features *features, int8_t *vectors);
const struct wn_error *backend_fault(const struct backend *backend); /* NULL: nothing */

#endif
