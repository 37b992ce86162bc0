/* Fuzz entry: an operator's documents (campaign, policy); what is accepted keeps its promises. */
#include "core/campaign.h"
#include "core/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void fuzz_campaign(const struct json *document)
{
	struct campaign campaign;
	struct wn_error err = {0};
	if (!campaign_parse(document, &campaign, &err)) {
		wn_assert(err.blame == WN_INPUT);
		wn_assert(err.code[0] != '\0');
		return;
	}
	wn_assert(campaign.class_count >= 2);
	wn_assert(campaign.choice_count <= CAMPAIGN_CHOICES_MAX);
	wn_assert(campaign.dedup_numerator >= 1 && campaign.dedup_numerator <= campaign.dedup_denominator);
	wn_assert(campaign.seats >= 1);
	for (int i = 0; i < campaign.choice_count; i++) {
		int class = campaign_class(&campaign, campaign.choices[i].name);
		wn_assert(class == (i < campaign.class_count ? i : -1));
	}
}

static void fuzz_policy(struct wn_arena *arena, const struct json *document)
{
	struct policy policy, again;
	struct wn_error err = {0};
	struct json_writer writer;
	struct wn_slice text;
	const struct json *read;
	if (!policy_parse(document, &policy, &err))
		return;
	json_begin(&writer, arena);
	policy_write(&writer, NULL, &policy);
	wn_assert(json_end(&writer, &text, &err));
	wn_assert(json_parse(arena, text.data, text.bytes, &read, &err));
	wn_assert(policy_parse(read, &again, &err));
	wn_assert(again.rate == policy.rate && again.cap_units == policy.cap_units);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum { FUZZ_CAMPAIGN_ARENA_MAX = 64 << 20 };
	struct wn_arena arena;
	struct wn_error err = {0};
	const struct json *document;
	wn_arena_init(&arena, FUZZ_CAMPAIGN_ARENA_MAX);
	if (json_parse(&arena, (const char *)data, bytes, &document, &err)) {
		fuzz_campaign(document);
		fuzz_policy(&arena, document);
	}
	wn_arena_free(&arena);
	return 0;
}
