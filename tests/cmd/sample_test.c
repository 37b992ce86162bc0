/* The sample network's documents are valid, and its robots judge its posts as their rule says. */
#include "cmd/sample.h"

#include <string.h>

#include "core/campaign.h"
#include "tests/check.h"

SUITE("sample")

TEST(sample_campaigns_are_valid_and_say_that_they_are_samples)
{
	const char *const documents[] = {sample_campaign, sample_machine_campaign};
	for (int i = 0; i < 2; i++) {
		struct wn_arena arena;
		struct wn_error err = {0};
		const struct json *document;
		struct campaign campaign;
		wn_arena_init(&arena, 1 << 20);
		CHECK_OK(json_parse(&arena, documents[i], strlen(documents[i]), &document, &err), err);
		CHECK_OK(campaign_parse(document, &campaign, &err), err);
		CHECK(campaign.sample);
		CHECK_INT(campaign.seats, SAMPLE_ROBOTS);
		CHECK_INT(campaign.vesting_ms, 0);
		CHECK_INT(campaign.kind, i ? ITEM_WINDOW : ITEM_TEXT);
		CHECK_INT(campaign_class(&campaign, i ? "plausible" : "kindness"), i ? 1 : 2);
		wn_arena_free(&arena);
	}
}

TEST(robots_tell_kindness_adverts_and_the_rest_apart)
{
	int classes[3] = {0};
	size_t posts = 0;
	for (; sample_posts[posts]; posts++)
		classes[sample_judge(wn_slice_of(sample_posts[posts]))]++;
	CHECK_INT(posts, 48);
	CHECK_INT(classes[0], 6);
	CHECK_INT(classes[1], 12);
	CHECK_INT(classes[2], 30);
	CHECK_INT(sample_judge(WN_SLICE("My neighbour helped me")), 2);
	CHECK_INT(sample_judge(WN_SLICE("unhelpful weather")), 1);
	CHECK_INT(sample_judge(WN_SLICE("He gave me a tip: visit HTTPS://example.org")), 0);
	CHECK_INT(sample_judge((struct wn_slice){"", 0}), 1);
	CHECK(sample_is_post(wn_slice_of(sample_posts[3])));
	CHECK(!sample_is_post(WN_SLICE("something else")));
}

TEST(a_window_without_readings_looks_broken)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *content;
	wn_arena_init(&arena, 1 << 20);
	static const char good[] = "{\"channels\":[{},{}],\"samples\":[[1,2,null],[2,null,4]]}",
			  bad[] = "{\"channels\":[{},{}],\"samples\":[[1,2,null]]}";
	CHECK_OK(json_parse(&arena, good, strlen(good), &content, &err), err);
	CHECK_INT(sample_judge_window(content), 1);
	CHECK_OK(json_parse(&arena, bad, strlen(bad), &content, &err), err);
	CHECK_INT(sample_judge_window(content), 0);
	wn_arena_free(&arena);
}
