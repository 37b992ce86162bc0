/* Forward-only migrations under an advisory lock; their text is compiled in from sql/migrations/NNN_name.sql. */
#ifndef CORE_MIGRATE_H
#define CORE_MIGRATE_H

#include "core/db.h"

/* db must be connected as winnow_owner. Applies what is missing, each in its own transaction, and records name and
 * SHA-256; a migration whose recorded hash differs from ours: WN_INPUT migrate_changed. *applied may be NULL. */
bool migrate_up(struct db *db, int *applied, struct wn_error *err);

#endif
