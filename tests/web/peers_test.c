/* Counting connections, waiting requests and bytes by address. */
#include "tests/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "web/peers.h"

SUITE("peers")

enum {
	PEERS_TOTAL = 300,
	PEERS_EACH = 7,
	PEERS_ADDRESSES = 90,
	PEERS_QUEUED = 120,
	PEERS_QUEUED_EACH = 5,
	PEERS_STEPS = 300000,
	PEERS_ONE = 1000, /* bytes that are held at once */
};

static struct peers *limited(int total, int each)
{
	struct peers *peers = NULL;
	struct wn_error err = {0};
	struct peers_limits limits = {
		.total = total,
		.each = each,
		.queued = PEERS_QUEUED,
		.queued_each = PEERS_QUEUED_EACH,
		.held_bytes = 80000,
		.held_each = 4000,
		.working = 1,
	};
	CHECK_OK(peers_open(&peers, &limits, &err), err);
	return peers;
}

static struct peer address(const char *text)
{
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct peer peer;
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		peer_of(&peer, (struct sockaddr *)&four);
	else {
		CHECK(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
		peer_of(&peer, (struct sockaddr *)&six);
	}
	return peer;
}

static bool same(const char *a, const char *b)
{
	struct peer first = address(a), second = address(b);
	return memcmp(&first, &second, sizeof first) == 0;
}

TEST(an_ipv6_client_is_its_64_bit_network)
{
	CHECK(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	CHECK(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
	CHECK(!same("192.0.2.1", "192.0.2.2"));
	CHECK(same("192.0.2.1", "::ffff:192.0.2.1"));
}

TEST(no_more_than_the_caps_get_in)
{
	struct peer one = address("192.0.2.1"), two = address("192.0.2.2");
	struct peers *peers = limited(5, 3);
	for (int i = 0; i < 3; i++)
		CHECK(peers_enter(peers, &one));
	CHECK(!peers_enter(peers, &one));
	CHECK(peers_enter(peers, &two));
	CHECK(peers_enter(peers, &two));
	CHECK(!peers_enter(peers, &two));
	peers_leave(peers, &one);
	CHECK(peers_enter(peers, &two));
	CHECK_INT(peers_count(peers), 5);
	peers_close(peers);
}

TEST(what_is_big_leaves_room_for_what_is_small)
{
	struct peers *peers;
	struct peers_held held;
	struct wn_error err = {0};
	struct peer one = address("192.0.2.1"), two = address("192.0.2.2"), three = address("192.0.2.3");
	struct peers_limits limits = {
		.total = 9, .each = 9, .queued = 9, .queued_each = 9, .held_bytes = 8 << 20, .held_each = 4 << 20};
	CHECK_OK(peers_open(&peers, &limits, &err), err);
	/* Of one address: seven eighths of its share for big things, all of it for small ones. */
	CHECK_INT(peers_hold(peers, &one, 3 << 20), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &one, 1 << 20), PEERS_SHARE);
	CHECK_INT(peers_hold(peers, &one, 512 << 10), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &one, 65537), PEERS_SHARE);
	for (int i = 0; i < 8; i++)
		CHECK_INT(peers_hold(peers, &one, 65536), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &one, 1), PEERS_SHARE);
	/* Of all: the same. */
	CHECK_INT(peers_hold(peers, &two, 3 << 20), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &three, 65537), PEERS_FULL);
	for (int i = 0; i < 16; i++)
		CHECK_INT(peers_hold(peers, &three, 65536), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &two, 1), PEERS_FULL);
	CHECK_INT(peers_hold(peers, &three, 1), PEERS_FULL);
	/* Bytes that are there already count, whatever they are; the operator's always may be. */
	CHECK_INT(peers_adjust(peers, &three, 65536, 2 << 20), PEERS_FULL);
	CHECK_INT(peers_adjust(peers, &three, 2 << 20, 0), PEERS_FINE);
	CHECK_INT(peers_hold(peers, &(struct peer){{0}}, 1 << 20), PEERS_FINE);
	peers_held(peers, &held);
	CHECK_INT(held.bytes, (9 << 20) - 65536);
	CHECK_INT(held.most, (10 << 20) - 65536);
	CHECK(held.pressed);
	peers_close(peers);
}

TEST(turns_go_round_the_addresses)
{
	struct peers *peers = limited(9, 9);
	struct peer many = address("192.0.2.1"), few = address("192.0.2.2");
	uint64_t turns[PEERS_QUEUED_EACH], turn, later;
	for (int i = 0; i < PEERS_QUEUED_EACH; i++) {
		CHECK_INT(peers_queue(peers, &many, &turns[i]), PEERS_FINE);
		CHECK(i == 0 || turns[i] > turns[i - 1]);
	}
	CHECK_INT(peers_queue(peers, &many, &turn), PEERS_SHARE);
	CHECK_INT(peers_queue(peers, &few, &turn), PEERS_FINE);
	CHECK(turn < turns[1]);
	/* Who was away gets no credit for it, and who was served stands behind whom he made wait. */
	for (int i = 0; i < 3; i++)
		peers_unqueue(peers, &many, turns[i]);
	peers_unqueue(peers, &few, turn);
	CHECK_INT(peers_queue(peers, &few, &later), PEERS_FINE);
	CHECK(later > turns[2]);
	CHECK(later <= turns[3]);
	peers_close(peers);
}

/* A plain count of one address. */
struct tally {
	int open;
	size_t queued, held;
	uint64_t turns[PEERS_QUEUED_EACH];
};

TEST(random_comings_and_goings_agree_with_a_plain_count)
{
	static struct tally tallies[PEERS_ADDRESSES];
	struct peers_held held;
	struct peers *peers = limited(PEERS_TOTAL, PEERS_EACH);
	int open = 0;
	size_t queued = 0, bytes = 0;
	uint64_t state = test_seed();
	memset(tallies, 0, sizeof tallies);
	for (int i = 0; i < PEERS_STEPS; i++) {
		int who = (int)(test_random(&state) % PEERS_ADDRESSES);
		struct tally *tally = &tallies[who];
		struct peer peer = {{(uint8_t)who, 1}};
		bool comes = test_random(&state) % 100 < 55, good = true;
		switch (test_random(&state) % 3) {
		case 0:
			if (comes) {
				bool room = open < PEERS_TOTAL && tally->open < PEERS_EACH;
				good = peers_enter(peers, &peer) == room;
				tally->open += room;
				open += room;
			} else if (tally->open > 0) {
				peers_leave(peers, &peer);
				tally->open--;
				open--;
			}
			break;
		case 1:
			if (comes) {
				uint64_t turn = 0;
				enum peers_verdict want = queued >= PEERS_QUEUED	       ? PEERS_FULL
							  : tally->queued >= PEERS_QUEUED_EACH ? PEERS_SHARE
											       : PEERS_FINE;
				good = peers_queue(peers, &peer, &turn) == want;
				if (want == PEERS_FINE) {
					tally->turns[tally->queued++] = turn;
					queued++;
				}
			} else if (tally->queued > 0) {
				peers_unqueue(peers, &peer, tally->turns[0]);
				memmove(tally->turns, tally->turns + 1, --tally->queued * sizeof *tally->turns);
				queued--;
			}
			break;
		default:
			if (comes) {
				enum peers_verdict want = tally->held + PEERS_ONE > 4000 ? PEERS_SHARE
							  : bytes + PEERS_ONE > 80000	 ? PEERS_FULL
											 : PEERS_FINE;
				good = peers_hold(peers, &peer, PEERS_ONE) == want;
				tally->held += want == PEERS_FINE ? PEERS_ONE : 0;
				bytes += want == PEERS_FINE ? PEERS_ONE : 0;
			} else if (tally->held > 0) {
				peers_release(peers, &peer, PEERS_ONE);
				tally->held -= PEERS_ONE;
				bytes -= PEERS_ONE;
			}
		}
		if (!CHECK(good))
			break;
	}
	peers_held(peers, &held);
	CHECK_INT(peers_count(peers), open);
	CHECK_INT(held.bytes, bytes);
	peers_close(peers);
}
