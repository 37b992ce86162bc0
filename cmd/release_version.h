/* The operator's side of a release: asks for a version and waits until it is published. */
#ifndef CMD_RELEASE_VERSION_H
#define CMD_RELEASE_VERSION_H

#include "core/fetch.h"
#include "dataset/minisign.h"

enum { RELEASE_WAIT_MS = 600000 };

struct release_wish {
	const char *name, *campaign;
	int64_t p_good_least; /* millionths */
	/* As a command line has them; NULL or empty: the recipe's default. */
	const char *choices, *licences;					   /* "a,b" */
	const char *splits;						   /* "train=900000,test=100000" */
	int64_t wait_ms;						   /* 0: RELEASE_WAIT_MS */
	void (*progress)(const char *state, int64_t waited_ms, bool last); /* may be NULL; told at every look */
};
struct release_answer {
	int64_t version; /* when nothing changed: the version before, which still stands */
	bool unchanged;
	int64_t row_count;
	char row_root[ID_HEX_ROOM];
	char public_key[MINISIGN_PUBLIC_ROOM];
};
/* `operator_door` is open on the operator's socket. A release that fails on the node fails here with its words. */
bool release_version(struct fetch *operator_door, struct wn_arena *arena, const struct release_wish *wish,
	struct release_answer *out, struct wn_error *err);

#endif
