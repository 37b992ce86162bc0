/* One table of words a state. */
#include "core/states.h"

#include "core/error.h"

const char *item_state_word(enum item_state state)
{
	static const char *const words[ITEM_STATES] = {"received", "embedded", "duplicate", "judging", "provisional",
		"settled", "accepted", "rejected", "void", "erased"};
	wn_assert((unsigned)state < ITEM_STATES);
	return words[state];
}

const char *round_state_word(enum round_state state)
{
	static const char *const words[ROUND_STATES] = {"commit", "reveal", "tallied", "void"};
	wn_assert((unsigned)state < ROUND_STATES);
	return words[state];
}

const char *seat_state_word(enum seat_state state)
{
	static const char *const words[SEAT_STATES] = {"leased", "committed", "revealed", "skipped", "lapsed"};
	wn_assert((unsigned)state < SEAT_STATES);
	return words[state];
}

const char *epoch_state_word(enum epoch_state state)
{
	static const char *const words[EPOCH_STATES] = {"open", "auditing", "closed"};
	wn_assert((unsigned)state < EPOCH_STATES);
	return words[state];
}

bool item_state_waits(enum item_state state)
{
	return state == ITEM_RECEIVED || state == ITEM_EMBEDDED || state == ITEM_JUDGING || state == ITEM_PROVISIONAL ||
	       state == ITEM_SETTLED;
}
