/* From contents as they are kept to what the linker compares: hashes, signatures, shingle sets. */
#ifndef GPU_EMBED_SIGNER_H
#define GPU_EMBED_SIGNER_H

#include "core/arena.h"
#include "core/campaign.h"
#include "core/id.h"
#include "gpu_embed/backend.h"

enum { SIGNER_BATCH_MAX = 512 };

/* One content, and what is computed of it; pointers lead into the arena of the call. */
struct signed_content {
	enum item_kind kind;
	struct wn_slice content;
	struct sha256 raw;    /* SHA-256 of the content as it is kept */
	struct sha256 normal; /* of the normalised text */
	bool near;	      /* has shingles enough to be compared by them */
	uint64_t digits;
	const uint16_t *lanes;
	const uint64_t *keys; /* band after band, key_stride apart */
	size_t key_stride;
	const uint32_t *shingles;
	uint32_t size; /* distinct shingles */
};

/*
 * A window is kept as canonical JSON, so its normalised form is itself, and it has no shingles. A text that
 * normalisation does not take for its length is matched by its bytes only: no item may hold up all others.
 */
struct signer;
bool signer_open(struct signer **out, const char *backend, struct wn_error *err); /* backend NULL: the preferred one */
void signer_close(struct signer *signer);					  /* NULL is fine */
const char *signer_backend(const struct signer *signer);
/* Fills everything behind `content`; count <= SIGNER_BATCH_MAX. */
bool signer_sign(struct signer *signer, struct wn_arena *arena, struct signed_content *contents, size_t count,
	struct wn_error *err);

#endif
