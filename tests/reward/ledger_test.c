/* The ledger's rules: each refusal, and mechanism.md 7's invariants under long random histories. */
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

#include "reward/ledger.h"
#include "reward/ledger_store.h"

SUITE("ledger")

static struct transfer transfer_of(uint8_t id, enum transfer_step step, int64_t amount)
{
	struct transfer transfer = {.step = step, .amount = amount, .cause = "test", .epoch = -1};
	transfer.id.bytes[0] = id;
	transfer.debit.kind = LEDGER_FREE;
	transfer.credit.kind = LEDGER_STAKE;
	return transfer;
}

static struct transfer ending_of(uint8_t id, enum transfer_step step, int64_t amount, const struct transfer *pending)
{
	struct transfer transfer = transfer_of(id, step, amount);
	transfer.pending_id = pending->id;
	return transfer;
}

static const struct ledger_past nothing;

static bool balance_is(const struct ledger_balance *balance, int64_t debits, int64_t credits, int64_t debits_pending,
	int64_t credits_pending)
{
	return balance->debits_posted == debits && balance->credits_posted == credits &&
	       balance->debits_pending == debits_pending && balance->credits_pending == credits_pending;
}

TEST(a_single_transfer_moves_what_is_there_and_no_unit_more)
{
	struct ledger_balance debit = {.credits_posted = 10}, credit = {0};
	struct transfer all = transfer_of(1, TRANSFER_SINGLE, 10), one = transfer_of(2, TRANSFER_SINGLE, 1);
	CHECK_INT(ledger_apply(&all, &nothing, &debit, &credit), TRANSFER_DONE);
	CHECK(balance_is(&debit, 10, 10, 0, 0));
	CHECK(balance_is(&credit, 0, 10, 0, 0));
	CHECK_INT(ledger_apply(&one, &nothing, &debit, &credit), TRANSFER_OVERDRAWN);
	CHECK(balance_is(&debit, 10, 10, 0, 0));
	CHECK(balance_is(&credit, 0, 10, 0, 0));
	one.amount = 0;
	CHECK_INT(ledger_apply(&one, &nothing, &debit, &credit), TRANSFER_DONE);
}

TEST(what_is_pending_cannot_be_spent_twice_and_comes_back_when_voided)
{
	struct ledger_balance debit = {.credits_posted = 10}, credit = {0};
	struct transfer bond = transfer_of(1, TRANSFER_PENDING, 7), more = transfer_of(2, TRANSFER_SINGLE, 4);
	struct transfer give_back = ending_of(3, TRANSFER_VOID, 123, &bond);
	struct ledger_past past = {.pending = &bond};
	CHECK_INT(ledger_apply(&bond, &nothing, &debit, &credit), TRANSFER_DONE);
	CHECK_INT(ledger_available(&debit), 3);
	CHECK_INT(ledger_available(&credit), 0);
	CHECK_INT(ledger_apply(&more, &nothing, &debit, &credit), TRANSFER_OVERDRAWN);
	CHECK_INT(ledger_apply(&give_back, &past, &debit, &credit), TRANSFER_DONE);
	CHECK(balance_is(&debit, 0, 10, 0, 0));
	CHECK(balance_is(&credit, 0, 0, 0, 0));
	past.pending_ended = true;
	give_back.id.bytes[0] = 4;
	CHECK_INT(ledger_apply(&give_back, &past, &debit, &credit), TRANSFER_ENDED);
	give_back.step = TRANSFER_EXPIRE;
	CHECK_INT(ledger_apply(&give_back, &past, &debit, &credit), TRANSFER_ENDED);
	give_back.step = TRANSFER_POST;
	CHECK_INT(ledger_apply(&give_back, &past, &debit, &credit), TRANSFER_ENDED);
}

TEST(a_post_takes_its_part_and_gives_the_rest_back)
{
	struct ledger_balance debit = {.credits_posted = 10}, credit = {0};
	struct transfer bond = transfer_of(1, TRANSFER_PENDING, 7);
	struct transfer above = ending_of(2, TRANSFER_POST, 8, &bond), part = ending_of(3, TRANSFER_POST, 2, &bond);
	struct ledger_past past = {.pending = &bond};
	CHECK_INT(ledger_apply(&bond, &nothing, &debit, &credit), TRANSFER_DONE);
	CHECK_INT(ledger_apply(&above, &past, &debit, &credit), TRANSFER_TOO_MUCH);
	CHECK(balance_is(&debit, 0, 10, 7, 0));
	CHECK_INT(ledger_apply(&part, &past, &debit, &credit), TRANSFER_DONE);
	CHECK(balance_is(&debit, 2, 10, 0, 0));
	CHECK(balance_is(&credit, 0, 2, 0, 0));
}

TEST(an_ending_needs_a_pending_transfer_between_its_accounts)
{
	struct ledger_balance debit = {.credits_posted = 10, .debits_pending = 5}, credit = {.credits_pending = 5};
	struct transfer single = transfer_of(1, TRANSFER_SINGLE, 5), pending = transfer_of(2, TRANSFER_PENDING, 5);
	struct transfer post = ending_of(3, TRANSFER_POST, 5, &pending);
	CHECK_INT(ledger_apply(&post, &nothing, &debit, &credit), TRANSFER_NO_PENDING);
	struct ledger_past past = {.pending = &single};
	CHECK_INT(ledger_apply(&post, &past, &debit, &credit), TRANSFER_NO_PENDING);
	past.pending = &pending;
	post.credit.kind = LEDGER_BOND;
	CHECK_INT(ledger_apply(&post, &past, &debit, &credit), TRANSFER_NO_PENDING);
	post.credit.kind = LEDGER_STAKE;
	post.debit.owner[31] = 1;
	CHECK_INT(ledger_apply(&post, &past, &debit, &credit), TRANSFER_NO_PENDING);
	CHECK(balance_is(&debit, 0, 10, 5, 0));
	CHECK(balance_is(&credit, 0, 0, 0, 5));
	post.debit.owner[31] = 0;
	CHECK_INT(ledger_apply(&post, &past, &debit, &credit), TRANSFER_DONE);
}

TEST(the_same_id_again_is_a_repeat_only_when_nothing_differs)
{
	struct ledger_balance debit = {.credits_posted = 10}, credit = {0}, before = debit;
	struct transfer stored = transfer_of(1, TRANSFER_SINGLE, 3), again = stored;
	struct ledger_past past = {.same = &stored};
	CHECK_INT(ledger_apply(&again, &past, &debit, &credit), TRANSFER_REPEATED);
	again.pending_id.bytes[0] = 9; /* says nothing in a single transfer */
	CHECK_INT(ledger_apply(&again, &past, &debit, &credit), TRANSFER_REPEATED);
	struct transfer other[8];
	for (int i = 0; i < 8; i++)
		other[i] = stored;
	other[0].amount = 4;
	other[1].step = TRANSFER_PENDING;
	other[2].debit.owner[0] = 1;
	other[3].credit.kind = LEDGER_BOND;
	other[4].cause = "tests";
	other[5].subject[31] = 1;
	other[6].epoch = 0;
	other[7].amount = -1;
	for (int i = 0; i < 8; i++)
		CHECK_INT(ledger_apply(&other[i], &past, &debit, &credit), TRANSFER_DIFFERS);
	CHECK_BYTES(&debit, sizeof debit, &before, sizeof before);
	/* The amount of a void is ignored, so it makes no difference. */
	struct transfer pending = transfer_of(2, TRANSFER_PENDING, 3), end = ending_of(3, TRANSFER_VOID, 0, &pending),
			repeated = end;
	repeated.amount = 77;
	past.same = &end;
	CHECK_INT(ledger_apply(&repeated, &past, &debit, &credit), TRANSFER_REPEATED);
	repeated.pending_id.bytes[5] = 1;
	CHECK_INT(ledger_apply(&repeated, &past, &debit, &credit), TRANSFER_DIFFERS);
}

TEST(a_negative_amount_or_one_account_on_both_sides_is_refused)
{
	struct ledger_balance debit = {.credits_posted = 10}, credit = {0};
	struct transfer transfer = transfer_of(1, TRANSFER_SINGLE, -1);
	CHECK_INT(ledger_apply(&transfer, &nothing, &debit, &credit), TRANSFER_BAD_AMOUNT);
	transfer.amount = INT64_MIN;
	transfer.credit = transfer.debit;
	CHECK_INT(ledger_apply(&transfer, &nothing, &debit, &debit), TRANSFER_BAD_AMOUNT);
	transfer.amount = 1;
	CHECK_INT(ledger_apply(&transfer, &nothing, &debit, &debit), TRANSFER_SAME_ACCOUNT);
	CHECK(balance_is(&debit, 0, 10, 0, 0));
	/* The same kind of two owners is two accounts. */
	transfer.credit.owner[0] = 1;
	CHECK_INT(ledger_apply(&transfer, &nothing, &debit, &credit), TRANSFER_DONE);
}

TEST(the_mint_alone_goes_below_zero_and_no_sum_wraps)
{
	struct ledger_balance mint = {0}, free = {0};
	struct transfer mints = transfer_of(1, TRANSFER_SINGLE, INT64_MAX - 5);
	mints.debit.kind = LEDGER_MINT;
	CHECK_INT(ledger_apply(&mints, &nothing, &mint, &free), TRANSFER_DONE);
	CHECK_INT(ledger_available(&mint), -(INT64_MAX - 5));
	mints.amount = 6;
	CHECK_INT(ledger_apply(&mints, &nothing, &mint, &free), TRANSFER_OVERFLOW);
	mints.step = TRANSFER_PENDING;
	CHECK_INT(ledger_apply(&mints, &nothing, &mint, &free), TRANSFER_OVERFLOW);
	mints.amount = 5;
	CHECK_INT(ledger_apply(&mints, &nothing, &mint, &free), TRANSFER_DONE);
	CHECK_INT(ledger_available(&mint), -INT64_MAX);
	mints.amount = 1;
	CHECK_INT(ledger_apply(&mints, &nothing, &mint, &free), TRANSFER_OVERFLOW);
	struct ledger_past past = {.pending = &mints};
	mints.amount = 5;
	struct transfer post = ending_of(2, TRANSFER_POST, 5, &mints);
	post.debit.kind = LEDGER_MINT;
	CHECK_INT(ledger_apply(&post, &past, &mint, &free), TRANSFER_DONE);
	CHECK(balance_is(&free, 0, INT64_MAX, 0, 0));
	/* The credit side is bounded too: an account that has seen all it can see takes no more. */
	struct ledger_balance rich = {.credits_posted = 100};
	struct transfer gift = transfer_of(3, TRANSFER_SINGLE, 1);
	CHECK_INT(ledger_apply(&gift, &nothing, &rich, &free), TRANSFER_OVERFLOW);
	CHECK(balance_is(&rich, 0, 100, 0, 0));
}

TEST(what_is_promised_to_an_account_always_fits_when_it_is_posted)
{
	/* The credit side has promises up to the top: one unit more would wrap when they are posted. */
	struct ledger_balance rich = {.credits_posted = 100},
			      full = {.credits_posted = 10, .credits_pending = INT64_MAX - 15};
	struct transfer gift = transfer_of(1, TRANSFER_SINGLE, 6);
	CHECK_INT(ledger_apply(&gift, &nothing, &rich, &full), TRANSFER_OVERFLOW);
	gift.step = TRANSFER_PENDING;
	CHECK_INT(ledger_apply(&gift, &nothing, &rich, &full), TRANSFER_OVERFLOW);
	gift.amount = 5;
	CHECK_INT(ledger_apply(&gift, &nothing, &rich, &full), TRANSFER_DONE);
	CHECK(balance_is(&full, 0, 10, 0, INT64_MAX - 10));
}

TEST(refusals_are_told_in_the_order_of_their_list)
{
	/* Each is wrong in everything that comes behind it in the list, too. */
	struct ledger_balance debit = {.credits_posted = 1}, credit = {.credits_posted = INT64_MAX};
	struct transfer stored = transfer_of(1, TRANSFER_SINGLE, 5), wrong = transfer_of(1, TRANSFER_POST, -5),
			pending = transfer_of(2, TRANSFER_PENDING, 5);
	struct ledger_past past = {.same = &stored, .pending = &pending, .pending_ended = true};
	wrong.credit = wrong.debit;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &debit), TRANSFER_DIFFERS);
	past.same = NULL;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &debit), TRANSFER_BAD_AMOUNT);
	wrong.amount = 6;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &debit), TRANSFER_SAME_ACCOUNT);
	wrong.credit.kind = LEDGER_STAKE;
	past.pending = NULL;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &credit), TRANSFER_NO_PENDING);
	past.pending = &pending;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &credit), TRANSFER_ENDED);
	past.pending_ended = false;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &credit), TRANSFER_TOO_MUCH);
	wrong.step = TRANSFER_SINGLE;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &credit), TRANSFER_OVERDRAWN);
	wrong.amount = 1;
	CHECK_INT(ledger_apply(&wrong, &past, &debit, &credit), TRANSFER_OVERFLOW);
}

TEST(every_kind_step_and_result_has_a_word_of_its_own)
{
	for (int i = 0; i < LEDGER_KINDS; i++)
		for (int j = 0; j < i; j++)
			CHECK(strcmp(ledger_kind_name((enum ledger_kind)i), ledger_kind_name((enum ledger_kind)j)) !=
				0);
	for (int i = 0; i < TRANSFER_STEPS; i++)
		for (int j = 0; j < i; j++)
			CHECK(strcmp(transfer_step_name((enum transfer_step)i),
				      transfer_step_name((enum transfer_step)j)) != 0);
	for (int i = 0; i < TRANSFER_RESULTS; i++)
		for (int j = 0; j < i; j++)
			CHECK(strcmp(transfer_result_name((enum transfer_result)i),
				      transfer_result_name((enum transfer_result)j)) != 0);
}

TEST(a_natural_id_hashes_tag_cause_parts_and_number)
{
	/* SHA-256("winnow/transfer/v1" 00 "seat" 00 | 32 x 11 | 32 x 22 | 03 00..), by another implementation. */
	struct transfer_id id, other;
	uint8_t a[32], b[32], zeros[32] = {0};
	memset(a, 0x11, sizeof a);
	memset(b, 0x22, sizeof b);
	transfer_id_of(&id, "seat", a, b, 3);
	CHECK_HEX(id.bytes, 32, "1395a70ff7ec9024f77c6c3d34dd9d32121e18c8667be81046177aa91ed174a9");
	transfer_id_of(&id, "genesis", NULL, NULL, 0);
	CHECK_HEX(id.bytes, 32, "16219c541a106a9d0cfc78c65e82997164fa6c0d534d58cb9675d8142c9b04b6");
	transfer_id_of(&other, "genesis", zeros, zeros, 0);
	CHECK_BYTES(id.bytes, 32, other.bytes, 32);
	transfer_id_of(&other, "genesis", zeros, zeros, 1);
	CHECK(memcmp(id.bytes, other.bytes, 32) != 0);
}

/* ---- long random histories ---- */

enum {
	WORLD_OWNERS = 7,
	WORLD_KINDS = 4,
	WORLD_ACCOUNTS = WORLD_OWNERS * WORLD_KINDS,
	WORLD_OPERATIONS = 200000,
	WORLD_PLACES = 1 << 19
};
#define WORLD_CAP 1000000000000000000LL

/* Accounts, and a second book of every transfer that was done: what the sums must be is added up from it. */
struct world {
	struct ledger_ref refs[WORLD_ACCOUNTS];
	struct ledger_balance balances[WORLD_ACCOUNTS];
	__int128 spent[WORLD_ACCOUNTS]; /* signed balance by the book: posted less what is locked */
	struct world_row {
		struct transfer transfer;
		int debit, credit;
		bool ended;
	} * rows;
	size_t row_count;
	uint32_t *index; /* by transfer id: row + 1 */
	uint64_t state;
	int seen[TRANSFER_RESULTS];
};

static const enum ledger_kind world_kinds[WORLD_KINDS] = {LEDGER_FREE, LEDGER_STAKE, LEDGER_BOND, LEDGER_VESTING};

static void world_begin(struct world *world, uint64_t seed)
{
	memset(world, 0, sizeof *world);
	world->state = seed;
	world->rows = calloc(WORLD_OPERATIONS, sizeof *world->rows);
	world->index = calloc(WORLD_PLACES, sizeof *world->index);
	for (int i = 0; i < WORLD_ACCOUNTS; i++) {
		world->refs[i].owner[0] = (uint8_t)(i / WORLD_KINDS);
		world->refs[i].kind = world_kinds[i % WORLD_KINDS];
	}
	world->refs[0].kind = LEDGER_MINT;
}

static int64_t world_amount(struct world *world, int debit)
{
	int64_t available = ledger_available(&world->balances[debit]);
	switch (test_random(&world->state) % 8) {
	case 0:
		return (int64_t)(test_random(&world->state) >> 1); /* mostly more than there is */
	case 1:
		return available > 0 ? available : 0; /* to the last unit */
	case 2:
		return available > 0 && available < INT64_MAX ? available + 1 : 1; /* one unit too much */
	case 3:
		return -(int64_t)(test_random(&world->state) % 100);
	case 4:
		return 0;
	default:
		return (int64_t)(test_random(&world->state) %
				 (uint64_t)(debit == 0 ? WORLD_CAP / 1000 : 1 + (available > 0 ? available : 0)));
	}
}

/* Mostly something new; sometimes what was done before, whole or changed in one place. */
static void world_draw(struct world *world, struct world_row *row, int number)
{
	uint64_t what = test_random(&world->state);
	memset(row, 0, sizeof *row);
	if (world->row_count > 0 && what % 10 == 0) {
		*row = world->rows[test_random(&world->state) % world->row_count];
		row->ended = false;
		if (what / 10 % 2)
			row->transfer.epoch++;
		return;
	}
	row->debit = (int)(test_random(&world->state) % WORLD_ACCOUNTS);
	row->credit = (int)(test_random(&world->state) % WORLD_ACCOUNTS);
	if (what / 10 % 5 == 0)
		row->debit = 0;
	struct transfer *transfer = &row->transfer;
	transfer->cause = "random";
	transfer->epoch = -1;
	transfer->step = (enum transfer_step)(what / 50 % TRANSFER_STEPS);
	transfer_id_of(&transfer->id, "random", NULL, NULL, (uint64_t)number);
	transfer->amount = world_amount(world, row->debit);
	if (transfer->step >= TRANSFER_POST && world->row_count > 0) {
		/* Late rows are still pending more often than early ones. */
		size_t back = test_random(&world->state) % (world->row_count < 40 ? world->row_count : 40);
		const struct world_row *ends = &world->rows[world->row_count - 1 - back];
		transfer->pending_id = ends->transfer.id;
		if (what / 1000 % 20) {
			row->debit = ends->debit;
			row->credit = ends->credit;
		}
		if (what / 20000 % 3 && ends->transfer.amount > 0)
			transfer->amount =
				(int64_t)(test_random(&world->state) % ((uint64_t)ends->transfer.amount + 1));
	}
	transfer->debit = world->refs[row->debit];
	transfer->credit = world->refs[row->credit];
}

static uint32_t *world_place(struct world *world, const struct transfer_id *id)
{
	uint32_t at;
	memcpy(&at, id->bytes, sizeof at);
	for (at %= WORLD_PLACES; world->index[at]; at = (at + 1) % WORLD_PLACES)
		if (memcmp(world->rows[world->index[at] - 1].transfer.id.bytes, id->bytes, sizeof id->bytes) == 0)
			break;
	return &world->index[at];
}

static struct world_row *world_find(struct world *world, const struct transfer_id *id)
{
	uint32_t place = *world_place(world, id);
	return place ? &world->rows[place - 1] : NULL;
}

/* The book's view of a transfer that was done. */
static void world_book(struct world *world, const struct world_row *row, struct world_row *pending)
{
	switch (row->transfer.step) {
	case TRANSFER_SINGLE:
		world->spent[row->debit] -= row->transfer.amount;
		world->spent[row->credit] += row->transfer.amount;
		break;
	case TRANSFER_PENDING:
		world->spent[row->debit] -= row->transfer.amount;
		break;
	default:
		pending->ended = true;
		world->spent[row->debit] += pending->transfer.amount - transfer_recorded(&row->transfer);
		world->spent[row->credit] += transfer_recorded(&row->transfer);
	}
}

/* Invariants 1, 2 and 3 after every row. */
static bool world_holds(const struct world *world)
{
	__int128 debits = 0, credits = 0, debits_pending = 0, credits_pending = 0, balances = 0;
	for (int i = 0; i < WORLD_ACCOUNTS; i++) {
		const struct ledger_balance *balance = &world->balances[i];
		debits += balance->debits_posted;
		credits += balance->credits_posted;
		debits_pending += balance->debits_pending;
		credits_pending += balance->credits_pending;
		if (world->refs[i].kind != LEDGER_MINT) {
			balances += balance->credits_posted - balance->debits_posted;
			if (ledger_available(balance) < 0)
				return false;
		}
		if (balance->debits_posted < 0 || balance->credits_posted < 0 || balance->debits_pending < 0 ||
			balance->credits_pending < 0)
			return false;
		if (world->spent[i] != ledger_available(balance))
			return false;
	}
	/* U and all balances make the cap: what was minted, less what was burned, is what the others hold. */
	__int128 supply = (__int128)world->balances[0].debits_posted - world->balances[0].credits_posted;
	return debits == credits && debits_pending == credits_pending && balances == supply;
}

static bool world_step(struct world *world, int number)
{
	struct world_row row;
	world_draw(world, &row, number);
	struct world_row *same = world_find(world, &row.transfer.id), *pending = NULL;
	struct ledger_past past = {.same = same ? &same->transfer : NULL};
	if (row.transfer.step >= TRANSFER_POST) {
		pending = world_find(world, &row.transfer.pending_id);
		past.pending = pending ? &pending->transfer : NULL;
		past.pending_ended = pending && pending->ended;
	}
	struct ledger_balance debit = world->balances[row.debit], credit = world->balances[row.credit];
	enum transfer_result result =
		ledger_apply(&row.transfer, &past, &world->balances[row.debit], &world->balances[row.credit]);
	world->seen[result]++;
	if (result == TRANSFER_DONE) {
		world_book(world, &row, pending);
		*world_place(world, &row.transfer.id) = (uint32_t)world->row_count + 1;
		world->rows[world->row_count++] = row;
		return world_holds(world);
	}
	/* A refused or repeated one leaves every sum as it was. */
	return memcmp(&debit, &world->balances[row.debit], sizeof debit) == 0 &&
	       memcmp(&credit, &world->balances[row.credit], sizeof credit) == 0 &&
	       (result != TRANSFER_REPEATED || same) && (result != TRANSFER_DIFFERS || same);
}

TEST(no_history_of_transfers_breaks_a_sum_or_overdraws_an_account)
{
	static struct world world;
	uint64_t seed = test_seed();
	world_begin(&world, seed);
	CHECK_OR_RETURN(world.rows != NULL);
	CHECK_OR_RETURN(world.index != NULL);
	int broken = -1;
	for (int i = 0; i < WORLD_OPERATIONS && broken < 0; i++)
		if (!world_step(&world, i))
			broken = i;
	CHECK_INT(broken, -1);
	/* The history was worth its while: every way to end was met often. */
	for (int i = 0; i < TRANSFER_RESULTS; i++)
		if (!CHECK(world.seen[i] > (i == TRANSFER_OVERFLOW ? 0 : 500)))
			check_text(transfer_result_name((enum transfer_result)i), "", "met too seldom", __FILE__,
				__LINE__);
	/* Invariant 4: each pending transfer ends at most once, and ending all that are left frees everything that is
	 * locked. */
	for (size_t i = world.row_count; i-- > 0;) {
		struct world_row *row = &world.rows[i];
		if (row->transfer.step != TRANSFER_PENDING || row->ended)
			continue;
		struct transfer expire = row->transfer;
		struct ledger_past past = {.pending = &row->transfer};
		expire.step = TRANSFER_EXPIRE;
		expire.pending_id = row->transfer.id;
		transfer_id_of(&expire.id, "expire", row->transfer.id.bytes, NULL, 0);
		if (ledger_apply(&expire, &past, &world.balances[row->debit], &world.balances[row->credit]) !=
			TRANSFER_DONE) {
			CHECK(false);
			break;
		}
	}
	for (int i = 0; i < WORLD_ACCOUNTS; i++) {
		CHECK_INT(world.balances[i].debits_pending, 0);
		CHECK_INT(world.balances[i].credits_pending, 0);
	}
	free(world.rows);
	free(world.index);
}
