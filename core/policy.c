/* The policy table: the figures of a new network, read from and written into genesis. */
#include "core/policy.h"

#include <inttypes.h>
#include <string.h>

#define POLICY_TOKEN 1000000000LL
enum { POLICY_PPM = 1000000, POLICY_EPOCH_LEAST_MS = 1000 };
#define POLICY_EPOCH_MOST_MS (31LL * 86400000)
#define POLICY_WAIT_MOST_MS (3660LL * 86400000)

void policy_default(struct policy *out)
{
	*out = (struct policy){
		.cap_units = 1000000000 * POLICY_TOKEN,
		.epoch_ms = 3600000,
		.epoch_votes_max = 4000000,
		.rate = 21734995, /* half of the cap in four years of hourly epochs */
		.shares_ppm = {550000, 300000, 50000, 50000, 50000},
		.seat_bond_floor = POLICY_TOKEN / 10,
		.stake_least = 10 * POLICY_TOKEN,
		.unbonding_ms = 14LL * 86400000,
		.gold_ppm = 80000,
	};
}

/* How one member is written and what it may be; amounts are decimal strings. */
struct policy_member {
	const char *name;
	size_t offset;
	bool amount;
	int64_t least, most;
};

static const struct policy_member policy_members[] = {
	{"cap", offsetof(struct policy, cap_units), true, 1, 1000000000 * POLICY_TOKEN},
	{"epoch_ms", offsetof(struct policy, epoch_ms), false, POLICY_EPOCH_LEAST_MS, POLICY_EPOCH_MOST_MS},
	{"epoch_votes_max", offsetof(struct policy, epoch_votes_max), false, 1, 1000000000},
	/* rate / 2^40 of what is left may leave in one epoch: all of it at most. */
	{"rate", offsetof(struct policy, rate), false, 0, 1LL << 40},
	{"seat_bond_floor", offsetof(struct policy, seat_bond_floor), true, 0, 1000000000 * POLICY_TOKEN},
	{"stake_least", offsetof(struct policy, stake_least), true, 0, 1000000000 * POLICY_TOKEN},
	{"unbonding_ms", offsetof(struct policy, unbonding_ms), false, 0, POLICY_WAIT_MOST_MS},
	{"gold_ppm", offsetof(struct policy, gold_ppm), false, 0, POLICY_PPM},
};
enum { POLICY_MEMBERS = sizeof policy_members / sizeof policy_members[0] };

static int64_t *policy_field(struct policy *policy, const struct policy_member *member)
{
	return (int64_t *)((char *)policy + member->offset);
}

static bool policy_parse_shares(const struct json *value, struct policy *out, struct wn_error *err)
{
	int64_t sum = 0;
	if (value->type != JSON_ARRAY || value->count != SHARE_COUNT)
		return wn_fail(err, WN_INPUT, "policy_shares",
			"shares_ppm lists %d shares: contributors, validators, curators, "
			"reserve, treasury",
			SHARE_COUNT);
	for (int i = 0; i < SHARE_COUNT; i++) {
		if (!json_integer(value->elements[i], &out->shares_ppm[i]) || out->shares_ppm[i] < 0 ||
			out->shares_ppm[i] > POLICY_PPM)
			return wn_fail(err, WN_INPUT, "policy_shares", "shares_ppm[%d] is not between 0 and %d", i,
				POLICY_PPM);
		sum += out->shares_ppm[i];
	}
	if (sum != POLICY_PPM)
		return wn_fail(
			err, WN_INPUT, "policy_shares", "shares_ppm sums to %" PRId64 ", not to %d", sum, POLICY_PPM);
	return true;
}

bool policy_parse(const struct json *value, struct policy *out, struct wn_error *err)
{
	policy_default(out);
	if (!value || value->type != JSON_OBJECT)
		return wn_fail(err, WN_INPUT, "policy_object", "a policy is a JSON object");
	const char *names[POLICY_MEMBERS + 3] = {"asset", "shares_ppm"};
	for (int i = 0; i < POLICY_MEMBERS; i++)
		names[2 + i] = policy_members[i].name;
	struct wn_slice unknown;
	if (!json_only_members(value, names, &unknown))
		return wn_fail(err, WN_INPUT, "policy_member", "a policy has no member \"%.*s\"",
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	const char *asset = json_member_string(value, "asset", "WIN");
	if (!asset || strcmp(asset, "WIN") != 0)
		return wn_fail(err, WN_INPUT, "policy_asset", "the asset is WIN");
	for (int i = 0; i < POLICY_MEMBERS; i++) {
		const struct policy_member *member = &policy_members[i];
		const struct json *given = json_get(value, member->name);
		int64_t *field = policy_field(out, member);
		if (!given)
			continue;
		if (!(member->amount ? json_amount(given, field) : json_integer(given, field)))
			return wn_fail(err, WN_INPUT, "policy_value", "%s is %s", member->name,
				member->amount ? "an amount in units, written as a decimal string" : "a whole number");
		if (*field < member->least || *field > member->most)
			return wn_fail(err, WN_INPUT, "policy_range", "%s is between %" PRId64 " and %" PRId64,
				member->name, member->least, member->most);
	}
	const struct json *shares = json_get(value, "shares_ppm");
	return !shares || policy_parse_shares(shares, out, err);
}

void policy_write(struct json_writer *writer, const char *name, const struct policy *policy)
{
	json_open_object(writer, name);
	json_put_string(writer, "asset", "WIN");
	for (int i = 0; i < POLICY_MEMBERS; i++) {
		const struct policy_member *member = &policy_members[i];
		int64_t value = *(const int64_t *)((const char *)policy + member->offset);
		if (member->amount)
			json_put_amount(writer, member->name, value);
		else
			json_put_integer(writer, member->name, value);
	}
	json_open_array(writer, "shares_ppm");
	for (int i = 0; i < SHARE_COUNT; i++)
		json_put_integer(writer, NULL, policy->shares_ppm[i]);
	json_close_array(writer);
	json_close_object(writer);
}
