/* Checks what was submitted against limits and campaign, and writes the canonical bytes that the item id commits to. */
#include "ingest/item.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ingest/window.h"

struct item_row {
	const char *code;
	int status;
};
static const struct item_row item_rows[ITEM_RESULTS] = {
	[ITEM_DONE] = {"done", 200},
	[ITEM_LINE_LONG] = {"item_long", 413},
	[ITEM_NOT_JSON] = {"json_syntax", 400},
	[ITEM_NOT_OBJECT] = {"item_object", 400},
	[ITEM_MEMBER_UNKNOWN] = {"item_member", 400},
	[ITEM_CAMPAIGN_CLOSED] = {"campaign_closed", 409},
	[ITEM_KIND_WRONG] = {"item_kind", 400},
	[ITEM_CONTENT_MISSING] = {"item_content_missing", 400},
	[ITEM_CONTENT_TWICE] = {"item_content_twice", 400},
	[ITEM_CONTENT_TYPE] = {"item_content_type", 400},
	[ITEM_CONTENT_NUL] = {"item_content_nul", 400},
	[ITEM_CONTENT_EMPTY] = {"item_content_empty", 400},
	[ITEM_CONTENT_LONG] = {"item_content_long", 413},
	[ITEM_WINDOW_SHAPE] = {"window_members", 400},
	[ITEM_WINDOW_DEVICE] = {"window_device", 400},
	[ITEM_WINDOW_CHANNEL] = {"window_channels", 400},
	[ITEM_WINDOW_SAMPLES] = {"window_samples", 400},
	[ITEM_WINDOW_SAMPLE] = {"window_sample", 400},
	[ITEM_WINDOW_ORDER] = {"window_order", 400},
	[ITEM_WINDOW_LONG] = {"window_long", 413},
	[ITEM_SOURCE_WRONG] = {"item_source", 400},
	[ITEM_SOURCE_UNWANTED] = {"item_source_unwanted", 400},
	[ITEM_SOURCE_ID_WRONG] = {"item_source_id", 400},
	[ITEM_LANGUAGE_WRONG] = {"item_language", 400},
	[ITEM_LANGUAGE_UNWANTED] = {"item_language_unwanted", 400},
	[ITEM_LICENCE_UNKNOWN] = {"item_licence", 400},
	[ITEM_LICENCE_UNWANTED] = {"item_licence_unwanted", 400},
	[ITEM_BASIS_UNKNOWN] = {"item_basis", 400},
	[ITEM_BASIS_UNWANTED] = {"item_basis_unwanted", 400},
	[ITEM_PUBLISHED_WRONG] = {"item_published", 400},
	[ITEM_PUBLISHED_AHEAD] = {"item_published_ahead", 400},
	[ITEM_TAGS_WRONG] = {"item_tags", 400},
	[ITEM_SALT_WRONG] = {"item_salt", 400},
	[ITEM_SOURCE_ID_TAKEN] = {"source_id_taken", 409},
};

const char *item_result_code(enum item_result result)
{
	return item_rows[result].code;
}

int item_result_status(enum item_result result)
{
	return item_rows[result].status;
}

/* Ends a check: returns true because a refusal is an answer. */
static bool item_refuse(struct item_answer *answer, enum item_result result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static bool item_refuse(struct item_answer *answer, enum item_result result, const char *format, ...)
{
	va_list list;
	answer->result = result;
	snprintf(answer->code, sizeof answer->code, "%s", item_rows[result].code);
	va_start(list, format);
	vsnprintf(answer->detail, sizeof answer->detail, format, list);
	va_end(list);
	return true;
}

/* SPDX identifiers of licences that let data be passed on, some with conditions; "other" is for campaigns that say what
 * holds. */
static const char *const item_licences[] = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-2.0",
	"CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0",
	"CC0-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "DL-DE-BY-2.0", "DL-DE-ZERO-2.0",
	"etalab-2.0", "ISC", "MIT", "NLOD-2.0", "ODbL-1.0", "ODC-By-1.0", "OGL-Canada-2.0", "OGL-UK-3.0", "PDDL-1.0",
	"Unlicense", "other", NULL};
/* These ask for nothing, so they satisfy every campaign. */
static const char *const item_free_licences[] = {"CC0-1.0", "PDDL-1.0", "DL-DE-ZERO-2.0", NULL};
/* Why an item may be used: DESIGN.md 2. */
static const char *const item_bases[] = {
	"author_consent", "licence", "public_domain", "device_owner", "recorded", "sample", NULL};

static bool item_listed(const char *const list[], const char *word)
{
	for (size_t i = 0; list[i]; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return false;
}

static bool item_wanted(const char *const list[], int count, const char *word)
{
	for (int i = 0; i < count; i++)
		if (strcmp(list[i], word) == 0)
			return true;
	return count == 0;
}

static bool has_control(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return true;
	return false;
}

/* Letters or digits only, of the count that a part of a language tag may have. */
static bool language_part(const char *part, size_t bytes, size_t least, size_t most, bool digits)
{
	if (bytes < least || bytes > most)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		char c = part[i];
		if (!(digits ? c >= '0' && c <= '9' : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
			return false;
	}
	return true;
}

/* language[-Script][-REGION] of BCP 47, written the recommended way into out; false for all else. */
static bool language_read(const char *text, char out[ITEM_LANGUAGE_ROOM])
{
	size_t bytes = strlen(text), at = 0;
	int step = 0;
	if (bytes >= ITEM_LANGUAGE_ROOM)
		return false;
	while (at <= bytes) {
		size_t part = strcspn(text + at, "-");
		if (step == 0 && language_part(text + at, part, 2, 3, false))
			step = 1;
		else if (step == 1 && language_part(text + at, part, 4, 4, false))
			step = 2;
		else if ((step == 1 || step == 2) &&
			 (language_part(text + at, part, 2, 2, false) || language_part(text + at, part, 3, 3, true)))
			step = 3;
		else
			return false;
		for (size_t i = 0; i < part; i++) {
			char c = text[at + i];
			bool upper = step == 3 || (step == 2 && i == 0);
			if (upper && c >= 'a' && c <= 'z')
				c = (char)(c - 'a' + 'A');
			else if (!upper && c >= 'A' && c <= 'Z')
				c = (char)(c - 'A' + 'a');
			out[at + i] = c;
		}
		at += part;
		out[at] = at < bytes ? '-' : '\0';
		at++;
	}
	return true;
}

/* "en" wants en and en-GB; an item that does not say ("und") is the validators' business. */
static bool language_wanted(const struct campaign *campaign, const char *language)
{
	if (campaign->language_count == 0 || strcmp(language, "und") == 0)
		return true;
	for (int i = 0; i < campaign->language_count; i++) {
		size_t bytes = strlen(campaign->languages[i]);
		if (strncasecmp(campaign->languages[i], language, bytes) == 0 &&
			(language[bytes] == '\0' || language[bytes] == '-'))
			return true;
	}
	return false;
}

static bool check_text(const struct json *content, struct item *out, struct item_answer *answer)
{
	if (content->type != JSON_STRING)
		return item_refuse(answer, ITEM_CONTENT_TYPE, "content is a text in this campaign");
	if (memchr(content->text.data, '\0', content->text.bytes))
		return item_refuse(answer, ITEM_CONTENT_NUL, "a text holds no NUL character; remove it");
	if (strspn(content->text.data, " \t\r\n\v\f") == content->text.bytes)
		return item_refuse(answer, ITEM_CONTENT_EMPTY, "the text is empty");
	if (content->text.bytes > ITEM_TEXT_MAX)
		return item_refuse(answer, ITEM_CONTENT_LONG, "a text has at most %d bytes, this one %zu",
			ITEM_TEXT_MAX, content->text.bytes);
	out->content = content->text;
	return true;
}

/* What a window holds that the canonical form may take from it when the submission does not say. */
static bool check_window(struct wn_arena *arena, const struct json *content, struct item *out,
	struct item_answer *answer, struct wn_error *err)
{
	struct window_summary summary;
	char detail[ITEM_DETAIL_MAX] = "";
	if (content->type != JSON_OBJECT)
		return item_refuse(
			answer, ITEM_CONTENT_TYPE, "content is a window in this campaign: {device, channels, samples}");
	enum item_result result = window_check(content, &summary, detail);
	if (result != ITEM_DONE)
		return item_refuse(answer, result, "%s", detail);
	if (!jcs_write(arena, content, &out->content, err))
		return wn_while(err, "write a window's canonical form");
	if (out->content.bytes > ITEM_WINDOW_MAX)
		return item_refuse(answer, ITEM_WINDOW_LONG,
			"a window has at most %d bytes of canonical JSON, this one %zu: send it in parts",
			ITEM_WINDOW_MAX, out->content.bytes);
	out->published_ms = summary.last_ms;
	out->source_id = wn_arena_printf(arena, "%s/%" PRId64, summary.device, summary.first_ms);
	return out->source_id || wn_fail(err, WN_FULL, "memory", "no room for an item");
}

static bool check_content(struct wn_arena *arena, const struct json *value, const struct item_rules *rules,
	struct item *out, struct item_answer *answer, struct wn_error *err)
{
	static const char *const kinds[] = {"text", "window"};
	const char *wanted = kinds[rules->campaign->kind];
	const struct json *content = json_get(value, "content"), *text = json_get(value, "text"),
			  *kind = json_get(value, "kind");
	out->kind = rules->campaign->kind;
	if (kind && (!json_string(kind) || strcmp(json_string(kind), wanted) != 0))
		return item_refuse(
			answer, ITEM_KIND_WRONG, "kind is \"%s\" in this campaign; it may be left out", wanted);
	if (!content && !text)
		return item_refuse(answer, ITEM_CONTENT_MISSING, "the item has no content");
	if (content && text)
		return item_refuse(answer, ITEM_CONTENT_TWICE, "give content or text, not both");
	if (!content)
		content = text;
	if (out->kind == ITEM_WINDOW)
		return check_window(arena, content, out, answer, err);
	check_text(content, out, answer);
	if (answer->result != ITEM_DONE)
		return true;
	struct sha256 hash;
	char hex[ID_HEX_ROOM];
	sha256_of(out->content.data, out->content.bytes, &hash);
	out->source_id = wn_arena_copy(arena, hex_write(hex, hash.bytes, ID_BYTES), ID_BYTES);
	return out->source_id || wn_fail(err, WN_FULL, "memory", "no room for an item");
}

static bool check_source(
	const struct json *value, const struct item_rules *rules, struct item *out, struct item_answer *answer)
{
	const struct json *id = json_get(value, "source_id"), *short_id = json_get(value, "id");
	out->source = json_member_string(value, "source", "direct");
	size_t bytes = out->source ? strlen(out->source) : 0;
	if (bytes < 1 || bytes > ITEM_SOURCE_MAX ||
		strspn(out->source, "abcdefghijklmnopqrstuvwxyz0123456789_-") != bytes)
		return item_refuse(
			answer, ITEM_SOURCE_WRONG, "source is 1 to %d of a-z, 0-9, _ and -", ITEM_SOURCE_MAX);
	if (!item_wanted(rules->campaign->sources, rules->campaign->source_count, out->source))
		return item_refuse(answer, ITEM_SOURCE_UNWANTED, "this campaign does not collect from %s", out->source);
	if (id && short_id)
		return item_refuse(answer, ITEM_SOURCE_ID_WRONG, "give source_id or id, not both");
	if (!id && !short_id)
		return true;
	out->source_id = json_string(id ? id : short_id);
	bytes = out->source_id ? strlen(out->source_id) : 0;
	if (bytes < 1 || bytes > ITEM_SOURCE_ID_MAX || has_control(out->source_id))
		return item_refuse(answer, ITEM_SOURCE_ID_WRONG,
			"source_id is a text of 1 to %d bytes without control characters", ITEM_SOURCE_ID_MAX);
	return true;
}

static bool check_language(
	const struct json *value, const struct item_rules *rules, struct item *out, struct item_answer *answer)
{
	const struct campaign *campaign = rules->campaign;
	const char *language =
		json_member_string(value, "language", campaign->language_count == 1 ? campaign->languages[0] : "und");
	if (!language || !language_read(language, out->language))
		return item_refuse(answer, ITEM_LANGUAGE_WRONG,
			"language is a tag such as en, pt-BR or zh-Hant, or und when it is not known");
	if (!language_wanted(campaign, out->language))
		return item_refuse(
			answer, ITEM_LANGUAGE_UNWANTED, "this campaign does not collect items in %s", out->language);
	return true;
}

static bool check_ground(
	const struct json *value, const struct item_rules *rules, struct item *out, struct item_answer *answer)
{
	const struct campaign *campaign = rules->campaign;
	out->licence = json_member_string(value, "licence", campaign->licence);
	/* What the campaign itself declares needs no place in the tables: its journal entry shows it. */
	if (!out->licence ||
		(strcmp(out->licence, campaign->licence) != 0 && !item_listed(item_licences, out->licence)))
		return item_refuse(answer, ITEM_LICENCE_UNKNOWN,
			"licence is an SPDX identifier of an open licence (CC-BY-4.0, CC0-1.0, ...) or other");
	if (strcmp(campaign->licence, "other") != 0 && strcmp(campaign->licence, out->licence) != 0 &&
		!item_listed(item_free_licences, out->licence))
		return item_refuse(answer, ITEM_LICENCE_UNWANTED,
			"this campaign publishes under %.60s, which %s does not permit", campaign->licence,
			out->licence);
	out->basis = json_member_string(value, "basis", campaign->basis);
	if (!out->basis || (strcmp(out->basis, campaign->basis) != 0 && !item_listed(item_bases, out->basis)))
		return item_refuse(answer, ITEM_BASIS_UNKNOWN,
			"basis says why the item may be used: author_consent, licence, public_domain, "
			"device_owner, recorded or sample");
	if (strcmp(out->basis, campaign->basis) != 0)
		return item_refuse(answer, ITEM_BASIS_UNWANTED, "this campaign takes items on the basis %.60s only",
			campaign->basis);
	return true;
}

static bool check_published(
	const struct json *value, const struct item_rules *rules, struct item *out, struct item_answer *answer)
{
	const struct json *published = json_get(value, "published_ms");
	if (published && (!json_integer(published, &out->published_ms) || out->published_ms < 0))
		return item_refuse(answer, ITEM_PUBLISHED_WRONG,
			"published_ms is Unix time in milliseconds as a whole number, 0 when it is not known");
	if (out->published_ms > rules->now_ms + ITEM_AHEAD_MS)
		return item_refuse(answer, ITEM_PUBLISHED_AHEAD,
			"published_ms lies more than a day ahead; are these seconds, or a wrong clock?");
	return true;
}

static bool check_tags(const struct json *value, struct item *out, struct item_answer *answer)
{
	const struct json *tags = json_get(value, "tags");
	if (!tags)
		return true;
	if (tags->type != JSON_ARRAY || tags->count > ITEM_TAGS_MAX)
		return item_refuse(answer, ITEM_TAGS_WRONG, "tags lists at most %d texts", ITEM_TAGS_MAX);
	for (size_t i = 0; i < tags->count; i++) {
		const char *tag = json_string(tags->elements[i]);
		if (!tag || *tag == '\0' || strlen(tag) > ITEM_TAG_MAX || has_control(tag))
			return item_refuse(answer, ITEM_TAGS_WRONG,
				"tags[%zu] is not a text of 1 to %d bytes without control characters", i, ITEM_TAG_MAX);
		for (size_t j = 0; j < i; j++)
			if (strcmp(tag, out->tags[j]) == 0)
				return item_refuse(answer, ITEM_TAGS_WRONG, "tags[%zu] stands there already", i);
		out->tags[out->tag_count++] = tag;
	}
	return true;
}

static bool check_salt(const struct json *value, struct item *out, struct item_answer *answer)
{
	const struct json *salt = json_get(value, "salt");
	const char *hex = json_string(salt);
	out->has_salt = salt != NULL;
	if (salt && (!hex || !hex_read(out->salt.bytes, ID_BYTES, hex, strlen(hex))))
		return item_refuse(answer, ITEM_SALT_WRONG,
			"salt is %d hex digits; leave it out and the node draws one", 2 * ID_BYTES);
	return true;
}

void item_author(char out[ITEM_AUTHOR_ROOM], const struct sha256 *commitment, const char *campaign)
{
	struct hash_layout layout;
	struct sha256 hash;
	hash_tag(&layout, "winnow/author/v1");
	hash_field(&layout, commitment->bytes, ID_BYTES);
	hash_field(&layout, campaign, strlen(campaign));
	hash_done(&layout, &hash);
	hex_write(out, hash.bytes, (ITEM_AUTHOR_ROOM - 1) / 2);
}

/* Members are written in RFC 8785's order and with its escapes, so nothing needs to be sorted or read again. */
static bool item_canonical(struct wn_arena *arena, struct item *item, struct wn_error *err)
{
	static const char *const kinds[] = {"text", "window"};
	struct json_writer writer;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "author", item->author);
	json_put_string(&writer, "basis", item->basis);
	if (item->kind == ITEM_TEXT)
		json_put_slice(&writer, "content", item->content);
	else
		json_put_raw(&writer, "content", item->content);
	json_put_string(&writer, "kind", kinds[item->kind]);
	json_put_string(&writer, "language", item->language);
	json_put_string(&writer, "licence", item->licence);
	json_put_integer(&writer, "published_ms", item->published_ms);
	json_put_string(&writer, "source", item->source);
	json_put_string(&writer, "source_id", item->source_id);
	json_open_array(&writer, "tags");
	for (int i = 0; i < item->tag_count; i++)
		json_put_string(&writer, NULL, item->tags[i]);
	json_close_array(&writer);
	json_close_object(&writer);
	if (!json_end(&writer, &item->canonical, err))
		return wn_while(err, "write an item's canonical form");
	sha256_of(item->canonical.data, item->canonical.bytes, &item->canonical_sha256);
	return true;
}

bool item_check(struct wn_arena *arena, const struct json *value, const struct item_rules *rules, struct item *out,
	struct item_answer *answer, struct wn_error *err)
{
	static const char *const members[] = {"content", "text", "kind", "source", "source_id", "id", "language",
		"licence", "basis", "published_ms", "tags", "salt", NULL};
	struct wn_slice unknown;
	*answer = (struct item_answer){.result = ITEM_DONE};
	memset(out, 0, sizeof *out);
	if (value->type != JSON_OBJECT)
		return item_refuse(answer, ITEM_NOT_OBJECT, "an item is a JSON object: {\"content\": \"...\"}");
	if (!json_only_members(value, members, &unknown))
		return item_refuse(answer, ITEM_MEMBER_UNKNOWN, "an item has no member \"%.*s\"",
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
	if (rules->closed)
		return item_refuse(
			answer, ITEM_CAMPAIGN_CLOSED, "the campaign %s takes no more items", rules->campaign->name);
	if (!check_content(arena, value, rules, out, answer, err))
		return false;
	if (answer->result == ITEM_DONE)
		check_source(value, rules, out, answer);
	if (answer->result == ITEM_DONE)
		check_language(value, rules, out, answer);
	if (answer->result == ITEM_DONE)
		check_ground(value, rules, out, answer);
	if (answer->result == ITEM_DONE)
		check_published(value, rules, out, answer);
	if (answer->result == ITEM_DONE)
		check_tags(value, out, answer);
	if (answer->result == ITEM_DONE)
		check_salt(value, out, answer);
	if (answer->result != ITEM_DONE)
		return true;
	item_author(out->author, &rules->commitment, rules->campaign->name);
	return item_canonical(arena, out, err);
}

bool item_check_json(struct wn_arena *arena, const char *json, size_t bytes, const struct item_rules *rules,
	struct item *out, struct item_answer *answer, struct wn_error *err)
{
	const struct json *value;
	*answer = (struct item_answer){.result = ITEM_DONE};
	if (bytes > ITEM_LINE_MAX)
		return item_refuse(answer, ITEM_LINE_LONG, "an item has at most %d bytes of JSON", ITEM_LINE_MAX);
	if (json_parse(arena, json, bytes, &value, err))
		return item_check(arena, value, rules, out, answer, err);
	if (err->blame != WN_INPUT)
		return false;
	item_refuse(answer, ITEM_NOT_JSON, "%.*s", ITEM_DETAIL_MAX - 1, err->text);
	snprintf(answer->code, sizeof answer->code, "%s", err->code);
	wn_error_reset(err);
	return true;
}
