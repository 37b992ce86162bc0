/* A dataset's recipe: which accepted items of a campaign it takes and how it splits them. Pure. */
#ifndef DATASET_RECIPE_H
#define DATASET_RECIPE_H

#include "core/campaign.h"
#include "core/id.h"

enum {
	RECIPE_NAME_MAX = 64,
	RECIPE_CHOICES_MAX = CAMPAIGN_CHOICES_MAX,
	RECIPE_SPLITS_MAX = 16,
	RECIPE_SPLIT_NAME_MAX = 32,
	RECIPE_LICENCES_MAX = 32,
	RECIPE_LICENCE_MAX = 200,
	RECIPE_WHOLE_PPM = 1000000,
};

struct recipe_split {
	const char *name; /* [a-z0-9_]{1,32} */
	int64_t ppm;	  /* millionths; all together are RECIPE_WHOLE_PPM */
};

struct recipe {
	const char *name;     /* [a-z0-9-]{1,64} */
	const char *campaign; /* the same */
	int64_t p_good_least; /* millionths */
	const char *choices[RECIPE_CHOICES_MAX];
	int choice_count; /* none: every choice that keeps */
	struct recipe_split splits[RECIPE_SPLITS_MAX];
	int split_count; /* at least one: a recipe that names none has "train" for everything */
	const char *licences[RECIPE_LICENCES_MAX];
	int licence_count; /* none: any */
	bool sample;	   /* made of a try-out campaign, and says so wherever it is shown */
};

/*
 * Members: name, campaign, p_good_least, choices, splits [{name, ppm}], licences, sample. Strings point into `value`.
 * All failures are WN_INPUT: recipe_object, recipe_member, recipe_name, recipe_campaign, recipe_p_good, recipe_choices,
 * recipe_splits, recipe_licences, recipe_sample.
 */
bool recipe_parse(const struct json *value, struct recipe *out, struct wn_error *err);
/* Canonical JSON with every member spelled out, so that two ways to write one recipe are the same bytes. */
bool recipe_write(struct wn_arena *arena, const struct recipe *recipe, struct wn_slice *out, struct wn_error *err);
/* A recipe against its campaign: recipe_campaign (another one), recipe_choices (unknown, or none that keeps),
 * recipe_sample. */
bool recipe_fits(const struct recipe *recipe, const struct campaign *campaign, struct wn_error *err);

/* Whether an accepted item with this verdict and licence belongs in. */
bool recipe_takes(const struct recipe *recipe, const char *label, int64_t p_good, const char *licence);
/*
 * The split of an item follows from its id alone, so it stays in later versions: the first 8 bytes of
 * SHA-256("winnow/split/v1" 00 | item id), little-endian, modulo 1,000,000, against the splits' running sum.
 */
const char *recipe_split_of(const struct recipe *recipe, const struct item_id *item);

#endif
