/* Registered keys in the database, and the salted names under which the journal knows them. */
#include "core/account.h"

#include <string.h>

#include "core/hash.h"
#include "core/sign.h"
#include "sql_core.h"

void account_commitment(
	const struct network_id *network, const struct salt *salt, const struct account_key *key, struct sha256 *out)
{
	struct hash_layout layout = {.count = 0};
	hash_tag(&layout, "winnow/account/v1");
	hash_field(&layout, network->bytes, ID_BYTES);
	hash_field(&layout, salt->bytes, ID_BYTES);
	hash_field(&layout, key->bytes, ID_BYTES);
	hash_done(&layout, out);
}

bool account_find_many(struct db *db, struct wn_arena *arena, const struct account_key *keys, size_t count,
	struct account *accounts, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	memset(found, 0, count * sizeof *found);
	db_args_init(&args, arena);
	db_arg_ids(&args, keys, sizeof *keys, ID_BYTES, count);
	if (!db_query(db, &SQL_CORE_ACCOUNT_FIND, &args, &result, err))
		return wn_while(err, "look for an account");
	for (size_t row = 0; row < db_rows(result); row++) {
		size_t i = (size_t)db_int32(result, row, 0) - 1;
		wn_assert(i < count);
		found[i] = true;
		accounts[i] = (struct account){.key = keys[i],
			.roles = db_int32(result, row, 1),
			.robot = db_bool(result, row, 2),
			.jailed = db_bool(result, row, 3),
			.registered_ms = db_int64(result, row, 5)};
		db_copy_id(result, row, 4, accounts[i].commitment.bytes, ID_BYTES);
	}
	db_done(result);
	return true;
}

bool account_find(struct db *db, struct wn_arena *arena, const struct account_key *key, struct account *out,
	bool *found, struct wn_error *err)
{
	return account_find_many(db, arena, key, 1, out, found, err);
}

static bool account_add_roles(struct db *db, struct wn_arena *arena, const struct account_key *key, int32_t roles,
	const struct sha256 *terms, bool *changed, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	db_arg_bytes(&args, key->bytes, ID_BYTES);
	/* The operator is whom genesis named. */
	db_arg_int32(&args, roles & ~ACCOUNT_OPERATOR);
	db_arg_bytes(&args, terms ? terms->bytes : NULL, ID_BYTES);
	if (!db_query(db, &SQL_CORE_ACCOUNT_ADD_ROLES, &args, &result, err))
		return false;
	*changed = db_rows(result) == 1;
	db_done(result);
	return true;
}

bool account_insert(struct db *db, struct wn_arena *arena, const struct network_id *network,
	const struct account_key *key, int32_t roles, bool robot, const struct sha256 *terms, const struct salt *given,
	int64_t now_ms, struct account *out, bool *changed, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	struct salt salt;
	struct sha256 commitment;
	bool found;
	if (given)
		salt = *given;
	else
		random_bytes(salt.bytes, sizeof salt.bytes);
	account_commitment(network, &salt, key, &commitment);
	db_args_init(&args, arena);
	db_arg_bytes(&args, key->bytes, ID_BYTES);
	db_arg_int32(&args, roles);
	db_arg_bool(&args, robot);
	db_arg_bytes(&args, terms ? terms->bytes : NULL, ID_BYTES);
	db_arg_bytes(&args, salt.bytes, ID_BYTES);
	db_arg_bytes(&args, commitment.bytes, ID_BYTES);
	db_arg_int64(&args, now_ms);
	if (!db_query(db, &SQL_CORE_ACCOUNT_INSERT, &args, &result, err))
		return wn_while(err, "register an account");
	*changed = db_affected(result) == 1;
	db_done(result);
	if (!*changed && !account_add_roles(db, arena, key, roles, terms, changed, err))
		return wn_while(err, "register an account");
	if (!account_find(db, arena, key, out, &found, err))
		return false;
	wn_assert(found);
	return true;
}
