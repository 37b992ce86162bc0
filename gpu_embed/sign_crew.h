/* Signers side by side: a batch is signed by several threads, with the results of one. */
#ifndef GPU_EMBED_SIGN_CREW_H
#define GPU_EMBED_SIGN_CREW_H

#include "gpu_embed/crew.h"
#include "gpu_embed/signer.h"

enum { SIGN_PART = 64 }; /* contents that a thread takes at a time */

struct sign_crew;
/* backend NULL: the preferred one. A device is given one thread only: it does not get faster by being asked twice. */
bool sign_crew_open(struct sign_crew **out, const char *backend, unsigned threads, struct wn_error *err);
void sign_crew_close(struct sign_crew *crew); /* NULL is fine */
/* As signer_sign(), for any count; the results live until the next call. */
bool sign_crew_sign(struct sign_crew *crew, struct signed_content *contents, size_t count, struct wn_error *err);

#endif
