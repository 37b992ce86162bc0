/* Fuzz entry: a submission's line for a campaign of texts and one of windows; what is accepted has canonical bytes,
 * what is refused a code. */
#include <string.h>

#include "core/json.h"
#include "ingest/decimal.h"
#include "ingest/item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { FUZZ_ITEM_ARENA_MAX = 64 << 20 };

static void fuzz_item(enum item_kind kind, const uint8_t *data, size_t bytes)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct campaign campaign = {
		.name = "fuzz", .kind = kind, .licence = "CC-BY-4.0", .basis = "author_consent", .question = "?"};
	struct item_rules rules = {.campaign = &campaign, .now_ms = 1767225600000};
	struct item item;
	struct item_answer answer;
	wn_arena_init(&arena, FUZZ_ITEM_ARENA_MAX);
	/* A line is bounded, so the arena is never the one to refuse it: neighbours would pay for that. */
	wn_assert(item_check_json(&arena, (const char *)data, bytes, &rules, &item, &answer, &err));
	if (answer.result == ITEM_DONE) {
		wn_assert(jcs_check(&arena, item.canonical.data, item.canonical.bytes, &err));
		wn_assert(item.content.bytes <= (kind == ITEM_TEXT ? ITEM_TEXT_MAX : ITEM_WINDOW_MAX));
		/* PostgreSQL holds no NUL in a text. */
		wn_assert(!memchr(item.content.data, '\0', item.content.bytes));
	} else {
		wn_assert(answer.code[0] != '\0');
		wn_assert(item_result_status(answer.result) >= 400);
	}
	wn_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct decimal decimal;
	int64_t same;
	fuzz_item(ITEM_TEXT, data, bytes);
	fuzz_item(ITEM_WINDOW, data, bytes);
	if (decimal_read((const char *)data, bytes, &decimal)) {
		wn_assert(decimal_at(&decimal, decimal.exponent, &same));
		wn_assert(same == decimal.mantissa);
	}
	return 0;
}
