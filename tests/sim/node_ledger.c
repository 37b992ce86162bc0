/* Transfers of the simulated node: what is looked up, asked of ledger_apply(), stored and counted. */
#include <string.h>

#include "core/error.h"
#include "reward/ledger_store.h"
#include "tests/sim/model.h"
#include "tests/sim/node.h"
#include "tests/sim/oracle.h"

/* Causes as numbers, so that rows hold no pointers. */
static const char *const causes[] = {"genesis", "stake", "unstake", "seat", "seat/left", "seat/released",
	"seat/slashed", "slash/burned", "slash/reserve", "slash/unopened/burned", "slash/unopened/reserve",
	"reward/validator", "reward/validator/final", "reward/contributor", "reward/curator", "mint/reserve",
	"mint/treasury", "reward/vested", "overturned", "fund", "unbonded"};
enum { CAUSES = sizeof causes / sizeof causes[0] };

static int32_t cause_number(const char *cause)
{
	for (int32_t i = 0; i < CAUSES; i++)
		if (strcmp(causes[i], cause) == 0)
			return i;
	wn_assert(!"a cause that the simulation does not know");
	return 0;
}

const void *node_owner(const struct node *node, int owner)
{
	static const uint8_t nobody[32];
	static uint8_t campaigns[SIM_CAMPAIGNS][32];
	if (owner == OWNER_NETWORK)
		return nobody;
	if (owner < SIM_ACTORS_MAX)
		return node->plan->actor[owner].key.bytes;
	uint8_t *subject = campaigns[owner - OWNER_CAMPAIGN];
	memset(subject, 0xc0 + owner, 32);
	return subject;
}

static void transfer_fill(const struct node *node, const struct world_transfer *row, struct transfer *out)
{
	*out = (struct transfer){.id = row->id,
		.step = (enum transfer_step)row->step,
		.debit.kind = (enum ledger_kind)row->debit_kind,
		.credit.kind = (enum ledger_kind)row->credit_kind,
		.amount = row->amount,
		.pending_id = row->pending_id,
		.cause = causes[row->cause],
		.epoch = row->epoch};
	memcpy(out->debit.owner, node_owner(node, row->debit_owner), 32);
	memcpy(out->credit.owner, node_owner(node, row->credit_owner), 32);
	memcpy(out->subject, row->subject, 32);
}

static void transfer_store(
	struct node *node, const struct node_move *move, const struct transfer *transfer, uint32_t *number)
{
	struct world *world = &node->world;
	uint32_t at;
	struct world_transfer *row = world_add(world, TABLE_TRANSFERS, &at);
	row->id = transfer->id;
	row->pending_id = transfer->pending_id;
	row->step = transfer->step;
	row->debit_owner = move->debit_owner;
	row->debit_kind = move->debit_kind;
	row->credit_owner = move->credit_owner;
	row->credit_kind = move->credit_kind;
	row->cause = cause_number(move->cause);
	row->amount = transfer_recorded(transfer);
	row->epoch = transfer->epoch;
	memcpy(row->subject, transfer->subject, 32);
	world_transfer_index(world, at);
	if (number)
		*number = at;
}

/* What rewards bring into a free account counts for the claims; what leaves and enters the mint is counted, too. */
static void transfer_count(struct node *node, const struct node_move *move, const struct ledger_balance *mint_before,
	const struct ledger_balance *free_before)
{
	struct world_head *head = node->world.head;
	const struct ledger_balance *mint = &head->balances[OWNER_NETWORK][LEDGER_MINT];
	if (mint->debits_posted != mint_before->debits_posted)
		WORLD_SET(&node->world, head->minted, head->minted + mint->debits_posted - mint_before->debits_posted);
	if (mint->credits_posted != mint_before->credits_posted)
		WORLD_SET(
			&node->world, head->burned, head->burned + mint->credits_posted - mint_before->credits_posted);
	if (strncmp(move->cause, "reward/", 7) == 0 && move->credit_kind == LEDGER_FREE) {
		int64_t more =
			head->balances[move->credit_owner][LEDGER_FREE].credits_posted - free_before->credits_posted;
		WORLD_SET(&node->world, head->earned[move->credit_owner], head->earned[move->credit_owner] + more);
	}
}

enum transfer_result node_post(struct node *node, const struct node_move *move, uint32_t *number)
{
	struct world *world = &node->world;
	struct ledger_balance *debit = &world->head->balances[move->debit_owner][move->debit_kind];
	struct ledger_balance *credit = &world->head->balances[move->credit_owner][move->credit_kind];
	struct transfer transfer = {.id = move->id,
		.step = move->step,
		.debit.kind = move->debit_kind,
		.credit.kind = move->credit_kind,
		.amount = move->amount,
		.pending_id = move->pending_id,
		.cause = move->cause,
		.epoch = move->epoch};
	struct transfer same, pending;
	memcpy(transfer.debit.owner, node_owner(node, move->debit_owner), 32);
	memcpy(transfer.credit.owner, node_owner(node, move->credit_owner), 32);
	if (move->subject)
		memcpy(transfer.subject, move->subject, 32);
	struct ledger_past past = {0};
	int64_t same_at = world_transfer_find(world, &move->id), pending_at = SIM_NONE;
	bool ends = move->step != TRANSFER_SINGLE && move->step != TRANSFER_PENDING;
	if (ends)
		pending_at = world_transfer_find(world, &move->pending_id);
	if (same_at >= 0) {
		transfer_fill(node, world_transfer(world, (uint32_t)same_at), &same);
		past.same = &same;
		if (number)
			*number = (uint32_t)same_at;
	}
	if (pending_at >= 0) {
		transfer_fill(node, world_transfer(world, (uint32_t)pending_at), &pending);
		past.pending = &pending;
		past.pending_ended = world_transfer(world, (uint32_t)pending_at)->ended;
	}
	struct ledger_balance debit_after = *debit, credit_after = *credit,
			      mint = world->head->balances[OWNER_NETWORK][LEDGER_MINT];
	struct ledger_balance free_before = world->head->balances[move->credit_owner][LEDGER_FREE];
	bool one = debit == credit;
	enum transfer_result result = ledger_apply(&transfer, &past, &debit_after, one ? &debit_after : &credit_after);
	if (node->checks) {
		struct ledger_balance d = *debit, c = *credit;
		enum transfer_result wanted = model_transfer(&transfer, &past, &d, one ? &d : &c);
		ORACLE(ORACLE_MODEL, result == wanted, "a transfer for %s is %s, the rules say %s", move->cause,
			transfer_result_name(result), transfer_result_name(wanted));
		ORACLE(ORACLE_MODEL,
			memcmp(&d, &debit_after, sizeof d) == 0 && (one || memcmp(&c, &credit_after, sizeof c) == 0),
			"a transfer for %s leaves other balances than the rules say", move->cause);
		oracle_report->transfers[result]++;
	}
	ORACLE(ORACLE_ONCE, result != TRANSFER_DIFFERS, "a transfer for %s has the id of another", move->cause);
	if (result != TRANSFER_DONE)
		return result;
	WORLD_SET(world, *debit, debit_after);
	WORLD_SET(world, *credit, credit_after);
	if (ends)
		WORLD_SET(world, world_transfer(world, (uint32_t)pending_at)->ended, 1);
	transfer_store(node, move, &transfer, number);
	transfer_count(node, move, &mint, &free_before);
	return result;
}

int64_t node_unminted(const struct node *node)
{
	const struct ledger_balance *mint = &node->world.head->balances[OWNER_NETWORK][LEDGER_MINT];
	return node->plan->policy.cap_units - (mint->debits_posted + mint->debits_pending - mint->credits_posted);
}

void node_bond_end(struct node *node, uint32_t number, const char *cause, int64_t slash)
{
	struct world *world = &node->world;
	struct world_seat *seat = world_seat(world, number);
	const struct world_round *round = world_round(world, seat->round);
	const struct world_item *item = world_item(world, round->item);
	struct node_move move = {.cause = cause,
		.step = slash > 0 ? TRANSFER_POST : TRANSFER_VOID,
		.debit_owner = seat->voter,
		.credit_owner = seat->voter,
		.debit_kind = LEDGER_STAKE,
		.credit_kind = LEDGER_BOND,
		.amount = slash,
		.epoch = -1,
		.pending_id = world_transfer(world, seat->bond - 1)->id,
		.subject = item->id.bytes};
	transfer_id_of(&move.id, cause, item->id.bytes, node_owner(node, seat->voter), (uint64_t)round->number);
	enum transfer_result result = node_post(node, &move, NULL);
	wn_assert(result == TRANSFER_DONE);
	WORLD_SET(world, seat->bond_ended, 1);
	uint32_t last = world_list(world, TABLE_BONDED, world_count(world, TABLE_BONDED) - 1);
	uint32_t place = seat->bond_place;
	world_list_drop(world, TABLE_BONDED, place);
	WORLD_SET(world, world_seat(world, last)->bond_place, place);
}
