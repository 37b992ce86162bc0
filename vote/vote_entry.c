/* Journal entries of vote/: sealed to canonical bytes and leaf hash first, because rows point at the leaf. */
#include "vote/vote_entry.h"

#include "core/journal.h"
#include "core/sign.h"
#include "core/tree.h"

bool vote_entry_seal(struct json_writer *writer, struct wn_arena *arena, struct vote_entry *out, struct wn_error *err)
{
	struct wn_slice text;
	json_close_object(writer);
	if (!json_end(writer, &text, err) || !jcs_canonical(arena, text.data, text.bytes, &out->body, err))
		return wn_while(err, "write a journal entry");
	tree_leaf(out->body.data, out->body.bytes, &out->leaf);
	return true;
}

bool vote_entry_append(struct db *db, struct wn_arena *arena, const struct vote_entry *entry, struct wn_error *err)
{
	struct sha256 leaf;
	if (!journal_append(db, arena, entry->body, &leaf, err))
		return false;
	wn_assert(id_compare(&leaf, &entry->leaf) == 0);
	return true;
}

void vote_entry_put_round(struct json_writer *writer, const struct round_key *key)
{
	json_put_hex(writer, "item", key->item.bytes, ID_BYTES);
	json_put_integer(writer, "round", key->round);
}

bool vote_entry_rounds_seal(struct wn_arena *arena, const struct round_opening *openings, size_t count, int64_t now_ms,
	struct vote_entry *out, struct wn_error *err)
{
	struct json_writer writer;
	wn_assert(count <= VOTE_ENTRY_ROUNDS_MAX);
	journal_entry_begin(&writer, arena, "rounds", now_ms);
	json_open_array(&writer, "rounds");
	for (size_t i = 0; i < count; i++) {
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &openings[i].key);
		json_put_string(&writer, "campaign", openings[i].campaign);
		json_put_string(&writer, "kind", openings[i].kind == ROUND_PANEL ? "panel" : "audit");
		json_put_integer(&writer, "seats", openings[i].seats);
		json_put_integer(&writer, "commit_until_ms", openings[i].commit_until_ms);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	return vote_entry_seal(&writer, arena, out, err);
}

bool vote_entry_rounds(struct db *db, struct wn_arena *arena, const struct round_opening *openings, size_t count,
	int64_t now_ms, struct wn_error *err)
{
	struct vote_entry entry;
	for (size_t at = 0; at < count; at += VOTE_ENTRY_ROUNDS_MAX) {
		size_t some = count - at < VOTE_ENTRY_ROUNDS_MAX ? count - at : VOTE_ENTRY_ROUNDS_MAX;
		if (!vote_entry_rounds_seal(arena, openings + at, some, now_ms, &entry, err) ||
			!vote_entry_append(db, arena, &entry, err))
			return false;
	}
	return true;
}

bool vote_entry_seats_left(struct db *db, struct wn_arena *arena, const char *cause, const struct seat_left *left,
	size_t count, int64_t now_ms, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer writer;
	struct vote_entry entry;
	char did[DID_ROOM];
	if (count == 0)
		return true;
	journal_entry_begin(&writer, arena, "seat_left", now_ms);
	json_put_string(&writer, "cause", cause);
	json_open_array(&writer, "seats");
	for (size_t i = 0; i < count; i++) {
		did_write(did, &left[i].voter);
		json_open_object(&writer, NULL);
		vote_entry_put_round(&writer, &left[i].key);
		json_put_string(&writer, "voter", did);
		json_put_bool(&writer, "bond", left[i].has_bond);
		json_close_object(&writer);
	}
	json_close_array(&writer);
	if (!vote_entry_seal(&writer, arena, &entry, err) || !vote_entry_append(db, arena, &entry, err))
		return false;
	if (leaf)
		*leaf = entry.leaf;
	return true;
}
