/* Recipes: every member checked, defaults filled in, lists sorted; the split rule. */
#include "dataset/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "core/hash.h"

static bool recipe_word(const char *word, size_t most, const char *letters)
{
	size_t bytes = word ? strlen(word) : 0;
	return bytes >= 1 && bytes <= most && strspn(word, letters) == bytes;
}

static int recipe_word_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Texts of 1 to `bytes_most` bytes without control characters, sorted, each once; an absent member is an empty list. */
static bool recipe_list(const struct json *value, const char *name, int count_most, size_t bytes_most, const char **out,
	int *count, struct wn_error *err)
{
	const struct json *list = json_get(value, name);
	char code[WN_CODE_MAX] = "recipe_";
	strcat(code, name);
	if (!list)
		return true;
	if (list->type != JSON_ARRAY || list->count == 0 || list->count > (size_t)count_most)
		return wn_fail(err, WN_INPUT, code, "%s is an array of 1 to %d texts; leave it out to take all", name,
			count_most);
	for (size_t i = 0; i < list->count; i++) {
		const char *word = json_string(list->elements[i]);
		size_t bytes = word ? strlen(word) : 0;
		bool plain = bytes >= 1 && bytes <= bytes_most;
		for (size_t j = 0; plain && j < bytes; j++)
			plain = (unsigned char)word[j] >= 0x20 && word[j] != 0x7f;
		if (!plain)
			return wn_fail(
				err, WN_INPUT, code, "%s[%zu] is not a text of 1 to %zu bytes", name, i, bytes_most);
		out[i] = word;
	}
	*count = (int)list->count;
	qsort(out, list->count, sizeof *out, recipe_word_compare);
	for (int i = 1; i < *count; i++)
		if (strcmp(out[i - 1], out[i]) == 0)
			return wn_fail(err, WN_INPUT, code, "%s names \"%s\" twice", name, out[i]);
	return true;
}

static bool recipe_splits(const struct json *value, struct recipe *out, struct wn_error *err)
{
	static const char *const members[] = {"name", "ppm", NULL};
	const struct json *list = json_get(value, "splits");
	struct wn_slice unknown;
	int64_t whole = 0;
	if (!list) {
		out->splits[0] = (struct recipe_split){"train", RECIPE_WHOLE_PPM};
		out->split_count = 1;
		return true;
	}
	if (list->type != JSON_ARRAY || list->count == 0 || list->count > RECIPE_SPLITS_MAX)
		return wn_fail(err, WN_INPUT, "recipe_splits", "splits is an array of 1 to %d of {name, ppm}",
			RECIPE_SPLITS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct json *split = list->elements[i];
		const char *name = json_member_string(split, "name", NULL);
		int64_t ppm;
		if (split->type != JSON_OBJECT || !json_only_members(split, members, &unknown) ||
			!recipe_word(name, RECIPE_SPLIT_NAME_MAX, "abcdefghijklmnopqrstuvwxyz0123456789_"))
			return wn_fail(err, WN_INPUT, "recipe_splits",
				"splits[%zu] is {name, ppm} with a name of 1 to %d of a-z, 0-9 and _", i,
				RECIPE_SPLIT_NAME_MAX);
		if (!json_integer(json_get(split, "ppm"), &ppm) || ppm < 1 || ppm > RECIPE_WHOLE_PPM)
			return wn_fail(err, WN_INPUT, "recipe_splits", "ppm of the split %s is 1 to %d millionths",
				name, RECIPE_WHOLE_PPM);
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, out->splits[j].name) == 0)
				return wn_fail(err, WN_INPUT, "recipe_splits", "the split %s stands twice", name);
		out->splits[i] = (struct recipe_split){name, ppm};
		whole += ppm;
	}
	out->split_count = (int)list->count;
	if (whole != RECIPE_WHOLE_PPM)
		return wn_fail(err, WN_INPUT, "recipe_splits", "the splits' ppm add up to %lld, not to %d",
			(long long)whole, RECIPE_WHOLE_PPM);
	return true;
}

bool recipe_parse(const struct json *value, struct recipe *out, struct wn_error *err)
{
	static const char *const members[] = {
		"name", "campaign", "p_good_least", "choices", "splits", "licences", "sample", NULL};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	struct wn_slice unknown;
	memset(out, 0, sizeof *out);
	if (!value || value->type != JSON_OBJECT)
		return wn_fail(err, WN_INPUT, "recipe_object",
			"a recipe is a JSON object: {\"name\": \"...\", \"campaign\": \"...\"}");
	if (!json_only_members(value, members, &unknown))
		return wn_fail(err, WN_INPUT, "recipe_member", "a recipe has no member \"%.*s\"",
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	out->name = json_member_string(value, "name", NULL);
	if (!recipe_word(out->name, RECIPE_NAME_MAX, letters))
		return wn_fail(err, WN_INPUT, "recipe_name", "name is 1 to %d of a-z, 0-9 and -", RECIPE_NAME_MAX);
	out->campaign = json_member_string(value, "campaign", NULL);
	if (!recipe_word(out->campaign, CAMPAIGN_NAME_MAX, letters))
		return wn_fail(err, WN_INPUT, "recipe_campaign",
			"campaign is the name of the campaign whose items the dataset takes");
	const struct json *p_good = json_get(value, "p_good_least"), *sample = json_get(value, "sample");
	if (p_good && (!json_integer(p_good, &out->p_good_least) || out->p_good_least < 0 ||
			      out->p_good_least > RECIPE_WHOLE_PPM))
		return wn_fail(err, WN_INPUT, "recipe_p_good", "p_good_least is 0 to %d millionths", RECIPE_WHOLE_PPM);
	if (sample && sample->type != JSON_BOOL)
		return wn_fail(err, WN_INPUT, "recipe_sample", "sample is true or false");
	out->sample = sample && sample->truth;
	return recipe_list(value, "choices", RECIPE_CHOICES_MAX, CAMPAIGN_NAME_MAX, out->choices, &out->choice_count,
		       err) &&
	       recipe_list(value, "licences", RECIPE_LICENCES_MAX, RECIPE_LICENCE_MAX, out->licences,
		       &out->licence_count, err) &&
	       recipe_splits(value, out, err);
}

static void recipe_put_list(struct json_writer *writer, const char *name, const char *const *words, int count)
{
	/* An empty list would be refused when it is read: "all" is said by leaving it out. */
	if (count == 0)
		return;
	json_open_array(writer, name);
	for (int i = 0; i < count; i++)
		json_put_string(writer, NULL, words[i]);
	json_close_array(writer);
}

bool recipe_write(struct wn_arena *arena, const struct recipe *recipe, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer writer;
	struct wn_slice text;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "campaign", recipe->campaign);
	recipe_put_list(&writer, "choices", recipe->choices, recipe->choice_count);
	recipe_put_list(&writer, "licences", recipe->licences, recipe->licence_count);
	json_put_string(&writer, "name", recipe->name);
	json_put_integer(&writer, "p_good_least", recipe->p_good_least);
	json_put_bool(&writer, "sample", recipe->sample);
	json_open_array(&writer, "splits");
	for (int i = 0; i < recipe->split_count; i++) {
		json_open_object(&writer, NULL);
		json_put_string(&writer, "name", recipe->splits[i].name);
		json_put_integer(&writer, "ppm", recipe->splits[i].ppm);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	json_close_object(&writer);
	return (json_end(&writer, &text, err) && jcs_canonical(arena, text.data, text.bytes, out, err)) ||
	       wn_while(err, "write a recipe");
}

bool recipe_fits(const struct recipe *recipe, const struct campaign *campaign, struct wn_error *err)
{
	if (strcmp(recipe->campaign, campaign->name) != 0)
		return wn_fail(err, WN_INPUT, "recipe_campaign", "the recipe is about %s, not about %s",
			recipe->campaign, campaign->name);
	for (int i = 0; i < recipe->choice_count; i++) {
		int class = campaign_class(campaign, recipe->choices[i]);
		if (class < 0 || campaign->choices[class].verdict != CHOICE_KEEP)
			return wn_fail(err, WN_INPUT, "recipe_choices", "\"%s\" is not a choice of %s that keeps items",
				recipe->choices[i], campaign->name);
	}
	if (campaign->sample && !recipe->sample)
		return wn_fail(err, WN_INPUT, "recipe_sample", "%s is a try-out, so its dataset says sample: true",
			campaign->name);
	return true;
}

static bool recipe_listed(const char *const *words, int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return count == 0;
}

bool recipe_takes(const struct recipe *recipe, const char *label, int64_t p_good, const char *licence)
{
	return p_good >= recipe->p_good_least && recipe_listed(recipe->choices, recipe->choice_count, label) &&
	       recipe_listed(recipe->licences, recipe->licence_count, licence);
}

const char *recipe_split_of(const struct recipe *recipe, const struct item_id *item)
{
	struct hash_layout layout;
	struct sha256 hash;
	uint64_t draw = 0;
	hash_tag(&layout, "winnow/split/v1");
	hash_field(&layout, item->bytes, ID_BYTES);
	hash_done(&layout, &hash);
	for (int i = 7; i >= 0; i--)
		draw = draw << 8 | hash.bytes[i];
	int64_t place = (int64_t)(draw % RECIPE_WHOLE_PPM), until = 0;
	wn_assert(recipe->split_count >= 1);
	for (int i = 0; i < recipe->split_count; i++) {
		until += recipe->splits[i].ppm;
		if (place < until)
			return recipe->splits[i].name;
	}
	wn_assert(!"splits that add up to the whole");
	return NULL;
}
