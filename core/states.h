/* The states that rows go through: numbers in the database, words in answers and metrics. */
#ifndef CORE_STATES_H
#define CORE_STATES_H

#include <stdbool.h>

enum item_state {
	ITEM_RECEIVED,
	ITEM_EMBEDDED,
	ITEM_DUPLICATE,
	ITEM_JUDGING,
	ITEM_PROVISIONAL,
	ITEM_SETTLED,
	ITEM_ACCEPTED,
	ITEM_REJECTED,
	ITEM_VOID,
	ITEM_ERASED,
	ITEM_STATES
};
enum round_state { ROUND_COMMIT, ROUND_REVEAL, ROUND_TALLIED, ROUND_VOID, ROUND_STATES };
enum round_kind { ROUND_PANEL, ROUND_AUDIT };
enum seat_state { SEAT_LEASED, SEAT_COMMITTED, SEAT_REVEALED, SEAT_SKIPPED, SEAT_LAPSED, SEAT_STATES };
enum epoch_state { EPOCH_OPEN, EPOCH_AUDITING, EPOCH_CLOSED, EPOCH_STATES };

/* "received", "commit", "leased", "open": stable, clients compare them. A number outside the enum is a broken promise.
 */
const char *item_state_word(enum item_state state);
const char *round_state_word(enum round_state state);
const char *seat_state_word(enum seat_state state);
const char *epoch_state_word(enum epoch_state state);
/* Whether somebody still has to do something about the item. */
bool item_state_waits(enum item_state state);

#endif
