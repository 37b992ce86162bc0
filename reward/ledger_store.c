/* The ledger in PostgreSQL: a batch of transfers is read, checked and written in a few statements. */
#include "reward/ledger_store.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/journal.h"
#include "core/json.h"
#include "reward/claims_store.h"
#include "reward/tokens.h"
#include "sql_reward.h"

/* A transfer that is in the ledger, from before or by this batch. */
struct known {
	const struct transfer *transfer; /* NULL: a free place */
	bool ended;			 /* of a pending one */
};

/* One batch at work. */
struct posting {
	struct db *db;
	struct wn_arena *arena;
	const struct transfer *transfers;
	size_t count;
	struct ledger_ref *refs; /* each account once, in the order of the locks */
	size_t ref_count;
	int64_t *account_ids;
	struct ledger_balance *balances;
	bool *changed;
	uint32_t *debits, *credits; /* places in refs, by transfer */
	struct known *known;	    /* open addressing by id, at most half full */
	size_t known_places;
	size_t done; /* transfers that became rows */
};

static bool no_room(struct wn_error *err, size_t count)
{
	return wn_fail(err, WN_FULL, "memory", "no room for %zu transfers", count);
}

void transfer_id_of(struct transfer_id *out, const char *cause, const void *a32, const void *b32, uint64_t number)
{
	static const uint8_t none[ID_BYTES];
	struct hash_layout layout = {.count = 0};
	struct sha256 hash;
	hash_tag(&layout, "winnow/transfer/v1");
	hash_field(&layout, cause, strlen(cause) + 1);
	hash_field(&layout, a32 ? a32 : none, ID_BYTES);
	hash_field(&layout, b32 ? b32 : none, ID_BYTES);
	hash_u64(&layout, number);
	hash_done(&layout, &hash);
	memcpy(out->bytes, hash.bytes, sizeof out->bytes);
}

/* ---- accounts ---- */

static int ref_compare(const void *a, const void *b)
{
	const struct ledger_ref *x = a, *y = b;
	int order = memcmp(x->owner, y->owner, sizeof x->owner);
	return order ? order : (int)x->kind - (int)y->kind;
}

static uint32_t ref_place(const struct posting *posting, const struct ledger_ref *ref)
{
	const struct ledger_ref *found =
		bsearch(ref, posting->refs, posting->ref_count, sizeof *posting->refs, ref_compare);
	wn_assert(found != NULL);
	return (uint32_t)(found - posting->refs);
}

/* Owners and kinds as the two array parameters that name accounts. */
static bool arg_refs(struct db_args *args, const struct ledger_ref *refs, size_t count, struct wn_error *err)
{
	int32_t *kinds = wn_arena_array(args->arena, count, sizeof *kinds);
	if (!kinds)
		return no_room(err, count);
	for (size_t i = 0; i < count; i++)
		kinds[i] = (int32_t)refs[i].kind;
	db_arg_ids(args, refs[0].owner, sizeof *refs, ID_BYTES, count);
	db_arg_int32s(args, kinds, count);
	return true;
}

static void balance_read(const struct db_result *result, size_t row, int column, struct ledger_balance *out)
{
	out->debits_posted = db_int64(result, row, column);
	out->credits_posted = db_int64(result, row, column + 1);
	out->debits_pending = db_int64(result, row, column + 2);
	out->credits_pending = db_int64(result, row, column + 3);
}

static bool posting_refs(struct posting *posting, struct wn_error *err)
{
	size_t most = posting->count * 2;
	posting->refs = wn_arena_array(posting->arena, most, sizeof *posting->refs);
	posting->debits = wn_arena_array(posting->arena, posting->count, sizeof *posting->debits);
	posting->credits = wn_arena_array(posting->arena, posting->count, sizeof *posting->credits);
	if (!posting->refs || !posting->debits || !posting->credits)
		return no_room(err, posting->count);
	for (size_t i = 0; i < posting->count; i++) {
		posting->refs[2 * i] = posting->transfers[i].debit;
		posting->refs[2 * i + 1] = posting->transfers[i].credit;
	}
	qsort(posting->refs, most, sizeof *posting->refs, ref_compare);
	for (size_t i = 0; i < most; i++)
		if (posting->ref_count == 0 ||
			ref_compare(&posting->refs[posting->ref_count - 1], &posting->refs[i]) != 0)
			posting->refs[posting->ref_count++] = posting->refs[i];
	for (size_t i = 0; i < posting->count; i++) {
		posting->debits[i] = ref_place(posting, &posting->transfers[i].debit);
		posting->credits[i] = ref_place(posting, &posting->transfers[i].credit);
	}
	return true;
}

/* Makes what is missing, locks all in order and reads the balances as they are under the locks. */
static bool posting_accounts(struct posting *posting, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	posting->account_ids = wn_arena_array(posting->arena, posting->ref_count, sizeof *posting->account_ids);
	posting->balances = wn_arena_array(posting->arena, posting->ref_count, sizeof *posting->balances);
	posting->changed = wn_arena_array(posting->arena, posting->ref_count, sizeof *posting->changed);
	if (!posting->account_ids || !posting->balances || !posting->changed)
		return no_room(err, posting->count);
	db_args_init(&args, posting->arena);
	if (!arg_refs(&args, posting->refs, posting->ref_count, err))
		return false;
	if (!db_query(posting->db, &SQL_REWARD_ACCOUNTS_CREATE, &args, NULL, err))
		return wn_while(err, "open ledger accounts");
	if (!db_query(posting->db, &SQL_REWARD_ACCOUNTS_LOCK, &args, &result, err))
		return wn_while(err, "lock ledger accounts");
	wn_assert(db_rows(result) == posting->ref_count);
	for (size_t i = 0; i < posting->ref_count; i++) {
		struct ledger_ref ref;
		db_copy_id(result, i, 1, ref.owner, sizeof ref.owner);
		ref.kind = (enum ledger_kind)db_int32(result, i, 2);
		wn_assert(ref_compare(&ref, &posting->refs[i]) == 0);
		posting->account_ids[i] = db_int64(result, i, 0);
		balance_read(result, i, 3, &posting->balances[i]);
	}
	db_done(result);
	return true;
}

/* ---- transfers that are there already ---- */

static struct known *known_place(const struct posting *posting, const struct transfer_id *id)
{
	size_t place = memory_hash(id->bytes, sizeof id->bytes) & (posting->known_places - 1);
	while (posting->known[place].transfer &&
		memcmp(posting->known[place].transfer->id.bytes, id->bytes, sizeof id->bytes) != 0)
		place = (place + 1) & (posting->known_places - 1);
	return &posting->known[place];
}

static bool transfer_read(const struct db_result *result, size_t row, struct wn_arena *arena, struct transfer *out)
{
	db_copy_id(result, row, 0, out->id.bytes, sizeof out->id.bytes);
	out->step = (enum transfer_step)db_int32(result, row, 1);
	db_copy_id(result, row, 2, out->debit.owner, sizeof out->debit.owner);
	out->debit.kind = (enum ledger_kind)db_int32(result, row, 3);
	db_copy_id(result, row, 4, out->credit.owner, sizeof out->credit.owner);
	out->credit.kind = (enum ledger_kind)db_int32(result, row, 5);
	out->amount = db_int64(result, row, 6);
	if (!db_is_null(result, row, 7))
		db_copy_id(result, row, 7, out->pending_id.bytes, sizeof out->pending_id.bytes);
	struct wn_slice cause = db_slice(result, row, 8);
	out->cause = wn_arena_copy(arena, cause.data, cause.bytes);
	if (!db_is_null(result, row, 9))
		db_copy_id(result, row, 9, out->subject, sizeof out->subject);
	out->epoch = db_is_null(result, row, 10) ? -1 : db_int64(result, row, 10);
	return out->cause != NULL;
}

static bool known_stored(struct posting *posting, const struct transfer_id *ids, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, posting->arena);
	db_arg_ids(&args, ids[0].bytes, sizeof *ids, ID_BYTES, count);
	if (!db_query(posting->db, &SQL_REWARD_TRANSFERS_FIND, &args, &result, err))
		return wn_while(err, "look for stored transfers");
	size_t rows = db_rows(result);
	struct transfer *stored = wn_arena_array(posting->arena, rows, sizeof *stored);
	bool ok = stored != NULL;
	for (size_t i = 0; ok && i < rows; i++) {
		ok = transfer_read(result, i, posting->arena, &stored[i]);
		known_place(posting, &stored[i].id)->transfer = &stored[i];
	}
	db_done(result);
	return ok || no_room(err, count);
}

static bool known_ended(struct posting *posting, const struct transfer_id *pending, size_t count, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	db_args_init(&args, posting->arena);
	db_arg_ids(&args, pending[0].bytes, sizeof *pending, ID_BYTES, count);
	if (!db_query(posting->db, &SQL_REWARD_TRANSFERS_ENDED, &args, &result, err))
		return wn_while(err, "look for ended transfers");
	for (size_t i = 0; i < db_rows(result); i++) {
		struct transfer_id id;
		db_copy_id(result, i, 0, id.bytes, sizeof id.bytes);
		struct known *known = known_place(posting, &id);
		wn_assert(known->transfer != NULL);
		known->ended = true;
	}
	db_done(result);
	return true;
}

/* Under the locks: nobody else can now post or end a transfer between these accounts. */
static bool posting_known(struct posting *posting, struct wn_error *err)
{
	struct transfer_id *ids = wn_arena_array(posting->arena, posting->count * 2, sizeof *ids);
	posting->known_places = 8;
	while (posting->known_places < posting->count * 6)
		posting->known_places *= 2;
	posting->known = wn_arena_array(posting->arena, posting->known_places, sizeof *posting->known);
	if (!ids || !posting->known)
		return no_room(err, posting->count);
	size_t used = posting->count, endings = 0;
	for (size_t i = 0; i < posting->count; i++) {
		ids[i] = posting->transfers[i].id;
		if (posting->transfers[i].step >= TRANSFER_POST)
			ids[used + endings++] = posting->transfers[i].pending_id;
	}
	return known_stored(posting, ids, used + endings, err) &&
	       (endings == 0 || known_ended(posting, ids + used, endings, err));
}

/* ---- writing ---- */

static void posting_apply(struct posting *posting, enum transfer_result *results)
{
	for (size_t i = 0; i < posting->count; i++) {
		const struct transfer *transfer = &posting->transfers[i];
		struct known *same = known_place(posting, &transfer->id), *pending = NULL;
		struct ledger_past past = {.same = same->transfer};
		if (transfer->step >= TRANSFER_POST) {
			pending = known_place(posting, &transfer->pending_id);
			past.pending = pending->transfer;
			past.pending_ended = pending->ended;
		}
		uint32_t debit = posting->debits[i], credit = posting->credits[i];
		results[i] = ledger_apply(transfer, &past, &posting->balances[debit], &posting->balances[credit]);
		if (results[i] != TRANSFER_DONE)
			continue;
		if (pending)
			pending->ended = true;
		same->transfer = transfer;
		posting->changed[debit] = posting->changed[credit] = true;
		posting->done++;
	}
}

static bool posting_save_balances(struct posting *posting, struct wn_error *err)
{
	enum { COLUMNS = 5 };
	struct db_args args;
	int64_t *columns[COLUMNS];
	size_t used = 0;
	for (int i = 0; i < COLUMNS; i++)
		if (!(columns[i] = wn_arena_array(posting->arena, posting->ref_count, sizeof *columns[i])))
			return no_room(err, posting->count);
	for (size_t i = 0; i < posting->ref_count; i++) {
		if (!posting->changed[i])
			continue;
		columns[0][used] = posting->account_ids[i];
		columns[1][used] = posting->balances[i].debits_posted;
		columns[2][used] = posting->balances[i].credits_posted;
		columns[3][used] = posting->balances[i].debits_pending;
		columns[4][used++] = posting->balances[i].credits_pending;
	}
	db_args_init(&args, posting->arena);
	for (int i = 0; i < COLUMNS; i++)
		db_arg_int64s(&args, columns[i], used);
	return db_query(posting->db, &SQL_REWARD_ACCOUNTS_SAVE, &args, NULL, err) ||
	       wn_while(err, "save ledger balances");
}

struct transfer_columns {
	struct wn_slice *ids, *pending_ids, *causes, *subjects;
	int32_t *steps;
	int64_t *debits, *credits, *amounts, *epochs;
};

static bool columns_room(struct wn_arena *arena, struct transfer_columns *columns, size_t count)
{
	columns->ids = wn_arena_array(arena, count, sizeof *columns->ids);
	columns->pending_ids = wn_arena_array(arena, count, sizeof *columns->pending_ids);
	columns->causes = wn_arena_array(arena, count, sizeof *columns->causes);
	columns->subjects = wn_arena_array(arena, count, sizeof *columns->subjects);
	columns->steps = wn_arena_array(arena, count, sizeof *columns->steps);
	columns->debits = wn_arena_array(arena, count, sizeof *columns->debits);
	columns->credits = wn_arena_array(arena, count, sizeof *columns->credits);
	columns->amounts = wn_arena_array(arena, count, sizeof *columns->amounts);
	columns->epochs = wn_arena_array(arena, count, sizeof *columns->epochs);
	return columns->ids && columns->pending_ids && columns->causes && columns->subjects && columns->steps &&
	       columns->debits && columns->credits && columns->amounts && columns->epochs;
}

static struct wn_slice id_slice(const uint8_t *bytes)
{
	return (struct wn_slice){(const char *)bytes, ID_BYTES};
}

static bool id_is_zero(const uint8_t *bytes)
{
	static const uint8_t zeros[ID_BYTES];
	return memcmp(bytes, zeros, ID_BYTES) == 0;
}

static void columns_put(const struct posting *posting, struct transfer_columns *columns, size_t at, size_t which)
{
	const struct transfer *transfer = &posting->transfers[which];
	columns->ids[at] = id_slice(transfer->id.bytes);
	columns->steps[at] = (int32_t)transfer->step;
	columns->debits[at] = posting->account_ids[posting->debits[which]];
	columns->credits[at] = posting->account_ids[posting->credits[which]];
	columns->amounts[at] = transfer_recorded(transfer);
	if (transfer->step >= TRANSFER_POST)
		columns->pending_ids[at] = id_slice(transfer->pending_id.bytes);
	columns->causes[at] = wn_slice_of(transfer->cause);
	if (!id_is_zero(transfer->subject))
		columns->subjects[at] = id_slice(transfer->subject);
	columns->epochs[at] = transfer->epoch;
}

static bool posting_save_transfers(
	struct posting *posting, const enum transfer_result *results, int64_t now_ms, struct wn_error *err)
{
	struct transfer_columns columns;
	struct db_args args;
	struct db_result *result;
	size_t used = 0;
	if (!columns_room(posting->arena, &columns, posting->done))
		return no_room(err, posting->done);
	for (size_t i = 0; i < posting->count; i++)
		if (results[i] == TRANSFER_DONE)
			columns_put(posting, &columns, used++, i);
	wn_assert(used == posting->done);
	db_args_init(&args, posting->arena);
	db_arg_bytes_array(&args, columns.ids, used);
	db_arg_int32s(&args, columns.steps, used);
	db_arg_int64s(&args, columns.debits, used);
	db_arg_int64s(&args, columns.credits, used);
	db_arg_int64s(&args, columns.amounts, used);
	db_arg_bytes_array(&args, columns.pending_ids, used);
	db_arg_slices(&args, columns.causes, used);
	db_arg_bytes_array(&args, columns.subjects, used);
	db_arg_int64s(&args, columns.epochs, used);
	db_arg_int64(&args, now_ms);
	if (!db_query(posting->db, &SQL_REWARD_TRANSFERS_INSERT, &args, &result, err))
		return wn_while(err, "write transfers");
	size_t written = db_affected(result);
	db_done(result);
	if (written != used)
		return wn_fail(err, WN_BUSY, "transfer_raced",
			"another transaction posts a transfer of the same id between other accounts");
	return true;
}

static bool posting_save_claims(struct posting *posting, const enum transfer_result *results, struct wn_error *err)
{
	struct wn_slice *accounts = wn_arena_array(posting->arena, posting->done, sizeof *accounts);
	int64_t *units = wn_arena_array(posting->arena, posting->done, sizeof *units);
	struct db_args args;
	size_t used = 0;
	if (!accounts || !units)
		return no_room(err, posting->done);
	for (size_t i = 0; i < posting->count; i++) {
		const struct transfer *transfer = &posting->transfers[i];
		if (results[i] != TRANSFER_DONE || !claims_counts(transfer))
			continue;
		accounts[used] = id_slice(transfer->credit.owner);
		units[used++] = transfer->amount;
	}
	if (used == 0)
		return true;
	db_args_init(&args, posting->arena);
	db_arg_bytes_array(&args, accounts, used);
	db_arg_int64s(&args, units, used);
	return db_query(posting->db, &SQL_REWARD_CLAIMS_ADD, &args, NULL, err) || wn_while(err, "add to claims");
}

/* Before any account is locked: the order of locks is claims, accounts. */
static bool posting_share_claims(struct posting *posting, struct wn_error *err)
{
	struct db_args args;
	size_t i = 0;
	while (i < posting->count && !claims_counts(&posting->transfers[i]))
		i++;
	if (i == posting->count)
		return true;
	db_args_init(&args, posting->arena);
	return db_query(posting->db, &SQL_REWARD_CLAIMS_SHARE, &args, NULL, err) || wn_while(err, "share the claims");
}

bool ledger_store_post(struct db *db, struct wn_arena *arena, const struct transfer *transfers, size_t count,
	int64_t now_ms, enum transfer_result *results, struct wn_error *err)
{
	struct posting posting = {.db = db, .arena = arena, .transfers = transfers, .count = count};
	wn_assert(db_in_transaction(db));
	wn_assert(count <= UINT32_MAX / 2);
	if (count == 0)
		return true;
	if (!posting_refs(&posting, err) || !posting_share_claims(&posting, err) || !posting_accounts(&posting, err) ||
		!posting_known(&posting, err))
		return wn_while(err, "post %zu transfers", count);
	posting_apply(&posting, results);
	if (posting.done == 0)
		return true;
	return (posting_save_balances(&posting, err) && posting_save_transfers(&posting, results, now_ms, err) &&
		       posting_save_claims(&posting, results, err)) ||
	       wn_while(err, "post %zu transfers", count);
}

/* ---- reading ---- */

bool ledger_store_balances(struct db *db, struct wn_arena *arena, const struct ledger_ref *refs, size_t count,
	struct ledger_balance *out, struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	memset(out, 0, count * sizeof *out);
	if (count == 0)
		return true;
	db_args_init(&args, arena);
	if (!arg_refs(&args, refs, count, err))
		return false;
	if (!db_query(db, &SQL_REWARD_ACCOUNTS_READ, &args, &result, err))
		return wn_while(err, "read ledger balances");
	for (size_t i = 0; i < db_rows(result); i++)
		balance_read(result, i, 1, &out[db_int64(result, i, 0) - 1]);
	db_done(result);
	return true;
}

bool ledger_store_balance(struct db *db, struct wn_arena *arena, const struct ledger_ref *ref,
	struct ledger_balance *out, struct wn_error *err)
{
	return ledger_store_balances(db, arena, ref, 1, out, err);
}

bool ledger_store_unminted(struct db *db, struct wn_arena *arena, int64_t cap_units, int64_t *out, struct wn_error *err)
{
	struct ledger_ref mint = {.kind = LEDGER_MINT};
	struct ledger_balance balance;
	if (!ledger_store_balance(db, arena, &mint, &balance, err))
		return wn_while(err, "read the mint");
	/* Minting debits the mint, burning credits it: its balance below zero is the supply. */
	int64_t supply = -ledger_available(&balance);
	if (!tokens_take(cap_units, supply, out))
		return wn_fail(err, WN_INPUT, "supply_above_cap", "%lld units are minted, the cap is %lld",
			(long long)supply, (long long)cap_units);
	return true;
}

/* ---- journal ---- */

static void ref_put(struct json_writer *writer, const char *name, const struct ledger_ref *ref)
{
	json_open_object(writer, name);
	json_put_string(writer, "kind", ledger_kind_name(ref->kind));
	json_put_hex(writer, "owner", ref->owner, sizeof ref->owner);
	json_close_object(writer);
}

static void transfer_put(struct json_writer *writer, const struct transfer *transfer)
{
	json_open_object(writer, NULL);
	json_put_hex(writer, "id", transfer->id.bytes, sizeof transfer->id.bytes);
	json_put_string(writer, "step", transfer_step_name(transfer->step));
	ref_put(writer, "debit", &transfer->debit);
	ref_put(writer, "credit", &transfer->credit);
	json_put_amount(writer, "amount", transfer_recorded(transfer));
	json_put_string(writer, "cause", transfer->cause);
	if (transfer->step >= TRANSFER_POST)
		json_put_hex(writer, "pending", transfer->pending_id.bytes, sizeof transfer->pending_id.bytes);
	if (!id_is_zero(transfer->subject))
		json_put_hex(writer, "subject", transfer->subject, sizeof transfer->subject);
	if (transfer->epoch >= 0)
		json_put_integer(writer, "epoch", transfer->epoch);
	json_close_object(writer);
}

bool ledger_entry(struct wn_arena *arena, const struct transfer *transfers, size_t count, int64_t now_ms,
	struct wn_slice *out, struct wn_error *err)
{
	struct json_writer entry;
	if (count > LEDGER_ENTRY_TRANSFERS_MAX)
		return wn_fail(err, WN_FULL, "ledger_entry_large",
			"a journal entry tells at most %d transfers, not %zu", LEDGER_ENTRY_TRANSFERS_MAX, count);
	journal_entry_begin(&entry, arena, "transfers", now_ms);
	json_open_array(&entry, "transfers");
	for (size_t i = 0; i < count; i++)
		transfer_put(&entry, &transfers[i]);
	json_close_array(&entry);
	json_close_object(&entry);
	return json_end(&entry, out, err);
}
