/* The README.md of a version: what it holds, what each column means, how to check it with tools that are not ours.
 * Pure. */
#ifndef DATASET_CARD_H
#define DATASET_CARD_H

#include "dataset/manifest.h"

/* `facts` without files; Front matter in the form that Hugging Face's hub reads. */
bool card_write(struct wn_arena *arena, const struct manifest *facts, const struct campaign *campaign,
	struct wn_slice *out, struct wn_error *err);

#endif
