/* Receipts: what the node promised about a leaf, signed, so that a leaf left out of the journal can be shown to
 * anybody. */
#include "core/journal.h"

#include <string.h>

#include "core/hash.h"

/* "winnow/receipt/v1" 00 | network id | leaf hash | time_ms u64 LE: these bytes are signed as they are. */
static void receipt_layout(
	struct hash_layout *layout, const struct network_id *network, const struct sha256 *leaf, int64_t time_ms)
{
	hash_tag(layout, "winnow/receipt/v1");
	hash_field(layout, network->bytes, ID_BYTES);
	hash_field(layout, leaf->bytes, ID_BYTES);
	hash_u64(layout, (uint64_t)time_ms);
}

bool receipt_write(struct wn_arena *arena, const struct network_id *network, const struct sign_key *key,
	const struct sha256 *leaf, int64_t now_ms, struct wn_slice *out, struct wn_error *err)
{
	struct hash_layout layout;
	struct signature signature;
	struct json_writer writer;
	wn_assert(now_ms >= 0);
	wn_assert(now_ms <= JSON_INTEGER_MAX);
	receipt_layout(&layout, network, leaf, now_ms);
	sign_bytes(key, layout.bytes, layout.count, &signature);
	/* In the order of RFC 8785, so that a receipt is its own canonical form. */
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_hex(&writer, "leaf_hash", leaf->bytes, ID_BYTES);
	json_put_hex(&writer, "network_id", network->bytes, ID_BYTES);
	json_put_hex(&writer, "signature", signature.bytes, SIGNATURE_BYTES);
	json_put_integer(&writer, "time_ms", now_ms);
	json_close_object(&writer);
	return json_end(&writer, out, err) || wn_while(err, "write a receipt");
}

static bool read_member(const struct json *receipt, const char *name, void *out, size_t bytes)
{
	const char *hex = json_member_string(receipt, name, NULL);
	return hex && hex_read(out, bytes, hex, strlen(hex));
}

bool receipt_check(const struct json *receipt, const struct network_id *network, const struct account_key *key,
	struct wn_error *err)
{
	static const char *const members[] = {"leaf_hash", "network_id", "signature", "time_ms", NULL};
	struct hash_layout layout;
	struct network_id named;
	struct sha256 leaf;
	struct signature signature;
	struct wn_slice unknown;
	int64_t time_ms;
	if (!receipt || receipt->type != JSON_OBJECT || !json_only_members(receipt, members, &unknown) ||
		!read_member(receipt, "leaf_hash", leaf.bytes, ID_BYTES) ||
		!read_member(receipt, "network_id", named.bytes, ID_BYTES) ||
		!read_member(receipt, "signature", signature.bytes, SIGNATURE_BYTES) ||
		!json_integer(json_get(receipt, "time_ms"), &time_ms) || time_ms < 0)
		return wn_fail(err, WN_INPUT, "receipt_syntax",
			"a receipt has leaf_hash, network_id, signature and time_ms, and nothing else");
	if (id_compare(&named, network) != 0)
		return wn_fail(err, WN_INPUT, "receipt_network", "the receipt is of another network");
	receipt_layout(&layout, network, &leaf, time_ms);
	return sign_verify(key, layout.bytes, layout.count, &signature) ||
	       wn_fail(err, WN_INPUT, "receipt_signature", "the node did not sign this receipt");
}
