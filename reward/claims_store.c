/* Claims totals in the database: read page by page into the tree. */
#include "reward/claims_store.h"

#include <string.h>

#include "sql_reward.h"

enum { CLAIMS_PAGE = 5000, CLAIMS_MOST = 1 << 20 };

bool claims_counts(const struct transfer *transfer)
{
	static const uint8_t nobody[ID_BYTES];
	return (transfer->step == TRANSFER_SINGLE || transfer->step == TRANSFER_POST) && transfer->amount > 0 &&
	       transfer->credit.kind == LEDGER_FREE && strncmp(transfer->cause, "reward/", strlen("reward/")) == 0 &&
	       memcmp(transfer->credit.owner, nobody, ID_BYTES) != 0;
}

bool claims_store_exclude(struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct db_args args;
	wn_assert(db_in_transaction(db));
	db_args_init(&args, arena);
	return db_query(db, &SQL_REWARD_CLAIMS_EXCLUDE, &args, NULL, err) || wn_while(err, "hold the claims");
}

/* Accounts above `after` in ascending order, at most CLAIMS_PAGE. */
static bool claims_page(struct db *db, struct wn_arena *arena, const struct account_key *after, struct db_result **out,
	struct wn_error *err)
{
	struct db_args args;
	db_args_init(&args, arena);
	db_arg_bytes(&args, after->bytes, ID_BYTES);
	db_arg_int32(&args, CLAIMS_PAGE);
	return db_query(db, &SQL_REWARD_CLAIMS_PAGE, &args, out, err) || wn_while(err, "read claims");
}

static void claim_read(const struct db_result *result, size_t row, struct claim *out)
{
	db_copy_id(result, row, 0, out->account.bytes, ID_BYTES);
	out->cumulative = db_int64(result, row, 1);
}

bool claims_store_root(struct db *db, struct wn_arena *arena, struct sha256 *root, struct wn_error *err)
{
	struct claims_tree tree;
	struct claim claim = {0}; /* no account has the key of zeros: claims_counts() */
	struct db_result *result;
	struct db_args args;
	if (!claims_store_exclude(db, arena, err))
		return false;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_REWARD_CLAIMS_PUBLISH, &args, NULL, err))
		return wn_while(err, "publish claims");
	claims_begin(&tree);
	size_t rows;
	do {
		if (!claims_page(db, arena, &claim.account, &result, err))
			return false;
		rows = db_rows(result);
		for (size_t i = 0; i < rows; i++) {
			claim_read(result, i, &claim);
			claims_add(&tree, &claim);
		}
		db_done(result);
	} while (rows == CLAIMS_PAGE);
	claims_root(&tree, root);
	return true;
}

bool claims_store_proof(struct db *db, struct wn_arena *arena, const struct account_key *account, struct claim *claim,
	uint64_t *index, uint64_t *size, struct tree_proof *proof, bool *found, struct wn_error *err)
{
	struct claim *claims = NULL, *grown;
	size_t count = 0, room = 0, which = 0, rows;
	struct account_key after = {0};
	struct db_result *result;
	*found = false;
	do {
		if (!claims_page(db, arena, &after, &result, err))
			return false;
		rows = db_rows(result);
		if (count + rows > room) {
			room = (count + rows) * 2;
			grown = room <= CLAIMS_MOST ? wn_arena_array(arena, room, sizeof *grown) : NULL;
			if (!grown) {
				db_done(result);
				return wn_fail(
					err, WN_FULL, "memory", "no room for the proof over %zu claims", count + rows);
			}
			if (count > 0)
				memcpy(grown, claims, count * sizeof *claims);
			claims = grown;
		}
		for (size_t i = 0; i < rows; i++) {
			claim_read(result, i, &claims[count]);
			if (memcmp(claims[count].account.bytes, account->bytes, ID_BYTES) == 0 &&
				claims[count].cumulative > 0) {
				*found = true;
				which = count;
			}
			after = claims[count++].account;
		}
		db_done(result);
	} while (rows == CLAIMS_PAGE);
	if (!*found)
		return true;
	*claim = claims[which];
	return claims_proof(arena, claims, count, which, index, size, proof, err);
}

bool claims_store_latest(
	struct db *db, struct wn_arena *arena, struct claims_latest *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	if (!db_query(db, &SQL_REWARD_CLAIMS_LATEST, &args, &result, err))
		return wn_while(err, "find the last claims root");
	*found = db_rows(result) == 1;
	if (*found) {
		out->epoch = db_int64(result, 0, 0);
		db_copy_id(result, 0, 1, out->root.bytes, ID_BYTES);
		db_copy_id(result, 0, 2, out->entry_leaf.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}
