/* Signature, account and roles of a request, in this order. */
#include "web/auth.h"

/* A client that did not sign, or signed wrongly, learns what is asked for (RFC 9110 wants the first with every 401). */
static void auth_ask(struct exchange *exchange)
{
	const char *tag = exchange->node->network_tag;
	char *challenge = wn_arena_printf(exchange->arena, "Signature realm=\"%s\"", tag);
	char *accept = wn_arena_printf(exchange->arena,
		"sig1=(\"@method\" \"@authority\" \"@path\" \"@query\"%s);created;keyid;"
		"alg=\"ed25519\";tag=\"%s\"",
		exchange->request.body.bytes ? " \"content-digest\" \"content-type\"" : "", tag);
	if (challenge)
		exchange_header(exchange, "WWW-Authenticate", wn_slice_of(challenge));
	if (accept)
		exchange_header(exchange, "Accept-Signature", wn_slice_of(accept));
}

static bool auth_wanted(const struct exchange *exchange)
{
	if (exchange->route->access == ROUTE_SIGNED || exchange->route->access == ROUTE_ACCOUNT)
		return true;
	/* A signature that is there must hold, even where none is asked for. */
	return exchange_request_header(exchange, "signature").data ||
	       exchange_request_header(exchange, "signature-input").data;
}

bool auth_signature(struct exchange *exchange, bool *answered, struct wn_error *err)
{
	const struct route *route = exchange->route;
	*answered = true;
	if (route->access == ROUTE_OPERATOR && !exchange->by_operator)
		return exchange_problem(exchange, 403, "operator_only",
			"This route answers only on the node's own socket (run/operator.sock in its "
			"state folder).");
	*answered = false;
	if (!auth_wanted(exchange))
		return true;
	exchange->is_signed = httpsig_verify(exchange->arena, &exchange->request, exchange->node->network_tag,
		exchange->now_ms, &exchange->signature, err);
	if (exchange->is_signed)
		return true;
	if (err->blame != WN_INPUT)
		return false;
	*answered = true;
	exchange_problem(exchange, 401, err->code, "%s", err->text);
	auth_ask(exchange);
	return true;
}

bool auth_account(struct exchange *exchange)
{
	const struct route *route = exchange->route;
	if (!exchange->is_signed)
		return false;
	if (route->access == ROUTE_ACCOUNT && !exchange->has_account)
		return exchange_problem(
			exchange, 403, "account_unknown", "This key is not registered here: POST /v1/accounts first.");
	if (route->roles && !(exchange->has_account && (exchange->account.roles & route->roles)))
		return exchange_problem(
			exchange, 403, "role_missing", "This account does not have the role that this request needs.");
	return false;
}
