/* Writes and reads the network's row; what is read must still hash to the network's id. */
#include "core/network_store.h"

#include <string.h>

#include "core/hash.h"
#include "core/json.h"
#include "sql_core.h"

static void network_id_of(struct wn_slice genesis, struct network_id *out)
{
	struct sha256 hash;
	sha256_of(genesis.data, genesis.bytes, &hash);
	memcpy(out->bytes, hash.bytes, ID_BYTES);
}

bool network_store_insert(struct db *db, struct wn_arena *arena, const struct network_id *network,
	struct wn_slice genesis, const struct account_key *checkpoint_key, bool clock_manual, int64_t clock_ms,
	struct wn_error *err)
{
	struct network_id named;
	struct db_args args;
	struct db_result *result;
	network_id_of(genesis, &named);
	wn_assert(id_compare(&named, network) == 0);
	db_args_init(&args, arena);
	db_arg_bytes(&args, network->bytes, ID_BYTES);
	db_arg_slice(&args, genesis);
	db_arg_bytes(&args, checkpoint_key->bytes, ID_BYTES);
	db_arg_bool(&args, clock_manual);
	db_arg_int64(&args, clock_ms);
	if (!db_query(db, &SQL_CORE_NETWORK_INSERT, &args, &result, err))
		return wn_while(err, "store the network");
	bool inserted = db_affected(result) == 1;
	db_done(result);
	return inserted || wn_fail(err, WN_INPUT, "network_exists", "this database belongs to a network already");
}

bool network_store_get(
	struct db *db, struct wn_arena *arena, struct network_row *out, bool *found, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, arena);
	memset(out, 0, sizeof *out);
	if (!db_query(db, &SQL_CORE_NETWORK, &args, &result, err))
		return wn_while(err, "read the network");
	*found = db_rows(result) == 1;
	if (!*found) {
		db_done(result);
		return true;
	}
	struct wn_slice genesis = db_slice(result, 0, 1);
	db_copy_id(result, 0, 0, out->network.bytes, ID_BYTES);
	out->genesis = (struct wn_slice){wn_arena_copy(arena, genesis.data, genesis.bytes), genesis.bytes};
	db_copy_id(result, 0, 2, out->checkpoint_key.bytes, ID_BYTES);
	out->clock_manual = db_bool(result, 0, 3);
	out->clock_ms = db_int64(result, 0, 4);
	db_done(result);
	if (!out->genesis.data)
		return wn_fail(err, WN_FULL, "memory", "no room for the network's genesis");
	struct network_id named;
	const struct json *entry, *sample;
	network_id_of(out->genesis, &named);
	if (id_compare(&named, &out->network) != 0)
		return wn_fail(
			err, WN_INPUT, "network_changed", "the stored genesis does not hash to the network's id");
	if (!json_parse(arena, out->genesis.data, out->genesis.bytes, &entry, err))
		return wn_while(err, "read the network's genesis");
	sample = json_get(entry, "sample");
	out->sample = sample && sample->type == JSON_BOOL && sample->truth;
	return true;
}
