/* Random networks of several campaigns: whatever people do, money is neither lost, made nor counted twice. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"
#include "reward/ledger_store.h"
#include "tests/check.h"
#include "tests/vote/village.h"

SUITE("close money")

enum {
	CAMPAIGNS = 3,
	ITEMS = 24,
	ROUNDS = 9,
	VOTERS = 14,
	STEPS = 14,
	DOCUMENT_MAX = 4096,
	OPEN_MAX = ITEMS * 3,
};

/* What the test knows of the network: each campaign as the village wants it, and which votes were sealed. */
struct network {
	struct village village;
	const char *names[CAMPAIGNS];
	struct campaign documents[CAMPAIGNS];
	int item_campaign[ITEMS], items;
	int sealed[ITEMS][ROUNDS][VOTERS]; /* choice + 1 */
	uint64_t random;
};
static struct network network;

static uint64_t below(uint64_t most)
{
	return test_random(&network.random) % most;
}

static int64_t number_of(const char *sql)
{
	return village_number(&network.village, "%s", sql);
}

/*
 * The invariants, each as a query of its own over the rows of the ledger; none uses what the close computed.
 * At any time every one of them gives 0.
 */
static const struct {
	const char *says, *sql;
} always[] = {
	{"each account's columns are what its transfers add up to",
		"SELECT count(*) FROM ledger_account a CROSS JOIN LATERAL (SELECT "
		"coalesce(sum(amount) FILTER (WHERE step IN (0, 2) AND debit_account = a.account_id), 0) AS dp, "
		"coalesce(sum(amount) FILTER (WHERE step IN (0, 2) AND credit_account = a.account_id), 0) AS cp, "
		"coalesce(sum(amount) FILTER (WHERE step = 1 AND debit_account = a.account_id AND NOT EXISTS (SELECT "
		"FROM "
		"ledger_transfer e WHERE e.pending_id = t.transfer_id)), 0) AS dq, "
		"coalesce(sum(amount) FILTER (WHERE step = 1 AND credit_account = a.account_id AND NOT EXISTS (SELECT "
		"FROM "
		"ledger_transfer e WHERE e.pending_id = t.transfer_id)), 0) AS cq "
		"FROM ledger_transfer t) s WHERE (s.dp, s.cp, s.dq, s.cq) IS DISTINCT FROM "
		"(a.debits_posted::numeric, a.credits_posted::numeric, a.debits_pending::numeric, "
		"a.credits_pending::numeric)"},
	{"what is not minted and what everybody has are the cap",
		"SELECT 1000000000000000000 - ((1000000000000000000 - (SELECT debits_posted - credits_posted FROM "
		"ledger_account WHERE kind = 0)) + (SELECT sum(credits_posted - debits_posted) FROM ledger_account "
		"WHERE kind <> 0))"},
	{"nobody has less than nothing", "SELECT count(*) FROM ledger_account WHERE kind <> 0 AND credits_posted - "
					 "debits_posted - debits_pending < 0"},
	{"an ending is of something pending, between the same accounts, and of no more than it held",
		"SELECT count(*) FROM ledger_transfer e LEFT JOIN ledger_transfer p ON p.transfer_id = e.pending_id "
		"WHERE "
		"e.step >= 2 AND (p.step IS DISTINCT FROM 1 OR p.debit_account <> e.debit_account OR p.credit_account "
		"<> "
		"e.credit_account OR e.amount > p.amount)"},
	{"a bond is pending exactly as long as its seat says",
		"SELECT count(*) FROM seat s WHERE s.bond IS NOT NULL AND s.bond_ended <> EXISTS (SELECT FROM "
		"ledger_transfer "
		"e WHERE e.pending_id = s.bond)"},
	{"everything pending is a seat's bond or pay that waits",
		"SELECT count(*) FROM ledger_transfer t WHERE t.step = 1 AND NOT EXISTS (SELECT FROM seat s WHERE "
		"s.bond = "
		"t.transfer_id) AND NOT EXISTS (SELECT FROM validator_pay p WHERE p.transfer_id = t.transfer_id)"},
	{"what was slashed left the bond accounts at once",
		"SELECT count(*) FROM ledger_account WHERE kind = 3 AND credits_posted <> debits_posted"},
	{"slashes are half burned, the rest is the reserve's",
		"SELECT count(*) FROM (SELECT split_part(cause, '/', 1) || CASE WHEN cause LIKE 'slash/unopened%' THEN "
		"'u' ELSE '' END AS what, "
		"debit_account, subject, epoch, coalesce(sum(amount) FILTER (WHERE cause LIKE '%/reserve'), 0) - "
		"coalesce(sum(amount) FILTER (WHERE cause LIKE '%/burned'), 0) AS odd FROM ledger_transfer WHERE cause "
		"LIKE "
		"'slash/%' GROUP BY 1, 2, 3, 4) s WHERE odd NOT IN (0, 1)"},
	{"every slash is a row with evidence, every row a slash",
		"SELECT (SELECT count(*) FROM ledger_transfer t WHERE cause LIKE 'slash/%/reserve' OR cause = "
		"'slash/reserve') - "
		"(SELECT count(*) FROM slash s JOIN ledger_transfer t USING (transfer_id) JOIN journal_entry j ON "
		"j.leaf_hash = s.evidence)"},
	{"what an epoch says it minted is what left the mint in its name",
		"SELECT count(*) FROM epoch e WHERE e.minted <> (SELECT coalesce(sum(t.amount), 0) FROM "
		"ledger_transfer t JOIN "
		"ledger_account d ON d.account_id = t.debit_account WHERE d.kind = 0 AND t.step < 2 AND t.epoch = "
		"e.epoch)"},
	{"an accepted item mints at most its ceiling, and seats beside it",
		"SELECT count(*) FROM epoch e WHERE (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfer t JOIN "
		"ledger_account "
		"d ON d.account_id = t.debit_account WHERE d.kind = 0 AND t.step < 2 AND t.epoch = e.epoch AND t.cause "
		"<> "
		"'reward/validator') > (SELECT count(*) FROM verdict v WHERE v.epoch = e.epoch AND v.class > 0) * "
		"1500000000"},
	{"pay is for points, posted whole, and never twice",
		"SELECT count(*) FROM validator_pay p LEFT JOIN ledger_transfer e ON e.pending_id = p.transfer_id "
		"WHERE p.points "
		"<= 0 OR p.posted <> (e.transfer_id IS NOT NULL) OR e.amount <> p.amount OR e.step <> 2"},
	{"nobody is both paid and slashed by one campaign's close",
		"SELECT count(*) FROM validator_pay p JOIN slash s ON s.voter = p.voter AND s.epoch = p.epoch AND "
		"s.campaign = "
		"p.campaign WHERE s.points < 0"},
	{"claims are what rewards made free",
		"SELECT coalesce(sum(abs(c.cumulative - (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfer t JOIN "
		"ledger_account a ON a.account_id = t.credit_account WHERE a.owner = c.account AND a.kind = 1 AND "
		"t.step IN (0, "
		"2) AND t.cause LIKE 'reward/%'))), 0) FROM claims_total c"},
	{"vesting accounts hold what is granted and not released",
		"SELECT coalesce(sum(abs((a.credits_posted - a.debits_posted) - (SELECT coalesce(sum(g.amount), 0) "
		"FROM "
		"vesting_grant g WHERE g.owner = a.owner) + (SELECT coalesce(sum(t.amount), 0) FROM ledger_transfer t "
		"WHERE "
		"t.debit_account = a.account_id))), 0) FROM ledger_account a WHERE a.kind = 4"},
	{"a reward may be taken back while an item of its close and campaign is not final, and no longer",
		"SELECT count(*) FROM vesting_grant g JOIN ledger_transfer t ON t.transfer_id = g.grant_id WHERE "
		"g.revocable <> EXISTS (SELECT FROM item i WHERE i.state = 5 AND i.contributor = g.owner AND "
		"i.settled_epoch = t.epoch AND sha256(convert_to(i.campaign, 'UTF8')) = t.subject)"},
	{"the reserve has its share of the mint and of slashes, nothing else",
		"SELECT coalesce(sum(credits_posted), 0) - (SELECT coalesce(sum(amount), 0) FROM ledger_transfer WHERE "
		"cause = "
		"'mint/reserve' OR cause LIKE 'slash/%reserve') FROM ledger_account WHERE kind = 7"},
};
/* When all has come to its end. */
static const struct {
	const char *says, *sql;
} finally[] = {
	{"nothing is pending", "SELECT sum(debits_pending + credits_pending) FROM ledger_account"},
	{"every bond ended", "SELECT count(*) FROM seat WHERE bond IS NOT NULL AND NOT bond_ended"},
	{"all pay is posted", "SELECT count(*) FROM validator_pay WHERE NOT posted"},
	{"no score is carried",
		"SELECT count(*) FROM campaign_validator WHERE carried_scored <> 0 OR carried_points <> 0"},
	{"every item is final", "SELECT count(*) FROM item WHERE state NOT IN (6, 7, 8)"},
	{"no reward can be taken back any more", "SELECT count(*) FROM vesting_grant WHERE revocable"},
	{"everything has vested",
		"SELECT count(*) FROM ledger_account WHERE kind = 4 AND credits_posted <> debits_posted"},
};

static bool money_holds(bool ended, uint64_t seed)
{
	bool holds = true;
	for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
		holds = check_int(number_of(always[i].sql), 0, always[i].says, __FILE__, __LINE__) && holds;
	for (size_t i = 0; ended && i < sizeof finally / sizeof finally[0]; i++)
		holds = check_int(number_of(finally[i].sql), 0, finally[i].says, __FILE__, __LINE__) && holds;
	if (!holds)
		printf("  network of seed %" PRIu64 "\n", seed);
	return holds;
}

/* ---- making one ---- */

static int text_add(char *text, int used, const char *format, ...) __attribute__((format(printf, 3, 4)));
static int text_add(char *text, int used, const char *format, ...)
{
	va_list list;
	va_start(list, format);
	int more = vsnprintf(text + used, (size_t)(DOCUMENT_MAX - used), format, list);
	va_end(list);
	return used + more;
}

/* K from 2 to 16, of which at least one rejects and one keeps; one, three or more seats; paid by deposit, mint,
 * emission or not at all. */
static void document_draw(int number, char *out)
{
	int classes = 2 + (int)below(15), seats = 1 + (int)below(6), used = 0;
	bool drawn = below(3) == 0;
	used = text_add(out, used, "{\"name\":\"c%d\",\"question\":\"?\",\"choices\":[", number);
	for (int a = 0; a < classes; a++)
		used = text_add(
			out, used, "%s{\"name\":\"x%d\",\"verdict\":\"%s\"}", a ? "," : "", a, a ? "keep" : "reject");
	used = text_add(out, used,
		"],\"panel\":{\"mode\":\"%s\",\"seats\":%d,\"escalate\":%d,\"commit_ms\":%d,\"reveal_ms\":%d,\"lease_"
		"ms\":%d,"
		"\"audit\":\"%s\",\"audit_seats\":%d},",
		drawn ? "drawn" : "open", seats, (int)below(3) ? 1 + (int)below(3) : 0, 600000 * (1 + (int)below(12)),
		600000 * (1 + (int)below(12)), 600000, below(2) ? "open" : "curators", 1 + (int)below(3));
	used = text_add(out, used, "\"budget\":{\"seat_pay\":\"%d\",\"source\":\"%s\"},\"probation\":%s,",
		(int)below(3) * 1000003, below(2) ? "prepaid" : "minted", below(2) ? "true" : "false");
	text_add(
		out, used, "\"challenge_ms\":%d,\"vesting_ms\":%d}", (int)below(3) * 5000000, (int)below(3) * 40000000);
}

static bool deposit(const char *campaign, int64_t units)
{
	struct sha256 owner;
	struct transfer transfer = {.credit.kind = LEDGER_BUDGET, .amount = units, .cause = "genesis", .epoch = -1};
	enum transfer_result result;
	struct wn_error err = {0};
	struct village *village = &network.village;
	sha256_of(campaign, strlen(campaign), &owner);
	memcpy(transfer.credit.owner, owner.bytes, ID_BYTES);
	transfer_id_of(&transfer.id, "genesis", owner.bytes, NULL, 0);
	bool done = db_begin(village->owner, &err) &&
		    ledger_store_post(village->owner, &village->arena, &transfer, 1, 0, &result, &err) &&
		    db_commit(village->owner, &err);
	return check_true(done, err.text, __FILE__, __LINE__);
}

static bool network_open(uint64_t seed)
{
	static char document[DOCUMENT_MAX];
	memset(&network, 0, sizeof network);
	network.random = seed;
	for (int c = 0; c < CAMPAIGNS; c++) {
		document_draw(c, document);
		if (!(c == 0 ? village_open(&network.village, document, VOTERS, 3)
			     : village_campaign(&network.village, document)))
			return false;
		/* The document's texts point into what was parsed, which lives as long as the village. */
		network.names[c] = network.village.campaign;
		network.documents[c] = network.village.document;
		if (network.village.document.prepaid && !deposit(network.names[c], (int64_t)below(40000000)))
			return false;
	}
	return true;
}

static void network_enter(int campaign)
{
	network.village.campaign = network.names[campaign];
	network.village.document = network.documents[campaign];
}

/* ---- living in it ---- */

struct open_round {
	int item, round, state, places;
};

static int open_rounds(struct open_round out[OPEN_MAX])
{
	static const struct sql_statement statement = {"money_open_rounds",
		"SELECT i.source_id::integer, r.round, r.state::integer, r.seats - r.taken FROM round r JOIN item i "
		"USING (item_id) "
		"WHERE r.state IN (0, 1) ORDER BY i.source_id::integer, r.round",
		0};
	struct wn_error err = {0};
	struct db_args args;
	struct db_result *result = NULL;
	db_args_init(&args, &network.village.arena);
	CHECK_OK(db_query(network.village.owner, &statement, &args, &result, &err), err);
	int count = (int)db_rows(result);
	wn_assert(count <= OPEN_MAX);
	for (int i = 0; i < count; i++)
		out[i] = (struct open_round){db_int32(result, (size_t)i, 0), db_int32(result, (size_t)i, 1),
			db_int32(result, (size_t)i, 2), db_int32(result, (size_t)i, 3)};
	db_done(result);
	return count;
}

/* Most of the crowd sees the same; nobody is always right. */
static int says(int item)
{
	int classes = network.village.document.class_count;
	return below(10) < 7 ? item * 7 % classes : (int)below((uint64_t)classes);
}

static void round_seal(const struct open_round *round)
{
	int first = (int)below(VOTERS);
	for (int v = 0, left = round->places; v < VOTERS && left > 0; v++) {
		int voter = (first + v) % VOTERS, choice = says(round->item);
		if (below(4) == 0 || !village_seat(&network.village, voter, round->item, round->round))
			continue;
		left--;
		/* Some take a task and never come back. */
		if (below(8) == 0)
			continue;
		CHECK_INT(village_commit(&network.village, voter, round->item, round->round, 1, choice), BALLOT_OK);
		network.sealed[round->item][round->round][voter] = choice + 1;
	}
}

static void round_unseal(const struct open_round *round)
{
	for (int voter = 0; voter < VOTERS; voter++) {
		int *sealed = &network.sealed[round->item][round->round][voter];
		/* Some never open what they sealed. */
		if (*sealed == 0 || below(9) == 0)
			continue;
		enum ballot_result result =
			village_reveal(&network.village, voter, round->item, round->round, 1, *sealed - 1);
		CHECK(result == BALLOT_OK || result == BALLOT_REVEAL_CLOSED);
		*sealed = 0;
	}
}

static void live(bool busy)
{
	struct open_round rounds[OPEN_MAX];
	int count = open_rounds(rounds);
	for (int r = 0; r < count; r++) {
		network_enter(network.item_campaign[rounds[r].item]);
		if (rounds[r].round >= ROUNDS || (!busy && below(4) == 0))
			continue;
		if (rounds[r].state == 0)
			round_seal(&rounds[r]);
		else
			round_unseal(&rounds[r]);
	}
	village_settle(&network.village);
}

static void network_run(uint64_t seed)
{
	if (!network_open(seed))
		return;
	bool holds = true;
	for (int step = 0; holds && step < STEPS; step++) {
		for (uint64_t more = below(6); more > 0 && network.items < ITEMS; more--, network.items++) {
			int campaign = (int)below(CAMPAIGNS);
			network.item_campaign[network.items] = campaign;
			network_enter(campaign);
			village_item(&network.village, network.items);
			village_novelty(&network.village, network.items, (int)below(8), 10);
		}
		village_settle(&network.village);
		live(false);
		live(true);
		village_advance(&network.village, (int64_t)below(VILLAGE_EPOCH_MS * (below(4) ? 1 : 4)));
		village_settle(&network.village);
		holds = money_holds(false, seed);
	}
	/* Deadlines pass, carried scores settle, what they earned is final and vests. */
	for (int epoch = 0; epoch < 60; epoch++) {
		village_advance(&network.village, VILLAGE_EPOCH_MS);
		village_settle(&network.village);
	}
	money_holds(true, seed);
	village_close(&network.village);
}

TEST(whatever_people_do_money_is_neither_lost_nor_made_nor_counted_twice)
{
	uint64_t seed = test_seed();
	for (int run = 0; run < 2; run++)
		network_run(test_random(&seed));
}

/* Whose scores of one drawn campaign settle while a bond of another one, which gave no score, comes back. */
TEST(a_bond_ends_once_where_drawn_campaigns_settle_at_different_closes)
{
	static const int yes[] = {1, 1, 1, 1, 1};
	struct village *village = &network.village;
#define DRAWN(name, seats)                                                                                             \
	"{\"name\":\"" name "\",\"question\":\"?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},"             \
	"{\"name\":\"yes\",\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"drawn\",\"seats\":" seats                      \
	",\"escalate\":0},\"probation\":false}"
	CHECK_OR_RETURN(village_open(village, DRAWN("scored", "5"), 5, 0));
	village_item(village, 0);
	village_settle(village);
	village_panel(village, 0, 1, 0, yes, 5);
	village_advance(village, VILLAGE_EPOCH_MS);
	village_settle(village);
	CHECK_INT(number_of("SELECT count(*) FROM campaign_validator WHERE carried_scored > 0"), 5);
	/* Carried for so long that the next close settles them. */
	village_sql(village, "UPDATE campaign_validator SET carried_since = -30");
	CHECK_OR_RETURN(village_campaign(village, DRAWN("silent", "1")));
	village_item(village, 1);
	village_settle(village);
	village_panel(village, 1, 1, 0, yes, 1);
	village_advance(village, VILLAGE_EPOCH_MS);
	village_settle(village);
	CHECK_INT(number_of("SELECT count(*) FROM campaign_validator WHERE carried_scored > 0"), 0);
	CHECK_INT(number_of("SELECT count(*) FROM seat WHERE NOT bond_ended"), 0);
	CHECK_INT(number_of("SELECT count(*) FROM ledger_transfer WHERE cause = 'seat/released'"), 6);
	village_close(village);
#undef DRAWN
}

#define LEAVERS                                                                                                        \
	"{\"name\":\"leavers\",\"question\":\"?\",\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},"              \
	"{\"name\":\"yes\",\"verdict\":\"keep\"}],\"panel\":{\"mode\":\"open\",\"seats\":5,\"escalate\":0},"           \
	"\"budget\":{\"seat_pay\":\"1000000\",\"source\":\"minted\"},\"probation\":false}"

/* What is carried of one voter, in a campaign of that name. */
static int64_t carried(int voter, const char *column)
{
	char hex[ID_HEX_ROOM];
	return village_number(&network.village,
		"SELECT coalesce(sum(%s), 0) FROM campaign_validator WHERE voter = decode('%s', 'hex')", column,
		hex_write(hex, network.village.voters[voter].public_key.bytes, ID_BYTES));
}

static int64_t bonds_held(int voter)
{
	char hex[ID_HEX_ROOM];
	return village_number(&network.village,
		"SELECT count(*) FROM seat WHERE bond IS NOT NULL AND NOT bond_ended AND voter = decode('%s', 'hex')",
		hex_write(hex, network.village.voters[voter].public_key.bytes, ID_BYTES));
}

/* Four see what is there, the fifth says the opposite; both answers occur. */
static bool leavers_open(void)
{
	struct village *village = &network.village;
	memset(&network, 0, sizeof network);
	if (!village_open(village, LEAVERS, 5, 0))
		return false;
	for (int item = 0; item < 4; item++) {
		int truth = item % 2, choices[] = {truth, truth, truth, truth, 1 - truth};
		village_item(village, item);
		village_settle(village);
		village_panel(village, item, 1, 0, choices, 5);
	}
	village_advance(village, VILLAGE_EPOCH_MS);
	village_settle(village);
	CHECK_INT(carried(0, "carried_scored"), 4);
	CHECK(carried(0, "carried_points") > 0);
	CHECK_INT(carried(4, "carried_scored"), 4);
	CHECK(carried(4, "carried_points") < 0);
	CHECK_INT(bonds_held(0), 4);
	return true;
}

static void epochs_pass(int epochs)
{
	for (int epoch = 0; epoch < epochs; epoch++) {
		village_advance(&network.village, VILLAGE_EPOCH_MS);
		village_settle(&network.village);
	}
}

TEST(who_unbonds_everything_is_paid_what_was_carried_at_the_next_close)
{
	struct village *village = &network.village;
	CHECK_OR_RETURN(leavers_open());
	village_unstake(village, 0);
	epochs_pass(1);
	CHECK_INT(carried(0, "carried_scored"), 0);
	CHECK_INT(bonds_held(0), 0);
	CHECK_INT(number_of("SELECT count(*) FROM validator_pay WHERE amount > 0"), 1);
	CHECK_INT(number_of("SELECT count(*) FROM journal_entry WHERE convert_from(body, 'UTF8') LIKE "
			    "'%\"unbonded\":true%'"),
		1);
	/* Nobody else's scores moved. */
	CHECK_INT(carried(1, "carried_scored"), 4);
	CHECK_INT(bonds_held(1), 4);
	money_holds(false, 0);
	village_close(village);
}

TEST(who_leaves_with_a_loss_waits_until_somebody_earns_and_is_slashed_then)
{
	struct village *village = &network.village;
	CHECK_OR_RETURN(leavers_open());
	village_unstake(village, 4);
	epochs_pass(2);
	/* Alone its loss would cost nothing; its bonds are held meanwhile. */
	CHECK_INT(carried(4, "carried_scored"), 4);
	CHECK_INT(bonds_held(4), 4);
	CHECK_INT(number_of("SELECT count(*) FROM slash"), 0);
	village_unstake(village, 0);
	epochs_pass(1);
	CHECK_INT(carried(0, "carried_scored"), 0);
	CHECK_INT(carried(4, "carried_scored"), 0);
	CHECK_INT(bonds_held(4), 0);
	CHECK_INT(number_of("SELECT count(*) FROM slash WHERE points < 0"), 1);
	money_holds(false, 0);
	village_close(village);
}

TEST(who_deposits_again_before_the_epoch_ends_has_left_nothing)
{
	struct village *village = &network.village;
	CHECK_OR_RETURN(leavers_open());
	/* What is free comes from what was unbonded before. */
	village_unstake(village, 0);
	village_sql(village, "UPDATE unbonding SET due_ms = 0");
	struct ledger_ref ref = {.kind = LEDGER_UNBONDING};
	memcpy(ref.owner, village->voters[0].public_key.bytes, ID_BYTES);
	struct transfer freed = {.amount = 10, .cause = "unbonded", .epoch = -1, .debit = ref, .credit = ref};
	struct wn_error err = {0};
	enum transfer_result result;
	freed.credit.kind = LEDGER_FREE;
	transfer_id_of(&freed.id, "unbonded", ref.owner, NULL, 0);
	CHECK_OK(db_begin(village->owner, &err) &&
			 ledger_store_post(village->owner, &village->arena, &freed, 1, 0, &result, &err) &&
			 db_commit(village->owner, &err),
		err);
	village_stake(village, 0, 10);
	epochs_pass(1);
	CHECK_INT(carried(0, "carried_scored"), 4);
	/* Out again, and back only in the epoch that follows: at the end of the one before it had left. */
	village_unstake(village, 0);
	epochs_pass(1);
	CHECK_INT(carried(0, "carried_scored"), 0);
	village_close(village);
}
#undef LEAVERS
