/* The states that rows go through, as numbers in the database: one place for SQL's readers and C's writers. */
#ifndef CORE_STATES_H
#define CORE_STATES_H

enum item_state {
	ITEM_RECEIVED, ITEM_EMBEDDED, ITEM_DUPLICATE, ITEM_JUDGING, ITEM_PROVISIONAL, ITEM_SETTLED,
	ITEM_ACCEPTED, ITEM_REJECTED, ITEM_VOID, ITEM_ERASED
};
enum round_state { ROUND_COMMIT, ROUND_REVEAL, ROUND_TALLIED, ROUND_VOID };
enum round_kind { ROUND_PANEL, ROUND_AUDIT };
enum seat_state { SEAT_LEASED, SEAT_COMMITTED, SEAT_REVEALED, SEAT_SKIPPED, SEAT_LAPSED };
enum epoch_state { EPOCH_OPEN, EPOCH_AUDITING, EPOCH_CLOSED };

#endif
