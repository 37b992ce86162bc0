/* Each thread has a signer and memory of its own; contents are dealt out in parts, so their order stays theirs. */
#include "gpu_embed/sign_crew.h"

#include <stdlib.h>
#include <string.h>

#define SIGN_ARENA ((size_t)256 << 20) /* of a thread: a batch of the longest texts */

struct sign_crew {
	struct crew *crew;
	unsigned threads;
	struct signer *signers[CREW_THREADS_MAX];
	struct wn_arena arenas[CREW_THREADS_MAX];
	struct signed_content *contents;
	size_t count;
};

bool sign_crew_open(struct sign_crew **out, const char *backend, unsigned threads, struct wn_error *err)
{
	struct sign_crew *crew = calloc(1, sizeof *crew);
	bool good = crew || wn_fail(err, WN_FULL, "memory", "no room for signers");
	while (good && crew->threads < threads) {
		good = signer_open(&crew->signers[crew->threads], backend, err);
		if (!good)
			break;
		wn_arena_init(&crew->arenas[crew->threads++], SIGN_ARENA);
		if (strcmp(signer_backend(crew->signers[0]), "cuda") == 0)
			break;
	}
	good = good && crew_open(&crew->crew, crew->threads, err);
	if (!good) {
		sign_crew_close(crew);
		return false;
	}
	*out = crew;
	return true;
}

void sign_crew_close(struct sign_crew *crew)
{
	if (!crew)
		return;
	crew_close(crew->crew);
	for (unsigned i = 0; i < crew->threads; i++) {
		signer_close(crew->signers[i]);
		wn_arena_free(&crew->arenas[i]);
	}
	free(crew);
}

static bool sign_part(void *context, unsigned thread, size_t part, struct wn_error *err)
{
	struct sign_crew *crew = context;
	size_t first = part * SIGN_PART, count = crew->count - first < SIGN_PART ? crew->count - first : SIGN_PART;
	return signer_sign(crew->signers[thread], &crew->arenas[thread], crew->contents + first, count, err);
}

bool sign_crew_sign(struct sign_crew *crew, struct signed_content *contents, size_t count, struct wn_error *err)
{
	for (unsigned i = 0; i < crew->threads; i++)
		wn_arena_reset(&crew->arenas[i]);
	crew->contents = contents;
	crew->count = count;
	crew_begin(crew->crew, sign_part, crew, (count + SIGN_PART - 1) / SIGN_PART);
	return crew_end(crew->crew, err);
}
