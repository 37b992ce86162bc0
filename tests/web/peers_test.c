/* Counting connections by address. */
#include "tests/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "web/peers.h"

SUITE("peers")

enum { PEERS_TOTAL = 300, PEERS_EACH = 7, PEERS_ADDRESSES = 90 };

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
	struct peers *peers;
	struct wn_error err = {0};
	struct peer one = address("192.0.2.1"), two = address("192.0.2.2");
	CHECK_OK(peers_open(&peers, 5, 3, &err), err);
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

TEST(random_comings_and_goings_agree_with_a_plain_count)
{
	struct peers *peers;
	struct wn_error err = {0};
	int counts[PEERS_ADDRESSES] = {0}, total = 0;
	uint64_t state = test_seed();
	CHECK_OK(peers_open(&peers, PEERS_TOTAL, PEERS_EACH, &err), err);
	for (int i = 0; i < 200000; i++) {
		int who = (int)(test_random(&state) % PEERS_ADDRESSES);
		struct peer peer = {{(uint8_t)who, 1}};
		if (test_random(&state) % 100 < 55) {
			bool room = total < PEERS_TOTAL && counts[who] < PEERS_EACH;
			if (!CHECK(peers_enter(peers, &peer) == room))
				break;
			counts[who] += room;
			total += room;
		} else if (counts[who]) {
			peers_leave(peers, &peer);
			counts[who]--;
			total--;
		}
	}
	CHECK_INT(peers_count(peers), total);
	peers_close(peers);
}
