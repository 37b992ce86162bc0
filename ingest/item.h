/* A submitted item: what it must hold, why it is refused, its canonical bytes and its id. Pure: no clock, no database.
 */
#ifndef INGEST_ITEM_H
#define INGEST_ITEM_H

#include "core/campaign.h"
#include "core/hash.h"
#include "core/json.h"

enum {
	ITEM_TEXT_MAX = 8192,	 /* bytes of a text; it is kept as it came, and must hold more than white space */
	ITEM_WINDOW_MAX = 32768, /* bytes of a window's canonical JSON */
	ITEM_SAMPLES_MAX = 512,
	ITEM_CHANNELS_MAX = 16,
	ITEM_EXPONENT_MAX = 12, /* of a channel, either sign */
	ITEM_TAGS_MAX = 32,
	ITEM_TAG_MAX = 64, /* bytes */
	ITEM_SOURCE_MAX = 32,
	ITEM_SOURCE_ID_MAX = 256,
	ITEM_DEVICE_MAX = 64,
	ITEM_NAME_MAX = 32, /* of a channel */
	ITEM_UNIT_MAX = 16,
	ITEM_LANGUAGE_ROOM = 16, /* "zh-Hant-TW" and its like */
	ITEM_AUTHOR_ROOM = 17,
	ITEM_LINE_MAX = 262144, /* bytes of one item as JSON: a whole window with white space fits */
	ITEM_DETAIL_MAX = 200,
};
/* A clock that runs ahead, a time zone forgotten: later than this is a mistake. */
#define ITEM_AHEAD_MS 86400000LL

/* In order of precedence: the first that applies is the answer. One table gives each its code and HTTP status. */
enum item_result {
	ITEM_DONE,
	ITEM_LINE_LONG,
	ITEM_NOT_JSON, /* the code is the parser's: json_syntax, json_utf8, json_surrogate, ... */
	ITEM_NOT_OBJECT,
	ITEM_MEMBER_UNKNOWN,
	ITEM_CAMPAIGN_CLOSED,
	ITEM_KIND_WRONG,
	ITEM_CONTENT_MISSING,
	ITEM_CONTENT_TWICE,
	ITEM_CONTENT_TYPE,
	ITEM_CONTENT_NUL,
	ITEM_CONTENT_EMPTY,
	ITEM_CONTENT_LONG,
	ITEM_WINDOW_SHAPE,
	ITEM_WINDOW_DEVICE,
	ITEM_WINDOW_CHANNEL,
	ITEM_WINDOW_SAMPLES,
	ITEM_WINDOW_SAMPLE,
	ITEM_WINDOW_ORDER,
	ITEM_WINDOW_LONG,
	ITEM_SOURCE_WRONG,
	ITEM_SOURCE_UNWANTED,
	ITEM_SOURCE_ID_WRONG,
	ITEM_LANGUAGE_WRONG,
	ITEM_LANGUAGE_UNWANTED,
	ITEM_LICENCE_UNKNOWN,
	ITEM_LICENCE_UNWANTED,
	ITEM_BASIS_UNKNOWN,
	ITEM_BASIS_UNWANTED,
	ITEM_PUBLISHED_WRONG,
	ITEM_PUBLISHED_AHEAD,
	ITEM_TAGS_WRONG,
	ITEM_SALT_WRONG,
	ITEM_SOURCE_ID_TAKEN, /* found by the store: another item of yours has this source and source_id */
	ITEM_RESULTS,
};
const char *item_result_code(enum item_result result); /* "item_content_empty" */
int item_result_status(enum item_result result);       /* 200, 400, 409, 413 */

/* What an item is checked against. */
struct item_rules {
	const struct campaign *campaign;
	bool closed;		  /* the campaign takes no more items */
	struct sha256 commitment; /* of the account that submits */
	int64_t now_ms;
};

struct item {
	enum item_kind kind;
	struct wn_slice content; /* the text, or the window's canonical JSON */
	const char *source, *source_id, *licence, *basis;
	char language[ITEM_LANGUAGE_ROOM];
	char author[ITEM_AUTHOR_ROOM];
	int64_t published_ms; /* 0: the submission does not say */
	const char *tags[ITEM_TAGS_MAX];
	int tag_count;
	bool has_salt;
	struct salt salt;
	struct wn_slice canonical;
	struct sha256 canonical_sha256;
};

struct item_answer {
	enum item_result result;
	char code[WN_CODE_MAX];
	char detail[ITEM_DETAIL_MAX];
};

/*
 * Members of a submission: content (a text, or a window {device, channels: [{name, unit, exponent}], samples: [[ms, n |
 * null, ...]]}), kind, source ("direct"), source_id (else taken from the content, so that sending again is harmless),
 * language (the campaign's only one, else "und"), licence and basis (the campaign's), published_ms (0: not said; of a
 * window its last sample), tags, salt (64 hex digits; else the node draws one). {"id", "text"} is the short form:
 * source_id and content of a recorded post. True with a filled item, or with answer->result naming the refusal; false
 * when the arena is full.
 */
bool item_check_json(struct wn_arena *arena, const char *json, size_t bytes, const struct item_rules *rules,
	struct item *out, struct item_answer *answer, struct wn_error *err);
/* The same for JSON that is parsed already. */
bool item_check(struct wn_arena *arena, const struct json *value, const struct item_rules *rules, struct item *out,
	struct item_answer *answer, struct wn_error *err);

/* The pseudonym under which a campaign shows an author: 16 hex digits of SHA-256("winnow/author/v1" 00 | commitment |
 * campaign). */
void item_author(char out[ITEM_AUTHOR_ROOM], const struct sha256 *commitment, const char *campaign);

#endif
