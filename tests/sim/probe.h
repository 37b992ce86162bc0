/* Arguments that no honest node would ever give, at the edges of every range: the pure functions against the model. */
#ifndef TESTS_SIM_PROBE_H
#define TESTS_SIM_PROBE_H

#include "core/arena.h"

/* Asks one family of functions once; what the word says decides which and with what. Resets the arena. */
void probe(struct wn_arena *arena, uint64_t word);

#endif
