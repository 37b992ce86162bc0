/* The operator's side of a release: asks for a version and waits until it is published. */
#ifndef CMD_RELEASE_VERSION_H
#define CMD_RELEASE_VERSION_H

#include "core/fetch.h"
#include "dataset/minisign.h"

enum { RELEASE_WAIT_MS = 600000 };

struct release_wish {
	const char *name, *campaign;
	int64_t p_good_least; /* millionths */
};
struct release_answer {
	int64_t version;
	char public_key[MINISIGN_PUBLIC_ROOM];
};
/* `operator_door` is open on the operator's socket. A release that fails on the node fails here with its words. */
bool release_version(struct fetch *operator_door, struct wn_arena *arena, const struct release_wish *wish, struct release_answer *out,
	struct wn_error *err);

#endif
