/* Repeats that a backtest plants: posts sent again as they were, and posts edited a little. */
#ifndef CMD_BACKTEST_PLANT_H
#define CMD_BACKTEST_PLANT_H

#include "cmd/recording.h"

enum { PLANT_VERBATIM = 30, PLANT_EDITED = 30, PLANT_SHINGLES_LEAST = 60 };

struct plant {
	size_t post; /* the post that it repeats */
	bool edited;
	struct wn_slice text;
};

/*
 * Chooses under `seed` up to PLANT_VERBATIM posts to repeat as they are and PLANT_EDITED others to edit: one word in
 * the text is replaced or added so that the Jaccard of the two stays at 0.8 or above, counted over at least
 * PLANT_SHINGLES_LEAST shingles. Recordings with few long posts get fewer. `plants` has room for both numbers together.
 */
bool plant_choose(struct wn_arena *arena, const struct recording *recording, uint64_t seed, struct plant *plants,
	size_t *count, struct wn_error *err);

#endif
