/* A dataset version held against the journal that it comes from: exactly the items that its recipe takes are its rows.
 */
#ifndef CMD_REPLAY_VERSION_H
#define CMD_REPLAY_VERSION_H

#include "dataset/dataset_verify.h"
#include "vote/replay.h"
#include "vote/replay_table.h"

struct replay_version {
	struct wn_arena arena;
	struct dataset_report report; /* of `winnow verify`, which runs first */
	struct replay_table rows;     /* item id -> bool: it became final and belongs in */
	int64_t found;
	bool told;	   /* the journal has the version's own entry */
	bool row_licences; /* the recipe chooses by licence, which the journal does not tell: nothing can be missed */
};

/* Verifies the folder and reads its rows' ids; key NULL: the network's own word. Then replay_version_close() is due. */
bool replay_version_open(
	struct replay_version *version, const char *dir, const struct minisign_public *key, struct wn_error *err);
void replay_version_close(struct replay_version *version);

/* To be told in this order while the journal goes in: before each entry, each final item, each dataset's entry. */
bool replay_version_before(struct replay_version *version, const struct replay *replay, struct wn_error *err);
bool replay_version_final(struct replay_version *version, const struct replay_final *final, struct wn_error *err);
bool replay_version_release(struct replay_version *version, const struct replay_release *release, struct wn_error *err);
/* Behind the last entry: no row is left that the journal did not accept. */
bool replay_version_finish(struct replay_version *version, const struct replay_totals *totals, struct wn_error *err);

#endif
