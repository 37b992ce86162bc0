/* Campaign documents: every member checked, defaults filled in, choices numbered. */
#include "core/campaign.h"

#include <inttypes.h>
#include <string.h>

#define CAMPAIGN_MINUTE_MS 60000LL
#define CAMPAIGN_DAY_MS 86400000LL
#define CAMPAIGN_ITEM_CEILING 1500000000LL /* a token and a half */
/* Phases, leases and waiting times end some day. */
#define CAMPAIGN_WAIT_MOST_MS (3660LL * CAMPAIGN_DAY_MS)
enum { CAMPAIGN_QUESTION_MAX = 2000, CAMPAIGN_WORD_MAX = 200, CAMPAIGN_AUDIT_SEATS = 3, CAMPAIGN_FRACTION_MAX = 1000 };

static bool campaign_name_ok(const char *name)
{
	size_t bytes = strlen(name);
	return bytes >= 1 && bytes <= CAMPAIGN_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == bytes;
}

static bool campaign_only(const struct json *object, const char *what, const char *const names[], struct wn_error *err)
{
	struct wn_slice unknown;
	if (object->type != JSON_OBJECT)
		return wn_fail(err, WN_INPUT, "campaign_object", "%s is a JSON object", what);
	if (!json_only_members(object, names, &unknown))
		return wn_fail(err, WN_INPUT, "campaign_member", "%s has no member \"%.*s\"", what,
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	return true;
}

/* A string of 1 to `most` bytes; absent keeps what *out holds. */
static bool campaign_text(
	const struct json *object, const char *name, size_t most, const char **out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (!value)
		return true;
	const char *text = json_string(value);
	if (!text || *text == '\0' || strlen(text) > most)
		return wn_fail(err, WN_INPUT, "campaign_text", "%s is a text of 1 to %zu bytes", name, most);
	*out = text;
	return true;
}

static bool campaign_integer(
	const struct json *object, const char *name, int64_t least, int64_t most, int64_t *out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (!value)
		return true;
	if (!json_integer(value, out) || *out < least || *out > most)
		return wn_fail(err, WN_INPUT, "campaign_number",
			"%s is a whole number between %" PRId64 " and %" PRId64, name, least, most);
	return true;
}

static bool campaign_int(
	const struct json *object, const char *name, int least, int most, int *out, struct wn_error *err)
{
	int64_t wide = *out;
	if (!campaign_integer(object, name, least, most, &wide, err))
		return false;
	*out = (int)wide;
	return true;
}

static bool campaign_bool(const struct json *object, const char *name, bool *out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (!value)
		return true;
	if (value->type != JSON_BOOL)
		return wn_fail(err, WN_INPUT, "campaign_truth", "%s is true or false", name);
	*out = value->truth;
	return true;
}

static bool campaign_units(const struct json *object, const char *name, int64_t *out, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (value && !json_amount(value, out))
		return wn_fail(err, WN_INPUT, "campaign_amount",
			"%s is an amount in units, written as a decimal string", name);
	return true;
}

/* One word out of two; absent keeps *second. */
static bool campaign_either(const struct json *object, const char *name, const char *first_word,
	const char *second_word, bool *second, struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (!value)
		return true;
	const char *word = json_string(value);
	if (!word || (strcmp(word, first_word) != 0 && strcmp(word, second_word) != 0))
		return wn_fail(err, WN_INPUT, "campaign_word", "%s is \"%s\" or \"%s\"", name, first_word, second_word);
	*second = strcmp(word, second_word) == 0;
	return true;
}

static bool campaign_list(const struct json *object, const char *name, const char *out[CAMPAIGN_LIST_MAX], int *count,
	struct wn_error *err)
{
	const struct json *value = json_get(object, name);
	if (!value)
		return true;
	if (value->type != JSON_ARRAY || value->count > CAMPAIGN_LIST_MAX)
		return wn_fail(
			err, WN_INPUT, "campaign_list", "%s is an array of at most %d texts", name, CAMPAIGN_LIST_MAX);
	for (size_t i = 0; i < value->count; i++) {
		const char *word = json_string(value->elements[i]);
		if (!word || *word == '\0' || strlen(word) > CAMPAIGN_WORD_MAX)
			return wn_fail(err, WN_INPUT, "campaign_list", "%s[%zu] is a text of 1 to %d bytes", name, i,
				CAMPAIGN_WORD_MAX);
		for (size_t j = 0; j < i; j++)
			if (strcmp(word, out[j]) == 0)
				return wn_fail(err, WN_INPUT, "campaign_list", "%s names \"%s\" twice", name, word);
		out[i] = word;
	}
	*count = (int)value->count;
	return true;
}

static bool campaign_choice_read(const struct json *value, struct campaign_choice *out, struct wn_error *err)
{
	static const char *const names[] = {"name", "verdict", NULL};
	static const char *const verdicts[] = {"reject", "keep", "abstain"};
	if (!campaign_only(value, "a choice", names, err))
		return false;
	out->name = NULL;
	if (!campaign_text(value, "name", CAMPAIGN_NAME_MAX, &out->name, err))
		return false;
	const char *verdict = json_member_string(value, "verdict", NULL);
	if (!out->name || !verdict)
		return wn_fail(err, WN_INPUT, "campaign_choice", "a choice has a name and a verdict");
	for (int i = 0; i < 3; i++)
		if (strcmp(verdict, verdicts[i]) == 0) {
			out->verdict = (enum choice_verdict)i;
			return true;
		}
	return wn_fail(err, WN_INPUT, "campaign_choice", "the verdict of \"%s\" is \"reject\", \"keep\" or \"abstain\"",
		out->name);
}

static bool campaign_choices(const struct json *value, struct campaign *out, struct wn_error *err)
{
	struct campaign_choice abstaining[CAMPAIGN_CHOICES_MAX];
	int abstaining_count = 0;
	if (!value || value->type != JSON_ARRAY)
		return wn_fail(err, WN_INPUT, "campaign_choices", "choices is an array of {name, verdict}");
	if (value->count > CAMPAIGN_CHOICES_MAX)
		return wn_fail(err, WN_INPUT, "campaign_choices_many", "a campaign has at most %d choices",
			CAMPAIGN_CHOICES_MAX);
	for (size_t i = 0; i < value->count; i++) {
		struct campaign_choice choice;
		if (!campaign_choice_read(value->elements[i], &choice, err))
			return false;
		if (campaign_class(out, choice.name) != -2)
			return wn_fail(
				err, WN_INPUT, "campaign_choice_twice", "the choice \"%s\" stands twice", choice.name);
		for (int j = 0; j < abstaining_count; j++)
			if (strcmp(abstaining[j].name, choice.name) == 0)
				return wn_fail(err, WN_INPUT, "campaign_choice_twice", "the choice \"%s\" stands twice",
					choice.name);
		if (choice.verdict == CHOICE_ABSTAIN) {
			abstaining[abstaining_count++] = choice;
			continue;
		}
		if (choice.verdict == CHOICE_REJECT && out->class_count > 0 &&
			out->choices[out->class_count - 1].verdict == CHOICE_KEEP)
			return wn_fail(err, WN_INPUT, "campaign_choice_order",
				"rejecting choices come first: move \"%s\" up", choice.name);
		out->choices[out->class_count++] = choice;
		out->choice_count = out->class_count;
	}
	if (out->class_count < 2)
		return wn_fail(err, WN_INPUT, "campaign_choices_few", "at least two choices do not abstain");
	if (out->choices[out->class_count - 1].verdict != CHOICE_KEEP)
		return wn_fail(err, WN_INPUT, "campaign_choices_keep", "at least one choice keeps");
	for (int i = 0; i < abstaining_count; i++)
		out->choices[out->choice_count++] = abstaining[i];
	return true;
}

static bool campaign_panel(const struct json *panel, struct campaign *out, struct wn_error *err)
{
	static const char *const names[] = {"mode", "pick", "seats", "escalate", "commit_ms", "reveal_ms", "lease_ms",
		"audit_seats", "audit", NULL};
	bool open = false;
	if (panel && (!campaign_only(panel, "panel", names, err) ||
			     !campaign_either(panel, "mode", "drawn", "open", &open, err)))
		return false;
	out->panel_mode = open ? PANEL_OPEN : PANEL_DRAWN;
	out->commit_ms = open ? CAMPAIGN_DAY_MS : 15 * CAMPAIGN_MINUTE_MS;
	out->reveal_ms = open ? CAMPAIGN_DAY_MS : 10 * CAMPAIGN_MINUTE_MS;
	if (!panel)
		return true;
	if (!campaign_bool(panel, "pick", &out->pick, err) ||
		!campaign_int(panel, "seats", 1, CAMPAIGN_SEATS_MAX, &out->seats, err) ||
		!campaign_int(panel, "escalate", 0, CAMPAIGN_SEATS_MAX, &out->escalate, err) ||
		!campaign_integer(panel, "commit_ms", 1, CAMPAIGN_WAIT_MOST_MS, &out->commit_ms, err) ||
		!campaign_integer(panel, "reveal_ms", 1, CAMPAIGN_WAIT_MOST_MS, &out->reveal_ms, err) ||
		!campaign_integer(panel, "lease_ms", 1, CAMPAIGN_WAIT_MOST_MS, &out->lease_ms, err) ||
		!campaign_int(panel, "audit_seats", 1, CAMPAIGN_SEATS_MAX, &out->audit_seats, err) ||
		!campaign_either(panel, "audit", "curators", "open", &out->audit_open, err))
		return false;
	/* Drawn seats are given by the beacon: picking would undo the draw. */
	if (out->pick && !open)
		return wn_fail(err, WN_INPUT, "campaign_pick", "pick needs panel mode \"open\"");
	return true;
}

static bool campaign_dedup(const struct json *dedup, struct campaign *out, struct wn_error *err)
{
	static const char *const names[] = {"numerator", "denominator", NULL};
	if (!dedup)
		return true;
	if (!campaign_only(dedup, "dedup", names, err) ||
		!campaign_int(dedup, "numerator", 1, CAMPAIGN_FRACTION_MAX, &out->dedup_numerator, err) ||
		!campaign_int(dedup, "denominator", 1, CAMPAIGN_FRACTION_MAX, &out->dedup_denominator, err))
		return false;
	if (out->dedup_numerator > out->dedup_denominator)
		return wn_fail(err, WN_INPUT, "campaign_dedup", "the similarity threshold is at most 1");
	return true;
}

static bool campaign_budget(const struct json *budget, struct campaign *out, struct wn_error *err)
{
	static const char *const names[] = {"per_item_ceiling", "seat_pay", "seat_bond", "source", NULL};
	if (!budget)
		return true;
	return campaign_only(budget, "budget", names, err) &&
	       campaign_units(budget, "per_item_ceiling", &out->per_item_ceiling, err) &&
	       campaign_units(budget, "seat_pay", &out->seat_pay, err) &&
	       campaign_units(budget, "seat_bond", &out->seat_bond, err) &&
	       campaign_either(budget, "source", "minted", "prepaid", &out->prepaid, err);
}

bool campaign_parse(const struct json *document, struct campaign *out, struct wn_error *err)
{
	static const char *const names[] = {"name", "kind", "tags", "sources", "languages", "licence", "basis",
		"question", "choices", "panel", "dedup", "budget", "challenge_ms", "vesting_ms", "probation", "sample",
		NULL};
	*out = (struct campaign){
		.licence = "CC-BY-4.0",
		.basis = "author_consent",
		.seats = 5,
		.escalate = 6,
		.lease_ms = 15 * CAMPAIGN_MINUTE_MS,
		.audit_seats = CAMPAIGN_AUDIT_SEATS,
		.dedup_numerator = 7,
		.dedup_denominator = 10,
		.per_item_ceiling = CAMPAIGN_ITEM_CEILING,
		.challenge_ms = CAMPAIGN_DAY_MS,
		.vesting_ms = 30 * CAMPAIGN_DAY_MS,
		.probation = true,
	};
	bool window = false;
	if (!document || !campaign_only(document, "a campaign", names, err))
		return document ? false : wn_fail(err, WN_INPUT, "campaign_object", "a campaign is a JSON object");
	out->name = json_member_string(document, "name", NULL);
	if (!out->name || !campaign_name_ok(out->name))
		return wn_fail(err, WN_INPUT, "campaign_name", "name is 1 to %d of a-z, 0-9 and -", CAMPAIGN_NAME_MAX);
	if (!campaign_either(document, "kind", "text", "window", &window, err) ||
		!campaign_text(document, "question", CAMPAIGN_QUESTION_MAX, &out->question, err) ||
		!campaign_text(document, "licence", CAMPAIGN_WORD_MAX, &out->licence, err) ||
		!campaign_text(document, "basis", CAMPAIGN_WORD_MAX, &out->basis, err) ||
		!campaign_list(document, "tags", out->tags, &out->tag_count, err) ||
		!campaign_list(document, "sources", out->sources, &out->source_count, err) ||
		!campaign_list(document, "languages", out->languages, &out->language_count, err) ||
		!campaign_choices(json_get(document, "choices"), out, err) ||
		!campaign_panel(json_get(document, "panel"), out, err) ||
		!campaign_dedup(json_get(document, "dedup"), out, err) ||
		!campaign_budget(json_get(document, "budget"), out, err) ||
		!campaign_integer(document, "challenge_ms", 0, CAMPAIGN_WAIT_MOST_MS, &out->challenge_ms, err) ||
		!campaign_integer(document, "vesting_ms", 0, CAMPAIGN_WAIT_MOST_MS, &out->vesting_ms, err) ||
		!campaign_bool(document, "probation", &out->probation, err) ||
		!campaign_bool(document, "sample", &out->sample, err))
		return false;
	if (!out->question)
		return wn_fail(err, WN_INPUT, "campaign_question", "a campaign asks its validators a question");
	out->kind = window ? ITEM_WINDOW : ITEM_TEXT;
	return true;
}

int campaign_class(const struct campaign *campaign, const char *choice)
{
	for (int i = 0; i < campaign->choice_count; i++)
		if (strcmp(campaign->choices[i].name, choice) == 0)
			return i < campaign->class_count ? i : -1;
	return -2;
}
