/* A journal that was written by hand replays; whatever is changed in it is found and named. */
#include <stdio.h>
#include <string.h>

#include "reward/ledger_store.h"
#include "tests/check.h"
#include "tests/vote/scribe.h"
#include "vote/replay.h"
#include "vote/replay_table.h"

SUITE("replay")

#define ARENA_BYTES ((size_t)64 << 20)

static struct wn_arena arena;
static struct scribe_journal journal;

static bool fresh(void)
{
	wn_arena_free(&arena);
	wn_arena_init(&arena, ARENA_BYTES);
	return scribe_write(&arena, &journal);
}

/* Replays all of it; the failure, if any, stays in *err. */
static bool replays(const struct replay_watch *watch, struct replay_totals *totals, struct wn_error *err)
{
	struct replay *replay;
	*err = (struct wn_error){0};
	bool ok = replay_open(&replay, watch, err);
	for (size_t i = 0; ok && i < journal.count; i++)
		ok = replay_entry(replay, journal.entries[i], err);
	ok = ok && replay_finish(replay, err);
	if (totals && replay)
		replay_totals(replay, totals);
	replay_close(replay);
	return ok;
}

/* The replay of the changed journal must fail with this code, at this entry, and say why. */
static void found(const char *code, size_t position, const char *type, const char *says)
{
	char where[80];
	struct wn_error err;
	CHECK(!replays(NULL, NULL, &err));
	CHECK_TEXT(err.code, code);
	snprintf(where, sizeof where, "entry %zu (%s): ", position, type);
	if (!strstr(err.text, where) || !strstr(err.text, says))
		check_text(err.text, where, says, __FILE__, __LINE__);
}

static void changed(const char *type, int n, const char *was, const char *is, const char *code, const char *says)
{
	CHECK_OR_RETURN(fresh());
	size_t position = scribe_find(&journal, type, n);
	CHECK_OR_RETURN(position != SIZE_MAX);
	CHECK_OR_RETURN(scribe_replace(&arena, &journal.entries[position], was, is));
	found(code, position, type, says);
}

static void drop(size_t position)
{
	journal.count--;
	memmove(&journal.entries[position], &journal.entries[position + 1],
		(journal.count - position) * sizeof journal.entries[0]);
}

static void put_before(size_t position, size_t from)
{
	struct wn_slice entry = journal.entries[from];
	drop(from);
	memmove(&journal.entries[position + 1], &journal.entries[position],
		(journal.count - position) * sizeof journal.entries[0]);
	journal.entries[position] = entry;
	journal.count++;
}

/* ---- what is right ---- */

static struct replay_verdict verdicts[8];
static int verdict_count, finals;

static bool verdict_seen(void *context, const struct replay_verdict *verdict, struct wn_error *err)
{
	(void)context;
	(void)err;
	if (verdict_count < 8)
		verdicts[verdict_count] = *verdict;
	verdict_count++;
	return true;
}

static bool final_seen(void *context, const struct replay_final *final, struct wn_error *err)
{
	(void)context;
	(void)err;
	finals += final->class == 1;
	return true;
}

TEST(a_journal_that_nobody_touched_replays_to_its_verdicts_and_balances)
{
	struct replay_watch watch = {.verdict = verdict_seen, .final = final_seen};
	struct replay_totals totals;
	struct wn_error err;
	CHECK_OR_RETURN(fresh());
	verdict_count = finals = 0;
	CHECK_OK(replays(&watch, &totals, &err), err);
	CHECK_INT((int64_t)totals.entries, (int64_t)journal.count);
	CHECK_INT(totals.epochs, 25);
	CHECK_INT(totals.recomputed, 2);
	CHECK_INT(totals.recomputed_to, 24);
	CHECK_INT(totals.waiting, 0);
	CHECK_INT(totals.items, 5);
	CHECK_INT(totals.duplicates, 1);
	CHECK_INT(totals.votes, 19);
	CHECK_INT(totals.accepted, 2);
	CHECK_INT(totals.rejected, 2);
	CHECK_INT(verdict_count, 4);
	CHECK_INT(finals, 2);
	for (int i = 0; i < 4; i++)
		CHECK_INT(verdicts[i].votes, verdicts[i].class == 1 ? 5 : verdicts[i].votes);
	/* Two posts, one of them resembling another at 3/5 of 7/10: the whole weight and 1 - 3/4 x 5/7 of it; the
	 * contributor has all of the share: 55 % of two ceilings. The reserve and the treasury have 5 % each. */
	int64_t share = 2000000000, contributor = share * 55 / 100, other = share * 5 / 100;
	/* 19 scored votes at a million each are the pool at most; half of a lost bond of 100 million is burned. */
	CHECK_INT(totals.burned, 50000000);
	CHECK(totals.minted >= contributor + 2 * other);
	CHECK(totals.minted <= contributor + 2 * other + 19 * 1000000);
	CHECK_INT(totals.supply, 5000000000000 + totals.minted - totals.burned);
}

static bool entry_replays(void *context, struct wn_slice entry)
{
	struct wn_error err = {0};
	return check_true(replay_entry(context, entry, &err), err.text, __FILE__, __LINE__);
}

TEST(day_after_day_replays_what_is_carried_from_one_to_the_next)
{
	enum { DAYS = 12 };
	struct replay_totals totals;
	struct replay_counts counts;
	struct replay *replay;
	struct wn_error err = {0};
	CHECK_OR_RETURN(replay_open(&replay, NULL, &err));
	wn_arena_free(&arena);
	wn_arena_init(&arena, ARENA_BYTES);
	CHECK(scribe_write_days(&arena, DAYS, entry_replays, replay));
	CHECK_OK(replay_finish(replay, &err), err);
	replay_totals(replay, &totals);
	replay_count(replay, &counts);
	CHECK_INT(totals.epochs, 25 * DAYS);
	CHECK_INT(totals.recomputed, 2 * DAYS);
	CHECK_INT(totals.verdicts, 4 * DAYS);
	CHECK_INT(totals.votes, 19 * DAYS);
	CHECK_INT(totals.burned, 50000000 * DAYS);
	CHECK_INT(counts.validators, 5);
	replay_close(replay);
}

/* The first pay that becomes final gets another amount on its way into the replay. */
struct forged {
	struct replay *replay;
	struct wn_error err;
	bool done;
};

static bool entry_forged(void *context, struct wn_slice entry)
{
	struct forged *forged = context;
	if (!forged->done && memmem(entry.data, entry.bytes, "\"reward/validator\"", 18) &&
		memmem(entry.data, entry.bytes, "\"post\"", 6))
		forged->done = scribe_replace(&arena, &entry, "\"amount\":\"", "\"amount\":\"1");
	return forged->err.code[0] || replay_entry(forged->replay, entry, &forged->err) || forged->done;
}

TEST(pay_that_becomes_final_is_the_pay_that_was_granted)
{
	struct forged forged = {0};
	CHECK_OR_RETURN(replay_open(&forged.replay, NULL, &forged.err));
	wn_arena_free(&arena);
	wn_arena_init(&arena, ARENA_BYTES);
	CHECK(scribe_write_days(&arena, 2, entry_forged, &forged));
	CHECK(forged.done);
	CHECK_TEXT(forged.err.code, "replay_transfer");
	CHECK(strstr(forged.err.text, "are paid, expected") != NULL);
	replay_close(forged.replay);
}

TEST(a_journal_that_ends_anywhere_replays_as_far_as_it_goes)
{
	struct replay_totals totals;
	struct wn_error err;
	CHECK_OR_RETURN(fresh());
	for (size_t whole = journal.count; journal.count > 0; journal.count--) {
		bool ok = replays(NULL, &totals, &err);
		if (!check_true(ok, err.text, __FILE__, __LINE__) || totals.entries != journal.count)
			return;
		CHECK(journal.count < whole || !totals.cut);
	}
	CHECK(!replays(NULL, NULL, &err));
	CHECK_TEXT(err.code, "replay_genesis");
}

TEST(a_balance_and_a_claim_can_be_asked_for)
{
	struct replay *replay;
	struct wn_error err = {0};
	struct replay_counts counts;
	struct ledger_ref mint = {.kind = LEDGER_MINT}, nobody = {.kind = LEDGER_FREE};
	struct ledger_balance balance;
	struct replay_totals totals;
	CHECK_OR_RETURN(fresh());
	CHECK_OK(replay_open(&replay, NULL, &err), err);
	for (size_t i = 0; i < journal.count; i++)
		CHECK_OK(replay_entry(replay, journal.entries[i], &err), err);
	replay_totals(replay, &totals);
	replay_balance_of(replay, &mint, &balance);
	CHECK_INT(balance.debits_posted + balance.debits_pending - balance.credits_posted, totals.supply);
	memset(nobody.owner, 9, sizeof nobody.owner);
	replay_balance_of(replay, &nobody, &balance);
	CHECK_INT(balance.credits_posted, 0);
	replay_count(replay, &counts);
	CHECK_INT(counts.claims, 1);
	CHECK_INT(counts.validators, 5);
	/* mint, reserve, treasury, the contributor's two, and of each voter free, stake and, of the one that lost, bond
	 */
	CHECK(counts.balances >= 3 + 2 + 2 * 5 + 1);
	replay_close(replay);
}

/* ---- form and order ---- */

TEST(bytes_that_are_not_canonical_are_found)
{
	CHECK_OR_RETURN(fresh());
	size_t position = scribe_find(&journal, "campaign", 0);
	struct wn_slice *entry = &journal.entries[position];
	char *text = wn_arena_printf(&arena, " %.*s", (int)entry->bytes, entry->data);
	*entry = wn_slice_of(text);
	found("replay_canonical", position, "?", "not the canonical ones");
}

static void put_text(size_t position, const char *text)
{
	memmove(&journal.entries[position + 1], &journal.entries[position],
		(journal.count - position) * sizeof journal.entries[0]);
	journal.entries[position] = wn_slice_of(text);
	journal.count++;
}

TEST(an_item_of_a_closed_campaign_is_found)
{
	static const char closed[] = "{\"name\":\"harbour\",\"time_ms\":1700000000000,\"type\":\"campaign_closed\"}";
	struct wn_error err;
	CHECK_OR_RETURN(fresh());
	size_t items = scribe_find(&journal, "items", 0);
	put_text(items + 1, closed);
	/* What was given before is judged and paid. */
	CHECK_OK(replays(NULL, NULL, &err), err);
	put_text(items + 2, closed);
	found("replay_campaign", items + 2, "campaign_closed", "is closed already");
	CHECK_OR_RETURN(fresh());
	put_text(items, closed);
	found("replay_items", items + 1, "items", "campaign harbour is closed");
}

TEST(an_entry_of_an_unknown_type_is_found)
{
	CHECK_OR_RETURN(fresh());
	size_t position = scribe_find(&journal, "rounds", 0);
	CHECK_OR_RETURN(
		scribe_replace(&arena, &journal.entries[position], "\"type\":\"rounds\"", "\"type\":\"bounds\""));
	found("replay_entry", position, "bounds", "no entry has this type");
}

TEST(another_genesis_makes_another_network)
{
	/* Commitments name the network: none of them opens in another one. */
	CHECK_OR_RETURN(fresh());
	CHECK(scribe_replace(&arena, &journal.entries[0], "\"sample\":false", "\"sample\":true"));
	found("replay_beacon", scribe_find(&journal, "epoch_end", 0), "epoch_end", "the beacon of epoch 1 is");
}

TEST(a_dropped_entry_is_found)
{
	static const struct {
		const char *type;
		int n;
	} gone[] = {{"account", 0}, {"account", 3}, {"campaign", 0}, {"items", 0}, {"duplicates", 0}, {"rounds", 0},
		{"seats", 2}, {"ballot", 1}, {"ballot", 7}, {"commit_closed", 0}, {"tally", 1}, {"epoch_end", 0},
		{"transfers", 0}, {"transfers", 1}, {"epoch_close_part", 0}, {"epoch_close", 0}, {"epochs_silent", 0},
		{"transfers", 2}, {"epoch_end", 1}};
	struct wn_error err;
	for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
		CHECK_OR_RETURN(fresh());
		size_t position = scribe_find(&journal, gone[i].type, gone[i].n);
		CHECK_OR_RETURN(position != SIZE_MAX);
		drop(position);
		if (!check_true(!replays(NULL, NULL, &err), gone[i].type, __FILE__, __LINE__))
			return;
		CHECK(strncmp(err.code, "replay_", 7) == 0);
		CHECK(strstr(err.text, "entry ") == err.text);
	}
}

TEST(swapped_entries_are_found)
{
	CHECK_OR_RETURN(fresh());
	size_t closed = scribe_find(&journal, "commit_closed", 0), sealed = closed - 1;
	put_before(sealed, closed);
	found("replay_round", sealed, "commit_closed", "4 of 5 seats sealed a vote");
	CHECK_OR_RETURN(fresh());
	size_t seats = scribe_find(&journal, "seats", 0);
	put_before(scribe_find(&journal, "rounds", 0), seats);
	found("replay_round", scribe_find(&journal, "rounds", 0) - 1, "seats", "has no round 1");
}

TEST(a_doubled_entry_is_found)
{
	static const char *const types[] = {"genesis", "campaign", "items", "duplicates", "rounds", "seats", "ballot",
		"commit_closed", "tally", "epoch_end", "epoch_close_part", "epoch_close", "epochs_silent", "final",
		"transfers"};
	struct wn_error err;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		CHECK_OR_RETURN(fresh());
		/* The second `transfers` is a close's: of a deposit that is told twice nothing shows that it is one. */
		size_t position = scribe_find(&journal, types[i], strcmp(types[i], "transfers") == 0);
		memmove(&journal.entries[position + 1], &journal.entries[position],
			(journal.count - position) * sizeof journal.entries[0]);
		journal.count++;
		check_true(!replays(NULL, NULL, &err), types[i], __FILE__, __LINE__);
		CHECK(strncmp(err.code, "replay_", 7) == 0);
	}
}

/* ---- votes ---- */

TEST(a_vote_that_is_sealed_too_late_is_found)
{
	CHECK_OR_RETURN(fresh());
	size_t closed = scribe_find(&journal, "commit_closed", 0);
	/* The last sealed ballot comes behind the entry that closes: what precedes it is not enough to close. */
	put_before(closed - 1, closed);
	found("replay_round", closed - 1, "commit_closed", "4 of 5 seats sealed a vote and its time is not over");
}

TEST(a_vote_that_is_opened_behind_the_tally_is_found)
{
	CHECK_OR_RETURN(fresh());
	size_t tally = scribe_find(&journal, "tally", 0);
	put_before(tally - 1, tally);
	found("replay_round", tally - 1, "tally", "4 of 5 votes are opened and its time is not over");
}

TEST(another_commitment_is_found_by_the_root)
{
	CHECK_OR_RETURN(fresh());
	size_t position = scribe_find(&journal, "ballot", 0);
	const char *at = memmem(journal.entries[position].data, journal.entries[position].bytes, "commitment\":\"", 13);
	char was[32], is[32];
	snprintf(was, sizeof was, "commitment\":\"%.4s", at + 13);
	snprintf(is, sizeof is, "commitment\":\"%s", strncmp(at + 13, "0000", 4) == 0 ? "1111" : "0000");
	CHECK(scribe_replace(&arena, &journal.entries[position], was, is));
	found("replay_commitments", scribe_find(&journal, "commit_closed", 0), "commit_closed",
		"the root over its sealed votes is");
}

TEST(a_vote_that_is_not_the_sealed_one_is_found)
{
	changed("epoch_close_part", 0, "\"choice\":1", "\"choice\":0", "replay_vote", "not the one that was sealed");
}

TEST(another_count_of_votes_is_found)
{
	changed("tally", 0, "\"votes\":5", "\"votes\":4", "replay_tally", "4 votes are counted, 5 were opened");
	changed("tally", 0, "\"result\":\"tallied\"", "\"result\":\"redraw\"", "replay_tally", "expected tallied");
	changed("tally", 0, "\"after\":-1", "\"after\":0", "replay_tally", "judged by the state behind the close of");
}

TEST(a_bond_of_another_size_is_found)
{
	changed("seats", 1, "\"bond\":\"100000000\"", "\"bond\":\"100000001\"", "replay_seat", "expected 100000000");
}

/* ---- epochs ---- */

TEST(a_wrong_beacon_is_found)
{
	CHECK_OR_RETURN(fresh());
	static const char *const members[] = {"\"beacon\":\"", "\"onion\":\"", "\"revealed\":\""};
	for (size_t i = 0; i < 3; i++) {
		CHECK_OR_RETURN(fresh());
		size_t position = scribe_find(&journal, "epoch_end", 0);
		char is[32];
		snprintf(is, sizeof is, "%s%s", members[i], "00000000");
		const char *at = memmem(journal.entries[position].data, journal.entries[position].bytes, members[i],
			strlen(members[i]));
		char was[32];
		snprintf(was, sizeof was, "%.*s", (int)strlen(is), at);
		CHECK(scribe_replace(&arena, &journal.entries[position], was, is));
		found("replay_beacon", position, "epoch_end",
			i == 1 ? "does not belong under" : "the beacon of epoch 1 is");
	}
}

TEST(an_epoch_that_ends_too_early_is_found)
{
	changed("epoch_end", 0, "\"time_ms\":1700003600000", "\"time_ms\":1700003599999", "replay_epoch",
		"not over before 1700003600000");
	changed("epochs_silent", 0, "\"to\":23", "\"to\":22", "replay_epoch", "expected");
}

TEST(a_silent_epoch_in_which_votes_were_counted_is_found)
{
	CHECK_OR_RETURN(fresh());
	size_t end = scribe_find(&journal, "epoch_end", 0), silent = scribe_find(&journal, "epochs_silent", 0);
	put_before(end, silent);
	CHECK(scribe_replace(&arena, &journal.entries[end], "\"from\":1", "\"from\":0"));
	found("replay_epoch", end, "epochs_silent", "epoch 0 is not silent");
}

/* ---- the close ---- */

TEST(a_wrong_verdict_is_found)
{
	changed("epoch_close_part", 0, "\"margin\":", "\"margin\":1", "replay_close", "margin is");
	changed("epoch_close_part", 0, "\"p_good\":", "\"p_good\":1", "replay_vote", "is no verdict");
	changed("epoch_close_part", 0, "\"class\":1", "\"class\":0", "replay_close", "items[0].class is 0, expected 1");
}

TEST(wrong_points_are_found)
{
	changed("epoch_close_part", 0, "\"points\":", "\"points\":1", "replay_close", "points is");
	changed("epoch_close_part", 1, "\"scored\":4", "\"scored\":5", "replay_close", "scored is 5, expected 4");
}

TEST(a_wrong_amount_is_found)
{
	/* What a close moves is computed from its votes; nobody else may move units to the treasury. */
	changed("transfers", 1, "\"amount\":\"1100000000\"", "\"amount\":\"1100000001\"", "replay_close",
		"expected \"1100000000\"");
	changed("transfers", 1, "\"cause\":\"mint/treasury\"", "\"cause\":\"mint/curators\"", "replay_transfer",
		"does not move units in this way");
	changed("transfers", 0, "\"amount\":\"500000000000\"", "\"amount\":\"1000000000001\"", "replay_transfer",
		"overdrawn");
	changed("transfers", 2, "\"amount\":\"1100000000\"", "\"amount\":\"1099999999\"", "replay_vesting",
		"1099999999 units are vested, expected 1100000000");
	changed("transfers", 2, "\"time_ms\":", "\"time_ms\":1", "replay_vesting", "vest at the beginning");
}

TEST(minting_too_much_is_found)
{
	changed("epoch_close", 0, "\"minted\":\"", "\"minted\":\"1", "replay_close", "minted is");
	changed("epoch_close", 0, "\"mintable\":\"", "\"mintable\":\"1", "replay_close", "mintable is");
	changed("epoch_close", 0, "\"unminted\":\"", "\"unminted\":\"1", "replay_close", "unminted is");
	changed("genesis", 0, "\"amount\":\"1000000000000\"", "\"amount\":\"2000000000000000000\"", "replay_supply",
		"more is minted than the cap");
}

TEST(a_wrong_record_of_the_crowd_is_found)
{
	changed("epoch_close", 0, "\"counts_sha256\":\"", "\"counts_sha256\":\"0", "replay_close", "counts_sha256 is");
	changed("epoch_close", 0, "\"prior\":[", "\"prior\":[1", "replay_close", "prior[0] is");
}

TEST(a_close_that_pays_who_unbonded_everything_replays)
{
	struct replay_totals totals;
	struct wn_error err;
	CHECK_OR_RETURN(fresh());
	CHECK_OR_RETURN(scribe_write_leaver(&arena, &journal));
	size_t part = scribe_find(&journal, "epoch_close_part", 1);
	CHECK(memmem(journal.entries[part].data, journal.entries[part].bytes, "\"unbonded\":true", 15) != NULL);
	CHECK_OK(replays(NULL, &totals, &err), err);
	CHECK_INT(totals.recomputed, 2);
}

TEST(a_close_that_pays_somebody_who_had_not_left_is_found)
{
	CHECK_OR_RETURN(fresh());
	CHECK_OR_RETURN(scribe_write_leaver(&arena, &journal));
	/* The last transfers before the first close are the unstake. */
	size_t close = scribe_find(&journal, "epoch_end", 0), at = close - 1;
	CHECK(memmem(journal.entries[at].data, journal.entries[at].bytes, "\"cause\":\"unstake\"", 17) != NULL);
	/* Told only behind the epoch's end, it comes too late for this close. */
	put_before(close, at);
	struct replay_totals totals;
	struct wn_error err;
	CHECK(!replays(NULL, &totals, &err));
	CHECK_TEXT(err.code, "replay_close");
}

TEST(a_wrong_claims_root_is_found)
{
	CHECK_OR_RETURN(fresh());
	size_t position = scribe_find(&journal, "epoch_close", 1);
	const char *at =
		memmem(journal.entries[position].data, journal.entries[position].bytes, "claims_root\":\"", 14);
	char was[32];
	snprintf(was, sizeof was, "claims_root\":\"%.8s", at + 14);
	CHECK(scribe_replace(&arena, &journal.entries[position], was, "claims_root\":\"00000000"));
	found("replay_claims", position, "epoch_close", "the root over all claims is");
}

TEST(an_item_that_is_final_too_early_or_otherwise_is_found)
{
	changed("final", 0, "\"state\":\"accepted\"", "\"state\":\"rejected\"", "replay_final", "expected accepted");
	changed("final", 0, "\"time_ms\":1700086400000", "\"time_ms\":1700000000001", "replay_final", "is final at");
}

/* ---- tables ---- */

TEST(a_table_finds_what_was_added_and_not_removed)
{
	enum { KEYS = 20000 };
	static bool there[KEYS];
	struct replay_table table = {.key_bytes = 5, .value_bytes = sizeof(uint32_t)};
	uint64_t random = test_seed();
	size_t count = 0, walked = 0, at = 0;
	const void *key;
	void *value;
	memset(there, 0, sizeof there);
	for (int step = 0; step < 200000; step++) {
		uint32_t n = (uint32_t)(test_random(&random) % KEYS);
		uint8_t name[5] = {(uint8_t)n, (uint8_t)(n >> 8), 1, 2, 3};
		bool added;
		if (test_random(&random) % 3 == 0 && there[n]) {
			replay_table_remove(&table, name);
			there[n] = false;
			count--;
			continue;
		}
		uint32_t *number = replay_table_add(&table, name, &added);
		CHECK_OR_RETURN(number != NULL);
		CHECK_OR_RETURN(added == !there[n]);
		CHECK_OR_RETURN(added || *number == n);
		*number = n;
		count += added;
		there[n] = true;
	}
	CHECK_INT((int64_t)table.count, (int64_t)count);
	while (replay_table_next(&table, &at, &key, &value)) {
		CHECK_OR_RETURN(there[*(uint32_t *)value]);
		walked++;
	}
	CHECK_INT((int64_t)walked, (int64_t)count);
	for (uint32_t n = 0; n < KEYS; n++) {
		uint8_t name[5] = {(uint8_t)n, (uint8_t)(n >> 8), 1, 2, 3};
		uint32_t *number = replay_table_find(&table, name);
		CHECK_OR_RETURN((number != NULL) == there[n]);
	}
	replay_table_close(&table);
}
