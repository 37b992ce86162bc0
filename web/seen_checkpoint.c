/* winnow-checkpoint: the newest checkpoint that the signer of a request has verified. A node that shows two journals is
 * found out by it. */
#include "web/seen_checkpoint.h"

#include <string.h>

#include "web/web_store.h"

bool seen_checkpoint_read(struct wn_slice field, int64_t *size, struct sha256 *root)
{
	size_t digits = 0;
	*size = 0;
	while (digits < field.bytes && field.data[digits] >= '0' && field.data[digits] <= '9')
		if (__builtin_mul_overflow(*size, 10, size) ||
			__builtin_add_overflow(*size, field.data[digits++] - '0', size))
			return false;
	if (digits == 0 || field.data[0] == '0' || field.bytes != digits + 1 + 2 * ID_BYTES ||
		field.data[digits] != ' ')
		return false;
	for (size_t i = digits + 1; i < field.bytes; i++)
		if (field.data[i] >= 'A' && field.data[i] <= 'F')
			return false;
	return hex_read(root->bytes, ID_BYTES, field.data + digits + 1, 2 * ID_BYTES);
}

bool seen_checkpoint_begin(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	struct wn_slice field = exchange_request_header(exchange, "winnow-checkpoint");
	struct sha256 root;
	bool known;
	*answered = false;
	if (!field.data || (exchange->route->access != ROUTE_SIGNED && exchange->route->access != ROUTE_ACCOUNT))
		return true;
	*answered = true;
	if (!seen_checkpoint_read(field, &exchange->seen_size, &root))
		return exchange_problem(exchange, 400, "checkpoint_malformed",
			"winnow-checkpoint is a checkpoint's size and its root in hex: \"120 5f2c...\".");
	if (!web_store_checkpoint_known(exchange->db, exchange->arena, exchange->seen_size, &root, &known, err))
		return false;
	if (!known)
		return exchange_problem(exchange, 409, "checkpoint_unknown",
			"This node never signed a checkpoint of %lld entries with the root that you verified: keep its "
			"note, somebody is shown another journal.",
			(long long)exchange->seen_size);
	*answered = false;
	return true;
}
