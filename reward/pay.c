/* Pay and slashes of one close, all products in 128 bits. */
#include "reward/pay.h"

#include "reward/shares.h"
#include "reward/tokens.h"

static uint64_t score_size(int64_t score)
{
	return score < 0 ? 0 - (uint64_t)score : (uint64_t)score;
}

/* PMAX = floor(4 V / seats): when few earn, a point must not cost the whole pool. */
static int64_t price_max(int64_t pool, int64_t seats)
{
	if (seats == 0)
		return 0;
	unsigned __int128 price = (unsigned __int128)pool * PAY_PRICE_SEATS / (unsigned __int128)seats;
	return price > INT64_MAX ? INT64_MAX : (int64_t)price;
}

/* V' = min(V, floor(W * PMAX / POINT)). A product beyond 128 bits is above any pool. */
static int64_t payable(int64_t pool, unsigned __int128 weight, int64_t price)
{
	unsigned __int128 product;
	if (__builtin_mul_overflow(weight, (unsigned __int128)price, &product) ||
		product / PAY_POINT >= (unsigned __int128)pool)
		return pool;
	return (int64_t)(product / PAY_POINT);
}

/* min(locked, floor(|S| * V' * 3 / (W * 2))): |S| <= 2^63, V' < 2^63, so the product stays below 2^128. */
static int64_t slash_of(const struct pay_line *line, int64_t paid, unsigned __int128 weight)
{
	unsigned __int128 units =
		(unsigned __int128)score_size(line->score) * (unsigned __int128)paid * PAY_SLASH_NUMERATOR;
	units /= weight * PAY_SLASH_DENOMINATOR;
	return units < (unsigned __int128)line->locked ? (int64_t)units : line->locked;
}

bool pay_compute(struct wn_arena *arena, struct pay_line *lines, size_t count, int64_t pool, int64_t seats,
	struct pay_total *total, struct wn_error *err)
{
	int64_t *weights = wn_arena_array(arena, count, sizeof *weights);
	int64_t *shares = wn_arena_array(arena, count, sizeof *shares);
	if (!weights || !shares)
		return wn_fail(err, WN_FULL, "memory", "no room to pay %zu accounts", count);
	wn_assert(pool >= 0);
	wn_assert(seats >= 0);
	*total = (struct pay_total){0};
	for (size_t i = 0; i < count; i++) {
		wn_assert(i == 0 || id_compare(&lines[i - 1].account, &lines[i].account) < 0);
		wn_assert(lines[i].locked >= 0);
		weights[i] = lines[i].score > 0 ? lines[i].score : 0;
		total->weight += (unsigned __int128)weights[i];
		lines[i].pay = lines[i].slash = 0;
	}
	if (total->weight == 0)
		return true;
	total->price_max = price_max(pool, seats);
	total->paid = payable(pool, total->weight, total->price_max);
	if (!shares_split(arena, total->paid, weights, count, shares, err))
		return false;
	int64_t paid = 0;
	for (size_t i = 0; i < count; i++) {
		lines[i].pay = shares[i];
		if (lines[i].score < 0)
			lines[i].slash = slash_of(&lines[i], total->paid, total->weight);
		wn_assert(lines[i].score > 0 || lines[i].pay == 0);
		bool fits = tokens_add(paid, lines[i].pay, &paid) &&
			    tokens_add(total->slashed, lines[i].slash, &total->slashed);
		wn_assert(fits);
	}
	wn_assert(paid == total->paid);
	return true;
}

void pay_slash_split(int64_t slashed, int64_t *burned, int64_t *reserve)
{
	wn_assert(slashed >= 0);
	*burned = slashed / 2;
	*reserve = slashed - *burned;
}
