/* The hash onion and the beacon over it: known answers, every checkpoint's edge, and the check that anybody can make.
 */
#include "tests/check.h"

#include <string.h>

#include "vote/beacon.h"

SUITE("beacon")

static const char network_hex[] = "b9da57f6670e8b62dcd08de38534e635bdb2badef73c4bbb0fbebe145f4c2247";
static const char *const onion_layers[] = {
	"58ee6eb4607c6b352a4c8afe25a0f74971e953148d3d86247f9e663c4c5cb373",
	"906341e3c42f8e40ed3a2fdc3bc512a14ba75b70b2cfac578c7fc58d35e17cbd",
	"deb0e38ced1e41de6f92e70e80c418d2d356afaaa99e26f5939dbc7d3ef4772a",
	"3333333333333333333333333333333333333333333333333333333333333333",
};
static const char onion_tip_hex[] = "e5006afbc10a299fb64bf1195e70b8f29eb9b6c36f4da412cc97f259db0812da";
static const struct {
	uint64_t epoch;
	const char *layer, *revealed, *beacon;
} beacons[] = {
	{0, "58ee6eb4607c6b352a4c8afe25a0f74971e953148d3d86247f9e663c4c5cb373",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"4b64273b27f04a2858565555a1a96629ecb636412cc71d51c9c17a780fc64db8"},
	{1, "906341e3c42f8e40ed3a2fdc3bc512a14ba75b70b2cfac578c7fc58d35e17cbd",
		"4af7c1c1a37d1644ccd8102bdfc555d878d89ba4bb6aaec5080db91278b03953",
		"3388ae8ce581e3c1dffda77442dbeba99ecab47d43246549f9c9750ecb267ff4"},
	{2, "deb0e38ced1e41de6f92e70e80c418d2d356afaaa99e26f5939dbc7d3ef4772a",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"717097c09af54f17e1fd4ff97e40d72ad487d287401976c1d2c146dfe85603a6"},
	{3, "3333333333333333333333333333333333333333333333333333333333333333",
		"4af7c1c1a37d1644ccd8102bdfc555d878d89ba4bb6aaec5080db91278b03953",
		"1c4a3bc5c6422f05b0f3eadf6a7093d80b9f65421f77dfe387ee29344c19bff9"},
};
/* Of the seed 00 01 .. 1f, counted with another implementation of SHA-256. */
static const char seeded_tip_hex[] = "6ede0b72985fb74ca1b1573817be10b7e15879b9479e58e7387fcfed97b7095a";
static const struct {
	uint64_t epoch;
	const char *layer;
} seeded_layers[] = {
	{0, "f7b21a8ef29727d4c12bf5d00c2d3cb13507631bf52a4e8c72ae232436318b6c"},
	{1, "e7568b1e22d751f83a178dd8546fea7c115ba88477b0dd466a8a331ad0c5701e"},
	{1022, "f4996c28dd77a8e31ad6532fe5da71e3f686d00cb11cb408783f8141f2d611c5"},
	{1023, "6808e006e78b878aca04a19a6bf079ab9cf7d6be646d404d58d38ef4158520fd"},
	{1024, "e321022949400d64dc69daa79de7e954574aa401740974566fb3d2d1e80c8b60"},
	{524288, "36c7a544ebd423b5862ddf82f1bf6056e1975a300300976884dd3a23da284444"},
	{1047551, "6189bbcda2839918434e38e189f4a101e6919bc90bf959acb5d4d8431ec72e67"},
	{1047552, "2e8cfcc246f99ce1cb70408ec0409baab26cfc1968bd375542f07be447e5ff60"},
	{1048574, "7ec3ceb37c745607fe8cd7a2e1d61879cd2b8d50f15f67ffb9b2d80d794e518c"},
	{1048575, "79fb1f69811b084c05f44454a8c0de50cbbfa3d3dcbbb7ac9eeaf45475afce1c"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void id_of(void *id, const char *hex)
{
	CHECK(hex_read(id, ID_BYTES, hex, strlen(hex)));
}

TEST(beacons_have_their_known_answers)
{
	struct network_id network;
	id_of(&network, network_hex);
	for (size_t i = 0; i < COUNT(beacons); i++) {
		struct sha256 layer, revealed, beacon;
		id_of(&layer, beacons[i].layer);
		id_of(&revealed, beacons[i].revealed);
		beacon_of_epoch(&network, beacons[i].epoch, &layer, &revealed, &beacon);
		CHECK_HEX(beacon.bytes, ID_BYTES, beacons[i].beacon);
	}
}

TEST(each_layer_of_a_known_onion_lies_under_the_one_before)
{
	struct sha256 outer;
	id_of(&outer, onion_tip_hex);
	for (size_t i = 0; i < COUNT(onion_layers); i++) {
		struct sha256 layer;
		id_of(&layer, onion_layers[i]);
		CHECK(beacon_onion_follows(&outer, &layer));
		CHECK(!beacon_onion_follows(&layer, &layer));
		outer = layer;
		layer.bytes[i] ^= 1;
		CHECK(!beacon_onion_follows(&outer, &layer));
	}
}

TEST(a_seed_gives_its_known_onion_and_the_chain_ends)
{
	uint8_t seed[32];
	for (int i = 0; i < 32; i++)
		seed[i] = (uint8_t)i;
	struct beacon_onion *onion = beacon_onion_open(seed);
	CHECK_OR_RETURN(onion != NULL);
	struct sha256 layer, outer;
	struct wn_error err = {0};
	beacon_onion_tip(onion, &outer);
	CHECK_HEX(outer.bytes, ID_BYTES, seeded_tip_hex);
	for (size_t i = 0; i < COUNT(seeded_layers); i++) {
		CHECK_OK(beacon_onion_layer(onion, seeded_layers[i].epoch, &layer, &err), err);
		CHECK_HEX(layer.bytes, ID_BYTES, seeded_layers[i].layer);
	}
	/* Over the edges of three checkpoints no link is missing. */
	for (uint64_t epoch = 0; epoch < 3 * BEACON_ONION_STRIDE + 2; epoch++) {
		CHECK_OK(beacon_onion_layer(onion, epoch, &layer, &err), err);
		CHECK_OR_RETURN(beacon_onion_follows(&outer, &layer));
		outer = layer;
	}
	CHECK(!beacon_onion_layer(onion, BEACON_ONION_LAYERS, &layer, &err));
	CHECK_INT(err.blame, WN_FULL);
	CHECK_TEXT(err.code, "onion_end");
	CHECK(!beacon_onion_layer(onion, UINT64_MAX, &layer, &err));
	beacon_onion_close(onion);
	beacon_onion_close(NULL);
}
