/* The replay computes, the tables are held against it page by page; memory does not grow with either. */
#include "vote/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/sign.h"
#include "core/states.h"
#include "vote/audit_store.h"

#define AUDIT_ARENA ((size_t)256 << 20)

/* What the replay told since the last comparison. */
struct audit {
	struct db *db;
	struct wn_arena page, entries;
	struct audit_report *report;
	struct replay *replay;
	struct replay_verdict verdicts[AUDIT_PAGE];
	struct item_id finals[AUDIT_PAGE];
	enum item_state states[AUDIT_PAGE];
	struct replay_ballot ballots[AUDIT_PAGE];
	size_t verdict_count, final_count, ballot_count;
};

static bool number_differs(const char *table, const char *row, const char *column, int64_t is, int64_t expected,
	const char *code, struct wn_error *err)
{
	return is == expected || wn_fail(err, WN_INPUT, code, "table %s, %s: %s is %lld, expected %lld", table, row,
					 column, (long long)is, (long long)expected);
}

/* ---- verdicts ---- */

static bool verdict_compare(
	const struct replay_verdict *is, const struct replay_verdict *expected, struct wn_error *err)
{
	char row[ID_HEX_ROOM + 8];
	memcpy(row, "item ", 5);
	hex_write(row + 5, expected->item.bytes, ID_BYTES);
	return number_differs("verdict", row, "class", is->class, expected->class, "audit_verdict", err) &&
	       number_differs("verdict", row, "p_good", is->p_good, expected->p_good, "audit_verdict", err) &&
	       number_differs("verdict", row, "margin", is->margin, expected->margin, "audit_verdict", err) &&
	       number_differs("verdict", row, "votes", is->votes, expected->votes, "audit_verdict", err) &&
	       number_differs("verdict", row, "epoch", is->epoch, expected->epoch, "audit_verdict", err);
}

static bool verdicts_flush(struct audit *audit, struct wn_error *err)
{
	size_t count = audit->verdict_count;
	char hex[ID_HEX_ROOM];
	if (count == 0)
		return true;
	wn_arena_reset(&audit->page);
	struct replay_verdict *stored = wn_arena_array(&audit->page, count, sizeof *stored);
	bool *found = wn_arena_array(&audit->page, count, sizeof *found);
	if (!stored || !found)
		return wn_fail(err, WN_FULL, "memory", "no room for verdicts");
	if (!audit_store_verdicts(audit->db, &audit->page, audit->verdicts, count, stored, found, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!found[i])
			return wn_fail(err, WN_INPUT, "audit_verdict", "table verdict, item %s: the row is missing",
				hex_write(hex, audit->verdicts[i].item.bytes, ID_BYTES));
		if (!verdict_compare(&stored[i], &audit->verdicts[i], err))
			return false;
	}
	audit->report->verdicts += (int64_t)count;
	audit->verdict_count = 0;
	return true;
}

static bool verdict_seen(void *context, const struct replay_verdict *verdict, struct wn_error *err)
{
	struct audit *audit = context;
	audit->verdicts[audit->verdict_count++] = *verdict;
	return audit->verdict_count < AUDIT_PAGE || verdicts_flush(audit, err);
}

/* ---- final states ---- */

static bool finals_flush(struct audit *audit, struct wn_error *err)
{
	int32_t states[AUDIT_PAGE];
	char hex[ID_HEX_ROOM];
	if (audit->final_count == 0)
		return true;
	wn_arena_reset(&audit->page);
	if (!audit_store_states(audit->db, &audit->page, audit->finals, audit->final_count, states, err))
		return false;
	for (size_t i = 0; i < audit->final_count; i++) {
		/* Erasure takes an item out of every final state. */
		if (states[i] == (int32_t)audit->states[i] || states[i] == ITEM_ERASED)
			continue;
		return wn_fail(err, WN_INPUT, "audit_item", "table item, item %s: state is %s, expected %s",
			hex_write(hex, audit->finals[i].bytes, ID_BYTES),
			states[i] < 0 || states[i] >= ITEM_STATES ? "missing"
								  : item_state_word((enum item_state)states[i]),
			item_state_word(audit->states[i]));
	}
	audit->report->finals += (int64_t)audit->final_count;
	audit->final_count = 0;
	return true;
}

static bool final_seen(void *context, const struct replay_final *final, struct wn_error *err)
{
	struct audit *audit = context;
	bool keeps = final->class >= 0 && final->campaign->choices[final->class].verdict == CHOICE_KEEP;
	audit->finals[audit->final_count] = final->item;
	audit->states[audit->final_count++] = final->class < 0 ? ITEM_VOID : keeps ? ITEM_ACCEPTED : ITEM_REJECTED;
	return audit->final_count < AUDIT_PAGE || finals_flush(audit, err);
}

/* ---- ballots ---- */

static const char *ballot_wrong(const struct replay_ballot *ballot, const struct audit_evidence *evidence)
{
	struct sha256 body, base;
	struct signature signature;
	if (!evidence->found)
		return "the row is missing";
	if (id_compare(&evidence->voter, &ballot->voter) != 0)
		return "voter is another one";
	if (evidence->signature.bytes != SIGNATURE_BYTES ||
		memcmp(evidence->signature.data, ballot->signature, SIGNATURE_BYTES) != 0)
		return "signature is another one";
	sha256_of(evidence->body.data, evidence->body.bytes, &body);
	sha256_of(evidence->base.data, evidence->base.bytes, &base);
	if (id_compare(&body, &ballot->body) != 0)
		return "body is another one";
	if (id_compare(&base, &ballot->base) != 0)
		return "signature_base is another one";
	memcpy(signature.bytes, ballot->signature, SIGNATURE_BYTES);
	return sign_verify(&ballot->voter, evidence->base.data, evidence->base.bytes, &signature)
		       ? NULL
		       : "the voter never signed it";
}

static bool ballots_flush(struct audit *audit, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if (audit->ballot_count == 0)
		return true;
	wn_arena_reset(&audit->page);
	struct audit_evidence *evidence = wn_arena_array(&audit->page, audit->ballot_count, sizeof *evidence);
	if (!evidence)
		return wn_fail(err, WN_FULL, "memory", "no room for ballots");
	if (!audit_store_ballots(audit->db, &audit->page, audit->ballots, audit->ballot_count, evidence, err))
		return false;
	for (size_t i = 0; i < audit->ballot_count; i++) {
		const char *wrong = ballot_wrong(&audit->ballots[i], &evidence[i]);
		if (wrong)
			return wn_fail(err, WN_INPUT, "audit_ballot", "table ballot, %s, which entry %llu names: %s",
				hex_write(hex, audit->ballots[i].base.bytes, ID_BYTES),
				(unsigned long long)audit->ballots[i].position, wrong);
	}
	audit->report->ballots += (int64_t)audit->ballot_count;
	audit->ballot_count = 0;
	return true;
}

static bool ballot_seen(void *context, const struct replay_ballot *ballot, struct wn_error *err)
{
	struct audit *audit = context;
	audit->ballots[audit->ballot_count++] = *ballot;
	return audit->ballot_count < AUDIT_PAGE || ballots_flush(audit, err);
}

/* ---- epochs ---- */

static bool close_seen(void *context, const struct replay_epoch_close *close, struct wn_error *err)
{
	struct audit *audit = context;
	struct replay_epoch_close stored;
	bool found;
	char row[40];
	wn_arena_reset(&audit->page);
	snprintf(row, sizeof row, "epoch %lld", (long long)close->epoch);
	if (!audit_store_epoch(audit->db, &audit->page, close->epoch, &stored, &found, err))
		return false;
	if (!found)
		return wn_fail(err, WN_INPUT, "audit_epoch", "table epoch, %s: it is not closed", row);
	if (!number_differs("epoch", row, "opened_ms", stored.opened_ms, close->opened_ms, "audit_epoch", err) ||
		!number_differs("epoch", row, "ended_ms", stored.ended_ms, close->ended_ms, "audit_epoch", err) ||
		!number_differs("epoch", row, "minted", stored.minted, close->minted, "audit_epoch", err))
		return false;
	if (id_compare(&stored.claims_root, &close->claims_root) != 0)
		return wn_fail(err, WN_INPUT, "audit_epoch", "table epoch, %s: claims_root is another one", row);
	if (id_compare(&stored.beacon, &close->beacon) != 0)
		return wn_fail(
			err, WN_INPUT, "audit_epoch", "table epoch, the one behind %s: beacon is another one", row);
	audit->report->closes++;
	return true;
}

/* ---- what is left when all entries went in ---- */

static bool balance_compare(const struct replay *replay, const struct audit_balance *row, struct wn_error *err)
{
	struct ledger_balance expected;
	const struct ledger_balance *is = &row->balance;
	char name[ID_HEX_ROOM + 48], hex[ID_HEX_ROOM];
	replay_balance_of(replay, &row->ref, &expected);
	snprintf(name, sizeof name, "%s of owner %s",
		(unsigned)row->ref.kind < LEDGER_KINDS ? ledger_kind_name(row->ref.kind) : "a kind that is none",
		hex_write(hex, row->ref.owner, ID_BYTES));
	static const char table[] = "ledger_account", code[] = "audit_balance";
	return number_differs(table, name, "debits_posted", is->debits_posted, expected.debits_posted, code, err) &&
	       number_differs(table, name, "credits_posted", is->credits_posted, expected.credits_posted, code, err) &&
	       number_differs(table, name, "debits_pending", is->debits_pending, expected.debits_pending, code, err) &&
	       number_differs(table, name, "credits_pending", is->credits_pending, expected.credits_pending, code, err);
}

static bool balances_compare(struct audit *audit, int64_t expected, struct wn_error *err)
{
	static const struct ledger_balance nothing;
	struct audit_balance *rows;
	size_t count;
	int64_t after = 0;
	do {
		wn_arena_reset(&audit->page);
		if (!audit_store_balances(audit->db, &audit->page, after, &rows, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!balance_compare(audit->replay, &rows[i], err))
				return false;
			audit->report->balances += memcmp(&rows[i].balance, &nothing, sizeof nothing) != 0;
			after = rows[i].account_id;
		}
	} while (count == AUDIT_PAGE);
	return number_differs("ledger_account", "all rows", "the number of those that are not zero",
		audit->report->balances, expected, "audit_balance", err);
}

static bool claims_compare(struct audit *audit, int64_t expected, struct wn_error *err)
{
	struct audit_claim *rows;
	struct account_key after = {0};
	size_t count;
	char did[DID_ROOM];
	do {
		wn_arena_reset(&audit->page);
		if (!audit_store_claims(audit->db, &audit->page, &after, &rows, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			did_write(did, &rows[i].account);
			if (!number_differs("claims_total", did, "cumulative", rows[i].cumulative,
				    replay_claim_of(audit->replay, &rows[i].account), "audit_claim", err))
				return false;
			after = rows[i].account;
		}
		audit->report->claims += (int64_t)count;
	} while (count == AUDIT_PAGE);
	return number_differs(
		"claims_total", "all rows", "their number", audit->report->claims, expected, "audit_claim", err);
}

static bool grant_compare(const struct replay *replay, const struct audit_grant *row, struct wn_error *err)
{
	struct replay_granted expected;
	const struct replay_granted *is = &row->grant;
	char name[ID_HEX_ROOM];
	static const char table[] = "vesting_grant", code[] = "audit_grant";
	hex_write(name, row->id.bytes, ID_BYTES);
	if (!replay_grant_of(replay, &row->owner, &row->id, &expected))
		return wn_fail(
			err, WN_INPUT, code, "table %s, %s: nothing of this owner vests by this id", table, name);
	return number_differs(table, name, "amount", is->amount, expected.amount, code, err) &&
	       number_differs(table, name, "start_ms", is->start_ms, expected.start_ms, code, err) &&
	       number_differs(table, name, "period_ms", is->period_ms, expected.period_ms, code, err) &&
	       number_differs(table, name, "final_ms", is->final_ms, expected.final_ms, code, err) &&
	       number_differs(table, name, "revocable", is->revocable, expected.revocable, code, err);
}

static bool grants_compare(struct audit *audit, int64_t expected, struct wn_error *err)
{
	struct audit_grant *rows;
	struct transfer_id after = {{0}};
	size_t count;
	int64_t grants = 0;
	do {
		wn_arena_reset(&audit->page);
		if (!audit_store_grants(audit->db, &audit->page, &after, &rows, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!grant_compare(audit->replay, &rows[i], err))
				return false;
			after = rows[i].id;
		}
		grants += (int64_t)count;
	} while (count == AUDIT_PAGE);
	return number_differs(
		"vesting_grant", "all rows that vest", "their number", grants, expected, "audit_grant", err);
}

static bool validator_compare(const struct replay *replay, const struct audit_validator *row, struct wn_error *err)
{
	struct replay_validator expected;
	char name[DID_ROOM + 72], column[32], did[DID_ROOM];
	static const char table[] = "campaign_validator", code[] = "audit_validator";
	did_write(did, &row->voter);
	snprintf(name, sizeof name, "%s in %.64s", did, row->campaign);
	if (!replay_validator_of(replay, row->campaign, &row->voter, &expected))
		return wn_fail(err, WN_INPUT, code, "table %s, %s: no close knows this row", table, name);
	if (!number_differs(table, name, "cells", (int64_t)row->cells, (int64_t)expected.cells, code, err))
		return false;
	for (size_t i = 0; i < row->cells; i++) {
		snprintf(column, sizeof column, "counts[%zu]", i + 1);
		if (!number_differs(table, name, column, row->counts[i], expected.counts[i], code, err))
			return false;
	}
	return number_differs(table, name, "gold_votes", row->gold_votes, expected.gold_votes, code, err) &&
	       number_differs(table, name, "gold_right", row->gold_right, expected.gold_right, code, err) &&
	       number_differs(table, name, "carried_points", row->carried_points, expected.carried_points, code, err) &&
	       number_differs(table, name, "carried_scored", row->carried_scored, expected.carried_scored, code, err) &&
	       number_differs(table, name, "carried_since", row->carried_since, expected.carried_since, code, err);
}

static bool validators_compare(struct audit *audit, int64_t expected, struct wn_error *err)
{
	struct audit_validator *rows;
	char campaign[CAMPAIGN_NAME_MAX + 1] = "";
	struct account_key voter = {0};
	size_t count;
	do {
		wn_arena_reset(&audit->page);
		if (!audit_store_validators(audit->db, &audit->page, campaign, &voter, &rows, &count, err))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!validator_compare(audit->replay, &rows[i], err))
				return false;
		if (count > 0) {
			snprintf(campaign, sizeof campaign, "%s", rows[count - 1].campaign);
			voter = rows[count - 1].voter;
		}
		audit->report->validators += (int64_t)count;
	} while (count == AUDIT_PAGE);
	return number_differs("campaign_validator", "all rows", "their number", audit->report->validators, expected,
		"audit_validator", err);
}

static bool verdicts_counted(struct audit *audit, struct wn_error *err)
{
	int64_t stored;
	wn_arena_reset(&audit->page);
	return audit_store_verdict_count(audit->db, &audit->page, audit->report->totals.recomputed_to, &stored, err) &&
	       number_differs("verdict", "all rows of closes that were recomputed", "their number", stored,
		       audit->report->verdicts, "audit_verdict", err);
}

static bool votes_belong(struct audit *audit, struct wn_error *err)
{
	int64_t alone;
	const char *item;
	wn_arena_reset(&audit->page);
	return audit_store_votes(audit->db, &audit->page, &audit->report->votes, &alone, &item, err) &&
	       (alone == 0 ||
		       wn_fail(err, WN_INPUT, "audit_vote",
			       "tables vote_commit and vote_reveal: %lld votes have no seat or no ballot of their "
			       "voter, one is on item %s",
			       (long long)alone, item));
}

static bool tables_compare(struct audit *audit, struct wn_error *err)
{
	struct replay_counts counts;
	replay_totals(audit->replay, &audit->report->totals);
	replay_count(audit->replay, &counts);
	audit->report->validators_wait = audit->report->totals.waiting > 0;
	return verdicts_flush(audit, err) && finals_flush(audit, err) && ballots_flush(audit, err) &&
	       balances_compare(audit, counts.balances, err) && claims_compare(audit, counts.claims, err) &&
	       grants_compare(audit, counts.grants, err) && verdicts_counted(audit, err) && votes_belong(audit, err) &&
	       (audit->report->validators_wait || validators_compare(audit, counts.validators, err));
}

/* ---- all of it ---- */

static bool entries_replay(struct audit *audit, audit_progress *progress, void *context, struct wn_error *err)
{
	struct audit_entry *rows;
	size_t count;
	int64_t after = -1;
	uint64_t entries = 0;
	do {
		wn_arena_reset(&audit->entries);
		if (!audit_store_entries(audit->db, &audit->entries, after, &rows, &count, err))
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!replay_entry(audit->replay, rows[i].body, err))
				return false;
			after = rows[i].entry_id;
		}
		entries += count;
		if (progress)
			progress(context, entries, audit->report->journal.entries);
	} while (count > 0);
	return replay_finish(audit->replay, err);
}

static bool snapshot_audit(struct audit *audit, audit_progress *progress, void *context, struct wn_error *err)
{
	bool ok = db_begin(audit->db, err) && audit_store_snapshot(audit->db, err) &&
		  entries_replay(audit, progress, context, err) && tables_compare(audit, err);
	db_rollback(audit->db);
	return ok;
}

bool audit_run(struct db *db, const struct network_id *network, const struct account_key *checkpoint_key,
	audit_progress *progress, void *context, struct audit_report *out, struct wn_error *err)
{
	struct audit *audit = calloc(1, sizeof *audit);
	struct replay_watch watch = {.verdict = verdict_seen,
		.final = final_seen,
		.ballot = ballot_seen,
		.close = close_seen,
		.context = audit};
	*out = (struct audit_report){0};
	if (!audit)
		return wn_fail(err, WN_FULL, "memory", "no room for an audit");
	audit->db = db;
	audit->report = out;
	wn_arena_init(&audit->page, AUDIT_ARENA);
	wn_arena_init(&audit->entries, AUDIT_ARENA);
	bool ok = journal_audit(db, &audit->page, network, checkpoint_key, &out->journal, err) &&
		  replay_open(&audit->replay, &watch, err) && snapshot_audit(audit, progress, context, err);
	if (audit->replay)
		replay_totals(audit->replay, &out->totals);
	replay_close(audit->replay);
	wn_arena_free(&audit->page);
	wn_arena_free(&audit->entries);
	free(audit);
	return ok;
}
